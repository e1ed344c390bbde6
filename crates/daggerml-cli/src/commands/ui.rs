use std::env;
use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::{Command, ExitStatus};

use clap::{Args, ValueHint};

use crate::complete;
use crate::context::Context;
use crate::error::{CommandError, CommandErrorKind};

/// The program of the package `daggerml-ui`.
const PROGRAM: &str = "daggerml-ui";

/// The folder of the programs that are installed beside this one. The Python package
/// `daggerml-cli` sets it: there the running program is the Python interpreter.
const FOLDER: &str = "DML_PROGRAMS";

/// Look at the repository in a browser
///
/// The package `daggerml-ui` does it, which is installed by itself. It serves this
/// machine only, to who has the address that it prints, and changes nothing unless
/// --allow-changes is given.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  dml ui                                          open the pages in a browser
  dml ui --no-browser                             only print their address
  dml ui --export report.html --dag training      one page to send to somebody
  dml ui --export pages --at v1.0                 a folder of pages")]
pub struct UiArgs {
    /// Serve on this port of 127.0.0.1 [default: a free one]
    #[arg(long, value_name = "N")]
    port: Option<u16>,

    /// Only print the address
    #[arg(long)]
    no_browser: bool,

    /// Let the pages change the repository
    #[arg(long)]
    allow_changes: bool,

    /// Write pages that need no server: one file that ends in .html, else a new folder
    #[arg(
        long,
        value_name = "PATH",
        value_hint = ValueHint::AnyPath,
        conflicts_with_all = ["port", "no_browser", "allow_changes"]
    )]
    export: Option<PathBuf>,

    /// With --export: the DAGs to write [default: all of the revision]
    #[arg(long, value_name = "NAME", requires = "export", add = complete::dags())]
    dag: Vec<String>,

    /// With --export: the revision to look in [default: HEAD]
    #[arg(long, value_name = "REVISION", requires = "export", add = complete::revisions())]
    at: Option<String>,

    /// With --export: leave out values that are larger [default: 1000000]
    #[arg(long, value_name = "BYTES", requires = "export")]
    max_value: Option<u64>,
}

impl UiArgs {
    /// Returns the arguments of the program, whose options have the same names.
    fn words(&self) -> Vec<OsString> {
        let mut words: Vec<OsString> = Vec::new();
        // In one word, since a value may begin with a dash.
        let mut option = |name: &str, value: OsString| {
            let mut word = OsString::from(format!("{name}="));
            word.push(value);
            words.push(word);
        };
        if let Some(port) = self.port {
            option("--port", port.to_string().into());
        }
        if let Some(path) = &self.export {
            option("--export", path.into());
        }
        for name in &self.dag {
            option("--dag", name.into());
        }
        if let Some(revision) = &self.at {
            option("--at", revision.into());
        }
        if let Some(bytes) = self.max_value {
            option("--max-value", bytes.to_string().into());
        }
        for (given, option) in [
            (self.no_browser, "--no-browser"),
            (self.allow_changes, "--allow-changes"),
        ] {
            if given {
                words.push(option.into());
            }
        }
        words
    }
}

pub fn run(context: &mut Context<'_>, args: &UiArgs) -> Result<(), CommandError> {
    let mut given = vec![
        OsString::from("--repository"),
        context.directory().as_os_str().to_owned(),
    ];
    given.extend(args.words());
    for program in places() {
        match become_or_wait(Command::new(&program).args(&given)) {
            Ok(status) => return ended(status),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(CommandError::file("run", &program, &error)),
        }
    }
    let message = format!("the pages need the program {PROGRAM}, which is not installed");
    Err(CommandError::new(CommandErrorKind::Io, message).hint(
        "`pip install daggerml-ui` installs it beside daggerml-cli; \
         `uv tool install daggerml-ui` installs it alone",
    ))
}

/// Becomes the program, so that who stops `dml` stops it. Returns only when that fails.
#[cfg(unix)]
fn become_or_wait(command: &mut Command) -> io::Result<ExitStatus> {
    use std::os::unix::process::CommandExt;

    Err(command.exec())
}

/// Runs the program and waits for its end.
#[cfg(not(unix))]
fn become_or_wait(command: &mut Command) -> io::Result<ExitStatus> {
    command.status()
}

/// Returns where the program may be, the most likely first.
fn places() -> Vec<PathBuf> {
    let name = format!("{PROGRAM}{}", env::consts::EXE_SUFFIX);
    let told = env::var_os(FOLDER).filter(|folder| !folder.is_empty());
    let beside = env::current_exe().ok();
    let beside = beside.as_deref().and_then(|program| program.parent());
    let mut found: Vec<PathBuf> = told
        .map(PathBuf::from)
        .into_iter()
        .chain(beside.map(PathBuf::from))
        .map(|folder| folder.join(&name))
        .collect();
    // A name without a folder is looked up in PATH.
    found.push(PathBuf::from(PROGRAM));
    found
}

fn ended(status: ExitStatus) -> Result<(), CommandError> {
    if status.success() {
        return Ok(());
    }
    // It has said on standard error what is wrong.
    let message = format!("{PROGRAM} did not end well: {status}");
    Err(CommandError::new(CommandErrorKind::Io, message))
}
