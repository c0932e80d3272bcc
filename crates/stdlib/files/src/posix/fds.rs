//! Functions of `posix` on descriptors.

use super::results::{stat_result, statvfs_result};
use crate::support::*;
use taipan_host::{self as host, Errno, fd, fs, libc, terminal};
use taipan_runtime::buffer::Buffer;
use taipan_runtime::prelude::*;
use taipan_runtime::structseq;
use taipan_runtime::types::{bytes, int};

pub static FUNCTIONS: &[MethodDef] = &[
    MethodDef::new(
        "open(path, flags, mode=511, *, dir_fd=None)",
        open,
        "Opens a file and returns its descriptor, which is not inheritable.",
    ),
    MethodDef::new("close(fd)", close, "Closes a descriptor."),
    MethodDef::new(
        "closerange(fd_low, fd_high, /)",
        closerange,
        "Closes the descriptors from fd_low up to, but not including, fd_high; errors are\nignored.",
    ),
    MethodDef::new(
        "dup(fd, /)",
        |vm, args| {
            let number = vm.to_plain_c_int(&args[0])?;
            Ok(vm.int(os(vm, fd::dup(number))? as i64))
        },
        "A copy of a descriptor, which is not inheritable.",
    ),
    MethodDef::new("dup2(fd, fd2, inheritable=True)", dup2, "Makes fd2 a copy of fd."),
    MethodDef::new("read(fd, length, /)", read, "Reads up to length bytes."),
    MethodDef::new(
        "readinto(fd, buffer, /)",
        readinto,
        "Reads into a buffer and returns how many bytes; 0 at the end.",
    ),
    MethodDef::new("write(fd, data, /)", write, "Writes bytes and returns how many."),
    MethodDef::new(
        "pread(fd, length, offset, /)",
        pread,
        "Reads up to length bytes at an offset; the position stays.",
    ),
    MethodDef::new(
        "pwrite(fd, buffer, offset, /)",
        pwrite,
        "Writes bytes at an offset and returns how many; the position stays.",
    ),
    MethodDef::new(
        "readv(fd, buffers, /)",
        |vm, args| vectored_read(vm, "readv", &args[0], &args[1], None),
        "Reads into several buffers and returns how many bytes.",
    ),
    MethodDef::new(
        "preadv(fd, buffers, offset, flags=0, /)",
        |vm, args| vectored_read(vm, "preadv", &args[0], &args[1], Some((&args[2], &args[3]))),
        "Reads into several buffers at an offset and returns how many bytes.",
    ),
    MethodDef::new(
        "writev(fd, buffers, /)",
        |vm, args| vectored_write(vm, "writev", &args[0], &args[1], None),
        "Writes several buffers and returns how many bytes.",
    ),
    MethodDef::new(
        "pwritev(fd, buffers, offset, flags=0, /)",
        |vm, args| vectored_write(vm, "pwritev", &args[0], &args[1], Some((&args[2], &args[3]))),
        "Writes several buffers at an offset and returns how many bytes.",
    ),
    MethodDef::new("lseek(fd, position, whence, /)", lseek, "Moves the position and returns it."),
    MethodDef::new("fstat(fd)", fstat, "What the system knows about a descriptor."),
    MethodDef::new(
        "fstatvfs(fd, /)",
        |vm, args| {
            let number = vm.to_plain_c_int(&args[0])?;
            statvfs_result(vm, &retry_os(vm, || fs::statvfs(fs::Target::Fd(number)))?)
        },
        "What the system knows about a descriptor's file system.",
    ),
    MethodDef::new(
        "isatty(fd, /)",
        |vm, args| {
            let number = vm.to_plain_c_int(&args[0])?;
            Ok(Object::bool(fd::is_tty(number)))
        },
        "Is it the descriptor of a terminal?",
    ),
    MethodDef::new(
        "ttyname(fd, /)",
        |vm, args| {
            let number = vm.to_plain_c_int(&args[0])?;
            decode(vm, &os(vm, terminal::name(number))?)
        },
        "The name of the terminal of a descriptor.",
    ),
    MethodDef::new(
        "ptsname(fd, /)",
        |vm, args| {
            let number = fileno_of(vm, &args[0])?;
            decode(vm, &os(vm, terminal::slave_name(number))?)
        },
        "The name of the other side of a pseudo terminal.",
    ),
    MethodDef::new(
        "pipe()",
        |vm, _| pair(vm, os(vm, fd::pipe(libc::O_CLOEXEC))?),
        "Makes a pipe: (read end, write end), not inheritable.",
    ),
    MethodDef::new(
        "pipe2(flags, /)",
        |vm, args| {
            let flags = vm.to_plain_c_int(&args[0])?;
            pair(vm, os(vm, fd::pipe(flags))?)
        },
        "Makes a pipe with flags: (read end, write end).",
    ),
    MethodDef::new(
        "openpty()",
        |vm, _| pair(vm, os(vm, terminal::open_pair())?),
        "Makes a pseudo terminal: (master, slave), not inheritable.",
    ),
    MethodDef::new(
        "posix_openpt(oflag, /)",
        |vm, args| {
            let flags = vm.to_plain_c_int(&args[0])?;
            Ok(vm.int(os(vm, terminal::open_master(flags))? as i64))
        },
        "Opens the master side of a pseudo terminal.",
    ),
    MethodDef::new(
        "grantpt(fd, /)",
        |vm, args| {
            let number = fileno_of(vm, &args[0])?;
            os(vm, terminal::grant(number))?;
            Ok(Object::NONE)
        },
        "Gives this user the slave side of a pseudo terminal.",
    ),
    MethodDef::new(
        "unlockpt(fd, /)",
        |vm, args| {
            let number = fileno_of(vm, &args[0])?;
            os(vm, terminal::unlock(number))?;
            Ok(Object::NONE)
        },
        "Lets the slave side of a pseudo terminal be opened.",
    ),
    MethodDef::new(
        "login_tty(fd, /)",
        |vm, args| {
            let number = fileno_of(vm, &args[0])?;
            os(vm, terminal::login(number))?;
            Ok(Object::NONE)
        },
        "Makes a terminal the controlling one of a new session, and its descriptor the\nstandard streams.",
    ),
    MethodDef::new(
        "tcgetpgrp(fd, /)",
        |vm, args| {
            let number = vm.to_plain_c_int(&args[0])?;
            Ok(vm.int(os(vm, terminal::foreground_group(number))? as i64))
        },
        "The process group in the foreground of a terminal.",
    ),
    MethodDef::new(
        "tcsetpgrp(fd, pgid, /)",
        |vm, args| {
            let (number, group) = (vm.to_plain_c_int(&args[0])?, vm.to_plain_c_int(&args[1])?);
            os(vm, terminal::set_foreground_group(number, group))?;
            Ok(Object::NONE)
        },
        "Sets the process group in the foreground of a terminal.",
    ),
    MethodDef::new(
        "ctermid()",
        |vm, _| decode(vm, &terminal::controlling()),
        "The name of the controlling terminal.",
    ),
    MethodDef::new(
        "get_terminal_size(fd=<unrepresentable>, /)",
        terminal_size,
        "Columns and lines of the terminal of a descriptor, by default standard output.",
    ),
    MethodDef::new(
        "fsync(fd)",
        |vm, args| sync(vm, &args[0], false),
        "Writes what is cached of a file to the disk.",
    ),
    MethodDef::new(
        "fdatasync(fd)",
        |vm, args| sync(vm, &args[0], true),
        "As fsync(), without metadata that can be spared.",
    ),
    MethodDef::new(
        "ftruncate(fd, length, /)",
        ftruncate,
        "Cuts or extends the file of a descriptor to a length.",
    ),
    MethodDef::new("fchmod(fd, mode)", fchmod, "Sets the permission bits of the file of a descriptor."),
    MethodDef::new("fchown(fd, uid, gid)", fchown, "Sets owner and group of the file of a descriptor."),
    MethodDef::new("fchdir(fd)", fchdir, "Makes the directory of a descriptor the current one."),
    MethodDef::new(
        "fpathconf(fd, name, /)",
        |vm, args| {
            let number = fileno_of(vm, &args[0])?;
            let which = super::paths::configuration_name(vm, &args[1], super::names::PATHCONF)?;
            Ok(vm.int(os(vm, fs::pathconf(fs::Target::Fd(number), which))?))
        },
        "A limit of the file system of a descriptor; -1 if there is none.",
    ),
    MethodDef::new(
        "lockf(fd, command, length, /)",
        lockf,
        "Locks, unlocks or tests a part of a file from its position on.",
    ),
    MethodDef::new(
        "posix_fallocate(fd, offset, length, /)",
        |vm, args| {
            let number = vm.to_plain_c_int(&args[0])?;
            let (offset, length) = (vm.to_i64(&args[1])?, vm.to_i64(&args[2])?);
            retry_os(vm, || fd::allocate(number, offset, length))?;
            Ok(Object::NONE)
        },
        "Makes sure that there is room on the disk for a part of a file.",
    ),
    MethodDef::new(
        "posix_fadvise(fd, offset, length, advice, /)",
        |vm, args| {
            let number = vm.to_plain_c_int(&args[0])?;
            let (offset, length) = (vm.to_i64(&args[1])?, vm.to_i64(&args[2])?);
            let advice = vm.to_plain_c_int(&args[3])?;
            retry_os(vm, || fd::advise(number, offset, length, advice))?;
            Ok(Object::NONE)
        },
        "Tells the system how a part of a file will be used.",
    ),
    MethodDef::new(
        "sendfile(out_fd, in_fd, offset, count)",
        sendfile,
        "Copies bytes from one descriptor to another inside the system.",
    ),
    MethodDef::new(
        "copy_file_range(src, dst, count, offset_src=None, offset_dst=None)",
        copy_file_range,
        "Copies bytes from one file to another inside the system.\n\nWithout offsets the positions are used.",
    ),
    MethodDef::new(
        "splice(src, dst, count, offset_src=None, offset_dst=None, flags=0)",
        splice,
        "Moves bytes between a pipe and another descriptor inside the system.",
    ),
    MethodDef::new(
        "get_inheritable(fd, /)",
        |vm, args| {
            let number = vm.to_plain_c_int(&args[0])?;
            Ok(Object::bool(os(vm, fd::is_inheritable(number))?))
        },
        "Do programs that are started inherit the descriptor?",
    ),
    MethodDef::new(
        "set_inheritable(fd, inheritable, /)",
        |vm, args| {
            let (number, wanted) = (vm.to_plain_c_int(&args[0])?, vm.to_plain_c_int(&args[1])?);
            os(vm, fd::set_inheritable(number, wanted != 0))?;
            Ok(Object::NONE)
        },
        "Whether programs that are started inherit the descriptor.",
    ),
    MethodDef::new(
        "get_blocking(fd, /)",
        |vm, args| {
            let number = vm.to_plain_c_int(&args[0])?;
            Ok(Object::bool(os(vm, fd::is_blocking(number))?))
        },
        "Does the descriptor block?",
    ),
    MethodDef::new(
        "set_blocking(fd, blocking, /)",
        |vm, args| {
            let (number, wanted) = (vm.to_plain_c_int(&args[0])?, flag(vm, &args[1])?);
            os(vm, fd::set_blocking(number, wanted))?;
            Ok(Object::NONE)
        },
        "Whether the descriptor blocks.",
    ),
    MethodDef::new(
        "device_encoding(fd)",
        |vm, args| {
            let number = vm.to_plain_c_int(&args[0])?;
            if !fd::is_tty(number) {
                return Ok(Object::NONE);
            }
            Ok(vm.str(&crate::io::locale_encoding(vm)))
        },
        "The encoding of a terminal; None for what is no terminal.",
    ),
    MethodDef::new(
        "memfd_create(name, flags=MFD_CLOEXEC)",
        |vm, args| {
            let path = fs_bytes(vm, &args[0])?;
            let flags = vm.to_u32_wrapping(&args[1])?;
            Ok(vm.int(blocking(vm, || fd::memfd(&path, flags))? as i64))
        },
        "A file in memory, without a name in the file system.",
    ),
    MethodDef::new(
        "eventfd(initval, flags=EFD_CLOEXEC)",
        |vm, args| {
            let initial = unsigned_int(vm, &args[0])?;
            let flags = vm.to_plain_c_int(&args[1])?;
            Ok(vm.int(os(vm, fd::eventfd(initial, flags))? as i64))
        },
        "A descriptor that counts events.",
    ),
    MethodDef::new(
        "eventfd_read(fd)",
        |vm, args| {
            let number = fileno_of(vm, &args[0])?;
            Ok(vm.u64(blocking(vm, || fd::eventfd_read(number))?))
        },
        "Reads the counter and sets it back.",
    ),
    MethodDef::new(
        "eventfd_write(fd, value)",
        |vm, args| {
            let number = fileno_of(vm, &args[0])?;
            let value = vm.to_u64(&args[1])?;
            blocking(vm, || fd::eventfd_write(number, value))?;
            Ok(Object::NONE)
        },
        "Adds to the counter.",
    ),
    MethodDef::new(
        "timerfd_create(clockid, /, *, flags=0)",
        |vm, args| {
            let (clock, flags) = (vm.to_plain_c_int(&args[0])?, vm.to_plain_c_int(&args[1])?);
            Ok(vm.int(os(vm, fd::timerfd(clock, flags))? as i64))
        },
        "A descriptor that becomes readable when a timer runs out.",
    ),
    MethodDef::new(
        "timerfd_settime(fd, /, *, flags=0, initial=0.0, interval=0.0)",
        |vm, args| timer_set(vm, args, false),
        "Sets a timer, in seconds; returns its setting before.",
    ),
    MethodDef::new(
        "timerfd_settime_ns(fd, /, *, flags=0, initial=0, interval=0)",
        |vm, args| timer_set(vm, args, true),
        "Sets a timer, in nanoseconds; returns its setting before.",
    ),
    MethodDef::new(
        "timerfd_gettime(fd, /)",
        |vm, args| timer_get(vm, args, false),
        "Seconds until the timer runs out, and of its interval.",
    ),
    MethodDef::new(
        "timerfd_gettime_ns(fd, /)",
        |vm, args| timer_get(vm, args, true),
        "Nanoseconds until the timer runs out, and of its interval.",
    ),
];

