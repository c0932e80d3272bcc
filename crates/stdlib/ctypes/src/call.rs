//! Calling C: libffi, the thread's own `errno`, and the functions whose addresses
//! `ctypes` itself calls (`cast`, `string_at` and so on).

use crate::abi::{self, Passed};
use crate::cdata::{self, data};
use crate::function;
use crate::info::{self, Kind, flag};
use crate::memory::Place;
use crate::meta::class_of;
use crate::param::Ready;
use crate::values;
use libffi_sys as ffi;
use std::cell::Cell;
use std::ffi::{c_int, c_void};
use taipan_runtime::prelude::*;
use taipan_runtime::types::memoryview;

thread_local! {
    /// `ctypes.get_errno()`: the C library's errno is exchanged for it around calls.
    static ERRNO: Cell<i32> = const { Cell::new(0) };
}

/// The thread's copy of errno.
pub fn errno() -> i32 {
    ERRNO.get()
}

/// Sets the thread's copy; the old one comes back.
pub fn set_errno(value: i32) -> i32 {
    ERRNO.replace(value)
}

/// Exchanges the C library's errno for the thread's copy.
pub fn swap_errno() {
    // SAFETY: the location is the thread's own.
    let place = unsafe { &mut *taipan_host::libc::__errno_location() };
    *place = ERRNO.replace(*place);
}

/// What a function gives back: room for the largest register contents, or for a structure.
/// Words of 16 bytes, for the alignment.
pub struct Returned {
    small: [u128; 2],
    large: Vec<u128>,
}

impl Returned {
    /// None if there is no memory.
    fn new(size: usize) -> Option<Returned> {
        let mut large = Vec::new();
        if size > size_of::<[u128; 2]>() {
            let words = size.div_ceil(16);
            large.try_reserve_exact(words).ok()?;
            large.resize(words, 0);
        }
        Some(Returned { small: [0; 2], large })
    }
    pub fn place(&mut self) -> Place {
        let words = if self.large.is_empty() { &mut self.small[..] } else { &mut self.large };
        Place::named(words.as_mut_ptr() as usize)
    }
}

/// How a function is to be called.
#[derive(Clone, Copy)]
pub struct Manner {
    pub flags: u32,
    /// Of so many arguments the function knows; the others are variadic.
    pub fixed: Option<usize>,
}

/// Calls the function at an address.
pub fn call(vm: &Vm, at: Place, manner: Manner, args: &mut [Ready], restype: &Object) -> Result<Returned> {
    let result_type = abi::of_result(restype);
    let mut types = Vec::with_capacity(args.len());
    let mut places = Vec::with_capacity(args.len());
    for arg in args.iter_mut() {
        let (kind, place) = match &mut arg.passed {
            Passed::Scalar(code, content) => (abi::scalar(*code), content.place()),
            Passed::Aggregate(place, class) => (abi::of(cdata::concrete(vm, class_of(class))?), *place),
        };
        types.push(kind);
        places.push(place.pointer() as *mut c_void);
    }
    // SAFETY: a description is valid as long as its class, which the caller keeps.
    let size = unsafe { (*result_type).size };
    let Some(mut room) = Returned::new(size) else { return Err(vm.memory_error()) };
    let mut cif = ffi::ffi_cif::default();
    let count = args.len() as u32;
    let variadic = manner.fixed.filter(|&fixed| fixed > 0 && fixed < args.len());
    // SAFETY: `types` has `count` descriptions and outlives the call.
    let status = unsafe {
        match variadic {
            Some(fixed) => ffi::ffi_prep_cif_var(
                &mut cif,
                ffi::ffi_abi_FFI_DEFAULT_ABI,
                fixed as u32,
                count,
                result_type,
                types.as_mut_ptr(),
            ),
            None => ffi::ffi_prep_cif(
                &mut cif,
                ffi::ffi_abi_FFI_DEFAULT_ABI,
                count,
                result_type,
                types.as_mut_ptr(),
            ),
        }
    };
    if status != ffi::ffi_status_FFI_OK {
        let what = if variadic.is_some() { "ffi_prep_cif_var failed" } else { "ffi_prep_cif failed" };
        return Err(vm.runtime_error(what));
    }
    if at.is_null() {
        return Err(vm.value_error("NULL function pointer called"));
    }
    let (target, result) = (at.address(), room.place().address());
    let places = places.as_mut_ptr() as usize;
    let cif = &raw mut cif as usize;
    let use_errno = manner.flags & flag::USE_ERRNO != 0;
    let run = move || {
        if use_errno {
            swap_errno();
        }
        // SAFETY: the address is a function's, and it takes and gives what the program has
        // declared: ctypes can only trust it. The places hold the arguments, and there is
        // room for the result.
        unsafe {
            let function: unsafe extern "C" fn() = std::mem::transmute(target);
            ffi::ffi_call(
                cif as *mut ffi::ffi_cif,
                Some(function),
                result as *mut c_void,
                places as *mut *mut c_void,
            );
        }
        if use_errno {
            swap_errno();
        }
    };
    if manner.flags & flag::PYTHON_API != 0 {
        run();
    } else {
        vm.without_gil(run);
    }
    match vm.take_raised() {
        Some(exception) => Err(vm.raise(exception)),
        None => Ok(room),
    }
}

