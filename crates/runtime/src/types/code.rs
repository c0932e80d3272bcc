//! code: live code objects, made of the compiler's `CodeUnit` or of a module of the
//! embedded library. Of the latter only the head is read at first; the body (all
//! that running it needs) is read when the code first runs or is looked into. Until
//! then the code consists of one instruction, `ReadBody`.

use crate::interp::events::Places;
use crate::prelude::*;
use crate::types::bytes::Bytes;
use crate::types::cell::ObjectCell;
use crate::types::code_tables;
use crate::types::str as text;
use std::cell::{Cell, OnceCell};
use taipan_bytecode::code_flags as co;
use taipan_bytecode::{
    Build, CacheSpec, CodeUnit, Constant, Cursor, ExceptionEntry, Group, Head, Instruction, Leaf, LineNote,
    LocalKind, LocalName, Location, Locations, Opcode, ReadError, Shape,
};

/// An inline cache. What the fields mean is up to the instruction.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Cache {
    /// The name (interned), or the tuple of keyword names of a call (or UNBOUND).
    pub name: Value,
    pub value: Value,
    pub version: u32,
    pub index: u32,
    pub version2: u32,
    /// Executions to wait before trying to specialise again.
    pub backoff: u16,
    pub misses: u16,
}

impl Cache {
    /// The name that the cache was made for; None if it is a call's.
    fn as_name(&self) -> Option<&Object> {
        let name = Object::borrow_value(&self.name);
        (!self.name.is_unbound() && name.downcast_exact::<Str>().is_some()).then_some(name)
    }
    /// The names of a call's keyword arguments; None if it has none.
    fn keywords(&self) -> Option<&Object> {
        let names = Object::borrow_value(&self.name);
        (!self.name.is_unbound() && names.downcast_exact::<Tuple>().is_some()).then_some(names)
    }
    /// Where the value of a global lies, as long as the versions are the same: loads of
    /// globals keep it in `value`.
    #[inline(always)]
    pub fn place(&self) -> *const Value {
        self.value.bits() as *const Value
    }
    pub fn set_place(&mut self, place: &Value) {
        self.value = Value::from_ptr(std::ptr::from_ref(place) as *mut Header);
    }
}

/// Payload of code objects.
#[repr(C)]
pub struct Code {
    // What a call reads comes first, together. The pointers are into `body`; before
    // that was read, `instructions` is at UNREAD and the others dangle.
    instructions: Cell<*mut Instruction>,
    consts: Cell<*const Value>,
    caches: Cell<*mut Cache>,
    pub registers: usize,
    /// The number of named registers, and the first of the others.
    pub first_temp: usize,
    /// The exact number of positional arguments that fills all parameters, or
    /// usize::MAX if the call is not that simple.
    pub fast_argc: usize,
    /// As `fast_argc` if there are no free variables and few parameters, else u32::MAX.
    pub plain_argc: u32,
    pub first_line: u32,
    /// First register of the free variables.
    pub free_base: usize,
    pub argcount: usize,
    pub posonly: usize,
    pub kwonly: usize,
    pub flags: Cell<u32>,
    /// The number by which [`crate::traces`] knows it; 0: none yet.
    pub(crate) serial: Cell<u32>,
    /// For tracers, made on demand.
    places: OnceCell<Box<Places>>,
    pub name: Object,
    pub qualname: Object,
    pub filename: ObjectCell,
    /// What `body` is read from.
    kept: Option<&'static [u8]>,
    body: OnceCell<Box<Body>>,
}

/// What it takes to run a code object.
struct Body {
    instructions: Box<[Instruction]>,
    consts: Box<[Object]>,
    caches: Box<[Cache]>,
    /// Names of the named registers.
    locals: Box<[(Object, LocalKind)]>,
    locations: Locations<'static>,
    /// Where in `locations` was looked last.
    looked: Cell<Cursor>,
    notes: Box<[LineNote]>,
    exceptions: Box<[ExceptionEntry]>,
    /// The code that the names of `caches` belong to if they are not all in `consts`.
    _origin: Option<Object>,
}

/// The instructions of code whose body was not read yet.
static UNREAD: [Instruction; 1] = [Instruction::new(Opcode::ReadBody, 0, 0, 0, 0)];

impl Drop for Code {
    fn drop(&mut self) {
        crate::sampler::code_dies(self);
    }
}

impl NativeClass for Code {
    fn class() -> &'static Type {
        &CODE
    }
}

