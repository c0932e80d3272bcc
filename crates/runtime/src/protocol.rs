//! The abstract object protocol: what `PyObject_*`, `PyNumber_*` and
//! `PySequence_*` do in CPython, on slots.

use crate::names::name;
use crate::prelude::*;
use crate::types::bytes::Bytes;
use crate::types::{boolean, dict, float, generator, int, iterators, list, none, str, tuple};

/// Methods every object has in Rust.
pub trait ObjectExt {
    fn ty(&self) -> &Type;
    fn downcast<T: NativeClass>(&self) -> Option<&T>;
    /// As `downcast`, subtypes not included.
    fn downcast_exact<T: NativeClass>(&self) -> Option<&T>;
    /// # Safety
    /// The object has payload `T`.
    unsafe fn payload_unchecked<T: NativeClass>(&self) -> &T;
    fn is_instance_of(&self, ty: &Type) -> bool;
}

#[cold]
fn immediate_type(value: Value) -> &'static Type {
    if value.is_int() {
        &int::INT
    } else if value.is_float() {
        &float::FLOAT
    } else if value.is_none() {
        &none::NONE_TYPE
    } else if value.is_bool() {
        &boolean::BOOL
    } else if value.is(Value::NOT_IMPLEMENTED) {
        &none::NOT_IMPLEMENTED_TYPE
    } else {
        &none::ELLIPSIS_TYPE
    }
}

/// The type of a raw word.
///
/// # Safety
/// `value` is alive.
#[inline(always)]
pub unsafe fn type_of<'a>(value: Value) -> &'a Type {
    if value.is_ptr() {
        // SAFETY: alive, says the caller.
        unsafe { Type::from_head((*value.as_ptr()).ty()) }
    } else {
        immediate_type(value)
    }
}

impl ObjectExt for Object {
    #[inline(always)]
    fn ty(&self) -> &Type {
        // SAFETY: self keeps it alive.
        unsafe { type_of(self.value()) }
    }
    #[inline(always)]
    fn downcast<T: NativeClass>(&self) -> Option<&T> {
        if !self.is_ptr() {
            return None;
        }
        let native = self.ty().native.get();
        let wanted = T::class() as *const Type;
        // SAFETY: `native` says which payload the object has.
        unsafe {
            if native == wanted || (!native.is_null() && (*native).is_subtype(&*wanted)) {
                Some(self.payload_unchecked())
            } else {
                None
            }
        }
    }
    #[inline(always)]
    fn downcast_exact<T: NativeClass>(&self) -> Option<&T> {
        if self.is_ptr() && std::ptr::eq(self.ty(), T::class()) {
            // SAFETY: the type says so.
            Some(unsafe { self.payload_unchecked() })
        } else {
            None
        }
    }
    #[inline(always)]
    unsafe fn payload_unchecked<T: NativeClass>(&self) -> &T {
        // SAFETY: says the caller.
        unsafe { &(*(self.as_ptr() as *const crate::native::Payload<T>)).data }
    }
    #[inline]
    fn is_instance_of(&self, ty: &Type) -> bool {
        self.ty().is_subtype(ty)
    }
}

/// Are two objects equal, which are not the same? None if only a comparison can tell that
/// may run Python code.
#[inline(always)]
pub(crate) fn equal_plain(a: &Object, b: &Object) -> Option<bool> {
    let word = |object: &Object| object.is_int() || object.is_none();
    match (a.downcast_exact::<Str>(), b.downcast_exact::<Str>()) {
        (Some(a), Some(b)) => Some(a.equals(b)),
        (Some(_), None) => word(b).then_some(false),
        (None, Some(_)) => word(a).then_some(false),
        (None, None) if word(a) && word(b) => Some(a.is(b.value())),
        (None, None) => {
            let (a, b) = (a.downcast_exact::<Bytes>()?, b.downcast_exact::<Bytes>()?);
            Some(a.as_slice() == b.as_slice())
        }
    }
}

/// Where an item is that is the wanted object or equal to it. None if something before it
/// might claim to be equal.
pub(crate) fn position_plain(items: &[Object], wanted: &Object) -> Option<Option<usize>> {
    if wanted.is_int() {
        // Small ints are equal only if they are the same word.
        for (i, item) in items.iter().enumerate() {
            if item.is(wanted.value()) {
                return Some(Some(i));
            }
            if !item.is_int() {
                return None;
            }
        }
        return Some(None);
    }
    for (i, item) in items.iter().enumerate() {
        if item.is(wanted.value()) || equal_plain(item, wanted)? {
            return Some(Some(i));
        }
    }
    Some(None)
}

