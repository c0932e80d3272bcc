//! `_abc`: the machinery behind `abc.ABCMeta`: abstract methods, registered
//! classes, and caches of what was asked before.
//!
//! Classes are remembered by weak references, found by the class's address.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use taipan_runtime::names::name;
use taipan_runtime::prelude::*;
use taipan_runtime::support::{allocate, this};
use taipan_runtime::types::descriptors::is_abstract;
use taipan_runtime::types::object::OBJECT;
use taipan_runtime::types::{set, tuple, typ, weakref};

/// Counts registrations: negative answers from before one are void. Shared by
/// the interpreters of a process, which does no harm but a few answers lost.
static REGISTRATIONS: AtomicU64 = AtomicU64::new(0);

fn registrations() -> u64 {
    REGISTRATIONS.load(Ordering::Relaxed)
}

/// The module.
pub static ABC: ModuleDef = ModuleDef {
    name: "_abc",
    doc: "Module contains faster C implementation of abc.ABCMeta",
    functions: &[
        MethodDef::new(
            "get_cache_token()",
            |vm, _| Ok(vm.u64(registrations())),
            "Returns the current ABC cache token.\n\nThe token is an opaque object (supporting equality testing) identifying the\ncurrent version of the ABC cache for virtual subclasses. The token changes\nwith every call to register() on any ABC.",
        ),
        MethodDef::new(
            "_abc_init(self, /)",
            abc_init,
            "Internal ABC helper for class set-up. Should be never used outside abc module.",
        ),
        MethodDef::new(
            "_reset_registry(self, /)",
            |vm, args| {
                let old = this::<AbcData>(&data_of(vm, &args[0])?).registry.take();
                drop(old);
                Ok(Object::NONE)
            },
            "Internal ABC helper to reset registry of a given class.\n\nShould be only used by refleak.py",
        ),
        MethodDef::new(
            "_reset_caches(self, /)",
            |vm, args| {
                let data = data_of(vm, &args[0])?;
                let data = this::<AbcData>(&data);
                let old = (data.cache.take(), data.negative.take());
                drop(old);
                Ok(Object::NONE)
            },
            "Internal ABC helper to reset both caches of a given class.\n\nShould be only used by refleak.py",
        ),
        MethodDef::new(
            "_get_dump(self, /)",
            get_dump,
            "Internal ABC helper for cache and registry debugging.\n\nReturn shallow copies of registry, of both caches, and\nnegative cache version. Don't call this function directly,\ninstead use ABC._dump_registry() for a nice repr.",
        ),
        MethodDef::new(
            "_abc_register(self, subclass, /)",
            abc_register,
            "Internal ABC helper for subclasss registration. Should be never used outside abc module.",
        ),
        MethodDef::new(
            "_abc_instancecheck(self, instance, /)",
            instance_check,
            "Internal ABC helper for instance checks. Should be never used outside abc module.",
        ),
        MethodDef::new(
            "_abc_subclasscheck(self, subclass, /)",
            subclass_check,
            "Internal ABC helper for subclasss checks. Should be never used outside abc module.",
        ),
    ],
    types: &[],
    init: Some(|vm, _| {
        typ::ready(vm, &ABC_DATA);
        Ok(())
    }),
};

/// Hashes an address by one multiplication.
#[derive(Default)]
struct AddressHasher(u64);

impl Hasher for AddressHasher {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for &b in bytes {
            self.write_u64(b as u64);
        }
    }
    fn write_u64(&mut self, n: u64) {
        let mixed = (self.0 ^ n).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = mixed ^ mixed >> 32;
    }
}

/// A set of classes that does not keep them alive: address to weak reference.
#[derive(Default)]
struct WeakClasses {
    refs: HashMap<u64, Object, BuildHasherDefault<AddressHasher>>,
    /// Dead ones are swept out when the set has grown to this size.
    sweep_at: usize,
}

impl WeakClasses {
    fn contains(&self, class: &Object) -> bool {
        match self.refs.get(&class.bits()) {
            Some(found) => weakref::get(found).is_some_and(|alive| alive.is(class.value())),
            None => false,
        }
    }
}

/// Adds a class to one of the sets. Nothing is borrowed while objects die.
fn add(vm: &Vm, to: &RefCell<WeakClasses>, class: &Object) -> Result<()> {
    let reference = weakref::new(vm, class)?;
    let mut dead: Vec<Object> = Vec::new();
    {
        let mut classes = to.borrow_mut();
        dead.extend(classes.refs.insert(class.bits(), reference));
        if classes.refs.len() > classes.sweep_at.max(16) {
            let gone: Vec<u64> =
                classes.refs.iter().filter(|(_, r)| weakref::get(r).is_none()).map(|(k, _)| *k).collect();
            for key in gone {
                dead.extend(classes.refs.remove(&key));
            }
            classes.sweep_at = classes.refs.len() * 2;
        }
    }
    drop(dead);
    Ok(())
}

