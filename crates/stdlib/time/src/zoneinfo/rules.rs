//! The rules at the end of a time zone's file: strings in the format of the
//! variable `TZ` in POSIX, such as `CET-1CEST,M3.5.0,M10.5.0/3`.

use crate::datetime::calendar::{self, DAY_SECONDS, EPOCH_ORDINAL};

/// A day of every year.
#[derive(Clone, Copy, Debug, PartialEq)]
enum DayRule {
    /// `Mm.w.d`: the week 5 is the last one, the day 0 Sunday.
    Weekday { month: i32, week: i32, day: i32 },
    /// `Jn`: day of the year from 1, 29 February not counted.
    Julian(i32),
    /// `n`: day of the year, 29 February counted; CPython counts from 31 December.
    Ordinal(i32),
}

/// A change of the offset, once a year.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Change {
    day: DayRule,
    /// Seconds after midnight, perhaps of another day.
    seconds: i64,
}

impl Change {
    /// Seconds since 1970 on the local clock.
    pub fn in_year(self, year: i32) -> i64 {
        let ordinal = match self.day {
            DayRule::Weekday { month, week, day } => {
                let first = calendar::to_ordinal(year, month, 1);
                // Ordinal 7 is a Sunday.
                let mut of_month = (day - first).rem_euclid(7) + (week - 1) * 7;
                if of_month >= calendar::days_in_month(year, month) {
                    of_month -= 7;
                }
                first + of_month
            }
            DayRule::Julian(day) => {
                let leap_day = day >= 60 && calendar::is_leap(year);
                calendar::days_before_year(year) + day + leap_day as i32
            }
            DayRule::Ordinal(day) => calendar::days_before_year(year) + day,
        };
        (ordinal as i64 - EPOCH_ORDINAL) * DAY_SECONDS + self.seconds
    }
}

/// A kind of time: its name and its offset from UTC in seconds.
#[derive(Clone, Debug, PartialEq)]
pub struct Kind {
    pub name: String,
    pub offset: i64,
}

/// A whole string.
#[derive(Clone, Debug, PartialEq)]
pub struct Rules {
    pub standard: Kind,
    /// The other kind of time, its beginning and its end.
    pub daylight: Option<(Kind, Change, Change)>,
}

/// What is wrong with a string; the message without the string.
pub type Wrong = &'static str;

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.0.first().copied()
    }
    fn take(&mut self, what: u8) -> bool {
        let found = self.peek() == Some(what);
        if found {
            self.0 = &self.0[1..];
        }
        found
    }
    /// A number of so many digits.
    fn number(&mut self, least: usize, most: usize) -> Option<i64> {
        let len = self.0.iter().take(most).take_while(|c| c.is_ascii_digit()).count();
        if len < least {
            return None;
        }
        let (digits, rest) = self.0.split_at(len);
        self.0 = rest;
        Some(digits.iter().fold(0, |n, d| n * 10 + (d - b'0') as i64))
    }
    /// `EST` or `<-03>`.
    fn name(&mut self) -> Option<String> {
        let quoted = self.take(b'<');
        let valid = |c: &u8| {
            if quoted {
                c.is_ascii_alphanumeric() || *c == b'+' || *c == b'-'
            } else {
                c.is_ascii_alphabetic()
            }
        };
        let len = self.0.iter().take_while(|c| valid(c)).count();
        let (name, rest) = self.0.split_at(len);
        self.0 = rest;
        if len == 0 || quoted && !self.take(b'>') {
            return None;
        }
        String::from_utf8(name.to_vec()).ok()
    }
    /// `[+-]h[h[h]][:mm[:ss]]` in seconds, with at most so many hours.
    fn time(&mut self, most: i64) -> Option<i64> {
        let negative = self.take(b'-');
        if !negative {
            self.take(b'+');
        }
        let hours = self.number(1, 3)?;
        if hours > most {
            return None;
        }
        let mut seconds = hours * 3600;
        if self.take(b':') {
            seconds += self.sixtieth()? * 60;
            if self.take(b':') {
                seconds += self.sixtieth()?;
            }
        }
        Some(if negative { -seconds } else { seconds })
    }
    fn sixtieth(&mut self) -> Option<i64> {
        // As CPython, which lets 99 minutes pass.
        self.number(2, 2)
    }
    fn change(&mut self) -> Option<Change> {
        let day = if self.take(b'M') {
            let month = self.number(1, 2).filter(|n| (1..=12).contains(n))?;
            let week = if self.take(b'.') {
                self.number(1, 1).filter(|n| (1..=5).contains(n))?
            } else {
                return None;
            };
            let day = if self.take(b'.') { self.number(1, 1).filter(|n| *n <= 6)? } else { return None };
            DayRule::Weekday { month: month as i32, week: week as i32, day: day as i32 }
        } else if self.take(b'J') {
            DayRule::Julian(self.number(1, 3).filter(|n| (1..=365).contains(n))? as i32)
        } else {
            DayRule::Ordinal(self.number(1, 3).filter(|n| *n <= 365)? as i32)
        };
        let seconds = if self.take(b'/') { self.time(167)? } else { 2 * 3600 };
        Some(Change { day, seconds })
    }
}

/// Reads a string.
pub fn parse(text: &[u8]) -> Result<Rules, Wrong> {
    let mut reader = Reader(text);
    let name = reader.name().ok_or("Invalid STD format in")?;
    // West of Greenwich counts as positive here.
    let offset = -reader.time(24).ok_or("Invalid STD offset in")?;
    let standard = Kind { name, offset };
    if reader.0.is_empty() {
        return Ok(Rules { standard, daylight: None });
    }
    let name = reader.name().ok_or("Invalid DST format in")?;
    let offset = match reader.peek() {
        Some(b',') => offset + 3600,
        _ => -reader.time(24).ok_or("Invalid DST offset in")?,
    };
    let mut change = || {
        if !reader.take(b',') {
            return Err("Missing transition rules in TZ string:");
        }
        reader.change().ok_or("Malformed transition rule in TZ string:")
    };
    let (start, end) = (change()?, change()?);
    if !reader.0.is_empty() {
        return Err("Extraneous characters at end of TZ string:");
    }
    Ok(Rules { standard, daylight: Some((Kind { name, offset }, start, end)) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_european_zone() {
        let rules = parse(b"CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
        assert_eq!(rules.standard, Kind { name: "CET".into(), offset: 3600 });
        let (summer, start, end) = rules.daylight.unwrap();
        assert_eq!(summer.offset, 7200);
        assert_eq!(start.in_year(2020), 1_585_447_200);
        assert_eq!(end.in_year(2020), 1_603_594_800);
    }

    #[test]
    fn days_of_the_year() {
        let change = |text: &[u8]| Reader(text).change().unwrap();
        assert_eq!(change(b"J1/0").in_year(1970), 0);
        assert_eq!(change(b"0/0").in_year(1970), -86_400);
        assert_eq!(change(b"J60/0").in_year(1972), change(b"61/0").in_year(1972));
        assert_eq!(parse(b"PST8PDT"), Err("Invalid DST offset in"));
        assert_eq!(parse(b"AAA"), Err("Invalid STD offset in"));
    }
}
