//! Which tasks there are, for `all_tasks()`: weak references to ours, and a
//! `WeakSet` and a set for those of other classes.

use super::cached;
use super::task::Task;
use std::cell::{Cell, RefCell};
use taipan_runtime::prelude::*;
use taipan_runtime::shared::Place;
use taipan_runtime::support::allocate;
use taipan_runtime::types::set::{self, SetObject};
use taipan_runtime::types::weakref;

/// Payload of the object that keeps the references of an interpreter.
pub struct Registry {
    references: RefCell<Vec<Object>>,
    /// How many there may be before those to finished tasks are dropped.
    limit: Cell<usize>,
}

impl NativeClass for Registry {
    fn class() -> &'static Type {
        &REGISTRY
    }
    fn traverse(&self, visitor: &mut Visitor) {
        if let Ok(references) = self.references.try_borrow() {
            references.iter().for_each(|reference| visitor.visit_object(reference));
        }
    }
}

pub static REGISTRY: Type = Type::new::<Registry>(
    "_asyncio.TaskRegistry",
    &taipan_runtime::types::object::OBJECT,
    type_flags::HAVE_GC | type_flags::DISALLOW_INSTANTIATION,
    Slots::EMPTY,
    &[],
    &[],
);

static TASKS: Place = Place::new();
/// Tasks of other classes that run their first step.
const EAGER: &str = "asyncio eager tasks";
/// Tasks of other classes, a WeakSet.
const FOREIGN: &str = "asyncio foreign tasks";
const LEAST: usize = 256;

fn registry(vm: &Vm) -> Result {
    if let Some(found) = vm.at_place(&TASKS) {
        return Ok(found);
    }
    let payload = Registry { references: RefCell::default(), limit: Cell::new(LEAST) };
    let made = allocate(vm, &REGISTRY, payload)?;
    vm.put_in_place(&TASKS, made.clone());
    Ok(made)
}

fn eager(vm: &Vm) -> Object {
    vm.shared(EAGER).unwrap_or_else(|| {
        let made = set::new(vm);
        vm.share(EAGER, made.clone());
        made
    })
}

fn foreign(vm: &Vm) -> Result {
    if let Some(found) = vm.shared(FOREIGN) {
        return Ok(found);
    }
    let made = vm.call(&cached(vm, "weakref:WeakSet")?, &[])?;
    vm.share(FOREIGN, made.clone());
    Ok(made)
}

/// Does `all_tasks()` still want to know about what it refers to?
fn is_wanted(reference: &Object) -> bool {
    let task = weakref::get(reference);
    task.is_some_and(|task| task.downcast::<Task>().is_some_and(|task| task.future().is_pending()))
}

/// Makes a task known.
pub fn register(vm: &Vm, task: &Object) -> Result<()> {
    if task.downcast::<Task>().is_none() {
        return vm.call_method(&foreign(vm)?, "add", std::slice::from_ref(task)).map(drop);
    }
    let reference = weakref::new(vm, task)?;
    let registry = registry(vm)?;
    let Some(registry) = registry.downcast::<Registry>() else { return Ok(()) };
    let full = registry.references.borrow().len() >= registry.limit.get();
    if full {
        // References may die with their tasks while they are looked at: so
        // they are taken out first, and dropped last.
        let all = std::mem::take(&mut *registry.references.borrow_mut());
        let (wanted, unwanted): (Vec<Object>, Vec<Object>) = all.into_iter().partition(is_wanted);
        registry.limit.set(wanted.len().saturating_mul(2).max(LEAST));
        let added = std::mem::replace(&mut *registry.references.borrow_mut(), wanted);
        registry.references.borrow_mut().extend(added);
        drop(unwanted);
    }
    registry.references.borrow_mut().push(reference);
    Ok(())
}

/// Makes a task known while its first step runs.
pub fn register_eager(vm: &Vm, task: &Object) -> Result<()> {
    match task.downcast::<Task>() {
        Some(_) => register(vm, task),
        None => set::add_to(vm, &eager(vm), task.clone()),
    }
}

/// Forgets a task. Ours are known as long as they live and are not done.
pub fn unregister(vm: &Vm, task: &Object) -> Result<()> {
    if task.downcast::<Task>().is_some() {
        return forget(vm, task);
    }
    vm.call_method(&foreign(vm)?, "discard", std::slice::from_ref(task)).map(drop)
}

/// Forgets a task whose first step is over.
pub fn unregister_eager(vm: &Vm, task: &Object) -> Result<()> {
    if task.downcast::<Task>().is_some() {
        return forget(vm, task);
    }
    let eager = eager(vm);
    if let Some(set) = SetObject::of(&eager) {
        set.discard_hashed(vm, task, vm.hash(task)?)?;
    }
    Ok(())
}

fn forget(vm: &Vm, task: &Object) -> Result<()> {
    let registry = registry(vm)?;
    let Some(registry) = registry.downcast::<Registry>() else { return Ok(()) };
    let refers = |reference: &Object| weakref::get(reference).is_some_and(|t| t.value() == task.value());
    let mut references = registry.references.borrow_mut();
    let dropped: Vec<Object> = references.extract_if(.., |reference| refers(reference)).collect();
    drop(references);
    drop(dropped);
    Ok(())
}

/// All tasks that are known, each once.
pub fn everything(vm: &Vm) -> Result<Vec<Object>> {
    let mut out = Vec::new();
    let registry = registry(vm)?;
    if let Some(registry) = registry.downcast::<Registry>() {
        let references = registry.references.borrow().clone();
        out.extend(references.iter().filter_map(weakref::get));
    }
    if let Some(set) = SetObject::of(&eager(vm)) {
        out.extend(set.to_vec());
    }
    if let Some(foreign) = vm.shared(FOREIGN) {
        out.extend(vm.collect(&foreign)?);
    }
    Ok(out)
}
