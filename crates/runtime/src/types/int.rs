//! int: the payload of ints that do not fit a word, conversion between Python
//! ints and Rust integers, and the number slots.
//!
//! Ints of up to 62 bits are immediate words. Larger ones, and every instance
//! of a subclass of int, are heap objects with an [`Int`] payload; bools are
//! words of their own that count as 0 and 1. [`view`] looks at all of them.
//! The constructor and the methods are in `int_methods`.

use crate::prelude::*;
use crate::types::{float, int_methods};
use std::borrow::Cow;
use std::cmp::Ordering;
use taipan_numeric::bigint::{self, MAX_BITS};
use taipan_numeric::{BigInt, IntError};

/// Payload of ints on the heap.
pub struct Int {
    value: BigInt,
}

impl Int {
    /// The integer.
    #[inline(always)]
    pub fn value(&self) -> &BigInt {
        &self.value
    }
}

impl NativeClass for Int {
    fn class() -> &'static Type {
        &INT
    }
}

pub static INT: Type = Type::new::<Int>(
    "int",
    &crate::types::object::OBJECT,
    type_flags::BASE | type_flags::LONG_SUBCLASS | type_flags::MATCH_SELF,
    Slots {
        new: Some(int_methods::int_new),
        hash: Some(int_hash),
        compare: Some(int_compare),
        bool: Some(|_, n| Ok(view(n).is_some_and(|n| !n.is_zero()))),
        pow3: Some(int_pow3),
        ..Slots::EMPTY
            .repr(int_repr)
            .unary(UnaryOp::Neg, int_neg)
            .unary(UnaryOp::Pos, |vm, n| Ok(exact(vm, n)))
            .unary(UnaryOp::Abs, int_abs)
            .unary(UnaryOp::Invert, int_invert)
            .unary(UnaryOp::Int, |vm, n| Ok(exact(vm, n)))
            .unary(UnaryOp::Index, |vm, n| Ok(exact(vm, n)))
            .unary(UnaryOp::Float, |vm, n| Ok(vm.float(to_float(vm, n)?)))
            .binary(BinaryOp::Add, int_add)
            .binary(BinaryOp::Sub, int_sub)
            .binary(BinaryOp::Mul, int_mul)
            .binary(BinaryOp::TrueDiv, int_truediv)
            .binary(BinaryOp::FloorDiv, int_floordiv)
            .binary(BinaryOp::Mod, int_mod)
            .binary(BinaryOp::DivMod, int_divmod)
            .binary(BinaryOp::Pow, int_pow)
            .binary(BinaryOp::LShift, int_lshift)
            .binary(BinaryOp::RShift, int_rshift)
            .binary(BinaryOp::And, int_and)
            .binary(BinaryOp::Or, int_or)
            .binary(BinaryOp::Xor, int_xor)
    },
    int_methods::METHODS,
    int_methods::GETSET,
)
.with_doc(int_methods::DOC);

/// An int of any representation, looked at.
#[derive(Clone, Copy, Debug)]
pub enum IntView<'a> {
    /// Fits 64 bits.
    Small(i64),
    /// Does not.
    Big(&'a BigInt),
}

impl<'a> IntView<'a> {
    /// As a big integer.
    pub fn to_big(self) -> Cow<'a, BigInt> {
        match self {
            IntView::Small(n) => Cow::Owned(BigInt::from(n)),
            IntView::Big(n) => Cow::Borrowed(n),
        }
    }
    pub fn is_zero(self) -> bool {
        matches!(self, IntView::Small(0))
    }
    pub fn is_negative(self) -> bool {
        match self {
            IntView::Small(n) => n < 0,
            IntView::Big(n) => n.is_negative(),
        }
    }
    /// The number of bits of the magnitude.
    pub fn bit_length(self) -> u64 {
        match self {
            IntView::Small(n) => u64::from(64 - n.unsigned_abs().leading_zeros()),
            IntView::Big(n) => n.bit_length(),
        }
    }
}

