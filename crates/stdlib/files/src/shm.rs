//! `_posixshmem`: shared memory objects by name, the native half of
//! `multiprocessing.shared_memory`.

use crate::support::{c_text, retry};
use std::ffi::CString;
use taipan_host::shared;
use taipan_runtime::prelude::*;
use taipan_runtime::types::str_methods::shown_type;

pub static MODULE: ModuleDef = ModuleDef {
    name: "_posixshmem",
    doc: "Shared memory objects of POSIX.",
    functions: &[
        MethodDef::new(
            "shm_open(path, flags, mode=511)",
            open,
            "Opens a shared memory object and returns its descriptor.",
        ),
        MethodDef::new(
            "shm_unlink(path, /)",
            unlink,
            "Takes the name of a shared memory object away.\n\nIt lives until nobody has it mapped.",
        ),
    ],
    types: &[],
    init: None,
};

fn name(vm: &Vm, argument: &str, object: &Object) -> Result<CString> {
    if object.downcast::<Str>().is_none() {
        return Err(vm.type_error(format!("{argument} must be str, not {}", shown_type(object))));
    }
    c_text(vm, object)
}

fn open(vm: &Vm, args: &[Object]) -> Result {
    let path = name(vm, "shm_open() argument 1", &args[0])?;
    let (flags, mode) = (vm.to_plain_c_int(&args[1])?, vm.to_plain_c_int(&args[2])?);
    match retry(vm, || shared::open_memory(&path, flags, mode as u32))? {
        Ok(number) => Ok(vm.int(number as i64)),
        Err(e) => Err(vm.os_error(e.0, Some(&args[0]))),
    }
}

fn unlink(vm: &Vm, args: &[Object]) -> Result {
    let path = name(vm, "shm_unlink() argument", &args[0])?;
    match vm.without_gil(|| shared::unlink_memory(&path)) {
        Ok(()) => Ok(Object::NONE),
        Err(e) => Err(vm.os_error(e.0, Some(&args[0]))),
    }
}
