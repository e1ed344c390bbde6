//! An sdist builder that can also build every kind of broken sdist.

use std::io::Write as _;
use std::path::PathBuf;

use flate2::{Compression, GzBuilder};
use tar::{EntryType, Header};
use wheelwright_artifacts::audit::{Policy, Report, audit_bytes};

/// An sdist that is good until it is changed.
#[derive(Clone)]
pub struct Sdist {
    pub file_name: String,
    pub members: Vec<(Header, String, Vec<u8>)>,
    pub gzip_time: u32,
    pub trailing: Vec<u8>,
    pub cut: usize,
    pub policy: Policy,
}

const PKG_INFO: &str = "\
Metadata-Version: 2.4
Name: demo
Version: 1.0
License-Expression: MIT
License-File: LICENSE
Description-Content-Type: text/plain

A demonstration.
";

fn header(len: usize) -> Header {
    let mut header = Header::new_ustar();
    header.set_entry_type(EntryType::Regular);
    header.set_mode(0o644);
    header.set_mtime(1_600_000_000);
    header.set_size(len as u64);
    header
}

impl Sdist {
    pub fn good() -> Self {
        Self {
            file_name: "demo-1.0.tar.gz".into(),
            members: Vec::new(),
            gzip_time: 0,
            trailing: Vec::new(),
            cut: 0,
            policy: Policy::default(),
        }
        .with("demo-1.0/LICENSE", "MIT License\n")
        .with("demo-1.0/PKG-INFO", PKG_INFO)
        .with("demo-1.0/pyproject.toml", "[build-system]\n")
        .with("demo-1.0/src/demo.py", "x = 1\n")
    }

    pub fn with(mut self, path: &str, data: &str) -> Self {
        self.members.push((
            header(data.len()),
            path.to_owned(),
            data.as_bytes().to_vec(),
        ));
        self
    }

    pub fn without(mut self, path: &str) -> Self {
        self.members.retain(|(_, p, _)| p != path);
        self
    }

    pub fn tweak(mut self, path: &str, change: impl FnOnce(&mut Header)) -> Self {
        let member = self.members.iter_mut().find(|(_, p, _)| p == path).unwrap();
        change(&mut member.0);
        self
    }

    pub fn link(mut self, path: &str, target: &str) -> Self {
        let mut header = header(0);
        header.set_entry_type(EntryType::Symlink);
        header.set_link_name_literal(target).unwrap();
        self.members.push((header, path.to_owned(), Vec::new()));
        self
    }

    pub fn change(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut tar = Vec::new();
        for (header, path, data) in &self.members {
            let mut header = header.clone();
            // The library refuses paths that climb out; a test must not.
            header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
            header.set_cksum();
            tar.extend(header.as_bytes());
            tar.extend(data);
            tar.resize(tar.len().next_multiple_of(512), 0);
        }
        tar.resize(tar.len() + 1024 - self.cut, 0);
        let mut gzip = GzBuilder::new()
            .mtime(self.gzip_time)
            .write(Vec::new(), Compression::best());
        gzip.write_all(&tar).unwrap();
        let mut bytes = gzip.finish().unwrap();
        bytes.extend(&self.trailing);
        bytes
    }

    pub fn audit(&self) -> Report {
        audit_bytes(&PathBuf::from(&self.file_name), self.bytes(), &self.policy).unwrap()
    }
}
