//! The buffer protocol: [`BufferInfo`] is what an exporter's `buffer` slot
//! fills in, [`Buffer`] a view held by native code and given back when it is
//! dropped. Below, `__buffer__` and `__release_buffer__` of PEP 688 in both
//! directions.
//!
//! An exporter must keep the memory in place (not resize it) between the call
//! of its `buffer` slot and that of its `release_buffer` slot.

use crate::names::name;
use crate::prelude::*;
use crate::types::cell::ObjectCell;
use crate::types::memoryview::{self, MemoryView};
use std::borrow::Cow;

/// Requests, numbered as CPython's `PyBUF_*`.
pub mod flags {
    pub const SIMPLE: u32 = 0;
    pub const WRITABLE: u32 = 1;
    pub const FORMAT: u32 = 4;
    pub const ND: u32 = 8;
    pub const STRIDES: u32 = 0x10 | ND;
    pub const C_CONTIGUOUS: u32 = 0x20 | STRIDES;
    pub const F_CONTIGUOUS: u32 = 0x40 | STRIDES;
    pub const ANY_CONTIGUOUS: u32 = 0x80 | STRIDES;
    pub const INDIRECT: u32 = 0x100 | STRIDES;
    pub const FULL: u32 = INDIRECT | WRITABLE | FORMAT;
    pub const FULL_RO: u32 = INDIRECT | FORMAT;
}

/// Most dimensions a buffer may have.
pub const MAX_NDIM: usize = 64;

/// Shape, strides and suboffsets (empty if there are none), one per dimension.
#[derive(Clone, Debug, Default)]
pub struct Dims {
    pub shape: Vec<isize>,
    pub strides: Vec<isize>,
    pub suboffsets: Vec<isize>,
}

impl Dims {
    /// C-contiguous dimensions of this shape.
    pub fn contiguous(shape: Vec<isize>, itemsize: usize) -> Dims {
        let strides = c_strides(&shape, itemsize);
        Dims { shape, strides, suboffsets: Vec::new() }
    }
}

/// Strides of a C-contiguous array.
pub fn c_strides(shape: &[isize], itemsize: usize) -> Vec<isize> {
    let mut strides = vec![0; shape.len()];
    let mut step = itemsize as isize;
    for (stride, n) in strides.iter_mut().zip(shape).rev() {
        *stride = step;
        step = step.wrapping_mul(*n);
    }
    strides
}

/// Strides of a Fortran-contiguous array.
pub fn f_strides(shape: &[isize], itemsize: usize) -> Vec<isize> {
    let mut step = itemsize as isize;
    shape
        .iter()
        .map(|n| {
            let stride = step;
            step = step.wrapping_mul(*n);
            stride
        })
        .collect()
}

/// A description of an object's memory.
#[derive(Clone)]
pub struct BufferInfo {
    /// The exporter: kept alive, and told when the buffer is given back.
    pub owner: Object,
    pub ptr: *mut u8,
    /// Bytes in all (shape times itemsize).
    pub len: usize,
    pub readonly: bool,
    pub itemsize: usize,
    /// In the notation of the `struct` module.
    pub format: Cow<'static, str>,
    /// None: one dimension, contiguous.
    pub dims: Option<Box<Dims>>,
}

