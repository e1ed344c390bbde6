//! The index of a rehearsal: `tools/release/flaky_index.py`, told what to do.

use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use serde_json::Value;

use crate::context::Context;
use crate::error::{Error, Result};
use crate::venv::Venv;

/// Who may upload, as the script has it.
pub const USER: &str = "releaser";

/// A running index. It ends with its standard input, so with this program.
pub struct Index {
    /// Its address; the simple index is below it.
    pub address: String,
    child: Child,
    commands: Option<ChildStdin>,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Index {
    /// Starts an index that keeps its files below `folder`.
    pub fn start(context: &Context, venv: &Venv, folder: &Path, password: &str) -> Result<Self> {
        let mut command = context.command(venv.python());
        command
            .arg("-I")
            .arg(context.root.join("tools/release/flaky_index.py"))
            .arg(folder)
            .env("REHEARSAL_PASSWORD", password)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let line = crate::log::line(&command);
        let mut child = command.spawn().map_err(|source| Error::Start {
            line: line.clone(),
            source,
        })?;
        let (Some(commands), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(gone(&line));
        };
        let mut answers = BufReader::new(output).lines();
        let Some(Ok(address)) = answers.next() else {
            let _ = child.kill();
            let _ = child.wait();
            return Err(gone(&line));
        };
        Ok(Self {
            address,
            child,
            commands: Some(commands),
            answers,
        })
    }

    /// The address of the simple index.
    pub fn simple(&self) -> String {
        format!("{}simple/", self.address)
    }

    /// Gives a command and waits for its answer.
    pub fn tell(&mut self, command: &str) -> Result<Value> {
        if let Some(commands) = &mut self.commands {
            let _ = writeln!(commands, "{command}");
        }
        match self.answers.next() {
            Some(Ok(answer)) => serde_json::from_str(&answer).map_err(|_| gone(&answer)),
            _ => Err(gone(command)),
        }
    }

    /// The uploads that were accepted, in order: file and SHA-256.
    pub fn uploads(&mut self) -> Result<Vec<(String, String)>> {
        let answer = self.tell("uploads")?;
        let text = |upload: &Value, key: &str| upload[key].as_str().unwrap_or_default().to_owned();
        let uploads = answer.as_array().cloned().unwrap_or_default();
        Ok(uploads
            .iter()
            .map(|upload| (text(upload, "file"), text(upload, "sha256")))
            .collect())
    }
}

impl Drop for Index {
    fn drop(&mut self) {
        self.commands = None;
        let _ = self.child.wait();
    }
}

fn gone(at: &str) -> Error {
    Error::Missing {
        what: format!("the rehearsal's index ended at `{at}`; see pypiserver.log beside its store"),
    }
}
