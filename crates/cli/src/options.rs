//! The command line, as `python3` has it: short options that may be joined,
//! `-c`, `-m`, a file, `-`; then the program's own arguments.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use taipan_runtime::vm::Config;

/// What to run.
#[derive(Debug)]
pub enum Target {
    Command(String),
    Module(String),
    File(OsString),
    /// Standard input: a REPL if it is a terminal.
    Stdin,
}

#[derive(Debug)]
pub struct Options {
    pub target: Target,
    /// `-x`: the program's first line is not Python.
    pub skip_first_line: bool,
    pub config: Config,
}

/// Print this and exit.
pub struct Stop {
    pub text: String,
    pub code: i32,
}

const VERSION: &str = "3.14.0";

const USAGE: &str = "usage: taipan [option] ... [-c cmd | -m mod | file | -] [arg] ...\n";

const HELP: &str = "\
Options (and corresponding environment variables):
-b     : issue warnings about converting bytes/bytearray to str and comparing
         bytes/bytearray with str or bytes with int; also PYTHONBYTESWARNING=x
-B     : don't write .pyc files on import; also PYTHONDONTWRITEBYTECODE=x
-c cmd : program passed in as string (terminates option list)
-d     : accepted and ignored
-E     : ignore PYTHON* environment variables (such as PYTHONPATH)
-h     : print this help message and exit (also -? or --help)
-i     : inspect interactively after running script; also PYTHONINSPECT=x
-I     : isolate from the user's environment (implies -E, -P and -s)
-m mod : run library module as a script (terminates option list)
-O     : remove assert and __debug__-dependent statements; also PYTHONOPTIMIZE=x
-OO    : do -O changes and also discard docstrings
-P     : don't prepend a potentially unsafe path to sys.path; also PYTHONSAFEPATH
-q     : don't print version and copyright messages on interactive startup
-s     : don't add user site directory to sys.path; also PYTHONNOUSERSITE=x
-S     : don't imply 'import site' on initialization
-u     : force the stdout and stderr streams to be unbuffered; also PYTHONUNBUFFERED=x
-v     : verbose (trace import statements); also PYTHONVERBOSE=x
-V     : print the Python version number and exit (also --version);
         when given twice, print more information about the build
-W arg : warning control; arg is action:message:category:module:lineno;
         also PYTHONWARNINGS=arg
-x     : skip first line of source
-X opt : set implementation-specific option
file   : program read from script file
-      : program read from stdin (default; interactive mode if a tty)
arg ...: arguments passed to program in sys.argv[1:]
";

fn usage_error(message: String) -> Stop {
    Stop { text: format!("{message}\n{USAGE}Try `taipan -h' for more information.\n"), code: 2 }
}

fn set(name: &str) -> Option<String> {
    std::env::var_os(name).map(|v| v.to_string_lossy().into_owned()).filter(|v| !v.is_empty())
}

fn level(text: Option<String>) -> i64 {
    text.map_or(0, |t| t.trim().parse::<i64>().map_or(1, |n| n.max(0)))
}

fn text(value: OsString) -> String {
    String::from_utf8(value.into_vec()).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned())
}

