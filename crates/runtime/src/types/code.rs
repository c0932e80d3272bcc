//! code: live code objects, instantiated from the compiler's `CodeUnit`.

use crate::prelude::*;
use crate::types::cell::ObjectCell;
use crate::types::str as text;
use std::cell::{Cell, UnsafeCell};
use taipan_bytecode::code_flags as co;
use taipan_bytecode::{CacheSpec, CodeUnit, Constant, ExceptionEntry, Instruction, LocalKind, Location};

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
    // What a call reads comes first, together.
    instructions: UnsafeCell<Box<[Instruction]>>,
    pub consts: Box<[Object]>,
    caches: UnsafeCell<Box<[Cache]>>,
    pub registers: usize,
    pub first_temp: usize,
    /// The exact number of positional arguments that fills all parameters, or
    /// usize::MAX if the call is not that simple.
    pub fast_argc: usize,
    /// As `fast_argc` if there are no free variables and few parameters, else u32::MAX.
    pub plain_argc: u32,
    /// First register of the free variables.
    pub free_base: usize,
    pub argcount: usize,
    pub posonly: usize,
    pub kwonly: usize,
    pub flags: Cell<u32>,
    /// Tool data of `sys.monitoring` and friends, made on demand.
    pub extra: Cell<u32>,
    /// Names of the named registers.
    pub locals: Box<[(Object, LocalKind)]>,
    pub name: Object,
    pub qualname: Object,
    pub filename: ObjectCell,
    pub unit: CodeUnit,
}

impl NativeClass for Code {
    fn class() -> &'static Type {
        &CODE
    }
}

