//! Clocks, sleeping, and the broken-down time of the C library.

use crate::error::{Errno, Result, check as cvt, done};
use crate::policy::{Access, check};
use std::ffi::{CStr, CString};

/// Nanoseconds of a clock (`CLOCK_*`), as seconds and the rest.
pub fn now(clock: i32) -> Result<(i64, i64)> {
    check(Access::Clock)?;
    // SAFETY: zero is a valid timespec, filled by the call.
    unsafe {
        let mut ts: libc::timespec = std::mem::zeroed();
        done(libc::clock_gettime(clock, &mut ts))?;
        Ok((ts.tv_sec, ts.tv_nsec))
    }
}

/// A clock in nanoseconds; clamped to i64 (year 2262).
pub fn now_ns(clock: i32) -> Result<i64> {
    let (s, ns) = now(clock)?;
    Ok(s.saturating_mul(1_000_000_000).saturating_add(ns))
}

pub fn resolution(clock: i32) -> Result<(i64, i64)> {
    check(Access::Clock)?;
    // SAFETY: as in `now`.
    unsafe {
        let mut ts: libc::timespec = std::mem::zeroed();
        done(libc::clock_getres(clock, &mut ts))?;
        Ok((ts.tv_sec, ts.tv_nsec))
    }
}

pub fn set(clock: i32, seconds: i64, nanoseconds: i64) -> Result {
    check(Access::Control)?;
    let ts = libc::timespec { tv_sec: seconds, tv_nsec: nanoseconds };
    // SAFETY: the timespec is ours.
    done(unsafe { libc::clock_settime(clock, &ts) })
}

/// The CPU-time clock of a thread.
pub fn thread_clock(thread: u64) -> Result<i32> {
    let mut clock = 0;
    // SAFETY: the C library checks the thread; fills in the clock.
    crate::error::code(unsafe { libc::pthread_getcpuclockid(thread as libc::pthread_t, &mut clock) })?;
    Ok(clock)
}

/// Sleeps until an absolute time of the monotonic clock. EINTR if a signal came.
pub fn sleep_until(monotonic_ns: i64) -> Result {
    let ts = libc::timespec { tv_sec: monotonic_ns / 1_000_000_000, tv_nsec: monotonic_ns % 1_000_000_000 };
    // SAFETY: the timespec is ours.
    crate::error::code(unsafe {
        libc::clock_nanosleep(libc::CLOCK_MONOTONIC, libc::TIMER_ABSTIME, &ts, std::ptr::null_mut())
    })
}

/// Broken-down time; fields as in C (months from 0, years from 1900).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BrokenDown {
    pub sec: i32,
    pub min: i32,
    pub hour: i32,
    pub mday: i32,
    pub mon: i32,
    pub year: i32,
    pub wday: i32,
    pub yday: i32,
    pub isdst: i32,
    pub gmtoff: i64,
    pub zone: Vec<u8>,
}

fn from_c(tm: &libc::tm) -> BrokenDown {
    BrokenDown {
        sec: tm.tm_sec,
        min: tm.tm_min,
        hour: tm.tm_hour,
        mday: tm.tm_mday,
        mon: tm.tm_mon,
        year: tm.tm_year,
        wday: tm.tm_wday,
        yday: tm.tm_yday,
        isdst: tm.tm_isdst,
        gmtoff: tm.tm_gmtoff,
        zone: if tm.tm_zone.is_null() {
            Vec::new()
        } else {
            // SAFETY: a C string of the C library, copied at once.
            unsafe { CStr::from_ptr(tm.tm_zone) }.to_bytes().to_vec()
        },
    }
}

fn to_c(t: &BrokenDown, zone: Option<&CStr>) -> libc::tm {
    // SAFETY: zero is a valid tm.
    let mut tm: libc::tm = unsafe { std::mem::zeroed() };
    tm.tm_sec = t.sec;
    tm.tm_min = t.min;
    tm.tm_hour = t.hour;
    tm.tm_mday = t.mday;
    tm.tm_mon = t.mon;
    tm.tm_year = t.year;
    tm.tm_wday = t.wday;
    tm.tm_yday = t.yday;
    tm.tm_isdst = t.isdst;
    tm.tm_gmtoff = t.gmtoff;
    tm.tm_zone = zone.map_or(std::ptr::null(), |z| z.as_ptr());
    tm
}

