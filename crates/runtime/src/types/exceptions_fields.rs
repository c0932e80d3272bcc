//! Exceptions with fields of their own: ImportError, SyntaxError,
//! UnicodeEncodeError, UnicodeDecodeError, UnicodeTranslateError.

use crate::prelude::*;
use crate::types::cell::ObjectCell;
use crate::types::exceptions::{
    self, BaseException, base, keyword_fields, no_keywords, object_field, payload, positional,
    set_args_if_new,
};
use crate::types::str;
use std::cell::Cell;

// ---- ImportError ---------------------------------------------------------------------

/// Payload of ImportError.
#[repr(C)]
pub struct ImportError {
    base: BaseException,
    msg: ObjectCell,
    name: ObjectCell,
    path: ObjectCell,
    name_from: ObjectCell,
}

impl ImportError {
    /// No field set.
    pub(crate) fn new(base: BaseException) -> ImportError {
        ImportError {
            base,
            msg: ObjectCell::EMPTY,
            name: ObjectCell::EMPTY,
            path: ObjectCell::EMPTY,
            name_from: ObjectCell::EMPTY,
        }
    }
}

impl NativeClass for ImportError {
    fn class() -> &'static Type {
        &exc::IMPORT_ERROR
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.base.traverse(visitor);
        self.msg.traverse(visitor);
        self.name.traverse(visitor);
        self.path.traverse(visitor);
        self.name_from.traverse(visitor);
    }
    fn clear(&self) {
        self.base.clear();
        self.msg.clear();
        self.name.clear();
        self.path.clear();
        self.name_from.clear();
    }
}

pub(crate) const IMPORT_METHODS: &[MethodDef] = &[MethodDef::new("__reduce__($self, /)", import_reduce, "")];

pub(crate) const IMPORT_GETSET: &[GetSetDef] = &[
    object_field!(ImportError, "msg", msg).with_doc("exception message"),
    object_field!(ImportError, "name", name).with_doc("module name"),
    object_field!(ImportError, "path", path).with_doc("module path"),
    object_field!(ImportError, "name_from", name_from).with_doc("name imported from module"),
];

pub(crate) fn import_init(vm: &Vm, object: &Object, args: &[Object], kwnames: &[Object]) -> Result<()> {
    let given = positional(args, kwnames);
    set_args_if_new(vm, object, given);
    let this = payload::<ImportError>(object);
    let fields = [("name", &this.name), ("path", &this.path), ("name_from", &this.name_from)];
    keyword_fields(vm, "ImportError", args, kwnames, &fields)?;
    if let [msg] = given {
        this.msg.set(msg.clone());
    } else {
        this.msg.clear();
    }
    Ok(())
}

pub(crate) fn import_str(vm: &Vm, object: &Object) -> Result {
    let msg = payload::<ImportError>(object).msg.get();
    if msg.downcast_exact::<Str>().is_some() {
        return Ok(msg);
    }
    exceptions::base_str(vm, object)
}

fn import_reduce(vm: &Vm, args: &[Object]) -> Result {
    let this = payload::<ImportError>(&args[0]);
    let fields = [("name", &this.name), ("path", &this.path), ("name_from", &this.name_from)];
    let mut state = exceptions::existing_dict(vm, &args[0]);
    if fields.iter().any(|(_, field)| !field.is_empty()) {
        let copy = match &state {
            Some(dict) => vm.call_method(dict, "copy", &[])?,
            None => vm.new_dict(),
        };
        for (key, field) in fields {
            if let Some(value) = field.bound() {
                vm.set_item(&copy, &vm.intern(key), &value)?;
            }
        }
        state = Some(copy);
    }
    let mut out = vec![args[0].ty().to_object(), base(&args[0]).args()];
    out.extend(state);
    Ok(vm.tuple(out))
}

// ---- SyntaxError ------------------------------------------------------------------------

