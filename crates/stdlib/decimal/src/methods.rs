//! The methods of Decimal.

use crate::context::{self, Context, ssize};
use crate::convert::{self, finished, required};
use crate::decimal::{Binary, Unary, number, object};
use crate::number::format::{self, Spec};
use crate::number::{Env, Kind, Number, Rounding, adjust, arithmetic, functions, order, text};
use taipan_numeric::format_spec::LocaleInfo;
use taipan_runtime::prelude::*;
use taipan_runtime::support::{Fields, check_arity, this};
use taipan_runtime::types::{complex, float, int, int_methods, tuple};

/// A method that parses its arguments itself, but shows its signature.
const fn method(sig: &'static str, code: taipan_runtime::native::RawFn, doc: &'static str) -> MethodDef {
    MethodDef { hide_signature: false, ..MethodDef::raw(sig, code, doc) }
}

macro_rules! unary {
    ($name:literal, $operation:expr, $doc:literal) => {
        method(
            concat!($name, "($self, /, context=None)"),
            |vm, args, kwnames| unary_method(vm, args, kwnames, $operation),
            $doc,
        )
    };
}

macro_rules! binary {
    ($name:literal, $operation:expr, $doc:literal) => {
        method(
            concat!($name, "($self, /, other, context=None)"),
            |vm, args, kwnames| binary_method(vm, args, kwnames, $operation),
            $doc,
        )
    };
}

