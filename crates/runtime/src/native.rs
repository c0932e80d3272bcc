//! What native code is made of: payloads of native classes, method tables,
//! and the binding of arguments to textual signatures.
//!
//! A native function is `fn(&Vm, &[Object]) -> Result`. Its signature is text
//! in CPython's notation, `"sorted(iterable, /, *, key=None, reverse=False)"`:
//! the binder hands over one object per parameter (UNBOUND for a missing
//! optional one whose default is no literal), `*args` as a tuple, `**kwargs`
//! as a dict, and `inspect.signature` reads the very same text.

use crate::prelude::*;
use std::sync::OnceLock;

/// The native part of an object: what comes after the header.
pub trait NativeClass: Sized + 'static {
    /// The static type whose instances (and those of its subtypes) have it.
    fn class() -> &'static Type;
    /// Show every reference owned.
    fn traverse(&self, _visitor: &mut Visitor) {}
    /// Drop references that may close a cycle (called by the collector).
    fn clear(&self) {}
    /// Of a type with a finalizer: is there something for it to do?
    fn wants_finalizer(&self) -> bool {
        true
    }
    /// The object, of the type itself, is about to be freed.
    ///
    /// # Safety
    /// It has this payload.
    #[inline(always)]
    unsafe fn dies(_object: *mut Header) {}
}

/// An object's memory: header and payload.
#[repr(C)]
pub struct Payload<T> {
    pub header: Header,
    pub data: T,
}

/// # Safety
/// `object` has payload `T`, which is not used afterwards.
pub unsafe fn drop_payload<T: NativeClass>(object: *mut Header) {
    // SAFETY: says the caller.
    unsafe { std::ptr::drop_in_place(&raw mut (*(object as *mut Payload<T>)).data) }
}
/// # Safety
/// `object` has payload `T`.
pub unsafe fn traverse_payload<T: NativeClass>(object: *mut Header, visitor: &mut Visitor) {
    // SAFETY: says the caller.
    unsafe { (*(object as *mut Payload<T>)).data.traverse(visitor) }
}
/// # Safety
/// `object` has payload `T`.
pub unsafe fn clear_payload<T: NativeClass>(object: *mut Header) {
    // SAFETY: says the caller.
    unsafe { (*(object as *mut Payload<T>)).data.clear() }
}

/// One object per parameter of the signature.
pub type NativeFn = fn(&Vm, &[Object]) -> Result;
/// Arguments as they come: positional ones, then the values of the keyword names.
pub type RawFn = fn(&Vm, &[Object], &[Object]) -> Result;

#[derive(Clone, Copy)]
pub enum NativeCode {
    Bound(NativeFn),
    Raw(RawFn),
}

pub mod method_kind {
    pub const NORMAL: u8 = 0;
    pub const STATIC: u8 = 1;
    pub const CLASS: u8 = 2;
}

/// A row of a method table.
pub struct MethodDef {
    /// `"name($self, a, b=None, /)"`; for modules without `$self`.
    pub sig: &'static str,
    pub code: NativeCode,
    pub kind: u8,
    pub doc: &'static str,
    /// Raw functions: leave `__text_signature__` None.
    pub hide_signature: bool,
}

impl MethodDef {
    pub const fn new(sig: &'static str, code: NativeFn, doc: &'static str) -> MethodDef {
        MethodDef {
            sig,
            code: NativeCode::Bound(code),
            kind: method_kind::NORMAL,
            doc,
            hide_signature: false,
        }
    }
    /// A function that parses its arguments itself; `sig` is for reading only.
    pub const fn raw(sig: &'static str, code: RawFn, doc: &'static str) -> MethodDef {
        MethodDef { sig, code: NativeCode::Raw(code), kind: method_kind::NORMAL, doc, hide_signature: true }
    }
    pub const fn class_method(mut self) -> MethodDef {
        self.kind = method_kind::CLASS;
        self
    }
    pub const fn static_method(mut self) -> MethodDef {
        self.kind = method_kind::STATIC;
        self
    }
    pub fn name(&self) -> &'static str {
        self.sig.split('(').next().unwrap_or(self.sig)
    }
}

