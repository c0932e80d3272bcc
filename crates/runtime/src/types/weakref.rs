//! Weak references: `weakref.ref`, proxies, and the `_weakref` module.
//!
//! An object knows by a header flag that weak references to it exist; the list
//! of them is in the interpreter's side table, by the object's address. A list
//! is ordered as CPython's: the shared reference without callback first, then
//! the shared proxy, then the others, latest first.

use crate::names::name;
use crate::prelude::*;
use crate::types::cell::ObjectCell;
use crate::types::object::OBJECT;
use std::cell::Cell;
use taipan_object::header::header_flags;

/// The weak references to one object (their headers; the list owns nothing).
#[derive(Default)]
pub struct WeakList {
    refs: Vec<*mut Header>,
}

/// Payload of weakref.ref and of the proxies.
pub struct WeakRef {
    /// Not counted; UNBOUND once the object is dead.
    referent: Cell<Value>,
    callback: ObjectCell,
    /// -1: not computed.
    hash: Cell<i64>,
}

impl NativeClass for WeakRef {
    fn class() -> &'static Type {
        &REFERENCE
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.callback.traverse(visitor)
    }
    fn clear(&self) {
        self.detach();
        self.callback.clear();
    }
}

impl Drop for WeakRef {
    fn drop(&mut self) {
        self.detach()
    }
}

impl WeakRef {
    fn header(&self) -> *mut Header {
        // The payload follows the header.
        (self as *const WeakRef as usize - size_of::<Header>()) as *mut Header
    }

    /// Takes the reference out of its object's list.
    fn detach(&self) {
        let referent = self.referent.replace(Value::UNBOUND);
        if !referent.is_ptr() || !Vm::is_attached() {
            return;
        }
        let me = self.header();
        let mut table = Vm::current().interp().weakrefs.borrow_mut();
        let key = referent.as_ptr() as usize;
        if let Some(list) = table.get_mut(&key) {
            list.refs.retain(|&r| r != me);
            if list.refs.is_empty() {
                table.remove(&key);
                // SAFETY: a referent that is not UNBOUND is alive.
                unmark(unsafe { &*referent.as_ptr() });
            }
        }
    }

    /// The object, if it is alive.
    pub fn get(&self) -> Option<Object> {
        let referent = self.referent.get();
        if referent.is_unbound() {
            return None;
        }
        // SAFETY: not cleared yet, so its memory is there; a count of 0 means
        // that it waits for its destruction.
        unsafe {
            if referent.is_ptr() && (*referent.as_ptr()).count() == 0 {
                return None;
            }
            Some(Object::from_borrowed(referent))
        }
    }
}

fn this(object: &Object) -> &WeakRef {
    // SAFETY: slots and methods of weak references are only called on them.
    unsafe { object.payload_unchecked() }
}

fn is_proxy_type(ty: &Type) -> bool {
    ty.is(&PROXY) || ty.is(&CALLABLE_PROXY)
}

/// There are no weak references to the object any more. Of shared objects that is not said:
/// other interpreters may have some.
fn unmark(object: &Header) {
    if !object.is_immortal() {
        object.unset(header_flags::HAS_WEAKREFS)
    }
}

/// The weak reference's payload, if the object is one (a proxy included).
fn as_weak(object: &Object) -> Option<&WeakRef> {
    let ty = object.ty();
    if ty.is_subtype(&REFERENCE) || is_proxy_type(ty) { Some(this(object)) } else { None }
}

/// The live references in an object's list.
fn list_of(vm: &Vm, object: &Object) -> Vec<Object> {
    if !object.header().is_some_and(|h| h.has(header_flags::HAS_WEAKREFS)) {
        return Vec::new();
    }
    let table = vm.interp().weakrefs.borrow();
    let Some(list) = table.get(&(object.as_ptr() as usize)) else { return Vec::new() };
    // SAFETY: listed references have not been destroyed; those with count 0 wait for it.
    list.refs
        .iter()
        .filter(|&&r| unsafe { (*r).count() != 0 })
        .map(|&r| unsafe { Object::from_borrowed(Value::from_ptr(r)) })
        .collect()
}

