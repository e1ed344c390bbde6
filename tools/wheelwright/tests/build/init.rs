//! The files that `wheelwright init` writes.

use std::path::Path;

use wheelwright::init::{self, State};
use wheelwright::project::workspace::Workspace;
use wheelwright_artifacts::audit::Profile;

use crate::project::write;

const NATIVE: &str = "[build-system]\nrequires = [\"maturin>=1.16,<2\"]\n\
    build-backend = \"maturin\"\n[project]\nname = \"quick\"\nversion = \"0.1.0\"\n\
    [tool.wheelwright]\npython-tag = \"cp39\"\nabi-tag = \"abi3\"\n";

const PURE: &str = "[build-system]\nrequires = [\"flit_core\"]\n\
    build-backend = \"flit_core.buildapi\"\n[project]\nname = \"quick\"\n";

fn states(folder: &Path) -> Vec<(&'static str, State)> {
    let wanted = init::wanted(folder).unwrap();
    wanted.iter().map(|file| (file.path, file.state)).collect()
}

#[test]
fn a_project_gets_what_it_lacks_and_keeps_what_it_has() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "pyproject.toml", NATIVE);
    let wanted = init::wanted(folder.path()).unwrap();
    init::write(folder.path(), &wanted).unwrap();
    let there = [
        ("wheelwright.toml", State::Same),
        (".github/workflows/release.yml", State::Same),
    ];
    assert_eq!(states(folder.path()), there);
    init::write(folder.path(), &init::wanted(folder.path()).unwrap()).unwrap();

    // What was written is read, and asks for what a project without it is asked for.
    write(folder.path(), "Cargo.toml", "[package]\nname = \"quick\"\n");
    let workspace = Workspace::read(folder.path()).unwrap();
    assert_eq!(workspace.platforms.len(), 7);
    let audit = &workspace.projects[0].settings.audit;
    assert_eq!(audit.profile, Profile::Index);

    write(folder.path(), "wheelwright.toml", "packages = []\n");
    std::fs::remove_file(folder.path().join(".github/workflows/release.yml")).unwrap();
    let wanted = init::wanted(folder.path()).unwrap();
    assert_eq!(wanted[0].state, State::Other);
    init::write(folder.path(), &wanted).unwrap();
    let kept = std::fs::read_to_string(folder.path().join("wheelwright.toml")).unwrap();
    assert_eq!(kept, "packages = []\n");
    assert!(folder.path().join(".github/workflows/release.yml").exists());
}

#[test]
fn a_package_of_a_backend_gets_the_workflow_alone() {
    let folder = tempfile::tempdir().unwrap();
    let there = [(".github/workflows/release.yml", State::Missing)];
    write(folder.path(), "setup.py", "");
    assert_eq!(states(folder.path()), there);
    write(folder.path(), "pyproject.toml", PURE);
    assert_eq!(states(folder.path()), there);
}

#[test]
fn nothing_is_written_where_there_is_no_project_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let error = init::wanted(folder.path()).unwrap_err().to_string();
    assert!(error.contains("holds no pyproject.toml"), "{error}");
    write(folder.path(), "wheelwright.toml", "packages = []\n");
    write(folder.path(), "package/pyproject.toml", NATIVE);
    let error = init::wanted(&folder.path().join("package")).unwrap_err();
    assert!(error.to_string().contains("list `packages`"), "{error}");
}

#[test]
fn the_workflow_installs_this_version() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "pyproject.toml", PURE);
    let wanted = init::wanted(folder.path()).unwrap();
    let text = &wanted[0].text;
    let version = env!("CARGO_PKG_VERSION");
    assert!(
        text.contains(&format!("daggerml-wheelwright=={version}\n")),
        "{text}"
    );
    assert!(!text.contains("VERSION"), "{text}");
}
