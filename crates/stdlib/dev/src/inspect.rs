//! `_inspect`: the search behind `inspect.getattr_static`, which protocols of `typing`
//! make for every `isinstance`. It looks at the dictionaries of classes and instances
//! and runs no descriptor, no `__getattr__` and no `__getattribute__`.

use taipan_runtime::lookup::{generic_lookup, instance_get};
use taipan_runtime::names::name;
use taipan_runtime::prelude::*;
use taipan_runtime::types::native_function::{GetSet, MEMBER_DESCRIPTOR};
use taipan_runtime::types::typ::TYPE;

/// The module. CPython has none of this name.
pub static INSPECT: ModuleDef = ModuleDef {
    name: "_inspect",
    doc: "Looking for attributes without running code.",
    functions: &[MethodDef::new(
        "static_attribute(obj, attr, missing, /)",
        |vm, args| Ok(static_attribute(vm, &args[0], &args[1])?.unwrap_or_else(|| args[2].clone())),
        "What inspect.getattr_static(obj, attr) finds, or missing.",
    )],
    types: &[],
    init: None,
};

/// What stands in a class's own dictionary.
fn own(vm: &Vm, class: &Type, attr: &Object) -> Result<Option<Object>> {
    match attr.downcast_exact::<Str>() {
        Some(_) => Ok(class.dict().get_str_owned(attr)),
        None => class.dict().get(vm, attr),
    }
}

/// What a class puts before the `__dict__` of its instances: the first `__dict__` in its
/// MRO that is not the descriptor which every class with instance dictionaries has.
fn shadowed_dict(class: &Type) -> Option<Object> {
    class.mro().find_map(|entry| {
        let found = entry.dict().get_str_owned(name::dict.object())?;
        let usual = found.downcast_exact::<GetSet>().is_some_and(|getset| {
            getset.def.name == "__dict__" && getset.owner.is(entry.to_object().value())
        });
        if usual { None } else { Some(found) }
    })
}

/// What a class or one of its bases has. Classes whose metaclass hides their dictionary
/// are passed over; one that has its own `__getattribute__` is asked for it.
fn in_class(vm: &Vm, class: &Type, attr: &Object) -> Result<Option<Object>> {
    for entry in class.mro() {
        let entry_object = entry.to_object();
        let meta = entry_object.ty();
        if !meta.is(&TYPE) {
            if shadowed_dict(meta).is_some() {
                continue;
            }
            if meta.slots().getattr.map(|f| f as usize) != TYPE.slots().getattr.map(|f| f as usize) {
                let dict = vm.get_attr(&entry_object, name::dict.object())?;
                if vm.contains(&dict, attr)? {
                    return vm.get_item(&dict, attr).map(Some);
                }
                continue;
            }
        }
        if let Some(found) = own(vm, entry, attr)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// What lies in the instance itself; nothing if a class has put something else before
/// its dictionary.
fn in_instance(vm: &Vm, object: &Object, attr: &Object) -> Result<Option<Object>> {
    match shadowed_dict(object.ty()) {
        None if attr.downcast_exact::<Str>().is_some() => instance_get(vm, object, attr),
        Some(shadow) if !shadow.ty().is(&MEMBER_DESCRIPTOR) => Ok(None),
        _ => {
            let found = match generic_lookup(vm, object, name::dict.object()) {
                Err(_) if vm.raised_is(&exc::ATTRIBUTE_ERROR) => {
                    drop(vm.take_raised());
                    None
                }
                found => found?,
            };
            let Some(found) = found else { return Ok(None) };
            match found.downcast::<Dict>() {
                Some(dict) => dict.get(vm, attr),
                None => Err(vm.type_error(format!(
                    "descriptor 'get' for 'dict' objects doesn't apply to a '{}' object",
                    found.ty().name()
                ))),
            }
        }
    }
}

fn static_attribute(vm: &Vm, object: &Object, attr: &Object) -> Result<Option<Object>> {
    let class = Type::of(object);
    let in_instance = match class {
        None => in_instance(vm, object, attr)?,
        Some(_) => None,
    };
    let in_class_of = in_class(vm, class.unwrap_or(object.ty()), attr)?;
    if let (Some(_), Some(found)) = (&in_instance, &in_class_of) {
        // Data descriptors go before the instance.
        let has = |special: &Object| Ok(in_class(vm, found.ty(), special)?.is_some());
        if has(name::get.object())? && (has(name::set.object())? || has(name::delete.object())?) {
            return Ok(in_class_of);
        }
    }
    if in_instance.is_some() || in_class_of.is_some() {
        return Ok(in_instance.or(in_class_of));
    }
    match class {
        Some(_) => in_class(vm, object.ty(), attr),
        None => Ok(None),
    }
}
