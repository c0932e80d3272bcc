//! async_generator and the awaitables of its methods.

use crate::prelude::*;
use crate::slots::{set_stop_value, take_stop_value};
use crate::types::exceptions;
use crate::types::generator::{self, Generator, State, Step};
use std::cell::{Cell, RefCell};

/// A value on its way out of an async generator.
pub struct Wrapped {
    value: Object,
}

impl NativeClass for Wrapped {
    fn class() -> &'static Type {
        &ASYNC_GEN_WRAPPED
    }
    fn traverse(&self, visitor: &mut Visitor) {
        visitor.visit_object(&self.value);
    }
}

pub static ASYNC_GEN_WRAPPED: Type = Type::new::<Wrapped>(
    "async_generator_wrapped_value",
    &crate::types::object::OBJECT,
    type_flags::HAVE_GC,
    Slots::EMPTY,
    &[],
    &[],
);

/// Marks a value as yielded by an async generator.
pub fn wrap(vm: &Vm, value: Object) -> Object {
    vm.alloc(&ASYNC_GEN_WRAPPED, Wrapped { value })
}

#[derive(Clone, Copy, PartialEq)]
enum Progress {
    Init,
    Iterating,
    Closed,
}

/// `__anext__()` and `asend()`.
pub struct Send {
    generator: Object,
    value: RefCell<Object>,
    progress: Cell<Progress>,
}

impl NativeClass for Send {
    fn class() -> &'static Type {
        &ASYNC_GEN_SEND
    }
    fn traverse(&self, visitor: &mut Visitor) {
        visitor.visit_object(&self.generator);
        visitor.visit_object(&self.value.borrow());
    }
}

/// `athrow()` and `aclose()`.
pub struct Throw {
    generator: Object,
    /// None: aclose().
    args: Option<[Object; 3]>,
    progress: Cell<Progress>,
}

impl NativeClass for Throw {
    fn class() -> &'static Type {
        &ASYNC_GEN_THROW
    }
    fn traverse(&self, visitor: &mut Visitor) {
        visitor.visit_object(&self.generator);
        if let Some(args) = &self.args {
            args.iter().for_each(|a| visitor.visit_object(a));
        }
    }
}

fn gen_of(object: &Object) -> &Generator {
    // SAFETY: used on async generators only.
    unsafe { object.payload_unchecked() }
}
fn send_of(object: &Object) -> &Send {
    // SAFETY: used on async_generator_asend only.
    unsafe { object.payload_unchecked() }
}
fn throw_of(object: &Object) -> &Throw {
    // SAFETY: used on async_generator_athrow only.
    unsafe { object.payload_unchecked() }
}

/// First use: tell the hooks of `sys.set_asyncgen_hooks`.
fn init_hooks(vm: &Vm, generator: &Object) -> Result<()> {
    let g = gen_of(generator);
    if g.hooks_ready.replace(true) {
        return Ok(());
    }
    let (first_iter, finalizer) = vm.asyncgen_hooks.borrow().clone();
    if !finalizer.is_none() {
        drop(g.attached.replace(finalizer));
    }
    if !first_iter.is_none() {
        vm.call(&first_iter, std::slice::from_ref(generator))?;
    }
    Ok(())
}

/// The finalizer hook takes a suspended async generator over; false if there is none.
pub fn call_finalizer(vm: &Vm, generator: &Object) -> Result<bool> {
    let g = gen_of(generator);
    let finalizer = g.attached.borrow().clone();
    if finalizer.is_none() || g.closed_async.get() {
        return Ok(false);
    }
    vm.call(&finalizer, std::slice::from_ref(generator))?;
    Ok(true)
}

/// RuntimeWarning for a coroutine that dies without ever having run.
pub fn warn_never_awaited(vm: &Vm, coroutine: &Object) {
    let result = (|| -> Result<()> {
        if let Ok(warnings) = vm.import_module("warnings")
            && let Some(helper) = vm.lookup_attr_str(&warnings, "_warn_unawaited_coroutine")?
        {
            return vm.call(&helper, std::slice::from_ref(coroutine)).map(drop);
        }
        drop(vm.take_raised());
        let qualname = {
            // SAFETY: a coroutine has the payload.
            let g: &Generator = unsafe { coroutine.payload_unchecked() };
            g.qualname.borrow().clone()
        };
        vm.warn(
            &exc::RUNTIME_WARNING,
            &format!("coroutine '{}' was never awaited", vm.str_lossy(&qualname)),
            1,
        )
    })();
    if result.is_err() {
        vm.write_unraisable(coroutine, "Exception ignored while finalizing coroutine");
    }
}

