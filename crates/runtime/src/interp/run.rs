//! The loop: one function an instruction, each ending in a jump to the next
//! one's. `vm`, `ip`, `base` and the table of handlers travel in machine
//! registers that calls of ordinary functions preserve; the convention leaves a
//! handler nothing to save. What the handlers do is in [`ops`](super::ops).
//!
//! The jump is a guaranteed tail call (`become`): the native stack does not
//! grow, whatever the build.

use super::call::drop_window;
use super::core::{At, Core, Leave};
use super::frame::{Frame, frame_flags as ff};
use super::ops::operators::{ANY, CONST, REGISTERS};
use super::ops::*;
use super::{events, slow, traced, unwind};
use crate::prelude::*;
use crate::types::generator::{self, Generator};
use taipan_bytecode::{Instruction, Opcode};
use taipan_object::heap;

/// A handler: runs the instruction that lies before `ip` and goes on. The last
/// argument is for the ways out of one: the word that is returned, yielded or
/// destroyed.
pub(super) type Handler = unsafe extern "rust-preserve-none" fn(
    &Vm,
    *const Instruction,
    *mut Value,
    &Table,
    Spare,
) -> Result<Value>;

/// Handlers by opcode.
#[repr(transparent)]
pub struct Table {
    pub(super) handlers: [Handler; 256],
}

/// A word, or nothing: an undefined argument costs no instruction.
pub(super) type Spare = std::mem::MaybeUninit<Value>;

pub(super) const NOTHING: Spare = Spare::uninit();

/// Goes on with the instruction at `ip`.
macro_rules! dispatch {
    ($m:ident, $table:ident) => {{
        let handler = $table.handlers.get_unchecked(*($m.ip as *const u8) as usize);
        become (*handler)($m.vm, $m.ip.add(1), $m.base, $table, NOTHING)
    }};
}
pub(super) use dispatch;

/// The table of handlers. `fast`: what an instruction usually does, and after `else`
/// the handler that looks if that was a miss. `slow`: what stores its own result.
/// `second`: handlers that only misses come to.
macro_rules! handlers {
    (
        fast { $($op:ident => $body:path $(, else $miss:ident)?;)+ }
        slow { $($slow_op:ident => $slow:ident,)+ }
        second { $($second:ident => $second_body:path;)+ }
    ) => {
        pub(super) static HANDLERS: Table = {
            let mut table: [Handler; 256] = [no_instruction; 256];
            $(table[Opcode::$op as usize] = handler::$op;)+
            $(table[Opcode::$slow_op as usize] = handler::$slow_op;)+
            Table { handlers: table }
        };
        /// Used while anybody is told of what happens.
        pub(super) static TRACED: Table = Table { handlers: [traced::traced; 256] };
        /// Used while memory is traced.
        pub(super) static PLACED: Table = Table { handlers: [traced::placed; 256] };
        /// SAFETY: see [`super::ops`].
        #[allow(non_snake_case, unsafe_op_in_unsafe_fn)]
        pub(super) mod handler {
            use super::*;
            $(handler! { $op, $body $(, $miss)? })+
            $(handler! { $slow_op, (|m, ins| store_result(m, ins, slow::$slow)) })+
            $(handler! { $second, $second_body })+
        }
    };
}

macro_rules! handler {
    ($op:ident, $body:expr) => {
        handler! { $op, $body, no_instruction }
    };
    ($op:ident, $body:expr, $miss:ident) => {
        // Never inlined: what is rare must not cost what is usual its registers.
        #[inline(never)]
        pub unsafe extern "rust-preserve-none" fn $op(
            vm: &Vm,
            ip: *const Instruction,
            base: *mut Value,
            table: &Table,
            _: Spare,
        ) -> Result<Value> {
            let mut m = Core { vm, ip, base };
            match $body(&mut m, At::before(ip)) {
                Ok(()) => dispatch!(m, table),
                Err(Leave::Miss) => become $miss(vm, ip, base, table, NOTHING),
                Err(Leave::Destroy(value)) => {
                    become destroy::<false>(m.vm, m.ip, m.base, table, Spare::new(value))
                }
                Err(Leave::DestroyFirst(value)) => {
                    become destroy::<true>(m.vm, m.ip, m.base, table, Spare::new(value))
                }
                Err(Leave::Raise) => become raise(m.vm, m.ip, m.base, table, NOTHING),
                Err(Leave::Return(value)) => {
                    become leave::<false>(m.vm, m.ip, m.base, table, Spare::new(value))
                }
                Err(Leave::Yield(value)) => {
                    become suspend::<false>(m.vm, m.ip, m.base, table, Spare::new(value))
                }
            }
        }
    };
}

