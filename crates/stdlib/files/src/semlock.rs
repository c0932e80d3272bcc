//! `_multiprocessing`: semaphores and recursive mutexes between processes,
//! which the locks of `multiprocessing` are made of.

use crate::support::{c_text, os, os_error};
use std::cell::Cell;
use std::ffi::CString;
use taipan_host::shared::{SEMAPHORE_MAX, Semaphore};
use taipan_host::{Errno, clock, libc};
use taipan_runtime::prelude::*;
use taipan_runtime::sharing::complete;
use taipan_runtime::support::{allocate, this};
use taipan_runtime::types::str_methods::shown_type;

pub static MODULE: ModuleDef = ModuleDef {
    name: "_multiprocessing",
    doc: "The native half of the package multiprocessing.",
    functions: &[MethodDef::new(
        "sem_unlink(name, /)",
        |vm, args| {
            let name = text(vm, "sem_unlink() argument", &args[0])?;
            os(vm, Semaphore::unlink(&name))?;
            Ok(Object::NONE)
        },
        "Takes the name of a semaphore away.",
    )],
    types: &[&SEM_LOCK],
    init: Some(|vm, module| {
        let flags = vm.new_dict();
        if let Some(dict) = flags.downcast::<Dict>() {
            dict.set_text(vm, "HAVE_SEM_OPEN", vm.int(1));
            dict.set_text(vm, "HAVE_SEM_TIMEDWAIT", vm.int(1));
        }
        vm.set_attr_str(module, "flags", &flags)?;
        complete(vm, &SEM_LOCK, || SEM_LOCK.dict().set_text(vm, "SEM_VALUE_MAX", vm.int(SEMAPHORE_MAX)));
        Ok(())
    }),
};

/// A lock that the thread that has it may take again.
const RECURSIVE: i32 = 0;
const SEMAPHORE: i32 = 1;

/// Payload of SemLock.
pub struct SemLock {
    semaphore: Semaphore,
    /// None: it was taken away at once.
    name: Option<CString>,
    kind: i32,
    max: i32,
    /// Acquisitions minus releases of this process.
    count: Cell<i32>,
    /// The thread that took it last.
    owner: Cell<u64>,
}

impl NativeClass for SemLock {
    fn class() -> &'static Type {
        &SEM_LOCK
    }
}

impl SemLock {
    fn is_mine(&self, vm: &Vm) -> bool {
        self.count.get() > 0 && self.owner.get() == vm.thread_ident
    }
}

pub static SEM_LOCK: Type = Type::new::<SemLock>(
    "_multiprocessing.SemLock",
    &taipan_runtime::types::object::OBJECT,
    type_flags::BASE,
    Slots { new: Some(new), ..Slots::EMPTY },
    &[
        MethodDef::new(
            "acquire($self, /, block=True, timeout=None)",
            |vm, args| {
                let block = vm.is_true(&args[1])?;
                acquire(vm, this(&args[0]), block, &args[2])
            },
            "Acquire the semaphore/lock.",
        ),
        MethodDef::new(
            "release($self, /)",
            |vm, args| release(vm, this(&args[0])),
            "Release the semaphore/lock.",
        ),
        MethodDef::new(
            "__enter__($self, /)",
            |vm, args| acquire(vm, this(&args[0]), true, &Object::NONE),
            "Enter the semaphore/lock.",
        ),
        MethodDef::new(
            "__exit__($self, exc_type=None, exc_value=None, exc_tb=None, /)",
            |vm, args| release(vm, this(&args[0])),
            "Exit the semaphore/lock.",
        ),
        MethodDef::new(
            "_count($self, /)",
            |vm, args| Ok(vm.int(this::<SemLock>(&args[0]).count.get() as i64)),
            "Num of `acquire()`s minus num of `release()`s for this process.",
        ),
        MethodDef::new(
            "_is_mine($self, /)",
            |vm, args| Ok(Object::bool(this::<SemLock>(&args[0]).is_mine(vm))),
            "Whether the lock is owned by this thread.",
        ),
        MethodDef::new(
            "_get_value($self, /)",
            |vm, args| Ok(vm.int(value(vm, this(&args[0]))?.max(0) as i64)),
            "Get the value of the semaphore.",
        ),
        MethodDef::new(
            "_is_zero($self, /)",
            |vm, args| Ok(Object::bool(value(vm, this(&args[0]))? == 0)),
            "Return whether semaphore has value zero.",
        ),
        MethodDef::new("_rebuild($type, handle, kind, maxvalue, name, /)", rebuild, "").class_method(),
        MethodDef::new(
            "_after_fork($self, /)",
            |_, args| {
                this::<SemLock>(&args[0]).count.set(0);
                Ok(Object::NONE)
            },
            "Rezero the net acquisition count after fork().",
        ),
    ],
    &[
        GetSetDef::member("handle", |vm, l| Ok(vm.usize(this::<SemLock>(l).semaphore.address()))),
        GetSetDef::member("kind", |vm, l| Ok(vm.int(this::<SemLock>(l).kind as i64))),
        GetSetDef::member("maxvalue", |vm, l| Ok(vm.int(this::<SemLock>(l).max as i64))),
        GetSetDef::member("name", |vm, l| {
            let name = this::<SemLock>(l).name.as_ref();
            Ok(name.map_or(Object::NONE, |name| vm.str(&name.to_string_lossy())))
        }),
    ],
)
.with_doc("Semaphore/Mutex type");

