//! The module `_socket`: the type `socket` in [`object`] and its neighbours, the
//! resolver's functions in [`resolve`], numbers in [`constants`].

pub mod address;
pub mod constants;
pub mod message;
pub mod object;
pub mod resolve;
pub mod transfer;

use crate::arguments::{c_int, positional};
use taipan_host::{fd, libc, net};
use taipan_runtime::prelude::*;
use taipan_runtime::support::exception_class;
use taipan_stdlib_files::support::{blocking, os};

pub static MODULE: ModuleDef = ModuleDef {
    name: "_socket",
    doc: "The native half of the module socket.",
    functions: FUNCTIONS,
    types: &[&object::SOCKET],
    init: Some(init),
};

fn init(vm: &Vm, module: &Object) -> Result<()> {
    vm.set_attr_str(module, "SocketType", &object::SOCKET.to_object())?;
    vm.set_attr_str(module, "error", &exc::OS_ERROR.to_object())?;
    vm.set_attr_str(module, "timeout", &exc::TIMEOUT_ERROR.to_object())?;
    for (key, name) in [(resolve::HERROR, "herror"), (resolve::GAIERROR, "gaierror")] {
        let class = exception_class(vm, key, "socket", name, &exc::OS_ERROR, None)?;
        vm.set_attr_str(module, name, &class)?;
    }
    vm.set_attr_str(module, "has_ipv6", &Object::TRUE)?;
    constants::add(vm, module)
}

