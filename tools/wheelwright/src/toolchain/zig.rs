//! zig as C compiler, archiver and linker for every target.
//!
//! wheelwright links itself under names such as
//! `wheelwright-zig-cc-x86_64-linux-gnu.2.28` (see [`super::wrappers`]). Started by such
//! a name, it starts zig with the arguments that zig understands.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use super::canonical::Package;
use super::{dlltool, frameworks, loader, process, section_order, windows_libraries};

/// This file: with its neighbours and zig itself, all that decides what the wrappers do.
pub const SOURCE: &str = include_str!("zig.rs");
/// The variable that tells a wrapper where zig is.
pub const ZIG: &str = "WHEELWRIGHT_ZIG";
/// The variable that tells a wrapper what a Mach-O library calls itself.
pub const INSTALL_NAME: &str = "WHEELWRIGHT_INSTALL_NAME";

/// The variable that holds further flags for compiling C, separated by [`SEPARATOR`].
pub const C_FLAGS: &str = "WHEELWRIGHT_C_FLAGS";
/// Separates flags; unlike a space, it is in no path.
pub const SEPARATOR: char = '\u{1f}';

/// Runs zig as a compiler (`cc` or `c++`) and linker for `target`.
pub(super) fn compiler(
    mode: &str,
    target: &str,
    arguments: impl Iterator<Item = OsString>,
) -> ExitCode {
    let mut arguments: Vec<OsString> = translate(target, arguments);
    if target.contains("-windows") {
        arguments = without_libgcc(arguments);
        arguments = windows_libraries::found(arguments);
    }
    if let Err(error) = section_order::before_linking(&arguments) {
        eprintln!("wheelwright: cannot order the sections of an object file: {error}");
        return ExitCode::from(2);
    }
    start(|command, zig| compile(command, zig, mode, target, &arguments))
}

/// Runs one of zig's own tools.
pub(super) fn tool(name: &str, arguments: impl Iterator<Item = OsString>) -> ExitCode {
    start(|command, _| {
        command.arg(name).args(arguments);
    })
}

/// Runs zig as the maker of import libraries that rustc asks for.
pub(super) fn dlltool(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    match dlltool::translate(arguments.collect()) {
        Ok(arguments) => tool("dlltool", arguments.into_iter()),
        Err(error) => {
            eprintln!("wheelwright: cannot list what a DLL has: {error}");
            ExitCode::from(2)
        }
    }
}

fn start(add: impl FnOnce(&mut Command, &OsStr)) -> ExitCode {
    let Some(zig) = std::env::var_os(ZIG) else {
        eprintln!("wheelwright: {ZIG} is not set; this program is started by `wheelwright build`");
        return ExitCode::from(2);
    };
    let mut command = Command::new(&zig);
    add(&mut command, &zig);
    process::wrapped(&mut command)
}

fn compile(command: &mut Command, zig: &OsStr, mode: &str, target: &str, arguments: &[OsString]) {
    command
        .arg(mode)
        .args(["-target", asked(target, arguments), "-g0"])
        .args(arguments);
    if arguments.iter().any(|argument| argument == "-c") {
        // zig's Mach-O linker ignores export lists and would export all of a
        // C library that is visible.
        command.arg("-fvisibility=hidden");
        if target.starts_with("x86") {
            // zig names every feature that a processor lacks, this one too, and then a
            // function that asks for AVX-512 itself has no registers of 512 bits.
            command.arg("-mevex512");
        }
        let more = std::env::var(C_FLAGS).unwrap_or_default();
        command.args(more.split(SEPARATOR).filter(|flag| !flag.is_empty()));
        let here = std::env::current_dir().ok();
        let package = Package::current();
        for (folder, name) in package.iter().flat_map(|one| one.folders(here.as_deref())) {
            let mut flag = OsString::from("-ffile-prefix-map=");
            flag.push(folder);
            flag.push(format!("={name}"));
            command.arg(flag);
        }
    }
    let known: Vec<_> = arguments.iter().map(|one| one.to_string_lossy()).collect();
    command.args(loader::arguments(target, &known));
    if target.contains("-macos") {
        let library = arguments.iter().any(|argument| argument == "-dynamiclib");
        if library || loader::links_a_program(&known) {
            // Without debugging symbols from the start: rustc would take them off
            // later, but the UUID is a hash of what the linker wrote, and they
            // hold the paths of object files. And without local symbols, which are
            // a tenth of the wheel.
            command.args(["-Wl,-S", "-Wl,-x"]);
        }
        if library {
            // Python's symbols are found when the interpreter loads it.
            command.args(["-undefined", "dynamic_lookup"]);
            if let Some(name) = std::env::var_os(INSTALL_NAME) {
                let mut argument = OsString::from("-Wl,-install_name,");
                argument.push(name);
                command.arg(argument);
            }
        }
        match frameworks::stubs(arguments, &stubs_folder()) {
            Ok(options) => {
                command.args(options);
            }
            Err(error) => eprintln!("wheelwright: cannot write stubs of frameworks: {error}"),
        }
        // The headers and stubs of Apple's SDK that come with zig.
        let sdk = Path::new(zig)
            .with_file_name("lib")
            .join("libc")
            .join("darwin");
        command.env("SDKROOT", sdk);
    }
}

