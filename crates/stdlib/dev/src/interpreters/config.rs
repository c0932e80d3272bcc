//! Settings of interpreters, as names and as namespaces.

use taipan_runtime::interpreters::{GilKind, Isolation};
use taipan_runtime::prelude::*;
use taipan_runtime::types::namespace;

type Flag = fn(&mut Isolation) -> &mut bool;

const FLAGS: [(&str, Flag); 6] = [
    ("use_main_obmalloc", |c| &mut c.use_main_obmalloc),
    ("allow_fork", |c| &mut c.allow_fork),
    ("allow_exec", |c| &mut c.allow_exec),
    ("allow_threads", |c| &mut c.allow_threads),
    ("allow_daemon_threads", |c| &mut c.allow_daemon_threads),
    ("check_multi_interp_extensions", |c| &mut c.check_multi_interp_extensions),
];
const GILS: [(&str, GilKind); 3] =
    [("default", GilKind::Default), ("shared", GilKind::Shared), ("own", GilKind::Own)];

/// The settings called so.
pub fn named(vm: &Vm, name: &Object) -> Result<Isolation> {
    match vm.str_lossy(name).as_str() {
        "" | "default" | "isolated" => Ok(Isolation::ISOLATED),
        "legacy" => Ok(Isolation::LEGACY),
        "empty" => Ok(Isolation::EMPTY),
        _ => Err(vm.value_error(format!("unsupported config name '{}'", vm.str_lossy(name)))),
    }
}

/// What `create` is given: nothing, a name, or an object with attributes.
pub fn given(vm: &Vm, config: &Object) -> Result<Isolation> {
    if config.is_none() {
        return Ok(Isolation::ISOLATED);
    }
    if config.downcast::<Str>().is_some() {
        return named(vm, config);
    }
    let Some(dict) = vm.lookup_attr_str(config, "__dict__")? else {
        return Err(vm.type_error(format!("bad config {}", vm.repr_text(config)?)));
    };
    let mut settings = Isolation::EMPTY;
    let names = FLAGS.iter().map(|(name, _)| *name).chain(["gil"]);
    for name in names {
        if dict.downcast::<Dict>().and_then(|d| d.get_text(vm, name)).is_none() {
            return Err(vm.value_error(format!("missing config key: {name}")));
        }
    }
    update(vm, &mut settings, &dict)?;
    Ok(settings)
}

/// Takes settings from a dict; all its keys must be known.
pub fn update(vm: &Vm, settings: &mut Isolation, dict: &Object) -> Result<()> {
    let Some(d) = dict.downcast::<Dict>() else { return Err(vm.type_error("dict expected")) };
    let mut known = 0;
    for (name, flag) in FLAGS {
        if let Some(value) = d.get_text(vm, name) {
            if !value.is_bool() {
                return Err(vm.type_error(format!("invalid config type: {name}")));
            }
            *flag(settings) = value.is(Object::TRUE.value());
            known += 1;
        }
    }
    if let Some(value) = d.get_text(vm, "gil") {
        if value.downcast::<Str>().is_none() {
            return Err(vm.type_error("invalid config type: gil"));
        }
        let text = vm.str_lossy(&value);
        let Some((_, kind)) = GILS.iter().find(|(name, _)| *name == text) else {
            return Err(vm.value_error(format!("unsupported interpreter config .gil value '{text}'")));
        };
        settings.gil = *kind;
        known += 1;
    }
    if d.len() > known {
        let left: Vec<(Object, Object)> = d.items();
        let rest = vm.new_dict();
        for (key, value) in left {
            let name = vm.str_lossy(&key);
            if name != "gil" && !FLAGS.iter().any(|(flag, _)| *flag == name) {
                vm.set_item(&rest, &key, &value)?;
            }
        }
        let (count, shown) = (d.len() - known, vm.repr_text(&rest)?);
        let plural = if count == 1 { "" } else { "s" };
        return Err(vm.value_error(format!("config dict has {count} extra item{plural} ({shown})")));
    }
    Ok(())
}

/// The settings as a SimpleNamespace.
pub fn object(vm: &Vm, mut settings: Isolation) -> Object {
    let mut parts: Vec<(&str, Object)> =
        FLAGS.iter().map(|(name, flag)| (*name, Object::bool(*flag(&mut settings)))).collect();
    let gil = GILS.iter().find(|(_, kind)| *kind == settings.gil).map_or("own", |(name, _)| name);
    parts.push(("gil", vm.str(gil)));
    namespace::new(vm, &parts)
}

/// Could an interpreter be made with these settings?
pub fn is_possible(settings: &Isolation) -> bool {
    // Extensions that know nothing of interpreters need the shared allocator and GIL.
    let shares_nothing = !settings.use_main_obmalloc || settings.gil == GilKind::Own;
    !(shares_nothing && !settings.check_multi_interp_extensions)
        && !(settings.allow_daemon_threads && !settings.allow_threads)
}
