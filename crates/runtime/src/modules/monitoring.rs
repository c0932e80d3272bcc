//! `sys.monitoring`: tool registration and the bookkeeping of callbacks and
//! events (PEP 669).

use crate::prelude::*;
use crate::types::{module, namespace, native_function};

/// The events and their bits.
pub const EVENTS: [(&str, i64); 20] = [
    ("PY_START", 1),
    ("PY_RESUME", 1 << 1),
    ("PY_RETURN", 1 << 2),
    ("PY_YIELD", 1 << 3),
    ("CALL", 1 << 4),
    ("LINE", 1 << 5),
    ("INSTRUCTION", 1 << 6),
    ("JUMP", 1 << 7),
    ("BRANCH_LEFT", 1 << 8),
    ("BRANCH_RIGHT", 1 << 9),
    ("STOP_ITERATION", 1 << 10),
    ("RAISE", 1 << 11),
    ("EXCEPTION_HANDLED", 1 << 12),
    ("PY_UNWIND", 1 << 13),
    ("PY_THROW", 1 << 14),
    ("RERAISE", 1 << 15),
    ("C_RETURN", 1 << 16),
    ("C_RAISE", 1 << 17),
    ("BRANCH", 1 << 18),
    ("NO_EVENTS", 0),
];

const STATE: &str = "sys.monitoring";
const LOCAL_EVENTS: i64 = (1 << 11) - 1;
const ALL_EVENTS: i64 = (1 << 19) - 1;

static FUNCTIONS: [MethodDef; 11] = [
    MethodDef::new("use_tool_id(tool_id, name, /)", use_tool_id, ""),
    MethodDef::new("clear_tool_id(tool_id, /)", clear_tool_id, ""),
    MethodDef::new("free_tool_id(tool_id, /)", free_tool_id, ""),
    MethodDef::new("get_tool(tool_id, /)", |vm, args| entry(vm, "tool", tool(vm, &args[0])?, 0), ""),
    MethodDef::new("register_callback(tool_id, event, func, /)", register_callback, ""),
    MethodDef::new(
        "get_events(tool_id, /)",
        |vm, args| {
            let found = entry(vm, "events", used_tool(vm, &args[0])?, 0)?;
            Ok(if found.is_none() { vm.int(0) } else { found })
        },
        "",
    ),
    MethodDef::new("set_events(tool_id, event_set, /)", set_events, ""),
    MethodDef::new(
        "get_local_events(tool_id, code, /)",
        |vm, args| {
            let found = entry(vm, "local", used_tool(vm, &args[0])?, code_key(vm, &args[1])?)?;
            Ok(if found.is_none() { vm.int(0) } else { found })
        },
        "",
    ),
    MethodDef::new("set_local_events(tool_id, code, event_set, /)", set_local_events, ""),
    MethodDef::new("restart_events()", |_, _| Ok(Object::NONE), ""),
    MethodDef::new("_all_events()", |vm, _| Ok(vm.new_dict()), ""),
];

/// Makes the module `sys.monitoring`.
pub fn build(vm: &Vm) -> Result {
    let monitoring = module::new(vm, "sys.monitoring");
    for def in &FUNCTIONS {
        let function = native_function::new_function(vm, def, vm.intern("sys.monitoring"));
        vm.set_attr_str(&monitoring, def.name(), &function)?;
    }
    let events: Vec<(&str, Object)> = EVENTS.iter().map(|(name, bit)| (*name, vm.int(*bit))).collect();
    vm.set_attr_str(&monitoring, "events", &namespace::new(vm, &events))?;
    for (tool, id) in [("DEBUGGER_ID", 0), ("COVERAGE_ID", 1), ("PROFILER_ID", 2), ("OPTIMIZER_ID", 5)] {
        vm.set_attr_str(&monitoring, tool, &vm.int(id))?;
    }
    let object = crate::types::object::OBJECT.to_object();
    for marker in ["DISABLE", "MISSING"] {
        vm.set_attr_str(&monitoring, marker, &vm.call(&object, &[])?)?;
    }
    vm.share(STATE, vm.new_dict());
    Ok(monitoring)
}

fn tool(vm: &Vm, id: &Object) -> Result<i64> {
    let id = vm.to_c_int(id)? as i64;
    if !(0..6).contains(&id) {
        return Err(vm.value_error(format!("invalid tool {id} (must be between 0 and 5)")));
    }
    Ok(id)
}

