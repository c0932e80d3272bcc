//! `BytesIO`: a file of bytes in memory. What `getvalue` gave away (or the
//! constructor was given) is shared with the bytes object until it is changed.

use super::*;
use std::cell::{Cell, RefCell};
use taipan_runtime::buffer::BufferInfo;
use taipan_runtime::names::name;
use taipan_runtime::support::this;
use taipan_runtime::types::cell::ObjectCell;
use taipan_runtime::types::{bytes, memoryview};

/// Payload of BytesIO.
pub struct BytesIo {
    /// A bytes object with the content; UNBOUND if `own` has it.
    shared: ObjectCell,
    own: RefCell<Vec<u8>>,
    pos: Cell<usize>,
    exports: Cell<usize>,
    closed: Cell<bool>,
}

impl BytesIo {
    /// Was it closed?
    pub fn is_closed(&self) -> bool {
        self.closed.get()
    }
}

impl NativeClass for BytesIo {
    fn class() -> &'static Type {
        &BYTES_IO
    }
}

pub static BYTES_IO: Type = Type::new::<BytesIo>(
    "_io.BytesIO",
    &base::BUFFERED_IO_BASE,
    type_flags::BASE | type_flags::HAVE_GC | type_flags::WEAKREFABLE,
    Slots {
        new: Some(|vm, class, _, _| {
            let payload = BytesIo {
                shared: ObjectCell::EMPTY,
                own: RefCell::new(Vec::new()),
                pos: Cell::new(0),
                exports: Cell::new(0),
                closed: Cell::new(false),
            };
            taipan_runtime::support::allocate(vm, class, payload)
        }),
        init: Some(init),
        next: Some(|vm, object| {
            let b = open(vm, object)?;
            let line = take(vm, b, line_end(b, None))?;
            Ok(if bytes_of(&line).is_none_or(|l| l.is_empty()) { None } else { Some(line) })
        }),
        ..Slots::EMPTY.iter(|_, object| Ok(object.clone()))
    },
    &[
        MethodDef::new("readable($self, /)", |vm, args| open(vm, &args[0]).map(|_| Object::TRUE), "Can one read?"),
        MethodDef::new("seekable($self, /)", |vm, args| open(vm, &args[0]).map(|_| Object::TRUE), "Can one seek?"),
        MethodDef::new("writable($self, /)", |vm, args| open(vm, &args[0]).map(|_| Object::TRUE), "Can one write?"),
        MethodDef::new("close($self, /)", |vm, args| {
            let b = this::<BytesIo>(&args[0]);
            check_exports(vm, b)?;
            b.closed.set(true);
            b.shared.clear();
            *b.own.borrow_mut() = Vec::new();
            Ok(Object::NONE)
        }, "Gives the memory back."),
        MethodDef::new("flush($self, /)", |vm, args| open(vm, &args[0]).map(|_| Object::NONE), "Has no effect."),
        MethodDef::new("isatty($self, /)", |vm, args| open(vm, &args[0]).map(|_| Object::FALSE), "No."),
        MethodDef::new("tell($self, /)", |vm, args| Ok(vm.usize(open(vm, &args[0])?.pos.get())), "The position."),
        MethodDef::new("write($self, b, /)", |vm, args| write(vm, &args[0], &args[1]), "Writes bytes and returns how many."),
        MethodDef::new("writelines($self, lines, /)", |vm, args| {
            open(vm, &args[0])?;
            vm.for_each(&args[1], |line| write(vm, &args[0], &line).map(drop))?;
            Ok(Object::NONE)
        }, "Writes each of the lines."),
        MethodDef::new("read1($self, size=-1, /)", read, "Reads up to size bytes; until the end if size is negative."),
        MethodDef::new("read($self, size=-1, /)", read, "Reads up to size bytes; until the end if size is negative."),
        MethodDef::new("readinto($self, buffer, /)", readinto, "Reads into a buffer and returns how many bytes."),
        MethodDef::new("readline($self, size=-1, /)", |vm, args| {
            let limit = size_argument(vm, &args[1])?;
            let b = open(vm, &args[0])?;
            take(vm, b, line_end(b, limit))
        }, "Reads one line, or as much of it as size allows."),
        MethodDef::new("readlines($self, size=None, /)", readlines, "A list of lines; no more are read once their size reaches the argument."),
        MethodDef::new("getbuffer($self, /)", getbuffer, "A view on the content that sees and makes changes."),
        MethodDef::new("getvalue($self, /)", |vm, args| getvalue(vm, open(vm, &args[0])?), "The whole content as bytes."),
        MethodDef::new("seek($self, pos, whence=0, /)", seek, "Goes to a position: from the start (whence 0), from here (1), from the end (2).\n\nReturns the new position."),
        MethodDef::new("truncate($self, size=None, /)", truncate, "Cuts the content to a size; by default, at the position.\n\nThe position stays. Returns the size."),
        MethodDef::new("__getstate__($self, /)", getstate, ""),
        MethodDef::new("__setstate__($self, object, /)", setstate, ""),
        MethodDef::new("__sizeof__($self, /)", |vm, args| {
            Ok(vm.usize(size_of::<BytesIo>() + 16 + this::<BytesIo>(&args[0]).own.borrow().capacity()))
        }, "The size in memory, in bytes."),
    ],
    &[GetSetDef::new("closed", |_, b| Ok(Object::bool(this::<BytesIo>(b).closed.get()))).with_doc("Is it closed?")],
)
.with_dict()
.with_doc("BytesIO(initial_bytes=b'')\n--\n\nA file of bytes in memory.");

