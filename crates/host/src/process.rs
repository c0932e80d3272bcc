//! Processes: making them, waiting for them, their identity and scheduling.

use crate::error::{Errno, Result, check as cvt, done};
use crate::policy::{Access, check};
use std::ffi::{CStr, CString};

// ---- starting -------------------------------------------------------------------------

/// `fork(2)`: 0 in the child.
pub fn fork() -> Result<i32> {
    check(Access::Run(c""))?;
    // SAFETY: the caller brings locks and threads in order afterwards.
    cvt(unsafe { libc::fork() })
}

/// How many threads the system counts in this process; None if it does not say.
pub fn thread_count() -> Option<usize> {
    let stat = std::fs::read("/proc/self/stat").ok()?;
    // The name in parentheses may contain anything.
    let behind = stat.iter().rposition(|&b| b == b')')? + 1;
    let text = std::str::from_utf8(stat.get(behind..)?).ok()?;
    text.split_ascii_whitespace().nth(17)?.parse().ok()
}

/// `forkpty(3)`: the child's id (0 in the child) and the master's descriptor.
pub fn fork_terminal() -> Result<(i32, i32)> {
    check(Access::Run(c""))?;
    let mut master = -1;
    // SAFETY: as above; null asks for defaults.
    let pid = cvt(unsafe {
        libc::forkpty(&mut master, std::ptr::null_mut(), std::ptr::null_mut(), std::ptr::null_mut())
    })?;
    Ok((pid, master))
}

/// Pointers to C strings, ended by null.
fn pointers(strings: &[CString]) -> Vec<*const libc::c_char> {
    strings.iter().map(|s| s.as_ptr()).chain([std::ptr::null()]).collect()
}

/// `execv(2)`, `execve(2)`, `fexecve(3)`: returns only on failure.
pub fn exec(target: crate::fs::Target<'_>, args: &[CString], env: Option<&[CString]>) -> Errno {
    let path = if let crate::fs::Target::Path(path) = target { path } else { c"" };
    if let Err(e) = check(Access::Run(path)) {
        return e;
    }
    let args = pointers(args);
    let env = env.map(pointers);
    // SAFETY: arrays of C strings ended by null.
    unsafe {
        match (target, &env) {
            (crate::fs::Target::Path(path), None) => libc::execv(path.as_ptr(), args.as_ptr()),
            (crate::fs::Target::Path(path), Some(env)) => {
                libc::execve(path.as_ptr(), args.as_ptr(), env.as_ptr())
            }
            (crate::fs::Target::Fd(fd), Some(env)) => libc::fexecve(fd, args.as_ptr(), env.as_ptr()),
            (crate::fs::Target::Fd(_), None) => return Errno(libc::EINVAL),
        };
    }
    Errno::last()
}

/// `system(3)`.
pub fn system(command: &CStr) -> Result<i32> {
    check(Access::Run(c"/bin/sh"))?;
    // SAFETY: a C string.
    cvt(unsafe { libc::system(command.as_ptr()) })
}

/// A file action of `posix_spawn`.
pub enum SpawnAction {
    Open { fd: i32, path: CString, flags: i32, mode: u32 },
    Close(i32),
    Dup2(i32, i32),
    CloseFrom(i32),
}

/// What `posix_spawn` changes in the child.
#[derive(Default)]
pub struct SpawnOptions {
    pub actions: Vec<SpawnAction>,
    pub group: Option<i32>,
    pub reset_ids: bool,
    pub session: bool,
    pub mask: Option<Vec<i32>>,
    pub defaults: Option<Vec<i32>>,
    /// Policy (if any) and priority.
    pub scheduler: Option<(Option<i32>, i32)>,
}

fn signal_set(signals: &[i32]) -> libc::sigset_t {
    // SAFETY: the set is initialised before it is used; bad numbers are refused.
    unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&mut set);
        for &signal in signals {
            libc::sigaddset(&mut set, signal);
        }
        set
    }
}

