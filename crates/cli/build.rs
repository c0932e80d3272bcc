//! Puts what most programs use first in the binary: see `cargo xtask layout`.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=first.ld");
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    let elf = variable("CARGO_CFG_TARGET_OS") == "linux";
    // Nobody counts the pages of a development build.
    if elf && variable("PROFILE") == "release" {
        println!("cargo:rustc-link-arg-bins=-Wl,-T,{}/first.ld", variable("CARGO_MANIFEST_DIR"));
    }
}
