//! The clients themselves.
