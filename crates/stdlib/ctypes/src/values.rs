//! Simple values in memory: reading and writing by the letters of simple types, in
//! either order of bytes, and the bits of bit fields.

use crate::memory::{Capsule, Place};
use taipan_runtime::prelude::*;
use taipan_runtime::types::bytearray::ByteArray;
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::int::{self, IntView};
use taipan_runtime::types::{complex, str};

/// The letters, as messages list them.
pub const LETTERS: &str = "cbBhHiIlLdDFGfuzZqQPOv?g";

/// Size and alignment of a simple type.
pub fn layout(code: u8) -> Option<(usize, usize)> {
    let size = match code {
        b'c' | b'b' | b'B' | b'?' => 1,
        b'h' | b'H' | b'v' => 2,
        b'i' | b'I' | b'f' | b'u' => 4,
        b'l' | b'L' | b'q' | b'Q' | b'd' | b'P' | b'O' | b'z' | b'Z' => 8,
        b'g' => 16,
        b'F' => return Some((8, 4)),
        b'D' => return Some((16, 8)),
        b'G' => return Some((32, 16)),
        _ => return None,
    };
    Some((size, size))
}

/// Has the type a twin of the other byte order?
pub fn has_twin(code: u8) -> bool {
    integer(code).is_some() || matches!(code, b'f' | b'd' | b'F' | b'D' | b'?')
}

/// Of whole numbers: is it signed? None for everything else.
pub fn integer(code: u8) -> Option<bool> {
    match code {
        b'b' | b'h' | b'i' | b'l' | b'q' => Some(true),
        b'B' | b'H' | b'I' | b'L' | b'Q' => Some(false),
        _ => None,
    }
}

/// The letter in formats of buffers.
pub fn format(code: u8, swapped: bool) -> String {
    let order = if swapped == cfg!(target_endian = "big") { '<' } else { '>' };
    let letter = match code {
        b'l' => 'q',
        b'L' => 'Q',
        other => other as char,
    };
    format!("{order}{letter}")
}

fn load<const N: usize>(place: Place, swapped: bool) -> [u8; N] {
    let mut bytes: [u8; N] = place.read();
    if swapped {
        bytes.reverse();
    }
    bytes
}

fn store<const N: usize>(place: Place, mut bytes: [u8; N], swapped: bool) {
    if swapped {
        bytes.reverse();
    }
    place.write(bytes)
}

/// The whole number of `size` bytes, extended to 64 bits by its sign if it has one.
fn load_integer(place: Place, size: usize, signed: bool, swapped: bool) -> u64 {
    macro_rules! read {
        ($signed:ty, $unsigned:ty) => {
            if signed {
                <$signed>::from_ne_bytes(load(place, swapped)) as i64 as u64
            } else {
                <$unsigned>::from_ne_bytes(load(place, swapped)) as u64
            }
        };
    }
    match size {
        1 => read!(i8, u8),
        2 => read!(i16, u16),
        4 => read!(i32, u32),
        _ => read!(i64, u64),
    }
}

fn store_integer(place: Place, size: usize, value: u64, swapped: bool) {
    match size {
        1 => store(place, (value as u8).to_ne_bytes(), swapped),
        2 => store(place, (value as u16).to_ne_bytes(), swapped),
        4 => store(place, (value as u32).to_ne_bytes(), swapped),
        _ => store(place, value.to_ne_bytes(), swapped),
    }
}

/// The low 64 bits of an int.
fn low_bits(object: &Object) -> Option<u64> {
    Some(match int::view(object)? {
        IntView::Small(n) => n as u64,
        IntView::Big(n) => n.low_u64(),
    })
}

/// An int (by `__index__`, not a float), its low 64 bits.
fn whole(vm: &Vm, value: &Object) -> Result<u64> {
    let index = vm.index(value)?;
    Ok(low_bits(&index).unwrap_or(0))
}

// ---- long double ----------------------------------------------------------------------

