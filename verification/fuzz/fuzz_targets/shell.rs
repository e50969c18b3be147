//! The target `shell`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| verification::fuzz::shell(bytes));
