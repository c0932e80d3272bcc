//! Comprehensions (inlined, PEP 709) and generator expressions.

use super::*;
use crate::scope::symbol::{DEF_LOCAL, DEF_NONLOCAL, DEF_PARAM, SCOPE_MASK, SCOPE_OFFSET};
use crate::scope::{KeyKind, key};
use taipan_bytecode::LocalKind;
use taipan_bytecode::code_flags as co;

/// What a comprehension makes of each element.
#[derive(Clone, Copy)]
enum Element<'a> {
    List(ExprRef<'a>),
    Set(ExprRef<'a>),
    Dict(ExprRef<'a>, ExprRef<'a>),
    Yield(ExprRef<'a>),
}

fn parts<'a>(e: ExprRef<'a>) -> Option<(Element<'a>, &'a [Comprehension<'a>])> {
    Some(match &e.kind {
        ExprKind::ListComp { elt, generators } => (Element::List(elt), generators),
        ExprKind::SetComp { elt, generators } => (Element::Set(elt), generators),
        ExprKind::DictComp { key, value, generators } => (Element::Dict(key, value), generators),
        ExprKind::GeneratorExp { elt, generators } => (Element::Yield(elt), generators),
        _ => return None,
    })
}

impl<'a, 'e> Codegen<'a, 'e> {
    pub fn comprehension(&mut self, e: ExprRef<'a>, dst: Reg) -> Result<()> {
        let Some(scope) = self.table.find(key(e, KeyKind::Own)) else {
            return overflow_error("symbol table lacks a comprehension");
        };
        let Some((element, generators)) = parts(e) else { return Ok(()) };
        if !self.table.scope(scope).inlined {
            return self.comprehension_function(e, scope, element, generators, dst);
        }
        let is_async = self.table.scope(scope).coroutine;
        if is_async {
            self.check_async_comprehension(e.range)?;
        }
        let d = self.depth();
        let iterable = self.value(generators[0].iter)?;
        let result = self.temp(d);
        let iter = self.temp(d + 1);
        let first = &generators[0];
        let op = if first.is_async { Opcode::GetAIter } else { Opcode::GetIter };
        self.emit_b(op, 0, iter, iterable, 0, first.iter.range);
        self.open_container(element, result, e.range);
        self.set_depth(d + 2);
        let bound = self.enter_comprehension(scope, e.range);
        let cleanup = self.label();
        let outer = self.push_handler(cleanup, d);
        self.loops(generators, 0, Some(iter), element, result, e.range)?;
        self.u.handler = outer;
        self.leave_comprehension(e.range);
        self.set_depth(d);
        if !bound {
            // Nothing to undo: exceptions need no stop here.
            self.bind(cleanup);
            self.disable_handler(cleanup);
        } else {
            let end = self.label();
            self.jump(Opcode::Jump, end, NO_LOCATION);
            self.bind(cleanup);
            self.clear_bound(scope, e.range);
            let t = self.temp(d);
            self.emit(Opcode::Reraise, 0, t, 0, 0, e.range);
            self.bind(end);
        }
        self.move_to(dst, Val::Temp(result), e.range);
        Ok(())
    }

    fn disable_handler(&mut self, label: Label) {
        let parent = self.u.handler;
        let Some(dead) = self.u.handlers.iter().rposition(|h| h.target == label) else { return };
        for ins in self.u.ins.iter_mut().rev() {
            if ins.handler == dead as u32 {
                ins.handler = parent;
            }
        }
    }

    fn check_async_comprehension(&mut self, range: Range) -> Result<()> {
        let top = self.options.top_level_await && self.stack.is_empty();
        if self.u.kind == UnitKind::AsyncFunction
            || top
            || (self.u.kind == UnitKind::Comprehension && self.scope().coroutine)
        {
            return Ok(());
        }
        crate::error::syntax_error(range, "asynchronous comprehension outside of an asynchronous function")
    }

    fn open_container(&mut self, element: Element<'a>, result: Reg, range: Range) {
        let op = match element {
            Element::List(_) => Opcode::BuildList,
            Element::Set(_) => Opcode::BuildSet,
            Element::Dict(..) => Opcode::BuildMap,
            Element::Yield(_) => return,
        };
        self.emit(op, 0, result, result, 0, range);
    }

    /// Give the comprehension's names registers. True if there are any.
    fn enter_comprehension(&mut self, scope: ScopeId, range: Range) -> bool {
        let unit = self.scope();
        let function_like = unit.is_function_like();
        let mut bound = Vec::new();
        let names: Vec<(NameId, u32)> = self.table.scope(scope).symbols.iter().collect();
        for (name, flags) in names {
            let kind = flags >> SCOPE_OFFSET & SCOPE_MASK;
            if function_like && kind == GLOBAL_EXPLICIT && flags & DEF_LOCAL != 0 {
                // A walrus to a global: CPython lists the name all the same.
                self.mention(name);
            }
            if flags & DEF_PARAM != 0
                || flags & DEF_LOCAL == 0
                || flags & DEF_NONLOCAL != 0
                || !matches!(kind, LOCAL | CELL)
            {
                continue;
            }
            let cell = kind == CELL;
            let active = |u: &Unit<'_>, reg: Reg| u.comps.iter().any(|c| c.bound.iter().any(|b| b.1 == reg));
            let outside = self.scope().symbols.get(name).unwrap_or(0);
            let reg = if function_like && outside & FROM_COMPREHENSION != 0 {
                let reg = self.mention(name);
                if active(&self.u, reg) { None } else { Some(reg) }
            } else {
                // CPython shares the function's own register; here it only counts as named.
                if function_like {
                    self.mention(name);
                }
                None
            };
            let reg = match reg {
                Some(reg) => {
                    if cell && !self.u.comp_cells.contains(&name) {
                        self.u.comp_cells.push(name);
                    }
                    reg
                }
                None => {
                    let mut kind = LocalKind::HIDDEN.0;
                    if !function_like {
                        kind |= LocalKind::LOCAL.0;
                    }
                    let found = (0..self.u.hidden.len()).find(|&i| {
                        let reg = HIDDEN_BASE + i as u32;
                        self.u.hidden[i].0 == name
                            && !active(&self.u, reg)
                            && !bound.iter().any(|&(_, r, _)| r == reg)
                    });
                    let i = found.unwrap_or_else(|| {
                        self.u.hidden.push((name, kind));
                        self.u.hidden.len() - 1
                    });
                    if cell {
                        self.u.hidden[i].1 |= LocalKind::CELL.0;
                    }
                    HIDDEN_BASE + i as u32
                }
            };
            bound.push((name, reg, cell));
        }
        for &(_, reg, cell) in &bound {
            if cell {
                self.emit(Opcode::MakeCell, 0, reg, 0, 0, range);
            }
        }
        let any = !bound.is_empty();
        self.u.comps.push(InlinedComp { scope, bound });
        any
    }

    fn leave_comprehension(&mut self, range: Range) {
        if let Some(comp) = self.u.comps.pop() {
            for &(_, reg, _) in &comp.bound {
                self.emit(Opcode::ClearLocal, 0, reg, 0, 0, range);
            }
            self.last_comp = comp.bound;
        }
    }

    /// The same on the way out of an exception; right after `leave_comprehension`.
    fn clear_bound(&mut self, _scope: ScopeId, range: Range) {
        let bound = std::mem::take(&mut self.last_comp);
        for (_, reg, _) in bound {
            self.emit(Opcode::ClearLocal, 0, reg, 0, 0, range);
        }
    }

    /// The nested loops, from number `i` on. The iterator of the first one is made already.
    fn loops(
        &mut self,
        generators: &'a [Comprehension<'a>],
        i: usize,
        iter: Option<Reg>,
        element: Element<'a>,
        result: Reg,
        range: Range,
    ) -> Result<()> {
        self.nest()?;
        let d = self.depth();
        let g = &generators[i];
        // `for x in [value]` is an assignment.
        if iter.is_none()
            && !g.is_async
            && let ExprKind::List { elts, .. } | ExprKind::Tuple { elts, .. } = &g.iter.kind
            && let [only] = elts
            && !matches!(only.kind, ExprKind::Starred { .. })
        {
            let v = match g.target.kind {
                ExprKind::Name { id, .. } => match self.local_of(id) {
                    Some(local) => {
                        self.into(only, local)?;
                        None
                    }
                    None => Some(self.value(only)?),
                },
                _ => Some(self.value(only)?),
            };
            if let Some(v) = v {
                self.store(g.target, v)?;
            }
            self.set_depth(d);
            let skip = self.label();
            self.filters_and_rest(generators, i, element, result, range, skip)?;
            self.bind(skip);
            self.set_depth(d);
            self.nesting -= 1;
            return Ok(());
        }
        let iter = match iter {
            Some(iter) => iter,
            None => {
                let v = self.value(g.iter)?;
                self.set_depth(d);
                let iter = self.take();
                let op = if g.is_async { Opcode::GetAIter } else { Opcode::GetIter };
                self.emit_b(op, 0, iter, v, 0, g.iter.range);
                iter
            }
        };
        let inside = self.depth();
        if g.is_async {
            let (start, except) = (self.label(), self.label());
            self.bind(start);
            let outer = self.push_handler(except, inside);
            let item = self.async_next(iter, range);
            self.u.handler = outer;
            self.store(g.target, Val::Temp(item))?;
            self.set_depth(inside);
            self.filters_and_rest(generators, i, element, result, range, start)?;
            self.jump(Opcode::JumpBack, start, range);
            self.bind(except);
            let exc = self.temp(inside);
            self.emit(Opcode::EndAsyncFor, 0, iter, exc, 0, range);
        } else {
            let (body, next) = (self.label(), self.label());
            self.jump(Opcode::Jump, next, g.iter.range);
            self.bind(body);
            let dst = self.loop_target(g.target)?;
            self.filters_and_rest(generators, i, element, result, range, next)?;
            self.for_iter(iter, dst, body, next, g.iter.range);
        }
        self.set_depth(d);
        self.nesting -= 1;
        Ok(())
    }

    fn filters_and_rest(
        &mut self,
        generators: &'a [Comprehension<'a>],
        i: usize,
        element: Element<'a>,
        result: Reg,
        range: Range,
        next: Label,
    ) -> Result<()> {
        for test in generators[i].ifs {
            self.jump_if(test, next, false)?;
        }
        if i + 1 < generators.len() {
            return self.loops(generators, i + 1, None, element, result, range);
        }
        let d = self.depth();
        match element {
            Element::List(e) => {
                let v = self.value(e)?;
                self.emit_b(Opcode::ListAppend, 0, result, v, 0, e.range);
            }
            Element::Set(e) => {
                let v = self.value(e)?;
                self.emit_b(Opcode::SetAdd, 0, result, v, 0, e.range);
            }
            Element::Dict(k, v) => {
                let kv = self.value(k)?;
                let kv = self.protect(kv, &[v], k.range);
                let vv = self.value(v)?;
                let range = k.range.cover(v.range);
                self.emit_bc(Opcode::MapAdd, 0, result, kv, vv, range);
            }
            Element::Yield(e) => {
                let v = self.value(e)?;
                self.set_depth(d);
                let t = self.top();
                self.emit_yield(t, v, e.range);
                self.emit(Opcode::Drop, 0, t, 0, 0, e.range);
            }
        }
        self.set_depth(d);
        Ok(())
    }

    pub fn generator_expression(&mut self, e: ExprRef<'a>, dst: Reg) -> Result<()> {
        let Some(scope) = self.table.find(key(e, KeyKind::Own)) else {
            return overflow_error("symbol table lacks a generator expression");
        };
        let Some((element, generators)) = parts(e) else { return Ok(()) };
        self.comprehension_function(e, scope, element, generators, dst)
    }

    /// As a function of its own that is called at once.
    fn comprehension_function(
        &mut self,
        e: ExprRef<'a>,
        scope: ScopeId,
        element: Element<'a>,
        generators: &'a [Comprehension<'a>],
        dst: Reg,
    ) -> Result<()> {
        let d = self.depth();
        let first = &generators[0];
        let name = match element {
            Element::List(_) => "<listcomp>",
            Element::Set(_) => "<setcomp>",
            Element::Dict(..) => "<dictcomp>",
            Element::Yield(_) => "<genexpr>",
        };
        let is_generator = matches!(element, Element::Yield(_));
        let is_async = self.table.scope(scope).coroutine;
        if is_async && !is_generator {
            self.check_async_comprehension(e.range)?;
        }
        let function = self.take();
        let v = self.value(first.iter)?;
        let iter = self.temp(d + 1);
        let op = if first.is_async { Opcode::GetAIter } else { Opcode::GetIter };
        self.emit_b(op, 0, iter, v, 0, first.iter.range);
        self.set_depth(d + 2);

        let line = self.line(e.range);
        let private = self.u.private;
        self.enter_unit(scope, UnitKind::Comprehension, name, line, private)?;
        let s = self.table.scope(scope);
        let mut flags = co::OPTIMIZED | co::NEWLOCALS | self.table.future;
        if s.nested {
            flags |= co::NESTED;
        }
        if s.method {
            flags |= co::METHOD;
        }
        flags |= match (s.generator, s.coroutine) {
            (true, true) => co::ASYNC_GENERATOR,
            (true, false) => co::GENERATOR,
            (false, true) => co::COROUTINE,
            (false, false) => 0,
        };
        self.u.flags |= flags;
        self.u.argcount = 1;
        self.prologue();
        let wrap = self.begin_generator();
        let mut result = 0;
        if !is_generator {
            result = self.take();
            self.open_container(element, result, e.range);
        }
        let iter_inside = self.take();
        self.emit(Opcode::Move, 0, iter_inside, 0, 0, e.range);
        self.loops(generators, 0, Some(iter_inside), element, result, e.range)?;
        if is_generator {
            self.return_none(e.range);
        } else {
            self.emit_return(Val::Temp(result), e.range);
        }
        self.end_generator(wrap);
        let code = self.exit_unit()?;

        self.make_function(code, function, Vec::new(), e.range);
        self.set_depth(d);
        if is_async && !is_generator {
            self.emit_call(false, 1, None, function, function, e.range);
            let iterator = self.temp(d + 1);
            self.emit(Opcode::GetAwaitable, B_TEMP, iterator, function, 0, e.range);
            self.delegate(d, dst, e.range);
        } else {
            self.emit_call(false, 1, None, dst, function, e.range);
        }
        Ok(())
    }
}
