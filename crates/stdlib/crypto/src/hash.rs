//! `_md5`, `_sha1` and `_sha2`; and [`HashObject`], the payload of all types of
//! hash objects, with the methods and attributes they have in common.

use crate::algorithm::{Algorithm, State};
use crate::arguments::{GIL_MINSIZE, Shared, initial, input};
use crate::{blake2, hashlib, sha3};
use taipan_runtime::buffer::Buffer;
use taipan_runtime::prelude::*;
use taipan_runtime::support::{allocate, this};
use taipan_runtime::types::bytes;
use taipan_runtime::types::bytes_methods::hex_text;
use taipan_runtime::types::object::OBJECT;

/// Payload of hash objects; `T` tells their types apart (see [`kinds`]).
pub struct HashObject<const T: usize> {
    pub state: Shared<State>,
    pub algorithm: Algorithm,
    /// Bytes of the digest (BLAKE2's can be chosen).
    pub size: usize,
}

/// The values of `T`: indices into `TYPES`.
pub mod kinds {
    pub const MD5: usize = 0;
    pub const SHA1: usize = 1;
    pub const SHA224: usize = 2;
    pub const SHA256: usize = 3;
    pub const SHA384: usize = 4;
    pub const SHA512: usize = 5;
    pub const SHA3_224: usize = 6;
    pub const SHA3_256: usize = 7;
    pub const SHA3_384: usize = 8;
    pub const SHA3_512: usize = 9;
    pub const SHAKE_128: usize = 10;
    pub const SHAKE_256: usize = 11;
    pub const BLAKE2B: usize = 12;
    pub const BLAKE2S: usize = 13;
    /// `_hashlib.HASH` (and its subtype `HASHXOF`), which knows all algorithms.
    pub const HASH: usize = 14;
}

static TYPES: [&Type; 15] = [
    &MD5,
    &SHA1,
    &SHA224,
    &SHA256,
    &SHA384,
    &SHA512,
    &sha3::SHA3_224,
    &sha3::SHA3_256,
    &sha3::SHA3_384,
    &sha3::SHA3_512,
    &sha3::SHAKE_128,
    &sha3::SHAKE_256,
    &blake2::BLAKE2B,
    &blake2::BLAKE2S,
    &hashlib::HASH,
];

impl<const T: usize> NativeClass for HashObject<T> {
    fn class() -> &'static Type {
        TYPES[T]
    }
}

/// A new hash object that has read `data`.
pub fn new_object<const T: usize>(
    vm: &Vm,
    class: &Type,
    (algorithm, size, state): (Algorithm, usize, State),
    data: Option<Buffer>,
) -> Result {
    let state = Shared::new(state);
    if let Some(data) = data {
        state.feed(vm, data.bytes(), State::feed);
    }
    allocate(vm, class, HashObject::<T> { state, algorithm, size })
}

/// A new hash object of an algorithm as such.
pub fn start<const T: usize>(vm: &Vm, class: &Type, algorithm: Algorithm, data: Option<Buffer>) -> Result {
    new_object::<T>(vm, class, (algorithm, algorithm.digest_size(), algorithm.start()), data)
}

pub fn update<const T: usize>(vm: &Vm, args: &[Object]) -> Result {
    let data = input(vm, &args[1])?;
    this::<HashObject<T>>(&args[0]).state.feed(vm, data.bytes(), State::feed);
    Ok(Object::NONE)
}

fn digest_bytes<const T: usize>(vm: &Vm, object: &Object) -> Vec<u8> {
    let this = this::<HashObject<T>>(object);
    let mut out = vec![0; this.size];
    this.state.snapshot(vm).finish(&mut out);
    out
}

pub fn digest<const T: usize>(vm: &Vm, args: &[Object]) -> Result {
    bytes::new(vm, &digest_bytes::<T>(vm, &args[0]))
}

pub fn hexdigest<const T: usize>(vm: &Vm, args: &[Object]) -> Result {
    hex_text(vm, &digest_bytes::<T>(vm, &args[0]), None, 0)
}

pub fn copy<const T: usize>(vm: &Vm, args: &[Object]) -> Result {
    let this = this::<HashObject<T>>(&args[0]);
    let state = Shared::new(this.state.snapshot(vm));
    allocate(vm, args[0].ty(), HashObject::<T> { state, algorithm: this.algorithm, size: this.size })
}

/// `copy` of the types whose method refuses arguments in words of its own.
pub fn plain_copy<const T: usize>(vm: &Vm, args: &[Object], _kwnames: &[Object]) -> Result {
    if args.len() > 1 {
        return Err(vm.type_error("copy() takes no arguments"));
    }
    copy::<T>(vm, args)
}

