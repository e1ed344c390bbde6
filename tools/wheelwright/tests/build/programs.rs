//! The program itself: exit codes, messages, and what it leaves behind.

use std::path::Path;
use std::process::{Command, Output};

use crate::project::{NATIVE, NATIVE_FILES, PURE, PURE_FILES, project, write};

/// The program; Bazel says it relative to the folder that tests start in.
fn program() -> Command {
    Command::new(std::path::absolute(env!("CARGO_BIN_EXE_wheelwright")).unwrap())
}

fn wheelwright(folder: &Path, arguments: &[&str]) -> Output {
    program()
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn pack_writes_the_same_wheel_wherever_it_runs() {
    let (first, _) = project(PURE, PURE_FILES);
    let reversed: Vec<_> = PURE_FILES.iter().rev().copied().collect();
    let (second, _) = project(PURE, &reversed);
    let out = tempfile::tempdir().unwrap();
    let mut wheels = Vec::new();
    for (folder, zone, name) in [(&first, "UTC", "a"), (&second, "Pacific/Chatham", "b")] {
        let out = out.path().join(name);
        let output = program()
            .args(["pack", "--project", ".", "--out"])
            .arg(&out)
            .current_dir(folder.path())
            .env("TZ", zone)
            .env("SOURCE_DATE_EPOCH", "1234567890")
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        wheels.push(std::fs::read(stdout(&output).trim()).unwrap());
    }
    assert_eq!(wheels[0], wheels[1]);
}

#[test]
fn pack_takes_an_extension_and_nothing_else() {
    let (folder, _) = project(NATIVE, NATIVE_FILES);
    write(folder.path(), "made/library.so", "not really a library");
    let arguments = [
        "pack",
        "--project",
        ".",
        "--extension",
        "made/library.so",
        "--platform-tag",
        "win_amd64",
    ];
    let output = wheelwright(folder.path(), &arguments);
    assert_eq!(
        stdout(&output).trim(),
        "dist/native-1.2.0-cp39-abi3-win_amd64.whl",
        "{}",
        stderr(&output)
    );
    let output = wheelwright(folder.path(), &["pack", "--project", "."]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("has a native extension"),
        "{}",
        stderr(&output)
    );
    let output = wheelwright(
        folder.path(),
        &["pack", "--project", ".", "--extension", "made/library.so"],
    );
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("--platform-tag"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn errors_are_one_line_with_the_cause() {
    let empty = tempfile::tempdir().unwrap();
    for arguments in [
        ["build"].as_slice(),
        &["pack", "--project", "."],
        &["sdist", "--project", "gone"],
    ] {
        let output = wheelwright(empty.path(), arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let message = stderr(&output);
        assert_eq!(message.lines().count(), 1, "{message}");
        assert!(
            message.starts_with("error: ") && message.contains("holds no"),
            "{message}"
        );
    }
}

#[test]
fn completions_and_manual_pages_are_written() {
    let folder = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let output = wheelwright(folder.path(), &["completions", shell]);
        assert!(stdout(&output).contains("reproduce"), "{shell}");
    }
    assert!(stdout(&wheelwright(folder.path(), &["man"])).contains(".TH wheelwright"));
    assert!(
        wheelwright(folder.path(), &["man", "--out", "pages"])
            .status
            .success()
    );
    assert!(folder.path().join("pages/wheelwright-build.1").is_file());
}
