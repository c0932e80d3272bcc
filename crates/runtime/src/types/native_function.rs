//! The callables made of native code: builtin functions, method and slot
//! wrappers, getset and member descriptors.

use crate::names::name;
use crate::native::{NativeCode, Signature};
use crate::prelude::*;
use crate::slots::Row;
use std::cell::{Cell, OnceCell};

/// Payload of builtin functions, bound builtin methods and method descriptors.
pub struct NativeFunction {
    pub def: &'static MethodDef,
    /// The bound object; UNBOUND for plain functions and descriptors.
    pub object: Object,
    pub module: Object,
    /// The class that owns a method descriptor.
    pub owner: Option<&'static Type>,
    /// What a bound method was bound from: it has the signature. Else UNBOUND.
    descriptor: Object,
    signature: OnceCell<Box<Signature>>,
    /// Exact number of positional parameters, self included, if that is all
    /// there is to the signature; else `NO_ARITY`; `UNKNOWN_ARITY` before the first call.
    arity: Cell<usize>,
}

const NO_ARITY: usize = usize::MAX;
const UNKNOWN_ARITY: usize = usize::MAX - 1;

impl NativeClass for NativeFunction {
    fn class() -> &'static Type {
        &BUILTIN_FUNCTION
    }
    fn traverse(&self, visitor: &mut Visitor) {
        visitor.visit_object(&self.object);
        visitor.visit_object(&self.module);
        visitor.visit_object(&self.descriptor);
    }
}

/// How many parameters a signature of only required positional ones has.
fn plain_arity(def: &MethodDef) -> usize {
    let NativeCode::Bound(_) = def.code else { return NO_ARITY };
    let Some(open) = def.sig.find('(') else { return NO_ARITY };
    let inner = &def.sig[open + 1..def.sig.len().saturating_sub(1)];
    if inner.contains(['=', '*']) {
        return NO_ARITY;
    }
    inner.split(',').map(str::trim).filter(|p| !p.is_empty() && *p != "/").count()
}

fn payload(
    def: &'static MethodDef,
    object: Object,
    module: Object,
    owner: Option<&'static Type>,
) -> NativeFunction {
    NativeFunction {
        def,
        object,
        module,
        owner,
        descriptor: Object::UNBOUND,
        signature: OnceCell::new(),
        arity: Cell::new(UNKNOWN_ARITY),
    }
}

/// A module's function, or any function without self.
pub fn new_function(vm: &Vm, def: &'static MethodDef, module: Object) -> Object {
    vm.alloc(&BUILTIN_FUNCTION, payload(def, Object::UNBOUND, module, None))
}

/// A method or class method descriptor bound to an object.
fn new_bound(vm: &Vm, descriptor: &Object, object: Object) -> Object {
    let f = this(descriptor);
    let mut bound = payload(f.def, object, Object::UNBOUND, f.owner);
    bound.arity.set(f.arity.get());
    bound.descriptor = descriptor.clone();
    vm.alloc(&BUILTIN_FUNCTION, bound)
}

/// What goes into a static type's dict for a row of its method table.
pub fn new_for_type(vm: &Vm, def: &'static MethodDef, owner: &'static Type) -> Object {
    use crate::native::method_kind::*;
    match def.kind {
        STATIC => {
            let function =
                vm.alloc(&BUILTIN_FUNCTION, payload(def, Object::UNBOUND, Object::UNBOUND, Some(owner)));
            crate::types::descriptors::new_staticmethod(vm, function)
        }
        CLASS => {
            vm.alloc(&CLASSMETHOD_DESCRIPTOR, payload(def, Object::UNBOUND, Object::UNBOUND, Some(owner)))
        }
        _ => vm.alloc(&METHOD_DESCRIPTOR, payload(def, Object::UNBOUND, Object::UNBOUND, Some(owner))),
    }
}

/// The row behind every `__new__` of a static type.
static NEW: MethodDef = MethodDef {
    hide_signature: false,
    ..MethodDef::raw(
        "__new__($type, *args, **kwargs)",
        |vm, _, _| Err(vm.system_error("tp_new")),
        "Create and return a new object.  See help(type) for accurate signature.",
    )
};

/// `__new__` of a static type.
pub fn new_new(vm: &Vm, owner: &'static Type) -> Object {
    let object = owner.to_object();
    vm.alloc(&BUILTIN_FUNCTION, payload(&NEW, object, Object::UNBOUND, Some(owner)))
}

/// The static type in whose method table this method descriptor stands.
pub fn method_owner(object: &Object) -> Option<&'static Type> {
    if object.ty().is(&METHOD_DESCRIPTOR) { this(object).owner } else { None }
}