/// The int behind an object: words, bools, heap ints and instances of
/// subclasses; None for anything else.
#[inline]
pub fn view(object: &Object) -> Option<IntView<'_>> {
    if object.is_int() {
        return Some(IntView::Small(object.as_int()));
    }
    view_slow(object)
}

fn view_slow(object: &Object) -> Option<IntView<'_>> {
    if object.is_bool() {
        return Some(IntView::Small(i64::from(object.is(Value::TRUE))));
    }
    let big = object.downcast::<Int>()?.value();
    Some(match big.to_i64() {
        Some(n) => IntView::Small(n),
        None => IntView::Big(big),
    })
}

/// The int as i64; None if the object is no int or too large.
#[inline]
pub fn to_i64(object: &Object) -> Option<i64> {
    if object.is_int() {
        return Some(object.as_int());
    }
    match view_slow(object) {
        Some(IntView::Small(n)) => Some(n),
        _ => None,
    }
}

/// The int as u64; None if the object is no int, negative or too large.
pub fn to_u64(object: &Object) -> Option<u64> {
    match view(object)? {
        IntView::Small(n) => u64::try_from(n).ok(),
        IntView::Big(n) => n.to_u64(),
    }
}

/// The int as a big integer; None if the object is no int.
pub fn to_big(object: &Object) -> Option<BigInt> {
    view(object).map(|n| n.to_big().into_owned())
}

/// Is the object an int below zero?
pub fn is_negative(object: &Object) -> bool {
    view(object).is_some_and(|n| n.is_negative())
}

/// Is the object an int: a word, a bool, a heap int, an instance of a subclass?
#[inline]
pub fn is_any_int(object: &Object) -> bool {
    object.is_int() || object.is_bool() || object.downcast::<Int>().is_some()
}

/// Is the object exactly an int (no bool, no instance of a subclass)?
#[inline]
pub fn is_exact(object: &Object) -> bool {
    object.is_int() || object.downcast_exact::<Int>().is_some()
}

/// An exact int; a word if it fits.
pub fn from_big(vm: &Vm, n: BigInt) -> Object {
    if let Some(value) = n.to_i64().and_then(Value::small_int) {
        return Object::immediate(value);
    }
    vm.alloc(&INT, Int { value: n })
}

/// An exact int from a 128-bit one.
pub fn from_i128(vm: &Vm, n: i128) -> Object {
    match i64::try_from(n) {
        Ok(n) => vm.int(n),
        Err(_) => from_big(vm, BigInt::from(n)),
    }
}

/// An int of this class (int itself or a subclass).
pub fn of_class(vm: &Vm, class: &Type, n: BigInt) -> Object {
    if class.is(&INT) { from_big(vm, n) } else { vm.alloc(class, Int { value: n }) }
}

/// The same number as an exact int.
pub fn exact(vm: &Vm, object: &Object) -> Object {
    if is_exact(object) {
        return object.clone();
    }
    match view(object) {
        Some(IntView::Small(n)) => vm.int(n),
        Some(IntView::Big(n)) => from_big(vm, n.clone()),
        None => object.clone(),
    }
}

/// `int(object)` for numbers and text.
pub use crate::types::int_methods::from_object as number_to_int;

/// Python's hash of a machine integer.
#[inline]
pub fn hash_i64(n: i64) -> i64 {
    bigint::hash_i64(n)
}

/// `float(int)`: OverflowError if it is too large.
pub fn to_float(vm: &Vm, object: &Object) -> Result<f64> {
    match view(object) {
        Some(IntView::Small(n)) => Ok(n as f64),
        Some(IntView::Big(n)) => n.to_f64().map_err(|e| error(vm, e)),
        None => Err(vm.type_error("an integer is required")),
    }
}

/// The decimal text, within the interpreter's limit of digits.
pub fn to_decimal(vm: &Vm, object: &Object) -> Result<String> {
    match view(object) {
        Some(IntView::Small(n)) => Ok(n.to_string()),
        Some(IntView::Big(n)) => {
            check_digits(vm, n)?;
            Ok(n.to_decimal())
        }
        None => Err(vm.type_error("an integer is required")),
    }
}

