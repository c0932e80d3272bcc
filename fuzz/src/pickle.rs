//! libFuzzer's way into [`taipan_fuzz::pickle`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| taipan_fuzz::pickle(data));
