//! list, the methods and slots. The items themselves are in `list`, sorting is
//! in `sort`.
//!
//! Comparisons may run Python code that changes the list: every loop fetches
//! its item anew by index and owns it while it is compared.

use crate::prelude::*;
use crate::protocol::position_plain;
use crate::types::list::drop_from_end;
use crate::types::{iterators, slice, sort, str};

/// The type `list`.
pub static LIST: Type = Type::new::<List>(
    "list",
    &crate::types::object::OBJECT,
    type_flags::BASE
        | type_flags::HAVE_GC
        | type_flags::LIST_SUBCLASS
        | type_flags::SEQUENCE
        | type_flags::MATCH_SELF,
    Slots {
        new: Some(list_new),
        init: Some(list_init),
        hash: Some(crate::slots::hash_unhashable),
        compare: Some(list_compare),
        len: Some(|_, l| Ok(this(l).len())),
        getitem: Some(list_getitem),
        setitem: Some(list_setitem),
        contains: Some(list_contains),
        concat: Some(list_concat),
        repeat: Some(list_repeat),
        inplace_concat: Some(list_inplace_concat),
        inplace_repeat: Some(list_inplace_repeat),
        ..Slots::EMPTY.repr(list_repr).iter(|vm, l| Ok(iterators::list_iterator(vm, l.clone())))
    },
    &[
        MethodDef::new("__getitem__($self, index, /)", |vm, args| list_getitem(vm, &args[0], &args[1]), "Return self[index]."),
        MethodDef::new("__reversed__($self, /)", |vm, args| Ok(iterators::list_reverse_iterator(vm, args[0].clone())), "Return a reverse iterator over the list."),
        MethodDef::new("__sizeof__($self, /)", list_sizeof, "Return the size of the list in memory, in bytes."),
        MethodDef::new("clear($self, /)", |_, args| {
            crate::types::list::drop_from_end(this(&args[0]).take());
            Ok(Object::NONE)
        }, "Remove all items from list."),
        MethodDef::new("copy($self, /)", |vm, args| Ok(vm.list(this(&args[0]).to_vec())), "Return a shallow copy of the list."),
        MethodDef::new("append($self, object, /)", |vm, args| {
            this(&args[0]).push(vm, args[1].clone())?;
            Ok(Object::NONE)
        }, "Append object to the end of the list."),
        MethodDef::new("insert($self, index, object, /)", list_insert, "Insert object before index."),
        MethodDef::new("extend($self, iterable, /)", |vm, args| {
            extend(vm, this(&args[0]), &args[1])?;
            Ok(Object::NONE)
        }, "Extend list by appending elements from the iterable."),
        MethodDef::new("pop($self, index=-1, /)", list_pop, "Remove and return item at index (default last).\n\nRaises IndexError if list is empty or index is out of range."),
        MethodDef::new("remove($self, value, /)", list_remove, "Remove first occurrence of value.\n\nRaises ValueError if the value is not present."),
        MethodDef::new("index($self, value, start=0, stop=9223372036854775807, /)", list_index, "Return first index of value.\n\nRaises ValueError if the value is not present."),
        MethodDef::new("count($self, value, /)", list_count, "Return number of occurrences of value."),
        MethodDef::new("reverse($self, /)", |_, args| {
            this(&args[0]).with_items(|items| items.reverse());
            Ok(Object::NONE)
        }, "Reverse *IN PLACE*."),
        MethodDef::new("sort($self, /, *, key=None, reverse=False)", list_sort, "Sort the list in ascending order and return None.\n\nThe sort is in-place (i.e. the list itself is modified) and stable\n(i.e. the order of two equal elements is maintained).\n\nIf a key function is given, apply it once to each list item and sort\nthem, ascending or descending, according to their function values.\n\nThe reverse flag can be set to sort in descending order."),
        MethodDef::new("__class_getitem__($type, object, /)", crate::types::genericalias::class_getitem, "See PEP 585").class_method(),
    ],
    &[],
)
.with_doc("Built-in mutable sequence.\n\nIf no argument is given, the constructor creates a new empty list.\nThe argument must be an iterable if specified.");

