//! Zstandard's contexts, dictionaries and questions about frames. Numbers of
//! parameters and modes are the library's own.

use crate::{Step, reserve};
use std::ffi::{CStr, c_int, c_void};
use std::ptr::NonNull;
use std::sync::Arc;
use zstd_sys as z;

/// Modes of compression: go on, end the block, end the frame.
pub const CONTINUE: i32 = 0;
pub const FLUSH_BLOCK: i32 = 1;
pub const FLUSH_FRAME: i32 = 2;

/// A failure in the library's words.
pub type Words = &'static str;

fn words(code: usize) -> Words {
    // SAFETY: a string constant of the library.
    unsafe { CStr::from_ptr(z::ZSTD_getErrorName(code)) }.to_str().unwrap_or("unknown error")
}

fn checked(code: usize) -> Result<usize, Words> {
    // SAFETY: any number will do.
    if unsafe { z::ZSTD_isError(code) } != 0 { Err(words(code)) } else { Ok(code) }
}

/// The library's version as text and number.
pub fn version() -> (&'static str, u32) {
    // SAFETY: a string constant of the library.
    unsafe { (CStr::from_ptr(z::ZSTD_versionString()).to_str().unwrap_or(""), z::ZSTD_versionNumber()) }
}

/// The least and the greatest level.
pub fn levels() -> (i32, i32) {
    // SAFETY: calls without arguments.
    unsafe { (z::ZSTD_minCLevel(), z::ZSTD_maxCLevel()) }
}

const UNSUPPORTED: Words = "Unsupported parameter";

/// As the library's enumeration, of which the stable part is known here.
fn c_parameter(number: i32) -> Result<z::ZSTD_cParameter, Words> {
    use z::ZSTD_cParameter::*;
    let known = [
        ZSTD_c_compressionLevel,
        ZSTD_c_windowLog,
        ZSTD_c_hashLog,
        ZSTD_c_chainLog,
        ZSTD_c_searchLog,
        ZSTD_c_minMatch,
        ZSTD_c_targetLength,
        ZSTD_c_strategy,
        ZSTD_c_enableLongDistanceMatching,
        ZSTD_c_ldmHashLog,
        ZSTD_c_ldmMinMatch,
        ZSTD_c_ldmBucketSizeLog,
        ZSTD_c_ldmHashRateLog,
        ZSTD_c_contentSizeFlag,
        ZSTD_c_checksumFlag,
        ZSTD_c_dictIDFlag,
        ZSTD_c_nbWorkers,
        ZSTD_c_jobSize,
        ZSTD_c_overlapLog,
    ];
    known.into_iter().find(|parameter| *parameter as i32 == number).ok_or(UNSUPPORTED)
}

fn d_parameter(number: i32) -> Result<z::ZSTD_dParameter, Words> {
    let only = z::ZSTD_dParameter::ZSTD_d_windowLogMax;
    if only as i32 == number { Ok(only) } else { Err(UNSUPPORTED) }
}

/// The bounds of a parameter of compression or decompression.
pub fn bounds(parameter: i32, compression: bool) -> Result<(i32, i32), Words> {
    // SAFETY: calls with a number.
    let bounds = if compression {
        let parameter = c_parameter(parameter)?;
        unsafe { z::ZSTD_cParam_getBounds(parameter) }
    } else {
        let parameter = d_parameter(parameter)?;
        unsafe { z::ZSTD_dParam_getBounds(parameter) }
    };
    checked(bounds.error)?;
    Ok((bounds.lowerBound, bounds.upperBound))
}

/// The content size of a frame (None: unknown) and the number of its dictionary.
pub fn frame_info(frame: &[u8]) -> Option<(Option<u64>, u32)> {
    const UNKNOWN: u64 = u64::MAX;
    const ERROR: u64 = u64::MAX - 1;
    // SAFETY: bytes that are only read.
    let (size, dictionary) = unsafe {
        (
            z::ZSTD_getFrameContentSize(frame.as_ptr().cast(), frame.len()),
            z::ZSTD_getDictID_fromFrame(frame.as_ptr().cast(), frame.len()),
        )
    };
    match size {
        ERROR => None,
        UNKNOWN => Some((None, dictionary)),
        size => Some((Some(size), dictionary)),
    }
}

