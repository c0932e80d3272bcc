//! `pyexpat`: XML parsers. The work is libexpat's, behind the `expat` crate;
//! here are the parser objects ([`parser`]), what becomes of its events
//! ([`events`]), and the two modules of constants.

mod events;
pub mod parser;

use taipan_expat as expat;
use taipan_runtime::prelude::*;
use taipan_runtime::support::{bad_argument, exception_class};
use taipan_runtime::types::exceptions;
use taipan_runtime::types::module::MODULE;

const ERROR: &str = "xml.parsers.expat.ExpatError";

/// The module.
pub static PYEXPAT: ModuleDef = ModuleDef {
    name: "pyexpat",
    doc: "Python wrapper for Expat parser.",
    functions: &[
        MethodDef::new(
            "ParserCreate(encoding=None, namespace_separator=None, intern=<unrepresentable>)",
            parser::create,
            "A new parser.",
        ),
        MethodDef::new(
            "ErrorString(code, /)",
            |vm, args| {
                let code = vm.to_i64(&args[0])?;
                let text = i32::try_from(code).ok().and_then(expat::error_text);
                Ok(text.map_or(Object::NONE, |text| vm.str(text)))
            },
            "The words for an error code.",
        ),
    ],
    types: &[&parser::PARSER],
    init: Some(init),
};

/// Names of the error codes, from 1 on.
const ERRORS: [&str; 44] = [
    "NO_MEMORY",
    "SYNTAX",
    "NO_ELEMENTS",
    "INVALID_TOKEN",
    "UNCLOSED_TOKEN",
    "PARTIAL_CHAR",
    "TAG_MISMATCH",
    "DUPLICATE_ATTRIBUTE",
    "JUNK_AFTER_DOC_ELEMENT",
    "PARAM_ENTITY_REF",
    "UNDEFINED_ENTITY",
    "RECURSIVE_ENTITY_REF",
    "ASYNC_ENTITY",
    "BAD_CHAR_REF",
    "BINARY_ENTITY_REF",
    "ATTRIBUTE_EXTERNAL_ENTITY_REF",
    "MISPLACED_XML_PI",
    "UNKNOWN_ENCODING",
    "INCORRECT_ENCODING",
    "UNCLOSED_CDATA_SECTION",
    "EXTERNAL_ENTITY_HANDLING",
    "NOT_STANDALONE",
    "UNEXPECTED_STATE",
    "ENTITY_DECLARED_IN_PE",
    "FEATURE_REQUIRES_XML_DTD",
    "CANT_CHANGE_FEATURE_ONCE_PARSING",
    "UNBOUND_PREFIX",
    "UNDECLARING_PREFIX",
    "INCOMPLETE_PE",
    "XML_DECL",
    "TEXT_DECL",
    "PUBLICID",
    "SUSPENDED",
    "NOT_SUSPENDED",
    "ABORTED",
    "FINISHED",
    "SUSPEND_PE",
    "RESERVED_PREFIX_XML",
    "RESERVED_PREFIX_XMLNS",
    "RESERVED_NAMESPACE_URI",
    "INVALID_ARGUMENT",
    "NO_BUFFER",
    "AMPLIFICATION_LIMIT_BREACH",
    "NOT_STARTED",
];

/// A module within this one.
fn submodule(vm: &Vm, parent: &Object, name: &str, doc: &str) -> Result {
    let full = vm.str(&format!("pyexpat.{name}"));
    let module = vm.call(&MODULE.to_object(), &[full.clone(), vm.str(doc)])?;
    vm.set_item(&vm.interp().modules, &full, &module)?;
    vm.set_attr_str(parent, name, &module)?;
    Ok(module)
}

fn init(vm: &Vm, module: &Object) -> Result<()> {
    vm.delete_attr(module, &vm.intern(parser::PARSER.name()))?;
    vm.set_attr_str(module, "XMLParserType", &parser::PARSER.to_object())?;
    let error = exception_class(vm, ERROR, "xml.parsers.expat", "ExpatError", &exc::EXCEPTION, None)?;
    vm.set_attr_str(module, "error", &error)?;
    vm.set_attr_str(module, "ExpatError", &error)?;
    vm.set_attr_str(module, "EXPAT_VERSION", &vm.str(expat::version_text()))?;
    let (major, minor, micro) = expat::version();
    let version = [major, minor, micro].map(|n| vm.int(n as i64));
    vm.set_attr_str(module, "version_info", &vm.tuple(version.to_vec()))?;
    vm.set_attr_str(module, "native_encoding", &vm.str("UTF-8"))?;
    let features = expat::features();
    let features =
        features.iter().map(|(name, value)| vm.tuple(vec![vm.str(name), vm.int(*value)])).collect();
    vm.set_attr_str(module, "features", &vm.list(features))?;
    for (name, value) in [("NEVER", 0), ("UNLESS_STANDALONE", 1), ("ALWAYS", 2)] {
        vm.set_attr_str(module, &format!("XML_PARAM_ENTITY_PARSING_{name}"), &vm.int(value))?;
    }
    let model = submodule(vm, module, "model", "Constants used to interpret content model information.")?;
    for (name, value) in [
        ("CTYPE_EMPTY", 1),
        ("CTYPE_ANY", 2),
        ("CTYPE_MIXED", 3),
        ("CTYPE_NAME", 4),
        ("CTYPE_CHOICE", 5),
        ("CTYPE_SEQ", 6),
        ("CQUANT_NONE", 0),
        ("CQUANT_OPT", 1),
        ("CQUANT_REP", 2),
        ("CQUANT_PLUS", 3),
    ] {
        vm.set_attr_str(&model, &format!("XML_{name}"), &vm.int(value))?;
    }
    let errors = submodule(vm, module, "errors", "Constants used to describe error conditions.")?;
    let (codes, messages) = (vm.new_dict(), vm.new_dict());
    for (code, name) in (1..).zip(ERRORS) {
        // The last one is younger than the oldest library that will do.
        let text = vm.str(expat::error_text(code).unwrap_or("parser not started"));
        let number = vm.int(code as i64);
        vm.set_attr_str(&errors, &format!("XML_ERROR_{name}"), &text)?;
        vm.set_item(&codes, &text, &number)?;
        vm.set_item(&messages, &number, &text)?;
    }
    vm.set_attr_str(&errors, "codes", &codes)?;
    vm.set_attr_str(&errors, "messages", &messages)
}

/// ExpatError with its three attributes.
#[cold]
fn raise(vm: &Vm, message: &str, code: i32, line: u64, column: u64) -> Raised {
    let build = || -> Result {
        let class = vm.shared(ERROR).ok_or_else(|| vm.system_error("pyexpat is not initialised"))?;
        let exception = vm.call(&class, &[vm.str(message)])?;
        for (name, value) in [("code", code as u64), ("offset", column), ("lineno", line)] {
            exceptions::set_attr_quietly(vm, &exception, name, vm.u64(value));
        }
        Ok(exception)
    };
    match build() {
        Ok(exception) => vm.raise_in_context(exception),
        Err(raised) => raised,
    }
}

/// A str or None as a C string.
pub fn optional_text(
    vm: &Vm,
    object: &Object,
    function: &str,
    which: &str,
) -> Result<Option<std::ffi::CString>> {
    if object.some().is_none() {
        return Ok(None);
    }
    if object.downcast::<Str>().is_none() {
        return Err(bad_argument(vm, function, which, "str or None", object));
    }
    let text = taipan_runtime::codecs::utf8::encode(vm, object, "strict")?;
    let text = std::ffi::CString::new(text).map_err(|_| vm.value_error("embedded null character"))?;
    Ok(Some(text))
}
