//! Operators and comparisons: numbers that fit their words at once, the rest
//! through `slow`.

use super::*;

/// Kinds of operands: as the flags say, two registers, a register and a constant.
pub const ANY: u8 = 0;
pub const REGISTERS: u8 = 1;
pub const CONST: u8 = 2;

#[inline(always)]
unsafe fn operands<const KINDS: u8>(m: &Core, ins: At) -> (Value, Value) {
    match KINDS {
        REGISTERS => (m.reg(ins.b()), m.reg(ins.c())),
        CONST => (m.reg(ins.b()), *m.vm.consts.get().add(ins.c())),
        _ => (m.b(ins), m.c(ins)),
    }
}

/// The general form of the binary operators.
#[inline(always)]
pub unsafe fn binary<const OP: u8, const INPLACE: bool>(m: &mut Core, ins: At) -> Done {
    slowly!(m, slow::binary(m.vm, m.frame(), ins.word(), BinaryOp::ALL[OP as usize], INPLACE))
}

macro_rules! binary {
    ($name:ident, |$x:ident, $y:ident| $int:expr, |$p:ident, $q:ident| $float:expr) => {
        #[inline(always)]
        pub unsafe fn $name<const KINDS: u8>(m: &mut Core, ins: At) -> Done {
            let (b, c) = operands::<KINDS>(m, ins);
            if b.both_int(c) {
                let ($x, $y) = (b.bits() as i64, c.bits() as i64);
                let result: Option<Value> = $int;
                if let Some(value) = result {
                    return m.finish(ins.a(), value);
                }
            } else if b.is_float() && c.is_float() {
                let ($p, $q) = (b.as_float(), c.as_float());
                let result: Option<Value> = $float;
                if let Some(value) = result {
                    return m.finish(ins.a(), value);
                }
            }
            MISS
        }
    };
}

/// The word with these bits; only for bits that [`Value::both_int`] let pass.
#[inline(always)]
unsafe fn word(bits: i64) -> Value {
    Value::from_bits(bits as u64)
}

/// An int's value from its bits.
#[inline(always)]
fn int(bits: i64) -> i64 {
    bits >> 2
}

binary!(add, |x, y| x.checked_add(y - 2).map(|n| word(n)), |p, q| Value::small_float(p + q));
binary!(sub, |x, y| x.checked_sub(y - 2).map(|n| word(n)), |p, q| Value::small_float(p - q));
binary!(mul, |x, y| ((x - 2) >> 2).checked_mul(y - 2).map(|n| word(n | 2)), |p, q| Value::small_float(p * q));
binary!(true_div, |_x, _y| None, |p, q| if q != 0.0 { Value::small_float(p / q) } else { None });
binary!(
    floor_div,
    |x, y| if int(y) > 0 { Some(Value::int_unchecked(int(x).div_euclid(int(y)))) } else { None },
    |_p, _q| None
);
binary!(
    modulo,
    |x, y| if int(y) > 0 { Some(Value::int_unchecked(int(x).rem_euclid(int(y)))) } else { None },
    |_p, _q| None
);
binary!(and, |x, y| Some(word(x & y)), |_p, _q| None);
binary!(or, |x, y| Some(word(x | y)), |_p, _q| None);
binary!(xor, |x, y| Some(word(x ^ y | 2)), |_p, _q| None);
binary!(
    left_shift,
    |x, y| {
        let (n, by) = (int(x), int(y));
        let shifted = if (0..60).contains(&by) { n << by } else { 0 };
        if (0..60).contains(&by) && shifted >> by == n { Value::small_int(shifted) } else { None }
    },
    |_p, _q| None
);
binary!(
    right_shift,
    |x, y| if y >= 0 { Some(Value::int_unchecked(int(x) >> int(y).min(63))) } else { None },
    |_p, _q| None
);

