//! Garbage collection on real repositories, alone and beside writers.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod support;

use daggerml::id::{ObjectId, TypedId};
use daggerml::maintenance::gc::{Options, gc};
use daggerml::record::{Kind, Node, Record};
use daggerml::store::{ReadObjects, Table};
use daggerml::{Error, Repository};
use support::{clean, collect, commit, count, edit, ints, litter};

#[test]
fn gc_removes_what_nothing_reaches_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let repository = Repository::init(folder.path()).unwrap();
    let store = repository.store();
    assert_eq!(collect(store).kept.all().objects, 0);
    commit(&repository, "first", ints(0..500));
    commit(&repository, "second", ints(400..900));
    let before = count(store);
    litter(store, 0..15_000);
    let dry = gc(store, Options { dry_run: true }, &mut |_| {}).unwrap();
    assert_eq!(count(store), before + 30_000);
    let report = collect(store);
    assert_eq!(report.removed, dry.removed);
    assert_eq!(report.kept, dry.kept);
    assert_eq!(report.removed.all().objects, 30_000);
    assert_eq!(report.kept.all().objects, before);
    assert_eq!(count(store), before);
    clean(store);
    let view = repository.load("first").unwrap();
    assert_eq!(view.value(view.result().unwrap()).unwrap(), 499i64.into());
    // Nothing is left of the run.
    let snapshot = store.snapshot().unwrap();
    assert_eq!(snapshot.get(Table::Meta, b"gc").unwrap(), None);
    assert_eq!(snapshot.count(Table::Journal).unwrap(), 0);
}

#[test]
fn gc_keeps_what_indexes_calls_and_claims_hold() {
    let folder = tempfile::tempdir().unwrap();
    let repository = Repository::init(folder.path()).unwrap();
    let store = repository.store();
    let ids = litter(store, 0..4);
    let node = |at: usize| ids[2 * at + 1];
    let mut cbor = vec![0x82, 0x61, b'x', 0x58, 0x20];
    cbor.extend_from_slice(node(1).as_bytes());
    store
        .write(|txn| {
            txn.put(Table::Calls, &[7; 32], node(0).as_bytes())?;
            txn.put(Table::Drafts, b"i", &cbor)?;
            txn.put(Table::Claims, b"c", node(2).as_bytes())
        })
        .unwrap();
    assert_eq!(collect(store).removed.all().objects, 2);
    let snapshot = store.snapshot().unwrap();
    for (at, id) in ids.iter().enumerate() {
        assert_eq!(snapshot.has_object(*id).unwrap(), at < 6);
    }
    // State that cannot be read stops it: nobody knows what it keeps.
    drop(snapshot);
    store
        .write(|txn| txn.put(Table::Drafts, b"i", &[0xff]))
        .unwrap();
    assert!(gc(store, Options::default(), &mut |_| {}).is_err());
    assert_eq!(count(store), 6);
}

#[test]
fn room_that_garbage_took_is_used_again() {
    let folder = tempfile::tempdir().unwrap();
    let repository = Repository::init(folder.path()).unwrap();
    let store = repository.store();
    let mut first = None;
    for round in 0..6i64 {
        let from = round * 10_000;
        // What is kept is between garbage, in the same chunks.
        litter(store, from..from + 5000);
        commit(&repository, &format!("dag-{round}"), ints(from..from + 10));
        litter(store, from + 5000..from + 10_000);
        assert_eq!(collect(store).removed.all().objects, 20_000);
        first.get_or_insert(store.size().unwrap());
        clean(store);
    }
    let (first, last) = (first.unwrap(), store.size().unwrap());
    assert!(last < first * 2, "{first} became {last}");
    for round in 0..6i64 {
        let view = repository.load(&format!("dag-{round}")).unwrap();
        let last = view.value(view.result().unwrap()).unwrap();
        assert_eq!(last, (round * 10_000 + 9).into());
    }
}

