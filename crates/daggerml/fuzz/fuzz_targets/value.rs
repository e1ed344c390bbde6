//! Any bytes are either refused or the canonical bytes of a value.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(value) = daggerml::decode_value(bytes) {
        assert_eq!(daggerml::encode_value(&value).unwrap(), bytes);
    }
});
