//! The module `_io`. [`base`] has the abstract classes, [`file`] FileIO,
//! [`buffered`] BufferedReader, BufferedWriter and BufferedRandom, [`pair`]
//! BufferedRWPair, [`bytesio`] and [`stringio`] files in memory, [`text`]
//! TextIOWrapper (its decoding in [`codec`], newlines in [`newlines`]),
//! [`streams`] the standard streams. Here: `open` and small functions.

pub mod base;
pub mod buffered;
pub mod bytesio;
pub mod codec;
pub mod file;
pub mod lock;
pub mod newlines;
pub mod pair;
pub mod streams;
pub mod stringio;
pub mod text;
mod text_position;
mod text_read;

use crate::support::*;
use taipan_host::{Errno, environment, libc};
use taipan_runtime::names::name;
use taipan_runtime::prelude::*;
use taipan_runtime::types::exceptions_os::OsError;
use taipan_runtime::types::{bytes::Bytes, int, typ};

/// Bytes that a buffer holds unless told otherwise.
pub const DEFAULT_BUFFER_SIZE: usize = 128 * 1024;
/// The most a buffer size follows the block size of a file system.
const MAX_BLOCK_BUFFER: i64 = 8192 * 1024;

pub static MODULE: ModuleDef = ModuleDef {
    name: "_io",
    doc: "Files and streams: the native part of the module io.",
    functions: &[
        MethodDef::new(
            "open(file, mode='r', buffering=-1, encoding=None, errors=None, newline=None, closefd=True, opener=None)",
            open_function,
            "Opens a file and returns a stream for it; raises OSError upon failure.\n\nThe mode is 'r', 'w', 'x' or 'a', with 'b' for bytes or 't' for text (the\ndefault) and '+' for reading and writing. buffering is 0 for none (bytes only),\n1 for lines (text only), or the size of the buffer. encoding, errors and newline\nare those of TextIOWrapper. With closefd=False a descriptor given as the file\nstays open. An opener is called with the file and flags and returns a descriptor.",
        ),
        MethodDef::new(
            "text_encoding(encoding, stacklevel=2, /)",
            text_encoding,
            "The encoding to use where None was given: 'locale', or 'utf-8' in UTF-8 mode.\n\nMay warn with EncodingWarning.",
        ),
        MethodDef::new(
            "open_code(path)",
            open_code,
            "Opens a file of which the contents are to be run as code.",
        ),
    ],
    types: &[
        &base::IO_BASE,
        &base::RAW_IO_BASE,
        &base::BUFFERED_IO_BASE,
        &base::TEXT_IO_BASE,
        &file::FILE_IO,
        &bytesio::BYTES_IO,
        &bytesio::BYTES_IO_BUFFER,
        &stringio::STRING_IO,
        &buffered::BUFFERED_READER,
        &buffered::BUFFERED_WRITER,
        &buffered::BUFFERED_RANDOM,
        &pair::BUFFERED_RW_PAIR,
        &newlines::NEWLINE_DECODER,
        &text::TEXT_IO_WRAPPER,
    ],
    init: Some(init),
};

pub fn types() -> Vec<&'static Type> {
    MODULE.types.to_vec()
}

fn init(vm: &Vm, module: &Object) -> Result<()> {
    vm.set_attr_str(module, "DEFAULT_BUFFER_SIZE", &vm.usize(DEFAULT_BUFFER_SIZE))?;
    vm.set_attr_str(module, "BlockingIOError", &exc::BLOCKING_IO_ERROR.to_object())?;
    let class = unsupported_class(vm)?;
    vm.set_attr_str(module, "UnsupportedOperation", &class)?;
    // The `open` of builtins is this one.
    let builtins = vm.interp().builtins.clone();
    let placeholder = vm.get_attr_str(&builtins, "open")?;
    if vm.str_text(&vm.get_attr(&placeholder, name::module.object())?)? == "builtins" {
        let open = vm.get_attr_str(module, "open")?;
        vm.set_attr_str(&builtins, "open", &open)?;
    }
    Ok(())
}

// ---- errors -----------------------------------------------------------------------------

const UNSUPPORTED: &str = "io.UnsupportedOperation";

