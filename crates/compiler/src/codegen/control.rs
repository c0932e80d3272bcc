//! `if`, loops, and leaving blocks by `return`, `break` and `continue`.

use super::*;
use crate::error::syntax_error;

/// Farther than this a loop's way back needs a trampoline.
const FAR: u32 = 60_000;

impl<'a, 'e> Codegen<'a, 'e> {
    /// Code inside an `if`, a loop, … : annotations there are conditional.
    pub fn conditional(&mut self, f: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        let old = std::mem::replace(&mut self.u.conditional, true);
        f(self)?;
        self.u.conditional = old;
        Ok(())
    }

    pub fn if_(&mut self, s: StmtRef<'a>) -> Result<()> {
        self.conditional(|g| {
            let end = g.label();
            let mut s = s;
            // An elif chain is a list, not a recursion.
            while let StmtKind::If { test, body, orelse } = &s.kind {
                let next = if orelse.is_empty() { end } else { g.label() };
                g.jump_if(test, next, false)?;
                g.body(body)?;
                if orelse.is_empty() {
                    break;
                }
                g.jump(Opcode::Jump, end, NO_LOCATION);
                g.bind(next);
                match orelse {
                    [only] if matches!(only.kind, StmtKind::If { .. }) => s = only,
                    _ => {
                        g.body(orelse)?;
                        break;
                    }
                }
            }
            g.bind(end);
            Ok(())
        })
    }

    fn push_loop(&mut self, iter: Option<Reg>, start: Label, exit: Label, range: Range) -> Result<()> {
        let outer = self.u.handler;
        self.push_block(BlockKind::Loop { iter, exit, start }, outer, range)
    }

    fn loop_body(&mut self, body: Stmts<'a>) -> Result<()> {
        // A `break` inside a loop inside `finally` stays inside: no warning.
        self.in_finally.push(false);
        self.body(body)?;
        self.in_finally.pop();
        Ok(())
    }

    pub fn while_(
        &mut self,
        range: Range,
        test: ExprRef<'a>,
        body: Stmts<'a>,
        orelse: Stmts<'a>,
    ) -> Result<()> {
        self.conditional(|g| {
            let (start, otherwise, exit) = (g.label(), g.label(), g.label());
            g.bind(start);
            g.push_loop(None, start, exit, range)?;
            g.jump_if(test, otherwise, false)?;
            g.loop_body(body)?;
            g.jump(Opcode::JumpBack, start, NO_LOCATION);
            g.u.blocks.pop();
            g.bind(otherwise);
            g.body(orelse)?;
            g.bind(exit);
            Ok(())
        })
    }

    pub fn for_(&mut self, range: Range, f: &'a For<'a>) -> Result<()> {
        self.conditional(|g| {
            let d = g.depth();
            let (body, next, exit) = (g.label(), g.label(), g.label());
            let iterable = g.value(f.iter)?;
            g.set_depth(d);
            let iter = g.take();
            g.emit_b(Opcode::GetIter, 0, iter, iterable, 0, f.iter.range);
            g.jump(Opcode::Jump, next, f.iter.range);
            g.push_loop(Some(iter), next, exit, range)?;
            g.bind(body);
            let dst = g.loop_target(f.target)?;
            g.loop_body(f.body)?;
            g.u.blocks.pop();
            g.for_iter(iter, dst, body, next, f.iter.range);
            g.set_depth(d);
            g.body(f.orelse)?;
            g.bind(exit);
            Ok(())
        })
    }

    /// Emit the start of a loop body that stores the item; gives the register `ForIter`
    /// has to put it into (a local directly, or the next temporary).
    pub fn loop_target(&mut self, target: ExprRef<'a>) -> Result<Reg> {
        if let ExprKind::Name { id, .. } = target.kind
            && let Some(local) = self.local_of(id)
        {
            self.emit(Opcode::Nop, 0, 0, 0, 0, target.range);
            return Ok(local);
        }
        let d = self.depth();
        let item = self.take();
        self.store(target, Val::Temp(item))?;
        self.set_depth(d);
        Ok(item)
    }

