//! `_csv.Dialect`: the rules of a kind of CSV, checked once and then immutable.

use super::registered;
use taipan_runtime::prelude::*;
use taipan_runtime::support::{allocate, check_arity, this};
use taipan_runtime::types::int;
use taipan_runtime::types::object::OBJECT;
use taipan_runtime::types::str;

/// When fields are quoted (`QUOTE_*`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Quoting {
    Minimal,
    All,
    NonNumeric,
    None,
    Strings,
    NotNull,
}

impl Quoting {
    const ALL: [Quoting; 6] = [
        Quoting::Minimal,
        Quoting::All,
        Quoting::NonNumeric,
        Quoting::None,
        Quoting::Strings,
        Quoting::NotNull,
    ];
}

/// Payload of `Dialect`.
pub struct Dialect {
    pub delimiter: u32,
    pub double_quote: bool,
    pub escape: Option<u32>,
    /// A str.
    pub line_terminator: Object,
    pub quote: Option<u32>,
    pub quoting: Quoting,
    pub skip_initial_space: bool,
    pub strict: bool,
}

impl NativeClass for Dialect {
    fn class() -> &'static Type {
        &DIALECT
    }
}

fn cannot_pickle(vm: &Vm, args: &[Object], _kwnames: &[Object]) -> Result {
    let shown = args.first().map_or("Dialect", |object| object.ty().name());
    Err(vm.type_error(format!("cannot pickle '{shown}' instances")))
}

fn shown_char(vm: &Vm, c: Option<u32>) -> Object {
    c.map_or(Object::NONE, |c| str::from_char(vm, c))
}

pub static DIALECT: Type = Type::new::<Dialect>(
    "_csv.Dialect",
    &OBJECT,
    type_flags::BASE,
    Slots { new: Some(make), ..Slots::EMPTY },
    &[
        MethodDef::raw("__reduce__($self, /)", cannot_pickle, "raises an exception to avoid pickling"),
        MethodDef::raw("__reduce_ex__($self, /)", cannot_pickle, "raises an exception to avoid pickling"),
    ],
    &[
        GetSetDef::member("skipinitialspace", |_, d| Ok(Object::bool(this::<Dialect>(d).skip_initial_space))),
        GetSetDef::member("doublequote", |_, d| Ok(Object::bool(this::<Dialect>(d).double_quote))),
        GetSetDef::member("strict", |_, d| Ok(Object::bool(this::<Dialect>(d).strict))),
        GetSetDef::new("delimiter", |vm, d| Ok(shown_char(vm, Some(this::<Dialect>(d).delimiter)))),
        GetSetDef::new("escapechar", |vm, d| Ok(shown_char(vm, this::<Dialect>(d).escape))),
        GetSetDef::new("lineterminator", |_, d| Ok(this::<Dialect>(d).line_terminator.clone())),
        GetSetDef::new("quotechar", |vm, d| Ok(shown_char(vm, this::<Dialect>(d).quote))),
        GetSetDef::new("quoting", |vm, d| Ok(vm.int(this::<Dialect>(d).quoting as i64))),
    ],
)
.with_doc("CSV dialect\n\nThe Dialect type records CSV parsing and generation options.\n");

/// The parameters of `Dialect`, in order.
const PARAMETERS: [&str; 9] = [
    "dialect",
    "delimiter",
    "doublequote",
    "escapechar",
    "lineterminator",
    "quotechar",
    "quoting",
    "skipinitialspace",
    "strict",
];

/// Takes the first argument of `reader`, `writer` and `register_dialect` off;
/// the rest goes to [`make`].
pub fn split_arguments<'a>(
    vm: &Vm,
    function: &str,
    args: &'a [Object],
    kwnames: &[Object],
) -> Result<(&'a Object, &'a [Object])> {
    check_arity(vm, function, args.len() - kwnames.len(), 1, 2)?;
    match args.split_first() {
        Some(split) => Ok(split),
        None => Err(vm.system_error("no arguments")),
    }
}

/// The arguments by parameter, UNBOUND where absent.
fn bind(vm: &Vm, args: &[Object], kwnames: &[Object]) -> Result<[Object; 9]> {
    let mut bound = [const { Object::UNBOUND }; 9];
    if args.len() > PARAMETERS.len() {
        return Err(vm.type_error(format!("function takes at most 9 arguments ({} given)", args.len())));
    }
    let (positional, keywords) = args.split_at(args.len() - kwnames.len());
    bound.iter_mut().zip(positional).for_each(|(slot, value)| *slot = value.clone());
    for (name, value) in kwnames.iter().zip(keywords) {
        let text = vm.str_lossy(name);
        let Some(i) = PARAMETERS.iter().position(|known| *known == text) else {
            return Err(vm.type_error(format!("this function got an unexpected keyword argument '{text}'")));
        };
        if i < positional.len() {
            let message = format!("argument for function given by name ('{text}') and position ({})", i + 1);
            return Err(vm.type_error(message));
        }
        bound[i] = value.clone();
    }
    Ok(bound)
}

