//! Formatting with strings: `str.format` and `format_map`, `str.__format__`,
//! the `%` operator, and the parsers behind the `_string` module.
//!
//! The layout of numbers and the grammar of `%` conversions and of format
//! specs are in `taipan_numeric`.

use crate::prelude::*;
use crate::types::str::{self, Builder, Kind, STR};
use crate::types::str_methods::{qualified_type, shown_type};
use crate::types::str_units::{Unit, substring, units};
use crate::types::{float, int};
use std::cell::Cell;
use taipan_numeric::format_spec::{self, ErrorClass, FormatError, ValueKind};
use taipan_numeric::percent::{self, Amount, Conversion, Field, Item, Items, PercentError};
use taipan_unicode as unicode;

fn this(object: &Object) -> &Str {
    // SAFETY: methods of str are only called on strings.
    unsafe { object.payload_unchecked() }
}

// ---- format specs -------------------------------------------------------------------

/// The exception of a format spec that does not suit.
pub fn format_error(vm: &Vm, error: FormatError, type_name: &str, spec: &Str) -> Raised {
    let shown: String = spec.chars().map(|c| char::from_u32(c).unwrap_or('\u{fffd}')).collect();
    let text = error.message(type_name, &shown);
    match error.class() {
        ErrorClass::Value => vm.value_error(text),
        ErrorClass::Overflow => vm.overflow_error(text),
        ErrorClass::Memory => vm.memory_error(),
    }
}

/// Parses a format spec for a value of this kind.
pub fn parse_spec(spec: &Str, kind: ValueKind) -> std::result::Result<format_spec::FormatSpec, FormatError> {
    units!(spec, chars => format_spec::parse_with(chars, kind, unicode::decimal_value))
}

/// `str.__format__`.
pub fn str_dunder_format(vm: &Vm, args: &[Object]) -> Result {
    format(vm, &args[0], &args[1])
}

/// `text.__format__(spec)`; `text` is a str.
pub fn format(vm: &Vm, text: &Object, spec: &Object) -> Result {
    let Some(spec) = spec.downcast::<Str>() else {
        return Err(vm.type_error(format!("__format__() argument must be str, not {}", shown_type(spec))));
    };
    if spec.is_empty() {
        return vm.str_of(text);
    }
    let s = this(text);
    let error = |e| format_error(vm, e, text.ty().full_name(), spec);
    let parsed = parse_spec(spec, ValueKind::Str).map_err(error)?;
    let (kept, left, right) = format_spec::layout_str(s.len(), &parsed).map_err(error)?;
    let object = substring(vm, text, s, 0, kept);
    crate::types::str_split::pad(vm, &object, left, right, parsed.fill)
}

/// `format(value, spec)` with the common cases cut short.
fn push_formatted(vm: &Vm, out: &mut Builder, value: &Object, spec: Option<&Object>) -> Result<()> {
    let spec = match spec {
        Some(spec) if !Str::is_empty_object(spec) => spec.clone(),
        _ => {
            let ty = value.ty();
            if ty.is(&STR) || ty.is(&int::INT) || ty.is(&float::FLOAT) {
                out.push_object(&vm.str_of(value)?);
                return Ok(());
            }
            str::empty()
        }
    };
    out.push_object(&vm.format(value, &spec)?);
    Ok(())
}

// ---- the grammar of replacement fields ----------------------------------------------

/// A piece of a format string: literal text, then perhaps a field. All ranges
/// are positions in the string.
struct Piece {
    literal: (usize, usize),
    field: Option<Replacement>,
}

struct Replacement {
    name: (usize, usize),
    conversion: Option<u32>,
    spec: (usize, usize),
    nested: bool,
}

/// Walks over the pieces of `s[at..end]`.
struct Pieces<'a> {
    s: &'a Str,
    at: usize,
    end: usize,
}

const OPEN: u32 = '{' as u32;
const CLOSE: u32 = '}' as u32;

