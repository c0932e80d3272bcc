//! The views of a dict (`dict_keys`, `dict_values`, `dict_items`) and the six
//! iterators over them.
//!
//! One payload serves the three views, one the six iterators; the type of the
//! object (and a kind in the payload) tells them apart. None of the types can
//! be subclassed, so comparing type pointers is enough.

use crate::prelude::*;
use crate::types::{dict_methods, mappingproxy, set, tuple};
use std::cell::{Cell, UnsafeCell};

/// Kind of a view or iterator: keys.
pub const KEYS: u8 = 0;
/// Kind of a view or iterator: values.
pub const VALUES: u8 = 1;
/// Kind of a view or iterator: pairs.
pub const ITEMS: u8 = 2;

/// Payload of the views.
pub struct DictView {
    pub dict: Object,
}

impl NativeClass for DictView {
    fn class() -> &'static Type {
        &DICT_KEYS
    }
    fn traverse(&self, visitor: &mut Visitor) {
        visitor.visit_object(&self.dict);
    }
}

/// Payload of the iterators.
pub(crate) struct DictIterator {
    /// UNBOUND: exhausted.
    dict: UnsafeCell<Object>,
    /// Position of the next entry; for reversed ones, one behind it.
    pub(crate) pos: Cell<usize>,
    /// The dict's length at the start; usize::MAX: it has changed.
    pub(crate) used: Cell<usize>,
    /// Items still to come.
    pub(crate) left: Cell<usize>,
    pub(crate) kind: u8,
    pub(crate) reversed: bool,
    /// The first pair handed out by an iterator over items; UNBOUND: none yet.
    first_pair: UnsafeCell<Object>,
}

impl NativeClass for DictIterator {
    fn class() -> &'static Type {
        &DICT_KEYITERATOR
    }
    fn traverse(&self, visitor: &mut Visitor) {
        visitor.visit_object(self.dict());
        // SAFETY: nobody changes the cell meanwhile.
        visitor.visit_object(unsafe { &*self.first_pair.get() });
    }
}

impl DictIterator {
    /// The dict, or UNBOUND once exhausted.
    #[inline(always)]
    pub(crate) fn dict(&self) -> &Object {
        // SAFETY: replaced only by `finish`, whose callers hold no borrow.
        unsafe { &*self.dict.get() }
    }
    /// The pair as a tuple: the first one again if nobody kept it.
    fn pair(&self, vm: &Vm, key: Object, value: Object) -> Object {
        // SAFETY: the tuple is taken out of the cell, so nobody else sees it.
        let first = unsafe { std::mem::replace(&mut *self.first_pair.get(), Object::UNBOUND) };
        let keep = |pair: &Object| {
            // SAFETY: the cell is empty now: nothing dies.
            unsafe { (*self.first_pair.get()) = pair.clone() };
        };
        if first.is_unbound() {
            let made = tuple::pair(vm, key, value);
            keep(&made);
            return made;
        }
        match tuple::reuse_pair(&first, key, value) {
            Ok(old) => {
                keep(&first);
                drop(old);
                first
            }
            Err([key, value]) => {
                keep(&first);
                tuple::pair(vm, key, value)
            }
        }
    }
    /// Lets go of the dict.
    pub(crate) fn finish(&self) {
        // SAFETY: no borrow is held; the old handle dies after the replacement.
        let old = unsafe { std::mem::replace(&mut *self.dict.get(), Object::UNBOUND) };
        drop(old);
    }
    /// The next entry, or None when exhausted.
    #[inline]
    pub(crate) fn advance(&self, vm: &Vm) -> Result<Option<(Object, Object)>> {
        let dict = self.dict();
        if dict.is_unbound() {
            return Ok(None);
        }
        // SAFETY: iterators are made for dicts only.
        let d: &Dict = unsafe { dict.payload_unchecked() };
        if d.len() != self.used.get() {
            self.used.set(usize::MAX);
            return Err(vm.runtime_error("dictionary changed size during iteration"));
        }
        let entries = d.entries();
        let mut pos = self.pos.get();
        let found = if self.reversed {
            // The table has become shorter: the place is gone.
            if pos > entries.len() {
                pos = 0;
            }
            loop {
                if pos == 0 {
                    break None;
                }
                pos -= 1;
                if !entries[pos].key.is_unbound() {
                    break Some(entries[pos]);
                }
            }
        } else {
            loop {
                match entries.get(pos) {
                    None => break None,
                    Some(entry) => {
                        pos += 1;
                        if !entry.key.is_unbound() {
                            break Some(*entry);
                        }
                    }
                }
            }
        };
        self.pos.set(pos);
        let Some(entry) = found else {
            self.finish();
            return Ok(None);
        };
        if self.left.get() == 0 {
            self.finish();
            return Err(vm.runtime_error("dictionary keys changed during iteration"));
        }
        self.left.set(self.left.get() - 1);
        // SAFETY: a live entry.
        Ok(Some(unsafe { (Object::from_borrowed(entry.key), Object::from_borrowed(entry.value)) }))
    }
}

