//! A rule as the text of a TOML file, and back.
//!
//! INVARIANTS: what [`render`] and [`update`] write, [`parse`] reads as the very same rule. [`update`] keeps every byte
//! that does not have to change, above all the comments. Everything written is TOML 1.0, so that any editor reads it.
//!
//! Nothing is judged here: whether a pattern compiles or an example holds is for others to say.

mod read;
mod update;
mod write;

pub use read::{misnamed, parse};
pub use update::update;
pub use write::render;
