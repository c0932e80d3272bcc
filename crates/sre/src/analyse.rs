//! Analysis of decoded patterns: which characters may come first at the
//! places where the matcher chooses, and how a search can skip what cannot match.
//!
//! Everything here is an over-approximation: a set may have too many
//! characters, never too few, so that using it changes no result.

use crate::charset::CharSet;
use crate::constants::At;
use crate::decode::{NONE, Op, Program};
use memchr::memmem::Finder;

/// The characters a match may begin with at some place; it needs one.
#[derive(Debug)]
pub(crate) struct First {
    /// Membership of the first 256 characters.
    pub(crate) table: [bool; 256],
    bits: [u64; 4],
    /// Whether any character beyond 255 may be.
    pub(crate) high: bool,
}

impl First {
    /// Whether the character may come first.
    #[inline(always)]
    pub(crate) fn has(&self, ch: u32) -> bool {
        if ch < 256 { self.table[ch as usize] } else { self.high }
    }
}

/// A set of characters under construction.
#[derive(Clone, Copy, Default)]
struct Acc {
    bits: [u64; 4],
    high: bool,
    /// The match may go on without a character, or anything may come.
    open: bool,
}

impl Acc {
    fn add(&mut self, bits: [u64; 4], high: bool) {
        for (to, from) in self.bits.iter_mut().zip(bits) {
            *to |= from;
        }
        self.high |= high;
    }

    fn count(&self) -> u32 {
        self.bits.iter().map(|w| w.count_ones()).sum()
    }

    fn full(&self) -> bool {
        self.high && self.count() == 256
    }
}

fn one_bit(ch: u32) -> [u64; 4] {
    let mut bits = [0; 4];
    if ch < 256 {
        bits[(ch >> 6) as usize] = 1 << (ch & 63);
    }
    bits
}

fn not(mut bits: [u64; 4]) -> [u64; 4] {
    for word in &mut bits {
        *word = !*word;
    }
    bits
}

/// The characters a one-character instruction matches.
fn unit(p: &Program, op: Op) -> ([u64; 4], bool) {
    match op {
        Op::Lit(ch) => (one_bit(ch), ch >= 256),
        Op::NotLit(ch) => (not(one_bit(ch)), true),
        Op::Any => (not(one_bit(10)), true),
        Op::Set(at) => {
            let set = &p.sets[at as usize];
            (set.bits, set.may_high())
        }
        _ => ([u64::MAX; 4], true),
    }
}

struct Walk<'a> {
    p: &'a Program,
    seen: Vec<u32>,
    acc: Acc,
}

impl Walk<'_> {
    /// Adds what may come first from `pc` on. Instructions visited before add
    /// nothing new, so each counts once; too many make the set open. `depth`
    /// counts the atomic groups entered: what follows the one the walk began
    /// in must not guide the choices inside it.
    fn go(&mut self, mut pc: u32, mut depth: u32) {
        loop {
            if self.acc.open || self.seen.contains(&pc) {
                return;
            }
            if self.seen.len() >= 64 {
                self.acc.open = true;
                return;
            }
            self.seen.push(pc);
            let p = self.p;
            match p.ops[pc as usize] {
                op @ (Op::Lit(_) | Op::NotLit(_) | Op::Any | Op::AnyAll | Op::Set(_)) => {
                    let (bits, high) = unit(p, op);
                    return self.acc.add(bits, high);
                }
                Op::Str { at, .. } => {
                    let ch = p.text[at as usize];
                    return self.acc.add(one_bit(ch), ch >= 256);
                }
                Op::Fail => return,
                Op::Match | Op::GroupRef { .. } | Op::AssertEnd | Op::AssertNotEnd => {
                    self.acc.open = true;
                    return;
                }
                Op::At(_) | Op::Mark(_) => pc += 1,
                Op::Atomic => {
                    depth += 1;
                    pc += 1;
                }
                Op::AtomicEnd | Op::PossEnd(_) if depth == 0 => {
                    self.acc.open = true;
                    return;
                }
                Op::AtomicEnd => {
                    depth -= 1;
                    pc += 1;
                }
                Op::Jump(to) => pc = to,
                Op::Branch(b) => {
                    for alt in &p.branches[b as usize] {
                        self.go(alt.pc, depth);
                    }
                    return;
                }
                op @ (Op::LoopInit(k) | Op::PossInit(k)) => {
                    let l = p.loops[k as usize];
                    if l.min == 0 {
                        self.go(l.tail, depth);
                    }
                    if l.max == 0 {
                        return;
                    }
                    if let Op::PossInit(_) = op {
                        depth += 1;
                    }
                    pc = l.body;
                }
                Op::LoopMax(k) | Op::LoopMin(k) => {
                    let l = p.loops[k as usize];
                    self.go(l.tail, depth);
                    pc = l.body;
                }
                Op::PossEnd(k) => {
                    let l = p.loops[k as usize];
                    self.go(l.tail, depth - 1);
                    pc = l.body;
                }
                Op::One(i) | Op::OneMin(i) | Op::OnePoss(i) => {
                    let one = p.ones[i as usize];
                    let (bits, high) = unit(p, one.unit);
                    self.acc.add(bits, high);
                    if one.min > 0 {
                        return;
                    }
                    pc = one.tail;
                }
                Op::Assert { skip, .. } | Op::AssertNot { skip, .. } => pc = skip,
                Op::GroupExists { no, .. } => {
                    self.go(no, depth);
                    pc += 1;
                }
            }
        }
    }
}

