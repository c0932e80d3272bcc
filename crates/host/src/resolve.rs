//! Names and numbers of hosts, services, protocols and network interfaces, as
//! the C library's resolver and databases know them.

use crate::error::{Errno, Result, done};
use crate::policy::{Access, check};
use std::ffi::{CStr, CString};

/// Why the resolver failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Failure {
    /// A code of `getaddrinfo` (`EAI_*`).
    Lookup(i32),
    /// A code of `gethostbyname` (`h_errno`).
    Host(i32),
    System(Errno),
}

impl Failure {
    /// The C library's words for it.
    pub fn text(self) -> String {
        // SAFETY: both functions give back static texts.
        let words = unsafe {
            match self {
                Failure::Lookup(code) => libc::gai_strerror(code),
                Failure::Host(code) => libc::hstrerror(code),
                Failure::System(e) => return e.text(),
            }
        };
        // SAFETY: null or a C string.
        unsafe { String::from_utf8_lossy(&text(words)).into_owned() }
    }
}

unsafe extern "C" {
    fn inet_pton(family: i32, text: *const libc::c_char, out: *mut libc::c_void) -> i32;
    fn inet_ntop(
        family: i32,
        address: *const libc::c_void,
        out: *mut libc::c_char,
        size: libc::socklen_t,
    ) -> *const libc::c_char;
    fn inet_aton(text: *const libc::c_char, out: *mut libc::in_addr) -> i32;
    fn gethostbyname2_r(
        name: *const libc::c_char,
        family: i32,
        entry: *mut libc::hostent,
        buffer: *mut libc::c_char,
        size: usize,
        result: *mut *mut libc::hostent,
        h_errno: *mut i32,
    ) -> i32;
    fn gethostbyaddr_r(
        address: *const libc::c_void,
        len: libc::socklen_t,
        family: i32,
        entry: *mut libc::hostent,
        buffer: *mut libc::c_char,
        size: usize,
        result: *mut *mut libc::hostent,
        h_errno: *mut i32,
    ) -> i32;
    fn getservbyname_r(
        name: *const libc::c_char,
        protocol: *const libc::c_char,
        entry: *mut libc::servent,
        buffer: *mut libc::c_char,
        size: usize,
        result: *mut *mut libc::servent,
    ) -> i32;
    fn getservbyport_r(
        port: i32,
        protocol: *const libc::c_char,
        entry: *mut libc::servent,
        buffer: *mut libc::c_char,
        size: usize,
        result: *mut *mut libc::servent,
    ) -> i32;
    fn getprotobyname_r(
        name: *const libc::c_char,
        entry: *mut libc::protoent,
        buffer: *mut libc::c_char,
        size: usize,
        result: *mut *mut libc::protoent,
    ) -> i32;
}

/// # Safety
/// Null or a C string.
unsafe fn text(p: *const libc::c_char) -> Vec<u8> {
    // SAFETY: says the caller.
    unsafe { if p.is_null() { Vec::new() } else { CStr::from_ptr(p).to_bytes().to_vec() } }
}

fn pointer(text: Option<&CStr>) -> *const libc::c_char {
    text.map_or(std::ptr::null(), CStr::as_ptr)
}

// ---- addresses as text --------------------------------------------------------------------

/// How many bytes an address of the family has.
fn address_size(family: i32) -> Result<usize> {
    match family {
        libc::AF_INET => Ok(4),
        libc::AF_INET6 => Ok(16),
        _ => Err(Errno(libc::EAFNOSUPPORT)),
    }
}

/// The bytes of an address; None if the text is none.
pub fn parse_address(family: i32, address: &CStr) -> Result<Option<Vec<u8>>> {
    let mut out = vec![0; address_size(family)?];
    // SAFETY: room for an address of the family.
    let found = unsafe { inet_pton(family, address.as_ptr(), out.as_mut_ptr().cast()) } == 1;
    Ok(found.then_some(out))
}

