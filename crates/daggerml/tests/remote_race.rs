//! Two processes push to one branch at the same moment: one wins, the other is told so.
//!
//! `DML_RACE_ROUNDS` sets how often (20).
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "helpers of tests fail by panicking; a worker tells what it did"
)]

mod support;

use std::io::{BufRead, BufReader, Lines, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use daggerml::Repository;
use daggerml::error::{Error, RemoteError};
use daggerml::history::Favor;
use daggerml::transfer::remote::{CloneOptions, PullOptions, PushOptions, Remote, clone};
use daggerml::transfer::transport::Address;
use daggerml::value::Value;
use support::{child, clean, commit};

/// What marks a line as an answer.
const MARK: &str = "@ ";

/// Does what it is told, line by line.
#[test]
fn pusher() {
    let Ok(place) = std::env::var("DML_TEST_RACE") else {
        return;
    };
    let repository = Repository::open(Path::new(&place)).unwrap();
    let origin = Remote::open(&repository, "origin").unwrap();
    let pull = PullOptions {
        favor: Favor::Theirs,
        ..PullOptions::default()
    };
    for (number, line) in std::io::stdin().lock().lines().enumerate() {
        match line.unwrap().as_str() {
            "commit" => {
                let value = Value::from(format!("{place} {number}").as_str());
                commit(&repository, "dag", [value]);
                println!("{MARK}{}", repository.head().unwrap().unwrap());
            }
            "push" => match origin.push(&repository, &PushOptions::default(), &()) {
                Ok(_) => println!("{MARK}won"),
                Err(error) => match *error {
                    Error::Remote(RemoteError::Rejected { .. }) => println!("{MARK}told"),
                    error => println!("{MARK}{error:?}"),
                },
            },
            _ => {
                origin.pull(&repository, &pull, &()).unwrap();
                println!("{MARK}pulled");
            }
        }
    }
}

struct Pusher {
    process: Child,
    tell: Option<ChildStdin>,
    told: Lines<BufReader<ChildStdout>>,
}

impl Pusher {
    fn new(place: &Path) -> Self {
        let mut process = child("pusher", "DML_TEST_RACE", place.to_str().unwrap())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let told = BufReader::new(process.stdout.take().unwrap()).lines();
        Self {
            tell: process.stdin.take(),
            process,
            told,
        }
    }

    fn tell(&mut self, line: &str) {
        writeln!(self.tell.as_mut().unwrap(), "{line}").unwrap();
    }

    fn told(&mut self) -> String {
        loop {
            // The harness writes before the first answer, on the same line.
            let line = self.told.next().unwrap().unwrap();
            if let Some((_, answer)) = line.split_once(MARK) {
                return answer.to_owned();
            }
        }
    }
}

#[test]
fn of_two_pushes_at_once_one_wins_and_the_other_is_told() {
    let rounds = std::env::var("DML_RACE_ROUNDS").map_or(20, |text| text.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let address = Address::parse(root.join("remote").to_str().unwrap(), root).unwrap();
    let first = Repository::init(&root.join("0")).unwrap();
    first.add_remote("origin", address.as_str()).unwrap();
    commit(&first, "first", [Value::Null]);
    let origin = Remote::open(&first, "origin").unwrap();
    origin.push(&first, &PushOptions::default(), &()).unwrap();
    let second = root.join("1");
    clone(&address, &second, &CloneOptions::default(), &()).unwrap();
    let mut pushers = [Pusher::new(&root.join("0")), Pusher::new(&second)];
    let mut wins = [0, 0];
    for round in 0..rounds {
        let mut ask = |line| {
            pushers.iter_mut().for_each(|pusher| pusher.tell(line));
            pushers.each_mut().map(Pusher::told)
        };
        let commits = ask("commit");
        let answers = ask("push");
        let winner = match answers.each_ref().map(String::as_str) {
            ["won", "told"] => 0,
            ["told", "won"] => 1,
            _ => panic!("round {round}: {answers:?}"),
        };
        wins[winner] += 1;
        let refs = origin.refs().unwrap();
        assert_eq!(refs[0].commit.to_string(), commits[winner], "round {round}");
        ask("pull");
    }
    for mut pusher in pushers {
        pusher.tell = None;
        assert!(pusher.process.wait().unwrap().success());
    }
    let report = origin.fsck(&()).unwrap();
    assert!(report.is_clean(), "{:#?}", report.findings);
    clean(first.store());
    eprintln!(
        "{rounds} rounds, won by the first {} times, by the second {}",
        wins[0], wins[1]
    );
}