/// The signature, if it is a native function. All that is found out about it later is found out now.
pub(crate) fn settled_signature<'a>(vm: &Vm, object: &'a Object) -> Option<&'a Signature> {
    let kinds = [&BUILTIN_FUNCTION, &METHOD_DESCRIPTOR, &CLASSMETHOD_DESCRIPTOR];
    if !kinds.iter().any(|kind| object.ty().is(kind)) {
        return None;
    }
    let f = this(object);
    f.count_parameters();
    Some(f.signature(vm))
}

/// The static type whose `__new__` this is.
pub fn new_of(object: &Object) -> Option<&'static Type> {
    let f = object.downcast_exact::<NativeFunction>()?;
    if std::ptr::eq(f.def, &NEW) { f.owner } else { None }
}

fn this(object: &Object) -> &NativeFunction {
    // SAFETY: the five types of this file that use it share the payload.
    unsafe { object.payload_unchecked() }
}

pub fn is_print(object: &Object) -> bool {
    object.downcast_exact::<NativeFunction>().is_some_and(|f| f.def.name() == "print")
}

impl NativeFunction {
    /// Is it a type's `__new__`?
    #[inline]
    pub fn is_new(&self) -> bool {
        std::ptr::eq(self.def, &NEW)
    }
    pub fn signature(&self, vm: &Vm) -> &Signature {
        if !self.descriptor.is_unbound() {
            return this(&self.descriptor).signature(vm);
        }
        self.signature.get_or_init(|| {
            let mut signature = Signature::parse(vm, self.def.sig);
            signature.qualified = match (self.owner, self.module.downcast::<Str>()) {
                (Some(owner), _) => Some(format!("{}.{}", owner.name(), signature.name)),
                (None, Some(module)) if !module.equals_text("builtins") => {
                    Some(format!("{}.{}", vm.str_lossy(&self.module), signature.name))
                }
                _ => None,
            };
            Box::new(signature)
        })
    }
    /// The code, if the function takes exactly `count` arguments (self included)
    /// and nothing else.
    #[inline(always)]
    pub(crate) fn plain(&self, count: usize) -> Option<crate::native::NativeFn> {
        match self.def.code {
            NativeCode::Bound(f) if self.arity.get() == count => Some(f),
            _ => None,
        }
    }
    /// The code and the parameters, if defaults and exactly `count` arguments (self
    /// included) make a complete call. None before the first general call.
    #[inline(always)]
    pub(crate) fn with_defaults(&self, count: usize) -> Option<(crate::native::NativeFn, &Signature)> {
        let NativeCode::Bound(f) = self.def.code else { return None };
        let signature = self.signature.get()?;
        signature.defaults_fill(count).then_some((f, signature))
    }
    /// Finds out `arity`, for what a bound method was bound from too: there will be more like it.
    #[cold]
    fn count_parameters(&self) {
        let arity = plain_arity(self.def);
        self.arity.set(arity);
        if !self.descriptor.is_unbound() {
            this(&self.descriptor).arity.set(arity);
        }
    }
    /// Calls with complete arguments (self first, if there is one).
    #[inline]
    pub fn invoke(&self, vm: &Vm, args: &[Object], kwnames: &[Object], skip: usize) -> Result {
        match self.def.code {
            NativeCode::Bound(f) => {
                if kwnames.is_empty() {
                    if args.len() == self.arity.get() {
                        return f(vm, args);
                    }
                    if self.arity.get() == UNKNOWN_ARITY {
                        self.count_parameters();
                        return self.invoke(vm, args, kwnames, skip);
                    }
                }
                let signature = self.signature(vm);
                let all = signature.params.len();
                if kwnames.is_empty() && signature.defaults_fill(args.len()) {
                    let bound = signature.borrowed(args);
                    return f(vm, Object::borrow_slice(&bound[..all]));
                }
                if !kwnames.is_empty()
                    && let Some(bound) = signature.borrowed_by_names(args, kwnames)
                {
                    return f(vm, Object::borrow_slice(&bound[..all]));
                }
                if let Some(first) = signature.before_rest
                    && kwnames.is_empty()
                    && args.len() >= first
                {
                    let rest = crate::types::tuple::from_slice(vm, &args[first..]);
                    let mut bound = [Value::UNBOUND; crate::native::INLINE];
                    for (slot, arg) in bound.iter_mut().zip(&args[..first]) {
                        *slot = arg.value();
                    }
                    bound[first] = rest.value();
                    return f(vm, Object::borrow_slice(&bound[..=first]));
                }
                let bound = signature.bind(vm, args, kwnames, skip)?;
                f(vm, &bound)
            }
            NativeCode::Raw(f) => f(vm, args, kwnames),
        }
    }
}

