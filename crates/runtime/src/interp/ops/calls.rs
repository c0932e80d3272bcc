//! Calls, returns, generators.

use super::*;
use crate::interp::{copy_closure, push_fast, push_frame};
use crate::native::{NativeFn, Signature};
use crate::types::code::Code;
use crate::types::function::{FUNCTION, Function, METHOD, Method};
use crate::types::generator::{self, COROUTINE, GENERATOR, Generator};
use crate::types::native_function::{BUILTIN_FUNCTION, METHOD_DESCRIPTOR, NativeFunction};
use crate::types::typ::TYPE;

/// Calls a Python function whose arguments fill its parameters; the callable in
/// register `b` dies when it returns.
#[inline(always)]
unsafe fn enter_function(
    m: &mut Core,
    code: &Code,
    function: &Function,
    window: *mut Value,
    argc: usize,
    callee: Value,
    b: usize,
) -> Done {
    let mut pushed = push_fast(m.vm, code, window, argc, callee, ff::DROP_CALLABLE);
    if pushed.is_none() {
        pushed = slow::push(m.vm, m.frame(), b, code, window, argc, callee);
    }
    let Some(new) = pushed else { return Err(Leave::Raise) };
    if code.free_base < code.first_temp {
        copy_closure(code, window, function.closure());
    }
    m.base = (*new).base;
    m.ip = (*new).ip;
    Ok(())
}

/// The result of a call that ran in native code.
#[inline(always)]
unsafe fn returned(m: &mut Core, ins: At, value: Value) -> Done {
    m.set(ins.a(), value);
    m.poll()
}

/// The general call.
#[inline(always)]
unsafe fn general(m: &mut Core, ins: At, method: bool, keywords: bool) -> Done {
    m.save();
    match slow::call(m.vm, m.frame(), ins.word(), method, keywords)? {
        slow::Called::Done => m.poll(),
        slow::Called::Pushed(new) => {
            m.enter(new);
            Ok(())
        }
    }
}

/// A Python function whose parameters the positional arguments and defaults fill:
/// `first` is the register of the first of them.
#[inline(always)]
unsafe fn call_function(m: &mut Core, ins: At, callee: Value, first: usize, count: usize) -> Done {
    let function = payload::<Function>(callee);
    let code = function.code();
    let (window, filled) = if code.fast_argc == count {
        (slow::call_window(m.frame(), first, count), count)
    } else {
        let args = m.base.add(first);
        let far = (*m.frame()).has(ff::GENERATOR);
        let window = if far { (*m.frame()).top } else { args };
        if code.fast_argc == usize::MAX || !slow::fill_defaults(function, window, count) {
            return MISS;
        }
        if far {
            move_words(args, window, count);
        }
        (window, code.argcount)
    };
    m.save();
    enter_function(m, code, function, window, filled, callee, ins.b())
}

/// A Python class whose `__init__` is a simple Python function.
#[inline(always)]
unsafe fn call_class(m: &mut Core, ins: At, callee: Value, argc: usize) -> Done {
    let class = &*(callee.as_ptr() as *const Type);
    let site = m.cache(ins);
    if class.version.get() != site.version2 || site.version2 == 0 {
        return MISS;
    }
    let init = site.value;
    let function = payload::<Function>(init);
    let code = function.code();
    if code.fast_argc != argc + 1 {
        return MISS;
    }
    let Some(instance) = m.vm.try_alloc(class, crate::types::object::Plain) else { return MISS };
    let instance = instance.into_value();
    m.save();
    incref(instance);
    let mut window = m.base.add(ins.b());
    if (*m.frame()).has(ff::GENERATOR) {
        *window = Value::UNBOUND;
        let args = window.add(1);
        window = (*m.frame()).top;
        move_words(args, window.add(1), argc);
    }
    *window = instance;
    m.drop(callee);
    match push_frame(m.vm, code, window, argc + 1, init, ff::INIT) {
        Ok(new) => {
            (*new).extra = instance;
            incref(init);
            if code.free_base < code.first_temp {
                copy_closure(code, window, function.closure());
            }
            m.enter(new);
            Ok(())
        }
        Err(_) => {
            crate::interp::call::drop_window(window, argc + 1);
            m.drop(instance);
            Err(Leave::Raise)
        }
    }
}

