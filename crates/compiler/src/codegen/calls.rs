//! Calls: plain, by method, with keywords, with unpacking; `super()`.

use super::*;

/// Beyond this many arguments a call goes through a tuple.
const MAX_WINDOW: usize = 250;

impl<'a, 'e> Codegen<'a, 'e> {
    pub fn call(
        &mut self,
        e: ExprRef<'a>,
        func: ExprRef<'a>,
        args: Exprs<'a>,
        keywords: &'a [Keyword<'a>],
        dst: Reg,
    ) -> Result<()> {
        self.check_caller(func);
        let d = self.depth();
        let simple = Self::is_simple_call(args, keywords);
        if let (true, ExprKind::Attribute { value, attr, ctx: ExprContext::Load }) = (simple, &func.kind) {
            let t = self.top();
            if !self.super_attribute(value, attr, t, true, func.range)? {
                let v = self.value(value)?;
                self.set_depth(d);
                let range = self.attribute_range(func, attr);
                let cache = self.attr_cache(attr);
                self.emit_b(Opcode::LoadMethod, 0, t, v, cache, range);
            }
            self.temp(d + 1);
            self.set_depth(d + 2);
            let range = self.attribute_start(e.range, func, attr);
            return self.finish_call(t, true, args, keywords, 0, dst, d, range);
        }
        let f = self.push(func)?;
        if simple {
            return self.finish_call(f, false, args, keywords, 0, dst, d, e.range);
        }
        self.call_unpacked(f, args, keywords, None, dst, e.range)?;
        self.set_depth(d);
        Ok(())
    }

    /// Whether the arguments fit into a call window.
    pub fn is_simple_call(args: Exprs<'a>, keywords: &'a [Keyword<'a>]) -> bool {
        args.len() + keywords.len() <= MAX_WINDOW
            && !args.iter().any(|a| matches!(a.kind, ExprKind::Starred { .. }))
            && keywords.iter().all(|k| k.arg.is_some())
    }

    /// Evaluate the arguments after `given` ones that are in the window already, and call.
    #[allow(clippy::too_many_arguments)]
    pub fn finish_call(
        &mut self,
        base: Reg,
        method: bool,
        args: Exprs<'a>,
        keywords: &'a [Keyword<'a>],
        given: u32,
        dst: Reg,
        depth: u32,
        range: Range,
    ) -> Result<()> {
        for a in args {
            self.push(a)?;
        }
        self.check_keywords(keywords)?;
        let mut names = Vec::with_capacity(keywords.len());
        for k in keywords {
            if let Some(name) = k.arg {
                // Names of keywords are never mangled.
                names.push(Constant::Str(name.as_bytes().into()));
            }
            self.push(k.value)?;
        }
        let argc = given + (args.len() + keywords.len()) as u32;
        self.set_depth(depth);
        let kwnames = match names.is_empty() {
            true => None,
            false => Some(self.constant(Constant::Tuple(names.into()))),
        };
        self.emit_call(method, argc, kwnames, dst, base, range);
        Ok(())
    }

    pub fn emit_call(
        &mut self,
        method: bool,
        argc: u32,
        kwnames: Option<u32>,
        dst: Reg,
        base: Reg,
        range: Range,
    ) {
        let op = match (method, kwnames.is_some()) {
            (false, false) => Opcode::Call,
            (false, true) => Opcode::CallKw,
            (true, false) => Opcode::CallMethod,
            (true, true) => Opcode::CallMethodKw,
        };
        let cache = self.call_cache(argc, kwnames);
        self.emit(op, argc.min(255) as u8, dst, base, cache, range);
    }

    /// `f(*args, **kwargs)`; `f` is in temporary `f`, the last one taken. `extra` is a
    /// local appended to the positional arguments (the base of a generic class); leading
    /// values for class creation are passed by the caller in registers after `f`.
    pub fn call_unpacked(
        &mut self,
        f: Reg,
        args: Exprs<'a>,
        keywords: &'a [Keyword<'a>],
        extra: Option<(u32, Option<Val>)>,
        dst: Reg,
        range: Range,
    ) -> Result<()> {
        let base = f - TEMP_BASE;
        let positional = self.temp(base + 1);
        let (leading, tail) = extra.unwrap_or((0, None));
        let mut flag = X;
        match (args, leading, tail) {
            ([only], 0, None) if matches!(only.kind, ExprKind::Starred { .. }) => {
                let ExprKind::Starred { value, .. } = only.kind else { return Ok(()) };
                self.push(value)?;
                flag = 0;
            }
            ([], 0, None) => {
                let empty = self.const_val(Constant::Tuple(Box::new([])));
                self.push_val(empty, range);
            }
            _ => {
                let star = args.iter().any(|a| matches!(a.kind, ExprKind::Starred { .. }));
                if star || args.len() > MAX_WINDOW {
                    if leading == 0 {
                        self.take();
                        self.list_elements(args, positional, range)?;
                    } else {
                        self.emit(Opcode::BuildList, 0, positional, positional, leading, range);
                        self.set_depth(base + 2);
                        self.append_elements(args, positional, range)?;
                    }
                    if let Some(v) = tail {
                        self.emit_b(Opcode::ListAppend, 0, positional, v, 0, range);
                    }
                    self.emit(Opcode::ListToTuple, B_TEMP, positional, positional, 0, range);
                } else {
                    let mut n = leading;
                    for a in args {
                        self.push(a)?;
                        n += 1;
                    }
                    if let Some(v) = tail {
                        self.push_val(v, range);
                        n += 1;
                    }
                    self.emit(Opcode::BuildTuple, 0, positional, positional, n, range);
                }
            }
        }
        self.set_depth(base + 2);
        let kwargs = self.temp(base + 2);
        if keywords.is_empty() {
            self.emit(Opcode::ClearLocal, 0, kwargs, 0, 0, range);
        } else {
            self.keyword_dict(keywords, f, kwargs, range)?;
        }
        self.set_depth(base);
        self.emit(Opcode::CallEx, flag, dst, f, 0, range);
        Ok(())
    }

    fn append_elements(&mut self, elts: Exprs<'a>, list: Reg, range: Range) -> Result<()> {
        let d = self.depth();
        for e in elts {
            let (op, inner) = match e.kind {
                ExprKind::Starred { value, .. } => (Opcode::ListExtend, value),
                _ => (Opcode::ListAppend, *e),
            };
            let v = self.value(inner)?;
            self.set_depth(d);
            self.emit_b(op, 0, list, v, 0, range);
        }
        Ok(())
    }

    /// Keyword arguments with `**`: runs of named ones become dicts that are merged.
    fn keyword_dict(&mut self, keywords: &'a [Keyword<'a>], f: Reg, dict: Reg, range: Range) -> Result<()> {
        self.check_keywords(keywords)?;
        let d = self.depth();
        let mut have = false;
        let mut i = 0;
        while i < keywords.len() {
            let k = &keywords[i];
            if k.arg.is_none() {
                if !have {
                    self.emit(Opcode::BuildMap, 0, dict, dict, 0, range);
                    have = true;
                }
                self.set_depth(d + 1);
                let v = self.value(k.value)?;
                self.set_depth(d + 1);
                let (flags, b) = flags_b(v);
                self.emit(Opcode::DictMerge, flags, dict, b, f, range);
                i += 1;
                continue;
            }
            let mut run = 0;
            while run < 16 && keywords.get(i + run).is_some_and(|k| k.arg.is_some()) {
                run += 1;
            }
            self.set_depth(if have { d + 1 } else { d });
            let start = self.top();
            for k in &keywords[i..i + run] {
                let name = self.table.names.intern(k.arg.unwrap_or_default());
                let name = Val::Const(self.name_const(name));
                self.push_val(name, range);
                self.push(k.value)?;
            }
            self.emit(Opcode::BuildMap, 0, start, start, run as u32, range);
            if have {
                self.emit(Opcode::DictMerge, B_TEMP, dict, start, f, range);
            }
            have = true;
            i += run;
        }
        self.set_depth(d + 1);
        Ok(())
    }

    pub fn check_keywords(&mut self, keywords: &'a [Keyword<'a>]) -> Result<()> {
        for (i, k) in keywords.iter().enumerate() {
            let Some(name) = k.arg else { continue };
            for other in &keywords[i + 1..] {
                if other.arg == Some(name) {
                    return crate::error::syntax_error(
                        other.range,
                        format!("keyword argument repeated: {name}"),
                    );
                }
            }
        }
        Ok(())
    }

    /// `super().name` and `super(A, b).name` without making the super object.
    /// With `method`, `dst` and the next register receive function and self.
    pub fn super_attribute(
        &mut self,
        value: ExprRef<'a>,
        attr: &'a str,
        dst: Reg,
        method: bool,
        range: Range,
    ) -> Result<bool> {
        let ExprKind::Call { func, args, keywords } = &value.kind else { return Ok(false) };
        let ExprKind::Name { id: "super", .. } = &func.kind else { return Ok(false) };
        let function_like = self.scope().is_function_like() || !self.u.comps.is_empty();
        let super_name = self.table.names.intern("super");
        if !keywords.is_empty()
            || args.iter().any(|a| matches!(a.kind, ExprKind::Starred { .. }))
            || !function_like
            || self.access(super_name) != Access::Global
            || attr == "__class__"
        {
            return Ok(false);
        }
        let d = self.depth();
        let zero = args.is_empty();
        if zero {
            let class = self.table.names.intern("__class__");
            let Access::Deref(cell) = self.access(class) else { return Ok(false) };
            let Some(first) = self.u.first_parameter else { return Ok(false) };
            if self.u.argcount == 0 || self.u.kind == UnitKind::Comprehension || !self.u.comps.is_empty() {
                return Ok(false);
            }
            let t = self.take();
            self.load_name_into("super", t, func.range)?;
            let t = self.take();
            self.emit(Opcode::LoadDeref, 0, t, cell, 0, value.range);
            let t = self.take();
            match self.u.cells.contains(&first) {
                true => {
                    let r = self.var_register(first);
                    self.emit(Opcode::LoadDeref, 0, t, r, 0, value.range);
                }
                false => {
                    let r = self.var_register(first);
                    self.emit(Opcode::Move, 0, t, r, 0, value.range);
                }
            }
        } else {
            if args.len() != 2 {
                return Ok(false);
            }
            let t = self.take();
            self.load_name_into("super", t, func.range)?;
            self.push(args[0])?;
            self.push(args[1])?;
        }
        self.set_depth(d);
        let base = self.temp(d);
        let mut flags = if zero { FUSED } else { 0 };
        if method {
            flags |= X;
        }
        let cache = self.attr_cache(attr);
        self.emit(Opcode::LoadSuperAttr, flags, dst, base, cache, range);
        Ok(true)
    }
}
