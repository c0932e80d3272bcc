//! liblzma's streams: .xz, .lzma and raw ones. Codes and constants are
//! liblzma's own, as are the numbers of filters and checks.

use crate::{Step, reserve};
use liblzma_sys as l;
use std::ffi::{CStr, c_void};
use std::ptr::null;

pub const RUN: u32 = l::lzma_action_LZMA_RUN;
pub const FINISH: u32 = l::lzma_action_LZMA_FINISH;

pub const OK: i32 = 0;
pub const STREAM_END: i32 = 1;
pub const NO_CHECK: i32 = 2;
pub const UNSUPPORTED_CHECK: i32 = 3;
pub const GET_CHECK: i32 = 4;
pub const MEM_ERROR: i32 = 5;
pub const MEMLIMIT_ERROR: i32 = 6;
pub const FORMAT_ERROR: i32 = 7;
pub const OPTIONS_ERROR: i32 = 8;
pub const DATA_ERROR: i32 = 9;
pub const BUF_ERROR: i32 = 10;
pub const PROG_ERROR: i32 = 11;

pub const FILTER_LZMA1: u64 = 0x4000_0000_0000_0001;
pub const FILTER_LZMA2: u64 = 0x21;
pub const FILTER_DELTA: u64 = 0x03;
/// Filters for machine code, from x86 to SPARC.
pub const FILTERS_BCJ: std::ops::RangeInclusive<u64> = 0x04..=0x09;
pub const PRESET_EXTREME: u32 = 1 << 31;

const TELL_NO_CHECK: u32 = 0x01;
const TELL_ANY_CHECK: u32 = 0x04;

/// The library's version.
pub fn version() -> &'static str {
    // SAFETY: a string constant of the library.
    unsafe { CStr::from_ptr(l::lzma_version_string()) }.to_str().unwrap_or("")
}

/// Does the library know an integrity check?
pub fn is_check_supported(check: u32) -> bool {
    // SAFETY: any number will do.
    unsafe { l::lzma_check_is_supported(check) != 0 }
}

/// Options of the LZMA filters.
#[derive(Clone)]
pub struct LzmaOptions(Box<l::lzma_options_lzma>);

// SAFETY: plain numbers; the pointers are null.
unsafe impl Send for LzmaOptions {}

impl LzmaOptions {
    /// Those of a preset; None: there is no such preset.
    pub fn preset(preset: u32) -> Option<LzmaOptions> {
        // SAFETY: numbers and null pointers may all be zero; then the library fills them in.
        unsafe {
            let mut options: Box<l::lzma_options_lzma> = Box::new(std::mem::zeroed());
            if l::lzma_lzma_preset(&mut *options, preset) != 0 { None } else { Some(LzmaOptions(options)) }
        }
    }
    pub fn set(&mut self, name: &str, value: u32) -> bool {
        let place = match name {
            "dict_size" => &mut self.0.dict_size,
            "lc" => &mut self.0.lc,
            "lp" => &mut self.0.lp,
            "pb" => &mut self.0.pb,
            "mode" => &mut self.0.mode,
            "nice_len" => &mut self.0.nice_len,
            "mf" => &mut self.0.mf,
            "depth" => &mut self.0.depth,
            _ => return false,
        };
        *place = value;
        true
    }
    pub fn dict_size(&self) -> u32 {
        self.0.dict_size
    }
    /// lc, lp and pb.
    pub fn bits(&self) -> [u32; 3] {
        [self.0.lc, self.0.lp, self.0.pb]
    }
}

/// What belongs to a filter.
#[derive(Clone)]
pub enum FilterOptions {
    None,
    Lzma(LzmaOptions),
    /// The distance.
    Delta(u32),
    /// The start offset.
    Bcj(u32),
}

/// A filter of a chain.
#[derive(Clone)]
pub struct Filter {
    pub id: u64,
    pub options: FilterOptions,
}

/// The options of the filters as the library wants them; alive while it looks.
struct Chain {
    filters: Vec<l::lzma_filter>,
    #[expect(clippy::vec_box, reason = "the library holds pointers to them")]
    _delta: Vec<Box<l::lzma_options_delta>>,
    #[expect(clippy::vec_box, reason = "as above")]
    _bcj: Vec<Box<l::lzma_options_bcj>>,
}