impl Code {
    #[inline(always)]
    pub fn instructions_ptr(&self) -> *mut Instruction {
        self.instructions.get()
    }
    #[inline(always)]
    pub fn consts_ptr(&self) -> *const Value {
        self.consts.get()
    }
    #[inline(always)]
    pub fn caches_ptr(&self) -> *mut Cache {
        self.caches.get()
    }
    /// Makes the code ready to run.
    pub fn read(&self, vm: &Vm) -> Result<()> {
        if self.body.get().is_none() {
            self.body(vm);
        }
        match self.instructions.get().cast_const() == UNREAD.as_ptr() {
            true => Err(vm.system_error("the code cannot be read")),
            false => Ok(()),
        }
    }
    /// Was the body read already?
    pub fn is_read(&self) -> bool {
        self.body.get().is_some()
    }
    /// The body, which is read if it was not yet. That of code that cannot be read is empty.
    fn body(&self, vm: &Vm) -> &Body {
        // The library's code is no memory of whoever runs it first.
        match self.body.get() {
            Some(body) => body,
            None => taipan_object::watch::unseen(|| self.read_body(vm)),
        }
    }
    #[cold]
    fn read_body(&self, vm: &Vm) -> &Body {
        let mut reader = Live { vm, filename: self.filename.get() };
        let shape = Shape {
            first_line: self.first_line,
            locals: self.first_temp as u32,
            free_base: self.free_base as u32,
        };
        let apart = vm.interp().library.get().apart;
        let read = self.kept.map(|bytes| taipan_bytecode::body(shape, bytes, apart, 0, &mut reader));
        let body = match read {
            Some(Ok(body)) => {
                self.kept.iter().for_each(|bytes| crate::import::forget_pages(vm, bytes));
                let locals = body.locals.iter().map(|(name, kind)| (vm.intern(name), *kind)).collect();
                Body::new(
                    body.instructions.into(),
                    body.constants.into(),
                    &body.caches,
                    locals,
                    body.locations,
                    body.notes.into(),
                    body.exceptions.into(),
                )
            }
            _ => {
                let none = Locations::default();
                Body::new([].into(), [].into(), &[], [].into(), none, [].into(), [].into())
            }
        };
        self.body.get_or_init(|| self.attach(Box::new(body)))
    }
    /// Lets the code run this body.
    fn attach(&self, mut body: Box<Body>) -> Box<Body> {
        if !body.instructions.is_empty() {
            self.instructions.set(body.instructions.as_mut_ptr());
        }
        self.consts.set(body.consts.as_ptr() as *const Value);
        self.caches.set(body.caches.as_mut_ptr());
        body
    }
    /// The instructions, those quickened that were.
    pub fn instructions(&self, vm: &Vm) -> &[Instruction] {
        &self.body(vm).instructions
    }
    pub fn consts(&self, vm: &Vm) -> &[Object] {
        &self.body(vm).consts
    }
    /// Names of the named registers.
    pub fn locals(&self, vm: &Vm) -> &[(Object, LocalKind)] {
        &self.body(vm).locals
    }
    /// The globals (and builtins) that the code itself reads, binds or deletes.
    pub fn globals_used(&self, vm: &Vm) -> Vec<Object> {
        let body = self.body(vm);
        let name = |ins: &Instruction| match crate::interp::quick::generic(*ins) {
            ins if matches!(
                ins.opcode(),
                Some(Opcode::LoadGlobal | Opcode::StoreGlobal | Opcode::DeleteGlobal)
            ) =>
            {
                body.caches.get(ins.c())?.as_name().cloned()
            }
            _ => None,
        };
        body.instructions.iter().filter_map(name).collect()
    }
    /// Does it return None, whatever happens?
    pub fn returns_only_none(&self, vm: &Vm) -> bool {
        let body = self.body(vm);
        body.instructions.iter().all(|ins| match crate::interp::quick::generic(*ins) {
            ins if ins.opcode() == Some(Opcode::ReturnConst) => {
                body.consts.get(ins.bc() as usize).is_some_and(|value| value.is_none())
            }
            ins => !matches!(ins.opcode(), Some(Opcode::Return | Opcode::ReturnGenerator)),
        })
    }
    /// Number of free variables.
    pub fn free_count(&self) -> usize {
        self.first_temp - self.free_base
    }
    // What follows is for tracers: nothing, if the code was not read yet.

    pub fn words(&self) -> &[Instruction] {
        self.body.get().map_or(&[], |body| &body.instructions)
    }
    pub fn lines(&self) -> Vec<u32> {
        self.body.get().map_or(Vec::new(), |body| body.locations.iter().map(|l| l.line).collect())
    }
    pub fn notes(&self) -> &[LineNote] {
        self.body.get().map_or(&[], |body| &body.notes)
    }
    pub fn exceptions(&self) -> &[ExceptionEntry] {
        self.body.get().map_or(&[], |body| &body.exceptions)
    }
    /// Names of the named registers.
    pub fn variables(&self) -> &[(Object, LocalKind)] {
        self.body.get().map_or(&[], |body| &body.locals)
    }
    /// The number of arguments that cache `i` of a call speaks of.
    pub fn call_arguments(&self, i: usize) -> u32 {
        let cache = self.body.get().and_then(|body| body.caches.get(i));
        cache.filter(|cache| cache.as_name().is_none()).map_or(0, |cache| cache.index)
    }
    /// What tracers know of this code's places.
    pub fn places(&self) -> &Places {
        self.places.get_or_init(|| Box::new(Places::new(self)))
    }
    pub fn has_flag(&self, flag: u32) -> bool {
        self.flags.get() & flag != 0
    }
    /// The line of a frame that has not run anything: 0 for modules.
    pub fn start_line(&self) -> u32 {
        let namespace = !self.has_flag(co::OPTIMIZED | co::NEWLOCALS);
        let module = self.name.downcast::<Str>().is_some_and(|name| *name.to_wtf8() == *b"<module>");
        if namespace && module { 0 } else { self.first_line }
    }
    /// A module without a statement: its end is on the line of its beginning.
    pub fn is_empty_module(&self) -> bool {
        let no_line = |body: &Body| body.locations.iter().all(|l| l.line == 0);
        self.start_line() == 0 && self.body.get().is_none_or(|body| no_line(body))
    }
    pub fn line_of(&self, index: usize) -> u32 {
        self.position(index).map_or(self.first_line, |l| l.line)
    }
    /// Code that never ran has no positions.
    fn position(&self, index: usize) -> Option<Location> {
        let body = self.body.get()?;
        let mut cursor = body.looked.get();
        let found = body.locations.seek(&mut cursor, index);
        body.looked.set(cursor);
        found
    }
    /// The innermost handler for an exception at instruction `index`.
    pub fn handler(&self, index: usize) -> Option<ExceptionEntry> {
        let index = index as u32;
        self.body.get()?.exceptions.iter().rev().find(|e| e.start <= index && index < e.end).copied()
    }
    /// Does a handler other than the one around every generator's body (which turns
    /// StopIteration into RuntimeError) cover instruction `index`?
    pub fn has_user_handler(&self, vm: &Vm, index: usize) -> bool {
        self.handler(index).is_some_and(|entry| {
            self.instructions(vm)
                .get(entry.target as usize)
                .is_none_or(|ins| ins.op_byte() != Opcode::Intrinsic1 as u8 || ins.c() != 2)
        })
    }
    pub fn is_generator_like(&self) -> bool {
        self.has_flag(co::GENERATOR | co::COROUTINE | co::ASYNC_GENERATOR)
    }
    /// All parameters in register order: positional, keyword-only, *args, **kwargs.
    pub fn parameter_count(&self) -> usize {
        self.argcount
            + self.kwonly
            + self.has_flag(co::VARARGS) as usize
            + self.has_flag(co::VARKEYWORDS) as usize
    }
    pub fn local_names(&self, vm: &Vm, kind: LocalKind) -> Vec<Object> {
        self.locals(vm).iter().filter(|(_, k)| k.contains(kind)).map(|(name, _)| name.clone()).collect()
    }
}