impl Pieces<'_> {
    fn next_brace(&self) -> Option<usize> {
        match self.s.kind() {
            Kind::Latin1(bytes) => bytes[self.at..self.end].iter().position(|c| matches!(c, b'{' | b'}')),
            _ => (self.at..self.end).position(|i| matches!(self.s.char_at(i), OPEN | CLOSE)),
        }
        .map(|i| i + self.at)
    }

    fn next(&mut self, vm: &Vm) -> Result<Option<Piece>> {
        let start = self.at;
        if start >= self.end {
            return Ok(None);
        }
        let Some(brace) = self.next_brace() else {
            self.at = self.end;
            return Ok(Some(Piece { literal: (start, self.end), field: None }));
        };
        let c = self.s.char_at(brace);
        self.at = brace + 1;
        let next = if self.at < self.end { Some(self.s.char_at(self.at)) } else { None };
        if next == Some(c) {
            self.at += 1;
            return Ok(Some(Piece { literal: (start, brace + 1), field: None }));
        }
        if c == CLOSE {
            return Err(vm.value_error("Single '}' encountered in format string"));
        }
        if next.is_none() {
            return Err(vm.value_error("Single '{' encountered in format string"));
        }
        let field = self.field(vm)?;
        Ok(Some(Piece { literal: (start, brace), field: Some(field) }))
    }

    fn take(&mut self) -> Option<u32> {
        if self.at >= self.end {
            return None;
        }
        self.at += 1;
        Some(self.s.char_at(self.at - 1))
    }

    /// What stands behind the `{`.
    fn field(&mut self, vm: &Vm) -> Result<Replacement> {
        let start = self.at;
        let ended = loop {
            let Some(c) = self.take() else {
                return Err(vm.value_error("expected '}' before end of string"));
            };
            match char::from_u32(c) {
                Some('{') => return Err(vm.value_error("unexpected '{' in field name")),
                Some('[') => {
                    while self.at < self.end && self.s.char_at(self.at) != ']' as u32 {
                        self.at += 1;
                    }
                }
                Some(c @ ('}' | ':' | '!')) => break c,
                _ => {}
            }
        };
        let mut field = Replacement {
            name: (start, self.at - 1),
            conversion: None,
            spec: (self.at, self.at),
            nested: false,
        };
        if ended == '}' {
            return Ok(field);
        }
        if ended == '!' {
            let Some(conversion) = self.take() else {
                return Err(vm.value_error("end of string while looking for conversion specifier"));
            };
            field.conversion = Some(conversion);
            match self.take() {
                Some(CLOSE) => return Ok(field),
                Some(c) if c != ':' as u32 => {
                    return Err(vm.value_error("expected ':' after conversion specifier"));
                }
                _ => {}
            }
        }
        let start = self.at;
        let mut depth = 1;
        while let Some(c) = self.take() {
            match c {
                OPEN => {
                    field.nested = true;
                    depth += 1;
                }
                CLOSE => {
                    depth -= 1;
                    if depth == 0 {
                        field.spec = (start, self.at - 1);
                        return Ok(field);
                    }
                }
                _ => {}
            }
        }
        Err(vm.value_error("unmatched '{' in format spec"))
    }
}

/// Characters `start..stop` as a number; None if they are no digits.
fn get_integer(vm: &Vm, s: &Str, start: usize, stop: usize) -> Result<Option<usize>> {
    if start >= stop {
        return Ok(None);
    }
    let mut n = 0isize;
    for i in start..stop {
        let Some(digit) = unicode::decimal_value(s.char_at(i)) else { return Ok(None) };
        n = match n.checked_mul(10).and_then(|n| n.checked_add(digit as isize)) {
            Some(n) => n,
            None => return Err(vm.value_error("Too many decimal digits in format string")),
        };
    }
    Ok(Some(n as usize))
}

/// Where the first part of a field name ends.
fn first_end(s: &Str, start: usize, stop: usize) -> usize {
    (start..stop).find(|&i| matches!(char::from_u32(s.char_at(i)), Some('.' | '['))).unwrap_or(stop)
}

/// One step of a field name: `.name` or `[name]` or `[index]`.
enum Step {
    Attribute(Object),
    Key(Object),
    Index(usize),
}

