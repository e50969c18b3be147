//! Asks the linker to pack the addresses that are set when the program starts.
//!
//! Each hook is a process of its own, and most of its start is setting some sixty thousand addresses. As a table of plain
//! entries they are 1.5 MB of the file, all of which is read each time; packed (`DT_RELR`) they are a fiftieth of that. The
//! C library has to know the form, as glibc does from 2.36 on, so that only a program is packed that runs where it is built.

use std::env;
use std::process::Command;

/// The first minor version of glibc 2 that reads packed addresses.
const FIRST: u32 = 36;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let is = |key: &str, value: &str| env::var(key).is_ok_and(|set| set == value);
    let native = env::var("HOST").ok() == env::var("TARGET").ok();
    if native && is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu") && packs() {
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}

/// Whether the C library of this machine reads packed addresses.
fn packs() -> bool {
    let output = Command::new("getconf").arg("GNU_LIBC_VERSION").output();
    let version = output.ok().and_then(|output| String::from_utf8(output.stdout).ok()).unwrap_or_default();
    let minor = version.trim().strip_prefix("glibc 2.").and_then(|minor| minor.split('.').next()?.parse().ok());
    minor.is_some_and(|minor: u32| minor >= FIRST)
}
