//! [`Parser`]: a document on its way through the library.

use crate::event::{self, Event, Kind};
use crate::raw::{self, Raw, Text};
use std::cell::Cell;
use std::ffi::{CStr, c_int, c_void};
use std::ptr::{null, null_mut};
use std::rc::Rc;

/// The characters of an encoding's 256 bytes; -1 for bytes that stand for none.
pub type Encoding = [i32; 256];

type Listener<'a> = &'a dyn Fn(Event) -> i32;
type Encodings<'a> = &'a dyn Fn(&[u8]) -> Option<Encoding>;

/// What the library's callbacks see: the parser's user data.
pub(crate) struct Shared {
    raw: Cell<Raw>,
    /// Who listens while a piece is parsed.
    listener: Cell<Option<*const Listener<'static>>>,
    encodings: Cell<Option<*const Encodings<'static>>>,
}

impl Shared {
    pub(crate) fn show(&self, event: Event) -> i32 {
        match self.listener.get() {
            // SAFETY: set for as long as `feed` runs, which holds the listener.
            Some(listener) => unsafe { (*listener)(event) },
            None => 0,
        }
    }
    /// # Safety
    /// A model that the library has just handed over.
    pub(crate) unsafe fn free_model(&self, model: *mut raw::Content) {
        // SAFETY: says the caller.
        unsafe { raw::XML_FreeContentModel(self.raw.get(), model) }
    }
}

unsafe extern "C" fn unknown_encoding(data: *mut c_void, name: Text, info: *mut raw::EncodingInfo) -> c_int {
    // SAFETY: the data are the parser's Shared; name and info are valid for this call.
    unsafe {
        let shared = &*data.cast::<Shared>();
        let Some(encodings) = shared.encodings.get() else { return 0 };
        let Some(map) = (*encodings)(CStr::from_ptr(name).to_bytes()) else { return 0 };
        (*info).map = map;
        (*info).data = null_mut();
        (*info).convert = None;
        (*info).release = None;
        1
    }
}

/// Where a parser is: line from 1, column from 0, byte from 0 (or -1).
#[derive(Clone, Copy, Debug)]
pub struct Position {
    pub line: u64,
    pub column: u64,
    pub byte: i64,
}

/// A parser, freed when dropped.
pub struct Parser {
    raw: Raw,
    shared: Box<Shared>,
    /// A parser of an external entity needs the one it was made of.
    _parent: Option<Rc<Parser>>,
}

