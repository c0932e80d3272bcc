//! property, classmethod, staticmethod.

use crate::names::name;
use crate::prelude::*;
use crate::types::cell::ObjectCell;
use crate::types::genericalias;
use crate::types::object::OBJECT;
use crate::types::{function, object, str};
use std::cell::Cell;

fn payload<T: NativeClass>(object: &Object) -> &T {
    // SAFETY: slots and methods of a native type are only called on its instances.
    unsafe { object.payload_unchecked() }
}

/// Does the object say that it is abstract?
pub fn is_abstract(vm: &Vm, object: &Object) -> Result<bool> {
    match vm.lookup_attr(object, name::isabstractmethod.object())? {
        Some(answer) => vm.is_true(&answer),
        None => Ok(false),
    }
}

// ---- property ----------------------------------------------------------------------------

/// Payload of property.
#[derive(Default)]
pub struct Property {
    fget: ObjectCell,
    fset: ObjectCell,
    fdel: ObjectCell,
    doc: ObjectCell,
    name: ObjectCell,
    /// The doc came from the getter.
    getter_doc: Cell<bool>,
}

impl Property {
    /// The getter, if there is one.
    pub fn getter(&self) -> Option<Object> {
        self.fget.bound()
    }
    /// The getter as a raw word, UNBOUND if there is none.
    pub fn getter_value(&self) -> Value {
        self.fget.value()
    }
    /// The setter as a raw word, UNBOUND if there is none.
    pub fn setter_value(&self) -> Value {
        self.fset.value()
    }
}

impl NativeClass for Property {
    fn class() -> &'static Type {
        &PROPERTY
    }
    fn traverse(&self, visitor: &mut Visitor) {
        for field in [&self.fget, &self.fset, &self.fdel, &self.doc, &self.name] {
            field.traverse(visitor);
        }
    }
    fn clear(&self) {
        for field in [&self.fget, &self.fset, &self.fdel, &self.doc, &self.name] {
            field.clear();
        }
    }
}

macro_rules! readonly_member {
    ($name:literal, $payload:ty, $field:ident) => {
        GetSetDef::member($name, |_, o| Ok(payload::<$payload>(o).$field.or_none()))
    };
}

pub static PROPERTY: Type = Type::new::<Property>(
    "property",
    &OBJECT,
    type_flags::BASE | type_flags::HAVE_GC,
    Slots {
        new: Some(|vm, class, _, _| {
            vm.try_alloc(class, Property::default()).ok_or_else(|| vm.memory_error())
        }),
        init: Some(property_init),
        descr_get: Some(property_get),
        descr_set: Some(property_set),
        ..Slots::EMPTY
    },
    &[
        MethodDef::new(
            "getter($self, object, /)",
            |vm, args| property_copy(vm, &args[0], [Some(&args[1]), None, None]),
            "Descriptor to obtain a copy of the property with a different getter.",
        ),
        MethodDef::new(
            "setter($self, object, /)",
            |vm, args| property_copy(vm, &args[0], [None, Some(&args[1]), None]),
            "Descriptor to obtain a copy of the property with a different setter.",
        ),
        MethodDef::new(
            "deleter($self, object, /)",
            |vm, args| property_copy(vm, &args[0], [None, None, Some(&args[1])]),
            "Descriptor to obtain a copy of the property with a different deleter.",
        ),
        MethodDef::raw(
            "__set_name__($self, owner, name, /)",
            property_set_name,
            "Record the name that the property has in its class.",
        ),
    ],
    &[
        readonly_member!("fget", Property, fget),
        readonly_member!("fset", Property, fset),
        readonly_member!("fdel", Property, fdel),
        GetSetDef::member("__doc__", |_, o| Ok(payload::<Property>(o).doc.or_none())).with_set(
            |_, o, value| {
                payload::<Property>(o).doc.set_option(value.cloned());
                Ok(())
            },
        ),
        GetSetDef::new("__name__", property_get_name).with_set(|_, o, value| {
            payload::<Property>(o).name.set_option(value.cloned());
            Ok(())
        }),
        GetSetDef::new("__isabstractmethod__", property_is_abstract),
    ],
)
.with_doc("An attribute computed by functions: fget reads it, fset sets it, fdel deletes it.");

static PROPERTY_SIG: Sig = Sig::new("property(fget=None, fset=None, fdel=None, doc=None)");

