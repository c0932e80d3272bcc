//! str, the core: layout (1, 2 or 4 bytes a code point, data inline), hashing,
//! interning, building. Methods are in `str_methods`.
//!
//! ASCII strings are flagged; their data is UTF-8. Lone surrogates are legal
//! code points. A string always has the narrowest kind that holds it.

use crate::native::Payload;
use crate::prelude::*;
use std::cell::Cell;
use taipan_object::header::header_flags::TYPE_SPECIFIC;

/// Header flags of strings: two bits of kind (log2 of the unit's size), ASCII, interned.
const KIND_SHIFT: u32 = 16;
const KIND_MASK: u32 = 3 << KIND_SHIFT;
const ASCII: u32 = TYPE_SPECIFIC << 2;
const INTERNED: u32 = TYPE_SPECIFIC << 3;

/// Payload of strings; the code units follow in memory.
#[repr(C)]
pub struct Str {
    /// 0: not computed yet.
    hash: Cell<u64>,
    len: usize,
}

impl NativeClass for Str {
    fn class() -> &'static Type {
        &STR
    }
    #[inline(always)]
    unsafe fn dies(object: *mut Header) {
        // SAFETY: says the caller.
        if unsafe { (*object).has(INTERNED) } {
            forget(object);
        }
    }
}

const _: () = assert!(size_of::<Payload<Str>>() == 32);

/// The code units of a string.
#[derive(Clone, Copy, Debug)]
pub enum Kind<'a> {
    Latin1(&'a [u8]),
    U16(&'a [u16]),
    U32(&'a [u32]),
}

pub use crate::types::str_methods::STR;

impl Str {
    #[inline(always)]
    fn header(&self) -> &Header {
        // SAFETY: a Str is only ever found behind its header.
        unsafe { &*(self as *const Str as *const Header).sub(1) }
    }
    /// Number of code points.
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.len
    }
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
    #[inline(always)]
    fn unit_shift(&self) -> u32 {
        self.header().flags() >> KIND_SHIFT & 3
    }
    #[inline(always)]
    pub fn is_ascii(&self) -> bool {
        self.header().has(ASCII)
    }
    /// Bytes of the data.
    pub fn byte_size(&self) -> usize {
        self.len << self.unit_shift()
    }
    #[inline(always)]
    fn data(&self) -> *const u8 {
        // SAFETY: data begins right behind the payload.
        unsafe { (self as *const Str).add(1) as *const u8 }
    }
    #[inline(always)]
    pub fn kind(&self) -> Kind<'_> {
        // SAFETY: the flags say how the `len` units were written.
        unsafe {
            match self.unit_shift() {
                0 => Kind::Latin1(std::slice::from_raw_parts(self.data(), self.len)),
                1 => Kind::U16(std::slice::from_raw_parts(self.data() as *const u16, self.len)),
                _ => Kind::U32(std::slice::from_raw_parts(self.data() as *const u32, self.len)),
            }
        }
    }
    /// The raw bytes of the data, whatever the kind.
    #[inline(always)]
    pub fn raw_bytes(&self) -> &[u8] {
        // SAFETY: as above.
        unsafe { std::slice::from_raw_parts(self.data(), self.byte_size()) }
    }
    #[inline(always)]
    pub fn as_ascii(&self) -> Option<&str> {
        // SAFETY: ASCII is UTF-8.
        if self.is_ascii() {
            Some(unsafe { std::str::from_utf8_unchecked(std::slice::from_raw_parts(self.data(), self.len)) })
        } else {
            None
        }
    }
    /// Code point `i`; 0 if out of range.
    #[inline]
    pub fn char_at(&self, i: usize) -> u32 {
        match self.kind() {
            Kind::Latin1(s) => s.get(i).map_or(0, |&c| c as u32),
            Kind::U16(s) => s.get(i).map_or(0, |&c| c as u32),
            Kind::U32(s) => s.get(i).copied().unwrap_or(0),
        }
    }
    pub fn chars(&self) -> Chars<'_> {
        Chars { str: self, range: 0..self.len }
    }
    /// The largest code point bounds the kind: an upper limit of the code points.
    pub fn max_char(&self) -> u32 {
        if self.is_ascii() { 0x7f } else { [0xff, 0xffff, 0x10ffff][self.unit_shift().min(2) as usize] }
    }
    #[inline]
    pub fn equals(&self, other: &Str) -> bool {
        self.len == other.len
            && (self.header().flags() ^ other.header().flags()) & KIND_MASK == 0
            && self.raw_bytes() == other.raw_bytes()
    }
    pub fn equals_text(&self, text: &str) -> bool {
        match self.as_ascii() {
            Some(s) => s == text,
            None => self.chars().eq(text.chars().map(|c| c as u32)),
        }
    }
    pub fn compare(&self, other: &Str) -> std::cmp::Ordering {
        if let (Kind::Latin1(a), Kind::Latin1(b)) = (self.kind(), other.kind()) {
            return a.cmp(b);
        }
        self.chars().cmp(other.chars())
    }
    /// Python's hash: siphash13 of the data under the interpreter's key.
    #[inline]
    pub fn hash(&self, vm: &Vm) -> i64 {
        let hash = self.hash.get();
        if hash != 0 { hash as i64 } else { self.compute_hash(vm) }
    }
    /// The hash if it was computed (0 otherwise).
    #[inline(always)]
    pub fn cached_hash(&self) -> i64 {
        self.hash.get() as i64
    }
    #[cold]
    #[inline(never)]
    fn compute_hash(&self, vm: &Vm) -> i64 {
        let hash = hash_bytes(vm, self.raw_bytes());
        self.hash.set(hash as u64);
        hash
    }
    /// Is it interned, and is no equal string with another address interned here? (Those that other
    /// interpreters share with this one may have been interned there.)
    #[inline]
    pub fn is_unique(object: &Object) -> bool {
        let shared = |header: &Header| header.is_immortal() && crate::sharing::is_on();
        Str::is_interned(object) && !object.header().is_some_and(shared)
    }
    pub fn is_interned(object: &Object) -> bool {
        object.header().is_some_and(|h| h.has(INTERNED)) && object.ty().is(&STR)
    }
    pub fn is_empty_object(object: &Object) -> bool {
        object.downcast::<Str>().is_some_and(|s| s.is_empty())
    }
    /// WTF-8: UTF-8 that lets lone surrogates through.
    pub fn to_wtf8(&self) -> Vec<u8> {
        if let Some(s) = self.as_ascii() {
            return s.as_bytes().to_vec();
        }
        let mut out = Vec::with_capacity(self.len * 2);
        for c in self.chars() {
            push_wtf8(&mut out, c);
        }
        out
    }
    /// As UTF-8 text; None if there are lone surrogates.
    pub fn to_utf8(&self) -> Option<std::borrow::Cow<'_, str>> {
        if let Some(s) = self.as_ascii() {
            return Some(s.into());
        }
        let mut out = String::with_capacity(self.len * 2);
        for c in self.chars() {
            out.push(char::from_u32(c)?);
        }
        Some(out.into())
    }
    pub fn to_code_points(&self) -> Vec<u32> {
        self.chars().collect()
    }
    /// Characters `start..stop` as a new string.
    pub fn slice(&self, vm: &Vm, start: usize, stop: usize) -> Object {
        match self.kind() {
            Kind::Latin1(s) if self.is_ascii() => known_ascii(vm, &s[start..stop]),
            Kind::Latin1(s) => from_latin1(vm, &s[start..stop]),
            Kind::U16(s) => from_u16(vm, &s[start..stop]),
            Kind::U32(s) => from_code_points(vm, &s[start..stop]),
        }
    }
}