const FUNCTIONS: &[MethodDef] = &[
    MethodDef::raw(
        "CMSG_LEN(length, /)",
        |vm, args, kwnames| resolve::control_size(vm, "CMSG_LEN", args, kwnames, net::control_length),
        "CMSG_LEN(length) -> control message length\n\nThe length of an item of ancillary data with so many bytes, without padding.",
    ),
    MethodDef::raw(
        "CMSG_SPACE(length, /)",
        |vm, args, kwnames| resolve::control_size(vm, "CMSG_SPACE", args, kwnames, net::control_space),
        "CMSG_SPACE(length) -> buffer size\n\nThe room that an item of ancillary data with so many bytes takes up, with padding.",
    ),
    MethodDef::new(
        "close(object, /)",
        |vm, args| {
            object::close_descriptor(vm, descriptor(vm, &args[0])?)?;
            Ok(Object::NONE)
        },
        "close(integer) -> None\n\nCloses the descriptor of a socket.",
    ),
    MethodDef::new(
        "dup(object, /)",
        |vm, args| {
            let number = descriptor(vm, &args[0])?;
            let copy = blocking(vm, || fd::dup(number))?;
            Ok(vm.int(copy as i64))
        },
        "dup(integer) -> integer\n\nA copy of the descriptor of a socket, not inheritable.",
    ),
    MethodDef::new(
        "getaddrinfo(host, port, family=0, type=0, proto=0, flags=0)",
        resolve::get_address_info,
        "getaddrinfo(host, port [, family, type, proto, flags])\n    -> list of (family, type, proto, canonname, sockaddr)\n\nThe addresses of a host and a service.",
    ),
    MethodDef::new(
        "getdefaulttimeout()",
        |vm, _| Ok(object::show_timeout(vm, object::default_timeout())),
        "getdefaulttimeout() -> timeout\n\nThe timeout of new sockets in seconds; None is for ever.",
    ),
    MethodDef::raw(
        "gethostbyaddr(host, /)",
        resolve::get_host_by_address,
        "gethostbyaddr(host) -> (name, aliaslist, addresslist)\n\nThe names of an address.",
    ),
    MethodDef::raw(
        "gethostbyname(host, /)",
        resolve::get_host_by_name,
        "gethostbyname(host) -> address\n\nThe IPv4 address of a host.",
    ),
    MethodDef::raw(
        "gethostbyname_ex(host, /)",
        resolve::get_host_by_name_ex,
        "gethostbyname_ex(host) -> (name, aliaslist, addresslist)\n\nThe names and IPv4 addresses of a host.",
    ),
    MethodDef::new(
        "gethostname()",
        resolve::get_host_name,
        "gethostname() -> string\n\nThe name of this host.",
    ),
    MethodDef::raw(
        "getnameinfo(sockaddr, flags, /)",
        resolve::get_name_info,
        "getnameinfo(sockaddr, flags) --> (host, port)\n\nThe host and service of an address.",
    ),
    MethodDef::raw(
        "getprotobyname(name, /)",
        resolve::get_protocol_by_name,
        "getprotobyname(name) -> integer\n\nThe number of a protocol.",
    ),
    MethodDef::raw(
        "getservbyname(servicename, protocolname=None, /)",
        resolve::get_service_by_name,
        "getservbyname(servicename[, protocolname]) -> integer\n\nThe port of a service.",
    ),
    MethodDef::raw(
        "getservbyport(port, protocolname=None, /)",
        resolve::get_service_by_port,
        "getservbyport(port[, protocolname]) -> string\n\nThe service of a port.",
    ),
    MethodDef::new(
        "htonl(integer, /)",
        resolve::swap32,
        "Convert a 32-bit unsigned integer from host to network byte order.",
    ),
    MethodDef::new(
        "htons(integer, /)",
        resolve::swap16,
        "Convert a 16-bit unsigned integer from host to network byte order.",
    ),
    MethodDef::new(
        "if_indextoname(if_index, /)",
        resolve::interface_name,
        "The name of the interface with an index.",
    ),
    MethodDef::new(
        "if_nameindex()",
        resolve::interface_list,
        "if_nameindex()\n\nAll interfaces, as (index, name).",
    ),
    MethodDef::new(
        "if_nametoindex(oname, /)",
        resolve::interface_index,
        "The index of the interface with a name.",
    ),
    MethodDef::new(
        "inet_aton(ip_addr, /)",
        resolve::inet_aton,
        "The 4 bytes of an IPv4 address given as text.",
    ),
    MethodDef::new(
        "inet_ntoa(packed_ip, /)",
        resolve::inet_ntoa,
        "The text of an IPv4 address given as 4 bytes.",
    ),
    MethodDef::raw(
        "inet_ntop(af, packed_ip, /)",
        resolve::inet_ntop,
        "inet_ntop(af, packed_ip) -> string formatted IP address\n\nThe text of an address given as bytes.",
    ),
    MethodDef::raw(
        "inet_pton(af, ip, /)",
        resolve::inet_pton,
        "inet_pton(af, ip) -> packed IP address string\n\nThe bytes of an address given as text.",
    ),
    MethodDef::new(
        "ntohl(integer, /)",
        resolve::swap32,
        "Convert a 32-bit unsigned integer from network to host byte order.",
    ),
    MethodDef::new(
        "ntohs(integer, /)",
        resolve::swap16,
        "Convert a 16-bit unsigned integer from network to host byte order.",
    ),
    MethodDef::new(
        "setdefaulttimeout(object, /)",
        |vm, args| {
            object::set_default_timeout(object::parse_timeout(vm, &args[0])?);
            Ok(Object::NONE)
        },
        "setdefaulttimeout(timeout)\n\nSets the timeout of new sockets in seconds; None is for ever.",
    ),
    MethodDef::raw(
        "sethostname(name, /)",
        resolve::set_host_name,
        "sethostname(name)\n\nSets the name of this host.",
    ),
    MethodDef::raw(
        "socketpair(family=AF_UNIX, type=SOCK_STREAM, proto=0, /)",
        socketpair,
        "socketpair([family[, type [, proto]]]) -> (socket object, socket object)\n\nTwo sockets that are connected with each other.",
    ),
];

/// A descriptor given as a number, cut to a C int.
fn descriptor(vm: &Vm, object: &Object) -> Result<i32> {
    Ok(vm.to_i64(object)? as i32)
}

fn socketpair(vm: &Vm, args: &[Object], kwnames: &[Object]) -> Result {
    let given = positional(vm, "socketpair", args, kwnames, 0, 0, 3)?;
    let mut numbers = [libc::AF_UNIX, libc::SOCK_STREAM, 0];
    for (number, argument) in numbers.iter_mut().zip(given) {
        *number = c_int(vm, argument)?;
    }
    let [family, kind, protocol] = numbers;
    let pair = os(vm, vm.without_gil(|| net::socketpair(family, kind | libc::SOCK_CLOEXEC, protocol)))?;
    let first = match object::wrap(vm, pair.0, family, kind, protocol) {
        Ok(first) => first,
        Err(raised) => {
            let _ = (fd::close(pair.0), fd::close(pair.1));
            return Err(raised);
        }
    };
    match object::wrap(vm, pair.1, family, kind, protocol) {
        Ok(second) => Ok(vm.tuple(vec![first, second])),
        Err(raised) => {
            let _ = fd::close(pair.1);
            Err(raised)
        }
    }
}