handlers! {
    fast {
        Nop => names::nop;
        Move => names::copy;
        Move2 => names::copy2;
        LoadConst => names::load_const;
        Drop => names::clear;
        DeleteLocal => names::delete_local;
        ClearLocal => names::clear;
        LoadGlobalModule => names::load_global_module, else LoadGlobal;
        LoadGlobalBuiltin => names::load_global_builtin, else LoadGlobal;
        LoadDeref => names::load_deref;
        LoadAttrInline => attributes::load_place, else SharedLoad;
        LoadAttrSlot => attributes::load_place, else SharedLoad;
        LoadAttrPlace => attributes::load_place_to_temporary::<false>, else SharedLoad;
        LoadAttrOfTemporary => attributes::load_place_to_temporary::<true>, else SharedLoad;
        LoadAttrClass => attributes::load_class, else SharedLoad;
        LoadAttrType => attributes::load_type, else LoadAttr;
        LoadAttrModule => attributes::load_module, else LoadAttr;
        LoadAttrDict => attributes::load_dict, else LoadAttr;
        LoadAttrGetSet => attributes::load_getset, else LoadAttr;
        LoadAttrProperty => attributes::load_property, else LoadAttr;
        LoadMethodCached => attributes::load_method_cached, else SharedMethod;
        LoadMethodLocal => attributes::load_method_of_object::<false>, else SharedMethod;
        LoadMethodOfTemporary => attributes::load_method_of_object::<true>, else SharedMethod;
        LoadMethodModule => attributes::load_method_module, else LoadMethod;
        LoadMethodType => attributes::load_method_type, else LoadMethod;
        StoreAttrInline => attributes::store_inline, else SharedStore;
        StoreAttrSlot => attributes::store_slot, else StoreAttr;
        GetItem => items::get_item;
        GetItemList => items::get_list::<{ items::ANY }>, else GetItem;
        GetItemListVariables => items::get_list::<{ items::VARIABLES }>, else GetItem;
        GetItemListConstant => items::get_list::<{ items::CONSTANT }>, else GetItem;
        GetItemListTemporary => items::get_list::<{ items::TEMPORARY }>, else GetItem;
        GetItemTuple => items::get_tuple::<{ items::ANY }>, else GetItem;
        GetItemTupleVariables => items::get_tuple::<{ items::VARIABLES }>, else GetItem;
        GetItemTupleTemporary => items::get_tuple::<{ items::TEMPORARY }>, else GetItem;
        GetItemTupleConstant => items::get_tuple::<{ items::CONSTANT }>, else GetItem;
        GetItemDict => items::get_dict, else GetItem;
        SetItem => items::set_item, else SetItemSlowly;
        Add => operators::add::<ANY>, else AddSlowly;
        AddRegisters => operators::add::<REGISTERS>, else AddSlowly;
        AddConst => operators::add::<CONST>, else AddSlowly;
        Sub => operators::sub::<ANY>, else SubSlowly;
        SubRegisters => operators::sub::<REGISTERS>, else SubSlowly;
        SubConst => operators::sub::<CONST>, else SubSlowly;
        Mul => operators::mul::<ANY>, else MulSlowly;
        InplaceAdd => operators::add::<ANY>, else InplaceAddSlowly;
        InplaceAddRegisters => operators::add::<REGISTERS>, else InplaceAddSlowly;
        InplaceAddConst => operators::add::<CONST>, else InplaceAddSlowly;
        InplaceSub => operators::sub::<ANY>, else InplaceSubSlowly;
        InplaceSubRegisters => operators::sub::<REGISTERS>, else InplaceSubSlowly;
        InplaceSubConst => operators::sub::<CONST>, else InplaceSubSlowly;
        InplaceMul => operators::mul::<ANY>, else InplaceMulSlowly;
        TrueDiv => operators::true_div::<ANY>, else TrueDivSlowly;
        InplaceTrueDiv => operators::true_div::<ANY>, else InplaceTrueDivSlowly;
        FloorDiv => operators::floor_div::<ANY>, else FloorDivSlowly;
        InplaceFloorDiv => operators::floor_div::<ANY>, else InplaceFloorDivSlowly;
        Mod => operators::modulo::<ANY>, else ModSlowly;
        InplaceMod => operators::modulo::<ANY>, else InplaceModSlowly;
        And => operators::and::<ANY>, else AndSlowly;
        InplaceAnd => operators::and::<ANY>, else InplaceAndSlowly;
        Or => operators::or::<ANY>, else OrSlowly;
        InplaceOr => operators::or::<ANY>, else InplaceOrSlowly;
        Xor => operators::xor::<ANY>, else XorSlowly;
        InplaceXor => operators::xor::<ANY>, else InplaceXorSlowly;
        LShift => operators::left_shift::<ANY>, else LShiftSlowly;
        InplaceLShift => operators::left_shift::<ANY>, else InplaceLShiftSlowly;
        RShift => operators::right_shift::<ANY>, else RShiftSlowly;
        InplaceRShift => operators::right_shift::<ANY>, else InplaceRShiftSlowly;
        Pow => operators::binary::<{ BinaryOp::Pow as u8 }, false>;
        InplacePow => operators::binary::<{ BinaryOp::Pow as u8 }, true>;
        MatMul => operators::binary::<{ BinaryOp::MatMul as u8 }, false>;
        InplaceMatMul => operators::binary::<{ BinaryOp::MatMul as u8 }, true>;
        Negative => operators::negative, else NegativeSlowly;
        Positive => operators::positive;
        Invert => operators::invert;
        Not => operators::not, else NotSlowly;
        ToBool => operators::to_bool;
        Lt => operators::lt::<ANY>, else LtSlowly;
        LtRegisters => operators::lt::<REGISTERS>, else LtSlowly;
        LtConst => operators::lt::<CONST>, else LtSlowly;
        Le => operators::le::<ANY>, else LeSlowly;
        LeRegisters => operators::le::<REGISTERS>, else LeSlowly;
        LeConst => operators::le::<CONST>, else LeSlowly;
        Eq => operators::eq::<ANY>, else EqSlowly;
        EqRegisters => operators::eq::<REGISTERS>, else EqSlowly;
        EqConst => operators::eq::<CONST>, else EqSlowly;
        Ne => operators::ne::<ANY>, else NeSlowly;
        NeRegisters => operators::ne::<REGISTERS>, else NeSlowly;
        NeConst => operators::ne::<CONST>, else NeSlowly;
        Gt => operators::gt::<ANY>, else GtSlowly;
        GtRegisters => operators::gt::<REGISTERS>, else GtSlowly;
        GtConst => operators::gt::<CONST>, else GtSlowly;
        Ge => operators::ge::<ANY>, else GeSlowly;
        GeRegisters => operators::ge::<REGISTERS>, else GeSlowly;
        GeConst => operators::ge::<CONST>, else GeSlowly;
        Is => operators::is::<true>;
        IsNot => operators::is::<false>;
        In => operators::contains::<true>;
        NotIn => operators::contains::<false>;
        Jump => control::jump;
        JumpBack => control::jump_back;
        JumpIfFalse => control::jump_if::<false>, else JumpIfFalseSlowly;
        JumpIfTrue => control::jump_if::<true>, else JumpIfTrueSlowly;
        JumpIfNone => control::jump_if_none::<true>;
        JumpIfNotNone => control::jump_if_none::<false>;
        ForIter => control::for_iter;
        ForIterRange => control::for_range, else ForIter;
        ForIterList => control::for_list, else ForIter;
        ForIterTuple => control::for_tuple, else ForIter;
        ForIterNative => control::for_native, else ForIter;
        ForIterGenerator => control::for_generator, else ForIter;
        UnpackSequence => control::unpack_sequence, else UnpackSlowly;
        Call => calls::call;
        CallPython => calls::call_python::<false, false>, else Call;
        CallMakes => calls::call_generator::<false>, else Call;
        CallPythonFar => calls::call_python::<false, true>, else Call;
        CallNative => calls::call_native, else Call;
        CallNativeDefaults => calls::call_native_defaults, else Call;
        CallClass => calls::call_python_class, else Call;
        CallBound => calls::call_bound_method::<false>, else Call;
        CallMethodBound => calls::call_bound_method::<true>, else CallMethod;
        CallMethod => calls::call_method;
        CallMethodPython => calls::call_python::<true, false>, else CallMethod;
        CallMethodBuiltin => calls::call_method_builtin, else CallMethod;
        CallMethodMakes => calls::call_generator::<true>, else CallMethod;
        CallMethodPythonFar => calls::call_python::<true, true>, else CallMethod;
        CallMethodNative => calls::call_method_native, else CallMethod;
        CallMethodNativeDefaults => calls::call_method_native_defaults, else CallMethod;
        CallKw => calls::call_kw::<false>;
        CallMethodKw => calls::call_kw::<true>;
        CallEx => calls::call_ex;
        Return => calls::return_register;
        ReturnConst => calls::return_const;
        ReturnGenerator => calls::return_generator;
        Yield => calls::yield_value;
        YieldFrom => calls::yield_from;
        ReadBody => control::read_body;
        LoadAssertionError => names::load_assertion_error;
        LoadCommonConstant => names::load_common_constant;
        SetupAnnotations => names::setup_annotations;
        ListAppend => items::list_append, else ListAppendSlowly;
        GetAwaitable => blocks::get_awaitable, else GetAwaitableSlowly;
        PushException => blocks::push_exception;
        PopException => blocks::pop_exception;
        CheckExceptionMatch => blocks::check_exception_match;
        Raise => blocks::raise;
        Reraise => blocks::reraise;
        MatchMapping => blocks::match_flag::<{ type_flags::MAPPING }>;
        MatchSequence => blocks::match_flag::<{ type_flags::SEQUENCE }>;
    }
    slow {
        LoadGlobal => load_global,
        StoreGlobal => store_global,
        DeleteGlobal => delete_global,
        LoadName => load_name,
        StoreName => store_name,
        DeleteName => delete_name,
        LoadLocals => load_locals,
        MakeCell => make_cell,
        StoreDeref => store_deref,
        DeleteDeref => delete_deref,
        LoadFromDictOrDeref => load_from_dict_or_deref,
        LoadFromDictOrGlobals => load_from_dict_or_globals,
        LoadAttr => load_attr,
        LoadMethod => load_method,
        StoreAttr => store_attr,
        DeleteAttr => delete_attr,
        LoadSuperAttr => load_super_attr,
        DelItem => del_item,
        BuildSlice => build_slice,
        GetSlice => get_slice,
        SetSlice => set_slice,
        GetIter => get_iter,
        GetAIter => get_aiter,
        GetANext => get_anext,
        EndAsyncFor => end_async_for,
        UnpackEx => unpack_ex,
        BuildTuple => build_tuple,
        BuildList => build_list,
        BuildSet => build_set,
        BuildMap => build_map,
        BuildString => build_string,
        SetAdd => set_add,
        MapAdd => map_add,
        ListExtend => list_extend,
        SetUpdate => set_update,
        DictUpdate => dict_update,
        DictMerge => dict_merge,
        ListToTuple => list_to_tuple,
        FormatSimple => format_simple,
        FormatWithSpec => format_with_spec,
        ConvertValue => convert_value,
        BuildInterpolation => build_interpolation,
        BuildTemplate => build_template,
        MakeFunction => make_function,
        SetFunctionAttribute => set_function_attribute,
        GetYieldFromIter => get_yield_from_iter,
        LoadBuildClass => load_build_class,
        ImportName => import_name,
        ImportFrom => import_from,
        ImportStar => import_star,
        LoadSpecial => load_special,
        WithExceptStart => with_except_start,
        CheckExceptionGroupMatch => check_exception_group_match,
        PrepareReraiseStar => prepare_reraise_star,
        MatchKeys => match_keys,
        MatchClass => match_class,
        GetLen => get_len,
        MatchRest => match_rest,
        Intrinsic1 => intrinsic1,
        Intrinsic2 => intrinsic2,
    }
    second {
        SharedLoad => attributes::shared_load;
        SharedMethod => attributes::shared_method;
        SharedStore => attributes::shared_store;
        SetItemSlowly => items::set_item_slowly;
        AddSlowly => operators::binary::<{ BinaryOp::Add as u8 }, false>;
        SubSlowly => operators::binary::<{ BinaryOp::Sub as u8 }, false>;
        MulSlowly => operators::binary::<{ BinaryOp::Mul as u8 }, false>;
        InplaceAddSlowly => operators::binary::<{ BinaryOp::Add as u8 }, true>;
        InplaceSubSlowly => operators::binary::<{ BinaryOp::Sub as u8 }, true>;
        InplaceMulSlowly => operators::binary::<{ BinaryOp::Mul as u8 }, true>;
        TrueDivSlowly => operators::binary::<{ BinaryOp::TrueDiv as u8 }, false>;
        InplaceTrueDivSlowly => operators::binary::<{ BinaryOp::TrueDiv as u8 }, true>;
        FloorDivSlowly => operators::binary::<{ BinaryOp::FloorDiv as u8 }, false>;
        InplaceFloorDivSlowly => operators::binary::<{ BinaryOp::FloorDiv as u8 }, true>;
        ModSlowly => operators::binary::<{ BinaryOp::Mod as u8 }, false>;
        InplaceModSlowly => operators::binary::<{ BinaryOp::Mod as u8 }, true>;
        AndSlowly => operators::binary::<{ BinaryOp::And as u8 }, false>;
        InplaceAndSlowly => operators::binary::<{ BinaryOp::And as u8 }, true>;
        OrSlowly => operators::binary::<{ BinaryOp::Or as u8 }, false>;
        InplaceOrSlowly => operators::binary::<{ BinaryOp::Or as u8 }, true>;
        XorSlowly => operators::binary::<{ BinaryOp::Xor as u8 }, false>;
        InplaceXorSlowly => operators::binary::<{ BinaryOp::Xor as u8 }, true>;
        LShiftSlowly => operators::binary::<{ BinaryOp::LShift as u8 }, false>;
        InplaceLShiftSlowly => operators::binary::<{ BinaryOp::LShift as u8 }, true>;
        RShiftSlowly => operators::binary::<{ BinaryOp::RShift as u8 }, false>;
        InplaceRShiftSlowly => operators::binary::<{ BinaryOp::RShift as u8 }, true>;
        NegativeSlowly => operators::negative_slowly;
        NotSlowly => operators::not_slowly;
        LtSlowly => operators::compare::<{ CompareOp::Lt as u8 }>;
        LeSlowly => operators::compare::<{ CompareOp::Le as u8 }>;
        EqSlowly => operators::compare::<{ CompareOp::Eq as u8 }>;
        NeSlowly => operators::compare::<{ CompareOp::Ne as u8 }>;
        GtSlowly => operators::compare::<{ CompareOp::Gt as u8 }>;
        GeSlowly => operators::compare::<{ CompareOp::Ge as u8 }>;
        JumpIfFalseSlowly => control::jump_if_slowly::<false>;
        JumpIfTrueSlowly => control::jump_if_slowly::<true>;
        UnpackSlowly => control::unpack_slowly;
        GetAwaitableSlowly => blocks::get_awaitable_slowly;
        ListAppendSlowly => items::list_append_slowly;
    }
}

