//! `TreeBuilder`: makes a tree of starts, ends and texts.
//!
//! Python code calls its methods; a parser whose target it is calls
//! [`TreeBuilder::start`] and the like directly, and gives text as bytes, which become
//! one string per text of the tree.

use super::element::{self, Element, Part, check_dict, element_of};
use super::{COMMENT_FACTORY, PARSE_ERROR, PI_FACTORY};
use std::cell::{Cell, RefCell};
use taipan_runtime::codecs::utf8;
use taipan_runtime::prelude::*;
use taipan_runtime::support::{allocate, raise_kept, this};
use taipan_runtime::types::cell::ObjectCell;
use taipan_runtime::types::object::OBJECT;
use taipan_runtime::types::tuple;

/// The events that a pull parser may ask for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Report {
    Start,
    End,
    StartNs,
    EndNs,
    Comment,
    Pi,
}

impl Report {
    /// Names and events.
    pub const ALL: [(&'static str, Report); 6] = [
        ("start", Report::Start),
        ("end", Report::End),
        ("start-ns", Report::StartNs),
        ("end-ns", Report::EndNs),
        ("comment", Report::Comment),
        ("pi", Report::Pi),
    ];
}

/// So many texts of white space are remembered, by their length.
const BLANKS: usize = 64;

/// Payload of `TreeBuilder`.
pub struct TreeBuilder {
    root: ObjectCell,
    /// The element that is open; None: none is.
    this: ObjectCell,
    /// The element that was opened or closed last.
    last: ObjectCell,
    /// The element that text is the tail of, if it does not belong into `last`.
    last_for_tail: ObjectCell,
    /// Text from Python code: an object, or a list of several.
    data: ObjectCell,
    /// Text from a parser, behind what is in `data`.
    text: RefCell<Vec<u8>>,
    /// What was open outside of `this`.
    stack: RefCell<Vec<Object>>,
    element_factory: ObjectCell,
    comment_factory: ObjectCell,
    pi_factory: ObjectCell,
    insert_comments: Cell<bool>,
    insert_pis: Cell<bool>,
    /// Where events are appended to, and the names of those that are wanted, by [`Report`].
    events_append: ObjectCell,
    events: [ObjectCell; 6],
    /// Texts of white space that were seen, which tend to come again.
    blanks: RefCell<[Object; BLANKS]>,
}

impl NativeClass for TreeBuilder {
    fn class() -> &'static Type {
        &TREE_BUILDER
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.cells().for_each(|cell| cell.traverse(visitor));
        if let Ok(stack) = self.stack.try_borrow() {
            stack.iter().for_each(|element| visitor.visit_object(element));
        }
    }
    fn clear(&self) {
        self.cells().for_each(ObjectCell::clear);
        let stack = std::mem::take(&mut *self.stack.borrow_mut());
        drop(stack);
    }
}

/// Appends a child to an element, or to whatever a factory made.
fn append_child(vm: &Vm, parent: &Object, child: &Object) -> Result<()> {
    match parent.downcast_exact::<Element>() {
        Some(parent) => {
            element_of(vm, child)?;
            parent.push(vm, child.clone())
        }
        None => vm.call_method(parent, "append", std::slice::from_ref(child)).map(drop),
    }
}

impl TreeBuilder {
    pub fn new() -> TreeBuilder {
        let none = || ObjectCell::new(Object::NONE);
        TreeBuilder {
            root: ObjectCell::EMPTY,
            this: none(),
            last: none(),
            last_for_tail: ObjectCell::EMPTY,
            data: ObjectCell::EMPTY,
            text: RefCell::new(Vec::new()),
            stack: RefCell::new(Vec::new()),
            element_factory: ObjectCell::EMPTY,
            comment_factory: ObjectCell::EMPTY,
            pi_factory: ObjectCell::EMPTY,
            insert_comments: Cell::new(false),
            insert_pis: Cell::new(false),
            events_append: ObjectCell::EMPTY,
            events: [const { ObjectCell::EMPTY }; 6],
            blanks: RefCell::new([const { Object::UNBOUND }; BLANKS]),
        }
    }
    fn cells(&self) -> impl Iterator<Item = &ObjectCell> {
        let own = [
            &self.root,
            &self.this,
            &self.last,
            &self.last_for_tail,
            &self.data,
            &self.element_factory,
            &self.comment_factory,
            &self.pi_factory,
            &self.events_append,
        ];
        own.into_iter().chain(&self.events)
    }

