//! zlib's streams ([`Deflate`], [`Inflate`]) and its two checksums.
//!
//! Return codes, levels, window bits and flush modes are zlib's own. The
//! implementation is libz-rs-sys: zlib in Rust behind zlib's C interface,
//! which is the one that can copy streams.

use crate::{Step, reserve};
use libz_rs_sys as z;
use std::ffi::{CStr, c_int};

pub use z::{
    Z_BEST_COMPRESSION, Z_BEST_SPEED, Z_BLOCK, Z_BUF_ERROR, Z_DATA_ERROR, Z_DEFAULT_COMPRESSION,
    Z_DEFAULT_STRATEGY, Z_DEFLATED, Z_FILTERED, Z_FINISH, Z_FIXED, Z_FULL_FLUSH, Z_HUFFMAN_ONLY, Z_MEM_ERROR,
    Z_NEED_DICT, Z_NO_COMPRESSION, Z_NO_FLUSH, Z_OK, Z_PARTIAL_FLUSH, Z_RLE, Z_STREAM_END, Z_STREAM_ERROR,
    Z_SYNC_FLUSH, Z_TREES,
};
pub use zlib_rs::crc32::crc32;

/// The Adler-32 checksum, going on from `start`, which need be no checksum.
pub fn adler32(start: u32, data: &[u8]) -> u32 {
    const BASE: u32 = 65521;
    if data.is_empty() {
        let (low, high) = (start & 0xffff, start >> 16);
        return (low % BASE) | ((high % BASE) << 16);
    }
    zlib_rs::adler32::adler32(start, data)
}

/// The library's version.
pub fn version() -> &'static str {
    // SAFETY: a string constant of the library.
    unsafe { CStr::from_ptr(z::zlibVersion()) }.to_str().unwrap_or("")
}

/// The library's text for the last error of a stream.
fn message(stream: &z::z_stream) -> Option<&'static str> {
    if stream.msg.is_null() {
        return None;
    }
    // SAFETY: `msg` points to string constants of the library.
    unsafe { CStr::from_ptr(stream.msg) }.to_str().ok()
}

/// Points the stream to its input and to the free room of `out`, calls `f`, and
/// counts. At most `room` bytes are written.
fn step(
    stream: &mut z::z_stream,
    input: &[u8],
    out: &mut Vec<u8>,
    room: usize,
    f: impl FnOnce(&mut z::z_stream) -> c_int,
) -> Step {
    if !reserve(out, room) {
        return Step { code: Z_MEM_ERROR, consumed: 0, produced: 0 };
    }
    let spare = &mut out.spare_capacity_mut()[..room];
    let given = u32::try_from(input.len()).unwrap_or(u32::MAX);
    let space = u32::try_from(room).unwrap_or(u32::MAX);
    stream.next_in = input.as_ptr();
    stream.avail_in = given;
    stream.next_out = spare.as_mut_ptr().cast();
    stream.avail_out = space;
    let code = f(stream);
    let consumed = given.saturating_sub(stream.avail_in) as usize;
    let produced = space.saturating_sub(stream.avail_out) as usize;
    // The pointers must not outlive what they point to.
    stream.next_in = std::ptr::null();
    stream.avail_in = 0;
    stream.next_out = std::ptr::null_mut();
    stream.avail_out = 0;
    // SAFETY: the library has written `produced` bytes, from the first free one on.
    unsafe { out.set_len(out.len() + produced) };
    Step { code, consumed, produced }
}

/// A compressor. Boxed, because the library's state points back to it.
pub struct Deflate(Box<z::z_stream>);

// SAFETY: the state behind the pointers belongs to this stream alone.
unsafe impl Send for Deflate {}

