//! The engine against the test vectors of the object model's specification.
//!
//! `docs/spec/vectors/values.json` and `records.json` hold what must be accepted,
//! with bytes and ids; `invalid.json` what must be refused, and how.
//! `cargo test -p daggerml --test vectors -- --ignored` writes the first two anew
//! (only for an addition: published bytes and ids never change).

#![expect(
    clippy::unwrap_used,
    clippy::too_many_lines,
    reason = "tables and helpers of tests"
)]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use common::{from_json, hex, to_json, unhex};
use daggerml::id::{DagId, DatumId, ExecId, NodeId, ObjectId, TreeId, TypedId};
use daggerml::name::Name;
use daggerml::record::{
    AnyRecord, BlobList, Builtin, CallKey, Commit, Dag, Datum, ErrorInfo, Exec, ExecStatus, Kind,
    Node, Outcome, Record, Time, Tombstone, Tree,
};
use daggerml::value::{Blob, Map, Runnable, Set, Uri, Value};
use daggerml::{decode_value, encode_value};
use serde_json::{Value as Json, json};

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../docs/spec/vectors")
        .join(name)
}

fn vectors(name: &str) -> Vec<Json> {
    let text = std::fs::read_to_string(file(name)).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[test]
fn values_have_these_bytes_and_ids() {
    let vectors = vectors("values.json");
    assert!(vectors.len() > 40);
    for vector in vectors {
        let value = from_json(&vector["value"]);
        let bytes = encode_value(&value).unwrap();
        assert_eq!(hex(&bytes), vector["cbor"], "{vector}");
        assert_eq!(decode_value(&bytes).unwrap(), value, "{vector}");
        let record = Datum { value }.encode().unwrap();
        assert_eq!(hex(&record), vector["record"], "{vector}");
        assert_eq!(ObjectId::of(&record).to_string(), vector["id"], "{vector}");
    }
}

#[test]
fn records_have_these_bytes_and_ids() {
    let vectors = vectors("records.json");
    let kinds: BTreeSet<_> = vectors
        .iter()
        .map(|v| v["kind"].as_str().unwrap())
        .collect();
    assert_eq!(
        kinds.len(),
        Kind::ALL.len() - 1,
        "all kinds but datum: {kinds:?}"
    );
    for vector in vectors {
        let bytes = unhex(vector["record"].as_str().unwrap());
        let record = AnyRecord::decode(&bytes).unwrap_or_else(|fault| panic!("{fault}: {vector}"));
        assert_eq!(record.kind().as_str(), vector["kind"], "{vector}");
        assert_eq!(hex(&record.encode().unwrap()), vector["record"], "{vector}");
        assert_eq!(ObjectId::of(&bytes).to_string(), vector["id"], "{vector}");
        let mut references = Vec::new();
        record.references(&mut |to| references.push(format!("{} {}", to.kind, to.id)));
        assert_eq!(json!(references), vector["references"], "{vector}");
    }
}

#[test]
fn the_records_are_these_records() {
    let written = vectors("records.json");
    for (vector, (name, record)) in written.iter().zip(records()) {
        assert_eq!(vector["name"], name);
        assert_eq!(vector["record"], hex(&record.encode().unwrap()), "{name}");
    }
}

#[test]
fn invalid_bytes_are_refused_as_said() {
    let vectors = vectors("invalid.json");
    let faults: BTreeSet<_> = vectors
        .iter()
        .map(|v| v["fault"].as_str().unwrap())
        .collect();
    assert_eq!(faults.len(), 5, "every fault has a vector: {faults:?}");
    for vector in vectors {
        let bytes = unhex(vector["bytes"].as_str().unwrap());
        match AnyRecord::decode(&bytes) {
            Ok(record) => panic!("accepted as {record:?}: {vector}"),
            Err(fault) => assert_eq!(fault.kind().as_str(), vector["fault"], "{fault}: {vector}"),
        }
    }
}

/// An id that is easy to tell apart in a dump: 32 times the same byte.
fn id<I: TypedId>(byte: u8) -> I {
    I::from_object(ObjectId::from_bytes([byte; 32]))
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn map(entries: &[(Value, Value)]) -> Map {
    Map::new(entries.to_vec()).unwrap()
}

fn values() -> Vec<(&'static str, Value)> {
    let int = |text: &str| Value::Int(text.parse().unwrap());
    let uri = |text: &str| Value::Uri(Uri::new(text).unwrap());
    let set = |items: &[Value]| Value::Set(Set::new(items.to_vec()).unwrap());
    let plain = Runnable {
        uri: Uri::new("python:total").unwrap(),
        adapter: "local".into(),
        kwargs: map(&[("source".into(), "def total(xs): ...".into())]),
        sub: None,
    };
    let wrapped = Runnable {
        uri: Uri::new("dask:submit").unwrap(),
        adapter: "dask".into(),
        kwargs: Map::default(),
        sub: Some(Box::new(plain.clone())),
    };
    let blob = Blob {
        size: 10 << 30,
        id: id(0x81),
    };
    vec![
        ("null", Value::Null),
        ("false", false.into()),
        ("true", true.into()),
        ("zero", 0.into()),
        ("twenty-three", 23.into()),
        ("twenty-four", 24.into()),
        ("255", 255.into()),
        ("256", 256.into()),
        ("65535", 65535.into()),
        ("65536", 65536.into()),
        ("2^32-1", int("4294967295")),
        ("2^32", int("4294967296")),
        ("2^63-1", int("9223372036854775807")),
        ("2^63", int("9223372036854775808")),
        ("2^64-1", int("18446744073709551615")),
        ("2^64", int("18446744073709551616")),
        ("minus one", (-1).into()),
        ("-24", (-24).into()),
        ("-25", (-25).into()),
        ("-2^63", int("-9223372036854775808")),
        ("-2^64", int("-18446744073709551616")),
        ("-2^64-1", int("-18446744073709551617")),
        ("10^30", int("1000000000000000000000000000000")),
        ("0.0, which -0.0 becomes", 0.0.into()),
        ("1.5, a half", 1.5.into()),
        ("the smallest half", 2f64.powi(-24).into()),
        ("65504.0, the largest half", 65504.0.into()),
        ("65505.0, a single", 65505.0.into()),
        ("0.1, a double", 0.1.into()),
        ("the smallest double", 5e-324.into()),
        ("infinity", f64::INFINITY.into()),
        ("minus infinity", f64::NEG_INFINITY.into()),
        ("NaN", f64::NAN.into()),
        ("empty string", "".into()),
        (
            "string, kept byte for byte (not NFC)",
            "e\u{301} \u{1f600}\0".into(),
        ),
        ("24 bytes of text", "abcdefghijklmnopqrstuvwx".into()),
        ("empty bytes", Value::Bytes(vec![])),
        ("bytes", Value::Bytes(vec![0, 127, 128, 255])),
        ("uri", uri("s3://bucket/key%20with%20spaces?x=1#y")),
        (
            "uri, canonical form of HTTP://EXAMPLE.com/%7ea/./b/../c",
            uri("HTTP://EXAMPLE.com/%7ea/./b/../c"),
        ),
        ("empty list", Value::List(vec![])),
        (
            "list",
            vec![1.into(), vec!["x".into()].into(), Value::Null].into(),
        ),
        ("empty set", set(&[])),
        (
            "set: any order in, bytewise order of the encodings stored",
            set(&[
                "b".into(),
                10.into(),
                (-1).into(),
                2.5.into(),
                "aa".into(),
                9.into(),
                10.into(),
                vec![1.into()].into(),
            ]),
        ),
        ("empty map", Value::Map(Map::default())),
        (
            "map: every kind of key",
            Value::Map(map(&[
                ("b".into(), 1.into()),
                ("aa".into(), 2.into()),
                (10.into(), 3.into()),
                ((-1).into(), 4.into()),
                (1.5.into(), 5.into()),
                (true.into(), 6.into()),
                (Value::Null, 7.into()),
                (Value::Bytes(vec![1]), 8.into()),
                (uri("x:y"), 9.into()),
            ])),
        ),
        (
            "1, 1.0 and true are three keys",
            Value::Map(map(&[
                (1.into(), "int".into()),
                (1.0.into(), "float".into()),
                (true.into(), "bool".into()),
            ])),
        ),
        ("runnable", Value::Runnable(Box::new(plain))),
        (
            "runnable around a runnable",
            Value::Runnable(Box::new(wrapped)),
        ),
        ("blob", Value::from(blob)),
        (
            "blob in a list",
            vec![1.into(), Value::from(blob), Value::from(blob)].into(),
        ),
    ]
}

fn records() -> Vec<(&'static str, AnyRecord)> {
    let frame = Value::Map(map(&[
        ("line".into(), 3.into()),
        ("file".into(), "a.py".into()),
    ]));
    let error = ErrorInfo {
        origin: "python".into(),
        kind: "ValueError".into(),
        message: "no".into(),
        stack: vec![frame],
    };
    let mut children = Box::new([None; 16]);
    children[0] = Some(id::<TreeId>(0x41));
    children[15] = Some(id::<TreeId>(0x42));
    let dag = Dag {
        nodes: vec![id(0x21), id(0x22)],
        names: BTreeMap::from([(name("aa"), 0), (name("b"), 1)]),
        argv: None,
        outcome: Outcome::Result(1),
        tags: BTreeSet::from([name("nightly"), name("x")]),
    };
    let failed = Dag {
        argv: Some(0),
        outcome: Outcome::Error(error),
        names: BTreeMap::new(),
        tags: BTreeSet::new(),
        ..dag.clone()
    };
    let exec = Exec {
        key: CallKey::new(id(0x11), &[id(0x12), id(0x13)]),
        status: ExecStatus::Ok,
        dag: Some(id::<DagId>(0x31)),
        adapter: "local".into(),
        started: Time(1_795_000_000_000_000),
        finished: Time(1_795_000_000_250_000),
        log: None,
        previous: None,
    };
    vec![
        (
            "literal node",
            AnyRecord::Node(Node::Literal { datum: id(0x11) }),
        ),
        ("argv node", AnyRecord::Node(Node::Argv { datum: id(0x11) })),
        (
            "import node",
            AnyRecord::Node(Node::Import {
                dag: id(0x31),
                node: id(0x21),
                datum: id(0x11),
            }),
        ),
        (
            "builtin node",
            AnyRecord::Node(Node::Builtin {
                op: Builtin::Get,
                args: vec![id(0x21), id(0x22)],
                datum: id(0x11),
            }),
        ),
        (
            "call node",
            AnyRecord::Node(Node::Call {
                args: vec![id(0x21), id(0x22)],
                dag: id(0x31),
                datum: Some(id::<DatumId>(0x11)),
            }),
        ),
        (
            "call node that failed",
            AnyRecord::Node(Node::Call {
                args: vec![id::<NodeId>(0x21)],
                dag: id(0x31),
                datum: None,
            }),
        ),
        ("dag with a result", AnyRecord::Dag(dag)),
        ("dag with an error", AnyRecord::Dag(failed)),
        ("empty tree", AnyRecord::Tree(Tree::empty())),
        (
            "leaf of a tree",
            AnyRecord::Tree(Tree::Leaf(vec![
                (name("b"), id(0x31)),
                (name("aa"), id(0x32)),
            ])),
        ),
        (
            "branch of a tree",
            AnyRecord::Tree(Tree::Branch {
                count: 65,
                children,
            }),
        ),
        (
            "first commit",
            AnyRecord::Commit(Commit {
                tree: id(0x41),
                parents: vec![],
                author: "Ada".into(),
                message: "hello".into(),
                time: Time(0),
            }),
        ),
        (
            "merge commit, before 1970",
            AnyRecord::Commit(Commit {
                tree: id(0x41),
                parents: vec![id(0x51), id(0x52)],
                author: String::new(),
                message: "merge".into(),
                time: Time(-1),
            }),
        ),
        ("exec", AnyRecord::Exec(exec.clone())),
        (
            "exec, second attempt, canceled",
            AnyRecord::Exec(Exec {
                status: ExecStatus::Canceled,
                dag: None,
                log: Some(id(0x14)),
                previous: Some(id::<ExecId>(0x61)),
                ..exec
            }),
        ),
        (
            "tombstone",
            AnyRecord::Tombstone(Tombstone {
                object: id::<DatumId>(0x11).object(),
                kind: Kind::Datum,
                reason: "personal data".into(),
                time: Time(1),
            }),
        ),
        (
            "blob without bytes",
            AnyRecord::Blob(BlobList {
                size: 0,
                parts: vec![],
            }),
        ),
        (
            "blob of two chunks",
            AnyRecord::Blob(BlobList {
                size: (4 << 20) + 1,
                parts: vec![
                    ObjectId::from_bytes([0x11; 32]),
                    ObjectId::from_bytes([0x12; 32]),
                ],
            }),
        ),
        (
            "blob of two blobs",
            AnyRecord::Blob(BlobList {
                size: (4 << 30) + 1,
                parts: vec![
                    ObjectId::from_bytes([0x81; 32]),
                    ObjectId::from_bytes([0x82; 32]),
                ],
            }),
        ),
    ]
}

#[test]
#[ignore = "writes the vectors anew"]
fn write_vectors() {
    let values: Vec<_> = values()
        .into_iter()
        .map(|(name, value)| {
            let cbor = encode_value(&value).unwrap();
            let json = to_json(&value);
            let record = Datum { value }.encode().unwrap();
            json!({
                "name": name, "value": json, "cbor": hex(&cbor),
                "record": hex(&record), "id": ObjectId::of(&record).to_string(),
            })
        })
        .collect();
    let records: Vec<_> = records()
        .into_iter()
        .map(|(name, record)| {
            let bytes = record.encode().unwrap();
            let mut references = Vec::new();
            record.references(&mut |to| references.push(format!("{} {}", to.kind, to.id)));
            json!({
                "name": name, "kind": record.kind().as_str(), "record": hex(&bytes),
                "id": ObjectId::of(&bytes).to_string(), "references": references,
            })
        })
        .collect();
    for (name, vectors) in [("values.json", values), ("records.json", records)] {
        let mut text = serde_json::to_string_pretty(&vectors).unwrap();
        text.push('\n');
        std::fs::write(file(name), text).unwrap();
    }
}
