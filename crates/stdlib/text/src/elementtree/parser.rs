//! `XMLParser`: what libexpat tells goes to a target. A target that is a plain
//! `TreeBuilder` gets it without a Python call in between.
//!
//! A handler that raises ends the feeding: no other is called, and the exception is kept
//! until the library has returned.

use super::PARSE_ERROR;
use super::builder::{Report, TREE_BUILDER, TreeBuilder};
use super::names::Names;
use crate::expat::optional_text;
use crate::expat::parser::encoding;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use taipan_expat::{Attributes, ERROR_UNDEFINED_ENTITY, Event, Kind, Parser, error_text};
use taipan_runtime::codecs::utf8;
use taipan_runtime::prelude::*;
use taipan_runtime::support::{allocate, this};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::cell::ObjectCell;
use taipan_runtime::types::exceptions;
use taipan_runtime::types::object::OBJECT;
use taipan_runtime::types::str;

/// How much is read of a file at once.
const READ_SIZE: usize = 64 << 10;

/// What a target may have.
#[derive(Clone, Copy)]
enum Handler {
    StartNs,
    EndNs,
    Start,
    Data,
    End,
    Comment,
    Pi,
    Close,
    Doctype,
}

const HANDLERS: [&str; 9] =
    ["start_ns", "end_ns", "start", "data", "end", "comment", "pi", "close", "doctype"];

/// Payload of `XMLParser`.
#[derive(Default)]
pub struct XmlParser {
    /// None: `__init__` was not called.
    parser: RefCell<Option<Rc<Parser>>>,
    target: ObjectCell,
    entity: ObjectCell,
    /// The target's methods, by [`Handler`].
    handlers: [ObjectCell; 9],
    names: RefCell<Names>,
}

impl NativeClass for XmlParser {
    fn class() -> &'static Type {
        &XML_PARSER
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.cells().for_each(|cell| cell.traverse(visitor));
    }
    fn clear(&self) {
        self.cells().for_each(ObjectCell::clear);
    }
}

/// ParseError with its two attributes.
#[cold]
fn parse_error(vm: &Vm, parser: &Parser, code: i32, message: Option<&str>) -> Raised {
    let build = || -> Result {
        let class =
            vm.shared(PARSE_ERROR).ok_or_else(|| vm.system_error("_elementtree is not initialised"))?;
        let place = parser.position();
        let words = message.or_else(|| error_text(code)).unwrap_or("unknown error");
        let text = format!("{words}: line {}, column {}", place.line, place.column);
        let exception = vm.call(&class, &[vm.str(&text)])?;
        exceptions::set_attr_quietly(vm, &exception, "code", vm.int(code as i64));
        let position = vm.tuple(vec![vm.u64(place.line), vm.u64(place.column)]);
        exceptions::set_attr_quietly(vm, &exception, "position", position);
        Ok(exception)
    };
    match build() {
        Ok(exception) => vm.raise_in_context(exception),
        Err(raised) => raised,
    }
}

fn text(vm: &Vm, bytes: &[u8]) -> Result {
    utf8::decode(vm, bytes, "strict", true).map(|decoded| decoded.0)
}

/// One feeding: parser, its object, and whom it feeds.
struct Feeding<'a> {
    vm: &'a Vm,
    object: &'a Object,
    this: &'a XmlParser,
    parser: &'a Parser,
    builder: Option<&'a TreeBuilder>,
}

