//! `_SSLContext`.

use super::memory::{MEMORY_BIO, MemoryBio};
use super::{certificate, errors, socket};
use crate::socket::object::{SOCKET, Socket};
use std::cell::{Cell, RefCell};
use std::ffi::CString;
use std::rc::Rc;
use taipan_host::{self as host, Errno, libc};
use taipan_runtime::codecs;
use taipan_runtime::prelude::*;
use taipan_runtime::support::{allocate, bad_argument, check_arity, no_keywords, this};
use taipan_runtime::types::cell::ObjectCell;
use taipan_runtime::types::object::OBJECT;
use taipan_runtime::types::{bytes, int};
use taipan_tls::{Certificate, Context, Role, Transport};

pub const PROTOCOL_TLS: i32 = 2;
pub const PROTOCOL_TLS_CLIENT: i32 = 16;
pub const PROTOCOL_TLS_SERVER: i32 = 17;
pub const CERT_NONE: i32 = 0;
pub const CERT_OPTIONAL: i32 = 1;
pub const CERT_REQUIRED: i32 = 2;
const PROTO_MINIMUM: i64 = -2;
const PROTO_MAXIMUM: i64 = -1;
const TLS1_3: i64 = 0x304;
/// The versions of the protocol and their names.
const VERSIONS: [(i64, &str); 5] =
    [(0x300, "SSLv3"), (0x301, "TLSv1"), (0x302, "TLSv1_1"), (0x303, "TLSv1_2"), (TLS1_3, "TLSv1_3")];
const VERIFY_PEER: i32 = 1;
const VERIFY_REQUIRED: i32 = 3;
const VERIFY_TRUSTED_FIRST: u64 = 0x8000;
const HOST_NO_PARTIAL_WILDCARDS: u32 = 4;
pub const OP_ALL: u64 = 0x8000_0050;
const OP_NO_COMPRESSION: u64 = 0x2_0000;
const OP_CIPHER_SERVER_PREFERENCE: u64 = 0x40_0000;
pub const OP_NO_SSLV3: u64 = 0x200_0000;
const OP_IGNORE_UNEXPECTED_EOF: u64 = 0x80;
/// All options that switch a version of the protocol off.
const OP_NO_VERSIONS: u64 = 0x200_0000 | 0x400_0000 | 0x1000_0000 | 0x800_0000 | 0x2000_0000;
pub const DEFAULT_CIPHERS: &str = "ALL:!COMPLEMENTOFDEFAULT:!eNULL";

/// Payload of `_SSLContext`.
pub struct SslContext {
    pub context: Rc<Context>,
    protocol: i32,
    pub check_hostname: Cell<bool>,
    pub post_handshake_auth: Cell<bool>,
    pub sni_callback: ObjectCell,
    pub message_callback: ObjectCell,
    pub keylog_name: ObjectCell,
    keylog: RefCell<Option<LogFile>>,
    pub psk_client: ObjectCell,
    pub psk_server: ObjectCell,
}

impl NativeClass for SslContext {
    fn class() -> &'static Type {
        &CONTEXT
    }
    fn traverse(&self, visitor: &mut Visitor) {
        for cell in [&self.sni_callback, &self.message_callback, &self.psk_client, &self.psk_server] {
            cell.traverse(visitor);
        }
    }
    fn clear(&self) {
        for cell in [&self.sni_callback, &self.message_callback, &self.psk_client, &self.psk_server] {
            cell.clear();
        }
    }
}

type Get = fn(&Vm, &SslContext) -> Result;

macro_rules! attribute {
    ($name:literal, $get:expr) => {
        GetSetDef::new($name, |vm, object| {
            let get: Get = $get;
            get(vm, this::<SslContext>(object))
        })
    };
    ($name:literal, $get:expr, $set:expr) => {
        attribute!($name, $get).with_set(|vm, object, value| {
            let Some(value) = value else {
                return Err(vm.error(
                    &exc::ATTRIBUTE_ERROR,
                    concat!("attribute '", $name, "' of '_ssl._SSLContext' objects cannot be deleted"),
                ));
            };
            let set: fn(&Vm, &SslContext, &Object) -> Result<()> = $set;
            set(vm, this::<SslContext>(object), value)
        })
    };
}

