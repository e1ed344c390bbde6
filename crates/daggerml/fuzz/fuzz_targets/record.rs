//! Any bytes are either refused or the canonical bytes of a record, of each kind.
#![no_main]

use daggerml::record::{Commit, Dag, Datum, Exec, Node, Record, Tombstone, Tree, kind_of};

fn check<R: Record>(bytes: &[u8]) -> bool {
    match R::decode(bytes) {
        Ok(record) => {
            assert_eq!(record.encode().unwrap(), bytes);
            record.references(&mut |_| ());
            true
        }
        Err(_) => false,
    }
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let decoders = [
        check::<Datum>,
        check::<Node>,
        check::<Dag>,
        check::<Tree>,
        check::<Commit>,
        check::<Exec>,
        check::<Tombstone>,
    ];
    let accepted = decoders.into_iter().filter(|check| check(bytes)).count();
    assert!(accepted <= 1, "one record, one kind");
    assert!(accepted == 0 || kind_of(bytes).is_ok());
});
