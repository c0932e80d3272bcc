//! The loop. One `match`, three live variables: `ip`, `base`, `vm`.
//!
//! Registers are raw words. A dead register never holds a pointer; storing a
//! result drops what the register held. Whatever may run Python code saves
//! `ip` in the frame first and goes through [`slow`], which takes ownership of
//! what it borrowed.

use super::frame::{Frame, frame_flags as ff};
use super::{copy_closure, push_fast, push_frame, slow, unwind};
use crate::alloc::{INLINE_SHIFT, LAST_SHIFT};
use crate::prelude::*;
use crate::types::code::Cache;
use crate::types::dict::Dict;
use crate::types::function::{FUNCTION, Function, METHOD, Method};
use crate::types::generator::{self, Generator};
use crate::types::iterators::{LIST_ITERATOR, ListIterator, TUPLE_ITERATOR, TupleIterator};
use crate::types::list::{LIST, List};
use crate::types::native_function::{BUILTIN_FUNCTION, METHOD_DESCRIPTOR};
use crate::types::range::{RANGE_ITERATOR, RangeIterator};
use crate::types::tuple::TUPLE;
use taipan_bytecode::instruction::flags as f;
use taipan_bytecode::{Instruction, Opcode};
use taipan_object::heap;

/// Why the dispatch loop was left.
enum Exit {
    /// An exception is in the thread state; `frame.ip` is saved.
    Raise,
    /// The frame returns this word.
    Return(Value),
    /// The generator frame yields this word; `frame.ip` is saved.
    Yield(Value),
}

#[inline(always)]
unsafe fn type_ptr(value: Value) -> *const Type {
    // SAFETY: the caller checked is_ptr; the object is alive.
    unsafe { (*value.as_ptr()).ty() as *const Type }
}

#[inline(always)]
unsafe fn payload<'a, T: NativeClass>(value: Value) -> &'a T {
    // SAFETY: the caller checked the type.
    unsafe { &(*(value.as_ptr() as *const crate::native::Payload<T>)).data }
}

#[inline(always)]
unsafe fn incref(value: Value) {
    // SAFETY: alive, says the caller.
    unsafe { taipan_object::object::incref(value) }
}

/// Runs `entry` (already pushed, with ENTRY set) until it returns, yields or
/// raises. With `raising`, starts by unwinding the exception on its way.
///
/// # Safety
/// `entry` is the thread's current frame.
pub unsafe fn run(vm: &Vm, entry: *mut Frame, raising: bool) -> Result<Value> {
    // SAFETY: as the caller's.
    unsafe {
        let result = run_loop(vm, entry, raising);
        // Whoever called us may be Python code again.
        if let Some(frame) = vm.frame.get().as_ref() {
            frame.select(vm);
        }
        result
    }
}

