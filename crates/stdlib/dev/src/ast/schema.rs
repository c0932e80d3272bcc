//! The node classes of `_ast` as a table: group, constructor, fields. The text
//! of a row is the docstring of its class.

use std::sync::OnceLock;

/// Positions, on most groups.
pub const ATTRIBUTES: [&str; 4] = ["lineno", "col_offset", "end_lineno", "end_col_offset"];

/// Groups with `*` have positions; a group with one constructor of its own name
/// (`=`) is that class.
const TABLE: &str = "\
mod:
Module(stmt* body, type_ignore* type_ignores)
Interactive(stmt* body)
Expression(expr body)
FunctionType(expr* argtypes, expr returns)
stmt*:
FunctionDef(identifier name, arguments args, stmt* body, expr* decorator_list, expr? returns, string? type_comment, type_param* type_params)
AsyncFunctionDef(identifier name, arguments args, stmt* body, expr* decorator_list, expr? returns, string? type_comment, type_param* type_params)
ClassDef(identifier name, expr* bases, keyword* keywords, stmt* body, expr* decorator_list, type_param* type_params)
Return(expr? value)
Delete(expr* targets)
Assign(expr* targets, expr value, string? type_comment)
TypeAlias(expr name, type_param* type_params, expr value)
AugAssign(expr target, operator op, expr value)
AnnAssign(expr target, expr annotation, expr? value, int simple)
For(expr target, expr iter, stmt* body, stmt* orelse, string? type_comment)
AsyncFor(expr target, expr iter, stmt* body, stmt* orelse, string? type_comment)
While(expr test, stmt* body, stmt* orelse)
If(expr test, stmt* body, stmt* orelse)
With(withitem* items, stmt* body, string? type_comment)
AsyncWith(withitem* items, stmt* body, string? type_comment)
Match(expr subject, match_case* cases)
Raise(expr? exc, expr? cause)
Try(stmt* body, excepthandler* handlers, stmt* orelse, stmt* finalbody)
TryStar(stmt* body, excepthandler* handlers, stmt* orelse, stmt* finalbody)
Assert(expr test, expr? msg)
Import(alias* names)
ImportFrom(identifier? module, alias* names, int? level)
Global(identifier* names)
Nonlocal(identifier* names)
Expr(expr value)
Pass
Break
Continue
expr*:
BoolOp(boolop op, expr* values)
NamedExpr(expr target, expr value)
BinOp(expr left, operator op, expr right)
UnaryOp(unaryop op, expr operand)
Lambda(arguments args, expr body)
IfExp(expr test, expr body, expr orelse)
Dict(expr?* keys, expr* values)
Set(expr* elts)
ListComp(expr elt, comprehension* generators)
SetComp(expr elt, comprehension* generators)
DictComp(expr key, expr value, comprehension* generators)
GeneratorExp(expr elt, comprehension* generators)
Await(expr value)
Yield(expr? value)
YieldFrom(expr value)
Compare(expr left, cmpop* ops, expr* comparators)
Call(expr func, expr* args, keyword* keywords)
FormattedValue(expr value, int conversion, expr? format_spec)
Interpolation(expr value, constant str, int conversion, expr? format_spec)
JoinedStr(expr* values)
TemplateStr(expr* values)
Constant(constant value, string? kind)
Attribute(expr value, identifier attr, expr_context ctx)
Subscript(expr value, expr slice, expr_context ctx)
Starred(expr value, expr_context ctx)
Name(identifier id, expr_context ctx)
List(expr* elts, expr_context ctx)
Tuple(expr* elts, expr_context ctx)
Slice(expr? lower, expr? upper, expr? step)
expr_context:
Load
Store
Del
boolop:
And
Or
operator:
Add
Sub
Mult
MatMult
Div
Mod
Pow
LShift
RShift
BitOr
BitXor
BitAnd
FloorDiv
unaryop:
Invert
Not
UAdd
USub
cmpop:
Eq
NotEq
Lt
LtE
Gt
GtE
Is
IsNot
In
NotIn
=comprehension(expr target, expr iter, expr* ifs, int is_async)
excepthandler*:
ExceptHandler(expr? type, identifier? name, stmt* body)
=arguments(arg* posonlyargs, arg* args, arg? vararg, arg* kwonlyargs, expr?* kw_defaults, arg? kwarg, expr* defaults)
=*arg(identifier arg, expr? annotation, string? type_comment)
=*keyword(identifier? arg, expr value)
=*alias(identifier name, identifier? asname)
=withitem(expr context_expr, expr? optional_vars)
=match_case(pattern pattern, expr? guard, stmt* body)
pattern*:
MatchValue(expr value)
MatchSingleton(constant value)
MatchSequence(pattern* patterns)
MatchMapping(expr* keys, pattern* patterns, identifier? rest)
MatchClass(expr cls, pattern* patterns, identifier* kwd_attrs, pattern* kwd_patterns)
MatchStar(identifier? name)
MatchAs(pattern? pattern, identifier? name)
MatchOr(pattern* patterns)
type_ignore:
TypeIgnore(int lineno, string tag)
type_param*:
TypeVar(identifier name, expr? bound, expr? default_value)
ParamSpec(identifier name, expr? default_value)
TypeVarTuple(identifier name, expr? default_value)
";