/// The step that begins at `*at`; None at the end.
fn next_step(vm: &Vm, s: &Str, at: &mut usize, stop: usize) -> Result<Option<Step>> {
    if *at >= stop {
        return Ok(None);
    }
    let c = s.char_at(*at);
    *at += 1;
    let start = *at;
    if c == '.' as u32 {
        *at = first_end(s, start, stop);
        if start == *at {
            return Err(vm.value_error("Empty attribute in format string"));
        }
        return Ok(Some(Step::Attribute(s.slice(vm, start, *at))));
    }
    if c != '[' as u32 {
        return Err(vm.value_error("Only '.' or '[' may follow ']' in format field specifier"));
    }
    let Some(end) = (start..stop).find(|&i| s.char_at(i) == ']' as u32) else {
        *at = stop;
        return Err(vm.value_error("Missing ']' in format string"));
    };
    *at = end + 1;
    let index = get_integer(vm, s, start, end)?;
    if start == end {
        return Err(vm.value_error("Empty attribute in format string"));
    }
    Ok(Some(match index {
        Some(index) => Step::Index(index),
        None => Step::Key(s.slice(vm, start, end)),
    }))
}

// ---- str.format --------------------------------------------------------------------------

#[derive(Clone, Copy, PartialEq)]
enum Numbering {
    Unknown,
    Automatic(usize),
    Manual,
}

struct Formatter<'a> {
    vm: &'a Vm,
    /// None: `format_map`.
    args: Option<&'a [Object]>,
    /// The dict of keywords or the mapping.
    mapping: &'a Object,
    numbering: Numbering,
}

impl Formatter<'_> {
    fn run(&mut self, s: &Str, start: usize, end: usize, depth: u32, out: &mut Builder) -> Result<()> {
        if depth == 0 {
            return Err(self.vm.value_error("Max string recursion exceeded"));
        }
        let mut pieces = Pieces { s, at: start, end };
        while let Some(piece) = pieces.next(self.vm)? {
            out.push_range(s, piece.literal.0, piece.literal.1);
            if let Some(field) = piece.field {
                self.field(s, &field, depth, out)?;
            }
        }
        Ok(())
    }

    fn field(&mut self, s: &Str, field: &Replacement, depth: u32, out: &mut Builder) -> Result<()> {
        let vm = self.vm;
        let mut value = self.value(s, field.name)?;
        if let Some(c) = field.conversion {
            value = match char::from_u32(c) {
                Some('r') => vm.repr(&value)?,
                Some('s') => vm.str_of(&value)?,
                Some('a') => vm.ascii(&value)?,
                Some(c @ '!'..='~') => {
                    return Err(vm.value_error(format!("Unknown conversion specifier {c}")));
                }
                _ => return Err(vm.value_error(format!("Unknown conversion specifier \\x{c:x}"))),
            };
        }
        let (start, stop) = field.spec;
        if field.nested {
            let mut spec = Builder::new();
            self.run(s, start, stop, depth - 1, &mut spec)?;
            let spec = spec.finish(vm);
            return push_formatted(vm, out, &value, Some(&spec));
        }
        let spec = if start < stop { Some(s.slice(vm, start, stop)) } else { None };
        push_formatted(vm, out, &value, spec.as_ref())
    }

    /// The object that a field name denotes.
    fn value(&mut self, s: &Str, (start, stop): (usize, usize)) -> Result {
        let vm = self.vm;
        let mut at = first_end(s, start, stop);
        let empty = start == at;
        let mut index = get_integer(vm, s, start, at)?;
        if empty || index.is_some() {
            if self.numbering == Numbering::Unknown {
                self.numbering = if empty { Numbering::Automatic(0) } else { Numbering::Manual };
            }
            match &mut self.numbering {
                Numbering::Automatic(next) if empty => {
                    index = Some(*next);
                    *next += 1;
                }
                Numbering::Manual if empty => {
                    return Err(vm.value_error(
                        "cannot switch from manual field specification to automatic field numbering",
                    ));
                }
                Numbering::Automatic(_) => {
                    return Err(vm.value_error(
                        "cannot switch from automatic field numbering to manual field specification",
                    ));
                }
                _ => {}
            }
        }
        let mut value = match (index, self.args) {
            (Some(index), Some(args)) => match args.get(index) {
                Some(arg) => arg.clone(),
                None => {
                    return Err(vm.index_error(format!(
                        "Replacement index {index} out of range for positional args tuple"
                    )));
                }
            },
            (Some(_), None) => {
                return Err(vm.value_error("Format string contains positional fields"));
            }
            (None, _) => vm.get_item(self.mapping, &s.slice(vm, start, at))?,
        };
        while let Some(step) = next_step(vm, s, &mut at, stop)? {
            value = match step {
                Step::Attribute(name) => vm.get_attr(&value, &vm.intern_object(&name))?,
                Step::Key(key) => vm.get_item(&value, &key)?,
                Step::Index(index) => vm.get_item(&value, &vm.usize(index))?,
            };
        }
        Ok(value)
    }
}