/// A bound method: its object takes the place before the arguments, which is the
/// callable's, or with IN_METHOD_CALL that of the self which there is not; the frame owns the method.
#[inline(always)]
unsafe fn call_bound<const IN_METHOD_CALL: bool>(m: &mut Core, ins: At, callee: Value, argc: usize) -> Done {
    let method = payload::<Method>(callee);
    let func = method.function.value();
    if !is_exact(func, &FUNCTION) {
        return MISS;
    }
    let function = payload::<Function>(func);
    let code = function.code();
    if code.fast_argc != argc + 1 {
        return MISS;
    }
    let args = m.base.add(ins.b() + IN_METHOD_CALL as usize);
    let far = (*m.frame()).has(ff::GENERATOR);
    let window = if far { (*m.frame()).top } else { args };
    let Some(new) = push_fast(m.vm, code, window, argc + 1, func, ff::OWNS_EXTRA) else { return MISS };
    m.put(ins.b(), Value::UNBOUND);
    if far {
        move_words(args.add(1), window.add(1), argc);
    }
    (*(*new).previous).ip = m.ip;
    let object = method.object.value();
    incref(object);
    *window = object;
    (*new).extra = callee;
    if code.free_base < code.first_temp {
        copy_closure(code, window, function.closure());
    }
    m.base = window;
    m.ip = (*new).ip;
    Ok(())
}

/// Arguments of a call instruction; this many stand for "see the cache".
const MANY: usize = 255;

/// Enters a Python function without free variables, whose `argc` arguments lie at
/// `args`: on the register stack, or (`FAR`) in a generator. A miss if there is no
/// room: the general call makes some.
#[inline(always)]
unsafe fn enter_plain<const FAR: bool>(m: &mut Core, callee: Value, args: *mut Value, argc: usize) -> Done {
    let vm = m.vm;
    let window = if FAR { (*m.frame()).top } else { args };
    let code = payload::<Function>(callee).code();
    let frame = vm.frame_top.get();
    let depth = vm.depth.get() + 1;
    if code.plain_argc as usize != argc
        || depth > vm.interp().recursion_limit.get()
        || window.add(code.registers) > vm.stack_high.get()
        || frame >= vm.frame_end
    {
        return MISS;
    }
    m.save();
    if FAR {
        move_words(args, window, argc);
    }
    vm.depth.set(depth);
    let mut slot = window.add(argc);
    let end = window.add(code.first_temp);
    while slot < end {
        *slot = Value::UNBOUND;
        slot = slot.add(1);
        // There are few: vectors would not pay.
        std::arch::asm!("", options(nomem, nostack, preserves_flags));
    }
    (*frame).enter(code, window, callee, m.frame(), ff::DROP_CALLABLE);
    vm.frame_top.set(frame.add(1));
    vm.frame.set(frame);
    (*frame).select(vm);
    m.base = window;
    m.ip = code.instructions_ptr();
    Ok(())
}

/// The Python function that a `Call`, or with METHOD a `CallMethod`, calls: the
/// function, where its arguments lie, and how many they are.
#[inline(always)]
unsafe fn python_function<const METHOD: bool>(m: &Core, ins: At) -> Option<(Value, *mut Value, usize)> {
    let b = ins.b();
    let callee = m.reg(b);
    if !is_exact(callee, &FUNCTION) {
        return None;
    }
    let argc = ins.flags() as usize;
    if METHOD {
        let has_self = !m.reg(b + 1).is_unbound() as usize;
        return Some((callee, m.base.add(b + 2 - has_self), argc + has_self));
    }
    Some((callee, m.base.add(b + 1), argc))
}

/// `CallPython`, `CallMethodPython`, and the same from a generator (`FAR`).
#[inline(always)]
pub unsafe fn call_python<const METHOD: bool, const FAR: bool>(m: &mut Core, ins: At) -> Done {
    match python_function::<METHOD>(m, ins) {
        Some((callee, args, argc)) => enter_plain::<FAR>(m, callee, args, argc),
        None => MISS,
    }
}

