//! The transitions of a time zone: what kind of time there is at a point of
//! time, local or universal.

use super::rules::{self, Change};
use crate::datetime::delta::Delta;
use taipan_runtime::prelude::*;
use taipan_runtime::types::bytes::Bytes;

/// A kind of time, with its answers as objects.
#[derive(Clone)]
pub struct Kind {
    pub offset: Object,
    pub dst: Object,
    pub name: Object,
    /// The offset in seconds.
    pub seconds: i64,
    dst_seconds: i64,
}

impl Kind {
    fn new(vm: &Vm, seconds: i64, dst_seconds: i64, name: Object) -> Result<Kind> {
        let delta = |seconds: i64| Span::new(0, seconds, 0).to_object(vm);
        Ok(Kind { offset: delta(seconds)?, dst: delta(dst_seconds)?, name, seconds, dst_seconds })
    }
    pub fn delta(&self) -> Delta {
        Delta::of_seconds(self.seconds, 0)
    }
    fn traverse(&self, visitor: &mut Visitor) {
        for object in [&self.offset, &self.dst, &self.name] {
            visitor.visit_object(object);
        }
    }
}

use crate::datetime::delta::Span;

/// What holds after the last transition.
struct After {
    standard: Kind,
    /// The other kind, when it begins, when it ends.
    daylight: Option<(Kind, Change, Change)>,
}

/// A whole zone.
pub struct Table {
    /// Transitions in seconds since 1970, and in local time for both folds.
    utc: Vec<i64>,
    local: [Vec<i64>; 2],
    /// The kind after every transition: indices into `kinds`.
    after: Vec<usize>,
    kinds: Vec<Kind>,
    /// The kind before the first transition.
    before: Option<usize>,
    rules: After,
    /// Whether all times are of one kind.
    fixed: bool,
}

/// The numbers of a list or tuple.
fn numbers(vm: &Vm, object: &Object) -> Result<Vec<i64>> {
    vm.collect(object)?.iter().map(|item| vm.to_i64(item)).collect()
}

/// How much of each kind's offset is daylight saving time, which files do not
/// tell: guessed from the transitions from and to it.
fn guess_dst(indices: &[usize], offsets: &[i64], is_dst: &[bool]) -> Vec<i64> {
    let mut out = vec![0; offsets.len()];
    for (i, &kind) in indices.iter().enumerate().skip(1) {
        if !is_dst[kind] || out[kind] != 0 {
            continue;
        }
        let previous = indices[i - 1];
        let mut dst = if is_dst[previous] { 0 } else { offsets[kind] - offsets[previous] };
        if dst == 0
            && kind + 1 < offsets.len()
            && let Some(&next) = indices.get(i + 1)
            && !is_dst[next]
        {
            dst = offsets[kind] - offsets[next];
        }
        out[kind] = dst;
    }
    for (dst, &is_dst) in out.iter_mut().zip(is_dst) {
        if is_dst && *dst == 0 {
            *dst = 3600;
        }
    }
    out
}

/// Transitions on the local clock: the later reading for fold 0, the earlier for 1.
fn on_local_clock(indices: &[usize], utc: &[i64], offsets: &[i64]) -> [Vec<i64>; 2] {
    let mut out = [Vec::with_capacity(utc.len()), Vec::with_capacity(utc.len())];
    for (i, (&at, &kind)) in utc.iter().zip(indices).enumerate() {
        let before = match i.checked_sub(1).and_then(|i| indices.get(i)) {
            Some(&previous) => offsets[previous],
            None => offsets[0],
        };
        let after = if offsets.len() > 1 { offsets[kind] } else { before };
        out[0].push(at.saturating_add(before.max(after)));
        out[1].push(at.saturating_add(before.min(after)));
    }
    out
}

/// What a zone says of a time.
pub struct Found<'a> {
    pub kind: &'a Kind,
    pub fold: u8,
}

impl Table {
    /// From what `zoneinfo._common.load_data` returns.
    pub fn new(vm: &Vm, data: &Object) -> Result<Table> {
        let fields = match data.downcast::<Tuple>() {
            Some(tuple) if tuple.len() == 6 => tuple.items().to_vec(),
            _ => {
                let shown = vm.repr_text(data)?;
                return Err(vm.type_error(format!("Invalid data result type: {shown}")));
            }
        };
        let utc = numbers(vm, &fields[1])?;
        let offsets = numbers(vm, &fields[2])?;
        let mut after = Vec::with_capacity(utc.len());
        for index in numbers(vm, &fields[0])? {
            match usize::try_from(index) {
                Ok(i) if i < offsets.len() => after.push(i),
                _ => {
                    return Err(
                        vm.value_error(format!("Invalid transition index found while reading TZif: {index}"))
                    );
                }
            }
        }
        let mut is_dst = Vec::with_capacity(offsets.len());
        for flag in vm.collect(&fields[3])? {
            is_dst.push(vm.is_true(&flag)?);
        }
        let names = vm.collect(&fields[4])?;
        if is_dst.len() < offsets.len() || names.len() < offsets.len() || after.len() != utc.len() {
            return Err(vm.value_error("Invalid data result: lists of different lengths"));
        }
        is_dst.truncate(offsets.len());
        let dst = guess_dst(&after, &offsets, &is_dst);
        let local = on_local_clock(&after, &utc, &offsets);
        let mut kinds = Vec::with_capacity(offsets.len());
        for ((&offset, &dst), name) in offsets.iter().zip(&dst).zip(&names) {
            kinds.push(Kind::new(vm, offset, dst, name.clone())?);
        }
        let before = match is_dst.iter().position(|dst| !dst) {
            None if !kinds.is_empty() => Some(0),
            position => position,
        };
        let rules = if vm.is_true(&fields[5])? {
            parse(vm, &fields[5])?
        } else {
            // What held last holds for ever.
            let last = after.last().copied().or_else(|| kinds.len().checked_sub(1));
            match last.and_then(|i| kinds.get(i)) {
                Some(kind) => After { standard: kind.clone(), daylight: None },
                None => return Err(vm.value_error("No time zone information found.")),
            }
        };
        let fixed = match &kinds[..] {
            _ if rules.daylight.is_some() => false,
            [] => true,
            [kind] => {
                let last = &rules.standard;
                kind.seconds == last.seconds
                    && kind.dst_seconds == last.dst_seconds
                    && vm.equal(&kind.name, &last.name)?
            }
            _ => false,
        };
        Ok(Table { utc, local, after, kinds, before, rules, fixed })
    }