pub static CONTEXT: Type = Type::new::<SslContext>(
    "_ssl._SSLContext",
    &OBJECT,
    type_flags::BASE | type_flags::HAVE_GC | type_flags::IMMUTABLE | type_flags::WEAKREFABLE,
    Slots { new: Some(new), ..Slots::EMPTY },
    &[
        MethodDef::new(
            "_wrap_socket($self, /, sock, server_side, server_hostname=None, *, owner=None, session=None)",
            wrap_socket,
            "",
        ),
        MethodDef::new(
            "_wrap_bio($self, /, incoming, outgoing, server_side, server_hostname=None, *, owner=None, session=None)",
            wrap_bio,
            "",
        ),
        MethodDef::new(
            "set_ciphers($self, cipherlist, /)",
            |vm, args| {
                let list = text_argument(vm, "set_ciphers", &args[1])?;
                if this::<SslContext>(&args[0]).context.set_ciphers(&list) {
                    return Ok(Object::NONE);
                }
                Err(errors::bare(vm, "No cipher can be selected."))
            },
            "",
        ),
        MethodDef::new(
            "_set_alpn_protocols($self, protos, /)",
            |vm, args| {
                let protocols = vm.bytes_like(&args[1], "protos")?;
                if protocols.len() > u32::MAX as usize {
                    return Err(vm.overflow_error(format!("protocols longer than {} bytes", u32::MAX)));
                }
                if this::<SslContext>(&args[0]).context.set_protocols(protocols.bytes().to_vec()) {
                    Ok(Object::NONE)
                } else {
                    Err(vm.memory_error())
                }
            },
            "",
        ),
        MethodDef::new(
            "load_cert_chain($self, /, certfile, keyfile=None, password=None)",
            load_cert_chain,
            "",
        ),
        MethodDef::new(
            "load_dh_params($self, path, /)",
            |vm, args| {
                let path = fs_path(vm, &args[1])?;
                check_read(vm, &path)?;
                let context = this::<SslContext>(&args[0]).context.clone();
                match vm.without_gil(|| context.load_dh(&path)) {
                    Ok(()) => Ok(Object::NONE),
                    Err(failure) if failure.errno != 0 => Err(vm.os_error(failure.errno, Some(&args[1]))),
                    Err(failure) => Err(errors::library(vm, &failure.error, 4600)),
                }
            },
            "",
        ),
        MethodDef::new(
            "load_verify_locations($self, /, cafile=None, capath=None, cadata=None)",
            load_verify_locations,
            "",
        ),
        MethodDef::new(
            "session_stats($self, /)",
            |vm, args| {
                let context = &this::<SslContext>(&args[0]).context;
                let dict = vm.new_dict();
                for (name, which) in [
                    ("number", 20),
                    ("connect", 21),
                    ("connect_good", 22),
                    ("connect_renegotiate", 23),
                    ("accept", 24),
                    ("accept_good", 25),
                    ("accept_renegotiate", 26),
                    ("hits", 27),
                    ("misses", 29),
                    ("timeouts", 30),
                    ("cache_full", 31),
                ] {
                    vm.set_item(&dict, &vm.str(name), &vm.int(context.session_count(which)))?;
                }
                Ok(dict)
            },
            "",
        ),
        MethodDef::new(
            "set_default_verify_paths($self, /)",
            |vm, args| {
                let context = this::<SslContext>(&args[0]).context.clone();
                let done = vm.without_gil(|| context.set_default_paths());
                done.map(|()| Object::NONE).map_err(|error| errors::library(vm, &error, 4650))
            },
            "",
        ),
        MethodDef::new(
            "set_ecdh_curve($self, name, /)",
            |vm, args| {
                let name = fs_path(vm, &args[1])?;
                if this::<SslContext>(&args[0]).context.set_groups(&name) {
                    return Ok(Object::NONE);
                }
                let shown = vm.repr_text(&args[1])?;
                Err(vm.value_error(format!("unknown elliptic curve name {shown}")))
            },
            "",
        ),
        MethodDef::new(
            "cert_store_stats($self, /)",
            |vm, args| {
                let (certificates, lists) = this::<SslContext>(&args[0]).context.store();
                let authorities = certificates.iter().filter(|c| c.is_authority()).count();
                let dict = vm.new_dict();
                for (name, count) in [("x509", certificates.len()), ("crl", lists), ("x509_ca", authorities)]
                {
                    vm.set_item(&dict, &vm.str(name), &vm.usize(count))?;
                }
                Ok(dict)
            },
            "",
        ),
        MethodDef::new(
            "get_ca_certs($self, /, binary_form=False)",
            |vm, args| {
                let binary = vm.is_true(&args[1])?;
                let (certificates, _) = this::<SslContext>(&args[0]).context.store();
                let show = |c: &Certificate| {
                    if binary { certificate::der(vm, c) } else { certificate::decode(vm, c) }
                };
                let shown: Result<Vec<Object>> =
                    certificates.iter().filter(|c| c.is_authority()).map(show).collect();
                Ok(vm.list(shown?))
            },
            "",
        ),
        MethodDef::new("get_ciphers($self, /)", get_ciphers, ""),
        MethodDef::new(
            "set_psk_client_callback($self, /, callback)",
            |vm, args| {
                let context = this::<SslContext>(&args[0]);
                if context.protocol == PROTOCOL_TLS_SERVER {
                    return Err(errors::plain(
                        vm,
                        "Cannot add PSK client callback to a PROTOCOL_TLS_SERVER context",
                        5020,
                    ));
                }
                set_callback(vm, &context.psk_client, &args[1], "callback must be callable")?;
                context.context.listen_psk_client(!args[1].is_none());
                Ok(Object::NONE)
            },
            "",
        ),
        MethodDef::new(
            "set_psk_server_callback($self, /, callback, identity_hint=None)",
            |vm, args| {
                let context = this::<SslContext>(&args[0]);
                if context.protocol == PROTOCOL_TLS_CLIENT {
                    return Err(errors::plain(
                        vm,
                        "Cannot add PSK server callback to a PROTOCOL_TLS_CLIENT context",
                        5140,
                    ));
                }
                let hint = match args[2].some() {
                    Some(hint) => Some(text_argument(vm, "set_psk_server_callback", hint)?),
                    None => None,
                };
                set_callback(vm, &context.psk_server, &args[1], "callback must be callable")?;
                if !context.context.set_psk_hint(hint.as_deref()) {
                    return Err(errors::plain(vm, "failed to set identity hint", 5160));
                }
                context.context.listen_psk_server(!args[1].is_none());
                Ok(Object::NONE)
            },
            "",
        ),
    ],
    &[
        attribute!(
            "check_hostname",
            |_, context| Ok(Object::bool(context.check_hostname.get())),
            |vm, context, value| {
                let on = vm.is_true(value)?;
                if on && context.context.verify_mode() == 0 {
                    set_mode(vm, context, CERT_REQUIRED)?;
                }
                context.check_hostname.set(on);
                Ok(())
            }
        ),
        attribute!(
            "_host_flags",
            |vm, context| Ok(vm.int(context.context.host_flags() as i64)),
            |vm, context, value| {
                context.context.set_host_flags(vm.to_u32_wrapping(value)?);
                Ok(())
            }
        ),
        attribute!(
            "minimum_version",
            |vm, context| {
                let version = context.context.minimum_version();
                Ok(vm.int(if version == 0 { PROTO_MINIMUM } else { version }))
            },
            |vm, context, value| set_version(vm, context, value, true)
        ),
        attribute!(
            "maximum_version",
            |vm, context| {
                let version = context.context.maximum_version();
                Ok(vm.int(if version == 0 { PROTO_MAXIMUM } else { version }))
            },
            |vm, context, value| set_version(vm, context, value, false)
        ),
        attribute!("keylog_filename", |_, context| Ok(context.keylog_name.or_none()), set_keylog),
        attribute!(
            "_msg_callback",
            |_, context| Ok(context.message_callback.or_none()),
            |vm, context, value| {
                set_callback(vm, &context.message_callback, value, "not a callable object")?;
                context.context.listen_messages(!value.is_none());
                Ok(())
            }
        ),
        attribute!("sni_callback", |_, context| Ok(context.sni_callback.or_none()), |vm, context, value| {
            if context.protocol == PROTOCOL_TLS_CLIENT {
                return Err(vm.value_error("sni_callback cannot be set on TLS_CLIENT context"));
            }
            set_callback(vm, &context.sni_callback, value, "not a callable object")?;
            context.context.listen_server_name(!value.is_none());
            Ok(())
        }),
        attribute!(
            "num_tickets",
            |vm, context| Ok(vm.usize(context.context.tickets())),
            |vm, context, value| {
                let count = vm.to_i64(value)?;
                let Ok(count) = usize::try_from(count) else {
                    return Err(vm.value_error("value must be non-negative"));
                };
                if context.protocol != PROTOCOL_TLS_SERVER {
                    return Err(vm.value_error("SSLContext is not a server context."));
                }
                if context.context.set_tickets(count) {
                    Ok(())
                } else {
                    Err(vm.value_error("failed to set num tickets."))
                }
            }
        ),
        attribute!("options", |vm, context| Ok(vm.u64(context.context.options())), set_options),
        attribute!(
            "post_handshake_auth",
            |_, context| Ok(Object::bool(context.post_handshake_auth.get())),
            |vm, context, value| {
                let on = vm.is_true(value)?;
                context.post_handshake_auth.set(on);
                Ok(())
            }
        ),
        attribute!("protocol", |vm, context| Ok(vm.int(context.protocol as i64))),
        attribute!(
            "verify_flags",
            |vm, context| Ok(vm.u64(context.context.verify_flags())),
            |vm, context, value| {
                let wanted = vm.to_u64(value)?;
                let now = context.context.verify_flags();
                if context.context.change_verify_flags(now & !wanted, wanted & !now) {
                    Ok(())
                } else {
                    Err(errors::plain(vm, "cannot set verify flags", 3500))
                }
            }
        ),
        attribute!(
            "verify_mode",
            |vm, context| Ok(vm.int(mode(context.context.verify_mode()) as i64)),
            |vm, context, value| {
                let wanted = vm.to_plain_c_int(value)?;
                if wanted == CERT_NONE && context.check_hostname.get() {
                    return Err(
                        vm.value_error("Cannot set verify_mode to CERT_NONE when check_hostname is enabled.")
                    );
                }
                set_mode(vm, context, wanted)
            }
        ),
        attribute!("security_level", |vm, context| Ok(vm.int(context.context.security_level() as i64))),
    ],
);