fn with_self(object: &Object, args: &[Object]) -> Vec<Object> {
    let mut all = Vec::with_capacity(args.len() + 1);
    all.push(object.clone());
    all.extend_from_slice(args);
    all
}

/// Call slot of `builtin_function_or_method`.
pub fn call_builtin(vm: &Vm, callable: &Object, args: &[Object], kwnames: &[Object]) -> Result {
    let f = this(callable);
    if f.object.is_unbound() {
        return f.invoke(vm, args, kwnames, 0);
    }
    if f.is_new() {
        return call_new(vm, f, args, kwnames);
    }
    let mut few = [Value::UNBOUND; FEW];
    if args.len() < FEW {
        few[0] = f.object.value();
        for (place, arg) in few[1..].iter_mut().zip(args) {
            *place = arg.value();
        }
        return f.invoke(vm, Object::borrow_slice(&few[..args.len() + 1]), kwnames, 1);
    }
    f.invoke(vm, &with_self(&f.object, args), kwnames, 1)
}

/// Calls with fewer arguments need no vector.
const FEW: usize = 6;

/// `T.__new__(cls, ...)` with the safety checks of `tp_new_wrapper`.
fn call_new(vm: &Vm, f: &NativeFunction, args: &[Object], kwnames: &[Object]) -> Result {
    let Some(owner) = f.owner else { return Err(vm.system_error("__new__ without a type")) };
    let shown = owner.full_name();
    if args.len() == kwnames.len() {
        return Err(vm.type_error(format!("{shown}.__new__(): not enough arguments")));
    }
    let Some(class) = Type::of(&args[0]) else {
        return Err(vm.type_error(format!(
            "{shown}.__new__(X): X is not a type object ({})",
            args[0].ty().full_name()
        )));
    };
    if !class.is_subtype(owner) {
        return Err(vm.type_error(format!(
            "{shown}.__new__({}): {} is not a subtype of {shown}",
            class.full_name(),
            class.full_name()
        )));
    }
    // The nearest static base must be the one whose __new__ this is.
    let mut base = class;
    // Struct sequences are heap types that no program made.
    while base.is_heap() && !base.has(type_flags::IMMUTABLE) {
        match base.base() {
            Some(b) => base = b,
            None => break,
        }
    }
    if base.slots().new.is_none() || base.has(type_flags::DISALLOW_INSTANTIATION) {
        return Err(vm.type_error(format!("cannot create '{}' instances", class.full_name())));
    }
    if base.slots().new.map(|f| f as usize) != owner.slots().new.map(|f| f as usize) {
        return Err(vm.type_error(format!(
            "{shown}.__new__({}) is not safe, use {}.__new__()",
            class.full_name(),
            base.full_name()
        )));
    }
    match owner.slots().new {
        Some(new) => new(vm, class, &args[1..], kwnames),
        None => Err(vm.type_error(format!("cannot create '{}' instances", owner.full_name()))),
    }
}

fn check_receiver(vm: &Vm, f: &NativeFunction, args: &[Object], nkw: usize) -> Result<()> {
    let Some(owner) = f.owner else { return Ok(()) };
    if args.len() == nkw {
        return Err(vm.type_error(format!(
            "unbound method {}.{}() needs an argument",
            owner.name(),
            f.def.name()
        )));
    }
    if !args[0].is_instance_of(owner) {
        return Err(vm.type_error(format!(
            "descriptor '{}' for '{}' objects doesn't apply to a '{}' object",
            f.def.name(),
            owner.full_name(),
            args[0].ty().full_name()
        )));
    }
    Ok(())
}

/// Call slot of `method_descriptor`.
pub fn call_descriptor(vm: &Vm, callable: &Object, args: &[Object], kwnames: &[Object]) -> Result {
    let f = this(callable);
    check_receiver(vm, f, args, kwnames.len())?;
    f.invoke(vm, args, kwnames, 1)
}

fn text_signature(vm: &Vm, def: &MethodDef) -> Object {
    if def.hide_signature {
        return Object::NONE;
    }
    match def.sig.find('(') {
        Some(open) if !def.sig[open..].contains("**changes") => {
            let text = &def.sig[open..];
            if text.starts_with("($") || def.kind == crate::native::method_kind::STATIC {
                vm.str(text)
            } else if text == "()" {
                vm.str("($module, /)")
            } else if text.contains("/,") || text.ends_with("/)") {
                vm.str(&format!("($module, {}", &text[1..]))
            } else {
                vm.str(&format!("($module, /, {}", &text[1..]))
            }
        }
        _ => Object::NONE,
    }
}

