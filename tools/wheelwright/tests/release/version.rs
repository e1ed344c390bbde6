//! The version, everywhere at once.

use crate::repository::{Repository, stderr};

#[test]
fn it_is_shown_in_every_form() {
    let repository = Repository::new();
    assert_eq!(repository.good(&["version", "show"]), "1.2.0\n");
    let json = repository.good(&["version", "show", "--json"]);
    assert!(
        json.contains("\"tag\": \"v1.2.0\"") && json.contains(">=1.2.0,<1.3"),
        "{json}"
    );
}

#[test]
fn a_bump_changes_every_place_and_nothing_else() {
    let repository = Repository::new();
    repository.replace("tool/pyproject.toml", "dependencies", "# why\ndependencies");
    let said = repository.good(&["version", "bump", "minor", "--pre", "rc", "--dry-run"]);
    assert!(said.ends_with("1.2.0 -> 1.3.0-rc.1\n"), "{said}");
    assert_eq!(repository.good(&["version", "show"]), "1.2.0\n");
    repository.good(&["version", "bump", "minor", "--pre", "rc"]);
    repository.good(&["version", "check"]);
    assert!(
        repository
            .read("Cargo.toml")
            .contains("version = \"1.3.0-rc.1\" # the one version")
    );
    assert!(
        repository
            .read("Cargo.lock")
            .contains("name = \"one\"\nversion = \"1.3.0-rc.1\"")
    );
    let tool = repository.read("tool/pyproject.toml");
    assert!(tool.contains("version = \"1.3.0rc1\""), "{tool}");
    assert!(
        tool.contains("# why\ndependencies = [\"engine>=1.3.0rc1,<1.4\"]"),
        "{tool}"
    );
    assert!(
        repository
            .read("CHANGELOG.md")
            .contains("## [1.3.0-rc.1] - unreleased\n\n## [1.2.0] - 2026")
    );
    assert_eq!(
        repository.read("INSTALL.md"),
        "pip install tool==1.3.0rc1, or the tag v1.3.0-rc.1\n"
    );
    repository.good(&["version", "bump", "release"]);
    assert_eq!(repository.good(&["version", "show"]), "1.3.0\n");
    assert!(
        repository
            .read("tool/pyproject.toml")
            .contains("engine>=1.3.0,<1.4")
    );
    repository.good(&["version", "set", "1.2.0"]);
    assert!(repository.read("INSTALL.md").contains("tool==1.2.0"));
}

#[test]
fn a_place_that_differs_is_one_line() {
    let repository = Repository::new();
    repository.replace("engine/pyproject.toml", "1.2.0", "1.2.1");
    let output = repository.run(&["version", "check"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        stderr(&output),
        "error: engine/pyproject.toml: project.version is 1.2.1, not 1.2.0\n"
    );
    repository.good(&["version", "set", "1.2.0"]);
    repository.good(&["version", "check"]);
}

#[test]
fn what_is_no_version_is_refused() {
    let repository = Repository::new();
    for bad in ["1.3", "1.3.0-dev.1", "v1.3.0", "latest"] {
        let output = repository.run(&["version", "set", bad]);
        assert_eq!(output.status.code(), Some(2), "{bad}");
        assert!(
            stderr(&output).contains("is not a version"),
            "{}",
            stderr(&output)
        );
    }
    let output = repository.run(&["version", "bump", "release"]);
    assert!(
        stderr(&output).contains("1.2.0 is not a pre-release"),
        "{}",
        stderr(&output)
    );
}
