//! `tell` and `seek` of `TextIOWrapper`. A position in text is a position of
//! the bytes at which the decoder can start (with given flags), and how to get
//! on from there: bytes to feed, characters to throw away. All that is packed
//! into one int, the cookie.

use super::codec::{Decoder, State};
use super::text::{Snapshot, TextIo, attached, check_closed, state_at, write_pending};
use super::*;
use taipan_runtime::names::name;

/// The parts of a cookie.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Cookie {
    start: i64,
    flags: i32,
    feed: i32,
    skip: i32,
    need_eof: bool,
}

/// Where the parts lie, in bits: start 64, flags 32, feed 32, skip 32, need_eof 8.
const SHIFTS: [i64; 4] = [64, 96, 128, 160];

impl Cookie {
    fn pack(&self, vm: &Vm) -> Result {
        let mut packed = vm.int(self.start);
        let parts = [
            self.flags as u32 as i64,
            self.feed as u32 as i64,
            self.skip as u32 as i64,
            self.need_eof as i64,
        ];
        for (part, shift) in parts.into_iter().zip(SHIFTS) {
            if part != 0 {
                let part = vm.binary(BinaryOp::LShift, &vm.int(part), &vm.int(shift))?;
                packed = vm.binary(BinaryOp::Or, &packed, &part)?;
            }
        }
        Ok(packed)
    }
    fn unpack(vm: &Vm, object: &Object) -> Result<Cookie> {
        let index = vm.index(object)?;
        if let Some(start) = int::to_i64(&index) {
            return Ok(Cookie { start, ..Cookie::default() });
        }
        let part = |shift: i64, bits: i64| -> Result<u64> {
            let mask = vm.binary(BinaryOp::LShift, &vm.int(1), &vm.int(bits))?;
            let mask = vm.binary(BinaryOp::Sub, &mask, &vm.int(1))?;
            let part = vm.binary(BinaryOp::RShift, &index, &vm.int(shift))?;
            let part = vm.binary(BinaryOp::And, &part, &mask)?;
            Ok(int::to_u64(&part).unwrap_or(0))
        };
        let rest = vm.binary(BinaryOp::RShift, &index, &vm.int(168))?;
        if vm.is_true(&rest)? {
            return Err(vm.overflow_error("int too big to convert"));
        }
        Ok(Cookie {
            start: part(0, 64)? as i64,
            flags: part(64, 32)? as u32 as i32,
            feed: part(96, 32)? as u32 as i32,
            skip: part(128, 32)? as u32 as i32,
            need_eof: part(160, 8)? != 0,
        })
    }
}

fn small_flags(vm: &Vm, flags: &Object) -> Result<i32> {
    vm.to_plain_c_int(flags)
}

fn length(text: &Object) -> usize {
    text.downcast::<Str>().map_or(0, |s| s.len())
}

pub fn tell(vm: &Vm, args: &[Object]) -> Result {
    let t = attached(vm, &args[0])?;
    check_closed(vm, &args[0], t)?;
    if !t.seekable.get() {
        return Err(unsupported(vm, "underlying stream is not seekable"));
    }
    if !t.telling.get() {
        return Err(vm.error(&exc::OS_ERROR, "telling position disabled by next() call"));
    }
    write_pending(vm, t)?;
    vm.call_method_object(&args[0], name::flush.object(), &[])?;
    let position = vm.call_method(&t.buffer.or_none(), "tell", &[])?;
    let snapshot = t.snapshot.borrow().as_ref().map(|s| (s.flags.clone(), s.input.clone()));
    let (Some(decoder), Some((flags, input))) = (t.decoder(), snapshot) else { return Ok(position) };
    let mut cookie = Cookie {
        start: offset_argument(vm, &position)?,
        flags: small_flags(vm, &flags)?,
        ..Cookie::default()
    };
    cookie.start -= input.len() as i64;
    let used = t.used.get();
    if used == 0 {
        return cookie.pack(vm);
    }
    // The decoder is put back as it was, whatever happens.
    let saved = decoder.state(vm)?;
    let found = locate(vm, t, &decoder, &mut cookie, &flags, &input, used);
    let exception = if found.is_err() { vm.take_raised() } else { None };
    let restored = decoder.set_state(vm, &saved).map(|()| Object::NONE);
    base::finish_with(vm, exception, restored)?;
    cookie.pack(vm)
}

