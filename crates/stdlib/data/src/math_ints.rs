//! `math`, second part: integer functions, sums and products, distances.

use taipan_numeric::combinatorics;
use taipan_numeric::sums::{Fsum, FsumError, SumProduct, vector_norm};
use taipan_numeric::{BigInt, bigint};
use taipan_runtime::prelude::*;
use taipan_runtime::types::float;
use taipan_runtime::types::int::{self, IntView};

/// The functions of this file.
pub const FUNCTIONS: &[MethodDef] = &[
    MethodDef::new(
        "comb(n, k, /)",
        comb,
        "Number of ways to choose k items from n items without repetition and without order.\n\nEvaluates to n! / (k! * (n - k)!) when k <= n and evaluates\nto zero when k > n.",
    ),
    MethodDef::new(
        "dist(p, q, /)",
        dist,
        "Return the Euclidean distance between two points p and q.\n\nThe points should be specified as sequences (or iterables) of\ncoordinates.  Both inputs must have the same dimension.",
    ),
    MethodDef::new("factorial(n, /)", |vm, args| factorial(vm, &args[0]), "Find n!."),
    MethodDef::new(
        "fsum(seq, /)",
        fsum,
        "Return an accurate floating-point sum of values in the iterable seq.\n\nAssumes IEEE-754 floating-point arithmetic.",
    ),
    MethodDef::new("gcd(*integers)", gcd, "Greatest Common Divisor."),
    MethodDef::new(
        "hypot(*coordinates)",
        hypot,
        "Multidimensional Euclidean distance from the origin to a point.\n\nRoughly equivalent to:\n    sqrt(sum(x**2 for x in coordinates))",
    ),
    MethodDef::new("isqrt(n, /)", isqrt, "Return the integer part of the square root of the input."),
    MethodDef::new("lcm(*integers)", lcm, "Least Common Multiple."),
    MethodDef::new(
        "perm(n, k=None, /)",
        perm,
        "Number of ways to choose k items from n items without repetition and with order.\n\nEvaluates to n! / (n - k)! when k <= n and evaluates\nto zero when k > n.",
    ),
    MethodDef::new(
        "prod(iterable, /, *, start=1)",
        prod,
        "Calculate the product of all the elements in the input iterable.\n\nThe default start value for the product is 1.",
    ),
    MethodDef::new(
        "sumprod(p, q, /)",
        sumprod,
        "Return the sum of products of values from two iterables p and q.",
    ),
];

fn big(vm: &Vm, object: &Object) -> Result<BigInt> {
    let index = vm.index(object)?;
    Ok(int::to_big(&index).unwrap_or_default())
}

fn factorial(vm: &Vm, n: &Object) -> Result {
    let n = vm.index(n)?;
    if int::is_negative(&n) {
        return Err(vm.value_error("factorial() not defined for negative values"));
    }
    let Some(n) = int::to_i64(&n) else {
        return Err(vm.overflow_error(format!("factorial() argument should not exceed {}", i64::MAX)));
    };
    combinatorics::factorial(n as u64).map(|n| int::from_big(vm, n)).map_err(|e| int::error(vm, e))
}

fn checked_pair(vm: &Vm, args: &[Object]) -> Result<(BigInt, BigInt)> {
    let (n, k) = (big(vm, &args[0])?, big(vm, &args[1])?);
    for (value, name) in [(&n, "n"), (&k, "k")] {
        if value.is_negative() {
            return Err(vm.value_error(format!("{name} must be a non-negative integer")));
        }
    }
    Ok((n, k))
}

fn perm(vm: &Vm, args: &[Object]) -> Result {
    if args[1].is_none() {
        return factorial(vm, &args[0]);
    }
    let (n, k) = checked_pair(vm, args)?;
    if n.sub(&k).is_negative() {
        return Ok(vm.int(0));
    }
    if k.to_i64().is_none() {
        return Err(vm.overflow_error(format!("k must not exceed {}", i64::MAX)));
    }
    combinatorics::perm(&n, &k).map(|n| int::from_big(vm, n)).map_err(|e| int::error(vm, e))
}

fn comb(vm: &Vm, args: &[Object]) -> Result {
    let (n, k) = checked_pair(vm, args)?;
    let rest = n.sub(&k);
    if rest.is_negative() {
        return Ok(vm.int(0));
    }
    if rest.to_i64().is_none() && k.to_i64().is_none() {
        return Err(vm.overflow_error(format!("min(n - k, k) must not exceed {}", i64::MAX)));
    }
    combinatorics::comb(&n, &k).map(|n| int::from_big(vm, n)).map_err(|e| int::error(vm, e))
}

fn isqrt(vm: &Vm, args: &[Object]) -> Result {
    let n = vm.index(&args[0])?;
    if int::is_negative(&n) {
        return Err(vm.value_error("isqrt() argument must be nonnegative"));
    }
    match int::view(&n) {
        Some(IntView::Small(n)) => Ok(vm.int((n as u64).isqrt() as i64)),
        Some(IntView::Big(n)) => n.isqrt().map(|n| int::from_big(vm, n)).map_err(|e| int::error(vm, e)),
        None => Err(vm.type_error("an integer is required")),
    }
}

fn items(args: &[Object]) -> &[Object] {
    args[0].downcast::<Tuple>().map_or(&[], |t| t.items())
}

