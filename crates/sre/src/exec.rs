//! The backtracking machine.
//!
//! One loop over the instructions and one explicit stack. A frame of the stack
//! is a place to go on from when the current way fails, a value to restore
//! on the way back (capture marks and loop counters are undone in order), or
//! the floor of a nested match (lookaround, atomic group, possessive repeat)
//! above which all choices are dropped when the nested match succeeds.
//!
//! Known difference from CPython: a condition on the group that encloses it
//! (`((?(1)a|b)...)`) is always false before the group has closed; CPython may
//! see the closing mark of an attempt that was abandoned by backtracking.

use crate::charset::{Fold, word_ascii, word_unicode};
use crate::constants::{At, Word};
use crate::decode::{Alt, NONE, One, Op, Program};
use memchr::{memchr, memchr2, memrchr};

/// Why a match was given up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Abort {
    /// The interrupt callback asked for it.
    Interrupted,
    /// The backtracking stack reached its limit (Python raises `MemoryError`).
    OutOfMemory,
}

/// A code unit of the subject.
pub(crate) trait Unit: Copy + PartialEq + 'static {
    const BYTE: bool;
    fn code(self) -> u32;

    #[inline(always)]
    fn find(s: &[Self], ch: u32) -> Option<usize> {
        s.iter().position(|u| u.code() == ch)
    }
    #[inline(always)]
    fn find2(s: &[Self], a: u32, b: u32) -> Option<usize> {
        s.iter().position(|u| u.code() == a || u.code() == b)
    }
    #[inline(always)]
    fn rfind(s: &[Self], ch: u32) -> Option<usize> {
        s.iter().rposition(|u| u.code() == ch)
    }
}

impl Unit for u8 {
    const BYTE: bool = true;
    #[inline(always)]
    fn code(self) -> u32 {
        self as u32
    }
    #[inline]
    fn find(s: &[u8], ch: u32) -> Option<usize> {
        if ch < 256 { memchr(ch as u8, s) } else { None }
    }
    #[inline]
    fn find2(s: &[u8], a: u32, b: u32) -> Option<usize> {
        if a < 256 && b < 256 { memchr2(a as u8, b as u8, s) } else { Self::find(s, a.min(b)) }
    }
    #[inline]
    fn rfind(s: &[u8], ch: u32) -> Option<usize> {
        if ch < 256 { memrchr(ch as u8, s) } else { None }
    }
}

impl Unit for u16 {
    const BYTE: bool = false;
    #[inline(always)]
    fn code(self) -> u32 {
        self as u32
    }
}

impl Unit for u32 {
    const BYTE: bool = false;
    #[inline(always)]
    fn code(self) -> u32 {
        self
    }
}

/// "No position".
pub(crate) const NOWHERE: usize = usize::MAX;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    /// Another alternative: `arg` branch, `a` position, `b` alternative.
    Branch,
    /// A greedy repeat: `arg` repeat, `a` next position to try, `b` the lowest.
    One,
    /// A lazy repeat: `arg` repeat, `a` position, `b` how many more it may take.
    OneMin,
    /// The way past a greedy loop: `arg` loop, `a` position, `b` count, `c` last.
    MaxTail,
    /// Another turn of a lazy loop: `arg` loop, `a` position.
    MinBody,
    /// Restores a mark: `arg` mark, `a` value, `b` last mark, `c` last index.
    UndoMark,
    /// Restores a loop: `arg` loop, `a` count, `b` last.
    UndoLoop,
    /// Floors: `a` position, `b` the floor below, `arg` where to go on failing.
    Floor,
    FloorNot,
    FloorPoss,
}

#[derive(Clone, Copy, Debug)]
struct Frame {
    kind: Kind,
    arg: u32,
    a: usize,
    b: usize,
    c: usize,
}

#[derive(Clone, Copy, Debug)]
struct Turns {
    /// Completed turns; -1 before the first decision.
    count: isize,
    /// Where the last turn began.
    last: usize,
}

/// The default limit of the backtracking stack.
pub const DEFAULT_STACK_BYTES: usize = 1 << 30;

