//! The Mersenne Twister MT19937, as the `random` module uses it.
//!
//! What this is for: the sequences of `random.Random` for a given seed, bit for bit.
//! What it is not: cryptographic, or a source of seeds. After the published
//! algorithm of M. Matsumoto and T. Nishimura (1998, initialisation of 2002).

use crate::bigint::{BigInt, IntError, check_bits};

const N: usize = 624;
const M: usize = 397;

/// The generator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MersenneTwister {
    state: [u32; N],
    index: usize,
}

impl MersenneTwister {
    /// The generator with the reference initialisation from one number.
    pub fn from_number(seed: u32) -> MersenneTwister {
        let mut state = [0u32; N];
        state[0] = seed;
        for i in 1..N {
            let p = state[i - 1];
            state[i] = 1_812_433_253u32.wrapping_mul(p ^ p >> 30).wrapping_add(i as u32);
        }
        MersenneTwister { state, index: N }
    }

    /// The generator with the reference initialisation from an array (`init_by_array`);
    /// an empty key counts as `[0]`.
    pub fn from_key(key: &[u32]) -> MersenneTwister {
        let key = if key.is_empty() { &[0][..] } else { key };
        let mut mt = MersenneTwister::from_number(19_650_218);
        let s = &mut mt.state;
        let (mut i, mut j) = (1, 0);
        for _ in 0..N.max(key.len()) {
            let p = s[i - 1];
            s[i] = (s[i] ^ (p ^ p >> 30).wrapping_mul(1_664_525)).wrapping_add(key[j]).wrapping_add(j as u32);
            i += 1;
            if i >= N {
                s[0] = s[N - 1];
                i = 1;
            }
            j = (j + 1) % key.len();
        }
        for _ in 0..N - 1 {
            let p = s[i - 1];
            s[i] = (s[i] ^ (p ^ p >> 30).wrapping_mul(1_566_083_941)).wrapping_sub(i as u32);
            i += 1;
            if i >= N {
                s[0] = s[N - 1];
                i = 1;
            }
        }
        s[0] = 0x8000_0000;
        mt
    }

    /// `_random.Random.seed(n)`: the key is the magnitude in 32-bit digits.
    pub fn from_int(seed: &BigInt) -> MersenneTwister {
        let mut key: Vec<u32> = seed.words().iter().flat_map(|&w| [w as u32, (w >> 32) as u32]).collect();
        if key.last() == Some(&0) {
            key.pop();
        }
        MersenneTwister::from_key(&key)
    }

    fn refill(&mut self) {
        let s = &mut self.state;
        for k in 0..N {
            let y = (s[k] & 0x8000_0000) | (s[(k + 1) % N] & 0x7fff_ffff);
            let twist = if y & 1 == 1 { 0x9908_b0df } else { 0 };
            s[k] = s[(k + M) % N] ^ y >> 1 ^ twist;
        }
        self.index = 0;
    }

    /// The next 32 bits.
    pub fn next_u32(&mut self) -> u32 {
        if self.index >= N {
            self.refill();
        }
        let mut y = self.state[self.index];
        self.index += 1;
        y ^= y >> 11;
        y ^= y << 7 & 0x9d2c_5680;
        y ^= y << 15 & 0xefc6_0000;
        y ^ y >> 18
    }

    /// `random()`: a float in [0, 1) with 53 bits.
    pub fn random(&mut self) -> f64 {
        let a = self.next_u32() >> 5;
        let b = self.next_u32() >> 6;
        (f64::from(a) * 67_108_864.0 + f64::from(b)) * (1.0 / 9_007_199_254_740_992.0)
    }

    /// `getrandbits(k)` for `k <= 64`.
    pub fn bits64(&mut self, k: u32) -> u64 {
        match k {
            0 => 0,
            1..=32 => u64::from(self.next_u32() >> (32 - k)),
            _ => {
                let low = u64::from(self.next_u32());
                let high = u64::from(self.next_u32() >> (64 - k.min(64)));
                low | high << 32
            }
        }
    }

    /// `getrandbits(k)`.
    ///
    /// # Errors
    /// [`IntError::TooLarge`].
    pub fn getrandbits(&mut self, k: u64) -> Result<BigInt, IntError> {
        if k <= 64 {
            return Ok(BigInt::from(self.bits64(k as u32)));
        }
        check_bits(u128::from(k))?;
        let mut words = Vec::with_capacity(k.div_ceil(64) as usize);
        let mut left = k;
        while left > 0 {
            let n = left.min(64) as u32;
            words.push(self.bits64(n));
            left -= u64::from(n);
        }
        Ok(BigInt::from_words(false, &words))
    }

    /// `getstate()`: the 624 words and the position in them.
    pub fn state(&self) -> (&[u32; 624], usize) {
        (&self.state, self.index)
    }

    /// `setstate()`; `None` for a position beyond 624 ("invalid state").
    pub fn from_state(state: [u32; 624], index: usize) -> Option<MersenneTwister> {
        (index <= N).then_some(MersenneTwister { state, index })
    }
}
