//! Answers of adapters, claims and entries of the cache: refused, or read and
//! written back the same.
#![no_main]

use daggerml::execution::cache::Entry;
use daggerml::execution::claim::Claim;
use daggerml::execution::protocol::Answer;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = Answer::decode(bytes, 1);
    let _ = Entry::decode(bytes);
    if let Ok(claim) = Claim::decode(bytes) {
        assert_eq!(claim.encode(), bytes);
    }
});
