//! None, NotImplemented, Ellipsis: immediate words with types of their own.

use crate::prelude::*;

/// No payload: the value is the word itself.
pub struct Immediate;
impl NativeClass for Immediate {
    fn class() -> &'static Type {
        &NONE_TYPE
    }
}

pub static NONE_TYPE: Type = Type::new::<Immediate>(
    "NoneType",
    &crate::types::object::OBJECT,
    0,
    Slots {
        bool: Some(|_, _| Ok(false)),
        hash: Some(|_, _| Ok(0xfca86420)),
        new: Some(|vm, _, args, kwnames| singleton(vm, Object::NONE, "NoneType", args, kwnames)),
        ..Slots::EMPTY.repr(|vm, _| Ok(vm.intern("None")))
    },
    &[],
    &[],
)
.with_doc("The type of the None singleton.");

pub static NOT_IMPLEMENTED_TYPE: Type = Type::new::<Immediate>(
    "NotImplementedType",
    &crate::types::object::OBJECT,
    0,
    Slots {
        bool: Some(|vm, _| Err(vm.type_error("NotImplemented should not be used in a boolean context"))),
        new: Some(|vm, _, args, kwnames| {
            singleton(vm, Object::NOT_IMPLEMENTED, "NotImplementedType", args, kwnames)
        }),
        ..Slots::EMPTY.repr(|vm, _| Ok(vm.intern("NotImplemented")))
    },
    &[MethodDef::new("__reduce__($self, /)", |vm, _| Ok(vm.intern("NotImplemented")), "")],
    &[],
)
.with_doc("The type of the NotImplemented singleton.");

pub static ELLIPSIS_TYPE: Type = Type::new::<Immediate>(
    "ellipsis",
    &crate::types::object::OBJECT,
    0,
    Slots {
        new: Some(|vm, _, args, kwnames| singleton(vm, Object::ELLIPSIS, "EllipsisType", args, kwnames)),
        ..Slots::EMPTY.repr(|vm, _| Ok(vm.intern("Ellipsis")))
    },
    &[MethodDef::new("__reduce__($self, /)", |vm, _| Ok(vm.intern("Ellipsis")), "")],
    &[],
)
.with_doc("The type of the Ellipsis singleton.");

fn singleton(vm: &Vm, value: Object, name: &str, args: &[Object], _kwnames: &[Object]) -> Result {
    if !args.is_empty() {
        return Err(vm.type_error(format!("{name} takes no arguments")));
    }
    Ok(value)
}
