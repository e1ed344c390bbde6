use std::path::PathBuf;

use clap::{Args, ValueHint};

use crate::context::Context;
use crate::error::{CommandError, CommandErrorKind};
use crate::files;
use crate::man_page::page;

/// Print a manual page, or write all of them
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  dml man | man -l -                 read the page of dml
  dml man dag graph | man -l -       read the page of dml dag graph
  dml man --dir ~/.local/share/man/man1")]
pub struct ManArgs {
    /// The command whose page to print [default: dml itself]
    command: Vec<String>,

    /// Write every page into DIR instead, which is made if need be
    #[arg(long, value_name = "DIR", conflicts_with = "command", value_hint = ValueHint::DirPath)]
    dir: Option<PathBuf>,
}

pub fn run(context: &mut Context<'_>, args: &ManArgs) -> Result<(), CommandError> {
    let pages = pages();
    if let Some(dir) = &args.dir {
        files::make_folder(dir)?;
        for (name, page) in &pages {
            let path = dir.join(format!("{name}.1"));
            files::write(&path, page)?;
        }
        return context.ui.wrote(dir);
    }
    let name = std::iter::once("dml")
        .chain(args.command.iter().map(String::as_str))
        .collect::<Vec<_>>()
        .join("-");
    match pages.into_iter().find(|(page, _)| *page == name) {
        Some((_, page)) => context.ui.document("page", &page),
        None => Err(CommandError::new(
            CommandErrorKind::Engine(daggerml::ErrorKind::NotFound),
            format!("there is no command `dml {}`", args.command.join(" ")),
        )
        .hint("`dml --help` lists the commands")),
    }
}

/// Every page by its name (`dml-dag-list`), in the order of the help.
fn pages() -> Vec<(String, Vec<u8>)> {
    let mut root = crate::command();
    root.build();
    let mut pages = Vec::new();
    collect(&root, "dml", &mut pages);
    pages
}

fn collect(command: &clap::Command, name: &str, pages: &mut Vec<(String, Vec<u8>)>) {
    pages.push((name.to_owned(), page(command, name).into_bytes()));
    for sub in command.get_subcommands() {
        collect(sub, &format!("{name}-{}", sub.get_name()), pages);
    }
}
