//! Quickening: which general instruction a quickened one came from.

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
        LoadAttrInline | LoadAttrSlot | LoadAttrPlace | LoadAttrClass | LoadAttrProperty | LoadAttrModule | LoadAttrType
        | LoadAttrDict => LoadAttr,
        LoadMethodCached | LoadMethodModule | LoadMethodType => LoadMethod,
        StoreAttrInline | StoreAttrSlot => StoreAttr,
        LoadGlobalModule | LoadGlobalBuiltin => LoadGlobal,
        CallPython | CallNative | CallNativeDefaults | CallClass | CallBound => Call,
        CallMethodPython | CallMethodNative | CallMethodNativeDefaults => CallMethod,
        ForIterRange | ForIterList | ForIterTuple | ForIterGenerator => ForIter,
        GetItemList | GetItemTuple | GetItemDict => GetItem,
        other => other,
    }
}
