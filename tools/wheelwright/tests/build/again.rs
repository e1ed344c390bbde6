//! A second build takes a wheel that is there only if it would make the same.

use std::fs;
use std::path::Path;

use wheelwright::build::plan::Plan;
use wheelwright::build::{self, Options};
use wheelwright::project::workspace::Workspace;

use crate::project::write;

/// Builds everything, and returns the bytes of the wheel.
fn built(folder: &Path, fresh: bool) -> Vec<u8> {
    let workspace = Workspace::find(folder).unwrap();
    let plan = Plan::new(&workspace, &[], &workspace.platforms).unwrap();
    let options = Options {
        out: folder.join("dist"),
        python: None,
        fresh,
        smoke: false,
        index: None,
    };
    let report = build::build(&workspace, &plan, &options).unwrap();
    assert!(report.rows.iter().all(|row| row.size.is_some()));
    fs::read(wheel(folder)).unwrap()
}

fn wheel(folder: &Path) -> std::path::PathBuf {
    folder.join("dist/tool-1.0.0-py3-none-any.whl")
}

#[test]
fn a_wheel_is_packed_again_when_anything_of_it_changed() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let project = "[project]\nname = \"tool\"\nversion = \"1.0.0\"\n";
    write(folder, "wheelwright.toml", "packages = [\"tool\"]\n");
    write(folder, "tool/pyproject.toml", project);
    write(folder, "tool/src/tool/__init__.py", "one = 1\n");
    let first = built(folder, false);
    assert_eq!(built(folder, false), first, "nothing changed");

    let mut damaged = first.clone();
    damaged[40] ^= 1;
    fs::write(wheel(folder), &damaged).unwrap();
    assert_eq!(built(folder, false), first, "a damaged wheel");
    fs::remove_file(wheel(folder)).unwrap();
    assert_eq!(built(folder, false), first, "no wheel");

    write(folder, "tool/src/tool/__init__.py", "one = 2\n");
    let second = built(folder, false);
    assert_ne!(second, first, "an edited module");
    // A wheel of before is there, and was once what a build made.
    fs::write(wheel(folder), &first).unwrap();
    assert_eq!(built(folder, false), second, "the wheel of another state");
    assert_eq!(built(folder, true), second, "all made anew");
    write(
        folder,
        "tool/pyproject.toml",
        &(project.to_owned() + "description = \"More.\"\n"),
    );
    assert_ne!(built(folder, false), second, "an edited description");
}
