//! `_bisect`: binary search in sorted sequences.

use taipan_runtime::prelude::*;

/// The module.
pub static BISECT: ModuleDef = ModuleDef {
    name: "_bisect",
    doc: "Bisection algorithms.\n\nThis module provides support for maintaining a list in sorted order without\nhaving to sort the list after each insertion. For long lists of items with\nexpensive comparison operations, this can be an improvement over the more\ncommon approach.\n",
    functions: &[
        MethodDef::new(
            "bisect_right(a, x, lo=0, hi=None, *, key=None)",
            |vm, args| bisect(vm, args, true),
            "Return the index where to insert item x in list a, assuming a is sorted.\n\nThe return value i is such that all e in a[:i] have e <= x, and all e in\na[i:] have e > x.  So if x already appears in the list, a.insert(i, x) will\ninsert just after the rightmost x already there.\n\nOptional args lo (default 0) and hi (default len(a)) bound the\nslice of a to be searched.\n\nA custom key function can be supplied to customize the sort order.",
        ),
        MethodDef::new(
            "insort_right(a, x, lo=0, hi=None, *, key=None)",
            |vm, args| insort(vm, args, true),
            "Insert item x in list a, and keep it sorted assuming a is sorted.\n\nIf x is already in a, insert it to the right of the rightmost x.\n\nOptional args lo (default 0) and hi (default len(a)) bound the\nslice of a to be searched.\n\nA custom key function can be supplied to customize the sort order.",
        ),
        MethodDef::new(
            "bisect_left(a, x, lo=0, hi=None, *, key=None)",
            |vm, args| bisect(vm, args, false),
            "Return the index where to insert item x in list a, assuming a is sorted.\n\nThe return value i is such that all e in a[:i] have e < x, and all e in\na[i:] have e >= x.  So if x already appears in the list, a.insert(i, x) will\ninsert just before the leftmost x already there.\n\nOptional args lo (default 0) and hi (default len(a)) bound the\nslice of a to be searched.\n\nA custom key function can be supplied to customize the sort order.",
        ),
        MethodDef::new(
            "insort_left(a, x, lo=0, hi=None, *, key=None)",
            |vm, args| insort(vm, args, false),
            "Insert item x in list a, and keep it sorted assuming a is sorted.\n\nIf x is already in a, insert it to the left of the leftmost x.\n\nOptional args lo (default 0) and hi (default len(a)) bound the\nslice of a to be searched.\n\nA custom key function can be supplied to customize the sort order.",
        ),
    ],
    types: &[],
    init: None,
};

/// The bounds `lo` and `hi`; hi is None: the length.
fn bounds(vm: &Vm, args: &[Object]) -> Result<(usize, Option<usize>)> {
    let lo = vm.index_isize(&args[2])?;
    let hi = match args[3].some() {
        None => None,
        Some(hi) if vm.is_index(hi) => Some(vm.index_isize(hi)?),
        Some(hi) => {
            let shown = hi.ty().name();
            return Err(vm.type_error(format!("argument should be integer or None, not '{shown}'")));
        }
    };
    if lo < 0 {
        return Err(vm.value_error("lo must be non-negative"));
    }
    // -1 stands for the length, as it did before None could be given.
    Ok((lo as usize, hi.filter(|&hi| hi != -1).map(|hi| hi.max(0) as usize)))
}

fn search(vm: &Vm, args: &[Object], x: &Object, right: bool) -> Result<usize> {
    let (mut lo, hi) = bounds(vm, args)?;
    let sequence = &args[0];
    let mut hi = match hi {
        Some(hi) => hi,
        None => vm.len(sequence)?,
    };
    let key = args[4].some();
    let list = sequence.downcast_exact::<List>();
    while lo < hi {
        let mid = lo + (hi - lo) / 2;
        let found = match list.map(|list| list.get(mid)) {
            Some(Some(item)) => item,
            _ => vm.get_item(sequence, &vm.usize(mid))?,
        };
        let found = match key {
            Some(key) => vm.call(key, std::slice::from_ref(&found))?,
            None => found,
        };
        let less = if right {
            vm.compare_bool(x, &found, CompareOp::Lt)?
        } else {
            vm.compare_bool(&found, x, CompareOp::Lt)?
        };
        if less == right {
            hi = mid;
        } else {
            lo = mid + 1;
        }
    }
    Ok(lo)
}

fn bisect(vm: &Vm, args: &[Object], right: bool) -> Result {
    Ok(vm.usize(search(vm, args, &args[1], right)?))
}

fn insort(vm: &Vm, args: &[Object], right: bool) -> Result {
    let at = match args[4].some() {
        Some(key) => {
            let x = vm.call(key, &args[1..2])?;
            search(vm, args, &x, right)?
        }
        None => search(vm, args, &args[1], right)?,
    };
    if let Some(list) = args[0].downcast_exact::<List>() {
        let room = list.with_items(|items| {
            let room = items.try_reserve(1).is_ok();
            if room {
                items.insert(at.min(items.len()), args[1].clone());
            }
            room
        });
        return if room { Ok(Object::NONE) } else { Err(vm.memory_error()) };
    }
    vm.call_method(&args[0], "insert", &[vm.usize(at), args[1].clone()])?;
    Ok(Object::NONE)
}
