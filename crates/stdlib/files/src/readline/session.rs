//! One line read from the terminal: keys in, the line shown, completion.
//!
//! The state is borrowed only between calls of Python code: the completer and the hooks may
//! ask for it and change it.

use super::keys::{Action, Command, Found};
use super::line::{Case, Line};
use super::{Editor, State};
use crate::support::{os_error, retry};
use std::collections::VecDeque;
use taipan_host as host;
use taipan_host::libc;
use taipan_runtime::prelude::*;

/// More completions than so many are shown only if that is wished.
const MANY: usize = 100;
/// More are not asked for.
const MOST_MATCHES: usize = 100_000;
/// So many changes can be undone.
const UNDO: usize = 1000;

/// The terminal as it was, which it becomes again at the end.
struct Raw(host::terminal::Attributes);

impl Raw {
    fn enter() -> host::Result<Raw> {
        let saved = host::terminal::attributes(0)?;
        let mut raw = saved;
        raw.c_lflag &= !(libc::ICANON | libc::ECHO);
        raw.c_iflag &= !(libc::ICRNL | libc::INLCR);
        raw.c_cc[libc::VMIN] = 1;
        raw.c_cc[libc::VTIME] = 0;
        // Keys of our own: literal next and the like.
        raw.c_cc[libc::VLNEXT] = 0;
        host::terminal::set_attributes(0, libc::TCSADRAIN, &raw)?;
        Ok(Raw(saved))
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        _ = host::terminal::set_attributes(0, libc::TCSADRAIN, &self.0);
    }
}

/// How a line ended.
enum End {
    Accepted,
    Eof,
}

pub struct Session<'a> {
    vm: &'a Vm,
    state: &'a State,
    prompt: String,
    /// Columns that the last line of the prompt takes.
    prompt_width: usize,
    /// Bytes of macros that are to be read before those of the terminal.
    pending: VecDeque<u8>,
    /// On which row of the shown line the cursor is.
    row: usize,
    /// Which line of the history is shown; its length: the new one.
    place: usize,
    /// The new line, while one of the history is shown.
    own: Line,
    undo: Vec<Line>,
    last: Option<Command>,
}

/// The prompt without the marks around what takes no room, and how wide its last line is.
fn measured(prompt: &str) -> (String, usize) {
    let (mut shown, mut width, mut hidden, mut escape) = (String::new(), 0, false, false);
    for c in prompt.chars() {
        match c {
            '\x01' => hidden = true,
            '\x02' => hidden = false,
            _ => {
                shown.push(c);
                if c == '\x1b' {
                    escape = true;
                } else if escape {
                    escape = !c.is_ascii_alphabetic();
                } else if c == '\n' {
                    width = 0;
                } else if !hidden {
                    width += 1;
                }
            }
        }
    }
    (shown, width)
}

/// Characters as they are shown: control characters have two.
fn shown(chars: &[char]) -> String {
    let mut out = String::new();
    for &c in chars {
        match c as u32 {
            code @ 0..32 => {
                out.push('^');
                out.push(char::from_u32(code + 64).unwrap_or('?'));
            }
            127 => out.push_str("^?"),
            _ => out.push(c),
        }
    }
    out
}

fn common_prefix(matches: &[String]) -> String {
    let Some((first, rest)) = matches.split_first() else { return String::new() };
    let same = |other: &String| first.chars().zip(other.chars()).take_while(|(a, b)| a == b).count();
    let n = rest.iter().map(same).min().unwrap_or_else(|| first.chars().count());
    first.chars().take(n).collect()
}

