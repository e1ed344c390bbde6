use std::collections::{BTreeMap, BinaryHeap, HashSet};
use std::io::{self, Write};

use clap::Args;
use daggerml::id::CommitId;
use daggerml::record::{Commit, Time};
use daggerml::repo::refs::{HEAD, ReadRefs, Target};
use daggerml::store::{ReadObjects, Snapshot, Table};
use serde::Serialize;

use crate::context::Context;
use crate::error::CommandError;
use crate::revision;
use crate::ui::{Moment, Report, Ui, style, text};

/// Show the commits that led to a revision, newest first
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  dml log                  everything that led to what is checked out
  dml log -n 5 --oneline   the last five, one line each
  dml log main")]
pub struct LogArgs {
    /// Where to begin
    #[arg(value_name = "REVISION", default_value = "HEAD")]
    revision: String,

    /// Show at most N commits
    #[arg(short = 'n', long, value_name = "N")]
    limit: Option<usize>,

    /// One line a commit
    #[arg(long)]
    oneline: bool,
}

#[derive(Serialize)]
struct Log {
    commits: Vec<CommitReport>,
    #[serde(skip)]
    oneline: bool,
}

/// A commit, as every command shows it.
#[derive(Serialize)]
pub struct CommitReport {
    pub id: String,
    pub tree: String,
    pub parents: Vec<String>,
    pub author: String,
    pub time: Moment,
    pub message: String,
    /// The refs that are at it.
    pub refs: Vec<String>,
}

impl CommitReport {
    pub fn new(id: CommitId, commit: &Commit, refs: Vec<String>) -> Self {
        Self {
            id: id.to_string(),
            tree: commit.tree.to_string(),
            parents: commit.parents.iter().map(ToString::to_string).collect(),
            author: commit.author.clone(),
            time: Moment(commit.time),
            message: commit.message.clone(),
            refs,
        }
    }

    /// On one line.
    pub fn line(&self, ui: &mut Ui) -> io::Result<()> {
        write!(ui.out(), "{}", style::id(&self.id))?;
        self.write_refs(ui)?;
        let time = style::paint(style::DIM, self.time.local());
        writeln!(ui.out(), "  {time}  {}", text::first_line(&self.message))
    }

    /// In full.
    pub fn page(&self, ui: &mut Ui) -> io::Result<()> {
        write!(ui.out(), "commit {}", style::id(&self.id))?;
        self.write_refs(ui)?;
        writeln!(ui.out())?;
        if self.parents.len() > 1 {
            let parents: Vec<_> = self.parents.iter().map(|id| style::short(id)).collect();
            writeln!(ui.out(), "Merge:  {}", parents.join(" "))?;
        }
        writeln!(ui.out(), "Author: {}", text::line(&self.author))?;
        writeln!(ui.out(), "Date:   {}", self.time.local())?;
        if !self.message.is_empty() {
            writeln!(ui.out())?;
        }
        for line in self.message.lines() {
            writeln!(
                ui.out(),
                "{}",
                format!("    {}", text::line(line)).trim_end()
            )?;
        }
        Ok(())
    }

    fn write_refs(&self, ui: &mut Ui) -> io::Result<()> {
        if self.refs.is_empty() {
            return Ok(());
        }
        let refs: Vec<_> = self.refs.iter().map(|name| branch_name(name)).collect();
        let refs = style::paint(style::NAME, refs.join(", "));
        write!(ui.out(), "  ({refs})")
    }
}

impl Report for Log {
    fn text(&self, ui: &mut Ui) -> io::Result<()> {
        for (at, commit) in self.commits.iter().enumerate() {
            if self.oneline {
                commit.line(ui)?;
                continue;
            }
            if at > 0 {
                writeln!(ui.out())?;
            }
            commit.page(ui)?;
        }
        Ok(())
    }
}

pub fn run(context: &mut Context<'_>, args: &LogArgs) -> Result<(), CommandError> {
    let repository = context.repository()?;
    let snapshot = repository.snapshot()?;
    let mut log = Log {
        commits: Vec::new(),
        oneline: args.oneline,
    };
    let start = if args.revision == HEAD {
        snapshot.head()?
    } else {
        Some(revision::commit(&repository, &args.revision)?)
    };
    if start.is_none() {
        context.ui.note("No commits yet");
    }
    let mut refs = refs_by_commit(&snapshot)?;
    let mut waiting = BinaryHeap::new();
    let mut seen = HashSet::new();
    let mut next = |id: CommitId, waiting: &mut BinaryHeap<(Time, CommitId)>| {
        if seen.insert(id) {
            let commit: Commit = snapshot.load(id)?;
            waiting.push((commit.time, id));
        }
        Ok::<_, CommandError>(())
    };
    if let Some(id) = start {
        next(id, &mut waiting)?;
    }
    while let Some((_, id)) = waiting.pop() {
        if args.limit.is_some_and(|limit| log.commits.len() >= limit) {
            break;
        }
        let commit: Commit = snapshot.load(id)?;
        for parent in &commit.parents {
            next(*parent, &mut waiting)?;
        }
        let refs = refs.remove(&id).unwrap_or_default();
        log.commits.push(CommitReport::new(id, &commit, refs));
    }
    context.ui.report(&log)
}

/// The refs at each commit, by their full names; `HEAD` first, where it is.
pub fn refs_by_commit(
    snapshot: &Snapshot,
) -> Result<BTreeMap<CommitId, Vec<String>>, daggerml::Error> {
    let mut found: BTreeMap<CommitId, Vec<String>> = BTreeMap::new();
    if let Some(id) = snapshot.head()? {
        found.entry(id).or_default().push(HEAD.to_owned());
    }
    let branches = snapshot.scan(Table::Refs, b"heads/")?;
    let tags = snapshot.scan(Table::Refs, b"tags/")?;
    for entry in branches.chain(tags) {
        let Ok(name) = std::str::from_utf8(entry?.0) else {
            continue;
        };
        if let Some(Target::Commit(id)) = snapshot.target(name)? {
            found.entry(id).or_default().push(name.to_owned());
        }
    }
    Ok(found)
}

/// A ref as people read it: `main` for `heads/main`.
pub fn branch_name(full: &str) -> &str {
    full.strip_prefix("heads/").unwrap_or(full)
}
