//! The history: lines, and the files they are kept in.

use std::collections::VecDeque;
use std::ffi::CStr;
use taipan_host as host;
use taipan_host::libc;

/// Lines that were entered, the oldest first.
#[derive(Default)]
pub struct History {
    lines: VecDeque<String>,
    /// The most lines; the oldest ones go.
    pub limit: Option<usize>,
}

/// All of a file.
fn content(path: &CStr) -> host::Result<Vec<u8>> {
    let fd = host::fs::open(None, path, libc::O_RDONLY | libc::O_CLOEXEC, 0)?;
    let mut out = Vec::new();
    let result = loop {
        match host::fd::read_append(fd, &mut out, 1 << 16) {
            Ok(0) => break Ok(()),
            Err(host::Errno(libc::EINTR)) | Ok(_) => {}
            Err(error) => break Err(error),
        }
    };
    _ = host::fd::close(fd);
    result.map(|()| out)
}

/// Writes to a file, which is opened with these flags.
fn store(path: &CStr, flags: i32, mut bytes: &[u8]) -> host::Result<()> {
    let fd = host::fs::open(None, path, flags | libc::O_WRONLY | libc::O_CLOEXEC, 0o600)?;
    let mut result = Ok(());
    while !bytes.is_empty() {
        match host::fd::write(fd, bytes) {
            Ok(n) => bytes = bytes.get(n..).unwrap_or(&[]),
            Err(host::Errno(libc::EINTR)) => {}
            Err(error) => {
                result = Err(error);
                break;
            }
        }
    }
    _ = host::fd::close(fd);
    result
}

impl History {
    pub fn len(&self) -> usize {
        self.lines.len()
    }
    pub fn get(&self, i: usize) -> Option<&String> {
        self.lines.get(i)
    }
    pub fn last(&self) -> Option<&String> {
        self.lines.back()
    }
    pub fn clear(&mut self) {
        self.lines.clear();
    }
    pub fn push(&mut self, line: String) {
        self.lines.push_back(line);
        self.trim();
    }
    /// Keeps to the limit.
    pub fn trim(&mut self) {
        while self.limit.is_some_and(|limit| self.lines.len() > limit) {
            self.lines.pop_front();
        }
    }
    pub fn remove(&mut self, i: usize) -> Option<String> {
        self.lines.remove(i)
    }
    pub fn replace(&mut self, i: usize, line: String) -> bool {
        self.lines.get_mut(i).map(|place| *place = line).is_some()
    }
    /// Adds the lines of a file.
    pub fn load(&mut self, path: &CStr) -> host::Result<()> {
        let bytes = content(path)?;
        let text = String::from_utf8_lossy(&bytes);
        text.lines().filter(|line| !line.is_empty()).for_each(|line| self.push(line.to_owned()));
        Ok(())
    }
    fn text(&self, skip: usize) -> String {
        self.lines.iter().skip(skip).flat_map(|line| [line.as_str(), "\n"]).collect()
    }
    pub fn save(&self, path: &CStr) -> host::Result<()> {
        store(path, libc::O_CREAT | libc::O_TRUNC, self.text(0).as_bytes())
    }
    /// Adds the last `n` lines to a file that exists.
    pub fn append(&self, n: usize, path: &CStr) -> host::Result<()> {
        store(path, libc::O_APPEND, self.text(self.lines.len().saturating_sub(n)).as_bytes())
    }
}

/// Leaves the last `n` lines of a file.
pub fn shorten(path: &CStr, n: usize) -> host::Result<()> {
    let bytes = content(path)?;
    let lines: Vec<&[u8]> = bytes.split_inclusive(|&byte| byte == b'\n').collect();
    match lines.len().checked_sub(n) {
        None | Some(0) => Ok(()),
        Some(skip) => store(path, libc::O_TRUNC, &lines.get(skip..).unwrap_or(&[]).concat()),
    }
}

/// The text of an init file.
pub fn init_text(path: &CStr) -> host::Result<String> {
    content(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}
