//! The lazy iterators among the builtins: enumerate, filter, map, reversed,
//! zip, and the callable_iterator of `iter(callable, sentinel)`.

use crate::names::name;
use crate::prelude::*;
use crate::types::cell::ObjectCell;
use crate::types::iterators::{HINT_DOC, REDUCE_DOC, SETSTATE_DOC, builtin, itself};
use crate::types::object::OBJECT;
use crate::types::tuple;
use std::cell::{Cell, UnsafeCell};

const FLAGS: u64 = type_flags::BASE | type_flags::HAVE_GC;

/// The payload of `object`, which has it.
fn this<T: NativeClass>(object: &Object) -> &T {
    // SAFETY: slots and methods of a native type are only called on its instances.
    unsafe { object.payload_unchecked() }
}

/// A constructor's arguments: positional ones only, if the class is the native
/// one or takes its `__init__` from it.
fn positional_only<'a>(
    vm: &Vm,
    class: &Type,
    native: &'static Type,
    args: &'a [Object],
    kwnames: &[Object],
) -> Result<&'a [Object]> {
    let own_init = class.slots().init.map(|f| f as usize) == native.slots().init.map(|f| f as usize);
    if !kwnames.is_empty() && (class.is(native) || own_init) {
        return Err(vm.type_error(format!("{}() takes no keyword arguments", native.name())));
    }
    Ok(&args[..args.len() - kwnames.len()])
}

fn allocate<T: NativeClass>(vm: &Vm, class: &Type, payload: T) -> Result {
    vm.try_alloc(class, payload).ok_or_else(|| vm.memory_error())
}

/// The pair given out last: given out again if nobody has kept it.
#[derive(Default)]
struct PairCell(ObjectCell);

impl PairCell {
    #[inline]
    fn make(&self, vm: &Vm, first: Object, second: Object) -> Object {
        let last = self.0.take();
        if last.is_unbound() {
            let made = tuple::pair(vm, first, second);
            self.0.set(made.clone());
            return made;
        }
        match tuple::reuse_pair(&last, first, second) {
            Ok(old) => {
                // Nothing is in the cell unless a destructor gets here before us.
                self.0.set(last.clone());
                drop(old);
                last
            }
            Err([first, second]) => {
                self.0.set(last);
                tuple::pair(vm, first, second)
            }
        }
    }
}

// ---- enumerate --------------------------------------------------------------------------

/// Payload of enumerate.
pub struct Enumerate {
    iterator: ObjectCell,
    index: Cell<i64>,
    /// The index once it does not fit `index` (then i64::MAX).
    large: ObjectCell,
    pair: PairCell,
}

impl NativeClass for Enumerate {
    fn class() -> &'static Type {
        &ENUMERATE
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.iterator.traverse(visitor);
        self.pair.0.traverse(visitor);
    }
    fn clear(&self) {
        self.iterator.clear();
        self.pair.0.clear();
    }
}

pub static ENUMERATE: Type = Type::new::<Enumerate>(
    "enumerate",
    &OBJECT,
    FLAGS,
    Slots { new: Some(enumerate_new), next: Some(enumerate_next), ..Slots::EMPTY.iter(itself) },
    &[
        MethodDef::new("__reduce__($self, /)", enumerate_reduce, REDUCE_DOC),
        MethodDef::new(
            "__class_getitem__($type, object, /)",
            crate::types::genericalias::class_getitem,
            "See PEP 585",
        )
        .class_method(),
    ],
    &[],
)
.with_doc("Pairs (index, item) for each item of the iterable, counting from start.");

