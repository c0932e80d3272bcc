//! The modules `pwd` and `grp`: the user and group databases.

use crate::support::*;
use taipan_host::users::{self, Group, User};
use taipan_runtime::prelude::*;
use taipan_runtime::structseq::{self, StructDef};

pub static PWD: ModuleDef = ModuleDef {
    name: "pwd",
    doc: "The user database: entries are struct_passwd tuples.",
    functions: &[
        MethodDef::new("getpwuid(uidobj, /)", getpwuid, "The entry of a numeric user id."),
        MethodDef::new("getpwnam(name, /)", getpwnam, "The entry of a user name."),
        MethodDef::new(
            "getpwall()",
            |vm, _| {
                let all = blocking(vm, users::all_users)?;
                let entries: Result<Vec<Object>> = all.iter().map(|u| passwd(vm, u)).collect();
                Ok(vm.list(entries?))
            },
            "All entries, in no particular order.",
        ),
    ],
    types: &[],
    init: Some(|vm, module| vm.set_attr_str(module, "struct_passwd", &structseq::class(vm, &PASSWD)?)),
};

pub static GRP: ModuleDef = ModuleDef {
    name: "grp",
    doc: "The group database: entries are struct_group tuples.",
    functions: &[
        MethodDef::new("getgrgid(id)", getgrgid, "The entry of a numeric group id."),
        MethodDef::new("getgrnam(name)", getgrnam, "The entry of a group name."),
        MethodDef::new(
            "getgrall()",
            |vm, _| {
                let all = blocking(vm, users::all_groups)?;
                let entries: Result<Vec<Object>> = all.iter().map(|g| group(vm, g)).collect();
                Ok(vm.list(entries?))
            },
            "All entries, in no particular order.",
        ),
    ],
    types: &[],
    init: Some(|vm, module| vm.set_attr_str(module, "struct_group", &structseq::class(vm, &GROUP)?)),
};

static PASSWD: StructDef = StructDef::new(
    "pwd.struct_passwd",
    "An entry of the user database: a tuple of (pw_name, pw_passwd, pw_uid, pw_gid,\npw_gecos, pw_dir, pw_shell), which are attributes, too.",
    &[
        ("pw_name", "user name"),
        ("pw_passwd", "password"),
        ("pw_uid", "user id"),
        ("pw_gid", "group id"),
        ("pw_gecos", "real name"),
        ("pw_dir", "home directory"),
        ("pw_shell", "shell program"),
    ],
);

static GROUP: StructDef = StructDef::new(
    "grp.struct_group",
    "An entry of the group database: a tuple of (gr_name, gr_passwd, gr_gid, gr_mem),\nwhich are attributes, too.",
    &[
        ("gr_name", "group name"),
        ("gr_passwd", "password"),
        ("gr_gid", "group id"),
        ("gr_mem", "group members"),
    ],
);

fn passwd(vm: &Vm, user: &User) -> Result {
    let id = |n: u32| if n == u32::MAX { vm.int(-1) } else { vm.int(n as i64) };
    structseq::new(
        vm,
        &PASSWD,
        vec![
            decode(vm, &user.name)?,
            decode(vm, &user.password)?,
            id(user.uid),
            id(user.gid),
            decode(vm, &user.gecos)?,
            decode(vm, &user.home)?,
            decode(vm, &user.shell)?,
        ],
    )
}

fn group(vm: &Vm, group: &Group) -> Result {
    let members: Result<Vec<Object>> = group.members.iter().map(|m| decode(vm, m)).collect();
    let id = if group.gid == u32::MAX { vm.int(-1) } else { vm.int(group.gid as i64) };
    structseq::new(
        vm,
        &GROUP,
        vec![decode(vm, &group.name)?, decode(vm, &group.password)?, id, vm.list(members?)],
    )
}

fn not_found(vm: &Vm, text: String) -> Raised {
    vm.key_error(&vm.str(&text))
}

fn getpwuid(vm: &Vm, args: &[Object]) -> Result {
    let uid = match id_argument(vm, &args[0], "uid") {
        Ok(uid) => uid,
        Err(raised) if vm.raised_is(&exc::OVERFLOW_ERROR) => {
            drop(vm.caught(raised));
            return Err(not_found(vm, "getpwuid(): uid not found".to_string()));
        }
        Err(raised) => return Err(raised),
    };
    match blocking(vm, || users::user_by_id(uid))? {
        Some(user) => passwd(vm, &user),
        None => {
            let shown = if uid == u32::MAX { -1 } else { uid as i64 };
            Err(not_found(vm, format!("getpwuid(): uid not found: {shown}")))
        }
    }
}

fn getpwnam(vm: &Vm, args: &[Object]) -> Result {
    if args[0].downcast::<Str>().is_none() {
        return Err(vm.type_error(format!("getpwnam() argument must be str, not {}", args[0].ty().name())));
    }
    let name = fs_bytes(vm, &args[0])?;
    match blocking(vm, || users::user_by_name(&name))? {
        Some(user) => passwd(vm, &user),
        None => Err(not_found(vm, format!("getpwnam(): name not found: {}", vm.repr_text(&args[0])?))),
    }
}

fn getgrgid(vm: &Vm, args: &[Object]) -> Result {
    let gid = id_argument(vm, &args[0], "gid")?;
    match blocking(vm, || users::group_by_id(gid))? {
        Some(found) => group(vm, &found),
        None => {
            let shown = if gid == u32::MAX { -1 } else { gid as i64 };
            Err(not_found(vm, format!("getgrgid(): gid not found: {shown}")))
        }
    }
}

fn getgrnam(vm: &Vm, args: &[Object]) -> Result {
    if args[0].downcast::<Str>().is_none() {
        return Err(
            vm.type_error(format!("getgrnam() argument 'name' must be str, not {}", args[0].ty().name()))
        );
    }
    let name = fs_bytes(vm, &args[0])?;
    match blocking(vm, || users::group_by_name(&name))? {
        Some(found) => group(vm, &found),
        None => Err(not_found(vm, format!("getgrnam(): name not found: {}", vm.repr_text(&args[0])?))),
    }
}
