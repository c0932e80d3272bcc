//! The process's allocator: small pieces (buffers of lists and dicts, boxes,
//! strings) from free lists of each thread's own, the rest from the system.
//!
//! Pieces are multiples of 16 bytes up to [`LARGEST`], without any header. A
//! thread whose list of a size grows beyond [`KEEP`] bytes gives half of it to
//! the central store, from which threads whose lists are empty take whole
//! chains, so that memory freed elsewhere than where it was allocated comes back.

use crate::{limit, watch};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::UnsafeCell;
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};

/// The largest small piece, in bytes.
pub const LARGEST: usize = 512;
const STEP: usize = 16;
const CLASSES: usize = LARGEST / STEP + 1;
/// Bytes of one size that a thread keeps for itself.
const KEEP: usize = 64 * 1024;
/// Bytes that are cut into pieces of one size at a time.
const SLICE: usize = 4096;
/// Bytes asked of the system at a time.
const REGION: usize = 256 * 1024;
/// The count of an empty list whose thread is watched: longer than any may be.
const WATCHED: u32 = 1 << 30;

/// A free piece.
struct Piece {
    next: *mut Piece,
    /// In the store: the next chain. Only its first piece has this.
    chain: *mut Piece,
}

#[derive(Clone, Copy)]
struct List {
    first: *mut Piece,
    count: u32,
}

const EMPTY: List = List { first: ptr::null_mut(), count: 0 };

thread_local! {
    // No destructor: the allocator must work until the thread's very end.
    static LISTS: UnsafeCell<[List; CLASSES]> = const { UnsafeCell::new([EMPTY; CLASSES]) };
    /// The lists while the thread is watched. Those above look empty to who wants a
    /// piece and full to who gives one back.
    static HIDDEN: UnsafeCell<[List; CLASSES]> = const { UnsafeCell::new([EMPTY; CLASSES]) };
}

/// What all threads share.
struct Store {
    chains: [*mut Piece; CLASSES],
    region: *mut u8,
    left: usize,
}

struct Central {
    locked: AtomicBool,
    store: UnsafeCell<Store>,
}

// SAFETY: the store is looked at with `locked` taken only.
unsafe impl Sync for Central {}

static CENTRAL: Central = Central {
    locked: AtomicBool::new(false),
    store: UnsafeCell::new(Store { chains: [ptr::null_mut(); CLASSES], region: ptr::null_mut(), left: 0 }),
};

/// Keeps the central store still. Whoever has it must not allocate.
struct Hold;

extern "C" fn lock_all() {
    watch::lock();
    lock();
}

extern "C" fn unlock_all() {
    unlock();
    watch::unlock();
}

fn lock() {
    while CENTRAL.locked.swap(true, Ordering::Acquire) {
        std::thread::yield_now();
    }
}

fn unlock() {
    CENTRAL.locked.store(false, Ordering::Release);
}

fn hold() -> Hold {
    lock();
    Hold
}

impl Drop for Hold {
    fn drop(&mut self) {
        unlock();
    }
}

unsafe extern "C" {
    fn pthread_atfork(
        prepare: extern "C" fn(),
        parent: extern "C" fn(),
        child: extern "C" fn(),
    ) -> std::ffi::c_int;
}

/// Keeps the store in order in children of this process: nobody is at it while the
/// process forks. To be called once, at the start.
pub fn guard_forks() {
    // SAFETY: the three functions only touch atomic flags.
    unsafe { pthread_atfork(lock_all, unlock_all, unlock_all) };
}

/// Gives everything that this thread keeps to the store; for its end.
pub fn retire() {
    let give = |lists: &UnsafeCell<[List; CLASSES]>| {
        // SAFETY: the lists are this thread's; nothing below allocates.
        unsafe {
            let _hold = hold();
            for (class, list) in (*lists.get()).iter_mut().enumerate() {
                if !list.first.is_null() {
                    put_chain(class, list.first);
                    *list = EMPTY;
                }
            }
        }
    };
    LISTS.with(give);
    HIDDEN.with(give);
}

