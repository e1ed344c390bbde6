//! The instructions of the engine's hot paths, counted by valgrind: unlike times, they
//! are the same on a busy machine. What they should be is in `bench/instructions.toml`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value as Json;

use crate::context::Context;
use crate::error::{Error, Result};
use crate::facts;
use crate::log::Log;
use crate::steps::Done;

const FILE: &str = "bench/instructions.toml";

/// The head of that file, which `--write` writes anew.
const HEAD: &str = "\
# Instructions of the engine's hot paths, on x86-64 Linux: `cargo checks instructions`
# counts them anew, and fails on one that grew by more than 5 %. If that is meant, or a
# path became shorter, `cargo checks instructions --write` writes this file; say why in
# the commit. The paths are in crates/daggerml/benches/instructions.rs.
";

/// What is counted: what `measured` of the program does.
const COUNTED: &str = "--toggle-collect=instructions::measured*";

/// How far a count may be above or below what is expected, in percent.
const MARGIN: u64 = 5;

/// How often a path is counted. Times and ids of drafts are in ids of objects, and with them
/// the order of entries: so counts differ by a few percent. The largest is what is
/// expected, and a path has grown if all are above.
const ROUNDS: u32 = 3;

/// Counts every path, and compares; writes the counts if asked to.
pub fn run(context: &Context, log: &mut Log) -> Result<Done> {
    if cfg!(not(all(target_os = "linux", target_arch = "x86_64"))) {
        let why = "the counts are those of x86-64 Linux";
        return Ok(Done::Skipped(why.to_owned()));
    }
    if context
        .command("valgrind")
        .arg("--version")
        .output()
        .is_err()
    {
        return Ok(Done::Skipped("valgrind is not installed".to_owned()));
    }
    let program = build(context, log)?;
    let names = log.output(&mut Command::new(&program))?;
    let expected: BTreeMap<String, u64> = facts::table(context, FILE)?;
    let mut counts = BTreeMap::new();
    for name in names.lines() {
        let counted = if context.write {
            let all = (0..ROUNDS).map(|_| count(context, log, &program, name));
            all.collect::<Result<Vec<_>>>()?.into_iter().max()
        } else {
            let limit = expected.get(name).map_or(0, |count| most(*count));
            least(ROUNDS, limit, || count(context, log, &program, name))?
        };
        counts.extend(counted.map(|count| (name.to_owned(), count)));
    }
    let lines = counts
        .iter()
        .map(|(name, count)| format!("{name} = {count}\n"));
    let lines = lines.collect::<Vec<_>>().concat();
    if context.write {
        let path = context.root.join(FILE);
        fs::write(&path, format!("{HEAD}{lines}")).map_err(Error::io(&path))?;
        return Ok(Done::Passed(format!("{FILE} written")));
    }
    // For `bench/all.py`, which compares them with those of its last run.
    let told = context.root.join("target/bench/instructions.toml");
    let folder = told.parent().unwrap_or(&context.root);
    fs::create_dir_all(folder).map_err(Error::io(folder))?;
    fs::write(&told, lines).map_err(Error::io(&told))?;
    let (findings, shorter) = compared(&expected, &counts);
    for hint in shorter {
        log.say(hint);
    }
    log.findings(&findings)?;
    Ok(Done::Passed(format!("{} paths", counts.len())))
}

/// Returns the largest count that is no growth.
fn most(expected: u64) -> u64 {
    expected + expected * MARGIN / 100
}

/// Returns the first of `rounds` counts that is within `limit`, or the least of all.
fn least(rounds: u32, limit: u64, mut count: impl FnMut() -> Result<u64>) -> Result<Option<u64>> {
    let mut least = None;
    for _ in 0..rounds {
        let now = count()?;
        least = Some(least.map_or(now, |least: u64| least.min(now)));
        if now <= limit {
            break;
        }
    }
    Ok(least)
}