/// Payload of SyntaxError.
#[repr(C)]
pub struct SyntaxError {
    base: BaseException,
    msg: ObjectCell,
    filename: ObjectCell,
    lineno: ObjectCell,
    offset: ObjectCell,
    text: ObjectCell,
    end_lineno: ObjectCell,
    end_offset: ObjectCell,
    print_file_and_line: ObjectCell,
    metadata: ObjectCell,
}

impl SyntaxError {
    /// No field set.
    pub(crate) fn new(base: BaseException) -> SyntaxError {
        SyntaxError {
            base,
            msg: ObjectCell::EMPTY,
            filename: ObjectCell::EMPTY,
            lineno: ObjectCell::EMPTY,
            offset: ObjectCell::EMPTY,
            text: ObjectCell::EMPTY,
            end_lineno: ObjectCell::EMPTY,
            end_offset: ObjectCell::EMPTY,
            print_file_and_line: ObjectCell::EMPTY,
            metadata: ObjectCell::EMPTY,
        }
    }
    fn fields(&self) -> [&ObjectCell; 9] {
        [
            &self.msg,
            &self.filename,
            &self.lineno,
            &self.offset,
            &self.text,
            &self.end_lineno,
            &self.end_offset,
            &self.print_file_and_line,
            &self.metadata,
        ]
    }
}

impl NativeClass for SyntaxError {
    fn class() -> &'static Type {
        &exc::SYNTAX_ERROR
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.base.traverse(visitor);
        self.fields().iter().for_each(|field| field.traverse(visitor));
    }
    fn clear(&self) {
        self.base.clear();
        self.fields().iter().for_each(|field| field.clear());
    }
}

pub(crate) const SYNTAX_GETSET: &[GetSetDef] = &[
    object_field!(SyntaxError, "msg", msg).with_doc("exception msg"),
    object_field!(SyntaxError, "filename", filename).with_doc("exception filename"),
    object_field!(SyntaxError, "lineno", lineno).with_doc("exception lineno"),
    object_field!(SyntaxError, "offset", offset).with_doc("exception offset"),
    object_field!(SyntaxError, "text", text).with_doc("exception text"),
    object_field!(SyntaxError, "end_lineno", end_lineno).with_doc("exception end lineno"),
    object_field!(SyntaxError, "end_offset", end_offset).with_doc("exception end offset"),
    object_field!(SyntaxError, "print_file_and_line", print_file_and_line)
        .with_doc("exception print_file_and_line"),
    object_field!(SyntaxError, "_metadata", metadata).with_doc("exception private metadata"),
];

pub(crate) fn syntax_init(vm: &Vm, object: &Object, args: &[Object], kwnames: &[Object]) -> Result<()> {
    no_keywords(vm, object.ty(), kwnames)?;
    set_args_if_new(vm, object, args);
    let this = payload::<SyntaxError>(object);
    if let Some(msg) = args.first() {
        this.msg.set(msg.clone());
    }
    let [_, info] = args else { return Ok(()) };
    let info = vm.collect(info)?;
    if info.len() < 4 {
        return Err(vm.type_error(format!("function takes at least 4 arguments ({} given)", info.len())));
    }
    if info.len() > 7 {
        return Err(vm.type_error(format!("function takes at most 7 arguments ({} given)", info.len())));
    }
    let targets = [
        &this.filename,
        &this.lineno,
        &this.offset,
        &this.text,
        &this.end_lineno,
        &this.end_offset,
        &this.metadata,
    ];
    let count = info.len();
    for (i, target) in targets.into_iter().enumerate() {
        target.set_option(info.get(i).cloned());
    }
    if count == 5 {
        return Err(vm.type_error("end_offset must be provided when end_lineno is provided"));
    }
    Ok(())
}

