//! `_heapq`: heaps in lists, smallest or largest item first.
//!
//! A comparison may run Python code that changes the list: afterwards its
//! length is checked, and items are fetched anew.

use taipan_runtime::prelude::*;

/// The module.
pub static HEAPQ: ModuleDef = ModuleDef {
    name: "_heapq",
    doc: "Heap queue algorithm (a.k.a. priority queue).\n\nA heap is a list in which each item a[k] is not above a[2*k+1] and a[2*k+2]:\nthe smallest item is a[0]. The functions that end in _max keep the largest there.",
    functions: &[
        MethodDef::new(
            "heappush(heap, item, /)",
            |vm, args| push::<false>(vm, "heappush", args),
            "Push item onto heap, maintaining the heap invariant.",
        ),
        MethodDef::new(
            "heappushpop(heap, item, /)",
            |vm, args| push_pop::<false>(vm, "heappushpop", args),
            "Push item on the heap, then pop and return the smallest item from the heap.\n\nThe combined action runs more efficiently than heappush() followed by\na separate call to heappop().",
        ),
        MethodDef::new(
            "heappop(heap, /)",
            |vm, args| pop::<false>(vm, "heappop", args),
            "Pop the smallest item off the heap, maintaining the heap invariant.",
        ),
        MethodDef::new(
            "heapreplace(heap, item, /)",
            |vm, args| replace::<false>(vm, "heapreplace", args),
            "Pop and return the current smallest value, and add the new item.\n\nThis is more efficient than heappop() followed by heappush(), and can be\nmore appropriate when using a fixed-size heap.  Note that the value\nreturned may be larger than item!  That constrains reasonable uses of\nthis routine unless written as part of a conditional replacement:\n\n    if item > heap[0]:\n        item = heapreplace(heap, item)",
        ),
        MethodDef::new(
            "heapify(heap, /)",
            |vm, args| heapify::<false>(vm, "heapify", args),
            "Transform list into a heap, in-place, in O(len(heap)) time.",
        ),
        MethodDef::new(
            "heappush_max(heap, item, /)",
            |vm, args| push::<true>(vm, "heappush_max", args),
            "Push item onto max heap, maintaining the heap invariant.",
        ),
        MethodDef::new(
            "heappushpop_max(heap, item, /)",
            |vm, args| push_pop::<true>(vm, "heappushpop_max", args),
            "Maxheap variant of heappushpop.\n\nThe combined action runs more efficiently than heappush_max() followed by\na separate call to heappop_max().",
        ),
        MethodDef::new(
            "heappop_max(heap, /)",
            |vm, args| pop::<true>(vm, "heappop_max", args),
            "Maxheap variant of heappop.",
        ),
        MethodDef::new(
            "heapreplace_max(heap, item, /)",
            |vm, args| replace::<true>(vm, "heapreplace_max", args),
            "Maxheap variant of heapreplace.",
        ),
        MethodDef::new(
            "heapify_max(heap, /)",
            |vm, args| heapify::<true>(vm, "heapify_max", args),
            "Maxheap variant of heapify.",
        ),
    ],
    types: &[],
    init: Some(|vm, module| {
        vm.set_attr_str(module, "__about__", &vm.str("Heap queues: lists whose first item is the smallest. Where the items of a\nheap are, and why it works, is told in the documentation of heapq."))
    }),
};

fn list_argument<'a>(vm: &Vm, function: &str, args: &'a [Object]) -> Result<&'a List> {
    match args[0].downcast::<List>() {
        Some(list) => Ok(list),
        None => {
            let which = if args.len() > 1 { "argument 1" } else { "argument" };
            let shown = args[0].ty().name();
            Err(vm.type_error(format!("{function}() {which} must be list, not {shown}")))
        }
    }
}

/// Must `a` stand above `b`?
#[inline]
fn above<const MAX: bool>(vm: &Vm, a: &Object, b: &Object) -> Result<bool> {
    let (a, b) = if MAX { (b, a) } else { (a, b) };
    if a.is_int() && b.is_int() {
        return Ok(a.as_int() < b.as_int());
    }
    if a.is_float() && b.is_float() {
        return Ok(a.as_float() < b.as_float());
    }
    vm.compare_bool(a, b, CompareOp::Lt)
}

