//! Properties of the codec: values and records survive, and nothing but
//! canonical bytes is accepted.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::{BTreeMap, BTreeSet};

use daggerml::id::{ObjectId, TypedId};
use daggerml::name::Name;
use daggerml::record::{
    AnyRecord, BlobList, Builtin, CallKey, Commit, Dag, Datum, ErrorInfo, Exec, ExecStatus, Kind,
    Node, Outcome, Time, Tombstone, Tree,
};
use daggerml::value::{Blob, Int, MAX_DEPTH, Map, Runnable, Set, Uri, Value};
use daggerml::{decode_value, encode_value};
use proptest::collection::vec;
use proptest::prelude::*;

fn int() -> impl Strategy<Value = Int> {
    prop_oneof![
        any::<i64>().prop_map(Int::from),
        // Around the sizes where the encoding changes.
        (1u32..200, -2i64..3, any::<bool>()).prop_map(|(bits, off, negative)| {
            let digits = format!("{}", u128::MAX >> (128 - bits.min(127)));
            let big: Int = digits.parse().unwrap();
            let number = big.to_big() + off;
            Int::from(if negative { -number } else { number })
        }),
        "-?[1-9][0-9]{20,80}".prop_map(|digits| digits.parse().unwrap()),
    ]
}

fn uri() -> impl Strategy<Value = Uri> {
    "[a-zA-Z][a-z0-9+.-]{0,6}:(//[a-zA-Z0-9.]{1,8})?(/[a-zA-Z0-9._~%]{0,6}){0,3}"
        .prop_filter_map("not a URI", |text| Uri::new(&text).ok())
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        int().prop_map(Value::Int),
        any::<f64>().prop_map(Value::from),
        any::<f32>().prop_map(|number| f64::from(number).into()),
        any::<i16>().prop_map(|number| (f64::from(number) / 8.0).into()),
        any::<String>().prop_map(Value::from),
        any::<Vec<u8>>().prop_map(Value::Bytes),
        uri().prop_map(Value::Uri),
    ]
}

fn distinct(entries: Vec<(Value, Value)>) -> Map {
    let mut seen = BTreeSet::new();
    let entries = entries.into_iter();
    Map::new(
        entries
            .filter(|(key, _)| seen.insert(encode_value(key).unwrap()))
            .collect(),
    )
    .unwrap()
}

fn value() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(6, 64, 8, |inner| {
        let kwargs = vec((any::<String>().prop_map(Value::from), inner.clone()), 0..4);
        prop_oneof![
            vec(inner.clone(), 0..8).prop_map(Value::List),
            vec(inner.clone(), 0..8).prop_map(|items| Value::Set(Set::new(items).unwrap())),
            vec((scalar(), inner), 0..8).prop_map(|entries| Value::Map(distinct(entries))),
            (uri(), "[a-z]{0,4}", kwargs, any::<bool>()).prop_map(
                |(uri, adapter, kwargs, wrap)| {
                    let runnable = Runnable {
                        uri,
                        adapter,
                        kwargs: distinct(kwargs),
                        sub: None,
                    };
                    let sub = wrap.then(|| Box::new(runnable.clone()));
                    Value::Runnable(Box::new(Runnable { sub, ..runnable }))
                }
            ),
        ]
    })
}

/// A value that may have blobs in it, as that of a datum may.
fn value_with_blobs() -> impl Strategy<Value = Value> {
    let blob = (id(), any::<u64>()).prop_map(|(id, size)| Value::from(Blob { id, size }));
    let blob = blob.boxed();
    prop_oneof![
        3 => value(),
        1 => blob.clone(),
        1 => (value(), vec(blob, 1..3)).prop_map(|(value, mut blobs)| {
            blobs.push(value);
            Value::Set(Set::new(vec![Value::List(blobs)]).unwrap())
        }),
    ]
}

/// The parts of a blob: as many as its size has.
fn blob_list() -> impl Strategy<Value = BlobList> {
    let size = prop_oneof![any::<u64>(), 0..20_000_000u64];
    size.prop_map(|size| {
        let mut span = 4 << 20;
        while size.div_ceil(span) > 1024 {
            span *= 1024;
        }
        let parts = (0..size.div_ceil(span)).map(|part| ObjectId::of(&part.to_be_bytes()));
        BlobList {
            size,
            parts: parts.collect(),
        }
    })
}

