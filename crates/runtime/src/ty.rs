//! [`Type`]: the object behind every Python class, and the slots through which
//! the runtime reaches an object's behaviour.
//!
//! Built-in types are statics; classes made by Python code are heap objects of
//! the same layout. Slots and dunder methods mirror each other through the one
//! table in [`crate::slots`].

use crate::prelude::*;
use std::cell::{Cell, UnsafeCell};
use taipan_object::{Header, TypeHead, Visitor};

pub type UnaryFn = fn(&Vm, &Object) -> Result;
pub type BinaryFn = fn(&Vm, &Object, &Object) -> Result;
pub type TernaryFn = fn(&Vm, &Object, &Object, &Object) -> Result;
pub type HashFn = fn(&Vm, &Object) -> Result<i64>;
pub type LenFn = fn(&Vm, &Object) -> Result<usize>;
pub type BoolFn = fn(&Vm, &Object) -> Result<bool>;
pub type ContainsFn = fn(&Vm, &Object, &Object) -> Result<bool>;
pub type SetItemFn = fn(&Vm, &Object, &Object, Option<&Object>) -> Result<()>;
pub type CompareFn = fn(&Vm, &Object, &Object, CompareOp) -> Result;
/// The next item, or None when exhausted.
pub type NextFn = fn(&Vm, &Object) -> Result<Option<Object>>;
/// `args` holds the positional arguments, then the values of `kwnames`.
pub type CallFn = fn(&Vm, &Object, &[Object], &[Object]) -> Result;
pub type NewFn = fn(&Vm, &Type, &[Object], &[Object]) -> Result;
pub type InitFn = fn(&Vm, &Object, &[Object], &[Object]) -> Result<()>;
pub type DescrGetFn = fn(&Vm, &Object, Option<&Object>, Option<&Object>) -> Result;
/// Fills in a view of the object's memory (buffer protocol).
pub type BufferFn = fn(&Vm, &Object, u32) -> Result<crate::buffer::BufferInfo>;
pub type ReleaseBufferFn = fn(&Vm, &Object, &crate::buffer::BufferInfo);
pub type DelFn = fn(&Vm, &Object) -> Result<()>;

/// Rich comparison operators, numbered as CPython's `Py_LT`...
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum CompareOp {
    Lt,
    Le,
    Eq,
    Ne,
    Gt,
    Ge,
}

impl CompareOp {
    pub const ALL: [CompareOp; 6] =
        [CompareOp::Lt, CompareOp::Le, CompareOp::Eq, CompareOp::Ne, CompareOp::Gt, CompareOp::Ge];
    pub fn swapped(self) -> CompareOp {
        use CompareOp::*;
        match self {
            Lt => Gt,
            Le => Ge,
            Eq => Eq,
            Ne => Ne,
            Gt => Lt,
            Ge => Le,
        }
    }
    pub fn symbol(self) -> &'static str {
        ["<", "<=", "==", "!=", ">", ">="][self as usize]
    }
    /// What the operator says of an ordering (None: unordered).
    #[inline]
    pub fn holds(self, ordering: Option<std::cmp::Ordering>) -> bool {
        use std::cmp::Ordering::*;
        match self {
            CompareOp::Lt => ordering == Some(Less),
            CompareOp::Le => matches!(ordering, Some(Less | Equal)),
            CompareOp::Eq => ordering == Some(Equal),
            CompareOp::Ne => ordering != Some(Equal),
            CompareOp::Gt => ordering == Some(Greater),
            CompareOp::Ge => matches!(ordering, Some(Greater | Equal)),
        }
    }
}

/// Binary number operators: indices into `Slots::binary` and `Slots::inplace`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum BinaryOp {
    Add,
    Sub,
    Mul,
    MatMul,
    TrueDiv,
    FloorDiv,
    Mod,
    Pow,
    LShift,
    RShift,
    And,
    Or,
    Xor,
    DivMod,
}

