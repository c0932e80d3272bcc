//! Trees as text, as `ast.dump(tree, include_attributes=True)` writes them (with `ascii` for `repr`).

use std::fmt::Write;

use taipan_syntax::LineIndex;
use taipan_syntax::ast::*;

/// Writes a tree as text.
struct Dumper {
    out: String,
    index: LineIndex,
    first: Vec<bool>,
}

fn ascii(bytes: &[u8], is_bytes: bool) -> String {
    let mut s = String::new();
    if is_bytes {
        s.push('b');
    }
    let quote = if bytes.contains(&b'\'') && !bytes.contains(&b'"') { '"' } else { '\'' };
    s.push(quote);
    let mut i = 0;
    while i < bytes.len() {
        let b = bytes[i];
        if b < 128 || is_bytes {
            i += 1;
            match b {
                b'\\' => s.push_str("\\\\"),
                b'\n' => s.push_str("\\n"),
                b'\r' => s.push_str("\\r"),
                b'\t' => s.push_str("\\t"),
                _ if b as char == quote => {
                    s.push('\\');
                    s.push(quote);
                }
                0x20..=0x7e => s.push(b as char),
                _ => {
                    let _ = write!(s, "\\x{b:02x}");
                }
            }
            continue;
        }
        let (n, mut c) = match b {
            0xC0..=0xDF => (2, u32::from(b & 0x1F)),
            0xE0..=0xEF => (3, u32::from(b & 0x0F)),
            _ => (4, u32::from(b & 7)),
        };
        for k in 1..n {
            c = c << 6 | u32::from(bytes.get(i + k).copied().unwrap_or(0) & 0x3F);
        }
        i += n;
        let _ = match c {
            0..=0xFF => write!(s, "\\x{c:02x}"),
            0x100..=0xFFFF => write!(s, "\\u{c:04x}"),
            _ => write!(s, "\\U{c:08x}"),
        };
    }
    s.push(quote);
    s
}

fn float(v: f64) -> String {
    if v.is_infinite() {
        return "inf".into();
    }
    let s = format!("{v:e}");
    let (mantissa, exp) = s.split_once('e').unwrap_or((&s, "0"));
    let exp: i32 = exp.parse().unwrap_or(0);
    if (-4..16).contains(&exp) {
        let plain = format!("{v}");
        if plain.contains('.') { plain } else { format!("{plain}.0") }
    } else {
        format!("{mantissa}e{}{:02}", if exp < 0 { '-' } else { '+' }, exp.abs())
    }
}

fn imaginary(v: f64) -> String {
    let s = float(v);
    format!("{}j", s.strip_suffix(".0").unwrap_or(&s))
}

fn big(digits: &str, radix: u32) -> String {
    if radix == 10 {
        return digits.trim_start_matches('0').to_string();
    }
    let mut limbs: Vec<u64> = vec![0];
    for d in digits.chars() {
        let mut carry = u64::from(d.to_digit(radix).unwrap_or(0));
        for l in &mut limbs {
            let v = *l * u64::from(radix) + carry;
            *l = v % 1_000_000_000;
            carry = v / 1_000_000_000;
        }
        if carry > 0 {
            limbs.push(carry);
        }
    }
    let mut s = limbs.pop().unwrap_or(0).to_string();
    for l in limbs.iter().rev() {
        let _ = write!(s, "{l:09}");
    }
    s
}

