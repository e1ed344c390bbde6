//! The tables in a file of LMDB.

use heed::types::Bytes;
use heed::{Database, Env, RoTxn, RwTxn, WithoutTls};

use super::pages::{Checked, Root, View};
use crate::store::table::{Table, Tables};

/// A table, to be written.
pub(super) type Raw = Database<Bytes, Bytes>;

/// Creates those tables that are missing.
pub(super) fn create(env: &Env<WithoutTls>, txn: &mut RwTxn<'_>) -> heed::Result<Tables<Raw>> {
    let mut raw = Vec::new();
    for table in Table::ALL {
        raw.push(env.create_database(txn, Some(table.name()))?);
    }
    Tables::from_vec(raw).ok_or(heed::Error::Mdb(heed::MdbError::NotFound))
}

/// Opens a table of an older layout; `None` when it is missing. LMDB walks the table of tables,
/// which must have been checked.
pub(super) fn one(
    env: &Env<WithoutTls>,
    txn: &RoTxn<'_, WithoutTls>,
    name: &str,
) -> heed::Result<Option<Raw>> {
    env.open_database(txn, Some(name))
}

/// Opens the tables for writing; `None` when one is missing. LMDB walks the
/// table of tables, which must have been checked.
pub(super) fn open(
    env: &Env<WithoutTls>,
    txn: &RoTxn<'_, WithoutTls>,
) -> heed::Result<Option<Tables<Raw>>> {
    let mut raw = Vec::new();
    for table in Table::ALL {
        match env.open_database(txn, Some(table.name()))? {
            Some(database) => raw.push(database),
            None => return Ok(None),
        }
    }
    Ok(Tables::from_vec(raw))
}

/// Returns the roots of the tables in a version; `None` for those that are missing.
pub(super) fn roots(view: &View) -> Checked<Tables<Option<Root>>> {
    let roots: Checked<Vec<_>> = Table::ALL
        .iter()
        .map(|table| Root::table(view, table.name()))
        .collect();
    let roots = roots?.into_iter();
    let mut roots = roots.fuse();
    Ok(Tables::each(|_| roots.next().flatten()))
}