/// Builds the program of the paths, and returns where it is.
fn build(context: &Context, log: &mut Log) -> Result<PathBuf> {
    let mut cargo = context.cargo();
    cargo.args(["bench", "--quiet", "--locked", "-p", "daggerml"]);
    cargo.args(["--profile", "counted"]);
    cargo.args(["--bench", "instructions", "--no-run"]);
    let text = log.output(cargo.arg("--message-format=json"))?;
    let messages = text
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    let mut programs = messages.filter_map(|message: Json| {
        let program = message.get("executable")?.as_str()?;
        Some(PathBuf::from(program))
    });
    programs.next_back().ok_or_else(|| Error::Missing {
        what: "cargo built no program of the bench `instructions`".to_owned(),
    })
}

/// Returns how many instructions a path takes.
fn count(context: &Context, log: &mut Log, program: &Path, name: &str) -> Result<u64> {
    let counted = context.work.join("instructions.out");
    let mut valgrind = context.command("valgrind");
    valgrind.args(["--tool=callgrind", COUNTED]);
    valgrind.arg(format!("--callgrind-out-file={}", counted.display()));
    log.run(valgrind.arg(program).arg(name))?;
    let text = fs::read_to_string(&counted).map_err(Error::io(&counted))?;
    let summary = text.lines().find_map(|line| line.strip_prefix("summary: "));
    let count = summary.and_then(|count| count.trim().parse().ok());
    count
        .filter(|count| *count > 0)
        .ok_or_else(|| Error::Malformed {
            path: counted,
            problem: format!("valgrind counted nothing of `{name}`"),
        })
}

/// Returns what is wrong with the counts, and which could be written anew.
fn compared(
    expected: &BTreeMap<String, u64>,
    counts: &BTreeMap<String, u64>,
) -> (Vec<String>, Vec<String>) {
    let (mut wrong, mut shorter) = (Vec::new(), Vec::new());
    for (name, &count) in counts {
        match expected.get(name) {
            None => wrong.push(format!("{FILE} does not have {name} = {count}")),
            Some(&was) if count > most(was) => {
                wrong.push(format!(
                    "{name}: {count} instructions, where {was} are expected"
                ));
            }
            Some(&was) if count < was - was * MARGIN / 100 => {
                shorter.push(format!("hint: {name} takes {count} now, not {was}"));
            }
            Some(_) => {}
        }
    }
    let gone = expected.keys().filter(|name| !counts.contains_key(*name));
    wrong.extend(gone.map(|name| format!("{FILE}: there is no path {name}")));
    (wrong, shorter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_counted_again_until_it_is_within_the_limit() {
        let run = |counts: &[u64]| {
            let mut counts = counts.iter().copied();
            let found = least(3, 10, || Ok(counts.next().unwrap())).unwrap();
            (found, counts.count())
        };
        assert_eq!(run(&[10, 1]), (Some(10), 1));
        assert_eq!(run(&[12, 9, 1]), (Some(9), 1));
        assert_eq!(run(&[12, 13, 11]), (Some(11), 0));
    }

    #[test]
    fn only_growth_beyond_the_margin_is_wrong() {
        let of = |entries: &[(&str, u64)]| -> BTreeMap<String, u64> {
            let entries = entries.iter();
            entries
                .map(|&(name, count)| (name.to_owned(), count))
                .collect()
        };
        let expected = of(&[("a", 1000), ("b", 1000), ("c", 1000), ("gone", 1)]);
        let counts = of(&[("a", 1050), ("b", 1051), ("c", 900), ("new", 5)]);
        let (wrong, shorter) = compared(&expected, &counts);
        assert_eq!(wrong.len(), 3, "{wrong:?}");
        assert!(wrong[0].starts_with("b: 1051"), "{wrong:?}");
        assert!(wrong[1].contains("new = 5") && wrong[2].contains("no path gone"));
        assert_eq!(shorter, ["hint: c takes 900 now, not 1000"]);
    }
}
