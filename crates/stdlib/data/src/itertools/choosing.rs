//! Iterators of `itertools` that let some items through or group them:
//! compress, dropwhile, filterfalse, takewhile, groupby.

use super::{FLAGS, itself};
use std::cell::Cell;
use taipan_runtime::prelude::*;
use taipan_runtime::support::{allocate, check_arity, no_keywords, this};
use taipan_runtime::types::boolean::BOOL;
use taipan_runtime::types::cell::ObjectCell;
use taipan_runtime::types::object::OBJECT;
use taipan_runtime::types::tuple;

// ---- compress -------------------------------------------------------------------------

/// Payload of compress.
pub struct Compress {
    data: ObjectCell,
    selectors: ObjectCell,
}

impl NativeClass for Compress {
    fn class() -> &'static Type {
        &COMPRESS
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.data.traverse(visitor);
        self.selectors.traverse(visitor);
    }
    fn clear(&self) {
        self.data.clear();
        self.selectors.clear();
    }
}

pub static COMPRESS: Type = Type::new::<Compress>(
    "itertools.compress",
    &OBJECT,
    FLAGS,
    Slots { new: Some(compress_new), next: Some(compress_next), ..Slots::EMPTY.iter(itself) },
    &[],
    &[],
)
.with_doc("compress(data, selectors)\n--\n\nThe items of data whose selectors are true.");

static COMPRESS_SIG: Sig = Sig::new("compress(data, selectors)");

fn compress_new(vm: &Vm, class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    let bound = COMPRESS_SIG.bind(vm, args, kwnames)?;
    let data = vm.iter(&bound[0])?;
    let selectors = vm.iter(&bound[1])?;
    allocate(vm, class, Compress { data: ObjectCell::new(data), selectors: ObjectCell::new(selectors) })
}

fn compress_next(vm: &Vm, object: &Object) -> Result<Option<Object>> {
    let this = this::<Compress>(object);
    let (data, selectors) = (this.data.get(), this.selectors.get());
    if data.is_unbound() || selectors.is_unbound() {
        return Ok(None);
    }
    loop {
        let Some(item) = vm.next(&data)? else { return Ok(None) };
        let Some(selector) = vm.next(&selectors)? else { return Ok(None) };
        if vm.is_true(&selector)? {
            return Ok(Some(item));
        }
    }
}

// ---- dropwhile, takewhile, filterfalse --------------------------------------------------

/// Payload of the three iterators that ask a function about each item.
pub struct Asking<const KIND: u8> {
    function: ObjectCell,
    iterator: ObjectCell,
    /// dropwhile: items pass from now on; takewhile: it has ended.
    decided: Cell<bool>,
}

const DROP: u8 = 0;
const TAKE: u8 = 1;
const FALSE: u8 = 2;

impl<const KIND: u8> NativeClass for Asking<KIND> {
    fn class() -> &'static Type {
        match KIND {
            DROP => &DROPWHILE,
            TAKE => &TAKEWHILE,
            _ => &FILTERFALSE,
        }
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.function.traverse(visitor);
        self.iterator.traverse(visitor);
    }
    fn clear(&self) {
        self.iterator.clear();
        self.function.clear();
    }
}

pub static DROPWHILE: Type = Type::new::<Asking<DROP>>(
    "itertools.dropwhile",
    &OBJECT,
    FLAGS,
    Slots { new: Some(asking_new::<DROP>), next: Some(dropwhile_next), ..Slots::EMPTY.iter(itself) },
    &[],
    &[],
)
.with_doc(
    "dropwhile(predicate, iterable, /)\n--\n\nThe items from the first one on that the predicate denies.",
);

pub static TAKEWHILE: Type = Type::new::<Asking<TAKE>>(
    "itertools.takewhile",
    &OBJECT,
    FLAGS,
    Slots { new: Some(asking_new::<TAKE>), next: Some(takewhile_next), ..Slots::EMPTY.iter(itself) },
    &[],
    &[],
)
.with_doc(
    "takewhile(predicate, iterable, /)\n--\n\nThe items up to the first one that the predicate denies.",
);

