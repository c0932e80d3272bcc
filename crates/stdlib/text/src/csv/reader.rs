//! `_csv.reader`: a state machine that makes rows of lines.
//!
//! Runs of ordinary characters are found at once and, where a field is all of
//! one run, made into a str without passing through a buffer.

use super::dialect::{self, DIALECT, Dialect, Quoting};
use super::{error, field_limit};
use std::cell::{Cell, RefCell};
use taipan_runtime::prelude::*;
use taipan_runtime::support::{allocate, this};
use taipan_runtime::types::float;
use taipan_runtime::types::object::OBJECT;
use taipan_runtime::types::str::{self, Builder, Kind};

/// Where in a row the reader is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum State {
    #[default]
    StartRecord,
    StartField,
    Escaped,
    InField,
    InQuotedField,
    EscapedInQuotedField,
    QuoteInQuotedField,
    EatNewline,
    AfterEscapedNewline,
}

/// What a line is made into.
#[derive(Default)]
struct Parser {
    state: State,
    /// None between rows.
    fields: Option<Vec<Object>>,
    /// The field at work, if it is no single run of characters.
    field: Builder,
    /// The field did not begin with a quote.
    unquoted: bool,
}

/// Payload of `reader`.
pub struct Reader {
    iterator: Object,
    dialect: Object,
    line_num: Cell<i64>,
    /// Fields of the last row: the next one will have as many.
    width: Cell<usize>,
    parser: RefCell<Parser>,
}

impl NativeClass for Reader {
    fn class() -> &'static Type {
        &READER
    }
    fn traverse(&self, visitor: &mut Visitor) {
        visitor.visit_object(&self.iterator);
        visitor.visit_object(&self.dialect);
        if let Ok(parser) = self.parser.try_borrow() {
            parser.fields.iter().flatten().for_each(|field| visitor.visit_object(field));
        }
    }
}

pub static READER: Type = Type::new::<Reader>(
    "_csv.reader",
    &OBJECT,
    type_flags::HAVE_GC | type_flags::DISALLOW_INSTANTIATION,
    Slots { next: Some(next), ..Slots::EMPTY.iter(|_, reader| Ok(reader.clone())) },
    &[],
    &[
        GetSetDef::member("dialect", |_, reader| Ok(this::<Reader>(reader).dialect.clone())),
        GetSetDef::member("line_num", |vm, reader| Ok(vm.int(this::<Reader>(reader).line_num.get()))),
    ],
)
.with_doc(
    "CSV reader\n\nReader objects are responsible for reading and parsing tabular data\nin CSV format.\n",
);

/// `reader(iterable, /, dialect='excel', **fmtparams)`.
pub fn reader(vm: &Vm, args: &[Object], kwnames: &[Object]) -> Result {
    let (iterable, rest) = dialect::split_arguments(vm, "reader", args, kwnames)?;
    let iterator = vm.iter(iterable)?;
    let dialect = dialect::make(vm, &DIALECT, rest, kwnames)?;
    let (line_num, width) = (Cell::new(0), Cell::new(0));
    allocate(vm, &READER, Reader { iterator, dialect, line_num, width, parser: RefCell::default() })
}

fn next(vm: &Vm, reader: &Object) -> Result<Option<Object>> {
    let this = this::<Reader>(reader);
    let Some(dialect) = this.dialect.downcast::<Dialect>() else { return Ok(None) };
    let fields = Some(Vec::with_capacity(this.width.get()));
    let old = this.parser.replace(Parser { fields, unquoted: true, ..Parser::default() });
    drop(old);
    let limit = field_limit(vm);
    loop {
        let line = vm.next(&this.iterator)?;
        let mut parser = this.parser.borrow_mut();
        let Some(line) = line else {
            if parser.fields.is_none() || parser.field.is_empty() && parser.state != State::InQuotedField {
                return Ok(None);
            }
            if dialect.strict {
                return Err(error(vm, "unexpected end of data"));
            }
            parser.save(vm, dialect)?;
            break;
        };
        let Some(text) = line.downcast::<Str>() else {
            let shown = line.ty().name();
            let message = format!(
                "iterator should return strings, not {shown} (the file should be opened in text mode)"
            );
            return Err(error(vm, message));
        };
        if parser.fields.is_none() {
            return Err(error(vm, "iterator has already advanced the reader"));
        }
        this.line_num.set(this.line_num.get().wrapping_add(1));
        match text.kind() {
            Kind::Latin1(units) => parser.line(vm, dialect, limit, units)?,
            Kind::U16(units) => parser.line(vm, dialect, limit, units)?,
            Kind::U32(units) => parser.line(vm, dialect, limit, units)?,
        }
        if parser.state == State::StartRecord {
            break;
        }
    }
    let fields = this.parser.borrow_mut().fields.take().unwrap_or_default();
    this.width.set(fields.len());
    Ok(Some(vm.list(fields)))
}

