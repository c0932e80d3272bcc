//! The runtime's side of the cycle collector: when it runs, what it asks of
//! the runtime ([`CollectorHooks`]), and the `gc` module.

use crate::prelude::*;
use crate::types::weakref;
use std::cell::{Cell, RefCell};
use std::sync::atomic::Ordering;
use taipan_object::collector::{self, CollectorHooks};
use taipan_object::header::header_flags;
use taipan_object::{Heap, heap};

/// What `gc` keeps beside the collector's own counters.
#[derive(Default)]
pub struct GcState {
    /// The lists `gc.callbacks` and `gc.garbage`, made when first used.
    callbacks: RefCell<Option<Object>>,
    garbage: RefCell<Option<Object>>,
    debug: Cell<i64>,
    /// A collection runs, its callbacks included: those start no other.
    busy: Cell<bool>,
}

const DEBUG_STATS: i64 = 1;
const DEBUG_COLLECTABLE: i64 = 2;
const DEBUG_UNCOLLECTABLE: i64 = 4;
const DEBUG_SAVEALL: i64 = 32;

fn list_in(vm: &Vm, place: &RefCell<Option<Object>>) -> Object {
    let known = place.borrow().clone();
    known.unwrap_or_else(|| {
        let list = vm.list(Vec::new());
        *place.borrow_mut() = Some(list.clone());
        list
    })
}

fn callbacks(vm: &Vm) -> Object {
    list_in(vm, &vm.interp().gc.callbacks)
}

fn garbage(vm: &Vm) -> Object {
    list_in(vm, &vm.interp().gc.garbage)
}

/// Runs `f` on the collector's state. `f` runs no Python code.
fn with_state<R>(f: impl FnOnce(&mut Heap) -> R) -> R {
    // SAFETY: the heap of this thread, under the GIL; nobody else uses it meanwhile.
    unsafe { f(&mut *heap::current()) }
}

/// Tells the allocator when to ask for a collection.
fn update_threshold(heap: &mut Heap) {
    let wanted = heap.collector.thresholds[0];
    heap.threshold = if heap.collector.enabled && wanted > 0 { wanted } else { i64::MAX };
}

/// No collections while the interpreter starts: next to nothing dies.
pub fn hold() {
    with_state(|heap| heap.threshold = i64::MAX);
}

/// Collections as usual from here on; what is there is long-lived.
pub fn release() {
    with_state(|heap| {
        heap.settle();
        update_threshold(heap);
    });
}

impl CollectorHooks for Vm {
    fn clear_weakrefs(&self, unreachable: &[Object]) {
        self.show_collectable(unreachable);
        weakref::clear_unreachable(self, unreachable);
    }
    fn forget_weakrefs(&self, unreachable: &[Object]) {
        weakref::forget(self, unreachable);
    }
    fn has_finalizer(&self, object: &Object) -> bool {
        object.ty().slots().del.is_some() && !object.header().is_some_and(|h| h.has(header_flags::FINALIZED))
    }
    fn finalize(&self, object: &Object) {
        let Some(del) = object.ty().slots().del else { return };
        if let Some(header) = object.header() {
            header.set(header_flags::FINALIZED);
        }
        if del(self, object).is_err() {
            self.write_unraisable_method(&object.value(), "Exception ignored while calling deallocator");
        }
    }
    fn keep_garbage(&self, unreachable: &[Object]) {
        self.show_collectable(unreachable);
        if let Some(list) = garbage(self).downcast::<List>() {
            for object in unreachable {
                // Without memory there is nothing better to do than to forget it.
                if list.push(self, object.clone()).is_err() {
                    drop(self.take_raised());
                }
            }
        }
    }
}

impl Vm {
    fn show_collectable(&self, unreachable: &[Object]) {
        if self.interp().gc.debug.get() & DEBUG_COLLECTABLE != 0 {
            for object in unreachable {
                let line = format!("gc: collectable <{} {:#x}>\n", object.ty().name(), object.bits());
                write_stderr(self, &line);
            }
        }
    }
}

/// Writes to `sys.stderr`; errors are forgotten.
fn write_stderr(vm: &Vm, text: &str) {
    let stderr = vm.interp().sys_dict.downcast::<Dict>().and_then(|d| d.get_text(vm, "stderr"));
    let Some(stderr) = stderr.filter(|s| !s.is_none()) else { return };
    let saved = vm.take_raised();
    if vm.call_method(&stderr, "write", &[vm.str(text)]).is_err() {
        drop(vm.take_raised());
    }
    vm.restore_raised(saved);
}

