//! The functions of `_socket` about names and numbers: hosts, services,
//! protocols, interfaces, and addresses as text.

use super::address;
use crate::arguments::{c_int, c_string, positional, unsigned};
use std::ffi::CString;
use taipan_host::{libc, resolve as lookup};
use taipan_runtime::codecs;
use taipan_runtime::prelude::*;
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::int;
use taipan_runtime::types::str_methods::shown_type;
use taipan_stdlib_files::support::{decode, fs_bytes, os, os_error, raise_class};

pub const GAIERROR: &str = "_socket.gaierror";
pub const HERROR: &str = "_socket.herror";

/// The exception for a failure of the resolver.
#[cold]
pub fn failure(vm: &Vm, failure: lookup::Failure) -> Raised {
    let (key, code) = match failure {
        lookup::Failure::System(e) => return os_error(vm, e),
        lookup::Failure::Lookup(code) => (GAIERROR, code),
        lookup::Failure::Host(code) => (HERROR, code),
    };
    let class = vm.shared(key).ok_or(()).or_else(|()| Ok(exc::OS_ERROR.to_object()));
    raise_class(vm, class, &[vm.int(code as i64), vm.str(&failure.text())])
}

/// OSError with a message alone.
fn plain_error(vm: &Vm, message: &str) -> Raised {
    vm.error(&exc::OS_ERROR, message)
}

// ---- addresses --------------------------------------------------------------------------------

fn text_port(vm: &Vm, object: &Object) -> Result<Option<CString>> {
    let bytes = if int::is_any_int(object) {
        int::to_decimal(vm, object)?.into_bytes()
    } else if object.downcast::<Str>().is_some() {
        codecs::utf8::encode(vm, object, "strict")?
    } else if let Some(b) = object.downcast::<Bytes>() {
        b.as_slice().to_vec()
    } else if object.is_none() {
        return Ok(None);
    } else {
        return Err(plain_error(vm, "Int or String expected"));
    };
    Ok(Some(until_null(bytes)))
}

/// A C string of the bytes before the first null byte.
fn until_null(mut bytes: Vec<u8>) -> CString {
    if let Some(end) = bytes.iter().position(|&b| b == 0) {
        bytes.truncate(end);
    }
    CString::new(bytes).unwrap_or_default()
}

/// Does the codec `idna` leave the name as it is?
fn is_plain_name(name: &str) -> bool {
    let mut labels = name.split('.').rev();
    let last = labels.next().unwrap_or_default();
    last.len() < 64 && labels.all(|label| (1..64).contains(&label.len()))
}

pub fn get_address_info(vm: &Vm, args: &[Object]) -> Result {
    let host = if args[0].is_none() {
        None
    } else if let Some(s) = args[0].downcast::<Str>() {
        let bytes = match s.as_ascii().filter(|name| is_plain_name(name)) {
            Some(name) => name.as_bytes().to_vec(),
            None => {
                let encoded = codecs::encode(vm, &args[0], "idna", "strict")?;
                encoded.downcast::<Bytes>().map_or_else(Vec::new, |b| b.as_slice().to_vec())
            }
        };
        Some(until_null(bytes))
    } else if let Some(b) = args[0].downcast::<Bytes>() {
        Some(until_null(b.as_slice().to_vec()))
    } else {
        return Err(vm.type_error("getaddrinfo() argument 1 must be string or None"));
    };
    let mut numbers = [0; 4];
    for (number, argument) in numbers.iter_mut().zip(&args[2..]) {
        *number = c_int(vm, argument)?;
    }
    let [family, kind, protocol, flags] = numbers;
    let port = text_port(vm, &args[1])?;
    vm.audit(
        "socket.getaddrinfo",
        &[args[0].clone(), args[1].clone(), args[2].clone(), args[3].clone(), args[4].clone()],
    )?;
    let hints = lookup::Hints { family, kind, protocol, flags };
    let found = vm.without_gil(|| lookup::addresses(host.as_deref(), port.as_deref(), hints));
    let mut out = Vec::new();
    for answer in found.map_err(|e| failure(vm, e))? {
        out.push(vm.tuple(vec![
            vm.int(answer.family as i64),
            vm.int(answer.kind as i64),
            vm.int(answer.protocol as i64),
            decode(vm, answer.canonical.as_deref().unwrap_or_default())?,
            address::show(vm, protocol, &answer.address)?,
        ]));
    }
    Ok(vm.list(out))
}

