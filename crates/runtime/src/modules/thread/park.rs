//! Threads that wait for each other: a [`Queue`] of sleepers, which whoever
//! changes something wakes up. Queues are looked at with the GIL held only;
//! a sleeper gives it up and waits for its own word in memory, which signals
//! interrupt.

use crate::prelude::*;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

const ASLEEP: u32 = 0;
/// Look again.
const WOKEN: u32 = 1;
/// What was waited for is yours.
const GIVEN: u32 = 2;

/// From then on a sleeper gets what is released, before anybody who comes by.
const PATIENCE: Duration = Duration::from_millis(1);

/// How often the process has forked: sleepers of before are no more.
static FORKS: AtomicU32 = AtomicU32::new(0);

/// In a new child process: nobody sleeps any more.
pub fn after_fork() {
    FORKS.fetch_add(1, Ordering::Relaxed);
}

struct Sleeper {
    word: AtomicU32,
    since: Instant,
    forks: u32,
}

/// Why a sleeper is awake.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Wake {
    Woken,
    Given,
    TimedOut,
    /// A signal came; its handler has not run.
    Interrupted,
}

/// When to stop waiting; None: never.
pub type Deadline = Option<Instant>;

/// The end of a timeout. What is too far away never comes.
pub fn deadline(timeout: Option<Duration>) -> Deadline {
    timeout.and_then(|timeout| Instant::now().checked_add(timeout))
}

impl Sleeper {
    /// Sleeps, without the GIL, until the word changes.
    fn sleep(&self, until: Deadline) -> Wake {
        loop {
            match self.word.load(Ordering::Acquire) {
                WOKEN => return Wake::Woken,
                GIVEN => return Wake::Given,
                _ => {}
            }
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            if left == Some(Duration::ZERO) {
                return Wake::TimedOut;
            }
            let time = left.map(|left| libc::timespec {
                tv_sec: left.as_secs().min(i64::MAX as u64 / 4) as libc::time_t,
                tv_nsec: left.subsec_nanos() as libc::c_long,
            });
            let time = time.as_ref().map_or(std::ptr::null(), |time| time as *const libc::timespec);
            // SAFETY: a word and a time that live during the call.
            let result = unsafe {
                libc::syscall(
                    libc::SYS_futex,
                    self.word.as_ptr(),
                    libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG,
                    ASLEEP,
                    time,
                )
            };
            let interrupted = std::io::Error::last_os_error().raw_os_error() == Some(libc::EINTR);
            if result < 0 && interrupted && self.word.load(Ordering::Acquire) == ASLEEP {
                return Wake::Interrupted;
            }
        }
    }
    fn wake(&self, state: u32) {
        self.word.store(state, Ordering::Release);
        // SAFETY: a word of ours.
        unsafe {
            libc::syscall(
                libc::SYS_futex,
                self.word.as_ptr(),
                libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG,
                1,
            );
        }
    }
}

/// Those who wait for something, first come first.
#[derive(Default)]
pub struct Queue {
    sleepers: RefCell<VecDeque<Arc<Sleeper>>>,
}

impl Queue {
    pub const fn new() -> Queue {
        Queue { sleepers: RefCell::new(VecDeque::new()) }
    }
    /// Sleeps until woken. `since`: when the waiting began.
    pub fn sleep(&self, vm: &Vm, since: Instant, until: Deadline) -> Wake {
        let forks = FORKS.load(Ordering::Relaxed);
        let sleeper = Arc::new(Sleeper { word: AtomicU32::new(ASLEEP), since, forks });
        self.sleepers.borrow_mut().push_back(sleeper.clone());
        let wake = vm.without_gil(|| sleeper.sleep(until));
        // Somebody may have woken it while it took the GIL back.
        match sleeper.word.load(Ordering::Acquire) {
            WOKEN => Wake::Woken,
            GIVEN => Wake::Given,
            _ => {
                self.sleepers.borrow_mut().retain(|other| !Arc::ptr_eq(other, &sleeper));
                wake
            }
        }
    }
    fn first(&self) -> Option<Arc<Sleeper>> {
        let forks = FORKS.load(Ordering::Relaxed);
        let mut sleepers = self.sleepers.borrow_mut();
        loop {
            match sleepers.pop_front() {
                Some(sleeper) if sleeper.forks != forks => {}
                first => return first,
            }
        }
    }
    /// Wakes the first one up.
    pub fn wake_one(&self) {
        if let Some(sleeper) = self.first() {
            sleeper.wake(WOKEN);
        }
    }
    pub fn wake_all(&self) {
        while let Some(sleeper) = self.first() {
            sleeper.wake(WOKEN);
        }
    }
    /// Wakes the first one up; true if it has waited long enough to be given
    /// what it waits for.
    pub fn wake_or_give(&self) -> bool {
        let Some(sleeper) = self.first() else { return false };
        let given = sleeper.since.elapsed() >= PATIENCE;
        sleeper.wake(if given { GIVEN } else { WOKEN });
        given
    }
    /// Forgets all sleepers (in a new child process).
    pub fn forget(&self) {
        self.sleepers.borrow_mut().clear();
    }
}

/// Waits until `ready` says true (it is asked with the GIL held); false if the
/// time is over. Signal handlers run meanwhile.
pub fn wait_until(
    vm: &Vm,
    queue: &Queue,
    timeout: Option<Duration>,
    mut ready: impl FnMut() -> bool,
) -> Result<bool> {
    if ready() {
        return Ok(true);
    }
    if timeout == Some(Duration::ZERO) {
        return Ok(false);
    }
    let (since, until) = (Instant::now(), deadline(timeout));
    loop {
        match queue.sleep(vm, since, until) {
            Wake::Interrupted => vm.check_signals()?,
            Wake::TimedOut => return Ok(ready()),
            Wake::Woken | Wake::Given => {}
        }
        if ready() {
            return Ok(true);
        }
    }
}
