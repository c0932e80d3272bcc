//! [`Connection`]: one end of a conversation.

use crate::transport::{State, Transport, new_bio};
use crate::{Certificate, Context, Failure, LibraryError, owned, raw};
use std::ffi::{CStr, c_char, c_int, c_long, c_uchar, c_uint, c_void};
use std::ptr::{NonNull, null, null_mut};
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// Kinds of failures: `SSL_get_error`'s answers.
pub mod kind {
    pub const SSL: i32 = 1;
    pub const WANT_READ: i32 = 2;
    pub const WANT_WRITE: i32 = 3;
    pub const WANT_X509_LOOKUP: i32 = 4;
    pub const SYSCALL: i32 = 5;
    pub const ZERO_RETURN: i32 = 6;
    pub const WANT_CONNECT: i32 = 7;
}

/// The answer to the name that a client wants to talk to.
pub enum Sni {
    Go,
    /// End with an alert.
    Alert(i32),
}

/// What a connection calls while it works, in the thread that works.
pub trait Callbacks {
    fn server_name(&self, name: Option<&[u8]>) -> Sni;
    /// A message: direction, version, type of content, bytes.
    fn message(&self, writes: bool, version: i32, content: i32, data: &[u8]);
    /// A line of the key log.
    fn keylog(&self, line: &[u8]);
    /// Identity and key, of at most so many bytes, for a server's hint.
    fn psk_client(&self, hint: Option<&[u8]>, most: (usize, usize)) -> Option<(Vec<u8>, Vec<u8>)>;
    /// The key for an identity.
    fn psk_server(&self, identity: Option<&[u8]>, most: usize) -> Option<Vec<u8>>;
}

/// A cipher: name, version of the protocol, secret bits.
#[derive(Clone, Debug)]
pub struct CipherInfo {
    pub name: Option<String>,
    pub version: Option<String>,
    pub bits: i32,
}

impl CipherInfo {
    /// # Safety
    /// A cipher of the library.
    pub(crate) unsafe fn of(cipher: *const raw::SSL_CIPHER) -> CipherInfo {
        // SAFETY: says the caller.
        unsafe {
            CipherInfo {
                name: owned(raw::SSL_CIPHER_get_name(cipher)),
                version: owned(raw::SSL_CIPHER_get_version(cipher)),
                bits: raw::SSL_CIPHER_get_bits(cipher, null_mut()),
            }
        }
    }
}

/// A session that can be taken up again.
pub struct Session(NonNull<raw::SSL_SESSION>);

impl Session {
    pub fn id(&self) -> Vec<u8> {
        let mut len = 0;
        // SAFETY: a session, here and below; the bytes are copied.
        unsafe {
            let data = raw::SSL_SESSION_get_id(self.0.as_ptr(), &mut len);
            if data.is_null() { Vec::new() } else { std::slice::from_raw_parts(data, len as usize).to_vec() }
        }
    }
    pub fn time(&self) -> i64 {
        unsafe { raw::SSL_SESSION_get_time(self.0.as_ptr()) }
    }
    pub fn timeout(&self) -> i64 {
        unsafe { raw::SSL_SESSION_get_timeout(self.0.as_ptr()) }
    }
    pub fn ticket_lifetime(&self) -> u64 {
        unsafe { raw::SSL_SESSION_get_ticket_lifetime_hint(self.0.as_ptr()) }
    }
    /// The same session as if it had just been read: the library marks sessions of
    /// connections that end in disorder as not to be taken up again.
    fn fresh(&self) -> Option<Session> {
        // SAFETY: room of the size the library asks for.
        unsafe {
            let size = usize::try_from(raw::i2d_SSL_SESSION(self.0.as_ptr(), null_mut())).ok()?;
            let mut bytes = vec![0u8; size];
            let mut end = bytes.as_mut_ptr();
            raw::i2d_SSL_SESSION(self.0.as_ptr(), &mut end);
            let mut start = bytes.as_ptr();
            NonNull::new(raw::d2i_SSL_SESSION(null_mut(), &mut start, size as c_long)).map(Session)
        }
    }
    pub fn has_ticket(&self) -> bool {
        unsafe { raw::SSL_SESSION_has_ticket(self.0.as_ptr()) != 0 }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // SAFETY: a reference of our own.
        unsafe { raw::SSL_SESSION_free(self.0.as_ptr()) }
    }
}

/// What the library's callbacks see.
struct Shared {
    callbacks: Box<dyn Callbacks>,
}

/// # Safety
/// A connection of this crate.
unsafe fn shared<'a>(ssl: *const raw::SSL) -> Option<&'a Shared> {
    // SAFETY: set in `Connection::new` for the connection's life.
    unsafe { raw::SSL_get_ex_data(ssl, 0).cast::<Shared>().as_ref() }
}

