//! `BufferedReader`, `BufferedWriter`, `BufferedRandom`: one payload,
//! [`Buffered`], behind three types.
//!
//! The raw stream's position is the end of the read buffer while that holds
//! anything; bytes to be written wait in a buffer of their own. Only one of the
//! two is in use at a time. The buffers are never borrowed while Python code
//! runs or the GIL is released: they are taken out and put back.

use super::bytesio::BytesIo;
use super::file::{self, FileIo};
use super::lock::{Guard, Lock};
use super::*;
use std::cell::{Cell, RefCell};
use taipan_runtime::names::name;
use taipan_runtime::types::bytearray::{self, ByteArray};
use taipan_runtime::types::cell::ObjectCell;
use taipan_runtime::types::{bytes, memoryview};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    New,
    Ready,
    Detached,
}

#[derive(Default)]
struct Data {
    /// What was read ahead; the next byte to hand out is at `pos`.
    read: Vec<u8>,
    pos: usize,
    /// What is to be written.
    write: Vec<u8>,
    /// Where the raw stream stands, if known.
    raw_pos: Option<i64>,
}

/// Payload of the three types.
pub struct Buffered {
    raw: ObjectCell,
    stage: Cell<Stage>,
    readable: bool,
    writable: bool,
    size: Cell<usize>,
    /// `close` was here.
    done: Cell<bool>,
    finalizing: Cell<bool>,
    data: RefCell<Data>,
    lock: Lock,
}

macro_rules! payloads {
    ($($payload:ident $class:ident)*) => {$(
        pub struct $payload(Buffered);
        impl NativeClass for $payload {
            fn class() -> &'static Type {
                &$class
            }
            fn traverse(&self, visitor: &mut Visitor) {
                self.0.raw.traverse(visitor)
            }
            fn clear(&self) {
                self.0.stage.set(Stage::New);
                self.0.raw.clear()
            }
        }
    )*};
}
payloads! { ReaderPayload BUFFERED_READER WriterPayload BUFFERED_WRITER RandomPayload BUFFERED_RANDOM }

/// The payload, if the object is of one of the three types.
pub fn of(object: &Object) -> Option<&Buffered> {
    if let Some(p) = object.downcast::<ReaderPayload>() {
        return Some(&p.0);
    }
    if let Some(p) = object.downcast::<WriterPayload>() {
        return Some(&p.0);
    }
    object.downcast::<RandomPayload>().map(|p| &p.0)
}

fn this(object: &Object) -> &Buffered {
    match of(object) {
        Some(b) => b,
        None => unreachable!("method of a buffered stream called on another object"),
    }
}

const FLAGS: u64 = type_flags::BASE | type_flags::HAVE_GC | type_flags::WEAKREFABLE;

macro_rules! shared_rows {
    ($($own:expr,)*) => {
        &[
            MethodDef::new("close($self, /)", |vm, args| close(vm, &args[0]), "Writes out what is buffered and closes the raw stream."),
            MethodDef::new("detach($self, /)", detach, "Separates the raw stream from the buffer and returns it.\n\nThe buffer is of no use afterwards."),
            MethodDef::new("seekable($self, /)", |vm, args| ask_raw(vm, &args[0], "seekable"), "Can one seek?"),
            MethodDef::new("fileno($self, /)", |vm, args| ask_raw(vm, &args[0], "fileno"), "The descriptor below."),
            MethodDef::new("isatty($self, /)", |vm, args| ask_raw(vm, &args[0], "isatty"), "Is it a terminal?"),
            MethodDef::new("_dealloc_warn($self, source, /)", |vm, args| {
                let b = this(&args[0]);
                if b.stage.get() == Stage::Ready
                    && vm.call_method(&b.raw.or_none(), "_dealloc_warn", &[args[1].clone()]).is_err()
                {
                    drop(vm.take_raised());
                }
                Ok(Object::NONE)
            }, ""),
            MethodDef::new("seek($self, target, whence=0, /)", seek, "Goes to a position: from the start (whence 0), from here (1), from the end (2).\n\nReturns the new position."),
            MethodDef::new("tell($self, /)", tell, "The position in the stream."),
            MethodDef::new("truncate($self, pos=None, /)", truncate, "Cuts or extends the file to a size; by default, at the position."),
            MethodDef::new("__sizeof__($self, /)", |vm, args| {
                let held = this(&args[0]).data.borrow();
                Ok(vm.usize(size_of::<Buffered>() + held.read.capacity() + held.write.capacity()))
            }, "The size in memory, in bytes."),
            MethodDef::new("__getstate__($self, /)", cannot_pickle, ""),
            $($own,)*
        ]
    };
}

const GETSET: &[GetSetDef] = &[
    GetSetDef::new("closed", |vm, b| vm.get_attr_str(&raw_of(vm, b)?, "closed")),
    GetSetDef::new("name", |vm, b| vm.get_attr(&raw_of(vm, b)?, name::name_plain.object())),
    GetSetDef::new("mode", |vm, b| vm.get_attr(&raw_of(vm, b)?, name::mode.object())),
    GetSetDef::new("raw", |_, b| Ok(this(b).raw.or_none())),
    GetSetDef::new("_finalizing", |_, b| Ok(Object::bool(this(b).finalizing.get())))
        .with_set(|vm, b, value| set_finalizing(vm, &this(b).finalizing, value)),
];

