//! type: making classes, method resolution order, and the attributes of
//! classes themselves.

use crate::alloc::{DICT_AT_END, SLOTS_AT_END};
use crate::lookup::{generic_setattr, instance_get};
use crate::names::name;
use crate::prelude::*;
use crate::slots;
use crate::types::{descriptors, function, native_function};
use taipan_object::Header;

/// Type objects have [`Type`] itself as their memory; this stands for it in
/// the table of payloads.
pub struct TypePayload {
    _rest: [u8; size_of::<Type>() - size_of::<Header>()],
}

impl NativeClass for TypePayload {
    fn class() -> &'static Type {
        &TYPE
    }
    fn traverse(&self, visitor: &mut Visitor) {
        let ty = self.as_type();
        let extra = ty.extra();
        visitor.visit_object(&extra.dict);
        visitor.visit_object(&extra.bases);
        visitor.visit_object(&extra.mro);
        visitor.visit_option(&extra.qualname);
        visitor.visit_option(&extra.name_object);
        visitor.visit_option(&extra.native_data);
    }
    fn clear(&self) {
        let ty = self.as_type();
        ty.modified();
        if let Some(dict) = ty.extra().dict.downcast::<Dict>() {
            dict.clear();
        }
        drop(ty.update_extra(|extra| std::mem::replace(&mut extra.mro, Object::UNBOUND)));
    }
}

impl TypePayload {
    fn as_type(&self) -> &Type {
        // SAFETY: the payload lies right behind the header of a Type.
        unsafe { &*((self as *const TypePayload as *const Header).sub(1) as *const Type) }
    }
}

impl Drop for TypePayload {
    fn drop(&mut self) {
        let ty = self.as_type();
        // Deregister from the bases, then drop what the type owns.
        if let Some(bases) = ty.extra().bases.downcast::<Tuple>() {
            for base in bases.items() {
                if let Some(base) = Type::of(base) {
                    base.remove_subclass(ty);
                }
            }
        }
        // SAFETY: the type dies; its memory past the header is dropped exactly once.
        unsafe {
            let ty = ty as *const Type as *mut Type;
            Type::drop_parts(ty);
        }
    }
}

pub static TYPE: Type = Type::new::<TypePayload>(
    "type",
    &crate::types::object::OBJECT,
    type_flags::BASE | type_flags::HAVE_GC | type_flags::TYPE_SUBCLASS | type_flags::WEAKREFABLE,
    Slots {
        call: Some(type_call),
        getattr: Some(type_getattr),
        setattr: Some(type_setattr),
        init: Some(type_init),
        new: Some(type_new),
        binary: {
            let mut binary: [Option<crate::ty::BinaryFn>; BinaryOp::COUNT] = [None; BinaryOp::COUNT];
            binary[BinaryOp::Or as usize] = Some(crate::types::union::or_types);
            binary
        },
        ..Slots::EMPTY.repr(type_repr)
    },
    &[
        MethodDef::new(
            "mro($self, /)",
            |vm, args| {
                let mro = compute_mro(vm, this(&args[0]))?;
                Ok(vm.list(mro))
            },
            "Return a type's method resolution order.",
        ),
        MethodDef::new(
            "__subclasses__($self, /)",
            |vm, args| {
                let list = this(&args[0]).subclasses();
                // SAFETY: subclasses deregister when they die.
                Ok(vm.list(list.iter().map(|&s| unsafe { (*s).to_object() }).collect()))
            },
            "Return a list of immediate subclasses.",
        ),
        MethodDef::raw(
            "__prepare__($cls, name, bases, /, **kwds)",
            |vm, _, _| Ok(vm.new_dict()),
            "Create the namespace for the class statement",
        )
        .class_method(),
        MethodDef::new(
            "__instancecheck__($self, instance, /)",
            |vm, args| vm.real_is_instance(&args[1], &args[0]).map(Object::bool),
            "Check if an object is an instance.",
        ),
        MethodDef::new(
            "__subclasscheck__($self, subclass, /)",
            |vm, args| vm.real_is_subclass(&args[1], &args[0]).map(Object::bool),
            "Check if a class is a subclass.",
        ),
        MethodDef::new(
            "__dir__($self, /)",
            |vm, args| {
                let all = vm.new_dict();
                if let Some(d) = all.downcast::<Dict>() {
                    crate::types::object::merge_class_dict(vm, d, &args[0])?;
                    return Ok(vm.list(d.items().into_iter().map(|(key, _)| key).collect()));
                }
                Ok(all)
            },
            "Specialized __dir__ implementation for types.",
        ),
        MethodDef::new(
            "__sizeof__($self, /)",
            |vm, _| Ok(vm.usize(size_of::<Type>())),
            "Return memory consumption of the type object.",
        ),
    ],
    &[
        GetSetDef::new("__name__", |vm, t| Ok(name_of(vm, this(t)))).with_set(set_name),
        GetSetDef::new("__qualname__", |vm, t| Ok(qualname_of(vm, this(t)))).with_set(set_qualname),
        GetSetDef::new("__module__", |vm, t| module_of(vm, this(t))).with_set(set_module),
        GetSetDef::new("__bases__", |_, t| Ok(this(t).extra().bases.clone())).with_set(set_bases),
        GetSetDef::new("__base__", |_, t| Ok(this(t).base().map_or(Object::NONE, |b| b.to_object()))),
        GetSetDef::new("__mro__", |_, t| Ok(this(t).extra().mro.bound().cloned().unwrap_or(Object::NONE))),
        GetSetDef::new("__dict__", |vm, t| Ok(crate::types::mappingproxy::new(vm, &this(t).extra().dict))),
        GetSetDef::new("__doc__", get_doc).with_set(set_doc),
        GetSetDef::new("__text_signature__", |vm, t| {
            let ty = this(t);
            if ty.is_heap() {
                return Ok(Object::NONE);
            }
            Ok(crate::builtins::signatures::of_type(vm, ty))
        }),
        GetSetDef::new("__abstractmethods__", |vm, t| {
            match this(t).dict().get_str_owned(name::abstractmethods.object()) {
                Some(value) if !this(t).is(&TYPE) => Ok(value),
                _ => Err(vm.attribute_error("__abstractmethods__", t, name::abstractmethods.object())),
            }
        })
        .with_set(set_abstractmethods),
        GetSetDef::new("__annotations__", get_annotations).with_set(set_annotations),
        GetSetDef::new("__annotate__", get_annotate).with_set(set_annotate),
        GetSetDef::new("__type_params__", |vm, t| {
            match this(t).dict().get_str_owned(name::type_params.object()) {
                Some(params) if !this(t).is(&TYPE) => Ok(params),
                _ => Ok(vm.tuple(Vec::new())),
            }
        })
        .with_set(|vm, t, value| {
            let value = check_set(vm, this(t), "__type_params__", value)?;
            set_dict_entry(vm, this(t), name::type_params.object(), Some(&value));
            Ok(())
        }),
        GetSetDef::new("__flags__", |vm, t| {
            // CPython makes the types of `typing` at run time, and `copyreg` asks.
            let typing = this(t).full_name().starts_with("typing.") && !this(t).is_heap();
            let heap = if typing { type_flags::HEAP } else { 0 };
            Ok(vm.int(((this(t).flags.get() | heap) & 0xffff_ffff) as i64))
        }),
        GetSetDef::new("__basicsize__", |vm, t| Ok(vm.usize(this(t).instance_size.get()))),
        GetSetDef::new("__itemsize__", |vm, t| {
            let native = this(t);
            Ok(vm.int(if native.has(type_flags::TUPLE_SUBCLASS | type_flags::TYPE_SUBCLASS) {
                8
            } else if native.has(type_flags::LONG_SUBCLASS) {
                4
            } else if native.has(type_flags::BYTES_SUBCLASS) {
                1
            } else {
                0
            }))
        }),
        GetSetDef::new("__dictoffset__", |vm, t| {
            let offset = this(t).dict_offset.get();
            Ok(vm.int(if offset == 0 {
                0
            } else if offset == DICT_AT_END {
                -1
            } else {
                offset as i64
            }))
        }),
        GetSetDef::new("__weakrefoffset__", |vm, t| {
            Ok(vm.int(if this(t).has(type_flags::WEAKREFABLE) { 16 } else { 0 }))
        }),
    ],
)
.with_doc("type(object) -> the object's type\ntype(name, bases, dict, **kwds) -> a new type");