// SAFETY of the five functions: the library calls them with a connection of this
// crate and with texts and room as it says.

pub(crate) unsafe extern "C" fn server_name(ssl: *mut raw::SSL, alert: *mut c_int, _: *mut c_void) -> c_int {
    const OK: c_int = 0;
    const ALERT_FATAL: c_int = 2;
    unsafe {
        let Some(shared) = shared(ssl) else { return OK };
        let name = raw::SSL_get_servername(ssl, 0);
        let name = if name.is_null() { None } else { Some(CStr::from_ptr(name).to_bytes().to_vec()) };
        match shared.callbacks.server_name(name.as_deref()) {
            Sni::Go => OK,
            Sni::Alert(number) => {
                *alert = number;
                ALERT_FATAL
            }
        }
    }
}

pub(crate) unsafe extern "C" fn message(
    writes: c_int,
    version: c_int,
    content: c_int,
    data: *const c_void,
    len: usize,
    ssl: *mut raw::SSL,
    _: *mut c_void,
) {
    unsafe {
        if let Some(shared) = shared(ssl) {
            let data: &[u8] = if data.is_null() { &[] } else { std::slice::from_raw_parts(data.cast(), len) };
            shared.callbacks.message(writes != 0, version, content, data);
        }
    }
}

pub(crate) unsafe extern "C" fn keylog(ssl: *const raw::SSL, line: *const c_char) {
    unsafe {
        if let Some(shared) = shared(ssl) {
            shared.callbacks.keylog(CStr::from_ptr(line).to_bytes());
        }
    }
}

/// # Safety
/// Null or a terminated text.
unsafe fn optional<'a>(text: *const c_char) -> Option<&'a [u8]> {
    // SAFETY: says the caller.
    if text.is_null() { None } else { Some(unsafe { CStr::from_ptr(text) }.to_bytes()) }
}

pub(crate) unsafe extern "C" fn psk_client(
    ssl: *mut raw::SSL,
    hint: *const c_char,
    identity: *mut c_char,
    identity_size: c_uint,
    key: *mut c_uchar,
    key_size: c_uint,
) -> c_uint {
    unsafe {
        let Some(shared) = shared(ssl) else { return 0 };
        // The identity's terminator needs room as well.
        let most = ((identity_size as usize).saturating_sub(1), key_size as usize);
        match shared.callbacks.psk_client(optional(hint), most) {
            Some((name, secret)) if name.len() <= most.0 && secret.len() <= most.1 => {
                std::ptr::copy_nonoverlapping(name.as_ptr(), identity.cast(), name.len());
                *identity.add(name.len()) = 0;
                std::ptr::copy_nonoverlapping(secret.as_ptr(), key, secret.len());
                secret.len() as c_uint
            }
            _ => 0,
        }
    }
}

pub(crate) unsafe extern "C" fn psk_server(
    ssl: *mut raw::SSL,
    identity: *const c_char,
    key: *mut c_uchar,
    key_size: c_uint,
) -> c_uint {
    unsafe {
        let Some(shared) = shared(ssl) else { return 0 };
        match shared.callbacks.psk_server(optional(identity), key_size as usize) {
            Some(secret) if secret.len() <= key_size as usize => {
                std::ptr::copy_nonoverlapping(secret.as_ptr(), key, secret.len());
                secret.len() as c_uint
            }
            _ => 0,
        }
    }
}

/// One end of a conversation.
pub struct Connection {
    raw: *mut raw::SSL,
    state: Box<State>,
    _shared: Box<Shared>,
    lock: Mutex<()>,
    /// The thread that has the lock.
    owner: AtomicU64,
    _context: Rc<Context>,
}

fn this_thread() -> u64 {
    // SAFETY: a call without arguments.
    unsafe { libc::pthread_self() }
}

