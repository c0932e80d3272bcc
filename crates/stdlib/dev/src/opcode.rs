//! `_opcode`: facts about the instructions of this interpreter, for `opcode`
//! and `dis`. It has registers, not a stack, so that no instruction has a
//! stack effect. Instructions carry CPython's names where they mean the same;
//! the table of names is here and nowhere else. What Python cannot know about
//! the words of a code object, `_decode` and `_caches` tell.

use taipan_bytecode::instruction::flags;
use taipan_bytecode::operands::{Use, flags_are_count, operands};
use taipan_bytecode::{CacheSpec, Constant, Instruction, Opcode};
use taipan_runtime::interp::quick::generic_opcode;
use taipan_runtime::prelude::*;
use taipan_runtime::types::code::Code;

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
        MethodDef::new("is_valid(opcode)", is_valid, "Return True if opcode is valid, False otherwise."),
        MethodDef::new(
            "has_arg(opcode)",
            |vm, args| match foreign(vm.to_c_int(&args[0])?) {
                Some(_) => Ok(Object::TRUE),
                None => answer(vm, args, has_arg),
            },
            "Return True if the opcode uses its oparg, False otherwise.",
        ),
        MethodDef::new(
            "has_const(opcode)",
            |vm, args| answer(vm, args, |op| matches!(op, Opcode::LoadConst | Opcode::MakeFunction)),
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
            |vm, args| answer(vm, args, has_local),
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
        MethodDef::new(
            "_instructions()",
            instructions,
            "The table of instructions: (name, number, name that stands for all of its kind, name\nof the form that is compiled), or None as the last where no code contains the instruction.",
        ),
        MethodDef::new(
            "_decode(codestring, counts, /)",
            decode,
            "The instructions of a codestring: (opcode, operands) each, an operand being (use,\nfirst, count). counts tells how many arguments the call of each cache has.",
        ),
        MethodDef::new(
            "_caches(code, /)",
            caches,
            "What the caches of a code object are for: a name, or the number of arguments of\na call and the names of the last ones.",
        ),
    ],
    types: &[],
    init: Some(|vm, module| {
        vm.set_attr_str(module, "ENABLE_SPECIALIZATION", &Object::TRUE)?;
        vm.set_attr_str(module, "ENABLE_SPECIALIZATION_FT", &Object::TRUE)
    }),
};

/// In the order of `taipan_bytecode::opcode::intrinsics`.
const INTRINSICS_1: &str = "INTRINSIC_1_INVALID INTRINSIC_PRINT INTRINSIC_STOPITERATION_ERROR \
    INTRINSIC_ASYNC_GEN_WRAP INTRINSIC_TYPEVAR INTRINSIC_PARAMSPEC INTRINSIC_TYPEVARTUPLE \
    INTRINSIC_SUBSCRIPT_GENERIC INTRINSIC_TYPEALIAS";
const INTRINSICS_2: &str = "INTRINSIC_2_INVALID INTRINSIC_TYPEVAR_WITH_BOUND \
    INTRINSIC_TYPEVAR_WITH_CONSTRAINTS INTRINSIC_SET_FUNCTION_TYPE_PARAMS INTRINSIC_SET_TYPEPARAM_DEFAULT";

/// Names of CPython's that stand for several instructions of ours, or that programs look
/// up; no code contains them, but for `RESUME`, which stands in `co_code` where a frame
/// begins. Numbered downwards from it.
const FOREIGN: [&str; 12] = [
    "RESUME",
    "BINARY_OP",
    "COMPARE_OP",
    "CONTAINS_OP",
    "IS_OP",
    "EXTENDED_ARG",
    "CACHE",
    "COPY_FREE_VARS",
    "LOAD_FAST",
    "LOAD_SMALL_INT",
    "SEND",
    "STORE_FAST",
];
const FIRST_FOREIGN: usize = taipan_runtime::types::code::RESUME as usize;

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

