//! How values are passed: the descriptions of types that libffi wants.
//!
//! Structures are described by the scalars they are made of. Where scalars overlap
//! (unions, bit fields), each eight bytes become whole numbers if one of their scalars
//! is, as the calling conventions of 64-bit systems have it.

use crate::info::{self, Info, Kind};
use crate::memory::Place;
use crate::param::Content;
use libffi_sys as ffi;
use std::ptr::null_mut;
use taipan_runtime::prelude::*;

/// An argument's bytes.
pub enum Passed {
    /// Of the simple type with this letter.
    Scalar(u8, Content),
    /// Of a structure or union of this class.
    Aggregate(Place, Object),
}

/// A description of a structure, which libffi may look at as long as this lives.
pub struct Abi {
    description: Box<ffi::ffi_type>,
    /// What `description` points to.
    _elements: Box<[*mut ffi::ffi_type]>,
}

/// libffi's description of a simple type.
pub fn scalar(code: u8) -> *mut ffi::ffi_type {
    match code {
        b'b' | b'c' => &raw mut ffi::ffi_type_sint8,
        b'B' | b'?' => &raw mut ffi::ffi_type_uint8,
        b'h' | b'v' => &raw mut ffi::ffi_type_sint16,
        b'H' => &raw mut ffi::ffi_type_uint16,
        b'i' | b'u' => &raw mut ffi::ffi_type_sint32,
        b'I' => &raw mut ffi::ffi_type_uint32,
        b'l' | b'q' => &raw mut ffi::ffi_type_sint64,
        b'L' | b'Q' => &raw mut ffi::ffi_type_uint64,
        b'f' => &raw mut ffi::ffi_type_float,
        b'd' => &raw mut ffi::ffi_type_double,
        b'g' => &raw mut ffi::ffi_type_longdouble,
        b'F' => &raw mut ffi::ffi_type_complex_float,
        b'D' => &raw mut ffi::ffi_type_complex_double,
        b'G' => &raw mut ffi::ffi_type_complex_longdouble,
        _ => &raw mut ffi::ffi_type_pointer,
    }
}

/// No value.
pub fn void() -> *mut ffi::ffi_type {
    &raw mut ffi::ffi_type_void
}

/// libffi's description of a class; what it points to lives as long as the class.
pub fn of(info: &Info) -> *mut ffi::ffi_type {
    match info.kind {
        Kind::Simple => scalar(info.code),
        Kind::Pointer | Kind::Function | Kind::Array => scalar(b'P'),
        Kind::Struct | Kind::Union => {
            let abi = info.abi.get_or_init(|| describe(info));
            // libffi writes into descriptions only while their size is unknown.
            (&raw const *abi.description).cast_mut()
        }
    }
}

/// Beyond this size nothing is passed in registers.
const LARGEST: usize = 64;

/// A scalar inside of a structure.
struct Scalar {
    offset: usize,
    size: usize,
    code: u8,
}

/// Collects the scalars of a class that lies at `offset`; false: there are too many.
fn flatten(info: &Info, offset: usize, out: &mut Vec<Scalar>, depth: u32) -> bool {
    if out.len() > LARGEST || depth > 100 {
        return false;
    }
    match info.kind {
        Kind::Simple => {
            let size = info.size.get();
            match info.code {
                b'F' | b'D' | b'G' => {
                    let code = [b'f', b'd', b'g'][(size / 16).min(2)];
                    out.push(Scalar { offset, size: size / 2, code });
                    out.push(Scalar { offset: offset + size / 2, size: size / 2, code });
                }
                code => out.push(Scalar { offset, size, code }),
            }
            true
        }
        Kind::Pointer | Kind::Function => {
            out.push(Scalar { offset, size: 8, code: b'P' });
            true
        }
        Kind::Array => {
            let Some(item) = info.item() else { return true };
            let Some(item) = info::of_class(&item) else { return true };
            (0..info.length.get()).all(|i| flatten(item, offset + i * item.size.get(), out, depth + 1))
        }
        Kind::Struct | Kind::Union => info.members.borrow().iter().all(|member| {
            info::of_class(&member.class)
                .is_none_or(|inner| flatten(inner, offset + member.offset, out, depth + 1))
        }),
    }
}

/// Numbers that cover `size` bytes.
fn cover(mut size: usize, out: &mut Vec<*mut ffi::ffi_type>) {
    for (width, code) in [(8, b'Q'), (4, b'I'), (2, b'H'), (1, b'B')] {
        while size >= width {
            out.push(scalar(code));
            size -= width;
        }
    }
}

fn describe(info: &Info) -> Abi {
    let size = info.size.get();
    let mut scalars = Vec::new();
    let mut elements = Vec::new();
    let few = size <= LARGEST && flatten(info, 0, &mut scalars, 0);
    let mut end = 0;
    let apart = scalars.iter().all(|s| {
        let next = s.offset >= end && s.offset % s.size.max(1) == 0;
        end = s.offset + s.size;
        next
    });
    if !few {
        // It goes through memory, whatever it is made of.
        cover(size.min(4096), &mut elements);
    } else if apart && !scalars.is_empty() {
        elements.extend(scalars.iter().map(|s| scalar(s.code)));
    } else {
        let mut start = 0;
        while start < size {
            let width = (size - start).min(8);
            let here = || scalars.iter().filter(|s| s.offset < start + width && s.offset + s.size > start);
            let floats = here().all(|s| matches!(s.code, b'f' | b'd')) && here().next().is_some();
            match (floats, width) {
                (true, 8) if here().any(|s| s.code == b'd') => elements.push(scalar(b'd')),
                (true, 8) => elements.extend([scalar(b'f'); 2]),
                (true, 4) => elements.push(scalar(b'f')),
                _ => cover(width, &mut elements),
            }
            start += width;
        }
    }
    if elements.is_empty() {
        // libffi wants one.
        elements.push(scalar(b'B'));
    }
    elements.push(null_mut());
    let mut elements = elements.into_boxed_slice();
    let description = Box::new(ffi::ffi_type {
        size: size.max(1),
        alignment: info.align.get().clamp(1, 1 << 15) as u16,
        type_: ffi::FFI_TYPE_STRUCT,
        elements: elements.as_mut_ptr(),
    });
    Abi { description, _elements: elements }
}

/// The description of what a function returns.
pub fn of_result(restype: &Object) -> *mut ffi::ffi_type {
    if restype.is_none() {
        return void();
    }
    info::of_class(restype).map_or(scalar(b'i'), of)
}
