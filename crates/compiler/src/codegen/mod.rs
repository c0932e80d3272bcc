//! Code generation: from tree and symbol table to the register bytecode.
//!
//! This file holds the machinery: a [`Unit`] per code object under construction,
//! emission of instructions, the stack of temporaries, name access. The themes are
//! in the files beside it; [`assemble`] turns a finished unit into a `CodeUnit`.
//!
//! Registers are symbolic until assembly (see the `*_BASE` constants), because named
//! registers appear in the order in which the code first mentions them, as CPython's
//! `co_varnames` do.

mod annotations;
mod assemble;
mod assign;
mod calls;
mod checks;
mod comprehensions;
mod conditions;
mod control;
mod expressions;
mod functions;
mod patterns;
mod peephole;
mod statements;
mod strings;
mod tries;
mod type_params;

use crate::constants::{ConstantPool, constant_of};
use crate::error::{Result, Warning, WarningKind, overflow_error, recursion_error};
use crate::names::{FastMap, NameId};
use crate::scope::symbol::{CELL, DEF_FREE_CLASS, FREE, FROM_COMPREHENSION, GLOBAL_EXPLICIT};
use crate::scope::symbol::{GLOBAL_IMPLICIT, LOCAL};
use crate::scope::{Scope, ScopeId, ScopeKind, Symtable};
use crate::symtable::MAX_DEPTH;
use crate::{Locator, Options};
use std::rc::Rc;
use taipan_bytecode::flags::*;
use taipan_bytecode::{CacheSpec, CodeUnit, Constant, Location, Opcode};
use taipan_syntax::ast::*;

/// A register, symbolic: an offset from one of the bases (or a parameter's number).
pub(crate) type Reg = u32;
pub(crate) const LOCAL_BASE: Reg = 1 << 24;
pub(crate) const CELL_BASE: Reg = 2 << 24;
pub(crate) const FREE_BASE: Reg = 3 << 24;
pub(crate) const HIDDEN_BASE: Reg = 4 << 24;
pub(crate) const TEMP_BASE: Reg = 5 << 24;

/// "No position": such instructions take over their neighbour's, or none.
pub(crate) const NO_LOCATION: Range = Range::new(u32::MAX, u32::MAX);

/// CPython's limit of blocks in blocks (`CO_MAXBLOCKS`).
const MAX_BLOCKS: usize = 21;

/// A jump target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Label(pub u32);

/// An operand: where a value is, and whether using it uses it up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Val {
    /// A register that is only read.
    Borrow(Reg),
    /// A temporary that dies with its use.
    Temp(Reg),
    /// A constant.
    Const(u32),
}

impl Val {
    fn borrowed(self) -> Val {
        match self {
            Val::Temp(r) => Val::Borrow(r),
            v => v,
        }
    }
}

/// An instruction before assembly. Jumps hold their label in `b` (`ForIter` in `c`).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ins {
    pub op: Opcode,
    pub flags: u8,
    pub a: u32,
    pub b: u32,
    pub c: u32,
    pub range: Range,
    /// Index into `Unit::handlers`; 0 is none.
    pub handler: u32,
}

/// Where an exception goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Handler {
    pub target: Label,
    /// Index of the temporary that receives the exception.
    pub depth: u32,
}

/// What kind of code object a unit becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UnitKind {
    Module,
    Class,
    Function,
    AsyncFunction,
    Lambda,
    Comprehension,
    Annotations,
}

/// A construct that `return`, `break` or `continue` may have to leave.
#[derive(Clone, Copy)]
pub(crate) enum BlockKind<'a> {
    /// A loop; `iter` is dropped when it is left.
    Loop { iter: Option<Reg>, exit: Label, start: Label },
    /// Body of `try: … finally:`; the final body is run.
    FinallyTry { body: Stmts<'a> },
    /// The final body itself, run because of an exception.
    FinallyEnd { prev: Reg, exc: Reg },
    /// The value of a `return` that waits while a `finally` body runs.
    Waiting { value: Reg },
    /// Inside an `except` clause.
    Except { prev: Reg, name: Option<&'a str> },
    /// Body of `try` with `except`, an `except` part, a generator: nothing to do on the way
    /// out, but it counts as nesting.
    Marker,
    /// Inside an `except*` clause, which cannot be left.
    ExceptStar,
    /// Body of `with`.
    With { exit: Reg, range: Range, is_async: bool },
}

#[derive(Clone, Copy)]
pub(crate) struct Block<'a> {
    pub kind: BlockKind<'a>,
    /// The handler in force outside.
    pub outer: u32,
}

