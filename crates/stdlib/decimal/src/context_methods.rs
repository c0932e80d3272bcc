//! The methods of Context: every operation, by the rules of the context.

use crate::context::{self, Context};
use crate::convert::{self, finished, required};
use crate::decimal::{Binary, Decimal, Unary, divmod, object};
use crate::methods;
use crate::number::{Env, Kind, Number, adjust, arithmetic, functions, order, power, text};
use taipan_runtime::prelude::*;
use taipan_runtime::support::{Fields, this};

/// A method that parses its arguments itself, but shows its signature.
const fn method(sig: &'static str, code: taipan_runtime::native::RawFn, doc: &'static str) -> MethodDef {
    MethodDef { hide_signature: false, ..MethodDef::raw(sig, code, doc) }
}

pub static METHODS: [MethodDef; COUNT] = [
    MethodDef::new("exp($self, x, /)", |vm, args| unary(vm, args, functions::exp), ""),
    MethodDef::new("ln($self, x, /)", |vm, args| unary(vm, args, functions::ln), ""),
    MethodDef::new("log10($self, x, /)", |vm, args| unary(vm, args, functions::log10), ""),
    MethodDef::new(
        "next_minus($self, x, /)",
        |vm, args| unary(vm, args, |a, e, s| adjust::next(a, false, e, s)),
        "",
    ),
    MethodDef::new(
        "next_plus($self, x, /)",
        |vm, args| unary(vm, args, |a, e, s| adjust::next(a, true, e, s)),
        "",
    ),
    MethodDef::new("normalize($self, x, /)", |vm, args| unary(vm, args, arithmetic::reduce), ""),
    MethodDef::new("sqrt($self, x, /)", |vm, args| unary(vm, args, functions::sqrt), ""),
    MethodDef::new("logb($self, x, /)", |vm, args| unary(vm, args, adjust::logb), ""),
    MethodDef::new(
        "logical_invert($self, x, /)",
        |vm, args| unary(vm, args, adjust::logical_invert),
        "Invert all digits up to the precision of the operand, which must be a logical\nnumber: all its digits are 0 or 1.\n\n    >>> ExtendedContext.logical_invert(Decimal('0'))\n    Decimal('111111111')\n    >>> ExtendedContext.logical_invert(1101)\n    Decimal('111110010')\n",
    ),
    MethodDef::new("abs($self, x, /)", |vm, args| unary(vm, args, arithmetic::absolute), ""),
    MethodDef::new(
        "minus($self, x, /)",
        |vm, args| unary(vm, args, |a, e, s| arithmetic::signed(a, true, e, s)),
        "",
    ),
    MethodDef::new(
        "plus($self, x, /)",
        |vm, args| unary(vm, args, |a, e, s| arithmetic::signed(a, false, e, s)),
        "",
    ),
    MethodDef::new(
        "to_integral($self, x, /)",
        |vm, args| unary(vm, args, |a, e, s| adjust::to_integral(a, false, e, s)),
        "",
    ),
    MethodDef::new(
        "to_integral_value($self, x, /)",
        |vm, args| unary(vm, args, |a, e, s| adjust::to_integral(a, false, e, s)),
        "",
    ),
    MethodDef::new(
        "to_integral_exact($self, x, /)",
        |vm, args| unary(vm, args, |a, e, s| adjust::to_integral(a, true, e, s)),
        "",
    ),
    MethodDef::new(
        "_apply($self, object, /)",
        |vm, args| unary(vm, args, |a, e, s| a.clone().finalized(e, s)),
        "",
    ),
    MethodDef::new(
        "copy_abs($self, x, /)",
        |vm, args| unary(vm, args, |a, _, _| a.clone().with_sign(false)),
        "",
    ),
    MethodDef::new("copy_decimal($self, x, /)", |vm, args| unary(vm, args, |a, _, _| a.clone()), ""),
    MethodDef::new(
        "copy_negate($self, x, /)",
        |vm, args| unary(vm, args, |a, _, _| a.clone().with_sign(!a.negative)),
        "",
    ),
    method(
        "compare($self, x, y, /)",
        |vm, args, kwnames| {
            binary(vm, "compare", args, kwnames, |a, b, e, s| order::compare(a, b, false, e, s))
        },
        "",
    ),
    method(
        "compare_signal($self, x, y, /)",
        |vm, args, kwnames| {
            binary(vm, "compare_signal", args, kwnames, |a, b, e, s| order::compare(a, b, true, e, s))
        },
        "",
    ),
    method(
        "max($self, x, y, /)",
        |vm, args, kwnames| {
            binary(vm, "max", args, kwnames, |a, b, e, s| order::extreme(a, b, true, false, e, s))
        },
        "",
    ),
    method(
        "max_mag($self, x, y, /)",
        |vm, args, kwnames| {
            binary(vm, "max_mag", args, kwnames, |a, b, e, s| order::extreme(a, b, true, true, e, s))
        },
        "",
    ),
    method(
        "min($self, x, y, /)",
        |vm, args, kwnames| {
            binary(vm, "min", args, kwnames, |a, b, e, s| order::extreme(a, b, false, false, e, s))
        },
        "",
    ),
    method(
        "min_mag($self, x, y, /)",
        |vm, args, kwnames| {
            binary(vm, "min_mag", args, kwnames, |a, b, e, s| order::extreme(a, b, false, true, e, s))
        },
        "",
    ),
    method(
        "next_toward($self, x, y, /)",
        |vm, args, kwnames| binary(vm, "next_toward", args, kwnames, adjust::next_toward),
        "",
    ),
    method(
        "remainder_near($self, x, y, /)",
        |vm, args, kwnames| binary(vm, "remainder_near", args, kwnames, arithmetic::remainder_near),
        "",
    ),
    method(
        "compare_total($self, x, y, /)",
        |vm, args, kwnames| {
            binary(vm, "compare_total", args, kwnames, |a, b, _, _| order::of(order::total(a, b)))
        },
        "",
    ),
    method(
        "compare_total_mag($self, x, y, /)",
        |vm, args, kwnames| {
            binary(vm, "compare_total_mag", args, kwnames, |a, b, _, _| {
                order::of(order::total_without_sign(a, b))
            })
        },
        "",
    ),
    method(
        "copy_sign($self, x, y, /)",
        |vm, args, kwnames| {
            binary(vm, "copy_sign", args, kwnames, |a, b, _, _| a.clone().with_sign(b.negative))
        },
        "",
    ),
    method(
        "logical_and($self, x, y, /)",
        |vm, args, kwnames| {
            binary(vm, "logical_and", args, kwnames, |a, b, e, s| {
                adjust::logical(a, b, adjust::Logical::And, e, s)
            })
        },
        "Apply the logical operation 'and' to the digits of both operands, which must be\nlogical numbers: all their digits are 0 or 1.\n\n    >>> ExtendedContext.logical_and(Decimal('1100'), Decimal('1010'))\n    Decimal('1000')\n    >>> ExtendedContext.logical_and(110, 11)\n    Decimal('10')\n",
    ),
    method(
        "logical_or($self, x, y, /)",
        |vm, args, kwnames| {
            binary(vm, "logical_or", args, kwnames, |a, b, e, s| {
                adjust::logical(a, b, adjust::Logical::Or, e, s)
            })
        },
        "Apply the logical operation 'or' to the digits of both operands, which must be\nlogical numbers: all their digits are 0 or 1.\n\n    >>> ExtendedContext.logical_or(Decimal('1100'), Decimal('1010'))\n    Decimal('1110')\n    >>> ExtendedContext.logical_or(110, 11)\n    Decimal('111')\n",
    ),
    method(
        "logical_xor($self, x, y, /)",
        |vm, args, kwnames| {
            binary(vm, "logical_xor", args, kwnames, |a, b, e, s| {
                adjust::logical(a, b, adjust::Logical::Xor, e, s)
            })
        },
        "Apply the logical operation 'xor' to the digits of both operands, which must be\nlogical numbers: all their digits are 0 or 1.\n\n    >>> ExtendedContext.logical_xor(Decimal('1100'), Decimal('1010'))\n    Decimal('110')\n    >>> ExtendedContext.logical_xor(110, 11)\n    Decimal('101')\n",
    ),
    method(
        "rotate($self, x, y, /)",
        |vm, args, kwnames| binary(vm, "rotate", args, kwnames, adjust::rotate),
        "",
    ),
    method(
        "scaleb($self, x, y, /)",
        |vm, args, kwnames| binary(vm, "scaleb", args, kwnames, adjust::scaleb),
        "",
    ),
    method(
        "shift($self, x, y, /)",
        |vm, args, kwnames| binary(vm, "shift", args, kwnames, adjust::shift),
        "",
    ),
    method("add($self, x, y, /)", |vm, args, kwnames| binary(vm, "add", args, kwnames, arithmetic::add), ""),
    method(
        "subtract($self, x, y, /)",
        |vm, args, kwnames| binary(vm, "subtract", args, kwnames, arithmetic::subtract),
        "",
    ),
    method(
        "multiply($self, x, y, /)",
        |vm, args, kwnames| binary(vm, "multiply", args, kwnames, arithmetic::multiply),
        "",
    ),
    method(
        "divide($self, x, y, /)",
        |vm, args, kwnames| binary(vm, "divide", args, kwnames, arithmetic::divide),
        "",
    ),
    method(
        "divide_int($self, x, y, /)",
        |vm, args, kwnames| binary(vm, "divide_int", args, kwnames, arithmetic::divide_int),
        "",
    ),
    method(
        "remainder($self, x, y, /)",
        |vm, args, kwnames| binary(vm, "remainder", args, kwnames, arithmetic::remainder),
        "",
    ),
    method(
        "quantize($self, x, y, /)",
        |vm, args, kwnames| binary(vm, "quantize", args, kwnames, adjust::quantize),
        "",
    ),
    MethodDef::new(
        "is_finite($self, x, /)",
        |vm, args| {
            ask(vm, args, |_, n, c| {
                let _ = (&n, c);
                Object::bool(n.is_finite())
            })
        },
        "",
    ),
    MethodDef::new(
        "is_infinite($self, x, /)",
        |vm, args| {
            ask(vm, args, |_, n, c| {
                let _ = (&n, c);
                Object::bool(n.is_infinite())
            })
        },
        "",
    ),
    MethodDef::new(
        "is_nan($self, x, /)",
        |vm, args| {
            ask(vm, args, |_, n, c| {
                let _ = (&n, c);
                Object::bool(n.is_nan())
            })
        },
        "",
    ),
    MethodDef::new(
        "is_qnan($self, x, /)",
        |vm, args| {
            ask(vm, args, |_, n, c| {
                let _ = (&n, c);
                Object::bool(n.kind == Kind::QuietNan)
            })
        },
        "",
    ),
    MethodDef::new(
        "is_snan($self, x, /)",
        |vm, args| {
            ask(vm, args, |_, n, c| {
                let _ = (&n, c);
                Object::bool(n.is_signaling())
            })
        },
        "",
    ),
    MethodDef::new(
        "is_signed($self, x, /)",
        |vm, args| {
            ask(vm, args, |_, n, c| {
                let _ = (&n, c);
                Object::bool(n.negative)
            })
        },
        "",
    ),
    MethodDef::new(
        "is_zero($self, x, /)",
        |vm, args| {
            ask(vm, args, |_, n, c| {
                let _ = (&n, c);
                Object::bool(n.is_zero())
            })
        },
        "",
    ),
    MethodDef::new(
        "is_normal($self, x, /)",
        |vm, args| {
            ask(vm, args, |_, n, c| {
                let _ = (&n, c);
                Object::bool(n.is_normal(&c.env()))
            })
        },
        "",
    ),
    MethodDef::new(
        "is_subnormal($self, x, /)",
        |vm, args| {
            ask(vm, args, |_, n, c| {
                let _ = (&n, c);
                Object::bool(n.is_subnormal(&c.env()))
            })
        },
        "",
    ),
    MethodDef::new(
        "number_class($self, x, /)",
        |vm, args| ask(vm, args, |vm, n, c| vm.intern(adjust::class(n, &c.env()))),
        "",
    ),
    MethodDef::new(
        "to_sci_string($self, x, /)",
        |vm, args| {
            ask(vm, args, |vm, n, c| vm.str(&text::to_text(n, text::Style::Scientific, c.capitals.get())))
        },
        "",
    ),
    MethodDef::new(
        "to_eng_string($self, x, /)",
        |vm, args| {
            ask(vm, args, |vm, n, c| vm.str(&text::to_text(n, text::Style::Engineering, c.capitals.get())))
        },
        "",
    ),
    MethodDef::new("canonical($self, x, /)", |vm, args| decimal(vm, &args[1]).cloned(), ""),
    MethodDef::new("is_canonical($self, x, /)", |vm, args| decimal(vm, &args[1]).map(|_| Object::TRUE), ""),
    method("divmod($self, x, y, /)", context_divmod, "Return quotient and remainder of the division x / y."),
    method(
        "same_quantum($self, x, y, /)",
        same_quantum,
        "Return True if the two operands have the same exponent.",
    ),
    method("fma($self, x, y, z, /)", fma, "Return x multiplied by y, plus z."),
    method(
        "power($self, /, a, b, modulo=None)",
        context_power,
        "Compute a**b. If 'a' is negative, then 'b' must be integral; with a modulus, (a**b) % modulo of integers.",
    ),
    MethodDef::new(
        "Etiny($self, /)",
        |vm, args| Ok(vm.int(env(args).etiny())),
        "Return a value equal to Emin - prec + 1, which is the minimum exponent value\nfor subnormal results.",
    ),
    MethodDef::new(
        "Etop($self, /)",
        |vm, args| Ok(vm.int(env(args).etop())),
        "Return a value equal to Emax - prec + 1.",
    ),
    MethodDef::new("radix($self, /)", |vm, _| Ok(object(vm, Number::small(10))), "Return 10."),
    MethodDef::new(
        "clear_flags($self, /)",
        |_, args| {
            this::<Context>(&args[0]).flags.set(0);
            Ok(Object::NONE)
        },
        "Reset all flags to False.",
    ),
    MethodDef::new(
        "clear_traps($self, /)",
        |_, args| {
            this::<Context>(&args[0]).traps.set(0);
            Ok(Object::NONE)
        },
        "Set all traps to False.",
    ),
    MethodDef::new("__copy__($self, /)", |vm, args| context::copy(vm, this(&args[0]), true), ""),
    MethodDef::new(
        "copy($self, /)",
        |vm, args| context::copy(vm, this(&args[0]), true),
        "Return a duplicate of the context.",
    ),
    MethodDef::new("__reduce__($self, /)", context::reduce, ""),
    MethodDef::new(
        "create_decimal($self, num=\"0\", /)",
        |vm, args| {
            let context = this::<Context>(&args[0]);
            Ok(object(vm, convert::of_object(vm, &args[1], context, true)?))
        },
        "Create a new Decimal instance from num, using self as the context. Unlike the\nDecimal constructor, this function observes the context limits.",
    ),
    MethodDef::new(
        "create_decimal_from_float($self, f, /)",
        |vm, args| {
            let context = this::<Context>(&args[0]);
            let mut status = 0;
            let number = methods::float_or_int(vm, &args[1])?.finalized(&context.env(), &mut status);
            finished(vm, context, number, status)
        },
        "Create a new Decimal instance from float f.  Unlike the Decimal.from_float()\nclass method, this function observes the context limits.",
    ),
];