/// What a step of the generator means for the awaiting side.
fn unwrap_step(vm: &Vm, generator: &Object, step: Result<Step>) -> Result<Option<Object>> {
    let g = gen_of(generator);
    match step {
        Ok(Step::Yielded(value)) => match value.downcast_exact::<Wrapped>() {
            Some(wrapped) => {
                g.running_async.set(false);
                set_stop_value(vm, wrapped.value.clone());
                Ok(None)
            }
            None => Ok(Some(value)),
        },
        Ok(Step::Returned(_)) => {
            g.running_async.set(false);
            g.closed_async.set(true);
            Err(vm.error_with(&exc::STOP_ASYNC_ITERATION, Vec::new()))
        }
        Err(raised) => {
            g.running_async.set(false);
            if vm.raised_is(&exc::STOP_ASYNC_ITERATION) || vm.raised_is(&exc::GENERATOR_EXIT) {
                g.closed_async.set(true);
            }
            Err(raised)
        }
    }
}

fn asend_step(vm: &Vm, object: &Object, sent: Object) -> Result<Option<Object>> {
    let this = send_of(object);
    if this.progress.get() == Progress::Closed {
        return Err(vm.runtime_error("cannot reuse already awaited __anext__()/asend()"));
    }
    let g = gen_of(&this.generator);
    let mut value = sent;
    if this.progress.get() == Progress::Init {
        if g.running_async.get() {
            this.progress.set(Progress::Closed);
            return Err(vm.runtime_error("anext(): asynchronous generator is already running"));
        }
        if value.is_none() {
            value = this.value.borrow().clone();
        }
        this.progress.set(Progress::Iterating);
    }
    g.running_async.set(true);
    let step = generator::resume(vm, &this.generator, value, false);
    let result = unwrap_step(vm, &this.generator, step);
    if !matches!(result, Ok(Some(_))) {
        this.progress.set(Progress::Closed);
    }
    result
}

fn step_result(vm: &Vm, step: Result<Option<Object>>) -> Result {
    match step? {
        Some(value) => Ok(value),
        None => Err(vm.stop_iteration(take_stop_value(vm))),
    }
}

fn asend_throw(vm: &Vm, args: &[Object]) -> Result {
    let this = send_of(&args[0]);
    if this.progress.get() == Progress::Closed {
        return Err(vm.runtime_error("cannot reuse already awaited __anext__()/asend()"));
    }
    let g = gen_of(&this.generator);
    if this.progress.get() == Progress::Init {
        if g.running_async.get() {
            this.progress.set(Progress::Closed);
            return Err(vm.runtime_error("anext(): asynchronous generator is already running"));
        }
        this.progress.set(Progress::Iterating);
        g.running_async.set(true);
    }
    let exception = generator::throw_arguments(vm, &args[1], &args[2], &args[3])?;
    let step = generator::throw(vm, &this.generator, exception);
    let result = unwrap_step(vm, &this.generator, step);
    if !matches!(result, Ok(Some(_))) {
        this.progress.set(Progress::Closed);
    }
    step_result(vm, result)
}

/// `close()` of an awaitable of an async generator, by the `throw` of its kind.
fn close_awaitable(
    vm: &Vm,
    step: &Object,
    progress: &Cell<Progress>,
    throw: fn(&Vm, &[Object]) -> Result,
) -> Result {
    if progress.get() == Progress::Closed {
        return Ok(Object::NONE);
    }
    let exit = exc::GENERATOR_EXIT.to_object();
    match throw(vm, &[step.clone(), exit, Object::UNBOUND, Object::UNBOUND]) {
        Ok(_) => Err(vm.runtime_error("coroutine ignored GeneratorExit")),
        Err(raised) => {
            if vm.raised_is(&exc::STOP_ITERATION)
                || vm.raised_is(&exc::STOP_ASYNC_ITERATION)
                || vm.raised_is(&exc::GENERATOR_EXIT)
            {
                drop(vm.caught(raised));
                return Ok(Object::NONE);
            }
            Err(raised)
        }
    }
}

