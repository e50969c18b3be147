//! Hosts: the programs that run agents, and what passes between them and us.
//!
//! A host is described by data ([`description`], a file each); `payload` reads its hooks' payloads by it and `answer`
//! spells answers by it. Between the two stands [`hook`], which is the same for all hosts. Deliberately absent: anything
//! about a rule, which the compiler decides.

pub mod answer;
mod claude_code;
mod codex;
mod copilot;
mod cursor;
pub mod description;
mod found;
pub mod gate;
mod gemini;
pub mod hook;
mod learn;
pub mod log;
mod opencode;
pub mod payload;
mod protect;
mod rewrite;
pub mod sessions;
pub mod tally;
pub mod transcript;
mod words;

pub use answer::{Answer, Reaction};
pub use description::{Description, Hook, Moment};
pub use hook::{Surroundings, hook, unjudged};
pub use payload::{Heard, PayloadError};

/// All hosts.
pub const HOSTS: [&Description; 6] = [
    &claude_code::DESCRIPTION,
    &codex::DESCRIPTION,
    &copilot::DESCRIPTION,
    &cursor::DESCRIPTION,
    &gemini::DESCRIPTION,
    &opencode::DESCRIPTION,
];

/// The host of a name.
pub fn named(name: &str) -> Option<&'static Description> {
    HOSTS.into_iter().find(|host| host.name == name)
}
