//! `sys.monitoring` (PEP 669): tools say which events they want to be told of. The
//! state is [`Monitoring`](crate::interp::events::Monitoring); telling them is the
//! work of `interp::events`.

use crate::interp::events::{self, EVENTS, Event, LOCAL_EVENTS, NAMES, TOOLS};
use crate::prelude::*;
use crate::types::code::Code;
use crate::types::{module, namespace, native_function};

const C_EVENTS: u32 = 1 << Event::CReturn as u32 | 1 << Event::CRaise as u32;
const BRANCHES: u32 = 1 << Event::BranchLeft as u32 | 1 << Event::BranchRight as u32;
const BRANCH: u32 = 1 << Event::Branch as u32;

static FUNCTIONS: [MethodDef; 11] = [
    MethodDef::new("use_tool_id(tool_id, name, /)", use_tool_id, ""),
    MethodDef::new("clear_tool_id(tool_id, /)", |vm, args| clear(vm, args, false), ""),
    MethodDef::new("free_tool_id(tool_id, /)", |vm, args| clear(vm, args, true), ""),
    MethodDef::new(
        "get_tool(tool_id, /)",
        |vm, args| Ok(vm.interp().monitoring.names[tool(vm, &args[0])?].or_none()),
        "",
    ),
    MethodDef::new("register_callback(tool_id, event, func, /)", register_callback, ""),
    MethodDef::new(
        "get_events(tool_id, /)",
        |vm, args| Ok(vm.int(vm.interp().monitoring.global[tool(vm, &args[0])?].get() as i64)),
        "",
    ),
    MethodDef::new("set_events(tool_id, event_set, /)", set_events, ""),
    MethodDef::new("get_local_events(tool_id, code, /)", get_local_events, ""),
    MethodDef::new("set_local_events(tool_id, code, event_set, /)", set_local_events, ""),
    MethodDef::new("restart_events()", restart_events, ""),
    MethodDef::new("_all_events()", all_events, ""),
];

/// Makes the module `sys.monitoring`.
pub fn build(vm: &Vm) -> Result {
    let monitoring = module::new(vm, "sys.monitoring");
    for def in &FUNCTIONS {
        let function = native_function::new_function(vm, def, vm.intern("sys.monitoring"));
        vm.set_attr_str(&monitoring, def.name(), &function)?;
    }
    let mut names: Vec<(&str, Object)> =
        NAMES.iter().enumerate().map(|(i, name)| (*name, vm.int(1 << i))).collect();
    names.push(("NO_EVENTS", vm.int(0)));
    vm.set_attr_str(&monitoring, "events", &namespace::new(vm, &names))?;
    for (tool, id) in [("DEBUGGER_ID", 0), ("COVERAGE_ID", 1), ("PROFILER_ID", 2), ("OPTIMIZER_ID", 5)] {
        vm.set_attr_str(&monitoring, tool, &vm.int(id))?;
    }
    let object = crate::types::object::OBJECT.to_object();
    let state = &vm.interp().monitoring;
    for (name, place) in [("DISABLE", &state.disable), ("MISSING", &state.missing)] {
        place.set(vm.call(&object, &[])?);
        vm.set_attr_str(&monitoring, name, &place.get())?;
    }
    Ok(monitoring)
}

fn tool(vm: &Vm, id: &Object) -> Result<usize> {
    let id = vm.to_c_int(id)?;
    match usize::try_from(id) {
        Ok(tool) if tool < TOOLS => Ok(tool),
        _ => Err(vm.value_error(format!("invalid tool {id} (must be between 0 and 5)"))),
    }
}

fn used_tool(vm: &Vm, id: &Object) -> Result<usize> {
    let id = tool(vm, id)?;
    if vm.interp().monitoring.names[id].is_empty() {
        return Err(vm.value_error(format!("tool {id} is not in use")));
    }
    Ok(id)
}

fn use_tool_id(vm: &Vm, args: &[Object]) -> Result {
    let id = tool(vm, &args[0])?;
    if args[1].downcast::<Str>().is_none() {
        return Err(vm.value_error("tool name must be a str"));
    }
    let name = &vm.interp().monitoring.names[id];
    if !name.is_empty() {
        return Err(vm.value_error(format!("tool {id} is already in use")));
    }
    name.set(args[1].clone());
    Ok(Object::NONE)
}

