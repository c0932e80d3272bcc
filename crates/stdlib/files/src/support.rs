//! What several modules of this crate and of that of the network need: system errors as exceptions,
//! calls that are repeated after a signal (PEP 475), paths and descriptors as
//! arguments, functions from several tables in one module.

use std::ffi::{CStr, CString};
use taipan_host as host;
use taipan_host::{Errno, fs::Target};
use taipan_runtime::buffer::Buffer;
use taipan_runtime::names::name;
use taipan_runtime::prelude::*;
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::int;

/// OSError of a failed call, without a file name.
#[cold]
pub fn os_error(vm: &Vm, e: Errno) -> Raised {
    vm.os_error(e.0, None)
}

/// The value, or OSError.
pub fn os<T>(vm: &Vm, result: host::Result<T>) -> Result<T> {
    result.map_err(|e| os_error(vm, e))
}

/// Runs a call that may block with the GIL released, again and again while
/// signals interrupt it and their handlers raise nothing.
#[inline]
pub fn retry<T>(vm: &Vm, mut call: impl FnMut() -> host::Result<T>) -> Result<host::Result<T>> {
    loop {
        match vm.without_gil(&mut call) {
            Err(Errno(host::libc::EINTR)) => vm.check_signals()?,
            other => return Ok(other),
        }
    }
}

/// As [`retry`], failures as OSError.
pub fn retry_os<T>(vm: &Vm, call: impl FnMut() -> host::Result<T>) -> Result<T> {
    let result = retry(vm, call)?;
    os(vm, result)
}

/// One call with the GIL released; failures as OSError.
pub fn blocking<T>(vm: &Vm, call: impl FnOnce() -> host::Result<T>) -> Result<T> {
    let result = vm.without_gil(call);
    os(vm, result)
}

/// Puts integer constants into a module.
pub fn add_ints(vm: &Vm, module: &Object, constants: &[(&str, i64)]) -> Result<()> {
    for &(constant, value) in constants {
        vm.set_attr_str(module, constant, &vm.int(value))?;
    }
    Ok(())
}

// ---- numbers --------------------------------------------------------------------------

/// A bool argument.
pub fn flag(vm: &Vm, object: &Object) -> Result<bool> {
    vm.is_true(object)
}

/// A user or group id: -1 means "leave it".
pub fn id_argument(vm: &Vm, object: &Object, what: &str) -> Result<u32> {
    if !vm.is_index(object) {
        return Err(vm.type_error(format!("{what} should be integer, not {}", object.ty().name())));
    }
    let index = vm.index(object)?;
    match int::to_i64(&index) {
        Some(-1) => Ok(u32::MAX),
        Some(n) if n < 0 => Err(vm.overflow_error(format!("{what} is less than minimum"))),
        Some(n) => match u32::try_from(n) {
            Ok(id) => Ok(id),
            // So says CPython.
            Err(_) => Err(vm.overflow_error(format!("{what} is less than minimum"))),
        },
        None if int::is_negative(&index) => Err(vm.overflow_error(format!("{what} is less than minimum"))),
        None => Err(vm.overflow_error(format!("{what} is greater than maximum"))),
    }
}

/// A descriptor given as a number.
fn fd_number(vm: &Vm, object: &Object) -> Result<i32> {
    if object.is_bool() {
        vm.warn(&exc::RUNTIME_WARNING, "bool is used as a file descriptor", 1)?;
    }
    let index = vm.index(object)?;
    let n = int::to_i64(&index);
    match n.map(i32::try_from) {
        Some(Ok(fd)) => Ok(fd),
        _ if n.is_some_and(|n| n < 0) || int::is_negative(&index) => {
            Err(vm.overflow_error("fd is less than minimum"))
        }
        _ => Err(vm.overflow_error("fd is greater than maximum")),
    }
}

