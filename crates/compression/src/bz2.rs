//! bzip2's streams. The implementation is libbz2-rs-sys: bzip2 in Rust behind
//! bzip2's C interface. Codes and actions are bzip2's own.

use crate::{Step, reserve};
use libbz2_rs_sys as b;
use std::ffi::c_int;

pub const RUN: i32 = 0;
pub const FINISH: i32 = 2;

pub const OK: i32 = 0;
pub const RUN_OK: i32 = 1;
pub const FINISH_OK: i32 = 3;
pub const STREAM_END: i32 = 4;
pub const SEQUENCE_ERROR: i32 = -1;
pub const PARAM_ERROR: i32 = -2;
pub const MEM_ERROR: i32 = -3;
pub const DATA_ERROR: i32 = -4;
pub const DATA_ERROR_MAGIC: i32 = -5;
pub const IO_ERROR: i32 = -6;
pub const UNEXPECTED_EOF: i32 = -7;

fn empty() -> Box<b::bz_stream> {
    Box::new(b::bz_stream {
        next_in: std::ptr::null(),
        avail_in: 0,
        total_in_lo32: 0,
        total_in_hi32: 0,
        next_out: std::ptr::null_mut(),
        avail_out: 0,
        total_out_lo32: 0,
        total_out_hi32: 0,
        state: std::ptr::null_mut(),
        bzalloc: None,
        bzfree: None,
        opaque: std::ptr::null_mut(),
    })
}

/// As zlib's: one step with at most `room` bytes of output.
fn step(
    stream: &mut b::bz_stream,
    input: &[u8],
    out: &mut Vec<u8>,
    room: usize,
    f: impl FnOnce(&mut b::bz_stream) -> c_int,
) -> Step {
    if !reserve(out, room) {
        return Step { code: MEM_ERROR, consumed: 0, produced: 0 };
    }
    let spare = &mut out.spare_capacity_mut()[..room];
    let given = u32::try_from(input.len()).unwrap_or(u32::MAX);
    let space = u32::try_from(room).unwrap_or(u32::MAX);
    stream.next_in = input.as_ptr().cast();
    stream.avail_in = given;
    stream.next_out = spare.as_mut_ptr().cast();
    stream.avail_out = space;
    let code = f(stream);
    let consumed = given.saturating_sub(stream.avail_in) as usize;
    let produced = space.saturating_sub(stream.avail_out) as usize;
    stream.next_in = std::ptr::null();
    stream.avail_in = 0;
    stream.next_out = std::ptr::null_mut();
    stream.avail_out = 0;
    // SAFETY: the library has written `produced` bytes, from the first free one on.
    unsafe { out.set_len(out.len() + produced) };
    Step { code, consumed, produced }
}

/// A compressor. Boxed, because the library's state points back to it.
pub struct Compressor(Box<b::bz_stream>);

// SAFETY: the state behind the pointers belongs to this stream alone.
unsafe impl Send for Compressor {}

impl Compressor {
    /// A new stream, for a level of 1 to 9.
    pub fn new(level: i32) -> Result<Compressor, i32> {
        let mut stream = empty();
        // SAFETY: a fresh stream with the library's allocator.
        let code = unsafe { b::BZ2_bzCompressInit(&mut *stream, level, 0, 0) };
        if code == OK { Ok(Compressor(stream)) } else { Err(code) }
    }
    pub fn run(&mut self, input: &[u8], out: &mut Vec<u8>, room: usize, action: i32) -> Step {
        step(&mut self.0, input, out, room, |stream| {
            // SAFETY: an initialised stream whose pointers `step` has set.
            unsafe { b::BZ2_bzCompress(stream, action) }
        })
    }
}

impl Drop for Compressor {
    fn drop(&mut self) {
        // SAFETY: initialised, and not used afterwards.
        unsafe { b::BZ2_bzCompressEnd(&mut *self.0) };
    }
}

/// A decompressor.
pub struct Decompressor(Box<b::bz_stream>);

// SAFETY: as above.
unsafe impl Send for Decompressor {}

impl Decompressor {
    pub fn new() -> Result<Decompressor, i32> {
        let mut stream = empty();
        // SAFETY: as above.
        let code = unsafe { b::BZ2_bzDecompressInit(&mut *stream, 0, 0) };
        if code == OK { Ok(Decompressor(stream)) } else { Err(code) }
    }
    pub fn run(&mut self, input: &[u8], out: &mut Vec<u8>, room: usize) -> Step {
        step(&mut self.0, input, out, room, |stream| {
            // SAFETY: as above.
            unsafe { b::BZ2_bzDecompress(stream) }
        })
    }
}

impl Drop for Decompressor {
    fn drop(&mut self) {
        // SAFETY: initialised, and not used afterwards.
        unsafe { b::BZ2_bzDecompressEnd(&mut *self.0) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        let mut packed = Vec::new();
        let step = Compressor::new(9).expect("init").run(b"hello hello", &mut packed, 1000, FINISH);
        assert_eq!(step.code, STREAM_END);
        let mut out = Vec::new();
        let step = Decompressor::new().expect("init").run(&packed, &mut out, 1000);
        assert_eq!((step.code, out.as_slice()), (STREAM_END, &b"hello hello"[..]));
    }
}
