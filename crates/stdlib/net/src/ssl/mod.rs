//! `_ssl`: TLS, on OpenSSL behind the `tls` crate, which says why. Contexts are
//! in [`context`], connections in [`socket`], what OpenSSL calls in [`hooks`].

mod certificate;
mod context;
mod errors;
mod hooks;
mod memory;
mod socket;

use context::{CERT_NONE, CERT_OPTIONAL, CERT_REQUIRED, DEFAULT_CIPHERS, OP_ALL, OP_NO_SSLV3};
use taipan_runtime::prelude::*;
use taipan_runtime::types::bytes;

/// The module.
pub static SSL: ModuleDef = ModuleDef {
    name: "_ssl",
    doc: "Implementation module for SSL socket operations.  See the socket module\nfor documentation.",
    functions: &[
        MethodDef::new(
            "_test_decode_cert(path, /)",
            |vm, args| {
                let path = taipan_stdlib_files::support::fs_bytes(vm, &args[0])?;
                match taipan_tls::Certificate::from_file(&path) {
                    None => Err(errors::bare(vm, "Can't open file")),
                    Some(Err(_)) => Err(errors::bare(vm, "Error decoding PEM-encoded file")),
                    Some(Ok(certificate)) => certificate::decode(vm, &certificate),
                }
            },
            "",
        ),
        MethodDef::new(
            "RAND_add(string, entropy, /)",
            |vm, args| {
                let entropy = vm.to_f64(&args[1])?;
                if args[0].downcast::<Str>().is_some() {
                    let text = taipan_runtime::codecs::utf8::encode(vm, &args[0], "strict")?;
                    taipan_tls::random_add(&text, entropy);
                } else {
                    let data = vm.bytes_like(&args[0], "string")?;
                    taipan_tls::random_add(data.bytes(), entropy);
                }
                Ok(Object::NONE)
            },
            "Adds to the seed of the generator of random bytes.",
        ),
        MethodDef::new(
            "RAND_bytes(n, /)",
            |vm, args| {
                let count = vm.to_plain_c_int(&args[0])?;
                let Ok(count) = usize::try_from(count) else {
                    return Err(vm.value_error("num must be positive"));
                };
                let mut room = Vec::new();
                room.try_reserve_exact(count).map_err(|_| vm.memory_error())?;
                room.resize(count, 0);
                taipan_tls::random(&mut room).map_err(|error| errors::library(vm, &error, 5300))?;
                bytes::new(vm, &room)
            },
            "Random bytes that nobody can guess.",
        ),
        MethodDef::new(
            "RAND_status()",
            |_, _| Ok(Object::bool(taipan_tls::random_ready())),
            "Is the generator of random bytes seeded?",
        ),
        MethodDef::new(
            "get_default_verify_paths()",
            |vm, _| Ok(vm.tuple(taipan_tls::default_paths().iter().map(|path| vm.str(path)).collect())),
            "Where the system's certificates are.",
        ),
        MethodDef::new(
            "txt2obj(txt, name=False)",
            |vm, args| {
                let text = vm.str_lossy(&args[0]);
                let name = vm.is_true(&args[1])?;
                let shown = text.chars().take(100).collect::<String>();
                let found = std::ffi::CString::new(text)
                    .ok()
                    .and_then(|text| taipan_tls::object_by_text(&text, name));
                match found {
                    Some(found) => Ok(object_names(vm, &found)),
                    None => Err(vm.value_error(format!("unknown object '{shown}'"))),
                }
            },
            "Number, names and OID of an object, by its OID or its name.",
        ),
        MethodDef::new(
            "nid2obj(nid, /)",
            |vm, args| {
                let number = vm.to_plain_c_int(&args[0])?;
                if number < 0 {
                    return Err(vm.value_error("NID must be positive."));
                }
                if number == 0 {
                    return Err(vm.value_error("Unknown object"));
                }
                match taipan_tls::object_by_number(number) {
                    Some(found) => Ok(object_names(vm, &found)),
                    None => Err(vm.value_error(format!("unknown NID {number}"))),
                }
            },
            "Number, names and OID of an object, by OpenSSL's number.",
        ),
    ],
    types: &[
        &errors::SSL_ERROR,
        &context::CONTEXT,
        &socket::SSL_SOCKET,
        &memory::MEMORY_BIO,
        &memory::SESSION,
        &certificate::CERTIFICATE,
    ],
    init: Some(init),
};