/// A computed attribute of a native type.
pub struct GetSetDef {
    pub name: &'static str,
    pub get: fn(&Vm, &Object) -> Result,
    /// None as the value means deletion.
    pub set: Option<fn(&Vm, &Object, Option<&Object>) -> Result<()>>,
    pub doc: &'static str,
    /// Shown as a member descriptor, which is what the attribute is in CPython.
    pub member: bool,
}

impl GetSetDef {
    pub const fn new(name: &'static str, get: fn(&Vm, &Object) -> Result) -> GetSetDef {
        GetSetDef { name, get, set: None, doc: "", member: false }
    }
    /// An attribute that is a member in CPython; without a setter it is "readonly".
    pub const fn member(name: &'static str, get: fn(&Vm, &Object) -> Result) -> GetSetDef {
        GetSetDef { name, get, set: None, doc: "", member: true }
    }
    pub const fn with_set(mut self, set: fn(&Vm, &Object, Option<&Object>) -> Result<()>) -> GetSetDef {
        self.set = Some(set);
        self
    }
    pub const fn with_doc(mut self, doc: &'static str) -> GetSetDef {
        self.doc = doc;
        self
    }
}

/// A native module: one static and one line in the registry.
pub struct ModuleDef {
    pub name: &'static str,
    pub doc: &'static str,
    pub functions: &'static [MethodDef],
    /// Types to put into the module under their names.
    pub types: &'static [&'static Type],
    /// Runs last: constants and whatever else.
    pub init: Option<fn(&Vm, &Object) -> Result<()>>,
}

/// A parsed signature.
pub struct Signature {
    pub name: &'static str,
    /// `list.append`, `math.sqrt`: the name in some messages; None: `name`.
    pub qualified: Option<String>,
    pub params: Vec<Param>,
    pub positional_only: usize,
    /// Parameters that may be given by position (`*args` not counted).
    pub positional: usize,
    pub required_positional: usize,
    pub varargs: Option<usize>,
    pub varkw: Option<usize>,
    /// The least and most positional arguments that defaults complete, if there are at
    /// most `INLINE` parameters in all; else no number is between the two.
    filled_by: (usize, usize),
    /// How many parameters stand before `*args`, if all of them are required and nothing
    /// stands behind.
    pub(crate) before_rest: Option<usize>,
    /// Those defaults, in the places of their parameters; `params` keeps them alive.
    defaults: [Value; INLINE],
}

pub struct Param {
    pub name: &'static str,
    /// None: required.
    pub default: Option<Object>,
    pub name_object: Object,
}

