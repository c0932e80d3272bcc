//! Line ends: [`Newlines`], the state of universal newline translation, and
//! `IncrementalNewlineDecoder`, which puts it on top of another decoder.

use super::*;
use std::cell::Cell;
use taipan_runtime::support::this;
use taipan_runtime::types::cell::ObjectCell;
use taipan_runtime::types::str::{Builder, Kind};

const SEEN_CR: u8 = 1;
const SEEN_LF: u8 = 2;
const SEEN_CRLF: u8 = 4;

/// What was seen, and whether a `\r` waits for what follows it.
#[derive(Default)]
pub struct Newlines {
    pub translate: Cell<bool>,
    pub pending: Cell<bool>,
    seen: Cell<u8>,
}

/// Finds a character below 256.
pub fn find(s: &Str, c: u8, from: usize) -> Option<usize> {
    match s.kind() {
        Kind::Latin1(bytes) => memchr::memchr(c, bytes.get(from..)?).map(|i| i + from),
        Kind::U16(units) => units.get(from..)?.iter().position(|&u| u == c as u16).map(|i| i + from),
        Kind::U32(units) => units.get(from..)?.iter().position(|&u| u == c as u32).map(|i| i + from),
    }
}

/// Is there a `\n` without a `\r` before it?
fn has_lone_lf(s: &Str) -> bool {
    let mut from = 0;
    while let Some(i) = find(s, b'\n', from) {
        if i == 0 || s.char_at(i - 1) != '\r' as u32 {
            return true;
        }
        from = i + 1;
    }
    false
}

impl Newlines {
    pub fn new(translate: bool) -> Newlines {
        let newlines = Newlines::default();
        newlines.translate.set(translate);
        newlines
    }
    pub fn reset(&self) {
        self.pending.set(false);
        self.seen.set(0);
    }
    /// Takes decoded text and gives it back with its line ends translated (if
    /// they are to be); a `\r` at the end waits unless this is the last text.
    pub fn process(&self, vm: &Vm, text: Object, last: bool) -> Object {
        let Some(s) = text.downcast::<Str>() else { return text };
        let len = s.len();
        let glue = self.pending.get() && (last || len > 0);
        let hold = !last && len > 0 && s.char_at(len - 1) == '\r' as u32;
        if !glue && !hold {
            return self.translated(vm, text);
        }
        let mut out = Builder::with_capacity(len + 1);
        if glue {
            out.push_char('\r' as u32);
        }
        out.push_range(s, 0, if hold { len - 1 } else { len });
        self.pending.set(hold);
        let joined = out.finish(vm);
        self.translated(vm, joined)
    }
    fn translated(&self, vm: &Vm, text: Object) -> Object {
        let Some(s) = text.downcast::<Str>() else { return text };
        let Some(first) = find(s, b'\r', 0) else {
            if self.seen.get() & SEEN_LF == 0 && find(s, b'\n', 0).is_some() {
                self.seen.set(self.seen.get() | SEEN_LF);
            }
            return text;
        };
        let mut seen = self.seen.get();
        if seen & SEEN_LF == 0 && has_lone_lf(s) {
            seen |= SEEN_LF;
        }
        if !self.translate.get() {
            let mut at = Some(first);
            while let Some(cr) = at
                && seen & (SEEN_CR | SEEN_CRLF) != SEEN_CR | SEEN_CRLF
            {
                seen |= if s.char_at(cr + 1) == '\n' as u32 { SEEN_CRLF } else { SEEN_CR };
                at = find(s, b'\r', cr + 1);
            }
            self.seen.set(seen);
            return text;
        }
        let mut out = Builder::with_capacity(s.len());
        let mut from = 0;
        let mut at = Some(first);
        while let Some(cr) = at {
            out.push_range(s, from, cr);
            out.push_char('\n' as u32);
            from = cr + 1;
            if s.char_at(from) == '\n' as u32 {
                seen |= SEEN_CRLF;
                from += 1;
            } else {
                seen |= SEEN_CR;
            }
            at = find(s, b'\r', from);
        }
        out.push_range(s, from, s.len());
        self.seen.set(seen);
        out.finish(vm)
    }
    /// The value of the attribute `newlines`.
    pub fn shown(&self, vm: &Vm) -> Object {
        let seen = self.seen.get();
        let kinds: Vec<Object> = [(SEEN_CR, "\r"), (SEEN_LF, "\n"), (SEEN_CRLF, "\r\n")]
            .iter()
            .filter(|(bit, _)| seen & bit != 0)
            .map(|(_, text)| vm.str(text))
            .collect();
        match kinds.len() {
            0 => Object::NONE,
            1 => kinds[0].clone(),
            _ => vm.tuple(kinds),
        }
    }
}

