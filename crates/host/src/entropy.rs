//! Random bytes of the system.

use crate::error::{Result, count};
use crate::policy::{Access, check};

/// `getrandom(2)`: how many bytes were filled.
pub fn getrandom(buffer: &mut [u8], flags: u32) -> Result<usize> {
    check(Access::Entropy)?;
    // SAFETY: the buffer is ours.
    count(unsafe { libc::getrandom(buffer.as_mut_ptr().cast(), buffer.len(), flags) })
}

/// Fills the whole buffer, however many calls that takes.
pub fn fill(buffer: &mut [u8]) -> Result {
    let mut done = 0;
    while done < buffer.len() {
        match getrandom(&mut buffer[done..], 0) {
            Ok(n) => done += n,
            Err(e) if e.0 == libc::EINTR => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}
