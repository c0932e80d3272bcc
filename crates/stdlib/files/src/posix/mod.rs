//! The module `posix`, which Lib/os.py is made of. Functions by theme:
//! [`paths`] (names in the file system), [`scan`] (directories), [`fds`]
//! (descriptors), [`process`], [`identity`], [`system`]; result types in
//! [`results`].

mod constants;
mod fds;
mod identity;
mod names;
mod paths;
mod process;
mod results;
mod scan;
mod spawn;
mod system;

use crate::support::add_ints;
use taipan_host::environment;
use taipan_runtime::prelude::*;
use taipan_runtime::structseq;
use taipan_runtime::support::add_functions;

pub static MODULE: ModuleDef = ModuleDef {
    name: "posix",
    doc: "This module provides access to operating system functionality that is\nstandardized by the C Standard and the POSIX standard (a thinly\ndisguised Unix interface).  Refer to the library manual and\ncorresponding Unix manual entries for more information on calls.",
    functions: paths::FUNCTIONS,
    types: &[&scan::DIR_ENTRY],
    init: Some(init),
};

pub fn types() -> Vec<&'static Type> {
    vec![&scan::DIR_ENTRY, &scan::SCANDIR_ITERATOR]
}

pub use process::{check_may_fork, run_at_fork};
pub use results::stat_result;

fn init(vm: &Vm, module: &Object) -> Result<()> {
    for table in [
        scan::FUNCTIONS,
        fds::FUNCTIONS,
        process::FUNCTIONS,
        spawn::FUNCTIONS,
        identity::FUNCTIONS,
        system::FUNCTIONS,
    ] {
        add_functions(vm, module, table)?;
    }
    add_ints(vm, module, constants::CONSTANTS)?;
    for (attr, def) in [
        ("stat_result", &results::STAT),
        ("statvfs_result", &results::STATVFS),
        ("terminal_size", &results::TERMINAL_SIZE),
        ("times_result", &results::TIMES),
        ("uname_result", &results::UNAME),
        ("waitid_result", &results::WAITID),
        ("sched_param", &results::SCHED_PARAM),
    ] {
        vm.set_attr_str(module, attr, &structseq::class(vm, def)?)?;
    }
    results::finish_types(vm)?;
    taipan_runtime::types::typ::ready(vm, &scan::SCANDIR_ITERATOR);
    for (attr, table) in [
        ("pathconf_names", names::PATHCONF),
        ("confstr_names", names::CONFSTR),
        ("sysconf_names", names::SYSCONF),
    ] {
        let dict = vm.new_dict();
        for &(key, value) in table {
            vm.set_item(&dict, &vm.intern(key), &vm.int(value as i64))?;
        }
        vm.set_attr_str(module, attr, &dict)?;
    }
    vm.set_attr_str(module, "error", &exc::OS_ERROR.to_object())?;
    vm.set_attr_str(module, "environ", &environ(vm)?)?;
    let have = constants::HAVE_FUNCTIONS.iter().map(|text| vm.intern(text)).collect();
    vm.set_attr_str(module, "_have_functions", &vm.list(have))
}

/// The environment as a dict of bytes; the first of several equal names counts.
pub(crate) fn environ(vm: &Vm) -> Result {
    let dict = vm.new_dict();
    for (key, value) in environment::variables().unwrap_or_default() {
        let key = vm.bytes(&key);
        if !vm.contains(&dict, &key)? {
            vm.set_item(&dict, &key, &vm.bytes(&value))?;
        }
    }
    Ok(dict)
}
