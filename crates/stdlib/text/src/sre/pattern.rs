//! `re.Pattern`: the compiled pattern and the searches it offers.

use super::matched::new_match;
use super::scanner;
use super::subject::Text;
use super::substitute;
use std::cell::Cell;
use taipan_runtime::prelude::*;
use taipan_runtime::support::{allocate, readonly_member, this};
use taipan_runtime::types::genericalias::class_getitem;
use taipan_runtime::types::object::OBJECT;
use taipan_runtime::types::{int, mappingproxy};
use taipan_sre::{Abort, Mode, Program, Scanner, State, flag};

/// Payload of Pattern.
pub struct Pattern {
    pub pattern: Object,
    /// None: the pattern is None and matches both kinds.
    pub is_bytes: Option<bool>,
    pub flags: i64,
    pub groups: usize,
    /// A dict, and a tuple of names by number.
    pub group_index: Object,
    pub index_group: Object,
    /// Boxed: the payload of an object has 16-byte alignment.
    pub program: Box<Program>,
    code: Vec<u32>,
    /// Working memory, kept from one match to the next.
    state: Cell<Option<State>>,
}

impl NativeClass for Pattern {
    fn class() -> &'static Type {
        &PATTERN
    }
    fn traverse(&self, visitor: &mut Visitor) {
        visitor.visit_object(&self.pattern);
        visitor.visit_object(&self.group_index);
        visitor.visit_object(&self.index_group);
    }
}

const SEARCH_DOC: &str = "Scan through string looking for a match, and return a corresponding match object instance.\n\nReturn None if no position in the string matches.";
const SUB_DOC: &str = "Return the string obtained by replacing the leftmost non-overlapping occurrences of pattern in string by the replacement repl.";

pub static PATTERN: Type = Type::new::<Pattern>(
    "re.Pattern",
    &OBJECT,
    type_flags::HAVE_GC | type_flags::WEAKREFABLE | type_flags::DISALLOW_INSTANTIATION,
    Slots { hash: Some(pattern_hash), compare: Some(pattern_compare), ..Slots::EMPTY.repr(pattern_repr) },
    &[
        MethodDef::new("match($self, /, string, pos=0, endpos=sys.maxsize)", |vm, args| find(vm, args, Mode::Match), "Matches zero or more characters at the beginning of the string."),
        MethodDef::new("fullmatch($self, /, string, pos=0, endpos=sys.maxsize)", |vm, args| find(vm, args, Mode::FullMatch), "Matches against all of the string."),
        MethodDef::new("search($self, /, string, pos=0, endpos=sys.maxsize)", |vm, args| find(vm, args, Mode::Search), SEARCH_DOC),
        MethodDef::new("sub($self, /, repl, string, count=0)", |vm, args| substitute::substitute(vm, args, false), SUB_DOC),
        MethodDef::new("subn($self, /, repl, string, count=0)", |vm, args| substitute::substitute(vm, args, true), "Return the tuple (new_string, number_of_subs_made) found by replacing the leftmost non-overlapping occurrences of pattern with the replacement repl."),
        MethodDef::new("findall($self, /, string, pos=0, endpos=sys.maxsize)", find_all, "Return a list of all non-overlapping matches of pattern in string."),
        MethodDef::new("split($self, /, string, maxsplit=0)", split, "Split string by the occurrences of pattern."),
        MethodDef::new("finditer($self, /, string, pos=0, endpos=sys.maxsize)", scanner::find_iter, "Return an iterator over all non-overlapping matches for the RE pattern in string.\n\nFor each match, the iterator returns a match object."),
        MethodDef::new("scanner($self, /, string, pos=0, endpos=sys.maxsize)", scanner::scanner, ""),
        MethodDef::new("__copy__($self, /)", |_, args| Ok(args[0].clone()), ""),
        MethodDef::new("__deepcopy__($self, memo, /)", |_, args| Ok(args[0].clone()), ""),
        MethodDef::new("__class_getitem__($type, object, /)", class_getitem, "Patterns are generic over the type of string they handle (str or bytes)").class_method(),
    ],
    &[
        GetSetDef::new("pattern", |_, o| Ok(this::<Pattern>(o).pattern.clone())).with_set(readonly_member).with_doc("The pattern string from which the RE object was compiled."),
        GetSetDef::new("flags", |vm, o| Ok(vm.int(this::<Pattern>(o).flags))).with_set(readonly_member).with_doc("The regex matching flags."),
        GetSetDef::new("groups", |vm, o| Ok(vm.usize(this::<Pattern>(o).groups))).with_set(readonly_member).with_doc("The number of capturing groups in the pattern."),
        GetSetDef::new("groupindex", |vm, o| Ok(mappingproxy::new(vm, &this::<Pattern>(o).group_index))).with_doc("A dictionary mapping group names to group numbers."),
    ],
)
.with_doc("Compiled regular expression object.");

