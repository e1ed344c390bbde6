//! Runs steps one after another, shows where it is, and sums up.

use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use crate::context::Context;
use crate::error::Result;
use crate::log::Log;
use crate::stamp::{Stamp, dist_hash};
use crate::steps::{self, Done, Step, When};

/// How many lines of a failed step's log are shown.
const TAIL: usize = 60;
/// How many names of tests that failed come before them.
const NAMES: usize = 20;

/// How the run behaves.
pub struct Options {
    /// Stop at the first failure.
    pub fail_fast: bool,
    /// Programs print to the terminal.
    pub verbose: bool,
}

/// How one step ended.
enum Ended {
    Passed { note: String, cached: bool },
    Failed { why: String },
    Skipped { why: String },
}

/// Returns the steps to run, in the order of the list: those named and what they
/// need, or else what a change needs, or else all; less `skip`. The error is a name
/// that no step has.
pub fn plan(
    names: &[String],
    skip: &[String],
    all: bool,
) -> std::result::Result<Vec<&'static Step>, String> {
    for name in names.iter().chain(skip) {
        steps::find(name).ok_or_else(|| name.clone())?;
    }
    let mut wanted: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut next = 0;
    while let Some(step) = wanted.get(next).and_then(|name| steps::find(name)) {
        wanted.extend(step.needs);
        next += 1;
    }
    let chosen = |step: &Step| match (all, names.is_empty()) {
        (true, _) => step.when != When::Change,
        (false, true) => step.when != When::All,
        (false, false) => wanted.contains(&step.name),
    };
    Ok(steps::ALL
        .iter()
        .filter(|step| chosen(step))
        .filter(|step| !skip.iter().any(|name| name == step.name))
        .collect())
}

/// Runs the steps; success if none failed.
pub fn run(context: &Context, plan: &[&'static Step], options: &Options) -> ExitCode {
    let started = Instant::now();
    let mut results: Vec<(&Step, Ended, Duration)> = Vec::new();
    for (index, step) in plan.iter().enumerate() {
        let begun = Instant::now();
        let place = format!("[{:>2}/{}] {:<12}", index + 1, plan.len(), step.name);
        // A step that was left out on purpose is taken to have passed.
        let broken = step.needs.iter().find(|need| {
            let ended = results.iter().find(|(other, _, _)| other.name == **need);
            ended.is_some_and(|(_, ended, _)| !matches!(ended, Ended::Passed { .. }))
        });
        let ended = match broken {
            Some(need) => Ended::Skipped {
                why: format!("needs `{need}`, which did not pass"),
            },
            None => one(context, step, &place, options),
        };
        report(&place, &ended, begun.elapsed());
        let failed = matches!(ended, Ended::Failed { .. });
        results.push((step, ended, begun.elapsed()));
        if failed && options.fail_fast {
            break;
        }
    }
    summary(&results, started.elapsed())
}

fn one(context: &Context, step: &Step, place: &str, options: &Options) -> Ended {
    let path = context.work.join("logs").join(format!("{}.log", step.name));
    let mut log = match Log::create(&path, options.verbose) {
        Ok(log) => log,
        Err(error) => {
            return Ended::Failed {
                why: error.to_string(),
            };
        }
    };
    let attempt = ticking(place, options.verbose, || attempt(context, step, &mut log));
    match attempt {
        Ok((Done::Passed(note), cached)) => Ended::Passed { note, cached },
        Ok((Done::Skipped(why), _)) => Ended::Skipped { why },
        Err(error) => {
            if !options.verbose {
                println!("{place} failed; the end of {}:", log.path().display());
                let text = log.text();
                let lines: Vec<&str> = text.lines().collect();
                let names = lines.iter().filter(|line| names_a_failure(line));
                for line in names.take(NAMES) {
                    println!("    {line}");
                }
                for line in &lines[lines.len().saturating_sub(TAIL)..] {
                    println!("    {line}");
                }
            }
            Ended::Failed {
                why: error.to_string(),
            }
        }
    }
}

/// Does the line name a test that failed? Those come first: what shows the output may cut its end.
fn names_a_failure(line: &str) -> bool {
    ["FAILED ", "ERROR ", "        FAIL ["]
        .iter()
        .any(|start| line.starts_with(start))
}

/// Runs the step, or finds that it passed with the very same inputs.
fn attempt(context: &Context, step: &Step, log: &mut Log) -> Result<(Done, bool)> {
    let stamp = Stamp::of(context, step)?;
    let outputs = |()| {
        if step.makes_dist {
            dist_hash(context)
        } else {
            Ok(String::new())
        }
    };
    if let Some(stamp) = &stamp {
        // Minutes are asked for to look further than the run before.
        let further = step.name == "fuzz" && context.fuzzing.minutes.is_some();
        if context.use_cache
            && !further
            && let Some(note) = stamp.note(&outputs(())?)
        {
            return Ok((Done::Passed(note), true));
        }
        stamp.forget();
    }
    let done = (step.run)(context, log)?;
    if let (Done::Passed(note), Some(stamp)) = (&done, &stamp) {
        stamp.keep(&outputs(())?, note)?;
    }
    Ok((done, false))
}

/// Shows that the step is running: a counter on a terminal, else a line a minute.
fn ticking<T>(place: &str, verbose: bool, work: impl FnOnce() -> T) -> T {
    let terminal = std::io::stdout().is_terminal() && !verbose;
    let pause = Duration::from_secs(if terminal { 1 } else { 60 });
    let started = Instant::now();
    if terminal {
        print!("{place} ...");
        let _ = std::io::stdout().flush();
    }
    let (stop, stopped) = mpsc::channel::<()>();
    let result = thread::scope(|scope| {
        scope.spawn(move || {
            while stopped.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
                let seconds = started.elapsed().as_secs();
                if terminal {
                    print!("\r{place} ... {seconds} s");
                } else {
                    println!("{place} ... running for {seconds} s");
                }
                let _ = std::io::stdout().flush();
            }
        });
        let result = work();
        drop(stop);
        result
    });
    if terminal {
        print!("\r{:width$}\r", "", width = place.len() + 16);
    }
    result
}

