//! `_csv.writer`: rows as lines of text, with as much quoting as the dialect
//! wants.

use super::dialect::{self, DIALECT, Dialect, Quoting};
use super::error;
use taipan_runtime::prelude::*;
use taipan_runtime::support::{allocate, this};
use taipan_runtime::types::complex::COMPLEX;
use taipan_runtime::types::object::OBJECT;
use taipan_runtime::types::str::{Builder, Kind};

/// Payload of `writer`.
pub struct Writer {
    /// The file's bound method.
    write: Object,
    dialect: Object,
    /// Which characters below 256 make quotes or escapes necessary.
    special: [bool; 256],
}

impl NativeClass for Writer {
    fn class() -> &'static Type {
        &WRITER
    }
    fn traverse(&self, visitor: &mut Visitor) {
        visitor.visit_object(&self.write);
        visitor.visit_object(&self.dialect);
    }
}

pub static WRITER: Type = Type::new::<Writer>(
    "_csv.writer",
    &OBJECT,
    type_flags::HAVE_GC | type_flags::DISALLOW_INSTANTIATION,
    Slots::EMPTY,
    &[
        MethodDef::new("writerow($self, row, /)", |vm, args| write_row(vm, &args[0], &args[1]), "Construct and write a CSV record from an iterable of fields.\n\nNon-string elements will be converted to string."),
        MethodDef::new("writerows($self, rows, /)", |vm, args| {
            vm.for_each(&args[1], |row| write_row(vm, &args[0], &row).map(drop))?;
            Ok(Object::NONE)
        }, "Construct and write a series of iterables to a csv file.\n\nNon-string elements will be converted to string."),
    ],
    &[GetSetDef::member("dialect", |_, writer| Ok(this::<Writer>(writer).dialect.clone()))],
)
.with_doc("CSV writer\n\nWriter objects are responsible for generating tabular data\nin CSV format from sequence input.\n");

/// `writer(fileobj, /, dialect='excel', **fmtparams)`.
pub fn writer(vm: &Vm, args: &[Object], kwnames: &[Object]) -> Result {
    let (file, rest) = dialect::split_arguments(vm, "writer", args, kwnames)?;
    let dialect = dialect::make(vm, &DIALECT, rest, kwnames)?;
    let write = vm.lookup_attr_str(file, "write")?.filter(|write| vm.is_callable(write));
    let Some(write) = write else {
        return Err(vm.type_error("argument 1 must have a \"write\" method"));
    };
    let special = dialect
        .downcast::<Dialect>()
        .map_or([false; 256], |rules| std::array::from_fn(|c| rules.is_special(c as u32)));
    allocate(vm, &WRITER, Writer { write, dialect, special })
}

impl Dialect {
    /// Does the character need quotes or an escape?
    fn is_special(&self, c: u32) -> bool {
        c == self.delimiter
            || Some(c) == self.escape
            || Some(c) == self.quote
            || c == 10
            || c == 13
            || self.line_terminator.downcast::<Str>().is_some_and(|t| t.chars().any(|t| t == c))
    }
}

/// Has the object a number's slots?
fn is_number(object: &Object) -> bool {
    let unary = &object.ty().slots().unary;
    [UnaryOp::Index, UnaryOp::Int, UnaryOp::Float].iter().any(|&op| unary[op as usize].is_some())
        || object.is_instance_of(&COMPLEX)
}

/// A row on its way.
struct Line<'a> {
    vm: &'a Vm,
    dialect: &'a Dialect,
    special: &'a [bool; 256],
    out: Builder,
    fields: usize,
}

