//! `_elementtree`: the native half of `xml.etree.ElementTree`: elements
//! ([`element`], [`children`], [`copying`]), how they are searched ([`find`]) and walked
//! ([`iteration`]), the builder of trees ([`builder`]) and the parser that feeds
//! it straight from libexpat's events ([`parser`]).

mod builder;
mod children;
mod copying;
mod element;
mod find;
mod iteration;
mod names;
mod parser;

use taipan_runtime::prelude::*;
use taipan_runtime::shared::Place;
use taipan_runtime::support::exception_class;

/// The key of `ParseError`.
const PARSE_ERROR: &str = "xml.etree.ElementTree.ParseError";

/// `xml.etree.ElementPath`, `copy.deepcopy`, and the two factories, if there are such.
static ELEMENT_PATH: Place = Place::new();
static DEEPCOPY: Place = Place::new();
static COMMENT_FACTORY: Place = Place::new();
static PI_FACTORY: Place = Place::new();

/// The module.
pub static ELEMENTTREE: ModuleDef = ModuleDef {
    name: "_elementtree",
    doc: "",
    functions: &[
        MethodDef::raw("SubElement(parent, tag, attrib={}, /, **extra)", element::sub_element, ""),
        MethodDef::new(
            "_set_factories(comment_factory, pi_factory, /)",
            set_factories,
            "Change the factories used to create comments and processing instructions.\n\nFor internal use only.",
        ),
    ],
    types: &[&element::ELEMENT, &builder::TREE_BUILDER, &parser::XML_PARSER, &iteration::ELEMENT_ITERATOR],
    init: Some(init),
};

fn init(vm: &Vm, module: &Object) -> Result<()> {
    vm.delete_attr(module, &vm.intern(iteration::ELEMENT_ITERATOR.name()))?;
    let copy = vm.import_module("copy")?;
    vm.put_in_place(&DEEPCOPY, vm.get_attr_str(&copy, "deepcopy")?);
    vm.put_in_place(&ELEMENT_PATH, vm.import_module("xml.etree.ElementPath")?);
    vm.import_module("pyexpat")?;
    let error =
        exception_class(vm, PARSE_ERROR, "xml.etree.ElementTree", "ParseError", &exc::SYNTAX_ERROR, None)?;
    vm.set_attr_str(module, "ParseError", &error)
}

fn set_factories(vm: &Vm, args: &[Object]) -> Result {
    for (factory, what) in args.iter().zip(["Comment", "PI"]) {
        if !factory.is_none() && !vm.is_callable(factory) {
            let shown = factory.ty().full_name();
            return Err(vm.type_error(format!("{what} factory must be callable, not {shown}")));
        }
    }
    let [comment, pi] = [&COMMENT_FACTORY, &PI_FACTORY].map(|place| vm.at_place(place));
    for (factory, place) in args.iter().zip([&COMMENT_FACTORY, &PI_FACTORY]) {
        vm.put_in_place(place, factory.some().cloned().unwrap_or(Object::UNBOUND));
    }
    Ok(vm.tuple(vec![comment.unwrap_or(Object::NONE), pi.unwrap_or(Object::NONE)]))
}
