//! Memory as C sees it: [`Place`], an address that is trusted, [`Block`], memory of
//! our own, and [`CData`], the payload of every ctypes object, which has or borrows some.
//!
//! An address that a program names (`from_address`, what a pointer points to) is taken
//! on trust, as ctypes must: this file and those that call C are where that happens.

use crate::cdata::CDATA;
use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::cell::{Cell, RefCell, UnsafeCell};
use taipan_runtime::prelude::*;
use taipan_runtime::types::cell::ObjectCell;

/// An address at which there is as much memory as whoever made the place says.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Place(*mut u8);

impl Place {
    pub const NULL: Place = Place(std::ptr::null_mut());

    /// # Safety
    /// What is read and written there is the caller's to answer for: memory that an
    /// object keeps alive, or an address that the program itself has named.
    pub const unsafe fn trusted(address: *mut u8) -> Place {
        Place(address)
    }
    /// What a number in a Python program says is an address.
    pub fn named(address: usize) -> Place {
        // SAFETY: by the nature of ctypes the program answers for it.
        unsafe { Place::trusted(address as *mut u8) }
    }
    pub fn address(self) -> usize {
        self.0 as usize
    }
    pub fn pointer(self) -> *mut u8 {
        self.0
    }
    pub fn is_null(self) -> bool {
        self.0.is_null()
    }
    pub fn offset(self, bytes: isize) -> Place {
        Place(self.0.wrapping_offset(bytes))
    }
    /// The first bytes, as many as the array has.
    #[inline]
    pub fn read<const N: usize>(self) -> [u8; N] {
        // SAFETY: the place is trusted.
        unsafe { (self.0 as *const [u8; N]).read_unaligned() }
    }
    #[inline]
    pub fn write<const N: usize>(self, bytes: [u8; N]) {
        // SAFETY: the place is trusted.
        unsafe { (self.0 as *mut [u8; N]).write_unaligned(bytes) }
    }
    /// The word there, as a pointer.
    pub fn read_pointer(self) -> Place {
        Place::named(usize::from_ne_bytes(self.read()))
    }
    pub fn write_pointer(self, target: Place) {
        self.write(target.address().to_ne_bytes())
    }
    /// Copies `size` bytes from another place; the two may overlap.
    pub fn copy_from(self, source: Place, size: usize) {
        if size > 0 {
            // SAFETY: both places are trusted.
            unsafe { std::ptr::copy(source.0, self.0, size) }
        }
    }
    /// Copies bytes in, which are not there.
    pub fn write_bytes(self, bytes: &[u8]) {
        // SAFETY: the place is trusted; an empty slice is not looked at.
        unsafe { std::ptr::copy(bytes.as_ptr(), self.0, bytes.len()) }
    }
    /// The bytes there. They must not be held while anything else runs.
    pub fn bytes<'a>(self, size: usize) -> &'a [u8] {
        if size == 0 {
            return &[];
        }
        // SAFETY: the place is trusted.
        unsafe { std::slice::from_raw_parts(self.0, size) }
    }
    /// So many bytes stand before the first zero.
    pub fn text_length(self) -> usize {
        let mut length = 0isize;
        while self.offset(length).read::<1>() != [0] {
            length += 1;
        }
        length as usize
    }
    /// So many wide characters stand before the first zero.
    pub fn wide_length(self) -> usize {
        let mut length = 0isize;
        while self.offset(length * 4).read::<4>() != [0; 4] {
            length += 1;
        }
        length as usize
    }
    /// The wide characters there.
    pub fn wide(self, count: usize) -> Vec<u32> {
        (0..count as isize).map(|i| u32::from_ne_bytes(self.offset(i * 4).read())).collect()
    }
}

/// Zeroed memory of our own.
pub struct Block {
    start: *mut u8,
    layout: Layout,
}

impl Block {
    /// None if there is no memory.
    pub fn new(size: usize, align: usize) -> Option<Block> {
        let layout = Layout::from_size_align(size.max(1), align.max(16).checked_next_power_of_two()?).ok()?;
        // SAFETY: the size is not 0.
        let start = unsafe { alloc_zeroed(layout) };
        if start.is_null() { None } else { Some(Block { start, layout }) }
    }
    pub fn place(&self) -> Place {
        Place(self.start)
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        // SAFETY: allocated in `new` with this layout.
        unsafe { dealloc(self.start, self.layout) }
    }
}

/// Data of at most this size is in the object itself.
const INLINE: usize = 16;

