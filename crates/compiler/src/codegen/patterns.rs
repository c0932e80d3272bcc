//! `match` statements (PEP 634).
//!
//! The subject stays in one temporary for all cases. A case's captures are kept in
//! temporaries above it, in slots given out as names appear, and stored into the names
//! when the whole pattern has matched. A failing test drops whatever is live at that
//! point and goes to the next case; equal sets of live registers share that code.

use super::*;
use crate::error::syntax_error;

struct Case {
    /// Live temporaries above the subject.
    live: Vec<Reg>,
    /// Captured names and their slots, in order of capture.
    stores: Vec<(String, Reg, Range)>,
    /// Slots given out so far by name.
    slots: Vec<(String, Reg)>,
    first_slot: u32,
    /// (live registers, where they are dropped)
    fails: Vec<(Vec<Reg>, Label)>,
    allow_irrefutable: bool,
}

fn captures(p: &Pattern<'_>, depth: u32) -> u32 {
    if depth > 2000 {
        return 0;
    }
    let all = |list: &[&Pattern<'_>]| list.iter().map(|p| captures(p, depth + 1)).sum::<u32>();
    match &p.kind {
        PatternKind::MatchValue { .. } | PatternKind::MatchSingleton { .. } => 0,
        PatternKind::MatchSequence { patterns } => all(patterns),
        PatternKind::MatchMapping { patterns, rest, .. } => all(patterns) + rest.is_some() as u32,
        PatternKind::MatchClass { patterns, kwd_patterns, .. } => all(patterns) + all(kwd_patterns),
        PatternKind::MatchStar { name } => name.is_some() as u32,
        PatternKind::MatchAs { pattern, name } => {
            name.is_some() as u32 + pattern.map_or(0, |p| captures(p, depth + 1))
        }
        PatternKind::MatchOr { patterns } => all(patterns),
    }
}

/// A number as a point of the complex plane; enough to tell equal keys.
fn number(c: &Constant) -> Option<(f64, f64)> {
    Some(match c {
        Constant::True => (1.0, 0.0),
        Constant::False => (0.0, 0.0),
        Constant::Int(i) if i.unsigned_abs() <= 1 << 53 => (*i as f64, 0.0),
        Constant::Float(f) => (*f, 0.0),
        Constant::Complex(re, im) => (*re, *im),
        _ => return None,
    })
}

fn is_wildcard(p: &Pattern<'_>) -> bool {
    matches!(p.kind, PatternKind::MatchAs { name: None, .. })
}

fn is_star_wildcard(p: &Pattern<'_>) -> bool {
    matches!(p.kind, PatternKind::MatchStar { name: None })
}

impl<'a, 'e> Codegen<'a, 'e> {
    pub fn match_(&mut self, subject: ExprRef<'a>, cases: &'a [MatchCase<'a>]) -> Result<()> {
        self.conditional(|g| g.match_cases(subject, cases))
    }

    fn match_cases(&mut self, subject: ExprRef<'a>, cases: &'a [MatchCase<'a>]) -> Result<()> {
        let d = self.depth();
        let s = self.push(subject)?;
        let end = self.label();
        let n = cases.len();
        for (i, case) in cases.iter().enumerate() {
            let last = i + 1 == n;
            self.set_depth(d + 1);
            let slots = captures(case.pattern, 0);
            let mut c = Case {
                live: Vec::new(),
                stores: Vec::new(),
                slots: Vec::new(),
                first_slot: d + 1,
                fails: Vec::new(),
                allow_irrefutable: case.guard.is_some() || last,
            };
            self.set_depth(d + 1 + slots);
            let next = self.label();
            self.pattern(case.pattern, s, false, &mut c)?;
            let range = case.pattern.range;
            for (name, slot, at) in std::mem::take(&mut c.stores) {
                self.store_name(&name, Val::Temp(slot), at);
                c.live.retain(|&r| r != slot);
            }
            self.set_depth(d + 1);
            if let Some(guard) = case.guard {
                let fail = self.fail_label(&mut c);
                self.jump_if(guard, fail, false)?;
            }
            self.emit(Opcode::Drop, 0, s, 0, 0, range);
            self.set_depth(d);
            self.body(case.body)?;
            self.jump(Opcode::Jump, end, NO_LOCATION);
            for (live, label) in c.fails {
                self.bind(label);
                for &r in live.iter().rev() {
                    self.emit(Opcode::Drop, 0, r, 0, 0, range);
                }
                self.jump(Opcode::Jump, next, NO_LOCATION);
            }
            self.bind(next);
        }
        self.emit(Opcode::Drop, 0, s, 0, 0, NO_LOCATION);
        self.set_depth(d);
        self.bind(end);
        Ok(())
    }

    /// Where to go when a test fails now.
    fn fail_label(&mut self, c: &mut Case) -> Label {
        let mut live = c.live.clone();
        live.sort_unstable();
        if let Some((_, label)) = c.fails.iter().find(|f| f.0 == live) {
            return *label;
        }
        let label = self.label();
        c.fails.push((live, label));
        label
    }

    fn consumed(&mut self, subject: Reg, owned: bool, c: &mut Case) -> Val {
        if owned {
            c.live.retain(|&r| r != subject);
            Val::Temp(subject)
        } else {
            Val::Borrow(subject)
        }
    }

    fn discard(&mut self, subject: Reg, owned: bool, range: Range, c: &mut Case) {
        let v = self.consumed(subject, owned, c);
        self.drop_val(v, range);
    }

    /// Match register `subject`, which must be used up if `owned`.
    fn pattern(&mut self, p: &'a Pattern<'a>, subject: Reg, owned: bool, c: &mut Case) -> Result<()> {
        self.nest()?;
        let d = self.depth();
        let range = p.range;
        match &p.kind {
            PatternKind::MatchValue { value } => {
                self.check_value_pattern(value)?;
                let r = self.value(value)?;
                let l = self.consumed(subject, owned, c);
                let t = self.top();
                let fail = self.fail_label(c);
                self.emit_bc(Opcode::Eq, FUSED, t, l, r, range);
                self.jump_result(t, fail, false, range);
            }
            PatternKind::MatchSingleton { value } => {
                let r = self.literal(value);
                let l = self.consumed(subject, owned, c);
                let t = self.top();
                let fail = self.fail_label(c);
                self.emit_bc(Opcode::Is, FUSED, t, l, r, range);
                self.jump_result(t, fail, false, range);
            }
            PatternKind::MatchSequence { patterns } => self.sequence(p, patterns, subject, owned, c)?,
            PatternKind::MatchMapping { keys, patterns, rest } => {
                self.mapping(p, keys, patterns, *rest, subject, owned, c)?;
            }
            PatternKind::MatchClass { cls, patterns, kwd_attrs, kwd_patterns } => {
                self.class_pattern(p, cls, patterns, kwd_attrs, kwd_patterns, subject, owned, c)?;
            }
            PatternKind::MatchStar { name } => self.capture(*name, subject, owned, range, c)?,
            PatternKind::MatchAs { pattern: None, name } => {
                if !c.allow_irrefutable {
                    return match name {
                        Some(name) => syntax_error(
                            range,
                            format!("name capture '{name}' makes remaining patterns unreachable"),
                        ),
                        None => syntax_error(range, "wildcard makes remaining patterns unreachable"),
                    };
                }
                self.capture(*name, subject, owned, range, c)?;
            }
            PatternKind::MatchAs { pattern: Some(inner), name } => {
                self.pattern(inner, subject, false, c)?;
                self.capture(*name, subject, owned, range, c)?;
            }
            PatternKind::MatchOr { patterns } => self.or_pattern(p, patterns, subject, owned, c)?,
        }
        self.set_depth(d);
        self.nesting -= 1;
        Ok(())
    }

    fn check_value_pattern(&mut self, e: ExprRef<'a>) -> Result<()> {
        let number = match &e.kind {
            ExprKind::UnaryOp { op: UnaryOp::USub, operand } => {
                matches!(operand.kind, ExprKind::Constant { .. })
            }
            ExprKind::BinOp { right, .. } => matches!(right.kind, ExprKind::Constant { .. }),
            _ => false,
        };
        if number || matches!(e.kind, ExprKind::Attribute { .. } | ExprKind::Constant { .. }) {
            return Ok(());
        }
        syntax_error(e.range, "patterns may only match literals and attribute lookups")
    }

    fn capture(
        &mut self,
        name: Option<&'a str>,
        subject: Reg,
        owned: bool,
        range: Range,
        c: &mut Case,
    ) -> Result<()> {
        let Some(name) = name else {
            self.discard(subject, owned, range, c);
            return Ok(());
        };
        if c.stores.iter().any(|s| s.0 == name) {
            return syntax_error(range, format!("multiple assignments to name '{name}' in pattern"));
        }
        let slot = match c.slots.iter().find(|s| s.0 == name) {
            Some(s) => s.1,
            None => {
                let slot = self.temp(c.first_slot + c.slots.len() as u32);
                c.slots.push((name.to_string(), slot));
                slot
            }
        };
        let v = self.consumed(subject, owned, c);
        self.emit_b(Opcode::Move, 0, slot, v, 0, range);
        c.live.push(slot);
        c.stores.push((name.to_string(), slot, range));
        Ok(())
    }

    /// Match consecutive temporaries, each used up by its pattern.
    fn items(&mut self, start: Reg, patterns: &[&'a Pattern<'a>], c: &mut Case) -> Result<()> {
        let old = std::mem::replace(&mut c.allow_irrefutable, true);
        for i in 0..patterns.len() {
            c.live.push(start + i as u32);
        }
        for (i, p) in patterns.iter().enumerate() {
            self.pattern(p, start + i as u32, true, c)?;
        }
        c.allow_irrefutable = old;
        Ok(())
    }

    fn sequence(
        &mut self,
        p: &'a Pattern<'a>,
        patterns: &'a [&'a Pattern<'a>],
        subject: Reg,
        owned: bool,
        c: &mut Case,
    ) -> Result<()> {
        let range = p.range;
        let size = patterns.len();
        let mut star = None;
        let mut only_wildcard = true;
        let mut star_wildcard = false;
        for (i, p) in patterns.iter().enumerate() {
            if matches!(p.kind, PatternKind::MatchStar { .. }) {
                if star.is_some() {
                    return syntax_error(range, "multiple starred names in sequence pattern");
                }
                star_wildcard = is_star_wildcard(p);
                only_wildcard &= star_wildcard;
                star = Some(i);
                continue;
            }
            only_wildcard &= is_wildcard(p);
        }
        let t = self.top();
        let fail = self.fail_label(c);
        self.emit(Opcode::MatchSequence, FUSED, t, subject, 0, range);
        self.jump_result(t, fail, false, range);
        if star.is_none() || size > 1 {
            let needed = self.const_val(Constant::Int((size - star.is_some() as usize) as i64));
            self.emit(Opcode::GetLen, 0, t, subject, 0, range);
            let op = if star.is_none() { Opcode::Eq } else { Opcode::Ge };
            self.emit_bc(op, FUSED, t, Val::Temp(t), needed, range);
            self.jump_result(t, fail, false, range);
        }
        if only_wildcard {
            self.discard(subject, owned, range, c);
            return Ok(());
        }
        if star_wildcard {
            return self.sequence_by_index(patterns, star.unwrap_or(0), subject, owned, range, c);
        }
        let d = self.depth();
        let start = self.temp(d);
        self.set_depth(d + size as u32);
        let v = self.consumed(subject, owned, c);
        let (flags, b) = flags_b(v);
        match star {
            None => self.emit(Opcode::UnpackSequence, flags, start, b, size as u32, range),
            Some(at) => {
                let after = size - at - 1;
                if at >= 256 || after >= 256 {
                    return syntax_error(range, "too many expressions in star-unpacking sequence pattern");
                }
                self.emit(Opcode::UnpackEx, flags, start, b, (at | after << 8) as u32, range);
            }
        }
        self.items(start, patterns, c)
    }

    /// With `*_` the items are fetched one by one.
    fn sequence_by_index(
        &mut self,
        patterns: &'a [&'a Pattern<'a>],
        star: usize,
        subject: Reg,
        owned: bool,
        range: Range,
        c: &mut Case,
    ) -> Result<()> {
        let d = self.depth();
        let old = std::mem::replace(&mut c.allow_irrefutable, true);
        for (i, p) in patterns.iter().enumerate() {
            if i == star || is_wildcard(p) {
                continue;
            }
            let item = self.take();
            if i < star {
                let index = self.const_val(Constant::Int(i as i64));
                self.emit_bc(Opcode::GetItem, 0, item, Val::Borrow(subject), index, range);
            } else {
                let back = self.const_val(Constant::Int((patterns.len() - i) as i64));
                self.emit(Opcode::GetLen, 0, item, subject, 0, range);
                self.emit_bc(Opcode::Sub, 0, item, Val::Temp(item), back, range);
                self.emit_bc(Opcode::GetItem, 0, item, Val::Borrow(subject), Val::Temp(item), range);
            }
            c.live.push(item);
            self.pattern(p, item, true, c)?;
            self.set_depth(d);
        }
        c.allow_irrefutable = old;
        self.discard(subject, owned, range, c);
        Ok(())
    }

    #[allow(clippy::too_many_arguments)]
    fn mapping(
        &mut self,
        p: &'a Pattern<'a>,
        keys: Exprs<'a>,
        patterns: &'a [&'a Pattern<'a>],
        rest: Option<&'a str>,
        subject: Reg,
        owned: bool,
        c: &mut Case,
    ) -> Result<()> {
        let range = p.range;
        let d = self.depth();
        let t = self.top();
        let fail = self.fail_label(c);
        self.emit(Opcode::MatchMapping, FUSED, t, subject, 0, range);
        self.jump_result(t, fail, false, range);
        if keys.is_empty() && rest.is_none() {
            self.discard(subject, owned, range, c);
            return Ok(());
        }
        if !keys.is_empty() {
            let n = self.const_val(Constant::Int(keys.len() as i64));
            self.emit(Opcode::GetLen, 0, t, subject, 0, range);
            self.emit_bc(Opcode::Ge, FUSED, t, Val::Temp(t), n, range);
            self.jump_result(t, fail, false, range);
        }
        self.check_mapping_keys(keys, range)?;
        // The tuple of keys, then the tuple of values.
        let tuple = match super::expressions::fold_all(keys) {
            Some(items) => {
                let v = self.const_val(Constant::Tuple(items.into()));
                self.push_val(v, range)
            }
            None => {
                let start = self.top();
                for k in keys {
                    self.push(k)?;
                }
                self.emit(Opcode::BuildTuple, 0, start, start, keys.len() as u32, range);
                self.set_depth(d + 1);
                start
            }
        };
        c.live.push(tuple);
        let values = self.take();
        self.emit(Opcode::MatchKeys, 0, values, subject, tuple, range);
        c.live.push(values);
        let fail = self.fail_label(c);
        self.emit(Opcode::JumpIfNone, 0, values, fail.0, 0, range);
        // As CPython: unpack, then copy the rest, then match the values.
        let n = patterns.len() as u32;
        let rest_reg = rest.map(|_| self.take());
        let first = self.top();
        self.set_depth(self.depth() + n);
        c.live.retain(|&r| r != values);
        self.emit(Opcode::UnpackSequence, B_TEMP, first, values, n, range);
        for i in 0..n {
            c.live.push(first + i);
        }
        c.live.retain(|&r| r != tuple);
        match rest_reg {
            Some(reg) => {
                self.emit(Opcode::MatchRest, C_TEMP, reg, subject, tuple, range);
                self.discard(subject, owned, range, c);
                c.live.push(reg);
            }
            None => {
                self.emit(Opcode::Drop, 0, tuple, 0, 0, range);
                self.discard(subject, owned, range, c);
            }
        }
        let old = std::mem::replace(&mut c.allow_irrefutable, true);
        for (i, p) in patterns.iter().enumerate() {
            self.pattern(p, first + i as u32, true, c)?;
        }
        c.allow_irrefutable = old;
        if let (Some(reg), Some(name)) = (rest_reg, rest) {
            self.capture(Some(name), reg, true, range, c)?;
        }
        Ok(())
    }

    fn check_mapping_keys(&mut self, keys: Exprs<'a>, range: Range) -> Result<()> {
        let mut seen: Vec<Constant> = Vec::new();
        for k in keys {
            if let Some(key) = crate::constants::fold(k) {
                let equal = |a: &Constant, b: &Constant| match (number(a), number(b)) {
                    (Some(a), Some(b)) => a == b,
                    _ => a == b,
                };
                if seen.iter().any(|s| equal(s, &key)) {
                    let shown = self.show_constant(&key);
                    return syntax_error(range, format!("mapping pattern checks duplicate key ({shown})"));
                }
                seen.push(key);
            } else if !matches!(k.kind, ExprKind::Attribute { .. }) {
                return syntax_error(
                    range,
                    "mapping pattern keys may only match literals and attribute lookups",
                );
            }
        }
        Ok(())
    }

    fn show_constant(&self, c: &Constant) -> String {
        crate::unparse::repr_constant(c)
    }

    #[allow(clippy::too_many_arguments)]
    fn class_pattern(
        &mut self,
        p: &'a Pattern<'a>,
        cls: ExprRef<'a>,
        patterns: &'a [&'a Pattern<'a>],
        attrs: &'a [&'a str],
        kwd_patterns: &'a [&'a Pattern<'a>],
        subject: Reg,
        owned: bool,
        c: &mut Case,
    ) -> Result<()> {
        let range = p.range;
        if patterns.len() > 255 {
            return syntax_error(range, "too many sub-patterns in class pattern");
        }
        for (i, attr) in attrs.iter().enumerate() {
            for (j, other) in attrs.iter().enumerate().skip(i + 1) {
                if attr == other {
                    return syntax_error(
                        kwd_patterns[j].range,
                        format!("attribute name repeated in class pattern: {attr}"),
                    );
                }
            }
        }
        let d = self.depth();
        let class = self.push(cls)?;
        let names = attrs.iter().map(|a| Constant::Str(a.as_bytes().into())).collect();
        let names = self.const_val(Constant::Tuple(names));
        self.push_val(names, range);
        let values = class;
        self.emit(Opcode::MatchClass, patterns.len() as u8, values, subject, class, range);
        self.set_depth(d + 1);
        c.live.push(values);
        let fail = self.fail_label(c);
        self.emit(Opcode::JumpIfNone, 0, values, fail.0, 0, range);
        c.live.retain(|&r| r != values);
        let n = (patterns.len() + kwd_patterns.len()) as u32;
        let first = self.temp(d);
        self.set_depth(d + n);
        self.emit(Opcode::UnpackSequence, B_TEMP, first, values, n, range);
        for i in 0..n {
            c.live.push(first + i);
        }
        self.discard(subject, owned, range, c);
        let old = std::mem::replace(&mut c.allow_irrefutable, true);
        for (i, p) in patterns.iter().chain(kwd_patterns).enumerate() {
            let reg = first + i as u32;
            if is_wildcard(p) && i < patterns.len() {
                self.discard(reg, true, range, c);
                continue;
            }
            self.pattern(p, reg, true, c)?;
        }
        c.allow_irrefutable = old;
        Ok(())
    }

    fn or_pattern(
        &mut self,
        p: &'a Pattern<'a>,
        patterns: &'a [&'a Pattern<'a>],
        subject: Reg,
        owned: bool,
        c: &mut Case,
    ) -> Result<()> {
        let end = self.label();
        let (live, stores) = (c.live.clone(), c.stores.clone_entries());
        let old_fails = std::mem::take(&mut c.fails);
        let allow = c.allow_irrefutable;
        let mut first: Option<Vec<(String, Reg, Range)>> = None;
        let mut outer_fails = old_fails;
        for (i, alt) in patterns.iter().enumerate() {
            let last = i + 1 == patterns.len();
            c.live = live.clone();
            c.stores = Vec::new();
            c.allow_irrefutable = last && allow;
            self.pattern(alt, subject, false, c)?;
            match &first {
                None => first = Some(c.stores.clone_entries()),
                Some(f) => {
                    let same =
                        f.len() == c.stores.len() && f.iter().all(|a| c.stores.iter().any(|b| a.0 == b.0));
                    if !same {
                        return syntax_error(p.range, "alternative patterns bind different names");
                    }
                }
            }
            let fails = std::mem::take(&mut c.fails);
            let next = self.label();
            if !last {
                self.jump(Opcode::Jump, end, NO_LOCATION);
                for (dropped, label) in fails {
                    self.bind(label);
                    for &r in dropped.iter().rev() {
                        if !live.contains(&r) {
                            self.emit(Opcode::Drop, 0, r, 0, 0, alt.range);
                        }
                    }
                    self.jump(Opcode::Jump, next, NO_LOCATION);
                }
                self.bind(next);
            } else {
                // The last alternative fails as the whole pattern does.
                for (dropped, label) in fails {
                    match outer_fails.iter().find(|f| f.0 == dropped) {
                        Some(&(_, existing)) => {
                            let over = self.label();
                            self.jump(Opcode::Jump, over, NO_LOCATION);
                            self.bind(label);
                            self.jump(Opcode::Jump, existing, NO_LOCATION);
                            self.bind(over);
                        }
                        None => outer_fails.push((dropped, label)),
                    }
                }
            }
        }
        c.fails = outer_fails;
        c.allow_irrefutable = allow;
        let first = first.unwrap_or_default();
        for (name, _, _) in &first {
            if stores.iter().any(|s| s.0 == *name) {
                return syntax_error(p.range, format!("multiple assignments to name '{name}' in pattern"));
            }
        }
        self.bind(end);
        c.stores = stores;
        c.stores.extend(first);
        self.discard(subject, owned, p.range, c);
        Ok(())
    }
}

trait CloneEntries {
    fn clone_entries(&self) -> Vec<(String, Reg, Range)>;
}

impl CloneEntries for Vec<(String, Reg, Range)> {
    fn clone_entries(&self) -> Vec<(String, Reg, Range)> {
        self.clone()
    }
}
