//! Sdists whose tar is odd: what the public index takes, and what it reads otherwise than others.

use std::io::Write as _;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use wheelwright_artifacts::audit::{Policy, Profile, audit_bytes};

const PKG_INFO: &str = "Metadata-Version: 2.4\nName: demo\nVersion: 1.0\nLicense-Expression: MIT\n";

/// One block of a header.
struct Block([u8; 512]);

impl Block {
    fn new(kind: u8, path: &str, size: usize) -> Self {
        let mut block = Self([0; 512]);
        block.put(0, path.as_bytes());
        block.put(100, b"0000644");
        block.put(124, format!("{size:011o}").as_bytes());
        block.put(156, &[kind]);
        block.put(257, b"ustar\x0000");
        block
    }

    fn put(&mut self, at: usize, bytes: &[u8]) {
        self.0[at..at + bytes.len()].copy_from_slice(bytes);
    }

    fn with(mut self, at: usize, bytes: &[u8]) -> Self {
        self.put(at, bytes);
        self
    }

    /// The block with its checksum, and content in whole blocks.
    fn then(mut self, content: &[u8]) -> Vec<u8> {
        self.put(148, b"        ");
        let sum: u32 = self.0.iter().map(|byte| u32::from(*byte)).sum();
        self.put(148, format!("{sum:06o}\0 ").as_bytes());
        let mut bytes = self.0.to_vec();
        bytes.extend(content);
        bytes.resize(bytes.len().next_multiple_of(512), 0);
        bytes
    }
}

fn file(path: &str, content: &str) -> Vec<u8> {
    Block::new(b'0', path, content.len()).then(content.as_bytes())
}

fn about(kind: u8, content: &str) -> Vec<u8> {
    Block::new(kind, "about", content.len()).then(content.as_bytes())
}

fn empty(kind: u8, path: &str, link: &str) -> Vec<u8> {
    Block::new(kind, path, 0)
        .with(157, link.as_bytes())
        .then(b"")
}

/// The rules that break when these members are in the middle of a good sdist.
fn broken(odd: &[Vec<u8>]) -> Vec<&'static str> {
    let tar = [
        file("demo-1.0/PKG-INFO", PKG_INFO),
        odd.concat(),
        file("demo-1.0/pyproject.toml", ""),
        vec![0; 1024],
    ];
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(&tar.concat()).unwrap();
    let policy = Policy {
        profile: Profile::Index,
        ..Policy::default()
    };
    let path = Path::new("demo-1.0.tar.gz");
    let report = audit_bytes(path, gzip.finish().unwrap(), &policy).unwrap();
    report.findings.iter().map(|found| found.rule).collect()
}

#[test]
fn what_the_index_takes_is_taken() {
    let long = "demo-1.0/".to_owned() + &"n".repeat(120);
    let named = |kind, content: &str| vec![about(kind, content), file("demo-1.0/x", "")];
    let cases = [
        // What `git archive` writes, before and between members.
        named(b'g', "19 comment=1f0c3a7\n"),
        named(b'x', "30 mtime=1577836800.123456789\n"),
        named(b'x', "25 SCHILY.xattr.user.a=b\n"),
        named(b'x', "19 path=demo-1.0/y\n"),
        named(b'L', &(long + "\0")),
        vec![Block::new(0, "demo-1.0/sub/", 0).then(b"")],
        // Large numbers in binary, and none.
        vec![
            Block::new(b'0', "demo-1.0/x", 0)
                .with(124, b"\x80\0\0\0\0\0\0\0\0\0\0\x03")
                .then(b"abc"),
        ],
        vec![
            Block::new(b'0', "demo-1.0/x", 0)
                .with(108, &[0; 8])
                .then(b""),
        ],
        vec![
            Block::new(b'0', "demo-1.0/x", 0)
                .with(257, b"ustar  \0")
                .then(b""),
        ],
        vec![Block::new(b'0', "x", 0).with(345, b"demo-1.0").then(b"")],
        vec![empty(b'1', "demo-1.0/x", "demo-1.0/PKG-INFO")],
        vec![empty(b'2', "demo-1.0/x", "PKG-INFO")],
    ];
    for (index, case) in cases.iter().enumerate() {
        assert_eq!(broken(case), [""; 0], "case {index}");
    }
}

#[test]
fn what_readers_disagree_on_is_found() {
    let named = |kind, content: &str| vec![about(kind, content), file("demo-1.0/x", "")];
    let mut wrong_sum = file("demo-1.0/x", "");
    wrong_sum[0] ^= 1;
    let cases = [
        // The index ends at it, and would miss pyproject.toml.
        vec![wrong_sum],
        vec![Block::new(b'0', "demo-1.0/x", 0).with(136, b"8").then(b"")],
        vec![Block::new(b'0', "demo-1.0/x", 0).with(124, b"+0").then(b"")],
        vec![about(b'g', "19 comment=1f0c3a7\n"), vec![0; 512]],
        vec![empty(b'0', "demo-1.0/sub/", "")],
        vec![Block::new(0, "demo-1.0/sub/", 1).then(b"x")],
        // The index takes no content for these, others do.
        vec![Block::new(b'5', "demo-1.0/sub", 512).then(&[b'x'; 512])],
        vec![
            Block::new(b'2', "demo-1.0/x", 512)
                .with(157, b"y")
                .then(&[b'x'; 512]),
        ],
        named(b'x', "18 path=demo-1.0/y\n"),
        named(b'x', "9 size=x\n"),
        named(b'x', "9 size=1\n9 size=0\n"),
        named(b'g', "19 path=demo-1.0/y\n"),
        vec![
            about(b'L', "demo-1.0/a"),
            about(b'L', "demo-1.0/b"),
            file("demo-1.0/x", ""),
        ],
        vec![
            about(b'x', "19 path=demo-1.0/y\n"),
            about(b'g', "5 a=\n"),
            file("demo-1.0/x", ""),
        ],
        vec![
            Block::new(b'0', "x", 0)
                .with(257, b"ustar  \0")
                .with(345, b"demo-1.0")
                .then(b""),
        ],
    ];
    for (index, case) in cases.iter().enumerate() {
        assert_eq!(broken(case).first(), Some(&"sdist-data"), "case {index}");
    }
    assert_eq!(broken(&[vec![0; 512]]), ["sdist-surplus"]);
    let folder = empty(b'5', "demo-1.0/PKG-INFO", "");
    assert_eq!(broken(&[folder]), ["sdist-duplicate"]);
    let name = format!("demo-1.0/{}", "n".repeat(256));
    assert_eq!(broken(&named(b'L', &name)), ["sdist-path"]);
    let below = file("demo-1.0/PKG-INFO/x", "");
    assert_eq!(broken(&[below]), ["sdist-path"]);
    for link in ["", "PKG-INFO", "demo-1.0/pyproject.toml"] {
        assert_eq!(
            broken(&[empty(b'1', "demo-1.0/x", link)]),
            ["sdist-link"],
            "{link}"
        );
    }
    let sparse = vec![Block::new(b'S', "demo-1.0/x", 0).then(b"")];
    assert_eq!(broken(&sparse), ["sdist-link"]);
    assert_eq!(
        broken(&named(b'x', "22 GNU.sparse.map=0,1\n")),
        ["sdist-link"]
    );
    assert_eq!(broken(&named(b'Z', "")), ["sdist-link", "sdist-root"]);
}
