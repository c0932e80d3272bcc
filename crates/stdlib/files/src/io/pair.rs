//! `BufferedRWPair`: a reader and a writer over two raw streams, as one object.

use super::*;
use taipan_runtime::names::name;
use taipan_runtime::support::this;
use taipan_runtime::types::cell::ObjectCell;

/// Payload: the two halves.
#[derive(Default)]
pub struct BufferedRwPair {
    reader: ObjectCell,
    writer: ObjectCell,
}

impl NativeClass for BufferedRwPair {
    fn class() -> &'static Type {
        &BUFFERED_RW_PAIR
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.reader.traverse(visitor);
        self.writer.traverse(visitor);
    }
    fn clear(&self) {
        self.reader.clear();
        self.writer.clear();
    }
}

pub static BUFFERED_RW_PAIR: Type = Type::new::<BufferedRwPair>(
    "_io.BufferedRWPair",
    &base::BUFFERED_IO_BASE,
    type_flags::BASE | type_flags::HAVE_GC | type_flags::WEAKREFABLE,
    Slots {
        new: Some(|vm, class, _, _| taipan_runtime::support::allocate(vm, class, BufferedRwPair::default())),
        init: Some(init),
        ..Slots::EMPTY
    },
    &[
        MethodDef::raw("read($self, size=-1, /)", |vm, args, _| forward(vm, args, false, "read"), "Reads from the reader."),
        MethodDef::raw("peek($self, size=0, /)", |vm, args, _| forward(vm, args, false, "peek"), "Looks ahead in the reader."),
        MethodDef::raw("read1($self, size=-1, /)", |vm, args, _| forward(vm, args, false, "read1"), "Reads from the reader with at most one call of its raw stream."),
        MethodDef::raw("readinto($self, buffer, /)", |vm, args, _| forward(vm, args, false, "readinto"), "Reads from the reader into a buffer."),
        MethodDef::raw("readinto1($self, buffer, /)", |vm, args, _| forward(vm, args, false, "readinto1"), "Reads from the reader into a buffer with at most one call of its raw stream."),
        MethodDef::raw("write($self, buffer, /)", |vm, args, _| forward(vm, args, true, "write"), "Writes to the writer."),
        MethodDef::new("flush($self, /)", |vm, args| forward(vm, args, true, "flush"), "Flushes the writer."),
        MethodDef::new("readable($self, /)", |vm, args| forward(vm, args, false, "readable"), "Can one read?"),
        MethodDef::new("writable($self, /)", |vm, args| forward(vm, args, true, "writable"), "Can one write?"),
        MethodDef::new("close($self, /)", close, "Closes both halves."),
        MethodDef::new("isatty($self, /)", |vm, args| {
            let terminal = forward(vm, args, true, "isatty")?;
            if terminal.value() != Value::FALSE { Ok(terminal) } else { forward(vm, args, false, "isatty") }
        }, "Is one of the two a terminal?"),
    ],
    &[GetSetDef::new("closed", |vm, pair| match this::<BufferedRwPair>(pair).writer.bound() {
        Some(writer) => vm.get_attr_str(&writer, "closed"),
        None => Err(vm.runtime_error("the BufferedRWPair object is being garbage-collected")),
    })],
)
.with_dict()
.with_doc("BufferedRWPair(reader, writer, buffer_size=DEFAULT_BUFFER_SIZE, /)\n--\n\nA reader and a writer over two raw streams.\n\nNot for a single stream on which one can seek: use BufferedRandom there.");

static SIG: Sig = Sig::new("BufferedRWPair(reader, writer, buffer_size=131072, /)");

fn init(vm: &Vm, object: &Object, args: &[Object], kwnames: &[Object]) -> Result<()> {
    let args = SIG.bind(vm, args, kwnames)?;
    let size = vm.index_for_item_overflow(&args[2])?;
    base::check_readable(vm, &args[0])?;
    base::check_writable(vm, &args[1])?;
    let size = vm.int(size as i64);
    let pair = this::<BufferedRwPair>(object);
    pair.reader.set(vm.call(&buffered::BUFFERED_READER.to_object(), &[args[0].clone(), size.clone()])?);
    pair.writer.set(vm.call(&buffered::BUFFERED_WRITER.to_object(), &[args[1].clone(), size])?);
    Ok(())
}

fn forward(vm: &Vm, args: &[Object], to_writer: bool, method: &str) -> Result {
    let pair = this::<BufferedRwPair>(&args[0]);
    let half = if to_writer { &pair.writer } else { &pair.reader };
    match half.bound() {
        Some(half) => vm.call_method(&half, method, &args[1..]),
        None => Err(vm.value_error("I/O operation on uninitialized object")),
    }
}

fn close(vm: &Vm, args: &[Object]) -> Result {
    let pair = this::<BufferedRwPair>(&args[0]);
    let half = |half: &ObjectCell| match half.bound() {
        Some(half) => vm.call_method_object(&half, name::close.object(), &[]),
        None => Err(vm.value_error("I/O operation on uninitialized object")),
    };
    let written = half(&pair.writer);
    let first = if written.is_err() { vm.take_raised() } else { None };
    let read = half(&pair.reader);
    base::finish_with(vm, first, read)
}