fn open<'a>(vm: &Vm, object: &'a Object) -> Result<&'a BytesIo> {
    let b = this::<BytesIo>(object);
    if b.closed.get() { Err(vm.value_error("I/O operation on closed file.")) } else { Ok(b) }
}

fn check_exports(vm: &Vm, b: &BytesIo) -> Result<()> {
    if b.exports.get() > 0 {
        return Err(vm.buffer_error("Existing exports of data: object cannot be re-sized"));
    }
    Ok(())
}

impl BytesIo {
    /// Looks at the content; `f` runs no Python code.
    fn with<R>(&self, f: impl FnOnce(&[u8]) -> R) -> R {
        if self.shared.is_empty() {
            return f(&self.own.borrow());
        }
        let shared = self.shared.get();
        f(bytes_of(&shared).unwrap_or_default())
    }
    fn len(&self) -> usize {
        self.with(|content| content.len())
    }
    /// Makes the content our own, to be changed.
    fn unshare(&self, vm: &Vm, room: usize) -> Result<()> {
        let mut own = self.own.borrow_mut();
        if self.shared.is_empty() {
            return own.try_reserve(room).map_err(|_| vm.memory_error());
        }
        let shared = self.shared.get();
        let content = bytes_of(&shared).unwrap_or_default();
        own.clear();
        if own.try_reserve(content.len().saturating_add(room)).is_err() {
            return Err(vm.memory_error());
        }
        own.extend_from_slice(content);
        drop(own);
        drop(shared);
        self.shared.clear();
        Ok(())
    }
}

fn init(vm: &Vm, object: &Object, args: &[Object], kwnames: &[Object]) -> Result<()> {
    static SIG: Sig = Sig::new("BytesIO(initial_bytes=b'')");
    let args = SIG.bind(vm, args, kwnames)?;
    let b = this::<BytesIo>(object);
    check_exports(vm, b)?;
    b.pos.set(0);
    b.closed.set(false);
    b.own.borrow_mut().clear();
    b.shared.clear();
    if let Some(initial) = args[0].some() {
        if initial.ty().is(&bytes::BYTES) {
            b.shared.set(initial.clone());
        } else {
            write(vm, object, initial)?;
            b.pos.set(0);
        }
    }
    Ok(())
}

/// The next `n` bytes, as an object; the position moves on.
fn take(vm: &Vm, b: &BytesIo, n: usize) -> Result {
    let pos = b.pos.get();
    let (taken, n) = b.with(|content| {
        let rest = content.get(pos..).unwrap_or_default();
        let piece = &rest[..n.min(rest.len())];
        let whole = pos == 0 && piece.len() == content.len() && piece.len() > 1;
        match b.shared.bound().filter(|_| whole) {
            Some(shared) => (Ok(shared), piece.len()),
            None => (bytes::new(vm, piece), piece.len()),
        }
    });
    b.pos.set(pos + n);
    taken
}

/// How many bytes the next line has, at most `limit`.
fn line_end(b: &BytesIo, limit: Option<usize>) -> usize {
    let pos = b.pos.get();
    b.with(|content| {
        let rest = content.get(pos..).unwrap_or_default();
        let rest = &rest[..limit.map_or(rest.len(), |limit| limit.min(rest.len()))];
        memchr::memchr(b'\n', rest).map_or(rest.len(), |i| i + 1)
    })
}

