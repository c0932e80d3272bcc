//! The module `_posixsubprocess`: `fork_exec`, with which Lib/subprocess.py
//! starts programs.

use crate::posix::{check_may_fork, run_at_fork};
use crate::support::*;
use std::ffi::CString;
use taipan_host::spawn::{self, Plan};
use taipan_runtime::prelude::*;
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::int;

pub static MODULE: ModuleDef = ModuleDef {
    name: "_posixsubprocess",
    doc: "A helper of the module subprocess.",
    functions: &[MethodDef::new(
        "fork_exec(args, executable_list, close_fds, pass_fds, cwd, env, p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite, errpipe_read, errpipe_write, restore_signals, call_setsid, pgid_to_set, gid, extra_groups, uid, child_umask, preexec_fn, /)",
        fork_exec,
        "Forks and runs a program in the child, the descriptors wired as told.\n\nThe executables are tried one after the other. A failure in the child is written\nto errpipe_write as \"ExceptionName:hex errno:step\". Returns the child's id.",
    )],
    types: &[],
    init: None,
};

fn c_string(vm: &Vm, bytes: &[u8]) -> Result<CString> {
    CString::new(bytes).map_err(|_| vm.value_error("embedded null byte"))
}

/// The items of a sequence, as bytes.
fn byte_items(vm: &Vm, object: &Object, what: &str) -> Result<Vec<CString>> {
    let items = vm.collect(object)?;
    items
        .iter()
        .map(|item| match item.downcast::<Bytes>() {
            Some(b) => c_string(vm, b.as_slice()),
            None => Err(vm.type_error(format!("expected bytes, {} found", item.ty().name()))),
        })
        .collect::<Result<Vec<_>>>()
        .map_err(|raised| {
            let _ = what;
            raised
        })
}

/// Descriptors: sorted, not negative, each once.
fn sorted_fds(object: &Object) -> Option<Vec<i32>> {
    let mut out: Vec<i32> = Vec::new();
    for item in object.downcast::<Tuple>()?.items() {
        let n = int::to_i64(item).and_then(|n| i32::try_from(n).ok())?;
        if n < 0 || out.last().is_some_and(|&last| last >= n) {
            return None;
        }
        out.push(n);
    }
    Some(out)
}

fn fork_exec(vm: &Vm, args: &[Object]) -> Result {
    if args[3].downcast::<Tuple>().is_none() {
        return Err(
            vm.type_error(format!("fork_exec() argument 4 must be tuple, not {}", args[3].ty().name()))
        );
    }
    let close_fds = vm.is_true(&args[2])?;
    let mut numbers = [0; 8];
    for (number, arg) in numbers.iter_mut().zip(&args[6..14]) {
        *number = vm.to_plain_c_int(arg)?;
    }
    let [p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite, error_read, error_write] = numbers;
    let restore_signals = vm.is_true(&args[14])?;
    let new_session = vm.is_true(&args[15])?;
    let group = vm.to_plain_c_int(&args[16])?;
    let umask = vm.to_plain_c_int(&args[20])?;
    if close_fds && error_write < 3 {
        return Err(vm.value_error("errpipe_write must be >= 3"));
    }
    let Some(keep) = sorted_fds(&args[3]) else {
        return Err(vm.value_error("bad value(s) in fds_to_keep"));
    };
    if !vm.is_sequence(&args[1]) {
        return Err(vm.type_error("executable_list must be a sequence"));
    }
    let executables = byte_items(vm, &args[1], "executable_list")?;
    if !args[0].is_none() && !vm.is_sequence(&args[0]) {
        return Err(vm.type_error("Cannot convert argument to tuple"));
    }
    let mut argv = Vec::new();
    if !args[0].is_none() {
        for item in vm.collect(&args[0])? {
            argv.push(fs_bytes(vm, &item)?);
        }
    }
    let env = match args[5].some() {
        Some(env) => Some(byte_items(vm, env, "env_list")?),
        None => None,
    };
    let cwd = match args[4].some() {
        Some(cwd) => Some(fs_bytes(vm, cwd)?),
        None => None,
    };
    let groups = match args[18].some() {
        Some(list) => {
            let Some(items) = list.downcast::<List>().map(|l| l.to_vec()) else {
                return Err(vm.type_error("setgroups argument must be a list"));
            };
            if items.len() > 65536 {
                return Err(vm.value_error("too many extra_groups"));
            }
            let mut groups = Vec::new();
            for item in &items {
                if !int::is_any_int(item) {
                    return Err(vm.type_error("extra_groups must be integers"));
                }
                groups.push(group_id(vm, item)?);
            }
            Some(groups)
        }
        None => None,
    };
    let gid = match args[17].some() {
        Some(gid) => Some(id_argument(vm, gid, "gid")?),
        None => None,
    };
    let uid = match args[19].some() {
        Some(uid) => Some(id_argument(vm, uid, "uid")?),
        None => None,
    };
    let plan = Plan {
        args: argv,
        executables,
        env,
        cwd,
        close_fds,
        keep,
        p2cread,
        p2cwrite,
        c2pread,
        c2pwrite,
        errread,
        errwrite,
        error_read,
        error_write,
        restore_signals,
        new_session,
        group,
        gid,
        groups,
        uid,
        umask: if umask >= 0 { Some(umask as u32) } else { None },
    };
    let pid = match args[21].some() {
        None => os(vm, spawn::fork_exec(&plan, spawn::plain_fork, None))?,
        Some(preexec) => {
            check_may_fork(vm, "preexec_fn not supported at interpreter shutdown")?;
            // Python code runs in the child: everything that goes with a fork.
            let mut before_exec = || {
                let ok = vm.call(preexec, &[]).is_ok();
                drop(vm.take_raised());
                ok
            };
            let result = spawn::fork_exec(
                &plan,
                || match run_at_fork(vm, taipan_host::process::fork) {
                    Ok(result) => result,
                    Err(_) => Err(taipan_host::Errno(taipan_host::libc::EAGAIN)),
                },
                Some(&mut before_exec),
            );
            os(vm, result)?
        }
    };
    Ok(vm.int(pid as i64))
}

/// A group for the child; errors in subprocess's words.
fn group_id(vm: &Vm, object: &Object) -> Result<u32> {
    match id_argument(vm, object, "gid") {
        Ok(id) => Ok(id),
        Err(raised) => {
            drop(vm.caught(raised));
            Err(vm.value_error("invalid group id"))
        }
    }
}
