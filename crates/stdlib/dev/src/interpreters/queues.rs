//! `_interpqueues`: queues between interpreters. They belong to the process; items lie in them as plain
//! data, with the number of the interpreter that they come from.

use super::data::{Data, Fallback, export, import};
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use taipan_runtime::prelude::*;
use taipan_runtime::support::{exception_class, raise_kept};
use taipan_runtime::types::int;

/// The module `_interpqueues`.
pub static QUEUES: ModuleDef = ModuleDef {
    name: "_interpqueues",
    doc: "This module provides primitive operations to manage Python interpreters' queues.\nThe 'interpreters' module provides a more convenient interface.",
    functions: &[
        MethodDef::new("create(maxsize, unboundop=-1, fallback=-1)", create, "Creates a queue; its ID."),
        MethodDef::new("destroy(qid)", destroy, "Ends a queue."),
        MethodDef::new("list_all()", list_all, "All queues, as (ID, unbound op, fallback)."),
        MethodDef::new("put(qid, obj, unboundop=-1, fallback=-1)", put, "Puts an object into a queue."),
        MethodDef::new("get(qid)", get, "Takes an object out of a queue: (object, unbound op)."),
        MethodDef::new("bind(qid)", |vm, args| with(vm, &args[0], |_, q| Ok(none(q.references += 1))), ""),
        MethodDef::new("release(qid)", release, "Gives a reference to a queue back."),
        MethodDef::new(
            "get_maxsize(qid)",
            |vm, args| with(vm, &args[0], |vm, q| Ok(vm.int(q.max))),
            "How many items the queue takes.",
        ),
        MethodDef::new(
            "get_queue_defaults(qid)",
            |vm, args| {
                with(vm, &args[0], |vm, q| {
                    Ok(vm.tuple(vec![vm.int(q.unbound as i64), vm.int(q.fallback as i64)]))
                })
            },
            "The queue's settings.",
        ),
        MethodDef::new(
            "is_full(qid)",
            |vm, args| with(vm, &args[0], |_, q| Ok(Object::bool(q.is_full()))),
            "Is the queue full?",
        ),
        MethodDef::new(
            "get_count(qid)",
            |vm, args| with(vm, &args[0], |vm, q| Ok(vm.usize(q.items.len()))),
            "How many items the queue has.",
        ),
        MethodDef::new("_register_heap_types(queuetype, emptyerror, fullerror)", register, ""),
    ],
    types: &[],
    init: Some(|vm, module| {
        let base = queue_error(vm)?;
        vm.set_attr_str(module, "QueueError", &base)?;
        let base = Type::of(&base).unwrap_or(&exc::RUNTIME_ERROR);
        let name = "QueueNotFoundError";
        let missing = exception_class(vm, NO_QUEUE, MODULE, name, base, None)?;
        vm.set_attr_str(module, name, &missing)
    }),
};

const MODULE: &str = "concurrent.interpreters";
const QUEUE_ERROR: &str = "interpreters.QueueError";
const NO_QUEUE: &str = "interpreters.QueueNotFoundError";
const QUEUE_TYPE: &str = "interpreters.Queue";
const EMPTY: &str = "interpreters.QueueEmpty";
const FULL: &str = "interpreters.QueueFull";

fn queue_error(vm: &Vm) -> Result {
    exception_class(vm, QUEUE_ERROR, MODULE, "QueueError", &exc::RUNTIME_ERROR, None)
}

fn none((): ()) -> Object {
    Object::NONE
}

/// What becomes of an item whose interpreter ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unbound {
    Remove = 1,
    Error = 2,
    Replace = 3,
}

struct Item {
    /// None: its interpreter has ended.
    data: Option<Data>,
    from: i64,
    unbound: Unbound,
}

struct Queue {
    id: i64,
    /// Below 1: as many as there is room for.
    max: i64,
    unbound: Unbound,
    /// 0: only plain data; 1: what can be pickled, too.
    fallback: u8,
    references: i64,
    items: VecDeque<Item>,
}