fn enumerate_new(vm: &Vm, class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    let nargs = args.len() - kwnames.len();
    if args.len() > 2 {
        return Err(vm.type_error(format!("enumerate() takes at most 2 arguments ({} given)", args.len())));
    }
    let mut iterable = args[..nargs].first().cloned();
    let mut start = args[..nargs].get(1).cloned();
    for (key, value) in kwnames.iter().zip(&args[nargs..]) {
        let text = vm.str_lossy(key);
        let target = match text.as_str() {
            "iterable" => &mut iterable,
            "start" => &mut start,
            _ => {
                return Err(vm.type_error(format!("'{text}' is an invalid keyword argument for enumerate()")));
            }
        };
        if target.is_some() {
            return Err(vm.type_error(format!("'{text}' is an invalid keyword argument for enumerate()")));
        }
        *target = Some(value.clone());
    }
    let Some(iterable) = iterable else {
        return Err(vm.type_error(if start.is_some() {
            "'start' is an invalid keyword argument for enumerate()"
        } else {
            "enumerate() missing required argument 'iterable'"
        }));
    };
    let (mut index, mut large) = (0, Object::UNBOUND);
    if let Some(start) = start {
        let start = vm.index(&start)?;
        match crate::types::int::to_i64(&start) {
            Some(n) if n < i64::MAX => index = n,
            _ => (index, large) = (i64::MAX, start),
        }
    }
    let iterator = vm.iter(&iterable)?;
    let payload = Enumerate {
        iterator: ObjectCell::new(iterator),
        index: Cell::new(index),
        large: ObjectCell::new(large),
        pair: PairCell::default(),
    };
    allocate(vm, class, payload)
}

fn enumerate_next(vm: &Vm, object: &Object) -> Result<Option<Object>> {
    let this = this::<Enumerate>(object);
    let iterator = this.iterator.get();
    if iterator.is_unbound() {
        return Ok(None);
    }
    let Some(item) = vm.next(&iterator)? else { return Ok(None) };
    let index = this.index.get();
    if index != i64::MAX {
        this.index.set(index + 1);
        return Ok(Some(this.pair.make(vm, vm.int(index), item)));
    }
    let large = this.large.bound().unwrap_or_else(|| vm.int(i64::MAX));
    this.large.set(vm.binary(BinaryOp::Add, &large, &vm.int(1))?);
    Ok(Some(tuple::pair(vm, large, item)))
}

fn enumerate_reduce(vm: &Vm, args: &[Object]) -> Result {
    let this = this::<Enumerate>(&args[0]);
    let index = this.large.bound().unwrap_or_else(|| vm.int(this.index.get()));
    let state = vm.tuple(vec![this.iterator.or_none(), index]);
    Ok(vm.tuple(vec![args[0].ty().to_object(), state]))
}

// ---- reversed ---------------------------------------------------------------------------

/// Payload of reversed.
pub struct Reversed {
    sequence: ObjectCell,
    index: Cell<i64>,
}

impl NativeClass for Reversed {
    fn class() -> &'static Type {
        &REVERSED
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.sequence.traverse(visitor);
    }
    fn clear(&self) {
        self.sequence.clear();
    }
}

pub static REVERSED: Type = Type::new::<Reversed>(
    "reversed",
    &OBJECT,
    FLAGS,
    Slots { new: Some(reversed_new), next: Some(reversed_next), ..Slots::EMPTY.iter(itself) },
    &[
        MethodDef::new("__length_hint__($self, /)", reversed_hint, HINT_DOC),
        MethodDef::new("__reduce__($self, /)", reversed_reduce, REDUCE_DOC),
        MethodDef::new("__setstate__($self, object, /)", reversed_setstate, SETSTATE_DOC),
    ],
    &[],
)
.with_doc("An iterator over a sequence from its end to its start.");

