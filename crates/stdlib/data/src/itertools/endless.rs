//! The endless iterators of `itertools`: count, cycle and repeat.

use super::{FLAGS, itself};
use std::cell::{Cell, RefCell};
use taipan_runtime::prelude::*;
use taipan_runtime::support::{allocate, check_arity, no_keywords, this};
use taipan_runtime::types::cell::ObjectCell;
use taipan_runtime::types::complex;
use taipan_runtime::types::int;
use taipan_runtime::types::object::OBJECT;

// ---- count ----------------------------------------------------------------------------

/// Payload of count: a machine integer as long as it fits, then objects.
pub struct Count {
    next: Cell<i64>,
    /// The next value, once `next` does not serve; UNBOUND before.
    large: ObjectCell,
    step: Object,
    small_step: bool,
}

impl NativeClass for Count {
    fn class() -> &'static Type {
        &COUNT
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.large.traverse(visitor);
        visitor.visit_object(&self.step);
    }
    fn clear(&self) {
        self.large.set(Object::NONE);
    }
}

pub static COUNT: Type = Type::new::<Count>(
    "itertools.count",
    &OBJECT,
    FLAGS,
    Slots { new: Some(count_new), next: Some(count_next), ..Slots::EMPTY.iter(itself).repr(count_repr) },
    &[],
    &[],
)
.with_doc("count(start=0, step=1)\n--\n\nAn endless iterator: start, start+step, start+2*step, ...");

static COUNT_SIG: Sig = Sig::new("count(start=0, step=1)");

fn is_number(object: &Object) -> bool {
    let unary = &object.ty().slots().unary;
    [UnaryOp::Index, UnaryOp::Int, UnaryOp::Float].iter().any(|&op| unary[op as usize].is_some())
        || complex::as_complex(object).is_some()
}

fn count_new(vm: &Vm, class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    if args.len() > 2 {
        return Err(vm.type_error(format!("count() takes at most 2 arguments ({} given)", args.len())));
    }
    let bound = COUNT_SIG.bind(vm, args, kwnames)?;
    if !bound.iter().all(is_number) {
        return Err(vm.type_error("a number is required"));
    }
    let start = if bound[0].is_instance_of(&int::INT) { int::exact(vm, &bound[0]) } else { bound[0].clone() };
    let step = bound[1].clone();
    let small_step = step.is_int() && step.as_int() == 1;
    let (next, large) =
        if small_step && start.is_int() { (start.as_int(), Object::UNBOUND) } else { (0, start) };
    allocate(vm, class, Count { next: Cell::new(next), large: ObjectCell::new(large), step, small_step })
}

fn count_next(vm: &Vm, object: &Object) -> Result<Option<Object>> {
    let this = this::<Count>(object);
    if this.large.is_empty() {
        let n = this.next.get();
        if n < i64::MAX {
            this.next.set(n + 1);
            return Ok(Some(vm.int(n)));
        }
        this.large.set(vm.int(n));
    }
    let current = this.large.get();
    let following = vm.binary(BinaryOp::Add, &current, &this.step)?;
    this.large.set(following);
    Ok(Some(current))
}

fn count_repr(vm: &Vm, object: &Object) -> Result {
    let this = this::<Count>(object);
    let start = this.large.bound().unwrap_or_else(|| vm.int(this.next.get()));
    let mut out = format!("{}({}", object.ty().name(), vm.repr_text(&start)?);
    if !this.small_step {
        out.push_str(&format!(", {}", vm.repr_text(&this.step)?));
    }
    out.push(')');
    Ok(vm.str(&out))
}

// ---- cycle ----------------------------------------------------------------------------

/// Payload of cycle.
pub struct Cycle {
    iterator: ObjectCell,
    saved: RefCell<Vec<Object>>,
    index: Cell<usize>,
}

impl NativeClass for Cycle {
    fn class() -> &'static Type {
        &CYCLE
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.iterator.traverse(visitor);
        if let Ok(saved) = self.saved.try_borrow() {
            saved.iter().for_each(|item| visitor.visit_object(item));
        }
    }
    fn clear(&self) {
        self.iterator.clear();
        let saved = self.saved.take();
        drop(saved);
    }
}

