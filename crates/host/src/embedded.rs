//! A directory that lies inside the executable: the standard library.
//!
//! Programs look next to modules for files (`os.listdir(os.path.dirname(ast.__file__))`,
//! `open(module.__file__)`). Where the system knows no such path, [`fs`](crate::fs) asks
//! here: directories can be listed, files opened for reading (as anonymous files
//! in memory) and both asked for their metadata. A real file of that name wins.

use crate::error::{Errno, Result};
use crate::fs::{DirectoryEntry, Stat};
use std::ffi::{CStr, CString};
use std::sync::OnceLock;

/// The files below the mounted directory; paths are relative, without leading slash.
pub trait Tree: Send + Sync {
    /// The content of a file.
    fn read(&self, path: &str) -> Option<Vec<u8>>;
    /// The size of a file.
    fn size(&self, path: &str) -> Option<usize>;
    /// The names in a directory; None if it is none.
    fn list(&self, path: &str) -> Option<Vec<String>>;
}

struct Mounted {
    root: Vec<u8>,
    tree: &'static dyn Tree,
}

static MOUNTED: OnceLock<Mounted> = OnceLock::new();

/// Puts `tree` at `root`, an absolute path. Only the first call counts.
pub fn mount(root: &str, tree: &'static dyn Tree) {
    if root.starts_with('/') && root.len() > 1 {
        let _ = MOUNTED.set(Mounted { root: root.as_bytes().to_vec(), tree });
    }
}

/// The tree and the place in it, if `path` leads there and the system has denied it.
fn find(path: &CStr, error: Errno) -> Option<(&'static dyn Tree, String)> {
    if error.0 != libc::ENOENT && error.0 != libc::ENOTDIR {
        return None;
    }
    let mounted = MOUNTED.get()?;
    let rest = path.to_bytes().strip_prefix(mounted.root.as_slice())?;
    if !rest.is_empty() && rest[0] != b'/' {
        return None;
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in std::str::from_utf8(rest).ok()?.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some((mounted.tree, parts.join("/")))
}

/// A descriptor of a file in memory with the content of an embedded file.
pub(crate) fn open(path: &CStr, flags: i32, error: Errno) -> Result<i32> {
    let reads = flags & libc::O_ACCMODE == libc::O_RDONLY && flags & (libc::O_CREAT | libc::O_DIRECTORY) == 0;
    let Some((tree, place)) = find(path, error).filter(|_| reads) else { return Err(error) };
    let Some(content) = tree.read(&place) else { return Err(error) };
    let name = CString::new(place.rsplit('/').next().unwrap_or_default()).unwrap_or_default();
    let fd = crate::fd::memfd(&name, if flags & libc::O_CLOEXEC != 0 { libc::MFD_CLOEXEC } else { 0 })?;
    let mut rest = content.as_slice();
    let mut at = 0;
    while !rest.is_empty() {
        match crate::fd::pwrite(fd, rest, at) {
            Ok(n) if n > 0 => {
                rest = &rest[n.min(rest.len())..];
                at += n as i64;
            }
            Err(Errno(libc::EINTR)) => {}
            result => {
                let _ = crate::fd::close(fd);
                return Err(result.err().unwrap_or(Errno(libc::EIO)));
            }
        }
    }
    Ok(fd)
}

/// When the files were changed: the first day of 2026. Archives refuse times before 1980.
const CHANGED: i64 = 1_767_225_600;

/// Metadata: readable by all.
pub(crate) fn stat(path: &CStr, error: Errno, mut empty: Stat) -> Result<Stat> {
    let Some((tree, place)) = find(path, error) else { return Err(error) };
    let (mode, size) = match tree.size(&place) {
        Some(size) => (libc::S_IFREG | 0o444, size),
        None if tree.list(&place).is_some() => (libc::S_IFDIR | 0o555, 0),
        None => return Err(error),
    };
    empty.st_mode = mode;
    empty.st_size = size as i64;
    empty.st_nlink = 1;
    (empty.st_atime, empty.st_mtime, empty.st_ctime) = (CHANGED, CHANGED, CHANGED);
    // Different files differ in their inode.
    empty.st_ino =
        place.bytes().fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ b as u64).wrapping_mul(0x100_0000_01b3));
    Ok(empty)
}

/// May the path be read (and nothing else)?
pub(crate) fn access(path: &CStr, mode: i32, error: Errno) -> Result {
    match find(path, error) {
        Some((tree, place)) if tree.size(&place).is_some() || tree.list(&place).is_some() => {
            if mode & libc::W_OK != 0 { Err(Errno(libc::EROFS)) } else { Ok(()) }
        }
        _ => Err(error),
    }
}

/// The entries of a directory.
pub(crate) fn list(path: &CStr, error: Errno) -> Result<Vec<DirectoryEntry>> {
    let Some((tree, place)) = find(path, error) else { return Err(error) };
    let names =
        tree.list(&place).ok_or(if tree.size(&place).is_some() { Errno(libc::ENOTDIR) } else { error })?;
    let entries = names.into_iter().filter_map(|name| {
        let inner = if place.is_empty() { name.clone() } else { format!("{place}/{name}") };
        let kind = if tree.size(&inner).is_some() { libc::DT_REG } else { libc::DT_DIR };
        Some(DirectoryEntry { name: CString::new(name).ok()?, inode: 0, kind })
    });
    Ok(entries.collect())
}
