//! `execv`, `execve` and `posix_spawn` of `posix`.

use super::process::arguments;
use crate::support::*;
use std::ffi::CString;
use taipan_host::process::{self, SpawnAction, SpawnOptions};
use taipan_runtime::prelude::*;

pub static FUNCTIONS: &[MethodDef] = &[
    MethodDef::new("execv(path, argv, /)", execv, "Runs a program in the place of this one."),
    MethodDef::new(
        "execve(path, argv, env)",
        execve,
        "Runs a program with an environment in the place of this one.",
    ),
    MethodDef::new(
        "posix_spawn(path, argv, env, /, *, file_actions=(), setpgroup=None, resetids=False, setsid=False, setsigmask=(), setsigdef=(), scheduler=None)",
        |vm, args| spawn(vm, args, "posix_spawn", false),
        "Starts a program in a new process and returns its id.",
    ),
    MethodDef::new(
        "posix_spawnp(path, argv, env, /, *, file_actions=(), setpgroup=None, resetids=False, setsid=False, setsigmask=(), setsigdef=(), scheduler=None)",
        |vm, args| spawn(vm, args, "posix_spawnp", true),
        "As posix_spawn(), the program being looked for along PATH.",
    ),
];

/// Items of a tuple or list.
fn tuple_or_list(object: &Object) -> Option<Vec<Object>> {
    if let Some(t) = object.downcast::<Tuple>() {
        return Some(t.items().to_vec());
    }
    object.downcast::<List>().map(|l| l.to_vec())
}

/// The environment of a mapping, as `NAME=value` strings.
pub fn environment_strings(vm: &Vm, mapping: &Object) -> Result<Vec<CString>> {
    let keys = vm.call_method(mapping, "keys", &[])?;
    let values = vm.call_method(mapping, "values", &[])?;
    let (keys, values) = (vm.collect(&keys)?, vm.collect(&values)?);
    let mut out = Vec::with_capacity(keys.len());
    for (key, value) in keys.iter().zip(&values) {
        let (key, value) = (fs_bytes(vm, key)?, fs_bytes(vm, value)?);
        if key.is_empty() || key.to_bytes().contains(&b'=') {
            return Err(vm.value_error("illegal environment variable name"));
        }
        let mut line = key.into_bytes();
        line.push(b'=');
        line.extend_from_slice(value.to_bytes());
        out.push(super::system::c_string(vm, line)?);
    }
    Ok(out)
}

fn is_mapping(object: &Object) -> bool {
    object.ty().slots().getitem.is_some() && !object.ty().has(type_flags::SEQUENCE)
}

/// RuntimeError in interpreters that must not replace the process.
fn check_may_exec(vm: &Vm) -> Result<()> {
    match vm.interp().isolation.allow_exec {
        true => Ok(()),
        false => Err(vm.runtime_error("exec not supported for isolated subinterpreters")),
    }
}

fn execv(vm: &Vm, args: &[Object]) -> Result {
    check_may_exec(vm)?;
    let path = path_argument(vm, &args[0], "execv", "path", PATH)?;
    let Some(items) = tuple_or_list(&args[1]) else {
        return Err(vm.type_error("execv() arg 2 must be a tuple or list"));
    };
    if items.is_empty() {
        return Err(vm.value_error("execv() arg 2 must not be empty"));
    }
    let argv = arguments(vm, &items)?;
    if argv[0].is_empty() {
        return Err(vm.value_error("execv() arg 2 first element cannot be empty"));
    }
    vm.audit("os.exec", &[path.object.clone(), args[1].clone(), Object::NONE])?;
    Err(path_error_of_exec(vm, &path, process::exec(path.target(), &argv, None)))
}

fn path_error_of_exec(vm: &Vm, path: &PathArg, e: taipan_host::Errno) -> Raised {
    path.error(vm, e)
}

fn execve(vm: &Vm, args: &[Object]) -> Result {
    check_may_exec(vm)?;
    let path = path_argument(vm, &args[0], "execve", "path", PATH_OR_FD)?;
    let Some(items) = tuple_or_list(&args[1]) else {
        return Err(vm.type_error("execve: argv must be a tuple or list"));
    };
    if items.is_empty() {
        return Err(vm.value_error("execve: argv must not be empty"));
    }
    if !is_mapping(&args[2]) {
        return Err(vm.type_error("execve: environment must be a mapping object"));
    }
    let argv = arguments(vm, &items)?;
    if argv[0].is_empty() {
        return Err(vm.value_error("execve: argv first element cannot be empty"));
    }
    let env = environment_strings(vm, &args[2])?;
    vm.audit("os.exec", &[path.object.clone(), args[1].clone(), args[2].clone()])?;
    Err(path.error(vm, process::exec(path.target(), &argv, Some(&env))))
}

