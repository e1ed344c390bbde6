//! Wheels and sdists: what is in them, and that nothing else decides it.

use std::path::Path;

use proptest::prelude::*;
use wheelwright::pack::wheel::{self, Native};
use wheelwright::pack::zip::{self, Member};
use wheelwright::pack::{PackError, sdist};
use wheelwright::project::Project;
use wheelwright::project::abi::Abi;
use wheelwright::project::files::File;
use wheelwright_artifacts::artifact::zip::Zip;
use wheelwright_artifacts::artifact::{Artifact, Limits};
use wheelwright_artifacts::audit::{Policy, audit_bytes};

use crate::project::{NATIVE, NATIVE_FILES, PURE, PURE_FILES, project, write};

/// The members of an artifact, in order, with their content.
pub fn members(artifact: &wheelwright::pack::Artifact) -> Vec<(String, Vec<u8>)> {
    let read = Artifact::from_bytes(
        Path::new(&artifact.file_name),
        artifact.bytes.clone(),
        Limits::default(),
    )
    .unwrap();
    (0..read.archive.len())
        .map(|index| {
            (
                read.archive.path(index).to_owned(),
                read.archive.content(index).unwrap().into_owned(),
            )
        })
        .collect()
}

fn names(artifact: &wheelwright::pack::Artifact) -> Vec<String> {
    members(artifact)
        .into_iter()
        .map(|(name, _)| name)
        .collect()
}

fn text(artifact: &wheelwright::pack::Artifact, end: &str) -> String {
    let (_, bytes) = members(artifact)
        .into_iter()
        .find(|(name, _)| name.ends_with(end))
        .unwrap_or_else(|| panic!("no {end}"));
    String::from_utf8(bytes).unwrap()
}

