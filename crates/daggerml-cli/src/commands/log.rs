use std::io::{self, Write};

use clap::Args;
use daggerml::Repository;
use daggerml::history::{HistoryEntry, HistoryOptions};
use daggerml::id::CommitId;
use daggerml::name::Name;
use daggerml::record::Commit;
use daggerml::repo::branches::{HEADS, REMOTES, TAGS};
use daggerml::repo::refs::HEAD;
use daggerml::sorting::sort_by;
use serde::Serialize;

use crate::complete;
use crate::context::Context;
use crate::error::CommandError;
use crate::ui::{JsonList, Moment, Ui, style, text};

/// Show the commits that led to a revision, newest first
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  dml log                  everything that led to what is checked out
  dml log -n 5 --oneline   the last five, one line each
  dml log main..trial      what trial has and main does not
  dml log --dag training   commits that changed the DAG of that name")]
pub struct LogArgs {
    /// Where to begin, or a range A..B
    #[arg(value_name = "REVISION", default_value = "HEAD", add = complete::revisions())]
    revision: String,

    /// Show at most N commits
    #[arg(short = 'n', long, value_name = "N")]
    limit: Option<usize>,

    /// Only commits that changed the DAG of this name
    #[arg(long, value_name = "NAME", add = complete::dags())]
    dag: Option<String>,

    /// Leave out what merges brought in
    #[arg(long)]
    first_parent: bool,

    /// One line a commit
    #[arg(long)]
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
    /// Whether a shallow clone ends here.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub shallow: bool,
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
            shallow: false,
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
        let mut refs: Vec<_> = self.refs.iter().map(|name| short_ref(name)).collect();
        if self.shallow {
            refs.push("shallow");
        }
        if refs.is_empty() {
            return Ok(());
        }
        let refs = style::paint(style::NAME, refs.join(", "));
        write!(ui.out(), "  ({refs})")
    }
}

pub fn run(context: &mut Context<'_>, args: &LogArgs) -> Result<(), CommandError> {
    let repository = context.repository()?;
    let mut document = context.ui.json_list("commits");
    if args.revision == HEAD && repository.head()?.is_none() {
        context.ui.note("No commits yet");
        return ended(context, document);
    }
    let range = repository.range(&args.revision)?;
    let options = HistoryOptions {
        include: vec![range.include],
        exclude: range.exclude.into_iter().collect(),
        first_parent: args.first_parent,
        dag: args.dag.as_deref().map(Name::new).transpose()?,
        limit: args.limit,
    };
    let refs = Refs::read(&repository)?;
    let mut first = true;
    for entry in repository.log(options)? {
        let HistoryEntry {
            id,
            commit,
            shallow,
        } = entry?;
        let refs = refs.at(id);
        let commit = CommitReport {
            shallow,
            ..CommitReport::new(id, &commit, refs)
        };
        // A commit is written as it is found: history may be long, or end in damage.
        if let Some(document) = &mut document {
            document.item(context.ui.out(), &commit)?;
        } else if args.oneline {
            commit.line(context.ui)?;
        } else {
            if !first {
                writeln!(context.ui.out())?;
            }
            commit.page(context.ui)?;
        }
        if first {
            // Somebody waits for it; what follows is written in large pieces.
            context.ui.out().flush()?;
        }
        first = false;
    }
    if first {
        context.ui.note(match &args.dag {
            Some(name) => format!("No commit changed a DAG named {name:?}"),
            None => "No commits".to_owned(),
        });
    }
    ended(context, document)
}

/// Writes the end of the document, if there is one.
fn ended(context: &mut Context<'_>, document: Option<JsonList>) -> Result<(), CommandError> {
    document.map_or(Ok(()), |document| Ok(document.end(context.ui.out())?))
}

/// The refs at each commit, in the order of the commits.
pub struct Refs(Vec<(CommitId, String)>);

impl Refs {
    /// Reads the refs of a repository.
    pub fn read(repository: &Repository) -> Result<Self, Box<daggerml::Error>> {
        let head = repository.head()?.map(|id| (id, HEAD.to_owned()));
        let mut found: Vec<_> = head.into_iter().collect();
        for space in [HEADS, TAGS, REMOTES] {
            for info in repository.refs(space)? {
                found.push((info.commit, info.full_name));
            }
        }
        sort_by(&mut found, |(a, _), (b, _)| a.cmp(b));
        Ok(Self(found))
    }

    /// Returns the full names of those at the commit `id`; `HEAD` first, where it is.
    pub fn at(&self, id: CommitId) -> Vec<String> {
        let from = self.0.partition_point(|(other, _)| *other < id);
        let same = self.0.iter().skip(from);
        same.take_while(|(other, _)| *other == id)
            .map(|(_, name)| name.clone())
            .collect()
    }
}

/// Returns a ref as people read it: `main` for `heads/main`.
fn short_ref(full: &str) -> &str {
    full.strip_prefix(HEADS)
        .or_else(|| full.strip_prefix(REMOTES))
        .unwrap_or(full)
}