pub static FILTERFALSE: Type = Type::new::<Asking<FALSE>>(
    "itertools.filterfalse",
    &OBJECT,
    FLAGS,
    Slots { new: Some(asking_new::<FALSE>), next: Some(filterfalse_next), ..Slots::EMPTY.iter(itself) },
    &[],
    &[],
)
.with_doc("filterfalse(function, iterable, /)\n--\n\nThe items that the function denies (the false ones, if it is None).");

fn asking_new<const KIND: u8>(vm: &Vm, class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    let native = Asking::<KIND>::class();
    let args = no_keywords(vm, class, native, args, kwnames)?;
    check_arity(vm, native.name(), args.len(), 2, 2)?;
    let iterator = vm.iter(&args[1])?;
    let payload = Asking::<KIND> {
        function: ObjectCell::new(args[0].clone()),
        iterator: ObjectCell::new(iterator),
        decided: Cell::new(false),
    };
    allocate(vm, class, payload)
}

fn dropwhile_next(vm: &Vm, object: &Object) -> Result<Option<Object>> {
    let this = this::<Asking<DROP>>(object);
    let iterator = this.iterator.get();
    if iterator.is_unbound() {
        return Ok(None);
    }
    loop {
        let Some(item) = vm.next(&iterator)? else { return Ok(None) };
        if this.decided.get() {
            return Ok(Some(item));
        }
        let answer = vm.call(&this.function.get(), std::slice::from_ref(&item))?;
        if !vm.is_true(&answer)? {
            this.decided.set(true);
            return Ok(Some(item));
        }
    }
}

fn takewhile_next(vm: &Vm, object: &Object) -> Result<Option<Object>> {
    let this = this::<Asking<TAKE>>(object);
    let iterator = this.iterator.get();
    if iterator.is_unbound() || this.decided.get() {
        return Ok(None);
    }
    let Some(item) = vm.next(&iterator)? else { return Ok(None) };
    let answer = vm.call(&this.function.get(), std::slice::from_ref(&item))?;
    if vm.is_true(&answer)? {
        return Ok(Some(item));
    }
    this.decided.set(true);
    Ok(None)
}

fn filterfalse_next(vm: &Vm, object: &Object) -> Result<Option<Object>> {
    let this = this::<Asking<FALSE>>(object);
    let iterator = this.iterator.get();
    if iterator.is_unbound() {
        return Ok(None);
    }
    let function = this.function.get();
    let plain = function.is_none() || function.value().is(BOOL.value());
    loop {
        let Some(item) = vm.next(&iterator)? else { return Ok(None) };
        let truth = if plain {
            vm.is_true(&item)?
        } else {
            let answer = vm.call(&function, std::slice::from_ref(&item))?;
            vm.is_true(&answer)?
        };
        if !truth {
            return Ok(Some(item));
        }
    }
}

// ---- groupby --------------------------------------------------------------------------

/// Payload of groupby.
pub struct GroupBy {
    iterator: ObjectCell,
    /// None: the item itself is the key.
    key_function: Object,
    target_key: ObjectCell,
    current_key: ObjectCell,
    current_value: ObjectCell,
    /// Identity of the group that may go on; 0: none.
    current_group: Cell<u64>,
}

impl NativeClass for GroupBy {
    fn class() -> &'static Type {
        &GROUPBY
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.iterator.traverse(visitor);
        visitor.visit_object(&self.key_function);
        self.target_key.traverse(visitor);
        self.current_key.traverse(visitor);
        self.current_value.traverse(visitor);
    }
    fn clear(&self) {
        self.iterator.clear();
        self.target_key.clear();
        self.current_key.clear();
        self.current_value.clear();
    }
}

pub static GROUPBY: Type = Type::new::<GroupBy>(
    "itertools.groupby",
    &OBJECT,
    FLAGS,
    Slots { new: Some(groupby_new), next: Some(groupby_next), ..Slots::EMPTY.iter(itself) },
    &[],
    &[],
)
.with_doc("groupby(iterable, key=None)\n--\n\nPairs of a key and an iterator over the neighbouring items that have it.");