unsafe fn run_loop(vm: &Vm, entry: *mut Frame, raising: bool) -> Result<Value> {
    // SAFETY: frames, registers and code stay alive while their frame runs; every
    // register access is in range because the code was verified; ownership of
    // words follows the invariants of the instruction table.
    unsafe {
        let mut base: *mut Value = (*entry).base;
        let mut ip: *const Instruction = (*entry).ip;
        (*entry).select(vm);
        let mut exit = if raising { Some(Exit::Raise) } else { None };

        // The running frame. Kept in the thread state: fewer live variables leave `ip`
        // and `base` in registers.
        macro_rules! frame {
            () => {
                vm.frame.get()
            };
        }
        // Goes on in another frame, which is the thread's current one.
        macro_rules! switch {
            ($frame:expr) => {{
                let to: *mut Frame = $frame;
                base = (*to).base;
                ip = (*to).ip;
                (*to).select(vm);
            }};
        }
        macro_rules! reg {
            ($i:expr) => {
                *base.add($i)
            };
        }
        // Drops a word that nobody refers to any more.
        macro_rules! drop_value {
            ($v:expr) => {{
                let value: Value = $v;
                if value.is_ptr() && (*value.as_ptr()).decref() {
                    (*frame!()).ip = ip;
                    heap::destroy(value.as_ptr());
                }
            }};
        }
        macro_rules! set {
            ($i:expr, $v:expr) => {{
                let slot = base.add($i);
                let old = *slot;
                *slot = $v;
                drop_value!(old);
            }};
        }
        macro_rules! free_b {
            ($ins:expr) => {
                if $ins.has(f::B_TEMP) {
                    let slot = base.add($ins.b());
                    let old = *slot;
                    *slot = Value::UNBOUND;
                    drop_value!(old);
                }
            };
        }
        macro_rules! free_c {
            ($ins:expr) => {
                if $ins.has(f::C_TEMP) {
                    let slot = base.add($ins.c());
                    let old = *slot;
                    *slot = Value::UNBOUND;
                    drop_value!(old);
                }
            };
        }
        macro_rules! operand_b {
            ($ins:expr) => {{
                let from = if $ins.has(f::B_CONST) { vm.consts.get() } else { base as *const Value };
                *from.add($ins.b())
            }};
        }
        macro_rules! operand_c {
            ($ins:expr) => {{
                let from = if $ins.has(f::C_CONST) { vm.consts.get() } else { base as *const Value };
                *from.add($ins.c())
            }};
        }
        macro_rules! cache {
            ($ins:expr) => {
                &mut *vm.caches.get().add($ins.c())
            };
        }

        'outer: loop {
            let leave = match exit.take() {
                Some(exit) => exit,
                None => 'dispatch: loop {
                    let ins = *ip;
                    ip = ip.add(1);

                    macro_rules! fail {
                        () => {{
                            (*frame!()).ip = ip;
                            break 'dispatch Exit::Raise;
                        }};
                    }
                    // A slow path that stores its own result.
                    macro_rules! slow {
                        ($call:expr) => {{
                            (*frame!()).ip = ip;
                            if $call.is_err() {
                                break 'dispatch Exit::Raise;
                            }
                        }};
                    }
                    macro_rules! arith {
                        ($op:ident, $inplace:expr, |$x:ident, $y:ident| $int:expr, |$p:ident, $q:ident| $float:expr) => {{
                            let b = operand_b!(ins);
                            let c = operand_c!(ins);
                            if b.both_int(c) {
                                let ($x, $y) = (b.bits() as i64, c.bits() as i64);
                                let result: Option<i64> = $int;
                                if let Some(bits) = result {
                                    set!(ins.a(), Value::from_bits(bits as u64));
                                    continue 'dispatch;
                                }
                            } else if b.is_float() && c.is_float() {
                                let ($p, $q) = (b.as_float(), c.as_float());
                                if let Some(value) = Value::small_float($float) {
                                    set!(ins.a(), value);
                                    continue 'dispatch;
                                }
                            }
                            slow!(slow::binary(vm, frame!(), ins, BinaryOp::$op, $inplace));
                        }};
                    }
                    macro_rules! compare_done {
                        ($cond:expr) => {{
                            let cond: bool = $cond;
                            if ins.has(f::FUSED) {
                                let jump = *ip;
                                ip = ip.add(1);
                                if cond == (jump.op_byte() == Opcode::JumpIfTrue as u8) {
                                    ip = ip.offset(jump.bc() as isize);
                                }
                            } else {
                                set!(ins.a(), Value::from_bool(cond));
                            }
                        }};
                    }
                    macro_rules! compare {
                        ($op:ident, |$x:ident, $y:ident| $int:expr, |$p:ident, $q:ident| $float:expr) => {{
                            let b = operand_b!(ins);
                            let c = operand_c!(ins);
                            if b.both_int(c) {
                                let ($x, $y) = (b.bits() as i64, c.bits() as i64);
                                compare_done!($int);
                            } else if b.is_float() && c.is_float() {
                                let ($p, $q) = (b.as_float(), c.as_float());
                                compare_done!($float);
                            } else {
                                slow!(slow::compare(vm, frame!(), ins, CompareOp::$op));
                            }
                        }};
                    }
                    // Calls a Python function whose arguments fill its parameters; the callable
                    // in register `b` dies when it returns.
                    macro_rules! enter_function {
                        ($code:expr, $function:expr, $window:expr, $argc:expr, $callee:expr, $b:expr) => {{
                            let mut pushed = push_fast(vm, $code, $window, $argc, $callee, ff::DROP_CALLABLE);
                            if pushed.is_none() {
                                pushed = slow::push(vm, frame!(), $b, $code, $window, $argc, $callee);
                            }
                            let Some(new) = pushed else { break 'dispatch Exit::Raise };
                            if $code.free_base < $code.first_temp {
                                copy_closure($code, $window, $function.closure());
                            }
                            base = (*new).base;
                            ip = (*new).ip;
                            continue 'dispatch;
                        }};
                    }
                    // Leaves a frame; at once in the commonest case.
                    macro_rules! breaker_set {
                        () => {
                            (*vm.breaker).load(std::sync::atomic::Ordering::Relaxed) != 0
                        };
                    }
                    macro_rules! return_value {
                        ($value:expr) => {{
                            (*frame!()).ip = ip;
                            // A return is a safe point: recursion without loops has no other.
                            if (*frame!()).flags != ff::DROP_CALLABLE || breaker_set!() {
                                break 'dispatch Exit::Return($value);
                            }
                            leave_frame(vm, frame!());
                            switch!(frame!());
                            let pending = *ip.sub(1);
                            let callable = reg!(pending.b());
                            reg!(pending.b()) = Value::UNBOUND;
                            set!(pending.a(), $value);
                            drop_value!(callable);
                            continue 'dispatch;
                        }};
                    }
                    // A load whose cache missed.
                    macro_rules! shared_attr {
                        ($b:expr, $cache:expr) => {{
                            let value = slow::shared_attr(vm, $b, $cache);
                            if value.is_unbound() {
                                slow!(slow::load_attr(vm, frame!(), ins));
                            } else {
                                incref(value);
                                if ins.has(f::B_TEMP) {
                                    reg!(ins.b()) = Value::UNBOUND;
                                    set!(ins.a(), value);
                                    drop_value!($b);
                                } else {
                                    set!(ins.a(), value);
                                }
                            }
                        }};
                    }
                    // Enters a frame that was just pushed.
                    macro_rules! enter {
                        ($pushed:expr) => {{
                            switch!($pushed);
                        }};
                    }

                    // SAFETY of the transmute: code is verified, so that only bytes that
                    // name opcodes are reached.
                    match std::mem::transmute::<u8, Opcode>(ins.op_byte()) {
                        // Not empty: LLVM gives every handler a dispatch of its own only if no
                        // handler is the dispatch itself.
                        Opcode::Nop => std::arch::asm!("", options(nomem, nostack, preserves_flags)),
                        Opcode::Move => {
                            let b = reg!(ins.b());
                            if ins.has(f::B_TEMP) {
                                reg!(ins.b()) = Value::UNBOUND;
                            } else if b.is_ptr() {
                                (*b.as_ptr()).incref();
                            } else if b.is_unbound() {
                                (*frame!()).ip = ip;
                                drop(slow::unbound(vm, frame!(), ins.b()));
                                break 'dispatch Exit::Raise;
                            }
                            set!(ins.a(), b);
                        }
                        Opcode::Move2 => {
                            let b = operand_b!(ins);
                            if ins.has(f::B_TEMP) {
                                reg!(ins.b()) = Value::UNBOUND;
                            } else if b.is_ptr() {
                                (*b.as_ptr()).incref();
                            } else if b.is_unbound() {
                                (*frame!()).ip = ip;
                                drop(slow::unbound(vm, frame!(), ins.b()));
                                break 'dispatch Exit::Raise;
                            }
                            set!(ins.a(), b);
                            let c = operand_c!(ins);
                            if ins.has(f::C_TEMP) {
                                reg!(ins.c()) = Value::UNBOUND;
                            } else if c.is_ptr() {
                                (*c.as_ptr()).incref();
                            } else if c.is_unbound() {
                                (*frame!()).ip = ip;
                                drop(slow::unbound(vm, frame!(), ins.c()));
                                break 'dispatch Exit::Raise;
                            }
                            set!(ins.a() + 1, c);
                        }
                        Opcode::LoadConst => {
                            let value = *vm.consts.get().add(ins.bc() as u32 as usize);
                            incref(value);
                            set!(ins.a(), value);
                        }
                        Opcode::Drop => {
                            let old = reg!(ins.a());
                            reg!(ins.a()) = Value::UNBOUND;
                            drop_value!(old);
                        }
                        Opcode::DeleteLocal => {
                            let old = reg!(ins.a());
                            if old.is_unbound() {
                                (*frame!()).ip = ip;
                                drop(slow::unbound(vm, frame!(), ins.a()));
                                break 'dispatch Exit::Raise;
                            }
                            reg!(ins.a()) = Value::UNBOUND;
                            drop_value!(old);
                        }
                        Opcode::ClearLocal => {
                            let old = reg!(ins.a());
                            reg!(ins.a()) = Value::UNBOUND;
                            drop_value!(old);
                        }

                        // ---- names ------------------------------------------------
                        Opcode::LoadGlobalModule => {
                            let cache = cache!(ins);
                            let globals = Dict::from_raw((*frame!()).globals());
                            if globals.version() == cache.version {
                                let value = globals.entries().get_unchecked(cache.index as usize).value;
                                incref(value);
                                set!(ins.a(), value);
                            } else {
                                slow!(slow::load_global(vm, frame!(), ins));
                            }
                        }
                        Opcode::LoadGlobalBuiltin => {
                            let cache = cache!(ins);
                            let globals = Dict::from_raw((*frame!()).globals());
                            let builtins = Dict::from_raw((*frame!()).builtins());
                            if globals.version() == cache.version && builtins.version() == cache.version2 {
                                let value = builtins.entries().get_unchecked(cache.index as usize).value;
                                incref(value);
                                set!(ins.a(), value);
                            } else {
                                slow!(slow::load_global(vm, frame!(), ins));
                            }
                        }
                        Opcode::LoadGlobal => slow!(slow::load_global(vm, frame!(), ins)),
                        Opcode::StoreGlobal => slow!(slow::store_global(vm, frame!(), ins)),
                        Opcode::DeleteGlobal => slow!(slow::delete_global(vm, frame!(), ins)),
                        Opcode::LoadName => slow!(slow::load_name(vm, frame!(), ins)),
                        Opcode::StoreName => slow!(slow::store_name(vm, frame!(), ins)),
                        Opcode::DeleteName => slow!(slow::delete_name(vm, frame!(), ins)),
                        Opcode::LoadLocals => slow!(slow::load_locals(vm, frame!(), ins)),
                        Opcode::MakeCell => slow!(slow::make_cell(vm, frame!(), ins)),
                        Opcode::LoadDeref => {
                            let content = payload::<crate::types::cell::CellObject>(reg!(ins.b())).value();
                            if content.is_unbound() {
                                (*frame!()).ip = ip;
                                drop(slow::unbound(vm, frame!(), ins.b()));
                                break 'dispatch Exit::Raise;
                            }
                            incref(content);
                            set!(ins.a(), content);
                        }
                        Opcode::StoreDeref => slow!(slow::store_deref(vm, frame!(), ins)),
                        Opcode::DeleteDeref => slow!(slow::delete_deref(vm, frame!(), ins)),
                        Opcode::LoadFromDictOrDeref => {
                            slow!(slow::load_from_dict_or_deref(vm, frame!(), ins))
                        }
                        Opcode::LoadFromDictOrGlobals => {
                            slow!(slow::load_from_dict_or_globals(vm, frame!(), ins))
                        }

                        // ---- attributes -------------------------------------------
                        Opcode::LoadAttrInline | Opcode::LoadAttrSlot => {
                            let b = reg!(ins.b());
                            let cache = cache!(ins);
                            if b.is_ptr() && (*type_ptr(b)).version.get() == cache.version {
                                let value =
                                    *((b.as_ptr() as *const u8).add(cache.index as usize) as *const Value);
                                if !value.is_unbound() {
                                    incref(value);
                                    if ins.has(f::B_TEMP) {
                                        reg!(ins.b()) = Value::UNBOUND;
                                        set!(ins.a(), value);
                                        drop_value!(b);
                                    } else {
                                        set!(ins.a(), value);
                                    }
                                    continue 'dispatch;
                                }
                            }
                            shared_attr!(b, cache);
                        }
                        Opcode::LoadAttrClass => {
                            let b = reg!(ins.b());
                            let cache = cache!(ins);
                            if b.is_ptr()
                                && (*type_ptr(b)).version.get() == cache.version
                                && not_shadowed(b, cache)
                            {
                                let value = cache.value;
                                incref(value);
                                free_b!(ins);
                                set!(ins.a(), value);
                                continue 'dispatch;
                            }
                            shared_attr!(b, cache);
                        }
                        Opcode::LoadAttrType => {
                            let b = reg!(ins.b());
                            let cache = cache!(ins);
                            if b.is_ptr()
                                && (*type_ptr(b)).has(type_flags::TYPE_SUBCLASS)
                                && (*(b.as_ptr() as *const Type)).version.get() == cache.version
                            {
                                let value = cache.value;
                                incref(value);
                                free_b!(ins);
                                set!(ins.a(), value);
                                continue 'dispatch;
                            }
                            slow!(slow::load_attr(vm, frame!(), ins));
                        }
                        Opcode::LoadAttrModule => {
                            let b = reg!(ins.b());
                            let cache = cache!(ins);
                            if let Some(value) = module_entry(b, cache) {
                                incref(value);
                                free_b!(ins);
                                set!(ins.a(), value);
                                continue 'dispatch;
                            }
                            slow!(slow::load_attr(vm, frame!(), ins));
                        }
                        Opcode::LoadAttrDict => {
                            let b = reg!(ins.b());
                            let cache = cache!(ins);
                            if b.is_ptr() && (*type_ptr(b)).version.get() == cache.version {
                                let ty = &*type_ptr(b);
                                let dict =
                                    *((b.as_ptr() as *const u8).add(ty.dict_offset.get()) as *const Value);
                                if dict.is_ptr() {
                                    let entries = Dict::from_raw(dict).entries();
                                    if let Some(entry) = entries.get(cache.index as usize)
                                        && entry.key == cache.name
                                    {
                                        let value = entry.value;
                                        incref(value);
                                        free_b!(ins);
                                        set!(ins.a(), value);
                                        continue 'dispatch;
                                    }
                                }
                            }
                            slow!(slow::load_attr(vm, frame!(), ins));
                        }
                        Opcode::LoadAttrProperty => {
                            let b = reg!(ins.b());
                            let cache = cache!(ins);
                            if b.is_ptr() && (*type_ptr(b)).version.get() == cache.version {
                                let func = cache.value;
                                let function = payload::<Function>(func);
                                let code = function.code();
                                let window = (*frame!()).window();
                                if window.add(2) < vm.stack_end && code.fast_argc == 1 {
                                    if ins.has(f::B_TEMP) {
                                        reg!(ins.b()) = Value::UNBOUND;
                                    } else {
                                        incref(b);
                                    }
                                    *window = b;
                                    (*frame!()).ip = ip;
                                    let pushed =
                                        push_frame(vm, code, window, 1, func, ff::PLAIN | ff::OWNS_EXTRA);
                                    match pushed {
                                        Ok(new) => {
                                            incref(func);
                                            (*new).extra = func;
                                            copy_closure(code, window, function.closure());
                                            enter!(new);
                                            continue 'dispatch;
                                        }
                                        Err(_) => {
                                            super::call::drop_window(window, 1);
                                            break 'dispatch Exit::Raise;
                                        }
                                    }
                                }
                            }
                            slow!(slow::load_attr(vm, frame!(), ins));
                        }
                        Opcode::LoadAttr => slow!(slow::load_attr(vm, frame!(), ins)),
                        Opcode::LoadMethodCached => {
                            let b = operand_b!(ins);
                            let cache = cache!(ins);
                            if super::slow::type_version(b) == cache.version && not_shadowed(b, cache) {
                                let a = ins.a();
                                let func = cache.value;
                                incref(func);
                                if ins.has(f::B_TEMP) {
                                    reg!(ins.b()) = Value::UNBOUND;
                                } else {
                                    incref(b);
                                }
                                reg!(a) = func;
                                reg!(a + 1) = b;
                                continue 'dispatch;
                            }
                            let func = slow::shared_method(vm, b, cache);
                            if !func.is_unbound() {
                                let a = ins.a();
                                incref(func);
                                if ins.has(f::B_TEMP) {
                                    reg!(ins.b()) = Value::UNBOUND;
                                } else {
                                    incref(b);
                                }
                                reg!(a) = func;
                                reg!(a + 1) = b;
                                continue 'dispatch;
                            }
                            slow!(slow::load_method(vm, frame!(), ins));
                        }
                        Opcode::LoadMethodModule => {
                            let b = reg!(ins.b());
                            let cache = cache!(ins);
                            if let Some(value) = module_entry(b, cache) {
                                incref(value);
                                free_b!(ins);
                                reg!(ins.a()) = value;
                                reg!(ins.a() + 1) = Value::UNBOUND;
                                continue 'dispatch;
                            }
                            slow!(slow::load_method(vm, frame!(), ins));
                        }
                        Opcode::LoadMethodType => {
                            let b = reg!(ins.b());
                            let cache = cache!(ins);
                            if b.is_ptr()
                                && (*type_ptr(b)).has(type_flags::TYPE_SUBCLASS)
                                && (*(b.as_ptr() as *const Type)).version.get() == cache.version
                            {
                                let value = cache.value;
                                incref(value);
                                free_b!(ins);
                                reg!(ins.a()) = value;
                                reg!(ins.a() + 1) = Value::UNBOUND;
                                continue 'dispatch;
                            }
                            slow!(slow::load_method(vm, frame!(), ins));
                        }
                        Opcode::LoadMethod => slow!(slow::load_method(vm, frame!(), ins)),
                        Opcode::StoreAttrInline => {
                            let object = reg!(ins.a());
                            let cache = cache!(ins);
                            if object.is_ptr() && (*type_ptr(object)).version.get() == cache.version {
                                let slot =
                                    (object.as_ptr() as *mut u8).add(cache.index as usize) as *mut Value;
                                let old = *slot;
                                let header = &*object.as_ptr();
                                let position = cache.version2;
                                let ok = !old.is_unbound() || {
                                    let ty = &*type_ptr(object);
                                    let dict = *((object.as_ptr() as *const u8).add(ty.dict_offset.get())
                                        as *const Value);
                                    let last = header.flags() >> LAST_SHIFT & 0xff;
                                    if dict.is_unbound()
                                        && position >= last
                                        && position < header.flags() >> INLINE_SHIFT
                                    {
                                        header.unset(0xff << LAST_SHIFT);
                                        header.set((position + 1) << LAST_SHIFT);
                                        true
                                    } else {
                                        false
                                    }
                                };
                                if ok {
                                    let value = operand_b!(ins);
                                    if ins.has(f::B_TEMP) {
                                        reg!(ins.b()) = Value::UNBOUND;
                                    } else if value.is_unbound() {
                                        (*frame!()).ip = ip;
                                        drop(slow::unbound(vm, frame!(), ins.b()));
                                        break 'dispatch Exit::Raise;
                                    } else {
                                        incref(value);
                                    }
                                    *slot = value;
                                    drop_value!(old);
                                    if ins.has(f::A_TEMP) {
                                        reg!(ins.a()) = Value::UNBOUND;
                                        drop_value!(object);
                                    }
                                    continue 'dispatch;
                                }
                            }
                            let place = slow::shared_place(vm, object, cache);
                            if !place.is_null() {
                                let value = operand_b!(ins);
                                if !value.is_unbound() {
                                    if ins.has(f::B_TEMP) {
                                        reg!(ins.b()) = Value::UNBOUND;
                                    } else {
                                        incref(value);
                                    }
                                    let old = *place;
                                    *place = value;
                                    drop_value!(old);
                                    if ins.has(f::A_TEMP) {
                                        reg!(ins.a()) = Value::UNBOUND;
                                        drop_value!(object);
                                    }
                                    continue 'dispatch;
                                }
                            }
                            slow!(slow::store_attr(vm, frame!(), ins));
                        }
                        Opcode::StoreAttrSlot => {
                            let object = reg!(ins.a());
                            let cache = cache!(ins);
                            if object.is_ptr() && (*type_ptr(object)).version.get() == cache.version {
                                let value = operand_b!(ins);
                                if ins.has(f::B_TEMP) {
                                    reg!(ins.b()) = Value::UNBOUND;
                                } else if value.is_unbound() {
                                    (*frame!()).ip = ip;
                                    drop(slow::unbound(vm, frame!(), ins.b()));
                                    break 'dispatch Exit::Raise;
                                } else {
                                    incref(value);
                                }
                                let slot =
                                    (object.as_ptr() as *mut u8).add(cache.index as usize) as *mut Value;
                                let old = *slot;
                                *slot = value;
                                drop_value!(old);
                                if ins.has(f::A_TEMP) {
                                    reg!(ins.a()) = Value::UNBOUND;
                                    drop_value!(object);
                                }
                                continue 'dispatch;
                            }
                            slow!(slow::store_attr(vm, frame!(), ins));
                        }
                        Opcode::StoreAttr => slow!(slow::store_attr(vm, frame!(), ins)),
                        Opcode::DeleteAttr => slow!(slow::delete_attr(vm, frame!(), ins)),
                        Opcode::LoadSuperAttr => slow!(slow::load_super_attr(vm, frame!(), ins)),

                        // ---- items ----------------------------------------------------
                        Opcode::GetItem => {
                            let b = operand_b!(ins);
                            let c = operand_c!(ins);
                            if b.is_ptr() {
                                let ty = type_ptr(b);
                                let mut found = Value::UNBOUND;
                                if c.is_int() {
                                    let items: &[Object] = if ty == &raw const LIST {
                                        List::from_raw(b).items_unchecked()
                                    } else if ty == &raw const TUPLE {
                                        payload::<Tuple>(b).items()
                                    } else {
                                        &[]
                                    };
                                    let mut i = c.as_int();
                                    if i < 0 {
                                        i += items.len() as i64;
                                    }
                                    if (i as u64) < items.len() as u64 {
                                        found = items.get_unchecked(i as usize).value();
                                    }
                                } else if ty == &raw const crate::types::dict::DICT {
                                    found = slow::dict_value(vm, b, c);
                                }
                                if !found.is_unbound() {
                                    incref(found);
                                    let a = ins.a();
                                    if ins.has(f::B_TEMP) {
                                        reg!(ins.b()) = Value::UNBOUND;
                                        let old = reg!(a);
                                        reg!(a) = found;
                                        drop_value!(old);
                                        drop_value!(b);
                                    } else {
                                        set!(a, found);
                                    }
                                    if ins.has(f::C_TEMP) && ins.c() != a {
                                        free_c!(ins);
                                    } else if ins.has(f::C_TEMP) {
                                        // The key's register was the result's: `set!` dropped it.
                                    }
                                    continue 'dispatch;
                                }
                            }
                            if b.is_ptr() && (*type_ptr(b)).has(type_flags::HEAP) {
                                (*frame!()).ip = ip;
                                match slow::push_getitem(vm, frame!(), ins) {
                                    Ok(Some(new)) => {
                                        enter!(new);
                                        continue 'dispatch;
                                    }
                                    Ok(None) => {}
                                    Err(_) => break 'dispatch Exit::Raise,
                                }
                            }
                            slow!(slow::get_item(vm, frame!(), ins));
                        }
                        Opcode::SetItem => {
                            let container = reg!(ins.a());
                            let key = operand_b!(ins);
                            if container.is_ptr() && key.is_int() && type_ptr(container) == &raw const LIST {
                                let list = List::from_raw(container);
                                let mut i = key.as_int();
                                let len = list.len() as i64;
                                if i < 0 {
                                    i += len;
                                }
                                let value = operand_c!(ins);
                                if (i as u64) < len as u64 && !value.is_unbound() {
                                    if ins.has(f::C_TEMP) {
                                        reg!(ins.c()) = Value::UNBOUND;
                                    } else {
                                        incref(value);
                                    }
                                    let slot = list.items_unchecked().as_ptr().add(i as usize) as *mut Value;
                                    let old = *slot;
                                    *slot = value;
                                    drop_value!(old);
                                    if ins.has(f::A_TEMP) {
                                        reg!(ins.a()) = Value::UNBOUND;
                                        drop_value!(container);
                                    }
                                    continue 'dispatch;
                                }
                            }
                            slow!(slow::set_item(vm, frame!(), ins));
                        }
                        Opcode::DelItem => slow!(slow::del_item(vm, frame!(), ins)),
                        Opcode::BuildSlice => slow!(slow::build_slice(vm, frame!(), ins)),
                        Opcode::GetSlice => slow!(slow::get_slice(vm, frame!(), ins)),
                        Opcode::SetSlice => slow!(slow::set_slice(vm, frame!(), ins)),

                        // ---- operators ---------------------------------------------------
                        Opcode::Add => arith!(Add, false, |x, y| x.checked_add(y - 2), |p, q| p + q),
                        Opcode::Sub => arith!(Sub, false, |x, y| x.checked_sub(y - 2), |p, q| p - q),
                        Opcode::Mul => {
                            arith!(
                                Mul,
                                false,
                                |x, y| ((x - 2) >> 2).checked_mul(y - 2).map(|n| n | 2),
                                |p, q| p * q
                            )
                        }
                        Opcode::InplaceAdd => arith!(Add, true, |x, y| x.checked_add(y - 2), |p, q| p + q),
                        Opcode::InplaceSub => arith!(Sub, true, |x, y| x.checked_sub(y - 2), |p, q| p - q),
                        Opcode::InplaceMul => {
                            arith!(
                                Mul,
                                true,
                                |x, y| ((x - 2) >> 2).checked_mul(y - 2).map(|n| n | 2),
                                |p, q| p * q
                            )
                        }
                        Opcode::TrueDiv | Opcode::InplaceTrueDiv => {
                            let b = operand_b!(ins);
                            let c = operand_c!(ins);
                            if b.is_float() && c.is_float() {
                                let divisor = c.as_float();
                                if divisor != 0.0
                                    && let Some(value) = Value::small_float(b.as_float() / divisor)
                                {
                                    set!(ins.a(), value);
                                    continue 'dispatch;
                                }
                            }
                            let inplace = ins.op_byte() == Opcode::InplaceTrueDiv as u8;
                            slow!(slow::binary(vm, frame!(), ins, BinaryOp::TrueDiv, inplace));
                        }
                        Opcode::FloorDiv | Opcode::InplaceFloorDiv => {
                            let b = operand_b!(ins);
                            let c = operand_c!(ins);
                            if b.both_int(c) {
                                let (x, y) = (b.as_int(), c.as_int());
                                if y > 0 {
                                    set!(ins.a(), Value::int_unchecked(x.div_euclid(y)));
                                    continue 'dispatch;
                                }
                            }
                            let inplace = ins.op_byte() == Opcode::InplaceFloorDiv as u8;
                            slow!(slow::binary(vm, frame!(), ins, BinaryOp::FloorDiv, inplace));
                        }
                        Opcode::Mod | Opcode::InplaceMod => {
                            let b = operand_b!(ins);
                            let c = operand_c!(ins);
                            if b.both_int(c) {
                                let (x, y) = (b.as_int(), c.as_int());
                                if y > 0 {
                                    set!(ins.a(), Value::int_unchecked(x.rem_euclid(y)));
                                    continue 'dispatch;
                                }
                            }
                            let inplace = ins.op_byte() == Opcode::InplaceMod as u8;
                            slow!(slow::binary(vm, frame!(), ins, BinaryOp::Mod, inplace));
                        }
                        Opcode::And | Opcode::InplaceAnd => {
                            let b = operand_b!(ins);
                            let c = operand_c!(ins);
                            if b.both_int(c) {
                                set!(ins.a(), Value::from_bits(b.bits() & c.bits()));
                                continue 'dispatch;
                            }
                            let inplace = ins.op_byte() == Opcode::InplaceAnd as u8;
                            slow!(slow::binary(vm, frame!(), ins, BinaryOp::And, inplace));
                        }
                        Opcode::Or | Opcode::InplaceOr => {
                            let b = operand_b!(ins);
                            let c = operand_c!(ins);
                            if b.both_int(c) {
                                set!(ins.a(), Value::from_bits(b.bits() | c.bits()));
                                continue 'dispatch;
                            }
                            let inplace = ins.op_byte() == Opcode::InplaceOr as u8;
                            slow!(slow::binary(vm, frame!(), ins, BinaryOp::Or, inplace));
                        }
                        Opcode::Xor | Opcode::InplaceXor => {
                            let b = operand_b!(ins);
                            let c = operand_c!(ins);
                            if b.both_int(c) {
                                set!(ins.a(), Value::from_bits((b.bits() ^ c.bits()) | 2));
                                continue 'dispatch;
                            }
                            let inplace = ins.op_byte() == Opcode::InplaceXor as u8;
                            slow!(slow::binary(vm, frame!(), ins, BinaryOp::Xor, inplace));
                        }
                        Opcode::LShift | Opcode::InplaceLShift => {
                            let b = operand_b!(ins);
                            let c = operand_c!(ins);
                            if b.both_int(c) {
                                let (x, y) = (b.as_int(), c.as_int());
                                if (0..60).contains(&y)
                                    && let shifted = x << y
                                    && shifted >> y == x
                                    && let Some(value) = Value::small_int(shifted)
                                {
                                    set!(ins.a(), value);
                                    continue 'dispatch;
                                }
                            }
                            let inplace = ins.op_byte() == Opcode::InplaceLShift as u8;
                            slow!(slow::binary(vm, frame!(), ins, BinaryOp::LShift, inplace));
                        }
                        Opcode::RShift | Opcode::InplaceRShift => {
                            let b = operand_b!(ins);
                            let c = operand_c!(ins);
                            if b.both_int(c) {
                                let (x, y) = (b.as_int(), c.as_int());
                                if y >= 0 {
                                    set!(ins.a(), Value::int_unchecked(x >> y.min(63)));
                                    continue 'dispatch;
                                }
                            }
                            let inplace = ins.op_byte() == Opcode::InplaceRShift as u8;
                            slow!(slow::binary(vm, frame!(), ins, BinaryOp::RShift, inplace));
                        }
                        Opcode::Pow => slow!(slow::binary(vm, frame!(), ins, BinaryOp::Pow, false)),
                        Opcode::InplacePow => slow!(slow::binary(vm, frame!(), ins, BinaryOp::Pow, true)),
                        Opcode::MatMul => slow!(slow::binary(vm, frame!(), ins, BinaryOp::MatMul, false)),
                        Opcode::InplaceMatMul => {
                            slow!(slow::binary(vm, frame!(), ins, BinaryOp::MatMul, true))
                        }
                        Opcode::Negative => {
                            let b = operand_b!(ins);
                            if b.is_float() {
                                if let Some(value) = Value::small_float(-b.as_float()) {
                                    set!(ins.a(), value);
                                    continue 'dispatch;
                                }
                            } else if b.is_int()
                                && let Some(value) = Value::small_int(-b.as_int())
                            {
                                set!(ins.a(), value);
                                continue 'dispatch;
                            }
                            slow!(slow::unary(vm, frame!(), ins, UnaryOp::Neg));
                        }
                        Opcode::Positive => slow!(slow::unary(vm, frame!(), ins, UnaryOp::Pos)),
                        Opcode::Invert => slow!(slow::unary(vm, frame!(), ins, UnaryOp::Invert)),
                        Opcode::Not => {
                            let b = operand_b!(ins);
                            let cond = if b.is_bool() {
                                b.is(Value::FALSE)
                            } else if b.is_none() {
                                true
                            } else if b.is_int() {
                                b.as_int() == 0
                            } else {
                                (*frame!()).ip = ip;
                                match slow::truth_b(vm, frame!(), ins) {
                                    Ok(truth) => !truth,
                                    Err(_) => break 'dispatch Exit::Raise,
                                }
                            };
                            compare_done!(cond);
                        }
                        Opcode::ToBool => {
                            (*frame!()).ip = ip;
                            match slow::truth_b(vm, frame!(), ins) {
                                Ok(truth) => set!(ins.a(), Value::from_bool(truth)),
                                Err(_) => break 'dispatch Exit::Raise,
                            }
                        }
                        Opcode::Lt => compare!(Lt, |x, y| x < y, |p, q| p < q),
                        Opcode::Le => compare!(Le, |x, y| x <= y, |p, q| p <= q),
                        Opcode::Eq => compare!(Eq, |x, y| x == y, |p, q| p == q),
                        Opcode::Ne => compare!(Ne, |x, y| x != y, |p, q| p != q),
                        Opcode::Gt => compare!(Gt, |x, y| x > y, |p, q| p > q),
                        Opcode::Ge => compare!(Ge, |x, y| x >= y, |p, q| p >= q),
                        Opcode::Is | Opcode::IsNot => {
                            let b = operand_b!(ins);
                            let c = operand_c!(ins);
                            if b.is_unbound() || c.is_unbound() {
                                (*frame!()).ip = ip;
                                let which = if b.is_unbound() { ins.b() } else { ins.c() };
                                drop(slow::unbound(vm, frame!(), which));
                                break 'dispatch Exit::Raise;
                            }
                            let same = b == c;
                            free_b!(ins);
                            free_c!(ins);
                            compare_done!(same == (ins.op_byte() == Opcode::Is as u8));
                        }
                        Opcode::In | Opcode::NotIn => {
                            (*frame!()).ip = ip;
                            match slow::contains(vm, frame!(), ins) {
                                Ok(found) => {
                                    compare_done!(found == (ins.op_byte() == Opcode::In as u8))
                                }
                                Err(_) => break 'dispatch Exit::Raise,
                            }
                        }

                        // ---- jumps --------------------------------------------------------
                        Opcode::Jump => ip = ip.offset(ins.bc() as isize),
                        Opcode::JumpBack => {
                            if breaker_set!() {
                                slow!(slow::eval_breaker(vm));
                            }
                            ip = ip.offset(ins.bc() as isize);
                        }
                        Opcode::JumpIfFalse | Opcode::JumpIfTrue => {
                            let value = reg!(ins.a());
                            let truth = if value.is_bool() {
                                value.is(Value::TRUE)
                            } else if value.is_none() {
                                false
                            } else if value.is_int() {
                                value.as_int() != 0
                            } else {
                                (*frame!()).ip = ip;
                                match slow::truth_a(vm, frame!(), ins) {
                                    Ok(truth) => truth,
                                    Err(_) => break 'dispatch Exit::Raise,
                                }
                            };
                            if truth == (ins.op_byte() == Opcode::JumpIfTrue as u8) {
                                ip = ip.offset(ins.bc() as isize);
                            }
                        }
                        Opcode::JumpIfNone | Opcode::JumpIfNotNone => {
                            let value = reg!(ins.a());
                            if value.is_unbound() {
                                (*frame!()).ip = ip;
                                drop(slow::unbound(vm, frame!(), ins.a()));
                                break 'dispatch Exit::Raise;
                            }
                            if ins.has(f::A_TEMP) {
                                reg!(ins.a()) = Value::UNBOUND;
                                drop_value!(value);
                            }
                            if value.is_none() == (ins.op_byte() == Opcode::JumpIfNone as u8) {
                                ip = ip.offset(ins.bc() as isize);
                            }
                        }

                        // ---- iteration -------------------------------------------------------
                        Opcode::GetIter => slow!(slow::get_iter(vm, frame!(), ins)),
                        Opcode::ForIter => {
                            if breaker_set!() {
                                slow!(slow::eval_breaker(vm));
                            }
                            let iterator = reg!(ins.a());
                            // A caller can put anything into the `.0` of a generator expression.
                            let ty = if iterator.is_ptr() { type_ptr(iterator) } else { std::ptr::null() };
                            if ty == &raw const RANGE_ITERATOR {
                                if let Some(item) = payload::<RangeIterator>(iterator).next_small() {
                                    set!(ins.b(), item);
                                    ip = ip.sub(ins.c());
                                } else {
                                    reg!(ins.a()) = Value::UNBOUND;
                                    drop_value!(iterator);
                                }
                            } else if ty == &raw const LIST_ITERATOR {
                                let it = payload::<ListIterator>(iterator);
                                let list = it.list.value();
                                if !list.is_unbound()
                                    && let Some(item) = List::from_raw(list).get_raw(it.index.get())
                                {
                                    it.index.set(it.index.get() + 1);
                                    incref(item);
                                    set!(ins.b(), item);
                                    ip = ip.sub(ins.c());
                                } else {
                                    // Others may hold the iterator: it stays exhausted.
                                    (*frame!()).ip = ip;
                                    drop(it.list.take());
                                    reg!(ins.a()) = Value::UNBOUND;
                                    drop_value!(iterator);
                                }
                            } else if ty == &raw const TUPLE_ITERATOR {
                                let it = payload::<TupleIterator>(iterator);
                                let tuple = it.tuple.value();
                                if !tuple.is_unbound()
                                    && let Some(item) = payload::<Tuple>(tuple).items().get(it.index.get())
                                {
                                    it.index.set(it.index.get() + 1);
                                    let item = item.value();
                                    incref(item);
                                    set!(ins.b(), item);
                                    ip = ip.sub(ins.c());
                                } else {
                                    reg!(ins.a()) = Value::UNBOUND;
                                    drop_value!(iterator);
                                }
                            } else if ty == &raw const generator::GENERATOR
                                && payload::<Generator>(iterator).can_resume()
                            {
                                (*frame!()).ip = ip;
                                match generator::push(vm, payload::<Generator>(iterator), Value::NONE, 0) {
                                    Ok(new) => enter!(new),
                                    Err(_) => break 'dispatch Exit::Raise,
                                }
                            } else {
                                (*frame!()).ip = ip;
                                match slow::for_iter(vm, frame!(), ins) {
                                    Ok(true) => ip = ip.sub(ins.c()),
                                    Ok(false) => {}
                                    Err(_) => break 'dispatch Exit::Raise,
                                }
                            }
                        }
                        Opcode::GetAIter => slow!(slow::get_aiter(vm, frame!(), ins)),
                        Opcode::GetANext => slow!(slow::get_anext(vm, frame!(), ins)),
                        Opcode::EndAsyncFor => slow!(slow::end_async_for(vm, frame!(), ins)),
                        Opcode::UnpackSequence => {
                            let b = reg!(ins.b());
                            let n = ins.c();
                            if b.is_ptr() && !ins.has(f::B_CONST) {
                                let ty = type_ptr(b);
                                let items: Option<&[Object]> = if ty == &raw const TUPLE {
                                    Some(payload::<Tuple>(b).items())
                                } else if ty == &raw const LIST {
                                    Some(List::from_raw(b).items_unchecked())
                                } else {
                                    None
                                };
                                if let Some(items) = items
                                    && items.len() == n
                                {
                                    let first = base.add(ins.a());
                                    if ins.has(f::B_TEMP) {
                                        reg!(ins.b()) = Value::UNBOUND;
                                    }
                                    for i in 0..n {
                                        let item = items.get_unchecked(i).value();
                                        incref(item);
                                        *first.add(i) = item;
                                    }
                                    if ins.has(f::B_TEMP) {
                                        drop_value!(b);
                                    }
                                    // The moves to variables that mostly follow, at once.
                                    let mut from = ins.a();
                                    while from + 2 <= ins.a() + n {
                                        let next = *ip;
                                        if next.op_byte() != Opcode::Move2 as u8
                                            || next.b() != from
                                            || next.c() != from + 1
                                            || next.flags()
                                                & (f::B_CONST | f::C_CONST | f::B_TEMP | f::C_TEMP)
                                                != f::B_TEMP | f::C_TEMP
                                        {
                                            break;
                                        }
                                        ip = ip.add(1);
                                        let (one, two) = (reg!(from), reg!(from + 1));
                                        reg!(from) = Value::UNBOUND;
                                        reg!(from + 1) = Value::UNBOUND;
                                        let old = reg!(next.a());
                                        reg!(next.a()) = one;
                                        let old2 = reg!(next.a() + 1);
                                        reg!(next.a() + 1) = two;
                                        drop_value!(old);
                                        drop_value!(old2);
                                        from += 2;
                                    }
                                    continue 'dispatch;
                                }
                            }
                            slow!(slow::unpack_sequence(vm, frame!(), ins));
                        }
                        Opcode::UnpackEx => slow!(slow::unpack_ex(vm, frame!(), ins)),

                        // ---- building -----------------------------------------------------------
                        Opcode::BuildTuple => slow!(slow::build_tuple(vm, frame!(), ins)),
                        Opcode::BuildList => slow!(slow::build_list(vm, frame!(), ins)),
                        Opcode::BuildSet => slow!(slow::build_set(vm, frame!(), ins)),
                        Opcode::BuildMap => slow!(slow::build_map(vm, frame!(), ins)),
                        Opcode::BuildString => slow!(slow::build_string(vm, frame!(), ins)),
                        Opcode::ListAppend => slow!(slow::list_append(vm, frame!(), ins)),
                        Opcode::SetAdd => slow!(slow::set_add(vm, frame!(), ins)),
                        Opcode::MapAdd => slow!(slow::map_add(vm, frame!(), ins)),
                        Opcode::ListExtend => slow!(slow::list_extend(vm, frame!(), ins)),
                        Opcode::SetUpdate => slow!(slow::set_update(vm, frame!(), ins)),
                        Opcode::DictUpdate => slow!(slow::dict_update(vm, frame!(), ins)),
                        Opcode::DictMerge => slow!(slow::dict_merge(vm, frame!(), ins)),
                        Opcode::ListToTuple => slow!(slow::list_to_tuple(vm, frame!(), ins)),
                        Opcode::FormatSimple => slow!(slow::format_simple(vm, frame!(), ins)),
                        Opcode::FormatWithSpec => slow!(slow::format_with_spec(vm, frame!(), ins)),
                        Opcode::ConvertValue => slow!(slow::convert_value(vm, frame!(), ins)),
                        Opcode::BuildInterpolation => slow!(slow::build_interpolation(vm, frame!(), ins)),
                        Opcode::BuildTemplate => slow!(slow::build_template(vm, frame!(), ins)),

                        // ---- calls ------------------------------------------------------------------
                        Opcode::Call | Opcode::CallClass => {
                            let b = ins.b();
                            let argc = ins.flags() as usize;
                            let callee = reg!(b);
                            if callee.is_ptr() && argc < 255 {
                                let ty = type_ptr(callee);
                                if ty == &raw const FUNCTION {
                                    let function = payload::<Function>(callee);
                                    let code = function.code();
                                    if code.fast_argc == argc {
                                        (*frame!()).ip = ip;
                                        let window = slow::call_window(frame!(), b + 1, argc);
                                        enter_function!(code, function, window, argc, callee, b);
                                    }
                                    if code.fast_argc != usize::MAX && !(*frame!()).has(ff::GENERATOR) {
                                        let window = base.add(b + 1);
                                        if slow::fill_defaults(function, window, argc) {
                                            (*frame!()).ip = ip;
                                            let argc = code.argcount;
                                            enter_function!(code, function, window, argc, callee, b);
                                        }
                                    }
                                } else if ty == &raw const crate::types::typ::TYPE {
                                    let class = &*(callee.as_ptr() as *const Type);
                                    let site = cache!(ins);
                                    if class.version.get() == site.version2
                                        && site.version2 != 0
                                        && !(*frame!()).has(ff::GENERATOR)
                                    {
                                        let init = site.value;
                                        let function = payload::<Function>(init);
                                        let code = function.code();
                                        if code.fast_argc == argc + 1
                                            && let Some(instance) =
                                                vm.try_alloc(class, crate::types::object::Plain)
                                        {
                                            (*frame!()).ip = ip;
                                            let instance = instance.into_value();
                                            (*instance.as_ptr()).incref();
                                            let window = base.add(b);
                                            *window = instance;
                                            drop_value!(callee);
                                            match push_frame(vm, code, window, argc + 1, init, ff::INIT) {
                                                Ok(new) => {
                                                    (*new).extra = instance;
                                                    incref(init);
                                                    if code.free_base < code.first_temp {
                                                        copy_closure(code, window, function.closure());
                                                    }
                                                    enter!(new);
                                                    continue 'dispatch;
                                                }
                                                Err(_) => {
                                                    super::call::drop_window(window, argc + 1);
                                                    drop_value!(instance);
                                                    break 'dispatch Exit::Raise;
                                                }
                                            }
                                        }
                                    }
                                } else if ty == &raw const METHOD {
                                    // Its object takes the callable's place; the frame owns the method.
                                    let method = payload::<Method>(callee);
                                    let func = method.function.value();
                                    if func.is_ptr() && type_ptr(func) == &raw const FUNCTION {
                                        let function = payload::<Function>(func);
                                        let code = function.code();
                                        if code.fast_argc == argc + 1 && !(*frame!()).has(ff::GENERATOR) {
                                            let window = base.add(b);
                                            if let Some(new) =
                                                push_fast(vm, code, window, argc + 1, func, ff::OWNS_EXTRA)
                                            {
                                                (*(*new).previous).ip = ip;
                                                let object = method.object.value();
                                                incref(object);
                                                *window = object;
                                                (*new).extra = callee;
                                                if code.free_base < code.first_temp {
                                                    copy_closure(code, window, function.closure());
                                                }
                                                base = window;
                                                ip = (*new).ip;
                                                continue 'dispatch;
                                            }
                                        }
                                    }
                                } else if ty == &raw const BUILTIN_FUNCTION {
                                    (*frame!()).ip = ip;
                                    match slow::call_builtin_fast(vm, base.add(b), argc) {
                                        Ok(value) => {
                                            set!(ins.a(), value);
                                            if breaker_set!() {
                                                slow!(slow::eval_breaker(vm));
                                            }
                                            continue 'dispatch;
                                        }
                                        Err(_) => break 'dispatch Exit::Raise,
                                    }
                                }
                            }
                            (*frame!()).ip = ip;
                            match slow::call(vm, frame!(), ins, false, false) {
                                Ok(slow::Called::Done) => {}
                                Ok(slow::Called::Pushed(new)) => enter!(new),
                                Err(_) => break 'dispatch Exit::Raise,
                            }
                        }
                        Opcode::CallMethod => {
                            let b = ins.b();
                            let argc = ins.flags() as usize;
                            let callee = reg!(b);
                            if callee.is_ptr() && argc < 255 {
                                let ty = type_ptr(callee);
                                let has_self = !reg!(b + 1).is_unbound();
                                if ty == &raw const FUNCTION {
                                    let function = payload::<Function>(callee);
                                    let code = function.code();
                                    let count = argc + has_self as usize;
                                    if code.fast_argc == count {
                                        (*frame!()).ip = ip;
                                        let first = b + 2 - has_self as usize;
                                        let window = slow::call_window(frame!(), first, count);
                                        enter_function!(code, function, window, count, callee, b);
                                    }
                                    if code.fast_argc != usize::MAX && !(*frame!()).has(ff::GENERATOR) {
                                        let window = base.add(b + 2 - has_self as usize);
                                        if slow::fill_defaults(function, window, count) {
                                            (*frame!()).ip = ip;
                                            let count = code.argcount;
                                            enter_function!(code, function, window, count, callee, b);
                                        }
                                    }
                                } else if ty == &raw const METHOD_DESCRIPTOR && has_self {
                                    (*frame!()).ip = ip;
                                    match slow::call_method_descriptor_fast(vm, base.add(b), argc + 1) {
                                        Ok(value) => {
                                            set!(ins.a(), value);
                                            if breaker_set!() {
                                                slow!(slow::eval_breaker(vm));
                                            }
                                            continue 'dispatch;
                                        }
                                        Err(_) => break 'dispatch Exit::Raise,
                                    }
                                }
                            }
                            (*frame!()).ip = ip;
                            match slow::call(vm, frame!(), ins, true, false) {
                                Ok(slow::Called::Done) => {}
                                Ok(slow::Called::Pushed(new)) => enter!(new),
                                Err(_) => break 'dispatch Exit::Raise,
                            }
                        }
                        Opcode::CallKw | Opcode::CallMethodKw => {
                            (*frame!()).ip = ip;
                            let method = ins.op_byte() == Opcode::CallMethodKw as u8;
                            match slow::call(vm, frame!(), ins, method, true) {
                                Ok(slow::Called::Done) => {
                                    if breaker_set!() {
                                        slow!(slow::eval_breaker(vm));
                                    }
                                }
                                Ok(slow::Called::Pushed(new)) => enter!(new),
                                Err(_) => break 'dispatch Exit::Raise,
                            }
                        }
                        Opcode::CallEx => {
                            (*frame!()).ip = ip;
                            match slow::call_ex(vm, frame!(), ins) {
                                Ok(slow::Called::Done) => {
                                    if breaker_set!() {
                                        slow!(slow::eval_breaker(vm));
                                    }
                                }
                                Ok(slow::Called::Pushed(new)) => enter!(new),
                                Err(_) => break 'dispatch Exit::Raise,
                            }
                        }

                        // ---- functions, imports ---------------------------------------------------
                        Opcode::MakeFunction => slow!(slow::make_function(vm, frame!(), ins)),
                        Opcode::SetFunctionAttribute => {
                            slow!(slow::set_function_attribute(vm, frame!(), ins))
                        }
                        Opcode::Return => {
                            let value = reg!(ins.a());
                            if value.is_unbound() {
                                (*frame!()).ip = ip;
                                drop(slow::unbound(vm, frame!(), ins.a()));
                                break 'dispatch Exit::Raise;
                            }
                            reg!(ins.a()) = Value::UNBOUND;
                            return_value!(value);
                        }
                        Opcode::ReturnConst => {
                            let value = *vm.consts.get().add(ins.bc() as u32 as usize);
                            incref(value);
                            return_value!(value);
                        }
                        Opcode::ReturnGenerator => {
                            (*frame!()).ip = ip;
                            match generator::from_frame(vm, frame!()) {
                                Ok(object) => {
                                    // The registers moved into the generator; leave the frame bare.
                                    let value = object.into_value();
                                    break 'dispatch Exit::Return(value);
                                }
                                Err(_) => break 'dispatch Exit::Raise,
                            }
                        }
                        Opcode::Yield => {
                            let value = operand_b!(ins);
                            if ins.has(f::B_TEMP) {
                                reg!(ins.b()) = Value::UNBOUND;
                            } else if value.is_unbound() {
                                (*frame!()).ip = ip;
                                drop(slow::unbound(vm, frame!(), ins.b()));
                                break 'dispatch Exit::Raise;
                            } else {
                                incref(value);
                            }
                            (*frame!()).ip = ip;
                            break 'dispatch Exit::Yield(value);
                        }
                        Opcode::YieldFrom => {
                            let inner = reg!(ins.b());
                            (*frame!()).ip = ip;
                            if inner.is_ptr() {
                                let ty = type_ptr(inner);
                                if (ty == &raw const generator::GENERATOR
                                    || ty == &raw const generator::COROUTINE)
                                    && payload::<Generator>(inner).can_resume()
                                    && payload::<Generator>(inner).accepts(reg!(ins.a()))
                                {
                                    let sent = reg!(ins.a());
                                    reg!(ins.a()) = Value::UNBOUND;
                                    match generator::push(vm, payload::<Generator>(inner), sent, 0) {
                                        Ok(new) => {
                                            enter!(new);
                                            continue 'dispatch;
                                        }
                                        Err(_) => {
                                            drop_value!(sent);
                                            break 'dispatch Exit::Raise;
                                        }
                                    }
                                }
                            }
                            match slow::yield_from(vm, frame!(), ins) {
                                Ok(Some(value)) => break 'dispatch Exit::Yield(value),
                                Ok(None) => {}
                                Err(_) => break 'dispatch Exit::Raise,
                            }
                        }
                        Opcode::GetYieldFromIter => slow!(slow::get_yield_from_iter(vm, frame!(), ins)),
                        Opcode::GetAwaitable => slow!(slow::get_awaitable(vm, frame!(), ins)),
                        Opcode::LoadBuildClass => slow!(slow::load_build_class(vm, frame!(), ins)),
                        Opcode::LoadAssertionError => {
                            set!(ins.a(), exc::ASSERTION_ERROR.to_object().into_value())
                        }
                        Opcode::LoadCommonConstant => {
                            set!(ins.a(), exc::NOT_IMPLEMENTED_ERROR.to_object().into_value())
                        }
                        Opcode::ImportName => slow!(slow::import_name(vm, frame!(), ins)),
                        Opcode::ImportFrom => slow!(slow::import_from(vm, frame!(), ins)),
                        Opcode::ImportStar => slow!(slow::import_star(vm, frame!(), ins)),
                        Opcode::SetupAnnotations => slow!(slow::setup_annotations(vm, frame!())),

                        // ---- with, exceptions ------------------------------------------------------
                        Opcode::LoadSpecial => slow!(slow::load_special(vm, frame!(), ins)),
                        Opcode::WithExceptStart => slow!(slow::with_except_start(vm, frame!(), ins)),
                        Opcode::PushException => {
                            let item = &mut *vm.exc_info.get();
                            let exception = reg!(ins.b());
                            incref(exception);
                            let previous = std::mem::replace(&mut item.value, Object::from_owned(exception));
                            set!(ins.a(), previous.into_value());
                        }
                        Opcode::PopException => {
                            let item = &mut *vm.exc_info.get();
                            let previous = reg!(ins.a());
                            reg!(ins.a()) = Value::UNBOUND;
                            let old = std::mem::replace(&mut item.value, Object::from_owned(previous));
                            drop_value!(old.into_value());
                        }
                        Opcode::CheckExceptionMatch => {
                            (*frame!()).ip = ip;
                            match slow::check_exception_match(vm, frame!(), ins) {
                                Ok(matches) => compare_done!(matches),
                                Err(_) => break 'dispatch Exit::Raise,
                            }
                        }
                        Opcode::CheckExceptionGroupMatch => {
                            slow!(slow::check_exception_group_match(vm, frame!(), ins))
                        }
                        Opcode::PrepareReraiseStar => slow!(slow::prepare_reraise_star(vm, frame!(), ins)),
                        Opcode::Raise => {
                            (*frame!()).ip = ip;
                            slow::raise(vm, frame!(), ins);
                            break 'dispatch Exit::Raise;
                        }
                        Opcode::Reraise => {
                            let exception = reg!(ins.a());
                            reg!(ins.a()) = Value::UNBOUND;
                            drop(vm.raise(Object::from_owned(exception)));
                            fail!();
                        }

                        // ---- matching ------------------------------------------------------------------
                        Opcode::MatchMapping | Opcode::MatchSequence => {
                            let subject = reg!(ins.b());
                            let flag = if ins.op_byte() == Opcode::MatchMapping as u8 {
                                type_flags::MAPPING
                            } else {
                                type_flags::SEQUENCE
                            };
                            let matches = crate::protocol::type_of(subject).has(flag);
                            compare_done!(matches);
                        }
                        Opcode::MatchKeys => slow!(slow::match_keys(vm, frame!(), ins)),
                        Opcode::MatchClass => slow!(slow::match_class(vm, frame!(), ins)),
                        Opcode::GetLen => slow!(slow::get_len(vm, frame!(), ins)),
                        Opcode::MatchRest => slow!(slow::match_rest(vm, frame!(), ins)),
                        Opcode::Intrinsic1 => slow!(slow::intrinsic1(vm, frame!(), ins)),
                        Opcode::Intrinsic2 => slow!(slow::intrinsic2(vm, frame!(), ins)),
                    }
                },
            };

            match leave {
                Exit::Return(value) => {
                    let flags = (*frame!()).flags;
                    if flags & ff::GENERATOR != 0 {
                        let generator = (*frame!()).extra;
                        generator::finish(vm, payload::<Generator>(generator));
                        if flags & ff::ENTRY != 0 {
                            return Ok(value);
                        }
                        switch!(frame!());
                        let pending = *ip.sub(1);
                        if pending.op_byte() == Opcode::ForIter as u8 {
                            let iterator = reg!(pending.a());
                            reg!(pending.a()) = Value::UNBOUND;
                            drop_value!(iterator);
                            drop_value!(value);
                        } else {
                            // YieldFrom: the inner iterator is done.
                            let inner = reg!(pending.b());
                            reg!(pending.b()) = Value::UNBOUND;
                            set!(pending.a(), value);
                            drop_value!(inner);
                        }
                        continue 'outer;
                    }
                    let mut value = value;
                    let ended = frame!();
                    leave_frame(vm, ended);
                    if flags & ff::ENTRY != 0 {
                        return Ok(value);
                    }
                    switch!(frame!());
                    let pending = *ip.sub(1);
                    if flags & ff::DROP_CALLABLE != 0 {
                        let callable = reg!(pending.b());
                        reg!(pending.b()) = Value::UNBOUND;
                        set!(pending.a(), value);
                        drop_value!(callable);
                        if vm.breaker_set() {
                            (*frame!()).ip = ip;
                            if slow::eval_breaker(vm).is_err() {
                                exit = Some(Exit::Raise);
                            }
                        }
                        continue 'outer;
                    }
                    if flags & ff::INIT != 0 {
                        let extra = (*ended).extra;
                        drop_value!((*ended).function);
                        if !value.is_none() {
                            (*frame!()).ip = ip;
                            let shown = crate::protocol::type_of(value).name().to_string();
                            drop(Object::from_owned(value));
                            drop(Object::from_owned(extra));
                            drop(vm.type_error(format!("__init__() should return None, not '{shown}'")));
                            exit = Some(Exit::Raise);
                            continue 'outer;
                        }
                        value = extra;
                    } else if flags & ff::OWNS_EXTRA != 0 {
                        drop_value!((*ended).extra);
                    }
                    set!(pending.a(), value);
                }
                Exit::Yield(value) => {
                    // Up through generators that delegate to this one.
                    loop {
                        let flags = (*frame!()).flags;
                        let generator = payload::<Generator>((*frame!()).extra);
                        generator::suspend(vm, generator);
                        if flags & ff::ENTRY != 0 {
                            return Ok(value);
                        }
                        let pending = *(*frame!()).ip.sub(1);
                        if pending.op_byte() == Opcode::ForIter as u8 {
                            switch!(frame!());
                            ip = ip.sub(pending.c());
                            set!(pending.b(), value);
                            break;
                        }
                        // YieldFrom in a generator: it yields the same value.
                    }
                }
                Exit::Raise => {
                    if vm.breaker_set() {
                        slow::breaker_while_raising(vm);
                    }
                    match unwind::unwind(vm, frame!()) {
                        Some(handler_frame) => switch!(handler_frame),
                        None => return Err(vm.already_raised()),
                    }
                }
            }
        }
    }
}

