//! Elements of memoryviews: the native one-character formats of the `struct`
//! module, from and to Python objects.

use crate::prelude::*;
use crate::types::bytes::Bytes;
use crate::types::int;

/// A native format of one character.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Format(u8);

/// The outcome of packing a value.
pub enum Packing {
    /// As many of them as the format's size.
    Bytes([u8; 8]),
    WrongType,
    WrongValue,
}

impl Format {
    /// The format of a text, an `@` before it being allowed.
    pub fn of(text: &str) -> Option<Format> {
        let text = text.strip_prefix('@').unwrap_or(text);
        match text.as_bytes() {
            [
                c @ (b'c' | b'b' | b'B' | b'h' | b'H' | b'i' | b'I' | b'l' | b'L' | b'q' | b'Q' | b'n' | b'N'
                | b'f' | b'd' | b'e' | b'?' | b'P'),
            ] => Some(Format(*c)),
            _ => None,
        }
    }
    pub fn char(self) -> char {
        self.0 as char
    }
    /// The size of an element in bytes.
    pub fn size(self) -> usize {
        match self.0 {
            b'c' | b'b' | b'B' | b'?' => 1,
            b'h' | b'H' | b'e' => 2,
            b'i' | b'I' | b'f' => 4,
            _ => 8,
        }
    }
    /// Are elements equal exactly if their bytes are?
    pub fn is_plain(self) -> bool {
        !matches!(self.0, b'f' | b'd' | b'e' | b'?')
    }
    /// The element in `bytes`, which are as many as [`Format::size`] says.
    pub fn unpack(self, vm: &Vm, bytes: &[u8]) -> Object {
        fn read<const N: usize>(bytes: &[u8]) -> [u8; N] {
            bytes.first_chunk::<N>().copied().unwrap_or([0; N])
        }
        match self.0 {
            b'c' => vm.bytes(bytes),
            b'b' => vm.int(i8::from_ne_bytes(read(bytes)) as i64),
            b'B' => vm.int(u8::from_ne_bytes(read(bytes)) as i64),
            b'?' => Object::bool(bytes.first().is_some_and(|&b| b != 0)),
            b'h' => vm.int(i16::from_ne_bytes(read(bytes)) as i64),
            b'H' => vm.int(u16::from_ne_bytes(read(bytes)) as i64),
            b'i' => vm.int(i32::from_ne_bytes(read(bytes)) as i64),
            b'I' => vm.int(u32::from_ne_bytes(read(bytes)) as i64),
            b'l' | b'q' | b'n' => vm.int(i64::from_ne_bytes(read(bytes))),
            b'L' | b'Q' | b'N' | b'P' => vm.u64(u64::from_ne_bytes(read(bytes))),
            b'e' => vm.float(half_to_f64(u16::from_ne_bytes(read(bytes)))),
            b'f' => vm.float(f32::from_ne_bytes(read(bytes)) as f64),
            _ => vm.float(f64::from_ne_bytes(read(bytes))),
        }
    }
    /// The bytes of a value. May run Python code.
    pub fn pack(self, vm: &Vm, value: &Object) -> Result<Packing> {
        let result = self.try_pack(vm, value);
        match result {
            Err(raised) if vm.raised_is(&exc::TYPE_ERROR) => {
                drop(vm.caught(raised));
                Ok(Packing::WrongType)
            }
            Err(raised) if vm.raised_is(&exc::OVERFLOW_ERROR) || vm.raised_is(&exc::VALUE_ERROR) => {
                drop(vm.caught(raised));
                Ok(Packing::WrongValue)
            }
            result => result,
        }
    }
    fn try_pack(self, vm: &Vm, value: &Object) -> Result<Packing> {
        let bytes = |raw: &[u8]| {
            let mut out = [0; 8];
            out[..raw.len()].copy_from_slice(raw);
            Packing::Bytes(out)
        };
        match self.0 {
            b'c' => Ok(match value.downcast::<Bytes>() {
                None => Packing::WrongType,
                Some(b) if b.len() != 1 => Packing::WrongValue,
                Some(b) => bytes(b.as_slice()),
            }),
            b'?' => Ok(bytes(&[vm.is_true(value)? as u8])),
            b'f' => Ok(bytes(&(vm.to_f64(value)? as f32).to_ne_bytes())),
            b'd' => Ok(bytes(&vm.to_f64(value)?.to_ne_bytes())),
            b'e' => Ok(match f64_to_half(vm.to_f64(value)?) {
                Some(half) => bytes(&half.to_ne_bytes()),
                None => Packing::WrongValue,
            }),
            b'P' | b'L' | b'Q' | b'N' => {
                let n = vm.index(value)?;
                let wrapped = match (int::to_u64(&n), int::to_i64(&n)) {
                    (Some(n), _) => n,
                    // Pointers may be given as negative numbers.
                    (None, Some(n)) if self.0 == b'P' => n as u64,
                    _ => return Ok(Packing::WrongValue),
                };
                Ok(bytes(&wrapped.to_ne_bytes()))
            }
            _ => {
                let n = vm.index(value)?;
                let Some(n) = int::to_i64(&n) else { return Ok(Packing::WrongValue) };
                let fits = match self.0 {
                    b'b' => i8::try_from(n).is_ok(),
                    b'B' => u8::try_from(n).is_ok(),
                    b'h' => i16::try_from(n).is_ok(),
                    b'H' => u16::try_from(n).is_ok(),
                    b'i' => i32::try_from(n).is_ok(),
                    b'I' => u32::try_from(n).is_ok(),
                    _ => true,
                };
                if !fits {
                    return Ok(Packing::WrongValue);
                }
                let raw = n.to_ne_bytes();
                let size = self.size();
                Ok(bytes(if cfg!(target_endian = "little") { &raw[..size] } else { &raw[8 - size..] }))
            }
        }
    }
}