impl<'a> Session<'a> {
    pub fn new(vm: &'a Vm, state: &'a State, prompt: &str) -> Session<'a> {
        let (prompt, prompt_width) = measured(prompt);
        let place = state.editor.borrow().history.len();
        Session {
            vm,
            state,
            prompt,
            prompt_width,
            pending: VecDeque::new(),
            row: 0,
            place,
            own: Line::default(),
            undo: Vec::new(),
            last: None,
        }
    }
    fn editor(&self) -> std::cell::RefMut<'_, Editor> {
        self.state.editor.borrow_mut()
    }

    // ---- terminal ----------------------------------------------------------------

    fn put(&self, text: &str) -> Result<()> {
        let mut bytes = text.as_bytes();
        while !bytes.is_empty() {
            let written = retry(self.vm, || host::fd::write(1, bytes))?;
            let n = written.map_err(|error| os_error(self.vm, error))?;
            bytes = bytes.get(n..).unwrap_or(&[]);
        }
        Ok(())
    }
    fn bell(&self) -> Result<()> {
        if self.editor().keys.bell { self.put("\x07") } else { Ok(()) }
    }
    /// The next byte typed; None at the end.
    fn byte(&mut self) -> Result<Option<u8>> {
        if let Some(byte) = self.pending.pop_front() {
            return Ok(Some(byte));
        }
        let mut one = [0];
        match retry(self.vm, || host::fd::read(0, &mut one))? {
            Ok(0) | Err(host::Errno(libc::EIO)) => Ok(None),
            Ok(_) => Ok(Some(one[0])),
            Err(error) => Err(os_error(self.vm, error)),
        }
    }
    /// A character whose first byte is at hand.
    fn character(&mut self, first: u8) -> Result<Option<char>> {
        let len = match first {
            0..0x80 => 1,
            0xc2..0xe0 => 2,
            0xe0..0xf0 => 3,
            0xf0..0xf5 => 4,
            _ => return Ok(None),
        };
        let mut bytes = vec![first];
        while bytes.len() < len {
            match self.byte()? {
                Some(byte) => bytes.push(byte),
                None => return Ok(None),
            }
        }
        Ok(std::str::from_utf8(&bytes).ok().and_then(|text| text.chars().next()))
    }
    fn columns(&self) -> usize {
        host::terminal::size(1).map_or(80, |(columns, _)| if columns < 2 { 80 } else { columns.into() })
    }
    /// Shows prompt and line anew, over what was shown.
    pub fn redraw(&mut self) -> Result<()> {
        let (before, after) = {
            let editor = self.editor();
            let (before, after) = editor.line.chars().split_at(editor.line.cursor());
            (shown(before), shown(after))
        };
        let columns = self.columns();
        let mut out = String::new();
        if self.row > 0 {
            out.push_str(&format!("\x1b[{}A", self.row));
        }
        out.push_str("\r\x1b[J");
        out.push_str(&self.prompt);
        out.push_str(&before);
        out.push_str(&after);
        let at = self.prompt_width + before.chars().count();
        let end = at + after.chars().count();
        // Behind a full row the terminal waits: have it go on.
        if end > 0 && end.is_multiple_of(columns) {
            out.push_str(" \r\x1b[K");
        }
        if at != end {
            let up = end / columns - at / columns;
            if up > 0 {
                out.push_str(&format!("\x1b[{up}A"));
            }
            out.push('\r');
            if at % columns > 0 {
                out.push_str(&format!("\x1b[{}C", at % columns));
            }
        }
        self.row = at / columns;
        self.put(&out)
    }

    // ---- lines --------------------------------------------------------------------

    /// Reads a line; None at the end of the input.
    pub fn read(mut self) -> Result<Option<String>> {
        let raw = Raw::enter().map_err(|error| os_error(self.vm, error))?;
        self.editor().line = Line::default();
        self.state.run_hook(self.vm, &self.state.startup_hook);
        let prompt = self.prompt.clone();
        let outcome = self.put(&prompt).and_then(|()| {
            self.state.run_hook(self.vm, &self.state.pre_input_hook);
            if !self.editor().line.chars().is_empty() {
                self.redraw()?;
            }
            loop {
                if let Some(end) = self.key()? {
                    return Ok(end);
                }
            }
        });
        let line = std::mem::take(&mut self.editor().line);
        drop(raw);
        match outcome {
            Ok(End::Accepted) => {
                self.put("\n")?;
                Ok(Some(line.text()))
            }
            Ok(End::Eof) => {
                self.put("\n")?;
                Ok(None)
            }
            Err(raised) => {
                let exception = self.vm.caught(raised);
                if exception.is_instance_of(&exc::KEYBOARD_INTERRUPT) && self.put("^C\n").is_err() {
                    drop(self.vm.take_raised());
                }
                Err(self.vm.raise(exception))
            }
        }
    }
    /// Reads a key and does what it is bound to.
    fn key(&mut self) -> Result<Option<End>> {
        let mut typed = Vec::new();
        loop {
            let Some(byte) = self.byte()? else {
                return Ok(Some(if self.editor().line.chars().is_empty() {
                    End::Eof
                } else {
                    End::Accepted
                }));
            };
            typed.push(byte);
            let found = self.editor().keys.find(&typed);
            match found {
                Found::Prefix => {}
                Found::Action(Action::Macro(bytes)) => {
                    for byte in bytes.into_iter().rev() {
                        self.pending.push_front(byte);
                    }
                    // A macro that calls itself would never end.
                    if self.pending.len() > 1 << 16 {
                        self.pending.clear();
                    }
                    return Ok(None);
                }
                Found::Action(Action::Command(command)) => return self.execute(command, byte),
                Found::Nothing if typed.len() == 1 && (byte >= 0x20 || byte == b'\t') => {
                    return self.execute(Command::SelfInsert, byte);
                }
                Found::Nothing => return self.bell().map(|()| None),
            }
        }
    }
    fn remember(&mut self) {
        let line = self.editor().line.clone();
        if self.undo.len() >= UNDO {
            self.undo.remove(0);
        }
        self.undo.push(line);
    }
    /// Shows another line of the history.
    fn go_to(&mut self, place: usize) -> Result<()> {
        let len = self.editor().history.len();
        if place > len || place == self.place {
            return self.bell();
        }
        if self.place >= len {
            let own = self.editor().line.clone();
            self.own = own;
        }
        self.place = place;
        let line = {
            let editor = self.editor();
            editor.history.get(place).map(|line| Line::new(line))
        };
        let line = line.unwrap_or_else(|| self.own.clone());
        self.editor().line = line;
        self.redraw()
    }
    /// Cuts out a part of the line.
    fn kill(&mut self, from: usize, to: usize) -> Result<()> {
        if from >= to {
            return self.bell();
        }
        self.remember();
        {
            let mut editor = self.editor();
            let cut = editor.line.cut(from, to);
            editor.killed = cut;
        }
        self.redraw()
    }
    fn move_to(&mut self, at: usize) -> Result<()> {
        self.editor().line.move_to(at);
        self.redraw()
    }
    fn execute(&mut self, command: Command, byte: u8) -> Result<Option<End>> {
        use Command::*;
        let repeated = self.last.replace(command) == Some(command);
        let (at, len) = {
            let editor = self.editor();
            (editor.line.cursor(), editor.line.chars().len())
        };
        let word_start = |session: &Session| session.editor().line.word_start(char::is_alphanumeric);
        match command {
            AcceptLine => {
                // What follows is shown below the line.
                if at != len {
                    self.move_to(len)?;
                }
                return Ok(Some(End::Accepted));
            }
            DeleteChar if len == 0 && byte == 4 => return Ok(Some(End::Eof)),
            SelfInsert => {
                if let Some(c) = self.character(byte)? {
                    self.insert(&c.to_string())?;
                }
            }
            QuotedInsert => {
                if let Some(byte) = self.byte()?
                    && let Some(c) = self.character(byte)?
                {
                    self.insert(&c.to_string())?;
                }
            }
            BackwardChar if at == 0 => self.bell()?,
            BackwardChar => self.move_to(at - 1)?,
            ForwardChar if at == len => self.bell()?,
            ForwardChar => self.move_to(at + 1)?,
            BeginningOfLine => self.move_to(0)?,
            EndOfLine => self.move_to(len)?,
            BackwardWord => {
                let start = word_start(self);
                self.move_to(start)?;
            }
            ForwardWord => {
                let end = self.editor().line.word_end();
                self.move_to(end)?;
            }
            BackwardDeleteChar if at == 0 => self.bell()?,
            DeleteChar if at == len => self.bell()?,
            BackwardDeleteChar | DeleteChar => {
                self.remember();
                let from = if command == DeleteChar { at } else { at - 1 };
                self.editor().line.cut(from, from + 1);
                self.redraw()?;
            }
            KillLine => self.kill(at, len)?,
            UnixLineDiscard => self.kill(0, at)?,
            KillWord => {
                let end = self.editor().line.word_end();
                self.kill(at, end)?;
            }
            BackwardKillWord => {
                let start = word_start(self);
                self.kill(start, at)?;
            }
            UnixWordRubout => {
                let start = self.editor().line.word_start(|c| !c.is_whitespace());
                self.kill(start, at)?;
            }
            Yank => {
                let killed = self.editor().killed.clone();
                self.insert(&killed)?;
            }
            TransposeChars => {
                self.remember();
                self.editor().line.transpose();
                self.redraw()?;
            }
            UpcaseWord | DowncaseWord | CapitalizeWord => {
                self.remember();
                let case = match command {
                    UpcaseWord => Case::Upper,
                    DowncaseWord => Case::Lower,
                    _ => Case::Capital,
                };
                self.editor().line.change_case(case);
                self.redraw()?;
            }
            Undo => match self.undo.pop() {
                Some(line) => {
                    self.editor().line = line;
                    self.redraw()?;
                }
                None => self.bell()?,
            },
            PreviousHistory => match self.place.checked_sub(1) {
                Some(place) => self.go_to(place)?,
                None => self.bell()?,
            },
            NextHistory => self.go_to(self.place + 1)?,
            BeginningOfHistory => self.go_to(0)?,
            EndOfHistory => {
                let len = self.editor().history.len();
                self.go_to(len)?;
            }
            ReverseSearch => return self.search(),
            ClearScreen => {
                self.put("\x1b[H\x1b[2J")?;
                self.row = 0;
                self.redraw()?;
            }
            Complete => self.complete(repeated, false)?,
            PossibleCompletions => self.complete(true, true)?,
            Ignore => {}
        }
        Ok(None)
    }
    fn insert(&mut self, text: &str) -> Result<()> {
        self.remember();
        let (columns, width) = (self.columns(), self.prompt_width);
        let simple = {
            let mut editor = self.editor();
            let at_end = editor.line.is_at_end();
            editor.line.insert(text);
            at_end && width + shown(editor.line.chars()).chars().count() < columns
        };
        if simple {
            let text: Vec<char> = text.chars().collect();
            return self.put(&shown(&text));
        }
        self.redraw()
    }
    /// Looks for a line of the history that contains what is typed.
    fn search(&mut self) -> Result<Option<End>> {
        let before = self.editor().line.clone();
        let prompt = (std::mem::take(&mut self.prompt), self.prompt_width);
        let (mut wanted, mut place) = (String::new(), self.place);
        let mut again = None;
        loop {
            (self.prompt, self.prompt_width) = measured(&format!("(reverse-i-search)`{wanted}': "));
            self.redraw()?;
            let Some(byte) = self.byte()? else { break };
            match byte {
                0x12 => {}
                0x7f | 8 => {
                    wanted.pop();
                    place = self.place;
                }
                7 => {
                    self.editor().line = before;
                    break;
                }
                0..32 => {
                    again = Some(byte);
                    break;
                }
                _ => {
                    let Some(c) = self.character(byte)? else { continue };
                    wanted.push(c);
                    place = (place + 1).min(self.place);
                }
            }
            let found = {
                let editor = self.editor();
                let known = |i: &usize| editor.history.get(*i).is_some_and(|line| line.contains(&wanted));
                let found = (0..place).rev().find(known).filter(|_| !wanted.is_empty());
                found.and_then(|i| editor.history.get(i).map(|line| (i, line.clone())))
            };
            match found {
                Some((i, line)) => {
                    place = i;
                    self.editor().line = Line::new(&line);
                }
                None if wanted.is_empty() => {}
                None => self.bell()?,
            }
        }
        (self.prompt, self.prompt_width) = prompt;
        self.redraw()?;
        if let Some(byte) = again {
            self.pending.push_front(byte);
        }
        Ok(None)
    }

    // ---- completion ------------------------------------------------------------------

    /// What the completer knows for a text, sorted.
    fn matches(&self, text: &str) -> Result<Vec<String>> {
        let vm = self.vm;
        let mut out = Vec::new();
        while let Some(completer) = self.state.completer.bound().filter(|_| out.len() < MOST_MATCHES) {
            let answer = vm.call(&completer, &[vm.str(text), vm.usize(out.len())]);
            match answer {
                Ok(answer) if answer.downcast::<Str>().is_some() => out.push(vm.str_lossy(&answer)),
                Ok(_) => break,
                Err(_) if vm.raised_is(&exc::KEYBOARD_INTERRUPT) => {
                    return Err(vm.raise(vm.take_raised().unwrap_or(Object::NONE)));
                }
                Err(_) => {
                    drop(vm.take_raised());
                    break;
                }
            }
        }
        out.sort();
        out.dedup();
        Ok(out)
    }
    /// Completes the word before the cursor, or shows how that could be done.
    fn complete(&mut self, repeated: bool, only_show: bool) -> Result<()> {
        let (text, at_once) = {
            let mut editor = self.editor();
            if !editor.keys.completes {
                drop(editor);
                return self.insert("\t");
            }
            let end = editor.line.cursor();
            let begin = editor.line.completed_from(|c| editor.delims.contains(c));
            (editor.begin, editor.end) = (begin, end);
            editor.completion_type = if only_show || repeated { '?' } else { '\t' } as i64;
            (editor.line.slice(begin, end), editor.keys.shows_at_once)
        };
        let found = self.matches(&text)?;
        let common = common_prefix(&found);
        if found.is_empty() {
            return self.bell();
        }
        let better = found.len() == 1 || common.chars().count() > text.chars().count();
        if better && !only_show && common != text {
            self.remember();
            {
                let mut editor = self.editor();
                let (begin, end) = (editor.begin, editor.end);
                editor.line.cut(begin, end);
                editor.line.insert(&common);
            }
            self.redraw()?;
        }
        if found.len() > 1 {
            if only_show || repeated || at_once {
                return self.show(&common, &found);
            }
            return self.bell();
        }
        Ok(())
    }
    /// Shows completions.
    fn show(&mut self, common: &str, found: &[String]) -> Result<()> {
        let vm = self.vm;
        let longest = found.iter().map(|one| one.chars().count()).max().unwrap_or(0);
        if let Some(hook) = self.state.display_hook.bound() {
            let all = vm.list(found.iter().map(|one| vm.str(one)).collect());
            if vm.call(&hook, &[vm.str(common), all, vm.usize(longest)]).is_err() {
                drop(vm.take_raised());
            }
            self.state.flush(vm);
            self.row = 0;
            return self.redraw();
        }
        self.put("\n")?;
        let wanted = found.len() <= MANY || {
            self.put(&format!("Display all {} possibilities? (y or n)", found.len()))?;
            let answer = self.byte()?;
            self.put("\n")?;
            matches!(answer, Some(b'y' | b'Y' | b' '))
        };
        if wanted {
            let width = longest + 2;
            let across = (self.columns() / width).max(1);
            let rows = found.len().div_ceil(across);
            for row in 0..rows {
                let cells = found.iter().skip(row).step_by(rows);
                let text: String = cells.map(|cell| format!("{cell:<width$}")).collect();
                self.put(text.trim_end())?;
                self.put("\n")?;
            }
        }
        self.row = 0;
        self.redraw()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prompts_are_measured() {
        assert_eq!(measured("\x01\x1b[1m\x02>>> \x01\x1b[0m\x02"), ("\x1b[1m>>> \x1b[0m".to_owned(), 4));
        assert_eq!(measured("one\ntwo"), ("one\ntwo".to_owned(), 3));
    }

    #[test]
    fn prefixes_are_common() {
        let all = ["text".to_owned(), "tent".to_owned()];
        assert_eq!(common_prefix(&all), "te");
        assert_eq!(common_prefix(&all[..1]), "text");
        assert_eq!(shown(&['a', '\t', '\x7f']), "a^I^?");
    }
}
