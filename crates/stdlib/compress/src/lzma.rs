//! `_lzma`: stream objects of liblzma, and chains of filters as dicts.

use crate::support::{Buffered, Decode, Decoded, Fault, Shared, compressed, growth};
use taipan_compression::lzma::{self as l, Filter, FilterOptions, LzmaOptions, Stream};
use taipan_runtime::prelude::*;
use taipan_runtime::support::{allocate, exception_class, raise_kept, this};
use taipan_runtime::types::object::OBJECT;
use taipan_runtime::types::{bytes, int};

const ERROR: &str = "_lzma.LZMAError";
const FORMAT_AUTO: i32 = 0;
const FORMAT_XZ: i32 = 1;
const FORMAT_ALONE: i32 = 2;
const FORMAT_RAW: i32 = 3;
const CHECK_NONE: i64 = 0;
const CHECK_CRC64: i64 = 4;
const CHECK_UNKNOWN: u32 = 16;
const PRESET_DEFAULT: u32 = 6;
/// Most filters of a chain.
const FILTERS_MAX: usize = 4;

/// The module.
pub static LZMA: ModuleDef = ModuleDef {
    name: "_lzma",
    doc: "",
    functions: &[
        MethodDef::new(
            "is_check_supported(check_id, /)",
            |vm, args| {
                let check = vm.to_plain_c_int(&args[0])?;
                Ok(Object::bool(u32::try_from(check).is_ok_and(l::is_check_supported)))
            },
            "Is an integrity check supported?",
        ),
        MethodDef::new(
            "_encode_filter_properties(filter, /)",
            |vm, args| {
                let filter = parse_filter(vm, &args[0])?;
                let properties = l::encode_properties(&filter).map_err(|code| raise(vm, code))?;
                bytes::new(vm, &properties)
            },
            "The properties of a filter as bytes, without its number.",
        ),
        MethodDef::new(
            "_decode_filter_properties(filter_id, encoded_props, /)",
            decode_properties,
            "The dict of a filter, of its number and the bytes of its properties.",
        ),
    ],
    types: &[&COMPRESSOR, &DECOMPRESSOR],
    init: Some(init),
};

fn init(vm: &Vm, module: &Object) -> Result<()> {
    vm.set_attr_str(module, "__doc__", &Object::NONE)?;
    let error =
        exception_class(vm, ERROR, "_lzma", "LZMAError", &exc::EXCEPTION, Some("Call to liblzma failed."))?;
    vm.set_attr_str(module, "LZMAError", &error)?;
    for (name, value) in [
        ("FORMAT_AUTO", FORMAT_AUTO as u64),
        ("FORMAT_XZ", FORMAT_XZ as u64),
        ("FORMAT_ALONE", FORMAT_ALONE as u64),
        ("FORMAT_RAW", FORMAT_RAW as u64),
        ("CHECK_NONE", CHECK_NONE as u64),
        ("CHECK_CRC32", 1),
        ("CHECK_CRC64", CHECK_CRC64 as u64),
        ("CHECK_SHA256", 10),
        ("CHECK_ID_MAX", 15),
        ("CHECK_UNKNOWN", CHECK_UNKNOWN as u64),
        ("FILTER_LZMA1", l::FILTER_LZMA1),
        ("FILTER_LZMA2", l::FILTER_LZMA2),
        ("FILTER_DELTA", l::FILTER_DELTA),
        ("FILTER_X86", 4),
        ("FILTER_POWERPC", 5),
        ("FILTER_IA64", 6),
        ("FILTER_ARM", 7),
        ("FILTER_ARMTHUMB", 8),
        ("FILTER_SPARC", 9),
        ("MF_HC3", 3),
        ("MF_HC4", 4),
        ("MF_BT2", 18),
        ("MF_BT3", 19),
        ("MF_BT4", 20),
        ("MODE_FAST", 1),
        ("MODE_NORMAL", 2),
        ("PRESET_DEFAULT", PRESET_DEFAULT as u64),
        ("PRESET_EXTREME", l::PRESET_EXTREME as u64),
    ] {
        vm.set_attr_str(module, name, &vm.u64(value))?;
    }
    Ok(())
}