fn doc(vm: &Vm, text: &str) -> Object {
    if text.is_empty() { Object::NONE } else { vm.str(text) }
}

/// What `__self__` shows that is no module: the bound object, or the type of a
/// static method.
fn shown_self(f: &NativeFunction) -> Option<Object> {
    if f.object.is_unbound() {
        return f.owner.map(|owner| owner.to_object());
    }
    if f.object.is_instance_of(&crate::types::module::MODULE) { None } else { Some(f.object.clone()) }
}

fn qualname(vm: &Vm, f: &NativeFunction) -> Result {
    let plain = f.def.name();
    let Some(object) = shown_self(f) else { return Ok(vm.str(plain)) };
    let class = if Type::of(&object).is_some() { object } else { object.ty().to_object() };
    let class_name = vm.str_text(&vm.get_attr(&class, name::qualname.object())?)?;
    Ok(vm.str(&format!("{class_name}.{plain}")))
}

pub static BUILTIN_FUNCTION: Type = Type::new::<NativeFunction>(
    "builtin_function_or_method",
    &crate::types::object::OBJECT,
    type_flags::HAVE_GC | type_flags::WEAKREFABLE,
    Slots {
        call: Some(call_builtin),
        compare: Some(|_, a, b, op| {
            let (Some(x), Some(y)) = (a.downcast::<NativeFunction>(), b.downcast::<NativeFunction>()) else {
                return Ok(Object::NOT_IMPLEMENTED);
            };
            let same =
                std::ptr::eq(x.def, y.def) && x.object.value() == y.object.value() && a.ty().is(b.ty());
            match op {
                CompareOp::Eq => Ok(Object::bool(same)),
                CompareOp::Ne => Ok(Object::bool(!same)),
                _ => Ok(Object::NOT_IMPLEMENTED),
            }
        }),
        hash: Some(|_, f| {
            let f = this(f);
            Ok(((f.def as *const MethodDef as u64 >> 4) ^ f.object.bits().rotate_left(17)) as i64 >> 1)
        }),
        ..Slots::EMPTY.repr(|vm, f| {
            let f = this(f);
            let Some(object) = shown_self(f) else {
                return Ok(vm.str(&format!("<built-in function {}>", f.def.name())));
            };
            Ok(vm.str(&format!(
                "<built-in method {} of {} object at {:#x}>",
                f.def.name(),
                object.ty().full_name(),
                object.bits()
            )))
        })
    },
    &[MethodDef::new(
        "__reduce__($self, /)",
        |vm, args| {
            // The name is an object of its own each time: pickles tell the difference.
            let f = this(&args[0]);
            let Some(object) = shown_self(f) else { return Ok(vm.str(f.def.name())) };
            let getattr = vm.interp().builtin(vm, "getattr");
            Ok(vm.tuple(vec![getattr, vm.tuple(vec![object, vm.str(f.def.name())])]))
        },
        "",
    )],
    &[
        GetSetDef::new("__name__", |vm, f| Ok(vm.str(this(f).def.name()))),
        GetSetDef::new("__qualname__", |vm, f| qualname(vm, this(f))),
        GetSetDef::new("__doc__", |vm, f| Ok(doc(vm, this(f).def.doc))),
        GetSetDef::new("__text_signature__", |vm, f| Ok(text_signature(vm, this(f).def))),
        GetSetDef::new("__module__", |_, f| Ok(this(f).module.bound().cloned().unwrap_or(Object::NONE)))
            .with_set(|vm, f, _| Err(vm.attribute_error("readonly attribute", f, name::module.object()))),
        GetSetDef::new("__self__", |vm, f| {
            let f = this(f);
            if !f.object.is_unbound() {
                return Ok(f.object.clone());
            }
            if f.owner.is_some() {
                // A static method.
                return Ok(Object::NONE);
            }
            let modules = vm.interp().modules.clone();
            let found = modules.downcast::<Dict>().and_then(|d| d.get_str_owned(&f.module));
            Ok(found.unwrap_or(Object::NONE))
        }),
    ],
);

