//! The combinatorial iterators of `itertools`: product, permutations,
//! combinations, combinations_with_replacement. Each keeps the items of its
//! latest tuple and changes only those that move.

use super::{FLAGS, itself};
use std::cell::RefCell;
use taipan_runtime::prelude::*;
use taipan_runtime::support::{allocate, this};
use taipan_runtime::types::object::OBJECT;
use taipan_runtime::types::{int, tuple};

/// What all four have.
struct State {
    pools: Vec<Vec<Object>>,
    indices: Vec<usize>,
    /// Permutations count these down.
    cycles: Vec<usize>,
    /// The items of the latest tuple.
    current: Vec<Object>,
    started: bool,
    stopped: bool,
}

impl State {
    fn new(pools: Vec<Vec<Object>>) -> State {
        State {
            pools,
            indices: Vec::new(),
            cycles: Vec::new(),
            current: Vec::new(),
            started: false,
            stopped: false,
        }
    }
    fn traverse(&self, visitor: &mut Visitor) {
        for item in self.pools.iter().flatten().chain(&self.current) {
            visitor.visit_object(item);
        }
    }
    fn size(&self) -> usize {
        let words: usize = self.indices.len() + self.cycles.len() + self.current.len() + 8;
        words * 8
    }
}

macro_rules! combinatorial {
    ($payload:ident, $static:ident, $name:literal, $new:ident, $step:ident, $doc:literal) => {
        #[doc = concat!("Payload of ", $name, ".")]
        pub struct $payload(RefCell<State>);

        impl NativeClass for $payload {
            fn class() -> &'static Type {
                &$static
            }
            fn traverse(&self, visitor: &mut Visitor) {
                if let Ok(state) = self.0.try_borrow() {
                    state.traverse(visitor);
                }
            }
            fn clear(&self) {
                let mut empty = State::new(Vec::new());
                empty.stopped = true;
                let old = self.0.replace(empty);
                drop(old);
            }
        }

        pub static $static: Type = Type::new::<$payload>(
            concat!("itertools.", $name),
            &OBJECT,
            FLAGS,
            Slots {
                new: Some($new),
                next: Some(|vm, object| {
                    // No Python code runs in a step: what it lets go of also stays in the pool.
                    let mut state = this::<$payload>(object).0.borrow_mut();
                    if state.stopped {
                        return Ok(None);
                    }
                    if !$step(&mut state) {
                        state.stopped = true;
                        return Ok(None);
                    }
                    Ok(Some(tuple::from_slice(vm, &state.current)))
                }),
                ..Slots::EMPTY.iter(itself)
            },
            &[MethodDef::new(
                "__sizeof__($self, /)",
                |vm, args| Ok(vm.usize(this::<$payload>(&args[0]).0.borrow().size())),
                "Returns size in memory, in bytes.",
            )],
            &[],
        )
        .with_doc($doc);
    };
}

combinatorial!(
    Product,
    PRODUCT,
    "product",
    product_new,
    product_step,
    "product(*iterables, repeat=1)\n--\n\nThe cartesian product of the iterables, as nested loops would give it."
);
combinatorial!(
    Permutations,
    PERMUTATIONS,
    "permutations",
    permutations_new,
    permutations_step,
    "permutations(iterable, r=None)\n--\n\nAll arrangements of r of the items."
);
combinatorial!(
    Combinations,
    COMBINATIONS,
    "combinations",
    combinations_new,
    combinations_step,
    "combinations(iterable, r)\n--\n\nAll choices of r of the items, in their order."
);
combinatorial!(
    CombinationsWithReplacement,
    COMBINATIONS_WITH_REPLACEMENT,
    "combinations_with_replacement",
    replacement_new,
    replacement_step,
    "combinations_with_replacement(iterable, r)\n--\n\nAll choices of r of the items, in their order, repetitions allowed."
);

// ---- product --------------------------------------------------------------------------

fn product_new(vm: &Vm, class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    let nargs = args.len() - kwnames.len();
    let mut repeat = 1;
    for (key, value) in kwnames.iter().zip(&args[nargs..]) {
        let key = vm.str_lossy(key);
        if key != "repeat" {
            return Err(vm.type_error(format!("product() got an unexpected keyword argument '{key}'")));
        }
        repeat = vm.index_isize(value)?;
    }
    if repeat < 0 {
        return Err(vm.value_error("repeat argument cannot be negative"));
    }
    let mut pools = Vec::with_capacity(nargs);
    if repeat > 0 {
        if nargs.checked_mul(repeat as usize).is_none_or(|n| n > isize::MAX as usize / 8) {
            return Err(vm.overflow_error("repeat argument too large"));
        }
        for iterable in &args[..nargs] {
            pools.push(vm.collect(iterable)?);
        }
    }
    let total = pools.len() * repeat as usize;
    if pools.try_reserve(total - pools.len()).is_err() {
        return Err(vm.memory_error());
    }
    let own = pools.len();
    for i in own..total {
        let pool: Vec<Object> = pools[i - own].clone();
        pools.push(pool);
    }
    let payload = Product(RefCell::new(State::new(pools)));
    allocate(vm, class, payload)
}

