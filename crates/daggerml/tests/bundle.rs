//! Bundles: packed, carried, verified, taken in.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod support;

use daggerml::id::{ObjectId, TypedId};
use daggerml::maintenance::excise::excise;
use daggerml::maintenance::fsck::fsck;
use daggerml::record::{Datum, Node, Record, Reference};
use daggerml::repo::refs::{self, Target};
use daggerml::store::{ReadObjects, Store, Table};
use daggerml::transfer::{Limits, apply, create};
use daggerml::value::Value;
use daggerml::{Error, Repository};
use support::Random;

fn repository() -> (tempfile::TempDir, Repository) {
    let folder = tempfile::tempdir().unwrap();
    let repository = Repository::init(folder.path()).unwrap();
    (folder, repository)
}

fn commit(repository: &Repository, name: &str, values: impl IntoIterator<Item = Value>) {
    let mut dag = repository.new_dag(name, "m").unwrap();
    let nodes: Vec<_> = values.into_iter().map(|v| dag.put(v).unwrap()).collect();
    dag.commit(*nodes.last().unwrap()).unwrap();
}

fn pack(repository: &Repository, roots: &[Reference], exclude: &[ObjectId]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let snapshot = repository.snapshot().unwrap();
    let made = create(&snapshot, roots, exclude, &mut bytes).unwrap();
    assert_eq!(made.bytes, bytes.len() as u64);
    bytes
}

fn take(store: &Store, bytes: &[u8]) -> daggerml::Result<u64> {
    let (applied, ()) = apply(store, &mut &bytes[..], &Limits::default(), |_, _| Ok(()))?;
    Ok(applied.new)
}

#[test]
fn history_moves_to_another_repository() {
    let (_a, from) = repository();
    let (_b, to) = repository();
    commit(&from, "ints", (0..50i64).map(Value::from));
    commit(&from, "big", [Value::Bytes(vec![5; 100_000])]);
    let head = from.head().unwrap().unwrap();
    let bytes = pack(&from, &[head.into()], &[]);
    assert_eq!(bytes, pack(&from, &[head.into()], &[]), "not deterministic");
    let (applied, ()) = apply(
        to.store(),
        &mut &bytes[..],
        &Limits::default(),
        |txn, roots| {
            assert_eq!(roots, [Reference::from(head)]);
            refs::set(txn, "heads/main", &Target::Commit(head))
        },
    )
    .unwrap();
    assert_eq!(applied.new, applied.objects);
    let view = to.load("big").unwrap();
    let value = view.value(view.result().unwrap()).unwrap();
    assert_eq!(value, Value::Bytes(vec![5; 100_000]));
    assert!(fsck(to.store(), &mut |_| {}).unwrap().is_clean());
    assert_eq!(take(to.store(), &bytes).unwrap(), 0);
    // The same bytes come out of the other end.
    assert_eq!(bytes, pack(&to, &[head.into()], &[]));
}

#[test]
fn thin_bundles_need_what_they_leave_out() {
    let (_a, from) = repository();
    let (_b, to) = repository();
    commit(&from, "first", (0..50i64).map(Value::from));
    let old = from.head().unwrap().unwrap();
    let full = pack(&from, &[old.into()], &[]);
    commit(&from, "second", (40..60i64).map(Value::from));
    let new = from.head().unwrap().unwrap();
    let partial = pack(
        &from,
        &[new.into()],
        &[old.into(), ObjectId::of(b"not there")],
    );
    assert!(partial.len() < full.len());
    assert!(matches!(
        take(to.store(), &partial).map_err(|error| *error),
        Err(Error::ObjectNotFound { .. })
    ));
    assert_eq!(to.snapshot().unwrap().count(Table::Objects).unwrap(), 0);
    take(to.store(), &full).unwrap();
    take(to.store(), &partial).unwrap();
    to.store()
        .write(|txn| refs::set(txn, "heads/main", &Target::Commit(new)))
        .unwrap();
    assert!(to.load("second").is_ok() && to.load("first").is_ok());
    assert!(fsck(to.store(), &mut |_| {}).unwrap().is_clean());
}

