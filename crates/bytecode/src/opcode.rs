//! The instruction table: one row an instruction, with its meaning.
//!
//! Notation: `r[x]` is register x of the frame, `R` a result stored over the
//! old content of `r[a]`, `B`/`C` the source operands b/c: a register (which
//! dies if `B_TEMP`/`C_TEMP` is set) or, with `B_CONST`/`C_CONST`, a constant.
//! `name(c)`: the string constant that cache `c` was made with. "temps
//! b..b+n": n consecutive registers, all of which die. Sources that are not
//! said to die and have no TEMP flag are only borrowed.
//!
//! Invariants of a frame:
//! * registers below `first_temp` are the named ones (`CodeUnit::locals`);
//!   unbound ones hold the word UNBOUND. Reading an UNBOUND local as an
//!   operand of any instruction raises UnboundLocalError (or NameError for
//!   free variables): the compiler never needs to emit a check.
//! * temporaries are a stack: used from `first_temp` upwards, each written
//!   once and consumed once. A register that is dead never holds a pointer.
//! * an instruction that raises has consumed what it would have consumed.

macro_rules! opcodes {
    ($($(#[doc = $doc:literal])+ $name:ident,)+) => {
        /// An instruction's opcode; see the module text for the notation.
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
        #[repr(u8)]
        pub enum Opcode { $($(#[doc = $doc])+ $name,)+ }
        impl Opcode {
            /// The first quickened form; compiled code has only opcodes below it.
            pub const FIRST_QUICK: u8 = Opcode::LoadAttrInline as u8;
            pub const ALL: &'static [Opcode] = &[$(Opcode::$name,)+];
            pub const NAMES: &'static [&'static str] = &[$(stringify!($name),)+];
            /// The opcode of a byte, if there is one.
            #[inline]
            pub fn from_byte(byte: u8) -> Option<Opcode> { Self::ALL.get(byte as usize).copied() }
            /// Does it lead to the place that its wide operand names?
            pub fn is_jump(self) -> bool {
                use Opcode::*;
                matches!(self, Jump | JumpBack | JumpIfFalse | JumpIfTrue | JumpIfNone | JumpIfNotNone)
            }
            pub fn name(self) -> &'static str { Self::NAMES[self as usize] }
        }
    };
}

opcodes! {
    /// Nothing.
    Nop,
    // ---- registers -------------------------------------------------------
    /// R = B. Without B_TEMP it is a copy (also of a temp that stays alive).
    Move,
    /// r[a] = B; r[a+1] = C. Two `Move`s at once (flags for each).
    Move2,
    /// R = constants[bc].
    LoadConst,
    /// The temporary r[a] dies.
    Drop,
    /// `del` of the local r[a]: it becomes UNBOUND; UnboundLocalError if it is.
    DeleteLocal,
    /// The local r[a] becomes UNBOUND, whether it was bound or not.
    ClearLocal,
    // ---- names -----------------------------------------------------------
    /// R = globals or builtins [name(c)]; NameError.
    LoadGlobal,
    /// globals[name(c)] = B.
    StoreGlobal,
    /// del globals[name(c)]; NameError.
    DeleteGlobal,
    /// R = locals, globals or builtins [name(c)] (class bodies, modules, exec).
    LoadName,
    /// locals[name(c)] = B.
    StoreName,
    /// del locals[name(c)]; NameError.
    DeleteName,
    /// R = the frame's locals mapping (class bodies, modules).
    LoadLocals,
    /// r[a] becomes a cell holding what r[a] held (or empty if UNBOUND).
    MakeCell,
    /// R = content of the cell in r[b]; UnboundLocalError/NameError if empty.
    LoadDeref,
    /// content of the cell in r[a] = B.
    StoreDeref,
    /// The cell in r[a] becomes empty; error if it is.
    DeleteDeref,
    /// R = mapping C [name of local register b], else content of cell r[b].
    /// (Class bodies and annotation scopes reading an enclosing variable.)
    LoadFromDictOrDeref,
    /// R = mapping B [name(c)], else as LoadGlobal. (Annotation scopes in classes.)
    LoadFromDictOrGlobals,
    // ---- attributes and items ---------------------------------------------
    /// R = getattr(B, name(c)).
    LoadAttr,
    /// Ready a method call: r[a] = function and r[a+1] = B's object, or
    /// r[a] = getattr(B, name(c)) and r[a+1] = UNBOUND. Then CallMethod.
    LoadMethod,
    /// setattr(r[a] (A_TEMP), name(c), B).
    StoreAttr,
    /// delattr(B, name(c)).
    DeleteAttr,
    /// `super().name`: temps b, b+1, b+2 hold `super`, the class, the first
    /// argument. R = the attribute name(c). With X: as LoadMethod into r[a], r[a+1].
    /// The `super` found is called with no arguments if B_CONST is NOT set and
    /// flags has FUSED (zero-argument form); matters only if `super` was replaced.
    LoadSuperAttr,
    /// R = B[C].
    GetItem,
    /// r[a](A_TEMP)[B] = C.
    SetItem,
    /// del B[C].
    DelItem,
    /// R = slice from the c (2 or 3) temps b..b+c.
    BuildSlice,
    /// R = B[start:stop], temps c and c+1 hold start and stop.
    GetSlice,
    /// r[a](A_TEMP)[start:stop] = B, temps c and c+1 hold start and stop.
    SetSlice,
    // ---- operators ---------------------------------------------------------
    /// R = B + C, and so on.
    Add,
    /// R = B - C.
    Sub,
    /// R = B * C.
    Mul,
    /// R = B @ C.
    MatMul,
    /// R = B / C.
    TrueDiv,
    /// R = B // C.
    FloorDiv,
    /// R = B % C.
    Mod,
    /// R = B ** C.
    Pow,
    /// R = B << C.
    LShift,
    /// R = B >> C.
    RShift,
    /// R = B & C.
    And,
    /// R = B | C.
    Or,
    /// R = B ^ C.
    Xor,
    /// R = (B += C), and so on for the augmented assignments.
    InplaceAdd,
    /// R = (B -= C).
    InplaceSub,
    /// R = (B *= C).
    InplaceMul,
    /// R = (B @= C).
    InplaceMatMul,
    /// R = (B /= C).
    InplaceTrueDiv,
    /// R = (B //= C).
    InplaceFloorDiv,
    /// R = (B %= C).
    InplaceMod,
    /// R = (B **= C).
    InplacePow,
    /// R = (B <<= C).
    InplaceLShift,
    /// R = (B >>= C).
    InplaceRShift,
    /// R = (B &= C).
    InplaceAnd,
    /// R = (B |= C).
    InplaceOr,
    /// R = (B ^= C).
    InplaceXor,
    /// R = -B.
    Negative,
    /// R = +B.
    Positive,
    /// R = ~B.
    Invert,
    /// R = not B. May be FUSED.
    Not,
    /// R = bool(B).
    ToBool,
    /// R = B < C. All comparisons may be FUSED.
    Lt,
    /// R = B <= C.
    Le,
    /// R = B == C.
    Eq,
    /// R = B != C.
    Ne,
    /// R = B > C.
    Gt,
    /// R = B >= C.
    Ge,
    /// R = B is C.
    Is,
    /// R = B is not C.
    IsNot,
    /// R = B in C.
    In,
    /// R = B not in C.
    NotIn,
    // ---- jumps (targets are relative to the next instruction) ---------------
    /// ip += bc.
    Jump,
    /// ip += bc (backward); polls the eval breaker. Closes `while` loops.
    JumpBack,
    /// if not r[a] (A_TEMP): ip += bc.
    JumpIfFalse,
    /// if r[a] (A_TEMP): ip += bc.
    JumpIfTrue,
    /// if r[a] (A_TEMP) is None: ip += bc.
    JumpIfNone,
    /// if r[a] (A_TEMP) is not None: ip += bc.
    JumpIfNotNone,
    // ---- iteration -----------------------------------------------------------
    /// R = iter(B).
    GetIter,
    /// Next item of the iterator in temp r[a]: R is r[b] = item, ip -= c (to the
    /// loop's body, polls the eval breaker). Exhausted: r[a] dies, go on.
    /// A loop is `GetIter t; Jump L; body: ...; L: ForIter t, dst, body`.
    ForIter,
    /// R = aiter(B).
    GetAIter,
    /// R = awaitable of anext of the async iterator r[b] (which stays alive).
    GetANext,
    /// In a handler: if r[b] is StopAsyncIteration, r[a] (the async iterator) and
    /// r[b] die; else r[b] is raised again (both die).
    EndAsyncFor,
    /// Temps a..a+c = the c items of B; ValueError on another count.
    UnpackSequence,
    /// Temps a.. = (c & 255) items, a list of the middle, (c >> 8) items of B.
    UnpackEx,
    // ---- building -------------------------------------------------------------
    /// R = tuple of temps b..b+c.
    BuildTuple,
    /// R = list of temps b..b+c.
    BuildList,
    /// R = set of temps b..b+c.
    BuildSet,
    /// R = dict of the c pairs in temps b..b+2c.
    BuildMap,
    /// R = concatenation of the c strs in temps b..b+c.
    BuildString,
    /// r[a] (a list, stays alive).append(B).
    ListAppend,
    /// r[a] (a set, stays alive).add(B).
    SetAdd,
    /// r[a] (a dict, stays alive)[B] = C.
    MapAdd,
    /// r[a] (a list, stays alive).extend(B), with the message of `[*x]`.
    ListExtend,
    /// r[a] (a set, stays alive).update(B).
    SetUpdate,
    /// r[a] (a dict, stays alive).update(B); TypeError "'X' object is not a mapping".
    DictUpdate,
    /// As DictUpdate for `f(**x)`: duplicates raise TypeError naming the
    /// callable in r[c] (which stays alive).
    DictMerge,
    /// R = tuple(list B) (B is a fresh list).
    ListToTuple,
    /// R = format(B, "") (B itself if it is exactly a str).
    FormatSimple,
    /// R = format(B, C).
    FormatWithSpec,
    /// R = str (c=1), repr (c=2) or ascii (c=3) of B.
    ConvertValue,
    /// R = Interpolation of temps b (value), b+1 (source text) and, if c & 4,
    /// b+2 (format spec); conversion c & 3 as in ConvertValue (0 none).
    BuildInterpolation,
    /// R = Template of temps b (tuple of strs), b+1 (tuple of interpolations).
    BuildTemplate,
    // ---- calls. b is the base of the call window; its temps all die. ------------
    // flags byte = number of arguments, or 255 if the cache's `argc` tells it.
    /// R = r[b](args in b+1..).  c = cache with CacheSpec::Call.
    Call,
    /// As Call after LoadMethod: callable r[b], self or UNBOUND r[b+1], args in b+2...
    CallMethod,
    /// As Call; the last arguments are keyword arguments (names in the cache).
    CallKw,
    /// As CallMethod; the last arguments are keyword arguments.
    CallMethodKw,
    /// R = r[b](*r[b+1], **r[b+2]); r[b+1] any iterable (flag X: surely a tuple),
    /// r[b+2] a dict or UNBOUND-ed by ClearLocal when there is none. c unused.
    CallEx,
    // ---- functions, classes, imports ---------------------------------------------
    /// R = function of the code constant bc with the frame's globals.
    MakeFunction,
    /// Function in r[a] (stays alive): set from B: c = 1 defaults tuple,
    /// 2 kwdefaults dict, 8 closure tuple (of cells), 16 __annotate__ function.
    SetFunctionAttribute,
    /// Return r[a] to the caller (a local is moved out).
    Return,
    /// Return constants[bc].
    ReturnConst,
    /// First instruction of generator-like functions: make the generator,
    /// coroutine or async generator of this frame and return it.
    ReturnGenerator,
    /// Yield B; on resumption R = the value sent.
    Yield,
    /// Delegate to the iterator in temp r[b]: r[a] holds the value to send (None
    /// at first). If it yields, yield that, and on resumption r[a] = value sent
    /// and this instruction runs again. When it ends: r[a] = its value, r[b] dies.
    /// throw() and close() of the generator are passed on to r[b].
    YieldFrom,
    /// R = iterator for `yield from` B (generators as they are; coroutine rules).
    GetYieldFromIter,
    /// R = awaitable iterator of B; c = 0, or 1/2 for the words of `async with`
    /// ("... from __aenter__/__aexit__").
    GetAwaitable,
    /// R = builtins.__build_class__.
    LoadBuildClass,
    /// R = the AssertionError class.
    LoadAssertionError,
    /// R = import of name(c): temps b (level), b+1 (fromlist).
    ImportName,
    /// R = name(c) from the module r[b] (stays alive); ImportError.
    ImportFrom,
    /// `from B import *` into the frame's locals.
    ImportStar,
    /// Make `__annotations__` in the frame's locals if it is not there.
    SetupAnnotations,
    // ---- with, exceptions ------------------------------------------------------------
    /// Special method of B, looked up on its type: c = 0 __enter__, 1 __exit__,
    /// 2 __aenter__, 3 __aexit__: r[a] = function, r[a+1] = self or UNBOUND.
    /// TypeError in the words of `with` / `async with`.
    LoadSpecial,
    /// R = exit(type(e), e, e.__traceback__) with the pair r[b], r[b+1] (stays
    /// alive) and the exception in r[c] (stays alive).
    WithExceptStart,
    /// r[a] = the exception being handled so far (None if none); from now on it
    /// is r[b] (which stays alive).
    PushException,
    /// The exception being handled is again the one in temp r[a], which dies.
    PopException,
    /// R = does r[b] (an exception, stays alive) match C (class or tuple)? May be FUSED.
    CheckExceptionMatch,
    /// `except*`: split the exception r[b] (stays alive) by C: r[a] = matching
    /// part or None, r[a+1] = rest or None.
    CheckExceptionGroupMatch,
    /// R = the group to raise after `except*` blocks, or None: B the original
    /// exception, C the list of those raised or unhandled.
    PrepareReraiseStar,
    /// raise: flags X clear: bare `raise`; X set: raise B, and with FUSED `from C`.
    Raise,
    /// Raise the exception in temp r[a] again, traceback as it is.
    Reraise,
    // ---- pattern matching ------------------------------------------------------------
    /// R = is r[b] (stays alive) a mapping (in the sense of PEP 634)? May be FUSED.
    MatchMapping,
    /// R = is r[b] (stays alive) a sequence? May be FUSED.
    MatchSequence,
    /// R = tuple of the values in r[b] (stays alive) of the keys in tuple r[c]
    /// (stays alive), or None if one is missing.
    MatchKeys,
    /// R = tuple of attributes or None: subject r[b] (stays alive), temps c
    /// (class), c+1 (tuple of keyword names); flags byte = number of positional patterns.
    MatchClass,
    /// R = len(r[b]) (r[b] stays alive).
    GetLen,
    /// R = copy of mapping r[b] (stays alive) without the keys in tuple C. (`**rest`)
    MatchRest,
    // ---- rare things --------------------------------------------------------------------
    /// R = intrinsic number c of B: see `intrinsics`.
    Intrinsic1,
    /// R = intrinsic number c of temps b, b+1.
    Intrinsic2,
    /// R = builtin object number c, whatever the builtins module holds now:
    /// 0 NotImplementedError.
    LoadCommonConstant,
    // ---- quickened forms: written by the loop over the general ones, never by the
    // compiler. Operands are the same; the cache holds what was observed.
    /// LoadAttr of an inline value: type version, offset.
    LoadAttrInline,
    /// LoadAttr of a `__slots__` member: type version, offset.
    LoadAttrSlot,
    /// LoadAttrInline or LoadAttrSlot of a local's object into a temporary.
    LoadAttrPlace,
    /// The same of a temporary's object.
    LoadAttrOfTemporary,
    /// LoadAttr of a plain value found on the object's type.
    LoadAttrClass,
    /// LoadAttr of a property with a Python getter.
    LoadAttrProperty,
    /// LoadAttr of a module's global: dict version, position.
    LoadAttrModule,
    /// LoadAttr of a class's own or inherited value (the object is a class).
    LoadAttrType,
    /// LoadAttr of an entry of the instance's `__dict__`: position hint.
    LoadAttrDict,
    /// LoadMethod of a function on the object's type.
    LoadMethodCached,
    /// LoadMethod on a module or class: cached as LoadAttrModule / LoadAttrType.
    LoadMethodModule,
    /// See LoadMethodModule.
    LoadMethodType,
    /// StoreAttr to an inline value.
    StoreAttrInline,
    /// StoreAttr to a `__slots__` member.
    StoreAttrSlot,
    /// LoadGlobal found in the globals: dict version, position.
    LoadGlobalModule,
    /// LoadGlobal found in the builtins: both dict versions, position.
    LoadGlobalBuiltin,
    /// Call of a Python function whose parameters the arguments fill, from code
    /// whose registers are on the stack.
    CallPython,
    /// Call of a builtin function with as many arguments as it has parameters.
    CallNative,
    /// CallNative where defaults fill the rest of the parameters.
    CallNativeDefaults,
    /// Call of a Python class whose `__init__` is a simple Python function.
    CallClass,
    /// Call of a bound method of a Python function.
    CallBound,
    /// CallMethod as CallPython.
    CallMethodPython,
    /// CallMethod of a builtin type's method, as CallNative.
    CallMethodNative,
    /// CallMethod as CallNativeDefaults.
    CallMethodNativeDefaults,
    /// ForIter over a range.
    ForIterRange,
    /// ForIter over a list.
    ForIterList,
    /// ForIter over a tuple.
    ForIterTuple,
    /// ForIter over a generator.
    ForIterGenerator,
    /// ForIter over another iterator.
    ForIterNative,
    /// GetItem of a list, by a small int.
    GetItemList,
    /// The same of a variable's list by a variable's value.
    GetItemListVariables,
    /// The same of a variable's list by a constant.
    GetItemListConstant,
    /// The same of a temporary list by a variable's value.
    GetItemListTemporary,
    /// GetItem of a tuple, by a small int.
    GetItemTuple,
    /// The same of a variable's tuple by a variable's value.
    GetItemTupleVariables,
    /// The same of a variable's tuple by a constant.
    GetItemTupleConstant,
    /// The same of a temporary tuple by a variable's value.
    GetItemTupleTemporary,
    /// GetItem of a dict.
    GetItemDict,
    // The kind of operands is known when the code is made.
    /// Add of two registers.
    AddRegisters,
    /// Add of a register and a constant.
    AddConst,
    /// Sub of two registers.
    SubRegisters,
    /// Sub of a register and a constant.
    SubConst,
    /// InplaceAdd of two registers.
    InplaceAddRegisters,
    /// InplaceAdd of a register and a constant.
    InplaceAddConst,
    /// InplaceSub of two registers.
    InplaceSubRegisters,
    /// InplaceSub of a register and a constant.
    InplaceSubConst,
    /// Lt of two registers.
    LtRegisters,
    /// Lt of a register and a constant.
    LtConst,
    /// Le of two registers.
    LeRegisters,
    /// Le of a register and a constant.
    LeConst,
    /// Eq of two registers.
    EqRegisters,
    /// Eq of a register and a constant.
    EqConst,
    /// Ne of two registers.
    NeRegisters,
    /// Ne of a register and a constant.
    NeConst,
    /// Gt of two registers.
    GtRegisters,
    /// Gt of a register and a constant.
    GtConst,
    /// Ge of two registers.
    GeRegisters,
    /// Ge of a register and a constant.
    GeConst,
    /// CallMethod of a bound method, which was loaded as it is.
    CallMethodBound,
    /// LoadMethodCached of a local's object that may have a `__dict__`.
    LoadMethodLocal,
    /// The same of a temporary's object.
    LoadMethodOfTemporary,
    /// CallPython from the code of a generator or coroutine, whose registers are in it.
    CallPythonFar,
    /// CallMethod as CallPythonFar.
    CallMethodPythonFar,
    /// Call of a function that makes a generator or coroutine, and does nothing else first.
    CallMakes,
    /// CallMethod of a builtin function that was found in a module or the like.
    CallMethodBuiltin,
    /// CallMethod as CallMakes.
    CallMethodMakes,
    /// LoadAttr by a getter of native code found on the object's type.
    LoadAttrGetSet,
    /// The first and only instruction of code that was not read yet: reads it and
    /// goes on with its first instruction.
    ReadBody,
}

/// Numbers of `Intrinsic1` and `Intrinsic2` (separate sequences).
pub mod intrinsics {
    /// `sys.displayhook(B)` (single mode).
    pub const PRINT: u16 = 1;
    /// A generator's frame raised: turn StopIteration (and StopAsyncIteration in
    /// an async generator) B into RuntimeError; result is the exception to raise.
    pub const STOP_ITERATION_ERROR: u16 = 2;
    /// Wrap the value an async generator yields.
    pub const ASYNC_GEN_WRAP: u16 = 3;
    /// TypeVar of name B.
    pub const TYPEVAR: u16 = 4;
    /// ParamSpec of name B.
    pub const PARAMSPEC: u16 = 5;
    /// TypeVarTuple of name B.
    pub const TYPEVARTUPLE: u16 = 6;
    /// `Generic[*B]`, B a tuple of type parameters.
    pub const SUBSCRIPT_GENERIC: u16 = 7;
    /// TypeAliasType from the tuple B = (name, type_params or None, evaluate function).
    pub const TYPEALIAS: u16 = 8;

    /// TypeVar of name b with the bound evaluated by function b+1.
    pub const TYPEVAR_WITH_BOUND: u16 = 1;
    /// TypeVar of name b with the constraints evaluated by function b+1.
    pub const TYPEVAR_WITH_CONSTRAINTS: u16 = 2;
    /// function b .__type_params__ = tuple b+1; the function.
    pub const SET_FUNCTION_TYPE_PARAMS: u16 = 3;
    /// Default of type parameter b is evaluated by function b+1; the parameter.
    pub const SET_TYPEPARAM_DEFAULT: u16 = 4;
}
