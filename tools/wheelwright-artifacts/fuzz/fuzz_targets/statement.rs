//! A statement of any bytes is read and judged: no panic, and never counted for a key
//! that did not sign it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wheelwright_artifacts::rebuild::envelope::Envelope;
use wheelwright_artifacts::rebuild::judge::{judge, read};
use wheelwright_artifacts::rebuild::statement::Statement;
use wheelwright_artifacts::rebuild::trust::Trust;

const TRUST: &str = "[[rebuilder]]\nname = \"ada\"\nkey = \
    \"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJQ4cPKNai9GN6+mISQk5sfhmXvJm52BdXwo9/WXpoSe\"\n";

fuzz_target!(|data: &[u8]| {
    if let Ok(statement) = Statement::parse(data) {
        // It was canonical, so it is written as it was read.
        assert_eq!(statement.to_bytes(), data);
    }
    if let Ok(envelope) = Envelope::parse(data) {
        assert_eq!(Envelope::parse(&envelope.to_bytes()), Ok(envelope));
    }
    if let Ok(trust) = Trust::parse(TRUST) {
        let now = "2026-11-29T00:00:00Z".parse().unwrap_or_default();
        let (claims, _) = read(data, &trust, now);
        judge("a-1.0.tar.gz", "", &claims, 1);
    }
});
