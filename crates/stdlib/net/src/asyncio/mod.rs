//! The module `_asyncio`: futures ([`future`]), tasks ([`task`]), and which loop
//! and task a thread runs. The loops themselves are Python's.

pub mod event_loop;
pub mod future;
pub mod registry;
pub mod task;

use taipan_runtime::prelude::*;
use taipan_runtime::types::set;

pub static MODULE: ModuleDef = ModuleDef {
    name: "_asyncio",
    doc: "The native half of the package asyncio.",
    functions: FUNCTIONS,
    types: &[&future::FUTURE, &task::TASK, &event_loop::HANDLE],
    init: Some(|vm, _| {
        for ty in [&future::FUTURE_ITER, &task::STEP, &task::WAKEUP, &registry::REGISTRY] {
            taipan_runtime::types::typ::ready(vm, ty);
        }
        Ok(())
    }),
};

const FUNCTIONS: &[MethodDef] = &[
    MethodDef::new(
        "current_task(loop=None)",
        current_task,
        "The task that the loop (by default, the running one) executes right now, or None.",
    ),
    MethodDef::new(
        "get_event_loop()",
        |vm, _| event_loop(vm),
        "The running event loop; if there is none, that of the event loop policy.",
    ),
    MethodDef::new(
        "get_running_loop()",
        |vm, _| running_loop(vm),
        "The running event loop of this thread.\n\nRuntimeError if there is none.",
    ),
    MethodDef::new(
        "_get_running_loop()",
        |vm, _| Ok(vm.asyncio.running_loop.or_none()),
        "The running event loop of this thread, or None.\n\nFor event loops.",
    ),
    MethodDef::new(
        "_set_running_loop(loop, /)",
        |vm, args| {
            vm.asyncio.running_loop.set_option(args[0].some().cloned());
            Ok(Object::NONE)
        },
        "Sets the running event loop of this thread.\n\nFor event loops.",
    ),
    MethodDef::new(
        "_adopt_loop(loop_class, handle_class, /)",
        event_loop::adopt,
        "Says which methods of loops are the library's own.\n\nFor asyncio.base_events.",
    ),
    MethodDef::new(
        "_run_ready(loop, count, /)",
        event_loop::run_ready,
        "Runs so many handles that are ready; returns how many are left for the loop to run.\n\nFor event loops.",
    ),
    MethodDef::new(
        "_register_task(task)",
        |vm, args| {
            registry::register(vm, &args[0])?;
            Ok(Object::NONE)
        },
        "Makes a task known to all_tasks().",
    ),
    MethodDef::new(
        "_register_eager_task(task)",
        |vm, args| {
            registry::register_eager(vm, &args[0])?;
            Ok(Object::NONE)
        },
        "Makes a task known to all_tasks() while its first step runs.",
    ),
    MethodDef::new(
        "_unregister_task(task)",
        |vm, args| {
            registry::unregister(vm, &args[0])?;
            Ok(Object::NONE)
        },
        "Makes all_tasks() forget a task.",
    ),
    MethodDef::new(
        "_unregister_eager_task(task)",
        |vm, args| {
            registry::unregister_eager(vm, &args[0])?;
            Ok(Object::NONE)
        },
        "Makes all_tasks() forget a task whose first step is over.",
    ),
    MethodDef::new(
        "_enter_task(loop, task)",
        |vm, args| {
            enter(vm, &args[0], &args[1])?;
            Ok(Object::NONE)
        },
        "The loop begins to execute a task.",
    ),
    MethodDef::new(
        "_leave_task(loop, task)",
        |vm, args| {
            leave(vm, &args[0], &args[1])?;
            Ok(Object::NONE)
        },
        "The loop stops executing a task.",
    ),
    MethodDef::new(
        "_swap_current_task(loop, task)",
        |vm, args| swap(vm, &args[0], &args[1]),
        "The loop executes another task (None: none) for a while; returns the one before.",
    ),
    MethodDef::new(
        "all_tasks(loop=None)",
        all_tasks,
        "The set of all tasks of the loop (by default, of the running one) that are not done.",
    ),
    MethodDef::new(
        "future_add_to_awaited_by(fut, waiter, /)",
        |vm, args| {
            future::add_waiter(vm, &args[0], &args[1])?;
            Ok(Object::NONE)
        },
        "Remembers that waiter awaits fut.",
    ),
    MethodDef::new(
        "future_discard_from_awaited_by(fut, waiter, /)",
        |_, args| {
            future::discard_waiter(&args[0], &args[1]);
            Ok(Object::NONE)
        },
        "Forgets that waiter awaits fut.",
    ),
];

