//! `_bz2`: the two stream objects of bzip2.

use crate::support::{Buffered, Decode, Decoded, Fault, Shared, compressed, growth};
use taipan_compression::bz2 as b;
use taipan_runtime::prelude::*;
use taipan_runtime::support::{allocate, check_arity, no_keywords, this};
use taipan_runtime::types::bytes;
use taipan_runtime::types::object::OBJECT;

/// The module.
pub static BZ2: ModuleDef = ModuleDef {
    name: "_bz2",
    doc: "",
    functions: &[],
    types: &[&COMPRESSOR, &DECOMPRESSOR],
    init: Some(init),
};

fn init(vm: &Vm, module: &Object) -> Result<()> {
    vm.set_attr_str(module, "__doc__", &Object::NONE)
}

/// A code of the library as an exception.
#[cold]
fn raise(vm: &Vm, code: i32) -> Raised {
    match code {
        b::PARAM_ERROR => vm.value_error("Internal error - invalid parameters passed to libbzip2"),
        b::MEM_ERROR => vm.memory_error(),
        b::DATA_ERROR | b::DATA_ERROR_MAGIC => vm.error(&exc::OS_ERROR, "Invalid data stream"),
        b::IO_ERROR => vm.error(&exc::OS_ERROR, "Unknown I/O error"),
        b::UNEXPECTED_EOF => {
            vm.eof_error("Compressed file ended before the logical end-of-stream was detected")
        }
        b::SEQUENCE_ERROR => {
            vm.runtime_error("Internal error - Invalid sequence of commands sent to libbzip2")
        }
        _ => vm.error(&exc::OS_ERROR, format!("Unrecognized error from libbzip2: {code}")),
    }
}

/// Payload of `BZ2Compressor`; None once it was flushed.
pub struct Compressor(Shared<Option<b::Compressor>>);

impl NativeClass for Compressor {
    fn class() -> &'static Type {
        &COMPRESSOR
    }
}

pub static COMPRESSOR: Type = Type::new::<Compressor>(
    "_bz2.BZ2Compressor",
    &OBJECT,
    type_flags::IMMUTABLE,
    Slots { new: Some(new_compressor), ..Slots::EMPTY },
    &[
        MethodDef::new("compress($self, data, /)", compress, "Compresses data. What can be had of the result already, or b''.\n\nAfter the last data, flush() gives the rest."),
        MethodDef::new("flush($self, /)", flush, "Ends the stream and returns what is left of it. The compressor is of no use afterwards."),
    ],
    &[],
)
.with_doc("BZ2Compressor(compresslevel=9, /)\n--\n\nCompresses data piece by piece.\n\n  compresslevel\n    From 1 to 9.");

fn new_compressor(vm: &Vm, class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    let args = no_keywords(vm, class, &COMPRESSOR, args, kwnames)?;
    check_arity(vm, "BZ2Compressor", args.len(), 0, 1)?;
    let level = match args.first() {
        Some(level) => vm.to_plain_c_int(level)?,
        None => 9,
    };
    if !(1..=9).contains(&level) {
        return Err(vm.value_error("compresslevel must be between 1 and 9"));
    }
    let stream = b::Compressor::new(level).map_err(|code| raise(vm, code))?;
    allocate(vm, class, Compressor(Shared::new(Some(stream))))
}

/// Feeds all of the input; the output, or the code of what went wrong.
fn run(stream: &mut b::Compressor, input: &[u8], action: i32) -> std::result::Result<Vec<u8>, i32> {
    let (mut out, mut rest) = (Vec::new(), input);
    loop {
        if action == b::RUN && rest.is_empty() {
            return Ok(out);
        }
        let room = growth(&out);
        let step = stream.run(rest, &mut out, room, action);
        if step.code < 0 {
            return Err(step.code);
        }
        rest = &rest[step.consumed..];
        if step.code == b::STREAM_END {
            return Ok(out);
        }
    }
}

fn compress(vm: &Vm, args: &[Object]) -> Result {
    let data = vm.bytes_like(&args[1], "data")?;
    let result = this::<Compressor>(&args[0])
        .0
        .work(vm, |stream| stream.as_mut().map(|stream| run(stream, data.bytes(), b::RUN)));
    compressed(vm, result, "Compressor has been flushed", raise)
}