pub fn spawn(
    path: &CStr,
    args: &[CString],
    env: &[CString],
    options: &SpawnOptions,
    search: bool,
) -> Result<i32> {
    check(Access::Run(path))?;
    let (args, env) = (pointers(args), pointers(env));
    // SAFETY: attributes and actions are initialised before and destroyed
    // after their use; strings live as long.
    unsafe {
        let mut attr: libc::posix_spawnattr_t = std::mem::zeroed();
        let mut actions: libc::posix_spawn_file_actions_t = std::mem::zeroed();
        crate::error::code(libc::posix_spawnattr_init(&mut attr))?;
        crate::error::code(libc::posix_spawn_file_actions_init(&mut actions))?;
        let result = (|| {
            let mut flags = 0;
            if let Some(group) = options.group {
                crate::error::code(libc::posix_spawnattr_setpgroup(&mut attr, group))?;
                flags |= libc::POSIX_SPAWN_SETPGROUP;
            }
            if options.reset_ids {
                flags |= libc::POSIX_SPAWN_RESETIDS;
            }
            if options.session {
                flags |= 0x80; // POSIX_SPAWN_SETSID
            }
            if let Some(mask) = &options.mask {
                crate::error::code(libc::posix_spawnattr_setsigmask(&mut attr, &signal_set(mask)))?;
                flags |= libc::POSIX_SPAWN_SETSIGMASK;
            }
            if let Some(defaults) = &options.defaults {
                crate::error::code(libc::posix_spawnattr_setsigdefault(&mut attr, &signal_set(defaults)))?;
                flags |= libc::POSIX_SPAWN_SETSIGDEF;
            }
            if let Some((policy, priority)) = options.scheduler {
                if let Some(policy) = policy {
                    crate::error::code(libc::posix_spawnattr_setschedpolicy(&mut attr, policy))?;
                    flags |= libc::POSIX_SPAWN_SETSCHEDULER;
                }
                let mut param: libc::sched_param = std::mem::zeroed();
                param.sched_priority = priority;
                crate::error::code(libc::posix_spawnattr_setschedparam(&mut attr, &param))?;
                flags |= libc::POSIX_SPAWN_SETSCHEDPARAM;
            }
            crate::error::code(libc::posix_spawnattr_setflags(&mut attr, flags as libc::c_short))?;
            for action in &options.actions {
                crate::error::code(match action {
                    SpawnAction::Open { fd, path, flags, mode } => libc::posix_spawn_file_actions_addopen(
                        &mut actions,
                        *fd,
                        path.as_ptr(),
                        *flags,
                        *mode,
                    ),
                    SpawnAction::Close(fd) => libc::posix_spawn_file_actions_addclose(&mut actions, *fd),
                    SpawnAction::Dup2(fd, target) => {
                        libc::posix_spawn_file_actions_adddup2(&mut actions, *fd, *target)
                    }
                    SpawnAction::CloseFrom(fd) => add_close_from(&mut actions, *fd),
                })?;
            }
            let mut pid = 0;
            let args = args.as_ptr().cast();
            let env = env.as_ptr().cast();
            crate::error::code(if search {
                libc::posix_spawnp(&mut pid, path.as_ptr(), &actions, &attr, args, env)
            } else {
                libc::posix_spawn(&mut pid, path.as_ptr(), &actions, &attr, args, env)
            })?;
            Ok(pid)
        })();
        libc::posix_spawn_file_actions_destroy(&mut actions);
        libc::posix_spawnattr_destroy(&mut attr);
        result
    }
}

