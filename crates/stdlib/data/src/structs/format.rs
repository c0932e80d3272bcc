//! Formats of `_struct`: their parser, and the conversion of single values.

use super::error;
use taipan_numeric::BigInt;
use taipan_runtime::prelude::*;
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::{bytearray, complex, int};

/// A run of equal values.
struct Code {
    kind: u8,
    /// Where the first one begins.
    offset: usize,
    /// Bytes of one.
    size: usize,
    count: usize,
}

/// A format, understood.
pub struct Layout {
    codes: Vec<Code>,
    little: bool,
    pub size: usize,
    /// The number of values.
    pub items: usize,
}

/// Size and alignment of a native format character.
fn native(kind: u8) -> Option<(usize, usize)> {
    Some(match kind {
        b'x' | b'b' | b'B' | b'c' | b's' | b'p' | b'?' => (1, 1),
        b'h' | b'H' | b'e' => (2, 2),
        b'i' | b'I' | b'f' => (4, 4),
        b'l' | b'L' | b'q' | b'Q' | b'n' | b'N' | b'P' | b'd' => (8, 8),
        b'F' => (8, 4),
        b'D' => (16, 8),
        _ => return None,
    })
}

/// Size of a standard format character.
fn standard(kind: u8) -> Option<usize> {
    match kind {
        b'l' | b'L' => Some(4),
        b'n' | b'N' | b'P' => None,
        _ => native(kind).map(|(size, _)| size),
    }
}

impl Layout {
    pub fn parse(vm: &Vm, text: &str) -> Result<Layout> {
        if text.contains('\0') {
            return Err(error(vm, "embedded null character"));
        }
        let bytes = text.as_bytes();
        let (order, mut rest) = match bytes.first() {
            Some(c @ (b'<' | b'>' | b'!' | b'=' | b'@')) => (*c, &bytes[1..]),
            _ => (b'@', bytes),
        };
        let is_native = order == b'@';
        let little = match order {
            b'<' => true,
            b'>' | b'!' => false,
            _ => cfg!(target_endian = "little"),
        };
        let too_long = || error(vm, "total struct size too long");
        let mut layout = Layout { codes: Vec::new(), little, size: 0, items: 0 };
        while let Some((&c, tail)) = rest.split_first() {
            rest = tail;
            if matches!(c, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c) {
                continue;
            }
            let (mut kind, mut count) = (c, 1usize);
            if c.is_ascii_digit() {
                count = (c - b'0') as usize;
                loop {
                    let Some((&c, tail)) = rest.split_first() else {
                        return Err(error(vm, "repeat count given without format specifier"));
                    };
                    rest = tail;
                    if !c.is_ascii_digit() {
                        kind = c;
                        break;
                    }
                    count = count
                        .checked_mul(10)
                        .and_then(|n| n.checked_add((c - b'0') as usize))
                        .filter(|&n| n <= isize::MAX as usize)
                        .ok_or_else(too_long)?;
                }
            }
            let found = if is_native { native(kind) } else { standard(kind).map(|size| (size, 1)) };
            let Some((size, alignment)) = found else { return Err(error(vm, "bad char in struct format")) };
            let offset = layout.size.checked_next_multiple_of(alignment).ok_or_else(too_long)?;
            let bytes = size.checked_mul(count).ok_or_else(too_long)?;
            layout.size =
                offset.checked_add(bytes).filter(|&n| n <= isize::MAX as usize).ok_or_else(too_long)?;
            match kind {
                b'x' => {}
                b's' | b'p' => {
                    layout.items += 1;
                    layout.codes.push(Code { kind, offset, size: count, count: 1 });
                }
                _ if count > 0 => {
                    layout.items += count;
                    layout.codes.push(Code { kind, offset, size, count });
                }
                _ => {}
            }
        }
        Ok(layout)
    }
}

// ---- packing ----------------------------------------------------------------------------

/// Writes the values (as many as the layout says) into `out` (of its size, zeroed).
pub fn pack_values(vm: &Vm, layout: &Layout, values: &[Object], out: &mut [u8]) -> Result<()> {
    let mut values = values.iter();
    for code in &layout.codes {
        for i in 0..code.count {
            let Some(value) = values.next() else { return Ok(()) };
            let at = code.offset + i * code.size;
            let Some(part) = out.get_mut(at..at + code.size) else { return Ok(()) };
            if let Err(raised) = pack_one(vm, code.kind, layout.little, value, part) {
                if int::is_any_int(value) && vm.raised_is(&exc::OVERFLOW_ERROR) {
                    drop(vm.take_raised());
                    return Err(error(vm, "int too large to convert"));
                }
                return Err(raised);
            }
        }
    }
    Ok(())
}

