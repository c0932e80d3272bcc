//! libFuzzer's way into [`taipan_fuzz::xml`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| taipan_fuzz::xml(data));