impl Queue {
    fn is_full(&self) -> bool {
        self.max > 0 && self.items.len() as i64 >= self.max
    }
}

struct All {
    last: i64,
    queues: Vec<Queue>,
}

static ALL: Mutex<All> = Mutex::new(All { last: 0, queues: Vec::new() });

/// Nothing that waits for a GIL or runs Python code happens while it is held.
fn all() -> MutexGuard<'static, All> {
    ALL.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An interpreter has ended: so have its items.
pub fn forget_interpreter(id: i64) {
    let mut gone = Vec::new();
    for queue in &mut all().queues {
        for item in queue.items.iter_mut().filter(|item| item.from == id) {
            gone.extend(item.data.take());
        }
        queue.items.retain(|item| item.data.is_some() || item.unbound != Unbound::Remove);
    }
}

// ---- numbers and objects ----------------------------------------------------------------------

/// The number of the queue that this object of the library stands for.
pub fn number_of(vm: &Vm, object: &Object) -> Option<i64> {
    if object.ty().is_heap() && vm.shared(QUEUE_TYPE)?.is(object.ty().value()) {
        let number = vm.get_attr_str(object, "_id").ok();
        drop(vm.take_raised());
        return int::to_i64(&number?);
    }
    None
}

/// QueueEmpty or QueueFull, which are the library's.
#[cold]
fn library_error(vm: &Vm, key: &str, words: String) -> Raised {
    match registered(vm) {
        Ok(()) => raise_kept(vm, key, words),
        Err(raised) => raised,
    }
}

/// Sees that the library's half is there.
fn registered(vm: &Vm) -> Result<()> {
    if vm.shared(QUEUE_TYPE).is_none() {
        vm.import_module("concurrent.interpreters._queues")?;
    }
    Ok(())
}

/// The library's object for a queue.
pub fn object_of(vm: &Vm, number: i64) -> Result {
    registered(vm)?;
    match vm.shared(QUEUE_TYPE) {
        Some(class) => vm.call(&class, &[vm.int(number)]),
        None => Err(vm.runtime_error("the type of queues is not registered")),
    }
}

fn number(vm: &Vm, id: &Object) -> Result<i64> {
    if !vm.is_index(id) {
        return Err(vm.type_error(format!("queue ID must be an int, got {}", id.ty().name())));
    }
    let index = vm.index(id)?;
    if int::is_negative(&index) {
        let shown = vm.repr_text(id)?;
        return Err(vm.value_error(format!("queue ID must be a non-negative int, got {shown}")));
    }
    match int::to_i64(&index) {
        Some(number) => Ok(number),
        None => {
            let shown = vm.repr_text(id)?;
            Err(vm.overflow_error(format!("max queue ID is {}, got {shown}", i64::MAX)))
        }
    }
}

fn missing(vm: &Vm, number: i64) -> Raised {
    raise_kept(vm, NO_QUEUE, format!("queue {number} not found"))
}

/// Works with a queue; `work` runs no Python code.
fn with<R>(vm: &Vm, id: &Object, work: impl FnOnce(&Vm, &mut Queue) -> Result<R>) -> Result<R> {
    let number = number(vm, id)?;
    let mut all = all();
    match all.queues.iter_mut().find(|queue| queue.id == number) {
        Some(queue) => work(vm, queue),
        None => {
            drop(all);
            Err(missing(vm, number))
        }
    }
}

fn unbound_argument(vm: &Vm, given: &Object, default: Unbound) -> Result<Unbound> {
    match vm.to_plain_c_int(given)? {
        1 => Ok(Unbound::Remove),
        2 => Ok(Unbound::Error),
        3 => Ok(Unbound::Replace),
        n if n < 0 => Ok(default),
        n => Err(vm.value_error(format!("unsupported unboundop {n}"))),
    }
}

fn fallback_argument(vm: &Vm, given: &Object, default: u8) -> Result<u8> {
    match vm.to_plain_c_int(given)? {
        n @ (0 | 1) => Ok(n as u8),
        n if n < 0 => Ok(default),
        n => Err(vm.value_error(format!("unsupported fallback {n}"))),
    }
}