/// Appends a code point (a lone surrogate, too) as UTF-8.
pub fn push_wtf8(out: &mut Vec<u8>, c: u32) {
    match c {
        0..0x80 => out.push(c as u8),
        0x80..0x800 => out.extend([0xc0 | (c >> 6) as u8, 0x80 | (c & 0x3f) as u8]),
        0x800..0x10000 => {
            out.extend([0xe0 | (c >> 12) as u8, 0x80 | (c >> 6 & 0x3f) as u8, 0x80 | (c & 0x3f) as u8])
        }
        _ => out.extend([
            0xf0 | (c >> 18) as u8,
            0x80 | (c >> 12 & 0x3f) as u8,
            0x80 | (c >> 6 & 0x3f) as u8,
            0x80 | (c & 0x3f) as u8,
        ]),
    }
}

/// Iterator over code points.
#[derive(Clone)]
pub struct Chars<'a> {
    str: &'a Str,
    range: std::ops::Range<usize>,
}

impl Iterator for Chars<'_> {
    type Item = u32;
    #[inline]
    fn next(&mut self) -> Option<u32> {
        self.range.next().map(|i| self.str.char_at(i))
    }
    fn size_hint(&self) -> (usize, Option<usize>) {
        self.range.size_hint()
    }
}

impl DoubleEndedIterator for Chars<'_> {
    fn next_back(&mut self) -> Option<u32> {
        self.range.next_back().map(|i| self.str.char_at(i))
    }
}

impl ExactSizeIterator for Chars<'_> {}

