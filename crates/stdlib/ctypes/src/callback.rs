//! Functions that C can call: code made by libffi that ends up in a Python callable, on
//! whatever thread it is called.

use crate::abi;
use crate::call;
use crate::cdata;
use crate::info::{self, Kind, flag};
use crate::memory::Place;
use crate::meta::class_of;
use crate::values;
use libffi_sys as ffi;
use std::cell::RefCell;
use std::ffi::c_void;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, Ordering};
use taipan_runtime::modules::thread::handle::on_any_thread;
use taipan_runtime::prelude::*;
use taipan_runtime::vm::Interpreter;

/// A Python callable as a C function. It lives as long as this object.
pub struct Thunk {
    closure: *mut ffi::ffi_closure,
    code: usize,
    /// What C and libffi look at: ours, in a box.
    shell: *mut Shell,
}

struct Shell {
    interpreter: *const Interpreter,
    types: Box<[*mut ffi::ffi_type]>,
    cif: ffi::ffi_cif,
    /// The callable is gone.
    dead: AtomicBool,
    /// Looked at with the GIL only.
    job: RefCell<Option<Job>>,
}

/// What is to be called, and how.
#[derive(Clone)]
struct Job {
    callable: Object,
    argtypes: Vec<Object>,
    restype: Object,
    flags: u32,
}

impl Thunk {
    fn shell(&self) -> &Shell {
        // SAFETY: freed when the thunk is dropped, not before.
        unsafe { &*self.shell }
    }
    /// The address that C calls.
    pub fn code(&self) -> Place {
        Place::named(self.code)
    }
}

impl NativeClass for Thunk {
    fn class() -> &'static Type {
        &THUNK
    }
    fn traverse(&self, visitor: &mut Visitor) {
        if let Some(job) = &*self.shell().job.borrow() {
            visitor.visit_object(&job.callable);
            visitor.visit_object(&job.restype);
            for class in &job.argtypes {
                visitor.visit_object(class);
            }
        }
    }
}

pub static THUNK: Type = Type::new::<Thunk>(
    "_ctypes.CThunkObject",
    &taipan_runtime::types::object::OBJECT,
    type_flags::HAVE_GC | type_flags::DISALLOW_INSTANTIATION,
    Slots::EMPTY,
    &[],
    &[],
);

impl Drop for Thunk {
    fn drop(&mut self) {
        let shell = self.shell();
        shell.dead.store(true, Ordering::SeqCst);
        let job = shell.job.take();
        // SAFETY: interpreters outlive their objects.
        if unsafe { &*shell.interpreter }.finalizing.get() {
            // C may call it until the process has ended, and then nothing happens. The
            // classes have the descriptions that libffi looks at.
            if let Some(job) = job {
                std::mem::forget(job.argtypes);
            }
            return;
        }
        drop(job);
        // SAFETY: allocated in `new`; C that still calls it does so at its own risk, as
        // the documentation of ctypes says.
        unsafe {
            ffi::ffi_closure_free(self.closure.cast());
            drop(Box::from_raw(self.shell));
        }
    }
}

/// Makes a C function of a callable.
pub fn new(vm: &Vm, callable: &Object, argtypes: &[Object], restype: &Object, flags: u32) -> Result {
    let mut types = Vec::with_capacity(argtypes.len());
    for class in argtypes {
        types.push(info::of_class(class).map_or(abi::scalar(b'i'), abi::of));
    }
    if !restype.is_none() {
        let fits = info::of_class(restype).is_some_and(|info| info.kind == Kind::Simple);
        if !fits {
            return Err(vm.type_error("invalid result type for callback function"));
        }
    }
    let job =
        Job { callable: callable.clone(), argtypes: argtypes.to_vec(), restype: restype.clone(), flags };
    let mut shell = Box::new(Shell {
        interpreter: vm.interp(),
        types: types.into_boxed_slice(),
        cif: ffi::ffi_cif::default(),
        dead: AtomicBool::new(false),
        job: RefCell::new(Some(job)),
    });
    let mut code: *mut c_void = null_mut();
    // SAFETY: the closure is written by libffi; what it refers to (the call interface, its
    // types, the job) is in the shell, which is freed after it.
    unsafe {
        let closure = ffi::ffi_closure_alloc(size_of::<ffi::ffi_closure>(), &mut code);
        if closure.is_null() {
            return Err(vm.memory_error());
        }
        let closure = closure as *mut ffi::ffi_closure;
        let (count, types) = (shell.types.len() as u32, shell.types.as_mut_ptr());
        let mut status = ffi::ffi_prep_cif(
            &mut shell.cif,
            ffi::ffi_abi_FFI_DEFAULT_ABI,
            count,
            abi::of_result(restype),
            types,
        );
        let shell = Box::into_raw(shell);
        if status == ffi::ffi_status_FFI_OK {
            let cif = &raw mut (*shell).cif;
            status = ffi::ffi_prep_closure_loc(closure, cif, Some(enter), shell.cast(), code);
        }
        let thunk = Thunk { closure, code: code as usize, shell };
        if status != ffi::ffi_status_FFI_OK {
            return Err(vm.runtime_error(format!("ffi_prep_closure failed with {status}")));
        }
        vm.try_alloc(&THUNK, thunk).ok_or_else(|| vm.memory_error())
    }
}

