//! The abstract classes `_IOBase`, `_RawIOBase`, `_BufferedIOBase` and
//! `_TextIOBase`. They have no state of their own: whatever Python class comes
//! out of them, their methods go through Python's protocol.

use super::*;
use taipan_runtime::lookup::{instance_get, instance_set};
use taipan_runtime::names::name;
use taipan_runtime::types::bytearray::{self, ByteArray};
use taipan_runtime::types::{bytes, memoryview};

/// Payload of the four classes: nothing.
pub struct IoBase;
impl NativeClass for IoBase {
    fn class() -> &'static Type {
        &IO_BASE
    }
}

pub static IO_BASE: Type = Type::new::<IoBase>(
    "_io._IOBase",
    &taipan_runtime::types::object::OBJECT,
    type_flags::BASE | type_flags::HAVE_GC | type_flags::WEAKREFABLE,
    Slots {
        new: Some(|vm, class, _, _| taipan_runtime::support::allocate(vm, class, IoBase)),
        next: Some(iter_next),
        del: Some(finalize),
        ..Slots::EMPTY.iter(|vm, file| {
            check_closed(vm, file)?;
            Ok(file.clone())
        })
    },
    &[
        MethodDef::new("seek($self, offset, whence=os.SEEK_SET, /)", |vm, _| Err(unsupported(vm, "seek")), "Goes to a position: from the start (whence 0), from here (1), from the end (2).\n\nReturns the new position."),
        MethodDef::new("tell($self, /)", |vm, args| vm.call_method(&args[0], "seek", &[vm.int(0), vm.int(1)]), "The position in the stream."),
        MethodDef::new("truncate($self, size=None, /)", |vm, _| Err(unsupported(vm, "truncate")), "Cuts or extends the file to a size; by default, at the position."),
        MethodDef::new("flush($self, /)", |vm, args| {
            if has_closed_flag(vm, &args[0]) {
                return Err(vm.value_error("I/O operation on closed file."));
            }
            Ok(Object::NONE)
        }, "Writes out what is buffered. Nothing to do here."),
        MethodDef::new("close($self, /)", |vm, args| close(vm, &args[0]), "Flushes and closes the stream. Closing it again has no effect."),
        MethodDef::new("seekable($self, /)", |_, _| Ok(Object::FALSE), "Can one seek?"),
        MethodDef::new("readable($self, /)", |_, _| Ok(Object::FALSE), "Can one read?"),
        MethodDef::new("writable($self, /)", |_, _| Ok(Object::FALSE), "Can one write?"),
        MethodDef::new("_checkClosed($self, /)", |vm, args| check_closed(vm, &args[0]).map(|()| Object::NONE), ""),
        MethodDef::new("_checkSeekable($self, /)", |vm, args| check_seekable(vm, &args[0]).map(|()| Object::TRUE), ""),
        MethodDef::new("_checkReadable($self, /)", |vm, args| check_readable(vm, &args[0]).map(|()| Object::TRUE), ""),
        MethodDef::new("_checkWritable($self, /)", |vm, args| check_writable(vm, &args[0]).map(|()| Object::TRUE), ""),
        MethodDef::new("fileno($self, /)", |vm, _| Err(unsupported(vm, "fileno")), "The descriptor below, if there is one."),
        MethodDef::new("isatty($self, /)", |vm, args| {
            check_closed(vm, &args[0])?;
            Ok(Object::FALSE)
        }, "Is it a terminal?"),
        MethodDef::new("__enter__($self, /)", |vm, args| {
            check_closed(vm, &args[0])?;
            Ok(args[0].clone())
        }, ""),
        MethodDef::raw("__exit__($self, *args)", |vm, args, _| vm.call_method_object(&args[0], name::close.object(), &[]), ""),
        MethodDef::new("readline($self, size=-1, /)", readline, "Reads one line, or as much of it as size allows."),
        MethodDef::new("readlines($self, hint=-1, /)", readlines, "A list of lines; no more are read once their size reaches the hint."),
        MethodDef::new("writelines($self, lines, /)", writelines, "Writes each of the lines, which should have their ends."),
    ],
    &[
        GetSetDef::new("closed", |vm, file| Ok(Object::bool(has_closed_flag(vm, file)))),
        GetSetDef::new("__dict__", taipan_runtime::types::object::get_dict),
    ],
)
.with_dict()
.with_doc("The base of all I/O classes.\n\nMethods that a class does not override raise io.UnsupportedOperation, or say no.\nA stream is an iterator over its lines, and a context manager that closes it.");

/// Was the stream closed by `_IOBase.close`?
pub fn has_closed_flag(vm: &Vm, file: &Object) -> bool {
    matches!(instance_get(vm, file, name::iobase_closed.object()), Ok(Some(_)))
}

