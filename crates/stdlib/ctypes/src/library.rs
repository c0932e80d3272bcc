//! Shared libraries and their symbols, by `host`.

use crate::memory::Place;
use std::ffi::CString;
use taipan_host::{libc, library};
use taipan_runtime::prelude::*;
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::int;

/// An int as the handle of a library.
fn to_handle(vm: &Vm, object: &Object) -> Result<usize> {
    if !int::is_any_int(object) {
        return Err(vm.type_error("an integer is required"));
    }
    match int::to_i64(object).map(|n| n as usize).or_else(|| int::to_u64(object).map(|n| n as usize)) {
        Some(handle) => Ok(handle),
        None => Err(vm.overflow_error("int too large to convert to C long")),
    }
}

/// The handle in `_handle` of a library object.
pub fn handle_of(vm: &Vm, library: &Object) -> Result<usize> {
    let handle = vm.get_attr_str(library, "_handle")?;
    if !int::is_any_int(&handle) {
        return Err(vm.type_error("the _handle attribute of the second argument must be an integer"));
    }
    match to_handle(vm, &handle) {
        Ok(handle) => Ok(handle),
        Err(raised) => {
            drop(vm.caught(raised));
            Err(vm.value_error("could not convert the _handle attribute to a pointer"))
        }
    }
}

/// An exception with words of the C library.
fn failed(vm: &Vm, class: &Type, words: &[u8]) -> Raised {
    match vm.fs_decode(words) {
        Ok(text) => vm.error_with(class, vec![text]),
        Err(raised) => raised,
    }
}

/// A symbol's address; an exception of `class` if there is none.
pub fn symbol(vm: &Vm, handle: usize, name: &[u8], class: &Type) -> Result<Place> {
    let Ok(name) = CString::new(name) else { return Err(vm.value_error("embedded null character")) };
    let found = library::symbol(handle, &name);
    if found.is_err()
        && library::is_program(handle)
        && let Some(function) = crate::pythonapi::address(name.to_bytes())
    {
        return Ok(function);
    }
    match found {
        Ok(address) => Ok(Place::named(address)),
        Err(message) if message.is_empty() => {
            let what = if class.is(&exc::ATTRIBUTE_ERROR) { "function" } else { "symbol" };
            Err(vm.error(class, format!("{what} '{}' not found", name.to_string_lossy())))
        }
        Err(message) => Err(failed(vm, class, &message)),
    }
}

/// `dlopen(name, flag)`.
pub fn dlopen(vm: &Vm, args: &[Object]) -> Result {
    let mode = args.get(1).map_or(Ok(libc::RTLD_NOW), |mode| vm.to_c_int(mode))? | libc::RTLD_NOW;
    let name = if args[0].is_none() { None } else { Some(path(vm, &args[0])?) };
    vm.audit("ctypes.dlopen", &[args[0].clone()])?;
    match vm.without_gil(|| library::open(name.as_deref(), mode)) {
        Ok(handle) => Ok(vm.usize(handle)),
        Err(message) => Err(failed(vm, &exc::OS_ERROR, &message)),
    }
}

/// A path as a C string.
fn path(vm: &Vm, object: &Object) -> Result<CString> {
    let is_text = |o: &Object| o.downcast::<Str>().is_some() || o.downcast::<Bytes>().is_some();
    let wrong = |o: &Object| {
        vm.type_error(format!("expected str, bytes or os.PathLike object, not {}", o.ty().name()))
    };
    let shown = if is_text(object) {
        object.clone()
    } else {
        match vm.call_special(object, &vm.intern("__fspath__"), &[])? {
            Some(path) if is_text(&path) => path,
            _ => return Err(wrong(object)),
        }
    };
    let bytes = match shown.downcast::<Bytes>() {
        Some(bytes) => bytes.as_slice().to_vec(),
        None => vm.fs_encode(&shown)?,
    };
    CString::new(bytes).map_err(|_| vm.value_error("embedded null byte"))
}

/// `dlclose(handle)`.
pub fn dlclose(vm: &Vm, args: &[Object]) -> Result {
    let handle = to_handle(vm, &args[0])?;
    if handle == 0 {
        return Err(vm.system_error("dlclose() argument 1 (unspecified)"));
    }
    match vm.without_gil(|| library::close(handle)) {
        Ok(()) => Ok(Object::NONE),
        Err(message) => Err(failed(vm, &exc::OS_ERROR, &message)),
    }
}

/// `dlsym(handle, name)`.
pub fn dlsym(vm: &Vm, args: &[Object]) -> Result {
    let handle = to_handle(vm, &args[0])?;
    let Some(name) = args[1].downcast::<Str>() else {
        return Err(
            vm.type_error(format!("dlsym() argument 2 must be str, not {}", args[1].ty().full_name()))
        );
    };
    vm.audit("ctypes.dlsym/handle", &[args[0].clone(), args[1].clone()])?;
    let found = symbol(vm, handle, &name.to_wtf8(), &exc::OS_ERROR)?;
    Ok(vm.usize(found.address()))
}

/// `dllist()`.
pub fn dllist(vm: &Vm, _: &[Object]) -> Result {
    let names: Result<Vec<Object>> =
        library::loaded().iter().map(|name| vm.fs_decode(name.to_bytes())).collect();
    Ok(vm.list(names?))
}