pub static ASYNC_GEN_SEND: Type = Type::new::<Send>(
    "async_generator_asend",
    &crate::types::object::OBJECT,
    type_flags::HAVE_GC,
    Slots {
        next: Some(|vm, s| asend_step(vm, s, Object::NONE)),
        del: Some(|vm, s| {
            if send_of(s).progress.get() == Progress::Init {
                warn_method(vm, &send_of(s).generator, "asend");
            }
            Ok(())
        }),
        ..Slots::EMPTY.iter(|_, s| Ok(s.clone())).unary(UnaryOp::Await, |_, s| Ok(s.clone()))
    },
    &[
        MethodDef::new(
            "send($self, value, /)",
            |vm, args| {
                let step = asend_step(vm, &args[0], args[1].clone());
                step_result(vm, step)
            },
            "",
        ),
        MethodDef::new("throw($self, type, value=<unset>, traceback=<unset>, /)", asend_throw, ""),
        MethodDef::new(
            "close($self, /)",
            |vm, args| close_awaitable(vm, &args[0], &send_of(&args[0]).progress, asend_throw),
            "",
        ),
    ],
    &[],
);

fn warn_method(vm: &Vm, generator: &Object, method: &str) {
    let qualname = gen_of(generator).qualname.borrow().clone();
    let text = format!("coroutine method '{method}' of '{}' was never awaited", vm.str_lossy(&qualname));
    if vm.warn(&exc::RUNTIME_WARNING, &text, 1).is_err() {
        vm.write_unraisable(generator, "Exception ignored while finalizing coroutine");
    }
}

/// aclose(): what a step means.
fn close_step(vm: &Vm, this: &Throw, step: Result<Step>) -> Result<Option<Object>> {
    let g = gen_of(&this.generator);
    match step {
        Ok(Step::Yielded(value)) if value.ty().is(&ASYNC_GEN_WRAPPED) => {
            g.running_async.set(false);
            this.progress.set(Progress::Closed);
            Err(vm.runtime_error("async generator ignored GeneratorExit"))
        }
        Ok(Step::Yielded(value)) => Ok(Some(value)),
        Ok(Step::Returned(_)) => {
            g.running_async.set(false);
            g.closed_async.set(true);
            this.progress.set(Progress::Closed);
            set_stop_value(vm, Object::NONE);
            Ok(None)
        }
        Err(raised) => {
            g.running_async.set(false);
            this.progress.set(Progress::Closed);
            if vm.raised_is(&exc::STOP_ASYNC_ITERATION) || vm.raised_is(&exc::GENERATOR_EXIT) {
                drop(vm.caught(raised));
                g.closed_async.set(true);
                set_stop_value(vm, Object::NONE);
                return Ok(None);
            }
            Err(raised)
        }
    }
}

