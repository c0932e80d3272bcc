//! Mapped memory. A [`Mapping`] belongs to its owner alone inside this process;
//! other processes may change a shared one at any time, so bytes are copied
//! out, not borrowed, except for one look at a time.

use crate::error::{Errno, Result, done};
use std::cell::Cell;

/// Memory from `mmap(2)`; unmapped when dropped.
pub struct Mapping {
    ptr: Cell<*mut u8>,
    len: Cell<usize>,
}

impl Mapping {
    /// `fd` -1: no file.
    pub fn new(len: usize, protection: i32, flags: i32, fd: i32, offset: i64) -> Result<Mapping> {
        // SAFETY: the system chooses the address.
        let ptr = unsafe { libc::mmap(std::ptr::null_mut(), len, protection, flags, fd, offset) };
        if ptr == libc::MAP_FAILED {
            return Err(Errno::last());
        }
        Ok(Mapping { ptr: Cell::new(ptr.cast()), len: Cell::new(len) })
    }
    pub fn len(&self) -> usize {
        self.len.get()
    }
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// The address, for buffers that are given away while the mapping stays.
    pub fn address(&self) -> *mut u8 {
        self.ptr.get()
    }
    /// One look at the bytes. `f` must not unmap or resize.
    pub fn with<R>(&self, f: impl FnOnce(&[u8]) -> R) -> R {
        // SAFETY: mapped readable memory of this length (callers make no other);
        // beyond the end of a cut file the process gets SIGBUS, as with any mmap.
        f(unsafe { std::slice::from_raw_parts(self.ptr.get(), self.len.get()) })
    }
    /// One change of the bytes of a writable mapping.
    pub fn with_mut<R>(&self, f: impl FnOnce(&mut [u8]) -> R) -> R {
        // SAFETY: as above; nothing else looks meanwhile (the caller holds the GIL).
        f(unsafe { std::slice::from_raw_parts_mut(self.ptr.get(), self.len.get()) })
    }
    pub fn flush(&self, offset: usize, len: usize) -> Result {
        if offset > self.len() || len > self.len() - offset {
            return Err(Errno(libc::EINVAL));
        }
        // SAFETY: within the mapping.
        done(unsafe { libc::msync(self.ptr.get().add(offset).cast(), len, libc::MS_SYNC) })
    }
    pub fn advise(&self, offset: usize, len: usize, advice: i32) -> Result {
        if offset > self.len() || len > self.len() - offset {
            return Err(Errno(libc::EINVAL));
        }
        // SAFETY: within the mapping.
        done(unsafe { libc::madvise(self.ptr.get().add(offset).cast(), len, advice) })
    }
    /// Grows or shrinks; the address may change.
    pub fn resize(&self, len: usize) -> Result {
        // SAFETY: our mapping, of this length.
        let ptr = unsafe { libc::mremap(self.ptr.get().cast(), self.len.get(), len, libc::MREMAP_MAYMOVE) };
        if ptr == libc::MAP_FAILED {
            return Err(Errno::last());
        }
        self.ptr.set(ptr.cast());
        self.len.set(len);
        Ok(())
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: our mapping, of this length.
        unsafe { libc::munmap(self.ptr.get().cast(), self.len.get()) };
    }
}

/// Gives the resident pages of this program's code and constants back to the system,
/// which has them in its file cache: those that are looked at again come again. For
/// the steps of a start, each of which runs code that nothing runs after it.
pub fn forget_program() {
    extern "C" fn visit(
        info: *mut libc::dl_phdr_info,
        _size: libc::size_t,
        _data: *mut libc::c_void,
    ) -> libc::c_int {
        let page = page_size();
        // SAFETY: the loader's table of the program's segments. Those that are not
        // writable are as in the file, so that nothing is lost with their pages.
        unsafe {
            let info = &*info;
            for i in 0..info.dlpi_phnum as usize {
                let segment = &*info.dlpi_phdr.add(i);
                if segment.p_type == libc::PT_LOAD && segment.p_flags & libc::PF_W == 0 {
                    let start = (info.dlpi_addr + segment.p_vaddr) as usize;
                    let end = (start + segment.p_memsz as usize) & !(page - 1);
                    let start = start & !(page - 1);
                    if end > start {
                        libc::madvise(start as *mut libc::c_void, end - start, libc::MADV_DONTNEED);
                    }
                }
            }
        }
        // The program is the first; the libraries behind it are shared with others.
        1
    }
    // SAFETY: the callback only reads what it is given.
    unsafe { libc::dl_iterate_phdr(Some(visit), std::ptr::null_mut()) };
}

pub fn page_size() -> usize {
    crate::process::sysconf(libc::_SC_PAGESIZE).map_or(4096, |n| n as usize)
}
