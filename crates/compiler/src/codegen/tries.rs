//! `try`, `except`, `except*`, `finally`, `with`.
//!
//! A handler that handles needs two registers: the exception, and below it the one
//! handled before. The lower one is reserved, dead, while the body runs, so that an
//! exception lands where it is wanted without moving anything.

use super::*;
use crate::error::syntax_error;

impl<'a, 'e> Codegen<'a, 'e> {
    pub fn try_(&mut self, range: Range, t: &'a Try<'a>, star: bool) -> Result<()> {
        self.emit(Opcode::Nop, 0, 0, 0, 0, range);
        self.conditional(|g| {
            if t.finalbody.is_empty() {
                return if star { g.try_star(range, t) } else { g.try_except(range, t) };
            }
            g.try_finally(range, t, star)
        })
    }

    /// The body of a `finally`, where leaving by `return`… is warned about.
    pub fn finally_body(&mut self, body: Stmts<'a>) -> Result<()> {
        self.in_finally.push(true);
        self.finally_returns.push(true);
        let r = self.body(body);
        self.finally_returns.pop();
        self.in_finally.pop();
        r
    }

    fn try_finally(&mut self, range: Range, t: &'a Try<'a>, star: bool) -> Result<()> {
        let d = self.depth();
        let (handler, cleanup, exit) = (self.label(), self.label(), self.label());
        let (prev, exc) = (self.temp(d), self.temp(d + 1));
        self.set_depth(d + 1);
        let outer = self.push_handler(handler, d + 1);
        self.push_block(BlockKind::FinallyTry { body: t.finalbody }, outer, range)?;
        if t.handlers.is_empty() {
            self.body(t.body)?;
        } else if star {
            self.try_star(range, t)?;
        } else {
            self.try_except(range, t)?;
        }
        self.emit(Opcode::Nop, 0, 0, 0, 0, NO_LOCATION);
        self.u.blocks.pop();
        self.u.handler = outer;
        self.set_depth(d);
        self.finally_body(t.finalbody)?;
        self.jump(Opcode::Jump, exit, NO_LOCATION);

        self.bind(handler);
        self.push_handler(cleanup, d + 1);
        self.emit(Opcode::PushException, 0, prev, exc, 0, NO_LOCATION);
        self.set_depth(d + 2);
        self.push_block(BlockKind::FinallyEnd { prev, exc }, outer, range)?;
        self.quiet += 1;
        let r = self.finally_body(t.finalbody);
        self.quiet -= 1;
        r?;
        self.u.blocks.pop();
        self.emit(Opcode::Reraise, 0, exc, 0, 0, NO_LOCATION);
        self.cleanup(cleanup, prev, exc, outer);
        self.set_depth(d);
        self.bind(exit);
        Ok(())
    }

    /// An exception inside a handler: restore what was handled before, and go on.
    fn cleanup(&mut self, label: Label, prev: Reg, exc: Reg, outer: u32) {
        self.u.handler = outer;
        self.bind(label);
        self.emit(Opcode::PopException, 0, prev, 0, 0, NO_LOCATION);
        self.emit(Opcode::Reraise, 0, exc, 0, 0, NO_LOCATION);
    }

