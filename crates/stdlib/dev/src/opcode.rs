//! `_opcode`: facts about the instructions of this interpreter, for `opcode`
//! and `dis`. It has registers, not a stack, so that no instruction has a
//! stack effect; the lists of intrinsics and operators are those that the
//! public modules document.

use taipan_bytecode::operands::{Use, operands};
use taipan_bytecode::{Instruction, Opcode};
use taipan_runtime::prelude::*;

/// The module.
pub static OPCODE: ModuleDef = ModuleDef {
    name: "_opcode",
    doc: "Opcode support module.",
    functions: &[
        MethodDef::new(
            "stack_effect(opcode, oparg=None, /, *, jump=None)",
            stack_effect,
            "Compute the stack effect of the opcode.",
        ),
        MethodDef::new(
            "is_valid(opcode)",
            |vm, args| answer(vm, args, |_| true),
            "Return True if opcode is valid, False otherwise.",
        ),
        MethodDef::new(
            "has_arg(opcode)",
            |vm, args| answer(vm, args, |op| op != Opcode::Nop),
            "Return True if the opcode uses its oparg, False otherwise.",
        ),
        MethodDef::new(
            "has_const(opcode)",
            |vm, args| answer(vm, args, |op| op == Opcode::LoadConst || op == Opcode::ReturnConst),
            "Return True if the opcode accesses a constant, False otherwise.",
        ),
        MethodDef::new(
            "has_name(opcode)",
            |vm, args| answer(vm, args, has_name),
            "Return True if the opcode accesses an attribute by name, False otherwise.",
        ),
        MethodDef::new(
            "has_jump(opcode)",
            |vm, args| answer(vm, args, has_jump),
            "Return True if the opcode has a jump target, False otherwise.",
        ),
        MethodDef::new(
            "has_free(opcode)",
            |vm, args| answer(vm, args, has_free),
            "Return True if the opcode accesses a free variable, False otherwise.\n\nNote that 'free' in this context refers to names in the current scope\nthat are referenced by inner scopes or names in outer scopes that are\nreferenced from this scope. It does not include references to global\nor builtin scopes.",
        ),
        MethodDef::new(
            "has_local(opcode)",
            |vm, args| answer(vm, args, |op| matches!(op, Opcode::DeleteLocal | Opcode::ClearLocal)),
            "Return True if the opcode accesses a local variable, False otherwise.",
        ),
        MethodDef::new(
            "has_exc(opcode)",
            |vm, args| answer(vm, args, |_| false),
            "Return True if the opcode sets an exception handler, False otherwise.",
        ),
        MethodDef::new(
            "get_specialization_stats()",
            |_, _| Ok(Object::NONE),
            "Return the specialization stats",
        ),
        MethodDef::new(
            "get_nb_ops()",
            |vm, _| {
                let rows = OPERATORS.iter().map(|(name, sign)| vm.tuple(vec![vm.str(name), vm.str(sign)]));
                Ok(vm.list(rows.collect()))
            },
            "Return array of symbols of binary ops.\n\nIndexed by the BINARY_OP oparg value.",
        ),
        MethodDef::new(
            "get_intrinsic1_descs()",
            |vm, _| names(vm, INTRINSICS_1),
            "Return a list of names of the unary intrinsics.",
        ),
        MethodDef::new(
            "get_intrinsic2_descs()",
            |vm, _| names(vm, INTRINSICS_2),
            "Return a list of names of the binary intrinsics.",
        ),
        MethodDef::new(
            "get_special_method_names()",
            |vm, _| names(vm, "__enter__ __exit__ __aenter__ __aexit__"),
            "Return a list of special method names.",
        ),
        MethodDef::new(
            "get_executor(code, offset)",
            |_, _| Ok(Object::NONE),
            "Return the executor object at offset in code if exists, None otherwise.",
        ),
    ],
    types: &[],
    init: Some(|vm, module| {
        vm.set_attr_str(module, "ENABLE_SPECIALIZATION", &Object::TRUE)?;
        vm.set_attr_str(module, "ENABLE_SPECIALIZATION_FT", &Object::TRUE)
    }),
};

