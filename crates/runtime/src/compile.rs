//! From source to code objects: decoding, parsing and compiling, and turning
//! the front end's errors into Python's SyntaxErrors and its warnings into
//! Python's warnings.

use crate::codecs::escape;
use crate::prelude::*;
use crate::types::{code, str};
use taipan_bytecode::CodeUnit;
use taipan_compiler::{CompileError, ErrorKind as CompileKind, Warning, WarningKind};
pub use taipan_syntax::Mode;
use taipan_syntax::{Decoded, ErrorKind, LineIndex, SyntaxError, WarningCategory};

/// The attribute of syntax errors that tells the traceback module where to look for misspelt keywords.
const METADATA: &str = "_metadata";

/// `CO_FUTURE_*`.
pub const FUTURE_MASK: u32 = 0x1fe_0000;
/// Flags without meaning that `compile` accepts (`CO_NESTED`).
pub const OBSOLETE_MASK: u32 = 0x10;

/// `PyCF_*`.
pub mod flags {
    pub const DONT_IMPLY_DEDENT: u32 = 0x200;
    pub const ONLY_AST: u32 = 0x400;
    pub const TYPE_COMMENTS: u32 = 0x1000;
    pub const ALLOW_TOP_LEVEL_AWAIT: u32 = 0x2000;
    pub const ALLOW_INCOMPLETE_INPUT: u32 = 0x4000;
    pub const OPTIMIZED_AST: u32 = 0x8000 | ONLY_AST;
    pub const MASK: u32 =
        DONT_IMPLY_DEDENT | TYPE_COMMENTS | ALLOW_TOP_LEVEL_AWAIT | ALLOW_INCOMPLETE_INPUT | OPTIMIZED_AST;
}

/// What to compile, and how.
pub struct Request<'a> {
    /// A str.
    pub filename: &'a Object,
    pub mode: Mode,
    /// `CO_FUTURE_*` and `PyCF_*`.
    pub flags: u32,
    pub optimize: u8,
    pub feature_version: u8,
}

/// `optimize` as given to `compile()`: -1 means what the command line says.
pub fn optimization(vm: &Vm, optimize: i32) -> u8 {
    let level = if optimize < 0 { vm.interp().config.optimize } else { optimize as i64 };
    level.clamp(0, 2) as u8
}

/// Compiles text or bytes: `source` is UTF-8 text without a cookie's say (for
/// bytes see [`decode`]).
pub fn compile_source(
    vm: &Vm,
    source: &str,
    filename: &Object,
    mode: Mode,
    flags: u32,
    dont_inherit: bool,
    optimize: i32,
) -> Result {
    let mut flags = flags;
    if !dont_inherit {
        // SAFETY: the running frame and its code are alive.
        unsafe {
            if let Some(frame) = vm.frame.get().as_ref() {
                flags |= (*frame.code).flags.get() & FUTURE_MASK;
            }
        }
    }
    let request =
        Request { filename, mode, flags, optimize: optimization(vm, optimize), feature_version: 14 };
    compile_text(vm, source, &request)
}

/// Compiles the bytes of a source file.
pub fn compile_bytes(vm: &Vm, source: &[u8], filename: &Object, mode: Mode, optimize: i32) -> Result {
    let text = decode(vm, source, filename)?;
    compile_source(vm, &text, filename, mode, 0, true, optimize)
}

/// Compiles the bytes of a script, in which a null byte has a place.
pub fn compile_script(vm: &Vm, source: &[u8], filename: &Object) -> Result {
    let Some(at) = memchr::memchr(0, source) else {
        return match taipan_syntax::decode_source(source) {
            Err(mut error) if error.message.starts_with("Non-UTF-8 code") => {
                let place = format!(" in file {} on line ", vm.str_lossy(filename));
                error.message = error.message.replacen(" on line ", &place, 1);
                Err(syntax_error(vm, &error, filename))
            }
            _ => {
                compile_bytes(vm, source, filename, Mode::Exec, -1).map_err(|raised| script_error(vm, raised))
            }
        };
    };
    let line = source[..at].iter().filter(|&&b| b == b'\n').count() + 1;
    let start = memchr::memrchr(b'\n', &source[..at]).map_or(0, |i| i + 1);
    let text = vm.str(&String::from_utf8_lossy(&source[start..at]));
    let place = vec![filename.clone(), vm.usize(line), vm.int(0), text, vm.usize(line), vm.int(0)];
    let message = vm.str("source code cannot contain null bytes");
    Err(vm.error_with(&exc::SYNTAX_ERROR, vec![message, vm.tuple(place)]))
}