/// `bool(file.closed)`.
pub fn is_closed(vm: &Vm, file: &Object) -> Result<bool> {
    let closed = vm.get_attr_str(file, "closed")?;
    vm.is_true(&closed)
}

/// ValueError if the stream is closed.
pub fn check_closed(vm: &Vm, file: &Object) -> Result<()> {
    let closed = vm.lookup_attr_str(file, "closed")?;
    if let Some(closed) = closed
        && vm.is_true(&closed)?
    {
        return Err(vm.value_error("I/O operation on closed file."));
    }
    Ok(())
}

fn check_ability(vm: &Vm, file: &Object, method: &str) -> Result<()> {
    let able = vm.call_method(file, method, &[])?;
    if able.value() != Value::TRUE {
        return Err(unsupported(vm, &format!("File or stream is not {method}.")));
    }
    Ok(())
}

pub fn check_seekable(vm: &Vm, file: &Object) -> Result<()> {
    check_ability(vm, file, "seekable")
}
pub fn check_readable(vm: &Vm, file: &Object) -> Result<()> {
    check_ability(vm, file, "readable")
}
pub fn check_writable(vm: &Vm, file: &Object) -> Result<()> {
    check_ability(vm, file, "writable")
}

/// `_IOBase.close`.
pub fn close(vm: &Vm, file: &Object) -> Result {
    if has_closed_flag(vm, file) {
        return Ok(Object::NONE);
    }
    let flushed = vm.call_method_object(file, name::flush.object(), &[]);
    let exception = if flushed.is_err() { vm.take_raised() } else { None };
    let marked = instance_set(vm, file, name::iobase_closed.object(), Some(&Object::TRUE));
    finish_with(vm, exception, marked.map(|_| Object::NONE))
}

/// Raises `first`, unless `second` failed: then that, `first` as its context.
pub fn finish_with(vm: &Vm, first: Option<Object>, second: Result) -> Result {
    match (first, second) {
        (None, second) => second,
        (Some(first), Ok(_)) => Err(vm.raise(first)),
        (Some(first), Err(raised)) => {
            let second = vm.caught(raised);
            if second.value() != first.value() {
                taipan_runtime::types::exceptions::set_context(&second, first);
            }
            Err(vm.raise(second))
        }
    }
}

/// `__del__`: closes the stream, saying that this is the end.
pub fn finalize(vm: &Vm, file: &Object) -> Result<()> {
    // What cannot tell whether it is closed is probably unusable.
    let closed = match vm.lookup_attr_str(file, "closed") {
        Ok(Some(closed)) => vm.is_true(&closed).unwrap_or(true),
        Ok(None) => true,
        Err(_) => true,
    };
    drop(vm.take_raised());
    if closed {
        return Ok(());
    }
    if vm.set_attr_str(file, "_finalizing", &Object::TRUE).is_err() {
        drop(vm.take_raised());
    }
    if vm.call_method_object(file, name::close.object(), &[]).is_err() {
        unraisable_with_repr(vm, file);
    }
    Ok(())
}

/// Shows an error of a finalizer: the file is named in the message.
fn unraisable_with_repr(vm: &Vm, file: &Object) {
    let raised = vm.take_raised();
    let shown = vm.repr_text(file);
    drop(vm.take_raised());
    vm.restore_raised(raised);
    let shown = shown.unwrap_or_else(|_| format!("<{} object>", file.ty().name()));
    vm.write_unraisable(&Object::NONE, &format!("Exception ignored while finalizing file {shown}"));
}

fn iter_next(vm: &Vm, file: &Object) -> Result<Option<Object>> {
    let line = vm.call_method_object(file, name::readline.object(), &[])?;
    if vm.len(&line)? == 0 { Ok(None) } else { Ok(Some(line)) }
}

