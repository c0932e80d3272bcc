//! The type Decimal: construction, operators, comparison. Its methods are in
//! `methods`.

use crate::context::{self, Context};
use crate::convert::{self, finished, operand};
use crate::methods;
use crate::number::{Env, Number, Rounding, Status, arithmetic, flags, order, power, text};
use std::borrow::Cow;
use std::cell::Cell;
use std::cmp::Ordering;
use taipan_runtime::prelude::*;
use taipan_runtime::support::{Fields, allocate, this};
use taipan_runtime::types::object::{OBJECT, identity_hash};
use taipan_runtime::types::{complex, float, tuple};

/// Payload of Decimal.
pub struct Decimal {
    pub number: Number,
    /// -1: not computed yet.
    hash: Cell<i64>,
}

impl NativeClass for Decimal {
    fn class() -> &'static Type {
        &DECIMAL
    }
}

/// The number of a Decimal.
#[inline]
pub fn number(object: &Object) -> &Number {
    &this::<Decimal>(object).number
}

/// A Decimal, not of a subclass.
#[inline]
pub fn object(vm: &Vm, number: Number) -> Object {
    vm.alloc(&DECIMAL, Decimal { number, hash: Cell::new(-1) })
}

/// A Decimal of a class that may be a subclass, which is not called.
pub fn of_class(vm: &Vm, class: &Type, number: Number) -> Result {
    allocate(vm, class, Decimal { number, hash: Cell::new(-1) })
}

pub static DECIMAL: Type = Type::new::<Decimal>(
    "decimal.Decimal",
    &OBJECT,
    type_flags::BASE,
    Slots {
        new: Some(decimal_new),
        hash: Some(|vm, decimal| {
            let object = decimal;
            let decimal = this::<Decimal>(decimal);
            if decimal.number.is_signaling() {
                return Err(vm.type_error("Cannot hash a signaling NaN value"));
            }
            if decimal.number.is_nan() {
                return Ok(identity_hash(object));
            }
            if decimal.hash.get() == -1 {
                decimal.hash.set(convert::hash(&decimal.number));
            }
            Ok(decimal.hash.get())
        }),
        compare: Some(compare),
        bool: Some(|_, decimal| Ok(!number(decimal).is_zero())),
        pow3: Some(power3),
        ..Slots::EMPTY
            .repr(|vm, decimal| {
                let text = plain_text(vm, decimal)?;
                Ok(vm.str(&format!("Decimal('{text}')")))
            })
            .str(|vm, decimal| Ok(vm.str(&plain_text(vm, decimal)?)))
            .binary(BinaryOp::Add, |vm, a, b| binary(vm, a, b, arithmetic::add))
            .binary(BinaryOp::Sub, |vm, a, b| binary(vm, a, b, arithmetic::subtract))
            .binary(BinaryOp::Mul, |vm, a, b| binary(vm, a, b, arithmetic::multiply))
            .binary(BinaryOp::TrueDiv, |vm, a, b| binary(vm, a, b, arithmetic::divide))
            .binary(BinaryOp::FloorDiv, |vm, a, b| binary(vm, a, b, arithmetic::divide_int))
            .binary(BinaryOp::Mod, |vm, a, b| binary(vm, a, b, arithmetic::remainder))
            .binary(BinaryOp::Pow, |vm, a, b| binary(vm, a, b, power::power))
            .binary(BinaryOp::DivMod, |vm, a, b| {
                let (Some(x), Some(y)) = (operand(a), operand(b)) else { return Ok(Object::NOT_IMPLEMENTED) };
                let context = context::current(vm)?;
                divmod(vm, this(&context), &x, &y)
            })
            .unary(UnaryOp::Neg, |vm, a| unary(vm, a, |a, env, status| arithmetic::signed(a, true, env, status)))
            .unary(UnaryOp::Pos, |vm, a| unary(vm, a, |a, env, status| arithmetic::signed(a, false, env, status)))
            .unary(UnaryOp::Abs, |vm, a| unary(vm, a, arithmetic::absolute))
            .unary(UnaryOp::Int, |vm, a| convert::to_int(vm, number(a), Rounding::Down))
            .unary(UnaryOp::Float, |vm, a| Ok(vm.float(convert::to_f64(vm, number(a))?)))
    },
    &methods::METHODS,
    &[
        GetSetDef::new("real", |_, decimal| Ok(decimal.clone())),
        GetSetDef::new("imag", |vm, _| Ok(object(vm, Number::small(0)))),
    ],
)
.with_doc("Decimal(value=\"0\", context=None)\n--\n\nConstruct a new Decimal object. 'value' can be an integer, string, tuple,\nor another Decimal object. If no value is given, return Decimal('0'). The\ncontext does not affect the conversion and is only passed to determine if\nthe InvalidOperation trap is active.\n\n");

fn plain_text(vm: &Vm, decimal: &Object) -> Result<String> {
    let context = context::current(vm)?;
    let capitals = this::<Context>(&context).capitals.get();
    Ok(text::to_text(number(decimal), text::Style::Scientific, capitals))
}

fn decimal_new(vm: &Vm, class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    static FIELDS: Fields<2> =
        Fields { function: "", names: ["value", "context"], required: 0, positional: 2 };
    let [value, context] = FIELDS.bind(vm, args, kwnames)?;
    let context = context::given_or_current(vm, context)?;
    let Some(value) = value else { return of_class(vm, class, Number::small(0)) };
    if class.is(&DECIMAL) && value.ty().is(&DECIMAL) {
        return Ok(value.clone());
    }
    let number = convert::of_object(vm, value, this(&context), false)?;
    of_class(vm, class, number)
}

