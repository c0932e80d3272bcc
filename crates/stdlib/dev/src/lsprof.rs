//! `_lsprof`: the profiler behind `cProfile`. It is a tool of `sys.monitoring`: the
//! callbacks that it registers keep a stack of the calls that run, and add up, for
//! each function and each pair of caller and function, calls and times.
//!
//! Timers may be Python functions: nothing is borrowed while one runs.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use taipan_host::{clock, libc};
use taipan_runtime::prelude::*;
use taipan_runtime::structseq::{self, StructDef};
use taipan_runtime::support::this;
use taipan_runtime::types::module::MODULE as MODULE_TYPE;
use taipan_runtime::types::native_function::{BUILTIN_FUNCTION, METHOD_DESCRIPTOR, NativeFunction};
use taipan_runtime::types::object::OBJECT;

/// The module `_lsprof`.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_lsprof",
    doc: "Fast profiler",
    functions: &[],
    types: &[&PROFILER],
    init: Some(|vm, module| {
        vm.set_attr_str(module, "profiler_entry", &structseq::class(vm, &ENTRY)?)?;
        vm.set_attr_str(module, "profiler_subentry", &structseq::class(vm, &SUBENTRY)?)
    }),
};

static ENTRY: StructDef = StructDef::new(
    "_lsprof.profiler_entry",
    "",
    &[
        ("code", "code object or built-in function name"),
        ("callcount", "how many times this was called"),
        ("reccallcount", "how many times called recursively"),
        ("totaltime", "total time in this entry"),
        ("inlinetime", "inline time in this entry (not in subcalls)"),
        ("calls", "details of the calls"),
    ],
);

static SUBENTRY: StructDef = StructDef::new(
    "_lsprof.profiler_subentry",
    "",
    &[
        ("code", "called code object or built-in function name"),
        ("callcount", "how many times this is called"),
        ("reccallcount", "how many times this is called recursively"),
        ("totaltime", "total time spent in this call"),
        ("inlinetime", "inline time (not in further subcalls)"),
    ],
);

/// What is added up for a function, or for a function with one caller.
#[derive(Default, Clone)]
struct Sums {
    calls: i64,
    recursive: i64,
    total: i64,
    inline: i64,
    /// Activations that run now.
    level: i64,
}

impl Sums {
    fn ended(&mut self, total: i64, inline: i64) {
        self.level -= 1;
        if self.level == 0 {
            self.total += total;
        } else {
            self.recursive += 1;
        }
        self.inline += inline;
        self.calls += 1;
    }
}

struct Entry {
    /// The code object, or the text that stands for a builtin function: it keeps what
    /// the key is the address of.
    shown: Object,
    sums: Sums,
    /// By the callee's number.
    callees: Vec<(usize, Sums)>,
}

impl Entry {
    fn callee(&mut self, number: usize) -> &mut Sums {
        let at = match self.callees.iter().position(|(n, _)| *n == number) {
            Some(at) => at,
            None => {
                self.callees.push((number, Sums::default()));
                self.callees.len() - 1
            }
        };
        &mut self.callees[at].1
    }
}

/// A call that runs.
struct Running {
    entry: usize,
    started: i64,
    /// Time spent in what it called.
    inner: i64,
}

#[derive(Default)]
struct Data {
    entries: Vec<Entry>,
    /// Numbers of entries by the address of code or definition.
    numbers: HashMap<usize, usize>,
    running: Vec<Running>,
}

/// Payload of `_lsprof.Profiler`.
#[derive(Default)]
struct Profiler {
    data: RefCell<Data>,
    timer: RefCell<Option<Object>>,
    unit: Cell<f64>,
    subcalls: Cell<bool>,
    builtins: Cell<bool>,
    enabled: Cell<bool>,
    in_timer: Cell<bool>,
}

impl NativeClass for Profiler {
    fn class() -> &'static Type {
        &PROFILER
    }
    fn traverse(&self, visitor: &mut Visitor) {
        for entry in &self.data.borrow().entries {
            visitor.visit_object(&entry.shown);
        }
        if let Some(timer) = &*self.timer.borrow() {
            visitor.visit_object(timer);
        }
    }
    fn clear(&self) {
        drop(self.timer.take());
        drop(self.data.take());
    }
}