/// Clears the named registers of a frame that returns and pops it. Its
/// temporaries are dead.
///
/// # Safety
/// The frame is the current one and not a generator's.
#[inline(always)]
unsafe fn leave_frame(vm: &Vm, frame: *mut Frame) {
    // SAFETY: says the caller.
    unsafe {
        #[cfg(debug_assertions)]
        for i in (*(*frame).code).first_temp..(*(*frame).code).registers {
            debug_assert!(!(*(*frame).base.add(i)).is_ptr(), "a temporary outlives its frame");
        }
        clear_and_pop(vm, frame, (*(*frame).code).first_temp)
    }
}

/// Clears all registers of a frame that an exception leaves and pops it.
///
/// # Safety
/// As [`leave_frame`].
pub(super) unsafe fn abandon_frame(vm: &Vm, frame: *mut Frame) {
    // SAFETY: says the caller.
    unsafe { clear_and_pop(vm, frame, (*(*frame).code).registers) }
}

#[inline(always)]
unsafe fn clear_and_pop(vm: &Vm, frame: *mut Frame, count: usize) {
    // SAFETY: says the caller.
    unsafe {
        if (*frame).has(ff::OBJECT) {
            crate::types::traceback::detach(vm, frame);
        }
        let mut slot = (*frame).base;
        let end = slot.add(count);
        while slot < end {
            let value = *slot;
            if value.is_ptr() {
                *slot = Value::UNBOUND;
                if (*value.as_ptr()).decref() {
                    heap::destroy(value.as_ptr());
                }
            }
            slot = slot.add(1);
        }
        vm.frame.set((*frame).previous);
        vm.frame_top.set(frame);
        vm.depth.set(vm.depth.get() - 1);
    }
}

/// May a value cached from the type be used for this object? Not if the
/// instance has a real `__dict__` with the name.
#[inline(always)]
unsafe fn not_shadowed(object: Value, cache: &Cache) -> bool {
    // SAFETY: alive; the type's version was checked.
    unsafe {
        if cache.index == 0 {
            return true;
        }
        let dict = *((object.as_ptr() as *const u8).add(cache.index as usize) as *const Value);
        dict.is_unbound() || Dict::from_raw(dict).get_str(Object::borrow_value(&cache.name)).is_none()
    }
}

#[inline(always)]
unsafe fn module_entry(object: Value, cache: &Cache) -> Option<Value> {
    // SAFETY: alive; the position is valid while the version is the same.
    unsafe {
        if !object.is_ptr() || (*type_ptr(object)).version.get() != cache.version2 {
            return None;
        }
        let offset = (*type_ptr(object)).dict_offset.get();
        let dict = *((object.as_ptr() as *const u8).add(offset) as *const Value);
        if !dict.is_ptr() {
            return None;
        }
        let dict = Dict::from_raw(dict);
        if dict.version() == cache.version && cache.version != 0 {
            Some(dict.entries().get_unchecked(cache.index as usize).value)
        } else {
            None
        }
    }
}