/// A weak reference (of class `class`) to `object`; those without a callback are shared.
fn make(vm: &Vm, class: &Type, object: &Object, callback: Option<&Object>) -> Result {
    let supported = object.is_ptr() && object.ty().has(type_flags::WEAKREFABLE);
    let Some(header) = object.header().filter(|_| supported) else {
        return Err(
            vm.type_error(format!("cannot create weak reference to '{}' object", object.ty().full_name()))
        );
    };
    if class.is(&REFERENCE)
        && callback.is_none()
        && header.has(header_flags::HAS_WEAKREFS)
        && let Some(list) = vm.interp().weakrefs.borrow().get(&(object.as_ptr() as usize))
        && let Some(&first) = list.refs.first()
    {
        // The shared plain reference is always the first.
        // SAFETY: listed references have not been destroyed; a count of 0 waits for it.
        let first = unsafe { ((*first).count() != 0).then(|| Object::from_borrowed(Value::from_ptr(first))) };
        if let Some(first) = first.filter(|r| r.ty().is(&REFERENCE) && this(r).callback.is_empty()) {
            return Ok(first);
        }
    }
    let shareable = class.is(&REFERENCE) || is_proxy_type(class);
    let existing = list_of(vm, object);
    let plain = |r: &Object| this(r).callback.is_empty();
    let shared_ref = existing.iter().position(|r| r.ty().is(&REFERENCE) && plain(r));
    let shared_proxy = existing.iter().position(|r| is_proxy_type(r.ty()) && plain(r));
    if callback.is_none() && shareable {
        let found = if class.is(&REFERENCE) { shared_ref } else { shared_proxy };
        if let Some(i) = found {
            return Ok(existing[i].clone());
        }
    }
    let weak = vm
        .try_alloc(
            class,
            WeakRef {
                referent: Cell::new(object.value()),
                callback: ObjectCell::new(callback.cloned().unwrap_or(Object::UNBOUND)),
                hash: Cell::new(-1),
            },
        )
        .ok_or_else(|| vm.memory_error())?;
    let mut table = vm.interp().weakrefs.borrow_mut();
    let list = table.entry(object.as_ptr() as usize).or_default();
    let at = if callback.is_none() && class.is(&REFERENCE) {
        0
    } else {
        // Behind the shared ones.
        let find = |r: Option<usize>| {
            r.and_then(|i| list.refs.iter().position(|&p| p == existing[i].as_ptr())).map_or(0, |i| i + 1)
        };
        find(shared_proxy).max(find(shared_ref))
    };
    list.refs.insert(at, weak.as_ptr());
    header.set(header_flags::HAS_WEAKREFS);
    drop(table);
    Ok(weak)
}

/// A new reference without callback, as `weakref.ref(object)`.
pub fn new(vm: &Vm, object: &Object) -> Result {
    make(vm, &REFERENCE, object, None)
}

/// What a reference made by [`new`] refers to, if it is alive.
pub fn get(reference: &Object) -> Option<Object> {
    as_weak(reference)?.get()
}

/// The first weak reference to an object (`__weakref__`), or None.
pub fn first_ref(vm: &Vm, object: &Object) -> Result {
    Ok(list_of(vm, object).into_iter().next().unwrap_or(Object::NONE))
}

/// Takes the list of an object and marks its references dead. Returns those
/// with callbacks, in order.
fn clear_list(vm: &Vm, object: *mut Header) -> Vec<Object> {
    // SAFETY: the caller's object is still in place.
    unmark(unsafe { &*object });
    let list = vm.interp().weakrefs.borrow_mut().remove(&(object as usize));
    let mut with_callbacks = Vec::new();
    for reference in list.unwrap_or_default().refs {
        // SAFETY: listed references have not been destroyed.
        unsafe {
            let value = Value::from_ptr(reference);
            let weak = this(Object::borrow_value(&value));
            weak.referent.set(Value::UNBOUND);
            if !weak.callback.is_empty() && (*reference).count() != 0 {
                with_callbacks.push(Object::from_borrowed(value));
            }
        }
    }
    with_callbacks
}

/// Calls the callback of a dead reference, once.
fn run_callback(vm: &Vm, reference: &Object) {
    let callback = this(reference).callback.take();
    if callback.is_unbound() {
        return;
    }
    let saved = vm.take_raised();
    if vm.call(&callback, std::slice::from_ref(reference)).is_err() {
        vm.write_unraisable(&callback, "Exception ignored while calling weakref callback");
    }
    vm.restore_raised(saved);
}

/// The object dies: clears the weak references to it and runs their callbacks.
/// The object has a count of 1 for the time of the call.
pub fn object_dies(object: *mut Header) {
    let vm = Vm::current();
    for reference in clear_list(vm, object) {
        run_callback(vm, &reference);
    }
}

