//! The `%` operator of bytes and bytearray.

use crate::prelude::*;
use crate::types::bytearray::ByteArray;
use crate::types::bytes::Bytes;
use crate::types::int;
use crate::types::str_format::{
    PercentArgs, percent_error, percent_int, write_percent_float, write_percent_int,
};
use crate::types::str_methods::qualified_type;
use taipan_numeric::percent::{self, Conversion, Field, Item, Items, PercentError};

/// `format % args`. `format` must not change meanwhile: bytearray passes a copy.
pub fn percent_format(vm: &Vm, format: &[u8], args: &Object) -> Result<Vec<u8>> {
    let mut out = Vec::with_capacity(format.len() + 16);
    let mut arguments = PercentArgs::new(args);
    if args.downcast::<Bytes>().is_some() || args.downcast::<ByteArray>().is_some() {
        arguments.not_a_mapping();
    }
    for item in Items::new(format) {
        let item = item.map_err(|e| match e {
            PercentError::PrecisionTooBig => vm.value_error("prec too big"),
            e => percent_error(vm, e),
        })?;
        match item {
            Item::Literal(range) => out.extend_from_slice(&format[range]),
            Item::Conversion(conversion) => convert(vm, format, &conversion, &mut arguments, &mut out)?,
        }
    }
    arguments.finish(vm, "bytes")?;
    Ok(out)
}

fn convert(
    vm: &Vm,
    format: &[u8],
    conversion: &Conversion,
    args: &mut PercentArgs<'_>,
    out: &mut Vec<u8>,
) -> Result<()> {
    if let Some(key) = &conversion.key {
        args.key(vm, || vm.bytes(&format[key.clone()]))?;
    }
    let field = args.field(vm, conversion)?;
    let value = args.take(vm)?;
    conversion.check(true).map_err(|e| percent_error(vm, e))?;
    match field.kind {
        's' | 'b' => push(vm, out, &field, &bytes_of(vm, &value)?),
        'r' | 'a' => {
            let text = vm.ascii(&value)?;
            push(vm, out, &field, text.downcast::<Str>().map_or(&[], |s| s.raw_bytes()))
        }
        'c' => {
            let b = byte_of(vm, &value)?;
            push(vm, out, &field, &[b])
        }
        'e' | 'E' | 'f' | 'F' | 'g' | 'G' => {
            let x = match vm.to_f64(&value) {
                Ok(x) => x,
                Err(raised) => {
                    drop(vm.caught(raised));
                    return Err(
                        vm.type_error(format!("float argument required, not {}", value.ty().full_name()))
                    );
                }
            };
            write_percent_float(vm, out, &field, x)
        }
        _ => {
            let number = percent_int(vm, field.kind, &value)?;
            write_percent_int(vm, out, &field, &number)
        }
    }
}

fn push(vm: &Vm, out: &mut Vec<u8>, field: &Field, bytes: &[u8]) -> Result<()> {
    let (kept, left, right) = percent::layout_text(field, bytes.len()).map_err(|e| percent_error(vm, e))?;
    if out.try_reserve(left + kept + right).is_err() {
        return Err(vm.memory_error());
    }
    out.resize(out.len() + left, b' ');
    out.extend_from_slice(&bytes[..kept]);
    out.resize(out.len() + right, b' ');
    Ok(())
}

/// What `%b` shows.
fn bytes_of(vm: &Vm, value: &Object) -> Result<Vec<u8>> {
    if let Some(bytes) = value.downcast_exact::<Bytes>() {
        return Ok(bytes.as_slice().to_vec());
    }
    if let Some(bytes) = value.downcast::<ByteArray>() {
        return Ok(bytes.as_slice().to_vec());
    }
    if let Some(result) = vm.call_special(value, crate::names::name::bytes.object(), &[])? {
        return match result.downcast::<Bytes>() {
            Some(bytes) => Ok(bytes.as_slice().to_vec()),
            None => {
                Err(vm.type_error(format!("__bytes__ returned non-bytes (type {})", result.ty().full_name())))
            }
        };
    }
    if vm.is_bytes_like(value) {
        let buffer = vm.buffer(value, crate::buffer::flags::FULL_RO)?;
        return buffer.info().copy_out(false).ok_or_else(|| vm.memory_error());
    }
    Err(vm.type_error(format!(
        "%b requires a bytes-like object, or an object that implements __bytes__, not '{}'",
        value.ty().full_name()
    )))
}

/// What `%c` shows.
fn byte_of(vm: &Vm, value: &Object) -> Result<u8> {
    let bytes = match (value.downcast::<Bytes>(), value.downcast::<ByteArray>()) {
        (Some(bytes), _) => Some(bytes.as_slice()),
        (_, Some(bytes)) => Some(bytes.as_slice()),
        _ => None,
    };
    if let Some(bytes) = bytes {
        return match bytes {
            [b] => Ok(*b),
            _ => Err(vm.type_error(format!(
                "%c requires an integer in range(256) or a single byte, not a {} object of length {}",
                value.ty().full_name(),
                bytes.len()
            ))),
        };
    }
    if vm.is_index(value) {
        let index = vm.index(value)?;
        return int::to_i64(&index)
            .and_then(|n| u8::try_from(n).ok())
            .ok_or_else(|| vm.overflow_error("%c arg not in range(256)"));
    }
    Err(vm.type_error(format!(
        "%c requires an integer in range(256) or a single byte, not {}",
        qualified_type(vm, value)
    )))
}