impl Body {
    fn new(
        mut instructions: Box<[Instruction]>,
        consts: Box<[Object]>,
        caches: &[CacheSpec],
        locals: Box<[(Object, LocalKind)]>,
        locations: Locations<'static>,
        notes: Box<[LineNote]>,
        exceptions: Box<[ExceptionEntry]>,
    ) -> Body {
        for ins in &mut instructions {
            *ins = crate::interp::quick::for_operands(*ins);
        }
        let caches = caches
            .iter()
            .map(|spec| {
                let (name, index) = match *spec {
                    CacheSpec::Name(i) => (consts.get(i as usize).map_or(Value::UNBOUND, |c| c.value()), 0),
                    CacheSpec::Call { argc, kwnames } => {
                        let names = kwnames
                            .and_then(|i| consts.get(i as usize))
                            .map_or(Value::UNBOUND, |c| c.value());
                        (names, argc)
                    }
                };
                Cache { name, value: Value::UNBOUND, version: 0, index, version2: 0, backoff: 0, misses: 0 }
            })
            .collect();
        Body {
            instructions,
            consts,
            caches,
            locals,
            locations,
            looked: Cell::default(),
            notes,
            exceptions,
            _origin: None,
        }
    }
}

/// Where programs see instruction `index`, as `f_lasti` and the like: before the first
/// there is a place for the frame's beginning.
pub fn offset_of(index: usize) -> usize {
    (index + 1) * 8
}

/// What stands in that place in `co_code`: the number that RESUME has for Python.
pub const RESUME: u8 = 254;

/// Instantiates a compiled unit.
pub fn new(vm: &Vm, unit: CodeUnit) -> Object {
    let filename = vm.intern(&unit.filename);
    new_in(vm, unit, &filename)
}

fn new_in(vm: &Vm, unit: CodeUnit, filename: &Object) -> Object {
    let free = unit.locals.iter().position(|local| local.kind.contains(LocalKind::FREE));
    let head = Head {
        name: &unit.name,
        qualname: &unit.qualname,
        first_line: unit.first_line,
        flags: unit.flags,
        argcount: unit.argcount,
        posonly: unit.posonly,
        kwonly: unit.kwonly,
        registers: unit.registers,
        locals: unit.locals.len() as u32,
        free_base: free.unwrap_or(unit.locals.len()) as u32,
        body: &[],
    };
    let mut made = Code::unread(vm, &head, filename, None);
    let body = Body::new(
        unit.instructions.into(),
        unit.constants.into_iter().map(|c| constant(vm, c, filename)).collect(),
        &unit.caches,
        unit.locals.iter().map(|local| (vm.intern(&local.name), local.kind)).collect(),
        unit.locations,
        unit.notes.into(),
        unit.exceptions.into(),
    );
    made.body = made.attach(Box::new(body)).into();
    vm.alloc(&CODE, made)
}

/// The code object whose bytes these are, its file called `filename`.
pub fn from_bytes(
    vm: &Vm,
    bytes: &'static [u8],
    filename: &Object,
) -> std::result::Result<Object, ReadError> {
    let (_, head) = taipan_bytecode::head(bytes)?;
    Ok(from_head(vm, head, filename))
}

fn from_head(vm: &Vm, head: Head<'static>, filename: &Object) -> Object {
    vm.alloc(&CODE, Code::unread(vm, &head, filename, Some(head.body)))
}

