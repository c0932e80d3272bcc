//! Expressions. [`Codegen::value`] gives an operand (a local is only borrowed, a
//! constant is not loaded); [`Codegen::into`] leaves the result in a given register,
//! which is either a local or the next free temporary.

use super::*;
use crate::constants::{fold, fold_binary, fold_unary};

/// More elements than this are added to a display one by one, not from registers.
pub(super) const MANY: usize = 30;

pub(super) fn binary_opcode(op: Operator, inplace: bool) -> Opcode {
    let plain = match op {
        Operator::Add => Opcode::Add,
        Operator::Sub => Opcode::Sub,
        Operator::Mult => Opcode::Mul,
        Operator::MatMult => Opcode::MatMul,
        Operator::Div => Opcode::TrueDiv,
        Operator::FloorDiv => Opcode::FloorDiv,
        Operator::Mod => Opcode::Mod,
        Operator::Pow => Opcode::Pow,
        Operator::LShift => Opcode::LShift,
        Operator::RShift => Opcode::RShift,
        Operator::BitAnd => Opcode::And,
        Operator::BitOr => Opcode::Or,
        Operator::BitXor => Opcode::Xor,
    };
    if !inplace {
        return plain;
    }
    let distance = Opcode::InplaceAdd as u8 - Opcode::Add as u8;
    Opcode::from_byte(plain as u8 + distance).unwrap_or(plain)
}

/// Whether evaluating `e` could rebind a local (a walrus somewhere inside).
fn has_walrus(e: &Expr<'_>, depth: u32) -> bool {
    if depth > 50 {
        return true;
    }
    let go = |e: &&Expr<'_>| has_walrus(e, depth + 1);
    match &e.kind {
        ExprKind::Name { .. } | ExprKind::Constant { .. } | ExprKind::Lambda { .. } => false,
        ExprKind::Attribute { value, .. }
        | ExprKind::Starred { value, .. }
        | ExprKind::Await { value }
        | ExprKind::YieldFrom { value } => go(value),
        ExprKind::UnaryOp { operand, .. } => go(operand),
        ExprKind::BinOp { left, right, .. } => go(left) || go(right),
        ExprKind::Subscript { value, slice, .. } => go(value) || go(slice),
        ExprKind::Call { func, args, keywords } => {
            go(func) || args.iter().any(&go) || keywords.iter().any(|k| go(&k.value))
        }
        ExprKind::Compare { left, comparators, .. } => go(left) || comparators.iter().any(&go),
        ExprKind::Tuple { elts, .. } | ExprKind::List { elts, .. } => elts.iter().any(go),
        _ => true,
    }
}

