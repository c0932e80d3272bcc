//! Where pickles are read from: bytes in memory, or a file of which no more is
//! taken than needed (what `peek` shows does not count as taken).

use super::state::unpickling_error;
use taipan_runtime::buffer::Buffer;
use taipan_runtime::names::name;
use taipan_runtime::prelude::*;
use taipan_runtime::types::memoryview;

/// How much of a file is looked at in advance, if it can be peeked.
const PREFETCH: usize = 128 * 1024;
/// Most bytes that are asked of a file at once into memory of our own.
const CHUNK: usize = 1 << 20;

/// A file's methods.
struct File {
    read: Object,
    readline: Object,
    readinto: Option<Object>,
    peek: Option<Object>,
}

/// The input of an unpickler.
#[derive(Default)]
pub struct Input {
    data: Option<Buffer>,
    position: usize,
    /// Up to here can be read: the end of the frame, or of all there is.
    limit: usize,
    in_frame: bool,
    /// Up to here the file itself has gone on.
    taken: usize,
    file: Option<File>,
}

impl Input {
    /// Bytes in memory.
    pub fn memory(data: Buffer) -> Input {
        let end = data.len();
        Input { taken: end, limit: end, data: Some(data), ..Input::default() }
    }
    pub fn file(vm: &Vm, file: &Object) -> Result<Input> {
        let peek = vm.lookup_attr_str(file, "peek")?;
        let readinto = vm.lookup_attr_str(file, "readinto")?;
        let read = vm.lookup_attr(file, name::read.object())?;
        let readline = vm.lookup_attr(file, name::readline.object())?;
        let (Some(read), Some(readline)) = (read, readline) else {
            return Err(vm.type_error("file must have 'read' and 'readline' attributes"));
        };
        let file = Some(File { read, readline, readinto, peek });
        Ok(Input { file, ..Input::default() })
    }
    /// Has it been set up?
    pub fn is_ready(&self) -> bool {
        self.file.is_some() || self.data.is_some()
    }
    pub fn visit(&self, visitor: &mut Visitor) {
        if let Some(file) = &self.file {
            visitor.visit_object(&file.read);
            visitor.visit_object(&file.readline);
            file.readinto.iter().chain(&file.peek).for_each(|object| visitor.visit_object(object));
        }
    }

    #[inline(always)]
    fn bytes(&self) -> &[u8] {
        self.data.as_ref().map_or(&[], |data| data.bytes())
    }
    fn set(&mut self, data: Buffer) {
        self.taken = data.len();
        self.limit = data.len();
        self.in_frame = false;
        self.position = 0;
        self.data = Some(data);
    }
    /// At the end of a frame comes what is behind it; before its end nothing may
    /// reach beyond.
    #[cold]
    fn leave_frame(&mut self, vm: &Vm) -> Result<()> {
        if self.in_frame {
            if self.position < self.limit {
                return Err(unpickling_error(vm, "pickle exhausted before end of frame"));
            }
            self.end_frame();
        }
        Ok(())
    }
    /// The pickle is at its end, and with it its last frame.
    pub fn end_frame(&mut self) {
        self.in_frame = false;
        self.limit = self.bytes().len();
    }
    #[cold]
    fn truncated(vm: &Vm) -> Raised {
        unpickling_error(vm, "pickle data was truncated")
    }

    /// Makes the file go on over what has only been peeked at.
    pub fn skip_consumed(&mut self, vm: &Vm) -> Result<()> {
        let consumed = self.position.saturating_sub(self.taken);
        let Some(file) = &self.file else { return Ok(()) };
        if consumed == 0 {
            return Ok(());
        }
        let read = file.read.clone();
        vm.call(&read, &[vm.usize(consumed)])?;
        self.taken = self.position;
        Ok(())
    }

    /// Looks `PREFETCH` bytes ahead; false if the file cannot do that.
    fn peek(&mut self, vm: &Vm) -> Result<bool> {
        let Some(peek) = self.file.as_ref().and_then(|file| file.peek.clone()) else { return Ok(false) };
        match vm.call(&peek, &[vm.usize(PREFETCH)]) {
            Ok(data) => {
                self.set(vm.bytes_like(&data, "peek()")?);
                self.taken = 0;
                Ok(true)
            }
            Err(raised) if vm.raised_is(&exc::NOT_IMPLEMENTED_ERROR) => {
                drop(vm.caught(raised));
                if let Some(file) = &mut self.file {
                    file.peek = None;
                }
                Ok(false)
            }
            Err(raised) => Err(raised),
        }
    }

    /// Gets at least `n` more bytes in place of those there are.
    #[cold]
    fn fill(&mut self, vm: &Vm, n: usize) -> Result<()> {
        self.skip_consumed(vm)?;
        if n < PREFETCH && self.peek(vm)? && self.bytes().len() >= n {
            return Ok(());
        }
        let Some(file) = &self.file else { return Err(Input::truncated(vm)) };
        let read = file.read.clone();
        let data = vm.call(&read, &[vm.usize(n)])?;
        self.set(vm.bytes_like(&data, "read()")?);
        if self.bytes().len() < n { Err(Input::truncated(vm)) } else { Ok(()) }
    }

