//! Functions of `posix` on names in the file system.

use super::results::{stat_result, statvfs_result};
use crate::support::*;
use taipan_host::{self as host, Errno, fs, libc};
use taipan_runtime::prelude::*;
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::int;

pub static FUNCTIONS: &[MethodDef] = &[
    MethodDef::new(
        "stat(path, *, dir_fd=None, follow_symlinks=True)",
        stat,
        "What the system knows about a path or descriptor, as a stat_result.\n\nA dir_fd is the directory that a relative path starts from. Without\nfollow_symlinks a symbolic link itself is looked at.",
    ),
    MethodDef::new("lstat(path, *, dir_fd=None)", lstat, "As stat(), of a symbolic link itself."),
    MethodDef::new(
        "statvfs(path)",
        statvfs,
        "What the system knows about the file system of a path or descriptor.",
    ),
    MethodDef::new(
        "access(path, mode, *, dir_fd=None, effective_ids=False, follow_symlinks=True)",
        access,
        "May the path be used in this way (F_OK: does it exist)?\n\nAsks for the real user, or the effective one with effective_ids.",
    ),
    MethodDef::new("chdir(path)", chdir, "Makes a directory, given by path or descriptor, the current one."),
    MethodDef::new("chroot(path)", chroot, "Makes a directory the root."),
    MethodDef::new("getcwd()", |vm, _| decode(vm, &os(vm, fs::getcwd())?), "The current directory as str."),
    MethodDef::new(
        "getcwdb()",
        |vm, _| Ok(vm.bytes(&os(vm, fs::getcwd())?)),
        "The current directory as bytes.",
    ),
    MethodDef::new(
        "chmod(path, mode, *, dir_fd=None, follow_symlinks=(os.name != 'nt'))",
        chmod,
        "Sets the permission bits of a path or descriptor.",
    ),
    MethodDef::new(
        "chown(path, uid, gid, *, dir_fd=None, follow_symlinks=True)",
        chown,
        "Sets owner and group of a path or descriptor; -1 leaves one as it is.",
    ),
    MethodDef::new("lchown(path, uid, gid)", lchown, "As chown(), of a symbolic link itself."),
    MethodDef::new(
        "mkdir(path, mode=511, *, dir_fd=None)",
        mkdir,
        "Makes a directory. The mode is that before the umask.",
    ),
    MethodDef::new("mkfifo(path, mode=438, *, dir_fd=None)", mkfifo, "Makes a named pipe."),
    MethodDef::new(
        "mknod(path, mode=384, device=0, *, dir_fd=None)",
        mknod,
        "Makes a file, device or pipe, as the mode says.",
    ),
    MethodDef::new("rmdir(path, *, dir_fd=None)", rmdir, "Removes an empty directory."),
    MethodDef::new("unlink(path, *, dir_fd=None)", unlink, "Removes a file; the same as remove()."),
    MethodDef::new(
        "remove(path, *, dir_fd=None)",
        |vm, args| remove_file(vm, args, "remove"),
        "Removes a file; the same as unlink().",
    ),
    MethodDef::new(
        "rename(src, dst, *, src_dir_fd=None, dst_dir_fd=None)",
        |vm, args| rename(vm, args, "rename"),
        "Renames a file or directory. On this system an existing file is replaced.",
    ),
    MethodDef::new(
        "replace(src, dst, *, src_dir_fd=None, dst_dir_fd=None)",
        |vm, args| rename(vm, args, "replace"),
        "Renames a file or directory; an existing file is replaced.",
    ),
    MethodDef::new(
        "link(src, dst, *, src_dir_fd=None, dst_dir_fd=None, follow_symlinks=(os.name != 'nt'))",
        link,
        "Makes another name of a file.",
    ),
    MethodDef::new(
        "symlink(src, dst, target_is_directory=False, *, dir_fd=None)",
        symlink,
        "Makes dst a symbolic link to src.",
    ),
    MethodDef::new("readlink(path, *, dir_fd=None)", readlink, "Where a symbolic link points."),
    MethodDef::new(
        "truncate(path, length)",
        truncate,
        "Cuts or extends a file, given by path or descriptor, to a length.",
    ),
    MethodDef::new(
        "utime(path, times=None, *, ns=<unrepresentable>, dir_fd=None, follow_symlinks=True)",
        utime,
        "Sets the times of access and modification, from (atime, mtime) in seconds or\nnanoseconds; without them, to now.",
    ),
    MethodDef::new(
        "pathconf(path, name)",
        pathconf,
        "A limit of the file system of a path; -1 if there is none.",
    ),
    MethodDef::new("umask(mask, /)", umask, "Sets the umask and returns the one before."),
    MethodDef::new(
        "sync()",
        |vm, _| {
            vm.without_gil(fs::sync);
            Ok(Object::NONE)
        },
        "Writes everything that is cached to the disks.",
    ),
    MethodDef::new(
        "fspath(path)",
        |vm, args| fspath(vm, &args[0]),
        "The str or bytes of a path, by __fspath__ where it is neither.",
    ),
    MethodDef::new(
        "getxattr(path, attribute, *, follow_symlinks=True)",
        getxattr,
        "The value of an extended attribute.",
    ),
    MethodDef::new(
        "setxattr(path, attribute, value, flags=0, *, follow_symlinks=True)",
        setxattr,
        "Sets an extended attribute.",
    ),
    MethodDef::new(
        "removexattr(path, attribute, *, follow_symlinks=True)",
        removexattr,
        "Removes an extended attribute.",
    ),
    MethodDef::new(
        "listxattr(path=None, *, follow_symlinks=True)",
        listxattr,
        "The names of the extended attributes.",
    ),
    MethodDef::new("_path_normpath(path)", normpath, "The path without . and .. and doubled slashes."),
    MethodDef::new("_path_splitroot_ex(p)", splitroot, "Drive (always empty), root and the rest of a path."),
    MethodDef::new("_inputhook()", |vm, _| Ok(vm.int(0)), ""),
    MethodDef::new("_is_inputhook_installed()", |_, _| Ok(Object::FALSE), ""),
    MethodDef::new("_create_environ()", |vm, _| super::environ(vm), "The environment as a new dict."),
];

