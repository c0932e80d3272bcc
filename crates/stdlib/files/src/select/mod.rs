//! The module `select`: `select()`, `poll` objects, and `epoll` (in [`epoll`]).

pub mod epoll;

use crate::support::*;
use crate::time::values::{self, Rounding};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use taipan_host::{Errno, clock, libc, poll};
use taipan_runtime::prelude::*;
use taipan_runtime::support::this;
use taipan_runtime::types::int;

pub static MODULE: ModuleDef = ModuleDef {
    name: "select",
    doc: "Waiting for many descriptors at once.",
    functions: &[
        MethodDef::new(
            "select(rlist, wlist, xlist, timeout=None, /)",
            select,
            "Waits until descriptors are ready: for reading, for writing, or with an\nexceptional condition.\n\nThe timeout is a number of seconds; None waits as long as it takes. Returns the\nthree lists of what is ready.",
        ),
        MethodDef::new(
            "poll()",
            |vm, _| Ok(vm.alloc(&POLL, Poll { registered: RefCell::default(), running: Cell::new(false) })),
            "A polling object, on which one registers descriptors.",
        ),
    ],
    types: &[&epoll::EPOLL],
    init: Some(|vm, module| {
        vm.set_attr_str(module, "error", &exc::OS_ERROR.to_object())?;
        taipan_runtime::types::typ::ready(vm, &POLL);
        add_ints(vm, module, CONSTANTS)
    }),
};

/// When to stop waiting: None never, else nanoseconds of the monotonic clock.
pub fn deadline(vm: &Vm, ns: Option<i64>) -> Result<Option<i64>> {
    match ns {
        None => Ok(None),
        Some(ns) => Ok(Some(os(vm, clock::now_ns(libc::CLOCK_MONOTONIC))?.saturating_add(ns))),
    }
}

/// Nanoseconds left; 0 when it is over.
pub fn left(deadline: i64) -> i64 {
    (deadline - clock::now_ns(libc::CLOCK_MONOTONIC).unwrap_or(deadline)).max(0)
}

/// Calls with the time that is left, again after signals. `unit`: nanoseconds
/// of what the call counts in; -1 is for ever.
pub fn wait<T>(
    vm: &Vm,
    deadline: Option<i64>,
    unit: i64,
    mut call: impl FnMut(i64) -> taipan_host::Result<T>,
) -> Result<T> {
    loop {
        let time = match deadline {
            None => -1,
            // Never too short: that would spin.
            Some(deadline) => left(deadline).saturating_add(unit - 1) / unit,
        };
        match vm.without_gil(|| call(time)) {
            Err(Errno(libc::EINTR)) => vm.check_signals()?,
            result => return os(vm, result),
        }
    }
}

fn select(vm: &Vm, args: &[Object]) -> Result {
    let timeout = match args[3].some() {
        None => None,
        Some(timeout) => {
            let ns = match values::nanoseconds(vm, timeout, Rounding::Up) {
                Ok(ns) => ns,
                Err(raised) if vm.raised_is(&exc::TYPE_ERROR) => {
                    drop(vm.caught(raised));
                    return Err(vm.type_error("timeout must be a float or None"));
                }
                Err(raised) => return Err(raised),
            };
            if ns < 0 {
                return Err(vm.value_error("timeout must be non-negative"));
            }
            Some(ns)
        }
    };
    let mut lists: [Vec<(i32, Object)>; 3] = [const { Vec::new() }; 3];
    for (list, arg) in lists.iter_mut().zip(args) {
        // A list may change while its items are asked for their descriptors.
        let items = match arg.downcast::<List>() {
            Some(_) => arg.clone(),
            None => match vm.collect(arg) {
                Ok(items) => vm.list(items),
                Err(raised) if vm.raised_is(&exc::TYPE_ERROR) => {
                    drop(vm.caught(raised));
                    return Err(vm.type_error("arguments 1-3 must be sequences"));
                }
                Err(raised) => return Err(raised),
            },
        };
        let Some(items) = items.downcast::<List>() else { continue };
        let mut i = 0;
        while let Some(item) = items.get(i) {
            i += 1;
            let fd = fileno_of(vm, &item)?;
            if fd >= poll::SELECT_LIMIT {
                return Err(vm.value_error("filedescriptor out of range in select()"));
            }
            list.push((fd, item));
        }
    }
    let fds = lists.each_ref().map(|list| list.iter().map(|(fd, _)| *fd).collect::<Vec<i32>>());
    let deadline = deadline(vm, timeout)?;
    let ready = wait(vm, deadline, 1000, |us| {
        poll::select([&fds[0], &fds[1], &fds[2]], if us < 0 { None } else { Some(us) })
    })?;
    let mut out = Vec::new();
    for (list, ready) in lists.iter().zip(&ready) {
        let found = list.iter().filter(|(fd, _)| ready.contains(fd)).map(|(_, item)| item.clone()).collect();
        out.push(vm.list(found));
    }
    Ok(vm.tuple(out))
}

// ---- poll objects ---------------------------------------------------------------------------

/// Payload of poll objects.
pub struct Poll {
    registered: RefCell<BTreeMap<i32, u16>>,
    running: Cell<bool>,
}

impl NativeClass for Poll {
    fn class() -> &'static Type {
        &POLL
    }
}