    /// Are so many bytes in memory?
    pub fn has(&self, n: usize) -> bool {
        n <= self.limit - self.position
    }
    /// The next byte.
    #[inline]
    pub fn byte(&mut self, vm: &Vm) -> Result<u8> {
        if self.position == self.limit {
            return self.take(vm, 1).map(|bytes| bytes[0]);
        }
        let byte = self.bytes()[self.position];
        self.position += 1;
        Ok(byte)
    }
    /// Takes the next byte if it is this one and lies in memory.
    #[inline(always)]
    pub fn skip(&mut self, byte: u8) -> bool {
        let found = self.position < self.limit && self.bytes().get(self.position) == Some(&byte);
        self.position += found as usize;
        found
    }
    /// The next `n` bytes.
    #[inline]
    pub fn take(&mut self, vm: &Vm, n: usize) -> Result<&[u8]> {
        if n > self.limit - self.position {
            self.more(vm, n)?;
        }
        let start = self.position;
        self.position += n;
        Ok(&self.bytes()[start..start + n])
    }
    /// Makes `n` bytes readable.
    #[cold]
    fn more(&mut self, vm: &Vm, n: usize) -> Result<()> {
        if n > isize::MAX as usize - self.position {
            return Err(unpickling_error(vm, "read would overflow (invalid bytecode)"));
        }
        self.leave_frame(vm)?;
        if n <= self.limit - self.position {
            return Ok(());
        }
        if self.file.is_none() {
            return Err(Input::truncated(vm));
        }
        self.fill(vm, n)
    }
    /// As many bytes as the array has.
    #[inline]
    pub fn array<const N: usize>(&mut self, vm: &Vm) -> Result<[u8; N]> {
        let mut out = [0; N];
        out.copy_from_slice(self.take(vm, N)?);
        Ok(out)
    }
    /// A frame: all of it is to be there, but not yet read.
    pub fn frame(&mut self, vm: &Vm, size: usize) -> Result<()> {
        if self.in_frame {
            if self.position < self.limit {
                return Err(unpickling_error(vm, "beginning of a new frame before end of current frame"));
            }
            self.end_frame();
        }
        self.take(vm, size)?;
        self.limit = self.position;
        self.position -= size;
        self.in_frame = true;
        Ok(())
    }
    /// The next line, its newline included.
    pub fn line(&mut self, vm: &Vm) -> Result<Vec<u8>> {
        if self.position == self.limit {
            self.leave_frame(vm)?;
        }
        let rest = &self.bytes()[self.position..self.limit];
        if let Some(end) = rest.iter().position(|&b| b == b'\n') {
            let line = rest[..=end].to_vec();
            self.position += end + 1;
            return Ok(line);
        }
        self.leave_frame(vm)?;
        self.skip_consumed(vm)?;
        let Some(file) = &self.file else { return Err(Input::truncated(vm)) };
        let readline = file.readline.clone();
        let data = vm.call(&readline, &[])?;
        self.set(vm.bytes_like(&data, "readline()")?);
        self.position = self.bytes().len();
        match self.bytes() {
            line @ [.., b'\n'] => Ok(line.to_vec()),
            _ => Err(Input::truncated(vm)),
        }
    }

    /// `n` bytes as memory of their own; a claim that the file does not keep costs
    /// no more memory than what it has.
    pub fn owned(&mut self, vm: &Vm, n: usize) -> Result<Vec<u8>> {
        if n <= self.limit - self.position || self.file.is_none() {
            return self.take(vm, n).map(<[u8]>::to_vec);
        }
        self.leave_frame(vm)?;
        let rest = &self.bytes()[self.position..];
        if n <= rest.len() {
            return self.take(vm, n).map(<[u8]>::to_vec);
        }
        let mut out = rest.to_vec();
        self.position = self.limit;
        self.skip_consumed(vm)?;
        let Some(file) = &self.file else { return Err(Input::truncated(vm)) };
        let (read, readinto) = (file.read.clone(), file.readinto.clone());
        while out.len() < n {
            let wanted = n - out.len();
            let got = match &readinto {
                None => read_chunk(vm, &read, wanted, &mut out)?,
                Some(readinto) => read_into(vm, readinto, wanted.min(CHUNK.max(out.len())), &mut out)?,
            };
            if !got {
                return Err(Input::truncated(vm));
            }
        }
        Ok(out)
    }
}

/// All that is wanted by one `read`; false if it was less.
fn read_chunk(vm: &Vm, read: &Object, wanted: usize, out: &mut Vec<u8>) -> Result<bool> {
    let data = vm.call(read, &[vm.usize(wanted)])?;
    let Some(bytes) = data.downcast::<taipan_runtime::types::bytes::Bytes>() else {
        let shown = vm.repr_text(&data)?;
        return Err(vm.value_error(format!("read() returned non-bytes object ({shown})")));
    };
    let bytes = bytes.as_slice();
    if bytes.len() < wanted {
        return Ok(false);
    }
    append(vm, out, &bytes[..wanted])?;
    Ok(true)
}

/// One piece by `readinto`; false if it was not filled.
fn read_into(vm: &Vm, readinto: &Object, wanted: usize, out: &mut Vec<u8>) -> Result<bool> {
    let piece = taipan_runtime::types::bytearray::zeroed(vm, wanted)?;
    let view = memoryview::new(vm, &piece)?;
    let answer = vm.call(readinto, std::slice::from_ref(&view))?;
    let size = vm.index_isize(&answer)?;
    if size < 0 {
        return Err(vm.value_error("readinto() returned negative size"));
    }
    if (size as usize) < wanted {
        return Ok(false);
    }
    let buffer = vm.bytes_like(&piece, "piece")?;
    append(vm, out, buffer.bytes())?;
    Ok(true)
}

fn append(vm: &Vm, out: &mut Vec<u8>, bytes: &[u8]) -> Result<()> {
    if out.try_reserve(bytes.len()).is_err() {
        return Err(vm.memory_error());
    }
    out.extend_from_slice(bytes);
    Ok(())
}
