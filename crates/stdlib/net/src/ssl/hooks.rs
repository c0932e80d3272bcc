//! What the library calls during a handshake, passed on to Python.

use super::context::SslContext;
use super::socket::SslSocket;
use std::rc::Rc;
use taipan_runtime::prelude::*;
use taipan_runtime::types::cell::ObjectCell;
use taipan_runtime::types::{bytes, int, weakref};
use taipan_tls::{Callbacks, Sni};

/// The hooks of one connection.
#[derive(Clone)]
pub struct Hooks(Rc<Inner>);

struct Inner {
    /// A weak reference to the connection's object.
    object: ObjectCell,
    /// What a hook has raised, for who waits for the connection.
    raised: ObjectCell,
}

const HANDSHAKE_FAILURE: i32 = 40;
const INTERNAL_ERROR: i32 = 80;

impl Hooks {
    pub fn new() -> Hooks {
        Hooks(Rc::new(Inner { object: ObjectCell::EMPTY, raised: ObjectCell::EMPTY }))
    }
    pub fn set_object(&self, reference: Object) {
        self.0.object.set(reference);
    }
    /// The exception that a hook has left.
    pub fn take_raised(&self) -> Option<Object> {
        let raised = self.0.raised.take();
        raised.bound().cloned()
    }
    /// Calls `f` with the connection and its context.
    fn with<R>(&self, otherwise: R, f: impl FnOnce(&Vm, &Object, &SslSocket, &SslContext) -> R) -> R {
        Vm::with_gil(|vm| {
            let Some(object) = self.0.object.bound().and_then(|reference| weakref::get(&reference)) else {
                return otherwise;
            };
            let Some(socket) = object.downcast::<SslSocket>() else { return otherwise };
            let context = socket.context.get();
            match context.downcast::<SslContext>() {
                Some(context) => f(vm, &object, socket, context),
                None => otherwise,
            }
        })
    }
}

/// Who stands for the connection: its owner, or itself.
fn shown(object: &Object, socket: &SslSocket) -> Object {
    socket.owner_object().unwrap_or_else(|| object.clone())
}

impl Callbacks for Hooks {
    fn server_name(&self, name: Option<&[u8]>) -> Sni {
        self.with(Sni::Go, |vm, object, socket, context| {
            let Some(callback) = context.sni_callback.get().some().cloned() else { return Sni::Go };
            if socket.has_lost_owner() {
                return Sni::Alert(HANDSHAKE_FAILURE);
            }
            let name = match name {
                None => Ok(Object::NONE),
                Some(name) => taipan_runtime::codecs::decode(vm, name, "ascii", "strict"),
            };
            let name = match name {
                Ok(name) => name,
                Err(_) => {
                    vm.write_unraisable(
                        &callback,
                        "Exception ignored in ssl servername callback while decoding name",
                    );
                    return Sni::Alert(INTERNAL_ERROR);
                }
            };
            let args = [shown(object, socket), name, socket.context.get()];
            match vm.call(&callback, &args) {
                Ok(answer) if answer.is_none() => Sni::Go,
                Ok(answer) => match vm.to_plain_c_int(&answer) {
                    Ok(alert) if int::is_any_int(&answer) => Sni::Alert(alert),
                    Ok(_) => Sni::Alert(INTERNAL_ERROR),
                    Err(_) => {
                        vm.write_unraisable(
                            &callback,
                            "Exception ignored in ssl servername callback while calling",
                        );
                        Sni::Alert(INTERNAL_ERROR)
                    }
                },
                Err(_) => {
                    vm.write_unraisable(
                        &callback,
                        "Exception ignored in ssl servername callback while calling",
                    );
                    Sni::Alert(HANDSHAKE_FAILURE)
                }
            }
        })
    }
    fn message(&self, writes: bool, version: i32, content: i32, data: &[u8]) {
        self.with((), |vm, object, socket, context| {
            let Some(callback) = context.message_callback.get().some().cloned() else { return };
            let at = |i: usize| data.get(i).map_or(-1, |byte| *byte as i64);
            let kind = match content {
                // Change of cipher, alert, handshake, header, inner content type.
                20 => 0x0101,
                21 => at(1),
                22 | 256 | 257 => at(0),
                _ => -1,
            };
            let call = || -> Result {
                let args = [
                    shown(object, socket),
                    vm.str(if writes { "write" } else { "read" }),
                    vm.int(version as i64),
                    vm.int(content as i64),
                    vm.int(kind),
                    bytes::new(vm, data)?,
                ];
                vm.call(&callback, &args)
            };
            if let Err(raised) = call() {
                self.0.raised.set(vm.caught(raised));
            }
        })
    }
    fn keylog(&self, line: &[u8]) {
        self.with((), |vm, _, _, context| {
            if let Err(error) = context.log_key(line) {
                let raised = vm.os_error(error, context.keylog_name.get().some());
                self.0.raised.set(vm.caught(raised));
            }
        })
    }
    fn psk_client(&self, hint: Option<&[u8]>, most: (usize, usize)) -> Option<(Vec<u8>, Vec<u8>)> {
        self.with(None, |vm, _, _, context| {
            let callback = context.psk_client.get().some().cloned()?;
            let ask = || -> Result<(Vec<u8>, Vec<u8>)> {
                let hint = match hint {
                    Some(hint) if !hint.is_empty() => vm.str(&String::from_utf8_lossy(hint)),
                    _ => Object::NONE,
                };
                let answer = vm.call(&callback, &[hint])?;
                let pair = answer.downcast::<Tuple>().map_or(&[][..], |pair| pair.items());
                let [identity, key] = pair else {
                    return Err(vm.type_error("a tuple of identity and key is required"));
                };
                let identity = match identity.some() {
                    Some(identity) => taipan_runtime::codecs::utf8::encode(vm, identity, "strict")?,
                    None => Vec::new(),
                };
                let key = vm.bytes_like(key, "key")?.bytes().to_vec();
                if identity.len() > most.0 {
                    return Err(vm.value_error("identity too long"));
                }
                if key.len() > most.1 {
                    return Err(vm.value_error("psk too long"));
                }
                Ok((identity, key))
            };
            ask()
                .map_err(|_| {
                    vm.write_unraisable(
                        &callback,
                        "Exception ignored in ssl PSK client callback while calling",
                    )
                })
                .ok()
        })
    }
    fn psk_server(&self, identity: Option<&[u8]>, most: usize) -> Option<Vec<u8>> {
        self.with(None, |vm, _, _, context| {
            let callback = context.psk_server.get().some().cloned()?;
            let ask = || -> Result<Vec<u8>> {
                let identity = match identity {
                    Some(identity) if !identity.is_empty() => vm.str(&String::from_utf8_lossy(identity)),
                    _ => Object::NONE,
                };
                let key = vm.call(&callback, &[identity])?;
                let key = vm.bytes_like(&key, "key")?.bytes().to_vec();
                if key.len() > most { Err(vm.value_error("psk too long")) } else { Ok(key) }
            };
            ask()
                .map_err(|_| {
                    vm.write_unraisable(
                        &callback,
                        "Exception ignored in ssl PSK server callback while calling",
                    )
                })
                .ok()
        })
    }
}
