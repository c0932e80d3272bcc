//! `TextIOWrapper`: text over a buffered stream of bytes. Here: making one,
//! writing, closing, attributes. Reading is in `text_read`, positions (seek and
//! tell with their cookies) in `text_position`.
//!
//! Fields that hold a codec are never borrowed while Python code may replace
//! them: they are shared by `Rc` and cloned out.

use super::codec::{Decoder, Encoder, State};
use super::newlines::{NewlineMode, Newlines};
use super::{text_position, text_read, *};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use taipan_runtime::names::name;
use taipan_runtime::support::this;
use taipan_runtime::types::cell::ObjectCell;

/// The point from which the decoder decoded what is left over: for `tell`.
pub struct Snapshot {
    /// The decoder's flags at that point.
    pub flags: Object,
    /// What has been fed to it since (what it held back, first).
    pub input: Vec<u8>,
}

/// Payload of TextIOWrapper.
pub struct TextIo {
    pub buffer: ObjectCell,
    pub ok: Cell<bool>,
    pub detached: Cell<bool>,
    pub chunk_size: Cell<usize>,
    pub encoding: ObjectCell,
    pub errors: ObjectCell,
    pub newline: Cell<NewlineMode>,
    pub line_buffering: Cell<bool>,
    pub write_through: Cell<bool>,
    pub seekable: Cell<bool>,
    /// May `tell` be asked?
    pub telling: Cell<bool>,
    pub has_read1: Cell<bool>,
    pub finalizing: Cell<bool>,
    pub encoder: RefCell<Option<Rc<Encoder>>>,
    pub decoder: RefCell<Option<Rc<Decoder>>>,
    /// Encoded text that the buffer has not got yet.
    pub pending: RefCell<Vec<u8>>,
    /// Decoded text (UNBOUND: none), and how much of it was handed out.
    pub decoded: ObjectCell,
    pub used: Cell<usize>,
    pub snapshot: RefCell<Option<Snapshot>>,
    /// Bytes per character of the last chunk.
    pub ratio: Cell<f64>,
}

impl NativeClass for TextIo {
    fn class() -> &'static Type {
        &TEXT_IO_WRAPPER
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.buffer.traverse(visitor);
        if let Ok(encoder) = self.encoder.try_borrow()
            && let Some(encoder) = &*encoder
        {
            encoder.traverse(visitor);
        }
        if let Ok(decoder) = self.decoder.try_borrow()
            && let Some(decoder) = &*decoder
        {
            decoder.traverse(visitor);
        }
    }
    fn clear(&self) {
        self.ok.set(false);
        self.buffer.clear();
        drop(self.encoder.take());
        drop(self.decoder.take());
    }
}