impl BinaryOp {
    pub const COUNT: usize = 14;
    pub const SYMBOLS: [&'static str; 14] =
        ["+", "-", "*", "@", "/", "//", "%", "** or pow()", "<<", ">>", "&", "|", "^", "divmod()"];
    pub const ALL: [BinaryOp; 14] = {
        use BinaryOp::*;
        [Add, Sub, Mul, MatMul, TrueDiv, FloorDiv, Mod, Pow, LShift, RShift, And, Or, Xor, DivMod]
    };
}

/// Unary slots: indices into `Slots::unary`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum UnaryOp {
    Neg,
    Pos,
    Abs,
    Invert,
    Int,
    Float,
    Index,
    Repr,
    Str,
    Iter,
    Await,
    AIter,
    ANext,
}

impl UnaryOp {
    pub const COUNT: usize = 13;
}

/// Behaviour of a type. Copied down to subtypes where they do not override it.
#[derive(Clone, Copy)]
pub struct Slots {
    pub unary: [Option<UnaryFn>; UnaryOp::COUNT],
    pub binary: [Option<BinaryFn>; BinaryOp::COUNT],
    pub inplace: [Option<BinaryFn>; BinaryOp::COUNT],
    /// Three-argument pow.
    pub pow3: Option<TernaryFn>,
    pub bool: Option<BoolFn>,
    pub hash: Option<HashFn>,
    pub call: Option<CallFn>,
    pub getattr: Option<BinaryFn>,
    pub setattr: Option<SetItemFn>,
    pub compare: Option<CompareFn>,
    pub next: Option<NextFn>,
    pub descr_get: Option<DescrGetFn>,
    pub descr_set: Option<SetItemFn>,
    pub init: Option<InitFn>,
    pub new: Option<NewFn>,
    pub del: Option<DelFn>,
    pub len: Option<LenFn>,
    pub getitem: Option<BinaryFn>,
    pub setitem: Option<SetItemFn>,
    pub contains: Option<ContainsFn>,
    /// Sequence concatenation and repetition, tried after the number slots.
    pub concat: Option<BinaryFn>,
    pub repeat: Option<BinaryFn>,
    pub inplace_concat: Option<BinaryFn>,
    pub inplace_repeat: Option<BinaryFn>,
    pub buffer: Option<BufferFn>,
    pub release_buffer: Option<ReleaseBufferFn>,
}

impl Slots {
    pub const EMPTY: Slots = Slots {
        unary: [None; UnaryOp::COUNT],
        binary: [None; BinaryOp::COUNT],
        inplace: [None; BinaryOp::COUNT],
        pow3: None,
        bool: None,
        hash: None,
        call: None,
        getattr: None,
        setattr: None,
        compare: None,
        next: None,
        descr_get: None,
        descr_set: None,
        init: None,
        new: None,
        del: None,
        len: None,
        getitem: None,
        setitem: None,
        contains: None,
        concat: None,
        repeat: None,
        inplace_concat: None,
        inplace_repeat: None,
        buffer: None,
        release_buffer: None,
    };
    pub const fn unary(mut self, op: UnaryOp, f: UnaryFn) -> Slots {
        self.unary[op as usize] = Some(f);
        self
    }
    pub const fn binary(mut self, op: BinaryOp, f: BinaryFn) -> Slots {
        self.binary[op as usize] = Some(f);
        self
    }
    pub const fn inplace(mut self, op: BinaryOp, f: BinaryFn) -> Slots {
        self.inplace[op as usize] = Some(f);
        self
    }
    pub const fn repr(self, f: UnaryFn) -> Slots {
        self.unary(UnaryOp::Repr, f)
    }
    pub const fn str(self, f: UnaryFn) -> Slots {
        self.unary(UnaryOp::Str, f)
    }
    pub const fn iter(self, f: UnaryFn) -> Slots {
        self.unary(UnaryOp::Iter, f)
    }
}

