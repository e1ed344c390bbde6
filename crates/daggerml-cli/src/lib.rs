//! The `dml` command as a library.

use std::ffi::OsString;

/// Runs `dml` with `args` (the program's name first) and returns its exit code.
pub fn run(args: impl IntoIterator<Item = OsString>) -> u8 {
    let command = clap::Command::new("dml").version(env!("CARGO_PKG_VERSION"));
    match command.try_get_matches_from(args) {
        Ok(_) => 0,
        Err(error) => {
            let code = if error.use_stderr() { 2 } else { 0 };
            let _ = error.print();
            code
        }
    }
}
