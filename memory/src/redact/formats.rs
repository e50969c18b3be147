//! What secrets look like: one line for each form, with the source of it. Forms that anything else has too, as a bare UUID
//! or a hash does, are absent: they count only where a name says that they are secret.

/// What characters may follow a prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Alphabet {
    /// `0`–`9` and `a`–`f`.
    Hex,
    /// `A`–`Z` and `0`–`9`.
    Upper,
    /// Letters and digits.
    Alnum,
    /// Letters, digits, `_` and `-`.
    Url,
    /// Those and `.`, `=`, `+` and `/`.
    Any,
}

impl Alphabet {
    pub(super) fn has(self, byte: u8) -> bool {
        match self {
            Alphabet::Hex => byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte),
            Alphabet::Upper => byte.is_ascii_digit() || byte.is_ascii_uppercase(),
            Alphabet::Alnum => byte.is_ascii_alphanumeric(),
            Alphabet::Url => byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'),
            Alphabet::Any => byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'=' | b'+' | b'/'),
        }
    }
}

/// A token that its prefix gives away.
#[derive(Debug)]
pub(super) struct Format {
    /// What it begins with.
    pub(super) prefix: &'static str,
    /// What follows.
    pub(super) alphabet: Alphabet,
    /// How many characters follow at least.
    pub(super) least: usize,
    /// How many follow at most: more of them are something else.
    pub(super) most: usize,
    /// Whose it is.
    pub(super) kind: &'static str,
}

const fn at_least(kind: &'static str, prefix: &'static str, alphabet: Alphabet, least: usize) -> Format {
    Format { prefix, alphabet, least, most: usize::MAX, kind }
}

const fn exactly(kind: &'static str, prefix: &'static str, alphabet: Alphabet, count: usize) -> Format {
    Format { prefix, alphabet, least: count, most: count, kind }
}