const COUNT: usize = 71;

fn env(args: &[Object]) -> Env {
    this::<Context>(&args[0]).env()
}

fn unary(vm: &Vm, args: &[Object], operation: Unary) -> Result {
    let context = this::<Context>(&args[0]);
    let a = required(vm, &args[1])?;
    let mut status = 0;
    let result = operation(&a, &context.env(), &mut status);
    finished(vm, context, result, status)
}

/// The arguments behind self of a method that takes just so many, not by name.
fn positional<'a>(
    vm: &Vm,
    name: &str,
    wanted: usize,
    args: &'a [Object],
    kwnames: &[Object],
) -> Result<&'a [Object]> {
    if !kwnames.is_empty() {
        return Err(vm.type_error(format!("Context.{name}() takes no keyword arguments")));
    }
    let given = &args[1..];
    if given.len() != wanted {
        return Err(
            vm.type_error(format!("function takes exactly {wanted} arguments ({} given)", given.len()))
        );
    }
    Ok(given)
}

fn binary(vm: &Vm, name: &str, args: &[Object], kwnames: &[Object], operation: Binary) -> Result {
    let given = positional(vm, name, 2, args, kwnames)?;
    let context = this::<Context>(&args[0]);
    let (a, b) = (required(vm, &given[0])?, required(vm, &given[1])?);
    let mut status = 0;
    let result = operation(&a, &b, &context.env(), &mut status);
    finished(vm, context, result, status)
}

