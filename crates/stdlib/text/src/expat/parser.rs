//! `xmlparser` objects.

use super::events::KINDS;
use super::{optional_text, raise};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use taipan_expat::{ERROR_INVALID_ARGUMENT, Encoding, Event, Kind, Parser, error_text};
use taipan_runtime::codecs;
use taipan_runtime::prelude::*;
use taipan_runtime::support::{allocate, bad_argument, this};
use taipan_runtime::types::bytearray::ByteArray;
use taipan_runtime::types::bytes::{self, Bytes};
use taipan_runtime::types::cell::ObjectCell;
use taipan_runtime::types::int;
use taipan_runtime::types::object::OBJECT;

/// First size of the buffer for text.
const BUFFER_SIZE: usize = 8192;
/// How much is read of a file at once.
const READ_SIZE: usize = 2048;

/// Payload of `xmlparser`.
pub struct XmlParser {
    pub parser: Rc<Parser>,
    /// By [`Kind`].
    pub handlers: [ObjectCell; 22],
    /// The dict of names, empty if the parser does not intern.
    pub intern: ObjectCell,
    /// Text that was collected; None: text is not collected.
    pub buffer: RefCell<Option<Vec<u8>>>,
    pub buffer_size: Cell<usize>,
    pub ordered_attributes: Cell<bool>,
    pub specified_attributes: Cell<bool>,
    namespace_prefixes: Cell<bool>,
    /// A handler runs.
    pub in_callback: Cell<bool>,
}

impl NativeClass for XmlParser {
    fn class() -> &'static Type {
        &PARSER
    }
    fn traverse(&self, visitor: &mut Visitor) {
        for handler in &self.handlers {
            handler.traverse(visitor);
        }
        self.intern.traverse(visitor);
    }
    fn clear(&self) {
        for handler in &self.handlers {
            handler.clear();
        }
        self.intern.clear();
    }
}

/// The attribute of a handler.
const fn handler<const KIND: usize>(name: &'static str) -> GetSetDef {
    GetSetDef::new(name, |_, object| Ok(this::<XmlParser>(object).handlers[KIND].or_none()))
        .with_set(|vm, object, value| set_handler(vm, object, KIND, value))
}

