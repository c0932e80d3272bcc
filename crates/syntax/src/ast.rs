//! The abstract syntax tree, in the shape of CPython 3.14's `Python.asdl`.
//!
//! Node and field names are those of the `ast` module, so that the compiler, the
//! symbol table and the `_ast` module speak one language. Every node lives in a
//! `bumpalo` arena (`'a`); nodes are plain `Copy` data without interior
//! mutability and every one of them can be built from outside the parser.
//! Positions are byte offsets ([`Range`]); [`crate::LineIndex`] turns them into lines.
//! Not here: scoping, constant folding, anything that is decided after parsing.

/// A half-open range of UTF-8 byte offsets into the decoded source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Range {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Range {
    /// A range from `start` up to, not including, `end`.
    pub const fn new(start: u32, end: u32) -> Self {
        Range { start, end }
    }
    /// Number of bytes covered.
    pub const fn len(self) -> u32 {
        self.end.saturating_sub(self.start)
    }
    /// Whether nothing is covered.
    pub const fn is_empty(self) -> bool {
        self.end <= self.start
    }
    /// The smallest range holding both.
    pub fn cover(self, other: Range) -> Range {
        Range { start: self.start.min(other.start), end: self.end.max(other.end) }
    }
}

/// Reference to an expression in the arena.
pub type ExprRef<'a> = &'a Expr<'a>;
/// Reference to a statement in the arena.
pub type StmtRef<'a> = &'a Stmt<'a>;
/// A list of expressions.
pub type Exprs<'a> = &'a [&'a Expr<'a>];
/// A list of statements (a body).
pub type Stmts<'a> = &'a [&'a Stmt<'a>];

