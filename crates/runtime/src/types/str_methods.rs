//! The type `str`: its slots, its table of methods, its iterators. The core
//! of strings is in `str`; the methods are in `str_search`, `str_case`,
//! `str_split` and `str_format`.

use crate::codecs;
use crate::prelude::*;
use crate::types::cell::ObjectCell;
use crate::types::str::{self, Builder, Kind};
pub use crate::types::str_case::is_identifier;
use crate::types::str_units::{Width, build, substring};
use crate::types::{iterators, slice, str_case, str_format, str_search, str_split};
use std::borrow::Cow;
use std::cell::Cell;
use taipan_unicode as unicode;

pub static STR: Type = Type::new::<Str>(
    "str",
    &crate::types::object::OBJECT,
    type_flags::BASE | type_flags::STR_SUBCLASS | type_flags::MATCH_SELF | type_flags::VAR_SIZED,
    Slots {
        new: Some(str_new),
        hash: Some(|vm, s| Ok(this(s).hash(vm))),
        compare: Some(str_compare),
        len: Some(|_, s| Ok(this(s).len())),
        getitem: Some(str_getitem),
        contains: Some(str_contains),
        concat: Some(str_concat),
        repeat: Some(str_repeat),
        ..Slots::EMPTY
            .repr(str_repr)
            .str(|vm, s| Ok(substring(vm, s, this(s), 0, this(s).len())))
            .iter(|vm, s| Ok(str_iterator(vm, s)))
            .binary(BinaryOp::Mod, str_mod)
    },
    METHODS,
    &[],
)
.with_doc("str(object='') -> str\nstr(bytes_or_buffer[, encoding[, errors]]) -> str\n\nThe text that shows an object; with an encoding or errors, the text that a\nbuffer holds in that encoding (UTF-8 unless another is given).");

