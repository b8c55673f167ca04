#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| indelible_fuzz::terminal(data));
