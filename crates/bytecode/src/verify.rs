//! Checks a code object: first its shape (no index out of range, no constant or cache of
//! the wrong kind, so that bad bytes cannot corrupt the VM), then, by walking all paths,
//! its use of temporaries: written before read, consumed once, the same ones live on
//! every way to an instruction or handler, none left at a return.

use crate::code::{CacheSpec, CodeUnit, Constant, MAX_NOTES, code_flags};
use crate::instruction::{Instruction, flags};
use crate::opcode::Opcode;
use crate::operands::{Operands, Use, flags_are_count, is_basic, operands};

/// Something wrong with a code object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Qualified name of the code object.
    pub code: String,
    /// Index of the instruction.
    pub at: usize,
    /// What is wrong.
    pub message: String,
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} at {}: {}", self.code, self.at, self.message)
    }
}

/// All findings in `code` and the code objects inside it.
pub fn verify(code: &CodeUnit) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut work = vec![code];
    while let Some(code) = work.pop() {
        let mut v = Verifier { code, findings: Vec::new() };
        v.shape();
        if v.findings.is_empty() {
            v.flow();
        }
        findings.append(&mut v.findings);
        work.extend(code.constants.iter().filter_map(|c| match c {
            Constant::Code(inner) => Some(&**inner),
            _ => None,
        }));
    }
    findings
}

struct Verifier<'c> {
    code: &'c CodeUnit,
    findings: Vec<Finding>,
}

/// Which registers an instruction touches, in the order of the table.
struct Effects {
    reads: Vec<usize>,
    dies: Vec<usize>,
    writes: Vec<usize>,
}

fn needs_call_cache(op: Opcode) -> bool {
    flags_are_count(op) && op != Opcode::MatchClass
}

fn can_raise(ins: Instruction, op: Opcode, first_temp: usize) -> bool {
    use Opcode::*;
    match op {
        Nop | LoadConst | Drop | Jump | ClearLocal | MakeCell | StoreDeref | PushException | PopException
        | JumpIfNone | JumpIfNotNone | Return | ReturnConst | ReturnGenerator => false,
        Move => !(ins.has(flags::B_CONST) || ins.b() >= first_temp),
        Move2 => {
            !((ins.has(flags::B_CONST) || ins.b() >= first_temp)
                && (ins.has(flags::C_CONST) || ins.c() >= first_temp))
        }
        _ => true,
    }
}

fn ends_flow(op: Opcode) -> bool {
    use Opcode::*;
    matches!(op, Jump | JumpBack | Return | ReturnConst | Raise | Reraise)
}