/// Where calls from C arrive.
unsafe extern "C" fn enter(
    cif: *mut ffi::ffi_cif,
    result: *mut c_void,
    args: *mut *mut c_void,
    shell: *mut c_void,
) {
    // SAFETY: libffi gives back what it was given by `new`, and places for the arguments
    // and the result of which the call interface tells.
    unsafe {
        let size = (*(*cif).rtype).size;
        let result = Place::trusted(result as *mut u8);
        if size > 0 {
            // Small results come back as whole words.
            result.pointer().write_bytes(0, size.max(8));
        }
        let shell = &*(shell as *const Shell);
        if shell.dead.load(Ordering::SeqCst) {
            return;
        }
        let count = shell.types.len();
        let given: Vec<Place> = (0..count).map(|i| Place::trusted(*args.add(i) as *mut u8)).collect();
        let done = on_any_thread(&*shell.interpreter, |vm| {
            // The function object may go while it runs.
            let job = shell.job.borrow().clone();
            if let Some(job) = job {
                run(vm, job, &given, result);
            }
        });
        if done.is_none() {
            eprintln!("ctypes: no memory to call a Python function from a foreign thread");
        }
    }
}

fn run(vm: &Vm, job: Job, given: &[Place], result: Place) {
    let Job { callable, argtypes, restype, flags } = job;
    let pending = vm.take_raised();
    let mut args = Vec::with_capacity(given.len());
    for (i, (class, at)) in argtypes.iter().zip(given).enumerate() {
        let made = match info::of_class(class) {
            Some(_) => cdata::value_or_copy(vm, class_of(class), *at),
            None => Err(vm.type_error("cannot build parameter")),
        };
        match made {
            Ok(value) => args.push(value),
            Err(_) => {
                let what =
                    format!("Exception ignored while creating argument {i} for ctypes callback function");
                vm.write_unraisable(&callable, &what);
                vm.restore_raised(pending);
                return;
            }
        }
    }
    if flags & flag::USE_ERRNO != 0 {
        call::swap_errno();
    }
    let returned = vm.check_native_stack("").and_then(|()| vm.call(&callable, &args));
    if flags & flag::USE_ERRNO != 0 {
        call::swap_errno();
    }
    match returned {
        Err(_) => vm.write_unraisable(&callable, "Exception ignored while calling ctypes callback function"),
        Ok(_) if restype.is_none() => {}
        Ok(value) => {
            if give_back(vm, &restype, &value, result).is_err() {
                vm.write_unraisable(
                    &callable,
                    "Exception ignored while converting result of ctypes callback function",
                );
            }
        }
    }
    drop(args);
    vm.restore_raised(pending);
}

/// Puts the result where C looks for it.
fn give_back(vm: &Vm, restype: &Object, value: &Object, result: Place) -> Result<()> {
    let info = cdata::concrete(vm, class_of(restype))?;
    let size = info.size.get();
    let keeper = values::set(vm, info.code, info.swapped, result, value, size)?;
    if values::integer(info.code) == Some(true) && size < 8 {
        // Small numbers come back as words, with their sign.
        let number = values::get(vm, info.code, info.swapped, result, size)?;
        values::set(vm, b'l', false, result, &number, 8)?;
    }
    match info.code {
        // The caller owns the reference.
        b'O' => std::mem::forget(keeper),
        _ if keeper.is_none() => {}
        _ => {
            // Nobody knows when C is done with the text.
            std::mem::forget(keeper);
            vm.warn(&exc::RUNTIME_WARNING, "memory leak in callback function.", 1)?;
        }
    }
    Ok(())
}