impl Code {
    /// Code without a body, which `kept` may be read to.
    fn unread(vm: &Vm, head: &Head, filename: &Object, kept: Option<&'static [u8]>) -> Code {
        let varying = head.flags & (co::VARARGS | co::VARKEYWORDS) != 0;
        let simple = head.kwonly == 0 && !varying;
        let plain = simple && head.free_base == head.locals && head.argcount < 250;
        Code {
            instructions: Cell::new(UNREAD.as_ptr().cast_mut()),
            consts: Cell::new(std::ptr::null()),
            caches: Cell::new(std::ptr::null_mut()),
            registers: head.registers as usize,
            first_temp: head.locals as usize,
            fast_argc: if simple { head.argcount as usize } else { usize::MAX },
            plain_argc: if plain { head.argcount } else { u32::MAX },
            first_line: head.first_line,
            free_base: head.free_base as usize,
            argcount: head.argcount as usize,
            posonly: head.posonly as usize,
            kwonly: head.kwonly as usize,
            flags: Cell::new(head.flags),
            serial: Cell::new(0),
            places: OnceCell::new(),
            name: vm.intern(head.name),
            qualname: vm.intern(head.qualname),
            filename: ObjectCell::new(filename.clone()),
            kept,
            body: OnceCell::new(),
        }
    }
    /// The object that this is the payload of.
    pub fn object(&self) -> Object {
        // SAFETY: a Code is only ever found behind its header.
        unsafe { Object::from_borrowed(Value::from_ptr((self as *const Code as *const Header).sub(1))) }
    }
}

/// Makes the constants of a body that is read.
struct Live<'v> {
    vm: &'v Vm,
    filename: Object,
}

impl Build<'static> for Live<'_> {
    type Constant = Object;
    fn leaf(&mut self, leaf: Leaf<'static>) -> Object {
        let vm = self.vm;
        match leaf {
            Leaf::None => Object::NONE,
            Leaf::True => Object::TRUE,
            Leaf::False => Object::FALSE,
            Leaf::Ellipsis => Object::ELLIPSIS,
            Leaf::Int(n) => vm.int(n),
            Leaf::BigInt { negative, magnitude } => big(vm, negative, magnitude),
            Leaf::Float(x) => vm.float(x),
            Leaf::Complex(re, im) => crate::types::complex::new(vm, re, im),
            Leaf::Str(bytes) => text::from_wtf8(vm, bytes),
            Leaf::Name(name) => vm.intern(name),
            Leaf::Bytes(bytes) => vm.bytes(bytes),
        }
    }
    fn group(&mut self, group: Group, parts: Vec<Object>) -> Object {
        match (group, parts.as_slice()) {
            (Group::FrozenSet, _) => {
                crate::types::set::frozenset_from(self.vm, parts).unwrap_or(Object::NONE)
            }
            (Group::Slice, [start, stop, step]) => {
                crate::types::slice::new(self.vm, start.clone(), stop.clone(), step.clone())
            }
            _ => self.vm.tuple(parts),
        }
    }
    fn code(&mut self, head: Head<'static>, _nesting: u32) -> std::result::Result<Object, ReadError> {
        Ok(from_head(self.vm, head, &self.filename))
    }
}

fn big(vm: &Vm, negative: bool, magnitude: &[u8]) -> Object {
    let n = taipan_numeric::BigInt::from_bytes(magnitude, true, false);
    crate::types::int::from_big(vm, if negative { n.neg() } else { n })
}

/// A compile-time constant as an object. Strings that look like names are interned.
fn constant(vm: &Vm, constant: Constant, filename: &Object) -> Object {
    match constant {
        Constant::None => Object::NONE,
        Constant::True => Object::TRUE,
        Constant::False => Object::FALSE,
        Constant::Ellipsis => Object::ELLIPSIS,
        Constant::Int(n) => vm.int(n),
        Constant::BigInt { negative, magnitude } => big(vm, negative, &magnitude),
        Constant::Float(x) => vm.float(x),
        Constant::Complex(re, im) => crate::types::complex::new(vm, re, im),
        Constant::Str(bytes) => {
            let s = text::from_wtf8(vm, &bytes);
            let name_like = bytes.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'_');
            if name_like { vm.intern_object(&s) } else { s }
        }
        Constant::Bytes(bytes) => vm.bytes(&bytes),
        Constant::Tuple(items) => {
            let items = items.into_vec().into_iter().map(|c| self::constant(vm, c, filename)).collect();
            vm.tuple(items)
        }
        Constant::FrozenSet(items) => {
            let items = items.into_vec().into_iter().map(|c| self::constant(vm, c, filename)).collect();
            crate::types::set::frozenset_from(vm, items).unwrap_or(Object::NONE)
        }
        Constant::Slice(parts) => {
            let [start, stop, step] = *parts;
            let [a, b, c] = [start, stop, step].map(|c| self::constant(vm, c, filename));
            crate::types::slice::new(vm, a, b, c)
        }
        Constant::Code(unit) => new_in(vm, *unit, filename),
    }
}

