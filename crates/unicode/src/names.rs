//! Character names, both ways (`unicodedata.name`, `unicodedata.lookup`, `\N{...}`).
//!
//! Names are sequences of words of a lexicon: the commonest words are one
//! byte, the others two, and a zero ends a name. Hangul syllables and the
//! names that end in their own code point are computed. Finding a character
//! is a binary search over the names in alphabetical order.

use crate::database::{L_COUNT, S_BASE, S_COUNT, T_COUNT, V_COUNT};
use crate::generated::*;
use crate::table::u32_at;

static LEXICON: &[u8] = include_bytes!("data/lexicon.bin");
static LENGTHS: &[u8] = include_bytes!("data/lexicon_lengths.bin");
static WORD_OFFSETS: &[u8] = include_bytes!("data/lexicon_offsets.bin");
static PHRASES: &[u8] = include_bytes!("data/names.bin");
static PHRASE_OFFSETS: &[u8] = include_bytes!("data/names_offsets.bin");
static RUNS: &[u8] = include_bytes!("data/names_runs.bin");
static SORTED: &[u8] = include_bytes!("data/names_sorted.bin");
static ALIASES: &[u8] = include_bytes!("data/aliases.txt");

const HANGUL: &str = "HANGUL SYLLABLE ";
const LEADS: [&str; L_COUNT as usize] =
    ["G", "GG", "N", "D", "DD", "R", "M", "B", "BB", "S", "SS", "", "J", "JJ", "C", "K", "T", "P", "H"];
const VOWELS: [&str; V_COUNT as usize] = [
    "A", "AE", "YA", "YAE", "EO", "E", "YEO", "YE", "O", "WA", "WAE", "OE", "YO", "U", "WEO", "WE", "WI",
    "YU", "EU", "YI", "I",
];
const TAILS: [&str; T_COUNT as usize] = [
    "", "G", "GG", "GS", "N", "NJ", "NH", "D", "L", "LG", "LM", "LB", "LS", "LT", "LP", "LH", "M", "B", "BS",
    "S", "SS", "NG", "J", "C", "K", "T", "P", "H",
];

const _: () = assert!(LENGTHS.len() == NAME_WORDS && SORTED.len() == NAME_COUNT * 2);

fn word(index: usize) -> &'static [u8] {
    let group = index / 16 * 16;
    let mut at = u32_at(WORD_OFFSETS, index / 16 * 4) as usize;
    for &len in &LENGTHS[group..index] {
        at += len as usize;
    }
    &LEXICON[at..at + LENGTHS[index] as usize]
}

/// Writes the stored name of an index to `out`.
fn spell(index: usize, out: &mut Vec<u8>) {
    out.clear();
    let mut at = u32_at(PHRASE_OFFSETS, index / 8 * 4) as usize;
    for _ in 0..index % 8 {
        while PHRASES[at] != 0 {
            at += if PHRASES[at] as usize <= NAME_SINGLE { 1 } else { 2 };
        }
        at += 1;
    }
    while PHRASES[at] != 0 {
        let code = PHRASES[at] as usize;
        let index = if code <= NAME_SINGLE {
            code - 1
        } else {
            at += 1;
            NAME_SINGLE + ((code - NAME_SINGLE - 1) << 8 | PHRASES[at] as usize)
        };
        at += 1;
        if !out.is_empty() {
            out.push(b' ');
        }
        out.extend_from_slice(word(index));
    }
}

/// The run (first code point, length, first index) at a position of the table.
fn run(at: usize) -> (u32, u32, u32) {
    (u32_at(RUNS, at * 12), u32_at(RUNS, at * 12 + 4), u32_at(RUNS, at * 12 + 8))
}

