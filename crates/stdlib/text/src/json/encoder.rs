//! `make_encoder`: Python values to one JSON text.

use super::strings;
use taipan_runtime::prelude::*;
use taipan_runtime::support::{allocate, qualified_name, readonly_member, this};
use taipan_runtime::types::float::Float;
use taipan_runtime::types::int::{self, IntView};
use taipan_runtime::types::object::OBJECT;
use taipan_runtime::types::str::Builder;
use taipan_runtime::types::{exceptions, float, tuple};

/// Under these keys the interpreter keeps the module's own quoting functions.
pub const ASCII: &str = "_json.encode_basestring_ascii";
pub const UNICODE: &str = "_json.encode_basestring";

/// How strings are quoted.
enum Quoting {
    /// By our own functions; true: ASCII only.
    Native(bool),
    Callable,
}

/// Payload of Encoder.
pub struct Encoder {
    markers: Object,
    default: Object,
    encoder: Object,
    indent: Object,
    key_separator: Object,
    item_separator: Object,
    sort_keys: bool,
    skip_keys: bool,
    allow_nan: bool,
    quoting: Quoting,
}

impl NativeClass for Encoder {
    fn class() -> &'static Type {
        &ENCODER
    }
    fn traverse(&self, visitor: &mut Visitor) {
        for object in [
            &self.markers,
            &self.default,
            &self.encoder,
            &self.indent,
            &self.key_separator,
            &self.item_separator,
        ] {
            visitor.visit_object(object);
        }
    }
}

macro_rules! member {
    ($name:literal, $field:ident) => {
        GetSetDef::new($name, |_, o| Ok(this::<Encoder>(o).$field.clone()))
            .with_set(readonly_member)
            .with_doc($name)
    };
}

pub static ENCODER: Type = Type::new::<Encoder>(
    "_json.Encoder",
    &OBJECT,
    type_flags::HAVE_GC,
    Slots { new: Some(encoder_new), call: Some(encoder_call), ..Slots::EMPTY },
    &[],
    &[
        member!("markers", markers),
        member!("default", default),
        member!("encoder", encoder),
        member!("indent", indent),
        member!("key_separator", key_separator),
        member!("item_separator", item_separator),
        GetSetDef::new("sort_keys", |_, o| Ok(Object::bool(this::<Encoder>(o).sort_keys)))
            .with_set(readonly_member)
            .with_doc("sort_keys"),
        GetSetDef::new("skipkeys", |_, o| Ok(Object::bool(this::<Encoder>(o).skip_keys)))
            .with_set(readonly_member)
            .with_doc("skipkeys"),
    ],
)
.with_doc("Encoder(markers, default, encoder, indent, key_separator, item_separator, sort_keys, skipkeys, allow_nan)");

static NEW_SIG: Sig = Sig::new(
    "make_encoder(markers, default, encoder, indent, key_separator, item_separator, sort_keys, skipkeys, allow_nan)",
);
static CALL_SIG: Sig = Sig::new("_iterencode(obj, _current_indent_level)");

fn encoder_new(vm: &Vm, class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    let bound = NEW_SIG.bind(vm, args, kwnames)?;
    let mut bound = bound.iter().cloned();
    let mut next = || bound.next().unwrap_or(Object::NONE);
    let (markers, default, encoder, indent) = (next(), next(), next(), next());
    let (key_separator, item_separator) = (next(), next());
    for (i, separator) in [(5, &key_separator), (6, &item_separator)] {
        if separator.downcast::<Str>().is_none() {
            let shown = separator.ty().name();
            return Err(vm.type_error(format!("make_encoder() argument {i} must be str, not {shown}")));
        }
    }
    let (sort_keys, skip_keys, allow_nan) =
        (vm.is_true(&next())?, vm.is_true(&next())?, vm.is_true(&next())?);
    if !markers.is_none() && markers.downcast::<Dict>().is_none() {
        return Err(vm.type_error(format!(
            "make_encoder() argument 1 must be dict or None, not {}",
            markers.ty().name()
        )));
    }
    let is_ours = |key: &str| vm.shared(key).is_some_and(|ours| ours.is(encoder.value()));
    let quoting = if is_ours(ASCII) {
        Quoting::Native(true)
    } else if is_ours(UNICODE) {
        Quoting::Native(false)
    } else {
        Quoting::Callable
    };
    let payload = Encoder {
        markers,
        default,
        encoder,
        indent,
        key_separator,
        item_separator,
        sort_keys,
        skip_keys,
        allow_nan,
        quoting,
    };
    allocate(vm, class, payload)
}

