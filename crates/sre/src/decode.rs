//! Validation and decoding of code lists.
//!
//! The code list is structural: every construct carries the distance to its
//! end. The decoder walks it recursively (with a depth limit), refuses what
//! does not have the shape the compiler gives it, and emits instructions whose
//! operands need no more checks: jump targets are instruction indices, sets,
//! loops and branches are indices into tables, group numbers are in range.

use crate::analyse::{self, First, Plan};
use crate::charset::{CharSet, Fold};
use crate::constants::{At, op};
use std::collections::HashMap;

/// Why a code list was refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CodeError {
    /// The index in the code list.
    pub at: usize,
}

impl std::fmt::Display for CodeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("invalid SRE code")
    }
}

impl std::error::Error for CodeError {}

/// An instruction.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Op {
    /// The whole pattern has matched.
    Match,
    Fail,
    Lit(u32),
    NotLit(u32),
    /// Anything but a newline.
    Any,
    AnyAll,
    Set(u32),
    /// A run of literals, in `Program::text`.
    Str {
        at: u32,
        len: u32,
    },
    At(At),
    Mark(u32),
    Branch(u32),
    Jump(u32),
    /// Enters the loop, whose `LoopMax` or `LoopMin` decides about the first turn.
    LoopInit(u32),
    LoopMax(u32),
    LoopMin(u32),
    /// Greedy, lazy and possessive repeats of one character.
    One(u32),
    OneMin(u32),
    OnePoss(u32),
    PossInit(u32),
    PossEnd(u32),
    Atomic,
    AtomicEnd,
    Assert {
        back: u32,
        skip: u32,
    },
    AssertEnd,
    AssertNot {
        back: u32,
        skip: u32,
    },
    AssertNotEnd,
    GroupRef {
        group: u32,
        fold: Fold,
    },
    GroupExists {
        group: u32,
        no: u32,
    },
}

/// "No first set": nothing is known about the first character.
pub(crate) const NONE: u32 = u32::MAX;

/// An alternative: where it begins, and the set of its first characters.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Alt {
    pub(crate) pc: u32,
    pub(crate) first: u32,
}

/// A general loop.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Loop {
    pub(crate) min: u32,
    pub(crate) max: u32,
    pub(crate) body: u32,
    pub(crate) until: u32,
    pub(crate) tail: u32,
    pub(crate) body_first: u32,
    pub(crate) tail_first: u32,
}

/// A repeat of one character.
#[derive(Clone, Copy, Debug)]
pub(crate) struct One {
    pub(crate) unit: Op,
    pub(crate) min: u32,
    pub(crate) max: u32,
    pub(crate) tail: u32,
    /// The first characters of what follows.
    pub(crate) tail_first: u32,
    /// The one character that follows, if it is one.
    pub(crate) tail_lit: Option<u32>,
    /// Giving characters back cannot help, in one-byte and in wider subjects.
    pub(crate) firm_narrow: bool,
    pub(crate) firm_wide: bool,
}

/// A validated and decoded pattern.
#[derive(Debug)]
pub struct Program {
    pub(crate) ops: Vec<Op>,
    pub(crate) sets: Vec<CharSet>,
    pub(crate) firsts: Vec<First>,
    pub(crate) text: Vec<u32>,
    pub(crate) branches: Vec<Vec<Alt>>,
    /// Where the alternatives of a branch meet again.
    pub(crate) joins: Vec<u32>,
    pub(crate) loops: Vec<Loop>,
    pub(crate) ones: Vec<One>,
    pub(crate) plan: Plan,
    pub(crate) min_width: usize,
    pub(crate) has_refs: bool,
    flags: u32,
    groups: usize,
}

/// Nesting beyond this is refused; Python's own compiler stops well before.
const MAX_DEPTH: u32 = 1500;

struct Decoder<'a> {
    code: &'a [u32],
    program: Program,
    known: HashMap<(Vec<u32>, Fold), u32>,
    /// Instructions before this one must not be merged with later ones.
    label: usize,
    depth: u32,
    /// The first characters that the `INFO` block gives.
    info: Option<CharSet>,
}