const ITERATOR_METHODS: &[MethodDef] = &[
    MethodDef::new(
        "__length_hint__($self, /)",
        iterator_length_hint,
        "Private method returning an estimate of len(list(it)).",
    ),
    MethodDef::new("__reduce__($self, /)", iterator_reduce, "Return state information for pickling."),
];

const ITERATOR_SLOTS: Slots =
    Slots { next: Some(iterator_next), ..Slots::EMPTY.iter(|_, iterator| Ok(iterator.clone())) };

macro_rules! iterator_types {
    ($($name:ident $text:literal,)*) => {
        $(
            #[doc = concat!("The type `", $text, "`.")]
            pub static $name: Type = Type::new::<DictIterator>(
                $text,
                &crate::types::object::OBJECT,
                type_flags::HAVE_GC | type_flags::DISALLOW_INSTANTIATION,
                ITERATOR_SLOTS,
                ITERATOR_METHODS,
                &[],
            );
        )*
    };
}

iterator_types! {
    DICT_KEYITERATOR "dict_keyiterator",
    DICT_VALUEITERATOR "dict_valueiterator",
    DICT_ITEMITERATOR "dict_itemiterator",
    DICT_REVERSEKEYITERATOR "dict_reversekeyiterator",
    DICT_REVERSEVALUEITERATOR "dict_reversevalueiterator",
    DICT_REVERSEITEMITERATOR "dict_reverseitemiterator",
}

const SET_SLOTS: Slots = Slots {
    compare: Some(view_compare),
    len: Some(view_len),
    hash: Some(crate::slots::hash_unhashable),
    ..Slots::EMPTY
        .repr(view_repr)
        .binary(BinaryOp::Sub, view_sub)
        .binary(BinaryOp::And, view_and)
        .binary(BinaryOp::Xor, view_xor)
        .binary(BinaryOp::Or, view_or)
};

const MAPPING_ATTRIBUTE: GetSetDef =
    GetSetDef::new("mapping", view_mapping).with_doc("dictionary that this view refers to");

const VIEW_FLAGS: u64 = type_flags::HAVE_GC | type_flags::DISALLOW_INSTANTIATION;

/// The type `dict_keys`.
pub static DICT_KEYS: Type = Type::new::<DictView>(
    "dict_keys",
    &crate::types::object::OBJECT,
    VIEW_FLAGS,
    Slots {
        contains: Some(|vm, view, key| dict_of(view).contains(vm, key)),
        ..SET_SLOTS.iter(|vm, view| Ok(iterator(vm, &this(view).dict, KEYS, false)))
    },
    &[
        MethodDef::new(
            "isdisjoint($self, other, /)",
            view_isdisjoint,
            "Return True if the view and the given iterable have a null intersection.",
        ),
        MethodDef::new(
            "__reversed__($self, /)",
            |vm, args| Ok(iterator(vm, &this(&args[0]).dict, KEYS, true)),
            "Return a reverse iterator over the dict keys.",
        ),
    ],
    &[MAPPING_ATTRIBUTE],
);

/// The type `dict_items`.
pub static DICT_ITEMS: Type = Type::new::<DictView>(
    "dict_items",
    &crate::types::object::OBJECT,
    VIEW_FLAGS,
    Slots {
        contains: Some(items_contains),
        ..SET_SLOTS.iter(|vm, view| Ok(iterator(vm, &this(view).dict, ITEMS, false)))
    },
    &[
        MethodDef::new(
            "isdisjoint($self, other, /)",
            view_isdisjoint,
            "Return True if the view and the given iterable have a null intersection.",
        ),
        MethodDef::new(
            "__reversed__($self, /)",
            |vm, args| Ok(iterator(vm, &this(&args[0]).dict, ITEMS, true)),
            "Return a reverse iterator over the dict items.",
        ),
    ],
    &[MAPPING_ATTRIBUTE],
);

/// The type `dict_values`.
pub static DICT_VALUES: Type = Type::new::<DictView>(
    "dict_values",
    &crate::types::object::OBJECT,
    VIEW_FLAGS,
    Slots {
        len: Some(view_len),
        ..Slots::EMPTY.repr(view_repr).iter(|vm, view| Ok(iterator(vm, &this(view).dict, VALUES, false)))
    },
    &[MethodDef::new(
        "__reversed__($self, /)",
        |vm, args| Ok(iterator(vm, &this(&args[0]).dict, VALUES, true)),
        "Return a reverse iterator over the dict values.",
    )],
    &[MAPPING_ATTRIBUTE],
);

