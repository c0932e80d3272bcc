//! Iterators of `itertools` that join, slice or combine the items of others:
//! accumulate, batched, chain, islice, pairwise, starmap, zip_longest.

use super::{FLAGS, itself};
use std::cell::{Cell, RefCell};
use taipan_runtime::prelude::*;
use taipan_runtime::support::{allocate, check_arity, no_keywords, this};
use taipan_runtime::types::cell::ObjectCell;
use taipan_runtime::types::genericalias::class_getitem;
use taipan_runtime::types::object::OBJECT;
use taipan_runtime::types::{int, tuple};

// ---- accumulate -----------------------------------------------------------------------

/// Payload of accumulate.
pub struct Accumulate {
    iterator: ObjectCell,
    total: ObjectCell,
    function: ObjectCell,
    initial: ObjectCell,
}

impl NativeClass for Accumulate {
    fn class() -> &'static Type {
        &ACCUMULATE
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.iterator.traverse(visitor);
        self.total.traverse(visitor);
        self.function.traverse(visitor);
        self.initial.traverse(visitor);
    }
    fn clear(&self) {
        self.iterator.clear();
        self.total.clear();
        self.function.clear();
        self.initial.clear();
    }
}

pub static ACCUMULATE: Type = Type::new::<Accumulate>(
    "itertools.accumulate",
    &OBJECT,
    FLAGS,
    Slots { new: Some(accumulate_new), next: Some(accumulate_next), ..Slots::EMPTY.iter(itself) },
    &[],
    &[],
)
.with_doc(
    "accumulate(iterable, func=None, *, initial=None)\n--\n\nRunning totals (or running results of func).",
);

static ACCUMULATE_SIG: Sig = Sig::new("accumulate(iterable, func=None, *, initial=None)");

fn accumulate_new(vm: &Vm, class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    let bound = ACCUMULATE_SIG.bind(vm, args, kwnames)?;
    let iterator = vm.iter(&bound[0])?;
    let payload = Accumulate {
        iterator: ObjectCell::new(iterator),
        total: ObjectCell::EMPTY,
        function: ObjectCell::new(bound[1].some().cloned().unwrap_or(Object::UNBOUND)),
        initial: ObjectCell::new(bound[2].some().cloned().unwrap_or(Object::UNBOUND)),
    };
    allocate(vm, class, payload)
}

fn accumulate_next(vm: &Vm, object: &Object) -> Result<Option<Object>> {
    let this = this::<Accumulate>(object);
    if !this.initial.is_empty() {
        let initial = this.initial.take();
        this.total.set(initial.clone());
        return Ok(Some(initial));
    }
    let iterator = this.iterator.get();
    if iterator.is_unbound() {
        return Ok(None);
    }
    let Some(item) = vm.next(&iterator)? else { return Ok(None) };
    let Some(total) = this.total.bound() else {
        this.total.set(item.clone());
        return Ok(Some(item));
    };
    let total = match this.function.bound() {
        None => vm.binary(BinaryOp::Add, &total, &item)?,
        Some(function) => vm.call(&function, &[total, item])?,
    };
    this.total.set(total.clone());
    Ok(Some(total))
}

// ---- batched --------------------------------------------------------------------------

/// Payload of batched.
pub struct Batched {
    iterator: ObjectCell,
    size: usize,
    strict: bool,
}

impl NativeClass for Batched {
    fn class() -> &'static Type {
        &BATCHED
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.iterator.traverse(visitor);
    }
    fn clear(&self) {
        self.iterator.clear();
    }
}

pub static BATCHED: Type = Type::new::<Batched>(
    "itertools.batched",
    &OBJECT,
    FLAGS,
    Slots { new: Some(batched_new), next: Some(batched_next), ..Slots::EMPTY.iter(itself) },
    &[],
    &[],
)
.with_doc("batched(iterable, n, *, strict=False)\n--\n\nTuples of n items; the last one may be shorter, unless strict.\n\n    >>> list(batched(range(5), 2))\n    [(0, 1), (2, 3), (4,)]");