fn property_init(vm: &Vm, object: &Object, args: &[Object], kwnames: &[Object]) -> Result<()> {
    if args.len() > 4 {
        return Err(vm.type_error(format!(
            "property() takes at most 4 {}arguments ({} given)",
            if kwnames.len() == args.len() { "keyword " } else { "" },
            args.len()
        )));
    }
    let bound = PROPERTY_SIG.bind(vm, args, kwnames)?;
    let this = payload::<Property>(object);
    for (field, value) in [&this.fget, &this.fset, &this.fdel].into_iter().zip(bound.iter()) {
        field.set_option(value.some().cloned());
    }
    this.doc.clear();
    this.name.clear();
    this.getter_doc.set(false);
    let mut doc = bound[3].some().cloned();
    if doc.is_none()
        && let Some(getter) = this.getter()
    {
        doc = vm.lookup_attr(&getter, name::doc.object())?.filter(|d| !d.is_none());
        this.getter_doc.set(doc.is_some());
    }
    if object.ty().is(&PROPERTY) {
        this.doc.set_option(doc);
        return Ok(());
    }
    // The class's own `__doc__` would hide the field of a subclass's instance.
    let doc = doc.unwrap_or(Object::NONE);
    match vm.set_attr(object, name::doc.object(), &doc) {
        Err(_) if !this.getter_doc.get() && vm.raised_is(&exc::ATTRIBUTE_ERROR) => {
            drop(vm.take_raised());
            Ok(())
        }
        result => result,
    }
}

/// The name set by `__set_name__`, or the getter's.
fn property_name(vm: &Vm, this: &Property) -> Result<Option<Object>> {
    if let Some(name) = this.name.bound() {
        return Ok(Some(name));
    }
    match this.getter() {
        Some(getter) => vm.lookup_attr(&getter, name::name.object()),
        None => Ok(None),
    }
}

/// "property 'x' of 'C' object has no getter".
#[cold]
fn lacks(vm: &Vm, property: &Object, object: &Object, what: &str) -> Raised {
    let text = || -> Result<String> {
        let class = vm.get_attr(&object.ty().to_object(), name::qualname.object())?;
        let class = vm.repr_text(&class)?;
        Ok(match property_name(vm, payload::<Property>(property))? {
            Some(name) => format!("property {} of {class} object has no {what}", vm.repr_text(&name)?),
            None => format!("property of {class} object has no {what}"),
        })
    };
    match text() {
        Ok(text) => vm.error(&exc::ATTRIBUTE_ERROR, text),
        Err(raised) => raised,
    }
}

fn property_get(vm: &Vm, property: &Object, object: Option<&Object>, _owner: Option<&Object>) -> Result {
    let Some(object) = object.filter(|o| !o.is_none()) else { return Ok(property.clone()) };
    match payload::<Property>(property).getter() {
        Some(getter) => vm.call(&getter, std::slice::from_ref(object)),
        None => Err(lacks(vm, property, object, "getter")),
    }
}

fn property_set(vm: &Vm, property: &Object, object: &Object, value: Option<&Object>) -> Result<()> {
    let this = payload::<Property>(property);
    match value {
        Some(value) => match this.fset.bound() {
            Some(setter) => vm.call(&setter, &[object.clone(), value.clone()]).map(drop),
            None => Err(lacks(vm, property, object, "setter")),
        },
        None => match this.fdel.bound() {
            Some(deleter) => vm.call(&deleter, std::slice::from_ref(object)).map(drop),
            None => Err(lacks(vm, property, object, "deleter")),
        },
    }
}

fn property_copy(vm: &Vm, old: &Object, new: [Option<&Object>; 3]) -> Result {
    let this = payload::<Property>(old);
    let pick = |given: Option<&Object>, field: &ObjectCell| match given.and_then(|g| g.some()) {
        Some(given) => given.clone(),
        None => field.or_none(),
    };
    let get = pick(new[0], &this.fget);
    let doc = if this.getter_doc.get() && !get.is_none() { Object::NONE } else { this.doc.or_none() };
    let args = [get, pick(new[1], &this.fset), pick(new[2], &this.fdel), doc];
    let copy = vm.call(&old.ty().to_object(), &args)?;
    if copy.downcast::<Property>().is_some() {
        payload::<Property>(&copy).name.set(this.name.get());
    }
    Ok(copy)
}