fn encoder_call(vm: &Vm, object: &Object, args: &[Object], kwnames: &[Object]) -> Result {
    let bound = CALL_SIG.bind(vm, args, kwnames)?;
    let level = vm.index_isize(&bound[1])?;
    let encoder = this::<Encoder>(object);
    let mut writer = Writer {
        vm,
        encoder,
        out: Builder::with_capacity(FIRST_ROOM),
        indent: None,
        open: Vec::new(),
        told: 0,
    };
    if !encoder.indent.is_none() {
        writer.indent = Some(vm.str_lossy(&encoder.indent));
    }
    let done = writer.value(&bound[0], level.max(0) as usize);
    if let Err(raised) = done {
        let exception = vm.caught(raised);
        writer.tell_markers_of_failure();
        return Err(vm.raise(exception));
    }
    let text = writer.out.finish(vm);
    Ok(tuple::from_array(vm, [text]))
}

/// What a text has room for at first.
const FIRST_ROOM: usize = 256;
/// So many open containers are compared one by one; the markers know the others.
const MOST_UNTOLD: usize = 16;

struct Writer<'a> {
    vm: &'a Vm,
    encoder: &'a Encoder,
    out: Builder,
    indent: Option<String>,
    /// The containers being written, outermost first, if markers are kept. The first
    /// `told` of them are in the markers; the others follow before anybody can look.
    open: Vec<Object>,
    told: usize,
}

