//! Calls that the loop does not make itself; functions, classes, imports.

use super::*;

// ---- calls --------------------------------------------------------------------------------------

/// How a call instruction went on.
pub enum Called {
    /// The result is stored.
    Done,
    /// A Python frame was pushed.
    Pushed(F),
}

/// Calls a builtin function: callable and `argc` arguments at `window`, all of
/// which die. Gives an owned word.
#[inline]
pub unsafe fn call_builtin_fast(vm: &Vm, window: *mut Value, argc: usize) -> Result<Value> {
    unsafe {
        let callable = *window;
        let function = Object::borrow_value(&callable).payload_unchecked::<NativeFunction>();
        let args = Object::borrow_slice(std::slice::from_raw_parts(window.add(1), argc));
        if function.object.is_unbound() {
            let result = function.invoke(vm, args, &[], 0);
            drop_window(window, argc + 1);
            return result.map(Object::into_value);
        }
        if function.is_new() {
            let result =
                crate::types::native_function::call_builtin(vm, Object::borrow_value(&callable), args, &[]);
            drop_window(window, argc + 1);
            return result.map(Object::into_value);
        }
        // A bound method: its object takes the callable's place before the arguments.
        *window = function.object.clone().into_value();
        let args = Object::borrow_slice(std::slice::from_raw_parts(window, argc + 1));
        let result = function.invoke(vm, args, &[], 1);
        drop_window(window, argc + 1);
        drop(Object::from_owned(callable));
        result.map(Object::into_value)
    }
}

/// Calls a method descriptor: callable at `window`, self and arguments behind.
#[inline]
pub unsafe fn call_method_descriptor_fast(vm: &Vm, window: *mut Value, argc: usize) -> Result<Value> {
    unsafe {
        let callable = *window;
        let function = Object::borrow_value(&callable).payload_unchecked::<NativeFunction>();
        let args = Object::borrow_slice(std::slice::from_raw_parts(window.add(1), argc));
        let right_type = function.owner.is_none_or(|owner| args[0].is_instance_of(owner));
        let result = if right_type {
            function.invoke(vm, args, &[], 1)
        } else {
            crate::types::native_function::call_descriptor(vm, Object::borrow_value(&callable), args, &[])
        };
        drop_window(window, argc + 1);
        result.map(Object::into_value)
    }
}

/// Is this class (an instance of `type` itself) one whose instances native code makes
/// and initialises?
#[inline]
pub unsafe fn made_by_native_code(class: Value) -> bool {
    // SAFETY: says the caller.
    unsafe { !(*(class.as_ptr() as *const Type)).is_heap() }
}

/// Calls such a class at `window`, arguments behind.
#[inline]
pub unsafe fn call_type(vm: &Vm, window: *mut Value, argc: usize) -> Result<Value> {
    unsafe {
        let class = *window;
        let args = Object::borrow_slice(std::slice::from_raw_parts(window.add(1), argc));
        let result = match vm.check_native_stack("") {
            Ok(()) => crate::types::typ::type_call(vm, Object::borrow_value(&class), args, &[]),
            Err(raised) => Err(raised),
        };
        drop_window(window, argc + 1);
        result.map(Object::into_value)
    }
}

/// Calls an object whose type has a call slot, at `window`, arguments behind.
pub unsafe fn call_object(vm: &Vm, window: *mut Value, argc: usize) -> Result<Value> {
    unsafe {
        let callable = *window;
        let args = Object::borrow_slice(std::slice::from_raw_parts(window.add(1), argc));
        let result = vm.call(Object::borrow_value(&callable), args);
        drop_window(window, argc + 1);
        result.map(Object::into_value)
    }
}

