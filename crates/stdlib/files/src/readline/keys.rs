//! Keys and what they do, and the language of init files and `parse_and_bind()`.

use std::collections::BTreeMap;

/// What a key may do, under GNU readline's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    AcceptLine,
    BackwardChar,
    BackwardDeleteChar,
    BackwardKillWord,
    BackwardWord,
    BeginningOfHistory,
    BeginningOfLine,
    CapitalizeWord,
    ClearScreen,
    Complete,
    DeleteChar,
    DowncaseWord,
    EndOfHistory,
    EndOfLine,
    ForwardChar,
    ForwardWord,
    Ignore,
    KillLine,
    KillWord,
    NextHistory,
    PossibleCompletions,
    PreviousHistory,
    QuotedInsert,
    ReverseSearch,
    SelfInsert,
    TransposeChars,
    Undo,
    UnixLineDiscard,
    UnixWordRubout,
    UpcaseWord,
    Yank,
}

use Command::*;

const NAMES: [(&str, Command); 34] = [
    ("accept-line", AcceptLine),
    ("backward-char", BackwardChar),
    ("backward-delete-char", BackwardDeleteChar),
    ("backward-kill-line", UnixLineDiscard),
    ("backward-kill-word", BackwardKillWord),
    ("backward-word", BackwardWord),
    ("beginning-of-history", BeginningOfHistory),
    ("beginning-of-line", BeginningOfLine),
    ("capitalize-word", CapitalizeWord),
    ("clear-screen", ClearScreen),
    ("complete", Complete),
    ("delete-char", DeleteChar),
    ("downcase-word", DowncaseWord),
    ("end-of-history", EndOfHistory),
    ("end-of-line", EndOfLine),
    ("forward-char", ForwardChar),
    ("forward-word", ForwardWord),
    ("kill-line", KillLine),
    ("kill-word", KillWord),
    ("next-history", NextHistory),
    ("possible-completions", PossibleCompletions),
    ("previous-history", PreviousHistory),
    ("quoted-insert", QuotedInsert),
    ("reverse-search-history", ReverseSearch),
    ("rl_complete", Complete),
    ("self-insert", SelfInsert),
    ("tab-insert", SelfInsert),
    ("transpose-chars", TransposeChars),
    ("undo", Undo),
    ("unix-line-discard", UnixLineDiscard),
    ("unix-word-rubout", UnixWordRubout),
    ("upcase-word", UpcaseWord),
    ("yank", Yank),
    ("do-nothing", Ignore),
];

/// What a sequence of bytes does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    Command(Command),
    /// As if these bytes had been typed.
    Macro(Vec<u8>),
}

/// What a sequence of bytes leads to.
pub enum Found {
    Action(Action),
    /// More bytes are needed.
    Prefix,
    Nothing,
}

/// The bindings, and the variables that mean something here.
pub struct Keys {
    bindings: BTreeMap<Vec<u8>, Action>,
    pub completes: bool,
    pub shows_at_once: bool,
    pub ignores_case: bool,
    pub bell: bool,
    /// The most items that the history keeps.
    pub history_size: Option<usize>,
    /// Of the conditional parts around the present line: is this one read?
    conditions: Vec<bool>,
}

impl Default for Keys {
    fn default() -> Keys {
        let defaults: [(&[u8], Command); 49] = [
            (b"\x01", BeginningOfLine),
            (b"\x02", BackwardChar),
            (b"\x04", DeleteChar),
            (b"\x05", EndOfLine),
            (b"\x06", ForwardChar),
            (b"\x08", BackwardDeleteChar),
            (b"\t", SelfInsert),
            (b"\n", AcceptLine),
            (b"\x0b", KillLine),
            (b"\x0c", ClearScreen),
            (b"\r", AcceptLine),
            (b"\x0e", NextHistory),
            (b"\x10", PreviousHistory),
            (b"\x11", QuotedInsert),
            (b"\x12", ReverseSearch),
            (b"\x14", TransposeChars),
            (b"\x15", UnixLineDiscard),
            (b"\x16", QuotedInsert),
            (b"\x17", UnixWordRubout),
            (b"\x19", Yank),
            (b"\x1f", Undo),
            (b"\x7f", BackwardDeleteChar),
            (b"\x1b[A", PreviousHistory),
            (b"\x1b[B", NextHistory),
            (b"\x1b[C", ForwardChar),
            (b"\x1b[D", BackwardChar),
            (b"\x1b[H", BeginningOfLine),
            (b"\x1b[F", EndOfLine),
            (b"\x1bOA", PreviousHistory),
            (b"\x1bOB", NextHistory),
            (b"\x1bOC", ForwardChar),
            (b"\x1bOD", BackwardChar),
            (b"\x1bOH", BeginningOfLine),
            (b"\x1bOF", EndOfLine),
            (b"\x1b[1~", BeginningOfLine),
            (b"\x1b[3~", DeleteChar),
            (b"\x1b[4~", EndOfLine),
            (b"\x1b[1;5C", ForwardWord),
            (b"\x1b[1;5D", BackwardWord),
            (b"\x1b<", BeginningOfHistory),
            (b"\x1b>", EndOfHistory),
            (b"\x1b?", PossibleCompletions),
            (b"\x1bb", BackwardWord),
            (b"\x1bc", CapitalizeWord),
            (b"\x1bd", KillWord),
            (b"\x1bf", ForwardWord),
            (b"\x1bl", DowncaseWord),
            (b"\x1bu", UpcaseWord),
            (b"\x1b\x7f", BackwardKillWord),
        ];
        let bindings =
            defaults.into_iter().map(|(keys, command)| (keys.to_vec(), Action::Command(command))).collect();
        Keys {
            bindings,
            completes: true,
            shows_at_once: false,
            ignores_case: false,
            bell: true,
            history_size: None,
            conditions: Vec::new(),
        }
    }
}

