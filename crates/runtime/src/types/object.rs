//! object: the root of all classes, and what every object inherits from it.

use crate::names::name;
use crate::prelude::*;

/// No payload.
pub struct Plain;
impl NativeClass for Plain {
    fn class() -> &'static Type {
        &OBJECT
    }
}

pub static OBJECT: Type = Type::new::<Plain>(
    "object",
    &OBJECT,
    type_flags::BASE,
    Slots {
        hash: Some(object_hash),
        compare: Some(object_compare),
        getattr: Some(crate::lookup::generic_getattr),
        setattr: Some(crate::lookup::generic_setattr),
        init: Some(object_init),
        new: Some(object_new),
        ..Slots::EMPTY.repr(object_repr).str(|vm, o| vm.repr(o))
    },
    &[
        MethodDef::new("__reduce_ex__($self, protocol, /)", object_reduce_ex, "Helper for pickle."),
        MethodDef::new("__reduce__($self, /)", |vm, args| reduce(vm, &args[0], 0), "Helper for pickle."),
        MethodDef::new("__getstate__($self, /)", |vm, args| default_state(vm, &args[0], false), "Helper for pickle."),
        MethodDef::new("__subclasshook__($type, object, /)", |_, _| Ok(Object::NOT_IMPLEMENTED), "Abstract classes can override this to customize issubclass().\n\nThis is invoked early on by abc.ABCMeta.__subclasscheck__().\nIt should return True, False or NotImplemented.  If it returns\nNotImplemented, the normal algorithm is used.  Otherwise, it\noverrides the normal algorithm (and the outcome is cached).").class_method(),
        MethodDef::new("__init_subclass__($type, /)", |_, _| Ok(Object::NONE), "This method is called when a class is subclassed.\n\nThe default implementation does nothing. It may be\noverridden to extend subclasses.").class_method(),
        MethodDef::new("__format__($self, format_spec, /)", object_format, "Default object formatter.\n\nReturn str(self) if format_spec is empty. Raise TypeError otherwise."),
        MethodDef::new("__sizeof__($self, /)", |vm, args| Ok(vm.usize(crate::alloc::own_size(&args[0]))), "Size of object in memory, in bytes."),
        MethodDef::new("__dir__($self, /)", object_dir, "Default dir() implementation."),
    ],
    &[GetSetDef::new("__class__", |_, o| Ok(o.ty().to_object())).with_set(set_class).with_doc("the object's class")],
)
.with_doc("The base class of the class hierarchy.\n\nWhen called, it accepts no arguments and returns a new featureless\ninstance that has no instance attributes and cannot be given any.\n");

/// `object.__repr__`.
pub fn object_repr(vm: &Vm, object: &Object) -> Result {
    let class = object.ty().to_object();
    let module = vm.lookup_attr(&class, name::module.object())?;
    let qualname = vm.get_attr(&class, name::qualname.object())?;
    let qualname = vm.str_lossy(&qualname);
    let address = object.bits();
    match module {
        Some(m) if m.downcast::<Str>().is_some() && vm.str_lossy(&m) != "builtins" => {
            Ok(vm.str(&format!("<{}.{qualname} object at {address:#x}>", vm.str_lossy(&m))))
        }
        _ => Ok(vm.str(&format!("<{qualname} object at {address:#x}>"))),
    }
}

fn object_hash(_: &Vm, object: &Object) -> Result<i64> {
    Ok(identity_hash(object))
}

/// Hash by address, as `object.__hash__`.
pub fn identity_hash(object: &Object) -> i64 {
    object.bits().rotate_right(4) as i64
}

// The functions are compared with those in the slots: what is small may have several addresses.

/// Is the type's hash `object`'s?
#[inline]
pub fn hashes_by_identity(ty: &Type) -> bool {
    ty.slots().hash.map(|hash| hash as usize) == OBJECT.slots().hash.map(|hash| hash as usize)
}

/// Is the type's comparison `object`'s?
#[inline]
pub fn compares_by_identity(ty: &Type) -> bool {
    ty.slots().compare.map(|compare| compare as usize)
        == OBJECT.slots().compare.map(|compare| compare as usize)
}

