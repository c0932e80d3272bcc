//! UTF-8.

use super::errors::{self, Replacement};
use crate::prelude::*;
use crate::types::str::{self, Builder, Kind};
use crate::types::str_units::{Unit, units};
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

/// Decodes; the number of bytes used comes back as well. Unless it is `last`,
/// an incomplete character at the end is left over.
pub fn decode(vm: &Vm, bytes: &[u8], errors: &str, last: bool) -> Result<(Object, usize)> {
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
