//! The types set, frozenset and set_iterator over the table of `set.rs`.

use crate::prelude::*;
use crate::ty::InitFn;
use crate::types::cell::ObjectCell;
use crate::types::genericalias::class_getitem;
use crate::types::iterators::{self, HINT_DOC, REDUCE_DOC};
use crate::types::set::{SetObject, hash_of_element};
use crate::types::{object::OBJECT, str};
use std::cell::Cell;

const ANY_SET: u64 = type_flags::SET_SUBCLASS | type_flags::FROZENSET_SUBCLASS;
const FLAGS: u64 = type_flags::BASE | type_flags::HAVE_GC | type_flags::WEAKREFABLE | type_flags::MATCH_SELF;

const COMMON: Slots = Slots {
    compare: Some(set_compare),
    len: Some(|_, s| Ok(this(s).len())),
    contains: Some(set_contains),
    ..Slots::EMPTY
        .repr(set_repr)
        .iter(set_iter)
        .binary(BinaryOp::Or, set_or)
        .binary(BinaryOp::And, set_and)
        .binary(BinaryOp::Sub, set_sub)
        .binary(BinaryOp::Xor, set_xor)
};

const CONTAINS: MethodDef = MethodDef::new(
    "__contains__($self, object, /)",
    |vm, args| set_contains(vm, &args[0], &args[1]).map(Object::bool),
    "x.__contains__(y) <==> y in x.",
);
const COPY: MethodDef =
    MethodDef::new("copy($self, /)", |vm, args| copy(vm, &args[0]), "Return a shallow copy of a set.");
const DIFFERENCE: MethodDef = MethodDef::new(
    "difference($self, /, *others)",
    set_difference,
    "Return a new set with elements in the set that are not in the others.",
);
const INTERSECTION: MethodDef = MethodDef::new(
    "intersection($self, /, *others)",
    set_intersection,
    "Return a new set with elements common to the set and all others.",
);
const ISDISJOINT: MethodDef = MethodDef::new(
    "isdisjoint($self, other, /)",
    set_isdisjoint,
    "Return True if two sets have a null intersection.",
);
const ISSUBSET: MethodDef = MethodDef::new(
    "issubset($self, other, /)",
    |vm, args| is_subset(vm, &args[0], &args[1]).map(Object::bool),
    "Report whether another set contains this set.",
);
const ISSUPERSET: MethodDef = MethodDef::new(
    "issuperset($self, other, /)",
    |vm, args| is_superset(vm, &args[0], &args[1]).map(Object::bool),
    "Report whether this set contains another set.",
);
const REDUCE: MethodDef = MethodDef::new("__reduce__($self, /)", set_reduce, REDUCE_DOC);
const SIZEOF: MethodDef = MethodDef::new(
    "__sizeof__($self, /)",
    |vm, args| Ok(vm.usize(crate::alloc::own_size(&args[0]) + this(&args[0]).table_bytes())),
    "S.__sizeof__() -> size of S in memory, in bytes.",
);
const SYMMETRIC_DIFFERENCE: MethodDef = MethodDef::new(
    "symmetric_difference($self, other, /)",
    |vm, args| symmetric_difference(vm, &args[0], &args[1]),
    "Return a new set with elements in either the set or other but not both.",
);
const UNION: MethodDef = MethodDef::new(
    "union($self, /, *others)",
    set_union,
    "Return a new set with elements from the set and all others.",
);
const CLASS_GETITEM: MethodDef =
    MethodDef::new("__class_getitem__($type, object, /)", class_getitem, "See PEP 585").class_method();

