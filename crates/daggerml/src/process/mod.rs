//! Processes that are started: adapters, and helpers of remotes.
//!
//! | file | holds |
//! |---|---|
//! | `group` | a process with all that it starts |
//! | `stderr_log` | what a process writes to standard error |
//! | `spawner` | the thread that starts processes and sees them end |

pub(crate) mod group;
pub(crate) mod spawner;
mod stderr_log;

pub(crate) use stderr_log::{Capture, HEAD, Listener, StderrLog, TAIL, left_out, rest_of};

use std::io;
use std::process::{ChildStdin, ChildStdout, Command, Stdio};

/// A process that was started, with pipes to it.
pub(crate) struct Started {
    /// The process with all that it starts.
    pub group: group::Group,
    /// Its standard input.
    pub stdin: ChildStdin,
    /// Its standard output.
    pub stdout: ChildStdout,
    /// What it writes to standard error.
    pub capture: Capture,
}

/// Starts a program in a group of its own.
pub(crate) fn start(mut command: Command) -> io::Result<Started> {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    group::set_up(&mut command);
    let mut child = spawner::start(command)?;
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let group = group::Group::new(child);
    let (Some(stdin), Some(stdout), Some(stderr)) = (stdin, stdout, stderr) else {
        return Err(io::ErrorKind::BrokenPipe.into());
    };
    Ok(Started {
        group,
        stdin,
        stdout,
        capture: Capture::start(stderr)?,
    })
}