pub static PARSER: Type = Type::new::<XmlParser>(
    "pyexpat.xmlparser",
    &OBJECT,
    type_flags::DISALLOW_INSTANTIATION | type_flags::HAVE_GC,
    Slots::EMPTY,
    &[
        MethodDef::new("Parse($self, data, isfinal=False, /)", parse, "Parses a piece of a document.\n\ndata is a bytes-like object, or a str; then it does not matter which encoding\nthe document declares. isfinal says that no more will come."),
        MethodDef::new("ParseFile($self, file, /)", parse_file, "Parses what a binary file has to say."),
        MethodDef::new("SetBase($self, base, /)", |vm, args| {
            if args[1].downcast::<Str>().is_none() {
                let shown = if args[1].is_none() { "None" } else { args[1].ty().name() };
                return Err(vm.type_error(format!("SetBase() argument must be str, not {shown}")));
            }
            match optional_text(vm, &args[1], "SetBase", "argument")? {
                Some(base) if this::<XmlParser>(&args[0]).parser.set_base(&base) => Ok(Object::NONE),
                _ => Err(vm.memory_error()),
            }
        }, "Sets the base of URLs."),
        MethodDef::new("GetBase($self, /)", |vm, args| {
            let base = this::<XmlParser>(&args[0]).parser.base();
            Ok(base.map_or(Object::NONE, |base| vm.str(&String::from_utf8_lossy(&base))))
        }, "The base of URLs."),
        MethodDef::new("GetInputContext($self, /)", |vm, args| {
            let parser = this::<XmlParser>(&args[0]);
            if !parser.in_callback.get() {
                return Ok(Object::NONE);
            }
            parser.parser.context().map_or(Ok(Object::NONE), |context| bytes::new(vm, &context))
        }, "The input from the present event on, as far as it is at hand."),
        MethodDef::new("ExternalEntityParserCreate($self, context, encoding=<unrepresentable>, /)", for_entity, "A parser for an external entity, for the context that the handler was given."),
        MethodDef::new("SetParamEntityParsing($self, flag, /)", |vm, args| {
            let flag = vm.to_plain_c_int(&args[1])?;
            Ok(vm.int(this::<XmlParser>(&args[0]).parser.set_parameter_entities(flag) as i64))
        }, "Says whether parameter entities are parsed (XML_PARAM_ENTITY_PARSING_*); true if that worked."),
        MethodDef::new("UseForeignDTD($self, flag=True, /)", |vm, args| {
            let parser = this::<XmlParser>(&args[0]);
            let on = vm.is_true(&args[1])?;
            match parser.parser.use_foreign_dtd(on) {
                0 => Ok(Object::NONE),
                code => Err(parser.failure(vm, code)),
            }
        }, "Has the handler for external entities asked for a document type if the document has none."),
        MethodDef::new("SetBillionLaughsAttackProtectionActivationThreshold($self, threshold, /)", |vm, args| {
            let parser = this::<XmlParser>(&args[0]);
            let threshold = vm.index(&args[1])?;
            if int::is_negative(&threshold) {
                return Err(vm.value_error("Cannot convert negative int"));
            }
            let threshold = int::to_u64(&threshold)
                .ok_or_else(|| vm.overflow_error("Python int too large to convert to C unsigned long long"))?;
            if parser.parser.set_amplification_threshold(threshold) {
                return Ok(Object::NONE);
            }
            Err(parser.invalid(vm, "parser must be a root parser"))
        }, "From how many bytes on entities may not multiply the input too much."),
        MethodDef::new("SetBillionLaughsAttackProtectionMaximumAmplification($self, max_factor, /)", |vm, args| {
            let parser = this::<XmlParser>(&args[0]);
            let factor = vm.to_f64(&args[1])? as f32;
            if parser.parser.set_maximum_amplification(factor) {
                return Ok(Object::NONE);
            }
            let at_least_one = factor >= 1.0;
            let words = if at_least_one { "parser must be a root parser" } else { "'max_factor' must be at least 1.0" };
            Err(parser.invalid(vm, words))
        }, "By which factor entities may multiply the input."),
        MethodDef::new("SetReparseDeferralEnabled($self, enabled, /)", |vm, args| {
            vm.is_true(&args[1])?;
            Ok(Object::NONE)
        }, "Does nothing: the library does not defer."),
        MethodDef::new("GetReparseDeferralEnabled($self, /)", |_, _| Ok(Object::FALSE), "False: the library does not defer."),
    ],
    &[
        GetSetDef::member("intern", |_, object| Ok(this::<XmlParser>(object).intern.or_none())),
        GetSetDef::new("ErrorCode", |vm, object| Ok(vm.int(this::<XmlParser>(object).parser.error() as i64))),
        GetSetDef::new("ErrorLineNumber", line),
        GetSetDef::new("ErrorColumnNumber", column),
        GetSetDef::new("ErrorByteIndex", byte),
        GetSetDef::new("CurrentLineNumber", line),
        GetSetDef::new("CurrentColumnNumber", column),
        GetSetDef::new("CurrentByteIndex", byte),
        GetSetDef::new("buffer_size", |vm, object| Ok(vm.usize(this::<XmlParser>(object).buffer_size.get())))
            .with_set(set_buffer_size),
        GetSetDef::new("buffer_text", |_, object| {
            Ok(Object::bool(this::<XmlParser>(object).buffer.borrow().is_some()))
        })
        .with_set(|vm, object, value| {
            let on = flag(vm, value)?;
            let parser = this::<XmlParser>(object);
            if on == parser.buffer.borrow().is_some() {
                return Ok(());
            }
            if on {
                *parser.buffer.borrow_mut() = Some(Vec::new());
                return Ok(());
            }
            parser.flush(vm)?;
            *parser.buffer.borrow_mut() = None;
            Ok(())
        }),
        GetSetDef::new("buffer_used", |vm, object| {
            Ok(vm.usize(this::<XmlParser>(object).buffer.borrow().as_ref().map_or(0, Vec::len)))
        }),
        GetSetDef::new("namespace_prefixes", |_, object| {
            Ok(Object::bool(this::<XmlParser>(object).namespace_prefixes.get()))
        })
        .with_set(|vm, object, value| {
            let on = flag(vm, value)?;
            let parser = this::<XmlParser>(object);
            parser.namespace_prefixes.set(on);
            parser.parser.set_triplets(on);
            Ok(())
        }),
        GetSetDef::new("ordered_attributes", |_, object| {
            Ok(Object::bool(this::<XmlParser>(object).ordered_attributes.get()))
        })
        .with_set(|vm, object, value| {
            this::<XmlParser>(object).ordered_attributes.set(flag(vm, value)?);
            Ok(())
        }),
        GetSetDef::new("specified_attributes", |_, object| {
            Ok(Object::bool(this::<XmlParser>(object).specified_attributes.get()))
        })
        .with_set(|vm, object, value| {
            this::<XmlParser>(object).specified_attributes.set(flag(vm, value)?);
            Ok(())
        }),
        handler::<0>("StartElementHandler"),
        handler::<1>("EndElementHandler"),
        handler::<2>("ProcessingInstructionHandler"),
        handler::<3>("CharacterDataHandler"),
        handler::<4>("UnparsedEntityDeclHandler"),
        handler::<5>("NotationDeclHandler"),
        handler::<6>("StartNamespaceDeclHandler"),
        handler::<7>("EndNamespaceDeclHandler"),
        handler::<8>("CommentHandler"),
        handler::<9>("StartCdataSectionHandler"),
        handler::<10>("EndCdataSectionHandler"),
        handler::<11>("DefaultHandler"),
        handler::<12>("DefaultHandlerExpand"),
        handler::<13>("NotStandaloneHandler"),
        handler::<14>("ExternalEntityRefHandler"),
        handler::<15>("StartDoctypeDeclHandler"),
        handler::<16>("EndDoctypeDeclHandler"),
        handler::<17>("EntityDeclHandler"),
        handler::<18>("XmlDeclHandler"),
        handler::<19>("ElementDeclHandler"),
        handler::<20>("AttlistDeclHandler"),
        handler::<21>("SkippedEntityHandler"),
    ],
)
.with_doc("XML parser");

