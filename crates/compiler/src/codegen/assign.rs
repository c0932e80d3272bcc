//! Assignment, augmented assignment, deletion, unpacking.

use super::expressions::binary_opcode;
use super::*;
use crate::error::syntax_error;

impl<'a, 'e> Codegen<'a, 'e> {
    pub fn assign(&mut self, targets: Exprs<'a>, value: ExprRef<'a>) -> Result<()> {
        let d = self.depth();
        if let [target] = targets {
            return self.assign_one(target, value);
        }
        let v = self.value(value)?;
        // `x = y = x`: an earlier target may rebind what a borrowed local holds.
        let v = match v {
            Val::Borrow(_) => Val::Temp(self.push_val(v, value.range)),
            v => v,
        };
        let kept = self.depth();
        for (i, target) in targets.iter().enumerate() {
            let last = i + 1 == targets.len();
            self.store(target, if last { v } else { v.borrowed() })?;
            self.set_depth(kept);
        }
        self.set_depth(d);
        Ok(())
    }

    /// `target = value`
    pub fn assign_one(&mut self, target: ExprRef<'a>, value: ExprRef<'a>) -> Result<()> {
        let d = self.depth();
        if let ExprKind::Name { id, .. } = target.kind
            && let Some(local) = self.local_later(id)
        {
            self.into(value, local)?;
            self.note(local);
            return Ok(());
        }
        if !self.assign_pairwise(target, value)? {
            let v = self.value(value)?;
            self.store(target, v)?;
        }
        self.set_depth(d);
        Ok(())
    }

    /// `a, b = c, d` without the tuple. False if it is not of that form.
    fn assign_pairwise(&mut self, target: ExprRef<'a>, value: ExprRef<'a>) -> Result<bool> {
        let (ExprKind::Tuple { elts: targets, .. } | ExprKind::List { elts: targets, .. }) = &target.kind
        else {
            return Ok(false);
        };
        let ExprKind::Tuple { elts: values, .. } = &value.kind else { return Ok(false) };
        let starred = |e: &&Expr<'_>| matches!(e.kind, ExprKind::Starred { .. });
        if targets.len() != values.len()
            || targets.is_empty()
            || targets.len() > 16
            || targets.iter().any(starred)
            || values.iter().any(starred)
        {
            return Ok(false);
        }
        let locals: Vec<Option<Reg>> = targets
            .iter()
            .map(|t| match t.kind {
                ExprKind::Name { id, .. } => self.local_later(id),
                _ => None,
            })
            .collect();
        // The last value may go straight into its local if the old content was saved
        // by an earlier element: nothing dies out of order then.
        let last = targets.len() - 1;
        let direct = locals.iter().all(Option::is_some)
            && locals[..last].iter().all(|&l| l != locals[last])
            && values[..last].iter().any(|v| match v.kind {
                ExprKind::Name { id, .. } => self.local_later(id) == locals[last],
                _ => false,
            });
        let mut vals = Vec::with_capacity(values.len());
        for (i, e) in values.iter().enumerate() {
            if direct && i == last {
                if let Some(local) = locals[last] {
                    self.into(e, local)?;
                }
                break;
            }
            vals.push(match crate::constants::fold(e) {
                Some(_) => self.value(e)?,
                None => Val::Temp(self.push(e)?),
            });
        }
        let kept = self.depth();
        for (target, v) in targets.iter().zip(vals) {
            self.store(target, v)?;
            self.set_depth(kept);
        }
        if let (true, Some(local)) = (direct, locals[last]) {
            self.note(local);
        }
        Ok(true)
    }

