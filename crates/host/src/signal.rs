//! Signals. The handler that the system calls only notes the number, sets a
//! bit in the interpreter's breaker word and writes a byte to the wake-up
//! descriptor; everything else happens at the interpreter's next safe point.

use crate::error::{Errno, Result, check as cvt, code, done};
use crate::policy::{Access, check};
use std::ffi::CStr;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicPtr, AtomicU32, Ordering};

/// Signal numbers are below this.
pub const COUNT: usize = 65;

static PENDING: [AtomicBool; COUNT] = [const { AtomicBool::new(false) }; COUNT];
static ANY: AtomicBool = AtomicBool::new(false);
static BREAKER: AtomicPtr<AtomicU32> = AtomicPtr::new(std::ptr::null_mut());
static BIT: AtomicU32 = AtomicU32::new(0);
static WAKEUP: AtomicI32 = AtomicI32::new(-1);
static WARN_FULL: AtomicBool = AtomicBool::new(true);
/// Errno of a failed write to the wake-up descriptor that is to be reported.
static WAKEUP_ERROR: AtomicI32 = AtomicI32::new(0);

/// What is done with a signal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Disposition {
    Default,
    Ignore,
    /// Noted for the interpreter.
    Note,
    /// Something that was not set by us.
    Foreign,
}

extern "C" fn note(signal: libc::c_int) {
    let errno = Errno::last();
    trip(signal as usize);
    // SAFETY: the location is the thread's own.
    unsafe { *libc::__errno_location() = errno.0 }
}

fn trip(signal: usize) {
    if signal >= COUNT {
        return;
    }
    PENDING[signal].store(true, Ordering::SeqCst);
    ANY.store(true, Ordering::SeqCst);
    let breaker = BREAKER.load(Ordering::SeqCst);
    if !breaker.is_null() {
        // SAFETY: set once to a word that lives as long as the process.
        unsafe { (*breaker).fetch_or(BIT.load(Ordering::Relaxed), Ordering::SeqCst) };
    }
    let fd = WAKEUP.load(Ordering::SeqCst);
    if fd != -1 {
        let byte = signal as u8;
        // SAFETY: one byte of ours; write is allowed in signal handlers.
        let n = unsafe { libc::write(fd, (&raw const byte).cast(), 1) };
        if n < 0 {
            let e = Errno::last().0;
            if WARN_FULL.load(Ordering::Relaxed) || e != libc::EAGAIN {
                WAKEUP_ERROR.store(e, Ordering::SeqCst);
            }
        }
    }
}

/// Where to set which bit when a signal comes.
pub fn set_breaker(word: &'static AtomicU32, bit: u32) {
    BIT.store(bit, Ordering::SeqCst);
    BREAKER.store((word as *const AtomicU32).cast_mut(), Ordering::SeqCst);
}

/// Notes a signal as if it had come (`_thread.interrupt_main`).
pub fn simulate(signal: usize) {
    trip(signal)
}

/// The signals noted since the last call, lowest number first.
pub fn take_pending() -> Vec<i32> {
    if !ANY.swap(false, Ordering::SeqCst) {
        return Vec::new();
    }
    (1..COUNT).filter(|&n| PENDING[n].swap(false, Ordering::SeqCst)).map(|n| n as i32).collect()
}

/// Puts signals back that were taken but not handled.
pub fn put_back(signals: &[i32]) {
    for &n in signals {
        if let Some(pending) = PENDING.get(n as usize) {
            pending.store(true, Ordering::SeqCst);
        }
    }
    if !signals.is_empty() {
        ANY.store(true, Ordering::SeqCst);
        let breaker = BREAKER.load(Ordering::SeqCst);
        if !breaker.is_null() {
            // SAFETY: as in `trip`.
            unsafe { (*breaker).fetch_or(BIT.load(Ordering::Relaxed), Ordering::SeqCst) };
        }
    }
}

/// Forgets what was noted (in a new child process).
pub fn forget_pending() {
    ANY.store(false, Ordering::SeqCst);
    PENDING.iter().for_each(|p| p.store(false, Ordering::SeqCst));
}

