//! The algorithms behind one face: [`Algorithm`] names one, [`State`] is one at
//! work, [`Hmac`] a state with a key. No Python objects here.

use digest::{Digest, ExtendableOutput, Update, XofReader};

/// What every hasher can do.
pub trait Hasher: Clone {
    fn feed(&mut self, bytes: &[u8]);
    /// Ends the computation; `out` has the size of the digest (any size, if the
    /// function's output is extendable).
    fn finish(self, out: &mut [u8]);
}

macro_rules! fixed_hashers {
    ($($hasher:ty),*) => {
        $(impl Hasher for $hasher {
            fn feed(&mut self, bytes: &[u8]) {
                Digest::update(self, bytes);
            }
            fn finish(self, out: &mut [u8]) {
                let digest = Digest::finalize(self);
                let n = out.len().min(digest.len());
                out[..n].copy_from_slice(&digest[..n]);
            }
        })*
    };
}

fixed_hashers!(
    md5::Md5,
    sha1::Sha1,
    sha2::Sha224,
    sha2::Sha256,
    sha2::Sha384,
    sha2::Sha512,
    sha2::Sha512_224,
    sha2::Sha512_256,
    sha3::Sha3_224,
    sha3::Sha3_256,
    sha3::Sha3_384,
    sha3::Sha3_512,
    ripemd::Ripemd160,
    sm3::Sm3
);

macro_rules! extendable_hashers {
    ($($hasher:ty),*) => {
        $(impl Hasher for $hasher {
            fn feed(&mut self, bytes: &[u8]) {
                Update::update(self, bytes);
            }
            fn finish(self, out: &mut [u8]) {
                self.finalize_xof().read(out);
            }
        })*
    };
}

extendable_hashers!(shake::Shake128, shake::Shake256);

macro_rules! blake2_hashers {
    ($($hasher:ty),*) => {
        $(impl Hasher for $hasher {
            fn feed(&mut self, bytes: &[u8]) {
                self.update(bytes);
            }
            fn finish(self, out: &mut [u8]) {
                let digest = self.finalize();
                let n = out.len().min(digest.as_bytes().len());
                out[..n].copy_from_slice(&digest.as_bytes()[..n]);
            }
        })*
    };
}

blake2_hashers!(blake2b_simd::State, blake2s_simd::State);

/// MD5 and SHA-1 side by side, as TLS 1.1 had them.
#[derive(Clone, Default)]
pub struct Md5Sha1(md5::Md5, sha1::Sha1);

impl Hasher for Md5Sha1 {
    fn feed(&mut self, bytes: &[u8]) {
        self.0.feed(bytes);
        self.1.feed(bytes);
    }
    fn finish(self, out: &mut [u8]) {
        let (first, second) = out.split_at_mut(out.len().min(16));
        self.0.finish(first);
        self.1.finish(second);
    }
}

/// One row for each algorithm: the hasher, a new one, Python's name, the sizes
/// of digest (0: extendable) and block.
macro_rules! algorithms {
    ($($name:ident $hasher:ty, $new:expr, $python:literal, $digest:literal, $block:literal;)*) => {
        /// A hash function.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Algorithm {
            $($name,)*
        }

        /// A hash function at work.
        #[derive(Clone)]
        pub enum State {
            $($name($hasher),)*
        }

        impl Algorithm {
            pub const ALL: &[Algorithm] = &[$(Algorithm::$name,)*];

            /// The name Python has for it.
            pub fn name(self) -> &'static str {
                match self {
                    $(Algorithm::$name => $python,)*
                }
            }
            /// Bytes of the digest; 0 if there is no end to them.
            pub fn digest_size(self) -> usize {
                match self {
                    $(Algorithm::$name => $digest,)*
                }
            }
            /// Bytes of a block of input.
            pub fn block_size(self) -> usize {
                match self {
                    $(Algorithm::$name => $block,)*
                }
            }
            pub fn start(self) -> State {
                match self {
                    $(Algorithm::$name => State::$name($new),)*
                }
            }
        }

        impl State {
            pub fn feed(&mut self, bytes: &[u8]) {
                match self {
                    $(State::$name(hasher) => hasher.feed(bytes),)*
                }
            }
            pub fn finish(self, out: &mut [u8]) {
                match self {
                    $(State::$name(hasher) => hasher.finish(out),)*
                }
            }
        }

        impl Hmac {
            /// PBKDF2 with this HMAC, whose key is the password.
            pub fn pbkdf2(&self, salt: &[u8], iterations: u32, out: &mut [u8]) {
                match (&self.inner, &self.outer) {
                    $((State::$name(inner), State::$name(outer)) => {
                        derive(inner, outer, $digest, salt, iterations, out)
                    })*
                    _ => {}
                }
            }
        }
    };
}

