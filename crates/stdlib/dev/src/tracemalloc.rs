//! `_tracemalloc`: where memory was allocated. The table is in the runtime
//! (`traces`); here is what programs see of it.

use taipan_runtime::prelude::*;
use taipan_runtime::traces;

/// The module.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_tracemalloc",
    doc: "Debug module to trace memory blocks allocated by Python.",
    functions: &[
        MethodDef::new(
            "is_tracing()",
            |_, _| Ok(Object::bool(traces::is_tracing())),
            "Return True if the tracemalloc module is tracing Python memory allocations.",
        ),
        MethodDef::new(
            "clear_traces()",
            |_, _| {
                traces::clear();
                Ok(Object::NONE)
            },
            "Clear traces of memory blocks allocated by Python.",
        ),
        MethodDef::new(
            "_get_traces()",
            |vm, _| Ok(traces::all(vm)),
            "Get traces of all memory blocks allocated by Python.\n\nReturn a list of (size: int, traceback: tuple) tuples.\ntraceback is a tuple of (filename: str, lineno: int) tuples.\n\nReturn an empty list if the tracemalloc module is disabled.",
        ),
        MethodDef::new(
            "_get_object_traceback(obj, /)",
            |vm, args| Ok(traces::of_object(vm, &args[0]).unwrap_or(Object::NONE)),
            "Get the traceback where the Python object obj was allocated.\n\nReturn a tuple of (filename: str, lineno: int) tuples.\nReturn None if the tracemalloc module is disabled or did not\ntrace the allocation of the object.",
        ),
        MethodDef::new(
            "start(nframe=1, /)",
            start,
            "Start tracing Python memory allocations.\n\nAlso set the maximum number of frames stored in the traceback of a\ntrace to nframe.",
        ),
        MethodDef::new(
            "stop()",
            |vm, _| {
                traces::stop(vm);
                Ok(Object::NONE)
            },
            "Stop tracing Python memory allocations.\n\nAlso clear traces of memory blocks allocated by Python.",
        ),
        MethodDef::new(
            "get_traceback_limit()",
            |vm, _| Ok(vm.usize(traces::limit())),
            "Get the maximum number of frames stored in the traceback of a trace.\n\nBy default, a trace of an allocated memory block only stores\nthe most recent frame: the limit is 1.",
        ),
        MethodDef::new(
            "get_tracemalloc_memory()",
            |vm, _| Ok(vm.usize(traces::own_memory())),
            "Get the memory usage in bytes of the tracemalloc module.\n\nThis memory is used internally to trace memory allocations.",
        ),
        MethodDef::new(
            "get_traced_memory()",
            |vm, _| {
                let (current, peak) = traces::traced_memory();
                Ok(vm.tuple(vec![vm.usize(current), vm.usize(peak)]))
            },
            "Get the current size and peak size of memory blocks traced by tracemalloc.\n\nReturns a tuple: (current: int, peak: int).",
        ),
        MethodDef::new(
            "reset_peak()",
            |_, _| {
                traces::reset_peak();
                Ok(Object::NONE)
            },
            "Set the peak size of memory blocks traced by tracemalloc to the current size.\n\nDo nothing if the tracemalloc module is not tracing memory allocations.",
        ),
    ],
    types: &[],
    init: None,
};

fn start(vm: &Vm, args: &[Object]) -> Result {
    let frames = match args[0].bound() {
        Some(given) => vm.to_plain_c_int(given)?,
        None => 1,
    };
    match usize::try_from(frames) {
        Ok(frames) if (1..=traces::MAX_FRAMES).contains(&frames) => traces::start(vm, frames),
        _ => {
            return Err(
                vm.value_error(format!("the number of frames must be in range [1; {}]", traces::MAX_FRAMES))
            );
        }
    }
    Ok(Object::NONE)
}
