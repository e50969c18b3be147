//! Paths and globs: what a path that is written out stands for.

/// Folders of the system, at its root.
const SYSTEM: [&str; 19] = [
    "tmp", "etc", "usr", "var", "home", "opt", "dev", "proc", "root", "bin", "sbin", "mnt", "srv", "Users", "private",
    "sys", "media", "run", "Library",
];

/// The globs that a path stands for: a folder stands for all that lies in it, a bare name for it at any depth.
pub(super) fn globs(text: &str) -> Vec<String> {
    let text = text.strip_prefix('@').unwrap_or(text);
    // `xxx_SUMMARY.md` stands for any such name.
    let text =
        &opened(&text.strip_prefix("./").unwrap_or(text).replace("\\*", "*")).replace("xxx", "*").replace("XXX", "*");
    // What begins with a slash and is no folder of the system lies in the root of the repository.
    let first = text.strip_prefix('/').and_then(|rest| rest.split('/').next());
    let rooted = first.is_some_and(|first| !first.is_empty() && !SYSTEM.contains(&first));
    let text = if rooted { text.trim_start_matches('/') } else { text };
    // `*/api/*.cs` means any folder above, not one.
    let deep = text.strip_prefix("*/").map(|rest| format!("**/{rest}"));
    let text = deep.as_deref().unwrap_or(text);
    if [".xcodeproj", ".xcworkspace", ".xcassets", ".framework", ".bundle"].iter().any(|ending| text.ends_with(ending))
    {
        let name = text.strip_prefix('.').map_or_else(|| text.to_owned(), |ending| format!("*.{ending}"));
        return vec![format!("**/{name}/**")];
    }
    if text.starts_with('.')
        && !text.contains('/')
        && text.chars().skip(1).all(|c| c.is_ascii_alphanumeric() || c == '.')
        && !text.starts_with(".env.")
        && ![".env", "rc", "ignore", "config", "attributes", ".github"].iter().any(|end| text.ends_with(end))
    {
        return vec![format!("*{text}")];
    }
    let bare = text.trim_end_matches('/');
    let named = bare.rsplit('/').next().is_some_and(|name| name.contains('.') || name.contains('*'));
    let folder = text.ends_with('/') || (text.contains('/') && !named);
    if rooted && !folder && !named {
        // `/app` lies in the root, a folder or a file.
        return vec![bare.to_owned(), format!("{bare}/**")];
    }
    match (folder, bare.contains('/') || bare.starts_with('~')) {
        (true, false) => vec![format!("**/{bare}/**")],
        (true, true) => vec![format!("{bare}/**")],
        (false, _) => vec![text.to_owned()],
    }
}

/// A path with what stands for something else (`<lang>`, `{name}`, `[id]` in angle or curly brackets) as a wildcard.
pub(super) fn opened(text: &str) -> String {
    let mut found = String::new();
    let mut rest = text;
    while let Some((before, inside, behind)) = placeholder(rest) {
        found.push_str(before);
        found.push_str(if inside.contains(',') {
            rest.get(before.len()..rest.len() - behind.len()).unwrap_or("*")
        } else {
            "*"
        });
        rest = behind;
    }
    found + rest
}

/// The first placeholder of a text: what stands before it, in it and behind it.
fn placeholder(text: &str) -> Option<(&str, &str, &str)> {
    let at = text.find(['<', '{'])?;
    let close = if text.get(at..)?.starts_with('<') { '>' } else { '}' };
    let (inside, behind) = text.get(at + 1..)?.split_once(close)?;
    Some((text.get(..at)?, inside, behind))
}

/// Whether what one path leaves open holds of the other, which leaves nothing open.
pub(super) fn covers(open: &str, path: &str) -> bool {
    let (open, path) = (opened(open.trim_matches('`')), path.trim_matches('`'));
    let Some((head, tail)) = open.split_once('*') else { return false };
    path.len() >= head.len() + tail.len() && path.starts_with(head) && path.ends_with(tail)
}

/// Files beside one, of which it is one of many: the translations beside `locales/en.json`, the files of its kind in its folder.
pub(super) fn siblings(path: &str) -> Option<String> {
    let (folder, name) = path.rsplit_once('/').map_or(("", path), |(folder, name)| (folder, name));
    let (stem, ending) = name.rsplit_once('.')?;
    let is_language = |part: &str| {
        matches!(
            part,
            "en" | "de"
                | "fr"
                | "es"
                | "ja"
                | "zh"
                | "ru"
                | "it"
                | "pt"
                | "en-US"
                | "en_US"
                | "en-GB"
                | "zh-CN"
                | "zh_CN"
        )
    };
    let name = match stem.rsplit_once(['_', '.', '-']) {
        _ if is_language(stem) => format!("*.{ending}"),
        Some((head, last)) if is_language(last) => format!("{head}{}*.{ending}", stem.get(head.len()..=head.len())?),
        _ => return None,
    };
    Some(match folder {
        // A bare name may lie anywhere; of names that are a language, only such are its siblings.
        "" if name == format!("*.{ending}") => format!("**/{{??,??-??,??_??}}.{ending}"),
        "" => name,
        folder => format!("{folder}/{name}"),
    })
}

/// A path that a glob matches.
pub(super) fn sample_path(glob: &str) -> String {
    let mut path = String::new();
    let mut rest = glob.strip_prefix("**/").unwrap_or(glob);
    while let Some(c) = rest.chars().next() {
        if let Some(behind) = rest.strip_prefix("**/") {
            rest = behind;
        } else if let Some(behind) = rest.strip_prefix("**") {
            path.push_str("example.txt");
            rest = behind;
        } else if let (true, Some((inside, behind))) = (c == '{', rest.get(1..).and_then(|rest| rest.split_once('}'))) {
            path.push_str(inside.split(',').next().unwrap_or_default());
            rest = behind;
        } else {
            if c == '*' {
                path.push_str("example");
            } else {
                path.push(c);
            }
            rest = rest.get(c.len_utf8()..).unwrap_or_default();
        }
    }
    path
}
