//! What the operands of each instruction are: the table's prose as data, for the
//! disassembler and the verifier.

use crate::instruction::{Instruction, flags};
use crate::opcode::Opcode;

/// How one operand is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// Not at all.
    No,
    /// Register written.
    Write,
    /// This register and the next are written.
    WritePair,
    /// `n` registers from here are written.
    WriteMany(u32),
    /// Source, with its TEMP and CONST flags.
    Source,
    /// Register read, which stays alive.
    Keep,
    /// `n` temps from here are read and die.
    Consume(u32),
    /// Register read and then written (dies in between).
    ReadWrite,
    /// The register pair here is read and stays alive.
    KeepPair,
    /// Becomes unbound.
    Clear,
    /// Index of a cache.
    Cache,
    /// A plain number.
    Number,
}

/// The operands of an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operands {
    /// Operand `a`.
    pub a: Use,
    /// Operand `b`.
    pub b: Use,
    /// Operand `c`.
    pub c: Use,
    /// `b` and `c` are one jump distance.
    pub jump: bool,
    /// `b` and `c` are one index of a constant.
    pub constant: bool,
}

/// Whether the flags byte of `op` is a count, not flags.
pub fn flags_are_count(op: Opcode) -> bool {
    use Opcode::*;
    matches!(op, Call | CallMethod | CallKw | CallMethodKw | MatchClass)
}

/// Operands of an instruction; `argc` is what its call cache says, if it has one.
pub fn operands(ins: Instruction, op: Opcode, argc: u32) -> Operands {
    use Opcode::*;
    use Use::*;
    let c = ins.c() as u32;
    let of = |a, b, c| Operands { a, b, c, jump: false, constant: false };
    let jump = |a| Operands { a, b: No, c: No, jump: true, constant: false };
    let wide = |a| Operands { a, b: Number, c: No, jump: false, constant: true };
    match op {
        Nop | ReturnGenerator => of(No, No, No),
        Move => of(Write, Source, No),
        Move2 => of(WritePair, Source, Source),
        LoadConst | MakeFunction => wide(Write),
        ReturnConst => wide(No),
        Drop => of(Consume(1), No, No),
        DeleteLocal | ClearLocal => of(Clear, No, No),
        LoadGlobal | LoadName => of(Write, No, Cache),
        StoreGlobal | StoreName => of(No, Source, Cache),
        DeleteGlobal | DeleteName => of(No, No, Cache),
        LoadLocals | LoadBuildClass | LoadAssertionError => of(Write, No, No),
        LoadCommonConstant => of(Write, No, Number),
        MakeCell | DeleteDeref => of(Keep, No, No),
        LoadDeref => of(Write, Keep, No),
        StoreDeref => of(Keep, Source, No),
        LoadFromDictOrDeref => of(Write, Keep, Source),
        LoadFromDictOrGlobals => of(Write, Source, Cache),
        LoadAttr => of(Write, Source, Cache),
        LoadMethod => of(WritePair, Source, Cache),
        StoreAttr => of(Source, Source, Cache),
        DeleteAttr => of(No, Source, Cache),
        LoadSuperAttr if ins.has(flags::X) => of(WritePair, Consume(3), Cache),
        LoadSuperAttr => of(Write, Consume(3), Cache),
        SetItem => of(Source, Source, Source),
        DelItem => of(No, Source, Source),
        BuildSlice | BuildTuple | BuildList | BuildSet | BuildString => of(Write, Consume(c), Number),
        BuildMap => of(Write, Consume(2 * c), Number),
        GetSlice => of(Write, Source, Consume(2)),
        SetSlice => of(Source, Source, Consume(2)),
        GetItem | Add | Sub | Mul | MatMul | TrueDiv | FloorDiv | Mod | Pow | LShift | RShift | And | Or
        | Xor | InplaceAdd | InplaceSub | InplaceMul | InplaceMatMul | InplaceTrueDiv | InplaceFloorDiv
        | InplaceMod | InplacePow | InplaceLShift | InplaceRShift | InplaceAnd | InplaceOr | InplaceXor
        | Lt | Le | Eq | Ne | Gt | Ge | Is | IsNot | In | NotIn | FormatWithSpec | PrepareReraiseStar => {
            of(Write, Source, Source)
        }
        Negative | Positive | Invert | Not | ToBool | GetIter | GetAIter | ListToTuple | FormatSimple
        | GetYieldFromIter | Yield => of(Write, Source, No),
        ConvertValue | GetAwaitable | Intrinsic1 => of(Write, Source, Number),
        LoadSpecial => of(WritePair, Source, Number),
        Jump | JumpBack => jump(No),
        JumpIfFalse | JumpIfTrue | JumpIfNone | JumpIfNotNone => jump(Source),
        // Its fate differs between the two ways on: the verifier knows.
        ForIter => of(Keep, Write, Number),
        GetANext => of(Write, Keep, No),
        EndAsyncFor => of(Consume(1), Consume(1), No),
        UnpackSequence => of(WriteMany(c), Source, Number),
        UnpackEx => of(WriteMany((c & 255) + (c >> 8) + 1), Source, Number),
        ListAppend | SetAdd | ListExtend | SetUpdate | DictUpdate => of(Keep, Source, No),
        MapAdd => of(Keep, Source, Source),
        DictMerge => of(Keep, Source, Keep),
        BuildInterpolation => of(Write, Consume(2 + (c >> 2 & 1)), Number),
        BuildTemplate => of(Write, Consume(2), No),
        Call | CallKw => of(Write, Consume(1 + argc), Cache),
        CallMethod | CallMethodKw => of(Write, Consume(2 + argc), Cache),
        CallEx => of(Write, Consume(3), No),
        SetFunctionAttribute => of(Keep, Source, Number),
        Return => of(Source, No, No),
        YieldFrom => of(ReadWrite, Consume(1), No),
        ImportName => of(Write, Consume(2), Cache),
        ImportFrom => of(Write, Keep, Cache),
        ImportStar => of(No, Source, No),
        SetupAnnotations => of(No, No, No),
        WithExceptStart => of(Write, KeepPair, Keep),
        PushException => of(Write, Keep, No),
        PopException | Reraise => of(Consume(1), No, No),
        CheckExceptionMatch => of(Write, Keep, Source),
        CheckExceptionGroupMatch => of(WritePair, Keep, Source),
        Raise => {
            let from = ins.has(flags::FUSED);
            of(No, if ins.has(flags::X) { Source } else { No }, if from { Source } else { No })
        }
        MatchMapping | MatchSequence | GetLen => of(Write, Keep, No),
        MatchKeys => of(Write, Keep, Keep),
        MatchClass => of(Write, Keep, Consume(2)),
        MatchRest => of(Write, Keep, Source),
        Intrinsic2 => of(Write, Consume(2), Number),
        // Forms that only the running VM makes of the ones above.
        _ => of(No, No, No),
    }
}

/// Whether the compiler may emit `op`; the rest are quickened forms, which exist only in
/// the memory of a running VM and are refused when bytes are read.
pub fn is_basic(op: Opcode) -> bool {
    op as u8 <= Opcode::LoadCommonConstant as u8
}
