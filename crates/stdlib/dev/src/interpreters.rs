//! `_interpreters` and `_interpqueues`: there is one interpreter, the main one,
//! and that is what these modules know about. Creating another one (or a queue
//! between interpreters) raises NotImplementedError.

use taipan_runtime::prelude::*;
use taipan_runtime::support::{exception_class, raise_kept};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::int;
use taipan_runtime::types::memoryview::MemoryView;

/// The module `_interpreters`.
pub static INTERPRETERS: ModuleDef = ModuleDef {
    name: "_interpreters",
    doc: "What there is to know about interpreters.",
    functions: &[
        MethodDef::new(
            "create(config='isolated', *, reqrefs=False)",
            |vm, _| Err(vm.not_implemented_error("there is only the main interpreter")),
            "Creates an interpreter: not possible.",
        ),
        MethodDef::new(
            "list_all(*, require_ready=False)",
            |vm, _| Ok(vm.list(vec![main(vm)])),
            "All interpreters, as (ID, whence).",
        ),
        MethodDef::new("get_current()", |vm, _| Ok(main(vm)), "The current interpreter, as (ID, whence)."),
        MethodDef::new("get_main()", |vm, _| Ok(main(vm)), "The main interpreter, as (ID, whence)."),
        MethodDef::new(
            "whence(id)",
            |vm, args| {
                known(vm, &args[0])?;
                Ok(vm.int(WHENCE_RUNTIME))
            },
            "Where the interpreter was created.",
        ),
        MethodDef::new(
            "is_running(id, *, restrict=False)",
            |vm, args| {
                known(vm, &args[0])?;
                Ok(Object::TRUE)
            },
            "Does the interpreter run something?",
        ),
        MethodDef::new(
            "incref(id, *, implieslink=False, restrict=False)",
            |vm, args| known(vm, &args[0]),
            "",
        ),
        MethodDef::new("decref(id, *, restrict=False)", |vm, args| known(vm, &args[0]), ""),
        MethodDef::new(
            "destroy(id, *, restrict=False)",
            |vm, args| {
                known(vm, &args[0])?;
                Err(raise_kept(vm, ERROR, "cannot destroy the current interpreter"))
            },
            "Destroys an interpreter; not the current one.",
        ),
        MethodDef::new(
            "exec(id, code, shared=None, *, restrict=False)",
            busy,
            "Executes code in another interpreter.",
        ),
        MethodDef::new(
            "call(id, callable, args=None, kwargs=None, *, restrict=False)",
            busy,
            "Calls something in another interpreter.",
        ),
        MethodDef::new(
            "run_string(id, script, shared=None, *, restrict=False)",
            busy,
            "Executes source in another interpreter.",
        ),
        MethodDef::new(
            "run_func(id, func, shared=None, *, restrict=False)",
            busy,
            "Executes a function's body in another interpreter.",
        ),
        MethodDef::new(
            "set___main___attrs(id, ns, *, restrict=False)",
            busy,
            "Sets globals of another interpreter's __main__.",
        ),
        MethodDef::new(
            "is_shareable(obj)",
            |_, args| Ok(Object::bool(is_shareable(&args[0]))),
            "Could the object's data be shared between interpreters?",
        ),
    ],
    types: &[],
    init: Some(|vm, module| {
        let names = ["UNKNOWN", "RUNTIME", "LEGACY_CAPI", "CAPI", "XI", "STDLIB"];
        for (value, which) in names.iter().enumerate() {
            vm.set_attr_str(module, &format!("WHENCE_{which}"), &vm.usize(value))?;
        }
        class(vm, module, ERROR, "InterpreterError", None, &exc::EXCEPTION)?;
        class(vm, module, NOT_FOUND, "InterpreterNotFoundError", Some(ERROR), &exc::EXCEPTION)?;
        class(vm, module, "interpreters.NotShareableError", "NotShareableError", None, &exc::TYPE_ERROR)
    }),
};

