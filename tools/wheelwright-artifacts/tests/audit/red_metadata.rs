//! Broken metadata, tags and contents.

use crate::Red;
use crate::pe::Pe;
use crate::wheel::{INFO, Wheel};

pub fn cases() -> Vec<Red> {
    [metadata(), readme_and_license(), tags(), contents()].concat()
}

fn metadata() -> Vec<Red> {
    let wheel = Wheel::pure;
    let edit = |from: &str, to: &str| wheel().edit_metadata(from, to).audit();
    let summary = "Summary: A demonstration";
    vec![
        (
            "metadata-missing",
            wheel().without(&format!("{INFO}/METADATA")).audit(),
        ),
        ("metadata-format", edit(summary, "no colon here")),
        (
            "metadata-format",
            wheel()
                .with(&format!("{INFO}/METADATA"), b"Name: \xff\n".to_vec())
                .audit(),
        ),
        ("metadata-field", edit("Name: demo\n", "")),
        ("metadata-field", edit("Name: demo", "Name: -demo")),
        ("metadata-field", edit(summary, "Surname: x")),
        ("metadata-field", edit(summary, "Summary: a\nSummary: b")),
        ("metadata-field", edit(summary, "Summary: a\n        b")),
        ("metadata-field", edit(summary, "Description: twice")),
        (
            "metadata-field",
            edit("Metadata-Version: 2.4", "Metadata-Version: 2.1"),
        ),
        (
            "metadata-field",
            edit("Metadata-Version: 2.4", "Metadata-Version: 9"),
        ),
        ("metadata-field", edit("Version: 1.0", "Version: one")),
        ("metadata-field", edit("Version: 1.0", "Version: 1.0+local")),
        ("metadata-field", edit(">=3.9", ">=3.nine")),
        (
            "metadata-field",
            edit("typing-extensions>=4", "typing extensions>=4"),
        ),
        (
            "metadata-field",
            edit("typing-extensions>=4", "x @ https://example.org/x.whl"),
        ),
        ("metadata-field", edit(summary, "Provides-Extra: a b")),
        (
            "metadata-field",
            edit(summary, "Project-URL: https://example.org"),
        ),
        ("metadata-agree", edit("Name: demo", "Name: other")),
        (
            "metadata-agree",
            edit("Version: 1.0\nSummary", "Version: 1.1\nSummary"),
        ),
        (
            "metadata-agree",
            wheel().named("demo-2.0-py3-none-any.whl").audit(),
        ),
        (
            "metadata-agree",
            wheel().with("other-1.dist-info/METADATA", "").audit(),
        ),
        ("metadata-spec", edit(summary, "Provides-Extra: Some_Extra")),
        ("metadata-spec", edit(summary, "Author: UNKNOWN")),
        (
            "metadata-version",
            edit("Metadata-Version: 2.4", "Metadata-Version: 2.3"),
        ),
    ]
}

fn readme_and_license() -> Vec<Red> {
    let wheel = Wheel::pure;
    let edit = |from: &str, to: &str| wheel().edit_metadata(from, to).audit();
    vec![
        ("readme-renders", edit("text/markdown", "text/html")),
        (
            "readme-renders",
            edit("text/markdown", "text/markdown; charset=latin-1"),
        ),
        (
            "readme-renders",
            edit(
                "text/markdown\n\n# demo\n\nSee [the site](https://example.org).",
                "markdown\n\n",
            ),
        ),
        (
            "readme-renders",
            edit(
                "# demo\n\nSee [the site](https://example.org).",
                "[x]: https://example.org",
            ),
        ),
        (
            "readme-present",
            edit("# demo\n\nSee [the site](https://example.org).", ""),
        ),
        (
            "readme-present",
            edit("Description-Content-Type: text/markdown\n", ""),
        ),
        ("readme-links", edit("https://example.org", "docs/guide.md")),
        (
            "license-expression",
            edit("License-Expression: MIT", "License-Expression: MIT License"),
        ),
        (
            "license-expression",
            edit(
                "License-Expression: MIT",
                "License-Expression: MIT\nLicense: MIT",
            ),
        ),
        (
            "license-classifier",
            edit(
                "License-File",
                "Classifier: License :: OSI Approved :: MIT License\nLicense-File",
            ),
        ),
        (
            "license-files",
            wheel().without(&format!("{INFO}/licenses/LICENSE")).audit(),
        ),
        (
            "license-files",
            edit("License-File: LICENSE", "License-File: ../LICENSE"),
        ),
        ("license-present", edit("License-File: LICENSE\n", "")),
        ("license-present", edit("License-Expression: MIT\n", "")),
    ]
}

