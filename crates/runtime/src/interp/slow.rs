//! The slow paths of the loop. Each takes ownership of the operands that die,
//! runs whatever has to run, and stores the result in the instruction's
//! register. Attribute and global loads also specialise the instruction here.

use super::call::{bind, drop_window};
use super::frame::{Frame, frame_flags as ff};
use super::{copy_closure, push_frame};
use crate::names::name;
use crate::prelude::*;
use crate::types::cell::CellObject;
use crate::types::code::{Cache, Code};
use crate::types::exceptions::{self, BaseException};
use crate::types::function::{FUNCTION, Function, METHOD, Method};
use crate::types::native_function::{
    BUILTIN_FUNCTION, METHOD_DESCRIPTOR, Member, NativeFunction, MEMBER_DESCRIPTOR,
};
use crate::types::{generator, str as text, tuple};
use taipan_bytecode::instruction::flags as f;
use taipan_bytecode::{Instruction, LocalKind, Opcode};

type F = *mut Frame;
type I = Instruction;

// Every function of this file is called by the loop with its current frame and
// the instruction it just fetched; the SAFETY of the raw register accesses is
// the loop's: registers are in range and hold live words.

unsafe fn reg<'a>(frame: F, i: usize) -> &'a mut Value {
    // SAFETY: verified code.
    unsafe { &mut *(*frame).base.add(i) }
}

unsafe fn take(frame: F, i: usize) -> Object {
    // SAFETY: temps are owned.
    unsafe { Object::from_owned(std::mem::replace(reg(frame, i), Value::UNBOUND)) }
}

unsafe fn borrowed(frame: F, i: usize) -> Object {
    // SAFETY: alive in its register.
    unsafe { Object::from_borrowed(*reg(frame, i)) }
}

unsafe fn operand(vm: &Vm, frame: F, i: usize, temp: bool, constant: bool) -> Result {
    // SAFETY: as above.
    unsafe {
        if constant {
            return Ok(Object::from_borrowed(*(*(*frame).code).consts_ptr().add(i)));
        }
        if temp {
            return Ok(take(frame, i));
        }
        let value = *reg(frame, i);
        if value.is_unbound() {
            return Err(unbound(vm, frame, i));
        }
        Ok(Object::from_borrowed(value))
    }
}

unsafe fn get_b(vm: &Vm, frame: F, ins: I) -> Result {
    unsafe { operand(vm, frame, ins.b(), ins.has(f::B_TEMP), ins.has(f::B_CONST)) }
}
unsafe fn get_c(vm: &Vm, frame: F, ins: I) -> Result {
    unsafe { operand(vm, frame, ins.c(), ins.has(f::C_TEMP), ins.has(f::C_CONST)) }
}
unsafe fn get_a(vm: &Vm, frame: F, ins: I) -> Result {
    unsafe { operand(vm, frame, ins.a(), ins.has(f::A_TEMP), false) }
}
unsafe fn set(frame: F, i: usize, object: Object) {
    // SAFETY: the old word is taken out before it is dropped.
    unsafe { drop(Object::from_owned(std::mem::replace(reg(frame, i), object.into_value()))) }
}
unsafe fn cache<'a>(frame: F, ins: I) -> &'a mut Cache {
    unsafe { &mut *(*(*frame).code).caches_ptr().add(ins.c()) }
}
unsafe fn name_of<'a>(frame: F, ins: I) -> &'a Object {
    // SAFETY: names are constants of the code.
    unsafe { Object::borrow_value(&(*(*(*frame).code).caches_ptr().add(ins.c())).name) }
}
unsafe fn temps(frame: F, first: usize, n: usize) -> Vec<Object> {
    (first..first + n).map(|i| unsafe { take(frame, i) }).collect()
}
/// Rewrites the running instruction.
unsafe fn requicken(frame: F, op: Opcode) {
    // SAFETY: `ip` is behind the running instruction.
    unsafe {
        let at = (*frame).ip.sub(1) as *mut Instruction;
        *at = (*at).with_op(op);
    }
}
unsafe fn dict_of<'a>(value: Value) -> &'a Dict {
    // SAFETY: globals and builtins are dicts.
    unsafe { Dict::from_raw(value) }
}

/// UnboundLocalError or NameError of register `i`.
#[cold]
pub unsafe fn unbound(vm: &Vm, frame: F, i: usize) -> Raised {
    // SAFETY: the code is alive.
    let code = unsafe { &*(*frame).code };
    let Some((local, kind)) = code.locals.get(i) else {
        return vm.system_error("unbound temporary register");
    };
    let shown = vm.str_lossy(local);
    if kind.contains(LocalKind::FREE) {
        return vm.name_error(
            format!("cannot access free variable '{shown}' where it is not associated with a value in enclosing scope"),
            local,
        );
    }
    let exception = crate::errors::new_exception(
        vm,
        &exc::UNBOUND_LOCAL_ERROR,
        &format!("cannot access local variable '{shown}' where it is not associated with a value"),
    );
    vm.raise_in_context(exception)
}

/// Version of the type of a raw word.
#[inline(always)]
pub unsafe fn type_version(value: Value) -> u32 {
    // SAFETY: alive.
    unsafe { crate::protocol::type_of(value).version.get() }
}

/// Signals, GIL requests, collections: whatever the breaker asks for.
#[cold]
#[inline(never)]
pub fn eval_breaker(vm: &Vm) -> Result<()> {
    crate::breaker::handle(vm)
}

/// As [`eval_breaker`] while an exception is on its way: where only exceptions
/// end calls there is no other safe point. What a signal handler raises takes
/// the exception's place.
#[cold]
#[inline(never)]
pub fn breaker_while_raising(vm: &Vm) {
    let raised = vm.take_raised();
    match crate::breaker::handle(vm) {
        Ok(()) => vm.restore_raised(raised),
        Err(error) => {
            let exception = vm.caught(error);
            if let Some(raised) = raised {
                crate::types::exceptions::set_context(&exception, raised);
            }
            vm.raise(exception);
        }
    }
}

// ---- operators -----------------------------------------------------------------