fn first(p: &Program, pc: u32) -> Acc {
    let mut walk = Walk { p, seen: Vec::new(), acc: Acc::default() };
    walk.go(pc, 0);
    walk.acc
}

fn intern(p: &mut Program, acc: Acc) -> u32 {
    if acc.open || acc.full() {
        return NONE;
    }
    if let Some(at) = p.firsts.iter().position(|f| f.bits == acc.bits && f.high == acc.high) {
        return at as u32;
    }
    let mut table = [false; 256];
    for (ch, entry) in table.iter_mut().enumerate() {
        *entry = acc.bits[ch >> 6] >> (ch & 63) & 1 != 0;
    }
    p.firsts.push(First { table, bits: acc.bits, high: acc.high });
    p.firsts.len() as u32 - 1
}

/// Where matches can begin at all.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Anchor {
    #[default]
    Anywhere,
    /// Only at the beginning of the string.
    Start,
    /// Only at the beginning of a line.
    Line,
}

/// How a search proceeds.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) anchor: Anchor,
    /// Literals every match begins with.
    pub(crate) prefix: Vec<u32>,
    /// The same for one-byte subjects; `None` if it has no such characters.
    pub(crate) finder: Option<Finder<'static>>,
    /// The prefix is the whole pattern.
    pub(crate) whole: bool,
    /// For each character the positions (bits, at most `depth`) it may stand
    /// at from the beginning of a match; no filter if `depth` is zero.
    pub(crate) depth: u32,
    pub(crate) masks: Box<[u8]>,
    pub(crate) high: u8,
    /// The pattern begins with this unlimited repeat of one character, so that a
    /// failure says the same of every start within the run.
    pub(crate) lead: Option<u32>,
    /// The set the compiler says every match begins with, where it excludes
    /// something the pattern itself would allow.
    pub(crate) info: Option<CharSet>,
    /// Literals every match has somewhere.
    pub(crate) required: Option<Finder<'static>>,
}

const DEPTH: usize = 8;

struct Positions<'a> {
    p: &'a Program,
    sets: [Acc; DEPTH],
    limit: usize,
    fuel: u32,
}

