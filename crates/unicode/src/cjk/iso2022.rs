//! The encodings of ISO 2022: character sets are designated by escape
//! sequences, and shifts tell which of those designated is meant.
//!
//! The state is, byte by byte, what is designated as G0, G1 and G2 (the final
//! byte of the escape sequence, with the high bit for sets of two bytes), and
//! flags in the fifth.

use super::jis::{FULLWIDTH_TILDE, half_katakana, half_katakana_byte};
use super::tables::{Decoded, Set, Table};
use super::{Edition, Fault, Input, Source, State, join, put, put_code};

const ESC: u8 = 0x1b;
const SHIFT_OUT: u8 = 0x0e;
const SHIFT_IN: u8 = 0x0f;

const ASCII: u8 = b'B';
/// The bit of sets of two bytes.
const DOUBLE: u8 = 0x80;

/// The fifth byte of the state and its flags.
const FLAGS: usize = 4;
/// G1 is meant.
const SHIFTED: u8 = 1;
/// Within an escape sequence that means nothing here.
const ESCAPE: u8 = 2;

/// Longest escape sequence.
const MAX_ESCAPE: usize = 16;

pub(super) const ENCODER_START: State = State([ASCII, ASCII, 0, 0, 0, 0, 0, 0]);
pub(super) const DECODER_START: State = State([ASCII, ASCII, ASCII, 0, 0, 0, 0, 0]);

/// The character sets that can be designated.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Charset {
    Jisx0208,
    /// Its edition of 1978, which is only read.
    Jisx0208Old,
    Jisx0212,
    Jisx0213One(Edition),
    /// Pairs of characters only: they come before other sets.
    Jisx0213Pairs(Edition),
    Jisx0213Two(Edition),
    Ksx1001,
    Gb2312,
    Jisx0201Roman,
    Jisx0201Katakana,
    Latin1,
    Greek,
}

/// A set as an encoding has it.
struct Designation {
    set: Charset,
    /// As it is in the state.
    mark: u8,
    /// G0, G1 or G2.
    plane: usize,
}

const fn designation(set: Charset, mark: u8, plane: usize) -> Designation {
    Designation { set, mark, plane }
}

/// One of the encodings.
pub(super) struct Iso2022 {
    /// The sets, in the order in which an encoder tries them.
    sets: &'static [Designation],
    shifts: bool,
    /// Sets of one shifted character, designated as G2.
    g2: bool,
    /// The long form of the announcement of JIS X 0208:1990 is known.
    long_escape: bool,
}

const JISX0208: Designation = designation(Charset::Jisx0208, b'B' | DOUBLE, 0);
const JISX0208_OLD: Designation = designation(Charset::Jisx0208Old, b'@' | DOUBLE, 0);
const JISX0212: Designation = designation(Charset::Jisx0212, b'D' | DOUBLE, 0);
const ROMAN: Designation = designation(Charset::Jisx0201Roman, b'J', 0);
const KATAKANA: Designation = designation(Charset::Jisx0201Katakana, b'I', 0);

const fn japanese(sets: &'static [Designation]) -> Iso2022 {
    Iso2022 { sets, shifts: false, g2: false, long_escape: true }
}

pub(super) static KR: Iso2022 = Iso2022 {
    sets: &[designation(Charset::Ksx1001, b'C' | DOUBLE, 1)],
    shifts: true,
    g2: false,
    long_escape: false,
};
pub(super) static JP: Iso2022 = japanese(&[JISX0208, ROMAN, JISX0208_OLD]);
pub(super) static JP_1: Iso2022 = japanese(&[JISX0208, JISX0212, ROMAN, JISX0208_OLD]);
pub(super) static JP_2: Iso2022 = Iso2022 {
    g2: true,
    ..japanese(&[
        JISX0208,
        JISX0212,
        designation(Charset::Ksx1001, b'C' | DOUBLE, 0),
        designation(Charset::Gb2312, b'A' | DOUBLE, 0),
        ROMAN,
        JISX0208_OLD,
        designation(Charset::Latin1, b'A', 2),
        designation(Charset::Greek, b'F', 2),
    ])
};
pub(super) static JP_2004: Iso2022 = japanese(&[
    designation(Charset::Jisx0213Pairs(Edition::Of2004), b'Q' | DOUBLE, 0),
    JISX0208,
    designation(Charset::Jisx0213One(Edition::Of2004), b'Q' | DOUBLE, 0),
    designation(Charset::Jisx0213Two(Edition::Of2004), b'P' | DOUBLE, 0),
]);
pub(super) static JP_3: Iso2022 = japanese(&[
    designation(Charset::Jisx0213Pairs(Edition::Of2000), b'O' | DOUBLE, 0),
    JISX0208,
    designation(Charset::Jisx0213One(Edition::Of2000), b'O' | DOUBLE, 0),
    designation(Charset::Jisx0213Two(Edition::Of2000), b'P' | DOUBLE, 0),
]);
pub(super) static JP_EXT: Iso2022 = japanese(&[JISX0208, JISX0212, ROMAN, KATAKANA, JISX0208_OLD]);

