//! The one table of dunder methods and slots.
//!
//! From it come the slot wrappers (`int.__add__` from the native slot) and,
//! for classes made in Python, the slots (a generic function that looks the
//! dunder up). Nothing else relates the two.

use crate::names::{Name, name};
use crate::prelude::*;
use crate::ty::*;
use crate::types::exceptions;

/// How a row's slot is called through its dunder.
pub type Wrap = fn(&Vm, &Type, &Object, &[Object], &[Object]) -> Result;

/// A row: one dunder.
pub struct Row {
    pub name: Name,
    /// Text signature after the name.
    pub sig: &'static str,
    pub doc: &'static str,
    /// Does the native type fill the slot?
    present: fn(&Slots) -> bool,
    /// Calls the slot of the class that owns the wrapper.
    pub wrap: Wrap,
    /// Copies the slot of the wrapper's owner.
    copy: fn(&mut Slots, &Slots),
    /// Fills in the generic function.
    generic: fn(&mut Slots),
}

fn arity(vm: &Vm, args: &[Object], kwnames: &[Object], least: usize, most: usize, name: &str) -> Result<()> {
    if !kwnames.is_empty() {
        return Err(vm.type_error(format!("wrapper {name}() takes no keyword arguments")));
    }
    let n = args.len();
    if n < least || n > most {
        let plural = |n: usize| if n == 1 { "" } else { "s" };
        return Err(vm.type_error(if least == most {
            format!("expected {least} argument{}, got {n}", plural(least))
        } else if n < least {
            format!("expected at least {least} argument{}, got {n}", plural(least))
        } else {
            format!("expected at most {most} argument{}, got {n}", plural(most))
        }));
    }
    Ok(())
}

fn absent(vm: &Vm) -> Raised {
    vm.system_error("slot wrapper without a slot")
}

// ---- generic slot functions: look the dunder up -------------------------------

fn call_dunder(vm: &Vm, object: &Object, name: Name, args: &[Object]) -> Result {
    match vm.call_special(object, name.object(), args)? {
        Some(result) => Ok(result),
        None => Err(vm.attribute_error(vm.str_lossy(name.object()), object, name.object())),
    }
}

fn generic_binary(
    vm: &Vm,
    a: &Object,
    b: &Object,
    op: BinaryOp,
    left: Name,
    right: Name,
    me: BinaryFn,
) -> Result {
    let (ta, tb) = (a.ty(), b.ty());
    let same = std::ptr::eq(ta, tb);
    let is_mine = |t: &Type| t.slots().binary[op as usize].map(|f| f as usize) == Some(me as usize);
    let mut do_other = !same && is_mine(tb);
    if is_mine(ta) {
        if do_other && tb.is_subtype(ta) {
            let (ours, theirs) = (ta.lookup(vm, right.object()), tb.lookup(vm, right.object()));
            if theirs.is_some() && ours != theirs {
                if let Some(result) = vm.call_special(b, right.object(), std::slice::from_ref(a))?
                    && !result.is(Value::NOT_IMPLEMENTED)
                {
                    return Ok(result);
                }
                do_other = false;
            }
        }
        if let Some(result) = vm.call_special(a, left.object(), std::slice::from_ref(b))?
            && (!result.is(Value::NOT_IMPLEMENTED) || same)
        {
            return Ok(result);
        }
    }
    if do_other && let Some(result) = vm.call_special(b, right.object(), std::slice::from_ref(a))? {
        return Ok(result);
    }
    Ok(Object::NOT_IMPLEMENTED)
}