#[test]
fn excised_objects_travel_as_tombstones() {
    let (_a, from) = repository();
    let (_b, to) = repository();
    commit(&from, "first", ["secret".into(), "open".into()]);
    let datum = Datum {
        value: "secret".into(),
    };
    let id = ObjectId::of(&datum.encode().unwrap());
    excise(from.store(), id, "why").unwrap();
    let head = from.head().unwrap().unwrap();
    let bytes = pack(&from, &[head.into()], &[]);
    take(to.store(), &bytes).unwrap();
    let found = to
        .snapshot()
        .unwrap()
        .load::<_, Datum>(TypedId::from_object(id));
    assert!(matches!(
        found.map_err(|error| *error),
        Err(Error::Excised { .. })
    ));
    // A tombstone does not excise what is there.
    let (_c, other) = repository();
    commit(&other, "mine", ["secret".into()]);
    take(other.store(), &bytes).unwrap();
    let found: Datum = other
        .snapshot()
        .unwrap()
        .load(TypedId::from_object(id))
        .unwrap();
    assert_eq!(found, datum);
}

/// Every damaged bundle is refused, and leaves nothing behind.
#[test]
fn damaged_bundles_are_refused_whole() {
    let (_a, from) = repository();
    let (_b, to) = repository();
    commit(&from, "first", (0..20i64).map(Value::from));
    let head = from.head().unwrap().unwrap();
    let bytes = pack(&from, &[head.into()], &[]);
    let refused = |bytes: &[u8], what: &str| {
        assert!(take(to.store(), bytes).is_err(), "{what}");
    };
    for length in 0..bytes.len() {
        if length % 7 == 0 || length > bytes.len() - 40 {
            refused(&bytes[..length], "cut off");
        }
    }
    refused(&[&bytes[..], b"x"].concat(), "trailing");
    let mut random = Random::new(5);
    for _ in 0..2000 {
        let mut bad = bytes.clone();
        let at = usize::try_from(random.below(bytes.len() as u64)).unwrap();
        bad[at] ^= 1 << random.below(8);
        refused(&bad, &format!("byte {at}"));
    }
    assert_eq!(to.snapshot().unwrap().count(Table::Objects).unwrap(), 0);
    assert!(take(to.store(), &bytes).unwrap() > 40);
}

/// A bundle with a right hash over wrong content.
fn forge(header: &[u8], objects: &[&[u8]]) -> Vec<u8> {
    let mut bytes = b"\x89DML\r\n\x1a\n".to_vec();
    bytes.extend_from_slice(header);
    for object in objects {
        assert!(object.len() < 256);
        bytes.extend_from_slice(&[0x58, u8::try_from(object.len()).unwrap()]);
        bytes.extend_from_slice(object);
    }
    bytes.extend_from_slice(ObjectId::of(&bytes).as_bytes());
    bytes
}

