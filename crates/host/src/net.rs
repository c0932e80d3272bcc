//! Sockets. Addresses are the bytes of a `sockaddr`, family first, as the
//! kernel wants them: who calls builds them and takes them apart. Creating a
//! socket, connecting and binding ask for permission; what works on a socket
//! that is there does not.

use crate::error::{Errno, Result, check as cvt, count, done};
use crate::policy::{Access, check};
use std::mem::MaybeUninit;

/// Room for any address.
pub const ADDRESS_MAX: usize = size_of::<libc::sockaddr_storage>();

/// An address that came from the system.
#[derive(Clone, Copy)]
pub struct Address {
    storage: [u8; ADDRESS_MAX],
    len: usize,
}

impl Address {
    /// The bytes, without what the system did not fill in.
    pub fn bytes(&self) -> &[u8] {
        &self.storage[..self.len.min(ADDRESS_MAX)]
    }
}

/// Calls with room for an address.
fn with_room<T>(
    call: impl FnOnce(*mut libc::sockaddr, *mut libc::socklen_t) -> Result<T>,
) -> Result<(T, Address)> {
    // SAFETY: zero is a valid storage.
    let mut storage: libc::sockaddr_storage = unsafe { std::mem::zeroed() };
    let mut len = ADDRESS_MAX as libc::socklen_t;
    let value = call((&raw mut storage).cast(), &mut len)?;
    // SAFETY: as many bytes as a storage has, all initialised.
    let storage = unsafe { std::mem::transmute::<libc::sockaddr_storage, [u8; ADDRESS_MAX]>(storage) };
    Ok((value, Address { storage, len: len as usize }))
}

/// Calls with an address of the caller's, aligned.
fn with_address<T>(
    bytes: &[u8],
    call: impl FnOnce(*mut libc::sockaddr, libc::socklen_t) -> Result<T>,
) -> Result<T> {
    if bytes.len() > ADDRESS_MAX {
        return Err(Errno(libc::EINVAL));
    }
    // SAFETY: zero is a valid storage; it has room for the bytes.
    unsafe {
        let mut storage: libc::sockaddr_storage = std::mem::zeroed();
        std::ptr::copy_nonoverlapping(bytes.as_ptr(), (&raw mut storage).cast(), bytes.len());
        call((&raw mut storage).cast(), bytes.len() as libc::socklen_t)
    }
}

/// `socket(2)`.
pub fn socket(family: i32, kind: i32, protocol: i32) -> Result<i32> {
    check(Access::Network)?;
    // SAFETY: numbers.
    cvt(unsafe { libc::socket(family, kind, protocol) })
}

/// `socketpair(2)`.
pub fn socketpair(family: i32, kind: i32, protocol: i32) -> Result<(i32, i32)> {
    let mut fds = [0; 2];
    // SAFETY: room for two.
    done(unsafe { libc::socketpair(family, kind, protocol, fds.as_mut_ptr()) })?;
    Ok((fds[0], fds[1]))
}

pub fn bind(fd: i32, address: &[u8]) -> Result {
    check(Access::Network)?;
    // SAFETY: an address of ours.
    with_address(address, |address, len| done(unsafe { libc::bind(fd, address, len) }))
}

pub fn connect(fd: i32, address: &[u8]) -> Result {
    check(Access::Network)?;
    // SAFETY: an address of ours.
    with_address(address, |address, len| done(unsafe { libc::connect(fd, address, len) }))
}

pub fn listen(fd: i32, backlog: i32) -> Result {
    // SAFETY: numbers.
    done(unsafe { libc::listen(fd, backlog) })
}

/// `accept4(2)`: the new descriptor, not inheritable, and the peer's address.
pub fn accept(fd: i32) -> Result<(i32, Address)> {
    // SAFETY: room for an address.
    with_room(|address, len| cvt(unsafe { libc::accept4(fd, address, len, libc::SOCK_CLOEXEC) }))
}

/// The socket's own address.
pub fn own_address(fd: i32) -> Result<Address> {
    // SAFETY: room for an address.
    with_room(|address, len| done(unsafe { libc::getsockname(fd, address, len) })).map(|(_, a)| a)
}

/// The address of who it is connected to.
pub fn peer_address(fd: i32) -> Result<Address> {
    // SAFETY: room for an address.
    with_room(|address, len| done(unsafe { libc::getpeername(fd, address, len) })).map(|(_, a)| a)
}

pub fn shutdown(fd: i32, how: i32) -> Result {
    // SAFETY: numbers.
    done(unsafe { libc::shutdown(fd, how) })
}

/// Reads an option into a buffer; how many bytes it has.
pub fn option(fd: i32, level: i32, name: i32, out: &mut [u8]) -> Result<usize> {
    let mut len = out.len() as libc::socklen_t;
    // SAFETY: a buffer of that length.
    done(unsafe { libc::getsockopt(fd, level, name, out.as_mut_ptr().cast(), &mut len) })?;
    Ok((len as usize).min(out.len()))
}