pub(crate) fn syntax_str(vm: &Vm, object: &Object) -> Result {
    let this = payload::<SyntaxError>(object);
    let filename = this.filename.get();
    let filename = filename.downcast::<Str>().map(|name| {
        let chars: Vec<u32> = name.chars().collect();
        let start = chars.iter().rposition(|&c| c == u32::from('/')).map_or(0, |i| i + 1);
        str::from_code_points(vm, &chars[start..])
    });
    let lineno = this.lineno.get();
    let lineno = if lineno.is_int() || lineno.ty().is(&crate::types::int::INT) {
        Some(crate::types::int::to_i64(&lineno).unwrap_or(-1))
    } else {
        None
    };
    let msg = vm.str_of(&this.msg.or_none())?;
    if filename.is_none() && lineno.is_none() {
        return Ok(msg);
    }
    let mut out = str::Builder::new();
    out.push_object(&msg);
    out.push_str(" (");
    if let Some(filename) = &filename {
        out.push_object(filename);
        if lineno.is_some() {
            out.push_str(", ");
        }
    }
    if let Some(lineno) = lineno {
        out.push_str(&format!("line {lineno}"));
    }
    out.push_str(")");
    Ok(out.finish(vm))
}

// ---- Unicode errors -----------------------------------------------------------------------

/// Payload of the three Unicode errors.
#[repr(C)]
pub struct UnicodeError {
    base: BaseException,
    encoding: ObjectCell,
    object: ObjectCell,
    reason: ObjectCell,
    start: Cell<isize>,
    end: Cell<isize>,
}

impl UnicodeError {
    /// No field set.
    pub(crate) fn new(base: BaseException) -> UnicodeError {
        UnicodeError {
            base,
            encoding: ObjectCell::EMPTY,
            object: ObjectCell::EMPTY,
            reason: ObjectCell::EMPTY,
            start: Cell::new(0),
            end: Cell::new(0),
        }
    }
}

impl NativeClass for UnicodeError {
    fn class() -> &'static Type {
        &exc::UNICODE_ENCODE_ERROR
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.base.traverse(visitor);
        self.encoding.traverse(visitor);
        self.object.traverse(visitor);
        self.reason.traverse(visitor);
    }
    fn clear(&self) {
        self.base.clear();
        self.encoding.clear();
        self.object.clear();
        self.reason.clear();
    }
}

macro_rules! position_field {
    ($name:literal, $field:ident) => {
        GetSetDef::member($name, |vm, o| Ok(vm.int(payload::<UnicodeError>(o).$field.get() as i64))).with_set(
            |vm, o, value| {
                payload::<UnicodeError>(o).$field.set(position_value(vm, value)?);
                Ok(())
            },
        )
    };
}

fn position_value(vm: &Vm, value: Option<&Object>) -> Result<isize> {
    let Some(value) = value else { return Err(vm.type_error("can't delete numeric/char attribute")) };
    if !value.is_instance_of(&crate::types::int::INT) {
        return Err(vm.type_error("an integer is required"));
    }
    vm.index_isize(value)
}

pub(crate) const UNICODE_GETSET: &[GetSetDef] = &[
    object_field!(UnicodeError, "encoding", encoding).with_doc("exception encoding"),
    object_field!(UnicodeError, "object", object).with_doc("exception object"),
    position_field!("start", start).with_doc("exception start"),
    position_field!("end", end).with_doc("exception end"),
    object_field!(UnicodeError, "reason", reason).with_doc("exception reason"),
];