/// glibc 2.34 and later; others say ENOSYS.
unsafe fn add_close_from(actions: *mut libc::posix_spawn_file_actions_t, fd: i32) -> i32 {
    // SAFETY: the symbol, where it exists, has this type.
    unsafe {
        let symbol = libc::dlsym(libc::RTLD_DEFAULT, c"posix_spawn_file_actions_addclosefrom_np".as_ptr());
        if symbol.is_null() {
            return libc::ENOSYS;
        }
        let call: unsafe extern "C" fn(*mut libc::posix_spawn_file_actions_t, i32) -> i32 =
            std::mem::transmute(symbol);
        call(actions, fd)
    }
}

// ---- ending ---------------------------------------------------------------------------

/// Ends the process at once.
pub fn exit_now(status: i32) -> ! {
    // SAFETY: never returns.
    unsafe { libc::_exit(status) }
}

pub fn abort() -> ! {
    // SAFETY: never returns.
    unsafe { libc::abort() }
}

pub fn kill(pid: i32, signal: i32) -> Result {
    check(Access::Control)?;
    // SAFETY: numbers.
    done(unsafe { libc::kill(pid, signal) })
}

pub fn kill_group(group: i32, signal: i32) -> Result {
    check(Access::Control)?;
    // SAFETY: numbers.
    done(unsafe { libc::killpg(group, signal) })
}

pub fn pidfd_open(pid: i32, flags: u32) -> Result<i32> {
    // SAFETY: numbers.
    cvt(unsafe { libc::syscall(libc::SYS_pidfd_open, pid, flags) }).map(|fd| fd as i32)
}

pub fn pidfd_send_signal(fd: i32, signal: i32, flags: u32) -> Result {
    check(Access::Control)?;
    // SAFETY: numbers and null.
    done(unsafe {
        libc::syscall(libc::SYS_pidfd_send_signal, fd, signal, std::ptr::null::<libc::siginfo_t>(), flags)
    })
}

// ---- waiting ----------------------------------------------------------------------------

/// Resources used by a process.
#[derive(Clone, Copy, Debug)]
pub struct Usage {
    /// User and system time in (seconds, microseconds).
    pub user: (i64, i64),
    pub system: (i64, i64),
    /// maxrss, ixrss, idrss, isrss, minflt, majflt, nswap, inblock, oublock,
    /// msgsnd, msgrcv, nsignals, nvcsw, nivcsw.
    pub counts: [i64; 14],
}

fn usage_from_c(u: &libc::rusage) -> Usage {
    Usage {
        user: (u.ru_utime.tv_sec, u.ru_utime.tv_usec),
        system: (u.ru_stime.tv_sec, u.ru_stime.tv_usec),
        counts: [
            u.ru_maxrss,
            u.ru_ixrss,
            u.ru_idrss,
            u.ru_isrss,
            u.ru_minflt,
            u.ru_majflt,
            u.ru_nswap,
            u.ru_inblock,
            u.ru_oublock,
            u.ru_msgsnd,
            u.ru_msgrcv,
            u.ru_nsignals,
            u.ru_nvcsw,
            u.ru_nivcsw,
        ],
    }
}

/// `waitpid(2)`: process and status.
pub fn wait(pid: i32, options: i32) -> Result<(i32, i32)> {
    let mut status = 0;
    // SAFETY: fills in the status.
    let pid = cvt(unsafe { libc::waitpid(pid, &mut status, options) })?;
    Ok((pid, status))
}

/// `wait4(2)`.
pub fn wait_usage(pid: i32, options: i32) -> Result<(i32, i32, Usage)> {
    // SAFETY: zero is a valid rusage.
    unsafe {
        let mut status = 0;
        let mut usage: libc::rusage = std::mem::zeroed();
        let pid = cvt(libc::wait4(pid, &mut status, options, &mut usage))?;
        Ok((pid, status, usage_from_c(&usage)))
    }
}

