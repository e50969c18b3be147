//! keeps
