//! `Element`: the type, how elements are made, their four attributes.
//!
//! Children lie in a vector that is looked at only while no Python code can run. The
//! dict of attributes is made when somebody asks for it. A text may be a list of
//! pieces that is joined when it is first looked at.

use super::{children, copying, find, iteration};
use std::cell::Cell;
use taipan_runtime::prelude::*;
use taipan_runtime::support::{allocate, bad_argument, this};
use taipan_runtime::types::cell::ObjectCell;
use taipan_runtime::types::dict::DICT;
use taipan_runtime::types::object::OBJECT;
use taipan_runtime::types::{str, tuple};

/// The two texts of an element.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Text = 1,
    Tail = 2,
}

/// Payload of `Element`.
pub struct Element {
    pub tag: ObjectCell,
    text: ObjectCell,
    tail: ObjectCell,
    /// The dict; empty: there are no attributes.
    pub attrib: ObjectCell,
    /// None: there are none. Taken out while it is looked at. In a box, as most elements are leaves.
    #[allow(clippy::box_collection)]
    children: Cell<Option<Box<Vec<Object>>>>,
    /// Bits of [`Part`]: that one is a list of pieces.
    pieces: Cell<u8>,
}

impl NativeClass for Element {
    fn class() -> &'static Type {
        &ELEMENT
    }
    fn traverse(&self, visitor: &mut Visitor) {
        for cell in [&self.tag, &self.text, &self.tail, &self.attrib] {
            cell.traverse(visitor);
        }
        self.look(|children| children.iter().for_each(|child| visitor.visit_object(child)));
    }
    fn clear(&self) {
        self.reset();
        self.tag.set(Object::NONE);
    }
}

impl Element {
    fn new(tag: Object, attrib: Option<Object>) -> Element {
        Element {
            tag: ObjectCell::new(tag),
            text: ObjectCell::new(Object::NONE),
            tail: ObjectCell::new(Object::NONE),
            attrib: ObjectCell::new(attrib.unwrap_or(Object::UNBOUND)),
            children: Cell::new(None),
            pieces: Cell::new(0),
        }
    }
    /// Looks at the children; `f` runs no Python code.
    #[inline]
    fn look<R>(&self, f: impl FnOnce(&[Object]) -> R) -> R {
        let children = self.children.take();
        let result = f(children.as_deref().map_or(&[], Vec::as_slice));
        self.children.set(children);
        result
    }
    #[inline]
    pub fn len(&self) -> usize {
        self.look(<[Object]>::len)
    }
    #[inline]
    pub fn child(&self, i: usize) -> Option<Object> {
        self.look(|children| children.get(i).cloned())
    }
    pub fn to_vec(&self) -> Vec<Object> {
        self.look(<[Object]>::to_vec)
    }
    /// Changes the children; `f` runs no Python code and drops no objects.
    #[inline]
    pub fn change<R>(&self, f: impl FnOnce(&mut Vec<Object>) -> R) -> R {
        let mut children = self.children.take().unwrap_or_default();
        let result = f(&mut children);
        self.children.set(if children.capacity() == 0 { None } else { Some(children) });
        result
    }
    /// Appends what is an element.
    #[inline]
    pub fn push(&self, vm: &Vm, child: Object) -> Result<()> {
        self.change(|children| {
            if children.len() == children.capacity() && children.try_reserve(1).is_err() {
                return Err(vm.memory_error());
            }
            children.push(child);
            Ok(())
        })
    }
    /// All the children; none are left.
    pub fn take_children(&self) -> Vec<Object> {
        self.children.take().map_or_else(Vec::new, |children| *children)
    }
    /// Children and attributes go, and both texts.
    fn reset(&self) {
        let children = self.take_children();
        self.attrib.clear();
        self.set_part(Part::Text, Object::NONE);
        self.set_part(Part::Tail, Object::NONE);
        drop(children);
    }
    #[inline]
    fn cell(&self, part: Part) -> &ObjectCell {
        if part == Part::Text { &self.text } else { &self.tail }
    }
    /// Is the text a list of pieces?
    #[inline]
    pub fn in_pieces(&self, part: Part) -> bool {
        self.pieces.get() & part as u8 != 0
    }
    /// The text as it is kept.
    #[inline]
    pub fn kept_part(&self, part: Part) -> Object {
        self.cell(part).get()
    }
    #[inline]
    pub fn set_part(&self, part: Part, value: Object) {
        self.pieces.set(self.pieces.get() & !(part as u8));
        self.cell(part).set(value);
    }
    /// Sets a text as it is kept: a list may be one of pieces.
    pub fn keep_part(&self, part: Part, value: Object) {
        let bit = if value.downcast_exact::<List>().is_some() { part as u8 } else { 0 };
        self.pieces.set(self.pieces.get() & !(part as u8) | bit);
        self.cell(part).set(value);
    }
    /// The text, its pieces joined for good.
    #[inline]
    pub fn part(&self, vm: &Vm, part: Part) -> Result {
        let kept = self.kept_part(part);
        if !self.in_pieces(part) {
            return Ok(kept);
        }
        let joined = join(vm, &kept)?;
        self.set_part(part, joined.clone());
        Ok(joined)
    }
    /// The dict of attributes, made if there is none.
    pub fn attributes(&self, vm: &Vm) -> Object {
        if self.attrib.is_empty() {
            self.attrib.set(vm.new_dict());
        }
        self.attrib.get()
    }
    /// Bytes that the element takes, as CPython counts them.
    fn size(&self) -> usize {
        let room = self.change(|children| children.capacity());
        let extra = if self.attrib.is_empty() && room == 0 { 0 } else { 64 };
        56 + extra + if room > 4 { 8 * room } else { 0 }
    }
}

