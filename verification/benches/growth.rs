//! How time grows with the size of hostile inputs: nested, repeated, and in one long line.
//!
//! `cargo bench -p verification --bench growth`

use divan::Bencher;
use verification::fuzz::{TARGETS, growth::GROWTH};

fn main() {
    divan::main();
}

/// The inputs that grow, by their names.
fn inputs() -> impl Iterator<Item = String> {
    GROWTH.iter().map(|(target, what, _)| format!("{target}: {what}"))
}

#[divan::bench(args = inputs(), consts = [1 << 10, 1 << 12, 1 << 14, 1 << 16, 1 << 18, 1 << 20], sample_count = 5, sample_size = 1)]
fn growth<const SIZE: usize>(bencher: Bencher<'_, '_>, name: &String) {
    let grows = GROWTH.iter().find(|(target, what, _)| *name == format!("{target}: {what}"));
    let target = TARGETS.iter().find(|(target, _)| name.starts_with(target));
    let Some(((_, _, grows), (_, target))) = grows.zip(target) else { return };
    let input = grows(SIZE);
    bencher.counter(divan::counter::BytesCount::new(input.len())).bench_local(|| target(&input));
}
