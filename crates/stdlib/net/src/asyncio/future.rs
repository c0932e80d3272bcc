//! `Future`: a result that is there later, and the iterator that awaits one.

use super::event_loop::{call_soon, debug};
use super::{cached, cancelled_error, event_loop, invalid_state};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use taipan_runtime::modules::contextvars;
use taipan_runtime::prelude::*;
use taipan_runtime::slots::{set_stop_value, take_stop_value};
use taipan_runtime::support::{allocate, this};
use taipan_runtime::types::cell::ObjectCell;
use taipan_runtime::types::exceptions::{self, BaseException};
use taipan_runtime::types::generator;
use taipan_runtime::types::genericalias::class_getitem;
use taipan_runtime::types::set;

/// Where a future is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum State {
    Pending,
    Cancelled,
    Finished,
}

/// Who awaits a future. Mostly that is one.
#[derive(Default)]
enum Waiters {
    #[default]
    Never,
    One(Object),
    /// By address.
    Many(HashMap<u64, Object>),
}

/// Payload of futures, and the first part of that of tasks.
pub struct Future {
    /// UNBOUND: not initialised.
    pub event_loop: ObjectCell,
    /// Functions and their contexts.
    callbacks: RefCell<Vec<(Object, Object)>>,
    result: ObjectCell,
    exception: ObjectCell,
    /// The exception's traceback when it was set.
    traceback: ObjectCell,
    /// In debug mode: where it was made.
    pub source_traceback: ObjectCell,
    pub cancel_message: ObjectCell,
    /// The CancelledError that a task ended with.
    pub cancelled_error: ObjectCell,
    waiters: RefCell<Waiters>,
    pub state: Cell<State>,
    /// An exception was set, and nobody has looked at it.
    pub log_traceback: Cell<bool>,
    /// It was awaited, and its task has not been told yet.
    pub blocking: Cell<bool>,
}

impl Default for Future {
    fn default() -> Future {
        Future {
            event_loop: ObjectCell::EMPTY,
            callbacks: RefCell::default(),
            result: ObjectCell::EMPTY,
            exception: ObjectCell::EMPTY,
            traceback: ObjectCell::EMPTY,
            source_traceback: ObjectCell::EMPTY,
            cancel_message: ObjectCell::EMPTY,
            cancelled_error: ObjectCell::EMPTY,
            waiters: RefCell::default(),
            state: Cell::new(State::Pending),
            log_traceback: Cell::new(false),
            blocking: Cell::new(false),
        }
    }
}

impl NativeClass for Future {
    fn class() -> &'static Type {
        &FUTURE
    }
    fn traverse(&self, visitor: &mut Visitor) {
        for cell in self.cells() {
            cell.traverse(visitor);
        }
        if let Ok(callbacks) = self.callbacks.try_borrow() {
            for (function, context) in callbacks.iter() {
                visitor.visit_object(function);
                visitor.visit_object(context);
            }
        }
        if let Ok(waiters) = self.waiters.try_borrow() {
            match &*waiters {
                Waiters::Never => {}
                Waiters::One(waiter) => visitor.visit_object(waiter),
                Waiters::Many(all) => all.values().for_each(|waiter| visitor.visit_object(waiter)),
            }
        }
    }
    fn clear(&self) {
        for cell in self.cells() {
            cell.clear();
        }
        drop(self.callbacks.try_borrow_mut().map(|mut all| std::mem::take(&mut *all)));
        drop(self.waiters.try_borrow_mut().map(|mut all| std::mem::take(&mut *all)));
    }
}

impl Future {
    fn cells(&self) -> [&ObjectCell; 7] {
        [
            &self.event_loop,
            &self.result,
            &self.exception,
            &self.traceback,
            &self.source_traceback,
            &self.cancel_message,
            &self.cancelled_error,
        ]
    }
    pub fn is_pending(&self) -> bool {
        self.state.get() == State::Pending
    }
}