/// Hash of bytes as str and bytes have it: never -1, 0 only for nothing.
pub fn hash_bytes(vm: &Vm, bytes: &[u8]) -> i64 {
    if bytes.is_empty() {
        return 0;
    }
    let (k0, k1) = vm.interp().hash_key;
    match siphash13(k0, k1, bytes) as i64 {
        -1 => -2,
        0 => 1,
        hash => hash,
    }
}

pub fn siphash13(k0: u64, k1: u64, bytes: &[u8]) -> u64 {
    let mut v =
        [k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d, k0 ^ 0x6c7967656e657261, k1 ^ 0x7465646279746573];
    #[inline(always)]
    fn round(v: &mut [u64; 4]) {
        v[0] = v[0].wrapping_add(v[1]);
        v[2] = v[2].wrapping_add(v[3]);
        v[1] = v[1].rotate_left(13) ^ v[0];
        v[3] = v[3].rotate_left(16) ^ v[2];
        v[0] = v[0].rotate_left(32);
        v[2] = v[2].wrapping_add(v[1]);
        v[0] = v[0].wrapping_add(v[3]);
        v[1] = v[1].rotate_left(17) ^ v[2];
        v[3] = v[3].rotate_left(21) ^ v[0];
        v[2] = v[2].rotate_left(32);
    }
    let (chunks, rest) = bytes.as_chunks::<8>();
    for chunk in chunks {
        let m = u64::from_le_bytes(*chunk);
        v[3] ^= m;
        round(&mut v);
        v[0] ^= m;
    }
    let mut last = (bytes.len() as u64) << 56;
    for (i, &b) in rest.iter().enumerate() {
        last |= (b as u64) << (8 * i);
    }
    v[3] ^= last;
    round(&mut v);
    v[0] ^= last;
    v[2] ^= 0xff;
    round(&mut v);
    round(&mut v);
    round(&mut v);
    v[0] ^ v[1] ^ v[2] ^ v[3]
}

// ---- making strings ------------------------------------------------------------

/// A string object of `len` units of 1 << `shift` bytes; `fill` writes them.
/// The kind must be the narrowest that fits; `ascii` must be true of the data.
pub fn try_new(
    vm: &Vm,
    class: &Type,
    len: usize,
    shift: u32,
    ascii: bool,
    fill: impl FnOnce(*mut u8),
) -> Option<Object> {
    let bytes = len.checked_mul(1 << shift)?;
    if class.is(&STR) {
        let flags = shift << KIND_SHIFT | if ascii { ASCII } else { 0 };
        return vm.try_alloc_var_exact(&STR, flags, Str { hash: Cell::new(0), len }, bytes, fill);
    }
    let object = vm.try_alloc_var(class, Str { hash: Cell::new(0), len }, bytes, fill)?;
    if let Some(header) = object.header() {
        header.set(shift << KIND_SHIFT | if ascii { ASCII } else { 0 });
    }
    Some(object)
}

fn expect_memory(object: Option<Object>) -> Object {
    match object {
        Some(object) => object,
        None => crate::alloc::memory_exhausted(),
    }
}

fn short(vm: &Vm, bytes: &[u8]) -> Option<Object> {
    match bytes {
        [] => Some(crate::names::name::empty.object().clone()),
        [c] => vm.latin1_char(*c),
        _ => None,
    }
}

/// The empty string.
#[inline]
pub fn empty() -> Object {
    crate::names::name::empty.object().clone()
}

/// From code points below 256.
pub fn from_latin1(vm: &Vm, bytes: &[u8]) -> Object {
    if bytes.len() < 2
        && let Some(object) = short(vm, bytes)
    {
        return object;
    }
    expect_memory(try_from_latin1(vm, &STR, bytes))
}

pub fn try_from_latin1(vm: &Vm, class: &Type, bytes: &[u8]) -> Option<Object> {
    try_new(vm, class, bytes.len(), 0, bytes.is_ascii(), |memory| {
        // SAFETY: room for the bytes.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), memory, bytes.len()) }
    })
}

/// From text known to be ASCII (checked).
pub fn from_ascii(vm: &Vm, bytes: &[u8]) -> Object {
    from_latin1(vm, bytes)
}

/// As [`from_known_ascii`] for what certainly fits.
#[inline]
fn known_ascii(vm: &Vm, bytes: &[u8]) -> Object {
    if bytes.len() < 2
        && let Some(object) = short(vm, bytes)
    {
        return object;
    }
    expect_memory(try_new(vm, &STR, bytes.len(), 0, true, |memory| {
        // SAFETY: room for the bytes.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), memory, bytes.len()) }
    }))
}