fn reversed_new(vm: &Vm, class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    let args = positional_only(vm, class, &REVERSED, args, kwnames)?;
    let [sequence] = args else {
        return Err(vm.type_error(format!("reversed expected 1 argument, got {}", args.len())));
    };
    let not_reversible = || vm.type_error(format!("'{}' object is not reversible", sequence.ty().name()));
    if let Some(found) = sequence.ty().lookup(vm, name::reversed.object()) {
        if found.is_none() {
            return Err(not_reversible());
        }
        if let Some(result) = vm.call_special(sequence, name::reversed.object(), &[])? {
            return Ok(result);
        }
    }
    if !vm.is_sequence(sequence) {
        return Err(not_reversible());
    }
    let len = vm.len(sequence)? as i64;
    allocate(vm, class, Reversed { sequence: ObjectCell::new(sequence.clone()), index: Cell::new(len - 1) })
}

fn reversed_next(vm: &Vm, object: &Object) -> Result<Option<Object>> {
    let this = this::<Reversed>(object);
    let index = this.index.get();
    if index >= 0
        && let Some(sequence) = this.sequence.bound()
    {
        match vm.get_item(&sequence, &vm.int(index)) {
            Ok(item) => {
                this.index.set(index - 1);
                return Ok(Some(item));
            }
            Err(_) if vm.raised_is(&exc::INDEX_ERROR) || vm.raised_is(&exc::STOP_ITERATION) => {
                drop(vm.take_raised());
            }
            Err(raised) => return Err(raised),
        }
    }
    this.index.set(-1);
    this.sequence.clear();
    Ok(None)
}

fn reversed_hint(vm: &Vm, args: &[Object]) -> Result {
    let this = this::<Reversed>(&args[0]);
    let Some(sequence) = this.sequence.bound() else { return Ok(vm.int(0)) };
    let left = this.index.get() + 1;
    let len = vm.len(&sequence)? as i64;
    Ok(vm.int(if len < left { 0 } else { left }))
}

fn reversed_reduce(vm: &Vm, args: &[Object]) -> Result {
    let this = this::<Reversed>(&args[0]);
    let class = args[0].ty().to_object();
    Ok(match this.sequence.bound() {
        Some(sequence) => vm.tuple(vec![class, vm.tuple(vec![sequence]), vm.int(this.index.get())]),
        None => vm.tuple(vec![class, vm.tuple(vec![vm.tuple(Vec::new())])]),
    })
}

fn reversed_setstate(vm: &Vm, args: &[Object]) -> Result {
    let state = vm.index_isize(&args[1])? as i64;
    let this = this::<Reversed>(&args[0]);
    if let Some(sequence) = this.sequence.bound() {
        let last = vm.len(&sequence)? as i64 - 1;
        this.index.set(state.max(-1).min(last));
    }
    Ok(Object::NONE)
}

// ---- filter -------------------------------------------------------------------------------

/// Payload of filter.
pub struct Filter {
    function: ObjectCell,
    iterator: ObjectCell,
}

impl NativeClass for Filter {
    fn class() -> &'static Type {
        &FILTER
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.function.traverse(visitor);
        self.iterator.traverse(visitor);
    }
    fn clear(&self) {
        self.function.clear();
        self.iterator.clear();
    }
}

pub static FILTER: Type = Type::new::<Filter>(
    "filter",
    &OBJECT,
    FLAGS,
    Slots { new: Some(filter_new), next: Some(filter_next), ..Slots::EMPTY.iter(itself) },
    &[MethodDef::new("__reduce__($self, /)", filter_reduce, REDUCE_DOC)],
    &[],
)
.with_doc("The items for which the function (None: the item itself) is true.");

fn filter_new(vm: &Vm, class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    let args = positional_only(vm, class, &FILTER, args, kwnames)?;
    let [function, iterable] = args else {
        return Err(vm.type_error(format!("filter expected 2 arguments, got {}", args.len())));
    };
    let iterator = vm.iter(iterable)?;
    let payload = Filter { function: ObjectCell::new(function.clone()), iterator: ObjectCell::new(iterator) };
    allocate(vm, class, payload)
}

