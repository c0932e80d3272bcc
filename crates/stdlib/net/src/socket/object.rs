//! The type `socket`: creating, connecting, accepting, options, timeouts. What
//! sends and receives is in `transfer` and `message`.
//!
//! A socket with a timeout is non-blocking for the kernel; [`attempt`] waits
//! for it with `poll` and calls again, until the time is over.

use super::{address, message, transfer};
use crate::arguments::{c_int, c_int_or, positional};
use std::cell::Cell;
use std::sync::atomic::{AtomicI64, Ordering};
use taipan_host::{self as host, Errno, fd, libc, net, poll};
use taipan_runtime::prelude::*;
use taipan_runtime::support::this;
use taipan_stdlib_files::select;
use taipan_stdlib_files::support::os_error;
use taipan_stdlib_files::time::values::{self, Rounding};

/// Payload of sockets.
pub struct Socket {
    /// -1: closed.
    pub fd: Cell<i32>,
    pub family: Cell<i32>,
    pub kind: Cell<i32>,
    pub protocol: Cell<i32>,
    /// Nanoseconds; 0: non-blocking, -1: as long as it takes.
    pub timeout: Cell<i64>,
}

impl NativeClass for Socket {
    fn class() -> &'static Type {
        &SOCKET
    }
}

/// The timeout of new sockets.
static DEFAULT_TIMEOUT: AtomicI64 = AtomicI64::new(-1);

/// A method that is described in its doc alone.
const fn hidden(def: MethodDef) -> MethodDef {
    MethodDef { hide_signature: true, ..def }
}

const DOC: &str = "socket(family=AF_INET, type=SOCK_STREAM, proto=0) -> socket object\nsocket(family=-1, type=-1, proto=-1, fileno=None) -> socket object\n\nAn end of a connection, or a place where connections arrive.\n\nWith a descriptor, family, type and protocol are those of its socket unless they are given.";

