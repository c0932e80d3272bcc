//! [`Context`]: what connections have in common.

use crate::certificate::{Certificate, long_name};
use crate::connection::{self, CipherInfo};
use crate::{LibraryError, owned, raw};
use std::cell::RefCell;
use std::ffi::{CStr, c_char, c_int, c_long, c_uchar, c_uint, c_void};
use std::ptr::{null, null_mut};

/// Which ends a context is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Both,
    Client,
    Server,
}

/// All about a cipher.
pub struct CipherDetails {
    pub info: CipherInfo,
    pub id: u32,
    pub description: String,
    pub algorithm_bits: i32,
    pub aead: bool,
    pub symmetric: Option<String>,
    pub digest: Option<String>,
    pub exchange: Option<String>,
    pub authentication: Option<String>,
}

/// A failure with the system's error number, if it was the system's.
pub struct FileFailure {
    pub errno: i32,
    pub error: LibraryError,
}

type PasswordFn<'a> = &'a dyn Fn(usize) -> Option<Vec<u8>>;

/// A context. Not to be changed while connections of it are made in other threads.
pub struct Context {
    raw: *mut raw::SSL_CTX,
    /// The protocols of ALPN, as they are sent; the library points to them.
    #[expect(clippy::vec_box, reason = "the library holds a pointer to the vector")]
    protocols: RefCell<Vec<Box<Vec<u8>>>>,
}

const CTRL_SET_TMP_DH: c_int = 3;
const CTRL_MODE: c_int = 33;
const CTRL_READ_AHEAD: c_int = 41;
const CTRL_SET_MIN: c_int = 123;
const CTRL_SET_MAX: c_int = 124;
const CTRL_GET_MIN: c_int = 130;
const CTRL_GET_MAX: c_int = 131;
const CTRL_GROUPS_LIST: c_int = 92;
const CTRL_SERVERNAME_CB: c_int = 53;
const FILE_PEM: c_int = 1;
const MODE_MOVING_BUFFER: c_long = 2;
const MODE_AUTO_RETRY: c_long = 4;
const MODE_RELEASE_BUFFERS: c_long = 16;

fn with_errno<R>(f: impl FnOnce() -> R) -> (R, i32) {
    // SAFETY: the thread's own error number.
    unsafe { *libc::__errno_location() = 0 };
    let result = f();
    (result, std::io::Error::last_os_error().raw_os_error().unwrap_or(0))
}

unsafe extern "C" fn password(out: *mut c_char, size: c_int, _: c_int, data: *mut c_void) -> c_int {
    if data.is_null() {
        return 0;
    }
    let size = usize::try_from(size).unwrap_or(0);
    // SAFETY: the data are the function of `load_chain`, room for `size` bytes.
    unsafe {
        let ask = *data.cast::<PasswordFn>();
        match ask(size) {
            Some(password) if password.len() <= size => {
                std::ptr::copy_nonoverlapping(password.as_ptr(), out.cast(), password.len());
                password.len() as c_int
            }
            _ => -1,
        }
    }
}

unsafe extern "C" fn select_protocol(
    _: *mut raw::SSL,
    out: *mut *const c_uchar,
    out_len: *mut c_uchar,
    theirs: *const c_uchar,
    theirs_len: c_uint,
    data: *mut c_void,
) -> c_int {
    const NEGOTIATED: c_int = 1;
    const OK: c_int = 0;
    const NO_ACK: c_int = 3;
    // SAFETY: the data are a vector of the context's.
    unsafe {
        let ours = &*data.cast::<Vec<u8>>();
        let found = raw::SSL_select_next_proto(
            out.cast(),
            out_len,
            ours.as_ptr(),
            ours.len() as c_uint,
            theirs,
            theirs_len,
        );
        if found == NEGOTIATED { OK } else { NO_ACK }
    }
}