impl Vm {
    // ---- truth, size, hash ------------------------------------------------------
    /// `bool(object)`.
    #[inline]
    pub fn is_true(&self, object: &Object) -> Result<bool> {
        let v = object.value();
        if v.is(Value::TRUE) {
            return Ok(true);
        }
        if v.is(Value::FALSE) || v.is_none() {
            return Ok(false);
        }
        if v.is_int() {
            return Ok(v.as_int() != 0);
        }
        let slots = object.ty().slots();
        if let Some(f) = slots.bool {
            return f(self, object);
        }
        if let Some(f) = slots.len {
            return f(self, object).map(|n| n != 0);
        }
        Ok(true)
    }
    /// `len(object)`.
    pub fn len(&self, object: &Object) -> Result<usize> {
        match object.ty().slots().len {
            Some(f) => f(self, object),
            None => Err(self.type_error_of_len(object)),
        }
    }
    #[cold]
    fn type_error_of_len(&self, object: &Object) -> Raised {
        self.type_error(format!("object of type '{}' has no len()", object.ty().full_name()))
    }
    /// `hash(object)`.
    #[inline]
    pub fn hash(&self, object: &Object) -> Result<i64> {
        if object.is_int() {
            return Ok(int::hash_i64(object.as_int()));
        }
        if let Some(s) = object.downcast_exact::<Str>() {
            return Ok(s.hash(self));
        }
        match object.ty().slots().hash {
            Some(f) => f(self, object),
            None => Err(self.type_error(format!("unhashable type: '{}'", object.ty().full_name()))),
        }
    }
    /// `__length_hint__`, or 8 (CPython's guess) if there is none.
    pub fn length_hint(&self, object: &Object, default: usize) -> Result<usize> {
        if object.ty().slots().len.is_some() {
            let result = self.len(object);
            if let Some(n) = self.swallow(result, &exc::TYPE_ERROR)? {
                return Ok(n);
            }
        }
        let Some(method) = self.special_method(object, name::length_hint.object())? else {
            return Ok(default);
        };
        let result = self.call(&method, &[]);
        let Some(hint) = self.swallow(result, &exc::TYPE_ERROR)? else { return Ok(default) };
        if hint.is(Value::NOT_IMPLEMENTED) {
            return Ok(default);
        }
        if !hint.is_instance_of(&int::INT) {
            return Err(
                self.type_error(format!("__length_hint__ must be an integer, not {}", hint.ty().full_name()))
            );
        }
        let n = self.index_isize(&hint)?;
        if n < 0 {
            return Err(self.value_error("__length_hint__() should return >= 0"));
        }
        Ok(n as usize)
    }

    // ---- text --------------------------------------------------------------------
    /// `repr(object)`: always a str.
    pub fn repr(&self, object: &Object) -> Result {
        self.check_native_stack(" while getting the repr of an object")?;
        let result = match object.ty().slots().unary[UnaryOp::Repr as usize] {
            Some(f) => f(self, object)?,
            None => crate::types::object::object_repr(self, object)?,
        };
        if !result.is_instance_of(&str::STR) {
            return Err(
                self.type_error(format!("__repr__ returned non-string (type {})", result.ty().full_name()))
            );
        }
        Ok(result)
    }
    /// `str(object)`: always a str.
    pub fn str_of(&self, object: &Object) -> Result {
        if object.downcast_exact::<Str>().is_some() {
            return Ok(object.clone());
        }
        self.check_native_stack(" while getting the str of an object")?;
        let result = match object.ty().slots().unary[UnaryOp::Str as usize] {
            Some(f) => f(self, object)?,
            None => return self.repr(object),
        };
        if !result.is_instance_of(&str::STR) {
            return Err(
                self.type_error(format!("__str__ returned non-string (type {})", result.ty().full_name()))
            );
        }
        Ok(result)
    }
    /// `repr(object)` as Rust text; lone surrogates shown as `\udXXX`.
    pub fn repr_text(&self, object: &Object) -> Result<String> {
        self.repr(object).map(|s| self.str_lossy(&s))
    }
    pub fn str_text(&self, object: &Object) -> Result<String> {
        self.str_of(object).map(|s| self.str_lossy(&s))
    }
    /// `format(object, spec)`.
    pub fn format(&self, object: &Object, spec: &Object) -> Result {
        if Str::is_empty_object(spec) && object.downcast_exact::<Str>().is_some() {
            return Ok(object.clone());
        }
        let ty = object.ty();
        if ty.is(&int::INT) {
            return crate::types::int_methods::format(self, object, spec);
        }
        if ty.is(&float::FLOAT) {
            return float::format(self, object, spec);
        }
        if ty.is(&str::STR) {
            return crate::types::str_format::format(self, object, spec);
        }
        match self.call_special(object, name::format.object(), std::slice::from_ref(spec))? {
            Some(result) if result.is_instance_of(&str::STR) => Ok(result),
            Some(result) => {
                Err(self.type_error(format!("__format__ must return a str, not {}", result.ty().full_name())))
            }
            None => {
                Err(self.type_error(format!("Type {} doesn't define __format__", object.ty().full_name())))
            }
        }
    }
    /// `ascii(object)`.
    pub fn ascii(&self, object: &Object) -> Result {
        let repr = self.repr(object)?;
        Ok(str::to_ascii(self, &repr))
    }

