//! Which model is asked, and how: the section `[model]` of a configuration file.
//!
//! The key itself is in no file: the section names the environment variable that holds it. A key is sent over TLS, or to this
//! machine, and nowhere else.

use super::prices::{Rate, listed};
use memory::model::Price;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// What protocol is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Provider {
    /// Chat completions, as `OpenAI` and many others answer them.
    OpenAi,
    /// Messages, as Anthropic answers them.
    Anthropic,
    /// Ollama's chat.
    Ollama,
}

impl Provider {
    /// Its name in settings.
    pub fn name(self) -> &'static str {
        match self {
            Provider::OpenAi => "openai",
            Provider::Anthropic => "anthropic",
            Provider::Ollama => "ollama",
        }
    }

    fn base_url(self) -> &'static str {
        match self {
            Provider::OpenAi => "https://api.openai.com/v1",
            Provider::Anthropic => "https://api.anthropic.com",
            Provider::Ollama => "http://127.0.0.1:11434",
        }
    }

    fn key_env(self) -> Option<&'static str> {
        match self {
            Provider::OpenAi => Some("OPENAI_API_KEY"),
            Provider::Anthropic => Some("ANTHROPIC_API_KEY"),
            Provider::Ollama => None,
        }
    }
}

/// The settings of a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The protocol.
    pub provider: Provider,
    /// The model's name, as its provider writes it.
    pub model: String,
    /// Where the provider answers, in place of its public address.
    #[serde(default)]
    pub base_url: Option<String>,
    /// The environment variable that holds the key, in place of the usual one.
    #[serde(default)]
    pub api_key_env: Option<String>,
    /// The sampling temperature, where the model takes one.
    #[serde(default)]
    pub temperature: Option<f64>,
    /// How often a question is asked again that nobody began to answer.
    #[serde(default = "two")]
    pub retries: u32,
    /// How long is waited before the first of these, in milliseconds; twice as long before each further one.
    #[serde(default = "quarter")]
    pub backoff_ms: u32,
    /// Prices by model, in US dollars per million tokens: `[input, output]`. They take precedence over the list.
    #[serde(default)]
    pub prices: BTreeMap<String, Rate>,
}

fn two() -> u32 {
    2
}

fn quarter() -> u32 {
    250
}

/// Why a model can't be used as it is set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// The section can't be read.
    #[error("the section `[model]` can't be read: {0}")]
    Unreadable(String),
    /// The address is none.
    #[error(
        "`base_url` is no address of a provider: `{0}`\nhelp: write `https://host/path`, or `http://` for this machine"
    )]
    Address(String),
    /// The key would go over the wire in the clear.
    #[error("the key in `{env}` would be sent unencrypted to `{address}`\nhelp: use `https://`, or no key")]
    Unencrypted {
        /// The environment variable.
        env: String,
        /// The address.
        address: String,
    },
    /// There is no key.
    #[error(
        "the environment variable `{0}` with the key of the model is not set\nhelp: set it, or name another by `api_key_env`"
    )]
    NoKey(String),
    /// Nobody knows what the model costs.
    #[error(
        "there is no price for `{0}`, so that no budget in dollars could hold\nhelp: add `prices = {{ \"{0}\" = [INPUT, OUTPUT] }}`, in \
         dollars per million tokens"
    )]
    NoPrice(String),
}

/// A key. It is shown nowhere.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Key(pub(super) String);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

impl Settings {
    /// Reads the section.
    ///
    /// # Errors
    /// [`SettingsError::Unreadable`] says where and what is expected.
    pub fn parse(section: &str) -> Result<Settings, SettingsError> {
        toml::from_str(section).map_err(|error| SettingsError::Unreadable(error.to_string()))
    }

    /// Where the provider answers, without a slash at the end.
    pub(super) fn address(&self) -> &str {
        self.base_url.as_deref().unwrap_or(self.provider.base_url()).trim_end_matches('/')
    }

    /// Whether that is this machine.
    pub(super) fn is_local(&self) -> bool {
        let host = self.host().unwrap_or_default();
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
    }

    fn host(&self) -> Option<&str> {
        let (_, rest) = self.address().split_once("://")?;
        let authority = rest.split(['/', '?', '#']).next()?;
        if authority.contains('@') {
            return None;
        }
        match authority.rsplit_once(':') {
            Some((host, port)) if port.chars().all(|c| c.is_ascii_digit()) => Some(host),
            _ => Some(authority),
        }
    }

    /// The key, from the environment; none where the provider needs none.
    pub(super) fn key(&self, env: impl Fn(&str) -> Option<String>) -> Result<Key, SettingsError> {
        let encrypted = self.address().starts_with("https://");
        if !(encrypted || self.address().starts_with("http://")) || self.host().is_none_or(str::is_empty) {
            return Err(SettingsError::Address(self.address().to_owned()));
        }
        let usual = if self.base_url.is_none() { self.provider.key_env() } else { None };
        let Some(name) = self.api_key_env.as_deref().or(usual) else { return Ok(Key::default()) };
        let key = env(name).map(|key| key.trim().to_owned()).filter(|key| !key.is_empty());
        let key = key.ok_or_else(|| SettingsError::NoKey(name.to_owned()))?;
        if !encrypted && !self.is_local() {
            return Err(SettingsError::Unencrypted { env: name.to_owned(), address: self.address().to_owned() });
        }
        Ok(Key(key))
    }

    /// What the model costs. On this machine nothing, unless something else is set.
    pub(super) fn price(&self) -> Result<Price, SettingsError> {
        let set = self.prices.get(&self.model).copied();
        let free = || (self.provider == Provider::Ollama || self.is_local()).then_some(Rate(0.0, 0.0));
        let rate = set.or_else(|| listed(self.provider, &self.model)).or_else(free);
        rate.and_then(Rate::price).ok_or_else(|| SettingsError::NoPrice(self.model.clone()))
    }
}
