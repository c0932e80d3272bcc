//! Annotations: `__annotate__` functions (PEP 649/749), and strings under
//! `from __future__ import annotations`.

use super::functions::Extras;
use super::*;
use crate::scope::{KeyKind, key};
use taipan_bytecode::code_flags as co;

const CONDITIONAL_SET: &str = "__conditional_annotations__";

/// An annotated variable of a module or class, whose annotation is compiled later.
#[derive(Clone, Copy)]
pub(crate) struct Deferred<'a> {
    name: &'a str,
    annotation: ExprRef<'a>,
    /// Number in `__conditional_annotations__`.
    index: Option<u32>,
    range: Range,
}

impl<'a, 'e> Codegen<'a, 'e> {
    fn future_annotations(&self) -> bool {
        self.table.future & co::FUTURE_ANNOTATIONS != 0
    }

    /// Open the unit of an evaluator: one positional parameter, the format.
    pub fn enter_annotation_unit(
        &mut self,
        scope: ScopeId,
        name: &str,
        first_line: u32,
        range: Range,
    ) -> Result<()> {
        let private = self.u.private;
        self.enter_unit(scope, UnitKind::Annotations, name, first_line, private)?;
        self.u.flags = co::OPTIMIZED | co::NEWLOCALS | self.table.future;
        if self.scope().nested {
            self.u.flags |= co::NESTED;
        }
        self.u.argcount = 1;
        self.u.posonly = 1;
        self.prologue();
        // Only VALUE and VALUE_WITH_FAKE_GLOBALS are supported.
        let two = self.constant(Constant::Int(2));
        let body = self.label();
        let t = self.temp(0);
        self.emit(Opcode::Gt, C_CONST | FUSED, t, 0, two, range);
        self.jump_result(t, body, false, range);
        self.emit(Opcode::LoadCommonConstant, 0, t, 0, 0, range);
        self.emit(Opcode::Raise, X | B_TEMP, 0, t, 0, range);
        self.bind(body);
        Ok(())
    }

    /// A function's annotations as an extra: its `__annotate__`.
    pub fn function_annotations(
        &mut self,
        s: StmtRef<'a>,
        f: &'a FunctionDef<'a>,
        extras: &mut Extras,
        range: Range,
    ) -> Result<()> {
        let a = f.args;
        let mut list: Vec<(&'a str, ExprRef<'a>)> = Vec::new();
        let args = a.posonlyargs.iter().chain(a.args).chain(a.vararg).chain(a.kwonlyargs).chain(a.kwarg);
        for arg in args {
            if let Some(annotation) = arg.annotation {
                list.push((arg.arg, annotation));
            }
        }
        if let Some(returns) = f.returns {
            list.push(("return", returns));
        }
        if list.is_empty() {
            return Ok(());
        }
        let Some(scope) = self.table.find(key(s, KeyKind::Annotations)) else {
            return overflow_error("symbol table lacks an annotation scope");
        };
        let line = self.line(s.range);
        let function = self.qualname(UnitKind::Function, f.name);
        self.enter_annotation_unit(scope, "__annotate__", line, range)?;
        self.u.qualname = format!("{function}.__annotate__");
        let start = self.top();
        let split = list.len() > 17;
        if split {
            self.emit(Opcode::BuildMap, 0, start, start, 0, range);
            self.take();
        }
        for (name, annotation) in &list {
            if split {
                let d = self.depth();
                let name = self.mangled(name);
                let k = Val::Const(self.name_const(name));
                let v = self.annotation_value(annotation)?;
                self.emit_bc(Opcode::MapAdd, 0, start, k, v, range);
                self.set_depth(d);
            } else {
                self.annotation_pair(name, annotation, range)?;
            }
        }
        if !split {
            self.emit(Opcode::BuildMap, 0, start, start, list.len() as u32, range);
        }
        self.emit_return(Val::Temp(start), range);
        let code = self.exit_annotation_unit()?;
        let function = self.take();
        self.make_function(code, function, Vec::new(), range);
        extras.push((16, Val::Temp(function)));
        Ok(())
    }

    /// The parameter is spelt `format` in the finished code.
    fn exit_annotation_unit(&mut self) -> Result<CodeUnit> {
        let mut code = self.exit_unit()?;
        if let Some(first) = code.locals.first_mut() {
            first.name = "format".into();
        }
        Ok(code)
    }

