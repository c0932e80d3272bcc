//! Functions, lambdas, classes and decorators.

use super::statements::{clean_docstring, docstring_of};
use super::*;
use taipan_bytecode::code_flags as co;

/// What is set on a function object after it is made: (attribute, value).
pub(super) type Extras = Vec<(u32, Val)>;

impl<'a, 'e> Codegen<'a, 'e> {
    pub fn function_def(&mut self, s: StmtRef<'a>, f: &'a FunctionDef<'a>, is_async: bool) -> Result<()> {
        let d = self.depth();
        for dec in f.decorator_list {
            self.push(dec)?;
        }
        let first_line = match f.decorator_list.first() {
            Some(dec) => self.line(dec.range),
            None => self.line(s.range),
        };
        let range = s.range;
        let function = if f.type_params.is_empty() {
            let function = self.take();
            let mut extras = Extras::new();
            self.defaults(f.args, &mut extras, range)?;
            self.function_object(s, f, is_async, first_line, function, extras, range)?;
            function
        } else {
            self.generic_function(s, f, is_async, first_line, range)?
        };
        self.apply_decorators(f.decorator_list, function);
        let result = TEMP_BASE + d;
        self.set_depth(d + 1);
        self.store_name(f.name, Val::Temp(result), range);
        Ok(())
    }

    /// Call the decorators below `function`, innermost first; each replaces itself.
    pub fn apply_decorators(&mut self, decorators: Exprs<'a>, function: Reg) {
        let mut top = function;
        for dec in decorators.iter().rev() {
            self.emit_call(false, 1, None, top - 1, top - 1, dec.range);
            top -= 1;
        }
    }

    /// Evaluate defaults above the reserved function register.
    pub fn defaults(&mut self, args: &'a Arguments<'a>, extras: &mut Extras, range: Range) -> Result<()> {
        if !args.defaults.is_empty() {
            let v = match super::expressions::fold_all(args.defaults) {
                Some(items) => self.const_val(Constant::Tuple(items.into())),
                None => {
                    let start = self.top();
                    for e in args.defaults {
                        self.push(e)?;
                    }
                    let n = args.defaults.len() as u32;
                    self.emit(Opcode::BuildTuple, 0, start, start, n, range);
                    self.set_depth(start - TEMP_BASE + 1);
                    Val::Temp(start)
                }
            };
            extras.push((1, v));
        }
        if args.kw_defaults.iter().any(Option::is_some) {
            let start = self.top();
            let mut n = 0;
            for (arg, default) in args.kwonlyargs.iter().zip(args.kw_defaults) {
                if let Some(default) = default {
                    let name = self.mangled(arg.arg);
                    let name = Val::Const(self.name_const(name));
                    self.push_val(name, range);
                    self.push(default)?;
                    n += 1;
                }
            }
            self.emit(Opcode::BuildMap, 0, start, start, n, range);
            self.set_depth(start - TEMP_BASE + 1);
            extras.push((2, Val::Temp(start)));
        }
        Ok(())
    }

    /// Annotations, body, and the function object in register `function` (taken).
    #[allow(clippy::too_many_arguments)]
    pub fn function_object(
        &mut self,
        s: StmtRef<'a>,
        f: &'a FunctionDef<'a>,
        is_async: bool,
        first_line: u32,
        function: Reg,
        mut extras: Extras,
        range: Range,
    ) -> Result<()> {
        self.function_annotations(s, f, &mut extras, range)?;
        let code = self.function_body(s, f, is_async, first_line)?;
        self.make_function(code, function, extras, range);
        Ok(())
    }