fn read(vm: &Vm, args: &[Object]) -> Result {
    let n = size_argument(vm, &args[1])?;
    let b = open(vm, &args[0])?;
    take(vm, b, n.unwrap_or(usize::MAX))
}

fn readinto(vm: &Vm, args: &[Object]) -> Result {
    let buffer = vm.writable_bytes_like(&args[1], "readinto() argument")?;
    let b = open(vm, &args[0])?;
    let pos = b.pos.get();
    let n = b.with(|content| {
        let rest = content.get(pos..).unwrap_or_default();
        let n = rest.len().min(buffer.len());
        buffer.with_bytes_mut(|out| out[..n].copy_from_slice(&rest[..n]));
        n
    });
    b.pos.set(pos + n);
    Ok(vm.usize(n))
}

fn readlines(vm: &Vm, args: &[Object]) -> Result {
    let b = open(vm, &args[0])?;
    let most = match args[1].some() {
        None => 0,
        Some(size) if int::is_any_int(size) => vm.index_for_item_overflow(size)?,
        Some(size) => {
            return Err(vm.type_error(format!("integer argument expected, got '{}'", size.ty().name())));
        }
    };
    let (mut lines, mut total) = (Vec::new(), 0);
    loop {
        let n = line_end(b, None);
        if n == 0 {
            break;
        }
        lines.push(take(vm, b, n)?);
        total += n as isize;
        if most > 0 && total >= most {
            break;
        }
    }
    Ok(vm.list(lines))
}

fn write(vm: &Vm, object: &Object, data: &Object) -> Result {
    let b = open(vm, object)?;
    check_exports(vm, b)?;
    if let Some(data) = data.downcast_exact::<bytes::Bytes>() {
        return put(vm, b, data.as_slice());
    }
    let data = vm.bytes_like(data, "b")?;
    // Taking the buffer may have run Python code.
    let b = open(vm, object)?;
    check_exports(vm, b)?;
    put(vm, b, data.bytes())
}

/// Puts bytes at the position.
fn put(vm: &Vm, b: &BytesIo, data: &[u8]) -> Result {
    let n = data.len();
    if n == 0 {
        return Ok(vm.int(0));
    }
    let pos = b.pos.get();
    let Some(end) = pos.checked_add(n) else {
        return Err(vm.overflow_error("new position too large"));
    };
    b.unshare(vm, end.saturating_sub(b.len()))?;
    let mut own = b.own.borrow_mut();
    if pos == own.len() {
        own.extend_from_slice(data);
    } else {
        if own.len() < end {
            own.resize(end, 0);
        }
        own[pos..end].copy_from_slice(data);
    }
    drop(own);
    b.pos.set(end);
    Ok(vm.usize(n))
}

fn getvalue(vm: &Vm, b: &BytesIo) -> Result {
    if let Some(shared) = b.shared.bound() {
        return Ok(shared);
    }
    let value = bytes::new(vm, &b.own.borrow())?;
    if b.exports.get() == 0 && !value.is_unbound() {
        *b.own.borrow_mut() = Vec::new();
        b.shared.set(value.clone());
    }
    Ok(value)
}

fn seek(vm: &Vm, args: &[Object]) -> Result {
    let pos = vm.index_isize(&args[1])?;
    let whence = vm.to_plain_c_int(&args[2])?;
    let b = open(vm, &args[0])?;
    if pos < 0 && whence == 0 {
        return Err(vm.value_error(format!("negative seek value {pos}")));
    }
    let from = match whence {
        0 => 0,
        1 => b.pos.get(),
        2 => b.len(),
        _ => return Err(vm.value_error(format!("invalid whence ({whence}, should be 0, 1 or 2)"))),
    };
    let Some(target) = (from as isize).checked_add(pos) else {
        return Err(vm.overflow_error("new position too large"));
    };
    b.pos.set(target.max(0) as usize);
    Ok(vm.usize(b.pos.get()))
}