/// Bits of `Type::flags`; where CPython has the same bit, the same value
/// (`type.__flags__`).
pub mod type_flags {
    pub const SEQUENCE: u64 = 1 << 5;
    pub const MAPPING: u64 = 1 << 6;
    pub const DISALLOW_INSTANTIATION: u64 = 1 << 7;
    pub const IMMUTABLE: u64 = 1 << 8;
    pub const HEAP: u64 = 1 << 9;
    /// May be subclassed.
    pub const BASE: u64 = 1 << 10;
    pub const READY: u64 = 1 << 12;
    pub const HAVE_GC: u64 = 1 << 14;
    pub const METHOD_DESCRIPTOR: u64 = 1 << 17;
    pub const ABSTRACT: u64 = 1 << 20;
    pub const MATCH_SELF: u64 = 1 << 22;
    pub const LONG_SUBCLASS: u64 = 1 << 24;
    pub const LIST_SUBCLASS: u64 = 1 << 25;
    pub const TUPLE_SUBCLASS: u64 = 1 << 26;
    pub const BYTES_SUBCLASS: u64 = 1 << 27;
    pub const STR_SUBCLASS: u64 = 1 << 28;
    pub const DICT_SUBCLASS: u64 = 1 << 29;
    pub const EXCEPTION_SUBCLASS: u64 = 1 << 30;
    pub const TYPE_SUBCLASS: u64 = 1 << 31;
    pub const SUBCLASS_MASK: u64 = 0xff << 24;
    // Ours, above CPython's.
    /// Instances carry weak references.
    pub const WEAKREFABLE: u64 = 1 << 40;
    /// The payload's size varies from object to object (tuple, str, bytes).
    pub const VAR_SIZED: u64 = 1 << 41;
    /// `getattr` is the generic one, without `__getattr__`: caches may look inside.
    pub const GENERIC_GETATTR: u64 = 1 << 42;
    /// `setattr` is the generic one.
    pub const GENERIC_SETATTR: u64 = 1 << 43;
    /// Inline values may be read through caches.
    pub const INLINE_VALUES: u64 = 1 << 44;
    /// The `del` slot is filled.
    pub const HAS_DEL: u64 = 1 << 48;
    /// `__getitem__` is that of a mapping, and `__iter__` does not fall back to it.
    pub const ONLY_MAPPING: u64 = 1 << 49;
    pub const FLOAT_SUBCLASS: u64 = 1 << 45;
    pub const SET_SUBCLASS: u64 = 1 << 46;
    pub const FROZENSET_SUBCLASS: u64 = 1 << 47;
    /// A static type whose dict has all it will have (see `sharing::complete`).
    pub const COMPLETE: u64 = 1 << 50;
}

/// A class. Static types are never freed; heap types are ordinary objects.
#[repr(C)]
pub struct Type {
    pub head: TypeHead,
    /// The dotted name of static types ("collections.deque"), `__name__` of heap types.
    name: UnsafeCell<TypeName>,
    /// Size of an instance up to the end of the native payload and slots
    /// (VAR_SIZED: of the fixed part).
    pub payload_size: Cell<usize>,
    /// Size of a whole instance: payload, slots, dict word, inline values.
    pub instance_size: Cell<usize>,
    pub flags: Cell<u64>,
    /// Offset of the dict word; 0: no `__dict__`; usize::MAX: behind the variable part.
    pub dict_offset: Cell<usize>,
    /// Number of inline values behind the dict word.
    pub inline_capacity: Cell<u8>,
    /// Changes whenever attribute lookup on the type may change; 0: none assigned.
    pub version: Cell<u32>,
    base: Cell<*const Type>,
    slots: UnsafeCell<Slots>,
    /// Drops the native payload in place (not the header, not the memory).
    /// Which payload instances have. (Addresses of functions tell nothing: those of
    /// equal functions may be equal.)
    pub payload_type: std::any::TypeId,
    pub drop_payload: unsafe fn(*mut Header),
    pub native_traverse: Option<unsafe fn(*mut Header, &mut Visitor)>,
    pub native_clear: Option<unsafe fn(*mut Header)>,
    /// The static type whose payload instances have (`best base`).
    pub native: Cell<*const Type>,
    doc: Cell<Option<&'static str>>,
    pub methods: &'static [MethodDef],
    pub getset: &'static [GetSetDef],
    /// What Python code can change.
    extra: UnsafeCell<TypeExtra>,
}