pub static TEXT_IO_WRAPPER: Type = Type::new::<TextIo>(
    "_io.TextIOWrapper",
    &base::TEXT_IO_BASE,
    type_flags::BASE | type_flags::HAVE_GC | type_flags::WEAKREFABLE,
    Slots {
        new: Some(|vm, class, _, _| taipan_runtime::support::allocate(vm, class, TextIo::new())),
        init: Some(init),
        next: Some(text_read::next),
        ..Slots::EMPTY.repr(repr)
    },
    &[
        MethodDef::new("detach($self, /)", detach, "Separates the buffer from the text stream and returns it."),
        MethodDef::new("reconfigure($self, /, *, encoding=None, errors=None, newline=<unrepresentable>, line_buffering=None, write_through=None)", reconfigure, "Changes parameters of the stream; it is flushed first."),
        MethodDef::new("write($self, text, /)", |vm, args| write(vm, &args[0], &args[1]), "Writes a string and returns how many characters."),
        MethodDef::new("read($self, size=-1, /)", text_read::read, "Reads up to size characters; until the end if size is negative or None."),
        MethodDef::new("readline($self, size=-1, /)", text_read::readline, "Reads until a newline or the end; '' at the end."),
        MethodDef::new("flush($self, /)", |vm, args| flush(vm, &args[0]), "Writes out what is buffered."),
        MethodDef::new("close($self, /)", |vm, args| close(vm, &args[0]), "Flushes and closes the stream."),
        MethodDef::new("fileno($self, /)", |vm, args| ask_buffer(vm, &args[0], "fileno"), "The descriptor below."),
        MethodDef::new("seekable($self, /)", |vm, args| ask_buffer(vm, &args[0], "seekable"), "Can one seek?"),
        MethodDef::new("readable($self, /)", |vm, args| ask_buffer(vm, &args[0], "readable"), "Can one read?"),
        MethodDef::new("writable($self, /)", |vm, args| ask_buffer(vm, &args[0], "writable"), "Can one write?"),
        MethodDef::new("isatty($self, /)", |vm, args| ask_buffer(vm, &args[0], "isatty"), "Is it a terminal?"),
        MethodDef::new("seek($self, cookie, whence=os.SEEK_SET, /)", text_position::seek, "Goes to a position that tell() gave, to the start, or to the end (whence 2).\n\nReturns the new position."),
        MethodDef::new("tell($self, /)", text_position::tell, "The position, as a number that only seek() understands."),
        MethodDef::new("truncate($self, pos=None, /)", |vm, args| {
            let t = attached(vm, &args[0])?;
            vm.call_method_object(&args[0], name::flush.object(), &[])?;
            vm.call_method(&t.buffer.or_none(), "truncate", &[args[1].clone()])
        }, "Cuts or extends the file to a size; by default, at the position."),
        MethodDef::new("__getstate__($self, /)", cannot_pickle, ""),
    ],
    &[
        GetSetDef::new("encoding", |_, t| Ok(this::<TextIo>(t).encoding.or_none())),
        GetSetDef::new("line_buffering", |_, t| Ok(Object::bool(this::<TextIo>(t).line_buffering.get()))),
        GetSetDef::new("write_through", |_, t| Ok(Object::bool(this::<TextIo>(t).write_through.get()))),
        GetSetDef::new("_finalizing", |_, t| Ok(Object::bool(this::<TextIo>(t).finalizing.get()))).with_set(|vm, t, value| set_finalizing(vm, &this::<TextIo>(t).finalizing, value)),
        GetSetDef::new("name", |vm, t| vm.get_attr(&attached(vm, t)?.buffer.or_none(), name::name_plain.object())),
        GetSetDef::new("closed", |vm, t| match this::<TextIo>(t) {
            // Never made: nothing to close.
            raw if !raw.ok.get() && !raw.detached.get() => Ok(Object::TRUE),
            _ => vm.get_attr_str(&attached(vm, t)?.buffer.or_none(), "closed"),
        }),
        GetSetDef::new("newlines", |vm, t| {
            let t = attached(vm, t)?;
            let decoder = t.decoder.borrow().clone();
            Ok(decoder.and_then(|d| d.newlines.as_ref().map(|n| n.shown(vm))).unwrap_or(Object::NONE))
        }),
        GetSetDef::new("errors", |vm, t| Ok(initialised(vm, t)?.errors.or_none())),
        GetSetDef::new("_CHUNK_SIZE", |vm, t| Ok(vm.usize(attached(vm, t)?.chunk_size.get()))).with_set(|vm, object, value| {
            let Some(value) = value else {
                return Err(vm.error(&exc::ATTRIBUTE_ERROR, "attribute '_CHUNK_SIZE' of '_io.TextIOWrapper' objects cannot be deleted"));
            };
            let t = attached(vm, object)?;
            let n = match vm.index_for_item_overflow(value) {
                Ok(n) => n,
                Err(raised) if vm.raised_is(&exc::OVERFLOW_ERROR) => {
                    drop(vm.caught(raised));
                    return Err(vm.value_error(format!("cannot fit '{}' into an index-sized integer", value.ty().name())));
                }
                Err(raised) => return Err(raised),
            };
            if n <= 0 {
                return Err(vm.value_error("a strictly positive integer is required"));
            }
            t.chunk_size.set(n as usize);
            Ok(())
        }),
        GetSetDef::new("buffer", |vm, t| Ok(attached(vm, t)?.buffer.or_none())),
    ],
)
.with_dict()
.with_doc("TextIOWrapper(buffer, encoding=None, errors=None, newline=None,\n              line_buffering=False, write_through=False)\n--\n\nText over a buffered stream of bytes.\n\nencoding is the name of an encoding (by default, that of the locale), errors the\nway of dealing with what it cannot do. newline: None translates all line ends to\n\\n when reading and \\n to the system's when writing; '' and '\\n' translate\nnothing; '\\r' and '\\r\\n' stand for \\n when writing. With line_buffering, a write\nthat contains a newline is flushed; with write_through, every write goes to the\nbuffer at once.");