#[inline(never)]
pub unsafe fn binary(vm: &Vm, frame: F, ins: I, op: BinaryOp, inplace: bool) -> Result<()> {
    unsafe {
        // `s += x` on a local that holds the only reference: append in place.
        if op == BinaryOp::Add
            && !ins.has(f::B_TEMP | f::B_CONST)
            && ins.a() == ins.b()
            && let Some(b) = Object::borrow_value(reg(frame, ins.b())).downcast_exact::<Str>()
            && b.len() > 200
        {
            let c = get_c(vm, frame, ins)?;
            if let Some(added) = c.downcast_exact::<Str>() {
                let owned = take(frame, ins.b());
                match text::append_in_place(vm, owned, added) {
                    Ok(joined) => {
                        set(frame, ins.a(), joined);
                        return Ok(());
                    }
                    Err(owned) => {
                        let result = vm.binary(op, &owned, &c);
                        set(frame, ins.b(), owned);
                        set(frame, ins.a(), result?);
                        return Ok(());
                    }
                }
            }
            let b = get_b(vm, frame, ins)?;
            let result = if inplace { vm.inplace(op, &b, &c)? } else { vm.binary(op, &b, &c)? };
            set(frame, ins.a(), result);
            return Ok(());
        }
        let b = get_b(vm, frame, ins)?;
        let c = get_c(vm, frame, ins)?;
        // Numbers outside the words' ranges, or of two kinds.
        if b.is_float() || c.is_float() {
            let as_float = |o: &Object| if o.is_int() { Some(o.as_int() as f64) } else if o.is_float() { Some(o.as_float()) } else { None };
            if let (Some(x), Some(y)) = (as_float(&b), as_float(&c))
                && (b.is_float() || b.as_int().unsigned_abs() < 1 << 53)
                && (c.is_float() || c.as_int().unsigned_abs() < 1 << 53)
            {
                let result = match op {
                    BinaryOp::Add => Some(x + y),
                    BinaryOp::Sub => Some(x - y),
                    BinaryOp::Mul => Some(x * y),
                    BinaryOp::TrueDiv if y != 0.0 => Some(x / y),
                    _ => None,
                };
                if let Some(result) = result {
                    set(frame, ins.a(), vm.float(result));
                    return Ok(());
                }
            }
        }
        let result = if inplace { vm.inplace(op, &b, &c) } else { vm.binary(op, &b, &c) }?;
        drop(b);
        drop(c);
        set(frame, ins.a(), result);
        Ok(())
    }
}

#[inline(never)]
pub unsafe fn unary(vm: &Vm, frame: F, ins: I, op: UnaryOp) -> Result<()> {
    unsafe {
        let b = get_b(vm, frame, ins)?;
        let result = vm.unary(op, &b)?;
        drop(b);
        set(frame, ins.a(), result);
        Ok(())
    }
}

#[inline(never)]
pub unsafe fn compare(vm: &Vm, frame: F, ins: I, op: CompareOp) -> Result<()> {
    unsafe {
        let b = get_b(vm, frame, ins)?;
        let c = get_c(vm, frame, ins)?;
        let result = match (b.downcast_exact::<Str>(), c.downcast_exact::<Str>()) {
            (Some(x), Some(y)) => match op {
                CompareOp::Eq => Object::bool(x.equals(y)),
                CompareOp::Ne => Object::bool(!x.equals(y)),
                _ => Object::bool(op.holds(Some(x.compare(y)))),
            },
            // Both compare by identity.
            _ if matches!(op, CompareOp::Eq | CompareOp::Ne)
                && b.is_ptr()
                && c.is_ptr()
                && crate::types::object::compares_by_identity(b.ty())
                && crate::types::object::compares_by_identity(c.ty()) =>
            {
                Object::bool((b.value() == c.value()) == (op == CompareOp::Eq))
            }
            _ => vm.compare(&b, &c, op)?,
        };
        drop(b);
        drop(c);
        set(frame, ins.a(), result);
        Ok(())
    }
}

#[inline(never)]
pub unsafe fn truth_a(vm: &Vm, frame: F, ins: I) -> Result<bool> {
    unsafe {
        let a = get_a(vm, frame, ins)?;
        vm.is_true(&a)
    }
}
#[inline(never)]
pub unsafe fn truth_b(vm: &Vm, frame: F, ins: I) -> Result<bool> {
    unsafe {
        let b = get_b(vm, frame, ins)?;
        vm.is_true(&b)
    }
}
#[inline(never)]
pub unsafe fn contains(vm: &Vm, frame: F, ins: I) -> Result<bool> {
    unsafe {
        if !ins.has(f::B_TEMP | f::C_TEMP | f::C_CONST) {
            let container = *reg(frame, ins.c());
            let key = if ins.has(f::B_CONST) {
                *(*(*frame).code).consts_ptr().add(ins.b())
            } else {
                *reg(frame, ins.b())
            };
            if let Some(d) = Object::borrow_value(&container).downcast_exact::<Dict>()
                && !key.is_unbound()
                && let Some(found) = d.probe(vm, Object::borrow_value(&key))
            {
                return Ok(found.is_some());
            }
        }
        let b = get_b(vm, frame, ins)?;
        let c = get_c(vm, frame, ins)?;
        vm.contains(&c, &b)
    }
}