/// Where the `count` arguments from register `first` on lie for the callee: in
/// place, or moved onto the stack if the caller is a generator.
#[inline(always)]
pub unsafe fn call_window(frame: F, first: usize, count: usize) -> *mut Value {
    unsafe {
        let window = (*frame).base.add(first);
        if !(*frame).has(ff::GENERATOR) {
            return window;
        }
        // Fewer than 255 arguments: the stack has that much room behind its end.
        let place = (*frame).top;
        for i in 0..count {
            *place.add(i) = std::mem::replace(&mut *window.add(i), Value::UNBOUND);
        }
        place
    }
}

/// The way of a call whose frame found no room at first; None after an error,
/// with callable and arguments gone.
#[cold]
#[inline(never)]
pub unsafe fn push(
    vm: &Vm,
    frame: F,
    b: usize,
    code: &Code,
    window: *mut Value,
    argc: usize,
    callee: Value,
) -> Option<F> {
    unsafe {
        match push_frame(vm, code, window, argc, callee, ff::DROP_CALLABLE) {
            Ok(new) => Some(new),
            Err(_) => {
                drop_window(window, argc);
                drop_window((*frame).base.add(b), 1);
                None
            }
        }
    }
}

/// `r[b][r[c]]` for an instance of a class whose `__getitem__` is a Python function:
/// its frame, pushed; its result is the instruction's. None: another kind of object.
#[inline(never)]
pub unsafe fn push_getitem(vm: &Vm, frame: F, ins: I) -> Result<Option<F>> {
    unsafe {
        if ins.has(f::B_CONST) || (*reg(frame, ins.b())).is_unbound() {
            return Ok(None);
        }
        let object = *reg(frame, ins.b());
        let Some(func) = Object::borrow_value(&object).ty().lookup(vm, name::getitem.object()) else {
            return Ok(None);
        };
        if !Object::borrow_value(&func).ty().is(&FUNCTION) {
            return Ok(None);
        }
        let func = Object::from_borrowed(func);
        let function = func.payload_unchecked::<Function>();
        let code = function.code();
        let window = (*frame).window();
        if code.fast_argc != 2 || window.add(2) >= vm.stack_end {
            return Ok(None);
        }
        let key = get_c(vm, frame, ins)?;
        *window = get_b(vm, frame, ins)?.into_value();
        *window.add(1) = key.into_value();
        match push_frame(vm, code, window, 2, func.value(), ff::PLAIN | ff::OWNS_EXTRA) {
            Ok(new) => {
                copy_closure(code, window, function.closure());
                (*new).extra = func.into_value();
                Ok(Some(new))
            }
            Err(raised) => {
                drop_window(window, 2);
                Err(raised)
            }
        }
    }
}

/// The value under a key that is an int or a str, borrowed; UNBOUND if there is none
/// or Python code would have to run.
#[inline(never)]
pub unsafe fn dict_value(vm: &Vm, dict: Value, key: Value) -> Value {
    unsafe {
        let d = Dict::from_raw(dict);
        match d.probe(vm, Object::borrow_value(&key)) {
            Some(Some(i)) => d.entries().get_unchecked(i).value,
            _ => Value::UNBOUND,
        }
    }
}

/// Puts the defaults of a function with positional parameters only behind the
/// `argc` arguments at `window`; false if some are missing.
#[inline(never)]
pub unsafe fn fill_defaults(function: &Function, window: *mut Value, argc: usize) -> bool {
    unsafe {
        let wanted = function.code().argcount;
        let Some(defaults) = function.defaults() else { return false };
        // Fewer than 256 parameters: see `call_window`.
        if argc > wanted || wanted - argc > defaults.len() || wanted > 255 {
            return false;
        }
        let from = defaults.len() - (wanted - argc);
        for (i, default) in defaults.items()[from..].iter().enumerate() {
            *window.add(argc + i) = default.clone().into_value();
        }
        true
    }
}

