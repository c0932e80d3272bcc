//! The Japanese encodings without escape sequences: Shift JIS and EUC, of the
//! old character sets and of JIS X 0213.

use super::plain::{decode_above_ascii, encode_above_ascii, two};
use super::tables::{Decoded, Set};
use super::{Edition, Fault, Input, Source, join, put, put_code, with_pairs};

const INVALID: Fault = Fault::Invalid(1);

const YEN: u32 = 0xa5;
const OVERLINE: u32 = 0x203e;
const FULLWIDTH_BACKSLASH_CODE: u16 = 0x2140;
const FULLWIDTH_BACKSLASH: u32 = 0xff3c;
pub(super) const FULLWIDTH_TILDE: u32 = 0xff5e;
const TILDE_CODE: u16 = 0x2232;

/// Katakana of half the width, which are one byte of JIS X 0201.
pub(super) fn half_katakana(byte: u8) -> Option<u32> {
    if (0xa1..=0xdf).contains(&byte) { Some(byte as u32 - 0xa1 + 0xff61) } else { None }
}
/// Their byte.
pub(super) fn half_katakana_byte(c: u32) -> Option<u8> {
    if (0xff61..=0xff9f).contains(&c) { Some((c - 0xff61 + 0xa1) as u8) } else { None }
}

// ---- the arithmetic of Shift JIS ----------------------------------------------------------

/// Cells of a row.
const CELLS: u32 = 94;
/// The rows of the second plane of JIS X 0213, in the order in which they follow the first.
const SECOND_PLANE: [u8; 26] =
    [1, 8, 3, 4, 5, 12, 13, 14, 15, 78, 79, 80, 81, 82, 83, 84, 85, 86, 87, 88, 89, 90, 91, 92, 93, 94];

/// Is this the first of two bytes, if `last` is the last of those?
fn is_lead(byte: u8, last: u8) -> bool {
    matches!(byte, 0x81..=0x9f) || (0xe0..=last).contains(&byte)
}

/// Row (from 0 on) and cell of two bytes.
fn unshift(lead: u8, trail: u8) -> Option<(u32, u32)> {
    let lead = if lead < 0xe0 { lead - 0x81 } else { lead - 0xc1 };
    let trail = match trail {
        0x40..=0x7e => trail - 0x40,
        0x80..=0xfc => trail - 0x41,
        _ => return None,
    };
    let cell = trail as u32;
    Some((lead as u32 * 2 + cell / CELLS, cell % CELLS))
}

/// The two bytes of row and cell.
fn shift(row: u32, cell: u32) -> [u8; 2] {
    let (lead, trail) = (row / 2, row % 2 * CELLS + cell);
    let lead = lead + if lead < 0x1f { 0x81 } else { 0xc1 };
    let trail = trail + if trail < 0x3f { 0x40 } else { 0x41 };
    [lead as u8, trail as u8]
}

/// The two bytes of a code of a JIS set.
fn shift_code(code: u16) -> [u8; 2] {
    let [row, cell] = code.to_be_bytes();
    shift(row as u32 - 0x21, cell as u32 - 0x21)
}

// ---- Shift JIS -------------------------------------------------------------------------------

pub(super) fn decode_shift_jis(input: Input<'_>, out: &mut impl FnMut(u32)) -> Result<(), Fault> {
    let table = Set::Jisx0208.table();
    decode_above_ascii(input, out, |rest, out| {
        if let Some(c) = half_katakana(rest[0]) {
            out(c);
            return Ok(1);
        }
        if !is_lead(rest[0], 0xea) {
            return Err(INVALID);
        }
        let (a, b) = two(rest)?;
        let (row, cell) = unshift(a, b).ok_or(INVALID)?;
        put(table.decode((row + 0x21) << 8 | (cell + 0x21)).ok_or(INVALID)?, out);
        Ok(2)
    })
}

pub(super) fn encode_shift_jis<F: Fn(usize) -> u32>(
    source: Source<'_, F>,
    out: &mut Vec<u8>,
) -> Result<(), Fault> {
    let table = Set::Jisx0208.table();
    encode_above_ascii(source, out, |c, _, out| {
        match (half_katakana_byte(c), c) {
            (Some(byte), _) => out.push(byte),
            (_, YEN) => out.push(b'\\'),
            (_, OVERLINE) => out.push(b'~'),
            _ => out.extend_from_slice(&shift_code(table.encode(c).ok_or(INVALID)?)),
        }
        Ok(1)
    })
}

/// Single bytes of code page 932 beside ASCII and katakana.
const CP932_SINGLE: [(u8, u32); 5] =
    [(0x80, 0x80), (0xa0, 0xf8f0), (0xfd, 0xf8f1), (0xfe, 0xf8f2), (0xff, 0xf8f3)];

