//! Giving space back to the file system.
//!
//! What lies at the end of the file is moved to free pages before it, in transactions of bounded
//! size, as long as that makes the file shorter. Then the file is cut off. All of that is safe beside
//! other processes, as any write is: whoever still reads a version keeps its pages.
//!
//! `gc` does that, and so does whoever ends a DAG that left many free pages: those of its log, or of runs
//! that were merged. A run of so many entries is merged seldom, each time after the store has grown by a
//! part of its size, so the work is a part of what was written.

use super::pages::space::{Beyond, Space, beyond};
use super::{Far, Snapshot, Store, Table};
use crate::error::Result;
use crate::sorting::sort_by;

/// Is told how many pages were moved, and of how many.
type Progress<'p> = &'p mut dyn FnMut(u64, u64);

/// What lies at the end is moved if at least this many hundredths of the pages are free. It has to be
/// written again, and the next writes would use the free pages.
const FREE: u64 = 10;

/// Fewer free pages are not worth it.
const LEAST: u64 = 64;

/// An entry is large when it takes more pages than this: more than chunks of several objects, and parts of runs.
const LARGE: u64 = 16;

/// A run is made two when one of so many of its parts has no room. The file may become longer by
/// these meanwhile.
const SPLIT: usize = 8;

/// One of so many parts that have room is left to the other run.
const SLACK: usize = 32;

/// Pages side by side are made by moving so many pages for each free one, at most.
const MOST: u64 = 2;

/// A log of so many chunks takes some MiB.
const LONG_LOG: u64 = 16;

/// The file may become longer by this part of it meanwhile.
const MOST_LONGER: u64 = 32;

/// How often what lies at the end is looked for.
const PASSES: usize = 6;

/// How often in a row that may be in vain.
const VAIN: usize = 1;

/// How many pages one transaction moves, roughly.
const BATCH: u64 = 1024;