fn property_set_name(vm: &Vm, args: &[Object], _kwnames: &[Object]) -> Result {
    if args.len() != 3 {
        return Err(vm.type_error(format!(
            "__set_name__() takes 2 positional arguments but {} were given",
            args.len().saturating_sub(1)
        )));
    }
    payload::<Property>(&args[0]).name.set(args[2].clone());
    Ok(Object::NONE)
}

fn property_get_name(vm: &Vm, object: &Object) -> Result {
    match property_name(vm, payload::<Property>(object))? {
        Some(name) => Ok(name),
        None => Err(vm.no_attribute(object, name::name.object())),
    }
}

fn property_is_abstract(vm: &Vm, object: &Object) -> Result {
    let this = payload::<Property>(object);
    for field in [&this.fget, &this.fset, &this.fdel] {
        if let Some(function) = field.bound()
            && is_abstract(vm, &function)?
        {
            return Ok(Object::TRUE);
        }
    }
    Ok(Object::FALSE)
}

/// The getter of a property that reads as the native type does (None: there is no getter).
pub fn property_getter(property: &Object) -> Option<Object> {
    property.downcast::<Property>()?.getter()
}

// ---- classmethod and staticmethod ------------------------------------------------------------

/// Payload of classmethod.
#[derive(Default)]
pub struct ClassMethod {
    callable: ObjectCell,
}

/// Payload of staticmethod.
#[derive(Default)]
pub struct StaticMethod {
    callable: ObjectCell,
}

impl ClassMethod {
    pub fn callable(&self) -> Option<Object> {
        self.callable.bound()
    }
}

impl StaticMethod {
    pub fn callable(&self) -> Option<Object> {
        self.callable.bound()
    }
}

impl NativeClass for ClassMethod {
    fn class() -> &'static Type {
        &CLASSMETHOD
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.callable.traverse(visitor)
    }
    fn clear(&self) {
        self.callable.clear()
    }
}

impl NativeClass for StaticMethod {
    fn class() -> &'static Type {
        &STATICMETHOD
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.callable.traverse(visitor)
    }
    fn clear(&self) {
        self.callable.clear()
    }
}

/// Wraps a callable, as `classmethod(callable)`.
pub fn new_classmethod(vm: &Vm, callable: Object) -> Object {
    vm.alloc(&CLASSMETHOD, ClassMethod { callable: ObjectCell::new(callable) })
}

/// Wraps a callable, as `staticmethod(callable)`.
pub fn new_staticmethod(vm: &Vm, callable: Object) -> Object {
    vm.alloc(&STATICMETHOD, StaticMethod { callable: ObjectCell::new(callable) })
}

macro_rules! wrapper_getset {
    ($payload:ty) => {
        &[
            readonly_member!("__func__", $payload, callable),
            readonly_member!("__wrapped__", $payload, callable),
            GetSetDef::new("__isabstractmethod__", |vm, o| match payload::<$payload>(o).callable() {
                Some(callable) => is_abstract(vm, &callable).map(Object::bool),
                None => Ok(Object::FALSE),
            }),
            GetSetDef::new("__annotations__", |vm, o| {
                wrapped_attr(vm, o, payload::<$payload>(o).callable(), name::annotations.object())
            })
            .with_set(|vm, o, value| set_wrapped_attr(vm, o, value, name::annotations.object())),
            GetSetDef::new("__annotate__", |vm, o| {
                wrapped_attr(vm, o, payload::<$payload>(o).callable(), name::annotate.object())
            })
            .with_set(|vm, o, value| set_wrapped_attr(vm, o, value, name::annotate.object())),
            GetSetDef::new("__dict__", object::get_dict).with_set(object::set_dict),
        ]
    };
}

/// An attribute kept in the instance's dict, fetched from the wrapped callable at first.
fn wrapped_attr(vm: &Vm, object: &Object, callable: Option<Object>, attr: &Object) -> Result {
    if let Some(found) = crate::lookup::instance_get(vm, object, attr)? {
        return Ok(found);
    }
    let found = vm.get_attr(&callable.unwrap_or(Object::NONE), attr)?;
    crate::lookup::instance_set(vm, object, attr, Some(&found))?;
    Ok(found)
}

fn set_wrapped_attr(vm: &Vm, object: &Object, value: Option<&Object>, attr: &Object) -> Result<()> {
    if !crate::lookup::instance_set(vm, object, attr, value)? {
        return Err(vm.no_attribute(object, attr));
    }
    Ok(())
}