pub static SET: Type = Type::new::<SetObject>(
    "set",
    &OBJECT,
    FLAGS | type_flags::SET_SUBCLASS,
    {
        let slots = Slots {
            new: Some(|vm, class, _, _| {
                vm.try_alloc(class, SetObject::empty()).ok_or_else(|| vm.memory_error())
            }),
            init: Some(set_init),
            hash: Some(crate::slots::hash_unhashable),
            ..COMMON
        };
        slots
            .inplace(BinaryOp::Or, set_ior)
            .inplace(BinaryOp::And, set_iand)
            .inplace(BinaryOp::Sub, set_isub)
            .inplace(BinaryOp::Xor, set_ixor)
    },
    &[
        MethodDef::new(
            "add($self, object, /)",
            |vm, args| this(&args[0]).add(vm, &args[1]).map(|_| Object::NONE),
            "Add an element to a set.\n\nThis has no effect if the element is already present.",
        ),
        MethodDef::new(
            "clear($self, /)",
            |_, args| {
                this(&args[0]).clear_all();
                Ok(Object::NONE)
            },
            "Remove all elements from this set.",
        ),
        CONTAINS,
        COPY,
        MethodDef::new(
            "discard($self, object, /)",
            |vm, args| discard(vm, &args[0], &args[1]).map(|_| Object::NONE),
            "Remove an element from a set if it is a member.\n\nUnlike set.remove(), the discard() method does not raise\nan exception when an element is missing from the set.",
        ),
        DIFFERENCE,
        MethodDef::new(
            "difference_update($self, /, *others)",
            |vm, args| {
                for other in others(args) {
                    difference_update(vm, &args[0], other)?;
                }
                Ok(Object::NONE)
            },
            "Update the set, removing elements found in others.",
        ),
        INTERSECTION,
        MethodDef::new(
            "intersection_update($self, /, *others)",
            |vm, args| {
                let result = set_intersection(vm, args)?;
                this(&args[0]).swap(this(&result));
                Ok(Object::NONE)
            },
            "Update the set, keeping only elements found in it and all others.",
        ),
        ISDISJOINT,
        ISSUBSET,
        ISSUPERSET,
        MethodDef::new(
            "pop($self, /)",
            |vm, args| {
                this(&args[0]).pop().ok_or_else(|| vm.key_error(&vm.str("pop from an empty set")))
            },
            "Remove and return an arbitrary set element.\n\nRaises KeyError if the set is empty.",
        ),
        REDUCE,
        MethodDef::new(
            "remove($self, object, /)",
            |vm, args| {
                if discard(vm, &args[0], &args[1])? { Ok(Object::NONE) } else { Err(vm.key_error(&args[1])) }
            },
            "Remove an element from a set; it must be a member.\n\nIf the element is not a member, raise a KeyError.",
        ),
        SIZEOF,
        SYMMETRIC_DIFFERENCE,
        MethodDef::new(
            "symmetric_difference_update($self, other, /)",
            |vm, args| {
                symmetric_difference_update(vm, &args[0], &args[1])?;
                Ok(Object::NONE)
            },
            "Update the set, keeping only elements found in either set, but not in both.",
        ),
        UNION,
        MethodDef::new(
            "update($self, /, *others)",
            |vm, args| {
                for other in others(args) {
                    this(&args[0]).update(vm, other)?;
                }
                Ok(Object::NONE)
            },
            "Update the set, adding elements from all others.",
        ),
        CLASS_GETITEM,
    ],
    &[],
)
.with_doc("Build an unordered collection of unique elements.");

pub static FROZENSET: Type = Type::new::<SetObject>(
    "frozenset",
    &OBJECT,
    FLAGS | type_flags::FROZENSET_SUBCLASS,
    Slots { new: Some(frozenset_new), hash: Some(frozenset_hash), ..COMMON },
    &[
        CONTAINS,
        COPY,
        DIFFERENCE,
        INTERSECTION,
        ISDISJOINT,
        ISSUBSET,
        ISSUPERSET,
        REDUCE,
        SIZEOF,
        SYMMETRIC_DIFFERENCE,
        UNION,
        CLASS_GETITEM,
    ],
    &[],
)
.with_doc("Build an immutable unordered collection of unique elements.");

