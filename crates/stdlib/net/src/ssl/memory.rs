//! `MemoryBIO`, a buffer to talk through, and `SSLSession`.

use super::errors;
use taipan_runtime::prelude::*;
use taipan_runtime::support::{allocate, no_keywords, this};
use taipan_runtime::types::bytes;
use taipan_runtime::types::object::OBJECT;
use taipan_tls::MemoryBuffer;

/// Payload of `MemoryBIO`.
pub struct MemoryBio(pub MemoryBuffer);

impl NativeClass for MemoryBio {
    fn class() -> &'static Type {
        &MEMORY_BIO
    }
}

pub static MEMORY_BIO: Type = Type::new::<MemoryBio>(
    "_ssl.MemoryBIO",
    &OBJECT,
    type_flags::BASE | type_flags::IMMUTABLE,
    Slots {
        new: Some(|vm, class, args, kwnames| {
            let args = no_keywords(vm, class, &MEMORY_BIO, args, kwnames)?;
            if !args.is_empty() {
                return Err(vm.type_error("MemoryBIO() takes no positional arguments"));
            }
            allocate(vm, class, MemoryBio(MemoryBuffer::default()))
        }),
        ..Slots::EMPTY
    },
    &[
        MethodDef::new(
            "read($self, size=-1, /)",
            |vm, args| {
                let size = vm.to_plain_c_int(&args[1])?;
                let most = usize::try_from(size).unwrap_or(usize::MAX);
                this::<MemoryBio>(&args[0]).0.take(most, |data| bytes::new(vm, data))
            },
            "Takes bytes out: at most size, all if that is negative.",
        ),
        MethodDef::new(
            "write($self, b, /)",
            |vm, args| {
                let data = vm.bytes_like(&args[1], "b")?;
                let buffer = &this::<MemoryBio>(&args[0]).0;
                if buffer.is_ended() {
                    return Err(errors::bare(vm, "cannot write() after write_eof()"));
                }
                if !buffer.put(data.bytes()) {
                    return Err(vm.memory_error());
                }
                Ok(vm.usize(data.len()))
            },
            "Puts bytes in and returns how many.",
        ),
        MethodDef::new(
            "write_eof($self, /)",
            |_, args| {
                this::<MemoryBio>(&args[0]).0.set_end();
                Ok(Object::NONE)
            },
            "Says that no more will come.",
        ),
    ],
    &[
        GetSetDef::new("pending", |vm, object| Ok(vm.usize(this::<MemoryBio>(object).0.len())))
            .with_doc("How many bytes there are to read."),
        GetSetDef::new("eof", |_, object| Ok(Object::bool(this::<MemoryBio>(object).0.at_end())))
            .with_doc("True if nothing is left and nothing will come."),
    ],
);

/// Payload of `SSLSession`.
pub struct Session {
    pub session: taipan_tls::Session,
    pub context: Object,
}

impl NativeClass for Session {
    fn class() -> &'static Type {
        &SESSION
    }
    fn traverse(&self, visitor: &mut Visitor) {
        visitor.visit(self.context.value());
    }
}

pub static SESSION: Type = Type::new::<Session>(
    "_ssl.SSLSession",
    &OBJECT,
    type_flags::DISALLOW_INSTANTIATION | type_flags::HAVE_GC | type_flags::IMMUTABLE,
    Slots {
        hash: Some(
            |vm, object| Err(vm.type_error(format!("unhashable type: '{}'", object.ty().full_name()))),
        ),
        compare: Some(|_, a, b, op| {
            let (Some(x), Some(y)) = (a.downcast::<Session>(), b.downcast::<Session>()) else {
                return Ok(Object::immediate(Value::NOT_IMPLEMENTED));
            };
            let same = a.is(b.value()) || x.session.id() == y.session.id();
            match op {
                CompareOp::Eq => Ok(Object::bool(same)),
                CompareOp::Ne => Ok(Object::bool(!same)),
                _ => Ok(Object::immediate(Value::NOT_IMPLEMENTED)),
            }
        }),
        ..Slots::EMPTY
    },
    &[],
    &[
        GetSetDef::new("has_ticket", |_, object| {
            Ok(Object::bool(this::<Session>(object).session.has_ticket()))
        })
        .with_doc("Does the session contain a ticket?"),
        GetSetDef::new("id", |vm, object| bytes::new(vm, &this::<Session>(object).session.id()))
            .with_doc("Session ID."),
        GetSetDef::new("ticket_lifetime_hint", |vm, object| {
            Ok(vm.u64(this::<Session>(object).session.ticket_lifetime()))
        })
        .with_doc("Ticket life time hint."),
        GetSetDef::new("time", |vm, object| Ok(vm.int(this::<Session>(object).session.time())))
            .with_doc("Session creation time (seconds since epoch)."),
        GetSetDef::new("timeout", |vm, object| Ok(vm.int(this::<Session>(object).session.timeout())))
            .with_doc("Session timeout (delta in seconds)."),
    ],
);