static INIT: Sig = Sig::new("Profiler(timer=None, timeunit=0.0, subcalls=True, builtins=True)");

static PROFILER: Type = Type::new::<Profiler>(
    "_lsprof.Profiler",
    &OBJECT,
    type_flags::BASE | type_flags::HAVE_GC,
    Slots {
        new: Some(|vm, class, _, _| Ok(vm.alloc(class, Profiler::default()))),
        init: Some(|vm, object, args, kwnames| {
            let args = INIT.bind(vm, args, kwnames)?;
            let this: &Profiler = this(object);
            this.unit.set(vm.to_f64(&args[1])?);
            this.subcalls.set(vm.is_true(&args[2])?);
            this.builtins.set(vm.is_true(&args[3])?);
            drop(this.timer.replace(args[0].some().cloned()));
            Ok(())
        }),
        ..Slots::EMPTY
    },
    &[
        MethodDef::new(
            "enable($self, /, subcalls=True, builtins=True)",
            enable,
            "Start collecting profiling information.\n\n  subcalls\n    If True, also records for each function\n    statistics separated according to its current caller.\n  builtins\n    If True, records the time spent in\n    built-in functions separately from their caller.",
        ),
        MethodDef::new("disable($self, /)", disable, "Stop collecting profiling information."),
        MethodDef::new("clear($self, /)", clear, "Clear all profiling information collected so far."),
        MethodDef::new(
            "getstats($self, /)",
            getstats,
            "list of profiler_entry objects.\n\ngetstats() -> list of profiler_entry objects\n\nReturn all information collected by the profiler.",
        ),
        MethodDef::new("_pystart_callback($self, code, instruction_offset, /)", code_starts, ""),
        MethodDef::new("_pythrow_callback($self, code, instruction_offset, exception, /)", code_starts, ""),
        MethodDef::new("_pyreturn_callback($self, code, instruction_offset, retval, /)", code_ends, ""),
        MethodDef::new(
            "_ccall_callback($self, code, instruction_offset, callable, self_arg, /)",
            |vm, args| builtin(vm, args, true),
            "",
        ),
        MethodDef::new(
            "_creturn_callback($self, code, instruction_offset, callable, self_arg, /)",
            |vm, args| builtin(vm, args, false),
            "",
        ),
    ],
    &[],
)
.with_doc(
    "Build a profiler object using the specified timer function.\n\nThe default timer is a fast built-in one based on real time.\nFor custom timer functions returning integers, 'timeunit' can\nbe a float specifying a scale (that is, how long each integer unit\nis, in seconds).",
);

/// The events and the methods that are their callbacks.
const CALLBACKS: [(&str, &str); 9] = [
    ("PY_START", "_pystart_callback"),
    ("PY_RESUME", "_pystart_callback"),
    ("PY_THROW", "_pythrow_callback"),
    ("PY_RETURN", "_pyreturn_callback"),
    ("PY_YIELD", "_pyreturn_callback"),
    ("PY_UNWIND", "_pyreturn_callback"),
    ("CALL", "_ccall_callback"),
    ("C_RETURN", "_creturn_callback"),
    ("C_RAISE", "_creturn_callback"),
];

fn monitoring(vm: &Vm) -> Result<(Object, Object, Object)> {
    let monitoring = vm.get_attr_str(&vm.import_module("sys")?, "monitoring")?;
    let events = vm.get_attr_str(&monitoring, "events")?;
    let tool = vm.get_attr_str(&monitoring, "PROFILER_ID")?;
    Ok((monitoring, events, tool))
}

fn enable(vm: &Vm, args: &[Object]) -> Result {
    let profiler: &Profiler = this(&args[0]);
    let (subcalls, builtins) = (vm.is_true(&args[1])?, vm.is_true(&args[2])?);
    let (monitoring, events, tool) = monitoring(vm)?;
    vm.call_method(&monitoring, "use_tool_id", &[tool.clone(), vm.str("cProfile")])?;
    profiler.subcalls.set(subcalls);
    profiler.builtins.set(builtins);
    let mut all = 0;
    for (event, method) in CALLBACKS {
        let event = vm.get_attr_str(&events, event)?;
        all |= vm.to_i64(&event)?;
        let callback = vm.get_attr_str(&args[0], method)?;
        vm.call_method(&monitoring, "register_callback", &[tool.clone(), event, callback])?;
    }
    vm.call_method(&monitoring, "set_events", &[tool, vm.int(all)])?;
    profiler.enabled.set(true);
    Ok(Object::NONE)
}

