//! Sorting of lists: a stable, adaptive merge sort (natural runs, merged in the
//! order of powersort, galloping where one run wins for long).
//!
//! The items are sorted as raw words while the vector that owns them is out of
//! Python's reach; at every point where Python code runs, and after an error,
//! the words together with the scratch space are a permutation of the items.
//! Keys that are all small ints, floats, strings, or tuples that begin with
//! one of those are compared without a call.

use crate::prelude::*;
use crate::types::{float, int};
use std::cmp::Ordering;

/// `list.sort(key=key, reverse=reverse)`.
pub fn sort_list(vm: &Vm, list: &List, key: Option<&Object>, reverse: bool) -> Result<()> {
    let mut items = list.take();
    let result = sort_items(vm, &mut items, key, reverse);
    let (changed, intruders) = list.with_items(|slot| (slot.capacity() != 0, std::mem::replace(slot, items)));
    drop(intruders);
    result?;
    if changed {
        return Err(vm.value_error("list modified during sort"));
    }
    Ok(())
}

/// Sorts items that nobody else can see. After an error they are still all there.
pub fn sort_items(vm: &Vm, items: &mut [Object], key: Option<&Object>, reverse: bool) -> Result<()> {
    let Some(key) = key else {
        // SAFETY: Object is a transparent Value; the words are only permuted.
        let words = unsafe { std::slice::from_raw_parts_mut(items.as_mut_ptr() as *mut Value, items.len()) };
        return sort_words(vm, words, reverse);
    };
    let mut keys: Vec<Object> = Vec::new();
    let mut pairs: Vec<Pair> = Vec::new();
    if keys.try_reserve_exact(items.len()).is_err() || pairs.try_reserve_exact(items.len()).is_err() {
        return Err(vm.memory_error());
    }
    for item in items.iter() {
        keys.push(vm.call(key, std::slice::from_ref(item))?);
    }
    for (key, item) in keys.iter().zip(items.iter()) {
        pairs.push(Pair { key: key.value(), item: item.value() });
    }
    let result = sort_words(vm, &mut pairs, reverse);
    // SAFETY: as above: the pairs hold a permutation of the items' words.
    let words = unsafe { std::slice::from_raw_parts_mut(items.as_mut_ptr() as *mut Value, items.len()) };
    for (word, pair) in words.iter_mut().zip(&pairs) {
        *word = pair.item;
    }
    drop(keys);
    result
}

/// What is sorted: a word, or a word with its key.
trait Keyed: Copy {
    fn key(self) -> Value;
}

impl Keyed for Value {
    #[inline(always)]
    fn key(self) -> Value {
        self
    }
}

#[derive(Clone, Copy)]
struct Pair {
    key: Value,
    item: Value,
}

impl Keyed for Pair {
    #[inline(always)]
    fn key(self) -> Value {
        self.key
    }
}

/// What all keys have in common.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Common {
    /// Small ints.
    Int,
    /// Small and large ints.
    AnyInt,
    /// Floats in the word (never nan).
    Float,
    /// Floats, some of them on the heap.
    AnyFloat,
    /// Exact strings.
    Str,
    /// Exact strings of one byte a character.
    Latin1,
    /// Exact tuples, not empty.
    Tuple,
    Nothing,
}

fn kind_of(value: Value) -> Common {
    if value.is_int() {
        return Common::Int;
    }
    if value.is_float() {
        return Common::Float;
    }
    let object = Object::borrow_value(&value);
    if object.is_ptr() && int::is_exact(object) {
        return Common::AnyInt;
    }
    if object.is_ptr() && float::is_exact(object) {
        return Common::AnyFloat;
    }
    if let Some(s) = object.downcast_exact::<Str>() {
        return if s.byte_size() == s.len() { Common::Latin1 } else { Common::Str };
    }
    match object.downcast_exact::<Tuple>() {
        Some(tuple) if !tuple.is_empty() => Common::Tuple,
        _ => Common::Nothing,
    }
}

