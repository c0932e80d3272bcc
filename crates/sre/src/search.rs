//! Finding the first match, and stepping over all matches of a subject.

use crate::analyse::Anchor;
use crate::decode::Program;
use crate::exec::{Abort, Beyond, NOWHERE, State, Ticker, Unit, count, run};

/// A subject by the width of its code units.
#[derive(Clone, Copy, Debug)]
pub enum Subject<'a> {
    /// Bytes, or a string whose characters are all below 256.
    U8(&'a [u8]),
    /// A string whose characters are all below 65536.
    U16(&'a [u16]),
    /// Any string.
    U32(&'a [u32]),
}

impl Subject<'_> {
    /// The number of code units.
    pub fn len(&self) -> usize {
        match self {
            Subject::U8(s) => s.len(),
            Subject::U16(s) => s.len(),
            Subject::U32(s) => s.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What to look for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// The first match anywhere (`Pattern.search`).
    Search,
    /// A match at the start position (`Pattern.match`).
    Match,
    /// A match from the start to the end position (`Pattern.fullmatch`).
    FullMatch,
}

/// The start position lies within the subject.
const WITHIN: Beyond = [u32::MAX; 2];

/// Whether the subject has the literals at `at`.
fn literals_at<T: Unit>(s: &[T], at: usize, text: &[u32]) -> bool {
    s.len() - at >= text.len() && s[at..].iter().zip(text).all(|(u, c)| u.code() == *c)
}

/// The next place from `from` on where the characters allow a match to begin,
/// as far as those before `to` tell.
#[inline]
fn filter<T: Unit>(p: &Program, s: &[T], from: usize, to: usize) -> Option<usize> {
    let plan = &p.plan;
    let window = s.get(from..to.min(s.len()))?;
    let masks: &[u8; 256] = plan.masks[..].try_into().ok()?;
    let mask = |u: &T| {
        let ch = u.code();
        if ch < 256 { masks[ch as usize] } else { plan.high }
    };
    if plan.depth == 1 {
        return window.iter().position(|u| mask(u) != 0).map(|at| from + at);
    }
    let top = 1u8 << (plan.depth - 1);
    let mut seen = 0u8;
    for (at, u) in window.iter().enumerate() {
        seen = ((seen << 1) | 1) & mask(u);
        if seen & top != 0 {
            return Some(from + at + 1 - plan.depth as usize);
        }
    }
    None
}

/// The next place from `from` on where a match may begin.
#[inline]
fn candidate<T: Unit>(p: &Program, s: &[T], bytes: Option<&[u8]>, from: usize) -> Option<usize> {
    let plan = &p.plan;
    if plan.anchor == Anchor::Line {
        if from == 0 || s[from - 1].code() == 10 {
            return Some(from);
        }
        return T::find(&s[from..], 10).map(|at| from + at + 1);
    }
    if let [first, rest @ ..] = plan.prefix.as_slice() {
        if plan.depth > 1 {
            // Look for the one character; where it is too common, filter.
            let mut from = from;
            for _ in 0..4 {
                from += T::find(&s[from..], *first)?;
                if filter(p, s, from, from + plan.depth as usize).is_some() {
                    return Some(from);
                }
                from += 1;
            }
            return filter(p, s, from, s.len());
        }
        if let Some(bytes) = bytes {
            if rest.is_empty() {
                return T::find(&s[from..], *first).map(|at| from + at);
            }
            return plan.finder.as_ref()?.find(&bytes[from..]).map(|at| from + at);
        }
        let mut from = from;
        loop {
            from += T::find(&s[from..], *first)?;
            if literals_at(s, from + 1, rest) {
                return Some(from);
            }
            from += 1;
        }
    }
    if plan.depth > 0 {
        return filter(p, s, from, s.len());
    }
    Some(from)
}

fn search<T: Unit>(
    p: &Program,
    s: &[T],
    bytes: Option<&[u8]>,
    pos: usize,
    avoid: usize,
    state: &mut State,
    ticker: &mut Ticker<'_>,
) -> Result<bool, Abort> {
    let plan = &p.plan;
    if s.len() - pos < p.min_width {
        return Ok(false);
    }
    if plan.anchor == Anchor::Start {
        return if pos == 0 { run(p, s, 0, state, false, avoid, WITHIN, ticker) } else { Ok(false) };
    }
    if let (Some(bytes), Some(finder)) = (bytes, &plan.required)
        && finder.find(&bytes[pos..]).is_none()
    {
        return Ok(false);
    }
    let last = s.len() - p.min_width;
    let mut from = pos;
    while from <= last {
        let Some(at) = candidate(p, s, bytes, from) else { return Ok(false) };
        if at > last {
            return Ok(false);
        }
        if let Some(set) = &plan.info {
            // The compiler promises such a first character; its promise is kept
            // even where scoped flags make the pattern itself allow others.
            match s.get(at) {
                None => return Ok(false),
                Some(u) if !set.has(u.code()) => {
                    from = at + 1;
                    continue;
                }
                _ => {}
            }
        }
        if run(p, s, at, state, false, avoid, WITHIN, ticker)? {
            return Ok(true);
        }
        from = at + 1;
        if let Some(lead) = plan.lead {
            from += count(p, p.ones[lead as usize].unit, &s[at..]);
        }
    }
    Ok(false)
}

#[allow(clippy::too_many_arguments)]
fn go<T: Unit>(
    p: &Program,
    s: &[T],
    bytes: Option<&[u8]>,
    mode: Mode,
    pos: usize,
    end: usize,
    avoid: usize,
    state: &mut State,
    ticker: &mut Ticker<'_>,
) -> Result<bool, Abort> {
    if pos > end {
        if mode != Mode::Match {
            return Ok(false);
        }
        let around = [s[pos - 1].code(), s.get(pos).map_or(u32::MAX, |u| u.code())];
        return run(p, &s[..end], pos, state, false, avoid, around, ticker);
    }
    let (s, bytes) = (&s[..end], bytes.map(|b| &b[..end]));
    if mode == Mode::Search {
        return search(p, s, bytes, pos, avoid, state, ticker);
    }
    if s.len() - pos < p.min_width {
        return Ok(false);
    }
    run(p, s, pos, state, mode == Mode::FullMatch, avoid, WITHIN, ticker)
}

impl Program {
    /// Looks for a match of the subject between `pos` and `endpos` (both are
    /// cut to the length). With `must_advance` an empty match at `pos` does not count,
    /// which is how iteration goes on after an empty match. On success
    /// `state` has the bounds of the match and its groups. `interrupt` is
    /// called every few thousand steps; when it answers true the match is given up.
    #[allow(clippy::too_many_arguments)]
    pub fn run(
        &self,
        subject: Subject<'_>,
        mode: Mode,
        pos: usize,
        endpos: usize,
        must_advance: bool,
        state: &mut State,
        interrupt: &mut dyn FnMut() -> bool,
    ) -> Result<bool, Abort> {
        let end = endpos.min(subject.len());
        let pos = pos.min(subject.len());
        state.prepare(self);
        let avoid = if must_advance { pos } else { NOWHERE };
        let mut ticker = Ticker::new(interrupt);
        match subject {
            Subject::U8(s) => go(self, s, Some(s), mode, pos, end, avoid, state, &mut ticker),
            Subject::U16(s) => go(self, s, None, mode, pos, end, avoid, state, &mut ticker),
            Subject::U32(s) => go(self, s, None, mode, pos, end, avoid, state, &mut ticker),
        }
    }

    /// [`Program::run`] over the whole subject for the common cases.
    pub fn find(&self, subject: Subject<'_>, mode: Mode, state: &mut State) -> Result<bool, Abort> {
        self.run(subject, mode, 0, usize::MAX, false, state, &mut || false)
    }
}

/// Steps over a subject as `finditer`, `findall`, `sub`, `split` and
/// `Pattern.scanner` do: an empty match may follow a match directly, but not
/// another empty match at the same place.
#[derive(Clone, Copy, Debug)]
pub struct Scanner {
    /// Where the next match is looked for.
    pub pos: usize,
    /// Where the subject ends.
    pub endpos: usize,
    /// Whether the last match was empty.
    pub must_advance: bool,
    done: bool,
}

impl Scanner {
    /// A scanner over `pos..endpos`.
    pub fn new(pos: usize, endpos: usize) -> Scanner {
        Scanner { pos, endpos, must_advance: false, done: false }
    }

    /// The next match; false when there are no more.
    pub fn next(
        &mut self,
        program: &Program,
        subject: Subject<'_>,
        mode: Mode,
        state: &mut State,
        interrupt: &mut dyn FnMut() -> bool,
    ) -> Result<bool, Abort> {
        if self.done {
            return Ok(false);
        }
        let pos = self.pos;
        if !program.run(subject, mode, pos, self.endpos, self.must_advance, state, interrupt)? {
            self.done = true;
            return Ok(false);
        }
        let (start, end) = state.bounds();
        self.must_advance = start == end;
        self.pos = end;
        Ok(true)
    }
}