pub static FUTURE: Type = Type::new::<Future>(
    "_asyncio.Future",
    &taipan_runtime::types::object::OBJECT,
    type_flags::BASE | type_flags::HAVE_GC | type_flags::WEAKREFABLE | type_flags::IMMUTABLE,
    Slots {
        new: Some(|vm, class, _, _| allocate(vm, class, Future::default())),
        init: Some(init),
        del: Some(finalize),
        ..Slots::EMPTY
            .repr(|vm, f| {
                alive(vm, f)?;
                vm.call(&cached(vm, "asyncio.base_futures:_future_repr")?, std::slice::from_ref(f))
            })
            .iter(iterator)
            .unary(UnaryOp::Await, iterator)
    },
    &[
        MethodDef::new("result($self, /)", |vm, args| result(vm, &args[0]), "The result.\n\nThe exception is raised if there is one, CancelledError if the future was\ncancelled, InvalidStateError if it is not done."),
        MethodDef::new("exception($self, /)", exception, "The exception, or None.\n\nCancelledError is raised if the future was cancelled, InvalidStateError if it is\nnot done."),
        MethodDef::new("set_result($self, result, /)", |vm, args| {
            alive(vm, &args[0])?;
            set_result(vm, &args[0], args[1].clone())?;
            Ok(Object::NONE)
        }, "Makes the future done, with a result.\n\nInvalidStateError is raised if it is done."),
        MethodDef::new("set_exception($self, exception, /)", |vm, args| {
            alive(vm, &args[0])?;
            set_exception(vm, &args[0], &args[1])?;
            Ok(Object::NONE)
        }, "Makes the future done, with an exception.\n\nInvalidStateError is raised if it is done."),
        MethodDef::new("add_done_callback($self, fn, /, *, context=<unrepresentable>)", |vm, args| {
            let context = match args[2].bound() {
                Some(context) => context.clone(),
                None => contextvars::copy(vm, contextvars::current(vm)),
            };
            add_callback(vm, &args[0], args[1].clone(), context)?;
            Ok(Object::NONE)
        }, "Has a function called with the future when it is done.\n\nIf it is done already, the function is called soon."),
        MethodDef::new("remove_done_callback($self, fn, /)", remove_callback, "Forgets a function that add_done_callback() was given.\n\nReturns how many times it was forgotten."),
        MethodDef::new("cancel($self, /, msg=None)", |vm, args| {
            alive(vm, &args[0])?;
            cancel(vm, &args[0], &args[1]).map(Object::bool)
        }, "Cancels the future: it is done then, and its callbacks are called soon.\n\nReturns False if it is done already."),
        MethodDef::new("cancelled($self, /)", |_, args| Ok(Object::bool(this::<Future>(&args[0]).state.get() == State::Cancelled)), "Was the future cancelled?"),
        MethodDef::new("done($self, /)", |_, args| Ok(Object::bool(!this::<Future>(&args[0]).is_pending())), "Is the future done: with a result, with an exception, or cancelled?"),
        MethodDef::new("get_loop($self, /)", |vm, args| {
            alive(vm, &args[0])?;
            Ok(this::<Future>(&args[0]).event_loop.get())
        }, "The event loop that the future belongs to."),
        MethodDef::new("_make_cancelled_error($self, /)", |vm, args| make_cancelled_error(vm, this(&args[0])), "The CancelledError to raise for a cancelled future.\n\nThe one that a task ended with is given out once."),
        MethodDef::new("__class_getitem__($type, object, /)", class_getitem, "Futures are generic over the type of their results").class_method(),
    ],
    GETSET,
)
.with_dict()
.with_doc("A result that is there later.\n\nAs concurrent.futures.Future, but:\n\n- result() and exception() take no timeout; they raise an exception if the future\n  is not done.\n- Callbacks are called by the event loop.\n- wait() and as_completed() of concurrent.futures do not work with it.");

