//! `Element.iter()` and `Element.itertext()`: one iterator that walks a tree in document
//! order with a stack of its own, so that no depth is too great.

use super::element::{Element, Part};
use std::cell::RefCell;
use taipan_runtime::prelude::*;
use taipan_runtime::support::{allocate, this};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::cell::ObjectCell;
use taipan_runtime::types::object::OBJECT;

/// Payload of the iterator.
pub struct ElementIterator {
    /// Where to begin; empty once the walk has begun.
    root: ObjectCell,
    /// The elements whose children are visited, and which child of each is next.
    stack: RefCell<Vec<(Object, usize)>>,
    /// The tag that is sought; None: every one.
    tag: ObjectCell,
    /// Texts are shown, not elements.
    texts: bool,
}

impl NativeClass for ElementIterator {
    fn class() -> &'static Type {
        &ELEMENT_ITERATOR
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.root.traverse(visitor);
        self.tag.traverse(visitor);
        if let Ok(stack) = self.stack.try_borrow() {
            stack.iter().for_each(|(element, _)| visitor.visit_object(element));
        }
    }
    fn clear(&self) {
        self.root.clear();
        self.tag.clear();
        let stack = std::mem::take(&mut *self.stack.borrow_mut());
        drop(stack);
    }
}

/// What comes next on a walk.
enum Step {
    Enter(Object),
    Leave(Object),
    End,
}

impl ElementIterator {
    fn step(&self) -> Step {
        let mut stack = self.stack.borrow_mut();
        let Some((parent, next)) = stack.last_mut() else {
            return self.root.take().bound().cloned().map_or(Step::End, Step::Enter);
        };
        if let Some(child) = this::<Element>(parent).child(*next) {
            *next += 1;
            return Step::Enter(child);
        }
        stack.pop().map_or(Step::End, |(parent, _)| Step::Leave(parent))
    }
    /// The element's children are next.
    fn enter(&self, vm: &Vm, element: Object) -> Result<()> {
        let mut stack = self.stack.borrow_mut();
        if stack.len() == stack.capacity() && stack.try_reserve(1).is_err() {
            return Err(vm.memory_error());
        }
        stack.push((element, 0));
        Ok(())
    }
    fn next_element(&self, vm: &Vm) -> Result<Option<Object>> {
        let tag = self.tag.get();
        loop {
            match self.step() {
                Step::End => return Ok(None),
                Step::Leave(_) => {}
                Step::Enter(element) => {
                    self.enter(vm, element.clone())?;
                    if tag.is_none() || vm.equal(&this::<Element>(&element).tag.get(), &tag)? {
                        return Ok(Some(element));
                    }
                }
            }
        }
    }
    fn next_text(&self, vm: &Vm) -> Result<Option<Object>> {
        loop {
            let text = match self.step() {
                Step::End => return Ok(None),
                // What follows the element where the walk began is not inside of it.
                Step::Leave(_) if self.stack.borrow().is_empty() => continue,
                Step::Leave(element) => this::<Element>(&element).part(vm, Part::Tail)?,
                Step::Enter(element) => {
                    self.enter(vm, element.clone())?;
                    let element = this::<Element>(&element);
                    let tag = element.tag.get();
                    // Comments and the like have functions for tags.
                    if !tag.is_none() && tag.downcast::<Str>().is_none() {
                        continue;
                    }
                    element.part(vm, Part::Text)?
                }
            };
            if !text.is_none() && vm.is_true(&text)? {
                return Ok(Some(text));
            }
        }
    }
}

pub static ELEMENT_ITERATOR: Type = Type::new::<ElementIterator>(
    "_elementtree._element_iterator",
    &OBJECT,
    type_flags::DISALLOW_INSTANTIATION | type_flags::HAVE_GC,
    Slots {
        next: Some(|vm, object| {
            let walk = this::<ElementIterator>(object);
            if walk.texts { walk.next_text(vm) } else { walk.next_element(vm) }
        }),
        ..Slots::EMPTY.iter(|_, object| Ok(object.clone()))
    },
    &[],
    &[],
);

fn walk(vm: &Vm, element: &Object, tag: Object, texts: bool) -> Result {
    let walk = ElementIterator {
        root: ObjectCell::new(element.clone()),
        stack: RefCell::new(Vec::new()),
        tag: ObjectCell::new(tag),
        texts,
    };
    allocate(vm, &ELEMENT_ITERATOR, walk)
}

/// `iter(tag=None)`.
pub fn iter(vm: &Vm, args: &[Object]) -> Result {
    let every = match (args[1].downcast::<Str>(), args[1].downcast::<Bytes>()) {
        (Some(text), _) => text.equals_text("*"),
        (_, Some(bytes)) => bytes.as_slice() == b"*",
        _ => false,
    };
    walk(vm, &args[0], if every { Object::NONE } else { args[1].clone() }, false)
}

/// `itertext()`.
pub fn iter_text(vm: &Vm, args: &[Object]) -> Result {
    walk(vm, &args[0], Object::NONE, true)
}