/// Refuses what cannot go together with a descriptor as the path.
fn check_fd(vm: &Vm, function: &str, path: &PathArg, dir: Option<i32>, follow: bool) -> Result<()> {
    if path.fd().is_none() {
        return Ok(());
    }
    if dir.is_some() {
        return Err(vm.value_error(format!("{function}: can't specify dir_fd without matching path")));
    }
    if !follow {
        return Err(vm.value_error(format!("{function}: cannot use fd and follow_symlinks together")));
    }
    Ok(())
}

fn do_stat(vm: &Vm, function: &str, path: &Object, dir: &Object, follow: bool, allow: Allow) -> Result {
    let path = path_argument(vm, path, function, "path", allow)?;
    let dir = dir_fd(vm, dir)?;
    check_fd(vm, function, &path, dir, follow)?;
    let st = path.call(vm, || match path.target() {
        fs::Target::Fd(-1) => Err(Errno(libc::EFAULT)),
        fs::Target::Fd(fd) => fs::fstat(fd),
        fs::Target::Path(p) => fs::stat(dir, p, follow),
    })?;
    stat_result(vm, &st)
}

fn stat(vm: &Vm, args: &[Object]) -> Result {
    let follow = flag(vm, &args[2])?;
    do_stat(vm, "stat", &args[0], &args[1], follow, PATH_OR_FD)
}

fn lstat(vm: &Vm, args: &[Object]) -> Result {
    do_stat(vm, "lstat", &args[0], &args[1], false, PATH)
}

fn statvfs(vm: &Vm, args: &[Object]) -> Result {
    let path = path_argument(vm, &args[0], "statvfs", "path", PATH_OR_FD)?;
    let st = path.call(vm, || fs::statvfs(path.target()))?;
    statvfs_result(vm, &st)
}

