//! Programs from bytes: every choice takes one byte, so that small changes of the input
//! are small changes of the program. What is made ends: loops run three times at most,
//! functions are called some thousand times at most, and nothing grows by more than a few items for each
//! statement that runs.

use std::fmt::Write;

/// Reads choices; all are 0 when the bytes are used up.
struct Choices<'a> {
    bytes: std::slice::Iter<'a, u8>,
}

impl Choices<'_> {
    fn next(&mut self) -> usize {
        self.bytes.next().copied().unwrap_or(0) as usize
    }
    fn below(&mut self, n: usize) -> usize {
        self.next() % n
    }
    fn of<'b>(&mut self, all: &[&'b str]) -> &'b str {
        all[self.below(all.len())]
    }
}

const NAMES: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];
const CLASSES: [&str; 4] = ["A", "B", "C", "D"];
const CONSTANTS: [&str; 24] = [
    "0",
    "1",
    "-1",
    "2",
    "7",
    "255",
    "2**62",
    "-2**63",
    "10**30",
    "1.5",
    "-0.0",
    "float('nan')",
    "1j",
    "None",
    "True",
    "''",
    "'ab'",
    "'\\u1234x'",
    "'\\U0001f600'",
    "b'xy'",
    "()",
    "[]",
    "{}",
    "...",
];
const EXCEPTIONS: [&str; 10] = [
    "Exception",
    "ValueError",
    "TypeError",
    "KeyError",
    "StopIteration",
    "GeneratorExit",
    "BaseException",
    "RuntimeError",
    "AttributeError",
    "ExceptionGroup('g', [ValueError(1), TypeError(2)])",
];
/// Functions of one argument that are cheap for everything that a program can make.
const FUNCTIONS: [&str; 44] = [
    "len",
    "list",
    "tuple",
    "set",
    "frozenset",
    "dict",
    "iter",
    "next",
    "sorted",
    "sum",
    "any",
    "all",
    "min",
    "max",
    "type",
    "id",
    "hash",
    "callable",
    "int",
    "float",
    "complex",
    "bool",
    "abs",
    "reversed",
    "enumerate",
    "bytes",
    "bytearray",
    "memoryview",
    "vars",
    "dir",
    "staticmethod",
    "classmethod",
    "property",
    "slice",
    "ord",
    "chr",
    "iter(range(3)).__class__",
    "object.__reduce__",
    "super",
    "type.mro",
    "str.join.__get__(',')",
    "divmod.__call__",
    "round",
    "ascii.__class__",
];
/// Methods that take at most one small argument and let nothing grow fast.
const METHODS: [&str; 60] = [
    "append",
    "pop",
    "insert",
    "remove",
    "clear",
    "copy",
    "sort",
    "reverse",
    "index",
    "count",
    "keys",
    "values",
    "items",
    "setdefault",
    "popitem",
    "add",
    "discard",
    "union",
    "difference",
    "symmetric_difference_update",
    "split",
    "rsplit",
    "splitlines",
    "partition",
    "encode",
    "decode",
    "strip",
    "upper",
    "title",
    "casefold",
    "find",
    "startswith",
    "isidentifier",
    "send",
    "throw",
    "close",
    "__next__",
    "__iter__",
    "__len__",
    "__init__",
    "__del__",
    "__reduce_ex__",
    "__setstate__",
    "__sizeof__",
    "__dir__",
    "__eq__",
    "__hash__",
    "__getattribute__",
    "__set_name__",
    "with_traceback",
    "add_note",
    "bit_length",
    "as_integer_ratio",
    "hex",
    "release",
    "cast",
    "tobytes",
    "fromkeys",
    "get",
    "update",
];
const ATTRIBUTES: [&str; 30] = [
    "x",
    "y",
    "__class__",
    "__dict__",
    "__doc__",
    "__name__",
    "__qualname__",
    "__module__",
    "__bases__",
    "__mro__",
    "__code__",
    "__defaults__",
    "__kwdefaults__",
    "__closure__",
    "__globals__",
    "__annotations__",
    "__wrapped__",
    "__self__",
    "__func__",
    "__slots__",
    "__weakref__",
    "__traceback__",
    "__context__",
    "__cause__",
    "args",
    "value",
    "gi_frame",
    "real",
    "start",
    "obj",
];
const OPERATORS: [&str; 14] = ["+", "-", "*", "/", "//", "%", "&", "|", "^", "==", "!=", "<", "is", "in"];

struct Writer<'a> {
    choices: Choices<'a>,
    out: String,
    /// Statements that may still be written.
    left: usize,
    /// Names of functions and classes are numbered.
    made: usize,
}