/// Signal numbers of an iterable.
fn signals(vm: &Vm, object: &Object) -> Result<Vec<i32>> {
    let mut out = Vec::new();
    vm.for_each(object, |item| {
        let index = vm.index(&item)?;
        let n = taipan_runtime::types::int::to_i64(&index).unwrap_or(-1);
        if !(1..=64).contains(&n) {
            return Err(
                vm.value_error(format!("signal number {} out of range [1; 64]", vm.repr_text(&index)?))
            );
        }
        out.push(n as i32);
        Ok(())
    })?;
    Ok(out)
}

fn file_action(vm: &Vm, item: &Object) -> Result<SpawnAction> {
    let parts = match item.downcast::<Tuple>() {
        Some(t) if !t.is_empty() => t.items(),
        _ => return Err(vm.type_error("Each file_actions element must be a non-empty tuple")),
    };
    let wrong =
        |what: &str, n: &str| vm.type_error(format!("{what} file_action tuple must have {n} elements"));
    match vm.to_i64(&parts[0])? {
        0 => {
            if parts.len() != 5 {
                return Err(wrong("A open", "5"));
            }
            Ok(SpawnAction::Open {
                fd: vm.to_plain_c_int(&parts[1])?,
                path: fs_bytes(vm, &parts[2])?,
                flags: vm.to_plain_c_int(&parts[3])?,
                mode: vm.to_plain_c_int(&parts[4])? as u32,
            })
        }
        1 => {
            if parts.len() != 2 {
                return Err(wrong("A close", "2"));
            }
            Ok(SpawnAction::Close(vm.to_plain_c_int(&parts[1])?))
        }
        2 => {
            if parts.len() != 3 {
                return Err(wrong("A dup2", "3"));
            }
            Ok(SpawnAction::Dup2(vm.to_plain_c_int(&parts[1])?, vm.to_plain_c_int(&parts[2])?))
        }
        3 => {
            if parts.len() != 2 {
                return Err(wrong("A closefrom", "2"));
            }
            Ok(SpawnAction::CloseFrom(vm.to_plain_c_int(&parts[1])?))
        }
        _ => Err(vm.type_error("Unknown file_actions identifier")),
    }
}

fn spawn(vm: &Vm, args: &[Object], function: &str, search: bool) -> Result {
    let path = path_argument(vm, &args[0], function, "path", PATH)?;
    let Some(items) = tuple_or_list(&args[1]) else {
        return Err(vm.type_error(format!("{function}: argv must be a tuple or list")));
    };
    if items.is_empty() {
        return Err(vm.value_error(format!("{function}: argv must not be empty")));
    }
    if !args[2].is_none() && !is_mapping(&args[2]) {
        return Err(vm.type_error(format!("{function}: environment must be a mapping object or None")));
    }
    let argv = arguments(vm, &items)?;
    if argv[0].is_empty() {
        return Err(vm.value_error(format!("{function}: argv first element cannot be empty")));
    }
    let env = if args[2].is_none() {
        let mut strings = Vec::new();
        for (mut line, value) in taipan_host::environment::variables().unwrap_or_default() {
            line.push(b'=');
            line.extend_from_slice(&value);
            strings.push(super::system::c_string(vm, line)?);
        }
        strings
    } else {
        environment_strings(vm, &args[2])?
    };
    let mut options = SpawnOptions::default();
    if let Some(actions) = args[3].some() {
        if !vm.is_sequence(actions) {
            return Err(vm.type_error("file_actions must be a sequence or None"));
        }
        for item in vm.collect(actions)? {
            options.actions.push(file_action(vm, &item)?);
        }
    }
    if let Some(group) = args[4].some() {
        options.group = Some(vm.to_plain_c_int(group)?);
    }
    options.reset_ids = flag(vm, &args[5])?;
    options.session = flag(vm, &args[6])?;
    let given = |object: &Object| !object.downcast::<Tuple>().is_some_and(|t| t.is_empty());
    if given(&args[7]) {
        options.mask = Some(signals(vm, &args[7])?);
    }
    if given(&args[8]) {
        options.defaults = Some(signals(vm, &args[8])?);
    }
    if let Some(scheduler) = args[9].some() {
        let Some(parts) = scheduler.downcast::<Tuple>() else {
            return Err(vm.type_error(format!("{function}: scheduler must be a tuple or None")));
        };
        let [policy, param] = parts.items() else {
            return Err(vm.type_error("scheduler tuple must have two elements"));
        };
        let policy = match policy.some() {
            Some(policy) => Some(vm.to_plain_c_int(policy)?),
            None => None,
        };
        let priority = vm.get_attr_str(param, "sched_priority")?;
        options.scheduler = Some((policy, vm.to_plain_c_int(&priority)?));
    }
    vm.audit("os.posix_spawn", &[path.object.clone(), args[1].clone(), args[2].clone()])?;
    let pid = path.os(vm, process::spawn(path.path(), &argv, &env, &options, search))?;
    Ok(vm.int(pid as i64))
}