/// ValueError if the decimal text would be longer than the interpreter allows.
pub fn check_digits(vm: &Vm, n: &BigInt) -> Result<()> {
    let limit = vm.interp().int_max_str_digits.get();
    if limit > 0 && n.exceeds_decimal_digits(limit as u64) {
        return Err(vm.value_error(format!(
            "Exceeds the limit ({limit} digits) for integer string conversion; use sys.set_int_max_str_digits() to increase the limit"
        )));
    }
    Ok(())
}

/// The exception of a failed integer operation.
#[cold]
pub fn error(vm: &Vm, e: IntError) -> Raised {
    match e {
        IntError::DivisionByZero => vm.zero_division(e.to_string()),
        IntError::TooLarge => vm.memory_error(),
        IntError::FloatOverflow
        | IntError::DivisionOverflow
        | IntError::FromInfinity
        | IntError::BytesTooSmall
        | IntError::NegativeToUnsigned => vm.overflow_error(e.to_string()),
        IntError::ZeroModulus
        | IntError::NotInvertible
        | IntError::NegativeShift
        | IntError::FromNan
        | IntError::Negative => vm.value_error(e.to_string()),
    }
}

/// MemoryError now rather than an abort later: is there room for a result of
/// that many bits (and the scratch space to compute it)?
#[inline]
pub fn check_room(vm: &Vm, bits: u64) -> Result<()> {
    if bits < 1 << 24 { Ok(()) } else { check_room_slow(vm, bits) }
}

#[cold]
fn check_room_slow(vm: &Vm, bits: u64) -> Result<()> {
    let bytes = if bits > MAX_BITS + 1 { usize::MAX } else { (bits / 8) as usize * 4 };
    match Vec::<u8>::new().try_reserve_exact(bytes.min(isize::MAX as usize)) {
        Ok(()) => Ok(()),
        Err(_) => Err(vm.memory_error()),
    }
}

// ---- slots --------------------------------------------------------------------

fn int_repr(vm: &Vm, n: &Object) -> Result {
    match view(n) {
        Some(IntView::Small(n)) => Ok(small_to_str(vm, n)),
        _ => {
            let text = to_decimal(vm, n)?;
            Ok(crate::types::str::from_ascii(vm, text.as_bytes()))
        }
    }
}

/// `str(n)`.
pub fn small_to_str(vm: &Vm, n: i64) -> Object {
    let mut buffer = [0u8; 20];
    let (mut at, mut left) = (buffer.len(), n.unsigned_abs());
    loop {
        at -= 1;
        buffer[at] = b'0' + (left % 10) as u8;
        left /= 10;
        if left == 0 {
            break;
        }
    }
    if n < 0 {
        at -= 1;
        buffer[at] = b'-';
    }
    crate::types::str::from_ascii(vm, &buffer[at..])
}

fn int_hash(_: &Vm, n: &Object) -> Result<i64> {
    Ok(match view(n) {
        Some(IntView::Small(n)) => hash_i64(n),
        Some(IntView::Big(n)) => n.hash(),
        None => 0,
    })
}

fn int_compare(_: &Vm, a: &Object, b: &Object, op: CompareOp) -> Result {
    let (Some(x), Some(y)) = (view(a), view(b)) else { return Ok(Object::NOT_IMPLEMENTED) };
    Ok(Object::bool(op.holds(Some(order(x, y)))))
}

/// Compares two ints.
pub fn order(x: IntView, y: IntView) -> Ordering {
    match (x, y) {
        (IntView::Small(x), IntView::Small(y)) => x.cmp(&y),
        (IntView::Big(x), IntView::Big(y)) => x.cmp(y),
        (IntView::Big(x), IntView::Small(y)) => x.cmp_i64(y),
        (IntView::Small(x), IntView::Big(y)) => y.cmp_i64(x).reverse(),
    }
}