/// `Dialect(dialect=None, **options)`: an instance of `class`.
pub fn make(vm: &Vm, class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    let mut bound = bind(vm, args, kwnames)?;
    if let Some(mut base) = bound[0].some().cloned() {
        if base.downcast::<Str>().is_some() {
            base = registered(vm, &base)?;
        }
        if base.downcast::<Dialect>().is_some() && bound[1..].iter().all(|option| option.is_unbound()) {
            return Ok(base);
        }
        for (slot, name) in bound.iter_mut().zip(PARAMETERS).skip(1) {
            if slot.is_unbound() {
                match vm.get_attr_str(&base, name) {
                    Ok(value) => *slot = value,
                    // Whatever went wrong: the default it is.
                    Err(raised) => drop(vm.caught(raised)),
                }
            }
        }
    }
    let dialect = checked(vm, &bound)?;
    allocate(vm, class, dialect)
}

fn character(vm: &Vm, name: &str, object: &Object, optional: bool) -> Result<u32> {
    let wanted = if optional { "a unicode character or None" } else { "a unicode character" };
    match object.downcast::<Str>() {
        Some(s) if s.len() == 1 => Ok(s.char_at(0)),
        Some(s) => {
            Err(vm.type_error(format!("\"{name}\" must be {wanted}, not a string of length {}", s.len())))
        }
        None => Err(vm.type_error(format!("\"{name}\" must be {wanted}, not {}", object.ty().name()))),
    }
}

fn optional_character(vm: &Vm, name: &str, object: &Object, default: Option<u32>) -> Result<Option<u32>> {
    if object.is_unbound() {
        return Ok(default);
    }
    if object.is_none() { Ok(None) } else { character(vm, name, object, true).map(Some) }
}

fn boolean(vm: &Vm, object: &Object, default: bool) -> Result<bool> {
    object.bound().map_or(Ok(default), |object| vm.is_true(object))
}

/// Options as a dialect, if they agree with each other.
fn checked(vm: &Vm, bound: &[Object; 9]) -> Result<Dialect> {
    let [_, delimiter, doublequote, escapechar, lineterminator, quotechar, quoting, skip, strict] = bound;
    let delimiter = match delimiter.bound() {
        Some(object) => character(vm, "delimiter", object, false)?,
        None => u32::from(','),
    };
    let double_quote = boolean(vm, doublequote, true)?;
    let escape = optional_character(vm, "escapechar", escapechar, None)?;
    let line_terminator = match lineterminator.bound() {
        Some(object) if object.downcast::<Str>().is_some() => object.clone(),
        Some(object) => {
            let shown = object.ty().name();
            return Err(vm.type_error(format!("\"lineterminator\" must be a string, not {shown}")));
        }
        None => vm.intern("\r\n"),
    };
    let quote = optional_character(vm, "quotechar", quotechar, Some(u32::from('"')))?;
    let number = match quoting.bound() {
        Some(object) if int::is_exact(object) => vm.to_plain_c_int(object)?,
        Some(object) => {
            return Err(vm.type_error(format!("\"quoting\" must be an integer, not {}", object.ty().name())));
        }
        None => 0,
    };
    let skip_initial_space = boolean(vm, skip, false)?;
    let strict = boolean(vm, strict, false)?;

    let Some(&style) = usize::try_from(number).ok().and_then(|n| Quoting::ALL.get(n)) else {
        return Err(vm.type_error("bad \"quoting\" value"));
    };
    let style = if quotechar.is_none() && quoting.is_unbound() { Quoting::None } else { style };
    if style != Quoting::None && quote.is_none() {
        return Err(vm.type_error("quotechar must be set if quoting enabled"));
    }
    let bad = |what: &str| Err(vm.value_error(format!("bad {what} value")));
    let space = u32::from(' ');
    for (name, c, space_allowed) in [
        ("delimiter", Some(delimiter), true),
        ("escapechar", escape, !skip_initial_space),
        ("quotechar", quote, !skip_initial_space),
    ] {
        if c == Some(10) || c == Some(13) || c == Some(space) && !space_allowed {
            return bad(name);
        }
        if line_terminator.downcast::<Str>().is_some_and(|t| t.chars().any(|t| Some(t) == c)) {
            return bad(&format!("{name} or lineterminator"));
        }
    }
    for (name, a, b) in [
        ("delimiter or escapechar", Some(delimiter), escape),
        ("delimiter or quotechar", Some(delimiter), quote),
        ("escapechar or quotechar", escape, quote),
    ] {
        if a.is_some() && a == b {
            return bad(name);
        }
    }
    Ok(Dialect {
        delimiter,
        double_quote,
        escape,
        line_terminator,
        quote,
        quoting: style,
        skip_initial_space,
        strict,
    })
}