fn object_compare(vm: &Vm, a: &Object, b: &Object, op: CompareOp) -> Result {
    match op {
        CompareOp::Eq => Ok(if a.value() == b.value() { Object::TRUE } else { Object::NOT_IMPLEMENTED }),
        CompareOp::Ne => {
            let Some(compare) = a.ty().slots().compare else { return Ok(Object::NOT_IMPLEMENTED) };
            let equal = compare(vm, a, b, CompareOp::Eq)?;
            if equal.is(Value::NOT_IMPLEMENTED) {
                return Ok(equal);
            }
            Ok(Object::bool(!vm.is_true(&equal)?))
        }
        _ => Ok(Object::NOT_IMPLEMENTED),
    }
}

fn is_new(ty: &Type) -> bool {
    ty.slots().new.map(|f| f as usize) == OBJECT.slots().new.map(|f| f as usize)
}
fn is_init(ty: &Type) -> bool {
    ty.slots().init.map(|f| f as usize) == OBJECT.slots().init.map(|f| f as usize)
}

fn object_init(vm: &Vm, object: &Object, args: &[Object], _kwnames: &[Object]) -> Result<()> {
    if !args.is_empty() {
        let ty = object.ty();
        if !is_init(ty) {
            return Err(
                vm.type_error("object.__init__() takes exactly one argument (the instance to initialize)")
            );
        }
        if is_new(ty) {
            return Err(vm.type_error(format!(
                "{}.__init__() takes exactly one argument (the instance to initialize)",
                ty.name()
            )));
        }
    }
    Ok(())
}

fn object_new(vm: &Vm, class: &Type, args: &[Object], _kwnames: &[Object]) -> Result {
    if !args.is_empty() {
        if !is_new(class) {
            return Err(
                vm.type_error("object.__new__() takes exactly one argument (the type to instantiate)")
            );
        }
        if is_init(class) {
            return Err(vm.type_error(format!("{}() takes no arguments", class.name())));
        }
    }
    if class.has(type_flags::ABSTRACT) {
        return Err(abstract_error(vm, class));
    }
    vm.try_alloc(class, Plain).ok_or_else(|| vm.memory_error())
}

#[cold]
fn abstract_error(vm: &Vm, class: &Type) -> Raised {
    let names = (|| -> Result<Vec<String>> {
        let set = vm.get_attr(&class.to_object(), name::abstractmethods.object())?;
        let mut names = Vec::new();
        for item in vm.collect(&set)? {
            names.push(vm.str_lossy(&item));
        }
        names.sort();
        Ok(names)
    })();
    let names = match names {
        Ok(names) => names,
        Err(raised) => return raised,
    };
    let plural = if names.len() == 1 { "" } else { "s" };
    let list: Vec<String> = names.iter().map(|n| format!("'{n}'")).collect();
    vm.type_error(format!(
        "Can't instantiate abstract class {} without an implementation for abstract method{plural} {}",
        class.name(),
        list.join(", ")
    ))
}

fn object_format(vm: &Vm, args: &[Object]) -> Result {
    let Some(spec) = args[1].downcast::<Str>() else {
        return Err(vm.type_error(format!("__format__() argument must be str, not {}", args[1].ty().name())));
    };
    if !spec.is_empty() {
        return Err(vm.type_error(format!(
            "unsupported format string passed to {}.__format__",
            args[0].ty().full_name()
        )));
    }
    vm.str_of(&args[0])
}

/// `__dict__` of instances, as a getter for native types that have one.
pub fn get_dict(vm: &Vm, object: &Object) -> Result {
    match crate::lookup::instance_dict(vm, object) {
        Some(dict) => Ok(dict),
        None => Err(vm.no_attribute(object, name::dict.object())),
    }
}

/// Setter beside [`get_dict`].
pub fn set_dict(vm: &Vm, object: &Object, value: Option<&Object>) -> Result<()> {
    let Some(value) = value else { return Err(vm.type_error("cannot delete __dict__")) };
    if value.downcast::<Dict>().is_none() {
        return Err(
            vm.type_error(format!("__dict__ must be set to a dictionary, not a '{}'", value.ty().name()))
        );
    }
    crate::lookup::set_instance_dict(vm, object, value.clone());
    Ok(())
}