impl Deflate {
    /// A new stream, or zlib's code for why there is none.
    pub fn new(
        level: i32,
        method: i32,
        window_bits: i32,
        memory_level: i32,
        strategy: i32,
    ) -> Result<Deflate, i32> {
        let mut stream = Box::new(z::z_stream::default());
        // SAFETY: a fresh stream with the library's allocator.
        let code = unsafe {
            z::deflateInit2_(
                &mut *stream,
                level,
                method,
                window_bits,
                memory_level,
                strategy,
                z::zlibVersion(),
                size_of::<z::z_stream>() as c_int,
            )
        };
        if code == Z_OK { Ok(Deflate(stream)) } else { Err(code) }
    }
    /// Compresses; `room` limits the output.
    pub fn run(&mut self, input: &[u8], out: &mut Vec<u8>, room: usize, flush: i32) -> Step {
        step(&mut self.0, input, out, room, |stream| {
            // SAFETY: an initialised stream whose pointers `step` has set.
            unsafe { z::deflate(stream, flush) }
        })
    }
    pub fn set_dictionary(&mut self, dictionary: &[u8]) -> i32 {
        let Ok(len) = u32::try_from(dictionary.len()) else { return Z_STREAM_ERROR };
        // SAFETY: an initialised stream, and bytes that are only read.
        unsafe { z::deflateSetDictionary(&mut *self.0, dictionary.as_ptr(), len) }
    }
    /// Makes the stream as good as new. False: it cannot be used again.
    pub fn reset(&mut self) -> bool {
        // SAFETY: an initialised stream.
        unsafe { z::deflateReset(&mut *self.0) == Z_OK }
    }
    /// A second stream in the same state.
    pub fn try_clone(&mut self) -> Result<Deflate, i32> {
        let mut copy = Box::new(z::z_stream::default());
        // SAFETY: from an initialised stream to memory of the right size. Should
        // it fail, `copy` is plain data and dropped as such.
        let code = unsafe { z::deflateCopy(&mut *copy, &mut *self.0) };
        if code == Z_OK { Ok(Deflate(copy)) } else { Err(code) }
    }
    pub fn message(&self) -> Option<&'static str> {
        message(&self.0)
    }
}

impl Drop for Deflate {
    fn drop(&mut self) {
        // SAFETY: initialised, and not used afterwards.
        unsafe { z::deflateEnd(&mut *self.0) };
    }
}

/// A decompressor. Boxed, because the library's state points back to it.
pub struct Inflate {
    stream: Box<z::z_stream>,
    /// What was wrong with the data when it was noticed first.
    wrong: Option<&'static str>,
}

// SAFETY: the state behind the pointers belongs to this stream alone.
unsafe impl Send for Inflate {}

impl Inflate {
    /// A new stream, or zlib's code for why there is none.
    pub fn new(window_bits: i32) -> Result<Inflate, i32> {
        let mut stream = Box::new(z::z_stream::default());
        // SAFETY: a fresh stream with the library's allocator.
        let code = unsafe {
            z::inflateInit2_(&mut *stream, window_bits, z::zlibVersion(), size_of::<z::z_stream>() as c_int)
        };
        if code == Z_OK { Ok(Inflate { stream, wrong: None }) } else { Err(code) }
    }
    /// Decompresses; `room` limits the output.
    pub fn run(&mut self, input: &[u8], out: &mut Vec<u8>, room: usize, flush: i32) -> Step {
        let step = step(&mut self.stream, input, out, room, |stream| {
            // SAFETY: an initialised stream whose pointers `step` has set.
            unsafe { z::inflate(stream, flush) }
        });
        if step.code == Z_DATA_ERROR && self.wrong.is_none() {
            self.wrong = message(&self.stream);
        }
        step
    }
    pub fn set_dictionary(&mut self, dictionary: &[u8]) -> i32 {
        let Ok(len) = u32::try_from(dictionary.len()) else { return Z_STREAM_ERROR };
        // SAFETY: an initialised stream, and bytes that are only read.
        unsafe { z::inflateSetDictionary(&mut *self.stream, dictionary.as_ptr(), len) }
    }
    /// Makes the stream as good as new. False: it cannot be used again.
    pub fn reset(&mut self) -> bool {
        self.wrong = None;
        // SAFETY: an initialised stream.
        unsafe { z::inflateReset(&mut *self.stream) == Z_OK }
    }
    /// A second stream in the same state.
    pub fn try_clone(&mut self) -> Result<Inflate, i32> {
        let mut copy = Box::new(z::z_stream::default());
        // The library refuses to copy a stream that has no output.
        let mut nothing = [0u8; 1];
        self.stream.next_out = nothing.as_mut_ptr();
        // SAFETY: as for Deflate::try_clone; nothing is written to the output.
        let code = unsafe { z::inflateCopy(&mut *copy, &*self.stream) };
        self.stream.next_out = std::ptr::null_mut();
        copy.next_out = std::ptr::null_mut();
        if code == Z_OK { Ok(Inflate { stream: copy, wrong: self.wrong }) } else { Err(code) }
    }
    pub fn message(&self) -> Option<&'static str> {
        self.wrong.or_else(|| message(&self.stream))
    }
}

