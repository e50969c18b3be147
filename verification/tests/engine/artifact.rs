//! The artifact keeps what was compiled, and damage to it is refused or harmless.
