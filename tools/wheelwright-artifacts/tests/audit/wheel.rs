//! A wheel builder that can also build every kind of broken wheel.

use std::path::PathBuf;

use base64::Engine as _;
use sha2::{Digest, Sha256};
use wheelwright_artifacts::audit::{Policy, Report, audit_bytes};

/// A member and how its headers are written.
#[derive(Clone)]
pub struct Member {
    pub path: String,
    pub data: Vec<u8>,
    pub mode: u32,
    pub time: u32,
    pub method: u16,
    pub flags: u16,
    pub extra: Vec<u8>,
    /// The comment in the central directory.
    pub comment: Vec<u8>,
    /// What follows the data, such as a data descriptor.
    pub after: Vec<u8>,
    /// The local header's name, where it is to differ.
    pub local_path: Option<String>,
    /// The CRC, where it is to be wrong.
    pub crc: Option<u32>,
    /// The unpacked size, where it is to be wrong.
    pub size: Option<u32>,
}

impl Member {
    pub fn new(path: &str, data: impl Into<Vec<u8>>) -> Self {
        Self {
            path: path.to_owned(),
            data: data.into(),
            mode: 0o100_644,
            time: 0x0021_0000,
            method: 0,
            flags: 0,
            extra: Vec::new(),
            comment: Vec::new(),
            after: Vec::new(),
            local_path: None,
            crc: None,
            size: None,
        }
    }
}

/// A wheel that is good until it is changed.
#[derive(Clone)]
pub struct Wheel {
    pub file_name: String,
    pub members: Vec<Member>,
    /// Text that takes the place of the right RECORD.
    pub record: Option<String>,
    pub policy: Policy,
}

pub const INFO: &str = "demo-1.0.dist-info";

const METADATA: &str = "\
Metadata-Version: 2.4
Name: demo
Version: 1.0
Summary: A demonstration
License-Expression: MIT
License-File: LICENSE
Requires-Python: >=3.9
Requires-Dist: typing-extensions>=4 ; python_version < \"3.11\"
Description-Content-Type: text/markdown

# demo