fn readline(vm: &Vm, args: &[Object]) -> Result {
    let file = &args[0];
    let limit = size_argument(vm, &args[1])?;
    let peek = vm.lookup_attr_str(file, "peek")?;
    let mut out: Vec<u8> = Vec::new();
    while limit.is_none_or(|limit| out.len() < limit) {
        let mut ahead = 1;
        if let Some(peek) = &peek {
            let Some(seen) = trap_interrupt(vm, vm.call(peek, &[vm.int(1)]))? else { continue };
            let Some(seen) = bytes_of(&seen) else {
                return Err(vm.error(
                    &exc::OS_ERROR,
                    format!("peek() should have returned a bytes object, not '{}'", seen.ty().name()),
                ));
            };
            if !seen.is_empty() {
                let room = limit.map_or(seen.len(), |limit| seen.len().min(limit - out.len()));
                ahead = memchr::memchr(b'\n', &seen[..room]).map_or(room, |i| i + 1);
            }
        }
        let Some(read) =
            trap_interrupt(vm, vm.call_method_object(file, name::read.object(), &[vm.usize(ahead)]))?
        else {
            continue;
        };
        let Some(read) = bytes_of(&read) else {
            return Err(vm.error(
                &exc::OS_ERROR,
                format!("read() should have returned a bytes object, not '{}'", read.ty().name()),
            ));
        };
        if read.is_empty() {
            break;
        }
        if out.try_reserve(read.len()).is_err() {
            return Err(vm.memory_error());
        }
        out.extend_from_slice(read);
        if out.last() == Some(&b'\n') {
            break;
        }
    }
    bytes::new(vm, &out)
}

fn readlines(vm: &Vm, args: &[Object]) -> Result {
    let hint = signed_size(vm, &args[1])?;
    if hint <= 0 {
        let lines = vm.collect(&args[0])?;
        return Ok(vm.list(lines));
    }
    let mut lines = Vec::new();
    let mut total = 0;
    let iterator = vm.iter(&args[0])?;
    while let Some(line) = vm.next(&iterator)? {
        let n = vm.len(&line)?;
        lines.push(line);
        total += n as isize;
        if total > hint {
            break;
        }
    }
    Ok(vm.list(lines))
}

fn writelines(vm: &Vm, args: &[Object]) -> Result {
    check_closed(vm, &args[0])?;
    vm.for_each(&args[1], |line| {
        loop {
            let written = vm.call_method_object(&args[0], name::write.object(), std::slice::from_ref(&line));
            if trap_interrupt(vm, written)?.is_some() {
                return Ok(());
            }
        }
    })?;
    Ok(Object::NONE)
}

// ---- _RawIOBase ------------------------------------------------------------------------------

pub struct RawIoBase;
impl NativeClass for RawIoBase {
    fn class() -> &'static Type {
        &RAW_IO_BASE
    }
}

pub static RAW_IO_BASE: Type = Type::new::<RawIoBase>(
    "_io._RawIOBase",
    &IO_BASE,
    type_flags::BASE | type_flags::HAVE_GC | type_flags::WEAKREFABLE,
    Slots::EMPTY,
    &[
        MethodDef::new("read($self, size=-1, /)", raw_read, "Reads up to size bytes with one call, all of them if size is negative.\n\nNone if nothing is there yet."),
        MethodDef::new("readall($self, /)", |vm, args| raw_readall(vm, &args[0]), "Reads until the end."),
        MethodDef::raw("readinto($self, buffer, /)", |vm, _, _| Err(vm.error_with(&exc::NOT_IMPLEMENTED_ERROR, Vec::new())), ""),
        MethodDef::raw("write($self, b, /)", |vm, _, _| Err(vm.error_with(&exc::NOT_IMPLEMENTED_ERROR, Vec::new())), ""),
    ],
    &[],
)
.with_dict()
.with_doc("The base of raw streams of bytes.");

fn raw_read(vm: &Vm, args: &[Object]) -> Result {
    let n = signed_size(vm, &args[1])?;
    if n < 0 {
        return vm.call_method(&args[0], "readall", &[]);
    }
    let array = bytearray::zeroed(vm, n as usize)?;
    let count = vm.call_method(&args[0], "readinto", std::slice::from_ref(&array))?;
    if count.is_none() {
        return Ok(count);
    }
    let filled = vm.index_for_item_overflow(&count)?;
    let size = array.downcast::<ByteArray>().map_or(0, |a| a.len());
    if filled < 0 || filled as usize > size {
        return Err(vm.value_error(format!("readinto returned {filled} outside buffer size {size}")));
    }
    let bytes = array.downcast::<ByteArray>().map_or(&[][..], |a| &a.as_slice()[..filled as usize]);
    bytes::new(vm, bytes)
}

/// `_RawIOBase.readall`.
pub fn raw_readall(vm: &Vm, file: &Object) -> Result {
    let mut out: Option<Vec<u8>> = None;
    loop {
        let read = vm.call_method_object(file, name::read.object(), &[vm.usize(DEFAULT_BUFFER_SIZE)]);
        let Some(read) = trap_interrupt(vm, read)? else { continue };
        if read.is_none() {
            match out {
                Some(_) => break,
                None => return Ok(read),
            }
        }
        let Some(bytes) = bytes_of(&read) else { return Err(vm.type_error("read() should return bytes")) };
        let out = out.get_or_insert_default();
        if bytes.is_empty() {
            break;
        }
        if out.try_reserve(bytes.len()).is_err() {
            return Err(vm.memory_error());
        }
        out.extend_from_slice(bytes);
    }
    bytes::new(vm, &out.unwrap_or_default())
}