/// The control character of a key.
fn control(byte: u8) -> u8 {
    if byte == b'?' { 0x7f } else { byte.to_ascii_uppercase() & 0x1f }
}

/// The bytes of a text with the escapes of init files.
fn unescaped(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut out = Vec::new();
    let mut at = 0;
    // `\C-` and `\M-` change what follows.
    let (mut with_control, mut with_meta) = (false, false);
    while let Some(&byte) = bytes.get(at) {
        let rest = &bytes[at..];
        if rest.starts_with(b"\\C-") || rest.starts_with(b"\\M-") {
            with_control |= rest[1] == b'C';
            with_meta |= rest[1] == b'M';
            at += 3;
            continue;
        }
        at += 1;
        let mut key = byte;
        if byte == b'\\'
            && let Some(&escaped) = bytes.get(at)
        {
            at += 1;
            let digits = |from: usize, most: usize, radix: u32| {
                let run = bytes.get(from..).unwrap_or(&[]).iter().take(most);
                run.take_while(|byte| (**byte as char).is_digit(radix)).count()
            };
            let number = |from: usize, n: usize, radix: u32| {
                let digits = bytes.get(from..from + n).unwrap_or(&[]);
                let value = digits.iter().filter_map(|byte| (*byte as char).to_digit(radix));
                value.fold(0u32, |all, digit| all * radix + digit) as u8
            };
            key = match escaped {
                b'a' => 7,
                b'b' => 8,
                b'd' => 0x7f,
                b'e' => 0x1b,
                b'f' => 0x0c,
                b'n' => b'\n',
                b'r' => b'\r',
                b't' => b'\t',
                b'v' => 0x0b,
                b'0'..=b'7' => {
                    let n = digits(at - 1, 3, 8);
                    at += n - 1;
                    number(at - n, n, 8)
                }
                b'x' if digits(at, 2, 16) > 0 => {
                    let n = digits(at, 2, 16);
                    at += n;
                    number(at - n, n, 16)
                }
                other => other,
            };
        }
        if std::mem::take(&mut with_meta) {
            out.push(0x1b);
        }
        out.push(if std::mem::take(&mut with_control) { control(key) } else { key });
    }
    out
}

/// The key of a name like `Control-b`, `Meta-RET`, `tab`.
fn named(name: &str) -> Option<Vec<u8>> {
    let (mut with_control, mut with_meta) = (false, false);
    let mut rest = name;
    while let Some((modifier, more)) = rest.split_once('-') {
        match modifier.to_ascii_lowercase().as_str() {
            "control" | "ctrl" | "c" => with_control = true,
            "meta" | "m" => with_meta = true,
            _ => return None,
        }
        rest = more;
    }
    let key = match rest.to_ascii_lowercase().as_str() {
        "del" | "rubout" => 0x7f,
        "esc" | "escape" => 0x1b,
        "lfd" | "newline" => b'\n',
        "ret" | "return" => b'\r',
        "space" | "spc" => b' ',
        "tab" => b'\t',
        _ => *rest.as_bytes().first()?,
    };
    let key = if with_control { control(key) } else { key };
    Some(if with_meta { vec![0x1b, key] } else { vec![key] })
}

/// A text in quotes and what comes behind it.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let mut escaped = false;
    for (i, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return Some((&text[1..i], &text[i + 1..])),
            _ => {}
        }
    }
    None
}

