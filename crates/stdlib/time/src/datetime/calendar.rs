//! The proleptic Gregorian calendar in plain numbers: days are counted from
//! 1 January of year 1, which is day 1; weeks begin on Monday, which is 0.

pub const MIN_YEAR: i32 = 1;
pub const MAX_YEAR: i32 = 9999;
/// The ordinal of 31 December 9999.
pub const MAX_ORDINAL: i32 = 3_652_059;
/// The ordinal of 1 January 1970.
pub const EPOCH_ORDINAL: i64 = 719_163;
pub const DAY_SECONDS: i64 = 86_400;

/// Days before a month in a year without a leap day; months from 1.
const BEFORE: [i32; 13] = [0, 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];

pub const DAY_NAMES: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
pub const MONTH_NAMES: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

#[inline]
pub fn is_leap(year: i32) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// Days of a month; 0 if there is no such month.
#[inline]
pub fn days_in_month(year: i32, month: i32) -> i32 {
    match month {
        2 => 28 + is_leap(year) as i32,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    }
}

/// The ordinal of the last day before a year.
#[inline]
pub fn days_before_year(year: i32) -> i32 {
    let y = year - 1;
    y * 365 + y.div_euclid(4) - y.div_euclid(100) + y.div_euclid(400)
}

/// Days of the year before a month.
#[inline]
pub fn days_before_month(year: i32, month: i32) -> i32 {
    BEFORE.get(month as usize).copied().unwrap_or(0) + (month > 2 && is_leap(year)) as i32
}

#[inline]
pub fn to_ordinal(year: i32, month: i32, day: i32) -> i32 {
    days_before_year(year) + days_before_month(year, month) + day
}

/// Year, month and day of an ordinal, which may lie outside the years of Python.
pub fn from_ordinal(ordinal: i32) -> (i32, i32, i32) {
    // Years that begin in March, counted from that of year 0: leap days come last.
    let days = ordinal as i64 + 305;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    ((era * 400 + year_of_era) as i32 + (month <= 2) as i32, month as i32, day as i32)
}

/// Monday is 0.
#[inline]
pub fn weekday(year: i32, month: i32, day: i32) -> i32 {
    (to_ordinal(year, month, day) + 6).rem_euclid(7)
}

/// The ordinal of the Monday that begins the first ISO week of a year.
pub fn iso_week1_monday(year: i32) -> i32 {
    let first = to_ordinal(year, 1, 1);
    let weekday = (first + 6).rem_euclid(7);
    let monday = first - weekday;
    if weekday > 3 { monday + 7 } else { monday }
}

/// ISO year, week and day of the week (Monday is 1).
pub fn iso_calendar(year: i32, month: i32, day: i32) -> (i32, i32, i32) {
    let today = to_ordinal(year, month, day);
    let mut iso_year = year;
    let mut monday = iso_week1_monday(year);
    if today < monday {
        iso_year -= 1;
        monday = iso_week1_monday(iso_year);
    } else if today >= monday + 52 * 7 && today >= iso_week1_monday(year + 1) {
        iso_year += 1;
        monday = iso_week1_monday(iso_year);
    }
    (iso_year, (today - monday) / 7 + 1, (today - monday) % 7 + 1)
}

/// What is wrong with a date of the ISO calendar.
pub enum IsoError {
    Year,
    Week,
    Day,
}

/// The ordinal of a date of the ISO calendar.
pub fn iso_to_ordinal(year: i32, week: i32, day: i32) -> Result<i32, IsoError> {
    if !(MIN_YEAR..=MAX_YEAR).contains(&year) {
        return Err(IsoError::Year);
    }
    let long_year = || {
        let first = weekday(year, 1, 1);
        first == 3 || first == 2 && is_leap(year)
    };
    if !(1..53).contains(&week) && !(week == 53 && long_year()) {
        return Err(IsoError::Week);
    }
    if !(1..8).contains(&day) {
        return Err(IsoError::Day);
    }
    Ok(iso_week1_monday(year) + (week - 1) * 7 + day - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinals_there_and_back() {
        let mut ordinal = 1;
        for year in [1, 2, 3, 4, 100, 400, 1600, 1900, 1999, 2000, 2001, 9999] {
            ordinal = ordinal.max(to_ordinal(year, 1, 1));
            assert_eq!(ordinal, to_ordinal(year, 1, 1));
            for month in 1..=12 {
                for day in 1..=days_in_month(year, month) {
                    assert_eq!(to_ordinal(year, month, day), ordinal);
                    assert_eq!(from_ordinal(ordinal), (year, month, day));
                    ordinal += 1;
                }
            }
        }
        assert_eq!(ordinal - 1, MAX_ORDINAL);
        assert_eq!(from_ordinal(0), (0, 12, 31));
        assert_eq!(to_ordinal(1970, 1, 1) as i64, EPOCH_ORDINAL);
    }
}