fn common_kind(values: impl Iterator<Item = Value>) -> Common {
    let mut common = None;
    for value in values {
        let kind = kind_of(value);
        common = Some(match (common, kind) {
            (_, Common::Nothing) => return Common::Nothing,
            (None, kind) => kind,
            (Some(a), b) if a == b => a,
            (Some(Common::Str | Common::Latin1), Common::Str | Common::Latin1) => Common::Str,
            (Some(Common::Int | Common::AnyInt), Common::Int | Common::AnyInt) => Common::AnyInt,
            (Some(Common::Float | Common::AnyFloat), Common::Float | Common::AnyFloat) => Common::AnyFloat,
            _ => return Common::Nothing,
        });
    }
    common.unwrap_or(Common::Nothing)
}

#[inline(always)]
fn str_of(value: &Value) -> &Str {
    // SAFETY: the kind of all keys was found to be a string.
    unsafe { Object::borrow_value(value).payload_unchecked() }
}

#[inline(always)]
fn tuple_of(value: &Value) -> &Tuple {
    // SAFETY: the kind of all keys was found to be a tuple.
    unsafe { Object::borrow_value(value).payload_unchecked() }
}

fn int_order(a: &Value, b: &Value) -> Ordering {
    match (int::view(Object::borrow_value(a)), int::view(Object::borrow_value(b))) {
        (Some(x), Some(y)) => int::order(x, y),
        _ => Ordering::Equal,
    }
}

fn float_of(value: &Value) -> f64 {
    if value.is_float() {
        value.as_float()
    } else {
        float::as_f64(Object::borrow_value(value)).unwrap_or(0.0)
    }
}

fn sort_words<T: Keyed>(vm: &Vm, words: &mut [T], reverse: bool) -> Result<()> {
    if words.len() < 2 {
        return Ok(());
    }
    if reverse {
        words.reverse();
    }
    let result = sort_by_kind(vm, words);
    if reverse {
        words.reverse();
    }
    result
}

fn sort_by_kind<T: Keyed>(vm: &Vm, words: &mut [T]) -> Result<()> {
    match common_kind(words.iter().map(|w| w.key())) {
        Common::Int => total_order(vm, words, |a, b| (a.bits() as i64).cmp(&(b.bits() as i64))),
        // -0.0 and 0.0 are equal, and there is no nan among words.
        Common::Float => {
            total_order(vm, words, |a, b| a.as_float().partial_cmp(&b.as_float()).unwrap_or(Ordering::Equal))
        }
        Common::AnyInt => total_order(vm, words, int_order),
        // With nan among them the order is not total: our own algorithm minds nothing.
        Common::AnyFloat => merge_sort(vm, words, |a, b| {
            let (x, y) = (a.key(), b.key());
            Ok(float_of(&x) < float_of(&y))
        }),
        Common::Latin1 => total_order(vm, words, |a, b| str_of(a).raw_bytes().cmp(str_of(b).raw_bytes())),
        Common::Str => total_order(vm, words, |a, b| str_of(a).compare(str_of(b))),
        Common::Tuple => {
            let first = common_kind(words.iter().map(|w| match tuple_of(&w.key()).items() {
                [first, ..] => first.value(),
                [] => Value::NONE,
            }));
            merge_sort(vm, words, |a, b| tuple_less(vm, first, &a.key(), &b.key()))
        }
        Common::Nothing => merge_sort(vm, words, |a, b| {
            let (x, y) = (a.key(), b.key());
            less(vm, Object::borrow_value(&x), Object::borrow_value(&y))
        }),
    }
}

#[inline]
fn less(vm: &Vm, a: &Object, b: &Object) -> Result<bool> {
    let result = vm.compare(a, b, CompareOp::Lt)?;
    vm.is_true(&result)
}

