//! Calls on descriptors. Permission was asked when the descriptor was opened.

use crate::error::{Errno, Result, check as cvt, count, done};
use std::ffi::CStr;

/// Most bytes that one read or write may ask for (as Linux has it).
pub const IO_MAX: usize = 0x7fff_f000;

#[inline]
pub fn read(fd: i32, buffer: &mut [u8]) -> Result<usize> {
    // SAFETY: the buffer is the caller's.
    count(unsafe { libc::read(fd, buffer.as_mut_ptr().cast(), buffer.len().min(IO_MAX)) })
}

/// Reads up to `size` bytes behind what the vector holds already.
pub fn read_append(fd: i32, out: &mut Vec<u8>, size: usize) -> Result<usize> {
    if out.try_reserve(size).is_err() {
        return Err(Errno(libc::ENOMEM));
    }
    // SAFETY: there is room for `size` bytes, and the call fills what it counts.
    unsafe {
        let n = count(libc::read(fd, out.as_mut_ptr().add(out.len()).cast(), size.min(IO_MAX)))?;
        out.set_len(out.len() + n);
        Ok(n)
    }
}

#[inline]
pub fn write(fd: i32, bytes: &[u8]) -> Result<usize> {
    // SAFETY: the bytes are the caller's.
    count(unsafe { libc::write(fd, bytes.as_ptr().cast(), bytes.len().min(IO_MAX)) })
}

pub fn pread(fd: i32, buffer: &mut [u8], offset: i64) -> Result<usize> {
    // SAFETY: the buffer is the caller's.
    count(unsafe { libc::pread(fd, buffer.as_mut_ptr().cast(), buffer.len().min(IO_MAX), offset) })
}

pub fn pwrite(fd: i32, bytes: &[u8], offset: i64) -> Result<usize> {
    // SAFETY: the bytes are the caller's.
    count(unsafe { libc::pwrite(fd, bytes.as_ptr().cast(), bytes.len().min(IO_MAX), offset) })
}

/// `preadv2(2)`; without `offset`, `readv(2)`.
pub fn readv(fd: i32, buffers: &mut [&mut [u8]], offset: Option<i64>, flags: i32) -> Result<usize> {
    let parts: Vec<libc::iovec> = buffers
        .iter_mut()
        .map(|b| libc::iovec { iov_base: b.as_mut_ptr().cast(), iov_len: b.len() })
        .collect();
    // SAFETY: the parts describe the caller's buffers.
    count(unsafe {
        match offset {
            None => libc::readv(fd, parts.as_ptr(), parts.len() as i32),
            Some(offset) if flags == 0 => libc::preadv(fd, parts.as_ptr(), parts.len() as i32, offset),
            Some(offset) => libc::preadv2(fd, parts.as_ptr(), parts.len() as i32, offset, flags),
        }
    })
}

/// `pwritev2(2)`; without `offset`, `writev(2)`.
pub fn writev(fd: i32, buffers: &[&[u8]], offset: Option<i64>, flags: i32) -> Result<usize> {
    let parts: Vec<libc::iovec> = buffers
        .iter()
        .map(|b| libc::iovec { iov_base: b.as_ptr().cast_mut().cast(), iov_len: b.len() })
        .collect();
    // SAFETY: the parts describe the caller's buffers, which are only read.
    count(unsafe {
        match offset {
            None => libc::writev(fd, parts.as_ptr(), parts.len() as i32),
            Some(offset) if flags == 0 => libc::pwritev(fd, parts.as_ptr(), parts.len() as i32, offset),
            Some(offset) => libc::pwritev2(fd, parts.as_ptr(), parts.len() as i32, offset, flags),
        }
    })
}

pub fn close(fd: i32) -> Result {
    // SAFETY: a number.
    done(unsafe { libc::close(fd) })
}

/// Closes `low..high`, errors ignored.
pub fn close_range(low: i32, high: i32) {
    if low >= high {
        return;
    }
    let low = low.max(0);
    // SAFETY: numbers.
    unsafe {
        if libc::syscall(libc::SYS_close_range, low as u32, (high - 1) as u32, 0u32) != 0 {
            for fd in low..high {
                libc::close(fd);
            }
        }
    }
}

pub fn seek(fd: i32, offset: i64, whence: i32) -> Result<i64> {
    // SAFETY: numbers.
    cvt(unsafe { libc::lseek(fd, offset, whence) })
}

