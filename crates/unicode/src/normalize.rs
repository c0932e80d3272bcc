//! The normalisation forms NFC, NFD, NFKC and NFKD.

use crate::database::{
    L_BASE, L_COUNT, S_BASE, S_COUNT, T_BASE, T_COUNT, V_BASE, V_COUNT, combining, hangul, mapping, quick,
};
use crate::generated::{COMPOSE_LEN, OLD_NORMALIZATION};
use crate::table::u32_at;

/// A normalisation form.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// Canonical decomposition, then canonical composition.
    Nfc,
    /// Canonical decomposition.
    Nfd,
    /// Compatibility decomposition, then canonical composition.
    Nfkc,
    /// Compatibility decomposition.
    Nfkd,
}

impl Form {
    /// The form of a name as Python spells it.
    pub fn from_name(name: &str) -> Option<Form> {
        Some(match name {
            "NFC" => Form::Nfc,
            "NFD" => Form::Nfd,
            "NFKC" => Form::Nfkc,
            "NFKD" => Form::Nfkd,
            _ => return None,
        })
    }

    fn compatibility(self) -> bool {
        matches!(self, Form::Nfkc | Form::Nfkd)
    }

    fn composes(self) -> bool {
        matches!(self, Form::Nfc | Form::Nfkc)
    }

    /// The quick-check bits (no, maybe) of a character record.
    fn masks(self) -> (u8, u8) {
        match self {
            Form::Nfc => (2, 4),
            Form::Nfd => (8, 0),
            Form::Nfkc => (16, 32),
            Form::Nfkd => (64, 0),
        }
    }
}

/// Which version of the data to normalise with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    Current,
    V3_2_0,
}

/// The answer of the quick check.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum QuickCheck {
    /// The text is normalised.
    Yes,
    /// The text is not normalised.
    No,
    /// Only normalising tells.
    Maybe,
}

/// The quick check of a text (no allocation).
pub fn quick_check(form: Form, text: impl IntoIterator<Item = u32>) -> QuickCheck {
    let (no, maybe) = form.masks();
    let mut answer = QuickCheck::Yes;
    let mut last = 0;
    for ch in text {
        if ch < 0xA0 {
            last = 0;
            continue;
        }
        let bits = quick(ch);
        let class = combining(ch);
        if bits & no != 0 || (class != 0 && last > class) {
            return QuickCheck::No;
        }
        if bits & maybe != 0 {
            answer = QuickCheck::Maybe;
        }
        last = class;
    }
    answer
}

/// Whether the text is in the form (`unicodedata.is_normalized`).
pub fn is_normalized(form: Form, text: &[u32]) -> bool {
    match quick_check(form, text.iter().copied()) {
        QuickCheck::Yes => true,
        QuickCheck::No => false,
        QuickCheck::Maybe => normalize_version(form, text, Version::Current) == text,
    }
}

/// The text in the form (`unicodedata.normalize`).
pub fn normalize(form: Form, text: &[u32]) -> Vec<u32> {
    if quick_check(form, text.iter().copied()) == QuickCheck::Yes {
        return text.to_vec();
    }
    normalize_version(form, text, Version::Current)
}

pub(crate) fn normalize_version(form: Form, text: &[u32], version: Version) -> Vec<u32> {
    let mut out = Vec::with_capacity(text.len() + text.len() / 4 + 4);
    for &ch in text {
        decompose(ch, form.compatibility(), version, &mut out);
    }
    reorder(&mut out);
    if form.composes() {
        compose(&mut out);
    }
    out
}

fn decompose(ch: u32, compatibility: bool, version: Version, out: &mut Vec<u32>) {
    if ch < 0xA0 {
        out.push(ch);
        return;
    }
    if let Some((jamo, len)) = hangul(ch) {
        out.extend_from_slice(&jamo[..len]);
        return;
    }
    if version == Version::V3_2_0 {
        if let Ok(at) = OLD_NORMALIZATION.binary_search_by_key(&ch, |&(from, _)| from) {
            out.push(OLD_NORMALIZATION[at].1);
            return;
        }
        if !crate::ucd_3_2_0::assigned(ch) {
            out.push(ch);
            return;
        }
    }
    match mapping(ch) {
        Some((tag, chars)) if compatibility || tag.is_empty() => {
            for &part in chars {
                decompose(part, compatibility, version, out);
            }
        }
        _ => out.push(ch),
    }
}

/// Sorts every run of combining characters by class, stably.
fn reorder(text: &mut [u32]) {
    let mut at = 0;
    while at < text.len() {
        if text[at] < 0x300 || combining(text[at]) == 0 {
            at += 1;
            continue;
        }
        let start = at;
        let mut sorted = true;
        let mut last = 0;
        while at < text.len() {
            let class = combining(text[at]);
            if class == 0 {
                break;
            }
            sorted &= last <= class;
            last = class;
            at += 1;
        }
        if !sorted {
            text[start..at].sort_by_key(|&ch| combining(ch));
        }
    }
}

fn compose(text: &mut Vec<u32>) {
    let mut write = 0; // end of the written part
    let mut starter = usize::MAX; // index of the last starter written
    let mut last_class = 0u8; // class of the last character written after it
    for read in 0..text.len() {
        let ch = text[read];
        let class = if ch < 0x300 { 0 } else { combining(ch) };
        if starter != usize::MAX {
            let adjacent = write == starter + 1;
            if (adjacent || (last_class != 0 && last_class < class))
                && let Some(both) = pair(text[starter], ch)
            {
                text[starter] = both;
                continue;
            }
        }
        if class == 0 {
            starter = write;
        }
        last_class = class;
        text[write] = ch;
        write += 1;
    }
    text.truncate(write);
}

const PAIRS: &[u8] = include_bytes!("data/compose.bin");

/// The canonical composition of two characters.
fn pair(first: u32, second: u32) -> Option<u32> {
    if second < 0x300 {
        return None;
    }
    let (l, v) = (first.wrapping_sub(L_BASE), second.wrapping_sub(V_BASE));
    if l < L_COUNT {
        return (v < V_COUNT).then(|| S_BASE + (l * V_COUNT + v) * T_COUNT);
    }
    let (s, t) = (first.wrapping_sub(S_BASE), second.wrapping_sub(T_BASE));
    if s < S_COUNT {
        return (s.is_multiple_of(T_COUNT) && t > 0 && t < T_COUNT).then(|| first + t);
    }
    let (mut lo, mut hi) = (0, COMPOSE_LEN);
    while lo < hi {
        let mid = (lo + hi) / 2;
        let key = (u32_at(PAIRS, mid * 12), u32_at(PAIRS, mid * 12 + 4));
        if key == (first, second) {
            return Some(u32_at(PAIRS, mid * 12 + 8));
        }
        if key < (first, second) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    None
}
