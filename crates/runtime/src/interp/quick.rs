//! Quickening: which general instruction a quickened one came from.

use taipan_bytecode::instruction::flags;
use taipan_bytecode::{Instruction, Opcode};

/// The instruction as the compiler wrote it.
pub fn generic(ins: Instruction) -> Instruction {
    match ins.opcode() {
        Some(op) => ins.with_op(generic_opcode(op)),
        None => ins,
    }
}

/// The general form of an opcode.
pub fn generic_opcode(op: Opcode) -> Opcode {
    use Opcode::*;
    match op {
        LoadAttrInline | LoadAttrSlot | LoadAttrPlace | LoadAttrOfTemporary | LoadAttrClass
        | LoadAttrProperty | LoadAttrModule | LoadAttrType | LoadAttrDict | LoadAttrGetSet => LoadAttr,
        LoadMethodCached | LoadMethodLocal | LoadMethodOfTemporary | LoadMethodModule | LoadMethodType => {
            LoadMethod
        }
        StoreAttrInline | StoreAttrSlot => StoreAttr,
        LoadGlobalModule | LoadGlobalBuiltin => LoadGlobal,
        CallPython | CallPythonFar | CallMakes | CallNative | CallNativeDefaults | CallClass | CallBound => {
            Call
        }
        CallMethodPython
        | CallMethodPythonFar
        | CallMethodMakes
        | CallMethodBound
        | CallMethodBuiltin
        | CallMethodNative
        | CallMethodNativeDefaults => CallMethod,
        ForIterRange | ForIterList | ForIterTuple | ForIterGenerator | ForIterNative => ForIter,
        GetItemList
        | GetItemListVariables
        | GetItemListConstant
        | GetItemListTemporary
        | GetItemTuple
        | GetItemTupleTemporary
        | GetItemTupleVariables
        | GetItemTupleConstant
        | GetItemDict => GetItem,
        AddRegisters | AddConst => Add,
        SubRegisters | SubConst => Sub,
        InplaceAddRegisters | InplaceAddConst => InplaceAdd,
        InplaceSubRegisters | InplaceSubConst => InplaceSub,
        LtRegisters | LtConst => Lt,
        LeRegisters | LeConst => Le,
        EqRegisters | EqConst => Eq,
        NeRegisters | NeConst => Ne,
        GtRegisters | GtConst => Gt,
        GeRegisters | GeConst => Ge,
        other => other,
    }
}

/// The form of an instruction for the kinds of operands it has, which are known
/// when the code is made.
pub fn for_operands(ins: Instruction) -> Instruction {
    use Opcode::*;
    let forms = match ins.opcode() {
        Some(Add) => (AddRegisters, AddConst),
        Some(Sub) => (SubRegisters, SubConst),
        Some(InplaceAdd) => (InplaceAddRegisters, InplaceAddConst),
        Some(InplaceSub) => (InplaceSubRegisters, InplaceSubConst),
        Some(Lt) => (LtRegisters, LtConst),
        Some(Le) => (LeRegisters, LeConst),
        Some(Eq) => (EqRegisters, EqConst),
        Some(Ne) => (NeRegisters, NeConst),
        Some(Gt) => (GtRegisters, GtConst),
        Some(Ge) => (GeRegisters, GeConst),
        _ => return ins,
    };
    match (ins.has(flags::B_CONST), ins.has(flags::C_CONST)) {
        (false, false) => ins.with_op(forms.0),
        (false, true) => ins.with_op(forms.1),
        _ => ins,
    }
}