fn this(object: &Object) -> &Type {
    // SAFETY: slots and methods of type are only called on types.
    unsafe { Type::from_object_unchecked(object) }
}

// ---- names --------------------------------------------------------------------------

fn name_of(vm: &Vm, ty: &Type) -> Object {
    match &ty.extra().name_object {
        Some(object) => object.clone(),
        None => vm.str(ty.name()),
    }
}

fn qualname_of(vm: &Vm, ty: &Type) -> Object {
    match &ty.extra().qualname {
        Some(object) => object.clone(),
        None => vm.str(ty.name()),
    }
}

/// `__module__` of a class.
pub fn module_of(vm: &Vm, ty: &Type) -> Result {
    if ty.is_heap() {
        return match ty.dict().get_str_owned(name::module.object()) {
            Some(module) => Ok(module),
            None => Err(vm.attribute_error("__module__", &ty.to_object(), name::module.object())),
        };
    }
    if let Some(module) = ty.dict().get_str_owned(name::module.object())
        && module.downcast::<Str>().is_some()
    {
        return Ok(module);
    }
    Ok(match ty.full_name().rsplit_once('.') {
        Some((module, _)) => vm.intern(module),
        None => name::builtins_plain.object().clone(),
    })
}

fn check_mutable(vm: &Vm, ty: &Type, attr: &str) -> Result<()> {
    if ty.has(type_flags::IMMUTABLE) {
        return Err(
            vm.type_error(format!("cannot set '{attr}' attribute of immutable type '{}'", ty.full_name()))
        );
    }
    Ok(())
}

fn check_set(vm: &Vm, ty: &Type, attr: &str, value: Option<&Object>) -> Result {
    check_mutable(vm, ty, attr)?;
    match value {
        Some(value) => Ok(value.clone()),
        None => Err(
            vm.type_error(format!("cannot delete '{attr}' attribute of immutable type '{}'", ty.full_name()))
        ),
    }
}

fn set_name(vm: &Vm, t: &Object, value: Option<&Object>) -> Result<()> {
    let ty = this(t);
    let value = check_set(vm, ty, "__name__", value)?;
    let Some(s) = value.downcast::<Str>() else {
        return Err(vm.type_error(format!(
            "can only assign string to {}.__name__, not '{}'",
            ty.name(),
            value.ty().name()
        )));
    };
    if s.chars().any(|c| c == 0) {
        return Err(vm.value_error("type name must not contain null characters"));
    }
    check_encodable(vm, &value)?;
    ty.set_name(vm.str_lossy(&value));
    drop(ty.update_extra(|extra| extra.name_object.replace(value)));
    Ok(())
}

/// CPython keeps names and documentation of classes as UTF-8, too.
fn check_encodable(vm: &Vm, text: &Object) -> Result<()> {
    if text.downcast::<Str>().is_some_and(|s| s.chars().any(|c| (0xd800..0xe000).contains(&c))) {
        vm.call_method(text, "encode", &[])?;
    }
    Ok(())
}

fn set_qualname(vm: &Vm, t: &Object, value: Option<&Object>) -> Result<()> {
    let ty = this(t);
    let value = check_set(vm, ty, "__qualname__", value)?;
    if value.downcast::<Str>().is_none() {
        return Err(vm.type_error(format!(
            "can only assign string to {}.__qualname__, not '{}'",
            ty.name(),
            value.ty().name()
        )));
    }
    drop(ty.update_extra(|extra| extra.qualname.replace(value)));
    Ok(())
}

fn set_dict_entry(vm: &Vm, ty: &Type, key: &Object, value: Option<&Object>) {
    ty.modified();
    match value {
        Some(value) => ty.dict().set_str(vm, key, value.clone()),
        None => drop(ty.dict().remove_str(key)),
    }
}

fn set_module(vm: &Vm, t: &Object, value: Option<&Object>) -> Result<()> {
    let value = check_set(vm, this(t), "__module__", value)?;
    set_dict_entry(vm, this(t), name::module.object(), Some(&value));
    drop(this(t).dict().remove_str(name::firstlineno.object()));
    Ok(())
}

fn get_doc(vm: &Vm, t: &Object) -> Result {
    let ty = this(t);
    if !ty.is_heap() {
        return Ok(match ty.doc() {
            Some(text) => vm.str(without_signature(text)),
            None => Object::NONE,
        });
    }
    match ty.dict().get_str_owned(name::doc.object()) {
        Some(doc) => match doc.ty().slots().descr_get {
            Some(get) => get(vm, &doc, None, Some(t)),
            None => Ok(doc),
        },
        None => Ok(Object::NONE),
    }
}

/// A doc without the signature that may stand in front of it.
fn without_signature(doc: &str) -> &str {
    doc.split_once("\n--\n\n").map_or(doc, |(_, doc)| doc)
}

fn set_doc(vm: &Vm, t: &Object, value: Option<&Object>) -> Result<()> {
    let value = check_set(vm, this(t), "__doc__", value)?;
    set_dict_entry(vm, this(t), name::doc.object(), Some(&value));
    Ok(())
}

fn set_abstractmethods(vm: &Vm, t: &Object, value: Option<&Object>) -> Result<()> {
    let ty = this(t);
    let abstract_now = match value {
        Some(value) => vm.is_true(value)?,
        None => {
            if !ty.dict().contains_str(name::abstractmethods.object()) {
                return Err(vm.attribute_error("__abstractmethods__", t, name::abstractmethods.object()));
            }
            false
        }
    };
    set_dict_entry(vm, ty, name::abstractmethods.object(), value);
    let flags = ty.flags.get() & !type_flags::ABSTRACT;
    ty.flags.set(flags | if abstract_now { type_flags::ABSTRACT } else { 0 });
    Ok(())
}

fn get_annotate(vm: &Vm, t: &Object) -> Result {
    let ty = this(t);
    if !ty.is_heap() {
        return Err(vm.attribute_error(
            format!("type object '{}' has no attribute '__annotate__'", ty.name()),
            t,
            name::annotate.object(),
        ));
    }
    let found = ty
        .dict()
        .get_str_owned(name::annotate.object())
        .or_else(|| ty.dict().get_str_owned(name::annotate_func.object()));
    match found {
        Some(annotate) => match annotate.ty().slots().descr_get {
            Some(get) if !annotate.is_none() => get(vm, &annotate, None, Some(t)),
            _ => Ok(annotate),
        },
        None => Ok(Object::NONE),
    }
}