/// The upper half of ISO 8859-7, beginning with 0xa0; 0 is no character.
const GREEK: [u16; 96] = [
    0xa0, 0x2018, 0x2019, 0xa3, 0, 0, 0xa6, 0xa7, 0xa8, 0xa9, 0, 0xab, 0xac, 0xad, 0, 0x2015, 0xb0, 0xb1,
    0xb2, 0xb3, 0x384, 0x385, 0x386, 0xb7, 0x388, 0x389, 0x38a, 0xbb, 0x38c, 0xbd, 0x38e, 0x38f, 0x390,
    0x391, 0x392, 0x393, 0x394, 0x395, 0x396, 0x397, 0x398, 0x399, 0x39a, 0x39b, 0x39c, 0x39d, 0x39e, 0x39f,
    0x3a0, 0x3a1, 0, 0x3a3, 0x3a4, 0x3a5, 0x3a6, 0x3a7, 0x3a8, 0x3a9, 0x3aa, 0x3ab, 0x3ac, 0x3ad, 0x3ae,
    0x3af, 0x3b0, 0x3b1, 0x3b2, 0x3b3, 0x3b4, 0x3b5, 0x3b6, 0x3b7, 0x3b8, 0x3b9, 0x3ba, 0x3bb, 0x3bc, 0x3bd,
    0x3be, 0x3bf, 0x3c0, 0x3c1, 0x3c2, 0x3c3, 0x3c4, 0x3c5, 0x3c6, 0x3c7, 0x3c8, 0x3c9, 0x3ca, 0x3cb, 0x3cc,
    0x3cd, 0x3ce, 0,
];

fn is_final(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte == b'@'
}

impl Designation {
    fn width(&self) -> usize {
        if self.mark & DOUBLE != 0 { 2 } else { 1 }
    }
}

impl Charset {
    /// The character of one or two bytes.
    fn decode(self, bytes: &[u8]) -> Option<Decoded> {
        let code = match *bytes {
            [a] => a as u32,
            [a, b, ..] => join(a, b),
            [] => return None,
        };
        match self {
            Charset::Jisx0208 | Charset::Jisx0208Old => Set::Jisx0208.table().decode(code),
            Charset::Jisx0212 => Set::Jisx0212.table().decode(code),
            Charset::Jisx0213One(edition) | Charset::Jisx0213Pairs(edition) => edition.first_plane(code).ok(),
            Charset::Jisx0213Two(_) => Set::Jisx0213Two.table().decode(code),
            Charset::Ksx1001 => Set::Ksx1001.table().decode(code),
            Charset::Gb2312 => Set::Gb2312.table().decode(code),
            Charset::Jisx0201Roman => Some(Decoded::One(match code {
                0x5c => 0xa5,
                0x7e => 0x203e,
                c => c,
            })),
            Charset::Jisx0201Katakana => half_katakana(code as u8 | 0x80).map(Decoded::One),
            Charset::Latin1 | Charset::Greek => None,
        }
    }
    /// The code of one character that stands alone.
    fn encode(self, c: u32) -> Option<u16> {
        let table: &Table = match self {
            Charset::Jisx0208 => Set::Jisx0208.table(),
            Charset::Jisx0212 => Set::Jisx0212.table(),
            Charset::Ksx1001 => Set::Ksx1001.table(),
            Charset::Gb2312 => Set::Gb2312.table(),
            Charset::Jisx0213One(edition) => {
                // The tilde of full width is in the EUC form only.
                if edition.lacks(c) || c == FULLWIDTH_TILDE {
                    return None;
                }
                Set::Jisx0213One.table()
            }
            Charset::Jisx0213Two(edition) => {
                return if edition.lacks(c) { None } else { edition.in_second_plane(c) };
            }
            Charset::Jisx0201Roman => {
                return match c {
                    0xa5 => Some(0x5c),
                    0x203e => Some(0x7e),
                    _ => None,
                };
            }
            Charset::Jisx0201Katakana => return half_katakana_byte(c).map(|byte| byte as u16 & 0x7f),
            Charset::Jisx0208Old | Charset::Jisx0213Pairs(_) | Charset::Latin1 | Charset::Greek => {
                return None;
            }
        };
        table.encode(c)
    }
}