fn changed(vm: &Vm) -> Raised {
    vm.runtime_error("list changed size during iteration")
}

fn item(vm: &Vm, list: &List, i: usize) -> Result {
    list.get(i).ok_or_else(|| changed(vm))
}

fn swap(list: &List, i: usize, j: usize) {
    list.with_items(|items| {
        if i < items.len() && j < items.len() {
            items.swap(i, j);
        }
    });
}

/// Moves the item at `pos` up to where it belongs, not beyond `start`.
fn sift_up_to<const MAX: bool>(vm: &Vm, list: &List, start: usize, mut pos: usize) -> Result<()> {
    let len = list.len();
    if pos >= len {
        return Err(vm.index_error("index out of range"));
    }
    let new = item(vm, list, pos)?;
    while pos > start {
        let parent = (pos - 1) >> 1;
        let other = item(vm, list, parent)?;
        let goes_up = above::<MAX>(vm, &new, &other)?;
        if list.len() != len {
            return Err(changed(vm));
        }
        if !goes_up {
            break;
        }
        swap(list, pos, parent);
        pos = parent;
    }
    Ok(())
}

/// Moves the item at `pos` down to a leaf and then up again.
fn sift_down_from<const MAX: bool>(vm: &Vm, list: &List, mut pos: usize) -> Result<()> {
    let len = list.len();
    let start = pos;
    if pos >= len {
        return Err(vm.index_error("index out of range"));
    }
    let limit = len >> 1;
    while pos < limit {
        let mut child = 2 * pos + 1;
        if child + 1 < len {
            let (left, right) = (item(vm, list, child)?, item(vm, list, child + 1)?);
            let left_first = above::<MAX>(vm, &left, &right)?;
            if list.len() != len {
                return Err(changed(vm));
            }
            child += !left_first as usize;
        }
        swap(list, pos, child);
        pos = child;
    }
    sift_up_to::<MAX>(vm, list, start, pos)
}

fn push<const MAX: bool>(vm: &Vm, function: &str, args: &[Object]) -> Result {
    let list = list_argument(vm, function, args)?;
    list.push(vm, args[1].clone())?;
    sift_up_to::<MAX>(vm, list, 0, list.len() - 1)?;
    Ok(Object::NONE)
}

fn pop<const MAX: bool>(vm: &Vm, function: &str, args: &[Object]) -> Result {
    let list = list_argument(vm, function, args)?;
    let Some(last) = list.with_items(|items| items.pop()) else {
        return Err(vm.index_error("index out of range"));
    };
    if list.is_empty() {
        return Ok(last);
    }
    replace_first::<MAX>(vm, list, last)
}

fn replace_first<const MAX: bool>(vm: &Vm, list: &List, new: Object) -> Result {
    let first = list.with_items(|items| items.first_mut().map(|slot| std::mem::replace(slot, new)));
    let Some(first) = first else { return Err(vm.index_error("index out of range")) };
    sift_down_from::<MAX>(vm, list, 0)?;
    Ok(first)
}

fn replace<const MAX: bool>(vm: &Vm, function: &str, args: &[Object]) -> Result {
    let list = list_argument(vm, function, args)?;
    if list.is_empty() {
        return Err(vm.index_error("index out of range"));
    }
    replace_first::<MAX>(vm, list, args[1].clone())
}

fn push_pop<const MAX: bool>(vm: &Vm, function: &str, args: &[Object]) -> Result {
    let list = list_argument(vm, function, args)?;
    let Some(first) = list.get(0) else { return Ok(args[1].clone()) };
    if !above::<MAX>(vm, &first, &args[1])? {
        return Ok(args[1].clone());
    }
    if list.is_empty() {
        return Err(vm.index_error("index out of range"));
    }
    replace_first::<MAX>(vm, list, args[1].clone())
}

fn heapify<const MAX: bool>(vm: &Vm, function: &str, args: &[Object]) -> Result {
    let list = list_argument(vm, function, args)?;
    for i in (0..list.len() / 2).rev() {
        sift_down_from::<MAX>(vm, list, i)?;
    }
    Ok(Object::NONE)
}