#[inline(always)]
fn this(object: &Object) -> &SetObject {
    // SAFETY: slots and methods of sets are only called on sets.
    unsafe { object.payload_unchecked() }
}

#[inline(always)]
fn is_any_set(object: &Object) -> bool {
    object.ty().has(ANY_SET)
}

fn is_frozen(object: &Object) -> bool {
    object.ty().has(type_flags::FROZENSET_SUBCLASS)
}

/// The items of the `*others` of a method.
fn others(args: &[Object]) -> &[Object] {
    args[1].downcast::<Tuple>().map_or(&[], |tuple| tuple.items())
}

/// The type's name with its module, unless that is `builtins` or `__main__`... as `%T` shows it.
pub(crate) fn qualified_type_name(vm: &Vm, object: &Object) -> String {
    let ty = object.ty();
    if !ty.is_heap() {
        return ty.full_name().to_string();
    }
    let class = ty.to_object();
    let text = |attr: &str| match vm.get_attr_str(&class, attr) {
        Ok(value) if value.downcast::<Str>().is_some() => Some(vm.str_lossy(&value)),
        Ok(_) => None,
        Err(_) => {
            drop(vm.take_raised());
            None
        }
    };
    let qualname = text("__qualname__").unwrap_or_else(|| ty.name().to_string());
    match text("__module__") {
        Some(module) if module != "builtins" && module != "__main__" => format!("{module}.{qualname}"),
        _ => qualname,
    }
}

// ---- making ------------------------------------------------------------------------------

fn make(vm: &Vm, class: &Type, iterable: Option<&Object>) -> Result {
    let set = vm.try_alloc(class, SetObject::empty()).ok_or_else(|| vm.memory_error())?;
    if let Some(iterable) = iterable {
        this(&set).update(vm, iterable)?;
    }
    Ok(set)
}

/// The native class for results of operations on `object`.
fn result_class(object: &Object) -> &'static Type {
    if is_frozen(object) { &FROZENSET } else { &SET }
}

/// A set or frozenset with the keys of `object`.
fn copy_keys(vm: &Vm, object: &Object) -> Result {
    make(vm, result_class(object), Some(object))
}

fn copy(vm: &Vm, set: &Object) -> Result {
    if set.ty().is(&FROZENSET) {
        return Ok(set.clone());
    }
    copy_keys(vm, set)
}

fn single_iterable<'a>(vm: &Vm, class: &Type, args: &'a [Object]) -> Result<Option<&'a Object>> {
    if args.len() > 1 {
        return Err(vm.type_error(format!(
            "{} expected at most 1 argument, got {}",
            class.name(),
            args.len()
        )));
    }
    Ok(args.first())
}

fn set_init(vm: &Vm, set: &Object, args: &[Object], kwnames: &[Object]) -> Result<()> {
    if !kwnames.is_empty() {
        return Err(vm.type_error("set() takes no keyword arguments"));
    }
    let iterable = single_iterable(vm, set.ty(), args)?;
    this(set).clear_all();
    match iterable {
        Some(iterable) => this(set).update(vm, iterable),
        None => Ok(()),
    }
}

fn frozenset_new(vm: &Vm, class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    let address = |f: Option<InitFn>| f.map(|f| f as usize);
    if !kwnames.is_empty()
        && (class.is(&FROZENSET) || address(class.slots().init) == address(FROZENSET.slots().init))
    {
        return Err(vm.type_error("frozenset() takes no keyword arguments"));
    }
    let iterable = single_iterable(vm, class, &args[..args.len() - kwnames.len()])?;
    if let Some(iterable) = iterable
        && class.is(&FROZENSET)
        && iterable.ty().is(&FROZENSET)
    {
        return Ok(iterable.clone());
    }
    make(vm, class, iterable)
}

fn set_reduce(vm: &Vm, args: &[Object]) -> Result {
    let keys = vm.tuple(vec![vm.list(this(&args[0]).to_vec())]);
    let state = vm.call_method(&args[0], "__getstate__", &[])?;
    Ok(vm.tuple(vec![args[0].ty().to_object(), keys, state]))
}

