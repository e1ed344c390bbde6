//! Programs that cargo starts in place of the real tools. Each is wheelwright itself
//! under another name.
//!
//! cargo and the `cc` crate want the path of one program for each tool and target, so
//! wheelwright links itself under names such as
//! `wheelwright-zig-cc-x86_64-linux-gnu.2.28` and `wheelwright-rustc`.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use wheelwright_artifacts::digest::Digest;

use super::ToolError;
use super::platform::Platform;
use super::{canonical, dlltool, frameworks, section_order, tools, windows_libraries, zig};

const PREFIX: &str = "wheelwright-";

/// The digest of all that decides what the wrappers do.
pub fn version() -> String {
    let sources = [
        canonical::SOURCE,
        dlltool::SOURCE,
        frameworks::SOURCE,
        windows_libraries::SOURCE,
        zig::SOURCE,
        tools::ZIG,
        &section_order::SOURCES.concat(),
    ];
    Digest::of(sources.concat().as_bytes()).hex()
}

/// A tool that wheelwright was started as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tool {
    /// The C compiler and linker for a zig target.
    Cc(String),
    /// The C++ compiler for a zig target.
    Cxx(String),
    /// The archiver.
    Ar,
    /// What writes the table of an archive's symbols.
    Ranlib,
    /// What makes an import library of a list of functions.
    Dlltool,
    /// rustc, told the same about a crate whoever calls it.
    Rustc,
    /// What orders the sections of an object file, for a build by other means.
    SectionOrder,
}

impl Tool {
    fn file_name(&self) -> String {
        let name = match self {
            Self::Cc(target) => format!("zig-cc-{target}"),
            Self::Cxx(target) => format!("zig-c++-{target}"),
            Self::Ar => "zig-ar".to_owned(),
            Self::Ranlib => "zig-ranlib".to_owned(),
            Self::Dlltool => "zig-dlltool".to_owned(),
            Self::Rustc => "rustc".to_owned(),
            Self::SectionOrder => "section-order".to_owned(),
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
    match name {
        "rustc" => Some(Tool::Rustc),
        "section-order" => Some(Tool::SectionOrder),
        "zig-ar" => Some(Tool::Ar),
        "zig-ranlib" => Some(Tool::Ranlib),
        "zig-dlltool" => Some(Tool::Dlltool),
        _ => match name.strip_prefix("zig-")?.split_once('-')? {
            ("cc", target) => Some(Tool::Cc(target.to_owned())),
            ("c++", target) => Some(Tool::Cxx(target.to_owned())),
            _ => None,
        },
    }
}

/// Does what `tool` does.
pub fn run(tool: &Tool, arguments: impl Iterator<Item = OsString>) -> ExitCode {
    match tool {
        Tool::Cc(target) => zig::compiler("cc", target, arguments),
        Tool::Cxx(target) => zig::compiler("c++", target, arguments),
        Tool::Ar => zig::tool("ar", arguments),
        Tool::Ranlib => zig::tool("ranlib", arguments),
        Tool::Dlltool => zig::dlltool(arguments),
        Tool::Rustc => canonical::run(arguments),
        Tool::SectionOrder => section_order::run(arguments),
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
    /// Writer of the table of an archive's symbols.
    pub ranlib: PathBuf,
    /// Maker of import libraries.
    pub dlltool: PathBuf,
    /// What cargo starts in place of rustc.
    pub rustc: PathBuf,
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
            ranlib: write(&Tool::Ranlib)?,
            dlltool: write(&Tool::Dlltool)?,
            rustc: write(&Tool::Rustc)?,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_tools_correspond() {
        for tool in [
            Tool::Cc("x86_64-linux-gnu.2.28".into()),
            Tool::Cxx("aarch64-macos.11.0".into()),
            Tool::Ar,
            Tool::Ranlib,
            Tool::Dlltool,
            Tool::Rustc,
            Tool::SectionOrder,
        ] {
            let path = Path::new("somewhere").join(tool.file_name());
            assert_eq!(wrapped_tool(Some(path.as_os_str())), Some(tool));
        }
        for name in [
            "wheelwright",
            "wheelwright-zig-ld",
            "wheelwright-zig",
            "/usr/bin/cc",
        ] {
            assert_eq!(wrapped_tool(Some(OsStr::new(name))), None, "{name}");
        }
    }
}
