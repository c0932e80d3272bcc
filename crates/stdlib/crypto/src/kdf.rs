//! Key derivation of `_hashlib`: `pbkdf2_hmac` and `scrypt`, with the limits
//! that OpenSSL sets.

use crate::algorithm::Hmac;
use crate::arguments::unsigned;
use crate::hashlib::name_argument;
use taipan_runtime::prelude::*;
use taipan_runtime::types::bytes;

pub fn pbkdf2_hmac(vm: &Vm, args: &[Object]) -> Result {
    let [name, password, salt, iterations, length] = args else {
        return Err(vm.system_error("pbkdf2_hmac: wrong signature"));
    };
    let most = i32::MAX as usize;
    // All conversions come before the look at what the name says.
    if name.downcast::<Str>().is_none() {
        return name_argument(vm, "pbkdf2_hmac", "hash_name", name).map(|_| Object::NONE);
    }
    let password = vm.bytes_like(password, "password")?;
    let salt = vm.bytes_like(salt, "salt")?;
    let iterations = vm.to_i64(iterations)?;
    let algorithm = name_argument(vm, "pbkdf2_hmac", "hash_name", name)?;
    if password.len() > most {
        return Err(vm.overflow_error("password is too long."));
    }
    if salt.len() > most {
        return Err(vm.overflow_error("salt is too long."));
    }
    if iterations < 1 {
        return Err(vm.value_error("iteration value must be greater than 0."));
    }
    let Some(iterations) = u32::try_from(iterations).ok().filter(|&n| n <= i32::MAX as u32) else {
        return Err(vm.overflow_error("iteration value is too great."));
    };
    let length = match length.some() {
        Some(length) => vm.to_i64(length)?,
        None => algorithm.digest_size() as i64,
    };
    if length < 1 {
        return Err(vm.value_error("key length must be greater than 0."));
    }
    if length > most as i64 {
        return Err(vm.overflow_error("key length is too great."));
    }
    let mut out = Vec::new();
    if out.try_reserve_exact(length as usize).is_err() {
        return Err(vm.memory_error());
    }
    out.resize(length as usize, 0);
    if algorithm.is_extendable() {
        return Err(vm.value_error("no reason supplied"));
    }
    vm.without_gil(|| Hmac::new(algorithm, password.bytes()).pbkdf2(salt.bytes(), iterations, &mut out));
    bytes::new(vm, &out)
}

/// OpenSSL's limits: `p * r`, and memory if nothing else is said.
const MAX_PR: u64 = (1 << 30) - 1;
const DEFAULT_MEMORY: u64 = 32 << 20;

/// Why OpenSSL would refuse.
enum Refusal {
    Invalid,
    TooLarge,
    Memory,
}

fn check(n: u64, r: u64, p: u64, max_memory: u64) -> std::result::Result<(), Refusal> {
    if r > u32::MAX as u64 || p > u32::MAX as u64 {
        return Err(Refusal::TooLarge);
    }
    if r == 0 || p == 0 {
        return Err(Refusal::Invalid);
    }
    let bits_too_many = 16 * r <= 63 && n >= 1 << (16 * r);
    if p > MAX_PR / r || bits_too_many {
        return Err(Refusal::Memory);
    }
    let memory = p
        .checked_mul(128 * r)
        .filter(|&blocks| blocks <= i32::MAX as u64)
        .and_then(|blocks| Some(blocks + (128 * r).checked_mul(n.checked_add(2)?)?));
    match memory {
        Some(memory) if memory <= max_memory => Ok(()),
        _ => Err(Refusal::Memory),
    }
}

pub fn scrypt(vm: &Vm, args: &[Object]) -> Result {
    let [password, salt, n, r, p, max_memory, length] = args else {
        return Err(vm.system_error("scrypt: wrong signature"));
    };
    let password = vm.bytes_like(password, "password")?;
    let salt = vm.bytes_like(salt, "salt")?;
    let n = unsigned(vm, n, "unsigned long")?;
    let r = unsigned(vm, r, "unsigned long")?;
    let p = unsigned(vm, p, "unsigned long")?;
    let max_memory = vm.to_i64(max_memory)?;
    let length = vm.to_i64(length)?;
    let most = i32::MAX as i64;
    if password.len() > most as usize {
        return Err(vm.overflow_error("password is too long."));
    }
    if salt.len() > most as usize {
        return Err(vm.overflow_error("salt is too long."));
    }
    if n < 2 || !n.is_power_of_two() {
        return Err(vm.value_error("n must be a power of 2."));
    }
    if max_memory < 0 || max_memory > most {
        return Err(vm.value_error(format!("maxmem must be positive and smaller than {most}")));
    }
    if length < 1 || length > most {
        return Err(vm.value_error(format!("dklen must be greater than 0 and smaller than {most}")));
    }
    let limit = if max_memory == 0 { DEFAULT_MEMORY } else { max_memory as u64 };
    if let Err(refusal) = check(n, r, p, limit) {
        return Err(vm.value_error(match refusal {
            Refusal::Invalid => "Invalid parameter combination for n, r, p, maxmem.",
            Refusal::TooLarge => "[digital envelope routines] parameter too large",
            Refusal::Memory => "[digital envelope routines] memory limit exceeded",
        }));
    }
    let invalid = || vm.value_error("Invalid parameter combination for n, r, p, maxmem.");
    let params =
        ::scrypt::Params::new(n.trailing_zeros() as u8, r as u32, p as u32).map_err(|_| invalid())?;
    let mut out: Vec<u8> = Vec::new();
    let mut probe: Vec<u8> = Vec::new();
    // What the computation is about to take is there to be had.
    let room = (128 * r * (n + p + 2)) as usize;
    if out.try_reserve_exact(length as usize).is_err() || probe.try_reserve_exact(room).is_err() {
        return Err(vm.memory_error());
    }
    drop(probe);
    out.resize(length as usize, 0);
    let done = vm.without_gil(|| ::scrypt::scrypt(password.bytes(), salt.bytes(), &params, &mut out));
    done.map_err(|_| invalid())?;
    bytes::new(vm, &out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_counted_as_openssl_counts_it() {
        assert!(check(16, 8, 1, 19456).is_ok());
        assert!(matches!(check(16, 8, 1, 19455), Err(Refusal::Memory)));
        assert!(matches!(check(1 << 40, 1, 1, DEFAULT_MEMORY), Err(Refusal::Memory)));
        assert!(matches!(check(2, 0, 1, DEFAULT_MEMORY), Err(Refusal::Invalid)));
        assert!(matches!(check(2, 1, 1 << 33, DEFAULT_MEMORY), Err(Refusal::TooLarge)));
    }
}
