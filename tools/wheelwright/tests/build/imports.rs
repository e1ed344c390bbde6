//! What of a project's files is packed, and what is said of the rest.

use std::path::Path;

use wheelwright::pack::wheel::{self, Native};
use wheelwright::pack::{PackError, sdist};
use wheelwright::project::abi::Abi;
use wheelwright::project::{Project, files, license};
use wheelwright_artifacts::artifact::{Artifact, Limits};

use crate::project::{NATIVE, write};

fn project(pyproject: &str, paths: &[&str]) -> (tempfile::TempDir, Project) {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "pyproject.toml", pyproject);
    for path in paths {
        write(folder.path(), path, "x = 1\n");
    }
    let project = Project::read(folder.path()).unwrap();
    (folder, project)
}

/// The wheel's files outside of `.dist-info`.
fn members(project: &Project) -> Result<Vec<String>, PackError> {
    let made = wheel::pack(project, None, &[])?;
    let read =
        Artifact::from_bytes(Path::new(&made.file_name), made.bytes, Limits::default()).unwrap();
    let paths = (0..read.archive.len()).map(|index| read.archive.path(index).to_owned());
    Ok(paths.filter(|path| !path.contains(".dist-info/")).collect())
}

const DEMO: &str = "[project]\nname = \"De-mo\"\nversion = \"1\"\n";

#[test]
fn a_package_or_a_module_is_found_by_the_projects_name() {
    for (path, member) in [
        ("src/De_mo/__init__.py", "De_mo/__init__.py"),
        ("src/de_mo/__init__.py", "de_mo/__init__.py"),
        ("de_mo/__init__.py", "de_mo/__init__.py"),
        ("de_mo.py", "de_mo.py"),
    ] {
        let (_folder, project) = project(DEMO, &[path]);
        assert_eq!(members(&project).unwrap(), [member]);
        let made = sdist::pack(&project, false).unwrap();
        assert_eq!(made.file_name, "de_mo-1.tar.gz");
    }
}

#[test]
fn a_project_that_imports_nothing_is_refused() {
    let listed =
        |list: &str| format!("{DEMO}[tool.hatch.build.targets.wheel]\npackages = [{list}]\n");
    for (text, paths, wanted) in [
        (
            DEMO.to_owned(),
            &["src/other/__init__.py"][..],
            "packages = [\"src/other\"]",
        ),
        (
            DEMO.to_owned(),
            &["src/de_mo.py"],
            "packages = [\"src/de_mo.py\"]",
        ),
        (DEMO.to_owned(), &[], "src/de_mo/__init__.py"),
        (
            DEMO.to_owned(),
            &["src/de_mo/data.txt"],
            "no import package",
        ),
        (
            DEMO.to_owned(),
            &["src/de_mo/__init__.py", "de_mo.py"],
            "could all be",
        ),
        (listed("\"src/gone\""), &[], "there is no folder src/gone"),
        (
            listed("\"src/a\", \"b/a\""),
            &["src/a/x.py", "b/a/x.py"],
            "both imported as a",
        ),
        (
            listed("\"src/my-package\""),
            &["src/my-package/x.py"],
            "cannot be imported",
        ),
        (
            listed("\"src/a\""),
            &["src/a/data.txt"],
            "holds no Python file",
        ),
        (
            listed("\"../a\""),
            &["a/x.py"],
            "not a path inside the project",
        ),
        (
            format!("{DEMO}import-names = [\"demo\"]\n"),
            &["src/de_mo/__init__.py"],
            "nothing to import as demo",
        ),
    ] {
        let (_folder, project) = project(&text, paths);
        let error = members(&project).unwrap_err().to_string();
        assert!(error.contains(wanted), "{error}\nlacks {wanted}");
        assert!(error.contains("pyproject.toml:"), "{error}");
        assert!(sdist::pack(&project, false).is_err());
    }
}

#[test]
fn an_extension_needs_a_package_to_be_in() {
    let extension = Native {
        extension: b"library",
        platform_tag: "win_amd64",
        abi: Abi::Stated,
    };
    let (_folder, missing) = project(NATIVE, &["LICENSE"]);
    let error = wheel::pack(&missing, Some(extension), &[])
        .unwrap_err()
        .to_string();
    assert!(error.contains("there is no folder src/native"), "{error}");
    let deep = NATIVE.replace("native._core", "native.deep._core");
    let (_folder, deep) = project(&deep, &["LICENSE", "src/native/__init__.py"]);
    let error = wheel::pack(&deep, Some(extension), &[])
        .unwrap_err()
        .to_string();
    assert!(error.contains("no folder src/native/deep"), "{error}");
}

#[test]
fn data_with_odd_names_is_packed_and_what_is_left_out_is_told() {
    let files = [
        "src/de_mo/__init__.py",
        "src/de_mo/templates/.gitignore",
        "src/de_mo/templates/.github/ci.yml",
        "src/de_mo/target/__init__.py",
        "src/de_mo/__pycache__/a.pyc",
        "src/de_mo/.git/config",
        "src/de_mo/lib.so",
        "src/de_mo/.env",
        "src/de_mo/a.orig",
    ];
    let (folder, plain) = project(DEMO, &files);
    assert_eq!(
        members(&plain).unwrap(),
        [
            "de_mo/__init__.py",
            "de_mo/target/__init__.py",
            "de_mo/templates/.github/ci.yml",
            "de_mo/templates/.gitignore",
        ]
    );
    let left_out: Vec<String> = files::left_out(&plain)
        .unwrap()
        .into_iter()
        .map(|left_out| left_out.path)
        .collect();
    assert_eq!(
        left_out,
        ["src/de_mo/.env", "src/de_mo/a.orig", "src/de_mo/lib.so"]
    );
    let chosen = format!(
        "{DEMO}[tool.wheelwright]\ninclude = [\"src/de_mo/lib.so\", \"a.orig\"]\n\
         exclude = [\"src/de_mo/target\", \"**/.env\", \"templates/.github/**\"]\n"
    );
    write(folder.path(), "pyproject.toml", &chosen);
    let chosen = Project::read(folder.path()).unwrap();
    assert_eq!(
        members(&chosen).unwrap(),
        [
            "de_mo/__init__.py",
            "de_mo/a.orig",
            "de_mo/lib.so",
            "de_mo/templates/.gitignore",
        ]
    );
    assert_eq!(files::left_out(&chosen).unwrap(), []);
}

#[test]
fn licence_files_are_found_without_being_named() {
    let (_folder, project) = project(
        DEMO,
        &[
            "src/de_mo/__init__.py",
            "LICENSE",
            "NOTICE.txt",
            "docs/LICENSE",
        ],
    );
    let found: Vec<String> = license::files(&project)
        .unwrap()
        .into_iter()
        .map(|file| file.path)
        .collect();
    assert_eq!(found, ["LICENSE", "NOTICE.txt"]);
}

#[cfg(unix)]
#[test]
fn names_that_not_every_system_has_are_refused() {
    for (paths, wanted) in [
        (
            &["src/de_mo/a.txt", "src/de_mo/A.txt"][..],
            "one file on Windows",
        ),
        (&["src/de_mo/a:b"], "cannot be packed"),
        (&["src/de_mo/aux.py"], "device"),
        (&["src/de_mo/a\nb"], "control"),
    ] {
        let all = [&["src/de_mo/__init__.py"], paths].concat();
        let (_folder, project) = project(DEMO, &all);
        let error = members(&project).unwrap_err();
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        let message = format!("{error} {}", cause.unwrap_or_default());
        assert!(message.contains(wanted), "{message}");
    }
}
