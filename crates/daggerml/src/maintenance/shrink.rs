//! Giving space back to the file system.
//!
//! What lies at the end of the file is moved to free pages before it, in transactions of bounded
//! size, as long as that makes the file shorter. Then the file is cut off. All of that is safe beside
//! other processes, as any write is: whoever still reads a version keeps its pages.
//!
//! `gc` does that, and so does whoever ends a DAG that left many free pages: those of its log, or of runs
//! that were merged. A run of so many entries is merged seldom, each time after the store has grown by a
//! part of its size, so the work is a part of what was written.

use crate::error::Result;
use crate::sorting::sort_by;
use crate::store::pages::space::{Space, beyond};
use crate::store::{Far, Snapshot, Store, Table};

use super::Step;
use super::ids::damaged;

/// What lies at the end is moved if at least this many hundredths of the pages are free. It has to be
/// written again, and the next writes would use the free pages.
const FREE: u64 = 10;

/// Fewer free pages are not worth it.
const LEAST: u64 = 64;

/// A log of so many chunks takes some MiB.
const LONG_LOG: u64 = 16;

/// How often what lies at the end is looked for.
const PASSES: usize = 6;

/// How often in a row that may be in vain.
const VAIN: usize = 1;

/// How many pages one transaction moves, roughly.
const BATCH: u64 = 1024;

/// Makes the file of `store` as short as can be.
pub(crate) fn shrink(store: &Store, progress: &mut dyn FnMut(Step)) -> Result<()> {
    if cfg!(windows) {
        return Ok(()); // No file can be shortened there while somebody has it in memory.
    }
    let (mut end, mut vain) = (u64::MAX, 0);
    for _ in 0..PASSES {
        settle(store)?;
        let plan = Plan::of(&store.snapshot()?)?;
        // What others write meanwhile takes pages, too.
        vain = if plan.end < end { 0 } else { vain + 1 };
        end = end.min(plan.end);
        if plan.far.is_empty() || vain > VAIN || !carry_out(store, &plan, progress)? {
            break;
        }
    }
    settle(store)?;
    store.cut_off()
}

/// Makes the file shorter after a DAG has ended whose log had `chunks` chunks, if that left many free pages.
/// What was written is durable already, so what goes wrong here is not told: the next `gc` does it.
pub(crate) fn after_end(store: &Store, chunks: u64) {
    let freed_much = store.has_freed_much();
    if !freed_much && chunks < LONG_LOG {
        return;
    }
    if is_roomy(store).unwrap_or(false) {
        let _ = shrink(store, &mut |_| {});
    }
}

/// Returns whether so many pages are free, in any version, that it is worth to make the file shorter.
fn is_roomy(store: &Store) -> Result<bool> {
    let snapshot = store.snapshot()?;
    let view = &snapshot.pages()?.view;
    let space = Space::of(view, |_| true).map_err(|damage| damaged(&snapshot, &damage))?;
    Ok(is_much(
        space.end.saturating_sub(space.used(view)),
        space.end,
    ))
}

/// Returns whether `free` of `all` pages are many.
fn is_much(free: u64, all: u64) -> bool {
    free >= LEAST && free * 100 >= all * FREE
}

/// Makes pages that the last transactions freed free for others: LMDB uses them after the next but
/// one, since a crash may undo the last one.
fn settle(store: &Store) -> Result<()> {
    (0..2).try_for_each(|_| store.write(|txn| txn.put_again(&[])))
}

/// What is to be moved.
struct Plan {
    far: Vec<Far>,
    /// The first page after all that are in use.
    end: u64,
}

impl Plan {
    fn of(snapshot: &Snapshot) -> Result<Self> {
        let failed = |damage| damaged(snapshot, &damage);
        let version = snapshot.pages()?;
        let view = &version.view;
        let space = Space::of(view, |_| true).map_err(failed)?;
        let used = space.used(view);
        // The list of free pages changes meanwhile, and takes some itself.
        let limit = used + used / 64 + LEAST / 2;
        let mut plan = Self {
            far: Vec::new(),
            end: space.end,
        };
        let free = space.end.saturating_sub(used);
        if !is_much(free, space.end) {
            return Ok(plan);
        }
        let mut found = Vec::new();
        let mut room = space.runs(limit);
        for table in Table::ALL {
            let beyond_of = |limit| beyond(view, &version.root(table), limit).map_err(failed);
            let beyond = beyond_of(limit)?;
            // All runs of objects are made into one. Where that has no room they stay: it would only take
            // the place of the old ones at the end.
            if table == Table::Runs && !beyond.is_empty() {
                let all = beyond_of(0)?;
                if !all.iter().all(|one| room.take(one.pages)) {
                    room = space.runs(limit);
                    continue;
                }
            }
            found.extend(beyond.into_iter().map(|one| (one, table)));
        }
        // Where not all fit, those at the very end go first.
        sort_by(&mut found, |(a, _), (b, _)| b.page.cmp(&a.page));
        found.retain(|(one, table)| *table == Table::Runs || room.take(one.pages));
        // Then they keep their order.
        plan.far
            .extend(found.into_iter().rev().map(|(one, table)| Far {
                table,
                key: one.key,
                pages: one.pages,
            }));
        Ok(plan)
    }
}

/// Moves what the plan says. Returns whether that went without making the file longer.
fn carry_out(store: &Store, plan: &Plan, progress: &mut dyn FnMut(Step)) -> Result<bool> {
    let pages = || -> Result<u64> { Ok(store.snapshot()?.pages()?.view.meta.pages) };
    let before = pages()?;
    // All runs are moved at once.
    let (runs, others): (Vec<&Far>, Vec<&Far>) =
        plan.far.iter().partition(|far| far.table == Table::Runs);
    let total = plan.far.iter().map(|far| far.pages).sum();
    // They go first, since they need the most room at once.
    let mut done = runs.iter().map(|far| far.pages).sum();
    if !runs.is_empty() {
        store.write(|txn| txn.put_again(&runs))?;
    }
    let mut left = &others[..];
    while !left.is_empty() {
        let mut batch = 0;
        let many = left.iter().take_while(|far| {
            batch += far.pages;
            batch <= BATCH
        });
        let (some, rest) = left.split_at(many.count().max(1));
        store.write(|txn| txn.put_again(some))?;
        left = rest;
        done += some.iter().map(|far| far.pages).sum::<u64>();
        progress(Step {
            phase: "moving pages",
            done,
            total: Some(total),
        });
        if pages()? > before {
            return Ok(false);
        }
    }
    Ok(pages()? <= before)
}