/// The bytes of a bytes or bytearray argument.
fn with_bytes<R>(value: &Object, f: impl FnOnce(&[u8]) -> R) -> Option<R> {
    if let Some(bytes) = value.downcast::<Bytes>() {
        return Some(f(bytes.as_slice()));
    }
    let array = value.downcast::<bytearray::ByteArray>()?;
    Some(f(array.as_slice()))
}

fn pack_one(vm: &Vm, kind: u8, little: bool, value: &Object, out: &mut [u8]) -> Result<()> {
    match kind {
        b'c' => match value.downcast::<Bytes>().map(|b| b.as_slice()) {
            Some([c]) => {
                out[0] = *c;
                Ok(())
            }
            _ => Err(error(vm, "char format requires a bytes object of length 1")),
        },
        b's' | b'p' => pack_text(vm, kind, value, out),
        b'?' => {
            out[0] = vm.is_true(value)? as u8;
            Ok(())
        }
        b'e' | b'f' | b'd' => {
            let x = match vm.to_f64(value) {
                Ok(x) => x,
                Err(_) => {
                    drop(vm.take_raised());
                    return Err(error(vm, "required argument is not a float"));
                }
            };
            pack_float(vm, kind, little, x, out)
        }
        b'F' | b'D' => {
            let z = match complex::number_to_complex(vm, value) {
                Ok(z) => z,
                Err(_) => {
                    drop(vm.take_raised());
                    return Err(error(vm, "required argument is not a complex"));
                }
            };
            let (re, im) = out.split_at_mut(out.len() / 2);
            for (x, part) in [(z.re, re), (z.im, im)] {
                if kind == b'F' && !little {
                    // Checked for size, unlike in little-endian order.
                    pack_float(vm, b'f', little, x, part)?;
                } else if kind == b'F' {
                    put(part, (x as f32).to_bits() as u64, little);
                } else {
                    put(part, x.to_bits(), little);
                }
            }
            Ok(())
        }
        _ => pack_int(vm, kind, little, value, out),
    }
}

fn pack_text(vm: &Vm, kind: u8, value: &Object, out: &mut [u8]) -> Result<()> {
    let pascal = kind == b'p';
    let done = with_bytes(value, |bytes| {
        if !pascal {
            let n = bytes.len().min(out.len());
            out[..n].copy_from_slice(&bytes[..n]);
        } else if let Some((length, rest)) = out.split_first_mut() {
            let n = bytes.len().min(rest.len());
            rest[..n].copy_from_slice(&bytes[..n]);
            *length = n.min(255) as u8;
        }
    });
    match done {
        Some(()) => Ok(()),
        None => Err(error(vm, format!("argument for '{}' must be a bytes object", kind as char))),
    }
}

/// Writes the low bytes of a word.
fn put(out: &mut [u8], word: u64, little: bool) {
    let n = out.len();
    if little {
        out.copy_from_slice(&word.to_le_bytes()[..n]);
    } else {
        out.copy_from_slice(&word.to_be_bytes()[8 - n..]);
    }
}

fn get(bytes: &[u8], little: bool) -> u64 {
    let fold = |n: u64, &b: &u8| n << 8 | b as u64;
    if little { bytes.iter().rev().fold(0, fold) } else { bytes.iter().fold(0, fold) }
}

fn pack_int(vm: &Vm, kind: u8, little: bool, value: &Object, out: &mut [u8]) -> Result<()> {
    let number = if int::is_any_int(value) {
        value.clone()
    } else if vm.is_index(value) {
        vm.index(value)?
    } else {
        return Err(error(vm, "required argument is not an integer"));
    };
    let bits = out.len() as u32 * 8;
    if kind == b'P' {
        let word = match int::to_i64(&number) {
            Some(n) => Some(n as u64),
            None => int::to_u64(&number),
        };
        return match word {
            Some(word) => {
                put(out, word, little);
                Ok(())
            }
            None if int::is_negative(&number) => {
                Err(vm.overflow_error("Python int too large to convert to C long"))
            }
            None => Err(vm.overflow_error("int too large to convert")),
        };
    }
    let signed = kind.is_ascii_lowercase();
    let word = if signed {
        let limit = 1i128 << (bits - 1);
        int::to_i64(&number).filter(|&n| (n as i128) < limit && n as i128 >= -limit).map(|n| n as u64)
    } else {
        int::to_u64(&number).filter(|&n| bits == 64 || n < 1 << bits)
    };
    let Some(word) = word else {
        let (least, most) = if signed {
            (BigInt::from(-(1i128 << (bits - 1))), BigInt::from((1i128 << (bits - 1)) - 1))
        } else {
            (BigInt::from(0i64), BigInt::from((1i128 << bits) - 1))
        };
        return Err(error(
            vm,
            format!(
                "'{}' format requires {} <= number <= {}",
                kind as char,
                least.to_decimal(),
                most.to_decimal()
            ),
        ));
    };
    put(out, word, little);
    Ok(())
}

