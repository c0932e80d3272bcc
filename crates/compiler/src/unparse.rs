//! Expressions back to text, as CPython's compiler does for stringised annotations
//! (`from __future__ import annotations`), and `repr` of constants for messages.

use crate::constants::constant_of;
use taipan_bytecode::Constant;
use taipan_syntax::ast::Constant as Literal;
use taipan_syntax::ast::{
    Arguments, BoolOp, CmpOp, Comprehension, Expr, ExprKind, IntLiteral, Operator, UnaryOp,
};

// Precedence levels, weakest first.
const TUPLE: u8 = 0;
const TEST: u8 = 1;
const OR: u8 = 2;
const AND: u8 = 3;
const NOT: u8 = 4;
const COMPARE: u8 = 5;
const EXPR: u8 = 6;
const BIT_XOR: u8 = 7;
const BIT_AND: u8 = 8;
const SHIFT: u8 = 9;
const ARITHMETIC: u8 = 10;
const TERM: u8 = 11;
const FACTOR: u8 = 12;
const POWER: u8 = 13;
const AWAIT: u8 = 14;
const ATOM: u8 = 15;

/// The text of an expression, WTF-8.
pub fn unparse(e: &Expr<'_>) -> Vec<u8> {
    let mut w = Writer { out: Vec::new() };
    w.expr(e, TEST);
    w.out
}

struct Writer {
    out: Vec<u8>,
}

fn binary(op: Operator) -> (&'static str, u8, bool) {
    match op {
        Operator::Add => (" + ", ARITHMETIC, false),
        Operator::Sub => (" - ", ARITHMETIC, false),
        Operator::Mult => (" * ", TERM, false),
        Operator::MatMult => (" @ ", TERM, false),
        Operator::Div => (" / ", TERM, false),
        Operator::Mod => (" % ", TERM, false),
        Operator::FloorDiv => (" // ", TERM, false),
        Operator::LShift => (" << ", SHIFT, false),
        Operator::RShift => (" >> ", SHIFT, false),
        Operator::BitOr => (" | ", EXPR, false),
        Operator::BitXor => (" ^ ", BIT_XOR, false),
        Operator::BitAnd => (" & ", BIT_AND, false),
        Operator::Pow => (" ** ", POWER, true),
    }
}

fn comparison(op: CmpOp) -> &'static str {
    match op {
        CmpOp::Eq => " == ",
        CmpOp::NotEq => " != ",
        CmpOp::Lt => " < ",
        CmpOp::LtE => " <= ",
        CmpOp::Gt => " > ",
        CmpOp::GtE => " >= ",
        CmpOp::Is => " is ",
        CmpOp::IsNot => " is not ",
        CmpOp::In => " in ",
        CmpOp::NotIn => " not in ",
    }
}

impl Writer {
    fn text(&mut self, s: &str) {
        self.out.extend_from_slice(s.as_bytes());
    }

    fn parens(&mut self, needed: bool, f: impl FnOnce(&mut Self)) {
        if needed {
            self.text("(");
        }
        f(self);
        if needed {
            self.text(")");
        }
    }