/// The table that a thread uses while nobody is told of what it does.
pub(crate) fn plain_table() -> *const Table {
    if crate::traces::is_tracing() { &raw const PLACED } else { &raw const HANDLERS }
}

/// The other one.
pub(crate) fn traced_table() -> *const Table {
    &raw const TRACED
}

/// Runs `entry` (already pushed, with ENTRY set) until it returns, yields or
/// raises. With `raising`, starts by unwinding the exception on its way.
///
/// # Safety
/// `entry` is the thread's current frame.
pub unsafe fn run(vm: &Vm, entry: *mut Frame, raising: bool) -> Result<Value> {
    // SAFETY: as the caller's.
    unsafe {
        let (ip, base) = ((*entry).ip, (*entry).base);
        let table = &*vm.table.get();
        (*entry).select(vm);
        let result = if raising {
            raise(vm, ip, base, table, NOTHING)
        } else {
            table.handlers[(*ip).op_byte() as usize](vm, ip.add(1), base, table, NOTHING)
        };
        // Whoever called us may be Python code again.
        if let Some(frame) = vm.frame.get().as_ref() {
            frame.select(vm);
        }
        result
    }
}

/// Bytes that name no opcode: code is verified, nobody comes here.
#[cold]
unsafe extern "rust-preserve-none" fn no_instruction(
    vm: &Vm,
    _: *const Instruction,
    _: *mut Value,
    _: &Table,
    _: Spare,
) -> Result<Value> {
    Err(vm.system_error("unknown opcode"))
}