/// Reads the command line and the environment.
pub fn parse() -> Result<Options, Stop> {
    let all: Vec<OsString> = std::env::args_os().collect();
    let mut config = Config { orig_argv: all.clone(), hash_randomization: true, ..Config::default() };
    let mut args = all.into_iter();
    let program = args.next().unwrap_or_default();
    config.executable = executable(&program);
    let mut versions = 0;
    let mut skip_first_line = false;
    let mut target = None;
    let mut rest: Vec<OsString> = Vec::new();
    'words: while let Some(word) = args.next() {
        let bytes = word.as_bytes().to_vec();
        if bytes == b"-" {
            target = Some(Target::Stdin);
            rest.push(word);
            break;
        }
        if !bytes.starts_with(b"-") {
            target = Some(Target::File(word.clone()));
            rest.push(word);
            break;
        }
        if let Some(long) = bytes.strip_prefix(b"--") {
            match long {
                b"help" => return Err(Stop { text: format!("{USAGE}{HELP}"), code: 0 }),
                b"version" => {
                    versions += 1;
                    continue;
                }
                b"check-hash-based-pycs" => {
                    args.next();
                    continue;
                }
                _ => return Err(usage_error(format!("unknown option --{}", String::from_utf8_lossy(long)))),
            }
        }
        let mut i = 1;
        while i < bytes.len() {
            let option = bytes[i];
            i += 1;
            let argument = |args: &mut dyn Iterator<Item = OsString>| -> Result<OsString, Stop> {
                if i < bytes.len() {
                    return Ok(OsString::from_vec(bytes[i..].to_vec()));
                }
                args.next().ok_or_else(|| {
                    usage_error(format!("Argument expected for the -{} option", option as char))
                })
            };
            match option {
                b'b' => config.bytes_warning += 1,
                b'B' => config.dont_write_bytecode = true,
                b'c' => {
                    target = Some(Target::Command(text(argument(&mut args)?) + "\n"));
                    rest.push("-c".into());
                    break 'words;
                }
                b'm' => {
                    target = Some(Target::Module(text(argument(&mut args)?)));
                    rest.push("-m".into());
                    break 'words;
                }
                b'd' => config.debug += 1,
                b'E' => config.ignore_environment = true,
                b'h' | b'?' => return Err(Stop { text: format!("{USAGE}{HELP}"), code: 0 }),
                b'i' => {
                    config.inspect += 1;
                    config.interactive += 1;
                }
                b'I' => {
                    config.isolated = true;
                    config.ignore_environment = true;
                    config.safe_path = true;
                    config.no_user_site = true;
                }
                b'J' => return Err(usage_error("-J is reserved for Jython".to_string())),
                b'O' => config.optimize += 1,
                b'P' => config.safe_path = true,
                b'q' => config.quiet = true,
                b'R' => {}
                b's' => config.no_user_site = true,
                b'S' => config.no_site = true,
                b't' => {}
                b'u' => config.unbuffered = true,
                b'v' => config.verbose += 1,
                b'V' => versions += 1,
                b'W' => {
                    let value = text(argument(&mut args)?);
                    config.warn_options.push(value);
                    continue 'words;
                }
                b'x' => skip_first_line = true,
                b'X' => {
                    let value = text(argument(&mut args)?);
                    config.x_options.push(value);
                    continue 'words;
                }
                other => return Err(usage_error(format!("unknown option -{}", other as char))),
            }
        }
    }
    if versions > 0 {
        let more = if versions > 1 { " (Taipan)" } else { "" };
        return Err(Stop { text: format!("Python {VERSION}{more}\n"), code: 0 });
    }
    rest.extend(args);
    environment(&mut config);
    traced_frames(&mut config)?;
    sampling(&mut config)?;
    bounded(&mut config)?;
    for option in config.x_options.clone() {
        match option.as_str() {
            "dev" => config.dev_mode = true,
            "no_debug_ranges" => config.no_debug_ranges = true,
            "utf8" | "utf8=1" => config.utf8_mode = true,
            "utf8=0" => config.utf8_mode = false,
            "warn_default_encoding" => config.warn_default_encoding = true,
            _ => {}
        }
    }
    if rest.is_empty() {
        rest.push(OsString::new());
    }
    config.argv = rest;
    Ok(Options { target: target.unwrap_or(Target::Stdin), config, skip_first_line })
}

/// PYTHONTRACEMALLOC and `-X tracemalloc`: how many frames are kept of each allocation.
fn traced_frames(config: &mut Config) -> Result<(), Stop> {
    let wrong = |place: &str| Stop {
        text: format!(
            "Fatal Python error: config_init_tracemalloc: {place}: invalid number of frames\n\
             Python runtime state: preinitialized\n\n"
        ),
        code: 1,
    };
    let read = |text: &str| text.parse::<usize>().ok().filter(|&n| n <= taipan_runtime::traces::MAX_FRAMES);
    if !config.ignore_environment
        && let Some(text) = set("PYTHONTRACEMALLOC")
    {
        config.traced_frames = read(&text).ok_or_else(|| wrong("PYTHONTRACEMALLOC"))?;
    }
    for option in &config.x_options {
        if let Some(text) = option.strip_prefix("tracemalloc=") {
            config.traced_frames = read(text).ok_or_else(|| wrong("-X tracemalloc=NFRAME"))?;
        } else if option == "tracemalloc" {
            config.traced_frames = 1;
        }
    }
    Ok(())
}