/// Names bound by an inlined comprehension that is being compiled.
pub(crate) struct InlinedComp {
    pub scope: ScopeId,
    /// (name, register, whether it holds a cell)
    pub bound: Vec<(NameId, Reg, bool)>,
}

/// A code object under construction.
pub(crate) struct Unit<'a> {
    pub scope: ScopeId,
    pub kind: UnitKind,
    pub name: String,
    pub qualname: String,
    pub private: Option<&'a str>,
    pub first_line: u32,
    pub flags: u32,
    pub argcount: u32,
    pub posonly: u32,
    pub kwonly: u32,
    pub varnames: Vec<NameId>,
    pub var_index: FastMap<NameId, u32>,
    /// Indices into `varnames` in the order in which CPython would list them.
    pub mentioned: Vec<u32>,
    pub cells: Vec<NameId>,
    pub free: Vec<NameId>,
    /// Hidden registers, and whether they also count as locals / cells (kind bits).
    pub hidden: Vec<(NameId, u8)>,
    /// Plain locals that comprehensions use as cells.
    pub comp_cells: Vec<NameId>,
    pub ins: Vec<Ins>,
    /// Lines that the clean-up took the `Nop`s of.
    pub notes: Vec<taipan_bytecode::LineNote>,
    pub labels: Vec<u32>,
    pub handlers: Vec<Handler>,
    pub handler: u32,
    pub consts: ConstantPool,
    pub caches: Vec<CacheSpec>,
    pub name_caches: FastMap<u64, u32>,
    pub depth: u32,
    pub max_depth: u32,
    pub blocks: Vec<Block<'a>>,
    pub comps: Vec<InlinedComp>,
    pub static_attributes: Vec<NameId>,
    pub deferred: Vec<annotations::Deferred<'a>>,
    pub conditional: bool,
    pub next_conditional: u32,
    pub has_docstring: bool,
    /// The first parameter, for zero-argument `super()`.
    pub first_parameter: Option<NameId>,
}

pub(crate) struct Codegen<'a, 'e> {
    pub table: Symtable,
    pub locator: &'e dyn Locator,
    pub options: &'e Options<'e>,
    pub filename: Rc<str>,
    pub warnings: Vec<Warning>,
    pub u: Unit<'a>,
    pub stack: Vec<Unit<'a>>,
    pub nesting: u32,
    pub interactive: bool,
    /// Inside a comprehension's or function's second copy of a `finally` body
    /// warnings must not be issued again.
    pub quiet: u32,
    /// Would `break` here leave a `finally` body?
    pub in_finally: Vec<bool>,
    /// Would `return`?
    pub finally_returns: Vec<bool>,
    /// Names of the comprehension just left, for its exceptional way out.
    pub last_comp: Vec<(NameId, Reg, bool)>,
    pub last_location: (Range, Location),
}

pub(crate) fn flags_b(v: Val) -> (u8, u32) {
    match v {
        Val::Borrow(r) => (0, r),
        Val::Temp(r) => (B_TEMP, r),
        Val::Const(i) => (B_CONST, i),
    }
}

pub(crate) fn flags_c(v: Val) -> (u8, u32) {
    match v {
        Val::Borrow(r) => (0, r),
        Val::Temp(r) => (C_TEMP, r),
        Val::Const(i) => (C_CONST, i),
    }
}

/// How a name is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    Register(Reg),
    Deref(Reg),
    /// A free variable seen from a class body: its namespace first.
    ClassDeref(Reg),
    /// The same from an annotation scope: `__classdict__` first.
    ClassdictDeref(Reg),
    ClassdictGlobal,
    Global,
    Name,
}

