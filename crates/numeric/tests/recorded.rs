//! Replays results recorded from CPython 3.14 (see `differential.py`, `record`).

#[path = "support/dispatch.rs"]
mod dispatch;
#[path = "support/dispatch_math.rs"]
mod dispatch_math;

/// Replays a file. Results of the C library may differ in the last digit between its
/// versions: with `loose`, floats are compared to a few units.
fn replay(recorded: &str, loose: bool) {
    let mut failures = Vec::new();
    for line in recorded.lines() {
        let (input, want) = line.split_once("\t->\t").expect("a recorded line");
        let got = dispatch::evaluate(input);
        if got != want && !(loose && near(&got, want)) {
            failures.push(format!("{input}: CPython {want}, Taipan {got}"));
        }
    }
    assert!(failures.is_empty(), "{} differences:\n{}", failures.len(), failures.join("\n"));
}

fn near(got: &str, want: &str) -> bool {
    let values = |s: &str| -> Option<Vec<f64>> {
        s.strip_prefix('=')?
            .split(' ')
            .map(|f| {
                if f == "nan" { Some(f64::NAN) } else { u64::from_str_radix(f, 16).ok().map(f64::from_bits) }
            })
            .collect()
    };
    match (values(got), values(want)) {
        (Some(a), Some(b)) if a.len() == b.len() => a.iter().zip(&b).all(|(x, y)| {
            x.to_bits() == y.to_bits() || (x.is_nan() && y.is_nan()) || (x - y).abs() <= 1e-13 * y.abs()
        }),
        _ => false,
    }
}

#[test]
fn integers() {
    replay(include_str!("data/int.txt"), false);
}

#[test]
fn floats() {
    replay(include_str!("data/float.txt"), true);
}

#[test]
fn formatting() {
    replay(include_str!("data/format.txt"), false);
}

#[test]
fn mathematics() {
    replay(include_str!("data/math.txt"), true);
}

#[test]
fn complex_numbers() {
    replay(include_str!("data/complex.txt"), true);
}

#[test]
fn limits_are_errors() {
    use taipan_numeric::IntError::TooLarge;
    use taipan_numeric::{BigInt, combinatorics};
    let n = BigInt::from(1u64 << 40);
    assert_eq!(BigInt::ONE.shl(1 << 62), Err(TooLarge));
    assert_eq!(BigInt::ONE.shl_big(&n.pow(9).unwrap()), Err(TooLarge));
    assert_eq!(n.pow(u64::MAX), Err(TooLarge));
    assert_eq!(n.pow_big(&n.pow(4).unwrap()), Err(TooLarge));
    assert_eq!(combinatorics::factorial(u64::MAX), Err(TooLarge));
    assert_eq!(combinatorics::comb(&n, &BigInt::from(1u64 << 39)), Err(TooLarge));
    assert_eq!(combinatorics::perm(&n, &n), Err(TooLarge));
    assert_eq!(BigInt::ONE.to_bytes(usize::MAX, true, false), Err(TooLarge));
    assert_eq!(BigInt::from(-1i64).shr(u64::MAX), BigInt::from(-1i64));
}