/// A file name argument as a str: str, bytes or a path object.
pub fn path_text(vm: &Vm, path: &Object) -> Result {
    let path = if path.downcast::<Str>().is_some() || path.downcast::<crate::types::bytes::Bytes>().is_some()
    {
        path.clone()
    } else {
        match vm.call_special(path, crate::names::name::fspath.object(), &[])? {
            Some(result)
                if result.downcast::<Str>().is_some()
                    || result.downcast::<crate::types::bytes::Bytes>().is_some() =>
            {
                result
            }
            Some(result) => {
                return Err(vm.type_error(format!(
                    "expected {}.__fspath__() to return str or bytes, not {}",
                    path.ty().name(),
                    result.ty().name()
                )));
            }
            None => {
                return Err(vm.type_error(format!(
                    "expected str, bytes or os.PathLike object, not {}",
                    path.ty().name()
                )));
            }
        }
    };
    let text = match path.downcast::<crate::types::bytes::Bytes>() {
        Some(bytes) => surrogate_escaped(vm, bytes.as_slice()),
        None => path,
    };
    if text.downcast::<Str>().is_some_and(|s| s.chars().any(|c| c == 0)) {
        return Err(vm.value_error("embedded null character"));
    }
    Ok(text)
}

/// Bytes from the system as a str: UTF-8, other bytes as lone surrogates.
pub fn surrogate_escaped(vm: &Vm, bytes: &[u8]) -> Object {
    let mut out = str::Builder::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        chunk.invalid().iter().for_each(|&b| out.push_char(0xdc00 + b as u32));
    }
    out.finish(vm)
}

/// The text of a `source` argument: a str, or anything bytes-like (decoded).
pub fn source_text(vm: &Vm, source: &Object, filename: &Object, wrong: &str) -> Result<String> {
    if let Some(s) = source.downcast::<Str>() {
        let text = match s.to_utf8() {
            Some(text) => text.into_owned(),
            None => return Err(surrogate_error(vm, source, s)),
        };
        return Ok(text);
    }
    if !vm.is_bytes_like(source) {
        return Err(vm.type_error(wrong));
    }
    let bytes = vm.buffer(source, 0)?.bytes().to_vec();
    decode(vm, &bytes, filename)
}

fn surrogate_error(vm: &Vm, source: &Object, s: &Str) -> Raised {
    let lone = |c: u32| (0xd800..0xe000).contains(&c);
    let start = s.chars().position(lone).unwrap_or(0);
    let end = start + s.chars().skip(start).take_while(|&c| lone(c)).count();
    vm.error_with(
        &exc::UNICODE_ENCODE_ERROR,
        vec![
            vm.intern("utf-8"),
            source.clone(),
            vm.usize(start),
            vm.usize(end),
            vm.str("surrogates not allowed"),
        ],
    )
}

/// Decodes the bytes of a source file by byte order mark and coding cookie.
pub fn decode(vm: &Vm, bytes: &[u8], filename: &Object) -> Result<String> {
    match taipan_syntax::decode_source(bytes) {
        Ok(Decoded::Text(text)) => Ok(text.into_owned()),
        Ok(Decoded::NeedsCodec { name }) => {
            let object = vm.bytes(bytes);
            let decoded = vm.call_method(&object, "decode", &[vm.str(&name)]);
            let decoded = match decoded {
                Ok(text) => text,
                Err(raised) => {
                    if !vm.raised_is(&exc::LOOKUP_ERROR) && !vm.raised_is(&exc::UNICODE_ERROR) {
                        return Err(raised);
                    }
                    let problem = vm.str_text(&vm.caught(raised))?;
                    return Err(unknown_encoding(vm, &problem, filename));
                }
            };
            match decoded.downcast::<Str>().and_then(|s| s.to_utf8().map(|t| t.into_owned())) {
                Some(text) => Ok(text),
                None => Err(unknown_encoding(vm, &format!("encoding problem: {name}"), filename)),
            }
        }
        Err(error) => Err(syntax_error(vm, &error, filename)),
    }
}

fn unknown_encoding(vm: &Vm, problem: &str, filename: &Object) -> Raised {
    let place = vec![filename.clone(), vm.int(0), vm.int(-1), Object::NONE];
    let args = vec![vm.str(problem), vm.tuple(place)];
    drop(vm.take_raised());
    vm.error_with(&exc::SYNTAX_ERROR, args)
}