/// A code of the library as an exception.
#[cold]
fn raise(vm: &Vm, code: i32) -> Raised {
    let words = match code {
        l::MEM_ERROR => return vm.memory_error(),
        l::UNSUPPORTED_CHECK => "Unsupported integrity check",
        l::MEMLIMIT_ERROR => "Memory usage limit exceeded",
        l::FORMAT_ERROR => "Input format not supported by decoder",
        l::OPTIONS_ERROR => "Invalid or unsupported options",
        l::DATA_ERROR => "Corrupt input data",
        l::BUF_ERROR => "Insufficient buffer space",
        l::PROG_ERROR => "Internal error",
        _ => return raise_kept(vm, ERROR, format!("Unrecognized error from liblzma: {code}")),
    };
    raise_kept(vm, ERROR, words)
}

// ---- filters ----------------------------------------------------------------------------

/// A number without sign, within a limit.
fn unsigned(vm: &Vm, object: &Object, limit: u64, kind: &str) -> Result<u64> {
    let index = vm.index(object)?;
    if int::is_negative(&index) {
        return Err(vm.value_error("Cannot convert negative int"));
    }
    int::to_u64(&index)
        .filter(|n| *n <= limit)
        .ok_or_else(|| vm.overflow_error(format!("Python int too large to convert to C {kind}")))
}

fn unsigned32(vm: &Vm, object: &Object) -> Result<u32> {
    unsigned(vm, object, u32::MAX as u64, "uint32_t").map(|n| n as u32)
}

/// The item of a mapping, if it is there.
fn entry(vm: &Vm, mapping: &Object, key: &str) -> Result<Option<Object>> {
    let found = vm.get_item_str(mapping, key);
    vm.swallow(found, &exc::KEY_ERROR)
}

#[cold]
fn bad_preset(vm: &Vm, preset: u32) -> Raised {
    raise_kept(vm, ERROR, format!("Invalid compression preset: {preset}"))
}

/// The filter that a mapping specifies.
fn parse_filter(vm: &Vm, spec: &Object) -> Result<Filter> {
    if spec.ty().slots().getitem.is_none() {
        return Err(vm.type_error("Filter specifier must be a dict or dict-like object"));
    }
    let Some(id) = entry(vm, spec, "id")? else {
        return Err(vm.value_error("Filter specifier must have an \"id\" entry"));
    };
    let id = unsigned(vm, &id, u64::MAX, "unsigned long long")?;
    let (kind, allowed): (&str, &[&str]) = match id {
        l::FILTER_LZMA1 | l::FILTER_LZMA2 => {
            ("LZMA", &["id", "preset", "dict_size", "lc", "lp", "pb", "mode", "nice_len", "mf", "depth"])
        }
        l::FILTER_DELTA => ("delta", &["id", "dist"]),
        _ if l::FILTERS_BCJ.contains(&id) => ("BCJ", &["id", "start_offset"]),
        _ => return Err(vm.value_error(format!("Invalid filter ID: {id}"))),
    };
    // A filter of LZMA starts from a preset.
    let mut lzma = None;
    if kind == "LZMA" {
        let preset = match entry(vm, spec, "preset")? {
            Some(preset) => unsigned32(vm, &preset)?,
            None => PRESET_DEFAULT,
        };
        lzma = Some(LzmaOptions::preset(preset).ok_or_else(|| bad_preset(vm, preset))?);
    }
    let mut number = if kind == "delta" { 1 } else { 0 };
    let mut read = || -> Result<bool> {
        for key in vm.collect(spec)? {
            let name = vm.str_lossy(&key);
            if key.downcast::<Str>().is_none() || !allowed.contains(&name.as_str()) {
                return Ok(false);
            }
            if name == "id" || name == "preset" {
                continue;
            }
            let value = unsigned32(vm, &vm.get_item(spec, &key)?)?;
            match &mut lzma {
                Some(options) => {
                    options.set(&name, value);
                }
                None => number = value,
            }
        }
        Ok(true)
    };
    let invalid = || vm.value_error(format!("Invalid filter specifier for {kind} filter"));
    match read() {
        Ok(true) => {}
        Ok(false) => return Err(invalid()),
        Err(raised) => {
            drop(vm.caught(raised));
            return Err(invalid());
        }
    }
    let options = match lzma {
        Some(options) => FilterOptions::Lzma(options),
        None if kind == "delta" => FilterOptions::Delta(number),
        None => FilterOptions::Bcj(number),
    };
    Ok(Filter { id, options })
}

