//! The door between a store and what keeps its entries.
//!
//! [`super::Store`] knows what objects, journals and transactions mean; a [`Backend`] only
//! keeps bytes by key in tables. There are two: `lmdb`, a file, and `memory`. They are
//! reached by dynamic dispatch, once for each entry that is read or written, which costs
//! nothing beside hashing the entry.

use std::sync::Arc;

use super::Table;
use super::lmdb::objects::{Entry, Sparse};
use crate::error::Result;
use crate::folder::Folder;
use crate::id::ObjectId;

/// Entries in order of their keys.
pub(crate) type Entries<'e> = Box<dyn Iterator<Item = Result<(&'e [u8], &'e [u8])>> + 'e>;

/// Objects in order of their ids.
pub(crate) type Objects<'e> = Box<dyn Iterator<Item = Result<(ObjectId, &'e [u8])>> + 'e>;

/// Keys in order.
pub(crate) type Keys<'e> = Box<dyn Iterator<Item = Result<&'e [u8]>> + 'e>;

/// An entry with pages at the end of a file.
pub(crate) struct Far {
    /// The table that it is in.
    pub table: Table,
    /// Its key.
    pub key: Vec<u8>,
    /// How many pages it takes.
    pub pages: u64,
}

/// Keeps the entries of a store.
pub(crate) trait Backend: Send + Sync {
    /// Returns the folder of the store, where locks and other files beside it are. It is
    /// named in errors.
    fn folder(&self) -> &Folder;

    /// Returns how many bytes the store takes.
    fn size(&self) -> Result<u64>;

    /// Returns why nothing can be written, if so.
    fn read_only(&self) -> Option<&str>;

    /// Refuses a store that was removed while it was open.
    fn check_there(&self) -> Result<()>;

    /// Returns whether a transaction of this process has made many pages free, and forgets it.
    fn take_freed_much(&self) -> bool {
        false // Where there are no pages.
    }

    /// Gives what is free at the end of a file back to the file system.
    fn cut_off(self: Arc<Self>) -> Result<()> {
        Ok(()) // Where there is no file.
    }

    /// Returns a view of all entries as they are now, which later writes do not change.
    fn snapshot(self: Arc<Self>) -> Result<Box<dyn ReadTables>>;

    /// Runs `change` in a transaction. What it wrote is durable and seen by later
    /// snapshots, all of it or, when it fails, nothing. One transaction runs at a time, in
    /// all processes. `change` may run several times.
    fn write(
        self: Arc<Self>,
        change: &mut dyn FnMut(&mut dyn WriteTables) -> Result<()>,
    ) -> Result<()>;
}

/// Entries that can be read.
pub(crate) trait ReadTables: Send {
    /// Returns the number of the transaction that made these entries, or is making them. It
    /// grows with every transaction that changes something.
    fn number(&self) -> u64;

    /// Returns the entry of `table` under `key`.
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<&[u8]>>;

    /// Returns the same without comparing its hash, for what is checked by other means. What it
    /// returns of the objects may be another one, whose id begins as the wanted one's.
    fn unchecked(&self, table: Table, key: &[u8]) -> Result<Option<&[u8]>> {
        self.get(table, key)
    }

    /// Returns the objects whose ids start with `prefix`.
    fn objects<'e>(&'e self, prefix: &[u8]) -> Result<Objects<'e>>;

    /// Returns the entries of `table`, which is not that of objects, whose keys start with `prefix`.
    fn scan<'e>(&'e self, table: Table, prefix: &'e [u8]) -> Result<Entries<'e>>;

    /// Returns the keys of `table`, which is not that of objects, that start with `prefix`, without
    /// looking at the values.
    fn keys<'e>(&'e self, table: Table, prefix: &'e [u8]) -> Result<Keys<'e>>;

    /// Returns the number of entries of `table`.
    fn count(&self, table: Table) -> Result<u64>;

    /// Returns the pages of a file of LMDB; `None` when the entries are kept otherwise.
    fn pages(&self) -> Option<&super::lmdb::Version> {
        None
    }
}

/// Entries that can be changed, in a transaction.
pub(crate) trait WriteTables {
    /// Returns the number of the transaction.
    fn number(&self) -> u64;

    /// Returns the entry of `table` under `key` as it was before the transaction.
    fn committed(&self, table: Table, key: &[u8]) -> Result<Option<&[u8]>>;

    /// Returns the entry of `table` under `key`, as the transaction has it.
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<&[u8]>>;

    /// Returns the entries of `table` whose keys start with `prefix`.
    fn scan<'e>(&'e self, table: Table, prefix: &'e [u8]) -> Result<Entries<'e>>;

    /// Returns the keys of `table` that start with `prefix`, which is not empty.
    fn keys<'e>(&'e self, table: Table, prefix: &'e [u8]) -> Result<Keys<'e>>;

