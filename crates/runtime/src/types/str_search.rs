//! Searching in strings and bytes: linear in the worst case on every kind.
//! Bytes use `memchr`'s vectorised searchers; wider units a plain scan that
//! turns into Knuth-Morris-Pratt when it does too much work.
//!
//! Below: `find`, `count`, `startswith` and their kin as str methods.

use crate::prelude::*;
use crate::types::str_methods::shown_type;
use crate::types::str_units::{Unit, as_units, units};
use memchr::memmem;

/// Position of the first `c`.
#[inline]
pub fn find_unit<T: Unit>(hay: &[T], c: T) -> Option<usize> {
    match T::bytes(hay) {
        Some(bytes) => memchr::memchr(c.into() as u8, bytes),
        None => hay.iter().position(|&x| x == c),
    }
}

/// Position of the last `c`.
#[inline]
pub fn rfind_unit<T: Unit>(hay: &[T], c: T) -> Option<usize> {
    match T::bytes(hay) {
        Some(bytes) => memchr::memrchr(c.into() as u8, bytes),
        None => hay.iter().rposition(|&x| x == c),
    }
}

/// Position of the first occurrence of `needle`.
pub fn find<T: Unit>(hay: &[T], needle: &[T]) -> Option<usize> {
    match needle {
        [] => Some(0),
        [c] => find_unit(hay, *c),
        _ if needle.len() > hay.len() => None,
        _ => match (T::bytes(hay), T::bytes(needle)) {
            (Some(hay), Some(needle)) => find_bytes(hay, needle),
            _ => scan(hay.len(), needle.len(), |i| hay[i], |i| needle[i]),
        },
    }
}

/// A needle of two bytes or more. The first few places are tried by hand:
/// making a searcher costs more than that.
fn find_bytes(hay: &[u8], needle: &[u8]) -> Option<usize> {
    let last = hay.len() - needle.len();
    let mut at = 0;
    for _ in 0..4 {
        at += memchr::memchr(needle[0], hay.get(at..=last)?)?;
        if hay[at..at + needle.len()] == *needle {
            return Some(at);
        }
        at += 1;
    }
    memmem::find(&hay[at..], needle).map(|i| i + at)
}

/// Position of the last occurrence of `needle`.
pub fn rfind<T: Unit>(hay: &[T], needle: &[T]) -> Option<usize> {
    let (n, m) = (hay.len(), needle.len());
    match needle {
        [] => Some(n),
        [c] => rfind_unit(hay, *c),
        _ if m > n => None,
        _ => match (T::bytes(hay), T::bytes(needle)) {
            (Some(hay), Some(needle)) => memmem::rfind(hay, needle),
            _ => scan(n, m, |i| hay[n - 1 - i], |i| needle[m - 1 - i]).map(|i| n - m - i),
        },
    }
}

/// The first place where the `m` units of `needle` stand among the `n` of
/// `hay`; 2 <= m <= n.
fn scan<T: Copy + Eq>(
    n: usize,
    m: usize,
    hay: impl Fn(usize) -> T,
    needle: impl Fn(usize) -> T,
) -> Option<usize> {
    let first = needle(0);
    let mut budget = 4 * n + 64;
    for i in 0..=n - m {
        if hay(i) != first {
            continue;
        }
        let matched = (1..m).take_while(|&k| hay(i + k) == needle(k)).count() + 1;
        if matched == m {
            return Some(i);
        }
        budget = budget.saturating_sub(matched);
        if budget == 0 {
            return knuth_morris_pratt(n, m, i, hay, needle);
        }
    }
    None
}

fn knuth_morris_pratt<T: Copy + Eq>(
    n: usize,
    m: usize,
    start: usize,
    hay: impl Fn(usize) -> T,
    needle: impl Fn(usize) -> T,
) -> Option<usize> {
    // `borders[k]`: length of the longest proper border of the first k + 1 units.
    let mut borders = vec![0usize; m];
    let mut k = 0;
    for i in 1..m {
        while k > 0 && needle(i) != needle(k) {
            k = borders[k - 1];
        }
        if needle(i) == needle(k) {
            k += 1;
        }
        borders[i] = k;
    }
    k = 0;
    for i in start..n {
        while k > 0 && hay(i) != needle(k) {
            k = borders[k - 1];
        }
        if hay(i) == needle(k) {
            k += 1;
        }
        if k == m {
            return Some(i + 1 - m);
        }
    }
    None
}

