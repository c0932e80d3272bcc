//! The iterator and the views of `collections.OrderedDict`. Unlike those of
//! dict, the iterator notices any change of the order.

use super::ordereddict::OrderedDict;
use std::cell::Cell;
use taipan_runtime::prelude::*;
use taipan_runtime::support::{allocate, this};
use taipan_runtime::types::cell::ObjectCell;
use taipan_runtime::types::dict_views::{
    self, DICT_ITEMS, DICT_KEYS, DICT_VALUES, DictView, ITEMS, KEYS, VALUES,
};
use taipan_runtime::types::object::OBJECT;
use taipan_runtime::types::tuple;

/// The types of this file.
pub static TYPES: [&Type; 4] = [&ODICT_ITERATOR, &ODICT_KEYS, &ODICT_ITEMS, &ODICT_VALUES];

/// Payload of odict_iterator.
pub struct OdictIterator {
    dict: ObjectCell,
    /// Position of the next entry; reversed: one behind it.
    pos: Cell<usize>,
    changes: u32,
    kind: u8,
    reversed: bool,
}

impl NativeClass for OdictIterator {
    fn class() -> &'static Type {
        &ODICT_ITERATOR
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.dict.traverse(visitor);
    }
    fn clear(&self) {
        self.dict.clear();
    }
}

pub static ODICT_ITERATOR: Type = Type::new::<OdictIterator>(
    "odict_iterator",
    &OBJECT,
    type_flags::HAVE_GC | type_flags::DISALLOW_INSTANTIATION,
    Slots { next: Some(next), ..Slots::EMPTY.iter(|_, iterator| Ok(iterator.clone())) },
    &[MethodDef::new("__reduce__($self, /)", reduce, "Return state information for pickling")],
    &[],
);

/// An iterator over an OrderedDict.
pub fn iterator(vm: &Vm, dict: &Object, kind: u8, reversed: bool) -> Result {
    let Some(payload) = dict.downcast::<OrderedDict>() else {
        return Err(vm.type_error("expected an OrderedDict"));
    };
    let pos =
        if reversed { payload.dict.entries().len() } else { payload.dict.first_position().unwrap_or(0) };
    let iterator = OdictIterator {
        dict: ObjectCell::new(dict.clone()),
        pos: Cell::new(pos),
        changes: payload.dict.changes(),
        kind,
        reversed,
    };
    allocate(vm, &ODICT_ITERATOR, iterator)
}

fn next(vm: &Vm, iterator: &Object) -> Result<Option<Object>> {
    let this = this::<OdictIterator>(iterator);
    let dict = this.dict.get();
    let Some(payload) = dict.downcast::<OrderedDict>() else { return Ok(None) };
    if payload.dict.changes() != this.changes {
        this.dict.clear();
        return Err(vm.runtime_error("OrderedDict mutated during iteration"));
    }
    let mut pos = this.pos.get();
    let entry = if this.reversed {
        loop {
            if pos == 0 {
                break None;
            }
            pos -= 1;
            let mut at = pos;
            if let Some(entry) = payload.dict.entries().get(pos)
                && !entry.key.is_unbound()
            {
                break payload.dict.next_entry(&mut at);
            }
        }
    } else {
        payload.dict.next_entry(&mut pos)
    };
    this.pos.set(pos);
    let Some((key, value)) = entry else {
        this.dict.clear();
        return Ok(None);
    };
    let value = match this.kind {
        // A key has to be found again.
        _ if key.ty().is_heap() => payload.dict.get(vm, &key)?.ok_or_else(|| vm.key_error(&key))?,
        _ => value,
    };
    Ok(Some(match this.kind {
        KEYS => key,
        VALUES => value,
        _ => tuple::from_array(vm, [key, value]),
    }))
}

fn reduce(vm: &Vm, args: &[Object]) -> Result {
    let this = this::<OdictIterator>(&args[0]);
    let rest = allocate(
        vm,
        &ODICT_ITERATOR,
        OdictIterator {
            dict: ObjectCell::new(this.dict.get()),
            pos: Cell::new(this.pos.get()),
            changes: this.changes,
            kind: this.kind,
            reversed: this.reversed,
        },
    )?;
    let items = vm.list(vm.collect(&rest)?);
    let iter = vm.get_attr_str(&vm.import_module("builtins")?, "iter")?;
    Ok(tuple::from_array(vm, [iter, tuple::from_array(vm, [items])]))
}

fn viewed(view: &Object) -> Object {
    dict_views::viewed(view).unwrap_or(Object::NONE)
}

macro_rules! view_type {
    ($static:ident, $name:literal, $base:ident, $kind:ident) => {
        pub static $static: Type = Type::new::<DictView>(
            $name,
            &$base,
            type_flags::HAVE_GC | type_flags::DISALLOW_INSTANTIATION,
            Slots::EMPTY.iter(|vm, view| iterator(vm, &viewed(view), $kind, false)),
            &[MethodDef::new(
                "__reversed__($self, /)",
                |vm, args| iterator(vm, &viewed(&args[0]), $kind, true),
                "",
            )],
            &[],
        );
    };
}

view_type!(ODICT_KEYS, "odict_keys", DICT_KEYS, KEYS);
view_type!(ODICT_ITEMS, "odict_items", DICT_ITEMS, ITEMS);
view_type!(ODICT_VALUES, "odict_values", DICT_VALUES, VALUES);
