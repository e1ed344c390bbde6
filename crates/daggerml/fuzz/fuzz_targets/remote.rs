//! What a remote holds: manifests, lists, packs and their indexes, refused or read.
#![no_main]

use daggerml::transfer::remote::read_any;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| read_any(bytes));