/// `waitid(2)`: pid, uid, signo, status, code; None if nothing was to report.
pub fn wait_id(kind: u32, id: u32, options: i32) -> Result<Option<[i64; 5]>> {
    // SAFETY: zero is a valid siginfo; the fields read are those of SIGCHLD.
    unsafe {
        let mut info: libc::siginfo_t = std::mem::zeroed();
        done(libc::waitid(kind, id, &mut info, options))?;
        if info.si_pid() == 0 {
            return Ok(None);
        }
        Ok(Some([
            info.si_pid() as i64,
            info.si_uid() as i64,
            info.si_signo as i64,
            info.si_status() as i64,
            info.si_code as i64,
        ]))
    }
}

pub fn usage(who: i32) -> Result<Usage> {
    // SAFETY: zero is a valid rusage.
    unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        done(libc::getrusage(who as _, &mut usage))?;
        Ok(usage_from_c(&usage))
    }
}

pub fn limit(resource: i32) -> Result<(u64, u64)> {
    // SAFETY: zero is a valid rlimit.
    unsafe {
        let mut l: libc::rlimit = std::mem::zeroed();
        done(libc::getrlimit(resource as _, &mut l))?;
        Ok((l.rlim_cur, l.rlim_max))
    }
}

pub fn set_limit(resource: i32, soft: u64, hard: u64) -> Result {
    check(Access::Control)?;
    let l = libc::rlimit { rlim_cur: soft, rlim_max: hard };
    // SAFETY: the rlimit is ours.
    done(unsafe { libc::setrlimit(resource as _, &l) })
}

/// `prlimit(2)`: the limits before.
pub fn process_limit(pid: i32, resource: i32, new: Option<(u64, u64)>) -> Result<(u64, u64)> {
    if new.is_some() {
        check(Access::Control)?;
    }
    let l = new.map(|(rlim_cur, rlim_max)| libc::rlimit { rlim_cur, rlim_max });
    // SAFETY: zero is a valid rlimit; null asks for no change.
    unsafe {
        let mut old: libc::rlimit = std::mem::zeroed();
        done(libc::prlimit(
            pid,
            resource as _,
            l.as_ref().map_or(std::ptr::null(), |l| l as *const _),
            &mut old,
        ))?;
        Ok((old.rlim_cur, old.rlim_max))
    }
}

// ---- identity -----------------------------------------------------------------------------

macro_rules! getters {
    ($($name:ident $call:ident $t:ty,)*) => {$(
        #[doc = concat!("`", stringify!($call), "(2)`.")]
        pub fn $name() -> $t {
            // SAFETY: no arguments; never fails.
            unsafe { libc::$call() }
        }
    )*};
}
getters! {
    id getpid i32,
    parent_id getppid i32,
    uid getuid u32,
    effective_uid geteuid u32,
    gid getgid u32,
    effective_gid getegid u32,
    group getpgrp i32,
}

macro_rules! setters {
    ($($name:ident $call:ident($($arg:ident: $t:ty),*);)*) => {$(
        #[doc = concat!("`", stringify!($call), "(2)`.")]
        pub fn $name($($arg: $t),*) -> Result {
            check(Access::Control)?;
            // SAFETY: numbers.
            done(unsafe { libc::$call($($arg),*) })
        }
    )*};
}
setters! {
    set_uid setuid(uid: u32);
    set_effective_uid seteuid(uid: u32);
    set_gid setgid(gid: u32);
    set_effective_gid setegid(gid: u32);
    set_real_uid setreuid(real: u32, effective: u32);
    set_real_gid setregid(real: u32, effective: u32);
    set_all_uids setresuid(real: u32, effective: u32, saved: u32);
    set_all_gids setresgid(real: u32, effective: u32, saved: u32);
    set_group setpgid(pid: i32, group: i32);
    unshare unshare(flags: i32);
    set_namespace setns(fd: i32, kind: i32);
}

pub fn all_uids() -> Result<[u32; 3]> {
    let mut ids = [0; 3];
    // SAFETY: fills in three numbers.
    unsafe {
        let p = ids.as_mut_ptr();
        done(libc::getresuid(p, p.add(1), p.add(2)))?;
    }
    Ok(ids)
}