/// Splits the text at top-level commas.
fn split_params(text: &'static str) -> Vec<&'static str> {
    let (mut depth, mut start, mut quote, mut out) = (0, 0, None, Vec::new());
    for (i, c) in text.char_indices() {
        match (quote, c) {
            (Some(q), c) if c == q => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(c),
            (None, '(' | '[' | '{' | '<') => depth += 1,
            (None, ')' | ']' | '}' | '>') => depth -= 1,
            (None, ',') if depth == 0 => {
                out.push(text[start..i].trim());
                start = i + 1;
            }
            _ => {}
        }
    }
    let last = text[start..].trim();
    if !last.is_empty() {
        out.push(last);
    }
    out
}

fn parse_default(vm: &Vm, text: &str) -> Object {
    match text {
        "None" => Object::NONE,
        "True" => Object::TRUE,
        "False" => Object::FALSE,
        "()" => vm.tuple(Vec::new()),
        _ => {
            if let Ok(n) = text.parse::<i64>() {
                return vm.int(n);
            }
            if let Ok(x) = text.parse::<f64>()
                && text.contains('.')
            {
                return vm.float(x);
            }
            let bytes = text.as_bytes();
            let quoted = |s: &[u8]| s.len() >= 2 && (s[0] == b'\'' || s[0] == b'"') && s[s.len() - 1] == s[0];
            if quoted(bytes) {
                return vm.intern(&text[1..text.len() - 1].replace("\\n", "\n"));
            }
            if bytes.first() == Some(&b'b') && quoted(&bytes[1..]) {
                return vm.bytes(&bytes[2..bytes.len() - 1]);
            }
            Object::UNBOUND
        }
    }
}

impl Signature {
    /// Parses `"name(params)"`. `$self`/`$module`/`$cls` count as the first parameter.
    pub fn parse(vm: &Vm, sig: &'static str) -> Signature {
        let open = sig.find('(').unwrap_or(sig.len());
        let inner = sig[open..].trim_start_matches('(').trim_end();
        let inner = inner.strip_suffix(')').unwrap_or(inner);
        let mut out = Signature {
            name: &sig[..open],
            qualified: None,
            params: Vec::new(),
            positional_only: 0,
            positional: 0,
            required_positional: 0,
            varargs: None,
            varkw: None,
            filled_by: (1, 0),
            before_rest: None,
            defaults: [Value::UNBOUND; INLINE],
        };
        let mut keyword_only = false;
        for part in split_params(inner) {
            if part == "/" {
                out.positional_only = out.params.len();
                continue;
            }
            if part == "*" {
                keyword_only = true;
                continue;
            }
            let (name, default) = match part.split_once('=') {
                Some((name, default)) => (name.trim(), Some(parse_default(vm, default.trim()))),
                None => (part, None),
            };
            let name = name.trim_start_matches('$');
            if let Some(name) = name.strip_prefix("**") {
                out.varkw = Some(out.params.len());
                out.params.push(Param { name, default: None, name_object: vm.intern(name) });
            } else if let Some(name) = name.strip_prefix('*') {
                out.varargs = Some(out.params.len());
                keyword_only = true;
                out.params.push(Param { name, default: None, name_object: vm.intern(name) });
            } else {
                if !keyword_only {
                    out.positional += 1;
                    if default.is_none() {
                        out.required_positional += 1;
                    }
                }
                out.params.push(Param { name, default, name_object: vm.intern(name) });
            }
        }
        out.before_rest = out
            .varargs
            .filter(|&at| at + 1 == out.params.len() && at == out.required_positional && at < INLINE);
        let by_keyword = &out.params[out.positional..];
        if out.params.len() <= INLINE {
            if by_keyword.iter().all(|param| param.default.is_some()) {
                out.filled_by = (out.required_positional, out.positional);
            }
            for (word, param) in out.defaults.iter_mut().zip(&out.params) {
                *word = param.default.as_ref().map_or(Value::UNBOUND, Object::value);
            }
        }
        out
    }

    /// Do `n` positional arguments and the defaults make a complete call (of at most
    /// `INLINE` parameters)?
    #[inline(always)]
    pub fn defaults_fill(&self, n: usize) -> bool {
        n >= self.filled_by.0 && n <= self.filled_by.1
    }

    /// Binds `args` (positional, then values of `kwnames`) to the parameters.
    /// `skip`: how many leading parameters (self) error messages do not count.
    pub fn bind(&self, vm: &Vm, args: &[Object], kwnames: &[Object], skip: usize) -> Result<Vec<Object>> {
        let nargs = args.len() - kwnames.len();
        let (positional, keywords) = args.split_at(nargs);
        let all_bounded = self.varargs.is_none() && self.varkw.is_none();
        if positional.len() > self.positional && self.varargs.is_none()
            || args.len() > self.params.len() && all_bounded && self.positional_only < self.params.len()
        {
            return Err(self.too_many(vm, nargs - skip, skip, kwnames.len()));
        }
        let mut out: Vec<Object> = vec![Object::UNBOUND; self.params.len()];
        let direct = positional.len().min(self.positional);
        // Positional parameters come first in `params`.
        for (slot, arg) in out.iter_mut().zip(&positional[..direct]) {
            *slot = arg.clone();
        }
        if let Some(i) = self.varargs {
            out[i] = vm.tuple(positional[direct..].to_vec());
        }
        let mut given = vec![false; self.params.len()];
        given[..direct].iter_mut().for_each(|g| *g = true);
        let mut rest: Option<Object> = None;
        if self.varkw.is_some() {
            rest = Some(vm.new_dict());
        }
        // What is missing is reported before what is superfluous.
        let (mut doubled, mut unexpected) = (None, None);
        'names: for (name, value) in kwnames.iter().zip(keywords) {
            for (i, param) in self.params.iter().enumerate() {
                if i < self.positional_only || Some(i) == self.varargs || Some(i) == self.varkw {
                    continue;
                }
                if param.name_object.is(name.value()) || vm.str_equal(&param.name_object, name) {
                    if given[i] {
                        doubled = doubled.or(Some(i));
                    }
                    given[i] = true;
                    out[i] = value.clone();
                    continue 'names;
                }
            }
            match &rest {
                Some(rest) => vm.set_item(rest, name, value)?,
                None if self.positional_only == self.params.len() => {
                    return Err(vm.type_error(format!("{}() takes no keyword arguments", self.shown_name())));
                }
                None => unexpected = unexpected.or(Some(name)),
            }
        }
        if let Some(i) = self.varkw {
            out[i] = rest.unwrap_or(Object::NONE);
        }
        for (i, param) in self.params.iter().enumerate() {
            if given[i] || Some(i) == self.varargs || Some(i) == self.varkw {
                continue;
            }
            match &param.default {
                Some(default) => out[i] = default.clone(),
                None if i < self.positional_only => {
                    return Err(self.too_few(vm, nargs - skip, skip));
                }
                None => {
                    return Err(vm.type_error(format!(
                        "{}() missing required argument '{}' (pos {})",
                        self.name,
                        param.name,
                        i + 1 - skip
                    )));
                }
            }
        }
        if let Some(i) = doubled {
            return Err(vm.type_error(format!(
                "argument for {}() given by name ('{}') and position ({})",
                self.name,
                self.params[i].name,
                i + 1 - skip
            )));
        }
        if let Some(name) = unexpected {
            return Err(self.unexpected(vm, name));
        }
        Ok(out)
    }

    fn shown_name(&self) -> &str {
        self.qualified.as_deref().unwrap_or(self.name)
    }

    #[cold]
    fn unexpected(&self, vm: &Vm, name: &Object) -> Raised {
        let shown = vm.str_lossy(name);
        let known: Vec<String> =
            self.params[self.positional_only..].iter().map(|param| param.name.to_owned()).collect();
        let hint = match crate::suggest::closest(&shown, &known) {
            Some(close) => format!(". Did you mean '{close}'?"),
            None => String::new(),
        };
        vm.type_error(format!("{}() got an unexpected keyword argument '{shown}'{hint}", self.name))
    }

    fn too_many(&self, vm: &Vm, given: usize, skip: usize, nkw: usize) -> Raised {
        let most = self.positional - skip;
        let required = self.required_positional - skip;
        let all = self.params.len() - skip;
        if self.positional_only == self.params.len() {
            return self.arity_error(vm, given, required, most);
        }
        let total = given + nkw;
        if total > all && self.varargs.is_none() && self.varkw.is_none() {
            return vm.type_error(format!(
                "{}() takes at most {all} {}argument{} ({total} given)",
                self.name,
                if given == 0 { "keyword " } else { "" },
                plural(all),
            ));
        }
        if most == 0 {
            return vm.type_error(format!("{}() takes no positional arguments", self.name));
        }
        vm.type_error(format!(
            "{}() takes {} {} positional argument{} ({} given)",
            self.name,
            if required == most { "exactly" } else { "at most" },
            most,
            plural(most),
            given
        ))
    }

    fn too_few(&self, vm: &Vm, given: usize, skip: usize) -> Raised {
        let most = self.positional - skip;
        let required = self.required_positional - skip;
        self.arity_error(vm, given, required, most)
    }

    /// The words of CPython's positional-only functions.
    fn arity_error(&self, vm: &Vm, given: usize, required: usize, most: usize) -> Raised {
        let name = self.name;
        if self.positional_only < self.params.len() && given < required {
            let word = if required < most { "at least" } else { "exactly" };
            let s = plural(required);
            return vm.type_error(format!(
                "{name}() takes {word} {required} positional argument{s} ({given} given)"
            ));
        }
        if most == 0 {
            return vm.type_error(format!("{}() takes no arguments ({given} given)", self.shown_name()));
        }
        if required == most {
            if most == 1 {
                let name = self.shown_name();
                return vm.type_error(format!("{name}() takes exactly one argument ({given} given)"));
            }
            return vm.type_error(format!("{name} expected {most} argument{}, got {given}", plural(most)));
        }
        let (word, bound) = if given < required { ("at least", required) } else { ("at most", most) };
        vm.type_error(format!("{name} expected {word} {bound} argument{}, got {given}", plural(bound)))
    }
}