/// Makes the file of `store` as short as can be.
pub(crate) fn shrink(store: &Store, progress: Progress<'_>) -> Result<()> {
    if cfg!(windows) {
        return Ok(()); // No file can be shortened there while somebody has it in memory.
    }
    let (mut end, mut vain, mut may_slide) = (u64::MAX, 0, true);
    for _ in 0..PASSES {
        settle(store)?;
        let plan = Plan::of(&store.snapshot()?, may_slide)?;
        may_slide &= !plan.slides;
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
    let freed_much = store.take_freed_much();
    if !freed_much && chunks < LONG_LOG {
        return;
    }
    if is_roomy(store).unwrap_or(false) {
        let _ = shrink(store, &mut |_, _| {});
        // What moving freed is no reason to do it again: the next end would try in vain.
        store.take_freed_much();
    }
}

/// Returns whether so many pages are free, in any version, that it is worth to make the file shorter.
fn is_roomy(store: &Store) -> Result<bool> {
    let snapshot = store.snapshot()?;
    let view = &snapshot.pages()?.view;
    let space = Space::of(view, |_| true).map_err(|damage| snapshot.damaged(&damage))?;
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
    /// Whether all that is small is moved.
    slides: bool,
}

impl Plan {
    /// Makes a plan. If it `may_slide`, all that is small may be moved, so that large entries have room.
    fn of(snapshot: &Snapshot, may_slide: bool) -> Result<Self> {
        let failed = |damage| snapshot.damaged(&damage);
        let version = snapshot.pages()?;
        let view = &version.view;
        let space = Space::of(view, |_| true).map_err(failed)?;
        let used = space.used(view);
        // The list of free pages changes meanwhile, and takes some itself.
        let limit = used + used / 64 + LEAST / 2;
        // What lies before this may be used for what lies behind the limit: it is somewhat more.
        let room_to = limit + used / 16;
        let mut plan = Self {
            far: Vec::new(),
            end: space.end,
            slides: false,
        };
        let free = space.end.saturating_sub(used);
        if !is_much(free, space.end) {
            return Ok(plan);
        }
        let mut found = Vec::new();
        let beyond = |table, limit| beyond(view, &version.root(table), limit).map_err(failed);
        for table in Table::ALL {
            if table != Table::Runs {
                let beyond = beyond(table, limit)?;
                found.extend(beyond.into_iter().map(|one| (one, table)));
            }
        }
        // What is large needs pages side by side, so it goes first, and then those at the very end.
        let weight = |one: &Beyond| (one.pages > LARGE, one.page);
        sort_by(&mut found, |(a, _), (b, _)| weight(b).cmp(&weight(a)));
        let large = found.partition_point(|(one, _)| one.pages > LARGE);
        let mut room = space.runs(room_to);
        let mut small = found.split_off(large);
        found.retain(|(one, _)| room.take(one.pages));
        if found.is_empty() && large > 0 && may_slide {
            // Pages side by side are made where there are enough: what is small moves up, so that what
            // is free lies behind it.
            let hole = space.first_hole(LARGE).unwrap_or(limit);
            let mut moved = Vec::new();
            for table in Table::ALL {
                let behind = beyond(table, hole)?
                    .into_iter()
                    .filter(|one| one.pages <= LARGE);
                moved.extend(behind.map(|one| (one, table)));
            }
            // Runs come last, since they are moved at once.
            let weight = |one: &Beyond, table: &Table| (*table == Table::Runs, one.page);
            sort_by(&mut moved, |(a, of), (b, other)| {
                weight(a, of).cmp(&weight(b, other))
            });
            if moved.iter().map(|(one, _)| one.pages).sum::<u64>() <= MOST * free {
                plan.add(moved);
                plan.slides = true;
                return Ok(plan);
            }
        }
        // The first run at the end is made into one with those after it. Where that has no room they stay:
        // it would only take the place of the old ones. Where a small part has none, that becomes a run
        // of its own at the end, which can be moved alone then.
        let runs = beyond(Table::Runs, limit)?;
        let first = runs.iter().map(|one| &one.key).min();
        if let Some(first) = first.and_then(|key| key.get(..4)) {
            let mut left = space.runs(room_to);
            for (one, _) in &found {
                left.take(one.pages);
            }
            let mut moved = beyond(Table::Runs, 0)?;
            moved.retain(|one| one.key.get(..4) >= Some(first));
            sort_by(&mut moved, |a, b| a.key.cmp(&b.key));
            let all = moved.len();
            let mut fit = 0;
            while moved.get(fit).is_some_and(|one| left.take(one.pages)) {
                fit += 1;
            }
            // LMDB takes some of these pages itself.
            fit = if fit < all { fit - fit / SLACK } else { fit };
            if all - fit <= all / SPLIT {
                room = left;
                moved.truncate(fit);
                found.extend(moved.into_iter().map(|one| (one, Table::Runs)));
            }
        }
        small.retain(|(one, _)| room.take(one.pages));
        // These keep their order.
        found.extend(small.into_iter().rev());
        plan.add(found);
        Ok(plan)
    }

    fn add(&mut self, found: Vec<(Beyond, Table)>) {
        let far = found
            .into_iter()
            .map(|(Beyond { key, pages, .. }, table)| Far { table, key, pages });
        self.far.extend(far);
    }
}

/// Moves what the plan says. Returns whether that went without making the file much longer.
fn carry_out(store: &Store, plan: &Plan, progress: Progress<'_>) -> Result<bool> {
    let pages = || -> Result<u64> { Ok(store.snapshot()?.pages()?.view.meta.pages) };
    let before = pages()?;
    let total = plan.far.iter().map(|far| far.pages).sum();
    let mut done = 0;
    let mut left = &plan.far[..];
    while let Some(first) = left.first() {
        // Runs are moved at once.
        let runs = first.table == Table::Runs;
        let mut batch = 0;
        let many = left.iter().take_while(|far| {
            batch += far.pages;
            (far.table == Table::Runs) == runs && (runs || batch <= BATCH)
        });
        let (some, rest) = left.split_at(many.count().max(1));
        let some: Vec<&Far> = some.iter().collect();
        store.write(|txn| txn.put_again(&some))?;
        left = rest;
        done += some.iter().map(|far| far.pages).sum::<u64>();
        progress(done, total);
        if pages()? > before + plan.end / MOST_LONGER {
            return Ok(false);
        }
    }
    Ok(true)
}
