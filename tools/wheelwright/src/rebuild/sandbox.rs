//! Where code of a package runs while it is built: without network where the machine can
//! do that, in a clean environment, with limits. It still runs with the user's rights and
//! sees the user's files.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use std::time::Duration;

use super::RebuildError;
use crate::smoke::limited::{self, Ended, Limits};
use crate::toolchain::process::{PRELOAD, isolated, last_lines};
use crate::toolchain::python::Venv;

/// The most that a step may print.
const MOST_OUTPUT: usize = 64 << 20;
/// Parts of the names of variables that may hold passwords, and that our own steps need.
const SECRET: [&str; 2] = ["CARGO_REGISTR", "_PROXY"];
/// What starts a program without network and ends with it all that it started.
const UNSHARE: [&str; 6] = [
    "--user",
    "--map-root-user",
    "--net",
    "--pid",
    "--fork",
    "--kill-child",
];

/// Can this machine start programs without network?
static CAN_UNSHARE: LazyLock<bool> = LazyLock::new(|| {
    cfg!(target_os = "linux")
        && Command::new("unshare")
            .args(UNSHARE)
            .arg("true")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
});

/// Where code of a package runs.
#[derive(Debug)]
pub struct Sandbox {
    /// `off`, or `on` and why.
    pub network: String,
    home: PathBuf,
    epoch: Option<u64>,
    time: Duration,
}

impl Sandbox {
    /// A place with the home folder `home` and, if it is known, this `SOURCE_DATE_EPOCH`;
    /// each step may take `time`.
    pub fn new(home: &Path, epoch: Option<u64>, time: Duration) -> Self {
        let network = if *CAN_UNSHARE {
            "off"
        } else {
            "on (this machine cannot start programs without network)"
        };
        Self {
            network: network.to_owned(),
            home: home.to_owned(),
            epoch,
            time,
        }
    }

    /// Returns a command that will run `program` here, with the programs of `venv` first.
    pub fn command(&self, program: &Path, venv: &Venv) -> Command {
        let mut command = if *CAN_UNSHARE {
            let mut command = isolated("unshare");
            command.args(UNSHARE).arg(program);
            command
        } else {
            isolated(program)
        };
        let path = std::env::var_os("PATH").unwrap_or_default();
        let others = std::env::split_paths(&path);
        let path = std::env::join_paths([venv.programs()].into_iter().chain(others));
        // Where rustup and cargo keep what they fetched; HOME is not the user's.
        for (name, folder) in [("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup")] {
            if std::env::var_os(name).is_none()
                && let Some(home) = std::env::home_dir()
            {
                command.env(name, home.join(folder));
            }
        }
        for (name, _) in std::env::vars_os() {
            let upper = name.to_string_lossy().to_ascii_uppercase();
            if SECRET.iter().any(|part| upper.contains(part)) {
                command.env_remove(name);
            }
        }
        command
            .env("PATH", path.unwrap_or_default())
            .envs([("HOME", &self.home), ("USERPROFILE", &self.home)])
            .envs([("VIRTUAL_ENV", &venv.folder)])
            .env("LC_ALL", "C.UTF-8")
            .env("PYTHONHASHSEED", "0")
            .env("PYTHONNOUSERSITE", "1")
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("CARGO_NET_OFFLINE", "true")
            // In the one-user world of unshare, tar cannot give files to others.
            .env("TAR_OPTIONS", "--no-same-owner");
        if let Some(library) = std::env::var_os(PRELOAD) {
            command.env("LD_PRELOAD", library);
        }
        match self.epoch {
            Some(epoch) => command.env("SOURCE_DATE_EPOCH", epoch.to_string()),
            None => command.env_remove("SOURCE_DATE_EPOCH"),
        };
        command
    }

    /// Runs a command of [`Sandbox::command`], which is the step `name` of a build.
    ///
    /// # Errors
    /// It fails, or goes over a limit.
    pub fn run(&self, mut command: Command, name: &str) -> Result<(), RebuildError> {
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let build = |problem: String| RebuildError::Build { problem };
        let start = |error: std::io::Error| build(format!("{name} does not start: {error}"));
        let mut child = command.spawn().map_err(start)?;
        let limits = Limits {
            time: self.time,
            bytes: MOST_OUTPUT,
        };
        match limited::wait(&mut child, "", limits).map_err(start)? {
            Ended::Itself(output) if output.status.success() => Ok(()),
            Ended::Itself(output) => {
                let status = output.status;
                Err(build(format!(
                    "{name} failed ({status}): {}",
                    last_lines(&output)
                )))
            }
            Ended::TooLate => {
                let seconds = self.time.as_secs();
                Err(build(format!(
                    "{name} took longer than {seconds} s (--time allows more)"
                )))
            }
            Ended::TooMuch => Err(build(format!(
                "{name} printed more than {MOST_OUTPUT} bytes"
            ))),
        }
    }
}
