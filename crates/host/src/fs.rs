//! Calls on paths. A `dir` of None means the current directory (AT_FDCWD).
//! A [`Target`] is a path or a descriptor, for calls that take either.

use crate::embedded;
use crate::error::{Errno, Result, check as cvt, count, done};
use crate::policy::{self, Access};
use std::ffi::{CStr, CString};

/// What a call works on.
#[derive(Clone, Copy, Debug)]
pub enum Target<'a> {
    Path(&'a CStr),
    Fd(i32),
}

fn at(dir: Option<i32>) -> i32 {
    dir.unwrap_or(libc::AT_FDCWD)
}

fn nofollow(follow: bool) -> i32 {
    if follow { 0 } else { libc::AT_SYMLINK_NOFOLLOW }
}

/// `openat(2)`; always with O_CLOEXEC unless `inheritable`.
pub fn open(dir: Option<i32>, path: &CStr, flags: i32, mode: u32) -> Result<i32> {
    let writes = flags & libc::O_ACCMODE != libc::O_RDONLY || flags & (libc::O_CREAT | libc::O_TRUNC) != 0;
    policy::check(if writes { Access::Write(path) } else { Access::Read(path) })?;
    // SAFETY: a C string.
    cvt(unsafe { libc::openat(at(dir), path.as_ptr(), flags, mode) })
        .or_else(|error| embedded::open(path, flags, error))
}

/// The stat family.
pub type Stat = libc::stat;

pub fn stat(dir: Option<i32>, path: &CStr, follow: bool) -> Result<Stat> {
    policy::read(path)?;
    // SAFETY: zero is a valid stat, filled by the call.
    unsafe {
        let mut st: Stat = std::mem::zeroed();
        let result = done(if dir.is_none() && follow {
            libc::stat(path.as_ptr(), &mut st)
        } else if dir.is_none() {
            libc::lstat(path.as_ptr(), &mut st)
        } else {
            libc::fstatat(at(dir), path.as_ptr(), &mut st, nofollow(follow))
        });
        match result {
            Ok(()) => Ok(st),
            Err(error) => embedded::stat(path, error, std::mem::zeroed()),
        }
    }
}

pub fn fstat(fd: i32) -> Result<Stat> {
    // SAFETY: as above.
    unsafe {
        let mut st: Stat = std::mem::zeroed();
        done(libc::fstat(fd, &mut st))?;
        Ok(st)
    }
}

pub type StatVfs = libc::statvfs;

pub fn statvfs(target: Target<'_>) -> Result<StatVfs> {
    // SAFETY: as above.
    unsafe {
        let mut st: StatVfs = std::mem::zeroed();
        match target {
            Target::Path(path) => {
                policy::read(path)?;
                done(libc::statvfs(path.as_ptr(), &mut st))?
            }
            Target::Fd(fd) => done(libc::fstatvfs(fd, &mut st))?,
        }
        Ok(st)
    }
}

/// `faccessat(2)`.
pub fn access(dir: Option<i32>, path: &CStr, mode: i32, effective: bool, follow: bool) -> Result {
    policy::read(path)?;
    let flags = nofollow(follow) | if effective { libc::AT_EACCESS } else { 0 };
    // SAFETY: a C string.
    done(unsafe {
        if dir.is_none() && flags == 0 {
            libc::access(path.as_ptr(), mode)
        } else {
            libc::faccessat(at(dir), path.as_ptr(), mode, flags)
        }
    })
    .or_else(|error| embedded::access(path, mode, error))
}

pub fn mkdir(dir: Option<i32>, path: &CStr, mode: u32) -> Result {
    policy::write(path)?;
    // SAFETY: a C string.
    done(unsafe { libc::mkdirat(at(dir), path.as_ptr(), mode) })
}

pub fn mkfifo(dir: Option<i32>, path: &CStr, mode: u32) -> Result {
    policy::write(path)?;
    // SAFETY: a C string.
    done(unsafe { libc::mkfifoat(at(dir), path.as_ptr(), mode) })
}

pub fn mknod(dir: Option<i32>, path: &CStr, mode: u32, device: u64) -> Result {
    policy::write(path)?;
    // SAFETY: a C string.
    done(unsafe { libc::mknodat(at(dir), path.as_ptr(), mode, device) })
}