/// Payload of `_abc._abc_data`.
#[derive(Default)]
pub struct AbcData {
    registry: RefCell<WeakClasses>,
    cache: RefCell<WeakClasses>,
    negative: RefCell<WeakClasses>,
    negative_version: Cell<u64>,
}

impl NativeClass for AbcData {
    fn class() -> &'static Type {
        &ABC_DATA
    }
}

pub static ABC_DATA: Type = Type::new::<AbcData>(
    "_abc._abc_data",
    &OBJECT,
    0,
    Slots {
        new: Some(|vm, class, _, _| {
            let data = AbcData::default();
            data.negative_version.set(registrations());
            allocate(vm, class, data)
        }),
        ..Slots::EMPTY
    },
    &[],
    &[],
)
.with_doc("Internal state held by ABC machinery.");

fn data_of(vm: &Vm, class: &Object) -> Result {
    let data = vm.get_attr_str(class, "_abc_impl")?;
    if data.downcast_exact::<AbcData>().is_none() {
        return Err(vm.type_error("_abc_impl is set to a wrong type"));
    }
    Ok(data)
}

// ---- set-up -----------------------------------------------------------------------------

fn abc_init(vm: &Vm, args: &[Object]) -> Result {
    let class = &args[0];
    compute_abstract_methods(vm, class)?;
    let data = AbcData::default();
    data.negative_version.set(registrations());
    let data = allocate(vm, &ABC_DATA, data)?;
    vm.set_attr_str(class, "_abc_impl", &data)?;
    if let Some(ty) = Type::of(class) {
        let key = vm.intern("__abc_tpflags__");
        if let Some(flags) = ty.dict().remove_str(&key) {
            ty.modified();
            if flags.is_int() {
                let both = type_flags::SEQUENCE | type_flags::MAPPING;
                let wanted = flags.as_int() as u64 & both;
                if wanted == both {
                    return Err(vm.type_error(
                        "__abc_tpflags__ cannot be both Py_TPFLAGS_SEQUENCE and Py_TPFLAGS_MAPPING",
                    ));
                }
                ty.flags.set(ty.flags.get() | wanted);
            }
        }
    }
    Ok(Object::NONE)
}

fn compute_abstract_methods(vm: &Vm, class: &Object) -> Result<()> {
    let mut names = Vec::new();
    let namespace = vm.get_attr(class, name::dict.object())?;
    let items = vm.call_method(&namespace, "items", &[])?;
    for item in vm.collect(&items)? {
        let Some(pair) = item.downcast::<Tuple>() else {
            return Err(vm.type_error("Iteration over mapping items must yield tuples"));
        };
        let [key, value] = pair.items() else {
            return Err(vm.type_error("mapping items must be pairs"));
        };
        if is_abstract(vm, value)? {
            names.push(key.clone());
        }
    }
    let bases = vm.get_attr(class, name::bases.object())?;
    let Some(bases) = bases.downcast::<Tuple>() else {
        return Err(vm.type_error("__bases__ is not tuple"));
    };
    for base in bases.items() {
        let Some(inherited) = vm.lookup_attr(base, name::abstractmethods.object())? else { continue };
        for key in vm.collect(&inherited)? {
            if let Some(value) = vm.lookup_attr(class, &key)?
                && is_abstract(vm, &value)?
            {
                names.push(key);
            }
        }
    }
    let frozen = vm.call(&set::FROZENSET.to_object(), &[vm.list(names)])?;
    vm.set_attr(class, name::abstractmethods.object(), &frozen)
}

fn dump_set(vm: &Vm, classes: &RefCell<WeakClasses>) -> Result {
    let refs: Vec<Object> = classes.borrow().refs.values().cloned().collect();
    vm.call(&set::SET.to_object(), &[vm.list(refs)])
}

fn get_dump(vm: &Vm, args: &[Object]) -> Result {
    let data = data_of(vm, &args[0])?;
    let data = this::<AbcData>(&data);
    let sets = [dump_set(vm, &data.registry)?, dump_set(vm, &data.cache)?, dump_set(vm, &data.negative)?];
    let [registry, cache, negative] = sets;
    Ok(tuple::from_array(vm, [registry, cache, negative, vm.u64(data.negative_version.get())]))
}

// ---- registration -----------------------------------------------------------------------

