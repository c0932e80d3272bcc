//! `_SSLSocket`: a connection over a socket or two buffers.
//!
//! The connection itself never waits. What has to be waited for is waited for
//! here, with the socket's timeout and without the GIL.

use super::context::SslContext;
use super::hooks::Hooks;
use super::memory::{SESSION, Session};
use super::{certificate, errors};
use crate::socket::object::{Ready, Socket, wait};
use std::ffi::CString;
use std::net::IpAddr;
use taipan_host::{Errno, libc};
use taipan_runtime::prelude::*;
use taipan_runtime::support::{allocate, this};
use taipan_runtime::types::cell::ObjectCell;
use taipan_runtime::types::object::OBJECT;
use taipan_runtime::types::{bytes, weakref};
use taipan_stdlib_files::select;
use taipan_stdlib_files::support::os_error;
use taipan_tls::{Connection, Failure, Transport, kind};

/// Most bytes of one read.
const READ_ROOM: usize = 1 << 14;
const VERIFY_PEER: i32 = 1;

/// Payload of `_SSLSocket`.
pub struct SslSocket {
    connection: Connection,
    hooks: Hooks,
    pub context: ObjectCell,
    /// A weak reference to the socket; None for buffers.
    socket: Object,
    /// A weak reference to who is shown to callbacks.
    owner: ObjectCell,
    server: bool,
    host: Option<String>,
}

impl NativeClass for SslSocket {
    fn class() -> &'static Type {
        &SSL_SOCKET
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.context.traverse(visitor);
        visitor.visit(self.socket.value());
        self.owner.traverse(visitor);
    }
    fn clear(&self) {
        self.owner.clear();
    }
}