pub static BUFFERED_READER: Type = Type::new::<ReaderPayload>(
    "_io.BufferedReader",
    &base::BUFFERED_IO_BASE,
    FLAGS,
    Slots {
        new: Some(|vm, class, _, _| {
            taipan_runtime::support::allocate(vm, class, ReaderPayload(Buffered::new(true, false)))
        }),
        init: Some(|vm, object, args, kwnames| {
            static SIG: Sig = Sig::new("BufferedReader(raw, buffer_size=131072)");
            init(vm, object, &SIG, args, kwnames)
        }),
        next: Some(next),
        ..Slots::EMPTY.repr(repr)
    },
    shared_rows![
        MethodDef::new(
            "flush($self, /)",
            |vm, args| vm.call_method_object(&raw_of(vm, &args[0])?, name::flush.object(), &[]),
            "Flushes the raw stream."
        ),
        MethodDef::new("readable($self, /)", |vm, args| ask_raw(vm, &args[0], "readable"), "Can one read?"),
        MethodDef::new(
            "read($self, size=-1, /)",
            read,
            "Reads up to size bytes; until the end if size is negative or None."
        ),
        MethodDef::new(
            "peek($self, size=0, /)",
            peek,
            "Bytes that lie ahead, without moving on; at least one, unless at the end."
        ),
        MethodDef::new(
            "read1($self, size=-1, /)",
            read1,
            "Reads up to size bytes with at most one call of the raw stream."
        ),
        MethodDef::new(
            "readinto($self, buffer, /)",
            |vm, args| readinto(vm, args, false),
            "Reads into a buffer and returns how many bytes."
        ),
        MethodDef::new(
            "readinto1($self, buffer, /)",
            |vm, args| readinto(vm, args, true),
            "Reads into a buffer with at most one call of the raw stream."
        ),
        MethodDef::new(
            "readline($self, size=-1, /)",
            readline,
            "Reads one line, or as much of it as size allows."
        ),
    ],
    GETSET,
)
.with_dict()
.with_doc(
    "BufferedReader(raw, buffer_size=DEFAULT_BUFFER_SIZE)\n--\n\nA buffer for reading from a raw stream.",
);

pub static BUFFERED_WRITER: Type = Type::new::<WriterPayload>(
    "_io.BufferedWriter",
    &base::BUFFERED_IO_BASE,
    FLAGS,
    Slots {
        new: Some(|vm, class, _, _| {
            taipan_runtime::support::allocate(vm, class, WriterPayload(Buffered::new(false, true)))
        }),
        init: Some(|vm, object, args, kwnames| {
            static SIG: Sig = Sig::new("BufferedWriter(raw, buffer_size=131072)");
            init(vm, object, &SIG, args, kwnames)
        }),
        ..Slots::EMPTY.repr(repr)
    },
    shared_rows![
        MethodDef::new("flush($self, /)", |vm, args| flush(vm, &args[0]), "Writes out what is buffered."),
        MethodDef::new("writable($self, /)", |vm, args| ask_raw(vm, &args[0], "writable"), "Can one write?"),
        MethodDef::new("write($self, buffer, /)", write, "Writes bytes and returns how many."),
    ],
    GETSET,
)
.with_dict()
.with_doc(
    "BufferedWriter(raw, buffer_size=DEFAULT_BUFFER_SIZE)\n--\n\nA buffer for writing to a raw stream.",
);

pub static BUFFERED_RANDOM: Type = Type::new::<RandomPayload>(
    "_io.BufferedRandom",
    &base::BUFFERED_IO_BASE,
    FLAGS,
    Slots {
        new: Some(|vm, class, _, _| {
            taipan_runtime::support::allocate(vm, class, RandomPayload(Buffered::new(true, true)))
        }),
        init: Some(|vm, object, args, kwnames| {
            static SIG: Sig = Sig::new("BufferedRandom(raw, buffer_size=131072)");
            init(vm, object, &SIG, args, kwnames)
        }),
        next: Some(next),
        ..Slots::EMPTY.repr(repr)
    },
    shared_rows![
        MethodDef::new("flush($self, /)", |vm, args| flush(vm, &args[0]), "Writes out what is buffered."),
        MethodDef::new("readable($self, /)", |vm, args| ask_raw(vm, &args[0], "readable"), "Can one read?"),
        MethodDef::new("writable($self, /)", |vm, args| ask_raw(vm, &args[0], "writable"), "Can one write?"),
        MethodDef::new(
            "read($self, size=-1, /)",
            read,
            "Reads up to size bytes; until the end if size is negative or None."
        ),
        MethodDef::new(
            "peek($self, size=0, /)",
            peek,
            "Bytes that lie ahead, without moving on; at least one, unless at the end."
        ),
        MethodDef::new(
            "read1($self, size=-1, /)",
            read1,
            "Reads up to size bytes with at most one call of the raw stream."
        ),
        MethodDef::new(
            "readinto($self, buffer, /)",
            |vm, args| readinto(vm, args, false),
            "Reads into a buffer and returns how many bytes."
        ),
        MethodDef::new(
            "readinto1($self, buffer, /)",
            |vm, args| readinto(vm, args, true),
            "Reads into a buffer with at most one call of the raw stream."
        ),
        MethodDef::new(
            "readline($self, size=-1, /)",
            readline,
            "Reads one line, or as much of it as size allows."
        ),
        MethodDef::new("write($self, buffer, /)", write, "Writes bytes and returns how many."),
    ],
    GETSET,
)
.with_dict()
.with_doc("BufferedRandom(raw, buffer_size=DEFAULT_BUFFER_SIZE)\n--\n\nA buffer for reading from and writing to a raw stream on which one can seek.");

