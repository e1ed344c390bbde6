//! "A project of your own" in docs/guide/building.md, done to the letter.

use std::process::Command;

use super::{repository, said, wheelwright, write};

/// The files of the guide's section: each is a block below a line that ends with
/// its path in bold.
fn files() -> Vec<(String, String)> {
    let page = std::fs::read_to_string(repository().join("docs/guide/building.md")).unwrap();
    let section = page
        .split("\n## ")
        .find(|section| section.starts_with("A project of your own"))
        .unwrap();
    let mut files = Vec::new();
    for part in section.split("\n**`").skip(1) {
        let (path, rest) = part.split_once("`**").unwrap();
        let (_, block) = rest.split_once("```").unwrap();
        let (_, block) = block.split_once('\n').unwrap();
        let (content, _) = block.split_once("```").unwrap();
        files.push((path.to_owned(), content.to_owned()));
    }
    files
}

#[test]
#[ignore = "builds with zig and pyo3; `cargo checks real` runs it"]
fn the_guides_project_builds_passes_and_is_not_built_twice() {
    let folder = tempfile::tempdir().unwrap();
    // A folder that a compiler's command line does not expect.
    let root = folder.path().join("a project, of mine");
    let files = files();
    assert_eq!(files.len(), 5, "{files:?}");
    for (path, content) in &files {
        write(&root, path, content);
    }
    write(&root, "LICENSE", "MIT License\n");
    write(&root, "README.md", "# Quick\n");

    let output = wheelwright(&root, &["build", "--host"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        said(&output).contains("cargo generate-lockfile"),
        "{}",
        said(&output)
    );

    let locked = Command::new("cargo")
        .arg("generate-lockfile")
        .current_dir(&root)
        .status()
        .unwrap();
    assert!(locked.success());
    let output = wheelwright(&root, &["build", "--host"]);
    let text = said(&output);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("2 artifacts, 0 failed"), "{text}");
    assert!(text.contains("quick-0.1.0-cp39-abi3-"), "{text}");
    assert!(text.contains("tried  quick-0.1.0"), "{text}");

    let again = said(&wheelwright(&root, &["build", "--host"]));
    assert!(!again.contains("compiling"), "{again}");
    let kept = root.join("target/wheelwright/extensions/quick");
    let platform = std::fs::read_dir(kept).unwrap().next().unwrap().unwrap();
    let reads = std::fs::read_to_string(platform.path().join("reads.txt")).unwrap();
    assert_eq!(reads, "src/lib.rs");

    let source = std::fs::read_to_string(root.join("src/lib.rs")).unwrap();
    write(&root, "src/lib.rs", &source.replace("a + b", "b + a"));
    let changed = said(&wheelwright(&root, &["build", "--host", "--no-smoke"]));
    assert!(changed.contains("compiling quick"), "{changed}");

    // What `init` writes in the place of the guide's file builds the same.
    std::fs::remove_file(root.join("wheelwright.toml")).unwrap();
    let written = said(&wheelwright(&root, &["init"]));
    assert!(written.contains("wrote wheelwright.toml"), "{written}");
    let output = wheelwright(&root, &["build", "--host", "--no-smoke"]);
    let text = said(&output);
    assert!(output.status.success(), "{text}");
    assert!(!text.contains("compiling"), "{text}");
}
