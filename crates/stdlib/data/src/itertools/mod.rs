//! `itertools`: the module and what its iterators share. The iterators stand
//! in files by kind: `endless` (count, cycle, repeat), `joining` (chain, zip_longest,
//! starmap, accumulate, pairwise, batched, islice), `choosing` (compress, dropwhile,
//! filterfalse, takewhile, groupby), `combinatorics` and `tee`.

mod choosing;
mod combinatorics;
mod endless;
mod joining;
mod tee;

use taipan_runtime::prelude::*;

/// Flags of the iterators a program may subclass.
const FLAGS: u64 = type_flags::BASE | type_flags::HAVE_GC;

/// The `__iter__` of iterators.
fn itself(_vm: &Vm, object: &Object) -> Result {
    Ok(object.clone())
}

/// The module.
pub static ITERTOOLS: ModuleDef = ModuleDef {
    name: "itertools",
    doc: "Iterators that build on other iterators.\n\nEndless: count, cycle, repeat.\nStopping at the shortest input: accumulate, batched, chain, compress, dropwhile,\ngroupby, filterfalse, islice, pairwise, starmap, tee, takewhile, zip_longest.\nCombinatorial: product, permutations, combinations, combinations_with_replacement.",
    functions: &[MethodDef::new(
        "tee(iterable, n=2, /)",
        tee::tee,
        "Returns a tuple of n independent iterators.",
    )],
    types: &[
        &joining::ACCUMULATE,
        &joining::BATCHED,
        &joining::CHAIN,
        &joining::ISLICE,
        &joining::PAIRWISE,
        &joining::STARMAP,
        &joining::ZIP_LONGEST,
        &choosing::COMPRESS,
        &choosing::DROPWHILE,
        &choosing::FILTERFALSE,
        &choosing::TAKEWHILE,
        &choosing::GROUPBY,
        &choosing::GROUPER,
        &combinatorics::COMBINATIONS,
        &combinatorics::COMBINATIONS_WITH_REPLACEMENT,
        &combinatorics::PERMUTATIONS,
        &combinatorics::PRODUCT,
        &endless::COUNT,
        &endless::CYCLE,
        &endless::REPEAT,
        &tee::TEE,
        &tee::TEE_DATAOBJECT,
    ],
    init: None,
};
