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

use std::process::ExitCode;

use clap::Parser;

use crate::context::Context;
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
    match Context::new(!arguments.no_cache) {
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