/// A C `unsigned int` that refuses negative numbers.
fn unsigned_int(vm: &Vm, object: &Object) -> Result<u32> {
    let index = vm.index(object)?;
    if int::is_negative(&index) {
        return Err(vm.value_error("Cannot convert negative int"));
    }
    int::to_u64(&index)
        .and_then(|n| u32::try_from(n).ok())
        .ok_or_else(|| vm.overflow_error("Python int too large for C unsigned int"))
}

fn pair(vm: &Vm, (a, b): (i32, i32)) -> Result {
    Ok(vm.tuple(vec![vm.int(a as i64), vm.int(b as i64)]))
}

fn open(vm: &Vm, args: &[Object]) -> Result {
    let path = path_argument(vm, &args[0], "open", "path", PATH)?;
    let flags = vm.to_plain_c_int(&args[1])?;
    let mode = vm.to_plain_c_int(&args[2])?;
    let dir = dir_fd(vm, &args[3])?;
    vm.audit("open", &[path.object.clone(), Object::NONE, vm.int(flags as i64)])?;
    let result = retry(vm, || fs::open(dir, path.path(), flags | libc::O_CLOEXEC, mode as u32))?;
    Ok(vm.int(path.os(vm, result)? as i64))
}

fn close(vm: &Vm, args: &[Object]) -> Result {
    let number = vm.to_plain_c_int(&args[0])?;
    match vm.without_gil(|| fd::close(number)) {
        // Linux has closed it all the same.
        Ok(()) | Err(Errno(libc::EINTR)) => Ok(Object::NONE),
        Err(e) => Err(os_error(vm, e)),
    }
}

