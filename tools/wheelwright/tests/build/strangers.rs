//! Projects that maturin takes although something in their `pyproject.toml` is missing or
//! unknown, as many on the index are.

use wheelwright::pack::sdist;
use wheelwright::project::Project;
use wheelwright::project::workspace::{self, Workspace};

use crate::maturin::{BARE, CARGO, cpython, folder, packed, read};
use crate::packer::members;
use crate::project::write;

/// Reads a project that has no `wheelwright.toml`; returns it and its notes.
fn notes(pyproject: &str) -> Result<(Project, String), String> {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "Cargo.toml", CARGO);
    write(folder.path(), "pyproject.toml", pyproject);
    let project = workspace::project(folder.path()).map_err(|error| error.to_string())?;
    let notes = project.notes.join("\n");
    Ok((project, notes))
}

#[test]
fn a_key_that_maturin_passes_over_is_no_error() {
    let odd = BARE.replace(
        "[project]\n",
        "[project]\nrepository = \"x\"\nmaintainer = \"y\"\n",
    ) + "[project.more]\na = 1\n[[project.maintainers]]\nname = \"Ann\"\n\
         orcid = \"1\"\n[[project.maintainers]]\nname = \"Bob\"\norcid = \"2\"\n\
         [metadata]\nlicense = { text = \"MIT\" }\n[tool.maturin]\nrustc-extra-args = [\"-C\", \"x\"]\nstrip = true\n";
    let (project, notes) = notes(&odd).unwrap();
    assert!(project.maturin.unwrap().strip, "what follows is read");
    for wanted in [
        "pyproject.toml:6: project.repository is passed over",
        "project.more is passed over",
        "pyproject.toml:7: project.maintainer is passed over: no such key is known; did you mean \
         `maintainers`?",
        "pyproject.toml:15: project.maintainers.orcid is passed over",
        "pyproject.toml:19: metadata is passed over",
        "pyproject.toml:22: tool.maturin.rustc-extra-args is passed over",
    ] {
        assert!(notes.contains(wanted), "{notes}");
    }

    let dynamic = BARE.replace("[\"version\", ", "[\"version\", \"classifiers\", ");
    let (_, notes) = self::notes(&dynamic).unwrap();
    assert!(
        notes.contains("\"classifiers\" is in no Cargo.toml"),
        "{notes}"
    );
    assert!(read(&dynamic, &[]).is_err());

    // What changes an artifact is not passed over.
    for (table, wanted) in [
        ("[tool.maturin]\nrustc-args = []\n", "does not take"),
        ("[tool.wheelwright]\ncolour = 1\n", "there is no key"),
        ("[tool.hatch.build]\ncolour = 1\n", "there is no key"),
        ("[tool.maturin]\ncolour = 1\nstrip = 1\n", "invalid type"),
    ] {
        let error = self::notes(&format!("{BARE}{table}")).unwrap_err();
        assert!(error.contains(wanted), "{error}");
    }

    // Who has a wheelwright.toml is told at once.
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "Cargo.toml", CARGO);
    write(folder.path(), "pyproject.toml", &odd);
    let file = "packages = [\".\"]\nplatforms = [\"linux-x86_64\"]\n";
    write(folder.path(), "wheelwright.toml", file);
    for error in [
        Workspace::read(folder.path()).unwrap_err(),
        workspace::project(folder.path()).unwrap_err(),
    ] {
        let error = error.to_string();
        assert!(error.contains("no key project.repository"), "{error}");
    }
}

#[test]
fn what_is_not_written_down_is_in_the_crate() {
    let unsaid = "[build-system]\nrequires = [\"maturin>=1,<2\"]\nbuild-backend = \"maturin\"\n";
    let (project, notes) = notes(&format!("{unsaid}[project]\nname = \"fast\"\n")).unwrap();
    assert_eq!(project.version.to_string(), "1.2.0rc1");
    assert_eq!(project.table.description, None, "only the version is");
    assert!(
        notes.contains("project.version: is taken from Cargo.toml"),
        "{notes}"
    );
    // Without a table, everything is.
    let (project, notes) = self::notes(unsaid).unwrap();
    assert_eq!(notes, "");
    assert_eq!(project.stem(), "fast-1.2.0rc1");
    assert_eq!(project.table.description.as_deref(), Some("Sums, quickly"));
    assert_eq!(project.table.keywords, ["sums"]);
}