fn athrow_step(vm: &Vm, object: &Object, sent: Object) -> Result<Option<Object>> {
    let this = throw_of(object);
    let g = gen_of(&this.generator);
    match this.progress.get() {
        Progress::Closed => {
            return Err(vm.runtime_error("cannot reuse already awaited aclose()/athrow()"));
        }
        Progress::Init => {
            if g.running_async.get() {
                this.progress.set(Progress::Closed);
                return Err(vm.runtime_error(if this.args.is_some() {
                    "athrow(): asynchronous generator is already running"
                } else {
                    "aclose(): asynchronous generator is already running"
                }));
            }
            if g.closed_async.get() || g.state() == State::Closed {
                this.progress.set(Progress::Closed);
                return Err(vm.error_with(&exc::STOP_ASYNC_ITERATION, Vec::new())).or_else(|raised| {
                    if this.args.is_none() {
                        drop(vm.caught(raised));
                        set_stop_value(vm, Object::NONE);
                        return Ok(None);
                    }
                    Err(raised)
                });
            }
            if !sent.is_none() {
                return Err(vm.runtime_error("can't send non-None value to a just-started coroutine"));
            }
            this.progress.set(Progress::Iterating);
            g.running_async.set(true);
            return match &this.args {
                None => {
                    g.closed_async.set(true);
                    let exit = exceptions::new_with_args(vm, &exc::GENERATOR_EXIT, Vec::new());
                    let step = generator::throw(vm, &this.generator, exit);
                    close_step(vm, this, step)
                }
                Some([class, value, traceback]) => {
                    let exception = match generator::throw_arguments(vm, class, value, traceback) {
                        Ok(exception) => exception,
                        Err(raised) => {
                            g.running_async.set(false);
                            this.progress.set(Progress::Closed);
                            return Err(raised);
                        }
                    };
                    let step = generator::throw(vm, &this.generator, exception);
                    let result = unwrap_step(vm, &this.generator, step);
                    if !matches!(result, Ok(Some(_))) {
                        this.progress.set(Progress::Closed);
                    }
                    result
                }
            };
        }
        Progress::Iterating => {}
    }
    let step = generator::resume(vm, &this.generator, sent, false);
    if this.args.is_some() {
        let result = unwrap_step(vm, &this.generator, step);
        if !matches!(result, Ok(Some(_))) {
            this.progress.set(Progress::Closed);
        }
        result
    } else {
        close_step(vm, this, step)
    }
}

fn athrow_throw(vm: &Vm, args: &[Object]) -> Result {
    let this = throw_of(&args[0]);
    let g = gen_of(&this.generator);
    match this.progress.get() {
        Progress::Closed => {
            return Err(vm.runtime_error("cannot reuse already awaited aclose()/athrow()"));
        }
        Progress::Init => {
            if g.running_async.get() {
                this.progress.set(Progress::Closed);
                return Err(vm.runtime_error(if this.args.is_some() {
                    "athrow(): asynchronous generator is already running"
                } else {
                    "aclose(): asynchronous generator is already running"
                }));
            }
            this.progress.set(Progress::Iterating);
            g.running_async.set(true);
        }
        Progress::Iterating => {}
    }
    let exception = generator::throw_arguments(vm, &args[1], &args[2], &args[3])?;
    let step = generator::throw(vm, &this.generator, exception);
    let result = if this.args.is_some() {
        let result = unwrap_step(vm, &this.generator, step);
        if !matches!(result, Ok(Some(_))) {
            this.progress.set(Progress::Closed);
        }
        result
    } else {
        close_step(vm, this, step)
    };
    step_result(vm, result)
}

pub static ASYNC_GEN_THROW: Type = Type::new::<Throw>(
    "async_generator_athrow",
    &crate::types::object::OBJECT,
    type_flags::HAVE_GC,
    Slots {
        next: Some(|vm, t| athrow_step(vm, t, Object::NONE)),
        del: Some(|vm, t| {
            let this = throw_of(t);
            if this.progress.get() == Progress::Init {
                warn_method(vm, &this.generator, if this.args.is_some() { "athrow" } else { "aclose" });
            }
            Ok(())
        }),
        ..Slots::EMPTY.iter(|_, t| Ok(t.clone())).unary(UnaryOp::Await, |_, t| Ok(t.clone()))
    },
    &[
        MethodDef::new(
            "send($self, value, /)",
            |vm, args| {
                let step = athrow_step(vm, &args[0], args[1].clone());
                step_result(vm, step)
            },
            "",
        ),
        MethodDef::new("throw($self, type, value=<unset>, traceback=<unset>, /)", athrow_throw, ""),
        MethodDef::new(
            "close($self, /)",
            |vm, args| close_awaitable(vm, &args[0], &throw_of(&args[0]).progress, athrow_throw),
            "",
        ),
    ],
    &[],
);

fn new_send(vm: &Vm, generator: &Object, value: Object) -> Result {
    init_hooks(vm, generator)?;
    let payload = Send {
        generator: generator.clone(),
        value: RefCell::new(value),
        progress: Cell::new(Progress::Init),
    };
    Ok(vm.alloc(&ASYNC_GEN_SEND, payload))
}

