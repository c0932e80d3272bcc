//! `MultibyteStreamReader` and `MultibyteStreamWriter`: a decoder that reads
//! from, and an encoder that writes to an object with `read` and `write`.

use super::incremental::{DecoderCore, EncoderCore};
use super::{codec_of, constructor_errors, convert, policy_of, set_errors};
use taipan_runtime::buffer::flags;
use taipan_runtime::prelude::*;
use taipan_runtime::support::{Fields, allocate, readonly_member, this};
use taipan_runtime::types::bytes::{self, Bytes};
use taipan_runtime::types::object::OBJECT;
use taipan_runtime::types::{int, str};

// ---- reader ----------------------------------------------------------------------------------

/// Payload of `MultibyteStreamReader`.
pub struct Reader {
    decoder: DecoderCore,
    stream: Object,
}

impl NativeClass for Reader {
    fn class() -> &'static Type {
        &READER
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.decoder.errors.traverse(visitor);
        visitor.visit_object(&self.stream);
    }
}

/// `MultibyteStreamReader`.
pub static READER: Type = Type::new::<Reader>(
    "_multibytecodec.MultibyteStreamReader",
    &OBJECT,
    type_flags::BASE | type_flags::HAVE_GC | type_flags::IMMUTABLE,
    Slots { new: Some(new_reader), init: Some(|_, _, _, _| Ok(())), ..Slots::EMPTY },
    &[
        MethodDef::new("read($self, sizeobj=None, /)", |vm, args| read(vm, &args[0], "read", &args[1]), ""),
        MethodDef::new(
            "readline($self, sizeobj=None, /)",
            |vm, args| read(vm, &args[0], "readline", &args[1]),
            "",
        ),
        MethodDef::new(
            "readlines($self, sizehintobj=None, /)",
            |vm, args| {
                let text = read(vm, &args[0], "read", &args[1])?;
                vm.call_method(&text, "splitlines", &[Object::TRUE])
            },
            "",
        ),
        MethodDef::new(
            "reset($self, /)",
            |_, args| {
                this::<Reader>(&args[0]).decoder.reset();
                Ok(Object::NONE)
            },
            "",
        ),
    ],
    &[
        GetSetDef::member("stream", |_, object| Ok(this::<Reader>(object).stream.clone()))
            .with_set(readonly_member),
        GetSetDef::new("errors", |_, object| Ok(this::<Reader>(object).decoder.errors.get()))
            .with_set(|vm, object, value| set_errors(vm, &this::<Reader>(object).decoder.errors, value))
            .with_doc("how to treat errors"),
    ],
);

fn new_reader(vm: &Vm, class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    const NAME: &str = "StreamReader";
    let fields = Fields { function: NAME, names: ["stream", "errors"], required: 1, positional: 2 };
    let [stream, errors] = fields.bind(vm, args, kwnames)?;
    let errors = constructor_errors(vm, NAME, 2, errors)?;
    let decoder = DecoderCore::new(codec_of(vm, class)?, errors);
    allocate(vm, class, Reader { decoder, stream: stream.cloned().unwrap_or(Object::NONE) })
}

/// Reads with the stream's `method`, at most `size` bytes at first, until there is a
/// character or nothing more to read.
fn read(vm: &Vm, object: &Object, method: &str, size: &Object) -> Result {
    let mut size = match size {
        none if none.is_none() => -1,
        size if int::is_any_int(size) => match int::to_i64(size) {
            Some(size) => size,
            None => return Err(vm.overflow_error("Python int too large to convert to C ssize_t")),
        },
        _ => return Err(vm.type_error("arg 1 must be an integer")),
    };
    if size == 0 {
        return Ok(str::empty());
    }
    let this = this::<Reader>(object);
    loop {
        let asked = vm.int(size);
        let args = if size < 0 { &[][..] } else { std::slice::from_ref(&asked) };
        let data = vm.call_method(&this.stream, method, args)?;
        let Some(bytes) = data.downcast::<Bytes>() else {
            let shown = data.ty().name();
            return Err(vm.type_error(format!("stream function returned a non-bytes object ({shown})")));
        };
        let at_end = bytes.is_empty();
        let input = vm.buffer(&data, flags::SIMPLE)?;
        let text = this.decoder.decode(vm, input, at_end || size < 0, false)?;
        match text {
            Some(text) => return Ok(text),
            None if at_end || size < 0 => return Ok(str::empty()),
            None => size = 1,
        }
    }
}

