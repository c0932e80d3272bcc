//! Addresses of sockets: from Python's tuples, texts and bytes to the bytes of
//! a `sockaddr`, and back.

use super::object::Socket;
use super::resolve;
use crate::arguments::c_int;
use std::ffi::{CStr, CString};
use taipan_host::{libc, resolve as lookup};
use taipan_runtime::prelude::*;
use taipan_runtime::types::bytearray::ByteArray;
use taipan_runtime::types::bytes::Bytes;
use taipan_stdlib_files::support::{decode, fs_bytes, os};

/// Room for the path of a Unix socket.
const UNIX_PATH: usize = 108;
const QIPCRTR: i32 = 42;
/// Protocols of CAN sockets whose addresses have more than an interface.
const CAN_ISOTP: i32 = 6;
const CAN_J1939: i32 = 7;

// ---- hosts ----------------------------------------------------------------------------------

/// The name of a host as bytes: ASCII as it is, else by IDNA.
pub fn host_name(vm: &Vm, object: &Object) -> Result<CString> {
    let bytes = if let Some(s) = object.downcast::<Str>() {
        match s.as_ascii() {
            Some(text) => text.as_bytes().to_vec(),
            None => match taipan_runtime::codecs::encode(vm, object, "idna", "strict") {
                Ok(encoded) => encoded.downcast::<Bytes>().map_or_else(Vec::new, |b| b.as_slice().to_vec()),
                Err(raised) => {
                    drop(vm.caught(raised));
                    return Err(vm.type_error("encoding of hostname failed"));
                }
            },
        }
    } else if let Some(b) = object.downcast::<Bytes>() {
        b.as_slice().to_vec()
    } else if let Some(b) = object.downcast::<ByteArray>() {
        b.as_slice().to_vec()
    } else {
        let shown = object.ty().full_name();
        return Err(vm.type_error(format!("str, bytes or bytearray expected, not {shown}")));
    };
    CString::new(bytes).map_err(|_| vm.type_error("host name must not contain null character"))
}

/// The address of a host, of the family (0: any): its family and bytes.
pub fn host_address(vm: &Vm, host: &CStr, family: i32) -> Result<(i32, Vec<u8>)> {
    let bytes = host.to_bytes();
    if bytes.is_empty() {
        return match family {
            libc::AF_INET => Ok((family, vec![0; 4])),
            libc::AF_INET6 => Ok((family, vec![0; 16])),
            _ => Err(vm.error(&exc::OS_ERROR, "wildcard resolved to multiple address")),
        };
    }
    if bytes == b"255.255.255.255" || bytes == b"<broadcast>" {
        if family != libc::AF_INET && family != libc::AF_UNSPEC {
            return Err(vm.error(&exc::OS_ERROR, "address family mismatched"));
        }
        return Ok((libc::AF_INET, vec![255; 4]));
    }
    for candidate in [libc::AF_INET, libc::AF_INET6] {
        // Only the resolver knows about zones.
        let allowed = (family == candidate || family == libc::AF_UNSPEC) && !bytes.contains(&b'%');
        if allowed && let Ok(Some(address)) = lookup::parse_address(candidate, host) {
            return Ok((candidate, address));
        }
    }
    let hints = lookup::Hints { family, ..Default::default() };
    let found = vm.without_gil(|| lookup::addresses(Some(host), None, hints));
    let found = found.map_err(|e| resolve::failure(vm, e))?;
    for answer in &found {
        if let Some(bytes) = inet_bytes(&answer.address) {
            return Ok((answer.family, bytes.to_vec()));
        }
    }
    Err(vm.error(&exc::OS_ERROR, "unknown address family"))
}

/// The address proper in a `sockaddr` of one of the internet's families.
pub fn inet_bytes(address: &[u8]) -> Option<&[u8]> {
    match family_of(address)? {
        libc::AF_INET => address.get(4..8),
        libc::AF_INET6 => address.get(8..24),
        _ => None,
    }
}