impl TextIo {
    fn new() -> TextIo {
        TextIo {
            buffer: ObjectCell::EMPTY,
            ok: Cell::new(false),
            detached: Cell::new(false),
            chunk_size: Cell::new(8192),
            encoding: ObjectCell::EMPTY,
            errors: ObjectCell::EMPTY,
            newline: Cell::new(NewlineMode { given: None }),
            line_buffering: Cell::new(false),
            write_through: Cell::new(false),
            seekable: Cell::new(false),
            telling: Cell::new(false),
            has_read1: Cell::new(false),
            finalizing: Cell::new(false),
            encoder: RefCell::new(None),
            decoder: RefCell::new(None),
            pending: RefCell::new(Vec::new()),
            decoded: ObjectCell::EMPTY,
            used: Cell::new(0),
            snapshot: RefCell::new(None),
            ratio: Cell::new(0.0),
        }
    }
    pub fn decoder(&self) -> Option<Rc<Decoder>> {
        self.decoder.borrow().clone()
    }
    pub fn encoder(&self) -> Option<Rc<Encoder>> {
        self.encoder.borrow().clone()
    }
    /// Forgets decoded text and where it came from.
    pub fn forget_decoded(&self) {
        self.used.set(0);
        self.decoded.clear();
        self.set_snapshot(None);
    }
    pub fn set_snapshot(&self, snapshot: Option<Snapshot>) {
        let old = std::mem::replace(&mut *self.snapshot.borrow_mut(), snapshot);
        drop(old);
    }
}

pub fn initialised<'a>(vm: &Vm, object: &'a Object) -> Result<&'a TextIo> {
    let t = this::<TextIo>(object);
    if t.ok.get() || t.detached.get() {
        Ok(t)
    } else {
        Err(vm.value_error("I/O operation on uninitialized object"))
    }
}

/// The payload, with its buffer.
pub fn attached<'a>(vm: &Vm, object: &'a Object) -> Result<&'a TextIo> {
    let t = initialised(vm, object)?;
    if t.detached.get() { Err(vm.value_error("underlying buffer has been detached")) } else { Ok(t) }
}

fn ask_buffer(vm: &Vm, object: &Object, method: &str) -> Result {
    vm.call_method(&attached(vm, object)?.buffer.or_none(), method, &[])
}

/// ValueError if the stream is closed.
pub fn check_closed(vm: &Vm, object: &Object, t: &TextIo) -> Result<()> {
    let closed = if object.ty().is(&TEXT_IO_WRAPPER) {
        let buffer = t.buffer.or_none();
        match buffered::closed_quickly(&buffer) {
            Some(closed) => closed,
            None => base::is_closed(vm, &buffer)?,
        }
    } else {
        base::is_closed(vm, object)?
    };
    if closed { Err(vm.value_error("I/O operation on closed file.")) } else { Ok(()) }
}

// ---- making --------------------------------------------------------------------------------

/// Arguments of the constructor beside the buffer; text arguments are str or None.
pub struct Options {
    pub encoding: Object,
    pub errors: Object,
    pub newline: Object,
    pub line_buffering: bool,
    pub write_through: bool,
}

