//! What can come next on a command line, for the scripts that `dml completions` prints.
//!
//! Such a script runs `dml` with [`VARIABLE`] set to the name of the shell and the line so far
//! after `--`. So it knows what the repository holds: branches, tags, remotes, DAGs.

use std::ffi::OsString;
use std::path::PathBuf;

use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};
use clap_complete::env::Shells;
use daggerml::config::{KEYS, OF_REMOTES};
use daggerml::execution::Filter;
use daggerml::repo::branches::{HEADS, REMOTES, TAGS};
use daggerml::repo::refs::HEAD;
use daggerml::{Error, Repository};

use crate::ui::style::short;

/// Says which shell asks.
pub const VARIABLE: &str = "_DML_COMPLETE";

/// The most names that are offered.
const MOST: usize = 1000;

/// Returns the answer to a shell that asks; `None` when none does.
pub fn answer(args: &[OsString]) -> Option<Vec<u8>> {
    let shell = std::env::var_os(VARIABLE)?;
    let mut answer = Vec::new();
    let shells = Shells::builtins();
    let shell = shell.to_str().and_then(|name| shells.completer(name));
    if let (Some(shell), Some(line)) = (shell, line(args)) {
        let here = std::env::current_dir().ok();
        let mut command = crate::command();
        // A shell that gets no answer offers nothing.
        let _ = shell.write_complete(&mut command, line.to_vec(), here.as_deref(), &mut answer);
    }
    Some(answer)
}

/// Returns the script for a shell.
pub fn script(shell: &str) -> Vec<u8> {
    let mut script = Vec::new();
    if let Some(shell) = Shells::builtins().completer(shell) {
        // Writing to memory does not fail.
        let _ = shell.write_registration(VARIABLE, "dml", "dml", "dml", &mut script);
    }
    script
}

/// Names of remotes.
pub fn remotes() -> ArgValueCandidates {
    names(|repository| Ok(each(repository.remotes()?, |remote| remote.name)))
}

/// Branches of remotes, as `origin/main`.
pub fn upstreams() -> ArgValueCandidates {
    names(|repository| refs(repository, &[REMOTES]))
}

/// Names of branches.
pub fn branches() -> ArgValueCandidates {
    names(|repository| refs(repository, &[HEADS]))
}

/// Names of tags.
pub fn tags() -> ArgValueCandidates {
    names(|repository| refs(repository, &[TAGS]))
}

/// Names of branches and tags.
pub fn branches_and_tags() -> ArgValueCandidates {
    names(|repository| refs(repository, &[HEADS, TAGS]))
}

/// What stands for a commit: branches, those of remotes, tags, HEAD.
pub fn revisions() -> ArgValueCandidates {
    names(|repository| {
        let mut found = refs(repository, &[HEADS, REMOTES, TAGS])?;
        found.push(HEAD.to_owned());
        Ok(found)
    })
}

/// Names of DAGs in what is checked out.
pub fn dags() -> ArgValueCandidates {
    names(|repository| Ok(each(repository.dags()?, |(name, _)| name.to_string())))
}

/// Settings: those of every repository, and those of the remotes that are here.
pub fn settings() -> ArgValueCandidates {
    names(|repository| {
        let mut found = each(KEYS, |info| info.key.to_owned());
        for remote in repository.remotes()? {
            let name = remote.name;
            found.extend(each(OF_REMOTES, |(key, ..)| format!("remote.{name}.{key}")));
        }
        Ok(found)
    })
}

/// The first digits of the keys of calls: those that run, then the newest.
pub fn calls() -> ArgValueCandidates {
    names(|repository| {
        let mut found = repository.calls(Filter::default())?;
        found.truncate(MOST);
        Ok(each(found, |call| short(&call.key.to_string()).to_owned()))
    })
}

fn refs(repository: &Repository, spaces: &[&str]) -> Result<Vec<String>, Box<Error>> {
    let mut found = Vec::new();
    for space in spaces {
        found.extend(each(repository.refs(space)?, |info| info.name().to_owned()));
    }
    Ok(found)
}

fn each<T>(found: impl IntoIterator<Item = T>, name: impl FnMut(T) -> String) -> Vec<String> {
    found.into_iter().map(name).collect()
}

fn names(
    list: impl Fn(&Repository) -> Result<Vec<String>, Box<Error>> + Send + Sync + 'static,
) -> ArgValueCandidates {
    ArgValueCandidates::new(move || {
        let repository = Repository::discover(&folder()).ok();
        let found = repository.and_then(|repository| list(&repository).ok());
        let found = found.unwrap_or_default().into_iter();
        let harmless = found.filter(|name| is_plain(name)).take(MOST);
        harmless.map(CompletionCandidate::new).collect()
    })
}

/// Returns the words of the line that is completed.
fn line(args: &[OsString]) -> Option<&[OsString]> {
    let start = args.iter().position(|arg| arg == "--")? + 1;
    args.get(start..)
}

/// Returns the folder that the line names with `-C`, else the current one.
fn folder() -> PathBuf {
    let args: Vec<OsString> = std::env::args_os().collect();
    let words = line(&args).unwrap_or_default();
    for (at, word) in words.iter().enumerate() {
        let word = word.to_string_lossy();
        if matches!(&*word, "-C" | "--repository")
            && let Some(folder) = words.get(at + 1)
        {
            return folder.into();
        }
        if let Some(folder) = word.strip_prefix("--repository=") {
            return folder.into();
        }
    }
    ".".into()
}

/// Returns whether a shell takes a name as it is: names come from others, too.
fn is_plain(name: &str) -> bool {
    let fine = |c: char| c.is_alphanumeric() || "-_./@:+=,".contains(c);
    !name.is_empty() && !name.starts_with('-') && name.chars().all(fine)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_a_shell_would_obey_are_not_offered() {
        for name in ["main", "origin/main", "v1.0", "größe", "a=b"] {
            assert!(is_plain(name), "{name}");
        }
        for name in [
            "",
            "-rf",
            "$(date)",
            "a b",
            "a;b",
            "`x`",
            "a\u{202e}b",
            "~",
            "a'b",
            "a*",
        ] {
            assert!(!is_plain(name), "{name}");
        }
    }
}