// ---- names -------------------------------------------------------------------------

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
                c.index = i as u32;
                requicken(frame, Opcode::LoadGlobalModule);
                let value = Object::from_borrowed(globals.entries()[i].value);
                set(frame, ins.a(), value);
                return Ok(());
            }
            let builtins = dict_of((*frame).builtins());
            if let Some(i) = builtins.position_str(attr) {
                let c = cache(frame, ins);
                c.version = globals.version_tag(vm);
                c.version2 = builtins.version_tag(vm);
                c.index = i as u32;
                requicken(frame, Opcode::LoadGlobalBuiltin);
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
unsafe fn global(vm: &Vm, frame: F, attr: &Object) -> Result {
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

unsafe fn locals_of(vm: &Vm, frame: F) -> Result {
    unsafe {
        let locals = (*frame).locals();
        if locals.is_unbound() {
            return Err(vm.system_error("no locals"));
        }
        Ok(Object::from_borrowed(locals))
    }
}

/// A name in a mapping; None if it is not there.
fn lookup_in(vm: &Vm, mapping: &Object, attr: &Object) -> Result<Option<Object>> {
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

unsafe fn cell_at(vm: &Vm, frame: F, i: usize) -> Result {
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
        let Some((local, _)) = code.locals.get(ins.b()) else {
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

// ---- attributes -----------------------------------------------------------------------

const BACKOFF: u16 = 30;

/// What an attribute load of this name on this object may be specialised to; the
/// cache's fields for it are left in `c`, whose name is set.
unsafe fn specialise_load(vm: &Vm, c: &mut Cache, object: &Object, method: bool) -> Option<Opcode> {
    unsafe {
        let attr = Object::from_borrowed(c.name);
        let ty = object.ty();
        // Classes.
        if let Some(class) = Type::of(object) {
            let plain = object.ty().slots().getattr.map(|g| g as usize)
                == Some(crate::types::typ::type_getattr as crate::ty::BinaryFn as usize);
            if !plain {
                return None;
            }
            if ty.lookup(vm, &attr).is_some() {
                return None;
            }
            let Some(found) = class.lookup(vm, &attr) else { return None };
            let kind = crate::protocol::type_of(found);
            let direct = kind.slots().descr_get.is_none() || kind.is(&FUNCTION) || kind.is(&METHOD_DESCRIPTOR);
            if !direct {
                return None;
            }
            c.version = class.version_tag(vm);
            c.value = found;
            if c.version == 0 { return None; }
            return Some(if method { Opcode::LoadMethodType } else { Opcode::LoadAttrType });
        }
        // Modules.
        if ty.is(&crate::types::module::MODULE) {
            if ty.lookup(vm, &attr).is_some() {
                return None;
            }
            let dict = crate::types::module::dict_of(object);
            let Some(d) = dict.downcast_exact::<Dict>() else { return None };
            let Some(i) = d.position_str(&attr) else { return None };
            c.version = d.version_tag(vm);
            c.version2 = ty.version_tag(vm);
            c.index = i as u32;
            return Some(if method { Opcode::LoadMethodModule } else { Opcode::LoadAttrModule });
        }
        if !ty.has(type_flags::GENERIC_GETATTR) {
            return None;
        }
        let version = ty.version_tag(vm);
        if version == 0 {
            return None;
        }
        let offset = ty.dict_offset.get();
        if offset == crate::alloc::DICT_AT_END {
            return None;
        }
        let Some(found) = ty.lookup(vm, &attr) else {
            // An instance attribute.
            if offset == 0 || method || !object.is_ptr() {
                return None;
            }
            if ty.has(type_flags::INLINE_VALUES)
                && let Some(i) = crate::lookup::inline_index(ty, &attr)
                && i < ty.inline_capacity.get() as usize
            {
                let word = *((object.as_ptr() as *const u8).add(offset) as *const Value);
                if word.is_unbound() {
                    c.version = version;
                    c.index = (offset + 8 + i * 8) as u32;
                    return Some(Opcode::LoadAttrInline);
                }
            }
            let dict = *((object.as_ptr() as *const u8).add(offset) as *const Value);
            if dict.is_ptr()
                && let Some(d) = Object::borrow_value(&dict).downcast_exact::<Dict>()
                && let Some(i) = d.position_str(&attr)
                && d.entries()[i].key == c.name
            {
                c.version = version;
                c.index = i as u32;
                return Some(Opcode::LoadAttrDict);
            }
            return None;
        };
        let kind = crate::protocol::type_of(found);
        let found_object = Object::borrow_value(&found);
        if kind.is(&MEMBER_DESCRIPTOR) && !method {
            let Some(member) = found_object.downcast_exact::<Member>().filter(|m| m.is_slot()) else { return None };
            if !object.is_instance_of(Type::from_object_unchecked(&member.owner)) {
                return None;
            }
            c.version = version;
            c.index = member.offset as u32;
            return Some(Opcode::LoadAttrSlot);
        }
        if kind.is(&crate::types::descriptors::PROPERTY) && !method {
            let Some(getter) = crate::types::descriptors::property_getter(found_object) else { return None };
            if !getter.ty().is(&FUNCTION) || getter.payload_unchecked::<Function>().code().fast_argc != 1 {
                return None;
            }
            c.version = version;
            c.value = getter.value();
            return Some(Opcode::LoadAttrProperty);
        }
        if kind.slots().descr_set.is_some() {
            return None;
        }
        // Found on the class: the instance must not have it.
        let shadowable = offset != 0;
        if shadowable {
            if crate::lookup::inline_index(ty, &attr).is_some() {
                return None;
            }
            if crate::lookup::instance_get(vm, object, &attr).is_ok_and(|v| v.is_some()) {
                return None;
            }
        }
        c.version = version;
        c.index = offset as u32;
        c.value = found;
        if method && kind.has(type_flags::METHOD_DESCRIPTOR) {
            return Some(Opcode::LoadMethodCached);
        }
        if !method && kind.slots().descr_get.is_none() && object.is_ptr() {
            return Some(Opcode::LoadAttrClass);
        }
        None
    }
}

/// An entry of the table that polymorphic attribute loads share.
#[derive(Clone, Copy)]
pub struct AttrEntry {
    version: u32,
    index: u32,
    name: u64,
    value: Value,
    /// None: nothing to specialise to.
    op: Option<Opcode>,
}

const ATTR_ENTRIES: usize = 2048;

/// The table, empty.
pub fn new_attr_table() -> Vec<AttrEntry> {
    let empty = AttrEntry { version: 0, index: 0, name: 0, value: Value::UNBOUND, op: None };
    vec![empty; ATTR_ENTRIES]
}

/// The entry for (version, name), and whether it is filled in.
#[inline(always)]
unsafe fn attr_entry<'a>(vm: &Vm, version: u32, name: Value, method: bool) -> (&'a mut AttrEntry, bool) {
    // SAFETY: the table is used for one probe at a time, under the GIL.
    unsafe {
        let table = &mut *vm.interp().attr_table.get();
        let key = name.bits() | method as u64;
        let i = ((key >> 4) as usize ^ (version as usize).wrapping_mul(31) ^ (method as usize) << 10) & (ATTR_ENTRIES - 1);
        let entry = &mut table[i];
        let hit = entry.version == version && entry.name == key && version != 0;
        (entry, hit)
    }
}

/// What a polymorphic `LoadAttr` finds by the shared table: a borrowed word, or
/// UNBOUND if the slow path has to look (which also adapts the instruction).
#[inline(never)]
pub unsafe fn shared_attr(vm: &Vm, object: Value, site: &mut Cache) -> Value {
    unsafe {
        if !object.is_ptr() || site.backoff == 0 {
            return Value::UNBOUND;
        }
        let version = Object::borrow_value(&object).ty().version.get();
        let (entry, hit) = attr_entry(vm, version, site.name, false);
        if !hit {
            return Value::UNBOUND;
        }
        site.backoff -= 1;
        match entry.op {
            Some(Opcode::LoadAttrInline | Opcode::LoadAttrSlot) => {
                *((object.as_ptr() as *const u8).add(entry.index as usize) as *const Value)
            }
            Some(Opcode::LoadAttrClass) if unshadowed(Object::borrow_value(&object), entry, site.name) => entry.value,
            _ => Value::UNBOUND,
        }
    }
}

/// The same for `LoadMethod`: the function.
#[inline(never)]
pub unsafe fn shared_method(vm: &Vm, object: Value, site: &mut Cache) -> Value {
    unsafe {
        if !object.is_ptr() || site.backoff == 0 {
            return Value::UNBOUND;
        }
        let version = Object::borrow_value(&object).ty().version.get();
        let (entry, hit) = attr_entry(vm, version, site.name, true);
        if hit
            && entry.op == Some(Opcode::LoadMethodCached)
            && unshadowed(Object::borrow_value(&object), entry, site.name)
        {
            site.backoff -= 1;
            return entry.value;
        }
        Value::UNBOUND
    }
}

/// The place that a polymorphic `StoreAttr` may overwrite: it holds a value now.
/// Null if the slow path has to look.
#[inline(never)]
pub unsafe fn shared_place(vm: &Vm, object: Value, site: &mut Cache) -> *mut Value {
    unsafe {
        if object.is_ptr() && site.backoff > 0 {
            let ty = Object::borrow_value(&object).ty();
            let (entry, hit) = attr_entry(vm, ty.version.get(), site.name, false);
            if hit
                && matches!(entry.op, Some(Opcode::LoadAttrInline | Opcode::LoadAttrSlot))
                && ty.has(type_flags::GENERIC_SETATTR)
            {
                let place = (object.as_ptr() as *mut u8).add(entry.index as usize) as *mut Value;
                if !(*place).is_unbound() {
                    site.backoff -= 1;
                    return place;
                }
            }
        }
        std::ptr::null_mut()
    }
}

/// Looks the load up in the shared table (filling it in) and adapts the
/// instruction now and then. The entry to go by, if there is one.
unsafe fn attr_lookup(vm: &Vm, frame: F, ins: I, object: &Object, method: bool) -> Option<AttrEntry> {
    unsafe {
        if ins.has(f::B_CONST) && !method {
            // The specialised forms of LoadAttr read registers only.
            return None;
        }
        let site = cache(frame, ins);
        let ty = object.ty();
        let version = ty.version_tag(vm);
        let shared = object.is_ptr() && Type::of(object).is_none() && !ty.is(&crate::types::module::MODULE);
        let (entry, hit) = attr_entry(vm, version, site.name, method);
        if shared && hit {
            if let Some(op) = entry.op
                && site.backoff == 0
            {
                site.version = entry.version;
                site.index = entry.index;
                site.value = entry.value;
                site.backoff = BACKOFF;
                requicken(frame, op);
            }
            site.backoff = site.backoff.saturating_sub(1);
            return entry.op.map(|_| *entry);
        }
        if !shared && site.backoff > 0 {
            site.backoff -= 1;
            return None;
        }
        let mut probe = *site;
        let op = specialise_load(vm, &mut probe, object, method);
        if shared && version != 0 {
            *entry = AttrEntry {
                version,
                index: probe.index,
                name: site.name.bits() | method as u64,
                value: probe.value,
                op,
            };
        }
        if let Some(op) = op
            && site.backoff == 0
        {
            let backoff = if shared { BACKOFF } else { 2 };
            *site = probe;
            site.backoff = backoff;
            requicken(frame, op);
        } else if op.is_none() {
            site.backoff = BACKOFF;
        }
        site.backoff = site.backoff.saturating_sub(1);
        None
    }
}

#[inline(never)]
pub unsafe fn load_attr(vm: &Vm, frame: F, ins: I) -> Result<()> {
    unsafe {
        let object = get_b(vm, frame, ins)?;
        if let Some(entry) = attr_lookup(vm, frame, ins, &object, false) {
            let found = match entry.op {
                Some(Opcode::LoadAttrInline | Opcode::LoadAttrSlot) => {
                    *((object.as_ptr() as *const u8).add(entry.index as usize) as *const Value)
                }
                Some(Opcode::LoadAttrClass) if unshadowed(&object, &entry, name_of(frame, ins).value()) => {
                    entry.value
                }
                _ => Value::UNBOUND,
            };
            if !found.is_unbound() {
                let value = Object::from_borrowed(found);
                drop(object);
                set(frame, ins.a(), value);
                return Ok(());
            }
        }
        let value = vm.get_attr(&object, name_of(frame, ins))?;
        drop(object);
        set(frame, ins.a(), value);
        Ok(())
    }
}

/// The instance has no attribute of its own that hides the class's.
unsafe fn unshadowed(object: &Object, entry: &AttrEntry, attr: Value) -> bool {
    unsafe {
        if entry.index == 0 {
            return true;
        }
        let dict = *((object.as_ptr() as *const u8).add(entry.index as usize) as *const Value);
        dict.is_unbound() || Dict::from_raw(dict).get_str(Object::borrow_value(&attr)).is_none()
    }
}

#[inline(never)]
pub unsafe fn load_method(vm: &Vm, frame: F, ins: I) -> Result<()> {
    unsafe {
        let object = get_b(vm, frame, ins)?;
        if let Some(entry) = attr_lookup(vm, frame, ins, &object, true)
            && entry.op == Some(Opcode::LoadMethodCached)
            && unshadowed(&object, &entry, name_of(frame, ins).value())
        {
            *reg(frame, ins.a()) = Object::from_borrowed(entry.value).into_value();
            *reg(frame, ins.a() + 1) = object.into_value();
            return Ok(());
        }
        let attr = name_of(frame, ins);
        let ty = object.ty();
        if ty.has(type_flags::GENERIC_GETATTR)
            && let Some(found) = ty.lookup_owned(vm, attr)
            && found.ty().has(type_flags::METHOD_DESCRIPTOR)
        {
            if let Some(own) = crate::lookup::instance_get(vm, &object, attr)? {
                *reg(frame, ins.a()) = own.into_value();
                *reg(frame, ins.a() + 1) = Value::UNBOUND;
                return Ok(());
            }
            *reg(frame, ins.a()) = found.into_value();
            *reg(frame, ins.a() + 1) = object.into_value();
            return Ok(());
        }
        let value = vm.get_attr(&object, attr)?;
        drop(object);
        *reg(frame, ins.a()) = value.into_value();
        *reg(frame, ins.a() + 1) = Value::UNBOUND;
        Ok(())
    }
}

/// Fills the shared table in for loads of an attribute that was just stored.
unsafe fn fill_shared(vm: &Vm, object: &Object, site: &Cache) {
    unsafe {
        let ty = object.ty();
        let version = ty.version_tag(vm);
        if version == 0 || !object.is_ptr() || Type::of(object).is_some() || ty.is(&crate::types::module::MODULE) {
            return;
        }
        let (entry, hit) = attr_entry(vm, version, site.name, false);
        if !hit {
            let mut probe = *site;
            let op = specialise_load(vm, &mut probe, object, false);
            *entry = AttrEntry { version, index: probe.index, name: site.name.bits(), value: probe.value, op };
        }
    }
}

#[inline(never)]
pub unsafe fn store_attr(vm: &Vm, frame: F, ins: I) -> Result<()> {
    unsafe {
        let value = get_b(vm, frame, ins)?;
        let object = get_a(vm, frame, ins)?;
        let attr = name_of(frame, ins);
        vm.set_attr(&object, attr, &value)?;
        let c = cache(frame, ins);
        if c.backoff > 0 {
            c.backoff -= 1;
            fill_shared(vm, &object, c);
            return Ok(());
        }
        c.backoff = BACKOFF;
        let ty = object.ty();
        if !ty.has(type_flags::GENERIC_SETATTR) || !object.is_ptr() || Type::of(&object).is_some() {
            return Ok(());
        }
        let version = ty.version_tag(vm);
        if version == 0 {
            return Ok(());
        }
        match ty.lookup(vm, attr) {
            Some(found) => {
                let found = Object::borrow_value(&found);
                if let Some(member) = found.downcast_exact::<Member>().filter(|m| m.is_slot())
                    && object.is_instance_of(Type::from_object_unchecked(&member.owner))
                {
                    c.version = version;
                    c.index = member.offset as u32;
                    requicken(frame, Opcode::StoreAttrSlot);
                    return Ok(());
                }
                if found.ty().slots().descr_set.is_some() {
                    return Ok(());
                }
            }
            None => {}
        }
        let offset = ty.dict_offset.get();
        if ty.has(type_flags::INLINE_VALUES)
            && offset != 0
            && let Some(i) = crate::lookup::inline_index(ty, attr)
            && i < ty.inline_capacity.get() as usize
        {
            c.version = version;
            c.index = (offset + 8 + i * 8) as u32;
            c.version2 = i as u32;
            requicken(frame, Opcode::StoreAttrInline);
        }
        Ok(())
    }
}

pub unsafe fn delete_attr(vm: &Vm, frame: F, ins: I) -> Result<()> {
    unsafe {
        let object = get_b(vm, frame, ins)?;
        vm.delete_attr(&object, name_of(frame, ins))
    }
}

#[inline(never)]
pub unsafe fn load_super_attr(vm: &Vm, frame: F, ins: I) -> Result<()> {
    unsafe {
        let callable = take(frame, ins.b());
        let class = take(frame, ins.b() + 1);
        let object = take(frame, ins.b() + 2);
        let attr = name_of(frame, ins);
        let method = ins.has(f::X);
        if callable.ty().is(&crate::types::typ::TYPE)
            && callable.value() == crate::types::super_::SUPER.value()
            && Type::of(&class).is_some()
            && !vm.str_equal(attr, name::class.object())
        {
            let object_type = crate::types::super_::check(vm, &class, &object)?;
            if let Some(found) = crate::types::super_::lookup(vm, &class, &object_type, attr) {
                if method && found.ty().has(type_flags::METHOD_DESCRIPTOR) && object.value() != object_type.value() {
                    *reg(frame, ins.a()) = found.into_value();
                    *reg(frame, ins.a() + 1) = object.into_value();
                    return Ok(());
                }
                let value = match found.ty().slots().descr_get {
                    Some(get) => {
                        let bind = if object.value() == object_type.value() { None } else { Some(&object) };
                        get(vm, &found, bind, Some(&object_type))?
                    }
                    None => found,
                };
                store_super(frame, ins, value, method);
                return Ok(());
            }
        }
        let made = if ins.has(f::FUSED) && callable.value() != crate::types::super_::SUPER.value() {
            vm.call(&callable, &[])?
        } else {
            vm.call(&callable, &[class, object])?
        };
        let value = vm.get_attr(&made, attr)?;
        store_super(frame, ins, value, method);
        Ok(())
    }
}

unsafe fn store_super(frame: F, ins: I, value: Object, method: bool) {
    unsafe {
        set(frame, ins.a(), value);
        if method {
            *reg(frame, ins.a() + 1) = Value::UNBOUND;
        }
    }
}

// ---- items ----------------------------------------------------------------------------------

#[inline(never)]
pub unsafe fn get_item(vm: &Vm, frame: F, ins: I) -> Result<()> {
    unsafe {
        let b = get_b(vm, frame, ins)?;
        let c = get_c(vm, frame, ins)?;
        let value = vm.get_item(&b, &c)?;
        drop(b);
        drop(c);
        set(frame, ins.a(), value);
        Ok(())
    }
}

#[inline(never)]
pub unsafe fn set_item(vm: &Vm, frame: F, ins: I) -> Result<()> {
    unsafe {
        let value = get_c(vm, frame, ins)?;
        let key = get_b(vm, frame, ins)?;
        let container = get_a(vm, frame, ins)?;
        match container.downcast_exact::<Dict>() {
            Some(d) => d.set(vm, &key, value),
            None => vm.set_item(&container, &key, &value),
        }
    }
}

pub unsafe fn del_item(vm: &Vm, frame: F, ins: I) -> Result<()> {
    unsafe {
        let b = get_b(vm, frame, ins)?;
        let c = get_c(vm, frame, ins)?;
        vm.delete_item(&b, &c)
    }
}

pub unsafe fn build_slice(vm: &Vm, frame: F, ins: I) -> Result<()> {
    unsafe {
        let mut parts = temps(frame, ins.b(), ins.c());
        let step = if parts.len() > 2 { parts.pop().unwrap_or(Object::NONE) } else { Object::NONE };
        let stop = parts.pop().unwrap_or(Object::NONE);
        let start = parts.pop().unwrap_or(Object::NONE);
        let slice = crate::types::slice::new(vm, start, stop, step);
        set(frame, ins.a(), slice);
        Ok(())
    }
}

unsafe fn slice_of_temps(vm: &Vm, frame: F, first: usize) -> Object {
    unsafe {
        let start = take(frame, first);
        let stop = take(frame, first + 1);
        crate::types::slice::new(vm, start, stop, Object::NONE)
    }
}

/// The bounds of `[start:stop]` in a sequence of `len` items, if both are small
/// ints or None.
#[inline]
fn plain_bounds(start: Value, stop: Value, len: usize) -> Option<(usize, usize)> {
    let fit = |bound: Value, default: usize| {
        if bound.is_none() {
            return Some(default);
        }
        if !bound.is_int() {
            return None;
        }
        let i = bound.as_int();
        let i = if i < 0 { (i + len as i64).max(0) } else { i };
        Some((i as usize).min(len))
    };
    let (start, stop) = (fit(start, 0)?, fit(stop, len)?);
    Some((start, stop.max(start)))
}

#[inline(never)]
pub unsafe fn get_slice(vm: &Vm, frame: F, ins: I) -> Result<()> {
    unsafe {
        if !ins.has(taipan_bytecode::flags::B_CONST) {
            let source = *reg(frame, ins.b());
            let (start, stop) = (*reg(frame, ins.c()), *reg(frame, ins.c() + 1));
            let object = Object::borrow_value(&source);
            let ty = object.ty();
            let mut value = None;
            if ty.is(&crate::types::list::LIST) {
                let list = List::from_raw(source);
                if let Some((i, j)) = plain_bounds(start, stop, list.len()) {
                    value = Some(vm.list(list.items_unchecked()[i..j].to_vec()));
                }
            } else if ty.is(&crate::types::str::STR) {
                let s = object.payload_unchecked::<Str>();
                if let Some((i, j)) = plain_bounds(start, stop, s.len()) {
                    value = Some(if j - i == s.len() { object.clone() } else { s.slice(vm, i, j) });
                }
            } else if ty.is(&crate::types::tuple::TUPLE) {
                let items = object.payload_unchecked::<Tuple>().items();
                if let Some((i, j)) = plain_bounds(start, stop, items.len()) {
                    let whole = j - i == items.len();
                    value = Some(if whole { object.clone() } else { vm.tuple(items[i..j].to_vec()) });
                }
            }
            if let Some(value) = value {
                // The bounds are no pointers: nothing to drop.
                if ins.has(taipan_bytecode::flags::B_TEMP) {
                    drop(take(frame, ins.b()));
                }
                set(frame, ins.a(), value);
                return Ok(());
            }
        }
        let object = get_b(vm, frame, ins)?;
        let slice = slice_of_temps(vm, frame, ins.c());
        let value = vm.get_item(&object, &slice)?;
        drop(object);
        set(frame, ins.a(), value);
        Ok(())
    }
}

pub unsafe fn set_slice(vm: &Vm, frame: F, ins: I) -> Result<()> {
    unsafe {
        let value = get_b(vm, frame, ins)?;
        let container = get_a(vm, frame, ins)?;
        let (start, stop) = (*reg(frame, ins.c()), *reg(frame, ins.c() + 1));
        if container.ty().is(&crate::types::list::LIST)
            && value.ty().is(&crate::types::list::LIST)
            && let list = List::from_raw(container.value())
            && let Some((i, j)) = plain_bounds(start, stop, list.len())
        {
            return crate::types::list_methods::replace_items(vm, list, i, j, List::from_raw(value.value()).to_vec());
        }
        let slice = slice_of_temps(vm, frame, ins.c());
        vm.set_item(&container, &slice, &value)
    }
}

// ---- iteration --------------------------------------------------------------------------------

#[inline(never)]
pub unsafe fn get_iter(vm: &Vm, frame: F, ins: I) -> Result<()> {
    unsafe {
        let b = get_b(vm, frame, ins)?;
        let iterator = vm.iter(&b)?;
        drop(b);
        set(frame, ins.a(), iterator);
        Ok(())
    }
}

/// True if there was an item (stored), false if the iterator is exhausted (dropped).
#[inline(never)]
pub unsafe fn for_iter(vm: &Vm, frame: F, ins: I) -> Result<bool> {
    unsafe {
        let iterator = borrowed(frame, ins.a());
        match vm.next(&iterator)? {
            Some(item) => {
                set(frame, ins.b(), item);
                Ok(true)
            }
            None => {
                drop(crate::slots::take_stop_value(vm));
                drop(iterator);
                drop(take(frame, ins.a()));
                Ok(false)
            }
        }
    }
}

pub unsafe fn get_aiter(vm: &Vm, frame: F, ins: I) -> Result<()> {
    unsafe {
        let b = get_b(vm, frame, ins)?;
        let Some(slot) = b.ty().slots().unary[UnaryOp::AIter as usize] else {
            return Err(vm.type_error(format!(
                "'async for' requires an object with __aiter__ method, got {}",
                b.ty().name()
            )));
        };
        let iterator = slot(vm, &b)?;
        if iterator.ty().slots().unary[UnaryOp::ANext as usize].is_none() {
            return Err(vm.type_error(format!(
                "'async for' received an object from __aiter__ that does not implement __anext__: {}",
                iterator.ty().name()
            )));
        }
        drop(b);
        set(frame, ins.a(), iterator);
        Ok(())
    }
}

pub unsafe fn get_anext(vm: &Vm, frame: F, ins: I) -> Result<()> {
    unsafe {
        let iterator = borrowed(frame, ins.b());
        let Some(slot) = iterator.ty().slots().unary[UnaryOp::ANext as usize] else {
            return Err(vm.type_error(format!(
                "'async for' requires an iterator with __anext__ method, got {}",
                iterator.ty().name()
            )));
        };
        let next = slot(vm, &iterator)?;
        let awaitable = if iterator.ty().is(&generator::ASYNC_GENERATOR) {
            next
        } else {
            match awaitable_iterator(vm, &next) {
                Ok(awaitable) => awaitable,
                Err(raised) => {
                    let cause = vm.caught(raised);
                    let error = vm.type_error(format!(
                        "'async for' received an invalid object from __anext__: {}",
                        next.ty().name()
                    ));
                    return Err(vm.chain_cause(error, cause));
                }
            }
        };
        set(frame, ins.a(), awaitable);
        Ok(())
    }
}

pub unsafe fn end_async_for(vm: &Vm, frame: F, ins: I) -> Result<()> {
    unsafe {
        let exception = take(frame, ins.b());
        if exception.is_instance_of(&exc::STOP_ASYNC_ITERATION) {
            drop(take(frame, ins.a()));
            return Ok(());
        }
        drop(take(frame, ins.a()));
        Err(vm.raise(exception))
    }
}

#[cold]
fn cannot_unpack(vm: &Vm, object: &Object) -> Raised {
    vm.type_error(format!("cannot unpack non-iterable {} object", object.ty().name()))
}

fn iter_for_unpack(vm: &Vm, object: &Object) -> Result {
    match vm.iter(object) {
        Ok(iterator) => Ok(iterator),
        Err(raised) => {
            if vm.raised_is(&exc::TYPE_ERROR)
                && object.ty().slots().unary[UnaryOp::Iter as usize].is_none()
                && !vm.is_sequence(object)
            {
                drop(vm.caught(raised));
                return Err(cannot_unpack(vm, object));
            }
            Err(raised)
        }
    }
}

#[inline(never)]
pub unsafe fn unpack_sequence(vm: &Vm, frame: F, ins: I) -> Result<()> {
    unsafe {
        let b = get_b(vm, frame, ins)?;
        let n = ins.c();
        let known = b
            .downcast_exact::<Tuple>()
            .map(|t| t.len())
            .or_else(|| b.downcast_exact::<List>().map(|l| l.len()))
            .or_else(|| b.downcast_exact::<Dict>().map(|d| d.len()));
        let iterator = iter_for_unpack(vm, &b)?;
        let mut items = Vec::with_capacity(n);
        while items.len() < n {
            match vm.next(&iterator)? {
                Some(item) => items.push(item),
                None => {
                    return Err(vm.value_error(format!(
                        "not enough values to unpack (expected {n}, got {})",
                        items.len()
                    )));
                }
            }
        }
        if vm.next(&iterator)?.is_some() {
            return Err(vm.value_error(match known {
                Some(got) => format!("too many values to unpack (expected {n}, got {got})"),
                None => format!("too many values to unpack (expected {n})"),
            }));
        }
        drop(b);
        for (i, item) in items.into_iter().enumerate() {
            set(frame, ins.a() + i, item);
        }
        Ok(())
    }
}

pub unsafe fn unpack_ex(vm: &Vm, frame: F, ins: I) -> Result<()> {
    unsafe {
        let b = get_b(vm, frame, ins)?;
        let (before, after) = (ins.c() & 255, ins.c() >> 8);
        let iterator = iter_for_unpack(vm, &b)?;
        let mut items = Vec::new();
        while items.len() < before {
            match vm.next(&iterator)? {
                Some(item) => items.push(item),
                None => {
                    return Err(vm.value_error(format!(
                        "not enough values to unpack (expected at least {}, got {})",
                        before + after,
                        items.len()
                    )));
                }
            }
        }
        let mut rest = vm.collect(&iterator)?;
        if rest.len() < after {
            return Err(vm.value_error(format!(
                "not enough values to unpack (expected at least {}, got {})",
                before + after,
                before + rest.len()
            )));
        }
        let tail = rest.split_off(rest.len() - after);
        items.push(vm.list(rest));
        items.extend(tail);
        drop(b);
        for (i, item) in items.into_iter().enumerate() {
            set(frame, ins.a() + i, item);
        }
        Ok(())
    }
}

// ---- building ---------------------------------------------------------------------------------

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
        let made = vm.list(temps(frame, ins.b(), ins.c()));
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

fn callable_text(vm: &Vm, callable: &Object) -> String {
    crate::display::function_text(vm, callable)
}

pub unsafe fn dict_merge(vm: &Vm, frame: F, ins: I) -> Result<()> {
    unsafe {
        let mapping = get_b(vm, frame, ins)?;
        let target = borrowed(frame, ins.a());
        let callable = borrowed(frame, ins.c());
        let d = dict_of(target.value());
        let pairs: Vec<(Object, Object)> = if let Some(m) = mapping.downcast_exact::<Dict>() {
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
        drop(b);
        drop(c);
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
            let result = crate::types::native_function::call_builtin(vm, Object::borrow_value(&callable), args, &[]);
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
            let pushed = push_frame(
                vm,
                code,
                place,
                filled,
                callable.value(),
                ff::OWNS_EXTRA,
            );
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
        if kwnames.is_empty()
            && !owns_extra
            && let Some(class) = Type::of(&callable)
            && let Some(init) = simple_init(vm, class)
        {
            let function = init.payload_unchecked::<Function>();
            let code = function.code();
            if !method {
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
                if in_generator {
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
                let filled = if code.fast_argc == count + 1 {
                    count + 1
                } else {
                    bind(vm, &init, function, place, count + 1, &[])?
                };
                let pushed = push_frame(
                    vm,
                    code,
                    place,
                    filled,
                    init.value(),
                    ff::INIT,
                );
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
        let result = if callable.ty().is(&BUILTIN_FUNCTION) {
            crate::types::native_function::call_builtin(vm, &callable, args, kwnames)
        } else {
            match callable.ty().slots().call {
                Some(slot) => match vm.check_native_stack("") {
                    Ok(()) => slot(vm, &callable, args, kwnames),
                    Err(raised) => Err(raised),
                },
                None => Err(not_callable(vm, &callable)),
            }
        };
        drop(callable);
        drop_window(base.add(at - if owns_extra { 0 } else { 1 }), count + if owns_extra { 0 } else { 1 });
        drop(extra);
        set(frame, ins.a(), result?);
        Ok(Called::Done)
    }
}

#[cold]
fn not_callable(vm: &Vm, callable: &Object) -> Raised {
    if callable.is_instance_of(&crate::types::module::MODULE)
        && let Ok(Some(module_name)) = vm.lookup_attr(callable, name::name.object())
        && let Ok(Some(member)) = vm.lookup_attr(callable, &module_name)
        && vm.is_callable(&member)
    {
        let shown = vm.str_lossy(&module_name);
        return vm.type_error(format!("'module' object is not callable. Did you mean: '{shown}.{shown}(...)'?"));
    }
    vm.type_error_of(callable, "is not callable")
}

unsafe fn drop_callable(frame: F, b: usize, at: usize, owns_extra: bool) {
    if !owns_extra {
        for i in b..at {
            // SAFETY: the call window's own registers.
            drop(unsafe { take(frame, i) });
        }
    }
}

/// `__init__` of a class that is made the ordinary way: `type.__call__`,
/// `object.__new__`, a Python `__init__`.
fn simple_init(vm: &Vm, class: &Type) -> Option<Object> {
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

#[inline(never)]
pub unsafe fn call_ex(vm: &Vm, frame: F, ins: I) -> Result<Called> {
    unsafe {
        let b = ins.b();
        let callable = take(frame, b);
        let positional = take(frame, b + 1);
        let keywords = take(frame, b + 2);
        let mut args = match positional.downcast_exact::<Tuple>() {
            Some(t) => t.items().to_vec(),
            None => match vm.collect(&positional) {
                Ok(args) => args,
                Err(raised) => {
                    if vm.raised_is(&exc::TYPE_ERROR)
                        && positional.ty().slots().unary[UnaryOp::Iter as usize].is_none()
                        && !vm.is_sequence(&positional)
                    {
                        drop(vm.caught(raised));
                        return Err(vm.type_error(format!(
                            "{} argument after * must be an iterable, not {}",
                            callable_text(vm, &callable),
                            positional.ty().name()
                        )));
                    }
                    return Err(raised);
                }
            },
        };
        drop(positional);
        let mut names = Vec::new();
        if let Some(d) = keywords.downcast::<Dict>() {
            for (key, value) in d.items() {
                if key.downcast::<Str>().is_none() {
                    return Err(vm.type_error("keywords must be strings"));
                }
                names.push(key);
                args.push(value);
            }
        }
        drop(keywords);
        if callable.ty().is(&FUNCTION) {
            let function = callable.payload_unchecked::<Function>();
            let code = function.code();
            let place = (*frame).window();
            if place.add(args.len() + code.registers) >= vm.stack_end {
                return Err(vm.recursion_error("maximum recursion depth exceeded"));
            }
            let count = args.len();
            for (i, arg) in args.into_iter().enumerate() {
                *place.add(i) = arg.into_value();
            }
            let filled = bind(vm, &callable, function, place, count, &names)?;
            let pushed = push_frame(
                vm,
                code,
                place,
                filled,
                callable.value(),
                ff::OWNS_EXTRA,
            );
            let new = match pushed {
                Ok(new) => new,
                Err(raised) => {
                    drop_window(place, filled);
                    return Err(raised);
                }
            };
            copy_closure(code, place, function.closure());
            (*new).extra = callable.into_value();
            return Ok(Called::Pushed(new));
        }
        let result = match callable.ty().slots().call {
            Some(_) => vm.call_kw(&callable, &args, &names)?,
            None => return Err(not_callable(vm, &callable)),
        };
        drop(args);
        drop(callable);
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
            let allowed = taipan_bytecode::code_flags::COROUTINE | taipan_bytecode::code_flags::ITERABLE_COROUTINE;
            if !code.has_flag(allowed) {
                return Err(vm.type_error("cannot 'yield from' a coroutine object in a non-coroutine generator"));
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
            && result.payload_unchecked::<generator::Generator>().state.get() == generator::State::Suspended
            && super::suspended_inner(result.payload_unchecked::<generator::Generator>().frame_ptr()).is_some()
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
fn no_context_manager(vm: &Vm, object: &Object, which: usize) -> Raised {
    let shown = object.ty().full_name();
    let is_async = which >= 2;
    let missed = ["__enter__", "__exit__", "__aenter__", "__aexit__"][which & 3];
    let (enter, exit) =
        if is_async { (name::enter, name::exit) } else { (name::aenter, name::aexit) };
    let ty = object.ty();
    let other = ty.lookup(vm, enter.object()).is_some() && ty.lookup(vm, exit.object()).is_some();
    let hint = match (other, is_async) {
        (true, false) => " but it supports the asynchronous context manager protocol. Did you mean to use 'async with'?",
        (true, true) => " but it supports the context manager protocol. Did you mean to use 'with'?",
        _ => "",
    };
    let kind = if is_async { "asynchronous context manager" } else { "context manager" };
    vm.type_error(format!("'{shown}' object does not support the {kind} protocol (missed {missed} method){hint}"))
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
fn check_exception_class(vm: &Vm, class: &Object) -> Result<()> {
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
            return Err(vm.type_error(
                "catching ExceptionGroup with except* is not allowed. Use except instead.",
            ));
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

fn instantiate(vm: &Vm, value: &Object, message: &str) -> Result {
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
                    return Err(
                        vm.value_error(format!("mapping pattern checks duplicate key ({})", vm.repr_text(key)?))
                    );
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
                let Some(hook) = sys.downcast::<Dict>().and_then(|d| d.get_str_owned(name::displayhook.object()))
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
fn stop_iteration_error(vm: &Vm, code: &Code, exception: Object) -> Object {
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
