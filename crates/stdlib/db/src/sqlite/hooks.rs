//! What a connection can be told to call: functions, aggregates, collations,
//! the authorizer, the progress handler, the trace function.

use super::callbacks::{self, Held, PythonAggregate};
use super::connection::Connection;
use super::{c_text, errors};
use std::ffi::CString;
use std::rc::Rc;
use taipan_runtime::prelude::*;
use taipan_runtime::support::this;
use taipan_runtime::types::int;
use taipan_sqlite::{Code, Database, constants as c};

/// The last parameters may still be given by name.
fn warn_keywords(vm: &Vm, kwnames: &[Object], function: &str, names: &[&str]) -> Result<()> {
    let given = kwnames.iter().any(|name| names.iter().any(|n| vm.str_lossy(name) == **n));
    if !given {
        return Ok(());
    }
    let quoted: Vec<String> = names.iter().map(|name| format!("'{name}'")).collect();
    let (plural, list) = match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => ("s", format!("{} and {last}", rest.join(", "))),
        _ => ("", quoted.concat()),
    };
    vm.warn(
        &exc::DEPRECATION_WARNING,
        &format!(
            "Passing keyword argument{plural} {list} to _sqlite3.Connection.{function}() is deprecated. Parameter{plural} {list} will become positional-only in Python 3.15."
        ),
        1,
    )
}

/// Name and number of arguments of a function.
fn described(vm: &Vm, database: &Database, args: &[Object], function: &str) -> Result<(CString, i32)> {
    let (which, parameter) = match function {
        "create_window_function" => ("argument 1", "num_params"),
        "create_aggregate" => ("argument 'name'", "n_arg"),
        _ => ("argument 'name'", "narg"),
    };
    let name = c_text(vm, &args[0], function, which)?;
    let count = vm.to_plain_c_int(&args[1])?;
    let most = vm.without_gil(|| database.limit(c::SQLITE_LIMIT_FUNCTION_ARG, -1));
    if count < -1 || count > most {
        return Err(errors::programming(
            vm,
            format!("'{parameter}' must be between -1 and {most}, not {count}"),
        ));
    }
    Ok((name, count))
}

/// Did the library refuse?
fn created(vm: &Vm, code: Code, message: &str) -> Result {
    if code == c::SQLITE_OK { Ok(Object::NONE) } else { Err(errors::operational(vm, message)) }
}

pub fn create_function(vm: &Vm, args: &[Object], kwnames: &[Object]) -> Result {
    static SIG: Sig = Sig::new("create_function($self, /, name, narg, func, *, deterministic=False)");
    warn_keywords(vm, kwnames, "create_function", &["name", "narg", "func"])?;
    let bound = SIG.bind(vm, args, kwnames)?;
    let database = this::<Connection>(&bound[0]).database(vm)?;
    let (name, count) = described(vm, &database, &bound[1..], "create_function")?;
    let deterministic = vm.is_true(&bound[4])?;
    let code = match bound[3].some() {
        None => vm.without_gil(|| database.remove_function(&name, count)),
        Some(function) => {
            let function = callbacks::scalar(Held::new(function));
            vm.without_gil(|| database.create_function(&name, count, deterministic, function))
        }
    };
    created(vm, code, "Error creating function")
}

pub fn create_aggregate(vm: &Vm, args: &[Object], kwnames: &[Object]) -> Result {
    static SIG: Sig = Sig::new("create_aggregate($self, /, name, n_arg, aggregate_class)");
    warn_keywords(vm, kwnames, "create_aggregate", &["name", "n_arg", "aggregate_class"])?;
    let bound = SIG.bind(vm, args, kwnames)?;
    let database = this::<Connection>(&bound[0]).database(vm)?;
    let (name, count) = described(vm, &database, &bound[1..], "create_aggregate")?;
    let code = match bound[3].some() {
        None => vm.without_gil(|| database.remove_function(&name, count)),
        Some(class) => {
            let aggregate = PythonAggregate(Held::new(class));
            vm.without_gil(|| database.create_aggregate(&name, count, aggregate))
        }
    };
    created(vm, code, "Error creating aggregate")
}

pub fn create_window_function(vm: &Vm, args: &[Object]) -> Result {
    let database = this::<Connection>(&args[0]).database(vm)?;
    let (name, count) = described(vm, &database, &args[1..], "create_window_function")?;
    let code = match args[3].some() {
        None => vm.without_gil(|| database.remove_function(&name, count)),
        Some(class) => {
            let aggregate = PythonAggregate(Held::new(class));
            vm.without_gil(|| database.create_window_function(&name, count, aggregate))
        }
    };
    if code == c::SQLITE_OK { Ok(Object::NONE) } else { Err(errors::failed(vm, &database, code)) }
}

