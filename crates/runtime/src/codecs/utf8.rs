//! UTF-8.

use super::errors::{self, Replacement};
use crate::prelude::*;
use crate::types::str::{self, Builder, Kind};
use crate::types::str_units::{Unit, Width, build, units};
use std::borrow::Cow;

const NAME: &str = "utf-8";

/// Encodes `text` (a str).
pub fn encode(vm: &Vm, text: &Object, errors: &str) -> Result<Vec<u8>> {
    let Some(s) = text.downcast::<Str>() else { return Ok(Vec::new()) };
    if let Some(ascii) = s.as_ascii() {
        return Ok(ascii.as_bytes().to_vec());
    }
    let mut out = Vec::new();
    let longest = match s.kind() {
        Kind::Latin1(_) => 2,
        Kind::U16(_) => 3,
        Kind::U32(_) => 4,
    };
    if out.try_reserve(s.len().saturating_mul(longest)).is_err() {
        return Err(vm.memory_error());
    }
    encode_all(vm, text, s, errors, &mut out)?;
    Ok(out)
}

/// Appends characters up to the first lone surrogate; returns how many.
fn encode_run<T: Unit>(chars: &[T], out: &mut Vec<u8>) -> usize {
    let mut i = 0;
    while i < chars.len() {
        // In batches, so that room is asked for once in a while only.
        let batch = &chars[i..chars.len().min(i + 256)];
        out.reserve(batch.len() * 4);
        let start = out.len();
        // SAFETY: there is room for four bytes for each character of the batch,
        // and the length is set to what has been written.
        unsafe {
            let first = out.as_mut_ptr().add(start);
            let mut at = first;
            let mut stop = false;
            for &c in batch {
                let c: u32 = c.into();
                if c < 0x80 {
                    at.write(c as u8);
                    at = at.add(1);
                } else if c < 0x800 {
                    at.write(0xc0 | (c >> 6) as u8);
                    at.add(1).write(0x80 | c as u8 & 0x3f);
                    at = at.add(2);
                } else if c < 0x10000 {
                    if (0xd800..0xe000).contains(&c) {
                        stop = true;
                        break;
                    }
                    at.write(0xe0 | (c >> 12) as u8);
                    at.add(1).write(0x80 | (c >> 6) as u8 & 0x3f);
                    at.add(2).write(0x80 | c as u8 & 0x3f);
                    at = at.add(3);
                } else {
                    at.write(0xf0 | (c >> 18) as u8);
                    at.add(1).write(0x80 | (c >> 12) as u8 & 0x3f);
                    at.add(2).write(0x80 | (c >> 6) as u8 & 0x3f);
                    at.add(3).write(0x80 | c as u8 & 0x3f);
                    at = at.add(4);
                }
                i += 1;
            }
            out.set_len(start + at.offset_from(first) as usize);
            if stop {
                break;
            }
        }
    }
    i
}

fn encode_all(vm: &Vm, text: &Object, s: &Str, errors: &str, out: &mut Vec<u8>) -> Result<()> {
    let surrogate = |c: u32| (0xd800..0xe000).contains(&c);
    let mut i = 0;
    loop {
        i += units!(s, chars => encode_run(&chars[i..], out));
        if i >= s.len() {
            return Ok(());
        }
        let end = i + (i..s.len()).take_while(|&k| surrogate(s.char_at(k))).count();
        let reason = "surrogates not allowed";
        let (replacement, next) = errors::encode_error(vm, NAME, errors, text, (i, end), reason)?;
        match replacement {
            Replacement::Bytes(bytes) => out.extend_from_slice(&bytes),
            Replacement::Text(chars) => {
                if chars.iter().any(|&c| c >= 0x80) {
                    return Err(errors::raise_encode(vm, NAME, text, i, end, reason));
                }
                out.extend(chars.iter().map(|&c| c as u8));
            }
        }
        i = next;
    }
}

/// Text of UTF-8 that is valid and not ASCII; None if it is neither.
fn decode_valid(vm: &Vm, bytes: &[u8]) -> Option<Result> {
    let (mut lead, mut len) = (0u8, 0usize);
    for chunk in bytes.chunks(128) {
        let mut starts = 0u8;
        for &b in chunk {
            lead = lead.max(b);
            starts += (b as i8 >= -64) as u8;
        }
        len += starts as usize;
    }
    match lead {
        0xc3 => decode_into::<u8>(vm, bytes, len),
        0xc4..0xf0 => decode_into::<u16>(vm, bytes, len),
        0xf0..0xf5 => decode_into::<u32>(vm, bytes, len),
        _ => None,
    }
}