/// The collector found these objects unreachable: clears the weak references to
/// them that have callbacks, then runs the callbacks of those references that
/// are not unreachable themselves.
pub fn clear_unreachable(vm: &Vm, unreachable: &[Object]) {
    let mut callbacks = Vec::new();
    let mut dead: Option<std::collections::HashSet<u64>> = None;
    for object in unreachable {
        if !object.header().is_some_and(|h| h.has(header_flags::HAS_WEAKREFS)) {
            continue;
        }
        for reference in clear_list(vm, object.as_ptr()) {
            let dead = dead.get_or_insert_with(|| unreachable.iter().map(|o| o.bits()).collect());
            if !dead.contains(&reference.bits()) {
                callbacks.push(reference);
            }
        }
    }
    for reference in callbacks {
        run_callback(vm, &reference);
    }
}

/// Clears the weak references to these objects; their callbacks are not called.
pub fn forget(vm: &Vm, objects: &[Object]) {
    for object in objects {
        if object.header().is_some_and(|h| h.has(header_flags::HAS_WEAKREFS)) {
            drop(clear_list(vm, object.as_ptr()));
        }
    }
}

// ---- weakref.ref -----------------------------------------------------------------------

pub static REFERENCE: Type = Type::new::<WeakRef>(
    "weakref.ReferenceType",
    &OBJECT,
    type_flags::BASE | type_flags::HAVE_GC,
    Slots {
        new: Some(ref_new),
        init: Some(ref_init),
        hash: Some(ref_hash),
        compare: Some(ref_compare),
        call: Some(ref_call),
        ..Slots::EMPTY.repr(ref_repr)
    },
    &[MethodDef::new(
        "__class_getitem__($type, object, /)",
        crate::types::genericalias::class_getitem,
        "See PEP 585",
    )
    .class_method()],
    &[GetSetDef::member("__callback__", |_, r| Ok(this(r).callback.or_none()))],
);

fn two_arguments<'a>(
    vm: &Vm,
    what: &str,
    args: &'a [Object],
    kwnames: &[Object],
) -> Result<(&'a Object, Option<&'a Object>)> {
    match &args[..args.len() - kwnames.len()] {
        [] => Err(vm.type_error(format!("{what} expected at least 1 argument, got 0"))),
        [object] => Ok((object, None)),
        [object, callback] => Ok((object, callback.some())),
        more => Err(vm.type_error(format!("{what} expected at most 2 arguments, got {}", more.len()))),
    }
}

fn ref_new(vm: &Vm, class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    let (object, callback) = two_arguments(vm, "__new__", args, kwnames)?;
    make(vm, class, object, callback)
}

fn ref_init(vm: &Vm, _reference: &Object, args: &[Object], kwnames: &[Object]) -> Result<()> {
    if !kwnames.is_empty() {
        return Err(vm.type_error("ref() takes no keyword arguments"));
    }
    two_arguments(vm, "__init__", args, kwnames).map(drop)
}

fn ref_call(vm: &Vm, reference: &Object, args: &[Object], kwnames: &[Object]) -> Result {
    if !kwnames.is_empty() {
        return Err(vm.type_error("weakref() takes no keyword arguments"));
    }
    if !args.is_empty() {
        return Err(vm.type_error(format!("weakref expected 0 arguments, got {}", args.len())));
    }
    Ok(this(reference).get().unwrap_or(Object::NONE))
}

fn ref_hash(vm: &Vm, reference: &Object) -> Result<i64> {
    let this = this(reference);
    if this.hash.get() != -1 {
        return Ok(this.hash.get());
    }
    let Some(object) = this.get() else { return Err(vm.type_error("weak object has gone away")) };
    let hash = vm.hash(&object)?;
    this.hash.set(hash);
    Ok(hash)
}

fn ref_compare(vm: &Vm, a: &Object, b: &Object, op: CompareOp) -> Result {
    if op != CompareOp::Eq && op != CompareOp::Ne {
        return Ok(Object::NOT_IMPLEMENTED);
    }
    let (Some(x), Some(y)) = (as_weak(a), as_weak(b)) else { return Ok(Object::NOT_IMPLEMENTED) };
    match (x.get(), y.get()) {
        (Some(p), Some(q)) => vm.compare(&p, &q, op),
        _ => Ok(Object::bool((a.value() == b.value()) == (op == CompareOp::Eq))),
    }
}