/// Lets this thread's lists be such that the watcher, if there is one, hears of each piece.
pub fn follow_watch() {
    LISTS.with(|lists| {
        HIDDEN.with(|hidden| {
            // SAFETY: the lists are this thread's; nothing below allocates.
            unsafe {
                // There are no pieces of the first class.
                match (watch::is_on(), (*lists.get())[0].count == WATCHED) {
                    (true, false) => {
                        *hidden.get() = *lists.get();
                        *lists.get() = [List { first: ptr::null_mut(), count: WATCHED }; CLASSES];
                    }
                    (false, true) => {
                        *lists.get() = *hidden.get();
                        *hidden.get() = [EMPTY; CLASSES];
                    }
                    _ => {}
                }
            }
        })
    })
}

/// Takes a piece from the list of a class; null if there is no memory.
#[inline(always)]
unsafe fn take(list: *mut List, class: usize, size: usize) -> *mut u8 {
    // SAFETY: the list is this thread's; its pieces are free.
    unsafe {
        let piece = (*list).first;
        if piece.is_null() {
            return refill(list, class, size);
        }
        (*list).first = (*piece).next;
        (*list).count -= 1;
        piece as *mut u8
    }
}

/// Gives a piece back to the list of its class.
#[inline(always)]
unsafe fn give(list: *mut List, class: usize, piece: *mut Piece) {
    // SAFETY: the list is this thread's, and nobody has the piece.
    unsafe {
        (*piece).next = (*list).first;
        (*list).first = piece;
        (*list).count += 1;
        if (*list).count as usize > KEEP / STEP / class {
            flush(list, class);
        }
    }
}

/// A piece for a thread that is watched.
unsafe fn watched_alloc(class: usize, size: usize) -> *mut u8 {
    // SAFETY: the lists are this thread's, and not held while the watcher is told.
    unsafe {
        let piece = HIDDEN.with(|hidden| take(&raw mut (*hidden.get())[class], class, size));
        if watch::is_on() {
            watch::made(piece, size);
        } else {
            follow_watch();
        }
        piece
    }
}

/// A thread that is watched has given the first piece of `list` back.
unsafe fn watched_dealloc(list: *mut List, class: usize) {
    // SAFETY: as above.
    unsafe {
        let piece = (*list).first;
        *list = List { first: ptr::null_mut(), count: WATCHED };
        watch::gone(piece as *const u8);
        HIDDEN.with(|hidden| {
            give(&raw mut (*hidden.get())[class], class, piece);
        });
        if !watch::is_on() {
            follow_watch();
        }
    }
}

/// # Safety
/// The store is held; `first` begins a chain of free pieces of this class.
unsafe fn put_chain(class: usize, first: *mut Piece) {
    // SAFETY: says the caller.
    unsafe {
        let store = &mut *CENTRAL.store.get();
        (*first).chain = store.chains[class];
        store.chains[class] = first;
    }
}

/// Fills the empty list of a class and takes one piece; null if there is no memory.
#[cold]
#[inline(never)]
unsafe fn refill(list: *mut List, class: usize, size: usize) -> *mut u8 {
    // SAFETY: chains consist of free pieces; a slice is memory that nobody has.
    unsafe {
        if (*list).count == WATCHED {
            return watched_alloc(class, size);
        }
        let _hold = hold();
        let store = &mut *CENTRAL.store.get();
        let first = store.chains[class];
        if !first.is_null() {
            store.chains[class] = (*first).chain;
            let mut count = 0;
            let mut piece = (*first).next;
            while !piece.is_null() {
                count += 1;
                piece = (*piece).next;
            }
            *list = List { first: (*first).next, count };
            return first as *mut u8;
        }
        if store.left < SLICE {
            if limit::is_on() && !limit::grant(REGION, REGION) {
                return ptr::null_mut();
            }
            let region = System.alloc(Layout::from_size_align_unchecked(REGION, 4096));
            if region.is_null() {
                return region;
            }
            store.region = region;
            store.left = REGION;
        }
        let slice = store.region;
        store.region = slice.add(SLICE);
        store.left -= SLICE;
        let size = class * STEP;
        let mut first: *mut Piece = ptr::null_mut();
        let count = SLICE / size;
        for i in (1..count).rev() {
            let piece = slice.add(i * size) as *mut Piece;
            (*piece).next = first;
            first = piece;
        }
        *list = List { first, count: count as u32 - 1 };
        slice
    }
}

