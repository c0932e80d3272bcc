//! The module `mmap`. The memory itself belongs to `taipan_host::memory`.

use crate::support::*;
use std::cell::{Cell, RefCell};
use taipan_host::memory::{self, Mapping};
use taipan_host::{fd, fs, libc};
use taipan_runtime::buffer::BufferInfo;
use taipan_runtime::prelude::*;
use taipan_runtime::support::this;
use taipan_runtime::types::bytes;
use taipan_runtime::types::slice::Slice;

pub static MODULE: ModuleDef = ModuleDef {
    name: "mmap",
    doc: "",
    functions: &[],
    types: &[&MMAP],
    init: Some(|vm, module| {
        vm.set_attr_str(module, "error", &exc::OS_ERROR.to_object())?;
        let page = memory::page_size() as i64;
        add_ints(vm, module, &[("PAGESIZE", page), ("ALLOCATIONGRANULARITY", page)])?;
        add_ints(vm, module, CONSTANTS)
    }),
};

const ACCESS_DEFAULT: i32 = 0;
const ACCESS_READ: i32 = 1;
const ACCESS_WRITE: i32 = 2;
const ACCESS_COPY: i32 = 3;

/// Payload of mmap objects.
pub struct Mmap {
    /// None: closed.
    mapping: RefCell<Option<Mapping>>,
    /// Our copy of the file's descriptor; -1: none.
    fd: Cell<i32>,
    offset: i64,
    pos: Cell<usize>,
    access: i32,
    flags: i32,
    /// No file and not shared by name: may be resized by the system only.
    readable: bool,
    writable: bool,
    exports: Cell<usize>,
}

impl NativeClass for Mmap {
    fn class() -> &'static Type {
        &MMAP
    }
}

impl Drop for Mmap {
    fn drop(&mut self) {
        if self.fd.get() >= 0 {
            let _ = fd::close(self.fd.get());
        }
    }
}

