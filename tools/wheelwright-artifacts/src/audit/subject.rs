//! One pass over an artifact's members: unpack, hash, read compiled code, look
//! for machine paths. What rules need is kept; the bytes are not.

use sha2::{Digest, Sha256};

use super::{Findings, Policy, encrypted, leaks, rules};
use crate::artifact::file_name::{Platform, SdistName, WheelName};
use crate::artifact::headers::Headers;
use crate::artifact::{Archive, Artifact, Kind, MemberKind};
use crate::binary::Binary;
use crate::parallel;

/// Metadata files longer than this are not read as text.
const MOST_TEXT: usize = 16 << 20;

/// An artifact with the facts of its members.
pub struct Subject<'a> {
    pub artifact: &'a Artifact,
    pub policy: &'a Policy,
    pub members: Vec<Member>,
    /// The parsed name of a wheel.
    pub wheel: Option<Result<WheelName, String>>,
    /// The parsed name of an sdist.
    pub sdist: Option<Result<SdistName, String>>,
    /// The wheel's platform tags, equal ones once.
    pub platforms: Vec<Platform>,
    /// `name-version.dist-info` of a wheel, the top folder of an sdist.
    pub root: Option<String>,
}

/// Facts of one member.
pub struct Member {
    pub path: String,
    pub kind: MemberKind,
    pub size: u64,
    pub sha256: [u8; 32],
    /// Why its content cannot be had.
    pub error: Option<String>,
    /// The content of metadata files.
    pub text: Option<Vec<u8>>,
    pub binary: Option<Binary>,
    /// Paths of the machine that built it.
    pub leaks: Vec<String>,
    /// What encrypted its source.
    pub encrypted: Option<&'static str>,
}

impl Member {
    /// The part of its path after the last slash.
    pub fn file_name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }
}

impl<'a> Subject<'a> {
    /// Reads every member once, on all processors.
    pub fn inspect(artifact: &'a Artifact, policy: &'a Policy, findings: &Findings) -> Self {
        let (wheel, sdist) = match artifact.kind {
            Kind::Wheel => (Some(WheelName::parse(&artifact.file_name)), None),
            Kind::Sdist => (None, Some(SdistName::parse(&artifact.file_name))),
        };
        let mut platforms = Vec::new();
        if let Some(Ok(name)) = &wheel {
            for tag in &name.platform {
                let platform = Platform::parse(tag);
                if !platforms.contains(&platform) {
                    platforms.push(platform);
                }
            }
        }
        let leaks = findings
            .wants(rules::PATH_LEAK)
            .then(|| leaks::Scanner::new(policy));
        Self {
            artifact,
            policy,
            members: inspect_members(artifact, leaks.as_ref()),
            wheel,
            sdist,
            platforms,
            root: root(artifact),
        }
    }

    /// The parsed name of a wheel whose name could be parsed.
    pub fn wheel_name(&self) -> Option<&WheelName> {
        self.wheel.as_ref()?.as_ref().ok()
    }

    /// The first member with this path.
    pub fn member(&self, path: &str) -> Option<&Member> {
        self.members.iter().find(|m| m.path == path)
    }

    /// A file of the `.dist-info` folder, or of an sdist's top folder.
    pub fn info(&self, name: &str) -> Option<&Member> {
        self.member(&format!("{}/{name}", self.root.as_deref()?))
    }

    /// METADATA, or PKG-INFO.
    pub fn metadata(&self) -> Option<(&Member, Headers)> {
        let member = self.info(match self.artifact.kind {
            Kind::Wheel => "METADATA",
            Kind::Sdist => "PKG-INFO",
        })?;
        Some((member, Headers::parse(member.text.as_deref()?)))
    }

    /// Compiled members that are meant to run where the tag says.
    pub fn binaries(&self) -> impl Iterator<Item = (&Member, &Binary)> {
        self.members
            .iter()
            .filter(|m| {
                !self
                    .policy
                    .data_paths
                    .iter()
                    .any(|prefix| m.path.starts_with(prefix.as_str()))
            })
            .filter_map(|m| Some((m, m.binary.as_ref()?)))
    }

    /// Whether a library of this file name is in the wheel.
    pub fn ships(&self, library: &str) -> bool {
        let same = |name: &str| name.eq_ignore_ascii_case(library);
        self.members.iter().any(|m| same(m.file_name()))
    }

    /// Whether the policy lets compiled code load this library.
    pub fn allows_library(&self, library: &str) -> bool {
        self.policy
            .allow_libraries
            .iter()
            .any(|l| l.eq_ignore_ascii_case(library))
    }
}

/// The folder that holds the metadata: of several, the one the file name names.
fn root(artifact: &Artifact) -> Option<String> {
    let paths = || (0..artifact.archive.len()).map(|i| artifact.archive.path(i));
    match artifact.kind {
        Kind::Wheel => {
            let mut folders: Vec<&str> = paths()
                .filter_map(|p| p.split_once('/'))
                .map(|(top, _)| top)
                .filter(|top| top.ends_with(".dist-info"))
                .collect();
            folders.sort_unstable();
            folders.dedup();
            let wanted = artifact
                .file_name
                .splitn(3, '-')
                .take(2)
                .collect::<Vec<_>>()
                .join("-")
                + ".dist-info";
            folders
                .iter()
                .find(|f| f.eq_ignore_ascii_case(&wanted))
                .or(folders.first())
                .map(|f| (*f).to_owned())
        }
        Kind::Sdist => paths()
            .filter(|p| p.ends_with("/PKG-INFO"))
            .min_by_key(|p| p.matches('/').count())
            .or_else(|| paths().find(|p| p.contains('/')))
            .and_then(|p| p.split_once('/'))
            .map(|(top, _)| top.to_owned()),
    }
}

fn inspect_members(artifact: &Artifact, leaks: Option<&leaks::Scanner>) -> Vec<Member> {
    let archive = &artifact.archive;
    let one = |index| inspect(archive, index, leaks);
    if artifact.size < (1 << 16) {
        return (0..archive.len()).map(one).collect();
    }
    parallel::map(archive.len(), one)
}

fn inspect(archive: &Archive, index: usize, leaks: Option<&leaks::Scanner>) -> Member {
    let path = archive.path(index).to_owned();
    let kind = archive.kind(index);
    let content = match kind {
        MemberKind::File => archive.content(index),
        _ => Ok(Vec::new().into()),
    };
    let (content, error) = match content {
        Ok(content) => (content, None),
        Err(reason) => (Vec::new().into(), Some(reason)),
    };
    let hashed = matches!(archive, Archive::Zip(_)) && kind == MemberKind::File;
    let keep = is_metadata(&path) && content.len() <= MOST_TEXT;
    let binary = Binary::read(&content);
    Member {
        kind,
        size: content.len() as u64,
        sha256: if hashed {
            Sha256::digest(&content).into()
        } else {
            [0; 32]
        },
        error,
        leaks: leaks.map_or_else(Vec::new, |scanner| {
            scanner.scan(&path, &content, binary.is_some())
        }),
        encrypted: encrypted::encrypted(&path, &content),
        binary,
        text: keep.then(|| content.into_owned()),
        path,
    }
}

fn is_metadata(path: &str) -> bool {
    let Some((top, name)) = path.split_once('/') else {
        return false;
    };
    if top.ends_with(".dist-info") {
        matches!(name, "METADATA" | "WHEEL" | "RECORD" | "entry_points.txt")
    } else {
        name == "PKG-INFO"
    }
}