pub static SSL_SOCKET: Type = Type::new::<SslSocket>(
    "_ssl._SSLSocket",
    &OBJECT,
    type_flags::DISALLOW_INSTANTIATION
        | type_flags::HAVE_GC
        | type_flags::IMMUTABLE
        | type_flags::WEAKREFABLE,
    Slots::EMPTY,
    &[
        MethodDef::new(
            "do_handshake($self, /)",
            |vm, args| {
                let ssl = this::<SslSocket>(&args[0]);
                ssl.perform(vm, "handshake", 1130, |connection| connection.handshake())?;
                Ok(Object::NONE)
            },
            "",
        ),
        MethodDef::new(
            "write($self, b, /)",
            |vm, args| {
                let ssl = this::<SslSocket>(&args[0]);
                let data = vm.bytes_like(&args[1], "b")?;
                if data.len() > i32::MAX as usize {
                    return Err(vm.overflow_error(format!("string longer than {} bytes", i32::MAX)));
                }
                if data.is_empty() {
                    return Ok(vm.int(0));
                }
                let count = ssl.perform(vm, "write", 2616, |connection| connection.write(data.bytes()))?;
                Ok(vm.usize(count))
            },
            "Writes bytes and returns how many were written.",
        ),
        MethodDef::raw(
            "read(size, [buffer])",
            read,
            "Reads up to size bytes; into the buffer, if there is one.",
        ),
        MethodDef::new(
            "pending($self, /)",
            |vm, args| {
                let ssl = this::<SslSocket>(&args[0]);
                Ok(vm.usize(ssl.look(vm, |connection| connection.pending())))
            },
            "How many bytes can be read without the transport.",
        ),
        MethodDef::new(
            "getpeercert($self, der=False, /)",
            |vm, args| {
                let ssl = this::<SslSocket>(&args[0]);
                let binary = vm.is_true(&args[1])?;
                if !ssl.look(vm, |connection| connection.is_finished()) {
                    return Err(vm.value_error("handshake not done yet"));
                }
                let Some(peer) = ssl.look(vm, |connection| connection.peer_certificate()) else {
                    return Ok(Object::NONE);
                };
                if binary {
                    return certificate::der(vm, &peer);
                }
                let verified =
                    ssl.context.get().downcast::<SslContext>().map_or(0, |c| c.context.verify_mode());
                if verified & VERIFY_PEER == 0 { Ok(vm.new_dict()) } else { certificate::decode(vm, &peer) }
            },
            "The other side's certificate, as a dict or in DER.\n\nNone if it has sent none, {} if it was not verified.",
        ),
        MethodDef::new(
            "get_channel_binding($self, /, cb_type='tls-unique')",
            |vm, args| {
                let ssl = this::<SslSocket>(&args[0]);
                let kind = vm.str_lossy(&args[1]);
                if kind != "tls-unique" {
                    return Err(vm.value_error(format!("'{kind}' channel binding type not implemented")));
                }
                let message = ssl
                    .look(vm, |connection| connection.finished(connection.session_reused() != !ssl.server));
                if message.is_empty() { Ok(Object::NONE) } else { bytes::new(vm, &message) }
            },
            "What is unique about this connection; None before the handshake.",
        ),
        MethodDef::new(
            "cipher($self, /)",
            |vm, args| {
                let cipher = this::<SslSocket>(&args[0]).look(vm, |connection| connection.cipher());
                Ok(cipher.map_or(Object::NONE, |cipher| show_cipher(vm, &cipher)))
            },
            "",
        ),
        MethodDef::new(
            "shared_ciphers($self, /)",
            |vm, args| {
                let ciphers = this::<SslSocket>(&args[0]).look(vm, |connection| connection.shared_ciphers());
                let show =
                    |ciphers: Vec<_>| vm.list(ciphers.iter().map(|cipher| show_cipher(vm, cipher)).collect());
                Ok(ciphers.map_or(Object::NONE, show))
            },
            "",
        ),
        MethodDef::new(
            "version($self, /)",
            |vm, args| {
                let version = this::<SslSocket>(&args[0]).look(vm, |connection| {
                    if connection.is_finished() { connection.version() } else { None }
                });
                Ok(version.map_or(Object::NONE, |version| vm.str(&version)))
            },
            "",
        ),
        MethodDef::new(
            "selected_alpn_protocol($self, /)",
            |vm, args| {
                let protocol = this::<SslSocket>(&args[0]).look(vm, |connection| connection.protocol());
                Ok(protocol.map_or(Object::NONE, |protocol| vm.str(&String::from_utf8_lossy(&protocol))))
            },
            "",
        ),
        MethodDef::new("compression($self, /)", |_, _| Ok(Object::NONE), ""),
        MethodDef::new(
            "shutdown($self, /)",
            shutdown,
            "Ends the conversation, not the connection, whose socket is returned.",
        ),
        MethodDef::new(
            "verify_client_post_handshake($self, /)",
            |vm, args| {
                let done =
                    this::<SslSocket>(&args[0]).look(vm, |connection| connection.verify_after_handshake());
                done.map(|()| Object::NONE).map_err(|error| errors::library(vm, &error, 2984))
            },
            "Asks the client for its certificate now.",
        ),
        MethodDef::new(
            "get_unverified_chain($self, /)",
            |vm, args| {
                let ssl = this::<SslSocket>(&args[0]);
                let (chain, peer) =
                    ssl.look(vm, |connection| (connection.peer_chain(), connection.peer_certificate()));
                // To a server the client's own certificate comes apart from its chain,
                // which a session that is taken up again does not have.
                let chain = match (chain, peer.filter(|_| ssl.server)) {
                    (chain, Some(peer)) => {
                        let mut chain = chain.unwrap_or_default();
                        chain.insert(0, peer);
                        chain
                    }
                    (Some(chain), None) => chain,
                    (None, None) => return Ok(Object::NONE),
                };
                certificate::wrap_all(vm, chain)
            },
            "",
        ),
        MethodDef::new(
            "get_verified_chain($self, /)",
            |vm, args| {
                let chain = this::<SslSocket>(&args[0]).look(vm, |connection| connection.verified_chain());
                chain.map_or(Ok(Object::NONE), |chain| certificate::wrap_all(vm, chain))
            },
            "",
        ),
    ],
    &[
        GetSetDef::new("context", |_, object| Ok(this::<SslSocket>(object).context.or_none())).with_set(
            |vm, object, value| {
                let ssl = this::<SslSocket>(object);
                let value = kept(vm, value, "context")?;
                let Some(context) = value.downcast::<SslContext>() else {
                    return Err(vm.type_error("The value must be a SSLContext"));
                };
                let inner = context.context.clone();
                ssl.look(vm, |connection| connection.switch(&inner));
                ssl.context.set(value.clone());
                Ok(())
            },
        ),
        GetSetDef::new("server_side", |_, object| Ok(Object::bool(this::<SslSocket>(object).server)))
            .with_doc("Whether this is a server-side socket."),
        GetSetDef::new("server_hostname", |vm, object| {
            let host = &this::<SslSocket>(object).host;
            Ok(host.as_ref().map_or(Object::NONE, |host| vm.str(host)))
        })
        .with_doc("The currently set server hostname (for SNI)."),
        GetSetDef::new("owner", |_, object| {
            Ok(this::<SslSocket>(object).owner_object().unwrap_or(Object::NONE))
        })
        .with_set(|vm, object, value| this::<SslSocket>(object).set_owner(vm, kept(vm, value, "owner")?)),
        GetSetDef::new("session", |vm, object| {
            let ssl = this::<SslSocket>(object);
            match ssl.look(vm, |connection| connection.session()) {
                Some(session) => allocate(vm, &SESSION, Session { session, context: ssl.context.get() }),
                None => Ok(Object::NONE),
            }
        })
        .with_set(|vm, object, value| this::<SslSocket>(object).set_session(vm, kept(vm, value, "session")?)),
        GetSetDef::new("session_reused", |vm, object| {
            let reused = this::<SslSocket>(object).look(vm, |connection| connection.session_reused());
            Ok(Object::bool(reused))
        })
        .with_doc("Was the client session reused during handshake?"),
    ],
);