fn mode(verify: i32) -> i32 {
    match verify & VERIFY_REQUIRED {
        0 => CERT_NONE,
        VERIFY_PEER => CERT_OPTIONAL,
        _ => CERT_REQUIRED,
    }
}

fn set_mode(vm: &Vm, context: &SslContext, mode: i32) -> Result<()> {
    context.context.set_verify_mode(match mode {
        CERT_NONE => 0,
        CERT_OPTIONAL => VERIFY_PEER,
        CERT_REQUIRED => VERIFY_REQUIRED,
        _ => return Err(vm.value_error("invalid value for verify_mode")),
    });
    Ok(())
}

fn set_callback(vm: &Vm, place: &ObjectCell, value: &Object, words: &str) -> Result<()> {
    if !value.is_none() && !vm.is_callable(value) {
        return Err(vm.type_error(words));
    }
    place.set(value.clone());
    Ok(())
}

fn set_version(vm: &Vm, context: &SslContext, value: &Object, minimum: bool) -> Result<()> {
    if !int::is_any_int(value) {
        return Err(vm.type_error_of(value, "cannot be interpreted as an integer"));
    }
    let version = vm.to_plain_c_int(value)? as i64;
    if !matches!(context.protocol, PROTOCOL_TLS | PROTOCOL_TLS_CLIENT | PROTOCOL_TLS_SERVER) {
        return Err(vm.value_error(
            "The context's protocol doesn't support modification of highest and lowest version.",
        ));
    }
    let known = VERSIONS.iter().find(|(number, _)| *number == version);
    if known.is_none() && version != PROTO_MINIMUM && version != PROTO_MAXIMUM {
        return Err(vm.value_error(format!("Unsupported TLS/SSL version {version:#x}")));
    }
    if let Some((0..=0x302, name)) = known {
        vm.warn(&exc::DEPRECATION_WARNING, &format!("ssl.TLSVersion.{name} is deprecated"), 2)?;
    }
    let done = match (minimum, version) {
        (true, PROTO_MINIMUM) => context.context.set_minimum_version(0),
        (true, PROTO_MAXIMUM) => context.context.set_minimum_version(TLS1_3),
        (true, _) => context.context.set_minimum_version(version),
        (false, PROTO_MAXIMUM) => context.context.set_maximum_version(0),
        (false, PROTO_MINIMUM) => context.context.set_maximum_version(0x301),
        (false, _) => context.context.set_maximum_version(version),
    };
    if done { Ok(()) } else { Err(vm.value_error(format!("Unsupported protocol version {version:#x}"))) }
}

