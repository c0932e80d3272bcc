//! `_random`: the Mersenne Twister as an object.

use std::cell::RefCell;
use taipan_numeric::BigInt;
use taipan_numeric::random::MersenneTwister;
use taipan_runtime::prelude::*;
use taipan_runtime::support::{allocate, check_arity, checks_arguments, this};
use taipan_runtime::types::int;
use taipan_runtime::types::object::OBJECT;

/// The module.
pub static RANDOM: ModuleDef = ModuleDef {
    name: "_random",
    doc: "Module implements the Mersenne Twister random number generator.",
    functions: &[],
    types: &[&RANDOM_TYPE],
    init: None,
};

/// Payload of Random.
pub struct Random(RefCell<MersenneTwister>);

impl NativeClass for Random {
    fn class() -> &'static Type {
        &RANDOM_TYPE
    }
}

pub static RANDOM_TYPE: Type = Type::new::<Random>(
    "_random.Random",
    &OBJECT,
    type_flags::BASE,
    Slots {
        new: Some(|vm, class, _, _| allocate(vm, class, Random(RefCell::new(MersenneTwister::from_number(5489))))),
        init: Some(|vm, object, args, kwnames| {
            if !kwnames.is_empty() && checks_arguments(object.ty(), &RANDOM_TYPE) {
                return Err(vm.type_error("Random() takes no keyword arguments"));
            }
            let args = &args[..args.len() - kwnames.len()];
            check_arity(vm, "Random", args.len(), 0, 1)?;
            seed(vm, this(object), args.first())
        }),
        ..Slots::EMPTY
    },
    &[
        MethodDef::new("random($self, /)", |vm, args| Ok(vm.float(this::<Random>(&args[0]).0.borrow_mut().random())), "random() -> x in the interval [0, 1)."),
        MethodDef::new("seed($self, n=None, /)", |vm, args| {
            seed(vm, this(&args[0]), Some(&args[1]))?;
            Ok(Object::NONE)
        }, "seed([n]) -> None.\n\nDefaults to use urandom and falls back to a combination\nof the current time and the process identifier."),
        MethodDef::new("getstate($self, /)", getstate, "getstate() -> tuple containing the current state."),
        MethodDef::new("setstate($self, state, /)", setstate, "setstate(state) -> None.  Restores generator state."),
        MethodDef::new("getrandbits($self, k, /)", getrandbits, "getrandbits(k) -> x.  Generates an int with k random bits."),
    ],
    &[],
)
.with_doc("Random() -> create a random number generator with its own internal state.");

fn seed(vm: &Vm, random: &Random, seed: Option<&Object>) -> Result<()> {
    let new = match seed.and_then(|seed| seed.some()) {
        None => {
            let mut bytes = [0u8; 624 * 4];
            if taipan_host::entropy::fill(&mut bytes).is_err() {
                let address = vm as *const Vm as usize as u64;
                bytes[..8].copy_from_slice(&address.to_ne_bytes());
            }
            let (words, _) = bytes.as_chunks::<4>();
            let key: Vec<u32> = words.iter().map(|word| u32::from_ne_bytes(*word)).collect();
            MersenneTwister::from_key(&key)
        }
        Some(seed) => {
            let number = match int::to_big(seed) {
                Some(n) if int::is_exact(seed) => n,
                Some(_) => {
                    let positive = vm.unary(UnaryOp::Abs, seed)?;
                    int::to_big(&positive).unwrap_or_default()
                }
                None => BigInt::from(vm.hash(seed)? as u64),
            };
            MersenneTwister::from_int(&number)
        }
    };
    *random.0.borrow_mut() = new;
    Ok(())
}

fn getstate(vm: &Vm, args: &[Object]) -> Result {
    let twister = this::<Random>(&args[0]).0.borrow();
    let (words, index) = twister.state();
    let mut out: Vec<Object> = words.iter().map(|&word| vm.int(word as i64)).collect();
    out.push(vm.usize(index));
    Ok(vm.tuple(out))
}

fn setstate(vm: &Vm, args: &[Object]) -> Result {
    let Some(tuple) = args[1].downcast::<Tuple>() else {
        return Err(vm.type_error("state vector must be a tuple"));
    };
    let items = tuple.items();
    if items.len() != 625 {
        return Err(vm.value_error("state vector is the wrong size"));
    }
    let mut words = [0u32; 624];
    for (word, item) in words.iter_mut().zip(items) {
        if !int::is_any_int(item) {
            return Err(vm.type_error("an integer is required"));
        }
        if int::is_negative(item) {
            return Err(vm.overflow_error("can't convert negative value to unsigned int"));
        }
        let Some(n) = int::to_u64(item) else {
            return Err(vm.overflow_error("Python int too large to convert to C unsigned long"));
        };
        *word = n as u32;
    }
    let index = vm.to_i64(&items[624])?;
    let new = usize::try_from(index).ok().and_then(|index| MersenneTwister::from_state(words, index));
    match new {
        Some(new) => {
            *this::<Random>(&args[0]).0.borrow_mut() = new;
            Ok(Object::NONE)
        }
        None => Err(vm.value_error("invalid state")),
    }
}

fn getrandbits(vm: &Vm, args: &[Object]) -> Result {
    let k = vm.index(&args[1])?;
    if int::is_negative(&k) {
        return Err(vm.value_error("Cannot convert negative int"));
    }
    let Some(k) = int::to_u64(&k) else {
        return Err(vm.overflow_error("Python int too large for C uint64_t"));
    };
    let mut twister = this::<Random>(&args[0]).0.borrow_mut();
    match k {
        0 => Ok(vm.int(0)),
        1..=64 => Ok(vm.u64(twister.bits64(k as u32))),
        _ => twister.getrandbits(k).map(|n| int::from_big(vm, n)).map_err(|e| int::error(vm, e)),
    }
}
