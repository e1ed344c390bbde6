//! Objects that many transactions add and remove, against a simple model.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::collections::BTreeMap;

use daggerml::id::ObjectId;
use daggerml::maintenance::fsck::fsck;
use daggerml::maintenance::gc::{Options, gc};
use daggerml::record::{Datum, Record};
use daggerml::store::{OpenOptions, ReadObjects, Snapshot, Table};
use daggerml::value::Value;

/// Numbers that look random and are the same in each run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) % limit
    }
}

/// The bytes of a datum; some are long.
fn datum(number: u64) -> Vec<u8> {
    let repeat = match number % 997 {
        0 => 2000,
        rest => usize::try_from(rest % 9).unwrap(),
    };
    let value = Value::Bytes(number.to_be_bytes().repeat(repeat + 1));
    Datum { value }.encode().unwrap()
}

type Model = BTreeMap<ObjectId, Vec<u8>>;

fn agree(snapshot: &Snapshot, model: &Model) {
    let found: Vec<_> = snapshot
        .objects(&[])
        .unwrap()
        .map(|object| object.map(|(id, bytes)| (id, bytes.to_vec())).unwrap())
        .collect();
    assert!(found.iter().map(|(id, bytes)| (id, bytes)).eq(model));
    assert_eq!(snapshot.count(Table::Objects).unwrap(), model.len() as u64);
    for (id, bytes) in model {
        assert_eq!(snapshot.raw_object(*id).unwrap(), Some(&bytes[..]));
    }
    for number in 0..1000_u64 {
        let other = ObjectId::of(&number.to_be_bytes());
        assert!(!snapshot.has_object(other).unwrap());
    }
}

#[test]
fn many_transactions_agree_with_a_model() {
    let folder = tempfile::tempdir().unwrap();
    let store = OpenOptions::default().create(folder.path()).unwrap();
    let mut numbers = Numbers(7);
    let mut model = Model::new();
    for round in 0..60 {
        let before = (store.snapshot().unwrap(), model.clone());
        let size = [1, 3, 300, 3000][usize::try_from(numbers.below(4)).unwrap()];
        let added: Vec<_> = (0..size).map(|_| datum(numbers.below(40_000))).collect();
        let skip = numbers.below(50) + 2;
        let gone: Vec<_> = model
            .keys()
            .step_by(usize::try_from(skip).unwrap())
            .copied()
            .collect();
        let gone = if round % 7 == 6 { gone } else { Vec::new() };
        store
            .write(|txn| {
                for bytes in &added {
                    txn.put_object(ObjectId::of(bytes), bytes)?;
                }
                for id in &gone {
                    assert!(txn.delete(Table::Objects, id.as_bytes())?);
                    assert!(!txn.delete(Table::Objects, id.as_bytes())?);
                }
                // What was removed can be put again.
                for bytes in added.iter().take(2) {
                    txn.put_object(ObjectId::of(bytes), bytes)?;
                }
                Ok(())
            })
            .unwrap();
        model.extend(
            added
                .iter()
                .map(|bytes| (ObjectId::of(bytes), bytes.clone())),
        );
        gone.iter().for_each(|id| {
            model.remove(id);
        });
        model.extend(
            added
                .iter()
                .take(2)
                .map(|bytes| (ObjectId::of(bytes), bytes.clone())),
        );
        if round % 10 == 9 {
            agree(&store.snapshot().unwrap(), &model);
            let found = before
                .0
                .objects(&[])
                .unwrap()
                .map(|object| object.unwrap().0);
            assert!(found.eq(before.1.keys().copied()));
        }
    }
    let report = fsck(&store, &mut |_| {}).unwrap();
    assert!(report.is_clean(), "{:#?}", report.findings);
    // Nothing refers to any of it.
    let report = gc(&store, Options::default(), &mut |_| {}).unwrap();
    assert_eq!(report.removed.all().objects, model.len() as u64);
    agree(&store.snapshot().unwrap(), &Model::new());
}