fn this(object: &Object) -> &List {
    // SAFETY: slots and methods of list are only called on lists.
    unsafe { object.payload_unchecked() }
}

fn list_new(vm: &Vm, class: &Type, _args: &[Object], _kwnames: &[Object]) -> Result {
    vm.try_alloc(class, List::payload(Vec::new())).ok_or_else(|| vm.memory_error())
}

fn list_init(vm: &Vm, list: &Object, args: &[Object], kwnames: &[Object]) -> Result<()> {
    let class = list.ty();
    if !kwnames.is_empty()
        && (class.is(&LIST) || class.slots().new.map(|f| f as usize) == LIST.slots().new.map(|f| f as usize))
    {
        return Err(vm.type_error("list() takes no keyword arguments"));
    }
    let positional = &args[..args.len() - kwnames.len()];
    if positional.len() > 1 {
        return Err(vm.type_error(format!("list expected at most 1 argument, got {}", positional.len())));
    }
    let list = this(list);
    if !list.is_empty() {
        crate::types::list::drop_from_end(list.take());
    }
    match positional.first() {
        Some(iterable) => extend(vm, list, iterable),
        None => Ok(()),
    }
}

/// `list.extend(iterable)`. What was appended before an error stays.
pub fn extend(vm: &Vm, list: &List, iterable: &Object) -> Result<()> {
    let ready = if let Some(other) = iterable.downcast_exact::<List>() {
        Some(other.to_vec())
    } else {
        iterable.downcast_exact::<Tuple>().map(|tuple| tuple.items().to_vec())
    };
    if let Some(items) = ready {
        return append_all(vm, list, items);
    }
    let iterator = vm.iter(iterable)?;
    let hint = vm.length_hint(iterable, 8)?;
    if hint > 8 {
        let room = list.with_items(|items| {
            let spare = items.capacity() - items.len();
            // A hint is only a hint: huge ones are not believed beforehand.
            hint <= spare || hint > isize::MAX as usize / 16 || items.try_reserve_exact(hint).is_ok()
        });
        if !room {
            return Err(vm.memory_error());
        }
    }
    let mut take = |item: Object| match list.reserve_one() {
        true => {
            list.with_items(|items| items.push(item));
            None
        }
        false => Some(item),
    };
    while let Some(item) = vm.next_untaken(&iterator, &mut take)? {
        list.push(vm, item)?;
    }
    Ok(())
}

fn append_all(vm: &Vm, list: &List, mut new: Vec<Object>) -> Result<()> {
    let done = list.with_items(|items| {
        if items.is_empty() && items.capacity() == 0 {
            std::mem::swap(items, &mut new);
            return true;
        }
        if items.try_reserve(new.len()).is_err() {
            return false;
        }
        items.append(&mut new);
        true
    });
    if done { Ok(()) } else { Err(vm.memory_error()) }
}

/// Replaces `start..stop` by `new`; what was there comes back, to be dropped.
fn splice(vm: &Vm, list: &List, start: usize, stop: usize, mut new: Vec<Object>) -> Result<Vec<Object>> {
    list.with_items(|items| {
        let start = start.min(items.len());
        let stop = stop.clamp(start, items.len());
        if new.len() == stop - start {
            // As many as before: they change places.
            items[start..stop].swap_with_slice(&mut new);
            return Ok(new);
        }
        let grown = new.len().saturating_sub(stop - start);
        if items.try_reserve(grown).is_err() {
            return Err(vm.memory_error());
        }
        Ok(items.splice(start..stop, new).collect())
    })
}

/// Puts the items of `new` in the place of the items from `start` to `stop`.
pub(crate) fn replace_items(vm: &Vm, list: &List, start: usize, stop: usize, new: &List) -> Result<()> {
    if stop - start == new.len() && !std::ptr::eq(list, new) {
        // As many as before; most of those that go need no destruction.
        let dead = list.with_items(|items| {
            let mut dead = Vec::new();
            for (slot, item) in items[start..stop].iter_mut().zip(new.items_unchecked()) {
                let old = std::mem::replace(slot, item.clone());
                if old.value().is_ptr() {
                    dead.push(old);
                }
            }
            dead
        });
        drop(dead);
        return Ok(());
    }
    drop_from_end(splice(vm, list, start, stop, new.to_vec())?);
    Ok(())
}