const DESCRIPTOR_GETSET: &[GetSetDef] = &[
    GetSetDef::new("__name__", |vm, f| Ok(vm.intern(this(f).def.name()))),
    GetSetDef::new("__qualname__", |vm, f| {
        let f = this(f);
        let owner = f.owner.map_or("?", |o| o.name());
        Ok(vm.str(&format!("{owner}.{}", f.def.name())))
    }),
    GetSetDef::new("__doc__", |vm, f| Ok(doc(vm, this(f).def.doc))),
    GetSetDef::new("__text_signature__", |vm, f| Ok(text_signature(vm, this(f).def))),
    GetSetDef::new("__objclass__", |_, f| Ok(this(f).owner.map_or(Object::NONE, |o| o.to_object()))),
];

const DESCRIPTOR_METHODS: &[MethodDef] = &[MethodDef::new(
    "__reduce__($self, /)",
    |vm, args| {
        let getattr = vm.interp().builtin(vm, "getattr");
        let f = this(&args[0]);
        let owner = f.owner.map_or(Object::NONE, |o| o.to_object());
        Ok(vm.tuple(vec![getattr, vm.tuple(vec![owner, vm.intern(f.def.name())])]))
    },
    "",
)];

pub static METHOD_DESCRIPTOR: Type = Type::new::<NativeFunction>(
    "method_descriptor",
    &crate::types::object::OBJECT,
    type_flags::HAVE_GC | type_flags::METHOD_DESCRIPTOR,
    Slots {
        call: Some(call_descriptor),
        descr_get: Some(|vm, descr, object, _| {
            let Some(object) = object else { return Ok(descr.clone()) };
            let f = this(descr);
            check_receiver(vm, f, std::slice::from_ref(object), 0)?;
            Ok(new_bound(vm, descr, object.clone()))
        }),
        ..Slots::EMPTY.repr(|vm, f| {
            let f = this(f);
            let owner = f.owner.map_or("?", |o| o.full_name());
            Ok(vm.str(&format!("<method '{}' of '{owner}' objects>", f.def.name())))
        })
    },
    DESCRIPTOR_METHODS,
    DESCRIPTOR_GETSET,
);

pub static CLASSMETHOD_DESCRIPTOR: Type = Type::new::<NativeFunction>(
    "classmethod_descriptor",
    &crate::types::object::OBJECT,
    type_flags::HAVE_GC,
    Slots {
        call: Some(|vm, callable, args, kwnames| {
            let f = this(callable);
            let shown = f.owner.map_or("?", |o| o.name());
            let Some(class) = args.first().filter(|_| args.len() > kwnames.len()) else {
                return Err(vm.type_error(format!(
                    "descriptor '{}' of '{shown}' object needs an argument",
                    f.def.name()
                )));
            };
            if Type::of(class).is_none() {
                return Err(vm.type_error(format!(
                    "descriptor '{}' for type '{shown}' needs a type, not a '{}' as arg 2",
                    f.def.name(),
                    class.ty().name()
                )));
            }
            f.invoke(vm, args, kwnames, 1)
        }),
        descr_get: Some(|vm, descr, object, owner| {
            let class = match (owner, object) {
                (Some(owner), _) => owner.clone(),
                (None, Some(object)) => object.ty().to_object(),
                (None, None) => return Ok(descr.clone()),
            };
            Ok(new_bound(vm, descr, class))
        }),
        ..Slots::EMPTY.repr(|vm, f| {
            let f = this(f);
            let owner = f.owner.map_or("?", |o| o.full_name());
            Ok(vm.str(&format!("<method '{}' of '{owner}' objects>", f.def.name())))
        })
    },
    &[],
    DESCRIPTOR_GETSET,
);

// ---- slot wrappers ----------------------------------------------------------------

/// Payload of slot wrappers (`int.__add__`), bound or not.
pub struct SlotWrapper {
    pub row: &'static Row,
    pub owner: &'static Type,
    /// UNBOUND unless bound.
    pub object: Object,
}

impl NativeClass for SlotWrapper {
    fn class() -> &'static Type {
        &SLOT_WRAPPER
    }
    fn traverse(&self, visitor: &mut Visitor) {
        visitor.visit_object(&self.object);
    }
}

pub fn new_slot_wrapper(vm: &Vm, owner: &'static Type, row: &'static Row) -> Object {
    vm.alloc(&SLOT_WRAPPER, SlotWrapper { row, owner, object: Object::UNBOUND })
}

/// Owner and row of a slot wrapper.
pub fn slot_wrapper_parts(object: &Object) -> Option<(&'static Type, &'static Row)> {
    if !object.ty().is(&SLOT_WRAPPER) {
        return None;
    }
    let w = wrapper(object);
    Some((w.owner, w.row))
}

pub fn is_object_getattribute(object: &Object) -> bool {
    slot_wrapper_parts(object).is_some_and(|(owner, row)| {
        owner.is(&crate::types::object::OBJECT) && row.name.value() == name::getattribute.value()
    })
}

