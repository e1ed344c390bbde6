//! The code blocks of every page, run as the page shows them.

use std::path::Path;
use std::process::Command;

use crate::blocks;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::log::Log;
use crate::steps::Done;
use crate::venv::{self, Venv};

/// Runs every page.
pub fn run(context: &Context, log: &mut Log) -> Result<Done> {
    if !Command::new("bash")
        .arg("--version")
        .output()
        .is_ok_and(|output| output.status.success())
    {
        return Ok(Done::Skipped(
            "no bash to run the shell blocks with".to_owned(),
        ));
    }
    let venv = venv::with_wheels(context, log, "test", context.python()?)?;
    let mut findings = Vec::new();
    let (mut pages, mut count) = (0, 0);
    for file in context.files()? {
        let page = file == "README.md"
            || file == "CONTRIBUTING.md"
            || file.starts_with("docs/")
            || file.starts_with("python/");
        if !page || Path::new(&file).extension().is_none_or(|end| end != "md") {
            continue;
        }
        pages += 1;
        let parsed = blocks::parse(&context.read(&file)?);
        match parsed
            .and_then(|found| one(context, &venv, &file, &found).map_err(|error| error.to_string()))
        {
            Ok(ran) => {
                log.say(format!("{file}: {ran} commands and blocks ran as printed"));
                count += ran;
            }
            Err(finding) => findings.push(format!("{file}: {finding}")),
        }
    }
    log.findings(&findings)?;
    Ok(Done::Passed(format!(
        "{count} commands and blocks in {pages} pages"
    )))
}

fn one(context: &Context, venv: &Venv, file: &str, found: &[blocks::Block]) -> Result<usize> {
    if found.is_empty() {
        return Ok(0);
    }
    // Outside the repository, so that no page finds a repository by looking upward.
    let folder = tempfile::tempdir().map_err(Error::io(Path::new(
        "the system's folder for temporary files",
    )))?;
    let mut shell = Command::new("bash");
    shell.args([
        "--noprofile",
        "--norc",
        "-c",
        "exec bash --noprofile --norc 2>&1",
    ]);
    let mut python = Command::new(venv.python());
    for command in [&mut shell, &mut python] {
        venv.enter(command)?;
        command.current_dir(folder.path());
        // A person's first day: no configuration, no colours; our wheels are the index.
        command
            .env("HOME", folder.path())
            .env("TERM", "dumb")
            .env("PIP_NO_INDEX", "1");
        command
            .env("PIP_FIND_LINKS", context.dist())
            .env("PIP_DISABLE_PIP_VERSION_CHECK", "1");
        command.env("DML_USER", "Ada Lovelace");
        command.env_remove("XDG_CONFIG_HOME");
    }
    blocks::run(file, found, shell, python).map_err(|problem| Error::Malformed {
        path: file.into(),
        problem,
    })
}