fn small_gcd(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

fn gcd(vm: &Vm, args: &[Object]) -> Result {
    let mut result = vm.int(0);
    for (i, item) in items(args).iter().enumerate() {
        let item = vm.index(item)?;
        result = match (int::to_i64(&result), int::to_i64(&item)) {
            (Some(a), Some(b)) => vm.u64(small_gcd(a.unsigned_abs(), b.unsigned_abs())),
            _ if i == 0 => int::from_big(vm, big(vm, &item)?.abs()),
            _ => int::from_big(vm, big(vm, &result)?.gcd(&big(vm, &item)?)),
        };
    }
    Ok(result)
}

fn lcm(vm: &Vm, args: &[Object]) -> Result {
    let mut result = BigInt::from(1i64);
    for item in items(args) {
        let item = big(vm, item)?;
        result = result.lcm(&item).map_err(|e| int::error(vm, e))?;
    }
    Ok(int::from_big(vm, result))
}

fn fsum(vm: &Vm, args: &[Object]) -> Result {
    let mut sum = Fsum::new();
    let failed = |e: FsumError| match e {
        FsumError::Overflow => vm.overflow_error(e.to_string()),
        FsumError::OppositeInfinities => vm.value_error(e.to_string()),
    };
    vm.for_each(&args[0], |item| sum.add(vm.to_f64(&item)?).map_err(failed))?;
    sum.result().map(|x| vm.float(x)).map_err(failed)
}

fn prod(vm: &Vm, args: &[Object]) -> Result {
    let mut result = args[1].clone();
    vm.for_each(&args[0], |item| {
        if result.is_int()
            && item.is_int()
            && let Ok(n) = bigint::mul_i64(result.as_int(), item.as_int())
        {
            result = vm.int(n);
            return Ok(());
        }
        result = vm.binary(BinaryOp::Mul, &result, &item)?;
        Ok(())
    })?;
    Ok(result)
}

fn coordinates(vm: &Vm, point: &Object) -> Result<Vec<Object>> {
    vm.collect(point)
}

fn dist(vm: &Vm, args: &[Object]) -> Result {
    let (p, q) = (coordinates(vm, &args[0])?, coordinates(vm, &args[1])?);
    if p.len() != q.len() {
        return Err(vm.value_error("both points must have the same number of dimensions"));
    }
    let mut differences = Vec::with_capacity(p.len());
    for (x, y) in p.iter().zip(&q) {
        differences.push((vm.to_f64(x)? - vm.to_f64(y)?).abs());
    }
    Ok(vm.float(vector_norm(&differences)))
}

fn hypot(vm: &Vm, args: &[Object]) -> Result {
    let mut coordinates = Vec::with_capacity(items(args).len());
    for item in items(args) {
        coordinates.push(vm.to_f64(item)?.abs());
    }
    Ok(vm.float(vector_norm(&coordinates)))
}

/// The floats of a pair that the accurate sum takes: at least one of them a
/// float, the other a float or an int.
fn float_pair(p: &Object, q: &Object) -> Option<(f64, f64)> {
    let number = |o: &Object| match float::as_f64(o) {
        Some(x) if float::is_exact(o) => Some((x, true)),
        _ if o.is_bool() || int::is_exact(o) => {
            int::to_big(o).and_then(|n| n.to_f64().ok()).map(|x| (x, false))
        }
        _ => None,
    };
    let ((x, a), (y, b)) = (number(p)?, number(q)?);
    (a || b).then_some((x, y))
}

fn sumprod(vm: &Vm, args: &[Object]) -> Result {
    let (p_iterator, q_iterator) = (vm.iter(&args[0])?, vm.iter(&args[1])?);
    let mut total = vm.int(0);
    let mut int_total: Option<i64> = Some(0);
    let mut floats: Option<(SumProduct, bool)> = Some((SumProduct::new(), false));
    loop {
        let (p, q) = match (vm.next(&p_iterator)?, vm.next(&q_iterator)?) {
            (Some(p), Some(q)) => (p, q),
            (None, None) => break,
            _ => return Err(vm.value_error("Inputs are not the same length")),
        };
        if let Some(sum) = int_total {
            if p.is_int() && q.is_int() {
                let next = bigint::mul_i64(p.as_int(), q.as_int()).ok().and_then(|n| sum.checked_add(n));
                if next.is_some() {
                    int_total = next;
                    continue;
                }
            }
            int_total = None;
            total = vm.binary(BinaryOp::Add, &total, &vm.int(sum))?;
        }
        if let Some((sum, _)) = &floats {
            if let Some((x, y)) = float_pair(&p, &q) {
                let mut next = sum.clone();
                next.add(x, y);
                if next.result().is_finite() {
                    floats = Some((next, true));
                    continue;
                }
            }
            if let Some((sum, true)) = floats.take() {
                total = vm.binary(BinaryOp::Add, &total, &vm.float(sum.result()))?;
            }
        }
        let term = vm.binary(BinaryOp::Mul, &p, &q)?;
        total = vm.binary(BinaryOp::Add, &total, &term)?;
    }
    if let Some(sum) = int_total.filter(|&n| n != 0) {
        total = vm.binary(BinaryOp::Add, &total, &vm.int(sum))?;
    }
    if let Some((sum, true)) = floats {
        total = vm.binary(BinaryOp::Add, &total, &vm.float(sum.result()))?;
    }
    Ok(total)
}
