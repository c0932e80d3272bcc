//! The children of an element: items and slices, append, extend, insert, remove.

use super::element::{ELEMENT, Element, element_of};
use taipan_runtime::prelude::*;
use taipan_runtime::support::{bad_argument, this};
use taipan_runtime::types::slice::{self, Slice, SliceRange};

/// A list of the items of any iterable.
fn sequence(vm: &Vm, object: &Object, message: &str) -> Result<Vec<Object>> {
    if let Some(element) = object.downcast_exact::<Element>() {
        return Ok(element.to_vec());
    }
    if object.downcast_exact::<List>().is_some() || object.downcast_exact::<Tuple>().is_some() {
        return vm.collect(object);
    }
    let iterator = vm.iter(object);
    match vm.swallow(iterator, &exc::TYPE_ERROR)? {
        Some(iterator) => vm.collect(&iterator),
        None => Err(vm.type_error(message)),
    }
}

/// The place that an index of Python's stands for.
fn place(vm: &Vm, key: &Object, len: usize) -> Result<Option<usize>> {
    let i = vm.index_for_item(key)?;
    let i = if i < 0 { i.saturating_add_unsigned(len) } else { i };
    Ok(usize::try_from(i).ok())
}

#[cold]
fn bad_index(vm: &Vm) -> Raised {
    vm.type_error("element indices must be integers")
}

pub fn get_item(vm: &Vm, object: &Object, key: &Object) -> Result {
    let element = this::<Element>(object);
    if vm.is_index(key) {
        let child = place(vm, key, element.len())?.and_then(|i| element.child(i));
        return child.ok_or_else(|| vm.index_error("child index out of range"));
    }
    let Some(slice) = Slice::of(key) else { return Err(bad_index(vm)) };
    let bounds = slice.unpack(vm)?;
    let range = slice::adjust(bounds, element.len());
    Ok(vm.list(range.iter().filter_map(|i| element.child(i)).collect()))
}

/// Takes out the children of a range; they come back in their order.
fn remove_range(element: &Element, range: SliceRange) -> Vec<Object> {
    let mut places: Vec<usize> = range.iter().collect();
    if range.step < 0 {
        places.reverse();
    }
    element.change(|children| {
        if range.step.unsigned_abs() == 1 {
            let Some((first, last)) = places.first().zip(places.last()) else { return Vec::new() };
            return if *last < children.len() {
                children.drain(*first..=*last).collect()
            } else {
                Vec::new()
            };
        }
        let mut removed = Vec::with_capacity(places.len());
        let mut kept = Vec::with_capacity(children.len().saturating_sub(places.len()));
        let mut wanted = places.iter().peekable();
        for (i, child) in std::mem::take(children).into_iter().enumerate() {
            let side = if wanted.next_if(|&&place| place == i).is_some() { &mut removed } else { &mut kept };
            side.push(child);
        }
        *children = kept;
        removed
    })
}

pub fn set_item(vm: &Vm, object: &Object, key: &Object, value: Option<&Object>) -> Result<()> {
    let element = this::<Element>(object);
    if vm.is_index(key) {
        let i = place(vm, key, element.len())?.filter(|&i| i < element.len());
        let i = i.ok_or_else(|| vm.index_error("child assignment index out of range"))?;
        if let Some(value) = value {
            element_of(vm, value)?;
        }
        let old = element.change(|children| match value {
            Some(value) => children.get_mut(i).map(|child| std::mem::replace(child, value.clone())),
            None => (i < children.len()).then(|| children.remove(i)),
        });
        drop(old);
        return Ok(());
    }
    let Some(slice) = Slice::of(key) else { return Err(bad_index(vm)) };
    let bounds = slice.unpack(vm)?;
    let Some(value) = value else {
        drop(remove_range(element, slice::adjust(bounds, element.len())));
        return Ok(());
    };
    let new = sequence(vm, value, "assignment expects an iterable")?;
    let range = slice::adjust(bounds, element.len());
    if range.step != 1 && new.len() != range.count {
        return Err(vm.value_error(format!(
            "attempt to assign sequence of size {} to extended slice of size {}",
            new.len(),
            range.count
        )));
    }
    for child in &new {
        element_of(vm, child)?;
    }
    let start = usize::try_from(range.start).unwrap_or(0);
    let old: Vec<Object> = element.change(|children| {
        if children.try_reserve(new.len()).is_err() {
            return Err(vm.memory_error());
        }
        if range.step != 1 {
            let replace = |(i, child)| children.get_mut(i).map(|place| std::mem::replace(place, child));
            return Ok(range.iter().zip(new).filter_map(replace).collect());
        }
        let start = start.min(children.len());
        let end = (start + range.count).min(children.len());
        Ok(children.splice(start..end, new).collect())
    })?;
    drop(old);
    Ok(())
}

pub fn append(vm: &Vm, args: &[Object]) -> Result {
    if args[1].downcast::<Element>().is_none() {
        return Err(bad_argument(vm, "append", "argument 1", ELEMENT.full_name(), &args[1]));
    }
    this::<Element>(&args[0]).push(vm, args[1].clone())?;
    Ok(Object::NONE)
}

pub fn extend(vm: &Vm, args: &[Object]) -> Result {
    let element = this::<Element>(&args[0]);
    for child in sequence(vm, &args[1], "'elements' must be an iterable")? {
        element_of(vm, &child)?;
        element.push(vm, child)?;
    }
    Ok(Object::NONE)
}

pub fn insert(vm: &Vm, args: &[Object]) -> Result {
    let i = vm.index_isize(&args[1])?;
    if args[2].downcast::<Element>().is_none() {
        return Err(bad_argument(vm, "insert", "argument 2", ELEMENT.full_name(), &args[2]));
    }
    this::<Element>(&args[0]).change(|children| {
        if children.try_reserve(1).is_err() {
            return Err(vm.memory_error());
        }
        let len = children.len();
        let i = if i < 0 { i.saturating_add_unsigned(len).max(0) } else { i };
        children.insert(usize::try_from(i).unwrap_or(0).min(len), args[2].clone());
        Ok(())
    })?;
    Ok(Object::NONE)
}

pub fn remove(vm: &Vm, args: &[Object]) -> Result {
    let (element, wanted) = (this::<Element>(&args[0]), &args[1]);
    if wanted.downcast::<Element>().is_none() {
        return Err(bad_argument(vm, "remove", "argument", ELEMENT.full_name(), wanted));
    }
    let mut i = 0;
    // A comparison may change the children: each is looked up anew.
    let found = loop {
        let Some(child) = element.child(i) else { break false };
        if vm.equal(&child, wanted)? {
            break true;
        }
        i += 1;
    };
    if !found {
        return Err(vm.value_error("Element.remove(x): element not found"));
    }
    // It may be gone by itself.
    let removed = element.change(|children| (i < children.len()).then(|| children.remove(i)));
    drop(removed);
    Ok(Object::NONE)
}