// ---- the Python class -------------------------------------------------------------------------

/// Payload of IncrementalNewlineDecoder.
#[derive(Default)]
pub struct NewlineDecoder {
    /// None: the input is text already. UNBOUND: not initialised.
    decoder: ObjectCell,
    newlines: Newlines,
}

impl NativeClass for NewlineDecoder {
    fn class() -> &'static Type {
        &NEWLINE_DECODER
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.decoder.traverse(visitor)
    }
    fn clear(&self) {
        self.decoder.clear()
    }
}

pub static NEWLINE_DECODER: Type = Type::new::<NewlineDecoder>(
    "_io.IncrementalNewlineDecoder",
    &taipan_runtime::types::object::OBJECT,
    type_flags::BASE | type_flags::HAVE_GC,
    Slots {
        new: Some(|vm, class, _, _| taipan_runtime::support::allocate(vm, class, NewlineDecoder::default())),
        init: Some(init),
        ..Slots::EMPTY
    },
    &[
        MethodDef::new("decode($self, /, input, final=False)", |vm, args| {
            let last = vm.is_true(&args[2])?;
            decode(vm, &args[0], &args[1], last)
        }, ""),
        MethodDef::new("getstate($self, /)", getstate, ""),
        MethodDef::new("setstate($self, state, /)", setstate, ""),
        MethodDef::new("reset($self, /)", |vm, args| {
            let d = ready(vm, &args[0])?;
            d.newlines.reset();
            match d.decoder.or_none() {
                decoder if decoder.is_none() => Ok(Object::NONE),
                decoder => vm.call_method(&decoder, "reset", &[]),
            }
        }, ""),
    ],
    &[GetSetDef::new("newlines", |vm, object| Ok(ready(vm, object)?.newlines.shown(vm)))],
)
.with_doc("IncrementalNewlineDecoder(decoder, translate, errors='strict')\n--\n\nTranslates the line ends of what another decoder decodes.\n\nWith translate, \\r\\n and \\r become \\n. It also remembers the kinds of line ends\nit has seen. Without a decoder (None) its input is text.");

fn init(vm: &Vm, object: &Object, args: &[Object], kwnames: &[Object]) -> Result<()> {
    static SIG: Sig = Sig::new("IncrementalNewlineDecoder(decoder, translate, errors='strict')");
    let args = SIG.bind(vm, args, kwnames)?;
    let translate = vm.is_true(&args[1])?;
    let d = this::<NewlineDecoder>(object);
    d.decoder.set(args[0].clone());
    d.newlines.translate.set(translate);
    d.newlines.reset();
    Ok(())
}

fn ready<'a>(vm: &Vm, object: &'a Object) -> Result<&'a NewlineDecoder> {
    let d = this::<NewlineDecoder>(object);
    if d.decoder.is_empty() {
        return Err(vm.value_error("IncrementalNewlineDecoder.__init__() not called"));
    }
    Ok(d)
}

fn decode(vm: &Vm, object: &Object, input: &Object, last: bool) -> Result {
    let d = ready(vm, object)?;
    let decoder = d.decoder.or_none();
    let text = if decoder.is_none() {
        input.clone()
    } else {
        vm.call_method(&decoder, "decode", &[input.clone(), Object::bool(last)])?
    };
    if text.downcast::<Str>().is_none() {
        return Err(
            vm.type_error(format!("decoder should return a string result, not '{}'", text.ty().name()))
        );
    }
    Ok(d.newlines.process(vm, text, last))
}

/// Buffer and flag of a decoder's state.
pub fn split_state(vm: &Vm, state: &Object) -> Result<(Object, Object)> {
    match state.downcast::<Tuple>().map(|t| t.items()) {
        Some([buffer, flag]) => Ok((buffer.clone(), flag.clone())),
        Some(_) => Err(vm.type_error("illegal decoder state")),
        None => Err(vm.type_error("illegal decoder state")),
    }
}

