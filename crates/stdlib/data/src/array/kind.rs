//! The kinds of arrays: type codes, and one item from and to Python.

use taipan_runtime::prelude::*;
use taipan_runtime::types::{int, str};

/// All type codes.
pub const CODES: &str = "bBuwhHiIlLqQfd";

/// What the items of an array are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Kind {
    pub code: u8,
    /// Bytes of an item.
    pub size: usize,
}

impl Kind {
    pub fn of(code: u32) -> Option<Kind> {
        let code = u8::try_from(code).ok()?;
        let size = match code {
            b'b' | b'B' => 1,
            b'h' | b'H' => 2,
            b'u' | b'w' | b'i' | b'I' | b'f' => 4,
            b'l' | b'L' | b'q' | b'Q' | b'd' => 8,
            _ => return None,
        };
        Some(Kind { code, size })
    }
    /// Are the items characters?
    pub fn is_text(self) -> bool {
        matches!(self.code, b'u' | b'w')
    }
    /// In the notation of buffers.
    pub fn format(self) -> &'static str {
        match self.code {
            b'b' => "b",
            b'B' => "B",
            b'u' | b'w' => "w",
            b'h' => "h",
            b'H' => "H",
            b'i' => "i",
            b'I' => "I",
            b'l' => "l",
            b'L' => "L",
            b'q' => "q",
            b'Q' => "Q",
            b'f' => "f",
            _ => "d",
        }
    }
    /// The object of an item's bytes.
    pub fn unpack(self, vm: &Vm, item: &[u8; 8]) -> Object {
        fn first<const N: usize>(item: &[u8; 8]) -> [u8; N] {
            item.first_chunk::<N>().copied().unwrap_or([0; N])
        }
        match self.code {
            b'b' => vm.int(item[0] as i8 as i64),
            b'B' => vm.int(item[0] as i64),
            b'u' | b'w' => str::from_char(vm, u32::from_ne_bytes(first(item)).min(0x10ffff)),
            b'h' => vm.int(i16::from_ne_bytes(first(item)) as i64),
            b'H' => vm.int(u16::from_ne_bytes(first(item)) as i64),
            b'i' => vm.int(i32::from_ne_bytes(first(item)) as i64),
            b'I' => vm.int(u32::from_ne_bytes(first(item)) as i64),
            b'l' | b'q' => vm.int(i64::from_ne_bytes(*item)),
            b'L' | b'Q' => vm.u64(u64::from_ne_bytes(*item)),
            b'f' => vm.float(f32::from_ne_bytes(first(item)) as f64),
            _ => vm.float(f64::from_ne_bytes(*item)),
        }
    }
    /// The bytes (the first `size` of them) of an object.
    pub fn pack(self, vm: &Vm, object: &Object) -> Result<[u8; 8]> {
        let mut out = [0; 8];
        match self.code {
            b'f' => out[..4].copy_from_slice(&(vm.to_f64(object)? as f32).to_ne_bytes()),
            b'd' => out = vm.to_f64(object)?.to_ne_bytes(),
            b'u' | b'w' => {
                let c = super::type_code(vm, object, "array item")?;
                out[..4].copy_from_slice(&c.to_ne_bytes());
            }
            _ => {
                let word = self.integer(vm, object)?.to_ne_bytes();
                // The low bytes, wherever they are.
                if cfg!(target_endian = "little") {
                    out = word;
                } else {
                    out[..self.size].copy_from_slice(&word[8 - self.size..]);
                }
            }
        }
        Ok(out)
    }
    /// An integer in range, as a word.
    fn integer(self, vm: &Vm, object: &Object) -> Result<i64> {
        let index = vm.index(object)?;
        let small = int::to_i64(&index);
        let too_large =
            |what: &str| vm.overflow_error(format!("Python int too large to convert to C {what}"));
        let within = |n: i64, least: i64, most: i64, what: &str| {
            if n < least {
                Err(vm.overflow_error(format!("{what} is less than minimum")))
            } else if n > most {
                Err(vm.overflow_error(format!("{what} is greater than maximum")))
            } else {
                Ok(n)
            }
        };
        match self.code {
            b'b' => {
                let n = small.ok_or_else(|| too_large("long"))?;
                let n = within(n, i16::MIN as i64, i16::MAX as i64, "signed short integer")?;
                within(n, i8::MIN as i64, i8::MAX as i64, "signed char")
            }
            b'B' => within(small.ok_or_else(|| too_large("long"))?, 0, 255, "unsigned byte integer"),
            b'h' => {
                let n = small.ok_or_else(|| too_large("long"))?;
                within(n, i16::MIN as i64, i16::MAX as i64, "signed short integer")
            }
            b'H' => {
                let n = small.ok_or_else(|| too_large("long"))?;
                let n = within(n, i32::MIN as i64, i32::MAX as i64, "signed integer")?;
                within(n, 0, u16::MAX as i64, "unsigned short")
            }
            b'i' => {
                let n = small.ok_or_else(|| too_large("long"))?;
                within(n, i32::MIN as i64, i32::MAX as i64, "signed integer")
            }
            b'l' => small.ok_or_else(|| too_large("long")),
            b'q' => small.ok_or_else(|| vm.overflow_error("int too big to convert")),
            _ if int::is_negative(&index) => Err(vm.overflow_error(if self.code == b'Q' {
                "can't convert negative int to unsigned"
            } else {
                "can't convert negative value to unsigned int"
            })),
            b'Q' => int::to_u64(&index)
                .map(|n| n as i64)
                .ok_or_else(|| vm.overflow_error("int too big to convert")),
            _ => {
                let n = int::to_u64(&index).ok_or_else(|| too_large("unsigned long"))?;
                if self.code == b'I' && n > u32::MAX as u64 {
                    return Err(vm.overflow_error("unsigned int is greater than maximum"));
                }
                Ok(n as i64)
            }
        }
    }
}

/// The characters of a string as items.
pub fn text_bytes(s: &Str) -> Vec<u8> {
    s.chars().flat_map(|c| c.to_ne_bytes()).collect()
}
