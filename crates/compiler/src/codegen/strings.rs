//! f-strings and t-strings.

use super::*;
use taipan_syntax::ast::Constant as Literal;

impl<'a, 'e> Codegen<'a, 'e> {
    pub fn joined_str(&mut self, values: Exprs<'a>, dst: Reg, range: Range) -> Result<()> {
        let d = self.depth();
        match values {
            [] => {
                let empty = self.const_val(Constant::Str(Box::new([])));
                self.move_to(dst, empty, range);
                return Ok(());
            }
            [one] if matches!(one.kind, ExprKind::FormattedValue { .. } | ExprKind::Constant { .. }) => {
                return self.into(one, dst);
            }
            _ => {}
        }
        if values.len() > 200 {
            return self.join_many(values, dst, range);
        }
        let start = self.top();
        for v in values {
            self.push(v)?;
        }
        self.set_depth(d);
        self.emit(Opcode::BuildString, 0, dst, start, values.len() as u32, range);
        Ok(())
    }

    /// Very long f-strings: `"".join([...])`.
    fn join_many(&mut self, values: Exprs<'a>, dst: Reg, range: Range) -> Result<()> {
        let d = self.depth();
        let empty = self.const_val(Constant::Str(Box::new([])));
        let t = self.top();
        let cache = self.attr_cache("join");
        self.emit_b(Opcode::LoadMethod, 0, t, empty, cache, range);
        let list = self.temp(d + 2);
        self.emit(Opcode::BuildList, 0, list, list, 0, range);
        self.set_depth(d + 3);
        for v in values {
            let v = self.value(v)?;
            self.set_depth(d + 3);
            self.emit_b(Opcode::ListAppend, 0, list, v, 0, range);
        }
        self.set_depth(d);
        self.emit_call(true, 1, None, dst, t, range);
        Ok(())
    }

    fn conversion(conversion: i32) -> u32 {
        match conversion {
            115 => 1,
            114 => 2,
            97 => 3,
            _ => 0,
        }
    }

    pub fn formatted_value(&mut self, e: ExprRef<'a>, dst: Reg) -> Result<()> {
        let ExprKind::FormattedValue { value, conversion, format_spec } = &e.kind else { return Ok(()) };
        let d = self.depth();
        let mut v = self.value(value)?;
        let c = Self::conversion(*conversion);
        if c != 0 {
            self.set_depth(d);
            let t = self.take();
            self.emit_b(Opcode::ConvertValue, 0, t, v, c, e.range);
            v = Val::Temp(t);
        }
        match format_spec {
            Some(spec) => {
                v = self.protect(v, &[spec], value.range);
                let spec = self.value(spec)?;
                self.set_depth(d);
                self.emit_bc(Opcode::FormatWithSpec, 0, dst, v, spec, e.range);
            }
            None => {
                self.set_depth(d);
                self.emit_b(Opcode::FormatSimple, 0, dst, v, 0, e.range);
            }
        }
        Ok(())
    }

    fn interpolation(&mut self, e: ExprRef<'a>) -> Result<()> {
        let ExprKind::Interpolation { value, str, conversion, format_spec } = &e.kind else {
            return Ok(());
        };
        let d = self.depth();
        let start = self.push(value)?;
        let text = self.literal(str);
        self.push_val(text, e.range);
        let mut c = Self::conversion(*conversion);
        if let Some(spec) = format_spec {
            self.push(spec)?;
            c |= 4;
        }
        self.set_depth(d);
        self.emit(Opcode::BuildInterpolation, 0, start, start, c, e.range);
        Ok(())
    }

    /// An `Interpolation` node outside a template (only from hand-made trees).
    pub fn interpolation_alone(&mut self, e: ExprRef<'a>, dst: Reg) -> Result<()> {
        let t = self.top();
        self.interpolation(e)?;
        self.move_to(dst, Val::Temp(t), e.range);
        Ok(())
    }

    pub fn template(&mut self, values: Exprs<'a>, dst: Reg, range: Range) -> Result<()> {
        let d = self.depth();
        // Strings and interpolations alternate, beginning and ending with a string.
        let mut strings: Vec<Vec<u8>> = vec![Vec::new()];
        let mut interpolations = Vec::new();
        for v in values {
            match &v.kind {
                ExprKind::Interpolation { .. } => {
                    interpolations.push(*v);
                    strings.push(Vec::new());
                }
                ExprKind::Constant { value: Literal::Str { value, .. } } => {
                    if let Some(last) = strings.last_mut() {
                        last.extend_from_slice(value);
                    }
                }
                _ => {}
            }
        }
        let strings = strings.into_iter().map(|s| Constant::Str(s.into())).collect();
        let strings = self.const_val(Constant::Tuple(strings));
        let start = self.push_val(strings, range);
        let first = self.top();
        if interpolations.len() <= super::expressions::MANY {
            for i in &interpolations {
                self.interpolation(i)?;
                self.take();
            }
            self.emit(Opcode::BuildTuple, 0, first, first, interpolations.len() as u32, range);
        } else {
            self.take();
            self.emit(Opcode::BuildList, 0, first, first, 0, range);
            for i in &interpolations {
                let t = self.top();
                self.interpolation(i)?;
                self.emit(Opcode::ListAppend, B_TEMP, first, t, 0, range);
            }
            self.emit(Opcode::ListToTuple, B_TEMP, first, first, 0, range);
        }
        self.set_depth(d);
        self.emit(Opcode::BuildTemplate, 0, dst, start, 0, range);
        Ok(())
    }
}