fn wrapper(object: &Object) -> &SlotWrapper {
    // SAFETY: used on slot wrappers and method wrappers only, which share the payload.
    unsafe { object.payload_unchecked() }
}

fn wrapper_name(vm: &Vm, w: &SlotWrapper) -> String {
    vm.str_lossy(w.row.name.object())
}

const WRAPPER_GETSET: &[GetSetDef] = &[
    GetSetDef::new("__name__", |_, w| Ok(wrapper(w).row.name.object().clone())),
    GetSetDef::new("__qualname__", |vm, w| {
        let w = wrapper(w);
        Ok(vm.str(&format!("{}.{}", w.owner.name(), wrapper_name(vm, w))))
    }),
    GetSetDef::new("__doc__", |vm, w| Ok(doc(vm, wrapper(w).row.doc))),
    GetSetDef::new("__text_signature__", |vm, w| Ok(vm.str(wrapper(w).row.sig))),
    GetSetDef::new("__objclass__", |_, w| Ok(wrapper(w).owner.to_object())),
];

pub static SLOT_WRAPPER: Type = Type::new::<SlotWrapper>(
    "wrapper_descriptor",
    &crate::types::object::OBJECT,
    type_flags::HAVE_GC | type_flags::METHOD_DESCRIPTOR,
    Slots {
        call: Some(|vm, callable, args, kwnames| {
            let w = wrapper(callable);
            if args.len() == kwnames.len() {
                return Err(vm.type_error(format!(
                    "descriptor '{}' of '{}' object needs an argument",
                    wrapper_name(vm, w),
                    w.owner.name()
                )));
            }
            if !args[0].is_instance_of(w.owner) {
                return Err(vm.type_error(format!(
                    "descriptor '{}' requires a '{}' object but received a '{}'",
                    wrapper_name(vm, w),
                    w.owner.full_name(),
                    args[0].ty().name()
                )));
            }
            (w.row.wrap)(vm, w.owner, &args[0], &args[1..], kwnames)
        }),
        descr_get: Some(|vm, descr, object, _| {
            let Some(object) = object else { return Ok(descr.clone()) };
            let w = wrapper(descr);
            if !object.is_instance_of(w.owner) {
                return Err(vm.type_error(format!(
                    "descriptor '{}' for '{}' objects doesn't apply to a '{}' object",
                    wrapper_name(vm, w),
                    w.owner.name(),
                    object.ty().name()
                )));
            }
            Ok(vm.alloc(&METHOD_WRAPPER, SlotWrapper { row: w.row, owner: w.owner, object: object.clone() }))
        }),
        ..Slots::EMPTY.repr(|vm, w| {
            let w = wrapper(w);
            Ok(vm.str(&format!(
                "<slot wrapper '{}' of '{}' objects>",
                wrapper_name(vm, w),
                w.owner.full_name()
            )))
        })
    },
    &[MethodDef::new(
        "__reduce__($self, /)",
        |vm, args| {
            let getattr = vm.interp().builtin(vm, "getattr");
            let w = wrapper(&args[0]);
            Ok(vm.tuple(vec![getattr, vm.tuple(vec![w.owner.to_object(), w.row.name.object().clone()])]))
        },
        "",
    )],
    WRAPPER_GETSET,
);