fn text_or_none(vm: &Vm, function: &str, argument: &str, object: &Object) -> Result<()> {
    if object.some().is_none() || object.downcast::<Str>().is_some() {
        return Ok(());
    }
    Err(vm.type_error(format!(
        "{function}() argument '{argument}' must be str or None, not {}",
        object.ty().name()
    )))
}

fn newline_mode(vm: &Vm, object: &Object) -> Result<NewlineMode> {
    match NewlineMode::of(vm, object) {
        Some(mode) => Ok(mode),
        None => Err(vm.value_error(format!("illegal newline value: {}", vm.str_lossy(object)))),
    }
}

fn init(vm: &Vm, object: &Object, args: &[Object], kwnames: &[Object]) -> Result<()> {
    static SIG: Sig = Sig::new(
        "TextIOWrapper(buffer, encoding=None, errors=None, newline=None, line_buffering=False, write_through=False)",
    );
    let args = SIG.bind(vm, args, kwnames)?;
    for (i, argument) in [(1, "encoding"), (2, "errors"), (3, "newline")] {
        text_or_none(vm, "TextIOWrapper", argument, &args[i])?;
    }
    let options = Options {
        encoding: args[1].clone(),
        errors: args[2].clone(),
        newline: args[3].clone(),
        line_buffering: vm.is_true(&args[4])?,
        write_through: vm.is_true(&args[5])?,
    };
    set_up(vm, object, args[0].clone(), &options)
}

/// A new TextIOWrapper.
pub fn new(vm: &Vm, buffer: Object, options: &Options) -> Result {
    let object = taipan_runtime::support::allocate(vm, &TEXT_IO_WRAPPER, TextIo::new())?;
    set_up(vm, &object, buffer, options)?;
    Ok(object)
}

fn set_up(vm: &Vm, object: &Object, buffer: Object, options: &Options) -> Result<()> {
    let t = this::<TextIo>(object);
    t.ok.set(false);
    t.detached.set(false);
    if options.encoding.some().is_none() && vm.interp().config.warn_default_encoding {
        vm.warn(&exc::ENCODING_WARNING, "'encoding' argument not specified", 1)?;
    }
    let errors = if options.errors.some().is_some() { options.errors.clone() } else { vm.intern("strict") };
    let errors_text = check_text(vm, &errors)?;
    if vm.interp().config.dev_mode {
        taipan_runtime::codecs::errors::lookup_error(vm, &errors_text)?;
    }
    let mode = newline_mode(vm, &options.newline)?;
    let encoding = match options.encoding.some() {
        Some(encoding) => {
            let text = check_text(vm, encoding)?;
            if text == "locale" { vm.str(&locale_name(vm)) } else { encoding.clone() }
        }
        None => vm.str(&if vm.interp().config.utf8_mode { "utf-8".to_string() } else { locale_name(vm) }),
    };
    let encoding_text = check_text(vm, &encoding)?;
    if codec::native(&encoding_text).is_none() {
        // Unknown encodings are refused whatever the stream can do.
        codec::lookup(vm, &encoding_text)?;
    }
    for cell in [&t.buffer, &t.decoded] {
        cell.clear();
    }
    drop(t.encoder.take());
    drop(t.decoder.take());
    t.pending.borrow_mut().clear();
    t.forget_decoded();
    t.ratio.set(0.0);
    t.encoding.set(encoding);
    t.errors.set(errors);
    t.line_buffering.set(options.line_buffering);
    t.write_through.set(options.write_through);
    t.newline.set(mode);
    make_decoder(vm, t, &buffer, &encoding_text, &errors_text)?;
    make_encoder(vm, t, &buffer, &encoding_text, &errors_text)?;
    t.buffer.set(buffer.clone());
    let seekable = vm.is_true(&vm.call_method(&buffer, "seekable", &[])?)?;
    t.seekable.set(seekable);
    t.telling.set(seekable);
    t.has_read1.set(vm.lookup_attr_str(&buffer, "read1")?.is_some());
    encoder_at_position(vm, t)?;
    t.ok.set(true);
    Ok(())
}

