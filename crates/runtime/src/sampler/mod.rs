//! The sampling profiler (`-X prof=FILE`): many times a second it notes what each
//! thread of Python does.
//!
//! The thread that holds the GIL gets a signal and notes its own frames, in a ring
//! of words. The others cannot go on while the GIL's state is locked: their frames are
//! read where they are, at the call in which they wait. A thread of its own sends the
//! signals and makes names of what was noted. Code may only be looked at while it lives:
//! before code dies, [`code_dies`] has everything made into names that was noted until then.
//!
//! A signal costs some microseconds. Of more than [`SIGNALS`] samples a second the others look
//! at the frames of the thread that runs from outside, without stopping it. They know all but the
//! line of the innermost frame, which is in no memory: in the end they are shared out among the lines at which
//! signals found that function.

mod flame;

use crate::interp::frame::Frame;
use crate::modules::thread::system::SystemThread;
use crate::prelude::*;
use crate::types::code::{CODE, Code};
use crate::types::str::Str;
use crate::vm::Interpreter;
use flame::{ROOT, Tree};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use taipan_object::{Header, watch};

/// What a stack ends with if its thread waits: for the GIL or for something else.
const WAITING: &str = "[waiting]";
/// The most samples a second.
pub const MAX_RATE: u32 = 10_000;
/// Signals a second.
const SIGNALS: u32 = 1000;
/// What [`Code::serial`](crate::types::code::Code) is of code that dies.
const DEAD: u32 = u32::MAX;
/// Frames of a sample, the innermost; what is below is left out.
const MAX_DEPTH: usize = 250;
/// Words of the ring.
const RING: usize = 1 << 16;

static ON: AtomicBool = AtomicBool::new(false);
static STATE: Mutex<Option<State>> = Mutex::new(None);

/// Samples on their way: (number of frames, thread, weight), then (code, instruction) of each frame, the
/// innermost first. Written by the holder of the GIL in its signal handler alone; read with `STATE` locked.
static WORDS: [AtomicU64; RING] = [const { AtomicU64::new(0) }; RING];
static WRITTEN: AtomicUsize = AtomicUsize::new(0);
static READ: AtomicUsize = AtomicUsize::new(0);
/// The next sample counts for so many.
static WEIGHT: AtomicU64 = AtomicU64::new(0);
/// Samples for which there was no room.
static LOST: AtomicU64 = AtomicU64::new(0);

struct Thread {
    vm: *const Vm,
    /// The node of its stacks.
    node: u32,
    /// Where it waits, as of this turn of the GIL.
    waits: u32,
    turn: u64,
}

struct State {
    interpreter: *const Interpreter,
    file: PathBuf,
    rate: u32,
    tree: Tree,
    threads: Vec<Thread>,
    /// Nodes of threads, by their identifiers; those that ended, too.
    nodes: HashMap<u64, u32>,
    started: usize,
    /// Names of instructions, by the serial numbers of their code.
    names: HashMap<(u32, u32), u32>,
    serials: HashMap<usize, u32>,
    /// How many of them were taken out again.
    forgotten: u32,
    waiting: u32,
    /// Samples until the next signal.
    quiet: u32,
    /// Samples without a line of their own: how many, and where the frame was last known to be.
    /// By the node of the caller and the serial number of the code.
    lineless: HashMap<(u32, u32), (u64, u32)>,
    /// The samples that signals took, by the same.
    lines: HashMap<(u32, u32), HashMap<u32, u64>>,
    sampler: Option<SystemThread>,
}

// SAFETY: interpreters outlive the sampler, threads are taken out before they end.
unsafe impl Send for State {}

fn state() -> MutexGuard<'static, Option<State>> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Does the profiler run?
#[inline(always)]
fn is_on() -> bool {
    ON.load(Ordering::Relaxed)
}

// ---- noting -------------------------------------------------------------------------------------

