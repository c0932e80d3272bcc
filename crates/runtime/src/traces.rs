//! Where memory was allocated (`tracemalloc`): a table of all pieces of memory that
//! were made since tracing began, of objects as of buffers, with the lines of Python
//! that ran then. It lies outside of the heap, and who works with it is alone (see
//! [`taipan_object::watch`]).
//!
//! Frames know where they are only when something asks: while memory is traced,
//! threads use a table of handlers that says so before each instruction
//! (`interp::placed`).

use crate::interp::events;
use crate::interp::frame::Frame;
use crate::prelude::*;
use crate::shared::AddressHasher;
use crate::types::str;
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use taipan_bytecode::Opcode;
use taipan_object::watch::{self, Watcher};
use taipan_object::{heap, small};

/// The highest number of frames that a traceback may have.
pub const MAX_FRAMES: usize = 0xffff;

/// A file by its number, and a line in it.
type Place = (u32, u32);

/// What is known of one piece of memory.
#[derive(Clone, Copy)]
struct Trace {
    size: usize,
    /// In `Table::tracebacks`.
    traceback: u32,
    /// The last one that was made is shown first.
    order: u32,
}

/// The innermost frames, beginning with the innermost, and the number of all.
#[derive(PartialEq, Eq, Hash, Clone, Default)]
struct Traceback {
    frames: Vec<Place>,
    total: u32,
}

#[derive(Default)]
struct Table {
    limit: usize,
    traces: HashMap<usize, Trace, AddressHasher>,
    /// How many were made.
    order: u32,
    current: usize,
    peak: usize,
    tracebacks: Vec<Arc<Traceback>>,
    numbers: HashMap<Arc<Traceback>, u32>,
    /// The traceback that was last asked for.
    last: u32,
    /// The places of instructions, by the serial number of their code.
    places: HashMap<(u32, u32), Place>,
    files: Vec<Vec<u8>>,
    file_numbers: HashMap<Vec<u8>, u32>,
    serials: u32,
    work: Traceback,
}

/// Looked at within [`watch::alone`] or by the watcher only, so that nobody waits for it.
static TABLE: Mutex<Option<Table>> = Mutex::new(None);

/// The limit that the last `start` set.
static LIMIT: AtomicUsize = AtomicUsize::new(1);

static WATCHER: Watcher = Watcher { made, gone };

fn table() -> MutexGuard<'static, Option<Table>> {
    TABLE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn with_table<R>(work: impl FnOnce(&mut Table) -> R) -> Option<R> {
    table().as_mut().map(work)
}

fn made(address: usize, size: usize) {
    with_table(|table| {
        let traceback = table.here();
        table.order = table.order.wrapping_add(1);
        let old = table.traces.insert(address, Trace { size, traceback, order: table.order });
        table.current = table.current.saturating_sub(old.map_or(0, |old| old.size)).saturating_add(size);
        table.peak = table.peak.max(table.current);
    });
}

fn gone(address: usize) {
    with_table(|table| {
        if let Some(old) = table.traces.remove(&address) {
            table.current = table.current.saturating_sub(old.size);
        }
    });
}

impl Table {
    /// The number of the traceback of this thread as it is now.
    fn here(&mut self) -> u32 {
        let mut work = std::mem::take(&mut self.work);
        work.frames.clear();
        work.total = 0;
        if Vm::is_attached() {
            self.walk(Vm::current(), &mut work);
        }
        if work.frames.is_empty() {
            let unknown = self.file(b"<unknown>");
            work.frames.push((unknown, 0));
            work.total = 1;
        }
        let same = self.tracebacks.get(self.last as usize).is_some_and(|last| **last == work);
        if !same {
            self.last = match self.numbers.get(&work) {
                Some(&number) => number,
                None => {
                    let number = self.tracebacks.len() as u32;
                    let kept = Arc::new(work.clone());
                    self.tracebacks.push(kept.clone());
                    self.numbers.insert(kept, number);
                    number
                }
            };
        }
        self.work = work;
        self.last
    }

    /// The frames of this thread. What a frame makes before its code proper begins (cells, generators)
    /// belongs to whoever called it.
    fn walk(&mut self, vm: &Vm, out: &mut Traceback) {
        let mut frame: *const Frame = vm.frame.get();
        // SAFETY: the thread's own frames, their functions and code are alive.
        while let Some(f) = unsafe { frame.as_ref() } {
            if out.total > 0 || begun(f) {
                out.total = out.total.saturating_add(1);
                if out.frames.len() < self.limit {
                    let place = self.place(f);
                    out.frames.push(place);
                }
            }
            frame = f.previous;
        }
    }

    fn place(&mut self, frame: &Frame) -> Place {
        // SAFETY: as above.
        let code = unsafe { &*frame.code };
        if code.serial.get() == 0 {
            self.serials += 1;
            code.serial.set(self.serials);
        }
        let key = (code.serial.get(), frame.instruction_index() as u32);
        if let Some(&place) = self.places.get(&key) {
            return place;
        }
        let filename = code.filename.value();
        let file = match Object::borrow_value(&filename).downcast::<Str>() {
            Some(name) => self.file(&name.to_wtf8()),
            None => self.file(b"<unknown>"),
        };
        let place = (file, frame.line());
        self.places.insert(key, place);
        place
    }

    fn file(&mut self, name: &[u8]) -> u32 {
        if let Some(&number) = self.file_numbers.get(name) {
            return number;
        }
        let number = self.files.len() as u32;
        self.files.push(name.to_vec());
        self.file_numbers.insert(name.to_vec(), number);
        number
    }

    /// Forgets all traces, not the numbers that code objects have.
    fn clear(&mut self) {
        *self = Table { limit: self.limit, serials: self.serials, ..Table::default() };
    }

