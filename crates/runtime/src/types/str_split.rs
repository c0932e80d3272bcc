//! Methods of str that take strings apart and put them together: split,
//! partition, strip, join, replace, translate, padding.

use crate::prelude::*;
use crate::types::str::{self, Builder, STR};
use crate::types::str_methods::shown_type;
use crate::types::str_search::{self, Searcher};
use crate::types::str_units::{Unit, Width, as_units, build, build_by_shift, shift_of, substring, units};
use taipan_unicode as unicode;

fn this(object: &Object) -> &Str {
    // SAFETY: methods of str are only called on strings.
    unsafe { object.payload_unchecked() }
}

/// A copy of exact type str; the object itself if it is one.
fn plain(vm: &Vm, object: &Object) -> Object {
    let s = this(object);
    substring(vm, object, s, 0, s.len())
}

// ---- split --------------------------------------------------------------------------

const SPACE: [bool; 256] = {
    let mut table = [false; 256];
    let mut c = 9;
    while c < 14 {
        table[c] = true;
        c += 1;
    }
    c = 0x1c;
    while c <= 0x20 {
        table[c] = true;
        c += 1;
    }
    table[0x85] = true;
    table[0xa0] = true;
    table
};

#[inline(always)]
fn is_space<T: Unit>(c: T) -> bool {
    let c: u32 = c.into();
    if c < 256 { SPACE[c as usize] } else { unicode::is_space(c) }
}

/// The limit of `maxsplit`: none if negative.
fn limit(vm: &Vm, maxsplit: &Object) -> Result<usize> {
    let n = vm.index_isize(maxsplit)?;
    Ok(if n < 0 { usize::MAX } else { n as usize })
}

fn separator<'a>(vm: &Vm, object: &'a Object) -> Result<Option<&'a Str>> {
    if object.is_none() {
        return Ok(None);
    }
    match object.downcast::<Str>() {
        Some(s) if s.is_empty() => Err(vm.value_error("empty separator")),
        Some(s) => Ok(Some(s)),
        None => Err(vm.type_error(format!("must be str or None, not {}", object.ty().full_name()))),
    }
}

/// The parts between runs of white space, as ranges.
fn split_white<T: Unit>(s: &[T], most: usize, mut part: impl FnMut(usize, usize)) {
    let (mut i, mut splits) = (0, 0);
    loop {
        while i < s.len() && is_space(s[i]) {
            i += 1;
        }
        if i == s.len() {
            return;
        }
        let start = i;
        if splits == most {
            part(start, s.len());
            return;
        }
        while i < s.len() && !is_space(s[i]) {
            i += 1;
        }
        part(start, i);
        splits += 1;
    }
}

/// As [`split_white`], from the right; parts come last first.
fn rsplit_white<T: Unit>(s: &[T], most: usize, mut part: impl FnMut(usize, usize)) {
    let (mut i, mut splits) = (s.len(), 0);
    loop {
        while i > 0 && is_space(s[i - 1]) {
            i -= 1;
        }
        if i == 0 {
            return;
        }
        let stop = i;
        if splits == most {
            part(0, stop);
            return;
        }
        while i > 0 && !is_space(s[i - 1]) {
            i -= 1;
        }
        part(i, stop);
        splits += 1;
    }
}

fn split_at<T: Unit>(s: &[T], sep: &[T], most: usize, mut part: impl FnMut(usize, usize)) {
    let (mut start, mut splits) = (0, 0);
    if let (Some(bytes), &[c]) = (T::bytes(s), sep) {
        for i in memchr::memchr_iter(c.into() as u8, bytes).take(most) {
            part(start, i);
            start = i + 1;
        }
        part(start, s.len());
        return;
    }
    let searcher = Searcher::new(sep);
    while splits < most
        && let Some(i) = searcher.find(s, start)
    {
        part(start, i);
        start = i + sep.len();
        splits += 1;
    }
    part(start, s.len());
}

