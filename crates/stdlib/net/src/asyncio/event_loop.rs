//! The native half of the event loop: handles, `call_soon` and the running of what is
//! ready.
//!
//! The loop is Python's `BaseEventLoop`. Where its methods are the library's own, natives
//! that would call them do their work at once; a loop that overrides one of them, or has
//! an attribute of its own in front of it, is asked as ever.

use super::{cached, task};
use std::sync::atomic::{AtomicU32, Ordering};
use taipan_runtime::lookup;
use taipan_runtime::modules::contextvars;
use taipan_runtime::names::name;
use taipan_runtime::prelude::*;
use taipan_runtime::shared::Place;
use taipan_runtime::support::{allocate, this};
use taipan_runtime::types::cell::ObjectCell;

// ---- handles ----------------------------------------------------------------------------------

/// Payload of handles: what `loop.call_soon()` and its like return.
#[derive(Default)]
pub struct Handle {
    callback: ObjectCell,
    args: ObjectCell,
    context: ObjectCell,
    event_loop: ObjectCell,
    cancelled: ObjectCell,
    source_traceback: ObjectCell,
    shown: ObjectCell,
}

impl Handle {
    fn cells(&self) -> [&ObjectCell; 7] {
        [
            &self.callback,
            &self.args,
            &self.context,
            &self.event_loop,
            &self.cancelled,
            &self.source_traceback,
            &self.shown,
        ]
    }
}

impl NativeClass for Handle {
    fn class() -> &'static Type {
        &HANDLE
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.cells().into_iter().for_each(|cell| cell.traverse(visitor));
    }
    fn clear(&self) {
        self.cells().into_iter().for_each(ObjectCell::clear);
    }
}

/// What a slot of a handle holds.
fn held(vm: &Vm, handle: &Object, cell: &ObjectCell, attribute: &str) -> Result {
    match cell.bound() {
        Some(held) => Ok(held),
        None => Err(vm.no_attribute(handle, &vm.intern(attribute))),
    }
}

/// A slot of handles.
macro_rules! slot {
    ($name:literal, $field:ident) => {
        GetSetDef::member($name, |vm, handle| held(vm, handle, &this::<Handle>(handle).$field, $name))
            .with_set(|_, handle, value| {
                this::<Handle>(handle).$field.set_option(value.cloned());
                Ok(())
            })
    };
}

/// The base of `asyncio.Handle`.
pub static HANDLE: Type = Type::new::<Handle>(
    "_asyncio._Handle",
    &taipan_runtime::types::object::OBJECT,
    type_flags::BASE | type_flags::HAVE_GC | type_flags::WEAKREFABLE | type_flags::IMMUTABLE,
    Slots {
        new: Some(|vm, class, _, _| allocate(vm, class, Handle::default())),
        init: Some(|vm, handle, args, kwnames| {
            static SIG: Sig = Sig::new("Handle(callback, args, loop, context=None)");
            let bound = SIG.bind(vm, args, kwnames)?;
            let fields = this::<Handle>(handle);
            fill(vm, fields, &bound[0], &bound[1], &bound[2], &bound[3]);
            if debug(vm, &bound[2])? {
                fields
                    .source_traceback
                    .set(vm.call(&cached(vm, "asyncio.format_helpers:extract_stack")?, &[])?);
            }
            Ok(())
        }),
        ..Slots::EMPTY
    },
    &[],
    &[
        slot!("_callback", callback),
        slot!("_args", args),
        slot!("_context", context),
        slot!("_loop", event_loop),
        slot!("_cancelled", cancelled),
        slot!("_source_traceback", source_traceback),
        slot!("_repr", shown),
    ],
);

/// The slots of a new handle, without a traceback.
fn fill(vm: &Vm, fields: &Handle, callback: &Object, args: &Object, event_loop: &Object, context: &Object) {
    fields.callback.set(callback.clone());
    fields.args.set(args.clone());
    fields.event_loop.set(event_loop.clone());
    fields.context.set(match context.some() {
        Some(context) => context.clone(),
        None => contextvars::copy(vm, contextvars::current(vm)),
    });
    fields.cancelled.set(Object::FALSE);
    fields.source_traceback.set(Object::NONE);
    fields.shown.set(Object::NONE);
}

// ---- loops whose methods are the library's own ------------------------------------------------

/// The class `Handle`, and what [`METHODS`] are in `BaseEventLoop`.
static ORIGINALS: Place = Place::new();

/// The version of the class of loops that was found to be plain last; 0: none was.
static PLAIN: AtomicU32 = AtomicU32::new(0);

/// The methods whose work is done here.
const METHODS: [&str; 5] = ["call_soon", "_call_soon", "_check_closed", "get_debug", "is_running"];

/// `_adopt_loop(BaseEventLoop, Handle)`: what the library's own methods are.
pub fn adopt(vm: &Vm, args: &[Object]) -> Result {
    let mut originals = vec![args[1].clone()];
    for method in METHODS {
        originals.push(vm.get_attr_str(&args[0], method)?);
    }
    vm.put_in_place(&ORIGINALS, vm.tuple(originals));
    PLAIN.store(0, Ordering::Relaxed);
    Ok(Object::NONE)
}