pub static MMAP: Type = Type::new::<Mmap>(
    "mmap.mmap",
    &taipan_runtime::types::object::OBJECT,
    type_flags::BASE | type_flags::WEAKREFABLE,
    Slots {
        new: Some(new),
        len: Some(|vm, m| with(vm, m, |b| b.len())),
        getitem: Some(getitem),
        setitem: Some(setitem),
        buffer: Some(|vm, object, flags| {
            let m = this::<Mmap>(object);
            let (ptr, len) = match &*m.mapping.borrow() {
                Some(mapping) => (mapping.address(), mapping.len()),
                None => return Err(closed(vm)),
            };
            let info = BufferInfo::simple(vm, object, ptr, len, !m.writable, flags)?;
            m.exports.set(m.exports.get() + 1);
            Ok(info)
        }),
        release_buffer: Some(|_, object, _| {
            let m = this::<Mmap>(object);
            m.exports.set(m.exports.get().saturating_sub(1));
        }),
        contains: Some(|vm, object, item| {
            // As a sequence it has items of one byte.
            let Some(wanted) = item.downcast::<bytes::Bytes>() else { return Ok(false) };
            match wanted.as_slice() {
                [byte] => with(vm, object, |b| memchr::memchr(*byte, b).is_some()),
                _ => Ok(false),
            }
        }),
        ..Slots::EMPTY.repr(repr).iter(|vm, object| {
            let items = with(vm, object, |b| b.iter().map(|&byte| vm.bytes(&[byte])).collect())?;
            Ok(taipan_runtime::types::iterators::list_iterator(vm, vm.list(items)))
        })
    },
    &[
        MethodDef::new("close($self, /)", close, "Unmaps the memory."),
        MethodDef::new("find($self, view, start=None, end=None, /)", |vm, args| find(vm, args, false), "The lowest index of the bytes, or -1; by default from the position on."),
        MethodDef::new("rfind($self, view, start=None, end=None, /)", |vm, args| find(vm, args, true), "The highest index of the bytes, or -1; by default from the position on."),
        MethodDef::new("flush($self, offset=0, size=None, /)", flush, "Writes changes to the file."),
        MethodDef::new("madvise($self, option, start=0, length=None, /)", madvise, "Tells the system how the memory will be used."),
        MethodDef::new("move($self, dest, src, count, /)", move_bytes, "Copies bytes from one place to another."),
        MethodDef::new("read($self, n=None, /)", read, "Reads up to n bytes; all that is left if n is negative or None."),
        MethodDef::new("read_byte($self, /)", |vm, args| {
            let m = this::<Mmap>(&args[0]);
            let pos = m.pos.get();
            match with(vm, &args[0], |b| b.get(pos).copied())? {
                Some(byte) => {
                    m.pos.set(pos + 1);
                    Ok(vm.int(byte as i64))
                }
                None => Err(vm.value_error("read byte out of range")),
            }
        }, "Reads one byte as an int."),
        MethodDef::new("readline($self, /)", |vm, args| {
            let m = this::<Mmap>(&args[0]);
            let pos = m.pos.get();
            let line = with(vm, &args[0], |b| {
                let rest = b.get(pos..).unwrap_or_default();
                rest[..memchr::memchr(b'\n', rest).map_or(rest.len(), |i| i + 1)].to_vec()
            })?;
            m.pos.set(pos + line.len());
            bytes::new(vm, &line)
        }, "Reads one line."),
        MethodDef::new("resize($self, newsize, /)", resize, "Changes the size of the memory, and of the file."),
        MethodDef::new("seek($self, pos, whence=0, /)", seek, "Goes to a position: from the start (whence 0), from here (1), from the end (2)."),
        MethodDef::new("seekable($self, /)", |_, _| Ok(Object::TRUE), "Yes."),
        MethodDef::new("size($self, /)", |vm, args| {
            let len = with(vm, &args[0], |b| b.len())?;
            let m = this::<Mmap>(&args[0]);
            if m.fd.get() < 0 {
                return if m.flags & libc::MAP_ANONYMOUS != 0 || m.offset == 0 { Ok(vm.usize(len)) } else { Err(os_error(vm, taipan_host::Errno(libc::EBADF))) };
            }
            let number = m.fd.get();
            Ok(vm.int(blocking(vm, || fs::fstat(number))?.st_size))
        }, "The size of the file."),
        MethodDef::new("tell($self, /)", |vm, args| {
            with(vm, &args[0], |_| ())?;
            Ok(vm.usize(this::<Mmap>(&args[0]).pos.get()))
        }, "The position."),
        MethodDef::new("write($self, bytes, /)", write, "Writes bytes at the position and returns how many."),
        MethodDef::new("write_byte($self, byte, /)", |vm, args| {
            let m = this::<Mmap>(&args[0]);
            let byte = vm.to_i64(&args[1])?;
            if byte < 0 {
                return Err(vm.overflow_error("unsigned byte integer is less than minimum"));
            }
            let Ok(byte) = u8::try_from(byte) else {
                return Err(vm.overflow_error("unsigned byte integer is greater than maximum"));
            };
            check_writable(vm, m)?;
            let pos = m.pos.get();
            if pos >= with(vm, &args[0], |b| b.len())? {
                return Err(vm.value_error("write byte out of range"));
            }
            with_mut(vm, &args[0], |b| b[pos] = byte)?;
            m.pos.set(pos + 1);
            Ok(Object::NONE)
        }, "Writes one byte, given as an int."),
        MethodDef::new("__enter__($self, /)", |vm, args| {
            with(vm, &args[0], |_| ())?;
            Ok(args[0].clone())
        }, ""),
        MethodDef::new("__exit__($self, exc_type, exc_value, traceback, /)", |vm, args| vm.call_method(&args[0], "close", &[]), ""),
        MethodDef::new("__sizeof__($self, /)", |vm, _| Ok(vm.usize(size_of::<Mmap>() + 16)), "The size of the object in memory, in bytes."),
    ],
    &[GetSetDef::new("closed", |_, m| Ok(Object::bool(this::<Mmap>(m).mapping.borrow().is_none())))],
)
.with_doc("mmap(fileno, length[, flags[, prot[, access[, offset[, trackfd]]]]])\n\nMaps length bytes of a file (0: all of it) into memory. flags is MAP_SHARED (the\ndefault) or MAP_PRIVATE, whose changes stay in this process. With -1 as the\ndescriptor the memory belongs to no file.");

fn closed(vm: &Vm) -> Raised {
    vm.value_error("mmap closed or invalid")
}