/// The program that the bytes stand for.
pub fn program(bytes: &[u8]) -> String {
    let mut writer =
        Writer { choices: Choices { bytes: bytes.iter() }, out: String::new(), left: 30, made: 0 };
    writer.out.push_str("a, b, c, d, e, f, g, h = 1, 'two', [3], {4: 5}, (6,), {7}, 8.5, None\n");
    writer.out.push_str("class A: pass\nB = C = D = A\nasked = [0, 0]\n");
    while writer.choices.bytes.len() > 0 && writer.left > 0 {
        writer.statement(0, Place::Module);
    }
    writer.out
}

/// Where a statement stands: what it may be depends on that.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Module,
    Function,
    Generator,
    Coroutine,
}

impl Writer<'_> {
    fn name(&mut self) -> &'static str {
        self.choices.of(&NAMES)
    }

    /// An expression without the names of others inside: an atom.
    fn atom(&mut self) -> String {
        match self.choices.below(3) {
            0 => self.choices.of(&CONSTANTS).to_string(),
            1 => self.choices.of(&CLASSES).to_string(),
            _ => self.name().to_string(),
        }
    }

    fn expression(&mut self, depth: usize) -> String {
        if depth > 2 {
            return self.atom();
        }
        let depth = depth + 1;
        match self.choices.below(28) {
            0..=3 => self.atom(),
            4 | 5 => {
                let (x, op, y) = (self.atom(), self.choices.of(&OPERATORS), self.atom());
                // Results stay small: numbers by the modulus, sequences by the slice.
                if op == "*" || op == "+" {
                    let tail = self.choices.of(&[" % 97", "[:5]"]);
                    return format!("({x} {op} {y}){tail}");
                }
                format!("({x} {op} {y})")
            }
            6 | 7 => {
                let (f, x) = (self.choices.of(&FUNCTIONS), self.expression(depth));
                format!("{f}({x})")
            }
            8 | 9 => {
                let (x, m) = (self.expression(depth), self.choices.of(&METHODS));
                match self.choices.below(3) {
                    0 => format!("{x}.{m}()"),
                    1 => format!("{x}.{m}({})", self.choices.of(&CONSTANTS)),
                    _ => format!("{x}.{m}({}, {})", self.choices.of(&CONSTANTS), self.choices.of(&CONSTANTS)),
                }
            }
            10 => {
                let x = self.expression(depth);
                format!("{x}.{}", self.choices.of(&ATTRIBUTES))
            }
            11 => {
                let (x, key) = (self.expression(depth), self.atom());
                format!("{x}[{key}]")
            }
            12 => {
                let x = self.expression(depth);
                let parts = [self.atom(), self.atom()];
                format!("{x}[{}:{}]", parts[0], parts[1])
            }
            13 => format!("[{}, {}]", self.expression(depth), self.choices.of(&CONSTANTS)),
            14 => format!("({}, {})", self.expression(depth), self.choices.of(&CONSTANTS)),
            15 => format!("{{{}: {}}}", self.choices.of(&CONSTANTS), self.expression(depth)),
            16 => format!("{{{}}}", self.atom()),
            17 => {
                let (x, i, over) = (self.expression(depth), self.name(), self.expression(depth));
                let (open, close) =
                    [("[", "]"), ("{", "}"), ("list((", "))"), ("any((", "))")][self.choices.below(4)];
                let filter =
                    if self.choices.below(2) == 0 { format!(" if {}", self.atom()) } else { String::new() };
                format!("{open}{x} for {i} in {over}{filter}{close}")
            }
            18 => format!("(lambda {}, *{}: {})", self.name(), "args", self.expression(depth)),
            19 => format!("({} if {} else {})", self.atom(), self.expression(depth), self.atom()),
            20 => format!("({} {} {})", self.atom(), self.choices.of(&["and", "or"]), self.expression(depth)),
            21 => format!("f'{{{}!r:.9}}'", self.name()),
            22 => format!("(x := {})", self.expression(depth)),
            23 => format!("{}(*{})", self.atom(), self.expression(depth)),
            24 => format!("{}(x={})", self.atom(), self.expression(depth)),
            25 => format!("not {}", self.expression(depth)),
            26 => {
                let (f, x, y) = (
                    self.choices.of(&["map", "zip", "filter", "isinstance", "getattr", "pow"]),
                    self.atom(),
                    self.atom(),
                );
                if f == "pow" { format!("pow({x}, {y}, 97)") } else { format!("{f}({x}, {y})") }
            }
            _ => format!("sorted({}, key=lambda k: {})", self.expression(depth), self.expression(depth)),
        }
    }

    fn line(&mut self, level: usize, text: &str) {
        let _ = writeln!(self.out, "{:1$}{text}", "", level);
    }

    fn block(&mut self, level: usize, place: Place) {
        let n = 1 + self.choices.below(3);
        for _ in 0..n {
            self.statement(level, place);
        }
    }

    /// The block of a function. Recursion is as deep as the interpreter has it, but does not
    /// begin anew from every `finally` on the way back.
    fn body(&mut self, level: usize, place: Place) {
        self.line(level, "asked[1] += 1");
        self.line(level, "if asked[1] > 3000: raise ValueError('called too often')");
        self.block(level, place);
    }

    fn statement(&mut self, level: usize, place: Place) {
        if self.left == 0 || level > 4 {
            return self.line(level, "pass");
        }
        self.left -= 1;
        let inner = level + 1;
        let nests = level < 3;
        match self.choices.below(30) {
            0..=6 => {
                let (name, value) = (self.name(), self.expression(0));
                self.line(level, &format!("{name} = {value}"));
            }
            7 => {
                let value = self.expression(0);
                self.line(level, &value);
            }
            8 => {
                let (x, op, y) =
                    (self.name(), self.choices.of(&["-", "/", "//", "%", "&", "|", "^"]), self.expression(1));
                self.line(level, &format!("{x} {op}= {y}"));
            }
            9 => {
                let (x, attribute, y) =
                    (self.atom(), self.choices.of(&["x", "y", "__class__", "__dict__"]), self.expression(0));
                self.line(level, &format!("{x}.{attribute} = {y}"));
            }
            10 => {
                let (x, key, y) = (
                    self.name(),
                    self.choices.of(&["0", "-1", "'k'", ":", "::2", "None"]),
                    self.expression(0),
                );
                self.line(level, &format!("{x}[{key}] = {y}"));
            }
            11 => {
                let target = self.choices.of(&["a", "b[0]", "c[:]", "d.x", "A.x", "h"]);
                self.line(level, &format!("del {target}"));
            }
            12 => {
                let (targets, value) = (
                    self.choices.of(&["a, b", "a, *b", "*a, b", "(a, b), c", "a, b, c"]),
                    self.expression(0),
                );
                self.line(level, &format!("{targets} = {value}"));
            }
            13 | 14 if nests => {
                let (i, n) = (self.name(), self.expression(1));
                self.line(level, &format!("for {i}, _ in zip({n}, range(3)):"));
                self.block(inner, place);
                if self.choices.below(3) == 0 {
                    let jump = self.choices.of(&["break", "continue"]);
                    self.line(inner, jump);
                }
            }
            15 if nests => {
                let test = self.expression(1);
                self.line(level, &format!("if {test}:"));
                self.block(inner, place);
                self.line(level, "else:");
                self.block(inner, place);
            }
            16..=18 if nests => {
                self.line(level, "try:");
                self.block(inner, place);
                match self.choices.below(4) {
                    0 => {
                        self.line(level, "finally:");
                        self.block(inner, place);
                    }
                    1 => {
                        self.line(level, "except* (ValueError, TypeError) as h:");
                        self.block(inner, place);
                    }
                    _ => {
                        let name = self.name();
                        self.line(level, &format!("except Exception as {name}:"));
                        self.block(inner, place);
                        if self.choices.below(2) == 0 {
                            self.line(level, "finally:");
                            self.block(inner, place);
                        }
                    }
                }
            }
            19 => {
                let exception = self.choices.of(&EXCEPTIONS);
                let cause = self.choices.of(&["", " from None", " from ValueError(1)"]);
                self.line(level, &format!("raise {exception}{cause}"));
            }
            20 | 21 if nests => self.function(level),
            22 | 23 if nests => self.class(level),
            24 if place == Place::Function => {
                let value = self.expression(0);
                self.line(level, &format!("return {value}"));
            }
            24 | 25 if place == Place::Generator => {
                let (word, value) =
                    (self.choices.of(&["yield", "yield from", "x = yield"]), self.expression(1));
                self.line(level, &format!("{word} {value}"));
            }
            24 | 25 if place == Place::Coroutine => {
                let value = self.expression(1);
                self.line(level, &format!("await {value}"));
            }
            26 if nests => {
                let value = self.expression(1);
                self.line(level, &format!("with {value} as x:"));
                self.block(inner, place);
            }
            27 if nests => {
                let value = self.expression(1);
                self.line(level, &format!("match {value}:"));
                let pattern = self.choices.of(&[
                    "[x, *y]",
                    "{'k': x, **y}",
                    "A(x=1)",
                    "int() | str()",
                    "(1, _) as x",
                    "None",
                ]);
                self.line(inner, &format!("case {pattern}:"));
                self.block(inner + 1, place);
            }
            28 if place == Place::Function || place == Place::Generator => {
                let name = self.name();
                self.line(level, &format!("nonlocal_{name} = lambda: {name}"));
            }
            _ => {
                let value = self.expression(0);
                self.line(level, &format!("assert {value}, {value}"));
            }
        }
    }

    fn function(&mut self, level: usize) {
        let kind = self.choices.below(4);
        let place = [Place::Function, Place::Function, Place::Generator, Place::Coroutine][kind];
        let name = self.name();
        let parameters =
            self.choices.of(&["", "x", "x, y=1", "*x", "**x", "x, /, y=2, *, g=3", "self, *x, **y"]);
        if self.choices.below(5) == 0 {
            let decorator =
                self.choices.of(&["staticmethod", "classmethod", "property", "type", "list", "callable"]);
            self.line(level, &format!("@{decorator}"));
        }
        let word = if place == Place::Coroutine { "async def" } else { "def" };
        self.line(level, &format!("{word} {name}({parameters}):"));
        if self.choices.below(3) == 0 {
            // Names that are assigned inside are the module's, mostly.
            self.line(level + 1, "global a, b, c, d");
        }
        self.body(level + 1, place);
        if place == Place::Generator {
            self.line(level + 1, "yield 1");
        }
        match self.choices.below(4) {
            0 => self.line(level, &format!("{name} = {name}(1)")),
            1 => self.line(level, &format!("{name} = {name}()")),
            2 if place == Place::Coroutine => {
                self.line(level, &format!("{name} = {name}()"));
                self.line(level, "try:");
                self.line(level + 1, &format!("{name}.send(None)"));
                self.line(level, "except (StopIteration, AttributeError, TypeError): pass");
            }
            _ => {}
        }
    }

    fn class(&mut self, level: usize) {
        self.made += 1;
        let name = self.choices.of(&CLASSES);
        let bases = self.choices.of(&[
            "",
            "A",
            "B, A",
            "list",
            "dict",
            "int",
            "str",
            "Exception",
            "tuple",
            "type",
            "set",
            "float",
            "metaclass=C",
            "A, metaclass=type",
            "object",
        ]);
        self.line(level, &format!("class {name}({bases}):"));
        if self.choices.below(4) == 0 {
            let slots = self.choices.of(&["()", "('x',)", "('x', '__dict__')", "('__weakref__',)"]);
            self.line(level + 1, &format!("__slots__ = {slots}"));
        }
        let methods = 1 + self.choices.below(3);
        for _ in 0..methods {
            let method = self.choices.of(&[
                "__init__",
                "__new__",
                "__del__",
                "__eq__",
                "__hash__",
                "__len__",
                "__iter__",
                "__next__",
                "__getitem__",
                "__setitem__",
                "__getattr__",
                "__setattr__",
                "__get__",
                "__set__",
                "__call__",
                "__enter__",
                "__exit__",
                "__bool__",
                "__repr__",
                "__add__",
                "__radd__",
                "__lt__",
                "__contains__",
                "__index__",
                "__init_subclass__",
                "__set_name__",
                "__class_getitem__",
                "__missing__",
                "__instancecheck__",
                "__mro_entries__",
                "__await__",
                "__reversed__",
                "__format__",
                "__delattr__",
                "x",
                "y",
            ]);
            self.line(level + 1, &format!("def {method}(self, *x, **y):"));
            // Sequences and iterators end.
            if let Some(end) = match method {
                "__getitem__" => Some("IndexError"),
                "__next__" => Some("StopIteration"),
                _ => None,
            } {
                self.line(level + 2, "asked[0] += 1");
                self.line(level + 2, &format!("if asked[0] > 40: raise {end}"));
            }
            // What dies may make what dies in turn.
            if method == "__del__" {
                self.line(level + 2, "asked[0] += 1");
                self.line(level + 2, "if asked[0] > 40: return");
            }
            self.body(level + 2, Place::Function);
        }
        let object = self.name();
        match self.choices.below(3) {
            0 => self.line(level, &format!("{object} = {name}()")),
            1 => self.line(level, &format!("{object} = {name}(1)")),
            _ => {}
        }
    }
}