impl Verifier<'_> {
    fn find(&mut self, at: usize, message: impl Into<String>) {
        if self.findings.len() < 20 {
            self.findings.push(Finding { code: self.code.qualname.to_string(), at, message: message.into() });
        }
    }

    fn argc(&self, ins: Instruction, op: Opcode) -> u32 {
        match self.code.caches.get(ins.c()) {
            Some(CacheSpec::Call { argc, .. }) if needs_call_cache(op) => *argc,
            _ => 0,
        }
    }

    fn operands(&self, ins: Instruction, op: Opcode) -> Operands {
        operands(ins, op, self.argc(ins, op))
    }

    // ---- shape -------------------------------------------------------------------

    fn shape(&mut self) {
        let code = self.code;
        let n = code.instructions.len();
        if n == 0 || n > i32::MAX as usize / 2 {
            return self.find(0, "no instructions, or too many");
        }
        if code.locations.len() != n {
            self.find(0, "not one location per instruction");
        }
        if (code.registers as usize) < code.locals.len() || code.registers > 0xffff {
            return self.find(0, "bad number of registers");
        }
        let extra = (code.flags & code_flags::VARARGS != 0) as u64
            + (code.flags & code_flags::VARKEYWORDS != 0) as u64;
        let params = code.argcount as u64 + code.kwonly as u64 + extra;
        if params > code.locals.len() as u64 || code.posonly > code.argcount {
            self.find(0, "more parameters than locals");
        }
        if code.flags & code_flags::HAS_DOCSTRING != 0
            && !matches!(code.constants.first(), Some(Constant::Str(_)))
        {
            self.find(0, "no docstring");
        }
        for cache in &code.caches {
            let good = match cache {
                CacheSpec::Name(i) => matches!(code.constants.get(*i as usize), Some(Constant::Str(_))),
                CacheSpec::Call { kwnames: None, argc } => *argc <= code.registers,
                CacheSpec::Call { kwnames: Some(i), argc } => {
                    *argc <= code.registers
                        && match code.constants.get(*i as usize) {
                            Some(Constant::Tuple(names)) => {
                                names.len() <= *argc as usize
                                    && names.iter().all(|n| matches!(n, Constant::Str(_)))
                            }
                            _ => false,
                        }
                }
            };
            if !good {
                self.find(0, "bad cache");
            }
        }
        let mut last = 0;
        for e in &code.exceptions {
            let depth = e.depth as usize;
            if e.start < last
                || e.start >= e.end
                || e.end as usize > n
                || e.target as usize >= n
                || depth < code.locals.len()
                || depth >= code.registers as usize
            {
                self.find(e.start as usize, "bad exception table entry");
            }
            last = e.start;
        }
        for (i, note) in code.notes.iter().enumerate() {
            let crowded = i >= MAX_NOTES && code.notes[i - MAX_NOTES].at == note.at;
            let unordered = i > 0 && code.notes[i - 1].at > note.at;
            if note.at as usize >= n || note.line == 0 || crowded || unordered {
                self.find(note.at as usize, "bad note of a line");
            }
        }
        for i in 0..n {
            self.instruction_shape(i);
        }
        match code.instructions[n - 1].opcode() {
            Some(op) if ends_flow(op) => {}
            _ => self.find(n - 1, "control runs off the end"),
        }
    }

    fn instruction_shape(&mut self, i: usize) {
        let code = self.code;
        let ins = code.instructions[i];
        let Some(op) = ins.opcode() else { return self.find(i, "no such instruction") };
        if ins.op_byte() >= Opcode::FIRST_QUICK {
            return self.find(i, "an instruction that the compiler does not write");
        }
        if !is_basic(op) {
            return self.find(i, "an instruction that only the VM makes");
        }
        let counted = flags_are_count(op);
        let o = self.operands(ins, op);
        if o.jump {
            let target = i as i64 + 1 + ins.bc() as i64;
            if target < 0 || target >= code.instructions.len() as i64 {
                self.find(i, "jump out of the code");
            }
        }
        if o.constant {
            match code.constants.get(ins.bc() as u32 as usize) {
                None => self.find(i, "no such constant"),
                Some(Constant::Code(_)) => {
                    if op != Opcode::MakeFunction {
                        self.find(i, "a code object as a value");
                    }
                }
                Some(_) if op == Opcode::MakeFunction => self.find(i, "not a code object"),
                Some(_) => {}
            }
        }
        if op == Opcode::ForIter && ins.c() > i + 1 {
            self.find(i, "loop before the code");
        }
        let registers = code.registers as usize;
        let check = |v: &mut Self, r: usize, u: Use, constant: u8| {
            let count = match u {
                Use::No | Use::Number | Use::Cache => 0,
                Use::WritePair | Use::KeepPair => 2,
                Use::WriteMany(n) | Use::Consume(n) => n as usize,
                Use::Source if !counted && constant != 0 && ins.has(constant) => {
                    match code.constants.get(r) {
                        None | Some(Constant::Code(_)) => v.find(i, "no such constant"),
                        Some(_) => {}
                    }
                    0
                }
                _ => 1,
            };
            if count > 0 && r + count > registers {
                v.find(i, "register out of range");
            }
            if u == Use::Cache {
                let good = match code.caches.get(r) {
                    Some(CacheSpec::Name(_)) => !needs_call_cache(op),
                    Some(CacheSpec::Call { argc, kwnames }) => {
                        let kw = matches!(op, Opcode::CallKw | Opcode::CallMethodKw);
                        needs_call_cache(op)
                            && kw == kwnames.is_some()
                            && ins.flags() as u32 == (*argc).min(255)
                    }
                    None => false,
                };
                if !good {
                    v.find(i, "wrong cache");
                }
            }
        };
        check(self, ins.a(), o.a, 0);
        if !o.jump && !o.constant {
            check(self, ins.b(), o.b, flags::B_CONST);
            check(self, ins.c(), o.c, flags::C_CONST);
        }
        if !counted && ins.has(flags::FUSED) && !matches!(op, Opcode::Raise | Opcode::LoadSuperAttr) {
            let next = code.instructions.get(i + 1).copied();
            let good = next.is_some_and(|n| {
                matches!(n.opcode(), Some(Opcode::JumpIfFalse | Opcode::JumpIfTrue))
                    && n.has(flags::A_TEMP)
                    && n.a() == ins.a()
            });
            if !good {
                self.find(i, "fused with something that is no jump on its result");
            }
        }
    }

    // ---- flow --------------------------------------------------------------------------

    fn effects(&self, ins: Instruction, op: Opcode) -> Effects {
        let mut e = Effects { reads: Vec::new(), dies: Vec::new(), writes: Vec::new() };
        let o = self.operands(ins, op);
        let counted = flags_are_count(op);
        let mut add = |r: usize, u: Use, temp: u8, constant: u8| match u {
            Use::No | Use::Number | Use::Cache => {}
            Use::Write | Use::Clear => e.writes.push(r),
            Use::WritePair => e.writes.extend([r, r + 1]),
            Use::WriteMany(n) => e.writes.extend(r..r + n as usize),
            Use::Keep => e.reads.push(r),
            Use::KeepPair => e.reads.extend([r, r + 1]),
            Use::ReadWrite => {
                e.dies.push(r);
                e.writes.push(r);
            }
            Use::Consume(n) => e.dies.extend(r..r + n as usize),
            Use::Source if !counted && constant != 0 && ins.has(constant) => {}
            Use::Source if !counted && ins.has(temp) => e.dies.push(r),
            Use::Source => e.reads.push(r),
        };
        add(ins.a(), o.a, flags::A_TEMP, 0);
        if !o.jump && !o.constant {
            add(ins.b(), o.b, flags::B_TEMP, flags::B_CONST);
            add(ins.c(), o.c, flags::C_TEMP, flags::C_CONST);
        }
        e
    }

    fn flow(&mut self) {
        let code = self.code;
        let n = code.instructions.len();
        let first_temp = code.first_temp();
        let words = (code.registers as usize - first_temp).div_ceil(64).max(1);
        let mut states: Vec<Option<Box<[u64]>>> = vec![None; n];
        let mut handler_of = vec![usize::MAX; n];
        for (k, e) in code.exceptions.iter().enumerate() {
            handler_of[e.start as usize..e.end as usize].fill(k);
        }
        let mut work = vec![0usize];
        states[0] = Some(vec![0u64; words].into());
        while let Some(i) = work.pop() {
            let Some(mut live) = states[i].clone() else { continue };
            let ins = code.instructions[i];
            let Some(op) = ins.opcode() else { continue };
            let e = self.effects(ins, op);
            let bit = |r: usize| ((r - first_temp) / 64, 1u64 << ((r - first_temp) % 64));
            for &r in e.reads.iter().chain(&e.dies) {
                if r >= first_temp {
                    let (w, b) = bit(r);
                    if live[w] & b == 0 {
                        self.find(i, format!("{op:?} reads t{} which is dead", r - first_temp));
                    }
                }
            }
            for &r in &e.dies {
                if r < first_temp {
                    self.find(i, format!("{op:?} consumes the named register {r}"));
                    continue;
                }
                let (w, b) = bit(r);
                if live[w] & b == 0 {
                    self.find(i, format!("{op:?} consumes t{} twice", r - first_temp));
                }
                live[w] &= !b;
            }
            if handler_of[i] != usize::MAX && can_raise(ins, op, first_temp) {
                let h = code.exceptions[handler_of[i]];
                let depth = h.depth as usize - first_temp;
                let mut at_handler = live.clone();
                for (w, word) in at_handler.iter_mut().enumerate() {
                    let low = depth.saturating_sub(w * 64).min(64);
                    *word &= if low == 64 { u64::MAX } else { (1u64 << low) - 1 };
                }
                at_handler[depth / 64] |= 1 << (depth % 64);
                self.join(i, h.target as usize, at_handler, &mut states, &mut work);
            }
            let before_writes = live.clone();
            for &r in &e.writes {
                if r >= first_temp {
                    let (w, b) = bit(r);
                    if live[w] & b != 0 {
                        self.find(i, format!("{op:?} overwrites t{} which is alive", r - first_temp));
                    }
                    live[w] |= b;
                }
            }
            match op {
                Opcode::Return | Opcode::ReturnConst => {
                    if live.iter().any(|&w| w != 0) {
                        self.find(i, "temporaries are alive at a return");
                    }
                    continue;
                }
                Opcode::ForIter => {
                    let body = i + 1 - ins.c();
                    self.join(i, body, live, &mut states, &mut work);
                    live = before_writes;
                    if ins.a() >= first_temp {
                        let (w, b) = bit(ins.a());
                        live[w] &= !b;
                    }
                }
                _ if self.operands(ins, op).jump => {
                    let t = (i as i64 + 1 + ins.bc() as i64) as usize;
                    self.join(i, t, live.clone(), &mut states, &mut work);
                }
                _ => {}
            }
            if !ends_flow(op) && i + 1 < n {
                self.join(i, i + 1, live, &mut states, &mut work);
            }
            if self.findings.len() >= 20 {
                return;
            }
        }
    }

    fn join(
        &mut self,
        from: usize,
        to: usize,
        live: Box<[u64]>,
        states: &mut [Option<Box<[u64]>>],
        work: &mut Vec<usize>,
    ) {
        match &states[to] {
            None => {
                states[to] = Some(live);
                work.push(to);
            }
            Some(known) if *known == live => {}
            Some(known) => {
                let show = |s: &[u64]| {
                    let all = s.iter().enumerate().flat_map(|(w, &bits)| {
                        (0..64).filter(move |b| bits & 1 << b != 0).map(move |b| format!("t{}", w * 64 + b))
                    });
                    all.collect::<Vec<_>>().join(" ")
                };
                let message =
                    format!("at {to}: [{}] alive on one way, [{}] on another", show(known), show(&live));
                self.find(from, message);
            }
        }
    }
}