fn id<I: TypedId>() -> impl Strategy<Value = I> {
    any::<[u8; 32]>().prop_map(|bytes| I::from_object(ObjectId::from_bytes(bytes)))
}

fn name() -> impl Strategy<Value = Name> {
    "\\PC{1,12}".prop_filter_map("not a name", |text| Name::new(&text).ok())
}

fn node() -> impl Strategy<Value = Node> {
    prop_oneof![
        id().prop_map(|datum| Node::Literal { datum }),
        id().prop_map(|datum| Node::Argv { datum }),
        (id(), id(), id()).prop_map(|(dag, node, datum)| Node::Import { dag, node, datum }),
        (
            proptest::sample::select(&Builtin::ALL[..]),
            vec(id(), 0..4),
            id()
        )
            .prop_map(|(op, args, datum)| Node::Builtin { op, args, datum }),
        (vec(id(), 1..4), id(), proptest::option::of(id()))
            .prop_map(|(args, dag, datum)| Node::Call { args, dag, datum }),
    ]
}

fn outcome(nodes: u32) -> impl Strategy<Value = Outcome> {
    let error = (
        any::<String>(),
        any::<String>(),
        any::<String>(),
        vec(value(), 0..3),
    );
    prop_oneof![
        (0..nodes).prop_map(Outcome::Result),
        error.prop_map(|(origin, kind, message, stack)| {
            Outcome::Error(ErrorInfo {
                origin,
                kind,
                message,
                stack,
            })
        }),
    ]
}

fn dag() -> impl Strategy<Value = Dag> {
    proptest::collection::btree_set(id(), 1..8).prop_flat_map(|nodes| {
        let count = u32::try_from(nodes.len()).unwrap();
        let names = proptest::collection::btree_map(name(), 0..count, 0..6);
        let tags = proptest::collection::btree_set(name(), 0..3);
        (names, proptest::option::of(0..count), outcome(count), tags).prop_map(
            move |(names, argv, outcome, tags)| Dag {
                nodes: nodes.iter().copied().collect(),
                names,
                argv,
                outcome,
                tags,
            },
        )
    })
}

fn tree() -> impl Strategy<Value = Tree> {
    let leaf = proptest::collection::btree_map(name(), id(), 0..10).prop_map(|entries| {
        let mut entries: Vec<_> = entries.into_iter().collect();
        entries.sort_by_key(|(name, _)| (name.as_str().len(), name.clone()));
        Tree::Leaf(entries)
    });
    let children = vec(proptest::option::of(id()), 16);
    let branch = (65u64.., children).prop_map(|(count, children)| Tree::Branch {
        count,
        children: Box::new(children.try_into().unwrap()),
    });
    prop_oneof![leaf, branch]
}

fn record() -> impl Strategy<Value = AnyRecord> {
    let time = || any::<i64>().prop_map(Time);
    let parents = proptest::collection::btree_set(id(), 0..3);
    let commit = (id(), parents, any::<String>(), any::<String>(), time());
    let exec = (
        any::<[u8; 32]>(),
        proptest::sample::select(vec![
            ExecStatus::Ok,
            ExecStatus::Error,
            ExecStatus::Canceled,
        ]),
        (
            proptest::option::of(id()),
            proptest::option::of(id()),
            proptest::option::of(id()),
        ),
        any::<String>(),
        (time(), time()),
    );
    prop_oneof![
        value_with_blobs().prop_map(|value| AnyRecord::Datum(Datum { value })),
        blob_list().prop_map(AnyRecord::Blob),
        node().prop_map(AnyRecord::Node),
        dag().prop_map(AnyRecord::Dag),
        tree().prop_map(AnyRecord::Tree),
        commit.prop_map(|(tree, parents, author, message, time)| {
            let parents = parents.into_iter().collect();
            AnyRecord::Commit(Commit {
                tree,
                parents,
                author,
                message,
                time,
            })
        }),
        exec.prop_map(
            |(key, status, (dag, log, previous), adapter, (started, finished))| {
                let key = CallKey::from_bytes(key);
                AnyRecord::Exec(Exec {
                    key,
                    status,
                    dag,
                    adapter,
                    started,
                    finished,
                    log,
                    previous,
                })
            }
        ),
        (
            any::<[u8; 32]>(),
            proptest::sample::select(&Kind::ALL[..]),
            any::<String>(),
            time()
        )
            .prop_map(|(object, kind, reason, time)| {
                let object = ObjectId::from_bytes(object);
                AnyRecord::Tombstone(Tombstone {
                    object,
                    kind,
                    reason,
                    time,
                })
            }),
    ]
}

