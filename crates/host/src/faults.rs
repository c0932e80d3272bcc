//! Handlers of signals that say what the program does: those of fatal errors, and those that users ask for.
//!
//! A handler calls the function that the interpreter gave, which may only do what signal handlers may, and
//! then lets the signal do what it would have done.

use crate::error::{Errno, Result, done};
use crate::policy::{Access, check};
use crate::signal::COUNT;
use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};

/// Called with the signal's number; must not allocate nor lock.
pub type Report = fn(i32);

/// The signals of fatal errors and what they are called.
pub const FATAL: [(i32, &str); 5] = [
    (libc::SIGBUS, "Bus error"),
    (libc::SIGILL, "Illegal instruction"),
    (libc::SIGFPE, "Floating-point exception"),
    (libc::SIGABRT, "Aborted"),
    (libc::SIGSEGV, "Segmentation fault"),
];

struct Previous(UnsafeCell<[Option<libc::sigaction>; COUNT]>);

// SAFETY: changed with the interpreter's lock held while the signal's handler is not ours; handlers read it.
unsafe impl Sync for Previous {}

static PREVIOUS: Previous = Previous(UnsafeCell::new([None; COUNT]));
static REPORT: [AtomicPtr<()>; COUNT] = [const { AtomicPtr::new(std::ptr::null_mut()) }; COUNT];
static CHAIN: [AtomicBool; COUNT] = [const { AtomicBool::new(false) }; COUNT];

fn report(signal: i32) {
    let Some(place) = REPORT.get(signal as usize) else { return };
    let function = place.load(Ordering::SeqCst);
    if !function.is_null() {
        // SAFETY: only `install` stores here, always a `Report`.
        let function = unsafe { std::mem::transmute::<*mut (), Report>(function) };
        function(signal);
    }
}

fn default_action() -> libc::sigaction {
    // SAFETY: zero is a valid sigaction: SIG_DFL, nothing blocked.
    unsafe { std::mem::zeroed() }
}

extern "C" fn fatal(signal: libc::c_int) {
    let errno = Errno::last();
    // SAFETY: system calls that handlers may use. Whatever goes wrong from here on ends the process.
    unsafe { libc::sigaction(signal, &default_action(), std::ptr::null_mut()) };
    report(signal);
    // SAFETY: as above.
    unsafe {
        *libc::__errno_location() = errno.0;
        libc::raise(signal);
    }
}

extern "C" fn user(signal: libc::c_int) {
    let errno = Errno::last();
    report(signal);
    let index = signal as usize;
    if CHAIN.get(index).is_some_and(|chain| chain.load(Ordering::SeqCst)) {
        // SAFETY: the action was stored before this handler was installed.
        unsafe {
            let mut mine = default_action();
            if let Some(previous) = &(&*PREVIOUS.0.get())[index]
                && libc::sigaction(signal, previous, &mut mine) == 0
            {
                *libc::__errno_location() = errno.0;
                libc::raise(signal);
                libc::sigaction(signal, &mine, std::ptr::null_mut());
            }
        }
    }
    // SAFETY: the location is the thread's own.
    unsafe { *libc::__errno_location() = errno.0 }
}

fn install(signal: i32, handler: extern "C" fn(libc::c_int), chain: bool, function: Report) -> Result {
    check(Access::Control)?;
    let index = signal as usize;
    let (Some(place), Some(chained)) = (REPORT.get(index), CHAIN.get(index)) else {
        return Err(Errno(libc::EINVAL));
    };
    let mut action = default_action();
    action.sa_sigaction = handler as *const () as usize;
    // A chained handler runs while this one does.
    action.sa_flags = libc::SA_ONSTACK | if chain { libc::SA_NODEFER } else { libc::SA_RESTART };
    let known = !place.load(Ordering::SeqCst).is_null();
    chained.store(chain, Ordering::SeqCst);
    place.store(function as *mut (), Ordering::SeqCst);
    // SAFETY: valid actions; what was there is stored before anybody needs it.
    unsafe {
        let mut old = default_action();
        if !known {
            let read = done(libc::sigaction(signal, std::ptr::null(), &mut old));
            if read.is_ok() {
                (&mut *PREVIOUS.0.get())[index] = Some(old);
            }
        }
        let result = done(libc::sigaction(signal, &action, std::ptr::null_mut()));
        if result.is_err() && !known {
            place.store(std::ptr::null_mut(), Ordering::SeqCst);
        }
        result
    }
}

/// Gives a signal back to whoever had it. False: it was not taken.
pub fn release(signal: i32) -> bool {
    let Some(place) = REPORT.get(signal as usize) else { return false };
    if place.load(Ordering::SeqCst).is_null() {
        return false;
    }
    // SAFETY: stored by `install`.
    unsafe {
        if let Some(previous) = (&mut *PREVIOUS.0.get())[signal as usize].take() {
            libc::sigaction(signal, &previous, std::ptr::null_mut());
        }
    }
    place.store(std::ptr::null_mut(), Ordering::SeqCst);
    true
}

/// Calls `function` when a fatal error happens.
pub fn install_fatal(function: Report) -> Result {
    FATAL.iter().try_for_each(|(signal, _)| install(*signal, fatal, false, function))
}

/// Calls `function` when the signal comes, and then, if `chain`, what was called before.
pub fn install_user(signal: i32, chain: bool, function: Report) -> Result {
    install(signal, user, chain, function)
}

/// Reads from the page at address 0, as programs with errors do.
pub fn read_null() {
    let address = std::hint::black_box(std::ptr::without_provenance::<u8>(1));
    // SAFETY: none: this ends the process.
    std::hint::black_box(unsafe { std::ptr::read_volatile(address) });
}
