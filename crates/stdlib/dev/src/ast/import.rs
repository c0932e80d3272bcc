//! `_ast` objects as trees of `taipan-syntax`, checked on the way.
//!
//! Trees have byte offsets for positions; here they are offsets into a text
//! that does not exist, whose lines are as long as the positions need them.

use super::node::{Classes, Node};
use std::collections::BTreeMap;
use taipan_bytecode::Location;
use taipan_runtime::prelude::*;
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::{complex, float, int};
use taipan_syntax::ast::*;
use taipan_syntax::{Bump, Mode};

/// The converter of one tree.
pub struct Importer<'v, 'a> {
    vm: &'v Vm,
    arena: &'a Bump,
    /// Line number, offset of its start; sorted.
    lines: Vec<(u32, u32)>,
    classes: Classes,
}

impl taipan_compiler::Locator for Importer<'_, '_> {
    fn location(&self, range: Range) -> Location {
        let (line, column) = self.place(range.start);
        let (end_line, end_column) = self.place(range.end);
        Location { line, end_line, column, end_column }
    }
}

fn number(object: &Object) -> Option<u32> {
    int::to_i64(object).map(clamped)
}

fn clamped(n: i64) -> u32 {
    n.clamp(0, (u32::MAX >> 1) as i64) as u32
}

impl<'v, 'a> Importer<'v, 'a> {
    /// For the tree below `root`.
    pub fn new(vm: &'v Vm, arena: &'a Bump, root: &Object) -> Result<Importer<'v, 'a>> {
        let mut out = Importer { vm, arena, lines: Vec::new(), classes: Classes::new(vm) };
        let mut widths = BTreeMap::new();
        out.measure(root, &mut widths)?;
        let mut offset = 0u32;
        for (line, width) in widths {
            out.lines.push((line, offset));
            offset = offset.saturating_add(width).saturating_add(2);
        }
        Ok(out)
    }

    /// How wide the lines must be that positions below `object` lie on.
    fn measure(&self, object: &Object, widths: &mut BTreeMap<u32, u32>) -> Result<()> {
        self.vm.check_native_stack(" during compilation")?;
        if let Some(list) = object.downcast::<List>() {
            for item in list.to_vec() {
                self.measure(&item, widths)?;
            }
            return Ok(());
        }
        if object.downcast::<Node>().is_none() {
            return Ok(());
        }
        for (line, column) in [("lineno", "col_offset"), ("end_lineno", "end_col_offset")] {
            let line = self.vm.lookup_attr_str(object, line)?.and_then(|o| number(&o));
            let column = self.vm.lookup_attr_str(object, column)?.and_then(|o| number(&o));
            if let Some(line) = line {
                let width = widths.entry(line).or_insert(0);
                *width = (*width).max(column.unwrap_or(0));
            }
        }
        if let Some(def) = self.classes.find(object, None) {
            for field in
                def.fields.iter().filter(|f| !matches!(f.kind, "identifier" | "string" | "int" | "constant"))
            {
                if let Some(value) = self.vm.lookup_attr_str(object, field.name)? {
                    self.measure(&value, widths)?;
                }
            }
        }
        Ok(())
    }

    fn place(&self, offset: u32) -> (u32, u32) {
        let i = self.lines.partition_point(|l| l.1 <= offset).saturating_sub(1);
        self.lines.get(i).map_or((1, 0), |&(line, base)| (line, offset - base))
    }
    fn offset(&self, line: u32, column: u32) -> u32 {
        match self.lines.binary_search_by_key(&line, |l| l.0) {
            Ok(i) => self.lines[i].1.saturating_add(column),
            Err(_) => 0,
        }
    }