impl Code {
    #[inline(always)]
    pub fn instructions_ptr(&self) -> *mut Instruction {
        // SAFETY: instructions are rewritten in place under the GIL only.
        unsafe { (*self.instructions.get()).as_mut_ptr() }
    }
    #[inline(always)]
    pub fn consts_ptr(&self) -> *const Value {
        self.consts.as_ptr() as *const Value
    }
    pub fn instructions(&self) -> &[Instruction] {
        // SAFETY: as above.
        unsafe { &*self.instructions.get() }
    }
    #[inline(always)]
    pub fn caches_ptr(&self) -> *mut Cache {
        // SAFETY: as above.
        unsafe { (*self.caches.get()).as_mut_ptr() }
    }
    pub fn has_flag(&self, flag: u32) -> bool {
        self.flags.get() & flag != 0
    }
    pub fn line_of(&self, index: usize) -> u32 {
        self.unit.locations.get(index).map_or(self.unit.first_line, |l| l.line)
    }
    pub fn location_of(&self, index: usize) -> Location {
        self.unit.locations.get(index).unwrap_or_default()
    }
    /// The innermost handler for an exception at instruction `index`.
    pub fn handler(&self, index: usize) -> Option<ExceptionEntry> {
        let index = index as u32;
        self.unit.exceptions.iter().rev().find(|e| e.start <= index && index < e.end).copied()
    }
    /// Does a handler other than the one around every generator's body (which turns
    /// StopIteration into RuntimeError) cover instruction `index`?
    pub fn has_user_handler(&self, index: usize) -> bool {
        self.handler(index).is_some_and(|entry| {
            self.instructions()
                .get(entry.target as usize)
                .is_none_or(|ins| ins.op_byte() != taipan_bytecode::Opcode::Intrinsic1 as u8 || ins.c() != 2)
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
    pub fn local_names(&self, kind: LocalKind) -> Vec<Object> {
        self.locals.iter().filter(|(_, k)| k.contains(kind)).map(|(name, _)| name.clone()).collect()
    }
}

/// Instantiates a compiled unit.
pub fn new(vm: &Vm, unit: CodeUnit) -> Object {
    vm.alloc(&CODE, build(vm, unit))
}

fn build(vm: &Vm, mut unit: CodeUnit) -> Code {
    let filename = vm.intern(&unit.filename);
    let constants = std::mem::take(&mut unit.constants);
    let consts: Box<[Object]> = constants.into_iter().map(|c| constant(vm, c)).collect();
    let caches = unit
        .caches
        .iter()
        .map(|spec| {
            let (name, index) = match *spec {
                CacheSpec::Name(i) => (consts.get(i as usize).map_or(Value::UNBOUND, |c| c.value()), 0),
                CacheSpec::Call { argc, kwnames } => {
                    let names =
                        kwnames.and_then(|i| consts.get(i as usize)).map_or(Value::UNBOUND, |c| c.value());
                    (names, argc)
                }
            };
            Cache { name, value: Value::UNBOUND, version: 0, index, version2: 0, backoff: 0, misses: 0 }
        })
        .collect();
    let locals: Box<[(Object, LocalKind)]> =
        unit.locals.iter().map(|local| (vm.intern(&local.name), local.kind)).collect();
    let mut instructions = std::mem::take(&mut unit.instructions).into_boxed_slice();
    for ins in &mut instructions {
        *ins = crate::interp::quick::for_operands(*ins);
    }
    let simple = unit.kwonly == 0 && unit.flags & (co::VARARGS | co::VARKEYWORDS) == 0;
    let free_base = locals.iter().position(|(_, k)| k.contains(LocalKind::FREE)).unwrap_or(locals.len());
    let plain = simple && free_base == locals.len() && unit.argcount < 250;
    Code {
        name: vm.intern(&unit.name),
        qualname: vm.intern(&unit.qualname),
        filename: ObjectCell::new(filename),
        consts,
        caches: UnsafeCell::new(caches),
        registers: unit.registers as usize,
        first_temp: locals.len(),
        free_base,
        locals,
        argcount: unit.argcount as usize,
        posonly: unit.posonly as usize,
        kwonly: unit.kwonly as usize,
        flags: Cell::new(unit.flags),
        fast_argc: if simple { unit.argcount as usize } else { usize::MAX },
        plain_argc: if plain { unit.argcount as u32 } else { u32::MAX },
        instructions: UnsafeCell::new(instructions),
        extra: Cell::new(0),
        unit,
    }
}

/// A compile-time constant as an object. Strings that look like names are interned.
pub fn constant(vm: &Vm, constant: Constant) -> Object {
    match constant {
        Constant::None => Object::NONE,
        Constant::True => Object::TRUE,
        Constant::False => Object::FALSE,
        Constant::Ellipsis => Object::ELLIPSIS,
        Constant::Int(n) => vm.int(n),
        Constant::BigInt { negative, magnitude } => {
            let n = taipan_numeric::BigInt::from_bytes(&magnitude, true, false);
            crate::types::int::from_big(vm, if negative { n.neg() } else { n })
        }
        Constant::Float(x) => vm.float(x),
        Constant::Complex(re, im) => crate::types::complex::new(vm, re, im),
        Constant::Str(bytes) => {
            let s = text::from_wtf8(vm, &bytes);
            let name_like = bytes.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'_');
            if name_like { vm.intern_object(&s) } else { s }
        }
        Constant::Bytes(bytes) => vm.bytes(&bytes),
        Constant::Tuple(items) => {
            let items = items.into_vec().into_iter().map(|c| self::constant(vm, c)).collect();
            vm.tuple(items)
        }
        Constant::FrozenSet(items) => {
            let items = items.into_vec().into_iter().map(|c| self::constant(vm, c)).collect();
            crate::types::set::frozenset_from(vm, items).unwrap_or(Object::NONE)
        }
        Constant::Slice(parts) => {
            let [start, stop, step] = *parts;
            let (a, b, c) = (self::constant(vm, start), self::constant(vm, stop), self::constant(vm, step));
            crate::types::slice::new(vm, a, b, c)
        }
        Constant::Code(unit) => new(vm, *unit),
    }
}

pub static CODE: Type = Type::new::<Code>(
    "code",
    &crate::types::object::OBJECT,
    type_flags::WEAKREFABLE,
    Slots {
        hash: Some(|vm, c| {
            let code = this(c);
            let seed = (code.unit.first_line as u64) << 32 | code.flags.get() as u64;
            let shape = (code.argcount + code.kwonly) as u64 ^ (code.instructions().len() as u64) << 16;
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
                code.unit.first_line
            )))
        })
    },
    &[
        MethodDef::new("co_lines($self, /)", co_lines, ""),
        MethodDef::new("co_positions($self, /)", co_positions, ""),
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
                match this(&args[0]).locals.get(i) {
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
        GetSetDef::new("co_firstlineno", |vm, c| Ok(vm.int(this(c).unit.first_line as i64))),
        GetSetDef::new("co_argcount", |vm, c| Ok(vm.usize(this(c).argcount))),
        GetSetDef::new("co_posonlyargcount", |vm, c| Ok(vm.usize(this(c).posonly))),
        GetSetDef::new("co_kwonlyargcount", |vm, c| Ok(vm.usize(this(c).kwonly))),
        GetSetDef::new("co_nlocals", |vm, c| Ok(vm.usize(this(c).local_names(LocalKind::LOCAL).len()))),
        GetSetDef::new("co_stacksize", |vm, c| Ok(vm.usize(this(c).registers - this(c).first_temp))),
        GetSetDef::new("co_flags", |vm, c| Ok(vm.int(this(c).flags.get() as i64))),
        GetSetDef::new("co_varnames", |vm, c| Ok(vm.tuple(this(c).local_names(LocalKind::LOCAL)))),
        GetSetDef::new("co_cellvars", |vm, c| Ok(vm.tuple(this(c).local_names(LocalKind::CELL)))),
        GetSetDef::new("co_freevars", |vm, c| Ok(vm.tuple(this(c).local_names(LocalKind::FREE)))),
        GetSetDef::new("co_consts", |vm, c| Ok(vm.tuple(this(c).consts.to_vec()))),
        GetSetDef::new("co_names", co_names),
        GetSetDef::new("co_code", |vm, c| {
            let mut bytes = Vec::new();
            for ins in this(c).instructions() {
                bytes.extend(crate::interp::quick::generic(*ins).0.to_le_bytes());
            }
            Ok(vm.bytes(&bytes))
        }),
        GetSetDef::new("co_linetable", |vm, _| Ok(vm.bytes(b""))),
        GetSetDef::new("co_exceptiontable", |vm, _| Ok(vm.bytes(b""))),
    ],
);

