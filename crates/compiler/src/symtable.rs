//! First pass of the symbol table: walks the tree, opens scopes and notes what
//! each name is used for; raises the SyntaxErrors that need no more than that.

use crate::error::{Result, recursion_error, syntax_error};
use crate::names::{NameId, Names};
use crate::scope::symbol::*;
use crate::scope::*;
use taipan_syntax::ast::*;

/// Deepest nesting of expressions and statements that is compiled.
pub(crate) const MAX_DEPTH: u32 = 6000;
/// `CO_FUTURE_ANNOTATIONS`.
const FUTURE_ANNOTATIONS: u32 = taipan_bytecode::code_flags::FUTURE_ANNOTATIONS;

pub(crate) struct Builder<'a> {
    names: Names,
    scopes: Vec<Scope>,
    map: crate::names::FastMap<Key2, ScopeId>,
    /// Open scopes, innermost last.
    stack: Vec<ScopeId>,
    private: Option<&'a str>,
    future: u32,
    top_level_await: bool,
    depth: u32,
}

/// Build and analyse the symbol table of `module`.
pub(crate) fn build(module: &Mod<'_>, future: u32, top_level_await: bool) -> Result<Symtable> {
    let mut b = Builder {
        names: Names::default(),
        scopes: Vec::new(),
        map: Default::default(),
        stack: Vec::new(),
        private: None,
        future,
        top_level_await,
        depth: 0,
    };
    let top = b.names.intern("top");
    let id = b.new_scope(top, ScopeKind::Module, Range::default());
    b.stack.push(id);
    match module {
        Mod::Module { body, .. } | Mod::Interactive { body } => b.stmts(body)?,
        Mod::Expression { body } => b.expr(body)?,
        Mod::FunctionType { .. } => {
            return syntax_error(Range::default(), "this compiler does not handle FunctionTypes");
        }
    }
    let mut table = Symtable { scopes: b.scopes, names: b.names, future, map: b.map };
    crate::analysis::analyze(&mut table)?;
    Ok(table)
}

impl<'a> Builder<'a> {
    fn cur(&mut self) -> &mut Scope {
        let id = self.cur_id();
        &mut self.scopes[id.0 as usize]
    }

    fn cur_id(&self) -> ScopeId {
        *self.stack.last().expect("a scope is open")
    }

    fn new_scope(&mut self, name: NameId, kind: ScopeKind, range: Range) -> ScopeId {
        let id = ScopeId(self.scopes.len() as u32);
        let nested = self.stack.last().is_some_and(|&p| {
            let p = &self.scopes[p.0 as usize];
            p.nested || p.is_function_like()
        });
        self.scopes.push(Scope {
            id,
            name,
            kind,
            range,
            symbols: Symbols::default(),
            varnames: Vec::new(),
            children: Vec::new(),
            nested,
            generator: false,
            coroutine: false,
            async_def: false,
            comprehension: ComprehensionKind::No,
            varargs: false,
            varkeywords: false,
            returns_value: false,
            needs_class_closure: false,
            needs_classdict: false,
            inlined: false,
            method: false,
            can_see_class_scope: false,
            has_conditional_annotations: false,
            annotation_block: None,
            annotations_used: false,
            has_walrus: false,
            in_conditional_block: false,
            in_unevaluated_annotation: false,
            comp_iter_target: false,
            comp_iter_expr: 0,
            scope_info: "",
            mangled_names: None,
            directives: Vec::new(),
        });
        id
    }

    fn enter_existing(&mut self, id: ScopeId) {
        let prev = self.stack.last().copied();
        self.stack.push(id);
        let kind = self.scopes[id.0 as usize].kind;
        if let Some(prev) = prev
            && kind == ScopeKind::Function
            && self.scopes[prev.0 as usize].kind == ScopeKind::Class
        {
            self.scopes[id.0 as usize].method = true;
        }
        if kind == ScopeKind::Annotation && self.future & FUTURE_ANNOTATIONS != 0 {
            return;
        }
        if let Some(prev) = prev {
            // Inside a comprehension's iterable no name may be bound, however deep.
            self.scopes[id.0 as usize].comp_iter_expr = self.scopes[prev.0 as usize].comp_iter_expr;
            let children = &mut self.scopes[prev.0 as usize].children;
            if !children.contains(&id) {
                children.push(id);
            }
            // Mangling inside type parameters of a class is limited to their own names.
            if self.scopes[prev.0 as usize].mangled_names.is_some() && kind != ScopeKind::Class {
                let names = self.scopes[prev.0 as usize].mangled_names.clone();
                self.scopes[id.0 as usize].mangled_names = names;
            }
        }
    }

