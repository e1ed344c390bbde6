//! Two wheels cut from any bytes are compared; a wheel is identical to itself.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use wheelwright_artifacts::artifact::{Artifact, Limits};
use wheelwright_artifacts::compare::{Verdict, compare_artifacts};

fuzz_target!(|data: &[u8]| {
    let Some((at, rest)) = data.split_first() else {
        return;
    };
    let limits = Limits {
        unpacked: 16 << 20,
        ..Limits::default()
    };
    let name = Path::new("demo-1.0-cp39-abi3-win_amd64.whl");
    let read = |bytes: &[u8]| Artifact::from_bytes(name, bytes.to_vec(), limits).ok();
    let Some(a) = read(rest) else { return };
    assert!(matches!(compare_artifacts(&a, &a), Ok(Verdict::Identical)));
    // The same wheel with one byte changed.
    let mut other = rest.to_vec();
    let place = usize::from(*at) * other.len() / 256;
    if let Some(byte) = other.get_mut(place) {
        *byte ^= 1;
    }
    if let Some(b) = read(&other) {
        let _ = compare_artifacts(&a, &b).map(|verdict| verdict.to_string());
    }
});
