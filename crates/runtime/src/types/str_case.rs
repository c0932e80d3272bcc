//! Case methods and character-class predicates of str: bytewise on ASCII,
//! by the Unicode tables otherwise.

use crate::prelude::*;
use crate::types::str::{self, Builder, Kind, STR};
use crate::types::str_units::{Width, build, units};
use taipan_unicode as unicode;

fn this(object: &Object) -> &Str {
    // SAFETY: methods of str are only called on strings.
    unsafe { object.payload_unchecked() }
}

/// A new string of the ASCII string with each byte changed; the very same
/// object if nothing changes.
#[inline(always)]
fn map_ascii(vm: &Vm, object: &Object, text: &str, f: impl Fn(u8) -> u8) -> Result {
    let bytes = text.as_bytes();
    if object.ty().is(&STR) && bytes.iter().all(|&c| f(c) == c) {
        return Ok(object.clone());
    }
    build::<u8>(vm, bytes.len(), Width::Ascii, |out| out.map(bytes, f))
}

/// A new string, made by `f(index, char, out)` of each character.
fn map_chars(vm: &Vm, s: &Str, mut f: impl FnMut(usize, u32, &mut Builder)) -> Result {
    let mut out = Builder::new();
    if out.try_reserve(s.len()).is_none() {
        return Err(vm.memory_error());
    }
    units!(s, chars => for (i, &c) in chars.iter().enumerate() {
        f(i, c.into(), &mut out)
    });
    Ok(out.finish(vm))
}

fn push_all(out: &mut Builder, chars: &[u32]) {
    for &c in chars {
        out.push_char(c)
    }
}

/// Lowercase with the final sigma's rule.
#[inline]
fn push_lower(out: &mut Builder, s: &Str, i: usize, c: u32) {
    match c {
        0..0x80 => out.push_char((c as u8).to_ascii_lowercase() as u32),
        _ => push_all(out, &unicode::lower_at(s.len(), i, |i| s.char_at(i))),
    }
}

pub fn str_lower(vm: &Vm, args: &[Object]) -> Result {
    let s = this(&args[0]);
    match (s.as_ascii(), s.kind()) {
        (Some(text), _) => map_ascii(vm, &args[0], text, |c| c.to_ascii_lowercase()),
        // Latin-1 letters stay Latin-1 when lowered.
        (None, Kind::Latin1(bytes)) => build::<u8>(vm, bytes.len(), Width::Exact, |out| {
            out.map(bytes, |c| match c {
                b'A'..=b'Z' | 0xc0..=0xd6 | 0xd8..=0xde => c + 32,
                _ => c,
            })
        }),
        (None, Kind::U16(chars)) => {
            // A sigma asks for its neighbours; all others map by themselves.
            map_one_to_one(vm, chars, |c| if c == 0x3a3 { None } else { Some(unicode::to_lower(c)) })
                .unwrap_or_else(|| map_chars(vm, s, |i, c, out| push_lower(out, s, i, c)))
        }
        _ => map_chars(vm, s, |i, c, out| push_lower(out, s, i, c)),
    }
}

/// Maps UCS-2 text whose characters each become one; None if one does not.
fn map_one_to_one(vm: &Vm, chars: &[u16], f: impl Fn(u32) -> Option<unicode::Mapped>) -> Option<Result> {
    let mut out: Vec<u16> = Vec::new();
    out.try_reserve_exact(chars.len()).ok()?;
    for &c in chars {
        match f(c as u32)?.as_slice() {
            [to] => out.push(u16::try_from(*to).ok()?),
            _ => return None,
        }
    }
    Some(Ok(str::from_u16(vm, &out)))
}

pub fn str_upper(vm: &Vm, args: &[Object]) -> Result {
    let s = this(&args[0]);
    match s.as_ascii() {
        Some(text) => map_ascii(vm, &args[0], text, |c| c.to_ascii_uppercase()),
        None => {
            if let Kind::U16(chars) = s.kind()
                && let Some(done) = map_one_to_one(vm, chars, |c| Some(unicode::to_upper(c)))
            {
                return done;
            }
            map_chars(vm, s, |_, c, out| push_all(out, &unicode::to_upper(c)))
        }
    }
}

pub fn str_casefold(vm: &Vm, args: &[Object]) -> Result {
    let s = this(&args[0]);
    match s.as_ascii() {
        Some(text) => map_ascii(vm, &args[0], text, |c| c.to_ascii_lowercase()),
        None => map_chars(vm, s, |_, c, out| push_all(out, &unicode::to_casefold(c))),
    }
}

pub fn str_swapcase(vm: &Vm, args: &[Object]) -> Result {
    let s = this(&args[0]);
    match s.as_ascii() {
        Some(text) => map_ascii(vm, &args[0], text, |c| if c.is_ascii_alphabetic() { c ^ 32 } else { c }),
        None => map_chars(vm, s, |i, c, out| {
            if unicode::is_upper(c) {
                push_lower(out, s, i, c)
            } else if unicode::is_lower(c) {
                push_all(out, &unicode::to_upper(c))
            } else {
                out.push_char(c)
            }
        }),
    }
}

