//! Waiting for a step that may never end, or never stop printing.

use std::io::{Read, Write as _};
use std::process::{Child, ExitStatus, Output};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

/// How often a running step is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// What a step may use.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// How long it may take.
    pub time: Duration,
    /// How many bytes it may print, on both streams together.
    pub bytes: usize,
}

/// How a step ended.
#[derive(Debug)]
pub(crate) enum Ended {
    /// By itself, within the limits.
    Itself(Output),
    /// It was stopped, or what it started holds its output open.
    TooLate,
    /// It was stopped for what it printed.
    TooMuch,
}

/// Gives `input` to a child and waits for its end.
///
/// # Errors
/// The operating system cannot say whether the child has ended.
pub(crate) fn wait(child: &mut Child, input: &str, limits: Limits) -> std::io::Result<Ended> {
    let end = Instant::now() + limits.time;
    if let Some(mut stdin) = child.stdin.take() {
        let input = input.to_owned();
        // A step that does not read its input has not failed, and stops nobody.
        thread::spawn(move || stdin.write_all(input.as_bytes()));
    }
    let (sender, pieces) = mpsc::channel();
    // The threads are not waited for: a program that the step left behind may hold their pipes.
    if let Some(stdout) = child.stdout.take() {
        read(stdout, true, sender.clone());
    }
    if let Some(stderr) = child.stderr.take() {
        read(stderr, false, sender.clone());
    }
    drop(sender);
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    loop {
        match pieces.recv_timeout(LOOK) {
            Ok((true, piece)) => stdout.extend(piece),
            Ok((false, piece)) => stderr.extend(piece),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        if stdout.len() + stderr.len() > limits.bytes {
            stop(child)?;
            return Ok(Ended::TooMuch);
        }
        if Instant::now() >= end {
            stop(child)?;
            return Ok(Ended::TooLate);
        }
    }
    // Both streams have ended; the step itself may still run.
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if Instant::now() >= end {
            stop(child)?;
            return Ok(Ended::TooLate);
        }
        thread::sleep(LOOK);
    };
    Ok(Ended::Itself(Output {
        status,
        stdout,
        stderr,
    }))
}

/// Sends what a stream gives, piece by piece, in a thread of its own.
fn read(mut stream: impl Read + Send + 'static, first: bool, sender: Sender<(bool, Vec<u8>)>) {
    thread::spawn(move || {
        let mut piece = vec![0; 8192];
        while let Ok(length) = stream.read(&mut piece) {
            if length == 0 || sender.send((first, piece[..length].to_vec())).is_err() {
                break;
            }
        }
    });
}

fn stop(child: &mut Child) -> std::io::Result<ExitStatus> {
    // It may have ended by itself just now.
    let _ = child.kill();
    child.wait()
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    fn run(script: &str, limits: Limits) -> Ended {
        let mut child = Command::new("sh")
            .args(["-c", script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        wait(&mut child, "hello\n", limits).unwrap()
    }

    const MUCH: Limits = Limits {
        time: Duration::from_hours(1),
        bytes: 1 << 20,
    };
    const LITTLE: Limits = Limits {
        time: Duration::from_millis(50),
        bytes: 1 << 20,
    };

    #[test]
    fn a_step_that_ends_keeps_what_it_printed() {
        let Ended::Itself(output) = run("cat; echo there >&2; exit 3", MUCH) else {
            panic!("it ended by itself");
        };
        assert_eq!(output.status.code(), Some(3));
        assert_eq!(output.stdout, b"hello\n");
        assert_eq!(output.stderr, b"there\n");
    }

    #[test]
    fn a_step_that_does_not_end_is_stopped() {
        assert!(matches!(run("exec sleep 3600", LITTLE), Ended::TooLate));
        assert!(matches!(
            run("exec sleep 3600 >&- 2>&-", LITTLE),
            Ended::TooLate
        ));
    }

    #[test]
    fn what_a_step_leaves_behind_is_not_waited_for() {
        assert!(matches!(run("sleep 30 & echo on", LITTLE), Ended::TooLate));
    }

    #[test]
    fn endless_output_is_stopped() {
        assert!(matches!(run("exec yes", MUCH), Ended::TooMuch));
        assert!(matches!(run("exec yes >&2", MUCH), Ended::TooMuch));
    }
}
