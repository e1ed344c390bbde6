//! Projects that were made for maturin: what is not written down is found, and each
//! key of `[tool.maturin]` does what maturin does.

use tempfile::TempDir;
use wheelwright::pack::wheel::{self, Native};
use wheelwright::project::Project;
use wheelwright::project::abi::{Abi, Interpreter};
use wheelwright::project::workspace::Workspace;

use crate::packer::members;
use crate::project::write;

pub(crate) const BARE: &str = "\
[build-system]
requires = [\"maturin>=1,<2\"]
build-backend = \"maturin\"

[project]
name = \"my-fast\"
requires-python = \">=3.11,<3.14\"
dynamic = [\"version\", \"description\", \"readme\", \"license\", \"authors\", \"keywords\", \"urls\"]
";

pub(crate) const CARGO: &str = "\
[package]
name = \"fast\"
version = \"1.2.0-rc.1\"
description = \"\"\"
Sums,
quickly\"\"\"
authors = [\"A. Uthor <a@example.org>\", \"B. Other\"]
license = \"MIT/Apache-2.0\"
repository = \"https://example.org/fast\"
keywords = [\"sums\"]

[lib]
name = \"fast\"
crate-type = [\"cdylib\", \"rlib\"]

[features]
stable = [\"pyo3/abi3-py312\"]

[dependencies]
pyo3 = \"0.29\"
";

const LOCK: &str = "\
version = 4

[[package]]
name = \"pyo3\"
version = \"0.29.0\"
";

pub(crate) fn folder(pyproject: &str, files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, content) in [("Cargo.toml", CARGO), ("Cargo.lock", LOCK)]
        .iter()
        .chain(files)
    {
        write(folder.path(), path, content);
    }
    write(folder.path(), "pyproject.toml", pyproject);
    folder
}

pub(crate) fn read(pyproject: &str, files: &[(&str, &str)]) -> Result<(TempDir, Project), String> {
    let folder = folder(pyproject, files);
    match Project::read(folder.path()) {
        Ok(project) => Ok((folder, project)),
        Err(error) => Err(error.to_string()),
    }
}

/// The members of the wheel for one CPython on Linux, and its METADATA.
pub(crate) fn packed(project: &Project, abi: Abi) -> Result<(Vec<String>, String), String> {
    let native = Native {
        extension: b"library",
        platform_tag: "manylinux_2_28_x86_64",
        abi,
    };
    let wheel = wheel::pack(project, Some(native), &[]).map_err(|error| error.to_string())?;
    let members = members(&wheel);
    let metadata = members.iter().find(|(path, _)| path.ends_with("METADATA"));
    let metadata = String::from_utf8(metadata.unwrap().1.clone()).unwrap();
    Ok((
        members.into_iter().map(|(path, _)| path).collect(),
        metadata,
    ))
}

pub(crate) fn cpython(name: &str) -> Abi {
    Abi::Version(name.parse().unwrap())
}

#[test]
fn nothing_needs_to_be_written_down() {
    let (folder, project) = read(
        BARE,
        &[
            ("README.md", "# Fast\n"),
            ("LICENSE", "MIT\n"),
            ("fast.pyi", "def add(a: int, b: int) -> int: ...\n"),
        ],
    )
    .unwrap();
    assert_eq!(project.abis, ["cp311", "cp312", "cp313"].map(cpython));
    let (names, metadata) = packed(&project, cpython("cp312")).unwrap();
    assert_eq!(
        names,
        [
            "fast/__init__.py",
            "fast/__init__.pyi",
            "fast/fast.cpython-312-x86_64-linux-gnu.so",
            "fast/py.typed",
            "my_fast-1.2.0rc1.dist-info/METADATA",
            "my_fast-1.2.0rc1.dist-info/WHEEL",
            "my_fast-1.2.0rc1.dist-info/licenses/LICENSE",
            "my_fast-1.2.0rc1.dist-info/RECORD",
        ]
    );
    assert_eq!(
        metadata,
        "Metadata-Version: 2.4\nName: my-fast\nVersion: 1.2.0rc1\nSummary: Sums, quickly\n\
         Project-URL: Source Code, https://example.org/fast\nAuthor: B. Other\n\
         Author-email: \"A. Uthor\" <a@example.org>\nLicense-Expression: MIT OR Apache-2.0\n\
         License-File: LICENSE\nKeywords: sums\nRequires-Python: >=3.11,<3.14\n\
         Description-Content-Type: text/markdown\n\n# Fast\n"
    );
    // It is a repository of its own, from any folder in it.
    std::fs::create_dir(folder.path().join("src")).unwrap();
    let workspace = Workspace::find(&folder.path().join("src")).unwrap();
    assert_eq!(workspace.projects.len(), 1);
    assert!(workspace.platforms.len() > 5);
}

#[test]
fn the_pythons_follow_from_the_crate_the_range_and_what_is_asked() {
    let maturin = |table: &str| read(&format!("{BARE}[tool.maturin]\n{table}\n"), &[]);
    let abis = |table: &str| maturin(table).unwrap().1.abis;
    assert_eq!(abis("features = [\"stable\"]"), [Abi::Stable(12)]);
    assert_eq!(
        abis("features = [{ feature = \"stable\", python-version = \">=3.12\" }]"),
        [Abi::Stable(12), cpython("cp311")]
    );
    let old = LOCK.replace("0.29.0", "0.21.2");
    let (_folder, project) = read(BARE, &[("Cargo.lock", &old)]).unwrap();
    assert_eq!(project.abis, ["cp311", "cp312"].map(cpython));
    let listed = format!("{BARE}[tool.wheelwright]\ninterpreters = [\"cp312\", \"cp314t\"]\n");
    let (_folder, project) = read(&listed, &[]).unwrap();
    assert_eq!(project.abis, ["cp312", "cp314t"].map(cpython));

    let pypy = "features = [{ feature = \"stable\", python-implementation = \"PyPy\" }]\n\
                [tool.wheelwright]\ninterpreters = [\"cp311\", \"pp311\"]";
    let (_folder, project) = maturin(pypy).unwrap();
    assert_eq!(project.abis, ["cp311", "pp311"].map(cpython));
    let features = |name: &str| {
        let maturin = project.maturin.as_ref().unwrap();
        maturin.features(Some(name.parse().unwrap()))
    };
    assert_eq!(features("pp311"), ["stable"]);
    assert!(features("cp311").is_empty());

    let (_folder, mut project) = maturin("features = [\"stable\"]").unwrap();
    let asked = |name: &str| -> Interpreter { name.parse().unwrap() };
    project.choose(&[asked("cp313t")]).unwrap();
    assert_eq!(project.abis, [cpython("cp313t")]);
    let error = project.choose(&[asked("cp311")]).unwrap_err().to_string();
    assert!(error.contains("cp311 was asked for"), "{error}");
    let error = project.choose(&[asked("cp314")]).unwrap_err().to_string();
    assert!(error.contains("leaves out cp314"), "{error}");

    let stated = "[tool.wheelwright]\npython-tag = \"cp311\"\nabi-tag = \"abi3\"\ninterpreters = [\"cp313t\", \"pp311\"]\n";
    let (_folder, project) = read(&format!("{BARE}{stated}"), &[]).unwrap();
    assert_eq!(
        project.abis,
        [Abi::Stated, cpython("cp313t"), cpython("pp311")]
    );
    assert!(project.loads_in(Abi::Stated, asked("cp313")));
    for other in ["cp310", "cp313t"] {
        assert!(!project.loads_in(Abi::Stated, asked(other)), "{other}");
    }
}

#[test]
fn what_cannot_be_an_extension_is_told() {
    for (pyproject, cargo, lock, wanted) in [
        (
            BARE,
            CARGO.replace("\"cdylib\", ", ""),
            LOCK,
            "makes neither an extension nor a program",
        ),
        (BARE, CARGO.to_owned(), "version = 4\n", "does not use PyO3"),
        (
            BARE,
            CARGO.replace("version = \"1.2.0-rc.1\"", ""),
            LOCK,
            "has no [package] version",
        ),
        (
            BARE,
            CARGO.replace("1.2.0-rc.1", "1.2.0-nightly.1"),
            LOCK,
            "\"1.2.0-nightly.1\" is no version of a Python package",
        ),
        (BARE, "[package".to_owned(), LOCK, "Cargo.toml:1"),
    ] {
        let error = read(pyproject, &[("Cargo.toml", &cargo), ("Cargo.lock", lock)]).unwrap_err();
        assert!(error.contains(wanted), "{error}\nlacks {wanted}");
    }
    let classifiers = BARE.replace("\"urls\"]", "\"urls\", \"classifiers\"]");
    let error = read(&classifiers, &[]).unwrap_err();
    assert!(
        error.contains(":8: project.dynamic: \"classifiers\" is in no Cargo.toml"),
        "{error}"
    );
    let range = BARE.replace(">=3.11,<3.14", ">=3.16");
    let error = read(&range, &[]).unwrap_err();
    assert!(error.contains("holds no CPython"), "{error}");
    let listed = format!("{BARE}[tool.wheelwright]\ninterpreters = [\"cp312\", \"pp312\"]\n");
    let error = read(&listed, &[]).unwrap_err();
    assert!(
        error.contains(":10: tool.wheelwright.interpreters: \"pp312\""),
        "{error}"
    );
}

const FULL: &str = "
[tool.maturin]
module-name = \"fast._fast\"
python-source = \"py\"
python-packages = [\"more\"]
include = [\"schema/*.json\", { path = \"NEWS\", format = \"sdist\" }]
exclude = [\"py/fast/big.txt\", { path = \"py/more/kept.py\", format = \"sdist\" }]
data = \"extra\"

[tool.maturin.sbom]
include = [\"own.cdx.json\"]
";

const FULL_FILES: &[(&str, &str)] = &[
    ("py/fast/__init__.py", ""),
    ("py/fast/big.txt", ""),
    ("py/more/kept.py", ""),
    ("schema/a.json", "{}"),
    ("NEWS", ""),
    ("extra/scripts/run", "#!python\n"),
    ("own.cdx.json", "{}"),
];

#[test]
fn every_key_about_files_is_followed() {
    let (_folder, project) = read(&format!("{BARE}{FULL}"), FULL_FILES).unwrap();
    let (names, _) = packed(&project, cpython("cp311")).unwrap();
    assert_eq!(
        names,
        [
            "fast/__init__.py",
            "fast/_fast.cpython-311-x86_64-linux-gnu.so",
            "more/kept.py",
            "my_fast-1.2.0rc1.data/scripts/run",
            "schema/a.json",
            "my_fast-1.2.0rc1.dist-info/METADATA",
            "my_fast-1.2.0rc1.dist-info/WHEEL",
            "my_fast-1.2.0rc1.dist-info/sboms/own.cdx.json",
            "my_fast-1.2.0rc1.dist-info/RECORD",
        ]
    );
    let sources: Vec<String> = wheelwright::project::files::import_sources(&project)
        .unwrap()
        .into_iter()
        .map(|file| file.path)
        .collect();
    for (path, there) in [
        ("NEWS", true),
        ("py/more/kept.py", false),
        ("extra/scripts/run", true),
    ] {
        assert_eq!(sources.contains(&path.to_owned()), there, "{path}");
    }
    for (from, to, wanted) in [
        (
            "\"schema/*.json\"",
            "\"gone/*\"",
            "tool.maturin.include: \"gone/*\" names no file",
        ),
        ("\"schema/*.json\"", "\"../*\"", "tool.maturin.include: "),
        (
            "\"more\"",
            "\"gone\"",
            "tool.maturin.python-packages: there is no folder py/gone",
        ),
        ("\"extra\"", "\"schema\"", "in none of the folders"),
        ("own.cdx", "gone.cdx", "gone.cdx.json"),
    ] {
        let text = format!("{BARE}{}", FULL.replace(from, to));
        let (_folder, project) = read(&text, FULL_FILES).unwrap();
        let error = packed(&project, cpython("cp311")).unwrap_err();
        assert!(error.contains(wanted), "{error}\nlacks {wanted}");
    }
}

#[test]
fn sources_in_src_and_a_crate_in_rust_are_found() {
    let folder = tempfile::tempdir().unwrap();
    for (path, content) in [
        ("pyproject.toml", BARE),
        (
            "rust/Cargo.toml",
            &CARGO.replace("name = \"fast\"", "name = \"my_fast\""),
        ),
        ("rust/README.md", "# Rust\n"),
        ("src/my_fast/__init__.py", ""),
    ] {
        write(folder.path(), path, content);
    }
    let project = Project::read(folder.path()).unwrap();
    let (names, metadata) = packed(&project, cpython("cp313")).unwrap();
    assert!(names.contains(&"my_fast/my_fast.cpython-313-x86_64-linux-gnu.so".to_owned()));
    assert!(metadata.ends_with("\n\n# Rust\n"), "{metadata}");
}

#[test]
fn a_folder_of_the_modules_name_may_be_the_crate() {
    let pyproject = format!("{BARE}[tool.maturin]\nmanifest-path = \"fast/Cargo.toml\"\n");
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "pyproject.toml", &pyproject);
    write(folder.path(), "fast/Cargo.toml", CARGO);
    let project = Project::read(folder.path()).unwrap();
    let (names, _) = packed(&project, cpython("cp313")).unwrap();
    assert!(names.contains(&"fast/__init__.py".to_owned()), "{names:?}");
    assert!(!names.contains(&"fast/Cargo.toml".to_owned()), "{names:?}");
}

#[test]
fn licences_from_before_pep_639_are_written_as_they_are() {
    for (license, wanted, not_wanted) in [
        (
            "license = { text = \"MIT\" }",
            "License: MIT\n",
            "License-Expression",
        ),
        (
            "license = { text = \"one\\ntwo\\n\" }",
            "License: one\n        two\nLicense-File: LICENSE\n",
            "License-Expression",
        ),
        (
            "license = { file = \"COPY\" }",
            "License-File: COPY\nLicense-File: LICENSE\n",
            "License: ",
        ),
    ] {
        let text = BARE.replace("\"license\", ", "") + license + "\n";
        let (_folder, project) = read(&text, &[("LICENSE", "MIT\n"), ("COPY", "MIT\n")]).unwrap();
        let (_, metadata) = packed(&project, cpython("cp313")).unwrap();
        assert!(metadata.contains(wanted), "{metadata}");
        assert!(!metadata.contains(not_wanted), "{metadata}");
    }
    // An index refuses an expression beside a classifier of a licence.
    let text = format!("{BARE}classifiers = [\"License :: OSI Approved :: MIT License\"]\n");
    let (_folder, project) = read(&text, &[]).unwrap();
    let (_, metadata) = packed(&project, cpython("cp313")).unwrap();
    assert!(metadata.contains("License: MIT/Apache-2.0\n"), "{metadata}");
}

#[test]
fn keys_that_are_not_followed_are_told() {
    let text =
        format!("{BARE}[tool.maturin]\nmanylinux = \"2014\"\nsdist-include = [\"README.md\"]\n");
    let (_folder, project) = read(&text, &[]).unwrap();
    for (note, wanted) in [
        (0, "pyproject.toml:10: tool.maturin.manylinux: "),
        (1, "pyproject.toml:11: tool.maturin.sdist-include: "),
    ] {
        assert!(project.notes[note].contains(wanted), "{:?}", project.notes);
    }
}

#[test]
fn a_value_of_the_wrong_kind_is_told_what_is_right() {
    for (line, wanted) in [
        ("features = [1]", "{ feature = \"FEATURE\""),
        ("include = [1]", "{ path = \"PATTERN\""),
        ("cargo-extra-args = \"-q\"", "write features"),
    ] {
        let error = read(&format!("{BARE}[tool.maturin]\n{line}\n"), &[]).unwrap_err();
        assert!(error.contains(":10: ") && error.contains(wanted), "{error}");
    }
}

#[test]
fn a_licence_classifier_beside_an_expression_stays() {
    let text = BARE.replace("\"license\", ", "")
        + "license = \"MIT\"\nclassifiers = [\"License :: OSI Approved :: MIT License\"]\n";
    let (folder, project) = read(&text, &[]).unwrap();
    let error = packed(&project, cpython("cp313")).unwrap_err();
    assert!(error.contains("PEP 639"), "{error}");
    // Who has no wheelwright.toml is held to what an index asks.
    let workspace = Workspace::read(folder.path()).unwrap();
    let (_, metadata) = packed(&workspace.projects[0], cpython("cp313")).unwrap();
    assert!(metadata.contains("License-Expression: MIT\n"), "{metadata}");
    assert!(metadata.contains("Classifier: License ::"), "{metadata}");
}
