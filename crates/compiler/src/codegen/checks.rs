//! Errors and warnings about what is written, found while generating code.

use super::*;
use crate::error::syntax_error;
use taipan_syntax::ast::Constant as Literal;

fn literal_type(c: &Literal<'_>) -> &'static str {
    match c {
        Literal::None => "NoneType",
        Literal::True | Literal::False => "bool",
        Literal::Ellipsis => "ellipsis",
        Literal::Int(_) => "int",
        Literal::Float(_) => "float",
        Literal::Imaginary(_) => "complex",
        Literal::Str { .. } => "str",
        Literal::Bytes(_) => "bytes",
    }
}

/// The type an expression surely has.
fn inferred_type(e: &Expr<'_>) -> Option<&'static str> {
    Some(match &e.kind {
        ExprKind::Tuple { .. } => "tuple",
        ExprKind::List { .. } | ExprKind::ListComp { .. } => "list",
        ExprKind::Dict { .. } | ExprKind::DictComp { .. } => "dict",
        ExprKind::Set { .. } | ExprKind::SetComp { .. } => "set",
        ExprKind::GeneratorExp { .. } => "generator",
        ExprKind::Lambda { .. } => "function",
        ExprKind::TemplateStr { .. } | ExprKind::Interpolation { .. } => "string.templatelib.Template",
        ExprKind::JoinedStr { .. } | ExprKind::FormattedValue { .. } => "str",
        ExprKind::Constant { value } => literal_type(value),
        _ => return None,
    })
}

impl<'a, 'e> Codegen<'a, 'e> {
    pub fn check_caller(&mut self, e: ExprRef<'a>) {
        let wrong = matches!(
            e.kind,
            ExprKind::Constant { .. }
                | ExprKind::Tuple { .. }
                | ExprKind::List { .. }
                | ExprKind::ListComp { .. }
                | ExprKind::Dict { .. }
                | ExprKind::DictComp { .. }
                | ExprKind::Set { .. }
                | ExprKind::SetComp { .. }
                | ExprKind::GeneratorExp { .. }
                | ExprKind::JoinedStr { .. }
                | ExprKind::TemplateStr { .. }
                | ExprKind::FormattedValue { .. }
                | ExprKind::Interpolation { .. }
        );
        if let (true, Some(t)) = (wrong, inferred_type(e)) {
            self.warn(e.range, format!("'{t}' object is not callable; perhaps you missed a comma?"));
        }
    }

    pub fn check_subscripter(&mut self, e: ExprRef<'a>) {
        let wrong = match &e.kind {
            ExprKind::Constant { value } => matches!(
                value,
                Literal::None
                    | Literal::Ellipsis
                    | Literal::True
                    | Literal::False
                    | Literal::Int(_)
                    | Literal::Float(_)
                    | Literal::Imaginary(_)
            ),
            ExprKind::Set { .. }
            | ExprKind::SetComp { .. }
            | ExprKind::GeneratorExp { .. }
            | ExprKind::TemplateStr { .. }
            | ExprKind::Interpolation { .. }
            | ExprKind::Lambda { .. } => true,
            _ => false,
        };
        if let (true, Some(t)) = (wrong, inferred_type(e)) {
            self.warn(e.range, format!("'{t}' object is not subscriptable; perhaps you missed a comma?"));
        }
    }

    pub fn check_index(&mut self, e: ExprRef<'a>, index: ExprRef<'a>) {
        let Some(index_type) = inferred_type(index) else { return };
        if matches!(index_type, "int" | "bool") || matches!(index.kind, ExprKind::Slice { .. }) {
            return;
        }
        let indexed = matches!(
            e.kind,
            ExprKind::Constant { value: Literal::Str { .. } | Literal::Bytes(_) }
                | ExprKind::Tuple { .. }
                | ExprKind::List { .. }
                | ExprKind::ListComp { .. }
                | ExprKind::JoinedStr { .. }
                | ExprKind::FormattedValue { .. }
        );
        if let (true, Some(t)) = (indexed, inferred_type(e)) {
            self.warn(
                e.range,
                format!(
                    "{t} indices must be integers or slices, not {index_type}; perhaps you missed a comma?"
                ),
            );
        }
    }

    pub fn check_compare(
        &mut self,
        e: ExprRef<'a>,
        left: ExprRef<'a>,
        ops: &'a [CmpOp],
        comparators: Exprs<'a>,
    ) {
        // (may be compared with `is`, type) of one side
        fn side<'x>(e: &Expr<'x>) -> (bool, &'static str) {
            match &e.kind {
                ExprKind::Constant { value } => (
                    matches!(value, Literal::None | Literal::True | Literal::False | Literal::Ellipsis),
                    literal_type(value),
                ),
                ExprKind::Tuple { .. } => (false, "tuple"),
                _ => (true, ""),
            }
        }
        let mut l = side(left);
        for (op, right) in ops.iter().zip(comparators) {
            let r = side(right);
            if matches!(op, CmpOp::Is | CmpOp::IsNot) && (!l.0 || !r.0) {
                let t = if l.0 { r.1 } else { l.1 };
                let (word, instead) = if *op == CmpOp::Is { ("is", "==") } else { ("is not", "!=") };
                self.warn(e.range, format!("\"{word}\" with '{t}' literal. Did you mean \"{instead}\"?"));
            }
            l = r;
        }
    }

    /// Whether code here runs inside a function (lambdas and generator expressions too).
    pub fn in_function(&self) -> bool {
        self.scope().is_function_like()
    }

    pub fn check_yield(&mut self, range: Range, words: &str) -> Result<()> {
        if !self.in_function() { syntax_error(range, words) } else { Ok(()) }
    }

    pub fn check_await(&mut self, range: Range) -> Result<()> {
        if self.options.top_level_await && self.u.kind == UnitKind::Module {
            return Ok(());
        }
        if !self.in_function() {
            return syntax_error(range, "'await' outside function");
        }
        if !matches!(self.u.kind, UnitKind::AsyncFunction | UnitKind::Comprehension) {
            return syntax_error(range, "'await' outside async function");
        }
        Ok(())
    }
}