/// The wake-up descriptor (-1: none); gives back the one before.
pub fn set_wakeup(fd: i32, warn_on_full_buffer: bool) -> i32 {
    WARN_FULL.store(warn_on_full_buffer, Ordering::SeqCst);
    WAKEUP.swap(fd, Ordering::SeqCst)
}

/// The errno of a write to the wake-up descriptor that failed since the last call.
pub fn take_wakeup_error() -> Option<Errno> {
    match WAKEUP_ERROR.swap(0, Ordering::SeqCst) {
        0 => None,
        e => Some(Errno(e)),
    }
}

fn disposition_of(action: &libc::sigaction) -> Disposition {
    match action.sa_sigaction {
        libc::SIG_DFL => Disposition::Default,
        libc::SIG_IGN => Disposition::Ignore,
        f if f == note as *const () as usize => Disposition::Note,
        _ => Disposition::Foreign,
    }
}

/// What is done with the signal now.
pub fn disposition(signal: i32) -> Result<Disposition> {
    // SAFETY: zero is a valid sigaction, filled by the call.
    unsafe {
        let mut old: libc::sigaction = std::mem::zeroed();
        done(libc::sigaction(signal, std::ptr::null(), &mut old))?;
        Ok(disposition_of(&old))
    }
}

/// Sets what is done with a signal. `Foreign` cannot be set.
pub fn set_disposition(signal: i32, disposition: Disposition) -> Result<Disposition> {
    let handler = match disposition {
        Disposition::Default => libc::SIG_DFL,
        Disposition::Ignore => libc::SIG_IGN,
        Disposition::Note => note as *const () as usize,
        Disposition::Foreign => return Err(Errno(libc::EINVAL)),
    };
    // SAFETY: zero is a valid sigaction; the handler only does what handlers may.
    unsafe {
        let mut new: libc::sigaction = std::mem::zeroed();
        new.sa_sigaction = handler;
        libc::sigemptyset(&mut new.sa_mask);
        // On the alternate stack, if the thread has one: ours may be full.
        new.sa_flags = libc::SA_ONSTACK;
        let mut old: libc::sigaction = std::mem::zeroed();
        done(libc::sigaction(signal, &new, &mut old))?;
        Ok(disposition_of(&old))
    }
}

/// Whether system calls are interrupted by the signal, or restarted.
pub fn set_interrupts(signal: i32, interrupts: bool) -> Result {
    // SAFETY: zero is a valid sigaction, filled by the first call.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        done(libc::sigaction(signal, std::ptr::null(), &mut action))?;
        if interrupts {
            action.sa_flags &= !libc::SA_RESTART;
        } else {
            action.sa_flags |= libc::SA_RESTART;
        }
        done(libc::sigaction(signal, &action, std::ptr::null_mut()))
    }
}

pub fn raise(signal: i32) -> Result {
    // SAFETY: a number.
    done(unsafe { libc::raise(signal) })
}

pub fn thread_kill(thread: u64, signal: i32) -> Result {
    check(Access::Control)?;
    // SAFETY: the C library checks the thread as well as it can, as for Python.
    code(unsafe { libc::pthread_kill(thread as libc::pthread_t, signal) })
}

pub fn alarm(seconds: u32) -> u32 {
    // SAFETY: a number.
    unsafe { libc::alarm(seconds) }
}

pub fn pause() {
    // SAFETY: no arguments.
    unsafe { libc::pause() };
}

/// The C library's description of a signal, if it has one.
pub fn text(signal: i32) -> Option<String> {
    // SAFETY: the string is copied at once.
    unsafe {
        let text = libc::strsignal(signal);
        if text.is_null() {
            return None;
        }
        let text = CStr::from_ptr(text).to_string_lossy().into_owned();
        if text.starts_with("Unknown signal") { None } else { Some(text) }
    }
}

/// Seconds and microseconds until the timer fires, and of its interval.
pub type Timer = [(i64, i64); 2];

