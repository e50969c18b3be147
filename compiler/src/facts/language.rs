//! The language of a file, by its name alone.

use super::paths::base_name;

/// Endings of names, without the dot, and their languages.
const EXTENSIONS: [(&str, &[&str]); 45] = [
    ("bash", &["sh", "bash", "zsh", "ksh", "bats"]),
    ("c", &["c", "h"]),
    ("clojure", &["clj", "cljs", "edn"]),
    ("cmake", &["cmake"]),
    ("cpp", &["cpp", "cc", "cxx", "hpp", "hh", "hxx", "ipp"]),
    ("csharp", &["cs", "csx"]),
    ("css", &["css"]),
    ("dart", &["dart"]),
    ("dockerfile", &["dockerfile"]),
    ("elixir", &["ex", "exs", "eex", "heex", "leex"]),
    ("elm", &["elm"]),
    ("erlang", &["erl", "hrl"]),
    ("go", &["go"]),
    ("graphql", &["graphql", "gql"]),
    ("haskell", &["hs"]),
    ("hcl", &["tf", "tfvars", "hcl"]),
    ("html", &["html", "htm", "xhtml"]),
    ("ini", &["ini", "cfg", "conf"]),
    ("java", &["java"]),
    ("javascript", &["js", "jsx", "mjs", "cjs"]),
    ("json", &["json", "jsonc", "json5", "webmanifest"]),
    ("kotlin", &["kt", "kts"]),
    ("lua", &["lua"]),
    ("makefile", &["mk", "mak"]),
    ("markdown", &["md", "markdown", "mdx"]),
    ("nix", &["nix"]),
    ("perl", &["pl", "pm"]),
    ("php", &["php"]),
    ("powershell", &["ps1", "psm1"]),
    ("protobuf", &["proto"]),
    ("python", &["py", "pyi", "pyw"]),
    ("r", &["r"]),
    ("ruby", &["rb", "rake", "gemspec", "ru"]),
    ("rust", &["rs"]),
    ("scala", &["scala", "sbt"]),
    ("scss", &["scss", "sass", "less"]),
    ("sql", &["sql"]),
    ("svelte", &["svelte"]),
    ("swift", &["swift"]),
    ("toml", &["toml"]),
    ("tsx", &["tsx"]),
    ("typescript", &["ts", "mts", "cts"]),
    ("vue", &["vue"]),
    ("yaml", &["yaml", "yml"]),
    ("zig", &["zig"]),
];

/// Whole names, in lower case, and their languages.
const NAMES: [(&str, &str); 23] = [
    (".babelrc", "json"),
    (".bash_profile", "bash"),
    (".bashrc", "bash"),
    (".eslintrc", "json"),
    (".prettierrc", "json"),
    (".profile", "bash"),
    (".zshrc", "bash"),
    ("brewfile", "ruby"),
    ("cargo.lock", "toml"),
    ("cmakelists.txt", "cmake"),
    ("containerfile", "dockerfile"),
    ("dockerfile", "dockerfile"),
    ("gemfile", "ruby"),
    ("gnumakefile", "makefile"),
    ("jenkinsfile", "groovy"),
    ("makefile", "makefile"),
    ("pipfile", "toml"),
    ("podfile", "ruby"),
    ("poetry.lock", "toml"),
    ("rakefile", "ruby"),
    ("uv.lock", "toml"),
    ("vagrantfile", "ruby"),
    ("yarn.lock", "yaml"),
];

/// Folders in which what has no ending is mostly a shell script.
const SCRIPTS: [&str; 6] = ["bin", "script", "scripts", "libexec", ".githooks", ".husky"];

/// The name of a file's language, such as `rust` or `tsx`, as far as its path tells.
pub fn language(path: &str) -> Option<&'static str> {
    let name = base_name(path).to_lowercase();
    let whole = NAMES.iter().find(|(known, _)| *known == name).map(|(_, language)| *language);
    let prefixed = || name.starts_with("dockerfile.").then_some("dockerfile");
    let folder = path.rsplit('/').nth(1).unwrap_or_default();
    whole.or_else(prefixed).or_else(|| match name.rsplit_once('.') {
        Some((_, extension)) => {
            EXTENSIONS.iter().find(|(_, extensions)| extensions.contains(&extension)).map(|(language, _)| *language)
        }
        None => SCRIPTS.contains(&folder).then_some("bash"),
    })
}
