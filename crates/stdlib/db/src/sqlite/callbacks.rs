//! Python code that SQLite calls: functions, aggregates, collations.
//!
//! What such code raises never gets through the library: the statement fails
//! with a message of its own, and the exception is shown or forgotten.

use super::errors;
use std::sync::atomic::{AtomicBool, Ordering};
use taipan_runtime::codecs::utf8;
use taipan_runtime::prelude::*;
use taipan_runtime::types::{float, int};
use taipan_sqlite::{Aggregate, Context, ValueRef};

/// Are exceptions of callbacks shown (`enable_callback_tracebacks`)?
pub static TRACEBACKS: AtomicBool = AtomicBool::new(false);

/// An object that belongs to the library, which drops it whether or not its
/// thread has the GIL.
pub struct Held(Object);

impl Held {
    pub fn new(object: &Object) -> Held {
        Held(object.clone())
    }
    pub fn get(&self) -> &Object {
        &self.0
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        Vm::with_gil(|_| self.0 = Object::NONE);
    }
}

/// Shows or forgets the exception on its way.
pub fn report(vm: &Vm, callable: &Object) {
    if TRACEBACKS.load(Ordering::Relaxed) {
        vm.write_unraisable(callable, "Exception ignored on sqlite3 callback");
    } else {
        drop(vm.take_raised());
    }
}

/// The statement fails because of the exception on its way.
fn fail(vm: &Vm, context: &Context, callable: &Object, _: Raised, message: &str) {
    if vm.raised_is(&exc::MEMORY_ERROR) {
        context.no_memory();
    } else if vm.raised_is(&exc::OVERFLOW_ERROR) {
        context.too_big();
    } else {
        context.error(message);
    }
    report(vm, callable);
}

/// The arguments of a function as objects.
fn arguments(vm: &Vm, args: &[ValueRef]) -> Result<Vec<Object>> {
    args.iter()
        .map(|arg| match arg {
            ValueRef::Null => Ok(Object::NONE),
            ValueRef::Integer(n) => Ok(vm.int(*n)),
            ValueRef::Float(x) => Ok(vm.float(*x)),
            ValueRef::Text(text) => super::text(vm, text),
            ValueRef::Blob(data) => taipan_runtime::types::bytes::new(vm, data),
        })
        .collect()
}

/// Gives a function's result to the library.
fn give(vm: &Vm, context: &Context, value: &Object) -> Result<()> {
    if value.is_none() {
        context.null();
    } else if int::is_any_int(value) {
        context.integer(super::integer(vm, value)?);
    } else if value.ty().is_subtype(&float::FLOAT) {
        context.float(vm.to_f64(value)?);
    } else if value.downcast::<Str>().is_some() {
        let text = utf8::encode(vm, value, "strict")?;
        if text.len() > i32::MAX as usize {
            return Err(vm.overflow_error("string is longer than INT_MAX bytes"));
        }
        context.text(&text);
    } else if vm.is_bytes_like(value) {
        let buffer = vm.bytes_like(value, "")?;
        if buffer.len() > i32::MAX as usize {
            return Err(vm.overflow_error("BLOB longer than INT_MAX bytes"));
        }
        context.blob(buffer.bytes());
    } else {
        let name = value.ty().full_name();
        return Err(errors::programming(
            vm,
            format!("User-defined functions cannot return '{name}' values to SQLite"),
        ));
    }
    Ok(())
}

/// A function of SQL that calls a Python function.
pub fn scalar(function: Held) -> impl Fn(&Context, &[ValueRef]) + 'static {
    move |context, args| {
        Vm::with_gil(|vm| {
            let callable = function.get().clone();
            let outcome = arguments(vm, args)
                .and_then(|args| vm.call(&callable, &args))
                .and_then(|value| give(vm, context, &value));
            if let Err(raised) = outcome {
                fail(vm, context, &callable, raised, "user-defined function raised exception");
            }
        })
    }
}

/// An aggregate of SQL: each group is an instance of a Python class.
pub struct PythonAggregate(pub Held);

impl PythonAggregate {
    /// Calls a method of the group's instance.
    fn call(
        &self,
        vm: &Vm,
        context: &Context,
        instance: &Object,
        name: &str,
        args: &[ValueRef],
    ) -> Option<Object> {
        let class = self.0.get();
        let method = match vm.get_attr_str(instance, name) {
            Ok(method) => method,
            Err(raised) => {
                fail(
                    vm,
                    context,
                    class,
                    raised,
                    &format!("user-defined aggregate's '{name}' method not defined"),
                );
                return None;
            }
        };
        match arguments(vm, args).and_then(|args| vm.call(&method, &args)) {
            Ok(value) => Some(value),
            Err(raised) => {
                fail(
                    vm,
                    context,
                    class,
                    raised,
                    &format!("user-defined aggregate's '{name}' method raised error"),
                );
                None
            }
        }
    }
    /// Gives the result of a method to the library.
    fn give(&self, vm: &Vm, context: &Context, instance: &Object, name: &str) {
        let Some(value) = self.call(vm, context, instance, name, &[]) else { return };
        if let Err(raised) = give(vm, context, &value) {
            let message = format!("user-defined aggregate's '{name}' method raised error");
            fail(vm, context, self.0.get(), raised, &message);
        }
    }
}

impl Aggregate for PythonAggregate {
    type State = Held;

    fn step(&self, context: &Context, state: &mut Option<Held>, args: &[ValueRef]) {
        Vm::with_gil(|vm| {
            let instance = match state {
                Some(instance) => instance.get().clone(),
                None => match vm.call(self.0.get(), &[]) {
                    Ok(instance) => {
                        *state = Some(Held::new(&instance));
                        instance
                    }
                    Err(raised) => {
                        let message = "user-defined aggregate's '__init__' method raised error";
                        return fail(vm, context, self.0.get(), raised, message);
                    }
                },
            };
            self.call(vm, context, &instance, "step", args);
        })
    }
    fn inverse(&self, context: &Context, state: &mut Option<Held>, args: &[ValueRef]) {
        Vm::with_gil(|vm| {
            if let Some(instance) = state.as_ref().map(|state| state.get().clone()) {
                self.call(vm, context, &instance, "inverse", args);
            }
        })
    }
    fn value(&self, context: &Context, state: &mut Option<Held>) {
        Vm::with_gil(|vm| {
            if let Some(instance) = state.as_ref().map(|state| state.get().clone()) {
                self.give(vm, context, &instance, "value");
            }
        })
    }
    fn finish(&self, context: &Context, state: Option<Held>) {
        // Without a row there is no instance, and no result.
        if let Some(instance) = state {
            Vm::with_gil(|vm| self.give(vm, context, instance.get(), "finalize"));
        }
    }
}

/// An order of texts that asks a Python function.
pub fn collation(function: Held) -> impl Fn(&[u8], &[u8]) -> i32 + 'static {
    move |a, b| {
        Vm::with_gil(|vm| {
            let callable = function.get().clone();
            let compare = || -> Result<i32> {
                let pair = [super::text(vm, a)?, super::text(vm, b)?];
                let order = vm.index(&vm.call(&callable, &pair)?)?;
                Ok(if int::is_negative(&order) {
                    -1
                } else {
                    int::view(&order).is_some_and(|n| !n.is_zero()) as i32
                })
            };
            compare().unwrap_or_else(|_| {
                report(vm, &callable);
                0
            })
        })
    }
}