/// The instruction that a thread is at when a signal interrupts it: if a handler of the loop runs, the pointer is
/// in its register (see `interp::run`).
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
unsafe fn instruction_register(context: *const libc::c_void) -> u64 {
    // SAFETY: what the system gives to handlers.
    unsafe { (*(context as *const libc::ucontext_t)).uc_mcontext.gregs[libc::REG_R13 as usize] as u64 }
}

#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
unsafe fn instruction_register(_context: *const libc::c_void) -> u64 {
    0
}

/// The handler: nothing here allocates, locks or counts references.
extern "C" fn interrupted(_signal: i32, _info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    if !is_on() || !Vm::is_attached() || !crate::gil::is_held() {
        return;
    }
    let vm = Vm::current();
    let weight = WEIGHT.swap(0, Ordering::Relaxed);
    let start = WRITTEN.load(Ordering::Relaxed);
    let free = RING - (start - READ.load(Ordering::Acquire));
    if weight == 0 {
        return;
    }
    if free < 3 + 2 * MAX_DEPTH {
        LOST.fetch_add(weight, Ordering::Relaxed);
        return;
    }
    let put = |at: usize, word: u64| WORDS[at % RING].store(word, Ordering::Relaxed);
    // SAFETY: as the system's.
    let mut register = unsafe { instruction_register(context) };
    let mut frame: *const Frame = vm.frame.get();
    let mut depth = 0;
    // SAFETY: frames stay readable, even one that is being made or left right now.
    while depth < MAX_DEPTH
        && let Some(f) = unsafe { frame.as_ref() }
    {
        put(start + 3 + 2 * depth, f.code as u64);
        // Whether the register is about this code is seen later.
        put(start + 4 + 2 * depth, f.ip as u64);
        frame = f.previous;
        depth += 1;
    }
    if depth == 0 {
        register = 0;
    }
    put(start, depth as u64 | weight << 32);
    put(start + 1, vm.thread_ident);
    put(start + 2, register);
    WRITTEN.store(start + 3 + 2 * depth, Ordering::Release);
}

// ---- names --------------------------------------------------------------------------------------

/// The code at an address that a frame spoke of: a frame that was being made may have spoken of what was there before.
unsafe fn code_at<'a>(address: u64) -> Option<&'a Code> {
    if address == 0 || !address.is_multiple_of(8) {
        return None;
    }
    // SAFETY: frames only ever spoke of code; the heap's memory stays readable.
    unsafe {
        let header = (address as *const Header).sub(1);
        let is_code = std::ptr::eq((*header).ty() as *const _ as *const Type, &CODE);
        let code = address as *const Code;
        (is_code && (*code).serial.get() != DEAD).then(|| &*code)
    }
}

impl State {
    fn serial_of(&mut self, code: &Code) -> u32 {
        let next = self.serials.len() as u32 + self.forgotten;
        *self.serials.entry(code as *const Code as usize).or_insert(next)
    }

    fn name_of(&mut self, code: &Code, ip: u64) -> u32 {
        let start = code.instructions_ptr() as u64;
        let count = code.words().len() as u64;
        let index = ip.wrapping_sub(start) / 8;
        let index = if index <= count { index.saturating_sub(1) as u32 } else { 0 };
        let serial = self.serial_of(code);
        if let Some(&name) = self.names.get(&(serial, index)) {
            return name;
        }
        let text = |object: &Object| {
            let text = object.downcast::<Str>().map(|text| text.to_wtf8()).unwrap_or_default();
            String::from_utf8_lossy(&text).into_owned()
        };
        let filename = code.filename.value();
        let file = text(Object::borrow_value(&filename));
        let name = format!("{} ({file}:{})", text(&code.qualname), code.line_of(index as usize));
        let name = self.tree.name(name);
        self.names.insert((serial, index), name);
        name
    }

    fn node_of_thread(&mut self, ident: u64) -> u32 {
        if let Some(&node) = self.nodes.get(&ident) {
            return node;
        }
        self.started += 1;
        let name =
            if self.started == 1 { "main thread".to_string() } else { format!("thread {}", self.started) };
        let name = self.tree.name(name);
        let node = self.tree.child(ROOT, name);
        self.nodes.insert(ident, node);
        node
    }