/// The target, as it is said with these arguments. What asks the compiler about itself is
/// passed on to clang as it is, which warns of a version of the C library.
fn asked<'a>(target: &'a str, arguments: &[OsString]) -> &'a str {
    let asks = |argument: &OsString| {
        let text = argument.to_string_lossy();
        text == "--version" || text.starts_with("-dump") || text.contains("-print-")
    };
    match target.split_once('.') {
        Some((plain, _)) if !arguments.is_empty() && arguments.iter().all(asks) => plain,
        _ => target,
    }
}

/// Where stubs of Apple's libraries are written.
fn stubs_folder() -> PathBuf {
    let cache = std::env::var_os("ZIG_LOCAL_CACHE_DIR").map(PathBuf::from);
    cache.unwrap_or_else(std::env::temp_dir).join("macos")
}

/// Arguments for a C compiler or linker, as zig understands them.
fn translate(target: &str, arguments: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut translated = Vec::new();
    let mut arguments = arguments;
    while let Some(argument) = arguments.next() {
        match argument.to_str() {
            // zig's Mach-O linker knows no export lists. Fat LTO has made every
            // other Rust symbol internal, and C is compiled with hidden ones.
            Some("-Wl,-exported_symbols_list") if target.contains("-macos") => {
                if arguments.next().is_some_and(|next| next == "-Xlinker") {
                    arguments.next();
                }
            }
            // How rustc passes on a path with a comma. zig takes apart what follows
            // -Wl, at the equals sign, but not what follows -Xlinker.
            Some("-Xlinker") => {
                let value = arguments.next().unwrap_or_default();
                match value.to_str().and_then(|text| text.split_once('=')) {
                    _ if is_export_list(target, Path::new(&value)) => translated.push(value),
                    Some((name, rest)) if name.starts_with("--") => {
                        translated.extend(["-Xlinker", name, "-Xlinker", rest].map(OsString::from));
                    }
                    _ => translated.extend([argument, value]),
                }
            }
            Some(text) => translated.extend(translate_one(target, text).map(OsString::from)),
            None => translated.push(argument),
        }
    }
    translated
}

/// What rustc gives GNU's linker for the targets `-windows-gnu`, with LLVM's library for
/// unwinding in the place of GCC's. That finds the tables of a program by the name of their
/// section. So nothing registers them (`rsbegin.o`), and nothing ends them where more of
/// them follow (`rsend.o`).
fn without_libgcc(arguments: Vec<OsString>) -> Vec<OsString> {
    const GNU: &[&str] = &[
        "-Wl,--large-address-aware",
        "-fno-use-linker-plugin",
        "-l:libpthread.a",
        "-lgcc",
        "-lgcc_eh",
        "-lmingw32",
        "-lmingwex",
        "-nodefaultlibs",
    ];
    let frames = |argument: &OsString| {
        let name = Path::new(argument).file_name();
        name.is_some_and(|name| name == "rsbegin.o" || name == "rsend.o")
    };
    if !arguments.iter().any(frames) {
        return arguments;
    }
    let unwanted = |one: &OsString| frames(one) || GNU.iter().any(|name| one == name);
    let kept = arguments.into_iter().filter(|one| !unwanted(one));
    kept.chain(["-lunwind".into()]).collect()
}

