//! Remotes on real servers that the step installs: Azurite for Azure, s3s-fs as an S3 that
//! is unlike the one of `python/tests`, and the sshd that the machine has.

use crate::context::Context;
use crate::crates;
use crate::error::Result;
use crate::log::Log;
use crate::npm;
use crate::steps::{Done, house};
use crate::venv;

/// Where Azurite is pinned, and where it is when it is installed.
const AZURITE: &str = "tools/checks/azurite/";
const AZURITE_BLOBS: &str = "node_modules/azurite/dist/src/blob/main.js";

/// A second S3, a program of a crate.
const S3S_FS: &str = "s3s-fs@0.14.1";

/// The tests.
const TESTS: &[&str] = &[
    "python/tests/test_remote_servers.py",
    "python/tests/test_remote_ssh.py",
    "python/tests/test_objectstore.py",
];

/// Runs the tests against the wheels; what is not here is skipped, and named.
pub fn run(context: &Context, log: &mut Log) -> Result<Done> {
    let installed = venv::with_wheels(context, log, context.python()?, &context.dist())?;
    let azurite = npm::program(context, log, AZURITE, AZURITE_BLOBS)?;
    let s3s = crates::program(context, log, S3S_FS, "s3s-fs", "binary").ok();
    let servers = [("DML_TEST_AZURITE", azurite), ("DML_TEST_S3S_FS", s3s)];
    let found = servers
        .into_iter()
        .filter_map(|(name, path)| Some((name, path?)));
    let arguments = [&["--numprocesses", "auto"], TESTS].concat();
    let done = house::pytest(context, log, &installed, &arguments, found)?;
    let Done::Passed(counts) = done else {
        return Ok(done);
    };
    let text = log.text();
    let skipped = text
        .lines()
        .filter_map(|line| line.strip_prefix("SKIPPED "));
    let reasons = skipped.map(|line| line.split_once(": ").map_or(line, |(_, reason)| reason));
    let notes: Vec<_> = [counts.as_str()].into_iter().chain(reasons).collect();
    Ok(Done::Passed(notes.join("; ")))
}