fn tags() -> Vec<Red> {
    let wheel = Wheel::pure;
    let file = format!("{INFO}/WHEEL");
    let edit = |from: &str, to: &str| wheel().edit(&file, from, to).audit();
    let windows = |tag: &str, path: &str| Wheel::native(tag, path, Pe::default().bytes());
    vec![
        ("name-format", wheel().named("demo-1.0.whl").audit()),
        (
            "name-format",
            wheel().named("demo-1.0-x-py3-none-any.whl").audit(),
        ),
        ("wheel-file", wheel().without(&file).audit()),
        (
            "wheel-file",
            edit("Wheel-Version: 1.0", "Wheel-Version: 2.0"),
        ),
        ("wheel-file", edit("Root-Is-Purelib: true\n", "")),
        (
            "wheel-file",
            edit("Wheel-Version: 1.0", "Wheel-Version: 1.x"),
        ),
        (
            "wheel-data",
            wheel().with("demo-1.0.data/share/x.txt", "x").audit(),
        ),
        (
            "wheel-data",
            wheel().with("demo-1.0.data/x.txt", "x").audit(),
        ),
        ("wheel-data", wheel().with("demo.data", "x").audit()),
        (
            "wheel-data",
            wheel().with("demo-1.1.data/data/share/x.txt", "x").audit(),
        ),
        ("tag-agree", edit("Tag: py3-none-any", "Tag: py2-none-any")),
        ("tag-agree", edit("Generator", "Build: 1\nGenerator")),
        (
            "tag-agree",
            wheel().named("demo-1.0-1-py3-none-any.whl").audit(),
        ),
        (
            "tag-pure",
            windows("py3-none-any", "demo/_core.pyd").audit(),
        ),
        (
            "tag-pure",
            Wheel::native("cp39-abi3-win_amd64", "demo/x.txt", b"no binary".to_vec()).audit(),
        ),
        (
            "tag-local",
            windows("cp39-abi3-linux_x86_64", "demo/_core.pyd").audit(),
        ),
        (
            "tag-abi",
            windows("cp312-cp312-win_amd64", "demo/_core.cp311-win_amd64.pyd").audit(),
        ),
        (
            "tag-abi",
            windows("cp39-abi3-win_amd64", "demo/_core.cp39-win_amd64.pyd").audit(),
        ),
        (
            "tag-abi",
            windows("cp313-cp313t-win_amd64", "demo/_core.cp313-win_amd64.pyd").audit(),
        ),
    ]
}

fn contents() -> Vec<Red> {
    let wheel = Wheel::pure;
    let leak = "/home/runner/work/demo/src/lib.rs";
    let mut leaky = Pe::default().bytes();
    leaky.extend(format!("\0{leak}\0").as_bytes());
    vec![
        (
            "module-present",
            wheel()
                .without("demo/__init__.py")
                .without("demo/py.typed")
                .audit(),
        ),
        ("top-level", wheel().with("tests/__init__.py", "").audit()),
        (
            "py-typed",
            wheel()
                .without("demo/py.typed")
                .with("demo/x.pyi", "")
                .audit(),
        ),
        (
            "leftover",
            wheel()
                .with("demo/__pycache__/x.cpython-39.pyc", "")
                .audit(),
        ),
        ("leftover", wheel().with("demo/.DS_Store", "").audit()),
        (
            "encrypted-source",
            wheel()
                .with("demo/a.py", "__pyarmor__(__name__, __file__, b'')\n")
                .audit(),
        ),
        (
            "encrypted-source",
            wheel()
                .with("demo/a.PYE", "---BEGIN PYE FILE---\n---END PYE FILE---\n")
                .audit(),
        ),
        (
            "path-leak",
            Wheel::native("cp39-abi3-win_amd64", "demo/_core.pyd", leaky).audit(),
        ),
        (
            "path-leak",
            wheel()
                .with("demo/config.py", "home = '/srv/me/build'\n")
                .policy(|p| p.machine_paths.push("/srv/me".into()))
                .audit(),
        ),
        (
            "path-leak",
            wheel()
                .with(&format!("{INFO}/direct_url.json"), format!("\"{leak}\""))
                .audit(),
        ),
        (
            "module-name",
            Wheel::native(
                "cp39-abi3-win_amd64",
                "demo-x/_core.pyd",
                Pe::default().bytes(),
            )
            .audit(),
        ),
    ]
}