/// The name of an instruction in Python.
fn python_name(op: Opcode) -> String {
    use Opcode::*;
    let name = match op {
        Drop => "POP_TOP",
        DeleteLocal => "DELETE_FAST",
        GetItem => "BINARY_SUBSCR",
        SetItem => "STORE_SUBSCR",
        DelItem => "DELETE_SUBSCR",
        GetSlice => "BINARY_SLICE",
        SetSlice => "STORE_SLICE",
        Negative | Positive | Invert | Not => return format!("UNARY_{}", snake(op.name())),
        Add | Sub | Mul | MatMul | TrueDiv | FloorDiv | Mod | Pow | LShift | RShift | And | Or | Xor => {
            return format!("BINARY_{}", operator(op.name()));
        }
        InplaceAdd | InplaceSub | InplaceMul | InplaceMatMul | InplaceTrueDiv | InplaceFloorDiv
        | InplaceMod | InplacePow | InplaceLShift | InplaceRShift | InplaceAnd | InplaceOr | InplaceXor => {
            let name = op.name();
            return format!("INPLACE_{}", operator(name.strip_prefix("Inplace").unwrap_or(name)));
        }
        Lt | Le | Eq | Ne | Gt | Ge => return format!("COMPARE_{}", snake(op.name())),
        Is => "COMPARE_IS",
        IsNot => "COMPARE_IS_NOT",
        In => "CONTAINS",
        NotIn => "CONTAINS_NOT",
        Jump => "JUMP_FORWARD",
        JumpBack => "JUMP_BACKWARD",
        JumpIfFalse | JumpIfTrue | JumpIfNone | JumpIfNotNone => return format!("POP_{}", snake(op.name())),
        GetAIter => "GET_AITER",
        GetANext => "GET_ANEXT",
        CallEx => "CALL_FUNCTION_EX",
        Return => "RETURN_VALUE",
        Yield => "YIELD_VALUE",
        PushException => "PUSH_EXC_INFO",
        PopException => "POP_EXCEPT",
        CheckExceptionMatch => "CHECK_EXC_MATCH",
        CheckExceptionGroupMatch => "CHECK_EG_MATCH",
        PrepareReraiseStar => "PREP_RERAISE_STAR",
        Raise => "RAISE_VARARGS",
        Intrinsic1 => "CALL_INTRINSIC_1",
        Intrinsic2 => "CALL_INTRINSIC_2",
        _ => {
            // A quickened form begins with the name of the general one.
            let general = generic_opcode(op);
            return match op.name().strip_prefix(general.name()) {
                Some(rest) if general != op => format!("{}_{}", python_name(general), snake(rest)),
                _ => snake(op.name()),
            };
        }
    };
    name.to_string()
}

/// The instruction of CPython's that several of ours are kinds of.
fn family(op: Opcode) -> Option<&'static str> {
    use Opcode::*;
    Some(match op {
        LoadMethod => "LOAD_ATTR",
        CallMethod => "CALL",
        CallMethodKw => "CALL_KW",
        ReturnConst => "RETURN_VALUE",
        LoadAssertionError => "LOAD_COMMON_CONSTANT",
        Lt | Le | Eq | Ne | Gt | Ge => "COMPARE_OP",
        Is | IsNot => "IS_OP",
        In | NotIn => "CONTAINS_OP",
        GetItem | Add | Sub | Mul | MatMul | TrueDiv | FloorDiv | Mod | Pow | LShift | RShift | And | Or
        | Xor | InplaceAdd | InplaceSub | InplaceMul | InplaceMatMul | InplaceTrueDiv | InplaceFloorDiv
        | InplaceMod | InplacePow | InplaceLShift | InplaceRShift | InplaceAnd | InplaceOr | InplaceXor => {
            "BINARY_OP"
        }
        _ => return None,
    })
}

/// The operators whose names are longer in Python.
fn operator(name: &str) -> String {
    match name {
        "Sub" => "SUBTRACT".into(),
        "Mul" => "MULTIPLY".into(),
        "MatMul" => "MATRIX_MULTIPLY".into(),
        "TrueDiv" => "TRUE_DIVIDE".into(),
        "FloorDiv" => "FLOOR_DIVIDE".into(),
        "Mod" => "MODULO".into(),
        "Pow" => "POWER".into(),
        other => other.to_uppercase(),
    }
}

/// `LoadConst` as `LOAD_CONST`.
fn snake(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.push(c.to_ascii_uppercase());
    }
    out
}

fn instructions(vm: &Vm, _: &[Object]) -> Result {
    let mut rows = Vec::new();
    for op in Opcode::ALL {
        let (name, form) = (python_name(*op), python_name(generic_opcode(*op)));
        let general = family(generic_opcode(*op)).map_or(form.clone(), str::to_string);
        rows.push(vm.tuple(vec![vm.str(&name), vm.usize(*op as usize), vm.str(&general), vm.str(&form)]));
    }
    for (i, name) in FOREIGN.iter().enumerate() {
        rows.push(vm.tuple(vec![vm.str(name), vm.usize(FIRST_FOREIGN - i), vm.str(name), Object::NONE]));
    }
    Ok(vm.list(rows))
}

/// The general form of the instruction of a number.
fn opcode_of(vm: &Vm, number: &Object) -> Result<Option<Opcode>> {
    let number = vm.to_c_int(number)?;
    Ok(u8::try_from(number).ok().and_then(Opcode::from_byte).map(generic_opcode))
}

fn is_valid(vm: &Vm, args: &[Object]) -> Result {
    let known = foreign(vm.to_c_int(&args[0])?).is_some() || opcode_of(vm, &args[0])?.is_some();
    Ok(Object::bool(known))
}

/// The name of `FOREIGN` that has this number.
fn foreign(number: i32) -> Option<&'static str> {
    FOREIGN.get(FIRST_FOREIGN.checked_sub(usize::try_from(number).ok()?)?).copied()
}