/// A C `long double` from a double.
#[cfg(any(target_arch = "x86_64", target_arch = "x86"))]
pub fn long_double(x: f64) -> [u8; 16] {
    let bits = x.to_bits();
    let (exponent, fraction) = ((bits >> 52 & 0x7ff) as i64, bits & ((1 << 52) - 1));
    let (exponent, mantissa) = match (exponent, fraction) {
        (0, 0) => (0, 0),
        (0, _) => {
            let zeros = fraction.leading_zeros();
            (16383 - 1022 - (zeros as i64 - 11), fraction << zeros)
        }
        (0x7ff, _) => (0x7fff, 1 << 63 | fraction << 11),
        _ => (exponent - 1023 + 16383, 1 << 63 | fraction << 11),
    };
    let mut out = [0; 16];
    let (mantissa, sign): (u64, u16) = (mantissa, ((bits >> 63) as u16) << 15);
    out[..8].copy_from_slice(&mantissa.to_le_bytes());
    out[8..10].copy_from_slice(&(exponent as u16 | sign).to_le_bytes());
    out
}

/// The double nearest to a C `long double`.
#[cfg(any(target_arch = "x86_64", target_arch = "x86"))]
pub fn from_long_double(bytes: [u8; 16]) -> f64 {
    let word = u128::from_le_bytes(bytes);
    let (mantissa, top) = (word as u64, (word >> 64) as u16);
    let (negative, exponent) = (top >> 15 != 0, (top & 0x7fff) as i32);
    let magnitude = if exponent == 0x7fff {
        if mantissa << 1 == 0 { f64::INFINITY } else { f64::NAN }
    } else {
        scaled(mantissa, exponent - 16383 - 63)
    };
    if negative { -magnitude } else { magnitude }
}

/// A C `long double` (of 128 bits) from a double.
#[cfg(not(any(target_arch = "x86_64", target_arch = "x86")))]
pub fn long_double(x: f64) -> [u8; 16] {
    let bits = x.to_bits();
    let (exponent, fraction) = ((bits >> 52 & 0x7ff) as i64, (bits & ((1 << 52) - 1)) as u128);
    let (exponent, fraction) = match (exponent, fraction) {
        (0, 0) => (0, 0),
        (0, _) => {
            let zeros = (fraction as u64).leading_zeros() as i64 - 11;
            (16383 - 1022 - zeros, fraction << (60 + zeros) & ((1 << 112) - 1))
        }
        (0x7ff, _) => (0x7fff, fraction << 60),
        _ => (exponent - 1023 + 16383, fraction << 60),
    };
    (((bits >> 63) as u128) << 127 | (exponent as u128) << 112 | fraction).to_ne_bytes()
}

/// The double nearest to a C `long double` (of 128 bits).
#[cfg(not(any(target_arch = "x86_64", target_arch = "x86")))]
pub fn from_long_double(bytes: [u8; 16]) -> f64 {
    let word = u128::from_ne_bytes(bytes);
    let (exponent, fraction) = ((word >> 112 & 0x7fff) as i32, word & ((1 << 112) - 1));
    let magnitude = if exponent == 0x7fff {
        if fraction == 0 { f64::INFINITY } else { f64::NAN }
    } else {
        let whole = fraction | if exponent == 0 { 0 } else { 1 << 112 };
        // The bits below are only told from none.
        let sticky = (whole << 79 != 0) as u64;
        scaled((whole >> 49) as u64 | sticky, exponent.max(1) - 16383 - 63)
    };
    if word >> 127 != 0 { -magnitude } else { magnitude }
}

/// `mantissa * 2 ** exponent`, rounded once, to even.
fn scaled(mantissa: u64, exponent: i32) -> f64 {
    if mantissa == 0 {
        return 0.0;
    }
    let zeros = mantissa.leading_zeros() as i32;
    let (mantissa, exponent) = (mantissa << zeros, exponent - zeros);
    // The value is 1.xxx * 2 ** power.
    let power = exponent + 63;
    if power > 1023 {
        return f64::INFINITY;
    }
    // So many bits are dropped.
    let drop = if power >= -1022 { 11 } else { 11 + (-1022 - power) };
    if drop > 64 {
        return 0.0;
    }
    let (kept, rest) = if drop == 64 { (0, mantissa) } else { (mantissa >> drop, mantissa << (64 - drop)) };
    let half = 1u64 << 63;
    let kept = kept + (rest > half || rest == half && kept & 1 != 0) as u64;
    let base = if power >= -1022 { ((power + 1022) as u64) << 52 } else { 0 };
    // A carry out of the fraction goes into the exponent, as it should.
    f64::from_bits(base + kept)
}

// ---- values ---------------------------------------------------------------------------