/// From bytes that the caller knows to be ASCII; MemoryError if there are too many.
#[inline]
pub fn from_known_ascii(vm: &Vm, bytes: &[u8]) -> Result {
    if bytes.len() < 2
        && let Some(object) = short(vm, bytes)
    {
        return Ok(object);
    }
    try_new(vm, &STR, bytes.len(), 0, true, |memory| {
        // SAFETY: room for the bytes.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), memory, bytes.len()) }
    })
    .ok_or_else(|| vm.memory_error())
}

/// Notes that the string, fresh from [`try_new`], is ASCII after all.
pub(crate) fn mark_ascii(object: &Object) {
    if let Some(header) = object.header() {
        header.set(ASCII);
    }
}

/// A string of `len` units of type `T`, given one by one. The kind must be the
/// narrowest that fits, `ascii` true of the data.
fn try_write<T>(
    vm: &Vm,
    class: &Type,
    len: usize,
    ascii: bool,
    units: impl Iterator<Item = T>,
) -> Option<Object> {
    try_new(vm, class, len, size_of::<T>().trailing_zeros(), ascii, |memory| {
        for (i, unit) in units.take(len).enumerate() {
            // SAFETY: room for `len` units; the iterator's items are at least as many.
            unsafe { (memory as *mut T).add(i).write(unit) }
        }
    })
}

/// From UCS-2 units, narrowed if possible.
pub fn from_u16(vm: &Vm, units: &[u16]) -> Object {
    let all = units.iter().fold(0, |all, &c| all | c);
    if units.len() < 2 && all < 0x100 {
        return from_latin1(vm, &[all as u8][..units.len()]);
    }
    expect_memory(if all < 0x100 {
        try_write(vm, &STR, units.len(), all < 0x80, units.iter().map(|&c| c as u8))
    } else {
        try_write(vm, &STR, units.len(), false, units.iter().copied())
    })
}

/// From code points, narrowed if possible.
pub fn from_code_points(vm: &Vm, chars: &[u32]) -> Object {
    expect_memory(try_from_code_points(vm, &STR, chars))
}

pub fn try_from_code_points(vm: &Vm, class: &Type, chars: &[u32]) -> Option<Object> {
    let all = chars.iter().fold(0, |all, &c| all | c);
    if chars.len() < 2 && all < 0x100 && class.is(&STR) {
        return Some(from_latin1(vm, &[all as u8][..chars.len()]));
    }
    match all {
        0..0x100 => try_write(vm, class, chars.len(), all < 0x80, chars.iter().map(|&c| c as u8)),
        0x100..0x10000 => try_write(vm, class, chars.len(), false, chars.iter().map(|&c| c as u16)),
        _ => try_write(vm, class, chars.len(), false, chars.iter().copied()),
    }
}

/// From Rust text.
pub fn from_text(vm: &Vm, text: &str) -> Object {
    expect_memory(try_from_text(vm, text))
}

/// From Rust text; None if there is no memory.
pub fn try_from_text(vm: &Vm, text: &str) -> Option<Object> {
    let bytes = text.as_bytes();
    if bytes.len() < 2
        && let Some(object) = short(vm, bytes)
    {
        return Some(object);
    }
    if bytes.is_ascii() {
        return try_new(vm, &STR, bytes.len(), 0, true, |memory| {
            // SAFETY: room for the bytes.
            unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), memory, bytes.len()) }
        });
    }
    // The largest lead byte tells the width.
    let lead = bytes.iter().fold(0, |lead, &b| b.max(lead));
    let len = text.chars().count();
    if len == 1 {
        return Some(from_char(vm, text.chars().next().map_or(0, u32::from)));
    }
    let shift = if lead < 0xc4 {
        0
    } else if lead < 0xf0 {
        1
    } else {
        2
    };
    try_new(vm, &STR, len, shift, false, |memory| {
        for (i, c) in text.chars().enumerate() {
            // SAFETY: room for `len` units of this width, which is the number of characters.
            unsafe {
                match shift {
                    0 => memory.add(i).write(c as u32 as u8),
                    1 => (memory as *mut u16).add(i).write(c as u32 as u16),
                    _ => (memory as *mut u32).add(i).write(c as u32),
                }
            }
        }
    })
}

/// From WTF-8; invalid bytes become U+FFFD.
pub fn from_wtf8(vm: &Vm, bytes: &[u8]) -> Object {
    if bytes.is_ascii() {
        return from_latin1(vm, bytes);
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        return from_text(vm, text);
    }
    let mut chars = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while i < bytes.len() {
        let b = bytes[i] as u32;
        let cont = |k: usize| bytes.get(i + k).map_or(0, |&c| c as u32 & 0x3f);
        let (c, n) = match b {
            0..0x80 => (b, 1),
            0xc0..0xe0 => ((b & 0x1f) << 6 | cont(1), 2),
            0xe0..0xf0 => ((b & 0xf) << 12 | cont(1) << 6 | cont(2), 3),
            0xf0..0xf8 => ((b & 7) << 18 | cont(1) << 12 | cont(2) << 6 | cont(3), 4),
            _ => (0xfffd, 1),
        };
        chars.push(c.min(0x10ffff));
        i += n;
    }
    from_code_points(vm, &chars)
}

