//! `dml remote`, and the commands that speak to remotes: `clone`, `fetch`, `pull`, `push`.

mod add;
pub mod clone;
pub mod fetch;
mod fsck;
mod gc;
mod list;
pub mod pull;
pub mod push;
mod remove;
mod report;
mod serve;
mod set_url;
mod show;
mod told;
pub mod upstream;

use std::path::{Component, Path, PathBuf};

use clap::Subcommand;
use daggerml::Repository;
use daggerml::transfer::remote::Remote;
use daggerml::transfer::transport::Address;

use crate::context::Context;
use crate::error::CommandError;

/// Set up the remotes that this repository shares with others
///
/// A remote is a place where several repositories meet: a folder, or an address that a
/// package speaks to. `dml push` and `dml fetch` carry commits there and back.
#[derive(Subcommand, Debug)]
#[command(arg_required_else_help = true)]
pub enum RemoteCommand {
    Add(add::AddArgs),
    List(list::ListArgs),
    Show(show::ShowArgs),
    SetUrl(set_url::SetUrlArgs),
    Remove(remove::RemoveArgs),
    Gc(gc::GcArgs),
    Fsck(fsck::FsckArgs),
    Serve(serve::ServeArgs),
}

pub fn run(context: &mut Context<'_>, command: &RemoteCommand) -> Result<(), CommandError> {
    match command {
        RemoteCommand::Add(args) => add::run(context, args),
        RemoteCommand::List(args) => list::run(context, args),
        RemoteCommand::Show(args) => show::run(context, args),
        RemoteCommand::SetUrl(args) => set_url::run(context, args),
        RemoteCommand::Remove(args) => remove::run(context, args),
        RemoteCommand::Gc(args) => gc::run(context, args),
        RemoteCommand::Fsck(args) => fsck::run(context, args),
        RemoteCommand::Serve(args) => serve::run(context, args),
    }
}

/// Opens the remote `name`, or the one that is meant where none is named.
fn open(repository: &Repository, name: Option<&str>) -> Result<Remote, CommandError> {
    let name = match name {
        Some(name) => name.to_owned(),
        None => repository.default_remote()?.name,
    };
    Ok(Remote::open(repository, &name)?)
}

/// Reads an address. A path is relative to the folder that the command starts from.
fn address(context: &Context<'_>, text: &str) -> Result<Address, CommandError> {
    let folder = context.directory();
    let here =
        std::path::absolute(folder).map_err(|error| CommandError::file("find", folder, &error))?;
    if text.is_empty() || text.starts_with('-') || text.contains("://") {
        return Ok(Address::parse(text, &here)?);
    }
    let path = without_parents(here.join(text));
    Ok(
        Address::parse(text, &here).and_then(|address| match path.to_str() {
            Some(path) => Address::parse(path, &here),
            None => Ok(address),
        })?,
    )
}

/// Returns a path without `..` in it, as far as that is possible.
fn without_parents(path: PathBuf) -> PathBuf {
    if !path.components().any(|part| part == Component::ParentDir) {
        return path;
    }
    let parent = path.parent().map(Path::canonicalize);
    match (parent, path.file_name()) {
        (Some(Ok(parent)), Some(name)) => parent.join(name),
        _ => path.canonicalize().unwrap_or(path),
    }
}