/// `-X prof=FILE` and `-X prof_rate=HZ`: the sampling profiler.
fn sampling(config: &mut Config) -> Result<(), Stop> {
    let mut rate = 1000;
    for option in &config.x_options {
        if let Some(text) = option.strip_prefix("prof_rate=") {
            let most = taipan_runtime::sampler::MAX_RATE;
            match text.parse() {
                Ok(given) if (1..=most).contains(&given) => rate = given,
                _ => return Err(usage_error(format!("-X prof_rate: a number from 1 to {most} is expected"))),
            }
        }
    }
    let named = config.x_options.iter().rev().find_map(|option| option.strip_prefix("prof="));
    if let Some(file) = named.filter(|file| !file.is_empty()) {
        let file = std::path::absolute(file).unwrap_or_else(|_| file.into());
        config.profile = Some((file, rate));
    }
    Ok(())
}

/// `-X memory=512M`: the most memory that the process may take.
fn bounded(config: &mut Config) -> Result<(), Stop> {
    for option in &config.x_options {
        let Some(text) = option.strip_prefix("memory=") else { continue };
        let (number, unit) = match text.char_indices().last() {
            Some((at, 'k' | 'K')) => (&text[..at], 1 << 10),
            Some((at, 'm' | 'M')) => (&text[..at], 1 << 20),
            Some((at, 'g' | 'G')) => (&text[..at], 1 << 30),
            _ => (text, 1),
        };
        let bytes = number.parse::<usize>().ok().and_then(|number| number.checked_mul(unit));
        config.memory = bytes
            .filter(|&bytes| bytes > 0)
            .ok_or_else(|| usage_error("-X memory: a size such as 512M is expected".to_string()))?;
    }
    Ok(())
}

fn environment(config: &mut Config) {
    config.utf8_mode = utf8_by_locale();
    if config.ignore_environment {
        return;
    }
    config.optimize = config.optimize.max(level(set("PYTHONOPTIMIZE")));
    config.verbose = config.verbose.max(level(set("PYTHONVERBOSE")));
    config.debug = config.debug.max(level(set("PYTHONDEBUG")));
    config.bytes_warning = config.bytes_warning.max(level(set("PYTHONBYTESWARNING")));
    config.dont_write_bytecode |= set("PYTHONDONTWRITEBYTECODE").is_some();
    config.no_user_site |= set("PYTHONNOUSERSITE").is_some();
    config.unbuffered |= set("PYTHONUNBUFFERED").is_some();
    config.safe_path |= set("PYTHONSAFEPATH").is_some();
    config.dev_mode |= set("PYTHONDEVMODE").is_some();
    config.no_debug_ranges |= set("PYTHONNODEBUGRANGES").is_some();
    config.warn_default_encoding |= set("PYTHONWARNDEFAULTENCODING").is_some();
    if set("PYTHONINSPECT").is_some() {
        config.inspect += 1;
    }
    match set("PYTHONUTF8").as_deref() {
        Some("1") => config.utf8_mode = true,
        Some("0") => config.utf8_mode = false,
        _ => {}
    }
    if set("PYTHONHASHSEED").as_deref() == Some("0") {
        config.hash_randomization = false;
    }
    if let Some(warnings) = set("PYTHONWARNINGS") {
        let mut options: Vec<String> = warnings.split(',').map(str::to_string).collect();
        options.append(&mut config.warn_options);
        config.warn_options = options;
    }
}

/// The C and POSIX locales turn the UTF-8 mode on (PEP 540).
fn utf8_by_locale() -> bool {
    let locale = set("LC_ALL").or_else(|| set("LC_CTYPE")).or_else(|| set("LANG"));
    matches!(locale.as_deref(), None | Some("C") | Some("POSIX"))
}

fn executable(program: &OsString) -> String {
    let bytes = program.as_bytes();
    if bytes.contains(&b'/') {
        return match std::path::absolute(program) {
            Ok(path) => text(path.into_os_string()),
            Err(_) => text(program.clone()),
        };
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    for directory in std::env::split_paths(&path) {
        let candidate = directory.join(program);
        if candidate.is_file() {
            return text(candidate.into_os_string());
        }
    }
    std::env::current_exe().map(|p| text(p.into_os_string())).unwrap_or_default()
}
