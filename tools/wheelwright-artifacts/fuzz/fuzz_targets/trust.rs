//! A trust.toml, a key and a signature of any bytes are read: no panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wheelwright_artifacts::rebuild::key::{PrivateKey, PublicKey};
use wheelwright_artifacts::rebuild::trust::Trust;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let _ = Trust::parse(text);
    let _ = PrivateKey::parse(text);
    if let Ok(key) = PublicKey::parse(text) {
        assert_eq!(PublicKey::parse(&key.to_line()), Ok(key.clone()));
        assert!(!key.verifies_ssh(b"message", text));
    }
});