fn with<R>(vm: &Vm, object: &Object, f: impl FnOnce(&[u8]) -> R) -> Result<R> {
    let m = this::<Mmap>(object);
    match &*m.mapping.borrow() {
        // Memory without PROT_READ must not be looked at.
        Some(mapping) if m.readable => Ok(mapping.with(f)),
        Some(_) => Err(vm.type_error("mmap can't read a write-only memory map.")),
        None => Err(closed(vm)),
    }
}

fn with_mut<R>(vm: &Vm, object: &Object, f: impl FnOnce(&mut [u8]) -> R) -> Result<R> {
    match &*this::<Mmap>(object).mapping.borrow() {
        Some(mapping) => Ok(mapping.with_mut(f)),
        None => Err(closed(vm)),
    }
}

fn check_writable(vm: &Vm, m: &Mmap) -> Result<()> {
    if m.mapping.borrow().is_none() {
        return Err(closed(vm));
    }
    if !m.writable {
        return Err(vm.type_error("mmap can't modify a readonly memory map."));
    }
    Ok(())
}

static SIG: Sig =
    Sig::new("mmap(fileno, length, flags=1, prot=<unset>, access=0, offset=0, *, trackfd=True)");

fn new(vm: &Vm, class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    let args = SIG.bind(vm, args, kwnames)?;
    let number = vm.to_plain_c_int(&args[0])?;
    let mut length = vm.index_isize(&args[1])?;
    let mut flags = vm.to_plain_c_int(&args[2])?;
    let mut protection = match args[3].bound() {
        Some(value) => vm.to_plain_c_int(value)?,
        None => libc::PROT_READ | libc::PROT_WRITE,
    };
    let given_protection = args[3].bound().is_some() && protection != libc::PROT_READ | libc::PROT_WRITE;
    let access = vm.to_plain_c_int(&args[4])?;
    let offset = vm.to_i64(&args[5])?;
    let track = vm.is_true(&args[6])?;
    if length < 0 {
        return Err(vm.overflow_error("memory mapped length must be positive"));
    }
    if offset < 0 {
        return Err(vm.overflow_error("memory mapped offset must be positive"));
    }
    if access != ACCESS_DEFAULT && (flags != libc::MAP_SHARED || given_protection) {
        return Err(vm.value_error("mmap can't specify both access and flags, prot."));
    }
    match access {
        ACCESS_READ => {
            flags = libc::MAP_SHARED;
            protection = libc::PROT_READ;
        }
        ACCESS_WRITE => {
            flags = libc::MAP_SHARED;
            protection = libc::PROT_READ | libc::PROT_WRITE;
        }
        ACCESS_COPY => {
            flags = libc::MAP_PRIVATE;
            protection = libc::PROT_READ | libc::PROT_WRITE;
        }
        ACCESS_DEFAULT => {}
        _ => return Err(vm.value_error("mmap invalid access parameter.")),
    }
    let access = match (access, protection & (libc::PROT_READ | libc::PROT_WRITE)) {
        (ACCESS_DEFAULT, libc::PROT_READ) => ACCESS_READ,
        (ACCESS_DEFAULT, libc::PROT_WRITE) => ACCESS_WRITE,
        (access, _) => access,
    };
    vm.audit("mmap.__new__", &[args[0].clone(), args[1].clone(), vm.int(access as i64), vm.int(offset)])?;
    let mut copy = -1;
    if number != -1 {
        match vm.without_gil(|| fs::fstat(number)) {
            Ok(st) if st.st_mode & libc::S_IFMT == libc::S_IFREG => {
                if length == 0 {
                    if st.st_size == 0 {
                        return Err(vm.value_error("cannot mmap an empty file"));
                    }
                    if offset >= st.st_size {
                        return Err(vm.value_error("mmap offset is greater than file size"));
                    }
                    length = (st.st_size - offset) as isize;
                } else if offset > st.st_size || st.st_size - offset < length as i64 {
                    return Err(vm.value_error("mmap length is greater than file size"));
                }
            }
            Ok(_) => {}
            Err(e) => return Err(os_error(vm, e)),
        }
        if track {
            copy = os(vm, fd::dup(number))?;
        }
    } else {
        flags |= libc::MAP_ANONYMOUS;
    }
    let mapping = vm.without_gil(|| Mapping::new(length as usize, protection, flags, number, offset));
    let mapping = match mapping {
        Ok(mapping) => mapping,
        Err(e) => {
            if copy >= 0 {
                let _ = fd::close(copy);
            }
            return Err(os_error(vm, e));
        }
    };
    Ok(vm.alloc(
        class,
        Mmap {
            mapping: RefCell::new(Some(mapping)),
            fd: Cell::new(copy),
            offset,
            pos: Cell::new(0),
            access,
            flags,
            readable: protection & libc::PROT_READ != 0,
            writable: access != ACCESS_READ && protection & libc::PROT_WRITE != 0,
            exports: Cell::new(0),
        },
    ))
}