pub static SOCKET: Type = Type::new::<Socket>(
    "_socket.socket",
    &taipan_runtime::types::object::OBJECT,
    type_flags::BASE | type_flags::HAVE_GC | type_flags::IMMUTABLE,
    Slots {
        new: Some(|vm, class, _, _| {
            let timeout = Cell::new(default_timeout());
            let zero = || Cell::new(0);
            let payload = Socket { fd: Cell::new(-1), family: zero(), kind: zero(), protocol: zero(), timeout };
            taipan_runtime::support::allocate(vm, class, payload)
        }),
        init: Some(init),
        del: Some(finalize),
        ..Slots::EMPTY.repr(repr)
    },
    &[
        MethodDef::new("_accept($self, /)", accept, "_accept() -> (descriptor, address)\n\nWaits for a connection; its descriptor and the address of who connected."),
        MethodDef::new("bind($self, object, /)", bind, "bind(address)\n\nGives the socket an address of its own."),
        MethodDef::new("close($self, /)", close, "close()\n\nCloses the socket; nothing works on it afterwards."),
        MethodDef::new("connect($self, object, /)", connect, "connect(address)\n\nConnects the socket with an address."),
        MethodDef::new("connect_ex($self, object, /)", connect_ex, "connect_ex(address) -> errno\n\nAs connect(), but failures of the system come back as error numbers, 0 is success."),
        MethodDef::new("detach($self, /)", |vm, args| Ok(vm.int(this::<Socket>(&args[0]).fd.replace(-1) as i64)), "detach()\n\nCloses the object without closing the descriptor, which is returned."),
        MethodDef::new("fileno($self, /)", |vm, args| Ok(vm.int(this::<Socket>(&args[0]).fd.get() as i64)), "fileno() -> integer\n\nThe descriptor; -1 if the socket is closed."),
        MethodDef::new("getpeername($self, /)", |vm, args| {
            let s = this::<Socket>(&args[0]);
            show_address(vm, s, net::peer_address(s.fd.get()))
        }, "getpeername() -> address\n\nThe address of who it is connected to."),
        MethodDef::new("getsockname($self, /)", |vm, args| {
            let s = this::<Socket>(&args[0]);
            show_address(vm, s, net::own_address(s.fd.get()))
        }, "getsockname() -> address\n\nThe socket's own address."),
        MethodDef::raw("getsockopt($self, level, option, buffersize=0, /)", get_option, "getsockopt(level, option[, buffersize]) -> value\n\nAn option: an int without a buffer size, else bytes."),
        MethodDef::raw("setsockopt($self, level, option, value, optlen=0, /)", set_option, "setsockopt(level, option, value: int)\nsetsockopt(level, option, value: buffer)\nsetsockopt(level, option, None, optlen: int)\n\nSets an option."),
        MethodDef::raw("listen($self, backlog=128, /)", listen, "listen([backlog])\n\nLets connections arrive; at most so many wait to be accepted."),
        MethodDef::raw("recv($self, buffersize, flags=0, /)", transfer::recv, "recv(buffersize[, flags]) -> data\n\nReceives up to buffersize bytes, waiting for at least one. b'' means that no more will come."),
        hidden(MethodDef::new("recv_into($self, /, buffer, nbytes=0, flags=0)", transfer::recv_into, "recv_into(buffer, [nbytes[, flags]]) -> nbytes_read\n\nAs recv(), into a buffer. 0 bytes: as many as fit.")),
        MethodDef::raw("recvfrom($self, buffersize, flags=0, /)", transfer::recv_from, "recvfrom(buffersize[, flags]) -> (data, address)\n\nAs recv(), with the sender's address."),
        hidden(MethodDef::new("recvfrom_into($self, /, buffer, nbytes=0, flags=0)", transfer::recv_from_into, "recvfrom_into(buffer[, nbytes[, flags]]) -> (nbytes, address)\n\nAs recv_into(), with the sender's address.")),
        MethodDef::raw("recvmsg($self, bufsize, ancbufsize=0, flags=0, /)", message::recv_message, "recvmsg(bufsize[, ancbufsize[, flags]]) -> (data, ancdata, msg_flags, address)\n\nReceives data and ancillary data, a list of (level, type, data)."),
        MethodDef::raw("recvmsg_into($self, buffers, ancbufsize=0, flags=0, /)", message::recv_message_into, "recvmsg_into(buffers[, ancbufsize[, flags]]) -> (nbytes, ancdata, msg_flags, address)\n\nAs recvmsg(), into one buffer after the other."),
        MethodDef::raw("send($self, data, flags=0, /)", transfer::send, "send(data[, flags]) -> count\n\nSends data and returns how many bytes were sent, which may be fewer."),
        MethodDef::raw("sendall($self, data, flags=0, /)", transfer::send_all, "sendall(data[, flags])\n\nSends data until all are sent. After an error nobody knows how many were."),
        MethodDef::raw("sendto($self, data, flags_or_address, address=None, /)", transfer::send_to, "sendto(data[, flags], address) -> count\n\nAs send(), to an address."),
        MethodDef::raw("sendmsg($self, buffers, ancdata=(), flags=0, address=None, /)", message::send_message, "sendmsg(buffers[, ancdata[, flags[, address]]]) -> count\n\nSends several buffers in one piece, with ancillary data, an iterable of\n(level, type, data)."),
        MethodDef::raw("sendmsg_afalg($self, msg=(), *, op, iv=None, assoclen=-1, flags=0)", message::send_message_alg, "sendmsg_afalg([msg], *, op[, iv[, assoclen[, flags=MSG_MORE]]])\n\nSends to the kernel's cryptography what to do and the data."),
        MethodDef::new("setblocking($self, object, /)", |vm, args| {
            let blocking = vm.is_true(&args[1])?;
            set_timeout(vm, this(&args[0]), if blocking { -1 } else { 0 })
        }, "setblocking(flag)\n\nTrue: calls take as long as it takes. False: they do not wait."),
        MethodDef::new("getblocking($self, /)", |_, args| Ok(Object::bool(this::<Socket>(&args[0]).timeout.get() != 0)), "getblocking()\n\nDo calls wait?"),
        MethodDef::new("settimeout($self, object, /)", |vm, args| {
            let timeout = parse_timeout(vm, &args[1])?;
            set_timeout(vm, this(&args[0]), timeout)
        }, "settimeout(timeout)\n\nHow many seconds calls wait; None is for ever, 0 not at all."),
        MethodDef::new("gettimeout($self, /)", |vm, args| Ok(show_timeout(vm, this::<Socket>(&args[0]).timeout.get())), "gettimeout() -> timeout\n\nThe timeout in seconds; None is for ever."),
        MethodDef::new("shutdown($self, object, /)", shutdown, "shutdown(flag)\n\nEnds receiving (SHUT_RD), sending (SHUT_WR) or both (SHUT_RDWR)."),
    ],
    &[
        GetSetDef::member("family", |vm, s| Ok(vm.int(this::<Socket>(s).family.get() as i64))).with_doc("the socket family"),
        GetSetDef::member("type", |vm, s| Ok(vm.int(this::<Socket>(s).kind.get() as i64))).with_doc("the socket type"),
        GetSetDef::member("proto", |vm, s| Ok(vm.int(this::<Socket>(s).protocol.get() as i64))).with_doc("the socket protocol"),
        GetSetDef::new("timeout", |vm, s| Ok(show_timeout(vm, this::<Socket>(s).timeout.get()))).with_doc("the socket timeout"),
    ],
)
.with_doc(DOC);