/// A copy of the descriptor, not inheritable.
pub fn dup(fd: i32) -> Result<i32> {
    // SAFETY: numbers.
    cvt(unsafe { libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 0) })
}

pub fn dup2(fd: i32, target: i32, inheritable: bool) -> Result<i32> {
    // SAFETY: numbers.
    cvt(unsafe {
        if inheritable || fd == target {
            libc::dup2(fd, target)
        } else {
            libc::dup3(fd, target, libc::O_CLOEXEC)
        }
    })
}

/// `pipe2(2)`: read end, write end.
pub fn pipe(flags: i32) -> Result<(i32, i32)> {
    let mut fds = [0; 2];
    // SAFETY: room for two.
    done(unsafe { libc::pipe2(fds.as_mut_ptr(), flags) })?;
    Ok((fds[0], fds[1]))
}

pub fn is_inheritable(fd: i32) -> Result<bool> {
    // SAFETY: numbers.
    cvt(unsafe { libc::fcntl(fd, libc::F_GETFD) }).map(|flags| flags & libc::FD_CLOEXEC == 0)
}

pub fn set_inheritable(fd: i32, inheritable: bool) -> Result {
    // SAFETY: numbers.
    unsafe {
        let flags = cvt(libc::fcntl(fd, libc::F_GETFD))?;
        let wanted = if inheritable { flags & !libc::FD_CLOEXEC } else { flags | libc::FD_CLOEXEC };
        if wanted != flags {
            done(libc::fcntl(fd, libc::F_SETFD, wanted))?;
        }
        Ok(())
    }
}

pub fn is_blocking(fd: i32) -> Result<bool> {
    // SAFETY: numbers.
    cvt(unsafe { libc::fcntl(fd, libc::F_GETFL) }).map(|flags| flags & libc::O_NONBLOCK == 0)
}

pub fn set_blocking(fd: i32, blocking: bool) -> Result {
    // SAFETY: numbers.
    unsafe {
        let flags = cvt(libc::fcntl(fd, libc::F_GETFL))?;
        let wanted = if blocking { flags & !libc::O_NONBLOCK } else { flags | libc::O_NONBLOCK };
        if wanted != flags {
            done(libc::fcntl(fd, libc::F_SETFL, wanted))?;
        }
        Ok(())
    }
}

pub fn is_tty(fd: i32) -> bool {
    // SAFETY: a number.
    unsafe { libc::isatty(fd) == 1 }
}

pub fn sync(fd: i32, data_only: bool) -> Result {
    // SAFETY: a number.
    done(unsafe { if data_only { libc::fdatasync(fd) } else { libc::fsync(fd) } })
}

/// `fcntl(2)` with a number as its argument.
pub fn control(fd: i32, command: i32, argument: i64) -> Result<i32> {
    // SAFETY: commands that take a pointer get one only through `control_bytes`;
    // the kernel answers EFAULT to a number that is none.
    cvt(unsafe { libc::fcntl(fd, command, argument) })
}

/// `fcntl(2)` with a buffer that the call may read and change.
pub fn control_bytes(fd: i32, command: i32, argument: &mut [u8; 1024]) -> Result<i32> {
    // SAFETY: larger than any structure that fcntl takes.
    cvt(unsafe { libc::fcntl(fd, command, argument.as_mut_ptr()) })
}

/// `ioctl(2)` with a number.
pub fn ioctl(fd: i32, request: u64, argument: i64) -> Result<i32> {
    // SAFETY: as in `control`.
    cvt(unsafe { libc::ioctl(fd, request as libc::c_ulong, argument) })
}

/// `ioctl(2)` with a buffer. The kernel checks requests, not sizes: the buffer
/// must be as large as the request wants it, as Python's documentation says.
pub fn ioctl_bytes(fd: i32, request: u64, argument: &mut [u8]) -> Result<i32> {
    // SAFETY: see above.
    cvt(unsafe { libc::ioctl(fd, request as libc::c_ulong, argument.as_mut_ptr()) })
}

pub fn flock(fd: i32, operation: i32) -> Result {
    // SAFETY: numbers.
    done(unsafe { libc::flock(fd, operation) })
}

/// A record lock as `fcntl.lockf` makes it.
pub fn record_lock(fd: i32, command: i32, kind: i32, start: i64, length: i64, whence: i32) -> Result {
    // SAFETY: zero is a valid flock.
    unsafe {
        let mut lock: libc::flock = std::mem::zeroed();
        lock.l_type = kind as libc::c_short;
        lock.l_start = start;
        lock.l_len = length;
        lock.l_whence = whence as libc::c_short;
        done(libc::fcntl(fd, command, &lock))
    }
}

