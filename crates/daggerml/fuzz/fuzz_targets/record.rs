//! Any bytes are either refused or the canonical bytes of a record, of one kind.
#![no_main]

use daggerml::record::{
    AnyRecord, BlobList, Commit, Dag, Datum, Exec, Node, Record, Tombstone, Tree, kind_of,
};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let accepted = [
        Datum::decode(bytes).is_ok(),
        Node::decode(bytes).is_ok(),
        Dag::decode(bytes).is_ok(),
        Tree::decode(bytes).is_ok(),
        Commit::decode(bytes).is_ok(),
        Exec::decode(bytes).is_ok(),
        Tombstone::decode(bytes).is_ok(),
        BlobList::decode(bytes).is_ok(),
    ];
    let accepted = accepted.into_iter().filter(|accepted| *accepted).count();
    match AnyRecord::decode(bytes) {
        Ok(record) => {
            assert_eq!(accepted, 1, "one record, one kind");
            assert_eq!(kind_of(bytes).ok(), Some(record.kind()));
            assert_eq!(record.encode().unwrap(), bytes);
            record.references(&mut |_| ());
        }
        Err(_) => assert_eq!(accepted, 0),
    }
});
