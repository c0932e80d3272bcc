//! Reading of `TextIOWrapper`: chunks of bytes are decoded to a str, of which
//! lines and characters are handed out.

use super::newlines::LineEnd;
use super::text::{Snapshot, TEXT_IO_WRAPPER, TextIo, attached, check_closed, write_pending};
use super::*;
use taipan_runtime::names::name;
use taipan_runtime::types::str::{self, Builder};

/// Decodes another chunk; false at the end. `hint`: characters wanted.
fn read_chunk(vm: &Vm, t: &TextIo, hint: usize) -> Result<bool> {
    let Some(decoder) = t.decoder() else { return Err(unsupported(vm, "not readable")) };
    let mut flags = None;
    let mut input: Vec<u8> = Vec::new();
    let mut held = 0;
    let telling = t.telling.get();
    if telling {
        let state = decoder.state(vm)?;
        held = state.held.len();
        input = state.held;
        flags = Some(state.flags);
    }
    let mut size = t.chunk_size.get();
    if hint > 0 {
        size = size.max((t.ratio.get().max(1.0) * hint as f64) as usize);
    }
    let buffer = t.buffer.or_none();
    let (text, fresh) = if buffered::is_plain_reader(vm, &buffer, "read1") {
        // What is not there yet counts as the end.
        let fresh = buffered::read_once(vm, &buffer, &mut input, Some(size))?.unwrap_or(0);
        (decoder.decode(vm, &input[held..], fresh == 0)?, fresh)
    } else {
        let method = if t.has_read1.get() { "read1" } else { "read" };
        let chunk = vm.call_method(&buffer, method, &[vm.usize(size)])?;
        if !vm.is_bytes_like(&chunk) {
            return Err(vm.type_error(format!(
                "underlying {method}() should have returned a bytes-like object, not '{}'",
                chunk.ty().name()
            )));
        }
        let view = vm.bytes_like(&chunk, "chunk")?;
        let fresh = view.len();
        let text = decoder.decode_object(vm, &chunk, fresh == 0)?;
        if telling {
            input.extend_from_slice(view.bytes());
        }
        (text, fresh)
    };
    let chars = text.downcast::<Str>().map_or(0, |s| s.len());
    t.decoded.set(text);
    t.used.set(0);
    t.ratio.set(if chars > 0 { fresh as f64 / chars as f64 } else { 0.0 });
    if let Some(flags) = flags {
        t.set_snapshot(Some(Snapshot { flags, input }));
    }
    Ok(fresh > 0 || chars > 0)
}

/// Up to `n` of the characters that are decoded already (all: None).
fn take_decoded(vm: &Vm, t: &TextIo, n: Option<usize>) -> Object {
    let decoded = t.decoded.get();
    let Some(s) = decoded.downcast::<Str>() else { return str::from_latin1(vm, b"") };
    let from = t.used.get();
    let left = s.len() - from.min(s.len());
    let n = n.map_or(left, |n| n.min(left));
    t.used.set(from + n);
    if n == s.len() { decoded.clone() } else { s.slice(vm, from, from + n) }
}

pub fn read(vm: &Vm, args: &[Object]) -> Result {
    let n = signed_size(vm, &args[1])?;
    let t = attached(vm, &args[0])?;
    check_closed(vm, &args[0], t)?;
    let Some(decoder) = t.decoder() else { return Err(unsupported(vm, "not readable")) };
    write_pending(vm, t)?;
    if n < 0 {
        let bytes = vm.call_method_object(&t.buffer.or_none(), name::read.object(), &[])?;
        if bytes.is_none() {
            return Err(vm.error(&exc::BLOCKING_IO_ERROR, "Read returned None."));
        }
        let rest = decoder.decode_object(vm, &bytes, true)?;
        let result = if t.decoded.is_empty() {
            rest
        } else {
            let first = take_decoded(vm, t, None);
            str::concat_all(vm, &[first, rest])?
        };
        if t.snapshot.borrow().is_some() {
            t.forget_decoded();
        }
        return Ok(result);
    }
    let mut wanted = n as usize;
    let first = take_decoded(vm, t, Some(wanted));
    let len = |text: &Object| text.downcast::<Str>().map_or(0, |s| s.len());
    wanted -= len(&first);
    if wanted == 0 {
        return Ok(first);
    }
    let mut parts = vec![first];
    while wanted > 0 {
        if !interruptible_chunk(vm, t, wanted)? {
            break;
        }
        let part = take_decoded(vm, t, Some(wanted));
        wanted -= len(&part);
        parts.push(part);
    }
    str::concat_all(vm, &parts)
}

