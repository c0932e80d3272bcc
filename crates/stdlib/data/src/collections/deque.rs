//! `collections.deque`: the type, its slots and its iterators. The methods
//! are in `deque_methods`.
//!
//! A counter of changes tells iterators and searches that Python code changed
//! the deque under them.

use super::deque_methods::{self as methods};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use taipan_runtime::prelude::*;
use taipan_runtime::support::{allocate, check_arity, this};
use taipan_runtime::types::cell::ObjectCell;
use taipan_runtime::types::genericalias::class_getitem;
use taipan_runtime::types::object::OBJECT;
use taipan_runtime::types::tuple;

/// Payload of deque.
pub struct Deque {
    items: RefCell<VecDeque<Object>>,
    max_len: Cell<Option<usize>>,
    state: Cell<u64>,
}

impl NativeClass for Deque {
    fn class() -> &'static Type {
        &DEQUE
    }
    fn traverse(&self, visitor: &mut Visitor) {
        if let Ok(items) = self.items.try_borrow() {
            items.iter().for_each(|item| visitor.visit_object(item));
        }
    }
    fn clear(&self) {
        drop(self.take());
    }
}

impl Deque {
    pub fn new_payload(max_len: Option<usize>) -> Deque {
        Deque { items: RefCell::new(VecDeque::new()), max_len: Cell::new(max_len), state: Cell::new(0) }
    }
    #[inline]
    pub fn len(&self) -> usize {
        self.items.borrow().len()
    }
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    pub fn max_len(&self) -> Option<usize> {
        self.max_len.get()
    }
    pub fn set_max_len(&self, max_len: Option<usize>) {
        self.max_len.set(max_len);
    }
    /// A number that changes with every change of the deque's shape.
    #[inline]
    pub fn state(&self) -> u64 {
        self.state.get()
    }
    /// Item `i`, if there is one.
    #[inline]
    pub fn get(&self, i: usize) -> Option<Object> {
        self.items.borrow().get(i).cloned()
    }
    /// Changes the items; `f` runs no Python code and drops no objects.
    #[inline]
    pub fn change<R>(&self, f: impl FnOnce(&mut VecDeque<Object>) -> R) -> R {
        self.state.set(self.state.get().wrapping_add(1));
        f(&mut self.items.borrow_mut())
    }
    /// Replaces item `i` without counting as a change of shape.
    pub fn replace(&self, i: usize, value: Object) -> Option<Object> {
        self.items.borrow_mut().get_mut(i).map(|slot| std::mem::replace(slot, value))
    }
    /// All the items, the deque is left empty.
    pub fn take(&self) -> VecDeque<Object> {
        self.change(std::mem::take)
    }
    pub fn to_vec(&self) -> Vec<Object> {
        self.items.borrow().iter().cloned().collect()
    }
    /// Appends at the right end; what falls out at the left dies.
    #[inline]
    pub fn push_back(&self, vm: &Vm, item: Object) -> Result<()> {
        let max_len = self.max_len.get();
        let fallen = self.change(|items| {
            if items.len() == items.capacity() && items.try_reserve(1).is_err() {
                return Err(vm.memory_error());
            }
            items.push_back(item);
            Ok(if max_len.is_some_and(|n| items.len() > n) { items.pop_front() } else { None })
        })?;
        drop(fallen);
        Ok(())
    }
    /// Appends at the left end; what falls out at the right dies.
    pub fn push_front(&self, vm: &Vm, item: Object) -> Result<()> {
        let max_len = self.max_len.get();
        let fallen = self.change(|items| {
            if items.len() == items.capacity() && items.try_reserve(1).is_err() {
                return Err(vm.memory_error());
            }
            items.push_front(item);
            Ok(if max_len.is_some_and(|n| items.len() > n) { items.pop_back() } else { None })
        })?;
        drop(fallen);
        Ok(())
    }
}