const BINARY_NAMES: [(Name, Name); BinaryOp::COUNT] = [
    (name::add, name::radd),
    (name::sub, name::rsub),
    (name::mul, name::rmul),
    (name::matmul, name::rmatmul),
    (name::truediv, name::rtruediv),
    (name::floordiv, name::rfloordiv),
    (name::r#mod, name::rmod),
    (name::pow, name::rpow),
    (name::lshift, name::rlshift),
    (name::rshift, name::rrshift),
    (name::and, name::rand),
    (name::or, name::ror),
    (name::xor, name::rxor),
    (name::divmod, name::rdivmod),
];

/// The slot of a class that defines the dunder of operator `OP` in Python.
fn binary_slot<const OP: usize>(vm: &Vm, a: &Object, b: &Object) -> Result {
    let (left, right) = BINARY_NAMES[OP];
    generic_binary(vm, a, b, BinaryOp::ALL[OP], left, right, binary_slot::<OP>)
}

fn generic_hash(vm: &Vm, object: &Object) -> Result<i64> {
    let found = object.ty().lookup(vm, name::hash.object());
    if found.is_none_or(|f| f.is_none()) {
        return hash_unhashable(vm, object);
    }
    let result = call_dunder(vm, object, name::hash, &[])?;
    if !result.is_instance_of(&crate::types::int::INT) {
        return Err(vm.type_error("__hash__ method should return an integer"));
    }
    let hash = match crate::types::int::to_i64(&result) {
        Some(n) => n,
        None => vm.hash(&result)?,
    };
    Ok(if hash == -1 { -2 } else { hash })
}

/// The `hash` slot of types with `__hash__ = None`.
pub fn hash_unhashable(vm: &Vm, object: &Object) -> Result<i64> {
    Err(vm.type_error(format!("unhashable type: '{}'", object.ty().full_name())))
}

fn generic_bool(vm: &Vm, object: &Object) -> Result<bool> {
    let result = call_dunder(vm, object, name::bool, &[])?;
    if !result.is_bool() {
        return Err(
            vm.type_error(format!("__bool__ should return bool, returned {}", result.ty().full_name()))
        );
    }
    Ok(result.is(Value::TRUE))
}

fn generic_len(vm: &Vm, object: &Object) -> Result<usize> {
    let result = call_dunder(vm, object, name::len, &[])?;
    let index = vm.index(&result)?;
    match crate::types::int::to_i64(&index) {
        Some(n) if n >= 0 => Ok(n as usize),
        None if !crate::types::int::is_negative(&index) => {
            Err(vm.overflow_error("cannot fit 'int' into an index-sized integer"))
        }
        _ => Err(vm.value_error("__len__() should return >= 0")),
    }
}

fn generic_call(vm: &Vm, object: &Object, args: &[Object], kwnames: &[Object]) -> Result {
    let ty = object.ty();
    let Some(found) = ty.lookup_owned(vm, name::call.object()) else {
        return Err(vm.type_error_of(object, "is not callable"));
    };
    if found.ty().has(type_flags::METHOD_DESCRIPTOR) {
        return vm.call_with_self(&found, object, args, kwnames);
    }
    let bound = match found.ty().slots().descr_get {
        Some(get) => get(vm, &found, Some(object), Some(&ty.to_object()))?,
        None => found,
    };
    vm.call_kw(&bound, args, kwnames)
}

/// `__getattribute__`, then `__getattr__`.
fn generic_getattr_hook(vm: &Vm, object: &Object, attr: &Object) -> Result {
    let ty = object.ty();
    let hook = ty.lookup_owned(vm, name::getattr.object());
    let own = ty.lookup_owned(vm, name::getattribute.object());
    let native = match &own {
        Some(f) => crate::types::native_function::is_object_getattribute(f),
        None => true,
    };
    let result = if native && hook.is_some() {
        match crate::lookup::generic_lookup(vm, object, attr) {
            Ok(Some(value)) => return Ok(value),
            Ok(None) => Err(vm.no_attribute(object, attr)),
            Err(raised) => Err(raised),
        }
    } else {
        call_dunder(vm, object, name::getattribute, std::slice::from_ref(attr))
    };
    match (result, hook) {
        (Err(raised), Some(_)) if vm.raised_is(&exc::ATTRIBUTE_ERROR) => {
            let original = vm.caught(raised);
            let _ = &original;
            call_dunder(vm, object, name::getattr, std::slice::from_ref(attr))
        }
        (result, _) => result,
    }
}

fn generic_setattr_hook(vm: &Vm, object: &Object, attr: &Object, value: Option<&Object>) -> Result<()> {
    match value {
        Some(value) => call_dunder(vm, object, name::setattr, &[attr.clone(), value.clone()])?,
        None => call_dunder(vm, object, name::delattr, std::slice::from_ref(attr))?,
    };
    Ok(())
}

fn compare_name(op: CompareOp) -> Name {
    [name::lt, name::le, name::eq, name::ne, name::gt, name::ge][op as usize]
}

fn generic_compare(vm: &Vm, a: &Object, b: &Object, op: CompareOp) -> Result {
    let Some(found) = a.ty().lookup_owned(vm, compare_name(op).object()) else {
        return Ok(Object::NOT_IMPLEMENTED);
    };
    if found.ty().has(type_flags::METHOD_DESCRIPTOR) {
        return vm.call(&found, &[a.clone(), b.clone()]);
    }
    let bound = match found.ty().slots().descr_get {
        Some(get) => {
            let bound = get(vm, &found, Some(a), Some(&a.ty().to_object()));
            match vm.swallow(bound, &exc::ATTRIBUTE_ERROR)? {
                Some(bound) => bound,
                // A comparison that the object says it has not.
                None => return Ok(Object::NOT_IMPLEMENTED),
            }
        }
        None => found,
    };
    vm.call(&bound, std::slice::from_ref(b))
}

fn generic_iter(vm: &Vm, object: &Object) -> Result {
    if let Some(found) = object.ty().lookup(vm, name::iter.object()) {
        if found.is_none() {
            return Err(vm.type_error_of(object, "is not iterable"));
        }
        if let Some(made) = crate::types::generator::from_method(vm, &found, object) {
            return made;
        }
        return call_dunder(vm, object, name::iter, &[]);
    }
    if object.ty().lookup(vm, name::getitem.object()).is_none() {
        return Err(vm.type_error_of(object, "is not iterable"));
    }
    Ok(crate::types::iterators::sequence_iterator(vm, object.clone()))
}

fn generic_next(vm: &Vm, object: &Object) -> Result<Option<Object>> {
    call_dunder(vm, object, name::next, &[]).map(Some).or_else(|raised| stop_or_raise(vm, raised))
}

/// The end of an iterator that raised StopIteration, whose value waits in the thread state; else the error again.
#[inline(never)]
pub(crate) fn stop_or_raise(vm: &Vm, raised: Raised) -> Result<Option<Object>> {
    if !vm.raised_is(&exc::STOP_ITERATION) {
        return Err(raised);
    }
    let stop = vm.caught(raised);
    set_stop_value(vm, exceptions::stop_iteration_value(&stop));
    Ok(None)
}

/// Remembers the value of a StopIteration that a `next` slot swallowed.
pub fn set_stop_value(vm: &Vm, value: Object) {
    let old = vm.stop_value.replace(if value.is_none() { Value::UNBOUND } else { value.into_value() });
    // SAFETY: the thread state owned it.
    drop(unsafe { Object::from_owned(old) });
}

/// Takes that value: None if there was none.
pub fn take_stop_value(vm: &Vm) -> Object {
    let old = vm.stop_value.replace(Value::UNBOUND);
    if old.is_unbound() {
        Object::NONE
    } else {
        // SAFETY: the thread state owned it.
        unsafe { Object::from_owned(old) }
    }
}

fn generic_descr_get(vm: &Vm, descr: &Object, object: Option<&Object>, owner: Option<&Object>) -> Result {
    let arg = |o: Option<&Object>| o.cloned().unwrap_or(Object::NONE);
    match descr.ty().lookup(vm, name::get.object()) {
        Some(_) => call_dunder(vm, descr, name::get, &[arg(object), arg(owner)]),
        None => Ok(descr.clone()),
    }
}

fn generic_descr_set(vm: &Vm, descr: &Object, object: &Object, value: Option<&Object>) -> Result<()> {
    match value {
        Some(value) => call_dunder(vm, descr, name::set, &[object.clone(), value.clone()])?,
        None => call_dunder(vm, descr, name::delete, std::slice::from_ref(object))?,
    };
    Ok(())
}

fn generic_init(vm: &Vm, object: &Object, args: &[Object], kwnames: &[Object]) -> Result<()> {
    let Some(found) = object.ty().lookup_owned(vm, name::init.object()) else { return Ok(()) };
    let result = if found.ty().has(type_flags::METHOD_DESCRIPTOR) {
        vm.call_with_self(&found, object, args, kwnames)?
    } else {
        let bound = match found.ty().slots().descr_get {
            Some(get) => get(vm, &found, Some(object), Some(&object.ty().to_object()))?,
            None => found,
        };
        vm.call_kw(&bound, args, kwnames)?
    };
    if !result.is_none() {
        return Err(
            vm.type_error(format!("__init__() should return None, not '{}'", result.ty().full_name()))
        );
    }
    Ok(())
}

fn generic_new(vm: &Vm, class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    let class = class.to_object();
    let new = vm.get_attr(&class, name::new.object())?;
    vm.call_with_self(&new, &class, args, kwnames)
}

fn generic_del(vm: &Vm, object: &Object) -> Result<()> {
    if object.ty().lookup(vm, name::del.object()).is_some() {
        call_dunder(vm, object, name::del, &[])?;
    }
    Ok(())
}

fn generic_setitem(vm: &Vm, object: &Object, key: &Object, value: Option<&Object>) -> Result<()> {
    match value {
        Some(value) => call_dunder(vm, object, name::setitem, &[key.clone(), value.clone()])?,
        None => call_dunder(vm, object, name::delitem, std::slice::from_ref(key))?,
    };
    Ok(())
}

fn generic_contains(vm: &Vm, object: &Object, item: &Object) -> Result<bool> {
    match object.ty().lookup(vm, name::contains.object()) {
        Some(found) if found.is_none() => Err(vm.type_error_of(object, "is not a container")),
        Some(_) => {
            let result = call_dunder(vm, object, name::contains, std::slice::from_ref(item))?;
            vm.is_true(&result)
        }
        None => {
            let iterator = vm.iter(object)?;
            while let Some(candidate) = vm.next(&iterator)? {
                if vm.equal(&candidate, item)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
    }
}

fn generic_pow3(vm: &Vm, a: &Object, b: &Object, c: &Object) -> Result {
    if a.ty().slots().pow3.map(|f| f as usize) == Some(generic_pow3 as TernaryFn as usize)
        && let Some(result) = vm.call_special(a, name::pow.object(), &[b.clone(), c.clone()])?
    {
        if !result.is(Value::NOT_IMPLEMENTED) {
            return Ok(result);
        }
    }
    if b.ty().slots().pow3.map(|f| f as usize) == Some(generic_pow3 as TernaryFn as usize)
        && !std::ptr::eq(a.ty(), b.ty())
        && let Some(result) = vm.call_special(b, name::rpow.object(), &[a.clone(), c.clone()])?
    {
        return Ok(result);
    }
    Ok(Object::NOT_IMPLEMENTED)
}

// ---- the table --------------------------------------------------------------------

macro_rules! unary_row {
    ($name:ident, $op:ident, $doc:literal) => {
        Row {
            name: name::$name,
            sig: "($self, /)",
            doc: $doc,
            present: |s| s.unary[UnaryOp::$op as usize].is_some(),
            wrap: |vm, owner, object, args, kw| {
                arity(vm, args, kw, 0, 0, stringify!($name))?;
                owner.slots().unary[UnaryOp::$op as usize].ok_or_else(|| absent(vm))?(vm, object)
            },
            copy: |to, from| to.unary[UnaryOp::$op as usize] = from.unary[UnaryOp::$op as usize],
            generic: |s| {
                s.unary[UnaryOp::$op as usize] = Some(|vm, object| call_dunder(vm, object, name::$name, &[]))
            },
        }
    };
}

const fn is_pow(op: BinaryOp) -> bool {
    matches!(op, BinaryOp::Pow)
}

fn pow_arity(vm: &Vm, args: &[Object], kwnames: &[Object], name: &str) -> Result<()> {
    if kwnames.is_empty() && args.len() != 2 {
        return Err(vm.type_error(format!("expected 1 or 2 arguments, got {}", args.len())));
    }
    arity(vm, args, kwnames, 1, 2, name)
}

/// `__pow__` and `__rpow__` with a modulus.
fn pow_with_modulus(vm: &Vm, owner: &Type, base: &Object, exponent: &Object, modulus: &Object) -> Result {
    match owner.slots().pow3 {
        Some(f) => f(vm, base, exponent, modulus),
        None if modulus.is_none() => {
            owner.slots().binary[BinaryOp::Pow as usize].ok_or_else(|| absent(vm))?(vm, base, exponent)
        }
        None => Ok(Object::NOT_IMPLEMENTED),
    }
}

macro_rules! binary_rows {
    ($(($left:ident, $right:ident, $inplace:ident, $op:ident, $doc:literal, $rdoc:literal, $idoc:literal)),* $(,)?) => {
        [$([
            Row {
                name: name::$left,
                sig: if is_pow(BinaryOp::$op) { "($self, value, mod=None, /)" } else { "($self, value, /)" },
                doc: $doc,
                present: |s| s.binary[BinaryOp::$op as usize].is_some(),
                wrap: |vm, owner, object, args, kw| {
                    if is_pow(BinaryOp::$op) && args.len() != 1 {
                        pow_arity(vm, args, kw, stringify!($left))?;
                        return pow_with_modulus(vm, owner, object, &args[0], &args[1]);
                    }
                    arity(vm, args, kw, 1, 1, stringify!($left))?;
                    owner.slots().binary[BinaryOp::$op as usize].ok_or_else(|| absent(vm))?(vm, object, &args[0])
                },
                copy: |to, from| to.binary[BinaryOp::$op as usize] = from.binary[BinaryOp::$op as usize],
                generic: |s| s.binary[BinaryOp::$op as usize] = Some(binary_slot::<{ BinaryOp::$op as usize }>),
            },
            Row {
                name: name::$right,
                sig: if is_pow(BinaryOp::$op) { "($self, value, mod=None, /)" } else { "($self, value, /)" },
                doc: $rdoc,
                present: |s| s.binary[BinaryOp::$op as usize].is_some(),
                wrap: |vm, owner, object, args, kw| {
                    if is_pow(BinaryOp::$op) && args.len() != 1 {
                        pow_arity(vm, args, kw, stringify!($right))?;
                        return pow_with_modulus(vm, owner, &args[0], object, &args[1]);
                    }
                    arity(vm, args, kw, 1, 1, stringify!($right))?;
                    owner.slots().binary[BinaryOp::$op as usize].ok_or_else(|| absent(vm))?(vm, &args[0], object)
                },
                copy: |to, from| to.binary[BinaryOp::$op as usize] = from.binary[BinaryOp::$op as usize],
                generic: |s| s.binary[BinaryOp::$op as usize] = Some(binary_slot::<{ BinaryOp::$op as usize }>),
            },
            Row {
                name: name::$inplace,
                sig: "($self, value, /)",
                doc: $idoc,
                present: |s| s.inplace[BinaryOp::$op as usize].is_some(),
                wrap: |vm, owner, object, args, kw| {
                    arity(vm, args, kw, 1, 1, stringify!($inplace))?;
                    owner.slots().inplace[BinaryOp::$op as usize].ok_or_else(|| absent(vm))?(vm, object, &args[0])
                },
                copy: |to, from| to.inplace[BinaryOp::$op as usize] = from.inplace[BinaryOp::$op as usize],
                generic: |s| s.inplace[BinaryOp::$op as usize] = Some(|vm, a, b| {
                    match vm.call_special(a, name::$inplace.object(), std::slice::from_ref(b))? {
                        Some(result) => Ok(result),
                        None => Ok(Object::NOT_IMPLEMENTED),
                    }
                }),
            },
        ]),*]
    };
}

macro_rules! compare_row {
    ($name:ident, $op:ident, $doc:literal) => {
        Row {
            name: name::$name,
            sig: "($self, value, /)",
            doc: $doc,
            present: |s| s.compare.is_some(),
            wrap: |vm, owner, object, args, kw| {
                arity(vm, args, kw, 1, 1, stringify!($name))?;
                owner.slots().compare.ok_or_else(|| absent(vm))?(vm, object, &args[0], CompareOp::$op)
            },
            copy: |to, from| to.compare = from.compare,
            generic: |s| s.compare = Some(generic_compare),
        }
    };
}

static BINARY_ROWS: [[Row; 3]; 12] = binary_rows![
    (add, radd, iadd, Add, "Return self+value.", "Return value+self.", "Return self+=value."),
    (sub, rsub, isub, Sub, "Return self-value.", "Return value-self.", "Return self-=value."),
    (mul, rmul, imul, Mul, "Return self*value.", "Return value*self.", "Return self*=value."),
    (matmul, rmatmul, imatmul, MatMul, "Return self@value.", "Return value@self.", "Return self@=value."),
    (truediv, rtruediv, itruediv, TrueDiv, "Return self/value.", "Return value/self.", "Return self/=value."),
    (
        floordiv,
        rfloordiv,
        ifloordiv,
        FloorDiv,
        "Return self//value.",
        "Return value//self.",
        "Return self//=value."
    ),
    (r#mod, rmod, imod, Mod, "Return self%value.", "Return value%self.", "Return self%=value."),
    (lshift, rlshift, ilshift, LShift, "Return self<<value.", "Return value<<self.", "Return self<<=value."),
    (rshift, rrshift, irshift, RShift, "Return self>>value.", "Return value>>self.", "Return self>>=value."),
    (and, rand, iand, And, "Return self&value.", "Return value&self.", "Return self&=value."),
    (or, ror, ior, Or, "Return self|value.", "Return value|self.", "Return self|=value."),
    (xor, rxor, ixor, Xor, "Return self^value.", "Return value^self.", "Return self^=value."),
];

static POW_ROWS: [[Row; 3]; 2] = binary_rows![
    (
        pow,
        rpow,
        ipow,
        Pow,
        "Return pow(self, value, mod).",
        "Return pow(value, self, mod).",
        "Return self**=value."
    ),
    (divmod, rdivmod, divmod, DivMod, "Return divmod(self, value).", "Return divmod(value, self).", ""),
];

static OTHER_ROWS: [Row; 45] = [
    unary_row!(neg, Neg, "-self"),
    unary_row!(pos, Pos, "+self"),
    unary_row!(abs, Abs, "abs(self)"),
    unary_row!(invert, Invert, "~self"),
    unary_row!(int, Int, "int(self)"),
    unary_row!(float, Float, "float(self)"),
    unary_row!(
        index,
        Index,
        "Return self converted to an integer, if self is suitable for use as an index into a list."
    ),
    unary_row!(repr, Repr, "Return repr(self)."),
    unary_row!(str, Str, "Return str(self)."),
    unary_row!(await_, Await, "Return an iterator to be used in await expression."),
    unary_row!(aiter, AIter, "Return an awaitable, that resolves in asynchronous iterator."),
    unary_row!(anext, ANext, "Return a value or raise StopAsyncIteration."),
    Row {
        name: name::iter,
        sig: "($self, /)",
        doc: "Implement iter(self).",
        present: |s| s.unary[UnaryOp::Iter as usize].is_some(),
        wrap: |vm, owner, object, args, kw| {
            arity(vm, args, kw, 0, 0, "__iter__")?;
            owner.slots().unary[UnaryOp::Iter as usize].ok_or_else(|| absent(vm))?(vm, object)
        },
        copy: |to, from| to.unary[UnaryOp::Iter as usize] = from.unary[UnaryOp::Iter as usize],
        generic: |s| s.unary[UnaryOp::Iter as usize] = Some(generic_iter),
    },
    Row {
        name: name::bool,
        sig: "($self, /)",
        doc: "True if self else False",
        present: |s| s.bool.is_some(),
        wrap: |vm, owner, object, args, kw| {
            arity(vm, args, kw, 0, 0, "__bool__")?;
            owner.slots().bool.ok_or_else(|| absent(vm))?(vm, object).map(Object::bool)
        },
        copy: |to, from| to.bool = from.bool,
        generic: |s| s.bool = Some(generic_bool),
    },
    Row {
        name: name::hash,
        sig: "($self, /)",
        doc: "Return hash(self).",
        present: |s| s.hash.is_some_and(|f| f as usize != hash_unhashable as HashFn as usize),
        wrap: |vm, owner, object, args, kw| {
            arity(vm, args, kw, 0, 0, "__hash__")?;
            owner.slots().hash.ok_or_else(|| absent(vm))?(vm, object).map(|h| vm.int(h))
        },
        copy: |to, from| to.hash = from.hash,
        generic: |s| s.hash = Some(generic_hash),
    },
    Row {
        name: name::call,
        sig: "($self, /, *args, **kwargs)",
        doc: "Call self as a function.",
        present: |s| s.call.is_some(),
        wrap: |vm, owner, object, args, kw| {
            owner.slots().call.ok_or_else(|| absent(vm))?(vm, object, args, kw)
        },
        copy: |to, from| to.call = from.call,
        generic: |s| s.call = Some(generic_call),
    },
    Row {
        name: name::getattribute,
        sig: "($self, name, /)",
        doc: "Return getattr(self, name).",
        present: |s| s.getattr.is_some(),
        wrap: |vm, owner, object, args, kw| {
            arity(vm, args, kw, 1, 1, "__getattribute__")?;
            check_attr_name(vm, &args[0])?;
            owner.slots().getattr.ok_or_else(|| absent(vm))?(vm, object, &args[0])
        },
        copy: |to, from| to.getattr = from.getattr,
        generic: |s| s.getattr = Some(generic_getattr_hook),
    },
    Row {
        name: name::getattr,
        sig: "($self, name, /)",
        doc: "",
        present: |_| false,
        wrap: |vm, _, _, _, _| Err(absent(vm)),
        copy: |_, _| {},
        generic: |s| s.getattr = Some(generic_getattr_hook),
    },
    Row {
        name: name::setattr,
        sig: "($self, name, value, /)",
        doc: "Implement setattr(self, name, value).",
        present: |s| s.setattr.is_some(),
        wrap: |vm, owner, object, args, kw| {
            arity(vm, args, kw, 2, 2, "__setattr__")?;
            check_attr_name(vm, &args[0])?;
            check_setattr_owner(vm, owner, object, "__setattr__")?;
            owner.slots().setattr.ok_or_else(|| absent(vm))?(vm, object, &args[0], Some(&args[1]))?;
            Ok(Object::NONE)
        },
        copy: |to, from| to.setattr = from.setattr,
        generic: |s| s.setattr = Some(generic_setattr_hook),
    },
    Row {
        name: name::delattr,
        sig: "($self, name, /)",
        doc: "Implement delattr(self, name).",
        present: |s| s.setattr.is_some(),
        wrap: |vm, owner, object, args, kw| {
            arity(vm, args, kw, 1, 1, "__delattr__")?;
            check_attr_name(vm, &args[0])?;
            check_setattr_owner(vm, owner, object, "__delattr__")?;
            owner.slots().setattr.ok_or_else(|| absent(vm))?(vm, object, &args[0], None)?;
            Ok(Object::NONE)
        },
        copy: |to, from| to.setattr = from.setattr,
        generic: |s| s.setattr = Some(generic_setattr_hook),
    },
    compare_row!(lt, Lt, "Return self<value."),
    compare_row!(le, Le, "Return self<=value."),
    compare_row!(eq, Eq, "Return self==value."),
    compare_row!(ne, Ne, "Return self!=value."),
    compare_row!(gt, Gt, "Return self>value."),
    compare_row!(ge, Ge, "Return self>=value."),
    Row {
        name: name::next,
        sig: "($self, /)",
        doc: "Implement next(self).",
        present: |s| s.next.is_some(),
        wrap: |vm, owner, object, args, kw| {
            arity(vm, args, kw, 0, 0, "__next__")?;
            // What an earlier loop left behind is not ours.
            drop(take_stop_value(vm));
            match owner.slots().next.ok_or_else(|| absent(vm))?(vm, object)? {
                Some(item) => Ok(item),
                None => Err(vm.stop_iteration(take_stop_value(vm))),
            }
        },
        copy: |to, from| to.next = from.next,
        generic: |s| s.next = Some(generic_next),
    },
    Row {
        name: name::get,
        sig: "($self, instance, owner=None, /)",
        doc: "Return an attribute of instance, which is of type owner.",
        present: |s| s.descr_get.is_some(),
        wrap: |vm, owner, object, args, kw| {
            arity(vm, args, kw, 1, 2, "__get__")?;
            let instance = args[0].some();
            let class = args.get(1).and_then(|c| c.some());
            if instance.is_none() && class.is_none() {
                return Err(vm.type_error("__get__(None, None) is invalid"));
            }
            owner.slots().descr_get.ok_or_else(|| absent(vm))?(vm, object, instance, class)
        },
        copy: |to, from| to.descr_get = from.descr_get,
        generic: |s| s.descr_get = Some(generic_descr_get),
    },
    Row {
        name: name::set,
        sig: "($self, instance, value, /)",
        doc: "Set an attribute of instance to value.",
        present: |s| s.descr_set.is_some(),
        wrap: |vm, owner, object, args, kw| {
            arity(vm, args, kw, 2, 2, "__set__")?;
            owner.slots().descr_set.ok_or_else(|| absent(vm))?(vm, object, &args[0], Some(&args[1]))?;
            Ok(Object::NONE)
        },
        copy: |to, from| to.descr_set = from.descr_set,
        generic: |s| s.descr_set = Some(generic_descr_set),
    },
    Row {
        name: name::delete,
        sig: "($self, instance, /)",
        doc: "Delete an attribute of instance.",
        present: |s| s.descr_set.is_some(),
        wrap: |vm, owner, object, args, kw| {
            arity(vm, args, kw, 1, 1, "__delete__")?;
            owner.slots().descr_set.ok_or_else(|| absent(vm))?(vm, object, &args[0], None)?;
            Ok(Object::NONE)
        },
        copy: |to, from| to.descr_set = from.descr_set,
        generic: |s| s.descr_set = Some(generic_descr_set),
    },
    Row {
        name: name::init,
        sig: "($self, /, *args, **kwargs)",
        doc: "Initialize self.  See help(type(self)) for accurate signature.",
        present: |s| s.init.is_some(),
        wrap: |vm, owner, object, args, kw| {
            owner.slots().init.ok_or_else(|| absent(vm))?(vm, object, args, kw)?;
            Ok(Object::NONE)
        },
        copy: |to, from| to.init = from.init,
        generic: |s| s.init = Some(generic_init),
    },
    Row {
        name: name::new,
        sig: "($type, *args, **kwargs)",
        doc: "Create and return a new object.  See help(type) for accurate signature.",
        present: |_| false,
        wrap: |vm, _, _, _, _| Err(absent(vm)),
        copy: |to, from| to.new = from.new,
        generic: |s| s.new = Some(generic_new),
    },
    Row {
        name: name::del,
        sig: "($self, /)",
        doc: "Called when the instance is about to be destroyed.",
        present: |s| s.del.is_some(),
        wrap: |vm, owner, object, args, kw| {
            arity(vm, args, kw, 0, 0, "__del__")?;
            owner.slots().del.ok_or_else(|| absent(vm))?(vm, object)?;
            Ok(Object::NONE)
        },
        copy: |to, from| to.del = from.del,
        generic: |s| s.del = Some(generic_del),
    },
    Row {
        name: name::len,
        sig: "($self, /)",
        doc: "Return len(self).",
        present: |s| s.len.is_some(),
        wrap: |vm, owner, object, args, kw| {
            arity(vm, args, kw, 0, 0, "__len__")?;
            owner.slots().len.ok_or_else(|| absent(vm))?(vm, object).map(|n| vm.usize(n))
        },
        copy: |to, from| to.len = from.len,
        generic: |s| s.len = Some(generic_len),
    },
    Row {
        name: name::getitem,
        sig: "($self, key, /)",
        doc: "Return self[key].",
        present: |s| s.getitem.is_some(),
        wrap: |vm, owner, object, args, kw| {
            arity(vm, args, kw, 1, 1, "__getitem__")?;
            owner.slots().getitem.ok_or_else(|| absent(vm))?(vm, object, &args[0])
        },
        copy: |to, from| to.getitem = from.getitem,
        generic: |s| {
            s.getitem =
                Some(|vm, object, key| call_dunder(vm, object, name::getitem, std::slice::from_ref(key)))
        },
    },
    Row {
        name: name::setitem,
        sig: "($self, key, value, /)",
        doc: "Set self[key] to value.",
        present: |s| s.setitem.is_some(),
        wrap: |vm, owner, object, args, kw| {
            arity(vm, args, kw, 2, 2, "__setitem__")?;
            owner.slots().setitem.ok_or_else(|| absent(vm))?(vm, object, &args[0], Some(&args[1]))?;
            Ok(Object::NONE)
        },
        copy: |to, from| to.setitem = from.setitem,
        generic: |s| s.setitem = Some(generic_setitem),
    },
    Row {
        name: name::delitem,
        sig: "($self, key, /)",
        doc: "Delete self[key].",
        present: |s| s.setitem.is_some(),
        wrap: |vm, owner, object, args, kw| {
            arity(vm, args, kw, 1, 1, "__delitem__")?;
            owner.slots().setitem.ok_or_else(|| absent(vm))?(vm, object, &args[0], None)?;
            Ok(Object::NONE)
        },
        copy: |to, from| to.setitem = from.setitem,
        generic: |s| s.setitem = Some(generic_setitem),
    },
    Row {
        name: name::contains,
        sig: "($self, key, /)",
        doc: "Return bool(key in self).",
        present: |s| s.contains.is_some(),
        wrap: |vm, owner, object, args, kw| {
            arity(vm, args, kw, 1, 1, "__contains__")?;
            owner.slots().contains.ok_or_else(|| absent(vm))?(vm, object, &args[0]).map(Object::bool)
        },
        copy: |to, from| to.contains = from.contains,
        generic: |s| s.contains = Some(generic_contains),
    },
    Row {
        name: name::add,
        sig: "($self, value, /)",
        doc: "Return self+value.",
        present: |s| s.concat.is_some(),
        wrap: |vm, owner, object, args, kw| {
            arity(vm, args, kw, 1, 1, "__add__")?;
            owner.slots().concat.ok_or_else(|| absent(vm))?(vm, object, &args[0])
        },
        copy: |to, from| to.concat = from.concat,
        generic: |s| s.concat = None,
    },
    Row {
        name: name::mul,
        sig: "($self, value, /)",
        doc: "Return self*value.",
        present: |s| s.repeat.is_some(),
        wrap: |vm, owner, object, args, kw| {
            arity(vm, args, kw, 1, 1, "__mul__")?;
            owner.slots().repeat.ok_or_else(|| absent(vm))?(vm, object, &args[0])
        },
        copy: |to, from| to.repeat = from.repeat,
        generic: |s| s.repeat = None,
    },
    Row {
        name: name::rmul,
        sig: "($self, value, /)",
        doc: "Return value*self.",
        present: |s| s.repeat.is_some(),
        wrap: |vm, owner, object, args, kw| {
            arity(vm, args, kw, 1, 1, "__rmul__")?;
            owner.slots().repeat.ok_or_else(|| absent(vm))?(vm, object, &args[0])
        },
        copy: |_, _| {},
        generic: |_| {},
    },
    Row {
        name: name::iadd,
        sig: "($self, value, /)",
        doc: "Implement self+=value.",
        present: |s| s.inplace_concat.is_some(),
        wrap: |vm, owner, object, args, kw| {
            arity(vm, args, kw, 1, 1, "__iadd__")?;
            owner.slots().inplace_concat.ok_or_else(|| absent(vm))?(vm, object, &args[0])
        },
        copy: |to, from| to.inplace_concat = from.inplace_concat,
        generic: |s| s.inplace_concat = None,
    },
    Row {
        name: name::imul,
        sig: "($self, value, /)",
        doc: "Implement self*=value.",
        present: |s| s.inplace_repeat.is_some(),
        wrap: |vm, owner, object, args, kw| {
            arity(vm, args, kw, 1, 1, "__imul__")?;
            owner.slots().inplace_repeat.ok_or_else(|| absent(vm))?(vm, object, &args[0])
        },
        copy: |to, from| to.inplace_repeat = from.inplace_repeat,
        generic: |s| s.inplace_repeat = None,
    },
    Row {
        name: name::buffer,
        sig: "($self, flags, /)",
        doc: "Return a buffer object that exposes the underlying memory of the object.",
        present: |s| s.buffer.is_some(),
        wrap: |vm, owner, object, args, kw| {
            arity(vm, args, kw, 1, 1, "__buffer__")?;
            crate::buffer::buffer_dunder(vm, owner, object, &args[0])
        },
        copy: |to, from| to.buffer = from.buffer,
        generic: |s| s.buffer = Some(crate::buffer::generic_buffer),
    },
    Row {
        name: name::release_buffer,
        sig: "($self, buffer, /)",
        doc: "Release the buffer object that exposes the underlying memory of the object.",
        present: |s| s.release_buffer.is_some(),
        wrap: |vm, _owner, object, args, kw| {
            arity(vm, args, kw, 1, 1, "__release_buffer__")?;
            crate::buffer::release_buffer_dunder(vm, object, &args[0])
        },
        copy: |to, from| to.release_buffer = from.release_buffer,
        generic: |s| s.release_buffer = Some(crate::buffer::generic_release_buffer),
    },
];

fn check_attr_name(vm: &Vm, name: &Object) -> Result<()> {
    if name.downcast::<Str>().is_none() {
        return Err(vm.type_error(format!("attribute name must be string, not '{}'", name.ty().full_name())));
    }
    Ok(())
}

/// `object.__setattr__(some_type, ...)` may not get around `type.__setattr__`.
fn check_setattr_owner(vm: &Vm, owner: &Type, object: &Object, what: &str) -> Result<()> {
    let mut ty = object.ty();
    while ty.is_heap() {
        match ty.base() {
            Some(base) => ty = base,
            None => break,
        }
    }
    if ty.slots().setattr.map(|f| f as usize) != owner.slots().setattr.map(|f| f as usize)
        && !owner.is_heap()
        && Type::of(object).is_some()
    {
        return Err(vm.type_error(format!("can't apply this {what} to {} object", object.ty().full_name())));
    }
    Ok(())
}

/// All rows, in the order in which CPython lists slot wrappers.
pub fn rows() -> impl Iterator<Item = &'static Row> {
    BINARY_ROWS
        .iter()
        .chain(POW_ROWS.iter())
        .flat_map(|rows| rows.iter())
        .filter(|row| !(row.doc.is_empty() && row.name.value() == name::divmod.value()))
        .chain(OTHER_ROWS.iter())
}

/// Puts a slot wrapper into the dict of a static type for each slot it fills itself.
pub fn add_wrappers(vm: &Vm, ty: &'static Type) {
    let own = *ty.slots();
    for row in rows() {
        if (row.present)(&own) && !ty.dict().contains_str(row.name.object()) {
            let wrapper = crate::types::native_function::new_slot_wrapper(vm, ty, row);
            ty.dict().set_str(vm, row.name.object(), wrapper);
        }
    }
    if own.hash.map(|f| f as usize) == Some(hash_unhashable as HashFn as usize) {
        ty.dict().set_str(vm, name::hash.object(), Object::NONE);
    }
}

/// Copies into `to` every slot that it does not have from `from`.
pub fn inherit(to: &mut Slots, from: &Slots) {
    macro_rules! take {
        ($($field:ident)*) => { $(if to.$field.is_none() { to.$field = from.$field; })* };
    }
    for i in 0..UnaryOp::COUNT {
        to.unary[i] = to.unary[i].or(from.unary[i]);
    }
    for i in 0..BinaryOp::COUNT {
        to.binary[i] = to.binary[i].or(from.binary[i]);
        to.inplace[i] = to.inplace[i].or(from.inplace[i]);
    }
    // Comparison and hash go together.
    if to.compare.is_none() && to.hash.is_none() {
        to.compare = from.compare;
        to.hash = from.hash;
    } else if to.compare.is_some() && to.hash.is_none() {
        to.hash = Some(hash_unhashable);
    }
    take!(compare hash pow3 bool call getattr setattr next descr_get descr_set init new del len getitem setitem
          contains concat repeat inplace_concat inplace_repeat buffer release_buffer);
}

/// What the rows have to do with each other; worked out once.
struct Relations {
    rows: Vec<&'static Row>,
    /// Which of the slots that several rows can fill a row fills, as bits.
    shared: Vec<u64>,
    /// Names and the positions of their rows, sorted by the name's word.
    by_name: Vec<(u64, usize)>,
}

static RELATIONS: std::sync::OnceLock<Relations> = std::sync::OnceLock::new();

fn relations() -> &'static Relations {
    RELATIONS.get_or_init(|| {
        let rows: Vec<&'static Row> = rows().collect();
        let shared = rows.iter().map(|row| {
            let mut slots = Slots::EMPTY;
            (row.generic)(&mut slots);
            let mut bits = 0;
            for i in 0..BinaryOp::COUNT {
                bits |= u64::from(slots.binary[i].is_some()) << i;
            }
            let others = [
                slots.compare.is_some(),
                slots.setitem.is_some(),
                slots.setattr.is_some(),
                slots.getattr.is_some(),
                slots.descr_set.is_some(),
            ];
            others
                .iter()
                .enumerate()
                .fold(bits, |bits, (i, &on)| bits | u64::from(on) << (BinaryOp::COUNT + i))
        });
        let shared = shared.collect();
        let mut by_name: Vec<(u64, usize)> =
            rows.iter().enumerate().map(|(i, row)| (row.name.value().bits(), i)).collect();
        by_name.sort_unstable();
        Relations { rows, shared, by_name }
    })
}

impl Relations {
    /// Positions of the rows for a name.
    fn of_name(&self, name: Value) -> impl Iterator<Item = usize> + '_ {
        let bits = name.bits();
        let first = self.by_name.partition_point(|&(b, _)| b < bits);
        self.by_name[first..].iter().take_while(move |&&(b, _)| b == bits).map(|&(_, i)| i)
    }
}

/// Computes the slots of a heap type from what its MRO defines.
pub fn compute_for_heap_type(vm: &Vm, ty: &Type) {
    let relations = relations();
    let mut slots;
    let base = ty.base();
    let single = base.is_some_and(|base| {
        ty.mro().skip(1).map(|t| t as *const Type).eq(base.mro().map(|t| t as *const Type))
    });
    if let Some(base) = base.filter(|_| single) {
        // One base: its slots, but for what this class's own dunders feed.
        slots = *base.slots();
        let mut apply = vec![false; relations.rows.len()];
        let mut touched = 0;
        for key in ty.own_names() {
            for i in relations.of_name(key) {
                apply[i] = true;
                touched |= relations.shared[i];
            }
        }
        for (i, row) in relations.rows.iter().enumerate() {
            if apply[i] || relations.shared[i] & touched != 0 {
                apply_row(vm, ty, row, i, &mut slots);
            }
        }
    } else {
        slots = Slots::EMPTY;
        // What native bases fill without a dunder (concat, buffer, new, ...) comes by inheritance.
        for class in ty.mro().skip(1) {
            inherit(&mut slots, class.slots());
        }
        for (i, row) in relations.rows.iter().enumerate() {
            apply_row(vm, ty, row, i, &mut slots);
        }
    }
    if ty.lookup(vm, name::getattr.object()).is_some() {
        slots.getattr = Some(generic_getattr_hook);
    }
    ty.set_slots(slots);
    update_flags(ty);
}

fn apply_row(vm: &Vm, ty: &Type, row: &'static Row, position: usize, slots: &mut Slots) {
    let Some(found) = ty.lookup_owned(vm, row.name.object()) else {
        return;
    };
    if row.name.value() == name::new.value() {
        if crate::types::native_function::new_of(&found).is_some() {
            // Of several native bases it is the one whose layout the class extends.
            slots.new = ty.base().and_then(|base| base.slots().new);
        } else {
            slots.new = Some(generic_new);
        }
        return;
    }
    if found.is_none() && row.name.value() == name::hash.value() {
        slots.hash = Some(hash_unhashable);
        return;
    }
    match crate::types::native_function::slot_wrapper_parts(&found) {
        Some((owner, owner_row)) if std::ptr::eq(owner_row, row) && ty.is_subtype(owner) => {
            // The same slot may be filled generically by a sibling row (__radd__ beside
            // __add__): then the generic function must stay.
            let mut native = *slots;
            (row.copy)(&mut native, owner.slots());
            if !sibling_overridden(vm, ty, position) {
                *slots = native;
            } else {
                (row.generic)(slots);
            }
        }
        Some((_, owner_row))
            if !std::ptr::eq(owner_row, row) && owner_row.name.value() == row.name.value() => {}
        // A native type that lists the dunder as a method, too: its slot does the same.
        None if crate::types::native_function::method_owner(&found)
            .is_some_and(|owner| (row.present)(owner.slots()) && ty.is_subtype(owner))
            && !sibling_overridden(vm, ty, position) =>
        {
            if let Some(owner) = crate::types::native_function::method_owner(&found) {
                (row.copy)(slots, owner.slots());
            }
        }
        _ => {
            (row.generic)(slots);
            if row.name.value() == name::pow.value() || row.name.value() == name::rpow.value() {
                slots.pow3 = Some(generic_pow3);
            }
        }
    }
}

/// Rows that share a slot with the one at `position`: is any of them defined by a
/// Python class?
fn sibling_overridden(vm: &Vm, ty: &Type, position: usize) -> bool {
    let relations = relations();
    let mine = relations.shared[position];
    relations.rows.iter().zip(&relations.shared).enumerate().any(|(i, (other, &theirs))| {
        mine & theirs != 0
            && i != position
            && ty.lookup_owned(vm, other.name.object()).is_some_and(|found| {
                crate::types::native_function::slot_wrapper_parts(&found).is_none()
                    && !(found.is_none() && other.name.value() == name::hash.value())
            })
    })
}

/// Flags that follow from slots.
pub fn update_flags(ty: &Type) {
    let generic = type_flags::GENERIC_GETATTR | type_flags::GENERIC_SETATTR | type_flags::HAS_DEL;
    let mut flags = ty.flags.get() & !generic;
    if ty.slots().del.is_some() {
        flags |= type_flags::HAS_DEL;
    }
    let slots = ty.slots();
    if slots.getattr.is_none_or(|f| f as usize == crate::lookup::generic_getattr as BinaryFn as usize) {
        flags |= type_flags::GENERIC_GETATTR;
    }
    if slots.setattr.is_none_or(|f| f as usize == crate::lookup::generic_setattr as SetItemFn as usize) {
        flags |= type_flags::GENERIC_SETATTR;
    }
    ty.flags.set(flags);
}

/// After `name` was set or deleted on `ty`: recompute the slots it feeds, here
/// and in the subclasses.
pub fn update_after_setattr(vm: &Vm, ty: &Type, attr: &Object) {
    if relations().of_name(attr.value()).next().is_some() {
        update_tree(vm, ty);
    }
}

fn update_tree(vm: &Vm, ty: &Type) {
    if ty.is_heap() {
        compute_for_heap_type(vm, ty);
    }
    ty.each_subclass(|subclass| update_tree(vm, subclass));
}
