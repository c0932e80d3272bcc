//! SyntaxErrors and SyntaxWarnings of the compiler; the words and positions were taken
//! from CPython 3.14.

use taipan_compiler::{ErrorKind, Options, compile_source};
use taipan_syntax::Mode;

#[test]
fn errors_have_cpythons_words_and_positions() {
    for case in include_str!("errors.txt").split("---\n") {
        let (source, expected) = case.trim_end().rsplit_once('\n').unwrap();
        let error = compile_source(source, Mode::Exec, &Options::default()).expect_err(source);
        let at = error.location.unwrap();
        assert_eq!(error.kind, ErrorKind::Syntax);
        assert_eq!(format!("{}:{} {}", at.line, at.column, error.message), expected, "{source}");
    }
}

#[test]
fn warnings_have_cpythons_words() {
    let cases = [
        ("x is 1", "\"is\" with 'int' literal. Did you mean \"==\"?"),
        ("assert (1, 'm')", "assertion is always true, perhaps remove parentheses?"),
        ("'a' (1)", "'str' object is not callable; perhaps you missed a comma?"),
        ("[1]['a']", "list indices must be integers or slices, not str; perhaps you missed a comma?"),
        ("def f():\n try: g()\n finally: return", "'return' in a 'finally' block"),
    ];
    for (source, expected) in cases {
        let (_, warnings) = compile_source(source, Mode::Exec, &Options::default()).unwrap();
        let messages: Vec<_> = warnings.iter().map(|w| w.message.as_str()).collect();
        assert_eq!(messages, [expected], "{source}");
    }
}

/// Deep trees end in RecursionError, long chains compile.
#[test]
fn depth_is_limited_and_chains_are_not() {
    let work = || {
        let deep = format!("x = {}y{}", "f(".repeat(150), ")".repeat(150));
        assert!(compile_source(&deep, Mode::Exec, &Options::default()).is_ok());
        let attributes = format!("x = y{}", ".a".repeat(50_000));
        let error = compile_source(&attributes, Mode::Exec, &Options::default()).unwrap_err();
        assert!(matches!(error.kind, ErrorKind::Recursion | ErrorKind::Memory), "{error:?}");
        let sum = format!("x = y{}", " + y".repeat(5_000));
        assert!(compile_source(&sum, Mode::Exec, &Options::default()).is_ok());
        let mut elifs = String::from("if x: pass\n");
        elifs.push_str(&"elif y: pass\n".repeat(2_000));
        assert!(compile_source(&elifs, Mode::Exec, &Options::default()).is_ok());
    };
    std::thread::Builder::new().stack_size(32 << 20).spawn(work).unwrap().join().unwrap();
}

/// What does not fit the instruction format is an error, never wrong code.
#[test]
fn too_much_code_is_an_overflow() {
    let many: String = (0..70_000).map(|i| format!("a.b{i}\n")).collect();
    let error = compile_source(&many, Mode::Exec, &Options::default()).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Overflow);
}