    /// Store an operand into any target.
    pub fn store(&mut self, target: ExprRef<'a>, v: Val) -> Result<()> {
        self.nest()?;
        match &target.kind {
            ExprKind::Name { id, .. } => self.store_name(id, v, target.range),
            ExprKind::Attribute { value, attr, .. } => {
                self.note_self_attribute(value, attr);
                let v = self.protect_kept(v, value);
                let obj = self.value_in_register(value)?;
                let (a_flag, a) = match obj {
                    Val::Temp(r) => (A_TEMP, r),
                    Val::Borrow(r) | Val::Const(r) => (0, r),
                };
                let range = self.attribute_range(target, attr);
                let cache = self.attr_cache(attr);
                self.emit_b(Opcode::StoreAttr, a_flag, a, v, cache, range);
            }
            ExprKind::Subscript { value, slice, .. } => {
                let v = self.protect_kept(v, value);
                let v = self.protect_kept(v, slice);
                let obj = self.value_in_register(value)?;
                let obj = self.protect(obj, &[slice], value.range);
                let (a_flag, a) = match obj {
                    Val::Temp(r) => (A_TEMP, r),
                    Val::Borrow(r) | Val::Const(r) => (0, r),
                };
                if let ExprKind::Slice { lower, upper, step: None } = slice.kind
                    && self.constant_slice(slice).is_none()
                {
                    let start = self.slice_bounds(lower, upper, slice.range)?;
                    let (b_flag, b) = flags_b(v);
                    self.emit(Opcode::SetSlice, a_flag | b_flag, a, b, start, target.range);
                } else {
                    let i = self.value(slice)?;
                    self.emit_bc(Opcode::SetItem, a_flag, a, i, v, target.range);
                }
            }
            ExprKind::Tuple { elts, .. } | ExprKind::List { elts, .. } => {
                self.unpack(elts, v, target.range)?;
            }
            ExprKind::Starred { .. } => {
                return syntax_error(target.range, "starred assignment target must be in a list or tuple");
            }
            _ => return syntax_error(target.range, "cannot assign to expression"),
        }
        self.nesting -= 1;
        Ok(())
    }

    /// The value to be stored is evaluated first: a walrus in the target must not change it.
    fn protect_kept(&mut self, v: Val, later: ExprRef<'a>) -> Val {
        self.protect(v, &[later], later.range)
    }

    fn unpack(&mut self, elts: Exprs<'a>, v: Val, range: Range) -> Result<()> {
        let star = self.check_unpacking(elts, range)?;
        let d = self.depth();
        let start = self.top();
        self.set_depth(d + elts.len() as u32);
        let (flags, b) = flags_b(v);
        match star {
            None => self.emit(Opcode::UnpackSequence, flags, start, b, elts.len() as u32, range),
            Some(at) => {
                let after = (elts.len() - at - 1) as u32;
                self.emit(Opcode::UnpackEx, flags, start, b, at as u32 | after << 8, range);
            }
        }
        let kept = self.depth();
        for (i, e) in elts.iter().enumerate() {
            let inner = match e.kind {
                ExprKind::Starred { value, .. } => value,
                _ => *e,
            };
            self.store(inner, Val::Temp(start + i as u32))?;
            self.set_depth(kept);
        }
        self.set_depth(d);
        Ok(())
    }

    fn check_unpacking(&mut self, elts: Exprs<'a>, range: Range) -> Result<Option<usize>> {
        let mut star = None;
        for (i, e) in elts.iter().enumerate() {
            if matches!(e.kind, ExprKind::Starred { .. }) {
                if star.is_some() {
                    return syntax_error(range, "multiple starred expressions in assignment");
                }
                if i >= 256 || elts.len() - i > 255 {
                    return syntax_error(range, "too many expressions in star-unpacking assignment");
                }
                star = Some(i);
            }
        }
        Ok(star)
    }

