//! A codec at work on a text: what it cannot convert goes to the error handlers.
//!
//! Handlers are Python code, which may use the very encoder that calls them:
//! the state is read before each step and written behind it, and bytes of a
//! buffer are looked at anew after a call.

use std::cell::Cell;
use taipan_runtime::buffer::Buffer;
use taipan_runtime::codecs::errors::lookup_error;
use taipan_runtime::prelude::*;
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::int;
use taipan_runtime::types::str::Builder;
use taipan_unicode::cjk::{Codec, Fault, State, Text};

/// What is done about errors.
pub enum Policy {
    Strict,
    Ignore,
    Replace,
    /// A handler of the registry.
    Named(String),
}

impl Policy {
    pub fn of(name: &str) -> Policy {
        match name {
            "strict" => Policy::Strict,
            "ignore" => Policy::Ignore,
            "replace" => Policy::Replace,
            _ => Policy::Named(name.to_owned()),
        }
    }
}

/// The reason of an error and the length of what it is about, of so much that is left.
fn explain(vm: &Vm, fault: Fault, left: usize) -> Result<(&'static str, usize)> {
    match fault {
        Fault::Invalid(n) => Ok(("illegal multibyte sequence", n.min(left))),
        Fault::Incomplete => Ok(("incomplete multibyte sequence", left)),
        Fault::State => Err(vm.runtime_error("internal codec error")),
    }
}

/// The exception that a handler is shown, the same one for all errors of a text.
fn exception(
    vm: &Vm,
    known: &mut Option<Object>,
    class: &Type,
    codec: &Codec,
    object: &Object,
    (start, end): (usize, usize),
    reason: &str,
) -> Result {
    if let Some(exception) = known {
        vm.set_attr_str(exception, "start", &vm.usize(start))?;
        vm.set_attr_str(exception, "end", &vm.usize(end))?;
        vm.set_attr_str(exception, "reason", &vm.str(reason))?;
        return Ok(exception.clone());
    }
    let raised = vm.error_with(
        class,
        vec![vm.str(codec.name), object.clone(), vm.usize(start), vm.usize(end), vm.str(reason)],
    );
    let exception = vm.caught(raised);
    *known = Some(exception.clone());
    Ok(exception)
}

/// What a handler returned; None if it is not a pair of which the second is an int.
fn answer(vm: &Vm, name: &str, exception: &Object) -> Result<Option<(Object, Object)>> {
    let handler = lookup_error(vm, name)?;
    let result = vm.call(&handler, std::slice::from_ref(exception))?;
    Ok(match result.downcast::<Tuple>().map(|t| t.items()) {
        Some([value, position]) if int::is_any_int(position) => Some((value.clone(), position.clone())),
        _ => None,
    })
}

/// Where a handler wants to go on.
fn position(vm: &Vm, position: &Object, len: usize) -> Result<usize> {
    let len = len as i64;
    // What does not fit into the word is -1, and not counted from the end.
    let at = match int::to_i64(position) {
        Some(at) if at < 0 => at.saturating_add(len),
        Some(at) => at,
        None => -1,
    };
    if !(0..=len).contains(&at) {
        return Err(vm.index_error(format!("position {at} from error handler out of bounds")));
    }
    Ok(at as usize)
}

// ---- encoding -------------------------------------------------------------------------------

/// Encodes a str; the bytes, and how many characters were used. `last`: the text ends
/// here; `reset`: the encoder goes back to its start afterwards.
pub fn encode(
    vm: &Vm,
    codec: &Codec,
    state: &Cell<State>,
    text: &Object,
    policy: &Policy,
    last: bool,
    reset: bool,
) -> Result<(Vec<u8>, usize)> {
    let Some(s) = text.downcast::<Str>() else { return Err(vm.type_error("expected str")) };
    let mut out = Vec::new();
    if out.try_reserve(s.len()).is_err() {
        return Err(vm.memory_error());
    }
    let (mut at, mut known) = (0, None);
    let source = Text { len: s.len(), at: |i| s.char_at(i) };
    while at < s.len() {
        let fault = match step(codec, state, &source, &mut at, &mut out, last) {
            Ok(()) => break,
            Err(Fault::Incomplete) if !last => break,
            Err(fault) => fault,
        };
        let (reason, len) = explain(vm, fault, s.len() - at)?;
        let range = (at, at + len);
        match policy {
            Policy::Ignore => at += len,
            Policy::Replace => {
                let mark = Text { len: 1, at: |_| '?' as u32 };
                if step(codec, state, &mark, &mut 0, &mut out, false).is_err() {
                    out.push(b'?');
                }
                at += len;
            }
            Policy::Strict => {
                let class = &exc::UNICODE_ENCODE_ERROR;
                let exception = exception(vm, &mut known, class, codec, text, range, reason)?;
                return Err(vm.raise(exception));
            }
            Policy::Named(name) => {
                let class = &exc::UNICODE_ENCODE_ERROR;
                let exception = exception(vm, &mut known, class, codec, text, range, reason)?;
                let Some((value, next)) = answer(vm, name, &exception)? else {
                    return Err(vm.type_error(BAD_ENCODE_ANSWER));
                };
                if value.downcast::<Str>().is_some() {
                    out.append(&mut encode(vm, codec, state, &value, &Policy::Strict, true, false)?.0);
                } else if let Some(bytes) = value.downcast::<Bytes>() {
                    out.extend_from_slice(bytes.as_slice());
                } else {
                    return Err(vm.type_error(BAD_ENCODE_ANSWER));
                }
                at = position(vm, &next, s.len())?;
            }
        }
    }
    if reset {
        let mut now = state.get();
        codec.reset_encoder(&mut now, &mut out);
        state.set(now);
    }
    Ok((out, at))
}

