//! The module `_locale`.

use crate::support::*;
use std::ffi::CString;
use taipan_host::environment::{self, Catalogue};
use taipan_host::libc;
use taipan_runtime::prelude::*;
use taipan_runtime::support::exception_class;

pub static MODULE: ModuleDef = ModuleDef {
    name: "_locale",
    doc: "The locales of the C library.",
    functions: &[
        MethodDef::new(
            "setlocale(category, locale=None, /)",
            setlocale,
            "Sets the locale of a category, or asks for it (None).",
        ),
        MethodDef::new(
            "localeconv()",
            localeconv,
            "The conventions of the locale for numbers and money, as a dict.",
        ),
        MethodDef::new(
            "strcoll(os1, os2, /)",
            strcoll,
            "Compares two strings as the locale sorts them: negative, zero or positive.",
        ),
        MethodDef::new("strxfrm(string, /)", strxfrm, "A key for sorting strings as the locale sorts them."),
        MethodDef::new("nl_langinfo(key, /)", nl_langinfo, "What the locale says about a key."),
        MethodDef::new(
            "getencoding()",
            |vm, _| {
                let config_utf8 = vm.interp().config.utf8_mode;
                if config_utf8 {
                    return Ok(vm.str("utf-8"));
                }
                decode(vm, &environment::language_info(libc::CODESET))
            },
            "The encoding of the locale.",
        ),
        MethodDef::new(
            "gettext(msg, /)",
            |vm, args| {
                let message = argument(vm, &args[0], "gettext", 1)?;
                ask(vm, Catalogue::Message(&message))
            },
            "The translation of a message.",
        ),
        MethodDef::new(
            "dgettext(domain, msg, /)",
            |vm, args| {
                let domain = optional(vm, &args[0], "dgettext", 1)?;
                let message = argument(vm, &args[1], "dgettext", 2)?;
                ask(vm, Catalogue::MessageIn(domain.as_deref(), &message))
            },
            "The translation of a message of a domain.",
        ),
        MethodDef::new(
            "dcgettext(domain, msg, category, /)",
            |vm, args| {
                let domain = optional(vm, &args[0], "dcgettext", 1)?;
                let message = argument(vm, &args[1], "dcgettext", 2)?;
                let category = vm.to_plain_c_int(&args[2])?;
                ask(vm, Catalogue::MessageInCategory(domain.as_deref(), &message, category))
            },
            "The translation of a message of a domain and category.",
        ),
        MethodDef::new(
            "textdomain(domain, /)",
            |vm, args| {
                let domain = optional(vm, &args[0], "textdomain", 1)?;
                ask(vm, Catalogue::Domain(domain.as_deref()))
            },
            "Sets the domain of messages, or asks for it (None).",
        ),
        MethodDef::new(
            "bindtextdomain(domain, dir, /)",
            |vm, args| {
                let domain = argument(vm, &args[0], "bindtextdomain", 1)?;
                if domain.is_empty() {
                    return Err(error(vm, "domain must be a non-empty string"));
                }
                let directory = match args[1].some() {
                    Some(directory) => Some(fs_bytes(vm, directory)?),
                    None => None,
                };
                ask(vm, Catalogue::Directory(&domain, directory.as_deref()))
            },
            "Sets the directory of a domain's messages, or asks for it (None).",
        ),
        MethodDef::new(
            "bind_textdomain_codeset(domain, codeset, /)",
            |vm, args| {
                let domain = argument(vm, &args[0], "bind_textdomain_codeset", 1)?;
                let codeset = optional(vm, &args[1], "bind_textdomain_codeset", 2)?;
                ask(vm, Catalogue::Codeset(&domain, codeset.as_deref()))
            },
            "Sets the encoding of a domain's messages, or asks for it (None).",
        ),
    ],
    types: &[],
    init: Some(|vm, module| {
        let class = error_class(vm)?;
        vm.set_attr_str(module, "Error", &class)?;
        add_ints(vm, module, CONSTANTS)
    }),
};

const ERROR: &str = "locale.Error";

fn error_class(vm: &Vm) -> Result {
    match vm.shared(ERROR) {
        Some(class) => Ok(class),
        None => exception_class(vm, ERROR, "locale", "Error", &exc::EXCEPTION, None),
    }
}

fn error(vm: &Vm, text: &str) -> Raised {
    raise_class(vm, error_class(vm), &[vm.str(text)])
}

/// A str argument as the bytes of a C string.
fn argument(vm: &Vm, object: &Object, function: &str, place: usize) -> Result<CString> {
    if object.downcast::<Str>().is_none() {
        return Err(
            vm.type_error(format!("{function}() argument {place} must be str, not {}", object.ty().name()))
        );
    }
    CString::new(vm.fs_encode(object)?).map_err(|_| vm.value_error("embedded null character"))
}

fn optional(vm: &Vm, object: &Object, function: &str, place: usize) -> Result<Option<CString>> {
    if object.is_none() {
        return Ok(None);
    }
    if object.downcast::<Str>().is_none() {
        return Err(vm.type_error(format!(
            "{function}() argument {place} must be str or None, not {}",
            object.ty().name()
        )));
    }
    argument(vm, object, function, place).map(Some)
}

fn ask(vm: &Vm, request: Catalogue<'_>) -> Result {
    match os(vm, environment::catalogue(request))? {
        Some(text) => decode(vm, &text),
        None => Ok(Object::NONE),
    }
}