impl BufferInfo {
    /// Plain bytes; BufferError if `flags` asks for more than there is.
    pub fn simple(
        vm: &Vm,
        owner: &Object,
        ptr: *mut u8,
        len: usize,
        readonly: bool,
        flags: u32,
    ) -> Result<BufferInfo> {
        if readonly && flags & flags::WRITABLE != 0 {
            return Err(vm.buffer_error("Object is not writable."));
        }
        Ok(BufferInfo {
            owner: owner.clone(),
            ptr,
            len,
            readonly,
            itemsize: 1,
            format: Cow::Borrowed("B"),
            dims: None,
        })
    }
    pub fn ndim(&self) -> usize {
        self.dims.as_ref().map_or(1, |d| d.shape.len())
    }
    /// The dimensions, spelt out.
    pub fn dims(&self) -> Cow<'_, Dims> {
        match &self.dims {
            Some(dims) => Cow::Borrowed(dims),
            None => {
                let items = self.len / self.itemsize.max(1);
                Cow::Owned(Dims::contiguous(vec![items as isize], self.itemsize))
            }
        }
    }
    pub fn is_c_contiguous(&self) -> bool {
        match &self.dims {
            None => true,
            Some(dims) => is_c_contiguous(dims, self.itemsize, self.len),
        }
    }
    pub fn is_f_contiguous(&self) -> bool {
        match &self.dims {
            None => true,
            Some(dims) => is_f_contiguous(dims, self.itemsize, self.len),
        }
    }
    /// The bytes in the order 'C' or 'F', copied together; None if there is no memory.
    pub fn copy_out(&self, fortran: bool) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        out.try_reserve_exact(self.len).ok()?;
        if (!fortran && self.is_c_contiguous()) || (fortran && self.is_f_contiguous()) {
            // SAFETY: the exporter vouches for `len` bytes.
            unsafe { copy_raw(self.ptr, self.len, &mut out) };
            return Some(out);
        }
        let dims = self.dims();
        for_each_item(self.ptr, &dims, fortran, &mut |item| {
            // SAFETY: items lie within the exported memory.
            unsafe { copy_raw(item, self.itemsize, &mut out) }
        });
        Some(out)
    }
}

/// # Safety
/// `len` bytes can be read at `ptr` (which may be anything if `len` is 0).
unsafe fn copy_raw(ptr: *const u8, len: usize, out: &mut Vec<u8>) {
    if len > 0 {
        // SAFETY: says the caller.
        out.extend_from_slice(unsafe { std::slice::from_raw_parts(ptr, len) });
    }
}

pub fn is_c_contiguous(dims: &Dims, itemsize: usize, len: usize) -> bool {
    if !dims.suboffsets.is_empty() {
        return false;
    }
    if len == 0 {
        return true;
    }
    let mut step = itemsize as isize;
    for (n, stride) in dims.shape.iter().zip(&dims.strides).rev() {
        if *n > 1 && *stride != step {
            return false;
        }
        step *= n;
    }
    true
}

pub fn is_f_contiguous(dims: &Dims, itemsize: usize, len: usize) -> bool {
    if !dims.suboffsets.is_empty() {
        return false;
    }
    if len == 0 {
        return true;
    }
    let mut step = itemsize as isize;
    for (n, stride) in dims.shape.iter().zip(&dims.strides) {
        if *n > 1 && *stride != step {
            return false;
        }
        step *= n;
    }
    true
}

/// The address of item `index` of dimension `axis`, seen from `base`.
pub fn item_pointer(base: *mut u8, dims: &Dims, axis: usize, index: isize) -> *mut u8 {
    let ptr = base.wrapping_offset(dims.strides[axis].wrapping_mul(index));
    match dims.suboffsets.get(axis) {
        // SAFETY: an exporter with suboffsets keeps a pointer there.
        Some(&offset) if offset >= 0 => unsafe {
            (ptr as *const *mut u8).read_unaligned().wrapping_offset(offset)
        },
        _ => ptr,
    }
}

/// Calls `f` with the address of each item, the last index running fastest
/// (the first one, if `fortran`).
pub fn for_each_item(base: *mut u8, dims: &Dims, fortran: bool, f: &mut impl FnMut(*mut u8)) {
    let n = dims.shape.len();
    if dims.shape.contains(&0) {
        return;
    }
    let mut index = vec![0isize; n];
    loop {
        let mut ptr = base;
        for (axis, &i) in index.iter().enumerate() {
            ptr = item_pointer(ptr, dims, axis, i);
        }
        f(ptr);
        let mut done = true;
        for k in 0..n {
            let axis = if fortran { k } else { n - 1 - k };
            index[axis] += 1;
            if index[axis] < dims.shape[axis] {
                done = false;
                break;
            }
            index[axis] = 0;
        }
        if done {
            return;
        }
    }
}

/// A buffer held by native code; given back when dropped.
pub struct Buffer {
    info: BufferInfo,
}

