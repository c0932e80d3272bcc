//! `Task`: a future that runs a coroutine, step by step, whenever what it awaits
//! is done.

use super::future::{self, FUTURE, Future, Outcome, add_callback, alive, truth};
use super::{cached, cancelled_error, enter, event_loop, invalid_state, leave, registry, swap};
use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};
use taipan_runtime::modules::contextvars;
use taipan_runtime::names::name;
use taipan_runtime::prelude::*;
use taipan_runtime::slots::{set_stop_value, take_stop_value};
use taipan_runtime::support::{allocate, this};
use taipan_runtime::types::cell::ObjectCell;
use taipan_runtime::types::exceptions;
use taipan_runtime::types::generator::{self, COROUTINE, GENERATOR, Step};
use taipan_runtime::types::genericalias::class_getitem;

/// Payload of tasks.
#[repr(C)]
pub struct Task {
    future: Future,
    coroutine: ObjectCell,
    context: ObjectCell,
    /// UNBOUND: "Task-" and the number.
    name: ObjectCell,
    number: Cell<u64>,
    /// What it awaits.
    awaited: ObjectCell,
    must_cancel: Cell<bool>,
    log_destroy_pending: Cell<bool>,
    cancels: Cell<i64>,
}

impl NativeClass for Task {
    fn class() -> &'static Type {
        &TASK
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.future.traverse(visitor);
        for cell in [&self.coroutine, &self.context, &self.name, &self.awaited] {
            cell.traverse(visitor);
        }
    }
    fn clear(&self) {
        self.future.clear();
        for cell in [&self.coroutine, &self.context, &self.name, &self.awaited] {
            cell.clear();
        }
    }
}

impl Task {
    pub fn future(&self) -> &Future {
        &self.future
    }
}

/// A future or a task, of no subclass?
pub fn is_exact(object: &Object) -> bool {
    object.ty().is(&FUTURE) || object.ty().is(&TASK)
}

static NUMBER: AtomicU64 = AtomicU64::new(1);