/// Gives half of a list that has grown too long to the store.
#[cold]
#[inline(never)]
unsafe fn flush(list: *mut List, class: usize) {
    // SAFETY: the list has `count` pieces.
    unsafe {
        if (*list).count > WATCHED {
            return watched_dealloc(list, class);
        }
        let half = (*list).count / 2;
        let mut last = (*list).first;
        for _ in 1..half {
            last = (*last).next;
        }
        let rest = (*last).next;
        (*last).next = ptr::null_mut();
        let given = (*list).first;
        *list = List { first: rest, count: (*list).count - half };
        let _hold = hold();
        put_chain(class, given);
    }
}

#[inline(always)]
fn is_small(size: usize, align: usize) -> bool {
    size <= LARGEST && align <= STEP
}

#[inline(always)]
fn class_of(size: usize) -> usize {
    size.div_ceil(STEP).max(1)
}

/// Does anybody want to know what is asked of the system?
#[inline(always)]
fn is_asked() -> bool {
    watch::is_on() || limit::is_on()
}

/// Memory from the system, by `take`, while somebody wants to know.
#[cold]
fn asked_alloc(layout: Layout, take: unsafe fn(&System, Layout) -> *mut u8) -> *mut u8 {
    if limit::is_on() && !limit::grant(layout.size(), layout.size()) {
        return ptr::null_mut();
    }
    // SAFETY: the allocator's caller says that the size is not zero.
    let memory = unsafe { take(&System, layout) };
    if memory.is_null() {
        limit::give_back(layout.size());
    } else if watch::is_on() {
        watch::made(memory, layout.size());
    }
    memory
}

#[cold]
unsafe fn asked_dealloc(memory: *mut u8, layout: Layout) {
    if watch::is_on() {
        watch::gone(memory);
    }
    limit::give_back(layout.size());
    // SAFETY: as the caller's.
    unsafe { System.dealloc(memory, layout) }
}

#[cold]
unsafe fn asked_realloc(memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
    let more = size.saturating_sub(layout.size());
    if limit::is_on() && more > 0 && !limit::grant(more, size) {
        return ptr::null_mut();
    }
    if watch::is_on() {
        // Told before: another thread may get the old place at once.
        watch::gone(memory);
    }
    // SAFETY: as the caller's.
    let moved = unsafe { System.realloc(memory, layout, size) };
    let (place, size) = if moved.is_null() { (memory, layout.size()) } else { (moved, size) };
    limit::give_back(if moved.is_null() { more } else { layout.size().saturating_sub(size) });
    if watch::is_on() {
        watch::made(place, size);
    }
    moved
}

/// See the module text.
pub struct SmallAllocator;

