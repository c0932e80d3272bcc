//! The `taipan` command: the stack that it runs on, and how it ends.

use taipan_cli::{options, run};

/// Bytes of native stack that the main thread's Python code gets.
const MAIN_STACK: usize = 256 << 20;
/// How much of it recursion of native code may use; the rest is the parser's.
const RECURSION_STACK: usize = 16 << 20;
/// What is left of it in any case.
const STACK_RESERVE: usize = 1 << 20;

#[global_allocator]
static ALLOCATOR: taipan_object::small::SmallAllocator = taipan_object::small::SmallAllocator;

fn main() {
    taipan_object::small::guard_forks();
    let options = match options::parse() {
        Ok(options) => options,
        Err(options::Stop { text, code }) => {
            if code == 0 {
                print!("{text}");
            } else {
                eprint!("{text}");
            }
            std::process::exit(code);
        }
    };
    if options.config.memory > 0 {
        taipan_object::limit::set(options.config.memory);
    }
    let code = stacker::grow(MAIN_STACK, || {
        let marker = 0u8;
        let top = &raw const marker as usize;
        let floor = top.saturating_sub(MAIN_STACK - STACK_RESERVE);
        run::run(options, top.saturating_sub(RECURSION_STACK), floor)
    });
    if code == taipan_runtime::start::INTERRUPTED {
        taipan_stdlib_files::end_by_interrupt();
        std::process::exit(130);
    }
    std::process::exit(code);
}