algorithms! {
    Md5 md5::Md5, Default::default(), "md5", 16, 64;
    Sha1 sha1::Sha1, Default::default(), "sha1", 20, 64;
    Sha224 sha2::Sha224, Default::default(), "sha224", 28, 64;
    Sha256 sha2::Sha256, Default::default(), "sha256", 32, 64;
    Sha384 sha2::Sha384, Default::default(), "sha384", 48, 128;
    Sha512 sha2::Sha512, Default::default(), "sha512", 64, 128;
    Sha512_224 sha2::Sha512_224, Default::default(), "sha512_224", 28, 128;
    Sha512_256 sha2::Sha512_256, Default::default(), "sha512_256", 32, 128;
    Sha3_224 sha3::Sha3_224, Default::default(), "sha3_224", 28, 144;
    Sha3_256 sha3::Sha3_256, Default::default(), "sha3_256", 32, 136;
    Sha3_384 sha3::Sha3_384, Default::default(), "sha3_384", 48, 104;
    Sha3_512 sha3::Sha3_512, Default::default(), "sha3_512", 64, 72;
    Shake128 shake::Shake128, Default::default(), "shake_128", 0, 168;
    Shake256 shake::Shake256, Default::default(), "shake_256", 0, 136;
    Blake2b blake2b_simd::State, blake2b_simd::State::new(), "blake2b", 64, 128;
    Blake2s blake2s_simd::State, blake2s_simd::State::new(), "blake2s", 32, 64;
    Ripemd160 ripemd::Ripemd160, Default::default(), "ripemd160", 20, 64;
    Sm3 sm3::Sm3, Default::default(), "sm3", 32, 64;
    Md5Sha1 Md5Sha1, Default::default(), "md5-sha1", 36, 64;
}

impl Algorithm {
    /// Can the digest be as long as one likes?
    pub fn is_extendable(self) -> bool {
        self.digest_size() == 0
    }
    /// The digest of these bytes.
    pub fn hash(self, bytes: &[u8]) -> Vec<u8> {
        let mut state = self.start();
        state.feed(bytes);
        self.digest(state)
    }
    /// The digest that ends a state of this algorithm.
    pub fn digest(self, state: State) -> Vec<u8> {
        let mut out = vec![0; self.digest_size()];
        state.finish(&mut out);
        out
    }
}

/// HMAC (RFC 2104): the two states that have read the padded key.
#[derive(Clone)]
pub struct Hmac {
    inner: State,
    outer: State,
    algorithm: Algorithm,
}

impl Hmac {
    /// `algorithm` must not be extendable.
    pub fn new(algorithm: Algorithm, key: &[u8]) -> Hmac {
        let hashed;
        let key = if key.len() > algorithm.block_size() {
            hashed = algorithm.hash(key);
            &hashed
        } else {
            key
        };
        let padded = |pad: u8| {
            let mut block = vec![pad; algorithm.block_size()];
            block.iter_mut().zip(key).for_each(|(b, k)| *b ^= k);
            let mut state = algorithm.start();
            state.feed(&block);
            state
        };
        Hmac { inner: padded(0x36), outer: padded(0x5c), algorithm }
    }
    pub fn feed(&mut self, bytes: &[u8]) {
        self.inner.feed(bytes);
    }
    pub fn finish(self) -> Vec<u8> {
        let digest = self.algorithm.digest(self.inner);
        let mut outer = self.outer;
        outer.feed(&digest);
        self.algorithm.digest(outer)
    }
}

/// Most bytes of a digest.
const MAX_DIGEST: usize = 64;

/// PBKDF2 (RFC 8018) with one kind of hasher.
fn derive<H: Hasher>(inner: &H, outer: &H, size: usize, salt: &[u8], iterations: u32, out: &mut [u8]) {
    if size == 0 || size > MAX_DIGEST {
        return;
    }
    let mut buffer = [0u8; MAX_DIGEST];
    let round = &mut buffer[..size];
    for (i, block) in out.chunks_mut(size).enumerate() {
        let mut first = inner.clone();
        first.feed(salt);
        first.feed(&(i as u32).wrapping_add(1).to_be_bytes());
        first.finish(round);
        let mut sum = [0u8; MAX_DIGEST];
        for n in 0..iterations {
            if n > 0 {
                let mut next = inner.clone();
                next.feed(round);
                next.finish(round);
            }
            let mut end = outer.clone();
            end.feed(round);
            end.finish(round);
            sum.iter_mut().zip(round.iter()).for_each(|(s, r)| *s ^= r);
        }
        let n = block.len();
        block.copy_from_slice(&sum[..n]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|b| format!("{b:02x}")).collect()
    }

    #[test]
    fn sizes_are_those_of_the_digests() {
        for &algorithm in Algorithm::ALL {
            if !algorithm.is_extendable() {
                let mut out = [0u8; MAX_DIGEST + 1];
                algorithm.start().finish(&mut out);
                assert!(out[algorithm.digest_size()..].iter().all(|&b| b == 0), "{}", algorithm.name());
                assert_ne!(out[algorithm.digest_size() - 1], 0, "{}", algorithm.name());
            }
        }
    }

    #[test]
    fn hmac_of_rfc_4231() {
        let mut hmac = Hmac::new(Algorithm::Sha256, b"Jefe");
        hmac.feed(b"what do ya want for nothing?");
        assert_eq!(hex(&hmac.finish()), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }

    #[test]
    fn pbkdf2_of_rfc_6070() {
        let mut out = [0; 25];
        let password = b"passwordPASSWORDpassword";
        let salt = b"saltSALTsaltSALTsaltSALTsaltSALTsalt";
        Hmac::new(Algorithm::Sha1, password).pbkdf2(salt, 4096, &mut out);
        assert_eq!(hex(&out), "3d2eec4fe41c849b80c8d83662c0e44a8b291a964cf2f07038");
    }
}