fn setlocale(vm: &Vm, args: &[Object]) -> Result {
    let category = vm.to_plain_c_int(&args[0])?;
    let locale = optional(vm, &args[1], "setlocale", 2)?;
    match environment::set_locale(category, locale.as_deref()) {
        Some(found) => decode(vm, found.to_bytes()),
        None if locale.is_some() => Err(error(vm, "unsupported locale setting")),
        None => Err(error(vm, "locale query failed")),
    }
}

fn localeconv(vm: &Vm, _args: &[Object]) -> Result {
    let conventions = os(vm, environment::locale_conventions())?;
    let dict = vm.new_dict();
    // In CPython's order, which shows.
    const ORDER: [&str; 18] = [
        "int_curr_symbol",
        "currency_symbol",
        "mon_decimal_point",
        "mon_thousands_sep",
        "mon_grouping",
        "positive_sign",
        "negative_sign",
        "int_frac_digits",
        "frac_digits",
        "p_cs_precedes",
        "p_sep_by_space",
        "n_cs_precedes",
        "n_sep_by_space",
        "p_sign_posn",
        "n_sign_posn",
        "decimal_point",
        "thousands_sep",
        "grouping",
    ];
    for key in ORDER {
        let value = if let Some((_, text)) = conventions.texts.iter().find(|(k, _)| *k == key) {
            decode(vm, text)?
        } else if let Some((_, n)) = conventions.numbers.iter().find(|(k, _)| *k == key) {
            vm.int(*n as i64)
        } else if let Some((_, grouping)) = conventions.groupings.iter().find(|(k, _)| *k == key) {
            let mut sizes: Vec<Object> = grouping.iter().map(|&n| vm.int(n as i64)).collect();
            // The end is marked, unless the last size says "no more groups" itself.
            if !grouping.is_empty() && grouping.last() != Some(&(libc::c_char::MAX as u8)) {
                sizes.push(vm.int(0));
            }
            vm.list(sizes)
        } else {
            continue;
        };
        vm.set_item(&dict, &vm.intern(key), &value)?;
    }
    Ok(dict)
}

fn strcoll(vm: &Vm, args: &[Object]) -> Result {
    let (a, b) = (argument(vm, &args[0], "strcoll", 1)?, argument(vm, &args[1], "strcoll", 2)?);
    Ok(vm.int(environment::collate(&a, &b) as i64))
}

fn strxfrm(vm: &Vm, args: &[Object]) -> Result {
    let text = argument(vm, &args[0], "strxfrm", 1)?;
    decode(vm, &environment::transform(&text))
}

fn nl_langinfo(vm: &Vm, args: &[Object]) -> Result {
    let key = vm.to_plain_c_int(&args[0])?;
    if !CONSTANTS.iter().any(|&(name, value)| value == key as i64 && !name.starts_with("LC_")) {
        return Err(vm.value_error("unsupported langinfo constant"));
    }
    decode(vm, &environment::language_info(key))
}

/// Name and value.
pub const CONSTANTS: &[(&str, i64)] = &[
    ("ABDAY_1", 0x20000),
    ("ABDAY_2", 0x20001),
    ("ABDAY_3", 0x20002),
    ("ABDAY_4", 0x20003),
    ("ABDAY_5", 0x20004),
    ("ABDAY_6", 0x20005),
    ("ABDAY_7", 0x20006),
    ("ABMON_1", 0x2000e),
    ("ABMON_10", 0x20017),
    ("ABMON_11", 0x20018),
    ("ABMON_12", 0x20019),
    ("ABMON_2", 0x2000f),
    ("ABMON_3", 0x20010),
    ("ABMON_4", 0x20011),
    ("ABMON_5", 0x20012),
    ("ABMON_6", 0x20013),
    ("ABMON_7", 0x20014),
    ("ABMON_8", 0x20015),
    ("ABMON_9", 0x20016),
    ("ALT_DIGITS", 0x2002f),
    ("AM_STR", 0x20026),
    ("CHAR_MAX", 0x7f),
    ("CODESET", 0xe),
    ("CRNCYSTR", 0x4000f),
    ("DAY_1", 0x20007),
    ("DAY_2", 0x20008),
    ("DAY_3", 0x20009),
    ("DAY_4", 0x2000a),
    ("DAY_5", 0x2000b),
    ("DAY_6", 0x2000c),
    ("DAY_7", 0x2000d),
    ("D_FMT", 0x20029),
    ("D_T_FMT", 0x20028),
    ("ERA", 0x2002c),
    ("ERA_D_FMT", 0x2002e),
    ("ERA_D_T_FMT", 0x20030),
    ("ERA_T_FMT", 0x20031),
    ("LC_ALL", 6),
    ("LC_COLLATE", 3),
    ("LC_CTYPE", 0),
    ("LC_MESSAGES", 5),
    ("LC_MONETARY", 4),
    ("LC_NUMERIC", 1),
    ("LC_TIME", 2),
    ("MON_1", 0x2001a),
    ("MON_10", 0x20023),
    ("MON_11", 0x20024),
    ("MON_12", 0x20025),
    ("MON_2", 0x2001b),
    ("MON_3", 0x2001c),
    ("MON_4", 0x2001d),
    ("MON_5", 0x2001e),
    ("MON_6", 0x2001f),
    ("MON_7", 0x20020),
    ("MON_8", 0x20021),
    ("MON_9", 0x20022),
    ("NOEXPR", 0x50001),
    ("PM_STR", 0x20027),
    ("RADIXCHAR", 0x10000),
    ("THOUSEP", 0x10001),
    ("T_FMT", 0x2002a),
    ("T_FMT_AMPM", 0x2002b),
    ("YESEXPR", 0x50000),
    ("_DATE_FMT", 0x2006c),
];