fn pack_float(vm: &Vm, kind: u8, little: bool, x: f64, out: &mut [u8]) -> Result<()> {
    match kind {
        b'd' => put(out, x.to_bits(), little),
        b'f' => {
            let narrow = x as f32;
            if narrow.is_infinite() && x.is_finite() {
                return Err(vm.overflow_error("float too large to pack with f format"));
            }
            put(out, narrow.to_bits() as u64, little);
        }
        _ => match half_bits(x) {
            Some(bits) => put(out, bits as u64, little),
            None => return Err(vm.overflow_error("float too large to pack with e format")),
        },
    }
    Ok(())
}

/// The IEEE half precision number nearest to `x`; None if it is too large.
pub fn half_bits(x: f64) -> Option<u16> {
    let sign = ((x.to_bits() >> 63) as u16) << 15;
    if x.is_nan() {
        return Some(sign | 0x7c00 | (x.to_bits() >> 42 & 0x3ff) as u16);
    }
    if x.is_infinite() {
        return Some(sign | 0x7c00);
    }
    let magnitude = x.abs();
    if magnitude == 0.0 {
        return Some(sign);
    }
    let exponent = ((magnitude.to_bits() >> 52) as i32) - 1023;
    if exponent >= 16 {
        return None;
    }
    // In units of the last place of the result.
    let unit = exponent.max(-14) - 10;
    let scaled = magnitude * (2f64).powi(-unit);
    let mut whole = scaled.floor();
    let rest = scaled - whole;
    if rest > 0.5 || rest == 0.5 && whole % 2.0 == 1.0 {
        whole += 1.0;
    }
    let mantissa = whole as u32;
    let bits = if exponent < -14 { mantissa } else { (((exponent + 15) as u32) << 10) + mantissa - 1024 };
    if bits >= 0x7c00 { None } else { Some(sign | bits as u16) }
}

/// A half precision number as f64.
pub fn half_value(bits: u16) -> f64 {
    let sign = if bits & 0x8000 != 0 { -1.0 } else { 1.0 };
    let exponent = (bits >> 10 & 0x1f) as i32;
    let mantissa = (bits & 0x3ff) as f64;
    match exponent {
        0 => sign * mantissa * (2f64).powi(-24),
        31 if mantissa == 0.0 => sign * f64::INFINITY,
        31 => f64::from_bits(
            ((bits as u64 & 0x8000) << 48) | 0x7ff0_0000_0000_0000 | (bits as u64 & 0x3ff) << 42,
        ),
        _ => sign * (1.0 + mantissa / 1024.0) * (2f64).powi(exponent - 15),
    }
}

// ---- unpacking --------------------------------------------------------------------------

/// The values in `bytes` (of the layout's size) as a tuple.
pub fn unpack_values(vm: &Vm, layout: &Layout, bytes: &[u8]) -> Object {
    let mut out = Vec::with_capacity(layout.items);
    for code in &layout.codes {
        for i in 0..code.count {
            let at = code.offset + i * code.size;
            out.push(unpack_one(vm, code.kind, layout.little, bytes.get(at..at + code.size).unwrap_or(&[])));
        }
    }
    vm.tuple(out)
}

fn unpack_one(vm: &Vm, kind: u8, little: bool, bytes: &[u8]) -> Object {
    match kind {
        b'c' | b's' => vm.bytes(bytes),
        b'p' => match bytes.split_first() {
            Some((&n, rest)) => vm.bytes(&rest[..(n as usize).min(rest.len())]),
            None => vm.bytes(b""),
        },
        b'?' => Object::bool(bytes.iter().any(|&b| b != 0)),
        b'e' => vm.float(half_value(get(bytes, little) as u16)),
        b'f' => vm.float(f32::from_bits(get(bytes, little) as u32) as f64),
        b'd' => vm.float(f64::from_bits(get(bytes, little))),
        b'F' => {
            let part = |b: &[u8]| f32::from_bits(get(b, little) as u32) as f64;
            complex::new(vm, part(&bytes[..4]), part(&bytes[4..]))
        }
        b'D' => {
            let part = |b: &[u8]| f64::from_bits(get(b, little));
            complex::new(vm, part(&bytes[..8]), part(&bytes[8..]))
        }
        _ => {
            let word = get(bytes, little);
            let bits = bytes.len() as u32 * 8;
            if kind.is_ascii_lowercase() {
                let shift = 64 - bits;
                vm.int((word << shift) as i64 >> shift)
            } else {
                vm.u64(word)
            }
        }
    }
}
