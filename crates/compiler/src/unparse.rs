//! Expressions back to text, as CPython's compiler does for stringised annotations.

use taipan_bytecode::Constant;
use taipan_syntax::ast::Expr;

/// The text of an expression, WTF-8.
pub fn unparse(_e: &Expr<'_>) -> Vec<u8> {
    Vec::new()
}

pub(crate) fn repr_constant(_c: &Constant) -> String {
    String::new()
}
