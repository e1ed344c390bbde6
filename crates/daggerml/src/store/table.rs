//! The store's tables.

use heed::types::Bytes;
use heed::{Database, Env, RoTxn, RwTxn, WithoutTls};

use super::pages::{Checked, Root, View};

/// One table of the store: bytes by key, in bytewise order of the keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Table {
    /// Object bytes by id.
    Objects,
    /// Ref targets by name.
    Refs,
    /// The state of open DAGs.
    Indexes,
    /// The newest exec record by call key.
    Calls,
    /// Calls under way by call key.
    Claims,
    /// Facts about the store itself.
    Meta,
    /// What was written while `gc` ran, for it to keep (see `maintenance::gc`).
    Journal,
}

impl Table {
    /// Every table.
    pub const ALL: [Self; 7] = [
        Self::Objects,
        Self::Refs,
        Self::Indexes,
        Self::Calls,
        Self::Claims,
        Self::Meta,
        Self::Journal,
    ];

    /// The table's name in the file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Objects => "objects",
            Self::Refs => "refs",
            Self::Indexes => "indexes",
            Self::Calls => "calls",
            Self::Claims => "claims",
            Self::Meta => "meta",
            Self::Journal => "journal",
        }
    }

    /// Whether the table's entries are sealed; objects are known by their hash.
    pub(super) fn sealed(self) -> bool {
        self != Self::Objects
    }
}

type Raw = Database<Bytes, Bytes>;

/// Something for each table.
#[derive(Clone)]
pub(super) struct Tables<T>([T; Table::ALL.len()]);

impl<T> Tables<T> {
    fn from_vec(each: Vec<T>) -> Option<Self> {
        each.try_into().ok().map(Self)
    }

    pub(super) fn get(&self, table: Table) -> &T {
        let [objects, refs, indexes, calls, claims, meta, journal] = &self.0;
        match table {
            Table::Objects => objects,
            Table::Refs => refs,
            Table::Indexes => indexes,
            Table::Calls => calls,
            Table::Claims => claims,
            Table::Meta => meta,
            Table::Journal => journal,
        }
    }
}

/// Creates those tables that are missing.
pub(super) fn create(env: &Env<WithoutTls>, txn: &mut RwTxn<'_>) -> heed::Result<Tables<Raw>> {
    let mut raw = Vec::new();
    for table in Table::ALL {
        raw.push(env.create_database(txn, Some(table.name()))?);
    }
    Tables::from_vec(raw).ok_or(heed::Error::Mdb(heed::MdbError::NotFound))
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

/// The roots of the tables in a version; `None` for those that are missing.
pub(super) fn roots(view: &View) -> Checked<Tables<Option<Root>>> {
    let roots: Checked<Vec<_>> = Table::ALL
        .iter()
        .map(|table| Root::table(view, table.name()))
        .collect();
    let roots = roots?;
    Ok(Tables(std::array::from_fn(|at| {
        roots.get(at).copied().flatten()
    })))
}
