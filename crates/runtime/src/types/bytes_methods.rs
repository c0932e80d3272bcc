//! Methods that bytes and bytearray share. Arguments are converted first
//! (that may run Python code), the bytes looked at afterwards; results have
//! the type of the object the method was called on.

use crate::buffer::Buffer;
use crate::codecs;
use crate::prelude::*;
use crate::types::bytearray::{self, ByteArray};
use crate::types::bytes::{self, BYTES, Bytes, name_argument};
use crate::types::int;
use crate::types::str_methods::{codec_argument, qualified_type, shown_type};
use crate::types::str_search::{self, Searcher, place, raw_bounds};
use std::mem::MaybeUninit;

/// The bytes of a bytes or bytearray object. Not to be held while Python code runs.
pub fn data(object: &Object) -> &[u8] {
    match object.downcast::<Bytes>() {
        Some(bytes) => bytes.as_slice(),
        // SAFETY: methods of bytes and bytearray are only called on them.
        None => unsafe { object.payload_unchecked::<ByteArray>() }.as_slice(),
    }
}

fn is_bytes(object: &Object) -> bool {
    object.downcast::<Bytes>().is_some()
}

/// New bytes of the kind of `like`.
fn make(vm: &Vm, like: &Object, bytes: &[u8]) -> Result {
    if is_bytes(like) { bytes::new(vm, bytes) } else { bytearray::from_slice(vm, bytes) }
}

fn make_vec(vm: &Vm, like: &Object, bytes: Vec<u8>) -> Result {
    if is_bytes(like) { bytes::new(vm, &bytes) } else { Ok(bytearray::from_vec(vm, bytes)) }
}

/// The object itself if it is exactly bytes, else a copy of it.
fn unchanged(vm: &Vm, object: &Object) -> Result {
    if object.ty().is(&BYTES) { Ok(object.clone()) } else { make(vm, object, data(object)) }
}

/// A vector of this capacity; MemoryError if there is none.
pub fn reserve(vm: &Vm, capacity: usize) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    match out.try_reserve_exact(capacity) {
        Ok(()) => Ok(out),
        Err(_) => Err(vm.memory_error()),
    }
}

// ---- constructors' arguments -------------------------------------------------------------

/// The bytes of `source` given with an encoding; None if there is no encoding.
pub fn encode_arguments(vm: &Vm, function: &str, args: &[Object]) -> Result<Option<Object>> {
    let encoding = name_argument(vm, function, "encoding", &args[1])?;
    let errors = name_argument(vm, function, "errors", &args[2])?;
    let is_str = args[0].downcast::<Str>().is_some();
    match (encoding, errors) {
        (Some(encoding), errors) if is_str => {
            codecs::encode(vm, &args[0], &encoding, errors.as_deref().unwrap_or("strict")).map(Some)
        }
        (Some(_), _) => Err(vm.type_error("encoding without a string argument")),
        (None, Some(_)) if is_str => Err(vm.type_error("string argument without an encoding")),
        (None, Some(_)) => Err(vm.type_error("errors without a string argument")),
        (None, None) => Ok(None),
    }
}

/// A number of zero bytes; None if the object is no index.
pub fn size_argument(vm: &Vm, source: &Object) -> Result<Option<usize>> {
    if !vm.is_index(source) {
        return Ok(None);
    }
    let result = vm.index_for_item_overflow(source);
    match vm.swallow(result, &exc::TYPE_ERROR)? {
        Some(n) if n < 0 => Err(vm.value_error("negative count")),
        Some(n) => Ok(Some(n as usize)),
        None => Ok(None),
    }
}

/// One byte of an iterable; the message differs between the types.
fn item_byte(vm: &Vm, item: &Object, function: &str) -> Result<u8> {
    if item.is_int()
        && let Ok(b) = u8::try_from(item.as_int())
    {
        return Ok(b);
    }
    u8::try_from(vm.index_clipped(item)?).map_err(|_| {
        vm.value_error(if function == "bytes" {
            "bytes must be in range(0, 256)"
        } else {
            "byte must be in range(0, 256)"
        })
    })
}

/// The bytes of a buffer or of an iterable of ints.
pub fn collect_bytes(vm: &Vm, source: &Object, function: &str) -> Result<Vec<u8>> {
    if vm.is_bytes_like(source) {
        let buffer = vm.buffer(source, crate::buffer::flags::FULL_RO)?;
        return buffer.info().copy_out(false).ok_or_else(|| vm.memory_error());
    }
    let mut out = Vec::new();
    let no_memory = |vm: &Vm| vm.memory_error();
    if source.downcast_exact::<List>().is_none() && source.downcast_exact::<Tuple>().is_none() {
        let iterator = match vm.iter(source) {
            _ if source.downcast::<Str>().is_some() => None,
            Ok(iterator) => Some(iterator),
            Err(raised) if vm.raised_is(&exc::TYPE_ERROR) => {
                drop(vm.caught(raised));
                None
            }
            Err(raised) => return Err(raised),
        };
        let Some(iterator) = iterator else {
            return Err(
                vm.type_error(format!("cannot convert '{}' object to {function}", source.ty().full_name()))
            );
        };
        let hint = vm.length_hint(source, 64)?;
        out.try_reserve(hint.min(1 << 28)).map_err(|_| no_memory(vm))?;
        while let Some(item) = vm.next(&iterator)? {
            let b = item_byte(vm, &item, function)?;
            out.try_reserve(1).map_err(|_| no_memory(vm))?;
            out.push(b);
        }
        return Ok(out);
    }
    vm.for_each(source, |item| {
        let b = item_byte(vm, &item, function)?;
        out.try_reserve(1).map_err(|_| no_memory(vm))?;
        out.push(b);
        Ok(())
    })?;
    Ok(out)
}

