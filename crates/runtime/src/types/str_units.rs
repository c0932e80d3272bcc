//! Working on code units whatever their width: the [`Unit`] trait over the
//! three kinds of string data, [`build`] that writes a new string straight
//! into its object, and [`Fill`], the checked cursor it hands out.
//!
//! Use `units!(s, u => ...)` to run the same code on each kind.

use crate::prelude::*;
use crate::types::str::{self, Kind, STR};
use std::borrow::Cow;
use std::mem::MaybeUninit;

/// A code unit: `u8` (Latin-1), `u16` or `u32`, one per code point.
pub trait Unit: Copy + Ord + Into<u32> + std::fmt::Debug + 'static {
    /// Log2 of the size.
    const SHIFT: u32;
    /// The code point as a unit, if it fits.
    fn fit(c: u32) -> Option<Self>;
    /// The low bits of a code point known to fit.
    fn cut(c: u32) -> Self;
    /// The data of a string of this very kind.
    fn of(s: &Str) -> Option<&[Self]>;
    /// The units as bytes, if they are bytes.
    fn bytes(units: &[Self]) -> Option<&[u8]>;
    /// A string object of these units, narrowed if possible.
    fn make(vm: &Vm, units: &[Self]) -> Object;
}

impl Unit for u8 {
    const SHIFT: u32 = 0;
    #[inline(always)]
    fn fit(c: u32) -> Option<u8> {
        if c < 256 { Some(c as u8) } else { None }
    }
    #[inline(always)]
    fn cut(c: u32) -> u8 {
        c as u8
    }
    #[inline(always)]
    fn of(s: &Str) -> Option<&[u8]> {
        if let Kind::Latin1(units) = s.kind() { Some(units) } else { None }
    }
    #[inline(always)]
    fn bytes(units: &[u8]) -> Option<&[u8]> {
        Some(units)
    }
    fn make(vm: &Vm, units: &[u8]) -> Object {
        str::from_latin1(vm, units)
    }
}

impl Unit for u16 {
    const SHIFT: u32 = 1;
    #[inline(always)]
    fn fit(c: u32) -> Option<u16> {
        if c < 0x10000 { Some(c as u16) } else { None }
    }
    #[inline(always)]
    fn cut(c: u32) -> u16 {
        c as u16
    }
    #[inline(always)]
    fn of(s: &Str) -> Option<&[u16]> {
        if let Kind::U16(units) = s.kind() { Some(units) } else { None }
    }
    #[inline(always)]
    fn bytes(_: &[u16]) -> Option<&[u8]> {
        None
    }
    fn make(vm: &Vm, units: &[u16]) -> Object {
        str::from_u16(vm, units)
    }
}

impl Unit for u32 {
    const SHIFT: u32 = 2;
    #[inline(always)]
    fn fit(c: u32) -> Option<u32> {
        Some(c)
    }
    #[inline(always)]
    fn cut(c: u32) -> u32 {
        c
    }
    #[inline(always)]
    fn of(s: &Str) -> Option<&[u32]> {
        if let Kind::U32(units) = s.kind() { Some(units) } else { None }
    }
    #[inline(always)]
    fn bytes(_: &[u32]) -> Option<&[u8]> {
        None
    }
    fn make(vm: &Vm, units: &[u32]) -> Object {
        str::from_code_points(vm, units)
    }
}

/// Runs the same expression on the units of a string, whatever their width.
macro_rules! units {
    ($s:expr, $units:ident => $body:expr) => {
        match $s.kind() {
            $crate::types::str::Kind::Latin1($units) => $body,
            $crate::types::str::Kind::U16($units) => $body,
            $crate::types::str::Kind::U32($units) => $body,
        }
    };
}
pub(crate) use units;

/// The string in units of type `T`; None if a character does not fit by kind.
pub fn as_units<T: Unit>(s: &Str) -> Option<Cow<'_, [T]>> {
    if let Some(units) = T::of(s) {
        return Some(Cow::Borrowed(units));
    }
    match s.kind() {
        Kind::Latin1(units) => Some(units.iter().map(|&c| T::cut(c as u32)).collect()),
        Kind::U16(units) if T::SHIFT > 1 => Some(units.iter().map(|&c| T::cut(c as u32)).collect()),
        _ => None,
    }
}

/// A cursor over memory to be filled with units; never writes past the end.
pub struct Fill<'a, T> {
    out: &'a mut [MaybeUninit<T>],
    at: usize,
}

