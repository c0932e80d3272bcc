//! What a parser shows, and the C functions that the library calls for it.

use crate::parser::Shared;
use crate::raw::{self, Raw, Text};
use std::ffi::{CStr, c_int, c_void};
use std::marker::PhantomData;

/// The kinds of events, in the order of Python's handlers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    StartElement,
    EndElement,
    ProcessingInstruction,
    CharacterData,
    UnparsedEntityDecl,
    NotationDecl,
    StartNamespaceDecl,
    EndNamespaceDecl,
    Comment,
    StartCdataSection,
    EndCdataSection,
    Default,
    DefaultExpand,
    NotStandalone,
    ExternalEntityRef,
    StartDoctypeDecl,
    EndDoctypeDecl,
    EntityDecl,
    XmlDecl,
    ElementDecl,
    AttlistDecl,
    SkippedEntity,
}

/// A node of an element's content model. Its children come later in the list.
pub struct ModelNode {
    pub kind: i64,
    pub quantity: i64,
    pub name: Option<Vec<u8>>,
    pub children: std::ops::Range<usize>,
}

/// Names and values of an element's attributes in turn.
pub struct Attributes<'a> {
    /// The next one of an array of texts that ends with null; null: there are none.
    at: *mut Text,
    texts: PhantomData<&'a [u8]>,
}

impl<'a> Iterator for Attributes<'a> {
    type Item = &'a [u8];
    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        if self.at.is_null() {
            return None;
        }
        // SAFETY: `at` has not passed the array's end; the texts live as long as the event.
        unsafe {
            let found = optional(*self.at)?;
            self.at = self.at.add(1);
            Some(found)
        }
    }
}

