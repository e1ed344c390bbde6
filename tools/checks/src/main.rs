//! `cargo checks`: the tests of the repository, by one command.
//!
//! It does all its own set-up from a clean clone: only rustup and a CPython that the
//! packages support need to be there. Run `cargo checks --list` for the steps.

mod context;
mod crates;
mod error;
mod facts;
mod log;
mod npm;
mod runner;
mod stamp;
mod steps;
mod venv;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use crate::context::{Context, Fuzzing};
use crate::runner::Options;
use crate::steps::When;

/// What one does here, printed below the options.
const COMMANDS: &str = "\
The ten things one does here:
  cargo checks                      what a change needs, before it is sent
  cargo checks --all                every test there is, as CI runs them
  cargo checks clippy test          some steps, with what they need
  cargo checks pytest --verbose     a step whose output is shown while it runs
  cargo checks sync --write         copy facts of wheelwright.toml to where they are needed
  cargo nextest run -p daggerml     the Rust tests of one crate
  cargo run -p daggerml-cli -- log  the native `dml`
  cargo wheels --host               build and try this machine's wheels, into dist/
  cargo wheelwright version bump    go to the next version, everywhere
  bash .ci/run                      all that CI does: every check, every platform's wheel

CONTRIBUTING.md says which file to change for what.";

/// The steps that can write what they find to differ.
const WRITERS: &[&str] = &["sync", "instructions"];

/// Run the tests that a change needs, or all, or only the steps named.
#[derive(Debug, Parser)]
#[command(name = "cargo checks", bin_name = "cargo checks", version, after_help = COMMANDS)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "command-line switches are bools"
)]
struct Arguments {
    /// The steps to run, with those they need [default: what a change needs]
    steps: Vec<String>,
    /// Run every step
    #[arg(long, conflicts_with = "steps")]
    all: bool,
    /// Write what the step finds to differ (`sync`, `instructions`)
    #[arg(long)]
    write: bool,
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
            let when = match step.when {
                When::Both => "",
                When::Change => " [not with --all]",
                When::All => " [--all]",
            };
            println!("{:<12} {}{when}", step.name, step.about);
        }
        return ExitCode::SUCCESS;
    }
    let options = Options {
        fail_fast: arguments.fail_fast,
        verbose: arguments.verbose,
    };
    if arguments.write
        && !matches!(arguments.steps.as_slice(), [step] if WRITERS.contains(&&**step))
    {
        eprintln!(
            "error: --write belongs to one step: {}",
            WRITERS.join(" or ")
        );
        return ExitCode::from(2);
    }
    let plan = match runner::plan(&arguments.steps, &arguments.skip, arguments.all) {
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
    match Context::new(!arguments.no_cache, arguments.write, fuzzing) {
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
