//! Building tuples, lists, sets, dicts and strings.

use super::*;

#[inline(never)]
pub unsafe fn build_tuple(vm: &Vm, frame: F, ins: I) -> Result<()> {
    unsafe {
        let first = (*frame).base.add(ins.b());
        let made = tuple::from_raw(vm, first, ins.c());
        for i in 0..ins.c() {
            *first.add(i) = Value::UNBOUND;
        }
        set(frame, ins.a(), made);
        Ok(())
    }
}

#[inline(never)]
pub unsafe fn build_list(vm: &Vm, frame: F, ins: I) -> Result<()> {
    unsafe {
        let first = (*frame).base.add(ins.b());
        let made = crate::types::list::from_words(vm, first, ins.c());
        for i in 0..ins.c() {
            *first.add(i) = Value::UNBOUND;
        }
        set(frame, ins.a(), made);
        Ok(())
    }
}

pub unsafe fn build_set(vm: &Vm, frame: F, ins: I) -> Result<()> {
    unsafe {
        let made = crate::types::set::set_from(vm, temps(frame, ins.b(), ins.c()))?;
        set(frame, ins.a(), made);
        Ok(())
    }
}

#[inline(never)]
pub unsafe fn build_map(vm: &Vm, frame: F, ins: I) -> Result<()> {
    unsafe {
        let made = vm.new_dict();
        let d = dict_of(made.value());
        if ins.c() > 5 {
            d.reserve(ins.c());
        }
        for i in 0..ins.c() {
            let key = take(frame, ins.b() + i * 2);
            let value = take(frame, ins.b() + i * 2 + 1);
            d.set(vm, &key, value)?;
        }
        set(frame, ins.a(), made);
        Ok(())
    }
}

#[inline(never)]
pub unsafe fn build_string(vm: &Vm, frame: F, ins: I) -> Result<()> {
    unsafe {
        let parts = temps(frame, ins.b(), ins.c());
        let made = text::concat_all(vm, &parts)?;
        drop(parts);
        set(frame, ins.a(), made);
        Ok(())
    }
}

pub unsafe fn list_append(vm: &Vm, frame: F, ins: I) -> Result<()> {
    unsafe {
        let item = get_b(vm, frame, ins)?;
        List::from_raw(*reg(frame, ins.a())).push(vm, item)
    }
}

pub unsafe fn set_add(vm: &Vm, frame: F, ins: I) -> Result<()> {
    unsafe {
        let item = get_b(vm, frame, ins)?;
        let target = borrowed(frame, ins.a());
        // Only `__conditional_annotations__` can be something else.
        if !target.ty().has(type_flags::SET_SUBCLASS) {
            return Err(vm.type_error(format!("'{}' object is not a set", target.ty().name())));
        }
        crate::types::set::add_to(vm, &target, item)
    }
}

pub unsafe fn map_add(vm: &Vm, frame: F, ins: I) -> Result<()> {
    unsafe {
        let key = get_b(vm, frame, ins)?;
        let value = get_c(vm, frame, ins)?;
        dict_of(*reg(frame, ins.a())).set(vm, &key, value)
    }
}

pub unsafe fn list_extend(vm: &Vm, frame: F, ins: I) -> Result<()> {
    unsafe {
        let items = get_b(vm, frame, ins)?;
        let target = borrowed(frame, ins.a());
        let collected = match vm.collect(&items) {
            Ok(collected) => collected,
            Err(raised) => {
                if vm.raised_is(&exc::TYPE_ERROR)
                    && items.ty().slots().unary[UnaryOp::Iter as usize].is_none()
                    && !vm.is_sequence(&items)
                {
                    drop(vm.caught(raised));
                    return Err(vm.type_error(format!(
                        "Value after * must be an iterable, not {}",
                        items.ty().name()
                    )));
                }
                return Err(raised);
            }
        };
        if let Some(list) = target.downcast::<List>() {
            list.with_items(|all| all.extend(collected));
        }
        Ok(())
    }
}

pub unsafe fn set_update(vm: &Vm, frame: F, ins: I) -> Result<()> {
    unsafe {
        let items = get_b(vm, frame, ins)?;
        let target = borrowed(frame, ins.a());
        crate::types::set::update(vm, &target, &items)
    }
}

pub unsafe fn dict_update(vm: &Vm, frame: F, ins: I) -> Result<()> {
    unsafe {
        let mapping = get_b(vm, frame, ins)?;
        let target = borrowed(frame, ins.a());
        if let Some(m) = mapping.downcast_exact::<Dict>() {
            return dict_of(target.value()).merge(vm, m, true);
        }
        if vm.lookup_attr(&mapping, name::keys.object())?.is_none() {
            return Err(vm.type_error(format!("'{}' object is not a mapping", mapping.ty().name())));
        }
        vm.call_method(&target, "update", &[mapping]).map(drop)
    }
}