pub(super) fn decode_cp932(input: Input<'_>, out: &mut impl FnMut(u32)) -> Result<(), Fault> {
    let table = Set::Cp932.table();
    decode_above_ascii(input, out, |rest, out| {
        let single = CP932_SINGLE.iter().find(|(byte, _)| *byte == rest[0]).map(|(_, c)| *c);
        if let Some(c) = single.or(half_katakana(rest[0])) {
            out(c);
            return Ok(1);
        }
        let (a, b) = two(rest)?;
        put(table.decode(join(a, b)).ok_or(INVALID)?, out);
        Ok(2)
    })
}

pub(super) fn encode_cp932<F: Fn(usize) -> u32>(
    source: Source<'_, F>,
    out: &mut Vec<u8>,
) -> Result<(), Fault> {
    let table = Set::Cp932.table();
    encode_above_ascii(source, out, |c, _, out| {
        let single = CP932_SINGLE.iter().find(|(_, it)| *it == c).map(|(byte, _)| *byte);
        match single.or(half_katakana_byte(c)) {
            Some(byte) => out.push(byte),
            None => put_code(table.encode(c).ok_or(INVALID)?, out),
        }
        Ok(1)
    })
}

// ---- EUC-JP ----------------------------------------------------------------------------------

/// Before a katakana of half the width.
const SINGLE_SHIFT_2: u8 = 0x8e;
/// Before a code of the third set.
const SINGLE_SHIFT_3: u8 = 0x8f;

/// What is the same in all forms of EUC: `two_bytes` and `three_bytes` have the sets.
fn decode_euc<O: FnMut(u32)>(
    input: Input<'_>,
    out: &mut O,
    two_bytes: impl Fn(u32) -> Result<Decoded, Fault>,
    three_bytes: impl Fn(u32) -> Option<Decoded>,
) -> Result<(), Fault> {
    decode_above_ascii(input, out, |rest, out| {
        let (a, b) = two(rest)?;
        match a {
            SINGLE_SHIFT_2 => out(half_katakana(b).ok_or(INVALID)?),
            SINGLE_SHIFT_3 => {
                let &[_, _, c, ..] = rest else { return Err(Fault::Incomplete) };
                put(three_bytes(join(b, c) ^ 0x8080).ok_or(INVALID)?, out);
                return Ok(3);
            }
            _ => put(two_bytes(join(a, b) ^ 0x8080)?, out),
        }
        Ok(2)
    })
}

pub(super) fn decode_euc_jp(input: Input<'_>, out: &mut impl FnMut(u32)) -> Result<(), Fault> {
    let (first, second) = (Set::Jisx0208.table(), Set::Jisx0212.table());
    decode_euc(input, out, |code| first.decode(code).ok_or(INVALID), |code| second.decode(code))
}

pub(super) fn encode_euc_jp<F: Fn(usize) -> u32>(
    source: Source<'_, F>,
    out: &mut Vec<u8>,
) -> Result<(), Fault> {
    let (first, second) = (Set::Jisx0208.table(), Set::Jisx0212.table());
    encode_above_ascii(source, out, |c, _, out| {
        if let Some(code) = first.encode(c) {
            put_code(code ^ 0x8080, out);
        } else if let Some(code) = second.encode(c) {
            out.push(SINGLE_SHIFT_3);
            put_code(code ^ 0x8080, out);
        } else if let Some(byte) = half_katakana_byte(c) {
            out.extend_from_slice(&[SINGLE_SHIFT_2, byte]);
        } else {
            match c {
                YEN => out.push(b'\\'),
                OVERLINE => out.push(b'~'),
                _ => return Err(INVALID),
            }
        }
        Ok(1)
    })
}

// ---- JIS X 0213 --------------------------------------------------------------------------------

/// Characters that the edition of 2000 has not, and the ten codes they got in 2004.
const OF_2004: [u32; 10] = [0x9b1c, 0x4ff1, 0x525d, 0x541e, 0x5653, 0x59f8, 0x5c5b, 0x5e77, 0x7626, 0x7e6b];
const OF_2004_ABOVE_BMP: u32 = 0x20b9f;
/// A code of the second plane and its character in 2000.
const CHANGED: (u16, u32) = (0x7d3b, 0x9b1d);

impl Edition {
    /// A character of the first plane.
    #[inline]
    pub(super) fn first_plane(self, code: u32) -> Result<Decoded, Fault> {
        match Set::Jisx0213One.table().decode(code).ok_or(INVALID)? {
            Decoded::One(c) if self.lacks(c) => Err(Fault::Invalid(2)),
            decoded => Ok(decoded),
        }
    }
    /// A character of the second plane.
    #[inline]
    fn second_plane(self, code: u32) -> Option<Decoded> {
        if self == Edition::Of2000 && code == CHANGED.0 as u32 {
            return Some(Decoded::One(CHANGED.1));
        }
        Set::Jisx0213Two.table().decode(code)
    }
    /// Did the edition not have this character yet?
    pub(super) fn lacks(self, c: u32) -> bool {
        self == Edition::Of2000 && (OF_2004.contains(&c) || c == OF_2004_ABOVE_BMP)
    }
    /// The code in the second plane.
    #[inline]
    pub(super) fn in_second_plane(self, c: u32) -> Option<u16> {
        if self == Edition::Of2000 && c == CHANGED.1 {
            return Some(CHANGED.0);
        }
        Set::Jisx0213Two.table().encode(c)
    }
}

