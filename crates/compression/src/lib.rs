//! Taipan: streams of compressed data, as safe types over libraries whose
//! interfaces are C's. The only crate of the kind that may say `unsafe`; it
//! knows nothing of Python.
//!
//! A stream has a `run` that takes some input, appends some output to a
//! vector and tells how much of each; it never takes more room than it is
//! given and never aborts for want of memory.

#![deny(unsafe_op_in_unsafe_fn)]

pub mod bz2;
pub mod lzma;
pub mod zlib;
pub mod zstd;

/// What one step of a stream did.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// The library's code.
    pub code: i32,
    /// Bytes of input taken.
    pub consumed: usize,
    /// Bytes of output appended.
    pub produced: usize,
}

/// Makes room for `room` more bytes. False: there is no memory.
pub(crate) fn reserve(out: &mut Vec<u8>, room: usize) -> bool {
    out.try_reserve(room).is_ok()
}