fn set_options(vm: &Vm, context: &SslContext, value: &Object) -> Result<()> {
    if !int::is_any_int(value) {
        let shown = value.ty().name();
        return Err(vm.type_error(format!("argument must be int, not {shown}")));
    }
    if int::is_negative(value) {
        return Err(vm.value_error("Cannot convert negative int"));
    }
    let Some(wanted) = int::to_u64(value) else {
        return Err(vm.overflow_error("Python int too large for C unsigned long long"));
    };
    let now = context.context.options();
    let set = wanted & !now;
    if set & OP_NO_VERSIONS != 0 {
        vm.warn(&exc::DEPRECATION_WARNING, "ssl.OP_NO_SSL*/ssl.OP_NO_TLS* options are deprecated", 2)?;
    }
    context.context.clear_options(now & !wanted);
    context.context.set_options(set);
    Ok(())
}

fn set_keylog(vm: &Vm, context: &SslContext, value: &Object) -> Result<()> {
    context.context.listen_keys(false);
    drop(context.keylog.take());
    context.keylog_name.set(Object::NONE);
    if value.is_none() {
        return Ok(());
    }
    let path = fs_path(vm, value)?;
    let flags = libc::O_WRONLY | libc::O_APPEND | libc::O_CREAT | libc::O_CLOEXEC;
    let opened = vm.without_gil(|| host::fs::open(None, &path, flags, 0o666));
    let file = LogFile(opened.map_err(|Errno(number)| vm.os_error(number, Some(value)))?);
    if host::fs::fstat(file.0).is_ok_and(|stat| stat.st_size == 0) {
        let _ = file.append(b"# TLS secrets log file, generated by OpenSSL / Python\n");
    }
    *context.keylog.borrow_mut() = Some(file);
    context.keylog_name.set(value.clone());
    context.context.listen_keys(true);
    Ok(())
}