fn object_names(vm: &Vm, names: &taipan_tls::ObjectNames) -> Object {
    let oid = names.oid.as_ref().map_or(Object::NONE, |oid| vm.str(oid));
    vm.tuple(vec![vm.int(names.number as i64), vm.str(&names.short), vm.str(&names.long), oid])
}

const INTEGERS: &[(&str, i64)] = &[
    ("CERT_NONE", CERT_NONE as i64),
    ("CERT_OPTIONAL", CERT_OPTIONAL as i64),
    ("CERT_REQUIRED", CERT_REQUIRED as i64),
    ("ENCODING_DER", 2),
    ("ENCODING_PEM", 1),
    ("PROTOCOL_SSLv23", 2),
    ("PROTOCOL_TLS", 2),
    ("PROTOCOL_TLS_CLIENT", 16),
    ("PROTOCOL_TLS_SERVER", 17),
    ("PROTOCOL_TLSv1", 3),
    ("PROTOCOL_TLSv1_1", 4),
    ("PROTOCOL_TLSv1_2", 5),
    ("PROTO_MAXIMUM_SUPPORTED", -1),
    ("PROTO_MINIMUM_SUPPORTED", -2),
    ("PROTO_SSLv3", 768),
    ("PROTO_TLSv1", 769),
    ("PROTO_TLSv1_1", 770),
    ("PROTO_TLSv1_2", 771),
    ("PROTO_TLSv1_3", 772),
    ("SSL_ERROR_SSL", 1),
    ("SSL_ERROR_WANT_READ", 2),
    ("SSL_ERROR_WANT_WRITE", 3),
    ("SSL_ERROR_WANT_X509_LOOKUP", 4),
    ("SSL_ERROR_SYSCALL", 5),
    ("SSL_ERROR_ZERO_RETURN", 6),
    ("SSL_ERROR_WANT_CONNECT", 7),
    ("SSL_ERROR_EOF", errors::ERROR_EOF),
    ("SSL_ERROR_INVALID_ERROR_CODE", errors::ERROR_INVALID),
    ("OP_ALL", OP_ALL as i64),
    ("OP_NO_SSLv2", 0),
    ("OP_NO_SSLv3", OP_NO_SSLV3 as i64),
    ("OP_NO_TLSv1", 0x400_0000),
    ("OP_NO_TLSv1_1", 0x1000_0000),
    ("OP_NO_TLSv1_2", 0x800_0000),
    ("OP_NO_TLSv1_3", 0x2000_0000),
    ("OP_CIPHER_SERVER_PREFERENCE", 0x40_0000),
    ("OP_SINGLE_DH_USE", 0),
    ("OP_SINGLE_ECDH_USE", 0),
    ("OP_NO_TICKET", 0x4000),
    ("OP_LEGACY_SERVER_CONNECT", 4),
    ("OP_NO_COMPRESSION", 0x2_0000),
    ("OP_ENABLE_MIDDLEBOX_COMPAT", 0x10_0000),
    ("OP_NO_RENEGOTIATION", 0x4000_0000),
    ("OP_IGNORE_UNEXPECTED_EOF", 0x80),
    ("OP_ENABLE_KTLS", 8),
    ("VERIFY_DEFAULT", 0),
    ("VERIFY_CRL_CHECK_LEAF", 4),
    ("VERIFY_CRL_CHECK_CHAIN", 12),
    ("VERIFY_X509_STRICT", 32),
    ("VERIFY_ALLOW_PROXY_CERTS", 64),
    ("VERIFY_X509_TRUSTED_FIRST", 32768),
    ("VERIFY_X509_PARTIAL_CHAIN", 524288),
    ("HOSTFLAG_ALWAYS_CHECK_SUBJECT", 1),
    ("HOSTFLAG_NO_WILDCARDS", 2),
    ("HOSTFLAG_NO_PARTIAL_WILDCARDS", 4),
    ("HOSTFLAG_MULTI_LABEL_WILDCARDS", 8),
    ("HOSTFLAG_SINGLE_LABEL_SUBDOMAINS", 16),
    ("HOSTFLAG_NEVER_CHECK_SUBJECT", 32),
    ("ALERT_DESCRIPTION_CLOSE_NOTIFY", 0),
    ("ALERT_DESCRIPTION_UNEXPECTED_MESSAGE", 10),
    ("ALERT_DESCRIPTION_BAD_RECORD_MAC", 20),
    ("ALERT_DESCRIPTION_RECORD_OVERFLOW", 22),
    ("ALERT_DESCRIPTION_DECOMPRESSION_FAILURE", 30),
    ("ALERT_DESCRIPTION_HANDSHAKE_FAILURE", 40),
    ("ALERT_DESCRIPTION_BAD_CERTIFICATE", 42),
    ("ALERT_DESCRIPTION_UNSUPPORTED_CERTIFICATE", 43),
    ("ALERT_DESCRIPTION_CERTIFICATE_REVOKED", 44),
    ("ALERT_DESCRIPTION_CERTIFICATE_EXPIRED", 45),
    ("ALERT_DESCRIPTION_CERTIFICATE_UNKNOWN", 46),
    ("ALERT_DESCRIPTION_ILLEGAL_PARAMETER", 47),
    ("ALERT_DESCRIPTION_UNKNOWN_CA", 48),
    ("ALERT_DESCRIPTION_ACCESS_DENIED", 49),
    ("ALERT_DESCRIPTION_DECODE_ERROR", 50),
    ("ALERT_DESCRIPTION_DECRYPT_ERROR", 51),
    ("ALERT_DESCRIPTION_PROTOCOL_VERSION", 70),
    ("ALERT_DESCRIPTION_INSUFFICIENT_SECURITY", 71),
    ("ALERT_DESCRIPTION_INTERNAL_ERROR", 80),
    ("ALERT_DESCRIPTION_USER_CANCELLED", 90),
    ("ALERT_DESCRIPTION_NO_RENEGOTIATION", 100),
    ("ALERT_DESCRIPTION_UNSUPPORTED_EXTENSION", 110),
    ("ALERT_DESCRIPTION_CERTIFICATE_UNOBTAINABLE", 111),
    ("ALERT_DESCRIPTION_UNRECOGNIZED_NAME", 112),
    ("ALERT_DESCRIPTION_BAD_CERTIFICATE_STATUS_RESPONSE", 113),
    ("ALERT_DESCRIPTION_BAD_CERTIFICATE_HASH_VALUE", 114),
    ("ALERT_DESCRIPTION_UNKNOWN_PSK_IDENTITY", 115),
];