impl<'a, 'e> Codegen<'a, 'e> {
    /// Copy a borrowed local if one of the expressions evaluated later may rebind it.
    pub fn protect(&mut self, v: Val, later: &[ExprRef<'a>], range: Range) -> Val {
        match v {
            Val::Borrow(r)
                if self.walrus_possible() && r < TEMP_BASE && later.iter().any(|e| has_walrus(e, 0)) =>
            {
                Val::Temp(self.push_val(v, range))
            }
            v => v,
        }
    }

    fn walrus_possible(&self) -> bool {
        self.scope().has_walrus || self.u.comps.iter().any(|c| self.table.scope(c.scope).has_walrus)
    }

    /// Evaluate into the next free temporary and take it.
    pub fn push(&mut self, e: ExprRef<'a>) -> Result<Reg> {
        let d = self.depth();
        let t = self.top();
        self.into(e, t)?;
        self.set_depth(d + 1);
        Ok(t)
    }

    /// Evaluate to an operand.
    pub fn value(&mut self, e: ExprRef<'a>) -> Result<Val> {
        match &e.kind {
            ExprKind::Name { id, .. } => {
                if *id == "__debug__" {
                    return Ok(self.debug_constant());
                }
                self.load_name(id, e.range)
            }
            ExprKind::Constant { value } => {
                let v = self.literal(value);
                Ok(self.limit_const(v, e.range))
            }
            ExprKind::NamedExpr { target, value } => self.named_expr(target, value),
            ExprKind::BinOp { .. } => self.bin_op(e, None),
            ExprKind::UnaryOp { .. } | ExprKind::Tuple { .. } => match fold(e) {
                Some(c) => {
                    let v = self.const_val(c);
                    Ok(self.limit_const(v, e.range))
                }
                None => Ok(Val::Temp(self.push(e)?)),
            },
            _ => Ok(Val::Temp(self.push(e)?)),
        }
    }

    pub fn debug_constant(&mut self) -> Val {
        let c = if self.options.optimize == 0 { Constant::True } else { Constant::False };
        self.const_val(c)
    }

    /// Constants beyond what an operand can name are loaded.
    fn limit_const(&mut self, v: Val, range: Range) -> Val {
        match v {
            Val::Const(i) if i > 0xf000 => Val::Temp(self.push_val(v, range)),
            v => v,
        }
    }

    pub fn value_in_register(&mut self, e: ExprRef<'a>) -> Result<Val> {
        let v = self.value(e)?;
        Ok(self.in_register(v, e.range))
    }

    /// Evaluate into `dst`; the stack of temporaries is as before afterwards.
    pub fn into(&mut self, e: ExprRef<'a>, dst: Reg) -> Result<()> {
        self.nest()?;
        let d = self.depth();
        self.evaluate_into(e, dst)?;
        self.set_depth(d);
        self.nesting -= 1;
        Ok(())
    }

    fn evaluate_into(&mut self, e: ExprRef<'a>, dst: Reg) -> Result<()> {
        let range = e.range;
        match &e.kind {
            ExprKind::Name { id, .. } => {
                if *id == "__debug__" {
                    let v = self.debug_constant();
                    self.move_to(dst, v, range);
                    return Ok(());
                }
                self.load_name_into(id, dst, range)
            }
            ExprKind::Constant { value } => {
                let v = self.literal(value);
                self.move_to(dst, v, range);
                Ok(())
            }
            ExprKind::BinOp { .. } => {
                let v = self.bin_op(e, Some(dst))?;
                self.move_to(dst, v, range);
                Ok(())
            }
            ExprKind::UnaryOp { op, operand } => self.unary_op(e, *op, operand, dst),
            ExprKind::Attribute { value, attr, .. } => self.attribute(e, value, attr, dst),
            ExprKind::Call { func, args, keywords } => self.call(e, func, args, keywords, dst),
            ExprKind::Subscript { value, slice, .. } => self.subscript(e, value, slice, dst),
            ExprKind::Compare { left, ops, comparators } => self.compare(e, left, ops, comparators, dst),
            ExprKind::BoolOp { op, values } => self.bool_op(*op, values, dst),
            ExprKind::IfExp { test, body, orelse } => self.if_exp(test, body, orelse, dst),
            ExprKind::NamedExpr { target, value } => {
                let v = self.named_expr(target, value)?;
                self.move_to(dst, v, range);
                Ok(())
            }
            ExprKind::Tuple { elts, .. } => match fold(e) {
                Some(c) => {
                    let v = self.const_val(c);
                    self.move_to(dst, v, range);
                    Ok(())
                }
                None => self.tuple(elts, dst, range),
            },
            ExprKind::List { elts, .. } => self.list(elts, dst, range),
            ExprKind::Set { elts } => self.set(elts, dst, range),
            ExprKind::Dict { keys, values } => self.dict(keys, values, dst, range),
            ExprKind::ListComp { .. } | ExprKind::SetComp { .. } | ExprKind::DictComp { .. } => {
                self.comprehension(e, dst)
            }
            ExprKind::GeneratorExp { .. } => self.generator_expression(e, dst),
            ExprKind::Lambda { args, body } => self.lambda(e, args, body, dst),
            ExprKind::Await { value } => self.await_(e, value, dst),
            ExprKind::Yield { value } => self.yield_(e, *value, dst),
            ExprKind::YieldFrom { value } => self.yield_from(e, value, dst),
            ExprKind::JoinedStr { values } => self.joined_str(values, dst, range),
            ExprKind::FormattedValue { .. } => self.formatted_value(e, dst),
            ExprKind::TemplateStr { values } => self.template(values, dst, range),
            ExprKind::Interpolation { .. } => self.interpolation_alone(e, dst),
            ExprKind::Slice { lower, upper, step } => self.slice(e, *lower, *upper, *step, dst),
            ExprKind::Starred { ctx: ExprContext::Store, .. } => {
                crate::error::syntax_error(range, "starred assignment target must be in a list or tuple")
            }
            ExprKind::Starred { .. } => {
                crate::error::syntax_error(range, "can't use starred expression here")
            }
        }
    }

    // ---- operators ---------------------------------------------------------

    /// A chain of binary operators leaning to the left, without recursion.
    /// With `dst` the last result goes there, else to the next temporary.
    fn bin_op(&mut self, e: ExprRef<'a>, dst: Option<Reg>) -> Result<Val> {
        let d = self.depth();
        let mut chain: Vec<ExprRef<'a>> = Vec::new();
        let mut leftmost = e;
        while let ExprKind::BinOp { left, .. } = &leftmost.kind {
            chain.push(leftmost);
            leftmost = left;
        }
        let mut acc = self.value(leftmost)?;
        while let Some(node) = chain.pop() {
            let ExprKind::BinOp { op, right, .. } = &node.kind else { continue };
            acc = self.protect(acc, &[right], leftmost.range);
            let r = self.value(right)?;
            if let (Val::Const(a), Val::Const(b)) = (acc, r) {
                let pool = &self.u.consts.list;
                if let Some(c) = fold_binary(*op, &pool[a as usize], &pool[b as usize]) {
                    acc = self.const_val(c);
                    self.set_depth(d);
                    continue;
                }
            }
            self.set_depth(d);
            let target = match dst {
                Some(dst) if chain.is_empty() => dst,
                _ => self.take(),
            };
            self.emit_bc(binary_opcode(*op, false), 0, target, acc, r, node.range);
            acc = match dst {
                Some(dst) if chain.is_empty() => Val::Borrow(dst),
                _ => Val::Temp(target),
            };
        }
        if let Val::Const(_) = acc {
            self.set_depth(d);
            acc = self.limit_const(acc, e.range);
        }
        Ok(acc)
    }

    fn unary_op(&mut self, e: ExprRef<'a>, op: UnaryOp, operand: ExprRef<'a>, dst: Reg) -> Result<()> {
        let d = self.depth();
        let v = self.value(operand)?;
        if let Val::Const(i) = v
            && let Some(c) = fold_unary(op, &self.u.consts.list[i as usize])
        {
            let v = self.const_val(c);
            self.move_to(dst, v, e.range);
            return Ok(());
        }
        self.set_depth(d);
        let opcode = match op {
            UnaryOp::Not => Opcode::Not,
            UnaryOp::USub => Opcode::Negative,
            UnaryOp::UAdd => Opcode::Positive,
            UnaryOp::Invert => Opcode::Invert,
        };
        self.emit_b(opcode, 0, dst, v, 0, e.range);
        Ok(())
    }

    fn named_expr(&mut self, target: ExprRef<'a>, value: ExprRef<'a>) -> Result<Val> {
        let ExprKind::Name { id, .. } = target.kind else {
            return crate::error::syntax_error(target.range, "cannot use assignment expressions here");
        };
        if let Some(local) = self.local_later(id) {
            self.into(value, local)?;
            self.note(local);
            return Ok(Val::Borrow(local));
        }
        let v = self.value(value)?;
        let v = match v {
            // Another name's value: a later rebinding must not show through.
            Val::Borrow(_) => Val::Temp(self.push_val(v, value.range)),
            v => v,
        };
        self.store_name(id, v.borrowed(), target.range);
        Ok(v)
    }

    fn if_exp(&mut self, test: ExprRef<'a>, body: ExprRef<'a>, orelse: ExprRef<'a>, dst: Reg) -> Result<()> {
        let (otherwise, end) = (self.label(), self.label());
        self.jump_if(test, otherwise, false)?;
        self.into(body, dst)?;
        self.jump(Opcode::Jump, end, NO_LOCATION);
        self.bind(otherwise);
        self.into(orelse, dst)?;
        self.bind(end);
        Ok(())
    }

    fn bool_op(&mut self, op: BoolOp, values: Exprs<'a>, dst: Reg) -> Result<()> {
        let Some((last, rest)) = values.split_last() else { return Ok(()) };
        // The result is built in a temporary unless only `dst` itself is written last.
        let d = self.depth();
        let simple = dst >= TEMP_BASE;
        let t = if simple { dst } else { self.top() };
        let end = self.label();
        for e in rest {
            self.bool_test(e, t, op == BoolOp::Or, end)?;
        }
        self.into(last, t)?;
        self.bind(end);
        self.set_depth(d);
        if t != dst {
            self.emit(Opcode::Move, B_TEMP, dst, t, 0, last.range);
        }
        Ok(())
    }

    /// If the truth of `e` is `stops`, its value is in `t` and control at `label`; else `t` is empty
    /// and control goes on. Nobody is asked twice.
    fn bool_test(&mut self, e: ExprRef<'a>, t: Reg, stops: bool, label: Label) -> Result<()> {
        if let Some(c) = fold(e) {
            if crate::constants::truth(&c) == stops {
                self.into(e, t)?;
                self.jump(Opcode::Jump, label, e.range);
            }
            return Ok(());
        }
        let (stop, go_on) = match stops {
            false => (Opcode::JumpIfFalse, Opcode::JumpIfTrue),
            true => (Opcode::JumpIfTrue, Opcode::JumpIfFalse),
        };
        match &e.kind {
            ExprKind::Name { id, .. } if let Some(local) = self.local_of(id) => {
                let next = self.label();
                self.emit(go_on, 0, local, next.0, 0, e.range);
                self.emit(Opcode::Move, 0, t, local, 0, e.range);
                self.jump(Opcode::Jump, label, e.range);
                self.bind(next);
            }
            ExprKind::BoolOp { op, values } if (*op == BoolOp::Or) == stops => {
                self.nest()?;
                for v in *values {
                    self.bool_test(v, t, stops, label)?;
                }
                self.nesting -= 1;
            }
            ExprKind::BoolOp { values, .. } => {
                let Some((last, rest)) = values.split_last() else { return Ok(()) };
                self.nest()?;
                let (full, empty) = (self.label(), self.label());
                for v in rest {
                    self.bool_test(v, t, !stops, full)?;
                }
                self.bool_test(last, t, stops, label)?;
                self.jump(Opcode::Jump, empty, NO_LOCATION);
                self.bind(full);
                self.emit(Opcode::Drop, 0, t, 0, 0, e.range);
                self.bind(empty);
                self.nesting -= 1;
            }
            _ => {
                self.into(e, t)?;
                self.emit(stop, 0, t, label.0, 0, e.range);
                self.emit(Opcode::Drop, 0, t, 0, 0, e.range);
            }
        }
        Ok(())
    }

    // ---- attributes, items --------------------------------------------------------

    fn attribute(&mut self, e: ExprRef<'a>, value: ExprRef<'a>, attr: &'a str, dst: Reg) -> Result<()> {
        if self.super_attribute(value, attr, dst, false, e.range)? {
            return Ok(());
        }
        let d = self.depth();
        let v = self.value(value)?;
        self.set_depth(d);
        let range = self.attribute_range(e, attr);
        let cache = self.attr_cache(attr);
        self.emit_b(Opcode::LoadAttr, 0, dst, v, cache, range);
        Ok(())
    }

    /// CPython narrows positions of attributes that are not on the first line to the name.
    pub fn attribute_range(&mut self, e: ExprRef<'a>, attr: &str) -> Range {
        self.attribute_start(e.range, e, attr)
    }

    /// `range` starting at the attribute name of `e` if that is on a later line.
    pub fn attribute_start(&mut self, range: Range, e: ExprRef<'a>, attr: &str) -> Range {
        let name_start = e.range.end.saturating_sub(attr.len() as u32);
        if e.range.len() > attr.len() as u32 + 1
            && self.line(range) != self.line(Range::new(name_start, e.range.end))
        {
            return Range::new(name_start, range.end);
        }
        range
    }

    fn subscript(&mut self, e: ExprRef<'a>, value: ExprRef<'a>, slice: ExprRef<'a>, dst: Reg) -> Result<()> {
        self.check_subscripter(value);
        self.check_index(value, slice);
        let d = self.depth();
        if let Some(c) = fold_item(value, slice) {
            let v = self.const_val(c);
            self.move_to(dst, v, e.range);
            return Ok(());
        }
        let v = self.value(value)?;
        let v = self.protect(v, &[slice], value.range);
        if let ExprKind::Slice { lower, upper, step: None } = slice.kind {
            if let Some(c) = self.constant_slice(slice) {
                self.set_depth(d);
                self.emit_bc(Opcode::GetItem, 0, dst, v, c, e.range);
                return Ok(());
            }
            let start = self.slice_bounds(lower, upper, slice.range)?;
            self.set_depth(d);
            let (f, b) = flags_b(v);
            self.emit(Opcode::GetSlice, f, dst, b, start, e.range);
            return Ok(());
        }
        let i = self.value(slice)?;
        self.set_depth(d);
        self.emit_bc(Opcode::GetItem, 0, dst, v, i, e.range);
        Ok(())
    }

    /// Both bounds of a simple slice into two temporaries.
    pub fn slice_bounds(
        &mut self,
        lower: Option<ExprRef<'a>>,
        upper: Option<ExprRef<'a>>,
        range: Range,
    ) -> Result<Reg> {
        let start = self.top();
        for bound in [lower, upper] {
            match bound {
                Some(e) => {
                    self.push(e)?;
                }
                None => {
                    let none = self.none();
                    self.push_val(none, range);
                }
            }
        }
        Ok(start)
    }

    /// A slice of constants as a constant.
    pub fn constant_slice(&mut self, e: ExprRef<'a>) -> Option<Val> {
        let ExprKind::Slice { lower, upper, step } = e.kind else { return None };
        let part = |e: Option<ExprRef<'a>>| match e {
            None => Some(Constant::None),
            Some(e) => fold(e).filter(|c| !matches!(c, Constant::Tuple(_))),
        };
        let parts = [part(lower)?, part(upper)?, part(step)?];
        let v = self.const_val(Constant::Slice(Box::new(parts)));
        Some(self.limit_const(v, e.range))
    }

