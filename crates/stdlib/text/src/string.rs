//! `_string`: the parser of format strings that `string.Formatter` uses.

use std::cell::Cell;
use taipan_runtime::prelude::*;
use taipan_runtime::support::{allocate, this};
use taipan_runtime::types::object::OBJECT;
use taipan_runtime::types::{str, tuple, typ};

/// The module.
pub static STRING: ModuleDef = ModuleDef {
    name: "_string",
    doc: "string helper module",
    functions: &[
        MethodDef::new("formatter_parser(object, /)", formatter_parser, "parse the argument as a format string"),
        MethodDef::new("formatter_field_name_split(object, /)", field_name_split, "split the argument as a field name"),
    ],
    types: &[],
    init: Some(|vm, _| {
        typ::ready(vm, &FORMATTER_ITERATOR);
        typ::ready(vm, &FIELDNAME_ITERATOR);
        Ok(())
    }),
};

fn chars_of(vm: &Vm, object: &Object) -> Result<Vec<u32>> {
    match object.downcast::<Str>() {
        Some(s) => Ok(s.to_code_points()),
        None => Err(vm.type_error(format!("expected str, got {}", object.ty().name()))),
    }
}

const OPEN: u32 = '{' as u32;
const CLOSE: u32 = '}' as u32;

// ---- formatter_parser -------------------------------------------------------------------

/// Payload of formatteriterator.
pub struct FormatterIterator {
    text: Vec<u32>,
    pos: Cell<usize>,
}

impl NativeClass for FormatterIterator {
    fn class() -> &'static Type {
        &FORMATTER_ITERATOR
    }
}

pub static FORMATTER_ITERATOR: Type = Type::new::<FormatterIterator>(
    "formatteriterator",
    &OBJECT,
    type_flags::DISALLOW_INSTANTIATION,
    Slots {
        next: Some(|vm, object| {
            let this = this::<FormatterIterator>(object);
            let mut pos = this.pos.get();
            let result = next_part(vm, &this.text, &mut pos);
            this.pos.set(pos);
            result
        }),
        ..Slots::EMPTY.iter(|_, object| Ok(object.clone()))
    },
    &[],
    &[],
);

fn formatter_parser(vm: &Vm, args: &[Object]) -> Result {
    let text = chars_of(vm, &args[0])?;
    allocate(vm, &FORMATTER_ITERATOR, FormatterIterator { text, pos: Cell::new(0) })
}

/// A literal and the replacement field behind it, if there is one.
fn next_part(vm: &Vm, text: &[u32], pos: &mut usize) -> Result<Option<Object>> {
    let start = *pos;
    if start >= text.len() {
        return Ok(None);
    }
    let found = text[start..].iter().position(|&c| c == OPEN || c == CLOSE);
    let Some(offset) = found else {
        *pos = text.len();
        return Ok(Some(part(vm, &text[start..], None)));
    };
    let at = start + offset;
    let brace = text[at];
    *pos = at + 1;
    let doubled = text.get(at + 1) == Some(&brace);
    if doubled {
        *pos = at + 2;
        return Ok(Some(part(vm, &text[start..=at], None)));
    }
    if brace == CLOSE {
        return Err(vm.value_error("Single '}' encountered in format string"));
    }
    if at + 1 >= text.len() {
        return Err(vm.value_error("Single '{' encountered in format string"));
    }
    let field = parse_field(vm, text, pos)?;
    Ok(Some(part(vm, &text[start..at], Some(field))))
}

struct Field<'a> {
    name: &'a [u32],
    spec: &'a [u32],
    conversion: Option<u32>,
}

fn part(vm: &Vm, literal: &[u32], field: Option<Field<'_>>) -> Object {
    let literal = str::from_code_points(vm, literal);
    match field {
        None => tuple::from_array(vm, [literal, Object::NONE, Object::NONE, Object::NONE]),
        Some(field) => tuple::from_array(
            vm,
            [
                literal,
                str::from_code_points(vm, field.name),
                str::from_code_points(vm, field.spec),
                field.conversion.map_or(Object::NONE, |c| str::from_char(vm, c)),
            ],
        ),
    }
}

