//! Searches: a plain tag is looked for here, anything else is a path, which
//! `xml.etree.ElementPath` knows how to follow.

use super::ELEMENT_PATH;
use super::element::{Element, Part};
use taipan_runtime::prelude::*;
use taipan_runtime::support::this;
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::str;

/// Has the text characters of a path (outside of braces), or the wildcard of a namespace?
fn is_path_text(chars: impl Iterator<Item = u32> + Clone) -> bool {
    let mut first = chars.clone();
    if first.next() == Some('{' as u32) {
        let (second, third) = (first.next(), first.next());
        let any = second == Some('*' as u32) && third == Some('}' as u32);
        if any || second == Some('}' as u32) && third.is_some() {
            return true;
        }
    }
    let mut outside = true;
    for c in chars.map(|c| char::from_u32(c).unwrap_or('\0')) {
        match c {
            '{' => outside = false,
            '}' => outside = true,
            '/' | '*' | '[' | '@' | '.' if outside => return true,
            _ => {}
        }
    }
    false
}

/// May the object be more than a tag?
fn is_path(object: &Object) -> bool {
    if let Some(text) = object.downcast::<Str>() {
        return match text.as_ascii() {
            Some(text) => is_path_text(text.bytes().map(u32::from)),
            None => is_path_text(text.chars()),
        };
    }
    match object.downcast::<Bytes>() {
        Some(bytes) => is_path_text(bytes.as_slice().iter().map(|&byte| byte as u32)),
        None => true,
    }
}

/// Has `ElementPath` search.
fn ask(vm: &Vm, function: &str, args: &[Object]) -> Result {
    // The module that is imported now, as fresh copies of modules have their own state.
    let imported =
        vm.interp().modules.downcast::<Dict>().and_then(|all| all.get_text(vm, "xml.etree.ElementPath"));
    let Some(path) = imported.or_else(|| vm.at_place(&ELEMENT_PATH)) else {
        return Err(vm.runtime_error("_elementtree is not initialised"));
    };
    vm.call(&vm.get_attr_str(&path, function)?, args)
}

/// The next child from place `i` on that has the tag.
fn next_child(vm: &Vm, element: &Element, tag: &Object, i: &mut usize) -> Result<Option<Object>> {
    while let Some(child) = element.child(*i) {
        *i += 1;
        if vm.equal(&this::<Element>(&child).tag.get(), tag)? {
            return Ok(Some(child));
        }
    }
    Ok(None)
}

/// `find(path, namespaces=None)`.
pub fn find(vm: &Vm, args: &[Object]) -> Result {
    if !args[2].is_none() || is_path(&args[1]) {
        return ask(vm, "find", args);
    }
    let found = next_child(vm, this(&args[0]), &args[1], &mut 0)?;
    Ok(found.unwrap_or(Object::NONE))
}

/// `findtext(path, default=None, namespaces=None)`.
pub fn find_text(vm: &Vm, args: &[Object]) -> Result {
    if !args[3].is_none() || is_path(&args[1]) {
        return ask(vm, "findtext", args);
    }
    match next_child(vm, this(&args[0]), &args[1], &mut 0)? {
        None => Ok(args[2].clone()),
        Some(child) => {
            let text = this::<Element>(&child).part(vm, Part::Text)?;
            Ok(if text.is_none() { str::empty() } else { text })
        }
    }
}

/// `findall(path, namespaces=None)`.
pub fn find_all(vm: &Vm, args: &[Object]) -> Result {
    if !args[2].is_none() || is_path(&args[1]) {
        return ask(vm, "findall", args);
    }
    let (mut i, mut found) = (0, Vec::new());
    while let Some(child) = next_child(vm, this(&args[0]), &args[1], &mut i)? {
        found.push(child);
    }
    Ok(vm.list(found))
}

/// `iterfind(path, namespaces=None)`.
pub fn iter_find(vm: &Vm, args: &[Object]) -> Result {
    ask(vm, "iterfind", args)
}
