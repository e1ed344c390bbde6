//! Checking the logs of drafts: their records, and what those refer to.

use std::collections::{BTreeMap, HashMap};

use crate::dag::{ChunkEntry, chunk_entries, chunk_of, draft_headers};
use crate::error::Fault;
use crate::id::{DraftId, ObjectId, TypedId};
use crate::record::{AnyRecord, Kind, Reference, kind_of};
use crate::store::{Snapshot, Table};

use super::super::ids::{Ids, start};
use super::super::roots;
use super::{Report, Subject};

/// The records in the log of one draft.
#[derive(Default)]
struct Logged {
    /// Their ids, as far as [`Ids`] keeps them.
    records: HashMap<u128, Kind>,
    nodes: u64,
}

/// Checks what drafts hold. Entries whose seals are wrong are noted elsewhere.
pub(super) fn check(snapshot: &Snapshot, ids: &Ids, report: &mut Report) {
    let Ok(chunks) = snapshot.scan(Table::Drafts, &[]) else {
        return; // The pages are noted.
    };
    let chunks: Vec<_> = chunks
        .flatten()
        .filter_map(|(key, chunk)| Some((chunk_of(key)?.0, key, chunk)))
        .collect();
    let mut logs: BTreeMap<DraftId, Logged> = BTreeMap::new();
    for (index, _, chunk) in &chunks {
        // A fault is noted below.
        let _ = logs.entry(*index).or_default().read(chunk);
    }
    for (index, key, chunk) in &chunks {
        let mut wrong = Vec::new();
        let log = logs.entry(*index).or_default();
        let read = chunk_entries(chunk, &mut |_, entry| {
            log.check(ids, entry, &mut |detail| wrong.push(detail));
            Ok(())
        });
        wrong.extend(read.err().map(|fault| fault.to_string()));
        for detail in wrong {
            report.find(Subject::Entry(Table::Drafts, roots::hex(key)), detail);
        }
    }
    match draft_headers(snapshot) {
        Ok(headers) => {
            for header in headers {
                let found = logs.get(&header.id).map_or(0, |log| log.nodes);
                if found != header.nodes && report.is_clean() {
                    let subject = Subject::Entry(Table::Drafts, header.id.to_string());
                    let detail = format!("{} nodes announced, {found} found", header.nodes);
                    report.find(subject, detail);
                }
            }
        }
        Err(error) if report.is_clean() => {
            let subject = Subject::Entry(Table::Drafts, "state".to_owned());
            report.find(subject, error.to_string());
        }
        Err(_) => {}
    }
}

impl Logged {
    fn read(&mut self, chunk: &[u8]) -> Result<(), Fault> {
        chunk_entries(chunk, &mut |_, entry| {
            if let ChunkEntry::Record(record) = entry {
                let kind = kind_of(record)?;
                let id = ObjectId::of(record);
                self.records.insert(start(id.as_bytes()), kind);
                self.nodes += u64::from(kind == Kind::Node);
            } else {
                self.nodes += 1;
            }
            Ok(())
        })
    }

    /// Tells what is wrong with an entry.
    fn check(&self, ids: &Ids, entry: ChunkEntry<'_>, wrong: &mut dyn FnMut(String)) {
        let mut refer = |Reference { kind, id }: Reference| {
            let logged = self.records.get(&start(id.as_bytes())).copied();
            let found = logged.or_else(|| ids.find(id).and_then(|at| ids.kind(at)));
            match found {
                Some(found) if found == kind => {}
                Some(found) => wrong(format!("refers to {kind} {id}, which is a {found}")),
                None if ids.find(id).is_some() => {} // Damaged, and noted there.
                None => wrong(format!("refers to {kind} {id}, which is not there")),
            }
        };
        match entry {
            ChunkEntry::Stored(node) => refer(Reference {
                kind: Kind::Node,
                id: node.object(),
            }),
            ChunkEntry::Record(record) => match AnyRecord::decode(record) {
                Ok(record) => record.references(&mut refer),
                Err(fault) => wrong(format!("holds {}: {fault}", ObjectId::of(record))),
            },
        }
    }
}