/// The name of the locale's encoding, as `encoding` shows it.
fn locale_name(vm: &Vm) -> String {
    if vm.interp().config.utf8_mode { "utf-8".to_string() } else { locale_encoding(vm) }
}

/// A str without lone surrogates and null characters.
fn check_text(vm: &Vm, object: &Object) -> Result<String> {
    taipan_runtime::codecs::codec_name(vm, object).map(|name| name.into_owned())
}

/// A str without lone surrogates; null characters are found out later.
fn any_text(vm: &Vm, object: &Object) -> Result<String> {
    let bytes = taipan_runtime::codecs::utf8::encode(vm, object, "strict")?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn make_decoder(vm: &Vm, t: &TextIo, buffer: &Object, encoding: &str, errors: &str) -> Result<()> {
    let readable = vm.call_method(buffer, "readable", &[])?;
    if !vm.is_true(&readable)? {
        return Ok(());
    }
    let mode = t.newline.get();
    let newlines = mode.universal().then(|| Newlines::new(mode.translates_input()));
    let decoder = Decoder::new(vm, encoding, errors, newlines)?;
    let old = t.decoder.borrow_mut().replace(Rc::new(decoder));
    drop(old);
    Ok(())
}

fn make_encoder(vm: &Vm, t: &TextIo, buffer: &Object, encoding: &str, errors: &str) -> Result<()> {
    let writable = vm.call_method(buffer, "writable", &[])?;
    if !vm.is_true(&writable)? {
        return Ok(());
    }
    let encoder = Encoder::new(vm, encoding, errors)?;
    let old = t.encoder.borrow_mut().replace(Rc::new(encoder));
    drop(old);
    Ok(())
}

/// No byte order mark in the middle of a stream.
fn encoder_at_position(vm: &Vm, t: &TextIo) -> Result<()> {
    let Some(encoder) = t.encoder() else { return Ok(()) };
    if !t.seekable.get() || encoder.keeps_ascii() {
        return Ok(());
    }
    let at = vm.call_method(&t.buffer.or_none(), "tell", &[])?;
    if !vm.equal(&at, &vm.int(0))? {
        encoder.reset(vm, false)?;
    }
    Ok(())
}

fn reconfigure(vm: &Vm, args: &[Object]) -> Result {
    let (object, encoding, errors, newline) = (&args[0], &args[1], &args[2], &args[3]);
    let t = attached(vm, object)?;
    for (value, argument) in [(encoding, "encoding"), (errors, "errors"), (newline, "newline")] {
        text_or_none(vm, "reconfigure", argument, value)?;
    }
    let changes = encoding.some().is_some() || errors.some().is_some() || newline.bound().is_some();
    if changes && !t.decoded.is_empty() {
        return Err(unsupported(
            vm,
            "It is not possible to set the encoding or newline of stream after the first read",
        ));
    }
    let mode = match newline.bound() {
        Some(newline) => Some(newline_mode(vm, newline)?),
        None => None,
    };
    let flag = |value: &Object, old: bool| match value.some() {
        Some(value) => vm.to_plain_c_int(value).map(|n| n != 0),
        None => Ok(old),
    };
    let line_buffering = flag(&args[4], t.line_buffering.get())?;
    let write_through = flag(&args[5], t.write_through.get())?;
    vm.call_method_object(object, name::flush.object(), &[])?;
    t.ratio.set(0.0);
    if let Some(mode) = mode {
        t.newline.set(mode);
    }
    if changes {
        change_encoding(vm, t, encoding, errors, mode.is_some())?;
    }
    t.line_buffering.set(line_buffering);
    t.write_through.set(write_through);
    Ok(Object::NONE)
}

fn change_encoding(
    vm: &Vm,
    t: &TextIo,
    encoding: &Object,
    errors: &Object,
    newline_changed: bool,
) -> Result<()> {
    if encoding.some().is_none() && errors.some().is_none() && !newline_changed {
        return Ok(());
    }
    let new_errors = match (errors.some(), encoding.some()) {
        (Some(errors), _) => errors.clone(),
        (None, Some(_)) => vm.intern("strict"),
        (None, None) => t.errors.or_none(),
    };
    let new_encoding = match encoding.some() {
        Some(encoding) if any_text(vm, encoding)? == "locale" => vm.str(&locale_name(vm)),
        Some(encoding) => encoding.clone(),
        None => t.encoding.or_none(),
    };
    let (encoding_text, errors_text) = (any_text(vm, &new_encoding)?, any_text(vm, &new_errors)?);
    if codec::native(&encoding_text).is_none() {
        codec::lookup(vm, &encoding_text)?;
    }
    let buffer = t.buffer.or_none();
    make_decoder(vm, t, &buffer, &encoding_text, &errors_text)?;
    make_encoder(vm, t, &buffer, &encoding_text, &errors_text)?;
    t.encoding.set(new_encoding);
    t.errors.set(new_errors);
    encoder_at_position(vm, t)
}

// ---- writing ---------------------------------------------------------------------------------

fn write(vm: &Vm, object: &Object, text: &Object) -> Result {
    let t = attached(vm, object)?;
    let Some(s) = text.downcast::<Str>() else {
        return Err(vm.type_error(format!("write() argument must be str, not {}", text.ty().name())));
    };
    check_closed(vm, object, t)?;
    if t.encoder.borrow().is_none() {
        return Err(unsupported(vm, "not writable"));
    }
    let len = s.len();
    let newline = t.newline.get().output();
    let line_buffering = t.line_buffering.get();
    let has_newline = (newline.is_some() || line_buffering) && newlines::find(s, b'\n', 0).is_some();
    let flush_after = line_buffering && (has_newline || newlines::find(s, b'\r', 0).is_some());
    let mut text = text.clone();
    if let Some(newline) = newline
        && has_newline
    {
        if text.ty().is(&taipan_runtime::types::str::STR) {
            text = newlines::expand(vm, s, newline);
        } else {
            // A subclass may have a replace() of its own, which may do anything.
            text = vm.call_method(&text, "replace", &[vm.str("\n"), vm.str(newline)])?;
            if text.downcast::<Str>().is_none() {
                return Err(vm.type_error(format!("replace() should return a str, not {}", text.ty().name())));
            }
            attached(vm, object)?;
            check_closed(vm, object, t)?;
        }
    }
    let Some(encoder) = t.encoder() else { return Err(unsupported(vm, "not writable")) };
    let Some(s) = text.downcast::<Str>() else { return Ok(Object::NONE) };
    let encoded;
    let bytes: &[u8] = match s.as_ascii() {
        Some(ascii) if encoder.keeps_ascii() => ascii.as_bytes(),
        _ => {
            encoded = encoder.encode(vm, &text)?;
            &encoded
        }
    };
    let chunk = t.chunk_size.get();
    // Never more than a chunk is joined.
    loop {
        let pending = t.pending.borrow().len();
        if pending == 0 || pending + bytes.len() <= chunk {
            break;
        }
        // Python code below may write, too: once more, then.
        write_pending(vm, t)?;
    }
    let waiting = {
        let mut pending = t.pending.borrow_mut();
        if pending.try_reserve(bytes.len()).is_err() {
            return Err(vm.memory_error());
        }
        pending.extend_from_slice(bytes);
        pending.len()
    };
    if waiting >= chunk || flush_after || t.write_through.get() {
        write_pending(vm, t)?;
    }
    if flush_after {
        flush_buffer(vm, t)?;
    }
    if t.snapshot.borrow().is_some() {
        t.forget_decoded();
    }
    if let Some(decoder) = t.decoder() {
        decoder.reset(vm)?;
    }
    Ok(vm.usize(len))
}

/// Hands what waits to the buffer.
pub fn write_pending(vm: &Vm, t: &TextIo) -> Result<()> {
    let waiting = std::mem::take(&mut *t.pending.borrow_mut());
    if waiting.is_empty() {
        return Ok(());
    }
    let buffer = t.buffer.or_none();
    if buffered::is_plain_writer(vm, &buffer) {
        buffered::write_bytes(vm, &buffer, &waiting)?;
        // The memory is used again, unless another write has come between.
        let mut pending = t.pending.borrow_mut();
        if pending.is_empty() && waiting.capacity() <= 1 << 20 {
            let mut waiting = waiting;
            waiting.clear();
            *pending = waiting;
        }
        return Ok(());
    }
    let bytes = taipan_runtime::types::bytes::new(vm, &waiting)?;
    loop {
        let result = vm.call_method_object(&buffer, name::write.object(), std::slice::from_ref(&bytes));
        if trap_interrupt(vm, result)?.is_some() {
            return Ok(());
        }
    }
}

fn flush_buffer(vm: &Vm, t: &TextIo) -> Result<()> {
    let buffer = t.buffer.or_none();
    if buffered::is_plain_writer(vm, &buffer) && !overridden(vm, &buffer, "flush") {
        return buffered::flush_object(vm, &buffer);
    }
    vm.call_method_object(&buffer, name::flush.object(), &[]).map(drop)
}

fn flush(vm: &Vm, object: &Object) -> Result {
    let t = attached(vm, object)?;
    check_closed(vm, object, t)?;
    t.telling.set(t.seekable.get());
    write_pending(vm, t)?;
    vm.call_method_object(&t.buffer.or_none(), name::flush.object(), &[])
}

// ---- the end -----------------------------------------------------------------------------------

fn detach(vm: &Vm, args: &[Object]) -> Result {
    let t = attached(vm, &args[0])?;
    vm.call_method_object(&args[0], name::flush.object(), &[])?;
    let buffer = t.buffer.take();
    t.detached.set(true);
    Ok(if buffer.is_unbound() { Object::NONE } else { buffer })
}

fn close(vm: &Vm, object: &Object) -> Result {
    let t = attached(vm, object)?;
    if base::is_closed(vm, object)? || t.detached.get() {
        return Ok(Object::NONE);
    }
    let buffer = t.buffer.or_none();
    if t.finalizing.get() && vm.call_method(&buffer, "_dealloc_warn", std::slice::from_ref(object)).is_err() {
        drop(vm.take_raised());
    }
    let flushed = vm.call_method_object(object, name::flush.object(), &[]);
    let first = if flushed.is_err() { vm.take_raised() } else { None };
    let closed = vm.call_method_object(&buffer, name::close.object(), &[]);
    base::finish_with(vm, first, closed)
}

fn repr(vm: &Vm, object: &Object) -> Result {
    let t = initialised(vm, object)?;
    let Some(_guard) = vm.enter_repr(object) else {
        return Err(vm.runtime_error(format!("reentrant call inside {}.__repr__", object.ty().full_name())));
    };
    let mut out = taipan_runtime::types::str::Builder::new();
    out.push_str("<");
    out.push_str(object.ty().full_name());
    for attr in ["name", "mode"] {
        let found = vm.lookup_attr_str(object, attr);
        match found {
            Ok(Some(value)) => {
                out.push_str(&format!(" {attr}="));
                out.push_object(&vm.repr(&value)?);
            }
            Ok(None) => {}
            // Detached.
            Err(raised) if attr == "name" && vm.raised_is(&exc::VALUE_ERROR) => drop(vm.caught(raised)),
            Err(raised) => return Err(raised),
        }
    }
    out.push_str(" encoding=");
    out.push_object(&vm.repr(&t.encoding.or_none())?);
    out.push_str(">");
    Ok(out.finish(vm))
}

/// What a decoder starts with at flags alone.
pub fn state_at(flags: &Object) -> State {
    State { held: Vec::new(), flags: flags.clone() }
}