impl Feeding<'_> {
    fn handler(&self, handler: Handler) -> Option<Object> {
        self.this.handlers[handler as usize].bound()
    }
    fn call(&self, handler: Handler, args: impl FnOnce() -> Result<Vec<Object>>) -> Result<()> {
        let Some(handler) = self.handler(handler) else { return Ok(()) };
        self.vm.call(&handler, &args()?).map(drop)
    }
    fn name(&self, name: &[u8]) -> Result {
        self.this.names.borrow_mut().get(self.vm, name)
    }
    fn attributes(&self, mut attributes: Attributes) -> Result<Option<Object>> {
        let mut made: Option<Object> = None;
        while let (Some(name), Some(value)) = (attributes.next(), attributes.next()) {
            let (name, value) = (self.name(name)?, text(self.vm, value)?);
            let dict = made.get_or_insert_with(|| self.vm.new_dict());
            this::<Dict>(dict).set(self.vm, &name, value)?;
        }
        Ok(made)
    }

    fn handle(&self, event: Event) -> Result<()> {
        let vm = self.vm;
        match event {
            Event::StartElement(name, attributes) => {
                let (tag, attributes) = (self.name(name)?, self.attributes(attributes)?);
                match self.builder {
                    Some(builder) => builder.start(vm, tag, attributes).map(drop),
                    None => self
                        .call(Handler::Start, || Ok(vec![tag, attributes.unwrap_or_else(|| vm.new_dict())])),
                }
            }
            Event::CharacterData(data) => match self.builder {
                Some(builder) => builder.add_text(vm, data),
                None => self.call(Handler::Data, || Ok(vec![text(vm, data)?])),
            },
            Event::Texts(kind, parts) => self.texts(kind, parts),
            Event::Default(data) => self.entity(data),
            Event::StartDoctypeDecl([name, system, public], _) => self.doctype(name, system, public),
            _ => Ok(()),
        }
    }
    fn texts(&self, kind: Kind, parts: &[Option<&[u8]>]) -> Result<()> {
        let vm = self.vm;
        let part = |i: usize| parts.get(i).copied().flatten().unwrap_or(&[]);
        match (kind, self.builder) {
            (Kind::EndElement, Some(builder)) => builder.end(vm).map(drop),
            (Kind::EndElement, None) => self.call(Handler::End, || Ok(vec![self.name(part(0))?])),
            (Kind::Comment, Some(builder)) => builder.comment(vm, text(vm, part(0))?).map(drop),
            (Kind::Comment, None) => self.call(Handler::Comment, || Ok(vec![text(vm, part(0))?])),
            (Kind::ProcessingInstruction, Some(builder)) => {
                builder.instruction(vm, text(vm, part(0))?, text(vm, part(1))?).map(drop)
            }
            (Kind::ProcessingInstruction, None) => {
                self.call(Handler::Pi, || Ok(vec![text(vm, part(0))?, text(vm, part(1))?]))
            }
            (Kind::StartNamespaceDecl, Some(builder)) => {
                builder.start_ns(vm, text(vm, part(0))?, text(vm, part(1))?)
            }
            (Kind::StartNamespaceDecl, None) => {
                self.call(Handler::StartNs, || Ok(vec![text(vm, part(0))?, text(vm, part(1))?]))
            }
            (Kind::EndNamespaceDecl, Some(builder)) => builder.end_ns(vm),
            (Kind::EndNamespaceDecl, None) => self.call(Handler::EndNs, || Ok(vec![text(vm, part(0))?])),
            _ => Ok(()),
        }
    }
    /// What nobody else takes: references to entities that the document does not define.
    fn entity(&self, data: &[u8]) -> Result<()> {
        let vm = self.vm;
        let [b'&', name @ .., _] = data else { return Ok(()) };
        let known = match self.this.entity.get().downcast::<Dict>() {
            Some(entities) => entities.get(vm, &text(vm, name)?)?,
            None => None,
        };
        match (known, self.builder) {
            (Some(value), Some(builder)) => builder.add_data(vm, value),
            (Some(value), None) => self.call(Handler::Data, || Ok(vec![value])),
            (None, _) => {
                let shown = String::from_utf8_lossy(data.get(..100).unwrap_or(data));
                let message = format!("undefined entity {shown}");
                Err(parse_error(vm, self.parser, ERROR_UNDEFINED_ENTITY, Some(&message)))
            }
        }
    }
    fn doctype(&self, name: Option<&[u8]>, system: Option<&[u8]>, public: Option<&[u8]>) -> Result<()> {
        let vm = self.vm;
        let optional = |bytes: Option<&[u8]>| bytes.map_or(Ok(Object::NONE), |bytes| text(vm, bytes));
        if self.handler(Handler::Doctype).is_some() {
            return self.call(Handler::Doctype, || {
                Ok(vec![self.name(name.unwrap_or(&[]))?, optional(public)?, optional(system)?])
            });
        }
        if vm.lookup_attr_str(self.object, "doctype")?.is_some() {
            let message = "The doctype() method of XMLParser is ignored.  \
                           Define doctype() method on the TreeBuilder target.";
            vm.warn(&exc::RUNTIME_WARNING, message, 1)?;
        }
        Ok(())
    }
}

impl XmlParser {
    fn cells(&self) -> impl Iterator<Item = &ObjectCell> {
        [&self.target, &self.entity].into_iter().chain(&self.handlers)
    }
    /// The parser, if it can be fed at present.
    fn ready(&self, vm: &Vm, method: &str) -> Result<Rc<Parser>> {
        let parser = self.parser.borrow().clone();
        let Some(parser) = parser.filter(|_| !self.target.is_empty()) else {
            return Err(vm.value_error("XMLParser.__init__() wasn't called"));
        };
        if parser.is_feeding() {
            return Err(vm.runtime_error(format!("cannot call {method}() from within a handler")));
        }
        Ok(parser)
    }
}

