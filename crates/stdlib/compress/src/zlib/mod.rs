//! `zlib`: the module's functions and constants. Compressor objects are in
//! [`compress`], the two kinds of decompressor objects in [`decompress`].

mod compress;
mod decompress;

use compress::COMPRESS;
use decompress::{DECOMPRESS, DECOMPRESSOR};
use std::sync::{Mutex, PoisonError};
use taipan_compression::Step;
use taipan_compression::zlib::{self as z, Deflate, Inflate};
use taipan_runtime::prelude::*;
use taipan_runtime::support::{exception_class, raise_kept};
use taipan_runtime::types::bytes;

const ERROR: &str = "zlib.error";

const MAX_WBITS: i32 = 15;
const DEF_MEM_LEVEL: i32 = 8;
/// First room for output, and least growth.
const DEF_BUF_SIZE: usize = 16 * 1024;
/// Most growth at once.
const MAX_GROWTH: usize = 8 << 20;
/// Checksums of more bytes than this are made without the GIL.
const CHECKSUM_GIL_SIZE: usize = 5 * 1024;

/// The module.
pub static ZLIB: ModuleDef = ModuleDef {
    name: "zlib",
    doc: "The functions in this module allow compression and decompression using the\nzlib library, which is based on GNU zip.\n\nadler32(string[, start]) -- Compute an Adler-32 checksum.\ncompress(data[, level]) -- Compress data, with compression level 0-9 or -1.\ncompressobj([level[, ...]]) -- Return a compressor object.\ncrc32(string[, start]) -- Compute a CRC-32 checksum.\ndecompress(string,[wbits],[bufsize]) -- Decompresses a compressed string.\ndecompressobj([wbits[, zdict]]) -- Return a decompressor object.\n\n'wbits' is window buffer size and container format.\nCompressor objects support compress() and flush() methods; decompressor\nobjects support decompress() and flush().",
    functions: &[
        MethodDef::new(
            "adler32(data, value=1, /)",
            |vm, args| checksum(vm, args, z::adler32),
            "Compute an Adler-32 checksum of data.\n\n  value\n    Starting value of the checksum.\n\nThe returned checksum is an integer.",
        ),
        MethodDef::new(
            "crc32(data, value=0, /)",
            |vm, args| checksum(vm, args, z::crc32),
            "Compute a CRC-32 checksum of data.\n\n  value\n    Starting value of the checksum.\n\nThe returned checksum is an integer.",
        ),
        MethodDef::new(
            "compress(data, /, level=-1, wbits=15)",
            compress_all,
            "Returns a bytes object containing compressed data.\n\n  data\n    Binary data to be compressed.\n  level\n    Compression level, in 0-9 or -1.\n  wbits\n    The window buffer size and container format.",
        ),
        MethodDef::new(
            "decompress(data, /, wbits=15, bufsize=16384)",
            decompress_all,
            "Returns a bytes object containing the uncompressed data.\n\n  data\n    Compressed data.\n  wbits\n    The window buffer size and container format.\n  bufsize\n    The initial output buffer size.",
        ),
        MethodDef::new(
            "compressobj(level=-1, method=8, wbits=15, memLevel=8, strategy=0, zdict=<unrepresentable>)",
            compress::compressobj,
            "Return a compressor object.\n\n  level\n    The compression level (an integer in the range 0-9 or -1; default is\n    currently equivalent to 6).  Higher compression levels are slower,\n    but produce smaller results.\n  method\n    The compression algorithm.  If given, this must be DEFLATED.\n  wbits\n    +9 to +15: The base-two logarithm of the window size.  Include a zlib\n        container.\n    -9 to -15: Generate a raw stream.\n    +25 to +31: Include a gzip container.\n  memLevel\n    Controls the amount of memory used for internal compression state.\n    Valid values range from 1 to 9.  Higher values result in higher memory\n    usage, faster compression, and smaller output.\n  strategy\n    Used to tune the compression algorithm.  Possible values are\n    Z_DEFAULT_STRATEGY, Z_FILTERED, and Z_HUFFMAN_ONLY.\n  zdict\n    The predefined compression dictionary - a sequence of bytes\n    containing subsequences that are likely to occur in the input data.",
        ),
        MethodDef::new(
            "decompressobj(wbits=15, zdict=b'')",
            decompress::decompressobj,
            "Return a decompressor object.\n\n  wbits\n    The window buffer size and container format.\n  zdict\n    The predefined compression dictionary.  This must be the same\n    dictionary as used by the compressor that produced the input data.",
        ),
    ],
    types: &[&DECOMPRESSOR, &COMPRESS, &DECOMPRESS],
    init: Some(init),
};

