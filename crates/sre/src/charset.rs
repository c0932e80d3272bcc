//! One-character classes: the sets of `IN` in all their forms, reduced to a
//! table for the first 256 characters and a list of tests for the others.

use crate::constants::{CATEGORIES, op};
use std::sync::OnceLock;
use taipan_unicode as uni;

/// How a character is folded before it is compared.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Fold {
    None,
    Ascii,
    Unicode,
    Locale,
}

impl Fold {
    #[inline]
    pub(crate) fn lower(self, ch: u32) -> u32 {
        match self {
            Fold::None => ch,
            Fold::Unicode => uni::simple_lower(ch),
            Fold::Ascii | Fold::Locale => {
                if ch < 128 {
                    (ch as u8).to_ascii_lowercase() as u32
                } else {
                    ch
                }
            }
        }
    }
}

/// Whether a character is in a category.
pub(crate) fn category(code: u32, ch: u32) -> bool {
    let ascii = ch < 128;
    let byte = ch as u8;
    let yes = match code >> 1 {
        0 => ascii && byte.is_ascii_digit(),
        1 => matches!(ch, 9..=13 | 32),
        2 | 4 => word_ascii(ch),
        3 => ch == 10,
        5 => uni::is_decimal(ch),
        6 => uni::is_space(ch),
        7 => word_unicode(ch),
        _ => uni::is_linebreak(ch),
    };
    yes != (code & 1 == 1)
}

/// Word characters of ASCII, which are also those of the C locale.
#[inline]
pub(crate) fn word_ascii(ch: u32) -> bool {
    ch < 128 && ((ch as u8).is_ascii_alphanumeric() || ch == b'_' as u32)
}

/// Word characters of Unicode.
#[inline]
pub(crate) fn word_unicode(ch: u32) -> bool {
    if ch < 128 { word_ascii(ch) } else { uni::is_alnum(ch) }
}

/// One member of a set.
#[derive(Clone, Debug)]
enum Item {
    Negate,
    Literal(u32),
    Range(u32, u32),
    RangeUni(u32, u32),
    Category(u32),
    Bits([u32; 8]),
    Big(Box<[u8; 256]>, Box<[[u32; 8]]>),
}

#[inline]
fn bit(bits: &[u32; 8], ch: u32) -> bool {
    bits[(ch >> 5) as usize & 7] >> (ch & 31) & 1 != 0
}

fn contains(items: &[Item], ch: u32) -> bool {
    let mut ok = true;
    for item in items {
        let hit = match item {
            Item::Negate => {
                ok = !ok;
                continue;
            }
            Item::Literal(c) => ch == *c,
            Item::Range(a, b) => (*a..=*b).contains(&ch),
            Item::RangeUni(a, b) => (*a..=*b).contains(&ch) || (*a..=*b).contains(&uni::simple_upper(ch)),
            Item::Category(code) => category(*code, ch),
            Item::Bits(bits) => ch < 256 && bit(bits, ch),
            Item::Big(map, blocks) => ch < 65536 && bit(&blocks[map[(ch >> 8) as usize] as usize], ch & 255),
        };
        if hit {
            return ok;
        }
    }
    !ok
}

/// The first 256 characters of a category.
fn category_bits(code: u32) -> [u64; 4] {
    static KNOWN: [OnceLock<[u64; 4]>; CATEGORIES as usize] =
        [const { OnceLock::new() }; CATEGORIES as usize];
    *KNOWN[code as usize].get_or_init(|| collect(|ch| category(code, ch)))
}

fn collect(has: impl Fn(u32) -> bool) -> [u64; 4] {
    let mut bits = [0u64; 4];
    for ch in 0..256 {
        bits[ch as usize >> 6] |= (has(ch) as u64) << (ch & 63);
    }
    bits
}

/// The first 256 characters that `contains` finds in the items, as bits.
fn low_bits(items: &[Item]) -> [u64; 4] {
    let (mut ok, mut decided, mut bits) = (true, [0u64; 4], [0u64; 4]);
    for item in items {
        let hit = match item {
            Item::Negate => {
                ok = !ok;
                continue;
            }
            Item::Bits(b) => std::array::from_fn(|i| b[i * 2] as u64 | (b[i * 2 + 1] as u64) << 32),
            Item::Category(code) => category_bits(*code),
            Item::Literal(c) => {
                let mut one = [0; 4];
                if *c < 256 {
                    one[*c as usize >> 6] = 1 << (c & 63);
                }
                one
            }
            Item::Range(a, b) => collect(|ch| (*a..=*b).contains(&ch)),
            item => collect(|ch| contains(std::slice::from_ref(item), ch)),
        };
        for i in 0..4 {
            if ok {
                bits[i] |= hit[i] & !decided[i];
            }
            decided[i] |= hit[i];
        }
    }
    if !ok {
        // A negated set has what nothing decided about.
        for i in 0..4 {
            bits[i] |= !decided[i];
        }
    }
    bits
}

/// What a set does beyond the first 256 characters.
#[derive(Debug)]
enum High {
    Never,
    Always,
    Ask,
}

/// A decoded set.
#[derive(Debug)]
pub(crate) struct CharSet {
    /// Membership of the first 256 characters.
    pub(crate) table: [bool; 256],
    /// The same as bits.
    pub(crate) bits: [u64; 4],
    high: High,
    items: Box<[Item]>,
    fold: Fold,
}

