//! Copies of trees, node by node: of what `compile()` was given when it shall
//! give a tree back, with nothing in it but fields and positions; and, if
//! wanted, optimised on the way: `__debug__` and the numbers of patterns become
//! constants, simple `%` formats become f-strings, docstrings go at level 2.

use super::node::{self, Classes};
use super::schema::{self, ATTRIBUTES};
use taipan_runtime::prelude::*;
use taipan_runtime::types::{complex, float, int, str};

/// One copying.
pub struct Rebuilder<'v> {
    vm: &'v Vm,
    classes: Classes,
    /// The level, if the tree shall be optimised.
    optimize: Option<u8>,
    /// Are annotations left as they are?
    future_annotations: bool,
}

/// Widths and precisions of formats have at most this many digits.
const MAX_DIGITS: usize = 2;

impl<'v> Rebuilder<'v> {
    /// For one tree, compiled with these `CO_FUTURE_*` flags.
    pub fn new(vm: &'v Vm, optimize: Option<u8>, flags: u32) -> Rebuilder<'v> {
        let future_annotations = flags & taipan_bytecode::code_flags::FUTURE_ANNOTATIONS != 0;
        Rebuilder { vm, classes: Classes::new(vm), optimize, future_annotations }
    }

    /// A copy of the whole tree.
    pub fn tree(mut self, tree: &Object) -> Result {
        self.future_annotations |= self.asks_for_annotations(tree)?;
        self.node(tree, "mod", self.optimize.is_some())
    }

    fn field(&self, object: &Object, name: &str) -> Result {
        Ok(self.vm.lookup_attr_str(object, name)?.unwrap_or(Object::NONE))
    }
    fn is(&self, object: &Object, name: &str) -> bool {
        self.classes.find(object, None).is_some_and(|def| def.name == name)
    }
    fn items(&self, object: &Object, name: &str) -> Result<Vec<Object>> {
        Ok(self.field(object, name)?.downcast::<List>().map(|l| l.to_vec()).unwrap_or_default())
    }

    fn asks_for_annotations(&self, tree: &Object) -> Result<bool> {
        for statement in self.items(tree, "body")? {
            if !self.is(&statement, "ImportFrom") {
                continue;
            }
            let module = self.field(&statement, "module")?;
            if !module.downcast::<Str>().is_some_and(|s| s.equals_text("__future__")) {
                continue;
            }
            for alias in self.items(&statement, "names")? {
                let name = self.field(&alias, "name")?;
                if name.downcast::<Str>().is_some_and(|s| s.equals_text("annotations")) {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    fn node(&self, object: &Object, group: &str, fold: bool) -> Result {
        let vm = self.vm;
        vm.check_native_stack(" during ast construction")?;
        let Some(def) = self.classes.find(object, Some(group)) else { return Ok(object.clone()) };
        let positions =
            def.positions || schema::table().iter().any(|group| group.name == def.base && group.positions);
        if def.fields.is_empty() && !positions {
            return node::singleton(vm, def.name);
        }
        let made = node::instance(vm, &node::class_of(vm, def.name).unwrap_or(Object::NONE))?;
        let has_docstring =
            fold && matches!(def.name, "Module" | "FunctionDef" | "AsyncFunctionDef" | "ClassDef");
        let docstring = has_docstring && self.is_docstring(self.items(object, "body")?.first())?;
        for field in &def.fields {
            let value = vm.lookup_attr_str(object, field.name)?;
            let leaf = matches!(field.kind, "identifier" | "string" | "int" | "constant");
            let fold = fold && !(self.future_annotations && matches!(field.name, "annotation" | "returns"));
            let part = |item: &Object| match leaf || item.is_none() {
                true => Ok(item.clone()),
                false => self.node(item, field.kind, fold),
            };
            let value = match value {
                Some(value) if field.list => {
                    let items = value.downcast::<List>().map(|l| l.to_vec()).unwrap_or_default();
                    let mut copied = Vec::with_capacity(items.len());
                    for item in &items {
                        copied.push(part(item)?);
                    }
                    if has_docstring && field.name == "body" {
                        self.docstring(&mut copied, docstring)?;
                    }
                    vm.list(copied)
                }
                None if field.list => vm.list(Vec::new()),
                Some(value) => part(&value)?,
                None => Object::NONE,
            };
            node::put(vm, &made, field.name, &value)?;
        }
        if positions {
            let mut last = [Object::NONE, Object::NONE];
            for (i, name) in ATTRIBUTES.iter().enumerate() {
                let mut value = self.field(object, name)?;
                if value.is_none() {
                    value = last[i % 2].clone();
                }
                node::put(vm, &made, name, &value)?;
                last[i % 2] = value;
            }
        }
        if fold { self.folded(made, def.name) } else { Ok(made) }
    }

    fn place(&self, node: &Object) -> Result<[Object; 4]> {
        Ok([
            self.field(node, ATTRIBUTES[0])?,
            self.field(node, ATTRIBUTES[1])?,
            self.field(node, ATTRIBUTES[2])?,
            self.field(node, ATTRIBUTES[3])?,
        ])
    }
    fn make(&self, name: &str, fields: &[(&str, Object)], place: &[Object; 4]) -> Result {
        let vm = self.vm;
        let made = node::instance(vm, &node::class_of(vm, name).unwrap_or(Object::NONE))?;
        for (field, value) in fields {
            node::put(vm, &made, field, value)?;
        }
        for (name, value) in ATTRIBUTES.iter().zip(place) {
            node::put(vm, &made, name, value)?;
        }
        Ok(made)
    }
    fn constant(&self, value: Object, place: &[Object; 4]) -> Result {
        self.make("Constant", &[("value", value), ("kind", Object::NONE)], place)
    }
    /// The position of what is nowhere in the source.
    fn nowhere(&self) -> [Object; 4] {
        std::array::from_fn(|_| self.vm.int(-1))
    }

    fn is_docstring(&self, statement: Option<&Object>) -> Result<bool> {
        let Some(statement) = statement.filter(|s| self.is(s, "Expr")) else { return Ok(false) };
        let value = self.field(statement, "value")?;
        Ok(self.is(&value, "Constant") && self.field(&value, "value")?.downcast_exact::<Str>().is_some())
    }

    /// Takes the docstring out of a body at level 2; a string that became the first is none.
    fn docstring(&self, body: &mut Vec<Object>, had_one: bool) -> Result<()> {
        if had_one && self.optimize < Some(2) {
            return Ok(());
        }
        if had_one && !body.is_empty() {
            let [line, column, ..] = self.place(&body.remove(0))?;
            if body.is_empty() {
                let end = self.vm.int(int::to_i64(&column).unwrap_or(0).saturating_add(4));
                body.push(self.make("Pass", &[], &[line.clone(), column, line, end])?);
            }
        }
        let Some(first) = body.first() else { return Ok(()) };
        if self.is_docstring(Some(first))? {
            let values = self.vm.list(vec![self.field(first, "value")?]);
            let joined = self.make("JoinedStr", &[("values", values)], &self.place(first)?)?;
            node::put(self.vm, first, "value", &joined)?;
        }
        Ok(())
    }

    fn folded(&self, made: Object, class: &str) -> Result {
        let vm = self.vm;
        match class {
            "Name" => {
                let id = self.field(&made, "id")?;
                if id.downcast::<Str>().is_some_and(|s| s.equals_text("__debug__"))
                    && self.is(&self.field(&made, "ctx")?, "Load")
                {
                    let value = if self.optimize == Some(0) { Object::TRUE } else { Object::FALSE };
                    return self.constant(value, &self.place(&made)?);
                }
            }
            "BinOp" if self.is(&self.field(&made, "op")?, "Mod") => {
                if let Some(values) =
                    self.format(&self.field(&made, "left")?, &self.field(&made, "right")?)?
                {
                    return self.make("JoinedStr", &[("values", vm.list(values))], &self.place(&made)?);
                }
            }
            "MatchValue" => {
                let value = self.number(&self.field(&made, "value")?)?;
                node::put(vm, &made, "value", &value)?;
            }
            "MatchMapping" => {
                let mut keys = self.items(&made, "keys")?;
                for key in &mut keys {
                    *key = self.number(key)?;
                }
                node::put(vm, &made, "keys", &vm.list(keys))?;
            }
            _ => {}
        }
        Ok(made)
    }

    // ---- numbers in patterns -------------------------------------------------------------------

    /// The value of a constant that is a number.
    fn numeric(&self, e: &Object) -> Result<Option<Object>> {
        if !self.is(e, "Constant") {
            return Ok(None);
        }
        let value = self.field(e, "value")?;
        let number = int::is_exact(&value)
            || float::is_exact(&value)
            || complex::as_complex(&value).is_some() && !value.ty().is_heap();
        Ok(number.then_some(value))
    }

    /// `-1` and `1 + 2j` as constants.
    fn number(&self, e: &Object) -> Result {
        let vm = self.vm;
        let result = if self.is(e, "UnaryOp") && self.is(&self.field(e, "op")?, "USub") {
            self.numeric(&self.field(e, "operand")?)?.map(|value| vm.unary(UnaryOp::Neg, &value))
        } else if self.is(e, "BinOp") {
            let op = self.field(e, "op")?;
            let op = if self.is(&op, "Add") {
                BinaryOp::Add
            } else if self.is(&op, "Sub") {
                BinaryOp::Sub
            } else {
                return Ok(e.clone());
            };
            let left = self.number(&self.field(e, "left")?)?;
            match (self.numeric(&left)?, self.numeric(&self.field(e, "right")?)?) {
                (Some(left), Some(right)) => Some(vm.binary(op, &left, &right)),
                _ => None,
            }
        } else {
            None
        };
        match result {
            Some(Ok(value)) => self.constant(value, &self.place(e)?),
            Some(Err(raised)) => {
                drop(vm.caught(raised));
                Ok(e.clone())
            }
            None => Ok(e.clone()),
        }
    }

    // ---- formats -------------------------------------------------------------------------------

    /// What an f-string that does the same as `left % right` consists of.
    fn format(&self, left: &Object, right: &Object) -> Result<Option<Vec<Object>>> {
        let vm = self.vm;
        if !self.is(left, "Constant") || !self.is(right, "Tuple") {
            return Ok(None);
        }
        let text = self.field(left, "value")?;
        let Some(text) = text.downcast_exact::<Str>() else { return Ok(None) };
        let text = text.to_code_points();
        let elements = self.items(right, "elts")?;
        if elements.iter().any(|e| self.is(e, "Starred")) {
            return Ok(None);
        }
        let mut elements = elements.into_iter();
        let (mut values, mut literal) = (Vec::new(), Vec::new());
        let mut rest = text.as_slice();
        while let Some((&c, tail)) = rest.split_first() {
            rest = tail;
            if c != '%' as u32 {
                literal.push(c);
                continue;
            }
            if let Some((&next, tail)) = rest.split_first()
                && next == '%' as u32
            {
                literal.push(next);
                rest = tail;
                continue;
            }
            let (Some((conversion, spec, tail)), Some(value)) = (directive(rest), elements.next()) else {
                return Ok(None);
            };
            rest = tail;
            if !literal.is_empty() {
                let text = str::from_code_points(vm, &literal);
                values.push(self.constant(text, &self.nowhere())?);
                literal.clear();
            }
            let spec = match spec.is_empty() {
                true => Object::NONE,
                false => self.constant(vm.str(&spec), &self.nowhere())?,
            };
            let place = self.place(&value)?;
            let fields = [("value", value), ("conversion", vm.int(conversion as i64)), ("format_spec", spec)];
            values.push(self.make("FormattedValue", &fields, &place)?);
        }
        if !literal.is_empty() {
            values.push(self.constant(str::from_code_points(vm, &literal), &self.nowhere())?);
        }
        Ok(elements.next().is_none().then_some(values))
    }
}

/// What follows a `%`: conversion, format specification, and what is behind it.
fn directive(text: &[u32]) -> Option<(u8, String, &[u32])> {
    let (flags, rest) = leading(text, |c| "-+ #0".contains(c));
    let number = |text: &str| match text.len() {
        0 => Some(0),
        1..=MAX_DIGITS => text.parse::<usize>().ok(),
        _ => None,
    };
    let (width, mut rest) = leading(rest, |c| c.is_ascii_digit());
    let mut spec = match number(&width)? {
        0 => String::new(),
        width => format!("{}{width}", if flags.contains('-') { "" } else { ">" }),
    };
    if rest.first() == Some(&('.' as u32)) {
        let (precision, behind) = leading(&rest[1..], |c| c.is_ascii_digit());
        spec.push_str(&format!(".{}", number(&precision)?));
        rest = behind;
    }
    let (&conversion, rest) = rest.split_first()?;
    let conversion = [b's', b'r', b'a'].into_iter().find(|&c| c as u32 == conversion)?;
    Some((conversion, spec, rest))
}

/// The characters in front that are wanted, and the rest.
fn leading(text: &[u32], wanted: impl Fn(char) -> bool) -> (String, &[u32]) {
    let found: String = text.iter().map_while(|&c| char::from_u32(c).filter(|&c| wanted(c))).collect();
    let rest = &text[found.chars().count()..];
    (found, rest)
}
