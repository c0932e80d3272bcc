//! `StringIO`: a file of text in memory. The characters lie in a vector of
//! bytes while all of them are below 256, then in one of code points.

use super::newlines::{NewlineMode, Newlines};
use super::*;
use std::cell::{Cell, RefCell};
use taipan_runtime::names::name;
use taipan_runtime::support::this;
use taipan_runtime::types::str::{self, Kind};

enum Text {
    Narrow(Vec<u8>),
    Wide(Vec<u32>),
}

/// Payload of StringIO.
pub struct StringIo {
    text: RefCell<Text>,
    pos: Cell<usize>,
    ok: Cell<bool>,
    closed: Cell<bool>,
    newline: Cell<NewlineMode>,
    newlines: Newlines,
}

impl NativeClass for StringIo {
    fn class() -> &'static Type {
        &STRING_IO
    }
}

pub static STRING_IO: Type = Type::new::<StringIo>(
    "_io.StringIO",
    &base::TEXT_IO_BASE,
    type_flags::BASE | type_flags::HAVE_GC | type_flags::WEAKREFABLE,
    Slots {
        new: Some(|vm, class, _, _| {
            let payload = StringIo {
                text: RefCell::new(Text::Narrow(Vec::new())),
                pos: Cell::new(0),
                ok: Cell::new(false),
                closed: Cell::new(false),
                newline: Cell::new(NewlineMode { given: Some("\n") }),
                newlines: Newlines::default(),
            };
            taipan_runtime::support::allocate(vm, class, payload)
        }),
        init: Some(init),
        next: Some(next),
        ..Slots::EMPTY
    },
    &[
        MethodDef::new("close($self, /)", |_, args| {
            let s = this::<StringIo>(&args[0]);
            s.closed.set(true);
            *s.text.borrow_mut() = Text::Narrow(Vec::new());
            Ok(Object::NONE)
        }, "Gives the memory back."),
        MethodDef::new("getvalue($self, /)", |vm, args| {
            let s = open(vm, &args[0])?;
            let len = s.len();
            s.slice(vm, 0, len)
        }, "The whole content."),
        MethodDef::new("read($self, size=-1, /)", |vm, args| {
            let n = size_argument(vm, &args[1])?;
            let s = open(vm, &args[0])?;
            s.take(vm, n.unwrap_or(usize::MAX))
        }, "Reads up to size characters; until the end if size is negative or None."),
        MethodDef::new("readline($self, size=-1, /)", |vm, args| {
            let n = size_argument(vm, &args[1])?;
            readline(vm, &args[0], n)
        }, "Reads until a newline or the end; '' at the end."),
        MethodDef::new("tell($self, /)", |vm, args| Ok(vm.usize(open(vm, &args[0])?.pos.get())), "The position."),
        MethodDef::new("truncate($self, pos=None, /)", truncate, "Cuts the content to a size; by default, at the position.\n\nThe position stays. Returns the size."),
        MethodDef::new("seek($self, pos, whence=0, /)", seek, "Goes to a position from the start (whence 0), nowhere (1, pos 0), to the end (2, pos 0).\n\nReturns the new position."),
        MethodDef::new("write($self, s, /)", |vm, args| {
            if args[1].downcast::<Str>().is_none() {
                open(vm, &args[0])?;
                return Err(vm.type_error(format!("string argument expected, got '{}'", args[1].ty().name())));
            }
            let s = open(vm, &args[0])?;
            s.write(vm, &args[1])?;
            Ok(vm.usize(args[1].downcast::<Str>().map_or(0, |t| t.len())))
        }, "Writes a string and returns how many characters."),
        MethodDef::new("seekable($self, /)", |vm, args| open(vm, &args[0]).map(|_| Object::TRUE), "Can one seek?"),
        MethodDef::new("readable($self, /)", |vm, args| open(vm, &args[0]).map(|_| Object::TRUE), "Can one read?"),
        MethodDef::new("writable($self, /)", |vm, args| open(vm, &args[0]).map(|_| Object::TRUE), "Can one write?"),
        MethodDef::new("__getstate__($self, /)", getstate, ""),
        MethodDef::new("__setstate__($self, state, /)", setstate, ""),
    ],
    &[
        GetSetDef::new("closed", |vm, object| {
            let s = this::<StringIo>(object);
            if !s.ok.get() {
                return Err(vm.value_error("I/O operation on uninitialized object"));
            }
            Ok(Object::bool(s.closed.get()))
        }),
        GetSetDef::new("newlines", |vm, object| {
            let s = open(vm, object)?;
            Ok(if s.newline.get().universal() { s.newlines.shown(vm) } else { Object::NONE })
        }),
        GetSetDef::new("line_buffering", |vm, object| open(vm, object).map(|_| Object::FALSE)),
    ],
)
.with_dict()
.with_doc("StringIO(initial_value='', newline='\\n')\n--\n\nA file of text in memory.\n\nnewline works as that of TextIOWrapper, but the content always has \\n where\nnewline is None.");