/// The general call: everything the loop's fast paths do not take.
#[inline(never)]
pub unsafe fn call(vm: &Vm, frame: F, ins: I, method: bool, keywords: bool) -> Result<Called> {
    unsafe {
        let b = ins.b();
        let base = (*frame).base;
        let site = cache(frame, ins);
        let argc = if ins.flags() == 255 || keywords { site.index as usize } else { ins.flags() as usize };
        let names = if keywords { Object::from_borrowed(site.name) } else { Object::UNBOUND };
        let kwnames: &[Object] = names.downcast::<Tuple>().map_or(&[], |t| t.items());
        // The window: callable at `at`, arguments behind.
        let mut at = b;
        let mut count = argc;
        if method {
            if (*reg(frame, b + 1)).is_unbound() {
                // Close the gap.
                *reg(frame, b + 1) = *reg(frame, b);
                *reg(frame, b) = Value::UNBOUND;
                at = b + 1;
            } else {
                count += 1;
            }
        }
        let mut callable = borrowed(frame, at);
        // Bound methods: self goes before the arguments.
        let mut extra = Object::UNBOUND;
        if callable.ty().is(&METHOD) {
            let m = callable.payload_unchecked::<Method>();
            let (function, object) = (m.function.clone(), m.object.clone());
            extra = take(frame, at);
            *reg(frame, at) = object.into_value();
            callable = function;
            count += 1;
        } else if callable.ty().is_heap()
            && Type::of(&callable).is_none()
            && let Some(func) = callable.ty().lookup(vm, name::call.object())
            && Object::borrow_value(&func).ty().is(&FUNCTION)
        {
            // The `__call__` of a class made in Python: as a method bound to the callable,
            // which stays where it is.
            extra = Object::from_borrowed(func);
            callable = extra.clone();
            count += 1;
        } else {
            at += 1;
        }
        // From here: `count` arguments at `at`; the callable is in `callable`, and in
        // the register before (unless a bound method took that place).
        let owns_extra = !extra.is_unbound();
        let window = base.add(at);
        if callable.ty().is(&FUNCTION) {
            let function = callable.payload_unchecked::<Function>();
            let code = function.code();
            let in_generator = (*frame).has(ff::GENERATOR);
            let mut place = window;
            if in_generator || window.add(code.registers + count) >= vm.stack_end {
                place = (*frame).window();
                if place.add(count + code.registers) >= vm.stack_end {
                    drop_window(base.add(b), argc + 2);
                    return Err(vm.recursion_error("maximum recursion depth exceeded"));
                }
                for i in 0..count {
                    *place.add(i) = std::mem::replace(&mut *window.add(i), Value::UNBOUND);
                }
            }
            let prepared = if kwnames.is_empty() && code.fast_argc == count {
                Ok(count)
            } else {
                bind(vm, &callable, function, place, count, kwnames)
            };
            let filled = match prepared {
                Ok(filled) => filled,
                Err(raised) => {
                    drop_callable(frame, b, at, owns_extra);
                    return Err(raised);
                }
            };
            let pushed = push_frame(vm, code, place, filled, callable.value(), ff::OWNS_EXTRA);
            let new = match pushed {
                Ok(new) => new,
                Err(raised) => {
                    drop_window(place, filled);
                    drop_callable(frame, b, at, owns_extra);
                    return Err(raised);
                }
            };
            copy_closure(code, place, function.closure());
            // The callable's register may be part of the callee's window's surroundings:
            // the frame owns it instead.
            if !owns_extra {
                extra = take(frame, at - 1);
            }
            (*new).extra = extra.into_value();
            return Ok(Called::Pushed(new));
        }
        // Classes made in Python whose construction is the usual one.
        if !owns_extra
            && let Some(class) = Type::of(&callable)
            && let Some(init) = simple_init(vm, class)
        {
            let function = init.payload_unchecked::<Function>();
            let code = function.code();
            if !method && !keywords {
                site.version2 = class.version_tag(vm);
                site.value = init.value();
            }
            {
                let instance = match vm.try_alloc(class, crate::types::object::Plain) {
                    Some(instance) => instance,
                    None => return Err(vm.memory_error()),
                };
                let in_generator = (*frame).has(ff::GENERATOR);
                let mut place = base.add(at - 1);
                drop(take(frame, at - 1));
                if in_generator || place.add(count + 1 + code.registers) >= vm.stack_end {
                    place = (*frame).window();
                    if place.add(count + 1 + code.registers) >= vm.stack_end {
                        drop_window(base.add(b), argc + 2);
                        return Err(vm.recursion_error("maximum recursion depth exceeded"));
                    }
                    for i in 0..count {
                        *place.add(i + 1) = std::mem::replace(&mut *window.add(i), Value::UNBOUND);
                    }
                }
                *place = instance.clone().into_value();
                let filled = if kwnames.is_empty() && code.fast_argc == count + 1 {
                    count + 1
                } else {
                    bind(vm, &init, function, place, count + 1, kwnames)?
                };
                let pushed = push_frame(vm, code, place, filled, init.value(), ff::INIT);
                let new = match pushed {
                    Ok(new) => new,
                    Err(raised) => {
                        drop_window(place, filled);
                        return Err(raised);
                    }
                };
                copy_closure(code, place, function.closure());
                (*new).extra = instance.into_value();
                // The frame owns the function from here on.
                let _ = init.into_value();
                return Ok(Called::Pushed(new));
            }
        }
        let args = Object::borrow_slice(std::slice::from_raw_parts(window, count));
        let result = call_native(vm, &callable, args, kwnames);
        drop(callable);
        drop_window(base.add(at - if owns_extra { 0 } else { 1 }), count + if owns_extra { 0 } else { 1 });
        drop(extra);
        set(frame, ins.a(), result?);
        Ok(Called::Done)
    }
}