fn init(vm: &Vm, module: &Object) -> Result<()> {
    let error = exception_class(vm, ERROR, "zlib", "error", &exc::EXCEPTION, None)?;
    vm.set_attr_str(module, "error", &error)?;
    // These two have no name in the module.
    for class in [&COMPRESS, &DECOMPRESS] {
        vm.delete_attr(module, &vm.intern(class.name()))?;
    }
    for (name, value) in [
        ("MAX_WBITS", MAX_WBITS),
        ("DEFLATED", z::Z_DEFLATED),
        ("DEF_MEM_LEVEL", DEF_MEM_LEVEL),
        ("DEF_BUF_SIZE", DEF_BUF_SIZE as i32),
        ("Z_NO_COMPRESSION", z::Z_NO_COMPRESSION),
        ("Z_BEST_SPEED", z::Z_BEST_SPEED),
        ("Z_BEST_COMPRESSION", z::Z_BEST_COMPRESSION),
        ("Z_DEFAULT_COMPRESSION", z::Z_DEFAULT_COMPRESSION),
        ("Z_FILTERED", z::Z_FILTERED),
        ("Z_HUFFMAN_ONLY", z::Z_HUFFMAN_ONLY),
        ("Z_RLE", z::Z_RLE),
        ("Z_FIXED", z::Z_FIXED),
        ("Z_DEFAULT_STRATEGY", z::Z_DEFAULT_STRATEGY),
        ("Z_FINISH", z::Z_FINISH),
        ("Z_NO_FLUSH", z::Z_NO_FLUSH),
        ("Z_PARTIAL_FLUSH", z::Z_PARTIAL_FLUSH),
        ("Z_SYNC_FLUSH", z::Z_SYNC_FLUSH),
        ("Z_FULL_FLUSH", z::Z_FULL_FLUSH),
        ("Z_BLOCK", z::Z_BLOCK),
        ("Z_TREES", z::Z_TREES),
    ] {
        vm.set_attr_str(module, name, &vm.int(value as i64))?;
    }
    vm.set_attr_str(module, "ZLIB_VERSION", &vm.str(z::version()))?;
    vm.set_attr_str(module, "ZLIB_RUNTIME_VERSION", &vm.str(z::version()))?;
    vm.set_attr_str(module, "__version__", &vm.str("1.0"))
}

/// Why a stream could not go on: zlib's code, its message, what was tried.
struct Failure {
    code: i32,
    message: Option<&'static str>,
    what: &'static str,
}

impl Failure {
    fn new(code: i32, what: &'static str) -> Failure {
        Failure { code, message: None, what }
    }
    /// As an exception.
    #[cold]
    fn raise(&self, vm: &Vm) -> Raised {
        if self.code == z::Z_MEM_ERROR {
            return vm.error(&exc::MEMORY_ERROR, format!("Out of memory {}", self.what));
        }
        let message = match self.code {
            z::Z_BUF_ERROR => Some("incomplete or truncated stream"),
            _ if self.message.is_some() => self.message,
            z::Z_STREAM_ERROR => Some("inconsistent stream state"),
            z::Z_DATA_ERROR => Some("invalid input data"),
            _ => None,
        };
        let Failure { code, what, .. } = self;
        raise_kept(
            vm,
            ERROR,
            match message {
                Some(message) => format!("Error {code} {what}: {message}"),
                None => format!("Error {code} {what}"),
            },
        )
    }
}

/// How much room the next step gets.
fn growth(out: &[u8]) -> usize {
    out.len().clamp(DEF_BUF_SIZE, MAX_GROWTH)
}

/// Feeds all of the input to a compressor. The code of the last step; errors
/// that leave the stream intact (`Z_BUF_ERROR`) are none.
fn deflate_all(stream: &mut Deflate, input: &[u8], out: &mut Vec<u8>, flush: i32) -> i32 {
    let mut rest = input;
    loop {
        let flush = if rest.len() > u32::MAX as usize { z::Z_NO_FLUSH } else { flush };
        let room = growth(out);
        let Step { code, consumed, produced } = stream.run(rest, out, room, flush);
        rest = &rest[consumed..];
        if code == z::Z_STREAM_ERROR || code == z::Z_MEM_ERROR {
            return code;
        }
        let stuck = consumed == 0 && produced == 0;
        if produced < room && (rest.is_empty() || stuck) {
            return code;
        }
    }
}

/// What [`inflate_all`] came to.
struct Inflated {
    code: i32,
    consumed: usize,
    /// The limit of the output was reached.
    full: bool,
}