fn set_annotate(vm: &Vm, t: &Object, value: Option<&Object>) -> Result<()> {
    let ty = this(t);
    let Some(value) = value else {
        return Err(vm.type_error("cannot delete __annotate__ attribute"));
    };
    check_mutable(vm, ty, "__annotate__")?;
    if !value.is_none() && !vm.is_callable(value) {
        return Err(vm.type_error("__annotate__ must be callable or None"));
    }
    set_dict_entry(vm, ty, name::annotate_func.object(), Some(value));
    if !value.is_none() {
        set_dict_entry(vm, ty, name::annotations_cache.object(), None);
    }
    Ok(())
}

fn get_annotations(vm: &Vm, t: &Object) -> Result {
    let ty = this(t);
    let absent = |vm: &Vm| {
        vm.attribute_error(
            format!("type object '{}' has no attribute '__annotations__'", ty.name()),
            t,
            name::annotations.object(),
        )
    };
    if !ty.is_heap() {
        return Err(absent(vm));
    }
    let found = ty
        .dict()
        .get_str_owned(name::annotations.object())
        .or_else(|| ty.dict().get_str_owned(name::annotations_cache.object()));
    if let Some(found) = found {
        return match found.ty().slots().descr_get {
            Some(get) => get(vm, &found, None, Some(t)),
            None => Ok(found),
        };
    }
    let annotate = get_annotate(vm, t)?;
    let made = if annotate.is_none() {
        vm.new_dict()
    } else {
        let made = vm.call(&annotate, &[vm.int(1)])?;
        if made.downcast::<Dict>().is_none() {
            return Err(
                vm.type_error(format!("__annotate__ returned non-dict of type '{}'", made.ty().name()))
            );
        }
        made
    };
    set_dict_entry(vm, ty, name::annotations_cache.object(), Some(&made));
    Ok(made)
}

fn set_annotations(vm: &Vm, t: &Object, value: Option<&Object>) -> Result<()> {
    let ty = this(t);
    check_mutable(vm, ty, "__annotations__")?;
    let plain = ty.dict().contains_str(name::annotations.object());
    match value {
        Some(_) => {
            let key = if plain { name::annotations } else { name::annotations_cache };
            set_dict_entry(vm, ty, key.object(), value);
        }
        None => {
            let cached = ty.dict().contains_str(name::annotations_cache.object());
            if !plain && !cached {
                return Err(vm.attribute_error("__annotations__", t, name::annotations.object()));
            }
            let key = if plain { name::annotations } else { name::annotations_cache };
            set_dict_entry(vm, ty, key.object(), None);
        }
    }
    set_dict_entry(vm, ty, name::annotate_func.object(), None);
    set_dict_entry(vm, ty, name::annotate.object(), None);
    Ok(())
}

fn type_repr(vm: &Vm, t: &Object) -> Result {
    let ty = this(t);
    let module = module_of(vm, ty).ok();
    drop(if module.is_none() { vm.take_raised() } else { None });
    let qualname = vm.str_lossy(&qualname_of(vm, ty));
    match module {
        Some(m) if m.downcast::<Str>().is_some() && vm.str_lossy(&m) != "builtins" => {
            Ok(vm.str(&format!("<class '{}.{qualname}'>", vm.str_lossy(&m))))
        }
        _ => Ok(vm.str(&format!("<class '{qualname}'>"))),
    }
}

// ---- attributes of classes ---------------------------------------------------------------

/// `type.__getattribute__`.
fn type_getattr(vm: &Vm, t: &Object, attr: &Object) -> Result {
    match type_lookup(vm, t, attr)? {
        Some(found) => Ok(found),
        None => Err(vm.no_attribute(t, attr)),
    }
}

/// Are attributes of classes of this metaclass looked up as those of `type`'s are?
pub fn looks_up_plainly(metaclass: &Type) -> bool {
    // Compared slot with slot: a function may have several addresses.
    let address = |class: &Type| class.slots().getattr.map(|get| get as usize);
    address(metaclass) == address(&TYPE)
}

/// As [`type_getattr`]; None if there is no such attribute.
pub fn type_lookup(vm: &Vm, t: &Object, attr: &Object) -> Result<Option<Object>> {
    let ty = this(t);
    let meta = t.ty();
    let meta_found = meta.lookup_owned(vm, attr);
    let mut meta_get = None;
    if let Some(descr) = &meta_found {
        let slots = descr.ty().slots();
        meta_get = slots.descr_get;
        if let Some(get) = meta_get
            && slots.descr_set.is_some()
        {
            return get(vm, descr, Some(t), Some(&meta.to_object())).map(Some);
        }
    }
    if let Some(found) = ty.lookup_owned(vm, attr) {
        return match found.ty().slots().descr_get {
            Some(get) => get(vm, &found, None, Some(t)).map(Some),
            None => Ok(Some(found)),
        };
    }
    if meta.dict_offset.get() != 0
        && let Some(found) = instance_get(vm, t, attr)?
    {
        return Ok(Some(found));
    }
    match (meta_found, meta_get) {
        (Some(descr), Some(get)) => get(vm, &descr, Some(t), Some(&meta.to_object())).map(Some),
        (found, _) => Ok(found),
    }
}

/// `type.__setattr__`.
fn type_setattr(vm: &Vm, t: &Object, attr: &Object, value: Option<&Object>) -> Result<()> {
    let ty = this(t);
    if ty.has(type_flags::IMMUTABLE) {
        return Err(vm.type_error(format!(
            "cannot set '{}' attribute of immutable type '{}'",
            vm.str_lossy(attr),
            ty.full_name()
        )));
    }
    let meta = t.ty();
    if let Some(descr) = meta.lookup_owned(vm, attr)
        && let Some(set) = descr.ty().slots().descr_set
    {
        return set(vm, &descr, t, value);
    }
    let attr = vm.intern_object(attr);
    ty.modified();
    match value {
        Some(value) => ty.dict().set(vm, &attr, value.clone())?,
        None => {
            if ty.dict().remove(vm, &attr)?.is_none() {
                return Err(vm.no_attribute(t, &attr));
            }
        }
    }
    ty.modified();
    let text = attr.downcast::<Str>().and_then(|s| s.as_ascii()).unwrap_or("");
    if text.starts_with("__") && text.ends_with("__") {
        slots::update_after_setattr(vm, ty, &attr);
    }
    let _ = generic_setattr;
    Ok(())
}

// ---- calling a class ------------------------------------------------------------------------

pub(crate) fn type_call(vm: &Vm, t: &Object, args: &[Object], kwnames: &[Object]) -> Result {
    let ty = this(t);
    if ty.is(&TYPE) && kwnames.is_empty() && args.len() == 1 {
        return Ok(args[0].ty().to_object());
    }
    if ty.is(&TYPE) && args.len() != 3 && kwnames.is_empty() {
        return Err(vm.type_error("type() takes 1 or 3 arguments"));
    }
    let Some(new) = ty.slots().new.filter(|_| !ty.has(type_flags::DISALLOW_INSTANTIATION)) else {
        return Err(vm.type_error(format!("cannot create '{}' instances", ty.full_name())));
    };
    let object = new(vm, ty, args, kwnames)?;
    if !object.is_instance_of(ty) {
        return Ok(object);
    }
    if let Some(init) = object.ty().slots().init {
        init(vm, &object, args, kwnames)?;
    }
    Ok(object)
}

