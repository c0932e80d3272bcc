//! The pool of a code object's constants, and the folding of constant expressions.

use crate::names::FastMap;
use taipan_bytecode::Constant;
use taipan_syntax::ast::{self, Expr, ExprKind, IntLiteral, Operator, UnaryOp};

/// Constants without duplicates; equal means same type and same bits.
#[derive(Default, Debug)]
pub(crate) struct ConstantPool {
    pub list: Vec<Constant>,
    index: FastMap<Vec<u8>, u32>,
}

impl ConstantPool {
    pub fn add(&mut self, c: Constant) -> u32 {
        let i = self.list.len() as u32;
        let mut key = Vec::new();
        fingerprint(&c, &mut key);
        if let Some(&known) = self.index.get(&key) {
            // Code objects come twice when a `finally` body is copied.
            if !matches!(c, Constant::Code(_)) || self.list[known as usize] == c {
                return known;
            }
        }
        self.index.insert(key, i);
        self.list.push(c);
        i
    }
}

/// Bytes that are equal exactly for indistinguishable constants.
fn fingerprint(c: &Constant, out: &mut Vec<u8>) {
    let mut blob = |tag: u8, bytes: &[u8]| {
        out.push(tag);
        out.extend((bytes.len() as u32).to_le_bytes());
        out.extend(bytes);
    };
    match c {
        Constant::None => out.push(0),
        Constant::True => out.push(1),
        Constant::False => out.push(2),
        Constant::Ellipsis => out.push(3),
        Constant::Int(i) => blob(4, &i.to_le_bytes()),
        Constant::BigInt { negative, magnitude } => blob(5 + *negative as u8, magnitude),
        Constant::Float(f) => blob(7, &f.to_bits().to_le_bytes()),
        Constant::Complex(a, b) => {
            blob(8, &a.to_bits().to_le_bytes());
            blob(8, &b.to_bits().to_le_bytes());
        }
        Constant::Str(s) => blob(9, s),
        Constant::Bytes(s) => blob(10, s),
        Constant::Tuple(items) => {
            out.push(11);
            out.extend((items.len() as u32).to_le_bytes());
            items.iter().for_each(|i| fingerprint(i, out));
        }
        Constant::FrozenSet(items) => {
            out.push(12);
            out.extend((items.len() as u32).to_le_bytes());
            items.iter().for_each(|i| fingerprint(i, out));
        }
        Constant::Slice(items) => {
            out.push(13);
            items.iter().for_each(|i| fingerprint(i, out));
        }
        Constant::Code(code) => {
            blob(14, code.qualname.as_bytes());
            blob(14, &code.first_line.to_le_bytes());
        }
    }
}

/// A literal as a constant.
pub(crate) fn constant_of(c: &ast::Constant<'_>) -> Constant {
    match c {
        ast::Constant::None => Constant::None,
        ast::Constant::True => Constant::True,
        ast::Constant::False => Constant::False,
        ast::Constant::Ellipsis => Constant::Ellipsis,
        ast::Constant::Int(IntLiteral::Small(i)) => Constant::Int(*i),
        ast::Constant::Int(IntLiteral::Big { digits, radix }) => big(digits, *radix),
        ast::Constant::Float(f) => Constant::Float(*f),
        ast::Constant::Imaginary(f) => Constant::Complex(0.0, *f),
        ast::Constant::Str { value, .. } => Constant::Str((*value).into()),
        ast::Constant::Bytes(b) => Constant::Bytes((*b).into()),
    }
}

/// Digits to magnitude bytes. Quadratic for decimals, which the parser limits to
/// 4300 digits; linear for powers of two.
fn big(digits: &str, radix: u32) -> Constant {
    let (negative, digits) = match digits.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, digits),
    };
    let mut words: Vec<u32> = Vec::new();
    if radix.is_power_of_two() {
        let bits = radix.trailing_zeros();
        let (mut word, mut have) = (0u64, 0);
        for d in digits.bytes().rev() {
            word |= ((d as char).to_digit(radix).unwrap_or(0) as u64) << have;
            have += bits;
            if have >= 32 {
                words.push(word as u32);
                word >>= 32;
                have -= 32;
            }
        }
        words.push(word as u32);
    } else {
        for chunk in digits.as_bytes().chunks(9) {
            let mut carry = chunk.iter().fold(0u64, |n, d| n * radix as u64 + (d.wrapping_sub(b'0')) as u64);
            let scale = (radix as u64).pow(chunk.len() as u32);
            for w in &mut words {
                let n = *w as u64 * scale + carry;
                *w = n as u32;
                carry = n >> 32;
            }
            if carry != 0 {
                words.push(carry as u32);
            }
        }
    }
    let mut magnitude: Vec<u8> = words.iter().flat_map(|w| w.to_le_bytes()).collect();
    while magnitude.last() == Some(&0) {
        magnitude.pop();
    }
    normalize(negative, magnitude)
}