/// A chain of filters.
fn parse_filters(vm: &Vm, specs: &Object) -> Result<Vec<Filter>> {
    if specs.downcast::<Dict>().is_some() {
        return Err(vm.type_error(format!("{} is not a sequence", specs.ty().name())));
    }
    let count = vm.len(specs)?;
    if count > FILTERS_MAX {
        return Err(vm.value_error(format!("Too many filters - liblzma supports a maximum of {FILTERS_MAX}")));
    }
    (0..count).map(|i| parse_filter(vm, &vm.get_item(specs, &vm.usize(i))?)).collect()
}

fn decode_properties(vm: &Vm, args: &[Object]) -> Result {
    let id = unsigned(vm, &args[0], u64::MAX, "unsigned long long")?;
    let properties = vm.bytes_like(&args[1], "encoded_props")?;
    let filter = l::decode_properties(id, properties.bytes()).map_err(|code| raise(vm, code))?;
    let dict = vm.new_dict();
    let put = |name: &str, value: u64| vm.set_item(&dict, &vm.str(name), &vm.u64(value));
    put("id", filter.id)?;
    match &filter.options {
        FilterOptions::None => {}
        FilterOptions::Lzma(options) => {
            if filter.id == l::FILTER_LZMA1 {
                for (name, value) in ["lc", "lp", "pb"].into_iter().zip(options.bits()) {
                    put(name, value as u64)?;
                }
            }
            put("dict_size", options.dict_size() as u64)?;
        }
        FilterOptions::Delta(distance) => put("dist", *distance as u64)?,
        FilterOptions::Bcj(offset) => put("start_offset", *offset as u64)?,
    }
    Ok(dict)
}

// ---- compressing -------------------------------------------------------------------------

/// Payload of `LZMACompressor`; None once it was flushed.
pub struct Compressor(Shared<Option<Stream>>);

impl NativeClass for Compressor {
    fn class() -> &'static Type {
        &COMPRESSOR
    }
}

pub static COMPRESSOR: Type = Type::new::<Compressor>(
    "_lzma.LZMACompressor",
    &OBJECT,
    type_flags::IMMUTABLE,
    Slots { new: Some(new_compressor), ..Slots::EMPTY },
    &[
        MethodDef::new("compress($self, data, /)", compress, "Compresses data. What can be had of the result already, or b''.\n\nAfter the last data, flush() gives the rest."),
        MethodDef::new("flush($self, /)", flush, "Ends the stream and returns what is left of it. The compressor is of no use afterwards."),
    ],
    &[],
)
.with_doc("LZMACompressor(format=FORMAT_XZ, check=-1, preset=None, filters=None)\n\nCompresses data piece by piece.\n\nformat is FORMAT_XZ, FORMAT_ALONE (the older container) or FORMAT_RAW (none).\ncheck is the integrity check of FORMAT_XZ, CHECK_CRC64 if it is not given.\n\nA preset from 0 to 9, perhaps with PRESET_EXTREME, or else a chain of filters says\nhow to compress. FORMAT_RAW needs filters. A filter is a dict with an \"id\"\n(FILTER_*) and options of its own.");

