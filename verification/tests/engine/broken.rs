//! Readings of the definition that are wrong on purpose, each of which must be caught.
