//! `_zstd`: Zstandard's compressor and decompressor objects, dictionaries, and
//! questions about frames.

use crate::support::{Buffered, Decode, Decoded, Fault, Shared, growth};
use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::sync::Arc;
use taipan_compression::zstd::{self as z, Loaded, Words};
use taipan_runtime::prelude::*;
use taipan_runtime::sharing::complete;
use taipan_runtime::support::{allocate, bad_argument, exception_class, raise_kept, this};
use taipan_runtime::types::bytes::{self, Bytes};
use taipan_runtime::types::int;
use taipan_runtime::types::object::OBJECT;

const ERROR: &str = "compression.zstd.ZstdError";
/// The two enumerations of Python's half.
const PARAMETER_TYPES: &str = "_zstd parameter types";
const LEVEL: i32 = 100;

/// Parameters of compression: constant, name in messages, number.
const PARAMETERS: [(&str, &str, i32); 19] = [
    ("compressionLevel", "compression_level", LEVEL),
    ("windowLog", "window_log", 101),
    ("hashLog", "hash_log", 102),
    ("chainLog", "chain_log", 103),
    ("searchLog", "search_log", 104),
    ("minMatch", "min_match", 105),
    ("targetLength", "target_length", 106),
    ("strategy", "strategy", 107),
    ("enableLongDistanceMatching", "enable_long_distance_matching", 160),
    ("ldmHashLog", "ldm_hash_log", 161),
    ("ldmMinMatch", "ldm_min_match", 162),
    ("ldmBucketSizeLog", "ldm_bucket_size_log", 163),
    ("ldmHashRateLog", "ldm_hash_rate_log", 164),
    ("contentSizeFlag", "content_size_flag", 200),
    ("checksumFlag", "checksum_flag", 201),
    ("dictIDFlag", "dict_id_flag", 202),
    ("nbWorkers", "nb_workers", 400),
    ("jobSize", "job_size", 401),
    ("overlapLog", "overlap_log", 402),
];

/// The module.
pub static ZSTD: ModuleDef = ModuleDef {
    name: "_zstd",
    doc: "Implementation module for Zstandard compression.",
    functions: &[
        MethodDef::new(
            "train_dict(samples_bytes, samples_sizes, dict_size, /)",
            train_dict,
            "Trains a dictionary on samples, which are concatenated.",
        ),
        MethodDef::new(
            "finalize_dict(custom_dict_bytes, samples_bytes, samples_sizes, dict_size, compression_level, /)",
            finalize_dict,
            "Makes a dictionary of content and samples.",
        ),
        MethodDef::new(
            "get_param_bounds(parameter, is_compress)",
            |vm, args| {
                let parameter = vm.to_plain_c_int(&args[0])?;
                let compression = vm.is_true(&args[1])?;
                let (low, high) = z::bounds(parameter, compression).map_err(|words| {
                    let what = if compression { "compression" } else { "decompression" };
                    fail(vm, &format!("Unable to get zstd {what} parameter bounds"), words)
                })?;
                Ok(vm.tuple(vec![vm.int(low as i64), vm.int(high as i64)]))
            },
            "The least and the greatest value of a parameter.",
        ),
        MethodDef::new(
            "get_frame_size(frame_buffer)",
            |vm, args| {
                let data = vm.bytes_like(&args[0], "frame_buffer")?;
                let size = z::frame_size(data.bytes()).map_err(|words| {
                raise_kept(vm, ERROR, format!("Error when finding the compressed size of a Zstandard frame. Ensure the frame_buffer argument starts from the beginning of a frame, and its length is not less than this complete frame. Zstd error message: {words}."))
            })?;
                Ok(vm.usize(size))
            },
            "How long the frame is that the data begin with.",
        ),
        MethodDef::new(
            "get_frame_info(frame_buffer)",
            |vm, args| {
                let data = vm.bytes_like(&args[0], "frame_buffer")?;
                let Some((size, dictionary)) = z::frame_info(data.bytes()) else {
                    return Err(raise_kept(
                        vm,
                        ERROR,
                        "Error when getting information from the header of a Zstandard frame. Ensure the frame_buffer argument starts from the beginning of a frame, and its length is not less than the frame header (6~18 bytes).",
                    ));
                };
                let size = size.map_or(Object::NONE, |size| vm.u64(size));
                Ok(vm.tuple(vec![size, vm.int(dictionary as i64)]))
            },
            "The content size of a frame (None: unknown) and the number of its dictionary.",
        ),
        MethodDef::new(
            "set_parameter_types(c_parameter_type, d_parameter_type)",
            |vm, args| {
                for (object, name) in args.iter().zip(["c_parameter_type", "d_parameter_type"]) {
                    if Type::of(object).is_none() {
                        return Err(bad_argument(
                            vm,
                            "set_parameter_types",
                            &format!("argument '{name}'"),
                            "type",
                            object,
                        ));
                    }
                }
                vm.share(PARAMETER_TYPES, vm.tuple(args.to_vec()));
                Ok(Object::NONE)
            },
            "Tells which types the parameters have, so that they are not confused.",
        ),
    ],
    types: &[&DICTIONARY, &COMPRESSOR, &DECOMPRESSOR],
    init: Some(init),
};

