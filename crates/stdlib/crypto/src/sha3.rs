//! `_sha3`: the SHA-3 functions, and the SHAKE functions, whose digests are as
//! long as the caller wants.

use crate::algorithm::Algorithm;
use crate::arguments::{initial, unsigned};
use crate::hash::{HashObject, add_gil_minsize, kinds, start, update};
use taipan_runtime::prelude::*;
use taipan_runtime::support::this;
use taipan_runtime::types::bytes;
use taipan_runtime::types::bytes_methods::hex_text;
use taipan_runtime::types::object::OBJECT;

/// Digests of the SHAKE functions are shorter than this.
const MAX_LENGTH: u64 = 1 << 29;

/// The state of the sponge.
const STATE_BITS: usize = 1600;

impl<const T: usize> HashObject<T> {
    const UPDATE_DATA: MethodDef = MethodDef::new(
        "update($self, data, /)",
        update::<T>,
        "Update this hash object's state with the provided bytes-like object.",
    );
    const SPONGE_ATTRIBUTES: &'static [GetSetDef] = &[
        Self::BLOCK_SIZE,
        Self::NAME,
        Self::DIGEST_SIZE,
        GetSetDef::new("_capacity_bits", |vm, object| {
            Ok(vm.usize(STATE_BITS - this::<Self>(object).algorithm.block_size() * 8))
        }),
        GetSetDef::new("_rate_bits", |vm, object| {
            Ok(vm.usize(this::<Self>(object).algorithm.block_size() * 8))
        }),
        GetSetDef::new("_suffix", |vm, object| {
            Ok(vm.bytes(if this::<Self>(object).algorithm.is_extendable() { b"\x1f" } else { b"\x06" }))
        }),
    ];
    const SPONGE_METHODS: &'static [MethodDef] =
        &[Self::COPY, Self::DIGEST, Self::HEXDIGEST, Self::UPDATE_DATA];
    const SHAKE_METHODS: &'static [MethodDef] = &[
        Self::COPY,
        MethodDef::new(
            "digest($self, /, length)",
            |vm, args| shake_digest::<T>(vm, args, false),
            "Return the digest value as a bytes object.",
        ),
        MethodDef::new(
            "hexdigest($self, /, length)",
            |vm, args| shake_digest::<T>(vm, args, true),
            "Return the digest value as a string of hexadecimal digits.",
        ),
        Self::UPDATE_DATA,
    ];
}

fn shake_digest<const T: usize>(vm: &Vm, args: &[Object], as_hex: bool) -> Result {
    let length = unsigned(vm, &args[1], "unsigned long")?;
    if length >= MAX_LENGTH {
        return Err(vm.value_error("length is too large"));
    }
    extended_digest::<T>(vm, &args[0], length as usize, as_hex)
}

/// `length` bytes of an extendable digest, as bytes or digits.
pub fn extended_digest<const T: usize>(vm: &Vm, object: &Object, length: usize, as_hex: bool) -> Result {
    let state = this::<HashObject<T>>(object).state.snapshot(vm);
    if !as_hex {
        return bytes::build(vm, length, |out| state.finish(out));
    }
    let mut out = Vec::new();
    if out.try_reserve_exact(length).is_err() {
        return Err(vm.memory_error());
    }
    out.resize(length, 0);
    state.finish(&mut out);
    hex_text(vm, &out, None, 0)
}

/// The constructor of all types here, named for the first of them.
fn new<const T: usize>(
    vm: &Vm,
    class: &Type,
    algorithm: Algorithm,
    args: &[Object],
    kwnames: &[Object],
) -> Result {
    static SIG: Sig = Sig::new("sha3_224(data=<absent>, *, usedforsecurity=True, string=<absent>)");
    let bound = SIG.bind(vm, args, kwnames)?;
    vm.is_true(&bound[1])?;
    let data = initial(vm, &bound[0], &bound[2])?;
    start::<T>(vm, class, algorithm, data)
}

macro_rules! sponge_type {
    ($static:ident, $algorithm:ident, $name:literal, $methods:ident, $doc:expr) => {
        pub static $static: Type = Type::new::<HashObject<{ kinds::$static }>>(
            $name,
            &OBJECT,
            0,
            Slots {
                new: Some(|vm, class, args, kwnames| {
                    new::<{ kinds::$static }>(vm, class, Algorithm::$algorithm, args, kwnames)
                }),
                ..Slots::EMPTY
            },
            HashObject::<{ kinds::$static }>::$methods,
            HashObject::<{ kinds::$static }>::SPONGE_ATTRIBUTES,
        )
        .with_doc($doc);
    };
}

sponge_type!(
    SHA3_224,
    Sha3_224,
    "_sha3.sha3_224",
    SPONGE_METHODS,
    "sha3_224([data], *, usedforsecurity=True) -> SHA3 object\n\nReturn a new SHA3 hash object with a hashbit length of 28 bytes."
);
sponge_type!(
    SHA3_256,
    Sha3_256,
    "_sha3.sha3_256",
    SPONGE_METHODS,
    "sha3_256([data], *, usedforsecurity=True) -> SHA3 object\n\nReturn a new SHA3 hash object with a hashbit length of 32 bytes."
);
sponge_type!(
    SHA3_384,
    Sha3_384,
    "_sha3.sha3_384",
    SPONGE_METHODS,
    "sha3_384([data], *, usedforsecurity=True) -> SHA3 object\n\nReturn a new SHA3 hash object with a hashbit length of 48 bytes."
);
sponge_type!(
    SHA3_512,
    Sha3_512,
    "_sha3.sha3_512",
    SPONGE_METHODS,
    "sha3_512([data], *, usedforsecurity=True) -> SHA3 object\n\nReturn a new SHA3 hash object with a hashbit length of 64 bytes."
);
sponge_type!(
    SHAKE_128,
    Shake128,
    "_sha3.shake_128",
    SHAKE_METHODS,
    "shake_128([data], *, usedforsecurity=True) -> SHAKE object\n\nReturn a new SHAKE hash object."
);
sponge_type!(
    SHAKE_256,
    Shake256,
    "_sha3.shake_256",
    SHAKE_METHODS,
    "shake_256([data], *, usedforsecurity=True) -> SHAKE object\n\nReturn a new SHAKE hash object."
);

/// The module.
pub static SHA3_MODULE: ModuleDef = ModuleDef {
    name: "_sha3",
    doc: "",
    functions: &[],
    types: &[&SHA3_224, &SHA3_256, &SHA3_384, &SHA3_512, &SHAKE_128, &SHAKE_256],
    init: Some(|vm, module| {
        add_gil_minsize(vm, module)?;
        vm.set_attr_str(module, "implementation", &vm.intern("RustCrypto"))
    }),
};
