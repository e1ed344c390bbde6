//! One version of the file: what one transaction committed.

use std::sync::Arc;

use crate::error::{Error, Result};

use super::pages::{Map, Root, View, check, meta};
use super::table::{self, Tables};
use super::{DATA_FILE, Inner, Table, lock, seal};

/// The key in [`Table::Meta`] of the number of the transaction that wrote it. LMDB's
/// meta pages have no checksum; this sealed entry shows which one was damaged.
pub(super) const TXN_KEY: &[u8] = b"txn";

/// What one transaction committed, with the roots of its tables.
pub(super) struct Version {
    pub txn: u64,
    pub view: View,
    pub roots: Tables<Option<Root>>,
}

impl Version {
    /// The version of transaction `txn`, which a transaction of this process pins;
    /// `None` when it is no longer in the meta pages.
    pub fn load(inner: &Inner, txn: u64) -> Result<Option<Arc<Self>>> {
        let length = inner.length()?;
        let mut newest = lock(&inner.newest);
        if let Some(version) = newest.as_ref().filter(|version| version.txn == txn) {
            let needed = version.view.pages * inner.page_size as u64;
            if length < needed {
                return Err(inner.damaged_file(format!(
                    "the file was cut off: it has {length} bytes of {needed}"
                )));
            }
            return Ok(Some(Arc::clone(version)));
        }
        let path = inner.folder.path().join(DATA_FILE);
        let Some(meta) = meta::read_one(&inner.file, &path, inner.page_size, txn)? else {
            return Ok(None);
        };
        let version = Self::assemble(inner, meta, length)?;
        let written_by = version.written_by(inner)?;
        if version.roots.get(Table::Meta).is_some() && written_by != Some(txn) {
            return Err(wrong_version(inner));
        }
        let version = Arc::new(version);
        *newest = Some(Arc::clone(&version));
        Ok(Some(version))
    }

    fn assemble(inner: &Inner, meta: meta::Meta, length: u64) -> Result<Self> {
        let view = View::new(Self::map(inner, &meta, length)?, meta, length);
        let damaged = |damage| inner.damaged(damage);
        check::end_of_file(&view).map_err(damaged)?;
        let roots = table::roots(&view).map_err(damaged)?;
        let txn = meta.txn;
        Ok(Self { txn, view, roots })
    }

    /// Checks that the meta page that was not chosen is the older one: damage to the
    /// newest one's number would bring back the version before, as if the last
    /// commit had never been. To be called while a transaction of this process reads.
    pub fn check_other(inner: &Inner, chosen: u64) -> Result<()> {
        let path = inner.folder.path().join(DATA_FILE);
        let [first, second] = meta::read_both(&inner.file, &path)?;
        let newest = first.txn.max(second.txn);
        let other = if first.txn == newest { second } else { first };
        if newest != chosen || other.txn == newest {
            return Ok(()); // Somebody committed: then both are sound.
        }
        // While the chosen one is the newest, the pages of the one before it are not
        // reused. If it cannot be read, it is not the version that is wanted.
        let written_by = Self::assemble(inner, other, inner.length()?)
            .and_then(|version| version.written_by(inner));
        let again = meta::read_both(&inner.file, &path)?;
        match written_by {
            Ok(Some(txn)) if txn > chosen && again == [first, second] => Err(wrong_version(inner)),
            _ => Ok(()),
        }
    }

    fn map(inner: &Inner, meta: &meta::Meta, length: u64) -> Result<Arc<Map>> {
        let needed = meta
            .pages
            .saturating_mul(inner.page_size as u64)
            .min(length);
        let needed = usize::try_from(needed).unwrap_or(usize::MAX);
        let mut map = lock(&inner.map);
        if let Some(map) = map.as_ref().filter(|map| map.len() >= needed) {
            return Ok(Arc::clone(map));
        }
        let fresh = Map::new(&inner.file, needed).map_err(|source| Error::Io {
            action: "map",
            path: inner.folder.path().join(DATA_FILE),
            source,
        })?;
        let fresh = Arc::new(fresh);
        *map = Some(Arc::clone(&fresh));
        Ok(fresh)
    }

    /// The number of the transaction that wrote the version, by its own account.
    fn written_by(&self, inner: &Inner) -> Result<Option<u64>> {
        let bytes = self.get(inner, Table::Meta, TXN_KEY)?;
        Ok(bytes
            .and_then(|bytes| bytes.try_into().ok())
            .map(u64::from_be_bytes))
    }

    /// The root of `table`; an empty one when the table is missing.
    pub fn root(&self, table: Table) -> Root {
        self.roots.get(table).unwrap_or(Root::EMPTY)
    }

    /// The entry of `table` under `key`. Objects are not checked against their id.
    pub fn get(&self, inner: &Inner, table: Table, key: &[u8]) -> Result<Option<&[u8]>> {
        let damaged = |damage| inner.damaged(damage);
        let root = self.root(table);
        let found = root
            .find(&self.view, key, table.sealed())
            .map_err(damaged)?;
        let Some((leaf, index)) = found else {
            if table.sealed() && !root.is_empty() {
                self.check_miss(inner, table, key)?;
            }
            return Ok(None);
        };
        let bytes = leaf.value(&self.view, index).map_err(damaged)?;
        if !table.sealed() {
            return Ok(Some(bytes));
        }
        unsealed(inner, table, key, bytes).map(Some)
    }

    /// Checks that the key is not missing because it is damaged: that its would-be
    /// neighbours are what they should be.
    fn check_miss(&self, inner: &Inner, table: Table, key: &[u8]) -> Result<()> {
        let damaged = |damage| inner.damaged(damage);
        let leaf = self
            .root(table)
            .leaf_for(&self.view, key, true)
            .map_err(damaged)?;
        for index in 0..leaf.len {
            let other = leaf.node(index).map_err(damaged)?.key;
            let bytes = leaf.value(&self.view, index).map_err(damaged)?;
            unsealed(inner, table, other, bytes)?;
        }
        Ok(())
    }
}

fn wrong_version(inner: &Inner) -> Error {
    inner.damaged_file("a meta page names another version than it holds".to_owned())
}

/// The value of a sealed entry.
pub(super) fn unsealed<'b>(
    inner: &Inner,
    table: Table,
    key: &[u8],
    sealed: &'b [u8],
) -> Result<&'b [u8]> {
    seal::unseal(table, key, sealed).ok_or_else(|| {
        inner.damaged_file(format!(
            "the entry {:?} of the table {} is not what was written",
            String::from_utf8_lossy(key),
            table.name()
        ))
    })
}