fn timer_from_c(t: &libc::itimerval) -> Timer {
    [(t.it_value.tv_sec, t.it_value.tv_usec), (t.it_interval.tv_sec, t.it_interval.tv_usec)]
}

unsafe extern "C" {
    fn getitimer(which: libc::c_int, value: *mut libc::itimerval) -> libc::c_int;
    fn setitimer(which: libc::c_int, new: *const libc::itimerval, old: *mut libc::itimerval) -> libc::c_int;
}

pub fn timer(which: i32) -> Result<Timer> {
    // SAFETY: zero is a valid itimerval, filled by the call.
    unsafe {
        let mut t: libc::itimerval = std::mem::zeroed();
        done(getitimer(which, &mut t))?;
        Ok(timer_from_c(&t))
    }
}

pub fn set_timer(which: i32, new: Timer) -> Result<Timer> {
    let value = |(tv_sec, tv_usec): (i64, i64)| libc::timeval { tv_sec, tv_usec };
    let new = libc::itimerval { it_value: value(new[0]), it_interval: value(new[1]) };
    // SAFETY: as above.
    unsafe {
        let mut old: libc::itimerval = std::mem::zeroed();
        done(setitimer(which, &new, &mut old))?;
        Ok(timer_from_c(&old))
    }
}

// ---- sets ---------------------------------------------------------------------------------

fn to_set(signals: &[i32]) -> libc::sigset_t {
    // SAFETY: initialised before use; bad numbers are refused.
    unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&mut set);
        for &signal in signals {
            libc::sigaddset(&mut set, signal);
        }
        set
    }
}

fn from_set(set: &libc::sigset_t) -> Vec<i32> {
    // SAFETY: an initialised set.
    (1..COUNT as i32).filter(|&n| unsafe { libc::sigismember(set, n) } == 1).collect()
}

/// All signals there are.
pub fn all() -> Vec<i32> {
    // SAFETY: initialised by the call.
    unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigfillset(&mut set);
        from_set(&set)
    }
}

/// Changes the thread's mask; gives back the one before.
pub fn set_mask(how: i32, signals: &[i32]) -> Result<Vec<i32>> {
    // SAFETY: initialised sets.
    unsafe {
        let mut old: libc::sigset_t = std::mem::zeroed();
        code(libc::pthread_sigmask(how, &to_set(signals), &mut old))?;
        Ok(from_set(&old))
    }
}

/// Signals that wait because they are blocked.
pub fn blocked_pending() -> Result<Vec<i32>> {
    // SAFETY: initialised by the call.
    unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        done(libc::sigpending(&mut set))?;
        Ok(from_set(&set))
    }
}

/// Waits for one of the signals.
pub fn wait(signals: &[i32]) -> Result<i32> {
    let mut signal = 0;
    // SAFETY: an initialised set; fills in the number.
    code(unsafe { libc::sigwait(&to_set(signals), &mut signal) })?;
    Ok(signal)
}

/// signo, code, errno, pid, uid, status, band.
pub type Info = [i64; 7];

/// Waits for one of the signals, for at most a time (seconds, nanoseconds).
pub fn wait_info(signals: &[i32], timeout: Option<(i64, i64)>) -> Result<Info> {
    let timeout = timeout.map(|(tv_sec, tv_nsec)| libc::timespec { tv_sec, tv_nsec });
    let timeout = timeout.as_ref().map_or(std::ptr::null(), |t| t as *const _);
    // SAFETY: initialised set; zero is a valid siginfo; the fields read are
    // numbers wherever they overlap.
    unsafe {
        let mut info: libc::siginfo_t = std::mem::zeroed();
        cvt(libc::sigtimedwait(&to_set(signals), &mut info, timeout))?;
        let band = *((&raw const info).cast::<i64>().add(2));
        Ok([
            info.si_signo as i64,
            info.si_code as i64,
            info.si_errno as i64,
            info.si_pid() as i64,
            info.si_uid() as i64,
            info.si_status() as i64,
            band,
        ])
    }
}
