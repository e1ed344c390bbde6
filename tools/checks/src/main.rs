//! `cargo checks`: every test of the repository, by one command.
//!
//! It does all its own set-up from a clean clone: only rustup and a CPython
//! 3.9 or newer need to be there. Run `cargo checks --list` for the steps.

mod blocks;
mod context;
mod error;
mod log;
mod runner;
mod stamp;
mod steps;
mod venv;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use crate::context::{Context, Fuzzing};
use crate::runner::Options;

/// Run every test of the repository, or only the steps named.
#[derive(Debug, Parser)]
#[command(name = "cargo checks", bin_name = "cargo checks", version)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "command-line switches are bools"
)]
struct Arguments {
    /// The steps to run, with those they need [default: all]
    steps: Vec<String>,
    /// Print the steps and what they check
    #[arg(long)]
    list: bool,
    /// Stop at the first step that fails
    #[arg(long)]
    fail_fast: bool,
    /// Run steps even if nothing they read has changed since they passed
    #[arg(long)]
    no_cache: bool,
    /// Show what the steps print while they run
    #[arg(long, short)]
    verbose: bool,
    /// Leave out a step (may be repeated)
    #[arg(long, value_name = "STEP")]
    skip: Vec<String>,
    /// Fuzz each target for so many minutes (25 at most), from where the last run ended
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=25))]
    minutes: Option<u32>,
    /// The folder that keeps what fuzzing found worth trying [default: in target/checks]
    #[arg(long, value_name = "FOLDER")]
    corpora: Option<PathBuf>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if arguments.list {
        for step in steps::ALL {
            println!("{:<12} {}", step.name, step.about);
        }
        return ExitCode::SUCCESS;
    }
    let options = Options {
        fail_fast: arguments.fail_fast,
        verbose: arguments.verbose,
    };
    let plan = match runner::plan(&arguments.steps, &arguments.skip) {
        Ok(plan) => plan,
        Err(unknown) => {
            eprintln!("error: no step is called `{unknown}`; see `cargo checks --list`");
            return ExitCode::from(2);
        }
    };
    let fuzzing = Fuzzing {
        minutes: arguments.minutes,
        corpora: arguments.corpora,
    };
    match Context::new(!arguments.no_cache, fuzzing) {
        Ok(context) => match context.lock() {
            Ok(_lock) => runner::run(&context, &plan, &options),
            Err(error) => {
                eprintln!("error: {error}");
                ExitCode::FAILURE
            }
        },
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