fn set_repr(vm: &Vm, set: &Object) -> Result {
    let plain = set.ty().is(&SET);
    let Some(_guard) = vm.enter_repr(set) else {
        return Ok(vm.str(&format!("{}(...)", set.ty().name())));
    };
    if this(set).is_empty() {
        return Ok(vm.str(&format!("{}()", set.ty().name())));
    }
    let keys = this(set).to_vec();
    let mut out = str::Builder::new();
    if !plain {
        out.push_str(set.ty().name());
        out.push_str("(");
    }
    out.push_str("{");
    for (i, key) in keys.iter().enumerate() {
        if i > 0 {
            out.push_str(", ");
        }
        out.push_object(&vm.repr(key)?);
    }
    out.push_str("}");
    if !plain {
        out.push_str(")");
    }
    Ok(out.finish(vm))
}

fn frozenset_hash(_vm: &Vm, set: &Object) -> Result<i64> {
    let this = this(set);
    if this.hash.get() == -1 {
        this.hash.set(this.content_hash());
    }
    Ok(this.hash.get())
}

// ---- looking -------------------------------------------------------------------------------

/// The hash to look an element up by: a set stands for the frozenset like it.
fn lookup_hash(vm: &Vm, key: &Object) -> Result<i64> {
    match hash_of_element(vm, key) {
        Err(_) if is_any_set(key) && vm.raised_is(&exc::TYPE_ERROR) => {
            drop(vm.take_raised());
            Ok(this(key).content_hash())
        }
        result => result,
    }
}

fn set_contains(vm: &Vm, set: &Object, key: &Object) -> Result<bool> {
    let hash = lookup_hash(vm, key)?;
    this(set).contains_hashed(vm, key, hash)
}

fn discard(vm: &Vm, set: &Object, key: &Object) -> Result<bool> {
    let hash = lookup_hash(vm, key)?;
    this(set).discard_hashed(vm, key, hash)
}

/// Calls `f` with every element of an iterable and its hash; sets and dicts know the hashes.
fn each_hashed(vm: &Vm, iterable: &Object, mut f: impl FnMut(&Object, i64) -> Result<bool>) -> Result<()> {
    let mut position = 0;
    if is_any_set(iterable) {
        while let Some((key, hash)) = this(iterable).next_entry(&mut position) {
            if !f(&key, hash)? {
                return Ok(());
            }
        }
        return Ok(());
    }
    if let Some(dict) = iterable.downcast_exact::<Dict>() {
        while let Some((key, _, hash)) = dict.next_live(&mut position) {
            if !f(&key, hash)? {
                return Ok(());
            }
        }
        return Ok(());
    }
    let iterator = vm.iter(iterable)?;
    while let Some(item) = vm.next(&iterator)? {
        let hash = hash_of_element(vm, &item)?;
        if !f(&item, hash)? {
            return Ok(());
        }
    }
    Ok(())
}

fn is_subset(vm: &Vm, a: &Object, b: &Object) -> Result<bool> {
    if !is_any_set(b) {
        let common = intersection(vm, a, b)?;
        return Ok(this(&common).len() == this(a).len());
    }
    if this(a).len() > this(b).len() {
        return Ok(false);
    }
    if let Some(all) = this(a).is_subset_plain(this(b)) {
        return Ok(all);
    }
    let mut all = true;
    each_hashed(vm, a, |key, hash| {
        all = this(b).contains_hashed(vm, key, hash)?;
        Ok(all)
    })?;
    Ok(all)
}

fn is_superset(vm: &Vm, a: &Object, b: &Object) -> Result<bool> {
    if is_any_set(b) {
        return is_subset(vm, b, a);
    }
    let mut all = true;
    each_hashed(vm, b, |key, hash| {
        all = this(a).contains_hashed(vm, key, hash)?;
        Ok(all)
    })?;
    Ok(all)
}

