//! Real ELF libraries, made by the C compiler of the machine.

use std::fs;
use std::process::Command;

const SOURCE: &str = "\
extern void *PyModule_Create2(void *, int);
void *PyInit__core(void) { return PyModule_Create2(0, 3); }
";

/// A library that breaks no rule on any manylinux platform.
pub fn good() -> Vec<u8> {
    build(SOURCE, &["-s"])
}

/// The good library with more code, and more compiler flags.
pub fn with(code: &str, flags: &[&str]) -> Vec<u8> {
    build(&format!("{SOURCE}{code}"), flags)
}

/// Another library to depend on; gives the folder it is in.
pub fn dependency(folder: &std::path::Path, name: &str) {
    compile(
        "int other(void) { return 1; }\n",
        &["-Wl,-soname", &format!("-Wl,{name}")],
        &folder.join(name),
    );
}

fn build(source: &str, flags: &[&str]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("out.so");
    compile(source, flags, &output);
    fs::read(output).unwrap()
}

fn compile(source: &str, flags: &[&str], output: &std::path::Path) {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("module.c");
    fs::write(&input, source).unwrap();
    let done = Command::new("gcc")
        .args(["-shared", "-fPIC", "-O1", "-Wl,-z,relro,-z,now", "-o"])
        .arg(output)
        .arg(&input)
        .args(flags)
        .output()
        .expect("gcc is there");
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
}
