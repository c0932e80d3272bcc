//! What the modules have in common: streams that threads share, and decoders
//! that keep what they cannot use yet.

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

/// What a compressor gave, as bytes. None: it has ended, which `ended` says; an error
/// is the library's code, which `raise` puts in words.
pub fn compressed(
    vm: &Vm,
    result: Option<std::result::Result<Vec<u8>, i32>>,
    ended: &str,
    raise: fn(&Vm, i32) -> Raised,
) -> Result {
    match result {
        None => Err(vm.value_error(ended)),
        Some(Ok(out)) => taipan_runtime::types::bytes::new(vm, &out),
        Some(Err(code)) => Err(raise(vm, code)),
    }
}

/// First room for output, and least growth.
const FIRST_ROOM: usize = 16 * 1024;
/// Most growth at once.
const MAX_GROWTH: usize = 8 << 20;

/// How much room the next step gets.
pub fn growth(out: &[u8]) -> usize {
    out.len().clamp(FIRST_ROOM, MAX_GROWTH)
}

/// What one step of a decoder did.
pub struct Decoded {
    pub consumed: usize,
    pub produced: usize,
    /// The stream is at its end.
    pub end: bool,
}

/// The part of a decompressor that is its library's.
pub trait Decode {
    type Failure;
    /// One step with at most `room` bytes of output.
    fn step(
        &mut self,
        input: &[u8],
        out: &mut Vec<u8>,
        room: usize,
    ) -> std::result::Result<Decoded, Self::Failure>;
    /// There is no memory.
    fn no_memory() -> Self::Failure;
}

/// Why there is no output.
pub enum Fault<F> {
    /// The stream has ended before.
    AtEnd,
    Failure(F),
}

/// A decoder that keeps input it could not use, and what lies behind the end.
pub struct Buffered<D> {
    pub decoder: D,
    pub eof: bool,
    pub needs_input: bool,
    pub unused: Vec<u8>,
    pending: Vec<u8>,
}

impl<D: Decode> Buffered<D> {
    pub fn new(decoder: D) -> Buffered<D> {
        Buffered { decoder, eof: false, needs_input: true, unused: Vec::new(), pending: Vec::new() }
    }
    /// Forgets what was kept, after a failure.
    pub fn forget(&mut self) {
        self.pending.clear();
        self.needs_input = true;
    }
    /// Decompresses at most `limit` bytes of what was kept and of `data`.
    pub fn decompress(
        &mut self,
        data: &[u8],
        limit: usize,
    ) -> std::result::Result<Vec<u8>, Fault<D::Failure>> {
        if self.eof {
            return Err(Fault::AtEnd);
        }
        let no_memory = || Fault::Failure(D::no_memory());
        let mut held = std::mem::take(&mut self.pending);
        let input = if held.is_empty() {
            data
        } else {
            held.try_reserve(data.len()).map_err(|_| no_memory())?;
            held.extend_from_slice(data);
            &held
        };
        let (mut out, mut at) = (Vec::new(), 0);
        let full = loop {
            let room = growth(&out).min(limit.saturating_sub(out.len()));
            let step = self.decoder.step(&input[at..], &mut out, room).map_err(Fault::Failure)?;
            at += step.consumed;
            if step.end {
                self.eof = true;
                break false;
            }
            if step.produced == room {
                // There may be more.
                if out.len() >= limit {
                    break true;
                }
            } else if at >= input.len() || step.consumed == 0 && step.produced == 0 {
                break false;
            }
        };
        let rest = &input[at.min(input.len())..];
        let keep = if self.eof { &mut self.unused } else { &mut self.pending };
        keep.try_reserve(rest.len()).map_err(|_| no_memory())?;
        keep.extend_from_slice(rest);
        self.needs_input = !self.eof && self.pending.is_empty() && !full;
        Ok(out)
    }
}
