//! zig's `dlltool`, as rustc asks for one: for Windows on x86, GNU's takes the names of a
//! list as they are. zig's takes the `_` at the beginning of a name for the one that C
//! compilers write there, and the DLL would be asked for `Py_NoneStruct`.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// This file, which decides over what a wrapper does.
pub const SOURCE: &str = include_str!("dlltool.rs");

/// The arguments of zig's `dlltool` in place of those of GNU's.
///
/// # Errors
/// The list cannot be read, or the other one cannot be written.
pub(super) fn translate(mut arguments: Vec<OsString>) -> io::Result<Vec<OsString>> {
    let after = |option: &str| {
        let position = arguments.iter().position(|argument| argument == option)?;
        (position + 1 < arguments.len()).then_some(position + 1)
    };
    let machine = after("-m").map(|position| &arguments[position]);
    if machine.is_none_or(|machine| machine != "i386") {
        return Ok(arguments);
    }
    let Some(position) = after("-d") else {
        return Ok(arguments);
    };
    let list = Path::new(&arguments[position]);
    let named = renamed(list);
    fs::write(&named, exact(&fs::read_to_string(list)?))?;
    arguments[position] = named.into_os_string();
    Ok(arguments)
}

/// `python3.def` is `python3.def.exact`.
fn renamed(list: &Path) -> PathBuf {
    let mut name = list.as_os_str().to_owned();
    name.push(".exact");
    PathBuf::from(name)
}

/// A list in which each name with a `_` of its own says that this is the DLL's name. Of
/// two, one is the compiler's: `PyO3` asks for `__PyObject_Call` where the DLL has
/// `_PyObject_Call`, as the linker of Visual Studio takes one away.
fn exact(list: &str) -> String {
    let mut text = String::new();
    for line in list.lines() {
        text.push_str(line);
        let name = line.trim();
        if name.starts_with('_') && !name.starts_with("__") && !name.contains([' ', '=', '@']) {
            text.push_str(" == ");
            text.push_str(name);
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_an_underscore_of_its_own_keeps_it() {
        let list =
            "LIBRARY python3.dll\nEXPORTS\nPy_IncRef\n_Py_NoneStruct\n__PyObject_Call\n_f@4\n";
        assert_eq!(
            exact(list),
            list.replace("_NoneStruct", "_NoneStruct == _Py_NoneStruct")
        );
    }

    #[test]
    fn only_the_list_for_x86_is_another() {
        let folder = tempfile::tempdir().unwrap();
        let list = folder.path().join("a.def");
        fs::write(&list, "EXPORTS\n_a\n").unwrap();
        let arguments = |machine: &str| -> Vec<OsString> {
            let list = list.as_os_str().to_owned();
            vec!["-d".into(), list, "-m".into(), machine.into()]
        };
        let other = arguments("i386:x86-64");
        assert_eq!(translate(other.clone()).unwrap(), other);
        let changed = translate(arguments("i386")).unwrap();
        let text = fs::read_to_string(&changed[1]).unwrap();
        assert_eq!(text, "EXPORTS\n_a == _a\n");
        assert_eq!(fs::read_to_string(&list).unwrap(), "EXPORTS\n_a\n");
        assert_eq!(translate(vec!["-m".into()]).unwrap(), ["-m"]);
    }
}