pub fn rmdir(dir: Option<i32>, path: &CStr) -> Result {
    policy::write(path)?;
    // SAFETY: a C string.
    done(unsafe { libc::unlinkat(at(dir), path.as_ptr(), libc::AT_REMOVEDIR) })
}

pub fn unlink(dir: Option<i32>, path: &CStr) -> Result {
    policy::write(path)?;
    // SAFETY: a C string.
    done(unsafe { libc::unlinkat(at(dir), path.as_ptr(), 0) })
}

pub fn rename(src_dir: Option<i32>, src: &CStr, dst_dir: Option<i32>, dst: &CStr) -> Result {
    policy::write(src)?;
    policy::write(dst)?;
    // SAFETY: C strings.
    done(unsafe { libc::renameat(at(src_dir), src.as_ptr(), at(dst_dir), dst.as_ptr()) })
}

pub fn link(src_dir: Option<i32>, src: &CStr, dst_dir: Option<i32>, dst: &CStr, follow: bool) -> Result {
    policy::read(src)?;
    policy::write(dst)?;
    let flags = if follow { libc::AT_SYMLINK_FOLLOW } else { 0 };
    // SAFETY: C strings.
    done(unsafe { libc::linkat(at(src_dir), src.as_ptr(), at(dst_dir), dst.as_ptr(), flags) })
}

pub fn symlink(target: &CStr, dir: Option<i32>, path: &CStr) -> Result {
    policy::write(path)?;
    // SAFETY: C strings.
    done(unsafe { libc::symlinkat(target.as_ptr(), at(dir), path.as_ptr()) })
}

pub fn readlink(dir: Option<i32>, path: &CStr) -> Result<Vec<u8>> {
    policy::read(path)?;
    let mut out = vec![0u8; libc::PATH_MAX as usize + 1];
    // SAFETY: the buffer is ours.
    let n = count(unsafe { libc::readlinkat(at(dir), path.as_ptr(), out.as_mut_ptr().cast(), out.len()) })
        .or_else(|error| embedded::access(path, libc::R_OK, error).and(Err(Errno(libc::EINVAL))))?;
    out.truncate(n);
    Ok(out)
}

/// `fchmodat(2)`, or `fchmod(2)` on a descriptor.
pub fn chmod(dir: Option<i32>, target: Target<'_>, mode: u32, follow: bool) -> Result {
    // SAFETY: a C string or a number.
    done(unsafe {
        match target {
            Target::Fd(fd) => libc::fchmod(fd, mode),
            Target::Path(path) => {
                policy::write(path)?;
                if dir.is_none() && follow {
                    libc::chmod(path.as_ptr(), mode)
                } else {
                    libc::fchmodat(at(dir), path.as_ptr(), mode, nofollow(follow))
                }
            }
        }
    })
}

pub fn chown(dir: Option<i32>, target: Target<'_>, uid: u32, gid: u32, follow: bool) -> Result {
    // SAFETY: a C string or a number.
    done(unsafe {
        match target {
            Target::Fd(fd) => libc::fchown(fd, uid, gid),
            Target::Path(path) => {
                policy::write(path)?;
                libc::fchownat(at(dir), path.as_ptr(), uid, gid, nofollow(follow))
            }
        }
    })
}

/// `utimensat(2)`; times as (seconds, nanoseconds), None for now.
pub fn utime(dir: Option<i32>, target: Target<'_>, times: Option<[(i64, i64); 2]>, follow: bool) -> Result {
    let specs = times.map(|t| t.map(|(tv_sec, tv_nsec)| libc::timespec { tv_sec, tv_nsec }));
    let specs = specs.as_ref().map_or(std::ptr::null(), |s| s.as_ptr());
    // SAFETY: two timespecs of ours or null; a C string.
    done(unsafe {
        match target {
            Target::Fd(fd) => libc::futimens(fd, specs),
            Target::Path(path) => {
                policy::write(path)?;
                libc::utimensat(at(dir), path.as_ptr(), specs, nofollow(follow))
            }
        }
    })
}

