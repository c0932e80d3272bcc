//! The scanner of a pattern, and the iterator that `finditer` gives.

use super::matched::new_match;
use super::pattern::{Pattern, bounds, guarded};
use super::subject::Text;
use std::cell::Cell;
use taipan_runtime::prelude::*;
use taipan_runtime::support::{allocate, readonly_member, this};
use taipan_runtime::types::object::OBJECT;
use taipan_sre::Mode;

/// A walk over a subject: what both types are made of.
struct Walk {
    pattern: Object,
    text: Text,
    pos: usize,
    endpos: usize,
    scanner: Cell<taipan_sre::Scanner>,
    done: Cell<bool>,
    executing: Cell<bool>,
}

impl Walk {
    fn traverse(&self, visitor: &mut Visitor) {
        visitor.visit_object(&self.pattern);
        visitor.visit_object(self.text.object());
    }
    /// The next match.
    fn step(&self, vm: &Vm, mode: Mode) -> Result<Option<Object>> {
        let Some(pattern) = self.pattern.downcast::<Pattern>() else { return Ok(None) };
        if self.executing.get() {
            return Err(vm.value_error("regular expression scanner already executing"));
        }
        if self.done.get() {
            return Ok(None);
        }
        let mut state = pattern.take_state();
        let mut scanner = self.scanner.get();
        self.executing.set(true);
        let subject = self.text.subject();
        let found = guarded(vm, |go| scanner.next(&pattern.program, subject, mode, &mut state, go));
        self.executing.set(false);
        self.scanner.set(scanner);
        let result = match found {
            Ok(true) => {
                new_match(vm, &self.pattern, pattern, &self.text, &state, self.pos, self.endpos).map(Some)
            }
            Ok(false) => {
                self.done.set(true);
                Ok(None)
            }
            Err(raised) => Err(raised),
        };
        pattern.give_back(state);
        result
    }
}

fn walk(vm: &Vm, args: &[Object]) -> Result<Walk> {
    let text = Text::for_pattern(vm, this(&args[0]), &args[1])?;
    let (pos, endpos) = bounds(vm, &args[2], &args[3], text.len())?;
    Ok(Walk {
        pattern: args[0].clone(),
        text,
        pos,
        endpos,
        scanner: Cell::new(taipan_sre::Scanner::new(pos, endpos)),
        done: Cell::new(pos > endpos),
        executing: Cell::new(false),
    })
}

/// Payload of SRE_Scanner.
pub struct Scanner(Walk);

impl NativeClass for Scanner {
    fn class() -> &'static Type {
        &SCANNER
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.0.traverse(visitor);
    }
}

fn or_none(found: Option<Object>) -> Object {
    found.unwrap_or(Object::NONE)
}

pub static SCANNER: Type = Type::new::<Scanner>(
    "_sre.SRE_Scanner",
    &OBJECT,
    type_flags::HAVE_GC | type_flags::DISALLOW_INSTANTIATION,
    Slots::EMPTY,
    &[
        MethodDef::new(
            "match($self, /)",
            |vm, args| this::<Scanner>(&args[0]).0.step(vm, Mode::Match).map(or_none),
            "",
        ),
        MethodDef::new(
            "search($self, /)",
            |vm, args| this::<Scanner>(&args[0]).0.step(vm, Mode::Search).map(or_none),
            "",
        ),
    ],
    &[GetSetDef::new("pattern", |_, o| Ok(this::<Scanner>(o).0.pattern.clone())).with_set(readonly_member)],
);

/// `Pattern.scanner`.
pub fn scanner(vm: &Vm, args: &[Object]) -> Result {
    allocate(vm, &SCANNER, Scanner(walk(vm, args)?))
}

/// Payload of the iterator of `finditer`.
pub struct FindIterator(Walk);

impl NativeClass for FindIterator {
    fn class() -> &'static Type {
        &FIND_ITERATOR
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.0.traverse(visitor);
    }
}

/// Named as what it stands for: the iterator of `iter(scanner.search, None)`.
pub static FIND_ITERATOR: Type = Type::new::<FindIterator>(
    "callable_iterator",
    &OBJECT,
    type_flags::HAVE_GC | type_flags::DISALLOW_INSTANTIATION,
    Slots {
        next: Some(|vm, object| this::<FindIterator>(object).0.step(vm, Mode::Search)),
        ..Slots::EMPTY.iter(|_, object| Ok(object.clone()))
    },
    &[],
    &[],
);

/// `Pattern.finditer`.
pub fn find_iter(vm: &Vm, args: &[Object]) -> Result {
    allocate(vm, &FIND_ITERATOR, FindIterator(walk(vm, args)?))
}