// ---- life -----------------------------------------------------------------------------------

fn init(vm: &Vm, object: &Object, args: &[Object], kwnames: &[Object]) -> Result<()> {
    static SIG: Sig = Sig::new("socket(family=-1, type=-1, proto=-1, fileno=None)");
    let bound = SIG.bind(vm, args, kwnames)?;
    let mut numbers = [0; 3];
    for (number, argument) in numbers.iter_mut().zip(bound.iter()) {
        *number = vm.to_plain_c_int(argument)?;
    }
    let shown = numbers.map(|n| vm.int(n as i64));
    let [mut family, mut kind, mut protocol] = numbers;
    let mut event = vec![object.clone()];
    event.extend(shown);
    vm.audit("socket.__new__", &event)?;
    let number = match bound[3].some() {
        Some(number) => {
            // Cut to a C int, as there.
            let number = vm.to_i64(number)? as i32;
            if number < 0 {
                return Err(vm.value_error("negative file descriptor"));
            }
            let of = net::own_address(number).map_err(|e| os_error(vm, e))?;
            let option = |name| net::int_option(number, libc::SOL_SOCKET, name).map_err(|e| os_error(vm, e));
            if family == -1 {
                let bytes = of.bytes().get(..2).and_then(|b| b.try_into().ok());
                family = bytes.map_or(0, |b| u16::from_ne_bytes(b) as i32);
            }
            if kind == -1 {
                kind = option(libc::SO_TYPE)?;
            }
            if protocol == -1 {
                protocol = option(libc::SO_PROTOCOL)?;
            }
            number
        }
        None => {
            if family == -1 {
                family = libc::AF_INET;
            }
            if kind == -1 {
                kind = libc::SOCK_STREAM;
            }
            if protocol == -1 {
                protocol = 0;
            }
            vm.without_gil(|| net::socket(family, kind | libc::SOCK_CLOEXEC, protocol))
                .map_err(|e| os_error(vm, e))?
        }
    };
    let s = this::<Socket>(object);
    s.fd.set(number);
    s.family.set(family);
    s.kind.set(kind & !(libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC));
    s.protocol.set(protocol);
    if kind & libc::SOCK_NONBLOCK != 0 {
        s.timeout.set(0);
    } else {
        s.timeout.set(default_timeout());
        if s.timeout.get() >= 0
            && let Err(e) = fd::set_blocking(number, false)
        {
            // The descriptor is only ours if it was made here.
            s.fd.set(-1);
            if bound[3].is_none() {
                let _ = fd::close(number);
            }
            return Err(os_error(vm, e));
        }
    }
    Ok(())
}

/// A new socket object of the plain type.
pub fn wrap(vm: &Vm, fd: i32, family: i32, kind: i32, protocol: i32) -> Result {
    let timeout = if kind & libc::SOCK_NONBLOCK != 0 { 0 } else { default_timeout() };
    let payload = Socket {
        fd: Cell::new(fd),
        family: Cell::new(family),
        kind: Cell::new(kind & !(libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC)),
        protocol: Cell::new(protocol),
        timeout: Cell::new(timeout),
    };
    let object = taipan_runtime::support::allocate(vm, &SOCKET, payload)?;
    if timeout > 0 {
        fd::set_blocking(fd, false).map_err(|e| os_error(vm, e))?;
    }
    Ok(object)
}