static BATCHED_SIG: Sig = Sig::new("batched(iterable, n, *, strict=False)");

fn batched_new(vm: &Vm, class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    let bound = BATCHED_SIG.bind(vm, args, kwnames)?;
    let size = vm.index_isize(&bound[1])?;
    let strict = vm.is_true(&bound[2])?;
    if size < 1 {
        return Err(vm.value_error("n must be at least one"));
    }
    let iterator = vm.iter(&bound[0])?;
    allocate(vm, class, Batched { iterator: ObjectCell::new(iterator), size: size as usize, strict })
}

fn batched_next(vm: &Vm, object: &Object) -> Result<Option<Object>> {
    let this = this::<Batched>(object);
    let iterator = this.iterator.get();
    if iterator.is_unbound() {
        return Ok(None);
    }
    let mut items = Vec::with_capacity(this.size.min(1024));
    while items.len() < this.size {
        match vm.next(&iterator) {
            Ok(Some(item)) => {
                if items.len() == items.capacity() && items.try_reserve(1).is_err() {
                    return Err(vm.memory_error());
                }
                items.push(item);
            }
            Ok(None) => {
                this.iterator.clear();
                if items.is_empty() {
                    return Ok(None);
                }
                if this.strict {
                    return Err(vm.value_error("batched(): incomplete batch"));
                }
                break;
            }
            Err(raised) => {
                this.iterator.clear();
                return Err(raised);
            }
        }
    }
    Ok(Some(vm.tuple(items)))
}

// ---- chain ----------------------------------------------------------------------------

/// Payload of chain.
pub struct Chain {
    /// Iterator over the iterables.
    source: ObjectCell,
    active: ObjectCell,
}

impl NativeClass for Chain {
    fn class() -> &'static Type {
        &CHAIN
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.source.traverse(visitor);
        self.active.traverse(visitor);
    }
    fn clear(&self) {
        self.source.clear();
        self.active.clear();
    }
}

pub static CHAIN: Type = Type::new::<Chain>(
    "itertools.chain",
    &OBJECT,
    FLAGS,
    Slots { new: Some(chain_new), next: Some(chain_next), ..Slots::EMPTY.iter(itself) },
    &[
        MethodDef::new(
            "from_iterable($type, iterable, /)",
            chain_from_iterable,
            "As chain(), the iterables coming from one iterable that is read lazily.",
        )
        .class_method(),
        MethodDef::new("__class_getitem__($type, object, /)", class_getitem, "See PEP 585").class_method(),
    ],
    &[],
)
.with_doc("chain(*iterables)\n--\n\nThe items of the first iterable, then those of the next, until all are exhausted.");

fn chain_of(vm: &Vm, class: &Type, source: Object) -> Result {
    allocate(vm, class, Chain { source: ObjectCell::new(source), active: ObjectCell::EMPTY })
}

fn chain_new(vm: &Vm, class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    let args = no_keywords(vm, class, &CHAIN, args, kwnames)?;
    let source = vm.iter(&tuple::from_slice(vm, args))?;
    chain_of(vm, class, source)
}

fn chain_from_iterable(vm: &Vm, args: &[Object]) -> Result {
    let source = vm.iter(&args[1])?;
    match Type::of(&args[0]) {
        Some(class) => chain_of(vm, class, source),
        None => chain_of(vm, &CHAIN, source),
    }
}

