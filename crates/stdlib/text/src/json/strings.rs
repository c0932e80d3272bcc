//! String literals of JSON.

use super::decode_error;
use taipan_runtime::prelude::*;
use taipan_runtime::types::str::{Builder, Kind};
use taipan_runtime::types::tuple;

/// A code unit of a str.
pub trait Unit: Copy + Into<u32> {
    /// How many units a literal has from the first on until a quote, a backslash or
    /// a control character.
    #[inline]
    fn plain_run(units: &[Self]) -> usize {
        let stops = |c: &Self| {
            let c: u32 = (*c).into();
            c == 0x22 || c == 0x5c || c < 0x20
        };
        units.iter().position(stops).unwrap_or(units.len())
    }
}
impl Unit for u8 {
    #[inline]
    fn plain_run(units: &[u8]) -> usize {
        let (chunks, rest) = units.as_chunks::<8>();
        for (i, chunk) in chunks.iter().enumerate() {
            let stops = stops_in(u64::from_le_bytes(*chunk));
            if stops != 0 {
                return i * 8 + stops.trailing_zeros() as usize / 8;
            }
        }
        let stops = |c: &u8| *c == 0x22 || *c == 0x5c || *c < 0x20;
        units.len() - rest.len() + rest.iter().position(stops).unwrap_or(rest.len())
    }
}
impl Unit for u16 {}
impl Unit for u32 {}

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// The highest bits of those bytes of a word that end a run of plain characters. Only
/// the lowest of them is certain: behind it there may be others that do not.
#[inline(always)]
fn stops_in(word: u64) -> u64 {
    let zero_in = |word: u64| word.wrapping_sub(ONES) & !word;
    (word.wrapping_sub(ONES * 0x20) & !word | zero_in(word ^ ONES * 0x22) | zero_in(word ^ ONES * 0x5c))
        & HIGH
}

// ---- writing ----------------------------------------------------------------------------

/// The escape after the backslash of a character that has a short one.
fn short_escape(c: u32) -> Option<&'static str> {
    Some(match c {
        0x22 => "\\\"",
        0x5c => "\\\\",
        0x08 => "\\b",
        0x0c => "\\f",
        0x0a => "\\n",
        0x0d => "\\r",
        0x09 => "\\t",
        _ => return None,
    })
}

fn push_unit(out: &mut Builder, unit: u32) {
    let mut text = *b"\\u0000";
    for (i, digit) in text[2..].iter_mut().enumerate() {
        *digit = b"0123456789abcdef"[(unit >> (12 - 4 * i) & 15) as usize];
    }
    out.push_latin1(&text);
}

fn is_plain(c: u32, ascii: bool) -> bool {
    c >= 0x20 && c != 0x22 && c != 0x5c && (!ascii || c < 0x7f)
}

/// Are all eight bytes ASCII that needs no escape?
#[inline(always)]
fn all_plain(chunk: [u8; 8]) -> bool {
    let word = u64::from_le_bytes(chunk);
    // Beyond what ends a run: 0x7f, and what is not ASCII.
    stops_in(word) | (word.wrapping_add(ONES) | word) & HIGH == 0
}

/// How many of the bytes, from the first on, are certainly plain.
#[inline]
fn plain_prefix(bytes: &[u8]) -> usize {
    let (chunks, rest) = bytes.as_chunks::<8>();
    let n = chunks.iter().take_while(|chunk| all_plain(**chunk)).count();
    if n < chunks.len() {
        return n * 8;
    }
    n * 8 + rest.iter().take_while(|&&b| is_plain(b as u32, true)).count()
}

/// Appends the literal of a string.
#[inline]
pub fn push_quoted(out: &mut Builder, s: &Str, ascii: bool) {
    if let Kind::Latin1(bytes) = s.kind()
        && plain_prefix(bytes) == bytes.len()
    {
        return out.push_enclosed(0x22, bytes, 0x22);
    }
    push_escaped(out, s, ascii);
}

/// The literal of a string that has special characters.
fn push_escaped(out: &mut Builder, s: &Str, ascii: bool) {
    out.push_char(0x22);
    let mut from = 0;
    let mut special = |out: &mut Builder, i: usize, c: u32| {
        out.push_range(s, from, i);
        from = i + 1;
        if let Some(text) = short_escape(c) {
            out.push_str(text);
        } else if c >= 0x10000 {
            let c = c - 0x10000;
            push_unit(out, 0xd800 | c >> 10);
            push_unit(out, 0xdc00 | c & 0x3ff);
        } else {
            push_unit(out, c);
        }
    };
    match s.kind() {
        Kind::Latin1(bytes) => {
            for (i, &b) in bytes.iter().enumerate() {
                if !is_plain(b as u32, ascii) {
                    special(out, i, b as u32);
                }
            }
        }
        _ => {
            for (i, c) in s.chars().enumerate() {
                if !is_plain(c, ascii) {
                    special(out, i, c);
                }
            }
        }
    }
    out.push_range(s, from, s.len());
    out.push_char(0x22);
}

/// `encode_basestring` and `encode_basestring_ascii`.
pub fn quoted(vm: &Vm, object: &Object, ascii: bool) -> Result {
    let Some(s) = object.downcast::<Str>() else {
        return Err(vm.type_error(format!("first argument must be a string, not {}", object.ty().name())));
    };
    let mut out = Builder::with_capacity(s.len() + 2);
    push_quoted(&mut out, s, ascii);
    Ok(out.finish(vm))
}

