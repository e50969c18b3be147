//! Settings files as people have them: what is added, and that nothing is left of it.

use server::install::{InstallError, Scope, Setup};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Settings with comments, other tools' hooks, other layouts.
const FIXTURES: [(&str, &str); 9] = [
    ("empty object", "{}"),
    ("blank inside", "{ \n }\n"),
    ("no hooks", "{\n  \"model\": \"opus\",\n  \"permissions\": {\"allow\": [\"Bash(ls:*)\"]}\n}\n"),
    (
        "others' hooks",
        "{\n    \"hooks\": {\n        \"PreToolUse\": [\n            {\n                \"matcher\": \"Bash\",\n                \
         \"hooks\": [{\"type\": \"command\", \"command\": \"~/bin/look.sh\"}]\n            }\n        ]\n    }\n}\n",
    ),
    ("comments", "// mine\n{\n\t/* keep */ \"a\": 1, // one\n\t\"hooks\": { // none yet\n\t},\n}\n// end\n"),
    ("one line", "{\"hooks\":{\"PreToolUse\":[],\"Stop\":[{\"hooks\":[]}]},\"b\":\"}\"}"),
    ("other line ends", "{\r\n  \"a\": \"\\\"//no\",\r\n  \"hooks\": {}\r\n}\r\n"),
    ("not ASCII", "{ \"naïve\": \"日本語 /* no */\" }\n"),
    ("empty file", ""),
];

struct Desk {
    _place: TempDir,
    root: PathBuf,
}

impl Desk {
    /// A project in a folder whose name has spaces and letters beyond ASCII.
    fn new() -> Self {
        let place = TempDir::new().unwrap();
        let root = place.path().join("mon dépôt ü");
        fs::create_dir(&root).unwrap();
        Self { _place: place, root }
    }

    fn setup(&self, host: &str) -> Setup {
        let program = self.root.join("bin dir/trace");
        Setup::of(host, Scope::Project, &self.root, &self.root.join("kept"), program.to_str().unwrap(), &|_| None)
            .unwrap()
    }
}