fn chain_next(vm: &Vm, object: &Object) -> Result<Option<Object>> {
    let this = this::<Chain>(object);
    loop {
        let active = this.active.get();
        if !active.is_unbound() {
            match vm.next(&active)? {
                Some(item) => return Ok(Some(item)),
                None => this.active.clear(),
            }
            continue;
        }
        let source = this.source.get();
        if source.is_unbound() {
            return Ok(None);
        }
        let started = match vm.next(&source) {
            Ok(Some(iterable)) => vm.iter(&iterable),
            Ok(None) => {
                this.source.clear();
                return Ok(None);
            }
            Err(raised) => Err(raised),
        };
        match started {
            Ok(iterator) => this.active.set(iterator),
            Err(raised) => {
                this.source.clear();
                return Err(raised);
            }
        }
    }
}

// ---- islice ---------------------------------------------------------------------------

/// Payload of islice.
pub struct Islice {
    iterator: ObjectCell,
    next: Cell<usize>,
    stop: Option<usize>,
    step: usize,
    count: Cell<usize>,
}

impl NativeClass for Islice {
    fn class() -> &'static Type {
        &ISLICE
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.iterator.traverse(visitor);
    }
    fn clear(&self) {
        self.iterator.clear();
    }
}

pub static ISLICE: Type = Type::new::<Islice>(
    "itertools.islice",
    &OBJECT,
    FLAGS,
    Slots { new: Some(islice_new), next: Some(islice_next), ..Slots::EMPTY.iter(itself) },
    &[],
    &[],
)
.with_doc("islice(iterable, stop) --> islice object\nislice(iterable, start, stop[, step]) --> islice object\n\nThe items that a slice of these bounds would have, taken from an iterator.");

/// A bound of a slice: None, or an int from 0 to sys.maxsize.
fn slice_bound(vm: &Vm, object: &Object, message: &str) -> Result<Option<usize>> {
    if object.is_none() {
        return Ok(None);
    }
    match vm.index_clipped(object) {
        Ok(n) if n >= 0 && (n != isize::MAX || int::to_i64(object) == Some(i64::MAX)) => Ok(Some(n as usize)),
        Ok(_) => Err(vm.value_error(message)),
        Err(_) => {
            drop(vm.take_raised());
            Err(vm.value_error(message))
        }
    }
}

fn islice_new(vm: &Vm, class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    const STOP: &str = "Stop argument for islice() must be None or an integer: 0 <= x <= sys.maxsize.";
    const INDICES: &str = "Indices for islice() must be None or an integer: 0 <= x <= sys.maxsize.";
    const STEP: &str = "Step for islice() must be a positive integer or None.";
    let args = no_keywords(vm, class, &ISLICE, args, kwnames)?;
    check_arity(vm, "islice", args.len(), 2, 4)?;
    let (start, stop, step) = if args.len() == 2 {
        (0, slice_bound(vm, &args[1], STOP)?, 1)
    } else {
        // A bound that is no int names itself; a negative one is an index.
        let stop = match slice_bound(vm, &args[2], STOP) {
            Ok(stop) => stop,
            Err(raised) => return Err(raised),
        };
        let start = slice_bound(vm, &args[1], INDICES)?.unwrap_or(0);
        let step = match args.get(3) {
            Some(step) => slice_bound(vm, step, STEP)?.unwrap_or(1),
            None => 1,
        };
        (start, stop, step)
    };
    if step == 0 {
        return Err(vm.value_error(STEP));
    }
    let iterator = vm.iter(&args[0])?;
    let payload = Islice {
        iterator: ObjectCell::new(iterator),
        next: Cell::new(start),
        stop,
        step,
        count: Cell::new(0),
    };
    allocate(vm, class, payload)
}

fn islice_next(vm: &Vm, object: &Object) -> Result<Option<Object>> {
    let this = this::<Islice>(object);
    let iterator = this.iterator.get();
    if iterator.is_unbound() {
        return Ok(None);
    }
    let item = match islice_step(vm, this, &iterator) {
        Ok(Some(item)) => item,
        Ok(None) => {
            this.iterator.clear();
            return Ok(None);
        }
        Err(raised) => {
            this.iterator.clear();
            return Err(raised);
        }
    };
    let old = this.next.get();
    let next = old.saturating_add(this.step);
    this.next.set(match this.stop {
        Some(stop) if next > stop => stop,
        _ => next,
    });
    Ok(Some(item))
}

