//! The line that is being edited: text, cursor, what was cut out. No terminal here.

/// A line of text with a cursor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    chars: Vec<char>,
    /// The cursor stands before this character.
    at: usize,
}

/// What becomes of the letters of a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Case {
    Upper,
    Lower,
    Capital,
}

impl Line {
    pub fn new(text: &str) -> Line {
        let chars: Vec<char> = text.chars().collect();
        Line { at: chars.len(), chars }
    }
    pub fn text(&self) -> String {
        self.chars.iter().collect()
    }
    pub fn chars(&self) -> &[char] {
        &self.chars
    }
    pub fn cursor(&self) -> usize {
        self.at
    }
    pub fn is_at_end(&self) -> bool {
        self.at == self.chars.len()
    }
    pub fn move_to(&mut self, at: usize) {
        self.at = at.min(self.chars.len());
    }
    pub fn insert(&mut self, text: &str) {
        let new: Vec<char> = text.chars().collect();
        let n = new.len();
        self.chars.splice(self.at..self.at, new);
        self.at += n;
    }
    /// Takes characters out; the cursor stands where they were.
    pub fn cut(&mut self, from: usize, to: usize) -> String {
        let (from, to) = (from.min(self.chars.len()), to.min(self.chars.len()));
        if from >= to {
            return String::new();
        }
        self.at = from;
        self.chars.drain(from..to).collect()
    }
    /// Where the word before the cursor begins: `belongs` says what words are made of.
    pub fn word_start(&self, belongs: impl Fn(char) -> bool) -> usize {
        let mut at = self.at;
        while at > 0 && !belongs(self.chars[at - 1]) {
            at -= 1;
        }
        while at > 0 && belongs(self.chars[at - 1]) {
            at -= 1;
        }
        at
    }
    /// Where the word after the cursor ends.
    pub fn word_end(&self) -> usize {
        let mut at = self.at;
        while at < self.chars.len() && !self.chars[at].is_alphanumeric() {
            at += 1;
        }
        while at < self.chars.len() && self.chars[at].is_alphanumeric() {
            at += 1;
        }
        at
    }
    /// The characters before the cursor up to a delimiter.
    pub fn completed_from(&self, is_delimiter: impl Fn(char) -> bool) -> usize {
        let before = &self.chars[..self.at];
        before.iter().rposition(|&c| is_delimiter(c)).map_or(0, |place| place + 1)
    }
    pub fn slice(&self, from: usize, to: usize) -> String {
        self.chars.get(from..to).unwrap_or(&[]).iter().collect()
    }
    /// The two characters around the cursor change places.
    pub fn transpose(&mut self) {
        if self.at == 0 || self.chars.len() < 2 {
            return;
        }
        if self.is_at_end() {
            self.at -= 1;
        }
        self.chars.swap(self.at - 1, self.at);
        self.at += 1;
    }
    /// Changes the word after the cursor.
    pub fn change_case(&mut self, case: Case) {
        let end = self.word_end();
        let word = self.cut(self.at, end);
        let mut begun = false;
        let changed: String = word
            .chars()
            .flat_map(|c| {
                let upper = case == Case::Upper || case == Case::Capital && !begun;
                begun |= c.is_alphanumeric();
                if upper { c.to_uppercase().collect::<Vec<_>>() } else { c.to_lowercase().collect() }
            })
            .collect();
        self.insert(&changed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_and_cut() {
        let mut line = Line::new("import os.path");
        assert_eq!(line.word_start(char::is_alphanumeric), 10);
        assert_eq!(line.word_start(|c| c != ' '), 7);
        assert_eq!(line.completed_from(|c| c == ' '), 7);
        assert_eq!(line.cut(10, 14), "path");
        line.insert("name");
        line.move_to(0);
        assert_eq!(line.word_end(), 6);
        line.change_case(Case::Capital);
        assert_eq!((line.text().as_str(), line.cursor()), ("Import os.name", 6));
    }

    #[test]
    fn characters_change_places() {
        let mut line = Line::new("ab");
        line.transpose();
        assert_eq!(line, Line::new("ba"));
        let mut one = Line::new("a");
        one.transpose();
        assert_eq!(one, Line::new("a"));
    }
}