fn set_isdisjoint(vm: &Vm, args: &[Object]) -> Result {
    let (mut a, mut b) = (&args[0], &args[1]);
    if a.value() == b.value() {
        return Ok(Object::bool(this(a).is_empty()));
    }
    if is_any_set(b) && this(b).len() > this(a).len() {
        std::mem::swap(&mut a, &mut b);
    }
    let mut disjoint = true;
    each_hashed(vm, b, |key, hash| {
        disjoint = !this(a).contains_hashed(vm, key, hash)?;
        Ok(disjoint)
    })?;
    Ok(Object::bool(disjoint))
}

/// `x OP y` of sets, by who tells whether one that is not the larger is a subset of the other.
pub(crate) fn compare_by<E>(
    x: &SetObject,
    y: &SetObject,
    op: CompareOp,
    is_subset: impl Fn(&SetObject, &SetObject) -> std::result::Result<bool, E>,
) -> std::result::Result<bool, E> {
    let equal = || {
        let hashed = x.hash.get() != -1 && y.hash.get() != -1;
        Ok(x.len() == y.len() && !(hashed && x.hash.get() != y.hash.get()) && is_subset(x, y)?)
    };
    match op {
        CompareOp::Eq => equal(),
        CompareOp::Ne => equal().map(|equal| !equal),
        CompareOp::Le => Ok(x.len() <= y.len() && is_subset(x, y)?),
        CompareOp::Ge => Ok(y.len() <= x.len() && is_subset(y, x)?),
        CompareOp::Lt => Ok(x.len() < y.len() && is_subset(x, y)?),
        CompareOp::Gt => Ok(y.len() < x.len() && is_subset(y, x)?),
    }
}

fn set_compare(vm: &Vm, a: &Object, b: &Object, op: CompareOp) -> Result {
    if !is_any_set(a) || !is_any_set(b) {
        return Ok(Object::NOT_IMPLEMENTED);
    }
    let (x, y) = (this(a), this(b));
    let subset = |left: &SetObject, _: &SetObject| {
        let turned = !std::ptr::eq(left, x);
        if turned { is_subset(vm, b, a) } else { is_subset(vm, a, b) }
    };
    compare_by(x, y, op, subset).map(Object::bool)
}

// ---- algebra ----------------------------------------------------------------------------------

fn set_union(vm: &Vm, args: &[Object]) -> Result {
    let result = copy_keys(vm, &args[0])?;
    for other in others(args) {
        this(&result).update(vm, other)?;
    }
    Ok(result)
}

fn intersection(vm: &Vm, a: &Object, b: &Object) -> Result {
    if a.value() == b.value() {
        return copy_keys(vm, a);
    }
    let result = make(vm, result_class(a), None)?;
    let (mut big, mut small) = (a, b);
    if is_any_set(b) && this(b).len() > this(a).len() {
        (big, small) = (b, a);
    }
    if is_any_set(small) {
        this(&result).select(vm, this(small), this(big), true)?;
        return Ok(result);
    }
    each_hashed(vm, small, |key, hash| {
        if this(big).contains_hashed(vm, key, hash)? {
            this(&result).add_hashed(vm, key, hash)?;
        }
        Ok(true)
    })?;
    Ok(result)
}

fn set_intersection(vm: &Vm, args: &[Object]) -> Result {
    let mut result: Option<Object> = None;
    for other in others(args) {
        let next = intersection(vm, result.as_ref().unwrap_or(&args[0]), other)?;
        result = Some(next);
    }
    match result {
        Some(result) => Ok(result),
        None => copy_keys(vm, &args[0]),
    }
}

/// Removes the elements of `other` from `set`.
fn difference_update(vm: &Vm, set: &Object, other: &Object) -> Result<()> {
    if set.value() == other.value() {
        this(set).clear_all();
        return Ok(());
    }
    let reduced;
    let mut source = other;
    // Of a much larger set only the common elements matter.
    if is_any_set(other) && this(other).len() >> 3 > this(set).len() {
        reduced = intersection(vm, set, other)?;
        source = &reduced;
    }
    each_hashed(vm, source, |key, hash| this(set).discard_hashed(vm, key, hash).map(|_| true))?;
    this(set).tidy(vm)
}