fn family_of(address: &[u8]) -> Option<i32> {
    Some(u16_at(address, 0)? as i32)
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

/// Bytes put together, fields in the machine's order.
struct Packed(Vec<u8>);

impl Packed {
    fn new(family: i32) -> Packed {
        Packed((family as u16).to_ne_bytes().to_vec())
    }
    fn u16(mut self, n: u16) -> Packed {
        self.0.extend_from_slice(&n.to_ne_bytes());
        self
    }
    fn u32(mut self, n: u32) -> Packed {
        self.0.extend_from_slice(&n.to_ne_bytes());
        self
    }
    fn bytes(mut self, bytes: &[u8]) -> Packed {
        self.0.extend_from_slice(bytes);
        self
    }
    /// Zeros up to a size.
    fn pad(mut self, size: usize) -> Vec<u8> {
        self.0.resize(size, 0);
        self.0
    }
}

pub fn inet(address: &[u8], port: u16) -> Vec<u8> {
    Packed::new(libc::AF_INET).u16(port.to_be()).bytes(address).pad(16)
}

pub fn inet6(address: &[u8], port: u16, flow: u32, scope: u32) -> Vec<u8> {
    Packed::new(libc::AF_INET6).u16(port.to_be()).u32(flow.to_be()).bytes(address).u32(scope).pad(28)
}

// ---- from Python ----------------------------------------------------------------------------

fn items<'a>(vm: &Vm, object: &'a Object, caller: &str, family: &str) -> Result<&'a [Object]> {
    match object.downcast::<Tuple>() {
        Some(tuple) => Ok(tuple.items()),
        None => Err(vm.type_error(format!(
            "{caller}(): {family} address must be tuple, not {}",
            object.ty().full_name()
        ))),
    }
}

/// A port before its range is checked: too large ones are of no interest.
fn raw_port(vm: &Vm, caller: &str, object: &Object) -> Result<i32> {
    let result = c_int(vm, object);
    if result.is_err() && vm.raised_is(&exc::OVERFLOW_ERROR) {
        drop(vm.take_raised());
        return Err(port_range(vm, caller, "port"));
    }
    result
}

fn port_range(vm: &Vm, caller: &str, what: &str) -> Raised {
    vm.overflow_error(format!("{caller}(): {what} must be 0-65535."))
}

/// The address `object` for the socket; `caller` begins messages.
pub fn parse(vm: &Vm, socket: &Socket, caller: &str, object: &Object) -> Result<Vec<u8>> {
    match socket.family.get() {
        libc::AF_INET => {
            let [host, port] = items(vm, object, caller, "AF_INET")? else {
                return Err(vm.type_error("AF_INET address must be a pair (host, port)"));
            };
            let host = host_name(vm, host)?;
            let port = raw_port(vm, caller, port)?;
            let (_, address) = host_address(vm, &host, libc::AF_INET)?;
            let port = u16::try_from(port).map_err(|_| port_range(vm, caller, "port"))?;
            Ok(inet(&address, port))
        }
        libc::AF_INET6 => parse_inet6(vm, caller, object),
        libc::AF_UNIX => parse_unix(vm, object),
        libc::AF_NETLINK => {
            let [pid, groups] = items(vm, object, caller, "AF_NETLINK")? else {
                return Err(vm.type_error("AF_NETLINK address must be a pair (pid, groups)"));
            };
            let (pid, groups) = (vm.to_u32_wrapping(pid)?, vm.to_u32_wrapping(groups)?);
            Ok(Packed::new(libc::AF_NETLINK).u16(0).u32(pid).u32(groups).pad(12))
        }
        QIPCRTR => {
            let [node, port] = items(vm, object, caller, "AF_QIPCRTR")? else {
                return Err(vm.type_error("AF_QIPCRTR address must be a pair (node, port)"));
            };
            let (node, port) = (vm.to_u32_wrapping(node)?, vm.to_u32_wrapping(port)?);
            Ok(Packed::new(QIPCRTR).u16(0).u32(node).u32(port).pad(12))
        }
        libc::AF_VSOCK => {
            let Some(tuple) = object.downcast::<Tuple>() else {
                return Err(vm.type_error(format!(
                    "getsockaddrarg: AF_VSOCK address must be tuple, not {}",
                    object.ty().full_name()
                )));
            };
            let [cid, port] = tuple.items() else {
                return Err(vm.type_error(format!(
                    "getsockaddrarg() takes exactly 2 arguments ({} given)",
                    tuple.len()
                )));
            };
            let (cid, port) = (vm.to_u32_wrapping(cid)?, vm.to_u32_wrapping(port)?);
            Ok(Packed::new(libc::AF_VSOCK).u16(0).u32(port).u32(cid).pad(16))
        }
        libc::AF_PACKET => parse_packet(vm, caller, object),
        libc::AF_CAN => parse_can(vm, socket, caller, object),
        libc::AF_ALG => parse_alg(vm, caller, object),
        _ => Err(vm.error(&exc::OS_ERROR, format!("{caller}(): bad family"))),
    }
}

fn parse_inet6(vm: &Vm, caller: &str, object: &Object) -> Result<Vec<u8>> {
    let (host, port, rest) = match items(vm, object, caller, "AF_INET6")? {
        [host, port, rest @ ..] if rest.len() <= 2 => (host, port, rest),
        _ => {
            return Err(vm.type_error("AF_INET6 address must be a tuple (host, port[, flowinfo[, scopeid]])"));
        }
    };
    let host = host_name(vm, host)?;
    let port = raw_port(vm, caller, port)?;
    let mut numbers = [0; 2];
    for (number, item) in numbers.iter_mut().zip(rest) {
        *number = vm.to_u32_wrapping(item)?;
    }
    let (_, address) = host_address(vm, &host, libc::AF_INET6)?;
    let port = u16::try_from(port).map_err(|_| port_range(vm, caller, "port"))?;
    if numbers[0] > 0xfffff {
        return Err(vm.overflow_error(format!("{caller}(): flowinfo must be 0-1048575.")));
    }
    Ok(inet6(&address, port, numbers[0], numbers[1]))
}