/// `"".join(pieces)`.
pub fn join(vm: &Vm, pieces: &Object) -> Result {
    vm.call_method(&str::empty(), "join", std::slice::from_ref(pieces))
}

/// The object as an element (of a subclass, perhaps).
#[inline]
pub fn element_of<'a>(vm: &Vm, object: &'a Object) -> Result<&'a Element> {
    object
        .downcast::<Element>()
        .ok_or_else(|| vm.type_error(format!("expected an Element, not \"{}\"", object.ty().full_name())))
}

/// A new element that has this dict of attributes, if there are any.
#[inline]
pub fn create(vm: &Vm, tag: Object, attrib: Option<Object>) -> Result {
    allocate(vm, &ELEMENT, Element::new(tag, attrib))
}

/// As [`create`]; an empty dict is as good as none.
pub fn create_with(vm: &Vm, tag: Object, attrib: Object) -> Result {
    let empty = attrib.downcast::<Dict>().is_none_or(Dict::is_empty);
    create(vm, tag, if empty { None } else { Some(attrib) })
}

/// A plain dict of the same entries.
pub fn copy_dict(vm: &Vm, dict: &Dict) -> Object {
    vm.alloc(&DICT, dict.copy_payload())
}

/// The object is a dict, in the words of the argument clinic.
pub fn check_dict(vm: &Vm, object: &Object, function: &str, which: &str) -> Result<()> {
    match object.downcast::<Dict>() {
        Some(_) => Ok(()),
        None => Err(bad_argument(vm, function, which, "dict", object)),
    }
}

static ATTRIB_SETTER: &str = "attrib must be dict, not ";

/// The dict of attributes that a call asks for: the one given by position or by name, with the
/// other keyword arguments. None: there is nothing of the kind.
fn given_attributes(
    vm: &Vm,
    given: Option<&Object>,
    kwnames: &[Object],
    values: &[Object],
) -> Result<Option<Object>> {
    if given.is_none() && kwnames.is_empty() {
        return Ok(None);
    }
    let is_attrib = |name: &Object| name.downcast::<Str>().is_some_and(|name| name.equals_text("attrib"));
    // By name only if it was not given by position: then it is an attribute like others.
    let named = if given.is_some() { None } else { kwnames.iter().position(is_attrib) };
    let given = given.or(named.and_then(|i| values.get(i)));
    let attrib = match given {
        None => vm.new_dict(),
        Some(object) => match object.downcast::<Dict>() {
            Some(dict) => copy_dict(vm, dict),
            None => {
                let shown = object.ty().full_name();
                return Err(vm.type_error(format!("{ATTRIB_SETTER}{shown}")));
            }
        },
    };
    if let Some(dict) = attrib.downcast::<Dict>() {
        for (i, (name, value)) in kwnames.iter().zip(values).enumerate() {
            if Some(i) != named {
                dict.set(vm, name, value.clone())?;
            }
        }
    }
    Ok(Some(attrib))
}