pub static TASK: Type = Type::new::<Task>(
    "_asyncio.Task",
    &FUTURE,
    type_flags::BASE | type_flags::HAVE_GC | type_flags::WEAKREFABLE | type_flags::IMMUTABLE,
    Slots {
        new: Some(|vm, class, _, _| {
            let task = Task {
                future: Future::default(),
                coroutine: ObjectCell::EMPTY,
                context: ObjectCell::EMPTY,
                name: ObjectCell::new(Object::NONE),
                number: Cell::new(0),
                awaited: ObjectCell::EMPTY,
                must_cancel: Cell::new(false),
                log_destroy_pending: Cell::new(false),
                cancels: Cell::new(0),
            };
            allocate(vm, class, task)
        }),
        init: Some(init),
        del: Some(finalize),
        ..Slots::EMPTY.repr(|vm, t| {
            alive(vm, t)?;
            vm.call(&cached(vm, "asyncio.base_tasks:_task_repr")?, std::slice::from_ref(t))
        })
    },
    &[
        MethodDef::new("cancel($self, /, msg=None)", |vm, args| cancel(vm, &args[0], &args[1]).map(Object::bool), "Asks the task to cancel itself: CancelledError is raised in its coroutine the\nnext time it runs.\n\nThe coroutine may clean up, or refuse by catching the exception; the task is\ncancelled() only when it ends with that exception. Returns False if the task is\ndone already."),
        MethodDef::new("cancelling($self, /)", |vm, args| Ok(vm.int(this::<Task>(&args[0]).cancels.get())), "How many times cancel() was called, less the calls of uncancel()."),
        MethodDef::new("uncancel($self, /)", |vm, args| {
            let task = this::<Task>(&args[0]);
            if task.cancels.get() > 0 {
                task.cancels.set(task.cancels.get() - 1);
                if task.cancels.get() == 0 {
                    task.must_cancel.set(false);
                }
            }
            Ok(vm.int(task.cancels.get()))
        }, "Takes back one call of cancel(), for who catches CancelledError and goes on.\n\nReturns how many are left."),
        MethodDef::new("get_stack($self, /, *, limit=None)", |vm, args| {
            vm.call(&cached(vm, "asyncio.base_tasks:_task_get_stack")?, args)
        }, "The frames of the coroutine, oldest first: where it is suspended, or those of the\ntraceback of the exception it ended with. None are there if it ended otherwise.\n\nThe limit is the number of frames: the newest ones of a stack, the oldest ones of a\ntraceback."),
        MethodDef::new("print_stack($self, /, *, limit=None, file=None)", |vm, args| {
            vm.call(&cached(vm, "asyncio.base_tasks:_task_print_stack")?, args)
        }, "Prints what get_stack() gives to a file; by default, to sys.stderr."),
        MethodDef::new("set_result($self, result, /)", |vm, _| Err(vm.runtime_error("Task does not support set_result operation")), ""),
        MethodDef::new("set_exception($self, exception, /)", |vm, _| Err(vm.runtime_error("Task does not support set_exception operation")), ""),
        MethodDef::new("get_name($self, /)", get_name, ""),
        MethodDef::new("set_name($self, value, /)", |vm, args| {
            let shown = vm.str_of(&args[1])?;
            this::<Task>(&args[0]).name.set(shown);
            Ok(Object::NONE)
        }, ""),
        MethodDef::new("get_coro($self, /)", |_, args| Ok(this::<Task>(&args[0]).coroutine.or_none()), ""),
        MethodDef::new("get_context($self, /)", |_, args| Ok(this::<Task>(&args[0]).context.or_none()), ""),
        MethodDef::new("__class_getitem__($type, object, /)", class_getitem, "Tasks are generic over the return type of their wrapped coroutines").class_method(),
    ],
    &[
        GetSetDef::new("_log_destroy_pending", |vm, t| {
            alive(vm, t)?;
            Ok(Object::bool(this::<Task>(t).log_destroy_pending.get()))
        })
        .with_set(|vm, t, value| {
            let value = truth(vm, t, "_log_destroy_pending", value)?;
            this::<Task>(t).log_destroy_pending.set(value);
            Ok(())
        }),
        GetSetDef::new("_must_cancel", |vm, t| {
            alive(vm, t)?;
            Ok(Object::bool(this::<Task>(t).must_cancel.get()))
        }),
        GetSetDef::new("_coro", |vm, t| {
            alive(vm, t)?;
            Ok(this::<Task>(t).coroutine.or_none())
        }),
        GetSetDef::new("_fut_waiter", |vm, t| {
            alive(vm, t)?;
            Ok(this::<Task>(t).awaited.or_none())
        }),
    ],
)
.with_dict()
.with_doc("A coroutine wrapped in a Future.");

// ---- life -------------------------------------------------------------------------------------

fn is_coroutine(vm: &Vm, object: &Object) -> Result<bool> {
    if object.ty().is(&COROUTINE) {
        return Ok(true);
    }
    let answer = vm.call(&cached(vm, "asyncio.coroutines:iscoroutine")?, std::slice::from_ref(object))?;
    vm.is_true(&answer)
}

fn init(vm: &Vm, object: &Object, args: &[Object], kwnames: &[Object]) -> Result<()> {
    static SIG: Sig = Sig::new("Task(coro, *, loop=None, name=None, context=None, eager_start=False)");
    let bound = SIG.bind(vm, args, kwnames)?;
    let eager = vm.is_true(&bound[4])?;
    future::initialise(vm, object, &bound[1])?;
    let task = this::<Task>(object);
    if !is_coroutine(vm, &bound[0])? {
        task.log_destroy_pending.set(false);
        let shown = vm.repr_text(&bound[0])?;
        return Err(vm.type_error(format!("a coroutine was expected, got {shown}")));
    }
    let context = match bound[3].some() {
        Some(context) => context.clone(),
        None => contextvars::copy(vm, contextvars::current(vm)),
    };
    task.context.set(context);
    task.awaited.clear();
    task.must_cancel.set(false);
    task.log_destroy_pending.set(true);
    task.cancels.set(0);
    task.coroutine.set(bound[0].clone());
    match bound[2].some() {
        None => {
            task.number.set(NUMBER.fetch_add(1, Ordering::Relaxed));
            task.name.clear();
        }
        Some(given) => {
            let shown = vm.str_of(given)?;
            task.name.set(shown);
        }
    }
    if eager && event_loop::is_running(vm, &task.future.event_loop.get())? {
        return start_eagerly(vm, object);
    }
    step_soon(vm, object, Object::UNBOUND)?;
    registry::register(vm, object)
}