fn tuple_less(vm: &Vm, first: Common, a: &Value, b: &Value) -> Result<bool> {
    let (x, y) = (tuple_of(a).items(), tuple_of(b).items());
    let (Some(p), Some(q)) = (x.first(), y.first()) else { return Ok(x.len() < y.len()) };
    let order = match first {
        Common::Int => p.as_int().cmp(&q.as_int()),
        Common::Float => p.as_float().partial_cmp(&q.as_float()).unwrap_or(Ordering::Equal),
        Common::AnyInt => int_order(&p.value(), &q.value()),
        Common::Str | Common::Latin1 => str_of(p).compare(str_of(q)),
        _ => {
            if !vm.equal(p, q)? {
                return less(vm, p, q);
            }
            Ordering::Equal
        }
    };
    if order != Ordering::Equal {
        return Ok(order == Ordering::Less);
    }
    for (p, q) in x.iter().zip(y).skip(1) {
        if !vm.equal(p, q)? {
            return less(vm, p, q);
        }
    }
    Ok(x.len() < y.len())
}

/// Keys with a total order, compared without running any code: any stable
/// algorithm gives the same result, so the library's is good.
fn total_order<T: Keyed>(
    vm: &Vm,
    words: &mut [T],
    compare: impl Fn(&Value, &Value) -> Ordering,
) -> Result<()> {
    // Its scratch space cannot fail gracefully: see first that there is room.
    let mut room: Vec<T> = Vec::new();
    if room.try_reserve_exact(words.len()).is_err() {
        return Err(vm.memory_error());
    }
    drop(room);
    words.sort_by(|a, b| compare(&a.key(), &b.key()));
    Ok(())
}

// ---- the merge sort ------------------------------------------------------------------

/// One run wins this often in a row: start to gallop.
const MIN_GALLOP: usize = 7;

#[derive(Clone, Copy)]
struct Run {
    start: usize,
    len: usize,
    /// Depth, in the ideal merge tree, of the boundary behind this run.
    power: u32,
}

struct Merger<'v, T, F> {
    vm: &'v Vm,
    less: F,
    scratch: Vec<T>,
    min_gallop: usize,
}

/// Sorts; after an error the slice holds a permutation of what it held.
fn merge_sort<T: Copy>(vm: &Vm, items: &mut [T], less: impl FnMut(T, T) -> Result<bool>) -> Result<()> {
    let n = items.len();
    let shortest = shortest_run(n);
    let mut merger = Merger { vm, less, scratch: Vec::new(), min_gallop: MIN_GALLOP };
    let mut runs: Vec<Run> = Vec::new();
    let mut start = 0;
    while start < n {
        let mut len = merger.natural_run(&mut items[start..])?;
        if len < shortest {
            let forced = shortest.min(n - start);
            merger.insert_rest(&mut items[start..start + forced], len)?;
            len = forced;
        }
        if let Some(previous) = runs.last().copied() {
            let power = boundary_power(previous.start, previous.len, len, n);
            while runs.len() > 1 && runs[runs.len() - 2].power > power {
                merger.merge_last_two(items, &mut runs)?;
            }
            if let Some(last) = runs.last_mut() {
                last.power = power;
            }
        }
        runs.push(Run { start, len, power: 0 });
        start += len;
    }
    while runs.len() > 1 {
        merger.merge_last_two(items, &mut runs)?;
    }
    Ok(())
}

/// A length between 32 and 64 so that n / length is just below a power of two.
fn shortest_run(mut n: usize) -> usize {
    let mut rest = 0;
    while n >= 64 {
        rest |= n & 1;
        n >>= 1;
    }
    n + rest
}

/// Powersort: the first bit in which the midpoints of two neighbouring runs,
/// as fractions of `n`, differ.
fn boundary_power(start: usize, len: usize, next_len: usize, n: usize) -> u32 {
    let n = n as u128;
    let mut a = 2 * start as u128 + len as u128;
    let mut b = a + len as u128 + next_len as u128;
    let mut power = 0;
    loop {
        power += 1;
        if a >= n {
            a -= n;
            b -= n;
        } else if b >= n {
            return power;
        }
        a <<= 1;
        b <<= 1;
    }
}

