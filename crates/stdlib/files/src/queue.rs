//! `_queue`: `SimpleQueue`, a queue whose `put` never waits and may be called
//! from destructors and signal handlers.

use crate::time::values::{self, Rounding};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::time::Duration;
use taipan_runtime::modules::thread::park::{Queue, wait_until};
use taipan_runtime::prelude::*;
use taipan_runtime::support::{allocate, exception_class, this};

const EMPTY: &str = "_queue.Empty";

pub static MODULE: ModuleDef = ModuleDef {
    name: "_queue",
    doc: "The native half of the module queue.",
    functions: &[],
    types: &[&SIMPLE_QUEUE],
    init: Some(|vm, module| {
        let doc = "Exception raised by Queue.get(block=0)/get_nowait().";
        let class = exception_class(vm, EMPTY, "_queue", "Empty", &exc::EXCEPTION, Some(doc))?;
        vm.set_attr_str(module, "Empty", &class)
    }),
};

/// Payload of SimpleQueue.
pub struct SimpleQueue {
    items: RefCell<VecDeque<Object>>,
    /// Those who wait for an item.
    getters: Queue,
}

impl NativeClass for SimpleQueue {
    fn class() -> &'static Type {
        &SIMPLE_QUEUE
    }
    fn traverse(&self, visitor: &mut Visitor) {
        if let Ok(items) = self.items.try_borrow() {
            items.iter().for_each(|item| visitor.visit_object(item));
        }
    }
    fn clear(&self) {
        drop(self.items.try_borrow_mut().map(|mut items| std::mem::take(&mut *items)));
    }
}

pub static SIMPLE_QUEUE: Type = Type::new::<SimpleQueue>(
    "_queue.SimpleQueue",
    &taipan_runtime::types::object::OBJECT,
    type_flags::BASE | type_flags::HAVE_GC | type_flags::WEAKREFABLE | type_flags::IMMUTABLE,
    Slots { new: Some(new), ..Slots::EMPTY },
    &[
        MethodDef::new("empty($self, /)", |_, args| Ok(Object::bool(this::<SimpleQueue>(&args[0]).items.borrow().is_empty())), "Return True if the queue is empty, False otherwise (not reliable!)."),
        MethodDef::new("get($self, /, block=True, timeout=None)", |vm, args| {
            let block = vm.is_true(&args[1])?;
            let timeout = if block { timeout(vm, &args[2])? } else { Some(Duration::ZERO) };
            get(vm, this(&args[0]), timeout)
        }, "Takes an item out of the queue.\n\nWaits for one if block is true, for at most timeout seconds unless that is None.\nEmpty is raised if there is none."),
        MethodDef::new("get_nowait($self, /)", |vm, args| get(vm, this(&args[0]), Some(Duration::ZERO)), "Takes an item out of the queue without waiting.\n\nEmpty is raised if there is none."),
        MethodDef::new("put($self, /, item, block=True, timeout=None)", put, "Puts an item into the queue.\n\nblock and timeout are there for likeness with Queue; this never waits."),
        MethodDef::new("put_nowait($self, /, item)", put, "Puts an item into the queue, as put()."),
        MethodDef::new("qsize($self, /)", |vm, args| Ok(vm.usize(this::<SimpleQueue>(&args[0]).items.borrow().len())), "Return the approximate size of the queue (not reliable!)."),
        MethodDef::new("__class_getitem__($type, object, /)", taipan_runtime::types::genericalias::class_getitem, "SimpleQueues are generic over the type of their contents").class_method(),
    ],
    &[],
)
.with_doc("SimpleQueue()\n--\n\nSimple, unbounded, reentrant FIFO queue.");

fn new(vm: &Vm, class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    if !kwnames.is_empty() {
        return Err(vm.type_error("SimpleQueue() takes no keyword arguments"));
    }
    if !args.is_empty() {
        return Err(vm.type_error("SimpleQueue() takes no positional arguments"));
    }
    let queue = SimpleQueue { items: RefCell::default(), getters: Queue::new() };
    allocate(vm, class, queue)
}

/// None: as long as it takes.
fn timeout(vm: &Vm, object: &Object) -> Result<Option<Duration>> {
    let Some(object) = object.some() else { return Ok(None) };
    let ns = values::nanoseconds(vm, object, Rounding::Ceiling)?;
    match u64::try_from(ns) {
        Ok(ns) => Ok(Some(Duration::from_nanos(ns))),
        Err(_) => Err(vm.value_error("'timeout' must be a non-negative number")),
    }
}

fn put(vm: &Vm, args: &[Object]) -> Result {
    let queue = this::<SimpleQueue>(&args[0]);
    {
        let mut items = queue.items.borrow_mut();
        if items.try_reserve(1).is_err() {
            return Err(vm.memory_error());
        }
        items.push_back(args[1].clone());
    }
    queue.getters.wake_one();
    Ok(Object::NONE)
}

fn get(vm: &Vm, queue: &SimpleQueue, timeout: Option<Duration>) -> Result {
    let mut item = None;
    wait_until(vm, &queue.getters, timeout, || {
        item = queue.items.borrow_mut().pop_front();
        item.is_some()
    })?;
    item.ok_or_else(|| empty(vm))
}

/// Empty, without a message.
#[cold]
fn empty(vm: &Vm) -> Raised {
    let class = vm.shared(EMPTY);
    vm.error_with(class.as_ref().and_then(Type::of).unwrap_or(&exc::EXCEPTION), Vec::new())
}