/// Every type of this file, for the registry.
pub static VIEW_TYPES: [&Type; 9] = [
    &DICT_KEYS,
    &DICT_ITEMS,
    &DICT_VALUES,
    &DICT_KEYITERATOR,
    &DICT_VALUEITERATOR,
    &DICT_ITEMITERATOR,
    &DICT_REVERSEKEYITERATOR,
    &DICT_REVERSEVALUEITERATOR,
    &DICT_REVERSEITEMITERATOR,
];

fn this(object: &Object) -> &DictView {
    // SAFETY: only called on views.
    unsafe { object.payload_unchecked() }
}

fn dict_of(view: &Object) -> &Dict {
    // SAFETY: views are made of dicts only.
    unsafe { this(view).dict.payload_unchecked() }
}

/// The dict of a view (or of a view of a subtype).
pub fn viewed(view: &Object) -> Option<Object> {
    let is_view = [&DICT_KEYS, &DICT_VALUES, &DICT_ITEMS].iter().any(|ty| view.is_instance_of(ty));
    is_view.then(|| this(view).dict.clone())
}

/// A view of a dict (or of a subtype's instance).
pub fn view(vm: &Vm, dict: &Object, kind: u8) -> Object {
    let ty = match kind {
        KEYS => &DICT_KEYS,
        VALUES => &DICT_VALUES,
        _ => &DICT_ITEMS,
    };
    vm.alloc(ty, DictView { dict: dict.clone() })
}

/// An iterator over a dict (or a subtype's instance).
pub fn iterator(vm: &Vm, dict: &Object, kind: u8, reversed: bool) -> Object {
    let ty = match (kind, reversed) {
        (KEYS, false) => &DICT_KEYITERATOR,
        (VALUES, false) => &DICT_VALUEITERATOR,
        (_, false) => &DICT_ITEMITERATOR,
        (KEYS, true) => &DICT_REVERSEKEYITERATOR,
        (VALUES, true) => &DICT_REVERSEVALUEITERATOR,
        (_, true) => &DICT_REVERSEITEMITERATOR,
    };
    // SAFETY: called with dicts only.
    let d: &Dict = unsafe { dict.payload_unchecked() };
    vm.alloc(
        ty,
        DictIterator {
            dict: UnsafeCell::new(dict.clone()),
            pos: Cell::new(if reversed { d.entries().len() } else { 0 }),
            used: Cell::new(d.len()),
            left: Cell::new(d.len()),
            kind,
            reversed,
            first_pair: UnsafeCell::new(Object::UNBOUND),
        },
    )
}

fn this_iterator(object: &Object) -> &DictIterator {
    // SAFETY: only called on the iterators of this file.
    unsafe { object.payload_unchecked() }
}

fn iterator_next(vm: &Vm, iterator: &Object) -> Result<Option<Object>> {
    let it = this_iterator(iterator);
    let Some((key, value)) = it.advance(vm)? else { return Ok(None) };
    Ok(Some(match it.kind {
        KEYS => key,
        VALUES => value,
        _ => it.pair(vm, key, value),
    }))
}

fn iterator_length_hint(vm: &Vm, args: &[Object]) -> Result {
    let it = this_iterator(&args[0]);
    let current = it.dict().downcast::<Dict>().map(|d| d.len());
    Ok(vm.usize(if current == Some(it.used.get()) { it.left.get() } else { 0 }))
}

fn iterator_reduce(vm: &Vm, args: &[Object]) -> Result {
    let it = this_iterator(&args[0]);
    let dict = it.dict().clone();
    let mut rest = Vec::new();
    if !dict.is_unbound() {
        // A copy of the iterator is used up; the original stays where it is.
        let copy = iterator(vm, &dict, it.kind, it.reversed);
        let twin = this_iterator(&copy);
        twin.pos.set(it.pos.get());
        twin.used.set(it.used.get());
        twin.left.set(it.left.get());
        while let Some(item) = iterator_next(vm, &copy)? {
            rest.push(item);
        }
    }
    let iter = crate::builtins::get(vm, "iter")?;
    let list = vm.list(rest);
    Ok(vm.tuple(vec![iter, vm.tuple(vec![list])]))
}

// ---- views -------------------------------------------------------------------------

fn view_len(_vm: &Vm, view: &Object) -> Result<usize> {
    Ok(dict_of(view).len())
}

fn view_mapping(vm: &Vm, view: &Object) -> Result {
    vm.call(&mappingproxy::MAPPINGPROXY.to_object(), std::slice::from_ref(&this(view).dict))
}

fn view_repr(vm: &Vm, view: &Object) -> Result {
    let Some(_guard) = vm.enter_repr(view) else { return Ok(vm.intern("...")) };
    let items = vm.list(vm.collect(view)?);
    let mut out = crate::types::str::Builder::new();
    out.push_str(view.ty().name());
    out.push_str("(");
    out.push_object(&vm.repr(&items)?);
    out.push_str(")");
    Ok(out.finish(vm))
}

