//! UTF-7 (RFC 2152).

use super::errors;
use crate::prelude::*;
use crate::types::bytes_methods::reserve;
use crate::types::str::Builder;
use std::borrow::Cow;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn value_of(b: u8) -> Option<u32> {
    Some(match b {
        b'A'..=b'Z' => b - b'A',
        b'a'..=b'z' => b - b'a' + 26,
        b'0'..=b'9' => b - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    } as u32)
}

/// Characters that are written as they are.
fn is_direct(c: u32) -> bool {
    matches!(c, 9 | 10 | 13 | 0x20..0x7f) && !matches!(c as u8, b'+' | b'\\' | b'~')
}

/// Encodes `text` (a str).
pub fn encode(vm: &Vm, text: &Object) -> Result<Vec<u8>> {
    let Some(s) = text.downcast::<Str>() else { return Ok(Vec::new()) };
    let mut out = reserve(vm, s.len())?;
    let (mut shifted, mut buffer, mut bits) = (false, 0u32, 0u32);
    for c in s.chars() {
        if shifted && is_direct(c) {
            if bits > 0 {
                out.push(ALPHABET[(buffer << (6 - bits) & 63) as usize]);
                (buffer, bits) = (0, 0);
            }
            shifted = false;
            if value_of(c as u8).is_some() || c == '-' as u32 {
                out.push(b'-');
            }
            out.push(c as u8);
            continue;
        }
        if !shifted {
            if c == '+' as u32 {
                out.extend(b"+-");
                continue;
            }
            if is_direct(c) {
                out.push(c as u8);
                continue;
            }
            out.push(b'+');
            shifted = true;
        }
        let mut put = |unit: u32| {
            buffer = buffer << 16 | unit;
            bits += 16;
            while bits >= 6 {
                bits -= 6;
                out.push(ALPHABET[(buffer >> bits & 63) as usize]);
            }
            buffer &= (1 << bits) - 1;
        };
        if c >= 0x10000 {
            put(0xd7c0 + (c >> 10));
            put(0xdc00 | c & 0x3ff);
        } else {
            put(c);
        }
    }
    if bits > 0 {
        out.push(ALPHABET[(buffer << (6 - bits) & 63) as usize]);
    }
    if shifted {
        out.push(b'-');
    }
    Ok(out)
}

/// The state within a shifted section.
#[derive(Default)]
struct Shift {
    bits: u32,
    buffer: u32,
    /// A high surrogate that waits for its low one; 0: none.
    high: u32,
}

impl Shift {
    /// Takes a base-64 digit in.
    fn digit(&mut self, value: u32, out: &mut Builder) {
        self.buffer = self.buffer << 6 | value;
        self.bits += 6;
        if self.bits < 16 {
            return;
        }
        self.bits -= 16;
        let unit = self.buffer >> self.bits;
        self.buffer &= (1 << self.bits) - 1;
        let high = std::mem::take(&mut self.high);
        if high != 0 {
            if (0xdc00..0xe000).contains(&unit) {
                out.push_char(0x10000 + ((high - 0xd800) << 10) + (unit - 0xdc00));
                return;
            }
            out.push_char(high);
        }
        if (0xd800..0xdc00).contains(&unit) { self.high = unit } else { out.push_char(unit) }
    }
}

/// Decodes; the number of bytes used comes back as well. Unless it is `last`,
/// an open shifted section at the end is left over.
pub fn decode(vm: &Vm, bytes: &[u8], errors: &str, last: bool) -> Result<(Object, usize)> {
    let mut input = Cow::Borrowed(bytes);
    let mut failures = errors::Failures::new(errors);
    let mut out = Builder::with_capacity(bytes.len());
    let mut shift: Option<Shift> = None;
    // Where the section or the error begins, and how long the text was there.
    let (mut start, mut out_start) = (0, 0);
    let mut i = 0;
    loop {
        while i < input.len() {
            let b = input[i];
            let mut reason = None;
            if let Some(state) = &mut shift {
                if let Some(value) = value_of(b) {
                    state.digit(value, &mut out);
                    i += 1;
                    continue;
                }
                let state = shift.take().unwrap_or_default();
                if state.bits >= 6 {
                    reason = Some("partial character in shift sequence");
                } else if state.bits > 0 && state.buffer != 0 {
                    reason = Some("non-zero padding bits in shift sequence");
                } else {
                    if state.high != 0 && b < 0x80 && b != b'+' {
                        out.push_char(state.high);
                    }
                    if b == b'-' {
                        i += 1;
                    }
                    continue;
                }
            } else if b == b'+' {
                start = i;
                i += 1;
                match input.get(i) {
                    Some(b'-') => {
                        out.push_char('+' as u32);
                        i += 1;
                        continue;
                    }
                    Some(&next) if value_of(next).is_none() => reason = Some("ill-formed sequence"),
                    _ => {
                        shift = Some(Shift::default());
                        out_start = out.len();
                        continue;
                    }
                }
            } else if b < 0x80 {
                out.push_char(b as u32);
                i += 1;
                continue;
            } else {
                start = i;
            }
            let reason = reason.unwrap_or("unexpected special character");
            i = errors::decode_error(
                vm,
                "utf7",
                &mut failures,
                &mut input,
                (start, i + 1),
                reason,
                &mut out,
            )?;
        }
        let Some(state) = &shift else { break };
        if !last {
            out.truncate(out_start);
            return Ok((out.finish(vm), start));
        }
        let inconsistent = state.high != 0 || state.bits >= 6 || state.bits > 0 && state.buffer != 0;
        shift = None;
        if !inconsistent {
            break;
        }
        let range = (start, input.len());
        i = errors::decode_error(
            vm,
            "utf7",
            &mut failures,
            &mut input,
            range,
            "unterminated shift sequence",
            &mut out,
        )?;
    }
    Ok((out.finish(vm), if last { bytes.len() } else { i }))
}