#[test]
fn a_licence_is_judged_by_what_an_index_asks() {
    let both = format!(
        "{}license = \"MIT\"\nclassifiers = [\"License :: OSI Approved :: MIT License\"]\n",
        BARE.replace("\"license\", ", "")
    );
    let (_folder, project) = read(&both, &[]).unwrap();
    let refused = wheelwright::project::metadata::metadata(&project, &[]);
    assert!(refused.is_err(), "by our own rules");
    let (project, _) = notes(&both).unwrap();
    wheelwright::project::metadata::metadata(&project, &[]).unwrap();
}

#[test]
fn what_include_names_is_packed_and_may_be_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let include = "[tool.maturin]\nmanifest-path = \"rust/Cargo.toml\"\ninclude = [\n\
                   { path = \".cargo/*\", format = \"wheel\" },\n\
                   { path = \"docs/\", format = \"wheel\" },\n\
                   { path = \"none/*\", format = \"wheel\" },\n]\n";
    for (path, content) in [
        ("rust/Cargo.toml", CARGO),
        ("rust/fast.pyi", "def add() -> int: ...\n"),
        (".cargo/config.toml", "[build]\n"),
        ("docs/a/b.md", "# B\n"),
        ("docs/c.md", "# C\n"),
        ("pyproject.toml", &format!("{BARE}{include}")),
    ] {
        write(folder.path(), path, content);
    }
    let project = workspace::project(folder.path()).unwrap();
    let (names, _) = packed(&project, cpython("cp312")).unwrap();
    assert_eq!(
        names[..7],
        [
            ".cargo/config.toml",
            "docs/a/b.md",
            "docs/c.md",
            "fast/__init__.py",
            "fast/__init__.pyi",
            "fast/fast.cpython-312-x86_64-linux-gnu.so",
            "fast/py.typed",
        ]
    );
    // By our own rules, a pattern is there for a file.
    let own = format!("{BARE}{include}[tool.wheelwright.audit]\nprofile = \"ours\"\n");
    write(folder.path(), "pyproject.toml", &own);
    let project = workspace::project(folder.path()).unwrap();
    let error = packed(&project, cpython("cp312")).unwrap_err();
    assert!(error.contains("\"none/*\" names no file"), "{error}");
}

/// The lock of the crate `tool`, which needs the crate `core-of-it`.
const LOCK: &str = "version = 4\n\n[[package]]\nname = \"core-of-it\"\nversion = \"1.0.0\"\n\n\
                    [[package]]\nname = \"tool\"\nversion = \"1.0.0\"\ndependencies = [\n \
                    \"core-of-it\",\n]\n";

/// The manifest of a crate, with `more` after its `[package]`.
fn crate_of(name: &str, more: &str) -> String {
    format!("[package]\nname = \"{name}\"\nversion = \"1.0.0\"\nedition = \"2024\"\n{more}")
}

/// `bindings/python`, a workspace of its own, with a crate from `core` two folders above.
fn bindings(core: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let tool = crate_of(
        "tool",
        "[workspace]\n[dependencies]\ncore-of-it = { path = \"../../core\" }\n",
    );
    let pyproject = "[build-system]\nrequires = [\"maturin>=1,<2\"]\nbuild-backend = \"maturin\"\n\
                     [project]\nname = \"tool\"\nversion = \"1.0.0\"\n\
                     [tool.maturin]\ninclude = [\n\
                     { path = \"pyproject.toml\", format = \"sdist\" },\n]\n";
    let above = "[workspace]\nmembers = [\"core\"]\nexclude = [\"bindings\"]\n\
                 [workspace.package]\nlicense = \"MIT\"\n";
    for (path, content) in [
        ("Cargo.toml", above),
        ("bindings/python/Cargo.toml", tool.as_str()),
        ("bindings/python/Cargo.lock", LOCK),
        ("bindings/python/src/main.rs", "fn main() {}\n"),
        ("bindings/python/pyproject.toml", pyproject),
        ("core/Cargo.toml", &crate_of("core-of-it", core)),
        ("core/src/lib.rs", ""),
        ("core/tests/long.rs", ""),
    ] {
        write(folder.path(), path, content);
    }
    folder
}