    fn try_except(&mut self, range: Range, t: &'a Try<'a>) -> Result<()> {
        let d = self.depth();
        let (except, cleanup, end) = (self.label(), self.label(), self.label());
        let (prev, exc) = (self.temp(d), self.temp(d + 1));
        self.set_depth(d + 1);
        let outer = self.push_handler(except, d + 1);
        self.push_block(BlockKind::Marker, outer, range)?;
        self.body(t.body)?;
        self.emit(Opcode::Nop, 0, 0, 0, 0, NO_LOCATION);
        self.u.blocks.pop();
        self.u.handler = outer;
        self.set_depth(d);
        self.body(t.orelse)?;
        self.jump(Opcode::Jump, end, NO_LOCATION);

        self.bind(except);
        self.push_handler(cleanup, d + 1);
        let in_handler = self.u.handler;
        self.push_block(BlockKind::Marker, outer, range)?;
        self.emit(Opcode::PushException, 0, prev, exc, 0, NO_LOCATION);
        for (i, h) in t.handlers.iter().enumerate() {
            if h.r#type.is_none() && i + 1 < t.handlers.len() {
                return syntax_error(h.range, "default 'except:' must be last");
            }
            let next = self.label();
            self.set_depth(d + 2);
            if let Some(t) = h.r#type {
                let class = self.value(t)?;
                self.set_depth(d + 2);
                let r = self.top();
                let (f, c) = flags_c(class);
                self.emit(Opcode::CheckExceptionMatch, FUSED | f, r, exc, c, t.range);
                self.jump_result(r, next, false, t.range);
            }
            match h.name {
                Some(name) => {
                    self.set_depth(d + 1);
                    self.store_name(name, Val::Temp(exc), h.range);
                    let fail = self.label();
                    self.push_handler(fail, d + 1);
                    let kind = BlockKind::Except { prev, name: Some(name) };
                    self.push_block(kind, outer, h.range)?;
                    self.body(h.body)?;
                    self.u.blocks.pop();
                    self.u.handler = outer;
                    self.emit(Opcode::PopException, 0, prev, 0, 0, NO_LOCATION);
                    self.forget(name);
                    self.jump(Opcode::Jump, end, NO_LOCATION);
                    self.u.handler = in_handler;
                    self.bind(fail);
                    self.set_depth(d + 2);
                    self.forget(name);
                    self.emit(Opcode::Reraise, 0, exc, 0, 0, NO_LOCATION);
                }
                None => {
                    self.emit(Opcode::Drop, 0, exc, 0, 0, h.range);
                    self.set_depth(d + 1);
                    let kind = BlockKind::Except { prev, name: None };
                    self.push_block(kind, outer, h.range)?;
                    self.body(h.body)?;
                    self.u.blocks.pop();
                    self.u.handler = outer;
                    self.emit(Opcode::PopException, 0, prev, 0, 0, NO_LOCATION);
                    self.jump(Opcode::Jump, end, NO_LOCATION);
                    self.u.handler = in_handler;
                }
            }
            self.bind(next);
        }
        self.emit(Opcode::Reraise, 0, exc, 0, 0, NO_LOCATION);
        self.u.blocks.pop();
        self.cleanup(cleanup, prev, exc, outer);
        self.set_depth(d);
        self.bind(end);
        Ok(())
    }

    fn try_star(&mut self, range: Range, t: &'a Try<'a>) -> Result<()> {
        let d = self.depth();
        let (except, cleanup, end) = (self.label(), self.label(), self.label());
        let (prev, exc) = (self.temp(d), self.temp(d + 1));
        self.set_depth(d + 1);
        let outer = self.push_handler(except, d + 1);
        self.push_block(BlockKind::Marker, outer, range)?;
        self.body(t.body)?;
        self.emit(Opcode::Nop, 0, 0, 0, 0, NO_LOCATION);
        self.u.blocks.pop();
        self.u.handler = outer;
        self.set_depth(d);
        self.body(t.orelse)?;
        self.jump(Opcode::Jump, end, NO_LOCATION);

        self.bind(except);
        self.push_handler(cleanup, d + 1);
        let in_handler = self.u.handler;
        self.push_block(BlockKind::Marker, outer, range)?;
        self.emit(Opcode::PushException, 0, prev, exc, 0, NO_LOCATION);
        let (list, rest) = (self.temp(d + 2), self.temp(d + 3));
        let (matched, new_rest) = (self.temp(d + 4), self.temp(d + 5));
        self.emit(Opcode::BuildList, 0, list, list, 0, NO_LOCATION);
        self.emit(Opcode::Move, 0, rest, exc, 0, NO_LOCATION);
        for h in t.handlers {
            let (next, no_match) = (self.label(), self.label());
            self.set_depth(d + 4);
            let range = h.range;
            let class = match h.r#type {
                Some(t) => self.value(t)?,
                None => self.none(),
            };
            self.set_depth(d + 4);
            let (f, c) = flags_c(class);
            self.emit(Opcode::CheckExceptionGroupMatch, f, matched, rest, c, range);
            self.emit(Opcode::Drop, 0, rest, 0, 0, range);
            self.emit(Opcode::Move, B_TEMP, rest, new_rest, 0, range);
            self.emit(Opcode::JumpIfNone, 0, matched, no_match.0, 0, range);
            // The matching part is what `sys.exception()` shows from here on.
            self.emit(Opcode::PushException, 0, new_rest, matched, 0, range);
            self.emit(Opcode::Drop, 0, new_rest, 0, 0, range);
            match h.name {
                Some(name) => self.store_name(name, Val::Temp(matched), h.range),
                None => self.emit(Opcode::Drop, 0, matched, 0, 0, h.range),
            }
            let fail = self.label();
            self.push_handler(fail, d + 4);
            self.push_block(BlockKind::ExceptStar, outer, h.range)?;
            self.body(h.body)?;
            self.emit(Opcode::Nop, 0, 0, 0, 0, NO_LOCATION);
            self.u.blocks.pop();
            self.u.handler = in_handler;
            if let Some(name) = h.name {
                self.forget(name);
            }
            self.jump(Opcode::Jump, next, NO_LOCATION);
            self.bind(fail);
            self.set_depth(d + 5);
            if let Some(name) = h.name {
                self.forget(name);
            }
            self.emit(Opcode::ListAppend, B_TEMP, list, matched, 0, NO_LOCATION);
            self.jump(Opcode::Jump, next, NO_LOCATION);
            self.bind(no_match);
            self.emit(Opcode::Drop, 0, matched, 0, 0, range);
            self.bind(next);
        }
        self.u.blocks.pop();
        self.emit(Opcode::ListAppend, B_TEMP, list, rest, 0, NO_LOCATION);
        self.emit(Opcode::PrepareReraiseStar, B_TEMP | C_TEMP, exc, exc, list, NO_LOCATION);
        let reraise = self.label();
        self.emit(Opcode::JumpIfNotNone, 0, exc, reraise.0, 0, NO_LOCATION);
        self.emit(Opcode::Drop, 0, exc, 0, 0, NO_LOCATION);
        self.u.handler = outer;
        self.emit(Opcode::PopException, 0, prev, 0, 0, NO_LOCATION);
        self.jump(Opcode::Jump, end, NO_LOCATION);
        self.bind(reraise);
        self.emit(Opcode::PopException, 0, prev, 0, 0, NO_LOCATION);
        self.emit(Opcode::Reraise, 0, exc, 0, 0, NO_LOCATION);
        self.cleanup(cleanup, prev, exc, outer);
        self.set_depth(d);
        self.bind(end);
        Ok(())
    }

    // ---- with -----------------------------------------------------------------

    pub fn with(
        &mut self,
        s: StmtRef<'a>,
        items: &'a [WithItem<'a>],
        body: Stmts<'a>,
        is_async: bool,
    ) -> Result<()> {
        if is_async {
            self.check_async(s.range, "'async with' outside async function")?;
        }
        self.conditional(|g| g.with_item(items, body, is_async))
    }

    fn with_item(&mut self, items: &'a [WithItem<'a>], body: Stmts<'a>, is_async: bool) -> Result<()> {
        self.nest()?;
        let Some((item, rest)) = items.split_first() else {
            self.nesting -= 1;
            return self.body(body);
        };
        let d = self.depth();
        let range = item.context_expr.range;
        // Registers: exit function and its self, the exception handled before, exception.
        let (exit, prev, exc) = (self.temp(d), self.temp(d + 2), self.temp(d + 3));
        self.temp(d + 4);
        self.set_depth(d + 2);
        let (enter_id, exit_id) = if is_async { (2, 3) } else { (0, 1) };
        let manager = self.value(item.context_expr)?;
        self.emit_b(Opcode::LoadSpecial, 0, exit, manager.borrowed(), exit_id, range);
        self.emit_b(Opcode::LoadSpecial, 0, prev, manager, enter_id, range);
        self.set_depth(d + 3);
        let same_line = match item.optional_vars {
            Some(target) => self.line(target.range) == self.line(range),
            None => true,
        };
        let target_local = match item.optional_vars.map(|v| v.kind) {
            Some(ExprKind::Name { id, .. }) if !is_async && same_line => self.local_of(id),
            _ => None,
        };
        let result = target_local.unwrap_or(exc);
        if is_async {
            self.emit_call(true, 0, None, prev, prev, range);
            let iterator = self.temp(d + 4);
            self.emit(Opcode::GetAwaitable, B_TEMP, iterator, prev, 1, range);
            self.delegate(d + 3, exc, range);
            self.set_depth(d + 3);
        } else {
            self.emit_call(true, 0, None, result, prev, range);
        }
        let (handler, cleanup, suppress, end) = (self.label(), self.label(), self.label(), self.label());
        let outer = self.push_handler(handler, d + 3);
        self.push_block(BlockKind::With { exit, range, is_async }, outer, range)?;
        match (item.optional_vars, target_local) {
            (_, Some(_)) => {}
            (Some(target), None) => {
                self.set_depth(d + 4);
                self.store(target, Val::Temp(exc))?;
            }
            (None, None) => self.emit(Opcode::Drop, 0, exc, 0, 0, range),
        }
        self.set_depth(d + 3);
        self.with_item(rest, body, is_async)?;
        self.emit(Opcode::Nop, 0, 0, 0, 0, NO_LOCATION);
        self.u.blocks.pop();
        self.u.handler = outer;
        self.with_exit_normally(exit, range, is_async)?;
        self.jump(Opcode::Jump, end, NO_LOCATION);

        self.bind(handler);
        self.push_handler(cleanup, d + 3);
        self.emit(Opcode::PushException, 0, prev, exc, 0, range);
        let answer = self.temp(d + 4);
        self.set_depth(d + 4);
        if is_async {
            let (iterator, t) = (self.temp(d + 5), self.temp(d + 4));
            self.emit(Opcode::WithExceptStart, 0, t, exit, exc, range);
            self.emit(Opcode::GetAwaitable, B_TEMP, iterator, t, 2, range);
            self.delegate(d + 4, answer, range);
        } else {
            self.emit(Opcode::WithExceptStart, 0, answer, exit, exc, range);
        }
        self.emit(Opcode::JumpIfTrue, A_TEMP, answer, suppress.0, 0, range);
        self.emit(Opcode::Reraise, 0, exc, 0, 0, range);
        self.bind(suppress);
        self.emit(Opcode::Drop, 0, exc, 0, 0, NO_LOCATION);
        self.u.handler = outer;
        self.emit(Opcode::PopException, 0, prev, 0, 0, NO_LOCATION);
        self.emit(Opcode::Drop, 0, exit + 1, 0, 0, NO_LOCATION);
        self.emit(Opcode::Drop, 0, exit, 0, 0, NO_LOCATION);
        self.jump(Opcode::Jump, end, NO_LOCATION);
        self.cleanup(cleanup, prev, exc, outer);
        self.set_depth(d);
        self.bind(end);
        self.nesting -= 1;
        Ok(())
    }

    /// `exit(None, None, None)`. The pair is the base of the call window if nothing
    /// lives above it; else (a value waits to be returned) it moves to the top first,
    /// because a callee's registers reach beyond its window.
    pub fn with_exit_normally(&mut self, exit: Reg, range: Range, is_async: bool) -> Result<()> {
        let d = self.depth();
        let base = exit - TEMP_BASE;
        let at = if d > base + 2 { d } else { base };
        self.temp(at + 4);
        let window = TEMP_BASE + at;
        if at != base {
            self.emit(Opcode::Move, B_TEMP, window, exit, 0, range);
            self.emit(Opcode::Move, B_TEMP, window + 1, exit + 1, 0, range);
        }
        let none = self.none();
        for i in 2..5 {
            self.move_to(window + i, none, range);
        }
        self.emit_call(true, 3, None, window, window, range);
        if is_async {
            let iterator = self.temp(at + 1);
            self.emit(Opcode::GetAwaitable, B_TEMP, iterator, window, 2, range);
            self.delegate(at, window, range);
        }
        self.emit(Opcode::Drop, 0, window, 0, 0, range);
        self.set_depth(d);
        Ok(())
    }
}