/// What becomes reachable between mark and sweep stays.
#[test]
fn gc_keeps_what_is_written_while_it_runs() {
    let folder = tempfile::tempdir().unwrap();
    let repository = Repository::init(folder.path()).unwrap();
    let store = repository.store();
    commit(&repository, "first", ints(0..10));
    let ids = litter(store, 0..20_000);
    let other = litter(store, 20_000..20_002);
    let mut acted = false;
    gc(store, Options::default(), &mut |step| {
        // Told after the first batch: everything is marked, and most is not swept.
        if step.phase != "removing" || acted {
            return;
        }
        acted = true;
        store
            .write(|txn| {
                for id in &ids {
                    if let Some(bytes) = txn.raw_object(*id)?.map(<[u8]>::to_vec) {
                        // Put again as a writer would that found it there.
                        txn.put_object(*id, &bytes)?;
                    }
                }
                Ok(())
            })
            .unwrap();
        // A new object refers to an old one; an entry is set to another.
        store
            .write(|txn| {
                if txn.has_object(other[1])? {
                    let datum = daggerml::id::DatumId::from_object(other[0]);
                    txn.save(&Node::Argv { datum })?;
                }
                txn.put(Table::Calls, &[1; 32], other[3].as_bytes())
            })
            .unwrap();
        assert!(store.snapshot().unwrap().count(Table::Journal).unwrap() > 0);
    })
    .unwrap();
    assert!(acted);
    let snapshot = store.snapshot().unwrap();
    let gone = |ids: &[ObjectId]| {
        let gone = ids.iter().filter(|id| !snapshot.has_object(**id).unwrap());
        gone.count()
    };
    // The first batch was gone before anything was noted; of the rest, what was
    // put again stays.
    let (gone, gone_other) = (gone(&ids), gone(&other));
    assert!(gone > 0 && gone <= 20_000, "{gone}");
    assert!(gone + gone_other >= 10_000);
    // What was only put again is garbage for the next run.
    store
        .write(|txn| txn.delete(Table::Calls, &[1; 32]))
        .unwrap();
    collect(store);
    clean(store);
    assert_eq!(count(store), collect(store).kept.all().objects);
}

/// Whoever finds an object while gc removes others finds all that it reaches, and by
/// noting it keeps all.
#[test]
fn gc_never_leaves_half_of_what_hangs_together() {
    let folder = tempfile::tempdir().unwrap();
    let repository = Repository::init(folder.path()).unwrap();
    let store = repository.store();
    for number in 0..30 {
        commit(
            &repository,
            &format!("dag-{number}"),
            ints(number * 1000..number * 1000 + 400),
        );
    }
    let dags: Vec<_> = (0..30)
        .map(|number| repository.find_dag(&format!("dag-{number}")).unwrap())
        .collect();
    store
        .write(|txn| txn.delete(Table::Refs, b"heads/main"))
        .unwrap();
    // Nothing refers to these nodes, so they go first.
    litter(store, 0..12_000);
    let mut kept = None;
    gc(store, Options::default(), &mut |step| {
        if step.phase != "removing" {
            return;
        }
        let snapshot = store.snapshot().unwrap();
        for dag in &dags {
            if !snapshot.has_object(dag.object()).unwrap() {
                continue;
            }
            let record: daggerml::record::Dag = snapshot.load(*dag).unwrap();
            for node in &record.nodes {
                let node: Node = snapshot.load(*node).unwrap();
                assert!(snapshot.has_object(node.datum().unwrap().object()).unwrap());
            }
            if kept.is_none() {
                kept = Some(*dag);
                let put = |txn: &mut daggerml::store::WriteTxn<'_>| {
                    txn.put(Table::Calls, &[1; 32], dag.object().as_bytes())
                };
                store.write(put).unwrap();
            }
        }
    })
    .unwrap();
    assert!(kept.is_some());
    clean(store);
    assert_eq!(count(store), 801);
}

#[test]
fn a_gc_that_died_is_taken_over() {
    let folder = tempfile::tempdir().unwrap();
    let repository = Repository::init(folder.path()).unwrap();
    let store = repository.store();
    store
        .write(|txn| txn.put(Table::Meta, b"gc", &[1; 16]))
        .unwrap();
    commit(&repository, "first", ints(0..10));
    assert!(store.snapshot().unwrap().count(Table::Journal).unwrap() > 0);
    litter(store, 0..10);
    assert_eq!(collect(store).removed.all().objects, 20);
    assert_eq!(store.snapshot().unwrap().count(Table::Journal).unwrap(), 0);
}

/// What a damaged object refers to is not known, so it would be taken for garbage.
#[test]
fn gc_stops_at_damage_that_hides_references() {
    let folder = tempfile::tempdir().unwrap();
    let node = {
        let repository = Repository::init(folder.path()).unwrap();
        commit(&repository, "first", ints(0..10));
        let view = repository.load("first").unwrap();
        view.node(view.result().unwrap()).unwrap().encode().unwrap()
    };
    let mut damaged = node.clone();
    damaged[20] ^= 1;
    edit(folder.path(), &node, &damaged);
    let repository = Repository::open(folder.path()).unwrap();
    let store = repository.store();
    let before = count(store);
    let error = gc(store, Options::default(), &mut |_| {}).unwrap_err();
    assert!(matches!(
        *error,
        Error::HashMismatch {
            kind: Kind::Node,
            ..
        }
    ));
    assert_eq!(count(store), before);
    // It does not keep writers noting.
    assert_eq!(
        store.snapshot().unwrap().get(Table::Meta, b"gc").unwrap(),
        None
    );
}