impl Chain {
    fn new(filters: &[Filter]) -> Chain {
        let mut chain = Chain { filters: Vec::new(), _delta: Vec::new(), _bcj: Vec::new() };
        for filter in filters {
            let options: *mut c_void = match &filter.options {
                FilterOptions::None => std::ptr::null_mut(),
                FilterOptions::Lzma(options) => (&raw const *options.0).cast_mut().cast(),
                FilterOptions::Delta(distance) => {
                    // SAFETY: numbers and null pointers.
                    let mut delta: Box<l::lzma_options_delta> = Box::new(unsafe { std::mem::zeroed() });
                    delta.type_ = l::lzma_delta_type_LZMA_DELTA_TYPE_BYTE;
                    delta.dist = *distance;
                    chain._delta.push(delta);
                    chain._delta.last().map_or(std::ptr::null_mut(), |d| (&raw const **d).cast_mut().cast())
                }
                FilterOptions::Bcj(offset) => {
                    chain._bcj.push(Box::new(l::lzma_options_bcj { start_offset: *offset }));
                    chain._bcj.last().map_or(std::ptr::null_mut(), |b| (&raw const **b).cast_mut().cast())
                }
            };
            chain.filters.push(l::lzma_filter { id: filter.id, options });
        }
        chain.filters.push(l::lzma_filter { id: l::LZMA_VLI_UNKNOWN, options: std::ptr::null_mut() });
        chain
    }
}

/// The properties of a filter as bytes.
pub fn encode_properties(filter: &Filter) -> Result<Vec<u8>, i32> {
    let chain = Chain::new(std::slice::from_ref(filter));
    let mut size = 0;
    // SAFETY: a filter with options of its kind, and room for the bytes.
    unsafe {
        match l::lzma_properties_size(&mut size, chain.filters.as_ptr()) {
            l::lzma_ret_LZMA_OK => {}
            code => return Err(code as i32),
        }
        let mut out = vec![0; size as usize];
        match l::lzma_properties_encode(chain.filters.as_ptr(), out.as_mut_ptr()) {
            l::lzma_ret_LZMA_OK => Ok(out),
            code => Err(code as i32),
        }
    }
}

/// A filter of its number and the bytes of its properties.
pub fn decode_properties(id: u64, properties: &[u8]) -> Result<Filter, i32> {
    let end = l::lzma_filter { id: l::LZMA_VLI_UNKNOWN, options: std::ptr::null_mut() };
    let mut filters = [l::lzma_filter { id, options: std::ptr::null_mut() }, end];
    // SAFETY: bytes that are only read. The library allocates the options, of the
    // filter's kind, which are copied and given back.
    unsafe {
        let code = l::lzma_properties_decode(&mut filters[0], null(), properties.as_ptr(), properties.len());
        if code != l::lzma_ret_LZMA_OK {
            return Err(code as i32);
        }
        let options = filters[0].options;
        let options = match id {
            _ if options.is_null() => FilterOptions::None,
            FILTER_LZMA1 | FILTER_LZMA2 => {
                FilterOptions::Lzma(LzmaOptions(Box::new(*options.cast::<l::lzma_options_lzma>())))
            }
            FILTER_DELTA => FilterOptions::Delta((*options.cast::<l::lzma_options_delta>()).dist),
            _ if FILTERS_BCJ.contains(&id) => {
                FilterOptions::Bcj((*options.cast::<l::lzma_options_bcj>()).start_offset)
            }
            _ => FilterOptions::None,
        };
        l::lzma_filters_free(filters.as_mut_ptr(), null());
        Ok(Filter { id, options })
    }
}

/// A stream that compresses or decompresses. Boxed, so that it stays in its place.
pub struct Stream(Box<l::lzma_stream>);

// SAFETY: the state behind the pointers belongs to this stream alone.
unsafe impl Send for Stream {}