fn parse_unix(vm: &Vm, object: &Object) -> Result<Vec<u8>> {
    let path = match object.downcast::<Str>() {
        Some(_) => vm.fs_encode(object)?,
        None => vm.bytes_like(object, "address")?.bytes().to_vec(),
    };
    // Abstract ones begin with a null byte and have no null byte as their end;
    // an empty one lets the system choose.
    let named = path.first().is_some_and(|&b| b != 0);
    if path.len() > UNIX_PATH || named && path.len() == UNIX_PATH {
        return Err(vm.error(&exc::OS_ERROR, "AF_UNIX path too long"));
    }
    Ok(Packed::new(libc::AF_UNIX).bytes(&path).0)
}

fn interface(vm: &Vm, name: &CStr) -> Result<u32> {
    os(vm, lookup::interface_index(name))
}

fn parse_packet(vm: &Vm, caller: &str, object: &Object) -> Result<Vec<u8>> {
    let tuple = items(vm, object, caller, "AF_PACKET")?;
    let (name, protocol, rest) = match tuple {
        [name, protocol, rest @ ..] if rest.len() <= 3 => (name, protocol, rest),
        _ => return Err(vm.type_error("AF_PACKET address must be a tuple of two to five elements")),
    };
    if name.downcast::<Str>().is_none() {
        return Err(vm.type_error("AF_PACKET address must be a tuple of two to five elements"));
    }
    let name = crate::arguments::c_string(vm, caller, 1, name)?;
    let protocol = c_int(vm, protocol)?;
    let kind = rest.first().map_or(Ok(0), |n| c_int(vm, n))?;
    let hardware = rest.get(1).map_or(Ok(0), |n| c_int(vm, n))?;
    let address = match rest.get(2) {
        Some(bytes) => vm.bytes_like(bytes, "address")?.bytes().to_vec(),
        None => Vec::new(),
    };
    if address.len() > 8 {
        return Err(vm.value_error("Hardware address must be 8 bytes or less"));
    }
    let protocol = u16::try_from(protocol).map_err(|_| port_range(vm, caller, "proto"))?;
    let index = interface(vm, &name)?;
    Ok(Packed::new(libc::AF_PACKET)
        .u16(protocol.to_be())
        .u32(index)
        .u16(hardware as u16)
        .bytes(&[kind as u8, address.len() as u8])
        .bytes(&address)
        .pad(20))
}

fn parse_can(vm: &Vm, socket: &Socket, caller: &str, object: &Object) -> Result<Vec<u8>> {
    let tuple = items(vm, object, caller, "AF_CAN")?;
    let wrong = |what: &str| vm.type_error(format!("AF_CAN address must be a tuple {what}"));
    let index = |name: &Object| -> Result<u32> {
        let name = fs_bytes(vm, name)?;
        if name.is_empty() {
            return Ok(0);
        }
        if name.count_bytes() >= libc::IF_NAMESIZE {
            return Err(vm.error(&exc::OS_ERROR, "AF_CAN interface name too long"));
        }
        interface(vm, &name)
    };
    let start = |index: u32| Packed::new(libc::AF_CAN).u16(0).u32(index);
    match (socket.protocol.get(), tuple) {
        (CAN_ISOTP, [name, receive, send]) => {
            let (receive, send) = (vm.to_u32_wrapping(receive)?, vm.to_u32_wrapping(send)?);
            Ok(start(index(name)?).u32(receive).u32(send).pad(24))
        }
        (CAN_ISOTP, _) => Err(wrong("(interface, rx_id, tx_id)")),
        (CAN_J1939, [interface, name, pgn, address]) => {
            let name = vm.to_u64(name)?;
            let pgn = vm.to_u32_wrapping(pgn)?;
            let address = crate::arguments::unsigned(vm, address, 255, "unsigned char")?;
            Ok(start(index(interface)?).bytes(&name.to_ne_bytes()).u32(pgn).bytes(&[address as u8]).pad(24))
        }
        (CAN_J1939, _) => Err(wrong("(interface, name, pgn, addr)")),
        (_, [name]) => Ok(start(index(name)?).pad(24)),
        _ => Err(wrong("(interface, )")),
    }
}

