//! The module `fcntl`.

use crate::support::*;
use taipan_host::{fd, libc};
use taipan_runtime::prelude::*;
use taipan_runtime::types::bytes;

pub static MODULE: ModuleDef = ModuleDef {
    name: "fcntl",
    doc: "Control of files and devices by descriptor.",
    functions: &[
        MethodDef::new(
            "fcntl(fd, cmd, arg=0, /)",
            fcntl,
            "Performs an operation on a descriptor.\n\nThe argument is an int, or bytes that the system may change: then they are the\nresult.",
        ),
        MethodDef::new(
            "ioctl(fd, request, arg=0, mutate_flag=True, /)",
            ioctl,
            "Performs a device operation on a descriptor.\n\nThe argument is an int, or bytes that the system may change. A mutable buffer is\nchanged in place, unless mutate_flag is false; otherwise the changed bytes are\nthe result.",
        ),
        MethodDef::new(
            "flock(fd, operation, /)",
            |vm, args| {
                let number = fileno_of(vm, &args[0])?;
                let operation = vm.to_plain_c_int(&args[1])?;
                vm.audit("fcntl.flock", &[vm.int(number as i64), args[1].clone()])?;
                retry_os(vm, || fd::flock(number, operation)).map(|()| Object::NONE)
            },
            "Locks a whole file.",
        ),
        MethodDef::new("lockf(fd, cmd, len=0, start=0, whence=0, /)", lockf, "Locks part of a file."),
    ],
    types: &[],
    init: Some(|vm, module| add_ints(vm, module, CONSTANTS)),
};

fn fcntl(vm: &Vm, args: &[Object]) -> Result {
    let number = fileno_of(vm, &args[0])?;
    let command = vm.to_plain_c_int(&args[1])?;
    vm.audit("fcntl.fcntl", &[vm.int(number as i64), args[1].clone(), args[2].clone()])?;
    if vm.is_index(&args[2]) {
        let argument = vm.to_u32_wrapping(&args[2])?;
        return Ok(vm.int(retry_os(vm, || fd::control(number, command, argument as i32 as i64))? as i64));
    }
    let Some(given) = text_or_bytes(vm, &args[2])? else { return Err(wrong_argument(vm, "fcntl", &args[2])) };
    if given.len() > 1024 {
        return Err(vm.value_error("fcntl argument 3 is too long"));
    }
    let mut buffer = [0u8; 1024];
    buffer[..given.len()].copy_from_slice(&given);
    retry_os(vm, || fd::control_bytes(number, command, &mut buffer))?;
    bytes::new(vm, &buffer[..given.len()])
}

fn wrong_argument(vm: &Vm, function: &str, object: &Object) -> Raised {
    vm.type_error(format!(
        "{function}() argument 3 must be an integer, a bytes-like object, or a string, not {}",
        object.ty().name()
    ))
}

fn ioctl(vm: &Vm, args: &[Object]) -> Result {
    let number = fileno_of(vm, &args[0])?;
    let request = taipan_runtime::types::int::to_i64(&vm.index(&args[1])?).unwrap_or(0) as u64;
    let mutate = vm.is_true(&args[3])?;
    vm.audit("fcntl.ioctl", &[vm.int(number as i64), args[1].clone(), args[2].clone()])?;
    if vm.is_index(&args[2]) {
        let argument = vm.to_u32_wrapping(&args[2])?;
        return Ok(vm.int(retry_os(vm, || fd::ioctl(number, request, argument as i32 as i64))? as i64));
    }
    if args[2].downcast::<Str>().is_none() && vm.is_bytes_like(&args[2]) {
        let writable = vm.buffer(&args[2], taipan_runtime::buffer::flags::WRITABLE);
        match writable {
            Ok(buffer) if mutate => {
                // Room behind small buffers, as the system knows no size.
                let n = if buffer.len() <= 1024 {
                    let mut room = [0u8; 2048];
                    room[..buffer.len()].copy_from_slice(buffer.bytes());
                    let n = retry_os(vm, || fd::ioctl_bytes(number, request, &mut room))?;
                    buffer.with_bytes_mut(|out| out.copy_from_slice(&room[..out.len()]));
                    n
                } else {
                    retry_os(vm, || buffer.with_bytes_mut(|out| fd::ioctl_bytes(number, request, out)))?
                };
                return Ok(vm.int(n as i64));
            }
            Ok(_) => {}
            Err(raised) => drop(vm.caught(raised)),
        }
    }
    let Some(given) = text_or_bytes(vm, &args[2])? else { return Err(wrong_argument(vm, "ioctl", &args[2])) };
    let n = given.len();
    let mut room = given;
    room.resize(n.max(1024) + 1024, 0);
    retry_os(vm, || fd::ioctl_bytes(number, request, &mut room))?;
    bytes::new(vm, &room[..n])
}

