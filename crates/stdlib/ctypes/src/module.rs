//! The module `_ctypes`: its functions and constants.

use crate::call;
use crate::cdata::{self, data};
use crate::function;
use crate::info::{self, Info, flag};
use crate::library;
use crate::meta;
use crate::param;
use crate::values;
use crate::{array, callback, field, memory, pointer, simple, structs};
use taipan_host::libc;
use taipan_runtime::prelude::*;
use taipan_runtime::support::exception_class;
use taipan_runtime::types::int;
use taipan_runtime::types::typ;

/// Counts arguments in the words of CPython's functions without keywords; `shown` is the
/// function's name, if it tells it.
pub fn count(
    vm: &Vm,
    (args, kwnames): (&[Object], &[Object]),
    (name, shown): (&str, &str),
    (least, most): (usize, usize),
) -> Result<()> {
    if !kwnames.is_empty() {
        return Err(vm.type_error(format!("{name}() takes no keyword arguments")));
    }
    let given = args.len();
    if given >= least && given <= most {
        return Ok(());
    }
    let (word, bound) = match given < least {
        _ if least == most => ("exactly", least),
        true => ("at least", least),
        false => ("at most", most),
    };
    let s = if bound == 1 { "" } else { "s" };
    Err(vm.type_error(format!("{shown} takes {word} {bound} argument{s} ({given} given)")))
}

/// A function whose arguments are counted so.
macro_rules! plain {
    ($name:literal, $shown:literal, $parameters:literal, $counts:expr, $function:expr, $doc:expr) => {
        MethodDef::raw(
            concat!($name, $parameters),
            |vm, args, kwnames| {
                count(vm, (args, kwnames), ($name, $shown), $counts)?;
                $function(vm, args)
            },
            $doc,
        )
    };
}

pub static MODULE: ModuleDef = ModuleDef {
    name: "_ctypes",
    doc: "Create and manipulate C compatible data types in Python.",
    functions: &[
        MethodDef::new("get_errno()", get_errno, ""),
        plain!("set_errno", "function", "(value, /)", (1, 1), set_errno, ""),
        plain!("_unpickle", "function", "(class, state, /)", (2, 2), cdata::unpickle, ""),
        MethodDef::new("buffer_info(object, /)", buffer_info, "Return buffer interface information"),
        MethodDef::new("resize(obj, size, /)", resize, ""),
        plain!(
            "dlopen",
            "dlopen()",
            "(name, flag=_, /)",
            (1, 2),
            library::dlopen,
            "dlopen(name, flag={RTLD_GLOBAL|RTLD_LOCAL}) open a shared library"
        ),
        plain!("dlclose", "dlclose()", "(handle, /)", (1, 1), library::dlclose, "dlclose a library"),
        plain!(
            "dlsym",
            "dlsym()",
            "(handle, name, /)",
            (2, 2),
            library::dlsym,
            "find symbol in shared library"
        ),
        MethodDef::new("dllist()", library::dllist, "dllist() return a list of loaded shared libraries"),
        MethodDef::new(
            "alignment(object, /)",
            |vm, args| match storage(&args[0]) {
                Some(info) => Ok(vm.usize(info.align.get())),
                None => Err(vm.type_error("no alignment info")),
            },
            "alignment(C type) -> integer\nalignment(C instance) -> integer\nReturn the alignment requirements of a C instance",
        ),
        MethodDef::new("sizeof(obj, /)", size_of_object, "Return the size in bytes of a C instance."),
        MethodDef::new(
            "byref(obj, offset=0, /)",
            |vm, args| {
                let offset = vm.index_isize(&args[1])?;
                meta::check_cdata(vm, &args[0], "byref() argument 1")?;
                param::by_reference(vm, &args[0], offset)
            },
            "Return a pointer lookalike to a C instance, only usable as function argument.",
        ),
        MethodDef::new(
            "addressof(obj, /)",
            |vm, args| {
                meta::check_cdata(vm, &args[0], "addressof() argument")?;
                vm.audit("ctypes.addressof", &[args[0].clone()])?;
                Ok(vm.usize(data(&args[0]).expose().address()))
            },
            "Return the address of the C instance internal buffer",
        ),
        plain!(
            "call_function",
            "function",
            "(address, arguments, /)",
            (2, 2),
            |vm, args| call::call_address(vm, args, 0),
            ""
        ),
        plain!(
            "call_cdeclfunction",
            "function",
            "(address, arguments, /)",
            (2, 2),
            |vm, args| call::call_address(vm, args, flag::CDECL),
            ""
        ),
        plain!("PyObj_FromPtr", "PyObj_FromPtr()", "(address, /)", (1, 1), object_at, ""),
        MethodDef::new(
            "Py_INCREF(object, /)",
            |_, args| {
                values::change_count(&args[0], true);
                Ok(args[0].clone())
            },
            "",
        ),
        MethodDef::new(
            "Py_DECREF(object, /)",
            |_, args| {
                values::change_count(&args[0], false);
                Ok(args[0].clone())
            },
            "",
        ),
    ],
    types: &[],
    init: Some(init),
};

