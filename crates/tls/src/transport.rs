//! What a connection reads from and writes to: a socket that is never waited
//! for, or two buffers in memory.

use crate::raw;
use std::cell::Cell;
use std::ffi::{c_char, c_int, c_long, c_void};
use std::mem::MaybeUninit;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

#[derive(Default)]
struct Memory {
    bytes: Vec<u8>,
    /// How many of them have been taken.
    taken: usize,
    /// How many there were at most: since the buffer was last empty, and the time before.
    peaks: [usize; 2],
    end: bool,
}

/// As much room as this is always kept for what comes next.
const KEPT: usize = 1 << 16;

impl Memory {
    fn left(&self) -> &[u8] {
        self.bytes.get(self.taken..).unwrap_or(&[])
    }
    fn advance(&mut self, count: usize) {
        self.taken += count;
        if self.taken >= self.bytes.len() {
            // Room for as much as lately is kept.
            let [now, before] = self.peaks;
            self.peaks = [0, now];
            self.taken = 0;
            self.bytes.clear();
            if self.bytes.capacity() / 4 > now.max(before) {
                self.bytes.shrink_to(now.max(before).max(KEPT));
            }
        }
    }
}

/// A buffer that one side fills and the other empties.
#[derive(Clone, Default)]
pub struct MemoryBuffer(Arc<Mutex<Memory>>);