type Res<T> = Result<T, CodeError>;

impl Program {
    /// Validates and decodes a code list. `groups` is the number of groups
    /// without the whole match.
    pub fn new(code: &[u32], flags: u32, groups: usize) -> Result<Program, CodeError> {
        if groups > (u32::MAX / 4) as usize || code.len() > (u32::MAX / 4) as usize {
            return Err(CodeError { at: 0 });
        }
        let program = Program {
            ops: Vec::with_capacity(code.len() / 2 + 1),
            sets: Vec::new(),
            firsts: Vec::new(),
            text: Vec::new(),
            branches: Vec::new(),
            joins: Vec::new(),
            loops: Vec::new(),
            ones: Vec::new(),
            plan: Plan::default(),
            min_width: 0,
            has_refs: false,
            flags,
            groups,
        };
        let mut d = Decoder { code, program, known: HashMap::new(), label: 0, depth: 0, info: None };
        let start = d.info()?;
        let Some(last) = code.len().checked_sub(1) else { return Err(CodeError { at: 0 }) };
        if code[last] != op::SUCCESS || start > last {
            return Err(CodeError { at: last });
        }
        d.block(start, last)?;
        d.program.ops.push(Op::Match);
        let Decoder { mut program, info, .. } = d;
        analyse::analyse(&mut program, info);
        Ok(program)
    }

    /// The flags the pattern was compiled with.
    pub fn flags(&self) -> u32 {
        self.flags
    }

    /// The number of groups, without the whole match.
    pub fn groups(&self) -> usize {
        self.groups
    }
}