/// Reads an option that is a C int.
pub fn int_option(fd: i32, level: i32, name: i32) -> Result<i32> {
    let mut value = [0; 4];
    option(fd, level, name, &mut value)?;
    Ok(i32::from_ne_bytes(value))
}

pub fn set_option(fd: i32, level: i32, name: i32, value: &[u8]) -> Result {
    // SAFETY: a buffer of that length.
    done(unsafe { libc::setsockopt(fd, level, name, value.as_ptr().cast(), value.len() as libc::socklen_t) })
}

/// Sets an option without a value, only a length.
pub fn set_option_length(fd: i32, level: i32, name: i32, len: u32) -> Result {
    // SAFETY: the kernel answers EFAULT where it wants a value.
    done(unsafe { libc::setsockopt(fd, level, name, std::ptr::null(), len) })
}

// ---- receiving --------------------------------------------------------------------------

#[inline]
pub fn recv(fd: i32, out: &mut [u8], flags: i32) -> Result<usize> {
    // SAFETY: the buffer is the caller's.
    count(unsafe { libc::recv(fd, out.as_mut_ptr().cast(), out.len(), flags) })
}

pub fn recv_from(fd: i32, out: &mut [u8], flags: i32) -> Result<(usize, Address)> {
    // SAFETY: buffer and address have room.
    with_room(|address, len| {
        count(unsafe { libc::recvfrom(fd, out.as_mut_ptr().cast(), out.len(), flags, address, len) })
    })
}

/// Receives into the unused room of a vector, which must be empty.
fn fill<T>(out: &mut Vec<u8>, call: impl FnOnce(&mut [MaybeUninit<u8>]) -> Result<(usize, T)>) -> Result<T> {
    out.clear();
    let room = out.capacity();
    let (n, value) = call(out.spare_capacity_mut())?;
    // SAFETY: the call fills what it counts; with MSG_TRUNC it may count more.
    unsafe { out.set_len(n.min(room)) };
    Ok(value)
}

/// Receives as much as the vector has room for, and replaces its contents.
pub fn recv_vec(fd: i32, out: &mut Vec<u8>, size: usize, flags: i32) -> Result {
    fill(out, |room| {
        let size = size.min(room.len());
        // SAFETY: room for `size` bytes.
        count(unsafe { libc::recv(fd, room.as_mut_ptr().cast(), size, flags) }).map(|n| (n.min(size), ()))
    })
}

/// As [`recv_vec`], with the sender's address.
pub fn recv_from_vec(fd: i32, out: &mut Vec<u8>, size: usize, flags: i32) -> Result<Address> {
    fill(out, |room| {
        let size = size.min(room.len());
        // SAFETY: room for `size` bytes and for an address.
        let (n, address) = with_room(|address, len| {
            count(unsafe { libc::recvfrom(fd, room.as_mut_ptr().cast(), size, flags, address, len) })
        })?;
        Ok((n.min(size), address))
    })
}

/// A control message: level, type, data.
pub type Control = (i32, i32, Vec<u8>);

/// What `recvmsg(2)` brought.
pub struct Message {
    pub size: usize,
    pub control: Vec<Control>,
    /// The last control message was cut off in its middle.
    pub cut: bool,
    pub flags: i32,
    pub address: Address,
}

/// Length of a control message with this much data; None if it is too much.
pub fn control_length(data: usize) -> Option<usize> {
    let limit = i32::MAX as usize - control_offset();
    // SAFETY: arithmetic.
    if data > limit { None } else { Some(unsafe { libc::CMSG_LEN(data as u32) } as usize) }
}

/// Room that a control message with this much data takes up; None if it is too much.
pub fn control_space(data: usize) -> Option<usize> {
    // SAFETY: arithmetic.
    let limit = i32::MAX as usize - unsafe { libc::CMSG_SPACE(1) } as usize;
    if data > limit { None } else { Some(unsafe { libc::CMSG_SPACE(data as u32) } as usize) }
}

fn control_offset() -> usize {
    // SAFETY: arithmetic.
    unsafe { libc::CMSG_LEN(0) as usize }
}

/// A buffer for control messages, aligned as their headers must be.
fn control_buffer(size: usize) -> Result<Vec<u64>> {
    let mut buffer = Vec::new();
    let words = size.div_ceil(8);
    buffer.try_reserve_exact(words).map_err(|_| Errno(libc::ENOMEM))?;
    buffer.resize(words, 0);
    Ok(buffer)
}