// ---- the front end ---------------------------------------------------------------------------

/// What comes out of the front end.
struct Output {
    unit: std::result::Result<(CodeUnit, Vec<Warning>), FrontError>,
    warnings: Vec<taipan_syntax::SyntaxWarning>,
}

enum FrontError {
    Parser(SyntaxError),
    Compiler(CompileError),
}

/// Native stack that deeply nested source needs.
const FRONT_END_STACK: usize = 48 << 20;
/// A nesting level takes at least a byte of source and at most this much stack.
const STACK_PER_BYTE: usize = 8 << 10;

/// Options for the parser of this source.
pub fn parser_options(vm: &Vm, source: &str, request: &Request<'_>) -> taipan_syntax::Options {
    let has = |flag: u32| request.flags & flag != 0;
    let mut options = taipan_syntax::Options {
        mode: request.mode,
        type_comments: has(flags::TYPE_COMMENTS),
        allow_incomplete_input: has(flags::ALLOW_INCOMPLETE_INPUT),
        dont_imply_dedent: has(flags::DONT_IMPLY_DEDENT),
        barry_as_flufl: has(taipan_bytecode::code_flags::FUTURE_BARRY_AS_BDFL),
        feature_version: request.feature_version,
        int_max_str_digits: vm.interp().int_max_str_digits.get().clamp(0, u32::MAX as i64) as u32,
        name_lookup: Some(character_of_name),
    };
    if source.contains("\\N") && !escape::names_loaded(vm) {
        // Only what really decodes a name loads the names.
        options.name_lookup = None;
        let asked = with_stack(vm, source.len(), || {
            let arena = taipan_syntax::Bump::new();
            let error = taipan_syntax::parse(&arena, source, &options).err();
            error.is_some_and(|error| error.message.contains("(can't load unicodedata module)"))
        });
        if !matches!(asked, Ok(true)) || escape::load_names(vm) {
            options.name_lookup = Some(character_of_name);
        }
    }
    options
}

/// `\N{...}`.
pub fn character_of_name(name: &str) -> Option<u32> {
    match taipan_unicode::names::lookup(name)?.as_slice() {
        [c] => Some(*c),
        _ => None,
    }
}

fn front_end(
    source: &str,
    syntax: &taipan_syntax::Options,
    options: &taipan_compiler::Options<'_>,
) -> Output {
    let arena = taipan_syntax::Bump::new();
    match taipan_syntax::parse_with_warnings(&arena, source, syntax) {
        Err(error) => Output { unit: Err(FrontError::Parser(error)), warnings: Vec::new() },
        Ok(parsed) => Output {
            unit: taipan_compiler::compile(&parsed.module, &LineIndex::new(source), options)
                .map_err(FrontError::Compiler),
            warnings: parsed.warnings,
        },
    }
}

/// Runs `work` with enough native stack for a source of `len` bytes.
pub fn with_stack<R>(vm: &Vm, len: usize, work: impl FnOnce() -> R) -> Result<R> {
    let marker = 0u8;
    let left = (&raw const marker as usize).saturating_sub(vm.native_floor.get());
    let wanted = FRONT_END_STACK.min(len.saturating_mul(STACK_PER_BYTE).saturating_add(64 << 10));
    if left >= wanted {
        return Ok(work());
    }
    crate::modules::thread::system::on_own_stack(FRONT_END_STACK + (1 << 20), work)
        .ok_or_else(|| vm.memory_error())
}

/// Compiles text (or, with `PyCF_ONLY_AST`, makes AST objects of it).
pub fn compile_text(vm: &Vm, source: &str, request: &Request<'_>) -> Result {
    if request.flags & flags::ONLY_AST != 0 {
        return ast_objects(vm, source, request);
    }
    let syntax = parser_options(vm, source, request);
    let filename = vm.str_lossy(request.filename);
    let options = compiler_options(&filename, request);
    let output = with_stack(vm, source.len(), || front_end(source, &syntax, &options))?;
    for warning in &output.warnings {
        let category = match warning.category {
            WarningCategory::SyntaxWarning => &exc::SYNTAX_WARNING,
            WarningCategory::DeprecationWarning => &exc::DEPRECATION_WARNING,
        };
        warn(vm, category, &warning.message, warning.lineno, None, source, request)?;
    }
    finish(vm, output.unit, source, request)
}

