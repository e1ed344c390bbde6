//! A pure package of any build backend, here of one that lies in the package: what it
//! makes is the same files in our form.

use std::path::Path;

use wheelwright::build::{self, Options};
use wheelwright::project::workspace;
use wheelwright::release::check;
use wheelwright::release::plan::Plan;
use wheelwright_artifacts::artifact::zip::Zip;
use wheelwright_artifacts::artifact::{Archive, Artifact, Limits};
use wheelwright_artifacts::audit::Profile;

use crate::project::write;

const PYPROJECT: &str =
    "[build-system]\nrequires = []\nbuild-backend = \"own\"\nbackend-path = [\"backend\"]\n";

/// Writes members in no order, with the time of the day and odd modes.
const BACKEND: &str = r##"
import os
import tarfile
import time
import zipfile

INFO = "demo-1.0.dist-info/"


def build_wheel(folder, config_settings=None, metadata_directory=None):
    name = open("wheel-name").read().strip()
    files = {
        INFO + "WHEEL": b"Wheel-Version: 1.0\nGenerator: own 1\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        INFO + "METADATA": b"Metadata-Version: 2.1\nName: demo\nVersion: 1.0\nRequires-Dist: x; extra == 'y'\n",
        "demo/run.sh": b"#!/bin/sh\n",
        "demo/__init__.py": b"x = 1\n",
        INFO + "RECORD": b"",
    }
    with zipfile.ZipFile(os.path.join(folder, name), "w") as wheel:
        for path, content in files.items():
            member = zipfile.ZipInfo(path, time.localtime()[:6])
            member.external_attr = (0o100775 if path.endswith(".sh") else 0o100666) << 16
            wheel.writestr(member, content)
    return name


def build_sdist(folder, config_settings=None):
    os.makedirs("demo-1.0", exist_ok=True)
    with open("demo-1.0/PKG-INFO", "w") as file:
        file.write("Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n")
    with tarfile.open(os.path.join(folder, "demo-1.0.tar.gz"), "w:gz") as sdist:
        sdist.add("demo-1.0")
    return "demo-1.0.tar.gz"
"##;

fn built(folder: &Path) -> build::report::Report {
    let options = Options {
        out: folder.join("dist"),
        python: None,
        fresh: false,
        smoke: false,
        index: None,
    };
    build::backend::build(folder, &options).unwrap()
}

fn package(wheel: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "pyproject.toml", PYPROJECT);
    write(folder.path(), "backend/own.py", BACKEND);
    write(folder.path(), "wheel-name", wheel);
    folder
}

#[test]
fn what_a_backend_makes_gets_our_form() {
    let folder = package("demo-1.0-py3-none-any.whl");
    assert!(workspace::is_of_a_backend(folder.path()));
    let report = built(folder.path());
    assert!(report.passed(), "{}", report.table());
    let names: Vec<&str> = report
        .rows
        .iter()
        .map(|row| row.artifact.as_str())
        .collect();
    assert_eq!(names, ["demo-1.0-py3-none-any.whl", "demo-1.0.tar.gz"]);
    assert!(report.rows.iter().all(|row| row.package == "demo"));

    let wheel = folder.path().join("dist").join(names[0]);
    let bytes = std::fs::read(&wheel).unwrap();
    let zip = Zip::read(bytes, Limits::default()).unwrap();
    let entries: Vec<_> = zip
        .entries
        .iter()
        .map(|entry| (entry.name.as_str(), entry.mode().unwrap(), entry.time))
        .collect();
    let date = 0x0021 << 16;
    assert_eq!(
        entries,
        [
            ("demo/__init__.py", 0o100_644, date),
            ("demo/run.sh", 0o100_755, date),
            ("demo-1.0.dist-info/METADATA", 0o100_644, date),
            ("demo-1.0.dist-info/WHEEL", 0o100_644, date),
            ("demo-1.0.dist-info/RECORD", 0o100_644, date),
        ]
    );
    let read = Artifact::open(
        &folder.path().join("dist").join(names[1]),
        Limits::default(),
    );
    assert!(matches!(read.unwrap().archive, Archive::TarGz(_)));
    let unseen = std::fs::read_to_string(folder.path().join("target/wheelwright/.gitignore"));
    assert_eq!(unseen.unwrap(), "*\n");
    // Nothing was written beside the sources, and the same is made again.
    assert!(!folder.path().join("demo-1.0").exists());
    let digests = |report: build::report::Report| -> Vec<_> {
        report.rows.into_iter().map(|row| row.sha256).collect()
    };
    assert_eq!(digests(report), digests(built(folder.path())));
}

#[test]
fn a_backend_gets_every_folder_that_can_be_imported() {
    let folder = package("demo-1.0-py3-none-any.whl");
    let backend = BACKEND.replace(
        "    name = open",
        "    there = [p for p in open(\"listed\").read().split() if os.path.exists(p)]\n    \
         assert there == [\"demo/dist/a.py\", \"demo/venv/b.py\", \"target/__init__.py\"], there\n    \
         name = open",
    );
    write(folder.path(), "backend/own.py", &backend);
    let listed = [
        "demo/dist/a.py",
        "demo/venv/b.py",
        "target/__init__.py",
        "dist/old.whl",
        "venv/pyvenv.cfg",
        "demo/__pycache__/a.pyc",
    ];
    write(folder.path(), "listed", &listed.join("\n"));
    for path in listed {
        write(folder.path(), path, "");
    }
    let report = built(folder.path());
    assert!(report.rows[0].sha256.is_some(), "{}", report.table());
}

