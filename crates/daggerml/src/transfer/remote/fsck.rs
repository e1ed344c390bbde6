//! Checking a remote: every byte of it is read and compared with what names it.

use std::collections::{HashMap, HashSet};

use crate::error::{Error, ErrorKind, Result};
use crate::id::ObjectId;
use crate::record::{AnyRecord, Kind, Reference};

use super::collect::start;
use super::pack::{Index, PackInfo, each_object, indexed};
use super::session::{LOST_REFS, REFS_KEY};
use super::{Listener, Phase, Remote, Step, check};

/// The most damages that a report lists.
const MOST: usize = 1000;

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RemoteFsckReport {
    /// How many packs were read.
    pub packs: u64,
    /// How many objects they hold.
    pub objects: u64,
    /// How many shared results and claims of calls were read.
    pub results: u64,
    /// How many bytes all of them have.
    pub bytes: u64,
    /// What is damaged: the blob or ref, and what is wrong with it.
    pub findings: Vec<(String, String)>,
}

impl RemoteFsckReport {
    /// Returns whether nothing is damaged.
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }

    pub(super) fn find(&mut self, name: impl Into<String>, detail: impl Into<String>) {
        if self.findings.len() < MOST {
            self.findings.push((name.into(), detail.into()));
        }
    }
}

/// Objects that were met, by the first halves of their ids.
pub(super) type Met = HashMap<u128, Kind>;

impl Remote {
    /// Reads all of the remote, and returns everything that is damaged. Only when the remote
    /// cannot be read at all it is an error.
    pub fn fsck(&self, listener: &dyn Listener) -> Result<RemoteFsckReport> {
        let mut report = RemoteFsckReport::default();
        self.check_results(&mut report, listener)?;
        let seen = match self.manifest_or_new(None)? {
            Some(seen) => seen,
            None if report.results > 0 => return Ok(report), // Nobody has pushed yet.
            None => self.manifest(None)?,
        };
        let manifest = seen.manifest;
        if seen.etag.is_none()
            && !self.list("packs/", None)?.is_empty()
            && self.manifest(None)?.etag.is_none()
        {
            report.find(REFS_KEY, LOST_REFS);
        }
        let packs = match self.packs(&manifest, &HashSet::new()) {
            Ok(packs) => packs,
            Err(error) => {
                report.find("lists", harmless(error)?);
                manifest.packs.clone()
            }
        };
        let mut met = Met::new();
        for pack in &packs {
            check(listener)?;
            let key = pack.key()?.to_string();
            match self.whole_pack(pack) {
                Ok(bytes) => {
                    report.packs += 1;
                    report.bytes += pack.bytes;
                    report.objects += pack.objects;
                    if let Err(error) = look(&bytes, pack, &mut met, &mut |detail| {
                        report.find(&key, detail);
                    }) {
                        report.find(&key, error.to_string());
                    }
                }
                Err(error) => report.find(&key, harmless(error)?),
            }
            listener.step(&Step {
                phase: Phase::Checking,
                objects: report.objects,
                bytes: report.bytes,
                total: Some(packs.iter().map(|pack| pack.bytes).sum()),
            });
        }
        for (name, commit) in &manifest.refs {
            let reference = Reference::from(*commit);
            if met.get(&start(reference.id)) != Some(&Kind::Commit) {
                report.find(name, format!("{reference} is in no pack"));
            }
        }
        Ok(report)
    }
}

/// Returns what is damaged; other errors are errors.
pub(super) fn harmless(error: Box<Error>) -> Result<String> {
    match error.kind() {
        ErrorKind::Corrupt => Ok(error.to_string()),
        _ => Err(error),
    }
}

/// Looks through a pack.
pub(super) fn look(
    bytes: &[u8],
    pack: &PackInfo,
    met: &mut Met,
    find: &mut dyn FnMut(String),
) -> Result<()> {
    let mut places = Vec::new();
    each_object(bytes, pack.index, pack.objects, &mut |at, object| {
        let record = match AnyRecord::decode(object) {
            Ok(record) => record,
            Err(fault) => {
                find(format!("the object at byte {at} is no record: {fault}"));
                return Ok(());
            }
        };
        let (id, kind) = match &record {
            AnyRecord::Tombstone(tombstone) => (tombstone.object, tombstone.kind),
            record => (ObjectId::of(object), record.kind()),
        };
        places.push(indexed(id, at, object));
        record.references(&mut |reference| match met.get(&start(reference.id)) {
            Some(found) if *found == reference.kind => {}
            Some(found) => find(format!(
                "{kind} {id} refers to {reference}, which is a {found}"
            )),
            None => find(format!(
                "{kind} {id} refers to {reference}, which is not before it"
            )),
        });
        met.insert(start(id), kind);
        Ok(())
    })?;
    let at = usize::try_from(pack.index).unwrap_or(usize::MAX);
    let index = Index::parse(bytes.get(at..).unwrap_or_default(), pack.objects)?;
    if !index.is_of(places) {
        find("its index does not agree with its objects".to_owned());
    }
    Ok(())
}
