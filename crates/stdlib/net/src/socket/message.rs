//! `sendmsg` and `recvmsg`: several buffers at once, and ancillary data.

use super::address;
use super::object::{Ready, Socket, call};
use crate::arguments::{c_int, c_int_or, positional};
use taipan_host::{libc, net};
use taipan_runtime::buffer::{Buffer, flags};
use taipan_runtime::prelude::*;
use taipan_runtime::support::this;
use taipan_runtime::types::bytes;
use taipan_runtime::types::str_methods::shown_type;
use taipan_stdlib_files::support::with_all;

/// Most buffers that one call takes.
const BUFFERS_MAX: usize = 1024;

/// The items of an iterable argument.
fn iterable(vm: &Vm, object: &Object, message: &str) -> Result<Vec<Object>> {
    match vm.collect(object) {
        Ok(items) => Ok(items),
        Err(raised) if vm.raised_is(&exc::TYPE_ERROR) && object.ty().slots().next.is_none() => {
            drop(vm.caught(raised));
            Err(vm.type_error(message))
        }
        Err(raised) => Err(raised),
    }
}

// ---- receiving ------------------------------------------------------------------------------

/// The size of the room for ancillary data.
fn control_size(vm: &Vm, object: Option<&Object>) -> Result<usize> {
    let size = object.map_or(Ok(0), |object| vm.index_isize(object))?;
    match usize::try_from(size) {
        Ok(size) if size <= i32::MAX as usize => Ok(size),
        _ => Err(vm.value_error("invalid ancillary data buffer length")),
    }
}

/// (`first`, ancillary data, flags, address).
fn result(vm: &Vm, s: &Socket, first: Object, message: &net::Message) -> Result {
    let mut ancillary = Vec::new();
    for (level, kind, data) in &message.control {
        let data = bytes::new(vm, data)?;
        ancillary.push(vm.tuple(vec![vm.int(*level as i64), vm.int(*kind as i64), data]));
    }
    if message.cut {
        vm.warn(&exc::RUNTIME_WARNING, "received malformed or improperly-truncated ancillary data", 1)?;
    }
    let shown = address::show(vm, s.protocol.get(), message.address.bytes())?;
    Ok(vm.tuple(vec![first, vm.list(ancillary), vm.int(message.flags as i64), shown]))
}

pub fn recv_message(vm: &Vm, args: &[Object], kwnames: &[Object]) -> Result {
    let given = positional(vm, "recvmsg", args, kwnames, 1, 1, 3)?;
    let Ok(size) = usize::try_from(vm.index_isize(&given[0])?) else {
        return Err(vm.value_error("negative buffer size in recvmsg()"));
    };
    let control_object = given.get(1);
    let options = c_int_or(vm, given.get(2), 0)?;
    let control = control_size(vm, control_object)?;
    let mut out = Vec::new();
    if out.try_reserve_exact(size).is_err() {
        return Err(vm.memory_error());
    }
    out.resize(size, 0u8);
    let s = this::<Socket>(&args[0]);
    let message =
        call(vm, s, Ready::Read, |fd| net::recv_message(fd, &mut [&mut out[..]], control, options))?;
    let data = bytes::new(vm, out.get(..message.size).unwrap_or(&out))?;
    result(vm, s, data, &message)
}

pub fn recv_message_into(vm: &Vm, args: &[Object], kwnames: &[Object]) -> Result {
    let given = positional(vm, "recvmsg_into", args, kwnames, 1, 1, 3)?;
    let control = given.get(1);
    let options = c_int_or(vm, given.get(2), 0)?;
    let items = iterable(vm, &given[0], "recvmsg_into() argument 1 must be an iterable")?;
    if items.len() > BUFFERS_MAX {
        return Err(vm.error(&exc::OS_ERROR, "recvmsg_into() argument 1 is too long"));
    }
    let mut buffers: Vec<Buffer> = Vec::new();
    for item in &items {
        match vm.buffer(item, flags::WRITABLE) {
            Ok(buffer) => buffers.push(buffer),
            Err(raised) => {
                drop(vm.caught(raised));
                return Err(vm.type_error(
                    "recvmsg_into() argument 1 must be an iterable of single-segment read-write buffers",
                ));
            }
        }
    }
    let control = control_size(vm, control)?;
    let s = this::<Socket>(&args[0]);
    let message = call(vm, s, Ready::Read, |fd| {
        with_all(&buffers, &mut Vec::new(), &mut |slices| net::recv_message(fd, slices, control, options))
    })?;
    result(vm, s, vm.usize(message.size), &message)
}

// ---- sending --------------------------------------------------------------------------------

fn parts(vm: &Vm, function: &str, object: &Object) -> Result<Vec<Buffer>> {
    let items = iterable(vm, object, &format!("{function}() argument 1 must be an iterable"))?;
    if items.len() > BUFFERS_MAX {
        return Err(vm.error(&exc::OS_ERROR, format!("{function}() argument 1 is too long")));
    }
    items.iter().map(|item| vm.bytes_like(item, "buffer")).collect()
}