fn rsplit_at<T: Unit>(s: &[T], sep: &[T], most: usize, mut part: impl FnMut(usize, usize)) {
    let (mut stop, mut splits) = (s.len(), 0);
    while splits < most
        && let Some(i) = str_search::rfind(&s[..stop], sep)
    {
        part(i + sep.len(), stop);
        stop = i;
        splits += 1;
    }
    part(0, stop);
}

fn do_split(vm: &Vm, args: &[Object], from_right: bool) -> Result {
    let object = &args[0];
    let s = this(object);
    let sep = separator(vm, &args[1])?;
    let most = limit(vm, &args[2])?;
    let mut parts = Vec::new();
    let mut part = |start, stop| parts.push(substring(vm, object, s, start, stop));
    units!(s, chars => match (sep, from_right) {
        (None, false) => split_white(chars, most, part),
        (None, true) => rsplit_white(chars, most, part),
        (Some(sep), _) => match as_units(sep) {
            // Too wide to occur.
            None => part(0, s.len()),
            Some(sep) if from_right => rsplit_at(chars, &sep, most, part),
            Some(sep) => split_at(chars, &sep, most, part),
        },
    });
    if from_right {
        parts.reverse();
    }
    Ok(vm.list(parts))
}

pub fn str_split(vm: &Vm, args: &[Object]) -> Result {
    do_split(vm, args, false)
}

pub fn str_rsplit(vm: &Vm, args: &[Object]) -> Result {
    do_split(vm, args, true)
}

pub fn str_splitlines(vm: &Vm, args: &[Object]) -> Result {
    let object = &args[0];
    let s = this(object);
    let keep = vm.is_true(&args[1])?;
    let mut lines = Vec::new();
    let mut line = |start, stop| lines.push(substring(vm, object, s, start, stop));
    units!(s, chars => lines_of(chars, keep, &mut line));
    Ok(vm.list(lines))
}

fn lines_of<T: Unit>(s: &[T], keep: bool, line: &mut impl FnMut(usize, usize)) {
    let (mut start, mut i) = (0, 0);
    while i < s.len() {
        let c: u32 = s[i].into();
        if !(c < 0x20 || c > 0x7f) || !unicode::is_linebreak(c) {
            i += 1;
            continue;
        }
        let end = i;
        i += if c == 13 && i + 1 < s.len() && s[i + 1].into() == 10 { 2 } else { 1 };
        line(start, if keep { i } else { end });
        start = i;
    }
    if start < s.len() {
        line(start, s.len());
    }
}

fn partition_separator<'a>(vm: &Vm, object: &'a Object) -> Result<&'a Str> {
    match object.downcast::<Str>() {
        Some(s) if s.is_empty() => Err(vm.value_error("empty separator")),
        Some(s) => Ok(s),
        None => Err(vm.type_error(format!("must be str, not {}", object.ty().full_name()))),
    }
}

pub fn str_partition(vm: &Vm, args: &[Object]) -> Result {
    let (s, sep) = (this(&args[0]), partition_separator(vm, &args[1])?);
    Ok(vm.tuple(match str_search::find_in(s, sep) {
        Some(i) => parts_around(vm, s, i, &args[1], sep),
        None => vec![args[0].clone(), str::empty(), str::empty()],
    }))
}

pub fn str_rpartition(vm: &Vm, args: &[Object]) -> Result {
    let (s, sep) = (this(&args[0]), partition_separator(vm, &args[1])?);
    Ok(vm.tuple(match str_search::rfind_in(s, sep) {
        Some(i) => parts_around(vm, s, i, &args[1], sep),
        None => vec![str::empty(), str::empty(), args[0].clone()],
    }))
}

fn parts_around(vm: &Vm, s: &Str, i: usize, object: &Object, sep: &Str) -> Vec<Object> {
    vec![s.slice(vm, 0, i), object.clone(), s.slice(vm, i + sep.len(), s.len())]
}

// ---- strip ---------------------------------------------------------------------------

fn do_strip(vm: &Vm, args: &[Object], name: &str, left: bool, right: bool) -> Result {
    let object = &args[0];
    let s = this(object);
    let (start, stop) = match args[1].some() {
        None => units!(s, chars => strip_range(chars, left, right, is_space)),
        Some(set) => {
            let Some(set) = set.downcast::<Str>() else {
                return Err(vm.type_error(format!("{name} arg must be None or str")));
            };
            units!(s, chars => units!(set, set => strip_set(chars, set, left, right)))
        }
    };
    Ok(substring(vm, object, s, start, stop))
}