fn init(vm: &Vm, module: &Object) -> Result<()> {
    let doc = Some("An error occurred in the zstd library.");
    let error = exception_class(vm, ERROR, "compression.zstd", "ZstdError", &exc::EXCEPTION, doc)?;
    vm.set_attr_str(module, "ZstdError", &error)?;
    let (text, number) = z::version();
    vm.set_attr_str(module, "zstd_version", &vm.str(text))?;
    vm.set_attr_str(module, "zstd_version_number", &vm.int(number as i64))?;
    for (name, _, value) in PARAMETERS {
        vm.set_attr_str(module, &format!("ZSTD_c_{name}"), &vm.int(value as i64))?;
    }
    for (name, value) in [
        ("ZSTD_d_windowLogMax", LEVEL),
        ("ZSTD_CLEVEL_DEFAULT", 3),
        ("ZSTD_DStreamOutSize", 128 * 1024),
        ("ZSTD_fast", 1),
        ("ZSTD_dfast", 2),
        ("ZSTD_greedy", 3),
        ("ZSTD_lazy", 4),
        ("ZSTD_lazy2", 5),
        ("ZSTD_btlazy2", 6),
        ("ZSTD_btopt", 7),
        ("ZSTD_btultra", 8),
        ("ZSTD_btultra2", 9),
    ] {
        vm.set_attr_str(module, name, &vm.int(value as i64))?;
    }
    let modes = [("CONTINUE", z::CONTINUE), ("FLUSH_BLOCK", z::FLUSH_BLOCK), ("FLUSH_FRAME", z::FLUSH_FRAME)];
    complete(vm, &COMPRESSOR, || {
        modes.into_iter().for_each(|(name, value)| COMPRESSOR.dict().set_text(vm, name, vm.int(value as i64)))
    });
    Ok(())
}

/// ZstdError: what could not be done, and the library's words.
#[cold]
fn fail(vm: &Vm, what: &str, words: Words) -> Raised {
    raise_kept(vm, ERROR, format!("{what}: {words}"))
}

// ---- dictionaries -----------------------------------------------------------------------

/// Payload of `ZstdDict`.
pub struct Dictionary {
    content: Arc<[u8]>,
    id: u32,
    /// Ready for compression, by level.
    compression: RefCell<HashMap<i32, Arc<z::CompressionDictionary>>>,
    decompression: OnceCell<Arc<z::DecompressionDictionary>>,
}

impl NativeClass for Dictionary {
    fn class() -> &'static Type {
        &DICTIONARY
    }
}