    /// The node of a stack, the innermost frame of which comes first.
    fn node_of(&mut self, from: u32, frames: &[(u64, u64)]) -> u32 {
        let mut node = from;
        for &(code, ip) in frames.iter().rev() {
            // SAFETY: a frame of a sample that was not read until now, or of a thread that waits.
            let Some(code) = (unsafe { code_at(code) }) else { continue };
            let name = self.name_of(code, ip);
            node = self.tree.child(node, name);
        }
        node
    }

    /// Counts what the ring has.
    fn drain(&mut self) {
        let end = WRITTEN.load(Ordering::Acquire);
        let mut at = READ.load(Ordering::Relaxed);
        let word = |at: usize| WORDS[at % RING].load(Ordering::Relaxed);
        let mut frames = Vec::with_capacity(MAX_DEPTH);
        while at < end {
            let (head, ident, register) = (word(at), word(at + 1), word(at + 2));
            let depth = (head as u32) as usize;
            frames.clear();
            frames.extend((0..depth).map(|i| (word(at + 3 + 2 * i), word(at + 4 + 2 * i))));
            at += 3 + 2 * depth;
            if let Some((code, ip)) = frames.first_mut()
                // SAFETY: as in `node_of`.
                && let Some(code) = unsafe { code_at(*code) }
            {
                let start = code.instructions_ptr() as u64;
                let end = start + 8 * code.words().len() as u64;
                if register > start && register <= end && register % 8 == 0 {
                    *ip = register;
                }
            }
            let from = self.node_of_thread(ident);
            let outer = self.node_of(from, frames.get(1..).unwrap_or_default());
            let node = self.node_of(outer, frames.get(..1).unwrap_or_default());
            self.tree.count(node, head >> 32);
            // SAFETY: as in `node_of`.
            if self.rate > SIGNALS
                && let Some(code) = frames.first().and_then(|frame| unsafe { code_at(frame.0) })
            {
                let serial = self.serial_of(code);
                *self.lines.entry((outer, serial)).or_default().entry(node).or_insert(0) += head >> 32;
            }
        }
        READ.store(at, Ordering::Release);
    }

    /// Counts the threads that do not run, and has the one that does note where it is.
    fn sample(&mut self, weight: u64) {
        // SAFETY: interpreters outlive the sampler.
        let gil = unsafe { &(*self.interpreter).gil };
        gil.with_state(|turn, holder| {
            let mut runs = None;
            for i in 0..self.threads.len() {
                let Thread { vm, node, waits, turn: seen } = self.threads[i];
                // SAFETY: threads are taken out before they end.
                let vm = unsafe { &*vm };
                if holder == Some(vm.thread_ident) {
                    runs = Some((vm, node));
                    continue;
                }
                let mut at = waits;
                if seen != turn {
                    at = self.node_of(node, &frames_of(vm));
                    at = self.tree.child(at, self.waiting);
                    self.threads[i].waits = at;
                    self.threads[i].turn = turn;
                }
                self.tree.count(at, weight);
            }
            if self.quiet > 0
                && let Some((vm, node)) = runs
            {
                self.quiet -= 1;
                return self.peek(vm, node, weight);
            }
            if let Some(holder) = holder {
                self.quiet = self.rate.div_ceil(SIGNALS) - 1;
                WEIGHT.fetch_add(weight, Ordering::Relaxed);
                // SAFETY: the thread holds the GIL, which it can only give up with the lock that we have.
                unsafe { libc::pthread_kill(holder as libc::pthread_t, libc::SIGPROF) };
            }
        });
    }

    /// Looks at a thread that runs.
    fn peek(&mut self, vm: &Vm, thread: u32, weight: u64) {
        let frames = running_frames(vm);
        let outer = self.node_of(thread, frames.get(1..).unwrap_or_default());
        // SAFETY: as in `node_of`.
        let Some((code, ip)) = frames.first().and_then(|&(code, ip)| Some((unsafe { code_at(code) }?, ip)))
        else {
            return self.tree.count(outer, weight);
        };
        let serial = self.serial_of(code);
        match self.lineless.get_mut(&(outer, serial)) {
            Some(known) => known.0 += weight,
            None => {
                let name = self.name_of(code, ip);
                self.lineless.insert((outer, serial), (weight, name));
            }
        }
    }