/// The ancillary data: an iterable of (level, type, data).
fn ancillary(vm: &Vm, object: &Object) -> Result<Vec<net::Control>> {
    const ITEM: &str = "[sendmsg() ancillary data items]() argument must be";
    let mut out = Vec::new();
    let mut total = 0usize;
    for item in iterable(vm, object, "sendmsg() argument 2 must be an iterable")? {
        let Some(tuple) = item.downcast::<Tuple>() else {
            return Err(vm.type_error(format!("{ITEM} 3-item tuple, not {}", shown_type(&item))));
        };
        let [level, kind, data] = tuple.items() else {
            return Err(vm.type_error(format!("{ITEM} tuple of length 3, not {}", tuple.len())));
        };
        let (level, kind) = (c_int(vm, level)?, c_int(vm, kind)?);
        let data = vm.bytes_like(data, "data")?.bytes().to_vec();
        let Some(space) = net::control_space(data.len()) else {
            return Err(vm.error(&exc::OS_ERROR, "ancillary data item too large"));
        };
        total = match total.checked_add(space) {
            Some(total) if total <= i32::MAX as usize => total,
            _ => return Err(vm.error(&exc::OS_ERROR, "too much ancillary data")),
        };
        out.push((level, kind, data));
    }
    Ok(out)
}

pub fn send_message(vm: &Vm, args: &[Object], kwnames: &[Object]) -> Result {
    let given = positional(vm, "sendmsg", args, kwnames, 1, 1, 4)?;
    let options = c_int_or(vm, given.get(2), 0)?;
    let s = this::<Socket>(&args[0]);
    let to = given.get(3).and_then(|to| to.some());
    let place = match to {
        Some(to) => Some(address::parse(vm, s, "sendmsg", to)?),
        None => None,
    };
    vm.audit("socket.sendmsg", &[args[0].clone(), to.cloned().unwrap_or(Object::NONE)])?;
    let buffers = parts(vm, "sendmsg", &given[0])?;
    let control = match given.get(1) {
        Some(control) => ancillary(vm, control)?,
        None => Vec::new(),
    };
    transmit(vm, s, &buffers, &control, options, place.as_deref())
}

fn transmit(
    vm: &Vm,
    s: &Socket,
    buffers: &[Buffer],
    control: &[net::Control],
    options: i32,
    to: Option<&[u8]>,
) -> Result {
    let slices: Vec<&[u8]> = buffers.iter().map(|b| b.bytes()).collect();
    let n = call(vm, s, Ready::Write, |fd| net::send_message(fd, &slices, control, options, to))?;
    Ok(vm.usize(n))
}

/// Kinds of control messages of the kernel's cryptography.
const ALG_SET_IV: i32 = 2;
const ALG_SET_OP: i32 = 3;
const ALG_SET_ASSOC: i32 = 4;

pub fn send_message_alg(vm: &Vm, args: &[Object], kwnames: &[Object]) -> Result {
    static SIG: Sig = Sig::new(
        "sendmsg_afalg(msg=<unrepresentable>, *, op=<unrepresentable>, iv=<unrepresentable>, assoclen=<unrepresentable>, flags=0)",
    );
    let s = this::<Socket>(&args[0]);
    let bound = SIG.bind(vm, args.get(1..).unwrap_or_default(), kwnames)?;
    if s.family.get() != libc::AF_ALG {
        return Err(vm.error(&exc::OS_ERROR, "algset is only supported for AF_ALG"));
    }
    let operation = match bound[1].bound() {
        Some(operation) => c_int(vm, operation)?,
        None => -1,
    };
    if operation < 0 {
        return Err(vm.type_error("Invalid or missing argument 'op'"));
    }
    let mut control = vec![(libc::SOL_ALG, ALG_SET_OP, operation.to_ne_bytes().to_vec())];
    if let Some(iv) = bound[2].bound() {
        let iv = vm.bytes_like(iv, "iv")?;
        let mut data = (iv.len() as u32).to_ne_bytes().to_vec();
        data.extend_from_slice(iv.bytes());
        control.push((libc::SOL_ALG, ALG_SET_IV, data));
    }
    if let Some(length) = bound[3].bound() {
        let length = c_int(vm, length)?;
        if length < 0 {
            return Err(vm.type_error("assoclen must be positive"));
        }
        control.push((libc::SOL_ALG, ALG_SET_ASSOC, length.to_ne_bytes().to_vec()));
    }
    let options = c_int(vm, &bound[4])?;
    let buffers = match bound[0].bound() {
        Some(message) => parts(vm, "sendmsg_afalg", message)?,
        None => Vec::new(),
    };
    transmit(vm, s, &buffers, &control, options, None)
}