/// The new value of an attribute that cannot be deleted.
fn kept<'a>(vm: &Vm, value: Option<&'a Object>, name: &str) -> Result<&'a Object> {
    value.ok_or_else(|| {
        vm.error(
            &exc::ATTRIBUTE_ERROR,
            format!("attribute '{name}' of '_ssl._SSLSocket' objects cannot be deleted"),
        )
    })
}

fn show_cipher(vm: &Vm, cipher: &taipan_tls::CipherInfo) -> Object {
    let text = |text: &Option<String>| text.as_ref().map_or(Object::NONE, |text| vm.str(text));
    vm.tuple(vec![text(&cipher.name), text(&cipher.version), vm.int(cipher.bits as i64)])
}

/// A connection of a context.
#[expect(clippy::too_many_arguments, reason = "all that Python gives")]
pub fn new(
    vm: &Vm,
    context: &Object,
    transport: Transport,
    socket: Option<&Object>,
    server: bool,
    host: Option<CString>,
    owner: &Object,
    session: &Object,
) -> Result {
    let payload = this::<SslContext>(context);
    let hooks = Hooks::new();
    let connection = Connection::new(&payload.context, transport, server, Box::new(hooks.clone()))
        .map_err(|error| errors::library(vm, &error, 940))?;
    if let Some(host) = &host {
        let bytes = host.to_bytes();
        if bytes.is_empty() || bytes.starts_with(b".") {
            return Err(
                vm.value_error("server_hostname cannot be an empty string or start with a leading dot.")
            );
        }
        let address: Option<IpAddr> = host.to_str().ok().and_then(|text| text.parse().ok());
        let named = address.is_some() || connection.send_server_name(host);
        let expected = if payload.check_hostname.get() {
            match address {
                Some(IpAddr::V4(address)) => connection.expect_address(&address.octets()),
                Some(IpAddr::V6(address)) => connection.expect_address(&address.octets()),
                None => connection.expect_host(host, payload.context.host_flags()),
            }
        } else {
            true
        };
        if !named || !expected {
            return Err(errors::plain(vm, "cannot set the server's name", 850));
        }
    }
    if payload.post_handshake_auth.get() {
        connection.allow_post_handshake_auth(server);
    }
    let socket = match socket {
        Some(socket) => weakref::new(vm, socket)?,
        None => Object::NONE,
    };
    let ssl = SslSocket {
        connection,
        hooks: hooks.clone(),
        context: ObjectCell::new(context.clone()),
        socket,
        owner: ObjectCell::EMPTY,
        server,
        host: host.map(|host| host.to_string_lossy().into_owned()),
    };
    let object = allocate(vm, &SSL_SOCKET, ssl)?;
    hooks.set_object(weakref::new(vm, &object)?);
    let ssl = this::<SslSocket>(&object);
    ssl.set_owner(vm, owner)?;
    if !session.is_none() {
        ssl.set_session(vm, session)?;
    }
    Ok(object)
}