/// An address as text; None if it has the wrong number of bytes.
pub fn show_address(family: i32, address: &[u8]) -> Result<Option<String>> {
    if address.len() != address_size(family)? {
        return Ok(None);
    }
    let mut out = [0 as libc::c_char; 64];
    // SAFETY: an address of the right size, and room for the longest text.
    unsafe {
        let shown = inet_ntop(family, address.as_ptr().cast(), out.as_mut_ptr(), out.len() as u32);
        Ok(Some(String::from_utf8_lossy(&text(shown)).into_owned()))
    }
}

/// The old, lenient reading of IPv4 addresses.
pub fn parse_loose_ipv4(address: &CStr) -> Option<[u8; 4]> {
    let mut out = libc::in_addr { s_addr: 0 };
    // SAFETY: an address of ours.
    let found = unsafe { inet_aton(address.as_ptr(), &mut out) } != 0;
    found.then(|| out.s_addr.to_ne_bytes())
}

// ---- getaddrinfo --------------------------------------------------------------------------

/// What `getaddrinfo` is asked.
#[derive(Clone, Copy, Default, Debug)]
pub struct Hints {
    pub family: i32,
    pub kind: i32,
    pub protocol: i32,
    pub flags: i32,
}

/// One of its answers.
#[derive(Clone, Debug)]
pub struct Found {
    pub family: i32,
    pub kind: i32,
    pub protocol: i32,
    pub canonical: Option<Vec<u8>>,
    pub address: Vec<u8>,
}

pub fn addresses(
    host: Option<&CStr>,
    service: Option<&CStr>,
    hints: Hints,
) -> std::result::Result<Vec<Found>, Failure> {
    check(Access::Network).map_err(Failure::System)?;
    let mut list: *mut libc::addrinfo = std::ptr::null_mut();
    // SAFETY: zero is a valid addrinfo; the list is freed once, after it was copied.
    unsafe {
        let mut wanted: libc::addrinfo = std::mem::zeroed();
        wanted.ai_family = hints.family;
        wanted.ai_socktype = hints.kind;
        wanted.ai_protocol = hints.protocol;
        wanted.ai_flags = hints.flags;
        match libc::getaddrinfo(pointer(host), pointer(service), &wanted, &mut list) {
            0 => {}
            libc::EAI_SYSTEM => return Err(Failure::System(Errno::last())),
            code => return Err(Failure::Lookup(code)),
        }
        let mut out = Vec::new();
        let mut at = list;
        while !at.is_null() {
            let info = &*at;
            out.push(Found {
                family: info.ai_family,
                kind: info.ai_socktype,
                protocol: info.ai_protocol,
                canonical: if info.ai_canonname.is_null() { None } else { Some(text(info.ai_canonname)) },
                address: std::slice::from_raw_parts(info.ai_addr.cast::<u8>(), info.ai_addrlen as usize)
                    .to_vec(),
            });
            at = info.ai_next;
        }
        libc::freeaddrinfo(list);
        Ok(out)
    }
}

/// Host and service of an address.
pub fn names(address: &[u8], flags: i32) -> std::result::Result<(Vec<u8>, Vec<u8>), Failure> {
    check(Access::Network).map_err(Failure::System)?;
    if address.len() > crate::net::ADDRESS_MAX {
        return Err(Failure::Lookup(libc::EAI_FAMILY));
    }
    let (mut host, mut service) = ([0 as libc::c_char; 1025], [0 as libc::c_char; 32]);
    // SAFETY: zero is a valid storage, and it has room for the address.
    unsafe {
        let mut storage: libc::sockaddr_storage = std::mem::zeroed();
        std::ptr::copy_nonoverlapping(address.as_ptr(), (&raw mut storage).cast(), address.len());
        match libc::getnameinfo(
            (&raw const storage).cast(),
            address.len() as libc::socklen_t,
            host.as_mut_ptr(),
            host.len() as libc::socklen_t,
            service.as_mut_ptr(),
            service.len() as libc::socklen_t,
            flags,
        ) {
            0 => Ok((text(host.as_ptr()), text(service.as_ptr()))),
            libc::EAI_SYSTEM => Err(Failure::System(Errno::last())),
            code => Err(Failure::Lookup(code)),
        }
    }
}