/// What `test` says of the instruction; False where there is none.
fn answer(vm: &Vm, args: &[Object], test: impl FnOnce(Opcode) -> bool) -> Result {
    Ok(Object::bool(opcode_of(vm, &args[0])?.is_some_and(test)))
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

/// Is there an operand besides registers that are read and written?
fn has_arg(op: Opcode) -> bool {
    let o = uses(op);
    let telling = [o.a, o.b, o.c].iter().any(|operand| matches!(operand, Use::Number | Use::Cache));
    let known = matches!(op, Opcode::Raise | Opcode::LoadAssertionError | Opcode::MatchClass);
    op != Opcode::ReturnConst
        && (telling || known || has_jump(op) || o.constant || has_free(op) || has_local(op))
}

fn has_local(op: Opcode) -> bool {
    matches!(op, Opcode::DeleteLocal | Opcode::ClearLocal)
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

/// How `dis` is told what an operand is for.
struct Operands<'a> {
    vm: &'a Vm,
    rows: Vec<Object>,
}

impl Operands<'_> {
    fn push(&mut self, role: &str, first: i64, count: u32) {
        let vm = self.vm;
        self.rows.push(vm.tuple(vec![vm.str(role), vm.int(first), vm.int(count as i64)]));
    }
    fn register(&mut self, r: usize, operand: Use, is_constant: bool) {
        let first = r as i64;
        match operand {
            Use::No => {}
            Use::Source if is_constant => self.push("constant", first, 1),
            Use::Write => self.push("write", first, 1),
            Use::WritePair => self.push("write", first, 2),
            Use::WriteMany(count) => self.push("write", first, count),
            Use::Source | Use::Keep => self.push("read", first, 1),
            Use::KeepPair => self.push("read", first, 2),
            Use::Consume(count) => self.push("read", first, count),
            Use::ReadWrite => {
                self.push("write", first, 1);
                self.push("read", first, 1);
            }
            Use::Clear => self.push("clear", first, 1),
            Use::Cache => self.push("cache", first, 1),
            Use::Number => self.push("number", first, 1),
        }
    }
}

fn decode(vm: &Vm, args: &[Object]) -> Result {
    let words: Vec<u64> = {
        let bytes = vm.bytes_like(&args[0], "_decode")?;
        bytes
            .bytes()
            .chunks_exact(8)
            .map(|word| word.iter().rev().fold(0, |n, b| n << 8 | *b as u64))
            .collect()
    };
    let Some(counts) = args[1].downcast::<Tuple>() else {
        return Err(vm.type_error("_decode() argument 2 must be tuple"));
    };
    let counts = counts.items().iter().map(|n| vm.to_c_int(n)).collect::<Result<Vec<_>>>()?;
    let mut out = Vec::with_capacity(words.len());
    for ins in words.into_iter().map(Instruction) {
        let mut o = Operands { vm, rows: Vec::new() };
        if let Some(op) = ins.opcode().map(generic_opcode) {
            let counted = flags_are_count(op);
            let known = counted && op != Opcode::MatchClass;
            let argc = if known { counts.get(ins.c()).map_or(0, |n| (*n).max(0) as u32) } else { 0 };
            let uses = operands(ins, op, argc);
            let constant = |flag: u8| !counted && ins.has(flag);
            o.register(ins.a(), uses.a, false);
            if uses.jump {
                o.push("jump", ins.bc() as i64, 1);
            } else if uses.constant {
                o.push("constant", ins.bc() as u32 as i64, 1);
            } else if op == Opcode::ForIter {
                o.register(ins.b(), uses.b, false);
                o.push("jump", -(ins.c() as i64), 1);
            } else {
                o.register(ins.b(), uses.b, constant(flags::B_CONST));
                o.register(ins.c(), uses.c, constant(flags::C_CONST));
            }
            if op == Opcode::MatchClass {
                o.push("number", ins.flags() as i64, 1);
            }
        }
        out.push(vm.tuple(vec![vm.usize(ins.op_byte() as usize), vm.tuple(o.rows)]));
    }
    Ok(vm.list(out))
}

fn caches(vm: &Vm, args: &[Object]) -> Result {
    let Some(code) = args[0].downcast_exact::<Code>() else {
        return Err(vm.type_error(format!("_caches() argument must be code, not {}", args[0].ty().name())));
    };
    let unit = code.to_unit(vm);
    let text = |constant: Option<&Constant>| match constant {
        Some(Constant::Str(bytes)) => taipan_runtime::types::str::from_wtf8(vm, bytes),
        _ => Object::NONE,
    };
    let row = |spec: &CacheSpec| match *spec {
        CacheSpec::Name(i) => text(unit.constants.get(i as usize)),
        CacheSpec::Call { argc, kwnames } => {
            let names = match kwnames.and_then(|i| unit.constants.get(i as usize)) {
                Some(Constant::Tuple(names)) => names.iter().map(|name| text(Some(name))).collect(),
                _ => Vec::new(),
            };
            vm.tuple(vec![vm.int(argc as i64), vm.tuple(names)])
        }
    };
    Ok(vm.list(unit.caches.iter().map(row).collect()))
}