/// The forms. Where one prefix begins with another, the longer comes first.
pub(super) static FORMATS: &[Format] = &[
    // AWS, "IAM identifiers", unique identifiers: access keys, temporary ones, bearer tokens, context-specific credentials.
    exactly("AWS key", "AKIA", Alphabet::Upper, 16),
    exactly("AWS key", "ASIA", Alphabet::Upper, 16),
    exactly("AWS key", "ABIA", Alphabet::Upper, 16),
    exactly("AWS key", "ACCA", Alphabet::Upper, 16),
    // GitHub, "Behind GitHub's new authentication token formats" (2021) and "Fine-grained personal access tokens" (2022).
    at_least("GitHub token", "github_pat_", Alphabet::Url, 40),
    at_least("GitHub token", "ghp_", Alphabet::Url, 36),
    at_least("GitHub token", "gho_", Alphabet::Url, 36),
    at_least("GitHub token", "ghu_", Alphabet::Url, 36),
    at_least("GitHub token", "ghs_", Alphabet::Any, 36),
    at_least("GitHub token", "ghr_", Alphabet::Url, 36),
    // GitLab, "Token overview", token prefixes.
    at_least("GitLab token", "glpat-", Alphabet::Any, 20),
    at_least("GitLab token", "gldt-", Alphabet::Any, 20),
    at_least("GitLab token", "glrt-", Alphabet::Any, 20),
    at_least("GitLab token", "glcbt-", Alphabet::Any, 20),
    at_least("GitLab token", "glptt-", Alphabet::Any, 20),
    at_least("GitLab token", "glft-", Alphabet::Any, 20),
    at_least("GitLab token", "glimt-", Alphabet::Any, 20),
    at_least("GitLab token", "glagent-", Alphabet::Any, 20),
    at_least("GitLab token", "gloas-", Alphabet::Any, 20),
    at_least("GitLab token", "glsoat-", Alphabet::Any, 20),
    // Slack, "Token types".
    at_least("Slack token", "xoxb-", Alphabet::Url, 20),
    at_least("Slack token", "xoxp-", Alphabet::Url, 20),
    at_least("Slack token", "xoxa-", Alphabet::Url, 20),
    at_least("Slack token", "xoxr-", Alphabet::Url, 20),
    at_least("Slack token", "xoxs-", Alphabet::Url, 20),
    at_least("Slack token", "xoxc-", Alphabet::Url, 20),
    at_least("Slack token", "xoxd-", Alphabet::Any, 20),
    at_least("Slack token", "xoxe.", Alphabet::Any, 20),
    at_least("Slack token", "xoxe-", Alphabet::Url, 20),
    at_least("Slack token", "xapp-", Alphabet::Url, 20),
    // Slack, "Sending messages using incoming webhooks": the path is the secret.
    at_least("Slack webhook", "hooks.slack.com/services/", Alphabet::Any, 20),
    // Stripe, "API keys" and "Webhook signatures"; `pk_` keys are public.
    at_least("Stripe key", "sk_live_", Alphabet::Alnum, 16),
    at_least("Stripe key", "sk_test_", Alphabet::Alnum, 16),
    at_least("Stripe key", "rk_live_", Alphabet::Alnum, 16),
    at_least("Stripe key", "rk_test_", Alphabet::Alnum, 16),
    at_least("Stripe key", "whsec_", Alphabet::Any, 24),
    // Anthropic, "API keys"; OpenRouter, "Authentication"; OpenAI, "API keys" (projects, service accounts, administration).
    at_least("Anthropic key", "sk-ant-", Alphabet::Url, 20),
    at_least("OpenRouter key", "sk-or-", Alphabet::Url, 32),
    at_least("OpenAI key", "sk-proj-", Alphabet::Url, 20),
    at_least("OpenAI key", "sk-svcacct-", Alphabet::Url, 20),
    at_least("OpenAI key", "sk-admin-", Alphabet::Url, 20),
    at_least("API key", "sk-", Alphabet::Alnum, 32),
    // Google Cloud, "Manage API keys"; Google Identity, "OAuth 2.0": client secrets, access tokens.
    exactly("Google key", "AIza", Alphabet::Url, 35),
    at_least("Google secret", "GOCSPX-", Alphabet::Url, 20),
    at_least("Google token", "ya29.", Alphabet::Url, 20),
    // npm, "New npm access token format" (2021); PyPI, "API tokens": a macaroon, whose head is always the same.
    at_least("npm token", "npm_", Alphabet::Alnum, 36),
    at_least("PyPI token", "pypi-AgE", Alphabet::Url, 40),
    // crates.io, token format of 2020; RubyGems, "API key scopes"; Docker Hub, "Access tokens"; Hugging Face, "User tokens".
    exactly("crates.io token", "cio", Alphabet::Alnum, 32),
    exactly("RubyGems key", "rubygems_", Alphabet::Hex, 48),
    at_least("Docker token", "dckr_pat_", Alphabet::Url, 20),
    at_least("Hugging Face token", "hf_", Alphabet::Alnum, 30),
    // Models: Groq, xAI, Perplexity, Replicate, each under "API keys".
    at_least("Groq key", "gsk_", Alphabet::Alnum, 40),
    at_least("xAI key", "xai-", Alphabet::Alnum, 60),
    at_least("Perplexity key", "pplx-", Alphabet::Alnum, 40),
    at_least("Replicate token", "r8_", Alphabet::Alnum, 30),
    // SendGrid and Twilio, "API keys"; Mailgun, "API keys"; Shopify, "Access token format"; Square, "Access tokens".
    at_least("SendGrid key", "SG.", Alphabet::Any, 60),
    exactly("Twilio key", "SK", Alphabet::Hex, 32),
    exactly("Mailgun key", "key-", Alphabet::Hex, 32),
    at_least("Shopify token", "shpat_", Alphabet::Hex, 32),
    at_least("Shopify token", "shpca_", Alphabet::Hex, 32),
    at_least("Shopify token", "shppa_", Alphabet::Hex, 32),
    at_least("Shopify secret", "shpss_", Alphabet::Hex, 32),
    at_least("Square token", "sq0atp-", Alphabet::Url, 20),
    at_least("Square secret", "sq0csp-", Alphabet::Url, 20),
    // Platforms: DigitalOcean (token prefixes), Databricks, Heroku, Fly, Supabase, Netlify, Tailscale, PlanetScale.
    at_least("DigitalOcean token", "dop_v1_", Alphabet::Hex, 64),
    at_least("DigitalOcean token", "doo_v1_", Alphabet::Hex, 64),
    at_least("DigitalOcean token", "dor_v1_", Alphabet::Hex, 64),
    at_least("Databricks token", "dapi", Alphabet::Hex, 32),
    at_least("Heroku key", "HRKU-", Alphabet::Url, 30),
    at_least("Fly token", "fm2_", Alphabet::Any, 40),
    at_least("Supabase token", "sbp_", Alphabet::Hex, 40),
    at_least("Netlify token", "nfp_", Alphabet::Alnum, 30),
    at_least("Tailscale key", "tskey-", Alphabet::Url, 20),
    at_least("PlanetScale token", "pscale_tkn_", Alphabet::Any, 30),
    at_least("PlanetScale password", "pscale_pw_", Alphabet::Any, 30),
    // Tools: HashiCorp Vault ("Tokens"), Grafana ("Service account tokens"), Sentry ("Auth tokens"), Postman, Linear, Notion,
    // Figma, Atlassian, New Relic, Doppler, age (the key format of its specification).
    at_least("Vault token", "hvs.", Alphabet::Url, 24),
    at_least("Vault token", "hvb.", Alphabet::Url, 24),
    at_least("Grafana token", "glsa_", Alphabet::Url, 32),
    at_least("Grafana token", "glc_", Alphabet::Any, 32),
    at_least("Sentry token", "sntrys_", Alphabet::Any, 32),
    at_least("Sentry token", "sntryu_", Alphabet::Hex, 64),
    at_least("Postman key", "PMAK-", Alphabet::Url, 40),
    at_least("Linear key", "lin_api_", Alphabet::Alnum, 32),
    at_least("Notion token", "ntn_", Alphabet::Alnum, 40),
    at_least("Figma token", "figd_", Alphabet::Url, 30),
    at_least("Atlassian token", "ATATT3", Alphabet::Any, 60),
    at_least("New Relic key", "NRAK-", Alphabet::Upper, 27),
    at_least("Doppler token", "dp.pt.", Alphabet::Alnum, 40),
    at_least("age key", "AGE-SECRET-KEY-1", Alphabet::Upper, 50),
];