pub(super) fn decode_euc_jisx0213(
    edition: Edition,
    input: Input<'_>,
    out: &mut impl FnMut(u32),
) -> Result<(), Fault> {
    let third = Set::Jisx0212.table();
    decode_euc(
        input,
        out,
        |code| {
            if code == TILDE_CODE as u32 {
                return Ok(Decoded::One(FULLWIDTH_TILDE));
            }
            edition.first_plane(code)
        },
        |code| edition.second_plane(code).or_else(|| third.decode(code)),
    )
}

pub(super) fn encode_euc_jisx0213<F: Fn(usize) -> u32>(
    edition: Edition,
    source: Source<'_, F>,
    out: &mut Vec<u8>,
) -> Result<(), Fault> {
    let (first, third) = (Set::Jisx0213One.table(), Set::Jisx0212.table());
    encode_above_ascii(source, out, |c, source, out| {
        if edition.lacks(c) {
            return Err(INVALID);
        }
        if let Some((code, used)) = with_pairs(first, c, source)? {
            put_code(code ^ 0x8080, out);
            return Ok(used);
        }
        if let Some(code) = edition.in_second_plane(c).or_else(|| third.encode(c)) {
            out.push(SINGLE_SHIFT_3);
            put_code(code ^ 0x8080, out);
        } else if let Some(byte) = half_katakana_byte(c) {
            out.extend_from_slice(&[SINGLE_SHIFT_2, byte]);
        } else {
            return Err(INVALID);
        }
        Ok(1)
    })
}

pub(super) fn decode_shift_jisx0213(
    edition: Edition,
    mut input: Input<'_>,
    out: &mut impl FnMut(u32),
) -> Result<(), Fault> {
    loop {
        let rest = input.rest();
        let Some(&lead) = rest.first() else { return Ok(()) };
        let single = match lead {
            b'\\' => Some(YEN),
            b'~' => Some(OVERLINE),
            0..0x80 => Some(lead as u32),
            _ => half_katakana(lead),
        };
        if let Some(c) = single {
            out(c);
            input.skip(1);
            continue;
        }
        if !is_lead(lead, 0xfc) {
            return Err(INVALID);
        }
        let (a, b) = two(rest)?;
        let (row, cell) = unshift(a, b).ok_or(INVALID)?;
        let decoded = match row.checked_sub(CELLS) {
            None => match (row + 0x21) << 8 | (cell + 0x21) {
                code if code == FULLWIDTH_BACKSLASH_CODE as u32 => Decoded::One('\\' as u32),
                code => edition.first_plane(code)?,
            },
            Some(at) => SECOND_PLANE
                .get(at as usize)
                .and_then(|&row| edition.second_plane((row as u32 + 0x20) << 8 | (cell + 0x21)))
                .ok_or(INVALID)?,
        };
        put(decoded, out);
        input.skip(2);
    }
}

pub(super) fn encode_shift_jisx0213<F: Fn(usize) -> u32>(
    edition: Edition,
    mut source: Source<'_, F>,
    out: &mut Vec<u8>,
) -> Result<(), Fault> {
    let first = Set::Jisx0213One.table();
    while let Some(c) = source.peek() {
        let mut used = 1;
        let single = match c {
            YEN => Some(b'\\'),
            OVERLINE => Some(b'~'),
            0x5c | 0x7e => None,
            0..0x80 => Some(c as u8),
            _ => half_katakana_byte(c),
        };
        if let Some(byte) = single {
            out.push(byte);
        } else if c == '\\' as u32 {
            out.extend_from_slice(&shift_code(FULLWIDTH_BACKSLASH_CODE));
        } else if c == '~' as u32 {
            out.extend_from_slice(&shift_code(TILDE_CODE));
        } else if edition.lacks(c) || c == FULLWIDTH_BACKSLASH || c == FULLWIDTH_TILDE {
            return Err(INVALID);
        } else if let Some((code, n)) = with_pairs(first, c, &source)? {
            out.extend_from_slice(&shift_code(code));
            used = n;
        } else {
            let [row, cell] = edition.in_second_plane(c).ok_or(INVALID)?.to_be_bytes();
            let at = SECOND_PLANE.iter().position(|it| *it == row - 0x20).ok_or(INVALID)?;
            out.extend_from_slice(&shift(CELLS + at as u32, cell as u32 - 0x21));
        }
        source.skip(used);
    }
    Ok(())
}
