//! Compile-time decoding of the generated little-endian blobs.

/// The first `N` little-endian `u16` values of `bytes` after `skip` values.
pub(crate) const fn u16s<const N: usize>(bytes: &[u8], skip: usize) -> [u16; N] {
    let mut out = [0u16; N];
    let mut i = 0;
    while i < N {
        let at = (skip + i) * 2;
        out[i] = bytes[at] as u16 | (bytes[at + 1] as u16) << 8;
        i += 1;
    }
    out
}

/// One little-endian `u32` at byte offset `at`.
pub(crate) const fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes[at] as u32
        | (bytes[at + 1] as u32) << 8
        | (bytes[at + 2] as u32) << 16
        | (bytes[at + 3] as u32) << 24
}

/// The first `N` little-endian `u32` values of `bytes`.
pub(crate) const fn u32s<const N: usize>(bytes: &[u8]) -> [u32; N] {
    let mut out = [0u32; N];
    let mut i = 0;
    while i < N {
        out[i] = u32_at(bytes, i * 4);
        i += 1;
    }
    out
}

/// The value of a two-level trie for a code point; those past the last
/// code point read as the last entry does (unassigned).
#[inline(always)]
pub(crate) fn trie(index1: &[u16], index2: &[u16], shift: u32, ch: u32) -> usize {
    let ch = if ch > 0x10FFFF { 0x10FFFF } else { ch };
    let block = index1[(ch >> shift) as usize] as usize;
    index2[(block << shift) | (ch & ((1 << shift) - 1)) as usize] as usize
}
