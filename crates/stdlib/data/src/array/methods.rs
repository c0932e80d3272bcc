//! The methods of `array.array`.

use super::{Array, kind, make};
use taipan_runtime::prelude::*;
use taipan_runtime::support::this;
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::{slice, str, tuple};

pub fn append(vm: &Vm, args: &[Object]) -> Result {
    this::<Array>(&args[0]).push(vm, &args[1])?;
    Ok(Object::NONE)
}

pub fn buffer_info(vm: &Vm, args: &[Object]) -> Result {
    let this = this::<Array>(&args[0]);
    let address = this.bytes().as_ptr() as usize;
    Ok(tuple::from_array(vm, [vm.usize(address), vm.usize(this.len())]))
}

pub fn byteswap(_vm: &Vm, args: &[Object]) -> Result {
    let this = this::<Array>(&args[0]);
    this.bytes_mut().chunks_exact_mut(this.kind.size).for_each(|item| item.reverse());
    Ok(Object::NONE)
}

pub fn clear(vm: &Vm, args: &[Object]) -> Result {
    let this = this::<Array>(&args[0]);
    if this.len() > 0 {
        this.check_resize(vm)?;
        this.bytes_mut().clear();
    }
    Ok(Object::NONE)
}

pub fn copy(vm: &Vm, args: &[Object]) -> Result {
    let this = this::<Array>(&args[0]);
    let bytes = this.bytes().clone();
    make(vm, &super::ARRAY_TYPE, this.kind, bytes)
}

/// The first position from `start` to `stop` of an item that equals `wanted`.
pub fn find(vm: &Vm, array: &Array, wanted: &Object, start: usize, stop: usize) -> Result<Option<usize>> {
    let mut i = start;
    while i < stop
        && let Some(item) = array.get(vm, i)
    {
        let equal = vm.compare(&item, wanted, CompareOp::Eq)?;
        if vm.is_true(&equal)? {
            return Ok(Some(i));
        }
        i += 1;
    }
    Ok(None)
}

pub fn count(vm: &Vm, args: &[Object]) -> Result {
    let this = this::<Array>(&args[0]);
    let (mut n, mut i) = (0, 0);
    while let Some(at) = find(vm, this, &args[1], i, usize::MAX)? {
        n += 1;
        i = at + 1;
    }
    Ok(vm.int(n))
}

pub fn index(vm: &Vm, args: &[Object]) -> Result {
    let this = this::<Array>(&args[0]);
    let stop = args[3].bound().cloned().unwrap_or_else(|| vm.int(i64::MAX));
    let (start, stop) = slice::clip_range(vm, &args[2], &stop, this.len())?;
    match find(vm, this, &args[1], start, stop)? {
        Some(i) => Ok(vm.usize(i)),
        None => Err(vm.value_error("array.index(x): x not in array")),
    }
}

pub fn remove(vm: &Vm, args: &[Object]) -> Result {
    let this = this::<Array>(&args[0]);
    let Some(i) = find(vm, this, &args[1], 0, usize::MAX)? else {
        return Err(vm.value_error("array.remove(x): x not in array"));
    };
    this.check_resize(vm)?;
    take(this, i);
    Ok(Object::NONE)
}

/// Removes item `i`, if it is still there.
fn take(this: &Array, i: usize) {
    let size = this.kind.size;
    let mut bytes = this.bytes_mut();
    if (i + 1) * size <= bytes.len() {
        bytes.drain(i * size..(i + 1) * size);
    }
}

pub fn pop(vm: &Vm, args: &[Object]) -> Result {
    let this = this::<Array>(&args[0]);
    let index = vm.index_isize(&args[1])?;
    let len = this.len() as isize;
    if len == 0 {
        return Err(vm.index_error("pop from empty array"));
    }
    let index = if index < 0 { index + len } else { index };
    let found = usize::try_from(index).ok().and_then(|i| this.get(vm, i));
    let Some(item) = found else { return Err(vm.index_error("pop index out of range")) };
    this.check_resize(vm)?;
    take(this, index as usize);
    Ok(item)
}

pub fn insert(vm: &Vm, args: &[Object]) -> Result {
    let this = this::<Array>(&args[0]);
    let index = vm.index_isize(&args[1])?;
    let packed = this.kind.pack(vm, &args[2])?;
    this.check_resize(vm)?;
    let len = this.len() as isize;
    let at = if index < 0 { (index + len).max(0) } else { index.min(len) } as usize;
    let size = this.kind.size;
    let mut bytes = this.bytes_mut();
    if bytes.try_reserve(size).is_err() {
        return Err(vm.memory_error());
    }
    bytes.splice(at * size..at * size, packed[..size].iter().copied());
    Ok(Object::NONE)
}

pub fn reverse(_vm: &Vm, args: &[Object]) -> Result {
    let this = this::<Array>(&args[0]);
    let mut bytes = this.bytes_mut();
    bytes.reverse();
    bytes.chunks_exact_mut(this.kind.size).for_each(|item| item.reverse());
    Ok(Object::NONE)
}

