//! Character properties: what the functions of `unicodedata` answer.

use crate::generated::*;
use crate::table::{trie, u16s, u32s};

const INDEX: &[u8] = include_bytes!("data/db_index.bin");
static RECORDS: &[u8] = include_bytes!("data/db_records.bin");
static INDEX1: [u16; DB_LEN1] = u16s(INDEX, 0);
static INDEX2: [u16; DB_LEN2] = u16s(INDEX, DB_LEN1);

const DINDEX: &[u8] = include_bytes!("data/decomp_index.bin");
static DINDEX1: [u16; DECOMP_LEN1] = u16s(DINDEX, 0);
static DINDEX2: [u16; DECOMP_LEN2] = u16s(DINDEX, DECOMP_LEN1);
static DATA: [u32; DECOMP_DATA] = u32s(include_bytes!("data/decomp_data.bin"));

/// Hangul syllables: their first, count, and the bases of their arithmetic.
pub(crate) const S_BASE: u32 = 0xAC00;
pub(crate) const L_BASE: u32 = 0x1100;
pub(crate) const V_BASE: u32 = 0x1161;
pub(crate) const T_BASE: u32 = 0x11A7;
pub(crate) const L_COUNT: u32 = 19;
pub(crate) const V_COUNT: u32 = 21;
pub(crate) const T_COUNT: u32 = 28;
pub(crate) const S_COUNT: u32 = L_COUNT * V_COUNT * T_COUNT;

const _: () = assert!(RECORDS.len() == DB_RECORDS * 5);

#[inline]
fn record(ch: u32) -> &'static [u8] {
    let at = trie(&INDEX1, &INDEX2, DB_SHIFT, ch) * 5;
    &RECORDS[at..at + 5]
}

/// The general category, two letters (`Cn` when unassigned).
pub fn category(ch: u32) -> &'static str {
    CATEGORIES[record(ch)[0] as usize]
}

/// The bidirectional class; empty when there is none.
pub fn bidirectional(ch: u32) -> &'static str {
    BIDI[record(ch)[1] as usize]
}

/// The canonical combining class.
#[inline]
pub fn combining(ch: u32) -> u8 {
    record(ch)[2]
}

/// The East Asian width.
pub fn east_asian_width(ch: u32) -> &'static str {
    WIDTHS[record(ch)[3] as usize]
}

/// Whether the character is mirrored in bidirectional text.
pub fn mirrored(ch: u32) -> bool {
    record(ch)[4] & 1 != 0
}

/// The quick-check bits (see `normalize`).
#[inline]
pub(crate) fn quick(ch: u32) -> u8 {
    record(ch)[4]
}

/// The stored decomposition: the tag (empty when canonical) and the characters.
/// Hangul syllables are not stored.
#[inline]
pub(crate) fn mapping(ch: u32) -> Option<(&'static str, &'static [u32])> {
    let at = trie(&DINDEX1, &DINDEX2, DECOMP_SHIFT, ch);
    if at == 0 {
        return None;
    }
    let header = DATA[at];
    let len = (header & 0xFF) as usize;
    Some((DECOMPOSITION_TAGS[(header >> 8) as usize], &DATA[at + 1..at + 1 + len]))
}

/// The jamo of a Hangul syllable, and how many they are.
#[inline]
pub(crate) fn hangul(ch: u32) -> Option<([u32; 3], usize)> {
    let index = ch.wrapping_sub(S_BASE);
    if index >= S_COUNT {
        return None;
    }
    let tail = index % T_COUNT;
    let jamo = [L_BASE + index / (V_COUNT * T_COUNT), V_BASE + index / T_COUNT % V_COUNT, T_BASE + tail];
    Some((jamo, 2 + (tail != 0) as usize))
}

/// The decomposition mapping as `unicodedata.decomposition` writes it; empty when there is none.
pub fn decomposition(ch: u32) -> String {
    use std::fmt::Write;
    let mut out = String::new();
    let mut put = |tag: &str, chars: &[u32]| {
        out.push_str(tag);
        for ch in chars {
            if !out.is_empty() {
                out.push(' ');
            }
            let _ = write!(out, "{ch:04X}");
        }
    };
    if let Some((jamo, len)) = hangul(ch) {
        if HANGUL_DECOMPOSITION {
            put("", &jamo[..len]);
        }
    } else if let Some((tag, chars)) = mapping(ch) {
        put(tag, chars);
    }
    out
}