/// Common to the three: arguments are (encoding,) object, start, end, reason.
fn unicode_init(
    vm: &Vm,
    object: &Object,
    args: &[Object],
    kwnames: &[Object],
    has_encoding: bool,
    is_bytes: bool,
) -> Result<()> {
    no_keywords(vm, object.ty(), kwnames)?;
    set_args_if_new(vm, object, args);
    let expected = if has_encoding { 5 } else { 4 };
    if args.len() != expected {
        return Err(
            vm.type_error(format!("function takes exactly {expected} arguments ({} given)", args.len()))
        );
    }
    let text = |i: usize| -> Result {
        if args[i].downcast::<Str>().is_some() {
            return Ok(args[i].clone());
        }
        Err(vm.type_error(format!(
            "argument {} must be str, not {}",
            i + 1,
            if args[i].is_none() { "None" } else { args[i].ty().name() }
        )))
    };
    let first = expected - 4;
    let encoding = if has_encoding { text(0)? } else { Object::UNBOUND };
    let mut subject = if is_bytes { args[first].clone() } else { text(first)? };
    let start = vm.index_isize(&args[first + 1])?;
    let end = vm.index_isize(&args[first + 2])?;
    let reason = text(first + 3)?;
    if is_bytes && !subject.is_instance_of(&crate::types::bytes::BYTES) {
        let copy = vm.bytes_like(&subject, "argument 2")?.bytes().to_vec();
        subject = vm.bytes(&copy);
    }
    let this = payload::<UnicodeError>(object);
    this.encoding.set(encoding);
    this.object.set(subject);
    this.start.set(start);
    this.end.set(end);
    this.reason.set(reason);
    Ok(())
}

pub(crate) fn encode_init(vm: &Vm, object: &Object, args: &[Object], kwnames: &[Object]) -> Result<()> {
    unicode_init(vm, object, args, kwnames, true, false)
}

pub(crate) fn decode_init(vm: &Vm, object: &Object, args: &[Object], kwnames: &[Object]) -> Result<()> {
    unicode_init(vm, object, args, kwnames, true, true)
}

pub(crate) fn translate_init(vm: &Vm, object: &Object, args: &[Object], kwnames: &[Object]) -> Result<()> {
    unicode_init(vm, object, args, kwnames, false, false)
}

/// Start and end as CPython shows them: clipped to the object.
fn clipped(start: isize, end: isize, len: usize) -> (isize, isize) {
    let len = len as isize;
    let start = start.max(0).min((len - 1).max(0));
    let end = end.max(1).max(1).min(len.max(1));
    (start, end)
}

fn shown_char(c: u32) -> String {
    match c {
        0..=0xff => format!("\\x{c:02x}"),
        0x100..=0xffff => format!("\\u{c:04x}"),
        _ => format!("\\U{c:08x}"),
    }
}

/// A text field as `str()` shows it.
fn field_text(vm: &Vm, field: &ObjectCell) -> Result<String> {
    match field.bound() {
        Some(value) => vm.str_text(&value),
        None => Ok("<NULL>".to_string()),
    }
}

enum Shown {
    Single(u32),
    Range(isize, isize),
}

/// What the error is about, checked to be str (or bytes).
fn subject(vm: &Vm, this: &UnicodeError, is_bytes: bool) -> Result<Shown> {
    let Some(object) = this.object.bound() else {
        // Text of another field has taken it away.
        return Err(vm.type_error("UnicodeError 'object' attribute is not set"));
    };
    let (start, end) = (this.start.get(), this.end.get());
    let single = |len: usize| start >= 0 && (start as usize) < len && end.checked_sub(1) == Some(start);
    if is_bytes {
        let Some(bytes) = object.downcast::<crate::types::bytes::Bytes>() else {
            return Err(vm.type_error("UnicodeError 'object' attribute must be a bytes"));
        };
        if single(bytes.len()) {
            return Ok(Shown::Single(u32::from(bytes.as_slice()[start as usize])));
        }
    } else {
        let Some(text) = object.downcast::<Str>() else {
            return Err(vm.type_error("UnicodeError 'object' attribute must be a string"));
        };
        if single(text.len()) {
            return Ok(Shown::Single(text.char_at(start as usize)));
        }
    }
    Ok(Shown::Range(start, end.saturating_sub(1)))
}

