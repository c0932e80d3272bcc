//! Names of a document as strings: each is made once per parser, in ElementTree's
//! notation (`{namespace}name`).

use std::collections::HashMap;
use taipan_runtime::codecs::utf8;
use taipan_runtime::prelude::*;

/// Places of the first table.
const PLACES: usize = 128;

/// The names that were seen: a small table of the last ones, in front of one of all.
#[derive(Default)]
pub struct Names {
    recent: Vec<Option<(Box<[u8]>, Object)>>,
    all: HashMap<Box<[u8]>, Object>,
}

/// A place in the first table: by the length and the last bytes, which differ most.
fn place(name: &[u8]) -> usize {
    let tail = name.last_chunk::<8>().map_or_else(
        || name.iter().fold(0, |word, &byte| word << 8 | byte as u64),
        |last| u64::from_le_bytes(*last),
    );
    let mixed = (tail ^ name.len() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> 57) as usize % PLACES
}

/// `namespace}name` becomes `{namespace}name`.
fn universal(vm: &Vm, name: &[u8]) -> Result {
    if !name.contains(&b'}') {
        return utf8::decode(vm, name, "strict", true).map(|decoded| decoded.0);
    }
    let mut full = Vec::new();
    full.try_reserve(name.len() + 1).map_err(|_| vm.memory_error())?;
    full.push(b'{');
    full.extend_from_slice(name);
    utf8::decode(vm, &full, "strict", true).map(|decoded| decoded.0)
}

impl Names {
    /// The string for a name of libexpat's.
    #[inline]
    pub fn get(&mut self, vm: &Vm, name: &[u8]) -> Result {
        let at = place(name);
        if let Some(Some((known, object))) = self.recent.get(at)
            && **known == *name
        {
            return Ok(object.clone());
        }
        self.look_further(vm, name, at)
    }
    #[cold]
    fn look_further(&mut self, vm: &Vm, name: &[u8], at: usize) -> Result {
        let object = match self.all.get(name) {
            Some(object) => object.clone(),
            None => {
                let object = universal(vm, name)?;
                self.all.insert(name.into(), object.clone());
                object
            }
        };
        if self.recent.is_empty() {
            self.recent.resize(PLACES, None);
        }
        if let Some(place) = self.recent.get_mut(at) {
            *place = Some((name.into(), object.clone()));
        }
        Ok(object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_in_the_table() {
        for name in [&b""[..], b"a", b"\xff\xff\xff\xff\xff\xff\xff", b"http://example.com/}name"] {
            assert!(place(name) < PLACES);
        }
    }
}