const GETSET: &[GetSetDef] = &[
    GetSetDef::new("_state", |vm, f| {
        let f = alive(vm, f)?;
        Ok(vm.intern(match f.state.get() {
            State::Pending => "PENDING",
            State::Cancelled => "CANCELLED",
            State::Finished => "FINISHED",
        }))
    }),
    GetSetDef::new("_asyncio_future_blocking", |vm, f| Ok(Object::bool(alive(vm, f)?.blocking.get())))
        .with_set(|vm, f, value| {
            let future = alive(vm, f)?;
            future.blocking.set(truth(vm, f, "_asyncio_future_blocking", value)?);
            Ok(())
        }),
    GetSetDef::new("_loop", |vm, f| Ok(alive(vm, f)?.event_loop.get())),
    GetSetDef::new("_callbacks", |vm, f| {
        let f = alive(vm, f)?;
        let callbacks = f.callbacks.borrow().clone();
        if callbacks.is_empty() {
            return Ok(Object::NONE);
        }
        let pairs = callbacks.into_iter().map(|(function, context)| vm.tuple(vec![function, context]));
        Ok(vm.list(pairs.collect()))
    }),
    GetSetDef::new("_result", |vm, f| Ok(alive(vm, f)?.result.or_none())),
    GetSetDef::new("_exception", |vm, f| Ok(alive(vm, f)?.exception.or_none())),
    GetSetDef::new("_log_traceback", |vm, f| Ok(Object::bool(alive(vm, f)?.log_traceback.get()))).with_set(
        |vm, f, value| {
            if truth(vm, f, "_log_traceback", value)? {
                return Err(vm.value_error("_log_traceback can only be set to False"));
            }
            this::<Future>(f).log_traceback.set(false);
            Ok(())
        },
    ),
    GetSetDef::new("_source_traceback", |vm, f| Ok(alive(vm, f)?.source_traceback.or_none())),
    GetSetDef::new("_cancel_message", |vm, f| Ok(alive(vm, f)?.cancel_message.or_none())).with_set(
        |vm, f, value| match value {
            Some(message) => {
                this::<Future>(f).cancel_message.set(message.clone());
                Ok(())
            }
            None => Err(cannot_delete(vm, f, "_cancel_message")),
        },
    ),
    GetSetDef::new("_asyncio_awaited_by", |vm, f| {
        let waiters = match &*alive(vm, f)?.waiters.borrow() {
            Waiters::Never => return Ok(Object::NONE),
            Waiters::One(waiter) => vec![waiter.clone()],
            Waiters::Many(all) => all.values().cloned().collect(),
        };
        set::frozenset_from(vm, waiters)
    }),
];

#[cold]
pub fn cannot_delete(vm: &Vm, object: &Object, attribute: &str) -> Raised {
    let class = object.ty().full_name();
    let text = format!("attribute '{attribute}' of '{class}' objects cannot be deleted");
    vm.error(&exc::ATTRIBUTE_ERROR, text)
}

/// The truth of a value that an attribute is set to.
pub fn truth(vm: &Vm, object: &Object, attribute: &str, value: Option<&Object>) -> Result<bool> {
    match value {
        Some(value) => vm.is_true(value),
        None => Err(cannot_delete(vm, object, attribute)),
    }
}

/// The payload, or RuntimeError if `__init__` has not run.
pub fn alive<'a>(vm: &Vm, object: &'a Object) -> Result<&'a Future> {
    let future = this::<Future>(object);
    if future.event_loop.is_empty() {
        return Err(vm.runtime_error("Future object is not initialized."));
    }
    Ok(future)
}

// ---- life -------------------------------------------------------------------------------------

fn init(vm: &Vm, object: &Object, args: &[Object], kwnames: &[Object]) -> Result<()> {
    static SIG: Sig = Sig::new("Future(*, loop=None)");
    let bound = SIG.bind(vm, args, kwnames)?;
    initialise(vm, object, &bound[0])
}

/// Begins anew, for the loop, or for that of the thread if it is None.
pub fn initialise(vm: &Vm, object: &Object, for_loop: &Object) -> Result<()> {
    let future = this::<Future>(object);
    future.clear();
    future.state.set(State::Pending);
    future.log_traceback.set(false);
    future.blocking.set(false);
    let for_loop = match for_loop.some() {
        Some(given) => given.clone(),
        None => event_loop(vm)?,
    };
    future.event_loop.set(for_loop.clone());
    if debug(vm, &for_loop)? {
        let stack = vm.call(&cached(vm, "traceback:extract_stack")?, &[])?;
        future.source_traceback.set(stack);
    }
    Ok(())
}

/// Tells the loop about an exception that nobody looked at.
fn finalize(vm: &Vm, object: &Object) -> Result<()> {
    let future = this::<Future>(object);
    if future.log_traceback.replace(false) && !future.event_loop.is_empty() {
        let message = format!("{} exception was never retrieved", object.ty().name());
        let what = [("exception", future.exception.or_none()), ("future", object.clone())];
        tell_loop(vm, future, &message, &what);
    }
    Ok(())
}