fn normalize(negative: bool, magnitude: Vec<u8>) -> Constant {
    if magnitude.len() <= 8 {
        let mut bytes = [0; 8];
        bytes[..magnitude.len()].copy_from_slice(&magnitude);
        let n = u64::from_le_bytes(bytes);
        if negative && n <= 1 << 63 {
            return Constant::Int((n as i64).wrapping_neg());
        }
        if let (false, Ok(n)) = (negative, i64::try_from(n)) {
            return Constant::Int(n);
        }
    }
    Constant::BigInt { negative, magnitude: magnitude.into() }
}

fn int(n: i128) -> Constant {
    let mut magnitude = n.unsigned_abs().to_le_bytes().to_vec();
    while magnitude.last() == Some(&0) {
        magnitude.pop();
    }
    normalize(n < 0, magnitude)
}

fn as_int(c: &Constant) -> Option<i128> {
    match c {
        Constant::Int(i) => Some(*i as i128),
        Constant::True => Some(1),
        Constant::False => Some(0),
        Constant::BigInt { negative, magnitude } if magnitude.len() < 16 => {
            let mut bytes = [0; 16];
            bytes[..magnitude.len()].copy_from_slice(magnitude);
            let n = i128::from_le_bytes(bytes);
            Some(if *negative { -n } else { n })
        }
        _ => None,
    }
}

fn as_float(c: &Constant) -> Option<f64> {
    match c {
        Constant::Float(f) => Some(*f),
        // Larger ints round differently depending on the path taken: leave them.
        _ => as_int(c).filter(|i| i.unsigned_abs() <= 1 << 53).map(|i| i as f64),
    }
}

/// Truth of a constant.
pub(crate) fn truth(c: &Constant) -> bool {
    match c {
        Constant::None | Constant::False => false,
        Constant::Int(i) => *i != 0,
        Constant::Float(f) => *f != 0.0,
        Constant::Complex(a, b) => *a != 0.0 || *b != 0.0,
        Constant::Str(s) | Constant::Bytes(s) => !s.is_empty(),
        Constant::Tuple(t) | Constant::FrozenSet(t) => !t.is_empty(),
        _ => true,
    }
}

/// `op c`, if it can be done now.
pub(crate) fn fold_unary(op: UnaryOp, c: &Constant) -> Option<Constant> {
    match op {
        UnaryOp::Not => Some(if truth(c) { Constant::False } else { Constant::True }),
        UnaryOp::USub => match c {
            Constant::Float(f) => Some(Constant::Float(-f)),
            Constant::Complex(a, b) => Some(Constant::Complex(-a, -b)),
            Constant::BigInt { negative, magnitude } => Some(normalize(!negative, magnitude.to_vec())),
            c => as_int(c).map(|i| int(-i)),
        },
        UnaryOp::UAdd => match c {
            Constant::Float(_) | Constant::Complex(..) | Constant::BigInt { .. } => Some(c.clone()),
            c => as_int(c).map(int),
        },
        UnaryOp::Invert => match c {
            Constant::True | Constant::False => None,
            c => as_int(c).map(|i| int(!i)),
        },
    }
}

/// Longest string or bytes made by folding.
const MAX_TEXT: usize = 4096;
/// Longest tuple made by folding.
const MAX_ITEMS: usize = 256;

/// `a op b`, if it can be done now without error and with a small result.
pub(crate) fn fold_binary(op: Operator, a: &Constant, b: &Constant) -> Option<Constant> {
    let truth = |c: &Constant| match c {
        Constant::True => Some(true),
        Constant::False => Some(false),
        _ => None,
    };
    if let (Some(x), Some(y)) = (truth(a), truth(b)) {
        let both = match op {
            Operator::BitAnd => Some(x & y),
            Operator::BitOr => Some(x | y),
            Operator::BitXor => Some(x ^ y),
            _ => None,
        };
        if let Some(both) = both {
            return Some(if both { Constant::True } else { Constant::False });
        }
    }
    if let (Some(x), Some(y)) = (as_int(a), as_int(b)) {
        return fold_ints(op, x, y);
    }
    match (op, a, b) {
        (Operator::Add, Constant::Str(x), Constant::Str(y)) if x.len() + y.len() <= MAX_TEXT => {
            // A high and a low surrogate must stay two characters in WTF-8.
            let split = x.len() >= 3 && x[x.len() - 3] == 0xed && y.first() == Some(&0xed);
            (!split).then(|| Constant::Str([&x[..], &y[..]].concat().into()))
        }
        (Operator::Add, Constant::Bytes(x), Constant::Bytes(y)) if x.len() + y.len() <= MAX_TEXT => {
            Some(Constant::Bytes([&x[..], &y[..]].concat().into()))
        }
        (Operator::Add, Constant::Tuple(x), Constant::Tuple(y)) if x.len() + y.len() <= MAX_ITEMS => {
            Some(Constant::Tuple([&x[..], &y[..]].concat().into()))
        }
        (Operator::Mult, seq, n) | (Operator::Mult, n, seq)
            if matches!(n, Constant::Int(_)) && !matches!(seq, Constant::Float(_)) =>
        {
            let Constant::Int(n) = n else { return None };
            repeat(seq, (*n).max(0) as usize)
        }
        (Operator::Add, x, Constant::Complex(re, im)) if *re == 0.0 && re.is_sign_positive() => {
            as_float(x).map(|x| Constant::Complex(x + re, *im))
        }
        (Operator::Sub, x, Constant::Complex(re, im)) if *re == 0.0 && re.is_sign_positive() => {
            as_float(x).map(|x| Constant::Complex(x - re, -im))
        }
        _ => {
            if !matches!(a, Constant::Float(_)) && !matches!(b, Constant::Float(_)) {
                // Only true division of ints gets here with two ints.
                return None;
            }
            let (x, y) = (as_float(a)?, as_float(b)?);
            let r = match op {
                Operator::Add => x + y,
                Operator::Sub => x - y,
                Operator::Mult => x * y,
                Operator::Div if y != 0.0 => x / y,
                _ => return None,
            };
            Some(Constant::Float(r))
        }
    }
}

