//! `select.epoll`.

use super::{deadline, wait};
use crate::support::*;
use crate::time::values::{self, Rounding};
use std::cell::Cell;
use taipan_host::{fd, libc, poll};
use taipan_runtime::prelude::*;
use taipan_runtime::support::this;

/// Payload of epoll objects.
pub struct Epoll {
    /// -1: closed.
    fd: Cell<i32>,
}

impl NativeClass for Epoll {
    fn class() -> &'static Type {
        &EPOLL
    }
}

impl Drop for Epoll {
    fn drop(&mut self) {
        if self.fd.get() >= 0 {
            let _ = fd::close(self.fd.get());
        }
    }
}

pub static EPOLL: Type = Type::new::<Epoll>(
    "select.epoll",
    &taipan_runtime::types::object::OBJECT,
    0,
    Slots { new: Some(new), ..Slots::EMPTY },
    &[
        MethodDef::new("fromfd($type, fd, /)", |vm, args| {
            let number = vm.to_plain_c_int(&args[1])?;
            match Type::of(&args[0]) {
                Some(class) => Ok(vm.alloc(class, Epoll { fd: Cell::new(number) })),
                None => Err(vm.type_error("fromfd() needs a type")),
            }
        }, "An epoll object of a descriptor.").class_method(),
        MethodDef::new("close($self, /)", close, "Closes the descriptor. Other operations raise ValueError afterwards."),
        MethodDef::new("fileno($self, /)", |vm, args| Ok(vm.int(open(vm, &args[0])? as i64)), "The descriptor."),
        MethodDef::new("modify($self, /, fd, eventmask)", |vm, args| control(vm, args, libc::EPOLL_CTL_MOD), "Changes the events of a registered descriptor."),
        MethodDef::new("register($self, /, fd, eventmask=7)", |vm, args| control(vm, args, libc::EPOLL_CTL_ADD), "Registers a descriptor; OSError if it is registered already."),
        MethodDef::new("unregister($self, /, fd)", |vm, args| control(vm, args, libc::EPOLL_CTL_DEL), "Forgets a descriptor."),
        MethodDef::new("poll($self, /, timeout=None, maxevents=-1)", run, "Waits for events, for at most a number of seconds.\n\nReturns a list of (descriptor, events), of at most maxevents."),
        MethodDef::new("__enter__($self, /)", |vm, args| {
            open(vm, &args[0])?;
            Ok(args[0].clone())
        }, ""),
        MethodDef::new("__exit__($self, exc_type=None, exc_value=None, exc_tb=None, /)", |vm, args| {
            vm.call_method(&args[0], "close", &[])
        }, ""),
    ],
    &[GetSetDef::new("closed", |_, e| Ok(Object::bool(this::<Epoll>(e).fd.get() < 0))).with_doc("Is it closed?")],
)
.with_doc("A polling object of Linux.\n\nsizehint is of no effect; flags may be EPOLL_CLOEXEC, which is set anyway.");

fn new(vm: &Vm, class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    static SIG: Sig = Sig::new("epoll(sizehint=-1, flags=0)");
    let args = SIG.bind(vm, args, kwnames)?;
    let (hint, flags) = (vm.to_plain_c_int(&args[0])?, vm.to_plain_c_int(&args[1])?);
    if hint != -1 && hint <= 0 {
        return Err(vm.value_error("negative sizehint"));
    }
    if flags & !libc::EPOLL_CLOEXEC != 0 {
        return Err(vm.error(&exc::OS_ERROR, "invalid flags"));
    }
    let number = blocking(vm, || poll::epoll_create(libc::EPOLL_CLOEXEC))?;
    Ok(vm.alloc(class, Epoll { fd: Cell::new(number) }))
}

fn open(vm: &Vm, object: &Object) -> Result<i32> {
    match this::<Epoll>(object).fd.get() {
        n if n < 0 => Err(vm.value_error("I/O operation on closed epoll object")),
        n => Ok(n),
    }
}

fn close(vm: &Vm, args: &[Object]) -> Result {
    let number = this::<Epoll>(&args[0]).fd.replace(-1);
    if number >= 0 {
        blocking(vm, || fd::close(number))?;
    }
    Ok(Object::NONE)
}

fn control(vm: &Vm, args: &[Object], operation: i32) -> Result {
    let number = fileno_of(vm, &args[1])?;
    let events = match args.get(2) {
        Some(events) => vm.to_u32_wrapping(events)?,
        None => 0,
    };
    let epoll = open(vm, &args[0])?;
    blocking(vm, || poll::epoll_control(epoll, operation, number, events)).map(|()| Object::NONE)
}

fn run(vm: &Vm, args: &[Object]) -> Result {
    let epoll = open(vm, &args[0])?;
    let timeout = match args[1].some() {
        None => None,
        Some(timeout) => {
            let ns = match values::nanoseconds(vm, timeout, Rounding::Ceiling) {
                Ok(ns) => ns,
                Err(raised) if vm.raised_is(&exc::TYPE_ERROR) => {
                    drop(vm.caught(raised));
                    return Err(vm.type_error("timeout must be an integer or None"));
                }
                Err(raised) => return Err(raised),
            };
            if ns / 1_000_000 > i32::MAX as i64 {
                return Err(vm.overflow_error("timeout is too large"));
            }
            if ns < 0 { None } else { Some(ns) }
        }
    };
    let most = match vm.to_plain_c_int(&args[2])? {
        -1 => poll::SELECT_LIMIT,
        n if n <= 0 => return Err(vm.value_error(format!("maxevents must be greater than 0, got {n}"))),
        n => n,
    };
    let deadline = deadline(vm, timeout)?;
    let ready = wait(vm, deadline, 1_000_000, |ms| {
        poll::epoll_wait(epoll, most as usize, ms.min(i32::MAX as i64) as i32)
    })?;
    Ok(vm.list(
        ready
            .iter()
            .map(|&(number, events)| vm.tuple(vec![vm.int(number as i64), vm.int(events as i64)]))
            .collect(),
    ))
}