impl Buffered {
    fn new(readable: bool, writable: bool) -> Buffered {
        Buffered {
            raw: ObjectCell::EMPTY,
            stage: Cell::new(Stage::New),
            readable,
            writable,
            size: Cell::new(DEFAULT_BUFFER_SIZE),
            done: Cell::new(false),
            finalizing: Cell::new(false),
            data: RefCell::new(Data::default()),
            lock: Lock::default(),
        }
    }
    /// Changes the buffers; `f` runs no Python code.
    #[inline]
    fn with<R>(&self, f: impl FnOnce(&mut Data) -> R) -> R {
        f(&mut self.data.borrow_mut())
    }
    /// Bytes read ahead.
    #[inline]
    fn ahead(&self) -> usize {
        if !self.readable {
            return 0;
        }
        let data = self.data.borrow();
        data.read.len() - data.pos
    }
    fn drop_read_buffer(&self) {
        self.with(|d| {
            d.read.clear();
            d.pos = 0;
        });
    }
}

/// ValueError unless the object has its raw stream.
fn check_ready(vm: &Vm, b: &Buffered) -> Result<()> {
    match b.stage.get() {
        Stage::Ready => Ok(()),
        Stage::Detached => Err(vm.value_error("raw stream has been detached")),
        Stage::New => Err(vm.value_error("I/O operation on uninitialized object")),
    }
}

fn raw_of(vm: &Vm, object: &Object) -> Result {
    let b = this(object);
    check_ready(vm, b)?;
    Ok(b.raw.or_none())
}

fn ask_raw(vm: &Vm, object: &Object, method: &str) -> Result {
    vm.call_method(&raw_of(vm, object)?, method, &[])
}

/// Is the stream closed?
fn is_closed(vm: &Vm, b: &Buffered) -> Result<bool> {
    if b.done.get() {
        return Ok(true);
    }
    let raw = b.raw.or_none();
    match raw.downcast_exact::<FileIo>() {
        Some(f) => Ok(f.descriptor().is_none()),
        None => base::is_closed(vm, &raw),
    }
}

/// ValueError if the stream is closed and nothing is left in its buffer.
fn check_open(vm: &Vm, b: &Buffered, message: &str) -> Result<()> {
    if is_closed(vm, b)? && b.ahead() == 0 { Err(vm.value_error(message)) } else { Ok(()) }
}

// ---- making --------------------------------------------------------------------------------

fn init(vm: &Vm, object: &Object, sig: &'static Sig, args: &[Object], kwnames: &[Object]) -> Result<()> {
    let args = sig.bind(vm, args, kwnames)?;
    let size = vm.index_for_item_overflow(&args[1])?;
    set_up(vm, object, args[0].clone(), size)
}

fn set_up(vm: &Vm, object: &Object, raw: Object, size: isize) -> Result<()> {
    let b = this(object);
    b.stage.set(Stage::New);
    if b.readable && b.writable {
        base::check_seekable(vm, &raw)?;
    }
    if b.readable {
        base::check_readable(vm, &raw)?;
    }
    if b.writable {
        base::check_writable(vm, &raw)?;
    }
    if size <= 0 {
        return Err(vm.value_error("buffer size must be strictly positive"));
    }
    b.raw.set(raw);
    b.size.set(size as usize);
    b.done.set(false);
    b.with(|d| *d = Data::default());
    // Files that cannot seek have no position.
    if raw_tell(vm, b).is_err() {
        drop(vm.take_raised());
    }
    b.stage.set(Stage::Ready);
    Ok(())
}

macro_rules! makers {
    ($($(#[$doc:meta])* $maker:ident $payload:ident $class:ident $readable:literal $writable:literal)*) => {$(
        $(#[$doc])*
        pub fn $maker(vm: &Vm, raw: Object, size: usize) -> Result {
            let payload = $payload(Buffered::new($readable, $writable));
            let object = taipan_runtime::support::allocate(vm, &$class, payload)?;
            set_up(vm, &object, raw, size as isize)?;
            Ok(object)
        }
    )*};
}
makers! {
    /// A BufferedReader.
    new_reader ReaderPayload BUFFERED_READER true false
    /// A BufferedWriter.
    new_writer WriterPayload BUFFERED_WRITER false true
    /// A BufferedRandom.
    new_random RandomPayload BUFFERED_RANDOM true true
}

// ---- the raw stream --------------------------------------------------------------------------

/// The raw stream as a FileIO whose methods are FileIO's own.
fn native_file<'a>(vm: &Vm, raw: &'a Object, method: &str) -> Option<&'a FileIo> {
    let f = raw.downcast_exact::<FileIo>()?;
    if overridden(vm, raw, method) { None } else { Some(f) }
}

fn checked_position(vm: &Vm, result: &Object) -> Result<i64> {
    let n = offset_argument(vm, result)?;
    if n < 0 {
        return Err(vm.error(&exc::OS_ERROR, format!("Raw stream returned invalid position {n}")));
    }
    Ok(n)
}

