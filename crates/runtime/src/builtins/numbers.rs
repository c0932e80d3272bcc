//! The built-in functions about numbers and order: abs, bin, chr, divmod, hex,
//! max, min, oct, ord, pow, round, sum.
//!
//! `sum` keeps exact machine integers, compensated floats and compensated
//! complex numbers for as long as the items allow, as CPython since 3.12 does.

use crate::names::name;
use crate::prelude::*;
use crate::types::int::{self, IntView};
use crate::types::set::{self, SetObject};
use crate::types::{bytearray, bytes, complex, float, str};
use taipan_numeric::sums::CompensatedSum;

pub const FUNCTIONS: &[MethodDef] = &[
    MethodDef::new(
        "abs(x, /)",
        |vm, args| vm.unary(UnaryOp::Abs, &args[0]),
        "Return the absolute value of the argument.",
    ),
    MethodDef::new(
        "bin(number, /)",
        |vm, args| in_radix(vm, &args[0], 2, "0b"),
        "Return the binary representation of an integer.\n\n   >>> bin(2796202)\n   '0b1010101010101010101010'",
    ),
    MethodDef::new(
        "chr(i, /)",
        chr,
        "Return a Unicode string of one character with ordinal i; 0 <= i <= 0x10ffff.",
    ),
    MethodDef::new(
        "divmod(x, y, /)",
        |vm, args| vm.binary(BinaryOp::DivMod, &args[0], &args[1]),
        "Return the tuple (x//y, x%y).  Invariant: div*y + mod == x.",
    ),
    MethodDef::new(
        "hex(number, /)",
        |vm, args| in_radix(vm, &args[0], 16, "0x"),
        "Return the hexadecimal representation of an integer.\n\n   >>> hex(12648430)\n   '0xc0ffee'",
    ),
    MethodDef::raw(
        "max(arg, /, *args, default=None, key=None)",
        |vm, args, kwnames| extreme(vm, args, kwnames, "max", CompareOp::Gt),
        "max(iterable, *[, default=obj, key=func]) -> value\nmax(arg1, arg2, *args, *[, key=func]) -> value\n\nWith a single iterable argument, return its biggest item. The\ndefault keyword-only argument specifies an object to return if\nthe provided iterable is empty.\nWith two or more positional arguments, return the largest argument.",
    ),
    MethodDef::raw(
        "min(arg, /, *args, default=None, key=None)",
        |vm, args, kwnames| extreme(vm, args, kwnames, "min", CompareOp::Lt),
        "min(iterable, *[, default=obj, key=func]) -> value\nmin(arg1, arg2, *args, *[, key=func]) -> value\n\nWith a single iterable argument, return its smallest item. The\ndefault keyword-only argument specifies an object to return if\nthe provided iterable is empty.\nWith two or more positional arguments, return the smallest argument.",
    ),
    MethodDef::new(
        "oct(number, /)",
        |vm, args| in_radix(vm, &args[0], 8, "0o"),
        "Return the octal representation of an integer.\n\n   >>> oct(342391)\n   '0o1234567'",
    ),
    MethodDef::new(
        "ord(character, /)",
        ord,
        "Return the ordinal value of a character.\n\nIf the argument is a one-character string, return the Unicode code\npoint of that character.\n\nIf the argument is a bytes or bytearray object of length 1, return its\nsingle byte value.",
    ),
    MethodDef::new(
        "pow(base, exp, mod=None)",
        |vm, args| vm.power(&args[0], &args[1], &args[2]),
        "Equivalent to base**exp with 2 arguments or base**exp % mod with 3 arguments\n\nSome types, such as ints, are able to use a more efficient algorithm\nwhen invoked using the three argument form.",
    ),
    MethodDef::new(
        "round(number, ndigits=None)",
        round,
        "Round a number to a given precision in decimal digits.\n\nThe return value is an integer if ndigits is omitted or None.\nOtherwise the return value has the same type as the number.  ndigits\nmay be negative.",
    ),
    MethodDef::new(
        "sum(iterable, /, start=0)",
        sum,
        "Return the sum of a 'start' value (default: 0) plus an iterable of numbers\n\nWhen the iterable is empty, return the start value.\nThis function is intended specifically for use with numeric values and\nmay reject non-numeric types.",
    ),
];

fn in_radix(vm: &Vm, object: &Object, radix: u32, prefix: &str) -> Result {
    let n = vm.index(object)?;
    let digits = match int::view(&n) {
        Some(IntView::Small(n)) => {
            let n = n.unsigned_abs();
            match radix {
                2 => format!("{n:b}"),
                8 => format!("{n:o}"),
                _ => format!("{n:x}"),
            }
        }
        Some(IntView::Big(n)) => n.to_str_radix(radix).trim_start_matches('-').to_owned(),
        None => String::new(),
    };
    let sign = if int::is_negative(&n) { "-" } else { "" };
    Ok(vm.str(&format!("{sign}{prefix}{digits}")))
}