fn this(object: &Object) -> &Code {
    // SAFETY: slots and methods of code are only called on code objects.
    unsafe { object.payload_unchecked() }
}

/// Equal are code objects that do the same at the same places, whatever their file.
fn code_compare(_: &Vm, a: &Object, b: &Object, op: CompareOp) -> Result {
    let (Some(x), Some(y)) = (a.downcast_exact::<Code>(), b.downcast_exact::<Code>()) else {
        return Ok(Object::NOT_IMPLEMENTED);
    };
    let same = a.value() == b.value() || !x.identity().is_empty() && x.identity() == y.identity();
    match op {
        CompareOp::Eq => Ok(Object::bool(same)),
        CompareOp::Ne => Ok(Object::bool(!same)),
        _ => Ok(Object::NOT_IMPLEMENTED),
    }
}

fn co_names(vm: &Vm, code: &Object) -> Result {
    let code = this(code);
    let mut names: Vec<Object> = Vec::new();
    for spec in &code.unit.caches {
        if let CacheSpec::Name(i) = spec
            && let Some(name) = code.consts.get(*i as usize)
            && !names.iter().any(|n| n.value() == name.value())
        {
            names.push(name.clone());
        }
    }
    Ok(vm.tuple(names))
}

fn co_lines(vm: &Vm, args: &[Object]) -> Result {
    let code = this(&args[0]);
    let mut out: Vec<Object> = Vec::new();
    let (mut start, mut end, mut line) = (0, 0, None);
    let mut emit = |start: usize, end: usize, line: Option<u32>| {
        if let Some(line) = line {
            let line = if line == 0 { Object::NONE } else { vm.int(line as i64) };
            out.push(vm.tuple(vec![vm.usize(start * 8), vm.usize(end * 8), line]));
        }
    };
    for location in code.unit.locations.iter() {
        if line != Some(location.line) {
            emit(start, end, line);
            (start, line) = (end, Some(location.line));
        }
        end += 1;
    }
    emit(start, end, line);
    vm.iter(&vm.list(out))
}

fn co_positions(vm: &Vm, args: &[Object]) -> Result {
    let number = |n: u32, known: bool| if known { vm.int(n as i64) } else { Object::NONE };
    let ranges = !vm.interp().config.no_debug_ranges;
    let rows = this(&args[0])
        .unit
        .locations
        .iter()
        .map(|l| {
            let known = l.line != 0;
            vm.tuple(vec![
                number(l.line, known),
                number(l.end_line, known && ranges),
                number(l.column, known && ranges),
                number(l.end_column, known && ranges),
            ])
        })
        // One row for each two bytes of code, as readers of `tb_lasti` expect.
        .flat_map(|row| std::iter::repeat_n(row, 4))
        .collect();
    vm.iter(&vm.list(rows))
}