fn type_init(vm: &Vm, _t: &Object, args: &[Object], kwnames: &[Object]) -> Result<()> {
    let n = args.len() - kwnames.len();
    if !kwnames.is_empty() && n == 1 {
        return Err(vm.type_error("type.__init__() takes no keyword arguments"));
    }
    if n != 1 && n != 3 {
        return Err(vm.type_error("type.__init__() takes 1 or 3 arguments"));
    }
    Ok(())
}

// ---- MRO ---------------------------------------------------------------------------------------

/// The C3 linearisation of a class whose bases are set.
pub fn compute_mro(vm: &Vm, ty: &Type) -> Result<Vec<Object>> {
    let bases: Vec<Object> = ty.extra().bases.downcast::<Tuple>().map_or(Vec::new(), |b| b.items().to_vec());
    let mut sequences: Vec<Vec<Object>> = Vec::new();
    for base in &bases {
        let Some(base) = Type::of(base) else { continue };
        match base.extra().mro.downcast::<Tuple>() {
            Some(mro) => sequences.push(mro.items().to_vec()),
            None => {
                return Err(vm.type_error(format!("Cannot extend an incomplete type '{}'", base.name())));
            }
        }
    }
    for (i, base) in bases.iter().enumerate() {
        if bases[..i].iter().any(|b| b.value() == base.value()) {
            let shown = Type::of(base).map_or(String::new(), |b| b.name().to_string());
            return Err(vm.type_error(format!("duplicate base class {shown}")));
        }
    }
    if bases.len() == 1 {
        let mut out = vec![ty.to_object()];
        out.extend(sequences.remove(0));
        return Ok(out);
    }
    sequences.push(bases);
    let mut out = vec![ty.to_object()];
    let mut heads = vec![0usize; sequences.len()];
    loop {
        let mut exhausted = true;
        let mut chosen: Option<Object> = None;
        for (sequence, &head) in sequences.iter().zip(&heads) {
            let Some(candidate) = sequence.get(head) else { continue };
            exhausted = false;
            let blocked = sequences
                .iter()
                .zip(&heads)
                .any(|(s, &h)| s.iter().skip(h + 1).any(|other| other.value() == candidate.value()));
            if !blocked {
                chosen = Some(candidate.clone());
                break;
            }
        }
        if exhausted {
            return Ok(out);
        }
        let Some(next) = chosen else {
            let mut names: Vec<String> = Vec::new();
            for (sequence, &head) in sequences.iter().zip(&heads) {
                if let Some(class) = sequence.get(head) {
                    let shown = Type::of(class).map_or(String::new(), |c| c.name().to_string());
                    if !names.contains(&shown) {
                        names.push(shown);
                    }
                }
            }
            return Err(vm.type_error(format!(
                "Cannot create a consistent method resolution order (MRO) for bases {}",
                names.join(", ")
            )));
        };
        for (sequence, head) in sequences.iter().zip(heads.iter_mut()) {
            if sequence.get(*head).is_some_and(|c| c.value() == next.value()) {
                *head += 1;
            }
        }
        out.push(next);
    }
}

/// The MRO by the metaclass's `mro()` if it has its own.
fn mro_of(vm: &Vm, t: &Object) -> Result<Vec<Object>> {
    let ty = this(t);
    if t.ty().is(&TYPE) {
        return compute_mro(vm, ty);
    }
    let own = t.ty().lookup_owned(vm, name::mro.object());
    let native = TYPE.dict().get_str(name::mro.object());
    if own.as_ref().map(|o| o.value()) == native {
        return compute_mro(vm, ty);
    }
    let result = vm.call_special(t, name::mro.object(), &[])?.unwrap_or(Object::NONE);
    let items = vm.collect(&result)?;
    for item in &items {
        let Some(class) = Type::of(item) else {
            return Err(vm.type_error(format!("mro() returned a non-class ('{}')", item.ty().name())));
        };
        // SAFETY: `native` of a ready type is a static type.
        let compatible =
            unsafe { (*ty.native.get()).is_subtype(&*class.native.get()) || class.native.get().is_null() };
        if !compatible {
            return Err(
                vm.type_error(format!("mro() returned base with unsuitable layout ('{}')", class.name()))
            );
        }
    }
    Ok(items)
}

// ---- making classes --------------------------------------------------------------------------------

/// The most derived metaclass of `winner` and the bases' types.
fn calculate_metaclass(vm: &Vm, meta: &Object, bases: &[Object]) -> Result {
    let mut winner = meta.clone();
    for base in bases {
        let candidate = base.ty();
        if this(&winner).is_subtype(candidate) {
            continue;
        }
        if candidate.is_subtype(this(&winner)) {
            winner = candidate.to_object();
            continue;
        }
        return Err(vm.type_error(
            "metaclass conflict: the metaclass of a derived class must be a (non-strict) subclass of the metaclasses of all its bases",
        ));
    }
    Ok(winner)
}

/// The base whose memory layout the new class extends.
fn best_base<'a>(vm: &Vm, bases: &'a [Object]) -> Result<&'a Type> {
    let mut winner: Option<(&Type, &Type)> = None;
    for base in bases {
        let Some(ty) = Type::of(base) else {
            return Err(vm.type_error("bases must be types"));
        };
        if !ty.has(type_flags::BASE) {
            return Err(vm.type_error(format!("type '{}' is not an acceptable base type", ty.full_name())));
        }
        let solid = solid_base(ty);
        match winner {
            None => winner = Some((ty, solid)),
            Some((_, best)) if best.is_subtype(solid) => {}
            Some((_, best)) if solid.is_subtype(best) => winner = Some((ty, solid)),
            Some(_) => {
                return Err(vm.type_error("multiple bases have instance lay-out conflict"));
            }
        }
    }
    winner.map(|w| w.0).ok_or_else(|| vm.type_error("bases must be types"))
}

/// The nearest class up the `base` chain that adds to the layout.
fn solid_base(ty: &Type) -> &Type {
    let mut ty = ty;
    while let Some(base) = ty.base() {
        let adds_slots = ty.extra().slot_offsets.len() > base.extra().slot_offsets.len();
        let adds_payload = !ty.is_heap() && ty.payload_size.get() > base.payload_size.get()
            || !ty.is_heap() && ty.has(type_flags::VAR_SIZED) && !base.has(type_flags::VAR_SIZED);
        if adds_slots || adds_payload {
            return ty;
        }
        ty = base;
    }
    ty
}

static NEW_SIG: Sig = Sig::new("type.__new__(name, bases, dict, /, **kwds)");