fn closerange(vm: &Vm, args: &[Object]) -> Result {
    let (low, high) = (vm.to_plain_c_int(&args[0])?, vm.to_plain_c_int(&args[1])?);
    vm.without_gil(|| fd::close_range(low, high));
    Ok(Object::NONE)
}

fn dup2(vm: &Vm, args: &[Object]) -> Result {
    let (from, to) = (vm.to_plain_c_int(&args[0])?, vm.to_plain_c_int(&args[1])?);
    let inheritable = flag(vm, &args[2])?;
    Ok(vm.int(blocking(vm, || fd::dup2(from, to, inheritable))? as i64))
}

/// A size for a read, at most what one call may ask for.
fn read_size(vm: &Vm, object: &Object) -> Result<usize> {
    let n = vm.index_isize(object)?;
    if n < 0 {
        return Err(os_error(vm, Errno(libc::EINVAL)));
    }
    Ok((n as usize).min(fd::IO_MAX))
}

fn read(vm: &Vm, args: &[Object]) -> Result {
    let number = vm.to_plain_c_int(&args[0])?;
    let size = read_size(vm, &args[1])?;
    let mut out = Vec::new();
    if out.try_reserve_exact(size).is_err() {
        return Err(vm.memory_error());
    }
    retry_os(vm, || fd::read_append(number, &mut out, size))?;
    bytes::new(vm, &out)
}