/// What a match leaves behind, and the memory it works in; use it again for
/// further matches of the same program.
#[derive(Debug)]
pub struct State {
    marks: Vec<usize>,
    lastmark: isize,
    lastindex: isize,
    pub(crate) start: usize,
    pub(crate) end: usize,
    stack: Vec<Frame>,
    turns: Vec<Turns>,
    limit: usize,
}

impl Default for State {
    fn default() -> State {
        State::with_stack_limit(DEFAULT_STACK_BYTES)
    }
}

impl State {
    /// A new state with the default stack limit.
    pub fn new() -> State {
        State::default()
    }

    /// A new state whose backtracking stack may use so many bytes.
    pub fn with_stack_limit(bytes: usize) -> State {
        State {
            marks: Vec::new(),
            lastmark: -1,
            lastindex: -1,
            start: 0,
            end: 0,
            stack: Vec::new(),
            turns: Vec::new(),
            limit: bytes / size_of::<Frame>(),
        }
    }

    pub(crate) fn prepare(&mut self, program: &Program) {
        self.marks.resize(program.groups() * 2, NOWHERE);
        self.turns.resize(program.loops.len(), Turns { count: 0, last: NOWHERE });
    }

    /// The bounds of the whole match, of the last match that succeeded.
    pub fn bounds(&self) -> (usize, usize) {
        (self.start, self.end)
    }

    /// The bounds of a group; group 0 is the whole match.
    pub fn span(&self, group: usize) -> Option<(usize, usize)> {
        if group == 0 {
            return Some((self.start, self.end));
        }
        let mark = group * 2 - 1;
        if mark as isize > self.lastmark {
            return None;
        }
        let (start, end) = (self.marks[mark - 1], self.marks[mark]);
        (start != NOWHERE && end != NOWHERE).then_some((start, end))
    }

    /// The bounds of the whole match and of all groups as pairs, -1 where a
    /// group took no part.
    pub fn spans(&self, program: &Program) -> Vec<isize> {
        let mut out = Vec::with_capacity(program.groups() * 2 + 2);
        for group in 0..=program.groups() {
            let (start, end) = self.span(group).map_or((-1, -1), |(s, e)| (s as isize, e as isize));
            out.push(start);
            out.push(end);
        }
        out
    }

    /// `Match.lastindex`.
    pub fn lastindex(&self) -> Option<usize> {
        (self.lastindex >= 0).then_some(self.lastindex as usize)
    }
}

/// Counts steps and asks now and then whether to stop.
pub(crate) struct Ticker<'a> {
    left: u32,
    interrupt: &'a mut dyn FnMut() -> bool,
}

const PERIOD: u32 = 8192;

