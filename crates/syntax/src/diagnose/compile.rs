//! Turns the text of `grammar.rs` into rules that the engine can walk.

use std::collections::HashMap;
use std::sync::OnceLock;

use super::grammar::GRAMMAR;
use crate::lexer::Tok;

/// One thing to match.
#[derive(Debug)]
pub(super) enum Item {
    Tok(Tok),
    Soft(&'static str),
    AnySoft,
    Rule(usize),
    Opt(Box<Item>),
    Star(Box<Item>),
    Plus(Box<Item>),
    Gather(Box<Item>, Box<Item>),
    Group(Vec<Alt>),
    And(Box<Item>),
    Not(Box<Item>),
    Cut,
    Force(Tok),
    Capture(usize, Box<Item>),
}

/// What an alternative that matched means.
#[derive(Debug)]
pub(super) enum Action {
    /// Its value, or an unnamed node.
    Plain,
    Tag(&'static str),
    /// The value of a capture; without one the alternative fails.
    Take(Option<usize>),
    Range(usize, usize, &'static str),
    Location(usize, &'static str),
    From(usize, &'static str),
    Next(&'static str),
    Here(&'static str),
    Indent(&'static str),
    Target(Target, usize),
    Do(&'static str),
    /// A node that needs a minor version; what to call it otherwise.
    Version(u8, &'static str, &'static str),
}

/// Kind of assignment target that was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    Star,
    For,
    Del,
}

#[derive(Debug)]
pub(super) struct Alt {
    pub items: Vec<Item>,
    pub action: Action,
    pub invalid: bool,
}

#[derive(Debug)]
pub(super) struct Rule {
    pub memo: bool,
    pub left: bool,
    /// Error alternatives are off below this rule.
    pub quiet: bool,
    pub alts: Vec<Alt>,
}

#[derive(Debug)]
pub(super) struct Grammar {
    pub rules: Vec<Rule>,
    pub names: HashMap<&'static str, usize>,
}

/// The compiled grammar.
pub(super) fn grammar() -> &'static Grammar {
    static COMPILED: OnceLock<Grammar> = OnceLock::new();
    COMPILED.get_or_init(compile)
}

fn compile() -> Grammar {
    let mut names = HashMap::new();
    for line in GRAMMAR.lines() {
        if let Some((head, _)) = head(line) {
            let n = names.len();
            names.insert(head, n);
        }
    }
    let toks: HashMap<&'static str, Tok> = Tok::ALL.iter().map(|&(t, s)| (s, t)).collect();
    let c = Compiler { names: &names, toks: &toks };
    let mut rules: Vec<Rule> = Vec::new();
    for line in GRAMMAR.lines() {
        if let Some((_, flags)) = head(line) {
            rules.push(Rule {
                memo: flags.contains("memo"),
                left: flags.contains("left"),
                quiet: flags.contains("quiet"),
                alts: Vec::new(),
            });
            continue;
        }
        let (invalid, rest) = if let Some(r) = line.strip_prefix("!| ") {
            (true, r)
        } else if let Some(r) = line.strip_prefix("| ") {
            (false, r)
        } else {
            continue;
        };
        let (pattern, action) = match rest.split_once(" => ") {
            Some((p, a)) => (p, action(a)),
            None => (rest, Action::Plain),
        };
        let words: Vec<&'static str> = pattern.split_whitespace().collect();
        let mut at = 0;
        let items = c.sequence(&words, &mut at);
        if let Some(rule) = rules.last_mut() {
            rule.alts.push(Alt { items, action, invalid });
        }
    }
    Grammar { rules, names }
}

fn head(line: &'static str) -> Option<(&'static str, &'static str)> {
    let body = line.strip_suffix(':')?;
    if line.starts_with(['|', '!']) {
        return None;
    }
    Some(body.split_once(' ').unwrap_or((body, "")))
}

fn slot(word: &str) -> usize {
    usize::from(word == "b")
}

fn action(text: &'static str) -> Action {
    let (spec, message) = text.split_once(" : ").unwrap_or((text, ""));
    let words: Vec<&'static str> = spec.split_whitespace().collect();
    match words.as_slice() {
        ["tag", ..] => Action::Tag(spec.trim_start_matches("tag ")),
        ["=", "x"] => Action::Take(None),
        ["=", c] => Action::Take(Some(slot(c))),
        ["R", a, b] => Action::Range(slot(a), slot(b), message),
        ["L", a] => Action::Location(slot(a), message),
        ["S", a] => Action::From(slot(a), message),
        ["N"] => Action::Next(message),
        ["H"] => Action::Here(message),
        ["I"] => Action::Indent(message),
        ["T", what, a] => Action::Target(
            match *what {
                "star" => Target::Star,
                "for" => Target::For,
                _ => Target::Del,
            },
            slot(a),
        ),
        ["do", name] => Action::Do(name),
        ["V", version, ..] => {
            let tag = spec.splitn(3, ' ').nth(2).unwrap_or("*");
            Action::Version(version.parse().unwrap_or(0), tag, message)
        }
        _ => Action::Tag(spec),
    }
}

struct Compiler<'c> {
    names: &'c HashMap<&'static str, usize>,
    toks: &'c HashMap<&'static str, Tok>,
}

impl Compiler<'_> {
    /// Items up to the end, a `/` or a closing parenthesis.
    fn sequence(&self, words: &[&'static str], at: &mut usize) -> Vec<Item> {
        let mut items: Vec<Item> = Vec::new();
        while let Some(&w) = words.get(*at) {
            if w == "/" || w.starts_with(')') {
                break;
            }
            if w == "%" {
                *at += 1;
                let sep = self.item(words, at);
                match items.pop() {
                    Some(Item::Capture(c, x)) => {
                        items.push(Item::Capture(c, Box::new(Item::Gather(x, Box::new(sep)))));
                    }
                    Some(x) => items.push(Item::Gather(Box::new(x), Box::new(sep))),
                    None => {}
                }
                continue;
            }
            let item = self.item(words, at);
            items.push(item);
        }
        items
    }

    fn item(&self, words: &[&'static str], at: &mut usize) -> Item {
        let w = words.get(*at).copied().unwrap_or("");
        *at += 1;
        self.word(w, words, at)
    }

    fn word(&self, w: &'static str, words: &[&'static str], at: &mut usize) -> Item {
        let bytes = w.as_bytes();
        if bytes.len() > 2 && bytes[0].is_ascii_lowercase() && bytes[1] == b'=' {
            return Item::Capture(slot(&w[..1]), Box::new(self.word(&w[2..], words, at)));
        }
        if w == "~" {
            return Item::Cut;
        }
        if let Some(rest) = w.strip_prefix("&&") {
            let text = rest.trim_matches('\'');
            return Item::Force(self.toks.get(text).copied().unwrap_or(Tok::Error));
        }
        if let Some(rest) = w.strip_prefix('&') {
            return Item::And(Box::new(self.word(rest, words, at)));
        }
        if let Some(rest) = w.strip_prefix('!') {
            return Item::Not(Box::new(self.word(rest, words, at)));
        }
        let (core, suffix) = if w == "(" {
            let mut alts = Vec::new();
            loop {
                let items = self.sequence(words, at);
                alts.push(Alt { items, action: Action::Plain, invalid: false });
                let end = words.get(*at).copied().unwrap_or(")");
                *at += 1;
                if end != "/" {
                    break (Item::Group(alts), &end[1..]);
                }
            }
        } else if bytes.first() == Some(&b'\'') {
            let close = w[1..].find('\'').map_or(w.len(), |i| i + 1);
            (
                Item::Tok(self.toks.get(&w[1..close]).copied().unwrap_or(Tok::Error)),
                w.get(close + 1..).unwrap_or(""),
            )
        } else if bytes.first() == Some(&b'"') {
            let close = w[1..].find('"').map_or(w.len(), |i| i + 1);
            (Item::Soft(&w[1..close]), w.get(close + 1..).unwrap_or(""))
        } else {
            let name = w.trim_end_matches(['?', '*', '+']);
            let core = match self.names.get(name) {
                Some(&r) => Item::Rule(r),
                None if name == "SOFT_KEYWORD" => Item::AnySoft,
                None => Item::Tok(self.toks.get(name).copied().unwrap_or(Tok::Error)),
            };
            (core, &w[name.len()..])
        };
        match suffix {
            "?" => Item::Opt(Box::new(core)),
            "*" => Item::Star(Box::new(core)),
            "+" => Item::Plus(Box::new(core)),
            _ => core,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(item: &Item, bad: &mut Vec<String>) {
        match item {
            Item::Tok(Tok::Error) | Item::Force(Tok::Error) => bad.push(format!("{item:?}")),
            Item::Opt(x)
            | Item::Star(x)
            | Item::Plus(x)
            | Item::And(x)
            | Item::Not(x)
            | Item::Capture(_, x) => check(x, bad),
            Item::Gather(x, y) => {
                check(x, bad);
                check(y, bad);
            }
            Item::Group(alts) => alts.iter().flat_map(|a| &a.items).for_each(|i| check(i, bad)),
            _ => {}
        }
    }

    #[test]
    fn every_word_is_known() {
        let g = grammar();
        let mut bad = Vec::new();
        for (name, &n) in &g.names {
            for alt in &g.rules[n].alts {
                let before = bad.len();
                alt.items.iter().for_each(|i| check(i, &mut bad));
                if bad.len() > before {
                    bad.push(format!("in {name}"));
                }
            }
        }
        assert!(bad.is_empty(), "{bad:?}");
    }
}