pub static CODE: Type = Type::new::<Code>(
    "code",
    &crate::types::object::OBJECT,
    type_flags::WEAKREFABLE,
    Slots {
        hash: Some(|vm, c| {
            let code = this(c);
            let seed = (code.first_line as u64) << 32 | code.flags.get() as u64;
            let shape = (code.argcount + code.kwonly) as u64 ^ (code.instructions(vm).len() as u64) << 16;
            let name = vm.str_lossy(&code.name);
            Ok(crate::types::str::siphash13(seed, shape, name.as_bytes()) as i64)
        }),
        compare: Some(code_compare),
        ..Slots::EMPTY.repr(|vm, c| {
            let code = this(c);
            Ok(vm.str(&format!(
                "<code object {} at {:#x}, file \"{}\", line {}>",
                vm.str_lossy(&code.name),
                c.as_ptr() as usize,
                vm.str_lossy(&code.filename.get()),
                code.first_line
            )))
        })
    },
    &[
        MethodDef::new("co_lines($self, /)", co_lines, ""),
        MethodDef::new("co_positions($self, /)", co_positions, ""),
        MethodDef::new("co_branches($self, /)", co_branches, ""),
        MethodDef::raw(
            "replace($self, /, **changes)",
            code_replace,
            "Return a copy of the code object with new values for the specified fields.",
        ),
        MethodDef::raw("__replace__($self, /, **changes)", code_replace, "The same as replace()."),
        MethodDef::new(
            "_varname_from_oparg($self, oparg)",
            |vm, args| {
                let i = vm.index_isize(&args[1])? as usize;
                match this(&args[0]).locals(vm).get(i) {
                    Some((name, _)) => Ok(name.clone()),
                    None => Err(vm.index_error("tuple index out of range")),
                }
            },
            "",
        ),
    ],
    &[
        GetSetDef::new("co_name", |_, c| Ok(this(c).name.clone())),
        GetSetDef::new("co_qualname", |_, c| Ok(this(c).qualname.clone())),
        GetSetDef::new("co_filename", |_, c| Ok(this(c).filename.get())),
        GetSetDef::new("co_firstlineno", |vm, c| Ok(vm.int(this(c).first_line as i64))),
        GetSetDef::new("co_argcount", |vm, c| Ok(vm.usize(this(c).argcount))),
        GetSetDef::new("co_posonlyargcount", |vm, c| Ok(vm.usize(this(c).posonly))),
        GetSetDef::new("co_kwonlyargcount", |vm, c| Ok(vm.usize(this(c).kwonly))),
        GetSetDef::new("co_nlocals", |vm, c| Ok(vm.usize(this(c).local_names(vm, LocalKind::LOCAL).len()))),
        GetSetDef::new("co_stacksize", |vm, c| Ok(vm.usize(this(c).registers - this(c).first_temp))),
        GetSetDef::new("co_flags", |vm, c| Ok(vm.int(this(c).flags.get() as i64))),
        GetSetDef::new("co_varnames", |vm, c| Ok(vm.tuple(this(c).local_names(vm, LocalKind::LOCAL)))),
        GetSetDef::new("co_cellvars", |vm, c| Ok(vm.tuple(this(c).local_names(vm, LocalKind::CELL)))),
        GetSetDef::new("co_freevars", |vm, c| Ok(vm.tuple(this(c).local_names(vm, LocalKind::FREE)))),
        GetSetDef::new("co_consts", |vm, c| Ok(vm.tuple(this(c).consts(vm).to_vec()))),
        GetSetDef::new("co_names", co_names),
        GetSetDef::new("co_code", |vm, c| Ok(this(c).bytes(vm, crate::interp::quick::generic))),
        GetSetDef::new("_co_code_adaptive", |vm, c| Ok(this(c).bytes(vm, |ins| ins))),
        GetSetDef::new("co_linetable", |vm, c| Ok(vm.bytes(&this(c).line_table(vm)))),
        GetSetDef::new("co_exceptiontable", |vm, c| {
            let code = this(c);
            let entries = &code.body(vm).exceptions;
            Ok(vm.bytes(&code_tables::exception_table(entries, code.first_temp, code.places().first)))
        }),
    ],
);

fn this(object: &Object) -> &Code {
    // SAFETY: slots and methods of code are only called on code objects.
    unsafe { object.payload_unchecked() }
}

/// Equal are code objects that do the same at the same places, whatever their file.
fn code_compare(vm: &Vm, a: &Object, b: &Object, op: CompareOp) -> Result {
    let (Some(x), Some(y)) = (a.downcast_exact::<Code>(), b.downcast_exact::<Code>()) else {
        return Ok(Object::NOT_IMPLEMENTED);
    };
    let same = a.value() == b.value() || !x.identity(vm).is_empty() && x.identity(vm) == y.identity(vm);
    match op {
        CompareOp::Eq => Ok(Object::bool(same)),
        CompareOp::Ne => Ok(Object::bool(!same)),
        _ => Ok(Object::NOT_IMPLEMENTED),
    }
}

fn co_names(vm: &Vm, code: &Object) -> Result {
    let code = this(code);
    let mut names: Vec<Object> = Vec::new();
    for cache in &code.body(vm).caches {
        if let Some(name) = cache.as_name()
            && !names.iter().any(|n| n.value() == name.value())
        {
            names.push(name.clone());
        }
    }
    Ok(vm.tuple(names))
}