/// `recvmsg(2)` into several buffers.
pub fn recv_message(fd: i32, buffers: &mut [&mut [u8]], control: usize, flags: i32) -> Result<Message> {
    let mut parts: Vec<libc::iovec> = buffers
        .iter_mut()
        .map(|b| libc::iovec { iov_base: b.as_mut_ptr().cast(), iov_len: b.len() })
        .collect();
    let mut room = control_buffer(control)?;
    // SAFETY: zero is a valid msghdr; the parts describe the caller's buffers.
    unsafe {
        let mut header: libc::msghdr = std::mem::zeroed();
        header.msg_iov = parts.as_mut_ptr();
        header.msg_iovlen = parts.len() as _;
        if control > 0 {
            header.msg_control = room.as_mut_ptr().cast();
            header.msg_controllen = control as _;
        }
        let ((size, header), mut address) = with_room(|address, len| {
            header.msg_name = address.cast();
            header.msg_namelen = *len;
            let size = count(libc::recvmsg(fd, &mut header, flags))?;
            *len = header.msg_namelen;
            Ok((size, header))
        })?;
        if header.msg_namelen == 0 {
            address.len = 0;
        }
        let (list, cut) = control_messages(&header);
        Ok(Message { size, control: list, cut, flags: header.msg_flags, address })
    }
}

/// # Safety
/// The header is one that `recvmsg` filled in.
unsafe fn control_messages(header: &libc::msghdr) -> (Vec<Control>, bool) {
    let mut list = Vec::new();
    // SAFETY: headers lie within the control buffer, says the C library's walk;
    // the data of the last one may reach beyond it and is cut there.
    unsafe {
        let end = header.msg_control as usize + header.msg_controllen;
        let mut at = libc::CMSG_FIRSTHDR(header);
        while !at.is_null() {
            let data = libc::CMSG_DATA(at);
            let left = end.saturating_sub(data as usize);
            let Some(wanted) = ((*at).cmsg_len as usize).checked_sub(control_offset()) else { break };
            let size = wanted.min(left);
            list.push(((*at).cmsg_level, (*at).cmsg_type, std::slice::from_raw_parts(data, size).to_vec()));
            if wanted > left {
                return (list, true);
            }
            at = libc::CMSG_NXTHDR(header, at);
        }
    }
    (list, false)
}

// ---- sending ----------------------------------------------------------------------------

#[inline]
pub fn send(fd: i32, bytes: &[u8], flags: i32) -> Result<usize> {
    // SAFETY: the bytes are the caller's.
    count(unsafe { libc::send(fd, bytes.as_ptr().cast(), bytes.len(), flags) })
}

pub fn send_to(fd: i32, bytes: &[u8], flags: i32, address: &[u8]) -> Result<usize> {
    check(Access::Network)?;
    with_address(address, |address, len| {
        // SAFETY: the bytes are the caller's.
        count(unsafe { libc::sendto(fd, bytes.as_ptr().cast(), bytes.len(), flags, address, len) })
    })
}

/// `sendmsg(2)` of several buffers, with control messages.
pub fn send_message(
    fd: i32,
    buffers: &[&[u8]],
    control: &[Control],
    flags: i32,
    address: Option<&[u8]>,
) -> Result<usize> {
    let parts: Vec<libc::iovec> = buffers
        .iter()
        .map(|b| libc::iovec { iov_base: b.as_ptr().cast_mut().cast(), iov_len: b.len() })
        .collect();
    let mut size = 0usize;
    for (_, _, data) in control {
        let space = control_space(data.len()).and_then(|n| size.checked_add(n));
        size = space.ok_or(Errno(libc::EMSGSIZE))?;
    }
    let mut room = control_buffer(size)?;
    // SAFETY: zero is a valid msghdr; the parts describe the caller's buffers,
    // which are only read; the control buffer is as large as its messages.
    unsafe {
        let mut header: libc::msghdr = std::mem::zeroed();
        header.msg_iov = parts.as_ptr().cast_mut();
        header.msg_iovlen = parts.len() as _;
        if size > 0 {
            header.msg_control = room.as_mut_ptr().cast();
            header.msg_controllen = size as _;
            let mut at = libc::CMSG_FIRSTHDR(&header);
            for (level, kind, data) in control {
                if at.is_null() {
                    return Err(Errno(libc::EMSGSIZE));
                }
                (*at).cmsg_level = *level;
                (*at).cmsg_type = *kind;
                (*at).cmsg_len = libc::CMSG_LEN(data.len() as u32) as _;
                std::ptr::copy_nonoverlapping(data.as_ptr(), libc::CMSG_DATA(at), data.len());
                at = libc::CMSG_NXTHDR(&header, at);
            }
        }
        match address {
            None => count(libc::sendmsg(fd, &header, flags)),
            Some(bytes) => {
                check(Access::Network)?;
                with_address(bytes, |address, len| {
                    header.msg_name = address.cast();
                    header.msg_namelen = len;
                    count(libc::sendmsg(fd, &header, flags))
                })
            }
        }
    }
}