/// Checks the number of positional arguments, as `PyArg_ParseTuple` words it.
fn check_positional(vm: &Vm, name: &str, given: usize, least: usize, most: usize) -> Result<()> {
    if given >= least && given <= most {
        return Ok(());
    }
    let (word, bound) = if given < least { ("least", least) } else { ("most", most) };
    let s = if bound == 1 { "" } else { "s" };
    Err(vm.type_error(format!("{name}() takes at {word} {bound} argument{s} ({given} given)")))
}

fn init(vm: &Vm, object: &Object, args: &[Object], kwnames: &[Object]) -> Result<()> {
    let (positional, values) = args.split_at(args.len() - kwnames.len());
    check_positional(vm, "Element", positional.len(), 1, 2)?;
    if let Some(attrib) = positional.get(1) {
        check_dict(vm, attrib, "Element", "argument 2")?;
    }
    let attrib = given_attributes(vm, positional.get(1), kwnames, values)?;
    let element = this::<Element>(object);
    if attrib.is_some() {
        let children = element.take_children();
        element.attrib.set_option(attrib);
        drop(children);
    }
    element.tag.set(positional[0].clone());
    element.set_part(Part::Text, Object::NONE);
    element.set_part(Part::Tail, Object::NONE);
    Ok(())
}

/// `SubElement(parent, tag, attrib={}, **extra)`.
pub fn sub_element(vm: &Vm, args: &[Object], kwnames: &[Object]) -> Result {
    const NAME: &str = "SubElement";
    let (positional, values) = args.split_at(args.len() - kwnames.len());
    check_positional(vm, NAME, positional.len(), 2, 3)?;
    let Some(parent) = positional[0].downcast::<Element>() else {
        return Err(bad_argument(vm, NAME, "argument 1", ELEMENT.full_name(), &positional[0]));
    };
    if let Some(attrib) = positional.get(2) {
        check_dict(vm, attrib, NAME, "argument 3")?;
    }
    let attrib = given_attributes(vm, positional.get(2), kwnames, values)?;
    let element = create(vm, positional[1].clone(), attrib)?;
    parent.push(vm, element.clone())?;
    Ok(element)
}

fn repr(vm: &Vm, object: &Object) -> Result {
    let Some(_guard) = vm.enter_repr(object) else {
        return Err(vm.runtime_error(format!("reentrant call inside {}.__repr__", object.ty().full_name())));
    };
    let mut out = str::Builder::new();
    out.push_str("<Element ");
    out.push_object(&vm.repr(&this::<Element>(object).tag.get())?);
    out.push_str(&format!(" at {:#x}>", object.bits()));
    Ok(out.finish(vm))
}

fn truth(vm: &Vm, object: &Object) -> Result<bool> {
    vm.warn(
        &exc::DEPRECATION_WARNING,
        "Testing an element's truth value will always return True in future versions.  \
         Use specific 'len(elem)' or 'elem is not None' test instead.",
        1,
    )?;
    Ok(this::<Element>(object).len() != 0)
}

#[cold]
fn cannot_delete(vm: &Vm) -> Raised {
    vm.error(&exc::ATTRIBUTE_ERROR, "can't delete element attribute")
}

fn set_attrib(vm: &Vm, object: &Object, value: Option<&Object>) -> Result<()> {
    let value = value.ok_or_else(|| cannot_delete(vm))?;
    if value.downcast::<Dict>().is_none() {
        return Err(vm.type_error(format!("{ATTRIB_SETTER}{}", value.ty().full_name())));
    }
    this::<Element>(object).attrib.set(value.clone());
    Ok(())
}

fn set_part(vm: &Vm, object: &Object, value: Option<&Object>, part: Part) -> Result<()> {
    let value = value.ok_or_else(|| cannot_delete(vm))?;
    this::<Element>(object).set_part(part, value.clone());
    Ok(())
}

/// Keys, values or pairs of the attributes, as a list.
fn attribute_list(vm: &Vm, args: &[Object], f: fn(&Vm, Object, Object) -> Object) -> Result {
    let attrib = this::<Element>(&args[0]).attrib.bound();
    let Some(dict) = attrib.as_ref().and_then(|attrib| attrib.downcast::<Dict>()) else {
        return Ok(vm.list(Vec::new()));
    };
    let mut out = Vec::with_capacity(dict.len());
    let mut at = 0;
    while let Some((key, value)) = dict.next_entry(&mut at) {
        out.push(f(vm, key, value));
    }
    Ok(vm.list(out))
}