/// A socket left unclosed: a warning, and it is closed.
fn finalize(vm: &Vm, object: &Object) -> Result<()> {
    let s = this::<Socket>(object);
    if s.fd.get() < 0 {
        return Ok(());
    }
    let raised = vm.take_raised();
    let warned =
        vm.repr_text(object).and_then(|shown| vm.warn_resource(object, &format!("unclosed {shown}")));
    if warned.is_err() {
        // Turned into an error by a filter: shown, as there is nobody to catch it.
        if vm.raised_is(&exc::WARNING) {
            vm.write_unraisable(object, "Exception ignored while finalizing socket");
        } else {
            drop(vm.take_raised());
        }
    }
    let number = s.fd.replace(-1);
    if number >= 0 {
        let _ = vm.without_gil(|| fd::close(number));
    }
    vm.restore_raised(raised);
    Ok(())
}

fn repr(vm: &Vm, object: &Object) -> Result {
    let s = this::<Socket>(object);
    let (family, kind, protocol) = (s.family.get(), s.kind.get(), s.protocol.get());
    Ok(vm.str(&format!("<socket object, fd={}, family={family}, type={kind}, proto={protocol}>", s.fd.get())))
}

/// Closes a descriptor; a connection that was reset does not count as a failure.
pub fn close_descriptor(vm: &Vm, number: i32) -> Result<()> {
    match vm.without_gil(|| fd::close(number)) {
        Ok(()) | Err(Errno(libc::ECONNRESET)) => Ok(()),
        Err(e) => Err(os_error(vm, e)),
    }
}

fn close(vm: &Vm, args: &[Object]) -> Result {
    let number = this::<Socket>(&args[0]).fd.replace(-1);
    if number >= 0 {
        close_descriptor(vm, number)?;
    }
    Ok(Object::NONE)
}

// ---- timeouts -------------------------------------------------------------------------------

/// The timeout of new sockets, as in a socket.
pub fn default_timeout() -> i64 {
    DEFAULT_TIMEOUT.load(Ordering::Relaxed)
}

pub fn set_default_timeout(timeout: i64) {
    DEFAULT_TIMEOUT.store(timeout, Ordering::Relaxed);
}

/// Seconds or None as a socket keeps them.
pub fn parse_timeout(vm: &Vm, object: &Object) -> Result<i64> {
    let Some(object) = object.some() else { return Ok(-1) };
    match values::nanoseconds(vm, object, Rounding::Up)? {
        ns if ns < 0 => Err(vm.value_error("Timeout value out of range")),
        ns => Ok(ns),
    }
}

pub fn show_timeout(vm: &Vm, timeout: i64) -> Object {
    if timeout < 0 { Object::NONE } else { vm.float(values::to_seconds(timeout)) }
}

fn set_timeout(vm: &Vm, s: &Socket, timeout: i64) -> Result {
    s.timeout.set(timeout);
    let number = s.fd.get();
    vm.without_gil(|| fd::set_blocking(number, timeout < 0)).map_err(|e| os_error(vm, e))?;
    Ok(Object::NONE)
}

/// Why a call came to nothing.
pub enum Stop {
    Raised(Raised),
    Errno(Errno),
    TimedOut,
}

impl Stop {
    /// The exception for it.
    pub fn raise(self, vm: &Vm) -> Raised {
        match self {
            Stop::Raised(raised) => raised,
            Stop::Errno(e) => os_error(vm, e),
            Stop::TimedOut => vm.error(&exc::TIMEOUT_ERROR, "timed out"),
        }
    }
}

/// What is waited for before a call.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Ready {
    Read,
    Write,
    /// The end of a connection attempt: waited for without a timeout, too.
    Connected,
}

/// Makes a call that may block, with the GIL released: again after signals, and
/// for sockets with a timeout when they are ready, until the time is over.
pub fn attempt<T>(
    vm: &Vm,
    s: &Socket,
    ready: Ready,
    timeout: i64,
    mut call: impl FnMut(i32) -> host::Result<T>,
) -> std::result::Result<T, Stop> {
    let mut deadline = None;
    loop {
        if timeout > 0 || ready == Ready::Connected {
            let left = match (deadline, timeout) {
                (_, ..0) => -1,
                (Some(deadline), _) => match select::left(deadline) {
                    0 => return Err(Stop::TimedOut),
                    left => left,
                },
                (None, _) => {
                    deadline = select::deadline(vm, Some(timeout)).map_err(Stop::Raised)?;
                    timeout
                }
            };
            match wait(vm, s.fd.get(), ready, left) {
                Ok(true) => {}
                Ok(false) => return Err(Stop::TimedOut),
                Err(Errno(libc::EINTR)) => {
                    vm.check_signals().map_err(Stop::Raised)?;
                    continue;
                }
                Err(e) => return Err(Stop::Errno(e)),
            }
        }
        let result = loop {
            let number = s.fd.get();
            match vm.without_gil(|| call(number)) {
                Err(Errno(libc::EINTR)) => vm.check_signals().map_err(Stop::Raised)?,
                result => break result,
            }
        };
        match result {
            Err(Errno(libc::EAGAIN)) if timeout > 0 => {}
            result => return result.map_err(Stop::Errno),
        }
    }
}