/// The Python value of what a function gave back.
pub fn result(vm: &Vm, mut returned: Returned, restype: &Object, checker: Option<&Object>) -> Result {
    let place = returned.place();
    if restype.is_none() {
        return Ok(Object::NONE);
    }
    let Some(class) = Type::of(restype).filter(|class| info::of_type(class).is_some()) else {
        let number = vm.int(i32::from_ne_bytes(place.read()) as i64);
        return vm.call(restype, &[number]);
    };
    let info = cdata::concrete(vm, class)?;
    let value = if info.kind == Kind::Simple && info.code == b'O' && cdata::is_plain(class) {
        // The reference is ours now.
        match values::take_word(u64::from_ne_bytes(place.read())) {
            Some(object) => object,
            None => return Err(vm.value_error("PyObject is NULL")),
        }
    } else {
        cdata::value_or_copy(vm, class, place)?
    };
    match checker {
        Some(checker) => vm.call(checker, &[value]),
        None => Ok(value),
    }
}

// ---- functions with addresses --------------------------------------------------------------

/// Runs the body of a function that C calls with the GIL held: the word of the result,
/// or 0 with an exception on its way.
fn entered(body: impl FnOnce(&Vm) -> Result) -> u64 {
    if !Vm::is_attached() {
        return 0;
    }
    // Whoever declares them as functions of C comes without the GIL.
    Vm::with_gil(|vm| match body(vm) {
        Ok(object) => values::owned_word(object),
        Err(_) => 0,
    })
}

/// The size of a text that a program asks for; None (-1): up to its first zero.
fn given_size(vm: &Vm, at: Place, size: c_int, event: &str, maker: &str) -> Result<Option<usize>> {
    vm.audit(event, &[vm.usize(at.address()), vm.int(size as i64)])?;
    if size < -1 {
        return Err(vm.system_error(format!("Negative size passed to {maker}")));
    }
    Ok(usize::try_from(size).ok())
}

extern "C" fn string_at(at: *mut u8, size: c_int) -> u64 {
    entered(|vm| {
        let place = Place::named(at as usize);
        let size = given_size(vm, place, size, "ctypes.string_at", "PyBytes_FromStringAndSize")?;
        values::new_bytes(vm, place, size.unwrap_or_else(|| place.text_length()))
    })
}

extern "C" fn wstring_at(at: *mut u8, size: c_int) -> u64 {
    entered(|vm| {
        let place = Place::named(at as usize);
        let size = given_size(vm, place, size, "ctypes.wstring_at", "PyUnicode_New")?;
        values::wide_text(vm, &place.wide(size.unwrap_or_else(|| place.wide_length())))
    })
}