/// The one-character string.
pub fn from_char(vm: &Vm, c: u32) -> Object {
    if c < 256
        && let Some(object) = vm.latin1_char(c as u8)
    {
        return object;
    }
    from_code_points(vm, &[c])
}

/// A copy of a string as an instance of a str subtype.
pub fn copy_as(vm: &Vm, class: &Type, s: &Str) -> Option<Object> {
    let bytes = s.raw_bytes();
    try_new(vm, class, s.len, s.unit_shift(), s.is_ascii(), |memory| {
        // SAFETY: the same size.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), memory, bytes.len()) }
    })
}

/// `a + b`; None if there is no memory.
pub fn concat(vm: &Vm, a: &Str, b: &Str) -> Option<Object> {
    let shift = a.unit_shift().max(b.unit_shift());
    let len = a.len.checked_add(b.len)?;
    try_new(vm, &STR, len, shift, a.is_ascii() && b.is_ascii(), |memory| {
        // SAFETY: room for both at the wider kind.
        unsafe {
            write_widened(a, memory, shift);
            write_widened(b, memory.add(a.len << shift), shift);
        }
    })
}

/// Appends `b` to the string that `owned` holds alone, in place if it can be
/// done; else gives `owned` back.
pub fn append_in_place(_vm: &Vm, owned: Object, b: &Str) -> std::result::Result<Object, Object> {
    let ptr = owned.as_ptr();
    // SAFETY: the string is large and this handle is its only one.
    unsafe {
        let a = owned.payload_unchecked::<Str>();
        let header = &*ptr;
        if header.count() != 1
            || !owned.ty().is(&STR)
            || header.has(INTERNED)
            || !header.has(taipan_object::header_flags::LARGE)
            || a.unit_shift() < b.unit_shift()
            || header.has(taipan_object::header_flags::HAS_WEAKREFS)
        {
            return Err(owned);
        }
        let shift = a.unit_shift();
        let old_len = a.len;
        let ascii = a.is_ascii() && b.is_ascii();
        let Some(new_len) = old_len.checked_add(b.len) else { return Err(owned) };
        let Some(size) = (new_len << shift).checked_add(size_of::<Payload<Str>>() + 8) else {
            return Err(owned);
        };
        let moved = (*taipan_object::heap::current()).reallocate_large(ptr, size);
        if moved.is_null() {
            return Err(owned);
        }
        let _ = owned.into_value();
        let object = Object::from_owned(Value::from_ptr(moved));
        let payload = &mut (*(moved as *mut Payload<Str>)).data;
        payload.hash.set(0);
        payload.len = new_len;
        if !ascii {
            (*moved).unset(ASCII);
        }
        let data = payload.data() as *mut u8;
        write_widened(b, data.add(old_len << shift), shift);
        Ok(object)
    }
}

/// # Safety
/// `memory` has room for the characters of `s` at 1 << `shift` bytes each.
pub unsafe fn write_widened(s: &Str, memory: *mut u8, shift: u32) {
    // SAFETY: says the caller.
    unsafe {
        if s.unit_shift() == shift {
            std::ptr::copy_nonoverlapping(s.data(), memory, s.byte_size());
            return;
        }
        match (s.kind(), shift) {
            (Kind::Latin1(bytes), 1) => {
                for (i, &c) in bytes.iter().enumerate() {
                    (memory as *mut u16).add(i).write_unaligned(c as u16);
                }
            }
            (Kind::Latin1(bytes), _) => {
                for (i, &c) in bytes.iter().enumerate() {
                    (memory as *mut u32).add(i).write_unaligned(c as u32);
                }
            }
            (Kind::U16(units), _) => {
                for (i, &c) in units.iter().enumerate() {
                    (memory as *mut u32).add(i).write_unaligned(c as u32);
                }
            }
            (Kind::U32(_), _) => {}
        }
    }
}