fn int_neg(vm: &Vm, n: &Object) -> Result {
    Ok(match view(n) {
        Some(IntView::Small(n)) => from_i128(vm, -i128::from(n)),
        Some(IntView::Big(n)) => from_big(vm, n.neg()),
        None => Object::NOT_IMPLEMENTED,
    })
}

fn int_abs(vm: &Vm, n: &Object) -> Result {
    if is_negative(n) { int_neg(vm, n) } else { Ok(exact(vm, n)) }
}

fn int_invert(vm: &Vm, n: &Object) -> Result {
    Ok(match view(n) {
        Some(IntView::Small(n)) => vm.int(!n),
        Some(IntView::Big(n)) => from_big(vm, n.bit_not()),
        None => Object::NOT_IMPLEMENTED,
    })
}

/// The shape of most operators: machine integers if possible, big ones if not.
#[inline(always)]
fn arithmetic(
    vm: &Vm,
    a: &Object,
    b: &Object,
    small: impl FnOnce(i64, i64) -> Option<i64>,
    big: impl FnOnce(&BigInt, &BigInt) -> std::result::Result<BigInt, IntError>,
) -> Result {
    let (Some(x), Some(y)) = (view(a), view(b)) else { return Ok(Object::NOT_IMPLEMENTED) };
    if let (IntView::Small(x), IntView::Small(y)) = (x, y)
        && let Some(n) = small(x, y)
    {
        return Ok(vm.int(n));
    }
    match big(&x.to_big(), &y.to_big()) {
        Ok(n) => Ok(from_big(vm, n)),
        Err(e) => Err(error(vm, e)),
    }
}

fn int_add(vm: &Vm, a: &Object, b: &Object) -> Result {
    arithmetic(vm, a, b, i64::checked_add, |x, y| Ok(x.add(y)))
}

fn int_sub(vm: &Vm, a: &Object, b: &Object) -> Result {
    arithmetic(vm, a, b, i64::checked_sub, |x, y| Ok(x.sub(y)))
}

fn int_mul(vm: &Vm, a: &Object, b: &Object) -> Result {
    let (Some(x), Some(y)) = (view(a), view(b)) else { return Ok(Object::NOT_IMPLEMENTED) };
    if let (IntView::Small(x), IntView::Small(y)) = (x, y) {
        return Ok(from_i128(vm, i128::from(x) * i128::from(y)));
    }
    if x.is_zero() || y.is_zero() {
        return Ok(vm.int(0));
    }
    check_room(vm, x.bit_length().saturating_add(y.bit_length()))?;
    x.to_big().mul(&y.to_big()).map(|n| from_big(vm, n)).map_err(|e| error(vm, e))
}

fn int_and(vm: &Vm, a: &Object, b: &Object) -> Result {
    arithmetic(vm, a, b, |x, y| Some(x & y), |x, y| Ok(x.bit_and(y)))
}

fn int_or(vm: &Vm, a: &Object, b: &Object) -> Result {
    arithmetic(vm, a, b, |x, y| Some(x | y), |x, y| Ok(x.bit_or(y)))
}

fn int_xor(vm: &Vm, a: &Object, b: &Object) -> Result {
    arithmetic(vm, a, b, |x, y| Some(x ^ y), |x, y| Ok(x.bit_xor(y)))
}

fn int_floordiv(vm: &Vm, a: &Object, b: &Object) -> Result {
    arithmetic(vm, a, b, |x, y| bigint::divmod_i64(x, y).map(|r| r.0), BigInt::floor_div)
}

fn int_mod(vm: &Vm, a: &Object, b: &Object) -> Result {
    arithmetic(vm, a, b, |x, y| bigint::divmod_i64(x, y).map(|r| r.1), BigInt::modulo)
}