/// An attribute of a Python module, looked up once. `path`: "module:attribute".
pub fn cached(vm: &Vm, path: &'static str) -> Result {
    if let Some(found) = vm.shared(path) {
        return Ok(found);
    }
    let (module, attribute) = path.split_once(':').unwrap_or((path, ""));
    let found = vm.get_attr_str(&vm.import_module(module)?, attribute)?;
    vm.share(path, found.clone());
    Ok(found)
}

/// The class CancelledError.
pub fn cancelled_error(vm: &Vm) -> Result {
    cached(vm, "asyncio.exceptions:CancelledError")
}

/// InvalidStateError with a message.
#[cold]
pub fn invalid_state(vm: &Vm, message: &str) -> Raised {
    let class = cached(vm, "asyncio.exceptions:InvalidStateError");
    taipan_stdlib_files::support::raise_class(vm, class, &[vm.str(message)])
}

// ---- loops ------------------------------------------------------------------------------------

fn running_loop(vm: &Vm) -> Result {
    match vm.asyncio.running_loop.bound() {
        Some(found) => Ok(found),
        None => Err(vm.runtime_error("no running event loop")),
    }
}

/// `get_event_loop()`.
pub fn event_loop(vm: &Vm) -> Result {
    if let Some(found) = vm.asyncio.running_loop.bound() {
        return Ok(found);
    }
    let policy = vm.call(&cached(vm, "asyncio.events:_get_event_loop_policy")?, &[])?;
    vm.call_method(&policy, "get_event_loop", &[])
}

fn check_running(vm: &Vm, event_loop: &Object) -> Result<()> {
    if vm.asyncio.running_loop.value() == event_loop.value() {
        return Ok(());
    }
    let shown = vm.repr_text(event_loop)?;
    Err(vm.runtime_error(format!("loop {shown} is not the running loop")))
}

/// The loop begins to execute a task.
pub fn enter(vm: &Vm, event_loop: &Object, task: &Object) -> Result<()> {
    check_running(vm, event_loop)?;
    if let Some(other) = vm.asyncio.running_task.bound() {
        let (task, other) = (vm.repr_text(task)?, vm.repr_text(&other)?);
        return Err(vm.runtime_error(format!(
            "Cannot enter into task {task} while another task {other} is being executed."
        )));
    }
    vm.asyncio.running_task.set(task.clone());
    Ok(())
}

/// The loop stops executing a task.
pub fn leave(vm: &Vm, event_loop: &Object, task: &Object) -> Result<()> {
    check_running(vm, event_loop)?;
    if vm.asyncio.running_task.value() != task.value() {
        let (task, other) = (vm.repr_text(task)?, vm.repr_text(&vm.asyncio.running_task.or_none())?);
        return Err(
            vm.runtime_error(format!("Invalid attempt to leave task {task} while task {other} is entered."))
        );
    }
    vm.asyncio.running_task.clear();
    Ok(())
}

/// The loop executes another task, or none; the one before.
pub fn swap(vm: &Vm, event_loop: &Object, task: &Object) -> Result {
    check_running(vm, event_loop)?;
    let task = task.some().cloned().unwrap_or(Object::UNBOUND);
    let before = vm.asyncio.running_task.replace(task);
    Ok(before.bound().cloned().unwrap_or(Object::NONE))
}

fn current_task(vm: &Vm, args: &[Object]) -> Result {
    let event_loop = match args[0].some() {
        Some(event_loop) => event_loop.clone(),
        None => running_loop(vm)?,
    };
    let states = vm.asyncio_states();
    let running = states.iter().find(|(running, _)| running.value() == event_loop.value());
    Ok(running.and_then(|(_, task)| task.bound()).cloned().unwrap_or(Object::NONE))
}

fn all_tasks(vm: &Vm, args: &[Object]) -> Result {
    let event_loop = match args[0].some() {
        Some(event_loop) => event_loop.clone(),
        None => running_loop(vm)?,
    };
    let mut found = Vec::new();
    for task in registry::everything(vm)? {
        if let Some(payload) = task.downcast::<task::Task>() {
            let future = payload.future();
            if future.is_pending() && future.event_loop.value() == event_loop.value() {
                found.push(task);
            }
            continue;
        }
        let done = vm.call_method(&task, "done", &[])?;
        if !vm.is_true(&done)? && future::loop_of(vm, &task)?.value() == event_loop.value() {
            found.push(task);
        }
    }
    set::set_from(vm, found)
}
