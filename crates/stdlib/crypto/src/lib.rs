//! Taipan: native modules of hash functions: what `hashlib`, `hmac` and
//! `secrets` stand on.
//!
//! The algorithms are those of the RustCrypto and blake2_simd crates, which
//! choose the processor's instructions for them at run time; [`algorithm`]
//! gives them one face. `_hashlib` answers as CPython's module over OpenSSL
//! does, without OpenSSL.

#![forbid(unsafe_code)]

mod algorithm;
mod arguments;
mod blake2;
mod hash;
mod hashlib;
mod hmac;
mod kdf;
mod openssl_names;
mod sha3;

use taipan_runtime::prelude::ModuleDef;

/// The modules of this crate.
pub fn modules() -> Vec<&'static ModuleDef> {
    vec![
        &hash::MD5_MODULE,
        &hash::SHA1_MODULE,
        &hash::SHA2_MODULE,
        &sha3::SHA3_MODULE,
        &blake2::BLAKE2_MODULE,
        &hashlib::HASHLIB,
        &hmac::HMAC_MODULE,
    ]
}
