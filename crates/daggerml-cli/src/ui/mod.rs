//! How things look: what is written where, in which form.

mod color;
mod guard;
mod json;
mod progress;
pub mod style;
mod table;
pub mod text;
mod time;
pub mod value;

use std::ffi::OsString;
use std::fmt::Display;
use std::io::{self, BufWriter, IsTerminal, Write};

use anstream::AutoStream;
use clap::builder::StyledStr;
use serde::Serialize;

pub use color::ColorChoice;
pub use json::{JsonList, JsonValue};
pub use progress::Progress;
pub use table::{Cell, Table};
pub use text::size;
pub use time::Moment;

use crate::error::{CommandError, CommandErrorKind};
use guard::Guard;

/// How the output is to look.
#[derive(Clone, Copy, Debug, Default)]
pub struct Look {
    /// JSON instead of text.
    pub json: bool,
    /// When to use colour.
    pub color: ColorChoice,
    /// No messages.
    pub quiet: bool,
    /// More of everything.
    pub verbose: bool,
}

impl Look {
    /// Returns what `args` ask for, before they are parsed: for errors in them.
    pub fn guess(args: &[OsString]) -> Self {
        let mut look = Self::default();
        let mut args = args.iter().skip(1).filter_map(|arg| arg.to_str());
        while let Some(arg) = args.next() {
            match arg {
                "--" => break,
                "--json" => look.json = true,
                "--color" => look.color = ColorChoice::parse(args.next()),
                _ => {
                    if let Some(when) = arg.strip_prefix("--color=") {
                        look.color = ColorChoice::parse(Some(when));
                    }
                }
            }
        }
        look
    }
}

/// What a command found, ready to be shown: as JSON by its fields, as text by [`Report::text`].
pub trait Report: Serialize {
    /// Writes it for people.
    fn text(&self, ui: &mut Ui) -> io::Result<()>;
}

/// The two streams of a run.
pub struct Ui {
    look: Look,
    out: Guard<BufWriter<AutoStream<io::Stdout>>>,
    err: Guard<AutoStream<io::Stderr>>,
}

impl Ui {
    /// Standard output and standard error, with this look.
    pub fn new(look: Look) -> Self {
        let (out, err) = (io::stdout(), io::stderr());
        let (out_color, err_color) = (look.color.of(&out), look.color.of(&err));
        Self {
            look,
            out: Guard::new(BufWriter::with_capacity(
                1 << 16,
                AutoStream::new(out, out_color),
            )),
            err: Guard::new(AutoStream::new(err, err_color)),
        }
    }

    /// Returns whether more is wanted.
    pub fn is_verbose(&self) -> bool {
        self.look.verbose
    }

    /// Standard output, for text that may have styles.
    pub fn out(&mut self) -> &mut impl Write {
        &mut self.out
    }

    /// Shows what a command found.
    pub fn report(&mut self, report: &impl Report) -> Result<(), CommandError> {
        if self.look.json {
            self.json(report)
        } else {
            Ok(report.text(self)?)
        }
    }

    /// Writes one JSON document: indented for people, on one line for programs.
    pub fn json(&mut self, document: &impl Serialize) -> Result<(), CommandError> {
        let pretty = io::stdout().is_terminal();
        json::write(&mut self.out, document, pretty).map_err(io::Error::from)?;
        Ok(self.out.write_all(b"\n")?)
    }

    /// Begins a document `{NAME: [ITEM, …]}`, whose items are written as they are found;
    /// `None` when JSON is not wanted.
    pub fn json_list(&self, name: &'static str) -> Option<JsonList> {
        let pretty = || io::stdout().is_terminal();
        self.look.json.then(|| JsonList::new(name, pretty()))
    }

    /// Says what was done: a message, or a JSON document.
    pub fn done(
        &mut self,
        json: &impl Serialize,
        message: impl Display,
    ) -> Result<(), CommandError> {
        self.note(message);
        self.done_quietly(json)
    }

    /// Says what was done where messages were given on the way.
    pub fn done_quietly(&mut self, json: &impl Serialize) -> Result<(), CommandError> {
        if self.look.json {
            self.json(json)
        } else {
            Ok(())
        }
    }

    /// Something to show how far a long operation is.
    pub fn progress(&self) -> Progress {
        Progress::new(!self.look.quiet && !self.look.json)
    }

    /// Returns whether JSON is wanted.
    pub fn is_json(&self) -> bool {
        self.look.json
    }

    /// Writes bytes as they are; to a terminal, what it would obey as escapes.
    pub fn raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.flush()?;
        if io::stdout().is_terminal() {
            let (text, changed) = text::shown(bytes);
            // Not through the guard, which does not let tabs through.
            io::stdout().lock().write_all(text.as_bytes())?;
            if changed {
                self.note("Shown with escapes; in a file or a pipe it is as it was stored");
            }
            return io::stdout().flush();
        }
        let mut out = io::stdout().lock();
        out.write_all(bytes)?;
        out.flush()
    }

    /// Writes a file made for other programs: as it is, or as the string `name`
    /// of a JSON object.
    pub fn document(&mut self, name: &str, content: &[u8]) -> Result<(), CommandError> {
        if !self.look.json {
            return Ok(self.raw(content)?);
        }
        let text = String::from_utf8_lossy(content);
        self.json(&std::collections::BTreeMap::from([(name, text)]))
    }

    /// Says that a file was written: `{"written": PATH}`, or a message.
    pub fn wrote(&mut self, path: &std::path::Path) -> Result<(), CommandError> {
        let written = path.display().to_string();
        if self.look.json {
            return self.json(&std::collections::BTreeMap::from([("written", written)]));
        }
        self.note(format_args!("Wrote {written}"));
        Ok(())
    }

    /// Writes a page that clap made.
    pub fn page(&mut self, page: &StyledStr) -> io::Result<()> {
        write!(self.out, "{}", page.ansi())
    }

    /// Tells the user what was done, on standard error; nothing depends on it.
    pub fn note(&mut self, message: impl Display) {
        if !self.look.quiet && !self.look.json {
            let _ = writeln!(self.err, "{}", text::line(&message.to_string()));
        }
    }

    /// Says why the command failed, on standard error.
    pub fn error(&mut self, error: &CommandError) {
        if error.kind() == CommandErrorKind::ClosedPipe {
            return;
        }
        if self.look.json {
            let document = json::ErrorDocument::new(error);
            let _ = json::write(&mut self.err, &document, false);
            let _ = self.err.write_all(b"\n");
            return;
        }
        if let Some(page) = error.styled() {
            let _ = write!(self.err, "{}", page.ansi());
        } else {
            let style = style::ERROR;
            let message = text::lines(error.message());
            let _ = writeln!(self.err, "{style}error:{style:#} {message}");
        }
        for hint in error.hints() {
            let style = style::HINT;
            let _ = writeln!(self.err, "{style}hint:{style:#} {}", text::lines(hint));
        }
    }

    /// Writes out what is still buffered.
    pub fn finish(&mut self) -> io::Result<()> {
        self.out.flush()?;
        io::stdout().flush()
    }
}