/// A string of `len` units; None if the bytes are not valid or not so many characters.
fn decode_into<T: Unit>(vm: &Vm, bytes: &[u8], len: usize) -> Option<Result> {
    if len < 2 {
        return None;
    }
    let mut valid = true;
    let object = build::<T>(vm, len, Width::Exact, |out| {
        let mut i = 0;
        let next = |i: usize| bytes.get(i).copied().unwrap_or(0);
        let tail = |b: u8| b & 0xc0 == 0x80;
        while i < bytes.len() {
            let b = bytes[i];
            if b < 0x80 {
                out.push(T::cut(b as u32));
                i += 1;
                continue;
            }
            let b1 = next(i + 1);
            let (c, n) = if b < 0xe0 {
                valid &= b >= 0xc2 && tail(b1);
                ((b as u32 & 0x1f) << 6 | b1 as u32 & 0x3f, 2)
            } else if b < 0xf0 {
                let b2 = next(i + 2);
                let c = (b as u32 & 15) << 12 | (b1 as u32 & 0x3f) << 6 | b2 as u32 & 0x3f;
                valid &= tail(b1) && tail(b2) && c >= 0x800 && !(0xd800..0xe000).contains(&c);
                (c, 3)
            } else {
                let (b2, b3) = (next(i + 2), next(i + 3));
                let c = (b as u32 & 7) << 18
                    | (b1 as u32 & 0x3f) << 12
                    | (b2 as u32 & 0x3f) << 6
                    | b3 as u32 & 0x3f;
                valid &= tail(b1) && tail(b2) && tail(b3) && (0x10000..0x110000).contains(&c);
                (c, 4)
            };
            if !valid {
                return;
            }
            out.push(T::cut(c));
            i += n;
        }
    });
    if valid { Some(object) } else { None }
}

/// Decodes; the number of bytes used comes back as well. Unless it is `last`,
/// an incomplete character at the end is left over.
pub fn decode(vm: &Vm, bytes: &[u8], errors: &str, last: bool) -> Result<(Object, usize)> {
    if bytes.is_ascii() {
        return Ok((str::from_known_ascii(vm, bytes)?, bytes.len()));
    }
    if let Some(result) = decode_valid(vm, bytes) {
        return Ok((result?, bytes.len()));
    }
    let first_error = match std::str::from_utf8(bytes) {
        Ok(text) => return Ok((str::try_from_text(vm, text).ok_or_else(|| vm.memory_error())?, bytes.len())),
        Err(e) => e,
    };
    if !last && first_error.error_len().is_none() {
        let n = first_error.valid_up_to();
        // SAFETY: valid up to there.
        let text = unsafe { std::str::from_utf8_unchecked(&bytes[..n]) };
        return Ok((str::try_from_text(vm, text).ok_or_else(|| vm.memory_error())?, n));
    }
    let mut input = Cow::Borrowed(bytes);
    let mut failures = errors::Failures::new(errors);
    let mut out = Builder::with_capacity(bytes.len());
    let mut i = 0;
    while i < input.len() {
        let error = match std::str::from_utf8(&input[i..]) {
            Ok(text) => {
                out.push_str(text);
                i = input.len();
                break;
            }
            Err(error) => error,
        };
        let start = i + error.valid_up_to();
        // SAFETY: valid up to there.
        out.push_str(unsafe { std::str::from_utf8_unchecked(&input[i..start]) });
        let (end, reason) = match error.error_len() {
            // The beginning of a surrogate, which a handler may let pass later.
            Some(_) if !last && matches!(input[start..], [0xed, 0xa0..=0xbf]) => {
                i = start;
                break;
            }
            Some(n) if (0xc2..0xf5).contains(&input[start]) => (start + n, "invalid continuation byte"),
            Some(n) => (start + n, "invalid start byte"),
            None if !last => {
                i = start;
                break;
            }
            None => (input.len(), "unexpected end of data"),
        };
        i = errors::decode_error(vm, NAME, &mut failures, &mut input, (start, end), reason, &mut out)?;
    }
    Ok((out.finish(vm), if last { bytes.len() } else { i }))
}
