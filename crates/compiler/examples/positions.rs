//! Prints the position of every instruction that can be compared with CPython's:
//! `positions FILE...`, one line per call, attribute, operator, subscript, import, raise.

use taipan_bytecode::{CodeUnit, Constant, Opcode};
use taipan_compiler::{Options, compile_source};
use taipan_syntax::Mode;

fn class(op: Opcode) -> Option<&'static str> {
    use Opcode::*;
    Some(match op {
        Call | CallMethod | CallKw | CallMethodKw | CallEx => "call",
        LoadAttr | LoadMethod | LoadSuperAttr => "attr",
        StoreAttr => "storeattr",
        Add | Sub | Mul | MatMul | TrueDiv | FloorDiv | Mod | Pow | LShift | RShift | And | Or | Xor
        | InplaceAdd | InplaceSub | InplaceMul => "binop",
        GetItem | GetSlice => "getitem",
        SetItem | SetSlice => "setitem",
        Lt | Le | Gt | Ge | Eq | Ne => "compare",
        GetIter => "iter",
        ForIter => "foriter",
        Raise => "raise",
        ImportName => "import",
        ImportFrom => "importfrom",
        LoadGlobal | LoadName => "name",
        UnpackSequence | UnpackEx => "unpack",
        LoadSpecial => "special",
        DelItem => "delitem",
        BuildString => "fstring",
        FormatSimple => "format",
        Yield => "yield",
        _ => return None,
    })
}

fn show(file: &str, code: &CodeUnit) {
    for (ins, l) in code.instructions.iter().zip(code.locations.iter()) {
        if let Some(name) = ins.opcode().and_then(class) {
            println!(
                "{file}\t{}\t{}\t{name}\t{} {} {} {}",
                code.qualname, code.first_line, l.line, l.end_line, l.column, l.end_column
            );
        }
    }
    for c in &code.constants {
        if let Constant::Code(inner) = c {
            show(file, inner);
        }
    }
}

fn main() {
    for file in std::env::args().skip(1) {
        let Ok(source) = std::fs::read_to_string(&file) else { continue };
        let options =
            Options { filename: &file, name_lookup: Some(|_| Some('x' as u32)), ..Options::default() };
        if let Ok((code, _)) = compile_source(&source, Mode::Exec, &options) {
            show(&file, &code);
        }
    }
}