/// How long the frame is that the bytes begin with.
pub fn frame_size(frame: &[u8]) -> Result<usize, Words> {
    // SAFETY: bytes that are only read.
    checked(unsafe { z::ZSTD_findFrameCompressedSize(frame.as_ptr().cast(), frame.len()) })
}

/// The number of a dictionary; 0: the bytes are none.
pub fn dictionary_id(content: &[u8]) -> u32 {
    // SAFETY: bytes that are only read.
    unsafe { z::ZSTD_getDictID_fromDict(content.as_ptr().cast(), content.len()) }
}

fn dictionary(mut room: Vec<u8>, size: usize) -> Result<Vec<u8>, Words> {
    // SAFETY: any number will do; a string constant.
    unsafe {
        if z::ZDICT_isError(size) != 0 {
            return Err(CStr::from_ptr(z::ZDICT_getErrorName(size)).to_str().unwrap_or("unknown error"));
        }
    }
    room.truncate(size);
    Ok(room)
}

/// Trains a dictionary of at most `room.len()` bytes. The sizes add up to the samples.
pub fn train(samples: &[u8], sizes: &[usize], mut room: Vec<u8>) -> Result<Vec<u8>, Words> {
    if !adds_up(samples, sizes) {
        return Err("Src size is incorrect");
    }
    // SAFETY: the sizes are those of the samples; there is room for the result.
    let size = unsafe {
        z::ZDICT_trainFromBuffer(
            room.as_mut_ptr().cast(),
            room.len(),
            samples.as_ptr().cast(),
            sizes.as_ptr(),
            u32::try_from(sizes.len()).unwrap_or(0),
        )
    };
    dictionary(room, size)
}

/// Makes a dictionary of content and samples.
pub fn finalize(
    content: &[u8],
    samples: &[u8],
    sizes: &[usize],
    level: i32,
    mut room: Vec<u8>,
) -> Result<Vec<u8>, Words> {
    if !adds_up(samples, sizes) {
        return Err("Src size is incorrect");
    }
    let parameters = z::ZDICT_params_t { compressionLevel: level, notificationLevel: 0, dictID: 0 };
    // SAFETY: as above.
    let size = unsafe {
        z::ZDICT_finalizeDictionary(
            room.as_mut_ptr().cast(),
            room.len(),
            content.as_ptr().cast(),
            content.len(),
            samples.as_ptr().cast(),
            sizes.as_ptr(),
            u32::try_from(sizes.len()).unwrap_or(0),
            parameters,
        )
    };
    dictionary(room, size)
}

fn adds_up(samples: &[u8], sizes: &[usize]) -> bool {
    let total = sizes.iter().try_fold(0usize, |sum, size| sum.checked_add(*size));
    u32::try_from(sizes.len()).is_ok() && total == Some(samples.len())
}

/// A dictionary ready for compression at one level.
pub struct CompressionDictionary(NonNull<z::ZSTD_CDict>);
// SAFETY: the library does not change it after it was made.
unsafe impl Send for CompressionDictionary {}
unsafe impl Sync for CompressionDictionary {}

impl CompressionDictionary {
    pub fn new(content: &[u8], level: i32) -> Option<CompressionDictionary> {
        // SAFETY: the library copies the bytes.
        let raw = unsafe { z::ZSTD_createCDict(content.as_ptr().cast(), content.len(), level) };
        NonNull::new(raw).map(CompressionDictionary)
    }
}

impl Drop for CompressionDictionary {
    fn drop(&mut self) {
        // SAFETY: contexts that use it hold a reference.
        unsafe { z::ZSTD_freeCDict(self.0.as_ptr()) };
    }
}

/// A dictionary ready for decompression.
pub struct DecompressionDictionary(NonNull<z::ZSTD_DDict>);
// SAFETY: as above.
unsafe impl Send for DecompressionDictionary {}
unsafe impl Sync for DecompressionDictionary {}