fn parse_field<'a>(vm: &Vm, text: &'a [u32], pos: &mut usize) -> Result<Field<'a>> {
    let start = *pos;
    let mut end = None;
    while let Some(&c) = text.get(*pos) {
        *pos += 1;
        match char::from_u32(c) {
            Some('{') => return Err(vm.value_error("unexpected '{' in field name")),
            Some('[') => {
                while text.get(*pos).is_some_and(|&c| c != ']' as u32) {
                    *pos += 1;
                }
            }
            Some('}' | ':' | '!') => {
                end = Some((*pos - 1, c));
                break;
            }
            _ => {}
        }
    }
    let Some((end, stop)) = end else {
        return Err(vm.value_error("expected '}' before end of string"));
    };
    let name = &text[start..end];
    let mut field = Field { name, spec: &[], conversion: None };
    if stop == CLOSE {
        return Ok(field);
    }
    if stop == '!' as u32 {
        let Some(&conversion) = text.get(*pos) else {
            return Err(vm.value_error("end of string while looking for conversion specifier"));
        };
        *pos += 1;
        field.conversion = Some(conversion);
        if let Some(&c) = text.get(*pos) {
            *pos += 1;
            if c == CLOSE {
                return Ok(field);
            }
            if c != ':' as u32 {
                return Err(vm.value_error("expected ':' after conversion specifier"));
            }
        }
    }
    let start = *pos;
    let mut depth = 1;
    while let Some(&c) = text.get(*pos) {
        *pos += 1;
        if c == OPEN {
            depth += 1;
        } else if c == CLOSE {
            depth -= 1;
            if depth == 0 {
                field.spec = &text[start..*pos - 1];
                return Ok(field);
            }
        }
    }
    Err(vm.value_error("unmatched '{' in format spec"))
}

// ---- formatter_field_name_split -----------------------------------------------------------

/// Payload of fieldnameiterator.
pub struct FieldNameIterator {
    text: Vec<u32>,
    pos: Cell<usize>,
}

impl NativeClass for FieldNameIterator {
    fn class() -> &'static Type {
        &FIELDNAME_ITERATOR
    }
}

pub static FIELDNAME_ITERATOR: Type = Type::new::<FieldNameIterator>(
    "fieldnameiterator",
    &OBJECT,
    type_flags::DISALLOW_INSTANTIATION,
    Slots {
        next: Some(|vm, object| {
            let this = this::<FieldNameIterator>(object);
            let mut pos = this.pos.get();
            let result = next_name(vm, &this.text, &mut pos);
            this.pos.set(pos);
            result
        }),
        ..Slots::EMPTY.iter(|_, object| Ok(object.clone()))
    },
    &[],
    &[],
);

/// The number that a name of decimal digits is.
fn as_number(vm: &Vm, name: &[u32]) -> Result<Option<i64>> {
    if name.is_empty() {
        return Ok(None);
    }
    let mut n: i64 = 0;
    for &c in name {
        let Some(digit) = taipan_unicode::decimal_value(c) else { return Ok(None) };
        if n > (i64::MAX - digit as i64) / 10 {
            return Err(vm.value_error("Too many decimal digits in format string"));
        }
        n = n * 10 + digit as i64;
    }
    Ok(Some(n))
}

fn name_or_number(vm: &Vm, name: &[u32]) -> Result {
    Ok(match as_number(vm, name)? {
        Some(n) => vm.int(n),
        None => str::from_code_points(vm, name),
    })
}

fn is_separator(c: u32) -> bool {
    c == '.' as u32 || c == '[' as u32
}

fn field_name_split(vm: &Vm, args: &[Object]) -> Result {
    let text = chars_of(vm, &args[0])?;
    let end = text.iter().position(|&c| is_separator(c)).unwrap_or(text.len());
    let first = name_or_number(vm, &text[..end])?;
    let rest = allocate(vm, &FIELDNAME_ITERATOR, FieldNameIterator { text, pos: Cell::new(end) })?;
    Ok(tuple::from_array(vm, [first, rest]))
}

fn next_name(vm: &Vm, text: &[u32], pos: &mut usize) -> Result<Option<Object>> {
    let Some(&c) = text.get(*pos) else { return Ok(None) };
    *pos += 1;
    let start = *pos;
    let is_attribute = c == '.' as u32;
    let name = if is_attribute {
        while text.get(*pos).is_some_and(|&c| !is_separator(c)) {
            *pos += 1;
        }
        &text[start..*pos]
    } else if c == '[' as u32 {
        let Some(n) = text[start..].iter().position(|&c| c == ']' as u32) else {
            *pos = text.len();
            return Err(vm.value_error("Missing ']' in format string"));
        };
        *pos = start + n + 1;
        &text[start..start + n]
    } else {
        return Err(vm.value_error("Only '.' or '[' may follow ']' in format field specifier"));
    };
    if name.is_empty() {
        return Err(vm.value_error("Empty attribute in format string"));
    }
    let name = if is_attribute { str::from_code_points(vm, name) } else { name_or_number(vm, name)? };
    Ok(Some(tuple::from_array(vm, [Object::bool(is_attribute), name])))
}