impl CharSet {
    /// Whether the set has the character.
    #[inline(always)]
    pub(crate) fn has(&self, ch: u32) -> bool {
        if ch < 256 { self.table[ch as usize] } else { self.has_high(ch) }
    }

    #[inline]
    fn has_high(&self, ch: u32) -> bool {
        match self.high {
            High::Never => false,
            High::Always => true,
            High::Ask => self.ask(ch),
        }
    }

    fn ask(&self, ch: u32) -> bool {
        match self.fold {
            Fold::Locale if ch < 128 => {
                // Either case may be in the set; a negation is about both.
                let (lower, upper) = ((ch as u8).to_ascii_lowercase(), (ch as u8).to_ascii_uppercase());
                let (negate, items) = match &self.items[..] {
                    [Item::Negate, rest @ ..] => (true, rest),
                    items => (false, items),
                };
                negate != (contains(items, lower as u32) || contains(items, upper as u32))
            }
            fold => contains(&self.items, fold.lower(ch)),
        }
    }

    /// Whether the set may have a character beyond the first 256.
    pub(crate) fn may_high(&self) -> bool {
        !matches!(self.high, High::Never)
    }

    /// Whether the set has every character beyond the first 256.
    pub(crate) fn always_high(&self) -> bool {
        matches!(self.high, High::Always)
    }

    fn build(items: Vec<Item>, fold: Fold) -> CharSet {
        let mut set = CharSet {
            table: [false; 256],
            bits: [0; 4],
            high: High::Ask,
            items: items.into_boxed_slice(),
            fold,
        };
        let plain = low_bits(&set.items);
        for ch in 0..256u32 {
            let lower = fold.lower(ch);
            let has = if fold == Fold::Locale || lower > 255 {
                set.ask(ch)
            } else {
                plain[lower as usize >> 6] >> (lower & 63) & 1 != 0
            };
            set.table[ch as usize] = has;
            set.bits[ch as usize >> 6] |= (has as u64) << (ch & 63);
        }
        // Without Unicode folding a character beyond 255 is compared as it is.
        if fold != Fold::Unicode {
            let low = set.items.iter().all(|item| match item {
                Item::Negate | Item::Bits(_) => true,
                Item::Literal(c) => *c < 256,
                Item::Range(_, b) => *b < 256,
                Item::Category(code) => *code < 10,
                Item::RangeUni(..) | Item::Big(..) => false,
            });
            if low {
                // Only negated categories tell characters beyond 255 from none at all.
                set.high = if contains(&set.items, 0x10FFFF) { High::Always } else { High::Never };
            }
        }
        set
    }

    /// The set of the characters that fold to `ch`, or of all others.
    pub(crate) fn folded(ch: u32, negate: bool, fold: Fold) -> CharSet {
        let mut items = Vec::with_capacity(2);
        if negate {
            items.push(Item::Negate);
        }
        items.push(Item::Literal(ch));
        CharSet::build(items, fold)
    }

    /// The set without characters.
    pub(crate) fn empty() -> CharSet {
        CharSet::build(Vec::new(), Fold::None)
    }

    /// The set of a category that stands alone.
    pub(crate) fn of_category(code: u32) -> Option<CharSet> {
        (code < CATEGORIES).then(|| CharSet::build(vec![Item::Category(code)], Fold::None))
    }

    /// Decodes a set; `code` must be all of it, with the closing `FAILURE`.
    pub(crate) fn decode(code: &[u32], fold: Fold) -> Option<CharSet> {
        let mut items = Vec::new();
        let mut at = 0;
        loop {
            let rest = code.get(at + 1..)?;
            let used = match code[at] {
                op::FAILURE => {
                    return rest.is_empty().then(|| CharSet::build(items, fold));
                }
                op::NEGATE => {
                    items.push(Item::Negate);
                    0
                }
                op::LITERAL => {
                    items.push(Item::Literal(*rest.first()?));
                    1
                }
                op::RANGE => {
                    items.push(Item::Range(*rest.first()?, *rest.get(1)?));
                    2
                }
                op::RANGE_UNI_IGNORE => {
                    items.push(Item::RangeUni(*rest.first()?, *rest.get(1)?));
                    2
                }
                op::CATEGORY => {
                    let code = *rest.first()?;
                    if code >= CATEGORIES {
                        return None;
                    }
                    items.push(Item::Category(code));
                    1
                }
                op::CHARSET => {
                    items.push(Item::Bits(rest.get(..8)?.try_into().ok()?));
                    8
                }
                op::BIGCHARSET => {
                    let count = *rest.first()? as usize;
                    let map = rest.get(1..65)?;
                    let mut bytes = Box::new([0u8; 256]);
                    for (i, word) in map.iter().enumerate() {
                        bytes[i * 4..i * 4 + 4].copy_from_slice(&word.to_ne_bytes());
                    }
                    if count > 256 || bytes.iter().any(|&b| b as usize >= count) {
                        return None;
                    }
                    let blocks = rest.get(65..65 + count * 8)?;
                    let blocks: Vec<[u32; 8]> = blocks
                        .chunks_exact(8)
                        .map(|c| [c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7]])
                        .collect();
                    items.push(Item::Big(bytes, blocks.into_boxed_slice()));
                    65 + count * 8
                }
                _ => return None,
            };
            at += 1 + used;
        }
    }
}