    /// `MakeFunction` into the temporary `function`, its closure, its extras.
    pub fn make_function(&mut self, code: CodeUnit, function: Reg, extras: Extras, range: Range) {
        let free: Vec<NameId> = code
            .locals
            .iter()
            .filter(|l| l.kind.contains(taipan_bytecode::LocalKind::FREE))
            .map(|l| self.table.names.intern(&l.name))
            .collect();
        let index = self.constant(Constant::Code(Box::new(code)));
        self.emit(Opcode::MakeFunction, 0, function, index, 0, range);
        let depth = self.depth();
        if !free.is_empty() {
            let start = self.top();
            for name in &free {
                let cell = self.closure_cell(*name);
                self.push_val(Val::Borrow(cell), range);
            }
            self.emit(Opcode::BuildTuple, 0, start, start, free.len() as u32, range);
            self.emit(Opcode::SetFunctionAttribute, B_TEMP, function, start, 8, range);
            self.set_depth(depth);
        }
        for (attribute, v) in extras.into_iter().rev() {
            let (flags, b) = flags_b(v);
            self.emit(Opcode::SetFunctionAttribute, flags, function, b, attribute, range);
        }
        self.set_depth(function - TEMP_BASE + 1);
    }

    /// The register holding the cell that an inner function captures.
    fn closure_cell(&mut self, name: NameId) -> Reg {
        for i in (0..self.u.comps.len()).rev() {
            if let Some(&(_, reg, true)) = self.u.comps[i].bound.iter().find(|b| b.0 == name) {
                return reg;
            }
        }
        // A class's own `__class__` hides that of a function around it.
        let own = self.scope().kind == ScopeKind::Class && self.u.cells.contains(&name);
        if let Some(reg) = self.free_register(name).filter(|_| !own) {
            return reg;
        }
        match self.cell_register(name) {
            Some(reg) => reg,
            None => {
                // A class's implicit cell that nothing else asked for.
                self.u.cells.push(name);
                CELL_BASE + self.u.cells.len() as u32 - 1
            }
        }
    }

    /// Flags, parameters and first parameter of a function-like unit.
    fn signature(&mut self, args: &'a Arguments<'a>) {
        let scope = self.table.scope(self.u.scope);
        let mut flags = co::OPTIMIZED | co::NEWLOCALS | self.table.future;
        if scope.nested {
            flags |= co::NESTED;
        }
        if scope.varargs {
            flags |= co::VARARGS;
        }
        if scope.varkeywords {
            flags |= co::VARKEYWORDS;
        }
        if scope.method {
            flags |= co::METHOD;
        }
        flags |= match (scope.generator, scope.coroutine) {
            (true, true) => co::ASYNC_GENERATOR,
            (true, false) => co::GENERATOR,
            (false, true) => co::COROUTINE,
            (false, false) => 0,
        };
        self.u.flags |= flags;
        self.u.argcount = (args.posonlyargs.len() + args.args.len()) as u32;
        self.u.posonly = args.posonlyargs.len() as u32;
        self.u.kwonly = args.kwonlyargs.len() as u32;
        self.u.first_parameter = self.u.varnames.first().copied();
    }

    fn function_body(
        &mut self,
        s: StmtRef<'a>,
        f: &'a FunctionDef<'a>,
        is_async: bool,
        first_line: u32,
    ) -> Result<CodeUnit> {
        let Some(scope) = self.table.find(crate::scope::key(s, crate::scope::KeyKind::Own)) else {
            return overflow_error("symbol table lacks a function");
        };
        let kind = if is_async { UnitKind::AsyncFunction } else { UnitKind::Function };
        let private = self.u.private;
        self.enter_unit(scope, kind, f.name, first_line, private)?;
        self.signature(f.args);
        let mut body = f.body;
        if let Some((doc, _)) = docstring_of(body) {
            if self.options.optimize < 2 {
                self.u.has_docstring = true;
                self.u.flags |= co::HAS_DOCSTRING;
                self.constant(Constant::Str(clean_docstring(doc).into()));
            }
            body = &body[1..];
        }
        self.prologue();
        let wrap = self.begin_generator();
        self.body(body)?;
        self.return_none(NO_LOCATION);
        self.end_generator(wrap);
        self.exit_unit()
    }