/// The value of an IEEE half-precision number.
pub fn half_to_f64(half: u16) -> f64 {
    let sign = if half & 0x8000 != 0 { -1.0 } else { 1.0 };
    let (exponent, fraction) = ((half >> 10 & 31) as i32, (half & 0x3ff) as f64);
    match exponent {
        0 => sign * fraction * 2f64.powi(-24),
        31 if fraction == 0.0 => sign * f64::INFINITY,
        31 => f64::from_bits((half as u64 & 0x8000) << 48 | 0x7ff << 52 | (half as u64 & 0x3ff) << 42),
        _ => sign * (1024.0 + fraction) * 2f64.powi(exponent - 25),
    }
}

/// The nearest half-precision number, ties to even; None if it is too large.
pub fn f64_to_half(x: f64) -> Option<u16> {
    let sign = if x.is_sign_negative() { 0x8000 } else { 0 };
    if x.is_nan() {
        let fraction = (x.to_bits() >> 42 & 0x3ff) as u16;
        return Some(sign | 0x7c00 | if fraction == 0 { 0x200 } else { fraction });
    }
    let x = x.abs();
    if x.is_infinite() {
        return Some(sign | 0x7c00);
    }
    if x < 2f64.powi(-14) {
        // Subnormal: a multiple of 2**-24. Rounding up may give the least normal number.
        return Some(sign | (x * 2f64.powi(24)).round_ties_even() as u16);
    }
    let exponent = (x.to_bits() >> 52) as i32 - 1023;
    let scaled = (x * 2f64.powi(10 - exponent)).round_ties_even();
    let (exponent, scaled) = if scaled >= 2048.0 { (exponent + 1, 1024.0) } else { (exponent, scaled) };
    if exponent > 15 {
        return None;
    }
    Some(sign | ((((exponent + 15) as u16) << 10) + (scaled as u16 - 1024)))
}