/// `mod`: the result of a parse.
#[derive(Clone, Copy, Debug)]
pub enum Mod<'a> {
    /// A file (`Mode::Exec`).
    Module { body: Stmts<'a>, type_ignores: &'a [TypeIgnore<'a>] },
    /// One interactive statement (`Mode::Single`).
    Interactive { body: Stmts<'a> },
    /// One expression (`Mode::Eval`).
    Expression { body: ExprRef<'a> },
    /// A signature type comment (`Mode::FuncType`).
    FunctionType { argtypes: Exprs<'a>, returns: ExprRef<'a> },
}

/// `type_ignore`.
#[derive(Clone, Copy, Debug)]
pub struct TypeIgnore<'a> {
    /// 1-based line of the comment.
    pub lineno: u32,
    /// What follows `# type: ignore`.
    pub tag: &'a str,
}

/// A statement with its position.
#[derive(Clone, Copy, Debug)]
pub struct Stmt<'a> {
    /// Source range, without the line end.
    pub range: Range,
    /// What it is.
    pub kind: StmtKind<'a>,
}

/// `stmt`.
#[derive(Clone, Copy, Debug)]
pub enum StmtKind<'a> {
    /// `def`
    FunctionDef(&'a FunctionDef<'a>),
    /// `async def`
    AsyncFunctionDef(&'a FunctionDef<'a>),
    /// `class`
    ClassDef(&'a ClassDef<'a>),
    /// `return`
    Return { value: Option<ExprRef<'a>> },
    /// `del`
    Delete { targets: Exprs<'a> },
    /// `a = b = value`
    Assign { targets: Exprs<'a>, value: ExprRef<'a>, type_comment: Option<&'a str> },
    /// `type X[T] = value`
    TypeAlias { name: ExprRef<'a>, type_params: &'a [TypeParam<'a>], value: ExprRef<'a> },
    /// `a += value`
    AugAssign { target: ExprRef<'a>, op: Operator, value: ExprRef<'a> },
    /// `a: annotation = value`
    AnnAssign { target: ExprRef<'a>, annotation: ExprRef<'a>, value: Option<ExprRef<'a>>, simple: bool },
    /// `for`
    For(&'a For<'a>),
    /// `async for`
    AsyncFor(&'a For<'a>),
    /// `while`
    While { test: ExprRef<'a>, body: Stmts<'a>, orelse: Stmts<'a> },
    /// `if`; an `elif` is an `If` alone in `orelse`
    If { test: ExprRef<'a>, body: Stmts<'a>, orelse: Stmts<'a> },
    /// `with`
    With { items: &'a [WithItem<'a>], body: Stmts<'a>, type_comment: Option<&'a str> },
    /// `async with`
    AsyncWith { items: &'a [WithItem<'a>], body: Stmts<'a>, type_comment: Option<&'a str> },
    /// `match`
    Match { subject: ExprRef<'a>, cases: &'a [MatchCase<'a>] },
    /// `raise exc from cause`
    Raise { exc: Option<ExprRef<'a>>, cause: Option<ExprRef<'a>> },
    /// `try` with `except`
    Try(&'a Try<'a>),
    /// `try` with `except*`
    TryStar(&'a Try<'a>),
    /// `assert`
    Assert { test: ExprRef<'a>, msg: Option<ExprRef<'a>> },
    /// `import`
    Import { names: &'a [Alias<'a>] },
    /// `from module import names`
    ImportFrom { module: Option<&'a str>, names: &'a [Alias<'a>], level: u32 },
    /// `global`
    Global { names: &'a [&'a str] },
    /// `nonlocal`
    Nonlocal { names: &'a [&'a str] },
    /// An expression as a statement.
    Expr { value: ExprRef<'a> },
    /// `pass`
    Pass,
    /// `break`
    Break,
    /// `continue`
    Continue,
}

impl StmtKind<'_> {
    /// Whether this is a statement with a body.
    pub fn is_compound(&self) -> bool {
        matches!(
            self,
            StmtKind::FunctionDef(_)
                | StmtKind::AsyncFunctionDef(_)
                | StmtKind::ClassDef(_)
                | StmtKind::For(_)
                | StmtKind::AsyncFor(_)
                | StmtKind::While { .. }
                | StmtKind::If { .. }
                | StmtKind::With { .. }
                | StmtKind::AsyncWith { .. }
                | StmtKind::Match { .. }
                | StmtKind::Try(_)
                | StmtKind::TryStar(_)
        )
    }
}

/// Fields of `FunctionDef` and `AsyncFunctionDef`.
#[derive(Clone, Copy, Debug)]
pub struct FunctionDef<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its parameters.
    pub args: &'a Arguments<'a>,
    /// Its statements.
    pub body: Stmts<'a>,
    /// Outermost first.
    pub decorator_list: Exprs<'a>,
    /// `-> returns`
    pub returns: Option<ExprRef<'a>>,
    /// `# type:` comment.
    pub type_comment: Option<&'a str>,
    /// `[T, *Ts, **P]`
    pub type_params: &'a [TypeParam<'a>],
}

/// Fields of `ClassDef`.
#[derive(Clone, Copy, Debug)]
pub struct ClassDef<'a> {
    /// Its name.
    pub name: &'a str,
    /// Positional arguments of the class call.
    pub bases: Exprs<'a>,
    /// Keyword arguments of the class call.
    pub keywords: &'a [Keyword<'a>],
    /// Its statements.
    pub body: Stmts<'a>,
    /// Outermost first.
    pub decorator_list: Exprs<'a>,
    /// `[T, *Ts, **P]`
    pub type_params: &'a [TypeParam<'a>],
}

/// Fields of `For` and `AsyncFor`.
#[derive(Clone, Copy, Debug)]
pub struct For<'a> {
    /// Loop variable(s).
    pub target: ExprRef<'a>,
    /// What is looped over.
    pub iter: ExprRef<'a>,
    /// Loop body.
    pub body: Stmts<'a>,
    /// `else` body.
    pub orelse: Stmts<'a>,
    /// `# type:` comment.
    pub type_comment: Option<&'a str>,
}

