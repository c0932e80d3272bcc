//! `match` and the intrinsics.

use super::*;

// ---- matching --------------------------------------------------------------------------------------------------

pub unsafe fn match_keys(vm: &Vm, frame: F, ins: I) -> Result<()> {
    unsafe {
        let subject = borrowed(frame, ins.b());
        let keys = borrowed(frame, ins.c());
        let items = keys.downcast::<Tuple>().map_or(&[] as &[Object], |t| t.items());
        let mut values = Vec::with_capacity(items.len());
        if !items.is_empty() {
            let get = vm.get_attr_str(&subject, "get")?;
            let dummy = vm.call(&crate::types::object::OBJECT.to_object(), &[])?;
            let seen = crate::types::set::set_from(vm, Vec::new())?;
            for key in items {
                if vm.contains(&seen, key)? {
                    return Err(vm.value_error(format!(
                        "mapping pattern checks duplicate key ({})",
                        vm.repr_text(key)?
                    )));
                }
                crate::types::set::add_to(vm, &seen, key.clone())?;
                let value = vm.call(&get, &[key.clone(), dummy.clone()])?;
                if value.value() == dummy.value() {
                    set(frame, ins.a(), Object::NONE);
                    return Ok(());
                }
                values.push(value);
            }
        }
        set(frame, ins.a(), vm.tuple(values));
        Ok(())
    }
}

pub unsafe fn match_class(vm: &Vm, frame: F, ins: I) -> Result<()> {
    unsafe {
        let subject = borrowed(frame, ins.b());
        let class = take(frame, ins.c());
        let names = take(frame, ins.c() + 1);
        let positional = ins.flags() as usize;
        let Some(ty) = Type::of(&class) else {
            return Err(vm.type_error("called match pattern must be a class"));
        };
        let shown = ty.name().to_string();
        let matches = vm.is_instance(&subject, &class)?;
        if !matches {
            set(frame, ins.a(), Object::NONE);
            return Ok(());
        }
        let mut out: Vec<Object> = Vec::new();
        let mut seen: Vec<Object> = Vec::new();
        let attribute = |attr: &Object, seen: &mut Vec<Object>| -> Result<Option<Object>> {
            if seen.iter().any(|s| vm.str_equal(s, attr)) {
                return Err(vm.type_error(format!(
                    "{shown}() got multiple sub-patterns for attribute {}",
                    vm.repr_text(attr)?
                )));
            }
            seen.push(attr.clone());
            vm.lookup_attr(&subject, attr)
        };
        if positional > 0 {
            let (match_args, match_self) = match vm.lookup_attr(&class, name::match_args.object())? {
                Some(found) => {
                    if found.downcast_exact::<Tuple>().is_none() {
                        return Err(vm.type_error(format!(
                            "{shown}.__match_args__ must be a tuple (got {})",
                            found.ty().name()
                        )));
                    }
                    (found, false)
                }
                None => (vm.tuple(Vec::new()), ty.has(type_flags::MATCH_SELF)),
            };
            let list = match_args.downcast::<Tuple>().map_or(Vec::new(), |t| t.items().to_vec());
            let allowed = if match_self { 1 } else { list.len() };
            if allowed < positional {
                let plural = if allowed == 1 { "" } else { "s" };
                return Err(vm.type_error(format!(
                    "{shown}() accepts {allowed} positional sub-pattern{plural} ({positional} given)"
                )));
            }
            if match_self {
                out.push(subject.clone());
            } else {
                for attr in &list[..positional] {
                    if attr.downcast_exact::<Str>().is_none() {
                        return Err(vm.type_error(format!(
                            "__match_args__ elements must be strings (got {})",
                            attr.ty().name()
                        )));
                    }
                    match attribute(attr, &mut seen)? {
                        Some(value) => out.push(value),
                        None => {
                            set(frame, ins.a(), Object::NONE);
                            return Ok(());
                        }
                    }
                }
            }
        }
        for attr in names.downcast::<Tuple>().map_or(&[] as &[Object], |t| t.items()) {
            match attribute(attr, &mut seen)? {
                Some(value) => out.push(value),
                None => {
                    set(frame, ins.a(), Object::NONE);
                    return Ok(());
                }
            }
        }
        set(frame, ins.a(), vm.tuple(out));
        Ok(())
    }
}

pub unsafe fn get_len(vm: &Vm, frame: F, ins: I) -> Result<()> {
    unsafe {
        let subject = borrowed(frame, ins.b());
        let n = vm.len(&subject)?;
        set(frame, ins.a(), vm.usize(n));
        Ok(())
    }
}