/// Joins many strings (all must be str) in one allocation.
pub fn concat_all(vm: &Vm, parts: &[Object]) -> Result {
    let mut len = 0usize;
    let (mut shift, mut ascii) = (0, true);
    for part in parts {
        let Some(s) = part.downcast::<Str>() else {
            return Err(vm.type_error(format!("expected str instance, {} found", part.ty().name())));
        };
        len = match len.checked_add(s.len) {
            Some(len) => len,
            None => return Err(vm.overflow_error("join() result is too long for a Python string")),
        };
        shift = shift.max(s.unit_shift());
        ascii &= s.is_ascii();
    }
    if len == 0 {
        return Ok(crate::names::name::empty.object().clone());
    }
    let joined = try_new(vm, &STR, len, shift, ascii, |memory| {
        let mut at = memory;
        for part in parts {
            if let Some(s) = part.downcast::<Str>() {
                // SAFETY: room for all at the widest kind.
                unsafe {
                    write_widened(s, at, shift);
                    at = at.add(s.len << shift);
                }
            }
        }
    });
    joined.ok_or_else(|| vm.memory_error())
}

/// Collects text of unknown width.
#[derive(Default)]
pub struct Builder {
    narrow: Vec<u8>,
    wide: Vec<u32>,
    is_wide: bool,
}