    /// Gives the samples without a line to the lines at which signals found their functions.
    fn share_out(&mut self) {
        for ((outer, serial), (weight, name)) in std::mem::take(&mut self.lineless) {
            let Some(lines) = self.lines.get(&(outer, serial)) else {
                let node = self.tree.child(outer, name);
                self.tree.count(node, weight);
                continue;
            };
            let all: u64 = lines.values().sum();
            let (mut seen, mut given) = (0, 0);
            for (&node, &own) in lines {
                seen += own;
                let upto = (weight as u128 * seen as u128 / all.max(1) as u128) as u64;
                self.tree.count(node, upto - given);
                given = upto;
            }
        }
    }

    fn add_thread(&mut self, vm: &Vm) {
        let node = self.node_of_thread(vm.thread_ident);
        self.threads.push(Thread { vm, node, waits: 0, turn: u64::MAX });
    }
}

/// The frames of a thread that does not run.
fn frames_of(vm: &Vm) -> Vec<(u64, u64)> {
    let mut frames = Vec::new();
    let mut frame: *const Frame = vm.frame.get();
    // SAFETY: the frames of a thread that waits stay as they are.
    while frames.len() < MAX_DEPTH
        && let Some(f) = unsafe { frame.as_ref() }
    {
        frames.push((f.code as u64, f.ip as u64));
        frame = f.previous;
    }
    frames
}

/// The frames of a thread that runs meanwhile: they may be those of two moments. Most lie in the thread's
/// array, which is always readable; others are of generators, which may go.
fn running_frames(vm: &Vm) -> Vec<(u64, u64)> {
    let array = vm.frame_array();
    let mut frames = Vec::new();
    // SAFETY: the thread's state is there as long as it is in the list.
    let mut frame = unsafe { std::ptr::read_volatile(vm.frame.as_ptr()) };
    while frames.len() < MAX_DEPTH && !frame.is_null() && (frame as usize).is_multiple_of(8) {
        let copy = if array.contains(&(frame as usize)) {
            // SAFETY: within the array there is room for a whole frame.
            Some(unsafe { std::ptr::read_volatile(frame.cast::<Seen>()) })
        } else {
            read_elsewhere(frame.cast())
        };
        let Some(copy) = copy else { break };
        frames.push((copy.code, copy.ip));
        frame = copy.previous as *mut Frame;
    }
    frames
}

/// What is looked at of a [`Frame`].
#[repr(C)]
struct Seen {
    ip: u64,
    base: u64,
    code: u64,
    function: u64,
    previous: u64,
}

const _: () = assert!(
    std::mem::offset_of!(Frame, ip) == 0
        && std::mem::offset_of!(Frame, code) == 16
        && std::mem::offset_of!(Frame, previous) == 32
);

/// Reads memory that may not be there any more.
fn read_elsewhere(from: *mut Seen) -> Option<Seen> {
    let mut out = std::mem::MaybeUninit::<Seen>::uninit();
    let local = libc::iovec { iov_base: out.as_mut_ptr().cast(), iov_len: size_of::<Seen>() };
    let remote = libc::iovec { iov_base: from.cast(), iov_len: size_of::<Seen>() };
    // SAFETY: the system checks the other place; ours is large enough.
    unsafe {
        let read = libc::process_vm_readv(libc::getpid(), &local, 1, &remote, 1, 0);
        (read == size_of::<Seen>() as isize).then(|| out.assume_init())
    }
}

// ---- beginning and end --------------------------------------------------------------------------