/// Moves the arguments of a call that a generator makes onto the stack.
#[inline(always)]
unsafe fn move_words(from: *mut Value, to: *mut Value, count: usize) {
    for i in 0..count {
        *to.add(i) = std::mem::replace(&mut *from.add(i), Value::UNBOUND);
        std::arch::asm!("", options(nomem, nostack, preserves_flags));
    }
}

/// Calls native code with the `argc` words behind `window`; then the callable at
/// `window` and they die.
#[inline(always)]
unsafe fn call_code(m: &mut Core, ins: At, code: NativeFn, window: *mut Value, argc: usize) -> Done {
    m.save();
    let args = Object::borrow_slice(std::slice::from_raw_parts(window.add(1), argc));
    let result = code(m.vm, args);
    call_done(m, ins, window, argc, result)
}

/// As [`call_code`], with the defaults of a signature for what is not given.
#[inline(always)]
unsafe fn call_code_defaults(
    m: &mut Core,
    ins: At,
    code: NativeFn,
    signature: &Signature,
    window: *mut Value,
    argc: usize,
) -> Done {
    m.save();
    let args = Object::borrow_slice(std::slice::from_raw_parts(window.add(1), argc));
    let words = signature.borrowed(args);
    let result = code(m.vm, Object::borrow_slice(words.get_unchecked(..signature.params.len())));
    call_done(m, ins, window, argc, result)
}

#[inline(always)]
unsafe fn call_done(m: &mut Core, ins: At, window: *mut Value, argc: usize, result: Result) -> Done {
    for i in (0..=argc).rev() {
        let slot = window.add(i);
        let old = *slot;
        *slot = Value::UNBOUND;
        m.drop(old);
        std::arch::asm!("", options(nomem, nostack, preserves_flags));
    }
    returned(m, ins, result?.into_value())
}

/// The plain builtin function that a `Call` calls, and how many arguments it gets.
#[inline(always)]
unsafe fn native_function<'a>(m: &Core, ins: At) -> Option<(&'a NativeFunction, usize)> {
    let callee = m.reg(ins.b());
    if !is_exact(callee, &BUILTIN_FUNCTION) {
        return None;
    }
    let function = payload::<NativeFunction>(callee);
    if function.object.is_unbound() { Some((function, ins.flags() as usize)) } else { None }
}

/// The builtin type's method that a `CallMethod` calls on an object of exactly that
/// type, and how many arguments it gets.
#[inline(always)]
unsafe fn native_method<'a>(m: &Core, ins: At) -> Option<(&'a NativeFunction, usize)> {
    let callee = m.reg(ins.b());
    if !is_exact(callee, &METHOD_DESCRIPTOR) {
        return None;
    }
    let function = payload::<NativeFunction>(callee);
    if is_exact(m.reg(ins.b() + 1), function.owner?) {
        Some((function, ins.flags() as usize + 1))
    } else {
        None
    }
}

/// Calls it if it takes exactly this many arguments.
#[inline(always)]
unsafe fn call_plain(m: &mut Core, ins: At, (function, argc): (&NativeFunction, usize)) -> Done {
    match function.plain(argc) {
        Some(code) => call_code(m, ins, code, m.base.add(ins.b()), argc),
        None => MISS,
    }
}

/// Calls it if defaults fill the rest.
#[inline(always)]
unsafe fn call_filled(m: &mut Core, ins: At, (function, argc): (&NativeFunction, usize)) -> Done {
    match function.with_defaults(argc) {
        Some((code, signature)) => call_code_defaults(m, ins, code, signature, m.base.add(ins.b()), argc),
        None => MISS,
    }
}

/// `CallMakes`, `CallMethodMakes`: the arguments and the callable go into the generator.
#[inline(always)]
pub unsafe fn call_generator<const METHOD: bool>(m: &mut Core, ins: At) -> Done {
    let Some((callee, args, argc)) = python_function::<METHOD>(m, ins) else { return MISS };
    let code = payload::<Function>(callee).code();
    if code.plain_argc as usize != argc || !generator::is_made_at_once(m.vm, code) {
        return MISS;
    }
    m.save();
    m.put(ins.b(), Value::UNBOUND);
    let made = generator::from_call(m.vm, Object::from_owned(callee), args, argc)?;
    returned(m, ins, made.into_value())
}

