//! Recorded histories: every phenomenon by its name, every detector against its definition, and the serialization graph
//! against another checker.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up shall fail")]

mod catalogue;
mod hermitage;
mod properties;
mod reading;
mod records;
mod script;
mod second_opinion;
