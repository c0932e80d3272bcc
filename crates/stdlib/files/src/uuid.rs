//! `_uuid`: identifiers made of the time and this machine's hardware address
//! (version 1 of RFC 9562).

use crate::support::os;
use std::process;
use std::sync::Mutex;
use taipan_host::{clock, entropy, libc, resolve};
use taipan_runtime::prelude::*;

pub static MODULE: ModuleDef = ModuleDef {
    name: "_uuid",
    doc: "The native half of the module uuid.",
    functions: &[MethodDef::new("generate_time_safe()", generate, "")],
    types: &[],
    init: Some(|vm, module| {
        vm.set_attr_str(module, "has_uuid_generate_time_safe", &vm.int(1))?;
        vm.set_attr_str(module, "has_stable_extractable_node", &vm.int(0))
    }),
};

/// From the beginning of the Gregorian calendar (15 October 1582) to that of
/// Unix time, in units of 100 ns.
const GREGORIAN: u64 = 0x01b2_1dd2_1381_4000;

/// What stays the same from one identifier to the next.
#[derive(Clone, Copy)]
struct State {
    process: u32,
    node: [u8; 6],
    sequence: u16,
    /// The time of the last identifier.
    last: u64,
}

static STATE: Mutex<Option<State>> = Mutex::new(None);

/// The bytes, and -1: no daemon sees to it that other processes make other ones.
fn generate(vm: &Vm, _args: &[Object]) -> Result {
    let now = os(vm, clock::now_ns(libc::CLOCK_REALTIME))?;
    let now = (now.max(0) as u64 / 100).wrapping_add(GREGORIAN);
    let own = process::id();
    let mut guard = STATE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let state = match *guard {
        Some(state) if state.process == own => state,
        _ => {
            let mut random = [0; 8];
            os(vm, entropy::fill(&mut random))?;
            let [a, b, node @ ..] = random;
            State {
                process: own,
                // A random one says so by the multicast bit.
                node: resolve::hardware_address().unwrap_or([
                    node[0] | 1,
                    node[1],
                    node[2],
                    node[3],
                    node[4],
                    node[5],
                ]),
                sequence: u16::from_be_bytes([a, b]) & 0x3fff,
                last: 0,
            }
        }
    };
    let time = now.max(state.last.wrapping_add(1));
    *guard = Some(State { last: time, ..state });
    drop(guard);
    Ok(vm.tuple(vec![vm.bytes(&layout(time, state.sequence, state.node)), vm.int(-1)]))
}

fn layout(time: u64, sequence: u16, node: [u8; 6]) -> [u8; 16] {
    let mut out = [0; 16];
    out[..4].copy_from_slice(&(time as u32).to_be_bytes());
    out[4..6].copy_from_slice(&((time >> 32) as u16).to_be_bytes());
    out[6..8].copy_from_slice(&((time >> 48) as u16 & 0x0fff | 0x1000).to_be_bytes());
    out[8..10].copy_from_slice(&(sequence & 0x3fff | 0x8000).to_be_bytes());
    out[10..].copy_from_slice(&node);
    out
}

#[cfg(test)]
mod tests {
    use super::layout;

    #[test]
    fn fields_are_where_the_standard_has_them() {
        // The example of RFC 9562: C232AB00-9414-11EC-B3C8-9F6BDECED846.
        let time = 0x1ec_9414_c232_ab00;
        let expected = 0xc232ab00_9414_11ec_b3c8_9f6bdeced846_u128;
        let out = layout(time, 0x33c8, [0x9f, 0x6b, 0xde, 0xce, 0xd8, 0x46]);
        assert_eq!(u128::from_be_bytes(out), expected);
    }
}
