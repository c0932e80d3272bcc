//! Modules and simple statements.

use super::*;
use crate::error::syntax_error;
use taipan_syntax::ast::Constant as Literal;

impl<'a, 'e> Codegen<'a, 'e> {
    pub fn module(&mut self, module: &Mod<'a>) -> Result<()> {
        self.prologue();
        match module {
            Mod::Module { body, .. } => self.module_body(body)?,
            Mod::Interactive { body } => {
                self.module_annotations(body, true)?;
                self.body(body)?;
                self.module_annotations_end(body)?;
                self.return_none(NO_LOCATION);
            }
            Mod::Expression { body } => {
                let v = self.value(body)?;
                self.set_depth(0);
                self.emit_return(v, NO_LOCATION);
            }
            Mod::FunctionType { .. } => {}
        }
        Ok(())
    }

    fn module_body(&mut self, body: Stmts<'a>) -> Result<()> {
        self.module_annotations(body, false)?;
        let rest = self.docstring(body)?;
        self.body(rest)?;
        self.module_annotations_end(body)?;
        self.return_none(NO_LOCATION);
        Ok(())
    }

    /// Store a module's or class's docstring; the rest of the body.
    pub fn docstring(&mut self, body: Stmts<'a>) -> Result<Stmts<'a>> {
        let Some((doc, range)) = docstring_of(body) else { return Ok(body) };
        if self.options.optimize < 2 {
            let v = self.const_val(Constant::Str(clean_docstring(doc).into()));
            self.store_name("__doc__", v, range);
        } else {
            self.emit(Opcode::Nop, 0, 0, 0, 0, range);
        }
        Ok(&body[1..])
    }

    pub fn return_none(&mut self, range: Range) {
        let none = self.constant(Constant::None);
        self.emit(Opcode::ReturnConst, 0, 0, none, 0, range);
    }

    pub fn emit_return(&mut self, v: Val, range: Range) {
        match v {
            Val::Const(i) => self.emit(Opcode::ReturnConst, 0, 0, i, 0, range),
            Val::Temp(r) => self.emit(Opcode::Return, A_TEMP, r, 0, 0, range),
            Val::Borrow(r) => self.emit(Opcode::Return, 0, r, 0, 0, range),
        }
    }

    pub fn body(&mut self, body: Stmts<'a>) -> Result<()> {
        body.iter().try_for_each(|s| self.statement(s))
    }

    pub fn statement(&mut self, s: StmtRef<'a>) -> Result<()> {
        self.nest()?;
        self.statement_kind(s)?;
        self.nesting -= 1;
        Ok(())
    }

    fn statement_kind(&mut self, s: StmtRef<'a>) -> Result<()> {
        let d = self.depth();
        match &s.kind {
            StmtKind::FunctionDef(f) => self.function_def(s, f, false)?,
            StmtKind::AsyncFunctionDef(f) => self.function_def(s, f, true)?,
            StmtKind::ClassDef(c) => self.class_def(s, c)?,
            StmtKind::TypeAlias { name, type_params, value } => {
                self.type_alias(s, name, type_params, value)?;
            }
            StmtKind::Return { value } => self.return_(s, *value)?,
            StmtKind::Delete { targets } => targets.iter().try_for_each(|t| self.delete(t))?,
            StmtKind::Assign { targets, value, .. } => self.assign(targets, value)?,
            StmtKind::AugAssign { target, op, value } => self.aug_assign(s, target, *op, value)?,
            StmtKind::AnnAssign { target, annotation, value, simple } => {
                self.ann_assign(s, target, annotation, *value, *simple)?;
            }
            StmtKind::For(f) => self.for_(s.range, f)?,
            StmtKind::AsyncFor(f) => self.async_for(s, f)?,
            StmtKind::While { test, body, orelse } => self.while_(s.range, test, body, orelse)?,
            StmtKind::If { .. } => self.if_(s)?,
            StmtKind::With { items, body, .. } => self.with(s, items, body, false)?,
            StmtKind::AsyncWith { items, body, .. } => self.with(s, items, body, true)?,
            StmtKind::Match { subject, cases } => self.match_(subject, cases)?,
            StmtKind::Raise { exc, cause } => self.raise(s, *exc, *cause)?,
            StmtKind::Try(t) => self.try_(s.range, t, false)?,
            StmtKind::TryStar(t) => self.try_(s.range, t, true)?,
            StmtKind::Assert { test, msg } => self.assert(s, test, *msg)?,
            StmtKind::Import { names } => self.import(s, names)?,
            StmtKind::ImportFrom { module, names, level } => {
                self.import_from(s, module.unwrap_or(""), names, *level)?;
            }
            StmtKind::Global { .. } | StmtKind::Nonlocal { .. } => {}
            StmtKind::Expr { value } => self.expression_statement(s, value)?,
            StmtKind::Pass => self.emit(Opcode::Nop, 0, 0, 0, 0, s.range),
            StmtKind::Break => self.break_(s)?,
            StmtKind::Continue => self.continue_(s)?,
        }
        self.set_depth(d);
        Ok(())
    }

    fn expression_statement(&mut self, s: StmtRef<'a>, value: ExprRef<'a>) -> Result<()> {
        let d = self.depth();
        if self.interactive && self.stack.is_empty() {
            let v = self.value(value)?;
            self.set_depth(d);
            let t = self.top();
            self.emit_b(Opcode::Intrinsic1, 0, t, v, 1, s.range);
            self.emit(Opcode::Drop, 0, t, 0, 0, NO_LOCATION);
            return Ok(());
        }
        if crate::constants::fold(value).is_some() {
            self.emit(Opcode::Nop, 0, 0, 0, 0, s.range);
            return Ok(());
        }
        match self.value(value)? {
            // Reading a local can fail, so it must be done.
            v @ Val::Borrow(_) if !matches!(value.kind, ExprKind::NamedExpr { .. }) => {
                let t = self.push_val(v, value.range);
                self.emit(Opcode::Drop, 0, t, 0, 0, NO_LOCATION);
            }
            v => self.drop_val(v, NO_LOCATION),
        }
        Ok(())
    }

    fn return_(&mut self, s: StmtRef<'a>, value: Option<ExprRef<'a>>) -> Result<()> {
        if !matches!(self.u.kind, UnitKind::Function | UnitKind::AsyncFunction | UnitKind::Lambda) {
            return syntax_error(s.range, "'return' outside function");
        }
        let scope = self.scope();
        if value.is_some() && scope.coroutine && scope.generator {
            return syntax_error(s.range, "'return' with value in async generator");
        }
        if self.finally_returns.last() == Some(&true) {
            self.warn(s.range, "'return' in a 'finally' block".into());
        }
        let handler = self.u.handler;
        let Some(value) = value else {
            self.emit(Opcode::Nop, 0, 0, 0, 0, s.range);
            let range = self.unwind_all(s.range, None)?;
            self.return_none(range);
            self.u.handler = handler;
            return Ok(());
        };
        let d = self.depth().max(self.above_with_windows());
        self.set_depth(d);
        let mut v = self.value(value)?;
        if matches!(v, Val::Borrow(_)) && self.unwinding_runs_code() {
            v = Val::Temp(self.push_val(v, value.range));
        }
        let mut range = s.range;
        if matches!(v, Val::Const(_)) {
            range = value.range;
            self.emit(Opcode::Nop, 0, 0, 0, 0, range);
        }
        if self.line(value.range) != self.line(s.range) {
            range = s.range;
            self.emit(Opcode::Nop, 0, 0, 0, 0, range);
        }
        let waiting = match v {
            Val::Temp(r) => Some(r),
            _ => None,
        };
        let range = self.unwind_all(range, waiting)?;
        self.emit_return(v, range);
        self.u.handler = handler;
        Ok(())
    }

    fn raise(&mut self, s: StmtRef<'a>, exc: Option<ExprRef<'a>>, cause: Option<ExprRef<'a>>) -> Result<()> {
        let Some(exc) = exc else {
            self.emit(Opcode::Raise, 0, 0, 0, 0, s.range);
            return Ok(());
        };
        let v = self.value(exc)?;
        match cause {
            Some(cause) => {
                let v = self.protect(v, &[cause], exc.range);
                let c = self.value(cause)?;
                self.emit_bc(Opcode::Raise, X | FUSED, 0, v, c, s.range);
            }
            None => self.emit_b(Opcode::Raise, X, 0, v, 0, s.range),
        }
        Ok(())
    }

    fn assert(&mut self, s: StmtRef<'a>, test: ExprRef<'a>, msg: Option<ExprRef<'a>>) -> Result<()> {
        if matches!(test.kind, ExprKind::Tuple { elts, .. } if !elts.is_empty()) {
            self.warn(s.range, "assertion is always true, perhaps remove parentheses?".into());
        }
        if self.options.optimize > 0 {
            return Ok(());
        }
        let d = self.depth();
        let end = self.label();
        self.jump_if(test, end, true)?;
        let t = self.top();
        self.emit(Opcode::LoadAssertionError, 0, t, 0, 0, s.range);
        if let Some(msg) = msg {
            self.set_depth(d + 1);
            self.push(msg)?;
            self.emit_call(false, 1, None, t, t, s.range);
        }
        self.emit(Opcode::Raise, X | B_TEMP, 0, t, 0, test.range);
        self.bind(end);
        Ok(())
    }

    // ---- imports -------------------------------------------------------------

    fn import_name(&mut self, name: &str, level: u32, fromlist: Constant, range: Range) -> Reg {
        let d = self.depth();
        let level = self.const_val(Constant::Int(level as i64));
        let start = self.push_val(level, range);
        let names = self.const_val(fromlist);
        self.push_val(names, range);
        self.set_depth(d + 1);
        // Module names are never mangled.
        let name = self.table.names.intern(name);
        let cache = self.name_cache(Opcode::ImportName, name);
        self.emit(Opcode::ImportName, 0, start, start, cache, range);
        start
    }

    fn import(&mut self, s: StmtRef<'a>, names: &'a [Alias<'a>]) -> Result<()> {
        let d = self.depth();
        for alias in names {
            let module = self.import_name(alias.name, 0, Constant::None, s.range);
            let mut parts = alias.name.split('.');
            let first = parts.next().unwrap_or_default();
            match alias.asname {
                None => self.store_name(first, Val::Temp(module), s.range),
                Some(asname) => {
                    // `import a.b.c as m` binds the innermost module.
                    let mut current = module;
                    let mut next = self.top();
                    for part in parts {
                        let name = self.table.names.intern(part);
                        let cache = self.name_cache(Opcode::ImportFrom, name);
                        self.emit(Opcode::ImportFrom, 0, next, current, cache, s.range);
                        self.emit(Opcode::Drop, 0, current, 0, 0, s.range);
                        std::mem::swap(&mut current, &mut next);
                    }
                    self.store_name(asname, Val::Temp(current), s.range);
                }
            }
            self.set_depth(d);
        }
        Ok(())
    }

    fn import_from(
        &mut self,
        s: StmtRef<'a>,
        module: &'a str,
        names: &'a [Alias<'a>],
        level: u32,
    ) -> Result<()> {
        let list: Box<[Constant]> = names.iter().map(|n| Constant::Str(n.name.as_bytes().into())).collect();
        let t = self.import_name(module, level, Constant::Tuple(list), s.range);
        for alias in names {
            if alias.name == "*" {
                self.emit(Opcode::ImportStar, B_TEMP, 0, t, 0, s.range);
                return Ok(());
            }
            let stored = alias.asname.unwrap_or(alias.name);
            let name = self.table.names.intern(alias.name);
            let cache = self.name_cache(Opcode::ImportFrom, name);
            let dst = match self.local_of(stored) {
                Some(local) => local,
                None => self.top(),
            };
            self.emit(Opcode::ImportFrom, 0, dst, t, cache, s.range);
            if dst >= TEMP_BASE {
                self.store_name(stored, Val::Temp(dst), s.range);
            }
        }
        self.emit(Opcode::Drop, 0, t, 0, 0, s.range);
        Ok(())
    }
}

/// The docstring a body starts with, and where.
pub(super) fn docstring_of<'a>(body: Stmts<'a>) -> Option<(&'a [u8], Range)> {
    let first = body.first()?;
    let StmtKind::Expr { value } = first.kind else { return None };
    match value.kind {
        ExprKind::Constant { value: Literal::Str { value: text, .. } } => Some((text, value.range)),
        _ => None,
    }
}

/// Remove the common indentation of all lines but the first, as CPython 3.13 began to.
pub(super) fn clean_docstring(doc: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(doc.len());
    let mut column = 0;
    for &b in doc {
        match b {
            b'\t' => {
                let n = 8 - column % 8;
                text.extend(std::iter::repeat_n(b' ', n));
                column += n;
            }
            b'\n' | b'\r' => {
                text.push(b);
                column = 0;
            }
            _ => {
                text.push(b);
                // Continuation bytes do not advance the column.
                column += (b & 0xc0 != 0x80) as usize;
            }
        }
    }
    let indent = |line: &[u8]| line.iter().take_while(|&&b| b == b' ').count();
    let margin = text
        .split(|&b| b == b'\n')
        .skip(1)
        .filter_map(|line| {
            let n = indent(line);
            (n < line.len()).then_some(n)
        })
        .min()
        .unwrap_or(0);
    let mut out = Vec::with_capacity(text.len());
    for (i, line) in text.split(|&b| b == b'\n').enumerate() {
        if i == 0 {
            out.extend_from_slice(&line[indent(line)..]);
        } else {
            out.push(b'\n');
            out.extend_from_slice(&line[indent(line).min(margin)..]);
        }
    }
    out
}