fn report(place: &str, ended: &Ended, took: Duration) {
    let (word, text) = described(ended);
    println!("{place} {word:<8}{:>6.1} s  {text}", took.as_secs_f64());
}

fn described(ended: &Ended) -> (&'static str, String) {
    match ended {
        Ended::Passed {
            note,
            cached: false,
        } => ("ok", note.clone()),
        Ended::Passed { note, cached: true } => {
            ("ok", format!("{note} (unchanged since it passed)"))
        }
        Ended::Failed { why } => ("FAILED", why.clone()),
        Ended::Skipped { why } => ("skipped", why.clone()),
    }
}

fn summary(results: &[(&Step, Ended, Duration)], took: Duration) -> ExitCode {
    let count =
        |wanted: fn(&Ended) -> bool| results.iter().filter(|(_, ended, _)| wanted(ended)).count();
    let passed = count(|ended| matches!(ended, Ended::Passed { .. }));
    let failed = count(|ended| matches!(ended, Ended::Failed { .. }));
    let skipped = count(|ended| matches!(ended, Ended::Skipped { .. }));
    println!("\nstep         result     time");
    for (step, ended, took) in results {
        let (word, text) = described(ended);
        println!(
            "{:<12} {word:<8}{:>5.1} s  {text}",
            step.name,
            took.as_secs_f64()
        );
    }
    for (step, ended, _) in results {
        if matches!(ended, Ended::Failed { .. }) {
            println!(
                "\n`{}` failed; alone: cargo checks {} --verbose",
                step.name, step.name
            );
        }
    }
    println!("\n{:.0} s in all", took.as_secs_f64());
    let ran = |step: &Step| results.iter().any(|(other, _, _)| other.name == step.name);
    let left = steps::ALL
        .iter()
        .filter(|step| step.when != When::Change && !ran(step));
    let left = left.count();
    if left > 0 {
        println!("{left} steps were left out (`cargo checks --all` runs every one)");
    }
    println!("{passed} passed, {failed} failed, {skipped} skipped");
    if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(plan: &[&Step]) -> Vec<&'static str> {
        plan.iter().map(|step| step.name).collect()
    }

    #[test]
    fn a_step_brings_what_it_needs_before_it() {
        let plan = plan(&["pytest".to_owned()], &[], false).unwrap();
        assert_eq!(names(&plan), ["toolchain", "wheels", "pytest"]);
    }

    #[test]
    fn an_unknown_step_is_named() {
        assert_eq!(
            plan(&["pytets".to_owned()], &[], false).err().as_deref(),
            Some("pytets")
        );
        let unknown = plan(&[], &["x".to_owned()], true).err();
        assert_eq!(unknown.as_deref(), Some("x"));
    }

    #[test]
    fn all_steps_run_but_those_left_out() {
        let all = plan(&[], &[], true).unwrap();
        let less = plan(&[], &["fmt".to_owned()], true).unwrap();
        let left = steps::ALL.iter().filter(|step| step.when == When::Change);
        assert_eq!(all.len(), steps::ALL.len() - left.count());
        assert_eq!(less.len(), all.len() - 1);
    }

    #[test]
    fn a_change_needs_fewer_steps_and_those_that_they_need() {
        let few = names(&plan(&[], &[], false).unwrap());
        assert!(few.contains(&"test") && few.contains(&"python"));
        assert!(!few.contains(&"fuzz") && !few.contains(&"pythons"));
        for name in &few {
            let needs = steps::find(name).unwrap().needs;
            assert!(needs.iter().all(|need| few.contains(need)), "{name}");
        }
    }

    #[test]
    fn what_a_step_needs_comes_before_it() {
        for (index, step) in steps::ALL.iter().enumerate() {
            for need in step.needs {
                let place = steps::ALL.iter().position(|other| other.name == *need);
                assert!(
                    place.is_some_and(|place| place < index),
                    "{} needs {need}",
                    step.name
                );
            }
        }
    }
}
