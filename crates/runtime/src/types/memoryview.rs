//! memoryview: a window on the memory of another object. Views made from
//! views share one [`ManagedBuffer`], which gives the exporter its buffer
//! back when the last of them is released.

use crate::buffer::{self, Buffer, BufferInfo, Dims, MAX_NDIM, flags};
use crate::prelude::*;
use crate::types::bytes_methods::{hex_separator, hex_text};
use crate::types::cell::ObjectCell;
use crate::types::memory_format::{Format, Packing};
use crate::types::str_methods::shown_type;
use crate::types::{bytes, int, iterators, slice, str};
use std::borrow::Cow;
use std::cell::{Cell, RefCell};

/// Holds an exporter's buffer for the views on it.
pub struct ManagedBuffer {
    /// None once given back.
    info: RefCell<Option<BufferInfo>>,
    /// Views that are not released.
    views: Cell<usize>,
    /// Give the buffer back at the end? (Not if a view only borrows it.)
    owns: Cell<bool>,
}

impl NativeClass for ManagedBuffer {
    fn class() -> &'static Type {
        &MANAGED_BUFFER
    }
    fn traverse(&self, visitor: &mut Visitor) {
        if let Ok(info) = self.info.try_borrow()
            && let Some(info) = &*info
        {
            visitor.visit_object(&info.owner);
        }
    }
    fn clear(&self) {
        self.give_back();
    }
}

impl ManagedBuffer {
    fn give_back(&self) {
        let info = self.info.take();
        if let Some(info) = info
            && self.owns.get()
        {
            buffer::release(Vm::current(), &info);
        }
    }
    fn drop_view(&self) {
        self.views.set(self.views.get().saturating_sub(1));
        if self.views.get() == 0 {
            self.give_back();
        }
    }
}

impl Drop for ManagedBuffer {
    fn drop(&mut self) {
        self.give_back();
    }
}

pub static MANAGED_BUFFER: Type = Type::new::<ManagedBuffer>(
    "managedbuffer",
    &crate::types::object::OBJECT,
    type_flags::HAVE_GC | type_flags::DISALLOW_INSTANTIATION,
    Slots::EMPTY,
    &[],
    &[],
);

/// Payload of memoryview.
pub struct MemoryView {
    managed: ObjectCell,
    released: Cell<bool>,
    /// No views may be made from it: it lives only for a `__release_buffer__` call.
    restricted: Cell<bool>,
    /// Buffers of this very view held by others.
    exports: Cell<usize>,
    hash: Cell<Option<i64>>,
    ptr: *mut u8,
    len: usize,
    readonly: bool,
    itemsize: usize,
    format: Cow<'static, str>,
    dims: Dims,
}

impl NativeClass for MemoryView {
    fn class() -> &'static Type {
        &MEMORYVIEW
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.managed.traverse(visitor)
    }
    fn clear(&self) {
        if self.exports.get() == 0 {
            self.let_go();
        }
    }
}

impl Drop for MemoryView {
    fn drop(&mut self) {
        self.let_go();
    }
}