pub static METHOD_WRAPPER: Type = Type::new::<SlotWrapper>(
    "method-wrapper",
    &crate::types::object::OBJECT,
    type_flags::HAVE_GC,
    Slots {
        call: Some(|vm, callable, args, kwnames| {
            let w = wrapper(callable);
            (w.row.wrap)(vm, w.owner, &w.object, args, kwnames)
        }),
        compare: Some(|_, a, b, op| {
            if !b.ty().is(&METHOD_WRAPPER) || !a.ty().is(&METHOD_WRAPPER) {
                return Ok(Object::NOT_IMPLEMENTED);
            }
            let (x, y) = (wrapper(a), wrapper(b));
            let same = std::ptr::eq(x.row, y.row) && x.object.value() == y.object.value();
            match op {
                CompareOp::Eq => Ok(Object::bool(same)),
                CompareOp::Ne => Ok(Object::bool(!same)),
                _ => Ok(Object::NOT_IMPLEMENTED),
            }
        }),
        hash: Some(|_, w| {
            let w = wrapper(w);
            Ok(((w.row as *const Row as u64 >> 4) ^ w.object.bits().rotate_left(17)) as i64 >> 1)
        }),
        ..Slots::EMPTY.repr(|vm, w| {
            let w = wrapper(w);
            Ok(vm.str(&format!(
                "<method-wrapper '{}' of {} object at {:#x}>",
                wrapper_name(vm, w),
                w.object.ty().name(),
                w.object.bits()
            )))
        })
    },
    &[MethodDef::new(
        "__reduce__($self, /)",
        |vm, args| {
            let getattr = vm.interp().builtin(vm, "getattr");
            let w = wrapper(&args[0]);
            Ok(vm.tuple(vec![getattr, vm.tuple(vec![w.object.clone(), w.row.name.object().clone()])]))
        },
        "",
    )],
    &[
        GetSetDef::new("__name__", |_, w| Ok(wrapper(w).row.name.object().clone())),
        GetSetDef::new("__qualname__", |vm, w| {
            let w = wrapper(w);
            Ok(vm.str(&format!("{}.{}", w.owner.name(), wrapper_name(vm, w))))
        }),
        GetSetDef::new("__doc__", |vm, w| Ok(doc(vm, wrapper(w).row.doc))),
        GetSetDef::new("__text_signature__", |vm, w| Ok(vm.str(wrapper(w).row.sig))),
        GetSetDef::new("__objclass__", |_, w| Ok(wrapper(w).owner.to_object())),
        GetSetDef::new("__self__", |_, w| Ok(wrapper(w).object.clone())),
    ],
);

// ---- getset and member descriptors -------------------------------------------------------

/// Payload of getset descriptors.
pub struct GetSet {
    pub def: &'static GetSetDef,
    pub owner: Object,
}

impl NativeClass for GetSet {
    fn class() -> &'static Type {
        &GETSET_DESCRIPTOR
    }
    fn traverse(&self, visitor: &mut Visitor) {
        visitor.visit_object(&self.owner);
    }
}

/// A getset descriptor of a type.
pub fn new_getset(vm: &Vm, def: &'static GetSetDef, owner: &Type) -> Object {
    if def.member {
        let member =
            Member { name: vm.intern(def.name), owner: owner.to_object(), offset: 0, native: Some(def) };
        return vm.alloc(&MEMBER_DESCRIPTOR, member);
    }
    vm.alloc(&GETSET_DESCRIPTOR, GetSet { def, owner: owner.to_object() })
}

fn getset(object: &Object) -> &GetSet {
    // SAFETY: used on getset descriptors only.
    unsafe { object.payload_unchecked() }
}

fn owner_of(owner: &Object) -> &Type {
    // SAFETY: owners are types.
    unsafe { Type::from_object_unchecked(owner) }
}

fn wrong_receiver(vm: &Vm, attr: &str, owner: &Type, object: &Object) -> Raised {
    vm.type_error(format!(
        "descriptor '{attr}' for '{}' objects doesn't apply to a '{}' object",
        owner.name(),
        object.ty().name()
    ))
}

pub static GETSET_DESCRIPTOR: Type = Type::new::<GetSet>(
    "getset_descriptor",
    &crate::types::object::OBJECT,
    type_flags::HAVE_GC,
    Slots {
        descr_get: Some(|vm, descr, object, _| {
            let Some(object) = object else { return Ok(descr.clone()) };
            let d = getset(descr);
            let owner = owner_of(&d.owner);
            if !object.is_instance_of(owner) {
                return Err(wrong_receiver(vm, d.def.name, owner, object));
            }
            (d.def.get)(vm, object)
        }),
        descr_set: Some(|vm, descr, object, value| {
            let d = getset(descr);
            let owner = owner_of(&d.owner);
            if !object.is_instance_of(owner) {
                return Err(wrong_receiver(vm, d.def.name, owner, object));
            }
            match d.def.set {
                Some(set) => set(vm, object, value),
                None => Err(vm.attribute_error(
                    format!("attribute '{}' of '{}' objects is not writable", d.def.name, owner.full_name()),
                    object,
                    &vm.intern(d.def.name),
                )),
            }
        }),
        ..Slots::EMPTY.repr(|vm, d| {
            let d = getset(d);
            Ok(vm.str(&format!(
                "<attribute '{}' of '{}' objects>",
                d.def.name,
                owner_of(&d.owner).full_name()
            )))
        })
    },
    &[],
    &[
        GetSetDef::new("__name__", |vm, d| Ok(vm.intern(getset(d).def.name))),
        GetSetDef::new("__qualname__", |vm, d| {
            let d = getset(d);
            Ok(vm.str(&format!("{}.{}", owner_of(&d.owner).name(), d.def.name)))
        }),
        GetSetDef::new("__doc__", |vm, d| Ok(doc(vm, getset(d).def.doc))),
        GetSetDef::new("__objclass__", |_, d| Ok(owner_of(&getset(d).owner).to_object())),
    ],
);