/// First position of `0..n` for which `beyond` is true (it is false, then true),
/// searched in growing steps from one end.
fn gallop(n: usize, from_end: bool, mut beyond: impl FnMut(usize) -> Result<bool>) -> Result<usize> {
    if n == 0 {
        return Ok(0);
    }
    let (mut low, mut high);
    let mut step = 1;
    if from_end {
        if !beyond(n - 1)? {
            return Ok(n);
        }
        high = n - 1;
        loop {
            if step >= n {
                low = 0;
                break;
            }
            if !beyond(n - 1 - step)? {
                low = n - step;
                break;
            }
            high = n - 1 - step;
            step = 2 * step + 1;
        }
    } else {
        if beyond(0)? {
            return Ok(0);
        }
        low = 1;
        loop {
            if step >= n {
                high = n;
                break;
            }
            if beyond(step)? {
                high = step;
                break;
            }
            low = step + 1;
            step = 2 * step + 1;
        }
    }
    while low < high {
        let middle = low + (high - low) / 2;
        if beyond(middle)? {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    Ok(low)
}

impl<T: Copy, F: FnMut(T, T) -> Result<bool>> Merger<'_, T, F> {
    /// Length of the run at the start; a descending one is turned round.
    fn natural_run(&mut self, items: &mut [T]) -> Result<usize> {
        let n = items.len();
        if n < 2 {
            return Ok(n);
        }
        let mut len = 2;
        if (self.less)(items[1], items[0])? {
            while len < n && (self.less)(items[len], items[len - 1])? {
                len += 1;
            }
            items[..len].reverse();
        } else {
            while len < n && !(self.less)(items[len], items[len - 1])? {
                len += 1;
            }
        }
        Ok(len)
    }

    /// Insertion sort of a slice whose first `sorted` items are in order.
    fn insert_rest(&mut self, items: &mut [T], sorted: usize) -> Result<()> {
        for i in sorted.max(1)..items.len() {
            let pivot = items[i];
            let (mut low, mut high) = (0, i);
            while low < high {
                let middle = low + (high - low) / 2;
                if (self.less)(pivot, items[middle])? {
                    high = middle;
                } else {
                    low = middle + 1;
                }
            }
            items.copy_within(low..i, low + 1);
            items[low] = pivot;
        }
        Ok(())
    }

    fn merge_last_two(&mut self, items: &mut [T], runs: &mut Vec<Run>) -> Result<()> {
        let Some(right) = runs.pop() else { return Ok(()) };
        let Some(left) = runs.last_mut() else { return Ok(()) };
        let (start, middle, end) = (left.start, right.start, right.start + right.len);
        left.len += right.len;
        left.power = right.power;
        // What is in place already at both ends stays there.
        let first = items[middle];
        let less = &mut self.less;
        let skip = gallop(middle - start, false, |i| less(first, items[start + i]))?;
        let start = start + skip;
        if start == middle {
            return Ok(());
        }
        let last = items[middle - 1];
        let keep = gallop(end - middle, true, |i| less(items[middle + i], last).map(|l| !l))?;
        let end = middle + keep;
        if middle == end {
            return Ok(());
        }
        let smaller = (middle - start).min(end - middle);
        self.scratch.clear();
        if self.scratch.try_reserve(smaller).is_err() {
            return Err(self.vm.memory_error());
        }
        if middle - start <= end - middle {
            self.merge_low(items, start, middle, end)
        } else {
            self.merge_high(items, start, middle, end)
        }
    }

    /// Merges upwards, the left run in the scratch space.
    fn merge_low(&mut self, items: &mut [T], start: usize, middle: usize, end: usize) -> Result<()> {
        self.scratch.extend_from_slice(&items[start..middle]);
        // The gap is always as long as what is left of the scratch space.
        let (mut i, mut j) = (0, middle);
        let result = self.merge_low_loop(items, &mut i, &mut j, end);
        let rest = self.scratch.len() - i;
        items[j - rest..j].copy_from_slice(&self.scratch[i..]);
        result
    }

    fn merge_low_loop(&mut self, items: &mut [T], i: &mut usize, j: &mut usize, end: usize) -> Result<()> {
        let Merger { less, scratch, min_gallop, .. } = self;
        let n = scratch.len();
        loop {
            let (mut left_wins, mut right_wins) = (0, 0);
            while left_wins < *min_gallop && right_wins < *min_gallop {
                if *i == n || *j == end {
                    return Ok(());
                }
                let to = *j - (n - *i);
                if less(items[*j], scratch[*i])? {
                    items[to] = items[*j];
                    *j += 1;
                    (left_wins, right_wins) = (0, right_wins + 1);
                } else {
                    items[to] = scratch[*i];
                    *i += 1;
                    (left_wins, right_wins) = (left_wins + 1, 0);
                }
            }
            *min_gallop += 1;
            loop {
                *min_gallop -= (*min_gallop > 1) as usize;
                if *i == n || *j == end {
                    return Ok(());
                }
                let (at, pivot) = (*i, items[*j]);
                let left = gallop(n - at, false, |k| less(pivot, scratch[at + k]))?;
                let to = *j - (n - *i);
                items[to..to + left].copy_from_slice(&scratch[at..at + left]);
                *i += left;
                if *i == n {
                    return Ok(());
                }
                items[*j - (n - *i)] = items[*j];
                *j += 1;
                if *j == end {
                    return Ok(());
                }
                let (at, pivot) = (*j, scratch[*i]);
                let right = gallop(end - at, false, |k| less(items[at + k], pivot).map(|l| !l))?;
                items.copy_within(at..at + right, at - (n - *i));
                *j += right;
                if *j == end {
                    return Ok(());
                }
                items[*j - (n - *i)] = scratch[*i];
                *i += 1;
                if left < MIN_GALLOP && right < MIN_GALLOP {
                    break;
                }
            }
            *min_gallop += 1;
        }
    }

    /// Merges downwards, the right run in the scratch space.
    fn merge_high(&mut self, items: &mut [T], start: usize, middle: usize, end: usize) -> Result<()> {
        self.scratch.extend_from_slice(&items[middle..end]);
        // `i` and `j` count what is left of both runs; the gap is `i..i + j`.
        let (mut i, mut j) = (middle, self.scratch.len());
        let result = self.merge_high_loop(items, start, &mut i, &mut j);
        items[i..i + j].copy_from_slice(&self.scratch[..j]);
        result
    }

    fn merge_high_loop(&mut self, items: &mut [T], start: usize, i: &mut usize, j: &mut usize) -> Result<()> {
        let Merger { less, scratch, min_gallop, .. } = self;
        loop {
            let (mut left_wins, mut right_wins) = (0, 0);
            while left_wins < *min_gallop && right_wins < *min_gallop {
                if *i == start || *j == 0 {
                    return Ok(());
                }
                if less(scratch[*j - 1], items[*i - 1])? {
                    items[*i + *j - 1] = items[*i - 1];
                    *i -= 1;
                    (left_wins, right_wins) = (left_wins + 1, 0);
                } else {
                    items[*i + *j - 1] = scratch[*j - 1];
                    *j -= 1;
                    (left_wins, right_wins) = (0, right_wins + 1);
                }
            }
            *min_gallop += 1;
            loop {
                *min_gallop -= (*min_gallop > 1) as usize;
                if *i == start || *j == 0 {
                    return Ok(());
                }
                let pivot = scratch[*j - 1];
                let stay = gallop(*i - start, true, |k| less(pivot, items[start + k]))?;
                let left = *i - start - stay;
                items.copy_within(*i - left..*i, *i - left + *j);
                *i -= left;
                if *i == start {
                    return Ok(());
                }
                items[*i + *j - 1] = pivot;
                *j -= 1;
                if *j == 0 {
                    return Ok(());
                }
                let pivot = items[*i - 1];
                let stay = gallop(*j, true, |k| less(scratch[k], pivot).map(|l| !l))?;
                let right = *j - stay;
                items[*i + stay..*i + *j].copy_from_slice(&scratch[stay..*j]);
                *j = stay;
                if *j == 0 {
                    return Ok(());
                }
                items[*i + *j - 1] = pivot;
                *i -= 1;
                if left < MIN_GALLOP && right < MIN_GALLOP {
                    break;
                }
            }
            *min_gallop += 1;
        }
    }
}