fn items_contains(vm: &Vm, view: &Object, item: &Object) -> Result<bool> {
    let Some(pair) = item.downcast::<Tuple>() else { return Ok(false) };
    let [key, value] = pair.items() else { return Ok(false) };
    match dict_of(view).get(vm, key)? {
        Some(found) => vm.equal(&found, value),
        None => Ok(false),
    }
}

fn is_set_view(object: &Object) -> bool {
    object.is_instance_of(&DICT_KEYS) || object.is_instance_of(&DICT_ITEMS)
}

fn is_any_set(object: &Object) -> bool {
    object.ty().has(type_flags::SET_SUBCLASS | type_flags::FROZENSET_SUBCLASS)
}

fn all_contained_in(vm: &Vm, items: &Object, container: &Object) -> Result<bool> {
    let iterator = vm.iter(items)?;
    while let Some(item) = vm.next(&iterator)? {
        if !vm.contains(container, &item)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn view_compare(vm: &Vm, a: &Object, b: &Object, op: CompareOp) -> Result {
    if !is_any_set(b) && !is_set_view(b) {
        return Ok(Object::NOT_IMPLEMENTED);
    }
    let (x, y) = (vm.len(a)?, vm.len(b)?);
    Ok(Object::bool(match op {
        CompareOp::Eq => x == y && all_contained_in(vm, a, b)?,
        CompareOp::Ne => !(x == y && all_contained_in(vm, a, b)?),
        CompareOp::Lt => x < y && all_contained_in(vm, a, b)?,
        CompareOp::Le => x <= y && all_contained_in(vm, a, b)?,
        CompareOp::Gt => x > y && all_contained_in(vm, b, a)?,
        CompareOp::Ge => x >= y && all_contained_in(vm, b, a)?,
    }))
}

/// `set(object)`.
fn to_set(vm: &Vm, object: &Object) -> Result {
    set::set_from(vm, vm.collect(object)?)
}

fn view_sub(vm: &Vm, a: &Object, b: &Object) -> Result {
    let result = to_set(vm, a)?;
    vm.call_method(&result, "difference_update", std::slice::from_ref(b))?;
    Ok(result)
}

fn view_or(vm: &Vm, a: &Object, b: &Object) -> Result {
    let result = to_set(vm, a)?;
    vm.call_method(&result, "update", std::slice::from_ref(b))?;
    Ok(result)
}

fn view_and(vm: &Vm, a: &Object, b: &Object) -> Result {
    // The view is asked, the other one iterated; the larger of two views is asked.
    let (mut view, mut other) = (a, b);
    if !is_set_view(view) || (is_set_view(other) && vm.len(other)? > vm.len(view)?) {
        (view, other) = (other, view);
    }
    if is_any_set(other) && vm.len(other)? > vm.len(view)? {
        return vm.call_method(&to_set(vm, other)?, "intersection", std::slice::from_ref(view));
    }
    let mut common = Vec::new();
    let iterator = vm.iter(other)?;
    while let Some(item) = vm.next(&iterator)? {
        if vm.contains(view, &item)? {
            common.push(item);
        }
    }
    set::set_from(vm, common)
}

fn view_xor(vm: &Vm, a: &Object, b: &Object) -> Result {
    if a.is_instance_of(&DICT_ITEMS) && b.is_instance_of(&DICT_ITEMS) {
        let mut either = Vec::new();
        for (items, other) in [(a, b), (b, a)] {
            let iterator = vm.iter(items)?;
            while let Some(item) = vm.next(&iterator)? {
                if !items_contains(vm, other, &item)? {
                    either.push(item);
                }
            }
        }
        return set::set_from(vm, either);
    }
    let result = to_set(vm, a)?;
    vm.call_method(&result, "symmetric_difference_update", std::slice::from_ref(b))?;
    Ok(result)
}

fn view_isdisjoint(vm: &Vm, args: &[Object]) -> Result {
    let (mut view, mut other) = (&args[0], &args[1]);
    if view.value() == other.value() {
        return Ok(Object::bool(vm.len(view)? == 0));
    }
    if (is_any_set(other) || is_set_view(other)) && vm.len(other)? > vm.len(view)? {
        (view, other) = (other, view);
    }
    let iterator = vm.iter(other)?;
    while let Some(item) = vm.next(&iterator)? {
        if vm.contains(view, &item)? {
            return Ok(Object::FALSE);
        }
    }
    Ok(Object::TRUE)
}

/// Keeps the two halves of dict together for readers: copies of dicts are plain dicts.
const _: fn(&Vm, &Dict) -> Object = dict_methods::copy;