    fn list(&mut self, items: &[&Expr<'_>], level: u8) {
        for (i, e) in items.iter().enumerate() {
            if i > 0 {
                self.text(", ");
            }
            self.expr(e, level);
        }
    }

    fn expr(&mut self, e: &Expr<'_>, level: u8) {
        match &e.kind {
            ExprKind::BoolOp { op, values } => {
                let (word, own) = match op {
                    BoolOp::And => (" and ", AND),
                    BoolOp::Or => (" or ", OR),
                };
                self.parens(level > own, |w| {
                    for (i, v) in values.iter().enumerate() {
                        if i > 0 {
                            w.text(word);
                        }
                        w.expr(v, own + 1);
                    }
                });
            }
            ExprKind::BinOp { left, op, right } => {
                let (word, own, right_first) = binary(*op);
                self.parens(level > own, |w| {
                    w.expr(left, own + right_first as u8);
                    w.text(word);
                    w.expr(right, own + !right_first as u8);
                });
            }
            ExprKind::UnaryOp { op, operand } => {
                let (word, own) = match op {
                    UnaryOp::Invert => ("~", FACTOR),
                    UnaryOp::Not => ("not ", NOT),
                    UnaryOp::UAdd => ("+", FACTOR),
                    UnaryOp::USub => ("-", FACTOR),
                };
                self.parens(level > own, |w| {
                    w.text(word);
                    w.expr(operand, own);
                });
            }
            ExprKind::Lambda { args, body } => self.parens(level > TEST, |w| {
                w.text("lambda");
                let before = w.out.len();
                w.text(" ");
                w.arguments(args);
                if w.out.len() == before + 1 {
                    w.out.truncate(before);
                }
                w.text(": ");
                w.expr(body, TEST);
            }),
            ExprKind::IfExp { test, body, orelse } => self.parens(level > TEST, |w| {
                w.expr(body, TEST + 1);
                w.text(" if ");
                w.expr(test, TEST + 1);
                w.text(" else ");
                w.expr(orelse, TEST);
            }),
            ExprKind::Dict { keys, values } => {
                self.text("{");
                for (i, (k, v)) in keys.iter().zip(values.iter()).enumerate() {
                    if i > 0 {
                        self.text(", ");
                    }
                    match k {
                        Some(k) => {
                            self.expr(k, TEST);
                            self.text(": ");
                            self.expr(v, TEST);
                        }
                        None => {
                            self.text("**");
                            self.expr(v, EXPR);
                        }
                    }
                }
                self.text("}");
            }
            ExprKind::Set { elts } => {
                self.text("{");
                self.list(elts, TEST);
                self.text("}");
            }
            ExprKind::GeneratorExp { elt, generators } => self.comprehension("(", elt, None, generators, ")"),
            ExprKind::ListComp { elt, generators } => self.comprehension("[", elt, None, generators, "]"),
            ExprKind::SetComp { elt, generators } => self.comprehension("{", elt, None, generators, "}"),
            ExprKind::DictComp { key, value, generators } => {
                self.comprehension("{", key, Some(value), generators, "}");
            }
            ExprKind::Compare { left, ops, comparators } => self.parens(level > COMPARE, |w| {
                w.expr(left, COMPARE + 1);
                for (op, c) in ops.iter().zip(comparators.iter()) {
                    w.text(comparison(*op));
                    w.expr(c, COMPARE + 1);
                }
            }),
            ExprKind::Call { func, args, keywords } => {
                self.expr(func, ATOM);
                if let ([only], []) = (*args, *keywords)
                    && matches!(only.kind, ExprKind::GeneratorExp { .. })
                {
                    return self.expr(only, TEST);
                }
                self.text("(");
                self.list(args, TEST);
                for (i, k) in keywords.iter().enumerate() {
                    if i > 0 || !args.is_empty() {
                        self.text(", ");
                    }
                    match k.arg {
                        Some(name) => {
                            self.text(name);
                            self.text("=");
                        }
                        None => self.text("**"),
                    }
                    self.expr(k.value, TEST);
                }
                self.text(")");
            }
            ExprKind::JoinedStr { values } => self.string_with_holes("f", values),
            ExprKind::TemplateStr { values } => self.string_with_holes("t", values),
            ExprKind::FormattedValue { .. } => self.string_with_holes("f", &[e]),
            ExprKind::Interpolation { .. } => self.string_with_holes("t", &[e]),
            ExprKind::Constant { value } => {
                if let Literal::Str { kind_u: true, .. } = value {
                    self.text("u");
                }
                let text = match value {
                    Literal::Int(IntLiteral::Big { digits, radix: 10 }) => digits.to_string(),
                    value => repr_constant(&constant_of(value)),
                };
                match value {
                    Literal::Str { .. } | Literal::Bytes(_) => self.text(&text),
                    _ => self.text(&text.replace("inf", "1e309")),
                }
            }
            ExprKind::Attribute { value, attr, .. } => {
                self.expr(value, ATOM);
                let is_int = matches!(value.kind, ExprKind::Constant { value: Literal::Int(_) });
                self.text(if is_int { " ." } else { "." });
                self.text(attr);
            }
            ExprKind::Subscript { value, slice, .. } => {
                self.expr(value, ATOM);
                self.text("[");
                self.expr(slice, TUPLE);
                self.text("]");
            }
            ExprKind::Starred { value, .. } => {
                self.text("*");
                self.expr(value, EXPR);
            }
            ExprKind::Name { id, .. } => self.text(id),
            ExprKind::List { elts, .. } => {
                self.text("[");
                self.list(elts, TEST);
                self.text("]");
            }
            ExprKind::Tuple { elts, .. } => {
                if elts.is_empty() {
                    return self.text("()");
                }
                self.parens(level > TUPLE, |w| {
                    w.list(elts, TEST);
                    if elts.len() == 1 {
                        w.text(",");
                    }
                });
            }
            ExprKind::Slice { lower, upper, step } => {
                if let Some(e) = lower {
                    self.expr(e, TEST);
                }
                self.text(":");
                if let Some(e) = upper {
                    self.expr(e, TEST);
                }
                if let Some(e) = step {
                    self.text(":");
                    self.expr(e, TEST);
                }
            }
            ExprKind::NamedExpr { target, value } => self.parens(level > TUPLE, |w| {
                w.expr(target, ATOM);
                w.text(" := ");
                w.expr(value, ATOM);
            }),
            ExprKind::Yield { value } => {
                self.text("(yield");
                if let Some(value) = value {
                    self.text(" ");
                    self.expr(value, TEST);
                }
                self.text(")");
            }
            ExprKind::YieldFrom { value } => {
                self.text("(yield from ");
                self.expr(value, TEST);
                self.text(")");
            }
            ExprKind::Await { value } => self.parens(level > AWAIT, |w| {
                w.text("await ");
                w.expr(value, ATOM);
            }),
        }
    }

    fn comprehension(
        &mut self,
        open: &str,
        elt: &Expr<'_>,
        value: Option<&&Expr<'_>>,
        generators: &[Comprehension<'_>],
        close: &str,
    ) {
        self.text(open);
        self.expr(elt, TEST);
        if let Some(v) = value {
            self.text(": ");
            self.expr(v, TEST);
        }
        for g in generators {
            self.text(if g.is_async { " async for " } else { " for " });
            self.expr(g.target, TUPLE);
            self.text(" in ");
            self.expr(g.iter, TEST + 1);
            for test in g.ifs {
                self.text(" if ");
                self.expr(test, TEST + 1);
            }
        }
        self.text(close);
    }

    fn arguments(&mut self, a: &Arguments<'_>) {
        let mut first = true;
        let mut comma = |w: &mut Self| {
            if !first {
                w.text(", ");
            }
            first = false;
        };
        let positional = a.posonlyargs.len() + a.args.len();
        let required = positional - a.defaults.len().min(positional);
        for (i, arg) in a.posonlyargs.iter().chain(a.args).enumerate() {
            comma(self);
            self.text(arg.arg);
            if i >= required {
                self.text("=");
                self.expr(a.defaults[i - required], TEST);
            }
            if i + 1 == a.posonlyargs.len() {
                self.text(", /");
            }
        }
        if a.vararg.is_some() || !a.kwonlyargs.is_empty() {
            comma(self);
            self.text("*");
            if let Some(arg) = a.vararg {
                self.text(arg.arg);
            }
        }
        for (arg, default) in a.kwonlyargs.iter().zip(a.kw_defaults) {
            comma(self);
            self.text(arg.arg);
            if let Some(default) = default {
                self.text("=");
                self.expr(default, TEST);
            }
        }
        if let Some(arg) = a.kwarg {
            comma(self);
            self.text("**");
            self.text(arg.arg);
        }
    }

    /// An f-string or t-string: the body is put together and then quoted as a whole.
    fn string_with_holes(&mut self, prefix: &str, values: &[&Expr<'_>]) {
        let mut body = Writer { out: Vec::new() };
        body.holes(values);
        self.text(prefix);
        let quoted = repr_str(&body.out);
        self.text(&quoted);
    }

    fn holes(&mut self, values: &[&Expr<'_>]) {
        for v in values {
            match &v.kind {
                ExprKind::Constant { value: Literal::Str { value, .. } } => {
                    for &b in value.iter() {
                        self.out.push(b);
                        if matches!(b, b'{' | b'}') {
                            self.out.push(b);
                        }
                    }
                }
                ExprKind::FormattedValue { value, conversion, format_spec } => {
                    let mut inner = Writer { out: Vec::new() };
                    inner.expr(value, TEST + 1);
                    self.hole(inner.out, *conversion, *format_spec);
                }
                ExprKind::Interpolation { str, conversion, format_spec, .. } => {
                    let text = match str {
                        Literal::Str { value, .. } => value.to_vec(),
                        _ => Vec::new(),
                    };
                    self.hole(text, *conversion, *format_spec);
                }
                ExprKind::JoinedStr { values } => self.holes(values),
                _ => self.expr(v, TEST),
            }
        }
    }

    fn hole(&mut self, text: Vec<u8>, conversion: i32, spec: Option<&Expr<'_>>) {
        self.text(if text.first() == Some(&b'{') { "{ " } else { "{" });
        self.out.extend(text);
        if let Ok(c) = u8::try_from(conversion) {
            self.out.extend([b'!', c]);
        }
        if let Some(spec) = spec {
            self.text(":");
            self.holes(&[spec]);
        }
        self.text("}");
    }
}

/// `repr` of a constant.
pub(crate) fn repr_constant(c: &Constant) -> String {
    match c {
        Constant::Float(f) => repr_float(*f),
        Constant::Complex(re, im) => {
            let imaginary = repr_float(*im);
            let imaginary = imaginary.strip_suffix(".0").unwrap_or(&imaginary);
            if *re == 0.0 && re.is_sign_positive() {
                return format!("{imaginary}j");
            }
            let real = repr_float(*re);
            let real = real.strip_suffix(".0").unwrap_or(&real);
            let sign = if im.is_sign_negative() { "" } else { "+" };
            format!("({real}{sign}{imaginary}j)")
        }
        Constant::Ellipsis => "...".into(),
        Constant::BigInt { negative, magnitude } => {
            format!("{}{}", if *negative { "-" } else { "" }, decimal(magnitude))
        }
        Constant::Str(s) => repr_str(s),
        Constant::Bytes(s) => repr_bytes(s),
        c => taipan_bytecode::literal(c),
    }
}

/// Magnitude bytes in decimal. Quadratic; literals are short.
fn decimal(magnitude: &[u8]) -> String {
    let mut groups: Vec<u32> = Vec::new();
    for &byte in magnitude.iter().rev() {
        let mut carry = byte as u64;
        for g in &mut groups {
            let n = ((*g as u64) << 8) + carry;
            *g = (n % 1_000_000_000) as u32;
            carry = n / 1_000_000_000;
        }
        if carry != 0 {
            groups.push(carry as u32);
        }
    }
    let mut text = groups.last().copied().unwrap_or(0).to_string();
    for g in groups.iter().rev().skip(1) {
        text.push_str(&format!("{g:09}"));
    }
    text
}

fn repr_float(f: f64) -> String {
    if f.is_nan() {
        return "nan".into();
    }
    if f.is_infinite() {
        return if f < 0.0 { "-inf" } else { "inf" }.into();
    }
    let scientific = format!("{f:e}");
    let Some((digits, exponent)) = scientific.split_once('e') else { return scientific };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..16).contains(&exponent) {
        let plain = format!("{f}");
        return if plain.contains('.') { plain } else { format!("{plain}.0") };
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}

fn quote_for(s: &[u8]) -> char {
    if s.contains(&b'\'') && !s.contains(&b'"') { '"' } else { '\'' }
}

fn repr_bytes(s: &[u8]) -> String {
    let quote = quote_for(s);
    let mut out = format!("b{quote}");
    for &b in s {
        match b {
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            b if b as char == quote => {
                out.push('\\');
                out.push(quote);
            }
            b' '..=b'~' => out.push(b as char),
            b => out.push_str(&format!("\\x{b:02x}")),
        }
    }
    out.push(quote);
    out
}

/// `repr` of WTF-8 text. Which non-ASCII characters are printable is approximated: all
/// but controls, separators and surrogates.
fn repr_str(s: &[u8]) -> String {
    let quote = quote_for(s);
    let mut out = String::from(quote);
    let mut i = 0;
    while i < s.len() {
        let b = s[i];
        let n = match b {
            0..=0x7f => 1,
            0xc0..=0xdf => 2,
            0xe0..=0xef => 3,
            _ => 4,
        };
        let chunk = &s[i..(i + n).min(s.len())];
        i += n;
        match std::str::from_utf8(chunk).ok().and_then(|t| t.chars().next()) {
            Some('\\') => out.push_str("\\\\"),
            Some('\n') => out.push_str("\\n"),
            Some('\r') => out.push_str("\\r"),
            Some('\t') => out.push_str("\\t"),
            Some(c) if c == quote => {
                out.push('\\');
                out.push(c);
            }
            Some(c @ ('\0'..='\x1f' | '\x7f'..='\u{a0}' | '\u{ad}')) => {
                out.push_str(&format!("\\x{:02x}", c as u32));
            }
            Some(c @ ('\u{2000}'..='\u{200f}' | '\u{2028}'..='\u{202f}' | '\u{2060}'..='\u{206f}')) => {
                out.push_str(&format!("\\u{:04x}", c as u32));
            }
            Some(c @ ('\u{3000}' | '\u{feff}' | '\u{e000}'..='\u{f8ff}')) => {
                out.push_str(&format!("\\u{:04x}", c as u32));
            }
            Some(c) => out.push(c),
            None if chunk.len() == 3 => {
                let unit = (chunk[0] as u32 & 15) << 12 | (chunk[1] as u32 & 63) << 6 | chunk[2] as u32 & 63;
                out.push_str(&format!("\\u{unit:04x}"));
            }
            None => out.push('\u{fffd}'),
        }
    }
    out.push(quote);
    out
}