fn filter_next(vm: &Vm, object: &Object) -> Result<Option<Object>> {
    let this = this::<Filter>(object);
    let (function, iterator) = (this.function.get(), this.iterator.get());
    if iterator.is_unbound() {
        return Ok(None);
    }
    let by_truth = function.is_none() || function.value() == crate::types::boolean::BOOL.value();
    while let Some(item) = vm.next(&iterator)? {
        let keep = if by_truth {
            vm.is_true(&item)?
        } else {
            let answer = vm.call(&function, std::slice::from_ref(&item))?;
            vm.is_true(&answer)?
        };
        if keep {
            return Ok(Some(item));
        }
    }
    Ok(None)
}

fn filter_reduce(vm: &Vm, args: &[Object]) -> Result {
    let this = this::<Filter>(&args[0]);
    let parts = vm.tuple(vec![this.function.or_none(), this.iterator.or_none()]);
    Ok(vm.tuple(vec![args[0].ty().to_object(), parts]))
}

// ---- zip and map -----------------------------------------------------------------------------

/// Payload of zip and map: several iterators stepped together.
pub struct Parallel {
    /// Of map.
    function: ObjectCell,
    /// Emptied only by the collector.
    iterators: UnsafeCell<Vec<Object>>,
    strict: Cell<bool>,
    pair: PairCell,
}

impl NativeClass for Parallel {
    fn class() -> &'static Type {
        &ZIP
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.function.traverse(visitor);
        self.pair.0.traverse(visitor);
        // SAFETY: nothing runs while the collector looks.
        unsafe { (&(*self.iterators.get())).iter().for_each(|iterator| visitor.visit_object(iterator)) }
    }
    fn clear(&self) {
        self.function.clear();
        self.pair.0.clear();
        // SAFETY: exchanged before anything is dropped.
        drop(unsafe { std::mem::take(&mut *self.iterators.get()) });
    }
}

impl Parallel {
    fn count(&self) -> usize {
        // SAFETY: the borrow ends here.
        unsafe { (&(*self.iterators.get())).len() }
    }
    fn iterator(&self, i: usize) -> Option<Object> {
        // SAFETY: the borrow ends with the clone.
        unsafe { (&(*self.iterators.get())).get(i).cloned() }
    }

    /// One item of each iterator; None at the end.
    fn step(&self, vm: &Vm, what: &str) -> Result<Option<Vec<Object>>> {
        let count = self.count();
        let mut items = Vec::with_capacity(count + 1);
        for i in 0..count {
            let Some(iterator) = self.iterator(i) else { return Ok(None) };
            match vm.next(&iterator)? {
                Some(item) => items.push(item),
                None if self.strict.get() => return self.strict_end(vm, what, i),
                None => return Ok(None),
            }
        }
        Ok(Some(items))
    }

    /// Iterator `i` has ended and `strict` is set: the others must end, too.
    #[cold]
    fn strict_end(&self, vm: &Vm, what: &str, i: usize) -> Result<Option<Vec<Object>>> {
        let others = |i: usize| if i == 1 { " 1".to_string() } else { format!("s 1-{i}") };
        if i > 0 {
            return Err(vm.value_error(format!(
                "{what}() argument {} is shorter than argument{}",
                i + 1,
                others(i)
            )));
        }
        for i in 1..self.count() {
            let Some(iterator) = self.iterator(i) else { return Ok(None) };
            if vm.next(&iterator)?.is_some() {
                return Err(vm.value_error(format!(
                    "{what}() argument {} is longer than argument{}",
                    i + 1,
                    others(i)
                )));
            }
        }
        Ok(None)
    }

    fn iterators(&self) -> Vec<Object> {
        // SAFETY: the borrow ends with the clone.
        unsafe { (&(*self.iterators.get())).clone() }
    }
}