/// Code units of the three kinds of str.
trait Unit: Copy {
    fn char(self) -> u32;
    fn text(vm: &Vm, units: &[Self]) -> Object;
    fn push(field: &mut Builder, units: &[Self]);
}

impl Unit for u8 {
    #[inline(always)]
    fn char(self) -> u32 {
        self as u32
    }
    #[inline]
    fn text(vm: &Vm, units: &[u8]) -> Object {
        str::from_latin1(vm, units)
    }
    fn push(field: &mut Builder, units: &[u8]) {
        field.push_latin1(units);
    }
}

impl Unit for u16 {
    #[inline(always)]
    fn char(self) -> u32 {
        self as u32
    }
    fn text(vm: &Vm, units: &[u16]) -> Object {
        str::from_u16(vm, units)
    }
    fn push(field: &mut Builder, units: &[u16]) {
        units.iter().for_each(|&unit| field.push_char(unit as u32));
    }
}

impl Unit for u32 {
    #[inline(always)]
    fn char(self) -> u32 {
        self
    }
    fn text(vm: &Vm, units: &[u32]) -> Object {
        str::from_code_points(vm, units)
    }
    fn push(field: &mut Builder, units: &[u32]) {
        units.iter().for_each(|&unit| field.push_char(unit));
    }
}

/// No character at all; where a line ends.
const END: u32 = u32::MAX;

fn is_newline(c: u32) -> bool {
    c == 10 || c == 13
}

impl Parser {
    /// The field is complete.
    fn save(&mut self, vm: &Vm, dialect: &Dialect) -> Result<()> {
        let field = std::mem::take(&mut self.field).finish(vm);
        self.push(vm, dialect, field)
    }
    fn push(&mut self, vm: &Vm, dialect: &Dialect, field: Object) -> Result<()> {
        let mut field = field;
        if self.unquoted {
            match dialect.quoting {
                Quoting::NotNull | Quoting::Strings if Str::is_empty_object(&field) => field = Object::NONE,
                Quoting::NonNumeric | Quoting::Strings if !Str::is_empty_object(&field) => {
                    field = vm.float(float::from_object(vm, &field)?)
                }
                _ => {}
            }
        }
        if let Some(fields) = &mut self.fields {
            fields.push(field);
        }
        Ok(())
    }
    fn check(&self, vm: &Vm, limit: i64, more: usize) -> Result<()> {
        if more > 0 && (self.field.len() + more) as i64 > limit {
            return Err(error(vm, format!("field larger than field limit ({limit})")));
        }
        Ok(())
    }
    fn add<T: Unit>(&mut self, vm: &Vm, limit: i64, run: &[T]) -> Result<()> {
        self.check(vm, limit, run.len())?;
        T::push(&mut self.field, run);
        Ok(())
    }
    fn add_char(&mut self, vm: &Vm, limit: i64, c: u32) -> Result<()> {
        self.check(vm, limit, 1)?;
        self.field.push_char(c);
        Ok(())
    }
    /// A newline or the end of the line ends the row.
    fn end_row(&mut self, c: u32) {
        self.state = if c == END { State::StartRecord } else { State::EatNewline };
    }