pub(super) fn callable_text(vm: &Vm, callable: &Object) -> String {
    crate::display::function_text(vm, callable)
}

pub unsafe fn dict_merge(vm: &Vm, frame: F, ins: I) -> Result<()> {
    unsafe {
        let mapping = get_b(vm, frame, ins)?;
        let target = borrowed(frame, ins.a());
        let callable = borrowed(frame, ins.c());
        let d = dict_of(target.value());
        let pairs: Vec<(Object, Object)> = if let Some(m) = mapping.downcast_exact::<Dict>() {
            if m.is_empty() || d.clone_from_table(m) {
                return Ok(());
            }
            m.items()
        } else {
            if vm.lookup_attr(&mapping, name::keys.object())?.is_none() {
                return Err(vm.type_error(format!(
                    "{} argument after ** must be a mapping, not {}",
                    callable_text(vm, &callable),
                    mapping.ty().name()
                )));
            }
            let keys = vm.call_method(&mapping, "keys", &[])?;
            let mut pairs = Vec::new();
            for key in vm.collect(&keys)? {
                let value = vm.get_item(&mapping, &key)?;
                pairs.push((key, value));
            }
            pairs
        };
        for (key, value) in pairs {
            // Whether all are strings is for the call to see.
            if d.contains(vm, &key)? {
                return Err(vm.type_error(format!(
                    "{} got multiple values for keyword argument '{}'",
                    callable_text(vm, &callable),
                    vm.str_text(&key)?
                )));
            }
            d.set(vm, &key, value)?;
        }
        Ok(())
    }
}

pub unsafe fn list_to_tuple(vm: &Vm, frame: F, ins: I) -> Result<()> {
    unsafe {
        let list = get_b(vm, frame, ins)?;
        let items = match list.downcast::<List>() {
            Some(list) => list.to_vec(),
            None => vm.collect(&list)?,
        };
        drop(list);
        set(frame, ins.a(), vm.tuple(items));
        Ok(())
    }
}

#[inline(never)]
pub unsafe fn format_simple(vm: &Vm, frame: F, ins: I) -> Result<()> {
    unsafe {
        let b = get_b(vm, frame, ins)?;
        let result = if b.downcast_exact::<Str>().is_some() {
            b
        } else if b.is_int() {
            crate::types::int::small_to_str(vm, b.as_int())
        } else {
            vm.format(&b, name::empty.object())?
        };
        set(frame, ins.a(), result);
        Ok(())
    }
}

#[inline(never)]
pub unsafe fn format_with_spec(vm: &Vm, frame: F, ins: I) -> Result<()> {
    unsafe {
        let b = get_b(vm, frame, ins)?;
        let c = get_c(vm, frame, ins)?;
        let result = vm.format(&b, &c)?;
        drop(c);
        drop(b);
        set(frame, ins.a(), result);
        Ok(())
    }
}

pub unsafe fn convert_value(vm: &Vm, frame: F, ins: I) -> Result<()> {
    unsafe {
        let b = get_b(vm, frame, ins)?;
        let result = match ins.c() {
            1 => vm.str_of(&b)?,
            2 => vm.repr(&b)?,
            _ => vm.ascii(&b)?,
        };
        drop(b);
        set(frame, ins.a(), result);
        Ok(())
    }
}

pub unsafe fn build_interpolation(vm: &Vm, frame: F, ins: I) -> Result<()> {
    unsafe {
        let value = take(frame, ins.b());
        let expression = take(frame, ins.b() + 1);
        let spec = if ins.c() & 4 != 0 { take(frame, ins.b() + 2) } else { name::empty.object().clone() };
        let conversion = match ins.c() & 3 {
            0 => Object::NONE,
            1 => vm.intern("s"),
            2 => vm.intern("r"),
            _ => vm.intern("a"),
        };
        let made = crate::types::template::new_interpolation(vm, value, expression, conversion, spec)?;
        set(frame, ins.a(), made);
        Ok(())
    }
}

pub unsafe fn build_template(vm: &Vm, frame: F, ins: I) -> Result<()> {
    unsafe {
        let strings = take(frame, ins.b());
        let interpolations = take(frame, ins.b() + 1);
        let made = crate::types::template::new_template(vm, strings, interpolations)?;
        set(frame, ins.a(), made);
        Ok(())
    }
}
