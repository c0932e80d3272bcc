//! `from __future__ import …`: finds the flags and what is wrong with the statement.

use crate::error::{Result, syntax_error};
use taipan_bytecode::code_flags as co;
use taipan_syntax::ast::{Constant, ExprKind, Mod, StmtKind};

/// The flags a module turns on.
pub(crate) fn future_flags(module: &Mod<'_>) -> Result<u32> {
    let (Mod::Module { body, .. } | Mod::Interactive { body }) = module else { return Ok(0) };
    let mut flags = 0;
    let mut done = false;
    for (i, s) in body.iter().enumerate() {
        match &s.kind {
            StmtKind::ImportFrom { module: Some("__future__"), names, level: 0 } => {
                if done {
                    return syntax_error(
                        s.range,
                        "from __future__ imports must occur at the beginning of the file",
                    );
                }
                for alias in names.iter() {
                    flags |= match alias.name {
                        // Long mandatory: accepted, without a flag of their own any more.
                        "nested_scopes" | "generators" | "division" | "absolute_import"
                        | "with_statement" | "print_function" | "unicode_literals" | "generator_stop" => 0,
                        "barry_as_FLUFL" => co::FUTURE_BARRY_AS_BDFL,
                        "annotations" => co::FUTURE_ANNOTATIONS,
                        "braces" => return syntax_error(alias.range, "not a chance"),
                        other => {
                            return syntax_error(
                                alias.range,
                                format!("future feature {other} is not defined"),
                            );
                        }
                    };
                }
            }
            StmtKind::Expr { value }
                if i == 0 && matches!(value.kind, ExprKind::Constant { value: Constant::Str { .. } }) => {}
            _ => done = true,
        }
    }
    Ok(flags)
}
