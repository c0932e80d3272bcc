//! The system's log.
//!
//! The C library keeps the pointer to the name that programs give themselves:
//! the name lives here, and one lock stands before all calls.

use crate::error::Result;
use crate::policy::{Access, check};
use std::ffi::{CStr, CString};
use std::ptr;
use std::sync::{Mutex, MutexGuard, PoisonError};

static NAME: Mutex<Option<CString>> = Mutex::new(None);

fn name() -> MutexGuard<'static, Option<CString>> {
    NAME.lock().unwrap_or_else(PoisonError::into_inner)
}

/// `openlog`: under what name messages are written, how, and of what kind they are.
pub fn open(ident: Option<CString>, options: i32, facility: i32) -> Result {
    check(Access::Write(c"/dev/log"))?;
    let mut name = name();
    let pointer = ident.as_ref().map_or(ptr::null(), |ident| ident.as_ptr());
    // SAFETY: a C string that stays where it is until another one has taken its place.
    unsafe { libc::openlog(pointer, options, facility) };
    *name = ident;
    Ok(())
}

/// `syslog`: writes a message.
pub fn write(priority: i32, message: &CStr) -> Result {
    check(Access::Write(c"/dev/log"))?;
    let _name = name();
    // SAFETY: the format takes one C string.
    unsafe { libc::syslog(priority, c"%s".as_ptr(), message.as_ptr()) };
    Ok(())
}

/// `closelog`.
pub fn close() {
    let mut name = name();
    // SAFETY: takes nothing.
    unsafe {
        libc::closelog();
        // Not to be left with a name that is gone.
        libc::openlog(ptr::null(), 0, libc::LOG_USER);
    }
    *name = None;
}

/// `setlogmask`: which priorities are written; the mask before. 0 changes nothing.
pub fn set_mask(mask: i32) -> i32 {
    let _name = name();
    // SAFETY: takes a number.
    unsafe { libc::setlogmask(mask) }
}