pub fn truncate(target: Target<'_>, length: i64) -> Result {
    // SAFETY: a C string or a number.
    done(unsafe {
        match target {
            Target::Fd(fd) => libc::ftruncate(fd, length),
            Target::Path(path) => {
                policy::write(path)?;
                libc::truncate(path.as_ptr(), length)
            }
        }
    })
}

pub fn chdir(target: Target<'_>) -> Result {
    // SAFETY: a C string or a number.
    done(unsafe {
        match target {
            Target::Fd(fd) => libc::fchdir(fd),
            Target::Path(path) => {
                policy::read(path)?;
                libc::chdir(path.as_ptr())
            }
        }
    })
}

pub fn chroot(path: &CStr) -> Result {
    policy::check(Access::Control)?;
    // SAFETY: a C string.
    done(unsafe { libc::chroot(path.as_ptr()) })
}

pub fn getcwd() -> Result<Vec<u8>> {
    policy::check(Access::Environment)?;
    let mut out = vec![0u8; 1024];
    loop {
        // SAFETY: the buffer is ours; the result is a C string in it.
        unsafe {
            if !libc::getcwd(out.as_mut_ptr().cast(), out.len()).is_null() {
                let n = CStr::from_ptr(out.as_ptr().cast()).to_bytes().len();
                out.truncate(n);
                return Ok(out);
            }
        }
        let e = Errno::last();
        if e.0 != libc::ERANGE || out.len() > 1 << 24 {
            return Err(e);
        }
        out.resize(out.len() * 2, 0);
    }
}

pub fn umask(mask: u32) -> u32 {
    // SAFETY: a number; never fails.
    unsafe { libc::umask(mask) }
}

pub fn sync() {
    // SAFETY: no arguments.
    unsafe { libc::sync() }
}

/// `pathconf(3)`: None for "no limit".
pub fn pathconf(target: Target<'_>, name: i32) -> Result<i64> {
    Errno::clear();
    // SAFETY: a C string or a number.
    let n = unsafe {
        match target {
            Target::Fd(fd) => libc::fpathconf(fd, name),
            Target::Path(path) => {
                policy::read(path)?;
                libc::pathconf(path.as_ptr(), name)
            }
        }
    };
    let e = Errno::last();
    if n == -1 && e.0 != 0 { Err(e) } else { Ok(n) }
}

// ---- directories --------------------------------------------------------------------

/// An entry of a directory.
#[derive(Clone, Debug)]
pub struct DirectoryEntry {
    pub name: CString,
    pub inode: u64,
    /// `DT_*`.
    pub kind: u8,
}

/// An open directory stream; closed when dropped.
pub struct Directory {
    /// Null for a directory of the embedded library.
    stream: *mut libc::DIR,
    embedded: Vec<DirectoryEntry>,
    position: usize,
}

// SAFETY: the stream is used by one thread at a time (callers hold it by &mut).
unsafe impl Send for Directory {}

impl Directory {
    pub fn open(path: &CStr) -> Result<Directory> {
        policy::read(path)?;
        // SAFETY: a C string.
        let stream = unsafe { libc::opendir(path.as_ptr()) };
        let embedded = if stream.is_null() { embedded::list(path, Errno::last())? } else { Vec::new() };
        Ok(Directory { stream, embedded, position: 0 })
    }
    /// Takes over `fd`, which the directory closes.
    pub fn from_fd(fd: i32) -> Result<Directory> {
        // SAFETY: a number.
        let stream = unsafe { libc::fdopendir(fd) };
        if stream.is_null() {
            return Err(Errno::last());
        }
        Ok(Directory { stream, embedded: Vec::new(), position: 0 })
    }
    /// The next entry; `.` and `..` are left out.
    pub fn read(&mut self) -> Result<Option<DirectoryEntry>> {
        if self.stream.is_null() {
            let entry = self.embedded.get(self.position).cloned();
            self.position += 1;
            return Ok(entry);
        }
        loop {
            Errno::clear();
            // SAFETY: the stream is open; the entry is copied at once.
            unsafe {
                let entry = libc::readdir(self.stream);
                if entry.is_null() {
                    let e = Errno::last();
                    return if e.0 == 0 { Ok(None) } else { Err(e) };
                }
                let name = CStr::from_ptr((*entry).d_name.as_ptr());
                if name.to_bytes() == b"." || name.to_bytes() == b".." {
                    continue;
                }
                return Ok(Some(DirectoryEntry {
                    name: name.to_owned(),
                    inode: (*entry).d_ino,
                    kind: (*entry).d_type,
                }));
            }
        }
    }
    pub fn rewind(&mut self) {
        self.position = 0;
        if !self.stream.is_null() {
            // SAFETY: the stream is open.
            unsafe { libc::rewinddir(self.stream) }
        }
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        if !self.stream.is_null() {
            // SAFETY: open until here.
            unsafe { libc::closedir(self.stream) };
        }
    }
}

