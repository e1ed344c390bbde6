//! What Python needs to call a library by cffi, and no interpreter's interface: the
//! library's functions as C declares them (by cbindgen, from the crate's sources), and
//! those declarations as a module (by cffi).

use std::path::Path;

use super::BuildError;
use crate::toolchain::process::run;
use crate::toolchain::tools::Tools;

/// Where the module is kept beside the library.
pub(super) const FILE: &str = "ffi.py";

/// Reads the declarations of one file, and writes another.
const MODULE: &str = "\
import sys
from cffi import FFI
ffi = FFI()
ffi.set_source('ffi', None)
ffi.cdef(open(sys.argv[1], encoding='utf-8').read())
ffi.emit_python_code(sys.argv[2])
";

/// Writes the module for the crate in `folder` to `to`.
///
/// # Errors
/// In the first place, a tool is missing; in the second, a sentence on what the crate has
/// that is not C.
pub(super) fn write(
    folder: &Path,
    tools: &Tools,
    to: &Path,
) -> Result<Result<(), String>, BuildError> {
    let header = match header(folder) {
        Ok(header) => header,
        Err(problem) => return Ok(Err(problem)),
    };
    let path = to.with_file_name("header.h");
    let work = |source| BuildError::Work {
        path: path.clone(),
        source,
    };
    if let Some(above) = path.parent() {
        std::fs::create_dir_all(above).map_err(work)?;
    }
    std::fs::write(&path, &header).map_err(work)?;
    let mut command = tools.cffi()?;
    command.args(["-c", MODULE]).arg(&path).arg(to);
    Ok(run(&mut command, "").map(|_| ()).map_err(|error| {
        format!(
            "cffi does not understand what cbindgen made of {} ({}): {}; settings of \
             cbindgen.toml may leave it out",
            folder.display(),
            path.display(),
            crate::errors::with_causes(&error)
        )
    }))
}

/// The declarations, without what cffi's parser does not know: includes, macros, guards.
fn header(folder: &Path) -> Result<Vec<u8>, String> {
    let problem = |what: String| {
        let folder = folder.display();
        format!("cbindgen cannot say what {folder} exports: {what}")
    };
    let path = folder.join("cbindgen.toml");
    let mut config = if path.is_file() {
        let name = path
            .to_str()
            .ok_or_else(|| problem("its path is not UTF-8".to_owned()))?;
        cbindgen::Config::from_file(name).map_err(problem)?
    } else {
        cbindgen::Config::default()
    };
    config.language = cbindgen::Language::C;
    config.no_includes = true;
    config.sys_includes.clear();
    config.includes.clear();
    config.defines.clear();
    config.include_guard = None;
    config.pragma_once = false;
    config.cpp_compat = false;
    let builder = cbindgen::Builder::new()
        .with_config(config)
        .with_crate(folder);
    let bindings = builder
        .generate()
        .map_err(|error| problem(error.to_string()))?;
    let mut text = Vec::new();
    bindings.write(&mut text);
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exports(code: &str, settings: Option<&str>) -> Result<String, String> {
        let folder = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| std::fs::write(folder.path().join(path), text);
        std::fs::create_dir(folder.path().join("src")).unwrap();
        write(
            "Cargo.toml",
            "[package]\nname = \"x\"\nversion = \"1.0.0\"\n[workspace]\n",
        )
        .unwrap();
        write("src/lib.rs", code).unwrap();
        if let Some(settings) = settings {
            write("cbindgen.toml", settings).unwrap();
        }
        header(folder.path()).map(|text| String::from_utf8(text).unwrap())
    }

    #[test]
    fn declarations_are_plain_c() {
        let code =
            "#[unsafe(no_mangle)] pub extern \"C\" fn add(a: i32, b: i32) -> i32 { a + b }\n";
        let guarded = "include_guard = \"X\"\nlanguage = \"C++\"\nsys_includes = [\"a.h\"]\n";
        for settings in [None, Some(guarded)] {
            let text = exports(code, settings).unwrap();
            assert_eq!(text.trim(), "int32_t add(int32_t a, int32_t b);");
        }
        let error = exports("fn (", None).unwrap_err();
        assert!(error.contains("cbindgen cannot say what"), "{error}");
    }
}
