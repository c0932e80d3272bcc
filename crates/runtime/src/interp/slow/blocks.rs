//! Generators and awaiting, `with`, exceptions.

use super::*;

// ---- generators -------------------------------------------------------------------------------------------

/// Some(value): yield it. None: the inner iterator is done, its value stored.
#[inline(never)]
pub unsafe fn yield_from(vm: &Vm, frame: F, ins: I) -> Result<Option<Value>> {
    unsafe {
        let inner = borrowed(frame, ins.b());
        let sent = take(frame, ins.a());
        let generator_like = inner.ty().is(&generator::GENERATOR) || inner.ty().is(&generator::COROUTINE);
        let step = if generator_like {
            generator::send(vm, &inner, sent)?
        } else if sent.is_none() && inner.ty().slots().next.is_some() {
            vm.next(&inner)?
        } else {
            match vm.call_method_object(&inner, name::send.object(), &[sent]) {
                Ok(value) => Some(value),
                Err(raised) if vm.raised_is(&exc::STOP_ITERATION) => {
                    let stop = vm.caught(raised);
                    crate::slots::set_stop_value(vm, exceptions::stop_iteration_value(&stop));
                    None
                }
                Err(raised) => return Err(raised),
            }
        };
        match step {
            Some(value) => Ok(Some(value.into_value())),
            None => {
                let value = crate::slots::take_stop_value(vm);
                drop(inner);
                drop(take(frame, ins.b()));
                set(frame, ins.a(), value);
                Ok(None)
            }
        }
    }
}

pub unsafe fn get_yield_from_iter(vm: &Vm, frame: F, ins: I) -> Result<()> {
    unsafe {
        let b = get_b(vm, frame, ins)?;
        let result = if b.ty().is(&generator::COROUTINE) {
            let code = &*(*frame).code;
            let allowed =
                taipan_bytecode::code_flags::COROUTINE | taipan_bytecode::code_flags::ITERABLE_COROUTINE;
            if !code.has_flag(allowed) {
                return Err(
                    vm.type_error("cannot 'yield from' a coroutine object in a non-coroutine generator")
                );
            }
            b
        } else if b.ty().is(&generator::GENERATOR) {
            b
        } else {
            vm.iter(&b)?
        };
        set(frame, ins.a(), result);
        Ok(())
    }
}

/// `_PyCoro_GetAwaitableIter`.
pub fn awaitable_iterator(vm: &Vm, object: &Object) -> Result {
    if object.ty().is(&generator::COROUTINE) || generator::is_iterable_coroutine(object) {
        return Ok(object.clone());
    }
    let Some(slot) = object.ty().slots().unary[UnaryOp::Await as usize] else {
        return Err(vm.type_error(format!("'{}' object can't be awaited", object.ty().name())));
    };
    let iterator = slot(vm, object)?;
    if iterator.ty().is(&generator::COROUTINE) || generator::is_iterable_coroutine(&iterator) {
        return Err(vm.type_error("__await__() returned a coroutine"));
    }
    if iterator.ty().slots().next.is_none() {
        return Err(vm.type_error(format!(
            "__await__() returned non-iterator of type '{}'",
            iterator.ty().full_name()
        )));
    }
    Ok(iterator)
}

pub unsafe fn get_awaitable(vm: &Vm, frame: F, ins: I) -> Result<()> {
    unsafe {
        let b = get_b(vm, frame, ins)?;
        let result = match awaitable_iterator(vm, &b) {
            Ok(result) => result,
            Err(raised) => {
                if ins.c() != 0 && b.ty().slots().unary[UnaryOp::Await as usize].is_none() {
                    drop(vm.caught(raised));
                    let which = if ins.c() == 1 { "__aenter__" } else { "__aexit__" };
                    return Err(vm.type_error(format!(
                        "'async with' received an object from {which} that does not implement __await__: {}",
                        b.ty().name()
                    )));
                }
                return Err(raised);
            }
        };
        if result.ty().is(&generator::COROUTINE)
            && result.payload_unchecked::<generator::Generator>().state() == generator::State::Suspended
            && crate::interp::suspended_inner(result.payload_unchecked::<generator::Generator>().frame_ptr())
                .is_some()
        {
            return Err(vm.runtime_error("coroutine is being awaited already"));
        }
        drop(b);
        set(frame, ins.a(), result);
        Ok(())
    }
}

