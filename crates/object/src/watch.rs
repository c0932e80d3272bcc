//! Who is told of every piece of memory that is made and goes: `tracemalloc`.
//!
//! Nobody pays while there is no watcher: to have one, the lists from which memory
//! is taken look empty and those to which it returns look full, so that each request
//! goes the way that is rare otherwise, and that way asks here (see
//! [`Heap::follow_watch`](crate::Heap::follow_watch) and
//! [`small::follow_watch`](crate::small::follow_watch)).

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};

/// What is told, with the lock held and nothing watched of what the function itself does.
pub struct Watcher {
    /// There are `size` bytes at this address. It may be known: then its size is another one now.
    pub made: fn(usize, usize),
    /// What is at this address is about to go.
    pub gone: fn(usize),
}

static WATCHER: AtomicPtr<Watcher> = AtomicPtr::new(std::ptr::null_mut());
static LOCKED: AtomicBool = AtomicBool::new(false);

thread_local! {
    static INSIDE: Cell<u32> = const { Cell::new(0) };
}

/// From now on `watcher` is told. Threads follow when they get the GIL next.
pub fn begin(watcher: &'static Watcher) {
    WATCHER.store(std::ptr::from_ref(watcher).cast_mut(), Ordering::Release);
}

/// From now on nobody is told.
pub fn end() {
    WATCHER.store(std::ptr::null_mut(), Ordering::Release);
}

/// Is anybody told?
#[inline(always)]
pub fn is_on() -> bool {
    !WATCHER.load(Ordering::Relaxed).is_null()
}

/// For `fork`: nobody is at the watcher's tables from here on.
pub(crate) fn lock() {
    while LOCKED.swap(true, Ordering::Acquire) {
        std::thread::yield_now();
    }
}

pub(crate) fn unlock() {
    LOCKED.store(false, Ordering::Release);
}

/// Runs `work` alone with the watcher's tables. What it allocates and frees, nobody is told of.
pub fn alone<R>(work: impl FnOnce() -> R) -> R {
    struct Release;
    impl Drop for Release {
        fn drop(&mut self) {
            unlock();
        }
    }
    unseen(|| {
        lock();
        let _release = Release;
        work()
    })
}

/// Runs `work`; nobody is told of what it allocates and frees.
pub fn unseen<R>(work: impl FnOnce() -> R) -> R {
    struct Leave;
    impl Drop for Leave {
        fn drop(&mut self) {
            INSIDE.with(|inside| inside.set(inside.get() - 1));
        }
    }
    INSIDE.with(|inside| inside.set(inside.get() + 1));
    let _leave = Leave;
    work()
}

fn tell(what: impl FnOnce(&Watcher)) {
    if INSIDE.with(|inside| inside.get()) > 0 {
        return;
    }
    alone(|| {
        // SAFETY: watchers are static.
        if let Some(watcher) = unsafe { WATCHER.load(Ordering::Acquire).as_ref() } {
            what(watcher);
        }
    });
}

/// Memory was made (or has another size now).
#[cold]
#[inline(never)]
pub(crate) fn made(address: *const u8, size: usize) {
    if !address.is_null() {
        tell(|watcher| (watcher.made)(address as usize, size));
    }
}

/// Memory is about to go.
#[cold]
#[inline(never)]
pub(crate) fn gone(address: *const u8) {
    tell(|watcher| (watcher.gone)(address as usize));
}
