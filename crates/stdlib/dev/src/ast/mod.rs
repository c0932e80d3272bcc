//! `_ast`: the classes of syntax trees, and what `compile()` needs to make
//! trees of source and code of trees. `schema` is the table of classes, `node`
//! their common base, `export` goes from our trees to objects, `import` back, and
//! `rebuild` copies and optimises trees of objects.

mod export;
mod import;
mod node;
mod rebuild;
mod schema;

use taipan_runtime::compile::{self, Mode, Request, flags};
use taipan_runtime::prelude::*;

/// The module.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_ast",
    doc: "",
    functions: &[
        MethodDef::new("_parse(source, filename, mode, flags, optimize, feature_version, /)", parse, ""),
        MethodDef::new("_compile(tree, filename, mode, flags, optimize, /)", compile_objects, ""),
    ],
    types: &[&node::AST],
    init: Some(|vm, module| {
        for (name, key) in [("_parse", "_ast.parse"), ("_compile", "_ast.compile")] {
            vm.share(key, vm.get_attr_str(module, name)?);
            vm.delete_attr(module, &vm.intern(name))?;
        }
        vm.set_attr_str(module, "__doc__", &Object::NONE)?;
        let constants = [
            ("PyCF_ALLOW_TOP_LEVEL_AWAIT", flags::ALLOW_TOP_LEVEL_AWAIT),
            ("PyCF_ONLY_AST", flags::ONLY_AST),
            ("PyCF_TYPE_COMMENTS", flags::TYPE_COMMENTS),
            ("PyCF_OPTIMIZED_AST", flags::OPTIMIZED_AST),
        ];
        for (name, value) in constants {
            vm.set_attr_str(module, name, &vm.int(value as i64))?;
        }
        node::make_classes(vm, module)
    }),
};

fn mode_of(vm: &Vm, number: &Object) -> Result<Mode> {
    let number = vm.to_i64(number)?;
    let modes = [Mode::Exec, Mode::Eval, Mode::Single, Mode::FuncType];
    Ok(modes.into_iter().find(|m| *m as i64 == number).unwrap_or_default())
}

fn parse(vm: &Vm, args: &[Object]) -> Result {
    let [source, filename, mode, flags, optimize, version] = args else { return Ok(Object::NONE) };
    let source = vm.str_lossy(source);
    let request = Request {
        filename,
        mode: mode_of(vm, mode)?,
        flags: vm.to_i64(flags)? as u32,
        optimize: vm.to_i64(optimize)? as u8,
        feature_version: vm.to_i64(version)? as u8,
    };
    let options = compile::parser_options(vm, &source, &request);
    let arena = taipan_syntax::Bump::new();
    let parsed = compile::with_stack(vm, source.len(), || {
        taipan_syntax::parse_with_warnings(&arena, &source, &options)
    })?;
    let parsed = parsed.map_err(|error| compile::syntax_error(vm, &error, filename))?;
    for warning in &parsed.warnings {
        let category = match warning.category {
            taipan_syntax::WarningCategory::SyntaxWarning => &exc::SYNTAX_WARNING,
            taipan_syntax::WarningCategory::DeprecationWarning => &exc::DEPRECATION_WARNING,
        };
        compile::warn(vm, category, &warning.message, warning.lineno, None, &source, &request)?;
    }
    let tree = export::Exporter::new(vm, &source).module(&parsed.module)?;
    match wanted_optimization(&request) {
        None => Ok(tree),
        level => rebuild::Rebuilder::new(vm, level, request.flags).tree(&tree),
    }
}

/// The level at which a tree shall be optimised.
fn wanted_optimization(request: &Request<'_>) -> Option<u8> {
    (request.flags & flags::OPTIMIZED_AST == flags::OPTIMIZED_AST).then_some(request.optimize)
}

/// Code of AST objects; NotImplemented if the source is none.
fn compile_objects(vm: &Vm, args: &[Object]) -> Result {
    let [tree, filename, mode, flags, optimize] = args else { return Ok(Object::NONE) };
    if tree.downcast::<node::Node>().is_none() {
        return Ok(Object::NOT_IMPLEMENTED);
    }
    let mode = mode_of(vm, mode)?;
    let wanted = match mode {
        Mode::Exec => "Module",
        Mode::Eval => "Expression",
        Mode::Single => "Interactive",
        Mode::FuncType => "FunctionType",
    };
    if let Some(class) = node::class_of(vm, wanted)
        && !vm.is_instance(tree, &class)?
    {
        return Err(vm.type_error(format!("expected {wanted} node, got {}", tree.ty().name())));
    }
    let flags = vm.to_i64(flags)? as u32;
    let request =
        Request { filename, mode, flags, optimize: vm.to_i64(optimize)? as u8, feature_version: 14 };
    let arena = taipan_syntax::Bump::new();
    let importer = import::Importer::new(vm, &arena, tree)?;
    let only_tree = flags & flags::ONLY_AST != 0;
    if only_tree && mode == Mode::FuncType {
        return rebuild::Rebuilder::new(vm, None, flags).tree(tree);
    }
    let module = importer.module(tree, mode)?;
    if only_tree {
        return rebuild::Rebuilder::new(vm, wanted_optimization(&request), flags).tree(tree);
    }
    compile::compile_tree(vm, &module, &importer, &request)
}
