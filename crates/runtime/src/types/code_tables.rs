//! `co_linetable` and `co_exceptiontable`: positions and handlers of a code object in
//! CPython's encodings, for tools that read them. Both count in pairs of bytes, of which
//! an instruction has four. Line tables are read as well (`code.replace()`).

use std::collections::BTreeSet;
use taipan_bytecode::{ExceptionEntry, Location};

/// Pairs of bytes in an instruction.
const UNITS: usize = 4;

/// Most pairs of bytes that an entry of a line table covers.
const MAX_UNITS: usize = 8;

/// The handlers in ranges that do not overlap, each with its target and the number of
/// temporaries that stay alive. Before instruction `beginning` is a place for the frame's
/// beginning.
pub fn exception_table(entries: &[ExceptionEntry], first_temp: usize, beginning: usize) -> Vec<u8> {
    let mut edges: Vec<u32> = entries.iter().flat_map(|e| [e.start, e.end]).collect();
    edges.sort_unstable();
    edges.dedup();
    let mut by_end: Vec<(u32, usize)> = entries.iter().enumerate().map(|(i, e)| (e.end, i)).collect();
    by_end.sort_unstable();
    let (mut ends, mut starts) = (by_end.into_iter().peekable(), entries.iter().enumerate().peekable());
    // Places of the entries that cover the range: the last one counts.
    let mut covering = BTreeSet::new();
    let mut ranges: Vec<(u32, u32, usize)> = Vec::new();
    for (from, to) in edges.iter().zip(edges.iter().skip(1)) {
        while let Some((begun, _)) = starts.next_if(|(_, e)| e.start <= *from) {
            covering.insert(begun);
        }
        while let Some((_, over)) = ends.next_if(|(end, _)| end <= from) {
            covering.remove(&over);
        }
        let Some(&entry) = covering.last() else { continue };
        match ranges.last_mut() {
            Some(last) if last.2 == entry && last.1 == *from => last.1 = *to,
            _ => ranges.push((*from, *to, entry)),
        }
    }
    let mut out = Vec::new();
    for (start, end, entry) in ranges {
        let Some(entry) = entries.get(entry) else { continue };
        let depth = (entry.depth as usize).saturating_sub(first_temp) as u64;
        let units = |i: u32| (i as u64 + (i as usize >= beginning) as u64) * UNITS as u64;
        high_first(&mut out, units(start), 0x80);
        high_first(&mut out, units(end).saturating_sub(units(start)), 0);
        high_first(&mut out, units(entry.target), 0);
        high_first(&mut out, depth << 1, 0);
    }
    out
}

/// A number of an exception table: six bits a byte, the highest first; 0x40 says that
/// more follow.
fn high_first(out: &mut Vec<u8>, n: u64, mark: u8) {
    let groups = (64 - n.leading_zeros()).div_ceil(6).max(1);
    for i in (0..groups).rev() {
        let more = if i > 0 { 0x40 } else { 0 };
        let mark = if i + 1 == groups { mark } else { 0 };
        out.push((n >> (6 * i)) as u8 & 0x3f | more | mark);
    }
}

/// A number of a line table: the lowest six bits first.
fn low_first(out: &mut Vec<u8>, mut n: u64) {
    while n >= 0x40 {
        out.push(n as u8 & 0x3f | 0x40);
        n >>= 6;
    }
    out.push(n as u8);
}

/// A number with a sign, which is the lowest bit.
fn signed(n: i64) -> u64 {
    n.unsigned_abs() << 1 | (n < 0) as u64
}

/// The positions of pairs of bytes.
pub fn line_table(all: &[Option<Location>], first_line: u32) -> Vec<u8> {
    let mut out = Vec::new();
    let mut line = first_line as i64;
    for same in all.chunk_by(|a, b| a == b) {
        for covered in same.chunks(MAX_UNITS) {
            let here = covered.first().copied().flatten();
            entry(&mut out, here, &mut line, covered.len());
        }
    }
    out
}

/// One entry of a line table, in the shortest form.
fn entry(out: &mut Vec<u8>, here: Option<Location>, line: &mut i64, units: usize) {
    let mut head = |form: u32| out.push(0x80 | (form as u8) << 3 | (units - 1) as u8);
    let Some(here) = here else { return head(15) };
    let delta = here.line as i64 - *line;
    *line = here.line as i64;
    let width = here.end_column.wrapping_sub(here.column);
    if here.end_line != here.line {
        // The form with all numbers, below.
    } else if delta == 0 && here.column < 80 && width < 16 {
        head(here.column / 8);
        return out.push((here.column % 8) as u8 * 16 + width as u8);
    } else if (0..3).contains(&delta) && here.column < 128 && here.end_column < 128 {
        head(10 + delta as u32);
        return out.extend([here.column as u8, here.end_column as u8]);
    }
    head(14);
    low_first(out, signed(delta));
    low_first(out, here.end_line.saturating_sub(here.line) as u64);
    low_first(out, here.column as u64 + 1);
    low_first(out, here.end_column as u64 + 1);
}

