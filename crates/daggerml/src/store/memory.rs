//! A store in memory, for tests: it lives as long as its handles.
//!
//! A transaction works on copies of the tables that it changes, and puts them in the place
//! of the old ones when it ends.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use super::backend::{Backend, Entries, Keys, Objects, ReadTables, WriteTables};
use super::table::Tables;
use super::{Table, lock};
use crate::error::Result;
use crate::folder::Folder;
use crate::id::ObjectId;

type Map = BTreeMap<Box<[u8]>, Box<[u8]>>;

/// The tables as one transaction left them.
#[derive(Clone)]
struct Contents {
    number: u64,
    tables: Tables<Arc<Map>>,
}

/// A store in memory.
pub(super) struct Memory {
    folder: Folder,
    newest: RwLock<Arc<Contents>>,
    writing: Mutex<()>,
}

impl Memory {
    /// Makes an empty store. Only locks and temporary files are kept in `folder`.
    pub fn new(folder: Folder) -> Self {
        let contents = Contents {
            number: 0,
            tables: Tables::each(|_| Arc::default()),
        };
        Self {
            folder,
            newest: RwLock::new(Arc::new(contents)),
            writing: Mutex::new(()),
        }
    }

    fn newest(&self) -> Arc<Contents> {
        Arc::clone(&self.newest.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Backend for Memory {
    fn folder(&self) -> &Folder {
        &self.folder
    }

    fn size(&self) -> Result<u64> {
        let newest = self.newest();
        let of_map =
            |map: &Map| -> usize { map.iter().map(|(key, value)| key.len() + value.len()).sum() };
        let sizes = Table::ALL.map(|table| of_map(newest.tables.get(table)));
        Ok(sizes.into_iter().sum::<usize>() as u64)
    }

    fn read_only(&self) -> Option<&str> {
        None
    }

    fn check_there(&self) -> Result<()> {
        Ok(())
    }

    fn snapshot(self: Arc<Self>) -> Result<Box<dyn ReadTables>> {
        Ok(Box::new(self.newest()))
    }

    fn write(
        self: Arc<Self>,
        change: &mut dyn FnMut(&mut dyn WriteTables) -> Result<()>,
    ) -> Result<()> {
        let _writing = lock(&self.writing);
        let before = self.newest();
        let mut after = Contents::clone(&before);
        after.number += 1;
        let mut changing = Changing {
            before,
            after,
            changed: false,
        };
        change(&mut changing)?;
        if changing.changed {
            let mut newest = self.newest.write().unwrap_or_else(PoisonError::into_inner);
            *newest = Arc::new(changing.after);
        }
        Ok(())
    }
}

impl Contents {
    fn get(&self, table: Table, key: &[u8]) -> Option<&[u8]> {
        self.tables.get(table).get(key).map(|value| &**value)
    }

    fn entries<'e>(
        &'e self,
        table: Table,
        prefix: &'e [u8],
    ) -> impl Iterator<Item = (&'e [u8], &'e [u8])> {
        let from = (Bound::Included(prefix), Bound::Unbounded);
        let entries = self.tables.get(table).range::<[u8], _>(from);
        entries
            .map(|(key, value)| (&**key, &**value))
            .take_while(move |(key, _)| key.starts_with(prefix))
    }
}

impl ReadTables for Arc<Contents> {
    fn number(&self) -> u64 {
        self.number
    }

    fn get(&self, table: Table, key: &[u8]) -> Result<Option<&[u8]>> {
        Ok(Contents::get(self, table, key))
    }

    fn objects<'e>(&'e self, prefix: &[u8]) -> Result<Objects<'e>> {
        let prefix = prefix.to_vec();
        let from = (
            Bound::Included(prefix.clone().into_boxed_slice()),
            Bound::Unbounded,
        );
        let entries = self.tables.get(Table::Objects).range(from);
        let entries = entries.take_while(move |(key, _)| key.starts_with(&prefix));
        Ok(Box::new(entries.filter_map(|(key, bytes)| {
            let id = (**key).try_into().ok().map(ObjectId::from_bytes)?;
            Some(Ok((id, &**bytes)))
        })))
    }

    fn scan<'e>(&'e self, table: Table, prefix: &'e [u8]) -> Result<Entries<'e>> {
        Ok(Box::new(self.entries(table, prefix).map(Ok)))
    }

    fn keys<'e>(&'e self, table: Table, prefix: &'e [u8]) -> Result<Keys<'e>> {
        Ok(Box::new(
            self.entries(table, prefix).map(|(key, _)| Ok(key)),
        ))
    }

    fn count(&self, table: Table) -> Result<u64> {
        Ok(self.tables.get(table).len() as u64)
    }
}

/// A transaction.
struct Changing {
    before: Arc<Contents>,
    after: Contents,
    changed: bool,
}

impl Changing {
    /// Returns the map of `table`, to be changed.
    fn map(&mut self, table: Table) -> &mut Map {
        self.changed = true;
        Arc::make_mut(self.after.tables.get_mut(table))
    }
}

impl WriteTables for Changing {
    fn number(&self) -> u64 {
        self.after.number
    }

    fn committed(&self, table: Table, key: &[u8]) -> Result<Option<&[u8]>> {
        Ok(Contents::get(&self.before, table, key))
    }

    fn get(&self, table: Table, key: &[u8]) -> Result<Option<&[u8]>> {
        Ok(self.after.get(table, key))
    }

    fn scan<'e>(&'e self, table: Table, prefix: &'e [u8]) -> Result<Entries<'e>> {
        Ok(Box::new(self.after.entries(table, prefix).map(Ok)))
    }

    fn keys<'e>(&'e self, table: Table, prefix: &'e [u8]) -> Result<Keys<'e>> {
        let entries = self.after.entries(table, prefix);
        Ok(Box::new(entries.map(|(key, _)| Ok(key))))
    }

    fn put(&mut self, table: Table, key: &[u8], value: &[u8]) -> Result<()> {
        self.map(table).insert(key.into(), value.into());
        Ok(())
    }

    fn get_or_put<'e>(
        &'e mut self,
        table: Table,
        key: &'e [u8],
        value: &'e [u8],
    ) -> Result<Option<&'e [u8]>> {
        if self.after.get(table, key).is_none() {
            self.put(table, key, value)?;
            return Ok(None);
        }
        Ok(self.after.get(table, key))
    }

    fn delete(&mut self, table: Table, key: &[u8]) -> Result<bool> {
        if self.after.get(table, key).is_none() {
            return Ok(false);
        }
        Ok(self.map(table).remove(key).is_some())
    }
}
