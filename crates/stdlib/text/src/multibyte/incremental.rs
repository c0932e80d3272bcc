//! `MultibyteIncrementalEncoder` and `MultibyteIncrementalDecoder`, and the
//! halves of them that streams are made of.

use super::convert::{self, Data, Decoding};
use super::{codec_of, constructor_errors, policy_of, set_errors, text_of};
use std::cell::{Cell, RefCell};
use taipan_numeric::bigint::BigInt;
use taipan_runtime::buffer::{Buffer, flags};
use taipan_runtime::codecs;
use taipan_runtime::prelude::*;
use taipan_runtime::support::{Fields, allocate, bad_argument, this};
use taipan_runtime::types::bytes::{self, Bytes};
use taipan_runtime::types::cell::ObjectCell;
use taipan_runtime::types::object::OBJECT;
use taipan_runtime::types::{int, str};
use taipan_unicode::cjk::{Codec, State};

/// So many characters may wait for what comes behind them.
const MAX_HELD_CHARS: usize = 2;
/// So many bytes may wait, and so many of UTF-8 does a state show.
const MAX_HELD: usize = 8;

// ---- encoder ---------------------------------------------------------------------------------

/// What an encoder is beside its Python face.
pub struct EncoderCore {
    pub codec: &'static Codec,
    pub state: Cell<State>,
    /// Characters that wait (a str).
    pub held: ObjectCell,
    pub errors: ObjectCell,
}

impl EncoderCore {
    pub fn new(codec: &'static Codec, errors: ObjectCell) -> EncoderCore {
        EncoderCore { codec, state: Cell::new(codec.encoder_start()), held: ObjectCell::EMPTY, errors }
    }
    pub fn traverse(&self, visitor: &mut Visitor) {
        self.held.traverse(visitor);
        self.errors.traverse(visitor);
    }
    /// Encodes what waits and `text`; if it ends here, all of it.
    pub fn encode(&self, vm: &Vm, text: &Object, last: bool) -> Result {
        let mut text = text_of(vm, text, "couldn't convert the object to str.")?;
        let before = self.held.take();
        if let Some(held) = before.downcast::<Str>()
            && let Some(new) = text.downcast::<Str>()
        {
            text = str::concat(vm, held, new).ok_or_else(|| vm.memory_error())?;
        }
        let len = text.downcast::<Str>().map_or(0, |s| s.len());
        let result = if len == 0 && !last {
            Ok((Vec::new(), 0))
        } else {
            let policy = policy_of(vm, &self.errors);
            convert::encode(vm, self.codec, &self.state, &text, &policy, last, last)
        };
        let (out, used) = match result {
            Ok(done) => done,
            Err(raised) => {
                self.held.set(before);
                return Err(raised);
            }
        };
        if used < len {
            if len - used > MAX_HELD_CHARS {
                let reason = "pending buffer overflow";
                return Err(codecs::errors::raise_encode(vm, self.codec.name, &text, used, len, reason));
            }
            if let Some(s) = text.downcast::<Str>() {
                self.held.set(s.slice(vm, used, len));
            }
        }
        bytes::new(vm, &out)
    }
    fn reset(&self) {
        let mut state = self.state.get();
        self.codec.reset_encoder(&mut state, &mut Vec::new());
        self.state.set(state);
        self.held.clear();
    }
}

/// Payload of `MultibyteIncrementalEncoder`.
pub struct Encoder(EncoderCore);

impl NativeClass for Encoder {
    fn class() -> &'static Type {
        &ENCODER
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.0.traverse(visitor)
    }
}

/// `MultibyteIncrementalEncoder`.
pub static ENCODER: Type = Type::new::<Encoder>(
    "_multibytecodec.MultibyteIncrementalEncoder",
    &OBJECT,
    type_flags::BASE | type_flags::HAVE_GC | type_flags::IMMUTABLE,
    Slots { new: Some(new_encoder), init: Some(|_, _, _, _| Ok(())), ..Slots::EMPTY },
    &[
        MethodDef::new(
            "encode($self, /, input, final=False)",
            |vm, args| {
                let last = vm.is_true(&args[2])?;
                this::<Encoder>(&args[0]).0.encode(vm, &args[1], last)
            },
            "",
        ),
        MethodDef::new("getstate($self, /)", encoder_state, ""),
        MethodDef::new("setstate($self, state, /)", set_encoder_state, ""),
        MethodDef::new(
            "reset($self, /)",
            |_, args| {
                this::<Encoder>(&args[0]).0.reset();
                Ok(Object::NONE)
            },
            "",
        ),
    ],
    &[GetSetDef::new("errors", |_, object| Ok(this::<Encoder>(object).0.errors.get()))
        .with_set(|vm, object, value| set_errors(vm, &this::<Encoder>(object).0.errors, value))
        .with_doc("how to treat errors")],
);