pub static CYCLE: Type = Type::new::<Cycle>(
    "itertools.cycle",
    &OBJECT,
    FLAGS,
    Slots { new: Some(cycle_new), next: Some(cycle_next), ..Slots::EMPTY.iter(itself) },
    &[],
    &[],
)
.with_doc("cycle(iterable, /)\n--\n\nThe items of the iterable, again and again.");

fn cycle_new(vm: &Vm, class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    let args = no_keywords(vm, class, &CYCLE, args, kwnames)?;
    check_arity(vm, "cycle", args.len(), 1, 1)?;
    let iterator = vm.iter(&args[0])?;
    let payload =
        Cycle { iterator: ObjectCell::new(iterator), saved: RefCell::new(Vec::new()), index: Cell::new(0) };
    allocate(vm, class, payload)
}

fn cycle_next(vm: &Vm, object: &Object) -> Result<Option<Object>> {
    let this = this::<Cycle>(object);
    if let Some(iterator) = this.iterator.bound() {
        if let Some(item) = vm.next(&iterator)? {
            this.saved.borrow_mut().push(item.clone());
            return Ok(Some(item));
        }
        this.iterator.clear();
    }
    let saved = this.saved.borrow();
    let index = this.index.get();
    let Some(item) = saved.get(index) else { return Ok(None) };
    this.index.set(if index + 1 >= saved.len() { 0 } else { index + 1 });
    Ok(Some(item.clone()))
}

// ---- repeat ---------------------------------------------------------------------------

/// Payload of repeat.
pub struct Repeat {
    object: ObjectCell,
    /// -1: for ever.
    count: Cell<i64>,
}

impl NativeClass for Repeat {
    fn class() -> &'static Type {
        &REPEAT
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.object.traverse(visitor);
    }
    fn clear(&self) {
        self.object.set(Object::NONE);
    }
}

pub static REPEAT: Type = Type::new::<Repeat>(
    "itertools.repeat",
    &OBJECT,
    FLAGS,
    Slots { new: Some(repeat_new), next: Some(repeat_next), ..Slots::EMPTY.iter(itself).repr(repeat_repr) },
    &[MethodDef::new(
        "__length_hint__($self, /)",
        repeat_hint,
        "Private method returning an estimate of len(list(it)).",
    )],
    &[],
)
.with_doc("repeat(object [,times]) -> the object, a number of times or for ever.");

static REPEAT_SIG: Sig = Sig::new("repeat(object, times=<missing>)");

fn repeat_new(vm: &Vm, class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    if args.len() > 2 {
        return Err(vm.type_error(format!("repeat() takes at most 2 arguments ({} given)", args.len())));
    }
    let bound = REPEAT_SIG.bind(vm, args, kwnames)?;
    let count = match bound[1].bound() {
        Some(times) => vm.index_isize(times)?.max(0) as i64,
        None => -1,
    };
    allocate(vm, class, Repeat { object: ObjectCell::new(bound[0].clone()), count: Cell::new(count) })
}

fn repeat_next(_vm: &Vm, object: &Object) -> Result<Option<Object>> {
    let this = this::<Repeat>(object);
    let count = this.count.get();
    if count == 0 {
        return Ok(None);
    }
    if count > 0 {
        this.count.set(count - 1);
    }
    Ok(Some(this.object.get()))
}

fn repeat_repr(vm: &Vm, object: &Object) -> Result {
    let this = this::<Repeat>(object);
    let shown = vm.repr_text(&this.object.get())?;
    let name = object.ty().name();
    Ok(vm.str(&match this.count.get() {
        -1 => format!("{name}({shown})"),
        count => format!("{name}({shown}, {count})"),
    }))
}

fn repeat_hint(vm: &Vm, args: &[Object]) -> Result {
    match this::<Repeat>(&args[0]).count.get() {
        -1 => Err(vm.type_error("len() of unsized object")),
        count => Ok(vm.int(count)),
    }
}