fn get_name(vm: &Vm, args: &[Object]) -> Result {
    let task = this::<Task>(&args[0]);
    if let Some(given) = task.name.bound() {
        return Ok(given);
    }
    let made = vm.str(&format!("Task-{}", task.number.get()));
    task.name.set(made.clone());
    Ok(made)
}

/// Tells the loop about a task that dies before it is done.
fn finalize(vm: &Vm, object: &Object) -> Result<()> {
    let task = this::<Task>(object);
    if task.future.is_pending() && task.log_destroy_pending.get() && !task.future.event_loop.is_empty() {
        let what = [("task", object.clone())];
        future::tell_loop(vm, &task.future, "Task was destroyed but it is pending!", &what);
    }
    match FUTURE.slots().del {
        Some(of_futures) => of_futures(vm, object),
        None => Ok(()),
    }
}

// ---- cancellation -----------------------------------------------------------------------------

fn cancel(vm: &Vm, object: &Object, message: &Object) -> Result<bool> {
    let task = this::<Task>(object);
    task.future.log_traceback.set(false);
    if !task.future.is_pending() {
        return Ok(false);
    }
    task.cancels.set(task.cancels.get().saturating_add(1));
    if let Some(awaited) = task.awaited.bound()
        && cancel_awaited(vm, &awaited, message)?
    {
        return Ok(true);
    }
    task.must_cancel.set(true);
    task.future.cancel_message.set(message.clone());
    Ok(true)
}

/// Cancels what a task awaits.
fn cancel_awaited(vm: &Vm, awaited: &Object, message: &Object) -> Result<bool> {
    if awaited.ty().is(&TASK) {
        vm.check_native_stack("")?;
        return cancel(vm, awaited, message);
    }
    if awaited.ty().is(&FUTURE) {
        return future::cancel(vm, awaited, message);
    }
    let method = vm.get_attr_str(awaited, "cancel")?;
    let answer = vm.call_kw(&method, std::slice::from_ref(message), &[vm.intern("msg")])?;
    vm.is_true(&answer)
}

// ---- steps ------------------------------------------------------------------------------------

/// Has the loop run the next step, which raises the exception if there is one.
fn step_soon(vm: &Vm, object: &Object, exception: Object) -> Result<()> {
    let task = this::<Task>(object);
    let payload = TaskStep { task: ObjectCell::new(object.clone()), exception: ObjectCell::new(exception) };
    let step = allocate(vm, &STEP, payload)?;
    event_loop::call_soon(vm, &task.future.event_loop.get(), &step, &[], &task.context.or_none())
}

/// The first step, right now.
fn start_eagerly(vm: &Vm, object: &Object) -> Result<()> {
    let task = this::<Task>(object);
    let event_loop = task.future.event_loop.get();
    let before = swap(vm, &event_loop, object)?;
    registry::register(vm, object)?;
    let context = task.context.get();
    let entered = match context.is_instance_of(&contextvars::CONTEXT) {
        true => contextvars::enter(vm, &context),
        false => Err(vm.type_error(format!("a Context was expected, got {}", context.ty().name()))),
    };
    let result = match entered {
        Ok(previous) => {
            let result = run(vm, object, Object::UNBOUND);
            let raised = vm.take_raised();
            contextvars::leave(vm, &context, previous);
            vm.restore_raised(raised);
            result
        }
        Err(raised) => Err(raised),
    };
    let raised = vm.take_raised();
    let swapped = swap(vm, &event_loop, &before);
    if raised.is_some() {
        vm.restore_raised(raised);
        return result;
    }
    swapped?;
    if !task.future.is_pending() {
        // It is of no use any more.
        task.coroutine.clear();
    }
    result
}