/// `localtime_r(3)`.
pub fn local(seconds: i64) -> Result<BrokenDown> {
    // SAFETY: zero is a valid tm, filled by the call.
    unsafe {
        let mut tm: libc::tm = std::mem::zeroed();
        Errno::clear();
        if libc::localtime_r(&seconds, &mut tm).is_null() {
            let e = Errno::last();
            return Err(if e.0 == 0 { Errno(libc::EINVAL) } else { e });
        }
        Ok(from_c(&tm))
    }
}

/// By how many seconds local time is ahead of UTC at a time.
pub fn local_offset(seconds: i64) -> Result<i64> {
    // SAFETY: as above.
    unsafe {
        let mut tm: libc::tm = std::mem::zeroed();
        Errno::clear();
        if libc::localtime_r(&seconds, &mut tm).is_null() {
            let e = Errno::last();
            return Err(if e.0 == 0 { Errno(libc::EINVAL) } else { e });
        }
        Ok(tm.tm_gmtoff)
    }
}

/// `gmtime_r(3)`.
pub fn utc(seconds: i64) -> Result<BrokenDown> {
    // SAFETY: as above.
    unsafe {
        let mut tm: libc::tm = std::mem::zeroed();
        Errno::clear();
        if libc::gmtime_r(&seconds, &mut tm).is_null() {
            let e = Errno::last();
            return Err(if e.0 == 0 { Errno(libc::EINVAL) } else { e });
        }
        Ok(from_c(&tm))
    }
}

/// `mktime(3)`; None if the time cannot be represented.
pub fn make(t: &BrokenDown) -> Option<i64> {
    let mut tm = to_c(t, None);
    tm.tm_wday = -1;
    // SAFETY: a complete tm of ours.
    let seconds = unsafe { libc::mktime(&mut tm) };
    // -1 is a valid time, too: then the call has set the day of the week.
    if seconds == -1 && tm.tm_wday == -1 { None } else { Some(seconds) }
}

/// `strftime(3)`; None if the result needs more than `limit` bytes.
pub fn format(format: &CStr, t: &BrokenDown, limit: usize) -> Option<Vec<u8>> {
    if format.is_empty() {
        return Some(Vec::new());
    }
    let zone = CString::new(t.zone.clone()).unwrap_or_default();
    let tm = to_c(t, Some(&zone));
    let mut size = 1024;
    loop {
        let mut out = vec![0u8; size];
        // SAFETY: the buffer is ours; the format is a C string.
        let n = unsafe { libc::strftime(out.as_mut_ptr().cast(), size, format.as_ptr(), &tm) };
        if n > 0 {
            out.truncate(n);
            return Some(out);
        }
        if size >= limit {
            return if size >= 256 * format.to_bytes().len() { Some(Vec::new()) } else { None };
        }
        if size >= 256 * format.to_bytes().len() {
            // Enough room: the result is really empty (%Z of no zone, say).
            return Some(Vec::new());
        }
        size *= 2;
    }
}

/// Reads TZ again.
pub fn tzset() {
    unsafe extern "C" {
        fn tzset();
    }
    // SAFETY: no arguments.
    unsafe { tzset() }
}

/// `clock_getcpuclockid(3)`.
pub fn process_clock(pid: i32) -> Result<i32> {
    let mut clock = 0;
    // SAFETY: fills in the clock.
    crate::error::code(unsafe { libc::clock_getcpuclockid(pid, &mut clock) })?;
    Ok(clock)
}

/// `times(2)`: user, system, children's user, children's system, elapsed, in ticks.
pub fn process_times() -> Result<[i64; 5]> {
    // SAFETY: zero is a valid tms.
    unsafe {
        let mut t: libc::tms = std::mem::zeroed();
        let elapsed = cvt(libc::times(&mut t))?;
        Ok([t.tms_utime, t.tms_stime, t.tms_cutime, t.tms_cstime, elapsed])
    }
}