    // ---- events ----------------------------------------------------------------

    /// Nothing but what is asked for from now on is reported, to `append`.
    pub fn report_to(&self, append: Object) {
        self.events_append.set(append);
        self.events.iter().for_each(ObjectCell::clear);
    }
    /// Has an event reported under a name.
    pub fn report(&self, event: Report, name: Object) {
        self.events[event as usize].set(name);
    }
    #[inline]
    fn wants(&self, event: Report) -> bool {
        !self.events[event as usize].is_empty()
    }
    fn tell(&self, vm: &Vm, event: Report, value: Object) -> Result<()> {
        let (Some(append), Some(name)) = (self.events_append.bound(), self.events[event as usize].bound())
        else {
            return Ok(());
        };
        vm.call(&append, &[tuple::pair(vm, name, value)]).map(drop)
    }
    pub fn start_ns(&self, vm: &Vm, prefix: Object, uri: Object) -> Result<()> {
        if !self.wants(Report::StartNs) {
            return Ok(());
        }
        self.tell(vm, Report::StartNs, tuple::pair(vm, prefix, uri))
    }
    pub fn end_ns(&self, vm: &Vm) -> Result<()> {
        self.tell(vm, Report::EndNs, Object::NONE)
    }

    // ---- text --------------------------------------------------------------------

