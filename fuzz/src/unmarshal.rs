//! libFuzzer's way into [`taipan_fuzz::unmarshal`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| taipan_fuzz::unmarshal(data));
