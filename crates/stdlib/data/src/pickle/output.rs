//! The pickle as it is being written: [`Sink`] has the bytes, with their
//! frames, and the memo. Nothing here runs Python code.
//!
//! While frames are used one is always open, so that writing looks for none:
//! its header is filled in, or taken out, when it is closed.

use super::memo::PickleMemo;
use super::opcodes::*;
use std::cell::RefCell;
use taipan_runtime::prelude::*;
use taipan_runtime::types::bytes::{self, Bytes};

/// What a pickler has written, and what it remembers of it.
pub struct Sink {
    bytes: Vec<u8>,
    /// Data that stays where it is until all is put together: at which position
    /// of `bytes` which bytes object comes.
    large: Vec<(usize, Object)>,
    /// Where the open frame's header will be.
    frame: Option<usize>,
    /// At this size of `bytes` the open frame is full.
    limit: usize,
    pub memo: PickleMemo,
}

impl Default for Sink {
    fn default() -> Sink {
        Sink {
            bytes: Vec::new(),
            large: Vec::new(),
            frame: None,
            limit: usize::MAX,
            memo: PickleMemo::default(),
        }
    }
}

/// The least memory that is asked for.
const FIRST_ROOM: usize = 1024;
/// The most that is kept for another pickle.
const MOST_SPARE_ROOM: usize = 1 << 16;

thread_local! {
    /// An empty sink with memory, for the next pickler of this thread.
    static SPARE: RefCell<Sink> = RefCell::default();
}

impl Sink {
    /// An empty sink.
    pub fn new() -> Sink {
        SPARE.try_with(RefCell::take).unwrap_or_default()
    }
    /// Leaves the memory to another pickler.
    pub fn recycle(mut self) {
        self.clear();
        self.memo.clear();
        self.bytes.shrink_to(MOST_SPARE_ROOM);
        // A thread that ends keeps none.
        drop(SPARE.try_with(|spare| spare.replace(self)));
    }
    /// Forgets what has been written.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.large.clear();
        (self.frame, self.limit) = (None, usize::MAX);
    }
    #[cold]
    fn grow(&mut self, vm: &Vm, n: usize) -> Result<()> {
        self.bytes.try_reserve(n.max(FIRST_ROOM)).map_err(|_| vm.memory_error())
    }
    #[inline(always)]
    fn reserve(&mut self, vm: &Vm, n: usize) -> Result<()> {
        if self.bytes.capacity() - self.bytes.len() < n { self.grow(vm, n) } else { Ok(()) }
    }
    /// Appends a few bytes.
    #[inline(always)]
    pub fn put<const N: usize>(&mut self, vm: &Vm, bytes: [u8; N]) -> Result<()> {
        self.reserve(vm, N)?;
        self.bytes.extend_from_slice(&bytes);
        Ok(())
    }
    /// Appends any number of bytes.
    #[inline(always)]
    pub fn put_slice(&mut self, vm: &Vm, bytes: &[u8]) -> Result<()> {
        self.reserve(vm, bytes.len())?;
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }
    #[inline(always)]
    pub fn op(&mut self, vm: &Vm, opcode: u8) -> Result<()> {
        self.put(vm, [opcode])
    }
    /// Appends a header and what belongs to it.
    #[inline(always)]
    pub fn put_both<const N: usize>(&mut self, vm: &Vm, header: [u8; N], data: &[u8]) -> Result<()> {
        self.reserve(vm, N.saturating_add(data.len()))?;
        self.bytes.extend_from_slice(&header);
        self.bytes.extend_from_slice(data);
        Ok(())
    }
    /// Appends a bytes object without a copy.
    pub fn put_large(&mut self, vm: &Vm, object: &Object) -> Result<()> {
        if self.large.try_reserve(1).is_err() {
            return Err(vm.memory_error());
        }
        self.large.push((self.bytes.len(), object.clone()));
        Ok(())
    }

    // ---- frames -----------------------------------------------------------------------

    pub fn open_frame(&mut self, vm: &Vm) -> Result<()> {
        let start = self.bytes.len();
        self.put(vm, [0xfe; FRAME_HEADER_SIZE])?;
        (self.frame, self.limit) = (Some(start), start + FRAME_HEADER_SIZE + FRAME_SIZE_TARGET);
        Ok(())
    }
    pub fn has_frame(&self) -> bool {
        self.frame.is_some()
    }
    /// Is there a frame that is long enough?
    #[inline(always)]
    pub fn is_full(&self) -> bool {
        self.bytes.len() >= self.limit
    }
    /// Closes the open frame; a short one loses its header.
    pub fn close_frame(&mut self) {
        self.limit = usize::MAX;
        let Some(start) = self.frame.take() else { return };
        let content = start + FRAME_HEADER_SIZE;
        let size = self.bytes.len() - content;
        if size >= FRAME_SIZE_MIN {
            self.bytes[start] = FRAME;
            self.bytes[start + 1..content].copy_from_slice(&(size as u64).to_le_bytes());
        } else {
            self.bytes.drain(start..content);
        }
    }

    /// All that has been written so far, which is then forgotten.
    pub fn finish(&mut self, vm: &Vm) -> Result {
        self.close_frame();
        let all = if self.large.is_empty() {
            bytes::new(vm, &self.bytes)
        } else {
            let mut parts = Vec::with_capacity(2 * self.large.len() + 1);
            let mut start = 0;
            for (position, object) in &self.large {
                let data = object.downcast::<Bytes>().map_or(&[][..], |b| b.as_slice());
                parts.extend([&self.bytes[start..*position], data]);
                start = *position;
            }
            parts.push(&self.bytes[start..]);
            bytes::concat(vm, &parts)
        };
        self.clear();
        all
    }
}