fn access(vm: &Vm, args: &[Object]) -> Result {
    let path = path_argument(vm, &args[0], "access", "path", PATH)?;
    let mode = vm.to_plain_c_int(&args[1])?;
    let dir = dir_fd(vm, &args[2])?;
    let (effective, follow) = (flag(vm, &args[3])?, flag(vm, &args[4])?);
    let found = vm.without_gil(|| fs::access(dir, path.path(), mode, effective, follow));
    Ok(Object::bool(found.is_ok()))
}

fn chdir(vm: &Vm, args: &[Object]) -> Result {
    let path = path_argument(vm, &args[0], "chdir", "path", PATH_OR_FD)?;
    vm.audit("os.chdir", &[path.object.clone()])?;
    path.call(vm, || fs::chdir(path.target()))?;
    Ok(Object::NONE)
}

fn chroot(vm: &Vm, args: &[Object]) -> Result {
    let path = path_argument(vm, &args[0], "chroot", "path", PATH)?;
    path.call(vm, || fs::chroot(path.path()))?;
    Ok(Object::NONE)
}

/// The number of a `dir_fd` as audit hooks see it.
fn shown_dir(vm: &Vm, dir: Option<i32>) -> Object {
    vm.int(dir.unwrap_or(-1) as i64)
}

fn chmod(vm: &Vm, args: &[Object]) -> Result {
    let path = path_argument(vm, &args[0], "chmod", "path", PATH_OR_FD)?;
    let mode = vm.to_plain_c_int(&args[1])?;
    let dir = dir_fd(vm, &args[2])?;
    let follow = args[3].bound().map_or(Ok(true), |f| flag(vm, f))?;
    vm.audit("os.chmod", &[path.object.clone(), vm.int(mode as i64), shown_dir(vm, dir)])?;
    let result = vm.without_gil(|| fs::chmod(dir, path.target(), mode as u32, follow));
    if let Err(Errno(libc::EOPNOTSUPP)) = result
        && !follow
    {
        if dir.is_some() {
            return Err(vm.value_error("chmod: cannot use dir_fd and follow_symlinks together"));
        }
        return Err(vm.not_implemented_error("chmod: follow_symlinks unavailable on this platform"));
    }
    path.os(vm, result)?;
    Ok(Object::NONE)
}

fn chown(vm: &Vm, args: &[Object]) -> Result {
    let path = path_argument(vm, &args[0], "chown", "path", PATH_OR_FD)?;
    let (uid, gid) = (id_argument(vm, &args[1], "uid")?, id_argument(vm, &args[2], "gid")?);
    let dir = dir_fd(vm, &args[3])?;
    let follow = flag(vm, &args[4])?;
    if path.fd().is_some() && dir.is_some() {
        return Err(vm.value_error("chown: can't specify both dir_fd and fd"));
    }
    check_fd(vm, "chown", &path, dir, follow)?;
    vm.audit("os.chown", &[path.object.clone(), args[1].clone(), args[2].clone(), shown_dir(vm, dir)])?;
    path.call(vm, || fs::chown(dir, path.target(), uid, gid, follow))?;
    Ok(Object::NONE)
}

fn lchown(vm: &Vm, args: &[Object]) -> Result {
    let path = path_argument(vm, &args[0], "lchown", "path", PATH)?;
    let (uid, gid) = (id_argument(vm, &args[1], "uid")?, id_argument(vm, &args[2], "gid")?);
    vm.audit("os.chown", &[path.object.clone(), args[1].clone(), args[2].clone(), vm.int(-1)])?;
    path.call(vm, || fs::chown(None, path.target(), uid, gid, false))?;
    Ok(Object::NONE)
}