fn int_divmod(vm: &Vm, a: &Object, b: &Object) -> Result {
    let (Some(x), Some(y)) = (view(a), view(b)) else { return Ok(Object::NOT_IMPLEMENTED) };
    if let (IntView::Small(x), IntView::Small(y)) = (x, y)
        && let Some((q, r)) = bigint::divmod_i64(x, y)
    {
        return Ok(vm.tuple(vec![vm.int(q), vm.int(r)]));
    }
    match x.to_big().divmod(&y.to_big()) {
        Ok((q, r)) => Ok(vm.tuple(vec![from_big(vm, q), from_big(vm, r)])),
        Err(e) => Err(error(vm, e)),
    }
}

fn int_truediv(vm: &Vm, a: &Object, b: &Object) -> Result {
    let (Some(x), Some(y)) = (view(a), view(b)) else { return Ok(Object::NOT_IMPLEMENTED) };
    const EXACT: u64 = 1 << 53;
    if let (IntView::Small(x), IntView::Small(y)) = (x, y)
        && x.unsigned_abs() <= EXACT
        && y.unsigned_abs() <= EXACT
        && y != 0
    {
        return Ok(vm.float(x as f64 / y as f64));
    }
    match x.to_big().true_div(&y.to_big()) {
        Ok(x) => Ok(vm.float(x)),
        Err(e) => Err(error(vm, e)),
    }
}

/// A shift count beyond any machine integer.
fn huge_shift(vm: &Vm) -> Raised {
    vm.overflow_error("too many digits in integer")
}

fn int_lshift(vm: &Vm, a: &Object, b: &Object) -> Result {
    let (Some(x), Some(y)) = (view(a), view(b)) else { return Ok(Object::NOT_IMPLEMENTED) };
    if y.is_negative() {
        return Err(error(vm, IntError::NegativeShift));
    }
    if x.is_zero() {
        return Ok(vm.int(0));
    }
    let IntView::Small(n) = y else { return Err(huge_shift(vm)) };
    if let IntView::Small(x) = x
        && n < 64
    {
        return Ok(from_i128(vm, i128::from(x) << n));
    }
    check_room(vm, x.bit_length().saturating_add(n as u64))?;
    x.to_big().shl(n as u64).map(|n| from_big(vm, n)).map_err(|e| error(vm, e))
}

fn int_rshift(vm: &Vm, a: &Object, b: &Object) -> Result {
    let (Some(x), Some(y)) = (view(a), view(b)) else { return Ok(Object::NOT_IMPLEMENTED) };
    if y.is_negative() {
        return Err(error(vm, IntError::NegativeShift));
    }
    let nothing_left = || vm.int(if x.is_negative() { -1 } else { 0 });
    Ok(match (x, y) {
        (IntView::Small(x), IntView::Small(n)) if n < 64 => vm.int(x >> n),
        (IntView::Big(x), IntView::Small(n)) => from_big(vm, x.shr(n as u64)),
        _ => nothing_left(),
    })
}

fn int_pow(vm: &Vm, a: &Object, b: &Object) -> Result {
    let (Some(x), Some(y)) = (view(a), view(b)) else { return Ok(Object::NOT_IMPLEMENTED) };
    if y.is_negative() {
        return float::power(vm, to_float(vm, a)?, to_float(vm, b)?);
    }
    match (x, y) {
        (IntView::Small(x), IntView::Small(y)) => {
            if let Ok(y) = u32::try_from(y)
                && let Some(n) = x.checked_pow(y)
            {
                return Ok(vm.int(n));
            }
            if matches!(x, -1..=1) {
                return Ok(vm.int(if y == 0 || x == 1 || x == -1 && y & 1 == 0 { 1 } else { x }));
            }
        }
        (IntView::Small(x @ -1..=1), IntView::Big(y)) => {
            return Ok(vm.int(if x == -1 && y.is_even() { 1 } else { x }));
        }
        (_, IntView::Big(_)) => return Err(vm.memory_error()),
        _ => {}
    }
    let exponent = match y {
        IntView::Small(y) => y as u64,
        IntView::Big(_) => u64::MAX,
    };
    check_room(vm, x.bit_length().saturating_sub(1).saturating_mul(exponent))?;
    x.to_big().pow(exponent).map(|n| from_big(vm, n)).map_err(|e| error(vm, e))
}

