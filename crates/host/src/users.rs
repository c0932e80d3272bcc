//! The user and group databases.

use crate::error::{Errno, Result};
use crate::policy::{Access, check};
use std::ffi::CStr;

/// A line of the user database.
#[derive(Clone, Debug)]
pub struct User {
    pub name: Vec<u8>,
    pub password: Vec<u8>,
    pub uid: u32,
    pub gid: u32,
    pub gecos: Vec<u8>,
    pub home: Vec<u8>,
    pub shell: Vec<u8>,
}

/// A line of the group database.
#[derive(Clone, Debug)]
pub struct Group {
    pub name: Vec<u8>,
    pub password: Vec<u8>,
    pub gid: u32,
    pub members: Vec<Vec<u8>>,
}

unsafe fn text(p: *const libc::c_char) -> Vec<u8> {
    // SAFETY: null or a C string, says the caller.
    unsafe { if p.is_null() { Vec::new() } else { CStr::from_ptr(p).to_bytes().to_vec() } }
}

unsafe fn user(p: *const libc::passwd) -> User {
    // SAFETY: a filled passwd, says the caller.
    unsafe {
        let p = &*p;
        User {
            name: text(p.pw_name),
            password: text(p.pw_passwd),
            uid: p.pw_uid,
            gid: p.pw_gid,
            gecos: text(p.pw_gecos),
            home: text(p.pw_dir),
            shell: text(p.pw_shell),
        }
    }
}

unsafe fn group(g: *const libc::group) -> Group {
    // SAFETY: a filled group, says the caller.
    unsafe {
        let g = &*g;
        let mut members = Vec::new();
        let mut member = g.gr_mem;
        while !member.is_null() && !(*member).is_null() {
            members.push(text(*member));
            member = member.add(1);
        }
        Group { name: text(g.gr_name), password: text(g.gr_passwd), gid: g.gr_gid, members }
    }
}

/// Calls a reentrant lookup with a buffer that grows while it is too small.
fn look_up<R, T>(
    mut call: impl FnMut(*mut R, *mut libc::c_char, usize, *mut *mut R) -> i32,
    convert: unsafe fn(*const R) -> T,
) -> Result<Option<T>> {
    let mut size = 1024;
    loop {
        let mut buffer: Vec<libc::c_char> = vec![0; size];
        // SAFETY: zero is a valid value of both structures; the result points
        // into our buffer and is copied before that goes.
        unsafe {
            let mut entry: R = std::mem::zeroed();
            let mut found: *mut R = std::ptr::null_mut();
            let e = call(&mut entry, buffer.as_mut_ptr(), size, &mut found);
            if e == libc::ERANGE && size < 1 << 24 {
                size *= 2;
                continue;
            }
            if found.is_null() {
                return match e {
                    0 | libc::ENOENT | libc::ESRCH | libc::EBADF | libc::EPERM => Ok(None),
                    e => Err(Errno(e)),
                };
            }
            return Ok(Some(convert(found)));
        }
    }
}

pub fn user_by_id(uid: u32) -> Result<Option<User>> {
    check(Access::Environment)?;
    // SAFETY: arguments as `look_up` makes them.
    look_up(|e, p, n, found| unsafe { libc::getpwuid_r(uid, e, p, n, found) }, user)
}

pub fn user_by_name(name: &CStr) -> Result<Option<User>> {
    check(Access::Environment)?;
    // SAFETY: as above, and a C string.
    look_up(|e, p, n, found| unsafe { libc::getpwnam_r(name.as_ptr(), e, p, n, found) }, user)
}

pub fn group_by_id(gid: u32) -> Result<Option<Group>> {
    check(Access::Environment)?;
    // SAFETY: as above.
    look_up(|e, p, n, found| unsafe { libc::getgrgid_r(gid, e, p, n, found) }, group)
}

pub fn group_by_name(name: &CStr) -> Result<Option<Group>> {
    check(Access::Environment)?;
    // SAFETY: as above.
    look_up(|e, p, n, found| unsafe { libc::getgrnam_r(name.as_ptr(), e, p, n, found) }, group)
}

/// Guards the databases' one position of the process.
static WALK: std::sync::Mutex<()> = std::sync::Mutex::new(());

pub fn all_users() -> Result<Vec<User>> {
    check(Access::Environment)?;
    let _guard = WALK.lock();
    let mut out = Vec::new();
    // SAFETY: one walk at a time; entries are copied at once.
    unsafe {
        libc::setpwent();
        loop {
            let p = libc::getpwent();
            if p.is_null() {
                break;
            }
            out.push(user(p));
        }
        libc::endpwent();
    }
    Ok(out)
}

pub fn all_groups() -> Result<Vec<Group>> {
    check(Access::Environment)?;
    let _guard = WALK.lock();
    let mut out = Vec::new();
    // SAFETY: as above.
    unsafe {
        libc::setgrent();
        loop {
            let g = libc::getgrent();
            if g.is_null() {
                break;
            }
            out.push(group(g));
        }
        libc::endgrent();
    }
    Ok(out)
}

/// `getgrouplist(3)`.
pub fn groups_of(name: &CStr, base: u32) -> Result<Vec<u32>> {
    check(Access::Environment)?;
    let mut n: i32 = 64;
    loop {
        let mut out = vec![0u32; n as usize];
        let room = n;
        // SAFETY: room for `n` groups.
        if unsafe { libc::getgrouplist(name.as_ptr(), base, out.as_mut_ptr(), &mut n) } != -1 {
            out.truncate(n.max(0) as usize);
            return Ok(out);
        }
        n = n.max(room * 2);
        if n > 1 << 20 {
            return Err(Errno(libc::ENOMEM));
        }
    }
}

/// `getlogin_r(3)`.
pub fn login_name() -> Result<Vec<u8>> {
    check(Access::Environment)?;
    unsafe extern "C" {
        fn getlogin_r(name: *mut libc::c_char, size: libc::size_t) -> libc::c_int;
    }
    let mut out = [0 as libc::c_char; 512];
    // SAFETY: the buffer is ours.
    let e = unsafe { getlogin_r(out.as_mut_ptr(), out.len()) };
    if e != 0 {
        return Err(Errno(e));
    }
    // SAFETY: the call wrote a C string.
    Ok(unsafe { text(out.as_ptr()) })
}