// ---- with, exceptions ------------------------------------------------------------------------------------------

#[inline(never)]
pub unsafe fn load_special(vm: &Vm, frame: F, ins: I) -> Result<()> {
    unsafe {
        let b = get_b(vm, frame, ins)?;
        let method = [name::enter, name::exit, name::aenter, name::aexit][ins.c() & 3].object();
        let ty = b.ty();
        let Some(found) = ty.lookup_owned(vm, method) else {
            return Err(no_context_manager(vm, &b, ins.c()));
        };
        let (function, object) = if found.ty().has(type_flags::METHOD_DESCRIPTOR) {
            (found, b)
        } else {
            match found.ty().slots().descr_get {
                Some(get) => (get(vm, &found, Some(&b), Some(&ty.to_object()))?, Object::UNBOUND),
                None => (found, Object::UNBOUND),
            }
        };
        *reg(frame, ins.a()) = function.into_value();
        *reg(frame, ins.a() + 1) = object.into_value();
        Ok(())
    }
}

#[cold]
pub(super) fn no_context_manager(vm: &Vm, object: &Object, which: usize) -> Raised {
    let shown = object.ty().full_name();
    let is_async = which >= 2;
    let missed = ["__enter__", "__exit__", "__aenter__", "__aexit__"][which & 3];
    let (enter, exit) = if is_async { (name::enter, name::exit) } else { (name::aenter, name::aexit) };
    let ty = object.ty();
    let other = ty.lookup(vm, enter.object()).is_some() && ty.lookup(vm, exit.object()).is_some();
    let hint = match (other, is_async) {
        (true, false) => {
            " but it supports the asynchronous context manager protocol. Did you mean to use 'async with'?"
        }
        (true, true) => " but it supports the context manager protocol. Did you mean to use 'with'?",
        _ => "",
    };
    let kind = if is_async { "asynchronous context manager" } else { "context manager" };
    vm.type_error(format!(
        "'{shown}' object does not support the {kind} protocol (missed {missed} method){hint}"
    ))
}

pub unsafe fn with_except_start(vm: &Vm, frame: F, ins: I) -> Result<()> {
    unsafe {
        let exit = borrowed(frame, ins.b());
        let object = borrowed(frame, ins.b() + 1);
        let exception = borrowed(frame, ins.c());
        let traceback = exception.downcast::<BaseException>().map_or(Object::NONE, |e| e.traceback());
        let class = exception.ty().to_object();
        let result = if object.is_unbound() {
            vm.call(&exit, &[class, exception, traceback])?
        } else {
            vm.call(&exit, &[object, class, exception, traceback])?
        };
        set(frame, ins.a(), result);
        Ok(())
    }
}

/// Is `class` something that `except` may name?
pub(super) fn check_exception_class(vm: &Vm, class: &Object) -> Result<()> {
    let ok = |c: &Object| Type::of(c).is_some_and(|t| t.has(crate::ty::type_flags::EXCEPTION_SUBCLASS));
    if ok(class) || class.downcast::<Tuple>().is_some_and(|t| t.items().iter().all(ok)) {
        Ok(())
    } else {
        Err(vm.type_error("catching classes that do not inherit from BaseException is not allowed"))
    }
}

/// Does an exception match a class or a tuple of classes?
pub fn exception_matches(exception: &Object, class: &Object) -> bool {
    if let Some(t) = Type::of(class) {
        return exception.ty().is_subtype(t);
    }
    class.downcast::<Tuple>().is_some_and(|t| t.items().iter().any(|c| exception_matches(exception, c)))
}