extern "C" fn memoryview_at(at: *mut u8, size: isize, readonly: c_int) -> u64 {
    entered(|vm| {
        let address = vm.usize(at as usize);
        vm.audit("ctypes.memoryview_at", &[address, vm.int(size as i64), vm.int(readonly as i64)])?;
        let Ok(size) = usize::try_from(size) else {
            return Err(vm.value_error(format!("memoryview_at: size is negative (or overflowed): {size}")));
        };
        memoryview::from_memory(vm, &Object::NONE, at, size, readonly != 0)
    })
}

extern "C" fn cast(at: *mut u8, source: u64, class: u64) -> u64 {
    entered(|vm| {
        let (Some(source), Some(class)) = (values::object_of_word(source), values::object_of_word(class))
        else {
            return Err(vm.system_error("cast without objects"));
        };
        cast_to(vm, Place::named(at as usize), &source, &class)
    })
}

/// Is the class one of pointers, in the widest sense?
fn check_pointer_class(vm: &Vm, class: &Object) -> Result<()> {
    let is_pointer = info::of_class(class).is_some_and(|info| match info.kind {
        Kind::Pointer | Kind::Function => true,
        Kind::Simple => b"sPzUZXO".contains(&info.code),
        _ => false,
    });
    if is_pointer {
        return Ok(());
    }
    match Type::of(class) {
        Some(ty) => {
            Err(vm.type_error(format!("cast() argument 2 must be a pointer type, not {}", ty.full_name())))
        }
        None => Err(vm.type_error("cast() argument 2 must be a pointer type")),
    }
}

fn cast_to(vm: &Vm, at: Place, source: &Object, class: &Object) -> Result {
    check_pointer_class(vm, class)?;
    let result = vm.call(class, &[])?;
    if !crate::meta::is_cdata(&result) {
        return Err(vm.type_error("cast() argument 2 must be a pointer type"));
    }
    // Both keep what the source keeps, and the source itself if it is one of ours.
    if crate::meta::is_cdata(source) {
        cdata::kept(vm, source);
        let objects = &data(source).objects;
        if objects.or_none().is_none() && data(source).base.is_empty() {
            objects.set(vm.new_dict());
        }
        // A part of something has nothing of its own.
        let shared = objects.bound().unwrap_or_else(|| vm.new_dict());
        data(&result).objects.set(shared.clone());
        if let Some(dict) = shared.downcast_exact::<Dict>() {
            dict.set(vm, &vm.usize(source.bits() as usize), source.clone())?;
        }
    }
    cdata::enough(vm, &result, 8)?.write_pointer(at);
    Ok(result)
}

/// The names of these functions in the module, and their addresses.
pub fn addresses() -> [(&'static str, usize); 6] {
    [
        ("_memmove_addr", taipan_host::libc::memmove as *const () as usize),
        ("_memset_addr", taipan_host::libc::memset as *const () as usize),
        ("_string_at_addr", string_at as *const () as usize),
        ("_wstring_at_addr", wstring_at as *const () as usize),
        ("_cast_addr", cast as *const () as usize),
        ("_memoryview_at_addr", memoryview_at as *const () as usize),
    ]
}

/// `call_function(address, arguments)` and `call_cdeclfunction`.
pub fn call_address(vm: &Vm, args: &[Object], flags: u32) -> Result {
    if !taipan_runtime::types::int::is_any_int(&args[0]) {
        return Err(vm.type_error("an integer is required"));
    }
    let address = vm.to_i64(&args[0])?;
    let Some(values) = args[1].downcast::<Tuple>() else {
        return Err(vm.type_error(format!("argument 2 must be tuple, not {}", args[1].ty().full_name())));
    };
    function::call_with(
        vm,
        Place::named(address as usize),
        values.items(),
        &function::Prototype { flags, ..Default::default() },
    )
}