impl<const T: usize> HashObject<T> {
    pub const DIGEST: MethodDef =
        MethodDef::new("digest($self, /)", digest::<T>, "Return the digest value as a bytes object.");
    pub const HEXDIGEST: MethodDef = MethodDef::new(
        "hexdigest($self, /)",
        hexdigest::<T>,
        "Return the digest value as a string of hexadecimal digits.",
    );
    pub const COPY: MethodDef =
        MethodDef::new("copy($self, /)", copy::<T>, "Return a copy of the hash object.");
    pub const NAME: GetSetDef =
        GetSetDef::new("name", |vm, object| Ok(vm.intern(this::<Self>(object).algorithm.name())));
    pub const BLOCK_SIZE: GetSetDef =
        GetSetDef::new("block_size", |vm, object| Ok(vm.usize(this::<Self>(object).algorithm.block_size())));
    pub const DIGEST_SIZE: GetSetDef =
        GetSetDef::new("digest_size", |vm, object| Ok(vm.usize(this::<Self>(object).size)));

    const METHODS: &'static [MethodDef] = &[
        MethodDef {
            hide_signature: false,
            ..MethodDef::raw("copy($self, /)", plain_copy::<T>, "Return a copy of the hash object.")
        },
        Self::DIGEST,
        Self::HEXDIGEST,
        MethodDef::new(
            "update($self, obj, /)",
            update::<T>,
            "Update this hash object's state with the provided string.",
        ),
    ];
    const ATTRIBUTES: &'static [GetSetDef] = &[Self::BLOCK_SIZE, Self::NAME, Self::DIGEST_SIZE];
}

const fn plain_type<const T: usize>(name: &'static str) -> Type {
    Type::new::<HashObject<T>>(
        name,
        &OBJECT,
        type_flags::DISALLOW_INSTANTIATION,
        Slots::EMPTY,
        HashObject::<T>::METHODS,
        HashObject::<T>::ATTRIBUTES,
    )
}

static MD5: Type = plain_type::<{ kinds::MD5 }>("_md5.md5");
static SHA1: Type = plain_type::<{ kinds::SHA1 }>("_sha1.sha1");
static SHA224: Type = plain_type::<{ kinds::SHA224 }>("_sha2.SHA224Type");
static SHA256: Type = plain_type::<{ kinds::SHA256 }>("_sha2.SHA256Type");
static SHA384: Type = plain_type::<{ kinds::SHA384 }>("_sha2.SHA384Type");
static SHA512: Type = plain_type::<{ kinds::SHA512 }>("_sha2.SHA512Type");

/// A constructor function: `name` is Python's, the rest what it makes.
macro_rules! constructor {
    ($name:literal, $kind:expr, $type:ident, $algorithm:ident, $doc:literal) => {
        MethodDef {
            hide_signature: false,
            ..MethodDef::raw(
                concat!($name, "(data=b'', *, usedforsecurity=True, string=None)"),
                |vm, args, kwnames| {
                    static SIG: Sig =
                        Sig::new(concat!($name, "(data=<absent>, *, usedforsecurity=True, string=<absent>)"));
                    let bound = SIG.bind(vm, args, kwnames)?;
                    vm.is_true(&bound[1])?;
                    let data = initial(vm, &bound[0], &bound[2])?;
                    start::<{ $kind }>(vm, &$type, Algorithm::$algorithm, data)
                },
                $doc,
            )
        }
    };
}

/// Puts `_GIL_MINSIZE` into a module.
pub fn add_gil_minsize(vm: &Vm, module: &Object) -> Result<()> {
    vm.set_attr_str(module, "_GIL_MINSIZE", &vm.usize(GIL_MINSIZE))
}

/// `_md5`.
pub static MD5_MODULE: ModuleDef = ModuleDef {
    name: "_md5",
    doc: "",
    functions: &[constructor!(
        "md5",
        kinds::MD5,
        MD5,
        Md5,
        "Return a new MD5 hash object; optionally initialized with a string."
    )],
    types: &[&MD5],
    init: Some(|vm, module| {
        vm.set_attr_str(module, "MD5Type", &MD5.to_object())?;
        add_gil_minsize(vm, module)
    }),
};

/// `_sha1`.
pub static SHA1_MODULE: ModuleDef = ModuleDef {
    name: "_sha1",
    doc: "",
    functions: &[constructor!(
        "sha1",
        kinds::SHA1,
        SHA1,
        Sha1,
        "Return a new SHA1 hash object; optionally initialized with a string."
    )],
    types: &[&SHA1],
    init: Some(|vm, module| {
        vm.set_attr_str(module, "SHA1Type", &SHA1.to_object())?;
        add_gil_minsize(vm, module)
    }),
};

/// `_sha2`.
pub static SHA2_MODULE: ModuleDef = ModuleDef {
    name: "_sha2",
    doc: "",
    functions: &[
        constructor!(
            "sha224",
            kinds::SHA224,
            SHA224,
            Sha224,
            "Return a new SHA-224 hash object; optionally initialized with a string."
        ),
        constructor!(
            "sha256",
            kinds::SHA256,
            SHA256,
            Sha256,
            "Return a new SHA-256 hash object; optionally initialized with a string."
        ),
        constructor!(
            "sha384",
            kinds::SHA384,
            SHA384,
            Sha384,
            "Return a new SHA-384 hash object; optionally initialized with a string."
        ),
        constructor!(
            "sha512",
            kinds::SHA512,
            SHA512,
            Sha512,
            "Return a new SHA-512 hash object; optionally initialized with a string."
        ),
    ],
    types: &[&SHA224, &SHA256, &SHA384, &SHA512],
    init: Some(add_gil_minsize),
};