/// The general form of the comparisons.
#[inline(always)]
pub unsafe fn compare<const OP: u8>(m: &mut Core, ins: At) -> Done {
    let (b, c) = (m.b(ins), m.c(ins));
    let op = CompareOp::ALL[OP as usize];
    if let Some(truth) = slow::compare_plain(Object::borrow_value(&b), Object::borrow_value(&c), op) {
        m.free_c(ins);
        m.free_b(ins);
        return m.branch(ins, truth);
    }
    slowly!(m, slow::compare(m.vm, m.frame(), ins.word(), CompareOp::ALL[OP as usize]))
}

macro_rules! comparison {
    ($name:ident, $sign:tt) => {
        #[inline(always)]
        pub unsafe fn $name<const KINDS: u8>(m: &mut Core, ins: At) -> Done {
            let (b, c) = operands::<KINDS>(m, ins);
            if b.both_int(c) {
                return m.branch(ins, (b.bits() as i64) $sign (c.bits() as i64));
            }
            if b.is_float() && c.is_float() {
                return m.branch(ins, b.as_float() $sign c.as_float());
            }
            MISS
        }
    };
}
comparison!(lt, <);
comparison!(le, <=);
comparison!(eq, ==);
comparison!(ne, !=);
comparison!(gt, >);
comparison!(ge, >=);

#[inline(always)]
pub unsafe fn is<const POSITIVE: bool>(m: &mut Core, ins: At) -> Done {
    let b = m.b(ins);
    let c = m.c(ins);
    if b.is_unbound() || c.is_unbound() {
        return m.unbound(if b.is_unbound() { ins.b() } else { ins.c() });
    }
    let same = b == c;
    m.free_c(ins);
    m.free_b(ins);
    m.branch(ins, same == POSITIVE)
}

#[inline(always)]
pub unsafe fn contains<const POSITIVE: bool>(m: &mut Core, ins: At) -> Done {
    m.save();
    let found = slow::contains(m.vm, m.frame(), ins.word())?;
    m.branch(ins, found == POSITIVE)
}

#[inline(always)]
pub unsafe fn negative(m: &mut Core, ins: At) -> Done {
    let b = m.b(ins);
    if b.is_float() {
        if let Some(value) = Value::small_float(-b.as_float()) {
            return m.finish(ins.a(), value);
        }
    } else if b.is_int()
        && let Some(value) = Value::small_int(-b.as_int())
    {
        return m.finish(ins.a(), value);
    }
    MISS
}

#[inline(always)]
pub unsafe fn negative_slowly(m: &mut Core, ins: At) -> Done {
    slowly!(m, slow::unary(m.vm, m.frame(), ins.word(), UnaryOp::Neg))
}

#[inline(always)]
pub unsafe fn positive(m: &mut Core, ins: At) -> Done {
    slowly!(m, slow::unary(m.vm, m.frame(), ins.word(), UnaryOp::Pos))
}

#[inline(always)]
pub unsafe fn invert(m: &mut Core, ins: At) -> Done {
    slowly!(m, slow::unary(m.vm, m.frame(), ins.word(), UnaryOp::Invert))
}

#[inline(always)]
pub unsafe fn not(m: &mut Core, ins: At) -> Done {
    let b = m.b(ins);
    let cond = if b.is_bool() {
        b.is(Value::FALSE)
    } else if b.is_none() {
        true
    } else if b.is_int() {
        b.as_int() == 0
    } else {
        return MISS;
    };
    m.branch(ins, cond)
}

#[inline(always)]
pub unsafe fn not_slowly(m: &mut Core, ins: At) -> Done {
    m.save();
    let truth = slow::truth_b(m.vm, m.frame(), ins.word())?;
    m.branch(ins, !truth)
}

#[inline(always)]
pub unsafe fn to_bool(m: &mut Core, ins: At) -> Done {
    m.save();
    let truth = slow::truth_b(m.vm, m.frame(), ins.word())?;
    m.finish(ins.a(), Value::from_bool(truth))
}