/// Calls the exception handler of the future's loop.
pub fn tell_loop(vm: &Vm, future: &Future, message: &str, what: &[(&str, Object)]) {
    let raised = vm.take_raised();
    let context = vm.new_dict();
    if let Some(dict) = context.downcast::<Dict>() {
        dict.set_text(vm, "message", vm.str(message));
        for (key, value) in what {
            dict.set_text(vm, key, value.clone());
        }
        if let Some(traceback) = future.source_traceback.bound() {
            dict.set_text(vm, "source_traceback", traceback);
        }
    }
    let handler = future.event_loop.or_none();
    if vm.call_method(&handler, "call_exception_handler", &[context]).is_err() {
        vm.write_unraisable(&handler, "Exception ignored in");
    }
    vm.restore_raised(raised);
}

/// The loop of a future or of something like one.
pub fn loop_of(vm: &Vm, object: &Object) -> Result {
    if super::task::is_exact(object) {
        return Ok(alive(vm, object)?.event_loop.get());
    }
    match vm.lookup_attr_str(object, "get_loop")? {
        Some(method) => vm.call(&method, &[]),
        None => vm.get_attr_str(object, "_loop"),
    }
}

// ---- callbacks --------------------------------------------------------------------------------

/// Has the callbacks called soon, and forgets them.
fn schedule_callbacks(vm: &Vm, object: &Object) -> Result<()> {
    let future = this::<Future>(object);
    let callbacks = std::mem::take(&mut *future.callbacks.borrow_mut());
    if callbacks.is_empty() {
        return Ok(());
    }
    let event_loop = future.event_loop.get();
    for (function, context) in callbacks {
        call_soon(vm, &event_loop, &function, std::slice::from_ref(object), &context)?;
    }
    Ok(())
}

/// `add_done_callback`.
pub fn add_callback(vm: &Vm, object: &Object, function: Object, context: Object) -> Result<()> {
    let future = this::<Future>(object);
    if future.event_loop.is_empty() {
        return Err(vm.runtime_error("uninitialized Future object"));
    }
    if future.is_pending() {
        future.callbacks.borrow_mut().push((function, context));
        return Ok(());
    }
    call_soon(vm, &future.event_loop.get(), &function, std::slice::from_ref(object), &context)
}

fn remove_callback(vm: &Vm, args: &[Object]) -> Result {
    let future = alive(vm, &args[0])?;
    // Comparisons may change the list: each item is taken out for a look.
    let mut kept = Vec::new();
    let mut at = 0;
    loop {
        let pair = future.callbacks.borrow().get(at).cloned();
        let Some(pair) = pair else { break };
        at += 1;
        if !vm.equal(&pair.0, &args[1])? {
            kept.push(pair);
        }
    }
    let before = future.callbacks.borrow().len();
    let removed = before.saturating_sub(kept.len());
    if removed > 0 {
        let old = std::mem::replace(&mut *future.callbacks.borrow_mut(), kept);
        drop(old);
    }
    Ok(vm.usize(removed))
}

// ---- results ----------------------------------------------------------------------------------

/// How it ended: the result, or the exception.
pub enum Outcome {
    Result(Object),
    Exception(Object),
}

/// Looks at a future that is done; raises what comes in between.
pub fn outcome(vm: &Vm, future: &Future) -> Result<Outcome> {
    match future.state.get() {
        State::Cancelled => return Err(raise_cancelled(vm, future)),
        State::Pending if future.event_loop.is_empty() => {
            return Err(invalid_state(vm, "Future object is not initialized."));
        }
        State::Pending => return Err(invalid_state(vm, "Result is not set.")),
        State::Finished => {}
    }
    future.log_traceback.set(false);
    let Some(exception) = future.exception.bound() else {
        return Ok(Outcome::Result(future.result.or_none()));
    };
    let traceback = future.traceback.take();
    if let Some(base) = exception.downcast::<BaseException>() {
        base.set_traceback(traceback.bound().cloned().unwrap_or(Object::NONE));
    }
    Ok(Outcome::Exception(exception))
}