pub fn get_name_info(vm: &Vm, args: &[Object], kwnames: &[Object]) -> Result {
    let given = positional(vm, "getnameinfo", args, kwnames, 0, 2, 2)?;
    let flags = c_int(vm, &given[1])?;
    let Some(tuple) = given[0].downcast::<Tuple>() else {
        return Err(vm.type_error("getnameinfo() argument 1 must be a tuple"));
    };
    let illegal = || vm.type_error("getnameinfo(): illegal sockaddr argument");
    let (host, port, rest) = match tuple.items() {
        [host, port, rest @ ..] if rest.len() <= 2 && host.downcast::<Str>().is_some() => (host, port, rest),
        _ => return Err(illegal()),
    };
    let host = c_string(vm, "getnameinfo", 1, host)?;
    let port = c_int(vm, port)?;
    let mut numbers = [0; 2];
    for (number, item) in numbers.iter_mut().zip(rest) {
        *number = vm.to_u32_wrapping(item)?;
    }
    if numbers[0] > 0xfffff {
        return Err(vm.overflow_error("getnameinfo(): flowinfo must be 0-1048575."));
    }
    vm.audit("socket.getnameinfo", &given[..1])?;
    let port = CString::new(port.to_string()).unwrap_or_default();
    let hints = lookup::Hints { kind: libc::SOCK_DGRAM, flags: libc::AI_NUMERICHOST, ..Default::default() };
    let found = vm.without_gil(|| lookup::addresses(Some(&host), Some(&port), hints));
    let found = found.map_err(|e| failure(vm, e))?;
    let [answer] = &found[..] else {
        return Err(plain_error(vm, "sockaddr resolved to multiple addresses"));
    };
    let port = answer.address.get(2..4).and_then(|b| b.try_into().ok()).map_or(0, u16::from_be_bytes);
    let bytes = address::inet_bytes(&answer.address).unwrap_or_default();
    let full = match answer.family {
        libc::AF_INET if !rest.is_empty() => return Err(plain_error(vm, "IPv4 sockaddr must be 2 tuple")),
        libc::AF_INET6 => address::inet6(bytes, port, numbers[0], numbers[1]),
        _ => answer.address.clone(),
    };
    let names = vm.without_gil(|| lookup::names(&full, flags)).map_err(|e| failure(vm, e))?;
    Ok(vm.tuple(vec![decode(vm, &names.0)?, decode(vm, &names.1)?]))
}

// ---- hosts --------------------------------------------------------------------------------------

/// The one argument, the name of a host.
fn host_argument(vm: &Vm, function: &str, args: &[Object], kwnames: &[Object]) -> Result<CString> {
    let given = positional(vm, function, args, kwnames, 0, 1, 1)?;
    let object = &given[0];
    let fits = object.downcast::<Str>().is_some()
        || object.downcast::<Bytes>().is_some()
        || object.downcast::<taipan_runtime::types::bytearray::ByteArray>().is_some();
    if !fits {
        let shown = shown_type(object);
        return Err(
            vm.type_error(format!("{function}() argument 1 must be str, bytes or bytearray, not {shown}"))
        );
    }
    let host = address::host_name(vm, object)?;
    let event = if function == "gethostbyaddr" { "socket.gethostbyaddr" } else { "socket.gethostbyname" };
    vm.audit(event, std::slice::from_ref(object))?;
    Ok(host)
}

pub fn get_host_by_name(vm: &Vm, args: &[Object], kwnames: &[Object]) -> Result {
    let host = host_argument(vm, "gethostbyname", args, kwnames)?;
    let (family, bytes) = address::host_address(vm, &host, libc::AF_INET)?;
    numeric(vm, family, &bytes)
}

pub fn get_host_by_name_ex(vm: &Vm, args: &[Object], kwnames: &[Object]) -> Result {
    let name = host_argument(vm, "gethostbyname_ex", args, kwnames)?;
    let (family, _) = address::host_address(vm, &name, libc::AF_INET)?;
    let found = vm.without_gil(|| lookup::host_by_name(&name, family));
    show_host(vm, found)
}

pub fn get_host_by_address(vm: &Vm, args: &[Object], kwnames: &[Object]) -> Result {
    let name = host_argument(vm, "gethostbyaddr", args, kwnames)?;
    let (family, bytes) = address::host_address(vm, &name, libc::AF_UNSPEC)?;
    let found = vm.without_gil(|| lookup::host_by_address(&bytes, family));
    show_host(vm, found)
}

