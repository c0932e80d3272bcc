//! `_collections`: deque, defaultdict, OrderedDict, the field getter of
//! namedtuples and the counting loop of Counter.

pub mod defaultdict;
pub mod deque;
mod deque_methods;
pub mod ordereddict;
pub mod ordereddict_views;

use taipan_runtime::names::name;
use taipan_runtime::prelude::*;
use taipan_runtime::support::{allocate, check_arity, no_keywords, this};
use taipan_runtime::types::cell::ObjectCell;
use taipan_runtime::types::dict::DICT;
use taipan_runtime::types::object::OBJECT;
use taipan_runtime::types::{tuple, typ};

/// The module.
pub static COLLECTIONS: ModuleDef = ModuleDef {
    name: "_collections",
    doc: "High performance data structures.\n- deque:        ordered collection accessible from endpoints only\n- defaultdict:  dict subclass with a default value factory\n",
    functions: &[MethodDef::new(
        "_count_elements(mapping, iterable, /)",
        count_elements,
        "Count elements in the iterable, updating the mapping",
    )],
    types: &[
        &deque::DEQUE,
        &deque::DEQUE_ITERATOR,
        &deque::DEQUE_REVERSE_ITERATOR,
        &defaultdict::DEFAULTDICT,
        &ordereddict::ORDERED_DICT,
        &TUPLEGETTER,
    ],
    init: Some(|vm, _| {
        for ty in ordereddict_views::TYPES {
            typ::ready(vm, ty);
        }
        Ok(())
    }),
};

// ---- _count_elements ------------------------------------------------------------------

/// Is the method of that name what dict itself has?
fn is_dicts_own(vm: &Vm, class: &Type, method: &Object) -> bool {
    class.lookup(vm, method) == DICT.lookup(vm, method)
}

fn count_elements(vm: &Vm, args: &[Object]) -> Result {
    let (mapping, iterable) = (&args[0], &args[1]);
    let iterator = vm.iter(iterable)?;
    let class = mapping.ty();
    let get = vm.intern("get");
    let one = vm.int(1);
    if let Some(dict) = mapping.downcast::<Dict>()
        && is_dicts_own(vm, class, &get)
        && is_dicts_own(vm, class, name::setitem.object())
    {
        while let Some(key) = vm.next(&iterator)? {
            let hash = vm.hash(&key)?;
            let value = match dict.get_with_hash(vm, &key, hash)? {
                Some(old) if old.is_int() => vm.int(old.as_int() + 1),
                Some(old) => vm.binary(BinaryOp::Add, &old, &one)?,
                None => one.clone(),
            };
            dict.set_with_hash(vm, &key, hash, value)?;
        }
        return Ok(Object::NONE);
    }
    let bound_get = vm.get_attr(mapping, &get)?;
    let zero = vm.int(0);
    while let Some(key) = vm.next(&iterator)? {
        let old = vm.call(&bound_get, &[key.clone(), zero.clone()])?;
        let new = vm.binary(BinaryOp::Add, &old, &one)?;
        vm.set_item(mapping, &key, &new)?;
    }
    Ok(Object::NONE)
}

// ---- _tuplegetter -----------------------------------------------------------------------

/// Payload of _tuplegetter: the descriptor of a namedtuple's field.
pub struct TupleGetter {
    index: isize,
    doc: ObjectCell,
}

impl NativeClass for TupleGetter {
    fn class() -> &'static Type {
        &TUPLEGETTER
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.doc.traverse(visitor);
    }
    fn clear(&self) {
        self.doc.clear();
    }
}

pub static TUPLEGETTER: Type = Type::new::<TupleGetter>(
    "collections._tuplegetter",
    &OBJECT,
    type_flags::HAVE_GC,
    Slots {
        new: Some(getter_new),
        descr_get: Some(getter_get),
        descr_set: Some(|vm, _, _, value| {
            let text = if value.is_some() { "can't set attribute" } else { "can't delete attribute" };
            Err(vm.error(&exc::ATTRIBUTE_ERROR, text))
        }),
        ..Slots::EMPTY.repr(|vm, getter| {
            let this = this::<TupleGetter>(getter);
            let doc = vm.repr_text(&this.doc.or_none())?;
            Ok(vm.str(&format!("{}({}, {doc})", getter.ty().name(), this.index)))
        })
    },
    &[MethodDef::new(
        "__reduce__($self, /)",
        |vm, args| {
            let this = this::<TupleGetter>(&args[0]);
            let state = tuple::from_array(vm, [vm.int(this.index as i64), this.doc.or_none()]);
            Ok(tuple::from_array(vm, [args[0].ty().to_object(), state]))
        },
        "",
    )],
    &[GetSetDef::new("__doc__", |_, getter| Ok(this::<TupleGetter>(getter).doc.or_none())).with_set(
        |_, getter, value| {
            this::<TupleGetter>(getter).doc.set_option(value.cloned());
            Ok(())
        },
    )],
);

fn getter_new(vm: &Vm, class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    let args = no_keywords(vm, class, &TUPLEGETTER, args, kwnames)?;
    check_arity(vm, "_tuplegetter", args.len(), 2, 2)?;
    let index = vm.index_isize(&args[0])?;
    allocate(vm, class, TupleGetter { index, doc: ObjectCell::new(args[1].clone()) })
}

fn getter_get(vm: &Vm, getter: &Object, object: Option<&Object>, _owner: Option<&Object>) -> Result {
    let Some(object) = object else { return Ok(getter.clone()) };
    let index = this::<TupleGetter>(getter).index;
    let Some(tuple) = object.downcast::<Tuple>() else {
        if object.is_none() {
            return Ok(getter.clone());
        }
        return Err(vm.type_error(format!(
            "descriptor for index '{index}' for tuple subclasses doesn't apply to '{}' object",
            object.ty().name()
        )));
    };
    match usize::try_from(index).ok().and_then(|i| tuple.items().get(i)) {
        Some(item) => Ok(item.clone()),
        None => Err(vm.index_error("tuple index out of range")),
    }
}
