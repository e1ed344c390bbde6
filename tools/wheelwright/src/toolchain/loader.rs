//! The program that starts other programs on this machine (glibc's `ld.so`).
//!
//! cargo's build scripts run while a wheel is built, and zig links them as it
//! links for any Linux: to be started by the loader in its usual place. Nix has
//! nothing there, neither on `NixOS` nor in its sandbox.

use std::path::PathBuf;
use std::sync::LazyLock;

use crate::binary::elf;

/// The loader that started wheelwright itself, so one that works here.
static OWN: LazyLock<Option<String>> = LazyLock::new(|| {
    let program: PathBuf = std::env::current_exe().ok()?;
    elf::read(&std::fs::read(program).ok()?).ok()?.interpreter
});

/// The linker's argument for a program that is linked for the zig target
/// `target` by `arguments` and will run on this machine.
pub(super) fn argument(target: &str, arguments: &[impl AsRef<str>]) -> Option<String> {
    let for_this_machine = cfg!(all(target_os = "linux", target_env = "gnu"))
        && target.starts_with(&format!("{}-linux-gnu", std::env::consts::ARCH));
    let has = |wanted: &str| arguments.iter().any(|argument| argument.as_ref() == wanted);
    let is_program = has("-o") && !["-c", "-E", "-S", "-shared"].into_iter().any(has);
    if !(for_this_machine && is_program) {
        return None;
    }
    OWN.as_ref()
        .map(|loader| format!("-Wl,--dynamic-linker={loader}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    fn only_programs_for_this_machine_get_its_loader() {
        let here = format!("{}-linux-gnu.2.28", std::env::consts::ARCH);
        let loader = argument(&here, &["main.o", "-o", "build-script"]).unwrap();
        let path = loader.strip_prefix("-Wl,--dynamic-linker=").unwrap();
        assert!(std::path::Path::new(path).exists(), "{path}");
        for (target, arguments) in [
            (here.as_str(), ["-shared", "-o", "lib_core.so"]),
            (here.as_str(), ["-c", "-o", "mdb.o"]),
            ("s390x-linux-gnu.2.28", ["main.o", "-o", "program"]),
            ("aarch64-macos.11.0", ["main.o", "-o", "program"]),
        ] {
            assert_eq!(argument(target, &arguments), None, "{target} {arguments:?}");
        }
    }
}