/// Feeds input to a decompressor until there is no more, the stream ends, or
/// the output has `limit` bytes. `flush` is for the last piece of the input.
fn inflate_all(
    stream: &mut Inflate,
    dictionary: Option<&[u8]>,
    input: &[u8],
    out: &mut Vec<u8>,
    (first, limit): (usize, usize),
    flush: i32,
) -> std::result::Result<Inflated, Failure> {
    let mut at = 0;
    let mut code = z::Z_OK;
    loop {
        let wanted = if out.is_empty() { first.max(1) } else { growth(out) };
        let room = wanted.min(limit - out.len());
        if room == 0 {
            return Ok(Inflated { code, consumed: at, full: true });
        }
        let rest = &input[at..];
        let flush = if rest.len() > u32::MAX as usize { z::Z_NO_FLUSH } else { flush };
        let step = stream.run(rest, out, room, flush);
        code = step.code;
        at += step.consumed;
        match code {
            z::Z_OK | z::Z_BUF_ERROR => {}
            z::Z_NEED_DICT => {
                let Some(dictionary) = dictionary else { break };
                let code = stream.set_dictionary(dictionary);
                if code != z::Z_OK {
                    return Err(Failure::new(code, "while setting zdict"));
                }
                continue;
            }
            _ => break,
        }
        if step.produced < room && (at == input.len() || step.consumed == 0) {
            break;
        }
    }
    Ok(Inflated { code, consumed: at, full: false })
}

/// A stream that is done with its work, kept for the next of the same kind:
/// making one takes longer than compressing a short text.
struct Spare<K, S>(Mutex<Option<(K, S)>>);

impl<K: PartialEq, S> Spare<K, S> {
    const fn new() -> Spare<K, S> {
        Spare(Mutex::new(None))
    }
    fn take(&self, key: &K) -> Option<S> {
        let mut spare = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        spare.take_if(|(found, _)| found == key).map(|(_, stream)| stream)
    }
    fn put(&self, key: K, stream: S) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((key, stream));
    }
}

/// By level and window bits.
static SPARE_DEFLATE: Spare<(i32, i32), Deflate> = Spare::new();
/// By window bits.
static SPARE_INFLATE: Spare<i32, Inflate> = Spare::new();

fn checksum(vm: &Vm, args: &[Object], sum: fn(u32, &[u8]) -> u32) -> Result {
    let data = vm.bytes_like(&args[0], "data")?;
    let start = vm.to_u32_wrapping(&args[1])?;
    let bytes = data.bytes();
    let sum = if bytes.len() > CHECKSUM_GIL_SIZE {
        vm.without_gil(|| sum(start, bytes))
    } else {
        sum(start, bytes)
    };
    Ok(vm.int(sum as i64))
}

fn compress_all(vm: &Vm, args: &[Object]) -> Result {
    const WHAT: &str = "while compressing data";
    let data = vm.bytes_like(&args[0], "data")?;
    let (level, wbits) = (vm.to_plain_c_int(&args[1])?, vm.to_plain_c_int(&args[2])?);
    let fresh = || Deflate::new(level, z::Z_DEFLATED, wbits, DEF_MEM_LEVEL, z::Z_DEFAULT_STRATEGY);
    let mut stream = match SPARE_DEFLATE.take(&(level, wbits)).map_or_else(fresh, Ok) {
        Ok(stream) => stream,
        Err(z::Z_STREAM_ERROR) => return Err(raise_kept(vm, ERROR, "Bad compression level")),
        Err(code) => return Err(Failure::new(code, WHAT).raise(vm)),
    };
    let mut out = Vec::new();
    let code = vm.without_gil(|| deflate_all(&mut stream, data.bytes(), &mut out, z::Z_FINISH));
    if code != z::Z_STREAM_END {
        return Err(Failure { code, message: stream.message(), what: WHAT }.raise(vm));
    }
    if stream.reset() {
        SPARE_DEFLATE.put((level, wbits), stream);
    }
    bytes::new(vm, &out)
}

fn decompress_all(vm: &Vm, args: &[Object]) -> Result {
    const WHAT: &str = "while decompressing data";
    let data = vm.bytes_like(&args[0], "data")?;
    let wbits = vm.to_plain_c_int(&args[1])?;
    let first = vm.index_isize(&args[2])?;
    let Ok(first) = usize::try_from(first) else {
        return Err(vm.value_error("bufsize must be non-negative"));
    };
    let fresh = || Inflate::new(wbits);
    let mut stream = match SPARE_INFLATE.take(&wbits).map_or_else(fresh, Ok) {
        Ok(stream) => stream,
        Err(z::Z_MEM_ERROR) => return Err(Failure::new(z::Z_MEM_ERROR, WHAT).raise(vm)),
        Err(code) => return Err(Failure::new(code, "while preparing to decompress data").raise(vm)),
    };
    let mut out = Vec::new();
    let limits = (first.min(MAX_GROWTH), usize::MAX);
    let result =
        vm.without_gil(|| inflate_all(&mut stream, None, data.bytes(), &mut out, limits, z::Z_FINISH));
    match result {
        Ok(Inflated { code: z::Z_STREAM_END, .. }) => {
            if stream.reset() {
                SPARE_INFLATE.put(wbits, stream);
            }
            bytes::new(vm, &out)
        }
        Ok(Inflated { code, .. }) => Err(Failure { code, message: stream.message(), what: WHAT }.raise(vm)),
        Err(failure) => Err(failure.raise(vm)),
    }
}
