//! Pickling of arrays: the reduction names the machine's format of the items
//! by a number, the reconstruction converts from the formats of others.

use super::kind::Kind;
use super::{ARRAY_TYPE, Array};
use taipan_numeric::BigInt;
use taipan_runtime::prelude::*;
use taipan_runtime::support::this;
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::{int, tuple};

/// A machine format: bytes of an item, signed, big-endian.
struct Machine {
    size: usize,
    signed: bool,
    big: bool,
}

const UTF16_LE: i64 = 18;
const UTF32_LE: i64 = 20;

fn machine(code: i64) -> Option<Machine> {
    // Numbered by size; then unsigned before signed, little-endian before big.
    let by_size = |size, index: i64| Machine { size, signed: index & 2 != 0, big: index & 1 != 0 };
    Some(match code {
        0 | 1 => Machine { size: 1, signed: code == 1, big: false },
        2..=5 => by_size(2, code - 2),
        6..=9 => by_size(4, code - 6),
        10..=13 => by_size(8, code - 10),
        14 | 15 => by_size(4, code - 14),
        16 | 17 => by_size(8, code - 16),
        18 | 19 => by_size(4, code - 18),
        20 | 21 => by_size(8, code - 20),
        _ => return None,
    })
}

/// The machine format of an array's items here.
fn own_format(kind: Kind) -> i64 {
    let big = cfg!(target_endian = "big") as i64;
    match kind.code {
        b'b' => 1,
        b'B' => 0,
        b'u' | b'w' => UTF32_LE + big,
        b'f' => 14 + big,
        b'd' => 16 + big,
        code => {
            let base = match kind.size {
                2 => 2,
                4 => 6,
                _ => 10,
            };
            base + 2 * code.is_ascii_lowercase() as i64 + big
        }
    }
}

pub fn reduce_ex(vm: &Vm, args: &[Object]) -> Result {
    let array = &args[0];
    let this = this::<Array>(array);
    if !int::is_any_int(&args[1]) {
        return Err(vm.type_error("__reduce_ex__ argument should be an integer"));
    }
    let protocol = vm.to_i64(&args[1])?;
    let state = vm.lookup_attr_str(array, "__dict__")?.unwrap_or(Object::NONE);
    let class = array.ty().to_object();
    let code = vm.str(&(this.kind.code as char).to_string());
    if protocol < 3 {
        let items = vm.list(this.to_vec(vm));
        return Ok(tuple::from_array(vm, [class, tuple::from_array(vm, [code, items]), state]));
    }
    let module = vm.import_module("array")?;
    let function = vm.get_attr_str(&module, "_array_reconstructor")?;
    let bytes = vm.bytes(&this.bytes());
    let new_args = tuple::from_array(vm, [class, code, vm.int(own_format(this.kind)), bytes]);
    Ok(tuple::from_array(vm, [function, new_args, state]))
}

/// `_array_reconstructor(arraytype, typecode, mformat_code, items)`.
pub fn reconstruct(vm: &Vm, args: &[Object]) -> Result {
    let Some(class) = Type::of(&args[0]) else {
        let shown = args[0].ty().full_name();
        return Err(vm.type_error(format!("first argument must be a type object, not {shown}")));
    };
    if !class.is_subtype(&ARRAY_TYPE) {
        return Err(vm.type_error(format!("{} is not a subtype of array.array", class.full_name())));
    }
    let code = super::type_code(vm, &args[1], "_array_reconstructor() argument 2")?;
    let Some(kind) = Kind::of(code) else {
        return Err(vm.value_error("second argument must be a valid type code"));
    };
    let format = vm.to_c_int(&args[2])? as i64;
    let Some(machine) = machine(format) else {
        return Err(vm.value_error("third argument must be a valid machine format code."));
    };
    let Some(items) = args[3].downcast::<Bytes>() else {
        let shown = args[3].ty().full_name();
        return Err(vm.type_error(format!("fourth argument should be bytes, not {shown}")));
    };
    let build =
        |code: u8, initial: Object| vm.call(&args[0], &[vm.str(&(code as char).to_string()), initial]);
    if format == own_format(kind) {
        return build(kind.code, args[3].clone());
    }
    let bytes = items.as_slice();
    if bytes.len() % machine.size != 0 {
        return Err(vm.value_error("string length not a multiple of item size"));
    }
    let chunks = bytes.chunks_exact(machine.size);
    let word = |chunk: &[u8]| {
        let fold = |n: u64, &b: &u8| n << 8 | b as u64;
        if machine.big { chunk.iter().fold(0, fold) } else { chunk.iter().rev().fold(0, fold) }
    };
    match format {
        0..=13 => {
            // An integer type of that size; the last one, if there are several.
            let own = match (machine.size, machine.signed) {
                (1, true) => b'b',
                (1, false) => b'B',
                (2, true) => b'h',
                (2, false) => b'H',
                (4, true) => b'i',
                (4, false) => b'I',
                (_, true) => b'q',
                (_, false) => b'Q',
            };
            let shift = 64 - machine.size as u32 * 8;
            let values = chunks.map(|chunk| match machine.signed {
                true => vm.int((word(chunk) << shift) as i64 >> shift),
                false => int::from_big(vm, BigInt::from(word(chunk))),
            });
            build(own, vm.list(values.collect()))
        }
        14 | 15 => {
            let values = chunks.map(|chunk| vm.float(f32::from_bits(word(chunk) as u32) as f64));
            build(kind.code, vm.list(values.collect()))
        }
        16 | 17 => {
            build(kind.code, vm.list(chunks.map(|chunk| vm.float(f64::from_bits(word(chunk)))).collect()))
        }
        _ => {
            let codec = match (format & !1 == UTF16_LE, machine.big) {
                (true, false) => "utf-16-le",
                (true, true) => "utf-16-be",
                (false, false) => "utf-32-le",
                (false, true) => "utf-32-be",
            };
            let text = vm.call_method(&args[3], "decode", &[vm.str(codec)])?;
            build(kind.code, text)
        }
    }
}
