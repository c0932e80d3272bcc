//! Comparisons and jumping code for conditions.

use super::expressions::{fold_all, unique};
use super::*;
use crate::constants::{fold, truth};

fn compare_opcode(op: CmpOp) -> Opcode {
    match op {
        CmpOp::Eq => Opcode::Eq,
        CmpOp::NotEq => Opcode::Ne,
        CmpOp::Lt => Opcode::Lt,
        CmpOp::LtE => Opcode::Le,
        CmpOp::Gt => Opcode::Gt,
        CmpOp::GtE => Opcode::Ge,
        CmpOp::Is => Opcode::Is,
        CmpOp::IsNot => Opcode::IsNot,
        CmpOp::In => Opcode::In,
        CmpOp::NotIn => Opcode::NotIn,
    }
}

impl<'a, 'e> Codegen<'a, 'e> {
    /// The right side of a comparison; `in {1, 2}` becomes a constant.
    fn comparator(&mut self, op: CmpOp, e: ExprRef<'a>) -> Result<Val> {
        if matches!(op, CmpOp::In | CmpOp::NotIn) {
            match &e.kind {
                ExprKind::Set { elts } => {
                    if let Some(items) = fold_all(elts) {
                        return Ok(self.const_val(Constant::FrozenSet(unique(items).into())));
                    }
                }
                ExprKind::List { elts, .. } => {
                    if let Some(items) = fold_all(elts) {
                        return Ok(self.const_val(Constant::Tuple(items.into())));
                    }
                }
                _ => {}
            }
        }
        self.value(e)
    }

    pub fn compare(
        &mut self,
        e: ExprRef<'a>,
        left: ExprRef<'a>,
        ops: &'a [CmpOp],
        comparators: Exprs<'a>,
        dst: Reg,
    ) -> Result<()> {
        self.check_compare(e, left, ops, comparators);
        let d = self.depth();
        let (Some((&last_op, first_ops)), Some(last)) = (ops.split_last(), comparators.last()) else {
            return Ok(());
        };
        if first_ops.is_empty() {
            let l = self.value(left)?;
            let l = self.protect(l, &[last], left.range);
            let r = self.comparator(last_op, last)?;
            self.set_depth(d);
            self.emit_bc(compare_opcode(last_op), 0, dst, l, r, e.range);
            return Ok(());
        }
        let result = self.take();
        let end = self.label();
        let mut cleanups: Vec<(Label, Val)> = Vec::new();
        let mut l = self.value(left)?;
        for (i, &op) in first_ops.iter().enumerate() {
            l = self.protect(l, &comparators[i..], left.range);
            let r = self.comparator(op, comparators[i])?;
            let r = self.protect(r, &comparators[i + 1..], comparators[i].range);
            self.emit_bc(compare_opcode(op), 0, result, l, r.borrowed(), e.range);
            let failed = match r {
                Val::Temp(_) => {
                    let label = self.label();
                    cleanups.push((label, r));
                    label
                }
                _ => end,
            };
            self.emit(Opcode::JumpIfFalse, 0, result, failed.0, 0, e.range);
            self.emit(Opcode::Drop, 0, result, 0, 0, e.range);
            l = r;
        }
        let r = self.comparator(last_op, last)?;
        self.emit_bc(compare_opcode(last_op), 0, result, l, r, e.range);
        for (label, v) in cleanups {
            self.jump(Opcode::Jump, end, NO_LOCATION);
            self.bind(label);
            self.drop_val(v, e.range);
        }
        self.bind(end);
        self.set_depth(d);
        self.move_to(dst, Val::Temp(result), e.range);
        Ok(())
    }

    /// Jump to `label` if the truth of `e` is `when`; else go on.
    pub fn jump_if(&mut self, e: ExprRef<'a>, label: Label, when: bool) -> Result<()> {
        self.nest()?;
        let d = self.depth();
        self.jump_if_kind(e, label, when)?;
        self.set_depth(d);
        self.nesting -= 1;
        Ok(())
    }

