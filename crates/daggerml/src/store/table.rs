//! The store's tables.

use heed::types::Bytes;
use heed::{Database, Env, RoTxn, WithoutTls};

/// One table of the store: bytes by key, in bytewise order of the keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
}

impl Table {
    /// Every table.
    pub const ALL: [Self; 6] = [
        Self::Objects,
        Self::Refs,
        Self::Indexes,
        Self::Calls,
        Self::Claims,
        Self::Meta,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Objects => "objects",
            Self::Refs => "refs",
            Self::Indexes => "indexes",
            Self::Calls => "calls",
            Self::Claims => "claims",
            Self::Meta => "meta",
        }
    }
}

type Raw = Database<Bytes, Bytes>;

/// Handles to all tables.
pub(super) struct Tables([Raw; Table::ALL.len()]);

impl Tables {
    /// Creates those tables that are missing.
    pub(super) fn create(env: &Env<WithoutTls>) -> heed::Result<Self> {
        let mut txn = env.write_txn()?;
        let mut raw = Vec::new();
        for table in Table::ALL {
            raw.push(env.create_database(&mut txn, Some(table.name()))?);
        }
        txn.commit()?;
        Self::from_vec(raw).ok_or(heed::Error::Mdb(heed::MdbError::NotFound))
    }

    /// Opens the tables; `None` when one is missing.
    pub(super) fn open(
        env: &Env<WithoutTls>,
        txn: &RoTxn<'_, WithoutTls>,
    ) -> heed::Result<Option<Self>> {
        let mut raw = Vec::new();
        for table in Table::ALL {
            match env.open_database(txn, Some(table.name()))? {
                Some(database) => raw.push(database),
                None => return Ok(None),
            }
        }
        Ok(Self::from_vec(raw))
    }

    fn from_vec(raw: Vec<Raw>) -> Option<Self> {
        raw.try_into().ok().map(Self)
    }

    pub(super) fn get(&self, table: Table) -> &Raw {
        let [objects, refs, indexes, calls, claims, meta] = &self.0;
        match table {
            Table::Objects => objects,
            Table::Refs => refs,
            Table::Indexes => indexes,
            Table::Calls => calls,
            Table::Claims => claims,
            Table::Meta => meta,
        }
    }
}
