//! Waiting for descriptors: select, poll, epoll.

use crate::error::{Errno, Result, check as cvt, done};

/// Descriptors for select must be below this.
pub const SELECT_LIMIT: i32 = libc::FD_SETSIZE as i32;

fn to_set(fds: &[i32]) -> libc::fd_set {
    // SAFETY: zero is an empty set; numbers are in range, says `select`.
    unsafe {
        let mut set: libc::fd_set = std::mem::zeroed();
        libc::FD_ZERO(&mut set);
        for &fd in fds {
            libc::FD_SET(fd, &mut set);
        }
        set
    }
}

/// `select(2)`: which of the three lists are ready. Timeout in microseconds.
pub fn select(lists: [&[i32]; 3], timeout: Option<i64>) -> Result<[Vec<i32>; 3]> {
    let all = lists.iter().flat_map(|l| l.iter().copied());
    let (least, most) = (all.clone().min().unwrap_or(0), all.max().unwrap_or(-1));
    if least < 0 || most >= SELECT_LIMIT {
        return Err(Errno(libc::EINVAL));
    }
    let mut sets = lists.map(to_set);
    let mut time = timeout.map(|us| libc::timeval { tv_sec: us / 1_000_000, tv_usec: us % 1_000_000 });
    let time = time.as_mut().map_or(std::ptr::null_mut(), |t| t as *mut _);
    let [r, w, x] = &mut sets;
    // SAFETY: three sets and a timeval of ours.
    cvt(unsafe { libc::select(most + 1, r, w, x, time) })?;
    let mut out = [const { Vec::new() }; 3];
    for ((ready, set), list) in out.iter_mut().zip(&sets).zip(lists) {
        // SAFETY: an initialised set, numbers in range.
        ready.extend(list.iter().copied().filter(|&fd| unsafe { libc::FD_ISSET(fd, set) }));
    }
    Ok(out)
}

/// A descriptor and its events.
pub type PollFd = libc::pollfd;

/// `poll(2)`: how many are ready.
pub fn poll(fds: &mut [PollFd], timeout_ms: i32) -> Result<usize> {
    // SAFETY: a slice of ours.
    cvt(unsafe { libc::poll(fds.as_mut_ptr(), fds.len() as libc::nfds_t, timeout_ms) }).map(|n| n as usize)
}

pub fn epoll_create(flags: i32) -> Result<i32> {
    // SAFETY: a number.
    cvt(unsafe { libc::epoll_create1(flags) })
}

pub fn epoll_control(epoll: i32, operation: i32, fd: i32, events: u32) -> Result {
    let mut event = libc::epoll_event { events, u64: fd as u64 };
    // SAFETY: the event is ours.
    done(unsafe { libc::epoll_ctl(epoll, operation, fd, &mut event) })
}

/// Descriptors and events.
pub fn epoll_wait(epoll: i32, most: usize, timeout_ms: i32) -> Result<Vec<(i32, u32)>> {
    let mut events: Vec<libc::epoll_event> = Vec::new();
    events.try_reserve_exact(most).map_err(|_| Errno(libc::ENOMEM))?;
    // SAFETY: room for `most` events, of which the call fills those it counts.
    unsafe {
        let n = cvt(libc::epoll_wait(epoll, events.as_mut_ptr(), most as i32, timeout_ms))?;
        events.set_len((n as usize).min(most));
    }
    Ok(events.iter().map(|e| (e.u64 as i32, e.events)).collect())
}