/// (name, aliases, addresses).
fn show_host(vm: &Vm, found: std::result::Result<lookup::Host, lookup::Failure>) -> Result {
    let host = found.map_err(|e| failure(vm, e))?;
    let (mut aliases, mut addresses) = (Vec::new(), Vec::new());
    for alias in &host.aliases {
        aliases.push(decode(vm, alias)?);
    }
    for bytes in &host.addresses {
        addresses.push(numeric(vm, host.family, bytes)?);
    }
    Ok(vm.tuple(vec![decode(vm, &host.name)?, vm.list(aliases), vm.list(addresses)]))
}

fn numeric(vm: &Vm, family: i32, bytes: &[u8]) -> Result {
    match os(vm, lookup::show_address(family, bytes))? {
        Some(text) => Ok(vm.str(&text)),
        None => Err(vm.value_error("invalid length of packed IP address string")),
    }
}

// ---- services and protocols ---------------------------------------------------------------------

fn protocol_argument(vm: &Vm, function: &str, given: &[Object]) -> Result<Option<CString>> {
    given.get(1).map(|object| c_string(vm, function, 2, object)).transpose()
}

/// The protocol as audit hooks see it: "" for none.
fn protocol_shown(vm: &Vm, given: &[Object]) -> Object {
    given.get(1).cloned().unwrap_or_else(|| vm.str(""))
}

pub fn get_service_by_name(vm: &Vm, args: &[Object], kwnames: &[Object]) -> Result {
    let given = positional(vm, "getservbyname", args, kwnames, 0, 1, 2)?;
    let name = c_string(vm, "getservbyname", 1, &given[0])?;
    let protocol = protocol_argument(vm, "getservbyname", given)?;
    vm.audit("socket.getservbyname", &[given[0].clone(), protocol_shown(vm, given)])?;
    match vm.without_gil(|| lookup::service_port(&name, protocol.as_deref())) {
        Some(port) => Ok(vm.int(port as i64)),
        None => Err(plain_error(vm, "service/proto not found")),
    }
}

pub fn get_service_by_port(vm: &Vm, args: &[Object], kwnames: &[Object]) -> Result {
    let given = positional(vm, "getservbyport", args, kwnames, 0, 1, 2)?;
    let port = c_int(vm, &given[0])?;
    let protocol = protocol_argument(vm, "getservbyport", given)?;
    let Ok(port) = u16::try_from(port) else {
        return Err(vm.overflow_error("getservbyport: port must be 0-65535."));
    };
    vm.audit("socket.getservbyport", &[given[0].clone(), protocol_shown(vm, given)])?;
    match vm.without_gil(|| lookup::service_name(port, protocol.as_deref())) {
        Some(name) => decode(vm, &name),
        None => Err(plain_error(vm, "port/proto not found")),
    }
}

pub fn get_protocol_by_name(vm: &Vm, args: &[Object], kwnames: &[Object]) -> Result {
    let given = positional(vm, "getprotobyname", args, kwnames, 0, 1, 1)?;
    let name = c_string(vm, "getprotobyname", 1, &given[0])?;
    match vm.without_gil(|| lookup::protocol_number(&name)) {
        Some(number) => Ok(vm.int(number as i64)),
        None => Err(plain_error(vm, "protocol not found")),
    }
}

// ---- this host ----------------------------------------------------------------------------------

pub fn get_host_name(vm: &Vm, _args: &[Object]) -> Result {
    vm.audit("socket.gethostname", &[])?;
    let name = os(vm, vm.without_gil(lookup::host_name))?;
    decode(vm, &name)
}

pub fn set_host_name(vm: &Vm, args: &[Object], kwnames: &[Object]) -> Result {
    let given = positional(vm, "sethostname", args, kwnames, 0, 1, 1)?;
    let name = match given[0].downcast::<Bytes>() {
        Some(b) => b.as_slice().to_vec(),
        None => fs_bytes(vm, &given[0])?.into_bytes(),
    };
    vm.audit("socket.sethostname", given)?;
    os(vm, lookup::set_host_name(&name))?;
    Ok(Object::NONE)
}

