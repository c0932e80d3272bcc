//! Looks for libexpat (2.4 or later) with pkg-config and links it, statically
//! where its archive is there. Without the library the crate is built all the
//! same, and `AVAILABLE` says that nothing works.

use std::path::Path;
use std::process::Command;

fn ask(arguments: &[&str]) -> Option<String> {
    let output = Command::new("pkg-config").args(arguments).arg("expat").output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn main() {
    println!("cargo::rustc-check-cfg=cfg(expat)");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=PKG_CONFIG_PATH");
    if ask(&["--atleast-version=2.4", "--exists"]).is_none() {
        println!("cargo::warning=libexpat (2.4 or later) was not found: there will be no pyexpat");
        return;
    }
    let folder = ask(&["--variable=libdir"]).unwrap_or_default();
    println!("cargo::rustc-cfg=expat");
    println!("cargo::rustc-link-search=native={folder}");
    let kind = if Path::new(&folder).join("libexpat.a").exists() { "static" } else { "dylib" };
    println!("cargo::rustc-link-lib={kind}=expat");
}
