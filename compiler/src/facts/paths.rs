//! Paths as text: joined and resolved lexically, with `/` as separator. Symbolic links are not looked at.

/// A path seen from a directory, with `.` and `..` resolved as far as they can be; `.` for the directory itself.
pub(super) fn join(directory: &str, path: &str) -> String {
    let path = path.replace('\\', "/");
    let anchored = path.starts_with(['/', '~']) || drive(&path);
    let whole = if anchored || directory.is_empty() { path } else { format!("{directory}/{path}") };
    let absolute = whole.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in whole.split('/').filter(|part| !part.is_empty() && *part != ".") {
        match parts.last() {
            Some(&last) if part == ".." && last != ".." && !last.starts_with('~') => {
                parts.pop();
            }
            None if part == ".." && absolute => {}
            _ => parts.push(part),
        }
    }
    match (absolute, parts.is_empty()) {
        (true, _) => format!("/{}", parts.join("/")),
        (false, true) => ".".to_owned(),
        (false, false) => parts.join("/"),
    }
}

/// Whether a path begins with the drive of a Windows system.
fn drive(path: &str) -> bool {
    let mut characters = path.chars();
    characters.next().is_some_and(|letter| letter.is_ascii_alphabetic()) && characters.as_str().starts_with(":/")
}

/// A path seen from the root of the repository, if it lies inside; as it is otherwise.
pub(super) fn relative(root: Option<&str>, path: &str) -> String {
    let path = join("", path);
    let Some(root) = root.map(|root| join("", root)).filter(|root| root != "/") else { return path };
    match path.strip_prefix(&root) {
        Some("") => ".".to_owned(),
        Some(inside) if inside.starts_with('/') => inside.trim_start_matches('/').to_owned(),
        _ => path,
    }
}

/// The last part of a path.
pub(super) fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::{join, relative};

    #[test]
    fn paths_are_resolved_lexically() {
        assert_eq!(join("web/src", "../x.ts"), "web/x.ts");
        assert_eq!(join("", "./a//b/./c/"), "a/b/c");
        assert_eq!(join("a", "../../b"), "../b");
        assert_eq!(join("/a", "../../b"), "/b");
        assert_eq!(join("a", "/b"), "/b");
        assert_eq!(join("a", "~/b"), "~/b");
        assert_eq!(join("a", "C:\\b\\c"), "C:/b/c");
        assert_eq!(join("a", ".."), ".");
    }

    #[test]
    fn only_what_lies_inside_the_root_becomes_relative() {
        assert_eq!(relative(Some("/w/"), "/w/a/../b.rs"), "b.rs");
        assert_eq!(relative(Some("/w"), "/w"), ".");
        assert_eq!(relative(Some("/w"), "/web/b.rs"), "/web/b.rs");
        assert_eq!(relative(None, "/w/b.rs"), "/w/b.rs");
    }
}