/// A descriptor, or an object with `fileno()`.
pub fn fileno_of(vm: &Vm, object: &Object) -> Result<i32> {
    let fd = if int::is_any_int(object) {
        if object.is_bool() {
            vm.warn(&exc::RUNTIME_WARNING, "bool is used as a file descriptor", 1)?;
        }
        vm.to_plain_c_int(object)?
    } else {
        let Some(method) = vm.lookup_attr(object, name::fileno.object())? else {
            return Err(vm.type_error("argument must be an int, or have a fileno() method."));
        };
        let number = vm.call(&method, &[])?;
        if !int::is_any_int(&number) {
            return Err(vm.type_error("fileno() returned a non-integer"));
        }
        vm.to_plain_c_int(&number)?
    };
    if fd < 0 {
        return Err(vm.value_error(format!("file descriptor cannot be a negative integer ({fd})")));
    }
    Ok(fd)
}

/// `dir_fd`: None is the current directory.
pub fn dir_fd(vm: &Vm, object: &Object) -> Result<Option<i32>> {
    let Some(object) = object.some() else { return Ok(None) };
    if !vm.is_index(object) {
        return Err(vm.type_error(format!("argument should be integer or None, not {}", object.ty().name())));
    }
    fd_number(vm, object).map(Some)
}

/// Calls `f` with the bytes of all the buffers, writable.
pub fn with_all<R>(
    buffers: &[Buffer],
    slices: &mut Vec<&mut [u8]>,
    f: &mut dyn FnMut(&mut [&mut [u8]]) -> R,
) -> R {
    match buffers.split_first() {
        None => f(slices),
        Some((first, rest)) => first.with_bytes_mut(|bytes| {
            let mut longer: Vec<&mut [u8]> = slices.iter_mut().map(|s| &mut **s).collect();
            longer.push(bytes);
            with_all(rest, &mut longer, f)
        }),
    }
}

// ---- paths -----------------------------------------------------------------------------

/// Which kinds of objects a path argument may be.
#[derive(Clone, Copy)]
pub struct Allow {
    pub fd: bool,
    pub none: bool,
}

pub const PATH: Allow = Allow { fd: false, none: false };
pub const PATH_OR_FD: Allow = Allow { fd: true, none: false };
pub const PATH_FD_OR_NONE: Allow = Allow { fd: true, none: true };

/// A path argument, ready for the system.
pub struct PathArg {
    /// What errors show as the file name (after `__fspath__`).
    pub object: Object,
    place: Place,
    /// Results are bytes, too.
    pub is_bytes: bool,
}

enum Place {
    Path(CString),
    Fd(i32),
}

impl PathArg {
    pub fn target(&self) -> Target<'_> {
        match &self.place {
            Place::Path(path) => Target::Path(path),
            Place::Fd(fd) => Target::Fd(*fd),
        }
    }
    pub fn fd(&self) -> Option<i32> {
        if let Place::Fd(fd) = self.place { Some(fd) } else { None }
    }
    /// The path; empty if it is a descriptor.
    pub fn path(&self) -> &CStr {
        if let Place::Path(path) = &self.place { path } else { c"" }
    }
    /// OSError with the path as its file name.
    #[cold]
    pub fn error(&self, vm: &Vm, e: Errno) -> Raised {
        vm.os_error(e.0, Some(&self.object))
    }
    pub fn os<T>(&self, vm: &Vm, result: host::Result<T>) -> Result<T> {
        result.map_err(|e| self.error(vm, e))
    }
    /// One call with the GIL released.
    pub fn call<T>(&self, vm: &Vm, call: impl FnOnce() -> host::Result<T>) -> Result<T> {
        let result = vm.without_gil(call);
        self.os(vm, result)
    }
    /// Decodes a name that came from the system the way the path was given.
    pub fn result(&self, vm: &Vm, bytes: &[u8]) -> Result {
        if self.is_bytes { Ok(vm.bytes(bytes)) } else { decode(vm, bytes) }
    }
}

/// A file name of the system as str.
pub fn decode(vm: &Vm, bytes: &[u8]) -> Result {
    vm.fs_decode(bytes)
}