    /// The bottom of a loop. `next` is bound here.
    pub fn for_iter(&mut self, iter: Reg, dst: Reg, body: Label, next: Label, range: Range) {
        let far = self.u.ins.len() as u32 - self.u.labels[body.0 as usize] > FAR;
        let mut back = body;
        if far {
            self.jump(Opcode::Jump, next, NO_LOCATION);
            back = self.label();
            self.bind(back);
            self.jump(Opcode::Jump, body, range);
        }
        self.bind(next);
        self.emit(Opcode::ForIter, 0, iter, dst, back.0, range);
    }

    pub fn async_for(&mut self, s: StmtRef<'a>, f: &'a For<'a>) -> Result<()> {
        self.check_async(s.range, "'async for' outside async function")?;
        self.conditional(|g| {
            let d = g.depth();
            let (start, except, exit) = (g.label(), g.label(), g.label());
            let iterable = g.value(f.iter)?;
            g.set_depth(d);
            let iter = g.take();
            g.emit_b(Opcode::GetAIter, 0, iter, iterable, 0, f.iter.range);
            g.bind(start);
            g.push_loop(Some(iter), start, exit, s.range)?;
            let outer = g.push_handler(except, d + 1);
            let item = g.async_next(iter, f.iter.range);
            g.u.handler = outer;
            g.store(f.target, Val::Temp(item))?;
            g.set_depth(d + 1);
            g.loop_body(f.body)?;
            g.jump(Opcode::JumpBack, start, NO_LOCATION);
            g.u.blocks.pop();
            g.bind(except);
            let exc = g.temp(d + 1);
            g.emit(Opcode::EndAsyncFor, 0, iter, exc, 0, f.iter.range);
            g.set_depth(d);
            g.body(f.orelse)?;
            g.bind(exit);
            Ok(())
        })
    }

    /// Await the next item of the async iterator below; it is left in (and takes) the
    /// next temporary.
    pub fn async_next(&mut self, iter: Reg, range: Range) -> Reg {
        let d = self.depth();
        let item = self.temp(d);
        let awaitable = self.temp(d + 1);
        self.emit(Opcode::GetANext, 0, awaitable, iter, 0, range);
        self.delegate(d, item, range);
        self.set_depth(d + 1);
        item
    }

    pub fn check_async(&mut self, range: Range, words: &str) -> Result<()> {
        if self.options.top_level_await && self.stack.is_empty() {
            return Ok(());
        }
        match self.u.kind {
            UnitKind::AsyncFunction => Ok(()),
            _ => syntax_error(range, words),
        }
    }

    // ---- leaving -------------------------------------------------------------

