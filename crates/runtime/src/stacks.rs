//! The stacks of threads, written as `faulthandler` writes them: from signal handlers, with the interpreter in
//! whatever state it is. Nothing here allocates, locks or counts references.

use crate::interp::frame::Frame;
use crate::prelude::*;
use crate::types::str::{Kind, Str};
use crate::vm::Interpreter;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Frames and threads beyond these are not shown, nor longer texts.
const MAX_FRAMES: usize = 100;
const MAX_THREADS: usize = 100;
const MAX_TEXT: usize = 500;

/// Collects text and writes it to a descriptor.
struct Out {
    fd: i32,
    buffer: [u8; 256],
    filled: usize,
}

impl Out {
    fn new(fd: i32) -> Out {
        Out { fd, buffer: [0; 256], filled: 0 }
    }
    fn byte(&mut self, byte: u8) {
        if self.filled == self.buffer.len() {
            self.flush();
        }
        self.buffer[self.filled] = byte;
        self.filled += 1;
    }
    fn text(&mut self, text: &str) {
        text.bytes().for_each(|b| self.byte(b));
    }
    fn number(&mut self, mut n: u64, width: usize) {
        let mut digits = [b'0'; 20];
        let mut at = digits.len();
        while n > 0 {
            at -= 1;
            digits[at] = b'0' + (n % 10) as u8;
            n /= 10;
        }
        let at = at.min(digits.len() - width.clamp(1, digits.len()));
        digits[at..].iter().for_each(|&b| self.byte(b));
    }
    fn hex(&mut self, n: u64, width: u32) {
        for i in (0..width).rev() {
            self.byte(b"0123456789abcdef"[(n >> (i * 4)) as usize & 15]);
        }
    }
    fn character(&mut self, c: u32) {
        match c {
            0x20..0x7f => self.byte(c as u8),
            0..0x100 => {
                self.text("\\x");
                self.hex(c as u64, 2);
            }
            0x100..0x10000 => {
                self.text("\\u");
                self.hex(c as u64, 4);
            }
            _ => {
                self.text("\\U");
                self.hex(c as u64, 8);
            }
        }
    }
    fn string(&mut self, text: &Object) {
        let Some(s) = text.downcast::<Str>() else { return self.text("???") };
        match s.kind() {
            Kind::Latin1(units) => units.iter().take(MAX_TEXT).for_each(|&u| self.character(u as u32)),
            Kind::U16(units) => units.iter().take(MAX_TEXT).for_each(|&u| self.character(u as u32)),
            Kind::U32(units) => units.iter().take(MAX_TEXT).for_each(|&u| self.character(u)),
        }
        if s.len() > MAX_TEXT {
            self.text("...");
        }
    }
    fn flush(&mut self) {
        let mut rest = &self.buffer[..self.filled];
        while !rest.is_empty() {
            // SAFETY: bytes of ours; write is allowed in signal handlers.
            let n = unsafe { libc::write(self.fd, rest.as_ptr().cast(), rest.len()) };
            if n > 0 {
                rest = rest.get(n as usize..).unwrap_or_default();
            } else if n == 0 || std::io::Error::last_os_error().raw_os_error() != Some(libc::EINTR) {
                break;
            }
        }
        self.filled = 0;
    }
}

impl Drop for Out {
    fn drop(&mut self) {
        self.flush();
    }
}

/// The frames of a thread, the innermost first.
fn frames(out: &mut Out, thread: &Vm) {
    let mut frame: *mut Frame = thread.frame.get();
    if frame.is_null() {
        return out.text("  <no Python frame>\n");
    }
    let mut count = 0;
    // SAFETY: frames of a thread that does not run are alive. One that runs may be seen half made, which is why
    // this is for emergencies: frames stay readable, and what they point to is looked at, never changed.
    while let Some(f) = unsafe { frame.as_ref() } {
        if count == MAX_FRAMES {
            return;
        }
        count += 1;
        out.text("  File \"");
        // SAFETY: as above.
        let Some(code) = (unsafe { f.code.as_ref() }) else { return out.text("???\"\n") };
        out.string(Object::borrow_value(&code.filename.value()));
        out.text("\", line ");
        out.number(f.line() as u64, 1);
        out.text(" in ");
        out.string(&code.name);
        out.text("\n");
        frame = f.previous;
    }
}

fn thread_header(out: &mut Out, ident: u64, current: bool) {
    out.text(if current { "Current thread 0x" } else { "Thread 0x" });
    out.hex(ident, 16);
    let mut name = [0u8; 16];
    // SAFETY: the buffer is ours; threads of the list are alive.
    let failed =
        unsafe { libc::pthread_getname_np(ident as libc::pthread_t, name.as_mut_ptr().cast(), name.len()) };
    if failed == 0 && name[0] != 0 {
        out.text(" [");
        name.iter().take_while(|&&b| b != 0).for_each(|&b| out.byte(b));
        out.text("]");
    }
    out.text(" (most recent call first):\n");
}