pub(crate) fn encode_str(vm: &Vm, object: &Object) -> Result {
    let this = payload::<UnicodeError>(object);
    if this.object.is_empty() {
        return Ok(vm.intern(""));
    }
    let reason = field_text(vm, &this.reason)?;
    let encoding = field_text(vm, &this.encoding)?;
    Ok(vm.str(&match subject(vm, this, false)? {
        Shown::Single(c) => {
            let at = this.start.get();
            format!(
                "'{encoding}' codec can't encode character '{}' in position {at}: {reason}",
                shown_char(c)
            )
        }
        Shown::Range(start, last) => {
            format!("'{encoding}' codec can't encode characters in position {start}-{last}: {reason}")
        }
    }))
}

pub(crate) fn decode_str(vm: &Vm, object: &Object) -> Result {
    let this = payload::<UnicodeError>(object);
    if this.object.is_empty() {
        return Ok(vm.intern(""));
    }
    let reason = field_text(vm, &this.reason)?;
    let encoding = field_text(vm, &this.encoding)?;
    Ok(vm.str(&match subject(vm, this, true)? {
        Shown::Single(byte) => {
            let at = this.start.get();
            format!("'{encoding}' codec can't decode byte 0x{byte:02x} in position {at}: {reason}")
        }
        Shown::Range(start, last) => {
            format!("'{encoding}' codec can't decode bytes in position {start}-{last}: {reason}")
        }
    }))
}

pub(crate) fn translate_str(vm: &Vm, object: &Object) -> Result {
    let this = payload::<UnicodeError>(object);
    if this.object.is_empty() {
        return Ok(vm.intern(""));
    }
    let reason = field_text(vm, &this.reason)?;
    Ok(vm.str(&match subject(vm, this, false)? {
        Shown::Single(c) => {
            let at = this.start.get();
            format!("can't translate character '{}' in position {at}: {reason}", shown_char(c))
        }
        Shown::Range(start, last) => {
            format!("can't translate characters in position {start}-{last}: {reason}")
        }
    }))
}

/// What an error handler of a codec needs to know of a Unicode error.
pub struct UnicodeFields {
    pub object: Object,
    pub encoding: Object,
    /// Clipped to the object.
    pub start: usize,
    pub end: usize,
}

/// The fields of a Unicode error (`None`: no Unicode error).
pub fn unicode_fields(vm: &Vm, exception: &Object) -> Result<Option<UnicodeFields>> {
    let class = exception.ty();
    let is_bytes = class.is_subtype(&exc::UNICODE_DECODE_ERROR);
    if !is_bytes
        && !class.is_subtype(&exc::UNICODE_ENCODE_ERROR)
        && !class.is_subtype(&exc::UNICODE_TRANSLATE_ERROR)
    {
        return Ok(None);
    }
    let this = payload::<UnicodeError>(exception);
    let Some(object) = this.object.bound() else {
        return Err(vm.type_error("UnicodeError 'object' attribute is not set"));
    };
    let len = if is_bytes {
        match object.downcast::<crate::types::bytes::Bytes>() {
            Some(bytes) => bytes.len(),
            None => return Err(vm.type_error("UnicodeError 'object' attribute must be a bytes")),
        }
    } else {
        match object.downcast::<Str>() {
            Some(text) => text.len(),
            None => return Err(vm.type_error("UnicodeError 'object' attribute must be a string")),
        }
    };
    let (start, end) = clipped(this.start.get(), this.end.get(), len);
    Ok(Some(UnicodeFields {
        object,
        encoding: this.encoding.or_none(),
        start: start as usize,
        end: end as usize,
    }))
}

/// Replaces `start`, `end` and `reason` (codecs reuse one error for a whole run).
pub fn set_unicode_position(exception: &Object, start: usize, end: usize, reason: Object) {
    let class = exception.ty();
    if class.is_subtype(&exc::UNICODE_DECODE_ERROR)
        || class.is_subtype(&exc::UNICODE_ENCODE_ERROR)
        || class.is_subtype(&exc::UNICODE_TRANSLATE_ERROR)
    {
        let this = payload::<UnicodeError>(exception);
        this.start.set(start as isize);
        this.end.set(end as isize);
        this.reason.set(reason);
    }
}
