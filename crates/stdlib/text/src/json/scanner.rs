//! `make_scanner`: a JSON document to Python values.
//!
//! Strings and numbers are cut out of the document's own code units. Object
//! keys seen lately are kept, so that the same key of many objects is one string.

use super::decode_error;
use super::strings::{self, Unit};
use taipan_runtime::prelude::*;
use taipan_runtime::support::{allocate, readonly_member, this};
use taipan_runtime::types::float::FLOAT;
use taipan_runtime::types::int::INT;
use taipan_runtime::types::object::OBJECT;
use taipan_runtime::types::str::{Kind, from_latin1};
use taipan_runtime::types::{dict, tuple};

/// Payload of Scanner.
pub struct Scanner {
    strict: bool,
    object_hook: Object,
    object_pairs_hook: Object,
    parse_float: Object,
    parse_int: Object,
    parse_constant: Object,
}

impl NativeClass for Scanner {
    fn class() -> &'static Type {
        &SCANNER
    }
    fn traverse(&self, visitor: &mut Visitor) {
        for object in [
            &self.object_hook,
            &self.object_pairs_hook,
            &self.parse_float,
            &self.parse_int,
            &self.parse_constant,
        ] {
            visitor.visit_object(object);
        }
    }
}

macro_rules! member {
    ($name:literal, $field:ident) => {
        GetSetDef::new($name, |_, o| Ok(this::<Scanner>(o).$field.clone()))
            .with_set(readonly_member)
            .with_doc($name)
    };
}

pub static SCANNER: Type = Type::new::<Scanner>(
    "_json.Scanner",
    &OBJECT,
    type_flags::HAVE_GC,
    Slots { new: Some(scanner_new), call: Some(scanner_call), ..Slots::EMPTY },
    &[],
    &[
        GetSetDef::new("strict", |_, o| Ok(Object::bool(this::<Scanner>(o).strict)))
            .with_set(readonly_member)
            .with_doc("strict"),
        member!("object_hook", object_hook),
        member!("object_pairs_hook", object_pairs_hook),
        member!("parse_float", parse_float),
        member!("parse_int", parse_int),
        member!("parse_constant", parse_constant),
    ],
)
.with_doc("JSON scanner object");

static NEW_SIG: Sig = Sig::new("make_scanner(context)");
static CALL_SIG: Sig = Sig::new("scan_once(string, idx)");

fn scanner_new(vm: &Vm, class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    let context = NEW_SIG.bind(vm, args, kwnames)?[0].clone();
    let strict = vm.is_true(&vm.get_attr_str(&context, "strict")?)?;
    let payload = Scanner {
        strict,
        object_hook: vm.get_attr_str(&context, "object_hook")?,
        object_pairs_hook: vm.get_attr_str(&context, "object_pairs_hook")?,
        parse_float: vm.get_attr_str(&context, "parse_float")?,
        parse_int: vm.get_attr_str(&context, "parse_int")?,
        parse_constant: vm.get_attr_str(&context, "parse_constant")?,
    };
    allocate(vm, class, payload)
}

fn scanner_call(vm: &Vm, object: &Object, args: &[Object], kwnames: &[Object]) -> Result {
    let bound = CALL_SIG.bind(vm, args, kwnames)?;
    let start = vm.index_isize(&bound[1])?;
    let Some(s) = bound[0].downcast::<Str>() else {
        let shown = bound[0].ty().name();
        return Err(vm.type_error(format!("first argument must be a string, not {shown}")));
    };
    if start < 0 {
        return Err(vm.value_error("idx cannot be negative"));
    }
    let scanner = this::<Scanner>(object);
    let start = start as usize;
    let (value, end) = match s.kind() {
        Kind::Latin1(units) => Reader::new(vm, scanner, &bound[0], s, units).value(start)?,
        Kind::U16(units) => Reader::new(vm, scanner, &bound[0], s, units).value(start)?,
        Kind::U32(units) => Reader::new(vm, scanner, &bound[0], s, units).value(start)?,
    };
    Ok(tuple::from_array(vm, [value, vm.usize(end)]))
}

const KEPT_KEYS: usize = 64;

struct Reader<'a, T> {
    vm: &'a Vm,
    scanner: &'a Scanner,
    document: &'a Object,
    s: &'a Str,
    units: &'a [T],
    /// Keys seen, by a rough hash.
    keys: Vec<Object>,
}

