//! Code objects as plain data: what the compiler makes and the serialiser
//! stores. The runtime instantiates them (constants become objects, caches
//! come to life) the first time they are needed.

use crate::instruction::Instruction;

/// `co_flags`, with CPython's values.
pub mod code_flags {
    pub const OPTIMIZED: u32 = 0x1;
    pub const NEWLOCALS: u32 = 0x2;
    pub const VARARGS: u32 = 0x4;
    pub const VARKEYWORDS: u32 = 0x8;
    pub const NESTED: u32 = 0x10;
    pub const GENERATOR: u32 = 0x20;
    pub const COROUTINE: u32 = 0x80;
    pub const ITERABLE_COROUTINE: u32 = 0x100;
    pub const ASYNC_GENERATOR: u32 = 0x200;
    pub const FUTURE_DIVISION: u32 = 0x20000;
    pub const FUTURE_ABSOLUTE_IMPORT: u32 = 0x40000;
    pub const FUTURE_WITH_STATEMENT: u32 = 0x80000;
    pub const FUTURE_PRINT_FUNCTION: u32 = 0x100000;
    pub const FUTURE_UNICODE_LITERALS: u32 = 0x200000;
    pub const FUTURE_BARRY_AS_BDFL: u32 = 0x400000;
    pub const FUTURE_GENERATOR_STOP: u32 = 0x800000;
    pub const FUTURE_ANNOTATIONS: u32 = 0x1000000;
    pub const HAS_DOCSTRING: u32 = 0x4000000;
    pub const METHOD: u32 = 0x8000000;
}

/// A compile-time constant. Strings are WTF-8 bytes (lone surrogates occur).
#[derive(Clone, Debug, PartialEq)]
pub enum Constant {
    None,
    True,
    False,
    Ellipsis,
    Int(i64),
    /// An int outside i64: sign and magnitude, little-endian bytes.
    BigInt {
        negative: bool,
        magnitude: Box<[u8]>,
    },
    Float(f64),
    Complex(f64, f64),
    Str(Box<[u8]>),
    Bytes(Box<[u8]>),
    Tuple(Box<[Constant]>),
    FrozenSet(Box<[Constant]>),
    /// Only ever folded from subscripts such as `x[1:2]`.
    Slice(Box<[Constant; 3]>),
    Code(Box<CodeUnit>),
}

/// What an inline cache is for; `c` operands index `CodeUnit::caches`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheSpec {
    /// A name: index of a `Constant::Str`.
    Name(u32),
    /// A call: number of arguments in all (self not counted), and for the Kw forms the
    /// index of the `Constant::Tuple` of names of the last ones.
    Call { argc: u32, kwnames: Option<u32> },
}

/// What a named register is; bits as in CPython's localspluskinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalKind(pub u8);

impl LocalKind {
    /// Invisible to `locals()`: a comprehension's variable in a module or class.
    pub const HIDDEN: LocalKind = LocalKind(0x10);
    pub const LOCAL: LocalKind = LocalKind(0x20);
    pub const CELL: LocalKind = LocalKind(0x40);
    pub const FREE: LocalKind = LocalKind(0x80);
    pub const fn contains(self, other: LocalKind) -> bool {
        self.0 & other.0 == other.0
    }
    pub const fn union(self, other: LocalKind) -> LocalKind {
        LocalKind(self.0 | other.0)
    }
}

/// A named register: locals first (parameters in `co_varnames` order), then
/// cells that are no parameters or locals, then free variables. A local that
/// is also captured is LOCAL|CELL in one register (`MakeCell` converts it).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalName {
    pub name: Box<str>,
    pub kind: LocalKind,
}

/// Position of an instruction in the source; lines are 1-based, columns
/// 0-based UTF-8 byte offsets, all as in `co_positions()`. Line 0: none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Location {
    pub line: u32,
    pub end_line: u32,
    pub column: u32,
    pub end_column: u32,
}

/// While an instruction with `start <= index < end` runs, an exception clears
/// the temporaries from register `depth` upwards, is stored into r[depth], and
/// control goes to `target`. Entries are sorted by `start`; the innermost
/// (last that contains the index) counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExceptionEntry {
    pub start: u32,
    pub end: u32,
    pub target: u32,
    pub depth: u16,
}

/// A code object, compiled but not yet alive.
#[derive(Clone, Debug, PartialEq)]
pub struct CodeUnit {
    pub name: Box<str>,
    pub qualname: Box<str>,
    pub filename: std::rc::Rc<str>,
    pub first_line: u32,
    pub flags: u32,
    /// Positional parameters, the positional-only ones included.
    pub argcount: u32,
    pub posonly: u32,
    pub kwonly: u32,
    /// The named registers, in register order.
    pub locals: Vec<LocalName>,
    /// All registers of the frame, named and temporary.
    pub registers: u32,
    pub instructions: Vec<Instruction>,
    /// One per instruction.
    pub locations: Vec<Location>,
    pub exceptions: Vec<ExceptionEntry>,
    /// With HAS_DOCSTRING the docstring is the first.
    pub constants: Vec<Constant>,
    pub caches: Vec<CacheSpec>,
}

impl CodeUnit {
    /// The first temporary register: the number of named ones.
    pub fn first_temp(&self) -> usize {
        self.locals.len()
    }
}
