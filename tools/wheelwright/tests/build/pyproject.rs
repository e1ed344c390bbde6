//! What a hostile or unlucky `pyproject.toml` holds: each text comes out of a wheel
//! as it went in, or is refused with its file, its line and what to do.

use wheelwright::pack::wheel;
use wheelwright::project::Project;

use crate::project::{PURE, PURE_FILES, write};

/// What packing PURE says, with one place of it changed.
fn packed(from: &str, to: &str) -> Result<(), String> {
    let folder = tempfile::tempdir().unwrap();
    assert!(PURE.contains(from), "{from}");
    write(folder.path(), "pyproject.toml", &PURE.replacen(from, to, 1));
    for (path, content) in PURE_FILES {
        write(folder.path(), path, content);
    }
    Project::read(folder.path())
        .map_err(|error| error.to_string())
        .and_then(|project| wheel::pack(&project, None, &[]).map_err(|error| error.to_string()))
        .map(|_| ())
}

fn refused(from: &str, to: &str, wanted: &[&str]) {
    let error = packed(from, to).unwrap_err();
    for wanted in wanted {
        assert!(error.contains(wanted), "{to}\n{error}\nlacks {wanted}");
    }
    assert!(error.contains("pyproject.toml:"), "{error}");
    assert_eq!(error.lines().count(), 1, "{error}");
}

const SUMMARY: &str = "description = \"A little package\"";
const SCRIPT: &str = "little = \"little_package:main\"";
const FAST: &str = "fast = [\"quick\"]";
const DEPENDENCY: &str = "\"Other_Package >= 1, < 2\"";

#[test]
fn a_text_that_would_be_read_as_another_is_refused() {
    for (from, to, wanted) in [
        (
            SUMMARY,
            "description = \"a\\nClassifier: b\"",
            ":9: project.description",
        ),
        (SUMMARY, "description = \"a\\rb\"", "'\\r'"),
        (SUMMARY, "description = \"a\\u0000b\"", "'\\0'"),
        (SUMMARY, "description = \"a\\u2028b\"", "u{2028}"),
        (SUMMARY, "description = \" a\"", "white space"),
        (
            SUMMARY,
            "keywords = [\"a\", \"b,c\"]",
            ":9: project.keywords: \"b,c\" has a comma",
        ),
        (SUMMARY, "keywords = [\"a\\nb\"]", "project.keywords"),
        (SUMMARY, "classifiers = [\"a\\nb\"]", "project.classifiers"),
        (
            SUMMARY,
            "classifiers = [\"License :: OSI Approved :: MIT License\"]",
            "PEP 639",
        ),
        (
            SUMMARY,
            "urls = { \"a, b\" = \"https://x.org\" }",
            "project.urls.\"a, b\": the label \"a, b\" has a comma",
        ),
        (SUMMARY, "urls = { a = \"x.org\" }", "not a web address"),
        (
            SUMMARY,
            "maintainers = [{ name = \"a, b\" }]",
            "project.maintainers: name",
        ),
        (
            SUMMARY,
            "maintainers = [\n{ name = \"a\" },\n{}]",
            ":11: project.maintainers: needs",
        ),
        (SUMMARY, "license-files = []", "duplicate key"),
        (
            "license = \"MIT\"",
            "license = \"MIT License\"",
            ":12: project.license",
        ),
        (
            "license = \"MIT\"",
            "license = { file = \"LICENCE.txt\" }",
            ":12: project.license: there is no file LICENCE.txt",
        ),
        (
            "license = \"MIT\"",
            "license = { file = \"LICENSE\", text = \"MIT\" }",
            ":12: project.license: a table of a licence has `text` or `file`",
        ),
        (
            "license = \"MIT\"",
            "license = { text = \"a\\u0000b\" }",
            ":12: project.license: line 1 holds the control character",
        ),
        (
            "\"LICEN[CS]E*\"",
            "\"../LICENSE\"",
            "leaves the project's folder",
        ),
        ("\"LICEN[CS]E*\"", "\"{a,b}\"", "license-files"),
        ("\"README.md\"", "\"../README.md\"", "project.readme"),
        (
            "\"README.md\"",
            "\"READ.md\"",
            "project.readme: there is no file READ.md; add it",
        ),
        (
            "\"README.md\"",
            "{ file = \"README.md\", content-type = \"text/html\" }",
            "does not render",
        ),
        ("\">=3.9\"", "\"3.9\"", "project.requires-python"),
    ] {
        refused(from, to, &[wanted]);
    }
}

#[test]
fn an_entry_point_or_a_requirement_that_would_be_read_as_another_is_refused() {
    for (from, to, wanted) in [
        (
            SCRIPT,
            "little = \"little_package:main\\nevil = x:y\"",
            ":21: project.scripts.little",
        ),
        (
            SCRIPT,
            "\"a=b\" = \"little_package:main\"",
            "project.scripts.\"a=b\"",
        ),
        (
            SCRIPT,
            "\"../a\" = \"little_package:main\"",
            "command's name",
        ),
        (SCRIPT, "a = \"little_package\"", "names no function"),
        (
            SCRIPT,
            "a = \"little_package.cli:main\"",
            "the wheel has no module little_package.cli",
        ),
        (
            SCRIPT,
            "a = \"little_package:main\"\nA = \"little_package:main\"",
            "second command",
        ),
        (
            SCRIPT,
            "[project.entry-points.console_scripts]\na = \"b:c\"",
            "[project.scripts]",
        ),
        (
            SCRIPT,
            "[project.entry-points.\"a]\"]\na = \"b:c\"",
            "name of a group",
        ),
        (
            SCRIPT,
            "[project.entry-points.a]\n\"#b\" = \"b:c\"",
            "every reader",
        ),
        (
            FAST,
            "F_a = []\nf-A = []",
            ":19: project.optional-dependencies.f-A",
        ),
        (FAST, "\"a b\" = []", "name of an extra"),
        (
            FAST,
            "all = [\"little-package[fast]\"]",
            "has no extra \"fast\"",
        ),
        (
            DEPENDENCY,
            "\"a\", \"b; extra == 'x'\"",
            ":15: project.dependencies",
        ),
        (DEPENDENCY, "\"a ~> 1\"", "is not a requirement"),
    ] {
        refused(from, to, &[wanted]);
    }
}