fn used_tool(vm: &Vm, id: &Object) -> Result<i64> {
    let id = tool(vm, id)?;
    if entry(vm, "tool", id, 0)?.is_none() {
        return Err(vm.value_error(format!("tool {id} is not in use")));
    }
    Ok(id)
}

fn key(vm: &Vm, what: &str, tool: i64, n: i64) -> Object {
    vm.tuple(vec![vm.intern(what), vm.int(tool), vm.int(n)])
}

fn state(vm: &Vm) -> Object {
    vm.shared(STATE).unwrap_or_else(|| vm.new_dict())
}

fn entry(vm: &Vm, what: &str, tool: i64, n: i64) -> Result {
    let state = state(vm);
    let found = match state.downcast::<Dict>() {
        Some(d) => d.get(vm, &key(vm, what, tool, n))?,
        None => None,
    };
    Ok(found.unwrap_or(Object::NONE))
}

fn store(vm: &Vm, what: &str, tool: i64, n: i64, value: Object) -> Result<()> {
    vm.set_item(&state(vm), &key(vm, what, tool, n), &value)
}

fn code_key(vm: &Vm, code: &Object) -> Result<i64> {
    if code.downcast::<crate::types::code::Code>().is_none() {
        return Err(vm.type_error("code must be a code object"));
    }
    Ok(code.bits() as i64)
}

fn use_tool_id(vm: &Vm, args: &[Object]) -> Result {
    let id = tool(vm, &args[0])?;
    if args[1].downcast::<Str>().is_none() {
        return Err(vm.value_error("tool name must be a str"));
    }
    if !entry(vm, "tool", id, 0)?.is_none() {
        return Err(vm.value_error(format!("tool {id} is already in use")));
    }
    store(vm, "tool", id, 0, args[1].clone())?;
    Ok(Object::NONE)
}

fn forget(vm: &Vm, id: i64) -> Result<()> {
    let state = state(vm);
    let Some(d) = state.downcast::<Dict>() else { return Ok(()) };
    for (key, _) in d.items() {
        let mine = key.downcast::<Tuple>().is_some_and(|t| {
            matches!(t.items(), [what, tool, _] if tool.is_int() && tool.as_int() == id && vm.str_lossy(what) != "tool")
        });
        if mine {
            d.remove(vm, &key)?;
        }
    }
    Ok(())
}

fn clear_tool_id(vm: &Vm, args: &[Object]) -> Result {
    let id = tool(vm, &args[0])?;
    forget(vm, id)?;
    Ok(Object::NONE)
}

fn free_tool_id(vm: &Vm, args: &[Object]) -> Result {
    let id = tool(vm, &args[0])?;
    forget(vm, id)?;
    store(vm, "tool", id, 0, Object::NONE)?;
    Ok(Object::NONE)
}

fn register_callback(vm: &Vm, args: &[Object]) -> Result {
    let id = tool(vm, &args[0])?;
    let event = vm.to_c_int(&args[1])? as i64;
    if event <= 0 || event.count_ones() != 1 {
        return Err(vm.value_error("The callback can only be set for one event at a time"));
    }
    if event & ALL_EVENTS == 0 {
        return Err(vm.value_error(format!("invalid event {}", event.trailing_zeros())));
    }
    vm.audit("sys.monitoring.register_callback", &[args[2].clone()])?;
    let old = entry(vm, "callback", id, event)?;
    store(vm, "callback", id, event, args[2].clone())?;
    Ok(old)
}

fn set_events(vm: &Vm, args: &[Object]) -> Result {
    let id = tool(vm, &args[0])?;
    let events = vm.to_c_int(&args[1])? as i64;
    if !(0..=ALL_EVENTS).contains(&events) {
        return Err(vm.value_error(format!("invalid event set 0x{events:x}")));
    }
    let id = used_tool(vm, &vm.int(id))?;
    store(vm, "events", id, 0, vm.int(events))?;
    Ok(Object::NONE)
}

fn set_local_events(vm: &Vm, args: &[Object]) -> Result {
    let id = used_tool(vm, &args[0])?;
    let code = code_key(vm, &args[1])?;
    let events = vm.to_c_int(&args[2])? as i64;
    if events < 0 || events & !(LOCAL_EVENTS | 1 << 18) != 0 {
        return Err(vm.value_error(format!("invalid local event set 0x{events:x}")));
    }
    store(vm, "local", id, code, vm.int(events))?;
    Ok(Object::NONE)
}