/// The class `io.UnsupportedOperation`, made on first use.
fn unsupported_class(vm: &Vm) -> Result {
    if let Some(class) = vm.shared(UNSUPPORTED) {
        return Ok(class);
    }
    let namespace = vm.new_dict();
    vm.set_item(&namespace, &vm.intern("__module__"), &vm.intern("io"))?;
    let bases = vm.tuple(vec![exc::OS_ERROR.to_object(), exc::VALUE_ERROR.to_object()]);
    let class = vm.call(&typ::TYPE.to_object(), &[vm.intern("UnsupportedOperation"), bases, namespace])?;
    vm.share(UNSUPPORTED, class.clone());
    Ok(class)
}

/// An `io.UnsupportedOperation` with this message.
#[cold]
pub fn unsupported(vm: &Vm, message: &str) -> Raised {
    match unsupported_class(vm).and_then(|class| vm.call(&class, &[vm.str(message)])) {
        Ok(exception) => vm.raise_in_context(exception),
        Err(raised) => raised,
    }
}

/// Is the error on its way an OSError of this errno?
fn raised_errno(vm: &Vm, wanted: i32) -> bool {
    if !vm.raised_is(&exc::OS_ERROR) {
        return false;
    }
    let exception = vm.take_raised();
    let found = exception.as_ref().and_then(|e| e.downcast::<OsError>()).and_then(|e| e.errno());
    vm.restore_raised(exception);
    found == Some(wanted as i64)
}

/// `Ok(None)` if the call was interrupted by a signal and is to be repeated.
pub fn trap_interrupt(vm: &Vm, result: Result) -> Result<Option<Object>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(raised) if raised_errno(vm, libc::EINTR) => {
            drop(vm.caught(raised));
            Ok(None)
        }
        Err(raised) => Err(raised),
    }
}

/// BlockingIOError with the number of characters that were written.
#[cold]
pub fn would_block(vm: &Vm, written: usize) -> Raised {
    vm.error_with(
        &exc::BLOCKING_IO_ERROR,
        vec![
            vm.int(libc::EAGAIN as i64),
            vm.str("write could not complete without blocking"),
            vm.usize(written),
        ],
    )
}

/// An optional size argument: None and -1 are None.
pub fn size_argument(vm: &Vm, object: &Object) -> Result<Option<usize>> {
    let n = signed_size(vm, object)?;
    Ok(usize::try_from(n).ok())
}

/// A size argument in which None counts as -1.
pub fn signed_size(vm: &Vm, object: &Object) -> Result<isize> {
    if object.is_int() {
        return Ok(object.as_int() as isize);
    }
    if object.some().is_none() {
        return Ok(-1);
    }
    if !vm.is_index(object) {
        return Err(
            vm.type_error(format!("argument should be integer or None, not '{}'", object.ty().name()))
        );
    }
    vm.index_for_item_overflow(object)
}

/// A file offset.
pub fn offset_argument(vm: &Vm, object: &Object) -> Result<i64> {
    let index = vm.index(object)?;
    int::to_i64(&index).ok_or_else(|| vm.overflow_error("cannot fit 'int' into an offset-sized integer"))
}

/// The refusal of pickling.
pub fn cannot_pickle(vm: &Vm, args: &[Object]) -> Result {
    Err(vm.type_error(format!("cannot pickle '{}' instances", args[0].ty().name())))
}

/// Has the instance an attribute of its own of this name (which may hide a method)?
pub fn overridden(vm: &Vm, object: &Object, attr: &str) -> bool {
    !matches!(taipan_runtime::lookup::instance_get(vm, object, &vm.intern(attr)), Ok(None))
}

// ---- encodings ----------------------------------------------------------------------------

/// The encoding of the locale, or UTF-8 in UTF-8 mode.
pub fn locale_encoding(vm: &Vm) -> String {
    if vm.interp().config.utf8_mode {
        return "utf-8".to_string();
    }
    let found = environment::language_info(libc::CODESET);
    let found = String::from_utf8_lossy(&found).into_owned();
    if found.is_empty() { "utf-8".to_string() } else { found }
}