fn line(vm: &Vm, object: &Object) -> Result {
    Ok(vm.u64(this::<XmlParser>(object).parser.position().line))
}
fn column(vm: &Vm, object: &Object) -> Result {
    Ok(vm.u64(this::<XmlParser>(object).parser.position().column))
}
fn byte(vm: &Vm, object: &Object) -> Result {
    Ok(vm.int(this::<XmlParser>(object).parser.position().byte))
}

/// The truth of an attribute's new value.
fn flag(vm: &Vm, value: Option<&Object>) -> Result<bool> {
    match value {
        Some(value) => vm.is_true(value),
        None => Err(vm.runtime_error("Cannot delete attribute")),
    }
}

fn set_buffer_size(vm: &Vm, object: &Object, value: Option<&Object>) -> Result<()> {
    let Some(value) = value else { return Err(vm.runtime_error("Cannot delete attribute")) };
    if !int::is_any_int(value) {
        return Err(vm.type_error("buffer_size must be an integer"));
    }
    if int::is_negative(value) || int::to_i64(value) == Some(0) {
        return Err(vm.value_error("buffer_size must be greater than zero"));
    }
    let size = int::to_i64(value).and_then(|n| i32::try_from(n).ok());
    let Some(size) = size else {
        return Err(vm.value_error(format!("buffer_size must not be greater than {}", i32::MAX)));
    };
    let parser = this::<XmlParser>(object);
    let size = usize::try_from(size).unwrap_or(BUFFER_SIZE);
    if size != parser.buffer_size.get() {
        parser.flush(vm)?;
    }
    parser.buffer_size.set(size);
    Ok(())
}

fn set_handler(vm: &Vm, object: &Object, kind: usize, value: Option<&Object>) -> Result<()> {
    let Some(value) = value else { return Err(vm.runtime_error("Cannot delete attribute")) };
    let parser = this::<XmlParser>(object);
    let Some(&kind) = KINDS.get(kind) else { return Ok(()) };
    if kind == Kind::CharacterData {
        // What was collected belongs to the present handler.
        parser.flush(vm)?;
    }
    let place = &parser.handlers[kind as usize];
    match value.some() {
        Some(value) => {
            place.set(value.clone());
            parser.parser.listen(kind, true);
        }
        None => {
            place.set(Object::UNBOUND);
            // While a handler runs, the library may still have text for this one.
            let keep = kind == Kind::CharacterData && parser.in_callback.get();
            parser.parser.listen(kind, keep);
        }
    }
    Ok(())
}

