//! Running Python code: frames, the loop, calls, and the entry points for the
//! rest of the runtime.

pub mod call;
pub mod frame;
pub mod quick;
mod run;
mod slow;
pub mod unwind;

pub use run::run;
pub use slow::{AttrEntry, exception_matches, new_attr_table, raise_value};
pub use slow::awaitable_iterator;

use crate::names::name;
use crate::prelude::*;
use crate::types::code::Code;
use crate::types::function::Function;
use frame::{Frame, frame_flags};
use taipan_bytecode::{LocalKind, Opcode};

/// Pushes a frame for `code` whose registers start at `base`. The registers up
/// to `filled` are set already; the rest become UNBOUND.
///
/// # Safety
/// `base` is a free window of the register stack (or a generator's registers).
pub(crate) unsafe fn push_frame(
    vm: &Vm,
    code: &Code,
    base: *mut Value,
    filled: usize,
    function: Value,
    globals: Value,
    builtins: Value,
    flags: u32,
) -> Result<*mut Frame> {
    // SAFETY: bounds are checked before anything is written.
    unsafe {
        let depth = vm.depth.get() + 1;
        let end = base.add(code.registers);
        let frame = vm.frame_top.get();
        if depth > vm.interp().recursion_limit.get() || end >= vm.stack_end || frame >= vm.frame_end {
            return Err(vm.recursion_error("maximum recursion depth exceeded"));
        }
        vm.depth.set(depth);
        let mut slot = base.add(filled);
        while slot < end {
            *slot = Value::UNBOUND;
            slot = slot.add(1);
        }
        frame.write(Frame {
            ip: code.instructions_ptr(),
            base,
            code,
            consts: code.consts.as_ptr() as *const Value,
            caches: code.caches_ptr(),
            function,
            globals,
            builtins,
            locals: Value::UNBOUND,
            previous: vm.frame.get(),
            object: Value::UNBOUND,
            extra: Value::UNBOUND,
            top: std::ptr::null_mut(),
            flags,
        });
        vm.frame_top.set(frame.add(1));
        vm.frame.set(frame);
        Ok(frame)
    }
}

/// Copies the cells of a closure into the registers of the free variables.
///
/// # Safety
/// The frame of `code` at `base` was just pushed.
#[inline]
pub(crate) unsafe fn copy_closure(code: &Code, base: *mut Value, closure: &Object) {
    if let Some(cells) = closure.downcast::<Tuple>() {
        for (i, cell) in cells.items().iter().enumerate() {
            // SAFETY: free variables have registers; the count was checked when
            // the closure was set.
            unsafe { *base.add(code.free_base + i) = cell.clone().into_value() };
        }
    }
}

impl Vm {
    /// The first free register for a window of a call from native code.
    pub(crate) fn free_window(&self) -> *mut Value {
        let frame = self.frame.get();
        // SAFETY: the current frame is alive.
        if frame.is_null() { self.stack_base } else { unsafe { (*frame).window() } }
    }
    /// Globals of the running Python code.
    pub fn current_globals(&self) -> Option<Object> {
        let frame = self.frame.get();
        if frame.is_null() {
            return None;
        }
        // SAFETY: frames keep their globals alive.
        Some(unsafe { Object::from_borrowed((*frame).globals) })
    }
    /// The locals of the running code, as `locals()` gives them.
    pub fn current_locals(&self) -> Result {
        let frame = self.frame.get();
        if frame.is_null() {
            return Err(self.system_error("frame does not exist"));
        }
        crate::types::traceback::frame_locals(self, frame)
    }
}

/// Runs a code object (a module, `exec`, `eval`).
pub fn run_code(vm: &Vm, code: &Object, globals: &Object, locals: &Object) -> Result {
    run_code_with(vm, code, globals, locals, &Object::UNBOUND)
}