pub static ZIP: Type = Type::new::<Parallel>(
    "zip",
    &OBJECT,
    FLAGS,
    Slots { new: Some(zip_new), next: Some(zip_next), ..Slots::EMPTY.iter(itself) },
    &[
        MethodDef::new("__reduce__($self, /)", zip_reduce, REDUCE_DOC),
        MethodDef::new("__setstate__($self, object, /)", parallel_setstate, SETSTATE_DOC),
    ],
    &[],
)
.with_doc("Tuples with one item of each iterable, until the shortest ends.\n\nWith strict, iterables of different lengths are a ValueError.\n\n    >>> list(zip('abc', [1, 2]))\n    [('a', 1), ('b', 2)]");

pub static MAP: Type = Type::new::<Parallel>(
    "map",
    &OBJECT,
    FLAGS,
    Slots { new: Some(map_new), next: Some(map_next), ..Slots::EMPTY.iter(itself) },
    &[
        MethodDef::new("__reduce__($self, /)", map_reduce, REDUCE_DOC),
        MethodDef::new("__setstate__($self, object, /)", parallel_setstate, SETSTATE_DOC),
    ],
    &[],
)
.with_doc("The function applied to one item of each iterable, until the shortest ends.\n\nWith strict, iterables of different lengths are a ValueError.");

/// The `strict` keyword; any other is an error.
fn strict_keyword(vm: &Vm, what: &str, args: &[Object], kwnames: &[Object]) -> Result<bool> {
    let mut strict = false;
    for (key, value) in kwnames.iter().zip(&args[args.len() - kwnames.len()..]) {
        let text = vm.str_lossy(key);
        if kwnames.len() > 1 {
            return Err(
                vm.type_error(format!("{what}() takes at most 1 keyword argument ({} given)", kwnames.len()))
            );
        }
        if text != "strict" {
            return Err(vm.type_error(format!("{what}() got an unexpected keyword argument '{text}'")));
        }
        strict = vm.is_true(value)?;
    }
    Ok(strict)
}

fn zip_new(vm: &Vm, class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    let strict = strict_keyword(vm, "zip", args, kwnames)?;
    let iterators: Result<Vec<Object>> =
        args[..args.len() - kwnames.len()].iter().map(|iterable| vm.iter(iterable)).collect();
    let payload = Parallel {
        function: ObjectCell::EMPTY,
        iterators: UnsafeCell::new(iterators?),
        strict: Cell::new(strict),
        pair: PairCell::default(),
    };
    allocate(vm, class, payload)
}

fn zip_next(vm: &Vm, object: &Object) -> Result<Option<Object>> {
    let this = this::<Parallel>(object);
    if this.count() == 0 {
        return Ok(None);
    }
    if this.count() == 2
        && !this.strict.get()
        && let (Some(first), Some(second)) = (this.iterator(0), this.iterator(1))
    {
        let Some(a) = vm.next(&first)? else { return Ok(None) };
        let Some(b) = vm.next(&second)? else { return Ok(None) };
        return Ok(Some(this.pair.make(vm, a, b)));
    }
    Ok(this.step(vm, "zip")?.map(|items| vm.tuple(items)))
}

fn zip_reduce(vm: &Vm, args: &[Object]) -> Result {
    let this = this::<Parallel>(&args[0]);
    let mut out = vec![args[0].ty().to_object(), vm.tuple(this.iterators())];
    if this.strict.get() {
        out.push(Object::TRUE);
    }
    Ok(vm.tuple(out))
}

fn parallel_setstate(vm: &Vm, args: &[Object]) -> Result {
    let strict = vm.is_true(&args[1])?;
    this::<Parallel>(&args[0]).strict.set(strict);
    Ok(Object::NONE)
}

fn map_new(vm: &Vm, class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    let strict = strict_keyword(vm, "map", args, kwnames)?;
    let [function, iterables @ ..] = &args[..args.len() - kwnames.len()] else {
        return Err(vm.type_error("map() must have at least two arguments."));
    };
    if iterables.is_empty() {
        return Err(vm.type_error("map() must have at least two arguments."));
    }
    let iterators: Result<Vec<Object>> = iterables.iter().map(|iterable| vm.iter(iterable)).collect();
    let payload = Parallel {
        function: ObjectCell::new(function.clone()),
        iterators: UnsafeCell::new(iterators?),
        strict: Cell::new(strict),
        pair: PairCell::default(),
    };
    allocate(vm, class, payload)
}

