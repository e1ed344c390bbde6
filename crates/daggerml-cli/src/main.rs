//! The native `dml` binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(daggerml_cli::run(std::env::args_os()))
}