pub static DICTIONARY: Type = Type::new::<Dictionary>(
    "compression.zstd.ZstdDict",
    &OBJECT,
    type_flags::IMMUTABLE,
    Slots {
        new: Some(new_dictionary),
        len: Some(|_, object| Ok(this::<Dictionary>(object).content.len())),
        ..Slots::EMPTY.repr(|vm, object| {
            let dictionary = this::<Dictionary>(object);
            Ok(vm.str(&format!("<ZstdDict dict_id={} dict_size={}>", dictionary.id, dictionary.content.len())))
        })
    },
    &[],
    &[
        GetSetDef::member("dict_id", |vm, object| Ok(vm.int(this::<Dictionary>(object).id as i64)))
            .with_doc("The dictionary's number; 0 for raw content."),
        GetSetDef::new("dict_content", |vm, object| bytes::new(vm, &this::<Dictionary>(object).content))
            .with_doc("The content of a Zstandard dictionary, as a bytes object."),
        GetSetDef::new("as_digested_dict", |vm, object| Ok(vm.tuple(vec![object.clone(), vm.int(DIGESTED)])))
            .with_doc("To be loaded digested: quick to load again, with parameters of its own."),
        GetSetDef::new("as_undigested_dict", |vm, object| Ok(vm.tuple(vec![object.clone(), vm.int(UNDIGESTED)])))
            .with_doc("To be loaded undigested, with the compressor's parameters."),
        GetSetDef::new("as_prefix", |vm, object| Ok(vm.tuple(vec![object.clone(), vm.int(PREFIX)])))
            .with_doc("To be loaded as the prefix of the next frame."),
    ],
)
.with_doc("ZstdDict(dict_content, /, *, is_raw=False)\n--\n\nA dictionary for compression and decompression.\n\n  dict_content\n    Its content.\n  is_raw\n    The content is any bytes, not a dictionary that the library made.");

const DIGESTED: i64 = 0;
const UNDIGESTED: i64 = 1;
const PREFIX: i64 = 2;

fn new_dictionary(vm: &Vm, class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    static SIG: Sig = Sig::new("ZstdDict(dict_content, /, *, is_raw=False)");
    let positional = args.len() - kwnames.len();
    if positional != 1 {
        return Err(
            vm.type_error(format!("ZstdDict() takes exactly 1 positional argument ({positional} given)"))
        );
    }
    let bound = SIG.bind(vm, args, kwnames)?;
    let raw = vm.is_true(&bound[1])?;
    let content: Arc<[u8]> = vm.bytes_like(&bound[0], "dict_content")?.bytes().into();
    if content.len() < 8 {
        return Err(vm.value_error("Zstandard dictionary content too short (must have at least eight bytes)"));
    }
    let id = z::dictionary_id(&content);
    if !raw && id == 0 {
        return Err(vm.value_error("invalid Zstandard dictionary"));
    }
    let payload = Dictionary { content, id, compression: RefCell::default(), decompression: OnceCell::new() };
    allocate(vm, class, payload)
}

/// A dictionary, and the way it is to be loaded if that is said.
fn dictionary_argument(vm: &Vm, object: &Object) -> Result<(Object, Option<i64>)> {
    if object.downcast::<Dictionary>().is_some() {
        return Ok((object.clone(), None));
    }
    if let Some(pair) = object.downcast::<Tuple>()
        && let [dictionary, way] = pair.items()
        && dictionary.downcast::<Dictionary>().is_some()
        && int::is_any_int(way)
        && let way = vm.to_plain_c_int(way)? as i64
        && (DIGESTED..=PREFIX).contains(&way)
    {
        return Ok((dictionary.clone(), Some(way)));
    }
    Err(vm.type_error("zstd_dict argument should be a ZstdDict object."))
}

const NO_MEMORY: Words = "Allocation error : not enough memory";