pub static DEQUE: Type = Type::new::<Deque>(
    "collections.deque",
    &OBJECT,
    type_flags::BASE | type_flags::HAVE_GC | type_flags::WEAKREFABLE | type_flags::SEQUENCE,
    Slots {
        new: Some(|vm, class, _, _| allocate(vm, class, Deque::new_payload(None))),
        init: Some(deque_init),
        hash: Some(taipan_runtime::slots::hash_unhashable),
        compare: Some(methods::compare),
        len: Some(|_, deque| Ok(this::<Deque>(deque).len())),
        getitem: Some(deque_getitem),
        setitem: Some(deque_setitem),
        contains: Some(|vm, deque, item| {
            Ok(methods::find(vm, this(deque), item, 0, usize::MAX, ITERATING)?.is_some())
        }),
        concat: Some(methods::concat),
        repeat: Some(|vm, deque, count| {
            let copy = methods::copy(vm, deque)?;
            methods::repeat_in_place(vm, &copy, count)
        }),
        inplace_concat: Some(|vm, deque, other| {
            methods::extend(vm, deque, other)?;
            Ok(deque.clone())
        }),
        inplace_repeat: Some(methods::repeat_in_place),
        ..Slots::EMPTY.repr(deque_repr).iter(|vm, deque| deque_iterator(vm, &DEQUE_ITERATOR, deque))
    },
    &[
        MethodDef::new(
            "append($self, item, /)",
            methods::append,
            "Add an element to the right side of the deque.",
        ),
        MethodDef::new(
            "appendleft($self, item, /)",
            methods::append_left,
            "Add an element to the left side of the deque.",
        ),
        MethodDef::new("clear($self, /)", methods::clear, "Remove all elements from the deque."),
        MethodDef::new(
            "__copy__($self, /)",
            |vm, args| methods::copy(vm, &args[0]),
            "Return a shallow copy of a deque.",
        ),
        MethodDef::new(
            "copy($self, /)",
            |vm, args| methods::copy(vm, &args[0]),
            "Return a shallow copy of a deque.",
        ),
        MethodDef::new("count($self, value, /)", methods::count, "Return number of occurrences of value."),
        MethodDef::new(
            "extend($self, iterable, /)",
            |vm, args| methods::extend(vm, &args[0], &args[1]).map(|_| Object::NONE),
            "Extend the right side of the deque with elements from the iterable.",
        ),
        MethodDef::new(
            "extendleft($self, iterable, /)",
            methods::extend_left,
            "Extend the left side of the deque with elements from the iterable.",
        ),
        MethodDef::new(
            "index($self, value, start=0, stop=9223372036854775807, /)",
            methods::index,
            "Return first index of value.\n\nRaises ValueError if the value is not present.",
        ),
        MethodDef::new("insert($self, index, value, /)", methods::insert, "Insert value before index."),
        MethodDef::new("pop($self, /)", methods::pop, "Remove and return the rightmost element."),
        MethodDef::new("popleft($self, /)", methods::pop_left, "Remove and return the leftmost element."),
        MethodDef::new("__reduce__($self, /)", methods::reduce, "Return state information for pickling."),
        MethodDef::new("remove($self, value, /)", methods::remove, "Remove first occurrence of value."),
        MethodDef::new(
            "__reversed__($self, /)",
            |vm, args| deque_iterator(vm, &DEQUE_REVERSE_ITERATOR, &args[0]),
            "Return a reverse iterator over the deque.",
        ),
        MethodDef::new("reverse($self, /)", methods::reverse, "Reverse *IN PLACE*."),
        MethodDef::new(
            "rotate($self, n=1, /)",
            methods::rotate,
            "Rotate the deque n steps to the right.  If n is negative, rotates left.",
        ),
        MethodDef::new(
            "__sizeof__($self, /)",
            methods::size_of,
            "Return the size of the deque in memory, in bytes.",
        ),
        MethodDef::new("__class_getitem__($type, object, /)", class_getitem, "See PEP 585").class_method(),
    ],
    &[GetSetDef::new("maxlen", |vm, deque| {
        Ok(this::<Deque>(deque).max_len().map_or(Object::NONE, |n| vm.usize(n)))
    })
    .with_doc("maximum size of a deque or None if unbounded")],
)
.with_doc(
    "deque([iterable[, maxlen]])\n--\n\nA list-like sequence optimized for data accesses near its endpoints.",
);