/// Appends the items of an array of the same kind, or of an iterable.
pub fn extend_by(vm: &Vm, array: &Object, source: &Object) -> Result<()> {
    let this = this::<Array>(array);
    let Some(other) = source.downcast::<Array>() else {
        return vm.for_each(source, |item| this.push(vm, &item));
    };
    if other.kind.code != this.kind.code {
        return Err(vm.type_error("can only extend with array of same kind"));
    }
    let more = other.bytes().clone();
    if !more.is_empty() {
        this.check_resize(vm)?;
    }
    this.append_bytes(vm, &more)
}

pub fn fromlist(vm: &Vm, args: &[Object]) -> Result {
    let this = this::<Array>(&args[0]);
    let Some(list) = args[1].downcast::<List>() else { return Err(vm.type_error("arg must be list")) };
    let items = list.to_vec();
    let mut packed = Vec::with_capacity(items.len() * this.kind.size);
    for item in &items {
        packed.extend_from_slice(&this.kind.pack(vm, item)?[..this.kind.size]);
        if list.len() != items.len() {
            return Err(vm.runtime_error("list changed size during iteration"));
        }
    }
    if !packed.is_empty() {
        this.check_resize(vm)?;
    }
    this.append_bytes(vm, &packed)?;
    Ok(Object::NONE)
}

/// Appends machine values from a buffer.
pub fn append_buffer(vm: &Vm, this: &Array, source: &Object) -> Result<()> {
    let buffer = vm.bytes_like(source, "frombytes() argument")?;
    if buffer.len() % this.kind.size != 0 {
        return Err(vm.value_error("bytes length not a multiple of item size"));
    }
    let more = buffer.bytes().to_vec();
    drop(buffer);
    if !more.is_empty() {
        this.check_resize(vm)?;
    }
    this.append_bytes(vm, &more)
}

pub fn frombytes(vm: &Vm, args: &[Object]) -> Result {
    append_buffer(vm, this(&args[0]), &args[1])?;
    Ok(Object::NONE)
}

pub fn fromfile(vm: &Vm, args: &[Object]) -> Result {
    let this = this::<Array>(&args[0]);
    let n = vm.index_isize(&args[2])?;
    if n < 0 {
        return Err(vm.value_error("negative count"));
    }
    let Some(wanted) = (n as usize).checked_mul(this.kind.size).filter(|&n| n <= isize::MAX as usize) else {
        return Err(vm.memory_error());
    };
    let read = vm.call_method(&args[1], "read", &[vm.usize(wanted)])?;
    let Some(bytes) = read.downcast::<Bytes>() else {
        return Err(vm.type_error("read() didn't return bytes"));
    };
    let short = bytes.len() < wanted;
    append_buffer(vm, this, &read)?;
    if short {
        return Err(vm.eof_error("read() didn't return enough bytes"));
    }
    Ok(Object::NONE)
}

pub fn tofile(vm: &Vm, args: &[Object]) -> Result {
    const BLOCK: usize = 64 * 1024;
    let this = this::<Array>(&args[0]);
    let mut start = 0;
    loop {
        let block = match this.bytes().get(start..) {
            Some(rest) if !rest.is_empty() => rest[..rest.len().min(BLOCK)].to_vec(),
            _ => break,
        };
        start += block.len();
        vm.call_method(&args[1], "write", &[vm.bytes(&block)])?;
    }
    if start == 0 {
        // Even nothing needs something that can be written to.
        vm.get_attr_str(&args[1], "write")?;
    }
    Ok(Object::NONE)
}

fn check_text(vm: &Vm, this: &Array, method: &str) -> Result<()> {
    if this.kind.is_text() {
        return Ok(());
    }
    Err(vm.value_error(format!("{method}() may only be called on unicode type arrays ('u' or 'w')")))
}

pub fn fromunicode(vm: &Vm, args: &[Object]) -> Result {
    let this = this::<Array>(&args[0]);
    let Some(s) = args[1].downcast::<Str>() else {
        let shown = if args[1].is_none() { "None" } else { args[1].ty().name() };
        return Err(vm.type_error(format!("fromunicode() argument must be str, not {shown}")));
    };
    check_text(vm, this, "fromunicode")?;
    if !s.is_empty() {
        this.check_resize(vm)?;
    }
    this.append_bytes(vm, &kind::text_bytes(s))?;
    Ok(Object::NONE)
}

/// The characters of an array as a string.
pub fn text_of(vm: &Vm, this: &Array) -> Result {
    let bytes = this.bytes();
    let (words, _) = bytes.as_chunks::<4>();
    let chars: Vec<u32> = words.iter().map(|word| u32::from_ne_bytes(*word)).collect();
    if chars.iter().any(|&c| c > 0x10ffff) {
        return Err(vm.value_error("character is not in range [U+0000; U+10ffff]"));
    }
    Ok(str::from_code_points(vm, &chars))
}

pub fn tounicode(vm: &Vm, args: &[Object]) -> Result {
    let this = this::<Array>(&args[0]);
    check_text(vm, this, "tounicode")?;
    text_of(vm, this)
}
