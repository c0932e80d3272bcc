//! Functions of `posix` on users, groups, sessions and process groups.

use crate::support::*;
use taipan_host::{process, users};
use taipan_runtime::prelude::*;
use taipan_runtime::types::int;

macro_rules! number {
    ($sig:literal, $call:path, $doc:literal) => {
        MethodDef::new($sig, |vm, _| Ok(vm.int($call() as i64)), $doc)
    };
}

pub static FUNCTIONS: &[MethodDef] = &[
    number!("getpid()", process::id, "This process's id."),
    number!("getppid()", process::parent_id, "The parent process's id."),
    number!("getuid()", process::uid, "The user id."),
    number!("geteuid()", process::effective_uid, "The effective user id."),
    number!("getgid()", process::gid, "The group id."),
    number!("getegid()", process::effective_gid, "The effective group id."),
    number!("getpgrp()", process::group, "The process group of this process."),
    MethodDef::new(
        "getpgid(pid)",
        |vm, args| {
            let pid = vm.to_plain_c_int(&args[0])?;
            Ok(vm.int(os(vm, process::group_of(pid))? as i64))
        },
        "The process group of a process.",
    ),
    MethodDef::new(
        "getsid(pid, /)",
        |vm, args| {
            let pid = vm.to_plain_c_int(&args[0])?;
            Ok(vm.int(os(vm, process::session_of(pid))? as i64))
        },
        "The session of a process.",
    ),
    MethodDef::new(
        "setsid()",
        |vm, _| os(vm, process::new_session()).map(|_| Object::NONE),
        "Starts a new session.",
    ),
    MethodDef::new(
        "setpgid(pid, pgrp, /)",
        |vm, args| {
            let (pid, group) = (vm.to_plain_c_int(&args[0])?, vm.to_plain_c_int(&args[1])?);
            os(vm, process::set_group(pid, group)).map(|_| Object::NONE)
        },
        "Puts a process into a process group.",
    ),
    MethodDef::new(
        "setpgrp()",
        |vm, _| os(vm, process::set_group(0, 0)).map(|_| Object::NONE),
        "Makes this process the leader of a new process group.",
    ),
    MethodDef::new(
        "setuid(uid, /)",
        |vm, args| {
            let id = id_argument(vm, &args[0], "uid")?;
            os(vm, process::set_uid(id)).map(|_| Object::NONE)
        },
        "Sets the user id.",
    ),
    MethodDef::new(
        "seteuid(euid, /)",
        |vm, args| {
            let id = id_argument(vm, &args[0], "uid")?;
            os(vm, process::set_effective_uid(id)).map(|_| Object::NONE)
        },
        "Sets the effective user id.",
    ),
    MethodDef::new(
        "setgid(gid, /)",
        |vm, args| {
            let id = id_argument(vm, &args[0], "gid")?;
            os(vm, process::set_gid(id)).map(|_| Object::NONE)
        },
        "Sets the group id.",
    ),
    MethodDef::new(
        "setegid(egid, /)",
        |vm, args| {
            let id = id_argument(vm, &args[0], "gid")?;
            os(vm, process::set_effective_gid(id)).map(|_| Object::NONE)
        },
        "Sets the effective group id.",
    ),
    MethodDef::new(
        "setreuid(ruid, euid, /)",
        |vm, args| {
            let (a, b) = (id_argument(vm, &args[0], "uid")?, id_argument(vm, &args[1], "uid")?);
            os(vm, process::set_real_uid(a, b)).map(|_| Object::NONE)
        },
        "Sets the real and effective user ids.",
    ),
    MethodDef::new(
        "setregid(rgid, egid, /)",
        |vm, args| {
            let (a, b) = (id_argument(vm, &args[0], "gid")?, id_argument(vm, &args[1], "gid")?);
            os(vm, process::set_real_gid(a, b)).map(|_| Object::NONE)
        },
        "Sets the real and effective group ids.",
    ),
    MethodDef::new(
        "setresuid(ruid, euid, suid, /)",
        |vm, args| {
            let [a, b, c] = three(vm, args, "uid")?;
            os(vm, process::set_all_uids(a, b, c)).map(|_| Object::NONE)
        },
        "Sets the real, effective and saved user ids.",
    ),
    MethodDef::new(
        "setresgid(rgid, egid, sgid, /)",
        |vm, args| {
            let [a, b, c] = three(vm, args, "gid")?;
            os(vm, process::set_all_gids(a, b, c)).map(|_| Object::NONE)
        },
        "Sets the real, effective and saved group ids.",
    ),
    MethodDef::new(
        "getresuid()",
        |vm, _| {
            let ids = os(vm, process::all_uids())?;
            Ok(vm.tuple(ids.iter().map(|&id| vm.int(id as i64)).collect()))
        },
        "The real, effective and saved user ids.",
    ),
    MethodDef::new(
        "getresgid()",
        |vm, _| {
            let ids = os(vm, process::all_gids())?;
            Ok(vm.tuple(ids.iter().map(|&id| vm.int(id as i64)).collect()))
        },
        "The real, effective and saved group ids.",
    ),
    MethodDef::new(
        "getgroups()",
        |vm, _| {
            let groups = os(vm, process::groups())?;
            Ok(vm.list(groups.iter().map(|&id| vm.int(id as i64)).collect()))
        },
        "The supplementary groups of this process.",
    ),
    MethodDef::new("setgroups(groups, /)", setgroups, "Sets the supplementary groups of this process."),
    MethodDef::new(
        "getgrouplist(user, group, /)",
        |vm, args| {
            let name = c_text(vm, &args[0])?;
            let base = id_argument(vm, &args[1], "gid")?;
            let groups = os(vm, users::groups_of(&name, base))?;
            Ok(vm.list(groups.iter().map(|&id| vm.int(id as i64)).collect()))
        },
        "The groups of a user, the given one among them.",
    ),
    MethodDef::new(
        "initgroups(username, gid, /)",
        |vm, args| {
            let name = fs_bytes(vm, &args[0])?;
            let base = id_argument(vm, &args[1], "gid")?;
            os(vm, process::init_groups(&name, base)).map(|_| Object::NONE)
        },
        "Sets the supplementary groups to those of a user.",
    ),
    MethodDef::new(
        "getlogin()",
        |vm, _| decode(vm, &os(vm, users::login_name())?),
        "The name under which the user logged in.",
    ),
];

fn three(vm: &Vm, args: &[Object], what: &str) -> Result<[u32; 3]> {
    Ok([id_argument(vm, &args[0], what)?, id_argument(vm, &args[1], what)?, id_argument(vm, &args[2], what)?])
}

fn setgroups(vm: &Vm, args: &[Object]) -> Result {
    if !vm.is_sequence(&args[0]) {
        return Err(vm.type_error("setgroups argument must be a sequence"));
    }
    let items = vm.collect(&args[0])?;
    if items.len() > 65536 {
        return Err(vm.value_error("too many groups"));
    }
    let mut groups = Vec::with_capacity(items.len());
    for item in &items {
        if !int::is_any_int(item) {
            return Err(vm.type_error("groups must be integers"));
        }
        groups.push(id_argument(vm, item, "gid")?);
    }
    os(vm, process::set_groups(&groups)).map(|_| Object::NONE)
}