impl Builder {
    pub fn new() -> Builder {
        Builder::default()
    }
    pub fn with_capacity(n: usize) -> Builder {
        Builder { narrow: Vec::with_capacity(n), wide: Vec::new(), is_wide: false }
    }
    pub fn len(&self) -> usize {
        if self.is_wide { self.wide.len() } else { self.narrow.len() }
    }
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Makes room for `n` more characters; None if there is no memory.
    pub fn try_reserve(&mut self, n: usize) -> Option<()> {
        if self.is_wide { self.wide.try_reserve(n).ok() } else { self.narrow.try_reserve(n).ok() }
    }
    fn widen(&mut self) {
        if !self.is_wide {
            self.is_wide = true;
            self.wide = self.narrow.drain(..).map(|c| c as u32).collect();
        }
    }
    #[inline(always)]
    pub fn push_char(&mut self, c: u32) {
        if !self.is_wide {
            if c < 256 {
                self.narrow.push(c as u8);
                return;
            }
            self.widen();
        }
        self.wide.push(c);
    }
    pub fn push_str(&mut self, text: &str) {
        if text.is_ascii() && !self.is_wide {
            self.narrow.extend_from_slice(text.as_bytes());
        } else {
            text.chars().for_each(|c| self.push_char(c as u32));
        }
    }
    /// Appends the decimal digits of an int.
    pub fn push_int(&mut self, n: i64) {
        let mut digits = [0u8; 20];
        let mut at = digits.len();
        let mut rest = n.unsigned_abs();
        loop {
            at -= 1;
            digits[at] = b'0' + (rest % 10) as u8;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        if n < 0 {
            at -= 1;
            digits[at] = b'-';
        }
        self.push_latin1(&digits[at..]);
    }
    /// Appends code points below 256.
    #[inline]
    pub fn push_latin1(&mut self, bytes: &[u8]) {
        if self.is_wide {
            self.wide.extend(bytes.iter().map(|&c| c as u32));
        } else {
            self.narrow.extend_from_slice(bytes);
        }
    }
    /// Appends code points below 256 between two others.
    #[inline]
    pub fn push_enclosed(&mut self, first: u8, bytes: &[u8], last: u8) {
        if self.is_wide {
            self.wide.push(first as u32);
            self.push_latin1(bytes);
            self.wide.push(last as u32);
        } else {
            self.narrow.reserve(bytes.len() + 2);
            self.narrow.push(first);
            self.narrow.extend_from_slice(bytes);
            self.narrow.push(last);
        }
    }
    /// Forgets all but the first `n` characters.
    pub fn truncate(&mut self, n: usize) {
        if self.is_wide { self.wide.truncate(n) } else { self.narrow.truncate(n) }
    }
    /// Appends a character `n` times; the room should have been reserved.
    pub fn push_repeated(&mut self, c: u32, n: usize) {
        if c >= 256 && n > 0 {
            self.widen();
        }
        if self.is_wide {
            self.wide.resize(self.wide.len() + n, c);
        } else {
            self.narrow.resize(self.narrow.len() + n, c as u8);
        }
    }
    /// Appends characters `start..stop` of a string.
    pub fn push_range(&mut self, s: &Str, start: usize, stop: usize) {
        match s.kind() {
            Kind::Latin1(bytes) if !self.is_wide => self.narrow.extend_from_slice(&bytes[start..stop]),
            Kind::Latin1(bytes) => self.wide.extend(bytes[start..stop].iter().map(|&c| c as u32)),
            Kind::U16(units) => units[start..stop].iter().for_each(|&c| self.push_char(c as u32)),
            Kind::U32(units) => units[start..stop].iter().for_each(|&c| self.push_char(c)),
        }
    }
    /// Appends a Python string (nothing if the object is none).
    pub fn push_object(&mut self, object: &Object) {
        if let Some(s) = object.downcast::<Str>() {
            self.push(s);
        }
    }
    pub fn push(&mut self, s: &Str) {
        match s.kind() {
            Kind::Latin1(bytes) if !self.is_wide => self.narrow.extend_from_slice(bytes),
            _ => s.chars().for_each(|c| self.push_char(c)),
        }
    }
    pub fn finish(self, vm: &Vm) -> Object {
        if self.is_wide { from_code_points(vm, &self.wide) } else { from_latin1(vm, &self.narrow) }
    }
}

impl taipan_numeric::format_spec::Sink for Builder {
    fn text(&mut self, s: &str) {
        self.push_str(s)
    }
    fn repeat(&mut self, code_point: u32, count: usize) {
        self.push_repeated(code_point, count)
    }
}

impl std::fmt::Write for Builder {
    fn write_str(&mut self, s: &str) -> std::fmt::Result {
        self.push_str(s);
        Ok(())
    }
}

// ---- interning --------------------------------------------------------------------

/// The interned strings of an interpreter: open addressing by hash. They are not counted
/// here: what dies takes itself out ([`forget`]).
#[derive(Default)]
pub struct InternTable {
    slots: Vec<u64>,
    used: usize,
}

impl InternTable {
    fn find(&self, hash: u64, matches: impl Fn(&Str) -> bool) -> std::result::Result<Object, usize> {
        let mask = self.slots.len() - 1;
        let mut i = hash as usize & mask;
        loop {
            let word = self.slots[i];
            if word == 0 {
                return Err(i);
            }
            // SAFETY: the strings of the table are alive.
            let value = unsafe { Value::from_bits(word) };
            let object = Object::borrow_value(&value);
            if let Some(s) = object.downcast_exact::<Str>()
                && s.cached_hash() as u64 == hash
                && matches(s)
            {
                return Ok(object.clone());
            }
            i = (i + 1) & mask;
        }
    }
    fn grow(&mut self) {
        if self.used * 3 < self.slots.len() * 2 && !self.slots.is_empty() {
            return;
        }
        let size = (self.slots.len() * 2).max(4096);
        let old = std::mem::replace(&mut self.slots, vec![0; size]);
        for word in old.into_iter().filter(|&w| w != 0) {
            let mut i = InternTable::hash(word) & (size - 1);
            while self.slots[i] != 0 {
                i = (i + 1) & (size - 1);
            }
            self.slots[i] = word;
        }
    }
    fn hash(word: u64) -> usize {
        // SAFETY: the strings of the table are alive, or just about to be freed.
        let value = unsafe { Value::from_bits(word) };
        Object::borrow_value(&value).downcast_exact::<Str>().map_or(0, |s| s.cached_hash() as usize)
    }
    fn remove(&mut self, word: u64) {
        let mask = self.slots.len() - 1;
        let mut i = InternTable::hash(word) & mask;
        while self.slots[i] != word {
            if self.slots[i] == 0 {
                return;
            }
            i = (i + 1) & mask;
        }
        // Those behind it that had to give way to it move up.
        let mut hole = i;
        loop {
            i = (i + 1) & mask;
            let word = self.slots[i];
            if word == 0 {
                break;
            }
            let home = InternTable::hash(word) & mask;
            if i.wrapping_sub(home) & mask >= i.wrapping_sub(hole) & mask {
                self.slots[hole] = word;
                hole = i;
            }
        }
        self.slots[hole] = 0;
        self.used -= 1;
    }
}

/// How many strings are interned, or how many of them are immortal.
pub fn interned(vm: &Vm, only_immortal: bool) -> usize {
    let table = vm.intern_table();
    if !only_immortal {
        return table.used;
    }
    let is_immortal = |word: u64| {
        // SAFETY: the strings of the table are alive.
        let value = unsafe { Value::from_bits(word) };
        Object::borrow_value(&value).header().is_some_and(|header| header.is_immortal())
    };
    table.slots.iter().filter(|&&word| word != 0 && is_immortal(word)).count()
}

/// A string of its own with the same text.
fn copy_of(vm: &Vm, s: &Str) -> Object {
    expect_memory(match s.kind() {
        Kind::Latin1(bytes) => try_from_latin1(vm, &STR, bytes),
        _ => try_from_code_points(vm, &STR, &s.chars().collect::<Vec<u32>>()),
    })
}

/// The interned strings that are immortal: what an interpreter begins with that shares them.
pub(crate) fn immortals(vm: &Vm) -> Vec<Value> {
    let is_immortal =
        |word: &Value| Object::borrow_value(word).header().is_some_and(|header| header.is_immortal());
    // SAFETY: the strings of the table are alive.
    let words =
        vm.intern_table().slots.iter().filter(|&&word| word != 0).map(|&w| unsafe { Value::from_bits(w) });
    words.filter(is_immortal).collect()
}

/// Begins with these, which are immortal, shared and interned.
pub(crate) fn adopt(vm: &Vm, names: &[Value]) {
    for name in names {
        vm.intern_object(Object::borrow_value(name));
    }
}

/// An interned string dies.
#[cold]
fn forget(object: *mut Header) {
    if Vm::is_attached() {
        let value = Value::from_ptr(object);
        Vm::current().intern_table().remove(value.bits());
    }
}

impl Vm {
    #[allow(clippy::mut_from_ref)]
    fn intern_table(&self) -> &mut InternTable {
        // SAFETY: used for one lookup or insertion at a time, under the GIL.
        unsafe { &mut *self.interp().interned.get() }
    }
    /// The interned string of this text.
    pub fn intern(&self, text: &str) -> Object {
        if text.is_ascii() {
            let hash = hash_bytes(self, text.as_bytes());
            let table = self.intern_table();
            table.grow();
            if let Ok(found) = table.find(hash as u64, |s| s.raw_bytes() == text.as_bytes() && s.is_ascii()) {
                return found;
            }
        }
        let object = if text.len() < 2 {
            expect_memory(try_from_code_points_uncached(self, text))
        } else {
            from_text(self, text)
        };
        self.intern_object(&object)
    }
    /// The interned string equal to `object` (a subtype's instance comes back as it is).
    pub fn intern_object(&self, object: &Object) -> Object {
        let Some(s) = object.downcast_exact::<Str>() else { return object.clone() };
        if Str::is_unique(object) {
            return object.clone();
        }
        let hash = s.hash(self) as u64;
        let table = self.intern_table();
        table.grow();
        match table.find(hash, |other| other.equals(s)) {
            Ok(found) => found,
            Err(i) => {
                match object.header() {
                    // Other interpreters read it.
                    Some(header) if header.is_immortal() && crate::sharing::is_on() => {
                        if !header.has(INTERNED) {
                            return self.intern_object(&copy_of(self, s));
                        }
                    }
                    Some(header) => header.set(INTERNED),
                    None => {}
                }
                table.used += 1;
                table.slots[i] = object.value().bits();
                object.clone()
            }
        }
    }
    /// Any Python string as Rust text; lone surrogates become `\udXXX`.
    pub fn str_lossy(&self, object: &Object) -> String {
        let Some(s) = object.downcast::<Str>() else { return String::new() };
        if let Some(text) = s.as_ascii() {
            return text.to_string();
        }
        let mut out = String::with_capacity(s.len() * 2);
        for c in s.chars() {
            match char::from_u32(c) {
                Some(c) => out.push(c),
                None => out.push_str(&format!("\\u{c:04x}")),
            }
        }
        out
    }
    /// Are both strings, and equal?
    pub fn str_equal(&self, a: &Object, b: &Object) -> bool {
        match (a.downcast::<Str>(), b.downcast::<Str>()) {
            (Some(a), Some(b)) => a.equals(b),
            _ => false,
        }
    }
    /// The shared string of a Latin-1 character.
    pub fn latin1_char(&self, c: u8) -> Option<Object> {
        self.interp().latin1.borrow().get(c as usize).cloned()
    }
}

fn try_from_code_points_uncached(vm: &Vm, text: &str) -> Option<Object> {
    let chars: Vec<u32> = text.chars().map(|c| c as u32).collect();
    if chars.iter().all(|&c| c < 256) {
        let bytes: Vec<u8> = chars.iter().map(|&c| c as u8).collect();
        return try_from_latin1(vm, &STR, &bytes);
    }
    try_from_code_points(vm, &STR, &chars)
}

/// Makes the table of one-character strings.
pub fn init(vm: &Vm) {
    let mut chars = Vec::with_capacity(256);
    for c in 0..=255u8 {
        let object = expect_memory(try_from_latin1(vm, &STR, &[c]));
        chars.push(vm.intern_object(&object));
    }
    *vm.interp().latin1.borrow_mut() = chars;
}

/// `ascii()` of a repr: non-ASCII characters escaped.
pub fn to_ascii(vm: &Vm, repr: &Object) -> Object {
    let Some(s) = repr.downcast::<Str>() else { return repr.clone() };
    if s.is_ascii() {
        return repr.clone();
    }
    let mut out = String::new();
    for c in s.chars() {
        match c {
            0..0x80 => out.push(c as u8 as char),
            0x80..0x100 => out.push_str(&format!("\\x{c:02x}")),
            0x100..0x10000 => out.push_str(&format!("\\u{c:04x}")),
            _ => out.push_str(&format!("\\U{c:08x}")),
        }
    }
    from_text(vm, &out)
}