/// One argument; `None` drops it.
fn translate_one<'a>(target: &str, argument: &'a str) -> Option<&'a str> {
    // -target says it, in zig's own words.
    let mut unwanted =
        matches!(argument, "-m64" | "-m32" | "-Wl,-melf_i386") || argument.starts_with("--target=");
    if target.contains("-macos") {
        // Named by std, used by nothing that we link; and -target has the version.
        unwanted |= argument == "-liconv" || argument.starts_with("-mmacosx-version-min=");
    }
    if target.contains("-windows") {
        // zig brings UCRT and its own unwinder, and a DLL has no soname.
        unwanted |= matches!(argument, "-lmsvcrt" | "-nolibc" | "--unwindlib=none")
            || argument.starts_with("-Wl,-soname=");
        let exports = argument.strip_prefix("-Wl,");
        if let Some(exports) = exports.filter(|path| is_export_list(target, Path::new(path))) {
            return Some(exports);
        }
    }
    (!unwanted).then_some(argument)
}

/// Is this a module definition, which zig takes as it takes an object file?
fn is_export_list(target: &str, path: &Path) -> bool {
    target.contains("-windows") && path.extension().is_some_and(|end| end == "def")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_about_the_compiler_names_no_version_of_the_c_library() {
        let with = |line: &str| {
            let arguments: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            asked("x86_64-linux-gnu.2.28", &arguments).to_owned()
        };
        for line in ["--version", "-dumpmachine", "-print-search-dirs"] {
            assert_eq!(with(line), "x86_64-linux-gnu");
        }
        assert_eq!(with("--version -c a.c"), "x86_64-linux-gnu.2.28");
        assert_eq!(asked("x86_64-linux-musl", &[]), "x86_64-linux-musl");
    }

    #[test]
    fn gnu_targets_of_windows_do_without_gcc() {
        let split = |text: &str| -> Vec<OsString> { text.split(' ').map(OsString::from).collect() };
        let linked = "-Wl,--large-address-aware a/rsbegin.o m.o -lgcc_eh -l:libpthread.a \
                      -lkernel32 -lgcc -shared -nodefaultlibs a/rsend.o";
        let wanted = split("m.o -lkernel32 -shared -lunwind");
        assert_eq!(without_libgcc(split(linked)), wanted);
        assert_eq!(without_libgcc(split("m.o -lgcc")), split("m.o -lgcc"));
    }

    #[test]
    fn arguments_are_translated_for_the_target() {
        let translated = |target: &str, arguments: &str| {
            let arguments = arguments.split(' ').map(OsString::from);
            translate(target, arguments)
                .join(OsStr::new(" "))
                .into_string()
                .unwrap()
        };
        for (target, before, after) in [
            (
                "x86_64-linux-gnu.2.28",
                "-m64 -shared --target=x86_64-unknown-linux-gnu",
                "-shared",
            ),
            (
                "x86-linux-gnu.2.28",
                "-m32 -shared -Wl,-melf_i386 --target=i686-unknown-linux-gnu",
                "-shared",
            ),
            (
                "x86_64-linux-gnu.2.28",
                "-nolibc -liconv",
                "-nolibc -liconv",
            ),
            (
                "x86_64-linux-gnu.2.28",
                "-Xlinker --version-script=/a,b/list -Xlinker --gc-sections",
                "-Xlinker --version-script -Xlinker /a,b/list -Xlinker --gc-sections",
            ),
            (
                "aarch64-macos.11.0",
                "-liconv -lc -mmacosx-version-min=10.12.0",
                "-lc",
            ),
            (
                "aarch64-macos.11.0",
                "-Wl,-exported_symbols_list -Wl,/tmp/list -lm",
                "-lm",
            ),
            (
                "aarch64-macos.11.0",
                "-Wl,-exported_symbols_list -Xlinker /a,b/list -lm",
                "-lm",
            ),
            (
                "x86_64-windows-gnu",
                "-Xlinker /a,b/list.def -Xlinker --gc-sections",
                "/a,b/list.def -Xlinker --gc-sections",
            ),
            (
                "x86_64-windows-gnu",
                "-Wl,/tmp/list.def -lmsvcrt -nolibc",
                "/tmp/list.def",
            ),
            (
                "x86_64-windows-gnu",
                "--unwindlib=none -Wl,-soname=x -shared",
                "-shared",
            ),
        ] {
            assert_eq!(translated(target, before), after, "{target}");
        }
    }
}