pub fn plural(n: usize) -> &'static str {
    if n == 1 { "" } else { "s" }
}

/// A signature parsed on first use, for constructors and `Raw` functions:
/// `static SIG: Sig = Sig::new("float(x=0, /)");`
pub struct Sig {
    text: &'static str,
    parsed: OnceLock<Signature>,
}

// SAFETY: what the signature has is immortal before a second interpreter exists (see `sharing`).
unsafe impl Sync for Sig {}

/// So many bound arguments lie on the native stack.
pub(crate) const INLINE: usize = 8;

/// Bound arguments: one object per parameter.
pub enum Bound {
    Inline([Object; INLINE], usize),
    Many(Vec<Object>),
}

impl std::ops::Deref for Bound {
    type Target = [Object];
    #[inline]
    fn deref(&self) -> &[Object] {
        match self {
            Bound::Inline(objects, len) => &objects[..*len],
            Bound::Many(objects) => objects,
        }
    }
}

impl Signature {
    /// As [`Signature::filled`], borrowed from the arguments and the signature.
    #[inline(always)]
    pub(crate) fn borrowed(&self, args: &[Object]) -> [Value; INLINE] {
        let mut bound = self.defaults;
        for (slot, arg) in bound.iter_mut().zip(args) {
            *slot = arg.value();
            // SAFETY: no instruction at all. One or two words are not worth a call of memcpy.
            unsafe { std::arch::asm!("", options(nomem, nostack, preserves_flags)) }
        }
        bound
    }
    /// A complete call with keywords whose names are known by identity, borrowed from the
    /// arguments and the signature. None: somebody else has to look.
    pub(crate) fn borrowed_by_names(&self, args: &[Object], kwnames: &[Object]) -> Option<[Value; INLINE]> {
        let npos = args.len() - kwnames.len();
        let all = self.params.len();
        if all > INLINE || npos > self.positional || self.varargs.is_some() || self.varkw.is_some() {
            return None;
        }
        let mut bound = self.defaults;
        for (slot, arg) in bound.iter_mut().zip(&args[..npos]) {
            *slot = arg.value();
        }
        let first = npos.max(self.positional_only);
        let mut given: u32 = 0;
        for (key, arg) in kwnames.iter().zip(&args[npos..]) {
            let at = first
                + self.params.get(first..)?.iter().position(|param| param.name_object.is(key.value()))?;
            if given & 1 << at != 0 {
                return None;
            }
            given |= 1 << at;
            bound[at] = arg.value();
        }
        let lacks = |i: usize| given & 1 << i == 0 && self.params[i].default.is_none();
        (!(npos..all).any(lacks)).then_some(bound)
    }
    /// Positional arguments and the defaults of the rest; see `defaults_fill`.
    #[inline]
    pub(crate) fn filled(&self, args: &[Object]) -> [Object; INLINE] {
        // SAFETY: the words are alive, in the arguments or in the signature.
        self.borrowed(args).map(|word| unsafe { Object::from_borrowed(word) })
    }
}