fn close(vm: &Vm, args: &[Object]) -> Result {
    let m = this::<Mmap>(&args[0]);
    if m.exports.get() > 0 {
        return Err(vm.buffer_error("cannot close exported pointers exist"));
    }
    let mapping = m.mapping.borrow_mut().take();
    let number = m.fd.replace(-1);
    vm.without_gil(|| {
        if number >= 0 {
            let _ = fd::close(number);
        }
        drop(mapping);
    });
    Ok(Object::NONE)
}

fn repr(vm: &Vm, object: &Object) -> Result {
    let m = this::<Mmap>(object);
    let class = object.ty().full_name();
    let text = match &*m.mapping.borrow() {
        None => format!("<{class} closed=True>"),
        Some(mapping) => {
            let access = ["ACCESS_DEFAULT", "ACCESS_READ", "ACCESS_WRITE", "ACCESS_COPY"];
            format!(
                "<{class} closed=False, access={}, length={}, pos={}, offset={}>",
                access.get(m.access as usize).unwrap_or(&"unknown"),
                mapping.len(),
                m.pos.get(),
                m.offset
            )
        }
    };
    Ok(vm.str(&text))
}

// ---- as a sequence ---------------------------------------------------------------------------

fn index(vm: &Vm, key: &Object, len: usize) -> Result<usize> {
    let i = vm.index_for_item(key)?;
    let i = if i < 0 { i + len as isize } else { i };
    if i < 0 || i as usize >= len { Err(vm.index_error("mmap index out of range")) } else { Ok(i as usize) }
}

fn getitem(vm: &Vm, object: &Object, key: &Object) -> Result {
    let len = with(vm, object, |b| b.len())?;
    if vm.is_index(key) {
        let i = index(vm, key, len)?;
        return with(vm, object, |b| b.get(i).copied())?
            .map(|byte| vm.int(byte as i64))
            .ok_or_else(|| closed(vm));
    }
    let Some(slice) = Slice::of(key) else { return Err(vm.type_error("mmap indices must be integers")) };
    let range = slice.indices(vm, len)?;
    let out: Vec<u8> = with(vm, object, |b| range.iter().filter_map(|i| b.get(i).copied()).collect())?;
    bytes::new(vm, &out)
}

fn setitem(vm: &Vm, object: &Object, key: &Object, value: Option<&Object>) -> Result<()> {
    let len = with(vm, object, |b| b.len())?;
    check_writable(vm, this::<Mmap>(object))?;
    if vm.is_index(key) {
        let i = index(vm, key, len)?;
        let Some(value) = value else { return Err(vm.type_error("mmap doesn't support item deletion")) };
        if !vm.is_index(value) {
            return Err(vm.type_error("mmap item value must be an int"));
        }
        let byte = vm.index_clipped(value)?;
        let Ok(byte) = u8::try_from(byte) else {
            return Err(vm.value_error("mmap item value must be in range(0, 256)"));
        };
        return with_mut(vm, object, |b| {
            if let Some(place) = b.get_mut(i) {
                *place = byte;
            }
        });
    }
    let Some(slice) = Slice::of(key) else { return Err(vm.type_error("mmap indices must be integers")) };
    let range = slice.indices(vm, len)?;
    let Some(value) = value else { return Err(vm.type_error("mmap object doesn't support slice deletion")) };
    let data = vm.bytes_like(value, "value")?;
    if data.len() != range.count {
        return Err(vm.index_error("mmap slice assignment is wrong size"));
    }
    let data = data.bytes().to_vec();
    with_mut(vm, object, |b| {
        for (i, byte) in range.iter().zip(data) {
            if let Some(place) = b.get_mut(i) {
                *place = byte;
            }
        }
    })
}

// ---- as a file ---------------------------------------------------------------------------------