fn text_encoding(vm: &Vm, args: &[Object]) -> Result {
    if !args[0].is_none() {
        return Ok(args[0].clone());
    }
    if vm.interp().config.warn_default_encoding {
        let level = vm.to_plain_c_int(&args[1])?;
        vm.warn(&exc::ENCODING_WARNING, "'encoding' argument not specified", level.max(0) as usize)?;
    }
    Ok(vm.intern(if vm.interp().config.utf8_mode { "utf-8" } else { "locale" }))
}

// ---- open -----------------------------------------------------------------------------------

fn open_code(vm: &Vm, args: &[Object]) -> Result {
    if args[0].downcast::<Str>().is_none() {
        return Err(
            vm.type_error(format!("open_code() argument 'path' must be str, not {}", shown_type(&args[0])))
        );
    }
    open(vm, &Open { file: args[0].clone(), mode: "rb", ..Open::default() })
}

fn shown_type(object: &Object) -> &str {
    if object.is_none() { "None" } else { object.ty().name() }
}

/// Arguments of [`open`].
pub struct Open<'a> {
    pub file: Object,
    pub mode: &'a str,
    pub buffering: i32,
    pub encoding: Object,
    pub errors: Object,
    pub newline: Object,
    pub closefd: bool,
    pub opener: Object,
}

impl Default for Open<'_> {
    fn default() -> Self {
        Open {
            file: Object::NONE,
            mode: "r",
            buffering: -1,
            encoding: Object::NONE,
            errors: Object::NONE,
            newline: Object::NONE,
            closefd: true,
            opener: Object::NONE,
        }
    }
}

fn open_function(vm: &Vm, args: &[Object]) -> Result {
    let text = |i: usize, argument: &str, optional: bool| -> Result<()> {
        if (optional && args[i].is_none()) || args[i].downcast::<Str>().is_some() {
            return Ok(());
        }
        let kind = if optional { "str or None" } else { "str" };
        Err(vm
            .type_error(format!("open() argument '{argument}' must be {kind}, not {}", shown_type(&args[i]))))
    };
    text(1, "mode", false)?;
    let buffering = vm.to_plain_c_int(&args[2])?;
    text(3, "encoding", true)?;
    text(4, "errors", true)?;
    text(5, "newline", true)?;
    let mode = vm.str_lossy(&args[1]);
    open(
        vm,
        &Open {
            file: args[0].clone(),
            mode: &mode,
            buffering,
            encoding: args[3].clone(),
            errors: args[4].clone(),
            newline: args[5].clone(),
            closefd: vm.is_true(&args[6])?,
            opener: args[7].clone(),
        },
    )
}

/// What the letters of a mode say.
#[derive(Default)]
struct Mode {
    creating: bool,
    reading: bool,
    writing: bool,
    appending: bool,
    updating: bool,
    text: bool,
    binary: bool,
}

fn parse_mode(vm: &Vm, mode: &str) -> Result<Mode> {
    let mut out = Mode::default();
    for (i, c) in mode.char_indices() {
        let place = match c {
            'x' => &mut out.creating,
            'r' => &mut out.reading,
            'w' => &mut out.writing,
            'a' => &mut out.appending,
            '+' => &mut out.updating,
            't' => &mut out.text,
            'b' => &mut out.binary,
            _ => return Err(invalid_mode(vm, mode)),
        };
        if mode[..i].contains(c) {
            return Err(invalid_mode(vm, mode));
        }
        *place = true;
    }
    Ok(out)
}

fn invalid_mode(vm: &Vm, mode: &str) -> Raised {
    let shown = vm.repr_text(&vm.str(mode)).unwrap_or_else(|_| format!("'{mode}'"));
    vm.value_error(format!("invalid mode: {shown}"))
}