/// Strips the characters of `set`.
fn strip_set<T: Unit, U: Unit>(s: &[T], set: &[U], left: bool, right: bool) -> (usize, usize) {
    // A bitmap of the low six bits sorts most characters out.
    let bloom = set.iter().fold(0u64, |bits, &c| bits | 1 << (c.into() & 63));
    strip_range(s, left, right, |c| {
        let c: u32 = c.into();
        bloom >> (c & 63) & 1 != 0 && set.iter().any(|&x| x.into() == c)
    })
}

fn strip_range<T: Unit>(s: &[T], left: bool, right: bool, f: impl Fn(T) -> bool) -> (usize, usize) {
    let (mut start, mut stop) = (0, s.len());
    if left {
        while start < stop && f(s[start]) {
            start += 1;
        }
    }
    if right {
        while stop > start && f(s[stop - 1]) {
            stop -= 1;
        }
    }
    (start, stop)
}

pub fn str_strip(vm: &Vm, args: &[Object]) -> Result {
    do_strip(vm, args, "strip", true, true)
}

pub fn str_lstrip(vm: &Vm, args: &[Object]) -> Result {
    do_strip(vm, args, "lstrip", true, false)
}

pub fn str_rstrip(vm: &Vm, args: &[Object]) -> Result {
    do_strip(vm, args, "rstrip", false, true)
}

fn affix<'a>(vm: &Vm, name: &str, object: &'a Object) -> Result<&'a Str> {
    object
        .downcast::<Str>()
        .ok_or_else(|| vm.type_error(format!("{name}() argument must be str, not {}", shown_type(object))))
}

pub fn str_removeprefix(vm: &Vm, args: &[Object]) -> Result {
    let (s, prefix) = (this(&args[0]), affix(vm, "removeprefix", &args[1])?);
    if str_search::stands_at(s, prefix, 0) {
        return Ok(substring(vm, &args[0], s, prefix.len(), s.len()));
    }
    Ok(plain(vm, &args[0]))
}

pub fn str_removesuffix(vm: &Vm, args: &[Object]) -> Result {
    let (s, suffix) = (this(&args[0]), affix(vm, "removesuffix", &args[1])?);
    if suffix.len() <= s.len() && str_search::stands_at(s, suffix, s.len() - suffix.len()) {
        return Ok(substring(vm, &args[0], s, 0, s.len() - suffix.len()));
    }
    Ok(plain(vm, &args[0]))
}

// ---- join ------------------------------------------------------------------------------

pub fn str_join(vm: &Vm, args: &[Object]) -> Result {
    join(vm, &args[0], &args[1])
}

/// `sep.join(iterable)`; `sep` is a str.
pub fn join(vm: &Vm, sep: &Object, iterable: &Object) -> Result {
    if let Some(tuple) = iterable.downcast_exact::<Tuple>() {
        return join_items(vm, sep, tuple.items());
    }
    if let Some(list) = iterable.downcast_exact::<List>() {
        // Joining runs no Python code, so the list stays as it is meanwhile.
        return list.with_items(|items| join_items(vm, sep, items));
    }
    if iterable.ty().slots().unary[UnaryOp::Iter as usize].is_none() && !vm.is_sequence(iterable) {
        return Err(vm.type_error("can only join an iterable"));
    }
    let items = vm.collect(iterable)?;
    join_items(vm, sep, &items)
}