/// The payload of every ctypes object.
#[repr(C, align(16))]
pub struct CData {
    inline: UnsafeCell<[u64; 2]>,
    place: Cell<Place>,
    /// Bytes that belong to the object.
    pub size: Cell<usize>,
    /// Where the data is if it is ours and too large; and where it was before `resize()`,
    /// which somebody may still look at.
    blocks: RefCell<Vec<Block>>,
    /// The object that this one is a part of.
    pub base: ObjectCell,
    /// What has to live as long as the data: `_objects`.
    pub objects: ObjectCell,
    /// Which part of the base it is.
    pub index: Cell<usize>,
    /// Parts that may have something to keep alive (of arrays: items).
    pub length: Cell<usize>,
    pub owned: Cell<bool>,
    /// Somebody else knows where the data is.
    pub exposed: Cell<bool>,
}

impl NativeClass for CData {
    fn class() -> &'static Type {
        &CDATA
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.base.traverse(visitor);
        self.objects.traverse(visitor);
    }
    fn clear(&self) {
        self.objects.clear();
    }
}

impl CData {
    fn empty(size: usize, length: usize) -> CData {
        CData {
            inline: UnsafeCell::new([0; 2]),
            place: Cell::new(Place::NULL),
            size: Cell::new(size),
            blocks: RefCell::default(),
            base: ObjectCell::EMPTY,
            objects: ObjectCell::EMPTY,
            index: Cell::new(0),
            length: Cell::new(length),
            owned: Cell::new(true),
            exposed: Cell::new(false),
        }
    }
    /// A payload whose data is its own (after [`CData::settle`]); None if there is no memory.
    pub fn owning(size: usize, align: usize, length: usize) -> Option<CData> {
        let data = CData::empty(size, length);
        if size > INLINE || align > INLINE {
            data.blocks.borrow_mut().push(Block::new(size, align)?);
        }
        Some(data)
    }
    /// A payload whose data is elsewhere.
    pub fn borrowing(place: Place, size: usize, length: usize) -> CData {
        let data = CData::empty(size, length);
        data.place.set(place);
        data.owned.set(false);
        data
    }
    /// To be called when the payload has its final address.
    pub fn settle(&self) {
        if self.owned.get() {
            let place = self.blocks.borrow().last().map(Block::place);
            self.place.set(place.unwrap_or(Place(self.inline.get() as *mut u8)));
        }
    }
    /// Where the data is.
    #[inline]
    pub fn place(&self) -> Place {
        self.place.get()
    }
    /// Where the data is, for somebody who will remember.
    pub fn expose(&self) -> Place {
        self.exposed.set(true);
        self.place.get()
    }
    /// Gives owned data another size; false if there is no memory.
    pub fn resize(&self, size: usize, align: usize) -> bool {
        let old = self.size.get();
        if size > INLINE && size > old {
            let Some(block) = Block::new(size, align) else { return false };
            block.place().copy_from(self.place(), old);
            self.place.set(block.place());
            let mut blocks = self.blocks.borrow_mut();
            if !self.exposed.get() {
                blocks.clear();
            }
            blocks.push(block);
        }
        self.size.set(size);
        true
    }
}

/// Memory that lives as long as an object: texts that C gets to see.
pub struct Capsule {
    _block: Block,
    name: &'static str,
}

impl NativeClass for Capsule {
    fn class() -> &'static Type {
        &CAPSULE
    }
}

/// What stands in `_objects` for such memory.
pub static CAPSULE: Type = Type::new::<Capsule>(
    "PyCapsule",
    &taipan_runtime::types::object::OBJECT,
    type_flags::DISALLOW_INSTANTIATION,
    Slots::EMPTY.repr(|vm, capsule| {
        let name = capsule.downcast::<Capsule>().map_or("", |c| c.name);
        Ok(vm.str(&format!("<capsule object \"{name}\" at {:#x}>", capsule.bits())))
    }),
    &[],
    &[],
);

impl Capsule {
    /// A copy of what is at a place.
    pub fn copy(vm: &Vm, source: Place, size: usize, align: usize) -> Result<(Object, Place)> {
        let Some(block) = Block::new(size, align) else { return Err(vm.memory_error()) };
        block.place().copy_from(source, size);
        Capsule::around(vm, block, "_ctypes structure")
    }
    fn around(vm: &Vm, block: Block, name: &'static str) -> Result<(Object, Place)> {
        let place = block.place();
        let capsule = Capsule { _block: block, name };
        let object = vm.try_alloc(&CAPSULE, capsule).ok_or_else(|| vm.memory_error())?;
        Ok((object, place))
    }
    /// A text as wide characters with a zero behind them, in an object that keeps it.
    pub fn wide(vm: &Vm, chars: &[u32]) -> Result<(Object, Place)> {
        let size = chars.len().checked_add(1).and_then(|n| n.checked_mul(4));
        let Some(block) = size.and_then(|size| Block::new(size, 4)) else { return Err(vm.memory_error()) };
        let place = block.place();
        for (i, c) in chars.iter().enumerate() {
            place.offset(i as isize * 4).write(c.to_ne_bytes());
        }
        Capsule::around(vm, block, "_ctypes/cfield.c pymem")
    }
}
