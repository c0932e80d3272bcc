//! `zlib.Decompress`, what `decompressobj` makes, and `_ZlibDecompressor`, which
//! keeps its input to itself as the other compression modules' decompressors do.

use super::{DEF_BUF_SIZE, Failure, Inflated, inflate_all};
use crate::support::Shared;
use taipan_compression::zlib::{self as z, Inflate};
use taipan_runtime::native::RawFn;
use taipan_runtime::prelude::*;
use taipan_runtime::support::{allocate, check_positional, this};
use taipan_runtime::types::bytes;
use taipan_runtime::types::object::OBJECT;

const WHAT: &str = "while decompressing data";

/// A decompressor with what surrounds it.
struct Decoder {
    /// None once it is finished.
    stream: Option<Inflate>,
    dictionary: Option<Vec<u8>>,
    eof: bool,
    /// Input behind the end of the stream.
    unused: Vec<u8>,
    /// Input that has not been used yet.
    pending: Vec<u8>,
}

impl Decoder {
    fn new(vm: &Vm, wbits: i32, dictionary: Option<Vec<u8>>) -> Result<Decoder> {
        let mut stream = match Inflate::new(wbits) {
            Ok(stream) => stream,
            Err(z::Z_STREAM_ERROR) => return Err(vm.value_error("Invalid initialization option")),
            Err(z::Z_MEM_ERROR) => return Err(no_memory(vm)),
            Err(code) => return Err(Failure::new(code, "while creating decompression object").raise(vm)),
        };
        if wbits < 0
            && let Some(dictionary) = &dictionary
        {
            // A raw stream does not ask for its dictionary.
            let code = stream.set_dictionary(dictionary);
            if code != z::Z_OK {
                return Err(Failure::new(code, "while setting zdict").raise(vm));
            }
        }
        Ok(Decoder { stream: Some(stream), dictionary, eof: false, unused: Vec::new(), pending: Vec::new() })
    }
    /// Decompresses `input`; the output, how it went.
    fn run(
        &mut self,
        input: &[u8],
        (first, limit): (usize, usize),
        flush: i32,
    ) -> std::result::Result<(Vec<u8>, Inflated), Failure> {
        let mut out = Vec::new();
        let Some(stream) = &mut self.stream else { return Err(Failure::new(z::Z_STREAM_ERROR, WHAT)) };
        let done = inflate_all(stream, self.dictionary.as_deref(), input, &mut out, (first, limit), flush)?;
        Ok((out, done))
    }
    /// As a failure, if the code is one.
    fn failure(&self, code: i32) -> Option<Failure> {
        if matches!(code, z::Z_OK | z::Z_BUF_ERROR | z::Z_STREAM_END) {
            return None;
        }
        let message = self.stream.as_ref().and_then(|stream| stream.message());
        Some(Failure { code, message, what: WHAT })
    }
    fn try_clone(&mut self) -> std::result::Result<Decoder, i32> {
        let Some(stream) = &mut self.stream else { return Err(z::Z_STREAM_ERROR) };
        Ok(Decoder {
            stream: Some(stream.try_clone()?),
            dictionary: self.dictionary.clone(),
            eof: self.eof,
            unused: self.unused.clone(),
            pending: self.pending.clone(),
        })
    }
}

#[cold]
fn no_memory(vm: &Vm) -> Raised {
    vm.error(&exc::MEMORY_ERROR, "Can't allocate memory for decompression object")
}

/// Appends, if there is memory.
fn append(to: &mut Vec<u8>, bytes: &[u8]) -> std::result::Result<(), Failure> {
    to.try_reserve(bytes.len()).map_err(|_| Failure::new(z::Z_MEM_ERROR, WHAT))?;
    to.extend_from_slice(bytes);
    Ok(())
}

fn finish(vm: &Vm, result: std::result::Result<Vec<u8>, Failure>) -> Result {
    match result {
        Ok(out) => bytes::new(vm, &out),
        Err(failure) => Err(failure.raise(vm)),
    }
}

// ---- Decompress -------------------------------------------------------------------------

/// Payload of `Decompress`. `pending` is its `unconsumed_tail`.
pub struct Decompress(Shared<Decoder>);

impl NativeClass for Decompress {
    fn class() -> &'static Type {
        &DECOMPRESS
    }
}

const fn method(sig: &'static str, code: RawFn, doc: &'static str) -> MethodDef {
    MethodDef { hide_signature: false, ..MethodDef::raw(sig, code, doc) }
}