/// An exception is on its way: goes on in the handler that catches it.
#[cold]
pub(super) unsafe extern "rust-preserve-none" fn raise(
    vm: &Vm,
    ip: *const Instruction,
    base: *mut Value,
    table: &Table,
    _: Spare,
) -> Result<Value> {
    // SAFETY: the frame is the current one, `ip` its next instruction.
    unsafe {
        (*vm.frame.get()).ip = ip;
        if vm.breaker_set() && slow::breaker_while_raising(vm) {
            // Not an exception: the loop polled, and has to use another table.
            let ip = events::after_poll(vm, ip);
            let table = &*vm.table.get();
            let m = Core { vm, ip, base };
            dispatch!(m, table)
        }
        let found = if std::ptr::eq(table, &TRACED) {
            unwind::unwind_traced(vm, vm.frame.get())
        } else {
            unwind::unwind::<false>(vm, vm.frame.get())
        };
        match found {
            Some(frame) => {
                let mut m = Core { vm, ip, base: (*frame).base };
                m.enter(frame);
                dispatch!(m, table)
            }
            None => Err(vm.already_raised()),
        }
    }
}

/// Destroys the object in `value`, the last reference to which is gone. FIRST: then drops
/// the word that waits in the thread state.
#[inline(never)]
unsafe extern "rust-preserve-none" fn destroy<const FIRST: bool>(
    vm: &Vm,
    ip: *const Instruction,
    base: *mut Value,
    table: &Table,
    value: Spare,
) -> Result<Value> {
    // SAFETY: its handler found it dead.
    unsafe {
        let m = Core { vm, ip, base };
        m.save();
        let second = if FIRST { vm.dies_second.get() } else { Value::UNBOUND };
        heap::destroy(value.assume_init().as_ptr());
        m.drop(second);
        dispatch!(m, table)
    }
}