pub static ELEMENT: Type = Type::new::<Element>(
    "xml.etree.ElementTree.Element",
    &OBJECT,
    type_flags::BASE | type_flags::HAVE_GC | type_flags::WEAKREFABLE,
    Slots {
        new: Some(|vm, class, _, _| allocate(vm, class, Element::new(Object::NONE, None))),
        init: Some(init),
        bool: Some(truth),
        len: Some(|_, object| Ok(this::<Element>(object).len())),
        getitem: Some(children::get_item),
        setitem: Some(children::set_item),
        ..Slots::EMPTY.repr(repr)
    },
    &[
        MethodDef::new(
            "clear($self, /)",
            |_, args| {
                this::<Element>(&args[0]).reset();
                Ok(Object::NONE)
            },
            "",
        ),
        MethodDef::new(
            "get($self, /, key, default=None)",
            |vm, args| match this::<Element>(&args[0]).attrib.bound() {
                None => Ok(args[2].clone()),
                Some(attrib) => {
                    let found = this::<Dict>(&attrib).get(vm, &args[1])?;
                    Ok(found.unwrap_or_else(|| args[2].clone()))
                }
            },
            "",
        ),
        MethodDef::new(
            "set($self, key, value, /)",
            |vm, args| {
                let attrib = this::<Element>(&args[0]).attributes(vm);
                this::<Dict>(&attrib).set(vm, &args[1], args[2].clone())?;
                Ok(Object::NONE)
            },
            "",
        ),
        MethodDef::new("find($self, /, path, namespaces=None)", find::find, ""),
        MethodDef::new("findtext($self, /, path, default=None, namespaces=None)", find::find_text, ""),
        MethodDef::new("findall($self, /, path, namespaces=None)", find::find_all, ""),
        MethodDef::new("append($self, subelement, /)", children::append, ""),
        MethodDef::new("extend($self, elements, /)", children::extend, ""),
        MethodDef::new("insert($self, index, subelement, /)", children::insert, ""),
        MethodDef::new("remove($self, subelement, /)", children::remove, ""),
        MethodDef::new("iter($self, /, tag=None)", iteration::iter, ""),
        MethodDef::new("itertext($self, /)", iteration::iter_text, ""),
        MethodDef::new("iterfind($self, /, path, namespaces=None)", find::iter_find, ""),
        MethodDef::new("items($self, /)", |vm, args| attribute_list(vm, args, tuple::pair), ""),
        MethodDef::new("keys($self, /)", |vm, args| attribute_list(vm, args, |_, key, _| key), ""),
        MethodDef::new(
            "makeelement($self, tag, attrib, /)",
            |vm, args| {
                check_dict(vm, &args[2], "makeelement", "argument 2")?;
                create_with(vm, args[1].clone(), copy_dict(vm, this(&args[2])))
            },
            "",
        ),
        MethodDef::new("__copy__($self, /)", copying::copy, ""),
        MethodDef::new("__deepcopy__($self, memo, /)", copying::deepcopy_method, ""),
        MethodDef::new("__sizeof__($self, /)", |vm, args| Ok(vm.usize(this::<Element>(&args[0]).size())), ""),
        MethodDef::new("__getstate__($self, /)", copying::get_state, ""),
        MethodDef::new("__setstate__($self, state, /)", copying::set_state, ""),
    ],
    &[
        GetSetDef::new("tag", |_, object| Ok(this::<Element>(object).tag.get()))
            .with_set(|vm, object, value| {
                let value = value.ok_or_else(|| cannot_delete(vm))?;
                this::<Element>(object).tag.set(value.clone());
                Ok(())
            })
            .with_doc("A string identifying what kind of data this element represents"),
        GetSetDef::new("text", |vm, object| this::<Element>(object).part(vm, Part::Text))
            .with_set(|vm, object, value| set_part(vm, object, value, Part::Text))
            .with_doc("A string of text directly after the start tag, or None"),
        GetSetDef::new("tail", |vm, object| this::<Element>(object).part(vm, Part::Tail))
            .with_set(|vm, object, value| set_part(vm, object, value, Part::Tail))
            .with_doc("A string of text directly after the end tag, or None"),
        GetSetDef::new("attrib", |vm, object| Ok(this::<Element>(object).attributes(vm)))
            .with_set(set_attrib)
            .with_doc("A dictionary containing the element's attributes"),
    ],
);