/// The items, which must be strings, with the string `sep` between them.
pub fn join_items(vm: &Vm, sep: &Object, items: &[Object]) -> Result {
    let sep_str = this(sep);
    match items {
        [] => return Ok(str::empty()),
        [one] if one.ty().is(&STR) => return Ok(one.clone()),
        _ => {}
    }
    let (mut len, mut shift, mut ascii) = (0usize, 0, true);
    if items.len() > 1 {
        shift = shift_of(sep_str);
        ascii = sep_str.is_ascii();
        len = match sep_str.len().checked_mul(items.len() - 1) {
            Some(len) => len,
            None => return Err(too_long(vm)),
        };
    }
    for (i, item) in items.iter().enumerate() {
        let Some(s) = item.downcast_exact::<Str>().or_else(|| item.downcast::<Str>()) else {
            return Err(vm.type_error(format!(
                "sequence item {i}: expected str instance, {} found",
                item.ty().full_name()
            )));
        };
        len = match len.checked_add(s.len()) {
            Some(len) if len <= isize::MAX as usize => len,
            _ => return Err(too_long(vm)),
        };
        shift = shift.max(shift_of(s));
        ascii &= s.is_ascii();
    }
    if shift == 0 {
        let sep = sep_str.raw_bytes();
        let width = if ascii { Width::Ascii } else { Width::Exact };
        return build::<u8>(vm, len, width, |out| {
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    match sep {
                        [] => {}
                        [c] => out.push(*c),
                        _ => out.extend(sep),
                    }
                }
                out.extend(this(item).raw_bytes());
            }
        });
    }
    // The widest part sets the kind: it is exact.
    build_by_shift!(vm, shift, len, Width::Exact, out => {
        for (i, item) in items.iter().enumerate() {
            if i > 0 && !sep_str.is_empty() {
                out.put(sep_str);
            }
            out.put(this(item));
        }
    })
}

fn too_long(vm: &Vm) -> Raised {
    vm.overflow_error("join() result is too long for a Python string")
}

// ---- replace ------------------------------------------------------------------------------

fn replace_arg<'a>(vm: &Vm, object: &'a Object, n: usize) -> Result<&'a Str> {
    object.downcast::<Str>().ok_or_else(|| {
        vm.type_error(format!("replace() argument {n} must be str, not {}", shown_type(object)))
    })
}

pub fn str_replace(vm: &Vm, args: &[Object]) -> Result {
    let s = this(&args[0]);
    let old = replace_arg(vm, &args[1], 1)?;
    let new = replace_arg(vm, &args[2], 2)?;
    let most = limit(vm, &args[3])?;
    if most == 0 || old.len() > s.len() || shift_of(old) > shift_of(s) || old.equals(new) {
        return Ok(plain(vm, &args[0]));
    }
    let shift = shift_of(s).max(shift_of(new));
    let ascii = s.is_ascii() && new.is_ascii();
    units!(s, chars => match as_units(old) {
        Some(old) => replace_units(vm, &args[0], chars, &old, new, most, shift, ascii),
        None => Ok(plain(vm, &args[0])),
    })
}

#[allow(clippy::too_many_arguments)]
fn replace_units<T: Unit>(
    vm: &Vm,
    object: &Object,
    s: &[T],
    old: &[T],
    new: &Str,
    most: usize,
    shift: u32,
    ascii: bool,
) -> Result {
    let n = str_search::count(s, old, most);
    if n == 0 {
        return Ok(plain(vm, object));
    }
    let grown = new.len().checked_mul(n).and_then(|added| added.checked_add(s.len() - n * old.len()));
    let Some(len) = grown.filter(|&len| len <= isize::MAX as usize) else {
        return Err(vm.overflow_error("replace string is too long"));
    };
    let width = Width::ascii_if(ascii);
    match shift {
        0 => build::<u8>(vm, len, width, |out| replace_into(out, s, old, new, n)),
        1 => build::<u16>(vm, len, width, |out| replace_into(out, s, old, new, n)),
        _ => build::<u32>(vm, len, width, |out| replace_into(out, s, old, new, n)),
    }
}