    fn jump_if_kind(&mut self, e: ExprRef<'a>, label: Label, when: bool) -> Result<()> {
        let d = self.depth();
        let op = if when { Opcode::JumpIfTrue } else { Opcode::JumpIfFalse };
        match &e.kind {
            ExprKind::UnaryOp { op: UnaryOp::Not, operand } => {
                return self.jump_if(operand, label, !when);
            }
            ExprKind::BoolOp { op, values } => {
                let Some((last, rest)) = values.split_last() else { return Ok(()) };
                let stops_when = *op == BoolOp::Or;
                let skip = self.label();
                let target = if stops_when == when { label } else { skip };
                for v in rest {
                    self.jump_if(v, target, stops_when)?;
                }
                self.jump_if(last, label, when)?;
                self.bind(skip);
                return Ok(());
            }
            ExprKind::IfExp { test, body, orelse } => {
                let (otherwise, end) = (self.label(), self.label());
                self.jump_if(test, otherwise, false)?;
                self.jump_if(body, label, when)?;
                self.jump(Opcode::Jump, end, NO_LOCATION);
                self.bind(otherwise);
                self.jump_if(orelse, label, when)?;
                self.bind(end);
                return Ok(());
            }
            ExprKind::Compare { left, ops, comparators } => {
                self.check_compare(e, left, ops, comparators);
                if let ([op], [right]) = (*ops, *comparators) {
                    return self.jump_compare(e, left, *op, right, label, when);
                }
                return self.jump_chain(e, left, ops, comparators, label, when);
            }
            ExprKind::Name { id: "__debug__", .. } => {
                if (self.options.optimize == 0) == when {
                    self.jump(Opcode::Jump, label, e.range);
                } else {
                    self.emit(Opcode::Nop, 0, 0, 0, 0, e.range);
                }
                return Ok(());
            }
            _ => {}
        }
        if let Some(c) = fold(e) {
            if truth(&c) == when {
                self.jump(Opcode::Jump, label, e.range);
            } else {
                self.emit(Opcode::Nop, 0, 0, 0, 0, e.range);
            }
            return Ok(());
        }
        let v = self.value(e)?;
        self.set_depth(d);
        self.jump_on(op, v, label, e.range);
        Ok(())
    }

    fn jump_compare(
        &mut self,
        e: ExprRef<'a>,
        left: ExprRef<'a>,
        op: CmpOp,
        right: ExprRef<'a>,
        label: Label,
        when: bool,
    ) -> Result<()> {
        let d = self.depth();
        let is_none = |e: ExprRef<'a>| {
            matches!(e.kind, ExprKind::Constant { value: taipan_syntax::ast::Constant::None })
        };
        if matches!(op, CmpOp::Is | CmpOp::IsNot) && is_none(right) {
            let v = self.value_in_register(left)?;
            self.set_depth(d);
            let op = if (op == CmpOp::Is) == when { Opcode::JumpIfNone } else { Opcode::JumpIfNotNone };
            self.jump_on(op, v, label, e.range);
            return Ok(());
        }
        let l = self.value(left)?;
        let l = self.protect(l, &[right], left.range);
        let r = self.comparator(op, right)?;
        self.set_depth(d);
        let t = self.top();
        self.emit_bc(compare_opcode(op), FUSED, t, l, r, e.range);
        self.jump_result(t, label, when, e.range);
        Ok(())
    }

    /// The jump that follows a fused comparison.
    pub fn jump_result(&mut self, t: Reg, label: Label, when: bool, range: Range) {
        let op = if when { Opcode::JumpIfTrue } else { Opcode::JumpIfFalse };
        self.emit(op, A_TEMP, t, label.0, 0, range);
    }

    fn jump_chain(
        &mut self,
        e: ExprRef<'a>,
        left: ExprRef<'a>,
        ops: &'a [CmpOp],
        comparators: Exprs<'a>,
        label: Label,
        when: bool,
    ) -> Result<()> {
        let end = self.label();
        let on_false = if when { end } else { label };
        let mut cleanups: Vec<(Label, Val)> = Vec::new();
        let mut l = self.value(left)?;
        let n = ops.len() - 1;
        for i in 0..n {
            l = self.protect(l, &comparators[i..], left.range);
            let r = self.comparator(ops[i], comparators[i])?;
            let r = self.protect(r, &comparators[i + 1..], comparators[i].range);
            let t = self.top();
            self.emit_bc(compare_opcode(ops[i]), FUSED, t, l, r.borrowed(), e.range);
            let failed = match r {
                Val::Temp(_) => {
                    let label = self.label();
                    cleanups.push((label, r));
                    label
                }
                _ => on_false,
            };
            self.jump_result(t, failed, false, e.range);
            l = r;
        }
        let r = self.comparator(ops[n], comparators[n])?;
        let t = self.top();
        self.emit_bc(compare_opcode(ops[n]), FUSED, t, l, r, e.range);
        self.jump_result(t, label, when, e.range);
        let any = !cleanups.is_empty();
        if any {
            self.jump(Opcode::Jump, end, NO_LOCATION);
        }
        for (cleanup, v) in cleanups {
            self.bind(cleanup);
            self.drop_val(v, e.range);
            self.jump(Opcode::Jump, on_false, NO_LOCATION);
        }
        self.bind(end);
        Ok(())
    }
}