fn find(vm: &Vm, args: &[Object], reverse: bool) -> Result {
    let m = this::<Mmap>(&args[0]);
    let needle = vm.bytes_like(&args[1], "view")?;
    let len = with(vm, &args[0], |b| b.len())? as isize;
    let bound = |object: &Object, default: isize| -> Result<usize> {
        let i = match object.some() {
            Some(object) => vm.index_clipped(object)?,
            None => default,
        };
        let i = if i < 0 { i.saturating_add(len) } else { i };
        Ok(i.clamp(0, len) as usize)
    };
    let (start, end) = (bound(&args[2], m.pos.get() as isize)?, bound(&args[3], len)?);
    if end < start {
        return Ok(vm.int(-1));
    }
    let found = with(vm, &args[0], |b| {
        let area = b.get(start..end).unwrap_or_default();
        if reverse {
            memchr::memmem::rfind(area, needle.bytes())
        } else {
            memchr::memmem::find(area, needle.bytes())
        }
    })?;
    Ok(found.map_or(vm.int(-1), |i| vm.usize(start + i)))
}

fn flush(vm: &Vm, args: &[Object]) -> Result {
    let m = this::<Mmap>(&args[0]);
    let offset = vm.index_isize(&args[1])?;
    let len = match &*m.mapping.borrow() {
        Some(mapping) => mapping.len() as isize,
        None => return Err(closed(vm)),
    };
    let size = match args[2].some() {
        Some(size) => vm.index_isize(size)?,
        None => len.saturating_sub(offset),
    };
    if size + offset > len || offset < 0 || size < 0 || (offset as usize) % memory::page_size() != 0 {
        return Err(vm.value_error("flush values out of range"));
    }
    if m.access == ACCESS_READ || m.access == ACCESS_COPY {
        return Ok(Object::NONE);
    }
    match &*m.mapping.borrow() {
        Some(mapping) => {
            blocking(vm, || mapping.flush(offset as usize, size as usize)).map(|()| Object::NONE)
        }
        None => Err(closed(vm)),
    }
}

fn madvise(vm: &Vm, args: &[Object]) -> Result {
    let m = this::<Mmap>(&args[0]);
    let option = vm.to_plain_c_int(&args[1])?;
    let start = vm.index_isize(&args[2])?;
    let len = match &*m.mapping.borrow() {
        Some(mapping) => mapping.len(),
        None => return Err(closed(vm)),
    };
    let length = match args[3].some() {
        Some(length) => vm.index_isize(length)?,
        None => len as isize,
    };
    if start < 0 || start as usize >= len {
        return Err(vm.value_error("madvise start out of bounds"));
    }
    if length < 0 {
        return Err(vm.value_error("madvise length invalid"));
    }
    let length = (length as usize).min(len - start as usize);
    match &*m.mapping.borrow() {
        Some(mapping) => os(vm, mapping.advise(start as usize, length, option)).map(|()| Object::NONE),
        None => Err(closed(vm)),
    }
}

fn move_bytes(vm: &Vm, args: &[Object]) -> Result {
    let m = this::<Mmap>(&args[0]);
    let (to, from, count) = (vm.index_isize(&args[1])?, vm.index_isize(&args[2])?, vm.index_isize(&args[3])?);
    check_writable(vm, m)?;
    let len = with(vm, &args[0], |b| b.len())? as isize;
    if to < 0 || from < 0 || count < 0 || len - to < count || len - from < count {
        return Err(vm.value_error("source, destination, or count out of range"));
    }
    let (to, from, count) = (to as usize, from as usize, count as usize);
    with_mut(vm, &args[0], |b| b.copy_within(from..from + count, to))?;
    Ok(Object::NONE)
}

fn read(vm: &Vm, args: &[Object]) -> Result {
    let m = this::<Mmap>(&args[0]);
    let n = crate::io::size_argument(vm, &args[1])?;
    let pos = m.pos.get();
    let out = with(vm, &args[0], |b| {
        let rest = b.get(pos..).unwrap_or_default();
        bytes::new(vm, &rest[..n.map_or(rest.len(), |n| n.min(rest.len()))])
    })??;
    m.pos.set(pos + out.downcast::<bytes::Bytes>().map_or(0, |b| b.len()));
    Ok(out)
}