// ---- the databases ------------------------------------------------------------------------

/// A host of the database.
#[derive(Clone, Debug, Default)]
pub struct Host {
    pub name: Vec<u8>,
    pub aliases: Vec<Vec<u8>>,
    pub family: i32,
    pub addresses: Vec<Vec<u8>>,
}

/// Calls with a buffer that grows until it is large enough (ERANGE).
fn with_buffer<T>(mut call: impl FnMut(&mut Vec<libc::c_char>) -> (i32, T)) -> T {
    let mut size = 8192;
    loop {
        let mut buffer = vec![0 as libc::c_char; size];
        let (status, value) = call(&mut buffer);
        if status != libc::ERANGE || size >= 1 << 24 {
            return value;
        }
        size *= 4;
    }
}

/// # Safety
/// Null, or an entry that the C library filled in.
unsafe fn host(entry: *const libc::hostent, h_errno: i32) -> std::result::Result<Host, Failure> {
    // SAFETY: says the caller.
    unsafe {
        if entry.is_null() {
            return Err(Failure::Host(h_errno));
        }
        let entry = &*entry;
        let list = |mut at: *mut *mut libc::c_char, item: &dyn Fn(*mut libc::c_char) -> Vec<u8>| {
            let mut out = Vec::new();
            while !at.is_null() && !(*at).is_null() {
                out.push(item(*at));
                at = at.add(1);
            }
            out
        };
        let size = entry.h_length.max(0) as usize;
        Ok(Host {
            name: text(entry.h_name),
            aliases: list(entry.h_aliases, &|p| text(p)),
            family: entry.h_addrtype,
            addresses: list(entry.h_addr_list, &|p| {
                std::slice::from_raw_parts(p.cast::<u8>(), size).to_vec()
            }),
        })
    }
}

pub fn host_by_name(name: &CStr, family: i32) -> std::result::Result<Host, Failure> {
    check(Access::Network).map_err(Failure::System)?;
    with_buffer(|buffer| {
        // SAFETY: zero is a valid hostent; it is read before its buffer goes.
        unsafe {
            let mut entry: libc::hostent = std::mem::zeroed();
            let (mut found, mut code) = (std::ptr::null_mut(), 0);
            let (room, size) = (buffer.as_mut_ptr(), buffer.len());
            let status =
                gethostbyname2_r(name.as_ptr(), family, &mut entry, room, size, &mut found, &mut code);
            (status, host(found, code))
        }
    })
}

pub fn host_by_address(address: &[u8], family: i32) -> std::result::Result<Host, Failure> {
    check(Access::Network).map_err(Failure::System)?;
    with_buffer(|buffer| {
        // SAFETY: as above.
        unsafe {
            let mut entry: libc::hostent = std::mem::zeroed();
            let (mut found, mut code) = (std::ptr::null_mut(), 0);
            let (room, size) = (buffer.as_mut_ptr(), buffer.len());
            let (from, len) = (address.as_ptr().cast(), address.len() as libc::socklen_t);
            let status = gethostbyaddr_r(from, len, family, &mut entry, room, size, &mut found, &mut code);
            (status, host(found, code))
        }
    })
}

/// The port of a service.
pub fn service_port(name: &CStr, protocol: Option<&CStr>) -> Option<u16> {
    with_buffer(|buffer| {
        // SAFETY: zero is a valid servent; it is read before its buffer goes.
        unsafe {
            let mut entry: libc::servent = std::mem::zeroed();
            let mut found: *mut libc::servent = std::ptr::null_mut();
            let (room, size) = (buffer.as_mut_ptr(), buffer.len());
            let status =
                getservbyname_r(name.as_ptr(), pointer(protocol), &mut entry, room, size, &mut found);
            let port = if found.is_null() { None } else { Some(u16::from_be((*found).s_port as u16)) };
            (status, port)
        }
    })
}