fn replace_into<T: Unit, O: Unit>(
    out: &mut crate::types::str_units::Fill<'_, O>,
    s: &[T],
    old: &[T],
    new: &Str,
    n: usize,
) {
    let widen = |c: T| O::cut(c.into());
    let new = as_units::<O>(new).unwrap_or_default();
    if old.is_empty() {
        // Before each of the first characters, and behind the last one.
        for (i, &c) in s.iter().enumerate() {
            if i < n {
                out.extend(&new);
            }
            out.push(widen(c));
        }
        if n > s.len() {
            out.extend(&new);
        }
        return;
    }
    if let (&[from], &[to]) = (old, &*new) {
        out.map(s, widen);
        let mut at = 0;
        for _ in 0..n {
            let Some(i) = str_search::find_unit(&s[at..], from) else { break };
            out.patch(at + i, to);
            at += i + 1;
        }
        return;
    }
    let searcher = Searcher::new(old);
    let mut at = 0;
    for _ in 0..n {
        let Some(i) = searcher.find(s, at) else { break };
        out.map(&s[at..i], widen);
        out.extend(&new);
        at = i + old.len();
    }
    out.map(&s[at..], widen);
}

// ---- translate -----------------------------------------------------------------------------

/// What a character is translated to.
#[derive(Clone)]
enum Translation {
    Delete,
    Char(u32),
    Text(Object),
}

fn translation(vm: &Vm, table: &Object, c: u32) -> Result<Translation> {
    let key = vm.int(c as i64);
    let found = match table.downcast_exact::<Dict>() {
        Some(dict) => match dict.get(vm, &key)? {
            Some(found) => found,
            None => return Ok(Translation::Char(c)),
        },
        None => {
            let result = vm.get_item(table, &key);
            match vm.swallow(result, &exc::LOOKUP_ERROR)? {
                Some(found) => found,
                None => return Ok(Translation::Char(c)),
            }
        }
    };
    if found.is_none() {
        return Ok(Translation::Delete);
    }
    if found.downcast::<Str>().is_some() {
        return Ok(Translation::Text(found));
    }
    if found.is_instance_of(&crate::types::int::INT) {
        return match crate::types::int::to_i64(&found) {
            Some(n @ 0..=0x10ffff) => Ok(Translation::Char(n as u32)),
            _ => Err(vm.value_error("character mapping must be in range(0x110000)")),
        };
    }
    Err(vm.type_error("character mapping must return integer, None or str"))
}

pub fn str_translate(vm: &Vm, args: &[Object]) -> Result {
    let (s, table) = (this(&args[0]), &args[1]);
    let mut out = Builder::new();
    if out.try_reserve(s.len()).is_none() {
        return Err(vm.memory_error());
    }
    // ASCII characters are looked up once each; those that become one
    // character are then found in `simple`.
    const UNKNOWN: u32 = u32::MAX;
    let mut simple = [UNKNOWN; 128];
    let mut known: [Option<Translation>; 128] = [const { None }; 128];
    if let Some(text) = s.as_ascii() {
        // As long as ASCII becomes Latin-1, byte by byte.
        let bytes = text.as_bytes();
        let mut i = 0;
        while let Some(&c) = bytes.get(i) {
            if simple[c as usize] == UNKNOWN {
                match translation(vm, table, c as u32)? {
                    Translation::Char(to) if to < 256 => simple[c as usize] = to,
                    result => {
                        known[c as usize] = Some(result);
                        break;
                    }
                }
            }
            out.push_char(simple[c as usize]);
            i += 1;
        }
        if i == bytes.len() {
            return Ok(out.finish(vm));
        }
    }
    let start = out.len();
    units!(s, chars => for &c in &chars[start..] {
        let c: u32 = c.into();
        let ascii = c as usize;
        if let Some(&to) = simple.get(ascii)
            && to != UNKNOWN
        {
            out.push_char(to);
            continue;
        }
        let fresh;
        let result = match known.get_mut(ascii) {
            Some(slot) => {
                if slot.is_none() {
                    let result = translation(vm, table, c)?;
                    if let Translation::Char(to) = result {
                        simple[ascii] = to;
                    }
                    *slot = Some(result);
                }
                slot.as_ref()
            }
            None => {
                fresh = translation(vm, table, c)?;
                Some(&fresh)
            }
        };
        match result {
            Some(Translation::Char(c)) => out.push_char(*c),
            Some(Translation::Text(text)) => out.push_object(text),
            Some(Translation::Delete) | None => {}
        }
    });
    Ok(out.finish(vm))
}