fn map_next(vm: &Vm, object: &Object) -> Result<Option<Object>> {
    let this = this::<Parallel>(object);
    if this.count() == 1
        && let Some(iterator) = this.iterator(0)
    {
        let function = this.function.get();
        return match vm.next(&iterator)? {
            Some(item) => vm.call(&function, std::slice::from_ref(&item)).map(Some),
            None => Ok(None),
        };
    }
    if this.count() == 0 {
        return Ok(None);
    }
    let function = this.function.get();
    match this.step(vm, "map")? {
        Some(items) => vm.call(&function, &items).map(Some),
        None => Ok(None),
    }
}

fn map_reduce(vm: &Vm, args: &[Object]) -> Result {
    let this = this::<Parallel>(&args[0]);
    let mut parts = vec![this.function.or_none()];
    parts.extend(this.iterators());
    let mut out = vec![args[0].ty().to_object(), vm.tuple(parts)];
    if this.strict.get() {
        out.push(Object::TRUE);
    }
    Ok(vm.tuple(out))
}

// ---- iter(callable, sentinel) -------------------------------------------------------------------

/// Payload of callable_iterator.
pub struct CallableIterator {
    callable: ObjectCell,
    sentinel: ObjectCell,
}

impl NativeClass for CallableIterator {
    fn class() -> &'static Type {
        &CALLABLE_ITERATOR
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.callable.traverse(visitor);
        self.sentinel.traverse(visitor);
    }
    fn clear(&self) {
        self.callable.clear();
        self.sentinel.clear();
    }
}

pub static CALLABLE_ITERATOR: Type = Type::new::<CallableIterator>(
    "callable_iterator",
    &OBJECT,
    type_flags::HAVE_GC,
    Slots { next: Some(callable_next), ..Slots::EMPTY.iter(itself) },
    &[MethodDef::new("__reduce__($self, /)", callable_reduce, REDUCE_DOC)],
    &[],
);

/// `iter(callable, sentinel)`.
pub fn callable_iterator(vm: &Vm, callable: Object, sentinel: Object) -> Object {
    vm.alloc(
        &CALLABLE_ITERATOR,
        CallableIterator { callable: ObjectCell::new(callable), sentinel: ObjectCell::new(sentinel) },
    )
}

fn callable_next(vm: &Vm, object: &Object) -> Result<Option<Object>> {
    let this = this::<CallableIterator>(object);
    let Some(callable) = this.callable.bound() else { return Ok(None) };
    let end = || {
        this.callable.clear();
        this.sentinel.clear();
        Ok(None)
    };
    match vm.call(&callable, &[]) {
        Ok(result) => {
            // The call may have exhausted this very iterator.
            let Some(sentinel) = this.sentinel.bound() else { return Ok(None) };
            if vm.equal(&sentinel, &result)? { end() } else { Ok(Some(result)) }
        }
        Err(_) if vm.raised_is(&exc::STOP_ITERATION) => {
            drop(vm.take_raised());
            end()
        }
        Err(raised) => Err(raised),
    }
}

fn callable_reduce(vm: &Vm, args: &[Object]) -> Result {
    let iter = builtin(vm, "iter")?;
    let this = this::<CallableIterator>(&args[0]);
    let parts = match (this.callable.bound(), this.sentinel.bound()) {
        (Some(callable), Some(sentinel)) => vm.tuple(vec![callable, sentinel]),
        _ => vm.tuple(vec![vm.tuple(Vec::new())]),
    };
    Ok(vm.tuple(vec![iter, parts]))
}