fn load_for_compression(vm: &Vm, stream: &mut z::Compressor, argument: &Object, level: i32) -> Result<()> {
    let (object, way) = dictionary_argument(vm, argument)?;
    let dictionary = this::<Dictionary>(&object);
    let loaded = match way.unwrap_or(UNDIGESTED) {
        DIGESTED => {
            let ready = dictionary.compression.borrow().get(&level).cloned();
            let ready = match ready {
                Some(ready) => ready,
                None => {
                    let ready =
                        z::CompressionDictionary::new(&dictionary.content, level).ok_or_else(|| {
                            raise_kept(
                                vm,
                                ERROR,
                                "Failed to create a ZSTD_CDict instance from Zstandard dictionary content.",
                            )
                        })?;
                    let ready = Arc::new(ready);
                    dictionary.compression.borrow_mut().insert(level, ready.clone());
                    ready
                }
            };
            Loaded::Digested(ready)
        }
        UNDIGESTED => Loaded::Undigested(dictionary.content.clone()),
        _ => Loaded::Prefix(dictionary.content.clone()),
    };
    stream
        .load(loaded)
        .map_err(|words| fail(vm, "Unable to load Zstandard dictionary or prefix for compression", words))
}

fn load_for_decompression(vm: &Vm, stream: &mut z::Decompressor, argument: &Object) -> Result<()> {
    let (object, way) = dictionary_argument(vm, argument)?;
    let dictionary = this::<Dictionary>(&object);
    let loaded = match way.unwrap_or(DIGESTED) {
        DIGESTED => {
            let ready = match dictionary.decompression.get() {
                Some(ready) => ready.clone(),
                None => {
                    let ready = z::DecompressionDictionary::new(&dictionary.content).ok_or_else(|| {
                        raise_kept(
                            vm,
                            ERROR,
                            "Failed to create a ZSTD_DDict instance from Zstandard dictionary content.",
                        )
                    })?;
                    dictionary.decompression.get_or_init(|| Arc::new(ready)).clone()
                }
            };
            Loaded::Digested(ready)
        }
        UNDIGESTED => Loaded::Undigested(dictionary.content.clone()),
        _ => Loaded::Prefix(dictionary.content.clone()),
    };
    stream
        .load(loaded)
        .map_err(|words| fail(vm, "Unable to load Zstandard dictionary or prefix for decompression", words))
}

/// The sizes of samples, which add up to all of them.
fn sample_sizes(vm: &Vm, samples: &[u8], sizes: &Object) -> Result<Vec<usize>> {
    let mut out = Vec::new();
    for size in sizes.downcast::<Tuple>().map_or(&[][..], |sizes| sizes.items()) {
        if !int::is_any_int(size) {
            return Err(vm.type_error("an integer is required"));
        }
        // What is no size does not add up, either.
        out.push(int::to_u64(size).map_or(usize::MAX, |n| n as usize));
    }
    let total = out.iter().try_fold(0usize, |sum, size| sum.checked_add(*size));
    if total != Some(samples.len()) {
        return Err(vm.value_error("The samples size tuple doesn't match the concatenation's size."));
    }
    Ok(out)
}

fn bytes_argument<'a>(vm: &Vm, function: &str, place: usize, object: &'a Object) -> Result<&'a Bytes> {
    object
        .downcast::<Bytes>()
        .ok_or_else(|| bad_argument(vm, function, &format!("argument {place}"), "bytes", object))
}

/// Room for a dictionary.
fn dictionary_room(vm: &Vm, size: isize) -> Result<Vec<u8>> {
    let Some(size) = usize::try_from(size).ok().filter(|size| *size > 0) else {
        return Err(vm.value_error("dict_size argument should be positive number."));
    };
    let mut room = Vec::new();
    room.try_reserve_exact(size).map_err(|_| vm.memory_error())?;
    room.resize(size, 0);
    Ok(room)
}