proptest! {
    #[test]
    fn values_round_trip(value in value_with_blobs()) {
        let bytes = encode_value(&value).unwrap();
        prop_assert_eq!(decode_value(&bytes).unwrap(), value);
    }

    #[test]
    fn order_of_construction_does_not_matter(items in vec(scalar(), 0..12), seed in any::<u64>()) {
        let mut shuffled = items.clone();
        let count = shuffled.len().max(1);
        for at in 0..shuffled.len() {
            let other = usize::try_from(seed).unwrap_or(usize::MAX).wrapping_mul(at + 7) % count;
            shuffled.swap(at, other);
        }
        prop_assert_eq!(Set::new(items).unwrap(), Set::new(shuffled).unwrap());
    }

    #[test]
    fn records_round_trip(record in record()) {
        let bytes = record.encode().unwrap();
        prop_assert_eq!(AnyRecord::decode(&bytes).unwrap(), record);
    }

    /// Whatever is accepted is canonical: it encodes to the same bytes again.
    #[test]
    fn accepted_bytes_are_canonical(
        record in record(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        what in 0..4,
    ) {
        let mut bytes = record.encode().unwrap();
        let at = at.index(bytes.len());
        match what {
            0 => bytes[at] = byte,
            1 => bytes[at] ^= 1 << (byte % 8),
            2 => bytes.insert(at, byte),
            _ => drop(bytes.remove(at)),
        }
        if let Ok(accepted) = AnyRecord::decode(&bytes) {
            prop_assert_eq!(accepted.encode().unwrap(), bytes);
        }
    }

    #[test]
    fn any_bytes_are_read_without_panic(bytes in any::<Vec<u8>>()) {
        if let Ok(value) = decode_value(&bytes) {
            prop_assert_eq!(encode_value(&value).unwrap(), bytes);
        }
    }
}

fn nested(depth: usize) -> Value {
    (1..depth).fold(Value::Null, |inner, _| Value::List(vec![inner]))
}

#[test]
fn nesting_has_a_limit_in_both_directions() {
    let deepest = nested(MAX_DEPTH);
    let bytes = encode_value(&deepest).unwrap();
    assert_eq!(decode_value(&bytes).unwrap(), deepest);
    let error = encode_value(&nested(MAX_DEPTH + 1)).unwrap_err();
    assert!(error.to_string().contains("deeper than 1024"), "{error}");
    let deeper = [vec![0x81; 100_000], vec![0xf6]].concat();
    let fault = decode_value(&deeper).unwrap_err();
    assert_eq!(fault.kind().as_str(), "invalid_bounds");
}

#[test]
fn a_value_has_a_largest_size() {
    let bytes = |length| Value::Bytes(vec![0; length]);
    let most = (64 << 20) - 5;
    assert!(encode_value(&bytes(most)).is_ok());
    let error = encode_value(&bytes(most + 1)).unwrap_err();
    assert!(error.to_string().contains("put its Uri"), "{error}");
    let half = bytes(33 << 20);
    assert!(encode_value(&Value::List(vec![half.clone(), half])).is_err());
}

#[test]
fn maps_refuse_bad_keys() {
    let error = Map::new(vec![(Value::List(vec![]), Value::Null)]).unwrap_err();
    assert!(
        error.to_string().starts_with("a list cannot be the key"),
        "{error}"
    );
    let twice = vec![("a".into(), Value::Null), ("a".into(), Value::Null)];
    assert!(Map::new(twice).is_err());
    let names = BTreeMap::from([(Name::new("a").unwrap(), 0)]);
    assert_eq!(names.get("a"), Some(&0), "names are looked up as text");
}