impl Connection {
    /// A connection that has not begun.
    pub fn new(
        context: &Rc<Context>,
        transport: Transport,
        server: bool,
        callbacks: Box<dyn Callbacks>,
    ) -> Result<Connection, LibraryError> {
        LibraryError::clear();
        let state = State::new(transport);
        let shared = Box::new(Shared { callbacks });
        // SAFETY: a fresh connection. State and shared data are boxed and outlive it.
        unsafe {
            let raw = raw::SSL_new(context.raw());
            if raw.is_null() {
                return Err(LibraryError::take());
            }
            let connection = Connection {
                raw,
                state,
                _shared: shared,
                lock: Mutex::new(()),
                owner: AtomicU64::new(0),
                _context: context.clone(),
            };
            raw::SSL_set_ex_data(raw, 0, (&raw const *connection._shared).cast_mut().cast());
            let bio = new_bio(&*connection.state);
            if bio.is_null() {
                return Err(LibraryError::take());
            }
            raw::SSL_set_bio(raw, bio, bio);
            if server {
                raw::SSL_set_accept_state(raw);
            } else {
                raw::SSL_set_connect_state(raw);
            }
            Ok(connection)
        }
    }
    /// Works on the connection alone, unless this is called while it works.
    fn alone<R>(&self, work: impl FnOnce(*mut raw::SSL) -> R) -> R {
        let me = this_thread();
        if self.owner.load(Ordering::Relaxed) == me {
            return work(self.raw);
        }
        let guard = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        self.owner.store(me, Ordering::Relaxed);
        let result = work(self.raw);
        self.owner.store(0, Ordering::Relaxed);
        drop(guard);
        result
    }
    /// Makes a call whose result is positive if it succeeds.
    fn attempt(&self, call: impl FnOnce(*mut raw::SSL) -> c_int) -> Result<c_int, Failure> {
        self.alone(|ssl| {
            LibraryError::clear();
            self.state.errno.set(0);
            let result = call(ssl);
            if result > 0 {
                return Ok(result);
            }
            // SAFETY: a connection, right after the call.
            let (kind, verify) =
                unsafe { (raw::SSL_get_error(ssl, result), raw::SSL_get_verify_result(ssl)) };
            Err(Failure { kind, result, errno: self.state.errno.get(), error: LibraryError::take(), verify })
        })
    }
    // SAFETY of all below: a connection, worked on by one thread.
    pub fn handshake(&self) -> Result<(), Failure> {
        self.attempt(|ssl| unsafe { raw::SSL_do_handshake(ssl) }).map(drop)
    }
    pub fn read(&self, out: &mut [u8]) -> Result<usize, Failure> {
        let len = c_int::try_from(out.len()).unwrap_or(c_int::MAX);
        let count = self.attempt(|ssl| unsafe { raw::SSL_read(ssl, out.as_mut_ptr().cast(), len) })?;
        Ok(usize::try_from(count).unwrap_or(0))
    }
    pub fn write(&self, data: &[u8]) -> Result<usize, Failure> {
        let len = c_int::try_from(data.len()).unwrap_or(c_int::MAX);
        let count = self.attempt(|ssl| unsafe { raw::SSL_write(ssl, data.as_ptr().cast(), len) })?;
        Ok(usize::try_from(count).unwrap_or(0))
    }
    /// One step of the end. Ok(false): our side is done, the other's is not known.
    pub fn shutdown(&self) -> Result<bool, Failure> {
        match self.attempt(|ssl| unsafe { raw::SSL_shutdown(ssl) }) {
            Ok(_) => Ok(true),
            Err(failure) if failure.result == 0 => Ok(false),
            Err(failure) => Err(failure),
        }
    }
    /// Who has said that it is done: 1 for us, 2 for the other side.
    pub fn shutdown_state(&self) -> i32 {
        self.alone(|ssl| unsafe { raw::SSL_get_shutdown(ssl) })
    }
    pub fn set_read_ahead(&self, on: bool) {
        self.alone(|ssl| unsafe { raw::SSL_set_read_ahead(ssl, on as c_int) });
    }
    pub fn pending(&self) -> usize {
        self.alone(|ssl| usize::try_from(unsafe { raw::SSL_pending(ssl) }).unwrap_or(0))
    }
    pub fn is_finished(&self) -> bool {
        self.alone(|ssl| unsafe { raw::SSL_is_init_finished(ssl) != 0 })
    }
    pub fn version(&self) -> Option<String> {
        self.alone(|ssl| unsafe { owned(raw::SSL_get_version(ssl)) })
    }
    pub fn cipher(&self) -> Option<CipherInfo> {
        self.alone(|ssl| unsafe {
            let cipher = raw::SSL_get_current_cipher(ssl);
            if cipher.is_null() { None } else { Some(CipherInfo::of(cipher)) }
        })
    }
    /// The ciphers that both sides know, on a server.
    pub fn shared_ciphers(&self) -> Option<Vec<CipherInfo>> {
        self.alone(|ssl| unsafe {
            let theirs = raw::SSL_get_client_ciphers(ssl);
            let ours = raw::SSL_get_ciphers(ssl);
            if theirs.is_null() || ours.is_null() {
                return None;
            }
            let all = |stack: *const raw::STACK| -> Vec<*const raw::SSL_CIPHER> {
                let count = raw::OPENSSL_sk_num(stack);
                (0..count).map(|i| raw::OPENSSL_sk_value(stack, i).cast_const().cast()).collect()
            };
            let ours = all(ours);
            let both = all(theirs).into_iter().filter(|cipher| ours.contains(cipher));
            Some(both.map(|cipher| CipherInfo::of(cipher)).collect())
        })
    }
    pub fn protocol(&self) -> Option<Vec<u8>> {
        self.alone(|ssl| unsafe {
            let (mut data, mut len) = (null(), 0);
            raw::SSL_get0_alpn_selected(ssl, &mut data, &mut len);
            if data.is_null() { None } else { Some(std::slice::from_raw_parts(data, len as usize).to_vec()) }
        })
    }
    pub fn peer_certificate(&self) -> Option<Certificate> {
        self.alone(|ssl| unsafe { Certificate::from_owned(raw::SSL_get1_peer_certificate(ssl)) })
    }
    /// What the other side sent; on a server, without its own certificate.
    pub fn peer_chain(&self) -> Option<Vec<Certificate>> {
        self.alone(|ssl| unsafe {
            let chain = raw::SSL_get_peer_cert_chain(ssl);
            if chain.is_null() { None } else { Some(Certificate::all(chain)) }
        })
    }
    pub fn verified_chain(&self) -> Option<Vec<Certificate>> {
        self.alone(|ssl| unsafe {
            let chain = raw::SSL_get0_verified_chain(ssl);
            if chain.is_null() { None } else { Some(Certificate::all(chain)) }
        })
    }
    pub fn verify_mode(&self) -> i32 {
        self.alone(|ssl| unsafe { raw::SSL_get_verify_mode(ssl) })
    }
    /// The first message of either side that is encrypted with the keys of this handshake.
    pub fn finished(&self, own: bool) -> Vec<u8> {
        let mut out = vec![0u8; 128];
        let len = self.alone(|ssl| unsafe {
            let room = out.as_mut_ptr().cast();
            if own {
                raw::SSL_get_finished(ssl, room, 128)
            } else {
                raw::SSL_get_peer_finished(ssl, room, 128)
            }
        });
        out.truncate(len.min(128));
        out
    }
    pub fn session(&self) -> Option<Session> {
        self.alone(|ssl| NonNull::new(unsafe { raw::SSL_get1_session(ssl) }).map(Session))
    }
    pub fn set_session(&self, session: &Session) -> Result<(), LibraryError> {
        self.alone(|ssl| {
            LibraryError::clear();
            let Some(session) = session.fresh() else { return Err(LibraryError::take()) };
            // The library takes a reference of its own.
            match unsafe { raw::SSL_set_session(ssl, session.0.as_ptr()) } {
                1 => Ok(()),
                _ => Err(LibraryError::take()),
            }
        })
    }
    pub fn session_reused(&self) -> bool {
        self.alone(|ssl| unsafe { raw::SSL_session_reused(ssl) != 0 })
    }
    pub fn verify_after_handshake(&self) -> Result<(), LibraryError> {
        self.alone(|ssl| {
            LibraryError::clear();
            match unsafe { raw::SSL_verify_client_post_handshake(ssl) } {
                1 => Ok(()),
                _ => Err(LibraryError::take()),
            }
        })
    }
    pub fn allow_post_handshake_auth(&self, server: bool) {
        self.alone(|ssl| unsafe {
            if server {
                // Do not ask during the handshake.
                let mode = raw::SSL_get_verify_mode(ssl);
                if mode & 1 != 0 {
                    raw::SSL_set_verify(ssl, mode | 8, None);
                }
            } else {
                raw::SSL_set_post_handshake_auth(ssl, 1);
            }
        })
    }
    /// Tells the server whom we want.
    pub fn send_server_name(&self, name: &CStr) -> bool {
        self.alone(|ssl| unsafe {
            const CTRL_HOSTNAME: c_int = 55;
            raw::SSL_ctrl(ssl, CTRL_HOSTNAME, 0, name.as_ptr().cast_mut().cast()) == 1
        })
    }
    /// Has the certificate's names compared with a host's.
    pub fn expect_host(&self, name: &CStr, flags: u32) -> bool {
        self.alone(|ssl| unsafe {
            let param = raw::SSL_get0_param(ssl);
            raw::X509_VERIFY_PARAM_set_hostflags(param, flags);
            raw::X509_VERIFY_PARAM_set1_host(param, name.as_ptr(), name.to_bytes().len()) == 1
        })
    }
    pub fn expect_address(&self, address: &[u8]) -> bool {
        self.alone(|ssl| unsafe {
            let param = raw::SSL_get0_param(ssl);
            raw::X509_VERIFY_PARAM_set1_ip(param, address.as_ptr(), address.len()) == 1
        })
    }
    /// Goes on with another context.
    pub fn switch(&self, context: &Context) {
        self.alone(|ssl| unsafe {
            raw::SSL_set_SSL_CTX(ssl, context.raw());
        });
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // SAFETY: not used afterwards. It frees its BIO; what both point to goes later.
        unsafe { raw::SSL_free(self.raw) }
    }
}