/// The positions that a line table has for `count` instructions, which lie behind the
/// place of the frame's beginning; none where it ends early.
/// Of a table that is empty there are none at all.
pub fn read_line_table(table: &[u8], first_line: u32, count: usize) -> Vec<Location> {
    let mut bytes = table.iter().copied();
    let mut out = Vec::new();
    let (mut line, mut unit) = (first_line as i64, 0);
    while let Some(head) = bytes.next() {
        let here = location(head, &mut bytes, &mut line);
        for _ in 0..(head & 7) + 1 {
            // The first pair of an instruction's bytes tells its place.
            if unit >= UNITS && unit % UNITS == 0 && out.len() < count {
                out.push(here);
            }
            unit += 1;
        }
    }
    if !table.is_empty() {
        out.resize(count, Location::default());
    }
    out
}

fn location(head: u8, bytes: &mut impl Iterator<Item = u8>, line: &mut i64) -> Location {
    let form = head >> 3 & 15;
    let mut number = || {
        let (mut n, mut shift) = (0u64, 0);
        for byte in &mut *bytes {
            n |= ((byte & 0x3f) as u64).checked_shl(shift).unwrap_or(0);
            shift += 6;
            if byte & 0x40 == 0 {
                break;
            }
        }
        n as i64
    };
    let from = |n: i64| if n & 1 == 1 { -(n >> 1 & i64::MAX) } else { n >> 1 & i64::MAX };
    let place = |line: i64, end: i64, column: i64, end_column: i64| Location {
        line: u32::try_from(line).unwrap_or(0),
        end_line: u32::try_from(end).unwrap_or(0),
        column: u32::try_from(column).unwrap_or(0),
        end_column: u32::try_from(end_column).unwrap_or(0),
    };
    match form {
        0..=9 => {
            let columns = bytes.next().unwrap_or(0) as i64;
            let column = form as i64 * 8 + (columns >> 4 & 7);
            place(*line, *line, column, column + (columns & 15))
        }
        10..=12 => {
            *line = line.saturating_add(form as i64 - 10);
            let (column, end) = (bytes.next().unwrap_or(0), bytes.next().unwrap_or(0));
            place(*line, *line, column as i64, end as i64)
        }
        13 => {
            *line = line.saturating_add(from(number()));
            place(*line, *line, 0, 0)
        }
        14 => {
            *line = line.saturating_add(from(number()));
            let end = line.saturating_add(number());
            let (column, end_column) = (number(), number());
            place(*line, end, column.saturating_sub(1), end_column.saturating_sub(1))
        }
        _ => Location::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_tables_come_back() {
        let at = |line, end_line, column, end_column| Location { line, end_line, column, end_column };
        let all = [
            at(5, 5, 0, 3),
            at(5, 5, 0, 3),
            at(5, 5, 0, 3),
            at(6, 6, 70, 100),
            at(0, 0, 0, 0),
            at(3, 9, 4, 1),
            at(900, 900, 300, 5000),
        ];
        let known = |l: &Location| (l.line != 0).then_some(*l);
        let mut units = vec![Some(at(5, 5, 0, 0)); UNITS];
        units.extend(all.iter().flat_map(|l| [known(l); UNITS]));
        let table = line_table(&units, 5);
        assert_eq!(read_line_table(&table, 5, all.len()), all);
        assert_eq!(read_line_table(&table, 5, 2), all[..2]);
        assert_eq!(read_line_table(&[0xf8], 5, 2), [Location::default(); 2]);
        assert!(read_line_table(&[], 5, 2).is_empty());
    }

    #[test]
    fn handlers_are_laid_side_by_side() {
        let entry = |start, end, target, depth| ExceptionEntry { start, end, target, depth };
        let table = exception_table(&[entry(0, 20, 30, 2), entry(1, 3, 4, 3)], 2, 0);
        let expected = [0x84, 4, 0x41, 60, 0, 0x88, 8, 20, 2, 0x90, 0x41, 4, 0x41, 60, 0];
        assert_eq!(table, expected);
    }
}