/// One step of the task, as the task that the loop executes.
fn step(vm: &Vm, object: &Object, exception: Object) -> Result {
    let event_loop = this::<Task>(object).future.event_loop.get();
    enter(vm, &event_loop, object)?;
    let result = run(vm, object, exception);
    let raised = vm.take_raised();
    let left = leave(vm, &event_loop, object);
    if raised.is_some() {
        vm.restore_raised(raised);
    }
    result.and(left).map(|()| Object::NONE)
}

/// Goes on with the coroutine and sees what comes out of it.
fn run(vm: &Vm, object: &Object, mut exception: Object) -> Result<()> {
    let task = this::<Task>(object);
    if !task.future.is_pending() {
        let shown = vm.repr_text(object)?;
        let exception = vm.repr_text(exception.bound().unwrap_or(&Object::NONE))?;
        return Err(invalid_state(vm, &format!("__step(): already done: {shown} {exception}")));
    }
    if task.must_cancel.get() {
        if !is_cancellation(vm, exception.bound())? {
            exception = future::make_cancelled_error(vm, &task.future)?;
        }
        task.must_cancel.set(false);
    }
    task.awaited.clear();
    let Some(coroutine) = task.coroutine.bound() else {
        return Err(vm.runtime_error("uninitialized Task object"));
    };
    let result = match exception.bound() {
        None => send(vm, &coroutine),
        Some(exception) => throw(vm, &coroutine, exception),
    };
    drop(exception);
    match result {
        Ok(Some(yielded)) => return wait_for(vm, object, yielded),
        Ok(None) => {
            let value = take_stop_value(vm);
            if task.must_cancel.get() {
                // It was cancelled right before it ended.
                task.must_cancel.set(false);
                return future::cancel(vm, object, &task.future.cancel_message.or_none()).map(drop);
            }
            return future::set_result(vm, object, value);
        }
        Err(raised) => exception = vm.caught(raised),
    }
    if is_cancellation(vm, Some(&exception))? {
        task.future.cancelled_error.set(exception);
        return future::cancel(vm, object, &Object::NONE).map(drop);
    }
    future::set_exception(vm, object, &exception)?;
    if exception.is_instance_of(&exc::KEYBOARD_INTERRUPT) || exception.is_instance_of(&exc::SYSTEM_EXIT) {
        return Err(vm.raise(exception));
    }
    Ok(())
}

fn is_cancellation(vm: &Vm, exception: Option<&Object>) -> Result<bool> {
    let Some(exception) = exception else { return Ok(false) };
    let class = cancelled_error(vm)?;
    Ok(Type::of(&class).is_some_and(|class| exception.is_instance_of(class)))
}

/// `coroutine.send(None)`; None when it returned, the value waits in the thread state.
fn send(vm: &Vm, coroutine: &Object) -> Result<Option<Object>> {
    let ty = coroutine.ty();
    if ty.is(&COROUTINE) || ty.is(&GENERATOR) {
        return generator::send(vm, coroutine, Object::NONE);
    }
    if let Some(next) = ty.slots().next {
        return next(vm, coroutine);
    }
    stopped(vm, vm.call_method_object(coroutine, name::send.object(), &[Object::NONE]))
}

fn throw(vm: &Vm, coroutine: &Object, exception: &Object) -> Result<Option<Object>> {
    if coroutine.ty().is(&COROUTINE) || coroutine.ty().is(&GENERATOR) {
        return match generator::throw(vm, coroutine, exception.clone())? {
            Step::Yielded(value) => Ok(Some(value)),
            Step::Returned(value) => {
                set_stop_value(vm, value);
                Ok(None)
            }
        };
    }
    stopped(vm, vm.call_method_object(coroutine, name::throw.object(), std::slice::from_ref(exception)))
}