/// As [`run_code`], with a closure.
pub fn run_code_with(vm: &Vm, code: &Object, globals: &Object, locals: &Object, closure: &Object) -> Result {
    vm.check_native_stack("")?;
    let Some(c) = code.downcast::<Code>() else { return Err(vm.type_error("expected a code object")) };
    let builtins = crate::types::function::builtins_of(vm, globals);
    // SAFETY: the window is free; code, globals, builtins and locals are kept
    // alive by our references while the frame runs.
    unsafe {
        let base = vm.free_window();
        let frame = push_frame(
            vm,
            c,
            base,
            0,
            Value::UNBOUND,
            globals.value(),
            builtins.value(),
            frame_flags::ENTRY,
        )?;
        (*frame).locals = locals.value();
        copy_closure(c, base, closure);
        let result = run(vm, frame, false)?;
        Ok(Object::from_owned(result))
    }
}

/// Runs the body of a class: the function's code with `namespace` as locals.
pub(crate) fn run_class_body(vm: &Vm, _function: &Object, f: &Function, namespace: &Object) -> Result {
    vm.check_native_stack("")?;
    let code = f.code_object();
    let Some(c) = code.downcast::<Code>() else { return Err(vm.system_error("class body")) };
    // SAFETY: as in run_code_with.
    unsafe {
        let base = vm.free_window();
        let frame = push_frame(
            vm,
            c,
            base,
            0,
            _function.value(),
            f.globals.value(),
            f.builtins.value(),
            frame_flags::ENTRY,
        )?;
        (*frame).locals = namespace.value();
        copy_closure(c, base, f.closure());
        let result = run(vm, frame, false)?;
        Ok(Object::from_owned(result))
    }
}

/// Class and first argument for `super()` without arguments.
pub(crate) fn super_arguments(vm: &Vm) -> Result<(Object, Object)> {
    let frame = vm.frame.get();
    if frame.is_null() {
        return Err(vm.runtime_error("super(): no current frame"));
    }
    // SAFETY: the current frame and its registers are alive.
    unsafe {
        let code = &*(*frame).code;
        if code.argcount == 0 {
            return Err(vm.runtime_error("super(): no arguments"));
        }
        let mut first = Object::from_borrowed(*(*frame).base);
        if let Some(cell) = first.downcast::<crate::types::cell::CellObject>()
            && code.locals.first().is_some_and(|(_, kind)| kind.contains(LocalKind::CELL))
        {
            first = cell.get().unwrap_or(Object::UNBOUND);
        }
        if first.is_unbound() {
            return Err(vm.runtime_error("super(): arg[0] deleted"));
        }
        for (i, (local, kind)) in code.locals.iter().enumerate() {
            if kind.contains(LocalKind::FREE) && local.value() == name::class.value() {
                let cell = Object::from_borrowed(*(*frame).base.add(i));
                let Some(cell) = cell.downcast::<crate::types::cell::CellObject>() else {
                    return Err(vm.runtime_error("super(): bad __class__ cell"));
                };
                return match cell.get() {
                    Some(class) if Type::of(&class).is_some() => Ok((class, first)),
                    Some(class) => Err(vm.runtime_error(format!(
                        "super(): __class__ is not a type ({})",
                        class.ty().name()
                    ))),
                    None => Err(vm.runtime_error("super(): empty __class__ cell")),
                };
            }
        }
        Err(vm.runtime_error("super(): __class__ cell not found"))
    }
}

/// Is the frame's generator suspended in a `yield from` or `await`? Then its
/// inner iterator.
///
/// # Safety
/// The frame is a suspended generator's.
pub(crate) unsafe fn suspended_inner(frame: *const Frame) -> Option<Object> {
    // SAFETY: says the caller.
    unsafe {
        let code = &*(*frame).code;
        let start = code.instructions_ptr() as *const _;
        if (*frame).ip <= start {
            return None;
        }
        let ins = *(*frame).ip.sub(1);
        if ins.op_byte() == Opcode::YieldFrom as u8 {
            let inner = *(*frame).base.add(ins.b());
            if inner.is_unbound() {
                return None;
            }
            return Some(Object::from_borrowed(inner));
        }
        None
    }
}
