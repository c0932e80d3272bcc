//! `_symtable`: the compiler's symbol tables, as the `symtable` module reads
//! them. The numbers are those of the compiler's own tables.

use taipan_compiler::scope::{Scope, Symtable, symbol};
use taipan_runtime::compile::{self, Mode, Request};
use taipan_runtime::prelude::*;
use taipan_runtime::support::{allocate, this};
use taipan_runtime::types::cell::ObjectCell;
use taipan_runtime::types::object::OBJECT;
use taipan_syntax::LineIndex;

/// The module.
pub static SYMTABLE: ModuleDef = ModuleDef {
    name: "_symtable",
    doc: "",
    functions: &[MethodDef::new(
        "symtable(source, filename, startstr, /)",
        symtable,
        "Return symbol and scope dictionaries used internally by compiler.",
    )],
    types: &[],
    init: Some(|vm, module| {
        taipan_runtime::types::typ::ready(vm, &ENTRY);
        vm.set_attr_str(module, "__doc__", &Object::NONE)?;
        for (name, value) in CONSTANTS {
            vm.set_attr_str(module, name, &vm.int(value as i64))?;
        }
        Ok(())
    }),
};

const CONSTANTS: [(&str, u32); 26] = [
    ("USE", symbol::USE),
    ("DEF_GLOBAL", symbol::DEF_GLOBAL),
    ("DEF_NONLOCAL", symbol::DEF_NONLOCAL),
    ("DEF_LOCAL", symbol::DEF_LOCAL),
    ("DEF_PARAM", symbol::DEF_PARAM),
    ("DEF_TYPE_PARAM", symbol::DEF_TYPE_PARAM),
    ("DEF_FREE_CLASS", symbol::DEF_FREE_CLASS),
    ("DEF_IMPORT", symbol::DEF_IMPORT),
    // Without the bit of type parameters: these are the numbers that CPython publishes.
    ("DEF_BOUND", symbol::DEF_LOCAL | symbol::DEF_PARAM | symbol::DEF_IMPORT),
    ("DEF_ANNOT", symbol::DEF_ANNOT),
    ("DEF_COMP_ITER", symbol::DEF_COMP_ITER),
    ("DEF_COMP_CELL", symbol::DEF_COMP_CELL),
    ("TYPE_FUNCTION", 0),
    ("TYPE_CLASS", 1),
    ("TYPE_MODULE", 2),
    ("TYPE_ANNOTATION", 3),
    ("TYPE_TYPE_ALIAS", 4),
    ("TYPE_TYPE_PARAMETERS", 5),
    ("TYPE_TYPE_VARIABLE", 6),
    ("LOCAL", symbol::LOCAL),
    ("GLOBAL_EXPLICIT", symbol::GLOBAL_EXPLICIT),
    ("GLOBAL_IMPLICIT", symbol::GLOBAL_IMPLICIT),
    ("FREE", symbol::FREE),
    ("CELL", symbol::CELL),
    ("SCOPE_OFF", symbol::SCOPE_OFFSET),
    ("SCOPE_MASK", symbol::SCOPE_MASK),
];

/// Payload of a scope's entry.
pub struct Entry {
    name: ObjectCell,
    symbols: ObjectCell,
    varnames: ObjectCell,
    children: ObjectCell,
    nested: bool,
    kind: i64,
    line: i64,
}

impl NativeClass for Entry {
    fn class() -> &'static Type {
        &ENTRY
    }
    fn traverse(&self, visitor: &mut Visitor) {
        for field in [&self.name, &self.symbols, &self.varnames, &self.children] {
            field.traverse(visitor);
        }
    }
    fn clear(&self) {
        for field in [&self.symbols, &self.varnames, &self.children] {
            field.clear();
        }
    }
}