/// Are all of [`METHODS`] of the loop the library's?
fn is_plain(vm: &Vm, event_loop: &Object) -> bool {
    let class = event_loop.ty();
    if !lookup::has_inline_values(event_loop) {
        return false;
    }
    let version = class.version_tag(vm);
    if version != 0 && version == PLAIN.load(Ordering::Relaxed) {
        return true;
    }
    let Some(originals) = vm.at_place(&ORIGINALS) else { return false };
    let Some(originals) = originals.downcast::<Tuple>() else { return false };
    let own = |(method, original): (&str, &Object)| {
        let method = vm.intern(method);
        class.lookup_owned(vm, &method).is_some_and(|found| found.is(original.value()))
            && lookup::inline_index(class, &method).is_none()
    };
    let plain = class.has(type_flags::GENERIC_GETATTR)
        && METHODS.into_iter().zip(originals.items().iter().skip(1)).all(own);
    if plain {
        PLAIN.store(version, Ordering::Relaxed);
    }
    plain
}

/// An attribute of a plain loop.
fn own(vm: &Vm, event_loop: &Object, attribute: &Object) -> Result<Option<Object>> {
    lookup::instance_get(vm, event_loop, attribute)
}

/// `loop.get_debug()`, as a truth.
pub fn debug(vm: &Vm, event_loop: &Object) -> Result<bool> {
    if is_plain(vm, event_loop)
        && let Some(debug) = own(vm, event_loop, name::debug.object())?
    {
        return vm.is_true(&debug);
    }
    let debug = vm.call_method_object(event_loop, name::get_debug.object(), &[])?;
    vm.is_true(&debug)
}

/// `loop.is_running()`, as a truth.
pub fn is_running(vm: &Vm, event_loop: &Object) -> Result<bool> {
    if is_plain(vm, event_loop)
        && let Some(thread) = own(vm, event_loop, name::thread_id.object())?
    {
        return Ok(!thread.is_none());
    }
    let running = vm.call_method_object(event_loop, name::is_running.object(), &[])?;
    vm.is_true(&running)
}

/// `loop.call_soon(callback, *args, context=context)`.
pub fn call_soon(
    vm: &Vm,
    event_loop: &Object,
    callback: &Object,
    args: &[Object],
    context: &Object,
) -> Result<()> {
    if call_soon_plainly(vm, event_loop, callback, args, context)? {
        return Ok(());
    }
    let mut all = vec![callback.clone()];
    all.extend_from_slice(args);
    all.push(context.clone());
    let names = std::slice::from_ref(name::context_plain.object());
    vm.call_method_kw(event_loop, name::call_soon.object(), &all, names).map(drop)
}

/// The class of the handles that `call_soon` makes.
fn handle_class(vm: &Vm) -> Option<Object> {
    let originals = vm.at_place(&ORIGINALS)?;
    originals.downcast::<Tuple>()?.items().first().cloned()
}

/// Does what `BaseEventLoop.call_soon` does. False: the loop has to be asked.
fn call_soon_plainly(
    vm: &Vm,
    event_loop: &Object,
    callback: &Object,
    args: &[Object],
    context: &Object,
) -> Result<bool> {
    if !is_plain(vm, event_loop) {
        return Ok(false);
    }
    for flag in [name::closed_private, name::debug] {
        match own(vm, event_loop, flag.object())? {
            Some(flag) if flag.is(Value::FALSE) => {}
            _ => return Ok(false),
        }
    }
    let Some(ready) = own(vm, event_loop, name::ready.object())? else { return Ok(false) };
    let Some(class) = handle_class(vm) else { return Ok(false) };
    let Some(class) = Type::of(&class) else { return Ok(false) };
    let handle = allocate(vm, class, Handle::default())?;
    fill(vm, this(&handle), callback, &vm.tuple(args.to_vec()), event_loop, context);
    vm.call_method_object(&ready, name::append.object(), &[handle])?;
    Ok(true)
}

// ---- what is ready ----------------------------------------------------------------------------

/// `_run_ready(loop, count)`: runs so many handles of `loop._ready`, as `_run_once` does
/// it. How many are left: more than none if the loop is debugged or not plain.
pub fn run_ready(vm: &Vm, args: &[Object]) -> Result {
    let event_loop = &args[0];
    let mut left = vm.index_isize(&args[1])?;
    while left > 0 && is_plain(vm, event_loop) {
        if !own(vm, event_loop, name::debug.object())?.is_some_and(|debug| debug.is(Value::FALSE)) {
            break;
        }
        let Some(ready) = own(vm, event_loop, name::ready.object())? else { break };
        left -= 1;
        let handle = vm.call_method_object(&ready, name::popleft.object(), &[])?;
        drop(ready);
        run(vm, handle)?;
        vm.check_signals()?;
    }
    Ok(vm.int(left as i64))
}

fn run(vm: &Vm, handle: Object) -> Result<()> {
    if let Some(fields) = handle.downcast::<Handle>()
        && fields.cancelled.value() == Value::FALSE
        && let Some(context) = fields.context.bound()
        && is_handle(vm, &handle)
        && let Some(callback) = fields.callback.bound()
        && task::is_step(&callback)
        && let Some(args) = fields.args.bound()
        && let Some(args) = args.downcast_exact::<Tuple>()
        && let Some(previous) = contextvars::enter_exact(vm, &context)
    {
        let result = vm.call(&callback, args.items());
        let raised = vm.take_raised();
        contextvars::leave(vm, &context, previous);
        vm.restore_raised(raised);
        return result.map(drop);
    }
    let cancelled = vm.get_attr(&handle, name::cancelled_private.object())?;
    if vm.is_true(&cancelled)? {
        return Ok(());
    }
    vm.call_method_object(&handle, name::run_private.object(), &[]).map(drop)
}

/// Is it a handle of `call_soon`, of no subclass?
fn is_handle(vm: &Vm, handle: &Object) -> bool {
    handle_class(vm).is_some_and(|class| class.is(handle.ty().value()))
}