/// The descriptor of a key log.
struct LogFile(i32);

impl LogFile {
    /// Err: an errno.
    fn append(&self, mut data: &[u8]) -> std::result::Result<(), i32> {
        while !data.is_empty() {
            match host::fd::write(self.0, data) {
                Ok(count) => data = data.get(count..).unwrap_or(&[]),
                Err(Errno(libc::EINTR)) => {}
                Err(Errno(number)) => return Err(number),
            }
        }
        Ok(())
    }
}

impl Drop for LogFile {
    fn drop(&mut self) {
        let _ = host::fd::close(self.0);
    }
}

impl SslContext {
    /// Appends a line to the key log. Err: an errno.
    pub fn log_key(&self, line: &[u8]) -> std::result::Result<(), i32> {
        match self.keylog.borrow().as_ref() {
            Some(file) => file.append(&[line, b"\n"].concat()),
            None => Ok(()),
        }
    }
}

fn new(vm: &Vm, class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    let args = no_keywords(vm, class, &CONTEXT, args, kwnames)?;
    check_arity(vm, "_SSLContext", args.len(), 1, 1)?;
    let protocol = vm.to_plain_c_int(&args[0])?;
    let (role, version, warning) = match protocol {
        PROTOCOL_TLS => (Role::Both, 0, "PROTOCOL_TLS"),
        3 => (Role::Both, 0x301, "PROTOCOL_TLSv1"),
        4 => (Role::Both, 0x302, "PROTOCOL_TLSv1_1"),
        5 => (Role::Both, 0x303, "PROTOCOL_TLSv1_2"),
        PROTOCOL_TLS_CLIENT => (Role::Client, 0, ""),
        PROTOCOL_TLS_SERVER => (Role::Server, 0, ""),
        _ => return Err(vm.value_error(format!("invalid or unsupported protocol version {protocol}"))),
    };
    if !warning.is_empty() {
        vm.warn(&exc::DEPRECATION_WARNING, &format!("ssl.{warning} is deprecated"), 2)?;
    }
    let context = Context::new(role).map_err(|error| errors::library(vm, &error, 3150))?;
    if version != 0 {
        context.set_minimum_version(version);
        context.set_maximum_version(version);
    }
    let client = role == Role::Client;
    context.set_verify_mode(if client { VERIFY_REQUIRED } else { 0 });
    context.set_options(OP_ALL | OP_NO_SSLV3 | OP_CIPHER_SERVER_PREFERENCE | OP_NO_COMPRESSION);
    context.clear_options(OP_IGNORE_UNEXPECTED_EOF);
    let ciphers = CString::new(DEFAULT_CIPHERS).unwrap_or_default();
    if !context.set_ciphers(&ciphers) {
        return Err(errors::bare(vm, "No cipher can be selected."));
    }
    context.change_verify_flags(0, VERIFY_TRUSTED_FIRST);
    context.set_host_flags(HOST_NO_PARTIAL_WILDCARDS);
    context.set_post_handshake_auth(false);
    allocate(
        vm,
        class,
        SslContext {
            context: Rc::new(context),
            protocol,
            check_hostname: Cell::new(client),
            post_handshake_auth: Cell::new(false),
            sni_callback: ObjectCell::new(Object::NONE),
            message_callback: ObjectCell::new(Object::NONE),
            keylog_name: ObjectCell::new(Object::NONE),
            keylog: RefCell::new(None),
            psk_client: ObjectCell::new(Object::NONE),
            psk_server: ObjectCell::new(Object::NONE),
        },
    )
}