    /// Text of a parser's.
    #[inline]
    pub fn add_text(&self, vm: &Vm, bytes: &[u8]) -> Result<()> {
        if self.last.value().is_none() {
            return Ok(());
        }
        let mut text = self.text.borrow_mut();
        text.try_reserve(bytes.len()).map_err(|_| vm.memory_error())?;
        text.extend_from_slice(bytes);
        Ok(())
    }
    /// The collected bytes as a string; None: there are none.
    #[inline]
    fn take_text(&self, vm: &Vm) -> Result<Option<Object>> {
        let mut bytes = self.text.borrow_mut();
        if bytes.is_empty() {
            return Ok(None);
        }
        let blank = bytes.len() < BLANKS && bytes.iter().all(|byte| matches!(byte, b' ' | b'\n' | b'\t'));
        let blanks = self.blanks.borrow();
        if blank
            && let Some(known) = blanks.get(bytes.len())
            && known.downcast_exact::<Str>().is_some_and(|known| known.raw_bytes() == bytes.as_slice())
        {
            bytes.clear();
            return Ok(Some(known.clone()));
        }
        drop(blanks);
        let (text, _) = utf8::decode(vm, &bytes, "strict", true)?;
        if blank && let Some(place) = self.blanks.borrow_mut().get_mut(bytes.len()) {
            *place = text.clone();
        }
        // A great text's room is given back.
        if bytes.capacity() > 1 << 16 {
            *bytes = Vec::new();
        } else {
            bytes.clear();
        }
        Ok(Some(text))
    }
    /// Text of Python code's.
    pub fn add_data(&self, vm: &Vm, data: Object) -> Result<()> {
        if let Some(text) = self.take_text(vm)? {
            self.add_object(vm, text)?;
        }
        self.add_object(vm, data)
    }
    fn add_object(&self, vm: &Vm, data: Object) -> Result<()> {
        let Some(old) = self.data.bound() else {
            // What comes before the first start is ignored.
            if !self.last.value().is_none() {
                self.data.set(data);
            }
            return Ok(());
        };
        if let Some(list) = old.downcast_exact::<List>() {
            return list.push(vm, data);
        }
        self.data.set(vm.list(vec![old, data]));
        Ok(())
    }
    /// Gives the text to the element that it belongs to.
    #[inline]
    fn flush(&self, vm: &Vm) -> Result<()> {
        let text = self.take_text(vm)?;
        if self.data.is_empty() {
            let Some(text) = text else { return Ok(()) };
            let (owner, part) = self.owner();
            if let Some(element) = owner.downcast_exact::<Element>()
                && element.kept_part(part).is_none()
            {
                element.set_part(part, text);
                return Ok(());
            }
            self.data.set(text);
            return self.flush_data(vm);
        }
        if let Some(text) = text {
            self.add_object(vm, text)?;
        }
        self.flush_data(vm)
    }
    /// Whom text belongs to at present.
    #[inline]
    fn owner(&self) -> (Object, Part) {
        match self.last_for_tail.bound() {
            Some(element) => (element, Part::Tail),
            None => (self.last.get(), Part::Text),
        }
    }
    #[cold]
    fn flush_data(&self, vm: &Vm) -> Result<()> {
        let data = self.data.get();
        let (owner, part) = self.owner();
        if let Some(element) = owner.downcast_exact::<Element>() {
            let kept = element.kept_part(part);
            if kept.is_none() {
                self.data.clear();
                element.keep_part(part, data);
                return Ok(());
            }
            if let Some(list) = kept.downcast_exact::<List>().filter(|_| element.in_pieces(part)) {
                self.data.clear();
                match data.downcast_exact::<List>() {
                    Some(more) => {
                        for piece in more.to_vec() {
                            list.push(vm, piece)?;
                        }
                    }
                    None => list.push(vm, data)?,
                }
                return Ok(());
            }
        }
        let name = if part == Part::Tail { "tail" } else { "text" };
        let previous = vm.get_attr_str(&owner, name)?;
        let mut joined = element::join(vm, &data)?;
        if !previous.is_none() {
            joined = vm.binary(BinaryOp::Add, &previous, &joined)?;
        }
        vm.set_attr_str(&owner, name, &joined)?;
        self.data.clear();
        Ok(())
    }

    // ---- structure ------------------------------------------------------------------

    /// An element begins.
    pub fn start(&self, vm: &Vm, tag: Object, attrib: Option<Object>) -> Result {
        self.flush(vm)?;
        let node = match self.element_factory.bound() {
            None => element::create(vm, tag, attrib)?,
            Some(factory) => vm.call(&factory, &[tag, attrib.unwrap_or_else(|| vm.new_dict())])?,
        };
        let parent = self.this.get();
        if !parent.is_none() {
            append_child(vm, &parent, &node)?;
        } else if self.root.is_empty() {
            self.root.set(node.clone());
        } else {
            return Err(raise_kept(vm, PARSE_ERROR, "multiple elements on top level"));
        }
        {
            let mut stack = self.stack.borrow_mut();
            stack.try_reserve(1).map_err(|_| vm.memory_error())?;
            stack.push(parent);
        }
        self.this.set(node.clone());
        self.last.set(node.clone());
        self.last_for_tail.set(Object::UNBOUND);
        if self.wants(Report::Start) {
            self.tell(vm, Report::Start, node.clone())?;
        }
        Ok(node)
    }
    /// The innermost element ends.
    pub fn end(&self, vm: &Vm) -> Result {
        self.flush(vm)?;
        let popped = self.stack.borrow_mut().pop();
        let Some(outer) = popped else { return Err(vm.index_error("pop from empty stack")) };
        let ended = self.this.replace(outer);
        self.last.set(ended.clone());
        self.last_for_tail.set(ended.clone());
        if self.wants(Report::End) {
            self.tell(vm, Report::End, ended.clone())?;
        }
        Ok(ended)
    }
    /// A comment or an instruction: made by a factory, and put in if that is wished.
    fn single(
        &self,
        vm: &Vm,
        factory: &ObjectCell,
        insert: &Cell<bool>,
        args: &[Object],
        event: Report,
    ) -> Result {
        self.flush(vm)?;
        let this = self.this.get();
        let made = match factory.bound() {
            Some(factory) => {
                let made = vm.call(&factory, args)?;
                if insert.get() && !this.is_none() {
                    append_child(vm, &this, &made)?;
                    self.last_for_tail.set(made.clone());
                }
                made
            }
            None => match args {
                [text] => text.clone(),
                _ => vm.tuple(args.to_vec()),
            },
        };
        if self.wants(event) {
            self.tell(vm, event, made.clone())?;
        }
        Ok(made)
    }
    pub fn comment(&self, vm: &Vm, text: Object) -> Result {
        self.single(vm, &self.comment_factory, &self.insert_comments, &[text], Report::Comment)
    }
    pub fn instruction(&self, vm: &Vm, target: Object, text: Object) -> Result {
        self.single(vm, &self.pi_factory, &self.insert_pis, &[target, text], Report::Pi)
    }
    /// The root, None if there is none.
    pub fn close(&self) -> Object {
        self.root.or_none()
    }
}