impl Sig {
    pub const fn new(text: &'static str) -> Sig {
        Sig { text, parsed: OnceLock::new() }
    }
    /// Binds the arguments of a call; one object per parameter comes back.
    #[inline]
    pub fn bind(&'static self, vm: &Vm, args: &[Object], kwnames: &[Object]) -> Result<Bound> {
        let signature = match self.parsed.get() {
            Some(signature) => signature,
            None => self.parse(vm),
        };
        if kwnames.is_empty() && signature.defaults_fill(args.len()) {
            return Ok(Bound::Inline(signature.filled(args), signature.params.len()));
        }
        if !kwnames.is_empty()
            && let Some(bound) = signature.borrowed_by_names(args, kwnames)
        {
            // SAFETY: the words are alive, in the arguments or in the signature.
            let bound = bound.map(|word| unsafe { Object::from_borrowed(word) });
            return Ok(Bound::Inline(bound, signature.params.len()));
        }
        signature.bind(vm, args, kwnames, 0).map(Bound::Many)
    }
    #[cold]
    fn parse(&'static self, vm: &Vm) -> &'static Signature {
        let mut fresh = false;
        let signature = self.parsed.get_or_init(|| {
            fresh = true;
            Signature::parse(vm, self.text)
        });
        if fresh {
            crate::sharing::add_signature(vm, signature);
        }
        signature
    }
    /// The text in parentheses.
    pub fn text(&self) -> &'static str {
        self.text
    }
}