/// A path as bytes of the system's.
fn fs_path(vm: &Vm, object: &Object) -> Result<CString> {
    taipan_stdlib_files::support::fs_bytes(vm, object)
}

/// May OpenSSL read this file? It does not ask, as the host's functions do.
fn check_read(vm: &Vm, path: &CString) -> Result<()> {
    host::policy::check(host::Access::Read(path)).map_err(|Errno(number)| vm.os_error(number, None))
}

/// A str argument without null characters.
fn text_argument(vm: &Vm, function: &str, object: &Object) -> Result<CString> {
    if object.downcast::<Str>().is_none() {
        let shown = if object.is_none() { "None" } else { object.ty().name() };
        return Err(vm.type_error(format!("{function}() argument must be str, not {shown}")));
    }
    let text = codecs::utf8::encode(vm, object, "strict")?;
    CString::new(text).map_err(|_| vm.value_error("embedded null character"))
}

/// A path, or TypeError in these words.
fn path_argument(vm: &Vm, object: &Object, name: &str) -> Result<CString> {
    let path = fs_path(vm, object);
    match vm.swallow(path, &exc::TYPE_ERROR)? {
        Some(path) => {
            check_read(vm, &path)?;
            Ok(path)
        }
        None => Err(vm.type_error(format!("{name} should be a valid filesystem path"))),
    }
}