/// `str.format`: `args` are the string, the tuple and the dict.
pub fn str_format(vm: &Vm, args: &[Object]) -> Result {
    let positional: &[Object] = args[1].downcast::<Tuple>().map_or(&[], |t| t.items());
    format_with(vm, &args[0], Some(positional), &args[2])
}

pub fn str_format_map(vm: &Vm, args: &[Object]) -> Result {
    format_with(vm, &args[0], None, &args[1])
}

fn format_with(vm: &Vm, format: &Object, args: Option<&[Object]>, mapping: &Object) -> Result {
    vm.check_native_stack(" while formatting a string")?;
    let s = this(format);
    let mut out = Builder::with_capacity(s.len() + 16);
    let mut formatter = Formatter { vm, args, mapping, numbering: Numbering::Unknown };
    formatter.run(s, 0, s.len(), 2, &mut out)?;
    Ok(out.finish(vm))
}

// ---- the iterators of `_string` ------------------------------------------------------------

/// State of both iterators: a string and a place in it.
pub struct Parsing {
    text: Object,
    at: Cell<usize>,
}

/// Iterates over the pieces of a format string.
pub struct FormatterIterator(Parsing);

impl NativeClass for FormatterIterator {
    fn class() -> &'static Type {
        &FORMATTER_ITERATOR
    }
}

/// Iterates over the steps of a field name.
pub struct FieldNameIterator(Parsing);

impl NativeClass for FieldNameIterator {
    fn class() -> &'static Type {
        &FIELD_NAME_ITERATOR
    }
}

pub static FORMATTER_ITERATOR: Type = Type::new::<FormatterIterator>(
    "formatteriterator",
    &crate::types::object::OBJECT,
    type_flags::DISALLOW_INSTANTIATION,
    Slots { next: Some(formatter_next), ..Slots::EMPTY.iter(|_, it| Ok(it.clone())) },
    &[],
    &[],
);

pub static FIELD_NAME_ITERATOR: Type = Type::new::<FieldNameIterator>(
    "fieldnameiterator",
    &crate::types::object::OBJECT,
    type_flags::DISALLOW_INSTANTIATION,
    Slots { next: Some(field_name_next), ..Slots::EMPTY.iter(|_, it| Ok(it.clone())) },
    &[],
    &[],
);

fn formatter_next(vm: &Vm, iterator: &Object) -> Result<Option<Object>> {
    let Some(FormatterIterator(state)) = iterator.downcast() else { return Ok(None) };
    let s = this(&state.text);
    let mut pieces = Pieces { s, at: state.at.get(), end: s.len() };
    let result = pieces.next(vm);
    state.at.set(pieces.at);
    let Some(piece) = result? else { return Ok(None) };
    let literal = s.slice(vm, piece.literal.0, piece.literal.1);
    let (name, spec, conversion) = match piece.field {
        None => (Object::NONE, Object::NONE, Object::NONE),
        Some(field) => (
            s.slice(vm, field.name.0, field.name.1),
            s.slice(vm, field.spec.0, field.spec.1),
            field.conversion.map_or(Object::NONE, |c| crate::types::str::from_char(vm, c)),
        ),
    };
    Ok(Some(vm.tuple(vec![literal, name, spec, conversion])))
}

fn field_name_next(vm: &Vm, iterator: &Object) -> Result<Option<Object>> {
    let Some(FieldNameIterator(state)) = iterator.downcast() else { return Ok(None) };
    let s = this(&state.text);
    let mut at = state.at.get();
    let result = next_step(vm, s, &mut at, s.len());
    state.at.set(at);
    Ok(result?.map(|step| {
        let (is_attribute, object) = match step {
            Step::Attribute(name) => (true, name),
            Step::Key(key) => (false, key),
            Step::Index(index) => (false, vm.usize(index)),
        };
        vm.tuple(vec![Object::bool(is_attribute), object])
    }))
}