/// `io.open`.
pub fn open(vm: &Vm, args: &Open<'_>) -> Result {
    let mut file = args.file.clone();
    if !int::is_any_int(&file) && !vm.is_index(&file) {
        file = fspath(vm, &file)?;
    }
    let m = parse_mode(vm, args.mode)?;
    if m.text && m.binary {
        return Err(vm.value_error("can't have text and binary mode at once"));
    }
    if m.creating as u8 + m.reading as u8 + m.writing as u8 + m.appending as u8 > 1 {
        return Err(vm.value_error("must have exactly one of create/read/write/append mode"));
    }
    if m.binary {
        for (argument, value) in
            [("encoding", &args.encoding), ("errors", &args.errors), ("newline", &args.newline)]
        {
            if !value.is_none() {
                let article = if argument == "newline" { "a" } else { "an" };
                return Err(vm.value_error(format!("binary mode doesn't take {article} {argument} argument")));
            }
        }
        if args.buffering == 1 {
            vm.warn(
                &exc::RUNTIME_WARNING,
                "line buffering (buffering=1) isn't supported in binary mode, the default buffer size will be used",
                1,
            )?;
        }
    }
    let raw_mode: String =
        [(m.creating, 'x'), (m.reading, 'r'), (m.writing, 'w'), (m.appending, 'a'), (m.updating, '+')]
            .iter()
            .filter(|(on, _)| *on)
            .map(|(_, c)| *c)
            .collect();
    let raw = file::open(vm, &file, &raw_mode, args.closefd, &args.opener)?;
    let mut outermost = raw;
    let opened = wrap(vm, args, &m, &mut outermost);
    match opened {
        Ok(stream) => Ok(stream),
        Err(raised) => {
            // The file must not stay open; what was wrong stays the error.
            let exception = vm.caught(raised);
            if let Err(second) = vm.call_method(&outermost, "close", &[]) {
                let second_exception = vm.caught(second);
                if second_exception.value() != exception.value() {
                    taipan_runtime::types::exceptions::set_context(&second_exception, exception);
                }
                return Err(vm.raise(second_exception));
            }
            Err(vm.raise(exception))
        }
    }
}

/// Puts buffers and decoding on a raw file, as the mode wants it. `outermost` is
/// what has to be closed if that fails.
fn wrap(vm: &Vm, args: &Open<'_>, m: &Mode, outermost: &mut Object) -> Result {
    let raw = outermost.clone();
    let mut line_buffering = false;
    let mut buffering = args.buffering as i64;
    let is_terminal = if buffering < 0 { file::is_terminal(vm, &raw)? } else { false };
    if (buffering == 1 && !m.binary) || is_terminal {
        buffering = -1;
        line_buffering = !m.binary || is_terminal;
    }
    if buffering == 1 && m.binary {
        buffering = -1;
    }
    if buffering < 0 {
        let block = file::block_size(&raw);
        buffering = block.min(MAX_BLOCK_BUFFER).max(DEFAULT_BUFFER_SIZE as i64);
    }
    if buffering == 0 {
        if !m.binary {
            return Err(vm.value_error("can't have unbuffered text I/O"));
        }
        return Ok(raw);
    }
    let size = buffering as usize;
    let buffer = if m.updating {
        buffered::new_random(vm, raw, size)?
    } else if m.creating || m.writing || m.appending {
        buffered::new_writer(vm, raw, size)?
    } else if m.reading {
        buffered::new_reader(vm, raw, size)?
    } else {
        return Err(invalid_mode(vm, args.mode));
    };
    *outermost = buffer.clone();
    if m.binary {
        return Ok(buffer);
    }
    let wrapper = text::new(
        vm,
        buffer.clone(),
        &text::Options {
            encoding: args.encoding.clone(),
            errors: args.errors.clone(),
            newline: args.newline.clone(),
            line_buffering,
            write_through: false,
        },
    )?;
    *outermost = wrapper.clone();
    vm.set_attr_str(&wrapper, "mode", &vm.str(args.mode))?;
    Ok(wrapper)
}

/// Sets the attribute `_finalizing`, which is a bool and nothing else.
pub fn set_finalizing(vm: &Vm, place: &std::cell::Cell<bool>, value: Option<&Object>) -> Result<()> {
    match value {
        Some(value) if value.is_bool() => {
            place.set(value.value() == Value::TRUE);
            Ok(())
        }
        Some(_) => Err(vm.type_error("attribute value type must be bool")),
        None => Err(vm.type_error("can't delete numeric/char attribute")),
    }
}

/// The bytes of an object that must be bytes.
pub fn bytes_of(object: &Object) -> Option<&[u8]> {
    object.downcast::<Bytes>().map(|b| b.as_slice())
}

/// EAGAIN: nothing could be read or written right now.
pub const AGAIN: Errno = Errno(libc::EAGAIN);
