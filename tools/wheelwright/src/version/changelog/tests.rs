//! Tests of the changelog.

use super::*;

const OLD: &str = "# Changelog\n\n## [0.2.0] - unreleased\n\nFirst words.\n\n### Added\n\n- one\n  more of it\n\n### Fixed\n\n- two\n\n## [0.1.0] - 2024-05-06\n\n### Added\n\n- zero\n";

fn version(text: &str) -> Version {
    text.parse().unwrap()
}

fn piece(kind: &'static str, text: &str) -> Fragment {
    Fragment {
        path: PathBuf::new(),
        kind,
        text: text.to_owned(),
    }
}

#[test]
fn fragments_become_entries_in_order() {
    let fragments = [
        piece("Fixed", "three\nwith a second line"),
        piece("Removed", "four"),
    ];
    let text = assemble(OLD, version("0.2.0"), "2026-11-21", &fragments).unwrap();
    insta::assert_snapshot!(text, @r"
    # Changelog

    ## [0.2.0] - 2026-11-21

    First words.

    ### Added

    - one
      more of it

    ### Removed

    - four

    ### Fixed

    - two
    - three
      with a second line

    ## [0.1.0] - 2024-05-06

    ### Added

    - zero
    ");
    let (body, day) = section(&text, version("0.2.0")).unwrap();
    assert!(
        body.starts_with("First words.") && body.ends_with("second line"),
        "{body}"
    );
    assert_eq!(day, "2026-11-21");
    assert_eq!(
        section(&text, version("0.1.0")).unwrap().0,
        "### Added\n\n- zero"
    );
    assert_eq!(section(&text, version("0.3.0")), None);
    // Nothing left to add: assembling again changes nothing.
    assert_eq!(
        assemble(&text, version("0.2.0"), "2026-11-21", &[]).unwrap(),
        text
    );
}

#[test]
fn a_version_begins_a_section_or_renames_the_unreleased_one() {
    let renamed = begin(OLD, version("0.3.0-rc.1"));
    assert!(
        renamed.contains("## [0.3.0-rc.1] - unreleased\n\nFirst"),
        "{renamed}"
    );
    assert!(!renamed.contains("0.2.0"));
    let released = assemble(OLD, version("0.2.0"), "2026-11-21", &[]).unwrap();
    let next = begin(&released, version("0.2.1"));
    assert!(
        next.contains("## [0.2.1] - unreleased\n\n## [0.2.0] - 2026"),
        "{next}"
    );
    assert_eq!(begin(&next, version("0.2.1")), next);
    assert_eq!(
        first_heading(&begin("# C\n", version("1.0.0"))),
        Some("1.0.0")
    );
}

#[test]
fn what_cannot_be_assembled_is_refused() {
    assert!(assemble(OLD, version("0.3.0"), "2026-11-21", &[]).is_err());
    assert!(assemble(OLD, version("0.2.0"), "unreleased", &[]).is_err());
    for bad in [
        "2026-02-29",
        "2026-13-01",
        "2026-1-1",
        "2026-00-10",
        "x",
        "2026-11-2é",
    ] {
        assert!(!is_day(bad), "{bad}");
    }
    assert!(is_day("2024-02-29"));
}

#[test]
fn a_fragment_has_a_name_a_kind_and_a_text() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("README.md", "about");
    write("notes.txt", "no fragment");
    write("b.fixed.md", "- it works\n");
    write("a.added.md", "new");
    let found = fragments(folder.path()).unwrap();
    let facts: Vec<_> = found.iter().map(|f| (f.kind, f.text.as_str())).collect();
    assert_eq!(facts, [("Added", "new"), ("Fixed", "it works")]);
    write("c.md", "kind?");
    assert!(matches!(
        fragments(folder.path()),
        Err(ChangelogError::Name { .. })
    ));
    std::fs::remove_file(folder.path().join("c.md")).unwrap();
    write("c.fixed.md", " \n");
    assert!(matches!(
        fragments(folder.path()),
        Err(ChangelogError::Empty { .. })
    ));
    assert_eq!(fragments(&folder.path().join("none")).unwrap(), []);
}