fn train_dict(vm: &Vm, args: &[Object]) -> Result {
    let samples = bytes_argument(vm, "train_dict", 1, &args[0])?.as_slice();
    if args[1].downcast::<Tuple>().is_none() {
        return Err(bad_argument(vm, "train_dict", "argument 2", "tuple", &args[1]));
    }
    let size = vm.index_isize(&args[2])?;
    let room = dictionary_room(vm, size)?;
    let sizes = sample_sizes(vm, samples, &args[1])?;
    let result = vm.without_gil(|| z::train(samples, &sizes, room));
    let content = result.map_err(|words| fail(vm, "Unable to train the Zstandard dictionary", words))?;
    bytes::new(vm, &content)
}

fn finalize_dict(vm: &Vm, args: &[Object]) -> Result {
    let content = bytes_argument(vm, "finalize_dict", 1, &args[0])?.as_slice();
    let samples = bytes_argument(vm, "finalize_dict", 2, &args[1])?.as_slice();
    if args[2].downcast::<Tuple>().is_none() {
        return Err(bad_argument(vm, "finalize_dict", "argument 3", "tuple", &args[2]));
    }
    let size = vm.index_isize(&args[3])?;
    let level = vm.to_plain_c_int(&args[4])?;
    let room = dictionary_room(vm, size)?;
    let sizes = sample_sizes(vm, samples, &args[2])?;
    let result = vm.without_gil(|| z::finalize(content, samples, &sizes, level, room));
    let content = result.map_err(|words| fail(vm, "Unable to finalize the Zstandard dictionary", words))?;
    bytes::new(vm, &content)
}

// ---- parameters ---------------------------------------------------------------------------

/// Why a parameter was not taken.
#[cold]
fn bad_parameter(vm: &Vm, compression: bool, key: i32, value: i32) -> Raised {
    let kind = if compression { "compression" } else { "decompression" };
    let known = PARAMETERS.iter().find(|(_, _, number)| *number == key).map(|(_, name, _)| *name);
    let known = if compression { known } else { Some("window_log_max").filter(|_| key == LEVEL) };
    let name = known.map_or_else(|| format!("unknown parameter (key {key})"), str::to_owned);
    match z::bounds(key, compression) {
        Err(_) => vm.value_error(format!("invalid {kind} parameter '{name}'")),
        Ok((low, high)) => vm.value_error(format!(
            "{kind} parameter '{name}' received an illegal value {value}; the valid range is [{low}, {high}]"
        )),
    }
}

/// Is the object of one of the two registered types?
fn is_parameter(vm: &Vm, object: &Object, place: usize) -> bool {
    let Some(types) = vm.shared(PARAMETER_TYPES) else { return false };
    let types = types.downcast::<Tuple>().and_then(|types| types.items().get(place).cloned());
    types.is_some_and(|ty| object.ty().to_object().is(ty.value()))
}

/// The pairs of a dict of options.
fn options(vm: &Vm, function: &str, object: &Object, compression: bool) -> Result<Vec<(i32, i32)>> {
    let Some(dict) = object.downcast::<Dict>() else {
        return Err(bad_argument(vm, function, "argument 'options'", "dict", object));
    };
    let mut out = Vec::new();
    for (key, value) in dict.items() {
        if is_parameter(vm, &key, compression as usize) {
            let (kind, other) = if compression {
                ("compression", "a DecompressionParameter")
            } else {
                ("decompression", "a CompressionParameter")
            };
            return Err(vm.type_error(format!("{kind} options dictionary key must not be {other} attribute")));
        }
        out.push((vm.to_plain_c_int(&key)?, vm.to_plain_c_int(&value)?));
    }
    Ok(out)
}

// ---- compressing -------------------------------------------------------------------------

struct Encoder {
    stream: z::Compressor,
    /// Work is done by threads of the library.
    threaded: bool,
    last_mode: i32,
}

/// Payload of `ZstdCompressor`.
pub struct Compressor(Shared<Encoder>);

impl NativeClass for Compressor {
    fn class() -> &'static Type {
        &COMPRESSOR
    }
}