#[test]
fn an_sdist_holds_crates_from_beside_the_workspace() {
    let folder = bindings("");
    let project = workspace::project(&folder.path().join("bindings/python")).unwrap();
    let sdist = sdist::pack(&project, false).unwrap();
    let members = members(&sdist);
    let names: Vec<&str> = members.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(
        names,
        [
            "tool-1.0.0/PKG-INFO",
            "tool-1.0.0/bindings/python/Cargo.lock",
            "tool-1.0.0/bindings/python/Cargo.toml",
            "tool-1.0.0/bindings/python/src/main.rs",
            "tool-1.0.0/core/Cargo.toml",
            "tool-1.0.0/core/src/lib.rs",
            "tool-1.0.0/pyproject.toml",
        ]
    );
    let pyproject = String::from_utf8(members[6].1.clone()).unwrap();
    assert!(
        pyproject.contains("manifest-path = \"bindings/python/Cargo.toml\""),
        "{pyproject}"
    );
    let error = sdist::pack(&project, true).unwrap_err().to_string();
    assert!(error.contains("`--vendor` needs one folder"), "{error}");
}

#[test]
fn an_sdist_has_of_another_workspace_what_its_crate_inherits() {
    let folder = bindings("license.workspace = true\n[dependencies]\n");
    let above = "[package]\nname = \"above\"\nversion = \"1.0.0\"\n\
                 [workspace]\nmembers = [\"core\", \"more\"]\nexclude = [\"bindings\"]\n\
                 [workspace.package]\nlicense = \"MIT\"\n\
                 [workspace.dependencies]\nmore = { path = \"more\" }\n";
    write(folder.path(), "Cargo.toml", above);
    write(folder.path(), "src/lib.rs", "");
    let more = "[package]\nname = \"more\"\nversion = \"1.0.0\"\n";
    write(folder.path(), "more/Cargo.toml", more);
    write(folder.path(), "more/src/lib.rs", "");
    let project = workspace::project(&folder.path().join("bindings/python")).unwrap();
    // cargo has resolved it.
    let members = members(&sdist::pack(&project, false).unwrap());
    let manifest = members
        .iter()
        .find(|(path, _)| path == "tool-1.0.0/Cargo.toml");
    let manifest = String::from_utf8(manifest.unwrap().1.clone()).unwrap();
    let manifest: toml::Table = manifest.parse().unwrap();
    let wanted = "[workspace]\nmembers = [\"core\"]\nexclude = [\"bindings/python\"]\n\
                  [workspace.package]\nlicense = \"MIT\"\n[workspace.dependencies]\n";
    assert_eq!(manifest, wanted.parse().unwrap());
    assert!(!members.iter().any(|(path, _)| path.contains("/more/")));
}

