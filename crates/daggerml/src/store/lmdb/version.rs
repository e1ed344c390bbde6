//! One version of the file: what one transaction committed.

use std::sync::{Arc, OnceLock};

use crate::error::{Error, Result, failed};
use crate::store::table::{Table, Tables};

use super::objects::{KnownRuns, Objects};
use super::pages::{Checked, Map, Root, View, check, meta};
use super::tables;
use super::write::object_id;
use super::{DATA_FILE, Lmdb, lock, seal};

/// The key in [`Table::Meta`] of the number of the transaction that wrote it. LMDB's
/// meta pages have no checksum; this sealed entry shows which one was damaged.
pub(super) const TXN_KEY: &[u8] = b"txn";

/// What one transaction committed, with the roots of its tables.
pub(crate) struct Version {
    pub txn: u64,
    pub view: View,
    pub roots: Tables<Option<Root>>,
    objects: OnceLock<Checked<Objects>>,
    runs: KnownRuns,
}

impl Version {
    /// Returns the version of transaction `txn`, which a transaction of this process pins;
    /// `None` when it is no longer in the meta pages.
    pub fn load(lmdb: &Lmdb, txn: u64) -> Result<Option<Arc<Self>>> {
        let length = lmdb.length()?;
        let mut newest = lock(&lmdb.newest);
        let held = |version: &&Arc<Self>| version.view.pages * lmdb.page_size as u64 <= length;
        if let Some(version) = newest
            .as_ref()
            .filter(|version| version.txn == txn)
            .filter(held)
        {
            return Ok(Some(Arc::clone(version)));
        }
        let path = lmdb.folder.path().join(DATA_FILE);
        let Some(meta) = meta::read_one(&lmdb.file, &path, lmdb.page_size, txn)? else {
            return Ok(None);
        };
        let version = Self::assemble(lmdb, meta, length)?;
        let written_by = version.written_by(lmdb)?;
        if version.roots.get(Table::Meta).is_some() && written_by != Some(txn) {
            return Err(wrong_version(lmdb));
        }
        let version = Arc::new(version);
        *newest = Some(Arc::clone(&version));
        Ok(Some(version))
    }

    fn assemble(lmdb: &Lmdb, meta: meta::Meta, length: u64) -> Result<Self> {
        let view = View::new(Self::map(lmdb, &meta, length)?, meta, length);
        let damaged = |damage| lmdb.damaged(damage);
        Self::check_end(lmdb, &view)?;
        let roots = tables::roots(&view).map_err(damaged)?;
        let txn = meta.txn;
        Ok(Self {
            txn,
            view,
            roots,
            objects: OnceLock::new(),
            runs: Arc::clone(&lmdb.runs),
        })
    }

    /// Checks that the file was not cut off. That takes a while where much is missing at its end, so
    /// it is done anew only when more is: a page that comes into use is written, and is there.
    fn check_end(lmdb: &Lmdb, view: &View) -> Result<()> {
        let mut sound = lock(&lmdb.end);
        if sound.is_some_and(|(held, pages)| held <= view.pages && pages == view.meta.pages) {
            return Ok(());
        }
        check::end_of_file(view).map_err(|damage| lmdb.damaged(damage))?;
        *sound = Some((view.pages, view.meta.pages));
        Ok(())
    }

    /// Checks that the meta page that was not chosen is the older one. If the number in the
    /// newest one is damaged, the version before it would be read, as if the last commit
    /// had never been made. To be called while a transaction of this process reads.
    pub fn check_other(lmdb: &Lmdb, chosen: u64) -> Result<()> {
        let path = lmdb.folder.path().join(DATA_FILE);
        let [first, second] = meta::read_both(&lmdb.file, &path)?;
        let newest = first.txn.max(second.txn);
        let other = if first.txn == newest { second } else { first };
        if newest != chosen || other.txn == newest {
            return Ok(()); // Somebody committed: then both are sound.
        }
        // While the chosen one is the newest, the pages of the one before it are not
        // reused. If it cannot be read, it is not the version that is wanted.
        let written_by = Self::assemble(lmdb, other, lmdb.length()?)
            .and_then(|version| version.written_by(lmdb));
        let again = meta::read_both(&lmdb.file, &path)?;
        match written_by {
            Ok(Some(txn)) if txn > chosen && again == [first, second] => Err(wrong_version(lmdb)),
            _ => Ok(()),
        }
    }

