//! The Chinese and Korean encodings without escape sequences, and HZ.

use super::tables::{self, Set};
use super::{Fault, Input, Source, State, join, put, put_code, with_pairs};

/// Decodes ASCII; what else there is, is for `other`, which returns how many
/// bytes it used.
#[inline]
pub(super) fn decode_above_ascii<O: FnMut(u32)>(
    mut input: Input<'_>,
    out: &mut O,
    mut other: impl FnMut(&[u8], &mut O) -> Result<usize, Fault>,
) -> Result<(), Fault> {
    loop {
        let rest = input.rest();
        let Some(&first) = rest.first() else { return Ok(()) };
        if first < 0x80 {
            out(first as u32);
            input.skip(1);
        } else {
            input.skip(other(rest, out)?);
        }
    }
}

/// Encodes ASCII; what else there is, is for `other`, which returns how many
/// characters it used.
#[inline]
pub(super) fn encode_above_ascii<F: Fn(usize) -> u32>(
    mut source: Source<'_, F>,
    out: &mut Vec<u8>,
    mut other: impl FnMut(u32, &Source<'_, F>, &mut Vec<u8>) -> Result<usize, Fault>,
) -> Result<(), Fault> {
    while let Some(c) = source.peek() {
        if c < 0x80 {
            out.push(c as u8);
            source.skip(1);
        } else {
            let used = other(c, &source, out)?;
            source.skip(used);
        }
    }
    Ok(())
}

const INVALID: Fault = Fault::Invalid(1);

/// The first two bytes.
#[inline]
pub(super) fn two(rest: &[u8]) -> Result<(u8, u8), Fault> {
    match *rest {
        [a, b, ..] => Ok((a, b)),
        _ => Err(Fault::Incomplete),
    }
}

// ---- tables as they are -----------------------------------------------------------------

pub(super) fn decode_double(set: Set, input: Input<'_>, out: &mut impl FnMut(u32)) -> Result<(), Fault> {
    let table = set.table();
    decode_above_ascii(input, out, |rest, out| {
        let (a, b) = two(rest)?;
        put(table.decode(join(a, b)).ok_or(INVALID)?, out);
        Ok(2)
    })
}

pub(super) fn encode_double<F: Fn(usize) -> u32>(
    set: Set,
    source: Source<'_, F>,
    out: &mut Vec<u8>,
) -> Result<(), Fault> {
    let table = set.table();
    encode_above_ascii(source, out, |c, source, out| {
        let (code, used) = with_pairs(table, c, source)?.ok_or(INVALID)?;
        put_code(code, out);
        Ok(used)
    })
}

pub(super) fn decode_euc(set: Set, input: Input<'_>, out: &mut impl FnMut(u32)) -> Result<(), Fault> {
    let table = set.table();
    decode_above_ascii(input, out, |rest, out| {
        let (a, b) = two(rest)?;
        put(table.decode(join(a, b) ^ 0x8080).ok_or(INVALID)?, out);
        Ok(2)
    })
}

pub(super) fn encode_euc<F: Fn(usize) -> u32>(
    set: Set,
    source: Source<'_, F>,
    out: &mut Vec<u8>,
) -> Result<(), Fault> {
    let table = set.table();
    encode_above_ascii(source, out, |c, _, out| {
        put_code(table.encode(c).ok_or(INVALID)? ^ 0x8080, out);
        Ok(1)
    })
}

// ---- GB 18030 -----------------------------------------------------------------------------

/// The number of a code of four bytes, counted from 0x81308130.
fn number(a: u8, b: u8, c: u8, d: u8) -> u32 {
    ((a as u32 * 10 + b as u32) * 126 + c as u32) * 10 + d as u32
}

/// The first code of four bytes for what is above the BMP.
const ABOVE_BMP: u8 = 0x90 - 0x81;

pub(super) fn decode_gb18030(input: Input<'_>, out: &mut impl FnMut(u32)) -> Result<(), Fault> {
    let table = Set::Gb18030.table();
    decode_above_ascii(input, out, |rest, out| {
        let (a, b) = two(rest)?;
        if !b.is_ascii_digit() {
            put(table.decode(join(a, b)).ok_or(INVALID)?, out);
            return Ok(2);
        }
        let &[_, _, c, d, ..] = rest else { return Err(Fault::Incomplete) };
        if !(0x81..0xff).contains(&a) || !(0x81..0xff).contains(&c) || !d.is_ascii_digit() {
            return Err(INVALID);
        }
        let (a, b, c, d) = (a - 0x81, b - b'0', c - 0x81, d - b'0');
        if a >= ABOVE_BMP {
            let c = 0x10000 + number(a - ABOVE_BMP, b, c, d);
            if c > 0x10ffff {
                return Err(INVALID);
            }
            out(c);
            return Ok(4);
        }
        let n = number(a, b, c, d);
        let ranges = tables::four();
        let at = ranges.partition_point(|range| range.0 <= n);
        match at.checked_sub(1).and_then(|at| ranges.get(at)) {
            Some(&(first, c, len)) if n - first < len => out(c + n - first),
            _ => return Err(INVALID),
        }
        Ok(4)
    })
}

pub(super) fn encode_gb18030<F: Fn(usize) -> u32>(
    source: Source<'_, F>,
    out: &mut Vec<u8>,
) -> Result<(), Fault> {
    let table = Set::Gb18030.table();
    encode_above_ascii(source, out, |c, _, out| {
        if let Some(code) = table.encode(c) {
            put_code(code, out);
            return Ok(1);
        }
        let (lead, mut n) = if c >= 0x10000 {
            (0x90, c - 0x10000)
        } else {
            let found = tables::four().iter().find(|&&(_, first, len)| (first..first + len).contains(&c));
            let &(n, first, _) = found.ok_or(INVALID)?;
            (0x81, n + c - first)
        };
        let mut next = |base: u32, of: u32| {
            let digit = n % of;
            n /= of;
            (base + digit) as u8
        };
        let (d, c, b) = (next(0x30, 10), next(0x81, 126), next(0x30, 10));
        out.extend_from_slice(&[next(lead, 126), b, c, d]);
        Ok(1)
    })
}

// ---- HZ -----------------------------------------------------------------------------------

/// Is the text in its Chinese mode? In CPython's state it is the first byte.
const MODE: usize = 0;

pub(super) fn decode_hz(
    state: &mut State,
    mut input: Input<'_>,
    out: &mut impl FnMut(u32),
) -> Result<(), Fault> {
    let table = Set::Gb2312.table();
    loop {
        let rest = input.rest();
        let Some(&first) = rest.first() else { return Ok(()) };
        let chinese = state.0[MODE] != 0;
        if first == b'~' {
            match two(rest)?.1 {
                b'~' if !chinese => out('~' as u32),
                b'{' if !chinese => state.0[MODE] = 1,
                b'\n' if !chinese => {}
                b'}' if chinese => state.0[MODE] = 0,
                _ => return Err(INVALID),
            }
            input.skip(2);
        } else if first & 0x80 != 0 {
            return Err(INVALID);
        } else if !chinese {
            out(first as u32);
            input.skip(1);
        } else {
            let (a, b) = two(rest)?;
            put(table.decode(join(a, b)).ok_or(INVALID)?, out);
            input.skip(2);
        }
    }
}

pub(super) fn encode_hz<F: Fn(usize) -> u32>(
    state: &mut State,
    mut source: Source<'_, F>,
    out: &mut Vec<u8>,
) -> Result<(), Fault> {
    let table = Set::Gb2312.table();
    while let Some(c) = source.peek() {
        if c < 0x80 {
            reset_hz(state, out);
            out.push(c as u8);
            if c == '~' as u32 {
                out.push(b'~');
            }
        } else {
            let code = table.encode(c).ok_or(INVALID)?;
            if state.0[MODE] == 0 {
                out.extend_from_slice(b"~{");
                state.0[MODE] = 1;
            }
            put_code(code, out);
        }
        source.skip(1);
    }
    Ok(())
}

pub(super) fn reset_hz(state: &mut State, out: &mut Vec<u8>) {
    if state.0[MODE] != 0 {
        out.extend_from_slice(b"~}");
        state.0[MODE] = 0;
    }
}

// ---- EUC-KR ---------------------------------------------------------------------------------

/// Syllables that KS X 1001 has not are written as four codes: a filler and the
/// three letters, each with this first byte.
const JAMO: u8 = 0xa4;
const FILLER: u8 = 0xd4;
/// Second bytes of the letters that begin a syllable, and that end one; those
/// between are in order from 0xbf on.
const FIRST: [u8; 19] = [
    0xa1, 0xa2, 0xa4, 0xa7, 0xa8, 0xa9, 0xb1, 0xb2, 0xb3, 0xb5, 0xb6, 0xb7, 0xb8, 0xb9, 0xba, 0xbb, 0xbc,
    0xbd, 0xbe,
];
const VOWEL: u8 = 0xbf;
const VOWELS: u32 = 21;
const LAST: [u8; 28] = [
    FILLER, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa9, 0xaa, 0xab, 0xac, 0xad, 0xae, 0xaf, 0xb0, 0xb1,
    0xb2, 0xb4, 0xb5, 0xb6, 0xb7, 0xb8, 0xba, 0xbb, 0xbc, 0xbd, 0xbe,
];
const SYLLABLES: u32 = 0xac00;

/// The syllable of three letters' second bytes.
fn syllable(first: u8, vowel: u8, last: u8) -> Option<u32> {
    let first = FIRST.iter().position(|&b| b == first)? as u32;
    let vowel = vowel.checked_sub(VOWEL).map(u32::from).filter(|n| *n < VOWELS)?;
    let last = LAST.iter().position(|&b| b == last)? as u32;
    Some(SYLLABLES + (first * VOWELS + vowel) * 28 + last)
}

pub(super) fn decode_euc_kr(input: Input<'_>, out: &mut impl FnMut(u32)) -> Result<(), Fault> {
    let table = Set::Ksx1001.table();
    decode_above_ascii(input, out, |rest, out| {
        let (a, b) = two(rest)?;
        if (a, b) == (JAMO, FILLER) {
            let &[_, _, p, first, q, vowel, r, last, ..] = rest else { return Err(Fault::Incomplete) };
            if [p, q, r] != [JAMO; 3] {
                return Err(INVALID);
            }
            out(syllable(first, vowel, last).ok_or(INVALID)?);
            return Ok(8);
        }
        put(table.decode(join(a, b) ^ 0x8080).ok_or(INVALID)?, out);
        Ok(2)
    })
}

pub(super) fn encode_euc_kr<F: Fn(usize) -> u32>(
    source: Source<'_, F>,
    out: &mut Vec<u8>,
) -> Result<(), Fault> {
    let table = Set::Ksx1001.table();
    encode_above_ascii(source, out, |c, _, out| {
        if let Some(code) = table.encode(c) {
            put_code(code ^ 0x8080, out);
            return Ok(1);
        }
        let n = c.checked_sub(SYLLABLES).ok_or(INVALID)?;
        let first = FIRST.get((n / 28 / VOWELS) as usize).ok_or(INVALID)?;
        let vowel = VOWEL + (n / 28 % VOWELS) as u8;
        let last = LAST[(n % 28) as usize];
        out.extend_from_slice(&[JAMO, FILLER, JAMO, *first, JAMO, vowel, JAMO, last]);
        Ok(1)
    })
}
