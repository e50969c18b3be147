//! The branch on which a text's `git` acts, where the text itself switches to it.

use super::run::Shell;
use super::syntax::HOLE;

/// What is done to the branch that is checked out.
const ACTS: [&str; 9] = ["commit", "push", "merge", "rebase", "cherry-pick", "revert", "reset", "am", "pull"];

impl Shell {
    /// Follows `git switch` and `git checkout`, and notes on which branch something is done: the last one counts.
    pub(super) fn branches(&mut self, subcommand: &str, options: &[&str]) {
        if self.remote {
            return;
        }
        if ACTS.contains(&subcommand) {
            self.acted = true;
            self.facts.branch.clone_from(&self.branch);
            return;
        }
        let Some(name) = switched_to(subcommand, options).filter(|name| !name.contains(HOLE)) else { return };
        self.branch = Some(name.to_owned());
        if !self.acted {
            self.facts.branch.clone_from(&self.branch);
        }
    }
}

/// The branch that a subcommand of `git` switches to; files that are checked out are no branch, nor is a commit.
fn switched_to<'a>(subcommand: &str, options: &[&'a str]) -> Option<&'a str> {
    let made = ["-b", "-B", "-c", "-C", "--create", "--force-create", "--orphan"];
    if !matches!(subcommand, "switch" | "checkout") || options.contains(&"--") {
        return None;
    }
    if let Some(at) = options.iter().position(|option| made.contains(option)) {
        return options.get(at + 1).copied();
    }
    let mut operands = options.iter().copied().filter(|option| !option.starts_with('-'));
    let (name, more) = (operands.next()?, operands.next());
    let ending = name.rsplit('/').next()?.rsplit_once('.').map(|(_, ending)| ending);
    let file = ending.is_some_and(|ending| ending.chars().all(char::is_alphabetic));
    let detached = options.iter().any(|option| matches!(*option, "--detach" | "-d" | "-p" | "--patch"));
    (!file && !detached && more.is_none() && !name.starts_with("HEAD")).then_some(name)
}
