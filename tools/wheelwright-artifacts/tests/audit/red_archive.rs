//! Broken zips, RECORDs and tars.

use crate::Red;
use crate::sdist::Sdist;
use crate::wheel::{INFO, Member, Wheel, zip};

const INIT: &str = "demo/__init__.py";

pub fn cases() -> Vec<Red> {
    [zips(), records(), sdists()].concat()
}

fn zips() -> Vec<Red> {
    let wheel = Wheel::pure;
    let tweak = |change: fn(&mut Member)| wheel().tweak(INIT, change).audit();
    let members = |change: fn(&mut Vec<Member>)| {
        let mut members = wheel().all_members();
        change(&mut members);
        wheel().audit_as(zip(&members))
    };
    let bytes = |change: fn(&mut Vec<u8>)| {
        let mut bytes = wheel().bytes();
        change(&mut bytes);
        wheel().audit_as(bytes)
    };
    vec![
        ("size-budget", wheel().policy(|p| p.max_size = 100).audit()),
        ("zip-data", tweak(|m| m.crc = Some(1))),
        ("zip-data", tweak(|m| m.size = Some(3))),
        (
            "zip-data",
            wheel()
                .tweak(INIT, |m| {
                    m.method = 8;
                    m.size = Some(3);
                })
                .audit(),
        ),
        (
            "zip-limit",
            wheel().policy(|p| p.limits.unpacked = 100).audit(),
        ),
        ("zip-limit", tweak(|m| m.size = Some(u32::MAX - 1))),
        ("zip-method", tweak(|m| m.method = 12)),
        ("zip-method", tweak(|m| m.flags = 1)),
        ("zip-duplicate", members(|m| m.insert(0, m[0].clone()))),
        ("zip-case", wheel().with("demo/__INIT__.py", "").audit()),
        ("zip-symlink", tweak(|m| m.mode = 0o120_777)),
        ("zip-symlink", tweak(|m| m.mode = 0o020_644)),
        ("zip-path", wheel().with("../escape.py", "").audit()),
        ("zip-path", wheel().with("/absolute.py", "").audit()),
        ("zip-path", wheel().with("demo\\back.py", "").audit()),
        ("zip-path", wheel().with("C:/drive.py", "").audit()),
        ("zip-path", wheel().with("demo/größe.py", "").audit()),
        (
            "zip-header",
            tweak(|m| m.local_path = Some("demo/__evil__.py".into())),
        ),
        ("zip-surplus", bytes(|b| b.extend(b"more"))),
        (
            "zip-surplus",
            bytes(|b| {
                b.splice(0..0, *b"#!/bin/sh\n");
            }),
        ),
        (
            "zip-end",
            bytes(|b| {
                b.splice(0..0, *b"#!/bin/sh\n");
            }),
        ),
        (
            "zip-end",
            bytes(|b| {
                let at = b.len() - 12;
                b[at] += 1;
            }),
        ),
        (
            "zip-end",
            bytes(|b| {
                let at = b.len() - 2;
                b[at] = 22;
                b.extend(*b"PK\x05\x06");
                b.extend([0; 17]);
                b.push(1);
            }),
        ),
        ("zip-overlap", overlap()),
        ("zip-order", members(|m| m.swap(0, 1))),
        (
            "zip-order",
            members(|m| {
                let record = m.pop().unwrap();
                m.insert(0, record);
            }),
        ),
        ("zip-time", tweak(|m| m.time += 1)),
        (
            "zip-time",
            wheel()
                .policy(|p| p.source_date_epoch = Some(1_600_000_000))
                .audit(),
        ),
        ("zip-mode", tweak(|m| m.mode = 0o100_777)),
        ("zip-mode", tweak(|m| m.mode = 0)),
        ("zip-comment", tweak(|m| m.comment = b"hello".to_vec())),
        (
            "zip-descriptor",
            tweak(|m| {
                m.flags = 8;
                let size = u32::try_from(m.data.len()).unwrap().to_le_bytes();
                let crc = crc32fast::hash(&m.data).to_le_bytes();
                m.after = [*b"PK\x07\x08", crc, size, size].concat();
            }),
        ),
        (
            "zip-limit",
            wheel()
                .with("demo/zeros.bin", vec![0; 1 << 20])
                .tweak("demo/zeros.bin", |m| m.size = Some(70 << 20))
                .audit(),
        ),
        ("zip-extra", tweak(|m| m.extra = vec![0x55, 0x54, 1, 0, 0])),
        (
            "zip-extra",
            bytes(|b| {
                let at = b.len() - 2;
                b[at] = 2;
                b.extend(b"hi");
            }),
        ),
        ("zip-folder", wheel().with("demo/sub/", "").audit()),
    ]
}