#[test]
fn a_pure_wheel_holds_its_package_and_metadata() {
    let (_folder, project) = project(PURE, PURE_FILES);
    let wheel = wheel::pack(&project, None, &[]).unwrap();
    assert_eq!(wheel.file_name, "little_package-1.2.0-py3-none-any.whl");
    assert_eq!(
        names(&wheel),
        [
            "little_package/__init__.py",
            "little_package/deep/er.py",
            "little_package/py.typed",
            "little_package-1.2.0.dist-info/METADATA",
            "little_package-1.2.0.dist-info/WHEEL",
            "little_package-1.2.0.dist-info/entry_points.txt",
            "little_package-1.2.0.dist-info/licenses/LICENSE",
            "little_package-1.2.0.dist-info/RECORD",
        ]
    );
    insta::assert_snapshot!(text(&wheel, "METADATA"), @r#"
    Metadata-Version: 2.4
    Name: Little.Package
    Version: 1.2.0
    Summary: A little package
    Author: A. Uthor
    Author-email: "M. Ailer" <m@example.org>
    License-Expression: MIT
    License-File: LICENSE
    Requires-Python: >=3.9
    Requires-Dist: other-package<2,>=1
    Provides-Extra: fast
    Requires-Dist: quick; extra == 'fast'
    Description-Content-Type: text/markdown

    # Little
    "#);
    assert_eq!(
        text(&wheel, "entry_points.txt"),
        "[console_scripts]\nlittle = little_package:main\n"
    );
    let report = audit_bytes(
        Path::new(&wheel.file_name),
        wheel.bytes.clone(),
        &Policy::default(),
    )
    .unwrap();
    assert!(report.is_clean(), "{}", report.lines());
}

#[test]
fn a_native_wheel_puts_the_extension_where_python_looks() {
    let (_folder, project) = project(NATIVE, NATIVE_FILES);
    for (tag, path) in [
        ("manylinux_2_28_x86_64", "native/_core.abi3.so"),
        ("macosx_11_0_arm64", "native/_core.abi3.so"),
        ("win_amd64", "native/_core.pyd"),
    ] {
        let native = Native {
            extension: b"library",
            platform_tag: tag,
            abi: Abi::Stated,
        };
        let sbom = File {
            path: "sboms/native.cdx.json".to_owned(),
            bytes: b"{}".to_vec(),
        };
        let wheel = wheel::pack(&project, Some(native), &[sbom]).unwrap();
        assert_eq!(wheel.file_name, format!("native-1.2.0-cp39-abi3-{tag}.whl"));
        assert!(names(&wheel).contains(&path.to_owned()), "{tag}");
        assert!(names(&wheel).contains(&"native-1.2.0.dist-info/sboms/native.cdx.json".to_owned()));
        assert!(text(&wheel, "WHEEL").contains(&format!("Tag: cp39-abi3-{tag}\n")));
        assert!(text(&wheel, "WHEEL").contains("Root-Is-Purelib: false\n"));
        let zip = Zip::read(wheel.bytes, Limits::default()).unwrap();
        for entry in &zip.entries {
            let wanted = if entry.name == path {
                0o100_755
            } else {
                0o100_644
            };
            assert_eq!(entry.mode(), Some(wanted), "{}", entry.name);
        }
    }
}

#[test]
fn an_extension_is_wanted_exactly_where_there_is_one() {
    let (_pure, pure) = project(PURE, PURE_FILES);
    let (_native, native) = project(NATIVE, NATIVE_FILES);
    let extension = Native {
        extension: b"library",
        platform_tag: "win_amd64",
        abi: Abi::Stated,
    };
    let error = wheel::pack(&pure, Some(extension), &[]).unwrap_err();
    assert!(matches!(error, PackError::Extension { .. }), "{error}");
    let error = wheel::pack(&native, None, &[]).unwrap_err();
    assert!(error.to_string().contains("none was given"), "{error}");
}

#[test]
fn what_a_work_tree_collects_stays_out() {
    let (folder, project) = project(PURE, PURE_FILES);
    let (wheel_before, sdist_before) = (
        wheel::pack(&project, None, &[]).unwrap(),
        sdist::pack(&project, false).unwrap(),
    );
    for rubbish in [
        "src/little_package/__pycache__/__init__.cpython-311.pyc",
        "src/little_package/.DS_Store",
        "src/little_package/_core.abi3.so",
        "src/little_package/notes.orig",
        ".git/config",
        ".venv/bin/python",
        "little_package.egg-info/PKG-INFO",
        "data.bin",
    ] {
        write(folder.path(), rubbish, "rubbish");
    }
    assert_eq!(wheel::pack(&project, None, &[]).unwrap(), wheel_before);
    assert_eq!(sdist::pack(&project, false).unwrap(), sdist_before);
}

#[test]
fn an_sdist_holds_what_a_build_needs() {
    let (_folder, project) = project(PURE, PURE_FILES);
    let sdist = sdist::pack(&project, false).unwrap();
    assert_eq!(sdist.file_name, "little_package-1.2.0.tar.gz");
    assert_eq!(
        names(&sdist),
        [
            "little_package-1.2.0/LICENSE",
            "little_package-1.2.0/PKG-INFO",
            "little_package-1.2.0/README.md",
            "little_package-1.2.0/pyproject.toml",
            "little_package-1.2.0/src/little_package/__init__.py",
            "little_package-1.2.0/src/little_package/deep/er.py",
            "little_package-1.2.0/src/little_package/py.typed",
        ]
    );
    assert_eq!(
        text(&sdist, "PKG-INFO"),
        text(&wheel::pack(&project, None, &[]).unwrap(), "METADATA")
    );
    let report = audit_bytes(
        Path::new(&sdist.file_name),
        sdist.bytes.clone(),
        &Policy::default(),
    )
    .unwrap();
    assert!(report.is_clean(), "{}", report.lines());
}

#[test]
fn a_native_sdist_speaks_of_no_crate_that_it_does_not_hold() {
    let files: Vec<_> = NATIVE_FILES
        .iter()
        .copied()
        .chain([
            (
                "Cargo.toml",
                "[package]\nname = \"native\"\nversion = \"1.2.0\"\nedition = \"2024\"\n\
                 [lib]\ncrate-type = [\"cdylib\"]\n\
                 [workspace]\nmembers = [\"tool\"]\n\
                 [profile.release]\nlto = \"fat\"\n\
                 [profile.tool]\ninherits = \"release\"\n\
                 [profile.tool.package.tool]\nopt-level = 1\n",
            ),
            ("src/lib.rs", ""),
            (
                "tool/Cargo.toml",
                "[package]\nname = \"tool\"\nversion = \"1.2.0\"\n",
            ),
            ("tool/src/lib.rs", ""),
            (
                "Cargo.lock",
                "version = 4\n\n[[package]]\nname = \"native\"\nversion = \"1.2.0\"\n\n\
                 [[package]]\nname = \"tool\"\nversion = \"1.2.0\"\n",
            ),
        ])
        .collect();
    let (_folder, project) = project(NATIVE, &files);
    let sdist = sdist::pack(&project, false).unwrap();
    let manifest = text(&sdist, "native-1.2.0/Cargo.toml");
    assert!(manifest.contains("lto = \"fat\""), "{manifest}");
    assert!(!manifest.contains("tool"), "{manifest}");
    let lock = text(&sdist, "native-1.2.0/Cargo.lock");
    assert!(!lock.contains("tool"), "{lock}");
}

#[test]
fn a_licence_pattern_without_a_file_is_an_error() {
    let (_folder, project) = project(PURE, &PURE_FILES[2..]);
    let error = wheel::pack(&project, None, &[]).unwrap_err().to_string();
    assert!(
        error.contains("LICEN[CS]E*") && error.contains("names no file; add "),
        "{error}"
    );
}

#[test]
fn a_readme_may_lie_above_the_project_in_its_repository() {
    let folder = tempfile::tempdir().unwrap();
    let at = |path: &str| format!("python/{path}");
    for (path, text) in PURE_FILES {
        write(folder.path(), &at(path), text);
    }
    let above = PURE.replace("\"README.md\"", "\"../README.md\"");
    write(folder.path(), &at("pyproject.toml"), &above);
    write(folder.path(), "README.md", "# Above\n");
    std::fs::remove_file(folder.path().join(at("README.md"))).unwrap();
    let read = || Project::read(&folder.path().join("python")).unwrap();
    let error = wheel::pack(&read(), None, &[]).unwrap_err().to_string();
    assert!(
        error.contains("project.readme: ../README.md lies outside"),
        "{error}"
    );
    std::fs::create_dir(folder.path().join(".git")).unwrap();
    let text = |artifact: &wheelwright::pack::Artifact, end: &str| {
        let found = members(artifact)
            .into_iter()
            .find(|(path, _)| path.ends_with(end));
        String::from_utf8(found.unwrap().1).unwrap()
    };
    let metadata = text(&wheel::pack(&read(), None, &[]).unwrap(), "METADATA");
    assert!(metadata.ends_with("\n\n# Above\n"), "{metadata}");
    let source = sdist::pack(&read(), false).unwrap();
    assert_eq!(text(&source, "/README.md"), "# Above\n");
    assert_eq!(text(&source, "/pyproject.toml"), PURE);
    // The same file by another name.
    let dotted = PURE.replace("\"README.md\"", "\"./README.md\"");
    write(folder.path(), &at("pyproject.toml"), &dotted);
    write(folder.path(), &at("README.md"), "# Here\n");
    assert_eq!(
        text(&sdist::pack(&read(), false).unwrap(), "/README.md"),
        "# Here\n"
    );
}

#[cfg(unix)]
#[test]
fn a_symbolic_link_is_the_file_of_the_repository_that_it_leads_to() {
    let (folder, project) = project(PURE, PURE_FILES);
    let link = folder.path().join("src/little_package/link.py");
    let packed = |target: &str| {
        let _ = std::fs::remove_file(&link);
        std::os::unix::fs::symlink(target, &link).unwrap();
        wheel::pack(&project, None, &[]).map_err(|error| {
            let message = std::error::Error::source(&error).map(ToString::to_string);
            format!("{error}{message:?}")
        })
    };
    // Without a repository, the package's own folder.
    assert!(packed("__init__.py").is_ok());
    let error = packed("../../LICENSE").unwrap_err();
    assert!(error.contains("symbolic link"), "{error}");
    std::fs::create_dir(folder.path().join(".git")).unwrap();
    std::fs::write(folder.path().join(".git/config"), "secret").unwrap();
    let wheel = packed("../../LICENSE").unwrap();
    let zip = Zip::read(wheel.bytes, Limits::default()).unwrap();
    let place = (zip.entries.iter())
        .position(|entry| entry.name == "little_package/link.py")
        .unwrap();
    let license = std::fs::read(folder.path().join("LICENSE")).unwrap();
    assert_eq!(zip.content(place).unwrap().as_ref(), license);
    for elsewhere in ["/etc/hostname", "../../.git/config", "..", "missing"] {
        let error = packed(elsewhere).unwrap_err();
        assert!(error.contains("symbolic link"), "{elsewhere}: {error}");
    }
}

proptest! {
    #[test]
    fn zip_members_come_back_whole(
        contents in proptest::collection::btree_map("[a-zé]{1,9}(/[a-z]{1,9})?", proptest::collection::vec(any::<u8>(), 0..400), 0..12)
    ) {
        let members: Vec<Member> = contents
            .iter()
            .map(|(path, bytes)| Member { path: path.clone(), bytes: bytes.clone(), executable: bytes.len() % 2 == 1 })
            .collect();
        let bytes = zip::write("test.whl", &members).unwrap();
        let zip = Zip::read(bytes.clone(), Limits::default()).unwrap();
        prop_assert!(zip.oddities.is_empty(), "{:?}", zip.oddities);
        prop_assert_eq!(zip.entries.len(), members.len());
        for (index, member) in members.iter().enumerate() {
            prop_assert_eq!(&zip.entries[index].name, &member.path);
            let content = zip.content(index).unwrap();
            prop_assert_eq!(content.as_ref(), member.bytes.as_slice());
        }
        prop_assert_eq!(zip::write("test.whl", &members).unwrap(), bytes);
    }
}
