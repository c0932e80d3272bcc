//! The names under which OpenSSL 3 knows digests: Python's own (exact), then
//! OpenSSL's with their aliases and object identifiers (in any case).

use crate::algorithm::Algorithm::{self, *};

const ALIASES: &[(Algorithm, &[&str])] = &[
    (Md5, &["MD5", "SSL3-MD5", "1.2.840.113549.2.5"]),
    (Sha1, &["SHA1", "SHA-1", "SSL3-SHA1", "1.3.14.3.2.26"]),
    (Sha224, &["SHA2-224", "SHA-224", "SHA224", "2.16.840.1.101.3.4.2.4"]),
    (Sha256, &["SHA2-256", "SHA-256", "SHA256", "2.16.840.1.101.3.4.2.1"]),
    (Sha384, &["SHA2-384", "SHA-384", "SHA384", "2.16.840.1.101.3.4.2.2"]),
    (Sha512, &["SHA2-512", "SHA-512", "SHA512", "2.16.840.1.101.3.4.2.3"]),
    (Sha512_224, &["SHA2-512/224", "SHA-512/224", "SHA512-224", "2.16.840.1.101.3.4.2.5"]),
    (Sha512_256, &["SHA2-512/256", "SHA-512/256", "SHA512-256", "2.16.840.1.101.3.4.2.6"]),
    (Sha3_224, &["SHA3-224", "2.16.840.1.101.3.4.2.7"]),
    (Sha3_256, &["SHA3-256", "2.16.840.1.101.3.4.2.8"]),
    (Sha3_384, &["SHA3-384", "2.16.840.1.101.3.4.2.9"]),
    (Sha3_512, &["SHA3-512", "2.16.840.1.101.3.4.2.10"]),
    (Shake128, &["SHAKE-128", "SHAKE128", "2.16.840.1.101.3.4.2.11"]),
    (Shake256, &["SHAKE-256", "SHAKE256", "2.16.840.1.101.3.4.2.12"]),
    (Blake2b, &["BLAKE2B-512", "BLAKE2b512", "1.3.6.1.4.1.1722.12.2.1.16"]),
    (Blake2s, &["BLAKE2S-256", "BLAKE2s256", "1.3.6.1.4.1.1722.12.2.2.8"]),
    (Ripemd160, &["RIPEMD-160", "RIPEMD160", "RIPEMD", "RMD160", "1.3.36.3.2.1"]),
    (Sm3, &["SM3", "1.2.156.10197.1.401"]),
    (Md5Sha1, &["MD5-SHA1"]),
];

/// The algorithm of a name.
pub fn find(name: &str) -> Option<Algorithm> {
    if let Some(found) = Algorithm::ALL.iter().find(|algorithm| algorithm.name() == name) {
        return Some(*found);
    }
    let known = |names: &[&str]| names.iter().any(|known| known.eq_ignore_ascii_case(name));
    ALIASES.iter().find(|(_, names)| known(names)).map(|(algorithm, _)| *algorithm)
}

#[cfg(test)]
mod tests {
    use super::find;
    use crate::algorithm::Algorithm;

    #[test]
    fn names_of_python_are_exact_those_of_openssl_are_not() {
        assert_eq!(find("sha3_256"), Some(Algorithm::Sha3_256));
        assert_eq!(find("SHA3_256"), None);
        assert_eq!(find("sha3-256"), Some(Algorithm::Sha3_256));
        assert_eq!(find("Sha-256"), Some(Algorithm::Sha256));
        assert_eq!(find(""), None);
    }
}