impl SslSocket {
    /// Who is shown to callbacks, if it is alive.
    pub fn owner_object(&self) -> Option<Object> {
        self.owner.bound().and_then(|reference| weakref::get(&reference))
    }
    /// Is who should be shown to callbacks dead?
    pub fn has_lost_owner(&self) -> bool {
        !self.owner.is_empty() && self.owner_object().is_none()
    }
    fn set_owner(&self, vm: &Vm, owner: &Object) -> Result<()> {
        self.owner.set(if owner.is_none() { Object::UNBOUND } else { weakref::new(vm, owner)? });
        Ok(())
    }
    fn set_session(&self, vm: &Vm, value: &Object) -> Result<()> {
        let Some(session) = value.downcast::<Session>() else {
            return Err(vm.type_error("Value is not a SSLSession."));
        };
        let same = {
            let (mine, theirs) = (self.context.get(), &session.context);
            match (mine.downcast::<SslContext>(), theirs.downcast::<SslContext>()) {
                (Some(mine), Some(theirs)) => std::rc::Rc::ptr_eq(&mine.context, &theirs.context),
                _ => false,
            }
        };
        if !same {
            return Err(vm.value_error("Session refers to a different SSLContext."));
        }
        if self.server {
            return Err(vm.value_error("Cannot set session for server-side SSLSocket."));
        }
        if self.look(vm, |connection| connection.is_finished()) {
            return Err(vm.value_error("Cannot set session after handshake."));
        }
        let done = self.look(vm, |connection| connection.set_session(&session.session));
        done.map_err(|error| errors::library(vm, &error, 3020))
    }
    /// A quick call. It waits for who works on the connection, which may need the GIL.
    fn look<R>(&self, vm: &Vm, look: impl FnOnce(&Connection) -> R) -> R {
        vm.without_gil(|| look(&self.connection))
    }
    /// The socket, if the connection has one.
    fn socket(&self, vm: &Vm) -> Result<Option<Object>> {
        if self.socket.is_none() {
            return Ok(None);
        }
        match weakref::get(&self.socket) {
            Some(socket) if socket.downcast::<Socket>().is_some_and(|s| s.fd.get() >= 0) => Ok(Some(socket)),
            Some(_) => Err(errors::plain(vm, "Underlying socket has been closed.", 1080)),
            None => Err(errors::plain(vm, "Underlying socket connection gone", 1064)),
        }
    }
    #[cold]
    fn failure(&self, vm: &Vm, failure: &Failure, line: u32) -> Raised {
        errors::failure(vm, failure, !self.socket.is_none(), self.host.as_deref(), line)
    }
    /// Works until it is done, waiting as the socket wants it.
    fn perform<T>(
        &self,
        vm: &Vm,
        what: &str,
        line: u32,
        work: impl FnMut(&Connection) -> std::result::Result<T, Failure>,
    ) -> Result<T> {
        match self.attempt(vm, what, work)? {
            Ok(value) => Ok(value),
            Err(failure) => Err(self.failure(vm, &failure, line)),
        }
    }
    /// As [`SslSocket::perform`]; failures come back.
    fn attempt<T>(
        &self,
        vm: &Vm,
        what: &str,
        mut work: impl FnMut(&Connection) -> std::result::Result<T, Failure>,
    ) -> Result<std::result::Result<T, Failure>> {
        let socket = self.socket(vm)?;
        let socket = socket.as_ref().and_then(|socket| socket.downcast::<Socket>());
        let timeout = socket.map_or(0, |socket| socket.timeout.get());
        let mut deadline = None;
        if timeout > 0 {
            deadline = select::deadline(vm, Some(timeout))?;
        }
        loop {
            let result = vm.without_gil(|| work(&self.connection));
            if let Some(raised) = self.hooks.take_raised() {
                return Err(vm.raise(raised));
            }
            vm.check_signals()?;
            let failure = match result {
                Ok(value) => return Ok(Ok(value)),
                Err(failure) => failure,
            };
            let ready = match failure.kind {
                kind::WANT_READ => Ready::Read,
                kind::WANT_WRITE => Ready::Write,
                _ => return Ok(Err(failure)),
            };
            let Some(socket) = socket.filter(|_| timeout != 0) else { return Ok(Err(failure)) };
            loop {
                let left = match deadline {
                    Some(deadline) => select::left(deadline),
                    None => -1,
                };
                let number = socket.fd.get();
                if number < 0 {
                    return Err(errors::plain(vm, "Underlying socket has been closed.", 1080));
                }
                let waited = if left == 0 { Ok(false) } else { wait(vm, number, ready, left) };
                match waited {
                    Ok(true) => break,
                    Ok(false) => {
                        return Err(vm.error(&exc::TIMEOUT_ERROR, format!("The {what} operation timed out")));
                    }
                    Err(Errno(libc::EINTR)) => vm.check_signals()?,
                    Err(error) => return Err(os_error(vm, error)),
                }
            }
        }
    }
}

