//! A program that does nothing: what any process costs, for `benches/process.rs`.

fn main() {}