/// Asks the raw stream where it is.
fn raw_tell(vm: &Vm, b: &Buffered) -> Result<i64> {
    b.with(|d| d.raw_pos = None);
    let raw = b.raw.or_none();
    let n = match native_file(vm, &raw, "tell") {
        Some(f) => file::seek(vm, f, 0, 1)?,
        None => checked_position(vm, &vm.call_method(&raw, "tell", &[])?)?,
    };
    b.with(|d| d.raw_pos = Some(n));
    Ok(n)
}

fn raw_tell_cached(vm: &Vm, b: &Buffered) -> Result<i64> {
    match b.with(|d| d.raw_pos) {
        Some(n) => Ok(n),
        None => raw_tell(vm, b),
    }
}

fn raw_seek(vm: &Vm, b: &Buffered, target: i64, whence: i32) -> Result<i64> {
    b.with(|d| d.raw_pos = None);
    let raw = b.raw.or_none();
    let n = match native_file(vm, &raw, "seek") {
        Some(f) => file::seek(vm, f, target, whence)?,
        None => {
            let result = vm.call_method(&raw, "seek", &[vm.int(target), vm.int(whence as i64)])?;
            checked_position(vm, &result)?
        }
    };
    b.with(|d| d.raw_pos = Some(n));
    Ok(n)
}

/// One raw read of at most `want` bytes behind what `out` holds; None if it
/// would block.
fn raw_read(vm: &Vm, b: &Buffered, out: &mut Vec<u8>, want: usize) -> Result<Option<usize>> {
    let raw = b.raw.or_none();
    let n = if let Some(f) = native_file(vm, &raw, "readinto") {
        match file::read_append(vm, f, out, want)? {
            Some(n) => n,
            None => return Ok(None),
        }
    } else {
        let array = bytearray::zeroed(vm, want)?;
        let view = memoryview::new(vm, &array)?;
        let result = loop {
            let result = vm.call_method(&raw, "readinto", std::slice::from_ref(&view));
            if let Some(result) = trap_interrupt(vm, result)? {
                break result;
            }
        };
        if result.is_none() {
            return Ok(None);
        }
        let n = match vm.index_for_item_overflow(&result) {
            Ok(n) => n,
            Err(raised) => {
                let cause = vm.caught(raised);
                let new = vm.error(&exc::OS_ERROR, "raw readinto() failed");
                return Err(vm.chain_cause(new, cause));
            }
        };
        if n < 0 || n as usize > want {
            return Err(vm.error(
                &exc::OS_ERROR,
                format!("raw readinto() returned invalid length {n} (should have been between 0 and {want})"),
            ));
        }
        let Some(filled) = array.downcast::<ByteArray>() else { return Ok(Some(0)) };
        if out.try_reserve(n as usize).is_err() {
            return Err(vm.memory_error());
        }
        out.extend_from_slice(&filled.as_slice()[..n as usize]);
        n as usize
    };
    b.with(|d| d.raw_pos = d.raw_pos.map(|at| at + n as i64));
    Ok(Some(n))
}

/// One raw write; None if it would block.
fn raw_write(vm: &Vm, b: &Buffered, data: &[u8]) -> Result<Option<usize>> {
    let raw = b.raw.or_none();
    let n = if let Some(f) = native_file(vm, &raw, "write") {
        match file::write_bytes(vm, f, data)? {
            Some(n) => n,
            None => return Ok(None),
        }
    } else {
        let view = base::view_of_bytes(vm, data)?;
        let result = loop {
            let result = vm.call_method_object(&raw, name::write.object(), std::slice::from_ref(&view));
            if let Some(result) = trap_interrupt(vm, result)? {
                break result;
            }
        };
        if result.is_none() {
            return Ok(None);
        }
        let n = vm.index_for_item_overflow(&result)?;
        if n < 0 || n as usize > data.len() {
            return Err(vm.error(
                &exc::OS_ERROR,
                format!(
                    "raw write() returned invalid length {n} (should have been between 0 and {})",
                    data.len()
                ),
            ));
        }
        n as usize
    };
    b.with(|d| d.raw_pos = d.raw_pos.map(|at| at + n as i64));
    Ok(Some(n))
}

/// Is the stream closed? None if that has to be asked of Python code.
pub fn closed_quickly(object: &Object) -> Option<bool> {
    if let Some(bytes) = object.downcast_exact::<BytesIo>() {
        return Some(bytes.is_closed());
    }
    let b = of(object)?;
    if object.ty().is_heap() || b.stage.get() != Stage::Ready {
        return None;
    }
    if b.done.get() {
        return Some(true);
    }
    let raw = b.raw.get();
    raw.downcast_exact::<FileIo>().map(|f| f.descriptor().is_none())
}

/// A BufferedWriter or BufferedRandom with nothing overridden in `write`?
pub fn is_plain_writer(vm: &Vm, object: &Object) -> bool {
    (object.ty().is(&BUFFERED_WRITER) || object.ty().is(&BUFFERED_RANDOM)) && !overridden(vm, object, "write")
}

/// A BufferedReader or BufferedRandom with nothing overridden in `method`?
pub fn is_plain_reader(vm: &Vm, object: &Object, method: &str) -> bool {
    (object.ty().is(&BUFFERED_READER) || object.ty().is(&BUFFERED_RANDOM)) && !overridden(vm, object, method)
}