    fn annotation_pair(&mut self, name: &str, annotation: ExprRef<'a>, range: Range) -> Result<()> {
        let name = self.mangled(name);
        let name = Val::Const(self.name_const(name));
        self.push_val(name, range);
        let v = self.annotation_value(annotation)?;
        match v {
            Val::Temp(_) => {}
            v => {
                self.push_val(v, annotation.range);
            }
        }
        Ok(())
    }

    fn annotation_value(&mut self, annotation: ExprRef<'a>) -> Result<Val> {
        if self.future_annotations() {
            let text = crate::unparse::unparse(annotation);
            return Ok(self.const_val(Constant::Str(text.into())));
        }
        // `*args: *Ts` has the single item of what is unpacked.
        if let ExprKind::Starred { value, .. } = annotation.kind {
            let d = self.depth();
            let v = self.value(value)?;
            let t = self.temp(d);
            let (f, b) = flags_b(v);
            self.emit(Opcode::UnpackSequence, f, t, b, 1, annotation.range);
            self.set_depth(d + 1);
            return Ok(Val::Temp(t));
        }
        self.value(annotation)
    }

    pub fn ann_assign(
        &mut self,
        s: StmtRef<'a>,
        target: ExprRef<'a>,
        annotation: ExprRef<'a>,
        value: Option<ExprRef<'a>>,
        simple: bool,
    ) -> Result<()> {
        let d = self.depth();
        if let Some(value) = value {
            self.assign_one(target, value)?;
        }
        self.set_depth(d);
        let in_namespace = matches!(self.u.kind, UnitKind::Module | UnitKind::Class);
        match &target.kind {
            ExprKind::Name { id, .. } if simple && in_namespace => {
                self.annotate_variable(s, id, annotation)?;
            }
            ExprKind::Attribute { value: object, .. } if value.is_none() => {
                self.evaluate_and_drop(object)?;
            }
            ExprKind::Subscript { value: object, slice, .. } if value.is_none() => {
                self.evaluate_and_drop(object)?;
                self.evaluate_subscript(slice)?;
            }
            _ => {}
        }
        if !simple && !self.future_annotations() && in_namespace {
            self.evaluate_and_drop(annotation)?;
        }
        Ok(())
    }

    fn evaluate_and_drop(&mut self, e: ExprRef<'a>) -> Result<()> {
        let d = self.depth();
        let v = self.value(e)?;
        match v {
            Val::Borrow(_) => {
                let t = self.push_val(v, e.range);
                self.emit(Opcode::Drop, 0, t, 0, 0, e.range);
            }
            v => self.drop_val(v, e.range),
        }
        self.set_depth(d);
        Ok(())
    }

    fn evaluate_subscript(&mut self, slice: ExprRef<'a>) -> Result<()> {
        match &slice.kind {
            ExprKind::Slice { lower, upper, step } => {
                for part in [lower, upper, step].into_iter().flatten() {
                    self.evaluate_and_drop(part)?;
                }
                Ok(())
            }
            ExprKind::Tuple { elts, .. } => elts.iter().try_for_each(|e| self.evaluate_subscript(e)),
            _ => self.evaluate_and_drop(slice),
        }
    }

    fn annotate_variable(&mut self, s: StmtRef<'a>, name: &'a str, annotation: ExprRef<'a>) -> Result<()> {
        let range = s.range;
        let d = self.depth();
        if self.future_annotations() {
            let v = self.annotation_value(annotation)?;
            let t = self.take();
            self.load_name_into("__annotations__", t, range)?;
            let name = self.mangled(name);
            let k = Val::Const(self.name_const(name));
            self.emit_bc(Opcode::SetItem, A_TEMP, t, k, v, range);
            self.set_depth(d);
            return Ok(());
        }
        let index = if self.u.kind == UnitKind::Module || self.u.conditional {
            let i = self.u.next_conditional;
            self.u.next_conditional += 1;
            let t = self.take();
            self.load_conditional_set(t, range)?;
            let i_val = self.const_val(Constant::Int(i as i64));
            self.emit_b(Opcode::SetAdd, 0, t, i_val, 0, range);
            self.emit(Opcode::Drop, 0, t, 0, 0, range);
            Some(i)
        } else {
            None
        };
        self.set_depth(d);
        self.u.deferred.push(Deferred { name, annotation, index, range: s.range });
        Ok(())
    }

