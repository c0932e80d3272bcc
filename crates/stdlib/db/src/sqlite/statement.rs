//! Statements as cursors share them, their parameters, and the connection's
//! cache of them.

use super::{adapt, errors};
use std::collections::HashMap;
use std::ffi::CString;
use std::rc::Rc;
use taipan_runtime::codecs::utf8;
use taipan_runtime::prelude::*;
use taipan_runtime::types::object::OBJECT;
use taipan_runtime::types::{float, int};
use taipan_sqlite::{Database, constants as c};

/// A compiled statement.
pub struct Prepared {
    pub statement: taipan_sqlite::Statement,
    /// INSERT, UPDATE, DELETE or REPLACE.
    pub changes_data: bool,
}

impl Drop for Prepared {
    fn drop(&mut self) {
        // With the connection's mutex, for which nobody may wait with the GIL held.
        Vm::with_gil(|vm| {
            let _held = super::hold(vm, self.statement.database());
            self.statement.close();
        });
    }
}

/// Payload of `Statement`, which Python can hold but not use.
pub struct Statement {
    pub _prepared: Rc<Prepared>,
}

impl NativeClass for Statement {
    fn class() -> &'static Type {
        &STATEMENT
    }
}

pub static STATEMENT: Type = Type::new::<Statement>(
    "sqlite3.Statement",
    &OBJECT,
    type_flags::DISALLOW_INSTANTIATION,
    Slots::EMPTY,
    &[],
    &[],
);

/// The text from its first character that belongs to a statement on.
fn skip_blank(sql: &[u8]) -> &[u8] {
    let mut rest = sql;
    loop {
        rest = match rest {
            [b' ' | b'\t' | b'\x0c' | b'\n' | b'\r', tail @ ..] => tail,
            [b'-', b'-', tail @ ..] => match tail.iter().position(|&b| b == b'\n') {
                Some(end) => &tail[end + 1..],
                None => &[],
            },
            [b'/', b'*', tail @ ..] => match tail.windows(2).position(|pair| pair == b"*/") {
                Some(end) => &tail[end + 2..],
                None => &[],
            },
            _ => return rest,
        }
    }
}

/// The text of one or more statements, as UTF-8 and within the limit.
pub fn checked_text(vm: &Vm, database: &Database, sql: &Object) -> Result<Vec<u8>> {
    let text = utf8::encode(vm, sql, "strict")?;
    let held = super::hold(vm, database);
    let limit = database.limit(c::SQLITE_LIMIT_SQL_LENGTH, -1);
    drop(held);
    if usize::try_from(limit).is_ok_and(|limit| text.len() > limit) {
        return Err(errors::data(vm, "query string is too large"));
    }
    Ok(text)
}

/// Compiles the one statement of a text.
pub fn prepare(vm: &Vm, database: &Rc<Database>, sql: &Object) -> Result<Prepared> {
    let text = checked_text(vm, database, sql)?;
    let Ok(text) = CString::new(text) else {
        return Err(errors::programming(vm, "the query contains a null character"));
    };
    let prepared = vm.without_gil(|| {
        taipan_sqlite::Statement::prepare(database, &text).map(|(statement, rest)| {
            let more = !skip_blank(rest).is_empty();
            (statement, more)
        })
    });
    let statement = match prepared {
        Ok((statement, false)) => statement,
        Ok((_, true)) => {
            return Err(errors::programming(vm, "You can only execute one statement at a time."));
        }
        Err(code) => return Err(errors::failed(vm, database, code)),
    };
    let start = skip_blank(text.to_bytes());
    let begins =
        |word: &str| start.get(..word.len()).is_some_and(|s| s.eq_ignore_ascii_case(word.as_bytes()));
    let changes_data = ["insert", "update", "delete", "replace"].into_iter().any(begins);
    Ok(Prepared { statement, changes_data })
}

/// Compiled statements by their text; the one that was not used for longest goes first.
#[derive(Default)]
pub struct Cache {
    capacity: usize,
    clock: u64,
    entries: HashMap<Vec<u8>, (u64, Rc<Prepared>)>,
}

impl Cache {
    pub fn new(capacity: usize) -> Cache {
        Cache { capacity, ..Cache::default() }
    }
    pub fn get(&mut self, sql: &[u8]) -> Option<Rc<Prepared>> {
        self.clock += 1;
        let (used, prepared) = self.entries.get_mut(sql)?;
        *used = self.clock;
        Some(prepared.clone())
    }
    /// Puts a statement in; what it displaces comes out.
    pub fn put(&mut self, sql: &[u8], prepared: Rc<Prepared>) -> Option<Rc<Prepared>> {
        if self.capacity == 0 {
            return None;
        }
        let mut out = None;
        if self.entries.len() >= self.capacity && !self.entries.contains_key(sql) {
            let oldest = self.entries.iter().min_by_key(|(_, (used, _))| *used).map(|(key, _)| key.clone());
            out = oldest.and_then(|key| self.entries.remove(&key)).map(|(_, prepared)| prepared);
        }
        self.entries.insert(sql.to_vec(), (self.clock, prepared));
        out
    }
}

/// What keeps a value from being bound.
enum Unbound {
    Unsupported,
    Raised(Raised),
    Code(i32),
}