/// The frame returns the word in `value`, in other ways than the commonest.
pub(super) unsafe extern "rust-preserve-none" fn leave<const TRACED: bool>(
    vm: &Vm,
    ip: *const Instruction,
    base: *mut Value,
    table: &Table,
    value: Spare,
) -> Result<Value> {
    // SAFETY: the words are owned as the frame's flags say.
    unsafe {
        let mut value = value.assume_init();
        let mut m = Core { vm, ip, base };
        let ended = m.frame();
        let flags = (*ended).flags;
        if flags & ff::GENERATOR != 0 {
            generator::finish(vm, payload_of((*ended).extra));
            if flags & ff::ENTRY != 0 {
                if TRACED {
                    events::left_loop(vm);
                }
                return Ok(value);
            }
            m.enter(m.frame());
            let pending = At::before(m.ip);
            if pending.op_byte() == Opcode::YieldFrom as u8 {
                // The inner iterator is done.
                let inner = m.reg(pending.b());
                m.put(pending.b(), Value::UNBOUND);
                m.set(pending.a(), value);
                m.drop(inner);
                if TRACED && traced::delegation_ended(vm, value).is_err() {
                    become raise(m.vm, m.ip, m.base, table, NOTHING)
                }
            } else {
                let iterator = m.reg(pending.a());
                m.put(pending.a(), Value::UNBOUND);
                m.drop(iterator);
                m.drop(value);
            }
            dispatch!(m, table)
        }
        leave_frame(vm, ended);
        if flags & ff::ENTRY != 0 {
            if TRACED {
                events::left_loop(vm);
            }
            return Ok(value);
        }
        m.enter(m.frame());
        let pending = At::before(m.ip);
        if flags & ff::DROP_CALLABLE != 0 {
            let callable = m.reg(pending.b());
            m.put(pending.b(), Value::UNBOUND);
            m.set(pending.a(), value);
            m.drop(callable);
            if m.poll().is_err() {
                become raise(m.vm, m.ip, m.base, table, NOTHING)
            }
            dispatch!(m, table)
        }
        if flags & ff::INIT != 0 {
            let instance = (*ended).extra;
            m.drop((*ended).function);
            if !value.is_none() {
                m.save();
                wrong_init(vm, value, Object::from_owned(instance));
                become raise(m.vm, m.ip, m.base, table, NOTHING)
            }
            value = instance;
        } else if flags & ff::OWNS_EXTRA != 0 {
            m.drop((*ended).extra);
        }
        m.set(pending.a(), value);
        dispatch!(m, table)
    }
}