fn repeat(seq: &Constant, n: usize) -> Option<Constant> {
    let fits = |len: usize, max: usize| len.checked_mul(n).is_some_and(|total| total <= max);
    match seq {
        Constant::Str(s) if fits(s.len(), MAX_TEXT) => {
            if s.starts_with(&[0xed]) {
                return None;
            }
            Some(Constant::Str(s.repeat(n).into()))
        }
        Constant::Bytes(s) if fits(s.len(), MAX_TEXT) => Some(Constant::Bytes(s.repeat(n).into())),
        Constant::Tuple(s) if fits(s.len(), MAX_ITEMS) => {
            // Nothing is nothing, however often.
            let n = if s.is_empty() { 0 } else { n };
            let mut items = Vec::with_capacity(s.len() * n);
            (0..n).for_each(|_| items.extend(s.iter().cloned()));
            Some(Constant::Tuple(items.into()))
        }
        _ => None,
    }
}

fn fold_ints(op: Operator, x: i128, y: i128) -> Option<Constant> {
    let r = match op {
        Operator::Add => x.checked_add(y)?,
        Operator::Sub => x.checked_sub(y)?,
        Operator::Mult => x.checked_mul(y)?,
        Operator::FloorDiv | Operator::Mod => {
            if y == 0 {
                return None;
            }
            let (q, r) = (x.checked_div(y)?, x.checked_rem(y)?);
            let adjust = r != 0 && (r < 0) != (y < 0);
            match op {
                Operator::FloorDiv => q - adjust as i128,
                _ => r + if adjust { y } else { 0 },
            }
        }
        Operator::Div => {
            if y == 0 || x.unsigned_abs() > 1 << 53 || y.unsigned_abs() > 1 << 53 {
                return None;
            }
            return Some(Constant::Float(x as f64 / y as f64));
        }
        Operator::Pow => {
            let e = u32::try_from(y).ok()?;
            x.checked_pow(e)?
        }
        Operator::LShift => {
            let n = u32::try_from(y).ok().filter(|&n| n < 127)?;
            let r = x.checked_mul(1i128.checked_shl(n)?)?;
            if n > 126 {
                return None;
            }
            r
        }
        Operator::RShift => {
            let n = u32::try_from(y).ok()?;
            x >> n.min(127)
        }
        Operator::BitOr => x | y,
        Operator::BitAnd => x & y,
        Operator::BitXor => x ^ y,
        Operator::MatMult => return None,
    };
    Some(int(r))
}

/// The constant an expression amounts to, if it is one. Does not see names.
pub(crate) fn fold(e: &Expr<'_>) -> Option<Constant> {
    match &e.kind {
        ExprKind::Constant { value } => Some(constant_of(value)),
        ExprKind::UnaryOp { op, operand } => fold_unary(*op, &fold(operand)?),
        ExprKind::BinOp { left, op, right } => {
            if matches!(left.kind, ExprKind::BinOp { .. }) && chain_length(left) > 64 {
                return None;
            }
            let right = fold(right)?;
            fold_binary(*op, &fold(left)?, &right)
        }
        ExprKind::Tuple { elts, ctx: ast::ExprContext::Load } => {
            // Cheap refusal first: most tuples are not constant.
            let all: Option<Vec<Constant>> = elts.iter().map(|e| fold(e)).collect();
            Some(Constant::Tuple(all?.into()))
        }
        _ => None,
    }
}

fn chain_length(mut e: &Expr<'_>) -> usize {
    let mut n = 0;
    while let ExprKind::BinOp { left, .. } = &e.kind {
        n += 1;
        e = left;
        if n > 64 {
            break;
        }
    }
    n
}
