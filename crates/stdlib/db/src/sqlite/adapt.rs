//! Adapters, which make values for SQLite of objects, and converters, which go
//! the other way.

use super::errors;
use std::sync::atomic::{AtomicBool, Ordering};
use taipan_runtime::prelude::*;
use taipan_runtime::support::{allocate, bad_argument};
use taipan_runtime::types::object::OBJECT;
use taipan_runtime::types::{bytearray, float, int, str, tuple};

/// Has somebody registered an adapter for a type that needs none?
static BASIC_ADAPTED: AtomicBool = AtomicBool::new(false);

/// Payload of `PrepareProtocol`, which only names the protocol.
pub struct PrepareProtocol;

impl NativeClass for PrepareProtocol {
    fn class() -> &'static Type {
        &PREPARE_PROTOCOL
    }
}

pub static PREPARE_PROTOCOL: Type = Type::new::<PrepareProtocol>(
    "sqlite3.PrepareProtocol",
    &OBJECT,
    0,
    Slots {
        new: Some(|vm, class, _, _| allocate(vm, class, PrepareProtocol)),
        init: Some(|_, _, _, _| Ok(())),
        ..Slots::EMPTY
    },
    &[],
    &[],
)
.with_doc("The protocol of values that are bound to the parameters of statements.");

fn kept(vm: &Vm, key: &'static str) -> Object {
    match vm.shared(key) {
        Some(dict) => dict,
        None => {
            let dict = vm.new_dict();
            vm.share(key, dict.clone());
            dict
        }
    }
}

/// The dict of adapters by (type, protocol).
pub fn adapters(vm: &Vm) -> Object {
    kept(vm, "sqlite3.adapters")
}
/// The dict of converters by name, in upper case.
pub fn converters(vm: &Vm) -> Object {
    kept(vm, "sqlite3.converters")
}

/// The item of a dict, if it is there.
pub fn look_up(vm: &Vm, dict: &Object, key: &Object) -> Result<Option<Object>> {
    match dict.downcast::<Dict>() {
        Some(dict) => dict.get(vm, key),
        None => Ok(None),
    }
}

/// `register_adapter(type, adapter, /)`.
pub fn register_adapter(vm: &Vm, args: &[Object]) -> Result {
    let basic: [&Type; 4] = [&int::INT, &float::FLOAT, &str::STR, &bytearray::BYTEARRAY];
    if basic.iter().any(|ty| args[0].is(ty.value())) {
        BASIC_ADAPTED.store(true, Ordering::Relaxed);
    }
    let key = tuple::pair(vm, args[0].clone(), PREPARE_PROTOCOL.to_object());
    vm.set_item(&adapters(vm), &key, &args[1])?;
    Ok(Object::NONE)
}

/// `register_converter(typename, converter, /)`.
pub fn register_converter(vm: &Vm, args: &[Object]) -> Result {
    if args[0].downcast::<Str>().is_none() {
        return Err(bad_argument(vm, "register_converter", "argument 1", "str", &args[0]));
    }
    let name = vm.call_method(&args[0], "upper", &[])?;
    vm.set_item(&converters(vm), &name, &args[1])?;
    Ok(Object::NONE)
}

/// `adapt(obj, proto=PrepareProtocol, alt=..., /)`.
pub fn adapt_function(vm: &Vm, args: &[Object]) -> Result {
    let protocol = args[1].bound().cloned().unwrap_or_else(|| PREPARE_PROTOCOL.to_object());
    adapt(vm, &args[0], &protocol, args[2].bound())
}

/// A dunder of the protocol: its answer, unless it has none.
fn ask(vm: &Vm, whom: &Object, name: &str, what: &Object) -> Result<Option<Object>> {
    let Some(method) = vm.lookup_attr_str(whom, name)? else { return Ok(None) };
    let answer = vm.call(&method, std::slice::from_ref(what));
    Ok(vm.swallow(answer, &exc::TYPE_ERROR)?.filter(|answer| !answer.is_none()))
}

fn adapt(vm: &Vm, object: &Object, protocol: &Object, otherwise: Option<&Object>) -> Result {
    let key = tuple::pair(vm, object.ty().to_object(), protocol.clone());
    if let Some(adapter) = look_up(vm, &adapters(vm), &key)? {
        return vm.call(&adapter, std::slice::from_ref(object));
    }
    if let Some(adapted) = ask(vm, protocol, "__adapt__", object)? {
        return Ok(adapted);
    }
    if let Some(adapted) = ask(vm, object, "__conform__", protocol)? {
        return Ok(adapted);
    }
    match otherwise {
        Some(otherwise) => Ok(otherwise.clone()),
        None => Err(errors::programming(vm, "can't adapt")),
    }
}

/// The value to bind for a parameter.
pub fn for_parameter(vm: &Vm, object: &Object) -> Result {
    let ty = object.ty();
    let plain = ty.is(&int::INT) || ty.is(&str::STR) || ty.is(&float::FLOAT) || ty.is(&bytearray::BYTEARRAY);
    if plain && !BASIC_ADAPTED.load(Ordering::Relaxed) {
        return Ok(object.clone());
    }
    adapt(vm, object, &PREPARE_PROTOCOL.to_object(), Some(object))
}