fn chr(vm: &Vm, args: &[Object]) -> Result {
    let n = vm.index(&args[0])?;
    match int::to_i64(&n) {
        Some(n @ 0..=0x10ffff) => Ok(str::from_char(vm, n as u32)),
        _ => Err(vm.value_error("chr() arg not in range(0x110000)")),
    }
}

fn ord(vm: &Vm, args: &[Object]) -> Result {
    let c = &args[0];
    let (length, first) = if let Some(s) = c.downcast::<Str>() {
        (s.len(), s.char_at(0))
    } else if let Some(b) = c.downcast::<bytes::Bytes>() {
        (b.len(), b.as_slice().first().copied().map_or(0, u32::from))
    } else if c.is_instance_of(&bytearray::BYTEARRAY) {
        let bytes = crate::types::int_methods::buffer_bytes(vm, c)?.unwrap_or_default();
        (bytes.len(), bytes.first().copied().map_or(0, u32::from))
    } else {
        return Err(vm.type_error(format!("ord() expected string of length 1, but {} found", c.ty().name())));
    };
    if length != 1 {
        return Err(vm.type_error(format!("ord() expected a character, but string of length {length} found")));
    }
    Ok(vm.int(i64::from(first)))
}

fn round(vm: &Vm, args: &[Object]) -> Result {
    let digits = if args[1].is_none() { &[] } else { &args[1..2] };
    match vm.call_special(&args[0], name::round.object(), digits)? {
        Some(result) => Ok(result),
        None => Err(vm.type_error(format!("type {} doesn't define __round__ method", args[0].ty().name()))),
    }
}

// ---- min and max ------------------------------------------------------------------------

/// The best item so far, and what it was judged by if that is not the item.
struct Best {
    better: CompareOp,
    found: Option<(Object, Option<Object>)>,
}

impl Best {
    /// Is one small int better than another?
    fn wins(&self, a: &Object, b: &Object) -> bool {
        let (a, b) = (a.as_int(), b.as_int());
        if self.better == CompareOp::Gt { a > b } else { a < b }
    }

    fn consider(&mut self, vm: &Vm, key: Option<&Object>, item: Object) -> Result<()> {
        let weight = match key {
            Some(key) => Some(vm.call(key, std::slice::from_ref(&item))?),
            None => None,
        };
        let wins = match &self.found {
            None => true,
            Some((best, best_weight)) => {
                let (a, b) = (weight.as_ref().unwrap_or(&item), best_weight.as_ref().unwrap_or(best));
                if a.is_int() && b.is_int() {
                    self.wins(a, b)
                } else {
                    let result = vm.compare(a, b, self.better)?;
                    vm.is_true(&result)?
                }
            }
        };
        if wins {
            self.found = Some((item, weight));
        }
        Ok(())
    }

    /// Considers an item if it and the best are small ints; gives it back if not.
    fn take_int(&mut self, item: Object) -> Option<Object> {
        match &self.found {
            Some((best, None)) if item.is_int() && best.is_int() => {
                if self.wins(&item, best) {
                    self.found = Some((item, None));
                }
                None
            }
            _ => Some(item),
        }
    }

    /// Considers the items of a list, tuple or set at once; false if they are not all
    /// small ints.
    fn consider_ints(&mut self, items: &Object) -> bool {
        let mut best: Option<Value> = None;
        let mut all = |item: Value| {
            let wins = |best| self.wins(Object::borrow_value(&item), Object::borrow_value(&best));
            if item.is_int() && best.is_none_or(wins) {
                best = Some(item);
            }
            item.is_int()
        };
        let done = if let Some(list) = items.downcast_exact::<List>() {
            list.with_items(|items| items.iter().all(|item| all(item.value())))
        } else if let Some(tuple) = items.downcast_exact::<Tuple>() {
            tuple.items().iter().all(|item| all(item.value()))
        } else if items.ty().is(&set::SET) || items.ty().is(&set::FROZENSET) {
            SetObject::of(items).is_some_and(|set| set.keys().all(all))
        } else {
            false
        };
        if done {
            self.found = best.map(|best| (Object::borrow_value(&best).clone(), None));
        }
        done
    }
}

fn extreme(vm: &Vm, args: &[Object], kwnames: &[Object], function: &str, better: CompareOp) -> Result {
    let (given, values) = args.split_at(args.len() - kwnames.len());
    if given.is_empty() {
        return Err(vm.type_error(format!("{function} expected at least 1 argument, got 0")));
    }
    let (mut key, mut default) = (None, None);
    for (name, value) in kwnames.iter().zip(values) {
        let name = vm.str_lossy(name);
        match &*name {
            "key" => key = value.some(),
            "default" => default = Some(value),
            _ => {
                let known = ["key".to_owned(), "default".to_owned()];
                let hint = match crate::suggest::closest(&name, &known) {
                    Some(close) => format!(". Did you mean '{close}'?"),
                    None => String::new(),
                };
                return Err(
                    vm.type_error(format!("{function}() got an unexpected keyword argument '{name}'{hint}"))
                );
            }
        }
    }
    let several = given.len() > 1;
    if several && default.is_some() {
        return Err(vm.type_error(format!(
            "Cannot specify a default for {function}() with multiple positional arguments"
        )));
    }
    let mut best = Best { better, found: None };
    if several {
        for item in given {
            best.consider(vm, key, item.clone())?;
        }
    } else if key.is_some() || !best.consider_ints(&given[0]) {
        let iterator = vm.iter(&given[0])?;
        let plain = key.is_none();
        while let Some(item) =
            vm.next_untaken(&iterator, &mut |item| if plain { best.take_int(item) } else { Some(item) })?
        {
            best.consider(vm, key, item)?;
        }
    }
    match (best.found, default) {
        (Some((best, _)), _) => Ok(best),
        (None, Some(default)) => Ok(default.clone()),
        (None, None) => Err(vm.value_error(format!("{function}() iterable argument is empty"))),
    }
}

