//! `fork_exec`: starting a program the way `subprocess` wants it. Everything
//! the child needs is prepared before the fork; the child then makes system
//! calls only, and reports a failure through a pipe.

use crate::error::{Errno, Result, check as cvt};
use crate::policy::{Access, check};
use std::ffi::CString;

/// What the child is to do.
pub struct Plan {
    pub args: Vec<CString>,
    /// Candidates, tried one after the other.
    pub executables: Vec<CString>,
    /// None: the environment as it is.
    pub env: Option<Vec<CString>>,
    pub cwd: Option<CString>,
    pub close_fds: bool,
    /// Sorted.
    pub keep: Vec<i32>,
    /// Pairs for stdin, stdout, stderr as subprocess names them; -1: none.
    pub p2cread: i32,
    pub p2cwrite: i32,
    pub c2pread: i32,
    pub c2pwrite: i32,
    pub errread: i32,
    pub errwrite: i32,
    pub error_read: i32,
    /// Failures are written here.
    pub error_write: i32,
    pub restore_signals: bool,
    pub new_session: bool,
    /// -1: leave it.
    pub group: i32,
    pub gid: Option<u32>,
    pub groups: Option<Vec<u32>>,
    pub uid: Option<u32>,
    pub umask: Option<u32>,
}

struct Prepared<'a> {
    plan: &'a Plan,
    args: Vec<*const libc::c_char>,
    env: Option<Vec<*const libc::c_char>>,
}