fn new_throw(vm: &Vm, generator: &Object, args: Option<[Object; 3]>) -> Result {
    init_hooks(vm, generator)?;
    Ok(vm.alloc(
        &ASYNC_GEN_THROW,
        Throw { generator: generator.clone(), args, progress: Cell::new(Progress::Init) },
    ))
}

pub static ASYNC_GENERATOR: Type = Type::new::<Generator>(
    "async_generator",
    &crate::types::object::OBJECT,
    type_flags::HAVE_GC | type_flags::WEAKREFABLE,
    Slots {
        del: Some(generator::finalize),
        ..Slots::EMPTY
            .repr(|vm, g| {
                let qualname = gen_of(g).qualname.borrow().clone();
                Ok(vm.str(&format!(
                    "<async_generator object {} at {:#x}>",
                    vm.str_lossy(&qualname),
                    g.bits()
                )))
            })
            .unary(UnaryOp::AIter, |_, g| Ok(g.clone()))
            .unary(UnaryOp::ANext, |vm, g| new_send(vm, g, Object::NONE))
    },
    &[
        MethodDef::new(
            "asend($self, value, /)",
            |vm, args| new_send(vm, &args[0], args[1].clone()),
            "asend(v) -> send 'v' in generator.",
        ),
        MethodDef::new(
            "athrow($self, type, value=<unset>, traceback=<unset>, /)",
            |vm, args| {
                if args[2].bound().is_some() {
                    vm.warn(
                    &exc::DEPRECATION_WARNING,
                    "the (type, exc, tb) signature of athrow() is deprecated, use the single-arg signature instead.",
                    1,
                )?;
                }
                new_throw(vm, &args[0], Some([args[1].clone(), args[2].clone(), args[3].clone()]))
            },
            "athrow(value)\nathrow(type[,value[,tb]])\n\nraise exception in generator.\nthe (type, val, tb) signature is deprecated, \nand may be removed in a future version of Python.",
        ),
        MethodDef::new(
            "aclose($self, /)",
            |vm, args| new_throw(vm, &args[0], None),
            "aclose() -> raise GeneratorExit inside generator.",
        ),
        MethodDef::new(
            "__class_getitem__($type, object, /)",
            crate::types::genericalias::class_getitem,
            "See PEP 585",
        )
        .class_method(),
    ],
    &[
        GetSetDef::new("__name__", |_, g| Ok(gen_of(g).name.borrow().clone())).with_set(|vm, g, value| {
            match value {
                Some(v) if v.downcast::<Str>().is_some() => {
                    drop(gen_of(g).name.replace(v.clone()));
                    Ok(())
                }
                _ => Err(vm.type_error("__name__ must be set to a string object")),
            }
        }),
        GetSetDef::new("__qualname__", |_, g| Ok(gen_of(g).qualname.borrow().clone())).with_set(
            |vm, g, value| match value {
                Some(v) if v.downcast::<Str>().is_some() => {
                    drop(gen_of(g).qualname.replace(v.clone()));
                    Ok(())
                }
                _ => Err(vm.type_error("__qualname__ must be set to a string object")),
            },
        ),
        GetSetDef::new("ag_await", |_, g| {
            let this = gen_of(g);
            if this.state() != State::Suspended {
                return Ok(Object::NONE);
            }
            // SAFETY: suspended.
            Ok(unsafe { crate::interp::suspended_inner(this.frame_ptr()) }.unwrap_or(Object::NONE))
        }),
        GetSetDef::new("ag_running", |_, g| Ok(Object::bool(gen_of(g).running_async.get()))),
        GetSetDef::new("ag_suspended", |_, g| Ok(Object::bool(gen_of(g).state() == State::Suspended))),
        GetSetDef::new("ag_frame", |vm, g| {
            if gen_of(g).state() == State::Closed {
                return Ok(Object::NONE);
            }
            // SAFETY: the generator's own frame.
            Ok(unsafe { crate::types::traceback::frame_object(vm, gen_of(g).frame_ptr()) })
        }),
        GetSetDef::new("ag_code", |_, g| Ok(gen_of(g).code())),
    ],
);