fn getstate(vm: &Vm, args: &[Object]) -> Result {
    let d = ready(vm, &args[0])?;
    let decoder = d.decoder.or_none();
    let (buffer, flag) = if decoder.is_none() {
        (vm.bytes(b""), vm.int(0))
    } else {
        split_state(vm, &vm.call_method(&decoder, "getstate", &[])?)?
    };
    let flag = vm.binary(BinaryOp::LShift, &flag, &vm.int(1))?;
    let flag = vm.binary(BinaryOp::Or, &flag, &vm.int(d.newlines.pending.get() as i64))?;
    Ok(vm.tuple(vec![buffer, flag]))
}

fn setstate(vm: &Vm, args: &[Object]) -> Result {
    let d = ready(vm, &args[0])?;
    if args[1].downcast::<Tuple>().is_none() {
        return Err(vm.type_error("state argument must be a tuple"));
    }
    let (buffer, flag) = split_state(vm, &args[1])?;
    let bit = vm.binary(BinaryOp::And, &flag, &vm.int(1))?;
    d.newlines.pending.set(vm.is_true(&bit)?);
    let decoder = d.decoder.or_none();
    if decoder.is_none() {
        return Ok(Object::NONE);
    }
    let flag = vm.binary(BinaryOp::RShift, &flag, &vm.int(1))?;
    vm.call_method(&decoder, "setstate", &[vm.tuple(vec![buffer, flag])])
}

/// Where a line ends: behind its newline. None if it goes on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LineEnd {
    /// `\n` only (after translation, or because it was asked for).
    Lf,
    /// `\n`, `\r` or `\r\n`.
    Universal,
    Cr,
    CrLf,
}

impl LineEnd {
    /// The end of the line that begins at `from`, behind its newline.
    pub fn find(self, s: &Str, from: usize) -> Option<usize> {
        match self {
            LineEnd::Lf => find(s, b'\n', from).map(|i| i + 1),
            LineEnd::Cr => find(s, b'\r', from).map(|i| i + 1),
            LineEnd::CrLf => {
                let mut at = from;
                loop {
                    let cr = find(s, b'\r', at)?;
                    if cr + 1 < s.len() && s.char_at(cr + 1) == '\n' as u32 {
                        return Some(cr + 2);
                    }
                    at = cr + 1;
                }
            }
            LineEnd::Universal => {
                let lf = find(s, b'\n', from);
                match (find(s, b'\r', from), lf) {
                    (Some(cr), Some(lf)) if lf < cr => Some(lf + 1),
                    (Some(cr), Some(lf)) if lf == cr + 1 => Some(lf + 1),
                    (Some(cr), _) => Some(cr + 1),
                    (None, Some(lf)) => Some(lf + 1),
                    (None, None) => None,
                }
            }
        }
    }
}

/// What a `newline` argument says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NewlineMode {
    /// None, "", "\n", "\r", "\r\n".
    pub given: Option<&'static str>,
}

impl NewlineMode {
    pub fn universal(self) -> bool {
        self.given.is_none_or(|s| s.is_empty())
    }
    pub fn translates_input(self) -> bool {
        self.given.is_none()
    }
    /// What `\n` becomes on output, if anything.
    pub fn output(self) -> Option<&'static str> {
        self.given.filter(|s| s.starts_with('\r'))
    }
    pub fn line_end(self) -> LineEnd {
        match self.given {
            None | Some("\n") => LineEnd::Lf,
            Some("\r") => LineEnd::Cr,
            Some("\r\n") => LineEnd::CrLf,
            Some(_) => LineEnd::Universal,
        }
    }
    /// From a str or None that was type-checked; None if it is no legal value.
    pub fn of(vm: &Vm, object: &Object) -> Option<NewlineMode> {
        if object.some().is_none() {
            return Some(NewlineMode { given: None });
        }
        let text = vm.str_lossy(object);
        let given = ["", "\n", "\r", "\r\n"].into_iter().find(|legal| *legal == text)?;
        Some(NewlineMode { given: Some(given) })
    }
    pub fn shown(self, vm: &Vm) -> Object {
        self.given.map_or(Object::NONE, |s| vm.str(s))
    }
}

/// `\n` replaced by something longer.
pub fn expand(vm: &Vm, s: &Str, newline: &str) -> Object {
    let mut out = Builder::with_capacity(s.len() + 16);
    let mut from = 0;
    while let Some(at) = find(s, b'\n', from) {
        out.push_range(s, from, at);
        out.push_str(newline);
        from = at + 1;
    }
    out.push_range(s, from, s.len());
    out.finish(vm)
}