impl Code {
    /// The instructions as programs see them.
    fn bytes(&self, vm: &Vm, form: fn(Instruction) -> Instruction) -> Object {
        let instructions = self.instructions(vm);
        let mut bytes = Vec::with_capacity(instructions.len() * 8 + 8);
        let words = |bytes: &mut Vec<u8>, part: &[Instruction]| {
            bytes.extend(part.iter().flat_map(|ins| form(*ins).0.to_le_bytes()));
        };
        // The place of `offset_of` stands behind the prologue, as tools expect.
        let (prologue, rest) = instructions.split_at(self.places().first.min(instructions.len()));
        words(&mut bytes, prologue);
        bytes.extend([RESUME, 0, 0, 0, 0, 0, 0, 0]);
        words(&mut bytes, rest);
        vm.bytes(&bytes)
    }

    fn line_table(&self, vm: &Vm) -> Vec<u8> {
        self.body(vm);
        code_tables::line_table(&units(self), self.first_line)
    }
}

/// The position of each two bytes of code, as programs see it: None where there is none.
fn units(code: &Code) -> Vec<Option<Location>> {
    let Some(body) = code.body.get().filter(|body| !body.locations.is_empty()) else {
        return Vec::new();
    };
    let start = code.start_line();
    let whole = |line: u32| Location { line, end_line: line.max(1), column: 0, end_column: 0 };
    let first = Some(whole(start));
    let rows = body.locations.iter().map(|l| (l.line != 0).then_some(l)).collect::<Vec<_>>();
    // The first two bytes are the frame's beginning, the others like what follows.
    let rest = std::iter::repeat_n(rows.first().copied().unwrap_or(first), 3);
    let all = std::iter::once(first).chain(rest).chain(rows.iter().flat_map(|row| [*row; 4]));
    all.zip(lines_of_units(code))
        .enumerate()
        .map(|(i, (row, shown))| match row {
            Some(l) if l.line == shown => row,
            None if shown == 0 => row,
            _ if shown == 0 && i > 0 => None,
            _ => Some(whole(shown)),
        })
        .collect()
}

/// The line of each two bytes of code, as programs see it (see [`offset_of`]). The lines
/// that begin without an instruction have the last bytes of the one before.
fn lines_of_units(code: &Code) -> Vec<u32> {
    let mut lines = vec![code.start_line(); offset_of(0) / 2];
    for (i, line) in code.lines().into_iter().enumerate() {
        let line = if i < code.places().first { code.first_line } else { line };
        lines.extend([line; 4]);
    }
    for note in code.notes().iter().rev() {
        let notes = crate::interp::events::notes_at(code, note.at as usize);
        let i = notes.iter().position(|other| other == note).unwrap_or(0);
        let unit = offset_of(note.at as usize) / 2 - (notes.len() - i);
        if let Some(line) = lines.get_mut(unit) {
            *line = note.line;
        }
    }
    lines
}

fn co_lines(vm: &Vm, args: &[Object]) -> Result {
    let code = this(&args[0]);
    let unread = code.body(vm).locations.is_empty();
    let empty = code.is_empty_module();
    let lines = if unread { Vec::new() } else { lines_of_units(code) };
    let mut out: Vec<Object> = Vec::new();
    let mut start = 0;
    while start < lines.len() {
        let line = lines[start];
        // The beginning of a module is on line 0; elsewhere that is none.
        let begins = start == 0 && line == 0;
        let run =
            if begins && !empty { 4 } else { lines[start..].iter().take_while(|l| **l == line).count() };
        let shown = if line == 0 && !begins { Object::NONE } else { vm.int(line as i64) };
        out.push(vm.tuple(vec![vm.usize(start * 2), vm.usize((start + run) * 2), shown]));
        start += run;
    }
    vm.iter(&vm.list(out))
}

/// (branch, where it goes if it does not jump, if it does) for each branch, as the events
/// of `sys.monitoring` tell them.
fn co_branches(vm: &Vm, args: &[Object]) -> Result {
    this(&args[0]).body(vm);
    let rows = crate::interp::events::branches(this(&args[0]))
        .into_iter()
        .map(|places| vm.tuple(places.map(|place| vm.usize(place)).to_vec()))
        .collect();
    vm.iter(&vm.list(rows))
}

fn co_positions(vm: &Vm, args: &[Object]) -> Result {
    let number = |n: u32, known: bool| if known { vm.int(n as i64) } else { Object::NONE };
    let ranges = !vm.interp().config.no_debug_ranges;
    let code = this(&args[0]);
    code.body(vm);
    let row = |unit: Option<Location>| {
        let Some(l) = unit else { return vm.tuple(vec![Object::NONE; 4]) };
        vm.tuple(vec![
            number(l.line, true),
            number(if ranges { l.end_line } else { l.line }, true),
            number(l.column, ranges),
            number(l.end_column, ranges),
        ])
    };
    // One row for each two bytes of code, as readers of `tb_lasti` expect.
    vm.iter(&vm.list(units(code).into_iter().map(row).collect()))
}