pub static METHODS: [MethodDef; COUNT] = [
    unary!("exp", functions::exp, "Return the value of the (natural) exponential function e**x."),
    unary!("ln", functions::ln, "Return the natural (base e) logarithm of the operand."),
    unary!("log10", functions::log10, "Return the base ten logarithm of the operand."),
    unary!(
        "next_minus",
        |a, e, s| adjust::next(a, false, e, s),
        "Returns the largest representable number smaller than itself."
    ),
    unary!(
        "next_plus",
        |a, e, s| adjust::next(a, true, e, s),
        "Returns the smallest representable number larger than itself."
    ),
    unary!("normalize", arithmetic::reduce, "Normalize the number by stripping trailing zeros."),
    unary!("sqrt", functions::sqrt, "Return the square root of the argument to full precision."),
    unary!("logb", adjust::logb, "Return the adjusted exponent of the operand as a Decimal instance."),
    unary!(
        "logical_invert",
        adjust::logical_invert,
        "Return the digit-wise inversion of the (logical) operand."
    ),
    binary!("compare", |a, b, e, s| order::compare(a, b, false, e, s), ""),
    binary!("compare_signal", |a, b, e, s| order::compare(a, b, true, e, s), ""),
    binary!("max", |a, b, e, s| order::extreme(a, b, true, false, e, s), ""),
    binary!("max_mag", |a, b, e, s| order::extreme(a, b, true, true, e, s), ""),
    binary!("min", |a, b, e, s| order::extreme(a, b, false, false, e, s), ""),
    binary!("min_mag", |a, b, e, s| order::extreme(a, b, false, true, e, s), ""),
    binary!("next_toward", adjust::next_toward, ""),
    binary!("remainder_near", arithmetic::remainder_near, ""),
    binary!("compare_total", |a, b, _, _| order::of(order::total(a, b)), "Compare two numbers by their representation; the result is -1, 0 or 1. Numbers of equal\nvalue differ here if their exponents do:\n\n    >>> Decimal('2.50').compare_total(Decimal('2.5'))\n    Decimal('-1')\n"),
    binary!("compare_total_mag", |a, b, _, _| order::of(order::total_without_sign(a, b)), ""),
    binary!("copy_sign", |a, b, _, _| a.clone().with_sign(b.negative), "Return a copy of the number with the sign of the other one, whatever the context:\n\n    >>> Decimal('1.5').copy_sign(Decimal('-7'))\n    Decimal('-1.5')\n"),
    binary!("logical_and", |a, b, e, s| adjust::logical(a, b, adjust::Logical::And, e, s), ""),
    binary!("logical_or", |a, b, e, s| adjust::logical(a, b, adjust::Logical::Or, e, s), ""),
    binary!("logical_xor", |a, b, e, s| adjust::logical(a, b, adjust::Logical::Xor, e, s), ""),
    binary!("rotate", adjust::rotate, ""),
    binary!("scaleb", adjust::scaleb, ""),
    binary!("shift", adjust::shift, ""),
    MethodDef::new(
        "is_finite($self, /)",
        |_, args| {
            let n = number(&args[0]);
            Ok(Object::bool(n.is_finite()))
        },
        "",
    ),
    MethodDef::new(
        "is_infinite($self, /)",
        |_, args| {
            let n = number(&args[0]);
            Ok(Object::bool(n.is_infinite()))
        },
        "",
    ),
    MethodDef::new(
        "is_nan($self, /)",
        |_, args| {
            let n = number(&args[0]);
            Ok(Object::bool(n.is_nan()))
        },
        "",
    ),
    MethodDef::new(
        "is_qnan($self, /)",
        |_, args| {
            let n = number(&args[0]);
            Ok(Object::bool(n.kind == Kind::QuietNan))
        },
        "",
    ),
    MethodDef::new(
        "is_snan($self, /)",
        |_, args| {
            let n = number(&args[0]);
            Ok(Object::bool(n.is_signaling()))
        },
        "",
    ),
    MethodDef::new(
        "is_signed($self, /)",
        |_, args| {
            let n = number(&args[0]);
            Ok(Object::bool(n.negative))
        },
        "",
    ),
    MethodDef::new(
        "is_zero($self, /)",
        |_, args| {
            let n = number(&args[0]);
            Ok(Object::bool(n.is_zero()))
        },
        "",
    ),
    method(
        "to_integral($self, /, rounding=None, context=None)",
        |vm, args, kwnames| to_integral(vm, args, kwnames, false),
        "Identical to the to_integral_value() method.",
    ),
    method(
        "to_integral_value($self, /, rounding=None, context=None)",
        |vm, args, kwnames| to_integral(vm, args, kwnames, false),
        "Round to the nearest integer without signaling Inexact or Rounded.",
    ),
    method(
        "to_integral_exact($self, /, rounding=None, context=None)",
        |vm, args, kwnames| to_integral(vm, args, kwnames, true),
        "Round to the nearest integer, signaling Inexact or Rounded as appropriate.",
    ),
    method(
        "quantize($self, /, exp, rounding=None, context=None)",
        quantize,
        "Return the number, rounded, with the exponent of another one:\n\n    >>> Decimal('2.71828').quantize(Decimal('0.01'))\n    Decimal('2.72')\n\nInvalidOperation is signaled if the result does not fit into the precision.\n",
    ),
    method(
        "fma($self, /, other, third, context=None)",
        fma,
        "Fused multiply-add.  Return self*other+third with no rounding of the\nintermediate product.\n\n    >>> Decimal(4).fma(5, 6)\n    Decimal('26')\n",
    ),
    method(
        "is_normal($self, /, context=None)",
        |vm, args, kwnames| {
            ask(vm, args, kwnames, |vm, n, c| {
                Ok(Object::bool({
                    let _ = vm;
                    n.is_normal(&c.env())
                }))
            })
        },
        "",
    ),
    method(
        "is_subnormal($self, /, context=None)",
        |vm, args, kwnames| ask(vm, args, kwnames, |_, n, c| Ok(Object::bool(n.is_subnormal(&c.env())))),
        "",
    ),
    method(
        "number_class($self, /, context=None)",
        |vm, args, kwnames| ask(vm, args, kwnames, |vm, n, c| Ok(vm.intern(adjust::class(n, &c.env())))),
        "Return a string describing the class of the operand.",
    ),
    method(
        "to_eng_string($self, /, context=None)",
        |vm, args, kwnames| {
            ask(vm, args, kwnames, |vm, n, c| {
                Ok(vm.str(&text::to_text(n, text::Style::Engineering, c.capitals.get())))
            })
        },
        "Convert to an engineering-type string.",
    ),
    method(
        "same_quantum($self, /, other, context=None)",
        |vm, args, kwnames| {
            static FIELDS: Fields<2> =
                Fields { function: "", names: ["other", "context"], required: 1, positional: 2 };
            let [other, context] = FIELDS.bind(vm, &args[1..], kwnames)?;
            context::given_or_current(vm, context)?;
            let none = Object::NONE;
            Ok(Object::bool(same_quantum(number(&args[0]), &*required(vm, other.unwrap_or(&none))?)))
        },
        "Test whether self and other have the same exponent or whether both are NaN.",
    ),
    MethodDef::new(
        "is_canonical($self, /)",
        |_, _| Ok(Object::TRUE),
        "Return True if the argument is canonical and False otherwise.",
    ),
    MethodDef::new(
        "adjusted($self, /)",
        |vm, args| {
            let n = number(&args[0]);
            Ok(vm.int(if n.is_finite() && !n.coefficient.is_zero() {
                n.adjusted()
            } else if n.is_finite() {
                n.exponent
            } else {
                0
            }))
        },
        "Return the adjusted exponent (exp + digits - 1) of the number.",
    ),
    MethodDef::new(
        "canonical($self, /)",
        |_, args| Ok(args[0].clone()),
        "Return the canonical encoding of the argument.",
    ),
    MethodDef::new("conjugate($self, /)", |_, args| Ok(args[0].clone()), "Return self."),
    MethodDef::new("radix($self, /)", |vm, _| Ok(object(vm, Number::small(10))), "Return Decimal(10)."),
    MethodDef::new(
        "copy_abs($self, /)",
        |vm, args| Ok(object(vm, number(&args[0]).clone().with_sign(false))),
        "Return the absolute value of the argument.",
    ),
    MethodDef::new(
        "copy_negate($self, /)",
        |vm, args| {
            let n = number(&args[0]).clone();
            let negative = !n.negative;
            Ok(object(vm, n.with_sign(negative)))
        },
        "Return the negation of the argument.",
    ),
    MethodDef::new(
        "from_float($type, f, /)",
        |vm, args| {
            let number = float_or_int(vm, &args[1])?;
            let made = object(vm, number);
            if args[0].is(crate::decimal::DECIMAL.value()) { Ok(made) } else { vm.call(&args[0], &[made]) }
        },
        "Class method that converts a float to a decimal number, exactly.\nDecimal.from_float(0.1) is not the same as Decimal('0.1').\n\n    >>> Decimal.from_float(0.25)\n    Decimal('0.25')\n    >>> Decimal.from_float(float('nan'))\n    Decimal('NaN')\n    >>> Decimal.from_float(float('-inf'))\n    Decimal('-Infinity')\n",
    )
    .class_method(),
    MethodDef::new(
        "from_number($type, number, /)",
        |vm, args| {
            let value = &args[1];
            if convert::operand(value).is_none() && float::as_f64(value).is_none() {
                return Err(convert::unsupported(vm, value));
            }
            let context = context::current(vm)?;
            let made = object(vm, convert::of_object(vm, value, this(&context), false)?);
            if args[0].is(crate::decimal::DECIMAL.value()) { Ok(made) } else { vm.call(&args[0], &[made]) }
        },
        "Class method that converts a real number to a decimal number, exactly.\n\n    >>> Decimal.from_number(42)\n    Decimal('42')\n    >>> Decimal.from_number(Decimal('2.5'))\n    Decimal('2.5')\n",
    )
    .class_method(),
    MethodDef::new(
        "as_tuple($self, /)",
        |vm, args| convert::parts(vm, number(&args[0])),
        "Return a tuple representation of the number.",
    ),
    MethodDef::new(
        "as_integer_ratio($self, /)",
        |vm, args| convert::integer_ratio(vm, number(&args[0])),
        "Return a pair of integers whose ratio is exactly equal to the original.",
    ),
    MethodDef::new("__copy__($self, /)", |_, args| Ok(args[0].clone()), ""),
    MethodDef::new("__deepcopy__($self, object, /)", |_, args| Ok(args[0].clone()), ""),
    MethodDef::raw(
        "__format__($self, spec, override=None, /)",
        dunder_format,
        "Formats the Decimal according to fmtarg.",
    ),
    MethodDef::new(
        "__reduce__($self, /)",
        |vm, args| {
            let text = vm.str_of(&args[0])?;
            Ok(tuple::pair(vm, args[0].ty().to_object(), tuple::from_array(vm, [text])))
        },
        "Return state information for pickling.",
    ),
    MethodDef::raw("__round__($self, ndigits=None, /)", dunder_round, ""),
    MethodDef::new(
        "__ceil__($self, /)",
        |vm, args| convert::to_int(vm, number(&args[0]), Rounding::Ceiling),
        "Return the ceiling as an Integral.",
    ),
    MethodDef::new(
        "__floor__($self, /)",
        |vm, args| convert::to_int(vm, number(&args[0]), Rounding::Floor),
        "Return the floor as an Integral.",
    ),
    MethodDef::new(
        "__trunc__($self, /)",
        |vm, args| convert::to_int(vm, number(&args[0]), Rounding::Down),
        "Return the Integral closest to x between 0 and x.",
    ),
    MethodDef::new(
        "__complex__($self, /)",
        |vm, args| {
            let x = vm.float(convert::to_f64(vm, number(&args[0]))?);
            vm.call(&complex::COMPLEX.to_object(), &[x])
        },
        "Convert this value to exact type complex.",
    ),
    MethodDef::new(
        "__sizeof__($self, /)",
        |vm, args| {
            let words = match &number(&args[0]).coefficient {
                crate::number::Coefficient::Small(_) => 0,
                crate::number::Coefficient::Big(n) => n.words().len() * 8,
            };
            Ok(vm.usize(args[0].ty().instance_size.get() + words))
        },
        "Returns size in memory, in bytes",
    ),
];