fn load_cert_chain(vm: &Vm, args: &[Object]) -> Result {
    let certificate = path_argument(vm, &args[1], "certfile")?;
    let key = match args[2].some() {
        Some(key) => path_argument(vm, key, "keyfile")?,
        None => certificate.clone(),
    };
    let given = args[3].some().cloned();
    // What the password function came to, beyond its result.
    let raised: RefCell<Option<Object>> = RefCell::new(None);
    let asked: RefCell<Option<Vec<u8>>> = RefCell::new(None);
    let password = |object: &Object, words: &str| -> Result<Vec<u8>> {
        let password = if object.downcast::<Str>().is_some() {
            codecs::utf8::encode(vm, object, "strict")?
        } else if let Some(bytes) = object.downcast::<bytes::Bytes>() {
            bytes.as_slice().to_vec()
        } else if let Some(array) = object.downcast::<taipan_runtime::types::bytearray::ByteArray>() {
            array.as_slice().to_vec()
        } else {
            return Err(vm.type_error(words));
        };
        if password.len() > i32::MAX as usize {
            return Err(vm.value_error(format!("password cannot be longer than {} bytes", i32::MAX)));
        }
        Ok(password)
    };
    let mut callable = None;
    if let Some(given) = &given {
        if vm.is_callable(given) {
            callable = Some(given.clone());
        } else {
            *asked.borrow_mut() = Some(password(given, "password should be a string or callable")?);
        }
    }
    let ask = |most: usize| -> Option<Vec<u8>> {
        Vm::with_gil(|vm| {
            let find = || -> Result<Vec<u8>> {
                if let Some(callable) = &callable {
                    let answer = vm.call(callable, &[])?;
                    *asked.borrow_mut() = Some(password(&answer, "password callback must return a string")?);
                }
                let password = asked.borrow().clone().unwrap_or_default();
                if password.len() > most {
                    return Err(vm.value_error(format!("password cannot be longer than {most} bytes")));
                }
                Ok(password)
            };
            find().map_err(|error| *raised.borrow_mut() = Some(vm.caught(error))).ok()
        })
    };
    let context = this::<SslContext>(&args[0]).context.clone();
    let ask: Option<&dyn Fn(usize) -> Option<Vec<u8>>> = if given.is_some() { Some(&ask) } else { None };
    let result = vm.without_gil(|| context.load_chain(&certificate, &key, ask));
    if let Some(raised) = raised.take() {
        return Err(vm.raise(raised));
    }
    match result {
        Ok(()) => Ok(Object::NONE),
        Err(failure) if failure.errno != 0 => Err(vm.os_error(failure.errno, None)),
        Err(failure) => Err(errors::library(vm, &failure.error, 4291)),
    }
}

fn load_verify_locations(vm: &Vm, args: &[Object]) -> Result {
    let context = this::<SslContext>(&args[0]).context.clone();
    let (file, folder, data) = (args[1].some(), args[2].some(), args[3].some());
    if file.is_none() && folder.is_none() && data.is_none() {
        return Err(vm.type_error("cafile, capath and cadata cannot be all omitted"));
    }
    let file = file.map(|file| path_argument(vm, file, "cafile")).transpose()?;
    let folder = folder.map(|folder| path_argument(vm, folder, "capath")).transpose()?;
    if let Some(data) = data {
        const WORDS: &str = "cadata should be an ASCII string or a bytes-like object";
        let (bytes, pem) = if let Some(text) = data.downcast::<Str>() {
            let Some(text) = text.as_ascii() else { return Err(vm.type_error(WORDS)) };
            (text.as_bytes().to_vec(), true)
        } else if vm.is_bytes_like(data) {
            (vm.bytes_like(data, "cadata")?.bytes().to_vec(), false)
        } else {
            return Err(vm.type_error(WORDS));
        };
        if bytes.is_empty() {
            return Err(vm.value_error("Empty certificate data"));
        }
        if bytes.len() > i32::MAX as usize {
            return Err(vm.overflow_error(format!("Certificate data is too long: {}", bytes.len())));
        }
        let (certificates, error, end) = vm.without_gil(|| Certificate::parse(&bytes, pem));
        for certificate in &certificates {
            context.trust(certificate).map_err(|error| errors::library(vm, &error, 4395))?;
        }
        if certificates.is_empty() {
            let words = if pem {
                "no start line: cadata does not contain a certificate"
            } else {
                "not enough data: cadata does not contain a certificate"
            };
            return Err(errors::plain(vm, words, 4410));
        }
        if !end {
            return Err(errors::library(vm, &error, 4425));
        }
    }
    if file.is_some() || folder.is_some() {
        let result = vm.without_gil(|| context.load_locations(file.as_deref(), folder.as_deref()));
        if let Err(failure) = result {
            if failure.errno != 0 {
                return Err(vm.os_error(failure.errno, None));
            }
            return Err(errors::library(vm, &failure.error, 4544));
        }
    }
    Ok(Object::NONE)
}