fn mkdir(vm: &Vm, args: &[Object]) -> Result {
    let path = path_argument(vm, &args[0], "mkdir", "path", PATH)?;
    let mode = vm.to_plain_c_int(&args[1])?;
    let dir = dir_fd(vm, &args[2])?;
    vm.audit("os.mkdir", &[path.object.clone(), vm.int(mode as i64), shown_dir(vm, dir)])?;
    path.call(vm, || fs::mkdir(dir, path.path(), mode as u32))?;
    Ok(Object::NONE)
}

fn mkfifo(vm: &Vm, args: &[Object]) -> Result {
    let path = path_argument(vm, &args[0], "mkfifo", "path", PATH)?;
    let mode = vm.to_plain_c_int(&args[1])?;
    let dir = dir_fd(vm, &args[2])?;
    loop {
        match vm.without_gil(|| fs::mkfifo(dir, path.path(), mode as u32)) {
            Err(Errno(libc::EINTR)) => vm.check_signals()?,
            // As CPython: no file name here.
            result => return os(vm, result).map(|()| Object::NONE),
        }
    }
}

/// A device number: ids beyond i64 come as unsigned.
pub fn device_argument(vm: &Vm, object: &Object) -> Result<u64> {
    let index = vm.index(object)?;
    if let Some(-1) = int::to_i64(&index) {
        return Ok(u64::MAX);
    }
    if int::is_negative(&index) {
        return Err(vm.overflow_error("can't convert negative int to unsigned"));
    }
    int::to_u64(&index).ok_or_else(|| vm.overflow_error("int too big to convert"))
}

fn mknod(vm: &Vm, args: &[Object]) -> Result {
    let path = path_argument(vm, &args[0], "mknod", "path", PATH)?;
    let mode = vm.to_plain_c_int(&args[1])?;
    let device = device_argument(vm, &args[2])?;
    let dir = dir_fd(vm, &args[3])?;
    retry_os(vm, || fs::mknod(dir, path.path(), mode as u32, device))?;
    Ok(Object::NONE)
}

fn rmdir(vm: &Vm, args: &[Object]) -> Result {
    let path = path_argument(vm, &args[0], "rmdir", "path", PATH)?;
    let dir = dir_fd(vm, &args[1])?;
    vm.audit("os.rmdir", &[path.object.clone(), shown_dir(vm, dir)])?;
    path.call(vm, || fs::rmdir(dir, path.path()))?;
    Ok(Object::NONE)
}

fn unlink(vm: &Vm, args: &[Object]) -> Result {
    remove_file(vm, args, "unlink")
}

fn remove_file(vm: &Vm, args: &[Object], function: &str) -> Result {
    let path = path_argument(vm, &args[0], function, "path", PATH)?;
    let dir = dir_fd(vm, &args[1])?;
    vm.audit("os.remove", &[path.object.clone(), shown_dir(vm, dir)])?;
    path.call(vm, || fs::unlink(dir, path.path()))?;
    Ok(Object::NONE)
}

fn two_paths(vm: &Vm, src: &PathArg, dst: &PathArg, result: host::Result<()>) -> Result {
    match result {
        Ok(()) => Ok(Object::NONE),
        Err(e) => Err(vm.os_error2(e.0, Some(&src.object), Some(&dst.object))),
    }
}

fn rename(vm: &Vm, args: &[Object], function: &str) -> Result {
    let src = path_argument(vm, &args[0], function, "src", PATH)?;
    let dst = path_argument(vm, &args[1], function, "dst", PATH)?;
    let (src_dir, dst_dir) = (dir_fd(vm, &args[2])?, dir_fd(vm, &args[3])?);
    vm.audit(
        "os.rename",
        &[src.object.clone(), dst.object.clone(), shown_dir(vm, src_dir), shown_dir(vm, dst_dir)],
    )?;
    let result = vm.without_gil(|| fs::rename(src_dir, src.path(), dst_dir, dst.path()));
    two_paths(vm, &src, &dst, result)
}