const COUNT: usize = 64;

fn unary_method(vm: &Vm, args: &[Object], kwnames: &[Object], operation: Unary) -> Result {
    static FIELDS: Fields<1> = Fields { function: "", names: ["context"], required: 0, positional: 1 };
    let [context] = FIELDS.bind(vm, &args[1..], kwnames)?;
    let context = context::given_or_current(vm, context)?;
    let context = this::<Context>(&context);
    let mut status = 0;
    let result = operation(number(&args[0]), &context.env(), &mut status);
    finished(vm, context, result, status)
}

fn binary_method(vm: &Vm, args: &[Object], kwnames: &[Object], operation: Binary) -> Result {
    static FIELDS: Fields<2> =
        Fields { function: "", names: ["other", "context"], required: 1, positional: 2 };
    let [other, context] = FIELDS.bind(vm, &args[1..], kwnames)?;
    let context = context::given_or_current(vm, context)?;
    let context = this::<Context>(&context);
    let none = Object::NONE;
    let other = required(vm, other.unwrap_or(&none))?;
    let mut status = 0;
    let result = operation(number(&args[0]), &other, &context.env(), &mut status);
    finished(vm, context, result, status)
}

/// Questions that depend on a context.
fn ask(
    vm: &Vm,
    args: &[Object],
    kwnames: &[Object],
    question: fn(&Vm, &Number, &Context) -> Result,
) -> Result {
    static FIELDS: Fields<1> = Fields { function: "", names: ["context"], required: 0, positional: 1 };
    let [context] = FIELDS.bind(vm, &args[1..], kwnames)?;
    let context = context::given_or_current(vm, context)?;
    question(vm, number(&args[0]), this(&context))
}