impl Positions<'_> {
    fn end(&mut self, pos: usize) {
        self.limit = self.limit.min(pos);
    }

    fn go(&mut self, mut pc: u32, mut pos: usize) {
        loop {
            if pos >= self.limit {
                return;
            }
            if self.fuel == 0 {
                return self.end(pos);
            }
            self.fuel -= 1;
            let p = self.p;
            match p.ops[pc as usize] {
                op @ (Op::Lit(_) | Op::NotLit(_) | Op::Any | Op::AnyAll | Op::Set(_)) => {
                    let (bits, high) = unit(p, op);
                    self.sets[pos].add(bits, high);
                    pos += 1;
                    pc += 1;
                }
                Op::Str { at, len } => {
                    for &ch in &p.text[at as usize..(at + len) as usize] {
                        if pos < DEPTH {
                            self.sets[pos].add(one_bit(ch), ch >= 256);
                            pos += 1;
                        }
                    }
                    pc += 1;
                }
                Op::Fail => return,
                Op::Match | Op::GroupRef { .. } | Op::AssertEnd | Op::AssertNotEnd => return self.end(pos),
                Op::At(_) | Op::Mark(_) | Op::Atomic | Op::AtomicEnd => pc += 1,
                Op::Jump(to) => pc = to,
                Op::Branch(b) => {
                    for alt in &p.branches[b as usize] {
                        self.go(alt.pc, pos);
                    }
                    return;
                }
                Op::LoopInit(k) | Op::PossInit(k) => {
                    let l = p.loops[k as usize];
                    if l.min == 0 {
                        self.go(l.tail, pos);
                    }
                    pc = l.body;
                }
                Op::LoopMax(k) | Op::LoopMin(k) | Op::PossEnd(k) => {
                    let l = p.loops[k as usize];
                    self.go(l.tail, pos);
                    pc = l.body;
                }
                Op::One(i) | Op::OneMin(i) | Op::OnePoss(i) => {
                    let one = p.ones[i as usize];
                    let (bits, high) = unit(p, one.unit);
                    let mut count = 0;
                    loop {
                        if count >= one.min {
                            self.go(one.tail, pos);
                        }
                        if count == one.max || pos >= self.limit {
                            return;
                        }
                        self.sets[pos].add(bits, high);
                        pos += 1;
                        count += 1;
                    }
                }
                Op::Assert { skip, .. } | Op::AssertNot { skip, .. } => pc = skip,
                Op::GroupExists { no, .. } => {
                    self.go(no, pos);
                    pc += 1;
                }
            }
        }
    }
}

/// The longest run of literals on the straight way through the pattern.
fn required(p: &Program) -> Vec<u32> {
    let (mut best, mut run) = (Vec::new(), Vec::new());
    let mut pc = 0;
    loop {
        let mut broken = true;
        match p.ops[pc as usize] {
            Op::Lit(ch) => {
                run.push(ch);
                broken = false;
                pc += 1;
            }
            Op::Str { at, len } => {
                run.extend_from_slice(&p.text[at as usize..(at + len) as usize]);
                broken = false;
                pc += 1;
            }
            Op::Mark(_) | Op::At(_) | Op::Atomic | Op::AtomicEnd => {
                broken = false;
                pc += 1;
            }
            Op::Assert { skip, .. } | Op::AssertNot { skip, .. } => {
                broken = false;
                pc = skip;
            }
            Op::Branch(b) => pc = p.joins[b as usize],
            Op::LoopInit(k) | Op::PossInit(k) => pc = p.loops[k as usize].tail,
            Op::One(i) | Op::OneMin(i) | Op::OnePoss(i) => pc = p.ones[i as usize].tail,
            Op::NotLit(_) | Op::Any | Op::AnyAll | Op::Set(_) | Op::GroupRef { .. } => pc += 1,
            _ => {
                if run.len() > best.len() {
                    best = run;
                }
                return best;
            }
        }
        if broken {
            if run.len() > best.len() {
                best = std::mem::take(&mut run);
            }
            run.clear();
        }
    }
}

fn bytes(text: &[u32]) -> Option<Vec<u8>> {
    text.iter().map(|&ch| u8::try_from(ch).ok()).collect()
}