fn float_of(vm: &Vm, place: Place, code: u8, swapped: bool) -> Object {
    vm.float(match code {
        b'f' => f32::from_ne_bytes(load(place, swapped)) as f64,
        b'd' => f64::from_ne_bytes(load(place, swapped)),
        _ => from_long_double(load(place, swapped)),
    })
}

fn store_float(place: Place, x: f64, code: u8, swapped: bool) {
    match code {
        b'f' => store(place, (x as f32).to_ne_bytes(), swapped),
        b'd' => store(place, x.to_ne_bytes(), swapped),
        _ => store(place, long_double(x), swapped),
    }
}

/// The letter and the size of the halves of a complex type.
fn halves(code: u8) -> (u8, isize) {
    match code {
        b'F' => (b'f', 4),
        b'D' => (b'd', 8),
        _ => (b'g', 16),
    }
}

/// The object that stands at a place of type `O`; None if there is none.
pub fn object_at(place: Place) -> Option<Object> {
    object_of_word(u64::from_ne_bytes(place.read()))
}

/// The object whose word this is (a new reference); None for no word.
pub fn object_of_word(word: u64) -> Option<Object> {
    if word == 0 {
        return None;
    }
    // SAFETY: words at such places were put there by `set`, whose caller keeps the object;
    // anything else is the program's doing, as it is in C.
    unsafe { Some(Object::from_borrowed(Value::from_bits(word))) }
}

/// The word of an object whose count goes along with it.
pub fn owned_word(object: Object) -> u64 {
    let word = object.bits();
    std::mem::forget(object);
    word
}

/// Takes over the count that goes with a word.
pub fn take_word(word: u64) -> Option<Object> {
    // SAFETY: as in `object_of_word`; the count is the caller's to give away.
    (word != 0).then(|| unsafe { Object::from_owned(Value::from_bits(word)) })
}

/// Gives away a count for `Py_DECREF`, or takes one for `Py_INCREF`.
pub fn change_count(object: &Object, up: bool) {
    if up {
        std::mem::forget(object.clone());
    } else {
        // SAFETY: the program says that there is one more than this handle.
        drop(unsafe { Object::from_owned(object.value()) });
    }
}

/// The value of simple type `code` at a place.
pub fn get(vm: &Vm, code: u8, swapped: bool, place: Place, size: usize) -> Result {
    if let Some(signed) = integer(code) {
        let bits = load_integer(place, size, signed, swapped);
        return Ok(if signed { vm.int(bits as i64) } else { vm.u64(bits) });
    }
    Ok(match code {
        // The twin of c_bool is a number.
        b'?' if swapped => vm.int(place.read::<1>()[0] as i64),
        b'?' => Object::bool(place.read::<1>() != [0]),
        b'v' => Object::bool(i16::from_ne_bytes(place.read()) != 0),
        b'f' | b'd' | b'g' => float_of(vm, place, code, swapped),
        b'F' | b'D' | b'G' => {
            let (half, step) = halves(code);
            let part = |at| vm.to_f64(&float_of(vm, at, half, swapped));
            complex::new(vm, part(place)?, part(place.offset(step))?)
        }
        b'c' => vm.bytes(&place.read::<1>()),
        b'u' => wide_text(vm, &[u32::from_ne_bytes(place.read())])?,
        b'P' => match usize::from_ne_bytes(place.read()) {
            0 => Object::NONE,
            address => vm.usize(address),
        },
        b'z' => {
            let text = place.read_pointer();
            if text.is_null() { Object::NONE } else { new_bytes(vm, text, text.text_length())? }
        }
        b'Z' => {
            let text = place.read_pointer();
            if text.is_null() { Object::NONE } else { wide_text(vm, &text.wide(text.wide_length()))? }
        }
        b'O' => match object_at(place) {
            Some(object) => object,
            None => return Err(vm.value_error("PyObject is NULL")),
        },
        _ => return Err(vm.system_error("unknown simple type")),
    })
}

/// A bytes object of what is at a place.
pub fn new_bytes(vm: &Vm, place: Place, size: usize) -> Result {
    if size > isize::MAX as usize / 2 {
        return Err(vm.memory_error());
    }
    taipan_runtime::types::bytes::new(vm, place.bytes(size))
}

/// A str of wide characters.
pub fn wide_text(vm: &Vm, chars: &[u32]) -> Result {
    if let Some(&c) = chars.iter().find(|&&c| c > 0x10ffff) {
        return Err(vm.value_error(format!("character U+{c:x} is not in range [U+0000; U+10ffff]")));
    }
    str::try_from_code_points(vm, &str::STR, chars).ok_or_else(|| vm.memory_error())
}