/// Calls what is no Python function.
#[inline(always)]
pub fn call_native(vm: &Vm, callable: &Object, args: &[Object], kwnames: &[Object]) -> Result {
    if callable.ty().is(&BUILTIN_FUNCTION) {
        return crate::types::native_function::call_builtin(vm, callable, args, kwnames);
    }
    match callable.ty().slots().call {
        Some(slot) => match vm.check_native_stack("") {
            Ok(()) => slot(vm, callable, args, kwnames),
            Err(raised) => Err(raised),
        },
        None => Err(not_callable(vm, callable)),
    }
}

#[cold]
pub(super) fn not_callable(vm: &Vm, callable: &Object) -> Raised {
    if callable.is_instance_of(&crate::types::module::MODULE)
        && let Ok(Some(module_name)) = vm.lookup_attr(callable, name::name.object())
        && let Ok(Some(member)) = vm.lookup_attr(callable, &module_name)
        && vm.is_callable(&member)
    {
        let shown = vm.str_lossy(&module_name);
        return vm
            .type_error(format!("'module' object is not callable. Did you mean: '{shown}.{shown}(...)'?"));
    }
    vm.type_error_of(callable, "is not callable")
}

pub(super) unsafe fn drop_callable(frame: F, b: usize, at: usize, owns_extra: bool) {
    if !owns_extra {
        for i in b..at {
            // SAFETY: the call window's own registers.
            drop(unsafe { take(frame, i) });
        }
    }
}

/// `__init__` of a class that is made the ordinary way: `type.__call__`,
/// `object.__new__`, a Python `__init__`.
pub(super) fn simple_init(vm: &Vm, class: &Type) -> Option<Object> {
    if !class.is_heap() || class.has(type_flags::ABSTRACT) || !class.value().is_ptr() {
        return None;
    }
    let meta = class.to_object();
    if !meta.ty().is(&crate::types::typ::TYPE) {
        return None;
    }
    let object_new = crate::types::object::OBJECT.slots().new.map(|n| n as usize);
    if class.slots().new.map(|n| n as usize) != object_new {
        return None;
    }
    let init = class.lookup_owned(vm, name::init.object())?;
    if init.ty().is(&FUNCTION) { Some(init) } else { None }
}

