//! The store's tables.

/// One table of the store: bytes by key, in bytewise order of the keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Table {
    /// Object bytes by id. In a file, many are in one entry, and [`Table::Runs`] leads to them.
    Objects,
    /// Where objects are in a file: sorted runs, which the store alone reads and writes.
    Runs,
    /// Ref targets by name.
    Refs,
    /// The state of drafts.
    Drafts,
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
    pub const ALL: [Self; 8] = [
        Self::Objects,
        Self::Runs,
        Self::Refs,
        Self::Drafts,
        Self::Calls,
        Self::Claims,
        Self::Meta,
        Self::Journal,
    ];

    /// Returns the table's name in the file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Objects => "packs",
            Self::Runs => "runs",
            Self::Refs => "refs",
            Self::Drafts => "indexes",
            Self::Calls => "calls",
            Self::Claims => "claims",
            Self::Meta => "meta",
            Self::Journal => "journal",
        }
    }

    /// Returns whether the table's entries are sealed; objects are known by their hash.
    pub(super) fn sealed(self) -> bool {
        self != Self::Objects
    }
}

/// Something for each table.
#[derive(Clone)]
pub(crate) struct Tables<T>([T; Table::ALL.len()]);

impl<T> Tables<T> {
    /// Makes what each table has.
    pub fn each(make: impl FnMut(Table) -> T) -> Self {
        Self(Table::ALL.map(make))
    }

    pub fn from_vec(each: Vec<T>) -> Option<Self> {
        each.try_into().ok().map(Self)
    }

    pub fn get(&self, table: Table) -> &T {
        let [objects, runs, refs, indexes, calls, claims, meta, journal] = &self.0;
        match table {
            Table::Objects => objects,
            Table::Runs => runs,
            Table::Refs => refs,
            Table::Drafts => indexes,
            Table::Calls => calls,
            Table::Claims => claims,
            Table::Meta => meta,
            Table::Journal => journal,
        }
    }

    pub fn get_mut(&mut self, table: Table) -> &mut T {
        let [objects, runs, refs, indexes, calls, claims, meta, journal] = &mut self.0;
        match table {
            Table::Objects => objects,
            Table::Runs => runs,
            Table::Refs => refs,
            Table::Drafts => indexes,
            Table::Calls => calls,
            Table::Claims => claims,
            Table::Meta => meta,
            Table::Journal => journal,
        }
    }
}
