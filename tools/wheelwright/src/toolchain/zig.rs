//! zig as C compiler, archiver and linker for every target.
//!
//! cargo and the `cc` crate want the path of one program for each target, so
//! wheelwright links itself under names such as
//! `wheelwright-zig-cc-x86_64-linux-gnu.2.28`. Started by such a name, it
//! starts zig with the arguments that zig understands.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use super::ToolError;
use super::loader;
use super::platform::Platform;

/// This file: with zig itself, all that decides what the wrappers do.
pub const SOURCE: &str = include_str!("zig.rs");
const PREFIX: &str = "wheelwright-zig-";
/// The variable that tells a wrapper where zig is.
pub const ZIG: &str = "WHEELWRIGHT_ZIG";
/// The variable that tells a wrapper what a Mach-O library calls itself.
pub const INSTALL_NAME: &str = "WHEELWRIGHT_INSTALL_NAME";

/// The variable that holds further flags for compiling C, separated by [`SEPARATOR`].
pub const C_FLAGS: &str = "WHEELWRIGHT_C_FLAGS";
/// Separates flags; unlike a space, it is in no path.
pub const SEPARATOR: char = '\u{1f}';

/// A tool that wheelwright was started as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tool {
    /// The C compiler and linker for a zig target.
    Cc(String),
    /// The C++ compiler for a zig target.
    Cxx(String),
    /// The archiver.
    Ar,
}

impl Tool {
    fn file_name(&self) -> String {
        let name = match self {
            Self::Cc(target) => format!("cc-{target}"),
            Self::Cxx(target) => format!("c++-{target}"),
            Self::Ar => "ar".to_owned(),
        };
        format!("{PREFIX}{name}{}", std::env::consts::EXE_SUFFIX)
    }
}

/// The tool that the program's own name asks for, if any.
pub fn wrapped_tool(own_name: Option<&OsStr>) -> Option<Tool> {
    let name = Path::new(own_name?).file_name()?.to_str()?;
    let name = name
        .strip_suffix(std::env::consts::EXE_SUFFIX)
        .unwrap_or(name)
        .strip_prefix(PREFIX)?;
    match name.split_once('-') {
        Some(("cc", target)) => Some(Tool::Cc(target.to_owned())),
        Some(("c++", target)) => Some(Tool::Cxx(target.to_owned())),
        _ if name == "ar" => Some(Tool::Ar),
        _ => None,
    }
}

/// The wrappers for one target.
#[derive(Debug, Clone)]
pub struct Wrappers {
    /// C compiler and linker.
    pub cc: PathBuf,
    /// C++ compiler.
    pub cxx: PathBuf,
    /// Archiver.
    pub ar: PathBuf,
}

impl Wrappers {
    /// Writes the wrappers for `platform` into `folder`.
    ///
    /// # Errors
    /// They cannot be written.
    pub fn write(folder: &Path, platform: &Platform) -> Result<Self, ToolError> {
        let file = |path: &Path| {
            let path = path.to_owned();
            move |source| ToolError::File { path, source }
        };
        std::fs::create_dir_all(folder).map_err(file(folder))?;
        let own = std::env::current_exe().map_err(file(folder))?;
        let write = |tool: &Tool| {
            let path = folder.join(tool.file_name());
            link(&own, &path).map_err(file(&path))?;
            Ok(path)
        };
        Ok(Self {
            cc: write(&Tool::Cc(platform.zig_target.clone()))?,
            cxx: write(&Tool::Cxx(platform.zig_target.clone()))?,
            ar: write(&Tool::Ar)?,
        })
    }
}

#[cfg(unix)]
fn link(own: &Path, path: &Path) -> io::Result<()> {
    if std::fs::read_link(path).is_ok_and(|target| target == own) {
        return Ok(());
    }
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => std::os::unix::fs::symlink(own, path),
    }
}

#[cfg(not(unix))]
fn link(own: &Path, path: &Path) -> io::Result<()> {
    std::fs::copy(own, path).map(|_| ())
}

/// Runs zig as `tool`.
pub fn run_tool(tool: &Tool, arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let Some(zig) = std::env::var_os(ZIG) else {
        eprintln!("wheelwright: {ZIG} is not set; this program is started by `wheelwright build`");
        return ExitCode::from(2);
    };
    let mut command = Command::new(&zig);
    match tool {
        Tool::Cc(target) => compile(&mut command, &zig, "cc", target, arguments),
        Tool::Cxx(target) => compile(&mut command, &zig, "c++", target, arguments),
        Tool::Ar => {
            command.arg("ar").args(arguments);
        }
    }
    match command.status() {
        Ok(status) => ExitCode::from(
            status
                .code()
                .and_then(|code| u8::try_from(code).ok())
                .unwrap_or(1),
        ),
        Err(error) => {
            eprintln!(
                "wheelwright: {} does not start: {error}",
                Path::new(&zig).display()
            );
            ExitCode::from(2)
        }
    }
}

fn compile(
    command: &mut Command,
    zig: &OsStr,
    mode: &str,
    target: &str,
    arguments: impl Iterator<Item = OsString>,
) {
    let arguments: Vec<OsString> = translate(target, arguments);
    command
        .arg(mode)
        .args(["-target", target, "-g0"])
        .args(&arguments);
    if arguments.iter().any(|argument| argument == "-c") {
        // zig's Mach-O linker ignores export lists and would export all of a
        // C library that is visible.
        command.arg("-fvisibility=hidden");
        let more = std::env::var(C_FLAGS).unwrap_or_default();
        command.args(more.split(SEPARATOR).filter(|flag| !flag.is_empty()));
    }
    let known: Vec<_> = arguments.iter().map(|one| one.to_string_lossy()).collect();
    command.args(loader::arguments(target, &known));
    if target.contains("-macos") {
        if arguments.iter().any(|argument| argument == "-dynamiclib") {
            // Python's symbols are found when the interpreter loads it.
            command.args(["-undefined", "dynamic_lookup"]);
            // Without debugging symbols from the start: rustc would take them off
            // later, but the UUID is a hash of what the linker wrote, and they
            // hold the paths of object files. And without local symbols, which are
            // a tenth of the wheel.
            command.args(["-Wl,-S", "-Wl,-x"]);
            if let Some(name) = std::env::var_os(INSTALL_NAME) {
                let mut argument = OsString::from("-Wl,-install_name,");
                argument.push(name);
                command.arg(argument);
            }
        }
        // The headers and stubs of Apple's SDK that come with zig.
        let sdk = Path::new(zig)
            .with_file_name("lib")
            .join("libc")
            .join("darwin");
        command.env("SDKROOT", sdk);
    }
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

/// One argument; `None` drops it.
fn translate_one<'a>(target: &str, argument: &'a str) -> Option<&'a str> {
    // -target says it, in zig's own words.
    let mut unwanted = argument == "-m64" || argument.starts_with("--target=");
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
    fn names_and_tools_correspond() {
        for tool in [
            Tool::Cc("x86_64-linux-gnu.2.28".into()),
            Tool::Cxx("aarch64-macos.11.0".into()),
            Tool::Ar,
        ] {
            let path = Path::new("somewhere").join(tool.file_name());
            assert_eq!(wrapped_tool(Some(path.as_os_str())), Some(tool));
        }
        for name in ["wheelwright", "wheelwright-zig-ld", "/usr/bin/cc"] {
            assert_eq!(wrapped_tool(Some(OsStr::new(name))), None, "{name}");
        }
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