fn list_repr(vm: &Vm, list: &Object) -> Result {
    let l = this(list);
    if l.is_empty() {
        return Ok(vm.intern("[]"));
    }
    let Some(_guard) = vm.enter_repr(list) else { return Ok(vm.intern("[...]")) };
    let mut out = str::Builder::new();
    out.push_str("[");
    let mut i = 0;
    while let Some(item) = l.get(i) {
        if i > 0 {
            out.push_str(", ");
        }
        out.push_object(&vm.repr(&item)?);
        i += 1;
    }
    out.push_str("]");
    Ok(out.finish(vm))
}

fn list_compare(vm: &Vm, a: &Object, b: &Object, op: CompareOp) -> Result {
    let (Some(x), Some(y)) = (a.downcast::<List>(), b.downcast::<List>()) else {
        return Ok(Object::NOT_IMPLEMENTED);
    };
    if x.len() != y.len() && matches!(op, CompareOp::Eq | CompareOp::Ne) {
        return Ok(Object::bool(op == CompareOp::Ne));
    }
    let mut i = 0;
    while let (Some(p), Some(q)) = (x.get(i), y.get(i)) {
        if !vm.equal(&p, &q)? {
            if i >= x.len() || i >= y.len() {
                break;
            }
            return match op {
                CompareOp::Eq => Ok(Object::FALSE),
                CompareOp::Ne => Ok(Object::TRUE),
                _ => vm.compare(&p, &q, op),
            };
        }
        i += 1;
    }
    Ok(Object::bool(op.holds(Some(x.len().cmp(&y.len())))))
}

fn list_contains(vm: &Vm, list: &Object, item: &Object) -> Result<bool> {
    find(vm, this(list), item, 0, usize::MAX).map(|found| found.is_some())
}

/// Index of the first item equal to `wanted` in `start..stop`.
fn find(vm: &Vm, list: &List, wanted: &Object, start: usize, stop: usize) -> Result<Option<usize>> {
    let items = list.items_unchecked();
    let part = start.min(items.len())..stop.min(items.len()).max(start.min(items.len()));
    if let Some(found) = position_plain(&items[part], wanted) {
        return Ok(found.map(|i| start + i));
    }
    let mut i = start;
    while i < stop {
        let Some(item) = list.get(i) else { return Ok(None) };
        if vm.equal(&item, wanted)? {
            return Ok(Some(i));
        }
        i += 1;
    }
    Ok(None)
}

fn wrong_index(vm: &Vm, key: &Object) -> Raised {
    vm.type_error(format!("list indices must be integers or slices, not {}", key.ty().name()))
}

fn list_getitem(vm: &Vm, list: &Object, key: &Object) -> Result {
    let l = this(list);
    if vm.is_index(key) {
        let i = vm.index_for_item(key)?;
        let i = if i < 0 { i + l.len() as isize } else { i };
        let found = if i < 0 { None } else { l.get(i as usize) };
        return found.ok_or_else(|| vm.index_error("list index out of range"));
    }
    let Some(slice) = slice::Slice::of(key) else { return Err(wrong_index(vm, key)) };
    let range = slice::adjust(slice.unpack(vm)?, l.len());
    // Those bounds were asked of Python code, perhaps.
    let (count, step) = (range.count, range.step);
    if range.step == 1 {
        let start = (range.start as usize).min(l.len());
        let stop = (start + count).min(l.len());
        let items = l.items_unchecked()[start..stop].to_vec();
        return Ok(vm.list(items));
    }
    let items = l.items_unchecked();
    let first = if step < 0 { range.start + 1 - count as isize } else { range.start };
    if step == -1
        && let Some(part) = usize::try_from(first).ok().and_then(|first| items.get(first..first + count))
    {
        let mut reversed = Vec::with_capacity(count);
        reversed.extend(part.iter().rev().cloned());
        return Ok(vm.list(reversed));
    }
    Ok(vm.list(range.iter().filter_map(|i| l.get(i)).collect()))
}