/// The position of the last run for which `before` holds.
fn last_run(before: impl Fn((u32, u32, u32)) -> bool) -> Option<(u32, u32, u32)> {
    let (mut lo, mut hi) = (0, NAME_RUNS);
    while lo < hi {
        let mid = (lo + hi) / 2;
        if before(run(mid)) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    (lo > 0).then(|| run(lo - 1))
}

/// The name of a character (`unicodedata.name`).
pub fn name(ch: u32) -> Option<String> {
    let syllable = ch.wrapping_sub(S_BASE);
    if syllable < S_COUNT {
        let lead = LEADS[(syllable / (V_COUNT * T_COUNT)) as usize];
        let vowel = VOWELS[(syllable / T_COUNT % V_COUNT) as usize];
        let tail = TAILS[(syllable % T_COUNT) as usize];
        return Some(format!("{HANGUL}{lead}{vowel}{tail}"));
    }
    for &(first, last, prefix, own) in &ALGORITHMIC {
        if own && (first..=last).contains(&ch) {
            return Some(format!("{prefix}{ch:04X}"));
        }
    }
    let (first, len, index) = last_run(|(first, _, _)| first <= ch)?;
    if ch - first >= len {
        return None;
    }
    let mut out = Vec::new();
    spell((index + (ch - first)) as usize, &mut out);
    String::from_utf8(out).ok()
}

/// The character of a name, without aliases and sequences. Case does not matter.
pub fn lookup_char(name: &str) -> Option<u32> {
    if name.len() > 128 || !name.is_ascii() {
        return None;
    }
    let name = name.to_ascii_uppercase();
    if let Some(rest) = name.strip_prefix(HANGUL) {
        return hangul_syllable(rest);
    }
    if let Some(dash) = name.rfind('-') {
        let (prefix, digits) = name.split_at(dash + 1);
        if (4..=6).contains(&digits.len())
            && digits.bytes().all(|b| b.is_ascii_hexdigit())
            && let Ok(ch) = u32::from_str_radix(digits, 16)
            && format!("{ch:04X}") == digits
            && ALGORITHMIC.iter().any(|r| r.0 <= ch && ch <= r.1 && r.2 == prefix)
        {
            return Some(ch);
        }
    }
    let mut spelt = Vec::with_capacity(96);
    let (mut lo, mut hi) = (0, NAME_COUNT);
    while lo < hi {
        let mid = (lo + hi) / 2;
        let index = SORTED[mid * 2] as u32 | (SORTED[mid * 2 + 1] as u32) << 8;
        spell(index as usize, &mut spelt);
        match spelt.as_slice().cmp(name.as_bytes()) {
            std::cmp::Ordering::Less => lo = mid + 1,
            std::cmp::Ordering::Greater => hi = mid,
            std::cmp::Ordering::Equal => {
                let (first, _, base) = last_run(|(_, _, base)| base <= index)?;
                return Some(first + (index - base));
            }
        }
    }
    None
}

/// The characters of a name, alias or named sequence (`unicodedata.lookup`,
/// `\N{...}`). Case does not matter.
pub fn lookup(name: &str) -> Option<Vec<u32>> {
    if let Some(ch) = lookup_char(name) {
        return Some(vec![ch]);
    }
    let name = name.to_ascii_uppercase();
    let (mut lo, mut hi) = (0, ALIASES.len());
    while lo < hi {
        // The line that holds the middle byte.
        let mid = (lo + hi) / 2;
        let start = ALIASES[lo..mid].iter().rposition(|&b| b == b'\n').map_or(lo, |at| lo + at + 1);
        let end = mid + ALIASES[mid..].iter().position(|&b| b == b'\n')?;
        let line = &ALIASES[start..end];
        let colon = line.iter().position(|&b| b == b';')?;
        match line[..colon].cmp(name.as_bytes()) {
            std::cmp::Ordering::Less => lo = end + 1,
            std::cmp::Ordering::Greater => hi = start,
            std::cmp::Ordering::Equal => {
                let text = std::str::from_utf8(&line[colon + 1..]).ok()?;
                return text.split(' ').map(|hex| u32::from_str_radix(hex, 16).ok()).collect();
            }
        }
    }
    None
}

/// The longest part of `table` that `text` begins with.
fn longest(table: &[&str], text: &str) -> Option<(usize, usize)> {
    let mut best: Option<(usize, usize)> = None;
    for (index, part) in table.iter().enumerate() {
        if text.starts_with(part) && best.is_none_or(|(_, len)| part.len() > len) {
            best = Some((index, part.len()));
        }
    }
    best
}

fn hangul_syllable(text: &str) -> Option<u32> {
    let (lead, len) = longest(&LEADS, text)?;
    let text = &text[len..];
    let (vowel, len) = longest(&VOWELS, text)?;
    let tail = TAILS.iter().position(|part| *part == &text[len..])?;
    Some(S_BASE + ((lead * V_COUNT as usize + vowel) * T_COUNT as usize + tail) as u32)
}
