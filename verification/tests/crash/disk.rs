//! x
pub(crate) fn fill(_: &std::path::Path) {}
