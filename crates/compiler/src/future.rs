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
                        "nested_scopes" | "generators" => 0,
                        "division" => co::FUTURE_DIVISION,
                        "absolute_import" => co::FUTURE_ABSOLUTE_IMPORT,
                        "with_statement" => co::FUTURE_WITH_STATEMENT,
                        "print_function" => co::FUTURE_PRINT_FUNCTION,
                        "unicode_literals" => co::FUTURE_UNICODE_LITERALS,
                        "barry_as_FLUFL" => co::FUTURE_BARRY_AS_BDFL,
                        "generator_stop" => co::FUTURE_GENERATOR_STOP,
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
                if i == 0
                    && matches!(value.kind, ExprKind::Constant { value: Constant::Str { .. } }) => {}
            _ => done = true,
        }
    }
    Ok(flags)
}
