//! Input made to hurt: the audit must end, soon, with a report or an error.

use std::path::Path;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use wheelwright_artifacts::artifact::Limits;
use wheelwright_artifacts::audit::{Policy, audit_bytes};
use wheelwright_artifacts::binary::Binary;

use crate::macho::Macho;
use crate::pe::Pe;
use crate::sdist::Sdist;
use crate::wheel::{Member, Wheel, zip};

/// Small limits, as a check that they hold.
fn policy() -> Policy {
    Policy {
        limits: Limits {
            file: 1 << 20,
            members: 1000,
            unpacked: 1 << 20,
            ratio: 100,
        },
        ..Policy::default()
    }
}

fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    let wheel = Wheel::native(
        "cp39-abi3-macosx_11_0_arm64",
        "demo/_core.abi3.so",
        Macho::default().bytes(),
    );
    let windows = Wheel::native(
        "cp39-abi3-win_amd64",
        "demo/_core.pyd",
        Pe::default().bytes(),
    )
    .tweak("demo/_core.pyd", |m| m.method = 8);
    vec![
        ("demo-1.0-cp39-abi3-macosx_11_0_arm64.whl", wheel.bytes()),
        ("demo-1.0-cp39-abi3-win_amd64.whl", windows.bytes()),
        ("demo-1.0.tar.gz", Sdist::good().bytes()),
    ]
}

fn survives(name: &str, bytes: Vec<u8>) {
    let start = Instant::now();
    let _ = audit_bytes(Path::new(name), bytes, &policy());
    assert!(
        start.elapsed() < Duration::from_secs(10),
        "{name} took {:?}",
        start.elapsed()
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn changed_bytes(seed in 0usize..3, changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12)) {
        let (name, mut bytes) = seeds().swap_remove(seed);
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        survives(name, bytes);
    }

    #[test]
    fn cut_and_repeated_bytes(seed in 0usize..3, from in any::<prop::sample::Index>(), to in any::<prop::sample::Index>()) {
        let (name, bytes) = seeds().swap_remove(seed);
        let (a, b) = (from.index(bytes.len()), to.index(bytes.len()));
        survives(name, bytes[..a].to_vec());
        survives(name, [&bytes[..a], &bytes[b..]].concat());
    }

    #[test]
    fn changed_headers_of_compiled_code(which in 0usize..2, changes in proptest::collection::vec((0usize..1200, any::<u8>()), 1..12)) {
        let mut bytes = [Macho::default().bytes(), Pe::default().bytes()][which].clone();
        for (at, value) in changes {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = value;
            }
        }
        let _ = Binary::read(&bytes);
    }

    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        survives("a-1-py3-none-any.whl", bytes.clone());
        survives("a-1.tar.gz", bytes.clone());
        for magic in [&b"\x7fELF\x02\x01\x01"[..], b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe\0\0\0\x02"] {
            let _ = Binary::read(&[magic, &bytes].concat());
        }
    }
}

/// One kernel of zeros that every entry shares: small on disk, vast unpacked.
#[test]
fn a_bomb_of_overlapping_entries() {
    let bomb = Member {
        method: 8,
        ..Member::new("a/x", vec![0; 1_000_000])
    };
    let single = zip(&[bomb]);
    let end = single.len() - 22;
    let directory = u32::from_le_bytes(single[end + 16..end + 20].try_into().unwrap()) as usize;
    let entry = &single[directory..end];
    let count = 50_000u16;
    let mut bytes = single[..directory].to_vec();
    for _ in 0..count {
        bytes.extend(entry);
    }
    let size = u32::from(count) * u32::try_from(entry.len()).unwrap();
    bytes.extend(b"PK\x05\x06\0\0\0\0");
    bytes.extend(count.to_le_bytes());
    bytes.extend(count.to_le_bytes());
    bytes.extend(size.to_le_bytes());
    bytes.extend(u32::try_from(directory).unwrap().to_le_bytes());
    bytes.extend([0, 0]);
    let start = Instant::now();
    // With the limits that users have: fifty gigabytes must not be unpacked.
    let report = audit_bytes(Path::new("a-1-py3-none-any.whl"), bytes, &Policy::default()).unwrap();
    assert!(start.elapsed() < Duration::from_mins(1));
    for rule in ["zip-limit", "zip-overlap", "zip-duplicate"] {
        assert!(crate::broken(&report).contains(rule), "{rule}");
    }
}

#[test]
fn a_gzip_bomb() {
    let bytes = {
        use std::io::Write as _;
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        for _ in 0..3 {
            gzip.write_all(&vec![0; 1 << 20]).unwrap();
        }
        gzip.finish().unwrap()
    };
    let error = audit_bytes(Path::new("a-1.tar.gz"), bytes, &policy()).unwrap_err();
    assert!(error.to_string().contains("limit"), "{error}");
}

#[test]
fn too_many_members_and_too_large_a_file() {
    let members: Vec<Member> = (0..1001)
        .map(|i| Member::new(&format!("a/{i:04}"), ""))
        .collect();
    let error =
        audit_bytes(Path::new("a-1-py3-none-any.whl"), zip(&members), &policy()).unwrap_err();
    assert!(
        error.to_string().contains("more than 1000 members"),
        "{error}"
    );
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a-1-py3-none-any.whl");
    std::fs::write(&path, vec![0; (1 << 20) + 1]).unwrap();
    let error = wheelwright_artifacts::audit::audit_file(&path, &policy()).unwrap_err();
    assert!(error.to_string().contains("the limit is"), "{error}");
}

/// A table whose every row names the same long string: work must be bounded by
/// more than the number of rows.
#[test]
fn tables_that_point_at_one_place() {
    let mut bytes = Macho::default().bytes();
    let at = bytes
        .windows(8)
        .position(|w| w == [2, 0, 0, 0, 24, 0, 0, 0])
        .unwrap();
    let symbols = 300_000u32;
    let strings_at = u32::try_from(bytes.len()).unwrap() + symbols * 16;
    let start = u32::try_from(bytes.len()).unwrap();
    for _ in 0..symbols {
        bytes.extend(1u32.to_le_bytes());
        bytes.extend([1, 0, 0, 0]);
        bytes.extend(0u64.to_le_bytes());
    }
    let length = 4_000_000u32;
    bytes.extend(vec![b'a'; length as usize]);
    for (offset, value) in [(8, start), (12, symbols), (16, strings_at), (20, length)] {
        bytes[at + offset..at + offset + 4].copy_from_slice(&value.to_le_bytes());
    }
    let begin = Instant::now();
    let read = Binary::read(&bytes).unwrap();
    assert!(
        begin.elapsed() < Duration::from_secs(10),
        "{:?}",
        begin.elapsed()
    );
    assert!(matches!(read, Binary::Unreadable { .. }), "{read:?}");
}