#[test]
fn the_artifacts_of_a_backend_are_a_repository_to_release() {
    let folder = package("demo-1.0.0-py2.py3-none-any.whl");
    let backend = BACKEND
        .replace("demo-1.0", "demo-1.0.0")
        .replace("demo\\nVersion: 1.0", "demo\\nVersion: 1.0.0")
        .replace("Tag: py3", "Tag: py2-none-any\\nTag: py3");
    write(folder.path(), "backend/own.py", &backend);
    let settings = format!("{PYPROJECT}[tool.wheelwright.smoke]\nleave-out = [\"x\"]\n");
    write(folder.path(), "pyproject.toml", &settings);
    let dist = folder.path().join("dist");
    let none = build::backend::workspace(folder.path(), &dist).unwrap_err();
    assert!(none.contains("run `wheelwright build` first"), "{none}");
    let report = built(folder.path());
    assert!(report.rows.iter().all(|row| row.sha256.is_some()));
    let workspace = build::backend::workspace(folder.path(), &dist).unwrap();
    // Who says how it is tried has not asked for our hygiene.
    let project = &workspace.projects[0];
    assert_eq!(project.settings.audit.profile, Profile::Index);
    let plan = Plan::of(&workspace, &[], &dist, &workspace.platforms).unwrap();
    let planned: Vec<_> = plan
        .files()
        .map(|(name, file)| (name, &*file.file))
        .collect();
    assert_eq!(
        planned,
        [
            ("demo", "demo-1.0.0-py2.py3-none-any.whl"),
            ("demo", "demo-1.0.0.tar.gz")
        ]
    );
    // It leaves its version to the backend, so it is that of what was built.
    let check = |tag: Option<&str>| {
        let options = check::Options {
            packages: &[],
            folder: &dist,
            plan: Some(&plan),
            tag,
            rehearsal: tag.is_none(),
        };
        let checked = check::check(folder.path(), &options).unwrap();
        let lines = checked.findings.iter().map(ToString::to_string);
        (checked.version.clone(), lines.collect::<Vec<_>>())
    };
    assert_eq!(check(None), ("1.0.0".to_owned(), Vec::new()));
    let (_, lines) = check(Some("v1.0.1"));
    assert!(
        lines[0].contains("the version is 1.0.0, whose tag is v1.0.0"),
        "{lines:?}"
    );
    let stated = format!("{settings}[project]\nname = \"demo\"\nversion = \"1.1.post1\"\n");
    write(folder.path(), "pyproject.toml", &stated);
    write(folder.path(), "demo/__init__.py", "__version__ = \"1.1\"\n");
    let (version, lines) = check(None);
    assert_eq!(version, "1.1.post1");
    assert!(
        lines[0].ends_with("__version__ is 1.1, not 1.1.post1"),
        "{lines:?}"
    );
    assert!(
        lines[1].contains("holds 1.0.0, and the version is 1.1.post1"),
        "{lines:?}"
    );
    std::fs::remove_file(dist.join("demo-1.0.0.tar.gz")).unwrap();
    let (_, lines) = check(None);
    assert!(
        lines
            .iter()
            .any(|line| line.contains("no demo-1.0.0.tar.gz")),
        "{lines:?}"
    );
    write(&dist, "demo-0.9-py3-none-any.whl", "");
    let several = build::backend::workspace(folder.path(), &dist).unwrap_err();
    assert!(
        several.contains("demo-0.9-py3-none-any.whl, demo-1.0.0"),
        "{several}"
    );
}

#[test]
fn a_plan_takes_every_version_of_python() {
    for version in ["1.0", "2!1.0rc1.post2.dev3", "2024.11.29", "1.0+local.1"] {
        let folder = package(&format!("demo-{version}-py3-none-any.whl"));
        let backend = BACKEND
            .replace("demo-1.0", &format!("demo-{version}"))
            .replace("demo\\nVersion: 1.0", &format!("demo\\nVersion: {version}"));
        write(folder.path(), "backend/own.py", &backend);
        let report = built(folder.path());
        assert!(
            report.rows.iter().all(|row| row.sha256.is_some()),
            "{}",
            report.table()
        );
        let dist = folder.path().join("dist");
        let workspace = build::backend::workspace(folder.path(), &dist).unwrap();
        let plan = Plan::of(&workspace, &[], &dist, &[]).unwrap();
        let path = folder.path().join("plan.json");
        std::fs::write(&path, plan.text()).unwrap();
        let read = Plan::read(&path).unwrap();
        assert_eq!(read, plan);
        let release = read.releases().unwrap().remove(0);
        assert!(release.has(&read.packages[0].files[0].file), "{version}");
    }
}

#[test]
fn what_a_backend_compiled_is_refused() {
    let folder = package("demo-1.0-cp311-cp311-linux_x86_64.whl");
    let table = built(folder.path()).table();
    assert!(
        table.contains("compiled something for this machine"),
        "{table}"
    );
}

#[test]
fn a_package_of_maturin_or_of_a_list_is_not_left_to_its_backend() {
    let folder = package("x");
    write(
        folder.path(),
        "wheelwright.toml",
        "packages = [\".\"]\nplatforms = []\n",
    );
    assert!(!workspace::is_of_a_backend(folder.path()));
    let maturin = package("x");
    write(
        maturin.path(),
        "pyproject.toml",
        "[build-system]\nrequires = [\"maturin\"]\nbuild-backend = \"maturin\"\n",
    );
    assert!(!workspace::is_of_a_backend(maturin.path()));
}
