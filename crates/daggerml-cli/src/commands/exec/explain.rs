use std::fmt::Write as _;
use std::io::{self, Write as _};

use clap::Args;
use daggerml::execution::{Difference, Explanation};
use daggerml::history::PathStep;
use serde::Serialize;

use crate::commands::dag::report::OwnedJson;
use crate::complete;
use crate::context::Context;
use crate::error::CommandError;
use crate::ui::{Moment, Report, Ui, text, value};

/// The width of a value, and the lines of a difference of texts, that people are shown.
const PREVIEW: usize = 60;
const LINES: usize = 40;

/// Say why a call is answered from the cache, or run again
///
/// It names the parts that differ from the nearest earlier call of a function of the same
/// name: its code, an argument and where in it, a setting. Of calls that were never made,
/// `repo.exec.explain(funk, ...)` in Python says the same. Calls that an older DaggerML
/// made are not compared.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  dml exec explain 87c25e")]
pub struct ExplainArgs {
    /// The call: 6 or more digits of its key
    #[arg(value_name = "CALL", add = complete::calls())]
    call: String,
}

#[derive(Serialize)]
struct Explained {
    key: String,
    /// The name of the function; null if it is not known what was called.
    name: Option<String>,
    hit: bool,
    verdict: &'static str,
    meaning: &'static str,
    /// The attempt that answers calls, or the newest.
    exec: Option<String>,
    dag: Option<String>,
    recorded: Option<Moment>,
    nearest: Option<NearestReport>,
    /// How many earlier calls were compared, and whether there are more.
    compared: usize,
    limited: bool,
}

#[derive(Serialize)]
struct NearestReport {
    key: String,
    recorded: Moment,
    differences: Vec<DifferenceReport>,
}

#[derive(Serialize)]
struct DifferenceReport {
    part: String,
    /// The way into it, such as `[3]["lr"]`.
    path: String,
    before: Option<OwnedJson>,
    after: Option<OwnedJson>,
    diff: Option<String>,
}

/// Returns the way into a value, as people write it.
pub fn path_text(path: &[PathStep]) -> String {
    let step = |step: &PathStep| match step {
        PathStep::Index(at) => format!("[{at}]"),
        PathStep::Key(key) => format!("[{}]", value::preview(key, PREVIEW)),
        PathStep::Item => "{}".to_owned(),
        PathStep::Part(name) => format!(".{name}"),
    };
    path.iter().map(step).collect()
}

impl Explained {
    fn new(found: &Explanation) -> Self {
        let difference = |it: &Difference| DifferenceReport {
            part: it.part.clone(),
            path: path_text(&it.path),
            before: it.before.clone().map(OwnedJson),
            after: it.after.clone().map(OwnedJson),
            diff: it.diff.clone(),
        };
        let attempt = found.answer.as_ref().or(found.call.newest.as_ref());
        Self {
            key: found.call.key.to_string(),
            name: found.name.clone(),
            hit: found.verdict == daggerml::execution::Verdict::Cached,
            verdict: found.verdict.as_str(),
            meaning: found.verdict.meaning(),
            exec: attempt.map(|made| made.id.to_string()),
            dag: attempt.and_then(|made| Some(made.exec.dag?.to_string())),
            recorded: attempt.map(|made| Moment(made.exec.finished)),
            nearest: found.nearest.as_ref().map(|nearest| NearestReport {
                key: nearest.key.to_string(),
                recorded: Moment(nearest.first),
                differences: nearest.differences.iter().map(difference).collect(),
            }),
            compared: found.compared,
            limited: found.limited,
        }
    }
}

/// Returns what is explained, in words, fit for a terminal.
pub fn explained(found: &Explanation) -> String {
    let mut out = String::new();
    // Never fails: it is a String.
    let _ = write(&mut out, found);
    out
}

fn write(out: &mut String, found: &Explanation) -> std::fmt::Result {
    writeln!(out, "call      {}", found.call.key)?;
    if let Some(name) = &found.name {
        writeln!(out, "function  {}", text::line(name))?;
    }
    writeln!(out, "verdict   {}", found.verdict.meaning())?;
    if let Some(made) = found.answer.as_ref().or(found.call.newest.as_ref()) {
        let when = Moment(made.exec.finished).local();
        let status = made.exec.status.as_str();
        writeln!(out, "recorded  {when} ({status}) by exec {}", made.id)?;
    }
    let Some(name) = found.name.as_deref().map(text::line) else {
        return writeln!(
            out,
            "\nWhat was called is not known: an older DaggerML recorded this call."
        );
    };
    match &found.nearest {
        None => writeln!(out, "\nThere is no earlier call of {name}.")?,
        Some(nearest) => {
            let when = Moment(nearest.first).local();
            let key = nearest.key;
            writeln!(
                out,
                "\nThe nearest earlier call of {name} is {key}, of {when}."
            )?;
            writeln!(out, "What differs from it:")?;
            for difference in &nearest.differences {
                write_difference(out, difference)?;
            }
        }
    }
    if found.limited {
        let number = found.compared;
        writeln!(
            out,
            "Only the newest {number} calls of {name} were compared."
        )?;
    }
    Ok(())
}

fn write_difference(out: &mut String, found: &Difference) -> std::fmt::Result {
    let part = text::line(&format!("{}{}", found.part, path_text(&found.path)));
    if let Some(diff) = &found.diff {
        writeln!(out, "  {part}")?;
        let mut lines = diff.lines();
        for line in lines.by_ref().take(LINES) {
            writeln!(out, "    {}", text::line(line))?;
        }
        return match lines.count() {
            0 => Ok(()),
            more => writeln!(out, "    ... and {}", text::count(more, "more line")),
        };
    }
    let shown =
        |value: Option<&daggerml::value::Value>| value.map(|it| value::preview(it, PREVIEW));
    match (shown(found.before.as_ref()), shown(found.after.as_ref())) {
        (Some(before), Some(after)) => writeln!(out, "  {part}: {before} -> {after}"),
        (None, Some(after)) => {
            writeln!(out, "  {part}: {after} (was not there, or cannot be read)")
        }
        (Some(before), None) => writeln!(out, "  {part}: was {before}, and is not there"),
        (None, None) => writeln!(out, "  {part} (its value cannot be read any more)"),
    }
}

pub fn run(context: &mut Context<'_>, args: &ExplainArgs) -> Result<(), CommandError> {
    let repository = context.repository()?;
    let found = repository.explain(repository.find_call(&args.call)?)?;
    context.ui.report(&Shown {
        json: Explained::new(&found),
        found,
    })
}

struct Shown {
    json: Explained,
    found: Explanation,
}

impl Serialize for Shown {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.json.serialize(serializer)
    }
}

impl Report for Shown {
    fn text(&self, ui: &mut Ui) -> io::Result<()> {
        ui.out().write_all(explained(&self.found).as_bytes())
    }
}