    // ---- comparison ----------------------------------------------------------------
    /// `a OP b`.
    pub fn compare(&self, a: &Object, b: &Object, op: CompareOp) -> Result {
        if a.is_int() && b.is_int() {
            return Ok(Object::bool(op.holds(Some(a.as_int().cmp(&b.as_int())))));
        }
        self.check_native_stack(" in comparison")?;
        let (ta, tb) = (a.ty(), b.ty());
        let mut tried = false;
        if !std::ptr::eq(ta, tb)
            && tb.is_subtype(ta)
            && let Some(f) = tb.slots().compare
        {
            tried = true;
            let result = f(self, b, a, op.swapped())?;
            if !result.is(Value::NOT_IMPLEMENTED) {
                return Ok(result);
            }
        }
        if let Some(f) = ta.slots().compare {
            let result = f(self, a, b, op)?;
            if !result.is(Value::NOT_IMPLEMENTED) {
                return Ok(result);
            }
        }
        if !tried && let Some(f) = tb.slots().compare {
            let result = f(self, b, a, op.swapped())?;
            if !result.is(Value::NOT_IMPLEMENTED) {
                return Ok(result);
            }
        }
        match op {
            CompareOp::Eq => Ok(Object::bool(a.value() == b.value())),
            CompareOp::Ne => Ok(Object::bool(a.value() != b.value())),
            _ => Err(self.type_error(format!(
                "'{}' not supported between instances of '{}' and '{}'",
                op.symbol(),
                a.ty().full_name(),
                b.ty().full_name()
            ))),
        }
    }
    /// `bool(a OP b)`, identity counting as equal for `==` and `!=` (containers).
    #[inline]
    pub fn compare_bool(&self, a: &Object, b: &Object, op: CompareOp) -> Result<bool> {
        if a.value() == b.value() {
            if op == CompareOp::Eq {
                return Ok(true);
            }
            if op == CompareOp::Ne {
                return Ok(false);
            }
        }
        let result = self.compare(a, b, op)?;
        self.is_true(&result)
    }
    /// Equality as containers see it: identity first.
    #[inline]
    pub fn equal(&self, a: &Object, b: &Object) -> Result<bool> {
        if a.value() == b.value() {
            return Ok(true);
        }
        if a.is_int() && b.is_int() {
            return Ok(false);
        }
        self.equal_objects(a, b)
    }
    /// As [`Vm::equal`] of two that are not the same.
    #[inline(never)]
    fn equal_objects(&self, a: &Object, b: &Object) -> Result<bool> {
        if let (Some(x), Some(y)) = (a.downcast_exact::<Str>(), b.downcast_exact::<Str>()) {
            return Ok(x.equals(y));
        }
        if let (Some(x), Some(y)) = (tuple::compared_as_tuple(a), tuple::compared_as_tuple(b)) {
            if x.len() != y.len() {
                return self.equal_tuples_of_different_length(x, y);
            }
            self.check_native_stack(" in comparison")?;
            for (p, q) in x.items().iter().zip(y.items()) {
                if !self.equal(p, q)? {
                    return Ok(false);
                }
            }
            return Ok(true);
        }
        if a.is_float() && b.is_float() {
            return Ok(a.as_float() == b.as_float());
        }
        let result = self.compare(a, b, CompareOp::Eq)?;
        self.is_true(&result)
    }
    /// Not equal, but their common items are compared all the same.
    #[cold]
    fn equal_tuples_of_different_length(&self, x: &Tuple, y: &Tuple) -> Result<bool> {
        for (p, q) in x.items().iter().zip(y.items()) {
            if !self.equal(p, q)? {
                break;
            }
        }
        Ok(false)
    }