// ---- reading ----------------------------------------------------------------------------

/// `scanstring(string, end, strict=True)`.
pub fn scanstring(vm: &Vm, args: &[Object], kwnames: &[Object]) -> Result {
    if !kwnames.is_empty() {
        return Err(vm.type_error("scanstring() takes no keyword arguments"));
    }
    if args.len() < 2 || args.len() > 3 {
        let (word, n) = if args.len() < 2 { ("at least", 2) } else { ("at most", 3) };
        return Err(vm.type_error(format!("scanstring() takes {word} {n} arguments ({} given)", args.len())));
    }
    let end = vm.index_isize(&args[1])?;
    let strict = match args.get(2) {
        Some(strict) => vm.is_true(strict)?,
        None => true,
    };
    let Some(s) = args[0].downcast::<Str>() else {
        let shown = args[0].ty().name();
        return Err(vm.type_error(format!("first argument must be a string, not {shown}")));
    };
    let Some(begin) = usize::try_from(end).ok().filter(|&n| n <= s.len()) else {
        return Err(vm.value_error("end is out of bounds"));
    };
    let (value, next) = scan(vm, &args[0], s, begin, strict)?;
    Ok(tuple::from_array(vm, [value, vm.usize(next)]))
}

/// The string whose literal's text begins at `begin`, and where it ends.
pub fn scan(vm: &Vm, document: &Object, s: &Str, begin: usize, strict: bool) -> Result<(Object, usize)> {
    match s.kind() {
        Kind::Latin1(units) => scan_units(vm, document, s, units, begin, strict),
        Kind::U16(units) => scan_units(vm, document, s, units, begin, strict),
        Kind::U32(units) => scan_units(vm, document, s, units, begin, strict),
    }
}

/// Where the run of ordinary characters from `from` on ends.
fn plain_run<T: Unit>(units: &[T], from: usize) -> usize {
    from + units.get(from..).map_or(0, T::plain_run)
}

fn four_digits<T: Unit>(units: &[T], at: usize) -> Option<u32> {
    let digits = units.get(at..at.checked_add(4)?)?;
    digits.iter().try_fold(0, |n, &c| char::from_u32(c.into())?.to_digit(16).map(|d| n << 4 | d))
}

fn scan_units<T: Unit>(
    vm: &Vm,
    document: &Object,
    s: &Str,
    units: &[T],
    begin: usize,
    strict: bool,
) -> Result<(Object, usize)> {
    let unterminated =
        || decode_error(vm, "Unterminated string starting at", document, begin.saturating_sub(1));
    let mut built: Option<Builder> = None;
    let (mut from, mut at) = (begin, begin);
    loop {
        at = plain_run(units, at);
        let Some(&c) = units.get(at) else { return Err(unterminated()) };
        let c: u32 = c.into();
        if c == 0x22 {
            let value = match built {
                None => s.slice(vm, from, at),
                Some(mut out) => {
                    out.push_range(s, from, at);
                    out.finish(vm)
                }
            };
            return Ok((value, at + 1));
        }
        if c != 0x5c {
            if strict {
                return Err(decode_error(vm, "Invalid control character at", document, at));
            }
            at += 1;
            continue;
        }
        let out = built.get_or_insert_with(Builder::new);
        out.push_range(s, from, at);
        let Some(&escape) = units.get(at + 1) else { return Err(unterminated()) };
        let (c, next) = match char::from_u32(escape.into()) {
            Some(c @ ('"' | '\\' | '/')) => (c as u32, at + 2),
            Some('b') => (0x08, at + 2),
            Some('f') => (0x0c, at + 2),
            Some('n') => (0x0a, at + 2),
            Some('r') => (0x0d, at + 2),
            Some('t') => (0x09, at + 2),
            Some('u') => {
                let Some(high) = four_digits(units, at + 2) else {
                    return Err(decode_error(vm, "Invalid \\uXXXX escape", document, at + 1));
                };
                let next = at + 6;
                let is = |i: usize, c: u32| units.get(i).is_some_and(|&u| u.into() == c);
                let low = if (0xd800..0xdc00).contains(&high) && is(next, 0x5c) && is(next + 1, 'u' as u32) {
                    four_digits(units, next + 2).filter(|low| (0xdc00..0xe000).contains(low))
                } else {
                    None
                };
                match low {
                    Some(low) => (0x10000 + ((high - 0xd800) << 10 | (low - 0xdc00)), next + 6),
                    None => (high, next),
                }
            }
            _ => return Err(decode_error(vm, "Invalid \\escape", document, at)),
        };
        out.push_char(c);
        (from, at) = (next, next);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_bytes_are_found() {
        for b in 0..=255u8 {
            for place in 0..11 {
                let mut bytes = *b"abcdefghijk";
                bytes[place] = b;
                let plain = is_plain(b as u32, true);
                assert_eq!(plain_prefix(&bytes) == bytes.len(), plain, "{b:#x} at {place}");
            }
        }
        assert!(all_plain(*b" !#$~[]z"));
        let text = b"abcdefghij klm\"nop\\\x1f\x7f\xff";
        assert_eq!(u8::plain_run(text), 14);
        assert_eq!(u8::plain_run(&text[15..]), 3);
        assert_eq!(u8::plain_run(&text[19..]), 0);
        assert_eq!(u8::plain_run(&[0xff, 0x7f, 0x80, 0xa2, 0xdc, 0x20, 0x21, 0x9f, 0x21]), 9);
    }
}