/// `os.fspath`, with the message of the function `what` if it is no path.
pub fn path_argument(
    vm: &Vm,
    object: &Object,
    function: &str,
    argument: &str,
    allow: Allow,
) -> Result<PathArg> {
    let wrong = |object: &Object| {
        let kinds = match (allow.fd, allow.none) {
            (true, true) => "string, bytes, os.PathLike, integer or None",
            (true, false) => "string, bytes, os.PathLike or integer",
            (false, true) => "string, bytes, os.PathLike or None",
            (false, false) => "string, bytes or os.PathLike",
        };
        vm.type_error(format!("{function}: {argument} should be {kinds}, not {}", object.ty().name()))
    };
    if allow.none && (object.is_none() || object.is_unbound()) {
        return Ok(PathArg { object: Object::NONE, place: Place::Path(c".".to_owned()), is_bytes: false });
    }
    let mut shown = object.clone();
    let is_text = |o: &Object| o.downcast::<Str>().is_some() || o.downcast::<Bytes>().is_some();
    if !is_text(&shown) {
        if allow.fd && vm.is_index(&shown) {
            let fd = fd_number(vm, &shown)?;
            return Ok(PathArg { object: shown, place: Place::Fd(fd), is_bytes: false });
        }
        let Some(method) = vm.special_method(object, name::fspath.object())? else {
            return Err(wrong(object));
        };
        shown = vm.call(&method, &[])?;
        if !is_text(&shown) {
            return Err(vm.type_error(format!(
                "expected {}.__fspath__() to return str or bytes, not {}",
                object.ty().name(),
                shown.ty().name()
            )));
        }
    }
    let (bytes, is_bytes) = match shown.downcast::<Bytes>() {
        Some(b) => (b.as_slice().to_vec(), true),
        None => (vm.fs_encode(&shown)?, false),
    };
    let Ok(path) = CString::new(bytes) else {
        return Err(vm.value_error(format!("{function}: embedded null character in {argument}")));
    };
    Ok(PathArg { object: shown, place: Place::Path(path), is_bytes })
}

/// `os.fspath`.
pub fn fspath(vm: &Vm, object: &Object) -> Result {
    let is_text = |o: &Object| o.downcast::<Str>().is_some() || o.downcast::<Bytes>().is_some();
    if is_text(object) {
        return Ok(object.clone());
    }
    let Some(method) = vm.special_method(object, name::fspath.object())? else {
        return Err(
            vm.type_error(format!("expected str, bytes or os.PathLike object, not {}", object.ty().name()))
        );
    };
    let path = vm.call(&method, &[])?;
    if !is_text(&path) {
        return Err(vm.type_error(format!(
            "expected {}.__fspath__() to return str or bytes, not {}",
            object.ty().name(),
            path.ty().name()
        )));
    }
    Ok(path)
}

/// `PyUnicode_FSConverter`: a path or str as the bytes of a C string.
pub fn fs_bytes(vm: &Vm, object: &Object) -> Result<CString> {
    let path = fspath(vm, object)?;
    let bytes = match path.downcast::<Bytes>() {
        Some(b) => b.as_slice().to_vec(),
        None => vm.fs_encode(&path)?,
    };
    CString::new(bytes).map_err(|_| vm.value_error("embedded null byte"))
}

/// A str argument as UTF-8, without null characters.
pub fn c_text(vm: &Vm, object: &Object) -> Result<CString> {
    let Some(s) = object.downcast::<Str>() else {
        return Err(vm.type_error_of(object, "is no str"));
    };
    CString::new(s.to_wtf8()).map_err(|_| vm.value_error("embedded null character"))
}

/// Raises an instance of a class of a module.
#[cold]
pub fn raise_class(vm: &Vm, class: Result, args: &[Object]) -> Raised {
    match class.and_then(|class| vm.call(&class, args)) {
        Ok(exception) => vm.raise_in_context(exception),
        Err(raised) => raised,
    }
}

/// A str or bytes-like argument, or None if it is neither.
pub fn text_or_bytes(vm: &Vm, object: &Object) -> Result<Option<Vec<u8>>> {
    if object.downcast::<Str>().is_some() {
        return taipan_runtime::codecs::utf8::encode(vm, object, "strict").map(Some);
    }
    if vm.is_bytes_like(object) {
        return Ok(Some(vm.bytes_like(object, "argument")?.bytes().to_vec()));
    }
    Ok(None)
}
