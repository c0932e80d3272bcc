//! Trees of `taipan-syntax` as `_ast` objects.

use super::node;
use super::schema::{self, ATTRIBUTES, Def};
use std::collections::HashMap;
use taipan_runtime::prelude::*;
use taipan_runtime::types::{complex, str};
use taipan_syntax::LineIndex;
use taipan_syntax::ast::*;

/// The converter of one tree.
pub struct Exporter<'v> {
    vm: &'v Vm,
    index: LineIndex,
    classes: HashMap<&'static str, (Object, &'static Def)>,
    attributes: [Object; 4],
}

impl<'v> Exporter<'v> {
    /// For a tree of this source.
    pub fn new(vm: &'v Vm, source: &str) -> Exporter<'v> {
        let classes = schema::table()
            .iter()
            .filter_map(|def| Some((def.name, (node::class_of(vm, def.name)?, def))))
            .collect();
        Exporter { vm, index: LineIndex::new(source), classes, attributes: ATTRIBUTES.map(|a| vm.intern(a)) }
    }

    fn node(&self, name: &'static str, values: &[Object], range: Option<Range>) -> Result {
        let vm = self.vm;
        let Some((class, def)) = self.classes.get(name) else {
            return Err(vm.system_error("unknown AST node"));
        };
        let made = node::instance(vm, class)?;
        for (field, value) in def.fields.iter().zip(values) {
            node::put(vm, &made, field.name, value)?;
        }
        if let Some(range) = range {
            let (line, column) = self.index.line_col(range.start);
            let (end_line, end_column) = self.index.line_col(range.end);
            for (name, number) in self.attributes.iter().zip([line, column, end_line, end_column]) {
                taipan_runtime::lookup::instance_set(vm, &made, name, Some(&vm.int(number as i64)))?;
            }
        }
        Ok(made)
    }

    fn list<T>(&self, items: &[T], f: impl Fn(&T) -> Result) -> Result {
        let mut out = Vec::with_capacity(items.len());
        for item in items {
            out.push(f(item)?);
        }
        Ok(self.vm.list(out))
    }
    fn option<T>(&self, item: Option<T>, f: impl Fn(T) -> Result) -> Result {
        item.map_or(Ok(Object::NONE), f)
    }
    fn name(&self, text: &str) -> Object {
        self.vm.intern(text)
    }
    fn text(&self, text: Option<&str>) -> Object {
        text.map_or(Object::NONE, |text| self.vm.str(text))
    }
    fn identifier(&self, text: Option<&str>) -> Object {
        text.map_or(Object::NONE, |text| self.vm.intern(text))
    }
    fn names(&self, names: &[&str]) -> Object {
        self.vm.list(names.iter().map(|n| self.vm.intern(n)).collect())
    }
    fn one(&self, value: impl std::fmt::Debug) -> Result {
        node::singleton(self.vm, &format!("{value:?}"))
    }
    fn exprs(&self, items: Exprs<'_>) -> Result {
        self.list(items, |e| self.expr(e))
    }
    fn optional(&self, e: Option<ExprRef<'_>>) -> Result {
        self.option(e, |e| self.expr(e))
    }
    fn body(&self, items: Stmts<'_>) -> Result {
        self.list(items, |s| self.stmt(s))
    }

    /// A whole tree.
    pub fn module(&self, module: &Mod<'_>) -> Result {
        match *module {
            Mod::Module { body, type_ignores } => {
                let ignores = self.list(type_ignores, |t| {
                    self.node("TypeIgnore", &[self.vm.int(t.lineno as i64), self.vm.str(t.tag)], None)
                })?;
                self.node("Module", &[self.body(body)?, ignores], None)
            }
            Mod::Interactive { body } => self.node("Interactive", &[self.body(body)?], None),
            Mod::Expression { body } => self.node("Expression", &[self.expr(body)?], None),
            Mod::FunctionType { argtypes, returns } => {
                self.node("FunctionType", &[self.exprs(argtypes)?, self.expr(returns)?], None)
            }
        }
    }

    fn stmt(&self, s: &Stmt<'_>) -> Result {
        self.vm.check_native_stack(" during ast construction")?;
        let (name, values): (&'static str, Vec<Object>) = match s.kind {
            StmtKind::FunctionDef(f) => ("FunctionDef", self.function(f)?),
            StmtKind::AsyncFunctionDef(f) => ("AsyncFunctionDef", self.function(f)?),
            StmtKind::ClassDef(c) => (
                "ClassDef",
                vec![
                    self.name(c.name),
                    self.exprs(c.bases)?,
                    self.keywords(c.keywords)?,
                    self.body(c.body)?,
                    self.exprs(c.decorator_list)?,
                    self.type_params(c.type_params)?,
                ],
            ),
            StmtKind::Return { value } => ("Return", vec![self.optional(value)?]),
            StmtKind::Delete { targets } => ("Delete", vec![self.exprs(targets)?]),
            StmtKind::Assign { targets, value, type_comment } => {
                ("Assign", vec![self.exprs(targets)?, self.expr(value)?, self.text(type_comment)])
            }
            StmtKind::TypeAlias { name, type_params, value } => {
                ("TypeAlias", vec![self.expr(name)?, self.type_params(type_params)?, self.expr(value)?])
            }
            StmtKind::AugAssign { target, op, value } => {
                ("AugAssign", vec![self.expr(target)?, self.one(op)?, self.expr(value)?])
            }
            StmtKind::AnnAssign { target, annotation, value, simple } => (
                "AnnAssign",
                vec![
                    self.expr(target)?,
                    self.expr(annotation)?,
                    self.optional(value)?,
                    self.vm.int(simple as i64),
                ],
            ),
            StmtKind::For(f) => ("For", self.for_loop(f)?),
            StmtKind::AsyncFor(f) => ("AsyncFor", self.for_loop(f)?),
            StmtKind::While { test, body, orelse } => {
                ("While", vec![self.expr(test)?, self.body(body)?, self.body(orelse)?])
            }
            StmtKind::If { test, body, orelse } => {
                ("If", vec![self.expr(test)?, self.body(body)?, self.body(orelse)?])
            }
            StmtKind::With { items, body, type_comment } => {
                ("With", vec![self.with_items(items)?, self.body(body)?, self.text(type_comment)])
            }
            StmtKind::AsyncWith { items, body, type_comment } => {
                ("AsyncWith", vec![self.with_items(items)?, self.body(body)?, self.text(type_comment)])
            }
            StmtKind::Match { subject, cases } => {
                let cases = self.list(cases, |c| {
                    let values = [self.pattern(c.pattern)?, self.optional(c.guard)?, self.body(c.body)?];
                    self.node("match_case", &values, None)
                });
                ("Match", vec![self.expr(subject)?, cases?])
            }
            StmtKind::Raise { exc, cause } => ("Raise", vec![self.optional(exc)?, self.optional(cause)?]),
            StmtKind::Try(t) => ("Try", self.try_block(t)?),
            StmtKind::TryStar(t) => ("TryStar", self.try_block(t)?),
            StmtKind::Assert { test, msg } => ("Assert", vec![self.expr(test)?, self.optional(msg)?]),
            StmtKind::Import { names } => ("Import", vec![self.aliases(names)?]),
            StmtKind::ImportFrom { module, names, level } => {
                ("ImportFrom", vec![self.identifier(module), self.aliases(names)?, self.vm.int(level as i64)])
            }
            StmtKind::Global { names } => ("Global", vec![self.names(names)]),
            StmtKind::Nonlocal { names } => ("Nonlocal", vec![self.names(names)]),
            StmtKind::Expr { value } => ("Expr", vec![self.expr(value)?]),
            StmtKind::Pass => ("Pass", vec![]),
            StmtKind::Break => ("Break", vec![]),
            StmtKind::Continue => ("Continue", vec![]),
        };
        self.node(name, &values, Some(s.range))
    }

    fn function(&self, f: &FunctionDef<'_>) -> Result<Vec<Object>> {
        Ok(vec![
            self.name(f.name),
            self.arguments(f.args)?,
            self.body(f.body)?,
            self.exprs(f.decorator_list)?,
            self.optional(f.returns)?,
            self.text(f.type_comment),
            self.type_params(f.type_params)?,
        ])
    }
    fn for_loop(&self, f: &For<'_>) -> Result<Vec<Object>> {
        Ok(vec![
            self.expr(f.target)?,
            self.expr(f.iter)?,
            self.body(f.body)?,
            self.body(f.orelse)?,
            self.text(f.type_comment),
        ])
    }
    fn with_items(&self, items: &[WithItem<'_>]) -> Result {
        self.list(items, |i| {
            self.node("withitem", &[self.expr(i.context_expr)?, self.optional(i.optional_vars)?], None)
        })
    }
    fn try_block(&self, t: &Try<'_>) -> Result<Vec<Object>> {
        let handlers = self.list(t.handlers, |h| {
            let values = [self.optional(h.r#type)?, self.identifier(h.name), self.body(h.body)?];
            self.node("ExceptHandler", &values, Some(h.range))
        });
        Ok(vec![self.body(t.body)?, handlers?, self.body(t.orelse)?, self.body(t.finalbody)?])
    }
    fn aliases(&self, names: &[Alias<'_>]) -> Result {
        self.list(names, |a| {
            self.node("alias", &[self.name(a.name), self.identifier(a.asname)], Some(a.range))
        })
    }
    fn keywords(&self, keywords: &[Keyword<'_>]) -> Result {
        self.list(keywords, |k| {
            self.node("keyword", &[self.identifier(k.arg), self.expr(k.value)?], Some(k.range))
        })
    }
    fn arg(&self, a: &Arg<'_>) -> Result {
        let values = [self.name(a.arg), self.optional(a.annotation)?, self.text(a.type_comment)];
        self.node("arg", &values, Some(a.range))
    }
    fn arguments(&self, a: &Arguments<'_>) -> Result {
        let values = [
            self.list(a.posonlyargs, |a| self.arg(a))?,
            self.list(a.args, |a| self.arg(a))?,
            self.option(a.vararg, |a| self.arg(a))?,
            self.list(a.kwonlyargs, |a| self.arg(a))?,
            self.list(a.kw_defaults, |d| self.optional(*d))?,
            self.option(a.kwarg, |a| self.arg(a))?,
            self.exprs(a.defaults)?,
        ];
        self.node("arguments", &values, None)
    }
    fn type_params(&self, params: &[TypeParam<'_>]) -> Result {
        self.list(params, |p| {
            let (name, values) = match p.kind {
                TypeParamKind::TypeVar { name, bound, default_value } => {
                    ("TypeVar", vec![self.name(name), self.optional(bound)?, self.optional(default_value)?])
                }
                TypeParamKind::ParamSpec { name, default_value } => {
                    ("ParamSpec", vec![self.name(name), self.optional(default_value)?])
                }
                TypeParamKind::TypeVarTuple { name, default_value } => {
                    ("TypeVarTuple", vec![self.name(name), self.optional(default_value)?])
                }
            };
            self.node(name, &values, Some(p.range))
        })
    }
    fn generators(&self, generators: &[Comprehension<'_>]) -> Result {
        self.list(generators, |g| {
            let is_async = self.vm.int(g.is_async as i64);
            let values = [self.expr(g.target)?, self.expr(g.iter)?, self.exprs(g.ifs)?, is_async];
            self.node("comprehension", &values, None)
        })
    }

    fn expr(&self, e: &Expr<'_>) -> Result {
        self.vm.check_native_stack(" during ast construction")?;
        let number = |n: i32| self.vm.int(n as i64);
        let (name, values): (&'static str, Vec<Object>) = match e.kind {
            ExprKind::BoolOp { op, values } => ("BoolOp", vec![self.one(op)?, self.exprs(values)?]),
            ExprKind::NamedExpr { target, value } => {
                ("NamedExpr", vec![self.expr(target)?, self.expr(value)?])
            }
            ExprKind::BinOp { left, op, right } => {
                ("BinOp", vec![self.expr(left)?, self.one(op)?, self.expr(right)?])
            }
            ExprKind::UnaryOp { op, operand } => ("UnaryOp", vec![self.one(op)?, self.expr(operand)?]),
            ExprKind::Lambda { args, body } => ("Lambda", vec![self.arguments(args)?, self.expr(body)?]),
            ExprKind::IfExp { test, body, orelse } => {
                ("IfExp", vec![self.expr(test)?, self.expr(body)?, self.expr(orelse)?])
            }
            ExprKind::Dict { keys, values } => {
                ("Dict", vec![self.list(keys, |k| self.optional(*k))?, self.exprs(values)?])
            }
            ExprKind::Set { elts } => ("Set", vec![self.exprs(elts)?]),
            ExprKind::ListComp { elt, generators } => {
                ("ListComp", vec![self.expr(elt)?, self.generators(generators)?])
            }
            ExprKind::SetComp { elt, generators } => {
                ("SetComp", vec![self.expr(elt)?, self.generators(generators)?])
            }
            ExprKind::DictComp { key, value, generators } => {
                ("DictComp", vec![self.expr(key)?, self.expr(value)?, self.generators(generators)?])
            }
            ExprKind::GeneratorExp { elt, generators } => {
                ("GeneratorExp", vec![self.expr(elt)?, self.generators(generators)?])
            }
            ExprKind::Await { value } => ("Await", vec![self.expr(value)?]),
            ExprKind::Yield { value } => ("Yield", vec![self.optional(value)?]),
            ExprKind::YieldFrom { value } => ("YieldFrom", vec![self.expr(value)?]),
            ExprKind::Compare { left, ops, comparators } => (
                "Compare",
                vec![self.expr(left)?, self.list(ops, |op| self.one(op))?, self.exprs(comparators)?],
            ),
            ExprKind::Call { func, args, keywords } => {
                ("Call", vec![self.expr(func)?, self.exprs(args)?, self.keywords(keywords)?])
            }
            ExprKind::FormattedValue { value, conversion, format_spec } => {
                ("FormattedValue", vec![self.expr(value)?, number(conversion), self.optional(format_spec)?])
            }
            ExprKind::Interpolation { value, str, conversion, format_spec } => (
                "Interpolation",
                vec![
                    self.expr(value)?,
                    self.constant(&str)?,
                    number(conversion),
                    self.optional(format_spec)?,
                ],
            ),
            ExprKind::JoinedStr { values } => ("JoinedStr", vec![self.exprs(values)?]),
            ExprKind::TemplateStr { values } => ("TemplateStr", vec![self.exprs(values)?]),
            ExprKind::Constant { value } => {
                let kind_u = matches!(value, Constant::Str { kind_u: true, .. });
                let kind = if kind_u { self.vm.intern("u") } else { Object::NONE };
                ("Constant", vec![self.constant(&value)?, kind])
            }
            ExprKind::Attribute { value, attr, ctx } => {
                ("Attribute", vec![self.expr(value)?, self.name(attr), self.one(ctx)?])
            }
            ExprKind::Subscript { value, slice, ctx } => {
                ("Subscript", vec![self.expr(value)?, self.expr(slice)?, self.one(ctx)?])
            }
            ExprKind::Starred { value, ctx } => ("Starred", vec![self.expr(value)?, self.one(ctx)?]),
            ExprKind::Name { id, ctx } => ("Name", vec![self.name(id), self.one(ctx)?]),
            ExprKind::List { elts, ctx } => ("List", vec![self.exprs(elts)?, self.one(ctx)?]),
            ExprKind::Tuple { elts, ctx } => ("Tuple", vec![self.exprs(elts)?, self.one(ctx)?]),
            ExprKind::Slice { lower, upper, step } => {
                ("Slice", vec![self.optional(lower)?, self.optional(upper)?, self.optional(step)?])
            }
        };
        self.node(name, &values, Some(e.range))
    }

    fn pattern(&self, p: &Pattern<'_>) -> Result {
        self.vm.check_native_stack(" during ast construction")?;
        let all = |patterns: &[&Pattern<'_>]| self.list(patterns, |p| self.pattern(p));
        let (name, values): (&'static str, Vec<Object>) = match p.kind {
            PatternKind::MatchValue { value } => ("MatchValue", vec![self.expr(value)?]),
            PatternKind::MatchSingleton { value } => ("MatchSingleton", vec![self.constant(&value)?]),
            PatternKind::MatchSequence { patterns } => ("MatchSequence", vec![all(patterns)?]),
            PatternKind::MatchMapping { keys, patterns, rest } => {
                ("MatchMapping", vec![self.exprs(keys)?, all(patterns)?, self.identifier(rest)])
            }
            PatternKind::MatchClass { cls, patterns, kwd_attrs, kwd_patterns } => (
                "MatchClass",
                vec![self.expr(cls)?, all(patterns)?, self.names(kwd_attrs), all(kwd_patterns)?],
            ),
            PatternKind::MatchStar { name } => ("MatchStar", vec![self.identifier(name)]),
            PatternKind::MatchAs { pattern, name } => {
                ("MatchAs", vec![self.option(pattern, |p| self.pattern(p))?, self.identifier(name)])
            }
            PatternKind::MatchOr { patterns } => ("MatchOr", vec![all(patterns)?]),
        };
        self.node(name, &values, Some(p.range))
    }

    fn constant(&self, value: &Constant<'_>) -> Result {
        let vm = self.vm;
        Ok(match *value {
            Constant::None => Object::NONE,
            Constant::True => Object::TRUE,
            Constant::False => Object::FALSE,
            Constant::Ellipsis => vm.get_attr_str(&vm.interp().builtins.clone(), "Ellipsis")?,
            Constant::Int(IntLiteral::Small(n)) => vm.int(n),
            Constant::Int(IntLiteral::Big { digits, radix }) => {
                let class = taipan_runtime::types::int::INT.to_object();
                match radix {
                    // The length of decimal literals has been checked by the parser.
                    10 => vm.call(&class, &[vm.str(digits)])?,
                    _ => vm.call(&class, &[vm.str(digits), vm.int(radix as i64)])?,
                }
            }
            Constant::Float(x) => vm.float(x),
            Constant::Imaginary(x) => complex::new(vm, 0.0, x),
            Constant::Str { value, .. } => {
                let text = str::from_wtf8(vm, value);
                let plain = value.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'_');
                if plain { vm.intern_object(&text) } else { text }
            }
            Constant::Bytes(bytes) => vm.bytes(bytes),
        })
    }
}