/// A needle to be found many times.
pub struct Searcher<'n, T> {
    needle: &'n [T],
    bytes: Option<memmem::Finder<'n>>,
}

impl<'n, T: Unit> Searcher<'n, T> {
    pub fn new(needle: &'n [T]) -> Searcher<'n, T> {
        let bytes = if needle.len() > 1 { T::bytes(needle).map(memmem::Finder::new) } else { None };
        Searcher { needle, bytes }
    }
    /// The first occurrence at or after `from`, as an index into `hay`.
    #[inline]
    pub fn find(&self, hay: &[T], from: usize) -> Option<usize> {
        let rest = hay.get(from..)?;
        let found = match (&self.bytes, T::bytes(rest)) {
            (Some(finder), Some(rest)) => finder.find(rest),
            _ => find(rest, self.needle),
        };
        found.map(|i| i + from)
    }
}

/// Number of occurrences that do not overlap; no more than `most`.
pub fn count<T: Unit>(hay: &[T], needle: &[T], most: usize) -> usize {
    match needle {
        [] => (hay.len() + 1).min(most),
        [c] if most >= hay.len() => match T::bytes(hay) {
            Some(bytes) => memchr::memchr_iter((*c).into() as u8, bytes).count(),
            None => hay.iter().filter(|&x| x == c).count(),
        },
        _ => {
            let searcher = Searcher::new(needle);
            let (mut n, mut at) = (0, 0);
            while n < most
                && let Some(i) = searcher.find(hay, at)
            {
                n += 1;
                at = i + needle.len();
            }
            n
        }
    }
}

/// The slice that the optional `start` and `stop` denote in a sequence of
/// `len`; None if it begins behind its end.
pub fn bounds(vm: &Vm, start: &Object, stop: &Object, len: usize) -> Result<Option<(usize, usize)>> {
    Ok(place(raw_bounds(vm, start, stop)?, len))
}

/// `start` and `stop` as numbers. Runs Python code.
pub fn raw_bounds(vm: &Vm, start: &Object, stop: &Object) -> Result<(isize, isize)> {
    Ok((bound(vm, start, 0)?, bound(vm, stop, isize::MAX)?))
}

/// Where these bounds lie in a sequence of `len`; None if they cross.
pub fn place((start, stop): (isize, isize), len: usize) -> Option<(usize, usize)> {
    let len = len as isize;
    let from_end = |i: isize| if i < 0 { (i + len).max(0) } else { i };
    let (start, stop) = (from_end(start), from_end(stop.min(len)));
    if start > stop { None } else { Some((start as usize, stop as usize)) }
}

fn bound(vm: &Vm, object: &Object, default: isize) -> Result<isize> {
    match object.some() {
        None => Ok(default),
        Some(object) if object.is_int() => Ok(object.as_int() as isize),
        Some(object) if vm.is_index(object) => vm.index_clipped(object),
        Some(_) => Err(vm.type_error("slice indices must be integers or None or have an __index__ method")),
    }
}

// ---- the methods of str -----------------------------------------------------------

fn this(object: &Object) -> &Str {
    // SAFETY: methods of str are only called on strings.
    unsafe { object.payload_unchecked() }
}

fn sub<'a>(vm: &Vm, name: &str, object: &'a Object) -> Result<&'a Str> {
    object
        .downcast::<Str>()
        .ok_or_else(|| vm.type_error(format!("{name}() argument 1 must be str, not {}", shown_type(object))))
}

#[derive(Clone, Copy, PartialEq)]
enum Direction {
    First,
    Last,
}

/// Where `needle` is in characters `start..stop` of `s`.
fn locate(s: &Str, needle: &Str, start: usize, stop: usize, direction: Direction) -> Option<usize> {
    if needle.len() > stop - start {
        return None;
    }
    units!(s, hay => {
        let needle = as_units(needle)?;
        let hay = &hay[start..stop];
        let found = if direction == Direction::First { find(hay, &needle) } else { rfind(hay, &needle) };
        found.map(|i| i + start)
    })
}

/// Is `needle` a substring of `s`?
pub fn contains(s: &Str, needle: &Str) -> bool {
    locate(s, needle, 0, s.len(), Direction::First).is_some()
}