const METHODS: &[MethodDef] = &[
    MethodDef::new("encode($self, /, encoding='utf-8', errors='strict')", str_encode, "The string's text in an encoding, as bytes.\n\nerrors names the handler of what cannot be encoded: 'strict', 'ignore',\n'replace', 'xmlcharrefreplace', or a name given to codecs.register_error."),
    MethodDef::new("replace($self, old, new, /, count=-1)", str_split::str_replace, "A copy with the substring old replaced by new, at most count times."),
    MethodDef::new("split($self, /, sep=None, maxsplit=-1)", str_split::str_split, "The list of the parts between separators.\n\nsep\n  What separates; None: runs of white space.\nmaxsplit\n  How many splits at most, from the left; -1: no limit."),
    MethodDef::new("rsplit($self, /, sep=None, maxsplit=-1)", str_split::str_rsplit, "As split(), counting splits from the right."),
    MethodDef::new("join($self, iterable, /)", str_split::str_join, "The strings of the iterable with this one between each two."),
    MethodDef::new("capitalize($self, /)", str_case::str_capitalize, "A copy with the first character in title case, the rest lowered."),
    MethodDef::new("casefold($self, /)", str_case::str_casefold, "A copy for comparing without regard to case."),
    MethodDef::new("title($self, /)", str_case::str_title, "A copy in which each word begins with title case and goes on lowered."),
    MethodDef::new("center($self, width, fillchar=' ', /)", str_split::str_center, "The string padded on both sides to the width."),
    MethodDef::new("count($self, sub, start=None, end=None, /)", str_search::str_count, "How often sub occurs in S[start:end], without overlaps."),
    MethodDef::new("expandtabs($self, /, tabsize=8)", str_split::str_expandtabs, "A copy with tabs expanded to spaces."),
    MethodDef::new("find($self, sub, start=None, end=None, /)", str_search::str_find, "The lowest index of sub in S[start:end], or -1."),
    MethodDef::new("partition($self, sep, /)", str_split::str_partition, "What is before the first sep, sep itself, and what is after it.\n\nWithout a sep: the string and two empty ones."),
    MethodDef::new("index($self, sub, start=None, end=None, /)", str_search::str_index, "The lowest index of sub in S[start:end]; ValueError if there is none."),
    MethodDef::new("ljust($self, width, fillchar=' ', /)", str_split::str_ljust, "The string padded on the right to the width."),
    MethodDef::new("lower($self, /)", str_case::str_lower, "A copy in lower case."),
    MethodDef::new("lstrip($self, chars=None, /)", str_split::str_lstrip, "A copy without leading white space, or characters of chars."),
    MethodDef::new("rfind($self, sub, start=None, end=None, /)", str_search::str_rfind, "The highest index of sub in S[start:end], or -1."),
    MethodDef::new("rindex($self, sub, start=None, end=None, /)", str_search::str_rindex, "The highest index of sub in S[start:end]; ValueError if there is none."),
    MethodDef::new("rjust($self, width, fillchar=' ', /)", str_split::str_rjust, "The string padded on the left to the width."),
    MethodDef::new("rstrip($self, chars=None, /)", str_split::str_rstrip, "A copy without trailing white space, or characters of chars."),
    MethodDef::new("rpartition($self, sep, /)", str_split::str_rpartition, "What is before the last sep, sep itself, and what is after it.\n\nWithout a sep: two empty strings and the string."),
    MethodDef::new("splitlines($self, /, keepends=False)", str_split::str_splitlines, "The list of the lines, with their ends if keepends is true."),
    MethodDef::new("strip($self, chars=None, /)", str_split::str_strip, "A copy without white space, or characters of chars, at both ends."),
    MethodDef::new("swapcase($self, /)", str_case::str_swapcase, "A copy with upper and lower case exchanged."),
    MethodDef::new("translate($self, table, /)", str_split::str_translate, "A copy with each character replaced by table[ord(character)].\n\nNone deletes; a LookupError leaves the character as it is."),
    MethodDef::new("upper($self, /)", str_case::str_upper, "A copy in upper case."),
    MethodDef::new("startswith($self, prefix, start=None, end=None, /)", str_search::str_startswith, "Does S[start:end] start with the prefix, or with one of a tuple of them?"),
    MethodDef::new("endswith($self, suffix, start=None, end=None, /)", str_search::str_endswith, "Does S[start:end] end with the suffix, or with one of a tuple of them?"),
    MethodDef::new("removeprefix($self, prefix, /)", str_split::str_removeprefix, "A copy without the prefix, if it is there."),
    MethodDef::new("removesuffix($self, suffix, /)", str_split::str_removesuffix, "A copy without the suffix, if it is there."),
    MethodDef::new("isascii($self, /)", str_case::str_isascii, "Are all characters ASCII?"),
    MethodDef::new("islower($self, /)", str_case::str_islower, "Are all cased characters lower case, and is there one?"),
    MethodDef::new("isupper($self, /)", str_case::str_isupper, "Are all cased characters upper case, and is there one?"),
    MethodDef::new("istitle($self, /)", str_case::str_istitle, "Does each word begin in title case and go on in lower case?"),
    MethodDef::new("isspace($self, /)", str_case::str_isspace, "Is the string white space and not empty?"),
    MethodDef::new("isdecimal($self, /)", str_case::str_isdecimal, "Are all characters decimal digits, and is there one?"),
    MethodDef::new("isdigit($self, /)", str_case::str_isdigit, "Are all characters digits, and is there one?"),
    MethodDef::new("isnumeric($self, /)", str_case::str_isnumeric, "Are all characters numeric, and is there one?"),
    MethodDef::new("isalpha($self, /)", str_case::str_isalpha, "Are all characters letters, and is there one?"),
    MethodDef::new("isalnum($self, /)", str_case::str_isalnum, "Are all characters letters or digits, and is there one?"),
    MethodDef::new("isidentifier($self, /)", str_case::str_isidentifier, "Is the string a Python identifier (keywords included)?"),
    MethodDef::new("isprintable($self, /)", str_case::str_isprintable, "Would repr() show all characters as they are?"),
    MethodDef::new("zfill($self, width, /)", str_split::str_zfill, "The string with zeros, behind its sign, up to the width."),
    MethodDef::new("format($self, /, *args, **kwargs)", str_format::str_format, "A copy with the fields in braces replaced from the arguments."),
    MethodDef::new("format_map($self, mapping, /)", str_format::str_format_map, "A copy with the fields in braces replaced from the mapping."),
    MethodDef::new("__format__($self, format_spec, /)", str_format::str_dunder_format, "The string laid out as the format spec says."),
    MethodDef::new("maketrans(x, y=<unrepresentable>, z=<unrepresentable>, /)", str_split::str_maketrans, "A table for translate().\n\nOf a dict from characters or ordinals; or of two strings of equal length,\nand perhaps a third whose characters are to be deleted.").static_method(),
    MethodDef::new("__sizeof__($self, /)", |vm, args| Ok(vm.usize(crate::alloc::own_size(&args[0]))), "The size in memory, in bytes."),
    MethodDef::new("__getnewargs__($self, /)", |vm, args| {
        let copy = str::copy_as(vm, &STR, this(&args[0])).ok_or_else(|| vm.memory_error())?;
        Ok(vm.tuple(vec![copy]))
    }, ""),
];