fn init(vm: &Vm, module: &Object) -> Result<()> {
    if !taipan_host::library::permitted() {
        return Err(vm.import_error("loading native code is not permitted", &vm.intern("_ctypes")));
    }
    let hidden: [&'static Type; 12] = [
        &meta::CTYPE_TYPE,
        &meta::STRUCT_TYPE,
        &meta::UNION_TYPE,
        &meta::ARRAY_TYPE,
        &meta::SIMPLE_TYPE,
        &meta::POINTER_TYPE,
        &meta::FUNCTION_TYPE,
        &cdata::CDATA,
        &info::INFO,
        &param::ARGUMENT,
        &callback::THUNK,
        &memory::CAPSULE,
    ];
    for ty in hidden {
        typ::ready(vm, ty);
    }
    let shown: [&'static Type; 7] = [
        &structs::STRUCTURE,
        &structs::UNION,
        &pointer::POINTER,
        &array::ARRAY,
        &simple::SIMPLE,
        &function::FUNCTION,
        &field::CFIELD,
    ];
    for ty in shown {
        typ::ready(vm, ty);
        vm.set_attr_str(module, ty.name(), &ty.to_object())?;
    }
    let error =
        exception_class(vm, function::ARGUMENT_ERROR, "ctypes", "ArgumentError", &exc::EXCEPTION, None)?;
    vm.set_attr_str(module, "ArgumentError", &error)?;
    vm.share(cdata::UNPICKLE, vm.get_attr_str(module, "_unpickle")?);
    for (name, value) in [
        ("FUNCFLAG_CDECL", flag::CDECL as i64),
        ("FUNCFLAG_USE_ERRNO", flag::USE_ERRNO as i64),
        ("FUNCFLAG_USE_LASTERROR", 16),
        ("FUNCFLAG_PYTHONAPI", flag::PYTHON_API as i64),
        ("CTYPES_MAX_ARGCOUNT", function::MAX_ARGUMENTS as i64),
        ("RTLD_LOCAL", libc::RTLD_LOCAL as i64),
        ("RTLD_GLOBAL", libc::RTLD_GLOBAL as i64),
        ("SIZEOF_TIME_T", size_of::<libc::time_t>() as i64),
    ] {
        vm.set_attr_str(module, name, &vm.int(value))?;
    }
    for (name, address) in call::addresses() {
        vm.set_attr_str(module, name, &vm.usize(address))?;
    }
    vm.set_attr_str(module, "__version__", &vm.str("1.1.0"))
}

/// The storage information of a class or of an instance's class.
fn storage(object: &Object) -> Option<&Info> {
    info::of_class(object).or_else(|| info::of_instance(object))
}

fn size_of_object(vm: &Vm, args: &[Object]) -> Result {
    if let Some(info) = info::of_class(&args[0]) {
        return Ok(vm.usize(info.size.get()));
    }
    if meta::is_cdata(&args[0]) {
        return Ok(vm.usize(data(&args[0]).size.get()));
    }
    Err(vm.type_error("this type has no size"))
}

fn buffer_info(vm: &Vm, args: &[Object]) -> Result {
    let Some(info) = storage(&args[0]) else {
        return Err(vm.type_error("not a ctypes type or object"));
    };
    let shape: Vec<Object> = info.shape.borrow().iter().map(|&n| vm.int(n as i64)).collect();
    let format = info.format.borrow().clone();
    let format = if format.is_empty() { Object::NONE } else { vm.str(&format) };
    Ok(vm.tuple(vec![format, vm.usize(shape.len()), vm.tuple(shape)]))
}

fn resize(vm: &Vm, args: &[Object]) -> Result {
    meta::check_cdata(vm, &args[0], "resize() argument 1")?;
    let size = vm.index_isize(&args[1])?;
    let info = cdata::concrete(vm, args[0].ty())?;
    let least = info.size.get();
    if size < least as isize {
        return Err(vm.value_error(format!("minimum size is {least}")));
    }
    if !data(&args[0]).owned.get() {
        return Err(vm.value_error("Memory cannot be resized because this object doesn't own it"));
    }
    if data(&args[0]).resize(size as usize, info.align.get()) {
        Ok(Object::NONE)
    } else {
        Err(vm.memory_error())
    }
}

fn get_errno(vm: &Vm, _: &[Object]) -> Result {
    vm.audit("ctypes.get_errno", &[])?;
    Ok(vm.int(call::errno() as i64))
}

fn set_errno(vm: &Vm, args: &[Object]) -> Result {
    let value = vm.to_c_int(&args[0])?;
    vm.audit("ctypes.set_errno", &[args[0].clone()])?;
    Ok(vm.int(call::set_errno(value) as i64))
}

fn object_at(vm: &Vm, args: &[Object]) -> Result {
    if !int::is_any_int(&args[0]) {
        return Err(vm.type_error("an integer is required"));
    }
    vm.audit("ctypes.PyObj_FromPtr", &[args[0].clone()])?;
    let word = match int::to_u64(&args[0]) {
        Some(word) => word,
        None => vm.to_i64(&args[0])? as u64,
    };
    values::object_of_word(word).ok_or_else(|| vm.value_error("PyObject is NULL"))
}
