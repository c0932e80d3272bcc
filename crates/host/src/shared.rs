//! What processes share by name: POSIX semaphores and shared memory objects.

use crate::error::{Errno, Result, check as cvt, done};
use crate::policy::{read, write};
use std::ffi::CStr;

/// Most that a semaphore can count to.
pub const SEMAPHORE_MAX: i64 = i32::MAX as i64;

/// A named semaphore that is open in this process; closed when dropped.
pub struct Semaphore {
    handle: *mut libc::sem_t,
}

impl Semaphore {
    /// A new one; EEXIST if the name is taken.
    pub fn create(name: &CStr, value: u32) -> Result<Semaphore> {
        write(name)?;
        // SAFETY: a C string and numbers.
        Semaphore::of(unsafe { libc::sem_open(name.as_ptr(), libc::O_CREAT | libc::O_EXCL, 0o600, value) })
    }
    /// One that is there.
    pub fn open(name: &CStr) -> Result<Semaphore> {
        write(name)?;
        // SAFETY: a C string.
        Semaphore::of(unsafe { libc::sem_open(name.as_ptr(), 0) })
    }
    fn of(handle: *mut libc::sem_t) -> Result<Semaphore> {
        if handle == libc::SEM_FAILED { Err(Errno::last()) } else { Ok(Semaphore { handle }) }
    }
    /// Its address, as a name for it.
    pub fn address(&self) -> usize {
        self.handle as usize
    }
    /// Takes one if there is one, else EAGAIN.
    pub fn try_wait(&self) -> Result {
        // SAFETY: open until dropped.
        done(unsafe { libc::sem_trywait(self.handle) })
    }
    /// Takes one when there is one; ETIMEDOUT after `deadline`, nanoseconds of the
    /// real-time clock.
    pub fn wait(&self, deadline: Option<i64>) -> Result {
        // SAFETY: open until dropped; the time is ours.
        done(unsafe {
            match deadline {
                None => libc::sem_wait(self.handle),
                Some(ns) => {
                    let (tv_sec, tv_nsec) = (ns.div_euclid(1_000_000_000), ns.rem_euclid(1_000_000_000));
                    libc::sem_timedwait(self.handle, &libc::timespec { tv_sec, tv_nsec })
                }
            }
        })
    }
    pub fn post(&self) -> Result {
        // SAFETY: open until dropped.
        done(unsafe { libc::sem_post(self.handle) })
    }
    pub fn value(&self) -> Result<i32> {
        let mut value = 0;
        // SAFETY: open until dropped; the value is ours.
        done(unsafe { libc::sem_getvalue(self.handle, &mut value) })?;
        Ok(value)
    }
    /// Takes the name away; the semaphore lives until nobody has it open.
    pub fn unlink(name: &CStr) -> Result {
        write(name)?;
        // SAFETY: a C string.
        done(unsafe { libc::sem_unlink(name.as_ptr()) })
    }
}

impl Drop for Semaphore {
    fn drop(&mut self) {
        // SAFETY: opened once, closed once.
        unsafe { libc::sem_close(self.handle) };
    }
}

/// `shm_open(3)`.
pub fn open_memory(name: &CStr, flags: i32, mode: u32) -> Result<i32> {
    if flags & libc::O_ACCMODE == libc::O_RDONLY && flags & libc::O_CREAT == 0 {
        read(name)?;
    } else {
        write(name)?;
    }
    // SAFETY: a C string and numbers.
    cvt(unsafe { libc::shm_open(name.as_ptr(), flags, mode as libc::mode_t) })
}

/// `shm_unlink(3)`.
pub fn unlink_memory(name: &CStr) -> Result {
    write(name)?;
    // SAFETY: a C string.
    done(unsafe { libc::shm_unlink(name.as_ptr()) })
}
