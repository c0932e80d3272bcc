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
        "Open a file for low level IO.  Returns a file descriptor (integer).\n\nIf dir_fd is not None, it should be a file descriptor open to a directory,\n  and path should be relative; path will then be relative to that directory.",
    ),
    MethodDef::new("close(fd)", close, "Close a file descriptor."),
    MethodDef::new(
        "closerange(fd_low, fd_high, /)",
        closerange,
        "Closes all file descriptors in [fd_low, fd_high), ignoring errors.",
    ),
    MethodDef::new(
        "dup(fd, /)",
        |vm, args| {
            let number = vm.to_plain_c_int(&args[0])?;
            Ok(vm.int(os(vm, fd::dup(number))? as i64))
        },
        "Return a duplicate of a file descriptor.",
    ),
    MethodDef::new("dup2(fd, fd2, inheritable=True)", dup2, "Duplicate file descriptor."),
    MethodDef::new("read(fd, length, /)", read, "Read from a file descriptor.  Returns a bytes object."),
    MethodDef::new(
        "readinto(fd, buffer, /)",
        readinto,
        "Read into a buffer object from a file descriptor.\n\nThe buffer should be mutable and bytes-like. On success, returns the number of\nbytes read. Less bytes may be read than the size of the buffer. The underlying\nsystem call will be retried when interrupted by a signal, unless the signal\nhandler raises an exception. Other errors will not be retried and an error will\nbe raised.\n\nReturns 0 if *fd* is at end of file or if the provided *buffer* has length 0\n(which can be used to check for errors without reading data). Never returns\nnegative.",
    ),
    MethodDef::new("write(fd, data, /)", write, "Write a bytes object to a file descriptor."),
    MethodDef::new(
        "pread(fd, length, offset, /)",
        pread,
        "Read a number of bytes from a file descriptor starting at a particular offset.\n\nRead length bytes from file descriptor fd, starting at offset bytes from\nthe beginning of the file.  The file offset remains unchanged.",
    ),
    MethodDef::new(
        "pwrite(fd, buffer, offset, /)",
        pwrite,
        "Write bytes to a file descriptor starting at a particular offset.\n\nWrite buffer to fd, starting at offset bytes from the beginning of\nthe file.  Returns the number of bytes written.  Does not change the\ncurrent file offset.",
    ),
    MethodDef::new(
        "readv(fd, buffers, /)",
        |vm, args| vectored_read(vm, "readv", &args[0], &args[1], None),
        "Read from a file descriptor fd into an iterable of buffers.",
    ),
    MethodDef::new(
        "preadv(fd, buffers, offset, flags=0, /)",
        |vm, args| vectored_read(vm, "preadv", &args[0], &args[1], Some((&args[2], &args[3]))),
        "Reads from a file descriptor into a number of mutable bytes-like objects.",
    ),
    MethodDef::new(
        "writev(fd, buffers, /)",
        |vm, args| vectored_write(vm, "writev", &args[0], &args[1], None),
        "Iterate over buffers, and write the contents of each to a file descriptor.",
    ),
    MethodDef::new(
        "pwritev(fd, buffers, offset, flags=0, /)",
        |vm, args| vectored_write(vm, "pwritev", &args[0], &args[1], Some((&args[2], &args[3]))),
        "Writes the contents of bytes-like objects to a file descriptor at a given offset.",
    ),
    MethodDef::new(
        "lseek(fd, position, whence, /)",
        lseek,
        "Set the position of a file descriptor.  Return the new position.",
    ),
    MethodDef::new(
        "fstat(fd)",
        fstat,
        "Perform a stat system call on the given file descriptor.\n\nLike stat(), but for an open file descriptor.\nEquivalent to os.stat(fd).",
    ),
    MethodDef::new(
        "fstatvfs(fd, /)",
        |vm, args| {
            let number = vm.to_plain_c_int(&args[0])?;
            statvfs_result(vm, &retry_os(vm, || fs::statvfs(fs::Target::Fd(number)))?)
        },
        "Perform an fstatvfs system call on the given fd.\n\nEquivalent to statvfs(fd).",
    ),
    MethodDef::new(
        "isatty(fd, /)",
        |vm, args| {
            let number = vm.to_plain_c_int(&args[0])?;
            Ok(Object::bool(fd::is_tty(number)))
        },
        "Return True if the fd is connected to a terminal.\n\nReturn True if the file descriptor is an open file descriptor\nconnected to the slave end of a terminal.",
    ),
    MethodDef::new(
        "ttyname(fd, /)",
        |vm, args| {
            let number = vm.to_plain_c_int(&args[0])?;
            decode(vm, &os(vm, terminal::name(number))?)
        },
        "Return the name of the terminal device connected to 'fd'.",
    ),
    MethodDef::new(
        "ptsname(fd, /)",
        |vm, args| {
            let number = fileno_of(vm, &args[0])?;
            decode(vm, &os(vm, terminal::slave_name(number))?)
        },
        "Return the name of the slave pseudo-terminal device.",
    ),
    MethodDef::new(
        "pipe()",
        |vm, _| pair(vm, os(vm, fd::pipe(libc::O_CLOEXEC))?),
        "Create a pipe.\n\nReturns a tuple of two file descriptors:\n  (read_fd, write_fd)",
    ),
    MethodDef::new(
        "pipe2(flags, /)",
        |vm, args| {
            let flags = vm.to_plain_c_int(&args[0])?;
            pair(vm, os(vm, fd::pipe(flags))?)
        },
        "Create a pipe with flags set atomically.\n\nReturns a tuple of two file descriptors:\n  (read_fd, write_fd)",
    ),
    MethodDef::new(
        "openpty()",
        |vm, _| pair(vm, os(vm, terminal::open_pair())?),
        "Open a pseudo-terminal.\n\nReturn a tuple of (master_fd, slave_fd) containing open file descriptors\nfor both the master and slave ends.",
    ),
    MethodDef::new(
        "posix_openpt(oflag, /)",
        |vm, args| {
            let flags = vm.to_plain_c_int(&args[0])?;
            Ok(vm.int(os(vm, terminal::open_master(flags))? as i64))
        },
        "Open and return a file descriptor for a master pseudo-terminal device.",
    ),
    MethodDef::new(
        "grantpt(fd, /)",
        |vm, args| {
            let number = fileno_of(vm, &args[0])?;
            os(vm, terminal::grant(number))?;
            Ok(Object::NONE)
        },
        "Grant access to the slave pseudo-terminal device.",
    ),
    MethodDef::new(
        "unlockpt(fd, /)",
        |vm, args| {
            let number = fileno_of(vm, &args[0])?;
            os(vm, terminal::unlock(number))?;
            Ok(Object::NONE)
        },
        "Unlock a pseudo-terminal master/slave pair.",
    ),
    MethodDef::new(
        "login_tty(fd, /)",
        |vm, args| {
            let number = fileno_of(vm, &args[0])?;
            os(vm, terminal::login(number))?;
            Ok(Object::NONE)
        },
        "Prepare the tty of which fd is a file descriptor for a new login session.",
    ),
    MethodDef::new(
        "tcgetpgrp(fd, /)",
        |vm, args| {
            let number = vm.to_plain_c_int(&args[0])?;
            Ok(vm.int(os(vm, terminal::foreground_group(number))? as i64))
        },
        "Return the process group associated with the terminal specified by fd.",
    ),
    MethodDef::new(
        "tcsetpgrp(fd, pgid, /)",
        |vm, args| {
            let (number, group) = (vm.to_plain_c_int(&args[0])?, vm.to_plain_c_int(&args[1])?);
            os(vm, terminal::set_foreground_group(number, group))?;
            Ok(Object::NONE)
        },
        "Set the process group associated with the terminal specified by fd.",
    ),
    MethodDef::new(
        "ctermid()",
        |vm, _| decode(vm, &terminal::controlling()),
        "Return the name of the controlling terminal for this process.",
    ),
    MethodDef::new(
        "get_terminal_size(fd=<unrepresentable>, /)",
        terminal_size,
        "Return the size of the terminal window as (columns, lines).\n\nThe optional argument fd (default standard output) specifies\nwhich file descriptor should be queried.\n\nIf the file descriptor is not connected to a terminal, an OSError\nis raised.\n\nThis function will only be defined if an implementation is\navailable for this system.\n\nshutil.get_terminal_size is the high-level function which should\nnormally be used, os.get_terminal_size is the low-level implementation.",
    ),
    MethodDef::new("fsync(fd)", |vm, args| sync(vm, &args[0], false), "Force write of fd to disk."),
    MethodDef::new(
        "fdatasync(fd)",
        |vm, args| sync(vm, &args[0], true),
        "Force write of fd to disk without forcing update of metadata.",
    ),
    MethodDef::new(
        "ftruncate(fd, length, /)",
        ftruncate,
        "Truncate a file, specified by file descriptor, to a specific length.",
    ),
    MethodDef::new(
        "fchmod(fd, mode)",
        fchmod,
        "Change the access permissions of the file given by file descriptor fd.\n\n  fd\n    The file descriptor of the file to be modified.\n  mode\n    Operating-system mode bitfield.\n\nEquivalent to os.chmod(fd, mode).",
    ),
    MethodDef::new(
        "fchown(fd, uid, gid)",
        fchown,
        "Change the owner and group id of the file specified by file descriptor.\n\nEquivalent to os.chown(fd, uid, gid).",
    ),
    MethodDef::new(
        "fchdir(fd)",
        fchdir,
        "Change to the directory of the given file descriptor.\n\nfd must be opened on a directory, not a file.\nEquivalent to os.chdir(fd).",
    ),
    MethodDef::new(
        "fpathconf(fd, name, /)",
        |vm, args| {
            let number = fileno_of(vm, &args[0])?;
            let which = super::paths::configuration_name(vm, &args[1], super::names::PATHCONF)?;
            Ok(vm.int(os(vm, fs::pathconf(fs::Target::Fd(number), which))?))
        },
        "Return the configuration limit name for the file descriptor fd.\n\nIf there is no limit, return -1.",
    ),
    MethodDef::new(
        "lockf(fd, command, length, /)",
        lockf,
        "Apply, test or remove a POSIX lock on an open file descriptor.\n\n  fd\n    An open file descriptor.\n  command\n    One of F_LOCK, F_TLOCK, F_ULOCK or F_TEST.\n  length\n    The number of bytes to lock, starting at the current position.",
    ),
    MethodDef::new(
        "posix_fallocate(fd, offset, length, /)",
        |vm, args| {
            let number = vm.to_plain_c_int(&args[0])?;
            let (offset, length) = (vm.to_i64(&args[1])?, vm.to_i64(&args[2])?);
            retry_os(vm, || fd::allocate(number, offset, length))?;
            Ok(Object::NONE)
        },
        "Ensure a file has allocated at least a particular number of bytes on disk.\n\nEnsure that the file specified by fd encompasses a range of bytes\nstarting at offset bytes from the beginning and continuing for length bytes.",
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
        "Announce an intention to access data in a specific pattern.",
    ),
    MethodDef::new(
        "sendfile(out_fd, in_fd, offset, count)",
        sendfile,
        "Copy count bytes from file descriptor in_fd to file descriptor out_fd.",
    ),
    MethodDef::new(
        "copy_file_range(src, dst, count, offset_src=None, offset_dst=None)",
        copy_file_range,
        "Copy count bytes from one file descriptor to another.\n\n  src\n    Source file descriptor.\n  dst\n    Destination file descriptor.\n  count\n    Number of bytes to copy.\n  offset_src\n    Starting offset in src.\n  offset_dst\n    Starting offset in dst.\n\nIf offset_src is None, then src is read from the current position;\nrespectively for offset_dst.",
    ),
    MethodDef::new(
        "splice(src, dst, count, offset_src=None, offset_dst=None, flags=0)",
        splice,
        "Transfer count bytes from one pipe to a descriptor or vice versa.\n\n  src\n    Source file descriptor.\n  dst\n    Destination file descriptor.\n  count\n    Number of bytes to copy.\n  offset_src\n    Starting offset in src.\n  offset_dst\n    Starting offset in dst.\n  flags\n    Flags to modify the semantics of the call.\n\nIf offset_src is None, then src is read from the current position;\nrespectively for offset_dst. The offset associated to the file\ndescriptor that refers to a pipe must be None.",
    ),
    MethodDef::new(
        "get_inheritable(fd, /)",
        |vm, args| {
            let number = vm.to_plain_c_int(&args[0])?;
            Ok(Object::bool(os(vm, fd::is_inheritable(number))?))
        },
        "Get the close-on-exe flag of the specified file descriptor.",
    ),
    MethodDef::new(
        "set_inheritable(fd, inheritable, /)",
        |vm, args| {
            let (number, wanted) = (vm.to_plain_c_int(&args[0])?, vm.to_plain_c_int(&args[1])?);
            os(vm, fd::set_inheritable(number, wanted != 0))?;
            Ok(Object::NONE)
        },
        "Set the inheritable flag of the specified file descriptor.",
    ),
    MethodDef::new(
        "get_blocking(fd, /)",
        |vm, args| {
            let number = vm.to_plain_c_int(&args[0])?;
            Ok(Object::bool(os(vm, fd::is_blocking(number))?))
        },
        "Get the blocking mode of the file descriptor.\n\nReturn False if the O_NONBLOCK flag is set, True if the flag is cleared.",
    ),
    MethodDef::new(
        "set_blocking(fd, blocking, /)",
        |vm, args| {
            let (number, wanted) = (vm.to_plain_c_int(&args[0])?, flag(vm, &args[1])?);
            os(vm, fd::set_blocking(number, wanted))?;
            Ok(Object::NONE)
        },
        "Set the blocking mode of the specified file descriptor.\n\nSet the O_NONBLOCK flag if blocking is False,\nclear the O_NONBLOCK flag otherwise.",
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
        "Return a string describing the encoding of a terminal's file descriptor.\n\nThe file descriptor must be attached to a terminal.\nIf the device is not a terminal, return None.",
    ),
    MethodDef::new(
        "memfd_create(name, flags=MFD_CLOEXEC)",
        |vm, args| {
            let path = fs_bytes(vm, &args[0])?;
            let flags = vm.to_u32_wrapping(&args[1])?;
            Ok(vm.int(blocking(vm, || fd::memfd(&path, flags))? as i64))
        },
        "",
    ),
    MethodDef::new(
        "eventfd(initval, flags=EFD_CLOEXEC)",
        |vm, args| {
            let initial = unsigned_int(vm, &args[0])?;
            let flags = vm.to_plain_c_int(&args[1])?;
            Ok(vm.int(os(vm, fd::eventfd(initial, flags))? as i64))
        },
        "Creates and returns an event notification file descriptor.",
    ),
    MethodDef::new(
        "eventfd_read(fd)",
        |vm, args| {
            let number = fileno_of(vm, &args[0])?;
            Ok(vm.u64(blocking(vm, || fd::eventfd_read(number))?))
        },
        "Read eventfd value",
    ),
    MethodDef::new(
        "eventfd_write(fd, value)",
        |vm, args| {
            let number = fileno_of(vm, &args[0])?;
            let value = vm.to_u64(&args[1])?;
            blocking(vm, || fd::eventfd_write(number, value))?;
            Ok(Object::NONE)
        },
        "Write eventfd value.",
    ),
    MethodDef::new(
        "timerfd_create(clockid, /, *, flags=0)",
        |vm, args| {
            let (clock, flags) = (vm.to_plain_c_int(&args[0])?, vm.to_plain_c_int(&args[1])?);
            Ok(vm.int(os(vm, fd::timerfd(clock, flags))? as i64))
        },
        "Create and return a timer file descriptor.\n\n  clockid\n    A valid clock ID constant as timer file descriptor.\n\n    time.CLOCK_REALTIME\n    time.CLOCK_MONOTONIC\n    time.CLOCK_BOOTTIME\n  flags\n    0 or a bit mask of os.TFD_NONBLOCK or os.TFD_CLOEXEC.",
    ),
    MethodDef::new(
        "timerfd_settime(fd, /, *, flags=0, initial=0.0, interval=0.0)",
        |vm, args| timer_set(vm, args, false),
        "Alter a timer file descriptor's internal timer in seconds.",
    ),
    MethodDef::new(
        "timerfd_settime_ns(fd, /, *, flags=0, initial=0, interval=0)",
        |vm, args| timer_set(vm, args, true),
        "Alter a timer file descriptor's internal timer in nanoseconds.",
    ),
    MethodDef::new(
        "timerfd_gettime(fd, /)",
        |vm, args| timer_get(vm, args, false),
        "Return a tuple of a timer file descriptor's (interval, next expiration) in float seconds.",
    ),
    MethodDef::new(
        "timerfd_gettime_ns(fd, /)",
        |vm, args| timer_get(vm, args, true),
        "Return a tuple of a timer file descriptor's (interval, next expiration) in nanoseconds.",
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

/// Calls `f` with the bytes of all the buffers, writable.
fn with_all<R>(
    buffers: &[Buffer],
    slices: &mut Vec<&mut [u8]>,
    f: &mut dyn FnMut(&mut [&mut [u8]]) -> R,
) -> R {
    match buffers.split_first() {
        None => f(slices),
        Some((first, rest)) => first.with_bytes_mut(|bytes| {
            let mut longer: Vec<&mut [u8]> = slices.iter_mut().map(|s| &mut **s).collect();
            longer.push(bytes);
            with_all(rest, &mut longer, f)
        }),
    }
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