impl Dumper {
    fn open(&mut self, name: &str) {
        self.out.push_str(name);
        self.out.push('(');
        self.first.push(true);
    }
    fn key(&mut self, name: &str) {
        if let Some(f) = self.first.last_mut() {
            if !*f {
                self.out.push_str(", ");
            }
            *f = false;
        }
        self.out.push_str(name);
        self.out.push('=');
    }
    fn close(&mut self) {
        self.first.pop();
        self.out.push(')');
    }
    fn end(&mut self, r: Range) {
        let (l, c) = self.index.line_col(r.start);
        let (el, ec) = self.index.line_col(r.end);
        self.key("lineno");
        let _ = write!(self.out, "{l}");
        self.key("col_offset");
        let _ = write!(self.out, "{c}");
        self.key("end_lineno");
        let _ = write!(self.out, "{el}");
        self.key("end_col_offset");
        let _ = write!(self.out, "{ec}");
        self.close();
    }
    fn list<T>(&mut self, name: &str, items: &[T], mut f: impl FnMut(&mut Self, &T)) {
        if items.is_empty() {
            return;
        }
        self.key(name);
        self.out.push('[');
        for (i, x) in items.iter().enumerate() {
            if i > 0 {
                self.out.push_str(", ");
            }
            f(self, x);
        }
        self.out.push(']');
    }
    fn exprs(&mut self, name: &str, items: Exprs<'_>) {
        self.list(name, items, |s, e| s.expr(e));
    }
    fn body(&mut self, name: &str, items: Stmts<'_>) {
        self.list(name, items, |s, e| s.stmt(e));
    }
    fn field(&mut self, name: &str, e: ExprRef<'_>) {
        self.key(name);
        self.expr(e);
    }
    fn opt(&mut self, name: &str, e: Option<ExprRef<'_>>) {
        if let Some(e) = e {
            self.field(name, e);
        }
    }
    fn string(&mut self, name: &str, s: &str) {
        self.key(name);
        let s = ascii(s.as_bytes(), false);
        self.out.push_str(&s);
    }
    fn opt_string(&mut self, name: &str, s: Option<&str>) {
        if let Some(s) = s {
            self.string(name, s);
        }
    }
    fn raw(&mut self, name: &str, v: impl std::fmt::Display) {
        self.key(name);
        let _ = write!(self.out, "{v}");
    }
    fn node(&mut self, name: &str, v: impl std::fmt::Debug) {
        self.key(name);
        let _ = write!(self.out, "{v:?}()");
    }
    fn ctx(&mut self, c: ExprContext) {
        self.node("ctx", c);
    }

    fn constant(&mut self, c: &Constant<'_>) -> bool {
        match c {
            Constant::None => self.out.push_str("None"),
            Constant::True => self.out.push_str("True"),
            Constant::False => self.out.push_str("False"),
            Constant::Ellipsis => self.out.push_str("Ellipsis"),
            Constant::Int(IntLiteral::Small(v)) => {
                let _ = write!(self.out, "{v}");
            }
            Constant::Int(IntLiteral::Big { digits, radix }) => self.out.push_str(&big(digits, *radix)),
            Constant::Float(v) => self.out.push_str(&float(*v)),
            Constant::Imaginary(v) => self.out.push_str(&imaginary(*v)),
            Constant::Str { value, kind_u } => {
                self.out.push_str(&ascii(value, false));
                return *kind_u;
            }
            Constant::Bytes(b) => self.out.push_str(&ascii(b, true)),
        }
        false
    }

