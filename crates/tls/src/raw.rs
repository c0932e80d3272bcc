//! The part of OpenSSL's C interface that is used here. Without the library
//! every function is a stand-in that fails.
#![allow(non_camel_case_types, clippy::upper_case_acronyms)]

use std::ffi::{c_char, c_int, c_long, c_uchar, c_uint, c_ulong, c_void};
#[cfg(not(openssl))]
use std::ptr::{null, null_mut};

macro_rules! opaque {
    ($($name:ident)*) => { $(#[repr(C)] pub struct $name { _private: [u8; 0] })* };
}
opaque! { SSL_CTX SSL SSL_METHOD SSL_CIPHER SSL_SESSION BIO BIO_METHOD X509 X509_STORE X509_NAME X509_NAME_ENTRY
X509_VERIFY_PARAM X509_OBJECT ASN1_OBJECT ASN1_INTEGER ASN1_TIME DH STACK ASN1_STRING }

pub type Password = unsafe extern "C" fn(*mut c_char, c_int, c_int, *mut c_void) -> c_int;
pub type Verify = unsafe extern "C" fn(c_int, *mut c_void) -> c_int;
pub type AlpnSelect = unsafe extern "C" fn(
    *mut SSL,
    *mut *const c_uchar,
    *mut c_uchar,
    *const c_uchar,
    c_uint,
    *mut c_void,
) -> c_int;
pub type Keylog = unsafe extern "C" fn(*const SSL, *const c_char);
pub type Message = unsafe extern "C" fn(c_int, c_int, c_int, *const c_void, usize, *mut SSL, *mut c_void);
pub type PskClient =
    unsafe extern "C" fn(*mut SSL, *const c_char, *mut c_char, c_uint, *mut c_uchar, c_uint) -> c_uint;
pub type PskServer = unsafe extern "C" fn(*mut SSL, *const c_char, *mut c_uchar, c_uint) -> c_uint;
pub type BioWrite = unsafe extern "C" fn(*mut BIO, *const c_char, c_int) -> c_int;
pub type BioRead = unsafe extern "C" fn(*mut BIO, *mut c_char, c_int) -> c_int;
pub type BioControl = unsafe extern "C" fn(*mut BIO, c_int, c_long, *mut c_void) -> c_long;
pub type BioCreate = unsafe extern "C" fn(*mut BIO) -> c_int;

#[repr(C)]
pub struct GENERAL_NAME {
    pub kind: c_int,
    pub value: *mut c_void,
}
#[repr(C)]
pub struct ACCESS_DESCRIPTION {
    pub method: *mut ASN1_OBJECT,
    pub location: *mut GENERAL_NAME,
}
#[repr(C)]
pub struct DIST_POINT_NAME {
    pub kind: c_int,
    pub name: *mut STACK,
}
#[repr(C)]
pub struct DIST_POINT {
    pub point: *mut DIST_POINT_NAME,
}

macro_rules! functions {
    ($(fn $name:ident($($ty:ty),*) $(-> $ret:ty = $default:expr)?;)*) => {
        #[cfg(openssl)]
        mod real {
            use super::*;
            functions!(@extern $(fn $name($($ty),*) $(-> $ret)?;)*);
        }
        #[cfg(openssl)]
        pub use real::*;
        #[cfg(not(openssl))]
        mod absent {
            use super::*;
            $(
                /// # Safety
                /// Does nothing.
                #[allow(non_snake_case, clippy::too_many_arguments)]
                pub unsafe fn $name($(_: $ty),*) $(-> $ret)? { $($default)? }
            )*
        }
        #[cfg(not(openssl))]
        pub use absent::*;
    };
    (@extern $(fn $name:ident($($ty:ty),*) $(-> $ret:ty)?;)*) => {
        unsafe extern "C" { $(pub fn $name($(_: $ty),*) $(-> $ret)?;)* }
    };
}

functions! {
    fn OpenSSL_version(c_int) -> *const c_char = null();
    fn OpenSSL_version_num() -> c_ulong = 0;
    fn OPENSSL_init_ssl(u64, *const c_void) -> c_int = 0;
    fn CRYPTO_free(*mut c_void, *const c_char, c_int);
    fn RAND_bytes(*mut c_uchar, c_int) -> c_int = 0;
    fn RAND_status() -> c_int = 0;
    fn RAND_add(*const c_void, c_int, f64);
    fn ERR_peek_last_error() -> c_ulong = 0;
    fn ERR_clear_error();
    fn ERR_reason_error_string(c_ulong) -> *const c_char = null();
    fn X509_verify_cert_error_string(c_long) -> *const c_char = null();
    fn X509_get_default_cert_file_env() -> *const c_char = null();
    fn X509_get_default_cert_file() -> *const c_char = null();
    fn X509_get_default_cert_dir_env() -> *const c_char = null();
    fn X509_get_default_cert_dir() -> *const c_char = null();
    fn OBJ_nid2obj(c_int) -> *mut ASN1_OBJECT = null_mut();
    fn OBJ_obj2nid(*const ASN1_OBJECT) -> c_int = 0;
    fn OBJ_nid2sn(c_int) -> *const c_char = null();
    fn OBJ_nid2ln(c_int) -> *const c_char = null();
    fn OBJ_txt2obj(*const c_char, c_int) -> *mut ASN1_OBJECT = null_mut();
    fn OBJ_obj2txt(*mut c_char, c_int, *const ASN1_OBJECT, c_int) -> c_int = 0;
    fn ASN1_OBJECT_free(*mut ASN1_OBJECT);
    fn OPENSSL_sk_num(*const STACK) -> c_int = 0;
    fn OPENSSL_sk_value(*const STACK, c_int) -> *mut c_void = null_mut();
    fn BIO_meth_new(c_int, *const c_char) -> *mut BIO_METHOD = null_mut();
    fn BIO_meth_set_write(*mut BIO_METHOD, Option<BioWrite>) -> c_int = 0;
    fn BIO_meth_set_read(*mut BIO_METHOD, Option<BioRead>) -> c_int = 0;
    fn BIO_meth_set_ctrl(*mut BIO_METHOD, Option<BioControl>) -> c_int = 0;
    fn BIO_meth_set_create(*mut BIO_METHOD, Option<BioCreate>) -> c_int = 0;
    fn BIO_new(*const BIO_METHOD) -> *mut BIO = null_mut();
    fn BIO_s_mem() -> *const BIO_METHOD = null();
    fn BIO_new_mem_buf(*const c_void, c_int) -> *mut BIO = null_mut();
    fn BIO_new_file(*const c_char, *const c_char) -> *mut BIO = null_mut();
    fn BIO_read(*mut BIO, *mut c_void, c_int) -> c_int = -1;
    fn BIO_free(*mut BIO) -> c_int = 0;
    fn BIO_set_data(*mut BIO, *mut c_void);
    fn BIO_get_data(*mut BIO) -> *mut c_void = null_mut();
    fn BIO_set_init(*mut BIO, c_int);
    fn BIO_set_flags(*mut BIO, c_int);
    fn BIO_clear_flags(*mut BIO, c_int);
    fn TLS_method() -> *const SSL_METHOD = null();
    fn TLS_client_method() -> *const SSL_METHOD = null();
    fn TLS_server_method() -> *const SSL_METHOD = null();
    fn SSL_CTX_new(*const SSL_METHOD) -> *mut SSL_CTX = null_mut();
    fn SSL_CTX_free(*mut SSL_CTX);
    fn SSL_CTX_ctrl(*mut SSL_CTX, c_int, c_long, *mut c_void) -> c_long = 0;
    fn SSL_CTX_callback_ctrl(*mut SSL_CTX, c_int, Option<unsafe extern "C" fn()>) -> c_long = 0;
    fn SSL_CTX_get_options(*const SSL_CTX) -> u64 = 0;
    fn SSL_CTX_set_options(*mut SSL_CTX, u64) -> u64 = 0;
    fn SSL_CTX_clear_options(*mut SSL_CTX, u64) -> u64 = 0;
    fn SSL_CTX_get_verify_mode(*const SSL_CTX) -> c_int = 0;
    fn SSL_CTX_set_verify(*mut SSL_CTX, c_int, Option<Verify>);
    fn SSL_CTX_get0_param(*mut SSL_CTX) -> *mut X509_VERIFY_PARAM = null_mut();
    fn SSL_CTX_set_cipher_list(*mut SSL_CTX, *const c_char) -> c_int = 0;
    fn SSL_CTX_set_session_id_context(*mut SSL_CTX, *const c_uchar, c_uint) -> c_int = 0;
    fn SSL_CTX_set_alpn_protos(*mut SSL_CTX, *const c_uchar, c_uint) -> c_int = 1;
    fn SSL_CTX_set_alpn_select_cb(*mut SSL_CTX, Option<AlpnSelect>, *mut c_void);
    fn SSL_select_next_proto(*mut *mut c_uchar, *mut c_uchar, *const c_uchar, c_uint, *const c_uchar, c_uint) -> c_int = 0;
    fn SSL_CTX_use_certificate_chain_file(*mut SSL_CTX, *const c_char) -> c_int = 0;
    fn SSL_CTX_use_PrivateKey_file(*mut SSL_CTX, *const c_char, c_int) -> c_int = 0;
    fn SSL_CTX_check_private_key(*const SSL_CTX) -> c_int = 0;
    fn SSL_CTX_set_default_passwd_cb(*mut SSL_CTX, Option<Password>);
    fn SSL_CTX_set_default_passwd_cb_userdata(*mut SSL_CTX, *mut c_void);
    fn SSL_CTX_load_verify_locations(*mut SSL_CTX, *const c_char, *const c_char) -> c_int = 0;
    fn SSL_CTX_set_default_verify_paths(*mut SSL_CTX) -> c_int = 0;
    fn SSL_CTX_get_cert_store(*const SSL_CTX) -> *mut X509_STORE = null_mut();
    fn SSL_CTX_get_num_tickets(*const SSL_CTX) -> usize = 0;
    fn SSL_CTX_set_num_tickets(*mut SSL_CTX, usize) -> c_int = 0;
    fn SSL_CTX_set_post_handshake_auth(*mut SSL_CTX, c_int);
    fn SSL_CTX_get_security_level(*const SSL_CTX) -> c_int = 0;
    fn SSL_CTX_set_keylog_callback(*mut SSL_CTX, Option<Keylog>);
    fn SSL_CTX_set_msg_callback(*mut SSL_CTX, Option<Message>);
    fn SSL_CTX_set_psk_client_callback(*mut SSL_CTX, Option<PskClient>);
    fn SSL_CTX_set_psk_server_callback(*mut SSL_CTX, Option<PskServer>);
    fn SSL_CTX_use_psk_identity_hint(*mut SSL_CTX, *const c_char) -> c_int = 0;
    fn PEM_read_bio_DHparams(*mut BIO, *mut *mut DH, Option<Password>, *mut c_void) -> *mut DH = null_mut();
    fn DH_free(*mut DH);
    fn X509_VERIFY_PARAM_get_flags(*mut X509_VERIFY_PARAM) -> c_ulong = 0;
    fn X509_VERIFY_PARAM_set_flags(*mut X509_VERIFY_PARAM, c_ulong) -> c_int = 0;
    fn X509_VERIFY_PARAM_clear_flags(*mut X509_VERIFY_PARAM, c_ulong) -> c_int = 0;
    fn X509_VERIFY_PARAM_set_hostflags(*mut X509_VERIFY_PARAM, c_uint);
    fn X509_VERIFY_PARAM_get_hostflags(*const X509_VERIFY_PARAM) -> c_uint = 0;
    fn X509_VERIFY_PARAM_set1_host(*mut X509_VERIFY_PARAM, *const c_char, usize) -> c_int = 0;
    fn X509_VERIFY_PARAM_set1_ip(*mut X509_VERIFY_PARAM, *const c_uchar, usize) -> c_int = 0;
    fn X509_STORE_add_cert(*mut X509_STORE, *mut X509) -> c_int = 0;
    fn X509_STORE_get0_objects(*const X509_STORE) -> *mut STACK = null_mut();
    fn X509_OBJECT_get_type(*const X509_OBJECT) -> c_int = 0;
    fn X509_OBJECT_get0_X509(*const X509_OBJECT) -> *mut X509 = null_mut();
    fn X509_check_ca(*mut X509) -> c_int = 0;
    fn SSL_new(*mut SSL_CTX) -> *mut SSL = null_mut();
    fn SSL_free(*mut SSL);
    fn SSL_ctrl(*mut SSL, c_int, c_long, *mut c_void) -> c_long = 0;
    fn SSL_set_ex_data(*mut SSL, c_int, *mut c_void) -> c_int = 0;
    fn SSL_get_ex_data(*const SSL, c_int) -> *mut c_void = null_mut();
    fn SSL_set_bio(*mut SSL, *mut BIO, *mut BIO);
    fn SSL_set_connect_state(*mut SSL);
    fn SSL_set_accept_state(*mut SSL);
    fn SSL_get0_param(*mut SSL) -> *mut X509_VERIFY_PARAM = null_mut();
    fn SSL_do_handshake(*mut SSL) -> c_int = -1;
    fn SSL_read(*mut SSL, *mut c_void, c_int) -> c_int = -1;
    fn SSL_write(*mut SSL, *const c_void, c_int) -> c_int = -1;
    fn SSL_pending(*const SSL) -> c_int = 0;
    fn SSL_shutdown(*mut SSL) -> c_int = -1;
    fn SSL_get_shutdown(*const SSL) -> c_int = 0;
    fn SSL_set_read_ahead(*mut SSL, c_int);
    fn SSL_get_error(*const SSL, c_int) -> c_int = 1;
    fn SSL_get_verify_result(*const SSL) -> c_long = 0;
    fn SSL_get_version(*const SSL) -> *const c_char = null();
    fn SSL_is_init_finished(*const SSL) -> c_int = 0;
    fn SSL_get_current_cipher(*const SSL) -> *const SSL_CIPHER = null();
    fn SSL_get_ciphers(*const SSL) -> *mut STACK = null_mut();
    fn SSL_get_client_ciphers(*const SSL) -> *mut STACK = null_mut();
    fn SSL_get0_alpn_selected(*const SSL, *mut *const c_uchar, *mut c_uint);
    fn SSL_get1_peer_certificate(*const SSL) -> *mut X509 = null_mut();
    fn SSL_get_peer_cert_chain(*const SSL) -> *mut STACK = null_mut();
    fn SSL_get0_verified_chain(*const SSL) -> *mut STACK = null_mut();
    fn SSL_get_finished(*const SSL, *mut c_void, usize) -> usize = 0;
    fn SSL_get_peer_finished(*const SSL, *mut c_void, usize) -> usize = 0;
    fn SSL_get1_session(*mut SSL) -> *mut SSL_SESSION = null_mut();
    fn SSL_set_session(*mut SSL, *mut SSL_SESSION) -> c_int = 0;
    fn SSL_session_reused(*const SSL) -> c_int = 0;
    fn SSL_verify_client_post_handshake(*mut SSL) -> c_int = 0;
    fn SSL_set_SSL_CTX(*mut SSL, *mut SSL_CTX) -> *mut SSL_CTX = null_mut();
    fn SSL_get_servername(*const SSL, c_int) -> *const c_char = null();
    fn SSL_set_verify(*mut SSL, c_int, Option<Verify>);
    fn SSL_get_verify_mode(*const SSL) -> c_int = 0;
    fn SSL_set_post_handshake_auth(*mut SSL, c_int);
    fn SSL_SESSION_free(*mut SSL_SESSION);
    fn i2d_SSL_SESSION(*const SSL_SESSION, *mut *mut c_uchar) -> c_int = -1;
    fn d2i_SSL_SESSION(*mut *mut SSL_SESSION, *mut *const c_uchar, c_long) -> *mut SSL_SESSION = null_mut();
    fn SSL_SESSION_get_id(*const SSL_SESSION, *mut c_uint) -> *const c_uchar = null();
    fn SSL_SESSION_get_time(*const SSL_SESSION) -> c_long = 0;
    fn SSL_SESSION_get_timeout(*const SSL_SESSION) -> c_long = 0;
    fn SSL_SESSION_get_ticket_lifetime_hint(*const SSL_SESSION) -> c_ulong = 0;
    fn SSL_SESSION_has_ticket(*const SSL_SESSION) -> c_int = 0;
    fn SSL_CIPHER_get_name(*const SSL_CIPHER) -> *const c_char = null();
    fn SSL_CIPHER_get_version(*const SSL_CIPHER) -> *const c_char = null();
    fn SSL_CIPHER_get_bits(*const SSL_CIPHER, *mut c_int) -> c_int = 0;
    fn SSL_CIPHER_get_id(*const SSL_CIPHER) -> u32 = 0;
    fn SSL_CIPHER_description(*const SSL_CIPHER, *mut c_char, c_int) -> *mut c_char = null_mut();
    fn SSL_CIPHER_is_aead(*const SSL_CIPHER) -> c_int = 0;
    fn SSL_CIPHER_get_cipher_nid(*const SSL_CIPHER) -> c_int = 0;
    fn SSL_CIPHER_get_digest_nid(*const SSL_CIPHER) -> c_int = 0;
    fn SSL_CIPHER_get_kx_nid(*const SSL_CIPHER) -> c_int = 0;
    fn SSL_CIPHER_get_auth_nid(*const SSL_CIPHER) -> c_int = 0;
    fn X509_free(*mut X509);
    fn X509_up_ref(*mut X509) -> c_int = 0;
    fn X509_cmp(*const X509, *const X509) -> c_int = 1;
    fn X509_subject_name_hash(*mut X509) -> c_ulong = 0;
    fn X509_get_subject_name(*const X509) -> *mut X509_NAME = null_mut();
    fn X509_get_issuer_name(*const X509) -> *mut X509_NAME = null_mut();
    fn X509_get_version(*const X509) -> c_long = 0;
    fn X509_get_serialNumber(*mut X509) -> *mut ASN1_INTEGER = null_mut();
    fn X509_get0_notBefore(*const X509) -> *const ASN1_TIME = null();
    fn X509_get0_notAfter(*const X509) -> *const ASN1_TIME = null();
    fn X509_get_ext_d2i(*const X509, c_int, *mut c_int, *mut c_int) -> *mut c_void = null_mut();
    fn X509_NAME_entry_count(*const X509_NAME) -> c_int = 0;
    fn X509_NAME_get_entry(*const X509_NAME, c_int) -> *mut X509_NAME_ENTRY = null_mut();
    fn X509_NAME_ENTRY_set(*const X509_NAME_ENTRY) -> c_int = 0;
    fn X509_NAME_ENTRY_get_object(*const X509_NAME_ENTRY) -> *mut ASN1_OBJECT = null_mut();
    fn X509_NAME_ENTRY_get_data(*const X509_NAME_ENTRY) -> *mut ASN1_STRING = null_mut();
    fn X509_NAME_print_ex(*mut BIO, *const X509_NAME, c_int, c_ulong) -> c_int = 0;
    fn ASN1_STRING_to_UTF8(*mut *mut c_uchar, *const ASN1_STRING) -> c_int = -1;
    fn ASN1_STRING_get0_data(*const ASN1_STRING) -> *const c_uchar = null();
    fn ASN1_STRING_length(*const ASN1_STRING) -> c_int = 0;
    fn ASN1_TIME_print(*mut BIO, *const ASN1_TIME) -> c_int = 0;
    fn i2a_ASN1_INTEGER(*mut BIO, *const ASN1_INTEGER) -> c_int = 0;
    fn i2a_ASN1_OBJECT(*mut BIO, *const ASN1_OBJECT) -> c_int = 0;
    fn i2d_X509(*const X509, *mut *mut c_uchar) -> c_int = -1;
    fn d2i_X509_bio(*mut BIO, *mut *mut X509) -> *mut X509 = null_mut();
    fn PEM_read_bio_X509(*mut BIO, *mut *mut X509, Option<Password>, *mut c_void) -> *mut X509 = null_mut();
    fn PEM_read_bio_X509_AUX(*mut BIO, *mut *mut X509, Option<Password>, *mut c_void) -> *mut X509 = null_mut();
    fn PEM_write_bio_X509(*mut BIO, *const X509) -> c_int = 0;
    fn GENERAL_NAME_print(*mut BIO, *mut GENERAL_NAME) -> c_int = 0;
    fn GENERAL_NAMES_free(*mut STACK);
    fn AUTHORITY_INFO_ACCESS_free(*mut STACK);
    fn CRL_DIST_POINTS_free(*mut STACK);
}