/// What searches say when the deque changes under them.
pub const ITERATING: &str = "deque mutated during iteration";

static SIG: Sig = Sig::new("deque(iterable=<missing>, maxlen=<missing>)");

fn deque_init(vm: &Vm, deque: &Object, args: &[Object], kwnames: &[Object]) -> Result<()> {
    if args.len() > 2 {
        return Err(vm.type_error(format!("deque() takes at most 2 arguments ({} given)", args.len())));
    }
    let bound = SIG.bind(vm, args, kwnames)?;
    let mut max_len = None;
    if let Some(given) = bound[1].some() {
        if !given.is_instance_of(&taipan_runtime::types::int::INT) {
            return Err(vm.type_error("an integer is required"));
        }
        let n = vm.index_isize(given)?;
        if n < 0 {
            return Err(vm.value_error("maxlen must be non-negative"));
        }
        max_len = Some(n as usize);
    }
    let this = this::<Deque>(deque);
    this.set_max_len(max_len);
    if !this.is_empty() {
        drop(this.take());
    }
    match bound[0].bound() {
        Some(iterable) => methods::extend(vm, deque, iterable),
        None => Ok(()),
    }
}

/// The position that an index stands for, negative ones counting from the end.
fn position(vm: &Vm, deque: &Deque, key: &Object) -> Result<Option<usize>> {
    if !vm.is_index(key) {
        return Err(vm.type_error(format!("sequence index must be integer, not '{}'", key.ty().name())));
    }
    let i = vm.index_for_item(key)?;
    let len = deque.len() as isize;
    let i = if i < 0 { i + len } else { i };
    Ok(if i >= 0 && i < len { Some(i as usize) } else { None })
}

fn out_of_range(vm: &Vm) -> Raised {
    vm.index_error("deque index out of range")
}

fn deque_getitem(vm: &Vm, deque: &Object, key: &Object) -> Result {
    let this = this::<Deque>(deque);
    let i = position(vm, this, key)?;
    i.and_then(|i| this.get(i)).ok_or_else(|| out_of_range(vm))
}

fn deque_setitem(vm: &Vm, deque: &Object, key: &Object, value: Option<&Object>) -> Result<()> {
    let this = this::<Deque>(deque);
    let Some(i) = position(vm, this, key)? else { return Err(out_of_range(vm)) };
    let old = match value {
        Some(value) => this.replace(i, value.clone()),
        None => this.change(|items| items.remove(i)),
    };
    drop(old);
    Ok(())
}

fn deque_repr(vm: &Vm, deque: &Object) -> Result {
    let Some(_guard) = vm.enter_repr(deque) else { return Ok(vm.intern("[...]")) };
    let this = this::<Deque>(deque);
    let items = vm.list(vm.collect(deque)?);
    let mut out = taipan_runtime::types::str::Builder::new();
    out.push_str(deque.ty().name());
    out.push_str("(");
    out.push_object(&vm.repr(&items)?);
    if let Some(n) = this.max_len() {
        out.push_str(&format!(", maxlen={n}"));
    }
    out.push_str(")");
    Ok(out.finish(vm))
}

// ---- iterators ------------------------------------------------------------------------

/// Payload of the two deque iterators.
pub struct DequeIterator<const REVERSE: bool> {
    deque: ObjectCell,
    state: Cell<u64>,
    left: Cell<usize>,
}