fn open<'a>(vm: &Vm, object: &'a Object) -> Result<&'a StringIo> {
    let s = this::<StringIo>(object);
    if !s.ok.get() {
        return Err(vm.value_error("I/O operation on uninitialized object"));
    }
    if s.closed.get() { Err(vm.value_error("I/O operation on closed file")) } else { Ok(s) }
}

impl StringIo {
    fn len(&self) -> usize {
        match &*self.text.borrow() {
            Text::Narrow(t) => t.len(),
            Text::Wide(t) => t.len(),
        }
    }
    fn slice(&self, vm: &Vm, start: usize, stop: usize) -> Result {
        let object = match &*self.text.borrow() {
            Text::Narrow(t) if stop - start < 2 => Some(str::from_latin1(vm, &t[start..stop])),
            Text::Narrow(t) => str::try_from_latin1(vm, &str::STR, &t[start..stop]),
            Text::Wide(t) => str::try_from_code_points(vm, &str::STR, &t[start..stop]),
        };
        object.ok_or_else(|| vm.memory_error())
    }
    /// The next `n` characters; the position moves on.
    fn take(&self, vm: &Vm, n: usize) -> Result {
        let pos = self.pos.get();
        let n = n.min(self.len().saturating_sub(pos));
        if n == 0 {
            return Ok(str::from_latin1(vm, b""));
        }
        let text = self.slice(vm, pos, pos + n)?;
        self.pos.set(pos + n);
        Ok(text)
    }
    /// How many characters the next line has, at most `limit`.
    fn line_len(&self, limit: Option<usize>) -> usize {
        let universal = self.newline.get().given == Some("");
        let ending: &[u32] = match self.newline.get().given {
            Some("\r") => &[13],
            Some("\r\n") => &[13, 10],
            _ => &[10],
        };
        let pos = self.pos.get();
        match &*self.text.borrow() {
            Text::Narrow(t) => {
                let rest = t.get(pos..).unwrap_or_default();
                let rest = &rest[..limit.map_or(rest.len(), |limit| limit.min(rest.len()))];
                if !universal && ending == [10] {
                    return memchr::memchr(b'\n', rest).map_or(rest.len(), |i| i + 1);
                }
                line_len(rest, universal, ending)
            }
            Text::Wide(t) => {
                let rest = t.get(pos..).unwrap_or_default();
                let rest = &rest[..limit.map_or(rest.len(), |limit| limit.min(rest.len()))];
                line_len(rest, universal, ending)
            }
        }
    }
    fn write(&self, vm: &Vm, object: &Object) -> Result<()> {
        let mut object = object.clone();
        let mode = self.newline.get();
        if mode.universal() {
            object = self.newlines.process(vm, object, true);
        }
        if let Some(newline) = mode.output()
            && let Some(s) = object.downcast::<Str>()
            && newlines::find(s, b'\n', 0).is_some()
        {
            object = newlines::expand(vm, s, newline);
        }
        let Some(s) = object.downcast::<Str>() else { return Ok(()) };
        if s.is_empty() {
            return Ok(());
        }
        let pos = self.pos.get();
        let Some(end) = pos.checked_add(s.len()).filter(|&end| end <= isize::MAX as usize / 4) else {
            return Err(vm.overflow_error("new position too large"));
        };
        let mut text = self.text.borrow_mut();
        let no_memory = |_| vm.memory_error();
        if let Text::Narrow(narrow) = &*text
            && !matches!(s.kind(), Kind::Latin1(_))
        {
            let mut wide: Vec<u32> = Vec::new();
            wide.try_reserve(narrow.len().max(end)).map_err(no_memory)?;
            wide.extend(narrow.iter().map(|&c| c as u32));
            *text = Text::Wide(wide);
        }
        match (&mut *text, s.kind()) {
            (Text::Narrow(t), Kind::Latin1(bytes)) => {
                t.try_reserve(end.saturating_sub(t.len())).map_err(no_memory)?;
                if pos == t.len() {
                    t.extend_from_slice(bytes);
                } else {
                    if t.len() < end {
                        t.resize(end, 0);
                    }
                    t[pos..end].copy_from_slice(bytes);
                }
            }
            (Text::Wide(t), _) => {
                t.try_reserve(end.saturating_sub(t.len())).map_err(no_memory)?;
                if t.len() < end {
                    t.resize(end, 0);
                }
                for (place, c) in t[pos..end].iter_mut().zip(s.chars()) {
                    *place = c;
                }
            }
            (Text::Narrow(_), _) => {}
        }
        drop(text);
        self.pos.set(end);
        Ok(())
    }
}