pub static DECOMPRESS: Type = Type::new::<Decompress>(
    "zlib.Decompress",
    &OBJECT,
    type_flags::DISALLOW_INSTANTIATION,
    Slots::EMPTY,
    &[
        MethodDef::new(
            "decompress($self, data, /, max_length=0)",
            decompress,
            "Return a bytes object containing the decompressed version of the data.\n\n  data\n    The binary data to decompress.\n  max_length\n    The maximum allowable length of the decompressed data.\n    Unconsumed input data will be stored in\n    the unconsumed_tail attribute.\n\nAfter calling this function, some of the input data may still be\nstored in internal buffers for later processing.\nCall the flush() method to clear these buffers.",
        ),
        method(
            "flush($self, length=16384, /)",
            flush,
            "Return a bytes object containing any remaining decompressed data.\n\n  length\n    the initial size of the output buffer.",
        ),
        method(
            "copy($self, /)",
            |vm, args, kwnames| copy(vm, "copy", args, kwnames, 0),
            "Return a copy of the decompression object.",
        ),
        method("__copy__($self, /)", |vm, args, kwnames| copy(vm, "__copy__", args, kwnames, 0), ""),
        method(
            "__deepcopy__($self, memo, /)",
            |vm, args, kwnames| copy(vm, "__deepcopy__", args, kwnames, 1),
            "",
        ),
    ],
    &[
        GetSetDef::member("unused_data", |vm, object| {
            bytes::new(vm, &this::<Decompress>(object).0.look(vm, |decoder| decoder.unused.clone()))
        }),
        GetSetDef::member("unconsumed_tail", |vm, object| {
            bytes::new(vm, &this::<Decompress>(object).0.look(vm, |decoder| decoder.pending.clone()))
        }),
        GetSetDef::member("eof", |vm, object| {
            Ok(Object::bool(this::<Decompress>(object).0.look(vm, |decoder| decoder.eof)))
        }),
    ],
);

/// `decompressobj(wbits=15, zdict=b'')`.
pub fn decompressobj(vm: &Vm, args: &[Object]) -> Result {
    let wbits = vm.to_plain_c_int(&args[0])?;
    if !vm.is_bytes_like(&args[1]) {
        return Err(vm.type_error("zdict argument must support the buffer protocol"));
    }
    let dictionary = vm.bytes_like(&args[1], "zdict")?.bytes().to_vec();
    let dictionary = if dictionary.is_empty() { None } else { Some(dictionary) };
    let decoder = Decoder::new(vm, wbits, dictionary)?;
    allocate(vm, &DECOMPRESS, Decompress(Shared::new(decoder)))
}

impl Decoder {
    /// Keeps what is left of the input where Python finds it.
    fn keep(&mut self, input: &[u8], done: &Inflated) -> std::result::Result<(), Failure> {
        let rest = &input[done.consumed..];
        self.pending.clear();
        if done.code == z::Z_STREAM_END {
            self.eof = true;
            append(&mut self.unused, rest)
        } else {
            append(&mut self.pending, rest)
        }
    }
}

fn decompress(vm: &Vm, args: &[Object]) -> Result {
    let data = vm.bytes_like(&args[1], "data")?;
    let Ok(limit) = usize::try_from(vm.index_isize(&args[2])?) else {
        return Err(vm.value_error("max_length must be non-negative"));
    };
    let limit = if limit == 0 { usize::MAX } else { limit };
    let result = this::<Decompress>(&args[0]).0.work(vm, |decoder| {
        let input = data.bytes();
        let (out, done) = decoder.run(input, (DEF_BUF_SIZE, limit), z::Z_SYNC_FLUSH)?;
        decoder.keep(input, &done)?;
        decoder.failure(done.code).map_or(Ok(out), Err)
    });
    finish(vm, result)
}

fn flush(vm: &Vm, args: &[Object], kwnames: &[Object]) -> Result {
    check_positional(vm, "flush", args.len() - 1, kwnames, (0, 1))?;
    let first = match args.get(1) {
        Some(length) => vm.index_isize(length)?,
        None => DEF_BUF_SIZE as isize,
    };
    if first <= 0 {
        return Err(vm.value_error("length must be greater than zero"));
    }
    let first = (first as usize).min(super::MAX_GROWTH);
    let result = this::<Decompress>(&args[0]).0.work(vm, |decoder| {
        if decoder.stream.is_none() {
            return Ok(Vec::new());
        }
        let input = std::mem::take(&mut decoder.pending);
        let (out, done) = decoder.run(&input, (first, usize::MAX), z::Z_FINISH)?;
        decoder.keep(&input, &done)?;
        if done.code == z::Z_STREAM_END {
            decoder.stream = None;
        }
        decoder.failure(done.code).map_or(Ok(out), Err)
    });
    finish(vm, result)
}

fn copy(vm: &Vm, name: &str, args: &[Object], kwnames: &[Object], count: usize) -> Result {
    check_positional(vm, name, args.len() - 1, kwnames, (count, count))?;
    match this::<Decompress>(&args[0]).0.work(vm, Decoder::try_clone) {
        Ok(decoder) => allocate(vm, &DECOMPRESS, Decompress(Shared::new(decoder))),
        Err(z::Z_STREAM_ERROR) => Err(vm.value_error("Inconsistent stream state")),
        Err(z::Z_MEM_ERROR) => Err(no_memory(vm)),
        Err(code) => Err(Failure::new(code, "while copying decompression object").raise(vm)),
    }
}