impl<const REVERSE: bool> NativeClass for DequeIterator<REVERSE> {
    fn class() -> &'static Type {
        if REVERSE { &DEQUE_REVERSE_ITERATOR } else { &DEQUE_ITERATOR }
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.deque.traverse(visitor);
    }
    fn clear(&self) {
        self.left.set(0);
        self.deque.clear();
    }
}

macro_rules! iterator_type {
    ($static:ident, $reverse:literal, $name:literal) => {
        pub static $static: Type = Type::new::<DequeIterator<$reverse>>(
            $name,
            &OBJECT,
            type_flags::HAVE_GC,
            Slots {
                new: Some(iterator_new::<$reverse>),
                next: Some(iterator_next::<$reverse>),
                ..Slots::EMPTY.iter(|_, iterator| Ok(iterator.clone()))
            },
            &[
                MethodDef::new(
                    "__length_hint__($self, /)",
                    |vm, args| Ok(vm.usize(this::<DequeIterator<$reverse>>(&args[0]).left.get())),
                    "Private method returning an estimate of len(list(it)).",
                ),
                MethodDef::new(
                    "__reduce__($self, /)",
                    |vm, args| {
                        let this = this::<DequeIterator<$reverse>>(&args[0]);
                        let deque = this.deque.or_none();
                        let len = deque.downcast::<Deque>().map_or(0, |d| d.len());
                        let done = vm.usize(len.saturating_sub(this.left.get()));
                        let state = tuple::from_array(vm, [deque, done]);
                        Ok(tuple::from_array(vm, [args[0].ty().to_object(), state]))
                    },
                    "Return state information for pickling.",
                ),
            ],
            &[],
        );
    };
}

iterator_type!(DEQUE_ITERATOR, false, "collections._deque_iterator");
iterator_type!(DEQUE_REVERSE_ITERATOR, true, "collections._deque_reverse_iterator");

/// A fresh iterator of type `class` over a deque.
pub fn deque_iterator(vm: &Vm, class: &Type, deque: &Object) -> Result {
    let this = this::<Deque>(deque);
    let (state, left) = (Cell::new(this.state()), Cell::new(this.len()));
    let deque = ObjectCell::new(deque.clone());
    if class.is(&DEQUE_REVERSE_ITERATOR) {
        allocate(vm, class, DequeIterator::<true> { deque, state, left })
    } else {
        allocate(vm, class, DequeIterator::<false> { deque, state, left })
    }
}

fn iterator_new<const REVERSE: bool>(vm: &Vm, class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    let args = &args[..args.len() - kwnames.len()];
    if args.is_empty() {
        return Err(vm.type_error("function takes at least 1 argument (0 given)"));
    }
    check_arity(vm, "function", args.len(), 1, 2)?;
    if args[0].downcast::<Deque>().is_none() {
        return Err(
            vm.type_error(format!("argument 1 must be collections.deque, not {}", args[0].ty().name()))
        );
    }
    let skip = match args.get(1) {
        Some(skip) => vm.index_isize(skip)?,
        None => 0,
    };
    let iterator = deque_iterator(vm, class, &args[0])?;
    let left = &this::<DequeIterator<REVERSE>>(&iterator).left;
    left.set(left.get().saturating_sub(skip.max(0) as usize));
    Ok(iterator)
}

fn iterator_next<const REVERSE: bool>(vm: &Vm, iterator: &Object) -> Result<Option<Object>> {
    let this = this::<DequeIterator<REVERSE>>(iterator);
    let deque = this.deque.get();
    let Some(payload) = deque.downcast::<Deque>() else { return Ok(None) };
    if payload.state() != this.state.get() {
        this.left.set(0);
        return Err(vm.runtime_error(ITERATING));
    }
    let left = this.left.get();
    if left == 0 {
        return Ok(None);
    }
    this.left.set(left - 1);
    let i = if REVERSE { left - 1 } else { payload.len() - left };
    Ok(payload.get(i))
}