fn bind(vm: &Vm, prepared: &Prepared, index: i32, value: &Object) -> std::result::Result<(), Unbound> {
    let statement = &prepared.statement;
    let code = if value.is_none() {
        statement.bind_null(index)
    } else if int::is_any_int(value) {
        let Some(n) = int::to_i64(value) else {
            let raised = vm.overflow_error("Python int too large to convert to SQLite INTEGER");
            return Err(Unbound::Raised(raised));
        };
        statement.bind_integer(index, n)
    } else if value.ty().is_subtype(&float::FLOAT) {
        statement.bind_float(index, vm.to_f64(value).map_err(Unbound::Raised)?)
    } else if let Some(s) = value.downcast::<Str>() {
        let too_long = || Unbound::Raised(vm.overflow_error("string longer than INT_MAX bytes"));
        match s.as_ascii() {
            Some(ascii) if ascii.len() > i32::MAX as usize => return Err(too_long()),
            Some(ascii) => statement.bind_text(index, ascii.as_bytes()),
            None => {
                let text = utf8::encode(vm, value, "strict").map_err(Unbound::Raised)?;
                if text.len() > i32::MAX as usize {
                    return Err(too_long());
                }
                statement.bind_text(index, &text)
            }
        }
    } else if vm.is_bytes_like(value) {
        let buffer = vm.bytes_like(value, "").map_err(Unbound::Raised)?;
        if buffer.len() > i32::MAX as usize {
            return Err(Unbound::Raised(vm.overflow_error("BLOB longer than INT_MAX bytes")));
        }
        statement.bind_blob(index, buffer.bytes())
    } else {
        return Err(Unbound::Unsupported);
    };
    if code == c::SQLITE_OK { Ok(()) } else { Err(Unbound::Code(code)) }
}

fn bind_adapted(vm: &Vm, prepared: &Prepared, index: i32, name: Option<&str>, value: &Object) -> Result<()> {
    let adapted = adapt::for_parameter(vm, value)?;
    let held = super::hold(vm, prepared.statement.database());
    let outcome = bind(vm, prepared, index, &adapted);
    drop(held);
    match outcome {
        Ok(()) => Ok(()),
        Err(Unbound::Raised(raised)) => Err(raised),
        Err(Unbound::Code(code)) => Err(errors::failed(vm, prepared.statement.database(), code)),
        Err(Unbound::Unsupported) => {
            let which = name.map_or_else(|| index.to_string(), |name| format!("':{name}'"));
            let ty = adapted.ty().full_name();
            Err(errors::programming(
                vm,
                format!("Error binding parameter {which}: type '{ty}' is not supported"),
            ))
        }
    }
}

/// The item of what is a sequence, which may change under our hands.
fn item(vm: &Vm, parameters: &Object, i: usize) -> Result {
    if let Some(tuple) = parameters.downcast_exact::<Tuple>() {
        return tuple.items().get(i).cloned().ok_or_else(|| vm.index_error("tuple index out of range"));
    }
    if let Some(list) = parameters.downcast_exact::<List>() {
        return list.get(i).ok_or_else(|| vm.index_error("list index out of range"));
    }
    vm.get_item(parameters, &vm.usize(i))
}

/// Binds the values of a sequence or a mapping to the parameters.
pub fn bind_parameters(vm: &Vm, prepared: &Prepared, parameters: &Object) -> Result<()> {
    let needed = prepared.statement.parameter_count();
    let exact = parameters.ty().is(&taipan_runtime::types::tuple::TUPLE)
        || parameters.ty().is(&taipan_runtime::types::list::LIST);
    let is_dict = parameters.downcast::<Dict>().is_some();
    if exact || !is_dict && vm.is_sequence(parameters) {
        let given = vm.len(parameters)?;
        if usize::try_from(needed) != Ok(given) {
            return Err(errors::programming(
                vm,
                format!(
                    "Incorrect number of bindings supplied. The current statement uses {needed}, and there are {given} supplied."
                ),
            ));
        }
        for index in 1..=needed {
            if let Some(name) = prepared.statement.parameter_name(index)
                && name.first() != Some(&b'?')
            {
                let name = String::from_utf8_lossy(&name);
                return Err(errors::programming(
                    vm,
                    format!(
                        "Binding {index} ('{name}') is a named parameter, but you supplied a sequence which requires nameless (qmark) placeholders."
                    ),
                ));
            }
            let value = item(vm, parameters, index as usize - 1)?;
            bind_adapted(vm, prepared, index, None, &value)?;
        }
        return Ok(());
    }
    if !is_dict && parameters.ty().slots().getitem.is_none() {
        return Err(errors::programming(vm, "parameters are of unsupported type"));
    }
    for index in 1..=needed {
        let Some(name) = prepared.statement.parameter_name(index) else {
            return Err(errors::programming(
                vm,
                format!("Binding {index} has no name, but you supplied a dictionary (which has only names)."),
            ));
        };
        // Without the colon.
        let name = String::from_utf8_lossy(name.get(1..).unwrap_or(&[])).into_owned();
        let key = vm.str(&name);
        let value = match parameters.downcast_exact::<Dict>() {
            Some(dict) => dict.get(vm, &key)?,
            None => {
                let found = vm.get_item(parameters, &key);
                vm.swallow(found, &exc::LOOKUP_ERROR)?
            }
        };
        let Some(value) = value else {
            return Err(errors::programming(
                vm,
                format!("You did not supply a value for binding parameter :{name}."),
            ));
        };
        bind_adapted(vm, prepared, index, Some(&name), &value)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::skip_blank;

    #[test]
    fn comments_are_blank() {
        assert_eq!(skip_blank(b" -- a\n/* b */ select"), b"select");
        assert_eq!(skip_blank(b"-- a"), b"");
        assert_eq!(skip_blank(b"/* a"), b"");
        assert_eq!(skip_blank(b"- 1"), b"- 1");
    }
}
