#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| plugwright_fuzz::calls::run(data));