/// The directory lists the first entry's bytes a second time, under another name.
fn overlap() -> wheelwright_artifacts::audit::Report {
    let wheel = Wheel::pure();
    let mut bytes = wheel.bytes();
    let end = bytes.len() - 22;
    let directory = u32::from_le_bytes(bytes[end + 16..end + 20].try_into().unwrap()) as usize;
    // Point the second central entry at the first local header.
    let first = 46 + usize::from(bytes[directory + 28]);
    let second = directory + first;
    bytes[second + 42..second + 46].copy_from_slice(&[0; 4]);
    wheel.audit_as(bytes)
}

fn records() -> Vec<Red> {
    let wheel = Wheel::pure;
    let record = |change: fn(String) -> String| wheel().record(change).audit();
    vec![
        ("record-missing", record(|_| "none".into())),
        ("record-format", record(|_| "one,two\n".into())),
        (
            "record-format",
            record(|r| r.clone() + r.lines().next().unwrap() + "\n"),
        ),
        (
            "record-format",
            record(|r| {
                r.replacen(",9\n", "=,9\n", 1)
                    .replacen(",11\n", "=,11\n", 1)
            }),
        ),
        (
            "record-complete",
            record(|r| r.split_once('\n').unwrap().1.to_owned()),
        ),
        (
            "record-complete",
            record(|r| r + "demo/ghost.py,sha256=AA,0\n"),
        ),
        (
            "record-complete",
            record(|r| r + "demo/__pycache__/x.cpython-312.pyc,,\n"),
        ),
        (
            "record-complete",
            wheel().with(&format!("{INFO}/RECORD.jws"), "{}").audit(),
        ),
        (
            "record-hash",
            record(|r| r.replacen("sha256=", "sha256=A", 1)),
        ),
        ("record-hash", record(|r| r.replacen("sha256=", "md5=", 1))),
        (
            "record-hash",
            record(|r| {
                let (first, rest) = r.split_once('\n').unwrap();
                format!("{},,\n{rest}", first.split(',').next().unwrap())
            }),
        ),
        (
            "record-hash",
            record(|r| r.replace("RECORD,,", "RECORD,sha256=AAAA,1")),
        ),
        (
            "record-size",
            record(|r| {
                let (first, rest) = r.split_once('\n').unwrap();
                format!("{first}9\n{rest}")
            }),
        ),
        (
            "record-hash",
            wheel()
                .record(|r| r)
                .edit(&format!("{INFO}/WHEEL"), "test", "tset")
                .audit(),
        ),
    ]
}

fn sdists() -> Vec<Red> {
    let good = Sdist::good;
    let demo = "demo-1.0/src/demo.py";
    let tweak = |change: fn(&mut tar::Header)| good().tweak(demo, change).audit();
    vec![
        (
            "name-format",
            good()
                .change(|s| s.file_name = "demo.tar.gz".into())
                .audit(),
        ),
        (
            "size-budget",
            good().change(|s| s.policy.max_size = 10).audit(),
        ),
        (
            "sdist-data",
            good()
                .change(|s| {
                    s.members[3].0.set_size(100_000);
                })
                .audit(),
        ),
        (
            "sdist-surplus",
            good().change(|s| s.trailing = b"x".to_vec()).audit(),
        ),
        ("sdist-root", good().with("other/x.py", "").audit()),
        (
            "sdist-folder",
            good()
                .change(|s| s.file_name = "demo-2.0.tar.gz".into())
                .audit(),
        ),
        ("sdist-path", good().with("demo-1.0/../../x.py", "").audit()),
        ("sdist-path", good().with("/etc/x", "").audit()),
        (
            "sdist-link",
            good().link("demo-1.0/link", "/etc/passwd").audit(),
        ),
        (
            "sdist-link",
            good().link("demo-1.0/src/link", "../../x").audit(),
        ),
        (
            "sdist-link",
            good()
                .with("demo-1.0/device", "")
                .tweak("demo-1.0/device", |h| {
                    h.set_entry_type(tar::EntryType::Char);
                })
                .audit(),
        ),
        ("sdist-duplicate", good().with(demo, "x = 2\n").audit()),
        (
            "sdist-metadata",
            good().without("demo-1.0/PKG-INFO").audit(),
        ),
        (
            "sdist-pyproject",
            good().without("demo-1.0/pyproject.toml").audit(),
        ),
        (
            "sdist-order",
            good().change(|s| s.members.swap(0, 3)).audit(),
        ),
        ("sdist-time", tweak(|h| h.set_mtime(1))),
        ("sdist-time", good().change(|s| s.gzip_time = 7).audit()),
        ("sdist-owner", tweak(|h| h.set_uid(1000))),
        ("sdist-owner", tweak(|h| h.set_username("me").unwrap())),
        ("sdist-mode", tweak(|h| h.set_mode(0o664))),
        ("leftover", good().with("demo-1.0/x.pyc", "").audit()),
        ("license-files", good().without("demo-1.0/LICENSE").audit()),
    ]
}