/// Fields of `Try` and `TryStar`.
#[derive(Clone, Copy, Debug)]
pub struct Try<'a> {
    /// `try` body.
    pub body: Stmts<'a>,
    /// `except` clauses.
    pub handlers: &'a [ExceptHandler<'a>],
    /// `else` body.
    pub orelse: Stmts<'a>,
    /// `finally` body.
    pub finalbody: Stmts<'a>,
}

/// An expression with its position.
#[derive(Clone, Copy, Debug)]
pub struct Expr<'a> {
    /// Source range.
    pub range: Range,
    /// What it is.
    pub kind: ExprKind<'a>,
}

/// `expr`.
#[derive(Clone, Copy, Debug)]
pub enum ExprKind<'a> {
    /// `a and b and c`
    BoolOp { op: BoolOp, values: Exprs<'a> },
    /// `target := value`
    NamedExpr { target: ExprRef<'a>, value: ExprRef<'a> },
    /// `left op right`
    BinOp { left: ExprRef<'a>, op: Operator, right: ExprRef<'a> },
    /// `op operand`
    UnaryOp { op: UnaryOp, operand: ExprRef<'a> },
    /// `lambda args: body`
    Lambda { args: &'a Arguments<'a>, body: ExprRef<'a> },
    /// `body if test else orelse`
    IfExp { test: ExprRef<'a>, body: ExprRef<'a>, orelse: ExprRef<'a> },
    /// `{k: v, **v}`; a missing key is an unpacking
    Dict { keys: &'a [Option<ExprRef<'a>>], values: Exprs<'a> },
    /// `{a, b}`
    Set { elts: Exprs<'a> },
    /// `[elt for ...]`
    ListComp { elt: ExprRef<'a>, generators: &'a [Comprehension<'a>] },
    /// `{elt for ...}`
    SetComp { elt: ExprRef<'a>, generators: &'a [Comprehension<'a>] },
    /// `{key: value for ...}`
    DictComp { key: ExprRef<'a>, value: ExprRef<'a>, generators: &'a [Comprehension<'a>] },
    /// `(elt for ...)`
    GeneratorExp { elt: ExprRef<'a>, generators: &'a [Comprehension<'a>] },
    /// `await value`
    Await { value: ExprRef<'a> },
    /// `yield value`
    Yield { value: Option<ExprRef<'a>> },
    /// `yield from value`
    YieldFrom { value: ExprRef<'a> },
    /// `left op comparator op comparator`
    Compare { left: ExprRef<'a>, ops: &'a [CmpOp], comparators: Exprs<'a> },
    /// `func(args, keywords)`
    Call { func: ExprRef<'a>, args: Exprs<'a>, keywords: &'a [Keyword<'a>] },
    /// `{value!conversion:format_spec}` in an f-string; conversion is -1, 115, 114 or 97
    FormattedValue { value: ExprRef<'a>, conversion: i32, format_spec: Option<ExprRef<'a>> },
    /// The same in a t-string; `str` is the source text of the expression
    Interpolation { value: ExprRef<'a>, str: Constant<'a>, conversion: i32, format_spec: Option<ExprRef<'a>> },
    /// f-string
    JoinedStr { values: Exprs<'a> },
    /// t-string
    TemplateStr { values: Exprs<'a> },
    /// A literal.
    Constant { value: Constant<'a> },
    /// `value.attr`
    Attribute { value: ExprRef<'a>, attr: &'a str, ctx: ExprContext },
    /// `value[slice]`
    Subscript { value: ExprRef<'a>, slice: ExprRef<'a>, ctx: ExprContext },
    /// `*value`
    Starred { value: ExprRef<'a>, ctx: ExprContext },
    /// An identifier.
    Name { id: &'a str, ctx: ExprContext },
    /// `[a, b]`
    List { elts: Exprs<'a>, ctx: ExprContext },
    /// `a, b`
    Tuple { elts: Exprs<'a>, ctx: ExprContext },
    /// `lower:upper:step`, only in a subscript
    Slice { lower: Option<ExprRef<'a>>, upper: Option<ExprRef<'a>>, step: Option<ExprRef<'a>> },
}

/// The value of a literal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Constant<'a> {
    /// `None`
    None,
    /// `True`
    True,
    /// `False`
    False,
    /// `...`
    Ellipsis,
    /// Integer.
    Int(IntLiteral<'a>),
    /// Float.
    Float(f64),
    /// Imaginary part of a complex.
    Imaginary(f64),
    /// String, as WTF-8 (surrogates from escapes in generalised UTF-8); `kind_u` for `u'...'`.
    Str {
        /// The text.
        value: &'a [u8],
        /// Whether the (first) literal had a `u` prefix.
        kind_u: bool,
    },
    /// Bytes.
    Bytes(&'a [u8]),
}

/// An integer literal; never negative from the parser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntLiteral<'a> {
    /// Fits.
    Small(i64),
    /// Does not fit: digits without prefix and underscores, in `radix` 2, 8, 10 or 16.
    Big {
        /// The digits.
        digits: &'a str,
        /// Their base.
        radix: u32,
    },
}

/// `expr_context`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExprContext {
    /// Read.
    Load,
    /// Assigned.
    Store,
    /// Deleted.
    Del,
}

/// `boolop`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BoolOp {
    /// `and`
    And,
    /// `or`
    Or,
}

/// `operator`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `+`
    Add,
    /// `-`
    Sub,
    /// `*`
    Mult,
    /// `@`
    MatMult,
    /// `/`
    Div,
    /// `%`
    Mod,
    /// `**`
    Pow,
    /// `<<`
    LShift,
    /// `>>`
    RShift,
    /// `|`
    BitOr,
    /// `^`
    BitXor,
    /// `&`
    BitAnd,
    /// `//`
    FloorDiv,
}

/// `unaryop`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnaryOp {
    /// `~`
    Invert,
    /// `not`
    Not,
    /// `+`
    UAdd,
    /// `-`
    USub,
}

/// `cmpop`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CmpOp {
    /// `==`
    Eq,
    /// `!=`
    NotEq,
    /// `<`
    Lt,
    /// `<=`
    LtE,
    /// `>`
    Gt,
    /// `>=`
    GtE,
    /// `is`
    Is,
    /// `is not`
    IsNot,
    /// `in`
    In,
    /// `not in`
    NotIn,
}

/// `comprehension`: one `for target in iter if ...` (CPython gives it no position; ours runs from `for`).
#[derive(Clone, Copy, Debug)]
pub struct Comprehension<'a> {
    /// Source range.
    pub range: Range,
    /// Loop variable(s).
    pub target: ExprRef<'a>,
    /// What is looped over.
    pub iter: ExprRef<'a>,
    /// Conditions.
    pub ifs: Exprs<'a>,
    /// `async for`
    pub is_async: bool,
}

/// `excepthandler`: one `except` clause.
#[derive(Clone, Copy, Debug)]
pub struct ExceptHandler<'a> {
    /// Source range.
    pub range: Range,
    /// What is caught.
    pub r#type: Option<ExprRef<'a>>,
    /// `as name`
    pub name: Option<&'a str>,
    /// Its statements.
    pub body: Stmts<'a>,
}

/// `arguments`: parameters of a function (no position in CPython; ours covers them all).
#[derive(Clone, Copy, Debug, Default)]
pub struct Arguments<'a> {
    /// Source range.
    pub range: Range,
    /// Before `/`.
    pub posonlyargs: &'a [Arg<'a>],
    /// Ordinary ones.
    pub args: &'a [Arg<'a>],
    /// `*vararg`
    pub vararg: Option<&'a Arg<'a>>,
    /// After `*`.
    pub kwonlyargs: &'a [Arg<'a>],
    /// One per `kwonlyargs`.
    pub kw_defaults: &'a [Option<ExprRef<'a>>],
    /// `**kwarg`
    pub kwarg: Option<&'a Arg<'a>>,
    /// Of the last of `posonlyargs` + `args`.
    pub defaults: Exprs<'a>,
}

/// `arg`: one parameter.
#[derive(Clone, Copy, Debug)]
pub struct Arg<'a> {
    /// Source range, annotation included.
    pub range: Range,
    /// Its name.
    pub arg: &'a str,
    /// `: annotation`
    pub annotation: Option<ExprRef<'a>>,
    /// `# type:` comment.
    pub type_comment: Option<&'a str>,
}

/// `keyword`: one keyword argument; without a name it is `**value`.
#[derive(Clone, Copy, Debug)]
pub struct Keyword<'a> {
    /// Source range.
    pub range: Range,
    /// Its name.
    pub arg: Option<&'a str>,
    /// Its value.
    pub value: ExprRef<'a>,
}

/// `alias`: one imported name.
#[derive(Clone, Copy, Debug)]
pub struct Alias<'a> {
    /// Source range.
    pub range: Range,
    /// Dotted name, or `*`.
    pub name: &'a str,
    /// `as asname`
    pub asname: Option<&'a str>,
}

/// `withitem` (no position in CPython).
#[derive(Clone, Copy, Debug)]
pub struct WithItem<'a> {
    /// Source range.
    pub range: Range,
    /// The manager.
    pub context_expr: ExprRef<'a>,
    /// `as target`
    pub optional_vars: Option<ExprRef<'a>>,
}

/// `match_case` (no position in CPython).
#[derive(Clone, Copy, Debug)]
pub struct MatchCase<'a> {
    /// Source range.
    pub range: Range,
    /// What is matched.
    pub pattern: &'a Pattern<'a>,
    /// `if guard`
    pub guard: Option<ExprRef<'a>>,
    /// Its statements.
    pub body: Stmts<'a>,
}

/// A pattern with its position.
#[derive(Clone, Copy, Debug)]
pub struct Pattern<'a> {
    /// Source range.
    pub range: Range,
    /// What it is.
    pub kind: PatternKind<'a>,
}

/// `pattern`.
#[derive(Clone, Copy, Debug)]
pub enum PatternKind<'a> {
    /// Compared with `==`.
    MatchValue { value: ExprRef<'a> },
    /// `None`, `True` or `False`, compared with `is`.
    MatchSingleton { value: Constant<'a> },
    /// `[a, b]`
    MatchSequence { patterns: &'a [&'a Pattern<'a>] },
    /// `{k: p, **rest}`
    MatchMapping { keys: Exprs<'a>, patterns: &'a [&'a Pattern<'a>], rest: Option<&'a str> },
    /// `cls(p, k=p)`
    MatchClass {
        cls: ExprRef<'a>,
        patterns: &'a [&'a Pattern<'a>],
        kwd_attrs: &'a [&'a str],
        kwd_patterns: &'a [&'a Pattern<'a>],
    },
    /// `*name` in a sequence
    MatchStar { name: Option<&'a str> },
    /// `pattern as name`, a capture, or `_`
    MatchAs { pattern: Option<&'a Pattern<'a>>, name: Option<&'a str> },
    /// `a | b`
    MatchOr { patterns: &'a [&'a Pattern<'a>] },
}

/// A type parameter with its position.
#[derive(Clone, Copy, Debug)]
pub struct TypeParam<'a> {
    /// Source range.
    pub range: Range,
    /// What it is.
    pub kind: TypeParamKind<'a>,
}

/// `type_param`.
#[derive(Clone, Copy, Debug)]
pub enum TypeParamKind<'a> {
    /// `T: bound = default`
    TypeVar { name: &'a str, bound: Option<ExprRef<'a>>, default_value: Option<ExprRef<'a>> },
    /// `**P = default`
    ParamSpec { name: &'a str, default_value: Option<ExprRef<'a>> },
    /// `*Ts = default`
    TypeVarTuple { name: &'a str, default_value: Option<ExprRef<'a>> },
}