const INTRINSICS_1: &str = "INTRINSIC_1_INVALID INTRINSIC_PRINT INTRINSIC_IMPORT_STAR \
    INTRINSIC_STOPITERATION_ERROR INTRINSIC_ASYNC_GEN_WRAP INTRINSIC_UNARY_POSITIVE INTRINSIC_LIST_TO_TUPLE \
    INTRINSIC_TYPEVAR INTRINSIC_PARAMSPEC INTRINSIC_TYPEVARTUPLE INTRINSIC_SUBSCRIPT_GENERIC INTRINSIC_TYPEALIAS";
const INTRINSICS_2: &str = "INTRINSIC_2_INVALID INTRINSIC_PREP_RERAISE_STAR INTRINSIC_TYPEVAR_WITH_BOUND \
    INTRINSIC_TYPEVAR_WITH_CONSTRAINTS INTRINSIC_SET_FUNCTION_TYPE_PARAMS INTRINSIC_SET_TYPEPARAM_DEFAULT";

const OPERATORS: [(&str, &str); 27] = [
    ("NB_ADD", "+"),
    ("NB_AND", "&"),
    ("NB_FLOOR_DIVIDE", "//"),
    ("NB_LSHIFT", "<<"),
    ("NB_MATRIX_MULTIPLY", "@"),
    ("NB_MULTIPLY", "*"),
    ("NB_REMAINDER", "%"),
    ("NB_OR", "|"),
    ("NB_POWER", "**"),
    ("NB_RSHIFT", ">>"),
    ("NB_SUBTRACT", "-"),
    ("NB_TRUE_DIVIDE", "/"),
    ("NB_XOR", "^"),
    ("NB_INPLACE_ADD", "+="),
    ("NB_INPLACE_AND", "&="),
    ("NB_INPLACE_FLOOR_DIVIDE", "//="),
    ("NB_INPLACE_LSHIFT", "<<="),
    ("NB_INPLACE_MATRIX_MULTIPLY", "@="),
    ("NB_INPLACE_MULTIPLY", "*="),
    ("NB_INPLACE_REMAINDER", "%="),
    ("NB_INPLACE_OR", "|="),
    ("NB_INPLACE_POWER", "**="),
    ("NB_INPLACE_RSHIFT", ">>="),
    ("NB_INPLACE_SUBTRACT", "-="),
    ("NB_INPLACE_TRUE_DIVIDE", "/="),
    ("NB_INPLACE_XOR", "^="),
    ("NB_SUBSCR", "[]"),
];

fn names(vm: &Vm, text: &str) -> Result {
    Ok(vm.list(text.split_whitespace().map(|name| vm.str(name)).collect()))
}

/// What `test` says of the instruction; False where there is none.
fn answer(vm: &Vm, args: &[Object], test: impl FnOnce(Opcode) -> bool) -> Result {
    let number = vm.to_c_int(&args[0])?;
    let op = u8::try_from(number).ok().and_then(Opcode::from_byte);
    Ok(Object::bool(op.is_some_and(test)))
}

fn stack_effect(vm: &Vm, args: &[Object]) -> Result {
    vm.to_c_int(&args[0])?;
    if let Some(argument) = args[1].some() {
        vm.to_c_int(argument)?;
    }
    if !args[2].is_none() && !args[2].is(Value::TRUE) && !args[2].is(Value::FALSE) {
        return Err(vm.value_error("stack_effect: jump must be False, True or None"));
    }
    Err(vm.value_error("invalid opcode or oparg"))
}

fn uses(op: Opcode) -> taipan_bytecode::operands::Operands {
    operands(Instruction::new(op, 0, 0, 0, 0), op, 0)
}

fn has_name(op: Opcode) -> bool {
    let calls = matches!(op, Opcode::Call | Opcode::CallKw | Opcode::CallMethod | Opcode::CallMethodKw);
    uses(op).c == Use::Cache && !calls
}

fn has_jump(op: Opcode) -> bool {
    op == Opcode::ForIter || uses(op).jump
}

fn has_free(op: Opcode) -> bool {
    use Opcode::*;
    matches!(op, MakeCell | LoadDeref | StoreDeref | DeleteDeref | LoadFromDictOrDeref)
}