// ---- sum --------------------------------------------------------------------------------

/// What has been added up so far.
enum Total {
    Int(i64),
    Float(CompensatedSum),
    Complex(CompensatedSum, CompensatedSum),
    /// Anything else; never left again.
    Any(Object),
}

impl Total {
    /// How far the fast paths go: ints, then floats, then complex numbers, then
    /// anything; a stage once passed does not come back.
    fn starting_with(start: &Object, stage: u8) -> Total {
        if stage == 0
            && int::is_exact(start)
            && let Some(n) = int::to_i64(start)
        {
            return Total::Int(n);
        }
        if stage <= 1
            && float::is_exact(start)
            && let Some(x) = float::as_f64(start)
        {
            return Total::Float(CompensatedSum::new(x));
        }
        if stage <= 2
            && let Some(z) = start.downcast_exact::<complex::ComplexNumber>()
        {
            return Total::Complex(CompensatedSum::new(z.value().re), CompensatedSum::new(z.value().im));
        }
        Total::Any(start.clone())
    }

    fn to_object(&self, vm: &Vm) -> Object {
        match self {
            Total::Int(n) => vm.int(*n),
            Total::Float(sum) => vm.float(sum.result()),
            Total::Complex(re, im) => complex::new(vm, re.result(), im.result()),
            Total::Any(total) => total.clone(),
        }
    }

    /// Adds a number of the kind that the total is; gives back anything else.
    fn take(&mut self, item: Object) -> Option<Object> {
        match self {
            Total::Int(n) if item.is_int() => match n.checked_add(item.as_int()) {
                Some(sum) => *n = sum,
                None => return Some(item),
            },
            Total::Float(sum) if item.is_float() => match float::as_f64(&item) {
                Some(x) => sum.add(x),
                None => return Some(item),
            },
            _ => return Some(item),
        }
        None
    }

    fn add(&mut self, vm: &Vm, item: &Object) -> Result<()> {
        let stage = match self {
            Total::Int(n) => {
                if (int::is_exact(item) || item.is_bool())
                    && let Some(sum) = int::to_i64(item).and_then(|i| n.checked_add(i))
                {
                    *n = sum;
                    return Ok(());
                }
                1
            }
            Total::Float(sum) => {
                if float::is_exact(item)
                    && let Some(x) = float::as_f64(item)
                {
                    sum.add(x);
                    return Ok(());
                }
                if int::is_any_int(item) {
                    sum.add(int::to_float(vm, item)?);
                    return Ok(());
                }
                2
            }
            Total::Complex(re, im) => {
                if let Some(z) = item.downcast_exact::<complex::ComplexNumber>() {
                    re.add(z.value().re);
                    im.add(z.value().im);
                    return Ok(());
                }
                if int::is_any_int(item) {
                    re.add(int::to_float(vm, item)?);
                    return Ok(());
                }
                if let Some(x) = float::as_f64(item) {
                    re.add(x);
                    return Ok(());
                }
                3
            }
            Total::Any(total) => {
                // The old total is given up first: a list that grows may then grow in place.
                let old = std::mem::replace(total, Object::NONE);
                *total = vm.binary(BinaryOp::Add, &old, item)?;
                return Ok(());
            }
        };
        let total = vm.binary(BinaryOp::Add, &self.to_object(vm), item)?;
        *self = Total::starting_with(&total, stage);
        Ok(())
    }
}

fn sum(vm: &Vm, args: &[Object]) -> Result {
    let iterator = vm.iter(&args[0])?;
    let start = &args[1];
    let refused = if start.is_instance_of(&str::STR) {
        Some("strings [use ''.join(seq) instead]")
    } else if start.is_instance_of(&bytes::BYTES) {
        Some("bytes [use b''.join(seq) instead]")
    } else if start.is_instance_of(&bytearray::BYTEARRAY) {
        Some("bytearray [use b''.join(seq) instead]")
    } else {
        None
    };
    if let Some(what) = refused {
        return Err(vm.type_error(format!("sum() can't sum {what}")));
    }
    let mut total = Total::starting_with(start, 0);
    if let Total::Any(first) = &mut total {
        *first = start.clone();
    }
    while let Some(item) = vm.next_untaken(&iterator, &mut |item| total.take(item))? {
        total.add(vm, &item)?;
    }
    Ok(total.to_object(vm))
}
