//! `Blob`: a value of a table, read and written in place.

use super::connection::Connection;
use super::{c_text, errors, integer};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use taipan_runtime::prelude::*;
use taipan_runtime::support::{allocate, this};
use taipan_runtime::types::bytes;
use taipan_runtime::types::object::OBJECT;
use taipan_runtime::types::slice::Slice;
use taipan_sqlite::{Code, Database, constants as c};

/// Payload of `Blob`.
pub struct Blob {
    connection: Object,
    blob: RefCell<Option<Rc<taipan_sqlite::Blob>>>,
    offset: Cell<usize>,
}

impl NativeClass for Blob {
    fn class() -> &'static Type {
        &BLOB
    }
    fn traverse(&self, visitor: &mut Visitor) {
        visitor.visit(self.connection.value());
    }
}

pub static BLOB: Type = Type::new::<Blob>(
    "sqlite3.Blob",
    &OBJECT,
    type_flags::DISALLOW_INSTANTIATION
        | type_flags::HAVE_GC
        | type_flags::WEAKREFABLE
        | type_flags::ONLY_MAPPING,
    Slots {
        len: Some(|vm, object| Ok(this::<Blob>(object).open(vm)?.0.len())),
        getitem: Some(get_item),
        setitem: Some(set_item),
        ..Slots::EMPTY
    },
    &[
        MethodDef::new(
            "close($self, /)",
            |vm, args| {
                this::<Blob>(&args[0]).connection(vm)?;
                close(vm, &args[0]);
                Ok(Object::NONE)
            },
            "Closes the blob.",
        ),
        MethodDef::new(
            "__enter__($self, /)",
            |vm, args| {
                this::<Blob>(&args[0]).open(vm)?;
                Ok(args[0].clone())
            },
            "The blob itself.",
        ),
        MethodDef::new(
            "__exit__($self, type, val, tb, /)",
            |vm, args| {
                this::<Blob>(&args[0]).open(vm)?;
                close(vm, &args[0]);
                Ok(Object::FALSE)
            },
            "Closes the blob.",
        ),
        MethodDef::new(
            "read($self, length=-1, /)",
            read,
            "Reads from the present position.\n\n  length\n    How many bytes; all that are left if it is negative.",
        ),
        MethodDef::new(
            "seek($self, offset, origin=0, /)",
            seek,
            "Moves the position: from the start (0), from where it is (1) or from the end (2).",
        ),
        MethodDef::new(
            "tell($self, /)",
            |vm, args| {
                let blob = this::<Blob>(&args[0]);
                blob.open(vm)?;
                Ok(vm.usize(blob.offset.get()))
            },
            "The present position.",
        ),
        MethodDef::new(
            "write($self, data, /)",
            write,
            "Writes at the present position. The blob keeps its length; what does not fit is an error.",
        ),
    ],
    &[],
);

impl Blob {
    fn connection(&self, vm: &Vm) -> Result<Rc<Database>> {
        this::<Connection>(&self.connection).database(vm)
    }
    /// The blob and its database, if it is open.
    fn open(&self, vm: &Vm) -> Result<(Rc<taipan_sqlite::Blob>, Rc<Database>)> {
        let database = self.connection(vm)?;
        let blob = self.blob.borrow().clone();
        let blob = blob.ok_or_else(|| errors::programming(vm, "Cannot operate on a closed blob."))?;
        Ok((blob, database))
    }
}

/// Opens a blob: `Connection.blobopen`.
pub fn open(vm: &Vm, args: &[Object]) -> Result {
    let connection = this::<Connection>(&args[0]);
    let table = c_text(vm, &args[1], "blobopen", "argument 1")?;
    let column = c_text(vm, &args[2], "blobopen", "argument 2")?;
    let row = integer(vm, &args[3])?;
    let readonly = vm.is_true(&args[4])?;
    let schema = c_text(vm, &args[5], "blobopen", "argument 'name'")?;
    let database = connection.database(vm)?;
    let blob =
        vm.without_gil(|| taipan_sqlite::Blob::open(&database, (&schema, &table, &column), row, !readonly));
    let blob = match blob {
        Ok(blob) => blob,
        Err(c::SQLITE_MISUSE) => {
            return Err(super::errors::failure(
                vm,
                c::SQLITE_MISUSE,
                c::SQLITE_MISUSE,
                taipan_sqlite::error_text(c::SQLITE_MISUSE).as_bytes(),
            ));
        }
        Err(code) => return Err(errors::failed(vm, &database, code)),
    };
    let payload =
        Blob { connection: args[0].clone(), blob: RefCell::new(Some(Rc::new(blob))), offset: Cell::new(0) };
    let object = allocate(vm, &BLOB, payload)?;
    connection.remember_blob(vm, &object)?;
    Ok(object)
}

/// Closes a blob, if it is open.
pub fn close(vm: &Vm, object: &Object) {
    if let Some(blob) = object.downcast::<Blob>() {
        let open = blob.blob.take();
        vm.without_gil(|| drop(open));
    }
}

#[cold]
fn failed(vm: &Vm, database: &Database, code: Code) -> Raised {
    if code == c::SQLITE_ABORT {
        return errors::operational(vm, "Cannot operate on modified blob");
    }
    errors::failed(vm, database, code)
}

/// Reads `len` bytes, which are there.
fn read_at(vm: &Vm, object: &Object, len: usize, offset: usize) -> Result<Vec<u8>> {
    let (blob, database) = this::<Blob>(object).open(vm)?;
    let mut out = Vec::new();
    out.try_reserve_exact(len).map_err(|_| vm.memory_error())?;
    out.resize(len, 0);
    match vm.without_gil(|| blob.read(&mut out, offset)) {
        c::SQLITE_OK => Ok(out),
        code => Err(failed(vm, &database, code)),
    }
}

