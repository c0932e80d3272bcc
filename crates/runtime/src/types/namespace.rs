//! types.SimpleNamespace: attributes given as keywords.

use crate::prelude::*;
use crate::types::{object, str};

/// Payload of SimpleNamespace: everything is in the instance dict.
pub struct Namespace;

impl NativeClass for Namespace {
    fn class() -> &'static Type {
        &NAMESPACE
    }
}

pub static NAMESPACE: Type = Type::new::<Namespace>(
    "types.SimpleNamespace",
    &object::OBJECT,
    type_flags::BASE | type_flags::HAVE_GC,
    Slots {
        new: Some(|vm, class, _, _| make(vm, class)),
        init: Some(namespace_init),
        compare: Some(namespace_compare),
        hash: Some(crate::slots::hash_unhashable),
        ..Slots::EMPTY.repr(namespace_repr)
    },
    &[
        MethodDef::new(
            "__reduce__($self, /)",
            |vm, args| {
                let empty = vm.tuple(Vec::new());
                Ok(vm.tuple(vec![args[0].ty().to_object(), empty, dict_of(vm, &args[0])]))
            },
            "Return state information for pickling",
        ),
        MethodDef::raw(
            "__replace__($self, /, **changes)",
            replace,
            "Return a copy of the namespace object with new values for the specified attributes.",
        ),
    ],
    &[GetSetDef::member("__dict__", object::get_dict)],
)
.with_dict()
.with_doc("An object whose attributes are given when it is made.");

/// A namespace with these attributes.
pub fn new(vm: &Vm, attributes: &[(&str, Object)]) -> Object {
    let namespace = vm.alloc(&NAMESPACE, Namespace);
    crate::lookup::set_instance_dict(vm, &namespace, crate::types::dict::from_pairs(vm, attributes));
    namespace
}

fn make(vm: &Vm, class: &Type) -> Result {
    let namespace = vm.try_alloc(class, Namespace).ok_or_else(|| vm.memory_error())?;
    crate::lookup::set_instance_dict(vm, &namespace, vm.new_dict());
    Ok(namespace)
}

fn dict_of(vm: &Vm, namespace: &Object) -> Object {
    crate::lookup::instance_dict(vm, namespace).unwrap_or(Object::NONE)
}

/// Stores keyword arguments in the dict.
fn store_keywords(vm: &Vm, namespace: &Object, args: &[Object], kwnames: &[Object]) -> Result<()> {
    let dict = dict_of(vm, namespace);
    for (key, value) in kwnames.iter().zip(&args[args.len() - kwnames.len()..]) {
        vm.set_item(&dict, key, value)?;
    }
    Ok(())
}

fn namespace_init(vm: &Vm, namespace: &Object, args: &[Object], kwnames: &[Object]) -> Result<()> {
    let positional = &args[..args.len() - kwnames.len()];
    if positional.len() > 1 {
        return Err(vm.type_error(format!(
            "{} expected at most 1 argument, got {}",
            namespace.ty().name(),
            positional.len()
        )));
    }
    if let Some(source) = positional.first() {
        let dict = if source.downcast_exact::<Dict>().is_some() {
            source.clone()
        } else {
            vm.call(&crate::types::dict::DICT.to_object(), std::slice::from_ref(source))?
        };
        if let Some(source) = dict.downcast::<Dict>() {
            let items = source.items();
            if items.iter().any(|(key, _)| key.downcast::<Str>().is_none()) {
                return Err(vm.type_error("keywords must be strings"));
            }
            let own = dict_of(vm, namespace);
            for (key, value) in items {
                vm.set_item(&own, &key, &value)?;
            }
        }
    }
    store_keywords(vm, namespace, args, kwnames)
}

fn namespace_compare(vm: &Vm, a: &Object, b: &Object, op: CompareOp) -> Result {
    if !a.is_instance_of(&NAMESPACE) || !b.is_instance_of(&NAMESPACE) {
        return Ok(Object::NOT_IMPLEMENTED);
    }
    vm.compare(&dict_of(vm, a), &dict_of(vm, b), op)
}

fn namespace_repr(vm: &Vm, namespace: &Object) -> Result {
    let exact = namespace.ty().is(&NAMESPACE);
    let shown = if exact { "namespace" } else { namespace.ty().name() };
    let Some(_guard) = vm.enter_repr(namespace) else {
        return Ok(vm.str(&format!("{shown}(...)")));
    };
    let dict = dict_of(vm, namespace);
    let mut out = str::Builder::new();
    out.push_str(shown);
    out.push_str("(");
    let mut first = true;
    for (key, _) in dict.downcast::<Dict>().map(|d| d.items()).unwrap_or_default() {
        if !key.downcast::<Str>().is_some_and(|text| text.len() > 0) {
            continue;
        }
        // A repr may have deleted it.
        let Some(value) = dict.downcast::<Dict>().and_then(|d| d.get(vm, &key).transpose()) else { continue };
        let value = vm.repr(&value?)?;
        if !first {
            out.push_str(", ");
        }
        first = false;
        out.push_object(&key);
        out.push_str("=");
        out.push_object(&value);
    }
    out.push_str(")");
    Ok(out.finish(vm))
}

fn replace(vm: &Vm, args: &[Object], kwnames: &[Object]) -> Result {
    if args.len() > 1 + kwnames.len() {
        return Err(vm.type_error("__replace__() takes no positional arguments"));
    }
    let made = vm.call(&args[0].ty().to_object(), &[])?;
    if !made.is_instance_of(&NAMESPACE) {
        return Err(vm.type_error(format!(
            "expect {} type, but {}() returned '{}' object",
            NAMESPACE.full_name(),
            crate::types::set_methods::qualified_type_name(vm, &args[0]),
            crate::types::set_methods::qualified_type_name(vm, &made)
        )));
    }
    let own = dict_of(vm, &made);
    if let Some(source) = dict_of(vm, &args[0]).downcast::<Dict>() {
        for (key, value) in source.items() {
            vm.set_item(&own, &key, &value)?;
        }
    }
    store_keywords(vm, &made, args, kwnames)?;
    Ok(made)
}