// ---- functions --------------------------------------------------------------------------------

fn create(vm: &Vm, args: &[Object]) -> Result {
    let max = vm.index_isize(&args[0])? as i64;
    let unbound = unbound_argument(vm, &args[1], Unbound::Replace)?;
    let fallback = fallback_argument(vm, &args[2], 1)?;
    let mut all = all();
    all.last += 1;
    let id = all.last;
    all.queues.push(Queue { id, max, unbound, fallback, references: 0, items: VecDeque::new() });
    drop(all);
    Ok(vm.int(id))
}

/// Takes the queue out of the table. Its items die without the table's lock.
fn take(number: i64) -> Option<Queue> {
    let mut all = all();
    let at = all.queues.iter().position(|queue| queue.id == number)?;
    Some(all.queues.remove(at))
}

fn destroy(vm: &Vm, args: &[Object]) -> Result {
    let number = number(vm, &args[0])?;
    match take(number) {
        Some(queue) => {
            drop(queue);
            Ok(Object::NONE)
        }
        None => Err(missing(vm, number)),
    }
}

fn release(vm: &Vm, args: &[Object]) -> Result {
    let left = with(vm, &args[0], |_, queue| {
        if queue.references <= 0 {
            let words = format!("queue {} not bound", queue.id);
            return Ok(Err(words));
        }
        queue.references -= 1;
        Ok(Ok(queue.references))
    })?;
    match left {
        Ok(0) => drop(take(number(vm, &args[0])?)),
        Ok(_) => {}
        Err(words) => return Err(raise_kept(vm, QUEUE_ERROR, words)),
    }
    Ok(Object::NONE)
}

fn list_all(vm: &Vm, _args: &[Object]) -> Result {
    let queues: Vec<(i64, i64, i64)> =
        all().queues.iter().rev().map(|q| (q.id, q.unbound as i64, q.fallback as i64)).collect();
    let row = |(id, unbound, fallback)| vm.tuple(vec![vm.int(id), vm.int(unbound), vm.int(fallback)]);
    Ok(vm.list(queues.into_iter().map(row).collect()))
}

fn put(vm: &Vm, args: &[Object]) -> Result {
    let (unbound, fallback) = with(vm, &args[0], |_, queue| Ok((queue.unbound, queue.fallback)))?;
    let unbound = unbound_argument(vm, &args[2], unbound)?;
    let fallback = match fallback_argument(vm, &args[3], fallback)? {
        0 => Fallback::Refuse,
        _ => Fallback::Pickle,
    };
    let data = export(vm, &args[1], fallback)?;
    let item = Item { data: Some(data), from: vm.interp().id, unbound };
    let left = with(vm, &args[0], |_, queue| {
        if queue.is_full() {
            return Ok(Some(item));
        }
        queue.items.push_back(item);
        Ok(None)
    })?;
    match left {
        None => Ok(Object::NONE),
        Some(_) => Err(library_error(vm, FULL, format!("queue {} is full", number(vm, &args[0])?))),
    }
}

fn get(vm: &Vm, args: &[Object]) -> Result {
    let Some(item) = with(vm, &args[0], |_, queue| Ok(queue.items.pop_front()))? else {
        return Err(library_error(vm, EMPTY, format!("queue {} is empty", number(vm, &args[0])?)));
    };
    let parts = match item.data {
        Some(data) => vec![import(vm, data)?, Object::NONE],
        None => vec![Object::NONE, vm.int(item.unbound as i64)],
    };
    Ok(vm.tuple(parts))
}

fn register(vm: &Vm, args: &[Object]) -> Result {
    let rows = [("queuetype", QUEUE_TYPE), ("emptyerror", EMPTY), ("fullerror", FULL)];
    for ((name, _), class) in rows.iter().zip(args) {
        if Type::of(class).is_none() {
            return Err(vm.type_error(format!("expected a type for '{name}'")));
        }
    }
    for ((_, key), class) in rows.into_iter().zip(args) {
        vm.share(key, class.clone());
    }
    Ok(Object::NONE)
}
