//! Size-class block allocator. Objects up to [`MAX_SMALL`] bytes lie in 32 KiB
//! blocks of one size and one kind (containers or not), so that the collector
//! finds containers by walking blocks; larger ones have a 16-byte prefix.
//!
//! A free slot has 0 in its first word (no live object has: count and flags
//! are never both 0 outside of destruction) and the next free slot in its second.

use crate::header::{Header, header_flags};
use crate::watch;
use std::alloc::Layout;
use std::cell::Cell;
use std::ptr;
use std::sync::atomic::{AtomicU32, Ordering};

/// The bit of [`Heap::breaker`] that asks for a collection.
pub const COLLECT: u32 = 4;

pub const BLOCK_SIZE: usize = 32 * 1024;
pub const GRANULE: usize = 16;
pub const MAX_SMALL: usize = 512;
const CLASSES: usize = MAX_SMALL / GRANULE + 1;
const CHUNK_BLOCKS: usize = 32;
/// Depth of nested destruction after which objects are queued.
const MAX_DESTROY_DEPTH: u32 = 40;

/// The head of a block.
#[repr(C)]
pub struct Block {
    free: *mut Slot,
    /// Offset of the first slot never used so far.
    bump: u32,
    pub(crate) size: u32,
    class: u16,
    container: bool,
    /// Which of the generations 0 and 1 may have objects here (bits).
    pub(crate) young: u8,
    /// In the list of blocks with free slots.
    listed: bool,
    /// While somebody watches, this says it, and `listed` is false.
    held: bool,
    next: *mut Block,
    /// Working counts of the collector, one a slot.
    scratch: *mut u32,
    /// 2³² by `size`, rounded up: dividing by `size` is multiplying by this.
    inverse: u32,
    heap: *mut Heap,
}

struct Slot {
    /// Tells the collector that there is no object here; read as an object's first word.
    #[allow(dead_code)]
    zero: u64,
    next: *mut Slot,
}

/// What precedes a large object.
#[repr(C)]
pub struct LargePrefix {
    /// Position in `Heap::large`, or u32::MAX for no container.
    index: u32,
    pub(crate) scratch: u32,
    size: usize,
}

const FIRST_SLOT: usize = size_of::<Block>().next_multiple_of(GRANULE);

/// The heap of one interpreter.
pub struct Heap {
    current: [[*mut Block; CLASSES]; 2],
    partial: [[*mut Block; CLASSES]; 2],
    /// All memory for blocks, [`CHUNK_BLOCKS`] at a place.
    chunks: Vec<*mut u8>,
    /// While somebody watches, `current` is empty, and this is it.
    watched: Option<Box<[[*mut Block; CLASSES]; 2]>>,
    pub(crate) container_blocks: Vec<*mut Block>,
    pub(crate) large: Vec<*mut LargePrefix>,
    empty: Vec<*mut Block>,
    destroy_depth: u32,
    deferred: Vec<*mut Header>,
    /// Containers made minus containers destroyed since the last collection.
    pub allocated: i64,
    /// `allocated` above this asks for a collection (`request_collection`).
    pub threshold: i64,
    /// Why the interpreter loop should leave its path; polled there. Bit
    /// [`COLLECT`] is set when the threshold is passed.
    pub breaker: AtomicU32,
    pub bytes_reserved: usize,
    pub collector: crate::collector::State,
}

