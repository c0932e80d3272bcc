//! mappingproxy: the read-only view of a mapping that `type.__dict__` is.

use crate::names::name;
use crate::prelude::*;
use crate::types::cell::ObjectCell;
use crate::types::str;

/// Payload of mappingproxy.
pub struct MappingProxy {
    mapping: ObjectCell,
}

impl NativeClass for MappingProxy {
    fn class() -> &'static Type {
        &MAPPINGPROXY
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.mapping.traverse(visitor)
    }
}

pub static MAPPINGPROXY: Type = Type::new::<MappingProxy>(
    "mappingproxy",
    &crate::types::object::OBJECT,
    type_flags::HAVE_GC | type_flags::MAPPING,
    Slots {
        new: Some(proxy_new),
        hash: Some(|vm, p| vm.hash(&mapping(p))),
        compare: Some(proxy_compare),
        len: Some(|vm, p| vm.len(&mapping(p))),
        getitem: Some(|vm, p, key| vm.get_item(&mapping(p), key)),
        contains: Some(proxy_contains),
        ..Slots::EMPTY
            .repr(proxy_repr)
            .str(|vm, p| vm.str_of(&mapping(p)))
            .iter(|vm, p| vm.iter(&mapping(p)))
            .binary(BinaryOp::Or, |vm, a, b| vm.binary(BinaryOp::Or, &unwrap(a), &unwrap(b)))
            .inplace(BinaryOp::Or, proxy_ior)
    },
    &[
        MethodDef::new(
            "get($self, key, default=None, /)",
            |vm, args| vm.call_method(&mapping(&args[0]), "get", &args[1..3]),
            "Return the value for key if key is in the mapping, else default.",
        ),
        MethodDef::new(
            "keys($self, /)",
            |vm, args| vm.call_method_object(&mapping(&args[0]), name::keys.object(), &[]),
            "a set-like object providing a view on the keys",
        ),
        MethodDef::new(
            "values($self, /)",
            |vm, args| vm.call_method_object(&mapping(&args[0]), name::values.object(), &[]),
            "an object providing a view on the values",
        ),
        MethodDef::new(
            "items($self, /)",
            |vm, args| vm.call_method_object(&mapping(&args[0]), name::items.object(), &[]),
            "a set-like object providing a view on the items",
        ),
        MethodDef::new(
            "copy($self, /)",
            |vm, args| vm.call_method_object(&mapping(&args[0]), name::copy.object(), &[]),
            "a shallow copy of the mapping",
        ),
        MethodDef::new(
            "__reversed__($self, /)",
            |vm, args| vm.call_method_object(&mapping(&args[0]), name::reversed.object(), &[]),
            "a reverse iterator over the keys",
        ),
        MethodDef::new(
            "__class_getitem__($type, object, /)",
            crate::types::genericalias::class_getitem,
            "See PEP 585",
        )
        .class_method(),
    ],
    &[],
)
.with_doc("A read-only view of a mapping.");

/// The view of a mapping.
pub fn new(vm: &Vm, mapping: &Object) -> Object {
    vm.alloc(&MAPPINGPROXY, MappingProxy { mapping: ObjectCell::new(mapping.clone()) })
}

/// The mapping behind a proxy.
pub fn mapping(proxy: &Object) -> Object {
    // SAFETY: slots and methods of mappingproxy are only called on proxies.
    unsafe { proxy.payload_unchecked::<MappingProxy>() }.mapping.get()
}

fn unwrap(object: &Object) -> Object {
    if object.downcast::<MappingProxy>().is_some() { mapping(object) } else { object.clone() }
}

static SIG: Sig = Sig::new("mappingproxy(mapping)");

fn proxy_new(vm: &Vm, _class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    let args = SIG.bind(vm, args, kwnames)?;
    let source = &args[0];
    let is_mapping = source.ty().slots().getitem.is_some()
        && source.downcast::<List>().is_none()
        && source.downcast::<Tuple>().is_none();
    if !is_mapping {
        return Err(
            vm.type_error(format!("mappingproxy() argument must be a mapping, not {}", source.ty().name()))
        );
    }
    Ok(new(vm, source))
}

fn proxy_compare(vm: &Vm, a: &Object, b: &Object, op: CompareOp) -> Result {
    match a.downcast::<MappingProxy>() {
        Some(_) => vm.compare(&mapping(a), b, op),
        None => Ok(Object::NOT_IMPLEMENTED),
    }
}

fn proxy_contains(vm: &Vm, proxy: &Object, key: &Object) -> Result<bool> {
    vm.contains(&mapping(proxy), key)
}

fn proxy_repr(vm: &Vm, proxy: &Object) -> Result {
    let mut out = str::Builder::new();
    out.push_str("mappingproxy(");
    out.push_object(&vm.repr(&mapping(proxy))?);
    out.push_str(")");
    Ok(out.finish(vm))
}

fn proxy_ior(vm: &Vm, proxy: &Object, other: &Object) -> Result {
    Err(vm.type_error(format!(
        "'|=' is not supported by {}; use '|' instead",
        if proxy.downcast::<MappingProxy>().is_some() { proxy.ty().name() } else { other.ty().name() }
    )))
}