/// The quickened form for a call of a Python function whose parameters the arguments
/// fill: `forms` are from the stack, from a generator, and of a generator function.
#[inline(always)]
unsafe fn form_for(m: &Core, code: &Code, forms: [Opcode; 3]) -> Opcode {
    if generator::is_made_at_once(m.vm, code) {
        forms[2]
    } else {
        forms[(*m.frame()).has(ff::GENERATOR) as usize]
    }
}

/// `CallNative`.
#[inline(always)]
pub unsafe fn call_native(m: &mut Core, ins: At) -> Done {
    native_function(m, ins).map_or(MISS, |found| call_plain(m, ins, found))
}

/// `CallNativeDefaults`.
#[inline(always)]
pub unsafe fn call_native_defaults(m: &mut Core, ins: At) -> Done {
    native_function(m, ins).map_or(MISS, |found| call_filled(m, ins, found))
}

/// `CallMethodNative`.
#[inline(always)]
pub unsafe fn call_method_native(m: &mut Core, ins: At) -> Done {
    native_method(m, ins).map_or(MISS, |found| call_plain(m, ins, found))
}

/// `CallMethodNativeDefaults`.
#[inline(always)]
pub unsafe fn call_method_native_defaults(m: &mut Core, ins: At) -> Done {
    native_method(m, ins).map_or(MISS, |found| call_filled(m, ins, found))
}

/// `CallClass`.
#[inline(always)]
pub unsafe fn call_python_class(m: &mut Core, ins: At) -> Done {
    let callee = m.reg(ins.b());
    if is_exact(callee, &TYPE) { call_class(m, ins, callee, ins.flags() as usize) } else { MISS }
}

/// `CallBound`, `CallMethodBound`.
#[inline(always)]
pub unsafe fn call_bound_method<const IN_METHOD_CALL: bool>(m: &mut Core, ins: At) -> Done {
    let callee = m.reg(ins.b());
    if !is_exact(callee, &METHOD) || IN_METHOD_CALL && !m.reg(ins.b() + 1).is_unbound() {
        return MISS;
    }
    call_bound::<IN_METHOD_CALL>(m, ins, callee, ins.flags() as usize)
}

/// `CallMethodBuiltin`: what was loaded is a plain builtin function, not a method.
#[inline(always)]
pub unsafe fn call_method_builtin(m: &mut Core, ins: At) -> Done {
    let (b, argc) = (ins.b(), ins.flags() as usize);
    let callee = m.reg(b);
    if !is_exact(callee, &BUILTIN_FUNCTION) || !m.reg(b + 1).is_unbound() {
        return MISS;
    }
    let function = payload::<NativeFunction>(callee);
    match function.plain(argc) {
        Some(code) if function.object.is_unbound() => {
            close_gap(m, b);
            call_code(m, ins, code, m.base.add(b + 1), argc)
        }
        _ => MISS,
    }
}

/// The callable in register `b` takes the place of the self that there is not.
#[inline(always)]
unsafe fn close_gap(m: &mut Core, b: usize) {
    m.put(b + 1, m.reg(b));
    m.put(b, Value::UNBOUND);
}

/// Calls an object of a builtin type, other than functions and methods made in Python,
/// that lies at `b`. None: that is something else.
#[inline(always)]
unsafe fn call_native_object(m: &mut Core, ins: At, b: usize, argc: usize) -> Option<Done> {
    let callee = m.reg(b);
    let ty = type_ptr(callee);
    if (*ty).is_heap() || ty == &raw const FUNCTION || ty == &raw const METHOD || ty == &raw const TYPE {
        return None;
    }
    (*ty).slots().call?;
    m.save();
    Some(
        slow::call_object(m.vm, m.base.add(b), argc)
            .map_err(Leave::from)
            .and_then(|value| returned(m, ins, value)),
    )
}