/// What went wrong in the child, and at which step ("" for exec).
struct Failure(Errno, &'static str);

fn pointers(strings: &[CString]) -> Vec<*const libc::c_char> {
    strings.iter().map(|s| s.as_ptr()).chain([std::ptr::null()]).collect()
}

/// Forks; the child never comes back from here. `before_exec` runs in the child
/// last of all; false from it ends the child with the report that it failed.
pub fn fork_exec(
    plan: &Plan,
    fork: impl FnOnce() -> Result<i32>,
    before_exec: Option<&mut dyn FnMut() -> bool>,
) -> Result<i32> {
    for executable in &plan.executables {
        check(Access::Run(executable))?;
    }
    let prepared = Prepared { plan, args: pointers(&plan.args), env: plan.env.as_deref().map(pointers) };
    let pid = fork()?;
    if pid != 0 {
        return Ok(pid);
    }
    child(&prepared, before_exec)
}

/// The plain `fork(2)` for `fork_exec`. Signals stay blocked in between, so
/// that no handler of ours runs in the child.
pub fn plain_fork() -> Result<i32> {
    // SAFETY: no Python code runs in the child of the plain fork; without a
    // `before_exec` it makes only system calls.
    cvt(unsafe { libc::fork() })
}

fn child(prepared: &Prepared<'_>, before_exec: Option<&mut dyn FnMut() -> bool>) -> ! {
    let failure = run(prepared, before_exec);
    report(prepared.plan.error_write, &failure);
    // SAFETY: ends the process.
    unsafe { libc::_exit(255) }
}

/// Writes "OSError:hexerrno:step" without allocating.
fn report(fd: i32, failure: &Failure) {
    let put = |bytes: &[u8]| {
        // SAFETY: bytes of ours.
        unsafe { libc::write(fd, bytes.as_ptr().cast(), bytes.len()) };
    };
    if failure.1 == "preexec" {
        put(b"SubprocessError:0:Exception occurred in preexec_fn.");
        return;
    }
    put(b"OSError:");
    let mut digits = [0u8; 16];
    let mut at = digits.len();
    let mut n = failure.0.0.max(0) as u32;
    loop {
        at -= 1;
        digits[at] = b"0123456789ABCDEF"[(n % 16) as usize];
        n /= 16;
        if n == 0 {
            break;
        }
    }
    put(&digits[at..]);
    put(b":");
    put(failure.1.as_bytes());
}

/// Every step of the child; comes back only with a failure.
fn run(prepared: &Prepared<'_>, before_exec: Option<&mut dyn FnMut() -> bool>) -> Failure {
    let plan = prepared.plan;
    match steps(plan) {
        Ok(()) => {}
        Err(failure) => return failure,
    }
    if let Some(before_exec) = before_exec
        && !before_exec()
    {
        return Failure(Errno(0), "preexec");
    }
    if plan.close_fds {
        close_others(plan);
    }
    let mut saved = Errno(0);
    for executable in &plan.executables {
        // SAFETY: arrays of C strings ended by null.
        unsafe {
            match &prepared.env {
                Some(env) => libc::execve(executable.as_ptr(), prepared.args.as_ptr(), env.as_ptr()),
                None => libc::execv(executable.as_ptr(), prepared.args.as_ptr()),
            };
        }
        let e = Errno::last();
        if e.0 != libc::ENOENT && e.0 != libc::ENOTDIR && saved.0 == 0 {
            saved = e;
        }
    }
    Failure(if saved.0 != 0 { saved } else { Errno::last() }, "")
}

fn steps(plan: &Plan) -> std::result::Result<(), Failure> {
    let system = |n: i32, step: &'static str| {
        if n == -1 { Err(Failure(Errno::last(), step)) } else { Ok(n) }
    };
    // SAFETY: numbers, C strings and slices prepared by the parent.
    unsafe {
        for &fd in &plan.keep {
            // Nothing that is handed on may close at exec.
            if fd != plan.error_write && crate::fd::set_inheritable(fd, true).is_err() {
                return Err(Failure(Errno::last(), ""));
            }
        }
        for fd in [plan.p2cwrite, plan.c2pread, plan.errread, plan.error_read] {
            if fd != -1 {
                libc::close(fd);
            }
        }
        // A descriptor that will be overwritten must go elsewhere first.
        let mut c2pwrite = plan.c2pwrite;
        if c2pwrite == 0 {
            c2pwrite = system(libc::dup(c2pwrite), "")?;
            let _ = crate::fd::set_inheritable(c2pwrite, false);
        }
        let mut errwrite = plan.errwrite;
        while errwrite == 0 || errwrite == 1 {
            errwrite = system(libc::dup(errwrite), "")?;
            let _ = crate::fd::set_inheritable(errwrite, false);
        }
        for (fd, target) in [(plan.p2cread, 0), (c2pwrite, 1), (errwrite, 2)] {
            if fd == target {
                if crate::fd::set_inheritable(fd, true).is_err() {
                    return Err(Failure(Errno::last(), ""));
                }
            } else if fd != -1 {
                system(libc::dup2(fd, target), "")?;
            }
        }
        if let Some(cwd) = &plan.cwd {
            system(libc::chdir(cwd.as_ptr()), "noexec:chdir")?;
        }
        if let Some(mask) = plan.umask {
            libc::umask(mask);
        }
        if plan.restore_signals {
            for signal in [libc::SIGPIPE, libc::SIGXFSZ] {
                libc::signal(signal, libc::SIG_DFL);
            }
        }
        if plan.new_session {
            system(libc::setsid(), "")?;
        }
        if plan.group >= 0 {
            system(libc::setpgid(0, plan.group), "noexec")?;
        }
        if let Some(groups) = &plan.groups {
            system(libc::setgroups(groups.len(), groups.as_ptr()), "noexec")?;
        }
        if let Some(gid) = plan.gid {
            system(libc::setregid(gid, gid), "noexec")?;
        }
        if let Some(uid) = plan.uid {
            system(libc::setreuid(uid, uid), "noexec")?;
        }
    }
    Ok(())
}

/// Closes everything above 2 that is not kept.
fn close_others(plan: &Plan) {
    let mut from = 3;
    let close = |low: i32, high: i32| {
        if low > high {
            return;
        }
        // SAFETY: numbers.
        unsafe {
            if libc::syscall(libc::SYS_close_range, low as u32, high as u32, 0u32) != 0 {
                let limit = libc::sysconf(libc::_SC_OPEN_MAX).clamp(256, 1 << 20) as i32;
                for fd in low..=high.min(limit) {
                    libc::close(fd);
                }
            }
        }
    };
    for &fd in &plan.keep {
        if fd >= from {
            close(from, fd - 1);
            from = fd + 1;
        }
    }
    close(from, i32::MAX);
}