/// Copies name, module and doc of the wrapped callable.
fn copy_attrs(vm: &Vm, wrapper: &Object, wrapped: &Object) -> Result<()> {
    for attr in [name::module, name::name, name::qualname, name::doc] {
        if let Some(value) = vm.lookup_attr(wrapped, attr.object())? {
            vm.set_attr(wrapper, attr.object(), &value)?;
        }
    }
    Ok(())
}

fn single_argument<'a>(vm: &Vm, what: &str, args: &'a [Object], kwnames: &[Object]) -> Result<&'a Object> {
    if !kwnames.is_empty() {
        return Err(vm.type_error(format!("{what}() takes no keyword arguments")));
    }
    match args {
        [callable] => Ok(callable),
        _ => Err(vm.type_error(format!("{what} expected 1 argument, got {}", args.len()))),
    }
}

fn wrapper_repr(vm: &Vm, what: &str, callable: Option<Object>) -> Result {
    let mut out = str::Builder::new();
    out.push_str("<");
    out.push_str(what);
    out.push_str("(");
    out.push_object(&vm.repr(&callable.unwrap_or(Object::NONE))?);
    out.push_str(")>");
    Ok(out.finish(vm))
}

pub static CLASSMETHOD: Type = Type::new::<ClassMethod>(
    "classmethod",
    &OBJECT,
    type_flags::BASE | type_flags::HAVE_GC,
    Slots {
        new: Some(|vm, class, _, _| {
            vm.try_alloc(class, ClassMethod::default()).ok_or_else(|| vm.memory_error())
        }),
        init: Some(|vm, object, args, kwnames| {
            let callable = single_argument(vm, "classmethod", args, kwnames)?;
            payload::<ClassMethod>(object).callable.set(callable.clone());
            copy_attrs(vm, object, callable)
        }),
        descr_get: Some(classmethod_get),
        ..Slots::EMPTY.repr(|vm, o| wrapper_repr(vm, "classmethod", payload::<ClassMethod>(o).callable()))
    },
    &[MethodDef::new("__class_getitem__($type, object, /)", genericalias::class_getitem, "See PEP 585")
        .class_method()],
    wrapper_getset!(ClassMethod),
)
.with_dict()
.with_doc("A method that receives the class instead of the instance.");

fn classmethod_get(vm: &Vm, descr: &Object, object: Option<&Object>, owner: Option<&Object>) -> Result {
    let Some(callable) = payload::<ClassMethod>(descr).callable() else {
        return Err(vm.runtime_error("uninitialized classmethod object"));
    };
    let owner = match (owner, object) {
        (Some(owner), _) => owner.clone(),
        (None, Some(object)) => object.ty().to_object(),
        (None, None) => return Ok(callable),
    };
    Ok(function::new_method(vm, callable, owner))
}

pub static STATICMETHOD: Type = Type::new::<StaticMethod>(
    "staticmethod",
    &OBJECT,
    type_flags::BASE | type_flags::HAVE_GC,
    Slots {
        new: Some(|vm, class, _, _| {
            vm.try_alloc(class, StaticMethod::default()).ok_or_else(|| vm.memory_error())
        }),
        init: Some(|vm, object, args, kwnames| {
            let callable = single_argument(vm, "staticmethod", args, kwnames)?;
            payload::<StaticMethod>(object).callable.set(callable.clone());
            copy_attrs(vm, object, callable)
        }),
        call: Some(|vm, object, args, kwnames| match payload::<StaticMethod>(object).callable() {
            Some(callable) => vm.call_kw(&callable, args, kwnames),
            None => Err(vm.runtime_error("uninitialized staticmethod object")),
        }),
        descr_get: Some(|vm, descr, _, _| match payload::<StaticMethod>(descr).callable() {
            Some(callable) => Ok(callable),
            None => Err(vm.runtime_error("uninitialized staticmethod object")),
        }),
        ..Slots::EMPTY.repr(|vm, o| wrapper_repr(vm, "staticmethod", payload::<StaticMethod>(o).callable()))
    },
    &[MethodDef::new("__class_getitem__($type, object, /)", genericalias::class_getitem, "See PEP 585")
        .class_method()],
    wrapper_getset!(StaticMethod),
)
.with_dict()
.with_doc("A method that receives neither the instance nor the class.");