/// The collection at exit. What the interpreter made at its start is no garbage: if
/// nothing has become long-lived since, the young generations are all there is to see.
///
/// Finalizers run in the order in which their objects are reached from `root`, so that
/// a file is closed before what is below it, as when it were destroyed.
pub fn collect_at_exit(vm: &Vm, root: Option<Value>) {
    let generation = with_state(|heap| {
        heap.collector.root = root;
        if heap.is_settled() { 1 } else { 2 }
    });
    collect(vm, generation);
    with_state(|heap| heap.collector.root = None);
}

/// Collects `generation` and the younger ones. Returns how many objects were
/// collected, and how many could not be.
pub fn collect(vm: &Vm, generation: usize) -> (usize, usize) {
    if with_state(|heap| heap.collector.collecting) || vm.interp().gc.busy.replace(true) {
        return (0, 0);
    }
    let saved = vm.take_raised();
    call_back(vm, "start", generation, (0, 0));
    let stats = vm.interp().gc.debug.get() & DEBUG_STATS != 0;
    let before = std::time::Instant::now();
    if stats {
        write_stderr(vm, &format!("gc: collecting generation {generation}...\n"));
        let sizes: Vec<String> = (0..3).map(|g| count_of(g).to_string()).collect();
        write_stderr(vm, &format!("gc: objects in each generation: {}\n", sizes.join(" ")));
        write_stderr(vm, &format!("gc: objects in permanent generation: {}\n", count_of(3)));
    }
    // SAFETY: called at safe points only (from Python code or the eval breaker).
    let result = taipan_object::limit::exempt(|| unsafe { Heap::collect(heap::current(), generation, vm) });
    if stats {
        write_stderr(
            vm,
            &format!(
                "gc: done, {} unreachable, {} uncollectable, {:.4}s elapsed\n",
                result.0 + result.1,
                result.1,
                before.elapsed().as_secs_f64()
            ),
        );
    }
    call_back(vm, "stop", generation, result);
    vm.interp().gc.busy.set(false);
    vm.restore_raised(saved);
    result
}

/// Called by the eval breaker: collects if enough containers were made.
pub fn maybe_collect(vm: &Vm) {
    let generation = with_state(|heap| {
        heap.breaker.fetch_and(!heap::COLLECT, Ordering::Relaxed);
        let due = heap.collector.enabled
            && !heap.collector.collecting
            && heap.collector.thresholds[0] > 0
            && heap.allocated > heap.collector.thresholds[0];
        due.then(|| heap.due_generation())
    });
    if let Some(generation) = generation {
        collect(vm, generation);
    }
}

fn count_of(generation: u32) -> usize {
    with_state(|heap| heap.containers(Some(generation))).len()
}

/// Runs `gc.callbacks`.
fn call_back(vm: &Vm, phase: &str, generation: usize, result: (usize, usize)) {
    let known = vm.interp().gc.callbacks.borrow().clone();
    let Some(list) = known else { return };
    let Some(functions) = list.downcast::<List>().map(|l| l.to_vec()) else { return };
    if functions.is_empty() {
        return;
    }
    let info = crate::types::dict::from_pairs(
        vm,
        &[
            ("generation", vm.usize(generation)),
            ("collected", vm.usize(result.0)),
            ("uncollectable", vm.usize(result.1)),
        ],
    );
    let args = [vm.intern(phase), info];
    for function in functions {
        if vm.call(&function, &args).is_err() {
            vm.write_unraisable(&function, "Exception ignored while calling GC callback");
        }
    }
}

// ---- the module --------------------------------------------------------------------------