fn ask(vm: &Vm, args: &[Object], question: fn(&Vm, &Number, &Context) -> Object) -> Result {
    let a = required(vm, &args[1])?;
    Ok(question(vm, &a, this(&args[0])))
}

fn decimal<'a>(vm: &Vm, object: &'a Object) -> Result<&'a Object> {
    match object.downcast::<Decimal>() {
        Some(_) => Ok(object),
        None => Err(vm.type_error("argument must be a Decimal")),
    }
}

fn context_divmod(vm: &Vm, args: &[Object], kwnames: &[Object]) -> Result {
    let given = positional(vm, "divmod", 2, args, kwnames)?;
    let (a, b) = (required(vm, &given[0])?, required(vm, &given[1])?);
    divmod(vm, this(&args[0]), &a, &b)
}

fn same_quantum(vm: &Vm, args: &[Object], kwnames: &[Object]) -> Result {
    let given = positional(vm, "same_quantum", 2, args, kwnames)?;
    let (a, b) = (required(vm, &given[0])?, required(vm, &given[1])?);
    Ok(Object::bool(methods::same_quantum(&a, &b)))
}

fn fma(vm: &Vm, args: &[Object], kwnames: &[Object]) -> Result {
    let given = positional(vm, "fma", 3, args, kwnames)?;
    let context = this::<Context>(&args[0]);
    let (a, b) = (required(vm, &given[0])?, required(vm, &given[1])?);
    let c = required(vm, &given[2])?;
    let mut status = 0;
    let result = arithmetic::fma(&a, &b, &c, &context.env(), &mut status);
    finished(vm, context, result, status)
}

fn context_power(vm: &Vm, args: &[Object], kwnames: &[Object]) -> Result {
    static FIELDS: Fields<3> =
        Fields { function: "", names: ["a", "b", "modulo"], required: 2, positional: 3 };
    let [a, b, modulo] = FIELDS.bind(vm, &args[1..], kwnames)?;
    let none = Object::NONE;
    let context = this::<Context>(&args[0]);
    let a = required(vm, a.unwrap_or(&none))?;
    let b = required(vm, b.unwrap_or(&none))?;
    let mut status = 0;
    let result = match modulo.and_then(|m| m.some()) {
        Some(modulo) => {
            let modulo = required(vm, modulo)?;
            power::power_modulo(&a, &b, &modulo, &context.env(), &mut status)
        }
        None => power::power(&a, &b, &context.env(), &mut status),
    };
    finished(vm, context, result, status)
}
