//! The target `input_detection`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| verification::fuzz::input_detection(bytes));