impl Buffer {
    pub fn info(&self) -> &BufferInfo {
        &self.info
    }
    #[inline]
    pub fn len(&self) -> usize {
        self.info.len
    }
    pub fn is_empty(&self) -> bool {
        self.info.len == 0
    }
    /// The bytes of a contiguous buffer. Python code that runs while they are
    /// looked at may change them (not their number).
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        if self.info.len == 0 {
            return &[];
        }
        // SAFETY: the exporter keeps `len` bytes in place until the release.
        unsafe { std::slice::from_raw_parts(self.info.ptr, self.info.len) }
    }
    /// The bytes of a writable contiguous buffer. `f` must not run Python code.
    pub fn with_bytes_mut<R>(&self, f: impl FnOnce(&mut [u8]) -> R) -> R {
        if self.info.len == 0 || self.info.readonly {
            return f(&mut []);
        }
        // SAFETY: as above; nothing else runs meanwhile.
        f(unsafe { std::slice::from_raw_parts_mut(self.info.ptr, self.info.len) })
    }
    /// Address and size, for system calls that run without the GIL.
    pub fn raw_parts(&self) -> (*mut u8, usize) {
        (self.info.ptr, self.info.len)
    }
    /// Gives up the automatic release: whoever takes the info must call [`release`].
    pub fn into_info(self) -> BufferInfo {
        let this = std::mem::ManuallyDrop::new(self);
        // SAFETY: `this` is not dropped; the info moves out once.
        unsafe { std::ptr::read(&this.info) }
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if self.info.owner.ty().slots().release_buffer.is_some() {
            release(Vm::current(), &self.info);
        }
    }
}

/// Tells the exporter that the buffer is no longer used. An exception on its
/// way is left alone.
pub fn release(vm: &Vm, info: &BufferInfo) {
    if let Some(f) = info.owner.ty().slots().release_buffer {
        let raised = vm.take_raised();
        f(vm, &info.owner, info);
        vm.restore_raised(raised);
    }
}

impl Vm {
    /// The object's memory, as `flags` asks for it.
    pub fn buffer(&self, object: &Object, flags: u32) -> Result<Buffer> {
        match object.ty().slots().buffer {
            Some(f) => Ok(Buffer { info: f(self, object, flags)? }),
            None => Err(self.not_bytes_like(object)),
        }
    }
    #[cold]
    fn not_bytes_like(&self, object: &Object) -> Raised {
        self.type_error(format!("a bytes-like object is required, not '{}'", object.ty().full_name()))
    }
    /// The bytes of a bytes-like object, contiguous. `_what` says for the
    /// reader which argument it is.
    pub fn bytes_like(&self, object: &Object, _what: &str) -> Result<Buffer> {
        self.buffer(object, flags::SIMPLE)
    }
    /// Bytes to be written to; `what` begins the message: `"readinto() argument"`.
    pub fn writable_bytes_like(&self, object: &Object, what: &str) -> Result<Buffer> {
        let result = self.buffer(object, flags::WRITABLE);
        if let Err(raised) = result {
            drop(self.caught(raised));
            let shown = crate::types::str_methods::shown_type(object);
            return Err(self.type_error(format!("{what} must be read-write bytes-like object, not {shown}")));
        }
        result
    }
    /// Does the object export a buffer?
    pub fn is_bytes_like(&self, object: &Object) -> bool {
        object.ty().slots().buffer.is_some()
    }
}

// ---- PEP 688 ------------------------------------------------------------------------

/// `object.__buffer__(flags)` of the native slot of `owner`.
pub fn buffer_dunder(vm: &Vm, owner: &Type, object: &Object, flags: &Object) -> Result {
    let flags = vm.index_isize(flags)?;
    if flags > i32::MAX as isize || flags < i32::MIN as isize {
        return Err(vm.overflow_error("buffer flags out of range"));
    }
    let Some(f) = owner.slots().buffer else { return Err(vm.not_bytes_like(object)) };
    memoryview::from_info(vm, f(vm, object, flags as u32)?)
}