/// Payload of `__slots__` members, and of native attributes that CPython has as members.
pub struct Member {
    pub name: Object,
    pub owner: Object,
    pub offset: usize,
    native: Option<&'static GetSetDef>,
}

impl Member {
    /// Is it of `__slots__`, with a word at a fixed `offset`?
    pub fn is_slot(&self) -> bool {
        self.native.is_none() && self.offset < crate::alloc::SLOTS_AT_END
    }
}

impl NativeClass for Member {
    fn class() -> &'static Type {
        &MEMBER_DESCRIPTOR
    }
    fn traverse(&self, visitor: &mut Visitor) {
        visitor.visit_object(&self.owner);
    }
}

pub fn new_member(vm: &Vm, member: Object, owner: &Type, offset: usize) -> Object {
    vm.alloc(&MEMBER_DESCRIPTOR, Member { name: member, owner: owner.to_object(), offset, native: None })
}

fn member(object: &Object) -> &Member {
    // SAFETY: used on member descriptors only.
    unsafe { object.payload_unchecked() }
}

pub static MEMBER_DESCRIPTOR: Type = Type::new::<Member>(
    "member_descriptor",
    &crate::types::object::OBJECT,
    type_flags::HAVE_GC,
    Slots {
        descr_get: Some(|vm, descr, object, _| {
            let Some(object) = object else { return Ok(descr.clone()) };
            let m = member(descr);
            let owner = owner_of(&m.owner);
            if !object.is_instance_of(owner) {
                return Err(wrong_receiver(vm, &vm.str_lossy(&m.name), owner, object));
            }
            if let Some(def) = m.native {
                return (def.get)(vm, object);
            }
            // SAFETY: instances of the owner have the slot at this offset.
            let value = unsafe { *crate::alloc::slot_word(object.as_ptr(), m.offset) };
            if value.is_unbound() {
                let shown = crate::types::set_methods::qualified_type_name(vm, object);
                let text = format!("'{shown}' object has no attribute '{}'", vm.str_lossy(&m.name));
                return Err(vm.attribute_error(text, object, &m.name));
            }
            // SAFETY: owned by the object.
            Ok(unsafe { Object::from_borrowed(value) })
        }),
        descr_set: Some(|vm, descr, object, value| {
            let m = member(descr);
            let owner = owner_of(&m.owner);
            if !object.is_instance_of(owner) {
                return Err(wrong_receiver(vm, &vm.str_lossy(&m.name), owner, object));
            }
            if let Some(def) = m.native {
                return match def.set {
                    Some(set) => set(vm, object, value),
                    None => Err(vm.error(&exc::ATTRIBUTE_ERROR, "readonly attribute")),
                };
            }
            // SAFETY: as above; the old value is taken out before it is dropped.
            let old = unsafe {
                let slot = crate::alloc::slot_word(object.as_ptr(), m.offset);
                if value.is_none() && (*slot).is_unbound() {
                    return Err(vm.no_attribute(object, &m.name));
                }
                let new = value.cloned().map_or(Value::UNBOUND, |v| v.into_value());
                Object::from_owned(std::mem::replace(&mut *slot, new))
            };
            drop(old);
            Ok(())
        }),
        ..Slots::EMPTY.repr(|vm, d| {
            let d = member(d);
            Ok(vm.str(&format!(
                "<member '{}' of '{}' objects>",
                vm.str_lossy(&d.name),
                owner_of(&d.owner).full_name()
            )))
        })
    },
    &[MethodDef::new(
        "__reduce__($self, /)",
        |vm, args| {
            let getattr = vm.interp().builtin(vm, "getattr");
            let m = member(&args[0]);
            let owner = owner_of(&m.owner).to_object();
            Ok(vm.tuple(vec![getattr, vm.tuple(vec![owner, m.name.clone()])]))
        },
        "",
    )],
    &[
        GetSetDef::new("__name__", |_, d| Ok(member(d).name.clone())),
        GetSetDef::new("__qualname__", |vm, d| {
            let d = member(d);
            Ok(vm.str(&format!("{}.{}", owner_of(&d.owner).name(), vm.str_lossy(&d.name))))
        }),
        GetSetDef::new("__doc__", |vm, d| Ok(member(d).native.map_or(Object::NONE, |def| doc(vm, def.doc)))),
        GetSetDef::new("__objclass__", |_, d| Ok(owner_of(&member(d).owner).to_object())),
    ],
);