impl<'a> Ticker<'a> {
    pub(crate) fn new(interrupt: &'a mut dyn FnMut() -> bool) -> Ticker<'a> {
        Ticker { left: PERIOD, interrupt }
    }

    #[inline(always)]
    pub(crate) fn tick(&mut self) -> Result<(), Abort> {
        self.left -= 1;
        if self.left == 0 { self.ask() } else { Ok(()) }
    }

    #[cold]
    fn ask(&mut self) -> Result<(), Abort> {
        self.left = PERIOD;
        if (self.interrupt)() { Err(Abort::Interrupted) } else { Ok(()) }
    }
}

/// How many characters of `s` from the beginning the unit matches.
#[inline]
pub(crate) fn count<T: Unit>(p: &Program, unit: Op, s: &[T]) -> usize {
    let found = match unit {
        Op::Any => T::find(s, 10),
        Op::Lit(ch) => s.iter().position(|u| u.code() != ch),
        Op::NotLit(ch) => T::find(s, ch),
        Op::Set(at) => {
            let set = &p.sets[at as usize];
            s.iter().position(|u| !set.has(u.code()))
        }
        _ => None,
    };
    found.unwrap_or(s.len())
}

#[inline(always)]
fn unit_has(p: &Program, unit: Op, ch: u32) -> bool {
    match unit {
        Op::Any => ch != 10,
        Op::Lit(c) => ch == c,
        Op::NotLit(c) => ch != c,
        Op::Set(at) => p.sets[at as usize].has(ch),
        _ => true,
    }
}

#[inline(always)]
fn may<T: Unit>(p: &Program, first: u32, s: &[T], ptr: usize) -> bool {
    first == NONE || (ptr < s.len() && p.firsts[first as usize].has(s[ptr].code()))
}

/// The first alternative from `from` on that may match here.
#[inline(always)]
fn alternative<T: Unit>(p: &Program, alts: &[Alt], from: usize, s: &[T], ptr: usize) -> Option<usize> {
    (from..alts.len()).find(|&i| may(p, alts[i].first, s, ptr))
}

/// The highest position in `lo..=hi` where what follows the repeat may match.
#[inline(always)]
fn give_back<T: Unit>(p: &Program, one: &One, s: &[T], lo: usize, hi: usize) -> Option<usize> {
    if let Some(ch) = one.tail_lit {
        let end = (hi + 1).min(s.len());
        if lo >= end {
            return None;
        }
        return T::rfind(&s[lo..end], ch).map(|at| lo + at);
    }
    if one.tail_first == NONE {
        return (lo <= hi).then_some(hi);
    }
    let end = (hi + 1).min(s.len());
    if lo >= end {
        return None;
    }
    let first = &p.firsts[one.tail_first as usize];
    s[lo..end].iter().rposition(|u| first.has(u.code())).map(|at| lo + at)
}

/// The lowest position from `ptr` on, over at most `more` characters of the
/// repeat, where what follows may match.
#[inline(always)]
fn take_more<T: Unit>(p: &Program, one: &One, s: &[T], ptr: usize, more: usize) -> Option<usize> {
    if one.tail_first == NONE {
        return Some(ptr);
    }
    let end = ptr.saturating_add(more).saturating_add(1).min(s.len());
    let window = &s[ptr..end];
    if let Some(ch) = one.tail_lit {
        match one.unit {
            Op::AnyAll => return T::find(window, ch).map(|at| ptr + at),
            Op::Any if ch != 10 => {
                let at = T::find2(window, ch, 10)?;
                return (window[at].code() == ch).then_some(ptr + at);
            }
            _ => {}
        }
    }
    let first = &p.firsts[one.tail_first as usize];
    for (at, u) in window.iter().enumerate() {
        if first.has(u.code()) {
            return Some(ptr + at);
        }
        if !unit_has(p, one.unit, u.code()) {
            return None;
        }
    }
    None
}

fn is_word(word: Word, ch: u32) -> bool {
    match word {
        Word::Unicode => word_unicode(ch),
        Word::Ascii | Word::Locale => word_ascii(ch),
    }
}

/// The characters around a start position that lies beyond the end position
/// (`u32::MAX` for none); Python does match there what needs no character.
pub(crate) type Beyond = [u32; 2];

#[cold]
fn at_beyond(at: At, beyond: Beyond) -> bool {
    let [before, after] = beyond;
    match at {
        At::Beginning | At::End | At::EndString => false,
        At::BeginningLine => before == 10,
        At::EndLine => after == 10,
        At::Boundary(word) => is_word(word, before),
        At::NonBoundary(word) => !is_word(word, before),
    }
}

#[inline(always)]
fn at_position<T: Unit>(at: At, s: &[T], ptr: usize, beyond: Beyond) -> bool {
    if ptr > s.len() {
        return at_beyond(at, beyond);
    }
    let boundary = |word| {
        let before = ptr > 0 && is_word(word, s[ptr - 1].code());
        let after = ptr < s.len() && is_word(word, s[ptr].code());
        before != after
    };
    match at {
        At::Beginning => ptr == 0,
        At::BeginningLine => ptr == 0 || s[ptr - 1].code() == 10,
        At::End => ptr == s.len() || (ptr + 1 == s.len() && s[ptr].code() == 10),
        At::EndLine => ptr == s.len() || s[ptr].code() == 10,
        At::EndString => ptr == s.len(),
        At::Boundary(word) => boundary(word),
        At::NonBoundary(word) => !boundary(word),
    }
}

/// Whether `s` at `ptr` repeats the characters `start..end`.
fn same<T: Unit>(s: &[T], start: usize, end: usize, ptr: usize, fold: Fold) -> bool {
    let len = end - start;
    if len == 0 {
        return true;
    }
    if ptr > s.len() || s.len() - ptr < len {
        return false;
    }
    let (a, b) = (&s[start..end], &s[ptr..ptr + len]);
    match fold {
        Fold::None => a == b,
        fold => a.iter().zip(b).all(|(a, b)| fold.lower(a.code()) == fold.lower(b.code())),
    }
}

/// Drops the choices from `floor` on but keeps what restores values.
fn cut(stack: &mut Vec<Frame>, floor: usize) {
    if floor == 0 {
        stack.clear();
        return;
    }
    let mut to = floor;
    for at in floor + 1..stack.len() {
        if matches!(stack[at].kind, Kind::UndoMark | Kind::UndoLoop) {
            stack[to] = stack[at];
            to += 1;
        }
    }
    stack.truncate(to);
}

/// Matches at `start`; the subject is already cut at the end position.
/// `whole`: the match must reach the end; `avoid`: it must not end there.
#[allow(clippy::too_many_arguments)]
pub(crate) fn run<T: Unit>(
    p: &Program,
    s: &[T],
    start: usize,
    state: &mut State,
    whole: bool,
    avoid: usize,
    beyond: Beyond,
    ticker: &mut Ticker<'_>,
) -> Result<bool, Abort> {
    let ops = p.ops.as_slice();
    let State { marks, stack, turns, limit, .. } = state;
    let limit = *limit;
    stack.clear();
    let mut lastmark: isize = -1;
    let mut lastindex: isize = -1;
    let mut ptr = start;
    let mut pc = 0usize;
    let mut floor = NOWHERE;

    macro_rules! push {
        ($kind:ident, $arg:expr, $a:expr, $b:expr, $c:expr) => {{
            if stack.len() >= limit {
                return Err(Abort::OutOfMemory);
            }
            stack.push(Frame { kind: Kind::$kind, arg: $arg, a: $a, b: $b, c: $c });
        }};
    }
    macro_rules! undo_loop {
        ($k:expr) => {{
            let old = turns[$k as usize];
            // Directly above another one for the same loop nothing could go on
            // from in between, and the older value is the one to restore.
            if !stack.last().is_some_and(|f| f.kind == Kind::UndoLoop && f.arg == $k) {
                push!(UndoLoop, $k, old.count as usize, old.last, 0);
            }
        }};
    }

    'step: loop {
        'fail: {
            match ops[pc] {
                Op::Lit(ch) => {
                    if ptr < s.len() && s[ptr].code() == ch {
                        ptr += 1;
                        pc += 1;
                        continue 'step;
                    }
                }
                Op::NotLit(ch) => {
                    if ptr < s.len() && s[ptr].code() != ch {
                        ptr += 1;
                        pc += 1;
                        continue 'step;
                    }
                }
                Op::Any => {
                    if ptr < s.len() && s[ptr].code() != 10 {
                        ptr += 1;
                        pc += 1;
                        continue 'step;
                    }
                }
                Op::AnyAll => {
                    if ptr < s.len() {
                        ptr += 1;
                        pc += 1;
                        continue 'step;
                    }
                }
                Op::Set(at) => {
                    if ptr < s.len() && p.sets[at as usize].has(s[ptr].code()) {
                        ptr += 1;
                        pc += 1;
                        continue 'step;
                    }
                }
                Op::Str { at, len } => {
                    let text = &p.text[at as usize..(at + len) as usize];
                    if ptr + text.len() <= s.len() && s[ptr..].iter().zip(text).all(|(u, c)| u.code() == *c) {
                        ptr += text.len();
                        pc += 1;
                        continue 'step;
                    }
                }
                Op::At(at) => {
                    if at_position(at, s, ptr, beyond) {
                        pc += 1;
                        continue 'step;
                    }
                }
                Op::Mark(mark) => {
                    let i = mark as usize;
                    if !stack.is_empty() {
                        push!(UndoMark, mark, marks[i], lastmark as usize, lastindex as usize);
                    }
                    if i & 1 == 1 {
                        lastindex = (i / 2 + 1) as isize;
                    }
                    if i as isize > lastmark {
                        marks[(lastmark + 1) as usize..i].fill(NOWHERE);
                        lastmark = i as isize;
                    }
                    marks[i] = ptr;
                    pc += 1;
                    continue 'step;
                }
                Op::Jump(to) => {
                    pc = to as usize;
                    continue 'step;
                }
                Op::Branch(b) => {
                    let alts = p.branches[b as usize].as_slice();
                    if let Some(i) = alternative(p, alts, 0, s, ptr) {
                        if let Some(next) = alternative(p, alts, i + 1, s, ptr) {
                            push!(Branch, b, ptr, next, 0);
                        }
                        pc = alts[i].pc as usize;
                        continue 'step;
                    }
                }
                Op::One(i) => {
                    let one = &p.ones[i as usize];
                    let (min, max) = (one.min as usize, one.max as usize);
                    let Some(room) = s.len().checked_sub(ptr) else { break 'fail };
                    if room >= min {
                        let most = if one.max == u32::MAX { room } else { room.min(max) };
                        let n = count(p, one.unit, &s[ptr..ptr + most]);
                        if n >= min {
                            let lo = ptr + min;
                            let firm = if T::BYTE { one.firm_narrow } else { one.firm_wide };
                            if firm {
                                ptr += n;
                                pc = one.tail as usize;
                                continue 'step;
                            }
                            if let Some(at) = give_back(p, one, s, lo, ptr + n) {
                                if at > lo {
                                    push!(One, i, at - 1, lo, 0);
                                }
                                ptr = at;
                                pc = one.tail as usize;
                                continue 'step;
                            }
                        }
                    }
                }
                Op::OnePoss(i) => {
                    let one = &p.ones[i as usize];
                    let Some(room) = s.len().checked_sub(ptr) else { break 'fail };
                    let most = if one.max == u32::MAX { room } else { room.min(one.max as usize) };
                    let n = count(p, one.unit, &s[ptr..ptr + most]);
                    if n >= one.min as usize {
                        ptr += n;
                        pc = one.tail as usize;
                        continue 'step;
                    }
                }
                Op::OneMin(i) => {
                    let one = &p.ones[i as usize];
                    let (min, max) = (one.min as usize, one.max as usize);
                    if ptr + min <= s.len() && (min == 0 || count(p, one.unit, &s[ptr..ptr + min]) == min) {
                        ptr += min;
                        let more = if one.max == u32::MAX { usize::MAX } else { max - min };
                        if let Some(at) = take_more(p, one, s, ptr, more) {
                            let left = if more == usize::MAX { more } else { more - (at - ptr) };
                            if left > 0 && at < s.len() {
                                push!(OneMin, i, at, left, 0);
                            }
                            ptr = at;
                            pc = one.tail as usize;
                            continue 'step;
                        }
                    }
                }
                Op::LoopInit(k) => {
                    undo_loop!(k);
                    turns[k as usize] = Turns { count: -1, last: NOWHERE };
                    pc = p.loops[k as usize].until as usize;
                    continue 'step;
                }
                Op::LoopMax(k) => {
                    ticker.tick()?;
                    let l = &p.loops[k as usize];
                    let old = turns[k as usize];
                    let n = old.count + 1;
                    if n < l.min as isize {
                        undo_loop!(k);
                        turns[k as usize].count = n;
                        pc = l.body as usize;
                        continue 'step;
                    }
                    if (l.max == u32::MAX || n < l.max as isize)
                        && ptr != old.last
                        && may(p, l.body_first, s, ptr)
                    {
                        if may(p, l.tail_first, s, ptr) {
                            push!(MaxTail, k, ptr, old.count as usize, old.last);
                        } else {
                            undo_loop!(k);
                        }
                        turns[k as usize] = Turns { count: n, last: ptr };
                        pc = l.body as usize;
                        continue 'step;
                    }
                    pc = l.tail as usize;
                    continue 'step;
                }
                Op::LoopMin(k) => {
                    ticker.tick()?;
                    let l = &p.loops[k as usize];
                    let n = turns[k as usize].count + 1;
                    if n < l.min as isize {
                        undo_loop!(k);
                        turns[k as usize].count = n;
                        pc = l.body as usize;
                        continue 'step;
                    }
                    push!(MinBody, k, ptr, 0, 0);
                    if may(p, l.tail_first, s, ptr) {
                        pc = l.tail as usize;
                        continue 'step;
                    }
                }
                Op::PossInit(k) => {
                    undo_loop!(k);
                    turns[k as usize] = Turns { count: 0, last: NOWHERE };
                    let l = &p.loops[k as usize];
                    if l.max == 0 {
                        pc = l.tail as usize;
                        continue 'step;
                    }
                    let tail = if l.min > 0 { NONE } else { l.tail };
                    push!(FloorPoss, tail, ptr, floor, 0);
                    floor = stack.len() - 1;
                    if l.min == 0 {
                        turns[k as usize].last = ptr;
                    }
                    pc = l.body as usize;
                    continue 'step;
                }
                Op::PossEnd(k) => {
                    ticker.tick()?;
                    let below = stack[floor].b;
                    cut(stack, floor);
                    floor = below;
                    // No choice inside an earlier turn is left that would need
                    // the old count, so only the value at the entrance is kept.
                    let l = &p.loops[k as usize];
                    let turn = &mut turns[k as usize];
                    turn.count += 1;
                    let more = turn.count < l.min as isize;
                    if more || ((l.max == u32::MAX || turn.count < l.max as isize) && ptr != turn.last) {
                        if !more {
                            turn.last = ptr;
                        }
                        push!(FloorPoss, if more { NONE } else { l.tail }, ptr, floor, 0);
                        floor = stack.len() - 1;
                        pc = l.body as usize;
                        continue 'step;
                    }
                    pc = l.tail as usize;
                    continue 'step;
                }
                Op::Atomic => {
                    push!(Floor, 0, ptr, floor, 0);
                    floor = stack.len() - 1;
                    pc += 1;
                    continue 'step;
                }
                Op::AtomicEnd => {
                    let below = stack[floor].b;
                    cut(stack, floor);
                    floor = below;
                    pc += 1;
                    continue 'step;
                }
                Op::Assert { back, .. } => {
                    if ptr >= back as usize {
                        push!(Floor, 0, ptr, floor, 0);
                        floor = stack.len() - 1;
                        ptr -= back as usize;
                        pc += 1;
                        continue 'step;
                    }
                }
                Op::AssertEnd => {
                    let Frame { a, b, .. } = stack[floor];
                    cut(stack, floor);
                    ptr = a;
                    floor = b;
                    pc += 1;
                    continue 'step;
                }
                Op::AssertNot { back, skip } => {
                    if ptr < back as usize {
                        pc = skip as usize;
                        continue 'step;
                    }
                    push!(FloorNot, skip, ptr, floor, 0);
                    floor = stack.len() - 1;
                    ptr -= back as usize;
                    pc += 1;
                    continue 'step;
                }
                Op::AssertNotEnd => {
                    // The nested match succeeded: undo it, then fail.
                    while stack.len() > floor + 1 {
                        let Some(f) = stack.pop() else { break };
                        match f.kind {
                            Kind::UndoMark => {
                                marks[f.arg as usize] = f.a;
                                lastmark = f.b as isize;
                                lastindex = f.c as isize;
                            }
                            Kind::UndoLoop => {
                                turns[f.arg as usize] = Turns { count: f.a as isize, last: f.b };
                            }
                            Kind::MaxTail => {
                                turns[f.arg as usize] = Turns { count: f.b as isize, last: f.c };
                            }
                            _ => {}
                        }
                    }
                    if let Some(f) = stack.pop() {
                        floor = f.b;
                    }
                }
                Op::GroupRef { group, fold } => {
                    let i = group as usize * 2;
                    if (i as isize) < lastmark {
                        let (a, b) = (marks[i], marks[i + 1]);
                        if a != NOWHERE && b != NOWHERE && a <= b && same(s, a, b, ptr, fold) {
                            ptr += b - a;
                            pc += 1;
                            continue 'step;
                        }
                    }
                }
                Op::GroupExists { group, no } => {
                    let i = group as usize * 2;
                    let set = (i as isize) < lastmark && {
                        let (a, b) = (marks[i], marks[i + 1]);
                        a != NOWHERE && b != NOWHERE && a <= b
                    };
                    pc = if set { pc + 1 } else { no as usize };
                    continue 'step;
                }
                Op::Match => {
                    if !(whole && ptr != s.len() || ptr == avoid) {
                        state.start = start;
                        state.end = ptr;
                        state.lastmark = lastmark;
                        state.lastindex = lastindex;
                        return Ok(true);
                    }
                }
                Op::Fail => break 'fail,
            }
        }

        // The current way failed: go back to the last choice.
        ticker.tick()?;
        loop {
            let Some(f) = stack.last_mut() else { return Ok(false) };
            match f.kind {
                Kind::UndoMark => {
                    marks[f.arg as usize] = f.a;
                    lastmark = f.b as isize;
                    lastindex = f.c as isize;
                    stack.pop();
                }
                Kind::UndoLoop => {
                    turns[f.arg as usize] = Turns { count: f.a as isize, last: f.b };
                    stack.pop();
                }
                Kind::One => {
                    let one = &p.ones[f.arg as usize];
                    let lo = f.b;
                    match give_back(p, one, s, lo, f.a) {
                        Some(at) => {
                            if at > lo {
                                f.a = at - 1;
                            } else {
                                stack.pop();
                            }
                            ptr = at;
                            pc = one.tail as usize;
                            continue 'step;
                        }
                        None => {
                            stack.pop();
                        }
                    }
                }
                Kind::OneMin => {
                    let one = &p.ones[f.arg as usize];
                    // There is a character here and the repeat may take it.
                    if unit_has(p, one.unit, s[f.a].code()) {
                        let from = f.a + 1;
                        let more = if f.b == usize::MAX { f.b } else { f.b - 1 };
                        if let Some(at) = take_more(p, one, s, from, more) {
                            let left = if more == usize::MAX { more } else { more - (at - from) };
                            if left > 0 && at < s.len() {
                                f.a = at;
                                f.b = left;
                            } else {
                                stack.pop();
                            }
                            ptr = at;
                            pc = one.tail as usize;
                            continue 'step;
                        }
                    }
                    stack.pop();
                }
                Kind::Branch => {
                    let alts = p.branches[f.arg as usize].as_slice();
                    let i = f.b;
                    ptr = f.a;
                    match alternative(p, alts, i + 1, s, ptr) {
                        Some(next) => f.b = next,
                        None => {
                            stack.pop();
                        }
                    }
                    pc = alts[i].pc as usize;
                    continue 'step;
                }
                Kind::MaxTail => {
                    let k = f.arg as usize;
                    turns[k] = Turns { count: f.b as isize, last: f.c };
                    ptr = f.a;
                    pc = p.loops[k].tail as usize;
                    stack.pop();
                    continue 'step;
                }
                Kind::MinBody => {
                    let k = f.arg;
                    ptr = f.a;
                    stack.pop();
                    let l = &p.loops[k as usize];
                    let n = turns[k as usize].count + 1;
                    if (l.max == u32::MAX || n < l.max as isize)
                        && ptr != turns[k as usize].last
                        && may(p, l.body_first, s, ptr)
                    {
                        undo_loop!(k);
                        turns[k as usize] = Turns { count: n, last: ptr };
                        pc = l.body as usize;
                        continue 'step;
                    }
                }
                Kind::Floor => {
                    floor = f.b;
                    stack.pop();
                }
                Kind::FloorNot => {
                    floor = f.b;
                    ptr = f.a;
                    pc = f.arg as usize;
                    stack.pop();
                    continue 'step;
                }
                Kind::FloorPoss => {
                    floor = f.b;
                    ptr = f.a;
                    let tail = f.arg;
                    stack.pop();
                    if tail != NONE {
                        pc = tail as usize;
                        continue 'step;
                    }
                }
            }
        }
    }
}