fn islice_step(vm: &Vm, this: &Islice, iterator: &Object) -> Result<Option<Object>> {
    while this.count.get() < this.next.get() {
        if vm.next(iterator)?.is_none() {
            return Ok(None);
        }
        this.count.set(this.count.get() + 1);
    }
    if this.stop.is_some_and(|stop| this.count.get() >= stop) {
        return Ok(None);
    }
    let item = vm.next(iterator)?;
    if item.is_some() {
        this.count.set(this.count.get().wrapping_add(1));
    }
    Ok(item)
}

// ---- pairwise -------------------------------------------------------------------------

/// Payload of pairwise.
pub struct Pairwise {
    iterator: ObjectCell,
    old: ObjectCell,
}

impl NativeClass for Pairwise {
    fn class() -> &'static Type {
        &PAIRWISE
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.iterator.traverse(visitor);
        self.old.traverse(visitor);
    }
    fn clear(&self) {
        self.iterator.clear();
        self.old.clear();
    }
}

pub static PAIRWISE: Type = Type::new::<Pairwise>(
    "itertools.pairwise",
    &OBJECT,
    FLAGS,
    Slots { new: Some(pairwise_new), next: Some(pairwise_next), ..Slots::EMPTY.iter(itself) },
    &[],
    &[],
)
.with_doc(
    "pairwise(iterable, /)\n--\n\nThe overlapping pairs of neighbours: s -> (s0,s1), (s1,s2), (s2, s3), ...",
);

fn pairwise_new(vm: &Vm, class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    let args = no_keywords(vm, class, &PAIRWISE, args, kwnames)?;
    check_arity(vm, "pairwise", args.len(), 1, 1)?;
    let iterator = vm.iter(&args[0])?;
    allocate(vm, class, Pairwise { iterator: ObjectCell::new(iterator), old: ObjectCell::EMPTY })
}

fn pairwise_next(vm: &Vm, object: &Object) -> Result<Option<Object>> {
    let this = this::<Pairwise>(object);
    let iterator = this.iterator.get();
    if iterator.is_unbound() {
        return Ok(None);
    }
    let result = pairwise_step(vm, this, &iterator);
    if !matches!(result, Ok(Some(_))) {
        this.iterator.clear();
        this.old.clear();
    }
    result
}

fn pairwise_step(vm: &Vm, this: &Pairwise, iterator: &Object) -> Result<Option<Object>> {
    if this.old.is_empty() {
        let Some(first) = vm.next(iterator)? else { return Ok(None) };
        this.old.set(first);
        // The iterator may have come back to us and ended us.
        if this.iterator.is_empty() {
            return Ok(None);
        }
    }
    let old = this.old.get();
    let Some(new) = vm.next(iterator)? else { return Ok(None) };
    this.old.set(new.clone());
    Ok(Some(tuple::from_array(vm, [old, new])))
}

// ---- starmap --------------------------------------------------------------------------

/// Payload of starmap.
pub struct Starmap {
    function: ObjectCell,
    iterator: ObjectCell,
}