#[cold]
#[inline(never)]
unsafe fn wrong_init(vm: &Vm, value: Value, instance: Object) {
    // SAFETY: the word is owned.
    let value = unsafe { Object::from_owned(value) };
    let shown = value.ty().name().to_string();
    drop(value);
    drop(instance);
    vm.type_error(format!("__init__() should return None, not '{shown}'"));
}

/// The generator frame yields the word in `value`: up through generators that
/// delegate to this one.
pub(super) unsafe extern "rust-preserve-none" fn suspend<const TRACED: bool>(
    vm: &Vm,
    ip: *const Instruction,
    base: *mut Value,
    table: &Table,
    value: Spare,
) -> Result<Value> {
    // SAFETY: the current frame is a generator's, and so are those of whoever
    // waits for it.
    unsafe {
        let value = value.assume_init();
        let mut m = Core { vm, ip, base };
        // One after the other: each is told that it yields.
        if TRACED {
            loop {
                let flags = (*m.frame()).flags;
                if traced::yields(vm, value).is_err() {
                    m.enter(m.frame());
                    m.drop(value);
                    become raise(m.vm, m.ip, m.base, table, NOTHING)
                }
                if vm.tracer.take_moved() {
                    m.enter(m.frame());
                    m.drop(value);
                    dispatch!(m, table)
                }
                generator::suspend_alone(vm, payload_of((*m.frame()).extra));
                if flags & ff::ENTRY != 0 {
                    events::left_loop(vm);
                    return Ok(value);
                }
                let pending = At::before((*m.frame()).ip);
                if pending.op_byte() != Opcode::YieldFrom as u8 {
                    m.enter(m.frame());
                    m.ip = m.ip.sub(pending.c());
                    m.set(pending.b(), value);
                    dispatch!(m, table)
                }
            }
        }
        let mut value = value;
        if (*m.frame()).has(ff::SINK) {
            value = generator::offer(vm, value);
            if value.is_unbound() {
                // Nothing was sent.
                generator::deliver(m.frame(), Value::NONE);
                m.ip = (*m.frame()).ip;
                dispatch!(m, table)
            }
        }
        if generator::suspend(vm, payload_of((*m.frame()).extra)) {
            return Ok(value);
        }
        m.enter(m.frame());
        let pending = At::before(m.ip);
        m.ip = m.ip.sub(pending.c());
        m.set(pending.b(), value);
        dispatch!(m, table)
    }
}

/// The generator of a frame, from its `extra`.
#[inline(always)]
unsafe fn payload_of<'a>(extra: Value) -> &'a Generator {
    // SAFETY: frames with GENERATOR have theirs there.
    unsafe { super::core::payload::<Generator>(extra) }
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
        drop_window((*frame).base, count);
        vm.frame.set((*frame).previous);
        vm.frame_top.set(frame);
        vm.depth.set(vm.depth.get() - 1);
    }
}