pub static COMPRESSOR: Type = Type::new::<Compressor>(
    "compression.zstd.ZstdCompressor",
    &OBJECT,
    type_flags::IMMUTABLE,
    Slots { new: Some(new_compressor), ..Slots::EMPTY },
    &[
        MethodDef::new("compress($self, /, data, mode=<unrepresentable>)", compress, "Compresses data. What can be had of the result already, or b''.\n\n  mode\n    CONTINUE, FLUSH_BLOCK or FLUSH_FRAME."),
        MethodDef::new("flush($self, /, mode=2)", flush, "Ends the frame (FLUSH_FRAME) or the block (FLUSH_BLOCK) and returns what is left of it."),
        MethodDef::new("set_pledged_input_size($self, size, /)", pledge, "Says how much content the next frame will have; None: that is unknown."),
    ],
    &[GetSetDef::member("last_mode", |vm, object| {
        Ok(vm.int(this::<Compressor>(object).0.look(vm, |encoder| encoder.last_mode) as i64))
    })
    .with_doc("The last mode used to this compressor object, its value can be .CONTINUE,\n.FLUSH_BLOCK, .FLUSH_FRAME. Initialized to .FLUSH_FRAME.\n\nIt can be used to get the current state of a compressor, such as, data\nflushed, or a frame ended.")],
)
.with_doc("ZstdCompressor(level=None, options=None, zstd_dict=None)\n--\n\nCompresses data piece by piece.\n\n  level\n    The level of compression.\n  options\n    A dict of parameters.\n  zstd_dict\n    A ZstdDict.");

fn new_compressor(vm: &Vm, class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    static SIG: Sig = Sig::new("ZstdCompressor(level=None, options=None, zstd_dict=None)");
    let bound = SIG.bind(vm, args, kwnames)?;
    let (given_level, given_options) = (bound[0].some(), bound[1].some());
    if given_level.is_some() && given_options.is_some() {
        return Err(vm.type_error("Only one of level or options should be used."));
    }
    let mut stream =
        z::Compressor::new().ok_or_else(|| raise_kept(vm, ERROR, "Unable to create ZSTD_CCtx instance."))?;
    let (mut level, mut threaded) = (0, false);
    let mut set_level = |stream: &mut z::Compressor, value: i32| -> Result<()> {
        let (low, high) = z::levels();
        if !(low..=high).contains(&value) {
            return Err(vm.value_error(format!(
                "illegal compression level {value}; the valid range is [{low}, {high}]"
            )));
        }
        level = value;
        stream.set(LEVEL, value).map_err(|words| fail(vm, "Unable to set compression level", words))
    };
    if let Some(given) = given_level {
        if !int::is_any_int(given) {
            return Err(vm.type_error("invalid type for level, expected int"));
        }
        let Some(value) = int::to_i64(given).and_then(|n| i32::try_from(n).ok()) else {
            let (low, high) = z::levels();
            return Err(
                vm.value_error(format!("illegal compression level; the valid range is [{low}, {high}]"))
            );
        };
        set_level(&mut stream, value)?;
    }
    if let Some(given) = given_options {
        for (key, value) in options(vm, "ZstdCompressor", given, true)? {
            if key == LEVEL {
                set_level(&mut stream, value)?;
                continue;
            }
            threaded |= key == 400 && value > 0;
            stream.set(key, value).map_err(|_| bad_parameter(vm, true, key, value))?;
        }
    }
    if let Some(dictionary) = bound[2].some() {
        load_for_compression(vm, &mut stream, dictionary, level)?;
    }
    let encoder = Encoder { stream, threaded, last_mode: z::FLUSH_FRAME };
    allocate(vm, class, Compressor(Shared::new(encoder)))
}