pub fn all_gids() -> Result<[u32; 3]> {
    let mut ids = [0; 3];
    // SAFETY: fills in three numbers.
    unsafe {
        let p = ids.as_mut_ptr();
        done(libc::getresgid(p, p.add(1), p.add(2)))?;
    }
    Ok(ids)
}

pub fn group_of(pid: i32) -> Result<i32> {
    // SAFETY: a number.
    cvt(unsafe { libc::getpgid(pid) })
}

pub fn session_of(pid: i32) -> Result<i32> {
    // SAFETY: a number.
    cvt(unsafe { libc::getsid(pid) })
}

pub fn new_session() -> Result<i32> {
    check(Access::Control)?;
    // SAFETY: no arguments.
    cvt(unsafe { libc::setsid() })
}

pub fn groups() -> Result<Vec<u32>> {
    // SAFETY: the first call asks for the number, the second has room for it.
    unsafe {
        let n = cvt(libc::getgroups(0, std::ptr::null_mut()))?;
        let mut out = vec![0u32; n as usize];
        let n = cvt(libc::getgroups(n, out.as_mut_ptr()))?;
        out.truncate(n as usize);
        Ok(out)
    }
}

pub fn set_groups(groups: &[u32]) -> Result {
    check(Access::Control)?;
    // SAFETY: a slice of ours.
    done(unsafe { libc::setgroups(groups.len(), groups.as_ptr()) })
}

pub fn init_groups(name: &CStr, base: u32) -> Result {
    check(Access::Control)?;
    // SAFETY: a C string.
    done(unsafe { libc::initgroups(name.as_ptr(), base) })
}

// ---- scheduling -------------------------------------------------------------------------------

/// `nice(2)`: the new value.
pub fn nice(increment: i32) -> Result<i32> {
    check(Access::Control)?;
    Errno::clear();
    // SAFETY: a number.
    let n = unsafe { libc::nice(increment) };
    let e = Errno::last();
    if n == -1 && e.0 != 0 { Err(e) } else { Ok(n) }
}

pub fn priority(which: i32, who: u32) -> Result<i32> {
    Errno::clear();
    // SAFETY: numbers.
    let n = unsafe { libc::getpriority(which as _, who) };
    let e = Errno::last();
    if e.0 != 0 { Err(e) } else { Ok(n) }
}

pub fn set_priority(which: i32, who: u32, priority: i32) -> Result {
    check(Access::Control)?;
    // SAFETY: numbers.
    done(unsafe { libc::setpriority(which as _, who, priority) })
}

pub fn scheduler_priorities(policy: i32) -> (Result<i32>, Result<i32>) {
    // SAFETY: numbers.
    unsafe { (cvt(libc::sched_get_priority_min(policy)), cvt(libc::sched_get_priority_max(policy))) }
}

pub fn scheduler(pid: i32) -> Result<i32> {
    // SAFETY: a number.
    cvt(unsafe { libc::sched_getscheduler(pid) })
}

pub fn set_scheduler(pid: i32, policy: i32, priority: i32) -> Result {
    check(Access::Control)?;
    // SAFETY: zero is a valid sched_param.
    unsafe {
        let mut param: libc::sched_param = std::mem::zeroed();
        param.sched_priority = priority;
        done(libc::sched_setscheduler(pid, policy, &param))
    }
}

pub fn scheduler_param(pid: i32) -> Result<i32> {
    // SAFETY: zero is a valid sched_param.
    unsafe {
        let mut param: libc::sched_param = std::mem::zeroed();
        done(libc::sched_getparam(pid, &mut param))?;
        Ok(param.sched_priority)
    }
}

pub fn set_scheduler_param(pid: i32, priority: i32) -> Result {
    check(Access::Control)?;
    // SAFETY: zero is a valid sched_param.
    unsafe {
        let mut param: libc::sched_param = std::mem::zeroed();
        param.sched_priority = priority;
        done(libc::sched_setparam(pid, &param))
    }
}