impl Parser {
    /// A new parser. `salt` keys its hash tables. None: no memory.
    pub fn new(encoding: Option<&CStr>, separator: Option<u8>, salt: u64) -> Option<Parser> {
        let separator = separator.map(|byte| [byte, 0]);
        // SAFETY: terminated texts (a separator of 0 is an empty text); they are copied.
        let raw = unsafe {
            raw::XML_ParserCreate_MM(
                encoding.map_or(null(), CStr::as_ptr),
                null(),
                separator.as_ref().map_or(null(), |s| s.as_ptr().cast()),
            )
        };
        if raw.is_null() {
            return None;
        }
        // SAFETY: a fresh parser.
        unsafe { raw::XML_SetHashSalt(raw, salt) };
        Some(Parser::wrap(raw, None))
    }
    fn wrap(raw: Raw, parent: Option<Rc<Parser>>) -> Parser {
        let shared =
            Box::new(Shared { raw: Cell::new(raw), listener: Cell::new(None), encodings: Cell::new(None) });
        let data: *mut c_void = (&raw const *shared).cast_mut().cast();
        // SAFETY: the data outlive the parser, which is freed first.
        unsafe {
            raw::XML_SetUserData(raw, data);
            raw::XML_SetUnknownEncodingHandler(raw, Some(unknown_encoding), data);
        }
        Parser { raw, shared, _parent: parent }
    }
    /// A parser for an external entity.
    pub fn for_entity(self: &Rc<Parser>, context: Option<&CStr>, encoding: Option<&CStr>) -> Option<Parser> {
        // SAFETY: terminated texts, which are copied.
        let raw = unsafe {
            raw::XML_ExternalEntityParserCreate(
                self.raw,
                context.map_or(null(), CStr::as_ptr),
                encoding.map_or(null(), CStr::as_ptr),
            )
        };
        if raw.is_null() { None } else { Some(Parser::wrap(raw, Some(self.clone()))) }
    }
    /// Parses a piece; false: an error. Not to be called while it runs.
    pub fn feed(&self, data: &[u8], last: bool, listener: Listener, encodings: Encodings) -> bool {
        if self.shared.listener.get().is_some() {
            return false;
        }
        // SAFETY: the guard takes both away again before they go.
        let (listener, encodings) = unsafe {
            (
                std::mem::transmute::<*const Listener<'_>, *const Listener<'static>>(&raw const listener),
                std::mem::transmute::<*const Encodings<'_>, *const Encodings<'static>>(&raw const encodings),
            )
        };
        struct Guard<'a>(&'a Shared);
        impl Drop for Guard<'_> {
            fn drop(&mut self) {
                self.0.listener.set(None);
                self.0.encodings.set(None);
            }
        }
        let _guard = Guard(&self.shared);
        self.shared.listener.set(Some(listener));
        self.shared.encodings.set(Some(encodings));
        // Pieces that a C int can count.
        let mut pieces = data.chunks(1 << 20).peekable();
        loop {
            let piece = pieces.next().unwrap_or(&[]);
            let last_piece = pieces.peek().is_none();
            // SAFETY: `piece` is only read; the callbacks use the listener set above.
            let status = unsafe {
                raw::XML_Parse(
                    self.raw,
                    piece.as_ptr().cast(),
                    piece.len() as c_int,
                    (last && last_piece) as c_int,
                )
            };
            if status == 0 {
                return false;
            }
            if last_piece {
                return true;
            }
        }
    }
    /// Is a piece being parsed?
    pub fn is_feeding(&self) -> bool {
        self.shared.listener.get().is_some()
    }
    /// Chooses the kinds of events that are shown.
    pub fn listen(&self, kind: Kind, on: bool) {
        // SAFETY: a parser of this crate, here and below.
        unsafe { event::listen(self.raw, kind, on) }
    }
    pub fn set_encoding(&self, encoding: &CStr) -> bool {
        unsafe { raw::XML_SetEncoding(self.raw, encoding.as_ptr()) != 0 }
    }
    pub fn set_base(&self, base: &CStr) -> bool {
        unsafe { raw::XML_SetBase(self.raw, base.as_ptr()) != 0 }
    }
    pub fn base(&self) -> Option<Vec<u8>> {
        // SAFETY: null or a terminated text, copied at once.
        unsafe {
            let base = raw::XML_GetBase(self.raw);
            if base.is_null() { None } else { Some(CStr::from_ptr(base).to_bytes().to_vec()) }
        }
    }
    /// The input from the present event on.
    pub fn context(&self) -> Option<Vec<u8>> {
        let (mut offset, mut size) = (0, 0);
        // SAFETY: null, or a buffer of `size` bytes, copied at once.
        unsafe {
            let data = raw::XML_GetInputContext(self.raw, &mut offset, &mut size);
            if data.is_null() {
                return None;
            }
            let all = std::slice::from_raw_parts(data.cast::<u8>(), usize::try_from(size).ok()?);
            all.get(usize::try_from(offset).ok()?..).map(<[u8]>::to_vec)
        }
    }
    pub fn error(&self) -> i32 {
        unsafe { raw::XML_GetErrorCode(self.raw) }
    }
    pub fn position(&self) -> Position {
        unsafe {
            Position {
                line: raw::XML_GetCurrentLineNumber(self.raw),
                column: raw::XML_GetCurrentColumnNumber(self.raw),
                byte: raw::XML_GetCurrentByteIndex(self.raw),
            }
        }
    }
    /// How many names and values of the present element's attributes were written,
    /// not defaulted.
    pub fn specified_attributes(&self) -> usize {
        usize::try_from(unsafe { raw::XML_GetSpecifiedAttributeCount(self.raw) }).unwrap_or(0)
    }
    pub fn set_parameter_entities(&self, flag: i32) -> i32 {
        unsafe { raw::XML_SetParamEntityParsing(self.raw, flag) }
    }
    /// The library's error code.
    pub fn use_foreign_dtd(&self, on: bool) -> i32 {
        unsafe { raw::XML_UseForeignDTD(self.raw, on as u8) }
    }
    pub fn set_triplets(&self, on: bool) {
        unsafe { raw::XML_SetReturnNSTriplet(self.raw, on as c_int) }
    }
    /// False: not for this parser, or not this number.
    pub fn set_maximum_amplification(&self, factor: f32) -> bool {
        unsafe { raw::XML_SetBillionLaughsAttackProtectionMaximumAmplification(self.raw, factor) != 0 }
    }
    pub fn set_amplification_threshold(&self, bytes: u64) -> bool {
        unsafe { raw::XML_SetBillionLaughsAttackProtectionActivationThreshold(self.raw, bytes) != 0 }
    }
    pub fn is_for_entity(&self) -> bool {
        self._parent.is_some()
    }
}

impl Drop for Parser {
    fn drop(&mut self) {
        // SAFETY: not used afterwards. What was made of it keeps it alive.
        unsafe { raw::XML_ParserFree(self.raw) };
    }
}

#[cfg(all(test, expat))]
mod tests {
    use super::*;
    use std::cell::RefCell;

    #[test]
    fn events_come_in_order() {
        let parser = Parser::new(None, None, 1).expect("memory");
        parser.listen(Kind::StartElement, true);
        parser.listen(Kind::CharacterData, true);
        let seen = RefCell::new(Vec::new());
        let listener = |event: Event| {
            match event {
                Event::StartElement(name, attributes) => {
                    seen.borrow_mut().push((name.to_vec(), attributes.collect::<Vec<_>>().concat()));
                }
                Event::CharacterData(text) => seen.borrow_mut().push((text.to_vec(), Vec::new())),
                _ => {}
            }
            1
        };
        assert!(parser.feed(b"<a x='1'>te", false, &listener, &|_| None));
        assert!(parser.feed(b"xt</a>", true, &listener, &|_| None));
        let expected = [("a", "x1"), ("te", ""), ("xt", "")];
        let expected = expected.map(|(a, b)| (a.as_bytes().to_vec(), b.as_bytes().to_vec()));
        assert_eq!(seen.into_inner(), expected);
    }
}