impl Keys {
    pub fn find(&self, typed: &[u8]) -> Found {
        let longer = self.bindings.range(typed.to_vec()..).find(|(keys, _)| keys.as_slice() != typed);
        if longer.is_some_and(|(keys, _)| keys.starts_with(typed)) {
            return Found::Prefix;
        }
        self.bindings.get(typed).map_or(Found::Nothing, |action| Found::Action(action.clone()))
    }

    /// Carries out a line of an init file; the words of an error, if it is none.
    pub fn read(&mut self, line: &str) -> Result<(), String> {
        let line = line.trim();
        if let Some(directive) = line.strip_prefix('$') {
            self.directive(directive.trim());
            return Ok(());
        }
        if line.is_empty() || line.starts_with('#') || self.conditions.contains(&false) {
            return Ok(());
        }
        let mut words = line.split_whitespace();
        if words.next().is_some_and(|word| word.eq_ignore_ascii_case("set")) {
            if let Some(variable) = words.next() {
                self.set(&variable.to_ascii_lowercase(), words.next().unwrap_or(""));
            }
            return Ok(());
        }
        let (keys, action) = match quoted(line) {
            Some((keys, rest)) => {
                let Some((_, action)) = rest.split_once(':') else {
                    return Err(format!("{line}: no key sequence terminator"));
                };
                (Some(unescaped(keys)), action)
            }
            None => {
                let Some((name, action)) = line.split_once(':') else {
                    return Err(format!("{line}: no key sequence terminator"));
                };
                (named(name.trim()), action)
            }
        };
        let Some(keys) = keys.filter(|keys| !keys.is_empty()) else { return Ok(()) };
        let action = action.trim();
        if let Some((text, _)) = quoted(action) {
            self.bindings.insert(keys, Action::Macro(unescaped(text)));
            return Ok(());
        }
        let name = action.split_whitespace().next().unwrap_or("").to_ascii_lowercase();
        if let Some((_, command)) = NAMES.iter().find(|(known, _)| *known == name) {
            self.bindings.insert(keys, Action::Command(*command));
        }
        Ok(())
    }
    fn directive(&mut self, text: &str) {
        let (word, test) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        match word {
            "if" => {
                let test = test.trim();
                self.conditions.push(test == "mode=emacs" || test.eq_ignore_ascii_case("python"));
            }
            "else" => {
                if let Some(last) = self.conditions.last_mut() {
                    *last = !*last;
                }
            }
            "endif" => _ = self.conditions.pop(),
            _ => {}
        }
    }
    fn set(&mut self, variable: &str, value: &str) {
        let on = value.is_empty() || value == "1" || value.eq_ignore_ascii_case("on");
        match variable {
            "disable-completion" => self.completes = !on,
            "show-all-if-ambiguous" => self.shows_at_once = on,
            "completion-ignore-case" => self.ignores_case = on,
            "bell-style" => self.bell = !value.eq_ignore_ascii_case("none"),
            "history-size" => self.history_size = value.parse::<i64>().ok().and_then(|n| n.try_into().ok()),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(keys: &Keys, typed: &[u8]) -> Option<Action> {
        if let Found::Action(action) = keys.find(typed) { Some(action) } else { None }
    }

    #[test]
    fn lines_bind_keys() {
        let mut keys = Keys::default();
        for line in ["tab: complete", "Control-b: \"x\\ty\"", "\"\\C-xq\": undo", "# no", "bogus: foo"] {
            assert_eq!(keys.read(line), Ok(()));
        }
        assert!(keys.read("nonsense").is_err());
        assert_eq!(found(&keys, b"\t"), Some(Action::Command(Complete)));
        assert_eq!(found(&keys, b"\x02"), Some(Action::Macro(b"x\ty".to_vec())));
        assert_eq!(found(&keys, b"\x18q"), Some(Action::Command(Undo)));
        assert!(matches!(keys.find(b"\x18"), Found::Prefix));
        assert!(matches!(keys.find(b"\x1b["), Found::Prefix));
        assert_eq!(unescaped("\\M-x\\101\\x41\\C-?"), b"\x1bxAA\x7f");
    }

    #[test]
    fn parts_are_conditional() {
        let mut keys = Keys::default();
        for line in ["$if Bash", "tab: complete", "$else", "set history-size 10", "$endif"] {
            assert_eq!(keys.read(line), Ok(()));
        }
        assert_eq!(found(&keys, b"\t"), Some(Action::Command(SelfInsert)));
        assert_eq!(keys.history_size, Some(10));
    }
}
