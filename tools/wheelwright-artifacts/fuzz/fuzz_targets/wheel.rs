//! A wheel of any bytes is audited: no panic, no hang, no great memory.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use wheelwright_artifacts::artifact::Limits;
use wheelwright_artifacts::audit::{Policy, audit_bytes};

fuzz_target!(|data: &[u8]| {
    let limits = Limits {
        unpacked: 16 << 20,
        ..Limits::default()
    };
    let policy = Policy {
        limits,
        ..Policy::default()
    };
    for name in [
        "demo-1.0-cp39-abi3-manylinux_2_17_x86_64.whl",
        "demo-1.0-cp39-abi3-macosx_11_0_arm64.whl",
        "demo-1.0-cp39-abi3-win_amd64.whl",
    ] {
        if let Ok(report) = audit_bytes(Path::new(name), data.to_vec(), &policy) {
            let _ = report.lines();
        }
    }
});
