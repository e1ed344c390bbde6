//! Remotes on real servers that the step installs: Azurite for Azure, s3s-fs as an S3 that
//! is unlike the one of `python/tests`, and the sshd that the machine has.

use std::env::consts::EXE_SUFFIX;
use std::path::PathBuf;

use crate::context::Context;
use crate::error::{Error, Result};
use crate::log::Log;
use crate::npm;
use crate::steps::Done;
use crate::venv;

/// Where Azurite is pinned, and where it is when it is installed.
const AZURITE: &str = "tools/checks/azurite/";
const AZURITE_BLOBS: &str = "node_modules/azurite/dist/src/blob/main.js";

/// The version of s3s-fs, a program of crates.
const S3S_FS: &str = "0.14.1";

/// The tests.
const TESTS: &[&str] = &[
    "python/tests/test_remote_servers.py",
    "python/tests/test_remote_ssh.py",
    "python/tests/test_objectstore.py",
];

/// Runs the tests against the wheels; what is not here is skipped, and named.
pub fn run(context: &Context, log: &mut Log) -> Result<Done> {
    let installed = venv::with_wheels(context, log, context.python()?, &context.dist())?;
    let mut command = context.command(installed.program("pytest"));
    installed.enter(&mut command)?;
    command
        .args([
            "-q",
            "-rs",
            "-p",
            "no:cacheprovider",
            "--numprocesses",
            "auto",
        ])
        .args(TESTS)
        .env("PYTHONDONTWRITEBYTECODE", "1");
    if let Some(azurite) = npm::program(context, log, AZURITE, AZURITE_BLOBS)? {
        command.env("DML_TEST_AZURITE", azurite);
    }
    if let Some(s3s) = s3s(context, log)? {
        command.env("DML_TEST_S3S_FS", s3s);
    }
    let text = log.output(&mut command)?;
    let skipped = text
        .lines()
        .filter_map(|line| line.strip_prefix("SKIPPED "))
        .map(|line| line.split_once(": ").map_or(line, |(_, reason)| reason));
    let counts = text.lines().rev().find(|line| line.contains(" passed"));
    let counts = counts.unwrap_or_default().split(" in ").take(1);
    let notes: Vec<_> = counts.chain(skipped).collect();
    Ok(Done::Passed(notes.join("; ")))
}

/// Returns s3s-fs, which cargo builds if it is missing; `None` where its registry cannot be
/// reached.
fn s3s(context: &Context, log: &mut Log) -> Result<Option<PathBuf>> {
    let root = context
        .target()
        .join("checks")
        .join(format!("s3s-fs-{S3S_FS}"));
    let program = root.join("bin").join(format!("s3s-fs{EXE_SUFFIX}"));
    if program.is_file() {
        return Ok(Some(program));
    }
    let mut install = context.cargo();
    install
        .args(["install", "--locked", "--quiet", "--features", "binary"])
        .args(["--version", S3S_FS, "--root"])
        .arg(&root)
        .arg("s3s-fs");
    match log.status(&mut install) {
        Ok(status) if status.success() => Ok(Some(program)),
        Ok(_) | Err(Error::Start { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