// ---- operators ------------------------------------------------------------------------------

pub type Unary = fn(&Number, &Env, &mut Status) -> Number;
pub type Binary = fn(&Number, &Number, &Env, &mut Status) -> Number;

fn unary(vm: &Vm, a: &Object, operation: Unary) -> Result {
    let context = context::current(vm)?;
    let context = this::<Context>(&context);
    let mut status = 0;
    let result = operation(number(a), &context.env(), &mut status);
    finished(vm, context, result, status)
}

#[inline]
fn binary(vm: &Vm, a: &Object, b: &Object, operation: Binary) -> Result {
    let (Some(x), Some(y)) = (operand(a), operand(b)) else { return Ok(Object::NOT_IMPLEMENTED) };
    let context = context::current(vm)?;
    let context = this::<Context>(&context);
    let mut status = 0;
    let result = operation(&x, &y, &context.env(), &mut status);
    finished(vm, context, result, status)
}

pub fn divmod(vm: &Vm, context: &Context, x: &Number, y: &Number) -> Result {
    let mut status = 0;
    let (quotient, rest) = arithmetic::divmod(x, y, &context.env(), &mut status);
    context.meet(vm, status)?;
    Ok(tuple::pair(vm, object(vm, quotient), object(vm, rest)))
}

fn power3(vm: &Vm, a: &Object, b: &Object, modulus: &Object) -> Result {
    if modulus.is_none() {
        return binary(vm, a, b, power::power);
    }
    let (Some(x), Some(y), Some(m)) = (operand(a), operand(b), operand(modulus)) else {
        return Ok(Object::NOT_IMPLEMENTED);
    };
    let context = context::current(vm)?;
    let context = this::<Context>(&context);
    let mut status = 0;
    let result = power::power_modulo(&x, &y, &m, &context.env(), &mut status);
    finished(vm, context, result, status)
}

// ---- comparison -----------------------------------------------------------------------------

/// The other side of a comparison; None if it cannot be compared.
fn comparable<'a>(
    vm: &Vm,
    other: &'a Object,
    op: CompareOp,
    context: &Context,
) -> Result<Option<Cow<'a, Number>>> {
    if let Some(number) = operand(other) {
        return Ok(Some(number));
    }
    let equality = matches!(op, CompareOp::Eq | CompareOp::Ne);
    let mut x = float::as_f64(other);
    if equality
        && let Some(z) = other.downcast::<complex::ComplexNumber>()
        && z.value().im == 0.0
    {
        x = Some(z.value().re);
    }
    let Some(x) = x else { return Ok(None) };
    if equality {
        context.flags.set(context.flags.get() | flags::FLOAT_OPERATION);
    } else {
        context.meet(vm, flags::FLOAT_OPERATION)?;
    }
    Ok(Some(Cow::Owned(convert::of_float(x))))
}

/// With a rational number on the other side: both sides times its denominator.
fn rational(vm: &Vm, number: &Number, other: &Object) -> Result<Option<(Number, Number)>> {
    let Some(class) = vm.shared(crate::RATIONAL) else { return Ok(None) };
    if !vm.is_instance(other, &class)? {
        return Ok(None);
    }
    let numerator = vm.get_attr_str(other, "numerator")?;
    let denominator = vm.get_attr_str(other, "denominator")?;
    let (Some(top), Some(bottom)) = (operand(&numerator), operand(&denominator)) else {
        return Err(vm.type_error("numerator and denominator must be ints"));
    };
    if number.is_special() {
        return Ok(Some((number.clone(), top.into_owned())));
    }
    // No limits of exponents: the product is compared only.
    let Some(coefficient) = number.coefficient.mul(&bottom.coefficient) else {
        return Err(vm.memory_error());
    };
    Ok(Some((Number::finite(number.negative, coefficient, number.exponent), top.into_owned())))
}

fn compare(vm: &Vm, a: &Object, b: &Object, op: CompareOp) -> Result {
    let Some(decimal) = a.downcast::<Decimal>() else { return Ok(Object::NOT_IMPLEMENTED) };
    let x = &decimal.number;
    // Comparing needs no context, unless something is special.
    if let Some(y) = operand(b)
        && !x.is_nan()
        && !y.is_nan()
    {
        return Ok(Object::bool(op.holds(Some(order::values(x, &y)))));
    }
    let current = context::current(vm)?;
    let context = this::<Context>(&current);
    let (x, y) = match comparable(vm, b, op, context)? {
        Some(y) => (Cow::Borrowed(x), y),
        None => match rational(vm, x, b)? {
            Some((x, y)) => (Cow::Owned(x), Cow::Owned(y)),
            None => return Ok(Object::NOT_IMPLEMENTED),
        },
    };
    if x.is_nan() || y.is_nan() {
        // Equality is silent about quiet ones.
        if x.is_signaling() || y.is_signaling() || !matches!(op, CompareOp::Eq | CompareOp::Ne) {
            context.meet(vm, flags::INVALID_OPERATION)?;
        }
        return Ok(Object::bool(op == CompareOp::Ne));
    }
    let order: Ordering = order::values(&x, &y);
    Ok(Object::bool(op.holds(Some(order))))
}
