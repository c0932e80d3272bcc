//! Iterators of tuples, lists and sequences with `__getitem__` only.
//!
//! An exhausted iterator lets go of what it iterated, and stays exhausted. The
//! interpreter loop steps through [`ListIterator`] and [`TupleIterator`] itself.

use crate::prelude::*;
use crate::types::cell::ObjectCell;
use crate::types::{set, zip_map};
use std::cell::Cell;

/// Payload of list_iterator and list_reverseiterator. The reverse iterator
/// counts its index down, usize::MAX standing for -1.
pub struct ListIterator {
    /// UNBOUND when exhausted.
    pub(crate) list: ObjectCell,
    pub(crate) index: Cell<usize>,
}

impl NativeClass for ListIterator {
    fn class() -> &'static Type {
        &LIST_ITERATOR
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.list.traverse(visitor)
    }
    fn clear(&self) {
        self.list.clear()
    }
}

/// Payload of tuple_iterator.
pub struct TupleIterator {
    /// UNBOUND when exhausted.
    pub(crate) tuple: ObjectCell,
    pub(crate) index: Cell<usize>,
}

impl NativeClass for TupleIterator {
    fn class() -> &'static Type {
        &TUPLE_ITERATOR
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.tuple.traverse(visitor)
    }
    fn clear(&self) {
        self.tuple.clear()
    }
}

/// Payload of iterator, which calls `__getitem__` with 0, 1, 2...
pub struct SequenceIterator {
    sequence: ObjectCell,
    index: Cell<i64>,
}

impl NativeClass for SequenceIterator {
    fn class() -> &'static Type {
        &SEQUENCE_ITERATOR
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.sequence.traverse(visitor)
    }
    fn clear(&self) {
        self.sequence.clear()
    }
}

/// Every iterator type of this file and its neighbours.
pub static TYPES: [&Type; 11] = [
    &LIST_ITERATOR,
    &LIST_REVERSE_ITERATOR,
    &TUPLE_ITERATOR,
    &SEQUENCE_ITERATOR,
    &set::SET_ITERATOR,
    &zip_map::CALLABLE_ITERATOR,
    &zip_map::ENUMERATE,
    &zip_map::FILTER,
    &zip_map::MAP,
    &zip_map::REVERSED,
    &zip_map::ZIP,
];

/// The `__iter__` of iterators.
pub fn itself(_vm: &Vm, object: &Object) -> Result {
    Ok(object.clone())
}

/// The docs of the methods that iterators share.
pub(crate) const HINT_DOC: &str = "Private method returning an estimate of len(list(it)).";
pub(crate) const REDUCE_DOC: &str = "Return state information for pickling.";
pub(crate) const SETSTATE_DOC: &str = "Set state information for unpickling.";

fn list_it(object: &Object) -> &ListIterator {
    // SAFETY: slots and methods of the list iterators are only called on them.
    unsafe { object.payload_unchecked() }
}

fn tuple_it(object: &Object) -> &TupleIterator {
    // SAFETY: as above.
    unsafe { object.payload_unchecked() }
}

fn sequence_it(object: &Object) -> &SequenceIterator {
    // SAFETY: as above.
    unsafe { object.payload_unchecked() }
}

/// The builtin function of that name, for `__reduce__`. The lookup may run
/// Python code, so it comes before the iterator is looked at.
pub(crate) fn builtin(vm: &Vm, function: &str) -> Result {
    let builtins = crate::types::function::running_builtins(vm);
    let name = vm.intern(function);
    let found = match builtins.downcast_exact::<Dict>() {
        Some(dict) => dict.get(vm, &name)?,
        None => {
            let found = vm.get_item(&builtins, &name);
            vm.swallow(found, &exc::KEY_ERROR)?
        }
    };
    found.ok_or_else(|| vm.error(&exc::ATTRIBUTE_ERROR, function))
}

/// `(function, (source,), state)` or, without a state, `(function, (source,))`.
fn reduced(vm: &Vm, function: Object, source: Object, state: Option<Object>) -> Result {
    let mut out = vec![function, vm.tuple(vec![source])];
    out.extend(state);
    Ok(vm.tuple(out))
}

// ---- list ------------------------------------------------------------------------------

pub static LIST_ITERATOR: Type = Type::new::<ListIterator>(
    "list_iterator",
    &crate::types::object::OBJECT,
    type_flags::HAVE_GC,
    Slots { next: Some(list_next), ..Slots::EMPTY.iter(itself) },
    &[
        MethodDef::new("__length_hint__($self, /)", list_hint, HINT_DOC),
        MethodDef::new("__reduce__($self, /)", list_reduce, REDUCE_DOC),
        MethodDef::new("__setstate__($self, object, /)", list_setstate, SETSTATE_DOC),
    ],
    &[],
);

/// An iterator over a list.
pub fn list_iterator(vm: &Vm, list: Object) -> Object {
    vm.alloc_exact(&LIST_ITERATOR, true, ListIterator { list: ObjectCell::new(list), index: Cell::new(0) })
}