/// The module `_interpqueues`.
pub static QUEUES: ModuleDef = ModuleDef {
    name: "_interpqueues",
    doc: "Queues between interpreters: there are none.",
    functions: &[
        MethodDef::new(
            "create(maxsize, unboundop=-1, fallback=-1)",
            |vm, _| Err(vm.not_implemented_error("there is only the main interpreter")),
            "Creates a queue: not possible.",
        ),
        MethodDef::new("list_all()", |vm, _| Ok(vm.list(Vec::new())), "All queues."),
        MethodDef::new("destroy(qid)", no_queue, "Destroys a queue."),
        MethodDef::new("put(qid, obj, unboundop=-1, fallback=-1)", no_queue, "Puts an object into a queue."),
        MethodDef::new("get(qid)", no_queue, "Takes an object out of a queue."),
        MethodDef::new("bind(qid)", no_queue, "Takes a reference to a queue."),
        MethodDef::new("release(qid)", no_queue, "Gives a reference to a queue back."),
        MethodDef::new("get_maxsize(qid)", no_queue, "How many items the queue takes."),
        MethodDef::new("get_queue_defaults(qid)", no_queue, "The queue's settings."),
        MethodDef::new("is_full(qid)", no_queue, "Is the queue full?"),
        MethodDef::new("get_count(qid)", no_queue, "How many items the queue has."),
        MethodDef::new("_register_heap_types(queuetype, emptyerror, fullerror)", |_, _| Ok(Object::NONE), ""),
    ],
    types: &[],
    init: Some(|vm, module| {
        class(vm, module, QUEUE_ERROR, "QueueError", None, &exc::RUNTIME_ERROR)?;
        class(vm, module, NO_QUEUE, "QueueNotFoundError", Some(QUEUE_ERROR), &exc::RUNTIME_ERROR)
    }),
};

const ERROR: &str = "interpreters.InterpreterError";
const NOT_FOUND: &str = "interpreters.InterpreterNotFoundError";
const QUEUE_ERROR: &str = "interpreters.QueueError";
const NO_QUEUE: &str = "interpreters.QueueNotFoundError";
/// Created with the process.
const WHENCE_RUNTIME: i64 = 1;

/// Adds an exception class, below one made before or below `base`.
fn class(
    vm: &Vm,
    module: &Object,
    key: &'static str,
    name: &str,
    parent: Option<&str>,
    base: &Type,
) -> Result<()> {
    let parent = parent.and_then(|parent| vm.shared(parent));
    let base = parent.as_ref().and_then(Type::of).unwrap_or(base);
    let made = exception_class(vm, key, "concurrent.interpreters", name, base, None)?;
    vm.set_attr_str(module, name, &made)
}

fn main(vm: &Vm) -> Object {
    vm.tuple(vec![vm.int(0), vm.int(WHENCE_RUNTIME)])
}

/// Checks that there is an interpreter with the ID.
fn known(vm: &Vm, id: &Object) -> Result {
    if !vm.is_index(id) {
        return Err(vm.type_error(format!("interpreter ID must be an int, got {}", id.ty().name())));
    }
    let index = vm.index(id)?;
    if int::is_negative(&index) {
        let shown = vm.repr_text(id)?;
        return Err(vm.value_error(format!("interpreter ID must be a non-negative int, got {shown}")));
    }
    if int::to_i64(&index) == Some(0) {
        return Ok(Object::NONE);
    }
    let shown = vm.repr_text(&index)?;
    Err(raise_kept(vm, NOT_FOUND, format!("unrecognized interpreter ID {shown}")))
}

/// The only interpreter runs what asks.
fn busy(vm: &Vm, args: &[Object]) -> Result {
    known(vm, &args[0])?;
    Err(raise_kept(vm, ERROR, "interpreter already running"))
}

fn no_queue(vm: &Vm, args: &[Object]) -> Result {
    let shown = vm.repr_text(&vm.index(&args[0])?)?;
    Err(raise_kept(vm, NO_QUEUE, format!("queue {shown} not found")))
}

fn is_shareable(object: &Object) -> bool {
    object.is_none()
        || object.is_bool()
        || int::is_exact(object)
        || object.ty().is(&taipan_runtime::types::float::FLOAT)
        || object.downcast_exact::<Str>().is_some()
        || object.downcast_exact::<Bytes>().is_some()
        || object.downcast_exact::<Tuple>().is_some()
        || object.downcast_exact::<MemoryView>().is_some()
}