impl<'a, T: Unit> Reader<'a, T> {
    fn new(vm: &'a Vm, scanner: &'a Scanner, document: &'a Object, s: &'a Str, units: &'a [T]) -> Self {
        Reader { vm, scanner, document, s, units, keys: Vec::new() }
    }
    #[inline]
    fn at(&self, i: usize) -> Option<u8> {
        // Beyond ASCII nothing has a meaning outside of strings.
        self.units.get(i).map(|&c| u8::try_from(c.into()).unwrap_or(0xff))
    }
    #[inline]
    fn skip_space(&self, mut i: usize) -> usize {
        while matches!(self.at(i), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            i += 1;
        }
        i
    }
    #[cold]
    fn error(&self, message: &str, position: usize) -> Raised {
        decode_error(self.vm, message, self.document, position)
    }
    /// There is no value at `i`.
    #[cold]
    fn no_value(&self, i: usize) -> Raised {
        self.vm.stop_iteration(self.vm.usize(i))
    }
    fn has(&self, i: usize, text: &str) -> bool {
        text.bytes().enumerate().all(|(k, c)| self.at(i + k) == Some(c))
    }
    /// The value at `i`, and where it ends.
    fn value(&mut self, i: usize) -> Result<(Object, usize)> {
        match self.at(i) {
            Some(b'"') => strings::scan(self.vm, self.document, self.s, i + 1, self.scanner.strict),
            Some(b'{') => {
                self.vm.check_native_stack(" while decoding a JSON object from a unicode string")?;
                self.object(i + 1)
            }
            Some(b'[') => {
                self.vm.check_native_stack(" while decoding a JSON array from a unicode string")?;
                self.array(i + 1)
            }
            Some(b'n') if self.has(i, "null") => Ok((Object::NONE, i + 4)),
            Some(b't') if self.has(i, "true") => Ok((Object::TRUE, i + 4)),
            Some(b'f') if self.has(i, "false") => Ok((Object::FALSE, i + 5)),
            Some(b'N') if self.has(i, "NaN") => self.constant("NaN", i),
            Some(b'I') if self.has(i, "Infinity") => self.constant("Infinity", i),
            Some(b'-') if self.has(i, "-Infinity") => self.constant("-Infinity", i),
            Some(b'-' | b'0'..=b'9') => self.number(i),
            _ => Err(self.no_value(i)),
        }
    }
    fn constant(&self, text: &str, i: usize) -> Result<(Object, usize)> {
        let value = self.vm.call(&self.scanner.parse_constant, &[self.vm.str(text)])?;
        Ok((value, i + text.len()))
    }
    fn digits(&self, mut i: usize) -> usize {
        while matches!(self.at(i), Some(b'0'..=b'9')) {
            i += 1;
        }
        i
    }
    /// An int of less than 19 digits, if that is all there is of the number.
    #[inline]
    fn short_int(&self, start: usize) -> Option<(i64, usize)> {
        let negative = self.at(start) == Some(b'-');
        let first = start + negative as usize;
        let (mut i, mut n) = (first, 0i64);
        while let Some(c @ b'0'..=b'9') = self.at(i) {
            if i - first == 18 {
                return None;
            }
            n = n * 10 + (c - b'0') as i64;
            i += 1;
        }
        let leading_zero = self.at(first) == Some(b'0') && i > first + 1;
        if i == first || leading_zero || matches!(self.at(i), Some(b'.' | b'e' | b'E')) {
            return None;
        }
        Some((if negative { -n } else { n }, i))
    }
    fn number(&self, start: usize) -> Result<(Object, usize)> {
        let vm = self.vm;
        if self.scanner.parse_int.is(INT.value())
            && let Some((n, end)) = self.short_int(start)
        {
            return Ok((vm.int(n), end));
        }
        let mut i = start + (self.at(start) == Some(b'-')) as usize;
        match self.at(i) {
            Some(b'0') => i += 1,
            Some(b'1'..=b'9') => i = self.digits(i),
            _ => return Err(self.no_value(start)),
        }
        let mut is_float = false;
        if self.at(i) == Some(b'.') && matches!(self.at(i + 1), Some(b'0'..=b'9')) {
            is_float = true;
            i = self.digits(i + 1);
        }
        if matches!(self.at(i), Some(b'e' | b'E')) {
            let signed = matches!(self.at(i + 1), Some(b'+' | b'-')) as usize;
            let end = self.digits(i + 1 + signed);
            if end > i + 1 + signed {
                is_float = true;
                i = end;
            }
        }
        let mut buffer = [0u8; 32];
        let long;
        let text: &[u8] = if i - start <= buffer.len() {
            for (slot, &c) in buffer.iter_mut().zip(&self.units[start..i]) {
                *slot = c.into() as u8;
            }
            &buffer[..i - start]
        } else {
            long = self.units[start..i].iter().map(|&c| c.into() as u8).collect::<Vec<u8>>();
            &long
        };
        let parse = if is_float { &self.scanner.parse_float } else { &self.scanner.parse_int };
        let native = if is_float { FLOAT.value() } else { INT.value() };
        if parse.is(native) {
            let text = std::str::from_utf8(text).unwrap_or("0");
            if is_float && let Ok(x) = text.parse::<f64>() {
                return Ok((vm.float(x), i));
            }
        }
        Ok((vm.call(parse, &[from_latin1(vm, text)])?, i))
    }
    /// The key whose text begins at `i`: one of those seen, if it is the same.
    fn key(&mut self, i: usize) -> Result<(Object, usize)> {
        let near = &self.units[i.min(self.units.len())..self.units.len().min(i + 40)];
        let end = i + T::plain_run(near);
        if self.at(end) != Some(b'"') || end == i {
            return strings::scan(self.vm, self.document, self.s, i, self.scanner.strict);
        }
        if self.keys.is_empty() {
            self.keys = vec![Object::UNBOUND; KEPT_KEYS];
        }
        let unit = |k: usize| -> usize { Into::<u32>::into(self.units[k]) as usize };
        let rough =
            unit(i).wrapping_mul(31) ^ unit(end - 1).wrapping_mul(7) ^ (end - i) ^ unit((i + end) / 2) << 3;
        let slot = rough % KEPT_KEYS;
        if let Some(known) = self.keys[slot].downcast::<Str>()
            && known.len() == end - i
            && same_text(known, &self.units[i..end])
        {
            return Ok((self.keys[slot].clone(), end + 1));
        }
        let key = self.s.slice(self.vm, i, end);
        let old = std::mem::replace(&mut self.keys[slot], key.clone());
        drop(old);
        Ok((key, end + 1))
    }
    fn object(&mut self, start: usize) -> Result<(Object, usize)> {
        let vm = self.vm;
        let has_pairs_hook = !self.scanner.object_pairs_hook.is_none();
        let mut pairs = Vec::new();
        let target = if has_pairs_hook { Object::NONE } else { dict::new(vm) };
        let entries = target.downcast::<Dict>();
        let mut i = self.skip_space(start);
        if self.at(i) != Some(b'}') {
            loop {
                if self.at(i) != Some(b'"') {
                    return Err(self.error("Expecting property name enclosed in double quotes", i));
                }
                let (key, end) = self.key(i + 1)?;
                i = self.skip_space(end);
                if self.at(i) != Some(b':') {
                    return Err(self.error("Expecting ':' delimiter", i));
                }
                i = self.skip_space(i + 1);
                let (value, end) = self.value(i)?;
                match entries {
                    Some(entries) => entries.set_str(vm, &key, value),
                    None => pairs.push(tuple::from_array(vm, [key, value])),
                }
                i = self.skip_space(end);
                match self.at(i) {
                    Some(b'}') => break,
                    Some(b',') => {}
                    _ => return Err(self.error("Expecting ',' delimiter", i)),
                }
                let comma = i;
                i = self.skip_space(i + 1);
                if self.at(i) == Some(b'}') {
                    return Err(self.error("Illegal trailing comma before end of object", comma));
                }
            }
        }
        let value = if has_pairs_hook {
            vm.call(&self.scanner.object_pairs_hook, &[vm.list(pairs)])?
        } else if !self.scanner.object_hook.is_none() {
            vm.call(&self.scanner.object_hook, std::slice::from_ref(&target))?
        } else {
            target
        };
        Ok((value, i + 1))
    }
    fn array(&mut self, start: usize) -> Result<(Object, usize)> {
        let mut items = Vec::new();
        let mut i = self.skip_space(start);
        if self.at(i) != Some(b']') {
            loop {
                let (value, end) = self.value(i)?;
                if items.len() == items.capacity() && items.try_reserve(1).is_err() {
                    return Err(self.vm.memory_error());
                }
                items.push(value);
                i = self.skip_space(end);
                match self.at(i) {
                    Some(b']') => break,
                    Some(b',') => {}
                    _ => return Err(self.error("Expecting ',' delimiter", i)),
                }
                let comma = i;
                i = self.skip_space(i + 1);
                if self.at(i) == Some(b']') {
                    return Err(self.error("Illegal trailing comma before end of array", comma));
                }
            }
        }
        Ok((self.vm.list(items), i + 1))
    }
}

fn same_text<T: Unit>(s: &Str, units: &[T]) -> bool {
    match s.kind() {
        Kind::Latin1(a) => a.iter().zip(units).all(|(&x, &y)| x as u32 == y.into()),
        Kind::U16(a) => a.iter().zip(units).all(|(&x, &y)| x as u32 == y.into()),
        Kind::U32(a) => a.iter().zip(units).all(|(&x, &y)| x == y.into()),
    }
}