/// A field: its type's name, whether it is a list, whether it may be None.
pub struct Field {
    pub name: &'static str,
    pub kind: &'static str,
    pub list: bool,
    pub optional: bool,
}

/// A class.
pub struct Def {
    pub name: &'static str,
    /// Its base class.
    pub base: &'static str,
    pub doc: String,
    pub fields: Vec<Field>,
    /// Is it an abstract group, or a concrete node?
    pub group: bool,
    /// Do positions begin here?
    pub positions: bool,
}

/// All classes but `AST`, bases first.
pub fn table() -> &'static [Def] {
    static PARSED: OnceLock<Vec<Def>> = OnceLock::new();
    PARSED.get_or_init(parse)
}

fn parse() -> Vec<Def> {
    let mut out: Vec<Def> = Vec::new();
    let mut group: (&'static str, usize) = ("", 0);
    for line in TABLE.lines() {
        if let Some(name) = line.strip_suffix(':') {
            let positions = name.ends_with('*');
            let name = name.trim_end_matches('*');
            group = (name, out.len());
            out.push(Def {
                name,
                base: "AST",
                doc: String::new(),
                fields: Vec::new(),
                group: true,
                positions,
            });
            continue;
        }
        let (text, own) = match line.strip_prefix('=') {
            Some(rest) => (rest, true),
            None => (line, false),
        };
        let (text, positions) = match text.strip_prefix('*') {
            Some(rest) => (rest, true),
            None => (text, false),
        };
        let (name, inner) = text.split_once('(').unwrap_or((text, ""));
        let fields = inner.trim_end_matches(')').split(", ").filter_map(field).collect();
        if !own {
            let head = &mut out[group.1].doc;
            if head.is_empty() {
                head.push_str(&format!("{} = {text}", group.0));
            } else {
                let simple = inner.is_empty() && !matches!(group.0, "stmt" | "expr");
                let (start, indent) = if simple { (' ', 0) } else { ('\n', group.0.len() + 1) };
                head.push_str(&format!("{start}{:indent$}| {text}", ""));
            }
        }
        let base = if own { "AST" } else { group.0 };
        out.push(Def { name, base, doc: text.to_owned(), fields, group: false, positions });
    }
    out
}

fn field(text: &'static str) -> Option<Field> {
    let (kind, name) = text.split_once(' ')?;
    let (list, optional) = (kind.ends_with('*'), kind.contains('?'));
    Some(Field { name, kind: kind.trim_end_matches(['*', '?']), list, optional: optional && !list })
}