fn link(vm: &Vm, args: &[Object]) -> Result {
    let src = path_argument(vm, &args[0], "link", "src", PATH)?;
    let dst = path_argument(vm, &args[1], "link", "dst", PATH)?;
    let (src_dir, dst_dir) = (dir_fd(vm, &args[2])?, dir_fd(vm, &args[3])?);
    let follow = args[4].bound().map_or(Ok(true), |f| flag(vm, f))?;
    vm.audit(
        "os.link",
        &[src.object.clone(), dst.object.clone(), shown_dir(vm, src_dir), shown_dir(vm, dst_dir)],
    )?;
    let result = vm.without_gil(|| fs::link(src_dir, src.path(), dst_dir, dst.path(), follow));
    two_paths(vm, &src, &dst, result)
}

fn symlink(vm: &Vm, args: &[Object]) -> Result {
    let src = path_argument(vm, &args[0], "symlink", "src", PATH)?;
    let dst = path_argument(vm, &args[1], "symlink", "dst", PATH)?;
    flag(vm, &args[2])?;
    let dir = dir_fd(vm, &args[3])?;
    vm.audit("os.symlink", &[src.object.clone(), dst.object.clone(), shown_dir(vm, dir)])?;
    let result = vm.without_gil(|| fs::symlink(src.path(), dir, dst.path()));
    two_paths(vm, &src, &dst, result)
}

fn readlink(vm: &Vm, args: &[Object]) -> Result {
    let path = path_argument(vm, &args[0], "readlink", "path", PATH)?;
    let dir = dir_fd(vm, &args[1])?;
    let target = path.call(vm, || fs::readlink(dir, path.path()))?;
    path.result(vm, &target)
}

fn truncate(vm: &Vm, args: &[Object]) -> Result {
    let path = path_argument(vm, &args[0], "truncate", "path", PATH_OR_FD)?;
    let length = vm.to_i64(&args[1])?;
    vm.audit("os.truncate", &[path.object.clone(), args[1].clone()])?;
    path.call(vm, || fs::truncate(path.target(), length))?;
    Ok(Object::NONE)
}

/// Exactly two items of a tuple, or None.
fn pair(object: &Object) -> Option<(Object, Object)> {
    match object.downcast::<Tuple>()?.items() {
        [a, b] => Some((a.clone(), b.clone())),
        _ => None,
    }
}

/// Nanoseconds of an int as (seconds, rest); any size.
fn split_ns(vm: &Vm, object: &Object) -> Result<(i64, i64)> {
    let parts = vm.binary(BinaryOp::DivMod, object, &vm.int(1_000_000_000))?;
    let Some((s, ns)) = pair(&parts) else {
        return Err(vm.type_error(format!(
            "{}.__divmod__() must return a 2-tuple, not {}",
            object.ty().name(),
            parts.ty().name()
        )));
    };
    let s = vm.index(&s)?;
    let Some(s) = int::to_i64(&s) else {
        return Err(vm.overflow_error("timestamp out of range for platform time_t"));
    };
    Ok((s, vm.to_i64(&ns)?))
}

fn utime(vm: &Vm, args: &[Object]) -> Result {
    let path = path_argument(vm, &args[0], "utime", "path", PATH_OR_FD)?;
    let dir = dir_fd(vm, &args[3])?;
    let follow = flag(vm, &args[4])?;
    if !args[1].is_none() && args[2].bound().is_some() {
        return Err(vm.value_error("utime: you may specify either 'times' or 'ns' but not both"));
    }
    let times = if let Some(times) = args[1].some() {
        let Some((a, m)) = pair(times) else {
            return Err(vm.type_error("utime: 'times' must be either a tuple of two ints or None"));
        };
        Some([crate::time::values::timespec(vm, &a)?, crate::time::values::timespec(vm, &m)?])
    } else if let Some(ns) = args[2].bound() {
        let Some((a, m)) = pair(ns) else {
            return Err(vm.type_error("utime: 'ns' must be a tuple of two ints"));
        };
        for n in [&a, &m] {
            if !int::is_any_int(n) {
                return Err(vm.type_error_of(n, "cannot be interpreted as an integer"));
            }
        }
        Some([split_ns(vm, &a)?, split_ns(vm, &m)?])
    } else {
        None
    };
    check_fd(vm, "utime", &path, dir, follow)?;
    let shown = if let Some(ns) = args[2].bound() { ns.clone() } else { args[1].clone() };
    vm.audit("os.utime", &[path.object.clone(), args[1].clone(), shown, shown_dir(vm, dir)])?;
    path.call(vm, || fs::utime(dir, path.target(), times, follow))?;
    Ok(Object::NONE)
}

