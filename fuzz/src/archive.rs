//! libFuzzer's way into [`taipan_fuzz::archive`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| taipan_fuzz::archive(data));
