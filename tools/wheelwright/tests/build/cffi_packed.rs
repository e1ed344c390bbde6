//! Projects whose crate makes a library that Python calls by cffi.

use tempfile::TempDir;
use wheelwright::pack::wheel;
use wheelwright::project::Project;
use wheelwright::project::abi::Abi;

use crate::packer::members;
use crate::project::write;

const PYPROJECT: &str = "\
[build-system]
requires = [\"maturin>=1,<2\"]
build-backend = \"maturin\"

[project]
name = \"points\"
version = \"1.0.0\"
requires-python = \">=3.9\"
";
const CFFI: &str = "[tool.maturin]\nbindings = \"cffi\"\n";
const CARGO: &str = "[package]\nname = \"points\"\nversion = \"1.0.0\"\n\
                     [lib]\ncrate-type = [\"cdylib\"]\n";
const LOCK: &str = "version = 4\n[[package]]\nname = \"points\"\nversion = \"1.0.0\"\n";

fn read(pyproject: &str, files: &[(&str, &str)]) -> Result<(TempDir, Project), String> {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "pyproject.toml", pyproject);
    write(folder.path(), "Cargo.toml", CARGO);
    write(folder.path(), "Cargo.lock", LOCK);
    for (path, content) in files {
        write(folder.path(), path, content);
    }
    let project = Project::read(folder.path()).map_err(|error| error.to_string())?;
    Ok((folder, project))
}

fn packed(project: &Project, platform_tag: &str) -> (String, Vec<(String, Vec<u8>)>) {
    let (library, module) = (b"library".to_vec(), b"ffi = None\n".to_vec());
    let wheel = wheel::lay_out_cffi(project, platform_tag, library, module, &[]).unwrap();
    let wheel = wheel.pack().unwrap();
    let members = members(&wheel);
    (wheel.file_name, members)
}

#[test]
fn a_library_is_a_package_of_its_own_for_every_python() {
    // As stated, and as the crate and its lock have it.
    for pyproject in [format!("{PYPROJECT}{CFFI}"), PYPROJECT.to_owned()] {
        let (_folder, project) = read(&pyproject, &[("points.pyi", "lib: object\n")]).unwrap();
        assert_eq!(project.abis, [Abi::Stated]);
        assert!(project.notes[0].contains("write \"cffi\" here"));
        let (name, members) = packed(&project, "macosx_11_0_arm64");
        assert_eq!(name, "points-1.0.0-py3-none-macosx_11_0_arm64.whl");
        let names: Vec<&str> = members.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(
            names[..5],
            [
                "points/__init__.py",
                "points/__init__.pyi",
                "points/ffi.py",
                "points/libpoints.dylib",
                "points/py.typed",
            ]
        );
        let init = String::from_utf8(members[0].1.clone()).unwrap();
        assert!(init.contains("\"libpoints.dylib\""), "{init}");
    }
}

#[test]
fn a_library_beside_python_sources_lies_where_the_module_is_named() {
    let table = "module-name = \"points._native\"\npython-source = \"py\"\n";
    let files = [("py/points/__init__.py", "from ._native import lib\n")];
    let (_folder, project) = read(&format!("{PYPROJECT}{CFFI}{table}"), &files).unwrap();
    for (tag, library) in [
        ("win_amd64", "points/_native/_native.dll"),
        ("manylinux_2_28_x86_64", "points/_native/lib_native.so"),
    ] {
        let (_, members) = packed(&project, tag);
        let names: Vec<&str> = members.iter().map(|(path, _)| path.as_str()).collect();
        assert!(names.contains(&"points/__init__.py"), "{names:?}");
        assert!(names.contains(&"points/_native/__init__.py"), "{names:?}");
        assert!(names.contains(&"points/_native/ffi.py"), "{names:?}");
        assert!(names.contains(&library), "{names:?}");
    }
}

#[test]
fn what_cannot_be_such_a_library_is_told() {
    let stated = format!("{PYPROJECT}{CFFI}");
    let pyo3 = format!("{CARGO}[dependencies]\npyo3 = \"0.30\"\n");
    let listed = format!("{stated}[tool.wheelwright]\ninterpreters = [\"cp312\"]\n");
    let uniffi = format!("{LOCK}[[package]]\nname = \"uniffi\"\nversion = \"0.30.0\"\n");
    for (pyproject, file, wanted) in [
        (
            &stated,
            ("Cargo.toml", "[package]\nname = \"points\"\n"),
            "makes no library",
        ),
        (&stated, ("Cargo.toml", pyo3.as_str()), "asks for PyO3"),
        (&listed, ("x", ""), "is for every Python"),
        (
            &PYPROJECT.to_owned(),
            ("Cargo.lock", uniffi.as_str()),
            "uniffi is built by maturin alone",
        ),
    ] {
        let error = read(pyproject, &[file]).unwrap_err();
        assert!(error.contains(wanted), "{error}\nlacks {wanted}");
    }
}