fn new_encoder(vm: &Vm, class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    const NAME: &str = "IncrementalEncoder";
    let fields = Fields { function: NAME, names: ["errors"], required: 0, positional: 1 };
    let errors = constructor_errors(vm, NAME, 1, fields.bind(vm, args, kwnames)?[0])?;
    let codec = codec_of(vm, class)?;
    allocate(vm, class, Encoder(EncoderCore::new(codec, errors)))
}

/// The state as one number: how many bytes wait, those bytes, and the codec's state.
fn encoder_state(vm: &Vm, args: &[Object]) -> Result {
    let this = &this::<Encoder>(&args[0]).0;
    let held = match this.held.bound() {
        Some(held) => codecs::utf8::encode(vm, &held, "strict")?,
        None => Vec::new(),
    };
    if held.len() > MAX_HELD {
        return Err(vm.error(&exc::UNICODE_ERROR, "pending buffer too large"));
    }
    let mut all = vec![held.len() as u8];
    all.extend_from_slice(&held);
    all.extend_from_slice(&this.state.get().0);
    Ok(int::from_big(vm, BigInt::from_bytes(&all, true, false)))
}

fn set_encoder_state(vm: &Vm, args: &[Object]) -> Result {
    if !int::is_any_int(&args[1]) {
        return Err(bad_argument(vm, "setstate", "argument", "int", &args[1]));
    }
    let all = unsigned_bytes(vm, &args[1], 1 + MAX_HELD + size_of::<State>())?;
    let held = all.first().copied().unwrap_or_default() as usize;
    let (Some(text), Some(state)) =
        (all.get(1..1 + held).filter(|_| held <= MAX_HELD), all.get(1 + held..1 + held + size_of::<State>()))
    else {
        return Err(vm.error(&exc::UNICODE_ERROR, "pending buffer too large"));
    };
    let text = codecs::utf8::decode(vm, text, "strict", true)?.0;
    let this = &this::<Encoder>(&args[0]).0;
    this.held.set(if held == 0 { Object::UNBOUND } else { text });
    this.state.set(state_of(state));
    Ok(Object::NONE)
}

fn state_of(bytes: &[u8]) -> State {
    let mut state = State::default();
    state.0.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    state
}

/// So many bytes of an int, the lowest first.
fn unsigned_bytes(vm: &Vm, n: &Object, len: usize) -> Result<Vec<u8>> {
    let big = int::to_big(n).unwrap_or_else(|| BigInt::from(0));
    if big.is_negative() {
        return Err(vm.overflow_error("can't convert negative int to unsigned"));
    }
    big.to_bytes(len, true, false).map_err(|_| vm.overflow_error("int too big to convert"))
}

// ---- decoder ---------------------------------------------------------------------------------

/// What a decoder is beside its Python face.
pub struct DecoderCore {
    pub codec: &'static Codec,
    state: Cell<State>,
    /// Bytes that wait.
    held: RefCell<Vec<u8>>,
    pub errors: ObjectCell,
}

impl DecoderCore {
    pub fn new(codec: &'static Codec, errors: ObjectCell) -> DecoderCore {
        DecoderCore { codec, state: Cell::new(codec.decoder_start()), held: RefCell::default(), errors }
    }
    /// Decodes what waits and `input`. None: nothing came out of it. `keep`: what waited
    /// goes on waiting if there is an error at the end.
    pub fn decode(&self, vm: &Vm, input: Buffer, end: bool, keep: bool) -> Result<Option<Object>> {
        let policy = policy_of(vm, &self.errors);
        let before = self.held.take();
        let kept = if keep { before.clone() } else { Vec::new() };
        let data = Data::joined(vm, before, input)?;
        let mut decoding = Decoding::new(vm, self.codec, &self.state, &policy, data)?;
        decoding.run(false)?;
        if end && let Err(raised) = decoding.end() {
            *self.held.borrow_mut() = kept;
            return Err(raised);
        }
        let left = decoding.left();
        if left.len() > MAX_HELD {
            let all = bytes::new(vm, decoding.bytes())?;
            return Err(overflow(vm, self.codec, &all, "pending buffer overflow"));
        }
        self.held.borrow_mut().extend_from_slice(left);
        if decoding.is_empty() {
            return Ok(None);
        }
        Ok(Some(decoding.finish()))
    }
    pub fn reset(&self) {
        let mut state = self.state.get();
        self.codec.reset_decoder(&mut state);
        self.state.set(state);
        self.held.borrow_mut().clear();
    }
}

