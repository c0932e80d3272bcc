//! The permission check. Every function of this crate that reaches outside the
//! process asks [`check`] first. By default everything is allowed and the
//! question costs one relaxed load; an embedder (or the `--sandbox` option)
//! installs a judge once, before Python code runs.

use crate::error::{Errno, Result};
use std::ffi::CStr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

/// What is about to be done.
#[derive(Clone, Copy, Debug)]
pub enum Access<'a> {
    /// Look at a path or its metadata.
    Read(&'a CStr),
    /// Change a path: create, delete, rename, change metadata or contents.
    Write(&'a CStr),
    /// Start another program, or fork.
    Run(&'a CStr),
    /// Signal or otherwise control other processes, or change this one's identity or limits.
    Control,
    /// Read the environment of the process, users, host name.
    Environment,
    /// Change the environment of the process.
    SetEnvironment,
    /// Read clocks.
    Clock,
    /// Get random bytes.
    Entropy,
    /// Load native code from a library (with an empty name: any at all), of which
    /// nothing is asked any more.
    Load(&'a CStr),
    /// Create a socket or connect one.
    Network,
}

/// Decides: true lets it happen.
pub type Judge = Box<dyn Fn(Access<'_>) -> bool + Send + Sync>;

static RESTRICTED: AtomicBool = AtomicBool::new(false);
static JUDGE: OnceLock<Judge> = OnceLock::new();

/// Installs the judge, for the life of the process. False if there was one.
pub fn restrict(judge: Judge) -> bool {
    let installed = JUDGE.set(judge).is_ok();
    RESTRICTED.store(true, Ordering::SeqCst);
    installed
}

/// EPERM if the judge says no.
#[inline]
pub fn check(access: Access<'_>) -> Result {
    if RESTRICTED.load(Ordering::Relaxed) { ask(access) } else { Ok(()) }
}

#[cold]
fn ask(access: Access<'_>) -> Result {
    match JUDGE.get() {
        Some(judge) if judge(access) => Ok(()),
        _ => Err(Errno(libc::EPERM)),
    }
}

/// Shorthands for the paths of file system calls.
#[inline]
pub(crate) fn read(path: &CStr) -> Result {
    check(Access::Read(path))
}
#[inline]
pub(crate) fn write(path: &CStr) -> Result {
    check(Access::Write(path))
}
