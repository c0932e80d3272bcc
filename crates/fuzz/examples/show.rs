//! Prints the program that an input of the `run` target stands for.

fn main() {
    for path in std::env::args().skip(1) {
        match std::fs::read(&path) {
            Ok(bytes) => print!("{}", taipan_fuzz::generate::program(&bytes)),
            Err(error) => eprintln!("{path}: {error}"),
        }
    }
}
