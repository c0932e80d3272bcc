//! The tagged 64-bit word. Low three bits:
//!
//! | tag | meaning |
//! |---|---|
//! | `000` | pointer to a heap object (never null) |
//! | `x10` | 62-bit int |
//! | `001` `100` `101` | float: `rotl(bits, 4) + 1` |
//! | `011` | None, False, True, UNBOUND, ... |
//!
//! Floats outside the three exponent ranges (about 1e77 and up, 1e-77 down to
//! 1e-231, inf, nan) and larger ints live on the heap.

use crate::header::Header;
use std::num::NonZeroU64;

/// A Python value as a raw word: `Copy`, owning nothing. See [`crate::Object`]
/// for the owning handle.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct Value(NonZeroU64);

const FLOAT_TAGS: u64 = 0b11_0010;

/// Smallest and largest int that fits the word.
pub const SMALL_INT_MIN: i64 = -(1 << 61);
pub const SMALL_INT_MAX: i64 = (1 << 61) - 1;

impl Value {
    pub const NONE: Value = Value::special(0);
    pub const FALSE: Value = Value::special(1);
    pub const TRUE: Value = Value::special(2);
    /// No Python value: an unbound register, a missing argument, an empty slot.
    pub const UNBOUND: Value = Value::special(3);
    pub const NOT_IMPLEMENTED: Value = Value::special(4);
    pub const ELLIPSIS: Value = Value::special(5);

    const fn special(n: u64) -> Value {
        match NonZeroU64::new(n << 3 | 3) {
            Some(word) => Value(word),
            None => unreachable!(),
        }
    }
    #[inline(always)]
    pub const fn bits(self) -> u64 {
        self.0.get()
    }
    /// # Safety
    /// `bits` is a word obtained from [`Value::bits`].
    #[inline(always)]
    pub const unsafe fn from_bits(bits: u64) -> Value {
        // SAFETY: no Value has the bits 0.
        Value(unsafe { NonZeroU64::new_unchecked(bits) })
    }
    #[inline(always)]
    pub fn from_ptr(ptr: *const Header) -> Value {
        debug_assert!(!ptr.is_null() && ptr as u64 & 7 == 0);
        // SAFETY: heap pointers are never null.
        Value(unsafe { NonZeroU64::new_unchecked(ptr as u64) })
    }
    #[inline(always)]
    pub const fn is_ptr(self) -> bool {
        self.bits() & 7 == 0
    }
    /// The heap object; only meaningful if [`Value::is_ptr`].
    #[inline(always)]
    pub const fn as_ptr(self) -> *mut Header {
        self.bits() as *mut Header
    }
    #[inline(always)]
    pub const fn from_bool(b: bool) -> Value {
        if b { Value::TRUE } else { Value::FALSE }
    }
    #[inline(always)]
    pub const fn is_bool(self) -> bool {
        self.bits() == Value::TRUE.bits() || self.bits() == Value::FALSE.bits()
    }
    #[inline(always)]
    pub const fn is_none(self) -> bool {
        self.bits() == Value::NONE.bits()
    }
    #[inline(always)]
    pub const fn is_unbound(self) -> bool {
        self.bits() == Value::UNBOUND.bits()
    }
    #[inline(always)]
    pub const fn is(self, other: Value) -> bool {
        self.bits() == other.bits()
    }

    // ---- ints ---------------------------------------------------------------
    #[inline(always)]
    pub const fn is_int(self) -> bool {
        self.bits() & 3 == 2
    }
    #[inline(always)]
    pub const fn both_int(self, other: Value) -> bool {
        (self.bits() & 3) + (other.bits() & 3) == 4 && self.is_int()
    }
    /// The int of the word; only meaningful if [`Value::is_int`].
    #[inline(always)]
    pub const fn as_int(self) -> i64 {
        self.bits() as i64 >> 2
    }
    /// The word of `n` if it fits.
    #[inline(always)]
    pub const fn small_int(n: i64) -> Option<Value> {
        if n >= SMALL_INT_MIN && n <= SMALL_INT_MAX { Some(Value::int_unchecked(n)) } else { None }
    }
    /// The word of an int known to be in range.
    #[inline(always)]
    pub const fn int_unchecked(n: i64) -> Value {
        debug_assert!(n >= SMALL_INT_MIN && n <= SMALL_INT_MAX);
        // SAFETY: bit 1 is set.
        Value(unsafe { NonZeroU64::new_unchecked((n as u64) << 2 | 2) })
    }

    // ---- floats ---------------------------------------------------------------
    #[inline(always)]
    pub const fn is_float(self) -> bool {
        (FLOAT_TAGS >> (self.bits() & 7)) & 1 != 0
    }
    /// The float of the word; only meaningful if [`Value::is_float`].
    #[inline(always)]
    pub const fn as_float(self) -> f64 {
        f64::from_bits((self.bits().wrapping_sub(1)).rotate_right(4))
    }
    /// The word of `x` if it is in the covered ranges.
    #[inline(always)]
    pub const fn small_float(x: f64) -> Option<Value> {
        let word = x.to_bits().rotate_left(4).wrapping_add(1);
        if (FLOAT_TAGS >> (word & 7)) & 1 != 0 {
            // SAFETY: the tag is not 000.
            Some(Value(unsafe { NonZeroU64::new_unchecked(word) }))
        } else {
            None
        }
    }
}

impl std::fmt::Debug for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.is_int() {
            write!(f, "int({})", self.as_int())
        } else if self.is_float() {
            write!(f, "float({})", self.as_float())
        } else {
            write!(f, "word({:#x})", self.bits())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_in_range_survive_the_word() {
        for x in [0.0, -0.0, 1.0, -1.0, 0.1, 1e77, 1e-76, 2.5e-308, 5e-324, f64::MAX.sqrt().sqrt()] {
            if let Some(word) = Value::small_float(x) {
                assert!(word.is_float() && !word.is_int() && !word.is_ptr());
                assert_eq!(word.as_float().to_bits(), x.to_bits());
            }
        }
        for x in [f64::INFINITY, f64::NAN, 1e300, 1e-100] {
            assert!(Value::small_float(x).is_none());
        }
        assert!(Value::small_float(1.0).is_some() && Value::small_float(0.0).is_some());
    }

    #[test]
    fn ints_at_the_edges() {
        for n in [0, 1, -1, SMALL_INT_MAX, SMALL_INT_MIN] {
            let word = Value::small_int(n).unwrap();
            assert!(word.is_int() && !word.is_float() && !word.is_ptr());
            assert_eq!(word.as_int(), n);
        }
        assert!(Value::small_int(SMALL_INT_MAX + 1).is_none());
    }
}
