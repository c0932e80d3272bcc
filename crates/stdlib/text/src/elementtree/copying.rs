//! Copies of elements, shallow and deep, and their state for `pickle`.

use super::DEEPCOPY;
use super::element::{self, Element, Part, check_dict, element_of};
use taipan_runtime::prelude::*;
use taipan_runtime::support::this;
use taipan_runtime::types::dict;

/// `__copy__`: the dict of attributes is the same one.
pub fn copy(vm: &Vm, args: &[Object]) -> Result {
    let element = this::<Element>(&args[0]);
    let copy = element::create(vm, element.tag.get(), element.attrib.bound())?;
    let new = this::<Element>(&copy);
    for part in [Part::Text, Part::Tail] {
        copy_part(element, new, part, element.kept_part(part));
    }
    let children = element.to_vec();
    new.change(|place| *place = children);
    Ok(copy)
}

/// Gives the copy a text, which is in pieces if the element's is.
fn copy_part(element: &Element, copy: &Element, part: Part, text: Object) {
    if element.in_pieces(part) { copy.keep_part(part, text) } else { copy.set_part(part, text) }
}

/// `__deepcopy__(memo)`.
pub fn deepcopy_method(vm: &Vm, args: &[Object]) -> Result {
    check_dict(vm, &args[1], "__deepcopy__", "argument")?;
    deepcopy_element(vm, &args[0], &args[1])
}

fn deepcopy_element(vm: &Vm, object: &Object, memo: &Object) -> Result {
    vm.check_native_stack("")?;
    let element = this::<Element>(object);
    let tag = deepcopy(vm, &element.tag.get(), memo)?;
    let attrib = match element.attrib.bound() {
        Some(attrib) => Some(deepcopy(vm, &attrib, memo)?),
        None => None,
    };
    if let Some(attrib) = attrib.as_ref().filter(|attrib| attrib.downcast::<Dict>().is_none()) {
        return Err(vm.type_error(format!("attrib must be dict, not {}", attrib.ty().full_name())));
    }
    let copy = element::create(vm, tag, attrib)?;
    let new = this::<Element>(&copy);
    for part in [Part::Text, Part::Tail] {
        let in_pieces = element.in_pieces(part);
        let text = deepcopy(vm, &element.kept_part(part), memo)?;
        if in_pieces { new.keep_part(part, text) } else { new.set_part(part, text) }
    }
    let mut i = 0;
    while let Some(child) = element.child(i) {
        i += 1;
        let child = deepcopy(vm, &child, memo)?;
        element_of(vm, &child)?;
        new.push(vm, child)?;
    }
    // So that the element is found if it is referred to again.
    this::<Dict>(memo).set(vm, &vm.u64(object.bits()), copy.clone())?;
    Ok(copy)
}

/// `copy.deepcopy(object, memo)`, with what is common done here.
fn deepcopy(vm: &Vm, object: &Object, memo: &Object) -> Result {
    let plain = |object: &Object| object.is_none() || object.downcast_exact::<Str>().is_some();
    if plain(object) {
        return Ok(object.clone());
    }
    if object.downcast_exact::<Element>().is_some() {
        return deepcopy_element(vm, object, memo);
    }
    if let Some(dict) = object.downcast_exact::<Dict>()
        && dict.items().iter().all(|(key, value)| plain(key) && plain(value))
    {
        return Ok(element::copy_dict(vm, dict));
    }
    match vm.at_place(&DEEPCOPY) {
        Some(deepcopy) => vm.call(&deepcopy, &[object.clone(), memo.clone()]),
        None => Err(vm.system_error("_elementtree is not initialised")),
    }
}

/// `__getstate__`: what an element of the Python class has in its dict.
pub fn get_state(vm: &Vm, args: &[Object]) -> Result {
    let element = this::<Element>(&args[0]);
    let state = [
        ("tag", element.tag.get()),
        ("_children", vm.list(element.to_vec())),
        ("attrib", element.attrib.bound().unwrap_or_else(|| vm.new_dict())),
        ("text", element.kept_part(Part::Text)),
        ("tail", element.kept_part(Part::Tail)),
    ];
    Ok(dict::from_pairs(vm, &state))
}

/// `__setstate__`.
pub fn set_state(vm: &Vm, args: &[Object]) -> Result {
    let element = this::<Element>(&args[0]);
    let Some(state) = args[1].downcast_exact::<Dict>() else {
        let shown: String = vm.repr_text(&args[1])?.chars().take(200).collect();
        return Err(vm.type_error(format!("Don't know how to unpickle \"{shown}\" as an Element")));
    };
    const NAMES: [&str; 5] = ["tag", "attrib", "text", "tail", "_children"];
    let mut values: [Option<Object>; 5] = [const { None }; 5];
    for (key, value) in state.items() {
        let Some(name) = key.downcast::<Str>() else {
            return Err(vm.type_error("keywords must be strings"));
        };
        match NAMES.iter().position(|known| name.equals_text(known)) {
            Some(i) => values[i] = Some(value),
            None => {
                return Err(vm.type_error(format!(
                    "this function got an unexpected keyword argument '{}'",
                    vm.str_lossy(&key)
                )));
            }
        }
    }
    let [tag, attrib, text, tail, children] = values;
    let Some(tag) = tag else { return Err(vm.type_error("tag may not be NULL")) };
    element.tag.set(tag);
    element.keep_part(Part::Text, text.unwrap_or(Object::NONE));
    element.keep_part(Part::Tail, tail.unwrap_or(Object::NONE));
    if let Some(attrib) = attrib.as_ref().filter(|attrib| attrib.downcast::<Dict>().is_none()) {
        return Err(vm.type_error(format!("attrib must be dict, not {}", attrib.ty().full_name())));
    }
    if let Some(children) = children {
        let Some(children) = children.downcast::<List>().map(List::to_vec) else {
            return Err(vm.type_error("'_children' is not a list"));
        };
        // Those before one that is no element are in.
        let good = children.iter().take_while(|child| child.downcast::<Element>().is_some());
        let good: Vec<Object> = good.cloned().collect();
        let bad = children.get(good.len());
        let old = element.change(|place| std::mem::replace(place, good));
        drop(old);
        if let Some(bad) = bad {
            element_of(vm, bad)?;
        }
        element.attrib.set_option(attrib);
    } else if attrib.is_some() {
        element.attrib.set_option(attrib);
    }
    Ok(Object::NONE)
}