fn truncate(vm: &Vm, args: &[Object]) -> Result {
    let b = open(vm, &args[0])?;
    check_exports(vm, b)?;
    let size = match args[1].some() {
        Some(size) => vm.index_isize(size)?,
        None => b.pos.get() as isize,
    };
    if size < 0 {
        return Err(vm.value_error(format!("negative size value {size}")));
    }
    let b = open(vm, &args[0])?;
    check_exports(vm, b)?;
    if (size as usize) < b.len() {
        b.unshare(vm, 0)?;
        b.own.borrow_mut().truncate(size as usize);
    }
    Ok(vm.int(size as i64))
}

fn getstate(vm: &Vm, args: &[Object]) -> Result {
    let b = open(vm, &args[0])?;
    let value = getvalue(vm, b)?;
    let dict = taipan_runtime::lookup::instance_dict(vm, &args[0]);
    let dict = match dict {
        Some(d) if d.downcast::<Dict>().is_some_and(|d| !d.is_empty()) => {
            vm.call_method_object(&d, name::copy.object(), &[])?
        }
        _ => Object::NONE,
    };
    Ok(vm.tuple(vec![value, vm.usize(b.pos.get()), dict]))
}

fn setstate(vm: &Vm, args: &[Object]) -> Result {
    let items = match args[1].downcast::<Tuple>() {
        Some(t) if t.len() >= 3 => t.items().to_vec(),
        _ => {
            return Err(vm.type_error(format!(
                "{}.__setstate__ argument should be 3-tuple, got {}",
                args[0].ty().full_name(),
                args[1].ty().name()
            )));
        }
    };
    let b = open(vm, &args[0])?;
    check_exports(vm, b)?;
    b.pos.set(0);
    b.own.borrow_mut().clear();
    b.shared.clear();
    write(vm, &args[0], &items[0])?;
    if !int::is_any_int(&items[1]) {
        return Err(
            vm.type_error(format!("second item of state must be an integer, not {}", items[1].ty().name()))
        );
    }
    let pos = vm.index_isize(&items[1])?;
    if pos < 0 {
        return Err(vm.value_error("position value cannot be negative"));
    }
    this::<BytesIo>(&args[0]).pos.set(pos as usize);
    restore_dict(vm, &args[0], &items[2], "third")?;
    Ok(Object::NONE)
}

/// Updates the instance's `__dict__` from a pickled state.
pub fn restore_dict(vm: &Vm, object: &Object, state: &Object, place: &str) -> Result<()> {
    if state.is_none() {
        return Ok(());
    }
    if state.downcast::<Dict>().is_none() {
        return Err(
            vm.type_error(format!("{place} item of state should be a dict, got a {}", state.ty().name()))
        );
    }
    if let Some(dict) = taipan_runtime::lookup::instance_dict(vm, object) {
        vm.call_method_object(&dict, name::update.object(), std::slice::from_ref(state))?;
    }
    Ok(())
}

// ---- getbuffer ----------------------------------------------------------------------------

/// Payload of the exporter behind `getbuffer()`.
pub struct BytesIoBuffer {
    source: Object,
}

impl NativeClass for BytesIoBuffer {
    fn class() -> &'static Type {
        &BYTES_IO_BUFFER
    }
    fn traverse(&self, visitor: &mut Visitor) {
        visitor.visit_object(&self.source)
    }
}

pub static BYTES_IO_BUFFER: Type = Type::new::<BytesIoBuffer>(
    "_io._BytesIOBuffer",
    &taipan_runtime::types::object::OBJECT,
    type_flags::HAVE_GC | type_flags::DISALLOW_INSTANTIATION,
    Slots {
        buffer: Some(|vm, object, flags| {
            let b = this::<BytesIo>(&this::<BytesIoBuffer>(object).source);
            b.unshare(vm, 0)?;
            let (ptr, len) = {
                let mut own = b.own.borrow_mut();
                (own.as_mut_ptr(), own.len())
            };
            let info = BufferInfo::simple(vm, object, ptr, len, false, flags)?;
            b.exports.set(b.exports.get() + 1);
            Ok(info)
        }),
        release_buffer: Some(|_, object, _| {
            let b = this::<BytesIo>(&this::<BytesIoBuffer>(object).source);
            b.exports.set(b.exports.get().saturating_sub(1));
        }),
        ..Slots::EMPTY
    },
    &[],
    &[],
);

fn getbuffer(vm: &Vm, args: &[Object]) -> Result {
    open(vm, &args[0])?;
    let exporter = vm.alloc(&BYTES_IO_BUFFER, BytesIoBuffer { source: args[0].clone() });
    memoryview::new(vm, &exporter)
}