pub unsafe fn match_rest(vm: &Vm, frame: F, ins: I) -> Result<()> {
    unsafe {
        let keys = get_c(vm, frame, ins)?;
        let subject = borrowed(frame, ins.b());
        let copy = vm.new_dict();
        let Some(d) = copy.downcast::<Dict>() else { return Ok(()) };
        match subject.downcast_exact::<Dict>() {
            Some(s) => d.merge(vm, s, true)?,
            None => {
                vm.call_method(&copy, "update", &[subject])?;
            }
        }
        for key in keys.downcast::<Tuple>().map_or(&[] as &[Object], |t| t.items()) {
            if d.remove(vm, key)?.is_none() {
                return Err(vm.key_error(key));
            }
        }
        set(frame, ins.a(), copy);
        Ok(())
    }
}

// ---- intrinsics ------------------------------------------------------------------------------------------------------

pub unsafe fn intrinsic1(vm: &Vm, frame: F, ins: I) -> Result<()> {
    use taipan_bytecode::opcode::intrinsics as i;
    unsafe {
        let b = get_b(vm, frame, ins)?;
        let result = match ins.c() as u16 {
            i::PRINT => {
                let sys = Object::clone(&vm.interp().sys_dict);
                let Some(hook) =
                    sys.downcast::<Dict>().and_then(|d| d.get_str_owned(name::displayhook.object()))
                else {
                    return Err(vm.runtime_error("lost sys.displayhook"));
                };
                vm.call(&hook, &[b])?
            }
            i::STOP_ITERATION_ERROR => {
                let code = &*(*frame).code;
                stop_iteration_error(vm, code, b)
            }
            i::ASYNC_GEN_WRAP => crate::types::async_generator::wrap(vm, b),
            i::TYPEVAR => crate::types::typevars::make_typevar(vm, b, Object::NONE, Object::NONE)?,
            i::PARAMSPEC => crate::types::typevars::make_paramspec(vm, b)?,
            i::TYPEVARTUPLE => crate::types::typevars::make_typevartuple(vm, b)?,
            i::SUBSCRIPT_GENERIC => crate::types::typevars::subscript_generic(vm, b)?,
            i::TYPEALIAS => {
                let parts = b.downcast::<Tuple>().map_or(Vec::new(), |t| t.items().to_vec());
                let part = |k: usize| parts.get(k).cloned().unwrap_or(Object::NONE);
                crate::types::typevars::make_typealias(vm, part(0), part(1), part(2))?
            }
            other => return Err(vm.system_error(format!("unknown intrinsic {other}"))),
        };
        set(frame, ins.a(), result);
        Ok(())
    }
}

pub unsafe fn intrinsic2(vm: &Vm, frame: F, ins: I) -> Result<()> {
    use taipan_bytecode::opcode::intrinsics as i;
    unsafe {
        let x = take(frame, ins.b());
        let y = take(frame, ins.b() + 1);
        let result = match ins.c() as u16 {
            i::TYPEVAR_WITH_BOUND => crate::types::typevars::make_typevar(vm, x, y, Object::NONE)?,
            i::TYPEVAR_WITH_CONSTRAINTS => crate::types::typevars::make_typevar(vm, x, Object::NONE, y)?,
            i::SET_FUNCTION_TYPE_PARAMS => {
                if let Some(function) = x.downcast::<Function>() {
                    drop(function.type_params.replace(y));
                }
                x
            }
            i::SET_TYPEPARAM_DEFAULT => crate::types::typevars::set_default(vm, x, y)?,
            other => return Err(vm.system_error(format!("unknown intrinsic {other}"))),
        };
        set(frame, ins.a(), result);
        Ok(())
    }
}

/// What leaves a generator's frame instead of StopIteration.
pub(super) fn stop_iteration_error(vm: &Vm, code: &Code, exception: Object) -> Object {
    use taipan_bytecode::code_flags as co;
    let message = if exception.is_instance_of(&exc::STOP_ITERATION) {
        if code.has_flag(co::ASYNC_GENERATOR) {
            "async generator raised StopIteration"
        } else if code.has_flag(co::COROUTINE) {
            "coroutine raised StopIteration"
        } else {
            "generator raised StopIteration"
        }
    } else if code.has_flag(co::ASYNC_GENERATOR) && exception.is_instance_of(&exc::STOP_ASYNC_ITERATION) {
        "async generator raised StopAsyncIteration"
    } else {
        return exception;
    };
    let error = crate::errors::new_exception(vm, &exc::RUNTIME_ERROR, message);
    if let Some(base) = error.downcast::<BaseException>() {
        base.set_cause(exception.clone());
        exceptions::set_context(&error, exception);
    }
    error
}
