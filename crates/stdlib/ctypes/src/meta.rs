//! The metaclasses: what can be done with ctypes classes themselves (arrays of them,
//! `from_address`, `from_buffer`, `from_param` and so on).

use crate::cdata::{self, data};
use crate::info::{self, Kind};
use crate::memory::{CData, Place};
use crate::param::{self, Argument};
use taipan_runtime::buffer::flags as buffer_flags;
use taipan_runtime::prelude::*;
use taipan_runtime::types::typ::{TYPE, TypePayload};
use taipan_runtime::types::weakref;
use taipan_runtime::types::{int, memoryview};

/// What the metaclasses have in common.
pub static CTYPE_TYPE: Type = Type::new::<TypePayload>(
    "_ctypes.CType_Type",
    &TYPE,
    type_flags::BASE,
    Slots { repeat: Some(repeat), ..Slots::EMPTY },
    &[MethodDef::new(
        "__sizeof__($self, /)",
        |vm, args| {
            let own = class_of(&args[0]).instance_size.get() + size_of::<Type>();
            Ok(vm.usize(own + size_of::<info::Info>()))
        },
        "Return memory consumption of the type object.",
    )],
    &[GetSetDef::new("__pointer_type__", pointer_type).with_set(set_pointer_type).with_doc("pointer type")],
);

/// A method whose arguments CPython counts in the words of functions with keywords.
macro_rules! counted {
    ($name:literal, $parameters:literal, $counts:expr, $function:expr, $doc:expr) => {
        MethodDef {
            hide_signature: false,
            ..MethodDef::raw(
                concat!($name, $parameters),
                |vm, args, kwnames| {
                    let given = args.len().saturating_sub(1);
                    taipan_runtime::support::check_positional(vm, $name, given, kwnames, $counts)?;
                    $function(vm, args)
                },
                $doc,
            )
        }
    };
}
pub(crate) use counted;

/// The methods of a metaclass whose `from_param` is the given one.
macro_rules! class_methods {
    ($from_param:expr $(, $more:expr)*) => {
        &[
            counted!(
                "from_param",
                "($self, value, /)",
                (1, 1),
                $from_param,
                "Convert a Python object into a function call parameter."
            ),
            counted!(
                "from_address",
                "($self, value, /)",
                (1, 1),
                from_address,
                "C.from_address(integer) -> C instance\n\nAccess a C instance at the specified address."
            ),
            counted!(
                "from_buffer",
                "($self, obj, offset=0, /)",
                (1, 2),
                from_buffer,
                "C.from_buffer(object, offset=0) -> C instance\n\nCreate a C instance from a writeable buffer."
            ),
            counted!(
                "from_buffer_copy",
                "($self, buffer, offset=0, /)",
                (1, 2),
                from_buffer_copy,
                "C.from_buffer_copy(object, offset=0) -> C instance\n\nCreate a C instance from a readable buffer."
            ),
            counted!(
                "in_dll",
                "($self, dll, name, /)",
                (2, 2),
                in_dll,
                "C.in_dll(dll, name) -> C instance\n\nAccess a C instance in a dll."
            ),
            $($more,)*
        ]
    };
}

macro_rules! metaclass {
    ($static:ident, $name:literal, $doc:literal, $slots:expr, $methods:expr) => {
        pub static $static: Type =
            Type::new::<TypePayload>($name, &CTYPE_TYPE, type_flags::BASE, $slots, $methods, &[])
                .with_doc($doc);
    };
}

metaclass!(
    STRUCT_TYPE,
    "_ctypes.PyCStructType",
    "metatype for the CData Objects",
    Slots {
        init: Some(|vm, class, _, _| crate::structs::init_class(vm, class, Kind::Struct)),
        setattr: Some(crate::structs::set_class_attr),
        ..Slots::EMPTY
    },
    class_methods!(from_param)
);
metaclass!(
    UNION_TYPE,
    "_ctypes.UnionType",
    "metatype for the Union Objects",
    Slots {
        init: Some(|vm, class, _, _| crate::structs::init_class(vm, class, Kind::Union)),
        setattr: Some(crate::structs::set_class_attr),
        ..Slots::EMPTY
    },
    class_methods!(from_param)
);
metaclass!(
    ARRAY_TYPE,
    "_ctypes.PyCArrayType",
    "metatype for the Array Objects",
    Slots { init: Some(|vm, class, _, _| crate::array::init_class(vm, class)), ..Slots::EMPTY },
    class_methods!(from_param)
);
metaclass!(
    SIMPLE_TYPE,
    "_ctypes.PyCSimpleType",
    "metatype for the PyCSimpleType Objects",
    Slots { init: Some(crate::simple::init_class), ..Slots::EMPTY },
    class_methods!(crate::simple::from_param)
);
metaclass!(
    POINTER_TYPE,
    "_ctypes.PyCPointerType",
    "metatype for the Pointer Objects",
    Slots { init: Some(|vm, class, _, _| crate::pointer::init_class(vm, class)), ..Slots::EMPTY },
    class_methods!(
        crate::pointer::from_param,
        counted!("set_type", "($self, type, /)", (1, 1), crate::pointer::set_type, "")
    )
);
metaclass!(
    FUNCTION_TYPE,
    "_ctypes.PyCFuncPtrType",
    "metatype for C function pointers",
    Slots { init: Some(|vm, class, _, _| crate::function::init_class(vm, class)), ..Slots::EMPTY },
    class_methods!(from_param)
);

