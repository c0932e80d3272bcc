//! UTF-16 and UTF-32, in both byte orders, with and without a byte order mark.

use super::errors::{self, Replacement};
use crate::prelude::*;
use crate::types::str::Builder;
use std::borrow::Cow;

/// The order of bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Order {
    /// As the byte order mark says, else little; encoding writes a mark.
    Bom,
    Little,
    Big,
}

impl Order {
    /// CPython's `byteorder`: 0, -1, 1.
    pub fn from_int(n: i32) -> Order {
        match n {
            0 => Order::Bom,
            n if n < 0 => Order::Little,
            _ => Order::Big,
        }
    }
    pub fn to_int(self) -> i64 {
        match self {
            Order::Bom => 0,
            Order::Little => -1,
            Order::Big => 1,
        }
    }
}

fn is_low(c: u32) -> bool {
    (0xdc00..0xe000).contains(&c)
}

fn is_surrogate(c: u32) -> bool {
    (0xd800..0xe000).contains(&c)
}

// ---- encoding ---------------------------------------------------------------------------

fn put16(out: &mut Vec<u8>, unit: u16, big: bool) {
    out.extend(if big { unit.to_be_bytes() } else { unit.to_le_bytes() });
}

fn put32(out: &mut Vec<u8>, unit: u32, big: bool) {
    out.extend(if big { unit.to_be_bytes() } else { unit.to_le_bytes() });
}

/// UTF-16 of `text` (a str).
pub fn encode16(vm: &Vm, text: &Object, errors: &str, order: Order) -> Result<Vec<u8>> {
    let name = match order {
        Order::Bom => "utf-16",
        Order::Little => "utf-16-le",
        Order::Big => "utf-16-be",
    };
    let big = order == Order::Big;
    let put = |out: &mut Vec<u8>, c: u32| {
        if c < 0x10000 {
            put16(out, c as u16, big);
        } else {
            put16(out, (0xd7c0 + (c >> 10)) as u16, big);
            put16(out, (0xdc00 | c & 0x3ff) as u16, big);
        }
    };
    encode(vm, text, errors, name, 2, order == Order::Bom, put)
}

/// UTF-32 of `text` (a str).
pub fn encode32(vm: &Vm, text: &Object, errors: &str, order: Order) -> Result<Vec<u8>> {
    let name = match order {
        Order::Bom => "utf-32",
        Order::Little => "utf-32-le",
        Order::Big => "utf-32-be",
    };
    let big = order == Order::Big;
    encode(vm, text, errors, name, 4, order == Order::Bom, |out, c| put32(out, c, big))
}

fn encode(
    vm: &Vm,
    text: &Object,
    errors: &str,
    name: &str,
    unit: usize,
    mark: bool,
    put: impl Fn(&mut Vec<u8>, u32),
) -> Result<Vec<u8>> {
    let Some(s) = text.downcast::<Str>() else { return Ok(Vec::new()) };
    let mut out = Vec::new();
    if out.try_reserve(s.len().saturating_mul(unit).saturating_add(unit)).is_err() {
        return Err(vm.memory_error());
    }
    if mark {
        put(&mut out, 0xfeff);
    }
    let mut i = 0;
    while i < s.len() {
        let c = s.char_at(i);
        if !is_surrogate(c) {
            put(&mut out, c);
            i += 1;
            continue;
        }
        let end = i + 1;
        let reason = "surrogates not allowed";
        let (replacement, next) = errors::encode_error(vm, name, errors, text, (i, end), reason)?;
        match replacement {
            Replacement::Bytes(bytes) if bytes.len() % unit == 0 => out.extend_from_slice(&bytes),
            Replacement::Text(chars) if chars.iter().all(|&c| c < 0x80) => {
                chars.iter().for_each(|&c| put(&mut out, c));
            }
            _ => return Err(errors::raise_encode(vm, name, text, i, end, reason)),
        }
        i = next;
    }
    Ok(out)
}

// ---- decoding ------------------------------------------------------------------------------

/// Decodes UTF-16: the text, the bytes used, the byte order found.
pub fn decode16(
    vm: &Vm,
    bytes: &[u8],
    errors: &str,
    order: Order,
    last: bool,
) -> Result<(Object, usize, Order)> {
    let (mut order, mut i) = (order, 0);
    if order == Order::Bom {
        match bytes {
            [0xff, 0xfe, ..] => (order, i) = (Order::Little, 2),
            [0xfe, 0xff, ..] => (order, i) = (Order::Big, 2),
            _ => {}
        }
    }
    let big = order == Order::Big;
    let name = if big { "utf-16-be" } else { "utf-16-le" };
    let mut input = Cow::Borrowed(bytes);
    let mut failures = errors::Failures::new(errors);
    let mut out = Builder::with_capacity(bytes.len() / 2);
    let unit = |input: &[u8], i: usize| {
        let raw = [input[i], input[i + 1]];
        u32::from(if big { u16::from_be_bytes(raw) } else { u16::from_le_bytes(raw) })
    };
    while i < input.len() {
        let len = input.len();
        let (range, reason, incomplete) = if i + 1 >= len {
            ((i, len), "truncated data", true)
        } else {
            let c = unit(&input, i);
            if !is_surrogate(c) {
                out.push_char(c);
                i += 2;
                continue;
            }
            if is_low(c) {
                ((i, i + 2), "illegal encoding", false)
            } else if i + 3 >= len {
                ((i, len), "unexpected end of data", true)
            } else {
                let second = unit(&input, i + 2);
                if is_low(second) {
                    out.push_char(0x10000 + ((c - 0xd800) << 10) + (second - 0xdc00));
                    i += 4;
                    continue;
                }
                ((i, i + 2), "illegal UTF-16 surrogate", false)
            }
        };
        if incomplete && !last {
            break;
        }
        i = errors::decode_error(vm, name, &mut failures, &mut input, range, reason, &mut out)?;
    }
    Ok((out.finish(vm), if last { bytes.len() } else { i }, order))
}

/// Decodes UTF-32: the text, the bytes used, the byte order found.
pub fn decode32(
    vm: &Vm,
    bytes: &[u8],
    errors: &str,
    order: Order,
    last: bool,
) -> Result<(Object, usize, Order)> {
    let (mut order, mut i) = (order, 0);
    if order == Order::Bom {
        match bytes {
            [0xff, 0xfe, 0, 0, ..] => (order, i) = (Order::Little, 4),
            [0, 0, 0xfe, 0xff, ..] => (order, i) = (Order::Big, 4),
            _ => {}
        }
    }
    let big = order == Order::Big;
    let name = if big { "utf-32-be" } else { "utf-32-le" };
    let mut input = Cow::Borrowed(bytes);
    let mut failures = errors::Failures::new(errors);
    let mut out = Builder::with_capacity(bytes.len() / 4);
    while i < input.len() {
        let len = input.len();
        let (range, reason) = match input[i..].first_chunk::<4>() {
            Some(raw) => {
                let c = if big { u32::from_be_bytes(*raw) } else { u32::from_le_bytes(*raw) };
                if is_surrogate(c) {
                    ((i, i + 4), "code point in surrogate code point range(0xd800, 0xe000)")
                } else if c > 0x10ffff {
                    ((i, i + 4), "code point not in range(0x110000)")
                } else {
                    out.push_char(c);
                    i += 4;
                    continue;
                }
            }
            None if !last => break,
            None => ((i, len), "truncated data"),
        };
        i = errors::decode_error(vm, name, &mut failures, &mut input, range, reason, &mut out)?;
    }
    Ok((out.finish(vm), if last { bytes.len() } else { i }, order))
}
