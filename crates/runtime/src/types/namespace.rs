//! `types.SimpleNamespace`: an object whose attributes are its constructor's
//! keyword arguments (`sys.implementation` is one).

use crate::lookup;
use crate::prelude::*;
use crate::types::{dict_methods, str};

/// No payload: everything is in the instance dict.
pub struct Namespace;

impl NativeClass for Namespace {
    fn class() -> &'static Type {
        &NAMESPACE
    }
}

/// The type `types.SimpleNamespace`.
pub static NAMESPACE: Type = Type::new::<Namespace>(
    "types.SimpleNamespace",
    &crate::types::object::OBJECT,
    type_flags::BASE | type_flags::HAVE_GC,
    Slots {
        new: Some(|vm, class, _, _| vm.try_alloc(class, Namespace).ok_or_else(|| vm.memory_error())),
        init: Some(init),
        compare: Some(compare),
        ..Slots::EMPTY.repr(repr)
    },
    &[
        MethodDef::new("__reduce__($self, /)", reduce, "Return state information for pickling"),
        MethodDef::raw("__replace__($self, /, **changes)", replace, "Return a copy of the namespace object with new values for the specified attributes."),
    ],
    &[GetSetDef::new("__dict__", |_, n| Ok(dict_of(n)))],
)
.with_dict()
.with_doc("A simple attribute-based namespace.");

/// A namespace with these attributes.
pub fn new(vm: &Vm, attributes: &[(&str, Object)]) -> Object {
    let namespace = vm.alloc(&NAMESPACE, Namespace);
    if let Some(d) = dict_of(&namespace).downcast::<Dict>() {
        for (key, value) in attributes {
            d.set_text(vm, key, value.clone());
        }
    }
    namespace
}

fn dict_of(namespace: &Object) -> Object {
    lookup::instance_dict(Vm::current(), namespace).unwrap_or(Object::NONE)
}

fn init(vm: &Vm, namespace: &Object, args: &[Object], kwnames: &[Object]) -> Result<()> {
    let (positional, keywords) = args.split_at(args.len() - kwnames.len());
    if positional.len() > 1 {
        let shown = namespace.ty().name().to_string();
        return Err(vm.type_error(format!("{shown} expected at most 1 argument, got {}", positional.len())));
    }
    let dict = dict_of(namespace);
    let Some(d) = dict.downcast::<Dict>() else { return Ok(()) };
    if let Some(source) = positional.first() {
        let given = vm.new_dict();
        let Some(g) = given.downcast::<Dict>() else { return Ok(()) };
        dict_methods::update(vm, g, source)?;
        for (key, _) in g.items() {
            if key.downcast::<Str>().is_none() {
                return Err(vm.type_error("keywords must be strings"));
            }
        }
        d.merge(vm, g, true)?;
    }
    for (key, value) in kwnames.iter().zip(keywords) {
        d.set(vm, key, value.clone())?;
    }
    Ok(())
}

fn repr(vm: &Vm, namespace: &Object) -> Result {
    let name = if namespace.ty().is(&NAMESPACE) { "namespace" } else { namespace.ty().name() };
    let Some(_guard) = vm.enter_repr(namespace) else { return Ok(vm.str(&format!("{name}(...)"))) };
    let mut out = str::Builder::new();
    out.push_str(name);
    out.push_str("(");
    let dict = dict_of(namespace);
    if let Some(d) = dict.downcast::<Dict>() {
        let (mut pos, mut first) = (0, true);
        while let Some((key, value)) = d.next_entry(&mut pos) {
            if key.downcast::<Str>().is_none_or(|s| s.is_empty()) {
                continue;
            }
            if !first {
                out.push_str(", ");
            }
            first = false;
            out.push_object(&key);
            out.push_str("=");
            out.push_object(&vm.repr(&value)?);
        }
    }
    out.push_str(")");
    Ok(out.finish(vm))
}

fn compare(vm: &Vm, a: &Object, b: &Object, op: CompareOp) -> Result {
    if a.is_instance_of(&NAMESPACE) && b.is_instance_of(&NAMESPACE) {
        return vm.compare(&dict_of(a), &dict_of(b), op);
    }
    Ok(Object::NOT_IMPLEMENTED)
}

fn reduce(vm: &Vm, args: &[Object]) -> Result {
    let empty = vm.tuple(Vec::new());
    Ok(vm.tuple(vec![args[0].ty().to_object(), empty, dict_of(&args[0])]))
}

fn replace(vm: &Vm, args: &[Object], kwnames: &[Object]) -> Result {
    let Some(namespace) = args.first() else {
        return Err(vm.type_error("unbound method SimpleNamespace.__replace__() needs an argument"));
    };
    if args.len() > 1 + kwnames.len() {
        return Err(vm.type_error("__replace__() takes no positional arguments"));
    }
    let copy = vm.call(&namespace.ty().to_object(), &[])?;
    let (source, target) = (dict_of(namespace), dict_of(&copy));
    if let (Some(source), Some(target)) = (source.downcast::<Dict>(), target.downcast::<Dict>()) {
        target.merge(vm, source, true)?;
        for (key, value) in kwnames.iter().zip(&args[1..]) {
            target.set(vm, key, value.clone())?;
        }
    }
    Ok(copy)
}
