//! Projects whose crate makes programs: maturin's `bindings = "bin"`.

use tempfile::TempDir;
use wheelwright::pack::wheel::{self, Native};
use wheelwright::project::Project;
use wheelwright::project::abi::Abi;
use wheelwright::project::files::File;

use crate::packer::members;
use crate::project::write;

const PYPROJECT: &str = "\
[build-system]
requires = [\"maturin>=1,<2\"]
build-backend = \"maturin\"

[project]
name = \"my-tool\"
requires-python = \">=3.9\"
dynamic = [\"version\"]
";
const CARGO: &str = "[package]\nname = \"tool\"\nversion = \"1.0.0\"\n";
const BIN: &str = "[tool.maturin]\nbindings = \"bin\"\n";

fn read(pyproject: &str, files: &[(&str, &str)]) -> Result<(TempDir, Project), String> {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "pyproject.toml", pyproject);
    write(folder.path(), "Cargo.toml", CARGO);
    for (path, content) in files {
        write(folder.path(), path, content);
    }
    let project = Project::read(folder.path()).map_err(|error| error.to_string())?;
    Ok((folder, project))
}

fn packed(project: &Project) -> Vec<(String, Vec<u8>)> {
    let programs = ["tool", "more.exe"].map(|name| File {
        path: name.to_owned(),
        bytes: b"program".to_vec(),
    });
    let wheel = wheel::lay_out_programs(project, "win_amd64", programs.into(), &[]).unwrap();
    let wheel = wheel.pack().unwrap();
    assert_eq!(wheel.file_name, "my_tool-1.0.0-py3-none-win_amd64.whl");
    members(&wheel)
}

#[test]
fn programs_are_found_and_packed_for_every_python() {
    let main = ("src/main.rs", "fn main() {}\n");
    let stated = format!("{PYPROJECT}{BIN}");
    let dashed = format!("{stated}module-name = \"my-tool\"\n");
    for pyproject in [PYPROJECT, &stated, &dashed] {
        let (_folder, mut project) = read(pyproject, &[main]).unwrap();
        assert_eq!(project.abis, [Abi::Stated]);
        project.choose(&["cp312".parse().unwrap()]).unwrap();
        assert_eq!(project.abis, [Abi::Stated]);
        let members = packed(&project);
        let names: Vec<&str> = members.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(
            names,
            [
                "my_tool-1.0.0.data/scripts/more.exe",
                "my_tool-1.0.0.data/scripts/tool",
                "my_tool-1.0.0.dist-info/METADATA",
                "my_tool-1.0.0.dist-info/WHEEL",
                "my_tool-1.0.0.dist-info/RECORD",
            ]
        );
        let wheel = String::from_utf8_lossy(&members[3].1);
        assert!(wheel.contains("Root-Is-Purelib: false\nTag: py3-none-win_amd64\n"));
        let native = Native {
            extension: b"library",
            platform_tag: "win_amd64",
            abi: Abi::Stated,
        };
        let error = wheel::pack(&project, Some(native), &[]).unwrap_err();
        assert!(error.to_string().contains("wheelwright build"), "{error}");
    }
}

#[test]
fn a_package_of_the_modules_name_comes_along() {
    let (_folder, project) = read(
        &format!("{PYPROJECT}{BIN}python-source = \"py\"\nmodule-name = \"tool\"\n"),
        &[("src/bin/tool.rs", ""), ("py/tool/__main__.py", "")],
    )
    .unwrap();
    let members = packed(&project);
    assert_eq!(members.last().unwrap().0, "my_tool-1.0.0.dist-info/RECORD");
    assert!(members.iter().any(|(path, _)| path == "tool/__main__.py"));
}

#[test]
fn what_makes_no_program_is_told() {
    let pyo3 = format!("{CARGO}[dependencies]\npyo3 = \"0.29\"\n");
    let interpreters = format!("{PYPROJECT}[tool.wheelwright]\ninterpreters = [\"cp312\"]\n");
    for (pyproject, file, wanted) in [
        (
            format!("{PYPROJECT}{BIN}"),
            ("src/lib.rs", ""),
            ":10: tool.maturin.bindings: ",
        ),
        (
            format!("{PYPROJECT}{BIN}"),
            ("src/lib.rs", ""),
            "src/main.rs",
        ),
        (
            PYPROJECT.to_owned(),
            ("src/lib.rs", ""),
            "neither an extension nor a program",
        ),
        (
            format!("{PYPROJECT}{BIN}"),
            ("Cargo.toml", &pyo3),
            "asks for PyO3",
        ),
        (interpreters, ("src/main.rs", ""), "is for every Python"),
        (
            format!("{PYPROJECT}[tool.maturin]\nbindings = \"uniffi\"\n"),
            ("src/main.rs", ""),
            "build this project with maturin",
        ),
    ] {
        let main = ("src/main.rs", "");
        let files: &[(&str, &str)] = if file.0 == "Cargo.toml" {
            &[main, file]
        } else {
            &[file]
        };
        let error = read(&pyproject, files).unwrap_err();
        assert!(error.contains(wanted), "{error}\nlacks {wanted}");
    }
}
