//! The target `rule_file`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| verification::fuzz::rule_file(bytes));