pub fn str_title(vm: &Vm, args: &[Object]) -> Result {
    let s = this(&args[0]);
    let mut inside = false;
    if let Some(text) = s.as_ascii() {
        return build::<u8>(vm, text.len(), Width::Ascii, |out| {
            for c in text.bytes() {
                out.push(if inside { c.to_ascii_lowercase() } else { c.to_ascii_uppercase() });
                inside = c.is_ascii_alphabetic();
            }
        });
    }
    map_chars(vm, s, |i, c, out| {
        if inside {
            push_lower(out, s, i, c)
        } else {
            push_all(out, &unicode::to_title(c))
        }
        inside = unicode::is_cased(c);
    })
}

pub fn str_capitalize(vm: &Vm, args: &[Object]) -> Result {
    let s = this(&args[0]);
    if let Some(text) = s.as_ascii() {
        return build::<u8>(vm, text.len(), Width::Ascii, |out| {
            if let [first, rest @ ..] = text.as_bytes() {
                out.push(first.to_ascii_uppercase());
                out.map(rest, |c| c.to_ascii_lowercase());
            }
        });
    }
    map_chars(
        vm,
        s,
        |i, c, out| {
            if i == 0 { push_all(out, &unicode::to_title(c)) } else { push_lower(out, s, i, c) }
        },
    )
}

// ---- predicates -------------------------------------------------------------------

/// Not empty and all characters are so.
#[inline(always)]
fn all(s: &Str, f: impl Fn(u32) -> bool) -> Result {
    Ok(Object::bool(!s.is_empty() && units!(s, chars => chars.iter().all(|&c| f(c.into())))))
}

pub fn str_isascii(_: &Vm, args: &[Object]) -> Result {
    Ok(Object::bool(this(&args[0]).is_ascii()))
}

pub fn str_isalpha(_: &Vm, args: &[Object]) -> Result {
    let s = this(&args[0]);
    match s.as_ascii() {
        Some(text) => Ok(Object::bool(!text.is_empty() && text.bytes().all(|c| c.is_ascii_alphabetic()))),
        None => all(s, unicode::is_alpha),
    }
}

pub fn str_isalnum(_: &Vm, args: &[Object]) -> Result {
    let s = this(&args[0]);
    match s.as_ascii() {
        Some(text) => Ok(Object::bool(!text.is_empty() && text.bytes().all(|c| c.is_ascii_alphanumeric()))),
        None => all(s, unicode::is_alnum),
    }
}

pub fn str_isdecimal(_: &Vm, args: &[Object]) -> Result {
    all(this(&args[0]), unicode::is_decimal)
}

pub fn str_isdigit(_: &Vm, args: &[Object]) -> Result {
    let s = this(&args[0]);
    match s.as_ascii() {
        Some(text) => Ok(Object::bool(!text.is_empty() && text.bytes().all(|c| c.is_ascii_digit()))),
        None => all(s, unicode::is_digit),
    }
}

pub fn str_isnumeric(_: &Vm, args: &[Object]) -> Result {
    all(this(&args[0]), unicode::is_numeric)
}

pub fn str_isspace(_: &Vm, args: &[Object]) -> Result {
    all(this(&args[0]), unicode::is_space)
}

pub fn str_isprintable(_: &Vm, args: &[Object]) -> Result {
    let s = this(&args[0]);
    Ok(Object::bool(units!(s, chars => chars.iter().all(|&c| unicode::is_printable(c.into())))))
}

pub fn str_isidentifier(_: &Vm, args: &[Object]) -> Result {
    Ok(Object::bool(is_identifier(this(&args[0]))))
}

/// `str.isidentifier`.
pub fn is_identifier(s: &Str) -> bool {
    match s.as_ascii() {
        Some(text) => {
            let word = |c: &u8| c.is_ascii_alphanumeric() || *c == b'_';
            let bytes = text.as_bytes();
            bytes.first().is_some_and(|c| !c.is_ascii_digit()) && bytes.iter().all(word)
        }
        None => unicode::is_identifier(s.chars()),
    }
}

pub fn str_islower(_: &Vm, args: &[Object]) -> Result {
    let s = this(&args[0]);
    let mut cased = false;
    for c in s.chars() {
        if unicode::is_upper(c) || unicode::is_title(c) {
            return Ok(Object::FALSE);
        }
        cased |= unicode::is_lower(c);
    }
    Ok(Object::bool(cased))
}

pub fn str_isupper(_: &Vm, args: &[Object]) -> Result {
    let s = this(&args[0]);
    let mut cased = false;
    for c in s.chars() {
        if unicode::is_lower(c) || unicode::is_title(c) {
            return Ok(Object::FALSE);
        }
        cased |= unicode::is_upper(c);
    }
    Ok(Object::bool(cased))
}

pub fn str_istitle(_: &Vm, args: &[Object]) -> Result {
    let s = this(&args[0]);
    let (mut cased, mut inside) = (false, false);
    for c in s.chars() {
        if unicode::is_upper(c) || unicode::is_title(c) {
            if inside {
                return Ok(Object::FALSE);
            }
            (inside, cased) = (true, true);
        } else if unicode::is_lower(c) {
            if !inside {
                return Ok(Object::FALSE);
            }
            cased = true;
        } else {
            inside = false;
        }
    }
    Ok(Object::bool(cased))
}