    fn slice(
        &mut self,
        e: ExprRef<'a>,
        lower: Option<ExprRef<'a>>,
        upper: Option<ExprRef<'a>>,
        step: Option<ExprRef<'a>>,
        dst: Reg,
    ) -> Result<()> {
        let d = self.depth();
        if let Some(c) = self.constant_slice(e) {
            self.move_to(dst, c, e.range);
            return Ok(());
        }
        let start = self.slice_bounds(lower, upper, e.range)?;
        if let Some(step) = step {
            self.push(step)?;
        }
        self.set_depth(d);
        self.emit(Opcode::BuildSlice, 0, dst, start, if step.is_some() { 3 } else { 2 }, e.range);
        Ok(())
    }

    // ---- displays ----------------------------------------------------------------------

    fn has_star(elts: Exprs<'a>) -> bool {
        elts.iter().any(|e| matches!(e.kind, ExprKind::Starred { .. }))
    }

    fn tuple(&mut self, elts: Exprs<'a>, dst: Reg, range: Range) -> Result<()> {
        let d = self.depth();
        if Self::has_star(elts) || elts.len() > MANY {
            let list = self.take();
            self.list_elements(elts, list, range)?;
            self.set_depth(d);
            self.emit(Opcode::ListToTuple, B_TEMP, dst, list, 0, range);
            return Ok(());
        }
        let start = self.top();
        for e in elts {
            self.push(e)?;
        }
        self.set_depth(d);
        self.emit(Opcode::BuildTuple, 0, dst, start, elts.len() as u32, range);
        Ok(())
    }

