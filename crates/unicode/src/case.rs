//! Case mappings: the full ones of `str.lower`, `upper`, `title` and
//! `casefold`, the rule of the final sigma, and the one-to-one mappings the
//! regular expression engine compares with.

use crate::ctype::{SPECIAL, is_case_ignorable, is_cased, record};
use crate::generated::SPECIAL_LEN;
use crate::table::u32_at;

/// A mapped character: one to three code points.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mapped {
    chars: [u32; 3],
    len: u8,
}

impl Mapped {
    #[inline]
    const fn one(ch: u32) -> Mapped {
        Mapped { chars: [ch, 0, 0], len: 1 }
    }

    /// The code points.
    #[inline]
    pub fn as_slice(&self) -> &[u32] {
        &self.chars[..self.len as usize]
    }
}

impl std::ops::Deref for Mapped {
    type Target = [u32];
    #[inline]
    fn deref(&self) -> &[u32] {
        self.as_slice()
    }
}

const BLOB: &[u8] = include_bytes!("data/special_case.bin");
const ENTRY: usize = 52;

#[cold]
fn special(ch: u32, which: usize) -> Mapped {
    let (mut lo, mut hi) = (0, SPECIAL_LEN);
    while lo < hi {
        let mid = (lo + hi) / 2;
        let key = u32_at(BLOB, mid * ENTRY);
        if key == ch {
            let at = mid * ENTRY + 4 + which * 12;
            let chars = [u32_at(BLOB, at), u32_at(BLOB, at + 4), u32_at(BLOB, at + 8)];
            let len = 1 + (chars[1] != 0) as u8 + (chars[2] != 0) as u8;
            return Mapped { chars, len };
        }
        if key < ch {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    Mapped::one(ch)
}

macro_rules! mapping {
    ($(#[$doc:meta])* $full:ident, $(#[$doc2:meta])* $simple:ident, $field:ident, $which:expr) => {
        $(#[$doc])*
        #[inline]
        pub fn $full(ch: u32) -> Mapped {
            if ch > 0x10FFFF {
                return Mapped::one(ch);
            }
            let record = record(ch);
            if record.flags & SPECIAL != 0 {
                return special(ch, $which);
            }
            Mapped::one(ch.wrapping_add_signed(record.$field))
        }

        $(#[$doc2])*
        #[inline]
        pub fn $simple(ch: u32) -> u32 {
            if ch > 0x10FFFF {
                return ch;
            }
            ch.wrapping_add_signed(record(ch).$field)
        }
    };
}

mapping!(
    /// Full lowercase mapping, without the context of the final sigma (see [`lower_at`]).
    to_lower,
    /// One-to-one lowercase, as the regular expression engine folds.
    simple_lower,
    lower,
    0
);
mapping!(
    /// Full uppercase mapping.
    to_upper,
    /// One-to-one uppercase (the first character of the full mapping).
    simple_upper,
    upper,
    1
);
mapping!(
    /// Full titlecase mapping.
    to_title,
    /// One-to-one titlecase (the first character of the full mapping).
    simple_title,
    title,
    2
);
mapping!(
    /// Full case folding.
    to_casefold,
    /// The first character of the full case folding.
    simple_casefold,
    fold,
    3
);

const SIGMA: u32 = 0x3A3;

/// Whether a capital sigma at `index` lowers to the final sigma; `at` gives
/// the code point at an index below `len`.
pub fn is_final_sigma(len: usize, index: usize, at: impl Fn(usize) -> u32) -> bool {
    let mut before = index;
    loop {
        if before == 0 {
            return false;
        }
        before -= 1;
        if !is_case_ignorable(at(before)) {
            break;
        }
    }
    if !is_cased(at(before)) {
        return false;
    }
    let mut after = index + 1;
    while after < len && is_case_ignorable(at(after)) {
        after += 1;
    }
    after == len || !is_cased(at(after))
}

/// The lowercase of the character at `index` of a string of `len` code
/// points, with the rule of the final sigma (`str.lower`).
#[inline]
pub fn lower_at(len: usize, index: usize, at: impl Fn(usize) -> u32) -> Mapped {
    let ch = at(index);
    if ch == SIGMA {
        return Mapped::one(if is_final_sigma(len, index, at) { 0x3C2 } else { 0x3C3 });
    }
    to_lower(ch)
}

/// `str.lower`.
pub fn lower(text: &[u32]) -> Vec<u32> {
    let mut out = Vec::with_capacity(text.len());
    for index in 0..text.len() {
        out.extend_from_slice(&lower_at(text.len(), index, |i| text[i]));
    }
    out
}

/// `str.upper`.
pub fn upper(text: &[u32]) -> Vec<u32> {
    let mut out = Vec::with_capacity(text.len());
    for &ch in text {
        out.extend_from_slice(&to_upper(ch));
    }
    out
}

/// `str.casefold`.
pub fn casefold(text: &[u32]) -> Vec<u32> {
    let mut out = Vec::with_capacity(text.len());
    for &ch in text {
        out.extend_from_slice(&to_casefold(ch));
    }
    out
}

/// `str.title`.
pub fn title(text: &[u32]) -> Vec<u32> {
    let mut out = Vec::with_capacity(text.len());
    let mut inside = false;
    for (index, &ch) in text.iter().enumerate() {
        if inside {
            out.extend_from_slice(&lower_at(text.len(), index, |i| text[i]));
        } else {
            out.extend_from_slice(&to_title(ch));
        }
        inside = is_cased(ch);
    }
    out
}

/// `str.capitalize`: the first character in titlecase, the others lowered.
pub fn capitalize(text: &[u32]) -> Vec<u32> {
    let mut out = Vec::with_capacity(text.len());
    for (index, &ch) in text.iter().enumerate() {
        if index == 0 {
            out.extend_from_slice(&to_title(ch));
        } else {
            out.extend_from_slice(&lower_at(text.len(), index, |i| text[i]));
        }
    }
    out
}

/// `str.swapcase`.
pub fn swapcase(text: &[u32]) -> Vec<u32> {
    let mut out = Vec::with_capacity(text.len());
    for (index, &ch) in text.iter().enumerate() {
        if crate::is_upper(ch) {
            out.extend_from_slice(&lower_at(text.len(), index, |i| text[i]));
        } else if crate::is_lower(ch) {
            out.extend_from_slice(&to_upper(ch));
        } else {
            out.push(ch);
        }
    }
    out
}