fn int_pow3(vm: &Vm, a: &Object, b: &Object, modulus: &Object) -> Result {
    let (Some(x), Some(y)) = (view(a), view(b)) else { return Ok(Object::NOT_IMPLEMENTED) };
    if modulus.is_none() {
        return int_pow(vm, a, b);
    }
    let Some(m) = view(modulus) else { return Ok(Object::NOT_IMPLEMENTED) };
    if let (IntView::Small(x), IntView::Small(y @ 0..), IntView::Small(m)) = (x, y, m)
        && m != 0
    {
        return Ok(vm.int(small_pow_mod(x, y as u64, m)));
    }
    x.to_big().pow_mod(&y.to_big(), &m.to_big()).map(|n| from_big(vm, n)).map_err(|e| error(vm, e))
}

/// `pow(x, y, m)` for `m != 0`; the result has the sign of `m`.
fn small_pow_mod(x: i64, mut y: u64, m: i64) -> i64 {
    let modulus = u128::from(m.unsigned_abs());
    let mut base = i128::from(x).rem_euclid(modulus as i128) as u128;
    let mut result = 1 % modulus;
    while y > 0 {
        if y & 1 == 1 {
            result = result * base % modulus;
        }
        base = base * base % modulus;
        y >>= 1;
    }
    if m < 0 && result != 0 { (result as i128 + i128::from(m)) as i64 } else { result as i64 }
}

impl Vm {
    /// An index as isize; OverflowError "cannot fit 'int' into an index-sized integer".
    pub fn index_for_item_overflow(&self, object: &Object) -> Result<isize> {
        if object.is_int() {
            return Ok(object.as_int() as isize);
        }
        let index = self.index(object)?;
        to_i64(&index).map(|n| n as isize).ok_or_else(|| {
            self.overflow_error(format!("cannot fit '{}' into an index-sized integer", object.ty().name()))
        })
    }
    /// A C `unsigned int` argument, wrapping around as CPython's `I` format does.
    pub fn to_u32_wrapping(&self, object: &Object) -> Result<u32> {
        let index = self.index(object)?;
        Ok(match view(&index) {
            Some(IntView::Small(n)) => n as u32,
            Some(IntView::Big(n)) => n.low_u64() as u32,
            None => 0,
        })
    }
    /// A C `unsigned long` argument: OverflowError if negative or too large.
    pub fn to_u64(&self, object: &Object) -> Result<u64> {
        let index = self.index(object)?;
        if is_negative(&index) {
            return Err(self.overflow_error("can't convert negative value to unsigned int"));
        }
        to_u64(&index)
            .ok_or_else(|| self.overflow_error("Python int too large to convert to C unsigned long"))
    }
    /// A `size_t` argument.
    pub fn to_usize(&self, object: &Object) -> Result<usize> {
        let index = self.index(object)?;
        if is_negative(&index) {
            return Err(self.overflow_error("can't convert negative value to size_t"));
        }
        to_u64(&index)
            .map(|n| n as usize)
            .ok_or_else(|| self.overflow_error("Python int too large to convert to C size_t"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modular_powers_have_the_sign_of_the_modulus() {
        assert_eq!(small_pow_mod(2, 3, -5), -2);
        assert_eq!(small_pow_mod(-2, 3, 5), 2);
        assert_eq!(small_pow_mod(7, 0, 1), 0);
        assert_eq!(small_pow_mod(3, u64::MAX >> 1, i64::MIN), {
            let n = BigInt::from(3i64)
                .pow_mod(&BigInt::from(i64::MAX), &BigInt::from(i64::MIN))
                .ok()
                .and_then(|n| n.to_i64());
            n.unwrap_or(1)
        });
    }
}