/// `Call`: the general form, which finds the form for what it sees.
#[inline(always)]
pub unsafe fn call(m: &mut Core, ins: At) -> Done {
    let b = ins.b();
    let argc = ins.flags() as usize;
    let callee = m.reg(b);
    if callee.is_ptr() && argc < MANY {
        let ty = type_ptr(callee);
        if ty == &raw const FUNCTION {
            let code = payload::<Function>(callee).code();
            if code.plain_argc as usize == argc {
                ins.quicken(form_for(
                    m,
                    code,
                    [Opcode::CallPython, Opcode::CallPythonFar, Opcode::CallMakes],
                ));
            }
            let done = call_function(m, ins, callee, b + 1, argc);
            if !matches!(done, Err(Leave::Miss)) {
                return done;
            }
        } else if ty == &raw const BUILTIN_FUNCTION {
            let function = payload::<NativeFunction>(callee);
            if function.object.is_unbound() {
                if function.plain(argc).is_some() {
                    ins.quicken(Opcode::CallNative);
                } else if function.with_defaults(argc).is_some() {
                    ins.quicken(Opcode::CallNativeDefaults);
                }
            }
            m.save();
            let value = slow::call_builtin_fast(m.vm, m.base.add(b), argc)?;
            return returned(m, ins, value);
        } else if ty == &raw const TYPE {
            let done = call_class(m, ins, callee, argc);
            if !matches!(done, Err(Leave::Miss)) {
                ins.quicken(Opcode::CallClass);
                return done;
            }
            if slow::made_by_native_code(callee) {
                m.save();
                let value = slow::call_type(m.vm, m.base.add(b), argc)?;
                return returned(m, ins, value);
            }
        } else if ty == &raw const METHOD {
            let done = call_bound::<false>(m, ins, callee, argc);
            if !matches!(done, Err(Leave::Miss)) {
                ins.quicken(Opcode::CallBound);
                return done;
            }
        } else if let Some(done) = call_native_object(m, ins, b, argc) {
            return done;
        }
    }
    general(m, ins, false, false)
}

/// `CallMethod`: as [`call`].
#[inline(always)]
pub unsafe fn call_method(m: &mut Core, ins: At) -> Done {
    let b = ins.b();
    let argc = ins.flags() as usize;
    let callee = m.reg(b);
    if callee.is_ptr() && argc < MANY {
        let ty = type_ptr(callee);
        let has_self = !m.reg(b + 1).is_unbound();
        if ty == &raw const FUNCTION {
            let (first, count) = (b + 2 - has_self as usize, argc + has_self as usize);
            let code = payload::<Function>(callee).code();
            if code.plain_argc as usize == count {
                ins.quicken(form_for(
                    m,
                    code,
                    [Opcode::CallMethodPython, Opcode::CallMethodPythonFar, Opcode::CallMethodMakes],
                ));
            }
            let done = call_function(m, ins, callee, first, count);
            if !matches!(done, Err(Leave::Miss)) {
                return done;
            }
        } else if ty == &raw const METHOD_DESCRIPTOR && has_self {
            let function = payload::<NativeFunction>(callee);
            if function.plain(argc + 1).is_some() {
                ins.quicken(Opcode::CallMethodNative);
            } else if function.with_defaults(argc + 1).is_some() {
                ins.quicken(Opcode::CallMethodNativeDefaults);
            }
            m.save();
            let value = slow::call_method_descriptor_fast(m.vm, m.base.add(b), argc + 1)?;
            return returned(m, ins, value);
        } else if ty == &raw const BUILTIN_FUNCTION && !has_self {
            let function = payload::<NativeFunction>(callee);
            if function.object.is_unbound() && function.plain(argc).is_some() {
                ins.quicken(Opcode::CallMethodBuiltin);
            }
            close_gap(m, b);
            m.save();
            let value = slow::call_builtin_fast(m.vm, m.base.add(b + 1), argc)?;
            return returned(m, ins, value);
        } else if ty == &raw const METHOD && !has_self {
            let done = call_bound::<true>(m, ins, callee, argc);
            if !matches!(done, Err(Leave::Miss)) {
                ins.quicken(Opcode::CallMethodBound);
                return done;
            }
        } else if ty == &raw const TYPE && !has_self && slow::made_by_native_code(callee) {
            close_gap(m, b);
            m.save();
            let value = slow::call_type(m.vm, m.base.add(b + 1), argc)?;
            return returned(m, ins, value);
        }
    }
    general(m, ins, true, false)
}