impl Encoder {
    fn run(&mut self, input: &[u8], mode: i32) -> std::result::Result<Vec<u8>, Words> {
        let (mut out, mut at) = (Vec::new(), 0);
        loop {
            let room = growth(&out);
            let before = at;
            let (step, left) = self.stream.run(&input[at..], &mut out, room, mode)?;
            at += step.consumed;
            let done = if mode == z::CONTINUE {
                // Threads take the input when they have the time.
                at >= input.len() && (self.threaded || step.produced < room)
            } else {
                left == 0
            };
            if done {
                return Ok(out);
            }
            if !self.threaded && at == before && step.produced == 0 {
                return Err("Internal error: no progress");
            }
        }
    }
    fn compress(&mut self, input: &[u8], mode: i32) -> std::result::Result<Vec<u8>, Words> {
        let result = self.run(input, mode);
        self.last_mode = match &result {
            Ok(_) => mode,
            Err(_) => {
                self.stream.reset();
                z::FLUSH_FRAME
            }
        };
        result
    }
}

fn finish(vm: &Vm, result: std::result::Result<Vec<u8>, Words>) -> Result {
    match result {
        Ok(out) => bytes::new(vm, &out),
        Err(words) if words == NO_MEMORY => Err(vm.memory_error()),
        Err(words) => Err(fail(vm, "Unable to compress Zstandard data", words)),
    }
}

fn compress(vm: &Vm, args: &[Object]) -> Result {
    let data = vm.bytes_like(&args[1], "data")?;
    let mode = match args[2].bound() {
        Some(mode) => vm.to_plain_c_int(mode)?,
        None => z::CONTINUE,
    };
    if !matches!(mode, z::CONTINUE | z::FLUSH_BLOCK | z::FLUSH_FRAME) {
        return Err(vm.value_error("mode argument wrong value, it should be one of ZstdCompressor.CONTINUE, ZstdCompressor.FLUSH_BLOCK, ZstdCompressor.FLUSH_FRAME."));
    }
    let compressor = this::<Compressor>(&args[0]);
    let result = compressor.0.work(vm, |encoder| encoder.compress(data.bytes(), mode));
    finish(vm, result)
}

fn flush(vm: &Vm, args: &[Object]) -> Result {
    let mode = vm.to_plain_c_int(&args[1])?;
    if !matches!(mode, z::FLUSH_BLOCK | z::FLUSH_FRAME) {
        return Err(vm.value_error("mode argument wrong value, it should be ZstdCompressor.FLUSH_FRAME or ZstdCompressor.FLUSH_BLOCK."));
    }
    let result = this::<Compressor>(&args[0]).0.work(vm, |encoder| encoder.compress(&[], mode));
    finish(vm, result)
}

fn pledge(vm: &Vm, args: &[Object]) -> Result {
    let size = match args[1].some() {
        None => None,
        Some(size) if !int::is_any_int(size) => return Err(vm.type_error("an integer is required")),
        Some(size) => {
            let limit = u64::MAX - 1;
            let size = int::to_u64(size).filter(|size| *size < limit && !int::is_negative(&args[1]));
            if size.is_none() {
                return Err(
                    vm.value_error(format!("size argument should be a positive int less than {limit}"))
                );
            }
            size
        }
    };
    let result = this::<Compressor>(&args[0])
        .0
        .look(vm, |encoder| (encoder.last_mode == z::FLUSH_FRAME).then(|| encoder.stream.pledge(size)));
    match result {
        Some(Ok(())) => Ok(Object::NONE),
        Some(Err(words)) => Err(fail(vm, "Unable to set pledged uncompressed content size", words)),
        None => {
            Err(vm
                .value_error("set_pledged_input_size() method must be called when last_mode == FLUSH_FRAME"))
        }
    }
}

// ---- decompressing -----------------------------------------------------------------------

struct Decoder(z::Decompressor);