fn this(object: &Object) -> &Str {
    // SAFETY: slots and methods of str are only called on strings.
    unsafe { object.payload_unchecked() }
}

/// The type of an argument in messages about it: None is called by its name.
pub fn shown_type(object: &Object) -> &str {
    if object.is_none() { "None" } else { object.ty().full_name() }
}

/// The type's name with its module (unless that is builtins or `__main__`) and
/// outer classes, as some messages have it.
pub fn qualified_type(vm: &Vm, object: &Object) -> String {
    let ty = object.ty();
    if !ty.is_heap() {
        return ty.full_name().to_string();
    }
    let name = match &ty.extra().qualname {
        Some(name) => vm.str_lossy(name),
        None => ty.name().to_string(),
    };
    let module = ty.lookup_owned(vm, crate::names::name::module.object());
    match module.filter(|m| m.downcast::<Str>().is_some()).map(|m| vm.str_lossy(&m)) {
        Some(module) if module != "builtins" && module != "__main__" => format!("{module}.{name}"),
        _ => name,
    }
}

// ---- making -----------------------------------------------------------------------

static SIG: Sig = Sig::new("str(object=<missing>, encoding=<missing>, errors=<missing>)");

fn str_new(vm: &Vm, class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    let text = match (args, kwnames) {
        ([], []) => str::empty(),
        ([object], []) => vm.str_of(object)?,
        (_, []) if args.len() > 3 => {
            return Err(vm.type_error(format!("str expected at most 3 arguments, got {}", args.len())));
        }
        _ => {
            let bound;
            let [object, encoding, errors] = match args {
                [object, encoding, errors] if kwnames.is_empty() => [object, encoding, errors],
                _ => {
                    bound = SIG.bind(vm, args, kwnames)?;
                    [&bound[0], &bound[1], &bound[2]]
                }
            };
            let encoding = text_argument(vm, "encoding", encoding)?;
            let errors = text_argument(vm, "errors", errors)?;
            match (object.bound(), &encoding, &errors) {
                (None, ..) => str::empty(),
                (Some(object), None, None) => vm.str_of(object)?,
                (Some(object), ..) => decode_object(
                    vm,
                    object,
                    encoding.as_deref().unwrap_or("utf-8"),
                    errors.as_deref().unwrap_or("strict"),
                )?,
            }
        }
    };
    if class.is(&STR) {
        return Ok(text);
    }
    str::copy_as(vm, class, this(&text)).ok_or_else(|| vm.memory_error())
}

fn text_argument<'a>(vm: &Vm, name: &str, object: &'a Object) -> Result<Option<Cow<'a, str>>> {
    let Some(object) = object.bound() else { return Ok(None) };
    if object.downcast::<Str>().is_none() {
        let shown = if object.is_none() { "None".to_string() } else { qualified_type(vm, object) };
        return Err(vm.type_error(format!("str() argument '{name}' must be str, not {shown}")));
    }
    codecs::codec_name(vm, object).map(Some)
}

/// `str(object, encoding, errors)`.
fn decode_object(vm: &Vm, object: &Object, encoding: &str, errors: &str) -> Result {
    if object.downcast::<Str>().is_some() {
        return Err(vm.type_error("decoding str is not supported"));
    }
    if object.ty().slots().buffer.is_none() {
        return Err(vm.type_error(format!(
            "decoding to str: need a bytes-like object, {} found",
            object.ty().full_name()
        )));
    }
    codecs::decode_object(vm, object, encoding, errors)
}

fn str_encode(vm: &Vm, args: &[Object]) -> Result {
    let encoding = codec_argument(vm, "encode() argument 'encoding'", &args[1])?;
    let errors = codec_argument(vm, "encode() argument 'errors'", &args[2])?;
    codecs::encode(vm, &args[0], &encoding, &errors)
}

/// An argument that names an encoding or an error handler; `what` begins the message.
pub fn codec_argument<'a>(vm: &Vm, what: &str, object: &'a Object) -> Result<Cow<'a, str>> {
    if object.downcast::<Str>().is_none() {
        return Err(vm.type_error(format!("{what} must be str, not {}", shown_type(object))));
    }
    codecs::codec_name(vm, object)
}