pub fn create_collation(vm: &Vm, args: &[Object]) -> Result {
    let database = this::<Connection>(&args[0]).database(vm)?;
    let name = c_text(vm, &args[1], "create_collation", "argument 1")?;
    let code = match args[2].some() {
        None => vm.without_gil(|| database.remove_collation(&name)),
        Some(order) if !vm.is_callable(order) => return Err(vm.type_error("parameter must be callable")),
        Some(order) => {
            let order = callbacks::collation(Held::new(order));
            vm.without_gil(|| database.create_collation(&name, order))
        }
    };
    if code == c::SQLITE_OK { Ok(Object::NONE) } else { Err(errors::failed(vm, &database, code)) }
}

pub fn set_authorizer(vm: &Vm, args: &[Object], kwnames: &[Object]) -> Result {
    static SIG: Sig = Sig::new("set_authorizer($self, /, authorizer_callback)");
    warn_keywords(vm, kwnames, "set_authorizer", &["authorizer_callback"])?;
    let bound = SIG.bind(vm, args, kwnames)?;
    let database = this::<Connection>(&bound[0]).database(vm)?;
    let hook = bound[1].some().map(|callable| {
        let held = Held::new(callable);
        Rc::new(move |action: i32, names: [Option<&[u8]>; 4]| {
            Vm::with_gil(|vm| {
                let callable = held.get().clone();
                let ask = || -> Result<i32> {
                    let mut args = vec![vm.int(action as i64)];
                    for name in names {
                        args.push(match name {
                            Some(name) => super::text(vm, name)?,
                            None => Object::NONE,
                        });
                    }
                    let answer = vm.call(&callable, &args)?;
                    if int::is_any_int(&answer) { vm.to_plain_c_int(&answer) } else { Ok(c::SQLITE_DENY) }
                };
                ask().unwrap_or_else(|_| {
                    callbacks::report(vm, &callable);
                    c::SQLITE_DENY
                })
            })
        }) as Rc<dyn Fn(i32, [Option<&[u8]>; 4]) -> i32>
    });
    let code = vm.without_gil(|| database.set_authorizer(hook));
    created(vm, code, "Error setting authorizer callback")
}

pub fn set_progress_handler(vm: &Vm, args: &[Object], kwnames: &[Object]) -> Result {
    static SIG: Sig = Sig::new("set_progress_handler($self, /, progress_handler, n)");
    warn_keywords(vm, kwnames, "set_progress_handler", &["progress_handler"])?;
    let bound = SIG.bind(vm, args, kwnames)?;
    let database = this::<Connection>(&bound[0]).database(vm)?;
    let steps = vm.to_plain_c_int(&bound[2])?;
    let hook = bound[1].some().map(|callable| {
        let held = Held::new(callable);
        Rc::new(move || {
            Vm::with_gil(|vm| {
                let callable = held.get().clone();
                let stop = vm.call(&callable, &[]).and_then(|answer| vm.is_true(&answer));
                stop.unwrap_or_else(|_| {
                    callbacks::report(vm, &callable);
                    true
                })
            })
        }) as Rc<dyn Fn() -> bool>
    });
    vm.without_gil(|| database.set_progress(if hook.is_some() { steps } else { 0 }, hook));
    Ok(Object::NONE)
}

pub fn set_trace_callback(vm: &Vm, args: &[Object], kwnames: &[Object]) -> Result {
    static SIG: Sig = Sig::new("set_trace_callback($self, /, trace_callback)");
    warn_keywords(vm, kwnames, "set_trace_callback", &["trace_callback"])?;
    let bound = SIG.bind(vm, args, kwnames)?;
    let database = this::<Connection>(&bound[0]).database(vm)?;
    let hook = bound[1].some().map(|callable| {
        let held = Held::new(callable);
        Rc::new(move |sql: &[u8], expanded: Option<&[u8]>| {
            Vm::with_gil(|vm| {
                let callable = held.get().clone();
                if expanded.is_none() {
                    drop(errors::data(vm, "Expanded SQL string exceeds the maximum string length"));
                    callbacks::report(vm, &callable);
                }
                let shown = super::text(vm, expanded.unwrap_or(sql));
                if shown.and_then(|shown| vm.call(&callable, &[shown])).is_err() {
                    callbacks::report(vm, &callable);
                }
            })
        }) as Rc<dyn Fn(&[u8], Option<&[u8]>)>
    });
    vm.without_gil(|| database.set_trace(hook));
    Ok(Object::NONE)
}