enum TypeName {
    Static(&'static str),
    Heap(String),
}

/// The parts of a type that only exist once it is ready.
pub struct TypeExtra {
    pub dict: Object,
    pub bases: Object,
    pub mro: Object,
    /// Of classes made in Python; see [`Type::subclasses`].
    pub(crate) subclasses: Vec<*const Type>,
    /// `__slots__` members added by this class and its bases: offsets.
    pub slot_offsets: Vec<usize>,
    /// Names of inline values, in the order first stored.
    pub shared_keys: Vec<Value>,
    pub qualname: Option<Object>,
    /// The `__name__` object of a heap type.
    pub name_object: Option<Object>,
    /// What the native metaclass keeps with the class; given once.
    pub native_data: Option<Object>,
}

// SAFETY: types are touched only under the GIL of their interpreter.
unsafe impl Sync for Type {}

impl Type {
    /// A static type with payload `T` (see [`crate::native::NativeClass`]).
    pub const fn new<T: NativeClass>(
        name: &'static str,
        base: &'static Type,
        flags: u64,
        slots: Slots,
        methods: &'static [MethodDef],
        getset: &'static [GetSetDef],
    ) -> Type {
        const { assert!(align_of::<crate::native::Payload<T>>() <= 16, "the heap aligns to 16 bytes") }
        Type {
            head: TypeHead {
                header: Header::immortal(&crate::types::typ::TYPE.head),
                dealloc: crate::alloc::dealloc_static::<T>,
                traverse: Some(crate::alloc::traverse),
                clear: Some(crate::alloc::clear),
            },
            name: UnsafeCell::new(TypeName::Static(name)),
            payload_size: Cell::new(size_of::<crate::native::Payload<T>>()),
            instance_size: Cell::new(size_of::<crate::native::Payload<T>>()),
            flags: Cell::new(flags),
            dict_offset: Cell::new(0),
            inline_capacity: Cell::new(0),
            version: Cell::new(0),
            base: Cell::new(base),
            slots: UnsafeCell::new(slots),
            payload_type: std::any::TypeId::of::<T>(),
            drop_payload: crate::native::drop_payload::<T>,
            native_traverse: Some(crate::native::traverse_payload::<T>),
            native_clear: Some(crate::native::clear_payload::<T>),
            native: Cell::new(std::ptr::null()),
            doc: Cell::new(None),
            methods,
            getset,
            extra: UnsafeCell::new(TypeExtra {
                dict: Object::UNBOUND,
                bases: Object::UNBOUND,
                mro: Object::UNBOUND,
                subclasses: Vec::new(),
                slot_offsets: Vec::new(),
                shared_keys: Vec::new(),
                qualname: None,
                name_object: None,
                native_data: None,
            }),
        }
    }
    pub const fn with_doc(mut self, doc: &'static str) -> Type {
        self.doc = Cell::new(Some(doc));
        self
    }
    /// A static type whose class is the static type `meta`, a subtype of `type`.
    pub const fn with_metatype(mut self, meta: &'static Type) -> Type {
        self.head.header = Header::immortal(&meta.head);
        self
    }
    /// A static type whose instances have a `__dict__`.
    pub const fn with_dict(mut self) -> Type {
        let size = self.payload_size.get();
        self.dict_offset = Cell::new(size);
        self.instance_size = Cell::new(size + 8);
        self
    }
    /// A heap type: all its variable parts are filled in by the caller.
    pub fn new_heap(name: String, base: &Type, metatype: &Type) -> Type {
        Type {
            head: TypeHead {
                header: Header::new(&metatype.head),
                dealloc: crate::alloc::dealloc,
                traverse: Some(crate::alloc::traverse),
                clear: Some(crate::alloc::clear),
            },
            name: UnsafeCell::new(TypeName::Heap(name)),
            payload_size: Cell::new(base.payload_size.get()),
            instance_size: Cell::new(base.instance_size.get()),
            flags: Cell::new(0),
            dict_offset: Cell::new(base.dict_offset.get()),
            inline_capacity: Cell::new(0),
            version: Cell::new(0),
            base: Cell::new(base),
            slots: UnsafeCell::new(Slots::EMPTY),
            payload_type: base.payload_type,
            drop_payload: base.drop_payload,
            native_traverse: base.native_traverse,
            native_clear: base.native_clear,
            native: Cell::new(base.native.get()),
            doc: Cell::new(None),
            methods: &[],
            getset: &[],
            extra: UnsafeCell::new(TypeExtra {
                dict: Object::UNBOUND,
                bases: Object::UNBOUND,
                mro: Object::UNBOUND,
                subclasses: Vec::new(),
                slot_offsets: base.extra().slot_offsets.clone(),
                shared_keys: Vec::new(),
                qualname: None,
                name_object: None,
                native_data: None,
            }),
        }
    }

