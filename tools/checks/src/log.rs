//! The log of one step: what it ran and what that printed.

use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::error::{Error, Result};

/// The longest any one program may run. Generous: it is there so that a hung
/// program fails with its name, not so that slow machines fail.
const LIMIT: Duration = Duration::from_mins(30);

/// The log of one step.
pub struct Log {
    file: File,
    path: PathBuf,
    live: bool,
}

impl Log {
    /// Opens an empty log. With `live`, programs print to the terminal instead.
    pub fn create(path: &Path, live: bool) -> Result<Self> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(Error::io(folder))?;
        }
        let file = File::options()
            .create(true)
            .truncate(true)
            .read(true)
            .write(true)
            .open(path)
            .map_err(Error::io(path))?;
        Ok(Self {
            file,
            path: path.to_path_buf(),
            live,
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds one line.
    pub fn say(&mut self, text: impl AsRef<str>) {
        if self.live {
            println!("{}", text.as_ref());
        }
        // A log that cannot be written must not hide the step's own result.
        let _ = writeln!(self.file, "{}", text.as_ref());
    }

    /// Adds findings, and makes the error that counts them; no finding is fine.
    pub fn findings(&mut self, findings: &[String]) -> Result<()> {
        for finding in findings {
            self.say(finding);
        }
        match findings.len() {
            0 => Ok(()),
            count => Err(Error::Findings { count }),
        }
    }

    /// Runs a program; anything but success is an error.
    pub fn run(&mut self, command: &mut Command) -> Result<()> {
        let status = self.status(command)?;
        if status.success() {
            return Ok(());
        }
        Err(Error::Status {
            line: line(command),
            status: status.to_string(),
        })
    }

    /// Runs a program, its output into the log, and says how it ended.
    pub fn status(&mut self, command: &mut Command) -> Result<ExitStatus> {
        self.say(format!("$ {}", line(command)));
        command.stdin(Stdio::null());
        if !self.live {
            let out = self.file.try_clone().map_err(Error::io(&self.path))?;
            let err = self.file.try_clone().map_err(Error::io(&self.path))?;
            command.stdout(out).stderr(err);
        }
        let child = start(command)?;
        wait(child, command)
    }

    /// Runs a program and returns what it printed on both streams, with its status.
    pub fn capture(&mut self, command: &mut Command) -> Result<(ExitStatus, String)> {
        let live = std::mem::replace(&mut self.live, false);
        let from = self.file.stream_position().unwrap_or_default();
        let status = self.status(command);
        self.live = live;
        let text = self.read_from(from);
        // The first line is the command's, not the program's.
        let text = text.split_once('\n').map_or("", |(_, printed)| printed);
        if live {
            print!("{text}");
        }
        Ok((status?, text.to_owned()))
    }

    /// Runs a program and returns what it printed; anything but success is an error.
    pub fn output(&mut self, command: &mut Command) -> Result<String> {
        match self.capture(command)? {
            (status, text) if status.success() => Ok(text),
            (status, _) => Err(Error::Status {
                line: line(command),
                status: status.to_string(),
            }),
        }
    }

    /// The whole log.
    pub fn text(&mut self) -> String {
        self.read_from(0)
    }

    fn read_from(&mut self, from: u64) -> String {
        let mut bytes = Vec::new();
        let read = self
            .file
            .seek(SeekFrom::Start(from))
            .and_then(|_| self.file.read_to_end(&mut bytes))
            .and_then(|_| self.file.seek(SeekFrom::End(0)));
        match read {
            Ok(_) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) => format!("(cannot read {}: {error})", self.path.display()),
        }
    }
}

fn start(command: &mut Command) -> Result<Child> {
    command.spawn().map_err(|source| Error::Start {
        line: line(command),
        source,
    })
}

fn wait(mut child: Child, command: &Command) -> Result<ExitStatus> {
    let started = Instant::now();
    let failed = |source| Error::Start {
        line: line(command),
        source,
    };
    let mut pause = Duration::from_millis(1);
    loop {
        if let Some(status) = child.try_wait().map_err(failed)? {
            return Ok(status);
        }
        if started.elapsed() > LIMIT {
            let _ = child.kill();
            let _ = child.wait();
            return Err(Error::TimedOut {
                line: line(command),
                seconds: LIMIT.as_secs(),
            });
        }
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(50));
    }
}

/// Returns the command as a person would type it.
pub fn line(command: &Command) -> String {
    let mut words = vec![quoted(&command.get_program().to_string_lossy())];
    words.extend(command.get_args().map(|arg| quoted(&arg.to_string_lossy())));
    words.join(" ")
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-+=:,./@%\\".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_line_can_be_pasted() {
        let mut command = Command::new("dml");
        command.args(["log", "-n", "1", "a b", "it's", ""]);
        assert_eq!(line(&command), r"dml log -n 1 'a b' 'it'\''s' ''");
    }

    #[test]
    fn a_program_that_fails_is_an_error_and_its_output_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = Log::create(&folder.path().join("step.log"), false).unwrap();
        // This program itself, as there need not be another on the path.
        let mut own = Command::new(std::env::current_exe().unwrap());
        own.arg("--no-such-option");
        let error = log.run(&mut own).unwrap_err().to_string();
        assert!(
            error.contains(&format!("`{}` ended with", line(&own))),
            "{error}"
        );
        assert!(log.text().contains("no-such-option"), "{}", log.text());
    }
}
