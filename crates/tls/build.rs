//! Looks for OpenSSL (3.0 or later) with pkg-config and links it, statically
//! where its archives are there. Without it the crate is built all the same,
//! and `AVAILABLE` says that nothing works.

use std::path::Path;
use std::process::Command;

fn ask(arguments: &[&str]) -> Option<String> {
    let output = Command::new("pkg-config").args(arguments).arg("openssl").output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn main() {
    println!("cargo::rustc-check-cfg=cfg(openssl)");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=PKG_CONFIG_PATH");
    if ask(&["--atleast-version=3.0", "--exists"]).is_none() {
        println!("cargo::warning=OpenSSL (3.0 or later) was not found: there will be no _ssl");
        return;
    }
    let folder = ask(&["--variable=libdir"]).unwrap_or_default();
    println!("cargo::rustc-cfg=openssl");
    println!("cargo::rustc-link-search=native={folder}");
    for name in ["ssl", "crypto"] {
        let archive = Path::new(&folder).join(format!("lib{name}.a"));
        let kind = if archive.exists() { "static" } else { "dylib" };
        println!("cargo::rustc-link-lib={kind}={name}");
    }
}