fn expect_text(vm: &Vm, object: &Object) -> Result<()> {
    if object.downcast::<Str>().is_none() {
        return Err(vm.type_error(format!("expected str, got {}", object.ty().full_name())));
    }
    Ok(())
}

/// `_string.formatter_parser`.
pub fn formatter_parser(vm: &Vm, args: &[Object]) -> Result {
    expect_text(vm, &args[0])?;
    let state = Parsing { text: args[0].clone(), at: Cell::new(0) };
    Ok(vm.alloc(&FORMATTER_ITERATOR, FormatterIterator(state)))
}

/// `_string.formatter_field_name_split`.
pub fn formatter_field_name_split(vm: &Vm, args: &[Object]) -> Result {
    expect_text(vm, &args[0])?;
    let s = this(&args[0]);
    let end = first_end(s, 0, s.len());
    let first = match get_integer(vm, s, 0, end)? {
        Some(index) => vm.usize(index),
        None => s.slice(vm, 0, end),
    };
    let state = Parsing { text: args[0].clone(), at: Cell::new(end) };
    Ok(vm.tuple(vec![first, vm.alloc(&FIELD_NAME_ITERATOR, FieldNameIterator(state))]))
}

/// The module `_string`.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_string",
    doc: "Helpers of string.Formatter.",
    functions: &[
        MethodDef::new(
            "formatter_parser(object, /)",
            formatter_parser,
            "Iterate over the pieces of a format string.",
        ),
        MethodDef::new(
            "formatter_field_name_split(object, /)",
            formatter_field_name_split,
            "Split the name of a replacement field into its first part and an iterator over the rest.",
        ),
    ],
    types: &[],
    init: None,
};

// ---- the % operator ----------------------------------------------------------------------------

/// The arguments of a `%` operation (of str and of bytes).
pub struct PercentArgs<'a> {
    args: &'a Object,
    tuple: Option<&'a Tuple>,
    next: usize,
    /// The value of the last `%(key)`, which became the only argument.
    keyed: Option<Object>,
    mapping: bool,
}