    /// One line.
    fn line<T: Unit>(&mut self, vm: &Vm, dialect: &Dialect, limit: i64, line: &[T]) -> Result<()> {
        let quote = if dialect.quoting == Quoting::None { None } else { dialect.quote };
        let escape = dialect.escape.unwrap_or(END);
        let (delimiter, space) = (dialect.delimiter, u32::from(' '));
        let ordinary = |c: u32| c != delimiter && !is_newline(c) && c != escape;
        let run_of = |from: usize, f: &dyn Fn(u32) -> bool| {
            line[from..].iter().position(|unit| !f(unit.char())).map_or(line.len(), |n| from + n)
        };
        let mut i = 0;
        // Once more behind the last character, for the end of the line.
        while i <= line.len() {
            let c = line.get(i).map_or(END, |unit| unit.char());
            let at_end = i == line.len();
            match self.state {
                State::StartRecord if at_end => {}
                State::StartRecord if is_newline(c) => self.state = State::EatNewline,
                State::StartRecord | State::StartField => {
                    self.state = State::StartField;
                    self.unquoted = true;
                    if at_end || is_newline(c) {
                        self.save(vm, dialect)?;
                        self.end_row(c);
                    } else if Some(c) == quote {
                        self.unquoted = false;
                        self.state = State::InQuotedField;
                    } else if c == escape {
                        self.state = State::Escaped;
                    } else if c == space && dialect.skip_initial_space {
                    } else if c == delimiter {
                        self.save(vm, dialect)?;
                    } else {
                        let end =
                            i + 1 + line[i + 1..].iter().take_while(|unit| ordinary(unit.char())).count();
                        let next = line.get(end).map_or(END, |unit| unit.char());
                        let run = &line[i..end];
                        if next == escape && end < line.len() {
                            self.add(vm, limit, run)?;
                            self.state = State::InField;
                            i = end;
                            continue;
                        }
                        self.check(vm, limit, run.len())?;
                        self.push(vm, dialect, T::text(vm, run))?;
                        if next == delimiter && end < line.len() {
                            self.state = State::StartField;
                        } else {
                            self.end_row(next);
                        }
                        i = end;
                    }
                }
                State::Escaped if !at_end && is_newline(c) => {
                    self.add_char(vm, limit, c)?;
                    self.state = State::AfterEscapedNewline;
                }
                State::Escaped => {
                    self.add_char(vm, limit, if at_end { 10 } else { c })?;
                    self.state = State::InField;
                }
                State::AfterEscapedNewline if at_end => {}
                // After an escaped newline the state stays as it is: the row goes on
                // at the end of the line, too.
                State::AfterEscapedNewline | State::InField => {
                    if at_end || is_newline(c) {
                        self.save(vm, dialect)?;
                        self.end_row(c);
                    } else if c == escape {
                        self.state = State::Escaped;
                    } else if c == delimiter {
                        self.save(vm, dialect)?;
                        self.state = State::StartField;
                    } else {
                        let end = run_of(i, &ordinary);
                        self.add(vm, limit, &line[i..end])?;
                        i = end;
                        continue;
                    }
                }
                State::InQuotedField if at_end => {}
                State::InQuotedField => {
                    if c == escape {
                        self.state = State::EscapedInQuotedField;
                    } else if Some(c) == quote {
                        self.state =
                            if dialect.double_quote { State::QuoteInQuotedField } else { State::InField };
                    } else {
                        let end = run_of(i, &|c| c != escape && Some(c) != quote);
                        let run = &line[i..end];
                        let closing = line.get(end).is_some_and(|unit| Some(unit.char()) == quote);
                        let followed = line.get(end + 1).map_or(END, |unit| unit.char());
                        if closing && self.field.is_empty() && followed == delimiter {
                            // The usual case: the whole field in one run.
                            self.check(vm, limit, run.len())?;
                            self.push(vm, dialect, T::text(vm, run))?;
                            self.state = State::StartField;
                            i = end + 1;
                        } else {
                            self.add(vm, limit, run)?;
                            i = end;
                            continue;
                        }
                    }
                }
                State::EscapedInQuotedField => {
                    self.add_char(vm, limit, if at_end { 10 } else { c })?;
                    self.state = State::InQuotedField;
                }
                State::QuoteInQuotedField => {
                    if !at_end && Some(c) == quote {
                        self.add_char(vm, limit, c)?;
                        self.state = State::InQuotedField;
                    } else if !at_end && c == delimiter {
                        self.save(vm, dialect)?;
                        self.state = State::StartField;
                    } else if at_end || is_newline(c) {
                        self.save(vm, dialect)?;
                        self.end_row(c);
                    } else if !dialect.strict {
                        self.add_char(vm, limit, c)?;
                        self.state = State::InField;
                    } else {
                        let mut message = Builder::new();
                        message.push_str("'");
                        message.push_char(delimiter);
                        message.push_str("' expected after '");
                        message.push_char(quote.unwrap_or(0));
                        message.push_str("'");
                        return Err(error(vm, vm.str_lossy(&message.finish(vm))));
                    }
                }
                State::EatNewline if at_end => self.state = State::StartRecord,
                State::EatNewline if is_newline(c) => {}
                State::EatNewline => {
                    return Err(error(
                        vm,
                        "new-line character seen in unquoted field - do you need to open the file with newline=''?",
                    ));
                }
            }
            i += 1;
        }
        Ok(())
    }
}