fn flush(vm: &Vm, args: &[Object]) -> Result {
    let result = this::<Compressor>(&args[0])
        .0
        .work(vm, |stream| stream.take().map(|mut stream| run(&mut stream, &[], b::FINISH)));
    compressed(vm, result, "Repeated call to flush()", raise)
}

/// A decoder that an error makes useless.
struct Decoder(Option<b::Decompressor>);

/// Why a decoder could not go on.
enum Failure {
    Code(i32),
    Unusable,
}

impl Decode for Decoder {
    type Failure = Failure;
    fn step(
        &mut self,
        input: &[u8],
        out: &mut Vec<u8>,
        room: usize,
    ) -> std::result::Result<Decoded, Failure> {
        let Some(stream) = &mut self.0 else { return Err(Failure::Unusable) };
        let step = stream.run(input, out, room);
        if step.code < 0 {
            self.0 = None;
            return Err(Failure::Code(step.code));
        }
        Ok(Decoded { consumed: step.consumed, produced: step.produced, end: step.code == b::STREAM_END })
    }
    fn no_memory() -> Failure {
        Failure::Code(b::MEM_ERROR)
    }
}

/// Payload of `BZ2Decompressor`.
pub struct Decompressor(Shared<Buffered<Decoder>>);

impl NativeClass for Decompressor {
    fn class() -> &'static Type {
        &DECOMPRESSOR
    }
}

pub static DECOMPRESSOR: Type = Type::new::<Decompressor>(
    "_bz2.BZ2Decompressor",
    &OBJECT,
    type_flags::IMMUTABLE,
    Slots { new: Some(new_decompressor), ..Slots::EMPTY },
    &[MethodDef::new("decompress($self, /, data, max_length=-1)", decompress, "Decompresses data, to at most max_length bytes unless that is negative.\n\nIf the limit was reached, needs_input is False, and the next call may come with\nb''. Data behind the end of the stream are kept in unused_data; to go on after\nthe end is an EOFError.")],
    &[
        GetSetDef::member("eof", |vm, object| {
            Ok(Object::bool(this::<Decompressor>(object).0.look(vm, |b| b.eof)))
        })
        .with_doc("True if the end-of-stream marker has been reached."),
        GetSetDef::member("unused_data", |vm, object| {
            bytes::new(vm, &this::<Decompressor>(object).0.look(vm, |b| b.unused.clone()))
        })
        .with_doc("Data found after the end of the compressed stream."),
        GetSetDef::member("needs_input", |vm, object| {
            Ok(Object::bool(this::<Decompressor>(object).0.look(vm, |b| b.needs_input)))
        })
        .with_doc("True if more input is needed before more decompressed data can be produced."),
    ],
)
.with_doc("BZ2Decompressor()\n--\n\nDecompresses data piece by piece.");

fn new_decompressor(vm: &Vm, class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    let args = no_keywords(vm, class, &DECOMPRESSOR, args, kwnames)?;
    if !args.is_empty() {
        return Err(vm.type_error("BZ2Decompressor() takes no positional arguments"));
    }
    let stream = b::Decompressor::new().map_err(|code| raise(vm, code))?;
    allocate(vm, class, Decompressor(Shared::new(Buffered::new(Decoder(Some(stream))))))
}

fn decompress(vm: &Vm, args: &[Object]) -> Result {
    let data = vm.bytes_like(&args[1], "data")?;
    let limit = usize::try_from(vm.index_isize(&args[2])?).unwrap_or(usize::MAX);
    let result = this::<Decompressor>(&args[0]).0.work(vm, |buffered| {
        let result = buffered.decompress(data.bytes(), limit);
        // Input is of no use after a failure.
        buffered.needs_input &= result.is_ok();
        result
    });
    match result {
        Ok(out) => bytes::new(vm, &out),
        Err(Fault::AtEnd) => Err(vm.eof_error("End of stream already reached")),
        Err(Fault::Failure(Failure::Code(code))) => Err(raise(vm, code)),
        Err(Fault::Failure(Failure::Unusable)) => {
            Err(vm.value_error("Decompressor is unusable after a previous error"))
        }
    }
}