fn new_compressor(vm: &Vm, class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    static SIG: Sig = Sig::new("LZMACompressor(format=1, check=-1, preset=None, filters=None)");
    let bound = SIG.bind(vm, args, kwnames)?;
    let format = vm.to_plain_c_int(&bound[0])?;
    let check = vm.to_plain_c_int(&bound[1])? as i64;
    let filters = bound[3].some();
    if bound[2].some().is_some() && filters.is_some() {
        return Err(vm.value_error("Cannot specify both preset and filter chain"));
    }
    let preset = match bound[2].some() {
        Some(preset) => unsigned32(vm, preset)?,
        None => PRESET_DEFAULT,
    };
    if format != FORMAT_XZ && check != -1 && check != CHECK_NONE {
        return Err(vm.value_error("Integrity checks are only supported by FORMAT_XZ"));
    }
    let filters = match filters {
        Some(filters) => Some(parse_filters(vm, filters)?),
        None => None,
    };
    let check = if check == -1 { CHECK_CRC64 } else { check } as u32;
    let stream = match (format, filters) {
        (FORMAT_XZ, None) => Stream::xz_encoder(preset, check),
        (FORMAT_XZ, Some(filters)) => Stream::xz_encoder_with(&filters, check),
        (FORMAT_ALONE, None) => {
            let options = LzmaOptions::preset(preset).ok_or_else(|| bad_preset(vm, preset))?;
            Stream::alone_encoder(&options)
        }
        (FORMAT_ALONE, Some(filters)) => match filters.as_slice() {
            [Filter { id: l::FILTER_LZMA1, options: FilterOptions::Lzma(options) }] => {
                Stream::alone_encoder(options)
            }
            _ => {
                return Err(
                    vm.value_error("Invalid filter chain for FORMAT_ALONE - must be a single LZMA1 filter")
                );
            }
        },
        (FORMAT_RAW, None) => return Err(vm.value_error("Must specify filters for FORMAT_RAW")),
        (FORMAT_RAW, Some(filters)) => Stream::raw_encoder(&filters),
        _ => return Err(vm.value_error(format!("Invalid container format: {format}"))),
    };
    let stream = stream.map_err(|code| raise(vm, code))?;
    allocate(vm, class, Compressor(Shared::new(Some(stream))))
}

/// Feeds all of the input; the output, or the code of what went wrong.
fn run(stream: &mut Stream, input: &[u8], action: u32) -> std::result::Result<Vec<u8>, i32> {
    let (mut out, mut rest) = (Vec::new(), input);
    loop {
        let room = growth(&out);
        let step = stream.run(rest, &mut out, room, action);
        rest = &rest[step.consumed..];
        match step.code {
            l::STREAM_END => return Ok(out),
            l::OK | l::GET_CHECK | l::NO_CHECK => {}
            // No input is no failure.
            l::BUF_ERROR if input.is_empty() && step.produced < room => return Ok(out),
            code => return Err(code),
        }
        if action == l::RUN && rest.is_empty() && step.produced < room {
            return Ok(out);
        }
    }
}

fn compress(vm: &Vm, args: &[Object]) -> Result {
    let data = vm.bytes_like(&args[1], "data")?;
    let result = this::<Compressor>(&args[0])
        .0
        .work(vm, |stream| stream.as_mut().map(|stream| run(stream, data.bytes(), l::RUN)));
    compressed(vm, result, "Compressor has been flushed", raise)
}

fn flush(vm: &Vm, args: &[Object]) -> Result {
    let result = this::<Compressor>(&args[0])
        .0
        .work(vm, |stream| stream.take().map(|mut stream| run(&mut stream, &[], l::FINISH)));
    compressed(vm, result, "Repeated call to flush()", raise)
}

// ---- decompressing -----------------------------------------------------------------------

struct Decoder {
    stream: Stream,
    check: u32,
}

impl Decode for Decoder {
    type Failure = i32;
    fn step(&mut self, input: &[u8], out: &mut Vec<u8>, room: usize) -> std::result::Result<Decoded, i32> {
        let (mut consumed, mut produced) = (0, 0);
        loop {
            let step = self.stream.run(&input[consumed..], out, room - produced, l::RUN);
            consumed += step.consumed;
            produced += step.produced;
            match step.code {
                l::GET_CHECK | l::NO_CHECK => {
                    // The library only tells that it knows the check now.
                    self.check = self.stream.check();
                    continue;
                }
                l::OK | l::STREAM_END => {}
                l::BUF_ERROR if consumed == input.len() || room == produced => {}
                code => return Err(code),
            }
            return Ok(Decoded { consumed, produced, end: step.code == l::STREAM_END });
        }
    }
    fn no_memory() -> i32 {
        l::MEM_ERROR
    }
}

/// Payload of `LZMADecompressor`.
pub struct Decompressor(Shared<Buffered<Decoder>>);

impl NativeClass for Decompressor {
    fn class() -> &'static Type {
        &DECOMPRESSOR
    }
}