    fn enter(&mut self, name: NameId, kind: ScopeKind, key: Key, range: Range) -> Result<ScopeId> {
        let id = self.new_scope(name, kind, range);
        self.map.insert(Key2(key), id);
        self.enter_existing(id);
        if matches!(kind, ScopeKind::Annotation | ScopeKind::TypeAlias | ScopeKind::TypeVariable) {
            let format = self.names.intern(".format");
            self.add_id(format, DEF_PARAM, range)?;
            self.add_id(format, USE, range)?;
        }
        Ok(id)
    }

    fn exit(&mut self) {
        self.stack.pop();
    }

    fn mangle(&mut self, name: &str) -> NameId {
        let id = self.cur_id();
        if self.private.is_some() && self.scopes[id.0 as usize].mangled_names.is_some() {
            let plain = self.names.intern(name);
            let allowed = self.scopes[id.0 as usize].mangled_names.as_ref();
            if !allowed.is_some_and(|m| m.contains(&plain)) {
                return plain;
            }
        }
        self.names.intern_mangled(self.private, name)
    }

    fn add(&mut self, name: &str, flag: u32, range: Range) -> Result<()> {
        if flag & DEF_TYPE_PARAM != 0 {
            let plain = self.names.intern(name);
            if let Some(m) = &mut self.cur().mangled_names {
                m.push(plain);
            }
        }
        let id = self.mangle(name);
        self.add_id(id, flag, range)
    }

    fn add_id(&mut self, name: NameId, flag: u32, range: Range) -> Result<()> {
        let scope = self.cur_id();
        self.add_to(scope, name, flag, range)
    }

    fn add_to(&mut self, scope: ScopeId, name: NameId, flag: u32, range: Range) -> Result<()> {
        let text = self.names.text(name);
        let scope = &mut self.scopes[scope.0 as usize];
        let mut value = flag;
        if let Some(old) = scope.symbols.get(name) {
            if flag & old & DEF_PARAM != 0 {
                return syntax_error(range, format!("duplicate argument '{text}' in function definition"));
            }
            if flag & old & DEF_TYPE_PARAM != 0 {
                return syntax_error(range, format!("duplicate type parameter '{text}'"));
            }
            value |= old;
        }
        if scope.comp_iter_target && flag & DEF_LOCAL != 0 {
            if value & (DEF_GLOBAL | DEF_NONLOCAL) != 0 {
                return syntax_error(
                    range,
                    format!("comprehension inner loop cannot rebind assignment expression target '{text}'"),
                );
            }
            value |= DEF_COMP_ITER;
        }
        scope.symbols.set(name, value);
        if flag & DEF_PARAM != 0 {
            scope.varnames.push(name);
        } else if flag & DEF_GLOBAL != 0 {
            let top = &mut self.scopes[0].symbols;
            let old = top.get(name).unwrap_or(0);
            top.set(name, old | flag);
        }
        Ok(())
    }

    fn check_name(&self, name: &str, range: Range, ctx: ExprContext) -> Result<()> {
        if name == "__debug__" {
            match ctx {
                ExprContext::Store => return syntax_error(range, "cannot assign to __debug__"),
                ExprContext::Del => return syntax_error(range, "cannot delete __debug__"),
                ExprContext::Load => {}
            }
        }
        Ok(())
    }

    fn nest(&mut self) -> Result<()> {
        self.depth += 1;
        if self.depth > MAX_DEPTH { recursion_error() } else { Ok(()) }
    }

    fn stmts(&mut self, body: Stmts<'a>) -> Result<()> {
        body.iter().try_for_each(|s| self.stmt(s))
    }

    fn exprs(&mut self, list: Exprs<'a>) -> Result<()> {
        list.iter().try_for_each(|e| self.expr(e))
    }

    fn opt(&mut self, e: Option<ExprRef<'a>>) -> Result<()> {
        e.map_or(Ok(()), |e| self.expr(e))
    }

    fn conditional(&mut self, f: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        let old = std::mem::replace(&mut self.cur().in_conditional_block, true);
        f(self)?;
        self.cur().in_conditional_block = old;
        Ok(())
    }

    fn class_scope_seen(&mut self, range: Range) -> Result<()> {
        self.cur().can_see_class_scope = true;
        self.add("__classdict__", USE, range)
    }

    fn stmt(&mut self, s: StmtRef<'a>) -> Result<()> {
        self.nest()?;
        self.stmt_kind(s)?;
        self.depth -= 1;
        Ok(())
    }