fn line_len<T: Copy + Into<u32>>(rest: &[T], universal: bool, ending: &[u32]) -> usize {
    for (i, &c) in rest.iter().enumerate() {
        let next = rest.get(i + 1).map(|&c| c.into());
        match c.into() {
            10 if universal || ending == [10] => return i + 1,
            13 if universal => return if next == Some(10) { i + 2 } else { i + 1 },
            13 if ending == [13] => return i + 1,
            13 if ending == [13, 10] && next == Some(10) => return i + 2,
            _ => {}
        }
    }
    rest.len()
}

fn init(vm: &Vm, object: &Object, args: &[Object], kwnames: &[Object]) -> Result<()> {
    static SIG: Sig = Sig::new("StringIO(initial_value='', newline='\\n')");
    let args = SIG.bind(vm, args, kwnames)?;
    set_up(vm, object, &args[0], &args[1])
}

fn set_up(vm: &Vm, object: &Object, value: &Object, newline: &Object) -> Result<()> {
    let s = this::<StringIo>(object);
    s.ok.set(false);
    if newline.some().is_some() && newline.downcast::<Str>().is_none() {
        return Err(vm.type_error(format!("newline must be str or None, not {}", newline.ty().name())));
    }
    let Some(mode) = NewlineMode::of(vm, newline) else {
        return Err(vm.value_error(format!("illegal newline value: {}", vm.repr_text(newline)?)));
    };
    if value.some().is_some() && value.downcast::<Str>().is_none() {
        return Err(vm.type_error(format!("initial_value must be str or None, not {}", value.ty().name())));
    }
    *s.text.borrow_mut() = Text::Narrow(Vec::new());
    s.pos.set(0);
    s.newline.set(mode);
    s.newlines.reset();
    s.newlines.translate.set(mode.translates_input());
    if let Some(value) = value.some() {
        s.write(vm, value)?;
        s.pos.set(0);
    }
    s.closed.set(false);
    s.ok.set(true);
    Ok(())
}

fn readline(vm: &Vm, object: &Object, limit: Option<usize>) -> Result {
    let s = open(vm, object)?;
    let n = s.line_len(limit);
    s.take(vm, n)
}

