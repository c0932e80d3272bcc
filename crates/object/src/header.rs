//! The 16 bytes every heap object starts with, laid out as CPython 3.14's
//! `PyObject` (32-bit count, 32 bits of flags, type pointer), and the part of a
//! type that the heap and the collector need.

use crate::collector::Visitor;
use std::cell::Cell;

/// Bits of [`Header::flags`].
pub mod header_flags {
    /// The collector looks at this container.
    pub const TRACKED: u32 = 1;
    /// Two bits: the generation, 0 to 2; 3 is permanent (frozen).
    pub const GENERATION: u32 = 2 | 4;
    pub const GENERATION_SHIFT: u32 = 1;
    /// The finalizer (`__del__`) has run.
    pub const FINALIZED: u32 = 8;
    /// The object has a prefix and lies outside the blocks.
    pub const LARGE: u32 = 16;
    /// Weak references to the object exist (kept in a side table).
    pub const HAS_WEAKREFS: u32 = 32;
    /// The collector is deciding about the object.
    pub const COLLECTING: u32 = 64;
    /// The object is being destroyed.
    pub const DYING: u32 = 128;
    /// First bit that a type may use for its own purposes.
    pub const TYPE_SPECIFIC: u32 = 1 << 16;
}

/// Counts with the highest bit set never change: the object is immortal.
pub const IMMORTAL: u32 = 0xC000_0000;

/// The head of every heap object.
#[repr(C)]
pub struct Header {
    count: Cell<u32>,
    flags: Cell<u32>,
    ty: Cell<*const TypeHead>,
}

/// What the heap and the collector know of a type. The runtime's `Type` starts
/// with it.
#[repr(C)]
pub struct TypeHead {
    pub header: Header,
    /// Destroy the object and give its memory back; the count is 0.
    pub dealloc: unsafe fn(*mut Header),
    /// Show every object the container owns a reference to.
    pub traverse: Option<unsafe fn(*mut Header, &mut Visitor)>,
    /// Drop the references that can close a cycle.
    pub clear: Option<unsafe fn(*mut Header)>,
}

impl Header {
    pub const fn new(ty: *const TypeHead) -> Header {
        Header { count: Cell::new(1), flags: Cell::new(0), ty: Cell::new(ty) }
    }
    /// As [`Header::new`], with flags.
    #[inline(always)]
    pub const fn with_flags(ty: *const TypeHead, flags: u32) -> Header {
        Header { count: Cell::new(1), flags: Cell::new(flags), ty: Cell::new(ty) }
    }
    /// The header of a static, immortal object.
    pub const fn immortal(ty: *const TypeHead) -> Header {
        Header { count: Cell::new(IMMORTAL), flags: Cell::new(0), ty: Cell::new(ty) }
    }
    #[inline(always)]
    pub fn ty(&self) -> *const TypeHead {
        self.ty.get()
    }
    pub fn set_ty(&self, ty: *const TypeHead) {
        self.ty.set(ty)
    }
    #[inline(always)]
    pub fn count(&self) -> u32 {
        self.count.get()
    }
    pub fn set_count(&self, count: u32) {
        self.count.set(count)
    }
    #[inline(always)]
    pub fn is_immortal(&self) -> bool {
        self.count.get() as i32 <= -1
    }
    #[inline(always)]
    pub fn flags(&self) -> u32 {
        self.flags.get()
    }
    #[inline(always)]
    pub fn has(&self, flag: u32) -> bool {
        self.flags.get() & flag != 0
    }
    #[inline(always)]
    pub fn set(&self, flag: u32) {
        self.flags.set(self.flags.get() | flag)
    }
    #[inline(always)]
    pub fn unset(&self, flag: u32) {
        self.flags.set(self.flags.get() & !flag)
    }
    pub fn generation(&self) -> u32 {
        (self.flags.get() & header_flags::GENERATION) >> header_flags::GENERATION_SHIFT
    }
    pub fn set_generation(&self, generation: u32) {
        self.flags
            .set(self.flags.get() & !header_flags::GENERATION | generation << header_flags::GENERATION_SHIFT)
    }
    /// One more reference.
    #[inline(always)]
    pub fn incref(&self) {
        let count = self.count.get();
        if count as i32 >= 0 {
            self.count.set(count + 1);
        }
    }
    /// One reference less; true if it was the last.
    #[inline(always)]
    #[must_use]
    pub fn decref(&self) -> bool {
        let count = self.count.get();
        if count as i32 >= 0 {
            self.count.set(count.wrapping_sub(1));
            count == 1
        } else {
            false
        }
    }
    pub fn make_immortal(&self) {
        self.count.set(IMMORTAL)
    }
}
