//! How a linker for Windows finds the library of `-lNAME`.
//!
//! zig takes only `NAME.dll` where a dynamic library is wanted. GNU's linker also takes
//! import libraries, under the names that crates give them, so these are told zig as
//! files.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// This file, which decides over what wrappers do.
pub const SOURCE: &str = include_str!("windows_libraries.rs");

/// The arguments with the file of an import library in place of each `-lNAME` that has
/// one in a folder of `-L`.
pub(super) fn found(arguments: Vec<OsString>) -> Vec<OsString> {
    let folders = folders(&arguments);
    let file = |argument: OsString| {
        let name = argument.to_str().and_then(|text| text.strip_prefix("-l"));
        let path = name.and_then(|name| folders.iter().find_map(|folder| library(folder, name)));
        path.map_or(argument, PathBuf::into_os_string)
    };
    arguments.into_iter().map(file).collect()
}

/// The folders of `-L`, in their order.
fn folders(arguments: &[OsString]) -> Vec<PathBuf> {
    let mut folders = Vec::new();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        if argument == "-L" {
            folders.extend(rest.next().map(PathBuf::from));
        } else if let Some(folder) = argument.to_str().and_then(|text| text.strip_prefix("-L")) {
            folders.push(folder.into());
        }
    }
    folders
}

/// The import library called `name` in a folder, by the names that GNU's linker tries.
fn library(folder: &Path, name: &str) -> Option<PathBuf> {
    ["lib{}.dll.a", "{}.dll.a", "lib{}.a", "{}.lib"]
        .iter()
        .map(|pattern| folder.join(pattern.replace("{}", name)))
        .find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn import_libraries_are_found_by_every_name() {
        let place = tempfile::tempdir().unwrap();
        let (one, two) = (place.path().join("one"), place.path().join("two"));
        for (folder, file) in [
            (&one, "libwindows.0.52.0.a"),
            (&two, "libpython312.dll.a"),
            (&two, "more.lib"),
            (&two, "libwindows.0.52.0.a"),
        ] {
            std::fs::create_dir_all(folder).unwrap();
            std::fs::write(folder.join(file), "").unwrap();
        }
        let path = |folder: &Path, file: &str| folder.join(file).into_os_string();
        let arguments = [
            "-lwindows.0.52.0".into(),
            "-lpython312".into(),
            "-lmore".into(),
            "-lkernel32".into(),
            "-L".into(),
            one.clone().into_os_string(),
            OsString::from(format!("-L{}", two.display())),
        ];
        let linked = found(arguments.to_vec());
        assert_eq!(
            linked[..4],
            [
                path(&one, "libwindows.0.52.0.a"),
                path(&two, "libpython312.dll.a"),
                path(&two, "more.lib"),
                "-lkernel32".into(),
            ]
        );
        assert_eq!(linked[4..], arguments[4..]);
    }
}