/// A name of `pathconf`, `sysconf` or `confstr`, or its number.
pub fn configuration_name(vm: &Vm, object: &Object, table: &[(&str, i32)]) -> Result<i32> {
    if int::is_any_int(object) {
        return vm.to_plain_c_int(object);
    }
    if object.downcast::<Str>().is_none() {
        if vm.is_index(object) {
            return vm.to_plain_c_int(object);
        }
        return Err(vm.type_error("configuration names must be strings or integers"));
    }
    let wanted = vm.str_lossy(object);
    match table.iter().find(|row| row.0 == wanted) {
        Some(row) => Ok(row.1),
        None => Err(vm.value_error("unrecognized configuration name")),
    }
}

fn pathconf(vm: &Vm, args: &[Object]) -> Result {
    let path = path_argument(vm, &args[0], "pathconf", "path", PATH_OR_FD)?;
    let which = configuration_name(vm, &args[1], super::names::PATHCONF)?;
    match fs::pathconf(path.target(), which) {
        Ok(n) => Ok(vm.int(n)),
        Err(e @ Errno(libc::EINVAL)) => Err(os_error(vm, e)),
        Err(e) => Err(path.error(vm, e)),
    }
}

fn umask(vm: &Vm, args: &[Object]) -> Result {
    let mask = vm.to_plain_c_int(&args[0])?;
    Ok(vm.int(fs::umask(mask as u32) as i64))
}

// ---- extended attributes ------------------------------------------------------------------

fn attribute_paths(
    vm: &Vm,
    args: &[Object],
    function: &str,
    follow: &Object,
) -> Result<(PathArg, PathArg, bool)> {
    let path = path_argument(vm, &args[0], function, "path", PATH_OR_FD)?;
    let attribute = path_argument(vm, &args[1], function, "attribute", PATH)?;
    let follow = flag(vm, follow)?;
    if path.fd().is_some() && !follow {
        return Err(vm.value_error(format!("{function}: cannot use fd and follow_symlinks together")));
    }
    Ok((path, attribute, follow))
}

fn getxattr(vm: &Vm, args: &[Object]) -> Result {
    let (path, attribute, follow) = attribute_paths(vm, args, "getxattr", &args[2])?;
    vm.audit("os.getxattr", &[path.object.clone(), attribute.object.clone()])?;
    let value = path.call(vm, || fs::getxattr(path.target(), attribute.path(), follow))?;
    Ok(vm.bytes(&value))
}

fn setxattr(vm: &Vm, args: &[Object]) -> Result {
    let (path, attribute, follow) = attribute_paths(vm, args, "setxattr", &args[4])?;
    let value = vm.bytes_like(&args[2], "value")?;
    let flags = vm.to_plain_c_int(&args[3])?;
    vm.audit(
        "os.setxattr",
        &[path.object.clone(), attribute.object.clone(), args[2].clone(), args[3].clone()],
    )?;
    path.call(vm, || fs::setxattr(path.target(), attribute.path(), value.bytes(), flags, follow))?;
    Ok(Object::NONE)
}

fn removexattr(vm: &Vm, args: &[Object]) -> Result {
    let (path, attribute, follow) = attribute_paths(vm, args, "removexattr", &args[2])?;
    vm.audit("os.removexattr", &[path.object.clone(), attribute.object.clone()])?;
    path.call(vm, || fs::removexattr(path.target(), attribute.path(), follow))?;
    Ok(Object::NONE)
}