fn set_collection_flag(ty: &Type, flag: u64) {
    let both = type_flags::SEQUENCE | type_flags::MAPPING;
    if ty.has(type_flags::IMMUTABLE) || ty.flags.get() & both == flag {
        return;
    }
    ty.flags.set(ty.flags.get() & !both | flag);
    let Ok(subclasses) = Vm::current().call_method(&ty.to_object(), "__subclasses__", &[]) else {
        drop(Vm::current().take_raised());
        return;
    };
    if let Some(list) = subclasses.downcast::<List>() {
        for subclass in list.to_vec() {
            if let Some(subclass) = Type::of(&subclass) {
                set_collection_flag(subclass, flag);
            }
        }
    }
}

fn abc_register(vm: &Vm, args: &[Object]) -> Result {
    let (class, subclass) = (&args[0], &args[1]);
    let Some(subtype) = Type::of(subclass) else {
        return Err(vm.type_error("Can only register classes"));
    };
    if vm.is_subclass(subclass, class)? {
        return Ok(subclass.clone());
    }
    // The other way round would make a cycle.
    if vm.is_subclass(class, subclass)? {
        return Err(vm.runtime_error("Refusing to create an inheritance cycle"));
    }
    let data = data_of(vm, class)?;
    add(vm, &this::<AbcData>(&data).registry, subclass)?;
    REGISTRATIONS.fetch_add(1, Ordering::Relaxed);
    if let Some(ty) = Type::of(class) {
        let flag = ty.flags.get() & (type_flags::SEQUENCE | type_flags::MAPPING);
        if flag != 0 {
            set_collection_flag(subtype, flag);
        }
    }
    Ok(subclass.clone())
}

// ---- checks -----------------------------------------------------------------------------

fn ask_subclass_check(vm: &Vm, class: &Object, subclass: &Object) -> Result {
    vm.call_method_object(class, name::issubclass.object(), std::slice::from_ref(subclass))
}

fn instance_check(vm: &Vm, args: &[Object]) -> Result {
    let (class, instance) = (&args[0], &args[1]);
    let data = data_of(vm, class)?;
    let data = this::<AbcData>(&data);
    let own = vm.lookup_attr(instance, name::class.object())?;
    let subclass = own.unwrap_or_else(|| instance.ty().to_object());
    if data.cache.borrow().contains(&subclass) {
        return Ok(Object::TRUE);
    }
    let subtype = instance.ty().to_object();
    if subtype.is(subclass.value()) {
        if data.negative_version.get() == registrations() && data.negative.borrow().contains(&subclass) {
            return Ok(Object::FALSE);
        }
        return ask_subclass_check(vm, class, &subclass);
    }
    let answer = ask_subclass_check(vm, class, &subclass)?;
    if vm.is_true(&answer)? {
        return Ok(answer);
    }
    ask_subclass_check(vm, class, &subtype)
}

fn subclass_check(vm: &Vm, args: &[Object]) -> Result {
    let (class, subclass) = (&args[0], &args[1]);
    let Some(subtype) = Type::of(subclass) else {
        return Err(vm.type_error("issubclass() arg 1 must be a class"));
    };
    let data = data_of(vm, class)?;
    let data = this::<AbcData>(&data);
    if data.cache.borrow().contains(subclass) {
        return Ok(Object::TRUE);
    }
    let now = registrations();
    if data.negative_version.get() < now {
        let old = data.negative.take();
        drop(old);
        data.negative_version.set(now);
    } else if data.negative.borrow().contains(subclass) {
        return Ok(Object::FALSE);
    }
    let answer = vm.call_method_object(class, name::subclasshook.object(), std::slice::from_ref(subclass))?;
    if answer.is(Value::TRUE) {
        add(vm, &data.cache, subclass)?;
        return Ok(Object::TRUE);
    }
    if answer.is(Value::FALSE) {
        add(vm, &data.negative, subclass)?;
        return Ok(Object::FALSE);
    }
    if !answer.is(Value::NOT_IMPLEMENTED) {
        return Err(vm.assertion_error("__subclasshook__ must return either False, True, or NotImplemented"));
    }
    if Type::of(class).is_some_and(|ty| subtype.is_subtype(ty)) {
        add(vm, &data.cache, subclass)?;
        return Ok(Object::TRUE);
    }
    let registered: Vec<Object> = data.registry.borrow().refs.values().filter_map(weakref::get).collect();
    for candidate in &registered {
        if vm.is_subclass(subclass, candidate)? {
            add(vm, &data.cache, subclass)?;
            return Ok(Object::TRUE);
        }
    }
    let subclasses = vm.call_method(class, "__subclasses__", &[])?;
    let Some(list) = subclasses.downcast::<List>() else {
        return Err(vm.type_error("__subclasses__() must return a list"));
    };
    let mut i = 0;
    while let Some(candidate) = list.get(i) {
        if vm.is_subclass(subclass, &candidate)? {
            add(vm, &data.cache, subclass)?;
            return Ok(Object::TRUE);
        }
        i += 1;
    }
    add(vm, &data.negative, subclass)?;
    Ok(Object::FALSE)
}