fn readinto(vm: &Vm, args: &[Object]) -> Result {
    let number = vm.to_plain_c_int(&args[0])?;
    let buffer = vm.writable_bytes_like(&args[1], "readinto() argument 2")?;
    let n = retry_os(vm, || buffer.with_bytes_mut(|out| fd::read(number, out)))?;
    Ok(vm.usize(n))
}

fn write(vm: &Vm, args: &[Object]) -> Result {
    let number = vm.to_plain_c_int(&args[0])?;
    let data = vm.bytes_like(&args[1], "write() argument 2")?;
    let n = retry_os(vm, || fd::write(number, data.bytes()))?;
    Ok(vm.usize(n))
}

fn pread(vm: &Vm, args: &[Object]) -> Result {
    let number = vm.to_plain_c_int(&args[0])?;
    let size = read_size(vm, &args[1])?;
    let offset = vm.to_i64(&args[2])?;
    let mut out = Vec::new();
    if out.try_reserve_exact(size).is_err() {
        return Err(vm.memory_error());
    }
    out.resize(size, 0u8);
    let n = retry_os(vm, || fd::pread(number, &mut out, offset))?;
    bytes::new(vm, &out[..n])
}

fn pwrite(vm: &Vm, args: &[Object]) -> Result {
    let number = vm.to_plain_c_int(&args[0])?;
    let data = vm.bytes_like(&args[1], "pwrite() argument 2")?;
    let offset = vm.to_i64(&args[2])?;
    let n = retry_os(vm, || fd::pwrite(number, data.bytes(), offset))?;
    Ok(vm.usize(n))
}

