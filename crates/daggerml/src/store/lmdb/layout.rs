//! Layouts: which tables a store has, and what is in their entries.

use std::sync::Arc;

use crate::error::{Error, Result};

use super::layout_1::OBJECTS;
use super::objects::{self, Directory};
use super::pages::Root;
use super::read::Reading;
use super::version::TXN_KEY;
use super::{Lmdb, lock, seal, tables};
use crate::store::backend::ReadTables;
use crate::store::{SCHEMA, Table};

/// The key of the layout's version in [`Table::Meta`].
pub(super) const SCHEMA_KEY: &[u8] = b"schema";

/// Makes the tables of a new store, in one transaction.
pub(super) fn fill(lmdb: &Lmdb) -> heed::Result<()> {
    begin(lmdb, &[(SCHEMA_KEY, &SCHEMA.to_be_bytes())])
}

/// Prepares a store of layout 1 to be migrated: its objects are to be put into chunks, of which
/// there are none yet.
pub(super) fn begin_chunks(lmdb: &Lmdb) -> heed::Result<()> {
    begin(lmdb, &[])
}

/// Makes the tables that are missing, for a store without chunks, and puts `entries` into
/// [`Table::Meta`].
fn begin(lmdb: &Lmdb, entries: &[(&[u8], &[u8])]) -> heed::Result<()> {
    let env = &lmdb.env;
    let mut txn = env.write_txn()?;
    let tables = tables::create(env, &mut txn)?;
    let number = (txn.id() as u64).to_be_bytes();
    let objects = Directory::default().encode();
    let all: [(&[u8], &[u8]); 2] = [(TXN_KEY, &number), (objects::KEY, &objects)];
    for (key, value) in entries.iter().chain(&all) {
        let sealed = seal::seal(Table::Meta, key, value);
        tables.get(Table::Meta).put(&mut txn, key, &sealed)?;
    }
    txn.commit()
}

/// What kind of layout a store has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// That version.
    Version(u64),
    /// No tables at all.
    Empty,
    /// Tables, but not ours.
    Foreign,
}

/// Returns the layout of a file.
pub(crate) fn of(lmdb: &Arc<Lmdb>) -> Result<Layout> {
    let reading = Reading::begin(lmdb)?;
    let version = reading.version();
    let schema = reading.get(Table::Meta, SCHEMA_KEY)?;
    let has = |table| version.roots.get(table).is_some();
    if let Some(bytes) = schema {
        let number = bytes.try_into().map(u64::from_be_bytes);
        let number = number.map_err(|_| {
            let detail = "it does not say which version of the layout it has";
            lmdb.damaged_file(detail.to_owned())
        })?;
        // A table whose name is damaged would be an empty one.
        return match Table::ALL.into_iter().find(|table| !has(*table)) {
            Some(table) if number == SCHEMA => {
                let detail = format!("the table {} is missing", table.name());
                Err(lmdb.damaged_file(detail))
            }
            _ => Ok(Layout::Version(number)),
        };
    }
    let old = Root::table(&version.view, OBJECTS).map_err(|damage| lmdb.damaged(damage))?;
    if version.view.meta.main.is_empty() {
        Ok(Layout::Empty)
    } else if old.is_some() && has(Table::Refs) && !has(Table::Meta) {
        Ok(Layout::Version(0))
    } else if has(Table::Meta) && (old.is_some() || has(Table::Objects)) {
        let detail = "it does not say which version of the layout it has";
        Err(lmdb.damaged_file(detail.to_owned()))
    } else {
        Ok(Layout::Foreign)
    }
}

/// Makes a store of layout 0 one of layout 1, in one transaction: adds the tables
/// that are missing, and a seal to every entry that is not an object.
pub(crate) fn seal_entries(lmdb: &Arc<Lmdb>) -> Result<()> {
    let _writing = lock(&lmdb.writing);
    let reading = Reading::begin(lmdb)?;
    let version = reading.version();
    let mut sealed = Vec::new();
    for table in Table::ALL.into_iter().filter(|table| table.sealed()) {
        for entry in version.root(table).scan(&version.view, &[], true) {
            let (key, value) = entry.map_err(|damage| lmdb.damaged(damage))?;
            sealed.push((table, key.to_vec(), seal::seal(table, key, value)));
        }
    }
    let failed = |source| lmdb.failed("migrate", source);
    let env = &lmdb.env;
    let mut txn = env.write_txn().map_err(failed)?;
    if txn.id() as u64 != reading.number() + 1 {
        return Err(Error::Conflict {
            message: "another process wrote to the store meanwhile; try again".to_owned(),
        }
        .into());
    }
    drop(reading);
    let tables = tables::create(env, &mut txn).map_err(failed)?;
    let number = (txn.id() as u64).to_be_bytes();
    for (key, value) in [(SCHEMA_KEY, 1_u64.to_be_bytes()), (TXN_KEY, number)] {
        let bytes = seal::seal(Table::Meta, key, &value);
        sealed.push((Table::Meta, key.to_vec(), bytes));
    }
    for (table, key, bytes) in sealed {
        let table = tables.get(table);
        table.put(&mut txn, &key, &bytes).map_err(failed)?;
    }
    txn.commit().map_err(failed)
}