/// Finds the last safe starting point before `used` characters of `input`,
/// and the way from there.
fn locate(
    vm: &Vm,
    t: &TextIo,
    decoder: &Decoder,
    cookie: &mut Cookie,
    flags: &Object,
    input: &[u8],
    used: usize,
) -> Result<()> {
    let start = state_at(flags);
    let mut skip_chars = used;
    // A guess from the ratio of bytes to characters, then back until it fits.
    let mut skip_bytes = ((t.ratio.get() * used as f64) as usize).min(input.len());
    let mut back = 1;
    let mut landed = false;
    while skip_bytes > 0 {
        decoder.set_state(vm, &start)?;
        let decoded = length(&decoder.decode(vm, &input[..skip_bytes], false)?);
        if decoded <= skip_chars {
            let state = decoder.state(vm)?;
            if state.held.is_empty() {
                cookie.flags = small_flags(vm, &state.flags)?;
                skip_chars -= decoded;
                landed = true;
                break;
            }
            skip_bytes -= state.held.len().min(skip_bytes);
            back = 1;
        } else {
            skip_bytes -= std::cmp::min(back, skip_bytes);
            back *= 2;
        }
    }
    if !landed {
        skip_bytes = 0;
        decoder.set_state(vm, &start)?;
    }
    cookie.start += skip_bytes as i64;
    cookie.skip = skip_chars as i32;
    if skip_chars == 0 {
        return Ok(());
    }
    // The rest byte by byte, noting each point where nothing is held back.
    let (mut fed, mut decoded) = (0, 0);
    for i in skip_bytes..input.len() {
        decoded += length(&decoder.decode(vm, &input[i..i + 1], false)?);
        fed += 1;
        let state: State = decoder.state(vm)?;
        if state.held.is_empty() && decoded <= skip_chars {
            cookie.start += fed;
            skip_chars -= decoded;
            cookie.flags = small_flags(vm, &state.flags)?;
            (fed, decoded) = (0, 0);
        }
        if decoded >= skip_chars {
            cookie.feed = fed as i32;
            cookie.skip = skip_chars as i32;
            return Ok(());
        }
    }
    // Only the end of the input brings out the last characters.
    decoded += length(&decoder.decode(vm, b"", true)?);
    cookie.need_eof = true;
    if decoded < skip_chars {
        return Err(vm.error(&exc::OS_ERROR, "can't reconstruct logical file position"));
    }
    cookie.feed = fed as i32;
    cookie.skip = skip_chars as i32;
    Ok(())
}

fn reset_encoder(vm: &Vm, t: &TextIo, at_start: bool) -> Result<()> {
    match t.encoder() {
        Some(encoder) => encoder.reset(vm, at_start),
        None => Ok(()),
    }
}

pub fn seek(vm: &Vm, args: &[Object]) -> Result {
    let object = &args[0];
    let whence = args[2].bound().map_or(Ok(0), |w| vm.to_plain_c_int(w))?;
    let t = attached(vm, object)?;
    check_closed(vm, object, t)?;
    if !t.seekable.get() {
        return Err(unsupported(vm, "underlying stream is not seekable"));
    }
    let mut target = args[1].clone();
    let is_zero = |object: &Object| vm.equal(object, &vm.int(0));
    match whence {
        0 => {}
        1 => {
            if !is_zero(&target)? {
                return Err(unsupported(vm, "can't do nonzero cur-relative seeks"));
            }
            vm.call_method_object(object, name::flush.object(), &[])?;
            target = vm.call_method(object, "tell", &[])?;
        }
        2 => {
            if !is_zero(&target)? {
                return Err(unsupported(vm, "can't do nonzero end-relative seeks"));
            }
            vm.call_method_object(object, name::flush.object(), &[])?;
            t.forget_decoded();
            if let Some(decoder) = t.decoder() {
                decoder.reset(vm)?;
            }
            let at = vm.call_method(&t.buffer.or_none(), "seek", &[vm.int(0), vm.int(2)])?;
            reset_encoder(vm, t, is_zero(&at)?)?;
            return Ok(at);
        }
        _ => return Err(vm.value_error(format!("invalid whence ({whence}, should be 0, 1 or 2)"))),
    }
    if vm.compare_bool(&target, &vm.int(0), CompareOp::Lt)? {
        return Err(vm.value_error(format!("negative seek position {}", vm.repr_text(&target)?)));
    }
    vm.call_method_object(object, name::flush.object(), &[])?;
    let cookie = Cookie::unpack(vm, &target)?;
    vm.call_method(&t.buffer.or_none(), "seek", &[vm.int(cookie.start)])?;
    t.forget_decoded();
    let at_start = cookie.start == 0 && cookie.flags == 0;
    let flags = vm.int(cookie.flags as i64);
    if let Some(decoder) = t.decoder() {
        if at_start {
            decoder.reset(vm)?;
        } else {
            decoder.set_state(vm, &state_at(&flags))?;
        }
    }
    if cookie.skip != 0 {
        let read =
            vm.call_method_object(&t.buffer.or_none(), name::read.object(), &[vm.int(cookie.feed as i64)])?;
        let Some(input) = bytes_of(&read) else {
            return Err(vm.type_error(format!(
                "underlying read() should have returned a bytes object, not '{}'",
                read.ty().name()
            )));
        };
        t.set_snapshot(Some(Snapshot { flags, input: input.to_vec() }));
        if let Some(decoder) = t.decoder() {
            let decoded = decoder.decode_object(vm, &read, cookie.need_eof)?;
            let n = length(&decoded);
            t.decoded.set(decoded);
            t.used.set(0);
            if n < cookie.skip.max(0) as usize {
                return Err(vm.error(&exc::OS_ERROR, "can't restore logical file position"));
            }
            t.used.set(cookie.skip.max(0) as usize);
        }
    } else {
        t.set_snapshot(Some(Snapshot { flags, input: Vec::new() }));
    }
    reset_encoder(vm, t, at_start)?;
    Ok(target)
}