    /// Everything in a generator runs under a handler that turns StopIteration into
    /// RuntimeError.
    pub fn begin_generator(&mut self) -> Option<Label> {
        if self.u.flags & (co::GENERATOR | co::COROUTINE | co::ASYNC_GENERATOR) == 0 {
            return None;
        }
        let label = self.label();
        self.push_handler(label, 0);
        let outer = self.u.handler;
        self.u.blocks.push(Block { kind: BlockKind::Marker, outer });
        Some(label)
    }

    pub fn end_generator(&mut self, label: Option<Label>) {
        if let Some(label) = label {
            self.u.blocks.pop();
            self.u.handler = 0;
            self.bind(label);
            let t = self.temp(0);
            self.emit(Opcode::Intrinsic1, B_TEMP, t, t, 2, NO_LOCATION);
            self.emit(Opcode::Reraise, 0, t, 0, 0, NO_LOCATION);
        }
    }

    pub fn lambda(
        &mut self,
        e: ExprRef<'a>,
        args: &'a Arguments<'a>,
        body: ExprRef<'a>,
        dst: Reg,
    ) -> Result<()> {
        let d = self.depth();
        let function = self.take();
        let mut extras = Extras::new();
        self.defaults(args, &mut extras, e.range)?;
        let Some(scope) = self.table.find(crate::scope::key(e, crate::scope::KeyKind::Own)) else {
            return overflow_error("symbol table lacks a lambda");
        };
        let line = self.line(e.range);
        let private = self.u.private;
        self.enter_unit(scope, UnitKind::Lambda, "<lambda>", line, private)?;
        self.signature(args);
        self.prologue();
        let wrap = self.begin_generator();
        let v = self.value(body)?;
        self.set_depth(0);
        self.emit_return(v, body.range);
        self.end_generator(wrap);
        let code = self.exit_unit()?;
        self.make_function(code, function, extras, e.range);
        self.set_depth(d);
        self.move_to(dst, Val::Temp(function), e.range);
        Ok(())
    }

    // ---- classes ------------------------------------------------------------------

    pub fn class_def(&mut self, s: StmtRef<'a>, c: &'a ClassDef<'a>) -> Result<()> {
        let d = self.depth();
        for dec in c.decorator_list {
            self.push(dec)?;
        }
        let first_line = match c.decorator_list.first() {
            Some(dec) => self.line(dec.range),
            None => self.line(s.range),
        };
        let range = s.range;
        let class = if c.type_params.is_empty() {
            let t = self.top();
            self.class_object(s, c, first_line, None, t, range)?;
            self.take()
        } else {
            self.generic_class(s, c, first_line, range)?
        };
        self.apply_decorators(c.decorator_list, class);
        self.set_depth(d + 1);
        self.store_name(c.name, Val::Temp(TEMP_BASE + d), range);
        Ok(())
    }

    /// `__build_class__(body, name, *bases, [generic base], **keywords)` into `dst`.
    pub fn class_object(
        &mut self,
        s: StmtRef<'a>,
        c: &'a ClassDef<'a>,
        first_line: u32,
        generic_base: Option<Reg>,
        dst: Reg,
        range: Range,
    ) -> Result<()> {
        let d = self.depth();
        let code = self.class_body(s, c, first_line)?;
        let build = self.take();
        self.emit(Opcode::LoadBuildClass, 0, build, 0, 0, range);
        let function = self.take();
        self.make_function(code, function, Extras::new(), range);
        let name = Val::Const(self.str_const(c.name));
        self.push_val(name, range);
        if let Some(base) = generic_base {
            // `Generic[T, …]`, kept in a local: keywords could rebind nothing of it.
            let t = self.temp(d + 3);
            let params = self.mangled(".type_params");
            let Some(cell) = self.cell_register(params) else {
                return overflow_error("symbol table lacks type parameters");
            };
            self.emit(Opcode::LoadDeref, 0, t, cell, 0, range);
            self.emit(Opcode::Intrinsic1, B_TEMP, base, t, 7, range);
        }
        if Self::is_simple_call(c.bases, c.keywords) {
            for b in c.bases {
                self.push(b)?;
            }
            let mut given = 2 + c.bases.len() as u32;
            if let Some(base) = generic_base {
                self.push_val(Val::Borrow(base), range);
                given += 1;
            }
            return self.finish_call(build, false, &[], c.keywords, given, dst, d, range);
        }
        let tail = generic_base.map(Val::Borrow);
        // The two leading arguments stand in registers already.
        self.set_depth(d + 3);
        self.call_unpacked(build, c.bases, c.keywords, Some((2, tail)), dst, range)?;
        self.set_depth(d);
        Ok(())
    }