static GROUPBY_SIG: Sig = Sig::new("groupby(iterable, key=None)");

fn groupby_new(vm: &Vm, class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    let bound = GROUPBY_SIG.bind(vm, args, kwnames)?;
    let iterator = vm.iter(&bound[0])?;
    let payload = GroupBy {
        iterator: ObjectCell::new(iterator),
        key_function: bound[1].clone(),
        target_key: ObjectCell::EMPTY,
        current_key: ObjectCell::EMPTY,
        current_value: ObjectCell::EMPTY,
        current_group: Cell::new(0),
    };
    allocate(vm, class, payload)
}

/// Reads the next item and its key; false at the end.
fn groupby_step(vm: &Vm, this: &GroupBy) -> Result<bool> {
    let iterator = this.iterator.get();
    if iterator.is_unbound() {
        return Ok(false);
    }
    let Some(value) = vm.next(&iterator)? else { return Ok(false) };
    let key = if this.key_function.is_none() {
        value.clone()
    } else {
        vm.call(&this.key_function, std::slice::from_ref(&value))?
    };
    let old = (this.current_value.replace(value), this.current_key.replace(key));
    drop(old);
    Ok(true)
}

fn groupby_next(vm: &Vm, object: &Object) -> Result<Option<Object>> {
    let this = this::<GroupBy>(object);
    this.current_group.set(0);
    // On to the next key.
    loop {
        if !this.current_key.is_empty() {
            let Some(target) = this.target_key.bound() else { break };
            // The comparison may run code that changes both.
            let current = this.current_key.get();
            if !vm.equal(&target, &current)? {
                break;
            }
        }
        if !groupby_step(vm, this)? {
            return Ok(None);
        }
    }
    let key = this.current_key.get();
    this.target_key.set(key.clone());
    let group = new_group(vm, object, key.clone())?;
    Ok(Some(tuple::from_array(vm, [key, group])))
}

/// Payload of _grouper: one group of a groupby.
pub struct Grouper {
    parent: ObjectCell,
    target_key: ObjectCell,
}

impl NativeClass for Grouper {
    fn class() -> &'static Type {
        &GROUPER
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.parent.traverse(visitor);
        self.target_key.traverse(visitor);
    }
}

pub static GROUPER: Type = Type::new::<Grouper>(
    "itertools._grouper",
    &OBJECT,
    type_flags::HAVE_GC,
    Slots { new: Some(grouper_new), next: Some(grouper_next), ..Slots::EMPTY.iter(itself) },
    &[],
    &[],
);

fn new_group(vm: &Vm, parent: &Object, key: Object) -> Result {
    let payload = Grouper { parent: ObjectCell::new(parent.clone()), target_key: ObjectCell::new(key) };
    let group = allocate(vm, &GROUPER, payload)?;
    this::<GroupBy>(parent).current_group.set(group.bits());
    Ok(group)
}

fn grouper_new(vm: &Vm, class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    let args = no_keywords(vm, class, &GROUPER, args, kwnames)?;
    check_arity(vm, "_grouper", args.len(), 2, 2)?;
    if args[0].downcast::<GroupBy>().is_none() {
        let shown = args[0].ty().name();
        return Err(vm.type_error(format!("_grouper() argument 1 must be itertools.groupby, not {shown}")));
    }
    new_group(vm, &args[0], args[1].clone())
}

fn grouper_next(vm: &Vm, object: &Object) -> Result<Option<Object>> {
    let this_group = this::<Grouper>(object);
    let parent = this_group.parent.get();
    let Some(group_by) = parent.downcast::<GroupBy>() else { return Ok(None) };
    if group_by.current_group.get() != object.bits() {
        return Ok(None);
    }
    if group_by.current_value.is_empty() && !groupby_step(vm, group_by)? {
        return Ok(None);
    }
    let (target, current) = (this_group.target_key.get(), group_by.current_key.get());
    if current.is_unbound() || !vm.equal(&target, &current)? {
        return Ok(None);
    }
    let value = group_by.current_value.take();
    group_by.current_key.clear();
    Ok(value.bound().cloned())
}