    fn stmt_kind(&mut self, s: StmtRef<'a>) -> Result<()> {
        let range = s.range;
        match &s.kind {
            StmtKind::FunctionDef(f) => self.function(s, f, false),
            StmtKind::AsyncFunctionDef(f) => self.function(s, f, true),
            StmtKind::ClassDef(c) => self.class(s, c),
            StmtKind::TypeAlias { name, type_params, value } => self.type_alias(s, name, type_params, value),
            StmtKind::Return { value } => {
                if let Some(value) = value {
                    self.expr(value)?;
                    self.cur().returns_value = true;
                }
                Ok(())
            }
            StmtKind::Delete { targets } => self.exprs(targets),
            StmtKind::Assign { targets, value, .. } => {
                self.exprs(targets)?;
                self.expr(value)
            }
            StmtKind::AugAssign { target, value, .. } => {
                self.expr(target)?;
                self.expr(value)
            }
            StmtKind::AnnAssign { target, annotation, value, simple } => {
                self.ann_assign(range, target, annotation, *value, *simple)
            }
            StmtKind::For(f) | StmtKind::AsyncFor(f) => {
                if matches!(s.kind, StmtKind::AsyncFor(_)) && self.at_top_level() {
                    self.cur().coroutine = true;
                }
                self.expr(f.target)?;
                self.expr(f.iter)?;
                self.conditional(|b| {
                    b.stmts(f.body)?;
                    b.stmts(f.orelse)
                })
            }
            StmtKind::While { test, body, orelse } => {
                self.expr(test)?;
                self.conditional(|b| {
                    b.stmts(body)?;
                    b.stmts(orelse)
                })
            }
            StmtKind::If { .. } => self.conditional(|b| {
                let mut s = s;
                while let StmtKind::If { test, body, orelse } = &s.kind {
                    b.expr(test)?;
                    b.stmts(body)?;
                    match orelse {
                        [only] if matches!(only.kind, StmtKind::If { .. }) => s = only,
                        _ => {
                            b.stmts(orelse)?;
                            break;
                        }
                    }
                }
                Ok(())
            }),
            StmtKind::With { items, body, .. } | StmtKind::AsyncWith { items, body, .. } => {
                if matches!(s.kind, StmtKind::AsyncWith { .. }) && self.at_top_level() {
                    self.cur().coroutine = true;
                }
                self.conditional(|b| {
                    for item in items.iter() {
                        b.expr(item.context_expr)?;
                        b.opt(item.optional_vars)?;
                    }
                    b.stmts(body)
                })
            }
            StmtKind::Match { subject, cases } => {
                self.expr(subject)?;
                self.conditional(|b| {
                    for case in cases.iter() {
                        b.pattern(case.pattern)?;
                        b.opt(case.guard)?;
                        b.stmts(case.body)?;
                    }
                    Ok(())
                })
            }
            StmtKind::Raise { exc, cause } => {
                self.opt(*exc)?;
                self.opt(*cause)
            }
            StmtKind::Try(t) | StmtKind::TryStar(t) => self.conditional(|b| {
                b.stmts(t.body)?;
                for h in t.handlers {
                    b.opt(h.r#type)?;
                    if let Some(name) = h.name {
                        b.check_name(name, h.range, ExprContext::Store)?;
                        b.add(name, DEF_LOCAL, h.range)?;
                    }
                    b.stmts(h.body)?;
                }
                b.stmts(t.orelse)?;
                b.stmts(t.finalbody)
            }),
            StmtKind::Assert { test, msg } => {
                self.expr(test)?;
                self.opt(*msg)
            }
            StmtKind::Import { names } | StmtKind::ImportFrom { names, .. } => {
                for alias in names.iter() {
                    self.alias(alias)?;
                }
                Ok(())
            }
            StmtKind::Global { names } => self.declare(range, names, DEF_GLOBAL, "global"),
            StmtKind::Nonlocal { names } => self.declare(range, names, DEF_NONLOCAL, "nonlocal"),
            StmtKind::Expr { value } => self.expr(value),
            StmtKind::Pass | StmtKind::Break | StmtKind::Continue => Ok(()),
        }
    }

    fn declare(&mut self, range: Range, names: &'a [&'a str], flag: u32, word: &str) -> Result<()> {
        for name in names {
            let id = self.mangle(name);
            let old = self.cur().symbols.get(id).unwrap_or(0);
            let message = if old & DEF_PARAM != 0 {
                format!("name '{name}' is parameter and {word}")
            } else if old & USE != 0 {
                format!("name '{name}' is used prior to {word} declaration")
            } else if old & DEF_ANNOT != 0 {
                format!("annotated name '{name}' can't be {word}")
            } else if old & DEF_LOCAL != 0 {
                format!("name '{name}' is assigned to before {word} declaration")
            } else {
                self.add(name, flag, range)?;
                self.cur().directives.push((id, range));
                continue;
            };
            return syntax_error(range, message);
        }
        Ok(())
    }

    fn alias(&mut self, alias: &Alias<'a>) -> Result<()> {
        let name = alias.asname.unwrap_or(alias.name);
        if name == "*" {
            if self.cur().kind != ScopeKind::Module {
                return syntax_error(alias.range, "import * only allowed at module level");
            }
            return Ok(());
        }
        let name = name.split('.').next().unwrap_or(name);
        self.check_name(name, alias.range, ExprContext::Store)?;
        self.add(name, DEF_IMPORT, alias.range)
    }