fn ref_repr(vm: &Vm, reference: &Object) -> Result {
    let address = reference.bits();
    let Some(object) = this(reference).get() else {
        return Ok(vm.str(&format!("<weakref at {address:#x}; dead>")));
    };
    // On the type only: a `__getattr__` may do anything.
    let known = vm.special_method(&object, name::name.object())?;
    let suffix = match known.filter(|n| n.downcast::<Str>().is_some()) {
        Some(known) => format!(" ({})", vm.str_lossy(&known)),
        None => String::new(),
    };
    Ok(vm.str(&format!(
        "<weakref at {address:#x}; to '{}' at {:#x}{suffix}>",
        object.ty().full_name(),
        object.bits()
    )))
}

// ---- proxies ------------------------------------------------------------------------------

/// The object behind a proxy; ReferenceError if it is dead.
fn referent(vm: &Vm, proxy: &Object) -> Result {
    match this(proxy).get() {
        Some(object) => Ok(object),
        None => Err(vm.error(&exc::REFERENCE_ERROR, "weakly-referenced object no longer exists")),
    }
}

/// The object, looked up if it is a proxy.
fn unwrap(vm: &Vm, object: &Object) -> Result {
    if is_proxy_type(object.ty()) { referent(vm, object) } else { Ok(object.clone()) }
}

macro_rules! proxy_binary {
    ($slots:expr, $($op:ident)*) => {{
        let slots = $slots;
        $(let slots = slots
            .binary(BinaryOp::$op, |vm, a, b| vm.binary(BinaryOp::$op, &unwrap(vm, a)?, &unwrap(vm, b)?))
            .inplace(BinaryOp::$op, |vm, a, b| vm.inplace(BinaryOp::$op, &unwrap(vm, a)?, &unwrap(vm, b)?));)*
        slots
    }};
}

const PROXY_SLOTS: Slots = {
    let slots = proxy_binary!(Slots::EMPTY, Add Sub Mul MatMul TrueDiv FloorDiv Mod LShift RShift And Or Xor);
    let slots = slots
        .binary(BinaryOp::Pow, |vm, a, b| vm.binary(BinaryOp::Pow, &unwrap(vm, a)?, &unwrap(vm, b)?))
        .inplace(BinaryOp::Pow, |vm, a, b| vm.inplace(BinaryOp::Pow, &unwrap(vm, a)?, &unwrap(vm, b)?))
        .binary(BinaryOp::DivMod, |vm, a, b| vm.binary(BinaryOp::DivMod, &unwrap(vm, a)?, &unwrap(vm, b)?))
        .unary(UnaryOp::Neg, |vm, p| vm.unary(UnaryOp::Neg, &referent(vm, p)?))
        .unary(UnaryOp::Pos, |vm, p| vm.unary(UnaryOp::Pos, &referent(vm, p)?))
        .unary(UnaryOp::Abs, |vm, p| vm.unary(UnaryOp::Abs, &referent(vm, p)?))
        .unary(UnaryOp::Invert, |vm, p| vm.unary(UnaryOp::Invert, &referent(vm, p)?))
        .unary(UnaryOp::Int, |vm, p| vm.call(&crate::types::int::INT.to_object(), &[referent(vm, p)?]))
        .unary(UnaryOp::Float, |vm, p| vm.call(&crate::types::float::FLOAT.to_object(), &[referent(vm, p)?]))
        .unary(UnaryOp::Index, |vm, p| vm.index(&referent(vm, p)?))
        .repr(proxy_repr)
        .str(|vm, p| vm.str_of(&referent(vm, p)?))
        .iter(|vm, p| vm.iter(&referent(vm, p)?));
    Slots {
        pow3: Some(|vm, a, b, c| vm.power(&unwrap(vm, a)?, &unwrap(vm, b)?, &unwrap(vm, c)?)),
        bool: Some(|vm, p| vm.is_true(&referent(vm, p)?)),
        hash: Some(crate::slots::hash_unhashable),
        compare: Some(|vm, a, b, op| vm.compare(&unwrap(vm, a)?, &unwrap(vm, b)?, op)),
        getattr: Some(|vm, p, attr| vm.get_attr(&referent(vm, p)?, attr)),
        setattr: Some(|vm, p, attr, value| vm.set_or_delete_attr(&referent(vm, p)?, attr, value)),
        len: Some(|vm, p| vm.len(&referent(vm, p)?)),
        getitem: Some(|vm, p, key| vm.get_item(&referent(vm, p)?, key)),
        setitem: Some(|vm, p, key, value| {
            let object = referent(vm, p)?;
            match value {
                Some(value) => vm.set_item(&object, key, value),
                None => vm.delete_item(&object, key),
            }
        }),
        contains: Some(|vm, p, item| vm.contains(&referent(vm, p)?, item)),
        next: Some(proxy_next),
        ..slots
    }
};