/// `gc`.
pub static MODULE: ModuleDef = ModuleDef {
    name: "gc",
    doc: "This module provides access to the garbage collector for reference cycles.\n\nenable() -- Enable automatic garbage collection.\ndisable() -- Disable automatic garbage collection.\nisenabled() -- Returns true if automatic collection is enabled.\ncollect() -- Do a full collection right now.\nget_count() -- Return the current collection counts.\nget_stats() -- Return list of dictionaries containing per-generation stats.\nset_debug() -- Set debugging flags.\nget_debug() -- Get debugging flags.\nset_threshold() -- Set the collection thresholds.\nget_threshold() -- Return the current collection thresholds.\nget_objects() -- Return a list of all objects tracked by the collector.\nis_tracked() -- Returns true if a given object is tracked.\nis_finalized() -- Returns true if a given object has been already finalized.\nget_referrers() -- Return the list of objects that refer to an object.\nget_referents() -- Return the list of objects that an object refers to.\nfreeze() -- Freeze all tracked objects and ignore them for future collections.\nunfreeze() -- Unfreeze all objects in the permanent generation.\nget_freeze_count() -- Return the number of objects in the permanent generation.\n",
    functions: &[
        MethodDef::new("enable()", |_, _| set_enabled(true), "Enable automatic garbage collection."),
        MethodDef::new("disable()", |_, _| set_enabled(false), "Disable automatic garbage collection."),
        MethodDef::new(
            "isenabled()",
            |_, _| Ok(Object::bool(with_state(|heap| heap.collector.enabled))),
            "Returns true if automatic garbage collection is enabled.",
        ),
        MethodDef::new("collect(generation=2)", gc_collect, "Run the garbage collector."),
        MethodDef::new("get_count()", get_count, "The current collection counts, one a generation."),
        MethodDef::new("get_stats()", get_stats, "A dict of statistics for each generation."),
        MethodDef::new("set_debug(flags, /)", set_debug, "Set the garbage collection debugging flags."),
        MethodDef::new(
            "get_debug()",
            |vm, _| Ok(vm.int(vm.interp().gc.debug.get())),
            "Get the garbage collection debugging flags.",
        ),
        MethodDef::raw(
            "set_threshold(threshold0, threshold1, threshold2)",
            set_threshold,
            "set_threshold(threshold0, [threshold1, [threshold2]])\nSet the collection thresholds (the collection frequency).\n\nSetting 'threshold0' to zero disables collection.",
        ),
        MethodDef::new("get_threshold()", get_threshold, "Return the current collection thresholds."),
        MethodDef::new(
            "get_objects(generation=None)",
            get_objects,
            "The objects that the collector tracks, of one generation or all.",
        ),
        MethodDef::new(
            "is_tracked(obj, /)",
            |_, args| Ok(Object::bool(args[0].header().is_some_and(|h| h.has(header_flags::TRACKED)))),
            "Returns true if the object is tracked by the garbage collector.",
        ),
        MethodDef::new(
            "is_finalized(obj, /)",
            |_, args| Ok(Object::bool(args[0].header().is_some_and(|h| h.has(header_flags::FINALIZED)))),
            "Returns true if the object has been already finalized by the GC.",
        ),
        MethodDef::new(
            "get_referrers(*objs)",
            get_referrers,
            "The objects that refer directly to any of objs.",
        ),
        MethodDef::new("get_referents(*objs)", get_referents, "The objects that objs refer to directly."),
        MethodDef::new(
            "freeze()",
            |_, _| set_frozen(true),
            "Move all tracked objects to a permanent generation that no collection looks at.",
        ),
        MethodDef::new(
            "unfreeze()",
            |_, _| set_frozen(false),
            "Move the objects of the permanent generation to the oldest one.",
        ),
        MethodDef::new(
            "get_freeze_count()",
            |vm, _| Ok(vm.usize(count_of(3))),
            "Return the number of objects in the permanent generation.",
        ),
    ],
    types: &[],
    init: Some(|vm, module| {
        vm.set_attr_str(module, "garbage", &garbage(vm))?;
        vm.set_attr_str(module, "callbacks", &callbacks(vm))?;
        for (attr, value) in [
            ("DEBUG_STATS", DEBUG_STATS),
            ("DEBUG_COLLECTABLE", DEBUG_COLLECTABLE),
            ("DEBUG_UNCOLLECTABLE", DEBUG_UNCOLLECTABLE),
            ("DEBUG_SAVEALL", DEBUG_SAVEALL),
            ("DEBUG_LEAK", DEBUG_COLLECTABLE | DEBUG_UNCOLLECTABLE | DEBUG_SAVEALL),
        ] {
            vm.set_attr_str(module, attr, &vm.int(value))?;
        }
        Ok(())
    }),
};

