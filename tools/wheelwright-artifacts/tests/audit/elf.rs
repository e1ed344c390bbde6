//! Real ELF libraries, made by gcc, or by the compiler that `WHEELWRIGHT_TEST_CC`
//! names (Bazel's tests bring their own).

use std::fs;
use std::process::Command;

const SOURCE: &str = "\
extern void *PyModule_Create2(void *, int);
void *PyInit__core(void) { return PyModule_Create2(0, 3); }
";

/// Code with the note that asks for processors of x86-64-v3. Written out, as not every
/// linker makes it when asked.
pub const NEEDS_V3: &str = r#"
__asm__(".pushsection .note.isa, \"a\", @note\n.p2align 3\n.long 4, 16, 5\n.asciz \"GNU\"\n"
        ".long 0xc0008002, 4, 4, 0\n.popsection\n");
"#;

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

/// The library with a stack that code can be run on. Set here, as not every linker
/// can be asked for it.
pub fn with_executable_stack(mut library: Vec<u8>) -> Vec<u8> {
    const PT_GNU_STACK: [u8; 4] = 0x6474_e551_u32.to_le_bytes();
    const PF_X: u8 = 1;
    let number = |at: usize, size: usize| {
        let bytes = library[at..at + size].iter().rev();
        bytes.fold(0, |sum, byte| (sum << 8) | usize::from(*byte))
    };
    let (table, size, count) = (number(0x20, 8), number(0x36, 2), number(0x38, 2));
    let stack = (0..count)
        .map(|index| table + index * size)
        .find(|header| library[*header..*header + 4] == PT_GNU_STACK)
        .expect("there is a GNU_STACK");
    library[stack + 4] |= PF_X;
    library
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
    let compiler = std::env::var_os("WHEELWRIGHT_TEST_CC").unwrap_or_else(|| "gcc".into());
    let done = Command::new(compiler)
        .args(["-shared", "-fPIC", "-O1", "-Wl,-z,relro,-z,now", "-o"])
        .arg(output)
        .arg(&input)
        .args(flags)
        // Nix's compiler adds a RUNPATH of its own otherwise, and in a build leaves out
        // those that are not in its store.
        .env("NIX_DONT_SET_RPATH", "1")
        .env_remove("NIX_ENFORCE_PURITY")
        .env_remove("NIX_LDFLAGS")
        .output()
        .expect("the C compiler is there");
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
}
