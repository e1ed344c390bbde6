//! Layout 1: objects by id, each an entry of one table.

use std::sync::Arc;

use heed::MdbError;

use super::layout::{self, SCHEMA_KEY};
use super::pages::Root;
use super::write::{Writing, object_id};
use super::{Lmdb, lock, objects, tables, write};
use crate::error::{Error, Result};
use crate::id::ObjectId;
use crate::store::backend::WriteTables;
use crate::store::{SCHEMA, Table};

/// The name of the table of objects.
pub(super) const OBJECTS: &str = "objects";

/// Makes a store of layout 1 one of layout 2: moves objects into chunks. All is in one
/// transaction, but for the making of the tables, which an older version ignores.
pub(crate) fn pack_objects(lmdb: &Arc<Lmdb>) -> Result<()> {
    let _writing = lock(&lmdb.writing);
    let failed = |source| lmdb.failed("migrate", source);
    layout::begin_chunks(lmdb).map_err(failed)?;
    let handles = write::tables(lmdb)?;
    let old = {
        let txn = lmdb.env.read_txn().map_err(failed)?;
        let old = tables::one(&lmdb.env, &txn, OBJECTS).map_err(failed)?;
        txn.commit().map_err(failed)?;
        old
    };
    let mut pack = |txn: &mut Writing<'_>| {
        let base = Arc::clone(&txn.base);
        let damaged = |damage| lmdb.damaged(damage);
        let root = Root::table(&base.view, OBJECTS).map_err(damaged)?;
        let root = root.unwrap_or(Root::EMPTY);
        root.check_all(&base.view).map_err(damaged)?;
        for entry in root.scan(&base.view, &[], false) {
            let (key, bytes) = entry.map_err(damaged)?;
            let id = object_id(key)
                .ok_or_else(|| lmdb.damaged_file("the key of an object is no id".to_owned()))?;
            // What is damaged is told by its id.
            let named = objects::is_named(bytes) || ObjectId::of(bytes) != id;
            txn.add(&id, bytes, named)?;
        }
        if let Some(old) = old {
            // SAFETY: no other handle of the table is used: this layout has none.
            unsafe { old.remove(&mut txn.txn) }.map_err(failed)?;
        }
        txn.put(Table::Meta, SCHEMA_KEY, &SCHEMA.to_be_bytes())
    };
    loop {
        match Writing::alone(lmdb, handles, &mut pack) {
            Err(error) if is_full(&error) => lmdb.grow()?,
            packed => return packed,
        }
    }
}

/// Returns whether LMDB's map is too small for a transaction.
fn is_full(error: &Error) -> bool {
    matches!(
        error,
        Error::Database {
            source: heed::Error::Mdb(MdbError::MapFull),
            ..
        }
    )
}