// ---- _ZlibDecompressor ------------------------------------------------------------------

/// Payload of `_ZlibDecompressor`.
pub struct Decompressor(Shared<Buffered>);

/// A decoder that keeps its pending input.
struct Buffered {
    decoder: Decoder,
    needs_input: bool,
}

impl NativeClass for Decompressor {
    fn class() -> &'static Type {
        &DECOMPRESSOR
    }
}

pub static DECOMPRESSOR: Type = Type::new::<Decompressor>(
    "zlib._ZlibDecompressor",
    &OBJECT,
    0,
    Slots { new: Some(new), ..Slots::EMPTY },
    &[MethodDef::new("decompress($self, /, data, max_length=-1)", decompress_buffered, "Decompress *data*, returning uncompressed data as bytes.\n\nIf *max_length* is nonnegative, returns at most *max_length* bytes\nof decompressed data.  If this limit is reached and further output\ncan be produced, *self.needs_input* will be set to ``False``.  In\nthis case, the next call to *decompress()* may provide *data* as b''\nto obtain more of the output.\n\nIf all of the input data was decompressed and returned (either\nbecause this was less than *max_length* bytes, or because\n*max_length* was negative), *self.needs_input* will be set to True.\n\nAttempting to decompress data after the end of stream is reached\nraises an EOFError.  Any data found after the end of the stream is\nignored and saved in the unused_data attribute.")],
    &[
        GetSetDef::member("eof", |vm, object| {
            Ok(Object::bool(this::<Decompressor>(object).0.look(vm, |b| b.decoder.eof)))
        })
        .with_doc("True if the end-of-stream marker has been reached."),
        GetSetDef::member("unused_data", |vm, object| {
            bytes::new(vm, &this::<Decompressor>(object).0.look(vm, |b| b.decoder.unused.clone()))
        })
        .with_doc("Data found after the end of the compressed stream."),
        GetSetDef::member("needs_input", |vm, object| {
            Ok(Object::bool(this::<Decompressor>(object).0.look(vm, |b| b.needs_input)))
        })
        .with_doc("True if more input is needed before more decompressed data can be produced."),
    ],
)
.with_doc("_ZlibDecompressor(wbits=15, zdict=b'')\n--\n\nCreate a decompressor object for decompressing data incrementally.\n\n  wbits = 15\n  zdict\n     The predefined compression dictionary. This is a sequence of bytes\n     (such as a bytes object) containing subsequences that are expected\n     to occur frequently in the data that is to be compressed. Those\n     subsequences that are expected to be most common should come at the\n     end of the dictionary. This must be the same dictionary as used by the\n     compressor that produced the input data.\n\n");

fn new(vm: &Vm, class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    static SIG: Sig = Sig::new("_ZlibDecompressor(wbits=15, zdict=<absent>)");
    let bound = SIG.bind(vm, args, kwnames)?;
    let wbits = vm.to_plain_c_int(&bound[0])?;
    let dictionary = match bound[1].bound() {
        Some(object) => Some(vm.bytes_like(object, "zdict")?.bytes().to_vec()),
        None => None,
    };
    let decoder = Decoder::new(vm, wbits, dictionary)?;
    allocate(vm, class, Decompressor(Shared::new(Buffered { decoder, needs_input: true })))
}

fn decompress_buffered(vm: &Vm, args: &[Object]) -> Result {
    let data = vm.bytes_like(&args[1], "data")?;
    let limit = usize::try_from(vm.index_isize(&args[2])?).unwrap_or(usize::MAX);
    let result = this::<Decompressor>(&args[0]).0.work(vm, |buffered| {
        let decoder = &mut buffered.decoder;
        if decoder.eof {
            return Err(None);
        }
        // Pending input goes first.
        let mut held = std::mem::take(&mut decoder.pending);
        let input = if held.is_empty() {
            data.bytes()
        } else {
            append(&mut held, data.bytes())?;
            &held
        };
        let (out, done) = decoder.run(input, (DEF_BUF_SIZE, limit), z::Z_SYNC_FLUSH)?;
        decoder.keep(input, &done)?;
        buffered.needs_input = !decoder.eof && decoder.pending.is_empty() && !done.full;
        decoder.failure(done.code).map_or(Ok(out), |failure| Err(Some(failure)))
    });
    match result {
        Err(None) => Err(vm.eof_error("End of stream already reached")),
        Err(Some(failure)) => Err(failure.raise(vm)),
        Ok(out) => bytes::new(vm, &out),
    }
}