fn code_replace(vm: &Vm, args: &[Object], kwnames: &[Object]) -> Result {
    let code = this(&args[0]);
    let values = &args[args.len() - kwnames.len()..];
    if args.len() - kwnames.len() > 1 {
        return Err(vm.type_error("replace() takes 0 positional arguments"));
    }
    let mut copy = code.copy_parts();
    let mut consts = None;
    let mut table = None;
    for (name, value) in kwnames.iter().zip(values) {
        let as_str = |vm: &Vm| match value.downcast::<Str>() {
            Some(_) => Ok(value.clone()),
            None => Err(vm.type_error(format!("replace() argument must be str, not {}", value.ty().name()))),
        };
        match vm.str_lossy(name).as_str() {
            "co_name" => copy.name = as_str(vm)?,
            "co_qualname" => copy.qualname = as_str(vm)?,
            "co_filename" => copy.filename.set(as_str(vm)?),
            "co_firstlineno" => copy.first_line = vm.to_c_int(value)?.max(0) as u32,
            "co_flags" => copy.flags.set(vm.to_c_int(value)? as u32),
            "co_consts" => match value.downcast::<Tuple>() {
                Some(given) if given.len() == code.consts(vm).len() => consts = Some(given.items().into()),
                _ => return Err(vm.value_error("code: co_consts of another length")),
            },
            "co_linetable" => match value.downcast::<Bytes>() {
                Some(given) => table = Some(given.as_slice().to_vec()),
                None => {
                    return Err(vm.type_error(format!(
                        "replace() argument 'co_linetable' must be bytes, not {}",
                        value.ty().name()
                    )));
                }
            },
            "co_code" | "co_exceptiontable" | "co_stacksize" | "co_names" | "co_varnames" | "co_freevars"
            | "co_cellvars" | "co_nlocals" | "co_argcount" | "co_posonlyargcount" | "co_kwonlyargcount" => {
                let same = vm.get_attr(&args[0], name)?;
                if !vm.equal(&same, value)? {
                    return Err(vm.not_implemented_error(format!(
                        "replace() of {} is not supported: bytecode is not CPython's",
                        vm.str_lossy(name)
                    )));
                }
            }
            other => {
                return Err(vm.type_error(format!("replace() got an unexpected keyword argument '{other}'")));
            }
        }
    }
    let mut body = code.body(vm).pristine(&args[0], consts);
    if let Some(table) = table.filter(|table| *table != code.line_table(vm)) {
        let all = code_tables::read_line_table(&table, copy.first_line, body.instructions.len());
        body.locations = Locations::new(copy.first_line, &all);
        body.notes = [].into();
    } else if copy.first_line != code.first_line {
        // Lines are counted from the first one.
        let moved = |line: u32| match line {
            0 => 0,
            line => line.wrapping_sub(code.first_line).wrapping_add(copy.first_line),
        };
        let all: Vec<Location> = body
            .locations
            .iter()
            .map(|l| Location { line: moved(l.line), end_line: moved(l.end_line), ..l })
            .collect();
        body.locations = Locations::new(copy.first_line, &all);
        body.notes.iter_mut().for_each(|note| note.line = moved(note.line));
    }
    copy.body = copy.attach(Box::new(body)).into();
    Ok(vm.alloc(&CODE, copy))
}

impl Body {
    /// A copy that was never run, with other constants if there are any.
    fn pristine(&self, of: &Object, consts: Option<Box<[Object]>>) -> Body {
        let mut caches = self.caches.clone();
        for c in &mut caches {
            *c = Cache { value: Value::UNBOUND, version: 0, version2: 0, backoff: 0, misses: 0, ..*c };
        }
        Body {
            instructions: self.instructions.iter().map(|ins| crate::interp::quick::generic(*ins)).collect(),
            consts: consts.unwrap_or_else(|| self.consts.clone()),
            caches,
            locals: self.locals.clone(),
            locations: self.locations.clone(),
            looked: Cell::default(),
            notes: self.notes.clone(),
            exceptions: self.exceptions.clone(),
            _origin: Some(of.clone()),
        }
    }
}

impl Code {
    /// The same without a body.
    fn copy_parts(&self) -> Code {
        Code {
            instructions: Cell::new(UNREAD.as_ptr().cast_mut()),
            consts: Cell::new(std::ptr::null()),
            caches: Cell::new(std::ptr::null_mut()),
            registers: self.registers,
            first_temp: self.first_temp,
            fast_argc: self.fast_argc,
            plain_argc: self.plain_argc,
            first_line: self.first_line,
            free_base: self.free_base,
            argcount: self.argcount,
            posonly: self.posonly,
            kwonly: self.kwonly,
            flags: Cell::new(self.flags.get()),
            serial: Cell::new(0),
            places: OnceCell::new(),
            name: self.name.clone(),
            qualname: self.qualname.clone(),
            filename: ObjectCell::new(self.filename.get()),
            kept: None,
            body: OnceCell::new(),
        }
    }
}

// ---- back to plain data ------------------------------------------------------------------

impl Code {
    /// The code object as plain data again, without quickening. A constant that has
    /// no such form (see [`Code::try_to_unit`]) becomes None.
    pub fn to_unit(&self, vm: &Vm) -> CodeUnit {
        self.unit_with(vm, |c| Some(plain_constant(vm, c, 0).unwrap_or(Constant::None))).unwrap_or_default()
    }

    /// The same; None if a constant put there by `replace()` has no plain form.
    pub fn try_to_unit(&self, vm: &Vm) -> Option<CodeUnit> {
        self.unit_with(vm, |c| plain_constant(vm, c, 0))
    }

