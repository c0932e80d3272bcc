//! libFuzzer's way into [`taipan_fuzz::run`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| taipan_fuzz::run(data));