fn set_enabled(enabled: bool) -> Result {
    with_state(|heap| {
        heap.collector.enabled = enabled;
        update_threshold(heap);
    });
    Ok(Object::NONE)
}

fn gc_collect(vm: &Vm, args: &[Object]) -> Result {
    match vm.to_c_int(&args[0])? {
        generation @ 0..=2 => {
            let (collected, uncollectable) = collect(vm, generation as usize);
            Ok(vm.usize(collected + uncollectable))
        }
        _ => Err(vm.value_error("invalid generation")),
    }
}

fn get_count(vm: &Vm, _args: &[Object]) -> Result {
    let counts =
        with_state(|heap| [heap.allocated.max(0), heap.collector.counts[1], heap.collector.counts[2]]);
    Ok(vm.tuple(counts.iter().map(|&n| vm.int(n)).collect()))
}

fn get_stats(vm: &Vm, _args: &[Object]) -> Result {
    let stats: Vec<[u64; 3]> = with_state(|heap| {
        let state = &heap.collector;
        (0..3).map(|i| [state.collections[i], state.collected[i], state.uncollectable[i]]).collect()
    });
    let dicts = stats.iter().map(|&[collections, collected, uncollectable]| {
        crate::types::dict::from_pairs(
            vm,
            &[
                ("collections", vm.u64(collections)),
                ("collected", vm.u64(collected)),
                ("uncollectable", vm.u64(uncollectable)),
            ],
        )
    });
    Ok(vm.list(dicts.collect()))
}

fn set_debug(vm: &Vm, args: &[Object]) -> Result {
    let flags = i64::from(vm.to_c_int(&args[0])?);
    vm.interp().gc.debug.set(flags);
    with_state(|heap| heap.collector.save_all = flags & DEBUG_SAVEALL != 0);
    Ok(Object::NONE)
}

fn set_threshold(vm: &Vm, args: &[Object], kwnames: &[Object]) -> Result {
    if !kwnames.is_empty() {
        return Err(vm.type_error("gc.set_threshold() takes no keyword arguments"));
    }
    if args.is_empty() || args.len() > 3 {
        return Err(vm.type_error("gc.set_threshold requires 1 to 3 arguments"));
    }
    let mut values = Vec::new();
    for arg in args {
        values.push(i64::from(vm.to_c_int(arg)?));
    }
    with_state(|heap| {
        heap.collector.thresholds[..values.len()].copy_from_slice(&values);
        update_threshold(heap);
    });
    Ok(Object::NONE)
}

fn get_threshold(vm: &Vm, _args: &[Object]) -> Result {
    let thresholds = with_state(|heap| heap.collector.thresholds);
    Ok(vm.tuple(thresholds.iter().map(|&n| vm.int(n)).collect()))
}

fn get_objects(vm: &Vm, args: &[Object]) -> Result {
    let generation = if args[0].is_none() {
        None
    } else {
        let n = vm.index_isize(&args[0])?;
        if n >= 3 {
            return Err(vm.value_error(
                "generation parameter must be less than the number of available generations (3)",
            ));
        }
        if n < 0 {
            return Err(vm.value_error("generation parameter cannot be negative"));
        }
        Some(n as u32)
    };
    let mut objects = with_state(|heap| heap.containers(generation));
    if generation.is_none() {
        // The permanent generation is nobody's business.
        objects.retain(|object| object.header().is_some_and(|h| h.generation() < 3));
    }
    Ok(vm.list(objects))
}

fn get_referrers(vm: &Vm, args: &[Object]) -> Result {
    let Some(wanted) = args[0].downcast::<Tuple>() else { return Ok(vm.list(Vec::new())) };
    let mut out = with_state(|heap| heap.containers(None));
    out.retain(|container| {
        container.value() != args[0].value()
            && wanted.items().iter().any(|object| collector::refers_to(container, object))
    });
    Ok(vm.list(out))
}

fn get_referents(vm: &Vm, args: &[Object]) -> Result {
    let mut out = Vec::new();
    if let Some(objects) = args[0].downcast::<Tuple>() {
        for object in objects.items() {
            if object.ty().has(type_flags::HAVE_GC) {
                out.extend(collector::referents(object));
            }
        }
    }
    Ok(vm.list(out))
}

fn set_frozen(frozen: bool) -> Result {
    with_state(|heap| heap.set_frozen(frozen));
    Ok(Object::NONE)
}