fn type_new(vm: &Vm, meta: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    let n = args.len() - kwnames.len();
    if meta.is(&TYPE) && n == 1 && kwnames.is_empty() {
        return Ok(args[0].ty().to_object());
    }
    if n != 3 {
        return Err(vm.type_error(format!("type.__new__() takes exactly 3 arguments ({n} given)")));
    }
    let _ = &NEW_SIG;
    let (class_name, bases, namespace) = (&args[0], &args[1], &args[2]);
    let check = |ok: bool, i: usize, what: &str| -> Result<()> {
        if ok {
            return Ok(());
        }
        Err(vm.type_error(format!(
            "type.__new__() argument {i} must be {what}, not {}",
            args[i - 1].ty().name()
        )))
    };
    check(class_name.downcast::<Str>().is_some(), 1, "str")?;
    check(bases.downcast::<Tuple>().is_some(), 2, "tuple")?;
    check(namespace.downcast::<Dict>().is_some(), 3, "dict")?;
    let bases: Vec<Object> = bases.downcast::<Tuple>().map_or(Vec::new(), |t| t.items().to_vec());
    for base in &bases {
        if Type::of(base).is_none() && vm.lookup_attr(base, name::mro_entries.object())?.is_some() {
            return Err(vm.type_error("type() doesn't support MRO entry resolution; use types.new_class()"));
        }
    }
    let winner = calculate_metaclass(vm, &meta.to_object(), &bases)?;
    if winner.value() != meta.value() {
        let other = this(&winner);
        if other.slots().new.map(|f| f as usize) != Some(type_new as crate::ty::NewFn as usize)
            && let Some(new) = other.slots().new
        {
            return new(vm, other, args, kwnames);
        }
    }
    let class = make_class(vm, this(&winner), class_name, bases, namespace)?;
    set_names(vm, &class)?;
    init_subclass(vm, &class, &args[n..], kwnames)?;
    Ok(class)
}

fn make_class(
    vm: &Vm,
    meta: &Type,
    class_name: &Object,
    mut bases: Vec<Object>,
    namespace: &Object,
) -> Result {
    if bases.is_empty() {
        bases.push(crate::types::object::OBJECT.to_object());
    }
    let base = best_base(vm, &bases)?;
    let base_object = base.to_object();
    let base = this(&base_object);
    let text = vm.str_lossy(class_name);
    check_encodable(vm, class_name)?;
    if text.contains('\0') {
        return Err(vm.value_error("type name must not contain null characters"));
    }
    let ns = match namespace.downcast::<Dict>() {
        Some(d) => vm.alloc(&crate::types::dict::DICT, d.copy_payload()),
        None => vm.new_dict(),
    };
    let Some(dict) = ns.downcast::<Dict>() else { return Err(vm.system_error("class namespace")) };

    // ---- layout -----------------------------------------------------------
    let slots_value = dict.get_str_owned(name::slots.object());
    // Classes have a dict of their own kind.
    let may_add_dict = base.dict_offset.get() == 0 && !base.has(type_flags::TYPE_SUBCLASS);
    let var_sized = {
        // SAFETY: `native` of a ready type is a static type.
        let native = unsafe { &*base.native.get() };
        native.has(type_flags::VAR_SIZED)
    };
    let mut add_dict = may_add_dict;
    let mut weakrefable = true;
    let mut slot_names: Vec<Object> = Vec::new();
    if let Some(slots_value) = &slots_value {
        add_dict = false;
        weakrefable = base.has(type_flags::WEAKREFABLE);
        let list = if slots_value.downcast::<Str>().is_some() {
            vec![slots_value.clone()]
        } else {
            vm.collect(slots_value)?
        };
        // What CPython keeps in objects of one size (str) can have them.
        let one_size =
            if var_sized { base.has(type_flags::STR_SUBCLASS) } else { !base.has(type_flags::LONG_SUBCLASS) };
        if !list.is_empty() && !one_size {
            return Err(
                vm.type_error(format!("nonempty __slots__ not supported for subtype of '{}'", base.name()))
            );
        }
        for slot in list {
            let Some(s) = slot.downcast::<Str>() else {
                return Err(
                    vm.type_error(format!("__slots__ items must be strings, not '{}'", slot.ty().name()))
                );
            };
            if !crate::types::str_methods::is_identifier(s) {
                return Err(vm.type_error("__slots__ must be identifiers"));
            }
            if s.equals_text("__dict__") {
                if !may_add_dict || add_dict {
                    return Err(vm.type_error("__dict__ slot disallowed: we already got one"));
                }
                add_dict = true;
                continue;
            }
            if s.equals_text("__weakref__") {
                if base.has(type_flags::WEAKREFABLE) || weakrefable {
                    return Err(vm.type_error("__weakref__ slot disallowed: we already got one"));
                }
                weakrefable = true;
                continue;
            }
            let mangled = mangle(vm, &text, &slot);
            if dict.contains_str(&mangled)
                && !matches!(
                    vm.str_lossy(&mangled).as_str(),
                    "__qualname__" | "__classcell__" | "__classdictcell__"
                )
            {
                return Err(vm.value_error(format!(
                    "{} in __slots__ conflicts with class variable",
                    vm.repr_text(&slot)?
                )));
            }
            slot_names.push(mangled);
        }
        slot_names.sort_by_key(|s| vm.str_lossy(s));
        // Multiple inheritance may bring a dict or weak references in.
        if bases.len() > 1 {
            for other in &bases {
                if let Some(other) = Type::of(other) {
                    if !other.is(base) && other.dict_offset.get() != 0 && may_add_dict {
                        add_dict = true;
                    }
                    weakrefable |= other.has(type_flags::WEAKREFABLE);
                }
            }
        }
    }

    let ty = Type::new_heap(text.clone(), base, meta);
    // [header][native payload][slots of the bases][new slots][dict word][inline values]:
    // the dict word moves behind new slots; everybody finds it through the type.
    let mut slot_base = base.payload_size.get();
    let mut payload = slot_base + slot_names.len() * 8;
    if var_sized {
        // Slots and dict word come behind the variable part.
        payload = slot_base;
        slot_base = SLOTS_AT_END + base.extra().slot_offsets.len() * 8;
    }
    ty.payload_size.set(payload);
    let mut size = payload;
    let has_dict = base.dict_offset.get() != 0 || add_dict;
    let mut capacity = 0usize;
    if has_dict && var_sized {
        ty.dict_offset.set(DICT_AT_END);
    } else if has_dict {
        ty.dict_offset.set(payload);
        capacity = inline_capacity(vm, dict, &bases);
        size = payload + 8 + capacity * 8;
    }
    ty.inline_capacity.set(capacity as u8);
    ty.instance_size.set(size);
    let inherited = type_flags::SUBCLASS_MASK
        | type_flags::MATCH_SELF
        | type_flags::FLOAT_SUBCLASS
        | type_flags::SET_SUBCLASS
        | type_flags::FROZENSET_SUBCLASS
        | type_flags::VAR_SIZED;
    let mut flags = type_flags::HEAP | type_flags::BASE | type_flags::HAVE_GC | base.flags.get() & inherited;
    // The first base that is one of the two decides.
    let collection = |base: &Object| {
        let flags = Type::of(base)?.flags.get() & (type_flags::SEQUENCE | type_flags::MAPPING);
        (flags != 0).then_some(flags)
    };
    flags |= bases.iter().find_map(collection).unwrap_or(0);
    if capacity > 0 {
        flags |= type_flags::INLINE_VALUES;
    }
    if weakrefable {
        flags |= type_flags::WEAKREFABLE;
    }
    ty.flags.set(flags);
    ty.update_extra(|extra| {
        for i in 0..slot_names.len() {
            extra.slot_offsets.push(slot_base + i * 8);
        }
        extra.dict = ns.clone();
        extra.bases = vm.tuple(bases.clone());
        extra.name_object = Some(class_name.clone());
    });

    // ---- the type as an object -----------------------------------------------
    let class = alloc_type(vm, meta, ty)?;
    let ty = this(&class);

    // ---- the namespace ----------------------------------------------------------
    if !dict.contains_str(name::module.object())
        && let Some(globals) = vm.current_globals()
        && let Some(module) = globals.downcast::<Dict>().and_then(|g| g.get_str_owned(name::name.object()))
    {
        dict.set_str(vm, name::module.object(), module);
    }
    match dict.remove_str(name::qualname.object()) {
        Some(q) if q.downcast::<Str>().is_none() => {
            return Err(vm.type_error(format!("type __qualname__ must be a str, not {}", q.ty().name())));
        }
        Some(q) => drop(ty.update_extra(|extra| extra.qualname.replace(q))),
        None => drop(ty.update_extra(|extra| extra.qualname.replace(class_name.clone()))),
    }
    match dict.get_str_owned(name::doc.object()) {
        Some(doc) => check_encodable(vm, &doc)?,
        None => dict.set_str(vm, name::doc.object(), Object::NONE),
    }
    for (key, wrap) in [
        (name::new, descriptors::new_staticmethod as fn(&Vm, Object) -> Object),
        (name::init_subclass, descriptors::new_classmethod),
        (name::class_getitem, descriptors::new_classmethod),
    ] {
        if let Some(value) = dict.get_str_owned(key.object())
            && value.ty().is(&function::FUNCTION)
        {
            dict.set_str(vm, key.object(), wrap(vm, value));
        }
    }
    // Before the slots: they may have these names.
    let cell = dict.remove_str(name::classcell.object());
    let dict_cell = dict.remove_str(name::classdictcell.object());
    if slots_value.is_some() {
        for (i, slot) in slot_names.iter().enumerate() {
            let member = native_function::new_member(vm, slot.clone(), ty, slot_base + i * 8);
            dict.set_str(vm, slot, member);
        }
    }
    if add_dict && may_add_dict {
        dict_getset(vm, ty, dict);
    }
    if weakrefable && !base.has(type_flags::WEAKREFABLE) && !dict.contains_str(name::weakref.object()) {
        static WEAKREF: GetSetDef =
            GetSetDef::new("__weakref__", |vm, o| crate::types::weakref::first_ref(vm, o))
                .with_doc("list of weak references to the object");
        let descriptor = native_function::new_getset(vm, &WEAKREF, ty);
        dict.set_str(vm, name::weakref.object(), descriptor);
    }
    if let Some(cell) = cell {
        let Some(c) = cell.downcast::<crate::types::cell::CellObject>() else {
            return Err(
                vm.type_error(format!("__classcell__ must be a nonlocal cell, not {}", cell.ty().name()))
            );
        };
        c.set(Some(class.clone()));
    }
    if let Some(cell) = dict_cell {
        let Some(c) = cell.downcast::<crate::types::cell::CellObject>() else {
            return Err(
                vm.type_error(format!("__classdictcell__ must be a nonlocal cell, not {}", cell.ty().name()))
            );
        };
        c.set(Some(ns.clone()));
    }

    // ---- MRO and slots --------------------------------------------------------------
    let mro = mro_of(vm, &class)?;
    let mro = vm.tuple(mro);
    drop(ty.update_extra(|extra| std::mem::replace(&mut extra.mro, mro)));
    register_with_bases(ty, &bases);
    if dict.contains_str(name::eq.object()) && !dict.contains_str(name::hash.object()) {
        dict.set_str(vm, name::hash.object(), Object::NONE);
    }
    slots::compute_for_heap_type(vm, ty);
    if dict.contains_str(name::abstractmethods.object()) {
        let value = dict.get_str_owned(name::abstractmethods.object());
        set_abstractmethods(vm, &class, value.as_ref())?;
    }
    ty.flags.set(ty.flags.get() | type_flags::READY);
    Ok(class)
}