fn disable(vm: &Vm, args: &[Object]) -> Result {
    let profiler: &Profiler = this(&args[0]);
    if profiler.in_timer.get() {
        return Err(vm.runtime_error("cannot disable profiler in external timer"));
    }
    if !profiler.enabled.get() {
        return Ok(Object::NONE);
    }
    let (monitoring, events, tool) = monitoring(vm)?;
    for (event, _) in CALLBACKS {
        let event = vm.get_attr_str(&events, event)?;
        vm.call_method(&monitoring, "register_callback", &[tool.clone(), event, Object::NONE])?;
    }
    vm.call_method(&monitoring, "set_events", &[tool.clone(), vm.int(0)])?;
    vm.call_method(&monitoring, "free_tool_id", &[tool])?;
    profiler.enabled.set(false);
    // The calls that have not returned end here.
    while !profiler.data.borrow().running.is_empty() {
        let now = now(vm, profiler);
        end(profiler, now);
    }
    Ok(Object::NONE)
}

fn clear(vm: &Vm, args: &[Object]) -> Result {
    let profiler: &Profiler = this(&args[0]);
    if profiler.in_timer.get() {
        return Err(vm.runtime_error("cannot clear profiler in external timer"));
    }
    drop(profiler.data.take());
    Ok(Object::NONE)
}

/// The time in units of the profiler.
fn now(vm: &Vm, profiler: &Profiler) -> i64 {
    let timer = profiler.timer.borrow().clone();
    let Some(timer) = timer else { return clock::now_ns(libc::CLOCK_MONOTONIC).unwrap_or(0) };
    let inside = profiler.in_timer.replace(true);
    let time = vm.call(&timer, &[]).and_then(|time| {
        if profiler.unit.get() > 0.0 {
            return vm.to_i64(&time);
        }
        // Seconds: kept as nanoseconds.
        Ok((vm.to_f64(&time)? * 1e9) as i64)
    });
    profiler.in_timer.set(inside);
    time.unwrap_or_else(|_| {
        vm.write_unraisable(&timer, "Exception ignored while calling _lsprof timer");
        0
    })
}

/// A call of what `key` stands for begins.
fn begin(vm: &Vm, profiler: &Profiler, key: usize, shown: impl FnOnce() -> Result) -> Result<()> {
    let known = profiler.data.borrow().numbers.get(&key).copied();
    let number = match known {
        Some(number) => number,
        None => {
            let shown = shown()?;
            let data = &mut *profiler.data.borrow_mut();
            data.entries.push(Entry { shown, sums: Sums::default(), callees: Vec::new() });
            data.numbers.insert(key, data.entries.len() - 1);
            data.entries.len() - 1
        }
    };
    {
        let data = &mut *profiler.data.borrow_mut();
        if profiler.subcalls.get()
            && let Some(caller) = data.running.last().map(|running| running.entry)
        {
            data.entries[caller].callee(number).level += 1;
        }
        data.entries[number].sums.level += 1;
        data.running.push(Running { entry: number, started: 0, inner: 0 });
    }
    let started = now(vm, profiler);
    if let Some(running) = profiler.data.borrow_mut().running.last_mut() {
        running.started = started;
    }
    Ok(())
}

/// The innermost call ends.
fn end(profiler: &Profiler, now: i64) {
    let data = &mut *profiler.data.borrow_mut();
    let Some(ended) = data.running.pop() else { return };
    let total = now.saturating_sub(ended.started);
    let inline = total.saturating_sub(ended.inner);
    if let Some(entry) = data.entries.get_mut(ended.entry) {
        entry.sums.ended(total, inline);
    }
    if let Some(caller) = data.running.last_mut() {
        caller.inner += total;
        let caller = caller.entry;
        if profiler.subcalls.get()
            && let Some(entry) = data.entries.get_mut(caller)
        {
            entry.callee(ended.entry).ended(total, inline);
        }
    }
}

fn code_starts(vm: &Vm, args: &[Object]) -> Result {
    let code = &args[1];
    begin(vm, this(&args[0]), code.bits() as usize, || Ok(code.clone()))?;
    Ok(Object::NONE)
}

