//! PEP 695: type parameters of functions and classes, type aliases.

use super::functions::Extras;
use super::*;
use crate::error::syntax_error;
use crate::scope::{KeyKind, key};
use taipan_bytecode::code_flags as co;

impl<'a, 'e> Codegen<'a, 'e> {
    fn enter_type_params(&mut self, s: StmtRef<'a>, name: &str, first_line: u32) -> Result<()> {
        let Some(scope) = self.table.find(key(s, KeyKind::TypeParams)) else {
            return overflow_error("symbol table lacks a type parameter scope");
        };
        let name = format!("<generic parameters of {name}>");
        let private = self.u.private;
        self.enter_unit(scope, UnitKind::Annotations, &name, first_line, private)?;
        self.u.flags = co::OPTIMIZED | co::NEWLOCALS | self.table.future;
        if self.scope().nested {
            self.u.flags |= co::NESTED;
        }
        Ok(())
    }

    /// The tuple of type parameters, in (and taking) the next temporary.
    fn type_params(&mut self, params: &'a [TypeParam<'a>]) -> Result<Reg> {
        let start = self.top();
        let mut seen_default = false;
        for p in params {
            let d = self.depth();
            let (name, default, plain) = match p.kind {
                TypeParamKind::TypeVar { name, default_value, .. } => (name, default_value, 4),
                TypeParamKind::ParamSpec { name, default_value } => (name, default_value, 5),
                TypeParamKind::TypeVarTuple { name, default_value } => (name, default_value, 6),
            };
            let t = self.take();
            let text = Val::Const(self.str_const(name));
            match p.kind {
                TypeParamKind::TypeVar { bound: Some(bound), .. } => {
                    self.move_to(t, text, p.range);
                    self.evaluator(p, name, bound, KeyKind::Bound, false)?;
                    let which = if matches!(bound.kind, ExprKind::Tuple { .. }) { 2 } else { 1 };
                    self.emit(Opcode::Intrinsic2, 0, t, t, which, p.range);
                }
                _ => self.emit_b(Opcode::Intrinsic1, 0, t, text, plain, p.range),
            }
            self.set_depth(d + 1);
            match default {
                Some(default) => {
                    seen_default = true;
                    let unpack = plain == 6;
                    self.evaluator(p, name, default, KeyKind::Default, unpack)?;
                    self.emit(Opcode::Intrinsic2, 0, t, t, 4, p.range);
                }
                None if seen_default => {
                    return syntax_error(
                        p.range,
                        format!("non-default type parameter '{name}' follows default type parameter"),
                    );
                }
                None => {}
            }
            self.set_depth(d + 1);
            self.store_name(name, Val::Borrow(t), p.range);
        }
        self.emit(Opcode::BuildTuple, 0, start, start, params.len() as u32, NO_LOCATION);
        self.set_depth(start - TEMP_BASE + 1);
        Ok(start)
    }

    /// The function that evaluates a bound or default, into the next temporary.
    fn evaluator(
        &mut self,
        p: &'a TypeParam<'a>,
        name: &str,
        e: ExprRef<'a>,
        kind: KeyKind,
        unpack: bool,
    ) -> Result<()> {
        let Some(scope) = self.table.find(key(p, kind)) else {
            return overflow_error("symbol table lacks a type variable scope");
        };
        self.lazy_function(scope, name, e, unpack)
    }

    fn lazy_function(&mut self, scope: ScopeId, name: &str, e: ExprRef<'a>, unpack: bool) -> Result<()> {
        let line = self.line(e.range);
        let function = self.take();
        self.enter_annotation_unit(scope, name, line, e.range)?;
        if let (true, ExprKind::Starred { value, .. }) = (unpack, &e.kind) {
            let v = self.value(value)?;
            let t = self.temp(0);
            let (f, b) = flags_b(v);
            self.emit(Opcode::UnpackSequence, f, t, b, 1, e.range);
            self.emit_return(Val::Temp(t), e.range);
        } else {
            let v = self.value(e)?;
            self.emit_return(v, e.range);
        }
        let code = self.exit_unit()?;
        // Evaluators are called without a format by `typing`: the default is VALUE.
        let default = self.const_val(Constant::Tuple(Box::new([Constant::Int(1)])));
        self.make_function(code, function, vec![(1, default)], e.range);
        Ok(())
    }

    /// A generic function: everything but the defaults happens in the scope of its type
    /// parameters. The result is in (and takes) the next temporary.
    pub fn generic_function(
        &mut self,
        s: StmtRef<'a>,
        f: &'a FunctionDef<'a>,
        is_async: bool,
        first_line: u32,
        range: Range,
    ) -> Result<Reg> {
        let outer = self.take();
        let mut extras = Extras::new();
        self.defaults(f.args, &mut extras, range)?;
        // Defaults become the arguments of the scope's function.
        let mut argc = 0;
        let mut values = Vec::new();
        for (which, v) in extras {
            values.push((which, v));
            argc += 1;
        }
        self.set_depth(outer - TEMP_BASE + 1);
        if let [(_, Val::Const(_)), (_, kwdefaults @ Val::Temp(_))] = values[..] {
            // The dict stands where the tuple has to go.
            let second = self.temp(outer - TEMP_BASE + 2);
            self.move_to(second, kwdefaults, range);
            self.push_val(values[0].1, range);
            self.take();
        } else {
            for (_, v) in &values {
                self.push_val(*v, range);
            }
        }
        self.enter_type_params(s, f.name, first_line)?;
        self.u.argcount = argc;
        self.prologue();
        let params = self.type_params(f.type_params)?;
        let function = self.take();
        let mut inner = Extras::new();
        for (i, (which, _)) in values.iter().enumerate() {
            inner.push((*which, Val::Borrow(i as u32)));
        }
        self.function_object(s, f, is_async, first_line, function, inner, range)?;
        // function, params -> in that order
        let pair = self.take();
        let second = self.take();
        self.emit(Opcode::Move, B_TEMP, pair, function, 0, range);
        self.emit(Opcode::Move, B_TEMP, second, params, 0, range);
        self.emit(Opcode::Intrinsic2, 0, pair, pair, 3, range);
        self.emit_return(Val::Temp(pair), range);
        let code = self.exit_unit()?;
        self.make_function(code, outer, Vec::new(), range);
        self.emit_call(false, argc, None, outer, outer, range);
        Ok(outer)
    }

    pub fn generic_class(
        &mut self,
        s: StmtRef<'a>,
        c: &'a ClassDef<'a>,
        first_line: u32,
        range: Range,
    ) -> Result<Reg> {
        let outer = self.take();
        self.enter_type_params(s, c.name, first_line)?;
        self.u.private = Some(c.name);
        self.prologue();
        let params = self.type_params(c.type_params)?;
        self.set_depth(0);
        self.store_name(".type_params", Val::Temp(params), range);
        let base = self.mangled(".generic_base");
        let base = self.var_register(base);
        let t = self.top();
        self.class_object(s, c, first_line, Some(base), t, range)?;
        self.emit_return(Val::Temp(t), range);
        let code = self.exit_unit()?;
        self.make_function(code, outer, Vec::new(), range);
        self.emit_call(false, 0, None, outer, outer, range);
        Ok(outer)
    }

    pub fn type_alias(
        &mut self,
        s: StmtRef<'a>,
        name: ExprRef<'a>,
        params: &'a [TypeParam<'a>],
        value: ExprRef<'a>,
    ) -> Result<()> {
        let ExprKind::Name { id, .. } = name.kind else {
            return syntax_error(name.range, "type alias name must be a name");
        };
        let d = self.depth();
        let result = self.top();
        if params.is_empty() {
            self.alias_object(s, id, None, value)?;
        } else {
            let outer = self.take();
            let line = self.line(s.range);
            self.enter_type_params(s, id, line)?;
            self.prologue();
            let params = self.type_params(params)?;
            let t = self.top();
            self.alias_object(s, id, Some(params), value)?;
            self.emit_return(Val::Temp(t), s.range);
            let code = self.exit_unit()?;
            self.make_function(code, outer, Vec::new(), s.range);
            self.emit_call(false, 0, None, outer, outer, s.range);
        }
        self.set_depth(d + 1);
        self.store_name(id, Val::Temp(result), s.range);
        Ok(())
    }

    /// The alias object in the next temporary (not taken).
    fn alias_object(
        &mut self,
        s: StmtRef<'a>,
        name: &'a str,
        params: Option<Reg>,
        value: ExprRef<'a>,
    ) -> Result<()> {
        let d = self.depth();
        let Some(scope) = self.table.find(key(s, KeyKind::Own)) else {
            return overflow_error("symbol table lacks a type alias");
        };
        let start = self.top();
        let text = Val::Const(self.str_const(name));
        self.push_val(text, s.range);
        let params = match params {
            Some(p) => Val::Temp(p),
            None => self.none(),
        };
        self.push_val(params, s.range);
        self.lazy_function(scope, name, value, false)?;
        self.emit(Opcode::BuildTuple, 0, start, start, 3, s.range);
        self.emit(Opcode::Intrinsic1, B_TEMP, start, start, 8, s.range);
        self.set_depth(d);
        Ok(())
    }
}
