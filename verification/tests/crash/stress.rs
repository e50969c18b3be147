//! x
pub(crate) fn process(_: &std::path::Path, _: u64, _: consistency::Level, _: u64) {}
