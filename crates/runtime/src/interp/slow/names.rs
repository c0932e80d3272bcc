//! Names: globals, namespaces, cells.

use super::*;

#[inline(never)]
pub unsafe fn load_global(vm: &Vm, frame: F, ins: I) -> Result<()> {
    unsafe {
        let attr = name_of(frame, ins);
        let globals = dict_of((*frame).globals());
        let exact = Object::borrow_value(&(*frame).globals()).ty().is(&crate::types::dict::DICT);
        if exact {
            if let Some(i) = globals.position_str(attr) {
                let c = cache(frame, ins);
                c.version = globals.version_tag(vm);
                c.set_place(&globals.entries()[i].value);
                if c.version != 0 {
                    requicken(frame, Opcode::LoadGlobalModule);
                }
                let value = Object::from_borrowed(globals.entries()[i].value);
                set(frame, ins.a(), value);
                return Ok(());
            }
            let builtins = dict_of((*frame).builtins());
            if let Some(i) = builtins.position_str(attr) {
                let c = cache(frame, ins);
                c.version = globals.version_tag(vm);
                c.version2 = builtins.version_tag(vm);
                c.set_place(&builtins.entries()[i].value);
                if c.version != 0 && c.version2 != 0 {
                    requicken(frame, Opcode::LoadGlobalBuiltin);
                }
                let value = Object::from_borrowed(builtins.entries()[i].value);
                set(frame, ins.a(), value);
                return Ok(());
            }
        }
        let value = global(vm, frame, attr)?;
        set(frame, ins.a(), value);
        Ok(())
    }
}

/// A global or builtin; NameError.
pub(super) unsafe fn global(vm: &Vm, frame: F, attr: &Object) -> Result {
    unsafe {
        let globals = Object::from_borrowed((*frame).globals());
        if globals.ty().is(&crate::types::dict::DICT) {
            if let Some(value) = dict_of(globals.value()).get_str_owned(attr) {
                return Ok(value);
            }
        } else {
            let result = vm.get_item(&globals, attr);
            if let Some(value) = vm.swallow(result, &exc::KEY_ERROR)? {
                return Ok(value);
            }
        }
        let builtins = Object::from_borrowed((*frame).builtins());
        let result = if builtins.downcast_exact::<Dict>().is_some() {
            Ok(dict_of(builtins.value()).get_str_owned(attr))
        } else {
            let result = vm.get_item(&builtins, attr);
            vm.swallow(result, &exc::KEY_ERROR)
        };
        match result? {
            Some(value) => Ok(value),
            None => Err(vm.name_error(format!("name '{}' is not defined", vm.str_lossy(attr)), attr)),
        }
    }
}

pub unsafe fn store_global(vm: &Vm, frame: F, ins: I) -> Result<()> {
    unsafe {
        let value = get_b(vm, frame, ins)?;
        dict_of((*frame).globals()).set(vm, name_of(frame, ins), value)
    }
}

pub unsafe fn delete_global(vm: &Vm, frame: F, ins: I) -> Result<()> {
    unsafe {
        let attr = name_of(frame, ins);
        match dict_of((*frame).globals()).remove(vm, attr)? {
            Some(_) => Ok(()),
            None => Err(vm.name_error(format!("name '{}' is not defined", vm.str_lossy(attr)), attr)),
        }
    }
}

pub(super) unsafe fn locals_of(vm: &Vm, frame: F) -> Result {
    unsafe {
        let locals = (*frame).locals();
        if locals.is_unbound() {
            // A function made of a module's code.
            if !(*(*frame).code).has_flag(taipan_bytecode::code_flags::OPTIMIZED) {
                return Ok(Object::from_borrowed((*frame).globals()));
            }
            return Err(vm.system_error("no locals"));
        }
        Ok(Object::from_borrowed(locals))
    }
}

/// A name in a mapping; None if it is not there.
pub(super) fn lookup_in(vm: &Vm, mapping: &Object, attr: &Object) -> Result<Option<Object>> {
    if let Some(d) = mapping.downcast_exact::<Dict>() {
        return Ok(d.get_str_owned(attr));
    }
    let result = vm.get_item(mapping, attr);
    vm.swallow(result, &exc::KEY_ERROR)
}