fn lockf(vm: &Vm, args: &[Object]) -> Result {
    let number = fileno_of(vm, &args[0])?;
    let code = vm.to_plain_c_int(&args[1])?;
    let length = vm.to_i64(&args[2])?;
    let start = vm.to_i64(&args[3])?;
    let whence = vm.to_plain_c_int(&args[4])?;
    vm.audit(
        "fcntl.lockf",
        &[vm.int(number as i64), args[1].clone(), args[2].clone(), args[3].clone(), args[4].clone()],
    )?;
    let kind = if code == libc::LOCK_UN {
        libc::F_UNLCK
    } else if code & libc::LOCK_SH != 0 {
        libc::F_RDLCK
    } else if code & libc::LOCK_EX != 0 {
        libc::F_WRLCK
    } else {
        return Err(vm.value_error("unrecognized lockf argument"));
    };
    let command = if code & libc::LOCK_NB != 0 { libc::F_SETLK } else { libc::F_SETLKW };
    retry_os(vm, || fd::record_lock(number, command, kind, start, length, whence)).map(|()| Object::NONE)
}

/// Name and value.
pub const CONSTANTS: &[(&str, i64)] = &[
    ("DN_ACCESS", 1),
    ("DN_ATTRIB", 0x20),
    ("DN_CREATE", 4),
    ("DN_DELETE", 8),
    ("DN_MODIFY", 2),
    ("DN_MULTISHOT", 0x80000000),
    ("DN_RENAME", 0x10),
    ("FASYNC", 0x2000),
    ("FD_CLOEXEC", 1),
    ("FICLONE", 0x40049409),
    ("FICLONERANGE", 0x4020940d),
    ("F_ADD_SEALS", 0x409),
    ("F_DUPFD", 0),
    ("F_DUPFD_CLOEXEC", 0x406),
    ("F_DUPFD_QUERY", 0x403),
    ("F_EXLCK", 4),
    ("F_GETFD", 1),
    ("F_GETFL", 3),
    ("F_GETLEASE", 0x401),
    ("F_GETLK", 5),
    ("F_GETLK64", 5),
    ("F_GETOWN", 9),
    ("F_GETOWN_EX", 0x10),
    ("F_GETPIPE_SZ", 0x408),
    ("F_GETSIG", 0xb),
    ("F_GET_FILE_RW_HINT", 0x40d),
    ("F_GET_RW_HINT", 0x40b),
    ("F_GET_SEALS", 0x40a),
    ("F_NOTIFY", 0x402),
    ("F_OFD_GETLK", 0x24),
    ("F_OFD_SETLK", 0x25),
    ("F_OFD_SETLKW", 0x26),
    ("F_OWNER_PGRP", 2),
    ("F_OWNER_PID", 1),
    ("F_OWNER_TID", 0),
    ("F_RDLCK", 0),
    ("F_SEAL_FUTURE_WRITE", 0x10),
    ("F_SEAL_GROW", 4),
    ("F_SEAL_SEAL", 1),
    ("F_SEAL_SHRINK", 2),
    ("F_SEAL_WRITE", 8),
    ("F_SETFD", 2),
    ("F_SETFL", 4),
    ("F_SETLEASE", 0x400),
    ("F_SETLK", 6),
    ("F_SETLK64", 6),
    ("F_SETLKW", 7),
    ("F_SETLKW64", 7),
    ("F_SETOWN", 8),
    ("F_SETOWN_EX", 0xf),
    ("F_SETPIPE_SZ", 0x407),
    ("F_SETSIG", 0xa),
    ("F_SET_FILE_RW_HINT", 0x40e),
    ("F_SET_RW_HINT", 0x40c),
    ("F_SHLCK", 8),
    ("F_UNLCK", 2),
    ("F_WRLCK", 1),
    ("LOCK_EX", 2),
    ("LOCK_MAND", 0x20),
    ("LOCK_NB", 4),
    ("LOCK_READ", 0x40),
    ("LOCK_RW", 0xc0),
    ("LOCK_SH", 1),
    ("LOCK_UN", 8),
    ("LOCK_WRITE", 0x80),
    ("RWH_WRITE_LIFE_EXTREME", 5),
    ("RWH_WRITE_LIFE_LONG", 4),
    ("RWH_WRITE_LIFE_MEDIUM", 3),
    ("RWH_WRITE_LIFE_NONE", 1),
    ("RWH_WRITE_LIFE_NOT_SET", 0),
    ("RWH_WRITE_LIFE_SHORT", 2),
];
