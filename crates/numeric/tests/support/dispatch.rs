//! Evaluates one line of test input: an operation and its arguments, separated by
//! tabs. Shared by the recorded tests and by the differential run against CPython
//! (`examples/diff.rs`). Floats travel as the hex of their bits, text as hex of UTF-8,
//! integers in hex with sign.

use taipan_numeric::bigint::{self, BigInt};
use taipan_numeric::format_spec::{self, LocaleInfo, ValueKind};
use taipan_numeric::percent::{self, Item, Items};
use taipan_numeric::random::MersenneTwister;
use taipan_numeric::{bigint_text, combinatorics, float};

type Outcome = Result<String, String>;

pub fn int(s: &str) -> BigInt {
    let (neg, digits) = match s.strip_prefix('-') {
        Some(d) => (true, d),
        None => (false, s),
    };
    let v = bigint_text::scan_int(digits, 16).expect("hex").value();
    if neg { v.neg() } else { v }
}

pub fn flt(s: &str) -> f64 {
    f64::from_bits(u64::from_str_radix(s, 16).expect("bits"))
}

pub fn text(s: &str) -> String {
    let bytes: Vec<u8> =
        (0..s.len() / 2).map(|i| u8::from_str_radix(&s[2 * i..2 * i + 2], 16).unwrap()).collect();
    String::from_utf8(bytes).expect("utf-8")
}

pub fn show(v: f64) -> String {
    if v.is_nan() { "nan".into() } else { format!("{:016x}", v.to_bits()) }
}

fn big(v: BigInt) -> String {
    v.to_str_radix(16)
}

fn hexed(s: &str) -> String {
    s.bytes().map(|b| format!("{b:02x}")).collect()
}

fn err<E: std::fmt::Display>(e: E) -> String {
    e.to_string()
}

fn code_points(s: &str) -> Vec<u32> {
    s.chars().map(u32::from).collect()
}

fn format_value(a: &[&str]) -> Outcome {
    let spec_text = text(a[2]);
    let cps = code_points(&spec_text);
    let (kind, name) = match a[0] {
        "i" => (ValueKind::Int, "int"),
        "f" => (ValueKind::Float, "float"),
        "c" => (ValueKind::Complex, "complex"),
        _ => (ValueKind::Str, "str"),
    };
    let run = || {
        let spec = format_spec::parse(&cps, kind)?;
        let locale = LocaleInfo::default();
        let mut out: Vec<u32> = Vec::new();
        match a[0] {
            "i" => {
                let v = int(a[1]);
                format_spec::format_int(&mut out, &v, &spec, &locale)?;
                if let Some(small) = v.to_i64() {
                    let mut again: Vec<u32> = Vec::new();
                    format_spec::format_int(&mut again, &small, &spec, &locale)?;
                    assert_eq!(out, again);
                }
            }
            "f" => format_spec::format_float(&mut out, flt(a[1]), &spec, &locale)?,
            "c" => {
                let (re, im) = a[1].split_once(',').unwrap();
                format_spec::format_complex(&mut out, flt(re), flt(im), &spec, &locale)?;
            }
            _ => format_spec::format_str(&mut out, &text(a[1]), &spec)?,
        }
        Ok(out)
    };
    match run() {
        Ok(out) => Ok(hexed(&out.iter().map(|&c| char::from_u32(c).unwrap()).collect::<String>())),
        Err(e) => {
            let e: format_spec::FormatError = e;
            Err(e.message(name, &spec_text))
        }
    }
}