#[inline(never)]
pub unsafe fn load_name(vm: &Vm, frame: F, ins: I) -> Result<()> {
    unsafe {
        let attr = name_of(frame, ins);
        let locals = locals_of(vm, frame)?;
        let value = if locals.value() != (*frame).globals()
            && let Some(value) = lookup_in(vm, &locals, attr)?
        {
            value
        } else {
            global(vm, frame, attr)?
        };
        set(frame, ins.a(), value);
        Ok(())
    }
}

#[inline(never)]
pub unsafe fn store_name(vm: &Vm, frame: F, ins: I) -> Result<()> {
    unsafe {
        let value = get_b(vm, frame, ins)?;
        let attr = name_of(frame, ins);
        let locals = locals_of(vm, frame)?;
        match locals.downcast_exact::<Dict>() {
            Some(d) => d.set(vm, attr, value),
            None => vm.set_item(&locals, attr, &value),
        }
    }
}

pub unsafe fn delete_name(vm: &Vm, frame: F, ins: I) -> Result<()> {
    unsafe {
        let attr = name_of(frame, ins);
        let locals = locals_of(vm, frame)?;
        let absent = match locals.downcast_exact::<Dict>() {
            Some(d) => d.remove(vm, attr)?.is_none(),
            None => {
                let result = vm.delete_item(&locals, attr);
                vm.swallow(result, &exc::KEY_ERROR)?.is_none()
            }
        };
        if absent {
            return Err(vm.name_error(format!("name '{}' is not defined", vm.str_lossy(attr)), attr));
        }
        Ok(())
    }
}

pub unsafe fn load_locals(vm: &Vm, frame: F, ins: I) -> Result<()> {
    unsafe {
        let locals = locals_of(vm, frame)?;
        set(frame, ins.a(), locals);
        Ok(())
    }
}

pub unsafe fn make_cell(vm: &Vm, frame: F, ins: I) -> Result<()> {
    unsafe {
        let content = take(frame, ins.a());
        let content = if content.is_unbound() { None } else { Some(content) };
        let cell = crate::types::cell::new(vm, content);
        set(frame, ins.a(), cell);
        Ok(())
    }
}

pub(super) unsafe fn cell_at(vm: &Vm, frame: F, i: usize) -> Result {
    unsafe {
        let cell = borrowed(frame, i);
        if cell.downcast::<CellObject>().is_none() {
            return Err(vm.system_error("no cell in its register"));
        }
        Ok(cell)
    }
}

pub unsafe fn store_deref(vm: &Vm, frame: F, ins: I) -> Result<()> {
    unsafe {
        let value = get_b(vm, frame, ins)?;
        let cell = cell_at(vm, frame, ins.a())?;
        if let Some(c) = cell.downcast::<CellObject>() {
            c.set(Some(value));
        }
        Ok(())
    }
}

pub unsafe fn delete_deref(vm: &Vm, frame: F, ins: I) -> Result<()> {
    unsafe {
        let cell = cell_at(vm, frame, ins.a())?;
        let Some(c) = cell.downcast::<CellObject>() else { return Ok(()) };
        if c.get().is_none() {
            return Err(unbound(vm, frame, ins.a()));
        }
        c.set(None);
        Ok(())
    }
}

pub unsafe fn load_from_dict_or_deref(vm: &Vm, frame: F, ins: I) -> Result<()> {
    unsafe {
        let mapping = get_c(vm, frame, ins)?;
        let code = &*(*frame).code;
        let Some((local, _)) = code.locals(vm).get(ins.b()) else {
            return Err(vm.system_error("no such free variable"));
        };
        let value = match lookup_in(vm, &mapping, local)? {
            Some(value) => value,
            None => {
                let cell = cell_at(vm, frame, ins.b())?;
                match cell.downcast::<CellObject>().and_then(|c| c.get()) {
                    Some(value) => value,
                    None => return Err(unbound(vm, frame, ins.b())),
                }
            }
        };
        drop(mapping);
        set(frame, ins.a(), value);
        Ok(())
    }
}

pub unsafe fn load_from_dict_or_globals(vm: &Vm, frame: F, ins: I) -> Result<()> {
    unsafe {
        let mapping = get_b(vm, frame, ins)?;
        let attr = name_of(frame, ins);
        let value = match lookup_in(vm, &mapping, attr)? {
            Some(value) => value,
            None => global(vm, frame, attr)?,
        };
        drop(mapping);
        set(frame, ins.a(), value);
        Ok(())
    }
}