/// The text of an array of characters, up to the first zero.
pub fn text_of(vm: &Vm, place: Place, size: usize) -> Result {
    let bytes = place.bytes(size);
    let length = bytes.iter().position(|&b| b == 0).unwrap_or(size);
    new_bytes(vm, place, length)
}

/// The text of an array of wide characters, up to the first zero.
pub fn wide_text_of(vm: &Vm, place: Place, size: usize) -> Result {
    let chars = place.wide(size / 4);
    let length = chars.iter().position(|&c| c == 0).unwrap_or(chars.len());
    wide_text(vm, &chars[..length])
}

fn one_byte(vm: &Vm, value: &Object) -> Result<u8> {
    let length = if let Some(bytes) = value.downcast::<Bytes>() {
        if let [byte] = bytes.as_slice() {
            return Ok(*byte);
        }
        bytes.len()
    } else if value.downcast::<ByteArray>().is_some() {
        let buffer = vm.bytes_like(value, "value")?;
        if let [byte] = buffer.bytes() {
            return Ok(*byte);
        }
        buffer.len()
    } else if int::is_any_int(value) {
        let byte = int::to_i64(value).and_then(|n| u8::try_from(n).ok());
        return byte.ok_or_else(|| vm.type_error("integer not in range(256)"));
    } else {
        return Err(vm.type_error(format!(
            "one character bytes, bytearray, or an integer in range(256) expected, not {}",
            value.ty().full_name()
        )));
    };
    Err(vm.type_error(format!(
        "one character bytes, bytearray, or an integer in range(256) expected, not {} of length {length}",
        value.ty().full_name()
    )))
}

/// Puts a value of simple type `code` at a place; what comes back has to be kept alive
/// (None: nothing).
pub fn set(vm: &Vm, code: u8, swapped: bool, place: Place, value: &Object, size: usize) -> Result {
    if integer(code).is_some() {
        store_integer(place, size, whole(vm, value)?, swapped);
        return Ok(Object::NONE);
    }
    match code {
        b'?' if swapped => place.write([whole(vm, value)? as u8]),
        b'?' => place.write([vm.is_true(value)? as u8]),
        b'v' => place.write((if vm.is_true(value)? { -1i16 } else { 0 }).to_ne_bytes()),
        b'f' | b'd' | b'g' => {
            store_float(place, vm.to_f64(value)?, code, swapped);
        }
        b'F' | b'D' | b'G' => {
            let z = complex::number_to_complex(vm, value)?;
            let (half, step) = halves(code);
            store_float(place, z.re, half, swapped);
            store_float(place.offset(step), z.im, half, swapped);
        }
        b'c' => place.write([one_byte(vm, value)?]),
        b'u' => {
            let Some(text) = value.downcast::<Str>() else {
                return Err(vm.type_error(format!(
                    "a unicode character expected, not instance of {}",
                    value.ty().full_name()
                )));
            };
            if text.len() != 1 {
                return Err(vm.type_error(format!(
                    "a unicode character expected, not a string of length {}",
                    text.len()
                )));
            }
            place.write(text.char_at(0).to_ne_bytes());
        }
        b'P' => {
            let address = if value.is_none() {
                0
            } else {
                match low_bits(value) {
                    Some(address) => address,
                    None => return Err(vm.type_error("cannot be converted to pointer")),
                }
            };
            place.write(address.to_ne_bytes());
        }
        b'z' | b'Z' => return set_text(vm, code, place, value),
        b'O' => {
            place.write(value.bits().to_ne_bytes());
            return Ok(value.clone());
        }
        _ => return Err(vm.system_error("unknown simple type")),
    }
    Ok(Object::NONE)
}

/// A pointer to a text.
fn set_text(vm: &Vm, code: u8, place: Place, value: &Object) -> Result {
    if value.is_none() {
        place.write_pointer(Place::NULL);
        return Ok(value.clone());
    }
    if let Some(bytes) = value.downcast::<Bytes>()
        && code == b'z'
    {
        place.write((bytes.address() as usize).to_ne_bytes());
        return Ok(value.clone());
    }
    if let Some(address) = low_bits(value) {
        place.write(address.to_ne_bytes());
        return Ok(Object::NONE);
    }
    match value.downcast::<Str>() {
        Some(text) if code == b'Z' => {
            let (keeper, address) = Capsule::wide(vm, &text.to_code_points())?;
            place.write_pointer(address);
            Ok(keeper)
        }
        _ => {
            let what = if code == b'z' { "bytes" } else { "unicode string" };
            Err(vm.type_error(format!(
                "{what} or integer address expected instead of {} instance",
                value.ty().full_name()
            )))
        }
    }
}