fn result(vm: &Vm, object: &Object) -> Result {
    match outcome(vm, this(object))? {
        Outcome::Result(value) => Ok(value),
        Outcome::Exception(exception) => Err(vm.raise_in_context(exception)),
    }
}

fn exception(vm: &Vm, args: &[Object]) -> Result {
    let future = this::<Future>(&args[0]);
    if future.event_loop.is_empty() {
        return Err(invalid_state(vm, "Future object is not initialized."));
    }
    match future.state.get() {
        State::Cancelled => Err(raise_cancelled(vm, future)),
        State::Pending => Err(invalid_state(vm, "Exception is not set.")),
        State::Finished => {
            if let Some(exception) = future.exception.bound() {
                future.log_traceback.set(false);
                return Ok(exception);
            }
            Ok(Object::NONE)
        }
    }
}

/// `_make_cancelled_error`.
pub fn make_cancelled_error(vm: &Vm, future: &Future) -> Result {
    if let Some(exception) = future.cancelled_error.bound() {
        future.cancelled_error.clear();
        return Ok(exception);
    }
    let class = cancelled_error(vm)?;
    match future.cancel_message.or_none().some() {
        Some(message) => vm.call(&class, std::slice::from_ref(message)),
        None => vm.call(&class, &[]),
    }
}

#[cold]
fn raise_cancelled(vm: &Vm, future: &Future) -> Raised {
    match make_cancelled_error(vm, future) {
        Ok(exception) => vm.raise_in_context(exception),
        Err(raised) => raised,
    }
}

/// `set_result`, of a future that is initialised.
pub fn set_result(vm: &Vm, object: &Object, value: Object) -> Result<()> {
    let future = this::<Future>(object);
    if !future.is_pending() {
        return Err(invalid_state(vm, "invalid state"));
    }
    future.result.set(value);
    future.state.set(State::Finished);
    schedule_callbacks(vm, object)
}

/// `set_exception`, of a future that is initialised.
pub fn set_exception(vm: &Vm, object: &Object, exception: &Object) -> Result<()> {
    let future = this::<Future>(object);
    if !future.is_pending() {
        return Err(invalid_state(vm, "invalid state"));
    }
    let mut exception = match Type::of(exception) {
        Some(class) if class.is_subtype(&exc::BASE_EXCEPTION) => vm.call(exception, &[])?,
        _ => exception.clone(),
    };
    if !exception.is_instance_of(&exc::BASE_EXCEPTION) {
        return Err(vm.type_error("invalid exception object"));
    }
    if exception.is_instance_of(&exc::STOP_ITERATION) {
        let text = "StopIteration interacts badly with generators and cannot be raised into a Future";
        let other = exceptions::new_with_args(vm, &exc::RUNTIME_ERROR, vec![vm.str(text)]);
        if let Some(base) = other.downcast::<BaseException>() {
            base.set_cause(exception.clone());
            base.set_context(exception.clone());
        }
        exception = other;
    }
    let traceback = exception.downcast::<BaseException>().map_or(Object::NONE, |e| e.traceback());
    future.exception.set(exception);
    future.traceback.set(traceback);
    future.state.set(State::Finished);
    schedule_callbacks(vm, object)?;
    future.log_traceback.set(true);
    Ok(())
}

/// `Future.cancel`; was there something to cancel?
pub fn cancel(vm: &Vm, object: &Object, message: &Object) -> Result<bool> {
    let future = this::<Future>(object);
    future.log_traceback.set(false);
    if !future.is_pending() {
        return Ok(false);
    }
    future.state.set(State::Cancelled);
    future.cancel_message.set(message.clone());
    schedule_callbacks(vm, object)?;
    Ok(true)
}

// ---- who awaits whom --------------------------------------------------------------------------

/// Remembers that `waiter` awaits `object`, if both are futures of ours.
pub fn add_waiter(vm: &Vm, object: &Object, waiter: &Object) -> Result<()> {
    let (Some(future), Some(_)) = (object.downcast::<Future>(), waiter.downcast::<Future>()) else {
        return Ok(());
    };
    let mut waiters = future.waiters.borrow_mut();
    match &mut *waiters {
        Waiters::Never => *waiters = Waiters::One(waiter.clone()),
        Waiters::One(first) if first.value() == waiter.value() => {}
        Waiters::One(first) => {
            let both = [first.clone(), waiter.clone()];
            *waiters = Waiters::Many(both.into_iter().map(|w| (w.bits(), w)).collect());
        }
        Waiters::Many(all) => {
            if all.try_reserve(1).is_err() {
                return Err(vm.memory_error());
            }
            all.insert(waiter.bits(), waiter.clone());
        }
    }
    Ok(())
}

