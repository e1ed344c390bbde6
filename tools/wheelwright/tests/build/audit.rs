//! `wheelwright audit`, as a real process.

use std::path::Path;
use std::process::{Command, Output};

use wheelwright::pack::wheel;

use crate::project::{PURE, PURE_FILES, project};

fn run(folder: &Path, arguments: &[&str]) -> Output {
    // Bazel says it relative to the folder that tests start in.
    Command::new(std::path::absolute(env!("CARGO_BIN_EXE_wheelwright")).unwrap())
        .arg("audit")
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap()
}

/// The bytes of the package's wheel.
fn packed() -> Vec<u8> {
    let (_folder, project) = project(PURE, PURE_FILES);
    wheel::pack(&project, None, &[]).unwrap().bytes
}

/// The same wheel, but with the mode 0777 for its first file.
fn broken() -> Vec<u8> {
    let mut bytes = packed();
    let mode = [0, 0, 0xa4, 0x81]; // 0100644 in the upper half of the attributes
    let at = bytes.windows(4).position(|window| window == mode).unwrap();
    bytes[at + 2] = 0xff;
    bytes
}

/// A folder with a good wheel, a bad one and a damaged one.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write =
        |name: &str, bytes: Vec<u8>| std::fs::write(folder.path().join(name), bytes).unwrap();
    write(GOOD, packed());
    write(BAD, broken());
    write("damaged-1.0-py3-none-any.whl", b"PK not really".to_vec());
    folder
}

const GOOD: &str = "little_package-1.2.0-py3-none-any.whl";
const BAD: &str = "other-1.2.0-py3-none-any.whl";

#[test]
fn exit_codes_and_output() {
    let folder = folder();
    let good = run(folder.path(), &[GOOD]);
    assert_eq!(good.status.code(), Some(0));
    assert!(good.stdout.is_empty());
    let bad = run(folder.path(), &[GOOD, BAD]);
    assert_eq!(bad.status.code(), Some(1));
    insta::assert_snapshot!(String::from_utf8(bad.stdout).unwrap(), @r"
    other-1.2.0-py3-none-any.whl: error[metadata-agree] the folder is little_package-1.2.0.dist-info; allowed: other-1.2.0.dist-info, as the file name has it; fix: build it anew instead of renaming; all three come from pyproject.toml
    other-1.2.0-py3-none-any.whl: error[metadata-agree] little_package-1.2.0.dist-info/METADATA: metadata says Little.Package 1.2.0, the file name other 1.2.0; allowed: the same everywhere; fix: build it anew instead of renaming; all three come from pyproject.toml
    other-1.2.0-py3-none-any.whl: warning[zip-mode] little_package/__init__.py: mode 0777; allowed: 0644 or 0755; fix: set the mode when packing; do not take it from the disk
    ");
    insta::assert_snapshot!(String::from_utf8(bad.stderr).unwrap(), @"1 of 2 files clean; 2 errors, 1 warnings");
}

#[test]
fn unreadable_input() {
    let folder = folder();
    for (file, message) in [
        ("damaged-1.0-py3-none-any.whl", "is not a readable zip file"),
        ("missing.whl", "cannot read missing.whl"),
        ("x.txt", "cannot read"),
    ] {
        let out = run(folder.path(), &[file, GOOD]);
        assert_eq!(out.status.code(), Some(2), "{file}");
        let text = String::from_utf8(out.stderr).unwrap();
        assert!(text.contains(message), "{text}");
    }
}

#[test]
fn profiles_and_selection() {
    let folder = folder();
    let count = |arguments: &[&str]| {
        let out = run(folder.path(), &[arguments, &[BAD]].concat());
        String::from_utf8(out.stdout).unwrap().lines().count()
    };
    assert_eq!(count(&["--policy", "index"]), 2);
    assert_eq!(count(&["--select", "zip"]), 1);
    assert_eq!(count(&["--ignore", "metadata-agree,zip-mode"]), 0);
    let unknown = run(folder.path(), &["--select", "zap", GOOD]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("no audit rule or group `zap`"));
}

#[test]
fn the_policy_of_a_pyproject() {
    let folder = folder();
    let path = folder.path().join("pyproject.toml");
    std::fs::write(
        &path,
        "[tool.wheelwright.audit]\nignore = [\"zip-mode\", \"metadata-agree\"]\n",
    )
    .unwrap();
    assert_eq!(
        run(folder.path(), &["--pyproject", "pyproject.toml", BAD])
            .status
            .code(),
        Some(0)
    );
    std::fs::write(&path, "[tool.wheelwright.audit]\ncolour = 1\n").unwrap();
    let out = run(folder.path(), &["--pyproject", "pyproject.toml", BAD]);
    assert_eq!(out.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&out.stderr).contains("colour"));
}

#[test]
fn json_and_sarif_say_the_same() {
    let folder = folder();
    let parse = |flag| -> serde_json::Value {
        serde_json::from_slice(&run(folder.path(), &[flag, GOOD, BAD]).stdout).unwrap()
    };
    let json = parse("--json");
    let findings = json[1]["findings"].as_array().unwrap();
    assert_eq!(json[0]["findings"], serde_json::json!([]));
    assert_eq!(findings.len(), 3);
    assert_eq!(json[0]["sha256"].as_str().unwrap().len(), 64);
    let sarif = parse("--sarif");
    let run = &sarif["runs"][0];
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), findings.len());
    for (result, finding) in results.iter().zip(findings) {
        assert_eq!(result["ruleId"], finding["rule"]);
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(run["tool"]["driver"]["rules"][index]["id"], finding["rule"]);
    }
}

#[test]
fn rules_are_listed() {
    let out = run(Path::new("."), &["--rules"]);
    assert!(out.status.success());
    let text = String::from_utf8(out.stdout).unwrap();
    assert_eq!(
        text.lines().count(),
        wheelwright_artifacts::audit::rules::RULES.len()
    );
}