fn read(vm: &Vm, args: &[Object], kwnames: &[Object]) -> Result {
    if !kwnames.is_empty() || !(2..=3).contains(&args.len()) {
        return Err(vm.type_error("_ssl._SSLSocket.read requires 1 to 2 arguments"));
    }
    let ssl = this::<SslSocket>(&args[0]);
    let size = vm.to_plain_c_int(&args[1])?;
    let target = match args.get(2) {
        Some(object) => {
            let buffer = vm.buffer(object, taipan_runtime::buffer::flags::WRITABLE);
            match vm.swallow(buffer, &exc::EXCEPTION)? {
                Some(buffer) => Some(buffer),
                None => {
                    let shown = if object.is_none() { "None" } else { object.ty().name() };
                    return Err(vm.type_error(format!(
                        "read() argument 2 must be read-write bytes-like object, not {shown}"
                    )));
                }
            }
        }
        None => None,
    };
    let wanted = match &target {
        None => match usize::try_from(size) {
            Ok(size) => size,
            Err(_) => return Err(vm.value_error("size should not be negative")),
        },
        Some(buffer) => match usize::try_from(size) {
            Ok(size) if size > 0 && size <= buffer.len() => size,
            _ => buffer.len(),
        },
    };
    let mut room = vec![0u8; wanted.min(READ_ROOM)];
    let count = if wanted == 0 {
        0
    } else {
        match ssl.attempt(vm, "read", |connection| connection.read(&mut room))? {
            Ok(count) => count,
            // The other side has ended the conversation, and we have not.
            Err(failure)
                if failure.kind == kind::ZERO_RETURN
                    && ssl.look(vm, |connection| connection.shutdown_state()) == 2 =>
            {
                0
            }
            Err(failure) => return Err(ssl.failure(vm, &failure, 2778)),
        }
    };
    let data = room.get(..count).unwrap_or(&[]);
    match target {
        None => bytes::new(vm, data),
        Some(buffer) => {
            buffer.with_bytes_mut(|out| {
                if let Some(out) = out.get_mut(..data.len()) {
                    out.copy_from_slice(data);
                }
            });
            Ok(vm.usize(data.len()))
        }
    }
}

fn shutdown(vm: &Vm, args: &[Object]) -> Result {
    let ssl = this::<SslSocket>(&args[0]);
    let socket = ssl.socket(vm)?;
    let mut steps = 0;
    // Our word first, then the other side's: at most two steps that say "not yet".
    while steps < 2 {
        let waits = steps > 0;
        let step = ssl.attempt(vm, "read", |connection| {
            if waits {
                connection.set_read_ahead(false);
            }
            connection.shutdown()
        })?;
        match step {
            Ok(true) => break,
            Ok(false) => steps += 1,
            Err(failure) => return Err(ssl.failure(vm, &failure, 2906)),
        }
    }
    Ok(socket.unwrap_or(Object::NONE))
}