impl Decoder<'_> {
    fn err<T>(&self, at: usize) -> Res<T> {
        Err(CodeError { at })
    }

    fn word(&self, at: usize) -> Res<u32> {
        self.code.get(at).copied().ok_or(CodeError { at })
    }

    /// The end of the construct whose skip word is at `at`; within `limit`.
    fn skip(&self, at: usize, limit: usize) -> Res<usize> {
        let end = at.checked_add(self.word(at)? as usize).ok_or(CodeError { at })?;
        if end <= at || end > limit { self.err(at) } else { Ok(end) }
    }

    /// Reads the `INFO` block; returns where the pattern begins. What it says
    /// about prefixes is found again by analysis, so only its shape is checked.
    fn info(&mut self) -> Res<usize> {
        if self.code.first() != Some(&op::INFO) {
            return Ok(0);
        }
        let end = self.skip(1, self.code.len())?;
        if end < 5 {
            return self.err(1);
        }
        self.program.min_width = self.word(3)? as usize;
        let mask = self.word(2)?;
        if mask & !7 != 0 || mask & 1 != 0 && mask & 4 != 0 {
            return self.err(2);
        }
        if mask & 1 != 0 {
            let len = self.word(5)? as usize;
            if self.word(6)? as usize > len || len.checked_mul(2).is_none_or(|n| 7 + n != end) {
                return self.err(5);
            }
        } else if mask & 4 != 0 {
            self.info = CharSet::decode(&self.code[5..end], Fold::None);
            if self.info.is_none() {
                return self.err(5);
            }
        } else if end != 5 {
            return self.err(1);
        }
        Ok(end)
    }

    fn pc(&mut self) -> u32 {
        self.label = self.program.ops.len();
        self.label as u32
    }

    fn emit(&mut self, op: Op) -> usize {
        self.program.ops.push(op);
        self.program.ops.len() - 1
    }

    fn literal(&mut self, ch: u32) {
        let at = self.program.ops.len();
        let text = &mut self.program.text;
        if at > self.label {
            match &mut self.program.ops[at - 1] {
                Op::Str { len, .. } => {
                    text.push(ch);
                    *len += 1;
                    return;
                }
                last @ Op::Lit(_) => {
                    let Op::Lit(before) = *last else { return };
                    *last = Op::Str { at: text.len() as u32, len: 2 };
                    text.push(before);
                    text.push(ch);
                    return;
                }
                _ => {}
            }
        }
        self.program.ops.push(Op::Lit(ch));
    }

    fn add_set(&mut self, key: Vec<u32>, fold: Fold, make: impl FnOnce() -> Option<CharSet>) -> Option<Op> {
        if let Some(&at) = self.known.get(&(key.clone(), fold)) {
            return Some(Op::Set(at));
        }
        let set = make()?;
        let at = self.program.sets.len() as u32;
        self.program.sets.push(set);
        self.known.insert((key, fold), at);
        Some(Op::Set(at))
    }

    fn group(&self, at: usize) -> Res<u32> {
        let group = self.word(at)?;
        if group as usize >= self.program.groups { self.err(at) } else { Ok(group) }
    }

    /// Decodes a construct that matches one character, if `at` holds one.
    fn unit(&mut self, at: usize, end: usize) -> Res<Option<(Op, usize)>> {
        let code = self.word(at)?;
        let bad = CodeError { at };
        let single = |d: &mut Self, negate: bool, fold: Fold| {
            let ch = d.word(at + 1)?;
            let key = vec![u32::MAX, negate as u32, ch];
            let op = d.add_set(key, fold, || Some(CharSet::folded(ch, negate, fold))).ok_or(bad)?;
            Ok(Some((op, at + 2)))
        };
        let set = |d: &mut Self, fold: Fold| {
            let next = d.skip(at + 1, end)?;
            let items = d.code.get(at + 2..next).ok_or(bad)?;
            let op = d.add_set(items.to_vec(), fold, || CharSet::decode(items, fold)).ok_or(bad)?;
            Ok(Some((op, next)))
        };
        match code {
            op::ANY => Ok(Some((Op::Any, at + 1))),
            op::ANY_ALL => Ok(Some((Op::AnyAll, at + 1))),
            op::LITERAL => Ok(Some((Op::Lit(self.word(at + 1)?), at + 2))),
            op::NOT_LITERAL => Ok(Some((Op::NotLit(self.word(at + 1)?), at + 2))),
            op::LITERAL_IGNORE => single(self, false, Fold::Ascii),
            op::LITERAL_UNI_IGNORE => single(self, false, Fold::Unicode),
            op::LITERAL_LOC_IGNORE => single(self, false, Fold::Locale),
            op::NOT_LITERAL_IGNORE => single(self, true, Fold::Ascii),
            op::NOT_LITERAL_UNI_IGNORE => single(self, true, Fold::Unicode),
            op::NOT_LITERAL_LOC_IGNORE => single(self, true, Fold::Locale),
            op::IN => set(self, Fold::None),
            op::IN_IGNORE => set(self, Fold::Ascii),
            op::IN_UNI_IGNORE => set(self, Fold::Unicode),
            op::IN_LOC_IGNORE => set(self, Fold::Locale),
            op::FAILURE => {
                let op = self.add_set(vec![u32::MAX, 3], Fold::None, || Some(CharSet::empty())).ok_or(bad)?;
                Ok(Some((op, at + 1)))
            }
            op::CATEGORY => {
                let category = self.word(at + 1)?;
                let key = vec![u32::MAX, 2, category];
                let op = self.add_set(key, Fold::None, || CharSet::of_category(category)).ok_or(bad)?;
                Ok(Some((op, at + 2)))
            }
            _ => Ok(None),
        }
    }

    /// Decodes a region that must end exactly at `end`.
    fn block(&mut self, at: usize, end: usize) -> Res<()> {
        let stop = self.sequence(at, end)?;
        if stop != end { self.err(stop) } else { Ok(()) }
    }

    /// Decodes a region up to `end` or to a `JUMP`, whose index is returned.
    fn sequence(&mut self, mut at: usize, end: usize) -> Res<usize> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return self.err(at);
        }
        while at < end {
            if self.code[at] == op::JUMP {
                break;
            }
            at = self.one(at, end)?;
            if at > end {
                return self.err(end);
            }
        }
        self.depth -= 1;
        Ok(at)
    }

    fn one(&mut self, at: usize, end: usize) -> Res<usize> {
        if let Some((unit, next)) = self.unit(at, end)? {
            match unit {
                Op::Lit(ch) => self.literal(ch),
                unit => {
                    self.emit(unit);
                }
            }
            return Ok(next);
        }
        match self.code[at] {
            op::AT => {
                let position = At::from_code(self.word(at + 1)?).ok_or(CodeError { at })?;
                self.emit(Op::At(position));
                Ok(at + 2)
            }
            op::MARK => {
                let mark = self.word(at + 1)?;
                if mark as usize >= self.program.groups * 2 {
                    return self.err(at);
                }
                self.emit(Op::Mark(mark));
                Ok(at + 2)
            }
            op::BRANCH => self.branch(at, end),
            op::REPEAT => self.repeat(at, end),
            op::REPEAT_ONE | op::MIN_REPEAT_ONE | op::POSSESSIVE_REPEAT_ONE => self.repeat_one(at, end),
            op::POSSESSIVE_REPEAT => self.possessive(at, end),
            op::ATOMIC_GROUP => {
                let next = self.skip(at + 1, end)?;
                self.closing(at + 2, next, op::SUCCESS)?;
                self.emit(Op::Atomic);
                self.pc();
                self.block(at + 2, next - 1)?;
                self.emit(Op::AtomicEnd);
                self.pc();
                Ok(next)
            }
            op::ASSERT | op::ASSERT_NOT => {
                let next = self.skip(at + 1, end)?;
                let back = self.word(at + 2)?;
                self.closing(at + 3, next, op::SUCCESS)?;
                let here = self.emit(Op::Fail);
                self.pc();
                self.block(at + 3, next - 1)?;
                let not = self.code[at] == op::ASSERT_NOT;
                self.emit(if not { Op::AssertNotEnd } else { Op::AssertEnd });
                let skip = self.pc();
                self.program.ops[here] =
                    if not { Op::AssertNot { back, skip } } else { Op::Assert { back, skip } };
                Ok(next)
            }
            op::GROUPREF => self.group_ref(at, Fold::None),
            op::GROUPREF_IGNORE => self.group_ref(at, Fold::Ascii),
            op::GROUPREF_UNI_IGNORE => self.group_ref(at, Fold::Unicode),
            op::GROUPREF_LOC_IGNORE => self.group_ref(at, Fold::Locale),
            op::GROUPREF_EXISTS => self.group_exists(at, end),
            _ => self.err(at),
        }
    }

    /// Checks that a region from `at` ends before `next` with the given code.
    fn closing(&self, at: usize, next: usize, code: u32) -> Res<()> {
        if next <= at || self.code[next - 1] != code { self.err(at) } else { Ok(()) }
    }

    fn group_ref(&mut self, at: usize, fold: Fold) -> Res<usize> {
        let group = self.group(at + 1)?;
        self.program.has_refs = true;
        self.emit(Op::GroupRef { group, fold });
        Ok(at + 2)
    }

    fn group_exists(&mut self, at: usize, end: usize) -> Res<usize> {
        let group = self.group(at + 1)?;
        // The distance counts from the word after the operator.
        let no_at = (at + 1).checked_add(self.word(at + 2)? as usize).ok_or(CodeError { at })?;
        if no_at < at + 3 || no_at > end {
            return self.err(at);
        }
        self.program.has_refs = true;
        let here = self.emit(Op::Fail);
        self.pc();
        let stop = self.sequence(at + 3, no_at)?;
        if stop == no_at {
            let no = self.pc();
            self.program.ops[here] = Op::GroupExists { group, no };
            return Ok(no_at);
        }
        if stop + 2 != no_at {
            return self.err(stop);
        }
        let next = self.skip(stop + 1, end)?;
        if next < no_at {
            return self.err(stop);
        }
        let jump = self.emit(Op::Fail);
        let no = self.pc();
        self.program.ops[here] = Op::GroupExists { group, no };
        self.block(no_at, next)?;
        self.program.ops[jump] = Op::Jump(self.pc());
        Ok(next)
    }

    fn branch(&mut self, at: usize, end: usize) -> Res<usize> {
        let index = self.program.branches.len();
        self.program.branches.push(Vec::new());
        self.program.joins.push(0);
        self.emit(Op::Branch(index as u32));
        let mut alts = Vec::new();
        let mut jumps = Vec::new();
        let mut target = None;
        let mut at = at + 1;
        while self.word(at)? != 0 {
            let next = self.skip(at, end)?;
            alts.push(Alt { pc: self.pc(), first: NONE });
            let stop = self.sequence(at + 1, next)?;
            if stop + 2 != next {
                return self.err(stop);
            }
            let to = self.skip(stop + 1, end)?;
            if target.is_some_and(|t| t != to) {
                return self.err(stop);
            }
            target = Some(to);
            jumps.push(self.emit(Op::Fail));
            at = next;
        }
        if target.is_some_and(|t| t != at + 1) {
            return self.err(at);
        }
        let after = self.pc();
        for jump in jumps {
            self.program.ops[jump] = Op::Jump(after);
        }
        self.program.branches[index] = alts;
        self.program.joins[index] = after;
        Ok(at + 1)
    }

    fn bounds(&self, at: usize) -> Res<(u32, u32)> {
        let (min, max) = (self.word(at)?, self.word(at + 1)?);
        if min > max { self.err(at) } else { Ok((min, max)) }
    }

    fn new_loop(&mut self, min: u32, max: u32) -> u32 {
        let index = self.program.loops.len() as u32;
        self.program.loops.push(Loop {
            min,
            max,
            body: 0,
            until: 0,
            tail: 0,
            body_first: NONE,
            tail_first: NONE,
        });
        index
    }

    fn repeat(&mut self, at: usize, end: usize) -> Res<usize> {
        let until = self.skip(at + 1, end)?;
        let (min, max) = self.bounds(at + 2)?;
        if until >= end || until < at + 4 {
            return self.err(at);
        }
        let index = self.new_loop(min, max);
        self.emit(Op::LoopInit(index));
        let body = self.pc();
        self.block(at + 4, until)?;
        let close = self.program.ops.len() as u32;
        match self.code[until] {
            op::MAX_UNTIL => self.emit(Op::LoopMax(index)),
            op::MIN_UNTIL => self.emit(Op::LoopMin(index)),
            _ => return self.err(until),
        };
        let tail = self.pc();
        let entry = &mut self.program.loops[index as usize];
        (entry.body, entry.until, entry.tail) = (body, close, tail);
        Ok(until + 1)
    }

    fn possessive(&mut self, at: usize, end: usize) -> Res<usize> {
        let until = self.skip(at + 1, end)?;
        let (min, max) = self.bounds(at + 2)?;
        if until >= end || until < at + 4 || self.code[until] != op::SUCCESS {
            return self.err(at);
        }
        let index = self.new_loop(min, max);
        self.emit(Op::PossInit(index));
        let body = self.pc();
        self.block(at + 4, until)?;
        let close = self.emit(Op::PossEnd(index)) as u32;
        let tail = self.pc();
        let entry = &mut self.program.loops[index as usize];
        (entry.body, entry.until, entry.tail) = (body, close, tail);
        Ok(until + 1)
    }

    fn repeat_one(&mut self, at: usize, end: usize) -> Res<usize> {
        let next = self.skip(at + 1, end)?;
        let (min, max) = self.bounds(at + 2)?;
        self.closing(at + 4, next, op::SUCCESS)?;
        let Some((unit, stop)) = self.unit(at + 4, next)? else { return self.err(at + 4) };
        if stop + 1 != next {
            return self.err(stop);
        }
        let index = self.program.ones.len() as u32;
        self.emit(match self.code[at] {
            op::REPEAT_ONE => Op::One(index),
            op::MIN_REPEAT_ONE => Op::OneMin(index),
            _ => Op::OnePoss(index),
        });
        let tail = self.pc();
        self.program.ones.push(One {
            unit,
            min,
            max,
            tail,
            tail_first: NONE,
            tail_lit: None,
            firm_narrow: false,
            firm_wide: false,
        });
        Ok(next)
    }
}