impl Context {
    /// A context with the library's defaults.
    pub fn new(role: Role) -> Result<Context, LibraryError> {
        crate::start();
        // SAFETY: static methods; a fresh context.
        unsafe {
            let method = match role {
                Role::Both => raw::TLS_method(),
                Role::Client => raw::TLS_client_method(),
                Role::Server => raw::TLS_server_method(),
            };
            let raw = raw::SSL_CTX_new(method);
            if raw.is_null() {
                return Err(LibraryError::take());
            }
            let context = Context { raw, protocols: RefCell::default() };
            context.control(CTRL_READ_AHEAD, 0);
            let mode = MODE_MOVING_BUFFER | MODE_AUTO_RETRY | MODE_RELEASE_BUFFERS;
            context.control(CTRL_MODE, mode);
            if role != Role::Client {
                // Which sessions a server takes up again.
                raw::SSL_CTX_set_session_id_context(raw, b"Python".as_ptr(), 6);
            }
            Ok(context)
        }
    }
    pub(crate) fn raw(&self) -> *mut raw::SSL_CTX {
        self.raw
    }
    fn control(&self, what: c_int, number: c_long) -> c_long {
        // SAFETY: controls that take a number only; a context, here and below.
        unsafe { raw::SSL_CTX_ctrl(self.raw, what, number, null_mut()) }
    }
    fn param(&self) -> *mut raw::X509_VERIFY_PARAM {
        unsafe { raw::SSL_CTX_get0_param(self.raw) }
    }
    pub fn options(&self) -> u64 {
        unsafe { raw::SSL_CTX_get_options(self.raw) }
    }
    pub fn set_options(&self, options: u64) {
        unsafe { raw::SSL_CTX_set_options(self.raw, options) };
    }
    pub fn clear_options(&self, options: u64) {
        unsafe { raw::SSL_CTX_clear_options(self.raw, options) };
    }
    pub fn verify_mode(&self) -> i32 {
        unsafe { raw::SSL_CTX_get_verify_mode(self.raw) }
    }
    pub fn set_verify_mode(&self, mode: i32) {
        unsafe { raw::SSL_CTX_set_verify(self.raw, mode, None) }
    }
    pub fn verify_flags(&self) -> u64 {
        unsafe { raw::X509_VERIFY_PARAM_get_flags(self.param()) }
    }
    pub fn change_verify_flags(&self, clear: u64, set: u64) -> bool {
        unsafe {
            (clear == 0 || raw::X509_VERIFY_PARAM_clear_flags(self.param(), clear) == 1)
                && (set == 0 || raw::X509_VERIFY_PARAM_set_flags(self.param(), set) == 1)
        }
    }
    pub fn host_flags(&self) -> u32 {
        unsafe { raw::X509_VERIFY_PARAM_get_hostflags(self.param()) }
    }
    pub fn set_host_flags(&self, flags: u32) {
        unsafe { raw::X509_VERIFY_PARAM_set_hostflags(self.param(), flags) }
    }
    /// 0: whatever the library can do.
    pub fn minimum_version(&self) -> i64 {
        self.control(CTRL_GET_MIN, 0)
    }
    pub fn maximum_version(&self) -> i64 {
        self.control(CTRL_GET_MAX, 0)
    }
    pub fn set_minimum_version(&self, version: i64) -> bool {
        self.control(CTRL_SET_MIN, version) == 1
    }
    pub fn set_maximum_version(&self, version: i64) -> bool {
        self.control(CTRL_SET_MAX, version) == 1
    }
    pub fn security_level(&self) -> i32 {
        unsafe { raw::SSL_CTX_get_security_level(self.raw) }
    }
    pub fn tickets(&self) -> usize {
        unsafe { raw::SSL_CTX_get_num_tickets(self.raw) }
    }
    pub fn set_tickets(&self, count: usize) -> bool {
        unsafe { raw::SSL_CTX_set_num_tickets(self.raw, count) == 1 }
    }
    pub fn set_post_handshake_auth(&self, on: bool) {
        unsafe { raw::SSL_CTX_set_post_handshake_auth(self.raw, on as c_int) }
    }
    pub fn set_ciphers(&self, list: &CStr) -> bool {
        let done = unsafe { raw::SSL_CTX_set_cipher_list(self.raw, list.as_ptr()) == 1 };
        LibraryError::clear();
        done
    }
    /// The ciphers that connections would offer.
    pub fn ciphers(&self) -> Vec<CipherDetails> {
        // SAFETY: a connection that is freed again; its ciphers are static.
        unsafe {
            let ssl = raw::SSL_new(self.raw);
            if ssl.is_null() {
                return Vec::new();
            }
            let stack = raw::SSL_get_ciphers(ssl);
            let count = if stack.is_null() { 0 } else { raw::OPENSSL_sk_num(stack) };
            let details = |cipher: *const raw::SSL_CIPHER| {
                let mut room: [c_char; 512] = [0; 512];
                let text = raw::SSL_CIPHER_description(cipher, room.as_mut_ptr(), room.len() as c_int);
                let mut algorithm_bits = 0;
                raw::SSL_CIPHER_get_bits(cipher, &mut algorithm_bits);
                CipherDetails {
                    info: CipherInfo::of(cipher),
                    id: raw::SSL_CIPHER_get_id(cipher),
                    description: owned(text).unwrap_or_default().trim_end().to_owned(),
                    algorithm_bits,
                    aead: raw::SSL_CIPHER_is_aead(cipher) != 0,
                    symmetric: long_name(raw::SSL_CIPHER_get_cipher_nid(cipher)),
                    digest: long_name(raw::SSL_CIPHER_get_digest_nid(cipher)),
                    exchange: long_name(raw::SSL_CIPHER_get_kx_nid(cipher)),
                    authentication: long_name(raw::SSL_CIPHER_get_auth_nid(cipher)),
                }
            };
            let out =
                (0..count).map(|i| details(raw::OPENSSL_sk_value(stack, i).cast_const().cast())).collect();
            raw::SSL_free(ssl);
            out
        }
    }
    /// Sets the protocols for ALPN, each with its length before it.
    pub fn set_protocols(&self, protocols: Vec<u8>) -> bool {
        let len = protocols.len() as c_uint;
        let kept = Box::new(protocols);
        // SAFETY: the vector is kept for the context's life, because a handshake of
        // another thread may be looking at it.
        let done = unsafe {
            raw::SSL_CTX_set_alpn_select_cb(
                self.raw,
                Some(select_protocol),
                (&raw const *kept).cast_mut().cast(),
            );
            raw::SSL_CTX_set_alpn_protos(self.raw, kept.as_ptr(), len) == 0
        };
        self.protocols.borrow_mut().push(kept);
        done
    }
    /// Loads a certificate with its chain, and its key.
    pub fn load_chain(
        &self,
        certificate: &CStr,
        key: &CStr,
        ask: Option<PasswordFn>,
    ) -> Result<(), FileFailure> {
        let data: *mut c_void = ask.as_ref().map_or(null_mut(), |ask| (&raw const *ask).cast_mut().cast());
        let failed = |errno| FileFailure { errno, error: LibraryError::take() };
        LibraryError::clear();
        // SAFETY: terminated names; the function is taken away again below.
        unsafe {
            if ask.is_some() {
                raw::SSL_CTX_set_default_passwd_cb(self.raw, Some(password));
                raw::SSL_CTX_set_default_passwd_cb_userdata(self.raw, data);
            }
            let load = || {
                let (done, errno) =
                    with_errno(|| raw::SSL_CTX_use_certificate_chain_file(self.raw, certificate.as_ptr()));
                if done != 1 {
                    return Err(failed(errno));
                }
                let (done, errno) =
                    with_errno(|| raw::SSL_CTX_use_PrivateKey_file(self.raw, key.as_ptr(), FILE_PEM));
                if done != 1 {
                    return Err(failed(errno));
                }
                if raw::SSL_CTX_check_private_key(self.raw) != 1 {
                    return Err(failed(0));
                }
                Ok(())
            };
            let result = load();
            raw::SSL_CTX_set_default_passwd_cb(self.raw, None);
            raw::SSL_CTX_set_default_passwd_cb_userdata(self.raw, null_mut());
            result
        }
    }
    /// Parameters of Diffie-Hellman. None: the file cannot be opened.
    pub fn load_dh(&self, path: &CStr) -> Result<(), FileFailure> {
        LibraryError::clear();
        // SAFETY: a terminated name; what was read is freed.
        unsafe {
            let (bio, errno) = with_errno(|| raw::BIO_new_file(path.as_ptr(), c"r".as_ptr()));
            if bio.is_null() {
                return Err(FileFailure { errno, error: LibraryError::take() });
            }
            let key = raw::PEM_read_bio_DHparams(bio, null_mut(), None, null_mut());
            raw::BIO_free(bio);
            if key.is_null() {
                return Err(FileFailure { errno: 0, error: LibraryError::take() });
            }
            // The context copies the parameters.
            let done = raw::SSL_CTX_ctrl(self.raw, CTRL_SET_TMP_DH, 0, key.cast());
            raw::DH_free(key);
            if done != 1 {
                return Err(FileFailure { errno: 0, error: LibraryError::take() });
            }
            Ok(())
        }
    }
    /// Trusts the certificates of a file, of a folder.
    pub fn load_locations(&self, file: Option<&CStr>, folder: Option<&CStr>) -> Result<(), FileFailure> {
        LibraryError::clear();
        let text = |text: Option<&CStr>| text.map_or(null(), CStr::as_ptr);
        // SAFETY: terminated names.
        let (done, errno) =
            with_errno(|| unsafe { raw::SSL_CTX_load_verify_locations(self.raw, text(file), text(folder)) });
        if done == 1 { Ok(()) } else { Err(FileFailure { errno, error: LibraryError::take() }) }
    }
    pub fn set_default_paths(&self) -> Result<(), LibraryError> {
        match unsafe { raw::SSL_CTX_set_default_verify_paths(self.raw) } {
            0 => Err(LibraryError::take()),
            _ => {
                LibraryError::clear();
                Ok(())
            }
        }
    }
    /// Trusts a certificate.
    pub fn trust(&self, certificate: &Certificate) -> Result<(), LibraryError> {
        // SAFETY: the store takes a reference of its own.
        unsafe {
            let store = raw::SSL_CTX_get_cert_store(self.raw);
            if raw::X509_STORE_add_cert(store, certificate.raw()) == 1 {
                return Ok(());
            }
        }
        let error = LibraryError::take();
        if error.is_duplicate_certificate() { Ok(()) } else { Err(error) }
    }
    fn store_objects(&self) -> Vec<*const raw::X509_OBJECT> {
        // SAFETY: the store's own list.
        unsafe {
            let stack = raw::X509_STORE_get0_objects(raw::SSL_CTX_get_cert_store(self.raw));
            let count = if stack.is_null() { 0 } else { raw::OPENSSL_sk_num(stack) };
            (0..count).map(|i| raw::OPENSSL_sk_value(stack, i).cast_const().cast()).collect()
        }
    }
    /// The certificates that are trusted, and how many lists of revoked ones there are.
    pub fn store(&self) -> (Vec<Certificate>, usize) {
        let (mut certificates, mut lists) = (Vec::new(), 0);
        for object in self.store_objects() {
            // SAFETY: an object of the store.
            unsafe {
                match raw::X509_OBJECT_get_type(object) {
                    1 => certificates.extend(Certificate::from_borrowed(raw::X509_OBJECT_get0_X509(object))),
                    2 => lists += 1,
                    _ => {}
                }
            }
        }
        (certificates, lists)
    }
    /// Groups for the exchange of keys; false: unknown.
    pub fn set_groups(&self, names: &CStr) -> bool {
        // SAFETY: a terminated text, only read.
        let done = unsafe {
            raw::SSL_CTX_ctrl(self.raw, CTRL_GROUPS_LIST, 0, names.as_ptr().cast_mut().cast()) == 1
        };
        LibraryError::clear();
        done
    }
    /// A number about sessions (`SSL_CTRL_SESS_*`).
    pub fn session_count(&self, which: i32) -> i64 {
        self.control(which, 0)
    }
    /// Has connections call [`crate::Callbacks`] for names of servers.
    pub fn listen_server_name(&self, on: bool) {
        type Any = unsafe extern "C" fn();
        type Typed = unsafe extern "C" fn(*mut raw::SSL, *mut c_int, *mut c_void) -> c_int;
        // SAFETY: this control takes a function of that type, cast as C has it.
        unsafe {
            let function = std::mem::transmute::<Typed, Any>(connection::server_name);
            raw::SSL_CTX_callback_ctrl(self.raw, CTRL_SERVERNAME_CB, on.then_some(function));
        }
    }
    /// ... for messages.
    pub fn listen_messages(&self, on: bool) {
        unsafe { raw::SSL_CTX_set_msg_callback(self.raw, on.then_some(connection::message)) }
    }
    /// ... for lines of a key log.
    pub fn listen_keys(&self, on: bool) {
        unsafe { raw::SSL_CTX_set_keylog_callback(self.raw, on.then_some(connection::keylog)) }
    }
    /// ... for keys that both sides know.
    pub fn listen_psk_client(&self, on: bool) {
        unsafe { raw::SSL_CTX_set_psk_client_callback(self.raw, on.then_some(connection::psk_client)) }
    }
    pub fn listen_psk_server(&self, on: bool) {
        unsafe { raw::SSL_CTX_set_psk_server_callback(self.raw, on.then_some(connection::psk_server)) }
    }
    pub fn set_psk_hint(&self, hint: Option<&CStr>) -> bool {
        // SAFETY: null or a terminated text, which is copied.
        unsafe { raw::SSL_CTX_use_psk_identity_hint(self.raw, hint.map_or(null(), CStr::as_ptr)) == 1 }
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // The library's context may live on in connections, but its protocols must not.
        // SAFETY: a context; not used afterwards.
        unsafe {
            raw::SSL_CTX_set_alpn_select_cb(self.raw, None, null_mut());
            raw::SSL_CTX_free(self.raw);
        }
    }
}