/// First occurrence of `needle` in `s`.
pub fn find_in(s: &Str, needle: &Str) -> Option<usize> {
    locate(s, needle, 0, s.len(), Direction::First)
}

/// Last occurrence of `needle` in `s`.
pub fn rfind_in(s: &Str, needle: &Str) -> Option<usize> {
    locate(s, needle, 0, s.len(), Direction::Last)
}

fn search(vm: &Vm, args: &[Object], name: &str, direction: Direction) -> Result<Option<usize>> {
    let (s, needle) = (this(&args[0]), sub(vm, name, &args[1])?);
    Ok(bounds(vm, &args[2], &args[3], s.len())?
        .and_then(|(start, stop)| locate(s, needle, start, stop, direction)))
}

fn or_minus_one(vm: &Vm, found: Option<usize>) -> Result {
    Ok(found.map_or_else(|| vm.int(-1), |i| vm.usize(i)))
}

fn or_error(vm: &Vm, found: Option<usize>) -> Result {
    found.map(|i| vm.usize(i)).ok_or_else(|| vm.value_error("substring not found"))
}

pub fn str_find(vm: &Vm, args: &[Object]) -> Result {
    or_minus_one(vm, search(vm, args, "find", Direction::First)?)
}

pub fn str_rfind(vm: &Vm, args: &[Object]) -> Result {
    or_minus_one(vm, search(vm, args, "rfind", Direction::Last)?)
}

pub fn str_index(vm: &Vm, args: &[Object]) -> Result {
    or_error(vm, search(vm, args, "index", Direction::First)?)
}

pub fn str_rindex(vm: &Vm, args: &[Object]) -> Result {
    or_error(vm, search(vm, args, "rindex", Direction::Last)?)
}

pub fn str_count(vm: &Vm, args: &[Object]) -> Result {
    let (s, needle) = (this(&args[0]), sub(vm, "count", &args[1])?);
    let Some((start, stop)) = bounds(vm, &args[2], &args[3], s.len())? else { return Ok(vm.int(0)) };
    let n =
        units!(s, hay => as_units(needle).map_or(0, |needle| count(&hay[start..stop], &needle, usize::MAX)));
    Ok(vm.usize(n))
}

/// Do the characters of `part` stand in `s` at `at`?
pub fn stands_at(s: &Str, part: &Str, at: usize) -> bool {
    let end = at + part.len();
    if end > s.len() {
        return false;
    }
    units!(s, hay => {
        let hay = &hay[at..end];
        units!(part, part => hay.iter().zip(part).all(|(&a, &b)| Into::<u32>::into(a) == Into::<u32>::into(b)))
    })
}

#[derive(Clone, Copy, PartialEq)]
enum End {
    Start,
    Tail,
}

fn tail_match(s: &Str, part: &Str, range: Option<(usize, usize)>, end: End) -> bool {
    let Some((start, stop)) = range else { return false };
    part.len() <= stop - start
        && stands_at(s, part, if end == End::Start { start } else { stop - part.len() })
}

fn ends(vm: &Vm, args: &[Object], name: &str, end: End) -> Result {
    let s = this(&args[0]);
    let range = bounds(vm, &args[2], &args[3], s.len())?;
    if let Some(tuple) = args[1].downcast::<Tuple>() {
        for item in tuple.items() {
            let Some(part) = item.downcast::<Str>() else {
                return Err(vm.type_error(format!(
                    "tuple for {name} must only contain str, not {}",
                    item.ty().full_name()
                )));
            };
            if tail_match(s, part, range, end) {
                return Ok(Object::TRUE);
            }
        }
        return Ok(Object::FALSE);
    }
    match args[1].downcast::<Str>() {
        Some(part) => Ok(Object::bool(tail_match(s, part, range, end))),
        None => Err(vm.type_error(format!(
            "{name} first arg must be str or a tuple of str, not {}",
            args[1].ty().full_name()
        ))),
    }
}

pub fn str_startswith(vm: &Vm, args: &[Object]) -> Result {
    ends(vm, args, "startswith", End::Start)
}

pub fn str_endswith(vm: &Vm, args: &[Object]) -> Result {
    ends(vm, args, "endswith", End::Tail)
}