    fn list(&mut self, elts: Exprs<'a>, dst: Reg, range: Range) -> Result<()> {
        let d = self.depth();
        let constant = elts.len() >= 3 && fold_all(elts).is_some();
        if constant || Self::has_star(elts) || elts.len() > MANY {
            let list = self.scratch(dst);
            self.set_depth(d + 1);
            self.list_elements(elts, list, range)?;
            self.set_depth(d);
            if list != dst {
                self.emit(Opcode::Move, B_TEMP, dst, list, 0, range);
            }
            return Ok(());
        }
        let start = self.top();
        for e in elts {
            self.push(e)?;
        }
        self.set_depth(d);
        self.emit(Opcode::BuildList, 0, dst, start, elts.len() as u32, range);
        Ok(())
    }

    /// Build a list element by element in temporary `list` (already taken).
    pub fn list_elements(&mut self, elts: Exprs<'a>, list: Reg, range: Range) -> Result<()> {
        let base = list - TEMP_BASE;
        let d = base + 1;
        if elts.len() >= 3
            && let Some(items) = fold_all(elts)
        {
            self.emit(Opcode::BuildList, 0, list, list, 0, range);
            let all = self.constant(Constant::Tuple(items.into()));
            let (f, b) = match all {
                i if i <= 0xf000 => (B_CONST, i),
                i => {
                    let t = self.push_val(Val::Const(i), range);
                    (B_TEMP, t)
                }
            };
            self.set_depth(d);
            self.emit(Opcode::ListExtend, f, list, b, 0, range);
            return Ok(());
        }
        // As CPython: what stands before the first star comes from registers.
        let stars = elts.iter().position(|e| matches!(e.kind, ExprKind::Starred { .. }));
        let lead = match stars {
            Some(n) if n <= MANY => n,
            _ => 0,
        };
        self.set_depth(base);
        for e in &elts[..lead] {
            self.push(e)?;
        }
        self.set_depth(d);
        self.emit(Opcode::BuildList, 0, list, list, lead as u32, range);
        for e in &elts[lead..] {
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

    fn set(&mut self, elts: Exprs<'a>, dst: Reg, range: Range) -> Result<()> {
        let d = self.depth();
        let constant = if elts.len() >= 3 { fold_all(elts) } else { None };
        if constant.is_none() && !Self::has_star(elts) && elts.len() <= MANY {
            let start = self.top();
            for e in elts {
                self.push(e)?;
            }
            self.set_depth(d);
            self.emit(Opcode::BuildSet, 0, dst, start, elts.len() as u32, range);
            return Ok(());
        }
        let set = self.scratch(dst);
        self.temp(d);
        if let Some(items) = constant {
            self.set_depth(d + 1);
            self.emit(Opcode::BuildSet, 0, set, set, 0, range);
            let all = self.const_val(Constant::FrozenSet(unique(items).into()));
            let all = self.limit_const(all, range);
            self.emit_b(Opcode::SetUpdate, 0, set, all, 0, range);
        } else {
            let lead = match elts.iter().position(|e| matches!(e.kind, ExprKind::Starred { .. })) {
                Some(n) if n <= MANY => n,
                _ => 0,
            };
            for e in &elts[..lead] {
                self.push(e)?;
            }
            self.set_depth(d + 1);
            self.emit(Opcode::BuildSet, 0, set, set, lead as u32, range);
            for e in &elts[lead..] {
                let (op, inner) = match e.kind {
                    ExprKind::Starred { value, .. } => (Opcode::SetUpdate, value),
                    _ => (Opcode::SetAdd, *e),
                };
                let v = self.value(inner)?;
                self.set_depth(d + 1);
                self.emit_b(op, 0, set, v, 0, range);
            }
        }
        self.set_depth(d);
        if set != dst {
            self.emit(Opcode::Move, B_TEMP, dst, set, 0, range);
        }
        Ok(())
    }

    fn dict(
        &mut self,
        keys: &'a [Option<ExprRef<'a>>],
        values: Exprs<'a>,
        dst: Reg,
        range: Range,
    ) -> Result<()> {
        let d = self.depth();
        // CPython builds from at most this many pairs at once.
        const PAIRS: usize = 17;
        if keys.len() <= PAIRS && keys.iter().all(Option::is_some) {
            let start = self.top();
            for (k, v) in keys.iter().zip(values) {
                if let Some(k) = k {
                    self.push(k)?;
                    self.push(v)?;
                }
            }
            self.set_depth(d);
            self.emit(Opcode::BuildMap, 0, dst, start, keys.len() as u32, range);
            return Ok(());
        }
        let dict = self.scratch(dst);
        self.temp(d);
        self.set_depth(d + 1);
        self.emit(Opcode::BuildMap, 0, dict, dict, 0, range);
        for (k, value) in keys.iter().zip(values) {
            match k {
                Some(k) => {
                    let kv = self.value(k)?;
                    let kv = self.protect(kv, &[value], k.range);
                    let v = self.value(value)?;
                    self.emit_bc(Opcode::MapAdd, 0, dict, kv, v, range);
                }
                None => {
                    let v = self.value(value)?;
                    self.emit_b(Opcode::DictUpdate, 0, dict, v, 0, range);
                }
            }
            self.set_depth(d + 1);
        }
        self.set_depth(d);
        if dict != dst {
            self.emit(Opcode::Move, B_TEMP, dst, dict, 0, range);
        }
        Ok(())
    }

    // ---- suspension ----------------------------------------------------------------------

    fn yield_(&mut self, e: ExprRef<'a>, value: Option<ExprRef<'a>>, dst: Reg) -> Result<()> {
        self.check_yield(e.range, "'yield' outside function")?;
        let d = self.depth();
        let v = match value {
            Some(value) => self.value(value)?,
            None => self.none(),
        };
        self.set_depth(d);
        self.emit_yield(dst, v, e.range);
        Ok(())
    }

    /// Yield an operand; async generators wrap it first.
    pub fn emit_yield(&mut self, dst: Reg, v: Val, range: Range) {
        let scope = self.scope();
        let v = if scope.coroutine && scope.generator {
            let t = self.top();
            self.emit_b(Opcode::Intrinsic1, 0, t, v, 3, range);
            Val::Temp(t)
        } else {
            v
        };
        self.emit_b(Opcode::Yield, 0, dst, v, 0, range);
    }

    fn yield_from(&mut self, e: ExprRef<'a>, value: ExprRef<'a>, dst: Reg) -> Result<()> {
        self.check_yield(e.range, "'yield from' outside function")?;
        if self.u.kind == UnitKind::AsyncFunction {
            return crate::error::syntax_error(e.range, "'yield from' inside async function");
        }
        let d = self.depth();
        let v = self.value(value)?;
        let iterator = self.temp(d + 1);
        self.emit_b(Opcode::GetYieldFromIter, 0, iterator, v, 0, e.range);
        self.delegate(d, dst, e.range);
        Ok(())
    }

    fn await_(&mut self, e: ExprRef<'a>, value: ExprRef<'a>, dst: Reg) -> Result<()> {
        self.check_await(e.range)?;
        let d = self.depth();
        let v = self.value(value)?;
        let iterator = self.temp(d + 1);
        self.emit_b(Opcode::GetAwaitable, 0, iterator, v, 0, e.range);
        self.delegate(d, dst, e.range);
        Ok(())
    }

    /// `YieldFrom` the iterator in temporary `d + 1`; the result goes to `dst`.
    pub fn delegate(&mut self, d: u32, dst: Reg, range: Range) {
        let (sent, iterator) = (self.temp(d), self.temp(d + 1));
        let none = self.none();
        self.move_to(sent, none, range);
        self.emit(Opcode::YieldFrom, 0, sent, iterator, 0, range);
        self.set_depth(d);
        self.move_to(dst, Val::Temp(sent), range);
    }
}

/// `constant[int]`, where that is certain to work.
fn fold_item(value: &Expr<'_>, index: &Expr<'_>) -> Option<Constant> {
    let ExprKind::Constant { .. } = value.kind else { return None };
    let Constant::Int(i) = fold(index)? else { return None };
    let at = |len: usize| {
        let i = if i < 0 { i + len as i64 } else { i };
        usize::try_from(i).ok().filter(|&i| i < len)
    };
    match fold(value)? {
        Constant::Bytes(b) => Some(Constant::Int(b[at(b.len())?] as i64)),
        Constant::Str(s) if s.is_ascii() => Some(Constant::Str(Box::new([s[at(s.len())?]]))),
        _ => None,
    }
}

/// All elements as constants.
pub(super) fn fold_all(elts: &[&Expr<'_>]) -> Option<Vec<Constant>> {
    elts.iter().map(|e| fold(e)).collect()
}

/// Constants without repetition, for a frozenset.
pub(super) fn unique(items: Vec<Constant>) -> Vec<Constant> {
    let mut pool = crate::constants::ConstantPool::default();
    for item in items {
        pool.add(item);
    }
    pool.list
}
