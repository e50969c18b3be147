//! A real repository: what git tells whatever the user has set, and that no path leads out of the root.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up shall fail")]

use compiler::facts::Workspace;
use server::git::{self, GitError};
use server::workspace::Repository;
use std::fs;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

fn git(place: &Path, arguments: &[&str]) {
    let identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false"];
    let output = Command::new("git").arg("-C").arg(place).args(identity).args(arguments).output().unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A repository with one commit on the branch `main`.
fn repository() -> TempDir {
    let place = TempDir::new().unwrap();
    git(place.path(), &["init", "-q", "-b", "main"]);
    fs::create_dir(place.path().join("src")).unwrap();
    fs::write(place.path().join("src/ä.rs"), "one\n").unwrap();
    fs::write(place.path().join("gone"), "gone\n").unwrap();
    fs::write(place.path().join(".gitignore"), "ignored\n").unwrap();
    git(place.path(), &["add", "."]);
    git(place.path(), &["commit", "-q", "-m", "First"]);
    place
}

#[test]
fn a_diff_reads_the_same_whatever_the_user_has_set() {
    let place = repository();
    let root = place.path();
    fs::write(root.join("src/ä.rs"), "two\n").unwrap();
    let plain = git::diff(root, "HEAD").unwrap();
    assert!(plain.starts_with("diff --git a/src/ä.rs b/src/ä.rs\n"), "{plain}");
    assert!(plain.ends_with("@@ -1 +1 @@\n-one\n+two\n"), "{plain}");
    for setting in [
        ["color.ui", "always"],
        ["color.diff", "always"],
        ["diff.noprefix", "true"],
        ["diff.mnemonicPrefix", "true"],
        ["diff.external", "false"],
        ["diff.context", "0"],
        ["core.quotePath", "true"],
        ["core.fsmonitor", "false && touch owned"],
    ] {
        git(root, &[&["config"], setting.as_slice()].concat());
        assert_eq!(git::diff(root, "HEAD").unwrap(), plain, "{setting:?}");
    }
    assert!(!root.join("owned").exists());
}

#[test]
fn what_is_staged_is_told_apart_from_what_is_not() {
    let place = repository();
    let root = place.path();
    fs::write(root.join("staged"), "x\n").unwrap();
    git(root, &["add", "staged"]);
    fs::write(root.join("src/ä.rs"), b"\xff\n").unwrap();
    let staged = git::staged(root).unwrap();
    assert!(staged.contains("+++ b/staged\n") && !staged.contains("src/"), "{staged}");
    let all = git::diff(root, "main").unwrap();
    assert!(all.contains("+\u{fffd}\n"), "{all}");
}

#[test]
fn what_git_cannot_tell_is_told_apart() {
    let place = repository();
    for revision in ["nothing", "deadbeef", "HEAD~7", "main..nothing"] {
        let error = git::diff(place.path(), revision).unwrap_err();
        assert!(matches!(&error, GitError::UnknownRevision(name) if name == revision), "{error}");
    }
    for option in ["--output=owned", "-h", ""] {
        assert!(matches!(git::diff(place.path(), option), Err(GitError::UnknownRevision(_))), "{option}");
    }
    assert!(!place.path().join("owned").exists());
    let elsewhere = TempDir::new().unwrap();
    for _ in 0..2 {
        assert!(matches!(git::staged(elsewhere.path()), Err(GitError::NotARepository(_))));
        assert!(matches!(git::diff(elsewhere.path(), "HEAD"), Err(GitError::NotARepository(_))));
        assert!(matches!(git::changed(elsewhere.path()), Err(GitError::NotARepository(_))));
        // Not one either.
        fs::create_dir_all(elsewhere.path().join(".git")).unwrap();
    }
}

#[test]
fn the_branch_is_told_in_work_trees_and_before_the_first_commit() {
    let place = repository();
    let root = place.path();
    assert_eq!(git::branch(&root.join("src")).as_deref(), Some("main"));
    git(root, &["worktree", "add", "-q", "-b", "feature/x", "tree"]);
    assert_eq!(git::branch(&root.join("tree")).as_deref(), Some("feature/x"));
    git(root, &["checkout", "-q", "--detach"]);
    assert_eq!(git::branch(root), None);

    let empty = TempDir::new().unwrap();
    assert_eq!(git::branch(empty.path()), None);
    git(empty.path(), &["init", "-q", "-b", "trunk"]);
    assert_eq!(git::branch(empty.path()).as_deref(), Some("trunk"));
    assert_eq!(git::staged(empty.path()).unwrap(), "");
}

#[test]
fn what_differs_from_the_last_commit_is_told() {
    let place = repository();
    let root = place.path();
    assert_eq!(Repository::at(root).unwrap().changed("src/ä.rs"), Some(false));
    fs::write(root.join("src/ä.rs"), "two\n").unwrap();
    fs::create_dir(root.join("new")).unwrap();
    fs::write(root.join("new/file"), "").unwrap();
    fs::write(root.join("ignored"), "").unwrap();
    fs::remove_file(root.join("gone")).unwrap();
    let repository = Repository::at(root).unwrap();
    for (path, changed) in [
        ("src/ä.rs", true),
        ("src", true),
        ("sr", false),
        ("new/file", true),
        ("new/", true),
        ("gone", true),
        ("ignored", false),
        ("never", false),
        (".gitignore", false),
    ] {
        assert_eq!(repository.changed(path), Some(changed), "{path}");
    }
    assert_eq!(Repository::at(&root.join("src")).unwrap().changed("ä.rs"), Some(true));
    assert_eq!(Repository::at(TempDir::new().unwrap().path()).unwrap().changed("a"), None);
}

#[test]
fn files_are_read_up_to_a_size() {
    let place = repository();
    fs::write(place.path().join("large"), vec![b'x'; 4 << 20]).unwrap();
    fs::write(place.path().join("larger"), vec![b'x'; (4 << 20) + 1]).unwrap();
    fs::write(place.path().join("binary"), b"\xff").unwrap();
    let repository = Repository::at(place.path()).unwrap();
    assert_eq!(repository.root(), place.path().canonicalize().unwrap().to_str());
    assert_eq!(repository.read("src/../src/ä.rs").as_deref(), Some("one\n"));
    assert_eq!(repository.read("large").map(|text| text.len()), Some(4 << 20));
    for path in ["larger", "binary", "src", "nothing"] {
        assert_eq!(repository.read(path), None, "{path}");
    }
    for (path, exists) in [("larger", true), ("src", true), ("nothing", false), ("no/such/folder", false)] {
        assert_eq!(repository.exists(path), Some(exists), "{path}");
    }
}

#[cfg(unix)]
#[test]
fn no_path_leads_out_of_the_root() {
    use std::os::unix::fs::symlink;
    let place = TempDir::new().unwrap();
    let root = place.path().join("root");
    fs::create_dir_all(root.join("inside")).unwrap();
    fs::write(place.path().join("secret"), "secret").unwrap();
    fs::write(root.join("inside/file"), "file").unwrap();
    symlink("../secret", root.join("link")).unwrap();
    symlink("..", root.join("up")).unwrap();
    symlink("../later", root.join("dangling")).unwrap();
    symlink("inside", root.join("within")).unwrap();
    let repository = Repository::at(&root).unwrap();
    let absolute = place.path().join("secret");
    for path in
        ["../secret", "link", "up/secret", "up/nothing", "no/../../secret", "dangling", absolute.to_str().unwrap()]
    {
        assert_eq!((repository.read(path), repository.exists(path)), (None, None), "{path}");
    }
    assert_eq!(repository.read("within/file").as_deref(), Some("file"));
    assert_eq!(repository.exists("within/nothing"), Some(false));
    let own = root.join("inside/file").canonicalize().unwrap();
    assert_eq!(repository.read(own.to_str().unwrap()).as_deref(), Some("file"));
}