const BAD_ENCODE_ANSWER: &str = "encoding error handler must return (str, int) tuple";

/// One step of a codec.
fn step(
    codec: &Codec,
    state: &Cell<State>,
    source: &Text<impl Fn(usize) -> u32>,
    at: &mut usize,
    out: &mut Vec<u8>,
    last: bool,
) -> std::result::Result<(), Fault> {
    let mut now = state.get();
    let result = codec.encode(&mut now, source, at, out, last);
    state.set(now);
    result
}

// ---- decoding -------------------------------------------------------------------------------

/// Bytes to decode: those of somebody's object, or our own.
pub enum Data {
    Buffer(Buffer),
    Owned(Vec<u8>),
}

impl Data {
    pub fn bytes(&self) -> &[u8] {
        match self {
            Data::Buffer(buffer) => buffer.bytes(),
            Data::Owned(bytes) => bytes,
        }
    }
    /// Bytes held back and those that came: one after the other.
    pub fn joined(vm: &Vm, held: Vec<u8>, came: Buffer) -> Result<Data> {
        if held.is_empty() {
            return Ok(Data::Buffer(came));
        }
        let mut all = held;
        if all.try_reserve(came.len()).is_err() {
            return Err(vm.memory_error());
        }
        all.extend_from_slice(came.bytes());
        Ok(Data::Owned(all))
    }
}

/// A decoder at work.
pub struct Decoding<'a> {
    vm: &'a Vm,
    codec: &'a Codec,
    state: &'a Cell<State>,
    policy: &'a Policy,
    data: Data,
    at: usize,
    known: Option<Object>,
    out: Builder,
}

impl<'a> Decoding<'a> {
    pub fn new(
        vm: &'a Vm,
        codec: &'a Codec,
        state: &'a Cell<State>,
        policy: &'a Policy,
        data: Data,
    ) -> Result<Decoding<'a>> {
        let mut out = Builder::new();
        out.try_reserve(data.bytes().len()).ok_or_else(|| vm.memory_error())?;
        Ok(Decoding { vm, codec, state, policy, data, at: 0, known: None, out })
    }
    /// Decodes; a character whose end is missing is an error if this is the end (`last`).
    pub fn run(&mut self, last: bool) -> Result<()> {
        while self.at < self.data.bytes().len() {
            let (mut now, out) = (self.state.get(), &mut self.out);
            let result =
                self.codec.decode(&mut now, self.data.bytes(), &mut self.at, &mut |c| out.push_char(c));
            self.state.set(now);
            match result {
                Ok(()) => break,
                Err(Fault::Incomplete) if !last => break,
                Err(fault) => self.fault(fault)?,
            }
        }
        Ok(())
    }
    /// The input ends here, and with it what is left of it.
    pub fn end(&mut self) -> Result<()> {
        if self.at < self.data.bytes().len() { self.fault(Fault::Incomplete) } else { Ok(()) }
    }
    fn fault(&mut self, fault: Fault) -> Result<()> {
        let vm = self.vm;
        let total = self.data.bytes().len();
        let (reason, len) = explain(vm, fault, total - self.at)?;
        let range = (self.at, self.at + len);
        match self.policy {
            Policy::Ignore => self.at += len,
            Policy::Replace => {
                self.out.push_char(0xfffd);
                self.at += len;
            }
            Policy::Strict => {
                let exception = self.exception(range, reason)?;
                return Err(vm.raise(exception));
            }
            Policy::Named(name) => {
                let exception = self.exception(range, reason)?;
                let answer = answer(vm, name, &exception)?;
                let Some((text, next)) = &answer else { return Err(vm.type_error(BAD_DECODE_ANSWER)) };
                let Some(text) = text.downcast::<Str>() else {
                    return Err(vm.type_error(BAD_DECODE_ANSWER));
                };
                self.out.push(text);
                self.at = position(vm, next, total)?;
            }
        }
        Ok(())
    }
    fn exception(&mut self, range: (usize, usize), reason: &str) -> Result {
        let (vm, class) = (self.vm, &exc::UNICODE_DECODE_ERROR);
        let object = match self.known {
            Some(_) => Object::NONE,
            None => taipan_runtime::types::bytes::new(vm, self.data.bytes())?,
        };
        exception(vm, &mut self.known, class, self.codec, &object, range, reason)
    }
    /// All of the input.
    pub fn bytes(&self) -> &[u8] {
        self.data.bytes()
    }
    /// What could not be decoded yet.
    pub fn left(&self) -> &[u8] {
        self.data.bytes().get(self.at..).unwrap_or_default()
    }
    pub fn is_empty(&self) -> bool {
        self.out.is_empty()
    }
    pub fn finish(self) -> Object {
        self.out.finish(self.vm)
    }
}

const BAD_DECODE_ANSWER: &str = "decoding error handler must return (str, int) tuple";