/// `object.__release_buffer__(view)`.
pub fn release_buffer_dunder(vm: &Vm, object: &Object, view: &Object) -> Result {
    let Some(view) = view.downcast::<MemoryView>() else {
        return Err(vm.type_error("expected a memoryview object"));
    };
    if view.is_released() {
        return Err(vm.value_error("memoryview's buffer has already been released"));
    }
    if !view.is_view_of(object) {
        return Err(vm.value_error("memoryview's buffer is not this object"));
    }
    view.release(vm)?;
    Ok(Object::NONE)
}

/// Stands between a buffer made by a Python `__buffer__` and its users.
pub struct BufferWrapper {
    view: ObjectCell,
    object: ObjectCell,
}

impl NativeClass for BufferWrapper {
    fn class() -> &'static Type {
        &BUFFER_WRAPPER
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.view.traverse(visitor);
        self.object.traverse(visitor);
    }
    fn clear(&self) {
        self.view.clear();
        self.object.clear();
    }
}

pub static BUFFER_WRAPPER: Type = Type::new::<BufferWrapper>(
    "_buffer_wrapper",
    &crate::types::object::OBJECT,
    type_flags::HAVE_GC | type_flags::DISALLOW_INSTANTIATION,
    Slots { release_buffer: Some(wrapper_release), ..Slots::EMPTY },
    &[],
    &[],
);

/// The `buffer` slot of classes with a Python `__buffer__`.
pub fn generic_buffer(vm: &Vm, object: &Object, flags: u32) -> Result<BufferInfo> {
    let flags_object = vm.int(flags as i64);
    let Some(view) = vm.call_special(object, name::buffer.object(), &[flags_object])? else {
        return Err(vm.not_bytes_like(object));
    };
    if view.downcast::<MemoryView>().is_none() {
        return Err(vm.type_error("__buffer__ returned non-memoryview object"));
    }
    let mut info = memoryview::view_buffer(vm, &view, flags)?;
    let wrapper = BufferWrapper { view: ObjectCell::new(view), object: ObjectCell::new(object.clone()) };
    info.owner = vm.alloc(&BUFFER_WRAPPER, wrapper);
    Ok(info)
}

fn wrapper_release(vm: &Vm, wrapper: &Object, info: &BufferInfo) {
    let Some(this) = wrapper.downcast::<BufferWrapper>() else { return };
    let (Some(view), Some(object)) = (this.view.bound(), this.object.bound()) else { return };
    memoryview::view_release(vm, &view, info);
    let is_own = view.downcast::<MemoryView>().is_some_and(|v| v.is_view_of(&object));
    let python = object.ty().slots().release_buffer.map(|f| f as usize)
        == Some(generic_release_buffer as crate::ty::ReleaseBufferFn as usize);
    if !is_own && python {
        call_release(vm, &object, &view);
    }
    this.view.clear();
    this.object.clear();
}

fn call_release(vm: &Vm, object: &Object, view: &Object) {
    if vm.call_special(object, name::release_buffer.object(), std::slice::from_ref(view)).is_err() {
        let message = format!("Exception ignored in __release_buffer__ of {}", object.ty().full_name());
        vm.write_unraisable(&Object::NONE, &message);
    }
}

/// The `release_buffer` slot of classes with a Python `__release_buffer__`
/// whose buffer a native base exports.
pub fn generic_release_buffer(vm: &Vm, object: &Object, info: &BufferInfo) {
    if let Ok(view) = memoryview::restricted(vm, info.clone()) {
        call_release(vm, object, &view);
        if let Some(view) = view.downcast::<MemoryView>() {
            view.forget();
        }
    } else {
        drop(vm.take_raised());
    }
    let mine = generic_release_buffer as crate::ty::ReleaseBufferFn as usize;
    let native = object.ty().mro().filter_map(|ty| ty.slots().release_buffer).find(|f| *f as usize != mine);
    if let Some(f) = native {
        f(vm, object, info);
    }
}

/// The bytes of any object with a buffer, copied together.
pub fn to_vec(vm: &Vm, object: &Object) -> Result<Vec<u8>> {
    let buffer = vm.buffer(object, flags::FULL_RO)?;
    buffer.info().copy_out(false).ok_or_else(|| vm.memory_error())
}