// ---- extended attributes --------------------------------------------------------------

/// Calls with a growing buffer until the value fits.
fn growing(mut call: impl FnMut(&mut [u8]) -> isize) -> Result<Vec<u8>> {
    for size in [128usize, 64 * 1024] {
        let mut out = vec![0u8; size];
        match count(call(&mut out)) {
            Ok(n) => {
                out.truncate(n);
                return Ok(out);
            }
            Err(Errno(libc::ERANGE)) => {}
            Err(e) => return Err(e),
        }
    }
    Err(Errno(libc::ERANGE))
}

pub fn getxattr(target: Target<'_>, name: &CStr, follow: bool) -> Result<Vec<u8>> {
    if let Target::Path(path) = target {
        policy::read(path)?;
    }
    // SAFETY: buffer and strings are ours.
    growing(|out| unsafe {
        let (p, n) = (out.as_mut_ptr().cast(), out.len());
        match target {
            Target::Fd(fd) => libc::fgetxattr(fd, name.as_ptr(), p, n),
            Target::Path(path) if follow => libc::getxattr(path.as_ptr(), name.as_ptr(), p, n),
            Target::Path(path) => libc::lgetxattr(path.as_ptr(), name.as_ptr(), p, n),
        }
    })
}

pub fn setxattr(target: Target<'_>, name: &CStr, value: &[u8], flags: i32, follow: bool) -> Result {
    if let Target::Path(path) = target {
        policy::write(path)?;
    }
    let (p, n) = (value.as_ptr().cast(), value.len());
    // SAFETY: buffer and strings are ours.
    done(unsafe {
        match target {
            Target::Fd(fd) => libc::fsetxattr(fd, name.as_ptr(), p, n, flags),
            Target::Path(path) if follow => libc::setxattr(path.as_ptr(), name.as_ptr(), p, n, flags),
            Target::Path(path) => libc::lsetxattr(path.as_ptr(), name.as_ptr(), p, n, flags),
        }
    })
}

pub fn removexattr(target: Target<'_>, name: &CStr, follow: bool) -> Result {
    if let Target::Path(path) = target {
        policy::write(path)?;
    }
    // SAFETY: C strings.
    done(unsafe {
        match target {
            Target::Fd(fd) => libc::fremovexattr(fd, name.as_ptr()),
            Target::Path(path) if follow => libc::removexattr(path.as_ptr(), name.as_ptr()),
            Target::Path(path) => libc::lremovexattr(path.as_ptr(), name.as_ptr()),
        }
    })
}

/// The names, each ended by a zero byte.
pub fn listxattr(target: Target<'_>, follow: bool) -> Result<Vec<u8>> {
    if let Target::Path(path) = target {
        policy::read(path)?;
    }
    // SAFETY: buffer and strings are ours.
    let result = growing(|out| unsafe {
        let (p, n) = (out.as_mut_ptr().cast(), out.len());
        match target {
            Target::Fd(fd) => libc::flistxattr(fd, p, n),
            Target::Path(path) if follow => libc::listxattr(path.as_ptr(), p, n),
            Target::Path(path) => libc::llistxattr(path.as_ptr(), p, n),
        }
    });
    match (result, target) {
        // Files inside the executable have no attributes.
        (Err(error), Target::Path(path)) => embedded::access(path, libc::R_OK, error).map(|()| Vec::new()),
        (result, _) => result,
    }
}