    /// Sets the entry of `table` under `key`.
    fn put(&mut self, table: Table, key: &[u8], value: &[u8]) -> Result<()>;

    /// Sets the entry of `table` under `key` unless there is one, which is then returned.
    fn get_or_put<'e>(
        &'e mut self,
        table: Table,
        key: &'e [u8],
        value: &'e [u8],
    ) -> Result<Option<&'e [u8]>>;

    /// Removes the entry of `table` under `key`. Returns whether there was one.
    fn delete(&mut self, table: Table, key: &[u8]) -> Result<bool>;

    /// Returns the id and the bytes of the object that `entry` leads to, if it is there.
    fn object_at(&self, _entry: &Entry) -> Result<Option<(ObjectId, &[u8])>> {
        Ok(None) // Where there are no chunks.
    }

    /// Removes the object that `entry` leads to, if it is there.
    fn remove_at(&mut self, _entry: &Entry) -> Result<()> {
        Ok(()) // Where there are no chunks.
    }

    /// Moves what is in chunks that hold much garbage into new ones, and removes them.
    fn move_objects(&mut self, _sparse: &[Sparse]) -> Result<()> {
        Ok(()) // Where there are no chunks.
    }

    /// Puts entries again, so that they get other pages.
    fn put_again(&mut self, _far: &[&Far]) -> Result<()> {
        Ok(()) // Where there are no pages.
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::super::{OpenOptions, Store};
    use super::*;
    use crate::error::Error;

    #[derive(Clone, Debug)]
    enum Step {
        Put(Table, Vec<u8>, Vec<u8>),
        PutNew(Table, Vec<u8>, Vec<u8>),
        Delete(Table, Vec<u8>),
        Scan(Table, Vec<u8>),
        /// Adds an object unless it is there.
        Add(u8),
        /// Puts bytes in the place of an object, or under an id that begins as others do.
        Replace(u8, u8),
        /// Removes an object.
        Remove(u8),
    }

    /// The bytes of an object: short ones, some that are stored with their ids, some alone.
    fn object(number: u8) -> Vec<u8> {
        vec![number; [3, 0, 40, 2000, 9000][usize::from(number % 5)] + usize::from(number)]
    }

    /// The id of an object; those of some begin with the same bytes.
    fn id(number: u8) -> Vec<u8> {
        let mut id = *ObjectId::of(&object(number)).as_bytes();
        if number >= CROWDED {
            id[..7].fill(number % 2);
        }
        id.to_vec()
    }

    /// From this number on, ids are not those of the bytes.
    const CROWDED: u8 = 30;

    type Model = BTreeMap<(Table, Vec<u8>), Vec<u8>>;

    fn step() -> impl Strategy<Value = Step> {
        let table = prop::sample::select(vec![Table::Drafts, Table::Refs, Table::Calls]);
        let key = prop::collection::vec(0..4u8, 1..4);
        let value = prop_oneof![
            4 => prop::collection::vec(any::<u8>(), 0..20),
            1 => prop::collection::vec(any::<u8>(), 3000..6000),
        ];
        let entry = (table, key, value, 0..4u8).prop_map(|(table, key, value, kind)| match kind {
            0 => Step::Put(table, key, value),
            1 => Step::PutNew(table, key, value),
            2 => Step::Delete(table, key),
            _ => Step::Scan(table, key),
        });
        let object = (0..40u8, 0..40u8, 0..6u8).prop_map(|(number, other, kind)| match kind {
            0..3 => Step::Add(number % CROWDED),
            3 => Step::Replace(number, other),
            _ => Step::Remove(number),
        });
        prop_oneof![entry, object]
    }

    /// Does the step, and compares what it returns with the model.
    fn take(tables: &mut dyn WriteTables, model: &mut Model, step: &Step) -> Result<()> {
        match step {
            Step::Put(table, key, value) => {
                tables.put(*table, key, value)?;
                model.insert((*table, key.clone()), value.clone());
            }
            Step::PutNew(table, key, value) => {
                let there = tables.get_or_put(*table, key, value)?.map(<[u8]>::to_vec);
                let place = (*table, key.clone());
                assert_eq!(there.as_ref(), model.get(&place));
                model.entry(place).or_insert_with(|| value.clone());
            }
            Step::Delete(table, key) => {
                let gone = model.remove(&(*table, key.clone()));
                assert_eq!(tables.delete(*table, key)?, gone.is_some());
            }
            Step::Scan(table, prefix) => {
                let found = owned(tables.scan(*table, prefix)?)?;
                assert_eq!(found, entries(model, *table, prefix));
                let keys = tables.keys(*table, prefix)?.collect::<Result<Vec<_>>>()?;
                assert!(keys.into_iter().eq(found.iter().map(|(key, _)| key)));
            }
            Step::Add(number) => {
                let (id, bytes) = (id(*number), object(*number));
                let there = tables.get_or_put(Table::Objects, &id, &bytes)?;
                let there = there.map(<[u8]>::to_vec);
                let place = (Table::Objects, id);
                assert_eq!(there.as_ref(), model.get(&place));
                model.entry(place).or_insert(bytes);
            }
            Step::Replace(number, other) => {
                let (id, bytes) = (id(*number), object(*other));
                tables.put(Table::Objects, &id, &bytes)?;
                assert_eq!(tables.get(Table::Objects, &id)?, Some(&bytes[..]));
                model.insert((Table::Objects, id), bytes);
            }
            Step::Remove(number) => {
                let gone = model.remove(&(Table::Objects, id(*number)));
                let there = tables
                    .get(Table::Objects, &id(*number))?
                    .map(<[u8]>::to_vec);
                assert_eq!(there, gone);
                let removed = tables.delete(Table::Objects, &id(*number))?;
                assert_eq!(removed, gone.is_some());
            }
        }
        Ok(())
    }

    fn owned(entries: Entries<'_>) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
        entries
            .map(|entry| entry.map(|(key, value)| (key.to_vec(), value.to_vec())))
            .collect()
    }

    fn entries(model: &Model, table: Table, prefix: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
        model
            .iter()
            .filter(|((of, key), _)| *of == table && key.starts_with(prefix))
            .map(|((_, key), value)| (key.clone(), value.clone()))
            .collect()
    }

    fn agrees(tables: &dyn ReadTables, model: &Model) {
        let objects = |prefix: &[u8]| -> Vec<_> {
            let objects = tables.objects(prefix).unwrap().map(Result::unwrap);
            objects
                .map(|(id, bytes)| (id.as_bytes().to_vec(), bytes.to_vec()))
                .collect()
        };
        for number in 0..40 {
            let id = id(number);
            for length in [1, 6, 8, 32] {
                let wanted = entries(model, Table::Objects, &id[..length]);
                assert_eq!(objects(&id[..length]), wanted);
            }
        }
        for table in [Table::Objects, Table::Drafts, Table::Refs, Table::Calls] {
            let found = match table {
                Table::Objects => objects(&[]),
                _ => owned(tables.scan(table, &[]).unwrap()).unwrap(),
            };
            assert_eq!(found, entries(model, table, &[]));
            assert_eq!(tables.count(table).unwrap(), found.len() as u64);
            for (key, value) in &found {
                assert_eq!(tables.get(table, key).unwrap(), Some(&value[..]));
            }
            assert_eq!(tables.get(table, b"none").unwrap(), None);
        }
    }

    fn check(store: &Store, transactions: &[(bool, Vec<Step>)]) {
        let snapshot = || Arc::clone(&store.backend).snapshot().unwrap();
        let mut model = Model::new();
        let mut number = snapshot().number();
        for (fails, steps) in transactions {
            let before = (snapshot(), model.clone());
            let mut after = Model::new();
            let written = Arc::clone(&store.backend).write(&mut |tables| {
                after.clone_from(&model);
                for step in steps {
                    take(tables, &mut after, step)?;
                }
                if *fails {
                    let message = "as wanted".to_owned();
                    return Err(Error::Invalid { message }.into());
                }
                Ok(())
            });
            assert_eq!(written.is_err(), *fails);
            agrees(&*before.0, &before.1);
            if !*fails {
                model = after;
            }
            let now = snapshot();
            agrees(&*now, &model);
            assert!(now.number() >= number);
            number = now.number();
        }
    }

    #[test]
    fn a_value_may_become_shorter_in_one_transaction() {
        let put = |length: usize| Step::Put(Table::Refs, vec![1], vec![7; length]);
        let folder = tempfile::tempdir().unwrap();
        let on_disk = OpenOptions::default().create(folder.path()).unwrap();
        let mut transactions = Vec::new();
        for long in [2000, 4100, 9000, 50_000] {
            for short in [0, 19, 2100, 4100, 8300] {
                transactions.push((false, vec![put(long), put(short)]));
            }
        }
        check(&on_disk, &transactions);
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

        #[test]
        fn every_backend_keeps_what_a_model_keeps(
            transactions in prop::collection::vec(
                (prop::bool::weighted(0.2), prop::collection::vec(step(), 0..12)),
                1..8,
            ),
        ) {
            let folder = tempfile::tempdir().unwrap();
            let on_disk = OpenOptions::default().create(folder.path()).unwrap();
            check(&on_disk, &transactions);
            let beside = Folder::open(folder.path()).unwrap().unwrap();
            check(&Store::in_memory(beside), &transactions);
        }
    }
}
