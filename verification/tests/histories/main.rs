//! Recorded histories: every phenomenon by its name, every detector against its definition, and the serialization graph
//! against another checker.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod catalogue;
mod hermitage;
mod properties;
mod reading;
mod records;
mod script;
mod second_opinion;