// ---- reading -----------------------------------------------------------------------------------

/// Reads a new bufferful; the old one is used up. None if it would block.
fn fill(vm: &Vm, b: &Buffered) -> Result<Option<usize>> {
    let mut buffer = b.with(|d| {
        d.pos = 0;
        std::mem::take(&mut d.read)
    });
    buffer.clear();
    let result = raw_read(vm, b, &mut buffer, b.size.get());
    if result.is_err() {
        buffer.clear();
    }
    b.with(|d| d.read = buffer);
    result
}

/// Moves up to `n` bytes that were read ahead to `out`.
fn take_ahead(b: &Buffered, out: &mut Vec<u8>, n: usize) -> usize {
    b.with(|d| {
        let n = n.min(d.read.len() - d.pos);
        out.extend_from_slice(&d.read[d.pos..d.pos + n]);
        d.pos += n;
        n
    })
}

/// What is to be written goes out before something is read.
fn flush_before_reading(vm: &Vm, b: &Buffered) -> Result<()> {
    if b.writable && b.with(|d| !d.write.is_empty()) { flush_locked(vm, b) } else { Ok(()) }
}

fn reserve(vm: &Vm, out: &mut Vec<u8>, n: usize) -> Result<()> {
    out.try_reserve(n).map_err(|_| vm.memory_error())
}

/// `n` bytes, fewer at the end; None if nothing is there yet. Locked.
fn read_exactly(vm: &Vm, b: &Buffered, n: usize) -> Result<Option<Vec<u8>>> {
    let mut out = Vec::new();
    reserve(vm, &mut out, n)?;
    take_ahead(b, &mut out, n);
    if out.len() == n {
        return Ok(Some(out));
    }
    flush_before_reading(vm, b)?;
    b.drop_read_buffer();
    let size = b.size.get();
    while out.len() < n {
        let rest = n - out.len();
        let got = if rest >= size {
            raw_read(vm, b, &mut out, rest / size * size)?
        } else {
            let got = fill(vm, b)?;
            take_ahead(b, &mut out, rest);
            got
        };
        match got {
            Some(0) => break,
            Some(_) => {}
            None if out.is_empty() => return Ok(None),
            None => break,
        }
    }
    Ok(Some(out))
}

/// Everything until the end. Locked.
fn read_all(vm: &Vm, b: &Buffered) -> Result {
    let mut out = Vec::new();
    let ahead = b.ahead();
    reserve(vm, &mut out, ahead)?;
    take_ahead(b, &mut out, ahead);
    b.drop_read_buffer();
    if b.writable {
        flush_locked(vm, b)?;
    }
    let raw = b.raw.or_none();
    if let Some(f) = native_file(vm, &raw, "readall") {
        let rest = file_rest(vm, f)?;
        b.with(|d| d.raw_pos = None);
        return match rest {
            Some(rest) if out.is_empty() => bytes::new(vm, &rest),
            Some(rest) => {
                reserve(vm, &mut out, rest.len())?;
                out.extend_from_slice(&rest);
                bytes::new(vm, &out)
            }
            None if out.is_empty() => Ok(Object::NONE),
            None => bytes::new(vm, &out),
        };
    }
    if let Some(readall) = vm.lookup_attr_str(&raw, "readall")? {
        let rest = vm.call(&readall, &[])?;
        b.with(|d| d.raw_pos = None);
        if rest.is_none() {
            return if out.is_empty() { Ok(rest) } else { bytes::new(vm, &out) };
        }
        let Some(more) = bytes_of(&rest) else { return Err(vm.type_error("readall() should return bytes")) };
        if out.is_empty() {
            return Ok(rest);
        }
        reserve(vm, &mut out, more.len())?;
        out.extend_from_slice(more);
        return bytes::new(vm, &out);
    }
    loop {
        let read = vm.call_method_object(&raw, name::read.object(), &[])?;
        if read.is_none() {
            return if out.is_empty() { Ok(read) } else { bytes::new(vm, &out) };
        }
        let Some(more) = bytes_of(&read) else { return Err(vm.type_error("read() should return bytes")) };
        if more.is_empty() {
            return bytes::new(vm, &out);
        }
        reserve(vm, &mut out, more.len())?;
        out.extend_from_slice(more);
        b.with(|d| d.raw_pos = d.raw_pos.map(|at| at + more.len() as i64));
    }
}

fn file_rest(vm: &Vm, f: &FileIo) -> Result<Option<Vec<u8>>> {
    if f.descriptor().is_none() {
        return Err(file::closed_error(vm));
    }
    if !f.is_readable() {
        return Err(unsupported(vm, "File not open for reading"));
    }
    file::read_rest(vm, f)
}

fn read(vm: &Vm, args: &[Object]) -> Result {
    let b = this(&args[0]);
    let n = signed_size(vm, &args[1])?;
    check_ready(vm, b)?;
    if n < -1 {
        return Err(vm.value_error("read length must be non-negative or -1"));
    }
    check_open(vm, b, "read of closed file")?;
    if n == -1 {
        let _guard = b.lock.enter(vm, &args[0])?;
        return read_all(vm, b);
    }
    if n as usize <= b.ahead() {
        // Straight from the buffer.
        let object = b.with(|d| {
            let found = bytes::new(vm, &d.read[d.pos..d.pos + n as usize]);
            d.pos += n as usize;
            found
        });
        return object;
    }
    let _guard = b.lock.enter(vm, &args[0])?;
    match read_exactly(vm, b, n as usize)? {
        Some(out) => bytes::new(vm, &out),
        None => Ok(Object::NONE),
    }
}

