//! Terminals and pseudo terminals.

use crate::error::{Errno, Result, check as cvt, done};
use std::ffi::CStr;

/// Columns and lines.
pub fn size(fd: i32) -> Result<(u16, u16)> {
    // SAFETY: zero is a valid winsize.
    unsafe {
        let mut ws: libc::winsize = std::mem::zeroed();
        done(libc::ioctl(fd, libc::TIOCGWINSZ, &mut ws))?;
        Ok((ws.ws_col, ws.ws_row))
    }
}

fn name_of(call: impl Fn(*mut libc::c_char, usize) -> i32) -> Result<Vec<u8>> {
    let mut out = [0 as libc::c_char; 4096];
    let e = call(out.as_mut_ptr(), out.len());
    if e != 0 {
        return Err(if e > 0 { Errno(e) } else { Errno::last() });
    }
    // SAFETY: the call wrote a C string into our buffer.
    Ok(unsafe { CStr::from_ptr(out.as_ptr()) }.to_bytes().to_vec())
}

pub fn name(fd: i32) -> Result<Vec<u8>> {
    // SAFETY: the buffer is ours.
    name_of(|p, n| unsafe { libc::ttyname_r(fd, p, n) })
}

pub fn slave_name(fd: i32) -> Result<Vec<u8>> {
    // SAFETY: the buffer is ours.
    name_of(|p, n| unsafe { libc::ptsname_r(fd, p, n) })
}

/// The name of the controlling terminal.
pub fn controlling() -> Vec<u8> {
    unsafe extern "C" {
        fn ctermid(s: *mut libc::c_char) -> *mut libc::c_char;
    }
    let mut out = [0 as libc::c_char; 1024];
    // SAFETY: larger than L_ctermid.
    unsafe {
        ctermid(out.as_mut_ptr());
        CStr::from_ptr(out.as_ptr()).to_bytes().to_vec()
    }
}

/// `openpty(3)`: master, slave; neither is inheritable.
pub fn open_pair() -> Result<(i32, i32)> {
    let (mut master, mut slave) = (-1, -1);
    // SAFETY: fills in the two numbers.
    unsafe {
        done(libc::openpty(
            &mut master,
            &mut slave,
            std::ptr::null_mut(),
            std::ptr::null_mut(),
            std::ptr::null_mut(),
        ))?;
    }
    crate::fd::set_inheritable(master, false)?;
    crate::fd::set_inheritable(slave, false)?;
    Ok((master, slave))
}

pub fn open_master(flags: i32) -> Result<i32> {
    // SAFETY: a number.
    cvt(unsafe { libc::posix_openpt(flags) })
}

pub fn grant(fd: i32) -> Result {
    // SAFETY: a number.
    done(unsafe { libc::grantpt(fd) })
}

pub fn unlock(fd: i32) -> Result {
    // SAFETY: a number.
    done(unsafe { libc::unlockpt(fd) })
}

pub fn login(fd: i32) -> Result {
    // SAFETY: a number.
    done(unsafe { libc::login_tty(fd) })
}

pub fn foreground_group(fd: i32) -> Result<i32> {
    // SAFETY: a number.
    cvt(unsafe { libc::tcgetpgrp(fd) })
}

pub fn set_foreground_group(fd: i32, group: i32) -> Result {
    // SAFETY: numbers.
    done(unsafe { libc::tcsetpgrp(fd, group) })
}

// ---- termios ------------------------------------------------------------------------

/// The attributes of a terminal.
pub type Attributes = libc::termios;

pub fn attributes(fd: i32) -> Result<Attributes> {
    // SAFETY: zero is a valid termios, filled by the call.
    unsafe {
        let mut t: libc::termios = std::mem::zeroed();
        done(libc::tcgetattr(fd, &mut t))?;
        Ok(t)
    }
}

pub fn set_attributes(fd: i32, when: i32, attributes: &Attributes) -> Result {
    // SAFETY: a complete termios.
    done(unsafe { libc::tcsetattr(fd, when, attributes) })
}

pub fn speeds(attributes: &Attributes) -> (u32, u32) {
    // SAFETY: a complete termios.
    unsafe { (libc::cfgetispeed(attributes), libc::cfgetospeed(attributes)) }
}

pub fn set_speeds(attributes: &mut Attributes, input: u32, output: u32) -> Result {
    // SAFETY: a complete termios.
    unsafe {
        done(libc::cfsetispeed(attributes, input))?;
        done(libc::cfsetospeed(attributes, output))
    }
}

pub fn send_break(fd: i32, duration: i32) -> Result {
    // SAFETY: numbers.
    done(unsafe { libc::tcsendbreak(fd, duration) })
}

pub fn drain(fd: i32) -> Result {
    // SAFETY: a number.
    done(unsafe { libc::tcdrain(fd) })
}

pub fn flush(fd: i32, queue: i32) -> Result {
    // SAFETY: numbers.
    done(unsafe { libc::tcflush(fd, queue) })
}

pub fn flow(fd: i32, action: i32) -> Result {
    // SAFETY: numbers.
    done(unsafe { libc::tcflow(fd, action) })
}

/// Lines, columns, and the size in pixels.
pub fn window_size(fd: i32) -> Result<[u16; 4]> {
    // SAFETY: zero is a valid winsize.
    unsafe {
        let mut ws: libc::winsize = std::mem::zeroed();
        done(libc::ioctl(fd, libc::TIOCGWINSZ, &mut ws))?;
        Ok([ws.ws_row, ws.ws_col, ws.ws_xpixel, ws.ws_ypixel])
    }
}

pub fn set_window_size(fd: i32, size: [u16; 4]) -> Result {
    let ws = libc::winsize { ws_row: size[0], ws_col: size[1], ws_xpixel: size[2], ws_ypixel: size[3] };
    // SAFETY: the winsize is ours.
    done(unsafe { libc::ioctl(fd, libc::TIOCSWINSZ, &ws) })
}
