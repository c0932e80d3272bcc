//! cell: the box through which closures share a variable, and [`ObjectCell`],
//! the mutable field that payloads of native types are made of.
//!
//! An [`ObjectCell`] never hands out a reference into itself: `get` counts up,
//! `set` drops the old content only after the new one is in place.

use crate::prelude::*;
use std::cell::UnsafeCell;

/// A mutable field holding an object, UNBOUND when empty.
pub struct ObjectCell(UnsafeCell<Object>);

impl ObjectCell {
    pub const EMPTY: ObjectCell = ObjectCell(UnsafeCell::new(Object::UNBOUND));

    #[inline]
    pub const fn new(object: Object) -> ObjectCell {
        ObjectCell(UnsafeCell::new(object))
    }
    /// The content, UNBOUND if empty.
    #[inline(always)]
    pub fn get(&self) -> Object {
        // SAFETY: under the GIL; the borrow ends with the clone.
        unsafe { (*self.0.get()).clone() }
    }
    /// The raw word, not counted.
    #[inline(always)]
    pub fn value(&self) -> Value {
        // SAFETY: as in `get`.
        unsafe { (*self.0.get()).value() }
    }
    /// The content, None if empty.
    #[inline(always)]
    pub fn bound(&self) -> Option<Object> {
        if self.value().is_unbound() { None } else { Some(self.get()) }
    }
    /// The content, Python's None if empty.
    #[inline(always)]
    pub fn or_none(&self) -> Object {
        if self.value().is_unbound() { Object::NONE } else { self.get() }
    }
    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        self.value().is_unbound()
    }
    /// Puts `object` in and returns what was there.
    #[inline(always)]
    pub fn replace(&self, object: Object) -> Object {
        // SAFETY: under the GIL; nothing runs during the exchange.
        unsafe { std::mem::replace(&mut *self.0.get(), object) }
    }
    /// Puts `object` in, then drops what was there.
    #[inline(always)]
    pub fn set(&self, object: Object) {
        drop(self.replace(object))
    }
    /// Puts in the object, or nothing.
    #[inline]
    pub fn set_option(&self, object: Option<Object>) {
        self.set(object.unwrap_or(Object::UNBOUND))
    }
    /// Empties the field.
    #[inline(always)]
    pub fn take(&self) -> Object {
        self.replace(Object::UNBOUND)
    }
    #[inline]
    pub fn traverse(&self, visitor: &mut Visitor) {
        visitor.visit(self.value())
    }
    pub fn clear(&self) {
        drop(self.take())
    }
}

impl Default for ObjectCell {
    fn default() -> ObjectCell {
        ObjectCell::EMPTY
    }
}

/// Payload of `cell`.
pub struct CellObject {
    content: ObjectCell,
}

impl CellObject {
    /// The content, if there is one.
    #[inline(always)]
    pub fn get(&self) -> Option<Object> {
        self.content.bound()
    }
    /// The raw content, not counted; UNBOUND if empty.
    #[inline(always)]
    pub fn value(&self) -> Value {
        self.content.value()
    }
    #[inline(always)]
    pub fn set(&self, content: Option<Object>) {
        self.content.set_option(content)
    }
}

impl NativeClass for CellObject {
    fn class() -> &'static Type {
        &CELL
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.content.traverse(visitor)
    }
    fn clear(&self) {
        self.content.clear()
    }
}

pub static CELL: Type = Type::new::<CellObject>(
    "cell",
    &crate::types::object::OBJECT,
    type_flags::HAVE_GC,
    Slots {
        new: Some(cell_new),
        hash: Some(crate::slots::hash_unhashable),
        compare: Some(cell_compare),
        ..Slots::EMPTY.repr(cell_repr)
    },
    &[],
    &[GetSetDef::new("cell_contents", get_contents).with_set(set_contents)],
)
.with_doc("A variable that several functions share.\n\ncell()          an empty cell\ncell(contents)  a cell holding contents");

/// A new cell.
pub fn new(vm: &Vm, content: Option<Object>) -> Object {
    vm.alloc(&CELL, CellObject { content: ObjectCell::new(content.unwrap_or(Object::UNBOUND)) })
}

fn this(object: &Object) -> &CellObject {
    // SAFETY: slots and methods of cell are only called on cells.
    unsafe { object.payload_unchecked() }
}

fn cell_new(vm: &Vm, _class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    if !kwnames.is_empty() {
        return Err(vm.type_error("cell() takes no keyword arguments"));
    }
    if args.len() > 1 {
        return Err(vm.type_error(format!("cell expected at most 1 argument, got {}", args.len())));
    }
    Ok(new(vm, args.first().cloned()))
}

fn cell_repr(vm: &Vm, object: &Object) -> Result {
    let address = object.bits();
    Ok(vm.str(&match this(object).get() {
        None => format!("<cell at {address:#x}: empty>"),
        Some(content) => {
            format!("<cell at {address:#x}: {} object at {:#x}>", content.ty().name(), content.bits())
        }
    }))
}

fn cell_compare(vm: &Vm, a: &Object, b: &Object, op: CompareOp) -> Result {
    let (Some(x), Some(y)) = (a.downcast::<CellObject>(), b.downcast::<CellObject>()) else {
        return Ok(Object::NOT_IMPLEMENTED);
    };
    match (x.get(), y.get()) {
        (Some(p), Some(q)) => vm.compare(&p, &q, op),
        (p, q) => Ok(Object::bool(op.holds(Some(p.is_some().cmp(&q.is_some()))))),
    }
}

fn get_contents(vm: &Vm, object: &Object) -> Result {
    this(object).get().ok_or_else(|| vm.value_error("Cell is empty"))
}

fn set_contents(_vm: &Vm, object: &Object, value: Option<&Object>) -> Result<()> {
    this(object).set(value.cloned());
    Ok(())
}