/// Options for the compiler.
pub fn compiler_options<'a>(filename: &'a str, request: &Request<'_>) -> taipan_compiler::Options<'a> {
    taipan_compiler::Options {
        filename,
        optimize: request.optimize,
        flags: request.flags & FUTURE_MASK,
        top_level_await: request.flags & flags::ALLOW_TOP_LEVEL_AWAIT != 0,
        name_lookup: Some(character_of_name),
    }
}

fn finish(
    vm: &Vm,
    unit: std::result::Result<(CodeUnit, Vec<Warning>), FrontError>,
    source: &str,
    request: &Request<'_>,
) -> Result {
    match unit {
        Ok((unit, warnings)) => {
            for warning in &warnings {
                let category = match warning.kind {
                    WarningKind::Syntax => &exc::SYNTAX_WARNING,
                    WarningKind::Deprecation => &exc::DEPRECATION_WARNING,
                };
                let l = warning.location;
                let columns = (l.column, l.end_line, l.end_column);
                warn(vm, category, &warning.message, l.line, Some(columns), source, request)?;
            }
            Ok(code::new(vm, unit))
        }
        Err(FrontError::Parser(error)) => Err(syntax_error(vm, &error, request.filename)),
        Err(FrontError::Compiler(error)) => Err(compile_error(vm, &error, source, request.filename)),
    }
}

/// Compiles a tree that did not come from source text (AST objects).
pub fn compile_tree(
    vm: &Vm,
    module: &taipan_syntax::ast::Mod<'_>,
    locator: &dyn taipan_compiler::Locator,
    request: &Request<'_>,
) -> Result {
    let filename = vm.str_lossy(request.filename);
    let options = compiler_options(&filename, request);
    let unit = taipan_compiler::compile(module, locator, &options).map_err(FrontError::Compiler);
    finish(vm, unit, "", request)
}

/// `PyCF_ONLY_AST`: the `_ast` module registers the function that does it.
fn ast_objects(vm: &Vm, source: &str, request: &Request<'_>) -> Result {
    if vm.shared("_ast.parse").is_none() && vm.interp().native_modules.borrow().contains_key("_ast") {
        vm.import_native("_ast")?;
    }
    match vm.shared("_ast.parse") {
        Some(parse) => vm.call(
            &parse,
            &[
                vm.str(source),
                request.filename.clone(),
                vm.int(request.mode as i64),
                vm.int(request.flags as i64),
                vm.int(request.optimize as i64),
                vm.int(request.feature_version as i64),
            ],
        ),
        None => Err(vm.not_implemented_error("AST objects are not available")),
    }
}

/// Compiles AST objects; None if `source` is none.
pub fn from_ast(vm: &Vm, source: &Object, request: &Request<'_>) -> Result<Option<Object>> {
    let Some(compile) = vm.shared("_ast.compile") else { return Ok(None) };
    let result = vm.call(
        &compile,
        &[
            source.clone(),
            request.filename.clone(),
            vm.int(request.mode as i64),
            vm.int(request.flags as i64),
            vm.int(request.optimize as i64),
        ],
    )?;
    Ok(if result.is(Value::NOT_IMPLEMENTED) { None } else { Some(result) })
}

// ---- errors and warnings -----------------------------------------------------------------------

/// An error of the parser as a Python exception.
pub fn syntax_error(vm: &Vm, error: &SyntaxError, filename: &Object) -> Raised {
    let class: &Type = match error.kind {
        ErrorKind::Syntax => &exc::SYNTAX_ERROR,
        ErrorKind::Indentation => &exc::INDENTATION_ERROR,
        ErrorKind::Tab => &exc::TAB_ERROR,
        ErrorKind::IncompleteInput => &exc::_INCOMPLETE_INPUT_ERROR,
        ErrorKind::TooComplex => return vm.error(&exc::MEMORY_ERROR, &error.message),
        ErrorKind::ConstantName => return vm.value_error(&error.message),
        ErrorKind::Value => return vm.error(&exc::SYNTAX_ERROR, &error.message),
    };
    let place = vec![
        filename.clone(),
        vm.int(error.lineno as i64),
        vm.int(error.offset as i64),
        error.text.as_ref().map_or(Object::NONE, |text| vm.str(text)),
        vm.int(error.end_lineno as i64),
        vm.int(error.end_offset as i64),
    ];
    let raised = vm.error_with(class, vec![vm.str(&error.message), vm.tuple(place)]);
    let Some(context) = &error.context else { return raised };
    let (line, column) = (vm.int(context.line as i64), vm.int(context.column as i64));
    let metadata = vm.tuple(vec![line, column, vm.str(&context.source)]);
    let exception = vm.caught(raised);
    match vm.set_attr_str(&exception, METADATA, &metadata) {
        Ok(()) => vm.raise(exception),
        Err(raised) => raised,
    }
}

