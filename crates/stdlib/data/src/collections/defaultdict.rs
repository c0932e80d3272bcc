//! `collections.defaultdict`: a dict whose missing values a factory makes.

use taipan_runtime::names::name;
use taipan_runtime::prelude::*;
use taipan_runtime::support::{allocate, this};
use taipan_runtime::types::cell::ObjectCell;
use taipan_runtime::types::dict::DICT;
use taipan_runtime::types::genericalias::class_getitem;
use taipan_runtime::types::tuple;

/// Payload of defaultdict: that of dict, with the factory behind it.
#[repr(C)]
pub struct DefaultDict {
    dict: Dict,
    factory: ObjectCell,
}

impl NativeClass for DefaultDict {
    fn class() -> &'static Type {
        &DEFAULTDICT
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.dict.traverse(visitor);
        self.factory.traverse(visitor);
    }
    fn clear(&self) {
        self.factory.clear();
        self.dict.clear();
    }
}

pub static DEFAULTDICT: Type = Type::new::<DefaultDict>(
    "collections.defaultdict",
    &DICT,
    type_flags::BASE | type_flags::HAVE_GC | type_flags::MAPPING,
    Slots {
        new: Some(|vm, class, _, _| {
            allocate(vm, class, DefaultDict { dict: Dict::new_payload(), factory: ObjectCell::EMPTY })
        }),
        init: Some(default_init),
        getitem: Some(default_getitem),
        ..Slots::EMPTY.repr(default_repr).binary(BinaryOp::Or, default_or)
    },
    &[
        MethodDef::new("__missing__($self, key, /)", |vm, args| missing(vm, &args[0], &args[1]), "Called by __getitem__ for missing key:\nif self.default_factory is None: raise KeyError((key,))\nself[key] = value = self.default_factory()\nreturn value"),
        MethodDef::new("copy($self, /)", |vm, args| like(vm, &args[0], &args[0]), "D.copy() -> a shallow copy of D."),
        MethodDef::new("__copy__($self, /)", |vm, args| like(vm, &args[0], &args[0]), "D.copy() -> a shallow copy of D."),
        MethodDef::new("__reduce__($self, /)", reduce, "Return state information for pickling."),
        MethodDef::new("__class_getitem__($type, object, /)", class_getitem, "See PEP 585").class_method(),
    ],
    &[GetSetDef::new("default_factory", |_, object| Ok(this::<DefaultDict>(object).factory.or_none()))
        .with_set(|_, object, value| {
            this::<DefaultDict>(object).factory.set_option(value.cloned());
            Ok(())
        })
        .with_doc("Factory for default value called by __missing__().")],
)
.with_doc("defaultdict(default_factory=None, /, [...]) --> dict with default factory\n\nThe default factory is called without arguments to produce\na new value when a key is not present, in __getitem__ only.\nA defaultdict compares equal to a dict with the same items.\nAll remaining arguments are treated the same as if they were\npassed to the dict constructor, including keyword arguments.");

fn default_init(vm: &Vm, object: &Object, args: &[Object], kwnames: &[Object]) -> Result<()> {
    let nargs = args.len() - kwnames.len();
    let mut rest = args;
    let mut factory = Object::UNBOUND;
    if nargs > 0 {
        rest = &args[1..];
        if !args[0].is_none() && !vm.is_callable(&args[0]) {
            return Err(vm.type_error("first argument must be callable or None"));
        }
        factory = args[0].clone();
    }
    let old = this::<DefaultDict>(object).factory.replace(factory);
    let result = match DICT.slots().init {
        Some(init) => init(vm, object, rest, kwnames),
        None => Ok(()),
    };
    drop(old);
    result
}

/// `__missing__`: the factory's value, stored.
fn missing(vm: &Vm, object: &Object, key: &Object) -> Result {
    let this = this::<DefaultDict>(object);
    let factory = this.factory.get();
    if factory.some().is_none() {
        return Err(vm.key_error(key));
    }
    let value = vm.call(&factory, &[])?;
    // What the factory has set itself stays.
    this.dict.set_default(vm, key, &value)
}

fn default_getitem(vm: &Vm, object: &Object, key: &Object) -> Result {
    let this = this::<DefaultDict>(object);
    if let Some(found) = this.dict.get(vm, key)? {
        return Ok(found);
    }
    if object.ty().is(&DEFAULTDICT) {
        return missing(vm, object, key);
    }
    match vm.call_special(object, name::missing.object(), std::slice::from_ref(key))? {
        Some(value) => Ok(value),
        None => Err(vm.key_error(key)),
    }
}

/// A new one of the object's type, with its factory and the items of `source`.
fn like(vm: &Vm, object: &Object, source: &Object) -> Result {
    let factory = this::<DefaultDict>(object).factory.or_none();
    vm.call(&object.ty().to_object(), &[factory, source.clone()])
}

fn default_or(vm: &Vm, a: &Object, b: &Object) -> Result {
    let (mine, other) = if a.downcast::<DefaultDict>().is_some() { (a, b) } else { (b, a) };
    if mine.downcast::<DefaultDict>().is_none() || other.downcast::<Dict>().is_none() {
        return Ok(Object::NOT_IMPLEMENTED);
    }
    let new = like(vm, mine, a)?;
    vm.call_method(&new, "update", std::slice::from_ref(b))?;
    Ok(new)
}

fn reduce(vm: &Vm, args: &[Object]) -> Result {
    let object = &args[0];
    let factory = this::<DefaultDict>(object).factory.or_none();
    let new_args = if factory.is_none() { vm.tuple(Vec::new()) } else { tuple::from_array(vm, [factory]) };
    let items = vm.call_method(object, "items", &[])?;
    let iterator = vm.iter(&items)?;
    Ok(tuple::from_array(vm, [object.ty().to_object(), new_args, Object::NONE, Object::NONE, iterator]))
}

fn default_repr(vm: &Vm, object: &Object) -> Result {
    let Some(repr) = DICT.slots().unary[UnaryOp::Repr as usize] else { return Ok(vm.intern("{}")) };
    let base = repr(vm, object)?;
    let factory = this::<DefaultDict>(object).factory.or_none();
    // A factory may show this very dict.
    let shown = match vm.enter_repr(&factory) {
        None => vm.intern("..."),
        Some(_guard) => vm.repr(&factory)?,
    };
    let mut out = taipan_runtime::types::str::Builder::new();
    out.push_str(object.ty().name());
    out.push_str("(");
    out.push_object(&shown);
    out.push_str(", ");
    out.push_object(&base);
    out.push_str(")");
    Ok(out.finish(vm))
}