/// A chunk, tried again when a signal interrupted it.
fn interruptible_chunk(vm: &Vm, t: &TextIo, hint: usize) -> Result<bool> {
    loop {
        let read = read_chunk(vm, t, hint).map(Object::bool);
        if let Some(more) = trap_interrupt(vm, read)? {
            return Ok(more.value() == Value::TRUE);
        }
    }
}

pub fn readline(vm: &Vm, args: &[Object]) -> Result {
    let limit = vm.index_for_item_overflow(&args[1])?;
    attached(vm, &args[0])?;
    readline_of(vm, &args[0], usize::try_from(limit).ok())
}

/// One line; empty at the end.
fn readline_of(vm: &Vm, object: &Object, limit: Option<usize>) -> Result {
    let t = attached(vm, object)?;
    check_closed(vm, object, t)?;
    if !t.pending.borrow().is_empty() {
        write_pending(vm, t)?;
    }
    let newline = t.newline.get();
    let end = if newline.translates_input() { LineEnd::Lf } else { newline.line_end() };
    // The usual case: the line lies in what is decoded already.
    let decoded = t.decoded.get();
    if limit.is_none()
        && let Some(s) = decoded.downcast::<Str>()
        && let Some(stop) = end.find(s, t.used.get())
        && !(end == LineEnd::Universal && stop == s.len())
    {
        let line = s.slice(vm, t.used.get(), stop);
        t.used.set(stop);
        return Ok(line);
    }
    drop(decoded);
    readline_slow(vm, t, limit, end)
}

fn readline_slow(vm: &Vm, t: &TextIo, limit: Option<usize>, end: LineEnd) -> Result {
    let mut line = Builder::new();
    // A `\r` at the end of a chunk may be half of a newline.
    let mut carried: Option<u32> = None;
    loop {
        let decoded = t.decoded.get();
        let available = decoded.downcast::<Str>().map_or(0, |s| s.len() - t.used.get().min(s.len()));
        if available == 0 {
            if interruptible_chunk(vm, t, 0)? {
                continue;
            }
            // The end of the file.
            t.decoded.clear();
            t.used.set(0);
            t.set_snapshot(None);
            if let Some(c) = carried {
                line.push_char(c);
            }
            return Ok(line.finish(vm));
        }
        let Some(s) = decoded.downcast::<Str>() else { continue };
        let from = t.used.get();
        if let Some(c) = carried.take() {
            // What was held: with its other half the newline is complete.
            line.push_char(c);
            if s.char_at(from) == '\n' as u32 {
                if limit.is_none_or(|limit| line.len() < limit) {
                    line.push_char('\n' as u32);
                    t.used.set(from + 1);
                }
                return Ok(line.finish(vm));
            }
            if end == LineEnd::Universal {
                return Ok(line.finish(vm));
            }
        }
        let stop = end.find(s, from);
        let room = limit.map(|limit| from + (limit - line.len().min(limit)));
        let (mut stop, complete) = match stop {
            Some(stop) => (stop, true),
            None => (s.len(), false),
        };
        if let Some(room) = room
            && stop >= room
        {
            line.push_range(s, from, room.min(s.len()));
            t.used.set(room.min(s.len()));
            return Ok(line.finish(vm));
        }
        let last = s.char_at(s.len() - 1);
        let half = last == '\r' as u32
            && stop == s.len()
            && matches!((end, complete), (LineEnd::Universal, true) | (LineEnd::CrLf, false));
        if half {
            stop -= 1;
            carried = Some(last);
        }
        line.push_range(s, from, stop);
        t.used.set(if half { stop + 1 } else { stop });
        if complete && !half {
            return Ok(line.finish(vm));
        }
    }
}

pub fn next(vm: &Vm, object: &Object) -> Result<Option<Object>> {
    let t = attached(vm, object)?;
    t.telling.set(false);
    let line = if object.ty().is(&TEXT_IO_WRAPPER) {
        readline_of(vm, object, None)?
    } else {
        let line = vm.call_method_object(object, name::readline.object(), &[])?;
        if line.downcast::<Str>().is_none() {
            return Err(vm.error(
                &exc::OS_ERROR,
                format!("readline() should have returned a str object, not '{}'", line.ty().name()),
            ));
        }
        line
    };
    if line.downcast::<Str>().is_some_and(|s| s.is_empty()) {
        t.set_snapshot(None);
        t.telling.set(t.seekable.get());
        return Ok(None);
    }
    Ok(Some(line))
}