    pub fn traverse(&self, visitor: &mut Visitor) {
        self.kinds.iter().for_each(|kind| kind.traverse(visitor));
        self.rules.standard.traverse(visitor);
        if let Some((kind, ..)) = &self.rules.daylight {
            kind.traverse(visitor);
        }
    }

    /// The kind of all times, if there is only one.
    pub fn always(&self) -> Option<&Kind> {
        if self.fixed { Some(&self.rules.standard) } else { None }
    }

    fn kind_before(&self) -> &Kind {
        self.before.and_then(|i| self.kinds.get(i)).unwrap_or(&self.rules.standard)
    }

    /// The kind after a transition; before the first one for none.
    fn kind_after(&self, transition: Option<usize>) -> &Kind {
        transition
            .and_then(|i| self.after.get(i))
            .and_then(|&i| self.kinds.get(i))
            .unwrap_or_else(|| self.kind_before())
    }

    /// The kind at a time of the local clock.
    pub fn at_local(&self, seconds: i64, fold: u8, year: i32) -> &Kind {
        let transitions = &self.local[(fold != 0) as usize];
        match (transitions.first(), transitions.last()) {
            (Some(&first), _) if seconds < first => self.kind_before(),
            (_, Some(&last)) if seconds <= last => {
                let after = transitions.partition_point(|&t| t <= seconds);
                self.kind_after(after.checked_sub(1))
            }
            _ => self.rules.at_local(seconds, fold, year),
        }
    }

    /// The kind at a universal time, and whether its local time is there for the
    /// second time.
    pub fn at_utc(&self, seconds: i64, year: i32) -> Found<'_> {
        let (Some(&first), Some(&last)) = (self.utc.first(), self.utc.last()) else {
            return self.rules.at_utc(seconds, year);
        };
        if seconds < first {
            return Found { kind: self.kind_before(), fold: 0 };
        }
        if seconds > last {
            let mut found = self.rules.at_utc(seconds, year);
            let previous = self.kind_after(self.utc.len().checked_sub(2));
            let put_back = previous.seconds - found.kind.seconds;
            if put_back > 0 && seconds < last.saturating_add(put_back) {
                found.fold = 1;
            }
            return found;
        }
        let after = self.utc.partition_point(|&t| t <= seconds);
        let kind = self.kind_after(after.checked_sub(1));
        let previous = self.kind_after(after.checked_sub(2));
        let since = after.checked_sub(1).and_then(|i| self.utc.get(i)).map_or(0, |&at| seconds - at);
        Found { kind, fold: (previous.seconds - kind.seconds > since) as u8 }
    }
}

impl After {
    fn at_local(&self, seconds: i64, fold: u8, year: i32) -> &Kind {
        let Some((daylight, start, end)) = &self.daylight else { return &self.standard };
        let (mut start, mut end) = (start.in_year(year), end.in_year(year));
        let difference = daylight.seconds - self.standard.seconds;
        // In one fold the clock is ahead of its change, in the other one behind.
        if (fold != 0) == (difference >= 0) {
            end -= difference;
        } else {
            start += difference;
        }
        let inside = if start < end {
            start <= seconds && seconds < end
        } else {
            !(end <= seconds && seconds < start)
        };
        if inside { daylight } else { &self.standard }
    }

    fn at_utc(&self, seconds: i64, year: i32) -> Found<'_> {
        let Some((daylight, start, end)) = &self.daylight else {
            return Found { kind: &self.standard, fold: 0 };
        };
        let start = start.in_year(year) - self.standard.seconds;
        let end = end.in_year(year) - daylight.seconds;
        let inside = if start < end {
            start <= seconds && seconds < end
        } else {
            !(end <= seconds && seconds < start)
        };
        let difference = daylight.seconds - self.standard.seconds;
        let put_back = if difference > 0 { end..end + difference } else { start..start - difference };
        Found {
            kind: if inside { daylight } else { &self.standard },
            fold: put_back.contains(&seconds) as u8,
        }
    }
}

fn parse(vm: &Vm, object: &Object) -> Result<After> {
    let Some(text) = object.downcast::<Bytes>() else {
        return Err(vm.type_error(format!("expected bytes, {} found", object.ty().full_name())));
    };
    let rules = match rules::parse(text.as_slice()) {
        Ok(rules) => rules,
        Err(message) => {
            let shown = vm.repr_text(object)?;
            return Err(vm.value_error(format!("{message} {shown}")));
        }
    };
    let standard = Kind::new(vm, rules.standard.offset, 0, vm.str(&rules.standard.name))?;
    let daylight = match rules.daylight {
        Some((kind, start, end)) => {
            let dst = kind.offset - rules.standard.offset;
            Some((Kind::new(vm, kind.offset, dst, vm.str(&kind.name))?, start, end))
        }
        None => None,
    };
    Ok(After { standard, daylight })
}
