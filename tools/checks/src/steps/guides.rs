//! The code blocks of every page, run as the page shows them.

use std::fs;
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
    let venv = venv::with_wheels(context, log, context.python()?, &context.dist())?;
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
    let home = folder.path();
    copy_dist(context, &home.join("dist"))?;
    let mut template = Command::new("true");
    venv.enter(&mut template)?;
    let command = |program: &str| {
        let mut command = Command::new(program);
        command.current_dir(home);
        for (name, value) in template.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        // `wheelwright` is there as in a clone where it was built.
        let path = template.get_envs().find(|(name, _)| *name == "PATH");
        let path = path.and_then(|(_, value)| value).unwrap_or_default();
        let folders = std::env::split_paths(path).chain([context.target().join("tool")]);
        if let Ok(path) = std::env::join_paths(folders) {
            command.env("PATH", path);
        }
        // A person's first day: no configuration, no colours.
        command.env("HOME", home).env("USERPROFILE", home);
        command.env_remove("XDG_CONFIG_HOME").env("TERM", "dumb");
        command.env("PIP_DISABLE_PIP_VERSION_CHECK", "1");
        // `pip install daggerml` is this build, not what an index has of that name.
        command.env("PIP_NO_INDEX", "1");
        command.env("PIP_FIND_LINKS", context.dist());
        command
    };
    blocks::run(file, found, &command).map_err(|problem| Error::Malformed {
        path: file.into(),
        problem,
    })
}

/// Gives the page the artifacts as `dist/`, where a clone has them.
fn copy_dist(context: &Context, to: &Path) -> Result<()> {
    fs::create_dir(to).map_err(Error::io(to))?;
    for artifact in context.artifacts("")? {
        if let (true, Some(name)) = (artifact.is_file(), artifact.file_name()) {
            fs::copy(&artifact, to.join(name)).map_err(Error::io(&artifact))?;
        }
    }
    Ok(())
}
