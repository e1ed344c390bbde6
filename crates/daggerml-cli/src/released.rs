//! Commands and options of daggerml 0.1.x that are not ours: what is typed instead.
//!
//! They are not in any help. Who types one out of habit gets an error that names ours.

use std::ffi::OsString;

use crate::error::CommandError;

/// Options of ours that are followed by a value, and come before a command.
const WITH_VALUE: [&str; 3] = ["-C", "--repository", "--color"];

/// Options of 0.1.x that are followed by a value, with what is typed instead.
const OPTIONS: [(&str, &str); 10] = [
    ("--project-home", "-C DIR names the repository"),
    (
        "--db-path",
        "a repository has no other files than its own `.dml`",
    ),
    ("--db-map-size-headroom", "the store grows by itself"),
    ("--db-map-size-max", "the store grows by itself"),
    (
        "--default-branch-name",
        "`dml branch -m main NAME` renames a branch",
    ),
    (
        "--remote-root",
        "`dml remote add origin ADDRESS` adds a remote to a repository",
    ),
    (
        "--remote-prune-age-seconds",
        "nothing is set up for that; leave it out",
    ),
    (
        "--remote-fetch-workers",
        "nothing is set up for that; leave it out",
    ),
    ("--user", "`dml config user.name NAME` says who commits"),
    (
        "--config-home",
        "the environment variable DML_CONFIG_DIR names the folder of the user's settings",
    ),
];

const DEPENDENCIES: &str = "a dependency is a remote here: `dml remote add NAME ADDRESS`, then \
                            `dml fetch NAME`";
const NODES: &str = "`dml dag node DAG NODE` shows a node";
const EXECS: &str = "`dml exec show KEY` shows a call, and `dml exec list` all of them";
const IN_PYTHON: &str = "a DAG is made in Python, by `daggerml.new(NAME)`; `dml index list` \
                         shows the open ones";
const SKILLS: &str =
    "guidance for agents is no part of this; `dml --help` and the guides have it all";

/// The commands; one word stands for all that follow it.
const COMMANDS: [(&str, &str); 34] = [
    (
        "branch create",
        "`dml branch NAME [REVISION]` makes a branch",
    ),
    ("branch delete", "`dml branch -d NAME` deletes a branch"),
    (
        "branch get-upstream",
        "`dml branch` shows what branches follow",
    ),
    ("branch list", "`dml branch` lists the branches"),
    (
        "branch move",
        "`dml branch -f NAME REVISION` moves a branch",
    ),
    ("branch rename", "`dml branch -m OLD NEW` renames a branch"),
    (
        "branch set-upstream",
        "`dml branch --set-upstream origin/BRANCH` lets a branch follow it",
    ),
    (
        "cache",
        "`dml exec list`, `dml exec show KEY` and `dml exec invalidate KEY` do it",
    ),
    ("config get", "`dml config KEY` shows a setting"),
    ("config set", "`dml config KEY VALUE` changes a setting"),
    ("config show", "`dml config` lists the settings"),
    (
        "contrib",
        "`daggerml.contrib.status` in Python tells of adapters and codecs",
    ),
    (
        "dag checkout",
        "`daggerml.load(NAME, revision=...)` in Python reads a DAG of any branch, \
                      and `dml merge` brings a branch's DAGs over",
    ),
    ("dag describe", "`dml dag show DAG` describes a DAG"),
    ("dag describe-node", NODES),
    (
        "dag get-argv",
        "`dml dag show DAG` shows a DAG with its argv",
    ),
    (
        "dag get-error",
        "`dml dag show DAG` shows the error of a DAG",
    ),
    (
        "dag get-node",
        "`dml dag get DAG NODE` prints the value of a node",
    ),
    ("dag get-node-by-name", NODES),
    ("dep", DEPENDENCIES),
    ("index create", IN_PYTHON),
    (
        "project",
        "`dml init` makes a repository, and `dml status` tells of it",
    ),
    (
        "repo",
        "`dml init` makes a repository, and `dml status` tells of it",
    ),
    (
        "runtime cancel",
        "`dml exec cancel KEY` stops a call, and `dml index discard` throws an \
                        draft away",
    ),
    (
        "runtime describe",
        "`dml index list --verbose` tells of the drafts",
    ),
    ("runtime describe-graph", EXECS),
    ("runtime list", "`dml index list` lists the drafts"),
    ("runtime read-execution-record", EXECS),
    (
        "runtime unfreeze",
        "`dml index resume` goes on with a draft",
    ),
    ("runtime", IN_PYTHON),
    ("skills", SKILLS),
    ("tag create", "`dml tag NAME [REVISION]` makes a tag"),
    ("tag delete", "`dml tag -d NAME` deletes a tag"),
    ("tag list", "`dml tag` lists the tags"),
];

