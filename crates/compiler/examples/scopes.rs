//! Prints the symbol tables of files as CPython's `symtable` module shows them.

use taipan_compiler::scope::{ScopeId, ScopeKind, symbol};
use taipan_compiler::{Options, Symtable, symbol_table};
use taipan_syntax::{Bump, LineIndex};

fn show(t: &Symtable, lines: &LineIndex, id: ScopeId, indent: usize) {
    let s = t.scope(id);
    let kind = match s.kind {
        ScopeKind::Function => "function",
        ScopeKind::Class => "class",
        ScopeKind::Module => "module",
        ScopeKind::Annotation => "annotation",
        ScopeKind::TypeAlias => "type alias",
        ScopeKind::TypeParameters => "type parameters",
        ScopeKind::TypeVariable => "type variable",
    };
    let line = if s.kind == ScopeKind::Module { 0 } else { lines.line(s.range.start) };
    let names: Vec<String> =
        s.symbols.iter().map(|(n, f)| format!("{}:{}", t.names.text(n), f & symbol::PUBLIC)).collect();
    println!("{}{kind} {} {line} {}", " ".repeat(indent), t.names.text(s.name), names.join(","));
    for &c in &s.children {
        show(t, lines, c, indent + 1);
    }
}

fn main() {
    for file in std::env::args().skip(1) {
        let Ok(source) = std::fs::read_to_string(&file) else { continue };
        let arena = Bump::new();
        let options =
            taipan_syntax::Options { name_lookup: Some(|_| Some('x' as u32)), ..Default::default() };
        let Ok(module) = taipan_syntax::parse(&arena, &source, &options) else { continue };
        let lines = LineIndex::new(&source);
        if let Ok(t) = symbol_table(&module, &lines, &Options::default()) {
            println!("{file}");
            show(&t, &lines, ScopeId(0), 0);
        }
    }
}