fn now() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: fills the struct.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// What the thread of the profiler does.
fn run(rate: u32) {
    // Signals are for the threads of Python.
    // SAFETY: the set is initialised by the first call.
    unsafe {
        let mut all: libc::sigset_t = std::mem::zeroed();
        libc::sigfillset(&mut all);
        libc::pthread_sigmask(libc::SIG_BLOCK, &all, std::ptr::null_mut());
    }
    let period = 1_000_000_000 / rate as u64;
    let mut next = now() + period;
    let mut pending = 0;
    while is_on() {
        let until =
            libc::timespec { tv_sec: (next / 1_000_000_000) as _, tv_nsec: (next % 1_000_000_000) as _ };
        // SAFETY: waits.
        unsafe {
            libc::clock_nanosleep(libc::CLOCK_MONOTONIC, libc::TIMER_ABSTIME, &until, std::ptr::null_mut())
        };
        // Ticks that were slept through count, too.
        let passed = now().saturating_sub(next) / period;
        next += (passed + 1) * period;
        watch::unseen(|| {
            let mut state = state();
            let Some(state) = state.as_mut().filter(|_| is_on()) else { return };
            state.sample(passed + 1);
            pending += 1;
            if pending >= 64 || WRITTEN.load(Ordering::Relaxed) - READ.load(Ordering::Relaxed) > RING / 4 {
                pending = 0;
                state.drain();
            }
        });
    }
}

/// Begins to take `rate` samples a second. False: the system has no thread for that.
pub fn start(vm: &Vm, file: PathBuf, rate: u32) -> bool {
    let rate = rate.clamp(1, MAX_RATE);
    let mut tree = Tree::default();
    let waiting = tree.name(WAITING.to_string());
    let mut fresh = State {
        interpreter: vm.interp,
        file,
        rate,
        tree,
        threads: Vec::new(),
        nodes: HashMap::new(),
        started: 0,
        names: HashMap::new(),
        serials: HashMap::new(),
        forgotten: 0,
        waiting,
        quiet: 0,
        lineless: HashMap::new(),
        lines: HashMap::new(),
        sampler: None,
    };
    fresh.add_thread(vm);
    // SAFETY: the handler is fit for signals.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = interrupted as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_RESTART;
        if libc::sigaction(libc::SIGPROF, &action, std::ptr::null_mut()) != 0 {
            return false;
        }
    }
    let mut held = state();
    ON.store(true, Ordering::SeqCst);
    fresh.sampler = SystemThread::start(256 << 10, move || run(rate));
    let started = fresh.sampler.is_some();
    ON.store(started, Ordering::SeqCst);
    *held = Some(fresh);
    started
}

/// Ends sampling and writes what was found: collapsed stacks, or a flame graph if the file is an SVG.
pub fn finish() {
    if !ON.swap(false, Ordering::SeqCst) {
        return;
    }
    let Some(mut last) = state().take() else { return };
    if let Some(sampler) = last.sampler.take() {
        sampler.join();
    }
    last.drain();
    last.share_out();
    let svg = last.file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("svg"));
    let text =
        if svg { last.tree.svg(last.rate, LOST.load(Ordering::Relaxed)) } else { last.tree.collapsed() };
    if let Err(error) = std::fs::write(&last.file, text) {
        eprintln!("cannot write the profile {}: {error}", last.file.display());
    }
}

/// A thread begins to run Python code, or is about to end.
pub(crate) fn thread_listed(vm: &Vm, listed: bool) {
    if is_on()
        && let Some(state) = state().as_mut()
    {
        state.threads.retain(|thread| !std::ptr::eq(thread.vm, vm));
        if listed {
            state.nodes.remove(&vm.thread_ident);
            state.add_thread(vm);
        }
    }
}

/// Code is about to die: what was noted of it becomes names now.
#[inline]
pub(crate) fn code_dies(code: &Code) {
    if is_on() {
        forget(code);
    }
}

#[cold]
fn forget(code: &Code) {
    if let Some(state) = state().as_mut() {
        state.drain();
        if state.serials.remove(&(code as *const Code as usize)).is_some() {
            state.forgotten += 1;
        }
        code.serial.set(DEAD);
    }
}

/// In a new child process nobody samples: its samples would be written over those of the parent.
pub(crate) fn after_fork() {
    ON.store(false, Ordering::SeqCst);
}