fn clear(vm: &Vm, args: &[Object], free: bool) -> Result {
    let id = tool(vm, &args[0])?;
    let state = &vm.interp().monitoring;
    if !state.names[id].is_empty() {
        state.forget(id);
        if free {
            state.names[id].clear();
        }
        events::refresh(vm);
    }
    Ok(Object::NONE)
}

fn register_callback(vm: &Vm, args: &[Object]) -> Result {
    let id = tool(vm, &args[0])?;
    let event = vm.to_c_int(&args[1])?;
    if event <= 0 || event.count_ones() != 1 {
        return Err(vm.value_error("The callback can only be set for one event at a time"));
    }
    let number = event.trailing_zeros() as usize;
    if number >= EVENTS {
        return Err(vm.value_error(format!("invalid event {event}")));
    }
    vm.audit("sys.monitoring.register_callback", &[args[2].clone()])?;
    let callback = if args[2].is_none() { Object::UNBOUND } else { args[2].clone() };
    let callbacks = &vm.interp().monitoring.callbacks[id];
    let old = if number == Event::Branch as usize {
        // The event of both ways, before they were told apart.
        callbacks[Event::BranchRight as usize].set(callback.clone());
        callbacks[Event::BranchLeft as usize].replace(callback)
    } else {
        callbacks[number].replace(callback)
    };
    Ok(if old.is_unbound() { Object::NONE } else { old })
}

/// The events that a set names, without those that follow from others.
fn plain_events(vm: &Vm, mut set: u32) -> Result<u32> {
    let calls = C_EVENTS | 1 << Event::Call as u32;
    if set & C_EVENTS != 0 {
        if set & calls != calls {
            return Err(vm.value_error("cannot set C_RETURN or C_RAISE events independently"));
        }
        set &= !C_EVENTS;
    }
    if set & BRANCH != 0 {
        set = set & !BRANCH | BRANCHES;
    }
    Ok(set)
}

fn set_events(vm: &Vm, args: &[Object]) -> Result {
    let id = tool(vm, &args[0])?;
    let set = vm.to_c_int(&args[1])?;
    if !(0..1 << EVENTS).contains(&set) {
        return Err(vm.value_error(format!("invalid event set 0x{set:x}")));
    }
    let set = plain_events(vm, set as u32)?;
    let id = used_tool(vm, &vm.usize(id))?;
    vm.interp().monitoring.set_global(id, set);
    events::refresh(vm);
    Ok(Object::NONE)
}

fn code_of<'a>(vm: &Vm, code: &'a Object) -> Result<&'a Code> {
    match code.downcast::<Code>() {
        Some(code) => {
            // Tracers look at code that was read.
            code.instructions(vm);
            Ok(code)
        }
        None => Err(vm.type_error("code must be a code object")),
    }
}

fn get_local_events(vm: &Vm, args: &[Object]) -> Result {
    let id = tool(vm, &args[0])?;
    let code = code_of(vm, &args[1])?;
    Ok(vm.int(vm.interp().monitoring.local(id, code) as i64))
}

fn set_local_events(vm: &Vm, args: &[Object]) -> Result {
    let id = tool(vm, &args[0])?;
    let code = code_of(vm, &args[1])?;
    let set = vm.to_c_int(&args[2])?;
    let id = used_tool(vm, &vm.usize(id))?;
    let set = plain_events(vm, set as u32)?;
    if set >= 1 << LOCAL_EVENTS {
        return Err(vm.value_error(format!("invalid local event set 0x{set:x}")));
    }
    vm.interp().monitoring.set_local(id, code, set);
    events::refresh(vm);
    Ok(Object::NONE)
}

fn restart_events(vm: &Vm, _: &[Object]) -> Result {
    let restarts = &vm.interp().monitoring.restarts;
    restarts.set(restarts.get().wrapping_add(1));
    Ok(Object::NONE)
}

fn all_events(vm: &Vm, _: &[Object]) -> Result {
    let all = vm.new_dict();
    for (i, name) in NAMES.iter().enumerate() {
        let wanted = |tool: &usize| vm.interp().monitoring.global[*tool].get() >> i & 1 != 0;
        let tools = (0..TOOLS).filter(wanted).fold(0, |tools, tool| tools | 1 << tool);
        if tools != 0 {
            vm.set_item(&all, &vm.intern(name), &vm.int(tools))?;
        }
    }
    Ok(all)
}