fn listxattr(vm: &Vm, args: &[Object]) -> Result {
    let path = path_argument(vm, &args[0], "listxattr", "path", PATH_FD_OR_NONE)?;
    let follow = flag(vm, &args[1])?;
    if path.fd().is_some() && !follow {
        return Err(vm.value_error("listxattr: cannot use fd and follow_symlinks together"));
    }
    vm.audit("os.listxattr", &[path.object.clone()])?;
    let names = path.call(vm, || fs::listxattr(path.target(), follow))?;
    let names: Result<Vec<Object>> =
        names.split(|&b| b == 0).filter(|n| !n.is_empty()).map(|n| decode(vm, n)).collect();
    Ok(vm.list(names?))
}

// ---- path arithmetic --------------------------------------------------------------------------

/// The text of a path without going through the file system encoding.
enum Text {
    Bytes(Vec<u8>),
    Chars(Vec<u32>),
}

fn text_argument(vm: &Vm, object: &Object, function: &str, argument: &str) -> Result<Text> {
    let converted;
    let object = if object.downcast::<Str>().is_none() && object.downcast::<Bytes>().is_none() {
        // For the messages of what is no path.
        path_argument(vm, object, function, argument, PATH)?;
        converted = fspath(vm, object)?;
        &converted
    } else {
        object
    };
    if let Some(b) = object.downcast::<Bytes>() {
        return Ok(Text::Bytes(b.as_slice().to_vec()));
    }
    Ok(Text::Chars(object.downcast::<Str>().map_or(Vec::new(), |s| s.to_code_points())))
}

impl Text {
    fn make(vm: &Vm, is_bytes: bool, units: &[u32]) -> Object {
        if is_bytes {
            let bytes: Vec<u8> = units.iter().map(|&c| c as u8).collect();
            vm.bytes(&bytes)
        } else {
            taipan_runtime::types::str::from_code_points(vm, units)
        }
    }
    fn units(self) -> (bool, Vec<u32>) {
        match self {
            Text::Bytes(b) => (true, b.into_iter().map(u32::from).collect()),
            Text::Chars(c) => (false, c),
        }
    }
}

const SLASH: u32 = '/' as u32;
const DOT: u32 = '.' as u32;

/// How many slashes make the root: POSIX leaves a meaning to exactly two.
fn root_len(path: &[u32]) -> usize {
    match path {
        [SLASH, SLASH, SLASH, ..] => 1,
        [SLASH, SLASH, ..] => 2,
        [SLASH, ..] => 1,
        _ => 0,
    }
}

fn normpath(vm: &Vm, args: &[Object]) -> Result {
    let (is_bytes, path) = text_argument(vm, &args[0], "_path_normpath", "path")?.units();
    if path.is_empty() {
        return Ok(Text::make(vm, is_bytes, &[DOT]));
    }
    let root = root_len(&path);
    let mut parts: Vec<&[u32]> = Vec::new();
    for part in path.split(|&c| c == SLASH) {
        match part {
            [] | [DOT] => {}
            [DOT, DOT] => match parts.last() {
                Some(&[DOT, DOT]) => parts.push(part),
                Some(_) => {
                    parts.pop();
                }
                None if root == 0 => parts.push(part),
                None => {}
            },
            _ => parts.push(part),
        }
    }
    let mut out = vec![SLASH; root];
    for (i, part) in parts.iter().enumerate() {
        if i > 0 {
            out.push(SLASH);
        }
        out.extend_from_slice(part);
    }
    if out.is_empty() {
        out.push(DOT);
    }
    Ok(Text::make(vm, is_bytes, &out))
}

fn splitroot(vm: &Vm, args: &[Object]) -> Result {
    let (is_bytes, path) = text_argument(vm, &args[0], "_path_splitroot_ex", "path")?.units();
    let (root, tail) = path.split_at(root_len(&path));
    Ok(vm.tuple(vec![
        Text::make(vm, is_bytes, &[]),
        Text::make(vm, is_bytes, root),
        Text::make(vm, is_bytes, tail),
    ]))
}