/// The service of a port.
pub fn service_name(port: u16, protocol: Option<&CStr>) -> Option<Vec<u8>> {
    with_buffer(|buffer| {
        // SAFETY: as above.
        unsafe {
            let mut entry: libc::servent = std::mem::zeroed();
            let mut found: *mut libc::servent = std::ptr::null_mut();
            let (room, size) = (buffer.as_mut_ptr(), buffer.len());
            let port = port.to_be() as i32;
            let status = getservbyport_r(port, pointer(protocol), &mut entry, room, size, &mut found);
            (status, if found.is_null() { None } else { Some(text((*found).s_name)) })
        }
    })
}

/// The number of a protocol.
pub fn protocol_number(name: &CStr) -> Option<i32> {
    with_buffer(|buffer| {
        // SAFETY: as above.
        unsafe {
            let mut entry: libc::protoent = std::mem::zeroed();
            let mut found: *mut libc::protoent = std::ptr::null_mut();
            let (room, size) = (buffer.as_mut_ptr(), buffer.len());
            let status = getprotobyname_r(name.as_ptr(), &mut entry, room, size, &mut found);
            (status, if found.is_null() { None } else { Some((*found).p_proto) })
        }
    })
}

// ---- this host ----------------------------------------------------------------------------

pub fn host_name() -> Result<Vec<u8>> {
    check(Access::Environment)?;
    let mut out = [0 as libc::c_char; 1024];
    // SAFETY: one byte stays 0.
    unsafe {
        done(libc::gethostname(out.as_mut_ptr(), out.len() - 1))?;
        Ok(text(out.as_ptr()))
    }
}

pub fn set_host_name(name: &[u8]) -> Result {
    check(Access::Control)?;
    // SAFETY: a buffer of that length.
    done(unsafe { libc::sethostname(name.as_ptr().cast(), name.len()) })
}

/// Index and name of every interface.
pub fn interfaces() -> Result<Vec<(u32, Vec<u8>)>> {
    check(Access::Network)?;
    let mut out = Vec::new();
    // SAFETY: the list ends with an index of 0 and is freed once.
    unsafe {
        let list = libc::if_nameindex();
        if list.is_null() {
            return Err(Errno::last());
        }
        let mut at = list;
        while (*at).if_index != 0 && !(*at).if_name.is_null() {
            out.push(((*at).if_index, text((*at).if_name)));
            at = at.add(1);
        }
        libc::if_freenameindex(list);
    }
    Ok(out)
}

pub fn interface_index(name: &CStr) -> Result<u32> {
    check(Access::Network)?;
    // SAFETY: a C string.
    match unsafe { libc::if_nametoindex(name.as_ptr()) } {
        0 => Err(Errno::last()),
        index => Ok(index),
    }
}

pub fn interface_name(index: u32) -> Result<CString> {
    check(Access::Network)?;
    let mut out = [0 as libc::c_char; libc::IF_NAMESIZE + 1];
    // SAFETY: room for a name.
    unsafe {
        if libc::if_indextoname(index, out.as_mut_ptr()).is_null() {
            return Err(Errno::last());
        }
        Ok(CStr::from_ptr(out.as_ptr()).to_owned())
    }
}

/// The hardware address of the first interface that has one.
pub fn hardware_address() -> Option<[u8; 6]> {
    check(Access::Network).ok()?;
    let mut list: *mut libc::ifaddrs = std::ptr::null_mut();
    let mut found = None;
    // SAFETY: the list is walked while it lives and freed once; entries of the
    // family AF_PACKET have a sockaddr_ll.
    unsafe {
        done(libc::getifaddrs(&mut list)).ok()?;
        let mut at = list;
        while !at.is_null() && found.is_none() {
            let address = (*at).ifa_addr;
            if !address.is_null() && (*address).sa_family as i32 == libc::AF_PACKET {
                let link = &*(address as *const libc::sockaddr_ll);
                let mac: [u8; 6] = std::array::from_fn(|i| link.sll_addr[i]);
                if link.sll_halen == 6 && mac != [0; 6] {
                    found = Some(mac);
                }
            }
            at = (*at).ifa_next;
        }
        libc::freeifaddrs(list);
    }
    found
}