pub fn str_maketrans(vm: &Vm, args: &[Object]) -> Result {
    let table = vm.new_dict();
    let [x, y, z] = [&args[0], &args[1], &args[2]];
    let Some(y) = y.bound() else {
        let Some(dict) = x.downcast::<Dict>() else {
            return Err(vm.type_error("if you give only one argument to maketrans it must be a dict"));
        };
        let mut pos = 0;
        while let Some((key, value)) = dict.next_entry(&mut pos) {
            if let Some(key) = key.downcast::<Str>() {
                if key.len() != 1 {
                    return Err(vm.value_error("string keys in translatetable must be of length 1"));
                }
                vm.set_item(&table, &vm.int(key.char_at(0) as i64), &value)?;
            } else if key.is_instance_of(&crate::types::int::INT) {
                vm.set_item(&table, &key, &value)?;
            } else {
                return Err(vm.type_error("keys in translate table mustbe strings or integers"));
            }
        }
        return Ok(table);
    };
    let wrong = |n: usize, o: &Object| {
        vm.type_error(format!("maketrans() argument {n} must be str, not {}", shown_type(o)))
    };
    let y = y.downcast::<Str>().ok_or_else(|| wrong(2, y))?;
    let z = match z.bound() {
        Some(z) => Some(z.downcast::<Str>().ok_or_else(|| wrong(3, z))?),
        None => None,
    };
    let Some(x) = x.downcast::<Str>() else {
        return Err(vm.type_error("first maketrans argument must be a string if there is a second argument"));
    };
    if x.len() != y.len() {
        return Err(vm.value_error("the first two maketrans arguments must have equal length"));
    }
    for (from, to) in x.chars().zip(y.chars()) {
        vm.set_item(&table, &vm.int(from as i64), &vm.int(to as i64))?;
    }
    for c in z.into_iter().flat_map(|z| z.chars()) {
        vm.set_item(&table, &vm.int(c as i64), &Object::NONE)?;
    }
    Ok(table)
}

// ---- padding -----------------------------------------------------------------------------------

fn fill_char(vm: &Vm, object: &Object) -> Result<u32> {
    match object.downcast::<Str>() {
        Some(s) if s.len() == 1 => Ok(s.char_at(0)),
        Some(_) => Err(vm.type_error("The fill character must be exactly one character long")),
        None => Err(vm.type_error(format!(
            "The fill character must be a unicode character, not {}",
            object.ty().full_name()
        ))),
    }
}

/// `object` (a str) with `left` and `right` fill characters around it.
pub fn pad(vm: &Vm, object: &Object, left: usize, right: usize, fill: u32) -> Result {
    if left == 0 && right == 0 {
        return Ok(plain(vm, object));
    }
    let s = this(object);
    let total = left.checked_add(right).and_then(|n| n.checked_add(s.len()));
    let Some(len) = total.filter(|&n| n <= isize::MAX as usize) else {
        return Err(vm.overflow_error("padded string is too long"));
    };
    let shift = shift_of(s).max(if fill < 0x100 {
        0
    } else if fill < 0x10000 {
        1
    } else {
        2
    });
    let width = if s.is_ascii() && fill < 0x80 { Width::Ascii } else { Width::Exact };
    fn write<T: Unit>(out: &mut crate::types::str_units::Fill<'_, T>, s: &Str, l: usize, r: usize, c: u32) {
        out.repeat(T::cut(c), l);
        out.put(s);
        out.repeat(T::cut(c), r);
    }
    build_by_shift!(vm, shift, len, width, out => write(out, s, left, right, fill))
}

/// How many characters are missing to `width`.
fn missing(vm: &Vm, width: &Object, len: usize) -> Result<usize> {
    let width = vm.index_isize(width)?;
    Ok(usize::try_from(width).unwrap_or(0).saturating_sub(len))
}

pub fn str_center(vm: &Vm, args: &[Object]) -> Result {
    let width = vm.index_isize(&args[1])?;
    let fill = fill_char(vm, &args[2])?;
    let n = usize::try_from(width).unwrap_or(0).saturating_sub(this(&args[0]).len());
    // Of an odd rest, the left gets more if the width is odd.
    let left = n / 2 + (n & width as usize & 1);
    pad(vm, &args[0], left, n - left, fill)
}