/// The items of the `*args` of a call.
fn collect_star(vm: &Vm, callable: &Object, positional: &Object) -> Result<Vec<Object>> {
    vm.collect(positional).map_err(|raised| {
        if vm.raised_is(&exc::TYPE_ERROR)
            && positional.ty().slots().unary[UnaryOp::Iter as usize].is_none()
            && !vm.is_sequence(positional)
        {
            drop(vm.caught(raised));
            return vm.type_error(format!(
                "{} argument after * must be an iterable, not {}",
                callable_text(vm, callable),
                positional.ty().name()
            ));
        }
        raised
    })
}

/// Makes the `*args` of a `CallEx` a tuple, where they lie.
pub unsafe fn star_arguments(vm: &Vm, frame: F, ins: I) -> Result {
    unsafe {
        let positional = borrowed(frame, ins.b() + 1);
        if positional.ty().is(&tuple::TUPLE) {
            return Ok(positional);
        }
        let callable = borrowed(frame, ins.b());
        let made = vm.tuple(collect_star(vm, &callable, &positional)?);
        set(frame, ins.b() + 1, made.clone());
        Ok(made)
    }
}

/// `callable(*positional, **keywords)`.
#[inline(never)]
pub unsafe fn call_ex(vm: &Vm, frame: F, ins: I) -> Result<Called> {
    unsafe {
        let b = ins.b();
        let callable = take(frame, b);
        let mut positional = take(frame, b + 1);
        let keywords = take(frame, b + 2);
        if positional.downcast_exact::<Tuple>().is_none() {
            positional = vm.tuple(collect_star(vm, &callable, &positional)?);
        }
        let items = positional.downcast::<Tuple>().map_or(&[] as &[Object], |t| t.items());
        let mut names = Vec::new();
        let dict = keywords.downcast::<Dict>().filter(|dict| !dict.is_empty());
        if let Some(dict) = dict {
            names.reserve_exact(dict.len());
            for entry in dict.live_entries() {
                let key = Object::borrow_value(&entry.key);
                if key.downcast::<Str>().is_none() {
                    return Err(vm.type_error("keywords must be strings"));
                }
                names.push(key.clone());
            }
        }
        let values = dict.into_iter().flat_map(Dict::live_entries);
        let values = values.map(|entry| Object::borrow_value(&entry.value));
        // A bound method of a Python function: its object goes before the arguments.
        let mut function = Object::borrow_value(&callable);
        let mut object = None;
        if function.ty().is(&METHOD) {
            let method = callable.payload_unchecked::<Method>();
            if method.function.ty().is(&FUNCTION) {
                (function, object) = (&method.function, Some(&method.object));
            }
        }
        if function.ty().is(&FUNCTION) {
            let f = function.payload_unchecked::<Function>();
            let code = f.code();
            let place = (*frame).window();
            let count = object.is_some() as usize + items.len() + names.len();
            if place.add(count + code.registers) >= vm.stack_end {
                return Err(vm.recursion_error("maximum recursion depth exceeded"));
            }
            for (i, arg) in object.into_iter().chain(items).chain(values).enumerate() {
                *place.add(i) = arg.clone().into_value();
            }
            let filled = match names.is_empty() && code.fast_argc == count {
                true => count,
                false => bind(vm, function, f, place, count, &names)?,
            };
            let pushed = push_frame(vm, code, place, filled, function.value(), ff::OWNS_EXTRA);
            let new = match pushed {
                Ok(new) => new,
                Err(raised) => {
                    drop_window(place, filled);
                    return Err(raised);
                }
            };
            copy_closure(code, place, f.closure());
            (*new).extra = callable.into_value();
            return Ok(Called::Pushed(new));
        }
        if callable.ty().slots().call.is_none() {
            return Err(not_callable(vm, &callable));
        }
        let result = match names.is_empty() {
            true => vm.call(&callable, items)?,
            false => {
                let all: Vec<Object> = items.iter().chain(values).cloned().collect();
                vm.call_kw(&callable, &all, &names)?
            }
        };
        set(frame, ins.a(), result);
        Ok(Called::Done)
    }
}