fn peek(vm: &Vm, args: &[Object]) -> Result {
    let b = this(&args[0]);
    vm.index_for_item_overflow(&args[1])?;
    check_ready(vm, b)?;
    check_open(vm, b, "peek of closed file")?;
    let _guard = b.lock.enter(vm, &args[0])?;
    if b.writable {
        flush_and_rewind(vm, b)?;
    }
    if b.ahead() == 0 {
        fill(vm, b)?;
    }
    let ahead = b.with(|d| d.read[d.pos..].to_vec());
    bytes::new(vm, &ahead)
}

/// At most one raw read, straight from the buffer if that has something.
/// For the text layer as well. None if it would block.
pub fn read_once(vm: &Vm, object: &Object, out: &mut Vec<u8>, n: Option<usize>) -> Result<Option<usize>> {
    let b = this(object);
    check_ready(vm, b)?;
    check_open(vm, b, "read of closed file")?;
    let n = n.unwrap_or(b.size.get());
    if n == 0 {
        return Ok(Some(0));
    }
    let ahead = b.ahead();
    if ahead > 0 {
        reserve(vm, out, ahead.min(n))?;
        return Ok(Some(take_ahead(b, out, n)));
    }
    let _guard = b.lock.enter(vm, object)?;
    flush_before_reading(vm, b)?;
    b.drop_read_buffer();
    raw_read(vm, b, out, n)
}

fn read1(vm: &Vm, args: &[Object]) -> Result {
    let n = size_argument(vm, &args[1])?;
    let mut out = Vec::new();
    // What would block reads as nothing.
    read_once(vm, &args[0], &mut out, n)?;
    bytes::new(vm, &out)
}

fn readinto(vm: &Vm, args: &[Object], once: bool) -> Result {
    let b = this(&args[0]);
    let method = if once { "readinto1() argument" } else { "readinto() argument" };
    let buffer = vm.writable_bytes_like(&args[1], method)?;
    check_ready(vm, b)?;
    check_open(vm, b, "readinto of closed file")?;
    let wanted = buffer.len();
    let mut done = 0;
    let put = |done: &mut usize, bytes: &[u8]| {
        buffer.with_bytes_mut(|out| out[*done..*done + bytes.len()].copy_from_slice(bytes));
        *done += bytes.len();
    };
    let from_buffer = |done: &mut usize| {
        b.with(|d| {
            let n = (wanted - *done).min(d.read.len() - d.pos);
            put(done, &d.read[d.pos..d.pos + n]);
            d.pos += n;
        })
    };
    from_buffer(&mut done);
    if done == wanted {
        return Ok(vm.usize(done));
    }
    let _guard = b.lock.enter(vm, &args[0])?;
    if b.writable {
        flush_and_rewind(vm, b)?;
    }
    b.drop_read_buffer();
    while done < wanted {
        let rest = wanted - done;
        // More than the buffer holds goes straight to its place.
        let got = if rest > b.size.get() {
            let mut out = Vec::new();
            let got = raw_read(vm, b, &mut out, rest)?;
            put(&mut done, &out);
            got
        } else if once && done > 0 {
            break;
        } else {
            let got = fill(vm, b)?;
            from_buffer(&mut done);
            got
        };
        match got {
            Some(0) => break,
            Some(_) if once => break,
            Some(_) => {}
            None if done > 0 => break,
            None => return Ok(Object::NONE),
        }
    }
    Ok(vm.usize(done))
}

fn readline(vm: &Vm, args: &[Object]) -> Result {
    let limit = size_argument(vm, &args[1])?;
    readline_of(vm, &args[0], limit)
}

fn readline_of(vm: &Vm, object: &Object, limit: Option<usize>) -> Result {
    let b = this(object);
    check_ready(vm, b)?;
    check_open(vm, b, "readline of closed file")?;
    // A whole line in the buffer: no lock, no copy but the result.
    let found = b.with(|d| {
        let ahead = &d.read[d.pos..];
        let room = limit.map_or(ahead.len(), |limit| limit.min(ahead.len()));
        let end = match memchr::memchr(b'\n', &ahead[..room]) {
            Some(i) => i + 1,
            None if limit == Some(room) => room,
            None => return None,
        };
        let line = bytes::new(vm, &ahead[..end]);
        d.pos += end;
        Some(line)
    });
    if let Some(line) = found {
        return line;
    }
    let _guard = b.lock.enter(vm, object)?;
    let mut out = Vec::new();
    loop {
        let complete = b.with(|d| {
            let ahead = &d.read[d.pos..];
            let room = limit.map_or(ahead.len(), |limit| (limit - out.len()).min(ahead.len()));
            let (end, complete) = match memchr::memchr(b'\n', &ahead[..room]) {
                Some(i) => (i + 1, true),
                None => (room, false),
            };
            if out.try_reserve(end).is_err() {
                return None;
            }
            out.extend_from_slice(&ahead[..end]);
            d.pos += end;
            Some(complete || limit == Some(out.len()))
        });
        match complete {
            None => return Err(vm.memory_error()),
            Some(true) => break,
            Some(false) => {}
        }
        flush_before_reading(vm, b)?;
        match fill(vm, b)? {
            Some(0) | None => break,
            Some(_) => {}
        }
    }
    bytes::new(vm, &out)
}