impl Pattern {
    /// Working memory for a match; give it back with [`Pattern::give_back`].
    pub fn take_state(&self) -> State {
        self.state.take().unwrap_or_default()
    }
    pub fn give_back(&self, state: State) {
        self.state.set(Some(state));
    }
    /// Name of group `i`, or None.
    pub fn group_name(&self, i: usize) -> Object {
        match self.index_group.downcast::<Tuple>().and_then(|t| t.items().get(i)) {
            Some(name) => name.clone(),
            None => Object::NONE,
        }
    }
}

/// One step of the engine: runs signal handlers now and then.
pub fn guarded(
    vm: &Vm,
    run: impl FnOnce(&mut dyn FnMut() -> bool) -> std::result::Result<bool, Abort>,
) -> Result<bool> {
    let mut failed = None;
    let mut interrupt = || match vm.check_signals() {
        Ok(()) => false,
        Err(raised) => {
            failed = Some(raised);
            true
        }
    };
    match run(&mut interrupt) {
        Ok(found) => Ok(found),
        Err(Abort::OutOfMemory) => Err(vm.memory_error()),
        Err(Abort::Interrupted) => {
            Err(failed.unwrap_or_else(|| vm.runtime_error("maximum recursion limit exceeded")))
        }
    }
}

/// The bounds that `pos` and `endpos` stand for.
pub fn bounds(vm: &Vm, pos: &Object, endpos: &Object, len: usize) -> Result<(usize, usize)> {
    let cut = |n: isize| (n.max(0) as usize).min(len);
    let pos = if pos.is_int() { pos.as_int() as isize } else { vm.index_isize(pos)? };
    let endpos = match endpos.bound() {
        Some(endpos) => vm.index_isize(endpos)?,
        None => isize::MAX,
    };
    Ok((cut(pos), cut(endpos)))
}

fn find(vm: &Vm, args: &[Object], mode: Mode) -> Result {
    let this = this::<Pattern>(&args[0]);
    let text = Text::for_pattern(vm, this, &args[1])?;
    let (pos, endpos) = bounds(vm, &args[2], &args[3], text.len())?;
    if pos > endpos {
        return Ok(Object::NONE);
    }
    let mut state = this.take_state();
    let subject = text.subject();
    let found =
        guarded(vm, |interrupt| this.program.run(subject, mode, pos, endpos, false, &mut state, interrupt));
    let result = match found {
        Ok(true) => new_match(vm, &args[0], this, &text, &state, pos, endpos),
        Ok(false) => Ok(Object::NONE),
        Err(raised) => Err(raised),
    };
    this.give_back(state);
    result
}

/// Calls `f` with the working memory after each match; stops at false.
pub fn for_each_match(
    vm: &Vm,
    pattern: &Pattern,
    text: &Text,
    (pos, endpos): (usize, usize),
    mut f: impl FnMut(&State) -> Result<bool>,
) -> Result<()> {
    if pos > endpos {
        return Ok(());
    }
    let mut state = pattern.take_state();
    let mut scanner = Scanner::new(pos, endpos);
    let result = loop {
        let subject = text.subject();
        match guarded(vm, |go| scanner.next(&pattern.program, subject, Mode::Search, &mut state, go)) {
            Ok(true) => {}
            Ok(false) => break Ok(()),
            Err(raised) => break Err(raised),
        }
        match f(&state) {
            Ok(true) => {}
            Ok(false) => break Ok(()),
            Err(raised) => break Err(raised),
        }
    };
    pattern.give_back(state);
    result
}

/// Group `i` of the match in `state`, or `default`.
fn group(vm: &Vm, text: &Text, state: &State, i: usize, default: &Object) -> Object {
    match state.span(i) {
        Some((start, end)) => text.slice(vm, start, end),
        None => default.clone(),
    }
}

fn find_all(vm: &Vm, args: &[Object]) -> Result {
    let this = this::<Pattern>(&args[0]);
    let text = Text::for_pattern(vm, this, &args[1])?;
    let limits = bounds(vm, &args[2], &args[3], text.len())?;
    let empty = text.empty(vm);
    let mut out = Vec::new();
    for_each_match(vm, this, &text, limits, |state| {
        let item = match this.groups {
            0 => {
                let (start, end) = state.bounds();
                text.slice(vm, start, end)
            }
            1 => group(vm, &text, state, 1, &empty),
            n => vm.tuple((1..=n).map(|i| group(vm, &text, state, i, &empty)).collect()),
        };
        if out.len() == out.capacity() && out.try_reserve(1).is_err() {
            return Err(vm.memory_error());
        }
        out.push(item);
        Ok(true)
    })?;
    Ok(vm.list(out))
}

fn split(vm: &Vm, args: &[Object]) -> Result {
    let this = this::<Pattern>(&args[0]);
    let most = vm.index_isize(&args[2])?;
    let text = Text::for_pattern(vm, this, &args[1])?;
    let len = text.len();
    let mut out = Vec::new();
    let (mut last, mut n) = (0, 0);
    if most >= 0 {
        for_each_match(vm, this, &text, (0, len), |state| {
            let (start, end) = state.bounds();
            out.push(text.slice(vm, last, start));
            for i in 1..=this.groups {
                out.push(group(vm, &text, state, i, &Object::NONE));
            }
            last = end;
            n += 1;
            Ok(most == 0 || n < most)
        })?;
    }
    out.push(text.slice(vm, last, len));
    Ok(vm.list(out))
}