/// Puts a text into an array of characters.
pub fn set_characters(vm: &Vm, place: Place, size: usize, value: &Object) -> Result<()> {
    let Some(bytes) = value.downcast::<Bytes>() else {
        return Err(vm.type_error(format!("expected bytes, {} found", value.ty().full_name())));
    };
    let bytes = bytes.as_slice();
    let bytes = &bytes[..bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len())];
    if bytes.len() > size {
        return Err(vm.value_error(format!("bytes too long ({}, maximum length {size})", bytes.len())));
    }
    place.write_bytes(bytes);
    if bytes.len() < size {
        place.offset(bytes.len() as isize).write([0]);
    }
    Ok(())
}

/// Puts a text into an array of wide characters.
pub fn set_wide_characters(vm: &Vm, place: Place, size: usize, value: &Object) -> Result<()> {
    let Some(text) = value.downcast::<Str>() else {
        return Err(
            vm.type_error(format!("unicode string expected instead of {} instance", value.ty().full_name()))
        );
    };
    let (room, length) = (size / 4, text.len());
    if length > room {
        return Err(vm.value_error(format!("string too long ({length}, maximum length {room})")));
    }
    for (i, c) in text.chars().enumerate() {
        place.offset(i as isize * 4).write(c.to_ne_bytes());
    }
    if length < room {
        place.offset(length as isize * 4).write([0; 4]);
    }
    Ok(())
}

// ---- bit fields -----------------------------------------------------------------------

/// Some bits of a whole number in memory.
#[derive(Clone, Copy)]
pub struct Bits {
    pub offset: u32,
    pub size: u32,
}

pub fn get_bits(vm: &Vm, code: u8, swapped: bool, place: Place, size: usize, bits: Bits) -> Result {
    let Some(signed) = integer(code) else { return get(vm, code, swapped, place, size) };
    let word = load_integer(place, size, false, swapped);
    let high = 64u32.saturating_sub(bits.offset + bits.size);
    let low = 64 - bits.size.clamp(1, 64);
    let word = word << high;
    Ok(if signed { vm.int(word as i64 >> low) } else { vm.u64(word >> low) })
}

pub fn set_bits(
    vm: &Vm,
    code: u8,
    swapped: bool,
    place: Place,
    size: usize,
    bits: Bits,
    value: &Object,
) -> Result {
    if integer(code).is_none() {
        return set(vm, code, swapped, place, value, size);
    }
    let value = whole(vm, value)?;
    let mask = (u64::MAX >> (64 - bits.size.clamp(1, 64))) << (bits.offset & 63);
    let word = load_integer(place, size, false, swapped);
    store_integer(place, size, word & !mask | value << (bits.offset & 63) & mask, swapped);
    Ok(Object::NONE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_survive_long_doubles() {
        let smallest = f64::from_bits(1);
        for x in [0.0, 1.0, -0.1, 1e308, -1e-308, smallest, f64::MAX, f64::MIN_POSITIVE, f64::INFINITY] {
            for x in [x, -x] {
                assert_eq!(from_long_double(long_double(x)).to_bits(), x.to_bits());
            }
        }
        assert!(from_long_double(long_double(f64::NAN)).is_nan());
    }

    #[test]
    fn roundings_to_even() {
        let one = 1u64 << 63;
        assert_eq!(scaled(one | 1 << 10, -63), 1.0);
        assert_eq!(scaled(one | 1 << 10 | 1, -63), 1.0 + f64::EPSILON);
        assert_eq!(scaled(one | 3 << 10, -63), 1.0 + 2.0 * f64::EPSILON);
        assert_eq!(scaled(u64::MAX, 960), f64::INFINITY);
        assert_eq!(scaled(one, -63 - 1075), 0.0);
        assert_eq!(scaled(one | 1, -63 - 1075), f64::from_bits(1));
        assert_eq!(scaled(one, -63 - 1076), 0.0);
    }
}
