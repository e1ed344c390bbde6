//! Garbage collection: removes objects that no ref, draft, call or claim reaches.
//!
//! It is safe beside readers and writers, in this process and in others:
//!
//! 1. A marker is set. From here on every write notes in the journal what it may
//!    have made reachable: entries set, objects put again, what new objects refer
//!    to (see [`crate::store`]'s `journal`).
//! 2. In one snapshot, everything reachable is marked. Objects that are written
//!    later are not in the snapshot, so they are never removed.
//! 3. Write transactions of bounded size each mark what the journal holds by then,
//!    and only after that remove objects without a mark. Nobody else can write
//!    between the two, so nothing that was noted is removed. Objects are removed before
//!    what they refer to, so an object that another process still finds is whole.
//! 4. Promises of values at remotes go that no object refers to any more.
//! 5. Chunks with much garbage are given up.
//! 6. The marker is cleared.
//!
//! What a draft holds only in memory is written when it is flushed, whether or
//! not it was there before, so it is not lost either.
//!
//! A run that dies leaves its marker; the journal then grows slowly until the next
//! run takes the marker over and clears it. When there are two runs at once, the later one
//! takes over, and the earlier one ends with a conflict; it has removed only garbage.
//!
//! Removed objects leave room in chunks. A chunk of which a quarter or more is garbage is given
//! up, and what is left of it is moved to new ones. At last, what lies at the end of the file is moved
//! to free pages before it, and the file is made shorter. Nothing is removed from a damaged store: what a damaged object refers to
//! is not known.

mod chunks;
mod mark;
mod order;
mod promises;
mod sweep;

use std::time::{SystemTime, UNIX_EPOCH};

use crate::dag::forget_left;
use crate::error::{Error, Result};
use crate::record::Kind;
use crate::store::journal::GC_KEY;
use crate::store::pages::check::Walk;
use crate::store::{Store, Table, shrink};
use crate::transfer::remote::{Held, before_gc};

use super::ids::{Ids, kind_of_place};
use super::{Step, Totals};
use mark::Marker;
use order::Garbage;

/// What to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Only say what would be removed.
    pub dry_run: bool,
}

/// What was done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Whether nothing was removed, because only a report was asked for.
    pub dry_run: bool,
    /// What is kept.
    pub kept: Totals,
    /// What was removed, or would be.
    pub removed: Totals,
    /// How many bytes the data file had and has.
    pub file: FileSize,
}

/// How many bytes the data file had and has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FileSize {
    /// Before the run.
    pub before: u64,
    /// After it.
    pub after: u64,
}

impl Report {
    /// Corrects the report: an object was not removed after all.
    fn spare(&mut self, kind: Kind, bytes: usize) {
        self.removed.remove(kind, bytes);
        self.kept.add(kind, bytes);
    }
}

/// Removes garbage from `store`. `progress` is told how far it is.
pub fn gc(store: &Store, options: Options, progress: &mut dyn FnMut(Step)) -> Result<Report> {
    let before = store.size()?;
    if options.dry_run {
        let mut report = run(store, None, None, progress)?;
        let after = before;
        report.file = FileSize { before, after };
        return Ok(report);
    }
    // What a fetch is just writing is kept by nothing yet: the snapshot waits for it.
    let held = before_gc(store)?;
    forget_left(store)?;
    let run_number = begin(store)?;
    let report = run(store, Some(run_number), Some(held), progress);
    // Otherwise writers would go on writing to the journal. An error here must not hide one
    // of the run.
    let ended = end(store, run_number);
    let mut report = report?;
    ended?;
    shrink::shrink(store, &mut |done, total| {
        progress(Step {
            phase: "moving pages",
            done,
            total: Some(total),
        });
    })?;
    let after = store.size()?;
    report.file = FileSize { before, after };
    Ok(report)
}

fn run(
    store: &Store,
    run: Option<[u8; 16]>,
    held: Option<Held>,
    progress: &mut dyn FnMut(Step),
) -> Result<Report> {
    let snapshot = store.snapshot()?;
    drop(held);
    let version = snapshot.pages()?;
    let mut walk = Walk::new(&version.view);
    for root in [Table::Objects, Table::Runs].map(|table| version.root(table)) {
        for leaf in walk.branches(&root) {
            let checked = walk.leaf(&root, leaf);
            walk.damage.extend(checked.err());
        }
    }
    let ids = Ids::read(version, &mut walk.damage, progress);
    if let Some(damage) = walk.damage.first() {
        return Err(snapshot.damaged(damage));
    }
    let mut marker = Marker::new(ids);
    marker.mark(&snapshot, progress)?;
    let mut report = Report {
        dry_run: run.is_none(),
        kept: marker.ids.totals(),
        ..Report::default()
    };
    let is_garbage = |position: &u32| !marker.marks.has(*position as usize);
    for &position in marker.ids.stored().iter().filter(|at| is_garbage(at)) {
        let found = marker.ids.unverified(version, position as usize);
        let (_, bytes) = found.map_err(|damage| snapshot.damaged(&damage))?;
        let kind = kind_at(bytes);
        report.kept.remove(kind, bytes.len());
        report.removed.add(kind, bytes.len());
    }
    let positions: Vec<u32> = (0..).take(marker.ids.len()).filter(is_garbage).collect();
    if let Some(run) = run {
        let garbage = Garbage::new(&snapshot, &marker, &positions)?;
        drop(snapshot);
        sweep::sweep(store, run, &mut marker, &garbage, &mut report, progress)?;
        promises::collect(store, run)?;
        chunks::collect(store, run, progress)?;
    }
    Ok(report)
}

/// Returns the kind that an object is counted as.
fn kind_at(bytes: &[u8]) -> Kind {
    kind_of_place(bytes).unwrap_or(Kind::Datum)
}

/// Sets the marker, and clears what a run that died left.
fn begin(store: &Store) -> Result<[u8; 16]> {
    let clock = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_nanos());
    store.write(|txn| {
        // The transaction's number alone names the run; the clock tells it from one
        // in a copy of the store.
        let run = (clock << 64 | u128::from(txn.number())).to_be_bytes();
        sweep::clear_journal(txn)?;
        txn.put(Table::Meta, GC_KEY, &run)?;
        Ok(run)
    })
}

/// Clears the marker, unless another run has taken it over.
fn end(store: &Store, run: [u8; 16]) -> Result<()> {
    store.write(|txn| {
        if txn.get(Table::Meta, GC_KEY)? == Some(&run[..]) {
            txn.delete(Table::Meta, GC_KEY)?;
            sweep::clear_journal(txn)?;
        }
        Ok(())
    })
}

fn taken_over() -> Box<Error> {
    Error::Conflict {
        message: "another gc of this repository began meanwhile and does the rest".to_owned(),
    }
    .into()
}
