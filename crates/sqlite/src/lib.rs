//! Taipan: SQLite's C interface as safe types. The library is the one bundled
//! with libsqlite3-sys. This crate knows nothing of Python.
//!
//! Every statement, blob and backup keeps its [`Database`] alive. The library is
//! built in its serialized mode, so that any thread may call at any time; while
//! a call runs, the library holds the connection's mutex, under which callbacks
//! run as well.

#![deny(unsafe_op_in_unsafe_fn)]

mod blob;
mod callbacks;
mod database;
mod statement;

pub use blob::{Backup, Blob};
pub use callbacks::{Aggregate, Context, ValueRef};
pub use database::{Database, Hold};
pub use libsqlite3_sys as constants;
pub use statement::{Column, Statement};

use libsqlite3_sys as ffi;
use std::ffi::{CStr, c_char};

/// A result code of the library.
pub type Code = i32;

/// The library's version.
pub fn version() -> &'static str {
    // SAFETY: a string constant of the library.
    unsafe { CStr::from_ptr(ffi::sqlite3_libversion()) }.to_str().unwrap_or("")
}

/// How the library was built as regards threads: 0, 1 (serialized) or 2.
pub fn threadsafe() -> i32 {
    // SAFETY: a call without arguments.
    unsafe { ffi::sqlite3_threadsafe() }
}

/// Is the text one or more whole statements?
pub fn complete(sql: &CStr) -> bool {
    // SAFETY: a terminated string, only read.
    unsafe { ffi::sqlite3_complete(sql.as_ptr()) != 0 }
}

/// The library's words for a result code.
pub fn error_text(code: Code) -> &'static str {
    // SAFETY: string constants of the library.
    unsafe { CStr::from_ptr(ffi::sqlite3_errstr(code)) }.to_str().unwrap_or("unknown error")
}

/// A copy of a string of the library's, which may be null.
///
/// # Safety
/// `text` is null or a terminated string.
unsafe fn copied(text: *const c_char) -> Option<Vec<u8>> {
    if text.is_null() {
        return None;
    }
    // SAFETY: says the caller.
    Some(unsafe { CStr::from_ptr(text) }.to_bytes().to_vec())
}