fn text(vm: &Vm, argument: &str, object: &Object) -> Result<CString> {
    if object.downcast::<Str>().is_none() {
        return Err(vm.type_error(format!("{argument} must be str, not {}", shown_type(object))));
    }
    c_text(vm, object)
}

fn new(vm: &Vm, class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    static SIG: Sig = Sig::new("SemLock(kind, value, maxvalue, name, unlink)");
    let args = SIG.bind(vm, args, kwnames)?;
    let mut numbers = [0; 3];
    for (number, argument) in numbers.iter_mut().zip(args.iter()) {
        *number = vm.to_plain_c_int(argument)?;
    }
    let [kind, value, max] = numbers;
    let name = text(vm, "SemLock() argument 'name'", &args[3])?;
    let unlink = vm.is_true(&args[4])?;
    if kind != RECURSIVE && kind != SEMAPHORE {
        return Err(vm.value_error("unrecognized kind"));
    }
    let semaphore = os(vm, Semaphore::create(&name, value as u32))?;
    let name = if unlink {
        os(vm, Semaphore::unlink(&name))?;
        None
    } else {
        Some(name)
    };
    allocate(vm, class, SemLock { semaphore, name, kind, max, count: Cell::new(0), owner: Cell::new(0) })
}

/// The semaphore of another process, by its name: the handle, an address over
/// there, says nothing here.
fn rebuild(vm: &Vm, args: &[Object]) -> Result {
    let Some(class) = Type::of(&args[0]) else {
        return Err(vm.type_error("_rebuild() needs a type"));
    };
    let (kind, max) = (vm.to_plain_c_int(&args[2])?, vm.to_plain_c_int(&args[3])?);
    if args[4].is_none() {
        return Err(vm.not_implemented_error("a semaphore without a name cannot be opened again"));
    }
    let name = text(vm, "_rebuild() argument 4", &args[4])?;
    let semaphore = os(vm, Semaphore::open(&name))?;
    let name = Some(name);
    allocate(vm, class, SemLock { semaphore, name, kind, max, count: Cell::new(0), owner: Cell::new(0) })
}

fn value(vm: &Vm, lock: &SemLock) -> Result<i32> {
    os(vm, lock.semaphore.value())
}

fn acquire(vm: &Vm, lock: &SemLock, block: bool, timeout: &Object) -> Result {
    if lock.kind == RECURSIVE && lock.is_mine(vm) {
        lock.count.set(lock.count.get().saturating_add(1));
        return Ok(Object::TRUE);
    }
    let deadline = match timeout.some() {
        None => None,
        Some(timeout) => {
            let seconds = vm.to_f64(timeout)?.max(0.0);
            let now = os(vm, clock::now_ns(libc::CLOCK_REALTIME))?;
            // Conversion of floats to integers saturates.
            Some(now.saturating_add((seconds * 1e9) as i64))
        }
    };
    let mut result = lock.semaphore.try_wait();
    while block && matches!(result, Err(Errno(libc::EAGAIN | libc::EINTR))) {
        result = vm.without_gil(|| lock.semaphore.wait(deadline));
        if result == Err(Errno(libc::EINTR)) {
            vm.check_signals()?;
        }
    }
    match result {
        Ok(()) => {
            lock.count.set(lock.count.get().saturating_add(1));
            lock.owner.set(vm.thread_ident);
            Ok(Object::TRUE)
        }
        Err(Errno(libc::EAGAIN | libc::ETIMEDOUT)) => Ok(Object::FALSE),
        Err(e) => Err(os_error(vm, e)),
    }
}

fn release(vm: &Vm, lock: &SemLock) -> Result {
    let count = lock.count.get();
    if lock.kind == RECURSIVE {
        if !lock.is_mine(vm) {
            return Err(vm.assertion_error("attempt to release recursive lock not owned by thread"));
        }
        if count > 1 {
            lock.count.set(count - 1);
            return Ok(Object::NONE);
        }
    } else if value(vm, lock)? >= lock.max {
        return Err(vm.value_error("semaphore or lock released too many times"));
    }
    os(vm, lock.semaphore.post())?;
    lock.count.set(count.saturating_sub(1));
    Ok(Object::NONE)
}