/// `fmt % args`, where every argument is `i...`, `f...` or `s...`.
fn percent_value(a: &[&str]) -> Outcome {
    let format = text(a[0]);
    let cps = code_points(&format);
    let mut args = a[1..].iter();
    let mut out = String::new();
    let missing = || "not enough arguments for format string".to_string();
    for item in Items::new(&cps) {
        match item.map_err(err)? {
            Item::Literal(r) => out.extend(cps[r].iter().map(|&c| char::from_u32(c).unwrap())),
            Item::Conversion(c) => {
                let mut star = |amount| -> Result<isize, String> {
                    if amount != percent::Amount::Star {
                        return Ok(0);
                    }
                    let v = args.next().ok_or_else(missing)?;
                    v.strip_prefix('i')
                        .and_then(|v| int(v).to_i64())
                        .map(|v| v as isize)
                        .ok_or_else(|| "* wants int".into())
                };
                let w = star(c.width)?;
                let p = star(c.precision)?;
                let v = args.next().ok_or_else(missing)?;
                c.check(false).map_err(err)?;
                let f = c.field(w, p);
                let (tag, body) = v.split_at(1);
                match (f.kind, tag) {
                    ('d' | 'i' | 'u', "f") => {
                        let n = BigInt::from_f64(flt(body)).map_err(err)?;
                        percent::write_int(&mut out, &f, &n).map_err(err)?;
                    }
                    ('d' | 'i' | 'u' | 'o' | 'x' | 'X', "i") => {
                        percent::write_int(&mut out, &f, &int(body)).map_err(err)?;
                    }
                    ('e' | 'E' | 'f' | 'F' | 'g' | 'G', "i" | "f") => {
                        let v = if tag == "i" { int(body).to_f64().map_err(err)? } else { flt(body) };
                        percent::write_float(&mut out, &f, v).map_err(err)?;
                    }
                    ('s' | 'c', "s") => percent::write_str(&mut out, &f, &text(body)).map_err(err)?,
                    ('c', "i") => {
                        let c = int(body).to_u64().and_then(|c| char::from_u32(c as u32)).ok_or("range")?;
                        percent::write_str(&mut out, &f, &c.to_string()).map_err(err)?;
                    }
                    ('s' | 'r' | 'a', "i") => {
                        percent::write_str(&mut out, &f, &int(body).to_decimal()).map_err(err)?;
                    }
                    _ => return Err("type".into()),
                }
            }
        }
    }
    if args.next().is_some() {
        return Err("not all arguments converted during string formatting".into());
    }
    Ok(hexed(&out))
}

fn integer_op(op: &str, a: &[&str]) -> Option<Outcome> {
    let x = || int(a[0]);
    let y = || int(a[1]);
    let z = || int(a[2]);
    let n = |i: usize| a[i].parse::<u64>().expect("number");
    Some(match op {
        "add" => Ok(big(x().add(&y()))),
        "sub" => Ok(big(x().sub(&y()))),
        "mul" => x().mul(&y()).map(big).map_err(err),
        "floordiv" => x().floor_div(&y()).map(big).map_err(err),
        "mod" => x().modulo(&y()).map(big).map_err(err),
        "divmod" => x().divmod(&y()).map(|(q, r)| format!("{} {}", big(q), big(r))).map_err(err),
        "truediv" => x().true_div(&y()).map(show).map_err(err),
        "tofloat" => x().to_f64().map(show).map_err(err),
        "pow" => x().pow(n(1)).map(big).map_err(err),
        "powmod" => x().pow_mod(&y(), &z()).map(big).map_err(err),
        "shl" => x().shl(n(1)).map(big).map_err(err),
        "shr" => Ok(big(x().shr(n(1)))),
        "and" => Ok(big(x().bit_and(&y()))),
        "or" => Ok(big(x().bit_or(&y()))),
        "xor" => Ok(big(x().bit_xor(&y()))),
        "not" => Ok(big(x().bit_not())),
        "neg" => Ok(big(x().neg())),
        "cmp" => Ok(format!("{}", x().cmp(&y()) as i32)),
        "cmpf" => Ok(format!("{:?}", x().cmp_f64(flt(a[1])).map(|o| o as i32))),
        "bits" => Ok(format!("{} {}", x().bit_length(), x().bit_count())),
        "ihash" => {
            let v = x();
            if let Some(small) = v.to_i64() {
                assert_eq!(bigint::hash_i64(small), v.hash());
            }
            Ok(v.hash().to_string())
        }
        "str" => {
            let v = x();
            let s = v.to_decimal();
            let digits = (s.len() - usize::from(v.is_negative())) as u64;
            assert!(
                (v.is_zero() || v.exceeds_decimal_digits(digits - 1)) && !v.exceeds_decimal_digits(digits)
            );
            assert!((digits..=digits + 1).contains(&v.decimal_digits_estimate()));
            Ok(s)
        }
        "parse" => match bigint_text::scan_int(&text(a[0]), n(1) as u32) {
            Ok(s) => Ok(big(s.value())),
            Err(e) => Err(err(e)),
        },
        "tobytes" => {
            let r = x().to_bytes(n(1) as usize, a[2] == "little", a[3] == "True");
            r.map(|b| b.iter().map(|b| format!("{b:02x}")).collect()).map_err(err)
        }
        "frombytes" => {
            let b: Vec<u8> = (0..a[0].len() / 2)
                .map(|i| u8::from_str_radix(&a[0][2 * i..2 * i + 2], 16).unwrap())
                .collect();
            Ok(big(BigInt::from_bytes(&b, a[1] == "little", a[2] == "True")))
        }
        "digits30" => {
            let v = x();
            assert_eq!(BigInt::from_digits(v.is_negative(), 30, v.digits30()), v);
            assert_eq!(BigInt::from_digits(v.is_negative(), 15, v.digits15()), v);
            Ok(big(v))
        }
        "isqrt" => x().isqrt().map(big).map_err(err),
        "gcd" => Ok(big(x().gcd(&y()))),
        "lcm" => x().lcm(&y()).map(big).map_err(err),
        "factorial" => combinatorics::factorial(n(0)).map(big).map_err(err),
        "comb" => combinatorics::comb(&x(), &y()).map(big).map_err(err),
        "perm" => combinatorics::perm(&x(), &y()).map(big).map_err(err),
        "iround" => x().round_to_power_of_ten(n(1)).map(big).map_err(err),
        "small" => {
            let (p, q) = (x().to_i64().unwrap(), y().to_i64().unwrap());
            let f = |r: Result<i64, BigInt>| big(r.map_or_else(|b| b, BigInt::from));
            Ok(format!(
                "{} {} {} {:?}",
                f(bigint::add_i64(p, q)),
                f(bigint::sub_i64(p, q)),
                f(bigint::mul_i64(p, q)),
                bigint::divmod_i64(p, q)
            ))
        }
        "mt" => {
            let mut mt = MersenneTwister::from_int(&x());
            let first = mt.getrandbits(n(1)).map_err(err).map(big);
            first.map(|f| format!("{f} {} {} {}", show(mt.random()), mt.bits64(7), show(mt.random())))
        }
        _ => return None,
    })
}