// ---- _BufferedIOBase -------------------------------------------------------------------------

pub struct BufferedIoBase;
impl NativeClass for BufferedIoBase {
    fn class() -> &'static Type {
        &BUFFERED_IO_BASE
    }
}

pub static BUFFERED_IO_BASE: Type = Type::new::<BufferedIoBase>(
    "_io._BufferedIOBase",
    &IO_BASE,
    type_flags::BASE | type_flags::HAVE_GC | type_flags::WEAKREFABLE,
    Slots::EMPTY,
    &[
        MethodDef::new("detach($self, /)", |vm, _| Err(unsupported(vm, "detach")), "Separates the raw stream from the buffer and returns it.\n\nThe buffer is of no use afterwards."),
        MethodDef::new("read($self, size=-1, /)", |vm, _| Err(unsupported(vm, "read")), "Reads up to size bytes; until the end if size is negative or None."),
        MethodDef::new("read1($self, size=-1, /)", |vm, _| Err(unsupported(vm, "read1")), "Reads up to size bytes with at most one call of the raw stream."),
        MethodDef::new("readinto($self, buffer, /)", |vm, args| read_into(vm, args, "read"), "Reads into a buffer and returns how many bytes."),
        MethodDef::new("readinto1($self, buffer, /)", |vm, args| read_into(vm, args, "read1"), "Reads into a buffer with at most one call of the raw stream."),
        MethodDef::new("write($self, b, /)", |vm, _| Err(unsupported(vm, "write")), "Writes bytes and returns how many."),
    ],
    &[],
)
.with_dict()
.with_doc("The base of buffered streams of bytes.\n\nUnlike a raw stream, read() reads as much as it is asked for, and write() writes\neverything.");

fn read_into(vm: &Vm, args: &[Object], method: &str) -> Result {
    let buffer = vm.writable_bytes_like(
        &args[1],
        &format!("{}() argument", if method == "read" { "readinto" } else { "readinto1" }),
    )?;
    let read = vm.call_method(&args[0], method, &[vm.usize(buffer.len())])?;
    let Some(bytes) = bytes_of(&read) else { return Err(vm.type_error("read() should return bytes")) };
    if bytes.len() > buffer.len() {
        return Err(vm.value_error(format!(
            "read() returned too much data: {} bytes requested, {} returned",
            buffer.len(),
            bytes.len()
        )));
    }
    buffer.with_bytes_mut(|out| out[..bytes.len()].copy_from_slice(bytes));
    Ok(vm.usize(bytes.len()))
}

// ---- _TextIOBase -------------------------------------------------------------------------------

pub struct TextIoBase;
impl NativeClass for TextIoBase {
    fn class() -> &'static Type {
        &TEXT_IO_BASE
    }
}

pub static TEXT_IO_BASE: Type = Type::new::<TextIoBase>(
    "_io._TextIOBase",
    &IO_BASE,
    type_flags::BASE | type_flags::HAVE_GC | type_flags::WEAKREFABLE,
    Slots::EMPTY,
    &[
        MethodDef::new(
            "detach($self, /)",
            |vm, _| Err(unsupported(vm, "detach")),
            "Separates the buffer from the text stream and returns it.",
        ),
        MethodDef::new(
            "read($self, size=-1, /)",
            |vm, _| Err(unsupported(vm, "read")),
            "Reads up to size characters; until the end if size is negative or None.",
        ),
        MethodDef::new(
            "readline($self, size=-1, /)",
            |vm, _| Err(unsupported(vm, "readline")),
            "Reads until a newline or the end; '' at the end.",
        ),
        MethodDef::new(
            "write($self, s, /)",
            |vm, _| Err(unsupported(vm, "write")),
            "Writes a string and returns how many characters.",
        ),
    ],
    &[
        GetSetDef::new("encoding", |_, _| Ok(Object::NONE)).with_doc("The encoding of the stream."),
        GetSetDef::new("newlines", |_, _| Ok(Object::NONE))
            .with_doc("The kinds of line ends that were translated so far."),
        GetSetDef::new("errors", |_, _| Ok(Object::NONE)).with_doc("The error handler of the encoding."),
    ],
)
.with_dict()
.with_doc("The base of streams of text.");

/// A memoryview that Python code may keep, over bytes of its own.
pub fn view_of_bytes(vm: &Vm, bytes: &[u8]) -> Result {
    let copy = bytes::new(vm, bytes)?;
    memoryview::new(vm, &copy)
}
