//! One error for every failure: what happened, what to do, which exit code.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::io;

use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue};
use daggerml::{Error, ErrorKind};

use crate::released;

/// The exit code of a program whose reader went away: 128 + SIGPIPE, as a shell
/// reports it. The same on every platform, and in the Python package.
const CLOSED_PIPE: u8 = 141;

/// Why a command failed. It is in a box, since most of this crate returns it.
#[derive(Debug)]
pub struct CommandError(Box<Failure>);

#[derive(Debug)]
struct Failure {
    kind: CommandErrorKind,
    message: String,
    /// The message of clap, with its styles.
    styled: Option<StyledStr>,
    hints: Vec<String>,
}

/// The kind of failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommandErrorKind {
    /// The engine refused.
    Engine(ErrorKind),
    /// The command line is wrong.
    Usage,
    /// The output, or a file asked for, cannot be written or read.
    Io,
    /// The check that was asked for found damage.
    Damage,
    /// The reader of the output has gone away. Nothing is written about that.
    ClosedPipe,
    /// A bug in this program.
    Internal,
}

impl CommandErrorKind {
    /// Returns the stable name, in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Engine(kind) => kind.as_str(),
            Self::Usage => "usage",
            Self::Io => "io",
            Self::Damage => "damage",
            Self::ClosedPipe => "closed_pipe",
            Self::Internal => "internal",
        }
    }

    /// Returns the exit code.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Usage => 2,
            Self::Engine(ErrorKind::NotFound) => 3,
            Self::Engine(ErrorKind::Exists | ErrorKind::Conflict) => 4,
            Self::Engine(_) | Self::Io | Self::Damage => 1,
            Self::ClosedPipe => CLOSED_PIPE,
            Self::Internal => 101,
        }
    }
}

impl CommandError {
    /// Makes a failure of this program's own.
    pub fn new(kind: CommandErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Failure {
            kind,
            message: message.into(),
            styled: None,
            hints: Vec::new(),
        }))
    }

    /// The command line is understood but asks for what cannot be.
    pub fn wrong_usage(message: impl Into<String>) -> Self {
        Self::new(CommandErrorKind::Usage, message)
    }

    /// Returns a file that cannot be written or read.
    pub fn file(action: &str, path: &std::path::Path, error: &io::Error) -> Self {
        let message = format!("cannot {action} {}: {error}", path.display());
        let mut made = Self::new(CommandErrorKind::Io, message);
        made.0.hints.extend(hint_for(error));
        made
    }

    /// Returns a file to read that cannot be opened.
    pub fn open(path: &std::path::Path, error: &io::Error) -> Self {
        let mut made = Self::file("open", path, error);
        if error.kind() == io::ErrorKind::NotFound {
            made.0.kind = CommandErrorKind::Engine(ErrorKind::NotFound);
        }
        made
    }

    /// clap refused the command line.
    pub fn usage(error: &clap::Error, args: &[OsString]) -> Self {
        let mut made = Self::wrong_usage(String::new());
        if error.kind() == clap::error::ErrorKind::InvalidUtf8 {
            let bad = args.iter().find(|arg| arg.to_str().is_none());
            made.0.message = format!(
                "the argument {} is not Unicode text; only paths may be something else",
                bad.cloned().unwrap_or_default().display()
            );
            return made;
        }
        if let Some(ContextValue::String(name)) = error.get(ContextKind::InvalidSubcommand) {
            made.0.hints.push(match name.as_str() {
                "help" => "`dml COMMAND --help` explains a command".to_owned(),
                "add" | "commit" => {
                    "programs commit: in Python, `with daggerml.new(NAME) as dag:` and \
                     `dag.commit(RESULT)`"
                        .to_owned()
                }
                _ => format!("`{} --help` lists the commands", command_of(error)),
            });
        }
        if let Some(ContextValue::String(option)) = error.get(ContextKind::InvalidArg) {
            made.0
                .hints
                .extend(released::instead_of(option).map(str::to_owned));
        }
        let text = error.render();
        made.0.message = text.to_string();
        made.0.styled = Some(text);
        made
    }

    /// Returns a panic that was caught.
    pub fn internal(panic: &str) -> Self {
        let message = format!("internal error: {}", panic.trim());
        Self::new(CommandErrorKind::Internal, message)
            .hint("this is a bug in dml: please report it with this message and the command; nothing that was committed is lost")
    }

    /// Says what it is about, before the message.
    #[must_use]
    pub fn about(mut self, what: impl std::fmt::Display) -> Self {
        self.0.message = format!("{what}: {}", self.0.message);
        self
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hints.push(hint.into());
        self
    }

    /// Returns the kind.
    pub fn kind(&self) -> CommandErrorKind {
        self.0.kind
    }

    /// Returns the exit code.
    pub fn exit_code(&self) -> u8 {
        self.0.kind.exit_code()
    }

    /// Returns what happened.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The message of clap, when it refused the command line.
    pub fn styled(&self) -> Option<&StyledStr> {
        self.0.styled.as_ref()
    }

    /// Returns what to do about it.
    pub fn hints(&self) -> &[String] {
        &self.0.hints
    }
}

impl From<Box<Error>> for CommandError {
    fn from(error: Box<Error>) -> Self {
        let mut message = error.to_string();
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            let text = cause.to_string();
            if !message.contains(&text) {
                let _ = write!(message, ": {text}");
            }
            source = cause.source();
        }
        let kind = match &*error {
            // Text on the command line that is neither a name nor an id nor a revision.
            Error::Name(_) | Error::Id(_) | Error::RevisionInvalid { .. } => {
                CommandErrorKind::Usage
            }
            _ => CommandErrorKind::Engine(error.kind()),
        };
        let mut made = Self::new(kind, message);
        made.0.hints.extend(error.hint());
        made
    }
}

impl From<Error> for CommandError {
    fn from(error: Error) -> Self {
        Box::new(error).into()
    }
}

impl From<daggerml::error::NameError> for CommandError {
    fn from(error: daggerml::error::NameError) -> Self {
        Box::<Error>::from(error).into()
    }
}

/// Every I/O error that is not the engine's is one of writing the output.
impl From<io::Error> for CommandError {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::new(CommandErrorKind::ClosedPipe, "");
        }
        let message = format!("cannot write the output: {error}");
        let mut made = Self::new(CommandErrorKind::Io, message);
        made.0.hints.extend(hint_for(&error));
        made
    }
}

/// Returns the command whose usage the error shows: `dml dag`.
fn command_of(error: &clap::Error) -> String {
    let usage = match error.get(ContextKind::Usage) {
        Some(ContextValue::StyledStr(usage)) => usage.to_string(),
        _ => String::new(),
    };
    let words = usage.trim_start_matches("Usage:").split_whitespace();
    let words: Vec<_> = words
        .take_while(|word| !word.starts_with(['[', '<']))
        .collect();
    words.join(" ")
}

fn hint_for(error: &io::Error) -> Option<String> {
    let hint = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "make room on the disk",
        io::ErrorKind::PermissionDenied => "check who owns the folder, and its permissions",
        io::ErrorKind::ReadOnlyFilesystem => "write to another disk: this one is read-only",
        io::ErrorKind::NotFound => "check the path",
        _ => return None,
    };
    Some(hint.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_engine_error_has_an_exit_code_of_its_class() {
        for kind in ErrorKind::ALL {
            let code = CommandErrorKind::Engine(kind).exit_code();
            let wanted = match kind.as_str() {
                "not_found" => 3,
                "exists" | "conflict" => 4,
                _ => 1,
            };
            assert_eq!(code, wanted, "{}", kind.as_str());
        }
    }
}