impl NativeClass for Starmap {
    fn class() -> &'static Type {
        &STARMAP
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

pub static STARMAP: Type = Type::new::<Starmap>(
    "itertools.starmap",
    &OBJECT,
    FLAGS,
    Slots { new: Some(starmap_new), next: Some(starmap_next), ..Slots::EMPTY.iter(itself) },
    &[],
    &[],
)
.with_doc("starmap(function, iterable, /)\n--\n\nThe function's results with the items of the iterable as its arguments.");

fn starmap_new(vm: &Vm, class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    let args = no_keywords(vm, class, &STARMAP, args, kwnames)?;
    check_arity(vm, "starmap", args.len(), 2, 2)?;
    let iterator = vm.iter(&args[1])?;
    let payload = Starmap { function: ObjectCell::new(args[0].clone()), iterator: ObjectCell::new(iterator) };
    allocate(vm, class, payload)
}

fn starmap_next(vm: &Vm, object: &Object) -> Result<Option<Object>> {
    let this = this::<Starmap>(object);
    let iterator = this.iterator.get();
    if iterator.is_unbound() {
        return Ok(None);
    }
    let Some(item) = vm.next(&iterator)? else { return Ok(None) };
    let function = this.function.get();
    if let Some(args) = item.downcast_exact::<Tuple>() {
        return vm.call(&function, args.items()).map(Some);
    }
    let args = vm.collect(&item)?;
    vm.call(&function, &args).map(Some)
}

// ---- zip_longest ----------------------------------------------------------------------

/// Payload of zip_longest. Exhausted iterators are UNBOUND.
pub struct ZipLongest {
    iterators: RefCell<Vec<Object>>,
    active: Cell<usize>,
    fill: Object,
}

impl NativeClass for ZipLongest {
    fn class() -> &'static Type {
        &ZIP_LONGEST
    }
    fn traverse(&self, visitor: &mut Visitor) {
        if let Ok(iterators) = self.iterators.try_borrow() {
            iterators.iter().for_each(|item| visitor.visit_object(item));
        }
        visitor.visit_object(&self.fill);
    }
    fn clear(&self) {
        self.active.set(0);
        let iterators = self.iterators.take();
        drop(iterators);
    }
}

pub static ZIP_LONGEST: Type = Type::new::<ZipLongest>(
    "itertools.zip_longest",
    &OBJECT,
    FLAGS,
    Slots { new: Some(zip_longest_new), next: Some(zip_longest_next), ..Slots::EMPTY.iter(itself) },
    &[],
    &[],
)
.with_doc("zip_longest(*iterables, fillvalue=None)\n--\n\nAs zip(), but up to the end of the longest iterable, the others filled up.");

fn zip_longest_new(vm: &Vm, class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    let nargs = args.len() - kwnames.len();
    let mut fill = Object::NONE;
    if let Some(key) = kwnames.first() {
        if kwnames.len() > 1 || vm.str_lossy(key) != "fillvalue" {
            return Err(vm.type_error("zip_longest() got an unexpected keyword argument"));
        }
        fill = args[nargs].clone();
    }
    let mut iterators = Vec::with_capacity(nargs);
    for iterable in &args[..nargs] {
        iterators.push(vm.iter(iterable)?);
    }
    let active = Cell::new(iterators.len());
    allocate(vm, class, ZipLongest { iterators: RefCell::new(iterators), active, fill })
}

fn zip_longest_next(vm: &Vm, object: &Object) -> Result<Option<Object>> {
    let this = this::<ZipLongest>(object);
    let len = this.iterators.borrow().len();
    if len == 0 || this.active.get() == 0 {
        return Ok(None);
    }
    let mut items = Vec::with_capacity(len);
    for i in 0..len {
        let iterator = this.iterators.borrow().get(i).cloned().unwrap_or(Object::UNBOUND);
        if iterator.is_unbound() {
            items.push(this.fill.clone());
            continue;
        }
        match vm.next(&iterator) {
            Ok(Some(item)) => items.push(item),
            Ok(None) => {
                let active = this.active.get().saturating_sub(1);
                this.active.set(active);
                if active == 0 {
                    return Ok(None);
                }
                items.push(this.fill.clone());
                let old = match this.iterators.borrow_mut().get_mut(i) {
                    Some(slot) => std::mem::replace(slot, Object::UNBOUND),
                    None => Object::UNBOUND,
                };
                drop(old);
            }
            Err(raised) => {
                this.active.set(0);
                return Err(raised);
            }
        }
    }
    Ok(Some(vm.tuple(items)))
}