impl Line<'_> {
    fn is_special(&self, c: u32) -> bool {
        match self.special.get(c as usize) {
            Some(special) => *special,
            None => self.dialect.is_special(c),
        }
    }
    /// Appends a field (None: nothing), quoted if `quoted` or if it has to be.
    fn field(&mut self, field: Option<&Str>, quoted: bool) -> Result<()> {
        let dialect = self.dialect;
        let mut quoted = quoted;
        let empty = field.is_none_or(|field| field.is_empty());
        if empty && dialect.delimiter == u32::from(' ') && dialect.skip_initial_space {
            let never_null = matches!(dialect.quoting, Quoting::Strings | Quoting::NotNull);
            if dialect.quoting == Quoting::None || field.is_none() && never_null {
                return Err(error(
                    self.vm,
                    "empty field must be quoted if delimiter is a space and skipinitialspace is true",
                ));
            }
            quoted = true;
        }
        if self.fields > 0 {
            self.out.push_char(dialect.delimiter);
        }
        self.fields += 1;
        let plain = match field.map(|field| field.kind()) {
            None => true,
            Some(Kind::Latin1(units)) => !units.iter().any(|&c| self.special[c as usize]),
            Some(Kind::U16(units)) => !units.iter().any(|&c| self.is_special(c as u32)),
            Some(Kind::U32(units)) => !units.iter().any(|&c| self.is_special(c)),
        };
        if dialect.quoting != Quoting::None && !quoted && !plain {
            // Quotes are needed, unless every special character gets an escape.
            quoted =
                field.is_some_and(|field| field.chars().any(|c| self.is_special(c) && !self.needs_escape(c)));
        }
        let quote = dialect.quote.filter(|_| quoted);
        quote.into_iter().for_each(|c| self.out.push_char(c));
        match field {
            Some(field) if plain => self.out.push(field),
            Some(field) => {
                for c in field.chars() {
                    if self.is_special(c) {
                        if self.needs_escape(c) {
                            let Some(escape) = dialect.escape else {
                                return Err(error(self.vm, "need to escape, but no escapechar set"));
                            };
                            self.out.push_char(escape);
                        } else if Some(c) == dialect.quote {
                            self.out.push_char(c);
                        }
                    }
                    self.out.push_char(c);
                }
            }
            None => {}
        }
        quote.into_iter().for_each(|c| self.out.push_char(c));
        Ok(())
    }
    /// Of a special character: quotes around the field are not enough.
    fn needs_escape(&self, c: u32) -> bool {
        let dialect = self.dialect;
        dialect.quoting == Quoting::None
            || (Some(c) == dialect.quote && !dialect.double_quote)
            || (Some(c) == dialect.escape && Some(c) != dialect.quote)
    }
    fn item(&mut self, item: &Object) -> Result<()> {
        let quoted = match self.dialect.quoting {
            Quoting::NonNumeric => !is_number(item),
            Quoting::All => true,
            Quoting::Strings => item.downcast::<Str>().is_some(),
            Quoting::NotNull => !item.is_none(),
            Quoting::Minimal | Quoting::None => false,
        };
        if item.is_none() {
            return self.field(None, quoted);
        }
        let text = if item.downcast::<Str>().is_some() { item.clone() } else { self.vm.str_of(item)? };
        self.field(text.downcast::<Str>(), quoted)
    }
}

fn write_row(vm: &Vm, writer: &Object, row: &Object) -> Result {
    let this = this::<Writer>(writer);
    let Some(dialect) = this.dialect.downcast::<Dialect>() else { return Ok(Object::NONE) };
    let mut line = Line { vm, dialect, special: &this.special, out: Builder::new(), fields: 0 };
    let mut last_is_none = false;
    let exact = row.downcast_exact::<List>().is_some() || row.downcast_exact::<Tuple>().is_some();
    let items = if exact {
        row.clone()
    } else {
        let iterator = vm.iter(row);
        match vm.swallow(iterator, &exc::TYPE_ERROR)? {
            Some(iterator) => iterator,
            None => return Err(error(vm, format!("iterable expected, not {}", row.ty().name()))),
        }
    };
    vm.for_each(&items, |item| {
        last_is_none = item.is_none();
        line.item(&item)
    })?;
    if line.fields > 0 && line.out.is_empty() {
        let bare_null = last_is_none && matches!(dialect.quoting, Quoting::Strings | Quoting::NotNull);
        let space = dialect.delimiter == u32::from(' ') && dialect.skip_initial_space;
        if space || dialect.quoting == Quoting::None || bare_null {
            return Err(error(vm, "single empty field record must be quoted"));
        }
        line.fields -= 1;
        line.field(None, true)?;
    }
    line.out.push_object(&dialect.line_terminator);
    let text = line.out.finish(vm);
    vm.call(&this.write, &[text])
}