    /// Bytes that the tables take, about.
    fn memory(&self) -> usize {
        let frames: usize = self.tracebacks.iter().map(|t| t.frames.capacity()).sum();
        let names: usize = self.files.iter().map(|name| name.capacity()).sum();
        self.traces.capacity() * (size_of::<usize>() + size_of::<Trace>() + 1)
            + self.tracebacks.capacity() * (size_of::<Traceback>() + 2 * size_of::<usize>())
            + self.numbers.capacity() * (2 * size_of::<usize>() + 1)
            + frames * size_of::<Place>()
            + self.places.capacity() * (2 * size_of::<Place>() + 1)
            + 2 * (names + self.files.capacity() * size_of::<Vec<u8>>())
    }
}

/// Does the frame's code proper run already?
fn begun(frame: &Frame) -> bool {
    // SAFETY: the code of a frame is alive, and `ip` points behind an instruction of it or to its first.
    unsafe {
        let start = (*frame.code).instructions_ptr().cast_const();
        if frame.ip == start {
            return false;
        }
        let op = (*frame.ip.sub(1)).op_byte();
        op != Opcode::MakeCell as u8 && op != Opcode::ReturnGenerator as u8 && op != Opcode::ReadBody as u8
    }
}

// ---- for the module -----------------------------------------------------------------------------

/// Is memory traced?
pub fn is_tracing() -> bool {
    watch::is_on()
}

/// The number of frames that tracebacks have at most.
pub fn limit() -> usize {
    LIMIT.load(Ordering::Relaxed)
}

/// Begins to trace, with at most `limit` frames for each piece of memory.
pub fn start(vm: &Vm, limit: usize) {
    if is_tracing() {
        return;
    }
    LIMIT.store(limit, Ordering::Relaxed);
    watch::alone(|| {
        let mut table = table();
        // Code objects keep their serial numbers.
        let serials = table.take().map_or(0, |old| old.serials);
        *table = Some(Table { limit, serials, ..Table::default() });
    });
    watch::begin(&WATCHER);
    follow(vm);
}

/// Traces no more and forgets what was traced.
pub fn stop(vm: &Vm) {
    if !is_tracing() {
        return;
    }
    watch::end();
    follow(vm);
    clear();
}

/// Heap, allocator and loops are to know whether memory is traced.
fn follow(vm: &Vm) {
    // SAFETY: this thread holds the GIL.
    unsafe { (*heap::current()).follow_watch() };
    small::follow_watch();
    events::refresh(vm);
}

/// Forgets what was traced.
pub fn clear() {
    watch::alone(|| with_table(Table::clear));
}

/// Bytes of what is traced now, and the most there ever were.
pub fn traced_memory() -> (usize, usize) {
    if !is_tracing() {
        return (0, 0);
    }
    watch::alone(|| with_table(|table| (table.current, table.peak))).unwrap_or_default()
}

/// From now on the most is what there is now.
pub fn reset_peak() {
    watch::alone(|| with_table(|table| table.peak = table.current));
}

/// Bytes that all this takes.
pub fn own_memory() -> usize {
    watch::alone(|| with_table(|table| table.memory())).unwrap_or_default()
}

/// The traceback of a known piece of memory: its frames, the innermost first, as a tuple of (file, line).
pub fn of_object(vm: &Vm, object: &Object) -> Option<Object> {
    let address = object.header()? as *const _ as usize;
    if !is_tracing() {
        return None;
    }
    let found = watch::alone(|| {
        with_table(|table| {
            let trace = table.traces.get(&address)?;
            let traceback = table.tracebacks.get(trace.traceback as usize)?;
            let name =
                |&(file, line): &Place| (table.files.get(file as usize).cloned().unwrap_or_default(), line);
            Some(traceback.frames.iter().map(name).collect::<Vec<_>>())
        })
    })??;
    watch::unseen(|| {
        let frame =
            |(file, line): &(Vec<u8>, u32)| vm.tuple(vec![str::from_wtf8(vm, file), vm.int(*line as i64)]);
        Some(vm.tuple(found.iter().map(frame).collect()))
    })
}

/// All traces: a list of (domain, size, frames, number of all frames).
pub fn all(vm: &Vm) -> Object {
    if !is_tracing() {
        return vm.list(Vec::new());
    }
    watch::unseen(|| {
        let copied = watch::alone(|| {
            with_table(|table| {
                let traces: Vec<Trace> = table.traces.values().copied().collect();
                (traces, table.tracebacks.clone(), table.files.clone())
            })
        });
        let Some((mut traces, tracebacks, files)) = copied else { return vm.list(Vec::new()) };
        traces.sort_by_key(|trace| std::cmp::Reverse(trace.order));
        let files: Vec<Object> = files.iter().map(|name| str::from_wtf8(vm, name)).collect();
        let mut places: HashMap<Place, Object> = HashMap::new();
        let mut made: Vec<Option<(Object, Object)>> = vec![None; tracebacks.len()];
        let list = traces.iter().filter_map(|trace| {
            let number = trace.traceback as usize;
            let traceback = tracebacks.get(number)?;
            let (frames, total) = made.get_mut(number)?.get_or_insert_with(|| {
                let frames = traceback.frames.iter().map(|&(file, line)| {
                    let frame = places.entry((file, line)).or_insert_with(|| {
                        let name = files.get(file as usize).cloned().unwrap_or(Object::NONE);
                        vm.tuple(vec![name, vm.int(line as i64)])
                    });
                    frame.clone()
                });
                (vm.tuple(frames.collect()), vm.int(traceback.total as i64))
            });
            Some(vm.tuple(vec![vm.int(0), vm.usize(trace.size), frames.clone(), total.clone()]))
        });
        vm.list(list.collect())
    })
}