    fn function(&mut self, s: StmtRef<'a>, f: &'a FunctionDef<'a>, is_async: bool) -> Result<()> {
        self.check_name(f.name, s.range, ExprContext::Store)?;
        self.add(f.name, DEF_LOCAL, s.range)?;
        self.defaults(f.args)?;
        self.exprs(f.decorator_list)?;
        if !f.type_params.is_empty() {
            let kw = f.args.kw_defaults.iter().any(Option::is_some);
            // CPython always adds `.defaults`, whether there are any or not.
            self.enter_type_params(s, f.name, true, kw, false)?;
            self.type_params(f.type_params)?;
        }
        let name = self.names.intern(f.name);
        // CPython makes the function's scope before its annotations', but enters it after.
        let function_nested = self.new_scope(name, ScopeKind::Function, s.range);
        self.map.insert(Key2(key(s, KeyKind::Own)), function_nested);
        self.function_annotations(s, f)?;
        self.enter_existing(function_nested);
        if is_async {
            self.cur().coroutine = true;
            self.cur().async_def = true;
        }
        self.arguments(f.args)?;
        self.stmts(f.body)?;
        self.exit();
        if !f.type_params.is_empty() {
            self.exit();
        }
        Ok(())
    }

    fn defaults(&mut self, a: &'a Arguments<'a>) -> Result<()> {
        self.exprs(a.defaults)?;
        a.kw_defaults.iter().try_for_each(|d| self.opt(*d))
    }

    fn function_annotations(&mut self, s: StmtRef<'a>, f: &'a FunctionDef<'a>) -> Result<()> {
        let in_class = self.cur().can_see_class_scope || self.cur().kind == ScopeKind::Class;
        let name = self.names.intern("__annotate__");
        let id = self.enter(name, ScopeKind::Annotation, key(s, KeyKind::Annotations), s.range)?;
        if in_class {
            self.class_scope_seen(s.range)?;
        }
        let mut any = false;
        for arg in f.args.posonlyargs.iter().chain(f.args.args) {
            any |= arg.annotation.is_some();
            self.opt(arg.annotation)?;
        }
        for arg in f.args.vararg.into_iter().chain(f.args.kwarg) {
            any |= arg.annotation.is_some();
            self.opt(arg.annotation)?;
        }
        for arg in f.args.kwonlyargs {
            any |= arg.annotation.is_some();
            self.opt(arg.annotation)?;
        }
        any |= f.returns.is_some();
        self.opt(f.returns)?;
        self.scopes[id.0 as usize].annotations_used = any;
        self.exit();
        Ok(())
    }

    fn arguments(&mut self, a: &'a Arguments<'a>) -> Result<()> {
        for arg in a.posonlyargs.iter().chain(a.args).chain(a.kwonlyargs) {
            self.argument(arg)?;
        }
        if let Some(arg) = a.vararg {
            self.argument(arg)?;
            self.cur().varargs = true;
        }
        if let Some(arg) = a.kwarg {
            self.argument(arg)?;
            self.cur().varkeywords = true;
        }
        Ok(())
    }

    fn argument(&mut self, arg: &Arg<'a>) -> Result<()> {
        self.check_name(arg.arg, arg.range, ExprContext::Store)?;
        self.add(arg.arg, DEF_PARAM, arg.range)
    }

    fn enter_type_params(
        &mut self,
        s: StmtRef<'a>,
        name: &'a str,
        defaults: bool,
        kwdefaults: bool,
        is_class: bool,
    ) -> Result<()> {
        let in_class = self.cur().kind == ScopeKind::Class;
        let id = self.names.intern(name);
        self.enter(id, ScopeKind::TypeParameters, key(s, KeyKind::TypeParams), s.range)?;
        if in_class {
            self.class_scope_seen(s.range)?;
        }
        if is_class {
            self.private = Some(name);
            self.cur().mangled_names = Some(Vec::new());
            self.add(".type_params", DEF_LOCAL, s.range)?;
            self.add(".type_params", USE, s.range)?;
            self.add(".generic_base", DEF_LOCAL, s.range)?;
            self.add(".generic_base", USE, s.range)?;
        }
        if defaults {
            self.add(".defaults", DEF_PARAM, s.range)?;
        }
        if kwdefaults {
            self.add(".kwdefaults", DEF_PARAM, s.range)?;
        }
        Ok(())
    }