fn list_next(_vm: &Vm, object: &Object) -> Result<Option<Object>> {
    let this = list_it(object);
    let list = this.list.value();
    if list.is_unbound() {
        return Ok(None);
    }
    let index = this.index.get();
    // SAFETY: `list` holds a list, which stays alive while nothing else runs.
    let item = unsafe { Object::borrow_value(&list).payload_unchecked::<List>() }.get(index);
    match item {
        Some(item) => {
            this.index.set(index + 1);
            Ok(Some(item))
        }
        None => {
            this.list.clear();
            Ok(None)
        }
    }
}

fn list_len(list: &Object) -> usize {
    list.downcast::<List>().map_or(0, |l| l.len())
}

fn list_hint(vm: &Vm, args: &[Object]) -> Result {
    let this = list_it(&args[0]);
    Ok(vm.usize(this.list.bound().map_or(0, |list| list_len(&list).saturating_sub(this.index.get()))))
}

fn list_reduce(vm: &Vm, args: &[Object]) -> Result {
    let function = builtin(vm, "iter")?;
    let this = list_it(&args[0]);
    match this.list.bound() {
        Some(list) => reduced(vm, function, list, Some(vm.usize(this.index.get()))),
        None => reduced(vm, function, vm.list(Vec::new()), None),
    }
}

fn list_setstate(vm: &Vm, args: &[Object]) -> Result {
    let state = vm.index_isize(&args[1])?;
    let this = list_it(&args[0]);
    if state < 0 {
        // Before the start is behind the end.
        this.list.clear();
    } else if let Some(list) = this.list.bound() {
        this.index.set((state as usize).min(list_len(&list)));
    }
    Ok(Object::NONE)
}

pub static LIST_REVERSE_ITERATOR: Type = Type::new::<ListIterator>(
    "list_reverseiterator",
    &crate::types::object::OBJECT,
    type_flags::HAVE_GC,
    Slots { next: Some(reverse_next), ..Slots::EMPTY.iter(itself) },
    &[
        MethodDef::new("__length_hint__($self, /)", reverse_hint, HINT_DOC),
        MethodDef::new("__reduce__($self, /)", reverse_reduce, REDUCE_DOC),
        MethodDef::new("__setstate__($self, object, /)", reverse_setstate, SETSTATE_DOC),
    ],
    &[],
);

/// An iterator over a list from its end.
pub fn list_reverse_iterator(vm: &Vm, list: Object) -> Object {
    let index = list_len(&list).wrapping_sub(1);
    vm.alloc(&LIST_REVERSE_ITERATOR, ListIterator { list: ObjectCell::new(list), index: Cell::new(index) })
}

fn reverse_next(_vm: &Vm, object: &Object) -> Result<Option<Object>> {
    let this = list_it(object);
    let list = this.list.value();
    if list.is_unbound() {
        return Ok(None);
    }
    let index = this.index.get();
    // SAFETY: as in `list_next`.
    let item = unsafe { Object::borrow_value(&list).payload_unchecked::<List>() }.get(index);
    match item {
        Some(item) => {
            this.index.set(index.wrapping_sub(1));
            Ok(Some(item))
        }
        None => {
            this.index.set(usize::MAX);
            this.list.clear();
            Ok(None)
        }
    }
}

fn reverse_hint(vm: &Vm, args: &[Object]) -> Result {
    let this = list_it(&args[0]);
    let left = this.index.get().wrapping_add(1);
    Ok(vm.usize(this.list.bound().map_or(0, |list| if list_len(&list) < left { 0 } else { left })))
}

fn reverse_reduce(vm: &Vm, args: &[Object]) -> Result {
    let function = builtin(vm, "reversed")?;
    let this = list_it(&args[0]);
    match this.list.bound() {
        Some(list) => reduced(vm, function, list, Some(vm.int(this.index.get() as isize as i64))),
        None => reduced(vm, function, vm.list(Vec::new()), None),
    }
}

fn reverse_setstate(vm: &Vm, args: &[Object]) -> Result {
    let state = vm.index_isize(&args[1])?;
    let this = list_it(&args[0]);
    if let Some(list) = this.list.bound() {
        let last = list_len(&list) as isize - 1;
        this.index.set(state.max(-1).min(last) as usize);
    }
    Ok(Object::NONE)
}

// ---- tuple -----------------------------------------------------------------------------

pub static TUPLE_ITERATOR: Type = Type::new::<TupleIterator>(
    "tuple_iterator",
    &crate::types::object::OBJECT,
    type_flags::HAVE_GC,
    Slots { next: Some(tuple_next), ..Slots::EMPTY.iter(itself) },
    &[
        MethodDef::new("__length_hint__($self, /)", tuple_hint, HINT_DOC),
        MethodDef::new("__reduce__($self, /)", tuple_reduce, REDUCE_DOC),
        MethodDef::new("__setstate__($self, object, /)", tuple_setstate, SETSTATE_DOC),
    ],
    &[],
);

/// An iterator over a tuple.
pub fn tuple_iterator(vm: &Vm, tuple: Object) -> Object {
    vm.alloc_exact(
        &TUPLE_ITERATOR,
        true,
        TupleIterator { tuple: ObjectCell::new(tuple), index: Cell::new(0) },
    )
}

