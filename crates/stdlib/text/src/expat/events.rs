//! From the library's events to calls of Python's handlers.
//!
//! A handler that raises ends it: no other is called, and the exception is kept
//! until the library has returned.

use super::parser::XmlParser;
use taipan_expat::{Attributes, Event, Kind, ModelNode};
use taipan_runtime::codecs::utf8;
use taipan_runtime::prelude::*;

/// The kinds of events by their place.
pub const KINDS: [Kind; 22] = [
    Kind::StartElement,
    Kind::EndElement,
    Kind::ProcessingInstruction,
    Kind::CharacterData,
    Kind::UnparsedEntityDecl,
    Kind::NotationDecl,
    Kind::StartNamespaceDecl,
    Kind::EndNamespaceDecl,
    Kind::Comment,
    Kind::StartCdataSection,
    Kind::EndCdataSection,
    Kind::Default,
    Kind::DefaultExpand,
    Kind::NotStandalone,
    Kind::ExternalEntityRef,
    Kind::StartDoctypeDecl,
    Kind::EndDoctypeDecl,
    Kind::EntityDecl,
    Kind::XmlDecl,
    Kind::ElementDecl,
    Kind::AttlistDecl,
    Kind::SkippedEntity,
];

/// Deeper content models are refused: nobody could walk the tuples.
const MODEL_DEPTH: usize = 50_000;

fn text(vm: &Vm, bytes: &[u8]) -> Result {
    utf8::decode(vm, bytes, "strict", true).map(|decoded| decoded.0)
}

fn optional(vm: &Vm, bytes: Option<&[u8]>) -> Result {
    bytes.map_or(Ok(Object::NONE), |bytes| text(vm, bytes))
}

impl XmlParser {
    /// The text, the same object each time if the parser interns.
    fn interned(&self, vm: &Vm, bytes: Option<&[u8]>) -> Result {
        let object = optional(vm, bytes)?;
        match self.intern.get().downcast::<Dict>() {
            Some(dict) if !object.is_none() => dict.set_default(vm, &object, &object),
            _ => Ok(object),
        }
    }
    fn all_interned(&self, vm: &Vm, parts: &[Option<&[u8]>]) -> Result<Vec<Object>> {
        parts.iter().map(|part| self.interned(vm, *part)).collect()
    }
    /// Calls a handler, if there is one.
    fn call(
        &self,
        vm: &Vm,
        kind: Kind,
        args: impl FnOnce() -> Result<Vec<Object>>,
    ) -> Result<Option<Object>> {
        let Some(handler) = self.handlers[kind as usize].bound() else { return Ok(None) };
        let args = args()?;
        let outer = self.in_callback.replace(true);
        let outcome = vm.call(&handler, &args);
        self.in_callback.set(outer);
        outcome.map(Some)
    }
    fn call_number(&self, vm: &Vm, kind: Kind, args: impl FnOnce() -> Result<Vec<Object>>) -> Result<i32> {
        match self.call(vm, kind, args)? {
            Some(answer) => Ok(vm.to_i64(&answer)? as i32),
            None => Ok(0),
        }
    }
    fn character_data(&self, vm: &Vm, data: &[u8]) -> Result<()> {
        self.call(vm, Kind::CharacterData, || Ok(vec![text(vm, data)?])).map(drop)
    }
    /// Hands over the text that was collected.
    pub fn flush(&self, vm: &Vm) -> Result<()> {
        let collected = match self.buffer.borrow_mut().as_mut() {
            Some(buffer) if !buffer.is_empty() => std::mem::take(buffer),
            _ => return Ok(()),
        };
        self.character_data(vm, &collected)
    }
    /// Collects text, or hands it over.
    fn collect(&self, vm: &Vm, data: &[u8]) -> Result<()> {
        let limit = self.buffer_size.get();
        let used = self.buffer.borrow().as_ref().map(Vec::len);
        let Some(used) = used else { return self.character_data(vm, data) };
        if used + data.len() > limit {
            self.flush(vm)?;
            // The handler may be gone.
            if self.handlers[Kind::CharacterData as usize].is_empty() {
                return Ok(());
            }
        }
        if data.len() <= limit
            && let Some(buffer) = self.buffer.borrow_mut().as_mut()
        {
            buffer.try_reserve(data.len()).map_err(|_| vm.memory_error())?;
            buffer.extend_from_slice(data);
            return Ok(());
        }
        self.character_data(vm, data)
    }