#[test]
fn an_unknown_key_is_refused_with_its_line_and_what_to_do() {
    for (from, to, wanted) in [
        (
            SUMMARY,
            "keyword = []",
            ":9: there is no key project.keyword; did you mean `keywords`?",
        ),
        (
            SUMMARY,
            "description = 1",
            ":9: project.description: invalid type: integer",
        ),
        (
            SUMMARY,
            "keywords = \"a\"",
            ":9: project.keywords: invalid type: string",
        ),
        (SUMMARY, "authors2 = []", "did you mean `authors`?"),
        (
            SUMMARY,
            "maintainers = [{ name = \"a\", mail = \"b\" }]",
            "no key project.maintainers.mail; did you mean `email`?",
        ),
        (
            SUMMARY,
            "default-optional-dependency-keys = [\"fast\"]",
            "PEP 771",
        ),
        (
            "[project.scripts]",
            "[project.script]",
            "did you mean `scripts`?",
        ),
        (
            "[project.scripts]",
            "[projct.scripts]",
            ":20: there is no key projct; did you mean `project`?",
        ),
        ("requires = [", "require = [", "did you mean `requires`?"),
        (
            "hatchling.build",
            "odd.build",
            ":4: build-system.build-backend: \"odd.build\" is a backend",
        ),
        (
            "hatchling.build",
            "maturin",
            "tool.maturin.manifest-path: there is no",
        ),
        (
            "build-backend",
            "backend-path = [\".\"]\nbuild-backend",
            "no backend is run",
        ),
        ("[tool.hatch", "[tool.setuptools]\n[tool.hatch", "packed"),
        (
            "packages = [",
            "force-include = {}\npackages = [",
            ":24: wheelwright does not take tool.hatch.build.targets.wheel.force-include: an import",
        ),
        (
            "[tool.hatch",
            "[tool.wheelwright]\nexlude = []\n[tool.hatch",
            ":24: there is no key tool.wheelwright.exlude; did you mean `exclude`?",
        ),
        (
            "[tool.hatch",
            "[tool.wheelwright.audit]\nmax_size = 1\n[tool.hatch",
            "did you mean `max-size`?",
        ),
        (
            "[tool.hatch",
            "[tool.wheelwright]\npython-tag = \"py3-none\"\n[tool.hatch",
            ":24: tool.wheelwright.python-tag: \"py3-none\" is not a tag",
        ),
    ] {
        if wanted == "packed" {
            // The table of a backend that is not the project's.
            assert_eq!(packed(from, to), Ok(()));
        } else {
            refused(from, to, &[wanted]);
        }
    }
}

#[test]
fn keys_of_maturin_that_are_not_followed_are_refused() {
    let maturin = |key: &str| {
        let folder = tempfile::tempdir().unwrap();
        let text =
            crate::project::NATIVE.replace("python-source", &format!("{key}\npython-source"));
        write(folder.path(), "pyproject.toml", &text);
        Project::read(folder.path())
            .map(|_| ())
            .map_err(|error| error.to_string())
    };
    for (key, wanted) in [
        (
            "rustc-args = [\"-Cx\"]",
            "wheelwright does not take tool.maturin.rustc-args: ",
        ),
        (
            "config = []",
            "wheelwright does not take tool.maturin.config: ",
        ),
        (
            "unstable-flags = []",
            "wheelwright does not take tool.maturin.unstable-flags: ",
        ),
        (
            "targets = []",
            "wheelwright does not take tool.maturin.targets: ",
        ),
        (
            "generate-stubs = true",
            "wheelwright does not take tool.maturin.generate-stubs: ",
        ),
        ("strip = 1", "tool.maturin.strip: invalid type"),
        (
            "bindings = \"uniffi\"",
            "tool.maturin.bindings: \"uniffi\" is not built",
        ),
        (
            "include-import-lib = true",
            "tool.maturin.include-import-lib: ",
        ),
        ("profile = \"a b\"", "tool.maturin.profile: "),
        (
            "include = [{ path = \"a\", from = \"out-dir\", to = \"b\" }]",
            "tool.maturin.include: \"a\" from \"out-dir\"",
        ),
    ] {
        let error = maturin(key).unwrap_err();
        assert!(error.contains(&format!(":11: {wanted}")), "{error}");
    }
    for key in [
        "generate-ci = {}",
        "locked = true",
        "bindings = \"pyo3\"",
        "auditwheel = \"skip\"",
        "compatibility = \"manylinux2014\"",
        "include-import-lib = false",
        "features = [\"a\", { feature = \"b\", python-version = \">=3.11\" }]",
    ] {
        assert_eq!(maturin(key), Ok(()), "{key}");
    }
    let error = maturin("manifest_path = \"a\"").unwrap_err();
    assert!(error.contains("did you mean `manifest-path`?"), "{error}");
}