/// Parses a piece.
fn feed(vm: &Vm, object: &Object, parser: &Parser, data: &[u8], last: bool) -> Result<()> {
    let this = this::<XmlParser>(object);
    let target = this.target.get();
    let builder = target.downcast_exact::<TreeBuilder>();
    let feeding = Feeding { vm, object, this, parser, builder };
    let failed = Cell::new(false);
    let exception: RefCell<Option<Object>> = RefCell::new(None);
    let keep = |raised: Raised| {
        failed.set(true);
        let raised = vm.caught(raised);
        *exception.borrow_mut() = Some(raised);
    };
    let listener = |event: Event| {
        if failed.get() {
            return 0;
        }
        match feeding.handle(event) {
            Ok(()) => 1,
            Err(raised) => {
                keep(raised);
                0
            }
        }
    };
    let encodings = |name: &[u8]| if failed.get() { None } else { encoding(vm, name).map_err(keep).ok() };
    let success = parser.feed(data, last, &listener, &encodings);
    if let Some(exception) = exception.into_inner() {
        return Err(vm.raise(exception));
    }
    if success { Ok(()) } else { Err(parse_error(vm, parser, parser.error(), None)) }
}

/// The builder's tree, if a plain one is the target.
fn tree(parser: &XmlParser) -> Option<Object> {
    parser.target.get().downcast_exact::<TreeBuilder>().map(TreeBuilder::close)
}

static INIT: Sig = Sig::new("XMLParser(*, target=None, encoding=None)");

fn init(vm: &Vm, object: &Object, args: &[Object], kwnames: &[Object]) -> Result<()> {
    let args = INIT.bind(vm, args, kwnames)?;
    let encoding = optional_text(vm, &args[1], "XMLParser", "argument 'encoding'")?;
    // A salt of 0 would have the library find one itself.
    let (salt, _) = vm.interp().hash_key;
    let Some(parser) = Parser::new(encoding.as_deref(), Some(b'}'), salt.max(1)) else {
        return Err(vm.memory_error());
    };
    let target = match args[0].some() {
        Some(target) => target.clone(),
        // As it comes, without factories.
        None => allocate(vm, &TREE_BUILDER, TreeBuilder::new())?,
    };
    let mut handlers = [const { None }; HANDLERS.len()];
    for (handler, name) in handlers.iter_mut().zip(HANDLERS) {
        *handler = vm.lookup_attr_str(&target, name)?;
    }
    for kind in [
        Kind::StartElement,
        Kind::EndElement,
        Kind::DefaultExpand,
        Kind::CharacterData,
        Kind::StartDoctypeDecl,
    ] {
        parser.listen(kind, true);
    }
    for (handler, kind) in [
        (Handler::StartNs, Kind::StartNamespaceDecl),
        (Handler::EndNs, Kind::EndNamespaceDecl),
        (Handler::Comment, Kind::Comment),
        (Handler::Pi, Kind::ProcessingInstruction),
    ] {
        parser.listen(kind, handlers[handler as usize].is_some());
    }
    let this = this::<XmlParser>(object);
    this.entity.set(vm.new_dict());
    this.target.set(target);
    for (place, handler) in this.handlers.iter().zip(handlers) {
        place.set_option(handler);
    }
    let old = this.parser.replace(Some(Rc::new(parser)));
    drop(old);
    Ok(())
}

fn feed_method(vm: &Vm, args: &[Object]) -> Result {
    let parser = this::<XmlParser>(&args[0]).ready(vm, "feed")?;
    if args[1].downcast::<Str>().is_some() {
        let text = utf8::encode(vm, &args[1], "strict")?;
        parser.set_encoding(c"utf-8");
        feed(vm, &args[0], &parser, &text, false)?;
    } else {
        let buffer = vm.bytes_like(&args[1], "data")?;
        feed(vm, &args[0], &parser, buffer.bytes(), false)?;
    }
    Ok(Object::NONE)
}

fn close(vm: &Vm, args: &[Object]) -> Result {
    let this = this::<XmlParser>(&args[0]);
    let parser = this.ready(vm, "close")?;
    feed(vm, &args[0], &parser, &[], true)?;
    if let Some(tree) = tree(this) {
        return Ok(tree);
    }
    match this.handlers[Handler::Close as usize].bound() {
        Some(close) => vm.call(&close, &[]),
        None => Ok(Object::NONE),
    }
}