    // ---- iteration ---------------------------------------------------------------------
    /// `iter(object)`.
    pub fn iter(&self, object: &Object) -> Result {
        let ty = object.ty();
        if let Some(f) = ty.slots().unary[UnaryOp::Iter as usize] {
            let result = f(self, object)?;
            if result.ty().slots().next.is_none() {
                return Err(self.type_error(format!(
                    "iter() returned non-iterator of type '{}'",
                    result.ty().full_name()
                )));
            }
            return Ok(result);
        }
        if self.is_sequence(object) {
            return Ok(iterators::sequence_iterator(self, object.clone()));
        }
        Err(self.type_error(format!("'{}' object is not iterable", ty.full_name())))
    }
    /// Has `__getitem__` and is no dict: `PySequence_Check`.
    pub fn is_sequence(&self, object: &Object) -> bool {
        let ty = object.ty();
        ty.slots().getitem.is_some()
            && !ty.has(type_flags::DICT_SUBCLASS | type_flags::ONLY_MAPPING)
            && !std::ptr::eq(ty, &crate::types::mappingproxy::MAPPINGPROXY)
            && Type::of(object).is_none()
    }
    /// `next(iterator)` in Rust's sense. A StopIteration that the iterator lets through
    /// (from the function of a `map`, say) ends it as well.
    #[inline]
    pub fn next(&self, iterator: &Object) -> Result<Option<Object>> {
        match iterator.ty().slots().next {
            Some(f) => f(self, iterator).or_else(|raised| crate::slots::stop_or_raise(self, raised)),
            None => Err(self.type_error_of(iterator, "is not an iterator")),
        }
    }
    /// Runs `f` over every item; stops at its error.
    pub fn for_each(&self, iterable: &Object, mut f: impl FnMut(Object) -> Result<()>) -> Result<()> {
        if let Some(list) = iterable.downcast_exact::<List>() {
            let mut i = 0;
            while let Some(item) = list.get(i) {
                f(item)?;
                i += 1;
            }
            return Ok(());
        }
        if let Some(tuple) = iterable.downcast_exact::<Tuple>() {
            for item in tuple.items() {
                f(item.clone())?;
            }
            return Ok(());
        }
        let iterator = self.iter(iterable)?;
        while let Some(item) = self.next(&iterator)? {
            f(item)?;
        }
        Ok(())
    }
    /// As `next`, for loops that want all items and can take most of them without
    /// running Python code: `take` gives back what it does not take, which is the result
    /// then. Generators go on at once after an item is taken.
    #[inline]
    pub fn next_untaken(&self, iterator: &Object, take: &mut generator::Sink) -> Result<Option<Object>> {
        if iterator.ty().is(&generator::GENERATOR) {
            return generator::next_untaken(self, iterator, take);
        }
        self.next(iterator)
    }
    /// All items of an iterable.
    pub fn collect(&self, iterable: &Object) -> Result<Vec<Object>> {
        if let Some(list) = iterable.downcast_exact::<List>() {
            return Ok(list.to_vec());
        }
        if let Some(tuple) = iterable.downcast_exact::<Tuple>() {
            return Ok(tuple.items().to_vec());
        }
        let iterator = self.iter(iterable)?;
        // Generators have no hint.
        let known = iterable.ty().is(&crate::types::generator::GENERATOR);
        let hint = if known { 0 } else { self.length_hint(iterable, 0)? };
        let mut out = Vec::new();
        if out.try_reserve(hint.min(1 << 24)).is_err() {
            return Err(self.memory_error());
        }
        loop {
            let mut take = |item| {
                if out.len() == out.capacity() && out.try_reserve(1).is_err() {
                    return Some(item);
                }
                out.push(item);
                None
            };
            let Some(item) = self.next_untaken(&iterator, &mut take)? else { return Ok(out) };
            if take(item).is_some() {
                return Err(self.memory_error());
            }
        }
    }