/// Setter of classes made by Python code: theirs can be deleted, a new one comes.
pub fn replace_dict(vm: &Vm, object: &Object, value: Option<&Object>) -> Result<()> {
    if object.is_instance_of(&crate::types::typ::TYPE) {
        return Err(vm.error(&exc::ATTRIBUTE_ERROR, "attribute '__dict__' of 'type' objects is not writable"));
    }
    if object.is_instance_of(&crate::types::module::MODULE) {
        return Err(vm.error(&exc::ATTRIBUTE_ERROR, "readonly attribute"));
    }
    match value {
        Some(_) => set_dict(vm, object, value),
        None => {
            crate::lookup::set_instance_dict(vm, object, vm.new_dict());
            Ok(())
        }
    }
}

fn set_class(vm: &Vm, object: &Object, value: Option<&Object>) -> Result<()> {
    let Some(value) = value else { return Err(vm.type_error("can't delete __class__ attribute")) };
    let Some(new) = Type::of(value) else {
        return Err(
            vm.type_error(format!("__class__ must be set to a class, not '{}' object", value.ty().name()))
        );
    };
    let old = object.ty();
    let module = &crate::types::module::MODULE;
    let both_modules = new.is_subtype(module) && old.is_subtype(module);
    if !both_modules && (!new.is_heap() || !old.is_heap()) {
        return Err(
            vm.type_error("__class__ assignment only supported for mutable types or ModuleType subclasses")
        );
    }
    let same_layout = std::ptr::eq(new.native.get(), old.native.get())
        && new.payload_size.get() == old.payload_size.get()
        && new.dict_offset.get() == old.dict_offset.get()
        && new.extra().slot_offsets == old.extra().slot_offsets
        && new.has(type_flags::WEAKREFABLE) == old.has(type_flags::WEAKREFABLE)
        && same_slots(vm, old, new);
    if !same_layout {
        return Err(vm.type_error(format!(
            "__class__ assignment: '{}' object layout differs from '{}'",
            new.name(),
            old.name()
        )));
    }
    let Some(header) = object.header() else { return Ok(()) };
    // Inline values follow the old class's key order: put them into a dict.
    drop(crate::lookup::instance_dict(vm, object));
    if new.inline_capacity.get() as u32 > header.flags() >> crate::alloc::INLINE_SHIFT {
        new.flags.set(new.flags.get() & !type_flags::INLINE_VALUES);
        new.modified();
    }
    let old_object = old.to_object();
    // SAFETY: instances of heap types hold one count of their type.
    unsafe {
        if new.is_heap() {
            taipan_object::object::incref(value.value());
        }
        header.set_ty(&new.head);
        if old_object.is_instance_of(&crate::types::typ::TYPE) && old.is_heap() {
            taipan_object::object::decref(old_object.value());
        }
    }
    Ok(())
}

/// Do two classes with equal offsets also name their slots alike?
fn same_slots(vm: &Vm, a: &Type, b: &Type) -> bool {
    let names = |t: &Type| -> Vec<String> {
        let mut names = Vec::new();
        for class in t.mro() {
            for (key, value) in class.dict().items() {
                if value.downcast::<crate::types::native_function::Member>().is_some_and(|m| m.is_slot()) {
                    names.push(vm.str_lossy(&key));
                }
            }
        }
        names.sort();
        names
    };
    names(a) == names(b)
}

fn object_dir(vm: &Vm, args: &[Object]) -> Result {
    let object = &args[0];
    let all = vm.new_dict();
    let Some(d) = all.downcast::<Dict>() else { return Ok(all) };
    if let Some(own) = vm.lookup_attr(object, name::dict.object())?
        && let Some(own) = own.downcast::<Dict>()
    {
        d.merge(vm, own, true)?;
    }
    if let Some(class) = vm.lookup_attr(object, name::class.object())? {
        merge_class_dict(vm, d, &class)?;
    }
    let names = d.items().into_iter().map(|(key, _)| key).collect();
    Ok(vm.list(names))
}