fn difference(vm: &Vm, a: &Object, b: &Object) -> Result {
    let other_len = if is_any_set(b) {
        this(b).len()
    } else if let Some(dict) = b.downcast_exact::<Dict>() {
        dict.len()
    } else {
        0
    };
    let known = is_any_set(b) || b.downcast_exact::<Dict>().is_some();
    if !known || this(a).len() >> 2 > other_len {
        let result = copy_keys(vm, a)?;
        difference_update(vm, &result, b)?;
        return Ok(result);
    }
    let result = make(vm, result_class(a), None)?;
    if is_any_set(b) {
        this(&result).select(vm, this(a), this(b), false)?;
        return Ok(result);
    }
    each_hashed(vm, a, |key, hash| {
        let there = match b.downcast_exact::<Dict>() {
            Some(dict) => dict.get_with_hash(vm, key, hash)?.is_some(),
            None => this(b).contains_hashed(vm, key, hash)?,
        };
        if !there {
            this(&result).add_hashed(vm, key, hash)?;
        }
        Ok(true)
    })?;
    Ok(result)
}

fn set_difference(vm: &Vm, args: &[Object]) -> Result {
    let [first, rest @ ..] = others(args) else { return copy_keys(vm, &args[0]) };
    let result = difference(vm, &args[0], first)?;
    for other in rest {
        difference_update(vm, &result, other)?;
    }
    Ok(result)
}

fn symmetric_difference_update(vm: &Vm, set: &Object, other: &Object) -> Result<()> {
    if set.value() == other.value() {
        this(set).clear_all();
        return Ok(());
    }
    let unique;
    let mut source = other;
    if !is_any_set(other) && other.downcast_exact::<Dict>().is_none() {
        unique = make(vm, &SET, Some(other))?;
        source = &unique;
    }
    each_hashed(vm, source, |key, hash| {
        if !this(set).discard_hashed(vm, key, hash)? {
            this(set).add_hashed(vm, key, hash)?;
        }
        Ok(true)
    })
}

fn symmetric_difference(vm: &Vm, a: &Object, b: &Object) -> Result {
    let result = make(vm, result_class(a), Some(b))?;
    symmetric_difference_update(vm, &result, a)?;
    Ok(result)
}

fn set_or(vm: &Vm, a: &Object, b: &Object) -> Result {
    if !is_any_set(a) || !is_any_set(b) {
        return Ok(Object::NOT_IMPLEMENTED);
    }
    let result = copy_keys(vm, a)?;
    this(&result).update(vm, b)?;
    Ok(result)
}

fn set_and(vm: &Vm, a: &Object, b: &Object) -> Result {
    if !is_any_set(a) || !is_any_set(b) {
        return Ok(Object::NOT_IMPLEMENTED);
    }
    intersection(vm, a, b)
}

fn set_sub(vm: &Vm, a: &Object, b: &Object) -> Result {
    if !is_any_set(a) || !is_any_set(b) {
        return Ok(Object::NOT_IMPLEMENTED);
    }
    difference(vm, a, b)
}

fn set_xor(vm: &Vm, a: &Object, b: &Object) -> Result {
    if !is_any_set(a) || !is_any_set(b) {
        return Ok(Object::NOT_IMPLEMENTED);
    }
    symmetric_difference(vm, a, b)
}

fn set_ior(vm: &Vm, a: &Object, b: &Object) -> Result {
    if !is_any_set(b) {
        return Ok(Object::NOT_IMPLEMENTED);
    }
    this(a).update(vm, b)?;
    Ok(a.clone())
}