    fn comps(&mut self, items: &[Comprehension<'_>]) {
        self.list("generators", items, |s, g| {
            s.open("comprehension");
            s.field("target", g.target);
            s.field("iter", g.iter);
            s.exprs("ifs", g.ifs);
            s.raw("is_async", g.is_async as u8);
            s.close();
        });
    }

    fn expr(&mut self, e: &Expr<'_>) {
        match e.kind {
            ExprKind::BoolOp { op, values } => {
                self.open("BoolOp");
                self.node("op", op);
                self.exprs("values", values);
            }
            ExprKind::NamedExpr { target, value } => {
                self.open("NamedExpr");
                self.field("target", target);
                self.field("value", value);
            }
            ExprKind::BinOp { left, op, right } => {
                self.open("BinOp");
                self.field("left", left);
                self.node("op", op);
                self.field("right", right);
            }
            ExprKind::UnaryOp { op, operand } => {
                self.open("UnaryOp");
                self.node("op", op);
                self.field("operand", operand);
            }
            ExprKind::Lambda { args, body } => {
                self.open("Lambda");
                self.key("args");
                self.arguments(args);
                self.field("body", body);
            }
            ExprKind::IfExp { test, body, orelse } => {
                self.open("IfExp");
                self.field("test", test);
                self.field("body", body);
                self.field("orelse", orelse);
            }
            ExprKind::Dict { keys, values } => {
                self.open("Dict");
                self.list("keys", keys, |s, k| match k {
                    Some(k) => s.expr(k),
                    None => s.out.push_str("None"),
                });
                self.exprs("values", values);
            }
            ExprKind::Set { elts } => {
                self.open("Set");
                self.exprs("elts", elts);
            }
            ExprKind::ListComp { elt, generators } => {
                self.open("ListComp");
                self.field("elt", elt);
                self.comps(generators);
            }
            ExprKind::SetComp { elt, generators } => {
                self.open("SetComp");
                self.field("elt", elt);
                self.comps(generators);
            }
            ExprKind::DictComp { key, value, generators } => {
                self.open("DictComp");
                self.field("key", key);
                self.field("value", value);
                self.comps(generators);
            }
            ExprKind::GeneratorExp { elt, generators } => {
                self.open("GeneratorExp");
                self.field("elt", elt);
                self.comps(generators);
            }
            ExprKind::Await { value } => {
                self.open("Await");
                self.field("value", value);
            }
            ExprKind::Yield { value } => {
                self.open("Yield");
                self.opt("value", value);
            }
            ExprKind::YieldFrom { value } => {
                self.open("YieldFrom");
                self.field("value", value);
            }
            ExprKind::Compare { left, ops, comparators } => {
                self.open("Compare");
                self.field("left", left);
                self.list("ops", ops, |s, o| {
                    let _ = write!(s.out, "{o:?}()");
                });
                self.exprs("comparators", comparators);
            }
            ExprKind::Call { func, args, keywords } => {
                self.open("Call");
                self.field("func", func);
                self.exprs("args", args);
                self.list("keywords", keywords, |s, k| s.keyword(k));
            }
            ExprKind::FormattedValue { value, conversion, format_spec } => {
                self.open("FormattedValue");
                self.field("value", value);
                self.raw("conversion", conversion);
                self.opt("format_spec", format_spec);
            }
            ExprKind::Interpolation { value, str, conversion, format_spec } => {
                self.open("Interpolation");
                self.field("value", value);
                self.key("str");
                self.constant(&str);
                self.raw("conversion", conversion);
                self.opt("format_spec", format_spec);
            }
            ExprKind::JoinedStr { values } => {
                self.open("JoinedStr");
                self.exprs("values", values);
            }
            ExprKind::TemplateStr { values } => {
                self.open("TemplateStr");
                self.exprs("values", values);
            }
            ExprKind::Constant { value } => {
                self.open("Constant");
                self.key("value");
                if self.constant(&value) {
                    self.string("kind", "u");
                }
            }
            ExprKind::Attribute { value, attr, ctx } => {
                self.open("Attribute");
                self.field("value", value);
                self.string("attr", attr);
                self.ctx(ctx);
            }
            ExprKind::Subscript { value, slice, ctx } => {
                self.open("Subscript");
                self.field("value", value);
                self.field("slice", slice);
                self.ctx(ctx);
            }
            ExprKind::Starred { value, ctx } => {
                self.open("Starred");
                self.field("value", value);
                self.ctx(ctx);
            }
            ExprKind::Name { id, ctx } => {
                self.open("Name");
                self.string("id", id);
                self.ctx(ctx);
            }
            ExprKind::List { elts, ctx } => {
                self.open("List");
                self.exprs("elts", elts);
                self.ctx(ctx);
            }
            ExprKind::Tuple { elts, ctx } => {
                self.open("Tuple");
                self.exprs("elts", elts);
                self.ctx(ctx);
            }
            ExprKind::Slice { lower, upper, step } => {
                self.open("Slice");
                self.opt("lower", lower);
                self.opt("upper", upper);
                self.opt("step", step);
            }
        }
        self.end(e.range);
    }

    fn keyword(&mut self, k: &Keyword<'_>) {
        self.open("keyword");
        self.opt_string("arg", k.arg);
        self.field("value", k.value);
        self.end(k.range);
    }

    fn arg(&mut self, a: &Arg<'_>) {
        self.open("arg");
        self.string("arg", a.arg);
        self.opt("annotation", a.annotation);
        self.opt_string("type_comment", a.type_comment);
        self.end(a.range);
    }

    fn arguments(&mut self, a: &Arguments<'_>) {
        self.open("arguments");
        self.list("posonlyargs", a.posonlyargs, |s, a| s.arg(a));
        self.list("args", a.args, |s, a| s.arg(a));
        if let Some(v) = a.vararg {
            self.key("vararg");
            self.arg(v);
        }
        self.list("kwonlyargs", a.kwonlyargs, |s, a| s.arg(a));
        self.list("kw_defaults", a.kw_defaults, |s, d| match d {
            Some(d) => s.expr(d),
            None => s.out.push_str("None"),
        });
        if let Some(v) = a.kwarg {
            self.key("kwarg");
            self.arg(v);
        }
        self.exprs("defaults", a.defaults);
        self.close();
    }

    fn type_params(&mut self, items: &[TypeParam<'_>]) {
        self.list("type_params", items, |s, t| {
            match t.kind {
                TypeParamKind::TypeVar { name, bound, default_value } => {
                    s.open("TypeVar");
                    s.string("name", name);
                    s.opt("bound", bound);
                    s.opt("default_value", default_value);
                }
                TypeParamKind::ParamSpec { name, default_value } => {
                    s.open("ParamSpec");
                    s.string("name", name);
                    s.opt("default_value", default_value);
                }
                TypeParamKind::TypeVarTuple { name, default_value } => {
                    s.open("TypeVarTuple");
                    s.string("name", name);
                    s.opt("default_value", default_value);
                }
            }
            s.end(t.range);
        });
    }

    fn function(&mut self, name: &str, f: &FunctionDef<'_>) {
        self.open(name);
        self.string("name", f.name);
        self.key("args");
        self.arguments(f.args);
        self.body("body", f.body);
        self.exprs("decorator_list", f.decorator_list);
        self.opt("returns", f.returns);
        self.opt_string("type_comment", f.type_comment);
        self.type_params(f.type_params);
    }

    fn for_loop(&mut self, name: &str, f: &For<'_>) {
        self.open(name);
        self.field("target", f.target);
        self.field("iter", f.iter);
        self.body("body", f.body);
        self.body("orelse", f.orelse);
        self.opt_string("type_comment", f.type_comment);
    }

    fn with(&mut self, name: &str, items: &[WithItem<'_>], body: Stmts<'_>, comment: Option<&str>) {
        self.open(name);
        self.list("items", items, |s, i| {
            s.open("withitem");
            s.field("context_expr", i.context_expr);
            s.opt("optional_vars", i.optional_vars);
            s.close();
        });
        self.body("body", body);
        self.opt_string("type_comment", comment);
    }

    fn try_block(&mut self, name: &str, t: &Try<'_>) {
        self.open(name);
        self.body("body", t.body);
        self.list("handlers", t.handlers, |s, h| {
            s.open("ExceptHandler");
            s.opt("type", h.r#type);
            s.opt_string("name", h.name);
            s.body("body", h.body);
            s.end(h.range);
        });
        self.body("orelse", t.orelse);
        self.body("finalbody", t.finalbody);
    }

    fn aliases(&mut self, names: &[Alias<'_>]) {
        self.list("names", names, |s, a| {
            s.open("alias");
            s.string("name", a.name);
            s.opt_string("asname", a.asname);
            s.end(a.range);
        });
    }

    fn names(&mut self, names: &[&str]) {
        self.list("names", names, |s, n| s.out.push_str(&ascii(n.as_bytes(), false)));
    }

    fn stmt(&mut self, st: &Stmt<'_>) {
        match st.kind {
            StmtKind::FunctionDef(f) => self.function("FunctionDef", f),
            StmtKind::AsyncFunctionDef(f) => self.function("AsyncFunctionDef", f),
            StmtKind::ClassDef(c) => {
                self.open("ClassDef");
                self.string("name", c.name);
                self.exprs("bases", c.bases);
                self.list("keywords", c.keywords, |s, k| s.keyword(k));
                self.body("body", c.body);
                self.exprs("decorator_list", c.decorator_list);
                self.type_params(c.type_params);
            }
            StmtKind::Return { value } => {
                self.open("Return");
                self.opt("value", value);
            }
            StmtKind::Delete { targets } => {
                self.open("Delete");
                self.exprs("targets", targets);
            }
            StmtKind::Assign { targets, value, type_comment } => {
                self.open("Assign");
                self.exprs("targets", targets);
                self.field("value", value);
                self.opt_string("type_comment", type_comment);
            }
            StmtKind::TypeAlias { name, type_params, value } => {
                self.open("TypeAlias");
                self.field("name", name);
                self.type_params(type_params);
                self.field("value", value);
            }
            StmtKind::AugAssign { target, op, value } => {
                self.open("AugAssign");
                self.field("target", target);
                self.node("op", op);
                self.field("value", value);
            }
            StmtKind::AnnAssign { target, annotation, value, simple } => {
                self.open("AnnAssign");
                self.field("target", target);
                self.field("annotation", annotation);
                self.opt("value", value);
                self.raw("simple", simple as u8);
            }
            StmtKind::For(f) => self.for_loop("For", f),
            StmtKind::AsyncFor(f) => self.for_loop("AsyncFor", f),
            StmtKind::While { test, body, orelse } => {
                self.open("While");
                self.field("test", test);
                self.body("body", body);
                self.body("orelse", orelse);
            }
            StmtKind::If { test, body, orelse } => {
                self.open("If");
                self.field("test", test);
                self.body("body", body);
                self.body("orelse", orelse);
            }
            StmtKind::With { items, body, type_comment } => self.with("With", items, body, type_comment),
            StmtKind::AsyncWith { items, body, type_comment } => {
                self.with("AsyncWith", items, body, type_comment)
            }
            StmtKind::Match { subject, cases } => {
                self.open("Match");
                self.field("subject", subject);
                self.list("cases", cases, |s, c| {
                    s.open("match_case");
                    s.key("pattern");
                    s.pattern(c.pattern);
                    s.opt("guard", c.guard);
                    s.body("body", c.body);
                    s.close();
                });
            }
            StmtKind::Raise { exc, cause } => {
                self.open("Raise");
                self.opt("exc", exc);
                self.opt("cause", cause);
            }
            StmtKind::Try(t) => self.try_block("Try", t),
            StmtKind::TryStar(t) => self.try_block("TryStar", t),
            StmtKind::Assert { test, msg } => {
                self.open("Assert");
                self.field("test", test);
                self.opt("msg", msg);
            }
            StmtKind::Import { names } => {
                self.open("Import");
                self.aliases(names);
            }
            StmtKind::ImportFrom { module, names, level } => {
                self.open("ImportFrom");
                self.opt_string("module", module);
                self.aliases(names);
                self.raw("level", level);
            }
            StmtKind::Global { names } => {
                self.open("Global");
                self.names(names);
            }
            StmtKind::Nonlocal { names } => {
                self.open("Nonlocal");
                self.names(names);
            }
            StmtKind::Expr { value } => {
                self.open("Expr");
                self.field("value", value);
            }
            StmtKind::Pass => self.open("Pass"),
            StmtKind::Break => self.open("Break"),
            StmtKind::Continue => self.open("Continue"),
        }
        self.end(st.range);
    }

    fn patterns(&mut self, name: &str, items: &[&Pattern<'_>]) {
        self.list(name, items, |s, p| s.pattern(p));
    }

    fn pattern(&mut self, p: &Pattern<'_>) {
        match p.kind {
            PatternKind::MatchValue { value } => {
                self.open("MatchValue");
                self.field("value", value);
            }
            PatternKind::MatchSingleton { value } => {
                self.open("MatchSingleton");
                self.key("value");
                self.constant(&value);
            }
            PatternKind::MatchSequence { patterns } => {
                self.open("MatchSequence");
                self.patterns("patterns", patterns);
            }
            PatternKind::MatchMapping { keys, patterns, rest } => {
                self.open("MatchMapping");
                self.exprs("keys", keys);
                self.patterns("patterns", patterns);
                self.opt_string("rest", rest);
            }
            PatternKind::MatchClass { cls, patterns, kwd_attrs, kwd_patterns } => {
                self.open("MatchClass");
                self.field("cls", cls);
                self.patterns("patterns", patterns);
                self.list("kwd_attrs", kwd_attrs, |s, n| s.out.push_str(&ascii(n.as_bytes(), false)));
                self.patterns("kwd_patterns", kwd_patterns);
            }
            PatternKind::MatchStar { name } => {
                self.open("MatchStar");
                self.opt_string("name", name);
            }
            PatternKind::MatchAs { pattern, name } => {
                self.open("MatchAs");
                if let Some(p) = pattern {
                    self.key("pattern");
                    self.pattern(p);
                }
                self.opt_string("name", name);
            }
            PatternKind::MatchOr { patterns } => {
                self.open("MatchOr");
                self.patterns("patterns", patterns);
            }
        }
        self.end(p.range);
    }

    fn module(&mut self, m: &Mod<'_>) {
        match m {
            Mod::Module { body, .. } => {
                self.open("Module");
                self.body("body", body);
            }
            Mod::Interactive { body } => {
                self.open("Interactive");
                self.body("body", body);
            }
            Mod::Expression { body } => {
                self.open("Expression");
                self.field("body", body);
            }
            Mod::FunctionType { argtypes, returns } => {
                self.open("FunctionType");
                self.exprs("argtypes", argtypes);
                self.field("returns", returns);
            }
        }
        self.close();
    }
}

/// The text of `module`, parsed from `source`.
pub fn dump_module(module: &Mod<'_>, source: &str) -> String {
    let mut d = Dumper { out: String::new(), index: LineIndex::new(source), first: Vec::new() };
    d.module(module);
    d.out
}
