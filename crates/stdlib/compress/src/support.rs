//! What the modules have in common: streams that threads share, arguments of
//! methods in CPython's words.

use std::sync::{Mutex, PoisonError};
use taipan_runtime::prelude::*;

/// A stream at work. All work on it is done without the GIL and under its lock.
pub struct Shared<T>(Mutex<T>);

impl<T> Shared<T> {
    pub fn new(state: T) -> Shared<T> {
        Shared(Mutex::new(state))
    }
    /// Works on the state. `work` must not touch objects.
    pub fn work<R>(&self, vm: &Vm, work: impl FnOnce(&mut T) -> R) -> R {
        vm.without_gil(|| work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner)))
    }
    /// A quick look at the state; waits without the GIL if somebody works on it,
    /// so that `look` must not touch objects, either.
    pub fn look<R>(&self, vm: &Vm, look: impl FnOnce(&mut T) -> R) -> R {
        match self.0.try_lock() {
            Ok(mut state) => look(&mut state),
            Err(_) => self.work(vm, look),
        }
    }
}

/// Checks the arguments of a method whose parameters are all positional-only
/// but which CPython calls with its class: `args` begins with self.
pub fn check_positional(
    vm: &Vm,
    name: &str,
    args: &[Object],
    kwnames: &[Object],
    (least, most): (usize, usize),
) -> Result<()> {
    let total = args.len() - 1;
    let given = total - kwnames.len();
    let plural = |n: usize| if n == 1 { "" } else { "s" };
    if given < least {
        let word = if least == most { "exactly" } else { "at least" };
        let s = plural(least);
        return Err(
            vm.type_error(format!("{name}() takes {word} {least} positional argument{s} ({given} given)"))
        );
    }
    if total > most {
        if most == 0 {
            return Err(vm.type_error(format!("{name}() takes no arguments")));
        }
        let s = plural(most);
        return Err(vm.type_error(format!("{name}() takes at most {most} argument{s} ({total} given)")));
    }
    if let Some(keyword) = kwnames.first() {
        let shown = vm.str_lossy(keyword);
        return Err(vm.type_error(format!("{name}() got an unexpected keyword argument '{shown}'")));
    }
    Ok(())
}