    // ---- items -----------------------------------------------------------------------------
    /// `object[key]`.
    pub fn get_item(&self, object: &Object, key: &Object) -> Result {
        if let Some(f) = object.ty().slots().getitem {
            return f(self, object, key);
        }
        if Type::of(object).is_some() {
            if object.value() == crate::types::typ::TYPE.value() {
                return crate::types::genericalias::new(self, object, key);
            }
            if let Some(method) = self.lookup_attr(object, name::class_getitem.object())?
                && !method.is_none()
            {
                return self.call(&method, std::slice::from_ref(key));
            }
            let shown = self.str_text(&self.get_attr(object, name::name.object())?)?;
            return Err(self.type_error(format!("type '{shown}' is not subscriptable")));
        }
        Err(self.type_error_of(object, "is not subscriptable"))
    }
    pub fn get_item_str(&self, object: &Object, key: &str) -> Result {
        self.get_item(object, &self.str(key))
    }
    /// `object[key] = value`.
    pub fn set_item(&self, object: &Object, key: &Object, value: &Object) -> Result<()> {
        match object.ty().slots().setitem {
            Some(f) => f(self, object, key, Some(value)),
            None => Err(self.type_error_of(object, "does not support item assignment")),
        }
    }
    /// `del object[key]`.
    pub fn delete_item(&self, object: &Object, key: &Object) -> Result<()> {
        match object.ty().slots().setitem {
            Some(f) => f(self, object, key, None),
            None => Err(self.type_error_of(object, "does not support item deletion")),
        }
    }
    /// `item in container`.
    pub fn contains(&self, container: &Object, item: &Object) -> Result<bool> {
        if let Some(f) = container.ty().slots().contains {
            return f(self, container, item);
        }
        let result = self.iter(container);
        let iterator = match result {
            Ok(iterator) => iterator,
            Err(raised) if self.raised_is(&exc::TYPE_ERROR) => {
                drop(self.caught(raised));
                return Err(self.type_error(format!(
                    "argument of type '{}' is not a container or iterable",
                    container.ty().full_name()
                )));
            }
            Err(raised) => return Err(raised),
        };
        while let Some(candidate) = self.next(&iterator)? {
            if self.equal(&candidate, item)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    // ---- arithmetic ----------------------------------------------------------------------------
    /// `a OP b`.
    pub fn binary(&self, op: BinaryOp, a: &Object, b: &Object) -> Result {
        let result = self.binary_slots(op, a, b)?;
        if !result.is(Value::NOT_IMPLEMENTED) {
            return Ok(result);
        }
        if let Some(result) = self.sequence_operator(op, a, b, false)? {
            return Ok(result);
        }
        Err(self.unsupported(op, a, b, false))
    }
    /// `a OP= b`.
    pub fn inplace(&self, op: BinaryOp, a: &Object, b: &Object) -> Result {
        if let Some(f) = a.ty().slots().inplace[op as usize] {
            let result = f(self, a, b)?;
            if !result.is(Value::NOT_IMPLEMENTED) {
                return Ok(result);
            }
        }
        let result = self.binary_slots(op, a, b)?;
        if !result.is(Value::NOT_IMPLEMENTED) {
            return Ok(result);
        }
        if let Some(result) = self.sequence_operator(op, a, b, true)? {
            return Ok(result);
        }
        Err(self.unsupported(op, a, b, true))
    }
    #[inline]
    fn binary_slots(&self, op: BinaryOp, a: &Object, b: &Object) -> Result {
        let (ta, tb) = (a.ty(), b.ty());
        let fa = ta.slots().binary[op as usize];
        let mut fb = if std::ptr::eq(ta, tb) { None } else { tb.slots().binary[op as usize] };
        if let (Some(x), Some(y)) = (fa, fb)
            && x as usize == y as usize
        {
            fb = None;
        }
        if let Some(x) = fa {
            if let Some(y) = fb
                && tb.is_subtype(ta)
            {
                let result = y(self, a, b)?;
                if !result.is(Value::NOT_IMPLEMENTED) {
                    return Ok(result);
                }
                fb = None;
            }
            let result = x(self, a, b)?;
            if !result.is(Value::NOT_IMPLEMENTED) {
                return Ok(result);
            }
        }
        match fb {
            Some(y) => y(self, a, b),
            None => Ok(Object::NOT_IMPLEMENTED),
        }
    }
    fn sequence_operator(
        &self,
        op: BinaryOp,
        a: &Object,
        b: &Object,
        inplace: bool,
    ) -> Result<Option<Object>> {
        let slots = a.ty().slots();
        match op {
            BinaryOp::Add => {
                if inplace && let Some(f) = slots.inplace_concat {
                    return f(self, a, b).map(Some);
                }
                if let Some(f) = slots.concat {
                    return f(self, a, b).map(Some);
                }
            }
            BinaryOp::Mul => {
                let f = if inplace { slots.inplace_repeat.or(slots.repeat) } else { slots.repeat };
                if let Some(f) = f {
                    self.check_repeat_count(b)?;
                    return f(self, a, b).map(Some);
                }
                if let Some(f) = b.ty().slots().repeat {
                    self.check_repeat_count(a)?;
                    return f(self, b, a).map(Some);
                }
            }
            _ => {}
        }
        Ok(None)
    }
    fn check_repeat_count(&self, count: &Object) -> Result<()> {
        if self.is_index(count) {
            return Ok(());
        }
        Err(self
            .type_error(format!("can't multiply sequence by non-int of type '{}'", count.ty().full_name())))
    }
    #[cold]
    pub fn unsupported(&self, op: BinaryOp, a: &Object, b: &Object, inplace: bool) -> Raised {
        let symbol = BinaryOp::SYMBOLS[op as usize];
        let symbol = match (inplace, op) {
            (true, BinaryOp::Pow) => "**=".to_string(),
            (true, _) => format!("{symbol}="),
            (false, BinaryOp::RShift) if a.ty().full_name() == "builtin_function_or_method" => {
                if crate::types::native_function::is_print(a) {
                    return self.type_error(format!(
                        "unsupported operand type(s) for >>: '{}' and '{}'. Did you mean \"print(<message>, file=<output_stream>)\"?",
                        a.ty().full_name(),
                        b.ty().full_name()
                    ));
                }
                symbol.to_string()
            }
            (false, _) => symbol.to_string(),
        };
        self.type_error(format!(
            "unsupported operand type(s) for {symbol}: '{}' and '{}'",
            a.ty().full_name(),
            b.ty().full_name()
        ))
    }
    /// `pow(a, b, c)`.
    pub fn power(&self, a: &Object, b: &Object, modulus: &Object) -> Result {
        if modulus.is_none() {
            return self.binary(BinaryOp::Pow, a, b);
        }
        let (left, right) = (a.ty().slots().pow3, b.ty().slots().pow3);
        let same = |f: Option<crate::ty::TernaryFn>, g: Option<crate::ty::TernaryFn>| {
            f.map(|f| f as usize) == g.map(|g| g as usize)
        };
        let right_first = !same(left, right) && b.ty().is_subtype(a.ty());
        let (first, second) = if right_first { (right, left) } else { (left, right) };
        let third = modulus.ty().slots().pow3;
        let second = second.filter(|_| !same(first, second));
        let third = third.filter(|_| !same(first, third) && !same(second, third));
        for f in [first, second, third].into_iter().flatten() {
            let result = f(self, a, b, modulus)?;
            if !result.is(Value::NOT_IMPLEMENTED) {
                return Ok(result);
            }
        }
        Err(self.type_error(format!(
            "unsupported operand type(s) for ** or pow(): '{}', '{}', '{}'",
            a.ty().full_name(),
            b.ty().full_name(),
            modulus.ty().full_name()
        )))
    }
    /// `-a`, `+a`, `~a`, `abs(a)`.
    pub fn unary(&self, op: UnaryOp, a: &Object) -> Result {
        if let Some(f) = a.ty().slots().unary[op as usize] {
            return f(self, a);
        }
        let what = match op {
            UnaryOp::Neg => "unary -",
            UnaryOp::Pos => "unary +",
            UnaryOp::Invert => "unary ~",
            _ => "abs()",
        };
        Err(self.type_error(format!("bad operand type for {what}: '{}'", a.ty().full_name())))
    }

    // ---- ints as indices -------------------------------------------------------------------------
    /// Has `__index__`.
    #[inline]
    pub fn is_index(&self, object: &Object) -> bool {
        object.is_int() || object.ty().slots().unary[UnaryOp::Index as usize].is_some()
    }
    /// `operator.index(object)`: an int (or a subclass's instance).
    #[inline]
    pub fn index(&self, object: &Object) -> Result {
        if object.is_int() {
            return Ok(object.clone());
        }
        self.index_slow(object)
    }
    #[cold]
    fn index_slow(&self, object: &Object) -> Result {
        if object.is_instance_of(&int::INT) {
            return Ok(object.clone());
        }
        let Some(f) = object.ty().slots().unary[UnaryOp::Index as usize] else {
            return Err(self.type_error_of(object, "cannot be interpreted as an integer"));
        };
        let result = f(self, object)?;
        if result.is_int() || result.ty().is(&int::INT) {
            return Ok(result);
        }
        if !result.is_instance_of(&int::INT) {
            return Err(
                self.type_error(format!("__index__ returned non-int (type {})", result.ty().full_name()))
            );
        }
        self.warn(
            &exc::DEPRECATION_WARNING,
            &format!(
                "__index__ returned non-int (type {}).  The ability to return an instance of a strict subclass of int is deprecated, and may be removed in a future version of Python.",
                result.ty().full_name()
            ),
            1,
        )?;
        Ok(result)
    }
    /// An index as isize; IndexError-like overflow clipped (`PyNumber_AsSsize_t` with no error class).
    pub fn index_clipped(&self, object: &Object) -> Result<isize> {
        let index = self.index(object)?;
        Ok(match int::to_i64(&index) {
            Some(n) => n as isize,
            None if int::is_negative(&index) => isize::MIN,
            None => isize::MAX,
        })
    }
    /// An index as isize; OverflowError if it does not fit.
    pub fn index_isize(&self, object: &Object) -> Result<isize> {
        if object.is_int() {
            return Ok(object.as_int() as isize);
        }
        let index = self.index(object)?;
        match int::to_i64(&index) {
            Some(n) => Ok(n as isize),
            None => Err(self.overflow_error("Python int too large to convert to C ssize_t")),
        }
    }
    /// An index as isize; IndexError "cannot fit 'int' into an index-sized integer".
    pub fn index_for_item(&self, object: &Object) -> Result<isize> {
        if object.is_int() {
            return Ok(object.as_int() as isize);
        }
        let index = self.index(object)?;
        match int::to_i64(&index) {
            Some(n) => Ok(n as isize),
            None => Err(self.index_error(format!(
                "cannot fit '{}' into an index-sized integer",
                object.ty().full_name()
            ))),
        }
    }
    /// A C `int` argument.
    pub fn to_c_int(&self, object: &Object) -> Result<i32> {
        let n = self.to_i64_with(object, "Python int too large to convert to C int")?;
        i32::try_from(n).map_err(|_| {
            self.overflow_error(if n > 0 {
                "signed integer is greater than maximum"
            } else {
                "signed integer is less than minimum"
            })
        })
    }
    /// A C `long`/`Py_ssize_t` argument.
    pub fn to_i64(&self, object: &Object) -> Result<i64> {
        if object.is_int() {
            return Ok(object.as_int());
        }
        self.to_i64_with(object, "Python int too large to convert to C long")
    }
    pub fn to_i64_with(&self, object: &Object, too_large: &str) -> Result<i64> {
        let index = self.index(object)?;
        int::to_i64(&index).ok_or_else(|| self.overflow_error(too_large))
    }
    /// `float(object)` for arguments: ints, floats, `__float__`, `__index__`.
    pub fn to_f64(&self, object: &Object) -> Result<f64> {
        if object.is_float() {
            return Ok(object.as_float());
        }
        float::number_to_f64(self, object)
    }

    // ---- calls -----------------------------------------------------------------------------------
    /// `callable(*args)`.
    #[inline]
    pub fn call(&self, callable: &Object, args: &[Object]) -> Result {
        self.call_kw(callable, args, &[])
    }
    /// `callable(*args, **dict(zip(kwnames, the last args)))`.
    pub fn call_kw(&self, callable: &Object, args: &[Object], kwnames: &[Object]) -> Result {
        match callable.ty().slots().call {
            Some(f) => {
                self.check_native_stack("")?;
                f(self, callable, args, kwnames)
            }
            None => Err(self.type_error_of(callable, "is not callable")),
        }
    }
    /// `object.name(*args)`.
    pub fn call_method(&self, object: &Object, name: &str, args: &[Object]) -> Result {
        self.call_method_object(object, &self.intern(name), args)
    }
    pub fn call_method_object(&self, object: &Object, name: &Object, args: &[Object]) -> Result {
        self.call_method_kw(object, name, args, &[])
    }
    /// `object.name(*args)`, the last of them for the parameters `kwnames`.
    pub fn call_method_kw(
        &self,
        object: &Object,
        name: &Object,
        args: &[Object],
        kwnames: &[Object],
    ) -> Result {
        let ty = object.ty();
        if ty.has(type_flags::GENERIC_GETATTR)
            && let Some(found) = ty.lookup(self, name)
            // SAFETY: found in a live dict.
            && unsafe { type_of(found) }.has(type_flags::METHOD_DESCRIPTOR)
        {
            // SAFETY: as above.
            let found = unsafe { Object::from_borrowed(found) };
            if crate::lookup::instance_get(self, object, name)?.is_none() {
                return self.call_with_self(&found, object, args, kwnames);
            }
        }
        let method = self.get_attr(object, name)?;
        self.call_kw(&method, args, kwnames)
    }
    /// `callable(object, *args)`, the last of them for the parameters `kwnames`.
    pub fn call_with_self(
        &self,
        callable: &Object,
        object: &Object,
        args: &[Object],
        kwnames: &[Object],
    ) -> Result {
        const FEW: usize = 5;
        if args.len() < FEW {
            let mut all = [Value::UNBOUND; FEW];
            all[0] = object.value();
            for (slot, arg) in all[1..].iter_mut().zip(args) {
                *slot = arg.value();
            }
            return self.call_kw(callable, Object::borrow_slice(&all[..args.len() + 1]), kwnames);
        }
        let mut all = Vec::with_capacity(args.len() + 1);
        all.push(object.clone());
        all.extend_from_slice(args);
        self.call_kw(callable, &all, kwnames)
    }
    /// `callable(object)` exists: `callable()`.
    pub fn is_callable(&self, object: &Object) -> bool {
        object.ty().slots().call.is_some()
    }

    // ---- classes -----------------------------------------------------------------------------------
    /// `isinstance(object, class)`, with tuples, unions and hooks.
    pub fn is_instance(&self, object: &Object, class: &Object) -> Result<bool> {
        if object.ty().value() == class.value() {
            return Ok(true);
        }
        if class.ty().is(&crate::types::typ::TYPE) {
            return self.real_is_instance(object, class);
        }
        if let Some(members) = crate::types::union::args_of(class) {
            return self.is_instance(object, &members);
        }
        if let Some(tuple) = class.downcast::<Tuple>() {
            self.check_native_stack(" in __instancecheck__")?;
            for item in tuple.items() {
                if self.is_instance(object, item)? {
                    return Ok(true);
                }
            }
            return Ok(false);
        }
        self.check_native_stack(" in __instancecheck__")?;
        if let Some(result) =
            self.call_special(class, name::isinstance.object(), std::slice::from_ref(object))?
        {
            return self.is_true(&result);
        }
        self.real_is_instance(object, class)
    }
    /// `type.__instancecheck__`: by type, then by `__class__`.
    pub fn real_is_instance(&self, object: &Object, class: &Object) -> Result<bool> {
        if let Some(ty) = Type::of(class) {
            if object.ty().is_subtype(ty) {
                return Ok(true);
            }
            // Whose `__class__` is that of every object claims nothing else.
            let attr = name::class.object();
            if object.ty().has(type_flags::GENERIC_GETATTR)
                && object.ty().lookup(self, attr) == crate::types::object::OBJECT.lookup(self, attr)
            {
                return Ok(false);
            }
            if let Some(claimed) = self.lookup_attr(object, name::class.object())?
                && let Some(claimed) = Type::of(&claimed)
                && !std::ptr::eq(claimed, object.ty())
            {
                return Ok(claimed.is_subtype(ty));
            }
            return Ok(false);
        }
        self.check_class(class, "isinstance() arg 2 must be a type, a tuple of types, or a union")?;
        match self.lookup_attr(object, name::class.object())? {
            Some(claimed) => self.abstract_is_subclass(&claimed, class),
            None => Ok(false),
        }
    }
    /// `issubclass(class, base)`, with tuples, unions and hooks.
    pub fn is_subclass(&self, class: &Object, base: &Object) -> Result<bool> {
        if base.ty().is(&crate::types::typ::TYPE) {
            if class.value() == base.value() {
                return Ok(true);
            }
            return self.real_is_subclass(class, base);
        }
        if let Some(members) = crate::types::union::args_of(base) {
            return self.is_subclass(class, &members);
        }
        if let Some(tuple) = base.downcast::<Tuple>() {
            self.check_native_stack(" in __subclasscheck__")?;
            for item in tuple.items() {
                if self.is_subclass(class, item)? {
                    return Ok(true);
                }
            }
            return Ok(false);
        }
        self.check_native_stack(" in __subclasscheck__")?;
        if let Some(result) =
            self.call_special(base, name::issubclass.object(), std::slice::from_ref(class))?
        {
            return self.is_true(&result);
        }
        self.real_is_subclass(class, base)
    }
    /// `type.__subclasscheck__`.
    pub fn real_is_subclass(&self, class: &Object, base: &Object) -> Result<bool> {
        if let (Some(class), Some(base)) = (Type::of(class), Type::of(base)) {
            return Ok(class.is_subtype(base));
        }
        self.check_class(class, "issubclass() arg 1 must be a class")?;
        self.check_class(base, "issubclass() arg 2 must be a class, a tuple of classes, or a union")?;
        self.abstract_is_subclass(class, base)
    }
    fn check_class(&self, class: &Object, message: &str) -> Result<()> {
        match self.abstract_bases(class)? {
            Some(_) => Ok(()),
            None => Err(self.type_error(message)),
        }
    }
    fn abstract_bases(&self, class: &Object) -> Result<Option<Object>> {
        let bases = self.lookup_attr(class, name::bases.object())?;
        Ok(bases.filter(|b| b.downcast::<Tuple>().is_some()))
    }
    fn abstract_is_subclass(&self, class: &Object, base: &Object) -> Result<bool> {
        self.check_native_stack(" in __issubclass__")?;
        if class.value() == base.value() {
            return Ok(true);
        }
        let Some(bases) = self.abstract_bases(class)? else { return Ok(false) };
        if let Some(bases) = bases.downcast::<Tuple>() {
            for item in bases.items() {
                if self.abstract_is_subclass(item, base)? {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    // ---- making common objects ------------------------------------------------------------------------
    pub fn tuple(&self, items: Vec<Object>) -> Object {
        tuple::from_vec(self, items)
    }
    pub fn list(&self, items: Vec<Object>) -> Object {
        list::from_vec(self, items)
    }
    pub fn new_dict(&self) -> Object {
        dict::new(self)
    }
    #[inline]
    pub fn int(&self, n: i64) -> Object {
        match Value::small_int(n) {
            Some(value) => Object::immediate(value),
            None => int::from_big(self, taipan_numeric::BigInt::from(n)),
        }
    }
    pub fn usize(&self, n: usize) -> Object {
        match i64::try_from(n) {
            Ok(n) => self.int(n),
            Err(_) => int::from_big(self, taipan_numeric::BigInt::from(n as u64)),
        }
    }
    pub fn u64(&self, n: u64) -> Object {
        match i64::try_from(n) {
            Ok(n) => self.int(n),
            Err(_) => int::from_big(self, taipan_numeric::BigInt::from(n)),
        }
    }
    #[inline]
    pub fn float(&self, x: f64) -> Object {
        match Value::small_float(x) {
            Some(value) => Object::immediate(value),
            None => float::boxed(self, x),
        }
    }
    pub fn str(&self, text: &str) -> Object {
        str::from_text(self, text)
    }
    pub fn bytes(&self, bytes: &[u8]) -> Object {
        crate::types::bytes::from_slice(self, bytes)
    }
    /// Is the object exactly the class's own instance of a Python subclass-overridable method? The
    /// `__iter__` hook: true if iterating `object` does nothing but what its native type does.
    pub fn iterates_natively(&self, object: &Object, native: &Type) -> bool {
        object.ty().slots().unary[UnaryOp::Iter as usize].map(|f| f as usize)
            == native.slots().unary[UnaryOp::Iter as usize].map(|f| f as usize)
    }
}