fn get_ciphers(vm: &Vm, args: &[Object]) -> Result {
    let text = |text: &Option<String>| text.as_ref().map_or(Object::NONE, |text| vm.str(text));
    let mut out = Vec::new();
    for cipher in this::<SslContext>(&args[0]).context.ciphers() {
        let dict = vm.new_dict();
        for (key, value) in [
            ("id", vm.int(cipher.id as i64)),
            ("name", text(&cipher.info.name)),
            ("protocol", text(&cipher.info.version)),
            ("description", vm.str(&cipher.description)),
            ("strength_bits", vm.int(cipher.info.bits as i64)),
            ("alg_bits", vm.int(cipher.algorithm_bits as i64)),
            ("aead", Object::bool(cipher.aead)),
            ("symmetric", text(&cipher.symmetric)),
            ("digest", text(&cipher.digest)),
            ("kea", text(&cipher.exchange)),
            ("auth", text(&cipher.authentication)),
        ] {
            vm.set_item(&dict, &vm.str(key), &value)?;
        }
        out.push(dict);
    }
    Ok(vm.list(out))
}

// ---- connections ------------------------------------------------------------------------

/// The name of the host, which is ASCII.
fn host_name(vm: &Vm, object: &Object) -> Result<Option<CString>> {
    let Some(object) = object.some() else { return Ok(None) };
    const WORDS: &str = "argument must be encoded string without null bytes, not";
    if object.downcast::<Str>().is_none() {
        return Err(vm.type_error(format!("argument must be str, not {}", object.ty().name())));
    }
    let encoded = vm.call_method(object, "encode", &[vm.str("ascii")])?;
    let encoded = encoded.downcast::<bytes::Bytes>().map(|b| b.as_slice().to_vec()).unwrap_or_default();
    CString::new(encoded).map(Some).map_err(|_| vm.type_error(format!("{WORDS} {}", object.ty().name())))
}

impl SslContext {
    fn check_side(&self, vm: &Vm, server: bool) -> Result<()> {
        match (self.protocol, server) {
            (PROTOCOL_TLS_CLIENT, true) => Err(errors::plain(
                vm,
                "Cannot create a server socket with a PROTOCOL_TLS_CLIENT context",
                908,
            )),
            (PROTOCOL_TLS_SERVER, false) => Err(errors::plain(
                vm,
                "Cannot create a client socket with a PROTOCOL_TLS_SERVER context",
                915,
            )),
            _ => Ok(()),
        }
    }
}

fn wrap_socket(vm: &Vm, args: &[Object]) -> Result {
    let Some(payload) = args[1].downcast::<Socket>() else {
        return Err(bad_argument(vm, "_wrap_socket", "argument 'sock'", SOCKET.full_name(), &args[1]));
    };
    let server = vm.is_true(&args[2])?;
    let host = host_name(vm, &args[3])?;
    this::<SslContext>(&args[0]).check_side(vm, server)?;
    let transport = Transport::Socket(payload.fd.get());
    socket::new(vm, &args[0], transport, Some(&args[1]), server, host, &args[4], &args[5])
}

fn wrap_bio(vm: &Vm, args: &[Object]) -> Result {
    let buffer = |object: &Object, name: &str| match object.downcast::<MemoryBio>() {
        Some(bio) => Ok(bio.0.clone()),
        None => {
            Err(bad_argument(vm, "_wrap_bio", &format!("argument '{name}'"), MEMORY_BIO.full_name(), object))
        }
    };
    let incoming = buffer(&args[1], "incoming")?;
    let outgoing = buffer(&args[2], "outgoing")?;
    let server = vm.is_true(&args[3])?;
    let host = host_name(vm, &args[4])?;
    this::<SslContext>(&args[0]).check_side(vm, server)?;
    let transport = Transport::Memory { incoming, outgoing };
    socket::new(vm, &args[0], transport, None, server, host, &args[5], &args[6])
}
