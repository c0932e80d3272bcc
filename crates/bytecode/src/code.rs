//! Code objects as plain data: what the compiler makes and the serialiser
//! stores. The runtime instantiates them (constants become objects, caches
//! come to life) the first time they are needed.

use crate::instruction::Instruction;
use std::borrow::Cow;

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
    /// A comprehension's variable with a register of its own, bound while it runs.
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

/// The positions of a code object's instructions, as runs of differences: about
/// three bytes an instruction where the plain form has sixteen.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Locations<'b> {
    count: u32,
    first_line: u32,
    runs: Cow<'b, [u8]>,
}

impl<'b> Locations<'b> {
    /// Encodes one position for each instruction.
    pub fn new(first_line: u32, all: &[Location]) -> Locations<'static> {
        let mut runs = Vec::new();
        let mut previous = Location { line: first_line, ..Location::default() };
        let mut i = 0;
        while i < all.len() {
            let here = all[i];
            let run = all[i..].iter().take_while(|l| **l == here).count();
            number(&mut runs, run as u64);
            signed(&mut runs, here.line as i64 - previous.line as i64);
            signed(&mut runs, here.end_line as i64 - here.line as i64);
            signed(&mut runs, here.column as i64 - previous.column as i64);
            signed(&mut runs, here.end_column as i64 - here.column as i64);
            previous = here;
            i += run;
        }
        Locations { count: all.len() as u32, first_line, runs: runs.into() }
    }
    /// From the parts that `parts` gave. What does not decode reads as no position.
    pub fn from_parts(count: u32, first_line: u32, runs: &'b [u8]) -> Locations<'b> {
        Locations { count, first_line, runs: runs.into() }
    }
    /// The same, borrowing nothing.
    pub fn into_owned(self) -> Locations<'static> {
        Locations { runs: self.runs.into_owned().into(), ..self }
    }
    /// The encoded runs.
    pub fn runs(&self) -> &[u8] {
        &self.runs
    }
    pub fn len(&self) -> usize {
        self.count as usize
    }
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }
    /// The position of instruction `index`.
    pub fn get(&self, index: usize) -> Option<Location> {
        self.seek(&mut Cursor::default(), index)
    }
    /// As [`Locations::get`], found from `cursor` on if that is not behind it.
    pub fn seek(&self, cursor: &mut Cursor, index: usize) -> Option<Location> {
        let index = u32::try_from(index).ok().filter(|&index| index < self.count)?;
        if index < cursor.from || cursor.to == 0 {
            *cursor = Cursor::default();
            cursor.here.line = self.first_line;
        }
        while index >= cursor.to {
            if self.next_run(cursor).is_none() {
                return Some(Location::default());
            }
        }
        Some(cursor.here)
    }
    fn next_run(&self, cursor: &mut Cursor) -> Option<()> {
        let mut bytes = self.runs.get(cursor.next as usize..)?;
        let run = read_number(&mut bytes)?;
        let line = step(&mut bytes, cursor.here.line)?;
        let end_line = step(&mut bytes, line)?;
        let column = step(&mut bytes, cursor.here.column)?;
        let end_column = step(&mut bytes, column)?;
        *cursor = Cursor {
            next: (self.runs.len() - bytes.len()) as u32,
            from: cursor.to,
            to: cursor.to.checked_add(u32::try_from(run).ok()?.max(1))?,
            here: Location { line, end_line, column, end_column },
        };
        Some(())
    }
    /// All positions in order.
    pub fn iter(&self) -> impl Iterator<Item = Location> {
        let mut cursor = Cursor::default();
        (0..self.len()).map_while(move |index| self.seek(&mut cursor, index))
    }
}

/// A place in [`Locations`]: the run of instructions, from `from` up to `to`, that was looked
/// at last.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cursor {
    /// Where the run behind it is encoded.
    next: u32,
    from: u32,
    to: u32,
    here: Location,
}

#[inline(always)]
fn read_number(bytes: &mut &[u8]) -> Option<u64> {
    match *bytes {
        // Most are small.
        [b, rest @ ..] if *b < 0x80 => {
            *bytes = rest;
            Some(*b as u64)
        }
        _ => read_long_number(bytes),
    }
}

fn read_long_number(bytes: &mut &[u8]) -> Option<u64> {
    let mut n = 0u64;
    for shift in (0..64).step_by(7) {
        let (&b, rest) = bytes.split_first()?;
        *bytes = rest;
        n |= ((b & 0x7f) as u64) << shift;
        if b < 0x80 {
            return Some(n);
        }
    }
    None
}

/// A number that differs from `from` by what is read.
fn step(bytes: &mut &[u8], from: u32) -> Option<u32> {
    let n = read_number(bytes)?;
    Some(from.wrapping_add(((n >> 1) as i64 ^ -((n & 1) as i64)) as u32))
}

pub(crate) fn number(out: &mut Vec<u8>, mut n: u64) {
    while n >= 0x80 {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

pub(crate) fn signed(out: &mut Vec<u8>, n: i64) {
    number(out, ((n << 1) ^ (n >> 63)) as u64);
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

/// A line without an instruction of its own, as that of `try:` or `pass`: it begins
/// before instruction `at`, for who traces lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineNote {
    pub at: u32,
    pub line: u32,
    /// Whichever way control comes there; else only from the instruction before.
    pub always: bool,
}

/// See [`CodeUnit::notes`].
pub const MAX_NOTES: usize = 3;

/// A code object, compiled but not yet alive.
#[derive(Clone, Debug, PartialEq, Default)]
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
    pub locations: Locations<'static>,
    /// In the order of the instructions, at most [`MAX_NOTES`] for each.
    pub notes: Vec<LineNote>,
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
