//! The command line: one file for each command.

mod attest;
mod audit;
mod build;
mod checksums;
mod compare;
mod completions;
mod init;
mod man;
mod pack;
mod platforms;
mod provenance;
mod rebuild;
mod release;
mod reproduce;
mod sbom;
mod sdist;
mod smoke;
mod trust;
mod verify;
mod version;

use std::error::Error;
use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

use crate::build::backend;
use crate::errors::with_causes;
use crate::project::workspace::{self, Workspace};
use crate::terminal::escaped;

/// Builds, audits and reproduces the wheels and sdists of Rust + Python projects
#[derive(Parser)]
#[command(name = "wheelwright", version, propagate_version = true, after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "\
Exit codes: 0 all is well; 1 an artifact failed to build or did not pass; \
2 the command or its input could not be read.";

#[derive(Subcommand)]
enum Command {
    Init(init::Args),
    Build(build::Args),
    Pack(pack::Args),
    Sdist(sdist::Args),
    Audit(audit::Args),
    Compare(compare::Args),
    Sbom(sbom::Args),
    Checksums(checksums::Args),
    Provenance(provenance::Args),
    Attest(attest::Args),
    Trust(trust::Args),
    Verify(verify::Args),
    Rebuild(rebuild::Args),
    Smoke(smoke::Args),
    Reproduce(reproduce::Args),
    Version(version::Args),
    Release(release::Args),
    Platforms(platforms::Args),
    Completions(completions::Args),
    Man(man::Args),
}

/// What a command ends with: an exit code, or an error that is printed.
type Outcome = Result<ExitCode, Box<dyn Error>>;

/// What a command exits with when something did not pass.
const FAILED: u8 = 1;
/// What every command exits with when its input cannot be used.
const UNUSABLE: u8 = 2;

/// Runs `wheelwright` with `args` (the program's name first).
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            let code = if error.use_stderr() { UNUSABLE } else { 0 };
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    let outcome = match cli.command {
        Command::Init(args) => args.run(),
        Command::Build(args) => args.run(),
        Command::Pack(args) => args.run(),
        Command::Sdist(args) => args.run(),
        Command::Audit(args) => args.run(),
        Command::Compare(args) => args.run(),
        Command::Sbom(args) => args.run(),
        Command::Checksums(args) => args.run(),
        Command::Provenance(args) => args.run(),
        Command::Attest(args) => args.run(),
        Command::Trust(args) => args.run(),
        Command::Verify(args) => args.run(),
        Command::Rebuild(args) => args.run(),
        Command::Smoke(args) => args.run(),
        Command::Reproduce(args) => args.run(),
        Command::Version(args) => args.run(),
        Command::Release(args) => args.run(),
        Command::Platforms(args) => args.run(),
        Command::Completions(args) => args.run(&mut Cli::command()),
        Command::Man(args) => args.run(&Cli::command()),
    };
    outcome.unwrap_or_else(|error| {
        complain(&with_causes(error.as_ref()));
        ExitCode::from(UNUSABLE)
    })
}

/// Reads the repository that the current folder is in. A package of a backend is as the
/// artifacts in `folder` say, by default those in `dist`.
fn repository(folder: Option<&Path>) -> Result<Workspace, Box<dyn Error>> {
    let root = workspace::root(&std::env::current_dir()?)?;
    if !workspace::is_of_a_backend(&root) {
        return Ok(Workspace::read(&root)?);
    }
    let dist = root.join("dist");
    Ok(backend::workspace(&root, folder.unwrap_or(&dist))?)
}

/// Reads a file that an argument names.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    std::fs::read(path).map_err(|error| {
        io::Error::new(
            error.kind(),
            format!("cannot read {}: {error}", path.display()),
        )
    })
}

/// Says on standard error what is wrong.
fn complain(problem: &str) {
    eprintln!("error: {}", escaped(problem));
}

/// Writes text to standard output; a reader that closed it early is no error. Names in
/// it may be an artifact's or an index's, so a terminal is given no orders.
fn print(text: &[u8]) -> io::Result<()> {
    let text = String::from_utf8_lossy(text);
    let text = escaped(&text);
    let text = text.as_bytes();
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }
}
