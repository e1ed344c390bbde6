//! Giving space back to the file system: pages that are free are moved to the end of the file, by
//! moving what is there, and are cut off.
//!
//! What is moved is put again in ordinary transactions. LMDB never writes to pages of a version that
//! somebody may read, so what is put again gets others, the first ones that are free. The meta pages
//! go on telling how long the file was, and the list of free pages has what was cut off: LMDB writes
//! it anew before it reads it, which makes the file longer again.

use std::sync::Arc;

use super::pages::check;
use super::pages::page::HEADER;
use super::pages::space::Space;
use super::write::{self, Writing};
use super::{DATA_FILE, Lmdb, lock, readers};
use crate::error::{Result, failed};
use crate::store::Table;
use crate::store::backend::Far;

/// Cuts off the pages at the end of the file that are free, and in no version that is read.
pub(super) fn cut_off(lmdb: &Arc<Lmdb>) -> Result<()> {
    let tables = write::tables(lmdb)?;
    let _writing = lock(&lmdb.writing);
    // While this transaction is open, nobody else writes, in no process.
    let txn = Writing::begin(lmdb, tables)?;
    let Some(oldest) = readers::oldest(lmdb)? else {
        return Ok(());
    };
    let view = &txn.base.view;
    let damaged = |damage| lmdb.damaged(damage);
    check::everything(view, &Table::ALL.map(|table| txn.base.root(table))).map_err(damaged)?;
    let space = Space::of(view, |freed_by| freed_by < oldest).map_err(damaged)?;
    let length = space.end.saturating_mul(lmdb.page_size as u64);
    if length < lmdb.length()? {
        let path = lmdb.folder.path().join(DATA_FILE);
        let file = lmdb.env.try_clone_inner_file();
        let file = file.map_err(|source| lmdb.failed("shorten the file", source))?;
        file.set_len(length).map_err(failed("shorten", &path))?;
    }
    drop(txn);
    Ok(())
}

/// How many of the longest runs of free pages are taken and given back at once.
const GATHERED: u8 = 32;

/// How many pages of a run, at most: LMDB would write some pages early otherwise.
const LONGEST: u64 = 1 << 15;

/// A run that is shorter is not worth it.
const SHORTEST: u64 = 32;

/// How many pages LMDB itself may take of a run meanwhile.
const SPARE: u64 = 16;

impl Writing<'_> {
    /// Makes LMDB take the first ones of all free pages next.
    ///
    /// It reads its list of free pages part by part, those first that became free first, and only
    /// until it has enough. So it is asked for all long runs of free pages, one after the other,
    /// which it then gets back, in order, within this transaction. Nothing is written to them.
    fn gather_free(&mut self) -> Result<()> {
        let Some(oldest) = readers::oldest(self.lmdb)? else {
            return Ok(());
        };
        let view = &self.base.view;
        let space = Space::of(view, |freed_by| freed_by < oldest);
        let space = space.map_err(|damage| self.lmdb.damaged(damage))?;
        let runs = space.runs(view.meta.pages).into_longest();
        let failed = |source| self.lmdb.failed("move", source);
        let database = self.tables.get(Table::Journal);
        let key = |number: u8| [0, number];
        for number in 0..GATHERED {
            self.check(Table::Journal, &key(number), true)?;
        }
        let mut taken = 0;
        let long = runs.take_while(|pages| *pages >= SHORTEST + SPARE);
        for (number, pages) in (0..GATHERED).zip(long) {
            let pages = usize::try_from((pages - SPARE).min(LONGEST)).unwrap_or(0);
            let length = pages * self.lmdb.page_size - HEADER;
            let put = database.put_reserved(&mut self.txn, &key(number), length, |space| {
                // SAFETY: nobody reads these bytes, since the entry is removed below, and they are not
                // written to the file.
                unsafe { space.assume_written(length) };
                Ok(())
            });
            put.map_err(failed)?;
            taken += 1;
        }
        for number in 0..taken {
            database
                .delete(&mut self.txn, &key(number))
                .map_err(failed)?;
        }
        Ok(())
    }

    /// Puts entries again, so that they get other pages. The first run of objects of these, and those
    /// after it, are made into one, or into two if that has more parts than there are of them here.
    pub(super) fn put_again(&mut self, far: &[&Far]) -> Result<()> {
        // Processes that died while they read keep pages from being used again.
        let _ = self.lmdb.env.clear_stale_readers();
        if !far.is_empty() {
            self.gather_free()?;
        }
        let (mut first_run, mut parts) = (None, 0);
        for Far { table, key, .. } in far {
            if *table == Table::Runs {
                // A run with the same number stays where it is: other processes know where.
                let number = key.first_chunk().map(|number| u32::from_be_bytes(*number));
                first_run = first_run.into_iter().chain(number).min();
                parts += 1;
                continue;
            }
            self.check(*table, key, false)?;
            let damaged = |damage| self.lmdb.damaged(damage);
            let view = &self.base.view;
            let found = self.base.root(*table).find(view, key, false);
            let Some((leaf, index)) = found.map_err(damaged)? else {
                continue; // It was removed meanwhile.
            };
            // It is copied from where it is to where LMDB keeps it, with no other copy in memory.
            let bytes = leaf.value(view, index).map_err(damaged)?;
            let database = self.tables.get(*table);
            let put = database.put_reserved(&mut self.txn, key, bytes.len(), |space| {
                std::io::Write::write_all(space, bytes)
            });
            put.map_err(|source| self.lmdb.failed("move", source))?;
        }
        self.changed = true;
        first_run.map_or(Ok(()), |first| self.merge_runs(first, parts))
    }
}