pub fn same_quantum(a: &Number, b: &Number) -> bool {
    match (a.is_special(), b.is_special()) {
        (false, false) => a.exponent == b.exponent,
        (true, true) => a.is_nan() && b.is_nan() || a.is_infinite() && b.is_infinite(),
        _ => false,
    }
}

pub fn float_or_int(vm: &Vm, value: &Object) -> Result<Number> {
    if let Some(n) = int::view(value) {
        return Ok(convert::of_int(&n));
    }
    match float::as_f64(value) {
        Some(x) => Ok(convert::of_float(x)),
        None => Err(vm.type_error("argument must be int or float")),
    }
}

/// The environment of a context, with another rounding if one is given.
fn rounding_env(vm: &Vm, context: &Context, rounding: Option<&Object>) -> Result<Env> {
    Ok(match rounding.and_then(|r| r.some()) {
        Some(rounding) => context.env().rounding(context::rounding(vm, rounding)?),
        None => context.env(),
    })
}

fn to_integral(vm: &Vm, args: &[Object], kwnames: &[Object], exact: bool) -> Result {
    static FIELDS: Fields<2> =
        Fields { function: "", names: ["rounding", "context"], required: 0, positional: 2 };
    let [rounding, context] = FIELDS.bind(vm, &args[1..], kwnames)?;
    let context = context::given_or_current(vm, context)?;
    let context = this::<Context>(&context);
    let env = rounding_env(vm, context, rounding)?;
    let mut status = 0;
    let result = adjust::to_integral(number(&args[0]), exact, &env, &mut status);
    finished(vm, context, result, status)
}