/// Forgets that `waiter` awaits `object`.
pub fn discard_waiter(object: &Object, waiter: &Object) {
    let Some(future) = object.downcast::<Future>() else { return };
    let mut waiters = future.waiters.borrow_mut();
    // Dropped when nothing is borrowed any more.
    let gone = match &mut *waiters {
        Waiters::One(only) if only.value() == waiter.value() => {
            match std::mem::replace(&mut *waiters, Waiters::Many(HashMap::new())) {
                Waiters::One(only) => Some(only),
                _ => None,
            }
        }
        Waiters::Many(all) => all.remove(&waiter.bits()),
        _ => None,
    };
    drop(waiters);
    drop(gone);
}

// ---- awaiting ---------------------------------------------------------------------------------

/// Payload of the iterator that `await` runs: the future, until it is exhausted.
pub struct FutureIter {
    future: ObjectCell,
}

impl NativeClass for FutureIter {
    fn class() -> &'static Type {
        &FUTURE_ITER
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.future.traverse(visitor);
    }
    fn clear(&self) {
        self.future.clear();
    }
}

pub static FUTURE_ITER: Type = Type::new::<FutureIter>(
    "_asyncio.FutureIter",
    &taipan_runtime::types::object::OBJECT,
    type_flags::HAVE_GC | type_flags::DISALLOW_INSTANTIATION | type_flags::IMMUTABLE,
    Slots { next: Some(next), ..Slots::EMPTY.iter(|_, it| Ok(it.clone())) },
    &[
        MethodDef::new(
            "send($self, object, /)",
            |vm, args| match advance(vm, &args[0], false)? {
                Some(item) => Ok(item),
                None => Err(vm.stop_iteration(take_stop_value(vm))),
            },
            "",
        ),
        MethodDef::new(
            "throw($self, type, value=<unrepresentable>, traceback=<unrepresentable>, /)",
            throw,
            "",
        ),
        MethodDef::new(
            "close($self, /)",
            |_, args| {
                this::<FutureIter>(&args[0]).future.clear();
                Ok(Object::NONE)
            },
            "",
        ),
    ],
    &[],
);

fn iterator(vm: &Vm, object: &Object) -> Result {
    alive(vm, object)?;
    allocate(vm, &FUTURE_ITER, FutureIter { future: ObjectCell::new(object.clone()) })
}

fn next(vm: &Vm, iterator: &Object) -> Result<Option<Object>> {
    advance(vm, iterator, true)
}

/// `send` can be asked for the result again, `next` cannot.
fn advance(vm: &Vm, iterator: &Object, once: bool) -> Result<Option<Object>> {
    let this = this::<FutureIter>(iterator);
    let Some(object) = this.future.bound() else { return Ok(None) };
    let Some(future) = object.downcast::<Future>() else { return Ok(None) };
    if future.is_pending() {
        if future.blocking.replace(true) {
            return Err(vm.runtime_error("await wasn't used with future"));
        }
        return Ok(Some(object));
    }
    if once {
        this.future.clear();
    }
    set_stop_value(vm, result(vm, &object)?);
    Ok(None)
}

fn throw(vm: &Vm, args: &[Object]) -> Result {
    let is_exception = |object: &Object| {
        object.is_instance_of(&exc::BASE_EXCEPTION)
            || Type::of(object).is_some_and(|class| class.is_subtype(&exc::BASE_EXCEPTION))
    };
    if args[2].bound().is_none() && !is_exception(&args[1]) {
        return Err(
            vm.type_error("exceptions must be classes deriving BaseException or instances of such a class")
        );
    }
    let exception = generator::throw_arguments(vm, &args[1], &args[2], &args[3])?;
    this::<FutureIter>(&args[0]).future.clear();
    Err(vm.raise_in_context(exception))
}
