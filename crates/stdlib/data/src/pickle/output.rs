//! The pickle as it is being written: framing, and flushing to a file.

use super::opcodes::*;
use std::cell::RefCell;
use taipan_runtime::prelude::*;
use taipan_runtime::types::bytes::{self, BYTES, Bytes};
use taipan_runtime::types::cell::ObjectCell;

#[derive(Default)]
struct Written {
    bytes: Vec<u8>,
    /// Data that stays where it is until all is put together: at which position
    /// of `bytes` which bytes object comes.
    large: Vec<(usize, Object)>,
    framing: bool,
    /// Where the open frame's header will be.
    frame: Option<usize>,
}

/// The output of a pickler.
#[derive(Default)]
pub struct Output {
    written: RefCell<Written>,
    /// The file's `write`; without it all stays in memory.
    pub write: ObjectCell,
}

impl Output {
    /// Starts over; frames are used if `framing`.
    pub fn clear(&self) {
        *self.written.borrow_mut() = Written::default();
    }
    pub fn set_framing(&self, framing: bool) {
        self.written.borrow_mut().framing = framing;
    }
    /// Appends bytes, to a frame if there are frames.
    #[inline]
    pub fn put(&self, vm: &Vm, bytes: &[u8]) -> Result<()> {
        let mut written = self.written.borrow_mut();
        let Written { bytes: out, framing, frame, .. } = &mut *written;
        if out.capacity() - out.len() < bytes.len() + FRAME_HEADER_SIZE
            && out.try_reserve(bytes.len() + FRAME_HEADER_SIZE).is_err()
        {
            return Err(vm.memory_error());
        }
        if *framing && frame.is_none() {
            *frame = Some(out.len());
            out.extend_from_slice(&[0xfe; FRAME_HEADER_SIZE]);
        }
        out.extend_from_slice(bytes);
        Ok(())
    }
    #[inline]
    pub fn op(&self, vm: &Vm, opcode: u8) -> Result<()> {
        self.put(vm, &[opcode])
    }
    /// Closes the open frame.
    pub fn commit_frame(&self) {
        let mut written = self.written.borrow_mut();
        let Some(start) = written.frame.take() else { return };
        let content = start + FRAME_HEADER_SIZE;
        let size = written.bytes.len() - content;
        if size >= FRAME_SIZE_MIN {
            written.bytes[start] = FRAME;
            written.bytes[start + 1..content].copy_from_slice(&(size as u64).to_le_bytes());
        } else {
            written.bytes.drain(start..content);
        }
    }
    /// Between two objects: a frame that is long enough is closed and written.
    #[inline]
    pub fn boundary(&self, vm: &Vm) -> Result<()> {
        let full = {
            let written = self.written.borrow();
            written
                .frame
                .is_some_and(|start| written.bytes.len() - start - FRAME_HEADER_SIZE >= FRAME_SIZE_TARGET)
        };
        if !full {
            return Ok(());
        }
        self.commit_frame();
        if self.write.is_empty() { Ok(()) } else { self.flush(vm) }
    }
    /// All that has been written so far, which is then forgotten.
    pub fn finish(&self, vm: &Vm) -> Result {
        self.commit_frame();
        let (bytes, large) = {
            let mut written = self.written.borrow_mut();
            (std::mem::take(&mut written.bytes), std::mem::take(&mut written.large))
        };
        if large.is_empty() {
            return bytes::new(vm, &bytes);
        }
        let mut parts = Vec::with_capacity(2 * large.len() + 1);
        let mut start = 0;
        for (position, object) in &large {
            parts
                .extend([&bytes[start..*position], object.downcast::<Bytes>().map_or(&[], |b| b.as_slice())]);
            start = *position;
        }
        parts.push(&bytes[start..]);
        bytes::concat(vm, &parts)
    }
    /// Gives all that has been written to the file.
    pub fn flush(&self, vm: &Vm) -> Result<()> {
        let Some(write) = self.write.bound() else { return Ok(()) };
        let bytes = self.finish(vm)?;
        vm.call(&write, &[bytes]).map(drop)
    }
    /// A header and its data. Long data goes without a frame and, being
    /// `payload`, to the file without a copy.
    pub fn put_data(&self, vm: &Vm, header: &[u8], data: &[u8], payload: Option<&Object>) -> Result<()> {
        if data.len() < FRAME_SIZE_TARGET {
            self.put(vm, header)?;
            return self.put(vm, data);
        }
        self.commit_frame();
        let framing = std::mem::replace(&mut self.written.borrow_mut().framing, false);
        self.put(vm, header)?;
        match self.write.bound() {
            Some(write) => {
                self.flush(vm)?;
                let payload = match payload {
                    Some(payload) => payload.clone(),
                    None => bytes::new(vm, data)?,
                };
                vm.call(&write, &[payload])?;
            }
            None => match payload.filter(|payload| payload.ty().is(&BYTES)) {
                Some(payload) => {
                    let mut written = self.written.borrow_mut();
                    let position = written.bytes.len();
                    written.large.push((position, payload.clone()));
                }
                None => self.put(vm, data)?,
            },
        }
        self.written.borrow_mut().framing = framing;
        Ok(())
    }
}