fn quantize(vm: &Vm, args: &[Object], kwnames: &[Object]) -> Result {
    static FIELDS: Fields<3> =
        Fields { function: "", names: ["exp", "rounding", "context"], required: 1, positional: 3 };
    let [exp, rounding, context] = FIELDS.bind(vm, &args[1..], kwnames)?;
    let context = context::given_or_current(vm, context)?;
    let context = this::<Context>(&context);
    let env = rounding_env(vm, context, rounding)?;
    let none = Object::NONE;
    let exp = required(vm, exp.unwrap_or(&none))?;
    let mut status = 0;
    let result = adjust::quantize(number(&args[0]), &exp, &env, &mut status);
    finished(vm, context, result, status)
}

fn fma(vm: &Vm, args: &[Object], kwnames: &[Object]) -> Result {
    static FIELDS: Fields<3> =
        Fields { function: "", names: ["other", "third", "context"], required: 2, positional: 3 };
    let [other, third, context] = FIELDS.bind(vm, &args[1..], kwnames)?;
    let context = context::given_or_current(vm, context)?;
    let context = this::<Context>(&context);
    let none = Object::NONE;
    let other = required(vm, other.unwrap_or(&none))?;
    let third = required(vm, third.unwrap_or(&none))?;
    let mut status = 0;
    let result = arithmetic::fma(number(&args[0]), &other, &third, &context.env(), &mut status);
    finished(vm, context, result, status)
}

fn dunder_round(vm: &Vm, args: &[Object], kwnames: &[Object]) -> Result {
    if !kwnames.is_empty() {
        return Err(vm.type_error("Decimal.__round__() takes no keyword arguments"));
    }
    check_arity(vm, "__round__", args.len() - 1, 0, 1)?;
    let a = number(&args[0]);
    let Some(digits) = args.get(1).and_then(|d| d.some()) else {
        return convert::to_int(vm, a, Rounding::HalfEven);
    };
    if !int::is_any_int(digits) {
        return Err(vm.type_error("optional arg must be an integer"));
    }
    let digits = ssize(vm, digits)?;
    let context = context::current(vm)?;
    let context = this::<Context>(&context);
    let quantum =
        Number::finite(false, crate::number::Coefficient::ONE, digits.checked_neg().unwrap_or(i64::MAX));
    let mut status = 0;
    let result = adjust::quantize(a, &quantum, &context.env(), &mut status);
    finished(vm, context, result, status)
}