/// An error in a script: its source is looked up in its file, and a last line that is but a
/// backslash has no column.
fn script_error(vm: &Vm, error: Raised) -> Raised {
    let exception = vm.caught(error);
    if !exception.is_instance_of(&exc::SYNTAX_ERROR) {
        return vm.raise(exception);
    }
    let field = |name: &str| vm.get_attr_str(&exception, name).map(|value| vm.str_lossy(&value));
    if let (Ok(message), Ok(text)) = (field("msg"), field("text"))
        && message == "unexpected EOF while parsing"
        && text.trim() == "\\"
        && let Err(raised) = vm.set_attr_str(&exception, "offset", &vm.int(0))
    {
        return raised;
    }
    if let Ok(metadata) = vm.get_attr_str(&exception, METADATA)
        && let Some([line, column, _]) = metadata.downcast::<Tuple>().map(|t| t.items())
    {
        let metadata = vm.tuple(vec![line.clone(), column.clone(), Object::NONE]);
        if let Err(raised) = vm.set_attr_str(&exception, METADATA, &metadata) {
            return raised;
        }
    }
    vm.raise(exception)
}

/// An error of the compiler as a Python exception.
pub fn compile_error(vm: &Vm, error: &CompileError, _source: &str, filename: &Object) -> Raised {
    let class: &Type = match error.kind {
        CompileKind::Syntax => &exc::SYNTAX_ERROR,
        CompileKind::Indentation => &exc::INDENTATION_ERROR,
        CompileKind::Tab => &exc::TAB_ERROR,
        CompileKind::Incomplete => &exc::_INCOMPLETE_INPUT_ERROR,
        CompileKind::Recursion => return vm.recursion_error(&error.message),
        CompileKind::Overflow => return vm.overflow_error(&error.message),
        CompileKind::Memory => return vm.error(&exc::MEMORY_ERROR, &error.message),
        CompileKind::Value => return vm.value_error(&error.message),
    };
    match error.location {
        Some(l) => {
            located_error(vm, class, &error.message, filename, l.line, (l.column, l.end_line, l.end_column))
        }
        None => vm.error(class, &error.message),
    }
}

/// A SyntaxError at a place; its text is read from the file.
fn located_error(
    vm: &Vm,
    class: &Type,
    message: &str,
    filename: &Object,
    line: u32,
    (column, end_line, end_column): (u32, u32, u32),
) -> Raised {
    let text = line_of_file(&vm.str_lossy(filename), line);
    let place = vec![
        filename.clone(),
        vm.int(line as i64),
        vm.int(column as i64),
        text.map_or(Object::NONE, |text| vm.str(&text)),
        vm.int(end_line as i64),
        vm.int(end_column as i64),
    ];
    vm.error_with(class, vec![vm.str(message), vm.tuple(place)])
}

/// Line `number` of a file, as it is.
fn line_of_file(filename: &str, number: u32) -> Option<String> {
    if filename.starts_with('<') || number == 0 {
        return None;
    }
    let bytes = std::fs::read(filename).ok()?;
    let text = match taipan_syntax::decode_source(&bytes) {
        Ok(Decoded::Text(text)) => text,
        _ => String::from_utf8_lossy(&bytes),
    };
    text.split_inclusive('\n').nth(number as usize - 1).map(str::to_string)
}

/// Issues a warning of the front end; one that is an error becomes a SyntaxError.
pub fn warn(
    vm: &Vm,
    category: &Type,
    message: &str,
    line: u32,
    columns: Option<(u32, u32, u32)>,
    source: &str,
    request: &Request<'_>,
) -> Result<()> {
    let result = vm.warn_explicit(category, message, request.filename, line as i64);
    match vm.swallow(result, category)? {
        Some(()) => Ok(()),
        None => {
            let columns = columns.unwrap_or((1, line, 1));
            let _ = source;
            // An error need not tell of the future.
            let message = &message.replacen(" Such sequences will not work in the future.", "", 1);
            Err(located_error(vm, &exc::SYNTAX_ERROR, message, request.filename, line, columns))
        }
    }
}