impl<'a, T: Unit> Fill<'a, T> {
    #[inline(always)]
    pub fn push(&mut self, c: T) {
        if let Some(slot) = self.out.get_mut(self.at) {
            slot.write(c);
            self.at += 1;
        }
    }
    #[inline]
    pub fn extend(&mut self, units: &[T]) {
        let n = units.len().min(self.out.len() - self.at);
        self.out[self.at..self.at + n].write_copy_of_slice(&units[..n]);
        self.at += n;
    }
    pub fn repeat(&mut self, c: T, n: usize) {
        let n = n.min(self.out.len() - self.at);
        self.out[self.at..self.at + n].fill(MaybeUninit::new(c));
        self.at += n;
    }
    /// Appends a string whose kind is not wider than `T`.
    pub fn put(&mut self, s: &Str) {
        match T::of(s) {
            Some(units) => self.extend(units),
            None => units!(s, units => self.map(units, |c| T::cut(c.into()))),
        }
    }
    /// Appends each unit, changed by `f`.
    #[inline(always)]
    pub fn map<S: Copy>(&mut self, units: &[S], f: impl Fn(S) -> T) {
        for (slot, &c) in self.out[self.at..].iter_mut().zip(units) {
            slot.write(f(c));
        }
        self.at = (self.at + units.len()).min(self.out.len());
    }
    /// Overwrites unit `i` of what has been written.
    pub fn patch(&mut self, i: usize, c: T) {
        if i < self.at {
            self.out[i].write(c);
        }
    }
    /// `n` times what has been written so far, at least once: doubles the copied part.
    pub fn repeat_all(&mut self, n: usize) {
        let unit = self.at;
        let total = unit.saturating_mul(n).min(self.out.len());
        while self.at < total && unit > 0 {
            let step = self.at.min(total - self.at);
            self.out.copy_within(0..step, self.at);
            self.at += step;
        }
    }
    fn finish(self) {
        self.out[self.at..].fill(MaybeUninit::new(T::cut(0)));
    }
}

/// What is known about the characters to be written by [`build`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Width {
    /// All are ASCII.
    Ascii,
    /// One at least does not fit the next narrower kind (or, for bytes, ASCII).
    Exact,
    /// Nothing: look at the result.
    Unknown,
}

impl Width {
    /// ASCII or unknown.
    pub fn ascii_if(ascii: bool) -> Width {
        if ascii { Width::Ascii } else { Width::Unknown }
    }
}

/// A new string of `len` units of type `T`, written by `fill`; MemoryError if it is too long.
pub fn build<T: Unit>(vm: &Vm, len: usize, width: Width, fill: impl FnOnce(&mut Fill<'_, T>)) -> Result {
    if len < 2 {
        let mut one = [MaybeUninit::new(T::cut(0))];
        let mut cursor = Fill { out: &mut one[..len], at: 0 };
        fill(&mut cursor);
        // SAFETY: initialised at its creation.
        let c = unsafe { one[0].assume_init() };
        return Ok(T::make(vm, &[c][..len]));
    }
    if len > isize::MAX as usize >> (T::SHIFT + 1) {
        return Err(vm.memory_error());
    }
    let object = str::try_new(vm, &STR, len, T::SHIFT, width == Width::Ascii, |memory| {
        // SAFETY: room for `len` units, aligned to 8; all are written, by `finish` at the latest.
        let out = unsafe { std::slice::from_raw_parts_mut(memory as *mut MaybeUninit<T>, len) };
        let mut cursor = Fill { out, at: 0 };
        fill(&mut cursor);
        cursor.finish();
    })
    .ok_or_else(|| vm.memory_error())?;
    if width == Width::Unknown { Ok(narrowest(vm, object)) } else { Ok(object) }
}

/// The same string with the flags and the kind it ought to have.
fn narrowest(vm: &Vm, object: Object) -> Object {
    let Some(s) = object.downcast_exact::<Str>() else { return object };
    match s.kind() {
        Kind::Latin1(units) => {
            if units.is_ascii() {
                str::mark_ascii(&object);
            }
            object
        }
        Kind::U16(units) if units.iter().all(|&c| c < 0x100) => str::from_u16(vm, units),
        Kind::U32(units) if units.iter().all(|&c| c < 0x10000) => str::from_code_points(vm, units),
        _ => object,
    }
}

/// The widest of the kinds, as log2 of the unit's size.
pub fn shift_of(s: &Str) -> u32 {
    match s.kind() {
        Kind::Latin1(_) => 0,
        Kind::U16(_) => 1,
        Kind::U32(_) => 2,
    }
}

/// [`build`] with the unit chosen at run time.
macro_rules! build_by_shift {
    ($vm:expr, $shift:expr, $len:expr, $width:expr, $fill:ident => $body:expr) => {
        match $shift {
            0 => $crate::types::str_units::build::<u8>($vm, $len, $width, |$fill| $body),
            1 => $crate::types::str_units::build::<u16>($vm, $len, $width, |$fill| $body),
            _ => $crate::types::str_units::build::<u32>($vm, $len, $width, |$fill| $body),
        }
    };
}
pub(crate) use build_by_shift;

/// Characters `start..stop` of `object` (a string): itself if that is all of it
/// and it is no subtype's instance.
pub fn substring(vm: &Vm, object: &Object, s: &Str, start: usize, stop: usize) -> Object {
    if start == 0 && stop == s.len() && object.ty().is(&STR) {
        return object.clone();
    }
    s.slice(vm, start, stop)
}
