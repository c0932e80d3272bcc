//! The Unicode 3.2.0 view of the database (`unicodedata.ucd_3_2_0`), which
//! internationalised domain names and `stringprep` are defined against.

use crate::generated::*;
use crate::normalize::{Form, Version};
use crate::table::{trie, u16s};

/// The version this module answers for.
pub const UNIDATA_VERSION: &str = "3.2.0";

const INDEX: &[u8] = include_bytes!("data/old_index.bin");
static RECORDS: &[u8] = include_bytes!("data/old_records.bin");
static INDEX1: [u16; OLD_LEN1] = u16s(INDEX, 0);
static INDEX2: [u16; OLD_LEN2] = u16s(INDEX, OLD_LEN1);

const _: () = assert!(RECORDS.len() == OLD_RECORDS * 8);

#[inline]
fn record(ch: u32) -> &'static [u8] {
    let at = trie(&INDEX1, &INDEX2, OLD_SHIFT, ch) * 8;
    &RECORDS[at..at + 8]
}

/// Whether the character was assigned in Unicode 3.2.0.
pub(crate) fn assigned(ch: u32) -> bool {
    category(ch) != "Cn"
}

/// The general category.
pub fn category(ch: u32) -> &'static str {
    CATEGORIES[record(ch)[0] as usize]
}

/// The bidirectional class.
pub fn bidirectional(ch: u32) -> &'static str {
    BIDI[record(ch)[1] as usize]
}

/// The canonical combining class.
pub fn combining(ch: u32) -> u8 {
    record(ch)[2]
}

/// The East Asian width.
pub fn east_asian_width(ch: u32) -> &'static str {
    WIDTHS[record(ch)[3] as usize]
}

/// Whether the character is mirrored in bidirectional text.
pub fn mirrored(ch: u32) -> bool {
    record(ch)[4] != 0
}

/// The value of a decimal digit.
pub fn decimal_value(ch: u32) -> Option<u32> {
    let value = record(ch)[5];
    (value != 255).then_some(value as u32)
}

/// The value of a digit.
pub fn digit_value(ch: u32) -> Option<u32> {
    let value = record(ch)[6];
    (value != 255).then_some(value as u32)
}

/// The numeric value.
pub fn numeric_value(ch: u32) -> Option<f64> {
    crate::ctype::number(record(ch)[7])
}

/// The decomposition mapping; empty when there is none.
pub fn decomposition(ch: u32) -> String {
    if assigned(ch) { crate::database::decomposition(ch) } else { String::new() }
}

/// The name of the character.
pub fn name(ch: u32) -> Option<String> {
    if assigned(ch) { crate::names::name(ch) } else { None }
}

/// The character of a name; neither aliases nor sequences are known here.
pub fn lookup(name: &str) -> Option<u32> {
    crate::names::lookup_char(name)
}

/// Normalises a string.
pub fn normalize(form: Form, text: &[u32]) -> Vec<u32> {
    crate::normalize::normalize_version(form, text, Version::V3_2_0)
}

/// Whether a string is normalised.
pub fn is_normalized(form: Form, text: &[u32]) -> bool {
    normalize(form, text) == text
}
