//! Running a program to its end.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, ExitCode, Output};

use wheelwright_artifacts::epoch::ZIP_EPOCH;

use super::ToolError;

/// The lines of a failed program's message that are worth repeating.
const LAST_LINES: usize = 12;

/// Names a library that `build` loads into every program it starts; `reproduce` sets it.
pub const PRELOAD: &str = "WHEELWRIGHT_PRELOAD";

/// Environment variables that a build may see, besides those in [`MAY_PASS`].
const PASS: &[&str] = &[
    "PATH",
    "HOME",
    "USERPROFILE",
    "TMPDIR",
    "TEMP",
    "TMP",
    "SYSTEMROOT",
    "SYSTEMDRIVE",
    "WINDIR",
    "COMSPEC",
    "PATHEXT",
    "APPDATA",
    "LOCALAPPDATA",
    "PROGRAMDATA",
    "TERM",
    "NO_COLOR",
    "CARGO_HOME",
    "CARGO_BUILD_JOBS",
    "LD_LIBRARY_PATH",
    "NIX_SSL_CERT_FILE",
    "DEVELOPER_DIR",
];
/// Beginnings of such names: how to reach the network.
const MAY_PASS: &[&str] = &[
    "RUSTUP_",
    "CARGO_HTTP_",
    "CARGO_NET_",
    "CARGO_REGISTR",
    "CARGO_SOURCE_",
    "SSL_CERT_",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "ALL_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "all_proxy",
];

/// A command that sees only what a build may depend on: where programs and
/// homes are, and how to reach the network. Time zone, locale and clock are
/// fixed.
pub fn isolated(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.env_clear();
    for (name, value) in std::env::vars_os() {
        let passes = name.to_str().is_some_and(|name| {
            PASS.iter().any(|known| known.eq_ignore_ascii_case(name))
                || MAY_PASS.iter().any(|start| name.starts_with(start))
        });
        if passes {
            command.env(name, value);
        }
    }
    command
        .envs([("LC_ALL", "C"), ("TZ", "UTC"), ("ZERO_AR_DATE", "1")])
        .env("SOURCE_DATE_EPOCH", ZIP_EPOCH.to_string());
    command
}

/// Runs a program and collects what it prints.
///
/// # Errors
/// It does not start, or ends with an error.
pub fn run(command: &mut Command, hint: &'static str) -> Result<Output, ToolError> {
    let output = command
        .stdin(std::process::Stdio::null())
        .output()
        .map_err(|source| start_error(command, hint, source))?;
    if output.status.success() {
        return Ok(output);
    }
    Err(ToolError::Failed {
        command: line(command),
        status: output.status.to_string(),
        message: last_lines(&output),
    })
}

/// The error for a program that does not start.
pub fn start_error(command: &Command, hint: &'static str, source: std::io::Error) -> ToolError {
    ToolError::Start {
        program: command.get_program().to_string_lossy().into_owned(),
        hint,
        source,
    }
}

/// Runs a program in the place of this one: what it answers is our answer.
pub fn wrapped(command: &mut Command) -> ExitCode {
    match command.status() {
        Ok(status) => ExitCode::from(
            status
                .code()
                .and_then(|code| u8::try_from(code).ok())
                .unwrap_or(1),
        ),
        Err(error) => {
            let program = Path::new(command.get_program()).display();
            eprintln!("wheelwright: {program} does not start: {error}");
            ExitCode::from(2)
        }
    }
}

/// A command as one would type it.
pub fn line(command: &Command) -> String {
    std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(OsStr::to_string_lossy)
        .collect::<Vec<_>>()
        .join(" ")
}

/// The end of what a program said: standard error, or standard output if that
/// is empty. Where a program's own functions were at that moment (rustup) helps nobody.
pub fn last_lines(output: &Output) -> String {
    let said = if output.stderr.trim_ascii().is_empty() {
        &output.stdout
    } else {
        &output.stderr
    };
    let said = String::from_utf8_lossy(said);
    let lines: Vec<&str> = said
        .lines()
        .take_while(|line| !line.trim().eq_ignore_ascii_case("stack backtrace:"))
        .filter(|line| !line.trim().is_empty())
        .collect();
    lines[lines.len().saturating_sub(LAST_LINES)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_ends_before_a_backtrace() {
        let stderr = "error: toolchain '1.90' is not installed\nhelp: install it\n\n\
                      Stack backtrace:\n   0: anyhow::error\n   1: main\n";
        let output = Output {
            status: std::process::ExitStatus::default(),
            stdout: b"nothing".to_vec(),
            stderr: stderr.into(),
        };
        let wanted = "error: toolchain '1.90' is not installed\nhelp: install it";
        assert_eq!(last_lines(&output), wanted);
    }
}