fn next(vm: &Vm, object: &Object) -> Result<Option<Object>> {
    let b = this(object);
    check_ready(vm, b)?;
    let exact = object.ty().is(&BUFFERED_READER) || object.ty().is(&BUFFERED_RANDOM);
    let line = if exact {
        readline_of(vm, object, None)?
    } else {
        let line = vm.call_method_object(object, name::readline.object(), &[])?;
        if bytes_of(&line).is_none() {
            return Err(vm.error(
                &exc::OS_ERROR,
                format!("readline() should have returned a bytes object, not '{}'", line.ty().name()),
            ));
        }
        line
    };
    if bytes_of(&line).is_none_or(|l| l.is_empty()) { Ok(None) } else { Ok(Some(line)) }
}

// ---- writing -------------------------------------------------------------------------------------

/// Writes out everything; BlockingIOError if that would block. Locked.
fn flush_locked(vm: &Vm, b: &Buffered) -> Result<()> {
    loop {
        let mut pending = b.with(|d| std::mem::take(&mut d.write));
        if pending.is_empty() {
            b.with(|d| d.write = pending);
            return Ok(());
        }
        let result = raw_write(vm, b, &pending);
        if let Ok(Some(n)) = result {
            if n == pending.len() {
                pending.clear();
            } else {
                pending.drain(..n);
            }
        }
        b.with(|d| d.write = pending);
        match result? {
            Some(_) => vm.check_signals()?,
            None => return Err(would_block(vm, 0)),
        }
    }
}

/// Writes out everything and brings the raw stream to the position the
/// stream claims to be at. Locked.
fn flush_and_rewind(vm: &Vm, b: &Buffered) -> Result<()> {
    flush_locked(vm, b)?;
    if b.readable {
        let ahead = b.ahead();
        if ahead > 0 || !b.writable {
            raw_seek(vm, b, -(ahead as i64), 1)?;
        }
        b.drop_read_buffer();
    }
    Ok(())
}

fn flush(vm: &Vm, object: &Object) -> Result {
    let b = this(object);
    check_ready(vm, b)?;
    check_open(vm, b, "flush of closed file")?;
    let _guard = b.lock.enter(vm, object)?;
    flush_and_rewind(vm, b)?;
    Ok(Object::NONE)
}

/// Flushes a writer from the text layer.
pub fn flush_object(vm: &Vm, object: &Object) -> Result<()> {
    flush(vm, object).map(drop)
}

fn write(vm: &Vm, args: &[Object]) -> Result {
    let b = this(&args[0]);
    check_ready(vm, b)?;
    let data = vm.bytes_like(&args[1], "buffer")?;
    Ok(vm.usize(write_bytes(vm, &args[0], data.bytes())?))
}

/// `write` of bytes at hand.
pub fn write_bytes(vm: &Vm, object: &Object, data: &[u8]) -> Result<usize> {
    let b = this(object);
    check_ready(vm, b)?;
    let guard = b.lock.enter(vm, object)?;
    if is_closed(vm, b)? {
        return Err(vm.value_error("write to closed file"));
    }
    write_locked(vm, b, data, &guard)
}

fn write_locked(vm: &Vm, b: &Buffered, data: &[u8], _guard: &Guard<'_>) -> Result<usize> {
    if b.readable && b.with(|d| !d.read.is_empty()) {
        // The raw stream goes back to where we are.
        let ahead = b.ahead();
        if ahead > 0 {
            raw_seek(vm, b, -(ahead as i64), 1)?;
        }
        b.drop_read_buffer();
    }
    let size = b.size.get();
    let room = b.with(|d| size.saturating_sub(d.write.len()));
    if data.len() <= room {
        keep(vm, b, data)?;
        return Ok(data.len());
    }
    if let Err(raised) = flush_locked(vm, b) {
        if !vm.raised_is(&exc::BLOCKING_IO_ERROR) {
            return Err(raised);
        }
        // Keep as much as there is room for now.
        drop(vm.caught(raised));
        let room = b.with(|d| size.saturating_sub(d.write.len()));
        let n = data.len().min(room);
        keep(vm, b, &data[..n])?;
        return if n == data.len() { Ok(n) } else { Err(would_block(vm, n)) };
    }
    let mut written = 0;
    while data.len() - written > size {
        match raw_write(vm, b, &data[written..])? {
            Some(n) => written += n,
            None => {
                if data.len() - written > size {
                    keep(vm, b, &data[written..written + size])?;
                    return Err(would_block(vm, written + size));
                }
                break;
            }
        }
        vm.check_signals()?;
    }
    keep(vm, b, &data[written..])?;
    Ok(data.len())
}

/// Adds to what is to be written.
fn keep(vm: &Vm, b: &Buffered, data: &[u8]) -> Result<()> {
    let kept = b.with(|d| {
        if d.write.try_reserve(data.len()).is_err() {
            return false;
        }
        d.write.extend_from_slice(data);
        true
    });
    if kept { Ok(()) } else { Err(vm.memory_error()) }
}