    /// First temporary that no `with` being left needs for its exit call.
    pub fn above_with_windows(&self) -> u32 {
        let needed = |b: &Block<'a>| match b.kind {
            BlockKind::With { exit, .. } => exit - TEMP_BASE + 5,
            _ => 0,
        };
        self.u.blocks.iter().map(needed).max().unwrap_or(0)
    }

    pub fn unwinding_runs_code(&self) -> bool {
        self.u.blocks.iter().any(|b| {
            !matches!(
                b.kind,
                BlockKind::Loop { .. }
                    | BlockKind::Marker
                    | BlockKind::Waiting { .. }
                    | BlockKind::Except { name: None, .. }
            )
        })
    }

    /// Leave every block, for `return`; `value` is the temporary to be returned. Gives the
    /// position of what follows.
    pub fn unwind_all(&mut self, range: Range, value: Option<Reg>) -> Result<Range> {
        self.unwind_to(0, range, value)
    }

    /// Leave the blocks from the innermost down to number `keep`. The stack of blocks is
    /// as before afterwards, for the code that follows the jump; the handler in force is
    /// that of the place jumped to, and the caller restores it.
    fn unwind_to(&mut self, keep: usize, mut range: Range, value: Option<Reg>) -> Result<Range> {
        let saved = self.u.blocks.clone();
        let depth = self.depth();
        while self.u.blocks.len() > keep {
            let Some(block) = self.u.blocks.pop() else { break };
            self.u.handler = block.outer;
            self.leave(block.kind, range, value)?;
            self.set_depth(depth);
            // What follows code of other lines is on none of its own.
            if matches!(block.kind, BlockKind::FinallyTry { .. } | BlockKind::With { .. }) {
                range = NO_LOCATION;
            }
        }
        self.u.blocks = saved;
        Ok(range)
    }

    fn leave(&mut self, kind: BlockKind<'a>, range: Range, value: Option<Reg>) -> Result<()> {
        match kind {
            BlockKind::Loop { iter: Some(iter), .. } => {
                self.emit(Opcode::Drop, 0, iter, 0, 0, range);
            }
            BlockKind::Loop { iter: None, .. } | BlockKind::Marker => {}
            BlockKind::FinallyTry { body } => {
                // The body may itself jump away and abandon the value.
                if let Some(value) = value {
                    let outer = self.u.handler;
                    self.push_block(BlockKind::Waiting { value }, outer, range)?;
                }
                self.quiet += 1;
                let r = self.finally_body(body);
                self.quiet -= 1;
                r?;
                if value.is_some() {
                    self.u.blocks.pop();
                }
            }
            BlockKind::Waiting { value } => self.emit(Opcode::Drop, 0, value, 0, 0, range),
            BlockKind::FinallyEnd { prev, exc } => {
                self.emit(Opcode::Drop, 0, exc, 0, 0, range);
                self.emit(Opcode::PopException, 0, prev, 0, 0, range);
            }
            BlockKind::Except { prev, name } => {
                self.emit(Opcode::PopException, 0, prev, 0, 0, range);
                if let Some(name) = name {
                    self.forget(name);
                }
            }
            BlockKind::ExceptStar => {
                return syntax_error(
                    range,
                    "'break', 'continue' and 'return' cannot appear in an except* block",
                );
            }
            BlockKind::With { exit, range, is_async } => {
                self.with_exit_normally(exit, range, is_async)?;
            }
        }
        Ok(())
    }

    /// `name = None; del name`, after an `except … as name`.
    pub fn forget(&mut self, name: &'a str) {
        if let Some(local) = self.local_of(name) {
            self.emit(Opcode::ClearLocal, 0, local, 0, 0, NO_LOCATION);
            return;
        }
        let none = self.none();
        self.store_name(name, none, NO_LOCATION);
        self.delete_name(name, NO_LOCATION);
    }

    /// Number of blocks outside the innermost loop; its exit and start.
    fn innermost_loop(&self) -> Option<(usize, Label, Label)> {
        self.u.blocks.iter().enumerate().rev().find_map(|(i, b)| match b.kind {
            BlockKind::Loop { exit, start, .. } => Some((i, exit, start)),
            _ => None,
        })
    }

    pub fn break_(&mut self, s: StmtRef<'a>) -> Result<()> {
        if self.in_finally.last() == Some(&true) {
            self.warn(s.range, "'break' in a 'finally' block".into());
        }
        self.emit(Opcode::Nop, 0, 0, 0, 0, s.range);
        self.check_star_blocks(s.range)?;
        let Some((i, exit, _)) = self.innermost_loop() else {
            return syntax_error(s.range, "'break' outside loop");
        };
        let handler = self.u.handler;
        let range = self.unwind_to(i, s.range, None)?;
        self.jump(Opcode::Jump, exit, range);
        self.u.handler = handler;
        Ok(())
    }

    pub fn continue_(&mut self, s: StmtRef<'a>) -> Result<()> {
        if self.in_finally.last() == Some(&true) {
            self.warn(s.range, "'continue' in a 'finally' block".into());
        }
        self.emit(Opcode::Nop, 0, 0, 0, 0, s.range);
        self.check_star_blocks(s.range)?;
        let Some((i, _, start)) = self.innermost_loop() else {
            return syntax_error(s.range, "'continue' not properly in loop");
        };
        let handler = self.u.handler;
        let op = match self.u.blocks[i].kind {
            // The bottom of a `for` polls for itself.
            BlockKind::Loop { iter: Some(_), .. } if self.u.labels[start.0 as usize] == u32::MAX => {
                Opcode::Jump
            }
            _ => Opcode::JumpBack,
        };
        let range = self.unwind_to(i + 1, s.range, None)?;
        self.jump(op, start, range);
        self.u.handler = handler;
        Ok(())
    }

    /// Leaving an `except*` block is an error even if there is no loop to leave for.
    fn check_star_blocks(&mut self, range: Range) -> Result<()> {
        for b in self.u.blocks.iter().rev() {
            match b.kind {
                BlockKind::Loop { .. } => break,
                BlockKind::ExceptStar => {
                    return syntax_error(
                        range,
                        "'break', 'continue' and 'return' cannot appear in an except* block",
                    );
                }
                _ => {}
            }
        }
        Ok(())
    }
}
