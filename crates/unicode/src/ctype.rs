//! Character classes and numeric values, as the `str` methods see them.

use crate::generated::*;
use crate::table::{trie, u16s, u32_at};

const ALPHA: u16 = 1;
const DECIMAL: u16 = 2;
const DIGIT: u16 = 4;
const NUMERIC: u16 = 8;
const LOWER: u16 = 16;
const UPPER: u16 = 32;
const TITLE: u16 = 64;
const SPACE: u16 = 128;
const PRINTABLE: u16 = 256;
const LINEBREAK: u16 = 512;
const CASED: u16 = 1024;
const IGNORABLE: u16 = 2048;
const XID_START: u16 = 4096;
const XID_CONTINUE: u16 = 8192;
pub(crate) const SPECIAL: u16 = 16384;

/// One distinct combination of the type properties.
#[derive(Clone, Copy)]
pub(crate) struct TypeRecord {
    pub(crate) flags: u16,
    decimal: u8,
    digit: u8,
    numeric: u8,
    pub(crate) lower: i32,
    pub(crate) upper: i32,
    pub(crate) title: i32,
    pub(crate) fold: i32,
}

const INDEX: &[u8] = include_bytes!("data/type_index.bin");
const BLOB: &[u8] = include_bytes!("data/type_records.bin");
static INDEX1: [u16; TYPE_LEN1] = u16s(INDEX, 0);
static INDEX2: [u16; TYPE_LEN2] = u16s(INDEX, TYPE_LEN1);
static RECORDS: [TypeRecord; TYPE_RECORDS] = decode();
const VALUES: &[u8] = include_bytes!("data/numbers.bin");

const fn decode() -> [TypeRecord; TYPE_RECORDS] {
    let none =
        TypeRecord { flags: 0, decimal: 255, digit: 255, numeric: 0, lower: 0, upper: 0, title: 0, fold: 0 };
    let mut out = [none; TYPE_RECORDS];
    let mut i = 0;
    while i < TYPE_RECORDS {
        let at = i * 24;
        out[i] = TypeRecord {
            flags: BLOB[at] as u16 | (BLOB[at + 1] as u16) << 8,
            decimal: BLOB[at + 2],
            digit: BLOB[at + 3],
            numeric: BLOB[at + 4],
            lower: u32_at(BLOB, at + 8) as i32,
            upper: u32_at(BLOB, at + 12) as i32,
            title: u32_at(BLOB, at + 16) as i32,
            fold: u32_at(BLOB, at + 20) as i32,
        };
        i += 1;
    }
    out
}

#[inline]
pub(crate) fn record(ch: u32) -> &'static TypeRecord {
    &RECORDS[trie(&INDEX1, &INDEX2, TYPE_SHIFT, ch)]
}

#[inline]
fn has(ch: u32, mask: u16) -> bool {
    ch <= 0x10FFFF && record(ch).flags & mask != 0
}

/// `str.isalpha` of one character.
#[inline]
pub fn is_alpha(ch: u32) -> bool {
    has(ch, ALPHA)
}

/// `str.isdecimal` of one character.
#[inline]
pub fn is_decimal(ch: u32) -> bool {
    has(ch, DECIMAL)
}

/// `str.isdigit` of one character.
#[inline]
pub fn is_digit(ch: u32) -> bool {
    has(ch, DIGIT)
}

/// `str.isnumeric` of one character.
#[inline]
pub fn is_numeric(ch: u32) -> bool {
    has(ch, NUMERIC)
}

/// `str.isalnum` of one character.
#[inline]
pub fn is_alnum(ch: u32) -> bool {
    has(ch, ALPHA | DECIMAL | DIGIT | NUMERIC)
}

/// The Lowercase property (`str.islower` of one character).
#[inline]
pub fn is_lower(ch: u32) -> bool {
    has(ch, LOWER)
}

/// The Uppercase property (`str.isupper` of one character).
#[inline]
pub fn is_upper(ch: u32) -> bool {
    has(ch, UPPER)
}

/// Whether the character is a titlecase letter (category Lt).
#[inline]
pub fn is_title(ch: u32) -> bool {
    has(ch, TITLE)
}

/// `str.isspace` of one character.
#[inline]
pub fn is_space(ch: u32) -> bool {
    has(ch, SPACE)
}

/// `str.isprintable` of one character.
#[inline]
pub fn is_printable(ch: u32) -> bool {
    has(ch, PRINTABLE)
}

/// Whether `str.splitlines` breaks at the character.
#[inline]
pub fn is_linebreak(ch: u32) -> bool {
    has(ch, LINEBREAK)
}

/// The Cased property (as `str.title` sees word interiors).
#[inline]
pub fn is_cased(ch: u32) -> bool {
    has(ch, CASED)
}

/// The Case_Ignorable property (as the final sigma rule sees it).
#[inline]
pub fn is_case_ignorable(ch: u32) -> bool {
    has(ch, IGNORABLE)
}

/// The XID_Start property; the underscore is not in it, see [`is_identifier_start`].
#[inline]
pub fn is_xid_start(ch: u32) -> bool {
    has(ch, XID_START)
}

/// The XID_Continue property, which is `str.isidentifier` after the first character.
#[inline]
pub fn is_xid_continue(ch: u32) -> bool {
    has(ch, XID_CONTINUE)
}

/// Whether an identifier may begin with the character (XID_Start or `_`).
#[inline]
pub fn is_identifier_start(ch: u32) -> bool {
    ch == '_' as u32 || is_xid_start(ch)
}

/// `str.isidentifier` over a sequence of code points.
pub fn is_identifier(chars: impl IntoIterator<Item = u32>) -> bool {
    let mut chars = chars.into_iter();
    chars.next().is_some_and(is_identifier_start) && chars.all(is_xid_continue)
}

/// The value of a decimal digit (`unicodedata.decimal`, also `int` and `float` parsing).
#[inline]
pub fn decimal_value(ch: u32) -> Option<u32> {
    if ch > 0x10FFFF {
        return None;
    }
    let value = record(ch).decimal;
    (value != 255).then_some(value as u32)
}

/// The value of a digit (`unicodedata.digit`).
#[inline]
pub fn digit_value(ch: u32) -> Option<u32> {
    if ch > 0x10FFFF {
        return None;
    }
    let value = record(ch).digit;
    (value != 255).then_some(value as u32)
}

pub(crate) fn number(index: u8) -> Option<f64> {
    let at = index as usize * 8;
    let bits = u32_at(VALUES, at) as u64 | (u32_at(VALUES, at + 4) as u64) << 32;
    (index != 0).then_some(f64::from_bits(bits))
}

/// The numeric value (`unicodedata.numeric`).
pub fn numeric_value(ch: u32) -> Option<f64> {
    if ch > 0x10FFFF {
        return None;
    }
    number(record(ch).numeric)
}