#[inline(always)]
pub unsafe fn call_kw<const METHOD: bool>(m: &mut Core, ins: At) -> Done {
    general(m, ins, METHOD, true)
}

#[inline(always)]
pub unsafe fn call_ex(m: &mut Core, ins: At) -> Done {
    m.save();
    match slow::call_ex(m.vm, m.frame(), ins.word())? {
        slow::Called::Done => m.poll(),
        slow::Called::Pushed(new) => {
            m.enter(new);
            Ok(())
        }
    }
}

/// Leaves a frame; at once in the commonest case.
#[inline(always)]
unsafe fn leave(m: &mut Core, value: Value) -> Done {
    let vm = m.vm;
    let frame = m.frame();
    // A return is a safe point: recursion without loops has no other.
    if (*frame).flags != ff::DROP_CALLABLE || m.breaker_set() {
        m.save();
        return Err(Leave::Return(value));
    }
    // The last variable dies first.
    let mut slot = m.base.add((*(*frame).code).first_temp);
    while slot > m.base {
        slot = slot.sub(1);
        let old = *slot;
        if old.is_ptr() {
            *slot = Value::UNBOUND;
            m.drop(old);
        }
    }
    vm.frame.set((*frame).previous);
    vm.frame_top.set(frame);
    vm.depth.set(vm.depth.get() - 1);
    m.enter((*frame).previous);
    let pending = At::before(m.ip);
    let callable = m.reg(pending.b());
    m.put(pending.b(), Value::UNBOUND);
    m.set(pending.a(), value);
    m.finally_drop(callable)
}

#[inline(always)]
pub unsafe fn return_register(m: &mut Core, ins: At) -> Done {
    let value = m.reg(ins.a());
    if value.is_unbound() {
        return m.unbound(ins.a());
    }
    m.put(ins.a(), Value::UNBOUND);
    leave(m, value)
}

#[inline(always)]
pub unsafe fn return_const(m: &mut Core, ins: At) -> Done {
    let value = m.constant(ins);
    incref(value);
    leave(m, value)
}

#[inline(always)]
pub unsafe fn return_generator(m: &mut Core, _: At) -> Done {
    m.save();
    // The registers move into the generator; the frame is left bare.
    let object = generator::from_frame(m.vm, m.frame())?;
    Err(Leave::Return(object.into_value()))
}

#[inline(always)]
pub unsafe fn yield_value(m: &mut Core, ins: At) -> Done {
    let value = m.b(ins);
    if value.is_unbound() {
        return m.unbound(ins.b());
    }
    m.own_b(ins, value);
    m.save();
    Err(Leave::Yield(value))
}

/// `YieldFrom` of a generator or coroutine that goes on with what is sent to it: its
/// frame becomes the current one. False: the inner iterator is something else.
#[inline(always)]
pub(in crate::interp) unsafe fn enter_inner(m: &mut Core, ins: At) -> Result<bool> {
    let inner = m.reg(ins.b());
    if !is_exact(inner, &GENERATOR) && !is_exact(inner, &COROUTINE) {
        return Ok(false);
    }
    let generator = payload::<Generator>(inner);
    let sent = m.reg(ins.a());
    if !generator.can_resume() || !generator.accepts(sent) {
        return Ok(false);
    }
    m.put(ins.a(), Value::UNBOUND);
    match generator::push(m.vm, generator, sent, 0) {
        Ok(new) => {
            m.enter(new);
            Ok(true)
        }
        Err(raised) => {
            m.drop(sent);
            Err(raised)
        }
    }
}

#[inline(always)]
pub unsafe fn yield_from(m: &mut Core, ins: At) -> Done {
    m.save();
    if enter_inner(m, ins)? {
        return Ok(());
    }
    match slow::yield_from(m.vm, m.frame(), ins.word())? {
        Some(value) => Err(Leave::Yield(value)),
        None => Ok(()),
    }
}