impl MemoryView {
    pub fn is_released(&self) -> bool {
        self.released.get()
    }
    /// Has its memory from `object`?
    pub fn is_view_of(&self, object: &Object) -> bool {
        self.owner().is_some_and(|owner| owner.value() == object.value())
    }
    fn owner(&self) -> Option<Object> {
        let managed = self.managed.bound()?;
        let managed = managed.downcast::<ManagedBuffer>()?;
        let info = managed.info.try_borrow().ok()?;
        info.as_ref().map(|info| info.owner.clone())
    }
    fn let_go(&self) {
        if self.released.replace(true) {
            return;
        }
        if let Some(managed) = self.managed.bound()
            && let Some(managed) = managed.downcast::<ManagedBuffer>()
        {
            managed.drop_view();
        }
    }
    /// Releases the view; BufferError while buffers of it are held.
    pub fn release(&self, vm: &Vm) -> Result<()> {
        if self.released.get() {
            return Ok(());
        }
        let n = self.exports.get();
        if n > 0 {
            return Err(
                vm.buffer_error(format!("memoryview has {n} exported buffer{}", crate::native::plural(n)))
            );
        }
        self.let_go();
        Ok(())
    }
    /// Ends a view that borrowed a buffer: what is left of it is of no use.
    pub(crate) fn forget(&self) {
        self.let_go();
    }
    fn check(&self, vm: &Vm) -> Result<()> {
        if self.released.get() {
            return Err(vm.value_error("operation forbidden on released memoryview object"));
        }
        Ok(())
    }
    fn ndim(&self) -> usize {
        self.dims.shape.len()
    }
    fn is_c_contiguous(&self) -> bool {
        self.is_line().unwrap_or_else(|| buffer::is_c_contiguous(&self.dims, self.itemsize, self.len))
    }
    fn is_f_contiguous(&self) -> bool {
        self.is_line().unwrap_or_else(|| buffer::is_f_contiguous(&self.dims, self.itemsize, self.len))
    }
    /// Of one dimension: do the items follow one another? (Asked of empty views, too.)
    fn is_line(&self) -> Option<bool> {
        match (&*self.dims.shape, &*self.dims.strides) {
            ([n], [stride]) => {
                Some(self.dims.suboffsets.is_empty() && (*n == 1 || *stride == self.itemsize as isize))
            }
            _ => None,
        }
    }
    /// The bytes, if they lie in one piece. Not to be held while Python code runs.
    fn contiguous(&self) -> Option<&[u8]> {
        if self.len == 0 {
            return Some(&[]);
        }
        if !self.is_c_contiguous() {
            return None;
        }
        // SAFETY: the exporter keeps the memory in place until the release.
        Some(unsafe { std::slice::from_raw_parts(self.ptr, self.len) })
    }
    /// A description of this view on behalf of `owner`.
    fn info(&self, owner: &Object) -> BufferInfo {
        BufferInfo {
            owner: owner.clone(),
            ptr: self.ptr,
            len: self.len,
            readonly: self.readonly,
            itemsize: self.itemsize,
            format: self.format.clone(),
            dims: Some(Box::new(self.dims.clone())),
        }
    }
    fn copy_out(&self, vm: &Vm, fortran: bool) -> Result<Vec<u8>> {
        if !fortran && let Some(bytes) = self.contiguous() {
            let mut out = crate::types::bytes_methods::reserve(vm, bytes.len())?;
            out.extend_from_slice(bytes);
            return Ok(out);
        }
        self.info(&Object::NONE).copy_out(fortran).ok_or_else(|| vm.memory_error())
    }
    /// Address of item `index` (negative: from the end) of dimension `axis`.
    fn locate(&self, vm: &Vm, base: *mut u8, axis: usize, index: isize) -> Result<*mut u8> {
        let n = self.dims.shape[axis];
        let index = if index < 0 { index + n } else { index };
        if index < 0 || index >= n {
            return Err(vm.index_error(format!("index out of bounds on dimension {}", axis + 1)));
        }
        Ok(buffer::item_pointer(base, &self.dims, axis, index))
    }
    fn native_format(&self, vm: &Vm) -> Result<Format> {
        Format::of(&self.format).ok_or_else(|| {
            vm.not_implemented_error(format!("memoryview: unsupported format {}", self.format))
        })
    }
    fn unpack(&self, vm: &Vm, format: Format, item: *mut u8) -> Object {
        // SAFETY: `item` points at an item of this view, which is not released.
        format.unpack(vm, unsafe { std::slice::from_raw_parts(item, format.size()) })
    }
    fn pack(&self, vm: &Vm, item: *mut u8, value: &Object) -> Result<()> {
        let format = self.native_format(vm)?;
        let packed = match format.pack(vm, value)? {
            Packing::Bytes(bytes) => bytes,
            Packing::WrongType => {
                return Err(vm.type_error(format!("memoryview: invalid type for format '{}'", format.char())));
            }
            Packing::WrongValue => {
                return Err(
                    vm.value_error(format!("memoryview: invalid value for format '{}'", format.char()))
                );
            }
        };
        // The conversion may have released the view.
        self.check(vm)?;
        // SAFETY: `item` points at a writable item of this view.
        unsafe { std::ptr::copy_nonoverlapping(packed.as_ptr(), item, format.size()) };
        Ok(())
    }
}

/// Keeps the memory behind a view from being given back.
struct KeptMemory<'a>(Option<&'a ManagedBuffer>);

impl<'a> KeptMemory<'a> {
    fn new(managed: &'a Object) -> KeptMemory<'a> {
        let managed = managed.downcast::<ManagedBuffer>();
        if let Some(managed) = managed {
            managed.views.set(managed.views.get() + 1);
        }
        KeptMemory(managed)
    }
}

impl Drop for KeptMemory<'_> {
    fn drop(&mut self) {
        if let Some(managed) = self.0 {
            managed.drop_view();
        }
    }
}

/// Keeps a view from being released.
struct Held<'a>(&'a MemoryView);