impl Drop for Inflate {
    fn drop(&mut self) {
        // SAFETY: initialised, and not used afterwards.
        unsafe { z::inflateEnd(&mut *self.stream) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deflate(data: &[u8], dictionary: Option<&[u8]>) -> Vec<u8> {
        let mut stream = Deflate::new(6, Z_DEFLATED, 15, 8, Z_DEFAULT_STRATEGY).expect("deflateInit");
        if let Some(dictionary) = dictionary {
            assert_eq!(stream.set_dictionary(dictionary), Z_OK);
        }
        let (mut out, mut at) = (Vec::new(), 0);
        loop {
            let step = stream.run(&data[at..], &mut out, 7, Z_FINISH);
            at += step.consumed;
            if step.code == Z_STREAM_END {
                return out;
            }
            assert_eq!(step.code, Z_OK);
        }
    }

    #[test]
    fn output_never_exceeds_the_room() {
        let data: Vec<u8> = (0..100_000u32).map(|i| (i.wrapping_mul(i) >> 7) as u8).collect();
        let packed = deflate(&data, None);
        let mut stream = Inflate::new(15).expect("inflateInit");
        let (mut out, mut at) = (Vec::new(), 0);
        loop {
            let before = out.len();
            let step = stream.run(&packed[at..], &mut out, 11, Z_SYNC_FLUSH);
            assert!(out.len() - before <= 11 && step.produced == out.len() - before);
            at += step.consumed;
            if step.code == Z_STREAM_END {
                break;
            }
            assert!(step.code == Z_OK || step.code == Z_BUF_ERROR, "{step:?}");
        }
        assert_eq!((out, at), (data, packed.len()));
    }

    #[test]
    fn copies_go_their_own_way() {
        let packed = deflate(b"hello hello hello hello", Some(b"hello"));
        let mut stream = Inflate::new(15).expect("inflateInit");
        let mut fresh = stream.try_clone().expect("inflateCopy");
        for stream in [&mut stream, &mut fresh] {
            let mut out = Vec::new();
            let step = stream.run(&packed, &mut out, 100, Z_SYNC_FLUSH);
            assert_eq!(step.code, Z_NEED_DICT);
            assert_eq!(stream.set_dictionary(b"hello"), Z_OK);
            let mut copy = stream.try_clone().expect("inflateCopy");
            for stream in [stream, &mut copy] {
                let mut out = Vec::new();
                stream.run(&packed[step.consumed..], &mut out, 100, Z_SYNC_FLUSH);
                assert_eq!(out, b"hello hello hello hello");
            }
        }
    }

    #[test]
    fn errors_have_messages() {
        let mut stream = Inflate::new(15).expect("inflateInit");
        let step = stream.run(b"abc", &mut Vec::new(), 10, Z_SYNC_FLUSH);
        assert_eq!(step.code, Z_DATA_ERROR);
        assert_eq!(stream.message(), Some("incorrect header check"));
        assert!(Inflate::new(7).is_err());
    }
}
