//! Each thing that must stop a release does, with one line that says what.

use crate::repository::{MANIFEST, Repository};

fn only(findings: &[String]) -> &str {
    assert_eq!(findings.len(), 1, "{findings:#?}");
    &findings[0]
}

#[test]
fn a_good_repository_can_be_released() {
    let repository = Repository::new();
    assert_eq!(repository.findings(&[]), Vec::<String>::new());
    let given = ["--tag", "refs/tags/v1.2.0", "--plan", "plan.json"];
    assert_eq!(repository.findings(&given), Vec::<String>::new());
}

#[test]
fn another_tag_stops_it() {
    let repository = Repository::new();
    assert_eq!(
        only(&repository.findings(&["--tag", "v1.2.1"])),
        "tag: the tag is v1.2.1, but the version is 1.2.0, whose tag is v1.2.0"
    );
    repository.git(&["tag", "--delete", "v1.2.0"]);
    let found = repository.findings(&[]);
    assert!(
        only(&found).starts_with("tag: HEAD has no tag, but"),
        "{found:?}"
    );
    assert!(repository.findings(&["--rehearsal"]).is_empty());
}

#[test]
fn a_missing_changelog_entry_stops_it() {
    let repository = Repository::new();
    let amend = |old: &str, new: &str| {
        repository.replace("CHANGELOG.md", old, new);
        repository.git(&["commit", "--quiet", "--all", "--amend", "--message", "x"]);
        repository.findings(&["--tag", "v1.2.0"])
    };
    let found = amend("2026-11-21", "unreleased");
    assert!(
        only(&found).contains("the heading of 1.2.0 ends in \"unreleased\""),
        "{found:?}"
    );
    assert!(repository.findings(&["--rehearsal"]).is_empty());
    let found = amend("unreleased\n\n### Added\n\n- All of it.", "2026-11-21");
    assert_eq!(
        only(&found),
        "changelog: CHANGELOG.md says nothing about 1.2.0"
    );
    // Of another version: the section is missing, and the heading is wrong.
    let found = amend("[1.2.0]", "[1.1.0]");
    assert!(
        found
            .iter()
            .any(|line| line == "changelog: CHANGELOG.md has no section `## [1.2.0]`")
    );
}

#[test]
fn a_fragment_that_is_left_stops_it() {
    let repository = Repository::new();
    repository.write("changelog.d/more.fixed.md", "Something.\n");
    repository.commit();
    let found = repository.findings(&["--tag", "v1.2.0"]);
    assert!(
        only(&found).contains("1 fragments are not in CHANGELOG.md"),
        "{found:?}"
    );
    repository.good(&["release", "changelog", "--day", "2026-11-22"]);
    repository.commit();
    assert!(repository.findings(&["--tag", "v1.2.0"]).is_empty());
    assert!(
        repository
            .read("CHANGELOG.md")
            .contains("### Fixed\n\n- Something.\n")
    );
    let notes = repository.good(&["release", "changelog", "--print"]);
    assert_eq!(
        notes,
        "### Added\n\n- All of it.\n\n### Fixed\n\n- Something.\n"
    );
}

#[test]
fn a_dirty_tree_stops_it() {
    let repository = Repository::new();
    repository.write("engine/notes.txt", "not committed");
    let found = repository.findings(&[]);
    assert_eq!(
        only(&found),
        "tree: not committed: engine/notes.txt; a release is built from a commit"
    );
}

#[test]
fn a_stale_lock_stops_it() {
    let repository = Repository::new();
    repository.write(
        "Cargo.toml",
        &MANIFEST.replace("[\"one\"]", "[\"one\", \"more\"]"),
    );
    repository.crate_called("more");
    repository.commit();
    let found = repository.findings(&["--tag", "v1.2.0"]);
    assert_eq!(
        only(&found),
        "lock: Cargo.lock is stale; run `cargo metadata --manifest-path Cargo.toml`"
    );
}