    fn map(lmdb: &Lmdb, meta: &meta::Meta, length: u64) -> Result<Arc<Map>> {
        let needed = meta.pages.saturating_mul(lmdb.page_size as u64).min(length);
        let needed = usize::try_from(needed).unwrap_or(usize::MAX);
        let mut map = lock(&lmdb.map);
        if let Some(map) = map.as_ref().filter(|map| map.len() >= needed) {
            return Ok(Arc::clone(map));
        }
        let fresh = Map::new(&lmdb.file, needed)
            .map_err(failed("map", &lmdb.folder.path().join(DATA_FILE)))?;
        let fresh = Arc::new(fresh);
        *map = Some(Arc::clone(&fresh));
        Ok(fresh)
    }

    /// Returns the number of the transaction that wrote the version, by its own account.
    fn written_by(&self, lmdb: &Lmdb) -> Result<Option<u64>> {
        let bytes = self.get(lmdb, Table::Meta, TXN_KEY)?;
        Ok(bytes
            .and_then(|bytes| bytes.try_into().ok())
            .map(u64::from_be_bytes))
    }

    /// Returns the root of `table`; an empty one when the table is missing.
    pub fn root(&self, table: Table) -> Root {
        self.roots.get(table).unwrap_or(Root::EMPTY)
    }

    /// Returns the directory of the objects, which is read once.
    pub fn objects(&self) -> Checked<&Objects> {
        let load = || Objects::load(&self.view, &self.roots, &self.runs);
        self.objects
            .get_or_init(load)
            .as_ref()
            .map_err(Clone::clone)
    }

    /// Returns the bytes under the id `key`; see [`Objects::find`].
    pub fn object(&self, lmdb: &Lmdb, key: &[u8], exact: bool) -> Result<Option<&[u8]>> {
        let Some(id) = object_id(key) else {
            return Ok(None);
        };
        let objects = self.objects();
        let found = objects.and_then(|objects| objects.find(&self.view, &id, exact));
        found.map_err(|damage| lmdb.damaged(damage))
    }

    /// Returns the entry of `table` under `key`. Objects are not checked against their id.
    pub fn get(&self, lmdb: &Lmdb, table: Table, key: &[u8]) -> Result<Option<&[u8]>> {
        if table == Table::Objects {
            return self.object(lmdb, key, true);
        }
        let damaged = |damage| lmdb.damaged(damage);
        let root = self.root(table);
        let found = root
            .find(&self.view, key, table.sealed())
            .map_err(damaged)?;
        let Some((leaf, index)) = found else {
            if table.sealed() && !root.is_empty() {
                self.check_miss(lmdb, table, key)?;
            }
            return Ok(None);
        };
        let bytes = leaf.value(&self.view, index).map_err(damaged)?;
        if !table.sealed() {
            return Ok(Some(bytes));
        }
        unsealed(lmdb, table, key, bytes).map(Some)
    }

    /// Checks that a key is not missing only because it is damaged: the entries of the leaf
    /// where it would be must be what was written.
    fn check_miss(&self, lmdb: &Lmdb, table: Table, key: &[u8]) -> Result<()> {
        let damaged = |damage| lmdb.damaged(damage);
        let leaf = self
            .root(table)
            .leaf_for(&self.view, key, true)
            .map_err(damaged)?;
        for index in 0..leaf.len {
            let other = leaf.node(index).map_err(damaged)?.key;
            let bytes = leaf.value(&self.view, index).map_err(damaged)?;
            unsealed(lmdb, table, other, bytes)?;
        }
        Ok(())
    }
}

fn wrong_version(lmdb: &Lmdb) -> Box<Error> {
    lmdb.damaged_file("a meta page names another version than it holds".to_owned())
}

/// Returns the value of a sealed entry.
pub(super) fn unsealed<'b>(
    lmdb: &Lmdb,
    table: Table,
    key: &[u8],
    sealed: &'b [u8],
) -> Result<&'b [u8]> {
    seal::unseal(table, key, sealed).ok_or_else(|| {
        lmdb.damaged_file(format!(
            "the entry {:?} of the table {} is not what was written",
            String::from_utf8_lossy(key),
            table.name()
        ))
    })
}