// ---- decoding -------------------------------------------------------------------------------

pub(super) fn decode(
    of: &Iso2022,
    state: &mut State,
    mut input: Input<'_>,
    out: &mut impl FnMut(u32),
) -> Result<(), Fault> {
    loop {
        let rest = input.rest();
        let Some(&first) = rest.first() else { return Ok(()) };
        if state.0[FLAGS] & ESCAPE != 0 {
            out(first as u32);
            input.skip(1);
            if is_final(first) {
                state.0[FLAGS] &= !ESCAPE;
            }
            continue;
        }
        match first {
            ESC => match rest.get(1) {
                None => return Err(Fault::Incomplete),
                Some(b'(' | b')' | b'$' | b'.' | b'&') => input.skip(escape(of, state, rest)?),
                Some(b'N') if of.g2 => {
                    let &[_, _, byte, ..] = rest else { return Err(Fault::Incomplete) };
                    out(shifted(state.0[2], byte)?);
                    input.skip(3);
                }
                Some(_) => {
                    out(ESC as u32);
                    state.0[FLAGS] |= ESCAPE;
                    input.skip(1);
                }
            },
            SHIFT_IN if of.shifts => {
                state.0[FLAGS] &= !SHIFTED;
                input.skip(1);
            }
            SHIFT_OUT if of.shifts => {
                state.0[FLAGS] |= SHIFTED;
                input.skip(1);
            }
            b'\n' => {
                state.0[FLAGS] &= !SHIFTED;
                out('\n' as u32);
                input.skip(1);
            }
            0..0x20 => {
                out(first as u32);
                input.skip(1);
            }
            0x80.. => return Err(Fault::Invalid(1)),
            _ => {
                let mark = state.0[(state.0[FLAGS] & SHIFTED) as usize];
                if mark == ASCII {
                    out(first as u32);
                    input.skip(1);
                    continue;
                }
                // A state that somebody set may name what the encoding has not.
                let Some(designation) = of.sets.iter().find(|it| it.mark == mark) else {
                    return Err(Fault::Invalid(1));
                };
                let width = designation.width();
                let bytes = rest.get(..width).ok_or(Fault::Incomplete)?;
                put(designation.set.decode(bytes).ok_or(Fault::Invalid(width))?, out);
                input.skip(width);
            }
        }
    }
}

/// A character of G2, shifted to by an escape sequence of its own.
fn shifted(mark: u8, byte: u8) -> Result<u32, Fault> {
    let c = byte as u32 ^ 0x80;
    let found = match mark {
        // Bytes that have the high bit already lose it here.
        b'F' => match c.checked_sub(0xa0) {
            None => Some(c),
            Some(at) => GREEK.get(at as usize).map(|&c| c as u32).filter(|&c| c != 0),
        },
        b'A' | ASCII if byte >= 0x80 => None,
        b'A' => Some(c),
        ASCII => Some(byte as u32),
        _ => return Err(Fault::State),
    };
    found.ok_or(Fault::Invalid(3))
}