pub static POLL: Type = Type::new::<Poll>(
    "select.poll",
    &taipan_runtime::types::object::OBJECT,
    type_flags::DISALLOW_INSTANTIATION,
    Slots::EMPTY,
    &[
        MethodDef::new(
            "register($self, fd, eventmask=7, /)",
            |vm, args| {
                let fd = fileno_of(vm, &args[1])?;
                let mask = events(vm, &args[2])?;
                this::<Poll>(&args[0]).registered.borrow_mut().insert(fd, mask);
                Ok(Object::NONE)
            },
            "Registers a descriptor, with the events to look for.",
        ),
        MethodDef::new(
            "modify($self, fd, eventmask, /)",
            |vm, args| {
                let fd = fileno_of(vm, &args[1])?;
                let mask = events(vm, &args[2])?;
                match this::<Poll>(&args[0]).registered.borrow_mut().get_mut(&fd) {
                    Some(place) => *place = mask,
                    None => return Err(os_error(vm, Errno(libc::ENOENT))),
                }
                Ok(Object::NONE)
            },
            "Changes the events of a registered descriptor.",
        ),
        MethodDef::new(
            "unregister($self, fd, /)",
            |vm, args| {
                let fd = fileno_of(vm, &args[1])?;
                match this::<Poll>(&args[0]).registered.borrow_mut().remove(&fd) {
                    Some(_) => Ok(Object::NONE),
                    None => Err(vm.key_error(&vm.int(fd as i64))),
                }
            },
            "Forgets a descriptor.",
        ),
        MethodDef::new(
            "poll($self, timeout=None, /)",
            run_poll,
            "Waits for events, for at most a number of milliseconds.\n\nReturns a list of (descriptor, events).",
        ),
    ],
    &[],
);

fn events(vm: &Vm, object: &Object) -> Result<u16> {
    let index = vm.index(object)?;
    if int::is_negative(&index) {
        return Err(vm.value_error("Cannot convert negative int"));
    }
    int::to_u64(&index)
        .and_then(|n| u16::try_from(n).ok())
        .ok_or_else(|| vm.overflow_error("Python int too large for C unsigned short"))
}

/// A timeout in milliseconds as nanoseconds; None and negative ones are for ever.
fn milliseconds(vm: &Vm, object: &Object) -> Result<Option<i64>> {
    let Some(object) = object.some() else { return Ok(None) };
    let ms = if let Some(x) = taipan_runtime::types::float::as_f64(object) {
        if x.is_nan() {
            return Err(vm.value_error("Invalid value NaN (not a number)"));
        }
        let x = if x < 0.0 { x.floor() } else { x.ceil() };
        if x.abs() > 9.2e12 {
            return Err(vm.overflow_error("timestamp out of range for C PyTime_t"));
        }
        x as i64
    } else if vm.is_index(object) {
        match int::to_i64(&vm.index(object)?) {
            Some(ms) if ms.checked_mul(1_000_000).is_some() => ms,
            _ => return Err(vm.overflow_error("timestamp out of range for C PyTime_t")),
        }
    } else {
        return Err(vm.type_error("timeout must be an integer or None"));
    };
    if ms > i32::MAX as i64 {
        return Err(vm.overflow_error("timeout is too large"));
    }
    Ok(if ms < 0 { None } else { Some(ms * 1_000_000) })
}

fn run_poll(vm: &Vm, args: &[Object]) -> Result {
    let p = this::<Poll>(&args[0]);
    let timeout = milliseconds(vm, &args[1])?;
    if p.running.replace(true) {
        return Err(vm.runtime_error("concurrent poll() invocation"));
    }
    let mut fds: Vec<poll::PollFd> = p
        .registered
        .borrow()
        .iter()
        .map(|(&fd, &events)| libc::pollfd { fd, events: events as i16, revents: 0 })
        .collect();
    let result = deadline(vm, timeout).and_then(|deadline| {
        wait(vm, deadline, 1_000_000, |ms| poll::poll(&mut fds, ms.min(i32::MAX as i64) as i32))
    });
    p.running.set(false);
    result?;
    let ready = fds
        .iter()
        .filter(|f| f.revents != 0)
        .map(|f| vm.tuple(vec![vm.int(f.fd as i64), vm.int(f.revents as u16 as i64)]))
        .collect();
    Ok(vm.list(ready))
}

/// Name and value.
pub const CONSTANTS: &[(&str, i64)] = &[
    ("EPOLLERR", 8),
    ("EPOLLET", 0x80000000),
    ("EPOLLEXCLUSIVE", 0x10000000),
    ("EPOLLHUP", 0x10),
    ("EPOLLIN", 1),
    ("EPOLLMSG", 0x400),
    ("EPOLLONESHOT", 0x40000000),
    ("EPOLLOUT", 4),
    ("EPOLLPRI", 2),
    ("EPOLLRDBAND", 0x80),
    ("EPOLLRDHUP", 0x2000),
    ("EPOLLRDNORM", 0x40),
    ("EPOLLWAKEUP", 0x20000000),
    ("EPOLLWRBAND", 0x200),
    ("EPOLLWRNORM", 0x100),
    ("EPOLL_CLOEXEC", 0x80000),
    ("PIPE_BUF", 0x1000),
    ("POLLERR", 8),
    ("POLLHUP", 0x10),
    ("POLLIN", 1),
    ("POLLMSG", 0x400),
    ("POLLNVAL", 0x20),
    ("POLLOUT", 4),
    ("POLLPRI", 2),
    ("POLLRDBAND", 0x80),
    ("POLLRDHUP", 0x2000),
    ("POLLRDNORM", 0x40),
    ("POLLWRBAND", 0x200),
    ("POLLWRNORM", 0x100),
];