// ---- writer ----------------------------------------------------------------------------------

/// Payload of `MultibyteStreamWriter`.
pub struct Writer {
    encoder: EncoderCore,
    stream: Object,
}

impl NativeClass for Writer {
    fn class() -> &'static Type {
        &WRITER
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.encoder.traverse(visitor);
        visitor.visit_object(&self.stream);
    }
}

/// `MultibyteStreamWriter`.
pub static WRITER: Type = Type::new::<Writer>(
    "_multibytecodec.MultibyteStreamWriter",
    &OBJECT,
    type_flags::BASE | type_flags::HAVE_GC | type_flags::IMMUTABLE,
    Slots { new: Some(new_writer), init: Some(|_, _, _, _| Ok(())), ..Slots::EMPTY },
    &[
        MethodDef::new(
            "write($self, strobj, /)",
            |vm, args| {
                write(vm, this::<Writer>(&args[0]), &args[1])?;
                Ok(Object::NONE)
            },
            "",
        ),
        MethodDef::new("writelines($self, lines, /)", write_lines, ""),
        MethodDef::new("reset($self, /)", reset, ""),
    ],
    &[
        GetSetDef::member("stream", |_, object| Ok(this::<Writer>(object).stream.clone()))
            .with_set(readonly_member),
        GetSetDef::new("errors", |_, object| Ok(this::<Writer>(object).encoder.errors.get()))
            .with_set(|vm, object, value| set_errors(vm, &this::<Writer>(object).encoder.errors, value))
            .with_doc("how to treat errors"),
    ],
);

fn new_writer(vm: &Vm, class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    const NAME: &str = "StreamWriter";
    let fields = Fields { function: NAME, names: ["stream", "errors"], required: 1, positional: 2 };
    let [stream, errors] = fields.bind(vm, args, kwnames)?;
    let errors = constructor_errors(vm, NAME, 2, errors)?;
    let encoder = EncoderCore::new(codec_of(vm, class)?, errors);
    allocate(vm, class, Writer { encoder, stream: stream.cloned().unwrap_or(Object::NONE) })
}

fn write(vm: &Vm, writer: &Writer, text: &Object) -> Result<()> {
    let encoded = writer.encoder.encode(vm, text, false)?;
    vm.call_method(&writer.stream, "write", &[encoded]).map(drop)
}

fn write_lines(vm: &Vm, args: &[Object]) -> Result {
    let lines = &args[1];
    if !vm.is_sequence(lines) {
        return Err(vm.type_error("arg must be a sequence object"));
    }
    let mut i = 0;
    while i < vm.len(lines)? {
        let line = vm.get_item(lines, &vm.usize(i))?;
        write(vm, this::<Writer>(&args[0]), &line)?;
        i += 1;
    }
    Ok(Object::NONE)
}

/// Writes what waits, and what takes the encoder back to its start.
fn reset(vm: &Vm, args: &[Object]) -> Result {
    let this = this::<Writer>(&args[0]);
    let encoder = &this.encoder;
    let Some(held) = encoder.held.bound() else { return Ok(Object::NONE) };
    let policy = policy_of(vm, &encoder.errors);
    let out = convert::encode(vm, encoder.codec, &encoder.state, &held, &policy, true, true);
    encoder.held.clear();
    let out = out?.0;
    if !out.is_empty() {
        vm.call_method(&this.stream, "write", &[bytes::new(vm, &out)?])?;
    }
    Ok(Object::NONE)
}