/// [`attempt`] with the socket's own timeout, failures raised.
pub fn call<T>(vm: &Vm, s: &Socket, ready: Ready, call: impl FnMut(i32) -> host::Result<T>) -> Result<T> {
    attempt(vm, s, ready, s.timeout.get(), call).map_err(|stop| stop.raise(vm))
}

/// Waits for at most so many nanoseconds (negative: for ever); false if the time is over.
pub fn wait(vm: &Vm, number: i32, ready: Ready, left: i64) -> host::Result<bool> {
    if number < 0 {
        // The call itself will say so.
        return Ok(true);
    }
    let events = match ready {
        Ready::Read => libc::POLLIN,
        Ready::Write => libc::POLLOUT,
        Ready::Connected => libc::POLLOUT | libc::POLLERR,
    };
    let ms =
        if left < 0 { -1 } else { (left.saturating_add(999_999) / 1_000_000).min(i32::MAX as i64) as i32 };
    let mut fds = [poll::PollFd { fd: number, events, revents: 0 }];
    vm.without_gil(|| poll::poll(&mut fds, ms)).map(|n| n > 0)
}

// ---- connections ----------------------------------------------------------------------------

fn show_address(vm: &Vm, s: &Socket, found: host::Result<net::Address>) -> Result {
    let found = found.map_err(|e| os_error(vm, e))?;
    address::show(vm, s.protocol.get(), found.bytes())
}

fn accept(vm: &Vm, args: &[Object]) -> Result {
    let s = this::<Socket>(&args[0]);
    let (number, peer) = call(vm, s, Ready::Read, net::accept)?;
    match address::show(vm, s.protocol.get(), peer.bytes()) {
        Ok(shown) => Ok(vm.tuple(vec![vm.int(number as i64), shown])),
        Err(raised) => {
            let _ = fd::close(number);
            Err(raised)
        }
    }
}

fn bind(vm: &Vm, args: &[Object]) -> Result {
    let s = this::<Socket>(&args[0]);
    let place = address::parse(vm, s, "bind", &args[1])?;
    vm.audit("socket.bind", args)?;
    let number = s.fd.get();
    vm.without_gil(|| net::bind(number, &place)).map_err(|e| os_error(vm, e))?;
    Ok(Object::NONE)
}

fn connect(vm: &Vm, args: &[Object]) -> Result {
    match connect_to(vm, args, "connect") {
        Ok(()) => Ok(Object::NONE),
        Err(stop) => Err(stop.raise(vm)),
    }
}

fn connect_ex(vm: &Vm, args: &[Object]) -> Result {
    match connect_to(vm, args, "connect_ex") {
        Ok(()) => Ok(vm.int(0)),
        Err(Stop::Raised(raised)) => Err(raised),
        Err(Stop::Errno(Errno(code))) => Ok(vm.int(code as i64)),
        Err(Stop::TimedOut) => Ok(vm.int(libc::EAGAIN as i64)),
    }
}

fn connect_to(vm: &Vm, args: &[Object], caller: &str) -> std::result::Result<(), Stop> {
    let s = this::<Socket>(&args[0]);
    let place = address::parse(vm, s, caller, &args[1]).map_err(Stop::Raised)?;
    vm.audit("socket.connect", args).map_err(Stop::Raised)?;
    let (number, timeout) = (s.fd.get(), s.timeout.get());
    match vm.without_gil(|| net::connect(number, &place)) {
        Ok(()) => return Ok(()),
        // It goes on in the background.
        Err(Errno(libc::EINTR)) if timeout != 0 => vm.check_signals().map_err(Stop::Raised)?,
        Err(Errno(libc::EINPROGRESS)) if timeout > 0 => {}
        Err(e) => return Err(Stop::Errno(e)),
    }
    attempt(vm, s, Ready::Connected, timeout, |number| {
        match net::int_option(number, libc::SOL_SOCKET, libc::SO_ERROR)? {
            0 | libc::EISCONN => Ok(()),
            code => Err(Errno(code)),
        }
    })
}