fn write(setup: &Setup, text: &str) {
    fs::create_dir_all(setup.path().parent().unwrap()).unwrap();
    fs::write(setup.path(), text).unwrap();
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

const HOSTS: [&str; 4] = ["claude-code", "codex", "cursor", "gemini"];

#[test]
fn what_was_there_stays_and_comes_back_byte_for_byte() {
    for host in HOSTS {
        for (name, text) in FIXTURES {
            let desk = Desk::new();
            let setup = desk.setup(host);
            write(&setup, text);
            setup.install().unwrap();
            let after = read(setup.path());
            assert!(after.contains(&format!(" hook {host}")), "{host}, {name}: {after}");
            for part in ["// mine", "/* keep */", "// one", "// none yet", "// end", "~/bin/look.sh", "日本語 /* no */"]
            {
                assert_eq!(after.contains(part), text.contains(part), "{host}, {name} keeps {part}: {after}");
            }
            let again = setup.install().unwrap();
            assert_eq!(again.before, again.after, "{host}, {name}: twice is once");
            setup.uninstall().unwrap();
            assert_eq!(read(setup.path()), text, "{host}, {name}");
            assert_eq!(
                setup.uninstall().unwrap().before.as_deref(),
                Some(text),
                "{host}, {name}: there is nothing left"
            );
        }
    }
}

#[test]
fn the_result_is_what_the_host_reads() {
    for host in HOSTS {
        for (name, text) in FIXTURES.into_iter().filter(|(name, _)| *name != "comments") {
            let desk = Desk::new();
            let setup = desk.setup(host);
            write(&setup, text);
            setup.install().unwrap();
            let after: serde_json::Value = serde_json::from_str(&read(setup.path())).unwrap_or_else(|error| {
                panic!("{host}, {name}: {error}\n{}", read(setup.path()));
            });
            let event = if host == "gemini" {
                "BeforeTool"
            } else if host == "cursor" {
                "preToolUse"
            } else {
                "PreToolUse"
            };
            let hooks = after["hooks"][event].as_array().unwrap();
            let ours = hooks.iter().filter(|hook| hook.to_string().contains(&format!(" hook {host}"))).count();
            assert_eq!(ours, 1, "{host}, {name}: {after}");
        }
    }
}

#[test]
fn what_others_have_changed_since_stays() {
    for host in HOSTS {
        for (name, text) in FIXTURES.into_iter().filter(|(_, text)| text.contains('"')) {
            let desk = Desk::new();
            let setup = desk.setup(host);
            write(&setup, text);
            setup.install().unwrap();
            let changed = read(setup.path()).replacen('{', "{ \"theirs\": true,", 1);
            fs::write(setup.path(), &changed).unwrap();
            setup.uninstall().unwrap();
            let after = read(setup.path());
            assert!(!after.contains(" hook "), "{host}, {name}: {after}");
            let kept = ["theirs", "// one", "~/bin/look.sh", "日本語"]
                .iter()
                .all(|part| after.contains(part) == changed.contains(part));
            assert!(kept, "{host}, {name}: {after}");
        }
    }
}

#[test]
fn a_file_that_was_not_there_goes_with_its_folders() {
    for host in ["claude-code", "codex", "copilot", "cursor", "gemini", "opencode"] {
        let desk = Desk::new();
        let setup = desk.setup(host);
        setup.install().unwrap();
        assert!(setup.path().exists(), "{host}");
        let again = setup.plan().unwrap();
        assert_eq!(again.before, again.after, "{host}: twice is once");
        setup.uninstall().unwrap();
        assert!(!setup.path().exists() && !setup.path().parent().unwrap().exists(), "{host}");
    }
}

#[test]
fn a_file_that_is_no_json_is_left_alone() {
    for text in [
        "{",
        "[1]",
        "{\"hooks\": 3}",
        "{\"hooks\": {\"PreToolUse\": {}, \"preToolUse\": 1, \"BeforeTool\": 2}}",
        "nonsense",
    ] {
        for host in HOSTS {
            let desk = Desk::new();
            let setup = desk.setup(host);
            write(&setup, text);
            assert!(matches!(setup.install(), Err(InstallError::Unreadable(_))), "{host}: {text}");
            assert_eq!(read(setup.path()), text);
        }
    }
}

#[cfg(unix)]
#[test]
fn permissions_stay_and_links_are_followed() {
    use std::os::unix::fs::PermissionsExt;
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let desk = Desk::new();
    let setup = desk.setup("claude-code");
    let real = desk.root.join("dotfiles.json");
    fs::write(&real, "{}\n").unwrap();
    fs::set_permissions(&real, fs::Permissions::from_mode(0o600)).unwrap();
    fs::create_dir_all(setup.path().parent().unwrap()).unwrap();
    std::os::unix::fs::symlink(&real, setup.path()).unwrap();
    setup.install().unwrap();
    assert!(fs::symlink_metadata(setup.path()).unwrap().is_symlink());
    assert!(read(&real).contains(" hook claude-code"));
    assert_eq!(mode(&real), 0o600);
    fs::set_permissions(&real, fs::Permissions::from_mode(0o400)).unwrap();
    assert!(matches!(setup.uninstall(), Err(InstallError::ReadOnly(_))));
    assert_eq!(mode(&real), 0o400);
    fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
    setup.uninstall().unwrap();
    assert_eq!((read(&real).as_str(), mode(&real)), ("{}\n", 0o640));
}

#[test]
fn settings_at_home_lie_where_the_host_looks_for_them() {
    let at = |host: &str, variable: &str| {
        let set = |name: &str| (name == variable).then(|| PathBuf::from("/set"));
        let home = Path::new("/home");
        Setup::of(host, Scope::User, home, home, "trace", &set).unwrap().path().to_str().unwrap().to_owned()
    };
    for (host, variable, path) in [
        ("claude-code", "", "/home/.claude/settings.json"),
        ("claude-code", "CLAUDE_CONFIG_DIR", "/set/settings.json"),
        ("codex", "CODEX_HOME", "/set/hooks.json"),
        ("copilot", "COPILOT_HOME", "/set/hooks/trace.json"),
        ("gemini", "", "/home/.gemini/settings.json"),
        ("gemini", "GEMINI_CLI_HOME", "/set/.gemini/settings.json"),
        ("opencode", "", "/home/.config/opencode/plugins/trace.js"),
        ("opencode", "XDG_CONFIG_HOME", "/set/opencode/plugins/trace.js"),
        ("opencode", "OPENCODE_CONFIG_DIR", "/set/plugins/trace.js"),
    ] {
        assert_eq!(at(host, variable), path, "{host} with `{variable}`");
    }
}