#[inline(never)]
pub unsafe fn check_exception_match(vm: &Vm, frame: F, ins: I) -> Result<bool> {
    unsafe {
        let class = get_c(vm, frame, ins)?;
        check_exception_class(vm, &class)?;
        let exception = borrowed(frame, ins.b());
        Ok(exception_matches(&exception, &class))
    }
}

pub unsafe fn check_exception_group_match(vm: &Vm, frame: F, ins: I) -> Result<()> {
    unsafe {
        let class = get_c(vm, frame, ins)?;
        check_exception_class(vm, &class)?;
        let group = |c: &Object| Type::of(c).is_some_and(|t| t.is_subtype(&exc::BASE_EXCEPTION_GROUP));
        let names_group = match class.downcast::<Tuple>() {
            Some(t) => t.items().iter().any(group),
            None => group(&class),
        };
        if names_group {
            return Err(
                vm.type_error("catching ExceptionGroup with except* is not allowed. Use except instead.")
            );
        }
        let exception = borrowed(frame, ins.b());
        let (matched, rest) = if exception.is_none() {
            (Object::NONE, Object::NONE)
        } else {
            crate::types::exception_group::match_star(vm, &exception, &class)?
        };
        set(frame, ins.a(), matched);
        set(frame, ins.a() + 1, rest);
        Ok(())
    }
}

pub unsafe fn prepare_reraise_star(vm: &Vm, frame: F, ins: I) -> Result<()> {
    unsafe {
        let original = get_b(vm, frame, ins)?;
        let raised = get_c(vm, frame, ins)?;
        let result = crate::types::exception_group::prepare_reraise_star(vm, &original, &raised)?;
        drop(original);
        drop(raised);
        set(frame, ins.a(), result);
        Ok(())
    }
}

/// `raise`: always leaves an exception in the thread state.
#[cold]
#[inline(never)]
pub unsafe fn raise(vm: &Vm, frame: F, ins: I) {
    unsafe {
        if !ins.has(f::X) {
            let handled = vm.handled();
            if handled.is_none() {
                vm.runtime_error("No active exception to reraise");
            } else {
                vm.raise(handled);
            }
            return;
        }
        let Ok(value) = get_b(vm, frame, ins) else { return };
        let cause = if ins.has(f::FUSED) {
            match get_c(vm, frame, ins) {
                Ok(cause) => Some(cause),
                Err(_) => return,
            }
        } else {
            None
        };
        let _ = raise_value(vm, value, cause);
    }
}

/// `raise value from cause`.
pub fn raise_value(vm: &Vm, value: Object, cause: Option<Object>) -> Raised {
    let exception = match instantiate(vm, &value, "exceptions must derive from BaseException") {
        Ok(exception) => exception,
        Err(raised) => return raised,
    };
    if let Some(cause) = cause
        && let Some(base) = exception.downcast::<BaseException>()
    {
        if cause.is_none() {
            base.set_cause(Object::NONE);
        } else {
            match instantiate(vm, &cause, "exception causes must derive from BaseException") {
                Ok(cause) => base.set_cause(cause),
                Err(raised) => return raised,
            }
        }
    }
    vm.raise_in_context(exception)
}

pub(super) fn instantiate(vm: &Vm, value: &Object, message: &str) -> Result {
    if let Some(class) = Type::of(value)
        && class.has(crate::ty::type_flags::EXCEPTION_SUBCLASS)
    {
        let exception = vm.call(value, &[])?;
        if !exception.ty().has(crate::ty::type_flags::EXCEPTION_SUBCLASS) {
            return Err(vm.type_error(format!(
                "calling {} should have returned an instance of BaseException, not {}",
                vm.repr_text(value)?,
                vm.repr_text(&exception.ty().to_object())?
            )));
        }
        return Ok(exception);
    }
    if value.ty().has(crate::ty::type_flags::EXCEPTION_SUBCLASS) {
        return Ok(value.clone());
    }
    Err(vm.type_error(message))
}
