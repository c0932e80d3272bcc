//! `pickle.PickleBuffer`: an object with a buffer that a pickler may leave out
//! of the pickle (PEP 574).

use std::borrow::Cow;
use std::cell::RefCell;
use taipan_runtime::buffer::{self, BufferInfo, flags};
use taipan_runtime::prelude::*;
use taipan_runtime::support::{allocate, check_positional, this};
use taipan_runtime::types::cell::ObjectCell;
use taipan_runtime::types::memoryview;
use taipan_runtime::types::object::OBJECT;

/// Payload of `PickleBuffer`: a held buffer, until it is released.
pub struct PickleBuffer {
    source: ObjectCell,
    held: RefCell<Option<BufferInfo>>,
}

impl NativeClass for PickleBuffer {
    fn class() -> &'static Type {
        &PICKLE_BUFFER
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.source.traverse(visitor);
        if let Ok(held) = self.held.try_borrow()
            && let Some(held) = &*held
        {
            visitor.visit_object(&held.owner);
        }
    }
    fn clear(&self) {
        self.release(Vm::current());
    }
}

impl Drop for PickleBuffer {
    fn drop(&mut self) {
        if self.held.get_mut().is_some() {
            self.release(Vm::current());
        }
    }
}

impl PickleBuffer {
    /// The object whose buffer it is.
    pub fn object(&self, vm: &Vm) -> Result {
        self.source
            .bound()
            .ok_or_else(|| vm.value_error("operation forbidden on released PickleBuffer object"))
    }
    fn release(&self, vm: &Vm) {
        let held = self.held.borrow_mut().take();
        if let Some(held) = held {
            buffer::release(vm, &held);
        }
        self.source.clear();
    }
}

pub static PICKLE_BUFFER: Type = Type::new::<PickleBuffer>(
    "pickle.PickleBuffer",
    &OBJECT,
    type_flags::HAVE_GC | type_flags::WEAKREFABLE,
    Slots {
        new: Some(new),
        buffer: Some(|vm, object, flags| {
            let source = this::<PickleBuffer>(object).object(vm)?;
            Ok(vm.buffer(&source, flags)?.into_info())
        }),
        ..Slots::EMPTY
    },
    &[
        MethodDef::new("raw($self, /)", raw, "Return a memoryview of the raw memory underlying this buffer.\nWill raise BufferError is the buffer isn't contiguous."),
        MethodDef::new("release($self, /)", |vm, args| {
            this::<PickleBuffer>(&args[0]).release(vm);
            Ok(Object::NONE)
        }, "Release the underlying buffer exposed by the PickleBuffer object."),
    ],
    &[],
)
.with_doc("Wrapper for potentially out-of-band buffers");

fn new(vm: &Vm, class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    check_positional(vm, "PickleBuffer", args.len(), kwnames, (1, 1))?;
    let held = vm.buffer(&args[0], flags::FULL_RO)?.into_info();
    let source = ObjectCell::new(args[0].clone());
    allocate(vm, class, PickleBuffer { source, held: RefCell::new(Some(held)) })
}

fn raw(vm: &Vm, args: &[Object]) -> Result {
    let source = this::<PickleBuffer>(&args[0]).object(vm)?;
    let held = vm.buffer(&source, flags::FULL_RO)?;
    let info = held.info();
    if !info.is_c_contiguous() && !info.is_f_contiguous() {
        return Err(vm.buffer_error("cannot extract raw buffer from non-contiguous buffer"));
    }
    // The same memory as plain bytes.
    let mut info = held.into_info();
    info.itemsize = 1;
    info.format = Cow::Borrowed("B");
    info.dims = None;
    memoryview::from_info(vm, info)
}