impl Unit<'_> {
    /// Whether local `r` is listed already. Locals are mostly noted in register order,
    /// so that this is quick.
    fn seen(&self, r: u32) -> bool {
        self.mentioned.get(r as usize) == Some(&r) || self.mentioned.contains(&r)
    }
}

impl<'a, 'e> Codegen<'a, 'e> {
    // ---- units ------------------------------------------------------------

    pub fn new_unit(
        table: &Symtable,
        scope: ScopeId,
        kind: UnitKind,
        name: &str,
        private: Option<&'a str>,
        first_line: u32,
    ) -> Unit<'a> {
        let s = table.scope(scope);
        let mut cells: Vec<NameId> = Vec::new();
        let mut free: Vec<NameId> = Vec::new();
        let comp_flag = crate::scope::symbol::DEF_COMP_CELL;
        for (id, flags) in s.symbols.iter() {
            let where_ = flags >> 12 & 15;
            // Elsewhere a comprehension's variables have hidden registers of their own.
            if flags & FROM_COMPREHENSION != 0 && where_ == CELL && !s.is_function_like() {
                continue;
            }
            if where_ == CELL || (flags & comp_flag != 0 && where_ == LOCAL && s.is_function_like()) {
                cells.push(id);
            } else if where_ == FREE || flags & DEF_FREE_CLASS != 0 {
                free.push(id);
            }
        }
        let order = |a: &NameId, b: &NameId| table.names.text(*a).cmp(table.names.text(*b));
        let conditional = "__conditional_annotations__";
        if s.kind == ScopeKind::Module
            && s.has_conditional_annotations
            && let Some(name) = table.names.find(conditional)
            && !cells.contains(&name)
        {
            cells.push(name);
        }
        cells.sort_by(order);
        free.sort_by(order);
        let mut unit = Unit {
            scope,
            kind,
            name: name.to_string(),
            qualname: name.to_string(),
            private,
            first_line,
            flags: 0,
            argcount: 0,
            posonly: 0,
            kwonly: 0,
            varnames: Vec::new(),
            var_index: FastMap::default(),
            mentioned: Vec::new(),
            cells,
            free,
            hidden: Vec::new(),
            comp_cells: Vec::new(),
            ins: Vec::new(),
            notes: Vec::new(),
            labels: Vec::new(),
            handlers: vec![Handler { target: Label(0), depth: 0 }],
            handler: 0,
            consts: ConstantPool::default(),
            caches: Vec::new(),
            name_caches: FastMap::default(),
            depth: 0,
            max_depth: 0,
            blocks: Vec::new(),
            comps: Vec::new(),
            static_attributes: Vec::new(),
            deferred: Vec::new(),
            conditional: false,
            next_conditional: 0,
            has_docstring: false,
            first_parameter: None,
        };
        for &name in &s.varnames {
            unit.var_index.insert(name, unit.varnames.len() as u32);
            unit.mentioned.push(unit.varnames.len() as u32);
            unit.varnames.push(name);
        }
        unit
    }

    /// Open a unit inside the current one; emits the cells' prologue.
    pub fn enter_unit(
        &mut self,
        scope: ScopeId,
        kind: UnitKind,
        name: &str,
        first_line: u32,
        private: Option<&'a str>,
    ) -> Result<()> {
        let mut unit = Self::new_unit(&self.table, scope, kind, name, private, first_line);
        unit.qualname = self.qualname(kind, name);
        let s = self.table.scope(scope);
        if s.kind == ScopeKind::Class {
            for (needed, name) in [
                (s.needs_class_closure, "__class__"),
                (s.needs_classdict, "__classdict__"),
                (s.has_conditional_annotations, "__conditional_annotations__"),
            ] {
                if needed {
                    let id = self.table.names.intern(name);
                    unit.cells.push(id);
                }
            }
        }
        let old = std::mem::replace(&mut self.u, unit);
        self.stack.push(old);
        if self.stack.len() > 400 {
            return recursion_error();
        }
        self.in_finally.push(false);
        self.finally_returns.push(false);
        Ok(())
    }

    /// First instructions of a unit, once its flags are known.
    pub fn prologue(&mut self) {
        use taipan_bytecode::code_flags::*;
        let range = NO_LOCATION;
        if self.u.flags & (GENERATOR | COROUTINE | ASYNC_GENERATOR) != 0 {
            self.emit(Opcode::ReturnGenerator, 0, 0, 0, 0, range);
        }
        for i in 0..self.u.cells.len() {
            let name = self.u.cells[i];
            let flags = self.scope().symbols.get(name).unwrap_or(0);
            // Not so a class's implicit cell that a comprehension names, too.
            if flags & FROM_COMPREHENSION != 0 && flags >> 12 & 15 != GLOBAL_IMPLICIT {
                continue;
            }
            let reg = self.cell_register(name).unwrap_or(CELL_BASE + i as u32);
            self.emit(Opcode::MakeCell, 0, reg, 0, 0, range);
        }
    }

    /// Close the unit and give its code object.
    pub fn exit_unit(&mut self) -> Result<CodeUnit> {
        let outer = self.stack.pop().expect("a unit is open");
        let unit = std::mem::replace(&mut self.u, outer);
        self.in_finally.pop();
        self.finally_returns.pop();
        assemble::assemble(self, unit)
    }

    pub fn qualname(&mut self, kind: UnitKind, name: &str) -> String {
        // The current unit is the parent of the one to be made.
        if self.stack.is_empty() {
            return name.to_string();
        }
        let mut parent = &self.u;
        if parent.kind == UnitKind::Annotations {
            if self.stack.len() < 2 {
                return name.to_string();
            }
            parent = &self.stack[self.stack.len() - 1];
        }
        if matches!(kind, UnitKind::Function | UnitKind::AsyncFunction | UnitKind::Class) {
            let (private, scope) = (parent.private, parent.scope);
            let mangled = self.table.names.intern_mangled(private, name);
            if self.table.scope(scope).scope_of(mangled) == GLOBAL_EXPLICIT {
                return name.to_string();
            }
        }
        let parent = match self.u.kind {
            UnitKind::Annotations => &self.stack[self.stack.len() - 1],
            _ => &self.u,
        };
        match parent.kind {
            UnitKind::Function | UnitKind::AsyncFunction | UnitKind::Lambda => {
                format!("{}.<locals>.{}", parent.qualname, name)
            }
            _ => format!("{}.{}", parent.qualname, name),
        }
    }

    pub fn push_block(&mut self, kind: BlockKind<'a>, outer: u32, range: Range) -> Result<()> {
        if self.u.blocks.len() >= MAX_BLOCKS {
            return crate::error::syntax_error(range, "too many statically nested blocks");
        }
        self.u.blocks.push(Block { kind, outer });
        Ok(())
    }

    pub fn scope(&self) -> &Scope {
        self.table.scope(self.u.scope)
    }

    pub fn nest(&mut self) -> Result<()> {
        self.nesting += 1;
        if self.nesting > MAX_DEPTH { recursion_error() } else { Ok(()) }
    }

    // ---- positions, warnings ------------------------------------------------

    pub fn location(&mut self, range: Range) -> Location {
        if self.last_location.0 != range {
            self.last_location = (range, self.locator.location(range));
        }
        self.last_location.1
    }

    pub fn line(&mut self, range: Range) -> u32 {
        self.location(range).line
    }

    pub fn warn(&mut self, range: Range, message: String) {
        if self.quiet == 0 {
            let mut location = self.location(range);
            location.column += 1;
            location.end_column += 1;
            self.warnings.push(Warning { kind: WarningKind::Syntax, message, location });
        }
    }

    // ---- emission --------------------------------------------------------------

    pub fn emit(&mut self, op: Opcode, flags: u8, a: u32, b: u32, c: u32, range: Range) {
        let handler = self.u.handler;
        self.u.ins.push(Ins { op, flags, a, b, c, range, handler });
    }

    /// `R a = op B`
    pub fn emit_b(&mut self, op: Opcode, flags: u8, a: u32, v: Val, c: u32, range: Range) {
        let (f, b) = flags_b(v);
        self.emit(op, flags | f, a, b, c, range);
    }

    /// `R a = op B, C`
    pub fn emit_bc(&mut self, op: Opcode, flags: u8, a: u32, vb: Val, vc: Val, range: Range) {
        let (f, b) = flags_b(vb);
        let (g, c) = flags_c(vc);
        self.emit(op, flags | f | g, a, b, c, range);
    }

    pub fn label(&mut self) -> Label {
        self.u.labels.push(u32::MAX);
        Label(self.u.labels.len() as u32 - 1)
    }

    pub fn bind(&mut self, label: Label) {
        self.u.labels[label.0 as usize] = self.u.ins.len() as u32;
    }

    pub fn jump(&mut self, op: Opcode, label: Label, range: Range) {
        self.emit(op, 0, 0, label.0, 0, range);
    }

    /// A conditional jump on register `a`, which dies if `temp`.
    pub fn jump_on(&mut self, op: Opcode, v: Val, label: Label, range: Range) {
        match v {
            Val::Temp(r) => self.emit(op, A_TEMP, r, label.0, 0, range),
            Val::Borrow(r) => self.emit(op, 0, r, label.0, 0, range),
            Val::Const(i) => {
                let t = self.top();
                self.emit(Opcode::LoadConst, 0, t, i, 0, range);
                self.emit(op, A_TEMP, t, label.0, 0, range);
            }
        }
    }

    /// Open an exception handler; gives the one to restore.
    pub fn push_handler(&mut self, target: Label, depth: u32) -> u32 {
        self.u.handlers.push(Handler { target, depth });
        let new = self.u.handlers.len() as u32 - 1;
        std::mem::replace(&mut self.u.handler, new)
    }

    // ---- temporaries -------------------------------------------------------------

    pub fn depth(&self) -> u32 {
        self.u.depth
    }

    pub fn set_depth(&mut self, depth: u32) {
        self.u.depth = depth;
        self.u.max_depth = self.u.max_depth.max(depth);
    }

    /// Temporary number `i`.
    pub fn temp(&mut self, i: u32) -> Reg {
        self.u.max_depth = self.u.max_depth.max(i + 1);
        TEMP_BASE + i
    }

    /// The next free temporary, not yet taken.
    pub fn top(&mut self) -> Reg {
        let d = self.u.depth;
        self.temp(d)
    }

    /// Take the next free temporary.
    pub fn take(&mut self) -> Reg {
        let t = self.top();
        self.u.depth += 1;
        t
    }

    /// Put a value into the next free temporary (it may be that one already).
    pub fn push_val(&mut self, v: Val, range: Range) -> Reg {
        let t = self.take();
        self.move_to(t, v, range);
        t
    }

    pub fn move_to(&mut self, dst: Reg, v: Val, range: Range) {
        match v {
            Val::Temp(r) | Val::Borrow(r) if r == dst => {}
            Val::Const(i) => self.emit(Opcode::LoadConst, 0, dst, i, 0, range),
            _ => self.emit_b(Opcode::Move, 0, dst, v, 0, range),
        }
    }

    /// The value in a register: constants are loaded into a fresh temporary.
    pub fn in_register(&mut self, v: Val, range: Range) -> Val {
        match v {
            Val::Const(_) => Val::Temp(self.push_val(v, range)),
            v => v,
        }
    }

    pub fn drop_val(&mut self, v: Val, range: Range) {
        if let Val::Temp(r) = v {
            self.emit(Opcode::Drop, 0, r, 0, 0, range);
        }
    }

    // ---- constants and caches -------------------------------------------------------

    pub fn constant(&mut self, c: Constant) -> u32 {
        self.u.consts.add(c)
    }

    /// A constant as an operand; too many of them are loaded one by one.
    pub fn const_val(&mut self, c: Constant) -> Val {
        Val::Const(self.constant(c))
    }

    pub fn none(&mut self) -> Val {
        self.const_val(Constant::None)
    }

    pub fn str_const(&mut self, text: &str) -> u32 {
        self.constant(Constant::Str(text.as_bytes().into()))
    }

    pub fn name_const(&mut self, name: NameId) -> u32 {
        let bytes: Box<[u8]> = self.table.names.text(name).as_bytes().into();
        self.constant(Constant::Str(bytes))
    }

    /// A fresh inline cache for an attribute.
    pub fn attr_cache(&mut self, attr: &str) -> u32 {
        let name = self.table.names.intern_mangled(self.u.private, attr);
        let index = self.name_const(name);
        self.u.caches.push(CacheSpec::Name(index));
        self.u.caches.len() as u32 - 1
    }

    /// The cache shared by all instructions `op` on `name`.
    pub fn name_cache(&mut self, op: Opcode, name: NameId) -> u32 {
        let key = (op as u64) << 32 | name.0 as u64;
        if let Some(&c) = self.u.name_caches.get(&key) {
            return c;
        }
        let index = self.name_const(name);
        self.u.caches.push(CacheSpec::Name(index));
        let c = self.u.caches.len() as u32 - 1;
        self.u.name_caches.insert(key, c);
        c
    }

    pub fn call_cache(&mut self, argc: u32, kwnames: Option<u32>) -> u32 {
        self.u.caches.push(CacheSpec::Call { argc, kwnames });
        self.u.caches.len() as u32 - 1
    }

    // ---- names -------------------------------------------------------------------------

    pub fn mangled(&mut self, name: &str) -> NameId {
        let scope = self.table.scope(self.u.scope);
        if let (Some(allowed), Some(_)) = (&scope.mangled_names, self.u.private) {
            let plain = self.table.names.find(name);
            if !plain.is_some_and(|p| allowed.contains(&p)) {
                return self.table.names.intern(name);
            }
        }
        self.table.names.intern_mangled(self.u.private, name)
    }

    pub fn var_register(&mut self, name: NameId) -> Reg {
        if let Some(&i) = self.u.var_index.get(&name) {
            return LOCAL_BASE + i;
        }
        let i = self.u.varnames.len() as u32;
        self.u.varnames.push(name);
        self.u.var_index.insert(name, i);
        LOCAL_BASE + i
    }

    /// The same, and the name counts as seen from here on.
    pub fn mention(&mut self, name: NameId) -> Reg {
        let r = self.var_register(name);
        self.note(r);
        r
    }

    /// Register of a cell of this unit: the parameter's own, or a cell register.
    pub fn cell_register(&mut self, name: NameId) -> Option<Reg> {
        if let Some(&i) = self.u.var_index.get(&name) {
            return Some(LOCAL_BASE + i);
        }
        let i = self.u.cells.iter().position(|&c| c == name)?;
        Some(CELL_BASE + i as u32)
    }

    pub fn free_register(&self, name: NameId) -> Option<Reg> {
        self.u.free.iter().position(|&c| c == name).map(|i| FREE_BASE + i as u32)
    }

    /// How the name is reached from here, inlined comprehensions considered.
    pub fn access(&mut self, name: NameId) -> Access {
        let in_class = self.scope().kind == ScopeKind::Class;
        let mut in_comp = false;
        for i in (0..self.u.comps.len()).rev() {
            in_comp = true;
            let comp = &self.u.comps[i];
            if let Some(&(_, reg, cell)) = comp.bound.iter().find(|b| b.0 == name) {
                return if cell { Access::Deref(reg) } else { Access::Register(reg) };
            }
            match self.table.scope(comp.scope).scope_of(name) {
                GLOBAL_EXPLICIT => return Access::Global,
                // A local of the same name is that of another comprehension.
                GLOBAL_IMPLICIT if in_class || self.scope().is_function_like() => return Access::Global,
                _ => {}
            }
        }
        let scope = self.table.scope(self.u.scope);
        let flags = scope.symbols.get(name).unwrap_or(0);
        let function_like = scope.is_function_like();
        let sees_class = scope.can_see_class_scope;
        let mut kind = flags >> 12 & 15;
        if in_comp && in_class && flags & DEF_FREE_CLASS != 0 && kind != FREE {
            kind = FREE;
        }
        match kind {
            LOCAL if function_like => {
                // Only an (otherwise unused) comprehension could have made it a cell.
                if self.u.cells.contains(&name)
                    && !self.u.comp_cells.contains(&name)
                    && let Some(reg) = self.cell_register(name)
                {
                    return Access::Deref(reg);
                }
                Access::Register(self.var_register(name))
            }
            CELL if function_like || in_class => match self.cell_register(name) {
                Some(reg) => Access::Deref(reg),
                None => Access::Name,
            },
            FREE => match self.free_register(name) {
                Some(reg) if in_class && !in_comp => Access::ClassDeref(reg),
                Some(reg) if sees_class && !in_comp => Access::ClassdictDeref(reg),
                Some(reg) => Access::Deref(reg),
                None => Access::Global,
            },
            GLOBAL_IMPLICIT if sees_class => Access::ClassdictGlobal,
            GLOBAL_IMPLICIT if function_like => Access::Global,
            GLOBAL_EXPLICIT => Access::Global,
            0 if function_like => Access::Global,
            // To a class body these are names like others: the cells are for what is inside.
            _ if in_class
                && !in_comp
                && matches!(self.table.names.text(name), "__class__" | "__classdict__") =>
            {
                Access::Name
            }
            _ => match in_class && self.u.cells.contains(&name) {
                true => match self.cell_register(name) {
                    Some(reg) => Access::Deref(reg),
                    None => Access::Name,
                },
                false => Access::Name,
            },
        }
    }

    /// The name's value as an operand.
    pub fn load_name(&mut self, text: &str, range: Range) -> Result<Val> {
        let name = self.mangled(text);
        match self.access(name) {
            Access::Register(r) => {
                self.note(r);
                Ok(Val::Borrow(r))
            }
            other => {
                let t = self.take();
                self.load_access(other, name, t, range)?;
                Ok(Val::Temp(t))
            }
        }
    }

    pub fn load_name_into(&mut self, text: &str, dst: Reg, range: Range) -> Result<()> {
        let name = self.mangled(text);
        let access = self.access(name);
        self.load_access(access, name, dst, range)
    }

    fn load_access(&mut self, access: Access, name: NameId, dst: Reg, range: Range) -> Result<()> {
        match access {
            Access::Register(r) => {
                self.note(r);
                self.emit_b(Opcode::Move, 0, dst, Val::Borrow(r), 0, range);
            }
            Access::Deref(r) => self.emit(Opcode::LoadDeref, 0, dst, r, 0, range),
            Access::Global => {
                let c = self.name_cache(Opcode::LoadGlobal, name);
                self.emit(Opcode::LoadGlobal, 0, dst, 0, c, range);
            }
            Access::Name => {
                let c = self.name_cache(Opcode::LoadName, name);
                self.emit(Opcode::LoadName, 0, dst, 0, c, range);
            }
            Access::ClassDeref(r) => {
                let t = self.scratch(dst);
                self.emit(Opcode::LoadLocals, 0, t, 0, 0, range);
                self.emit(Opcode::LoadFromDictOrDeref, C_TEMP, dst, r, t, range);
            }
            Access::ClassdictDeref(r) => {
                let dict = self.classdict(dst, range)?;
                self.emit(Opcode::LoadFromDictOrDeref, C_TEMP, dst, r, dict, range);
            }
            Access::ClassdictGlobal => {
                let dict = self.classdict(dst, range)?;
                let c = self.name_cache(Opcode::LoadFromDictOrGlobals, name);
                self.emit(Opcode::LoadFromDictOrGlobals, B_TEMP, dst, dict, c, range);
            }
        }
        Ok(())
    }

    /// `dst` itself if it is a temporary, else a free one.
    pub fn scratch(&mut self, dst: Reg) -> Reg {
        if dst >= TEMP_BASE { dst } else { self.top() }
    }

    fn classdict(&mut self, dst: Reg, range: Range) -> Result<Reg> {
        let name = self.table.names.intern("__classdict__");
        let Some(cell) = self.free_register(name) else {
            return overflow_error("__classdict__ is not visible here");
        };
        let t = self.scratch(dst);
        self.emit(Opcode::LoadDeref, 0, t, cell, 0, range);
        Ok(t)
    }

    pub fn store_name(&mut self, text: &str, v: Val, range: Range) {
        let name = self.mangled(text);
        match self.access(name) {
            Access::Register(r) => {
                self.note(r);
                self.move_to(r, v, range);
            }
            Access::Deref(r) | Access::ClassDeref(r) | Access::ClassdictDeref(r) => {
                self.emit_b(Opcode::StoreDeref, 0, r, v, 0, range);
            }
            Access::Global | Access::ClassdictGlobal => {
                let c = self.name_cache(Opcode::StoreGlobal, name);
                self.emit_b(Opcode::StoreGlobal, 0, 0, v, c, range);
            }
            Access::Name => {
                let c = self.name_cache(Opcode::StoreName, name);
                self.emit_b(Opcode::StoreName, 0, 0, v, c, range);
            }
        }
    }

    pub fn delete_name(&mut self, text: &str, range: Range) {
        let name = self.mangled(text);
        match self.access(name) {
            Access::Register(r) => {
                self.note(r);
                self.emit(Opcode::DeleteLocal, 0, r, 0, 0, range);
            }
            Access::Deref(r) | Access::ClassDeref(r) | Access::ClassdictDeref(r) => {
                self.emit(Opcode::DeleteDeref, 0, r, 0, 0, range);
            }
            Access::Global | Access::ClassdictGlobal => {
                let c = self.name_cache(Opcode::DeleteGlobal, name);
                self.emit(Opcode::DeleteGlobal, 0, 0, 0, c, range);
            }
            Access::Name => {
                let c = self.name_cache(Opcode::DeleteName, name);
                self.emit(Opcode::DeleteName, 0, 0, 0, c, range);
            }
        }
    }

    /// The register a plain local name lives in, if that is what it is.
    pub fn local_of(&mut self, text: &str) -> Option<Reg> {
        let local = self.local_later(text);
        if let Some(r) = local {
            self.note(r);
        }
        local
    }

    /// The same for a target whose value is evaluated first; then [`Self::note`] it.
    pub fn local_later(&mut self, text: &str) -> Option<Reg> {
        let name = self.mangled(text);
        match self.access(name) {
            Access::Register(r) => Some(r),
            _ => None,
        }
    }

    /// A register is named for the first time here, as far as `co_varnames` goes.
    pub fn note(&mut self, r: Reg) {
        if r >> 24 == 1 && !self.u.seen(r - LOCAL_BASE) {
            self.u.mentioned.push(r - LOCAL_BASE);
        }
    }

    pub fn literal(&mut self, c: &taipan_syntax::ast::Constant<'a>) -> Val {
        let c = constant_of(c);
        self.const_val(c)
    }
}