fn code_ends(vm: &Vm, args: &[Object]) -> Result {
    let profiler: &Profiler = this(&args[0]);
    if !profiler.data.borrow().running.is_empty() {
        let now = now(vm, profiler);
        end(profiler, now);
    }
    Ok(Object::NONE)
}

/// A builtin function is called, or has ended.
fn builtin(vm: &Vm, args: &[Object], begins: bool) -> Result {
    let profiler: &Profiler = this(&args[0]);
    if !profiler.builtins.get() {
        return Ok(Object::NONE);
    }
    let Some(function) = builtin_function(vm, &args[3], &args[4])? else { return Ok(Object::NONE) };
    let Some(native) = function.downcast::<NativeFunction>() else { return Ok(Object::NONE) };
    if begins {
        let key = std::ptr::from_ref(native.def) as usize;
        begin(vm, profiler, key, || shown(vm, &function, native))?;
    } else if !profiler.data.borrow().running.is_empty() {
        let now = now(vm, profiler);
        end(profiler, now);
    }
    Ok(Object::NONE)
}

/// The builtin function that a call event is about.
fn builtin_function(vm: &Vm, callable: &Object, first: &Object) -> Result<Option<Object>> {
    if callable.ty().is(&BUILTIN_FUNCTION) {
        return Ok(Some(callable.clone()));
    }
    if callable.ty().is(&METHOD_DESCRIPTOR) {
        if first.value() == vm.interp().monitoring.missing.value() {
            return Ok(None);
        }
        let Some(get) = callable.ty().slots().descr_get else { return Ok(None) };
        let bound = get(vm, callable, Some(first), Some(&first.ty().to_object()))?;
        return Ok(bound.ty().is(&BUILTIN_FUNCTION).then_some(bound));
    }
    Ok(None)
}

/// The text that stands for a builtin function.
fn shown(vm: &Vm, function: &Object, native: &NativeFunction) -> Result {
    let name = vm.get_attr_str(function, "__name__")?;
    let owner = &native.object;
    if owner.is_unbound() || owner.is_instance_of(&MODULE_TYPE) {
        let module = vm.get_attr_str(function, "__module__")?;
        let module = match module.downcast::<Str>() {
            Some(_) => vm.str_lossy(&module),
            None => "builtins".to_string(),
        };
        return Ok(vm.str(&format!("<built-in method {module}.{}>", vm.str_lossy(&name))));
    }
    if let Some(found) = owner.ty().lookup_owned(vm, &name) {
        return Ok(vm.str(&vm.repr_text(&found)?));
    }
    Ok(vm.str(&vm.repr_text(function)?))
}

fn getstats(vm: &Vm, args: &[Object]) -> Result {
    let profiler: &Profiler = this(&args[0]);
    let external = profiler.timer.borrow().is_some() && profiler.unit.get() > 0.0;
    let factor = if external { profiler.unit.get() } else { 1e-9 };
    type Row = (Object, Sums, Vec<(Object, Sums)>);
    let rows: Vec<Row> = {
        let data = profiler.data.borrow();
        let shown = |number: usize| data.entries[number].shown.clone();
        data.entries
            .iter()
            .filter(|entry| entry.sums.calls != 0)
            .map(|entry| {
                let callees = entry.callees.iter().map(|(n, sums)| (shown(*n), sums.clone())).collect();
                (entry.shown.clone(), entry.sums.clone(), callees)
            })
            .collect()
    };
    let fields = |shown: Object, sums: &Sums| {
        vec![
            shown,
            vm.int(sums.calls),
            vm.int(sums.recursive),
            vm.float(sums.total as f64 * factor),
            vm.float(sums.inline as f64 * factor),
        ]
    };
    let mut out = Vec::with_capacity(rows.len());
    for (code, sums, callees) in rows {
        let mut values = fields(code, &sums);
        let mut inner = Vec::with_capacity(callees.len());
        for (code, sums) in callees {
            inner.push(structseq::new(vm, &SUBENTRY, fields(code, &sums))?);
        }
        values.push(if inner.is_empty() { Object::NONE } else { vm.list(inner) });
        out.push(structseq::new(vm, &ENTRY, values)?);
    }
    Ok(vm.list(out))
}
