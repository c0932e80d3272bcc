//! A bound on the memory that the process takes (`-X memory=512M`).
//!
//! What is counted are the pieces that come from the system: large ones, and those that
//! objects and small pieces are cut from. What goes a little beyond the bound is granted
//! from a reserve, and the interpreter is asked to raise MemoryError at its next safe point
//! ([`BIT`] of the breaker). Beyond the reserve large requests are refused, as the system refuses
//! what it does not have. Small ones, which nobody expects to fail, are granted even then: native code that makes
//! objects without end and without a safe point keeps them somewhere, and that is large before long.

use std::cell::Cell;
use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicUsize, Ordering};

/// The bit of [`Heap::breaker`](crate::Heap::breaker) that says that the bound was passed.
pub const BIT: u32 = 64;
/// Requests above this are large.
const LARGE: usize = 1 << 20;
/// The least reserve.
const LEAST: usize = 8 << 20;

/// The bound; 0: there is none.
static LIMIT: AtomicUsize = AtomicUsize::new(0);
static USED: AtomicUsize = AtomicUsize::new(0);
/// The interpreter is asked when more than this is used: more and more after each time, so that whoever handles
/// a MemoryError can do so.
static ASK: AtomicUsize = AtomicUsize::new(0);
static BREAKER: AtomicPtr<AtomicU32> = AtomicPtr::new(std::ptr::null_mut());

thread_local! {
    static EXEMPT: Cell<u32> = const { Cell::new(0) };
}

/// Runs `work`, whose requests are not refused: the collector's, which is to make room.
pub fn exempt<R>(work: impl FnOnce() -> R) -> R {
    EXEMPT.with(|exempt| exempt.set(exempt.get() + 1));
    let result = work();
    EXEMPT.with(|exempt| exempt.set(exempt.get() - 1));
    result
}

/// Sets the bound.
pub fn set(bytes: usize) {
    ASK.store(bytes, Ordering::Relaxed);
    LIMIT.store(bytes, Ordering::Relaxed);
}

/// `breaker` is told when the bound is passed.
pub fn tell(breaker: &'static AtomicU32) {
    BREAKER.store(std::ptr::from_ref(breaker).cast_mut(), Ordering::Release);
}

/// Is memory counted?
#[inline(always)]
pub(crate) fn is_on() -> bool {
    LIMIT.load(Ordering::Relaxed) > 0
}

fn reserve(limit: usize) -> usize {
    (limit / 8).max(LEAST)
}

/// May `size` bytes more be taken, for a piece of `whole` bytes? If so they count.
#[cold]
pub(crate) fn grant(size: usize, whole: usize) -> bool {
    let limit = LIMIT.load(Ordering::Relaxed);
    let used = USED.fetch_add(size, Ordering::Relaxed).saturating_add(size);
    if used <= limit {
        return true;
    }
    if whole > LARGE && used - limit > reserve(limit) && EXEMPT.with(|exempt| exempt.get()) == 0 {
        USED.fetch_sub(size, Ordering::Relaxed);
        return false;
    }
    if used > ASK.load(Ordering::Relaxed) {
        // SAFETY: what was set is static.
        if let Some(breaker) = unsafe { BREAKER.load(Ordering::Acquire).as_ref() } {
            ASK.store(usize::MAX, Ordering::Relaxed);
            breaker.fetch_or(BIT, Ordering::Relaxed);
        }
    }
    true
}

/// `size` bytes are given back.
#[cold]
pub(crate) fn give_back(size: usize) {
    // What was taken before there was a bound was not counted.
    let _ = USED.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| Some(used.saturating_sub(size)));
}

/// Is the bound passed? Then the interpreter is asked again only when yet more is used.
pub fn is_passed() -> bool {
    let (limit, used) = (LIMIT.load(Ordering::Relaxed), USED.load(Ordering::Relaxed));
    let passed = limit > 0 && used > limit;
    ASK.store(if passed { used + reserve(limit) / 16 } else { limit }, Ordering::Relaxed);
    passed
}