#[test]
fn forged_bundles_are_refused() {
    let (_b, to) = repository();
    let datum = Datum {
        value: "a value that is longer than 24".into(),
    }
    .encode()
    .unwrap();
    let datum_id = TypedId::from_object(ObjectId::of(&datum));
    let node = Node::Literal { datum: datum_id }.encode().unwrap();
    let node_id = ObjectId::of(&node);
    let header = |roots: &[(u8, ObjectId)], objects: u8| {
        let mut bytes = vec![0x84, 1, 0x80 | u8::try_from(roots.len()).unwrap()];
        for (kind, id) in roots {
            bytes.extend_from_slice(&[0x82, *kind, 0x58, 0x20]);
            bytes.extend_from_slice(id.as_bytes());
        }
        bytes.extend_from_slice(&[0x80, objects]);
        bytes
    };
    let refused = |header: &[u8], objects: &[&[u8]], words: &str| {
        let error = take(to.store(), &forge(header, objects))
            .unwrap_err()
            .to_string();
        assert!(error.contains(words), "{error}");
    };
    let root = header(&[(2, node_id)], 2);
    refused(&root, &[&node, &datum], "comes after what refers to it");
    refused(
        &header(&[(2, node_id)], 1),
        &[&node],
        "not in this repository",
    );
    refused(&header(&[(1, node_id)], 2), &[&datum, &node], "is a node");
    refused(
        &header(&[(2, node_id)], 3),
        &[&datum, &node, &datum],
        "comes twice",
    );
    refused(&header(&[], 2), &[&datum, &node], "no root reaches");
    refused(
        &header(&[(2, ObjectId::of(b"?"))], 2),
        &[&datum, &node],
        "no root reaches",
    );
    refused(&root, &[&datum, &node[..node.len() - 1]], "invalid_");
    refused(&root, &[&datum], "not a sound bundle");
    let mut other = root.clone();
    other[1] = 2;
    refused(&other, &[&datum, &node], "version 2");
    let small = Limits {
        object: 10,
        ..Limits::default()
    };
    let good = forge(&root, &[&datum, &node]);
    assert!(apply(to.store(), &mut &good[..], &small, |_, _| Ok(())).is_err());
    assert_eq!(to.snapshot().unwrap().count(Table::Objects).unwrap(), 0);
    // What runs with it fails: nothing is there.
    let failed = apply(to.store(), &mut &good[..], &Limits::default(), |_, _| {
        Err::<(), _>(
            Error::Conflict {
                message: "no".into(),
            }
            .into(),
        )
    });
    assert!(failed.is_err());
    assert_eq!(to.snapshot().unwrap().count(Table::Objects).unwrap(), 0);
    assert_eq!(take(to.store(), &good).unwrap(), 2);
}

/// More than is kept in memory.
#[test]
fn large_bundles_are_spooled() {
    let (_a, from) = repository();
    let (folder, to) = repository();
    let value = |n: u8| Value::Bytes(vec![n; 12 << 20]);
    commit(&from, "large", (0..4).map(value));
    let head = from.head().unwrap().unwrap();
    let bytes = pack(&from, &[head.into()], &[]);
    take(to.store(), &bytes).unwrap();
    to.store()
        .write(|txn| refs::set(txn, "heads/main", &Target::Commit(head)))
        .unwrap();
    let view = to.load("large").unwrap();
    assert_eq!(view.value(view.result().unwrap()).unwrap(), value(3));
    let left = std::fs::read_dir(folder.path().join(".dml")).unwrap();
    assert!(
        left.flatten()
            .all(|file| !file.file_name().to_string_lossy().starts_with("bundle"))
    );
}

/// The example of the specification.
#[test]
fn the_vector() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../docs/spec/vectors/bundle.json"
    );
    let vector: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let unhex = |text: &serde_json::Value| -> Vec<u8> {
        let text = text.as_str().unwrap().as_bytes();
        text.chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect()
    };
    let (_b, to) = repository();
    let objects: Vec<Vec<u8>> = vector["objects"]
        .as_array()
        .unwrap()
        .iter()
        .map(unhex)
        .collect();
    to.store()
        .write(|txn| {
            objects
                .iter()
                .try_for_each(|bytes| txn.put_object(ObjectId::of(bytes), bytes))
        })
        .unwrap();
    let root = Reference {
        kind: daggerml::record::Kind::Node,
        id: vector["root"].as_str().unwrap().parse().unwrap(),
    };
    let packed = pack(&to, &[root], &[]);
    assert_eq!(packed, unhex(&vector["bundle"]));
    let (_c, other) = repository();
    assert_eq!(take(other.store(), &unhex(&vector["bundle"])).unwrap(), 2);
    for object in &objects {
        assert!(
            other
                .snapshot()
                .unwrap()
                .has_object(ObjectId::of(object))
                .unwrap()
        );
    }
}