/// More bytes than can wait.
#[cold]
fn overflow(vm: &Vm, codec: &Codec, all: &Object, reason: &str) -> Raised {
    let len = all.downcast::<Bytes>().map_or(0, |b| b.len());
    vm.error_with(
        &exc::UNICODE_DECODE_ERROR,
        vec![vm.str(codec.name), all.clone(), vm.int(0), vm.usize(len), vm.str(reason)],
    )
}

/// Payload of `MultibyteIncrementalDecoder`.
pub struct Decoder(DecoderCore);

impl NativeClass for Decoder {
    fn class() -> &'static Type {
        &DECODER
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.0.errors.traverse(visitor)
    }
}

/// `MultibyteIncrementalDecoder`.
pub static DECODER: Type = Type::new::<Decoder>(
    "_multibytecodec.MultibyteIncrementalDecoder",
    &OBJECT,
    type_flags::BASE | type_flags::HAVE_GC | type_flags::IMMUTABLE,
    Slots { new: Some(new_decoder), init: Some(|_, _, _, _| Ok(())), ..Slots::EMPTY },
    &[
        MethodDef::new(
            "decode($self, /, input, final=False)",
            |vm, args| {
                let input = vm.buffer(&args[1], flags::SIMPLE)?;
                let last = vm.is_true(&args[2])?;
                Ok(this::<Decoder>(&args[0]).0.decode(vm, input, last, true)?.unwrap_or_else(str::empty))
            },
            "",
        ),
        MethodDef::new("getstate($self, /)", decoder_state, ""),
        MethodDef::new("setstate($self, state, /)", set_decoder_state, ""),
        MethodDef::new(
            "reset($self, /)",
            |_, args| {
                this::<Decoder>(&args[0]).0.reset();
                Ok(Object::NONE)
            },
            "",
        ),
    ],
    &[GetSetDef::new("errors", |_, object| Ok(this::<Decoder>(object).0.errors.get()))
        .with_set(|vm, object, value| set_errors(vm, &this::<Decoder>(object).0.errors, value))
        .with_doc("how to treat errors")],
);

fn new_decoder(vm: &Vm, class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    const NAME: &str = "IncrementalDecoder";
    let fields = Fields { function: NAME, names: ["errors"], required: 0, positional: 1 };
    let errors = constructor_errors(vm, NAME, 1, fields.bind(vm, args, kwnames)?[0])?;
    let codec = codec_of(vm, class)?;
    allocate(vm, class, Decoder(DecoderCore::new(codec, errors)))
}

fn decoder_state(vm: &Vm, args: &[Object]) -> Result {
    let this = &this::<Decoder>(&args[0]).0;
    let held = this.held.borrow().clone();
    Ok(vm.tuple(vec![vm.bytes(&held), vm.u64(u64::from_le_bytes(this.state.get().0))]))
}

fn set_decoder_state(vm: &Vm, args: &[Object]) -> Result {
    let Some(tuple) = args[1].downcast::<Tuple>() else {
        return Err(bad_argument(vm, "setstate", "argument", "tuple", &args[1]));
    };
    let illegal = || vm.type_error("setstate(): illegal state argument");
    let [held, flags] = tuple.items() else { return Err(illegal()) };
    let Some(bytes) = held.downcast::<Bytes>().filter(|_| int::is_any_int(flags)) else {
        return Err(illegal());
    };
    let state = unsigned_bytes(vm, flags, size_of::<State>())?;
    let this = &this::<Decoder>(&args[0]).0;
    if bytes.len() > MAX_HELD {
        return Err(overflow(vm, this.codec, held, "pending buffer too large"));
    }
    *this.held.borrow_mut() = bytes.as_slice().to_vec();
    this.state.set(state_of(&state));
    Ok(Object::NONE)
}