/// A part of the document. Texts are UTF-8.
pub enum Event<'a> {
    StartElement(&'a [u8], Attributes<'a>),
    /// An event whose parts are texts that may be missing.
    Texts(Kind, &'a [Option<&'a [u8]>]),
    CharacterData(&'a [u8]),
    /// Of either kind of default handler.
    Default(&'a [u8]),
    /// Start and end of CDATA sections, end of the document type, not standalone.
    Bare(Kind),
    /// Name, system id, public id, is there an internal subset?
    StartDoctypeDecl([Option<&'a [u8]>; 3], bool),
    /// Name, is it a parameter entity? value, base, system id, public id, notation.
    EntityDecl(&'a [u8], bool, Option<&'a [u8]>, [Option<&'a [u8]>; 4]),
    /// Version, encoding; standalone: yes, no or -1.
    XmlDecl([Option<&'a [u8]>; 2], i32),
    /// Name and model; the root is the first node.
    ElementDecl(&'a [u8], Vec<ModelNode>),
    /// Element, attribute, type, default; is it required?
    AttlistDecl([Option<&'a [u8]>; 4], bool),
    /// Name; is it a parameter entity?
    SkippedEntity(&'a [u8], bool),
}

/// # Safety
/// `text` is null or terminated, and outlives `'a`.
unsafe fn optional<'a>(text: Text) -> Option<&'a [u8]> {
    // SAFETY: says the caller.
    if text.is_null() { None } else { Some(unsafe { CStr::from_ptr(text) }.to_bytes()) }
}
/// # Safety
/// As [`optional`].
unsafe fn text<'a>(text: Text) -> &'a [u8] {
    // SAFETY: says the caller.
    unsafe { optional(text) }.unwrap_or(&[])
}
/// # Safety
/// `data` has `len` bytes which outlive `'a`, or is null.
unsafe fn bytes<'a>(data: Text, len: c_int) -> &'a [u8] {
    let len = usize::try_from(len).unwrap_or(0);
    // SAFETY: says the caller.
    if data.is_null() { &[] } else { unsafe { std::slice::from_raw_parts(data.cast(), len) } }
}
/// # Safety
/// `data` is the user data of a parser of this crate.
unsafe fn show(data: *mut c_void, event: Event) -> i32 {
    // SAFETY: the user data of every parser is its Shared.
    unsafe { &*data.cast::<Shared>() }.show(event)
}

// SAFETY of the functions below: the library calls them during XML_Parse, with
// texts that live until they return.

unsafe extern "C" fn start_element(data: *mut c_void, name: Text, attributes: *mut Text) {
    unsafe {
        let attributes = Attributes { at: attributes, texts: PhantomData };
        show(data, Event::StartElement(text(name), attributes));
    }
}
unsafe extern "C" fn end_element(data: *mut c_void, name: Text) {
    unsafe { show(data, Event::Texts(Kind::EndElement, &[optional(name)])) };
}
unsafe extern "C" fn instruction(data: *mut c_void, target: Text, content: Text) {
    unsafe { show(data, Event::Texts(Kind::ProcessingInstruction, &[optional(target), optional(content)])) };
}
unsafe extern "C" fn character_data(data: *mut c_void, content: Text, len: c_int) {
    unsafe { show(data, Event::CharacterData(bytes(content, len))) };
}
unsafe extern "C" fn unparsed(
    data: *mut c_void,
    name: Text,
    base: Text,
    system: Text,
    public: Text,
    notation: Text,
) {
    unsafe {
        let parts = [optional(name), optional(base), optional(system), optional(public), optional(notation)];
        show(data, Event::Texts(Kind::UnparsedEntityDecl, &parts));
    }
}
unsafe extern "C" fn notation(data: *mut c_void, name: Text, base: Text, system: Text, public: Text) {
    unsafe {
        let parts = [optional(name), optional(base), optional(system), optional(public)];
        show(data, Event::Texts(Kind::NotationDecl, &parts));
    }
}
unsafe extern "C" fn start_namespace(data: *mut c_void, prefix: Text, uri: Text) {
    unsafe { show(data, Event::Texts(Kind::StartNamespaceDecl, &[optional(prefix), optional(uri)])) };
}
unsafe extern "C" fn end_namespace(data: *mut c_void, prefix: Text) {
    unsafe { show(data, Event::Texts(Kind::EndNamespaceDecl, &[optional(prefix)])) };
}
unsafe extern "C" fn comment(data: *mut c_void, content: Text) {
    unsafe { show(data, Event::Texts(Kind::Comment, &[optional(content)])) };
}
unsafe extern "C" fn start_cdata(data: *mut c_void) {
    unsafe { show(data, Event::Bare(Kind::StartCdataSection)) };
}
unsafe extern "C" fn end_cdata(data: *mut c_void) {
    unsafe { show(data, Event::Bare(Kind::EndCdataSection)) };
}
unsafe extern "C" fn default(data: *mut c_void, content: Text, len: c_int) {
    unsafe { show(data, Event::Default(bytes(content, len))) };
}
unsafe extern "C" fn not_standalone(data: *mut c_void) -> c_int {
    unsafe { show(data, Event::Bare(Kind::NotStandalone)) }
}
unsafe extern "C" fn external_entity(
    parser: Raw,
    context: Text,
    base: Text,
    system: Text,
    public: Text,
) -> c_int {
    unsafe {
        let parts = [optional(context), optional(base), optional(system), optional(public)];
        // The parser is passed itself; its user data is its first field.
        show(*parser, Event::Texts(Kind::ExternalEntityRef, &parts))
    }
}
unsafe extern "C" fn start_doctype(
    data: *mut c_void,
    name: Text,
    system: Text,
    public: Text,
    internal: c_int,
) {
    unsafe {
        let parts = [optional(name), optional(system), optional(public)];
        show(data, Event::StartDoctypeDecl(parts, internal != 0));
    }
}
unsafe extern "C" fn end_doctype(data: *mut c_void) {
    unsafe { show(data, Event::Bare(Kind::EndDoctypeDecl)) };
}
#[allow(clippy::too_many_arguments)]
unsafe extern "C" fn entity(
    data: *mut c_void,
    name: Text,
    parameter: c_int,
    value: Text,
    len: c_int,
    base: Text,
    system: Text,
    public: Text,
    notation: Text,
) {
    unsafe {
        let value = if value.is_null() { None } else { Some(bytes(value, len)) };
        let parts = [optional(base), optional(system), optional(public), optional(notation)];
        show(data, Event::EntityDecl(text(name), parameter != 0, value, parts));
    }
}
unsafe extern "C" fn xml_decl(data: *mut c_void, version: Text, encoding: Text, standalone: c_int) {
    unsafe { show(data, Event::XmlDecl([optional(version), optional(encoding)], standalone)) };
}
unsafe extern "C" fn element(data: *mut c_void, name: Text, model: *mut raw::Content) {
    unsafe {
        // Level by level, so that deep models need no deep stack.
        let mut sources: Vec<*const raw::Content> = vec![model];
        let mut nodes = Vec::new();
        while let Some(&source) = sources.get(nodes.len()) {
            let content = &*source;
            let first = sources.len();
            for i in 0..content.count as usize {
                sources.push(content.children.add(i));
            }
            nodes.push(ModelNode {
                kind: content.kind as i64,
                quantity: content.quantity as i64,
                name: optional(content.name).map(<[u8]>::to_vec),
                children: first..sources.len(),
            });
        }
        let shared = &*data.cast::<Shared>();
        shared.free_model(model);
        shared.show(Event::ElementDecl(text(name), nodes));
    }
}
unsafe extern "C" fn attlist(
    data: *mut c_void,
    element: Text,
    name: Text,
    kind: Text,
    value: Text,
    required: c_int,
) {
    unsafe {
        let parts = [optional(element), optional(name), optional(kind), optional(value)];
        show(data, Event::AttlistDecl(parts, required != 0));
    }
}
unsafe extern "C" fn skipped(data: *mut c_void, name: Text, parameter: c_int) {
    unsafe { show(data, Event::SkippedEntity(text(name), parameter != 0)) };
}

/// Has the library call for a kind of event, or not.
///
/// # Safety
/// A parser of this crate.
pub unsafe fn listen(parser: Raw, kind: Kind, on: bool) {
    macro_rules! set {
        ($f:ident, $handler:ident) => {
            // SAFETY: says the caller.
            unsafe { raw::$f(parser, if on { Some($handler) } else { None }) }
        };
    }
    match kind {
        Kind::StartElement => set!(XML_SetStartElementHandler, start_element),
        Kind::EndElement => set!(XML_SetEndElementHandler, end_element),
        Kind::ProcessingInstruction => set!(XML_SetProcessingInstructionHandler, instruction),
        Kind::CharacterData => set!(XML_SetCharacterDataHandler, character_data),
        Kind::UnparsedEntityDecl => set!(XML_SetUnparsedEntityDeclHandler, unparsed),
        Kind::NotationDecl => set!(XML_SetNotationDeclHandler, notation),
        Kind::StartNamespaceDecl => set!(XML_SetStartNamespaceDeclHandler, start_namespace),
        Kind::EndNamespaceDecl => set!(XML_SetEndNamespaceDeclHandler, end_namespace),
        Kind::Comment => set!(XML_SetCommentHandler, comment),
        Kind::StartCdataSection => set!(XML_SetStartCdataSectionHandler, start_cdata),
        Kind::EndCdataSection => set!(XML_SetEndCdataSectionHandler, end_cdata),
        Kind::Default => set!(XML_SetDefaultHandler, default),
        Kind::DefaultExpand => set!(XML_SetDefaultHandlerExpand, default),
        Kind::NotStandalone => set!(XML_SetNotStandaloneHandler, not_standalone),
        Kind::ExternalEntityRef => set!(XML_SetExternalEntityRefHandler, external_entity),
        Kind::StartDoctypeDecl => set!(XML_SetStartDoctypeDeclHandler, start_doctype),
        Kind::EndDoctypeDecl => set!(XML_SetEndDoctypeDeclHandler, end_doctype),
        Kind::EntityDecl => set!(XML_SetEntityDeclHandler, entity),
        Kind::XmlDecl => set!(XML_SetXmlDeclHandler, xml_decl),
        Kind::ElementDecl => set!(XML_SetElementDeclHandler, element),
        Kind::AttlistDecl => set!(XML_SetAttlistDeclHandler, attlist),
        Kind::SkippedEntity => set!(XML_SetSkippedEntityHandler, skipped),
    }
}