// ---- showing ----------------------------------------------------------------------------------

/// `b'...'`.
pub fn quoted(bytes: &[u8]) -> String {
    let double = bytes.contains(&b'\'') && !bytes.contains(&b'"');
    let quote = if double { b'"' } else { b'\'' };
    quoted_with(bytes, quote, quote)
}

/// `b'...'` as bytearray shows it: single quotes always escaped.
pub fn quoted_for_bytearray(bytes: &[u8]) -> String {
    let double = bytes.contains(&b'\'') && !bytes.contains(&b'"');
    quoted_with(bytes, if double { b'"' } else { b'\'' }, b'\'')
}

fn quoted_with(bytes: &[u8], quote: u8, escaped: u8) -> String {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let mut out = String::with_capacity(bytes.len() + 3);
    out.push('b');
    out.push(quote as char);
    for &b in bytes {
        match b {
            b'\t' => out.push_str("\\t"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\\' => out.push_str("\\\\"),
            b' '..=b'~' => {
                if b == escaped {
                    out.push('\\');
                }
                out.push(b as char);
            }
            _ => {
                out.push_str("\\x");
                out.push(HEX[b as usize >> 4] as char);
                out.push(HEX[b as usize & 15] as char);
            }
        }
    }
    out.push(quote as char);
    out
}

// ---- searching -----------------------------------------------------------------------------------

/// What to search for: bytes, or one byte given as an int.
enum Needle {
    Byte([u8; 1]),
    Buffer(Buffer),
}

impl Needle {
    fn of(vm: &Vm, object: &Object) -> Result<Needle> {
        if vm.is_bytes_like(object) {
            return vm.bytes_like(object, "sub").map(Needle::Buffer);
        }
        if !vm.is_index(object) {
            return Err(vm.type_error(format!(
                "argument should be integer or bytes-like object, not '{}'",
                object.ty().full_name()
            )));
        }
        byte_value(vm, object).map(|b| Needle::Byte([b]))
    }
    fn bytes(&self) -> &[u8] {
        match self {
            Needle::Byte(b) => b,
            Needle::Buffer(buffer) => buffer.bytes(),
        }
    }
}

/// An int as a byte, "byte must be in range(0, 256)".
pub fn byte_value(vm: &Vm, object: &Object) -> Result<u8> {
    item_byte(vm, object, "bytearray")
}

/// The `in` operator.
pub fn contains(vm: &Vm, object: &Object, item: &Object) -> Result<bool> {
    if vm.is_index(item) {
        let result = vm.index_clipped(item);
        if let Ok(n) = result {
            return match u8::try_from(n) {
                Ok(b) => Ok(str_search::find_unit(data(object), b).is_some()),
                Err(_) => Err(vm.value_error("byte must be in range(0, 256)")),
            };
        }
        drop(vm.take_raised());
    }
    let needle = vm.bytes_like(item, "in")?;
    Ok(str_search::find(data(object), needle.bytes()).is_some())
}

/// Calls `f` with the bytes between the bounds and the needle; None if the bounds cross.
fn search<R>(
    vm: &Vm,
    args: &[Object],
    f: impl FnOnce(&[u8], &[u8]) -> Option<R>,
) -> Result<Option<(usize, R)>> {
    let range = raw_bounds(vm, &args[2], &args[3])?;
    let needle = Needle::of(vm, &args[1])?;
    let hay = data(&args[0]);
    let Some((start, stop)) = place(range, hay.len()) else { return Ok(None) };
    Ok(f(&hay[start..stop], needle.bytes()).map(|r| (start, r)))
}

pub(crate) fn find(vm: &Vm, args: &[Object]) -> Result {
    Ok(search(vm, args, str_search::find)?.map_or_else(|| vm.int(-1), |(start, i)| vm.usize(start + i)))
}

pub(crate) fn rfind(vm: &Vm, args: &[Object]) -> Result {
    Ok(search(vm, args, str_search::rfind)?.map_or_else(|| vm.int(-1), |(start, i)| vm.usize(start + i)))
}

pub(crate) fn index(vm: &Vm, args: &[Object]) -> Result {
    match search(vm, args, str_search::find)? {
        Some((start, i)) => Ok(vm.usize(start + i)),
        None => Err(vm.value_error("subsection not found")),
    }
}

pub(crate) fn rindex(vm: &Vm, args: &[Object]) -> Result {
    match search(vm, args, str_search::rfind)? {
        Some((start, i)) => Ok(vm.usize(start + i)),
        None => Err(vm.value_error("subsection not found")),
    }
}

pub(crate) fn count(vm: &Vm, args: &[Object]) -> Result {
    let found = search(vm, args, |hay, needle| Some(str_search::count(hay, needle, usize::MAX)))?;
    Ok(vm.usize(found.map_or(0, |(_, n)| n)))
}

fn ends(vm: &Vm, args: &[Object], name: &str, matches: fn(&[u8], &[u8]) -> bool) -> Result {
    let range = raw_bounds(vm, &args[2], &args[3])?;
    let one = |part: &Object| -> Result<bool> {
        let part = vm.bytes_like(part, name)?;
        let hay = data(&args[0]);
        Ok(place(range, hay.len()).is_some_and(|(start, stop)| matches(&hay[start..stop], part.bytes())))
    };
    if let Some(tuple) = args[1].downcast::<Tuple>() {
        for item in tuple.items() {
            if one(item)? {
                return Ok(Object::TRUE);
            }
        }
        return Ok(Object::FALSE);
    }
    if !vm.is_bytes_like(&args[1]) {
        return Err(vm.type_error(format!(
            "{name} first arg must be bytes or a tuple of bytes, not {}",
            args[1].ty().full_name()
        )));
    }
    one(&args[1]).map(Object::bool)
}

pub(crate) fn startswith(vm: &Vm, args: &[Object]) -> Result {
    ends(vm, args, "startswith", |hay, part| hay.starts_with(part))
}

pub(crate) fn endswith(vm: &Vm, args: &[Object]) -> Result {
    ends(vm, args, "endswith", |hay, part| hay.ends_with(part))
}

// ---- taking apart ------------------------------------------------------------------------------------

fn is_space(b: u8) -> bool {
    matches!(b, b' ' | 9..=13)
}

fn limit(vm: &Vm, maxsplit: &Object) -> Result<usize> {
    let n = vm.index_isize(maxsplit)?;
    Ok(if n < 0 { usize::MAX } else { n as usize })
}

/// A separator that is not empty.
fn separator(vm: &Vm, object: &Object) -> Result<Buffer> {
    let sep = vm.bytes_like(object, "sep")?;
    if sep.is_empty() {
        return Err(vm.value_error("empty separator"));
    }
    Ok(sep)
}

fn split_white(s: &[u8], most: usize) -> Vec<(usize, usize)> {
    let (mut i, mut out) = (0, Vec::new());
    loop {
        i += s[i..].iter().take_while(|&&b| is_space(b)).count();
        if i == s.len() {
            return out;
        }
        if out.len() == most {
            out.push((i, s.len()));
            return out;
        }
        let start = i;
        i += s[i..].iter().take_while(|&&b| !is_space(b)).count();
        out.push((start, i));
    }
}

fn rsplit_white(s: &[u8], most: usize) -> Vec<(usize, usize)> {
    let (mut i, mut out) = (s.len(), Vec::new());
    loop {
        i -= s[..i].iter().rev().take_while(|&&b| is_space(b)).count();
        if i == 0 {
            break;
        }
        if out.len() == most {
            out.push((0, i));
            break;
        }
        let stop = i;
        i -= s[..i].iter().rev().take_while(|&&b| !is_space(b)).count();
        out.push((i, stop));
    }
    out.reverse();
    out
}

fn split_at(s: &[u8], sep: &[u8], most: usize) -> Vec<(usize, usize)> {
    let (mut start, mut out) = (0, Vec::new());
    let searcher = Searcher::new(sep);
    while out.len() < most
        && let Some(i) = searcher.find(s, start)
    {
        out.push((start, i));
        start = i + sep.len();
    }
    out.push((start, s.len()));
    out
}

fn rsplit_at(s: &[u8], sep: &[u8], most: usize) -> Vec<(usize, usize)> {
    let (mut stop, mut out) = (s.len(), Vec::new());
    while out.len() < most
        && let Some(i) = str_search::rfind(&s[..stop], sep)
    {
        out.push((i + sep.len(), stop));
        stop = i;
    }
    out.push((0, stop));
    out.reverse();
    out
}

/// A list of these parts; making them runs no Python code but may allocate.
fn parts(vm: &Vm, object: &Object, ranges: &[(usize, usize)]) -> Result {
    if let [(start, stop)] = ranges
        && *start == 0
        && *stop == data(object).len()
        && object.ty().is(&BYTES)
    {
        return Ok(vm.list(vec![object.clone()]));
    }
    let mut out = Vec::with_capacity(ranges.len());
    for &(start, stop) in ranges {
        let bytes = data(object);
        let stop = stop.min(bytes.len());
        out.push(make(vm, object, &bytes[start.min(stop)..stop])?);
    }
    Ok(vm.list(out))
}

fn do_split(
    vm: &Vm,
    args: &[Object],
    white: fn(&[u8], usize) -> Vec<(usize, usize)>,
    at: fn(&[u8], &[u8], usize) -> Vec<(usize, usize)>,
) -> Result {
    let most = limit(vm, &args[2])?;
    let ranges = if args[1].is_none() {
        white(data(&args[0]), most)
    } else {
        let sep = separator(vm, &args[1])?;
        at(data(&args[0]), sep.bytes(), most)
    };
    parts(vm, &args[0], &ranges)
}

pub(crate) fn split(vm: &Vm, args: &[Object]) -> Result {
    do_split(vm, args, split_white, split_at)
}

pub(crate) fn rsplit(vm: &Vm, args: &[Object]) -> Result {
    do_split(vm, args, rsplit_white, rsplit_at)
}

pub(crate) fn splitlines(vm: &Vm, args: &[Object]) -> Result {
    let keep = vm.is_true(&args[1])?;
    let s = data(&args[0]);
    let (mut ranges, mut start, mut i) = (Vec::new(), 0, 0);
    while let Some(n) = memchr::memchr2(b'\n', b'\r', &s[i..]) {
        let end = i + n;
        i = end + if s[end] == b'\r' && s.get(end + 1) == Some(&b'\n') { 2 } else { 1 };
        ranges.push((start, if keep { i } else { end }));
        start = i;
    }
    if start < s.len() {
        ranges.push((start, s.len()));
    }
    parts(vm, &args[0], &ranges)
}

fn do_partition(vm: &Vm, args: &[Object], last: bool) -> Result {
    let sep = separator(vm, &args[1])?;
    let s = data(&args[0]);
    let found = if last { str_search::rfind(s, sep.bytes()) } else { str_search::find(s, sep.bytes()) };
    let object = &args[0];
    let immutable = is_bytes(object);
    let whole = || if immutable { Ok(object.clone()) } else { make(vm, object, data(object)) };
    let Some(i) = found else {
        let empty = || make(vm, object, b"");
        return Ok(vm.tuple(if last {
            vec![empty()?, empty()?, whole()?]
        } else {
            vec![whole()?, empty()?, empty()?]
        }));
    };
    let middle = if immutable { args[1].clone() } else { make(vm, object, sep.bytes())? };
    let (head, tail) = (make(vm, object, &s[..i])?, make(vm, object, &data(object)[i + sep.len()..])?);
    Ok(vm.tuple(vec![head, middle, tail]))
}

pub(crate) fn partition(vm: &Vm, args: &[Object]) -> Result {
    do_partition(vm, args, false)
}

pub(crate) fn rpartition(vm: &Vm, args: &[Object]) -> Result {
    do_partition(vm, args, true)
}

fn do_strip(vm: &Vm, args: &[Object], left: bool, right: bool) -> Result {
    let mut set = [false; 256];
    match args[1].some() {
        None => (0..=255).for_each(|b| set[b as usize] = is_space(b)),
        Some(chars) => {
            let chars = vm.bytes_like(chars, "strip")?;
            chars.bytes().iter().for_each(|&b| set[b as usize] = true);
        }
    }
    let s = data(&args[0]);
    let (mut start, mut stop) = (0, s.len());
    while left && start < stop && set[s[start] as usize] {
        start += 1;
    }
    while right && stop > start && set[s[stop - 1] as usize] {
        stop -= 1;
    }
    if start == 0 && stop == s.len() {
        return unchanged(vm, &args[0]);
    }
    make(vm, &args[0], &s[start..stop])
}

pub(crate) fn strip(vm: &Vm, args: &[Object]) -> Result {
    do_strip(vm, args, true, true)
}

pub(crate) fn lstrip(vm: &Vm, args: &[Object]) -> Result {
    do_strip(vm, args, true, false)
}

pub(crate) fn rstrip(vm: &Vm, args: &[Object]) -> Result {
    do_strip(vm, args, false, true)
}

pub(crate) fn removeprefix(vm: &Vm, args: &[Object]) -> Result {
    let prefix = vm.bytes_like(&args[1], "prefix")?;
    match data(&args[0]).strip_prefix(prefix.bytes()) {
        Some(rest) if !prefix.is_empty() => make(vm, &args[0], rest),
        _ => unchanged(vm, &args[0]),
    }
}

pub(crate) fn removesuffix(vm: &Vm, args: &[Object]) -> Result {
    let suffix = vm.bytes_like(&args[1], "suffix")?;
    match data(&args[0]).strip_suffix(suffix.bytes()) {
        Some(rest) if !suffix.is_empty() => make(vm, &args[0], rest),
        _ => unchanged(vm, &args[0]),
    }
}

// ---- putting together -----------------------------------------------------------------------------------

pub(crate) fn join(vm: &Vm, args: &[Object]) -> Result {
    let iterable = &args[1];
    if iterable.ty().slots().unary[UnaryOp::Iter as usize].is_none() && !vm.is_sequence(iterable) {
        return Err(vm.type_error("can only join an iterable"));
    }
    let items = vm.collect(iterable)?;
    if let [one] = &*items
        && one.ty().is(&BYTES)
        && is_bytes(&args[0])
    {
        return Ok(one.clone());
    }
    // Plain bytes are used as they are; other items are held while we work.
    let mut held = Vec::new();
    let mut total = 0usize;
    for (i, item) in items.iter().enumerate() {
        let len = match item.downcast_exact::<Bytes>() {
            Some(bytes) => bytes.len(),
            None if !vm.is_bytes_like(item) => {
                return Err(vm.type_error(format!(
                    "sequence item {i}: expected a bytes-like object, {} found",
                    item.ty().full_name()
                )));
            }
            None => {
                held.push(vm.bytes_like(item, "join")?);
                held.last().map_or(0, Buffer::len)
            }
        };
        total = total.saturating_add(len);
    }
    let sep = data(&args[0]);
    total = total.saturating_add(sep.len().saturating_mul(items.len().saturating_sub(1)));
    if is_bytes(&args[0]) {
        let joined = bytes::try_build(vm, &BYTES, total, |out| {
            let mut rest = out;
            join_into(&items, sep, &held, |part| {
                if let Some((head, tail)) = std::mem::take(&mut rest).split_at_mut_checked(part.len()) {
                    head.write_copy_of_slice(part);
                    rest = tail;
                }
            });
            rest.fill(MaybeUninit::new(0));
        });
        return joined.ok_or_else(|| vm.memory_error());
    }
    let mut out = reserve(vm, total)?;
    join_into(&items, sep, &held, |part| out.extend_from_slice(part));
    make_vec(vm, &args[0], out)
}

/// Hands the parts of a join to `put`; `held` are the items that are no plain bytes.
fn join_into(items: &[Object], sep: &[u8], held: &[Buffer], mut put: impl FnMut(&[u8])) {
    let mut others = held.iter();
    for (i, item) in items.iter().enumerate() {
        if i > 0 && !sep.is_empty() {
            put(sep);
        }
        match item.downcast_exact::<Bytes>() {
            Some(bytes) => put(bytes.as_slice()),
            None => put(others.next().map_or(&[], Buffer::bytes)),
        }
    }
}

pub(crate) fn replace(vm: &Vm, args: &[Object]) -> Result {
    let most = limit(vm, &args[3])?;
    let (old, new) = (vm.bytes_like(&args[1], "old")?, vm.bytes_like(&args[2], "new")?);
    let (old, new, s) = (old.bytes(), new.bytes(), data(&args[0]));
    let n = if old.len() > s.len() { 0 } else { str_search::count(s, old, most) };
    if n == 0 || old == new {
        return unchanged(vm, &args[0]);
    }
    let grown = new.len().checked_mul(n).and_then(|added| added.checked_add(s.len() - n * old.len()));
    let Some(len) = grown.filter(|&len| len <= isize::MAX as usize) else {
        return Err(vm.overflow_error("replace bytes are too long"));
    };
    let mut out = reserve(vm, len)?;
    if old.is_empty() {
        for (i, &b) in s.iter().enumerate() {
            if i < n {
                out.extend_from_slice(new);
            }
            out.push(b);
        }
        if n > s.len() {
            out.extend_from_slice(new);
        }
    } else {
        let searcher = Searcher::new(old);
        let mut at = 0;
        for _ in 0..n {
            let Some(i) = searcher.find(s, at) else { break };
            out.extend_from_slice(&s[at..i]);
            out.extend_from_slice(new);
            at = i + old.len();
        }
        out.extend_from_slice(&s[at..]);
    }
    make_vec(vm, &args[0], out)
}

pub(crate) fn translate(vm: &Vm, args: &[Object]) -> Result {
    let table = match args[1].some() {
        None => None,
        Some(table) => Some(vm.bytes_like(table, "table")?),
    };
    if table.as_ref().is_some_and(|t| t.len() != 256) {
        return Err(vm.value_error("translation table must be 256 characters long"));
    }
    let deleted = match args[2].bound() {
        None => None,
        Some(deleted) => Some(vm.bytes_like(deleted, "delete")?),
    };
    let mut gone = [false; 256];
    if let Some(deleted) = &deleted {
        deleted.bytes().iter().for_each(|&b| gone[b as usize] = true);
    }
    let s = data(&args[0]);
    let mut out = reserve(vm, s.len())?;
    match &table {
        None => out.extend(s.iter().filter(|&&b| !gone[b as usize])),
        Some(table) => {
            let table = table.bytes();
            out.extend(s.iter().filter(|&&b| !gone[b as usize]).map(|&b| table[b as usize]));
        }
    }
    if out == s {
        return unchanged(vm, &args[0]);
    }
    make_vec(vm, &args[0], out)
}

pub(crate) fn maketrans(vm: &Vm, args: &[Object]) -> Result {
    let (from, to) = (vm.bytes_like(&args[0], "frm")?, vm.bytes_like(&args[1], "to")?);
    if from.len() != to.len() {
        return Err(vm.value_error("maketrans arguments must have same length"));
    }
    let mut table: [u8; 256] = std::array::from_fn(|i| i as u8);
    for (&from, &to) in from.bytes().iter().zip(to.bytes()) {
        table[from as usize] = to;
    }
    bytes::new(vm, &table)
}

// ---- padding ------------------------------------------------------------------------------------------------

fn fill_byte(vm: &Vm, object: &Object, name: &str) -> Result<u8> {
    let bytes = match (object.downcast::<Bytes>(), object.downcast::<ByteArray>()) {
        (Some(bytes), _) => bytes.as_slice(),
        (_, Some(bytes)) => bytes.as_slice(),
        _ => {
            return Err(vm.type_error(format!(
                "{name}() argument 2 must be a byte string of length 1, not {}",
                shown_type(object)
            )));
        }
    };
    match bytes {
        [b] => Ok(*b),
        _ => Err(vm.type_error(format!(
            "{name}(): argument 2 must be a byte string of length 1, not a {} object of length {}",
            object.ty().full_name(),
            bytes.len()
        ))),
    }
}

fn pad(vm: &Vm, object: &Object, left: usize, right: usize, fill: u8) -> Result {
    if left == 0 && right == 0 {
        return unchanged(vm, object);
    }
    let s = data(object);
    let total = s.len().saturating_add(left).saturating_add(right);
    let mut out = reserve(vm, total)?;
    out.resize(left, fill);
    out.extend_from_slice(s);
    out.resize(total, fill);
    make_vec(vm, object, out)
}

pub(crate) fn center(vm: &Vm, args: &[Object]) -> Result {
    let width = vm.index_isize(&args[1])?;
    let fill = fill_byte(vm, &args[2], "center")?;
    let n = (width.max(0) as usize).saturating_sub(data(&args[0]).len());
    let left = n / 2 + (n & width as usize & 1);
    pad(vm, &args[0], left, n - left, fill)
}

pub(crate) fn ljust(vm: &Vm, args: &[Object]) -> Result {
    let width = vm.index_isize(&args[1])?.max(0) as usize;
    let fill = fill_byte(vm, &args[2], "ljust")?;
    pad(vm, &args[0], 0, width.saturating_sub(data(&args[0]).len()), fill)
}

pub(crate) fn rjust(vm: &Vm, args: &[Object]) -> Result {
    let width = vm.index_isize(&args[1])?.max(0) as usize;
    let fill = fill_byte(vm, &args[2], "rjust")?;
    pad(vm, &args[0], width.saturating_sub(data(&args[0]).len()), 0, fill)
}

pub(crate) fn zfill(vm: &Vm, args: &[Object]) -> Result {
    let width = vm.index_isize(&args[1])?.max(0) as usize;
    let s = data(&args[0]);
    let n = width.saturating_sub(s.len());
    match s {
        [sign @ (b'+' | b'-'), rest @ ..] if n > 0 => {
            let mut out = reserve(vm, width)?;
            out.push(*sign);
            out.resize(n + 1, b'0');
            out.extend_from_slice(rest);
            make_vec(vm, &args[0], out)
        }
        _ => pad(vm, &args[0], n, 0, b'0'),
    }
}

pub(crate) fn expandtabs(vm: &Vm, args: &[Object]) -> Result {
    let tab = vm.to_plain_c_int(&args[1])?.max(0) as usize;
    let s = data(&args[0]);
    let (mut column, mut len) = (0usize, 0usize);
    for &b in s {
        let n = match b {
            b'\t' if tab == 0 => 0,
            b'\t' => tab - column % tab,
            _ => 1,
        };
        column = if matches!(b, b'\n' | b'\r') { 0 } else { column + n };
        len = match len.checked_add(n) {
            Some(len) if len <= isize::MAX as usize => len,
            _ => return Err(vm.overflow_error("result too long")),
        };
    }
    let mut out = reserve(vm, len)?;
    column = 0;
    for &b in s {
        if b != b'\t' {
            out.push(b);
            column = if matches!(b, b'\n' | b'\r') { 0 } else { column + 1 };
        } else if tab > 0 {
            let n = tab - column % tab;
            out.resize(out.len() + n, b' ');
            column += n;
        }
    }
    make_vec(vm, &args[0], out)
}

// ---- case and classes -------------------------------------------------------------------------------------------

fn map(vm: &Vm, args: &[Object], mut f: impl FnMut(u8) -> u8) -> Result {
    let s = data(&args[0]);
    let mut out = reserve(vm, s.len())?;
    out.extend(s.iter().map(|&b| f(b)));
    make_vec(vm, &args[0], out)
}

pub(crate) fn lower(vm: &Vm, args: &[Object]) -> Result {
    map(vm, args, |b| b.to_ascii_lowercase())
}

pub(crate) fn upper(vm: &Vm, args: &[Object]) -> Result {
    map(vm, args, |b| b.to_ascii_uppercase())
}

pub(crate) fn swapcase(vm: &Vm, args: &[Object]) -> Result {
    map(vm, args, |b| if b.is_ascii_alphabetic() { b ^ 32 } else { b })
}

pub(crate) fn title(vm: &Vm, args: &[Object]) -> Result {
    let mut inside = false;
    map(vm, args, |b| {
        let out = if inside { b.to_ascii_lowercase() } else { b.to_ascii_uppercase() };
        inside = b.is_ascii_alphabetic();
        out
    })
}

pub(crate) fn capitalize(vm: &Vm, args: &[Object]) -> Result {
    let mut first = true;
    map(
        vm,
        args,
        |b| if std::mem::take(&mut first) { b.to_ascii_uppercase() } else { b.to_ascii_lowercase() },
    )
}

fn all(args: &[Object], f: impl Fn(&u8) -> bool) -> Result {
    let s = data(&args[0]);
    Ok(Object::bool(!s.is_empty() && s.iter().all(f)))
}

pub(crate) fn isalnum(_: &Vm, args: &[Object]) -> Result {
    all(args, u8::is_ascii_alphanumeric)
}

pub(crate) fn isalpha(_: &Vm, args: &[Object]) -> Result {
    all(args, u8::is_ascii_alphabetic)
}

pub(crate) fn isascii(_: &Vm, args: &[Object]) -> Result {
    Ok(Object::bool(data(&args[0]).is_ascii()))
}

pub(crate) fn isdigit(_: &Vm, args: &[Object]) -> Result {
    all(args, u8::is_ascii_digit)
}

pub(crate) fn isspace(_: &Vm, args: &[Object]) -> Result {
    all(args, |&b| is_space(b))
}

pub(crate) fn islower(_: &Vm, args: &[Object]) -> Result {
    let s = data(&args[0]);
    Ok(Object::bool(s.iter().any(u8::is_ascii_lowercase) && !s.iter().any(u8::is_ascii_uppercase)))
}

pub(crate) fn isupper(_: &Vm, args: &[Object]) -> Result {
    let s = data(&args[0]);
    Ok(Object::bool(s.iter().any(u8::is_ascii_uppercase) && !s.iter().any(u8::is_ascii_lowercase)))
}

pub(crate) fn istitle(_: &Vm, args: &[Object]) -> Result {
    let (mut cased, mut inside) = (false, false);
    for b in data(&args[0]) {
        if !b.is_ascii_alphabetic() {
            inside = false;
            continue;
        }
        if b.is_ascii_uppercase() == inside {
            return Ok(Object::FALSE);
        }
        (cased, inside) = (true, true);
    }
    Ok(Object::bool(cased))
}

// ---- text ---------------------------------------------------------------------------------------------------------

pub(crate) fn decode(vm: &Vm, args: &[Object]) -> Result {
    let encoding = codec_argument(vm, "decode() argument 'encoding'", &args[1])?;
    let errors = codec_argument(vm, "decode() argument 'errors'", &args[2])?;
    codecs::decode_object(vm, &args[0], &encoding, &errors)
}

pub(crate) fn hex(vm: &Vm, args: &[Object]) -> Result {
    let sep = hex_separator(vm, &args[1])?;
    let group = vm.to_plain_c_int(&args[2])?;
    hex_text(vm, data(&args[0]), sep, group)
}

/// The separator of a `hex` method; UNBOUND: none.
pub fn hex_separator(vm: &Vm, object: &Object) -> Result<Option<u8>> {
    let Some(object) = object.bound() else { return Ok(None) };
    if vm.len(object)? != 1 {
        return Err(vm.value_error("sep must be length 1."));
    }
    let c = match (object.downcast::<Str>(), object.downcast::<Bytes>()) {
        (Some(s), _) => s.char_at(0),
        (_, Some(b)) => b.as_slice().first().copied().unwrap_or(0) as u32,
        _ => return Err(vm.type_error("sep must be str or bytes.")),
    };
    match u8::try_from(c) {
        Ok(b) if b < 0x80 => Ok(Some(b)),
        _ => Err(vm.value_error("sep must be ASCII.")),
    }
}

/// Bytes as hexadecimal digits, a separator after every `group` bytes
/// (counted from the right; from the left if negative).
pub fn hex_text(vm: &Vm, bytes: &[u8], sep: Option<u8>, group: i32) -> Result {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let n = bytes.len();
    let size = group.unsigned_abs() as usize;
    let sep = sep.filter(|_| size > 0 && size < n);
    let separators = if sep.is_some() { (n - 1) / size } else { 0 };
    let Some(len) = n.checked_mul(2).and_then(|len| len.checked_add(separators)) else {
        return Err(vm.memory_error());
    };
    use crate::types::str_units::{Width, build};
    build::<u8>(vm, len, Width::Ascii, |out| {
        for (i, &b) in bytes.iter().enumerate() {
            if let Some(sep) = sep
                && i > 0
                && (if group > 0 { n - i } else { i }) % size == 0
            {
                out.push(sep);
            }
            out.push(HEX[b as usize >> 4]);
            out.push(HEX[b as usize & 15]);
        }
    })
}

pub(crate) fn fromhex(vm: &Vm, args: &[Object]) -> Result {
    let (class, source) = (&args[0], &args[1]);
    let bytes = if let Some(s) = source.downcast::<Str>() {
        parse_hex(vm, s.len(), |i| s.char_at(i))?
    } else if vm.is_bytes_like(source) {
        let buffer = vm.bytes_like(source, "fromhex")?;
        let text = buffer.bytes();
        parse_hex(vm, text.len(), |i| text[i] as u32)?
    } else {
        return Err(vm.type_error(format!(
            "fromhex() argument must be str or bytes-like, not {}",
            qualified_type(vm, source)
        )));
    };
    let immutable = Type::of(class).is_some_and(|c| c.is_subtype(&BYTES));
    let result = if immutable { bytes::new(vm, &bytes)? } else { bytearray::from_vec(vm, bytes) };
    if result.ty().value() == class.value() {
        return Ok(result);
    }
    vm.call(class, &[result])
}

fn parse_hex(vm: &Vm, n: usize, at: impl Fn(usize) -> u32) -> Result<Vec<u8>> {
    let digit = |i: usize| char::from_u32(at(i)).and_then(|c| c.to_digit(16));
    let wrong =
        |i: usize| vm.value_error(format!("non-hexadecimal number found in fromhex() arg at position {i}"));
    let mut out = reserve(vm, n / 2)?;
    let mut i = 0;
    // A character that is not ASCII anywhere is found first.
    if let Some(bad) = (0..n).find(|&i| at(i) >= 0x80) {
        let digits_before = (0..bad).all(|i| digit(i).is_some() || is_space(at(i) as u8));
        if digits_before {
            return Err(wrong(bad));
        }
    }
    while i < n {
        if at(i) < 0x80 && is_space(at(i) as u8) {
            i += 1;
            continue;
        }
        let Some(high) = digit(i) else { return Err(wrong(i)) };
        if i + 1 >= n {
            return Err(vm.value_error("fromhex() arg must contain an even number of hexadecimal digits"));
        }
        let Some(low) = digit(i + 1) else { return Err(wrong(i + 1)) };
        out.push((high << 4 | low) as u8);
        i += 2;
    }
    Ok(out)
}

impl Vm {
    /// A C `int` argument as argument clinic converts it: one message for both directions.
    pub fn to_plain_c_int(&self, object: &Object) -> Result<i32> {
        let index = self.index(object)?;
        int::to_i64(&index)
            .and_then(|n| i32::try_from(n).ok())
            .ok_or_else(|| self.overflow_error("Python int too large to convert to C int"))
    }
}

/// A method table: the given rows and those that bytes and bytearray share.
macro_rules! with_shared_methods {
    ($($own:expr,)*) => {{
        use $crate::types::bytes_methods as f;
        &[
            $($own,)*
            MethodDef::new("capitalize($self, /)", f::capitalize, "A copy with the first byte upper case and the rest lower case (ASCII)."),
            MethodDef::new("center($self, width, fillchar=b' ', /)", f::center, "The bytes padded on both sides to the width."),
            MethodDef::new("count($self, sub, start=None, end=None, /)", f::count, "How often sub occurs in B[start:end], without overlaps."),
            MethodDef::new("decode($self, /, encoding='utf-8', errors='strict')", f::decode, "The text that the bytes stand for in an encoding.\n\nerrors names the handler of what cannot be decoded: 'strict', 'ignore',\n'replace', or a name given to codecs.register_error."),
            MethodDef::new("endswith($self, suffix, start=None, end=None, /)", f::endswith, "Does B[start:end] end with the suffix, or with one of a tuple of them?"),
            MethodDef::new("expandtabs($self, /, tabsize=8)", f::expandtabs, "A copy with tabs expanded to spaces."),
            MethodDef::new("find($self, sub, start=None, end=None, /)", f::find, "The lowest index of sub in B[start:end], or -1."),
            MethodDef::new("fromhex($type, string, /)", f::fromhex, "The bytes that pairs of hexadecimal digits stand for; white space between them is skipped.").class_method(),
            MethodDef::new("hex($self, /, sep=<unrepresentable>, bytes_per_sep=1)", f::hex, "The bytes as hexadecimal digits.\n\nsep\n  A character to stand between bytes.\nbytes_per_sep\n  How many bytes between separators, counted from the right; from the\n  left if negative.\n\n    >>> data = bytes([0, 255, 195])\n    >>> data.hex()\n    '00ffc3'\n    >>> data.hex('-', 2)\n    '00-ffc3'"),
            MethodDef::new("index($self, sub, start=None, end=None, /)", f::index, "The lowest index of sub in B[start:end]; ValueError if there is none."),
            MethodDef::new("isalnum($self, /)", f::isalnum, "Are all bytes ASCII letters or digits, and is there one?"),
            MethodDef::new("isalpha($self, /)", f::isalpha, "Are all bytes ASCII letters, and is there one?"),
            MethodDef::new("isascii($self, /)", f::isascii, "Are all bytes ASCII?"),
            MethodDef::new("isdigit($self, /)", f::isdigit, "Are all bytes ASCII digits, and is there one?"),
            MethodDef::new("islower($self, /)", f::islower, "Are all ASCII letters lower case, and is there one?"),
            MethodDef::new("isspace($self, /)", f::isspace, "Are all bytes ASCII white space, and is there one?"),
            MethodDef::new("istitle($self, /)", f::istitle, "Does each word begin upper case and go on lower case (ASCII)?"),
            MethodDef::new("isupper($self, /)", f::isupper, "Are all ASCII letters upper case, and is there one?"),
            MethodDef::new("join($self, iterable_of_bytes, /)", f::join, "The bytes of the iterable's items with these between each two."),
            MethodDef::new("ljust($self, width, fillchar=b' ', /)", f::ljust, "The bytes padded on the right to the width."),
            MethodDef::new("lower($self, /)", f::lower, "A copy with ASCII letters in lower case."),
            MethodDef::new("lstrip($self, bytes=None, /)", f::lstrip, "A copy without leading ASCII white space, or bytes given."),
            MethodDef::new("maketrans(frm, to, /)", f::maketrans, "A table for translate() that maps each byte of frm to the one at its place in to.").static_method(),
            MethodDef::new("partition($self, sep, /)", f::partition, "What is before the first sep, sep itself, and what is after it."),
            MethodDef::new("replace($self, old, new, count=-1, /)", f::replace, "A copy with old replaced by new, at most count times."),
            MethodDef::new("removeprefix($self, prefix, /)", f::removeprefix, "A copy without the prefix, if it is there."),
            MethodDef::new("removesuffix($self, suffix, /)", f::removesuffix, "A copy without the suffix, if it is there."),
            MethodDef::new("rfind($self, sub, start=None, end=None, /)", f::rfind, "The highest index of sub in B[start:end], or -1."),
            MethodDef::new("rindex($self, sub, start=None, end=None, /)", f::rindex, "The highest index of sub in B[start:end]; ValueError if there is none."),
            MethodDef::new("rjust($self, width, fillchar=b' ', /)", f::rjust, "The bytes padded on the left to the width."),
            MethodDef::new("rpartition($self, sep, /)", f::rpartition, "What is before the last sep, sep itself, and what is after it."),
            MethodDef::new("rsplit($self, /, sep=None, maxsplit=-1)", f::rsplit, "As split(), counting splits from the right."),
            MethodDef::new("rstrip($self, bytes=None, /)", f::rstrip, "A copy without trailing ASCII white space, or bytes given."),
            MethodDef::new("split($self, /, sep=None, maxsplit=-1)", f::split, "The list of the parts between separators.\n\nsep\n  What separates; None: runs of ASCII white space.\nmaxsplit\n  How many splits at most, from the left; -1: no limit."),
            MethodDef::new("splitlines($self, /, keepends=False)", f::splitlines, "The list of the lines, with their ends if keepends is true."),
            MethodDef::new("startswith($self, prefix, start=None, end=None, /)", f::startswith, "Does B[start:end] start with the prefix, or with one of a tuple of them?"),
            MethodDef::new("strip($self, bytes=None, /)", f::strip, "A copy without ASCII white space, or bytes given, at both ends."),
            MethodDef::new("swapcase($self, /)", f::swapcase, "A copy with upper and lower case ASCII letters exchanged."),
            MethodDef::new("title($self, /)", f::title, "A copy in which each word begins upper case and goes on lower case (ASCII)."),
            MethodDef::new("translate($self, table, /, delete=b'')", f::translate, "A copy without the bytes of delete, the others mapped through the table of 256 bytes (None: as they are)."),
            MethodDef::new("upper($self, /)", f::upper, "A copy with ASCII letters in upper case."),
            MethodDef::new("zfill($self, width, /)", f::zfill, "The bytes with zeros, behind a sign, up to the width."),
        ]
    }};
}
pub(crate) use with_shared_methods;