/// All threads of the interpreter, the newest first.
fn threads(out: &mut Out, interpreter: &Interpreter, current: Option<u64>) {
    // SAFETY: the list is read without asking whether somebody changes it: who is to say so may be this thread.
    let list = unsafe { &*interpreter.threads.as_ptr() };
    for (i, thread) in list.iter().rev().enumerate() {
        if i > 0 {
            out.text("\n");
        }
        if i == MAX_THREADS {
            return out.text("...\n");
        }
        // SAFETY: threads leave the list before their states go.
        let thread = unsafe { &**thread };
        thread_header(out, thread.thread_ident, current == Some(thread.thread_ident));
        frames(out, thread);
    }
}

/// Writes the stack of this thread, or of all.
pub fn write(vm: &Vm, fd: i32, all_threads: bool) {
    let mut out = Out::new(fd);
    if all_threads {
        threads(&mut out, vm.interp(), Some(vm.thread_ident));
    } else {
        out.text("Stack (most recent call first):\n");
        frames(&mut out, vm);
    }
}

/// Writes a text, from wherever.
pub fn say(fd: i32, text: &str) {
    Out::new(fd).text(text);
}

// ---- signals -------------------------------------------------------------------------------------

/// The interpreter whose threads are shown if a thread of nobody's gets the signal.
static INTERPRETER: AtomicPtr<Interpreter> = AtomicPtr::new(std::ptr::null_mut());

/// The interpreter whose stacks `write_in_handler` writes.
pub fn prepare(vm: &Vm) {
    if vm.interp().id == 0 {
        INTERPRETER.store(vm.interp.cast_mut(), Ordering::SeqCst);
    }
}

/// Writes the stack of this thread, or of all, from within a signal handler.
pub fn write_in_handler(fd: i32, all_threads: bool) {
    let mut out = Out::new(fd);
    if !all_threads && Vm::is_attached() {
        out.text("Stack (most recent call first):\n");
        frames(&mut out, Vm::current());
    // SAFETY: the interpreter lives as long as handlers are installed.
    } else if let Some(interpreter) = unsafe { INTERPRETER.load(Ordering::SeqCst).as_ref() } {
        threads(&mut out, interpreter, Some(crate::gil::this_thread()));
    }
}

// ---- later ---------------------------------------------------------------------------------------

/// Held while a report is being written; the flag says that none is wanted any more.
type Watch = Arc<(Mutex<bool>, Condvar)>;

static WATCH: Mutex<Option<Watch>> = Mutex::new(None);

struct Place(*const Interpreter);

// SAFETY: interpreters outlive the watch: it is called off when they end.
unsafe impl Send for Place {}

fn elapsed(out: &mut Out, time: Duration) {
    let seconds = time.as_secs();
    out.text("Timeout (");
    out.number(seconds / 3600, 1);
    out.text(":");
    out.number(seconds / 60 % 60, 2);
    out.text(":");
    out.number(seconds % 60, 2);
    if time.subsec_micros() > 0 {
        out.text(".");
        out.number(time.subsec_micros() as u64, 6);
    }
    out.text(")!\n");
}

/// Has the stacks of all threads written after a time; false: the system has no thread for that.
pub fn report_later(vm: &Vm, time: Duration, repeat: bool, fd: i32, exit: bool) -> bool {
    call_off();
    let watch: Watch = Arc::new((Mutex::new(false), Condvar::new()));
    let (mine, place) = (watch.clone(), Place(vm.interp));
    let thread = crate::modules::thread::system::SystemThread::start(256 << 10, move || {
        let place = place;
        // The signals are for the threads of Python.
        // SAFETY: the set is initialised by the first call.
        unsafe {
            let mut all: libc::sigset_t = std::mem::zeroed();
            libc::sigfillset(&mut all);
            libc::pthread_sigmask(libc::SIG_BLOCK, &all, std::ptr::null_mut());
        }
        let mut off = mine.0.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let waited = mine.1.wait_timeout_while(off, time, |off| !*off);
            off = waited.unwrap_or_else(PoisonError::into_inner).0;
            if *off {
                return;
            }
            // SAFETY: see `Place`.
            let interpreter = unsafe { &*place.0 };
            interpreter.gil.while_idle(&interpreter.heap.breaker, Duration::from_secs(1), || {
                let mut out = Out::new(fd);
                elapsed(&mut out, time);
                threads(&mut out, interpreter, None);
            });
            if exit {
                // SAFETY: never returns.
                unsafe { libc::_exit(1) };
            }
            if !repeat {
                return;
            }
        }
    });
    if thread.is_none() {
        return false;
    }
    *WATCH.lock().unwrap_or_else(PoisonError::into_inner) = Some(watch);
    true
}

/// Nothing is to be written later.
pub fn call_off() {
    let watch = WATCH.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(watch) = watch {
        // A report that is being written waits until nobody runs Python code: do not wait for it with the GIL held.
        Vm::current().without_gil(|| {
            *watch.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
            watch.1.notify_all();
        });
    }
}

/// In a new child process the thread that was to write is not there.
pub fn after_fork() {
    if let Ok(mut watch) = WATCH.try_lock() {
        *watch = None;
    }
}