    fn type_params(&mut self, params: &'a [TypeParam<'a>]) -> Result<()> {
        for p in params {
            let (name, bound, default, default_words) = match p.kind {
                TypeParamKind::TypeVar { name, bound, default_value } => {
                    (name, bound, default_value, "a TypeVar default")
                }
                TypeParamKind::TypeVarTuple { name, default_value } => {
                    (name, None, default_value, "a TypeVarTuple default")
                }
                TypeParamKind::ParamSpec { name, default_value } => {
                    (name, None, default_value, "a ParamSpec default")
                }
            };
            if name == "__classdict__" {
                return syntax_error(
                    p.range,
                    format!("reserved name '{name}' cannot be used for type parameter"),
                );
            }
            self.check_name(name, p.range, ExprContext::Store)?;
            self.add(name, DEF_TYPE_PARAM | DEF_LOCAL, p.range)?;
            if let Some(bound) = bound {
                let words = match bound.kind {
                    ExprKind::Tuple { .. } => "a TypeVar constraint",
                    _ => "a TypeVar bound",
                };
                self.type_variable(p, name, bound, KeyKind::Bound, words)?;
            }
            if let Some(default) = default {
                self.type_variable(p, name, default, KeyKind::Default, default_words)?;
            }
        }
        Ok(())
    }

    fn type_variable(
        &mut self,
        p: &'a TypeParam<'a>,
        name: &'a str,
        e: ExprRef<'a>,
        kind: KeyKind,
        words: &'static str,
    ) -> Result<()> {
        let in_class = self.cur().can_see_class_scope;
        let id = self.names.intern(name);
        self.enter(id, ScopeKind::TypeVariable, key(p, kind), e.range)?;
        if in_class {
            self.class_scope_seen(e.range)?;
        }
        self.cur().scope_info = words;
        self.expr(e)?;
        self.exit();
        Ok(())
    }

    fn type_alias(
        &mut self,
        s: StmtRef<'a>,
        name: ExprRef<'a>,
        params: &'a [TypeParam<'a>],
        value: ExprRef<'a>,
    ) -> Result<()> {
        self.expr(name)?;
        let ExprKind::Name { id: text, .. } = name.kind else { return Ok(()) };
        let in_class = self.cur().kind == ScopeKind::Class;
        if !params.is_empty() {
            self.enter_type_params(s, text, false, false, false)?;
            self.type_params(params)?;
        }
        let id = self.names.intern(text);
        self.enter(id, ScopeKind::TypeAlias, key(s, KeyKind::Own), s.range)?;
        if in_class {
            self.class_scope_seen(value.range)?;
        }
        self.expr(value)?;
        self.exit();
        if !params.is_empty() {
            self.exit();
        }
        Ok(())
    }

    fn class(&mut self, s: StmtRef<'a>, c: &'a ClassDef<'a>) -> Result<()> {
        self.check_name(c.name, s.range, ExprContext::Store)?;
        self.add(c.name, DEF_LOCAL, s.range)?;
        self.exprs(c.decorator_list)?;
        let private = self.private;
        if !c.type_params.is_empty() {
            self.enter_type_params(s, c.name, false, false, true)?;
            self.type_params(c.type_params)?;
        }
        self.exprs(c.bases)?;
        self.keywords(c.keywords)?;
        let id = self.names.intern(c.name);
        self.enter(id, ScopeKind::Class, key(s, KeyKind::Own), s.range)?;
        self.private = Some(c.name);
        if !c.type_params.is_empty() {
            self.add("__type_params__", DEF_LOCAL, s.range)?;
            self.add(".type_params", USE, s.range)?;
        }
        self.stmts(c.body)?;
        self.exit();
        if !c.type_params.is_empty() {
            self.exit();
        }
        self.private = private;
        Ok(())
    }

    fn keywords(&mut self, keywords: &'a [Keyword<'a>]) -> Result<()> {
        for k in keywords {
            if let Some(name) = k.arg {
                self.check_name(name, k.range, ExprContext::Store)?;
            }
        }
        for k in keywords {
            self.expr(k.value)?;
        }
        Ok(())
    }

    fn ann_assign(
        &mut self,
        range: Range,
        target: ExprRef<'a>,
        annotation: ExprRef<'a>,
        value: Option<ExprRef<'a>>,
        simple: bool,
    ) -> Result<()> {
        self.cur().annotations_used = true;
        if let ExprKind::Name { id, ctx } = target.kind {
            self.check_name(id, target.range, ctx)?;
            let name = self.mangle(id);
            let old = self.cur().symbols.get(name).unwrap_or(0);
            if old & (DEF_GLOBAL | DEF_NONLOCAL) != 0 && self.stack.len() > 1 && simple {
                let word = if old & DEF_GLOBAL != 0 { "global" } else { "nonlocal" };
                return syntax_error(range, format!("annotated name '{id}' can't be {word}"));
            }
            if simple {
                self.add(id, DEF_ANNOT | DEF_LOCAL, target.range)?;
            } else if value.is_some() {
                self.add(id, DEF_LOCAL, target.range)?;
            }
        } else {
            self.expr(target)?;
        }
        self.annotation(annotation)?;
        self.opt(value)
    }

    /// Where `await` is allowed for want of a function.
    fn at_top_level(&mut self) -> bool {
        self.top_level_await && self.cur().kind == ScopeKind::Module
    }

    fn annotation(&mut self, e: ExprRef<'a>) -> Result<()> {
        let parent = self.cur_id();
        let (kind, conditional) = (self.cur().kind, self.cur().in_conditional_block);
        if (kind == ScopeKind::Module || kind == ScopeKind::Class && conditional)
            && !self.cur().has_conditional_annotations
        {
            self.cur().has_conditional_annotations = true;
            self.add("__conditional_annotations__", USE, e.range)?;
        }
        match self.cur().annotation_block {
            Some(id) => self.enter_existing(id),
            None => {
                let name = self.names.intern("__annotate__");
                let key: Key = (usize::MAX - parent.0 as usize, KeyKind::Annotations);
                let id = self.enter(name, ScopeKind::Annotation, key, e.range)?;
                self.scopes[parent.0 as usize].annotation_block = Some(id);
                if kind == ScopeKind::Class {
                    self.class_scope_seen(e.range)?;
                }
            }
        }
        self.cur().annotations_used = true;
        let unevaluated = kind == ScopeKind::Function;
        if unevaluated {
            self.cur().in_unevaluated_annotation = true;
        }
        self.expr(e)?;
        self.cur().in_unevaluated_annotation = false;
        self.exit();
        Ok(())
    }

    fn annotation_block_error(&mut self, what: &str, range: Range) -> Result<()> {
        let scope = self.cur();
        let words = match scope.kind {
            ScopeKind::Annotation => "an annotation",
            ScopeKind::TypeVariable => scope.scope_info,
            ScopeKind::TypeAlias => "a type alias",
            ScopeKind::TypeParameters => "the definition of a generic",
            _ => return Ok(()),
        };
        syntax_error(range, format!("{what} cannot be used within {words}"))
    }

    fn comprehension_error(&mut self, range: Range) -> Result<()> {
        let words = match self.cur().comprehension {
            ComprehensionKind::No => return Ok(()),
            ComprehensionKind::List => "'yield' inside list comprehension",
            ComprehensionKind::Set => "'yield' inside set comprehension",
            ComprehensionKind::Dict => "'yield' inside dict comprehension",
            ComprehensionKind::Generator => "'yield' inside generator expression",
        };
        syntax_error(range, words)
    }

    fn expr(&mut self, e: ExprRef<'a>) -> Result<()> {
        self.nest()?;
        self.expr_kind(e)?;
        self.depth -= 1;
        Ok(())
    }

    fn expr_kind(&mut self, e: ExprRef<'a>) -> Result<()> {
        match &e.kind {
            ExprKind::Name { id, ctx } => {
                self.check_name(id, e.range, *ctx)?;
                if !self.cur().in_unevaluated_annotation {
                    let flag = if *ctx == ExprContext::Load { USE } else { DEF_LOCAL };
                    self.add(id, flag, e.range)?;
                    if *ctx == ExprContext::Load && *id == "super" && self.cur().is_function_like() {
                        self.add("__class__", USE, e.range)?;
                    }
                }
                Ok(())
            }
            ExprKind::Constant { .. } => Ok(()),
            ExprKind::Attribute { value, attr, ctx } => {
                self.check_name(attr, e.range, *ctx)?;
                self.expr(value)
            }
            ExprKind::Call { func, args, keywords } => {
                self.expr(func)?;
                self.exprs(args)?;
                self.keywords(keywords)
            }
            ExprKind::BinOp { .. } => {
                // Long chains lean to the left: walk them without recursion.
                let mut rights = Vec::new();
                let mut left = e;
                while let ExprKind::BinOp { left: l, right, .. } = &left.kind {
                    rights.push(*right);
                    left = l;
                }
                if rights.len() > 200_000 {
                    return recursion_error();
                }
                self.expr(left)?;
                rights.into_iter().rev().try_for_each(|r| self.expr(r))
            }
            ExprKind::BoolOp { values, .. } => self.exprs(values),
            ExprKind::NamedExpr { target, value } => self.named_expr(e, target, value),
            ExprKind::UnaryOp { operand, .. } => self.expr(operand),
            ExprKind::Lambda { args, body } => {
                self.defaults(args)?;
                let name = self.names.intern("lambda");
                self.enter(name, ScopeKind::Function, key(e, KeyKind::Own), e.range)?;
                self.arguments(args)?;
                self.expr(body)?;
                self.exit();
                Ok(())
            }
            ExprKind::IfExp { test, body, orelse } => {
                self.expr(test)?;
                self.expr(body)?;
                self.expr(orelse)
            }
            ExprKind::Dict { keys, values } => {
                keys.iter().try_for_each(|k| self.opt(*k))?;
                self.exprs(values)
            }
            ExprKind::Set { elts } | ExprKind::List { elts, .. } | ExprKind::Tuple { elts, .. } => {
                self.exprs(elts)
            }
            ExprKind::ListComp { elt, generators } => {
                self.comprehension(e, "listcomp", ComprehensionKind::List, generators, elt, None)
            }
            ExprKind::SetComp { elt, generators } => {
                self.comprehension(e, "setcomp", ComprehensionKind::Set, generators, elt, None)
            }
            ExprKind::DictComp { key, value, generators } => {
                self.comprehension(e, "dictcomp", ComprehensionKind::Dict, generators, key, Some(value))
            }
            ExprKind::GeneratorExp { elt, generators } => {
                self.comprehension(e, "genexpr", ComprehensionKind::Generator, generators, elt, None)
            }
            ExprKind::Await { value } => {
                self.annotation_block_error("await expression", e.range)?;
                if !self.at_top_level() {
                    let scope = self.cur();
                    if !scope.is_function_like() {
                        return syntax_error(e.range, "'await' outside function");
                    }
                    if !scope.async_def && scope.comprehension == ComprehensionKind::No {
                        return syntax_error(e.range, "'await' outside async function");
                    }
                }
                self.expr(value)?;
                self.cur().coroutine = true;
                Ok(())
            }
            ExprKind::Yield { value } => {
                self.annotation_block_error("yield expression", e.range)?;
                self.opt(*value)?;
                self.cur().generator = true;
                self.comprehension_error(e.range)
            }
            ExprKind::YieldFrom { value } => {
                self.annotation_block_error("yield expression", e.range)?;
                self.expr(value)?;
                self.cur().generator = true;
                self.comprehension_error(e.range)
            }
            ExprKind::Compare { left, comparators, .. } => {
                self.expr(left)?;
                self.exprs(comparators)
            }
            ExprKind::FormattedValue { value, format_spec, .. }
            | ExprKind::Interpolation { value, format_spec, .. } => {
                self.expr(value)?;
                self.opt(*format_spec)
            }
            ExprKind::JoinedStr { values } | ExprKind::TemplateStr { values } => self.exprs(values),
            ExprKind::Subscript { value, slice, .. } => {
                self.expr(value)?;
                self.expr(slice)
            }
            ExprKind::Starred { value, .. } => self.expr(value),
            ExprKind::Slice { lower, upper, step } => {
                self.opt(*lower)?;
                self.opt(*upper)?;
                self.opt(*step)
            }
        }
    }

    fn comprehension(
        &mut self,
        e: ExprRef<'a>,
        name: &str,
        kind: ComprehensionKind,
        generators: &'a [Comprehension<'a>],
        elt: ExprRef<'a>,
        value: Option<ExprRef<'a>>,
    ) -> Result<()> {
        let Some((first, rest)) = generators.split_first() else { return Ok(()) };
        // The outermost iterable belongs to the enclosing scope.
        self.cur().comp_iter_expr += 1;
        self.expr(first.iter)?;
        self.cur().comp_iter_expr -= 1;
        let name = self.names.intern(name);
        self.enter(name, ScopeKind::Function, key(e, KeyKind::Own), e.range)?;
        self.cur().comprehension = kind;
        if first.is_async {
            self.cur().coroutine = true;
        }
        self.add(".0", DEF_PARAM, e.range)?;
        self.comp_target(first.target)?;
        self.exprs(first.ifs)?;
        for g in rest {
            self.comp_target(g.target)?;
            self.cur().comp_iter_expr += 1;
            self.expr(g.iter)?;
            self.cur().comp_iter_expr -= 1;
            self.exprs(g.ifs)?;
            if g.is_async {
                self.cur().coroutine = true;
            }
        }
        self.opt(value)?;
        self.expr(elt)?;
        let is_generator = kind == ComprehensionKind::Generator;
        self.cur().generator = is_generator;
        let is_async = self.cur().coroutine && !is_generator;
        self.exit();
        if is_async {
            let outer = self.cur();
            let allowed = outer.async_def || outer.comprehension != ComprehensionKind::No;
            if !allowed && !self.at_top_level() {
                return syntax_error(
                    e.range,
                    "asynchronous comprehension outside of an asynchronous function",
                );
            }
            self.cur().coroutine = true;
        }
        Ok(())
    }

    fn comp_target(&mut self, target: ExprRef<'a>) -> Result<()> {
        self.cur().comp_iter_target = true;
        self.expr(target)?;
        self.cur().comp_iter_target = false;
        Ok(())
    }

    fn named_expr(&mut self, e: ExprRef<'a>, target: ExprRef<'a>, value: ExprRef<'a>) -> Result<()> {
        self.annotation_block_error("named expression", e.range)?;
        if self.cur().comp_iter_expr > 0 {
            return syntax_error(
                e.range,
                "assignment expression cannot be used in a comprehension iterable expression",
            );
        }
        self.cur().has_walrus = true;
        if self.cur().comprehension != ComprehensionKind::No {
            self.extend_named_expr(target)?;
        }
        self.expr(value)?;
        self.expr(target)
    }

    /// A walrus in a comprehension binds in the function or module around it.
    fn extend_named_expr(&mut self, target: ExprRef<'a>) -> Result<()> {
        let ExprKind::Name { id: name, .. } = target.kind else { return Ok(()) };
        let range = target.range;
        for i in (0..self.stack.len()).rev() {
            let id = self.stack[i];
            let scope = &mut self.scopes[id.0 as usize];
            if scope.comprehension != ComprehensionKind::No {
                scope.has_walrus = true;
                let mangled = self.names.intern_mangled(self.private, name);
                if self.scopes[id.0 as usize].symbols.get(mangled).unwrap_or(0) & DEF_COMP_ITER != 0 {
                    return syntax_error(
                        range,
                        format!(
                            "assignment expression cannot rebind comprehension iteration variable '{name}'"
                        ),
                    );
                }
                continue;
            }
            scope.has_walrus = true;
            match scope.kind {
                ScopeKind::Function => {
                    let mangled = self.names.intern_mangled(self.private, name);
                    let flags = self.scopes[id.0 as usize].symbols.get(mangled).unwrap_or(0);
                    let flag = if flags & DEF_GLOBAL != 0 { DEF_GLOBAL } else { DEF_NONLOCAL };
                    self.add(name, flag, range)?;
                    self.cur().directives.push((mangled, range));
                    return self.add_to(id, mangled, DEF_LOCAL, range);
                }
                ScopeKind::Module => {
                    let mangled = self.names.intern_mangled(self.private, name);
                    self.add(name, DEF_GLOBAL, range)?;
                    self.cur().directives.push((mangled, range));
                    return self.add_to(id, mangled, DEF_GLOBAL, range);
                }
                ScopeKind::Class => {
                    return syntax_error(
                        range,
                        "assignment expression within a comprehension cannot be used in a class body",
                    );
                }
                ScopeKind::TypeParameters => {
                    return syntax_error(
                        range,
                        "assignment expression within a comprehension cannot be used within the definition of a generic",
                    );
                }
                ScopeKind::TypeAlias => {
                    return syntax_error(
                        range,
                        "assignment expression within a comprehension cannot be used in a type alias",
                    );
                }
                ScopeKind::TypeVariable => {
                    return syntax_error(
                        range,
                        "assignment expression within a comprehension cannot be used in a TypeVar bound",
                    );
                }
                ScopeKind::Annotation => {
                    return syntax_error(
                        range,
                        "assignment expression within a comprehension cannot be used in an annotation",
                    );
                }
            }
        }
        Ok(())
    }

    fn pattern(&mut self, p: &'a Pattern<'a>) -> Result<()> {
        self.nest()?;
        match &p.kind {
            PatternKind::MatchValue { value } => self.expr(value)?,
            PatternKind::MatchSingleton { .. } => {}
            PatternKind::MatchSequence { patterns } | PatternKind::MatchOr { patterns } => {
                patterns.iter().try_for_each(|p| self.pattern(p))?;
            }
            PatternKind::MatchStar { name } => self.capture(*name, p.range)?,
            PatternKind::MatchMapping { keys, patterns, rest } => {
                self.exprs(keys)?;
                patterns.iter().try_for_each(|p| self.pattern(p))?;
                self.capture(*rest, p.range)?;
            }
            PatternKind::MatchClass { cls, patterns, kwd_attrs, kwd_patterns } => {
                self.expr(cls)?;
                patterns.iter().try_for_each(|p| self.pattern(p))?;
                for (attr, p) in kwd_attrs.iter().zip(kwd_patterns.iter()) {
                    self.check_name(attr, p.range, ExprContext::Store)?;
                }
                kwd_patterns.iter().try_for_each(|p| self.pattern(p))?;
            }
            PatternKind::MatchAs { pattern, name } => {
                if let Some(p) = pattern {
                    self.pattern(p)?;
                }
                self.capture(*name, p.range)?;
            }
        }
        self.depth -= 1;
        Ok(())
    }

    fn capture(&mut self, name: Option<&'a str>, range: Range) -> Result<()> {
        if let Some(name) = name {
            self.check_name(name, range, ExprContext::Store)?;
            self.add(name, DEF_LOCAL, range)?;
        }
        Ok(())
    }
}