// ---- showing ------------------------------------------------------------------------

/// Can the byte stand in a repr between single quotes as it is?
const PLAIN: [bool; 256] = {
    let mut table = [false; 256];
    let mut c = 0x20;
    while c < 0x7f {
        table[c] = c != b'\'' as usize && c != b'\\' as usize;
        c += 1;
    }
    table
};

fn str_repr(vm: &Vm, object: &Object) -> Result {
    let s = this(object);
    if let Kind::Latin1(bytes) = s.kind()
        && bytes.iter().all(|&c| PLAIN[c as usize])
    {
        return build::<u8>(vm, bytes.len() + 2, Width::Ascii, |out| {
            out.push(b'\'');
            out.extend(bytes);
            out.push(b'\'');
        });
    }
    let (mut single, mut double) = (false, false);
    for c in s.chars() {
        single |= c == '\'' as u32;
        double |= c == '"' as u32;
    }
    let quote = if single && !double { '"' } else { '\'' } as u32;
    let mut out = Builder::new();
    if out.try_reserve(s.len() + 2).is_none() {
        return Err(vm.memory_error());
    }
    out.push_char(quote);
    for c in s.chars() {
        if c == quote || c == '\\' as u32 {
            out.push_char('\\' as u32);
            out.push_char(c);
        } else {
            push_repr_char(&mut out, c);
        }
    }
    out.push_char(quote);
    Ok(out.finish(vm))
}

fn push_repr_char(out: &mut Builder, c: u32) {
    match c {
        9 => out.push_str("\\t"),
        10 => out.push_str("\\n"),
        13 => out.push_str("\\r"),
        0x20..0x7f => out.push_char(c),
        0..0x80 => out.push_str(&format!("\\x{c:02x}")),
        _ if unicode::is_printable(c) => out.push_char(c),
        ..0x100 => out.push_str(&format!("\\x{c:02x}")),
        ..0x10000 => out.push_str(&format!("\\u{c:04x}")),
        _ => out.push_str(&format!("\\U{c:08x}")),
    }
}

// ---- operators --------------------------------------------------------------------------

fn str_compare(_: &Vm, a: &Object, b: &Object, op: CompareOp) -> Result {
    let (Some(x), Some(y)) = (a.downcast::<Str>(), b.downcast::<Str>()) else {
        return Ok(Object::NOT_IMPLEMENTED);
    };
    Ok(Object::bool(match op {
        CompareOp::Eq => x.equals(y),
        CompareOp::Ne => !x.equals(y),
        _ => op.holds(Some(x.compare(y))),
    }))
}

fn str_getitem(vm: &Vm, object: &Object, key: &Object) -> Result {
    let s = this(object);
    if vm.is_index(key) {
        let i = vm.index_for_item(key)?;
        let i = if i < 0 { i + s.len() as isize } else { i };
        if i < 0 || i as usize >= s.len() {
            return Err(vm.index_error("string index out of range"));
        }
        return Ok(str::from_char(vm, s.char_at(i as usize)));
    }
    let Some(slice) = slice::Slice::of(key) else {
        return Err(vm.type_error(format!("string indices must be integers, not '{}'", key.ty().full_name())));
    };
    let range = slice.indices(vm, s.len())?;
    if range.step == 1 {
        let start = range.start as usize;
        return Ok(substring(vm, object, s, start.min(s.len()), (start + range.count).min(s.len())));
    }
    str_split::extract(vm, s, range.count, range.iter())
}

fn str_contains(vm: &Vm, object: &Object, item: &Object) -> Result<bool> {
    match item.downcast::<Str>() {
        Some(needle) => Ok(str_search::contains(this(object), needle)),
        None => Err(vm.type_error(format!(
            "'in <string>' requires string as left operand, not {}",
            item.ty().full_name()
        ))),
    }
}

/// `a + b` of a string.
pub(crate) fn str_concat(vm: &Vm, a: &Object, b: &Object) -> Result {
    let Some(y) = b.downcast::<Str>() else {
        return Err(
            vm.type_error(format!("can only concatenate str (not \"{}\") to str", b.ty().full_name()))
        );
    };
    let x = this(a);
    if x.is_empty() {
        return Ok(substring(vm, b, y, 0, y.len()));
    }
    if y.is_empty() {
        return Ok(substring(vm, a, x, 0, x.len()));
    }
    if x.len().checked_add(y.len()).is_none_or(|n| n > isize::MAX as usize) {
        return Err(vm.overflow_error("strings are too large to concat"));
    }
    str::concat(vm, x, y).ok_or_else(|| vm.memory_error())
}

