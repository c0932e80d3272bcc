//! `zlib.Compress`, what `compressobj` makes.

use super::{Failure, deflate_all};
use crate::support::Shared;
use taipan_compression::zlib::{self as z, Deflate};
use taipan_runtime::prelude::*;
use taipan_runtime::support::{allocate, check_positional, this};
use taipan_runtime::types::bytes;
use taipan_runtime::types::object::OBJECT;

/// Payload of `Compress`; the stream is gone once it is finished.
pub struct Compress(Shared<Option<Deflate>>);

impl NativeClass for Compress {
    fn class() -> &'static Type {
        &COMPRESS
    }
}

/// A row for a method that takes arguments by position only.
const fn method(sig: &'static str, code: taipan_runtime::native::RawFn) -> MethodDef {
    MethodDef { hide_signature: false, ..MethodDef::raw(sig, code, "") }
}

pub static COMPRESS: Type = Type::new::<Compress>(
    "zlib.Compress",
    &OBJECT,
    type_flags::DISALLOW_INSTANTIATION,
    Slots::EMPTY,
    &[
        method("compress($self, data, /)", compress),
        method("flush($self, mode=4, /)", flush),
        method("copy($self, /)", |vm, args, kwnames| copy(vm, "copy", args, kwnames, 0)),
        method("__copy__($self, /)", |vm, args, kwnames| copy(vm, "__copy__", args, kwnames, 0)),
        method("__deepcopy__($self, memo, /)", |vm, args, kwnames| {
            copy(vm, "__deepcopy__", args, kwnames, 1)
        }),
    ],
    &[],
);

/// `compressobj(level, method, wbits, memLevel, strategy, zdict)`.
pub fn compressobj(vm: &Vm, args: &[Object]) -> Result {
    let mut numbers = [0; 5];
    for (number, object) in numbers.iter_mut().zip(args) {
        *number = vm.to_plain_c_int(object)?;
    }
    let dictionary = match args.get(5).and_then(|object| object.bound()) {
        Some(object) => Some(vm.bytes_like(object, "zdict")?),
        None => None,
    };
    let [level, method, wbits, memory_level, strategy] = numbers;
    let mut stream = match Deflate::new(level, method, wbits, memory_level, strategy) {
        Ok(stream) => stream,
        Err(z::Z_MEM_ERROR) => return Err(no_memory(vm)),
        Err(z::Z_STREAM_ERROR) => return Err(vm.value_error("Invalid initialization option")),
        Err(code) => return Err(Failure::new(code, "while creating compression object").raise(vm)),
    };
    if let Some(dictionary) = dictionary {
        if dictionary.len() > u32::MAX as usize {
            return Err(vm.overflow_error("zdict length does not fit in an unsigned int"));
        }
        match stream.set_dictionary(dictionary.bytes()) {
            z::Z_OK => {}
            z::Z_STREAM_ERROR => return Err(vm.value_error("Invalid dictionary")),
            _ => return Err(vm.value_error("deflateSetDictionary()")),
        }
    }
    allocate(vm, &COMPRESS, Compress(Shared::new(Some(stream))))
}

#[cold]
fn no_memory(vm: &Vm) -> Raised {
    vm.error(&exc::MEMORY_ERROR, "Can't allocate memory for compression object")
}

fn compress(vm: &Vm, args: &[Object], kwnames: &[Object]) -> Result {
    check_positional(vm, "compress", args.len() - 1, kwnames, (1, 1))?;
    let data = vm.bytes_like(&args[1], "data")?;
    let result = this::<Compress>(&args[0]).0.work(vm, |stream| {
        let mut out = Vec::new();
        let code = match stream {
            Some(stream) => deflate_all(stream, data.bytes(), &mut out, z::Z_NO_FLUSH),
            None => z::Z_STREAM_ERROR,
        };
        if code == z::Z_STREAM_ERROR || code == z::Z_MEM_ERROR { Err(code) } else { Ok(out) }
    });
    match result {
        Ok(out) => bytes::new(vm, &out),
        Err(code) => Err(Failure::new(code, "while compressing data").raise(vm)),
    }
}

fn flush(vm: &Vm, args: &[Object], kwnames: &[Object]) -> Result {
    check_positional(vm, "flush", args.len() - 1, kwnames, (0, 1))?;
    let mode = match args.get(1) {
        Some(mode) => vm.to_plain_c_int(mode)?,
        None => z::Z_FINISH,
    };
    if mode == z::Z_NO_FLUSH {
        return Ok(vm.bytes(b""));
    }
    let result = this::<Compress>(&args[0]).0.work(vm, |slot| {
        let mut out = Vec::new();
        let (code, message) = match slot {
            Some(stream) => (deflate_all(stream, &[], &mut out, mode), stream.message()),
            None => (z::Z_STREAM_ERROR, None),
        };
        match code {
            z::Z_STREAM_END if mode == z::Z_FINISH => *slot = None,
            z::Z_OK | z::Z_BUF_ERROR => {}
            z::Z_STREAM_ERROR => return Err(Failure::new(code, "while flushing")),
            _ => return Err(Failure { code, message, what: "while flushing" }),
        }
        Ok(out)
    });
    match result {
        Ok(out) => bytes::new(vm, &out),
        Err(failure) => Err(failure.raise(vm)),
    }
}

fn copy(vm: &Vm, name: &str, args: &[Object], kwnames: &[Object], count: usize) -> Result {
    check_positional(vm, name, args.len() - 1, kwnames, (count, count))?;
    let copied = this::<Compress>(&args[0]).0.work(vm, |stream| match stream {
        Some(stream) => stream.try_clone(),
        None => Err(z::Z_STREAM_ERROR),
    });
    match copied {
        Ok(stream) => allocate(vm, &COMPRESS, Compress(Shared::new(Some(stream)))),
        Err(z::Z_STREAM_ERROR) => Err(vm.value_error("Inconsistent stream state")),
        Err(z::Z_MEM_ERROR) => Err(no_memory(vm)),
        Err(code) => Err(Failure::new(code, "while copying compression object").raise(vm)),
    }
}