    /// The numbers of the conditional annotations that were reached: in a cell of
    /// a class, a global of a module.
    fn load_conditional_set(&mut self, dst: Reg, range: Range) -> Result<()> {
        let name = self.table.names.intern(CONDITIONAL_SET);
        match self.cell_register(name).or_else(|| self.free_register(name)) {
            Some(cell) if self.u.kind != UnitKind::Module => {
                self.emit(Opcode::LoadDeref, 0, dst, cell, 0, range)
            }
            _ => self.load_name_into(CONDITIONAL_SET, dst, range)?,
        }
        Ok(())
    }

    /// The `__annotate__` of a module or class, stored under `stored`.
    fn deferred_annotations(&mut self, stored: &str, range: Range) -> Result<()> {
        let deferred = std::mem::take(&mut self.u.deferred);
        let Some(scope) = self.scope().annotation_block else { return Ok(()) };
        if self.future_annotations() || deferred.is_empty() {
            return Ok(());
        }
        let line = match self.u.kind {
            UnitKind::Module => self.line(range),
            _ => self.u.first_line,
        };
        let d = self.depth();
        let conditional = self.u.kind == UnitKind::Class && self.scope().has_conditional_annotations;
        self.enter_annotation_unit(scope, "__annotate__", line, range)?;
        if conditional {
            // The symbol table does not know of it, as CPython's does not.
            let name = self.table.names.intern(CONDITIONAL_SET);
            let table = &self.table.names;
            let at = self.u.free.partition_point(|&f| table.text(f) < CONDITIONAL_SET);
            if self.u.free.get(at) != Some(&name) {
                self.u.free.insert(at, name);
            }
        }
        let dict = self.take();
        self.emit(Opcode::BuildMap, 0, dict, dict, 0, range);
        for item in deferred {
            let skip = self.label();
            if let Some(i) = item.index {
                let set = self.take();
                self.load_conditional_set(set, item.range)?;
                let t = self.top();
                let i = self.const_val(Constant::Int(i as i64));
                self.emit_bc(Opcode::In, FUSED, t, i, Val::Temp(set), item.range);
                self.jump_result(t, skip, false, item.range);
                self.set_depth(1);
            }
            let v = self.annotation_value(item.annotation)?;
            let name = self.mangled(item.name);
            let k = Val::Const(self.name_const(name));
            self.emit_bc(Opcode::MapAdd, 0, dict, k, v, range);
            self.set_depth(1);
            self.bind(skip);
        }
        self.emit_return(Val::Temp(dict), range);
        let code = self.exit_annotation_unit()?;
        let function = self.take();
        self.make_function(code, function, Vec::new(), range);
        self.store_name(stored, Val::Temp(function), range);
        self.set_depth(d);
        Ok(())
    }

    pub fn module_annotations(&mut self, body: Stmts<'a>, _interactive: bool) -> Result<()> {
        let range = start_of(body);
        if self.scope().has_conditional_annotations {
            let t = self.top();
            self.emit(Opcode::BuildSet, 0, t, t, 0, range);
            self.store_name("__conditional_annotations__", Val::Temp(t), range);
        }
        if self.future_annotations() && self.scope().annotations_used {
            self.emit(Opcode::SetupAnnotations, 0, 0, 0, 0, range);
        }
        Ok(())
    }

    /// The function is made at the end, when all is known, but stored at the beginning.
    pub fn module_annotations_end(&mut self, body: Stmts<'a>) -> Result<()> {
        let before = self.u.ins.len();
        self.deferred_annotations("__annotate__", start_of(body))?;
        let moved: Vec<Ins> = self.u.ins.drain(before..).collect();
        if moved.is_empty() {
            return Ok(());
        }
        // After the cells' prologue.
        let at = self.u.ins.iter().position(|i| i.op != Opcode::MakeCell).unwrap_or(self.u.ins.len());
        let n = moved.len() as u32;
        self.u.ins.splice(at..at, moved);
        for l in &mut self.u.labels {
            if *l != u32::MAX && *l >= at as u32 {
                *l += n;
            }
        }
        Ok(())
    }

    pub fn class_annotations_begin(&mut self, _body: Stmts<'a>, range: Range) -> Result<()> {
        if self.future_annotations() && self.scope().annotations_used {
            self.emit(Opcode::SetupAnnotations, 0, 0, 0, 0, range);
        }
        Ok(())
    }

    pub fn class_annotations_end(&mut self, range: Range) -> Result<()> {
        self.deferred_annotations("__annotate_func__", range)
    }
}

fn start_of(body: Stmts<'_>) -> Range {
    body.first().map_or(NO_LOCATION, |s| Range::new(s.range.start, s.range.start))
}