fn str_repeat(vm: &Vm, object: &Object, count: &Object) -> Result {
    let n = vm.index_for_item_overflow(count)?;
    str_split::repeat(vm, object, n.max(0) as usize)
}

fn str_mod(vm: &Vm, a: &Object, b: &Object) -> Result {
    if a.downcast::<Str>().is_none() {
        return Ok(Object::NOT_IMPLEMENTED);
    }
    str_format::percent_format(vm, a, b)
}

// ---- iteration -------------------------------------------------------------------------------

/// Payload of str_iterator and str_ascii_iterator.
pub struct StrIterator {
    /// UNBOUND when exhausted.
    pub(crate) text: ObjectCell,
    pub(crate) index: Cell<usize>,
}

impl NativeClass for StrIterator {
    fn class() -> &'static Type {
        &STR_ITERATOR
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.text.traverse(visitor)
    }
    fn clear(&self) {
        self.text.clear()
    }
}

const ITERATOR_SLOTS: Slots = Slots { next: Some(iterator_next), ..Slots::EMPTY.iter(iterators::itself) };

const ITERATOR_METHODS: &[MethodDef] = &[
    MethodDef::new("__length_hint__($self, /)", iterator_hint, iterators::HINT_DOC),
    MethodDef::new("__reduce__($self, /)", iterator_reduce, iterators::REDUCE_DOC),
    MethodDef::new("__setstate__($self, object, /)", iterator_setstate, iterators::SETSTATE_DOC),
];

pub static STR_ITERATOR: Type = Type::new::<StrIterator>(
    "str_iterator",
    &crate::types::object::OBJECT,
    type_flags::HAVE_GC,
    ITERATOR_SLOTS,
    ITERATOR_METHODS,
    &[],
);

pub static STR_ASCII_ITERATOR: Type = Type::new::<StrIterator>(
    "str_ascii_iterator",
    &crate::types::object::OBJECT,
    type_flags::HAVE_GC,
    ITERATOR_SLOTS,
    ITERATOR_METHODS,
    &[],
);

/// The types of this file beside `str`.
pub static TYPES: [&Type; 4] =
    [&STR_ITERATOR, &STR_ASCII_ITERATOR, &str_format::FORMATTER_ITERATOR, &str_format::FIELD_NAME_ITERATOR];

/// An iterator over the characters of a string.
pub fn str_iterator(vm: &Vm, text: &Object) -> Object {
    let class = if this(text).is_ascii() { &STR_ASCII_ITERATOR } else { &STR_ITERATOR };
    vm.alloc(class, StrIterator { text: ObjectCell::new(text.clone()), index: Cell::new(0) })
}

fn it(object: &Object) -> &StrIterator {
    // SAFETY: slots and methods of the string iterators are only called on them.
    unsafe { object.payload_unchecked() }
}

fn iterator_next(vm: &Vm, object: &Object) -> Result<Option<Object>> {
    let state = it(object);
    let text = state.text.value();
    if text.is_unbound() {
        return Ok(None);
    }
    let s = this(Object::borrow_value(&text));
    let index = state.index.get();
    if index < s.len() {
        state.index.set(index + 1);
        return Ok(Some(str::from_char(vm, s.char_at(index))));
    }
    state.text.clear();
    Ok(None)
}

fn iterator_hint(vm: &Vm, args: &[Object]) -> Result {
    let state = it(&args[0]);
    Ok(vm.usize(state.text.bound().map_or(0, |text| this(&text).len().saturating_sub(state.index.get()))))
}

fn iterator_reduce(vm: &Vm, args: &[Object]) -> Result {
    let state = it(&args[0]);
    let iter = iterators::builtin(vm, "iter")?;
    Ok(vm.tuple(match state.text.bound() {
        Some(text) => vec![iter, vm.tuple(vec![text]), vm.usize(state.index.get())],
        None => vec![iter, vm.tuple(vec![str::empty()])],
    }))
}

fn iterator_setstate(vm: &Vm, args: &[Object]) -> Result {
    let index = vm.index_isize(&args[1])?;
    let state = it(&args[0]);
    if let Some(text) = state.text.bound() {
        state.index.set((index.max(0) as usize).min(this(&text).len()));
    }
    Ok(Object::NONE)
}