    /// An event. What the library is answered.
    pub fn handle(&self, vm: &Vm, event: Event) -> Result<i32> {
        if let Event::CharacterData(data) = event {
            self.collect(vm, data)?;
            return Ok(1);
        }
        self.flush(vm)?;
        match event {
            Event::CharacterData(_) => {}
            Event::StartElement(name, attributes) => {
                self.call(vm, Kind::StartElement, || {
                    let attributes = self.attributes(vm, attributes)?;
                    Ok(vec![self.interned(vm, Some(name))?, attributes])
                })?;
            }
            Event::Texts(Kind::ExternalEntityRef, parts) => {
                return self.call_number(vm, Kind::ExternalEntityRef, || {
                    let mut args = vec![optional(vm, parts.first().copied().flatten())?];
                    args.extend(self.all_interned(vm, parts.get(1..).unwrap_or(&[]))?);
                    Ok(args)
                });
            }
            Event::Texts(kind @ (Kind::ProcessingInstruction | Kind::Comment), parts) => {
                self.call(vm, kind, || {
                    let (first, last) = parts.split_at(parts.len() - 1);
                    let mut args = self.all_interned(vm, first)?;
                    args.push(optional(vm, last.first().copied().flatten())?);
                    Ok(args)
                })?;
            }
            Event::Texts(kind, parts) => {
                self.call(vm, kind, || self.all_interned(vm, parts))?;
            }
            Event::Default(data) => {
                // The library knows one handler of the two: the one that was set last.
                let kind = if self.handlers[Kind::Default as usize].is_empty() {
                    Kind::DefaultExpand
                } else {
                    Kind::Default
                };
                self.call(vm, kind, || Ok(vec![text(vm, data)?]))?;
            }
            Event::Bare(Kind::NotStandalone) => {
                return self.call_number(vm, Kind::NotStandalone, || Ok(Vec::new()));
            }
            Event::Bare(kind) => {
                self.call(vm, kind, || Ok(Vec::new()))?;
            }
            Event::StartDoctypeDecl(parts, internal) => {
                self.call(vm, Kind::StartDoctypeDecl, || {
                    let mut args = self.all_interned(vm, &parts)?;
                    args.push(vm.int(internal as i64));
                    Ok(args)
                })?;
            }
            Event::EntityDecl(name, parameter, value, parts) => {
                self.call(vm, Kind::EntityDecl, || {
                    let mut args = vec![self.interned(vm, Some(name))?, vm.int(parameter as i64)];
                    args.push(optional(vm, value)?);
                    args.extend(self.all_interned(vm, &parts)?);
                    Ok(args)
                })?;
            }
            Event::XmlDecl([version, encoding], standalone) => {
                self.call(vm, Kind::XmlDecl, || {
                    Ok(vec![optional(vm, version)?, optional(vm, encoding)?, vm.int(standalone as i64)])
                })?;
            }
            Event::ElementDecl(name, nodes) => {
                self.call(vm, Kind::ElementDecl, || {
                    Ok(vec![self.interned(vm, Some(name))?, self.model(vm, &nodes)?])
                })?;
            }
            Event::AttlistDecl([element, name, kind, value], required) => {
                self.call(vm, Kind::AttlistDecl, || {
                    Ok(vec![
                        self.interned(vm, element)?,
                        self.interned(vm, name)?,
                        optional(vm, kind)?,
                        optional(vm, value)?,
                        vm.int(required as i64),
                    ])
                })?;
            }
            Event::SkippedEntity(name, parameter) => {
                self.call(vm, Kind::SkippedEntity, || {
                    Ok(vec![self.interned(vm, Some(name))?, vm.int(parameter as i64)])
                })?;
            }
        }
        Ok(1)
    }

    /// Attributes as a list or a dict.
    fn attributes(&self, vm: &Vm, all: Attributes) -> Result {
        let specified = self.specified_attributes.get();
        let count = if specified { self.parser.specified_attributes() } else { usize::MAX };
        let mut all = all.take(count);
        let ordered = self.ordered_attributes.get();
        let mut list = Vec::new();
        let dict = vm.new_dict();
        while let (Some(name), Some(value)) = (all.next(), all.next()) {
            let name = self.interned(vm, Some(name))?;
            let value = text(vm, value)?;
            if ordered {
                list.push(name);
                list.push(value);
            } else {
                vm.set_item(&dict, &name, &value)?;
            }
        }
        Ok(if ordered { vm.list(list) } else { dict })
    }

    /// A content model as nested tuples, built from its leaves.
    fn model(&self, vm: &Vm, nodes: &[ModelNode]) -> Result {
        let mut depths: Vec<usize> = vec![0; nodes.len()];
        for (i, node) in nodes.iter().enumerate() {
            let below = depths.get(i).map_or(0, |depth| depth + 1);
            if below > MODEL_DEPTH {
                return Err(vm.recursion_error("maximum recursion depth exceeded in conv_content_model"));
            }
            depths.get_mut(node.children.clone()).unwrap_or_default().fill(below);
        }
        let mut built: Vec<Object> = vec![Object::NONE; nodes.len()];
        for (i, node) in nodes.iter().enumerate().rev() {
            let children = match built.get_mut(node.children.clone()) {
                Some(children) => {
                    children.iter_mut().map(|child| std::mem::replace(child, Object::NONE)).collect()
                }
                None => Vec::new(),
            };
            let name = self.interned(vm, node.name.as_deref())?;
            let tuple = vec![vm.int(node.kind), vm.int(node.quantity), name, vm.tuple(children)];
            if let Some(place) = built.get_mut(i) {
                *place = vm.tuple(tuple);
            }
        }
        Ok(built.first().cloned().unwrap_or(Object::NONE))
    }
}