// ---- the object -----------------------------------------------------------------------

/// `_sre.compile`.
pub fn compile(vm: &Vm, args: &[Object]) -> Result {
    let wrong = |name: &str, wanted: &str, object: &Object| {
        vm.type_error(format!("compile() argument '{name}' must be {wanted}, not {}", object.ty().name()))
    };
    let flags = vm.to_c_int(&args[1])? as i64;
    let Some(list) = args[2].downcast::<List>() else { return Err(wrong("code", "list", &args[2])) };
    let groups = vm.index_isize(&args[3])?;
    if args[4].downcast::<Dict>().is_none() {
        return Err(wrong("groupindex", "dict", &args[4]));
    }
    if args[5].downcast::<Tuple>().is_none() {
        return Err(wrong("indexgroup", "tuple", &args[5]));
    }
    let mut code = Vec::with_capacity(list.len());
    for item in list.to_vec() {
        if !int::is_any_int(&item) {
            return Err(vm.type_error("an integer is required"));
        }
        if int::is_negative(&item) {
            return Err(vm.overflow_error("can't convert negative value to unsigned int"));
        }
        match int::to_i64(&item).and_then(|n| u32::try_from(n).ok()) {
            Some(n) => code.push(n),
            None => return Err(vm.overflow_error("regular expression code size limit exceeded")),
        }
    }
    let is_bytes = if args[0].is_none() { None } else { Some(Text::of(vm, &args[0])?.is_bytes()) };
    let program = usize::try_from(groups).ok().and_then(|n| Program::new(&code, flags as u32, n).ok());
    let Some(program) = program else { return Err(vm.runtime_error("invalid SRE code")) };
    let payload = Pattern {
        pattern: args[0].clone(),
        is_bytes,
        flags,
        groups: groups as usize,
        group_index: args[4].clone(),
        index_group: args[5].clone(),
        program: Box::new(program),
        code,
        state: Cell::new(None),
    };
    allocate(vm, &PATTERN, payload)
}

fn pattern_hash(vm: &Vm, object: &Object) -> Result<i64> {
    let this = this::<Pattern>(object);
    let mut hash = vm.hash(&this.pattern)? as u64;
    for &word in &this.code {
        hash = (hash ^ word as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23);
    }
    hash ^= this.flags as u64 ^ this.groups as u64 ^ (this.is_bytes == Some(true)) as u64;
    Ok(if hash == u64::MAX { -2 } else { hash as i64 })
}

fn pattern_compare(vm: &Vm, a: &Object, b: &Object, op: CompareOp) -> Result {
    let (Some(x), Some(y)) = (a.downcast::<Pattern>(), b.downcast::<Pattern>()) else {
        return Ok(Object::NOT_IMPLEMENTED);
    };
    if !matches!(op, CompareOp::Eq | CompareOp::Ne) {
        return Ok(Object::NOT_IMPLEMENTED);
    }
    let equal = a.is(b.value())
        || x.flags == y.flags
            && x.is_bytes == y.is_bytes
            && x.groups == y.groups
            && x.code == y.code
            && vm.equal(&x.pattern, &y.pattern)?;
    Ok(Object::bool(equal == (op == CompareOp::Eq)))
}

fn pattern_repr(vm: &Vm, object: &Object) -> Result {
    const NAMES: [(&str, u32); 8] = [
        ("re.IGNORECASE", flag::IGNORECASE),
        ("re.LOCALE", flag::LOCALE),
        ("re.MULTILINE", flag::MULTILINE),
        ("re.DOTALL", flag::DOTALL),
        ("re.UNICODE", flag::UNICODE),
        ("re.VERBOSE", flag::VERBOSE),
        ("re.DEBUG", flag::DEBUG),
        ("re.ASCII", flag::ASCII),
    ];
    let this = this::<Pattern>(object);
    let mut flags = this.flags as u32;
    // Unicode is what a str pattern has anyhow.
    let kinds = flag::LOCALE | flag::UNICODE | flag::ASCII;
    if this.is_bytes == Some(false) && flags & kinds == flag::UNICODE {
        flags &= !flag::UNICODE;
    }
    let mut names = Vec::new();
    for (name, bit) in NAMES {
        if flags & bit != 0 {
            names.push(name.to_string());
            flags &= !bit;
        }
    }
    if flags != 0 {
        names.push(format!("{flags:#x}"));
    }
    let shown = vm.repr(&this.pattern)?;
    let mut out = taipan_runtime::types::str::Builder::new();
    out.push_str("re.compile(");
    if let Some(s) = shown.downcast::<Str>() {
        out.push_range(s, 0, s.len().min(200));
    }
    if !names.is_empty() {
        out.push_str(", ");
        out.push_str(&names.join("|"));
    }
    out.push_str(")");
    Ok(out.finish(vm))
}
