//! bool: the immediate words True and False, a subtype of int.

use crate::prelude::*;
use crate::types::int::{self, Int};
use crate::types::none::Immediate;

pub static BOOL: Type = Type::new::<Int>(
    "bool",
    &int::INT,
    type_flags::LONG_SUBCLASS | type_flags::MATCH_SELF,
    Slots {
        new: Some(bool_new),
        ..Slots::EMPTY
            .repr(|vm, b| Ok(vm.intern(if b.is(Value::TRUE) { "True" } else { "False" })))
            .unary(UnaryOp::Invert, bool_invert)
            .binary(BinaryOp::And, |vm, a, b| logic(vm, BinaryOp::And, a, b, |x, y| x & y))
            .binary(BinaryOp::Or, |vm, a, b| logic(vm, BinaryOp::Or, a, b, |x, y| x | y))
            .binary(BinaryOp::Xor, |vm, a, b| logic(vm, BinaryOp::Xor, a, b, |x, y| x ^ y))
    },
    &[],
    &[],
)
.with_doc("Returns True when the argument is true, False otherwise.\nThe builtins True and False are the only two instances of the class bool.\nThe class bool is a subclass of the class int, and cannot be subclassed.");

/// Keeps `Immediate` reachable from here for readers: bools have no payload either.
pub type Payload = Immediate;

static SIG: Sig = Sig::new("bool(object=False, /)");

fn bool_new(vm: &Vm, _class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    let args = SIG.bind(vm, args, kwnames)?;
    vm.is_true(&args[0]).map(Object::bool)
}

fn bool_invert(vm: &Vm, b: &Object) -> Result {
    vm.warn(
        &exc::DEPRECATION_WARNING,
        "Bitwise inversion '~' on bool is deprecated and will be removed in Python 3.16. This returns the bitwise inversion of the underlying int object and is usually not what you expect from negating a bool. Use the 'not' operator for boolean negation or ~int(x) if you really want the bitwise inversion of the underlying int.",
        1,
    )?;
    Ok(vm.int(if b.is(Value::TRUE) { -2 } else { -1 }))
}

fn logic(vm: &Vm, op: BinaryOp, a: &Object, b: &Object, f: fn(bool, bool) -> bool) -> Result {
    if a.is_bool() && b.is_bool() {
        return Ok(Object::bool(f(a.is(Value::TRUE), b.is(Value::TRUE))));
    }
    match int::INT.slots().binary[op as usize] {
        Some(g) => g(vm, a, b),
        None => Ok(Object::NOT_IMPLEMENTED),
    }
}