fn next(vm: &Vm, object: &Object) -> Result<Option<Object>> {
    open(vm, object)?;
    let line = if object.ty().is(&STRING_IO) {
        readline(vm, object, None)?
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
    Ok(if line.downcast::<Str>().is_some_and(|l| l.is_empty()) { None } else { Some(line) })
}

fn truncate(vm: &Vm, args: &[Object]) -> Result {
    let s = open(vm, &args[0])?;
    let size = match args[1].some() {
        Some(size) => vm.index_isize(size)?,
        None => s.pos.get() as isize,
    };
    if size < 0 {
        return Err(vm.value_error(format!("Negative size value {size}")));
    }
    match &mut *s.text.borrow_mut() {
        Text::Narrow(t) => t.truncate(size as usize),
        Text::Wide(t) => t.truncate(size as usize),
    }
    Ok(vm.int(size as i64))
}

fn seek(vm: &Vm, args: &[Object]) -> Result {
    let pos = vm.index_isize(&args[1])?;
    let whence = vm.to_plain_c_int(&args[2])?;
    let s = open(vm, &args[0])?;
    if !(0..=2).contains(&whence) {
        return Err(vm.value_error(format!("Invalid whence ({whence}, should be 0, 1 or 2)")));
    }
    if pos < 0 && whence == 0 {
        return Err(vm.value_error(format!("Negative seek position {pos}")));
    }
    if whence != 0 && pos != 0 {
        return Err(vm.error(&exc::OS_ERROR, "Can't do nonzero cur-relative seeks"));
    }
    s.pos.set(match whence {
        0 => pos as usize,
        1 => s.pos.get(),
        _ => s.len(),
    });
    Ok(vm.usize(s.pos.get()))
}

fn getstate(vm: &Vm, args: &[Object]) -> Result {
    let s = open(vm, &args[0])?;
    let len = s.len();
    let value = s.slice(vm, 0, len)?;
    let dict = match taipan_runtime::lookup::instance_dict(vm, &args[0]) {
        Some(d) if d.downcast::<Dict>().is_some_and(|d| !d.is_empty()) => {
            vm.call_method_object(&d, name::copy.object(), &[])?
        }
        _ => Object::NONE,
    };
    Ok(vm.tuple(vec![value, s.newline.get().shown(vm), vm.usize(s.pos.get()), dict]))
}

fn setstate(vm: &Vm, args: &[Object]) -> Result {
    let s = this::<StringIo>(&args[0]);
    if s.ok.get() && s.closed.get() {
        return Err(vm.value_error("I/O operation on closed file"));
    }
    let items = match args[1].downcast::<Tuple>() {
        Some(t) if t.len() >= 4 => t.items().to_vec(),
        _ => {
            return Err(vm.type_error(format!(
                "{}.__setstate__ argument should be 4-tuple, got {}",
                args[0].ty().full_name(),
                args[1].ty().name()
            )));
        }
    };
    // The value is what the file holds: it has been translated already.
    set_up(vm, &args[0], &Object::NONE, &items[1])?;
    if let Some(value) = items[0].some() {
        if value.downcast::<Str>().is_none() {
            return Err(
                vm.type_error(format!("initial_value must be str or None, not {}", value.ty().name()))
            );
        }
        let mode = s.newline.replace(NewlineMode { given: Some("\n") });
        let written = s.write(vm, value);
        s.newline.set(mode);
        written?;
    }
    if !int::is_any_int(&items[2]) {
        return Err(
            vm.type_error(format!("third item of state must be an integer, got {}", items[2].ty().name()))
        );
    }
    let pos = vm.index_isize(&items[2])?;
    if pos < 0 {
        return Err(vm.value_error("position value cannot be negative"));
    }
    s.pos.set(pos as usize);
    bytesio::restore_dict(vm, &args[0], &items[3], "fourth")?;
    Ok(Object::NONE)
}