impl Writer<'_> {
    /// Enters all open containers into the markers, before Python code runs.
    #[inline]
    fn tell_markers(&mut self) -> Result<()> {
        if self.told < self.open.len() { self.tell_untold() } else { Ok(()) }
    }
    fn tell_untold(&mut self) -> Result<()> {
        if let Some(markers) = self.encoder.markers.downcast::<Dict>() {
            while let Some(object) = self.open.get(self.told) {
                markers.set(self.vm, &self.vm.u64(object.bits()), object.clone())?;
                self.told += 1;
            }
        }
        Ok(())
    }
    /// The markers keep what was open when something failed.
    #[cold]
    fn tell_markers_of_failure(&mut self) {
        if self.tell_markers().is_err() {
            drop(self.vm.take_raised());
        }
    }
    /// Adds a note to the exception on its way.
    #[cold]
    fn noted(&mut self, raised: Raised, note: impl FnOnce() -> Result<String>) -> Raised {
        let vm = self.vm;
        let exception = vm.caught(raised);
        self.tell_markers_of_failure();
        let added = note().and_then(|note| vm.call_method(&exception, "add_note", &[vm.str(&note)]));
        if added.is_err() {
            drop(vm.take_raised());
        }
        debug_assert!(exception.downcast::<exceptions::BaseException>().is_some());
        vm.raise(exception)
    }
    fn new_line(&mut self, level: usize) {
        if let Some(indent) = &self.indent {
            self.out.push_char('\n' as u32);
            for _ in 0..level {
                self.out.push_str(indent);
            }
        }
    }
    #[inline]
    fn string(&mut self, object: &Object) -> Result<()> {
        if let Quoting::Native(ascii) = self.encoder.quoting {
            if let Some(s) = object.downcast::<Str>() {
                strings::push_quoted(&mut self.out, s, ascii);
            }
            return Ok(());
        }
        self.string_by_callable(object)
    }
    #[inline(never)]
    fn string_by_callable(&mut self, object: &Object) -> Result<()> {
        self.tell_markers()?;
        let text = self.vm.call(&self.encoder.encoder, std::slice::from_ref(object))?;
        match text.downcast::<Str>() {
            Some(s) => {
                self.out.push(s);
                Ok(())
            }
            None => {
                Err(self.vm.type_error(format!("encoder() must return a string, not {}", text.ty().name())))
            }
        }
    }
    /// One of the separators, mostly two characters.
    #[inline(always)]
    fn separator(&mut self, object: &Object) {
        match object.downcast::<Str>().and_then(|s| s.as_ascii()) {
            Some(text) if text.len() <= 2 => text.bytes().for_each(|b| self.out.push_char(b as u32)),
            _ => self.out.push_object(object),
        }
    }
    fn float(&self, object: &Object) -> Result<String> {
        let x = float::as_f64(object).unwrap_or(0.0);
        if x.is_finite() {
            return Ok(taipan_numeric::float::repr(x));
        }
        if !self.encoder.allow_nan {
            let shown = self.vm.repr_text(object)?;
            return Err(self
                .vm
                .value_error(format!("Out of range float values are not JSON compliant: {shown}")));
        }
        Ok(if x.is_nan() {
            "NaN"
        } else if x > 0.0 {
            "Infinity"
        } else {
            "-Infinity"
        }
        .to_string())
    }
    fn value(&mut self, object: &Object, level: usize) -> Result<()> {
        let vm = self.vm;
        if object.is_none() {
            self.out.push_latin1(b"null");
        } else if object.is_bool() {
            self.out.push_latin1(if object.is(Value::TRUE) { b"true" } else { b"false" });
        } else if object.downcast::<Str>().is_some() {
            return self.string(object);
        } else if let Some(n) = int::view(object) {
            match n {
                IntView::Small(n) => self.out.push_int(n),
                IntView::Big(_) => self.out.push_str(&int::to_decimal(vm, object)?),
            }
        } else if object.is_float() || object.downcast::<Float>().is_some() {
            let text = self.float(object)?;
            self.out.push_str(&text);
        } else if object.downcast::<List>().is_some() || object.downcast::<Tuple>().is_some() {
            vm.check_native_stack(" while encoding a JSON object")?;
            return self.list(object, level);
        } else if object.downcast::<Dict>().is_some() {
            vm.check_native_stack(" while encoding a JSON object")?;
            return self.dict(object, level);
        } else {
            return self.other(object, level);
        }
        Ok(())
    }
    /// Marks a container as being written.
    fn enter(&mut self, object: &Object) -> Result<()> {
        let Some(markers) = self.encoder.markers.downcast::<Dict>() else { return Ok(()) };
        let vm = self.vm;
        let known = self.open[self.told..].iter().any(|open| open.is(object.value()))
            || !markers.is_empty() && markers.contains(vm, &vm.u64(object.bits()))?;
        if known {
            return Err(vm.value_error("Circular reference detected"));
        }
        if self.open.try_reserve(1).is_err() {
            return Err(vm.memory_error());
        }
        self.open.push(object.clone());
        if self.open.len() - self.told > MOST_UNTOLD {
            self.tell_markers()?;
        }
        Ok(())
    }
    /// The container entered last is complete.
    fn leave(&mut self) -> Result<()> {
        let Some(object) = self.open.pop() else { return Ok(()) };
        if self.told > self.open.len()
            && let Some(markers) = self.encoder.markers.downcast::<Dict>()
        {
            self.told = self.open.len();
            if markers.remove(self.vm, &self.vm.u64(object.bits()))?.is_none() {
                return Err(self.vm.key_error(&self.vm.u64(object.bits())));
            }
        }
        Ok(())
    }
    fn other(&mut self, object: &Object, level: usize) -> Result<()> {
        let vm = self.vm;
        self.enter(object)?;
        self.tell_markers()?;
        let new = self.vm.call(&self.encoder.default, std::slice::from_ref(object))?;
        self.vm.check_native_stack(" while encoding a JSON object")?;
        if let Err(raised) = self.value(&new, level) {
            return Err(self.noted(raised, || {
                Ok(format!("when serializing {} object", qualified_name(vm, object.ty())?))
            }));
        }
        self.leave()
    }
    fn list(&mut self, object: &Object, level: usize) -> Result<()> {
        let vm = self.vm;
        if let Some(tuple) = object.downcast_exact::<Tuple>() {
            let items = tuple.items();
            return self.items(object, level, |i| items.get(i).cloned());
        }
        if let Some(list) = object.downcast_exact::<List>() {
            return self.items(object, level, |i| list.get(i));
        }
        self.tell_markers()?;
        let items = vm.collect(object)?;
        self.items(object, level, |i| items.get(i).cloned())
    }
    /// The items of a list or a tuple, which may change meanwhile.
    fn items(&mut self, object: &Object, level: usize, item: impl Fn(usize) -> Option<Object>) -> Result<()> {
        let Some(mut next) = item(0) else {
            self.out.push_latin1(b"[]");
            return Ok(());
        };
        let vm = self.vm;
        self.enter(object)?;
        self.out.push_char('[' as u32);
        self.new_line(level + 1);
        let mut i = 0;
        loop {
            if let Err(raised) = self.value(&next, level + 1) {
                return Err(self.noted(raised, || {
                    Ok(format!("when serializing {} item {i}", qualified_name(vm, object.ty())?))
                }));
            }
            i += 1;
            let Some(following) = item(i) else { break };
            next = following;
            self.separator(&self.encoder.item_separator);
            self.new_line(level + 1);
        }
        self.leave()?;
        self.new_line(level);
        self.out.push_char(']' as u32);
        Ok(())
    }
    /// The text of a key; None: to be skipped.
    fn key(&self, key: &Object) -> Result<Option<Object>> {
        let vm = self.vm;
        if key.downcast::<Str>().is_some() {
            return Ok(Some(key.clone()));
        }
        if key.is_float() || key.downcast::<Float>().is_some() {
            return self.float(key).map(|text| Some(vm.str(&text)));
        }
        if key.is_none() {
            return Ok(Some(vm.intern("null")));
        }
        if key.is_bool() {
            return Ok(Some(vm.intern(if key.is(Value::TRUE) { "true" } else { "false" })));
        }
        if int::is_any_int(key) {
            return int::to_decimal(vm, key).map(|text| Some(vm.str(&text)));
        }
        if self.encoder.skip_keys {
            return Ok(None);
        }
        Err(vm
            .type_error(format!("keys must be str, int, float, bool or None, not {}", key.ty().full_name())))
    }
    fn dict(&mut self, object: &Object, level: usize) -> Result<()> {
        let vm = self.vm;
        let Some(dict) = object.downcast::<Dict>() else { return Ok(()) };
        if dict.is_empty() {
            self.out.push_latin1(b"{}");
            return Ok(());
        }
        self.enter(object)?;
        self.out.push_char('{' as u32);
        let mut first = true;
        if self.encoder.sort_keys || object.downcast_exact::<Dict>().is_none() {
            self.tell_markers()?;
            let items = vm.call_method(object, "items", &[])?;
            let items = vm.list(vm.collect(&items)?);
            if self.encoder.sort_keys {
                vm.call_method(&items, "sort", &[])?;
            }
            for item in vm.collect(&items)? {
                let Some([key, value]) =
                    item.downcast::<Tuple>().and_then(|t| <&[Object; 2]>::try_from(t.items()).ok())
                else {
                    return Err(vm.value_error("items must return 2-tuples"));
                };
                self.entry(object, &mut first, key, value, level)?;
            }
        } else {
            let mut pos = 0;
            let size = dict.len();
            while let Some((key, value)) = dict.next_entry(&mut pos) {
                self.entry(object, &mut first, &key, &value, level)?;
                if dict.len() != size {
                    return Err(vm.runtime_error("dictionary changed size during iteration"));
                }
            }
        }
        self.leave()?;
        if !first {
            self.new_line(level);
        }
        self.out.push_char('}' as u32);
        Ok(())
    }
    fn entry(
        &mut self,
        dict: &Object,
        first: &mut bool,
        key: &Object,
        value: &Object,
        level: usize,
    ) -> Result<()> {
        let other;
        let text = if key.downcast_exact::<Str>().is_some() {
            key
        } else {
            let Some(text) = self.key(key)? else { return Ok(()) };
            other = text;
            &other
        };
        if !std::mem::replace(first, false) {
            self.separator(&self.encoder.item_separator);
        }
        self.new_line(level + 1);
        self.string(text)?;
        self.separator(&self.encoder.key_separator);
        if let Err(raised) = self.value(value, level + 1) {
            let vm = self.vm;
            return Err(self.noted(raised, || {
                let shown = vm.repr_text(key)?;
                Ok(format!("when serializing {} item {shown}", qualified_name(vm, dict.ty())?))
            }));
        }
        Ok(())
    }
}