/// Makes the end of an iteration of a StopIteration.
fn stopped(vm: &Vm, result: Result) -> Result<Option<Object>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(raised) if vm.raised_is(&exc::STOP_ITERATION) => {
            let stop = vm.caught(raised);
            set_stop_value(vm, exceptions::stop_iteration_value(&stop));
            Ok(None)
        }
        Err(raised) => Err(raised),
    }
}

/// The coroutine yielded something: a future to wait for, or None.
fn wait_for(vm: &Vm, object: &Object, yielded: Object) -> Result<()> {
    let task = this::<Task>(object);
    if yielded.is_none() {
        return step_soon(vm, object, Object::UNBOUND);
    }
    if yielded.value() == object.value() {
        return fail_soon(vm, object, format!("Task cannot await on itself: {}", vm.repr_text(object)?));
    }
    let exact = is_exact(&yielded);
    if !exact {
        let blocking = vm.lookup_attr_str(&yielded, "_asyncio_future_blocking")?;
        let Some(blocking) = blocking.filter(|b| !b.is_none()) else {
            let shown = vm.repr_text(&yielded)?;
            if yielded.ty().is(&GENERATOR) {
                let own = vm.repr_text(object)?;
                return fail_soon(
                    vm,
                    object,
                    format!("yield was used instead of yield from for generator in task {own} with {shown}"),
                );
            }
            return fail_soon(vm, object, format!("Task got bad yield: {shown}"));
        };
        let blocking = vm.is_true(&blocking)?;
        if future::loop_of(vm, &yielded)?.value() != task.future.event_loop.value() {
            return fail_different_loop(vm, object, &yielded);
        }
        if !blocking {
            return fail_yield(vm, object, &yielded);
        }
        future::add_waiter(vm, &yielded, object)?;
        vm.set_attr_str(&yielded, "_asyncio_future_blocking", &Object::FALSE)?;
        let wakeup = allocate(vm, &WAKEUP, TaskWakeup { task: ObjectCell::new(object.clone()) })?;
        let add = vm.get_attr_str(&yielded, "add_done_callback")?;
        vm.call_kw(&add, &[wakeup, task.context.or_none()], &[vm.intern("context")])?;
    } else {
        let other = this::<Future>(&yielded);
        if other.event_loop.value() != task.future.event_loop.value() {
            return fail_different_loop(vm, object, &yielded);
        }
        if !other.blocking.get() {
            return fail_yield(vm, object, &yielded);
        }
        future::add_waiter(vm, &yielded, object)?;
        other.blocking.set(false);
        let wakeup = allocate(vm, &WAKEUP, TaskWakeup { task: ObjectCell::new(object.clone()) })?;
        add_callback(vm, &yielded, wakeup, task.context.or_none())?;
    }
    task.awaited.set(yielded.clone());
    if task.must_cancel.get() && cancel_awaited(vm, &yielded, &task.future.cancel_message.or_none())? {
        task.must_cancel.set(false);
    }
    Ok(())
}

/// The next step raises RuntimeError.
#[cold]
fn fail_soon(vm: &Vm, object: &Object, message: String) -> Result<()> {
    let exception = exceptions::new_with_args(vm, &exc::RUNTIME_ERROR, vec![vm.str(&message)]);
    step_soon(vm, object, exception)
}

#[cold]
fn fail_different_loop(vm: &Vm, object: &Object, yielded: &Object) -> Result<()> {
    let (own, shown) = (vm.repr_text(object)?, vm.repr_text(yielded)?);
    fail_soon(vm, object, format!("Task {own} got Future {shown} attached to a different loop"))
}

#[cold]
fn fail_yield(vm: &Vm, object: &Object, yielded: &Object) -> Result<()> {
    let (own, shown) = (vm.repr_text(object)?, vm.repr_text(yielded)?);
    fail_soon(vm, object, format!("yield was used instead of yield from in task {own} with {shown}"))
}