thread_local! {
    static HEAP: Cell<*mut Heap> = const { Cell::new(ptr::null_mut()) };
    /// `Heap::destroy_depth` of this thread while others hold the GIL.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// This thread is about to give up the GIL: how deep it is in destruction is its
/// own affair. [`resume`] follows when it has the GIL again.
pub fn suspend() {
    let heap = current();
    if !heap.is_null() {
        // SAFETY: the thread still holds the GIL.
        DEPTH.with(|depth| depth.set(unsafe { std::mem::take(&mut (*heap).destroy_depth) }));
    }
}

/// See [`suspend`].
pub fn resume() {
    let heap = current();
    if !heap.is_null() {
        // SAFETY: the thread holds the GIL.
        DEPTH.with(|depth| unsafe { (*heap).destroy_depth = depth.take() });
    }
}

/// Runs `work`, in which the thread may attach to other heaps: between [`suspend`] and [`resume`].
pub fn elsewhere<R>(work: impl FnOnce() -> R) -> R {
    let heap = current();
    let depth = DEPTH.with(Cell::take);
    attach(ptr::null_mut());
    let result = work();
    attach(heap);
    DEPTH.with(|cell| cell.set(depth));
    result
}

/// Makes `heap` the heap of this thread.
pub fn attach(heap: *mut Heap) {
    HEAP.with(|cell| cell.set(heap));
}

/// The heap this thread is attached to.
#[inline(always)]
pub fn current() -> *mut Heap {
    HEAP.with(|cell| cell.get())
}

impl Heap {
    pub fn new() -> Box<Heap> {
        Box::new(Heap {
            current: [[ptr::null_mut(); CLASSES]; 2],
            partial: [[ptr::null_mut(); CLASSES]; 2],
            chunks: Vec::new(),
            watched: None,
            container_blocks: Vec::new(),
            large: Vec::new(),
            empty: Vec::new(),
            destroy_depth: 0,
            deferred: Vec::new(),
            allocated: 0,
            threshold: 2000,
            breaker: AtomicU32::new(0),
            bytes_reserved: 0,
            collector: Default::default(),
        })
    }

    /// The heap of an interpreter that has ended, for another one. What is left in it is there for ever,
    /// and no collector's business.
    ///
    /// # Safety
    /// No thread is attached to the heap.
    pub unsafe fn retire(&mut self) {
        for object in self.containers(None) {
            if let Some(header) = object.header() {
                header.make_immortal();
                header.unset(header_flags::TRACKED);
            }
        }
        self.allocated = 0;
        self.threshold = 2000;
        self.breaker = AtomicU32::new(0);
        self.destroy_depth = 0;
        self.collector = Default::default();
    }

    /// Memory for an object of `size` bytes, 16-byte aligned, not initialised;
    /// null if there is none. The caller writes the header at once.
    ///
    /// # Safety
    /// The caller holds the GIL of this heap's interpreter.
    #[inline(always)]
    pub unsafe fn allocate(&mut self, size: usize, container: bool) -> *mut u8 {
        if container {
            self.allocated += 1;
            if self.allocated > self.threshold {
                self.ask_for_collection();
            }
        }
        if size <= MAX_SMALL {
            let class = size.div_ceil(GRANULE);
            let block = self.current[container as usize][class];
            if !block.is_null() {
                // SAFETY: current blocks are alive and owned by this heap.
                unsafe {
                    let slot = (*block).free;
                    if !slot.is_null() {
                        (*block).free = (*slot).next;
                        return slot as *mut u8;
                    }
                }
            }
            // SAFETY: as the caller's.
            unsafe { self.allocate_slow(size, container) }
        } else {
            // SAFETY: as the caller's.
            unsafe { self.allocate_large(size, container) }
        }
    }

    #[cold]
    #[inline(never)]
    fn ask_for_collection(&self) {
        self.breaker.fetch_or(COLLECT, Ordering::Relaxed);
    }

    #[cold]
    #[inline(never)]
    unsafe fn allocate_slow(&mut self, size: usize, container: bool) -> *mut u8 {
        let (kind, class) = (container as usize, size.div_ceil(GRANULE));
        let Some(watched) = &mut self.watched else {
            // SAFETY: as the caller's.
            return unsafe { self.take_slot(class, container) };
        };
        self.current[kind][class] = watched[kind][class];
        // SAFETY: as the caller's.
        let slot = watch::unseen(|| unsafe { self.take_slot(class, container) });
        let current = std::mem::replace(&mut self.current[kind][class], ptr::null_mut());
        if let Some(watched) = &mut self.watched {
            watched[kind][class] = current;
        }
        watch::made(slot, size);
        slot
    }

    unsafe fn take_slot(&mut self, class: usize, container: bool) -> *mut u8 {
        let kind = container as usize;
        loop {
            let block = self.current[kind][class];
            if !block.is_null() {
                // SAFETY: owned by this heap; slots lie inside the block.
                unsafe {
                    let slot = (*block).free;
                    if !slot.is_null() {
                        (*block).free = (*slot).next;
                        return slot as *mut u8;
                    }
                    let size = (*block).size as usize;
                    let bump = (*block).bump as usize;
                    if bump + size <= BLOCK_SIZE {
                        // Thread a page's worth of fresh slots onto the free list at a time.
                        let end = (bump + 2048.max(size)).min(BLOCK_SIZE);
                        let count = (end - bump) / size;
                        let mut next = ptr::null_mut();
                        for i in (0..count).rev() {
                            let fresh = (block as *mut u8).add(bump + i * size) as *mut Slot;
                            fresh.write(Slot { zero: 0, next });
                            next = fresh;
                        }
                        (*block).bump = (bump + count * size) as u32;
                        (*block).free = next;
                        continue;
                    }
                    (*block).listed = false;
                    (*block).held = false;
                }
            }
            let next = self.partial[kind][class];
            if !next.is_null() {
                // SAFETY: listed blocks are alive.
                unsafe {
                    self.partial[kind][class] = (*next).next;
                    (*next).next = ptr::null_mut();
                    (*next).young |= 1;
                }
                self.current[kind][class] = next;
                continue;
            }
            // SAFETY: as the caller's.
            let fresh = unsafe { self.new_block(class, container) };
            if fresh.is_null() {
                return ptr::null_mut();
            }
            self.current[kind][class] = fresh;
        }
    }

    unsafe fn new_block(&mut self, class: usize, container: bool) -> *mut Block {
        if self.empty.is_empty() {
            let bytes = CHUNK_BLOCKS * BLOCK_SIZE;
            let Ok(layout) = Layout::from_size_align(bytes, BLOCK_SIZE) else { return ptr::null_mut() };
            // SAFETY: the layout's size is not zero.
            let chunk = unsafe { std::alloc::alloc(layout) };
            if chunk.is_null() {
                return ptr::null_mut();
            }
            self.bytes_reserved += bytes;
            self.chunks.push(chunk);
            for i in (0..CHUNK_BLOCKS).rev() {
                // SAFETY: inside the chunk.
                self.empty.push(unsafe { chunk.add(i * BLOCK_SIZE) } as *mut Block);
            }
        }
        let Some(block) = self.empty.pop() else { return ptr::null_mut() };
        // SAFETY: the block is unused memory of BLOCK_SIZE bytes.
        unsafe {
            block.write(Block {
                free: ptr::null_mut(),
                bump: FIRST_SLOT as u32,
                size: (class.max(1) * GRANULE) as u32,
                inverse: (1u64 << 32).div_ceil((class.max(1) * GRANULE) as u64) as u32,
                class: class as u16,
                container,
                young: 1,
                listed: self.watched.is_none(),
                held: self.watched.is_some(),
                next: ptr::null_mut(),
                scratch: ptr::null_mut(),
                heap: self,
            });
        }
        if container {
            self.container_blocks.push(block);
        }
        block
    }

    #[cold]
    #[inline(never)]
    unsafe fn allocate_large(&mut self, size: usize, container: bool) -> *mut u8 {
        let total = match size.checked_add(size_of::<LargePrefix>()) {
            Some(total) if total <= isize::MAX as usize - 64 => total,
            _ => return ptr::null_mut(),
        };
        // SAFETY: the size is not zero and the alignment is valid.
        let ask = || unsafe { std::alloc::alloc(Layout::from_size_align_unchecked(total, GRANULE)) };
        let prefix = if self.watched.is_some() { watch::unseen(ask) } else { ask() } as *mut LargePrefix;
        if prefix.is_null() {
            return ptr::null_mut();
        }
        let mut index = u32::MAX;
        if container {
            index = self.large.len() as u32;
            self.large.push(prefix);
        }
        // SAFETY: fresh memory.
        unsafe {
            prefix.write(LargePrefix { index, scratch: 0, size: total });
            let object = prefix.add(1) as *mut u8;
            if self.watched.is_some() {
                watch::made(object, size);
            }
            object
        }
    }

    /// Gives the memory of a dead object back.
    ///
    /// # Safety
    /// `object` came from `allocate` of this thread's heap and is not used any more;
    /// its LARGE flag says truly whether it is large.
    #[inline(always)]
    pub unsafe fn free(&mut self, object: *mut Header) {
        // SAFETY: the header is still there; slots belong to their block.
        unsafe {
            if (*object).has(header_flags::LARGE) {
                self.free_large(object);
                return;
            }
            let block = block_of(object);
            let slot = object as *mut Slot;
            slot.write(Slot { zero: 0, next: (*block).free });
            (*block).free = slot;
            if (*block).container {
                self.allocated -= 1;
            }
            if !(*block).listed {
                self.relist(object);
            }
        }
    }

    #[cold]
    unsafe fn relist(&mut self, object: *mut Header) {
        // SAFETY: the block is alive.
        unsafe {
            let block = block_of(object);
            let (kind, class) = ((*block).container as usize, (*block).class as usize);
            if self.watched.is_some() {
                watch::gone(object as *const u8);
                if std::mem::replace(&mut (*block).held, true) {
                    return;
                }
            } else {
                (*block).listed = true;
            }
            (*block).next = self.partial[kind][class];
            self.partial[kind][class] = block;
        }
    }

    #[cold]
    unsafe fn free_large(&mut self, object: *mut Header) {
        // SAFETY: large objects have a prefix.
        unsafe {
            let prefix = (object as *mut LargePrefix).sub(1);
            let index = (*prefix).index;
            if index != u32::MAX {
                self.allocated -= 1;
                self.large.swap_remove(index as usize);
                if let Some(&moved) = self.large.get(index as usize) {
                    (*moved).index = index;
                }
            }
            let layout = Layout::from_size_align_unchecked((*prefix).size, GRANULE);
            if self.watched.is_some() {
                watch::gone(object as *const u8);
            }
            std::alloc::dealloc(prefix as *mut u8, layout);
        }
    }

    /// Changes the size of a large, non-container object in place or by moving
    /// it; null (object untouched) if there is no memory.
    ///
    /// # Safety
    /// `object` is large, no container, and nobody else points to it.
    pub unsafe fn reallocate_large(&mut self, object: *mut Header, size: usize) -> *mut Header {
        // SAFETY: large objects have a prefix that knows the size.
        unsafe {
            let prefix = (object as *mut LargePrefix).sub(1);
            let Some(total) = size.checked_add(size_of::<LargePrefix>()) else { return ptr::null_mut() };
            if total > isize::MAX as usize - 64 {
                return ptr::null_mut();
            }
            let layout = Layout::from_size_align_unchecked((*prefix).size, GRANULE);
            let grow = || std::alloc::realloc(prefix as *mut u8, layout, total) as *mut LargePrefix;
            let moved = if self.watched.is_some() {
                watch::gone(object as *const u8);
                let moved = watch::unseen(grow);
                let (at, size) = if moved.is_null() { (prefix, (*prefix).size) } else { (moved, total) };
                watch::made(at.add(1) as *const u8, size - size_of::<LargePrefix>());
                moved
            } else {
                grow()
            };
            if moved.is_null() {
                return ptr::null_mut();
            }
            (*moved).size = total;
            moved.add(1) as *mut Header
        }
    }

    /// Lets the watcher, if there is one, hear of each object.
    ///
    /// # Safety
    /// The caller holds the GIL of this heap's interpreter.
    pub unsafe fn follow_watch(&mut self) {
        let on = watch::is_on();
        if on == self.watched.is_some() {
            return;
        }
        watch::unseen(|| {
            let empty: std::collections::HashSet<*mut Block> = self.empty.iter().copied().collect();
            for &chunk in &self.chunks {
                for i in 0..CHUNK_BLOCKS {
                    // SAFETY: inside the chunk; blocks that are not empty have a head.
                    unsafe {
                        let block = chunk.add(i * BLOCK_SIZE) as *mut Block;
                        if !empty.contains(&block) {
                            (*block).held = on && (*block).listed || !on && (*block).held;
                            (*block).listed = !on && (*block).held;
                        }
                    }
                }
            }
            match self.watched.take() {
                Some(current) => self.current = *current,
                None => {
                    let current = std::mem::replace(&mut self.current, [[ptr::null_mut(); CLASSES]; 2]);
                    self.watched = Some(Box::new(current));
                }
            }
        });
    }

    /// Blocks that are being allocated from right now.
    pub(crate) fn mark_current_young(&mut self) {
        let current = self.watched.as_deref().unwrap_or(&self.current);
        for &block in &current[1] {
            if !block.is_null() {
                // SAFETY: current blocks are alive.
                unsafe { (*block).young |= 1 }
            }
        }
    }

    /// Bytes that an object takes in the heap (usable size, prefix included).
    ///
    /// # Safety
    /// `object` is alive and of this heap.
    pub unsafe fn size_of_object(&self, object: *const Header) -> usize {
        // SAFETY: says the caller.
        unsafe {
            if (*object).has(header_flags::LARGE) {
                (*(object as *const LargePrefix).sub(1)).size
            } else {
                (*block_of(object as *mut Header)).size as usize
            }
        }
    }
}

/// The block an object in a block lies in.
#[inline(always)]
pub(crate) fn block_of(object: *mut Header) -> *mut Block {
    (object as usize & !(BLOCK_SIZE - 1)) as *mut Block
}

impl Block {
    /// The slots ever used, as headers; free ones have a zero first word.
    pub(crate) fn slots(block: *mut Block) -> impl Iterator<Item = *mut Header> {
        // SAFETY: called for alive blocks.
        let (size, bump) = unsafe { ((*block).size as usize, (*block).bump as usize) };
        let base = block as usize;
        (FIRST_SLOT..bump).step_by(size).map(move |offset| (base + offset) as *mut Header)
    }
    /// The collector's working count for the object in one of the slots.
    ///
    /// # Safety
    /// The block has working counts.
    #[inline(always)]
    pub(crate) unsafe fn working_count(block: *mut Block, object: *mut Header) -> *mut u32 {
        // SAFETY: there is one for each slot.
        unsafe {
            let offset = object as usize - block as usize - FIRST_SLOT;
            let slot = offset as u64 * (*block).inverse as u64 >> 32;
            (*block).scratch.add(slot as usize)
        }
    }
    fn working_counts(&self) -> usize {
        (BLOCK_SIZE - FIRST_SLOT) / self.size as usize
    }
    /// Makes room for the working counts. False: there is.
    pub(crate) fn make_working_counts(&mut self) -> bool {
        if !self.scratch.is_null() {
            return false;
        }
        self.scratch = Box::into_raw(vec![0u32; self.working_counts()].into_boxed_slice()) as *mut u32;
        true
    }
    pub(crate) fn drop_working_counts(&mut self) {
        if !self.scratch.is_null() {
            let counts = std::ptr::slice_from_raw_parts_mut(self.scratch, self.working_counts());
            // SAFETY: made above, with this length.
            drop(unsafe { Box::from_raw(counts) });
            self.scratch = ptr::null_mut();
        }
    }
}

/// The count is zero: destroy.
///
/// # Safety
/// Nobody refers to `object` any more.
#[cold]
#[inline(never)]
pub unsafe fn destroy(object: *mut Header) {
    // SAFETY: the object's type knows how to destroy it.
    unsafe { ((*(*object).ty()).dealloc)(object) }
}

impl Heap {
    /// Begins the destruction of an object that may hold others. False: it is queued
    /// for later, since too much is being destroyed at once: deep structures must
    /// not exhaust the native stack. If true, [`Heap::end_destroy`] follows.
    ///
    /// # Safety
    /// As [`destroy`].
    #[inline(always)]
    pub unsafe fn begin_destroy(&mut self, object: *mut Header) -> bool {
        if self.destroy_depth >= MAX_DESTROY_DEPTH {
            // SAFETY: says the caller.
            unsafe { (*object).set(header_flags::DYING) };
            self.deferred.push(object);
            return false;
        }
        self.destroy_depth += 1;
        true
    }

    /// A finalizer is about to run: how deep destruction is, which starts anew in it.
    #[inline]
    pub fn enter_finalizer(&mut self) -> u32 {
        std::mem::replace(&mut self.destroy_depth, 1)
    }

    /// The finalizer has run.
    #[inline]
    pub fn leave_finalizer(&mut self, depth: u32) {
        self.destroy_depth = depth;
    }

    /// Ends what [`Heap::begin_destroy`] began.
    ///
    /// # Safety
    /// `heap` is this thread's.
    #[inline(always)]
    pub unsafe fn end_destroy(heap: *mut Heap) {
        // SAFETY: says the caller.
        unsafe {
            (*heap).destroy_depth -= 1;
            if (*heap).destroy_depth == 0 && !(*heap).deferred.is_empty() {
                drain(heap);
            }
        }
    }
}

#[cold]
unsafe fn drain(heap: *mut Heap) {
    // SAFETY: queued objects are dead and untouched.
    unsafe {
        while let Some(object) = (*heap).deferred.pop() {
            (*heap).destroy_depth += 1;
            (*object).unset(header_flags::DYING);
            ((*(*object).ty()).dealloc)(object);
            (*heap).destroy_depth -= 1;
        }
    }
}