/// `lockf(3)`.
pub fn lockf(fd: i32, command: i32, length: i64) -> Result {
    // SAFETY: numbers.
    done(unsafe { libc::lockf(fd, command, length) })
}

pub fn advise(fd: i32, offset: i64, length: i64, advice: i32) -> Result {
    // SAFETY: numbers.
    crate::error::code(unsafe { libc::posix_fadvise(fd, offset, length, advice) })
}

pub fn allocate(fd: i32, offset: i64, length: i64) -> Result {
    // SAFETY: numbers.
    crate::error::code(unsafe { libc::posix_fallocate(fd, offset, length) })
}

/// `sendfile(2)`: from the current position without an offset.
pub fn sendfile(out: i32, input: i32, offset: Option<i64>, size: usize) -> Result<usize> {
    let mut at = offset.unwrap_or(0);
    let at = if offset.is_some() { &raw mut at } else { std::ptr::null_mut() };
    // SAFETY: the offset is ours or null.
    count(unsafe { libc::sendfile(out, input, at, size) })
}

fn offset_pointer(offset: &mut Option<i64>) -> *mut i64 {
    offset.as_mut().map_or(std::ptr::null_mut(), |o| o as *mut i64)
}

pub fn copy_range(
    src: i32,
    mut src_at: Option<i64>,
    dst: i32,
    mut dst_at: Option<i64>,
    size: usize,
) -> Result<usize> {
    // SAFETY: the offsets are ours or null.
    count(unsafe {
        libc::copy_file_range(src, offset_pointer(&mut src_at), dst, offset_pointer(&mut dst_at), size, 0)
    })
}

pub fn splice(
    src: i32,
    mut src_at: Option<i64>,
    dst: i32,
    mut dst_at: Option<i64>,
    size: usize,
    flags: u32,
) -> Result<usize> {
    // SAFETY: the offsets are ours or null.
    count(unsafe {
        libc::splice(src, offset_pointer(&mut src_at), dst, offset_pointer(&mut dst_at), size, flags)
    })
}

pub fn memfd(name: &CStr, flags: u32) -> Result<i32> {
    // SAFETY: a C string.
    cvt(unsafe { libc::memfd_create(name.as_ptr(), flags) })
}

pub fn eventfd(initial: u32, flags: i32) -> Result<i32> {
    // SAFETY: numbers.
    cvt(unsafe { libc::eventfd(initial, flags) })
}

pub fn eventfd_read(fd: i32) -> Result<u64> {
    let mut value = 0;
    // SAFETY: the value is ours.
    done(unsafe { libc::eventfd_read(fd, &mut value) })?;
    Ok(value)
}

pub fn eventfd_write(fd: i32, value: u64) -> Result {
    // SAFETY: numbers.
    done(unsafe { libc::eventfd_write(fd, value) })
}

pub fn timerfd(clock: i32, flags: i32) -> Result<i32> {
    // SAFETY: numbers.
    cvt(unsafe { libc::timerfd_create(clock, flags) })
}

/// (seconds, nanoseconds) of the next expiration and of the interval.
pub type TimerSetting = [(i64, i64); 2];

fn timer_from_c(t: &libc::itimerspec) -> TimerSetting {
    [(t.it_value.tv_sec, t.it_value.tv_nsec), (t.it_interval.tv_sec, t.it_interval.tv_nsec)]
}

/// Arms a timer; gives back the setting before.
pub fn timerfd_set(fd: i32, flags: i32, setting: TimerSetting) -> Result<TimerSetting> {
    let spec = |(tv_sec, tv_nsec): (i64, i64)| libc::timespec { tv_sec, tv_nsec };
    let new = libc::itimerspec { it_value: spec(setting[0]), it_interval: spec(setting[1]) };
    // SAFETY: zero is a valid itimerspec.
    unsafe {
        let mut old: libc::itimerspec = std::mem::zeroed();
        done(libc::timerfd_settime(fd, flags, &new, &mut old))?;
        Ok(timer_from_c(&old))
    }
}

pub fn timerfd_get(fd: i32) -> Result<TimerSetting> {
    // SAFETY: zero is a valid itimerspec.
    unsafe {
        let mut now: libc::itimerspec = std::mem::zeroed();
        done(libc::timerfd_gettime(fd, &mut now))?;
        Ok(timer_from_c(&now))
    }
}