/// A name whose value is a secret.
#[derive(Debug)]
pub(super) struct Name {
    /// What the name ends with, in lower case; `_`, `-` and spaces within the name don't count.
    pub(super) end: &'static str,
    /// What its value is.
    pub(super) kind: &'static str,
    /// Whether any value is secret, as people choose passwords; else only one that no person would think of.
    pub(super) any: bool,
}

const fn name(end: &'static str, kind: &'static str, any: bool) -> Name {
    Name { end, kind, any }
}

/// The names, as assignments in configuration, code, shell, URLs and prose have them.
pub(super) static NAMES: &[Name] = &[
    name("password", "password", true),
    name("passwd", "password", true),
    name("passphrase", "password", true),
    name("pwd", "password", true),
    name("secretaccesskey", "secret", false),
    name("secretkey", "secret", false),
    name("secret", "secret", false),
    name("apikey", "API key", false),
    name("accesskey", "key", false),
    name("accountkey", "key", false),
    name("authkey", "key", false),
    name("encryptionkey", "key", false),
    name("masterkey", "key", false),
    name("privatekey", "key", false),
    name("signingkey", "key", false),
    name("credentials", "credential", false),
    name("credential", "credential", false),
    name("token", "token", false),
];

/// Schemes of the `Authorization` field (RFC 9110, section 11.6.2), in lower case.
pub(super) static SCHEMES: &[&str] = &["bearer", "basic", "token", "apikey"];

/// Words that stand for a value, in lower case.
pub(super) static STAND_INS: &[&str] = &[
    "changeme",
    "empty",
    "example",
    "false",
    "hidden",
    "missing",
    "nil",
    "none",
    "null",
    "optional",
    "passwd",
    "password",
    "redacted",
    "required",
    "secret",
    "str",
    "string",
    "text",
    "token",
    "true",
    "undefined",
    "unknown",
    "varchar",
    "yes",
];