/// `_parse_whole(file)`: reads a file to its end.
fn parse_whole(vm: &Vm, args: &[Object]) -> Result {
    let this = this::<XmlParser>(&args[0]);
    this.ready(vm, "_parse_whole")?;
    let read = vm.get_attr_str(&args[1], "read")?;
    loop {
        let piece = vm.call(&read, &[vm.usize(READ_SIZE)])?;
        let parser = this.ready(vm, "_parse_whole")?;
        if let Some(text) = piece.downcast_exact::<Str>() {
            if text.is_empty() {
                break;
            }
            let text = utf8::encode(vm, &piece, "surrogatepass")?;
            parser.set_encoding(c"utf-8");
            feed(vm, &args[0], &parser, &text, false)?;
            continue;
        }
        match piece.downcast_exact::<Bytes>().map(Bytes::as_slice) {
            None | Some([]) => break,
            Some(bytes) => feed(vm, &args[0], &parser, bytes, false)?,
        }
    }
    let parser = this.ready(vm, "_parse_whole")?;
    feed(vm, &args[0], &parser, &[], true)?;
    Ok(tree(this).unwrap_or(Object::NONE))
}

/// `_setevents(events_queue, events_to_report=None)`.
fn set_events(vm: &Vm, args: &[Object]) -> Result {
    let this = this::<XmlParser>(&args[0]);
    let parser = this.ready(vm, "_setevents")?;
    let target = this.target.get();
    let Some(builder) = target.downcast_exact::<TreeBuilder>() else {
        return Err(vm.type_error("event handling only supported for ElementTree.TreeBuilder targets"));
    };
    builder.report_to(vm.get_attr_str(&args[1], "append")?);
    if args[2].is_none() {
        builder.report(Report::End, vm.intern("end"));
        return Ok(Object::NONE);
    }
    let wanted = vm.iter(&args[2]);
    let Some(wanted) = vm.swallow(wanted, &exc::TYPE_ERROR)? else {
        return Err(vm.type_error("events must be a sequence"));
    };
    for name in vm.collect(&wanted)? {
        let text = match (name.downcast::<Str>(), name.downcast::<Bytes>()) {
            (Some(_), _) => utf8::encode(vm, &name, "strict")?,
            (_, Some(bytes)) => bytes.as_slice().to_vec(),
            _ => return Err(vm.value_error("invalid events sequence")),
        };
        let known = Report::ALL.iter().find(|(known, _)| known.as_bytes() == text);
        let Some(&(_, event)) = known else {
            let shown = String::from_utf8_lossy(&text);
            return Err(vm.value_error(format!("unknown event '{shown}'")));
        };
        builder.report(event, name);
        let kinds: &[Kind] = match event {
            Report::Start | Report::End => &[],
            Report::StartNs | Report::EndNs => &[Kind::StartNamespaceDecl, Kind::EndNamespaceDecl],
            Report::Comment => &[Kind::Comment],
            Report::Pi => &[Kind::ProcessingInstruction],
        };
        kinds.iter().for_each(|&kind| parser.listen(kind, true));
    }
    Ok(Object::NONE)
}

pub static XML_PARSER: Type = Type::new::<XmlParser>(
    "xml.etree.ElementTree.XMLParser",
    &OBJECT,
    type_flags::BASE | type_flags::HAVE_GC,
    Slots {
        new: Some(|vm, class, _, _| allocate(vm, class, XmlParser::default())),
        init: Some(init),
        ..Slots::EMPTY
    },
    &[
        MethodDef::new("feed($self, data, /)", feed_method, ""),
        MethodDef::new("close($self, /)", close, ""),
        // The library does not defer anything that could be flushed.
        MethodDef::new(
            "flush($self, /)",
            |vm, args| this::<XmlParser>(&args[0]).ready(vm, "flush").map(|_| Object::NONE),
            "",
        ),
        MethodDef::new("_parse_whole($self, file, /)", parse_whole, ""),
        MethodDef::new("_setevents($self, events_queue, events_to_report=None, /)", set_events, ""),
    ],
    &[
        GetSetDef::member("entity", |_, object| Ok(this::<XmlParser>(object).entity.or_none())),
        GetSetDef::member("target", |_, object| Ok(this::<XmlParser>(object).target.or_none())),
        GetSetDef::new("version", |vm, _| {
            let (major, minor, micro) = taipan_expat::version();
            Ok(vm.str(&format!("Expat {major}.{minor}.{micro}")))
        }),
    ],
);
