//! Running Python code: frames, the loop, calls, and the entry points for the
//! rest of the runtime.

pub mod call;
mod core;
pub mod events;
pub mod frame;
pub mod jump;
mod ops;
pub mod quick;
mod run;
mod slow;
mod traced;
pub mod unwind;

pub(crate) use run::plain_table;
pub use run::{Table, run};
pub use slow::awaitable_iterator;
pub use slow::{AttrEntry, exception_matches, new_attr_table, raise_value};

use crate::names::name;
use crate::prelude::*;
use crate::types::code::Code;
use crate::types::function::Function;
use frame::{Frame, frame_flags};
use taipan_bytecode::{LocalKind, Opcode};

/// Pushes a frame for `code` whose registers start at `base`. The registers up
/// to `filled` are set already; the other named ones become UNBOUND. Temporaries
/// are left as they are: a dead register holds no pointer.
///
/// # Safety
/// `base` is a free window of the register stack; `function` is the function of
/// `code`, alive while the frame is.
#[inline]
pub(crate) unsafe fn push_frame(
    vm: &Vm,
    code: &Code,
    base: *mut Value,
    filled: usize,
    function: Value,
    flags: u32,
) -> Result<*mut Frame> {
    // SAFETY: as the caller's; the room was made.
    unsafe {
        if let Some(frame) = push_fast(vm, code, base, filled, function, flags) {
            return Ok(frame);
        }
        make_room(vm, code, base, filled)?;
        match push_fast(vm, code, base, filled, function, flags) {
            Some(frame) => Ok(frame),
            None => Err(vm.recursion_error("maximum recursion depth exceeded")),
        }
    }
}

/// As [`push_frame`], if there is room that is known to hold no stale words.
///
/// # Safety
/// As [`push_frame`].
#[inline(always)]
pub(crate) unsafe fn push_fast(
    vm: &Vm,
    code: &Code,
    base: *mut Value,
    filled: usize,
    function: Value,
    flags: u32,
) -> Option<*mut Frame> {
    // SAFETY: bounds are checked before anything is written.
    unsafe {
        let depth = vm.depth.get() + 1;
        let frame = vm.frame_top.get();
        if depth > vm.interp().recursion_limit.get()
            || base.add(code.registers) > vm.stack_high.get()
            || frame >= vm.frame_end
        {
            return None;
        }
        vm.depth.set(depth);
        let mut slot = base.add(filled);
        let end = base.add(code.first_temp);
        while slot < end {
            *slot = Value::UNBOUND;
            slot = slot.add(1);
        }
        (*frame).enter(code, base, function, vm.frame.get(), flags);
        vm.frame_top.set(frame.add(1));
        vm.frame.set(frame);
        vm.consts.set(code.consts_ptr());
        vm.caches.set(code.caches_ptr());
        Some(frame)
    }
}

/// Makes the registers of a frame at `base` usable for the first time.
#[cold]
#[inline(never)]
unsafe fn make_room(vm: &Vm, code: &Code, base: *mut Value, filled: usize) -> Result<()> {
    // SAFETY: the register stack reaches to `stack_end`.
    unsafe {
        let end = base.add(code.registers);
        if vm.depth.get() + 1 > vm.interp().recursion_limit.get()
            || vm.frame_top.get() >= vm.frame_end
            || end >= vm.stack_end
        {
            return Err(vm.recursion_error("maximum recursion depth exceeded"));
        }
        // Some more at once, so that this is rare.
        let end = std::cmp::min(end.wrapping_add(256), vm.stack_end);
        let mut slot = std::cmp::max(vm.stack_high.get(), base.add(filled));
        while slot < end {
            *slot = Value::UNBOUND;
            slot = slot.add(1);
        }
        if end > vm.stack_high.get() {
            vm.stack_high.set(end);
        }
        Ok(())
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
            return self.globals_without_frame();
        }
        // SAFETY: frames keep their globals alive.
        Some(unsafe { Object::from_borrowed((*frame).globals()) })
    }
    /// The locals of the running code, as `locals()` gives them.
    pub fn current_locals(&self) -> Result {
        let frame = self.frame.get();
        if frame.is_null() {
            return self.globals_without_frame().ok_or_else(|| self.system_error("frame does not exist"));
        }
        crate::types::traceback::frame_locals(self, frame)
    }
    /// What another interpreter calls here runs in `__main__`.
    #[cold]
    fn globals_without_frame(&self) -> Option<Object> {
        let modules = self.interp().modules.downcast::<Dict>().filter(|_| self.interp().id != 0)?;
        Some(crate::types::module::dict_of(&modules.get_text(self, "__main__")?))
    }
}

/// Runs a code object (a module, `exec`, `eval`).
pub fn run_code(vm: &Vm, code: &Object, globals: &Object, locals: &Object) -> Result {
    run_code_with(vm, code, globals, locals, &Object::UNBOUND)
}

/// As [`run_code`], with a closure.
pub fn run_code_with(vm: &Vm, code: &Object, globals: &Object, locals: &Object, closure: &Object) -> Result {
    if code.downcast::<Code>().is_none() {
        return Err(vm.type_error("expected a code object"));
    }
    let function = crate::types::function::new(vm, code.clone(), globals.clone());
    // SAFETY: just made.
    let f = unsafe { function.payload_unchecked::<Function>() };
    drop(f.set(&f.closure, closure.clone()));
    run_body(vm, &function, f, locals)
}

/// Runs a function's code with `namespace` as its locals: bodies of classes and modules.
pub(crate) fn run_body(vm: &Vm, function: &Object, f: &Function, namespace: &Object) -> Result {
    vm.check_native_stack("")?;
    let code_alive = f.code_object();
    // SAFETY: the window is free; function, code and namespace are kept alive by
    // our references while the frame runs.
    unsafe {
        let code = code_alive.payload_unchecked::<Code>();
        let base = vm.free_window();
        let frame = push_frame(vm, code, base, 0, function.value(), frame_flags::ENTRY)?;
        (*frame).set_locals(namespace.value());
        copy_closure(code, base, f.closure());
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
            && code.locals(vm).first().is_some_and(|(_, kind)| kind.contains(LocalKind::CELL))
        {
            first = cell.get().unwrap_or(Object::UNBOUND);
        }
        if first.is_unbound() {
            return Err(vm.runtime_error("super(): arg[0] deleted"));
        }
        for (i, (local, kind)) in code.locals(vm).iter().enumerate() {
            if kind.contains(LocalKind::FREE) && local.value() == name::class.value() {
                let cell = Object::from_borrowed(*(*frame).base.add(i));
                let Some(cell) = cell.downcast::<crate::types::cell::CellObject>() else {
                    return Err(vm.runtime_error("super(): bad __class__ cell"));
                };
                return match cell.get() {
                    Some(class) if Type::of(&class).is_some() => Ok((class, first)),
                    Some(class) => Err(
                        vm.runtime_error(format!("super(): __class__ is not a type ({})", class.ty().name()))
                    ),
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