    /// A new reference to the type.
    #[inline(always)]
    pub fn to_object(&self) -> Object {
        // SAFETY: self is alive.
        unsafe { Object::from_borrowed(Value::from_ptr(&self.head.header)) }
    }
    #[inline(always)]
    pub fn value(&self) -> Value {
        Value::from_ptr(&self.head.header)
    }
    /// The last component of the name, as `__name__` shows it.
    pub fn name(&self) -> &str {
        // SAFETY: replaced only by `set_name`, under the GIL.
        match unsafe { &*self.name.get() } {
            TypeName::Static(name) => name.rsplit('.').next().unwrap_or(name),
            TypeName::Heap(name) => name,
        }
    }
    /// The name as `tp_name`: dotted for static types of modules.
    pub fn full_name(&self) -> &str {
        // SAFETY: as in `name`.
        match unsafe { &*self.name.get() } {
            TypeName::Static(name) => name,
            TypeName::Heap(name) => name,
        }
    }
    pub fn set_name(&self, name: String) {
        // SAFETY: under the GIL; callers do not hold the &str across this.
        unsafe { *self.name.get() = TypeName::Heap(name) }
    }
    pub fn doc(&self) -> Option<&'static str> {
        self.doc.get()
    }
    #[inline(always)]
    pub fn slots(&self) -> &Slots {
        // SAFETY: replaced only by `set_slots`, under the GIL; slots are plain
        // function pointers, copied out before use.
        unsafe { &*self.slots.get() }
    }
    pub fn set_slots(&self, slots: Slots) {
        // SAFETY: as above.
        unsafe { *self.slots.get() = slots }
    }
    pub fn update_slots(&self, f: impl FnOnce(&mut Slots)) {
        // SAFETY: as above; f runs no Python code.
        unsafe { f(&mut *self.slots.get()) }
    }
    #[inline(always)]
    pub fn extra(&self) -> &TypeExtra {
        // SAFETY: changed only by `update_extra`, under the GIL.
        unsafe { &*self.extra.get() }
    }
    /// Changes what Python code can change. `f` must not run Python code.
    pub fn update_extra<R>(&self, f: impl FnOnce(&mut TypeExtra) -> R) -> R {
        // SAFETY: as above.
        unsafe { f(&mut *self.extra.get()) }
    }
    #[inline(always)]
    pub fn dict(&self) -> &Dict {
        // SAFETY: the dict of a ready type is a Dict and is never replaced.
        unsafe { self.extra().dict.payload_unchecked::<Dict>() }
    }
    /// The keys of the class's own dict.
    pub fn own_names(&self) -> Vec<Value> {
        self.dict().entries().iter().filter(|e| !e.key.is_unbound()).map(|e| e.key).collect()
    }
    #[inline]
    pub fn base(&self) -> Option<&Type> {
        let base = self.base.get();
        if base.is_null() || std::ptr::eq(base, self) {
            None
        } else {
            // SAFETY: `bases` keeps it alive.
            Some(unsafe { &*base })
        }
    }
    pub fn set_base(&self, base: &Type) {
        self.base.set(base)
    }
    #[inline(always)]
    pub fn has(&self, flag: u64) -> bool {
        self.flags.get() & flag != 0
    }
    pub fn is_heap(&self) -> bool {
        self.has(type_flags::HEAP)
    }
    #[inline(always)]
    pub fn is(&self, other: &Type) -> bool {
        std::ptr::eq(self, other)
    }
    /// The classes of the MRO, in order.
    #[inline]
    pub fn mro(&self) -> impl Iterator<Item = &Type> {
        // SAFETY: the mro of a ready type is a tuple of types.
        let items: &[Object] = if self.extra().mro.is_unbound() {
            &[]
        } else {
            unsafe { self.extra().mro.payload_unchecked::<Tuple>() }.items()
        };
        items.iter().map(|item| unsafe { Type::from_object_unchecked(item) })
    }
    /// `issubclass` by MRO, without hooks.
    #[inline]
    pub fn is_subtype(&self, other: &Type) -> bool {
        std::ptr::eq(self, other) || self.is_subtype_slow(other)
    }
    fn is_subtype_slow(&self, other: &Type) -> bool {
        if self.extra().mro.is_unbound() {
            let mut ty = Some(self);
            while let Some(t) = ty {
                if std::ptr::eq(t, other) {
                    return true;
                }
                ty = t.base();
            }
            return false;
        }
        self.mro().any(|t| std::ptr::eq(t, other))
    }
    /// The subclasses that this interpreter has of the class; they deregister when they die.
    pub(crate) fn subclasses(&self) -> Vec<*const Type> {
        if self.is_heap() {
            return self.extra().subclasses.clone();
        }
        let table = Vm::current().interp().static_subclasses.borrow();
        table.get(&(&raw const *self as usize)).cloned().unwrap_or_default()
    }
    /// Runs `f` for each of them; it changes none of the lists.
    pub(crate) fn each_subclass(&self, f: impl Fn(&Type)) {
        if self.is_heap() {
            for &subclass in &self.extra().subclasses {
                // SAFETY: it is alive.
                f(unsafe { &*subclass });
            }
        } else {
            // SAFETY: as above.
            self.subclasses().into_iter().for_each(|subclass| f(unsafe { &*subclass }));
        }
    }
    pub(crate) fn add_subclass(&self, subclass: &Type) {
        self.change_subclasses(|list| {
            if !self.has(type_flags::HEAP) && !subclass.is_heap() && list.contains(&(&raw const *subclass)) {
                return;
            }
            list.push(subclass)
        });
    }
    pub(crate) fn remove_subclass(&self, subclass: &Type) {
        self.change_subclasses(|list| list.retain(|&s| !std::ptr::eq(s, subclass)));
    }
    fn change_subclasses(&self, change: impl FnOnce(&mut Vec<*const Type>)) {
        if self.is_heap() {
            return self.update_extra(|extra| change(&mut extra.subclasses));
        }
        let mut table = Vm::current().interp().static_subclasses.borrow_mut();
        change(table.entry(&raw const *self as usize).or_default())
    }
    /// The object as a type, if it is one.
    #[inline]
    pub fn of(object: &Object) -> Option<&Type> {
        if object.ty().has(type_flags::TYPE_SUBCLASS) {
            // SAFETY: instances of `type` and its subclasses have Type's layout.
            Some(unsafe { Type::from_object_unchecked(object) })
        } else {
            None
        }
    }
    /// # Safety
    /// `object` is a type.
    #[inline(always)]
    pub unsafe fn from_object_unchecked(object: &Object) -> &Type {
        // SAFETY: says the caller.
        unsafe { &*(object.as_ptr() as *const Type) }
    }
    /// # Safety
    /// The pointer is an object's type pointer.
    #[inline(always)]
    pub unsafe fn from_head<'a>(head: *const TypeHead) -> &'a Type {
        // SAFETY: every TypeHead in the system is the head of a Type.
        unsafe { &*(head as *const Type) }
    }
}