// ---- positions ---------------------------------------------------------------------------------------

fn tell(vm: &Vm, args: &[Object]) -> Result {
    let b = this(&args[0]);
    check_ready(vm, b)?;
    let at = raw_tell(vm, b)?;
    let (ahead, pending) = (b.ahead(), b.with(|d| d.write.len()));
    Ok(vm.int((at - ahead as i64 + pending as i64).max(0)))
}

fn seek(vm: &Vm, args: &[Object]) -> Result {
    let b = this(&args[0]);
    let whence = vm.to_plain_c_int(&args[2])?;
    check_ready(vm, b)?;
    if !matches!(whence, 0..=2 | libc::SEEK_HOLE | libc::SEEK_DATA) {
        return Err(vm.value_error(format!("whence value {whence} unsupported")));
    }
    check_open(vm, b, "seek of closed file")?;
    let raw = b.raw.or_none();
    match native_file(vm, &raw, "seekable") {
        Some(f) if f.descriptor().is_some() => {
            if !file::is_seekable(vm, f) {
                return Err(unsupported(vm, "File or stream is not seekable."));
            }
        }
        _ => base::check_seekable(vm, &raw)?,
    }
    let mut target = offset_argument(vm, &args[1])?;
    if whence <= 1 && b.readable && b.with(|d| d.write.is_empty()) {
        // Within the buffer nothing needs to be asked of the raw stream.
        let ahead = b.ahead() as i64;
        if ahead > 0 {
            let current = raw_tell_cached(vm, b)? - ahead;
            let offset = if whence == 0 { target.wrapping_sub(current) } else { target };
            let moved = b.with(|d| {
                if offset >= -(d.pos as i64) && offset <= (d.read.len() - d.pos) as i64 {
                    d.pos = (d.pos as i64 + offset) as usize;
                    return true;
                }
                false
            });
            if moved {
                return Ok(vm.int((current + offset).max(0)));
            }
        }
    }
    let _guard = b.lock.enter(vm, &args[0])?;
    if b.writable {
        flush_locked(vm, b)?;
    }
    if whence == 1 {
        target -= b.ahead() as i64;
    }
    let at = raw_seek(vm, b, target, whence)?;
    b.with(|d| d.raw_pos = None);
    b.drop_read_buffer();
    Ok(vm.int(at))
}

fn truncate(vm: &Vm, args: &[Object]) -> Result {
    let b = this(&args[0]);
    check_ready(vm, b)?;
    check_open(vm, b, "truncate of closed file")?;
    if !b.writable {
        return Err(unsupported(vm, "truncate"));
    }
    let _guard = b.lock.enter(vm, &args[0])?;
    flush_and_rewind(vm, b)?;
    let result = vm.call_method(&b.raw.or_none(), "truncate", &[args[1].clone()])?;
    // The position may have changed.
    if raw_tell(vm, b).is_err() {
        drop(vm.take_raised());
    }
    Ok(result)
}

// ---- the end -------------------------------------------------------------------------------------------

fn detach(vm: &Vm, args: &[Object]) -> Result {
    let b = this(&args[0]);
    check_ready(vm, b)?;
    vm.call_method_object(&args[0], name::flush.object(), &[])?;
    b.stage.set(Stage::Detached);
    let raw = b.raw.take();
    Ok(if raw.is_unbound() { Object::NONE } else { raw })
}

fn close(vm: &Vm, object: &Object) -> Result {
    let b = this(object);
    check_ready(vm, b)?;
    {
        let _guard = b.lock.enter(vm, object)?;
        if is_closed(vm, b)? {
            return Ok(Object::NONE);
        }
        if b.finalizing.get() {
            let raw = b.raw.or_none();
            if vm.call_method(&raw, "_dealloc_warn", std::slice::from_ref(object)).is_err() {
                drop(vm.take_raised());
            }
        }
    }
    // flush() takes the lock itself, most likely.
    let flushed = vm.call_method_object(object, name::flush.object(), &[]);
    let first = if flushed.is_err() { vm.take_raised() } else { None };
    let _guard = b.lock.enter(vm, object)?;
    let closed = vm.call_method_object(&b.raw.or_none(), name::close.object(), &[]);
    b.with(|d| *d = Data::default());
    b.done.set(true);
    base::finish_with(vm, first, closed)
}

fn repr(vm: &Vm, object: &Object) -> Result {
    let class = object.ty().full_name().to_string();
    let found = vm.lookup_attr(object, name::name_plain.object());
    let found = match found {
        Ok(found) => found,
        // Not ready, or detached.
        Err(raised) if vm.raised_is(&exc::VALUE_ERROR) => {
            drop(vm.caught(raised));
            None
        }
        Err(raised) => return Err(raised),
    };
    let Some(attr) = found else { return Ok(vm.str(&format!("<{class}>"))) };
    let Some(_guard) = vm.enter_repr(object) else {
        return Err(vm.runtime_error(format!("reentrant call inside {class}.__repr__")));
    };
    let shown = vm.repr(&attr)?;
    let mut out = taipan_runtime::types::str::Builder::new();
    out.push_str(&format!("<{class} name="));
    out.push_object(&shown);
    out.push_str(">");
    Ok(out.finish(vm))
}
