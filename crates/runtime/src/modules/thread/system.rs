//! The system's threads, by the C library's own functions: those of Rust's
//! library take locks that a fork in another thread may leave taken for ever.

use std::mem::MaybeUninit;

/// A thread of the system: to be joined once, or left to itself when dropped.
pub struct SystemThread {
    id: libc::pthread_t,
}

// SAFETY: a number.
unsafe impl Send for SystemThread {}

type Work = Box<dyn FnOnce() + Send>;

extern "C" fn begin(argument: *mut libc::c_void) -> *mut libc::c_void {
    // SAFETY: `start` gave the box away to this thread.
    let work = unsafe { Box::from_raw(argument as *mut Work) };
    work();
    taipan_object::small::retire();
    std::ptr::null_mut()
}

impl SystemThread {
    /// Starts a thread with a stack of this size. If the system refuses, the
    /// work is dropped.
    pub fn start(stack: usize, work: impl FnOnce() + Send + 'static) -> Option<SystemThread> {
        let work: Box<Work> = Box::new(Box::new(work));
        let argument = Box::into_raw(work);
        let mut attributes = MaybeUninit::<libc::pthread_attr_t>::uninit();
        let mut id = MaybeUninit::<libc::pthread_t>::uninit();
        // SAFETY: the attributes are initialised, used and destroyed; the thread
        // owns the argument if it was created, else it is still ours.
        unsafe {
            let mut status = libc::pthread_attr_init(attributes.as_mut_ptr());
            if status == 0 {
                // Whole pages, which some systems insist on.
                let stack = stack.saturating_add(4095) & !4095;
                let stack = stack.max(libc::PTHREAD_STACK_MIN);
                status = libc::pthread_attr_setstacksize(attributes.as_mut_ptr(), stack);
                if status == 0 {
                    let attributes = attributes.as_ptr();
                    status = libc::pthread_create(id.as_mut_ptr(), attributes, begin, argument.cast());
                }
                libc::pthread_attr_destroy(attributes.as_mut_ptr());
            }
            if status != 0 {
                drop(Box::from_raw(argument));
                return None;
            }
            Some(SystemThread { id: id.assume_init() })
        }
    }
    /// What Python shows as the thread's identifier.
    pub fn ident(&self) -> u64 {
        self.id
    }
    /// Waits for its end.
    pub fn join(self) {
        let this = std::mem::ManuallyDrop::new(self);
        // SAFETY: joined or detached once.
        unsafe { libc::pthread_join(this.id, std::ptr::null_mut()) };
    }
}

impl Drop for SystemThread {
    fn drop(&mut self) {
        // SAFETY: joined or detached once.
        unsafe { libc::pthread_detach(self.id) };
    }
}

/// Runs `work` on a stack of its own and waits for it. None if there is no
/// thread to be had, or if the work panics.
pub fn on_own_stack<W: FnOnce() -> R, R>(stack: usize, work: W) -> Option<R> {
    struct Job<W, R> {
        work: Option<W>,
        result: Option<R>,
    }
    let mut job = Job { work: Some(work), result: None };
    let place = &raw mut job as usize;
    let thread = SystemThread::start(stack, move || {
        // SAFETY: the job lives until this thread was joined, and is touched by
        // nobody else meanwhile.
        let job = unsafe { &mut *(place as *mut Job<W, R>) };
        if let Some(work) = job.work.take() {
            job.result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).ok();
        }
    })?;
    thread.join();
    job.result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_on_a_stack_of_its_own() {
        let text = String::from("borrowed");
        assert_eq!(on_own_stack(1 << 20, || text.len()), Some(8));
        assert_eq!(on_own_stack(usize::MAX / 2, || 1), None);
    }
}