fn list_setitem(vm: &Vm, list: &Object, key: &Object, value: Option<&Object>) -> Result<()> {
    let l = this(list);
    if vm.is_index(key) {
        let i = vm.index_for_item(key)?;
        let i = if i < 0 { i + l.len() as isize } else { i };
        if i < 0 || i as usize >= l.len() {
            return Err(vm.index_error("list assignment index out of range"));
        }
        let i = i as usize;
        let old = match value {
            Some(value) => l.with_items(|items| std::mem::replace(&mut items[i], value.clone())),
            None => l.with_items(|items| items.remove(i)),
        };
        drop(old);
        return Ok(());
    }
    let Some(slice) = slice::Slice::of(key) else { return Err(wrong_index(vm, key)) };
    match value {
        Some(value) => assign_slice(vm, l, slice, value),
        None => delete_slice(vm, l, slice),
    }
}

fn delete_slice(vm: &Vm, list: &List, slice: &slice::Slice) -> Result<()> {
    let range = slice::adjust(slice.unpack(vm)?, list.len());
    if range.count == 0 {
        return Ok(());
    }
    if range.step == 1 {
        let start = range.start as usize;
        drop_from_end(splice(vm, list, start, start + range.count, Vec::new())?);
        return Ok(());
    }
    // Ascending order, whatever the step's sign.
    let (first, step) = if range.step < 0 {
        (
            (range.start as i128 + (range.count as i128 - 1) * range.step as i128) as usize,
            range.step.unsigned_abs(),
        )
    } else {
        (range.start as usize, range.step as usize)
    };
    let removed: Vec<Object> = list.with_items(|items| {
        let mut removed = Vec::with_capacity(range.count);
        let (mut kept, mut next, mut left) = (first.min(items.len()), first, range.count);
        for i in first..items.len() {
            if left > 0 && i == next {
                removed.push(std::mem::replace(&mut items[i], Object::NONE));
                left -= 1;
                next = next.saturating_add(step);
            } else {
                items.swap(kept, i);
                kept += 1;
            }
        }
        items.truncate(kept);
        removed
    });
    drop(removed);
    Ok(())
}

fn assign_slice(vm: &Vm, list: &List, slice: &slice::Slice, value: &Object) -> Result<()> {
    let bounds = slice.unpack(vm)?;
    let before = slice::adjust(bounds, list.len());
    let new = if let Some(other) = value.downcast::<List>() {
        other.to_vec()
    } else {
        let iterator = match vm.iter(value) {
            Ok(iterator) => iterator,
            Err(raised) if vm.raised_is(&exc::TYPE_ERROR) => {
                drop(vm.caught(raised));
                return Err(vm.type_error("must assign iterable to extended slice"));
            }
            Err(raised) => return Err(raised),
        };
        vm.collect(&iterator)?
    };
    if before.step == 1 {
        let start = before.start as usize;
        drop_from_end(splice(vm, list, start, start + before.count, new)?);
        return Ok(());
    }
    // Iterating the value may have changed the list.
    let range = slice::adjust(bounds, list.len());
    if new.len() != range.count {
        return Err(vm.value_error(format!(
            "attempt to assign sequence of size {} to extended slice of size {}",
            new.len(),
            range.count
        )));
    }
    let old: Vec<Object> = list.with_items(|items| {
        let mut old = Vec::with_capacity(new.len());
        for (i, item) in range.iter().zip(new) {
            match items.get_mut(i) {
                Some(slot) => old.push(std::mem::replace(slot, item)),
                None => old.push(item),
            }
        }
        old
    });
    drop(old);
    Ok(())
}

