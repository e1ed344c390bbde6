//! The `dml` command as a library.
//!
//! [`run`] is the whole program: the native binary and the Python package both
//! call it, so there is one command line and it cannot drift. It keeps no state
//! between runs, never exits the process and does not let a panic out. (`dml ui` becomes
//! another program, on Unix.)
//!
//! | module | holds |
//! |---|---|
//! | `cli` | the options that every command has, and the list of commands |
//! | `commands` | one file per command: its arguments, its help, what it does |
//! | `graph` | drawings of DAGs |
//! | `ui` | how things look: tables, JSON, colour, times, values |
//! | `released` | what is typed instead of commands of 0.1.x |
//! | `error` | one error for every failure, with its exit code |
//! | `man_page` | manual pages of the command tree |
//! | `complete` | what shells are told when somebody presses Tab |
//! | `context` | what a command is given: the user interface, the repository |

#![cfg_attr(not(test), deny(clippy::disallowed_methods))]

mod cli;
mod commands;
mod complete;
mod context;
mod error;
mod files;
mod graph;
mod man_page;
mod panics;
mod released;
mod ui;

use std::ffi::OsString;

pub use commands::exec::explain::{explained, path_text};
pub use graph::{Layout, Point, Size, layout};

use clap::{CommandFactory, FromArgMatches};

use cli::Cli;
use context::Context;
use error::CommandError;
use ui::{Look, Ui};

/// Runs `dml` with `args` (the program's name first) and returns its exit code;
/// the codes are listed in `docs/spec/cli.md`.
pub fn run(args: impl IntoIterator<Item = OsString>) -> u8 {
    let args: Vec<OsString> = args.into_iter().collect();
    let mut ui = Ui::new(Look::guess(&args));
    let done = panics::caught(|| parse_and_run(&args, &mut ui));
    let done = done.unwrap_or_else(|panic| Err(CommandError::internal(&panic)));
    // What was written before a failure must still reach the reader.
    let done = done.and(ui.finish().map_err(CommandError::from));
    match done {
        Ok(()) => 0,
        Err(error) => {
            ui.error(&error);
            error.exit_code()
        }
    }
}

/// Returns the command tree, as `dml --help` shows it.
pub fn command() -> clap::Command {
    Cli::command()
}

fn parse_and_run(args: &[OsString], ui: &mut Ui) -> Result<(), CommandError> {
    if let Some(answer) = complete::answer(args) {
        return Ok(ui.raw(&answer)?);
    }
    if let Some(answer) = released::answer(args) {
        return Err(answer);
    }
    let parsed = Cli::command()
        .try_get_matches_from(args)
        .and_then(|matches| Cli::from_arg_matches(&matches));
    match parsed {
        Ok(cli) => {
            *ui = Ui::new(cli.globals.look());
            let mut context = Context::new(ui, cli.globals.repository);
            commands::run(&mut context, &cli.command)
        }
        Err(error) if error.use_stderr() => Err(CommandError::usage(&error, args)),
        Err(help) => Ok(ui.page(&help.render())?),
    }
}