/// The class that a method of a metaclass was called on.
pub fn class_of(object: &Object) -> &Type {
    match Type::of(object) {
        Some(class) => class,
        None => unreachable!("a metaclass's method called on something else"),
    }
}

// ---- pointers and arrays ------------------------------------------------------------------

/// TypeError of a class without storage information.
pub fn no_storage(vm: &Vm, class: &Object) -> Raised {
    match vm.repr_text(class) {
        Ok(shown) => vm.type_error(format!("{shown} must have storage info")),
        Err(raised) => raised,
    }
}

fn pointer_type(vm: &Vm, class: &Object) -> Result {
    let Some(info) = info::of_class(class) else { return Err(no_storage(vm, class)) };
    match info.pointer_type.bound() {
        Some(pointer) => Ok(pointer),
        None => {
            let text = format!("{} has no attribute '__pointer_type__'", vm.repr_text(class)?);
            Err(vm.error(&exc::ATTRIBUTE_ERROR, text))
        }
    }
}

fn set_pointer_type(vm: &Vm, class: &Object, value: Option<&Object>) -> Result<()> {
    let Some(info) = info::of_class(class) else { return Err(no_storage(vm, class)) };
    info.pointer_type.set_option(value.cloned());
    Ok(())
}

fn repeat(vm: &Vm, class: &Object, count: &Object) -> Result {
    let length = vm.index_for_item_overflow(count)?;
    if length < 0 {
        return Err(vm.value_error(format!("Array length must be >= 0, not {length}")));
    }
    array_of(vm, class, length as usize)
}

/// The type of arrays of so many items of a class.
pub fn array_of(vm: &Vm, class: &Object, length: usize) -> Result {
    if let Some(info) = info::of_class(class) {
        let known = info.arrays.borrow().get(&length).cloned();
        if let Some(array) = known.as_ref().and_then(weakref::get) {
            return Ok(array);
        }
    }
    let namespace = vm.new_dict();
    if let Some(dict) = namespace.downcast::<Dict>() {
        dict.set_text(vm, "_length_", vm.usize(length));
        dict.set_text(vm, "_type_", class.clone());
    }
    let name = vm.str(&format!("{}_Array_{length}", info::class_name(class)));
    let bases = vm.tuple(vec![crate::array::ARRAY.to_object()]);
    let array = vm.call(&ARRAY_TYPE.to_object(), &[name, bases, namespace])?;
    if let Some(info) = info::of_class(class) {
        let reference = weakref::new(vm, &array)?;
        let dead: Vec<Object> = {
            let mut arrays = info.arrays.borrow_mut();
            let mut dead: Vec<Object> = Vec::new();
            if arrays.len() >= 64 && arrays.len().is_power_of_two() {
                let gone: Vec<usize> =
                    arrays.iter().filter(|(_, r)| weakref::get(r).is_none()).map(|(n, _)| *n).collect();
                dead.extend(gone.iter().filter_map(|n| arrays.remove(n)));
            }
            dead.extend(arrays.insert(length, reference));
            dead
        };
        drop(dead);
    }
    Ok(array)
}

// ---- instances -----------------------------------------------------------------------------

/// An int as an address.
pub fn address(vm: &Vm, value: &Object) -> Result<Place> {
    if int::is_negative(value) {
        return Ok(Place::named(vm.to_i64(value)? as usize));
    }
    match int::to_u64(value) {
        Some(address) => Ok(Place::named(address as usize)),
        None => Err(vm.overflow_error("Python int too large to convert to C unsigned long")),
    }
}

fn from_address(vm: &Vm, args: &[Object]) -> Result {
    if !int::is_any_int(&args[1]) {
        return Err(vm.type_error("integer expected"));
    }
    cdata::at_address(vm, class_of(&args[0]), address(vm, &args[1])?)
}

/// Checks that `needed` bytes are there from `offset` on.
fn check_room(vm: &Vm, len: usize, offset: isize, needed: usize) -> Result<()> {
    if offset < 0 {
        return Err(vm.value_error("offset cannot be negative"));
    }
    let least = (offset as usize).saturating_add(needed);
    if least > len {
        return Err(
            vm.value_error(format!("Buffer size too small ({len} instead of at least {least} bytes)"))
        );
    }
    Ok(())
}