fn product_step(state: &mut State) -> bool {
    if !state.started {
        state.started = true;
        for pool in &state.pools {
            match pool.first() {
                Some(first) => state.current.push(first.clone()),
                None => return false,
            }
        }
        state.indices = vec![0; state.pools.len()];
        return true;
    }
    for i in (0..state.indices.len()).rev() {
        let pool = &state.pools[i];
        let index = state.indices[i] + 1;
        if index < pool.len() {
            state.indices[i] = index;
            state.current[i] = pool[index].clone();
            return true;
        }
        state.indices[i] = 0;
        state.current[i] = pool[0].clone();
    }
    false
}

// ---- permutations ---------------------------------------------------------------------

static PERMUTATIONS_SIG: Sig = Sig::new("permutations(iterable, r=None)");

fn permutations_new(vm: &Vm, class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    let bound = PERMUTATIONS_SIG.bind(vm, args, kwnames)?;
    let pool = vm.collect(&bound[0])?;
    let n = pool.len();
    let mut r = n;
    if let Some(given) = bound[1].some() {
        if !given.is_instance_of(&int::INT) {
            return Err(vm.type_error("Expected int as r"));
        }
        let given = vm.index_isize(given)?;
        if given < 0 {
            return Err(vm.value_error("r must be non-negative"));
        }
        r = given as usize;
    }
    let mut state = State::new(vec![pool]);
    state.stopped = r > n;
    if !state.stopped {
        state.indices = (0..n).collect();
        state.cycles = (0..r).map(|i| n - i).collect();
    }
    allocate(vm, class, Permutations(RefCell::new(state)))
}

fn permutations_step(state: &mut State) -> bool {
    let r = state.cycles.len();
    let pool = &state.pools[0];
    if !state.started {
        state.started = true;
        state.current = pool[..r].to_vec();
        return true;
    }
    let n = pool.len();
    for i in (0..r).rev() {
        state.cycles[i] -= 1;
        if state.cycles[i] == 0 {
            // The last of its kind at i: rotate the rest back.
            state.indices[i..].rotate_left(1);
            state.cycles[i] = n - i;
        } else {
            let j = state.cycles[i];
            state.indices.swap(i, n - j);
            for k in i..r {
                state.current[k] = pool[state.indices[k]].clone();
            }
            return true;
        }
    }
    false
}

// ---- combinations ---------------------------------------------------------------------

static COMBINATIONS_SIG: Sig = Sig::new("combinations(iterable, r)");
static REPLACEMENT_SIG: Sig = Sig::new("combinations_with_replacement(iterable, r)");

fn pool_and_size(vm: &Vm, bound: &[Object]) -> Result<(Vec<Object>, usize)> {
    let r = vm.index_isize(&bound[1])?;
    let pool = vm.collect(&bound[0])?;
    if r < 0 {
        return Err(vm.value_error("r must be non-negative"));
    }
    Ok((pool, r as usize))
}

fn combinations_new(vm: &Vm, class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    let (pool, r) = pool_and_size(vm, &COMBINATIONS_SIG.bind(vm, args, kwnames)?)?;
    let mut state = State::new(Vec::new());
    state.stopped = r > pool.len();
    if !state.stopped {
        state.indices = (0..r).collect();
    }
    state.pools.push(pool);
    allocate(vm, class, Combinations(RefCell::new(state)))
}

fn combinations_step(state: &mut State) -> bool {
    let pool = &state.pools[0];
    let (n, r) = (pool.len(), state.indices.len());
    if !state.started {
        state.started = true;
        state.current = pool[..r].to_vec();
        return true;
    }
    let Some(i) = (0..r).rev().find(|&i| state.indices[i] != i + n - r) else { return false };
    state.indices[i] += 1;
    for j in i..r {
        if j > i {
            state.indices[j] = state.indices[j - 1] + 1;
        }
        state.current[j] = pool[state.indices[j]].clone();
    }
    true
}

fn replacement_new(vm: &Vm, class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    let (pool, r) = pool_and_size(vm, &REPLACEMENT_SIG.bind(vm, args, kwnames)?)?;
    let mut state = State::new(Vec::new());
    state.stopped = pool.is_empty() && r > 0;
    if !state.stopped {
        let mut indices = Vec::new();
        if indices.try_reserve_exact(r).is_err() {
            return Err(vm.memory_error());
        }
        indices.resize(r, 0);
        state.indices = indices;
    }
    state.pools.push(pool);
    allocate(vm, class, CombinationsWithReplacement(RefCell::new(state)))
}

fn replacement_step(state: &mut State) -> bool {
    let pool = &state.pools[0];
    let (n, r) = (pool.len(), state.indices.len());
    if !state.started {
        state.started = true;
        if let Some(first) = pool.first() {
            state.current = vec![first.clone(); r];
        }
        return true;
    }
    let Some(i) = (0..r).rev().find(|&i| state.indices[i] + 1 != n) else { return false };
    let index = state.indices[i] + 1;
    for j in i..r {
        state.indices[j] = index;
        state.current[j] = pool[index].clone();
    }
    true
}
