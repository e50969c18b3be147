//! The target `artifact`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| verification::fuzz::artifact(bytes));