impl DecompressionDictionary {
    pub fn new(content: &[u8]) -> Option<DecompressionDictionary> {
        // SAFETY: the library copies the bytes.
        let raw = unsafe { z::ZSTD_createDDict(content.as_ptr().cast(), content.len()) };
        NonNull::new(raw).map(DecompressionDictionary)
    }
}

impl Drop for DecompressionDictionary {
    fn drop(&mut self) {
        // SAFETY: as above.
        unsafe { z::ZSTD_freeDDict(self.0.as_ptr()) };
    }
}

/// A dictionary in one of the ways a context can use it.
pub enum Loaded<D> {
    Digested(Arc<D>),
    Undigested(Arc<[u8]>),
    Prefix(Arc<[u8]>),
}

/// Where the library reads and writes in one step.
fn step(
    input: &[u8],
    out: &mut Vec<u8>,
    room: usize,
    f: impl FnOnce(&mut z::ZSTD_outBuffer, &mut z::ZSTD_inBuffer) -> usize,
) -> Result<(Step, usize), Words> {
    if !reserve(out, room) {
        return Err("Allocation error : not enough memory");
    }
    let spare = &mut out.spare_capacity_mut()[..room];
    let mut to = z::ZSTD_outBuffer { dst: spare.as_mut_ptr().cast::<c_void>(), size: room, pos: 0 };
    let mut from = z::ZSTD_inBuffer { src: input.as_ptr().cast(), size: input.len(), pos: 0 };
    let code = f(&mut to, &mut from);
    let produced = to.pos.min(room);
    // SAFETY: the library has written `pos` bytes, from the first free one on.
    unsafe { out.set_len(out.len() + produced) };
    let left = checked(code)?;
    Ok((Step { code: 0, consumed: from.pos.min(input.len()), produced }, left))
}

/// A compressor.
pub struct Compressor {
    raw: NonNull<z::ZSTD_CCtx>,
    _dictionary: Option<Loaded<CompressionDictionary>>,
    /// Threads of the library may be at work.
    threaded: bool,
    busy: bool,
}
// SAFETY: the state belongs to this context alone.
unsafe impl Send for Compressor {}

impl Compressor {
    pub fn new() -> Option<Compressor> {
        // SAFETY: a call without arguments.
        let raw = NonNull::new(unsafe { z::ZSTD_createCCtx() })?;
        Some(Compressor { raw, _dictionary: None, threaded: false, busy: false })
    }
    pub fn set(&mut self, parameter: i32, value: i32) -> Result<(), Words> {
        let parameter = c_parameter(parameter)?;
        self.threaded |= parameter == z::ZSTD_cParameter::ZSTD_c_nbWorkers && value > 0;
        // SAFETY: a context, and numbers, here and below.
        checked(unsafe { z::ZSTD_CCtx_setParameter(self.raw.as_ptr(), parameter, value) }).map(drop)
    }
    pub fn load(&mut self, dictionary: Loaded<CompressionDictionary>) -> Result<(), Words> {
        let raw = self.raw.as_ptr();
        // SAFETY: what is referred to is kept below.
        let code = unsafe {
            match &dictionary {
                Loaded::Digested(dictionary) => z::ZSTD_CCtx_refCDict(raw, dictionary.0.as_ptr()),
                Loaded::Undigested(content) => {
                    z::ZSTD_CCtx_loadDictionary(raw, content.as_ptr().cast(), content.len())
                }
                Loaded::Prefix(content) => {
                    z::ZSTD_CCtx_refPrefix(raw, content.as_ptr().cast(), content.len())
                }
            }
        };
        checked(code)?;
        self._dictionary = Some(dictionary);
        Ok(())
    }
    /// The step, and how much is left to flush.
    pub fn run(
        &mut self,
        input: &[u8],
        out: &mut Vec<u8>,
        room: usize,
        mode: i32,
    ) -> Result<(Step, usize), Words> {
        let raw = self.raw.as_ptr();
        let mode = match mode {
            FLUSH_FRAME => z::ZSTD_EndDirective::ZSTD_e_end,
            FLUSH_BLOCK => z::ZSTD_EndDirective::ZSTD_e_flush,
            _ => z::ZSTD_EndDirective::ZSTD_e_continue,
        };
        self.busy = true;
        // SAFETY: buffers of the sizes they say.
        let result =
            step(input, out, room, |to, from| unsafe { z::ZSTD_compressStream2(raw, to, from, mode) });
        if mode == z::ZSTD_EndDirective::ZSTD_e_end && matches!(result, Ok((_, 0))) {
            self.busy = false;
        }
        result
    }
    /// Forgets the frame that was begun.
    pub fn reset(&mut self) {
        let directive = z::ZSTD_ResetDirective::ZSTD_reset_session_only;
        unsafe { z::ZSTD_CCtx_reset(self.raw.as_ptr(), directive) };
    }
    /// The size of the next frame's content; None: unknown.
    pub fn pledge(&mut self, size: Option<u64>) -> Result<(), Words> {
        let size = size.unwrap_or(u64::MAX);
        checked(unsafe { z::ZSTD_CCtx_setPledgedSrcSize(self.raw.as_ptr(), size) }).map(drop)
    }
}