    fn class_body(&mut self, s: StmtRef<'a>, c: &'a ClassDef<'a>, first_line: u32) -> Result<CodeUnit> {
        let Some(scope) = self.table.find(crate::scope::key(s, crate::scope::KeyKind::Own)) else {
            return overflow_error("symbol table lacks a class");
        };
        self.enter_unit(scope, UnitKind::Class, c.name, first_line, Some(c.name))?;
        self.u.flags = self.table.future;
        // What the body does by itself stands at the start of its first line.
        let first = c.decorator_list.first().map_or(s.range, |dec| dec.range);
        let start = first.start - self.location(first).column;
        let range = Range::new(start, start);
        self.prologue();
        let t = self.top();
        self.load_name_into("__name__", t, range)?;
        self.store_name("__module__", Val::Temp(t), range);
        let qualname = self.u.qualname.clone();
        let qualname = Val::Const(self.str_const(&qualname));
        self.store_name("__qualname__", qualname, range);
        let line = self.const_val(Constant::Int(first_line as i64));
        self.store_name("__firstlineno__", line, range);
        if !c.type_params.is_empty() {
            self.load_name_into(".type_params", t, range)?;
            self.store_name("__type_params__", Val::Temp(t), range);
        }
        if self.scope().needs_classdict {
            let name = self.table.names.intern("__classdict__");
            if let Some(cell) = self.cell_register(name) {
                self.emit(Opcode::LoadLocals, 0, t, 0, 0, range);
                self.emit(Opcode::StoreDeref, B_TEMP, cell, t, 0, range);
            }
        }
        if self.scope().has_conditional_annotations {
            let name = self.table.names.intern("__conditional_annotations__");
            if let Some(cell) = self.cell_register(name) {
                self.emit(Opcode::BuildSet, 0, t, t, 0, range);
                self.emit(Opcode::StoreDeref, B_TEMP, cell, t, 0, range);
            }
        }
        self.class_annotations_begin(c.body, range)?;
        let body = self.docstring(c.body)?;
        self.body(body)?;
        self.class_annotations_end(range)?;
        let mut names: Vec<String> =
            self.u.static_attributes.iter().map(|&n| self.table.names.text(n).to_string()).collect();
        names.sort_unstable();
        let names = names.into_iter().map(|n| Constant::Str(n.into_bytes().into())).collect();
        let names = self.const_val(Constant::Tuple(names));
        self.store_name("__static_attributes__", names, NO_LOCATION);
        if self.scope().needs_classdict {
            let name = self.table.names.intern("__classdict__");
            if let Some(cell) = self.cell_register(name) {
                self.store_name("__classdictcell__", Val::Borrow(cell), NO_LOCATION);
            }
        }
        if self.scope().needs_class_closure {
            let name = self.table.names.intern("__class__");
            if let Some(cell) = self.cell_register(name) {
                self.store_name("__classcell__", Val::Borrow(cell), NO_LOCATION);
                let t = self.top();
                self.emit(Opcode::Move, 0, t, cell, 0, NO_LOCATION);
                self.emit(Opcode::Return, A_TEMP, t, 0, 0, NO_LOCATION);
                return self.exit_unit();
            }
        }
        self.return_none(NO_LOCATION);
        self.exit_unit()
    }
}