/// Compile a whole tree.
pub(crate) fn generate(
    module: &Mod<'_>,
    table: Symtable,
    locator: &dyn Locator,
    options: &Options<'_>,
) -> Result<(CodeUnit, Vec<Warning>)> {
    let unit = Codegen::new_unit(&table, ScopeId(0), UnitKind::Module, "<module>", None, 1);
    let mut g = Codegen {
        table,
        locator,
        options,
        filename: options.filename.into(),
        warnings: Vec::new(),
        u: unit,
        stack: Vec::new(),
        nesting: 0,
        interactive: matches!(module, Mod::Interactive { .. }),
        quiet: 0,
        in_finally: vec![false],
        finally_returns: vec![false],
        last_comp: Vec::new(),
        last_location: (NO_LOCATION, Location::default()),
    };
    g.u.flags = g.table.future;
    if options.top_level_await && g.table.scope(ScopeId(0)).coroutine {
        g.u.flags |= taipan_bytecode::code_flags::COROUTINE;
    }
    g.module(module)?;
    let unit =
        std::mem::replace(&mut g.u, Codegen::new_unit(&g.table, ScopeId(0), UnitKind::Module, "", None, 1));
    let code = assemble::assemble(&mut g, unit)?;
    Ok((code, g.warnings))
}
