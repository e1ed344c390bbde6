//! Layouts: which tables a store has, and what is in their entries.

use crate::error::{Error, Result};

use super::version::TXN_KEY;
use super::{SCHEMA, Store, Table, lock, seal, table};

/// The key of the layout's version in [`Table::Meta`].
const SCHEMA_KEY: &[u8] = b"schema";

/// Makes the tables of a new store, in one transaction.
pub(super) fn fill(store: &Store) -> heed::Result<()> {
    let env = &store.inner.env;
    let mut txn = env.write_txn()?;
    let tables = table::create(env, &mut txn)?;
    let number = (txn.id() as u64).to_be_bytes();
    for (key, value) in [(SCHEMA_KEY, SCHEMA.to_be_bytes()), (TXN_KEY, number)] {
        let sealed = seal::seal(Table::Meta, key, &value);
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

/// The layout of `store`.
pub(crate) fn of(store: &Store) -> Result<Layout> {
    let snapshot = store.snapshot()?;
    let schema = snapshot.get(Table::Meta, SCHEMA_KEY)?;
    let has = |table| snapshot.has_table(table);
    if let Some(bytes) = schema {
        let number = bytes.try_into().map(u64::from_be_bytes);
        let number = number.map_err(|_| {
            let detail = "it does not say which version of the layout it has";
            store.inner.damaged_file(detail.to_owned())
        })?;
        // A table whose name is damaged would be an empty one.
        return match Table::ALL.into_iter().find(|table| !has(*table)) {
            Some(table) if number == SCHEMA => {
                let detail = format!("the table {} is missing", table.name());
                Err(store.inner.damaged_file(detail))
            }
            _ => Ok(Layout::Version(number)),
        };
    }
    if snapshot.view().meta.main.is_empty() {
        Ok(Layout::Empty)
    } else if has(Table::Objects) && has(Table::Refs) && !has(Table::Meta) {
        Ok(Layout::Version(0))
    } else if has(Table::Meta) && has(Table::Objects) {
        let detail = "it does not say which version of the layout it has";
        Err(store.inner.damaged_file(detail.to_owned()))
    } else {
        Ok(Layout::Foreign)
    }
}

/// Makes a store of layout 0 one of layout 1, in one transaction: adds the tables
/// that are missing, and a seal to every entry that is not an object.
pub(crate) fn seal_entries(store: &Store) -> Result<()> {
    let _writing = lock(&store.inner.writing);
    let snapshot = store.snapshot()?;
    let mut sealed = Vec::new();
    for table in Table::ALL.into_iter().filter(|table| table.sealed()) {
        for entry in snapshot.root(table).scan(snapshot.view(), &[], true) {
            let (key, value) = entry.map_err(|damage| store.damaged(damage))?;
            sealed.push((table, key.to_vec(), seal::seal(table, key, value)));
        }
    }
    let failed = |source| store.failed("migrate", source);
    let env = &store.inner.env;
    let mut txn = env.write_txn().map_err(failed)?;
    if txn.id() as u64 != snapshot.number() + 1 {
        return Err(Error::Conflict {
            message: "another process wrote to the store meanwhile; try again".to_owned(),
        });
    }
    drop(snapshot);
    let tables = table::create(env, &mut txn).map_err(failed)?;
    let number = (txn.id() as u64).to_be_bytes();
    for (key, value) in [(SCHEMA_KEY, SCHEMA.to_be_bytes()), (TXN_KEY, number)] {
        let bytes = seal::seal(Table::Meta, key, &value);
        sealed.push((Table::Meta, key.to_vec(), bytes));
    }
    for (table, key, bytes) in sealed {
        let table = tables.get(table);
        table.put(&mut txn, &key, &bytes).map_err(failed)?;
    }
    txn.commit().map_err(failed)
}