    /// The constructor's name of a node of a group.
    fn kind(&self, object: &Object, group: &str) -> Result<&'static str> {
        match self.classes.find(object, Some(group)).filter(|def| !def.group) {
            Some(def) => Ok(def.name),
            None => {
                let shown = self.vm.repr_text(object)?;
                Err(self.vm.type_error(format!("expected some sort of {group}, but got {shown}")))
            }
        }
    }

    fn raw(&self, object: &Object, name: &str) -> Result<Option<Object>> {
        Ok(self.vm.lookup_attr_str(object, name)?.filter(|value| !value.is_none()))
    }
    /// A field that must be there.
    fn needed(&self, object: &Object, class: &str, name: &str) -> Result<Object> {
        match self.vm.lookup_attr_str(object, name)? {
            None => Err(self.vm.type_error(format!("required field \"{name}\" missing from {class}"))),
            Some(value) if value.is_none() => {
                Err(self.vm.value_error(format!("field '{name}' is required for {class}")))
            }
            Some(value) => Ok(value),
        }
    }
    fn items(&self, object: &Object, class: &str, name: &str) -> Result<Vec<Object>> {
        let Some(value) = self.vm.lookup_attr_str(object, name)? else { return Ok(Vec::new()) };
        match value.downcast::<List>() {
            Some(list) => Ok(list.to_vec()),
            None => Err(self
                .vm
                .type_error(format!("{class} field \"{name}\" must be a list, not a {}", value.ty().name()))),
        }
    }
    fn integer(&self, value: &Object) -> Result<i64> {
        match int::to_i64(value) {
            Some(n) => Ok(n),
            None => Err(self.vm.value_error(format!("invalid integer value: {}", self.vm.repr_text(value)?))),
        }
    }
    fn range(&self, object: &Object, group: &str) -> Result<Range> {
        self.vm.check_native_stack(" during compilation")?;
        let mut start = [0i64; 2];
        for (slot, name) in start.iter_mut().zip(["lineno", "col_offset"]) {
            let Some(value) = self.vm.lookup_attr_str(object, name)? else {
                return Err(self.vm.type_error(format!("required field \"{name}\" missing from {group}")));
            };
            *slot = self.integer(&value)?;
        }
        let mut end = start;
        for (slot, name) in end.iter_mut().zip(["end_lineno", "end_col_offset"]) {
            if let Some(value) = self.raw(object, name)? {
                *slot = self.integer(&value)?;
            }
        }
        let ([line, column], [end_line, end_column]) = (start, end);
        let problem = if line > end_line {
            format!("AST node line range ({line}, {end_line}) is not valid")
        } else if (line < 0 && line != end_line) || (column < 0 && column != end_column) {
            format!(
                "AST node column range ({column}, {end_column}) for line range ({line}, {end_line}) is not valid"
            )
        } else if line == end_line && column > end_column {
            format!("line {line}, column {column}-{end_column} is not a valid range")
        } else {
            let place = |[line, column]: [i64; 2]| self.offset(clamped(line), clamped(column));
            return Ok(Range::new(place(start), place(end)));
        };
        Err(self.vm.value_error(problem))
    }

    fn slice<T: Copy>(&self, items: Vec<Object>, f: impl Fn(&Object) -> Result<T>) -> Result<&'a [T]> {
        let mut out = Vec::with_capacity(items.len());
        for item in &items {
            out.push(f(item)?);
        }
        Ok(self.arena.alloc_slice_copy(&out))
    }
    fn text(&self, value: &Object, what: &str) -> Result<&'a str> {
        if value.downcast::<Str>().is_none() {
            return Err(self.vm.type_error(format!("AST {what} must be of type str")));
        }
        Ok(self.arena.alloc_str(&self.vm.str_lossy(value)))
    }
    fn identifier(&self, object: &Object, class: &str, name: &str) -> Result<&'a str> {
        self.text(&self.needed(object, class, name)?, "identifier")
    }
    fn optional_identifier(&self, object: &Object, name: &str) -> Result<Option<&'a str>> {
        self.raw(object, name)?.map(|value| self.text(&value, "identifier")).transpose()
    }
    fn comment(&self, object: &Object) -> Result<Option<&'a str>> {
        self.raw(object, "type_comment")?.map(|value| self.text(&value, "string")).transpose()
    }
    fn identifiers(&self, object: &Object, class: &str, name: &str) -> Result<&'a [&'a str]> {
        self.slice(self.items(object, class, name)?, |item| self.text(item, "identifier"))
    }
    fn not_constant(&self, name: &str) -> Result<()> {
        if matches!(name, "None" | "True" | "False") {
            return Err(self.vm.value_error(format!("identifier field can't represent '{name}' constant")));
        }
        Ok(())
    }
    fn only_name(&self, target: &Object, text: &str) -> Result<()> {
        if self.kind(target, "expr")? == "Name" { Ok(()) } else { Err(self.vm.type_error(text)) }
    }
    fn not_empty(&self, empty: bool, what: &str, class: &str) -> Result<()> {
        if empty { Err(self.vm.value_error(format!("empty {what} on {class}"))) } else { Ok(()) }
    }

    /// A whole tree.
    pub fn module(&self, tree: &Object, mode: Mode) -> Result<Mod<'a>> {
        Ok(match mode {
            Mode::Exec => {
                let type_ignores = self.slice(self.items(tree, "Module", "type_ignores")?, |item| {
                    self.kind(item, "type_ignore")?;
                    let lineno = number(&self.needed(item, "TypeIgnore", "lineno")?).unwrap_or(0);
                    Ok(TypeIgnore {
                        lineno,
                        tag: self.text(&self.needed(item, "TypeIgnore", "tag")?, "string")?,
                    })
                })?;
                Mod::Module { body: self.stmts(tree, "Module", "body")?, type_ignores }
            }
            Mode::Single => Mod::Interactive { body: self.stmts(tree, "Interactive", "body")? },
            Mode::Eval => Mod::Expression { body: self.sub(tree, "Expression", "body")? },
            Mode::FuncType => {
                return Err(self.vm.system_error("this compiler does not handle FunctionTypes"));
            }
        })
    }

    fn stmts(&self, object: &Object, class: &str, name: &str) -> Result<Stmts<'a>> {
        self.slice(self.items(object, class, name)?, |item| {
            if item.is_none() {
                return Err(self.vm.value_error("None disallowed in statement list"));
            }
            self.stmt(item)
        })
    }
    fn body(&self, object: &Object, class: &str) -> Result<Stmts<'a>> {
        let body = self.stmts(object, class, "body")?;
        self.not_empty(body.is_empty(), "body", class)?;
        Ok(body)
    }
    fn sub(&self, object: &Object, class: &str, name: &str) -> Result<ExprRef<'a>> {
        self.expr(&self.needed(object, class, name)?, ExprContext::Load)
    }
    fn target(&self, object: &Object, class: &str, name: &str, ctx: ExprContext) -> Result<ExprRef<'a>> {
        self.expr(&self.needed(object, class, name)?, ctx)
    }
    fn optional(&self, object: &Object, name: &str) -> Result<Option<ExprRef<'a>>> {
        self.raw(object, name)?.map(|value| self.expr(&value, ExprContext::Load)).transpose()
    }
    fn exprs_in(&self, object: &Object, class: &str, name: &str, ctx: ExprContext) -> Result<Exprs<'a>> {
        self.slice(self.items(object, class, name)?, |item| {
            if item.is_none() {
                return Err(self.vm.value_error("None disallowed in expression list"));
            }
            self.expr(item, ctx)
        })
    }
    fn exprs(&self, object: &Object, class: &str, name: &str) -> Result<Exprs<'a>> {
        self.exprs_in(object, class, name, ExprContext::Load)
    }
    fn holes(&self, object: &Object, class: &str, name: &str) -> Result<&'a [Option<ExprRef<'a>>]> {
        self.slice(self.items(object, class, name)?, |item| {
            if item.is_none() { Ok(None) } else { self.expr(item, ExprContext::Load).map(Some) }
        })
    }

    fn stmt(&self, s: &Object) -> Result<StmtRef<'a>> {
        let vm = self.vm;
        let range = self.range(s, "stmt")?;
        let name = self.kind(s, "stmt")?;
        let kind = match name {
            "FunctionDef" => StmtKind::FunctionDef(self.function(s, name)?),
            "AsyncFunctionDef" => StmtKind::AsyncFunctionDef(self.function(s, name)?),
            "ClassDef" => {
                let def = ClassDef {
                    name: self.identifier(s, name, "name")?,
                    bases: self.exprs(s, name, "bases")?,
                    keywords: self.keywords(s, name)?,
                    body: self.body(s, name)?,
                    decorator_list: self.exprs(s, name, "decorator_list")?,
                    type_params: self.type_params(s, name)?,
                };
                self.not_constant(def.name)?;
                StmtKind::ClassDef(self.arena.alloc(def))
            }
            "Return" => StmtKind::Return { value: self.optional(s, "value")? },
            "Delete" => {
                let targets = self.exprs_in(s, name, "targets", ExprContext::Del)?;
                self.not_empty(targets.is_empty(), "targets", name)?;
                StmtKind::Delete { targets }
            }
            "Assign" => {
                let targets = self.exprs_in(s, name, "targets", ExprContext::Store)?;
                self.not_empty(targets.is_empty(), "targets", name)?;
                let value = self.sub(s, name, "value")?;
                StmtKind::Assign { targets, value, type_comment: self.comment(s)? }
            }
            "TypeAlias" => {
                self.only_name(&self.needed(s, name, "name")?, "TypeAlias with non-Name name")?;
                StmtKind::TypeAlias {
                    name: self.target(s, name, "name", ExprContext::Store)?,
                    type_params: self.type_params(s, name)?,
                    value: self.sub(s, name, "value")?,
                }
            }
            "AugAssign" => StmtKind::AugAssign {
                target: self.target(s, name, "target", ExprContext::Store)?,
                op: self.operator(&self.needed(s, name, "op")?)?,
                value: self.sub(s, name, "value")?,
            },
            "AnnAssign" => {
                let target = self.target(s, name, "target", ExprContext::Store)?;
                let simple = self.integer(&self.needed(s, name, "simple")?)? != 0;
                if simple && !matches!(target.kind, ExprKind::Name { .. }) {
                    return Err(vm.type_error("AnnAssign with simple non-Name target"));
                }
                let annotation = self.sub(s, name, "annotation")?;
                StmtKind::AnnAssign { target, annotation, value: self.optional(s, "value")?, simple }
            }
            "For" => StmtKind::For(self.for_loop(s, name)?),
            "AsyncFor" => StmtKind::AsyncFor(self.for_loop(s, name)?),
            "While" => StmtKind::While {
                test: self.sub(s, name, "test")?,
                body: self.body(s, name)?,
                orelse: self.stmts(s, name, "orelse")?,
            },
            "If" => StmtKind::If {
                test: self.sub(s, name, "test")?,
                body: self.body(s, name)?,
                orelse: self.stmts(s, name, "orelse")?,
            },
            "With" | "AsyncWith" => {
                let items = self.slice(self.items(s, name, "items")?, |item| {
                    let context_expr = self.sub(item, "withitem", "context_expr")?;
                    let optional_vars = self
                        .raw(item, "optional_vars")?
                        .map(|value| self.expr(&value, ExprContext::Store))
                        .transpose()?;
                    Ok(WithItem { range: context_expr.range, context_expr, optional_vars })
                })?;
                self.not_empty(items.is_empty(), "items", name)?;
                let (body, type_comment) = (self.body(s, name)?, self.comment(s)?);
                if name == "With" {
                    StmtKind::With { items, body, type_comment }
                } else {
                    StmtKind::AsyncWith { items, body, type_comment }
                }
            }
            "Match" => {
                let cases = self.slice(self.items(s, name, "cases")?, |item| {
                    let pattern = self.pattern(&self.needed(item, "match_case", "pattern")?, false)?;
                    let (guard, body) = (self.optional(item, "guard")?, self.body(item, "match_case")?);
                    Ok(MatchCase { range: pattern.range, pattern, guard, body })
                })?;
                self.not_empty(cases.is_empty(), "cases", name)?;
                StmtKind::Match { subject: self.sub(s, name, "subject")?, cases }
            }
            "Raise" => {
                let (exc, cause) = (self.optional(s, "exc")?, self.optional(s, "cause")?);
                if exc.is_none() && cause.is_some() {
                    return Err(vm.value_error("Raise with cause but no exception"));
                }
                StmtKind::Raise { exc, cause }
            }
            "Try" => StmtKind::Try(self.try_block(s, name)?),
            "TryStar" => StmtKind::TryStar(self.try_block(s, name)?),
            "Assert" => StmtKind::Assert { test: self.sub(s, name, "test")?, msg: self.optional(s, "msg")? },
            "Import" => StmtKind::Import { names: self.aliases(s, name)? },
            "ImportFrom" => {
                let level = self.raw(s, "level")?.map_or(Ok(0), |level| self.integer(&level))?;
                if level < 0 {
                    return Err(vm.value_error("Negative ImportFrom level"));
                }
                let module = self.optional_identifier(s, "module")?;
                StmtKind::ImportFrom { module, names: self.aliases(s, name)?, level: level as u32 }
            }
            "Global" | "Nonlocal" => {
                let names = self.identifiers(s, name, "names")?;
                self.not_empty(names.is_empty(), "names", name)?;
                if name == "Global" { StmtKind::Global { names } } else { StmtKind::Nonlocal { names } }
            }
            "Expr" => StmtKind::Expr { value: self.sub(s, name, "value")? },
            "Break" => StmtKind::Break,
            "Continue" => StmtKind::Continue,
            _ => StmtKind::Pass,
        };
        Ok(self.arena.alloc(Stmt { range, kind }))
    }

    fn function(&self, s: &Object, class: &str) -> Result<&'a FunctionDef<'a>> {
        let def = FunctionDef {
            name: self.identifier(s, class, "name")?,
            args: self.arguments(&self.needed(s, class, "args")?)?,
            body: self.body(s, class)?,
            decorator_list: self.exprs(s, class, "decorator_list")?,
            returns: self.optional(s, "returns")?,
            type_comment: self.comment(s)?,
            type_params: self.type_params(s, class)?,
        };
        self.not_constant(def.name)?;
        Ok(self.arena.alloc(def))
    }
    fn for_loop(&self, s: &Object, class: &str) -> Result<&'a For<'a>> {
        let made = For {
            target: self.target(s, class, "target", ExprContext::Store)?,
            iter: self.sub(s, class, "iter")?,
            body: self.body(s, class)?,
            orelse: self.stmts(s, class, "orelse")?,
            type_comment: self.comment(s)?,
        };
        Ok(self.arena.alloc(made))
    }
    fn try_block(&self, s: &Object, class: &str) -> Result<&'a Try<'a>> {
        let handlers = self.slice(self.items(s, class, "handlers")?, |item| {
            let range = self.range(item, "excepthandler")?;
            let name = self.kind(item, "excepthandler")?;
            let (r#type, target) = (self.optional(item, "type")?, self.optional_identifier(item, "name")?);
            self.not_constant(target.unwrap_or_default())?;
            Ok(ExceptHandler { range, r#type, name: target, body: self.body(item, name)? })
        })?;
        let made = Try {
            body: self.body(s, class)?,
            handlers,
            orelse: self.stmts(s, class, "orelse")?,
            finalbody: self.stmts(s, class, "finalbody")?,
        };
        if handlers.is_empty() && made.finalbody.is_empty() {
            return Err(self.vm.value_error(format!("{class} has neither except handlers nor finalbody")));
        }
        if handlers.is_empty() && !made.orelse.is_empty() {
            return Err(self.vm.value_error(format!("{class} has orelse but no except handlers")));
        }
        Ok(self.arena.alloc(made))
    }
    fn aliases(&self, s: &Object, class: &str) -> Result<&'a [Alias<'a>]> {
        let names = self.slice(self.items(s, class, "names")?, |item| {
            let made = Alias {
                range: self.range(item, "alias")?,
                name: self.identifier(item, "alias", "name")?,
                asname: self.optional_identifier(item, "asname")?,
            };
            self.not_constant(made.asname.unwrap_or(made.name))?;
            Ok(made)
        })?;
        self.not_empty(names.is_empty(), "names", class)?;
        Ok(names)
    }
    fn keywords(&self, s: &Object, class: &str) -> Result<&'a [Keyword<'a>]> {
        self.slice(self.items(s, class, "keywords")?, |item| {
            Ok(Keyword {
                range: self.range(item, "keyword")?,
                arg: self.optional_identifier(item, "arg")?,
                value: self.sub(item, "keyword", "value")?,
            })
        })
    }
    fn arg(&self, item: &Object) -> Result<Arg<'a>> {
        Ok(Arg {
            range: self.range(item, "arg")?,
            arg: self.identifier(item, "arg", "arg")?,
            annotation: self.optional(item, "annotation")?,
            type_comment: self.comment(item)?,
        })
    }
    fn arguments(&self, a: &Object) -> Result<&'a Arguments<'a>> {
        let one = |name: &str| -> Result<Option<&'a Arg<'a>>> {
            Ok(match self.raw(a, name)? {
                Some(item) => Some(self.arena.alloc(self.arg(&item)?)),
                None => None,
            })
        };
        let many = |name: &str| self.slice(self.items(a, "arguments", name)?, |item| self.arg(item));
        let made = Arguments {
            range: Range::default(),
            posonlyargs: many("posonlyargs")?,
            args: many("args")?,
            vararg: one("vararg")?,
            kwonlyargs: many("kwonlyargs")?,
            kw_defaults: self.holes(a, "arguments", "kw_defaults")?,
            kwarg: one("kwarg")?,
            defaults: self.exprs(a, "arguments", "defaults")?,
        };
        if made.defaults.len() > made.posonlyargs.len() + made.args.len() {
            return Err(self.vm.value_error("more positional defaults than args on arguments"));
        }
        if made.kw_defaults.len() != made.kwonlyargs.len() {
            let text = "length of kwonlyargs is not the same as kw_defaults on arguments";
            return Err(self.vm.value_error(text));
        }
        Ok(self.arena.alloc(made))
    }
    fn type_params(&self, s: &Object, class: &str) -> Result<&'a [TypeParam<'a>]> {
        self.slice(self.items(s, class, "type_params")?, |item| {
            let range = self.range(item, "type_param")?;
            let class = self.kind(item, "type_param")?;
            let name = self.identifier(item, class, "name")?;
            self.not_constant(name)?;
            let default_value = self.optional(item, "default_value")?;
            let kind = match class {
                "TypeVar" => {
                    TypeParamKind::TypeVar { name, bound: self.optional(item, "bound")?, default_value }
                }
                "ParamSpec" => TypeParamKind::ParamSpec { name, default_value },
                _ => TypeParamKind::TypeVarTuple { name, default_value },
            };
            Ok(TypeParam { range, kind })
        })
    }
    fn generators(&self, e: &Object, class: &str) -> Result<&'a [Comprehension<'a>]> {
        let made = self.slice(self.items(e, class, "generators")?, |item| {
            let target = self.target(item, "comprehension", "target", ExprContext::Store)?;
            let iter = self.sub(item, "comprehension", "iter")?;
            let ifs = self.exprs(item, "comprehension", "ifs")?;
            let is_async = self.integer(&self.needed(item, "comprehension", "is_async")?)? != 0;
            Ok(Comprehension { range: target.range.cover(iter.range), target, iter, ifs, is_async })
        })?;
        if made.is_empty() {
            return Err(self.vm.value_error("comprehension with no generators"));
        }
        Ok(made)
    }

    fn operator(&self, op: &Object) -> Result<Operator> {
        use Operator::*;
        let all = [Add, Sub, Mult, MatMult, Div, Mod, Pow, LShift, RShift, BitOr, BitXor, BitAnd, FloorDiv];
        self.choose(op, "operator", &all)
    }
    fn choose<T: Copy + std::fmt::Debug>(&self, object: &Object, group: &str, all: &[T]) -> Result<T> {
        let name = self.kind(object, group)?;
        match all.iter().find(|item| format!("{item:?}") == name) {
            Some(item) => Ok(*item),
            None => Err(self.vm.system_error("unknown AST constructor")),
        }
    }
    fn context(&self, e: &Object, class: &str, wanted: ExprContext) -> Result<ExprContext> {
        let all = [ExprContext::Load, ExprContext::Store, ExprContext::Del];
        let found = self.choose(&self.needed(e, class, "ctx")?, "expr_context", &all)?;
        if found != wanted {
            return Err(self
                .vm
                .value_error(format!("expression must have {wanted:?} context but has {found:?} instead")));
        }
        Ok(found)
    }

    fn expr(&self, e: &Object, ctx: ExprContext) -> Result<ExprRef<'a>> {
        let vm = self.vm;
        let range = self.range(e, "expr")?;
        let name = self.kind(e, "expr")?;
        let assignable = matches!(name, "Attribute" | "Subscript" | "Starred" | "Name" | "List" | "Tuple");
        if ctx != ExprContext::Load && !assignable {
            return Err(vm.value_error(format!("expression which can't be assigned to in {ctx:?} context")));
        }
        let conversion = || -> Result<i32> { Ok(self.integer(&self.needed(e, name, "conversion")?)? as i32) };
        let kind = match name {
            "BoolOp" => {
                let values = self.exprs(e, name, "values")?;
                if values.len() < 2 {
                    return Err(vm.value_error("BoolOp with less than 2 values"));
                }
                let op = self.choose(&self.needed(e, name, "op")?, "boolop", &[BoolOp::And, BoolOp::Or])?;
                ExprKind::BoolOp { op, values }
            }
            "NamedExpr" => {
                self.only_name(&self.needed(e, name, "target")?, "NamedExpr target must be a Name")?;
                let target = self.target(e, name, "target", ExprContext::Store)?;
                ExprKind::NamedExpr { target, value: self.sub(e, name, "value")? }
            }
            "BinOp" => ExprKind::BinOp {
                left: self.sub(e, name, "left")?,
                op: self.operator(&self.needed(e, name, "op")?)?,
                right: self.sub(e, name, "right")?,
            },
            "UnaryOp" => {
                use taipan_syntax::ast::UnaryOp::*;
                let op = self.choose(&self.needed(e, name, "op")?, "unaryop", &[Invert, Not, UAdd, USub])?;
                ExprKind::UnaryOp { op, operand: self.sub(e, name, "operand")? }
            }
            "Lambda" => ExprKind::Lambda {
                args: self.arguments(&self.needed(e, name, "args")?)?,
                body: self.sub(e, name, "body")?,
            },
            "IfExp" => ExprKind::IfExp {
                test: self.sub(e, name, "test")?,
                body: self.sub(e, name, "body")?,
                orelse: self.sub(e, name, "orelse")?,
            },
            "Dict" => {
                let (keys, values) = (self.holes(e, name, "keys")?, self.exprs(e, name, "values")?);
                if keys.len() != values.len() {
                    return Err(vm.value_error("Dict doesn't have the same number of keys as values"));
                }
                ExprKind::Dict { keys, values }
            }
            "Set" => ExprKind::Set { elts: self.exprs(e, name, "elts")? },
            "ListComp" => {
                ExprKind::ListComp { generators: self.generators(e, name)?, elt: self.sub(e, name, "elt")? }
            }
            "SetComp" => {
                ExprKind::SetComp { generators: self.generators(e, name)?, elt: self.sub(e, name, "elt")? }
            }
            "GeneratorExp" => ExprKind::GeneratorExp {
                generators: self.generators(e, name)?,
                elt: self.sub(e, name, "elt")?,
            },
            "DictComp" => ExprKind::DictComp {
                generators: self.generators(e, name)?,
                key: self.sub(e, name, "key")?,
                value: self.sub(e, name, "value")?,
            },
            "Await" => ExprKind::Await { value: self.sub(e, name, "value")? },
            "Yield" => ExprKind::Yield { value: self.optional(e, "value")? },
            "YieldFrom" => ExprKind::YieldFrom { value: self.sub(e, name, "value")? },
            "Compare" => {
                use CmpOp::*;
                let all = [Eq, NotEq, Lt, LtE, Gt, GtE, Is, IsNot, In, NotIn];
                let comparators = self.exprs(e, name, "comparators")?;
                let ops = self.slice(self.items(e, name, "ops")?, |op| self.choose(op, "cmpop", &all))?;
                if comparators.is_empty() {
                    return Err(vm.value_error("Compare with no comparators"));
                }
                if comparators.len() != ops.len() {
                    let text = "Compare has a different number of comparators and operands";
                    return Err(vm.value_error(text));
                }
                ExprKind::Compare { left: self.sub(e, name, "left")?, ops, comparators }
            }
            "Call" => ExprKind::Call {
                func: self.sub(e, name, "func")?,
                args: self.exprs(e, name, "args")?,
                keywords: self.keywords(e, name)?,
            },
            "FormattedValue" => ExprKind::FormattedValue {
                value: self.sub(e, name, "value")?,
                conversion: conversion()?,
                format_spec: self.optional(e, "format_spec")?,
            },
            "Interpolation" => {
                let text = self.needed(e, name, "str")?;
                let ExprKind::Constant { value: str } = self.constant(&text, range)?.kind else {
                    return Err(vm.type_error("Interpolation.str must be a string"));
                };
                ExprKind::Interpolation {
                    value: self.sub(e, name, "value")?,
                    str,
                    conversion: conversion()?,
                    format_spec: self.optional(e, "format_spec")?,
                }
            }
            "JoinedStr" => ExprKind::JoinedStr { values: self.exprs(e, name, "values")? },
            "TemplateStr" => ExprKind::TemplateStr { values: self.exprs(e, name, "values")? },
            "Constant" => {
                let Some(value) = vm.lookup_attr_str(e, "value")? else {
                    return Err(vm.type_error("required field \"value\" missing from Constant"));
                };
                return self.constant(&value, range);
            }
            "Attribute" => ExprKind::Attribute {
                value: self.sub(e, name, "value")?,
                attr: self.identifier(e, name, "attr")?,
                ctx: self.context(e, name, ctx)?,
            },
            "Subscript" => ExprKind::Subscript {
                value: self.sub(e, name, "value")?,
                slice: self.sub(e, name, "slice")?,
                ctx: self.context(e, name, ctx)?,
            },
            "Starred" => ExprKind::Starred {
                ctx: self.context(e, name, ctx)?,
                value: self.target(e, name, "value", ctx)?,
            },
            "Name" => {
                let id = self.identifier(e, name, "id")?;
                self.not_constant(id)?;
                ExprKind::Name { id, ctx: self.context(e, name, ctx)? }
            }
            "List" => ExprKind::List {
                ctx: self.context(e, name, ctx)?,
                elts: self.exprs_in(e, name, "elts", ctx)?,
            },
            "Tuple" => ExprKind::Tuple {
                ctx: self.context(e, name, ctx)?,
                elts: self.exprs_in(e, name, "elts", ctx)?,
            },
            _ => ExprKind::Slice {
                lower: self.optional(e, "lower")?,
                upper: self.optional(e, "upper")?,
                step: self.optional(e, "step")?,
            },
        };
        Ok(self.arena.alloc(Expr { range, kind }))
    }

    /// The literal (or an expression of literals) that has this value.
    fn constant(&self, value: &Object, range: Range) -> Result<ExprRef<'a>> {
        let vm = self.vm;
        vm.check_native_stack(" during compilation")?;
        let literal =
            |value| -> ExprRef<'a> { self.arena.alloc(Expr { range, kind: ExprKind::Constant { value } }) };
        let exact = |name: &str| value.ty().name() == name && !value.ty().is_heap();
        if value.is_none() {
            return Ok(literal(Constant::None));
        } else if value.is(Value::TRUE) {
            return Ok(literal(Constant::True));
        } else if value.is(Value::FALSE) {
            return Ok(literal(Constant::False));
        } else if exact("ellipsis") {
            return Ok(literal(Constant::Ellipsis));
        } else if int::is_exact(value) {
            if let Some(n) = int::to_i64(value) {
                return Ok(literal(Constant::Int(IntLiteral::Small(n))));
            }
            let text = vm.str_text(&vm.format(value, &vm.str("x"))?)?;
            let digits = self.arena.alloc_str(text.trim_start_matches('-'));
            let positive = literal(Constant::Int(IntLiteral::Big { digits, radix: 16 }));
            if !text.starts_with('-') {
                return Ok(positive);
            }
            let kind = ExprKind::UnaryOp { op: taipan_syntax::ast::UnaryOp::USub, operand: positive };
            return Ok(self.arena.alloc(Expr { range, kind }));
        } else if float::is_exact(value) {
            return Ok(literal(Constant::Float(float::as_f64(value).unwrap_or(0.0))));
        } else if let Some(s) = value.downcast_exact::<Str>() {
            let text = self.arena.alloc_slice_copy(&s.to_wtf8());
            return Ok(literal(Constant::Str { value: text, kind_u: false }));
        } else if let Some(b) = value.downcast_exact::<Bytes>() {
            return Ok(literal(Constant::Bytes(self.arena.alloc_slice_copy(b.as_slice()))));
        } else if exact("complex")
            && let Some(c) = complex::as_complex(value)
        {
            let imaginary = literal(Constant::Imaginary(c.im));
            if c.re == 0.0 && c.re.is_sign_positive() {
                return Ok(imaginary);
            }
            let kind =
                ExprKind::BinOp { left: literal(Constant::Float(c.re)), op: Operator::Add, right: imaginary };
            return Ok(self.arena.alloc(Expr { range, kind }));
        } else if exact("tuple") || exact("frozenset") {
            let elts = self.slice(vm.collect(value)?, |item| self.constant(item, range))?;
            let tuple: ExprRef<'a> =
                self.arena.alloc(Expr { range, kind: ExprKind::Tuple { elts, ctx: ExprContext::Load } });
            if exact("tuple") {
                return Ok(tuple);
            }
            let kind = ExprKind::Name { id: "frozenset", ctx: ExprContext::Load };
            let func: ExprRef<'a> = self.arena.alloc(Expr { range, kind });
            let args = self.arena.alloc_slice_copy(&[tuple]);
            let kind = ExprKind::Call { func, args, keywords: &[] };
            return Ok(self.arena.alloc(Expr { range, kind }));
        }
        Err(vm.type_error(format!("got an invalid type in Constant: {}", value.ty().name())))
    }

    /// A value that a pattern compares with: a literal or an attribute.
    fn pattern_value(&self, object: &Object) -> Result<ExprRef<'a>> {
        let value = self.expr(object, ExprContext::Load)?;
        let number = |e: &Expr<'_>, imaginary: bool| match e.kind {
            ExprKind::Constant { value: Constant::Imaginary(_) } => imaginary,
            ExprKind::Constant { value: Constant::Int(_) | Constant::Float(_) } => true,
            _ => false,
        };
        let signed = |e: &Expr<'_>, imaginary: bool| match e.kind {
            ExprKind::UnaryOp { op: taipan_syntax::ast::UnaryOp::USub, operand } => {
                number(operand, imaginary)
            }
            _ => number(e, imaginary),
        };
        let literal = self.kind(object, "expr")? == "Constant";
        let fine = match value.kind {
            ExprKind::Constant { value } => {
                !matches!(value, Constant::Ellipsis | Constant::None | Constant::True | Constant::False)
            }
            // A number that is no literal of the language.
            ExprKind::UnaryOp { .. } | ExprKind::BinOp { .. } if literal => true,
            ExprKind::Attribute { .. } | ExprKind::JoinedStr { .. } | ExprKind::TemplateStr { .. } => true,
            ExprKind::UnaryOp { .. } => signed(value, true),
            ExprKind::BinOp { left, op: Operator::Add | Operator::Sub, right } => {
                let imaginary = matches!(right.kind, ExprKind::Constant { value: Constant::Imaginary(_) });
                signed(left, false) && imaginary
            }
            _ => false,
        };
        if fine {
            return Ok(value);
        }
        Err(self.vm.value_error(if literal {
            "unexpected constant inside of a literal pattern"
        } else {
            "patterns may only match literals and attribute lookups"
        }))
    }
    /// A name that a pattern binds.
    fn captured(&self, object: &Object, field: &str) -> Result<Option<&'a str>> {
        let name = self.optional_identifier(object, field)?;
        if name == Some("_") {
            return Err(self.vm.value_error("can't capture name '_' in patterns"));
        }
        self.not_constant(name.unwrap_or_default())?;
        Ok(name)
    }

    fn pattern(&self, p: &Object, star: bool) -> Result<&'a Pattern<'a>> {
        let range = self.range(p, "pattern")?;
        let name = self.kind(p, "pattern")?;
        let all = |field: &str| {
            let star = name == "MatchSequence";
            self.slice(self.items(p, name, field)?, |item| self.pattern(item, star))
        };
        let kind = match name {
            "MatchValue" => {
                PatternKind::MatchValue { value: self.pattern_value(&self.needed(p, name, "value")?)? }
            }
            "MatchSingleton" => {
                let value = self.vm.lookup_attr_str(p, "value")?.unwrap_or(Object::UNBOUND);
                let value = if value.is_none() {
                    Constant::None
                } else if value.is(Value::TRUE) {
                    Constant::True
                } else if value.is(Value::FALSE) {
                    Constant::False
                } else {
                    return Err(self.vm.value_error("MatchSingleton can only contain True, False and None"));
                };
                PatternKind::MatchSingleton { value }
            }
            "MatchSequence" => PatternKind::MatchSequence { patterns: all("patterns")? },
            "MatchMapping" => {
                let keys = self.slice(self.items(p, name, "keys")?, |key| {
                    let constant = match key.is_none() {
                        true => return Err(self.vm.value_error("None disallowed in expression list")),
                        false if self.kind(key, "expr")? == "Constant" => {
                            self.vm.lookup_attr_str(key, "value")?
                        }
                        false => None,
                    };
                    let single = |v: &Object| v.is_none() || v.is(Value::TRUE) || v.is(Value::FALSE);
                    if constant.is_some_and(|v| single(&v)) {
                        self.expr(key, ExprContext::Load)
                    } else {
                        self.pattern_value(key)
                    }
                })?;
                let (patterns, rest) = (all("patterns")?, self.captured(p, "rest")?);
                if keys.len() != patterns.len() {
                    let text = "MatchMapping doesn't have the same number of keys as patterns";
                    return Err(self.vm.value_error(text));
                }
                PatternKind::MatchMapping { keys, patterns, rest }
            }
            "MatchClass" => {
                let kwd_attrs = self.identifiers(p, name, "kwd_attrs")?;
                let kwd_patterns = all("kwd_patterns")?;
                if kwd_attrs.len() != kwd_patterns.len() {
                    let text = "MatchClass doesn't have the same number of keyword attributes as patterns";
                    return Err(self.vm.value_error(text));
                }
                let cls = self.sub(p, name, "cls")?;
                let mut root = cls;
                while let ExprKind::Attribute { value, .. } = root.kind {
                    root = value;
                }
                if !matches!(root.kind, ExprKind::Name { .. }) {
                    let text = "MatchClass cls field can only contain Name or Attribute nodes.";
                    return Err(self.vm.value_error(text));
                }
                kwd_attrs.iter().try_for_each(|name| self.not_constant(name))?;
                PatternKind::MatchClass { cls, patterns: all("patterns")?, kwd_attrs, kwd_patterns }
            }
            "MatchStar" if !star => return Err(self.vm.value_error("can't use MatchStar here")),
            "MatchStar" => PatternKind::MatchStar { name: self.captured(p, "name")? },
            "MatchAs" => {
                let name = self.captured(p, "name")?;
                let pattern = self.raw(p, "pattern")?.map(|p| self.pattern(&p, false)).transpose()?;
                if pattern.is_some() && name.is_none() {
                    let text = "MatchAs must specify a target name if a pattern is given";
                    return Err(self.vm.value_error(text));
                }
                PatternKind::MatchAs { pattern, name }
            }
            _ => {
                let patterns = all("patterns")?;
                if patterns.len() < 2 {
                    return Err(self.vm.value_error("MatchOr requires at least 2 patterns"));
                }
                PatternKind::MatchOr { patterns }
            }
        };
        Ok(self.arena.alloc(Pattern { range, kind }))
    }
}