impl<'a> Held<'a> {
    fn new(view: &'a MemoryView) -> Held<'a> {
        view.exports.set(view.exports.get() + 1);
        Held(view)
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.exports.set(self.0.exports.get().saturating_sub(1));
    }
}

pub static MEMORYVIEW: Type = Type::new::<MemoryView>(
    "memoryview",
    &crate::types::object::OBJECT,
    type_flags::HAVE_GC | type_flags::SEQUENCE | type_flags::WEAKREFABLE,
    Slots {
        new: Some(memoryview_new),
        hash: Some(hash),
        compare: Some(compare),
        len: Some(len),
        getitem: Some(getitem),
        setitem: Some(setitem),
        buffer: Some(view_buffer),
        release_buffer: Some(view_release),
        ..Slots::EMPTY.repr(repr).iter(iter)
    },
    &[
        MethodDef::new("release($self, /)", |vm, args| {
            this(&args[0]).release(vm)?;
            Ok(Object::NONE)
        }, "Give the buffer back; the view is of no use afterwards."),
        MethodDef::new("tobytes($self, /, order='C')", tobytes, "The data as bytes, in the order 'C', 'F' or (as it lies in memory) 'A'."),
        MethodDef::new("hex($self, /, sep=<unrepresentable>, bytes_per_sep=1)", hex, "The data as hexadecimal digits.\n\nsep\n  A character to stand between bytes.\nbytes_per_sep\n  How many bytes between separators, counted from the right; from the\n  left if negative.\n\n    >>> data = memoryview(bytes([0, 255, 195]))\n    >>> data.hex()\n    '00ffc3'\n    >>> data.hex('-', 2)\n    '00-ffc3'"),
        MethodDef::new("tolist($self, /)", tolist, "The data as a list of elements."),
        MethodDef::new("cast($self, /, format, shape=<unrepresentable>)", cast, "A view with another format or shape."),
        MethodDef::new("toreadonly($self, /)", toreadonly, "A view that cannot be written through."),
        MethodDef::new("_from_flags($type, /, object, flags)", from_flags, "A view of an object whose buffer is asked for with flags.").class_method(),
        MethodDef::new("count($self, value, /)", count, "How often the value occurs."),
        MethodDef::new("index($self, value, start=0, stop=9223372036854775807, /)", index, "The index of the first occurrence of the value; ValueError if there is none."),
        MethodDef::new("__enter__($self, /)", |vm, args| {
            this(&args[0]).check(vm)?;
            Ok(args[0].clone())
        }, ""),
        MethodDef::new("__exit__($self, /, *exc_info)", |vm, args| {
            this(&args[0]).release(vm)?;
            Ok(Object::NONE)
        }, "Give the buffer back."),
        MethodDef::new("__class_getitem__($type, object, /)", crate::types::genericalias::class_getitem, "memoryview[int]: generic over the type of the elements.").class_method(),
    ],
    &[
        GetSetDef::new("obj", |vm, v| field(vm, v, |_, m| m.owner().unwrap_or(Object::NONE)))
            .with_doc("The object that the memory belongs to."),
        GetSetDef::new("nbytes", |vm, v| field(vm, v, |vm, m| vm.usize(m.len))).with_doc("The number of bytes of all elements."),
        GetSetDef::new("readonly", |vm, v| field(vm, v, |_, m| Object::bool(m.readonly))).with_doc("Is writing refused?"),
        GetSetDef::new("itemsize", |vm, v| field(vm, v, |vm, m| vm.usize(m.itemsize))).with_doc("The size in bytes of an element."),
        GetSetDef::new("format", |vm, v| field(vm, v, |vm, m| vm.str(&m.format))).with_doc("The format of an element, as the struct module has it."),
        GetSetDef::new("ndim", |vm, v| field(vm, v, |vm, m| vm.usize(m.ndim()))).with_doc("The number of dimensions."),
        GetSetDef::new("shape", |vm, v| field(vm, v, |vm, m| int_tuple(vm, &m.dims.shape))).with_doc("The number of elements in each dimension."),
        GetSetDef::new("strides", |vm, v| field(vm, v, |vm, m| int_tuple(vm, &m.dims.strides))).with_doc("The distance in bytes of elements in each dimension."),
        GetSetDef::new("suboffsets", |vm, v| field(vm, v, |vm, m| int_tuple(vm, &m.dims.suboffsets))).with_doc("For arrays of pointers: offsets behind each pointer."),
        GetSetDef::new("c_contiguous", |vm, v| field(vm, v, |_, m| Object::bool(m.is_c_contiguous()))).with_doc("Does the memory lie in one piece, in C's order?"),
        GetSetDef::new("f_contiguous", |vm, v| field(vm, v, |_, m| Object::bool(m.is_f_contiguous()))).with_doc("Does the memory lie in one piece, in Fortran's order?"),
        GetSetDef::new("contiguous", |vm, v| field(vm, v, |_, m| Object::bool(m.is_c_contiguous() || m.is_f_contiguous()))).with_doc("Does the memory lie in one piece?"),
    ],
)
.with_doc("A view of the memory of an object, without copying it.");

fn this(object: &Object) -> &MemoryView {
    // SAFETY: slots and methods of memoryview are only called on memoryviews.
    unsafe { object.payload_unchecked() }
}

fn field(vm: &Vm, object: &Object, f: fn(&Vm, &MemoryView) -> Object) -> Result {
    this(object).check(vm)?;
    Ok(f(vm, this(object)))
}

fn int_tuple(vm: &Vm, values: &[isize]) -> Object {
    vm.tuple(values.iter().map(|&n| vm.int(n as i64)).collect())
}

// ---- making --------------------------------------------------------------------------------

/// A view on a buffer that is taken over.
pub fn from_info(vm: &Vm, info: BufferInfo) -> Result {
    make_managed(vm, info, true)
}

/// A view on a buffer that stays the caller's, who must call `forget` on it.
pub fn restricted(vm: &Vm, info: BufferInfo) -> Result {
    let view = make_managed(vm, info, false)?;
    this(&view).restricted.set(true);
    Ok(view)
}

fn make_managed(vm: &Vm, info: BufferInfo, owns: bool) -> Result {
    let dims = info.dims().into_owned();
    if dims.shape.len() > MAX_NDIM {
        if owns {
            buffer::release(vm, &info);
        }
        return Err(vm.value_error(format!("memoryview: number of dimensions must not exceed {MAX_NDIM}")));
    }
    let (ptr, len, readonly) = (info.ptr, info.len, info.readonly);
    let (itemsize, format) = (info.itemsize, info.format.clone());
    let managed =
        ManagedBuffer { info: RefCell::new(Some(info)), views: Cell::new(0), owns: Cell::new(owns) };
    let managed = vm.alloc(&MANAGED_BUFFER, managed);
    Ok(add_view(vm, managed, ptr, len, readonly, itemsize, format, dims))
}

#[allow(clippy::too_many_arguments)]
fn add_view(
    vm: &Vm,
    managed: Object,
    ptr: *mut u8,
    len: usize,
    readonly: bool,
    itemsize: usize,
    format: Cow<'static, str>,
    dims: Dims,
) -> Object {
    if let Some(managed) = managed.downcast::<ManagedBuffer>() {
        managed.views.set(managed.views.get() + 1);
    }
    let view = MemoryView {
        managed: ObjectCell::new(managed),
        released: Cell::new(false),
        restricted: Cell::new(false),
        exports: Cell::new(0),
        hash: Cell::new(None),
        ptr,
        len,
        readonly,
        itemsize,
        format,
        dims,
    };
    vm.alloc(&MEMORYVIEW, view)
}

/// Another view on the memory of `view`.
fn derive(
    vm: &Vm,
    view: &MemoryView,
    ptr: *mut u8,
    len: usize,
    readonly: bool,
    (itemsize, format): (usize, Cow<'static, str>),
    dims: Dims,
) -> Result {
    view.check(vm)?;
    if view.restricted.get() {
        return Err(vm.value_error("cannot create new view on restricted memoryview"));
    }
    Ok(add_view(vm, view.managed.get(), ptr, len, readonly, itemsize, format, dims))
}

/// `memoryview(object)`.
pub fn new(vm: &Vm, object: &Object) -> Result {
    new_with_flags(vm, object, flags::FULL_RO)
}

fn new_with_flags(vm: &Vm, object: &Object, flags: u32) -> Result {
    if let Some(view) = object.downcast::<MemoryView>() {
        return derive(
            vm,
            view,
            view.ptr,
            view.len,
            view.readonly,
            (view.itemsize, view.format.clone()),
            view.dims.clone(),
        );
    }
    if !vm.is_bytes_like(object) {
        return Err(vm.type_error(format!(
            "memoryview: a bytes-like object is required, not '{}'",
            object.ty().full_name()
        )));
    }
    let buffer = vm.buffer(object, flags)?;
    from_info(vm, buffer.into_info())
}

static SIG: Sig = Sig::new("memoryview(object)");

fn memoryview_new(vm: &Vm, _class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    let bound = SIG.bind(vm, args, kwnames)?;
    new(vm, &bound[0])
}

fn from_flags(vm: &Vm, args: &[Object]) -> Result {
    let flags = vm.to_plain_c_int(&args[2])?;
    new_with_flags(vm, &args[1], flags as u32)
}

/// A writable or read-only view on memory that `owner` keeps in place.
pub fn from_memory(vm: &Vm, owner: &Object, ptr: *mut u8, len: usize, readonly: bool) -> Result {
    from_info(vm, BufferInfo::simple(vm, owner, ptr, len, readonly, flags::SIMPLE)?)
}

// ---- the buffer protocol ---------------------------------------------------------------------

/// The `buffer` slot of memoryviews.
pub fn view_buffer(vm: &Vm, object: &Object, request: u32) -> Result<BufferInfo> {
    let view = this(object);
    view.check(vm)?;
    let wants = |flag: u32| request & flag == flag;
    let refuse = |what: &str| Err(vm.buffer_error(format!("memoryview: underlying buffer {what}")));
    if view.restricted.get() {
        return Err(vm.value_error("cannot create new view on restricted memoryview"));
    }
    if wants(flags::WRITABLE) && view.readonly {
        return refuse("is not writable");
    }
    let (c, f) = (view.is_c_contiguous(), view.is_f_contiguous());
    if wants(flags::C_CONTIGUOUS) && !c {
        return refuse("is not C-contiguous");
    }
    if wants(flags::F_CONTIGUOUS) && !f {
        return refuse("is not Fortran contiguous");
    }
    if wants(flags::ANY_CONTIGUOUS) && !c && !f {
        return refuse("is not contiguous");
    }
    if !wants(flags::INDIRECT) && !view.dims.suboffsets.is_empty() {
        return refuse("requires suboffsets");
    }
    if !wants(flags::STRIDES) && !c {
        return refuse("is not C-contiguous");
    }
    if !wants(flags::ND) && wants(flags::FORMAT) {
        return Err(
            vm.buffer_error("memoryview: cannot cast to unsigned bytes if the format flag is present")
        );
    }
    let mut info = view.info(object);
    if !wants(flags::ND) {
        info.dims = None;
    }
    if !wants(flags::FORMAT) {
        info.format = Cow::Borrowed("B");
        if !wants(flags::ND) {
            info.itemsize = 1;
        }
    }
    view.exports.set(view.exports.get() + 1);
    Ok(info)
}

/// The `release_buffer` slot of memoryviews.
pub fn view_release(_: &Vm, object: &Object, _: &BufferInfo) {
    let view = this(object);
    view.exports.set(view.exports.get().saturating_sub(1));
}

// ---- showing, hashing, comparing -----------------------------------------------------------------

fn repr(vm: &Vm, object: &Object) -> Result {
    let what = if this(object).released.get() { "released memory" } else { "memory" };
    Ok(vm.str(&format!("<{what} at {:#x}>", object.as_ptr() as usize)))
}

fn hash(vm: &Vm, object: &Object) -> Result<i64> {
    let view = this(object);
    if let Some(hash) = view.hash.get() {
        return Ok(hash);
    }
    view.check(vm)?;
    if !view.readonly {
        return Err(vm.value_error("cannot hash writable memoryview object"));
    }
    if !matches!(Format::of(&view.format).map(|f| f.char()), Some('B' | 'b' | 'c')) {
        return Err(vm.value_error("memoryview: hashing is restricted to formats 'B', 'b' or 'c'"));
    }
    if let Some(owner) = view.owner() {
        let _held = Held::new(view);
        vm.hash(&owner)?;
    }
    let hash = str::hash_bytes(vm, &view.copy_out(vm, false)?);
    view.hash.set(Some(hash));
    Ok(hash)
}

fn compare(vm: &Vm, a: &Object, b: &Object, op: CompareOp) -> Result {
    let answer = |equal: bool| Ok(Object::bool(equal == (op == CompareOp::Eq)));
    if !matches!(op, CompareOp::Eq | CompareOp::Ne) {
        return Ok(Object::NOT_IMPLEMENTED);
    }
    let Some(x) = a.downcast::<MemoryView>() else { return Ok(Object::NOT_IMPLEMENTED) };
    if x.released.get() || b.downcast::<MemoryView>().is_some_and(|v| v.released.get()) {
        return answer(a.value() == b.value());
    }
    if !vm.is_bytes_like(b) {
        return Ok(Object::NOT_IMPLEMENTED);
    }
    let (held_a, held_b) = (vm.buffer(a, flags::FULL_RO), vm.buffer(b, flags::FULL_RO));
    let (Ok(held_a), Ok(held_b)) = (held_a, held_b) else {
        drop(vm.take_raised());
        return Ok(Object::NOT_IMPLEMENTED);
    };
    answer(buffers_equal(vm, &held_a, &held_b)?)
}

/// Same shape and equal elements?
fn buffers_equal(vm: &Vm, a: &Buffer, b: &Buffer) -> Result<bool> {
    let (a, b) = (a.info(), b.info());
    let (da, db) = (a.dims(), b.dims());
    if da.shape != db.shape {
        return Ok(false);
    }
    let (fa, fb) = (Format::of(&a.format), Format::of(&b.format));
    let memory = || vm.memory_error();
    let (x, y) = (a.copy_out(false).ok_or_else(memory)?, b.copy_out(false).ok_or_else(memory)?);
    if let (Some(fa), Some(fb)) = (fa, fb) {
        if fa.char() == fb.char() && fa.is_plain() {
            return Ok(x == y);
        }
        for (p, q) in x.chunks_exact(fa.size()).zip(y.chunks_exact(fb.size())) {
            if !vm.equal_by_value(&fa.unpack(vm, p), &fb.unpack(vm, q))? {
                return Ok(false);
            }
        }
        return Ok(true);
    }
    let (Some(ua), Some(ub)) = (struct_unpacker(vm, &a.format)?, struct_unpacker(vm, &b.format)?) else {
        return Ok(false);
    };
    for (p, q) in x.chunks_exact(a.itemsize.max(1)).zip(y.chunks_exact(b.itemsize.max(1))) {
        let (p, q) = (vm.call(&ua, &[vm.bytes(p)])?, vm.call(&ub, &[vm.bytes(q)])?);
        if !vm.equal_by_value(&p, &q)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// `struct.Struct(format).unpack_from`; None if the format is not understood.
fn struct_unpacker(vm: &Vm, format: &str) -> Result<Option<Object>> {
    let import = iterators::builtin(vm, "__import__")?;
    let module = vm.call(&import, &[vm.str("struct")])?;
    let error = vm.get_attr_str(&module, "error")?;
    let made = vm.call_method(&module, "Struct", &[vm.str(format)]);
    match made {
        Ok(made) => vm.get_attr_str(&made, "unpack_from").map(Some),
        Err(raised) if Type::of(&error).is_some_and(|t| vm.raised_is(t)) => {
            drop(vm.caught(raised));
            Ok(None)
        }
        Err(raised) => Err(raised),
    }
}

impl Vm {
    /// `a == b` without the shortcut for identical objects.
    fn equal_by_value(&self, a: &Object, b: &Object) -> Result<bool> {
        let result = self.compare(a, b, CompareOp::Eq)?;
        self.is_true(&result)
    }
}

// ---- items ----------------------------------------------------------------------------------------

fn len(vm: &Vm, object: &Object) -> Result<usize> {
    let view = this(object);
    view.check(vm)?;
    match view.dims.shape.first() {
        Some(&n) => Ok(n as usize),
        None => Err(vm.type_error("0-dim memory has no length")),
    }
}

/// What a key asks for.
enum Key {
    /// One item, at this address.
    Item(*mut u8),
    /// All of a view of no dimensions.
    Whole,
    Slice,
}

fn parse_key(vm: &Vm, view: &MemoryView, key: &Object) -> Result<Key> {
    let ndim = view.ndim();
    if ndim == 0 {
        if key.downcast::<Tuple>().is_some_and(|t| t.is_empty()) {
            return Ok(Key::Item(view.ptr));
        }
        if key.is(Value::ELLIPSIS) {
            return Ok(Key::Whole);
        }
        return Err(vm.type_error("invalid indexing of 0-dim memory"));
    }
    if vm.is_index(key) {
        let i = vm.index_for_item(key)?;
        view.check(vm)?;
        if ndim > 1 {
            return Err(vm.not_implemented_error("multi-dimensional sub-views are not implemented"));
        }
        return Ok(Key::Item(view.locate(vm, view.ptr, 0, i)?));
    }
    if slice::Slice::of(key).is_some() {
        return Ok(Key::Slice);
    }
    if let Some(tuple) = key.downcast::<Tuple>() {
        let items = tuple.items();
        if items.iter().all(|item| vm.is_index(item)) {
            return locate_tuple(vm, view, items);
        }
        if !items.is_empty() && items.iter().all(|item| slice::Slice::of(item).is_some()) {
            return Err(vm.not_implemented_error("multi-dimensional slicing is not implemented"));
        }
    }
    Err(vm.type_error("memoryview: invalid slice key"))
}

fn locate_tuple(vm: &Vm, view: &MemoryView, items: &[Object]) -> Result<Key> {
    let ndim = view.ndim();
    if items.len() > ndim {
        return Err(
            vm.type_error(format!("cannot index {ndim}-dimension view with {}-element tuple", items.len()))
        );
    }
    if items.len() < ndim {
        return Err(vm.not_implemented_error("sub-views are not implemented"));
    }
    let mut ptr = view.ptr;
    for (axis, item) in items.iter().enumerate() {
        let i = vm.index_for_item(item)?;
        view.check(vm)?;
        ptr = view.locate(vm, ptr, axis, i)?;
    }
    Ok(Key::Item(ptr))
}

/// First address, byte length and dimensions of a slice along the first dimension.
fn sliced(vm: &Vm, view: &MemoryView, key: &Object) -> Result<(*mut u8, usize, Dims)> {
    let Some(slice) = slice::Slice::of(key) else {
        return Err(vm.type_error("memoryview: invalid slice key"));
    };
    let range = slice.indices(vm, view.dims.shape[0] as usize)?;
    let mut dims = view.dims.clone();
    let mut ptr = view.ptr;
    let start = dims.strides[0].wrapping_mul(range.start);
    // The slice begins after the pointers of leading dimensions, if there are some.
    match dims.suboffsets.iter().position(|&offset| offset >= 0) {
        None | Some(0) => ptr = ptr.wrapping_offset(start),
        Some(n) => dims.suboffsets[n - 1] += start,
    }
    dims.shape[0] = range.count as isize;
    dims.strides[0] = dims.strides[0].wrapping_mul(range.step);
    let len = dims.shape.iter().product::<isize>() as usize * view.itemsize;
    Ok((ptr, len, dims))
}

fn getitem(vm: &Vm, object: &Object, key: &Object) -> Result {
    let view = this(object);
    view.check(vm)?;
    match parse_key(vm, view, key)? {
        Key::Item(item) => {
            let format = view.native_format(vm)?;
            Ok(view.unpack(vm, format, item))
        }
        Key::Whole => Ok(object.clone()),
        Key::Slice => {
            // The memory stays, even if the bounds' conversion releases this view.
            let managed = view.managed.get();
            let _kept = KeptMemory::new(&managed);
            let (ptr, len, dims) = sliced(vm, view, key)?;
            if view.restricted.get() {
                return Err(vm.value_error("cannot create new view on restricted memoryview"));
            }
            let format = view.format.clone();
            Ok(add_view(vm, managed.clone(), ptr, len, view.readonly, view.itemsize, format, dims))
        }
    }
}

fn setitem(vm: &Vm, object: &Object, key: &Object, value: Option<&Object>) -> Result<()> {
    let view = this(object);
    view.check(vm)?;
    if view.readonly {
        return Err(vm.type_error("cannot modify read-only memory"));
    }
    let Some(value) = value else { return Err(vm.type_error("cannot delete memory")) };
    match parse_key(vm, view, key)? {
        Key::Item(item) => view.pack(vm, item, value),
        Key::Whole => view.pack(vm, view.ptr, value),
        Key::Slice if view.ndim() > 1 => {
            Err(vm.not_implemented_error("memoryview slice assignments are currently restricted to ndim = 1"))
        }
        Key::Slice => {
            let source = vm.buffer(value, flags::FULL_RO)?;
            let (ptr, len, dims) = sliced(vm, view, key)?;
            view.check(vm)?;
            assign(vm, view, ptr, len, &dims, source.info())
        }
    }
}

fn assign(
    vm: &Vm,
    view: &MemoryView,
    ptr: *mut u8,
    len: usize,
    dims: &Dims,
    source: &BufferInfo,
) -> Result<()> {
    let plain = |format: &str| format.strip_prefix('@').unwrap_or(format).to_string();
    if plain(&view.format) != plain(&source.format)
        || view.itemsize != source.itemsize
        || source.dims().shape != dims.shape
    {
        return Err(vm.value_error("memoryview assignment: lvalue and rvalue have different structures"));
    }
    if source.is_c_contiguous() && buffer::is_c_contiguous(dims, view.itemsize, len) {
        // SAFETY: both lie in exported memory; they may overlap.
        unsafe { std::ptr::copy(source.ptr, ptr, len) };
        return Ok(());
    }
    let bytes = source.copy_out(false).ok_or_else(|| vm.memory_error())?;
    let mut items = bytes.chunks_exact(view.itemsize.max(1));
    buffer::for_each_item(ptr, dims, false, &mut |item| {
        if let Some(bytes) = items.next() {
            // SAFETY: `item` points at a writable item of this view.
            unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), item, bytes.len()) }
        }
    });
    Ok(())
}

// ---- methods ---------------------------------------------------------------------------------------

fn tobytes(vm: &Vm, args: &[Object]) -> Result {
    let view = this(&args[0]);
    view.check(vm)?;
    let order = match args[1].some() {
        None => "C".to_string(),
        Some(order) if order.downcast::<Str>().is_some() => vm.str_lossy(order),
        Some(order) => {
            return Err(vm.type_error(format!(
                "tobytes() argument 'order' must be str or None, not {}",
                order.ty().full_name()
            )));
        }
    };
    let fortran = match order.as_str() {
        "C" => false,
        "F" => true,
        "A" => view.is_f_contiguous() && !view.is_c_contiguous(),
        _ => return Err(vm.value_error("order must be 'C', 'F' or 'A'")),
    };
    if !fortran && let Some(bytes) = view.contiguous() {
        return bytes::new(vm, bytes);
    }
    bytes::new(vm, &view.copy_out(vm, fortran)?)
}

fn hex(vm: &Vm, args: &[Object]) -> Result {
    let view = this(&args[0]);
    view.check(vm)?;
    let _held = Held::new(view);
    let sep = hex_separator(vm, &args[1])?;
    let group = vm.to_plain_c_int(&args[2])?;
    match view.contiguous() {
        Some(bytes) => hex_text(vm, bytes, sep, group),
        None => hex_text(vm, &view.copy_out(vm, false)?, sep, group),
    }
}

fn tolist(vm: &Vm, args: &[Object]) -> Result {
    let view = this(&args[0]);
    view.check(vm)?;
    let format = view.native_format(vm)?;
    Ok(nested(vm, view, format, view.ptr, 0))
}

fn nested(vm: &Vm, view: &MemoryView, format: Format, base: *mut u8, axis: usize) -> Object {
    let Some(&n) = view.dims.shape.get(axis) else { return view.unpack(vm, format, base) };
    let items = (0..n).map(|i| {
        let item = buffer::item_pointer(base, &view.dims, axis, i);
        nested(vm, view, format, item, axis + 1)
    });
    vm.list(items.collect())
}

fn toreadonly(vm: &Vm, args: &[Object]) -> Result {
    let view = this(&args[0]);
    derive(vm, view, view.ptr, view.len, true, (view.itemsize, view.format.clone()), view.dims.clone())
}

fn cast(vm: &Vm, args: &[Object]) -> Result {
    let view = this(&args[0]);
    let Some(format) = args[1].downcast::<Str>() else {
        return Err(
            vm.type_error(format!("cast() argument 'format' must be str, not {}", shown_type(&args[1])))
        );
    };
    view.check(vm)?;
    if !view.is_c_contiguous() {
        return Err(vm.type_error("memoryview: casts are restricted to C-contiguous views"));
    }
    let shape = args[2].bound();
    let has_zero = view.dims.shape.contains(&0) || view.dims.strides.contains(&0);
    if (shape.is_some() || view.ndim() != 1) && has_zero {
        return Err(vm.type_error("memoryview: cannot cast view with zeros in shape or strides"));
    }
    let shape = match shape {
        None => None,
        Some(shape) => {
            if shape.downcast::<List>().is_none() && shape.downcast::<Tuple>().is_none() {
                return Err(vm.type_error("shape must be a list or a tuple"));
            }
            let items = vm.collect(shape)?;
            if items.len() > MAX_NDIM {
                return Err(
                    vm.value_error(format!("memoryview: number of dimensions must not exceed {MAX_NDIM}"))
                );
            }
            if view.ndim() != 1 && items.len() != 1 {
                return Err(vm.type_error("memoryview: cast must be 1D -> ND or ND -> 1D"));
            }
            Some(items)
        }
    };
    let text = format.as_ascii().unwrap_or("");
    let Some(target) = Format::of(text) else {
        return Err(vm.value_error(
            "memoryview: destination format must be a native single character format prefixed with an optional '@'",
        ));
    };
    let is_byte = |f: Format| matches!(f.char(), 'b' | 'B' | 'c');
    if !Format::of(&view.format).is_some_and(is_byte) && !is_byte(target) {
        return Err(vm.type_error("memoryview: cannot cast between two non-byte formats"));
    }
    let size = target.size();
    if view.len % size != 0 {
        return Err(vm.type_error("memoryview: length is not a multiple of itemsize"));
    }
    let shape = match shape {
        None => vec![(view.len / size) as isize],
        Some(items) => cast_shape(vm, &items, size, view.len)?,
    };
    let dims = Dims::contiguous(shape, size);
    derive(vm, view, view.ptr, view.len, view.readonly, (size, Cow::Owned(text.to_string())), dims)
}

fn cast_shape(vm: &Vm, items: &[Object], itemsize: usize, len: usize) -> Result<Vec<isize>> {
    let mut total = itemsize as isize;
    let mut shape = Vec::with_capacity(items.len());
    for item in items {
        if !int::is_any_int(item) {
            return Err(vm.type_error("memoryview.cast(): elements of shape must be integers"));
        }
        let n = vm.index_isize(item)?;
        if n <= 0 {
            return Err(vm.value_error("memoryview.cast(): elements of shape must be integers > 0"));
        }
        total = match total.checked_mul(n) {
            Some(total) => total,
            None => return Err(vm.value_error("memoryview.cast(): product(shape) > SSIZE_MAX")),
        };
        shape.push(n);
    }
    if total as usize != len {
        return Err(vm.type_error("memoryview: product(shape) * itemsize != buffer size"));
    }
    Ok(shape)
}

/// The view's items, one dimension being required.
fn one_dimension(vm: &Vm, view: &MemoryView, none: &str, many: &str) -> Result<usize> {
    view.check(vm)?;
    match &*view.dims.shape {
        [] => Err(vm.type_error(none)),
        [n] => Ok(*n as usize),
        _ => Err(vm.not_implemented_error(many)),
    }
}

fn item_at(vm: &Vm, view: &MemoryView, i: usize) -> Result {
    view.check(vm)?;
    let format = view.native_format(vm)?;
    let item = view.locate(vm, view.ptr, 0, i as isize)?;
    Ok(view.unpack(vm, format, item))
}

fn count(vm: &Vm, args: &[Object]) -> Result {
    let view = this(&args[0]);
    let n = one_dimension(
        vm,
        view,
        "invalid indexing of 0-dim memory",
        "multi-dimensional sub-views are not implemented",
    )?;
    let mut found = 0;
    for i in 0..n {
        if vm.equal(&item_at(vm, view, i)?, &args[1])? {
            found += 1;
        }
    }
    Ok(vm.int(found))
}

fn index(vm: &Vm, args: &[Object]) -> Result {
    let view = this(&args[0]);
    let n = one_dimension(
        vm,
        view,
        "invalid lookup on 0-dim memory",
        "multi-dimensional lookup is not implemented",
    )?;
    let (start, stop) = slice::clip_range(vm, &args[2], &args[3], n)?;
    for i in start..stop {
        if vm.equal(&item_at(vm, view, i)?, &args[1])? {
            return Ok(vm.usize(i));
        }
    }
    Err(vm.value_error("memoryview.index(x): x not found"))
}

// ---- iteration ------------------------------------------------------------------------------------

/// Payload of memory_iterator.
pub struct MemoryIterator {
    /// UNBOUND when exhausted.
    view: ObjectCell,
    index: Cell<usize>,
}

impl NativeClass for MemoryIterator {
    fn class() -> &'static Type {
        &MEMORY_ITERATOR
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.view.traverse(visitor)
    }
    fn clear(&self) {
        self.view.clear()
    }
}