// SAFETY: pieces are disjoint, large enough and aligned to 16 bytes; which
// allocator has a block depends on its layout alone.
unsafe impl GlobalAlloc for SmallAllocator {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller's.
        unsafe {
            if !is_small(layout.size(), layout.align()) {
                if is_asked() {
                    return asked_alloc(layout, <System as GlobalAlloc>::alloc);
                }
                return System.alloc(layout);
            }
            let class = class_of(layout.size());
            LISTS.with(|lists| take(&raw mut (*lists.get())[class], class, layout.size()))
        }
    }

    #[inline]
    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: as the caller's.
        unsafe {
            if !is_small(layout.size(), layout.align()) {
                if is_asked() {
                    return asked_dealloc(memory, layout);
                }
                return System.dealloc(memory, layout);
            }
            let class = class_of(layout.size());
            LISTS.with(|lists| {
                give(&raw mut (*lists.get())[class], class, memory as *mut Piece);
            })
        }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller's.
        unsafe {
            if !is_small(layout.size(), layout.align()) {
                if is_asked() {
                    return asked_alloc(layout, <System as GlobalAlloc>::alloc_zeroed);
                }
                return System.alloc_zeroed(layout);
            }
            let memory = self.alloc(layout);
            if !memory.is_null() {
                ptr::write_bytes(memory, 0, layout.size());
            }
            memory
        }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as the caller's.
        unsafe {
            let (old, new) = (is_small(layout.size(), layout.align()), is_small(size, layout.align()));
            if !old && !new {
                if is_asked() {
                    return asked_realloc(memory, layout, size);
                }
                return System.realloc(memory, layout, size);
            }
            if old && new && class_of(layout.size()) == class_of(size) {
                if watch::is_on() {
                    watch::made(memory, size);
                }
                return memory;
            }
            let moved = self.alloc(Layout::from_size_align_unchecked(size, layout.align()));
            if !moved.is_null() {
                ptr::copy_nonoverlapping(memory, moved, layout.size().min(size));
                self.dealloc(memory, layout);
            }
            moved
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(size: usize) -> Layout {
        Layout::from_size_align(size, 8).expect("a layout")
    }

    #[test]
    fn pieces_are_disjoint_and_come_back() {
        let mut taken = Vec::new();
        // SAFETY: each piece is written in its own range and freed once.
        unsafe {
            for i in 0..5000usize {
                let size = 1 + i % 600;
                let piece = SmallAllocator.alloc(layout(size));
                ptr::write_bytes(piece, i as u8, size);
                taken.push((piece, size, i as u8));
            }
            for &(piece, size, mark) in &taken {
                assert!((0..size).all(|k| *piece.add(k) == mark));
                SmallAllocator.dealloc(piece, layout(size));
            }
        }
    }

    #[test]
    fn what_another_thread_freed_is_used_again() {
        let size = 48;
        let mut seen = std::collections::HashSet::new();
        for _ in 0..20 {
            // SAFETY: as above; the pieces travel as numbers.
            let pieces: Vec<usize> =
                (0..4000).map(|_| unsafe { SmallAllocator.alloc(layout(size)) } as usize).collect();
            seen.extend(pieces.iter().copied());
            std::thread::spawn(move || {
                for piece in pieces {
                    // SAFETY: nobody uses it any more.
                    unsafe { SmallAllocator.dealloc(piece as *mut u8, layout(size)) };
                }
                retire();
            })
            .join()
            .expect("the thread ends");
        }
        assert!(seen.len() < 3 * 4000, "{} different pieces", seen.len());
    }

    #[test]
    fn a_watcher_hears_of_each_piece() {
        thread_local! {
            static KNOWN: std::cell::RefCell<std::collections::BTreeMap<usize, usize>> =
                const { std::cell::RefCell::new(std::collections::BTreeMap::new()) };
        }
        static WATCHER: watch::Watcher = watch::Watcher {
            made: |address, size| KNOWN.with_borrow_mut(|known| drop(known.insert(address, size))),
            gone: |address| KNOWN.with_borrow_mut(|known| drop(known.remove(&address))),
        };
        let sizes = || {
            let mut sizes: Vec<usize> = KNOWN.with_borrow(|known| known.values().copied().collect());
            sizes.sort_unstable();
            sizes
        };
        // SAFETY: each piece is freed once, with its size.
        unsafe {
            let early = SmallAllocator.alloc(layout(40));
            watch::begin(&WATCHER);
            follow_watch();
            let small = SmallAllocator.alloc(layout(33));
            let large = SmallAllocator.alloc(layout(5000));
            assert_eq!(
                KNOWN.with_borrow(|known| (known[&(small as usize)], known[&(large as usize)])),
                (33, 5000)
            );
            let small = SmallAllocator.realloc(small, layout(33), 45);
            let large = SmallAllocator.realloc(large, layout(5000), 70_000);
            assert_eq!(
                KNOWN.with_borrow(|known| (known[&(small as usize)], known[&(large as usize)])),
                (45, 70_000)
            );
            let small = SmallAllocator.realloc(small, layout(45), 600);
            assert_eq!(sizes().iter().sum::<usize>(), 70_600);
            SmallAllocator.dealloc(early, layout(40));
            SmallAllocator.dealloc(small, layout(600));
            assert_eq!(sizes(), [70_000]);
            let last = SmallAllocator.alloc(layout(16));
            watch::end();
            SmallAllocator.dealloc(last, layout(16));
            let after = SmallAllocator.alloc(layout(16));
            assert_eq!(after, last, "the lists are in use again");
            SmallAllocator.dealloc(after, layout(16));
            SmallAllocator.dealloc(large, layout(70_000));
            assert_eq!(sizes(), [16, 70_000]);
        }
    }

    #[test]
    fn growing_keeps_the_content() {
        // SAFETY: sizes are the ones asked for.
        unsafe {
            let mut piece = SmallAllocator.alloc(layout(8));
            ptr::write_bytes(piece, 7, 8);
            let mut size = 8;
            for new in [16, 17, 500, 512, 513, 4000, 100, 8] {
                piece = SmallAllocator.realloc(piece, layout(size), new);
                size = new;
                assert!((0..8).all(|k| *piece.add(k) == 7));
            }
            SmallAllocator.dealloc(piece, layout(size));
        }
    }
}