/// Adds the attribute names of a class and its bases.
pub fn merge_class_dict(vm: &Vm, into: &Dict, class: &Object) -> Result<()> {
    vm.check_native_stack("")?;
    if let Some(own) = vm.lookup_attr(class, name::dict.object())? {
        let keys = vm.call_method(&own, "keys", &[])?;
        vm.for_each(&keys, |key| into.set(vm, &key, Object::NONE))?;
    }
    if let Some(bases) = vm.lookup_attr(class, name::bases.object())?
        && let Some(bases) = bases.downcast::<Tuple>()
    {
        for base in bases.items() {
            merge_class_dict(vm, into, base)?;
        }
    }
    Ok(())
}

// ---- pickling ---------------------------------------------------------------------

fn object_reduce_ex(vm: &Vm, args: &[Object]) -> Result {
    let object = &args[0];
    let protocol = vm.to_c_int(&args[1])?;
    let class = object.ty();
    if let Some(found) = class.lookup_owned(vm, name::reduce.object()) {
        let own = OBJECT.dict().get_str(name::reduce.object());
        if Some(found.value()) != own {
            let method = vm.get_attr(object, name::reduce.object())?;
            return vm.call(&method, &[]);
        }
    }
    reduce(vm, object, protocol)
}

/// The module, which is almost always in `sys.modules`.
fn copyreg(vm: &Vm) -> Result {
    let modules = vm.interp().modules.clone();
    match modules.downcast::<Dict>().and_then(|d| d.get_str_owned(name::copyreg.object())) {
        Some(found) => Ok(found),
        None => vm.import_module("copyreg"),
    }
}

fn reduce(vm: &Vm, object: &Object, protocol: i32) -> Result {
    let copyreg = copyreg(vm)?;
    if protocol < 2 {
        let helper = vm.get_attr_str(&copyreg, "_reduce_ex")?;
        return vm.call(&helper, &[object.clone(), vm.int(protocol as i64)]);
    }
    reduce_newobj(vm, object, &copyreg)
}

fn reduce_newobj(vm: &Vm, object: &Object, copyreg: &Object) -> Result {
    let class = object.ty().to_object();
    if object.ty().is(&crate::types::code::CODE) {
        return Err(vm.type_error("cannot pickle code objects"));
    }
    if object.ty().slots().new.is_none() {
        return Err(vm.type_error(format!("cannot pickle '{}' object", object.ty().full_name())));
    }
    let mut kwargs = Object::NONE;
    let mut args: Option<Object> = None;
    if let Some(result) = vm.call_special(object, name::getnewargs_ex.object(), &[])? {
        let Some(pair) = result.downcast::<Tuple>() else {
            return Err(vm.type_error(format!(
                "__getnewargs_ex__ should return a tuple, not '{}'",
                result.ty().name()
            )));
        };
        if pair.len() != 2 {
            return Err(vm.value_error(format!(
                "__getnewargs_ex__ should return a tuple of length 2, not {}",
                pair.len()
            )));
        }
        if pair.items()[0].downcast::<Tuple>().is_none() {
            return Err(vm.type_error(format!(
                "first item of the tuple returned by __getnewargs_ex__ must be a tuple, not '{}'",
                pair.items()[0].ty().name()
            )));
        }
        if pair.items()[1].downcast::<Dict>().is_none() {
            return Err(vm.type_error(format!(
                "second item of the tuple returned by __getnewargs_ex__ must be a dict, not '{}'",
                pair.items()[1].ty().name()
            )));
        }
        args = Some(pair.items()[0].clone());
        kwargs = pair.items()[1].clone();
    } else if let Some(result) = vm.call_special(object, name::getnewargs.object(), &[])? {
        if result.downcast::<Tuple>().is_none() {
            return Err(
                vm.type_error(format!("__getnewargs__ should return a tuple, not '{}'", result.ty().name()))
            );
        }
        args = Some(result);
    }
    let has_args = args.is_some();
    let (maker, maker_args) = match kwargs.downcast::<Dict>() {
        Some(kw) if !kw.is_empty() => {
            let maker = vm.get_attr(copyreg, name::newobj_ex.object())?;
            (maker, vm.tuple(vec![class, args.unwrap_or_else(|| vm.tuple(Vec::new())), kwargs.clone()]))
        }
        _ => {
            let maker = vm.get_attr(copyreg, name::newobj.object())?;
            let mut all = vec![class];
            if let Some(args) = args
                && let Some(args) = args.downcast::<Tuple>()
            {
                all.extend_from_slice(args.items());
            }
            (maker, vm.tuple(all))
        }
    };
    let required = !has_args && !object.ty().has(type_flags::LIST_SUBCLASS | type_flags::DICT_SUBCLASS);
    let state = get_state(vm, object, required)?;
    let list_items = if object.ty().has(type_flags::LIST_SUBCLASS) { vm.iter(object)? } else { Object::NONE };
    let dict_items = if object.ty().has(type_flags::DICT_SUBCLASS) {
        vm.iter(&vm.call_method(object, "items", &[])?)?
    } else {
        Object::NONE
    };
    Ok(vm.tuple(vec![maker, maker_args, state, list_items, dict_items]))
}