#[test]
fn a_missing_platform_stops_it() {
    let repository = Repository::new();
    let native = format!(
        "{}[tool.maturin]\nmanifest-path = \"Cargo.toml\"\nmodule-name = \"engine._core\"\n\
         python-source = \"src\"\n[tool.wheelwright]\npython-tag = \"cp39\"\nabi-tag = \"abi3\"\n",
        repository
            .read("engine/pyproject.toml")
            .replace("hatchling.build", "maturin")
    );
    repository.write("engine/pyproject.toml", &native);
    std::fs::remove_file(repository.path("dist/engine-1.2.0-py3-none-any.whl")).unwrap();
    // The other platform's wheel is there.
    std::fs::copy(
        repository.path("dist/tool-1.2.0-py3-none-any.whl"),
        repository.path("dist/engine-1.2.0-cp39-abi3-manylinux_2_28_x86_64.whl"),
    )
    .unwrap();
    repository.commit();
    let found = repository.findings(&["--tag", "v1.2.0"]);
    let files: Vec<_> = found
        .iter()
        .filter(|line| line.starts_with("file: "))
        .collect();
    assert_eq!(files.len(), 1, "{found:#?}");
    assert!(
        files[0]
            .ends_with("no wheel for macos-arm64 (engine-1.2.0-cp39-abi3-macosx_11_0_arm64.whl)"),
        "{found:?}"
    );
    let output = repository.run(&["release", "plan"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn one_changed_byte_stops_it() {
    let repository = Repository::new();
    let wheel = repository.path("dist/tool-1.2.0-py3-none-any.whl");
    let mut bytes = std::fs::read(&wheel).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&wheel, bytes).unwrap();
    let found = repository.findings(&["--plan", "plan.json"]);
    assert!(
        only(&found)
            .starts_with("file: tool-1.2.0-py3-none-any.whl: its bytes are not the planned ones"),
        "{found:?}"
    );
    // Without a plan, the audit reads them.
    assert!(!repository.findings(&[]).is_empty());
}

#[test]
fn a_file_of_another_release_stops_it() {
    let repository = Repository::new();
    repository.write("dist/engine-1.1.0.tar.gz", "old");
    let found = repository.findings(&[]);
    assert!(
        only(&found).ends_with("engine-1.1.0.tar.gz is not part of this release; remove it"),
        "{found:?}"
    );
}

#[test]
fn versions_that_disagree_stop_it() {
    let repository = Repository::new();
    repository.replace(
        "tool/pyproject.toml",
        "engine>=1.2.0,<1.3",
        "engine>=1.0,<2",
    );
    repository.commit();
    let found = repository.findings(&["--tag", "v1.2.0"]);
    assert!(
        found[0].contains(
            "tool/pyproject.toml: the range for engine is engine>=1.0,<2, not engine>=1.2.0,<1.3"
        ),
        "{found:?}"
    );
}

#[test]
fn a_plan_is_read_with_distrust() {
    let repository = Repository::new();
    let plan = repository.read("plan.json");
    for (old, new) in [
        ("engine-1.2.0.tar.gz", "../engine-1.2.0.tar.gz"),
        ("\"schema\": 1", "\"schema\": 2"),
        ("\"version\": \"1.2.0\"", "\"version\": \"one\""),
        ("\"sha256\": \"", "\"sha256\": \"x"),
    ] {
        repository.write("plan.json", &plan.replace(old, new));
        let output = repository.run(&["release", "check", "--plan", "plan.json"]);
        assert_eq!(output.status.code(), Some(2), "{new}");
    }
}

#[test]
fn assets_are_what_was_planned() {
    let repository = Repository::new();
    repository.good(&[
        "release",
        "assets",
        "--plan",
        "plan.json",
        "--out",
        "assets",
    ]);
    let sums = repository.read("assets/SHA256SUMS");
    assert_eq!(sums.lines().count(), 4, "{sums}");
    repository.write("dist/SHA256SUMS", &sums);
    repository.good(&["checksums", "--check", "dist/SHA256SUMS"]);
    assert_eq!(
        repository.read("assets/NOTES.md"),
        "### Added\n\n- All of it.\n"
    );
    assert_eq!(
        repository.read("assets/plan.json"),
        repository.read("plan.json")
    );
}
