//! One byte of a store is changed: whatever a read then finds wrong, or tells otherwise
//! than it was written, `fsck` finds too.
//!
//! Each changed copy is looked at in a child process, so that a crash is seen as one.
//! `DML_EDIT_ROUNDS` sets how many there are (300), `DML_EDIT_FIRST` the first seed.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "helpers of tests fail by panicking; small numbers"
)]

mod adapter;
mod support;

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use daggerml::execution::Filter;
use daggerml::history::HistoryOptions;
use daggerml::id::{ObjectId, TypedId};
use daggerml::maintenance::fsck::fsck;
use daggerml::maintenance::gc;
use daggerml::record::{AnyRecord, Kind, Reference};
use daggerml::store::{ReadEntries, ReadObjects, Table};
use daggerml::transfer::create;
use daggerml::{Error, Repository, Result};
use support::Random;
use support::damaged::{PAGE, each_copy, in_children, number, pristine, task};

/// What every read finds, by what was asked.
type Transcript = BTreeMap<String, std::result::Result<String, String>>;

struct Reading<'t>(&'t mut Transcript);

impl Reading<'_> {
    fn note<T>(
        &mut self,
        what: impl Into<String>,
        found: Result<T>,
        text: impl Fn(&T) -> String,
    ) -> Option<T> {
        let told = match &found {
            Ok(found) => Ok(text(found)),
            // What was excised is not damaged.
            Err(error) if matches!(**error, Error::Excised { .. }) => Ok(error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        self.0.insert(what.into(), told);
        found.ok()
    }
}

/// What was found, short enough to be told.
fn debug<T: std::fmt::Debug>(found: &T) -> String {
    let text = format!("{found:?}");
    if text.len() < 60 {
        return text;
    }
    let id = ObjectId::of(text.as_bytes()).to_string();
    format!("{} bytes {id:.8}", text.len())
}

/// Asks everything that can be asked. `known` are the questions about single things
/// that were there when nothing was damaged.
fn read_all(root: &Path, known: &Known) -> Transcript {
    let mut found = Transcript::new();
    let mut reading = Reading(&mut found);
    let opened = reading.note("open", Repository::open(root), |_| String::new());
    if let Some(repository) = opened
        && let Some(snapshot) = reading.note("snapshot", repository.snapshot(), |_| String::new())
    {
        of_repository(&repository, &mut reading);
        for (kind, id) in &known.objects {
            let bytes = snapshot
                .object(*id, *kind)
                .map(|bytes| ObjectId::of(bytes).to_string());
            reading.note(format!("{kind} {id}"), bytes, Clone::clone);
        }
        for (table, key) in &known.entries {
            let bytes = snapshot.get(*table, key);
            reading.note(
                format!(
                    "{} {}",
                    table.name(),
                    String::from_utf8_lossy(key).escape_debug()
                ),
                bytes,
                debug,
            );
        }
    }
    found
}

fn of_repository(repository: &Repository, reading: &mut Reading<'_>) {
    reading.note("head", repository.head_state(), debug);
    reading.note("branches", repository.refs(""), debug);
    reading.note("indexes", repository.drafts(), debug);
    reading.note("merge", repository.merge_state(), debug);
    reading.note("count", repository.dag_count(), debug);
    for (name, id) in reading
        .note("dags", repository.dags(), debug)
        .unwrap_or_default()
    {
        let what = format!("dag {name}");
        let Some(view) = reading.note(&what, repository.view(id), |view| debug(view.dag())) else {
            continue;
        };
        for node in view.nodes() {
            reading.note(format!("{what} {node}"), view.node(*node), debug);
            reading.note(format!("{what} value {node}"), view.value(*node), debug);
        }
    }
    let head = repository.head();
    if let Ok(Some(head)) = head {
        let options = HistoryOptions {
            include: vec![head],
            ..HistoryOptions::default()
        };
        let log = repository
            .log(options)
            .and_then(Iterator::collect::<Result<Vec<_>>>);
        let log = reading.note("log", log, |log| {
            debug(
                &log.iter()
                    .map(|entry| (entry.id, &entry.commit))
                    .collect::<Vec<_>>(),
            )
        });
        for pair in log.unwrap_or_default().windows(2) {
            if let [new, old] = pair {
                let (old, new) = (old.commit.tree, new.commit.tree);
                let changes = repository.diff(Some(old), Some(new));
                reading.note(format!("diff {old} {new}"), changes, debug);
            }
        }
        let snapshot = repository.snapshot().unwrap();
        let root = Reference {
            kind: Kind::Commit,
            id: head.object(),
        };
        let mut bundle = Vec::new();
        let made = create(&snapshot, &[root], &[], &mut bundle);
        reading.note("bundle", made, debug);
    }
    for call in reading
        .note("calls", repository.calls(Filter::default()), debug)
        .unwrap_or_default()
    {
        let attempts = reading.note(
            format!("attempts {}", call.key),
            repository.attempts(call.key),
            debug,
        );
        for attempt in attempts.unwrap_or_default() {
            reading.note(
                format!("log of {}", attempt.id),
                repository.log_of(&attempt.exec),
                debug,
            );
        }
    }
    let options = gc::Options { dry_run: true };
    // It counts damaged objects, too.
    let report = gc::gc(repository.store(), options, &mut |_| {});
    reading.note("gc", report, |_| String::new());
    let snapshot = repository.snapshot();
    // The keys of objects are checked with the objects.
    for table in Table::ALL
        .into_iter()
        .filter(|table| *table != Table::Objects)
    {
        let keys = snapshot
            .as_ref()
            .ok()
            .map(|snapshot| snapshot.entry_keys(table, &[]));
        if let Some(keys) = keys {
            reading.note(format!("keys of {}", table.name()), keys, debug);
        }
    }
}

/// What there is, to ask for one by one.
#[derive(Default)]
struct Known {
    objects: Vec<(Kind, ObjectId)>,
    entries: Vec<(Table, Vec<u8>)>,
}

impl Known {
    fn read(root: &Path) -> Self {
        let repository = Repository::open(root).unwrap();
        let snapshot = repository.snapshot().unwrap();
        let mut known = Self::default();
        for table in Table::ALL {
            for key in snapshot.entry_keys(table, &[]).unwrap() {
                if table == Table::Objects {
                    let id = ObjectId::from_bytes(key.as_slice().try_into().unwrap());
                    let bytes = snapshot.raw_object(id).unwrap().unwrap();
                    let kind = AnyRecord::decode(bytes).map_or(Kind::Datum, |record| record.kind());
                    known.objects.push((kind, id));
                } else {
                    known.entries.push((table, key));
                }
            }
        }
        known
    }
}

/// Where to edit: anywhere, but more often where pages say what is where.
fn place(bytes: &[u8], random: &mut Random) -> usize {
    let pages = bytes.len() / PAGE;
    let flags =
        |page: &usize| u16::from_le_bytes([bytes[page * PAGE + 10], bytes[page * PAGE + 11]]);
    let pick = |random: &mut Random, wanted: &dyn Fn(&usize) -> bool| -> usize {
        let all: Vec<usize> = (0..pages).filter(wanted).collect();
        all[random.below(all.len() as u64) as usize]
    };
    match random.below(8) {
        // What is in the headers of pages and where their entries are.
        0 | 1 => {
            let page = pick(random, &|_| true);
            page * PAGE + random.below(64) as usize
        }
        // Branch pages.
        2 | 3 => {
            let page = pick(random, &|page| flags(page) == 1);
            let upper = usize::from(u16::from_le_bytes([
                bytes[page * PAGE + 14],
                bytes[page * PAGE + 15],
            ]));
            page * PAGE + upper + random.below((PAGE - upper) as u64) as usize
        }
        // Meta pages.
        4 => random.below(2) as usize * PAGE + random.below(160) as usize,
        // Leaves.
        5 => pick(random, &|page| flags(page) == 2) * PAGE + random.below(PAGE as u64) as usize,
        _ => random.below(bytes.len() as u64) as usize,
    }
}

/// Changes one byte.
fn edit(bytes: &mut [u8], random: &mut Random) -> String {
    let at = place(bytes, random);
    let byte = loop {
        let byte = random.next() as u8;
        if byte != bytes[at] {
            break byte;
        }
    };
    bytes[at] = byte;
    let (page, inside) = (at / PAGE, at % PAGE);
    format!("byte {inside} of page {page} became {byte:#x}")
}

fn rounds(folder: &Path, seeds: Range<u64>) {
    let known = Known::read(&pristine(folder));
    let wanted = read_all(&pristine(folder), &known);
    let total = seeds.end - seeds.start;
    let mut missed = Vec::new();
    let mut seen = [0; 3];
    each_copy(
        folder,
        seeds,
        |bytes, random| edit(bytes, random),
        |root, what| {
            let mut failed = Vec::new();
            for (asked, answer) in &read_all(root, &known) {
                match (answer, wanted.get(asked)) {
                    (Err(error), _) => failed.push(format!("{asked}: {error}")),
                    (answer, Some(wanted)) if answer == wanted => {}
                    // One way is left to be told something else: a branch that leads to a page
                    // that is free now and holds what was true before.
                    (Ok(found), wanted) => {
                        failed.push(format!("{asked}: {found} in the place of {wanted:?}"));
                    }
                }
            }
            seen[usize::from(!failed.is_empty())] += 1;
            let checked =
                Repository::open(root).and_then(|repository| fsck(repository.store(), &mut |_| {}));
            let clean = checked.is_ok_and(|report| report.is_clean());
            match (clean, failed.first()) {
                (true, Some(first)) => {
                    let others = failed.len() - 1;
                    missed.push(format!(
                        "{what}\n  fsck is clean, but: {first} (and {others} more)"
                    ));
                }
                (false, None) => seen[2] += 1,
                _ => {}
            }
        },
    );
    let [harmless, found, unread] = seen;
    eprintln!(
        "{found} of {total} are read as damage; {harmless} are not, of which fsck finds {unread}"
    );
    let count = missed.len();
    assert!(
        missed.is_empty(),
        "{count} of {total}:\n{}",
        missed.join("\n")
    );
}

#[test]
fn looker() {
    if let Some((seeds, folder)) = task("DML_TEST_EDITS") {
        rounds(&folder, seeds);
    }
}

#[test]
fn what_a_read_finds_fsck_finds() {
    let folder = tempfile::tempdir().unwrap();
    adapter::varied::make(&pristine(folder.path()));
    let seeds = (
        number("DML_EDIT_FIRST", 0),
        number("DML_EDIT_ROUNDS", 300),
        100,
    );
    let failed = in_children(("looker", "DML_TEST_EDITS"), folder.path(), seeds);
    assert!(failed.is_empty(), "{failed}");
}