pub static MEMORY_ITERATOR: Type = Type::new::<MemoryIterator>(
    "memory_iterator",
    &crate::types::object::OBJECT,
    type_flags::HAVE_GC,
    Slots { next: Some(iterator_next), ..Slots::EMPTY.iter(iterators::itself) },
    &[],
    &[],
);

/// The types of this file.
pub static TYPES: [&Type; 3] = [&MEMORYVIEW, &MANAGED_BUFFER, &MEMORY_ITERATOR];

fn iter(vm: &Vm, object: &Object) -> Result {
    let view = this(object);
    one_dimension(
        vm,
        view,
        "invalid indexing of 0-dim memory",
        "multi-dimensional sub-views are not implemented",
    )?;
    view.native_format(vm)?;
    Ok(vm.alloc(
        &MEMORY_ITERATOR,
        MemoryIterator { view: ObjectCell::new(object.clone()), index: Cell::new(0) },
    ))
}

fn iterator_next(vm: &Vm, object: &Object) -> Result<Option<Object>> {
    let Some(state) = object.downcast::<MemoryIterator>() else { return Ok(None) };
    let Some(owner) = state.view.bound() else { return Ok(None) };
    let view = this(&owner);
    let i = state.index.get();
    if i < view.dims.shape.first().map_or(0, |&n| n as usize) {
        let item = item_at(vm, view, i)?;
        state.index.set(i + 1);
        return Ok(Some(item));
    }
    state.view.clear();
    Ok(None)
}