/// Returns the answer to a command of 0.1.x that is not ours; `None` for all others.
pub fn answer(args: &[OsString]) -> Option<CommandError> {
    let (first, second) = words(args);
    let first = first?;
    let pair = second.map(|second| format!("{first} {second}"));
    let (typed, hint) = COMMANDS
        .iter()
        .find(|(command, _)| Some(*command) == pair.as_deref() || *command == first)?;
    let message = format!("`dml {typed}` is a command of daggerml 0.1");
    let error = CommandError::wrong_usage(message).hint(*hint);
    Some(match first {
        "branch" | "tag" => {
            let name = second.unwrap_or_default();
            error.hint(format!("a {first} of that name: `dml {first} -- {name}`"))
        }
        _ => error,
    })
}

/// Returns what is typed instead of an option of 0.1.x.
pub fn instead_of(option: &str) -> Option<&'static str> {
    let name = option.split('=').next().unwrap_or(option);
    let name = name.split(' ').next().unwrap_or(name);
    OPTIONS
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, hint)| *hint)
}

/// Returns the command, and the word that follows it at once.
fn words(args: &[OsString]) -> (Option<&str>, Option<&str>) {
    let mut rest = args.iter().skip(1).map(|arg| arg.to_str().unwrap_or("-"));
    let mut first = None;
    while let Some(word) = rest.next() {
        if WITH_VALUE.contains(&word) || OPTIONS.iter().any(|(option, _)| *option == word) {
            rest.next();
        } else if word == "--" {
            return (first, None);
        } else if !word.starts_with('-') {
            if first.is_some() {
                return (first, Some(word));
            }
            first = Some(word);
        }
    }
    (first, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(line: &str) -> Option<String> {
        let args: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        let hints = answer(&args)?.hints().to_vec();
        hints.into_iter().next()
    }

    #[test]
    fn what_was_is_answered_with_what_is() {
        for line in ["dml dep", "dml -C here dep list", "dml --json dep add a b"] {
            assert_eq!(typed(line).as_deref(), Some(DEPENDENCIES), "{line}");
        }
        assert!(typed("dml branch list").is_some());
        assert!(typed("dml --project-home x branch --json list").is_some());
        assert!(typed("dml runtime put-literal x").is_some());
        assert!(typed("dml index create").is_some());
    }

    #[test]
    fn ours_is_left_alone() {
        for line in [
            "dml",
            "dml branch",
            "dml branch -- list",
            "dml branch lists",
            "dml -C push status",
            "dml index list",
            "dml config user.name list",
            "dml tag v1 list",
            "dml dag delete x",
            "dml rev-parse branch",
        ] {
            assert_eq!(typed(line), None, "{line}");
        }
    }

    #[test]
    fn none_of_them_is_a_command_of_ours() {
        let tree = crate::command();
        for (command, hint) in COMMANDS {
            let mut at = Some(&tree);
            for word in command.split(' ') {
                at = at.and_then(|at| at.find_subcommand(word));
            }
            assert!(at.is_none(), "{command}");
            assert!(!hint.is_empty());
        }
    }
}