fn from_buffer(vm: &Vm, args: &[Object]) -> Result {
    let class = class_of(&args[0]);
    let offset = args.get(2).map_or(Ok(0), |offset| vm.index_isize(offset))?;
    let info = cdata::concrete(vm, class)?;
    let view = memoryview::new(vm, &args[1])?;
    let (readonly, contiguous, ptr, len) = {
        let buffer = vm.buffer(&view, buffer_flags::FULL_RO)?;
        let info = buffer.info();
        (info.readonly, info.is_c_contiguous(), info.ptr, info.len)
    };
    if readonly {
        return Err(vm.type_error("underlying buffer is not writable"));
    }
    if !contiguous {
        return Err(vm.type_error("underlying buffer is not C contiguous"));
    }
    check_room(vm, len, offset, info.size.get())?;
    // The view keeps the memory in place, and the new object keeps the view.
    let start = Place::named(ptr as usize);
    audit_buffer(vm, start, len, offset)?;
    let object = cdata::at_address(vm, class, start.offset(offset))?;
    cdata::keep(vm, &object, usize::MAX, view)?;
    Ok(object)
}

fn audit_buffer(vm: &Vm, start: Place, len: usize, offset: isize) -> Result<()> {
    let args = [vm.usize(start.address()), vm.usize(len), vm.int(offset as i64)];
    vm.audit("ctypes.cdata/buffer", &args)
}

fn from_buffer_copy(vm: &Vm, args: &[Object]) -> Result {
    let class = class_of(&args[0]);
    let offset = args.get(2).map_or(Ok(0), |offset| vm.index_isize(offset))?;
    let info = cdata::concrete(vm, class)?;
    let buffer = vm.bytes_like(&args[1], "buffer")?;
    check_room(vm, buffer.len(), offset, info.size.get())?;
    let start = Place::named(buffer.bytes().as_ptr() as usize);
    audit_buffer(vm, start, buffer.len(), offset)?;
    cdata::copy_of(vm, class, start.offset(offset))
}

fn in_dll(vm: &Vm, args: &[Object]) -> Result {
    let Some(name) = args[2].downcast::<Str>() else {
        return Err(
            vm.type_error(format!("in_dll() argument 2 must be str, not {}", args[2].ty().full_name()))
        );
    };
    if name.chars().any(|c| c == 0) {
        return Err(vm.value_error("embedded null character"));
    }
    vm.audit("ctypes.dlsym", &[args[1].clone(), args[2].clone()])?;
    let handle = crate::library::handle_of(vm, &args[1])?;
    let found = crate::library::symbol(vm, handle, &name.to_wtf8(), &exc::VALUE_ERROR)?;
    cdata::at_address(vm, class_of(&args[0]), found)
}

// ---- parameters -----------------------------------------------------------------------------

/// `from_param` of classes without one of their own.
pub fn from_param(vm: &Vm, args: &[Object]) -> Result {
    convert(vm, &args[0], &args[1])
}

/// The value as an argument of type `class`: an instance, a pointer to one made by
/// `byref()`, or what stands for it (`_as_parameter_`).
pub fn convert(vm: &Vm, class: &Object, value: &Object) -> Result {
    if vm.is_instance(value, class)? {
        return Ok(value.clone());
    }
    if let Some(argument) = value.downcast_exact::<Argument>() {
        let target = argument.object.bound();
        if let Some(target) = &target
            && let Some(proto) = info::of_class(class).and_then(|info| info.item())
            && Type::of(&proto).is_some()
            && vm.is_instance(target, &proto)?
        {
            return Ok(value.clone());
        }
        let shown = target.map_or("???".to_owned(), |t| t.ty().full_name().to_owned());
        return Err(vm.type_error(format!(
            "expected {} instance instead of pointer to {shown}",
            info::class_name(class)
        )));
    }
    if let Some(stand_in) = param::stand_in(vm, value)? {
        return vm.call_method(class, "from_param", &[stand_in]);
    }
    Err(vm.type_error(format!(
        "expected {} instance instead of {}",
        info::class_name(class),
        value.ty().full_name()
    )))
}

/// Is the object an instance of a ctypes class?
pub fn is_cdata(object: &Object) -> bool {
    object.downcast::<CData>().is_some()
}

/// TypeError of `function` if its argument is no ctypes object.
pub fn check_cdata<'a>(vm: &Vm, object: &'a Object, what: &str) -> Result<&'a CData> {
    if is_cdata(object) {
        return Ok(data(object));
    }
    Err(vm.type_error(format!("{what} must be _ctypes._CData, not {}", object.ty().full_name())))
}