pub fn round_robin_interval(pid: i32) -> Result<(i64, i64)> {
    // SAFETY: zero is a valid timespec.
    unsafe {
        let mut ts: libc::timespec = std::mem::zeroed();
        done(libc::sched_rr_get_interval(pid, &mut ts))?;
        Ok((ts.tv_sec, ts.tv_nsec))
    }
}

pub fn yield_processor() -> Result {
    // SAFETY: no arguments.
    done(unsafe { libc::sched_yield() })
}

/// Processors (up to 8192) the process may run on.
pub fn affinity(pid: i32) -> Result<Vec<usize>> {
    let mut mask = [0u64; 128];
    // SAFETY: the kernel fills at most the size given.
    let n = cvt(unsafe {
        libc::syscall(libc::SYS_sched_getaffinity, pid, size_of_val(&mask), mask.as_mut_ptr())
    })?;
    let bits = (n as usize * 8).min(mask.len() * 64);
    Ok((0..bits).filter(|i| mask[i / 64] >> (i % 64) & 1 == 1).collect())
}

pub fn set_affinity(pid: i32, processors: &[usize]) -> Result {
    check(Access::Control)?;
    let most = processors.iter().copied().max().unwrap_or(0);
    let mut mask = vec![0u64; (most / 64 + 1).max(16)];
    for &i in processors {
        mask[i / 64] |= 1 << (i % 64);
    }
    // SAFETY: the mask has the size given.
    done(unsafe { libc::syscall(libc::SYS_sched_setaffinity, pid, mask.len() * 8, mask.as_ptr()) })
}

// ---- the system ---------------------------------------------------------------------------------

/// sysname, nodename, release, version, machine.
pub fn system_names() -> Result<[Vec<u8>; 5]> {
    check(Access::Environment)?;
    // SAFETY: zero is a valid utsname; its fields are C strings.
    unsafe {
        let mut u: libc::utsname = std::mem::zeroed();
        done(libc::uname(&mut u))?;
        let text = |field: &[libc::c_char]| CStr::from_ptr(field.as_ptr()).to_bytes().to_vec();
        Ok([text(&u.sysname), text(&u.nodename), text(&u.release), text(&u.version), text(&u.machine)])
    }
}

pub fn load_average() -> Option<[f64; 3]> {
    let mut out = [0.0; 3];
    // SAFETY: room for three.
    if unsafe { libc::getloadavg(out.as_mut_ptr(), 3) } == 3 { Some(out) } else { None }
}

/// `sysconf(3)`: -1 for "no limit".
pub fn sysconf(name: i32) -> Result<i64> {
    Errno::clear();
    // SAFETY: a number.
    let n = unsafe { libc::sysconf(name) };
    let e = Errno::last();
    if n == -1 && e.0 != 0 { Err(e) } else { Ok(n) }
}

/// `confstr(3)`: None if there is no value.
pub fn confstr(name: i32) -> Result<Option<Vec<u8>>> {
    unsafe extern "C" {
        fn confstr(name: libc::c_int, buf: *mut libc::c_char, len: libc::size_t) -> libc::size_t;
    }
    Errno::clear();
    // SAFETY: the first call asks for the size, the second has room for it.
    unsafe {
        let n = confstr(name, std::ptr::null_mut(), 0);
        if n == 0 {
            let e = Errno::last();
            return if e.0 != 0 { Err(e) } else { Ok(None) };
        }
        let mut out = vec![0u8; n];
        confstr(name, out.as_mut_ptr().cast(), n);
        out.truncate(n - 1);
        Ok(Some(out))
    }
}

/// Major, minor and back.
pub fn device_parts(device: u64) -> (u32, u32) {
    (libc::major(device), libc::minor(device))
}

pub fn make_device(major: u32, minor: u32) -> u64 {
    libc::makedev(major, minor)
}