const PROXY_METHODS: &[MethodDef] = &[
    MethodDef::new(
        "__bytes__($self, /)",
        |vm, args| vm.call_method(&referent(vm, &args[0])?, "__bytes__", &[]),
        "",
    ),
    MethodDef::new(
        "__reversed__($self, /)",
        |vm, args| vm.call_method(&referent(vm, &args[0])?, "__reversed__", &[]),
        "",
    ),
];

pub static PROXY: Type = Type::new::<WeakRef>(
    "weakref.ProxyType",
    &OBJECT,
    type_flags::HAVE_GC | type_flags::DISALLOW_INSTANTIATION,
    PROXY_SLOTS,
    PROXY_METHODS,
    &[],
);

pub static CALLABLE_PROXY: Type = Type::new::<WeakRef>(
    "weakref.CallableProxyType",
    &OBJECT,
    type_flags::HAVE_GC | type_flags::DISALLOW_INSTANTIATION,
    Slots {
        call: Some(|vm, p, args, kwnames| {
            let object = referent(vm, p)?;
            let mut unwrapped = Vec::with_capacity(args.len());
            for arg in args {
                unwrapped.push(arg.clone());
            }
            vm.call_kw(&object, &unwrapped, kwnames)
        }),
        ..PROXY_SLOTS
    },
    PROXY_METHODS,
    &[],
);

fn proxy_repr(vm: &Vm, proxy: &Object) -> Result {
    let address = proxy.bits();
    Ok(vm.str(&match this(proxy).get() {
        Some(object) => {
            format!("<weakproxy at {address:#x}; to '{}' at {:#x}>", object.ty().full_name(), object.bits())
        }
        None => format!("<weakproxy at {address:#x}; dead>"),
    }))
}

fn proxy_next(vm: &Vm, proxy: &Object) -> Result<Option<Object>> {
    let object = referent(vm, proxy)?;
    if object.ty().slots().next.is_none() {
        return Err(vm.type_error(format!(
            "Weakref proxy referenced a non-iterator '{}' object",
            object.ty().full_name()
        )));
    }
    vm.next(&object)
}

// ---- the module -----------------------------------------------------------------------------

/// `_weakref`.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_weakref",
    doc: "Weak-reference support module.",
    functions: &[
        MethodDef::new(
            "getweakrefcount(object, /)",
            |vm, args| Ok(vm.usize(list_of(vm, &args[0]).len())),
            "Return the number of weak references to 'object'.",
        ),
        MethodDef::new(
            "getweakrefs(object, /)",
            |vm, args| Ok(vm.list(list_of(vm, &args[0]))),
            "Return a list of all weak reference objects pointing to 'object'.",
        ),
        MethodDef::new(
            "proxy(object, callback=None, /)",
            proxy,
            "Create a proxy object that weakly references 'object'.",
        ),
        MethodDef::new(
            "_remove_dead_weakref(dct, key, /)",
            remove_dead,
            "Atomically remove key from dict if it points to a dead weakref.",
        ),
    ],
    types: &[],
    init: Some(|vm, module| {
        for (attr, ty) in [
            ("ref", &REFERENCE),
            ("ReferenceType", &REFERENCE),
            ("ProxyType", &PROXY),
            ("CallableProxyType", &CALLABLE_PROXY),
        ] {
            vm.set_attr_str(module, attr, &ty.to_object())?;
        }
        Ok(())
    }),
};

fn proxy(vm: &Vm, args: &[Object]) -> Result {
    let class: &Type = if vm.is_callable(&args[0]) { &CALLABLE_PROXY } else { &PROXY };
    make(vm, class, &args[0], args[1].some())
}

fn remove_dead(vm: &Vm, args: &[Object]) -> Result {
    let Some(dict) = args[0].downcast::<Dict>() else {
        return Err(vm.type_error(format!(
            "_remove_dead_weakref() argument 1 must be dict, not {}",
            args[0].ty().name()
        )));
    };
    if let Some(value) = dict.get(vm, &args[1])? {
        let Some(weak) = as_weak(&value) else { return Err(vm.type_error("not a weakref")) };
        if weak.get().is_none() {
            drop(dict.remove(vm, &args[1])?);
        }
    }
    Ok(Object::NONE)
}