// ---- functions, classes, imports ----------------------------------------------------------------------

#[inline(never)]
pub unsafe fn make_function(vm: &Vm, frame: F, ins: I) -> Result<()> {
    unsafe {
        let code = Object::from_borrowed(*(*(*frame).code).consts_ptr().add(ins.bc() as u32 as usize));
        if code.downcast::<Code>().is_none() {
            return Err(vm.system_error("function without code"));
        }
        let globals = Object::from_borrowed((*frame).globals());
        let builtins = Object::from_borrowed((*frame).builtins());
        let made = crate::types::function::new_with(vm, code, globals, builtins);
        set(frame, ins.a(), made);
        Ok(())
    }
}

pub unsafe fn set_function_attribute(vm: &Vm, frame: F, ins: I) -> Result<()> {
    unsafe {
        let value = get_b(vm, frame, ins)?;
        let function = borrowed(frame, ins.a());
        let Some(function) = function.downcast::<Function>() else {
            return Err(vm.system_error("no function to set an attribute of"));
        };
        match ins.c() {
            1 => drop(function.set(&function.defaults, value)),
            2 => drop(function.set(&function.kwdefaults, value)),
            8 => drop(function.set(&function.closure, value)),
            _ => drop(function.annotate.replace(value)),
        }
        Ok(())
    }
}

pub unsafe fn load_build_class(vm: &Vm, frame: F, ins: I) -> Result<()> {
    unsafe {
        let builtins = Object::from_borrowed((*frame).builtins());
        let Some(found) = lookup_in(vm, &builtins, name::build_class.object())? else {
            return Err(vm.name_error("__build_class__ not found", name::build_class.object()));
        };
        set(frame, ins.a(), found);
        Ok(())
    }
}

#[inline(never)]
pub unsafe fn import_name(vm: &Vm, frame: F, ins: I) -> Result<()> {
    unsafe {
        let level = take(frame, ins.b());
        let fromlist = take(frame, ins.b() + 1);
        let builtins = Object::from_borrowed((*frame).builtins());
        let globals = Object::from_borrowed((*frame).globals());
        let attr = name_of(frame, ins);
        let Some(import) = lookup_in(vm, &builtins, name::r#import.object())? else {
            return Err(vm.error(&exc::IMPORT_ERROR, "__import__ not found"));
        };
        let module = if crate::import::is_builtin_import(vm, &import) {
            let level = vm.to_c_int(&level)?;
            crate::import::import(vm, attr, Some(&globals), &fromlist, level)?
        } else {
            let locals = if (*frame).locals().is_unbound() {
                Object::NONE
            } else {
                Object::from_borrowed((*frame).locals())
            };
            vm.call(&import, &[attr.clone(), globals, locals, fromlist, level])?
        };
        set(frame, ins.a(), module);
        Ok(())
    }
}

pub unsafe fn import_from(vm: &Vm, frame: F, ins: I) -> Result<()> {
    unsafe {
        let module = borrowed(frame, ins.b());
        let attr = name_of(frame, ins);
        let value = match vm.lookup_attr(&module, attr)? {
            Some(value) => value,
            None => crate::import::import_from_fallback(vm, &module, attr)?,
        };
        set(frame, ins.a(), value);
        Ok(())
    }
}

pub unsafe fn import_star(vm: &Vm, frame: F, ins: I) -> Result<()> {
    unsafe {
        let module = get_b(vm, frame, ins)?;
        let locals = locals_of(vm, frame)?;
        crate::import::import_star(vm, &module, &locals)
    }
}

pub unsafe fn setup_annotations(vm: &Vm, frame: F) -> Result<()> {
    unsafe {
        let locals = locals_of(vm, frame)?;
        if lookup_in(vm, &locals, name::annotations.object())?.is_none() {
            vm.set_item(&locals, name::annotations.object(), &vm.new_dict())?;
        }
        Ok(())
    }
}