fn tuple_next(_vm: &Vm, object: &Object) -> Result<Option<Object>> {
    let this = tuple_it(object);
    let tuple = this.tuple.value();
    if tuple.is_unbound() {
        return Ok(None);
    }
    let index = this.index.get();
    // SAFETY: `tuple` holds a tuple, which stays alive while nothing else runs.
    let item =
        unsafe { Object::borrow_value(&tuple).payload_unchecked::<Tuple>() }.items().get(index).cloned();
    match item {
        Some(item) => {
            this.index.set(index + 1);
            Ok(Some(item))
        }
        None => {
            this.tuple.clear();
            Ok(None)
        }
    }
}

fn tuple_len(tuple: &Object) -> usize {
    tuple.downcast::<Tuple>().map_or(0, |t| t.len())
}

fn tuple_hint(vm: &Vm, args: &[Object]) -> Result {
    let this = tuple_it(&args[0]);
    Ok(vm.usize(this.tuple.bound().map_or(0, |tuple| tuple_len(&tuple).saturating_sub(this.index.get()))))
}

fn tuple_reduce(vm: &Vm, args: &[Object]) -> Result {
    let function = builtin(vm, "iter")?;
    let this = tuple_it(&args[0]);
    match this.tuple.bound() {
        Some(tuple) => reduced(vm, function, tuple, Some(vm.usize(this.index.get()))),
        None => reduced(vm, function, vm.tuple(Vec::new()), None),
    }
}

fn tuple_setstate(vm: &Vm, args: &[Object]) -> Result {
    let state = vm.index_isize(&args[1])?;
    let this = tuple_it(&args[0]);
    if let Some(tuple) = this.tuple.bound() {
        this.index.set((state.max(0) as usize).min(tuple_len(&tuple)));
    }
    Ok(Object::NONE)
}

// ---- sequences with __getitem__ ------------------------------------------------------------

pub static SEQUENCE_ITERATOR: Type = Type::new::<SequenceIterator>(
    "iterator",
    &crate::types::object::OBJECT,
    type_flags::HAVE_GC,
    Slots { next: Some(sequence_next), ..Slots::EMPTY.iter(itself) },
    &[
        MethodDef::new("__length_hint__($self, /)", sequence_hint, HINT_DOC),
        MethodDef::new("__reduce__($self, /)", sequence_reduce, REDUCE_DOC),
        MethodDef::new("__setstate__($self, object, /)", sequence_setstate, SETSTATE_DOC),
    ],
    &[],
);

/// An iterator that asks for item 0, 1, 2... until IndexError.
pub fn sequence_iterator(vm: &Vm, sequence: Object) -> Object {
    vm.alloc(
        &SEQUENCE_ITERATOR,
        SequenceIterator { sequence: ObjectCell::new(sequence), index: Cell::new(0) },
    )
}

fn sequence_next(vm: &Vm, object: &Object) -> Result<Option<Object>> {
    let this = sequence_it(object);
    let Some(sequence) = this.sequence.bound() else { return Ok(None) };
    let index = this.index.get();
    if index == i64::MAX {
        return Err(vm.overflow_error("iter index too large"));
    }
    // A native sequence knows where it ends: no IndexError is needed.
    let ty = sequence.ty();
    if !ty.is_heap()
        && let Some(len) = ty.slots().len
        && index as usize >= len(vm, &sequence)?
    {
        this.sequence.clear();
        return Ok(None);
    }
    match vm.get_item(&sequence, &vm.int(index)) {
        Ok(item) => {
            this.index.set(index + 1);
            Ok(Some(item))
        }
        Err(_) if vm.raised_is(&exc::INDEX_ERROR) || vm.raised_is(&exc::STOP_ITERATION) => {
            drop(vm.take_raised());
            this.sequence.clear();
            Ok(None)
        }
        Err(raised) => Err(raised),
    }
}

fn sequence_hint(vm: &Vm, args: &[Object]) -> Result {
    let this = sequence_it(&args[0]);
    let Some(sequence) = this.sequence.bound() else { return Ok(vm.int(0)) };
    if sequence.ty().slots().len.is_none() {
        return Ok(Object::NOT_IMPLEMENTED);
    }
    let len = vm.len(&sequence)? as i64;
    Ok(vm.int((len - this.index.get()).max(0)))
}

fn sequence_reduce(vm: &Vm, args: &[Object]) -> Result {
    let iter = builtin(vm, "iter")?;
    let this = sequence_it(&args[0]);
    match this.sequence.bound() {
        Some(sequence) => Ok(vm.tuple(vec![iter, vm.tuple(vec![sequence]), vm.int(this.index.get())])),
        None => Ok(vm.tuple(vec![iter, vm.tuple(vec![vm.tuple(Vec::new())])])),
    }
}

fn sequence_setstate(vm: &Vm, args: &[Object]) -> Result {
    let state = vm.index_isize(&args[1])?;
    let this = sequence_it(&args[0]);
    if !this.sequence.is_empty() {
        this.index.set(state.max(0) as i64);
    }
    Ok(Object::NONE)
}