fn listen(vm: &Vm, args: &[Object], kwnames: &[Object]) -> Result {
    let given = positional(vm, "listen", args, kwnames, 1, 0, 1)?;
    let backlog = c_int_or(vm, given.first(), 128)?.max(0);
    let number = this::<Socket>(&args[0]).fd.get();
    vm.without_gil(|| net::listen(number, backlog)).map_err(|e| os_error(vm, e))?;
    Ok(Object::NONE)
}

fn shutdown(vm: &Vm, args: &[Object]) -> Result {
    let how = vm.to_plain_c_int(&args[1])?;
    let number = this::<Socket>(&args[0]).fd.get();
    vm.without_gil(|| net::shutdown(number, how)).map_err(|e| os_error(vm, e))?;
    Ok(Object::NONE)
}

// ---- options --------------------------------------------------------------------------------

fn get_option(vm: &Vm, args: &[Object], kwnames: &[Object]) -> Result {
    let given = positional(vm, "getsockopt", args, kwnames, 1, 2, 3)?;
    let (level, name) = (c_int(vm, &given[0])?, c_int(vm, &given[1])?);
    let size = c_int_or(vm, given.get(2), 0)?;
    let s = this::<Socket>(&args[0]);
    let number = s.fd.get();
    if size == 0 {
        if s.family.get() == libc::AF_VSOCK {
            let mut value = [0; 8];
            net::option(number, level, name, &mut value).map_err(|e| os_error(vm, e))?;
            return Ok(vm.u64(u64::from_ne_bytes(value)));
        }
        let value = net::int_option(number, level, name).map_err(|e| os_error(vm, e))?;
        return Ok(vm.int(value as i64));
    }
    if !(0..=1024).contains(&size) {
        return Err(vm.error(&exc::OS_ERROR, "getsockopt buflen out of range"));
    }
    let mut value = vec![0; size as usize];
    let n = net::option(number, level, name, &mut value).map_err(|e| os_error(vm, e))?;
    Ok(vm.bytes(&value[..n]))
}

fn set_option(vm: &Vm, args: &[Object], kwnames: &[Object]) -> Result {
    if kwnames.is_empty() && !(4..=5).contains(&args.len()) {
        let given = args.len().saturating_sub(1);
        return Err(vm.type_error(format!("setsockopt() takes exactly 3 arguments ({given} given)")));
    }
    let given = positional(vm, "setsockopt", args, kwnames, 1, 3, 4)?;
    let (level, name) = (c_int(vm, &given[0])?, c_int(vm, &given[1])?);
    let s = this::<Socket>(&args[0]);
    let value = &given[2];
    let done = match given.get(3) {
        Some(len) if value.is_none() && vm.is_index(len) => {
            let len = vm.to_u32_wrapping(len)?;
            net::set_option_length(s.fd.get(), level, name, len)
        }
        Some(_) => return Err(vm.type_error("setsockopt() takes exactly 3 arguments (4 given)")),
        None => {
            let number = if vm.is_index(value) { int_value(vm, s, value)? } else { None };
            let bytes = match number {
                Some(bytes) => bytes,
                None => vm.bytes_like(value, "value")?.bytes().to_vec(),
            };
            net::set_option(s.fd.get(), level, name, &bytes)
        }
    };
    done.map_err(|e| os_error(vm, e))?;
    Ok(Object::NONE)
}

/// An int as the value of an option; None if it does not fit.
fn int_value(vm: &Vm, s: &Socket, value: &Object) -> Result<Option<Vec<u8>>> {
    if s.family.get() == libc::AF_VSOCK {
        return Ok(Some(vm.to_u64(value)?.to_ne_bytes().to_vec()));
    }
    match c_int(vm, value) {
        Ok(n) => Ok(Some(n.to_ne_bytes().to_vec())),
        Err(raised) => {
            drop(vm.caught(raised));
            Ok(None)
        }
    }
}