/// The buffers of a sequence of bytes-like objects.
fn buffers(vm: &Vm, function: &str, object: &Object, writable: bool) -> Result<Vec<Buffer>> {
    if !vm.is_sequence(object) {
        return Err(vm.type_error(format!("{function}() arg 2 must be a sequence")));
    }
    let items = vm.collect(object)?;
    items
        .iter()
        .map(|item| {
            if writable {
                vm.buffer(item, taipan_runtime::buffer::flags::WRITABLE)
            } else {
                vm.bytes_like(item, "buffer")
            }
        })
        .collect()
}

fn vectored_read(
    vm: &Vm,
    function: &str,
    number: &Object,
    list: &Object,
    at: Option<(&Object, &Object)>,
) -> Result {
    let number = vm.to_plain_c_int(number)?;
    let buffers = buffers(vm, function, list, true)?;
    if buffers.len() > 1024 {
        return Err(os_error(vm, Errno(libc::EINVAL)));
    }
    let (offset, flags) = match at {
        Some((offset, flags)) => (Some(vm.to_i64(offset)?), vm.to_plain_c_int(flags)?),
        None => (None, 0),
    };
    let n = retry_os(vm, || {
        with_all(&buffers, &mut Vec::new(), &mut |slices| fd::readv(number, slices, offset, flags))
    })?;
    Ok(vm.usize(n))
}