/// Puts a heap type into memory that instances of its metaclass have.
fn alloc_type(vm: &Vm, meta: &Type, ty: Type) -> Result {
    let size = meta.instance_size.get().max(size_of::<Type>());
    // SAFETY: everything behind the header is written before anybody looks: the Type
    // itself, then the words the metaclass adds.
    unsafe {
        let Some(object) = vm.raw_alloc(meta, size) else { return Err(vm.memory_error()) };
        let memory = object.as_ptr() as *mut u8;
        let flags = (*object.as_ptr()).flags();
        let source = std::mem::ManuallyDrop::new(ty);
        std::ptr::copy_nonoverlapping(
            (&raw const *source as *const u8).add(size_of::<Header>()),
            memory.add(size_of::<Header>()),
            size_of::<Type>() - size_of::<Header>(),
        );
        let mut offset = size_of::<Type>();
        while offset < size {
            (memory.add(offset) as *mut Value).write(Value::UNBOUND);
            offset += 8;
        }
        let room = (meta.inline_capacity.get() as u32) << crate::alloc::INLINE_SHIFT;
        (*object.as_ptr()).set(flags | room | taipan_object::header_flags::TRACKED);
        Ok(object)
    }
}

fn register_with_bases(ty: &Type, bases: &[Object]) {
    for base in bases {
        if let Some(base) = Type::of(base) {
            base.add_subclass(ty);
        }
    }
}

fn dict_getset(vm: &Vm, ty: &Type, dict: &Dict) {
    static DICT: GetSetDef = GetSetDef::new("__dict__", crate::types::object::get_dict)
        .with_set(crate::types::object::replace_dict)
        .with_doc("dictionary for instance variables");
    if !dict.contains_str(name::dict.object()) {
        let descriptor = native_function::new_getset(vm, &DICT, ty);
        dict.set_str(vm, name::dict.object(), descriptor);
    }
}

/// How many inline values instances get: what the methods of the class and its
/// bases assign to `self`, or what is annotated (data classes), and a little room.
fn inline_capacity(vm: &Vm, dict: &Dict, bases: &[Object]) -> usize {
    let count = |d: &Dict| {
        let assigned = d
            .get_str_owned(name::static_attributes.object())
            .and_then(|t| t.downcast::<Tuple>().map(|t| t.len()))
            .unwrap_or(0);
        if assigned != 0 {
            return assigned;
        }
        // The names are among the constants of what evaluates the annotations.
        let annotate = d.get_str_owned(name::annotate_func.object());
        annotate
            .as_ref()
            .and_then(|f| f.downcast_exact::<function::Function>())
            .map_or(0, |f| f.code().consts(vm).iter().filter(|c| c.downcast_exact::<Str>().is_some()).count())
    };
    let mut total = count(dict);
    let mut seen: Vec<Value> = Vec::new();
    for base in bases {
        if let Some(base) = Type::of(base) {
            for class in base.mro() {
                if class.is_heap() && !seen.contains(&class.value()) {
                    seen.push(class.value());
                    total += count(class.dict());
                }
            }
        }
    }
    if total == 0 { 3 } else { (total + 1).min(30) }
}

fn mangle(vm: &Vm, class: &str, slot: &Object) -> Object {
    let text = vm.str_lossy(slot);
    let stripped = class.trim_start_matches('_');
    if text.starts_with("__") && !text.ends_with("__") && !text.contains('.') && !stripped.is_empty() {
        return vm.intern(&format!("_{stripped}{text}"));
    }
    // An instance of a subclass is no name.
    if slot.downcast_exact::<Str>().is_none() {
        return vm.intern(&text);
    }
    vm.intern_object(slot)
}