pub fn str_ljust(vm: &Vm, args: &[Object]) -> Result {
    let n = missing(vm, &args[1], this(&args[0]).len())?;
    pad(vm, &args[0], 0, n, fill_char(vm, &args[2])?)
}

pub fn str_rjust(vm: &Vm, args: &[Object]) -> Result {
    let n = missing(vm, &args[1], this(&args[0]).len())?;
    pad(vm, &args[0], n, 0, fill_char(vm, &args[2])?)
}

pub fn str_zfill(vm: &Vm, args: &[Object]) -> Result {
    let s = this(&args[0]);
    let n = missing(vm, &args[1], s.len())?;
    let sign = s.char_at(0);
    if n == 0 || !matches!(char::from_u32(sign), Some('+' | '-')) || s.is_empty() {
        return pad(vm, &args[0], n, 0, '0' as u32);
    }
    let Some(len) = s.len().checked_add(n).filter(|&n| n <= isize::MAX as usize) else {
        return Err(vm.overflow_error("padded string is too long"));
    };
    let width = if s.is_ascii() { Width::Ascii } else { Width::Exact };
    fn write<T: Unit>(out: &mut crate::types::str_units::Fill<'_, T>, s: &[T], n: usize) {
        out.extend(&s[..1]);
        out.repeat(T::cut('0' as u32), n);
        out.extend(&s[1..]);
    }
    units!(s, chars => build(vm, len, width, |out| write(out, chars, n)))
}

pub fn str_expandtabs(vm: &Vm, args: &[Object]) -> Result {
    let tab = vm.to_plain_c_int(&args[1])?;
    let s = this(&args[0]);
    units!(s, chars => {
        if str_search::find_unit(chars, Unit::cut(9)).is_none() {
            return Ok(plain(vm, &args[0]));
        }
        let mut len = Some(0usize);
        expand(chars, tab, &mut |_, n| len = len.and_then(|len| len.checked_add(n)));
        let Some(len) = len.filter(|&n| n <= isize::MAX as usize) else {
            return Err(vm.overflow_error("new string is too long"));
        };
        build(vm, len, if s.is_ascii() { Width::Ascii } else { Width::Unknown }, |out| {
            expand(chars, tab, &mut |c, n| out.repeat(c, n))
        })
    })
}

/// Calls `put(unit, times)` for the text with its tabs expanded.
fn expand<T: Unit>(s: &[T], tab: i32, put: &mut impl FnMut(T, usize)) {
    let tab = tab.max(0) as usize;
    let mut column = 0;
    for &c in s {
        match c.into() {
            9 if tab == 0 => {}
            9 => {
                let n = tab - column % tab;
                column += n;
                put(T::cut(32), n);
            }
            other => {
                column = if other == 10 || other == 13 { 0 } else { column + 1 };
                put(c, 1);
            }
        }
    }
}

/// `n` times the string.
pub fn repeat(vm: &Vm, object: &Object, n: usize) -> Result {
    let s = this(object);
    if s.is_empty() || n == 0 {
        return Ok(str::empty());
    }
    if n == 1 {
        return Ok(plain(vm, object));
    }
    let Some(len) = s.len().checked_mul(n).filter(|&n| n <= isize::MAX as usize) else {
        return Err(vm.overflow_error("repeated string is too long"));
    };
    let width = if s.is_ascii() { Width::Ascii } else { Width::Exact };
    units!(s, chars => build(vm, len, width, |out| match chars {
        [c] => out.repeat(*c, len),
        _ => {
            out.extend(chars);
            out.repeat_all(n);
        }
    }))
}

/// Every `step`th character of the range, as a new string.
pub fn extract(vm: &Vm, s: &Str, count: usize, indices: impl Iterator<Item = usize>) -> Result {
    let width = Width::ascii_if(s.is_ascii());
    units!(s, chars => build(vm, count, width, |out| indices.for_each(|i| out.push(chars[i]))))
}