fn vectored_write(
    vm: &Vm,
    function: &str,
    number: &Object,
    list: &Object,
    at: Option<(&Object, &Object)>,
) -> Result {
    let number = vm.to_plain_c_int(number)?;
    let buffers = buffers(vm, function, list, false)?;
    let slices: Vec<&[u8]> = buffers.iter().map(|b| b.bytes()).collect();
    let (offset, flags) = match at {
        Some((offset, flags)) => (Some(vm.to_i64(offset)?), vm.to_plain_c_int(flags)?),
        None => (None, 0),
    };
    let n = retry_os(vm, || fd::writev(number, &slices, offset, flags))?;
    Ok(vm.usize(n))
}

fn lseek(vm: &Vm, args: &[Object]) -> Result {
    let number = vm.to_plain_c_int(&args[0])?;
    let position = vm.to_i64(&args[1])?;
    let whence = vm.to_plain_c_int(&args[2])?;
    Ok(vm.int(blocking(vm, || fd::seek(number, position, whence))?))
}

fn fstat(vm: &Vm, args: &[Object]) -> Result {
    let number = vm.to_plain_c_int(&args[0])?;
    stat_result(vm, &retry_os(vm, || fs::fstat(number))?)
}

fn terminal_size(vm: &Vm, args: &[Object]) -> Result {
    let number = match args[0].bound() {
        Some(object) => vm.to_plain_c_int(object)?,
        None => 1,
    };
    let (columns, lines) = os(vm, terminal::size(number))?;
    structseq::new(vm, &super::results::TERMINAL_SIZE, vec![vm.int(columns as i64), vm.int(lines as i64)])
}

fn sync(vm: &Vm, object: &Object, data_only: bool) -> Result {
    let number = fileno_of(vm, object)?;
    retry_os(vm, || fd::sync(number, data_only))?;
    Ok(Object::NONE)
}

fn ftruncate(vm: &Vm, args: &[Object]) -> Result {
    let number = vm.to_plain_c_int(&args[0])?;
    let length = vm.to_i64(&args[1])?;
    vm.audit("os.truncate", &[args[0].clone(), args[1].clone()])?;
    retry_os(vm, || fs::truncate(fs::Target::Fd(number), length))?;
    Ok(Object::NONE)
}

fn fchmod(vm: &Vm, args: &[Object]) -> Result {
    let (number, mode) = (vm.to_plain_c_int(&args[0])?, vm.to_plain_c_int(&args[1])?);
    vm.audit("os.chmod", &[args[0].clone(), args[1].clone(), vm.int(-1)])?;
    retry_os(vm, || fs::chmod(None, fs::Target::Fd(number), mode as u32, true))?;
    Ok(Object::NONE)
}

fn fchown(vm: &Vm, args: &[Object]) -> Result {
    let number = vm.to_plain_c_int(&args[0])?;
    let (uid, gid) = (id_argument(vm, &args[1], "uid")?, id_argument(vm, &args[2], "gid")?);
    vm.audit("os.chown", &[args[0].clone(), args[1].clone(), args[2].clone(), vm.int(-1)])?;
    retry_os(vm, || fs::chown(None, fs::Target::Fd(number), uid, gid, true))?;
    Ok(Object::NONE)
}