fn plan(p: &Program, info: Option<CharSet>) -> Plan {
    let mut plan = Plan::default();
    let mut pc = 0;
    while let Op::Mark(_) = p.ops[pc] {
        pc += 1;
    }
    match p.ops[pc] {
        Op::At(At::Beginning) => {
            plan.anchor = Anchor::Start;
            return plan;
        }
        Op::At(At::BeginningLine) => plan.anchor = Anchor::Line,
        Op::One(i) | Op::OneMin(i) | Op::OnePoss(i) => {
            let one = &p.ones[i as usize];
            if one.max == u32::MAX && !p.has_refs {
                plan.lead = Some(i);
            }
        }
        _ => {}
    }
    let mut positions = Positions { p, sets: [Acc::default(); DEPTH], limit: DEPTH, fuel: 200 };
    positions.go(0, 0);
    let mut depth = positions.limit;
    while depth > 0 && positions.sets[depth - 1].full() {
        depth -= 1;
    }
    let sets = &positions.sets[..depth];
    plan.info = info.filter(|info| match sets.first() {
        Some(set) => {
            set.bits.iter().zip(info.bits).any(|(ours, theirs)| ours & !theirs != 0)
                || set.high && !info.always_high()
        }
        None => true,
    });
    for set in sets {
        if set.high || set.count() != 1 {
            break;
        }
        let word = set.bits.iter().position(|&w| w != 0).unwrap_or(0);
        plan.prefix.push(word as u32 * 64 + set.bits[word].trailing_zeros());
    }
    if let Op::Str { at, len } = p.ops[pc] {
        let text = &p.text[at as usize..(at + len) as usize];
        if text.len() > plan.prefix.len() {
            plan.prefix = text.to_vec();
        }
    }
    plan.whole = plan.anchor == Anchor::Anywhere
        && p.ops.len() == 2
        && match p.ops[0] {
            Op::Lit(_) => plan.prefix.len() == 1,
            Op::Str { len, .. } => plan.prefix.len() == len as usize,
            _ => false,
        };
    plan.finder = bytes(&plan.prefix).filter(|b| !b.is_empty()).map(|b| Finder::new(&b).into_owned());
    // A filter of one position says no more than the prefix.
    if plan.prefix.is_empty() && depth > 0 || plan.prefix.len() == 1 && depth > 1 {
        plan.depth = depth as u32;
        let mut masks = vec![0u8; 256];
        for (pos, set) in sets.iter().enumerate() {
            for (ch, mask) in masks.iter_mut().enumerate() {
                *mask |= ((set.bits[ch >> 6] >> (ch & 63) & 1) as u8) << pos;
            }
            plan.high |= (set.high as u8) << pos;
        }
        plan.masks = masks.into_boxed_slice();
    }
    let weak = depth == 0 || sets.iter().all(|set| set.count() > 32);
    if plan.prefix.is_empty() && weak {
        plan.required = bytes(&required(p)).filter(|b| !b.is_empty()).map(|b| Finder::new(&b).into_owned());
    }
    plan
}

/// Fills in the first sets and the search plan.
pub(crate) fn analyse(p: &mut Program, info: Option<CharSet>) {
    for b in 0..p.branches.len() {
        for a in 0..p.branches[b].len() {
            let acc = first(p, p.branches[b][a].pc);
            p.branches[b][a].first = intern(p, acc);
        }
    }
    for k in 0..p.loops.len() {
        let (body, tail) = (first(p, p.loops[k].body), first(p, p.loops[k].tail));
        p.loops[k].body_first = intern(p, body);
        p.loops[k].tail_first = intern(p, tail);
    }
    for i in 0..p.ones.len() {
        let one = p.ones[i];
        let acc = first(p, one.tail);
        let (bits, high) = unit(p, one.unit);
        let apart = !acc.open && bits.iter().zip(acc.bits).all(|(a, b)| a & b == 0);
        let tail_first = intern(p, acc);
        let tail_lit = match p.ops[one.tail as usize] {
            Op::Lit(ch) => Some(ch),
            Op::Str { at, .. } => Some(p.text[at as usize]),
            _ => None,
        };
        let one = &mut p.ones[i];
        one.tail_first = tail_first;
        one.tail_lit = tail_lit;
        one.firm_narrow = apart;
        one.firm_wide = apart && !(high && acc.high);
    }
    p.plan = plan(p, info);
}