impl Decode for Decoder {
    type Failure = Words;
    fn step(&mut self, input: &[u8], out: &mut Vec<u8>, room: usize) -> std::result::Result<Decoded, Words> {
        let (step, left) = self.0.run(input, out, room)?;
        // Without input nothing has begun, and nothing has ended.
        let end = left == 0 && (step.consumed > 0 || step.produced > 0);
        Ok(Decoded { consumed: step.consumed, produced: step.produced, end })
    }
    fn no_memory() -> Words {
        NO_MEMORY
    }
}

/// Payload of `ZstdDecompressor`.
pub struct Decompressor(Shared<Buffered<Decoder>>);

impl NativeClass for Decompressor {
    fn class() -> &'static Type {
        &DECOMPRESSOR
    }
}

pub static DECOMPRESSOR: Type = Type::new::<Decompressor>(
    "compression.zstd.ZstdDecompressor",
    &OBJECT,
    type_flags::IMMUTABLE,
    Slots { new: Some(new_decompressor), ..Slots::EMPTY },
    &[MethodDef::new("decompress($self, /, data, max_length=-1)", decompress, "Decompresses data of one frame, to at most max_length bytes unless that is negative.")],
    &[
        GetSetDef::member("eof", |vm, object| {
            Ok(Object::bool(this::<Decompressor>(object).0.look(vm, |b| b.eof)))
        })
        .with_doc("True means the end of the first frame has been reached. If decompress data\nafter that, an EOFError exception will be raised."),
        GetSetDef::member("needs_input", |vm, object| {
            Ok(Object::bool(this::<Decompressor>(object).0.look(vm, |b| b.needs_input)))
        })
        .with_doc("If the max_length output limit in .decompress() method has been reached,\nand the decompressor has (or may has) unconsumed input data, it will be set\nto False. In this case, passing b'' to the .decompress() method may output\nfurther data."),
        GetSetDef::new("unused_data", |vm, object| {
            bytes::new(vm, &this::<Decompressor>(object).0.look(vm, |b| b.unused.clone()))
        })
        .with_doc("What was found behind the end of the frame."),
    ],
)
.with_doc("ZstdDecompressor(zstd_dict=None, options=None)\n--\n\nDecompresses data piece by piece.\n\n  zstd_dict\n    A ZstdDict.\n  options\n    A dict of parameters.");

fn new_decompressor(vm: &Vm, class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    static SIG: Sig = Sig::new("ZstdDecompressor(zstd_dict=None, options=None)");
    let bound = SIG.bind(vm, args, kwnames)?;
    let mut stream = z::Decompressor::new()
        .ok_or_else(|| raise_kept(vm, ERROR, "Unable to create ZSTD_DCtx instance."))?;
    if let Some(dictionary) = bound[0].some() {
        load_for_decompression(vm, &mut stream, dictionary)?;
    }
    if let Some(given) = bound[1].some() {
        for (key, value) in options(vm, "ZstdDecompressor", given, false)? {
            stream.set(key, value).map_err(|_| bad_parameter(vm, false, key, value))?;
        }
    }
    allocate(vm, class, Decompressor(Shared::new(Buffered::new(Decoder(stream)))))
}

fn decompress(vm: &Vm, args: &[Object]) -> Result {
    let data = vm.bytes_like(&args[1], "data")?;
    let limit = usize::try_from(vm.index_isize(&args[2])?).unwrap_or(usize::MAX);
    let result = this::<Decompressor>(&args[0]).0.work(vm, |buffered| {
        let result = buffered.decompress(data.bytes(), limit);
        if let Err(Fault::Failure(_)) = &result {
            // As good as new.
            buffered.decoder.0.reset();
            buffered.forget();
        }
        result
    });
    match result {
        Ok(out) => bytes::new(vm, &out),
        Err(Fault::AtEnd) => Err(vm.eof_error("Already at the end of a Zstandard frame.")),
        Err(Fault::Failure(words)) if words == NO_MEMORY => Err(vm.memory_error()),
        Err(Fault::Failure(words)) => Err(fail(vm, "Unable to decompress Zstandard data", words)),
    }
}