fn fchdir(vm: &Vm, args: &[Object]) -> Result {
    let number = fileno_of(vm, &args[0])?;
    vm.audit("os.chdir", &[vm.int(number as i64)])?;
    retry_os(vm, || fs::chdir(fs::Target::Fd(number)))?;
    Ok(Object::NONE)
}

fn lockf(vm: &Vm, args: &[Object]) -> Result {
    let (number, command) = (vm.to_plain_c_int(&args[0])?, vm.to_plain_c_int(&args[1])?);
    let length = vm.to_i64(&args[2])?;
    vm.audit("os.lockf", &[args[0].clone(), args[1].clone(), args[2].clone()])?;
    retry_os(vm, || fd::lockf(number, command, length))?;
    Ok(Object::NONE)
}

fn optional_offset(vm: &Vm, object: &Object) -> Result<Option<i64>> {
    match object.some() {
        Some(offset) => vm.to_i64(offset).map(Some),
        None => Ok(None),
    }
}

/// A `count` that must not be negative.
fn count(vm: &Vm, object: &Object) -> Result<usize> {
    let n = vm.index_isize(object)?;
    if n < 0 {
        return Err(vm.value_error("negative value for 'count' not allowed"));
    }
    Ok(n as usize)
}

fn sendfile(vm: &Vm, args: &[Object]) -> Result {
    let (out, input) = (vm.to_plain_c_int(&args[0])?, vm.to_plain_c_int(&args[1])?);
    let offset = optional_offset(vm, &args[2])?;
    let size = vm.index_isize(&args[3])?;
    Ok(vm.usize(retry_os(vm, || fd::sendfile(out, input, offset, size as usize))?))
}

fn copy_file_range(vm: &Vm, args: &[Object]) -> Result {
    let (src, dst) = (vm.to_plain_c_int(&args[0])?, vm.to_plain_c_int(&args[1])?);
    let size = count(vm, &args[2])?;
    let (src_at, dst_at) = (optional_offset(vm, &args[3])?, optional_offset(vm, &args[4])?);
    Ok(vm.usize(retry_os(vm, || fd::copy_range(src, src_at, dst, dst_at, size))?))
}

fn splice(vm: &Vm, args: &[Object]) -> Result {
    let (src, dst) = (vm.to_plain_c_int(&args[0])?, vm.to_plain_c_int(&args[1])?);
    let size = count(vm, &args[2])?;
    let (src_at, dst_at) = (optional_offset(vm, &args[3])?, optional_offset(vm, &args[4])?);
    let flags = vm.to_u32_wrapping(&args[5])?;
    Ok(vm.usize(retry_os(vm, || fd::splice(src, src_at, dst, dst_at, size, flags))?))
}

// ---- timers -----------------------------------------------------------------------------

fn timer_result(vm: &Vm, setting: host::fd::TimerSetting, ns: bool) -> Object {
    let convert = |(s, n): (i64, i64)| {
        if ns { super::results::nanoseconds(vm, s, n) } else { vm.float(s as f64 + n as f64 * 1e-9) }
    };
    vm.tuple(vec![convert(setting[0]), convert(setting[1])])
}

fn timer_set(vm: &Vm, args: &[Object], ns: bool) -> Result {
    let number = fileno_of(vm, &args[0])?;
    let flags = vm.to_plain_c_int(&args[1])?;
    let time = |object: &Object| -> Result<(i64, i64)> {
        if ns {
            let n = vm.to_i64(object)?;
            return Ok((n.div_euclid(1_000_000_000), n.rem_euclid(1_000_000_000)));
        }
        let x = vm.to_f64(object)?;
        crate::time::values::timespec(vm, &vm.float(x))
    };
    let setting = [time(&args[2])?, time(&args[3])?];
    let old = blocking(vm, || fd::timerfd_set(number, flags, setting))?;
    Ok(timer_result(vm, old, ns))
}

fn timer_get(vm: &Vm, args: &[Object], ns: bool) -> Result {
    let number = fileno_of(vm, &args[0])?;
    let now = os(vm, fd::timerfd_get(number))?;
    Ok(timer_result(vm, now, ns))
}