fn parse_alg(vm: &Vm, caller: &str, object: &Object) -> Result<Vec<u8>> {
    let tuple = items(vm, object, caller, "AF_ALG")?;
    let (kind, name, rest) = match tuple {
        [kind, name, rest @ ..]
            if rest.len() <= 2 && kind.downcast::<Str>().is_some() && name.downcast::<Str>().is_some() =>
        {
            (kind, name, rest)
        }
        _ => return Err(vm.type_error("AF_ALG address must be a tuple (type, name [feat[, mask]])")),
    };
    let kind = crate::arguments::c_string(vm, caller, 1, kind)?;
    let name = crate::arguments::c_string(vm, caller, 2, name)?;
    let mut numbers = [0; 2];
    for (number, item) in numbers.iter_mut().zip(rest) {
        *number = vm.to_u32_wrapping(item)? & 0xffff;
    }
    if kind.count_bytes() >= 14 {
        return Err(vm.value_error("AF_ALG type too long."));
    }
    if name.count_bytes() >= 64 {
        return Err(vm.value_error("AF_ALG name too long."));
    }
    let packed = Packed(Packed::new(libc::AF_ALG).bytes(kind.to_bytes()).pad(16));
    Ok(packed.u32(numbers[0]).u32(numbers[1]).bytes(name.to_bytes()).pad(88))
}

// ---- to Python ------------------------------------------------------------------------------

/// The address as Python shows it; None if there is none.
pub fn show(vm: &Vm, protocol: i32, address: &[u8]) -> Result {
    if address.is_empty() {
        return Ok(Object::NONE);
    }
    match show_known(vm, protocol, address) {
        Some(shown) => shown,
        None => {
            let family = family_of(address).unwrap_or(0) as i64;
            let data = address.get(2..).unwrap_or(&[]);
            Ok(vm.tuple(vec![vm.int(family), vm.bytes(data)]))
        }
    }
}

fn numeric(vm: &Vm, family: i32, bytes: &[u8]) -> Object {
    match lookup::show_address(family, bytes) {
        Ok(Some(text)) => vm.str(&text),
        _ => vm.str(""),
    }
}

/// None if the family is unknown, or the address too short for it.
fn show_known(vm: &Vm, protocol: i32, address: &[u8]) -> Option<Result> {
    let family = family_of(address)?;
    let number = |at: usize| Some(vm.int(u32_at(address, at)? as i64));
    let port = |at: usize| Some(vm.int(u16::from_be(u16_at(address, at)?) as i64));
    let shown = match family {
        libc::AF_INET => vec![numeric(vm, family, address.get(4..8)?), port(2)?],
        libc::AF_INET6 => {
            let flow = u32::from_be(u32_at(address, 4)?);
            vec![
                numeric(vm, family, address.get(8..24)?),
                port(2)?,
                vm.int(flow as i64),
                // Linux may leave the zone away.
                number(24).unwrap_or(vm.int(0)),
            ]
        }
        libc::AF_UNIX => return Some(show_unix(vm, address.get(2..)?)),
        libc::AF_NETLINK => vec![number(4)?, number(8)?],
        QIPCRTR => vec![number(4)?, number(8)?],
        libc::AF_VSOCK => vec![number(8)?, number(4)?],
        libc::AF_PACKET => {
            let length = (*address.get(11)? as usize).min(8);
            vec![
                interface_name(vm, u32_at(address, 4)?),
                port(2)?,
                vm.int(*address.get(10)? as i64),
                vm.int(u16_at(address, 8)? as i64),
                vm.bytes(address.get(12..12 + length)?),
            ]
        }
        libc::AF_CAN => {
            let name = interface_name(vm, u32_at(address, 4)?);
            match protocol {
                CAN_ISOTP => vec![name, number(8)?, number(12)?],
                CAN_J1939 => {
                    let own: [u8; 8] = address.get(8..16)?.try_into().ok()?;
                    let place = vm.int(*address.get(20)? as i64);
                    vec![name, vm.u64(u64::from_ne_bytes(own)), number(16)?, place]
                }
                _ => vec![name],
            }
        }
        libc::AF_ALG => {
            let text = |range: &[u8]| {
                let end = range.iter().position(|&b| b == 0).unwrap_or(range.len());
                vm.str(&String::from_utf8_lossy(&range[..end]))
            };
            vec![text(address.get(2..16)?), text(address.get(24..88)?)]
        }
        _ => return None,
    };
    Some(Ok(vm.tuple(shown)))
}

fn show_unix(vm: &Vm, path: &[u8]) -> Result {
    if path.first() == Some(&0) {
        return Ok(vm.bytes(path));
    }
    let end = path.iter().position(|&b| b == 0).unwrap_or(path.len());
    decode(vm, &path[..end])
}

fn interface_name(vm: &Vm, index: u32) -> Object {
    match lookup::interface_name(index) {
        Ok(name) if index != 0 => vm.str(&name.to_string_lossy()),
        _ => vm.str(""),
    }
}