/// `__set_name__` of everything in the namespace.
fn set_names(vm: &Vm, class: &Object) -> Result<()> {
    for (key, value) in this(class).dict().items() {
        let Some(method) = vm.special_method(&value, name::set_name.object())? else { continue };
        if let Err(raised) = vm.call(&method, &[class.clone(), key.clone()]) {
            let exception = vm.caught(raised);
            let note = format!(
                "Error calling __set_name__ on '{}' instance {} in '{}'",
                value.ty().name(),
                vm.repr_text(&key)?,
                this(class).name()
            );
            let added = vm.call_method(&exception, "add_note", &[vm.str(&note)]);
            drop(added);
            return Err(vm.raise(exception));
        }
    }
    Ok(())
}

/// `super(class, class).__init_subclass__(**kwds)`.
fn init_subclass(vm: &Vm, class: &Object, values: &[Object], kwnames: &[Object]) -> Result<()> {
    let super_object = crate::types::super_::new(vm, class, class)?;
    let hook = vm.get_attr(&super_object, name::init_subclass.object())?;
    vm.call_kw(&hook, values, kwnames)?;
    Ok(())
}

fn set_bases(vm: &Vm, t: &Object, value: Option<&Object>) -> Result<()> {
    let ty = this(t);
    let value = check_set(vm, ty, "__bases__", value)?;
    let Some(tuple) = value.downcast::<Tuple>() else {
        return Err(vm.type_error(format!(
            "can only assign tuple to {}.__bases__, not {}",
            ty.name(),
            value.ty().name()
        )));
    };
    if tuple.is_empty() {
        return Err(
            vm.type_error(format!("can only assign non-empty tuple to {}.__bases__, not ()", ty.name()))
        );
    }
    for base in tuple.items() {
        let Some(base) = Type::of(base) else {
            return Err(vm.type_error(format!(
                "{}.__bases__ must be tuple of classes, not '{}'",
                ty.name(),
                base.ty().name()
            )));
        };
        // The MROs may not be there yet where `mro()` assigns to `__bases__` again.
        if base.is_subtype(ty) || std::iter::successors(Some(base), |b| b.base()).any(|b| b.is(ty)) {
            return Err(vm.type_error("a __bases__ item causes an inheritance cycle"));
        }
    }
    let new_base = best_base(vm, tuple.items())?;
    let old_base = match ty.base() {
        Some(base) => base,
        None => return Ok(()),
    };
    if !std::ptr::eq(solid_base(new_base), solid_base(old_base))
        || (new_base.dict_offset.get() == 0) != (old_base.dict_offset.get() == 0)
    {
        return Err(vm.type_error(format!(
            "__bases__ assignment: '{}' object layout differs from '{}'",
            new_base.name(),
            old_base.name()
        )));
    }
    let old_bases = ty.update_extra(|extra| std::mem::replace(&mut extra.bases, value.clone()));
    ty.set_base(new_base);
    let mut changed = Vec::new();
    let result = update_mro_tree(vm, t, &mut changed);
    // Python code has run, which may have assigned to `__bases__` itself.
    let still_ours = ty.extra().bases.value() == value.value();
    if let Err(raised) = result {
        let exception = vm.caught(raised);
        for (class, old, new) in changed.into_iter().rev() {
            let class = this(&class);
            if class.extra().mro.value() == new.value() {
                drop(class.update_extra(|extra| std::mem::replace(&mut extra.mro, old)));
                class.modified();
                slots::compute_for_heap_type(vm, class);
            }
        }
        if still_ours {
            drop(ty.update_extra(|extra| std::mem::replace(&mut extra.bases, old_bases)));
            ty.set_base(old_base);
        }
        return Err(vm.raise(exception));
    }
    if !still_ours {
        return Ok(());
    }
    if let Some(old) = old_bases.downcast::<Tuple>() {
        for base in old.items() {
            if let Some(base) = Type::of(base) {
                base.remove_subclass(ty);
            }
        }
    }
    register_with_bases(ty, tuple.items());
    Ok(())
}

/// Computes the MROs of a class and its subclasses anew. `changed` gets each class
/// with its old and its new one.
fn update_mro_tree(vm: &Vm, t: &Object, changed: &mut Vec<(Object, Object, Object)>) -> Result<()> {
    vm.check_native_stack("")?;
    let ty = this(t);
    let before = ty.extra().mro.clone();
    let mro = mro_of(vm, t)?;
    if ty.extra().mro.value() != before.value() {
        // `mro()` came here itself and has done it.
        return Ok(());
    }
    let mro = vm.tuple(mro);
    let old = ty.update_extra(|extra| std::mem::replace(&mut extra.mro, mro.clone()));
    changed.push((t.clone(), old, mro));
    ty.modified();
    slots::compute_for_heap_type(vm, ty);
    // SAFETY: subclasses deregister when they die.
    let subclasses: Vec<Object> = ty.subclasses().into_iter().map(|s| unsafe { (*s).to_object() }).collect();
    for subclass in &subclasses {
        update_mro_tree(vm, subclass, changed)?;
    }
    Ok(())
}

// ---- static types ---------------------------------------------------------------------------------

/// Makes a static type usable: bases, MRO, dict, slots. Its base must be ready.
pub fn ready(vm: &Vm, ty: &'static Type) {
    let mut known = crate::sharing::lock();
    if !ty.has(type_flags::READY) {
        make_ready(vm, ty);
        known.add_type(vm, ty);
    }
    drop(known);
    if let Some(base) = ty.base() {
        base.add_subclass(ty);
    }
    if ty.is(&exc::EXCEPTION_GROUP) {
        exc::EXCEPTION.add_subclass(ty);
    }
}