See [the site](https://example.org).
";

impl Wheel {
    /// A pure wheel that breaks no rule.
    pub fn pure() -> Self {
        Self::tagged("py3-none-any", true)
            .with("demo/__init__.py", "x: int = 1\n")
            .with("demo/py.typed", "")
    }

    /// A wheel with one extension module that breaks no rule if `binary` does not.
    pub fn native(tag: &str, module: &str, binary: Vec<u8>) -> Self {
        let mut wheel = Self::tagged(tag, false)
            .with("demo/__init__.py", "from . import _core\n")
            .with("demo/__init__.pyi", "x: int\n")
            .with("demo/py.typed", "")
            .with(module, binary);
        wheel.member(module).mode = 0o100_755;
        wheel
    }

    fn tagged(tag: &str, pure: bool) -> Self {
        let file_name = format!("demo-1.0-{tag}.whl");
        let name =
            wheelwright_artifacts::artifact::file_name::WheelName::parse(&file_name).unwrap();
        let tags: Vec<String> = name.tags().iter().map(|t| format!("Tag: {t}\n")).collect();
        let tags = tags.concat();
        let wheel = format!("Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: {pure}\n{tags}");
        Self {
            file_name,
            members: Vec::new(),
            record: None,
            policy: Policy::default(),
        }
        .with(&format!("{INFO}/METADATA"), METADATA)
        .with(&format!("{INFO}/WHEEL"), wheel)
        .with(&format!("{INFO}/licenses/LICENSE"), "MIT License\n")
    }

    /// Adds a member, or replaces the one of that path.
    pub fn with(mut self, path: &str, data: impl Into<Vec<u8>>) -> Self {
        self.members.retain(|m| m.path != path);
        self.members.push(Member::new(path, data));
        self
    }

    pub fn without(mut self, path: &str) -> Self {
        self.members.retain(|m| m.path != path);
        self
    }

    /// Replaces text in a member, which must have it.
    pub fn edit(mut self, path: &str, from: &str, to: &str) -> Self {
        let member = self.member(path);
        let text = String::from_utf8(member.data.clone()).unwrap();
        assert!(text.contains(from), "{path} has no {from:?}");
        member.data = text.replace(from, to).into_bytes();
        self
    }

    pub fn edit_metadata(self, from: &str, to: &str) -> Self {
        self.edit(&format!("{INFO}/METADATA"), from, to)
    }

    /// Changes how a member is written.
    pub fn tweak(mut self, path: &str, change: impl FnOnce(&mut Member)) -> Self {
        change(self.member(path));
        self
    }

    /// Puts the `.dist-info` files into a folder of another name.
    pub fn dist_info(mut self, folder: &str) -> Self {
        for member in &mut self.members {
            member.path = member.path.replace(INFO, folder);
        }
        let record = self.right_record().replace(INFO, folder);
        self.members
            .push(Member::new(&format!("{folder}/RECORD"), record));
        self.record = Some("none".into());
        self
    }

    pub fn named(mut self, file_name: &str) -> Self {
        file_name.clone_into(&mut self.file_name);
        self
    }

    pub fn policy(mut self, change: impl FnOnce(&mut Policy)) -> Self {
        change(&mut self.policy);
        self
    }

    /// Takes a text in place of RECORD, made from the right one.
    pub fn record(mut self, change: impl FnOnce(String) -> String) -> Self {
        self.record = Some(change(self.right_record()));
        self
    }

    fn member(&mut self, path: &str) -> &mut Member {
        self.members.iter_mut().find(|m| m.path == path).unwrap()
    }

    /// Members in the order of a good wheel.
    fn sorted(&self) -> Vec<Member> {
        let mut members = self.members.clone();
        members.sort_by_key(|m| (m.path.contains(".dist-info/"), m.path.clone()));
        members
    }

    pub fn right_record(&self) -> String {
        let mut text = String::new();
        for member in self.sorted() {
            let digest = base64::engine::general_purpose::URL_SAFE_NO_PAD
                .encode(Sha256::digest(&member.data));
            text += &format!("{},sha256={digest},{}\n", member.path, member.data.len());
        }
        text + &format!("{INFO}/RECORD,,\n")
    }

    /// Every member, RECORD last, in order.
    pub fn all_members(&self) -> Vec<Member> {
        let mut members = self.sorted();
        let record = self.record.clone().unwrap_or_else(|| self.right_record());
        if record != "none" {
            members.push(Member::new(&format!("{INFO}/RECORD"), record));
        }
        members
    }

    pub fn bytes(&self) -> Vec<u8> {
        zip(&self.all_members())
    }

    pub fn audit(&self) -> Report {
        self.audit_as(self.bytes())
    }

    /// Audits other bytes under this wheel's name and policy.
    pub fn audit_as(&self, bytes: Vec<u8>) -> Report {
        audit_bytes(&PathBuf::from(&self.file_name), bytes, &self.policy).unwrap()
    }
}

/// Writes a zip file with the members in the order given.
pub fn zip(members: &[Member]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut directory = Vec::new();
    for member in members {
        let start = u32::try_from(out.len()).unwrap();
        let packed = match member.method {
            8 => miniz_oxide::deflate::compress_to_vec(&member.data, 9),
            _ => member.data.clone(),
        };
        let crc = member.crc.unwrap_or_else(|| crc32fast::hash(&member.data));
        let size = member
            .size
            .unwrap_or_else(|| u32::try_from(member.data.len()).unwrap());
        let header = |path: &str, out: &mut Vec<u8>, extra: usize| {
            out.extend(20u16.to_le_bytes());
            out.extend(member.flags.to_le_bytes());
            out.extend(member.method.to_le_bytes());
            out.extend(member.time.to_le_bytes());
            out.extend(crc.to_le_bytes());
            out.extend(u32::try_from(packed.len()).unwrap().to_le_bytes());
            out.extend(size.to_le_bytes());
            out.extend(u16::try_from(path.len()).unwrap().to_le_bytes());
            out.extend(u16::try_from(extra).unwrap().to_le_bytes());
        };
        let local = member.local_path.as_ref().unwrap_or(&member.path);
        out.extend(b"PK\x03\x04");
        header(local, &mut out, 0);
        out.extend(local.as_bytes());
        out.extend(&packed);
        out.extend(&member.after);
        directory.extend(b"PK\x01\x02");
        directory.extend([20, 3]);
        header(&member.path, &mut directory, member.extra.len());
        directory.extend(u16::try_from(member.comment.len()).unwrap().to_le_bytes());
        directory.extend([0; 4]);
        directory.extend((member.mode << 16).to_le_bytes());
        directory.extend(start.to_le_bytes());
        directory.extend(member.path.as_bytes());
        directory.extend(&member.extra);
        directory.extend(&member.comment);
    }
    let start = u32::try_from(out.len()).unwrap();
    out.extend(&directory);
    out.extend(b"PK\x05\x06\0\0\0\0");
    let count = u16::try_from(members.len()).unwrap().to_le_bytes();
    out.extend(count);
    out.extend(count);
    out.extend(u32::try_from(directory.len()).unwrap().to_le_bytes());
    out.extend(start.to_le_bytes());
    out.extend([0, 0]);
    out
}