/// What the library can do.
const ABILITIES: &[(&str, bool)] = &[
    ("HAS_SNI", true),
    ("HAS_TLS_UNIQUE", true),
    ("HAS_ECDH", true),
    ("HAS_NPN", false),
    ("HAS_ALPN", true),
    ("HAS_SSLv2", false),
    ("HAS_SSLv3", false),
    ("HAS_TLSv1", true),
    ("HAS_TLSv1_1", true),
    ("HAS_TLSv1_2", true),
    ("HAS_TLSv1_3", true),
    ("HAS_PSK", true),
    ("HAS_PHA", true),
];

fn init(vm: &Vm, module: &Object) -> Result<()> {
    errors::init(vm, module)?;
    for (name, value) in INTEGERS {
        vm.set_attr_str(module, name, &vm.int(*value))?;
    }
    for (name, value) in ABILITIES {
        vm.set_attr_str(module, name, &Object::bool(*value))?;
    }
    let (text, number) = taipan_tls::version();
    vm.set_attr_str(module, "OPENSSL_VERSION", &vm.str(&text))?;
    vm.set_attr_str(module, "OPENSSL_VERSION_NUMBER", &vm.u64(number))?;
    // Major, minor, fix, patch, status.
    let parts = [28, 20, 12, 4, 0]
        .map(|shift| (number >> shift) & if shift == 28 || shift == 0 { 0xf } else { 0xff });
    let parts = vm.tuple(parts.map(|part| vm.u64(part)).to_vec());
    vm.set_attr_str(module, "OPENSSL_VERSION_INFO", &parts)?;
    vm.set_attr_str(module, "_OPENSSL_API_VERSION", &parts)?;
    vm.set_attr_str(module, "_DEFAULT_CIPHERS", &vm.str(DEFAULT_CIPHERS))
}