fn get_state(vm: &Vm, object: &Object, required: bool) -> Result {
    let method = vm.get_attr(object, name::getstate.object())?;
    let native = method
        .downcast::<crate::types::native_function::NativeFunction>()
        .is_some_and(|f| f.owner.is_some_and(|o| o.is(&OBJECT)) && f.object.value() == object.value());
    if native {
        return default_state(vm, object, required);
    }
    vm.call(&method, &[])
}

/// The names of the slots of a class (as `copyreg` finds and remembers them),
/// a list or None.
fn slot_names(vm: &Vm, ty: &Type) -> Result {
    let right = |names: &Object| names.is_none() || names.downcast::<List>().is_some();
    if let Some(names) = ty.dict().get_str_owned(name::slotnames.object()) {
        if !right(&names) {
            return Err(vm.type_error(format!(
                "{}.__slotnames__ should be a list or None, not {}",
                ty.name(),
                names.ty().name()
            )));
        }
        return Ok(names);
    }
    let helper = vm.get_attr_str(&copyreg(vm)?, "_slotnames")?;
    let names = vm.call(&helper, &[ty.to_object()])?;
    if !right(&names) {
        return Err(vm.type_error("copyreg._slotnames didn't return a list or None"));
    }
    Ok(names)
}

fn default_state(vm: &Vm, object: &Object, required: bool) -> Result {
    let ty = object.ty();
    let native_size = {
        // SAFETY: `native` of a ready type is a static type.
        let native = unsafe { &*ty.native.get() };
        native.payload_size.get()
    };
    let slot_names = slot_names(vm, ty)?;
    if required {
        let name = ty.full_name();
        if name == "memoryview" {
            return Err(vm.type_error("cannot pickle memoryview objects"));
        }
        // More than attributes: what it is nobody can say.
        let opaque = native_size > size_of::<Header>() || ty.is_subtype(&crate::types::module::MODULE);
        if opaque && !ty.is_subtype(&exc::BASE_EXCEPTION) {
            return Err(vm.type_error(format!("cannot pickle '{name}' object")));
        }
    }
    let mut state =
        match crate::alloc::dict_word(object).and_then(|_| crate::lookup::instance_dict(vm, object)) {
            Some(dict) if dict.downcast::<Dict>().is_some_and(|d| !d.is_empty()) => dict,
            _ => Object::NONE,
        };
    if let Some(names) = slot_names.downcast::<List>()
        && !names.is_empty()
    {
        let slots = vm.new_dict();
        for slot in names.to_vec() {
            if let Some(value) = vm.lookup_attr(object, &slot)? {
                vm.set_item(&slots, &slot, &value)?;
            }
        }
        if slots.downcast::<Dict>().is_some_and(|d| !d.is_empty()) {
            state = vm.tuple(vec![state, slots]);
        }
    }
    Ok(state)
}