impl XmlParser {
    fn new(parser: Parser, intern: Option<Object>) -> XmlParser {
        XmlParser {
            parser: Rc::new(parser),
            handlers: [const { ObjectCell::EMPTY }; 22],
            intern: ObjectCell::new(intern.unwrap_or(Object::UNBOUND)),
            buffer: RefCell::new(None),
            buffer_size: Cell::new(BUFFER_SIZE),
            ordered_attributes: Cell::new(false),
            specified_attributes: Cell::new(false),
            namespace_prefixes: Cell::new(false),
            in_callback: Cell::new(false),
        }
    }
    /// ExpatError of the library's.
    #[cold]
    fn failure(&self, vm: &Vm, code: i32) -> Raised {
        let place = self.parser.position();
        let words = error_text(code).unwrap_or("unknown error");
        let message = format!("{words}: line {}, column {}", place.line, place.column);
        raise(vm, &message, code, place.line, place.column)
    }
    #[cold]
    fn invalid(&self, vm: &Vm, words: &str) -> Raised {
        let place = self.parser.position();
        raise(vm, words, ERROR_INVALID_ARGUMENT, place.line, place.column)
    }
    /// No handler is called any more; external entities are errors.
    fn silence(&self) {
        for (kind, handler) in KINDS.into_iter().zip(&self.handlers) {
            self.parser.listen(kind, kind == Kind::ExternalEntityRef);
            handler.clear();
        }
    }
    /// Parses a piece.
    fn feed(&self, vm: &Vm, data: &[u8], last: bool) -> Result {
        let exception: RefCell<Option<Object>> = RefCell::new(None);
        let keep = |raised: Raised| {
            let raised = vm.caught(raised);
            self.silence();
            *exception.borrow_mut() = Some(raised);
        };
        let listener = |event: Event| {
            if exception.borrow().is_some() {
                return 0;
            }
            self.handle(vm, event).unwrap_or_else(|raised| {
                keep(raised);
                0
            })
        };
        let encodings = |name: &[u8]| {
            if exception.borrow().is_some() {
                return None;
            }
            encoding(vm, name).map_err(keep).ok()
        };
        let parser = self.parser.clone();
        let success = parser.feed(data, last, &listener, &encodings);
        if let Some(exception) = exception.into_inner() {
            return Err(vm.raise(exception));
        }
        if !success {
            return Err(self.failure(vm, parser.error()));
        }
        self.flush(vm)?;
        Ok(vm.int(1))
    }
    fn check_idle(&self, vm: &Vm, method: &str) -> Result<()> {
        if self.in_callback.get() || self.parser.is_feeding() {
            return Err(vm.runtime_error(format!("cannot call {method}() from within a handler")));
        }
        Ok(())
    }
}

/// What the 256 bytes of an encoding stand for.
pub fn encoding(vm: &Vm, name: &[u8]) -> Result<Encoding> {
    let bytes: Vec<u8> = (0..=255).collect();
    let name = String::from_utf8_lossy(name);
    let text = codecs::decode(vm, &bytes, &name, "replace")?;
    let mut map: Encoding = [-1; 256];
    match text.downcast::<Str>() {
        Some(text) if text.len() == map.len() => {
            for (place, c) in map.iter_mut().zip(text.chars()) {
                if c != 0xfffd {
                    *place = i32::try_from(c).unwrap_or(-1);
                }
            }
            Ok(map)
        }
        _ => Err(vm.value_error("multi-byte encodings are not supported")),
    }
}