fn float_op(op: &str, a: &[&str]) -> Option<Outcome> {
    let x = || flt(a[0]);
    let y = || flt(a[1]);
    let zero = || "division by zero".to_string();
    Some(match op {
        "repr" => Ok(float::repr(x())),
        "fparse" => float::parse(&text(a[0])).map(show).map_err(err),
        "hex" => Ok(float::hex(x())),
        "fromhex" => float::from_hex(&text(a[0])).map(show).map_err(err),
        "ratio" => float::as_integer_ratio(x()).map(|(n, d)| format!("{} {}", big(n), big(d))).map_err(err),
        "round" => match float::round_digits(x(), a[1].parse().unwrap()) {
            Ok(v) => Ok(show(v)),
            Err(_) => Err("rounded value too large to represent".into()),
        },
        "roundint" => float::round_to_int(x()).map(big).map_err(err),
        "toint" => BigInt::from_f64(x()).map(big).map_err(err),
        "isint" => Ok(float::is_integer(x()).to_string()),
        "fhash" => Ok(format!("{:?}", float::hash(x()))),
        "ffloordiv" => float::floor_div(x(), y()).map(show).ok_or_else(zero),
        "fmod" => float::modulo(x(), y()).map(show).ok_or_else(zero),
        "fdivmod" => {
            float::divmod(x(), y()).map(|(q, r)| format!("{} {}", show(q), show(r))).ok_or_else(zero)
        }
        "fpow" => float::pow(x(), y()).map(show).map_err(err),
        "format" => format_value(a),
        "percent" => percent_value(a),
        _ => return None,
    })
}

/// The result of one line, as `=...` or `!message`.
pub fn evaluate(line: &str) -> String {
    let mut fields = line.split('\t');
    let op = fields.next().unwrap_or("");
    let args: Vec<&str> = fields.collect();
    let outcome = integer_op(op, &args)
        .or_else(|| float_op(op, &args))
        .or_else(|| super::dispatch_math::math_op(op, &args))
        .unwrap_or_else(|| panic!("unknown operation {op}"));
    match outcome {
        Ok(v) => format!("={v}"),
        Err(e) => format!("!{e}"),
    }
}
