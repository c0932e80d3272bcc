//! Token kinds and the token record.
//!
//! Keywords have kinds of their own; soft keywords (`match`, `case`, `type`, `_`)
//! are plain names. Tokens carry byte offsets only.

macro_rules! tokens {
    ($( $(#[$m:meta])* $name:ident = $text:literal ),* $(,)?) => {
        /// What a token is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        #[allow(missing_docs)]
        pub enum Tok { $( $(#[$m])* $name ),* }

        impl Tok {
            /// All kinds with the text they stand for (upper-case names for classes of tokens).
            pub const ALL: &'static [(Tok, &'static str)] = &[ $( (Tok::$name, $text) ),* ];

            /// The fixed text of a keyword or operator, or the class name of others.
            pub fn text(self) -> &'static str {
                match self { $( Tok::$name => $text ),* }
            }
        }
    };
}

tokens! {
    EndMarker = "ENDMARKER", Name = "NAME", Number = "NUMBER", String = "STRING", Newline = "NEWLINE",
    Indent = "INDENT", Dedent = "DEDENT", FStringStart = "FSTRING_START", FStringMiddle = "FSTRING_MIDDLE",
    FStringEnd = "FSTRING_END", TStringStart = "TSTRING_START", TStringMiddle = "TSTRING_MIDDLE",
    TStringEnd = "TSTRING_END", Comment = "COMMENT", Nl = "NL", TypeComment = "TYPE_COMMENT",
    TypeIgnore = "TYPE_IGNORE", Error = "ERRORTOKEN",
    LPar = "(", RPar = ")", LSqb = "[", RSqb = "]", LBrace = "{", RBrace = "}",
    Colon = ":", Comma = ",", Semi = ";", Dot = ".", Ellipsis = "...", Arrow = "->", ColonEqual = ":=",
    Exclamation = "!", At = "@", Equal = "=",
    Plus = "+", Minus = "-", Star = "*", Slash = "/", VBar = "|", Amper = "&", Less = "<", Greater = ">",
    Percent = "%", EqEqual = "==", NotEqual = "!=", LessEqual = "<=", GreaterEqual = ">=", Tilde = "~",
    Circumflex = "^", LeftShift = "<<", RightShift = ">>", DoubleStar = "**", DoubleSlash = "//",
    PlusEqual = "+=", MinEqual = "-=", StarEqual = "*=", SlashEqual = "/=", PercentEqual = "%=",
    AmperEqual = "&=", VBarEqual = "|=", CircumflexEqual = "^=", LeftShiftEqual = "<<=",
    RightShiftEqual = ">>=", DoubleStarEqual = "**=", DoubleSlashEqual = "//=", AtEqual = "@=",
    /// `<>`, only for `from __future__ import barry_as_FLUFL`.
    LessGreater = "<>",
    False = "False", None = "None", True = "True", And = "and", As = "as", Assert = "assert", Async = "async",
    Await = "await", Break = "break", Class = "class", Continue = "continue", Def = "def", Del = "del",
    Elif = "elif", Else = "else", Except = "except", Finally = "finally", For = "for", From = "from",
    Global = "global", If = "if", Import = "import", In = "in", Is = "is", Lambda = "lambda",
    Nonlocal = "nonlocal", Not = "not", Or = "or", Pass = "pass", Raise = "raise", Return = "return",
    Try = "try", While = "while", With = "with", Yield = "yield",
}

impl Tok {
    /// Whether this is a (hard) keyword.
    pub fn is_keyword(self) -> bool {
        self as u8 >= Tok::False as u8
    }

    /// Whether this is an operator or delimiter.
    pub fn is_operator(self) -> bool {
        self as u8 >= Tok::LPar as u8 && !self.is_keyword()
    }

    /// The keyword spelled `word`.
    pub fn keyword(word: &[u8]) -> Option<Tok> {
        if word.len() < 2 || word.len() > 8 {
            return None;
        }
        Some(match word {
            b"if" => Tok::If,
            b"in" => Tok::In,
            b"is" => Tok::Is,
            b"as" => Tok::As,
            b"or" => Tok::Or,
            b"not" => Tok::Not,
            b"and" => Tok::And,
            b"for" => Tok::For,
            b"def" => Tok::Def,
            b"del" => Tok::Del,
            b"try" => Tok::Try,
            b"None" => Tok::None,
            b"True" => Tok::True,
            b"else" => Tok::Else,
            b"elif" => Tok::Elif,
            b"from" => Tok::From,
            b"pass" => Tok::Pass,
            b"with" => Tok::With,
            b"False" => Tok::False,
            b"async" => Tok::Async,
            b"await" => Tok::Await,
            b"break" => Tok::Break,
            b"class" => Tok::Class,
            b"raise" => Tok::Raise,
            b"while" => Tok::While,
            b"yield" => Tok::Yield,
            b"assert" => Tok::Assert,
            b"except" => Tok::Except,
            b"global" => Tok::Global,
            b"import" => Tok::Import,
            b"lambda" => Tok::Lambda,
            b"return" => Tok::Return,
            b"finally" => Tok::Finally,
            b"continue" => Tok::Continue,
            b"nonlocal" => Tok::Nonlocal,
            _ => return None,
        })
    }
}

/// One token: kind and byte range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: Tok,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}