impl<'a> PercentArgs<'a> {
    pub fn new(args: &'a Object) -> PercentArgs<'a> {
        let tuple = args.downcast::<Tuple>();
        let mapping =
            tuple.is_none() && args.ty().slots().getitem.is_some() && args.downcast::<Str>().is_none();
        PercentArgs { args, tuple, next: 0, keyed: None, mapping }
    }
    /// bytes and bytearray are no mappings for the `%` of bytes.
    pub fn not_a_mapping(&mut self) {
        self.mapping = false;
    }
    /// The next argument.
    pub fn take(&mut self, vm: &Vm) -> Result {
        let i = self.next;
        self.next += 1;
        if let Some(value) = &self.keyed
            && i == 0
        {
            return Ok(value.clone());
        }
        let found = match self.tuple {
            _ if self.keyed.is_some() => None,
            Some(tuple) => tuple.items().get(i).cloned(),
            None if i == 0 => Some(self.args.clone()),
            None => None,
        };
        found.ok_or_else(|| vm.type_error("not enough arguments for format string"))
    }
    /// Looks a key up; its value is the next argument.
    pub fn key(&mut self, vm: &Vm, key: impl FnOnce() -> Object) -> Result<()> {
        if !self.mapping {
            return Err(vm.type_error("format requires a mapping"));
        }
        self.keyed = Some(vm.get_item(self.args, &key())?);
        self.next = 0;
        Ok(())
    }
    /// Complains about arguments that were not used.
    pub fn finish(&self, vm: &Vm, what: &str) -> Result<()> {
        let count = self.tuple.map_or(1, |t| t.len());
        if self.next < count && !self.mapping {
            return Err(vm.type_error(format!("not all arguments converted during {what} formatting")));
        }
        Ok(())
    }
    /// Width and precision of a conversion, `*` fetched; the rest of the field.
    pub fn field(&mut self, vm: &Vm, conversion: &Conversion) -> Result<Field> {
        let mut star = |precision: bool| -> Result<isize> {
            let arg = self.take(vm)?;
            if !arg.is_instance_of(&int::INT) {
                return Err(vm.type_error("* wants int"));
            }
            if precision { Ok(vm.to_plain_c_int(&arg)? as isize) } else { vm.index_isize(&arg) }
        };
        let width = if conversion.width == Amount::Star { star(false)? } else { 0 };
        if width == isize::MIN {
            return Err(vm.overflow_error("width too big"));
        }
        let precision = if conversion.precision == Amount::Star { star(true)? } else { 0 };
        Ok(conversion.field(width, precision))
    }
}

/// The exception of a bad conversion.
pub fn percent_error(vm: &Vm, error: PercentError) -> Raised {
    match error {
        PercentError::Memory => vm.memory_error(),
        PercentError::PrecisionTooLarge => vm.overflow_error(error.to_string()),
        error => vm.value_error(error.to_string()),
    }
}

/// `format % args` of a str.
pub fn percent_format(vm: &Vm, format: &Object, args: &Object) -> Result {
    let s = this(format);
    let mut out = Builder::with_capacity(s.len() + 16);
    let mut arguments = PercentArgs::new(args);
    match s.kind() {
        Kind::Latin1(bytes) => percent_latin1(vm, s, bytes, &mut arguments, &mut out)?,
        Kind::U16(chars) => percent_items(vm, s, chars, 0, &mut arguments, &mut out)?,
        Kind::U32(chars) => percent_items(vm, s, chars, 0, &mut arguments, &mut out)?,
    }
    arguments.finish(vm, "string")?;
    Ok(out.finish(vm))
}

/// The plainest conversions by hand, all others by [`percent_items`].
fn percent_latin1(
    vm: &Vm,
    s: &Str,
    bytes: &[u8],
    args: &mut PercentArgs<'_>,
    out: &mut Builder,
) -> Result<()> {
    let mut i = 0;
    while i < bytes.len() {
        let n = bytes[i..].iter().position(|&c| c == b'%').unwrap_or(bytes.len() - i);
        out.push_latin1(&bytes[i..i + n]);
        i += n;
        match bytes.get(i + 1) {
            Some(b's') => out.push_object(&vm.str_of(&args.take(vm)?)?),
            Some(b'r') => out.push_object(&vm.repr(&args.take(vm)?)?),
            Some(kind @ (b'd' | b'i')) => {
                let value = percent_int(vm, *kind as char, &args.take(vm)?)?;
                match int::to_i64(&value) {
                    Some(n) => out.push_int(n),
                    None => out.push_str(&int::to_decimal(vm, &value)?),
                }
            }
            _ => return percent_items(vm, s, &bytes[i..], i, args, out),
        }
        i += 2;
    }
    Ok(())
}

/// `chars` are the characters of `s` from `offset` on.
fn percent_items<T: Unit>(
    vm: &Vm,
    s: &Str,
    chars: &[T],
    offset: usize,
    args: &mut PercentArgs<'_>,
    out: &mut Builder,
) -> Result<()> {
    for item in Items::new(chars) {
        match item.map_err(|e| percent_error(vm, e))? {
            Item::Literal(range) => out.push_range(s, range.start + offset, range.end + offset),
            Item::Conversion(mut conversion) => {
                conversion.index += offset;
                conversion.key = conversion.key.map(|key| key.start + offset..key.end + offset);
                convert(vm, s, &conversion, args, out)?;
            }
        }
    }
    Ok(())
}

fn convert(
    vm: &Vm,
    s: &Str,
    conversion: &Conversion,
    args: &mut PercentArgs<'_>,
    out: &mut Builder,
) -> Result<()> {
    if let Some(key) = &conversion.key {
        args.key(vm, || s.slice(vm, key.start, key.end))?;
    }
    let field = args.field(vm, conversion)?;
    let value = args.take(vm)?;
    conversion.check(false).map_err(|e| percent_error(vm, e))?;
    match field.kind {
        's' => push_text(vm, out, &field, &vm.str_of(&value)?),
        'r' => push_text(vm, out, &field, &vm.repr(&value)?),
        'a' => push_text(vm, out, &field, &vm.ascii(&value)?),
        'c' => push_text(vm, out, &field, &percent_char(vm, &value)?),
        'e' | 'E' | 'f' | 'F' | 'g' | 'G' => {
            let x = vm.to_f64(&value)?;
            write_percent_float(vm, out, &field, x)
        }
        _ => push_int(vm, out, &field, &value),
    }
}

/// Writes a float as the field says.
pub fn write_percent_float(vm: &Vm, out: &mut impl format_spec::Sink, field: &Field, x: f64) -> Result<()> {
    if field.precision.is_some_and(|p| p > i32::MAX as usize - 3) {
        return Err(vm.value_error("precision too big"));
    }
    percent::write_float(out, field, x).map_err(|e| percent_error(vm, e))
}

fn push_text(vm: &Vm, out: &mut Builder, field: &Field, text: &Object) -> Result<()> {
    let Some(text) = text.downcast::<Str>() else { return Ok(()) };
    let (kept, left, right) = percent::layout_text(field, text.len()).map_err(|e| percent_error(vm, e))?;
    if out.try_reserve(left + right).is_none() {
        return Err(vm.memory_error());
    }
    out.push_repeated(' ' as u32, left);
    out.push_range(text, 0, kept);
    out.push_repeated(' ' as u32, right);
    Ok(())
}

fn percent_char(vm: &Vm, value: &Object) -> Result {
    if let Some(s) = value.downcast::<Str>() {
        if s.len() == 1 {
            return Ok(value.clone());
        }
        return Err(vm.type_error(format!(
            "%c requires an int or a unicode character, not a string of length {}",
            s.len()
        )));
    }
    let index = match vm.index(value) {
        Ok(index) => index,
        Err(raised) if vm.raised_is(&exc::TYPE_ERROR) => {
            drop(vm.caught(raised));
            let shown = qualified_type(vm, value);
            return Err(vm.type_error(format!("%c requires an int or a unicode character, not {shown}")));
        }
        Err(raised) => return Err(raised),
    };
    match int::to_i64(&index) {
        Some(c @ 0..=0x10ffff) => Ok(crate::types::str::from_char(vm, c as u32)),
        _ => Err(vm.overflow_error("%c arg not in range(0x110000)")),
    }
}

/// The int that `%d`, `%x`... show of a value.
pub fn percent_int(vm: &Vm, kind: char, value: &Object) -> Result {
    if value.is_instance_of(&int::INT) {
        return Ok(value.clone());
    }
    let radix = matches!(kind, 'o' | 'x' | 'X');
    let slots = value.ty().slots();
    let number = |op: UnaryOp| slots.unary[op as usize].is_some();
    if number(UnaryOp::Index) || number(UnaryOp::Int) || number(UnaryOp::Float) {
        let result = if radix { vm.index(value) } else { int::number_to_int(vm, value) };
        match result {
            Ok(result) => return Ok(result),
            Err(raised) if vm.raised_is(&exc::TYPE_ERROR) => drop(vm.caught(raised)),
            Err(raised) => return Err(raised),
        }
    }
    Err(vm.type_error(if radix {
        format!("%{kind} format: an integer is required, not {}", value.ty().full_name())
    } else {
        format!("%{kind} format: a real number is required, not {}", value.ty().full_name())
    }))
}

fn push_int(vm: &Vm, out: &mut Builder, field: &Field, value: &Object) -> Result<()> {
    let number = percent_int(vm, field.kind, value)?;
    write_percent_int(vm, out, field, &number)
}

/// Writes an int object as the field says.
pub fn write_percent_int(
    vm: &Vm,
    out: &mut impl format_spec::Sink,
    field: &Field,
    number: &Object,
) -> Result<()> {
    let result = match int::to_i64(number) {
        Some(n) => percent::write_int(out, field, &n),
        None => {
            let big = int::to_big(number).unwrap_or_default();
            if !matches!(field.kind, 'o' | 'x' | 'X') {
                int::check_digits(vm, &big)?;
            }
            percent::write_int(out, field, &big)
        }
    };
    result.map_err(|e| percent_error(vm, e))
}