    fn unit_with(&self, vm: &Vm, plain: impl Fn(&Object) -> Option<Constant>) -> Option<CodeUnit> {
        let shown =
            |s: &Object| s.downcast::<Str>().map(|s| String::from_utf8_lossy(&s.to_wtf8()).into_owned());
        let body = self.body(vm);
        let mut constants: Vec<Constant> = body.consts.iter().map(&plain).collect::<Option<_>>()?;
        // A name that `replace()` took out of the constants comes behind them.
        let mut place = |name: &Object| {
            let found = body.consts.iter().position(|c| c.value() == name.value());
            Some(found.unwrap_or(constants.len()) as u32).filter(|&i| {
                (i as usize) < constants.len() || plain(name).map(|c| constants.push(c)).is_some()
            })
        };
        let mut caches = Vec::with_capacity(body.caches.len());
        for cache in &body.caches {
            caches.push(match (cache.as_name(), cache.keywords()) {
                (Some(name), _) => CacheSpec::Name(place(name)?),
                (None, Some(names)) => CacheSpec::Call { argc: cache.index, kwnames: Some(place(names)?) },
                (None, None) => CacheSpec::Call { argc: cache.index, kwnames: None },
            });
        }
        Some(CodeUnit {
            name: shown(&self.name)?.into(),
            qualname: shown(&self.qualname)?.into(),
            filename: shown(&self.filename.get())?.into(),
            first_line: self.first_line,
            flags: self.flags.get(),
            argcount: self.argcount as u32,
            posonly: self.posonly as u32,
            kwonly: self.kwonly as u32,
            locals: body
                .locals
                .iter()
                .map(|(name, kind)| Some(LocalName { name: shown(name)?.into(), kind: *kind }))
                .collect::<Option<_>>()?,
            registers: self.registers as u32,
            instructions: body.instructions.iter().map(|ins| crate::interp::quick::generic(*ins)).collect(),
            locations: body.locations.clone(),
            notes: body.notes.to_vec(),
            exceptions: body.exceptions.to_vec(),
            constants,
            caches,
        })
    }

    /// All that counts when code objects are compared, as bytes; empty if a
    /// constant has no plain form.
    fn identity(&self, vm: &Vm) -> Vec<u8> {
        match self.try_to_unit(vm) {
            Some(mut unit) => {
                rename(&mut unit, &"".into());
                taipan_bytecode::write(&unit)
            }
            None => Vec::new(),
        }
    }
    /// Another file name, for the code inside as well (`_imp._fix_co_filename`).
    pub fn set_filename(&self, filename: &Object) {
        self.filename.set(filename.clone());
        // What was not read yet will have it from here.
        for constant in self.body.get().iter().flat_map(|body| &body.consts) {
            if let Some(inner) = constant.downcast_exact::<Code>() {
                inner.set_filename(filename);
            }
        }
    }
}

/// Puts another file name into a unit and those inside it.
fn rename(unit: &mut CodeUnit, filename: &std::rc::Rc<str>) {
    unit.filename = filename.clone();
    for constant in &mut unit.constants {
        if let Constant::Code(inner) = constant {
            rename(inner, filename);
        }
    }
}

/// Deepest nesting of constants that is written; readers have a limit, too.
const MAX_NESTING: u32 = 190;

/// A constant object as data; the inverse of [`constant`].
fn plain_constant(vm: &Vm, object: &Object, depth: u32) -> Option<Constant> {
    use crate::types::{complex, float, int, set, slice::Slice};
    if depth > MAX_NESTING {
        return None;
    }
    let part = |item: &Object| plain_constant(vm, item, depth + 1);
    let all = |items: &[Object]| items.iter().map(part).collect::<Option<Box<[Constant]>>>();
    if object.is_none() {
        return Some(Constant::None);
    }
    if object.is_bool() {
        return Some(if object.is(Value::TRUE) { Constant::True } else { Constant::False });
    }
    if object.is(Object::ELLIPSIS.value()) {
        return Some(Constant::Ellipsis);
    }
    if int::is_exact(object) {
        return Some(match int::view(object)? {
            int::IntView::Small(n) => Constant::Int(n),
            int::IntView::Big(n) => {
                let mut magnitude: Vec<u8> = n.words().iter().flat_map(|word| word.to_le_bytes()).collect();
                while magnitude.last() == Some(&0) {
                    magnitude.pop();
                }
                Constant::BigInt { negative: n.is_negative(), magnitude: magnitude.into() }
            }
        });
    }
    if float::is_exact(object) {
        return float::as_f64(object).map(Constant::Float);
    }
    if object.ty().is(&complex::COMPLEX) {
        return complex::as_complex(object).map(|z| Constant::Complex(z.re, z.im));
    }
    if let Some(s) = object.downcast_exact::<Str>() {
        return Some(Constant::Str(s.to_wtf8().into()));
    }
    if let Some(bytes) = object.downcast_exact::<Bytes>() {
        return Some(Constant::Bytes(bytes.as_slice().into()));
    }
    if let Some(tuple) = object.downcast_exact::<Tuple>() {
        return all(tuple.items()).map(Constant::Tuple);
    }
    if object.ty().is(&set::FROZENSET) {
        return all(&set::SetObject::of(object)?.to_vec()).map(Constant::FrozenSet);
    }
    if let Some(slice) = Slice::of(object) {
        return Some(Constant::Slice(Box::new([
            part(&slice.start)?,
            part(&slice.stop)?,
            part(&slice.step)?,
        ])));
    }
    let unit = object.downcast_exact::<Code>()?.unit_with(vm, |c| plain_constant(vm, c, depth + 1))?;
    Some(Constant::Code(Box::new(unit)))
}