fn write(vm: &Vm, args: &[Object]) -> Result {
    let m = this::<Mmap>(&args[0]);
    let data = vm.bytes_like(&args[1], "bytes")?;
    check_writable(vm, m)?;
    let pos = m.pos.get();
    let n = data.len();
    if pos + n > with(vm, &args[0], |b| b.len())? {
        return Err(vm.value_error("data out of range"));
    }
    // The data may lie in this very memory.
    let copy = data.bytes().to_vec();
    with_mut(vm, &args[0], |b| b[pos..pos + n].copy_from_slice(&copy))?;
    m.pos.set(pos + n);
    Ok(vm.usize(n))
}

fn seek(vm: &Vm, args: &[Object]) -> Result {
    let m = this::<Mmap>(&args[0]);
    let distance = vm.index_isize(&args[1])?;
    let whence = vm.to_plain_c_int(&args[2])?;
    let len = with(vm, &args[0], |b| b.len())?;
    let from = match whence {
        0 => 0,
        1 => m.pos.get(),
        2 => len,
        _ => return Err(vm.value_error("unknown seek type")),
    };
    match (from as isize).checked_add(distance) {
        Some(target) if target >= 0 && target as usize <= len => {
            m.pos.set(target as usize);
            Ok(vm.int(target as i64))
        }
        _ => Err(vm.value_error("seek out of range")),
    }
}

fn resize(vm: &Vm, args: &[Object]) -> Result {
    let m = this::<Mmap>(&args[0]);
    let size = vm.index_isize(&args[1])?;
    if m.mapping.borrow().is_none() {
        return Err(closed(vm));
    }
    if m.exports.get() > 0 {
        return Err(vm.buffer_error("mmap can't resize with extant buffers exported."));
    }
    if m.access == ACCESS_READ || m.access == ACCESS_COPY {
        return Err(vm.type_error("mmap can't resize a readonly or copy-on-write memory map."));
    }
    if size < 0 || (size as i64).checked_add(m.offset).is_none() {
        return Err(vm.value_error("new size out of range"));
    }
    if m.fd.get() >= 0 {
        os(vm, fs::truncate(fs::Target::Fd(m.fd.get()), m.offset + size as i64))?;
    } else if m.flags & libc::MAP_ANONYMOUS == 0 {
        return Err(vm.value_error("mmap can't resize with trackfd=False"));
    } else if m.flags & libc::MAP_PRIVATE == 0 && size as usize > with(vm, &args[0], |b| b.len())? {
        return Err(vm.value_error("mmap: can't expand a shared anonymous mapping on Linux"));
    }
    match &*m.mapping.borrow() {
        Some(mapping) => os(vm, mapping.resize(size as usize)).map(|()| Object::NONE),
        None => Err(closed(vm)),
    }
}

/// Name and value.
pub const CONSTANTS: &[(&str, i64)] = &[
    ("ACCESS_COPY", 3),
    ("ACCESS_DEFAULT", 0),
    ("ACCESS_READ", 1),
    ("ACCESS_WRITE", 2),
    ("MADV_DODUMP", 0x11),
    ("MADV_DOFORK", 0xb),
    ("MADV_DONTDUMP", 0x10),
    ("MADV_DONTFORK", 0xa),
    ("MADV_DONTNEED", 4),
    ("MADV_FREE", 8),
    ("MADV_HUGEPAGE", 0xe),
    ("MADV_HWPOISON", 0x64),
    ("MADV_MERGEABLE", 0xc),
    ("MADV_NOHUGEPAGE", 0xf),
    ("MADV_NORMAL", 0),
    ("MADV_RANDOM", 1),
    ("MADV_REMOVE", 9),
    ("MADV_SEQUENTIAL", 2),
    ("MADV_UNMERGEABLE", 0xd),
    ("MADV_WILLNEED", 3),
    ("MAP_32BIT", 0x40),
    ("MAP_ANON", 0x20),
    ("MAP_ANONYMOUS", 0x20),
    ("MAP_DENYWRITE", 0x800),
    ("MAP_EXECUTABLE", 0x1000),
    ("MAP_NORESERVE", 0x4000),
    ("MAP_POPULATE", 0x8000),
    ("MAP_PRIVATE", 2),
    ("MAP_SHARED", 1),
    ("MAP_STACK", 0x20000),
    ("PROT_EXEC", 4),
    ("PROT_READ", 1),
    ("PROT_WRITE", 2),
];