static INIT: Sig = Sig::new(
    "TreeBuilder(element_factory=None, *, comment_factory=None, pi_factory=None, insert_comments=False, insert_pis=False)",
);

fn init(vm: &Vm, object: &Object, args: &[Object], kwnames: &[Object]) -> Result<()> {
    let args = INIT.bind(vm, args, kwnames)?;
    let (comments, pis) = (vm.is_true(&args[3])?, vm.is_true(&args[4])?);
    let builder = this::<TreeBuilder>(object);
    builder.element_factory.set_option(args[0].some().cloned());
    let comment_factory = args[1].some().cloned().or_else(|| vm.at_place(&COMMENT_FACTORY));
    builder.insert_comments.set(comments && comment_factory.is_some());
    builder.comment_factory.set_option(comment_factory);
    let pi_factory = args[2].some().cloned().or_else(|| vm.at_place(&PI_FACTORY));
    builder.insert_pis.set(pis && pi_factory.is_some());
    builder.pi_factory.set_option(pi_factory);
    Ok(())
}

pub static TREE_BUILDER: Type = Type::new::<TreeBuilder>(
    "xml.etree.ElementTree.TreeBuilder",
    &OBJECT,
    type_flags::BASE | type_flags::HAVE_GC,
    Slots {
        new: Some(|vm, class, _, _| allocate(vm, class, TreeBuilder::new())),
        init: Some(init),
        ..Slots::EMPTY
    },
    &[
        MethodDef::new(
            "data($self, data, /)",
            |vm, args| {
                this::<TreeBuilder>(&args[0]).add_data(vm, args[1].clone())?;
                Ok(Object::NONE)
            },
            "",
        ),
        MethodDef::new(
            "start($self, tag, attrs, /)",
            |vm, args| {
                check_dict(vm, &args[2], "start", "argument 2")?;
                let attrib = args[2].downcast::<Dict>().filter(|dict| !dict.is_empty());
                let attrib = attrib.map(|_| args[2].clone());
                this::<TreeBuilder>(&args[0]).start(vm, args[1].clone(), attrib)
            },
            "",
        ),
        MethodDef::new("end($self, tag, /)", |vm, args| this::<TreeBuilder>(&args[0]).end(vm), ""),
        MethodDef::new(
            "comment($self, text, /)",
            |vm, args| this::<TreeBuilder>(&args[0]).comment(vm, args[1].clone()),
            "",
        ),
        MethodDef::new(
            "pi($self, target, text=None, /)",
            |vm, args| this::<TreeBuilder>(&args[0]).instruction(vm, args[1].clone(), args[2].clone()),
            "",
        ),
        MethodDef::new("close($self, /)", |_, args| Ok(this::<TreeBuilder>(&args[0]).close()), ""),
    ],
    &[],
);