pub static DECOMPRESSOR: Type = Type::new::<Decompressor>(
    "_lzma.LZMADecompressor",
    &OBJECT,
    type_flags::IMMUTABLE,
    Slots { new: Some(new_decompressor), ..Slots::EMPTY },
    &[MethodDef::new("decompress($self, /, data, max_length=-1)", decompress, "Decompresses data, to at most max_length bytes unless that is negative.\n\nIf the limit was reached, needs_input is False, and the next call may come with\nb''. Data behind the end of the stream are kept in unused_data; to go on after\nthe end is an EOFError.")],
    &[
        GetSetDef::member("check", |vm, object| {
            Ok(vm.int(this::<Decompressor>(object).0.look(vm, |b| b.decoder.check) as i64))
        })
        .with_doc("ID of the integrity check used by the input stream."),
        GetSetDef::member("eof", |vm, object| {
            Ok(Object::bool(this::<Decompressor>(object).0.look(vm, |b| b.eof)))
        })
        .with_doc("True if the end-of-stream marker has been reached."),
        GetSetDef::member("needs_input", |vm, object| {
            Ok(Object::bool(this::<Decompressor>(object).0.look(vm, |b| b.needs_input)))
        })
        .with_doc("True if more input is needed before more decompressed data can be produced."),
        GetSetDef::member("unused_data", |vm, object| {
            bytes::new(vm, &this::<Decompressor>(object).0.look(vm, |b| b.unused.clone()))
        })
        .with_doc("Data found after the end of the compressed stream."),
    ],
)
.with_doc("LZMADecompressor(format=FORMAT_AUTO, memlimit=None, filters=None)\n--\n\nDecompresses data piece by piece.\n\n  format\n    The container; FORMAT_AUTO finds out, but not FORMAT_RAW.\n  memlimit\n    Most memory that the decompressor may use.\n  filters\n    The chain of filters of FORMAT_RAW.");

fn new_decompressor(vm: &Vm, class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    static SIG: Sig = Sig::new("LZMADecompressor(format=0, memlimit=None, filters=None)");
    let bound = SIG.bind(vm, args, kwnames)?;
    let format = vm.to_plain_c_int(&bound[0])?;
    let limit = match bound[1].some() {
        Some(_) if format == FORMAT_RAW => {
            return Err(vm.value_error("Cannot specify memory limit with FORMAT_RAW"));
        }
        Some(limit) => unsigned(vm, limit, u64::MAX, "unsigned long long")?,
        None => u64::MAX,
    };
    let filters = match (format, bound[2].some()) {
        (FORMAT_RAW, None) => return Err(vm.value_error("Must specify filters for FORMAT_RAW")),
        (FORMAT_RAW, Some(filters)) => parse_filters(vm, filters)?,
        (_, Some(_)) => return Err(vm.value_error("Cannot specify filters except with FORMAT_RAW")),
        _ => Vec::new(),
    };
    let (stream, check) = match format {
        FORMAT_AUTO => (Stream::auto_decoder(limit), CHECK_UNKNOWN),
        FORMAT_XZ => (Stream::xz_decoder(limit), CHECK_UNKNOWN),
        FORMAT_ALONE => (Stream::alone_decoder(limit), CHECK_NONE as u32),
        FORMAT_RAW => (Stream::raw_decoder(&filters), CHECK_NONE as u32),
        _ => return Err(vm.value_error(format!("Invalid container format: {format}"))),
    };
    let stream = stream.map_err(|code| raise(vm, code))?;
    allocate(vm, class, Decompressor(Shared::new(Buffered::new(Decoder { stream, check }))))
}

fn decompress(vm: &Vm, args: &[Object]) -> Result {
    let data = vm.bytes_like(&args[1], "data")?;
    let limit = usize::try_from(vm.index_isize(&args[2])?).unwrap_or(usize::MAX);
    let result =
        this::<Decompressor>(&args[0]).0.work(vm, |buffered| buffered.decompress(data.bytes(), limit));
    match result {
        Ok(out) => bytes::new(vm, &out),
        Err(Fault::AtEnd) => Err(vm.eof_error("Already at end of stream")),
        Err(Fault::Failure(code)) => Err(raise(vm, code)),
    }
}