/// What the task awaited is done: the next step.
fn wake_up(vm: &Vm, object: &Object, awaited: &Object) -> Result {
    future::discard_waiter(awaited, object);
    let result = if is_exact(awaited) {
        match future::outcome(vm, this(awaited)) {
            Ok(Outcome::Result(_)) => Ok(()),
            Ok(Outcome::Exception(exception)) => return step(vm, object, exception),
            Err(raised) => Err(raised),
        }
    } else {
        vm.call_method(awaited, "result", &[]).map(drop)
    };
    match result {
        Ok(()) => step(vm, object, Object::UNBOUND),
        Err(raised) => {
            let exception = vm.caught(raised);
            step(vm, object, exception)
        }
    }
}

/// Is it what the loop calls to go on with a task?
pub fn is_step(callback: &Object) -> bool {
    callback.ty().is(&STEP) || callback.ty().is(&WAKEUP)
}

// ---- what the loop calls ----------------------------------------------------------------------

/// Payload of the callable that makes a step.
pub struct TaskStep {
    task: ObjectCell,
    exception: ObjectCell,
}

impl NativeClass for TaskStep {
    fn class() -> &'static Type {
        &STEP
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.task.traverse(visitor);
        self.exception.traverse(visitor);
    }
    fn clear(&self) {
        self.task.clear();
        self.exception.clear();
    }
}

pub static STEP: Type = Type::new::<TaskStep>(
    "_asyncio.TaskStepMethWrapper",
    &taipan_runtime::types::object::OBJECT,
    type_flags::HAVE_GC | type_flags::DISALLOW_INSTANTIATION | type_flags::IMMUTABLE,
    Slots {
        call: Some(|vm, wrapper, args, kwnames| {
            if !kwnames.is_empty() {
                return Err(vm.type_error("function takes no keyword arguments"));
            }
            if !args.is_empty() {
                return Err(vm.type_error("function takes no positional arguments"));
            }
            let this = this::<TaskStep>(wrapper);
            step(vm, &this.task.get(), this.exception.get())
        }),
        ..Slots::EMPTY
    },
    &[],
    &[GetSetDef::new("__self__", |_, wrapper| Ok(this::<TaskStep>(wrapper).task.or_none()))],
);

/// Payload of the callable that wakes a task up.
pub struct TaskWakeup {
    task: ObjectCell,
}

impl NativeClass for TaskWakeup {
    fn class() -> &'static Type {
        &WAKEUP
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.task.traverse(visitor);
    }
    fn clear(&self) {
        self.task.clear();
    }
}

pub static WAKEUP: Type = Type::new::<TaskWakeup>(
    "_asyncio.TaskWakeupMethWrapper",
    &taipan_runtime::types::object::OBJECT,
    type_flags::HAVE_GC | type_flags::DISALLOW_INSTANTIATION | type_flags::IMMUTABLE,
    Slots {
        call: Some(|vm, wrapper, args, kwnames| {
            if !kwnames.is_empty() {
                return Err(vm.type_error("Task.task_wakeup() takes no keyword arguments"));
            }
            let [awaited] = args else {
                return Err(vm.type_error(format!(
                    "Task.task_wakeup() takes exactly one argument ({} given)",
                    args.len()
                )));
            };
            wake_up(vm, &this::<TaskWakeup>(wrapper).task.get(), awaited)
        }),
        ..Slots::EMPTY.repr(|vm, wrapper| {
            let task = this::<TaskWakeup>(wrapper).task.or_none();
            let class = task.ty().name().to_string();
            Ok(vm.str(&format!("<built-in method task_wakeup of {class} object at {:#x}>", task.bits())))
        })
    },
    &[],
    &[
        GetSetDef::new("__self__", |_, wrapper| Ok(this::<TaskWakeup>(wrapper).task.or_none())),
        GetSetDef::new("__name__", |vm, _| Ok(vm.intern("task_wakeup"))),
        GetSetDef::new("__qualname__", |vm, wrapper| {
            let class = this::<TaskWakeup>(wrapper).task.or_none().ty().to_object();
            let shown = vm.str_text(&vm.get_attr_str(&class, "__qualname__")?)?;
            Ok(vm.str(&format!("{shown}.task_wakeup")))
        }),
    ],
);