fn code_replace(vm: &Vm, args: &[Object], kwnames: &[Object]) -> Result {
    let code = this(&args[0]);
    let values = &args[args.len() - kwnames.len()..];
    if args.len() - kwnames.len() > 1 {
        return Err(vm.type_error("replace() takes 0 positional arguments"));
    }
    let mut copy = code.copy_parts();
    for (name, value) in kwnames.iter().zip(values) {
        let as_str = |vm: &Vm| match value.downcast::<Str>() {
            Some(_) => Ok(value.clone()),
            None => Err(vm.type_error(format!("replace() argument must be str, not {}", value.ty().name()))),
        };
        match vm.str_lossy(name).as_str() {
            "co_name" => copy.name = as_str(vm)?,
            "co_qualname" => copy.qualname = as_str(vm)?,
            "co_filename" => copy.filename.set(as_str(vm)?),
            "co_firstlineno" => copy.unit.first_line = vm.to_c_int(value)?.max(0) as u32,
            "co_flags" => copy.flags.set(vm.to_c_int(value)? as u32),
            "co_consts" => match value.downcast::<Tuple>() {
                Some(consts) if consts.len() == code.consts.len() => copy.consts = consts.items().into(),
                _ => return Err(vm.value_error("code: co_consts of another length")),
            },
            "co_code" | "co_linetable" | "co_exceptiontable" | "co_stacksize" | "co_names"
            | "co_varnames" | "co_freevars" | "co_cellvars" | "co_nlocals" | "co_argcount"
            | "co_posonlyargcount" | "co_kwonlyargcount" => {
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
    Ok(vm.alloc(&CODE, copy))
}

impl Code {
    fn copy_parts(&self) -> Code {
        let pristine: Box<[Cache]> = {
            // SAFETY: read under the GIL.
            let caches = unsafe { &*self.caches.get() };
            caches
                .iter()
                .map(|c| Cache {
                    value: Value::UNBOUND,
                    version: 0,
                    version2: 0,
                    backoff: 0,
                    misses: 0,
                    ..*c
                })
                .collect()
        };
        Code {
            unit: self.unit.clone(),
            name: self.name.clone(),
            qualname: self.qualname.clone(),
            filename: ObjectCell::new(self.filename.get()),
            instructions: UnsafeCell::new(
                self.instructions().iter().map(|ins| crate::interp::quick::generic(*ins)).collect(),
            ),
            consts: self.consts.clone(),
            caches: UnsafeCell::new(pristine),
            locals: self.locals.clone(),
            registers: self.registers,
            first_temp: self.first_temp,
            free_base: self.free_base,
            argcount: self.argcount,
            posonly: self.posonly,
            kwonly: self.kwonly,
            flags: Cell::new(self.flags.get()),
            fast_argc: self.fast_argc,
            plain_argc: self.plain_argc,
            extra: Cell::new(0),
        }
    }
}

// ---- back to plain data ------------------------------------------------------------------

impl Code {
    /// The code object as plain data again, without quickening. A constant that has
    /// no such form (see [`Code::try_to_unit`]) becomes None.
    pub fn to_unit(&self) -> CodeUnit {
        let unit = self.unit_with(|c| Some(plain_constant(c, 0).unwrap_or(Constant::None)));
        unit.unwrap_or_else(|| self.unit.clone())
    }

    /// The same; None if a constant put there by `replace()` has no plain form.
    pub fn try_to_unit(&self) -> Option<CodeUnit> {
        self.unit_with(|c| plain_constant(c, 0))
    }

    fn unit_with(&self, plain: impl Fn(&Object) -> Option<Constant>) -> Option<CodeUnit> {
        let shown =
            |s: &Object| s.downcast::<Str>().map(|s| String::from_utf8_lossy(&s.to_wtf8()).into_owned());
        Some(CodeUnit {
            name: shown(&self.name)?.into(),
            qualname: shown(&self.qualname)?.into(),
            filename: shown(&self.filename.get())?.into(),
            flags: self.flags.get(),
            instructions: self.instructions().iter().map(|ins| crate::interp::quick::generic(*ins)).collect(),
            constants: self.consts.iter().map(plain).collect::<Option<_>>()?,
            ..self.unit.clone()
        })
    }
}

impl Code {
    /// All that counts when code objects are compared, as bytes; empty if a
    /// constant has no plain form.
    fn identity(&self) -> Vec<u8> {
        match self.try_to_unit() {
            Some(mut unit) => {
                crate::import::rename(&mut unit, &"".into());
                taipan_bytecode::write(&unit)
            }
            None => Vec::new(),
        }
    }
    /// Another file name, for the code inside as well (`_imp._fix_co_filename`).
    pub fn set_filename(&self, filename: &Object) {
        self.filename.set(filename.clone());
        for constant in &self.consts {
            if let Some(inner) = constant.downcast_exact::<Code>() {
                inner.set_filename(filename);
            }
        }
    }
}

/// Deepest nesting of constants that is written; readers have a limit, too.
const MAX_NESTING: u32 = 190;

/// A constant object as data; the inverse of [`constant`].
fn plain_constant(object: &Object, depth: u32) -> Option<Constant> {
    use crate::types::{bytes::Bytes, complex, float, int, set, slice::Slice};
    if depth > MAX_NESTING {
        return None;
    }
    let part = |item: &Object| plain_constant(item, depth + 1);
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
    let unit = object.downcast_exact::<Code>()?.unit_with(|c| plain_constant(c, depth + 1))?;
    Some(Constant::Code(Box::new(unit)))
}
