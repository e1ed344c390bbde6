//! The reference page is the help of every command, and the specification lists them all.
//!
//! After a change of the help: `UPDATE_DOCS=1 cargo test -p daggerml-cli --test reference`.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::fmt::Write as _;
use std::path::PathBuf;

use common::Place;

const INTRODUCTION: &str = "# The `dml` command

<!-- Generated from the program's own help: see crates/daggerml-cli/tests/reference.rs. -->

What each command prints with `--help`. What programs may rely on (exit codes, the
shapes of JSON) is in the [specification](../spec/cli.md).
";

fn docs(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../docs")
        .join(path)
}

/// Every command that does something, as words: `dag list`.
fn commands() -> Vec<Vec<String>> {
    fn collect(command: &clap::Command, words: &[String], found: &mut Vec<Vec<String>>) {
        found.push(words.to_vec());
        for sub in command.get_subcommands() {
            let words = [words, &[sub.get_name().to_owned()]].concat();
            collect(sub, &words, found);
        }
    }
    let mut found = Vec::new();
    collect(&daggerml_cli::command(), &[], &mut found);
    found
}

#[test]
fn the_reference_page_is_the_help() {
    let place = Place::empty();
    let mut page = INTRODUCTION.to_owned();
    for words in commands() {
        let mut args: Vec<&str> = words.iter().map(String::as_str).collect();
        let title = [&["dml"], args.as_slice()].concat().join(" ");
        args.push("--help");
        let run = place.dml(&args);
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{title}");
        write!(
            page,
            "\n## `{title}`\n\n```text\n{}\n```\n",
            run.stdout.trim_end()
        )
        .unwrap();
    }
    let path = docs("reference/cli.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &page).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    let first = page
        .lines()
        .zip(written.lines())
        .find(|(wanted, found)| wanted != found);
    assert!(
        page == written,
        "docs/reference/cli.md is not the help as it is now (first difference: {first:?}); \
         run: UPDATE_DOCS=1 cargo test -p daggerml-cli --test reference"
    );
}

#[test]
fn the_specification_lists_every_command() {
    let spec = std::fs::read_to_string(docs("spec/cli.md")).unwrap();
    let mut wanted: Vec<String> = commands()
        .iter()
        .filter(|words| {
            let mut command = &daggerml_cli::command();
            let root = command.clone();
            command = &root;
            for word in *words {
                command = command.find_subcommand(word).unwrap();
            }
            command.get_subcommands().next().is_none()
        })
        .map(|words| words.join(" "))
        .collect();
    wanted.sort();
    // Rows of the table of commands: | `dag list` | ... |
    let mut listed: Vec<String> = spec
        .lines()
        .filter_map(|line| line.strip_prefix("| `dml "))
        .filter_map(|row| Some(row.split_once('`')?.0.to_owned()))
        .collect();
    listed.sort();
    assert_eq!(listed, wanted);
}

#[test]
fn every_command_has_examples() {
    for words in commands() {
        let mut command = daggerml_cli::command();
        for word in &words {
            command = command.find_subcommand(word).unwrap().clone();
        }
        if command.get_subcommands().next().is_some() {
            continue;
        }
        let help = command
            .get_after_help()
            .map(ToString::to_string)
            .unwrap_or_default();
        assert!(help.starts_with("Examples:\n  dml "), "{words:?}: {help}");
    }
}