impl Drop for Compressor {
    fn drop(&mut self) {
        // The library would free a dictionary that its threads still use: they have
        // to be done first.
        let mut nowhere = Vec::new();
        while self.threaded && self.busy {
            nowhere.clear();
            if self.run(&[], &mut nowhere, 1 << 16, FLUSH_FRAME).is_err() {
                break;
            }
        }
        // SAFETY: not used afterwards.
        unsafe { z::ZSTD_freeCCtx(self.raw.as_ptr()) };
    }
}

/// A decompressor.
pub struct Decompressor {
    raw: NonNull<z::ZSTD_DCtx>,
    _dictionary: Option<Loaded<DecompressionDictionary>>,
}
// SAFETY: as above.
unsafe impl Send for Decompressor {}

impl Decompressor {
    pub fn new() -> Option<Decompressor> {
        // SAFETY: a call without arguments.
        let raw = NonNull::new(unsafe { z::ZSTD_createDCtx() })?;
        Some(Decompressor { raw, _dictionary: None })
    }
    pub fn set(&mut self, parameter: i32, value: i32) -> Result<(), Words> {
        let parameter = d_parameter(parameter)?;
        // SAFETY: as above.
        checked(unsafe { z::ZSTD_DCtx_setParameter(self.raw.as_ptr(), parameter, value as c_int) }).map(drop)
    }
    pub fn load(&mut self, dictionary: Loaded<DecompressionDictionary>) -> Result<(), Words> {
        let raw = self.raw.as_ptr();
        // SAFETY: what is referred to is kept below.
        let code = unsafe {
            match &dictionary {
                Loaded::Digested(dictionary) => z::ZSTD_DCtx_refDDict(raw, dictionary.0.as_ptr()),
                Loaded::Undigested(content) => {
                    z::ZSTD_DCtx_loadDictionary(raw, content.as_ptr().cast(), content.len())
                }
                Loaded::Prefix(content) => {
                    z::ZSTD_DCtx_refPrefix(raw, content.as_ptr().cast(), content.len())
                }
            }
        };
        checked(code)?;
        self._dictionary = Some(dictionary);
        Ok(())
    }
    /// The step, and 0 at the end of a frame.
    pub fn run(&mut self, input: &[u8], out: &mut Vec<u8>, room: usize) -> Result<(Step, usize), Words> {
        let raw = self.raw.as_ptr();
        // SAFETY: as above.
        step(input, out, room, |to, from| unsafe { z::ZSTD_decompressStream(raw, to, from) })
    }
    pub fn reset(&mut self) {
        let directive = z::ZSTD_ResetDirective::ZSTD_reset_session_only;
        unsafe { z::ZSTD_DCtx_reset(self.raw.as_ptr(), directive) };
    }
}

impl Drop for Decompressor {
    fn drop(&mut self) {
        // SAFETY: not used afterwards.
        unsafe { z::ZSTD_freeDCtx(self.raw.as_ptr()) };
    }
}