fn make_ready(vm: &Vm, ty: &'static Type) {
    let base = ty.base();
    if let Some(base) = base {
        ready_base(vm, base);
    }
    let own_payload = base.is_none_or(|b| ty.payload_type != b.payload_type);
    ty.native.set(if own_payload || base.is_none() {
        ty
    } else {
        base.map_or(ty, |b| unsafe { &*b.native.get() })
    });
    let mut flags = ty.flags.get() | type_flags::READY | type_flags::IMMUTABLE;
    if let Some(base) = base {
        flags |= base.flags.get()
            & (type_flags::SUBCLASS_MASK
                | type_flags::FLOAT_SUBCLASS
                | type_flags::SET_SUBCLASS
                | type_flags::FROZENSET_SUBCLASS
                | type_flags::VAR_SIZED
                | type_flags::WEAKREFABLE
                | type_flags::HAVE_GC);
        if base.dict_offset.get() != 0 && ty.dict_offset.get() == 0 {
            ty.dict_offset.set(ty.payload_size.get());
            ty.instance_size.set(ty.payload_size.get() + 8);
        }
    }
    ty.flags.set(flags);
    let dict = vm.new_dict();
    ty.update_extra(|extra| {
        extra.dict = dict;
        extra.bases = vm.tuple(base.map(|b| b.to_object()).into_iter().collect());
    });
    let mut mro = vec![ty.to_object()];
    if let Some(base) = base {
        mro.extend(base.mro().map(|t| t.to_object()));
    }
    let mro = vm.tuple(mro);
    drop(ty.update_extra(|extra| std::mem::replace(&mut extra.mro, mro)));
    let own_new = ty.slots().new.is_some();
    for def in ty.methods {
        let object = native_function::new_for_type(vm, def, ty);
        ty.dict().set_str(vm, &vm.intern(def.name()), object);
    }
    for def in ty.getset {
        let object = native_function::new_getset(vm, def, ty);
        ty.dict().set_str(vm, &vm.intern(def.name), object);
    }
    if ty.is(&crate::types::template::INTERPOLATION) {
        let fields = ["value", "expression", "conversion", "format_spec"].map(|field| vm.intern(field));
        ty.dict().set_str(vm, name::match_args.object(), vm.tuple(fields.to_vec()));
    }
    slots::add_wrappers(vm, ty);
    if own_new && !ty.has(type_flags::DISALLOW_INSTANTIATION) {
        ty.dict().set_str(vm, name::new.object(), native_function::new_new(vm, ty));
    }
    // Types of modules have their module in the dict and a name of their own, but for
    // those that are static in CPython, too. (Pickles tell such objects apart.)
    if let Some((module, _)) = ty.full_name().rsplit_once('.')
        && !["types", "weakref", "datetime"].contains(&module)
        && ty.name() != "OrderedDict"
        && !ty.dict().contains_str(name::module.object())
    {
        ty.dict().set_str(vm, name::module.object(), vm.str(module));
        let own_name = vm.str(ty.name());
        ty.update_extra(|extra| {
            extra.qualname = Some(own_name.clone());
            extra.name_object = Some(own_name);
        });
    }
    // An attribute `__doc__` of the instances stays.
    if !ty.dict().contains_str(name::doc.object()) {
        let doc = ty.doc().map_or(Object::NONE, |doc| vm.str(without_signature(doc)));
        ty.dict().set_str(vm, name::doc.object(), doc);
    }
    let mut own = *ty.slots();
    if let Some(base) = base {
        slots::inherit(&mut own, base.slots());
        // Only types that say so can be made by calling them.
        if !own_new && base.is(&crate::types::object::OBJECT) {
            own.new = None;
        }
        if ty.slots().hash.is_none() && ty.slots().compare.is_some() {
            ty.dict().set_str(vm, name::hash.object(), Object::NONE);
        }
    }
    ty.set_slots(own);
    slots::update_flags(ty);
    ty.version_tag(vm);
    if ty.is(&exc::EXCEPTION_GROUP) {
        crate::types::exceptions::finish_types(vm);
    }
}

fn ready_base(_vm: &Vm, base: &Type) {
    debug_assert!(base.has(type_flags::READY), "base {} not ready", base.full_name());
}

impl Type {
    /// Drops what a heap type owns (its name, slots, dict, bases ...).
    ///
    /// # Safety
    /// The type dies; called once.
    pub(crate) unsafe fn drop_parts(ty: *mut Type) {
        // SAFETY: says the caller.
        unsafe {
            let extra = (*ty).update_extra(|extra| {
                std::mem::replace(
                    extra,
                    crate::ty::TypeExtra {
                        dict: Object::UNBOUND,
                        bases: Object::UNBOUND,
                        mro: Object::UNBOUND,
                        subclasses: Vec::new(),
                        slot_offsets: Vec::new(),
                        shared_keys: Vec::new(),
                        qualname: None,
                        name_object: None,
                        native_data: None,
                    },
                )
            });
            for key in &extra.shared_keys {
                drop(Object::from_owned(*key));
            }
            drop(extra);
            (*ty).set_name(String::new());
        }
    }
}

// ---- the class statement -----------------------------------------------------------------------------

/// `builtins.__build_class__`.
pub fn build_class(vm: &Vm, args: &[Object], kwnames: &[Object]) -> Result {
    let n = args.len() - kwnames.len();
    if n < 2 {
        return Err(vm.type_error("__build_class__: not enough arguments"));
    }
    let func = &args[0];
    let Some(f) = func.downcast::<function::Function>() else {
        return Err(vm.type_error("__build_class__: func must be a function"));
    };
    let class_name = &args[1];
    if class_name.downcast::<Str>().is_none() {
        return Err(vm.type_error("__build_class__: name is not a string"));
    }
    let original = vm.tuple(args[2..n].to_vec());
    let bases = resolve_bases(vm, &args[2..n], &original)?;
    let mut meta: Option<Object> = None;
    let (mut values, mut names) = (Vec::new(), Vec::new());
    for (key, value) in kwnames.iter().zip(&args[n..]) {
        if vm.str_equal(key, name::metaclass.object()) {
            meta = Some(value.clone());
        } else {
            names.push(key.clone());
            values.push(value.clone());
        }
    }
    let mut is_class = true;
    let meta = match meta {
        Some(meta) => {
            is_class = Type::of(&meta).is_some();
            meta
        }
        None => bases.first().map_or_else(|| TYPE.to_object(), |b| b.ty().to_object()),
    };
    let meta = if is_class { calculate_metaclass(vm, &meta, &bases)? } else { meta };
    let bases_tuple = vm.tuple(bases.clone());
    let mut call_args = vec![class_name.clone(), bases_tuple.clone()];
    call_args.extend(values.iter().cloned());
    let namespace = match vm.lookup_attr(&meta, name::prepare.object())? {
        Some(prepare) => vm.call_kw(&prepare, &call_args, &names)?,
        None => vm.new_dict(),
    };
    if namespace.ty().slots().getitem.is_none() {
        let shown = match Type::of(&meta) {
            Some(m) => m.name().to_string(),
            None => "<metaclass>".to_string(),
        };
        return Err(vm.type_error(format!(
            "{shown}.__prepare__() must return a mapping, not {}",
            namespace.ty().name()
        )));
    }
    let cell = crate::interp::run_body(vm, func, f, &namespace)?;
    if bases_tuple.value() != original.value() && resolved(&bases_tuple, &original) {
        vm.set_item(&namespace, name::orig_bases.object(), &original)?;
    }
    call_args.insert(2, namespace.clone());
    let class = vm.call_kw(&meta, &call_args, &names)?;
    if Type::of(&class).is_some()
        && let Some(cell) = cell.downcast::<crate::types::cell::CellObject>()
    {
        match cell.get() {
            None => {
                return Err(vm.runtime_error(format!(
                    "__class__ not set defining {} as {}. Was __classcell__ propagated to type.__new__?",
                    vm.repr_text(class_name)?,
                    vm.repr_text(&class)?
                )));
            }
            Some(content) if content.value() != class.value() => {
                return Err(vm.type_error(format!(
                    "__class__ set to {} defining {} as {}",
                    vm.repr_text(&content)?,
                    vm.repr_text(class_name)?,
                    vm.repr_text(&class)?
                )));
            }
            Some(_) => {}
        }
    }
    Ok(class)
}

fn resolved(a: &Object, b: &Object) -> bool {
    match (a.downcast::<Tuple>(), b.downcast::<Tuple>()) {
        (Some(a), Some(b)) => {
            a.len() != b.len() || a.items().iter().zip(b.items()).any(|(x, y)| x.value() != y.value())
        }
        _ => false,
    }
}

fn resolve_bases(vm: &Vm, bases: &[Object], original: &Object) -> Result<Vec<Object>> {
    let mut out = Vec::new();
    for base in bases {
        if Type::of(base).is_some() {
            out.push(base.clone());
            continue;
        }
        match vm.lookup_attr(base, name::mro_entries.object())? {
            None => out.push(base.clone()),
            Some(method) => {
                let entries = vm.call(&method, std::slice::from_ref(original))?;
                match entries.downcast::<Tuple>() {
                    Some(entries) => out.extend_from_slice(entries.items()),
                    None => return Err(vm.type_error("__mro_entries__ must return a tuple")),
                }
            }
        }
    }
    Ok(out)
}