fn list_concat(vm: &Vm, a: &Object, b: &Object) -> Result {
    let Some(y) = b.downcast::<List>() else {
        return Err(vm.type_error(format!("can only concatenate list (not \"{}\") to list", b.ty().name())));
    };
    let x = this(a);
    let mut items = Vec::new();
    if items.try_reserve_exact(x.len() + y.len()).is_err() {
        return Err(vm.memory_error());
    }
    items.extend_from_slice(x.items_unchecked());
    items.extend_from_slice(y.items_unchecked());
    Ok(vm.list(items))
}

fn repeat_count(vm: &Vm, count: &Object) -> Result<usize> {
    Ok(vm.index_for_item_overflow(count)?.max(0) as usize)
}

fn list_repeat(vm: &Vm, list: &Object, count: &Object) -> Result {
    let n = repeat_count(vm, count)?;
    let items = crate::types::tuple::repeat_items(vm, this(list).items_unchecked(), n)?;
    Ok(vm.list(items))
}

fn list_inplace_concat(vm: &Vm, a: &Object, b: &Object) -> Result {
    extend(vm, this(a), b)?;
    Ok(a.clone())
}

fn list_inplace_repeat(vm: &Vm, list: &Object, count: &Object) -> Result {
    let n = repeat_count(vm, count)?;
    let l = this(list);
    if n == 0 {
        crate::types::list::drop_from_end(l.take());
    } else if n > 1 && !l.is_empty() {
        let extra = crate::types::tuple::repeat_items(vm, l.items_unchecked(), n - 1)?;
        append_all(vm, l, extra)?;
    }
    Ok(list.clone())
}

fn list_sizeof(vm: &Vm, args: &[Object]) -> Result {
    let capacity = this(&args[0]).with_items(|items| items.capacity());
    Ok(vm.usize(crate::alloc::own_size(&args[0]) + capacity * size_of::<Object>()))
}

fn list_insert(vm: &Vm, args: &[Object]) -> Result {
    let list = this(&args[0]);
    let i = vm.index_isize(&args[1])?;
    let inserted = list.with_items(|items| {
        let len = items.len();
        let at = if i < 0 { i.saturating_add(len as isize).max(0) as usize } else { (i as usize).min(len) };
        if items.try_reserve(1).is_err() {
            return false;
        }
        items.insert(at, args[2].clone());
        true
    });
    if inserted { Ok(Object::NONE) } else { Err(vm.memory_error()) }
}

fn list_pop(vm: &Vm, args: &[Object]) -> Result {
    let list = this(&args[0]);
    let i = vm.index_isize(&args[1])?;
    let len = list.len();
    if len == 0 {
        return Err(vm.index_error("pop from empty list"));
    }
    let i = if i < 0 { i + len as isize } else { i };
    if i < 0 || i as usize >= len {
        return Err(vm.index_error("pop index out of range"));
    }
    Ok(list.with_items(|items| items.remove(i as usize)))
}

fn list_remove(vm: &Vm, args: &[Object]) -> Result {
    let list = this(&args[0]);
    match find(vm, list, &args[1], 0, usize::MAX)? {
        Some(i) => {
            let old = list.with_items(|items| if i < items.len() { Some(items.remove(i)) } else { None });
            drop(old);
            Ok(Object::NONE)
        }
        None => Err(vm.value_error("list.remove(x): x not in list")),
    }
}

fn list_index(vm: &Vm, args: &[Object]) -> Result {
    let list = this(&args[0]);
    let (start, stop) = slice::clip_range(vm, &args[2], &args[3], list.len())?;
    match find(vm, list, &args[1], start, stop)? {
        Some(i) => Ok(vm.usize(i)),
        None => Err(vm.value_error("list.index(x): x not in list")),
    }
}

fn list_count(vm: &Vm, args: &[Object]) -> Result {
    let list = this(&args[0]);
    let (mut n, mut i) = (0, 0);
    while let Some(item) = list.get(i) {
        if vm.equal(&item, &args[1])? {
            n += 1;
        }
        i += 1;
    }
    Ok(vm.usize(n))
}

fn list_sort(vm: &Vm, args: &[Object]) -> Result {
    let reverse = vm.is_true(&args[2])?;
    sort::sort_list(vm, this(&args[0]), args[1].some(), reverse)?;
    Ok(Object::NONE)
}
