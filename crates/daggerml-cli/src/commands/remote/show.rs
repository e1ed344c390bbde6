use std::io::{self, Write};

use clap::Args;
use daggerml::Repository;
use daggerml::repo::branches::{HEADS, RefInfo};
use daggerml::repo::refs::{ReadRefs, Target};
use serde::Serialize;

use crate::complete;
use crate::context::Context;
use crate::error::CommandError;
use crate::ui::{Cell, Report, Table, Ui, style, text};

/// Show what is at a remote, asked for now
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  dml remote show
  dml remote show backup --json | jq -r '.refs[].name'")]
pub struct ShowArgs {
    /// The remote [default: the one that the branch follows, or origin, or the only one]
    #[arg(add = complete::remotes())]
    name: Option<String>,
}

#[derive(Serialize)]
struct Shown {
    name: String,
    url: String,
    refs: Vec<Ref>,
}

#[derive(Serialize)]
struct Ref {
    /// The full name at the remote.
    name: String,
    commit: String,
    /// Where it was when it was last fetched.
    fetched: Option<String>,
    /// The branches here that follow it.
    followers: Vec<String>,
}

impl Ref {
    fn state(&self) -> &'static str {
        match &self.fetched {
            _ if !self.name.starts_with(HEADS) => "",
            None => "not fetched yet",
            Some(commit) if *commit == self.commit => "fetched",
            Some(_) => "moved since it was fetched",
        }
    }
}

impl Report for Shown {
    fn text(&self, ui: &mut Ui) -> io::Result<()> {
        let name = style::paint(style::NAME, &self.name);
        writeln!(ui.out(), "Remote {name}: {}", text::line(&self.url))?;
        let mut table = Table::new(&["REF", "COMMIT", "FOLLOWED BY", "STATE"]);
        for found in &self.refs {
            let shown = found.name.strip_prefix(HEADS).unwrap_or(&found.name);
            table.row([
                Cell::new(style::NAME, shown),
                Cell::id(&found.commit),
                Cell::plain(found.followers.join(", ")),
                Cell::plain(found.state()),
            ]);
        }
        table.write(ui)
    }
}

pub fn run(context: &mut Context<'_>, args: &ShowArgs) -> Result<(), CommandError> {
    let repository = context.repository()?;
    let remote = super::open(&repository, args.name.as_deref())?;
    let followers = followers(&repository, remote.name())?;
    let mut refs = Vec::new();
    for RefInfo { full_name, commit } in remote.refs()? {
        let branch = full_name.strip_prefix(HEADS);
        let fetched = match branch {
            Some(branch) => {
                let tracking = format!("remotes/{}/{branch}", remote.name());
                match repository.snapshot()?.target(&tracking)? {
                    Some(Target::Commit(commit)) => Some(commit.to_string()),
                    _ => None,
                }
            }
            None => None,
        };
        let mine = followers.iter().filter(|(_, to)| Some(&**to) == branch);
        refs.push(Ref {
            followers: mine.map(|(name, _)| name.clone()).collect(),
            commit: commit.to_string(),
            name: full_name,
            fetched,
        });
    }
    if refs.is_empty() {
        context.ui.note("No branches or tags there yet");
    }
    context.ui.report(&Shown {
        name: remote.name().to_owned(),
        url: remote.address().to_owned(),
        refs,
    })
}

/// Returns the branches here that follow `remote`, each with the branch there.
fn followers(repository: &Repository, remote: &str) -> Result<Vec<(String, String)>, CommandError> {
    let mut found = Vec::new();
    for branch in repository.branches()? {
        if let Some(upstream) = repository.upstream(branch.name())?
            && upstream.remote == remote
        {
            found.push((branch.name().to_owned(), upstream.branch));
        }
    }
    Ok(found)
}