#[test]
fn an_sdist_has_the_readme_and_the_crates_that_a_workspace_names() {
    let folder = tempfile::tempdir().unwrap();
    let tool = crate_of(
        "tool",
        "readme = \"../../README.md\"\n[dependencies]\ncore-of-it.workspace = true\n",
    );
    let pyproject = "[build-system]\nrequires = [\"maturin>=1,<2\"]\nbuild-backend = \"maturin\"\n\
                     [project]\nname = \"tool\"\nversion = \"1.0.0\"\ndynamic = [\"readme\"]\n";
    let above = "[workspace]\nmembers = [\"crates/*\"]\n\
                 [workspace.dependencies]\ncore-of-it = { path = \"./crates/core\" }\n";
    for (path, content) in [
        ("Cargo.toml", above),
        ("Cargo.lock", LOCK),
        ("README.md", "# Above\n"),
        (
            ".cargo/config.toml",
            "[alias]\na = \"b\"\n[build]\nrustflags = [\"--cfg\", \"c\"]\n",
        ),
        ("crates/tool/Cargo.toml", tool.as_str()),
        ("crates/tool/pyproject.toml", pyproject),
        ("crates/tool/src/main.rs", "fn main() {}\n"),
        ("crates/core/Cargo.toml", &crate_of("core-of-it", "")),
        ("crates/core/src/lib.rs", ""),
    ] {
        write(folder.path(), path, content);
    }
    let project = workspace::project(&folder.path().join("crates/tool")).unwrap();
    let members = members(&sdist::pack(&project, false).unwrap());
    let text = |path: &str| {
        let found = members.iter().find(|(name, _)| name == path);
        String::from_utf8(found.unwrap().1.clone()).unwrap()
    };
    assert!(text("tool-1.0.0/Cargo.toml").contains("./crates/core"));
    assert_eq!(text("tool-1.0.0/crates/tool/README.md"), "# Above\n");
    let manifest = text("tool-1.0.0/crates/tool/Cargo.toml");
    assert!(manifest.contains("readme = \"README.md\""), "{manifest}");
    assert!(text("tool-1.0.0/PKG-INFO").ends_with("\n\n# Above\n"));
    let flags = "[build]\nrustflags = [\"--cfg\", \"c\"]\n";
    assert_eq!(text("tool-1.0.0/.cargo/config.toml"), flags);
}

#[test]
fn the_type_of_a_readme_that_does_not_say_it_is_that_of_its_name() {
    let pyproject = BARE.replace("\"readme\", ", "") + "readme = { file = \"ABOUT.rst\" }\n";
    let (_folder, project) = read(&pyproject, &[("ABOUT.rst", "Fast\n====\n")]).unwrap();
    let (_, metadata) = packed(&project, cpython("cp312")).unwrap();
    let wanted = "Description-Content-Type: text/x-rst\n";
    assert!(metadata.contains(wanted), "{metadata}");
}

#[test]
fn what_maturin_takes_and_an_index_does_not_is_mended() {
    let whole = BARE
        .replace(
            "\"description\", \"readme\", \"license\", \"authors\", \"keywords\", \"urls\"",
            "",
        )
        .replace(">=3.11,<3.14", "")
        + "description = \"\"\"\nSums,\n  quickly\n\"\"\"\n\
           license = \"MIT License\"\n\
           license-files = [\"GONE*\", \"LICEN*\", \"NOTICE\"]\n\
           keywords = [\"sum, fast\", \"c\"]\n\
           authors = [{ name = \"Ann\", email = \"\" }, { name = \"\", email = \"\" }]\n\
           classifiers = [\" Typing :: Typed\"]\n\
           [project.urls]\nHomepage = \"\"\nSource = \" https://example.org \"\n";
    let folder = folder(&whole, &[("LICENSE", "MIT\n")]);
    let project = workspace::project(folder.path()).unwrap();
    let (_, metadata) = packed(&project, cpython("cp312")).unwrap();
    let fields: Vec<&str> = metadata.lines().skip(3).collect();
    let wanted = [
        "Summary: Sums, quickly",
        "Project-URL: Source, https://example.org",
        "Author: Ann",
        "License: MIT License",
        "License-File: LICENSE",
        "Keywords: sum,fast,c",
        "Classifier: Typing :: Typed",
    ];
    assert_eq!(fields, wanted);
    let notes = project.notes.join("\n");
    for wanted in [
        "project.description: has several lines",
        "pyproject.toml:13: project.license: \"MIT License\" is not an SPDX expression",
        "project.license-files: \"GONE*\" names no file and is passed over",
        "\"NOTICE\" names no file",
        "project.keywords: commas separate",
        "project.authors: an empty text",
        "project.requires-python: is empty",
        "project.urls.Homepage: is empty",
    ] {
        assert!(notes.contains(wanted), "{wanted}: {notes}");
    }

    // Who has a wheelwright.toml is told at once.
    let project = Project::read(folder.path()).unwrap();
    assert!(packed(&project, cpython("cp312")).is_err());
}