fn write_at(vm: &Vm, object: &Object, data: &[u8], offset: usize) -> Result<()> {
    let (blob, database) = this::<Blob>(object).open(vm)?;
    match vm.without_gil(|| blob.write(data, offset)) {
        c::SQLITE_OK => Ok(()),
        code => Err(failed(vm, &database, code)),
    }
}

fn read(vm: &Vm, args: &[Object]) -> Result {
    let length = vm.to_plain_c_int(&args[1])?;
    let blob = this::<Blob>(&args[0]);
    let offset = blob.offset.get();
    let left = blob.open(vm)?.0.len().saturating_sub(offset);
    let length = usize::try_from(length).map_or(left, |length| length.min(left));
    if length == 0 {
        return Ok(vm.bytes(b""));
    }
    let data = read_at(vm, &args[0], length, offset)?;
    blob.offset.set(offset + length);
    bytes::new(vm, &data)
}

fn write(vm: &Vm, args: &[Object]) -> Result {
    let data = vm.bytes_like(&args[1], "data")?;
    let blob = this::<Blob>(&args[0]);
    let offset = blob.offset.get();
    let left = blob.open(vm)?.0.len().saturating_sub(offset);
    if data.len() > left {
        return Err(vm.value_error("data longer than blob length"));
    }
    write_at(vm, &args[0], data.bytes(), offset)?;
    blob.offset.set(offset + data.len());
    Ok(Object::NONE)
}

fn seek(vm: &Vm, args: &[Object]) -> Result {
    let offset = vm.to_plain_c_int(&args[1])? as i64;
    let origin = vm.to_plain_c_int(&args[2])?;
    let blob = this::<Blob>(&args[0]);
    let len = blob.open(vm)?.0.len() as i64;
    let target = match origin {
        0 => offset,
        1 => blob.offset.get() as i64 + offset,
        2 => len + offset,
        _ => return Err(vm.value_error("'origin' should be os.SEEK_SET, os.SEEK_CUR, or os.SEEK_END")),
    };
    if origin != 0 && i32::try_from(target).is_err() && offset > 0 {
        return Err(vm.overflow_error("seek offset results in offset overflow"));
    }
    if target < 0 || target > len {
        return Err(vm.value_error("offset out of blob range"));
    }
    blob.offset.set(target as usize);
    Ok(Object::NONE)
}

/// The place that an index means.
fn place(vm: &Vm, key: &Object, len: usize) -> Result<usize> {
    let mut i = vm.index_for_item(key)?;
    if i < 0 {
        i = i.saturating_add_unsigned(len);
    }
    match usize::try_from(i) {
        Ok(i) if i < len => Ok(i),
        _ => Err(vm.index_error("Blob index out of range")),
    }
}

/// First place, step and number of the places of a slice.
fn places(vm: &Vm, slice: &Slice, len: usize) -> Result<(usize, usize, usize)> {
    let range = slice.indices(vm, len)?;
    if range.count == 0 {
        return Ok((0, 1, 0));
    }
    let (Ok(start), Ok(step)) = (usize::try_from(range.start), usize::try_from(range.step)) else {
        return Err(vm.value_error("Blob doesn't support slices with a negative step"));
    };
    Ok((start, step, range.count))
}

fn get_item(vm: &Vm, object: &Object, key: &Object) -> Result {
    let len = this::<Blob>(object).open(vm)?.0.len();
    if vm.is_index(key) {
        let data = read_at(vm, object, 1, place(vm, key, len)?)?;
        return Ok(vm.int(data.first().copied().unwrap_or(0) as i64));
    }
    let Some(slice) = Slice::of(key) else {
        return Err(vm.type_error("Blob indices must be integers"));
    };
    let (start, step, count) = places(vm, slice, len)?;
    if count == 0 {
        return Ok(vm.bytes(b""));
    }
    let data = read_at(vm, object, (count - 1) * step + 1, start)?;
    let data: Vec<u8> = data.into_iter().step_by(step).collect();
    bytes::new(vm, &data)
}

fn set_item(vm: &Vm, object: &Object, key: &Object, value: Option<&Object>) -> Result<()> {
    let len = this::<Blob>(object).open(vm)?.0.len();
    if vm.is_index(key) {
        let Some(value) = value else {
            return Err(vm.type_error("Blob doesn't support item deletion"));
        };
        let i = place(vm, key, len)?;
        if !taipan_runtime::types::int::is_any_int(value) {
            return Err(vm.type_error_of(value, "cannot be interpreted as an integer"));
        }
        let byte = taipan_runtime::types::int::to_i64(value).and_then(|n| u8::try_from(n).ok());
        let Some(byte) = byte else { return Err(vm.value_error("byte must be in range(0, 256)")) };
        return write_at(vm, object, &[byte], i);
    }
    let Some(slice) = Slice::of(key) else {
        return Err(vm.type_error("Blob indices must be integers"));
    };
    let Some(value) = value else {
        return Err(vm.type_error("Blob doesn't support slice deletion"));
    };
    let (start, step, count) = places(vm, slice, len)?;
    let data = vm.bytes_like(value, "value")?;
    if data.len() != count {
        return Err(vm.index_error("Blob slice assignment is wrong size"));
    }
    if count == 0 {
        return Ok(());
    }
    if step == 1 {
        return write_at(vm, object, data.bytes(), start);
    }
    let mut span = read_at(vm, object, (count - 1) * step + 1, start)?;
    for (place, byte) in span.iter_mut().step_by(step).zip(data.bytes()) {
        *place = *byte;
    }
    write_at(vm, object, &span, start)
}