/// Carries out the escape sequence that is next; its length.
fn escape(of: &Iso2022, state: &mut State, rest: &[u8]) -> Result<usize, Fault> {
    let mut i = 1;
    let len = loop {
        if i >= MAX_ESCAPE {
            return Err(Fault::Invalid(1));
        }
        let Some(&byte) = rest.get(i) else { return Err(Fault::Incomplete) };
        if is_final(byte) {
            break i + 1;
        }
        // ESC & @ ESC $ B is one sequence.
        i += if of.long_escape && byte == b'&' && rest.get(i + 1) == Some(&b'@') { 3 } else { 1 };
    };
    let invalid = Err(Fault::Invalid(len));
    let (mark, plane) = match rest[1..len] {
        [b'$', mark] => (mark | DOUBLE, 0),
        [b'(', mark] => (mark, 0),
        [b')', mark] => (mark, 1),
        [b'.', mark] if of.g2 => (mark, 2),
        [b'$', b'(', mark] => (mark | DOUBLE, 0),
        [b'$', b')', mark] => (mark | DOUBLE, 1),
        [b'&', b'@', ESC, b'$', b'B'] if of.long_escape => (b'B' | DOUBLE, 0),
        _ => return invalid,
    };
    if mark != ASCII && !of.sets.iter().any(|it| it.mark == mark) {
        return invalid;
    }
    state.0[plane] = mark;
    Ok(len)
}

pub(super) fn reset_decoder(state: &mut State) {
    state.0[0] = ASCII;
    state.0[FLAGS] &= !SHIFTED;
}

// ---- encoding -------------------------------------------------------------------------------

/// The set for what comes next, its code, and how many characters that is.
fn choose<F: Fn(usize) -> u32>(
    of: &'static Iso2022,
    c: u32,
    source: &Source<'_, F>,
) -> Result<(&'static Designation, u16, usize), Fault> {
    for designation in of.sets {
        if let Charset::Jisx0213Pairs(_) = designation.set {
            let table = Set::Jisx0213One.table();
            if !table.starts_pair(c) {
                continue;
            }
            match source.ahead(1) {
                None if !source.last => return Err(Fault::Incomplete),
                None => {}
                Some(second) => {
                    if let Some(code) = table.encode_pair(c, second) {
                        return Ok((designation, code, 2));
                    }
                }
            }
        } else if let Some(code) = designation.set.encode(c) {
            return Ok((designation, code, 1));
        }
    }
    Err(Fault::Invalid(1))
}

pub(super) fn encode<F: Fn(usize) -> u32>(
    of: &'static Iso2022,
    state: &mut State,
    mut source: Source<'_, F>,
    out: &mut Vec<u8>,
) -> Result<(), Fault> {
    while let Some(c) = source.peek() {
        if c < 0x80 {
            back_to_ascii(state, out);
            shift_in(state, out);
            out.push(c as u8);
            source.skip(1);
            continue;
        }
        let (designation, code, used) = choose(of, c, &source)?;
        let (mark, double) = (designation.mark, designation.width() == 2);
        let intermediate = if designation.plane == 0 { b'(' } else { b')' };
        if designation.plane == 0 {
            shift_in(state, out);
        }
        if state.0[designation.plane] != mark {
            match (double, mark & !DOUBLE) {
                (false, last) => out.extend_from_slice(&[ESC, intermediate, last]),
                // The oldest has a short form.
                (true, last @ b'B') => out.extend_from_slice(&[ESC, b'$', last]),
                (true, last) => out.extend_from_slice(&[ESC, b'$', intermediate, last]),
            }
            state.0[designation.plane] = mark;
        }
        if designation.plane == 1 && state.0[FLAGS] & SHIFTED == 0 {
            out.push(SHIFT_OUT);
            state.0[FLAGS] |= SHIFTED;
        }
        if double {
            put_code(code, out)
        } else {
            out.push(code as u8)
        }
        source.skip(used);
    }
    Ok(())
}

fn shift_in(state: &mut State, out: &mut Vec<u8>) {
    if state.0[FLAGS] & SHIFTED != 0 {
        out.push(SHIFT_IN);
        state.0[FLAGS] &= !SHIFTED;
    }
}

fn back_to_ascii(state: &mut State, out: &mut Vec<u8>) {
    if state.0[0] != ASCII {
        out.extend_from_slice(&[ESC, b'(', ASCII]);
        state.0[0] = ASCII;
    }
}

/// Back to the start.
pub(super) fn reset(state: &mut State, out: &mut Vec<u8>) {
    shift_in(state, out);
    back_to_ascii(state, out);
}