/// What an override dict says of the locale.
fn overridden(vm: &Vm, dict: &Object, locale: &mut LocaleInfo) -> Result<()> {
    let get = |name: &str| -> Result<Option<String>> {
        match dict.downcast::<Dict>().and_then(|d| d.get_text(vm, name)) {
            None => Ok(None),
            Some(value) => match value.downcast::<Str>().and_then(|s| s.to_utf8().map(|s| s.into_owned())) {
                Some(text) => Ok(Some(text)),
                None => Err(vm.type_error("bad argument type for built-in operation")),
            },
        }
    };
    if let Some(point) = get("decimal_point")? {
        locale.decimal_point = point;
    }
    if let Some(separator) = get("thousands_sep")? {
        locale.thousands_sep = separator;
    }
    if let Some(grouping) = get("grouping")? {
        locale.grouping = grouping.into_bytes();
        let end = locale.grouping.iter().position(|&group| group == 0);
        locale.grouping.truncate(end.unwrap_or(usize::MAX));
    }
    let negative = |group: &u8| *group >= 128;
    if locale.grouping.iter().any(negative)
        || locale.decimal_point.chars().count() != 1
        || locale.thousands_sep.chars().count() > 1
    {
        return Err(vm.value_error("invalid override dict"));
    }
    Ok(())
}

fn dunder_format(vm: &Vm, args: &[Object], kwnames: &[Object]) -> Result {
    if !kwnames.is_empty() {
        return Err(vm.type_error("Decimal.__format__() takes no keyword arguments"));
    }
    static FIELDS: Fields<2> = Fields { function: "", names: ["", ""], required: 1, positional: 2 };
    let [spec, locale] = FIELDS.bind(vm, &args[1..], &[])?;
    let Some(text) = spec.and_then(|s| s.downcast::<Str>()) else {
        return Err(vm.type_error("format arg must be str"));
    };
    let context = context::current(vm)?;
    let context = this::<Context>(&context);
    let plain = text.to_utf8().map(|text| text.into_owned());
    if plain.as_deref().is_some_and(|text| text.ends_with('N')) {
        vm.warn(
            &exc::DEPRECATION_WARNING,
            "Format specifier 'N' is deprecated and slated for removal in Python 3.18",
            1,
        )?;
    }
    let parsed: Option<Spec> = plain.as_deref().and_then(|text| format::parse(text, context.capitals.get()));
    let Some(parsed) = parsed else { return python_format(vm, &args[0], context, &args[1]) };
    let mut info = if parsed.localized { int_methods::current_locale() } else { LocaleInfo::default() };
    if parsed.grouping {
        info = format::commas();
    }
    if let Some(dict) = locale {
        if dict.downcast::<Dict>().is_none() {
            return Err(vm.type_error("optional argument must be a dict"));
        }
        overridden(vm, dict, &mut info)?;
    }
    let formatted = format::format(number(&args[0]), &parsed, &info, &context.env());
    formatted.map(|text| vm.str(&text)).ok_or_else(|| vm.memory_error())
}

/// The specifications that the Python half of the library knows alone.
fn python_format(vm: &Vm, decimal: &Object, context: &Context, spec: &Object) -> Result {
    let module = vm.import_module("_pydecimal")?;
    let class = vm.get_attr_str(&module, "Decimal")?;
    let env = context.env();
    let result = (|| {
        let settings = [
            ("prec", env.prec),
            ("Emin", env.emin),
            ("Emax", env.emax),
            ("capitals", context.capitals.get() as i64),
            ("clamp", env.clamp as i64),
        ];
        let mut values: Vec<Object> = settings.iter().map(|(_, n)| vm.int(*n)).collect();
        let mut names: Vec<Object> = settings.iter().map(|(name, _)| vm.intern(name)).collect();
        values.push(vm.intern(env.round.name()));
        names.push(vm.intern("rounding"));
        let other = vm.call_kw(&vm.get_attr_str(&module, "Context")?, &values, &names)?;
        let text = vm.str_of(decimal)?;
        let number = vm.call(&class, &[text])?;
        vm.call_method(&number, "__format__", &[spec.clone(), other])
    })();
    match result {
        Ok(text) => Ok(text),
        Err(raised) => {
            drop(vm.caught(raised));
            Err(vm.value_error("invalid format string"))
        }
    }
}