fn set_iand(vm: &Vm, a: &Object, b: &Object) -> Result {
    if !is_any_set(b) {
        return Ok(Object::NOT_IMPLEMENTED);
    }
    let result = intersection(vm, a, b)?;
    this(a).swap(this(&result));
    Ok(a.clone())
}

fn set_isub(vm: &Vm, a: &Object, b: &Object) -> Result {
    if !is_any_set(b) {
        return Ok(Object::NOT_IMPLEMENTED);
    }
    difference_update(vm, a, b)?;
    Ok(a.clone())
}

fn set_ixor(vm: &Vm, a: &Object, b: &Object) -> Result {
    if !is_any_set(b) {
        return Ok(Object::NOT_IMPLEMENTED);
    }
    symmetric_difference_update(vm, a, b)?;
    Ok(a.clone())
}

// ---- iteration -----------------------------------------------------------------------------------

/// Payload of set_iterator.
pub struct SetIterator {
    /// UNBOUND when exhausted.
    set: ObjectCell,
    /// Size of the set at the start; usize::MAX once it has changed.
    used: Cell<usize>,
    position: Cell<usize>,
    left: Cell<usize>,
}

impl NativeClass for SetIterator {
    fn class() -> &'static Type {
        &SET_ITERATOR
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.set.traverse(visitor)
    }
    fn clear(&self) {
        self.set.clear()
    }
}

pub static SET_ITERATOR: Type = Type::new::<SetIterator>(
    "set_iterator",
    &OBJECT,
    type_flags::HAVE_GC,
    Slots { next: Some(iterator_next), ..Slots::EMPTY.iter(iterators::itself) },
    &[
        MethodDef::new("__length_hint__($self, /)", iterator_hint, HINT_DOC),
        MethodDef::new("__reduce__($self, /)", iterator_reduce, REDUCE_DOC),
    ],
    &[],
);

fn set_iter(vm: &Vm, set: &Object) -> Result {
    let len = this(set).len();
    Ok(vm.alloc(
        &SET_ITERATOR,
        SetIterator {
            set: ObjectCell::new(set.clone()),
            used: Cell::new(len),
            position: Cell::new(0),
            left: Cell::new(len),
        },
    ))
}

fn iterator(object: &Object) -> &SetIterator {
    // SAFETY: slots and methods of the iterator are only called on it.
    unsafe { object.payload_unchecked() }
}

fn iterator_next(vm: &Vm, object: &Object) -> Result<Option<Object>> {
    let it = iterator(object);
    let set = it.set.value();
    if set.is_unbound() {
        return Ok(None);
    }
    // The set is alive through the iterator, and nothing runs meanwhile.
    let this = this(Object::borrow_value(&set));
    if this.len() != it.used.get() {
        it.used.set(usize::MAX);
        return Err(vm.runtime_error("Set changed size during iteration"));
    }
    let mut position = it.position.get();
    match this.next_entry(&mut position) {
        Some((key, _)) => {
            it.position.set(position);
            it.left.set(it.left.get().saturating_sub(1));
            Ok(Some(key))
        }
        None => {
            it.set.clear();
            Ok(None)
        }
    }
}

fn iterator_hint(vm: &Vm, args: &[Object]) -> Result {
    let it = iterator(&args[0]);
    let left = match it.set.bound() {
        Some(set) if this(&set).len() == it.used.get() => it.left.get(),
        _ => 0,
    };
    Ok(vm.usize(left))
}

fn iterator_reduce(vm: &Vm, args: &[Object]) -> Result {
    let it = iterator(&args[0]);
    let mut rest = Vec::new();
    if let Some(set) = it.set.bound() {
        if this(&set).len() != it.used.get() {
            it.used.set(usize::MAX);
            return Err(vm.runtime_error("Set changed size during iteration"));
        }
        let mut position = it.position.get();
        while let Some((key, _)) = this(&set).next_entry(&mut position) {
            rest.push(key);
        }
    }
    Ok(vm.tuple(vec![iterators::builtin(vm, "iter")?, vm.tuple(vec![vm.list(rest)])]))
}