impl MemoryBuffer {
    fn with<R>(&self, f: impl FnOnce(&mut Memory) -> R) -> R {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
    pub fn len(&self) -> usize {
        self.with(|memory| memory.left().len())
    }
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Nothing is left, and nothing will come.
    pub fn at_end(&self) -> bool {
        self.with(|memory| memory.end && memory.left().is_empty())
    }
    pub fn is_ended(&self) -> bool {
        self.with(|memory| memory.end)
    }
    pub fn set_end(&self) {
        self.with(|memory| memory.end = true);
    }
    /// Takes at most so many bytes: `use_them` gets them.
    pub fn take<R>(&self, most: usize, use_them: impl FnOnce(&[u8]) -> R) -> R {
        self.with(|memory| {
            let left = memory.left();
            let count = most.min(left.len());
            let result = use_them(&left[..count]);
            memory.advance(count);
            result
        })
    }
    /// False: there is no memory.
    pub fn put(&self, bytes: &[u8]) -> bool {
        self.with(|memory| {
            if memory.taken > memory.bytes.len() / 2 {
                memory.bytes.drain(..memory.taken);
                memory.taken = 0;
            }
            if memory.bytes.try_reserve(bytes.len()).is_err() {
                return false;
            }
            memory.bytes.extend_from_slice(bytes);
            memory.peaks[0] = memory.peaks[0].max(memory.bytes.len());
            true
        })
    }
}

/// Where the bytes go.
pub enum Transport {
    /// A descriptor of a socket.
    Socket(i32),
    Memory {
        incoming: MemoryBuffer,
        outgoing: MemoryBuffer,
    },
}

/// The data of our BIO.
pub(crate) struct State {
    transport: Transport,
    pub errno: Cell<i32>,
    end: Cell<bool>,
}

const FLAG_READ: c_int = 0x01;
const FLAG_WRITE: c_int = 0x02;
const FLAG_RETRY: c_int = 0x08;
const CONTROL_EOF: c_int = 2;
const CONTROL_FLUSH: c_int = 11;

impl State {
    pub fn new(transport: Transport) -> Box<State> {
        Box::new(State { transport, errno: Cell::new(0), end: Cell::new(false) })
    }
    fn socket_result(&self, count: isize) -> Option<usize> {
        if count >= 0 {
            return Some(count as usize);
        }
        self.errno.set(std::io::Error::last_os_error().raw_os_error().unwrap_or(0));
        None
    }
    fn should_retry(&self) -> bool {
        let errno = self.errno.get();
        errno == libc::EAGAIN || errno == libc::EWOULDBLOCK || errno == libc::EINTR || errno == libc::ENOTCONN
    }
    /// Some(0): the end; None: not now, or an error.
    fn read(&self, out: &mut [MaybeUninit<u8>]) -> (Option<usize>, bool) {
        match &self.transport {
            Transport::Socket(fd) => {
                // SAFETY: room for so many bytes.
                let count =
                    unsafe { libc::recv(*fd, out.as_mut_ptr().cast(), out.len(), libc::MSG_DONTWAIT) };
                let count = self.socket_result(count);
                (count, count.is_none() && self.should_retry())
            }
            Transport::Memory { incoming, .. } => {
                let count = incoming.take(out.len(), |bytes| {
                    out[..bytes.len()].write_copy_of_slice(bytes);
                    bytes.len()
                });
                if count == 0 && !incoming.is_ended() {
                    return (None, true);
                }
                (Some(count), false)
            }
        }
    }
    fn write(&self, data: &[u8]) -> (Option<usize>, bool) {
        match &self.transport {
            Transport::Socket(fd) => {
                let flags = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
                // SAFETY: so many bytes.
                let count = unsafe { libc::send(*fd, data.as_ptr().cast(), data.len(), flags) };
                let count = self.socket_result(count);
                (count, count.is_none() && self.should_retry())
            }
            Transport::Memory { outgoing, .. } => {
                if outgoing.put(data) {
                    (Some(data.len()), false)
                } else {
                    self.errno.set(libc::ENOMEM);
                    (None, false)
                }
            }
        }
    }
}

// SAFETY of the four functions: the library calls them with our BIO, whose data
// are the connection's State, and with buffers of the lengths it says.

unsafe extern "C" fn bio_read(bio: *mut raw::BIO, out: *mut c_char, len: c_int) -> c_int {
    unsafe {
        raw::BIO_clear_flags(bio, FLAG_READ | FLAG_WRITE | FLAG_RETRY);
        let state = &*raw::BIO_get_data(bio).cast::<State>();
        let len = usize::try_from(len).unwrap_or(0);
        if out.is_null() || len == 0 {
            return 0;
        }
        match state.read(std::slice::from_raw_parts_mut(out.cast(), len)) {
            (Some(count), _) => {
                state.end.set(count == 0);
                count as c_int
            }
            (None, retry) => {
                if retry {
                    raw::BIO_set_flags(bio, FLAG_READ | FLAG_RETRY);
                }
                -1
            }
        }
    }
}

unsafe extern "C" fn bio_write(bio: *mut raw::BIO, data: *const c_char, len: c_int) -> c_int {
    unsafe {
        raw::BIO_clear_flags(bio, FLAG_READ | FLAG_WRITE | FLAG_RETRY);
        let state = &*raw::BIO_get_data(bio).cast::<State>();
        let len = usize::try_from(len).unwrap_or(0);
        if data.is_null() || len == 0 {
            return 0;
        }
        match state.write(std::slice::from_raw_parts(data.cast(), len)) {
            (Some(count), _) => count as c_int,
            (None, retry) => {
                if retry {
                    raw::BIO_set_flags(bio, FLAG_WRITE | FLAG_RETRY);
                }
                -1
            }
        }
    }
}

unsafe extern "C" fn bio_control(bio: *mut raw::BIO, what: c_int, _: c_long, _: *mut c_void) -> c_long {
    match what {
        CONTROL_FLUSH => 1,
        CONTROL_EOF => unsafe { (*raw::BIO_get_data(bio).cast::<State>()).end.get() as c_long },
        _ => 0,
    }
}

unsafe extern "C" fn bio_create(bio: *mut raw::BIO) -> c_int {
    unsafe { raw::BIO_set_init(bio, 1) };
    1
}

struct Method(*mut raw::BIO_METHOD);
// SAFETY: not changed after it was made.
unsafe impl Send for Method {}
unsafe impl Sync for Method {}

/// A BIO over the state, which must outlive it. Null: no memory.
///
/// # Safety
/// The state stays where it is for as long as the BIO lives.
pub(crate) unsafe fn new_bio(state: *const State) -> *mut raw::BIO {
    static METHOD: OnceLock<Method> = OnceLock::new();
    // SAFETY: a method with functions of the right types; a fresh BIO.
    unsafe {
        let method = METHOD.get_or_init(|| {
            // BIO_TYPE_SOURCE_SINK and a number of our own.
            let method = raw::BIO_meth_new(0x0400 | 0x60, c"taipan".as_ptr());
            if !method.is_null() {
                raw::BIO_meth_set_read(method, Some(bio_read));
                raw::BIO_meth_set_write(method, Some(bio_write));
                raw::BIO_meth_set_ctrl(method, Some(bio_control));
                raw::BIO_meth_set_create(method, Some(bio_create));
            }
            Method(method)
        });
        if method.0.is_null() {
            return std::ptr::null_mut();
        }
        let bio = raw::BIO_new(method.0);
        if !bio.is_null() {
            raw::BIO_set_data(bio, state.cast_mut().cast());
        }
        bio
    }
}
