//! Attributes: loads and stores, their specialised forms, the table that polymorphic
//! places share.

use super::*;

pub(super) const BACKOFF: u16 = 30;

/// What an attribute load of this name on this object may be specialised to; the
/// cache's fields for it are left in `c`, whose name is set.
pub(super) unsafe fn specialise_load(
    vm: &Vm,
    c: &mut Cache,
    object: &Object,
    method: bool,
) -> Option<Opcode> {
    unsafe {
        let attr = Object::from_borrowed(c.name);
        let ty = object.ty();
        // Classes.
        if let Some(class) = Type::of(object) {
            if !crate::types::typ::looks_up_plainly(ty) {
                return None;
            }
            if ty.lookup(vm, &attr).is_some() {
                return None;
            }
            let Some(found) = class.lookup(vm, &attr) else { return None };
            let kind = crate::protocol::type_of(found);
            let direct =
                kind.slots().descr_get.is_none() || kind.is(&FUNCTION) || kind.is(&METHOD_DESCRIPTOR);
            if !direct {
                return None;
            }
            c.version = class.version_tag(vm);
            c.value = found;
            if c.version == 0 {
                return None;
            }
            return Some(if method { Opcode::LoadMethodType } else { Opcode::LoadAttrType });
        }
        // Modules.
        if ty.is(&crate::types::module::MODULE) {
            if ty.lookup(vm, &attr).is_some() {
                return None;
            }
            let dict = crate::types::module::dict_of(object);
            let Some(d) = dict.downcast_exact::<Dict>() else { return None };
            let i = d.position_str(&attr)?;
            c.version = d.version_tag(vm);
            if c.version == 0 {
                return None;
            }
            c.set_place(&d.entries()[i].value);
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
            let Some(member) = found_object.downcast_exact::<Member>().filter(|m| m.is_slot()) else {
                return None;
            };
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
        if kind.is(&GETSET_DESCRIPTOR) && !method && object.is_ptr() {
            let owner = &found_object.payload_unchecked::<GetSet>().owner;
            if !object.is_instance_of(Type::from_object_unchecked(owner)) {
                return None;
            }
            c.version = version;
            c.value = found;
            return Some(Opcode::LoadAttrGetSet);
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
    /// The word of the name, which the table holds, and whether it is of a method.
    name: u64,
    value: Value,
    /// None: nothing to specialise to.
    op: Option<Opcode>,
}

impl AttrEntry {
    /// What was found out for the name of `probe`.
    ///
    /// # Safety
    /// The entry is one of the table's.
    unsafe fn fill(&mut self, version: u32, probe: &Cache, method: bool, op: Option<Opcode>) {
        let name = probe.name.bits() | method as u64;
        let entry = AttrEntry { version, index: probe.index, name, value: probe.value, op };
        // SAFETY: names are strings, and the table's are counted.
        unsafe {
            taipan_object::object::incref(probe.name);
            let old = std::mem::replace(self, entry).name & !1;
            if old != 0 {
                drop(Object::from_owned(Value::from_bits(old)));
            }
        }
    }
}

pub(super) const ATTR_ENTRIES: usize = 2048;

/// The table, empty.
pub fn new_attr_table() -> Vec<AttrEntry> {
    let empty = AttrEntry { version: 0, index: 0, name: 0, value: Value::UNBOUND, op: None };
    vec![empty; ATTR_ENTRIES]
}

/// The entry for (version, name), and whether it is filled in.
#[inline(always)]
pub(super) unsafe fn attr_entry<'a>(
    vm: &Vm,
    version: u32,
    name: Value,
    method: bool,
) -> (&'a mut AttrEntry, bool) {
    // SAFETY: the table is used for one probe at a time, under the GIL.
    unsafe {
        let table = &mut *vm.interp().attr_table.get();
        let key = name.bits() | method as u64;
        let i = ((key >> 4) as usize ^ (version as usize).wrapping_mul(31) ^ (method as usize) << 10)
            & (ATTR_ENTRIES - 1);
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
            Some(Opcode::LoadAttrClass) if unshadowed(Object::borrow_value(&object), entry, site.name) => {
                entry.value
            }
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
pub(super) unsafe fn attr_lookup(
    vm: &Vm,
    frame: F,
    ins: I,
    object: &Object,
    method: bool,
) -> Option<AttrEntry> {
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
                requicken(frame, load_form(frame, op, site));
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
            entry.fill(version, &probe, method, op);
        }
        if let Some(op) = op
            && site.backoff == 0
        {
            let backoff = if shared { BACKOFF } else { 2 };
            *site = probe;
            site.backoff = backoff;
            requicken(frame, load_form(frame, op, site));
        } else if op.is_none() {
            site.backoff = BACKOFF;
        }
        site.backoff = site.backoff.saturating_sub(1);
        None
    }
}

/// The form of the running load for its operands: temporaries that it fills hold
/// nothing, those that it takes from are emptied.
unsafe fn load_form(frame: F, op: Opcode, site: &Cache) -> Opcode {
    // SAFETY: `ip` is behind the running instruction.
    unsafe {
        let ins = *(*frame).ip.sub(1);
        let of_temporary = ins.has(f::B_TEMP);
        match op {
            Opcode::LoadAttrInline | Opcode::LoadAttrSlot if ins.a() >= (*(*frame).code).first_temp => {
                if of_temporary {
                    Opcode::LoadAttrOfTemporary
                } else {
                    Opcode::LoadAttrPlace
                }
            }
            Opcode::LoadMethodCached if !ins.has(f::B_CONST) && site.index != 0 && site.value.is_ptr() => {
                if of_temporary {
                    Opcode::LoadMethodOfTemporary
                } else {
                    Opcode::LoadMethodLocal
                }
            }
            _ => op,
        }
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

/// Asks the getter in the cache, which is for the object's type.
#[inline(never)]
pub unsafe fn load_getset(vm: &Vm, frame: F, ins: I) -> Result<()> {
    unsafe {
        let descriptor = cache(frame, ins).value;
        let get = Object::borrow_value(&descriptor).payload_unchecked::<GetSet>().def.get;
        let object = get_b(vm, frame, ins)?;
        match get(vm, &object) {
            Ok(value) => {
                drop(object);
                set(frame, ins.a(), value);
                Ok(())
            }
            Err(raised) => {
                exceptions::fill_attribute_error(vm, &object, name_of(frame, ins));
                Err(raised)
            }
        }
    }
}

/// The instance has no attribute of its own that hides the class's.
pub(super) unsafe fn unshadowed(object: &Object, entry: &AttrEntry, attr: Value) -> bool {
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
        // What the instance itself has, as the shared table says.
        let ty = object.ty();
        let (entry, hit) = attr_entry(vm, ty.version.get(), cache(frame, ins).name, false);
        if !hit {
            fill_shared(vm, &object, cache(frame, ins));
        } else if entry.op == Some(Opcode::LoadAttrInline) && object.is_ptr() {
            let found = *((object.as_ptr() as *const u8).add(entry.index as usize) as *const Value);
            if !found.is_unbound() {
                *reg(frame, ins.a()) = Object::from_borrowed(found).into_value();
                *reg(frame, ins.a() + 1) = Value::UNBOUND;
                return Ok(());
            }
        }
        let attr = name_of(frame, ins);
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
pub(super) unsafe fn fill_shared(vm: &Vm, object: &Object, site: &Cache) {
    unsafe {
        let ty = object.ty();
        let version = ty.version_tag(vm);
        if version == 0
            || !object.is_ptr()
            || Type::of(object).is_some()
            || ty.is(&crate::types::module::MODULE)
        {
            return;
        }
        let (entry, hit) = attr_entry(vm, version, site.name, false);
        if !hit {
            let mut probe = *site;
            let op = specialise_load(vm, &mut probe, object, false);
            entry.fill(version, &probe, false, op);
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
                if method
                    && found.ty().has(type_flags::METHOD_DESCRIPTOR)
                    && object.value() != object_type.value()
                {
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

pub(super) unsafe fn store_super(frame: F, ins: I, value: Object, method: bool) {
    unsafe {
        set(frame, ins.a(), value);
        if method {
            *reg(frame, ins.a() + 1) = Value::UNBOUND;
        }
    }
}
