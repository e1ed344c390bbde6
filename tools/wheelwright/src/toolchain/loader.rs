//! The program that starts other programs on this machine (glibc's `ld.so`).
//!
//! cargo's build scripts run while a wheel is built, and zig links them as it
//! links for any Linux: to be started by the loader in its usual place. Nix has
//! nothing there, neither on `NixOS` nor in its sandbox.

use std::path::Path;
use std::sync::LazyLock;

use wheelwright_artifacts::binary::elf;

/// The loader that started wheelwright itself, so one that works here.
static OWN: LazyLock<Option<String>> = LazyLock::new(|| {
    let program = std::env::current_exe().ok()?;
    elf::read(&std::fs::read(program).ok()?).ok()?.interpreter
});

/// The linker's arguments for a program that is linked for the zig target
/// `target` by `arguments` and will run on this machine: none, where the loader
/// is in its usual place.
pub(super) fn arguments(target: &str, arguments: &[impl AsRef<str>]) -> Vec<String> {
    let for_this_machine = cfg!(all(target_os = "linux", target_env = "gnu"))
        && target.starts_with(&format!("{}-linux-gnu", std::env::consts::ARCH));
    match OWN.as_deref() {
        Some(loader) if for_this_machine && links_a_program(arguments) && !is_packed(arguments) => {
            named(Path::new(loader))
        }
        _ => Vec::new(),
    }
}

/// Does a wheel hold the program? cargo keeps what runs on the user's machine in a folder of
/// the target's name, apart from build scripts.
fn is_packed(arguments: &[impl AsRef<str>]) -> bool {
    let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let output = arguments
        .iter()
        .skip_while(|one| one.as_ref() != "-o")
        .nth(1);
    output.is_some_and(|path| {
        Path::new(path.as_ref())
            .iter()
            .any(|part| part == target.as_str())
    })
}

/// Is this a call that links a program?
pub(super) fn links_a_program(arguments: &[impl AsRef<str>]) -> bool {
    let has = |wanted: &str| arguments.iter().any(|argument| argument.as_ref() == wanted);
    has("-o") && !["-c", "-E", "-S", "-shared"].into_iter().any(has)
}

/// Names a loader, and the libraries beside it, unless both are found anyway.
fn named(loader: &Path) -> Vec<String> {
    if ["/lib", "/lib64"]
        .iter()
        .any(|usual| loader.starts_with(usual))
    {
        return Vec::new();
    }
    let file = loader.canonicalize().unwrap_or_else(|_| loader.to_owned());
    let libraries = file.parent().unwrap_or(loader).display();
    vec![
        format!("-Wl,--dynamic-linker={}", loader.display()),
        format!("-Wl,-rpath,{libraries}"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loader_elsewhere_is_named_with_its_libraries() {
        assert!(named(Path::new("/lib64/ld-linux-x86-64.so.2")).is_empty());
        assert_eq!(
            named(Path::new("/nix/store/glibc/lib/ld-linux-x86-64.so.2")),
            [
                "-Wl,--dynamic-linker=/nix/store/glibc/lib/ld-linux-x86-64.so.2",
                "-Wl,-rpath,/nix/store/glibc/lib"
            ]
        );
    }

    #[test]
    fn a_program_is_what_is_linked_and_no_library() {
        assert!(links_a_program(&["main.o", "-o", "build-script"]));
        assert!(!links_a_program(&["-shared", "-o", "lib_core.so"]));
        assert!(!links_a_program(&["-c", "mdb.c", "-o", "mdb.o"]));
        assert!(!links_a_program(&["--version"]));
    }

    #[test]
    fn a_program_of_a_wheel_is_started_as_any_other() {
        let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
        let in_wheel = format!("/t/{target}/release/deps/tool-1");
        assert!(is_packed(&["main.o", "-o", &in_wheel]));
        assert!(!is_packed(&[
            "main.o",
            "-o",
            "/t/release/build/x/build-script"
        ]));
        assert!(!is_packed(&["-v"]));
    }

    #[test]
    fn programs_for_other_machines_are_left_alone() {
        for target in ["s390x-linux-gnu.2.28", "aarch64-macos.11.0"] {
            assert!(arguments(target, &["main.o", "-o", "program"]).is_empty());
        }
    }
}
