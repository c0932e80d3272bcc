//! Sending and receiving plain bytes.

use super::address;
use super::object::{Ready, Socket, Stop, attempt, call};
use crate::arguments::{c_int_or, positional};
use taipan_host::net;
use taipan_runtime::buffer::Buffer;
use taipan_runtime::prelude::*;
use taipan_runtime::support::this;
use taipan_runtime::types::bytes;
use taipan_stdlib_files::select;

/// A vector with room for `size` bytes, or MemoryError.
fn room(vm: &Vm, size: usize) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    if out.try_reserve_exact(size).is_err() {
        return Err(vm.memory_error());
    }
    Ok(out)
}

/// The size and flags of `recv` and `recvfrom`.
fn size_and_flags(vm: &Vm, function: &str, args: &[Object], kwnames: &[Object]) -> Result<(usize, i32)> {
    let given = positional(vm, function, args, kwnames, 1, 1, 2)?;
    let size = vm.index_isize(&given[0])?;
    let flags = c_int_or(vm, given.get(1), 0)?;
    match usize::try_from(size) {
        Ok(size) => Ok((size, flags)),
        Err(_) => Err(vm.value_error(format!("negative buffersize in {function}"))),
    }
}

pub fn recv(vm: &Vm, args: &[Object], kwnames: &[Object]) -> Result {
    let (size, flags) = size_and_flags(vm, "recv", args, kwnames)?;
    let mut out = room(vm, size)?;
    if size > 0 {
        call(vm, this(&args[0]), Ready::Read, |fd| net::recv_vec(fd, &mut out, size, flags))?;
    }
    bytes::new(vm, &out)
}

pub fn recv_from(vm: &Vm, args: &[Object], kwnames: &[Object]) -> Result {
    let (size, flags) = size_and_flags(vm, "recvfrom", args, kwnames)?;
    let mut out = room(vm, size)?;
    let s = this::<Socket>(&args[0]);
    let from = call(vm, s, Ready::Read, |fd| net::recv_from_vec(fd, &mut out, size, flags))?;
    let shown = address::show(vm, s.protocol.get(), from.bytes())?;
    Ok(vm.tuple(vec![bytes::new(vm, &out)?, shown]))
}

/// Buffer, size and flags of the functions that receive into a buffer.
fn target(vm: &Vm, function: &str, too_small: &str, args: &[Object]) -> Result<(Buffer, usize, i32)> {
    let buffer = vm.writable_bytes_like(&args[1], &format!("{function}() argument 1"))?;
    let size = vm.index_isize(&args[2])?;
    let flags = crate::arguments::c_int(vm, &args[3])?;
    let Ok(size) = usize::try_from(size) else {
        return Err(vm.value_error(format!("negative buffersize in {function}")));
    };
    let size = if size == 0 { buffer.len() } else { size };
    if size > buffer.len() {
        return Err(vm.value_error(too_small));
    }
    Ok((buffer, size, flags))
}

pub fn recv_into(vm: &Vm, args: &[Object]) -> Result {
    let (buffer, size, flags) = target(vm, "recv_into", "buffer too small for requested bytes", args)?;
    if size == 0 {
        return Ok(vm.int(0));
    }
    let n = call(vm, this(&args[0]), Ready::Read, |fd| {
        buffer.with_bytes_mut(|out| net::recv(fd, out.get_mut(..size).unwrap_or_default(), flags))
    })?;
    Ok(vm.usize(n))
}

pub fn recv_from_into(vm: &Vm, args: &[Object]) -> Result {
    let too_small = "nbytes is greater than the length of the buffer";
    let (buffer, size, flags) = target(vm, "recvfrom_into", too_small, args)?;
    let s = this::<Socket>(&args[0]);
    let (n, from) = call(vm, s, Ready::Read, |fd| {
        buffer.with_bytes_mut(|out| net::recv_from(fd, out.get_mut(..size).unwrap_or_default(), flags))
    })?;
    let shown = address::show(vm, s.protocol.get(), from.bytes())?;
    Ok(vm.tuple(vec![vm.usize(n), shown]))
}

/// The data and flags of `send` and `sendall`.
fn data_and_flags(vm: &Vm, function: &str, args: &[Object], kwnames: &[Object]) -> Result<(Buffer, i32)> {
    let given = positional(vm, function, args, kwnames, 1, 1, 2)?;
    let data = vm.bytes_like(&given[0], "data")?;
    Ok((data, c_int_or(vm, given.get(1), 0)?))
}

pub fn send(vm: &Vm, args: &[Object], kwnames: &[Object]) -> Result {
    let (data, flags) = data_and_flags(vm, "send", args, kwnames)?;
    let n = call(vm, this(&args[0]), Ready::Write, |fd| net::send(fd, data.bytes(), flags))?;
    Ok(vm.usize(n))
}

pub fn send_all(vm: &Vm, args: &[Object], kwnames: &[Object]) -> Result {
    let (data, flags) = data_and_flags(vm, "sendall", args, kwnames)?;
    let s = this::<Socket>(&args[0]);
    // The timeout is for all of it.
    let timeout = s.timeout.get();
    let deadline = if timeout > 0 { select::deadline(vm, Some(timeout))? } else { None };
    let mut rest = data.bytes();
    loop {
        let left = match deadline {
            None => timeout,
            Some(deadline) => match select::left(deadline) {
                0 => return Err(Stop::TimedOut.raise(vm)),
                left => left,
            },
        };
        let sent = attempt(vm, s, Ready::Write, left, |fd| net::send(fd, rest, flags));
        let n = sent.map_err(|stop| stop.raise(vm))?;
        rest = rest.get(n..).unwrap_or_default();
        vm.check_signals()?;
        if rest.is_empty() {
            return Ok(Object::NONE);
        }
    }
}

pub fn send_to(vm: &Vm, args: &[Object], kwnames: &[Object]) -> Result {
    let given = args.get(1..).unwrap_or_default();
    let (data, flags, to) = match given {
        _ if !kwnames.is_empty() => {
            return Err(vm.type_error("sendto() takes no keyword arguments"));
        }
        [data, to] => (data, None, to),
        [data, flags, to] => (data, Some(flags), to),
        _ => {
            return Err(vm.type_error(format!("sendto() takes 2 or 3 arguments ({} given)", given.len())));
        }
    };
    let data = vm.bytes_like(data, "data")?;
    let flags = c_int_or(vm, flags, 0)?;
    let s = this::<Socket>(&args[0]);
    let place = address::parse(vm, s, "sendto", to)?;
    vm.audit("socket.sendto", &[args[0].clone(), to.clone()])?;
    let n = call(vm, s, Ready::Write, |fd| net::send_to(fd, data.bytes(), flags, &place))?;
    Ok(vm.usize(n))
}