    pub fn aug_assign(
        &mut self,
        s: StmtRef<'a>,
        target: ExprRef<'a>,
        op: Operator,
        value: ExprRef<'a>,
    ) -> Result<()> {
        let d = self.depth();
        let op = binary_opcode(op, true);
        match &target.kind {
            ExprKind::Name { id, .. } => {
                let l = self.load_name(id, target.range)?;
                let l = self.protect(l, &[value], target.range);
                let r = self.value(value)?;
                self.set_depth(d);
                if let Some(local) = self.local_of(id) {
                    self.emit_bc(op, 0, local, l, r, s.range);
                } else {
                    let t = self.top();
                    self.emit_bc(op, 0, t, l, r, s.range);
                    self.store_name(id, Val::Temp(t), target.range);
                }
            }
            ExprKind::Attribute { value: object, attr, .. } => {
                self.note_self_attribute(object, attr);
                let obj = self.value_in_register(object)?;
                let obj = self.protect(obj, &[value], object.range);
                let range = self.attribute_range(target, attr);
                let t = self.take();
                let cache = self.attr_cache(attr);
                self.emit_b(Opcode::LoadAttr, 0, t, obj.borrowed(), cache, range);
                let r = self.value(value)?;
                self.emit_bc(op, 0, t, Val::Temp(t), r, s.range);
                let (a_flag, a) = match obj {
                    Val::Temp(r) => (A_TEMP, r),
                    Val::Borrow(r) | Val::Const(r) => (0, r),
                };
                let cache = self.attr_cache(attr);
                self.emit_b(Opcode::StoreAttr, a_flag, a, Val::Temp(t), cache, range);
            }
            ExprKind::Subscript { value: object, slice, .. } => {
                let obj = self.value_in_register(object)?;
                let obj = self.protect(obj, &[slice, value], object.range);
                let i = self.value(slice)?;
                let i = self.protect(i, &[value], slice.range);
                let t = self.take();
                self.emit_bc(Opcode::GetItem, 0, t, obj.borrowed(), i.borrowed(), target.range);
                let r = self.value(value)?;
                self.emit_bc(op, 0, t, Val::Temp(t), r, s.range);
                let (a_flag, a) = match obj {
                    Val::Temp(r) => (A_TEMP, r),
                    Val::Borrow(r) | Val::Const(r) => (0, r),
                };
                self.emit_bc(Opcode::SetItem, a_flag, a, i, Val::Temp(t), target.range);
            }
            _ => return syntax_error(target.range, "illegal expression for augmented assignment"),
        }
        self.set_depth(d);
        Ok(())
    }

    pub fn delete(&mut self, target: ExprRef<'a>) -> Result<()> {
        self.nest()?;
        let d = self.depth();
        match &target.kind {
            ExprKind::Name { id, .. } => self.delete_name(id, target.range),
            ExprKind::Attribute { value, attr, .. } => {
                let v = self.value(value)?;
                let range = self.attribute_range(target, attr);
                let cache = self.attr_cache(attr);
                self.emit_b(Opcode::DeleteAttr, 0, 0, v, cache, range);
            }
            ExprKind::Subscript { value, slice, .. } => {
                let v = self.value(value)?;
                let v = self.protect(v, &[slice], value.range);
                let i = self.value(slice)?;
                self.emit_bc(Opcode::DelItem, 0, 0, v, i, target.range);
            }
            ExprKind::Tuple { elts, .. } | ExprKind::List { elts, .. } => {
                for e in elts.iter() {
                    self.delete(e)?;
                }
            }
            _ => return syntax_error(target.range, "cannot delete expression"),
        }
        self.set_depth(d);
        self.nesting -= 1;
        Ok(())
    }

    /// `self.x = …` in a method counts for the class's `__static_attributes__`.
    fn note_self_attribute(&mut self, value: ExprRef<'a>, attr: &'a str) {
        let ExprKind::Name { id: "self", .. } = value.kind else { return };
        let name = self.table.names.intern(attr);
        for unit in self.stack.iter_mut().rev() {
            if unit.kind == UnitKind::Class {
                if !unit.static_attributes.contains(&name) {
                    unit.static_attributes.push(name);
                }
                return;
            }
        }
    }
}