impl Stream {
    fn start(init: impl FnOnce(*mut l::lzma_stream) -> l::lzma_ret) -> Result<Stream, i32> {
        // SAFETY: LZMA_STREAM_INIT is all zeros.
        let mut stream: Box<l::lzma_stream> = Box::new(unsafe { std::mem::zeroed() });
        match init(&mut *stream) {
            l::lzma_ret_LZMA_OK => Ok(Stream(stream)),
            code => {
                // SAFETY: allowed whether or not the stream was initialised.
                unsafe { l::lzma_end(&mut *stream) };
                Err(code as i32)
            }
        }
    }
    // SAFETY of all: a zeroed stream; the library copies what it needs of the options.
    pub fn xz_encoder(preset: u32, check: u32) -> Result<Stream, i32> {
        Stream::start(|stream| unsafe { l::lzma_easy_encoder(stream, preset, check) })
    }
    pub fn xz_encoder_with(filters: &[Filter], check: u32) -> Result<Stream, i32> {
        let chain = Chain::new(filters);
        Stream::start(|stream| unsafe { l::lzma_stream_encoder(stream, chain.filters.as_ptr(), check) })
    }
    pub fn alone_encoder(options: &LzmaOptions) -> Result<Stream, i32> {
        Stream::start(|stream| unsafe { l::lzma_alone_encoder(stream, &*options.0) })
    }
    pub fn raw_encoder(filters: &[Filter]) -> Result<Stream, i32> {
        let chain = Chain::new(filters);
        Stream::start(|stream| unsafe { l::lzma_raw_encoder(stream, chain.filters.as_ptr()) })
    }
    pub fn auto_decoder(limit: u64) -> Result<Stream, i32> {
        let flags = TELL_ANY_CHECK | TELL_NO_CHECK;
        Stream::start(|stream| unsafe { l::lzma_auto_decoder(stream, limit, flags) })
    }
    pub fn xz_decoder(limit: u64) -> Result<Stream, i32> {
        let flags = TELL_ANY_CHECK | TELL_NO_CHECK;
        Stream::start(|stream| unsafe { l::lzma_stream_decoder(stream, limit, flags) })
    }
    pub fn alone_decoder(limit: u64) -> Result<Stream, i32> {
        Stream::start(|stream| unsafe { l::lzma_alone_decoder(stream, limit) })
    }
    pub fn raw_decoder(filters: &[Filter]) -> Result<Stream, i32> {
        let chain = Chain::new(filters);
        Stream::start(|stream| unsafe { l::lzma_raw_decoder(stream, chain.filters.as_ptr()) })
    }
    /// The integrity check of the stream that is decoded.
    pub fn check(&self) -> u32 {
        // SAFETY: an initialised stream.
        unsafe { l::lzma_get_check(&*self.0) }
    }
    /// One step with at most `room` bytes of output.
    pub fn run(&mut self, input: &[u8], out: &mut Vec<u8>, room: usize, action: u32) -> Step {
        if !reserve(out, room) {
            return Step { code: MEM_ERROR, consumed: 0, produced: 0 };
        }
        let spare = &mut out.spare_capacity_mut()[..room];
        let stream = &mut *self.0;
        stream.next_in = input.as_ptr();
        stream.avail_in = input.len();
        stream.next_out = spare.as_mut_ptr().cast();
        stream.avail_out = room;
        // SAFETY: an initialised stream whose pointers are set.
        let code = unsafe { l::lzma_code(stream, action) } as i32;
        let consumed = input.len().saturating_sub(stream.avail_in);
        let produced = room.saturating_sub(stream.avail_out);
        stream.next_in = null();
        stream.avail_in = 0;
        stream.next_out = std::ptr::null_mut();
        stream.avail_out = 0;
        // SAFETY: the library has written `produced` bytes, from the first free one on.
        unsafe { out.set_len(out.len() + produced) };
        Step { code, consumed, produced }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        // SAFETY: not used afterwards.
        unsafe { l::lzma_end(&mut *self.0) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        let mut packed = Vec::new();
        let mut encoder = Stream::xz_encoder(6, 4).expect("init");
        assert_eq!(encoder.run(b"hello hello", &mut packed, 1000, FINISH).code, STREAM_END);
        let mut decoder = Stream::auto_decoder(u64::MAX).expect("init");
        let (mut out, mut at) = (Vec::new(), 0);
        loop {
            let step = decoder.run(&packed[at..], &mut out, 1000, RUN);
            at += step.consumed;
            if step.code == STREAM_END {
                break;
            }
            assert!(step.code == OK || step.code == GET_CHECK, "{step:?}");
        }
        assert_eq!((out.as_slice(), decoder.check()), (&b"hello hello"[..], 4));
    }

    #[test]
    fn properties_come_back() {
        let delta = Filter { id: FILTER_DELTA, options: FilterOptions::Delta(7) };
        let bytes = encode_properties(&delta).expect("encode");
        let back = decode_properties(FILTER_DELTA, &bytes).expect("decode");
        assert!(matches!(back.options, FilterOptions::Delta(7)));
        assert!(decode_properties(99, b"").is_err());
    }
}