/// `ParserCreate(encoding=None, namespace_separator=None, intern=...)`.
pub fn create(vm: &Vm, args: &[Object]) -> Result {
    const NAME: &str = "ParserCreate";
    let encoding = optional_text(vm, &args[0], NAME, "argument 'encoding'")?;
    let separator = optional_text(vm, &args[1], NAME, "argument 'namespace_separator'")?;
    let separator = match separator.as_ref().map(|separator| separator.to_bytes()) {
        None => None,
        Some([]) => Some(0),
        Some([byte]) => Some(*byte),
        Some(_) => {
            return Err(vm.value_error("namespace_separator must be at most one character, omitted, or None"));
        }
    };
    let intern = match args[2].bound() {
        None => Some(vm.new_dict()),
        Some(intern) if intern.is_none() => None,
        Some(intern) if intern.downcast::<Dict>().is_some() => Some(intern.clone()),
        Some(_) => return Err(vm.type_error("intern must be a dictionary")),
    };
    // A salt of 0 would have the library find one itself.
    let (salt, _) = vm.interp().hash_key;
    let Some(parser) = Parser::new(encoding.as_deref(), separator, salt.max(1)) else {
        return Err(vm.memory_error());
    };
    allocate(vm, &PARSER, XmlParser::new(parser, intern))
}

fn for_entity(vm: &Vm, args: &[Object]) -> Result {
    const NAME: &str = "ExternalEntityParserCreate";
    let parent = this::<XmlParser>(&args[0]);
    let context = optional_text(vm, &args[1], NAME, "argument 1")?;
    let encoding = match args[2].bound() {
        Some(encoding) if encoding.downcast::<Str>().is_none() => {
            return Err(bad_argument(vm, NAME, "argument 2", "str", encoding));
        }
        _ => optional_text(vm, &args[2], NAME, "argument 2")?,
    };
    let Some(parser) = parent.parser.for_entity(context.as_deref(), encoding.as_deref()) else {
        return Err(vm.memory_error());
    };
    let child = XmlParser::new(parser, parent.intern.bound());
    for (kind, (from, to)) in KINDS.into_iter().zip(parent.handlers.iter().zip(&child.handlers)) {
        to.set_option(from.bound());
        // The two default handlers share a place in the library.
        if !to.is_empty() {
            child.parser.listen(kind, true);
        }
    }
    child.buffer_size.set(parent.buffer_size.get());
    child.ordered_attributes.set(parent.ordered_attributes.get());
    child.specified_attributes.set(parent.specified_attributes.get());
    child.namespace_prefixes.set(parent.namespace_prefixes.get());
    if parent.buffer.borrow().is_some() {
        *child.buffer.borrow_mut() = Some(Vec::new());
    }
    allocate(vm, &PARSER, child)
}

fn parse(vm: &Vm, args: &[Object]) -> Result {
    let parser = this::<XmlParser>(&args[0]);
    parser.check_idle(vm, "Parse")?;
    let last = vm.is_true(&args[2])?;
    if args[1].downcast::<Str>().is_some() {
        let text = codecs::utf8::encode(vm, &args[1], "strict")?;
        parser.parser.set_encoding(c"utf-8");
        return parser.feed(vm, &text, last);
    }
    let buffer = vm.bytes_like(&args[1], "data")?;
    parser.feed(vm, buffer.bytes(), last)
}

fn parse_file(vm: &Vm, args: &[Object]) -> Result {
    let parser = this::<XmlParser>(&args[0]);
    parser.check_idle(vm, "ParseFile")?;
    let Some(read) = vm.lookup_attr_str(&args[1], "read")? else {
        return Err(vm.type_error("argument must have 'read' attribute"));
    };
    loop {
        let data = vm.call(&read, &[vm.usize(READ_SIZE)])?;
        let piece = match (data.downcast::<Bytes>(), data.downcast::<ByteArray>()) {
            (Some(bytes), _) => bytes.as_slice().to_vec(),
            (_, Some(array)) => array.as_slice().to_vec(),
            _ => {
                let name = data.ty().name();
                return Err(vm.type_error(format!("read() did not return a bytes object (type={name})")));
            }
        };
        if piece.len() > READ_SIZE {
            let len = piece.len();
            return Err(vm.value_error(format!(
                "read() returned too much data: {READ_SIZE} bytes requested, {len} returned"
            )));
        }
        let result = parser.feed(vm, &piece, piece.is_empty())?;
        if piece.is_empty() {
            return Ok(result);
        }
    }
}