pub fn interface_list(vm: &Vm, _args: &[Object]) -> Result {
    let mut out = Vec::new();
    for (index, name) in os(vm, vm.without_gil(lookup::interfaces))? {
        out.push(vm.tuple(vec![vm.int(index as i64), decode(vm, &name)?]));
    }
    Ok(vm.list(out))
}

pub fn interface_index(vm: &Vm, args: &[Object]) -> Result {
    let name = fs_bytes(vm, &args[0])?;
    let index = os(vm, lookup::interface_index(&name))?;
    Ok(vm.int(index as i64))
}

pub fn interface_name(vm: &Vm, args: &[Object]) -> Result {
    let index = unsigned(vm, &args[0], u32::MAX as u64, "unsigned int")?;
    let name = os(vm, lookup::interface_name(index as u32))?;
    decode(vm, name.to_bytes())
}

// ---- numbers and texts --------------------------------------------------------------------------

pub fn swap16(vm: &Vm, args: &[Object]) -> Result {
    let n = unsigned(vm, &args[0], u16::MAX as u64, "uint16_t")?;
    Ok(vm.int((n as u16).to_be() as i64))
}

pub fn swap32(vm: &Vm, args: &[Object]) -> Result {
    let n = unsigned(vm, &args[0], u32::MAX as u64, "uint32_t")?;
    Ok(vm.int((n as u32).to_be() as i64))
}

pub fn inet_aton(vm: &Vm, args: &[Object]) -> Result {
    if args[0].downcast::<Str>().is_none() {
        return Err(vm.type_error(format!("inet_aton() argument must be str, not {}", shown_type(&args[0]))));
    }
    let text = c_string(vm, "inet_aton", 1, &args[0])?;
    match lookup::parse_loose_ipv4(&text) {
        Some(bytes) => Ok(vm.bytes(&bytes)),
        None => Err(plain_error(vm, "illegal IP address string passed to inet_aton")),
    }
}

pub fn inet_ntoa(vm: &Vm, args: &[Object]) -> Result {
    let packed = vm.bytes_like(&args[0], "inet_ntoa() argument")?;
    if packed.len() != 4 {
        return Err(plain_error(vm, "packed IP wrong length for inet_ntoa"));
    }
    numeric(vm, libc::AF_INET, packed.bytes())
}

pub fn inet_pton(vm: &Vm, args: &[Object], kwnames: &[Object]) -> Result {
    let given = positional(vm, "inet_pton", args, kwnames, 0, 2, 2)?;
    let family = c_int(vm, &given[0])?;
    let text = c_string(vm, "inet_pton", 2, &given[1])?;
    match os(vm, lookup::parse_address(family, &text))? {
        Some(bytes) => Ok(vm.bytes(&bytes)),
        None => Err(plain_error(vm, "illegal IP address string passed to inet_pton")),
    }
}

pub fn inet_ntop(vm: &Vm, args: &[Object], kwnames: &[Object]) -> Result {
    let given = positional(vm, "inet_ntop", args, kwnames, 0, 2, 2)?;
    let family = c_int(vm, &given[0])?;
    let packed = vm.bytes_like(&given[1], "inet_ntop() argument 2")?;
    if family != libc::AF_INET && family != libc::AF_INET6 {
        return Err(vm.value_error(format!("unknown address family {family}")));
    }
    numeric(vm, family, packed.bytes())
}

/// `CMSG_LEN` and `CMSG_SPACE`.
pub fn control_size(
    vm: &Vm,
    function: &str,
    args: &[Object],
    kwnames: &[Object],
    size: fn(usize) -> Option<usize>,
) -> Result {
    let given = positional(vm, function, args, kwnames, 0, 1, 1)?;
    let length = vm.index_isize(&given[0])?;
    match usize::try_from(length).ok().and_then(size) {
        Some(size) => Ok(vm.usize(size)),
        None => Err(vm.overflow_error(format!("{function}() argument out of range"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_idna_leaves_alone() {
        assert!(is_plain_name("localhost"));
        assert!(is_plain_name("example.org."));
        assert!(is_plain_name(""));
        assert!(!is_plain_name("a..b"));
        assert!(!is_plain_name("."));
        assert!(!is_plain_name(&"a".repeat(64)));
    }

    #[test]
    fn texts_end_at_null_bytes() {
        assert_eq!(until_null(b"ab\0c".to_vec()).as_bytes(), b"ab");
    }
}
