//! Exceptions that nobody can catch: raised while an object dies, in a weak
//! reference's callback, in a garbage collection. They go to
//! `sys.unraisablehook`; nothing here may fail.

use crate::display;
use crate::names::name;
use crate::prelude::*;
use crate::structseq::{self, StructDef};
use crate::types::exceptions;

/// `sys.UnraisableHookArgs`.
pub static HOOK_ARGS: StructDef = StructDef::new(
    "UnraisableHookArgs",
    "UnraisableHookArgs\n\nType used to pass arguments to sys.unraisablehook.",
    &[
        ("exc_type", "Exception type"),
        ("exc_value", "Exception value"),
        ("exc_traceback", "Exception traceback"),
        ("err_msg", "Error message"),
        ("object", "Object causing the exception"),
    ],
);

impl Vm {
    /// Reports the exception on its way (which is taken). With a message, the
    /// context's repr follows it (unless the context is None); without, the
    /// context is the hook's `object`.
    pub fn write_unraisable(&self, context: &Object, message: &str) {
        let Some(exception) = self.take_raised() else { return };
        if message.is_empty() {
            report(self, exception, Object::NONE, context.clone());
            return;
        }
        let text = if context.is_none() || context.is_unbound() {
            message.to_string()
        } else {
            match self.repr_text(context) {
                Ok(shown) => format!("{message} {shown}"),
                Err(raised) => {
                    drop(self.caught(raised));
                    message.to_string()
                }
            }
        };
        report(self, exception, self.str(&text), Object::NONE);
    }
    /// As [`Vm::write_unraisable`] for a finalizer of `object` that failed:
    /// the context is its `__del__`.
    pub fn write_unraisable_method(&self, object: &Value, message: &str) {
        let object = Object::borrow_value(object);
        let del = object.ty().lookup_owned(self, name::del.object()).unwrap_or(Object::NONE);
        self.write_unraisable(&del, message);
    }
}

fn sys_dict(vm: &Vm) -> Option<&Dict> {
    vm.interp().sys_dict.downcast::<Dict>()
}

fn report(vm: &Vm, exception: Object, message: Object, object: Object) {
    let traceback = match exception.downcast::<exceptions::BaseException>() {
        Some(base) => base.traceback(),
        None => Object::NONE,
    };
    let parts = vec![exception.ty().to_object(), exception.clone(), traceback, message, object];
    let hook = sys_dict(vm).and_then(|d| d.get_str_owned(name::unraisablehook.object()));
    let Some(hook) = hook.filter(|h| !h.is_none()) else {
        quietly(vm, default_hook(vm, &parts));
        return;
    };
    let result = structseq::new(vm, &HOOK_ARGS, parts.clone()).and_then(|args| vm.call(&hook, &[args]));
    if let Err(raised) = result {
        let second = vm.caught(raised);
        let traceback = match second.downcast::<exceptions::BaseException>() {
            Some(base) => base.traceback(),
            None => Object::NONE,
        };
        let message = vm.str("Exception ignored in sys.unraisablehook");
        quietly(vm, default_hook(vm, &[second.ty().to_object(), second.clone(), traceback, message, hook]));
    }
}

fn quietly<T>(vm: &Vm, result: Result<T>) {
    if let Err(raised) = result {
        drop(vm.caught(raised));
    }
}

/// `sys.__unraisablehook__` on (type, value, traceback, message, object).
pub fn default_hook(vm: &Vm, parts: &[Object]) -> Result<()> {
    let [class, value, traceback, message, object] = parts else {
        return Err(vm.type_error("sys.unraisablehook argument type must be UnraisableHookArgs"));
    };
    let file = sys_dict(vm).and_then(|d| d.get_str_owned(name::stderr.object()));
    let out = display::Output::of(vm, file.as_ref());
    if !object.is_none() {
        let lead = if message.is_none() {
            "Exception ignored in: ".to_string()
        } else {
            format!("{}: ", vm.str_lossy(message))
        };
        let shown = match vm.repr_text(object) {
            Ok(shown) => shown,
            Err(raised) => {
                drop(vm.caught(raised));
                "<object repr() failed>".to_string()
            }
        };
        out.write(vm, &format!("{lead}{shown}\n"))?;
    } else if !message.is_none() {
        out.write(vm, &format!("{}:\n", vm.str_lossy(message)))?;
    }
    if !traceback.is_none() {
        display::print_traceback(vm, traceback, &out)?;
    }
    if class.is_none() {
        return Ok(());
    }
    out.write(vm, &display::exception_line(vm, class, value))?;
    out.flush(vm);
    Ok(())
}