static ENTRY: Type = Type::new::<Entry>(
    "symtable entry",
    &OBJECT,
    type_flags::HAVE_GC | type_flags::DISALLOW_INSTANTIATION,
    Slots::EMPTY.repr(|vm, o| {
        let entry = this::<Entry>(o);
        let name = vm.str_lossy(&entry.name.get());
        Ok(vm.str(&format!("<symtable entry {name}({}), line {}>", o.bits(), entry.line)))
    }),
    &[],
    &[
        GetSetDef::member("id", |vm, o| Ok(vm.u64(o.bits()))),
        GetSetDef::member("name", |_, o| Ok(this::<Entry>(o).name.or_none())),
        GetSetDef::member("symbols", |_, o| Ok(this::<Entry>(o).symbols.or_none())),
        GetSetDef::member("varnames", |_, o| Ok(this::<Entry>(o).varnames.or_none())),
        GetSetDef::member("children", |_, o| Ok(this::<Entry>(o).children.or_none())),
        GetSetDef::member("nested", |vm, o| Ok(vm.int(this::<Entry>(o).nested as i64))),
        GetSetDef::member("type", |vm, o| Ok(vm.int(this::<Entry>(o).kind))),
        GetSetDef::member("lineno", |vm, o| Ok(vm.int(this::<Entry>(o).line))),
    ],
);

fn symtable(vm: &Vm, args: &[Object]) -> Result {
    let filename = compile::path_text(vm, &args[1])?;
    let mode = match args[2].downcast::<Str>() {
        Some(text) if text.equals_text("exec") => Mode::Exec,
        Some(text) if text.equals_text("eval") => Mode::Eval,
        Some(text) if text.equals_text("single") => Mode::Single,
        Some(_) => {
            return Err(vm.value_error("symtable() arg 3 must be 'exec' or 'eval' or 'single'"));
        }
        None => {
            let name = if args[2].is_none() { "None" } else { args[2].ty().name() };
            return Err(vm.type_error(format!("symtable() argument 3 must be str, not {name}")));
        }
    };
    let wrong = "symtable() arg 1 must be a string or bytes object";
    let source = compile::source_text(vm, &args[0], &filename, wrong)?;
    let request = Request { filename: &filename, mode, flags: 0, optimize: 0, feature_version: 14 };
    let syntax = compile::parser_options(vm, &source, &request);
    let name = vm.str_lossy(&filename);
    let options = compile::compiler_options(&name, &request);
    let index = LineIndex::new(&source);
    let table = compile::with_stack(vm, source.len(), || {
        let arena = taipan_syntax::Bump::new();
        match taipan_syntax::parse(&arena, &source, &syntax) {
            Ok(module) => taipan_compiler::symbol_table(&module, &index, &options).map_err(Ok),
            Err(error) => Err(Err(error)),
        }
    })?;
    match table {
        Ok(table) => entry(vm, &table, table.top(), &index),
        Err(Ok(error)) => Err(compile::compile_error(vm, &error, &source, &filename)),
        Err(Err(error)) => Err(compile::syntax_error(vm, &error, &filename)),
    }
}

fn entry(vm: &Vm, table: &Symtable, scope: &Scope, index: &LineIndex) -> Result {
    vm.check_native_stack(" during compilation")?;
    let symbols = vm.new_dict();
    for (name, flags) in scope.symbols.iter() {
        let flags = vm.int((flags & symbol::PUBLIC) as i64);
        vm.set_item(&symbols, &vm.intern(table.names.text(name)), &flags)?;
    }
    let varnames = scope.varnames.iter().map(|name| vm.intern(table.names.text(*name))).collect();
    let mut children = Vec::new();
    for child in &scope.children {
        children.push(entry(vm, table, table.scope(*child), index)?);
    }
    let module = scope.id == table.top().id;
    let made = Entry {
        name: ObjectCell::new(vm.intern(table.names.text(scope.name))),
        symbols: ObjectCell::new(symbols),
        varnames: ObjectCell::new(vm.list(varnames)),
        children: ObjectCell::new(vm.list(children)),
        nested: scope.nested,
        kind: scope.kind as i64,
        line: if module { 0 } else { index.line(scope.range.start) as i64 },
    };
    allocate(vm, &ENTRY, made)
}
