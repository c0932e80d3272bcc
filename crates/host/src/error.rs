//! [`Errno`], the one error of this crate, and the turning of C return values
//! into results.

use std::ffi::CStr;

/// An error number of the C library.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Errno(pub i32);

pub type Result<T = ()> = std::result::Result<T, Errno>;

impl Errno {
    /// The error of the last failed call of this thread.
    pub fn last() -> Errno {
        Errno(std::io::Error::last_os_error().raw_os_error().unwrap_or(0))
    }
    /// Forgets the error of the last call, for calls that report only so.
    pub fn clear() {
        // SAFETY: the location is the thread's own.
        unsafe { *libc::__errno_location() = 0 }
    }
    /// The C library's words for it.
    pub fn text(self) -> String {
        // SAFETY: strerror_r with a buffer of our own.
        unsafe {
            let mut buffer = [0 as libc::c_char; 256];
            if libc::strerror_r(self.0, buffer.as_mut_ptr(), buffer.len()) != 0 {
                return format!("Unknown error {}", self.0);
            }
            CStr::from_ptr(buffer.as_ptr()).to_string_lossy().into_owned()
        }
    }
}

/// Return values that are -1 on failure.
pub(crate) trait Failing: Copy {
    fn failed(self) -> bool;
}

macro_rules! failing {
    ($($t:ty)*) => {$(
        impl Failing for $t {
            fn failed(self) -> bool {
                self == -1
            }
        }
    )*};
}
failing!(i32 i64 isize);

/// The value, or the errno if it is -1.
pub(crate) fn check<T: Failing>(value: T) -> Result<T> {
    if value.failed() { Err(Errno::last()) } else { Ok(value) }
}

/// As [`check`], without the value.
pub(crate) fn done<T: Failing>(value: T) -> Result {
    check(value).map(drop)
}

/// For calls that return the error number itself.
pub(crate) fn code(value: i32) -> Result {
    if value == 0 { Ok(()) } else { Err(Errno(value)) }
}

/// For calls that return a byte count or -1.
pub(crate) fn count(value: isize) -> Result<usize> {
    check(value).map(|n| n as usize)
}
