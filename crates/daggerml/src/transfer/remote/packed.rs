//! Results of calls that are too large for one blob: they are in packs of their own.
//!
//! The blob of the call names the packs, in order. They are made, sent, read and verified as those of
//! a push, so memory does not grow with the result. The blob is written when all of them are there.

use std::fs::File;

use crate::cbor::{Reader, Writer};
use crate::error::{Fault, FaultKind, RemoteError, Result};
use crate::id::ObjectId;
use crate::record::{AnyRecord, Kind, Reference};
use crate::repo::Repository;
use crate::store::{Store, Table, WriteTxn};

use super::manifest::{read_id, read_packs, write_packs};
use super::pack::PackInfo;
use super::receive::{Receiving, note_key};
use super::send::{self, Purpose};
use super::session::new_swap;
use super::{Listener, Remote, plan};

/// The folder of the packs.
pub(super) const FOLDER: &str = "results";

/// The most roots that a result has.
const MOST_ROOTS: usize = 1 << 18;

/// The most packs that a result has.
const MOST_PACKS: usize = 1 << 14;

/// Packs that hold a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Packed {
    /// What the bundle of a small result has as its roots: the DAG, the exec record of the call, and
    /// those of nested calls.
    pub roots: Vec<Reference>,
    pub(super) packs: Vec<PackInfo>,
}

impl Packed {
    pub(super) fn encode(&self, writer: &mut Writer) {
        writer.array(2);
        writer.array(self.roots.len());
        for root in &self.roots {
            writer.array(2);
            writer.uint(root.kind.code());
            writer.id(root.id);
        }
        write_packs(writer, &self.packs);
    }

    /// Reads what comes after the head of the array.
    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        let count = reader.array()?;
        if count > MOST_ROOTS {
            return Err(reader.fault(FaultKind::Bounds, format!("{count} roots")));
        }
        let roots: Vec<_> = (0..count)
            .map(|_| read_root(reader))
            .collect::<Result<_, _>>()?;
        let packs = read_packs(reader)?;
        if packs.len() > MOST_PACKS {
            return Err(reader.fault(FaultKind::Bounds, format!("{} packs", packs.len())));
        }
        Ok(Self { roots, packs })
    }

    /// Returns how many bytes the packs have.
    pub(super) fn bytes(&self) -> u64 {
        self.packs.iter().map(|pack| pack.bytes).sum()
    }
}

/// Reads a root.
pub(super) fn read_root(reader: &mut Reader<'_>) -> Result<Reference, Fault> {
    reader.array_of(2)?;
    let code = reader.uint()?;
    let kind = Kind::ALL.into_iter().find(|kind| kind.code() == code);
    let kind = kind.ok_or_else(|| reader.fault(FaultKind::Kind, format!("record kind {code}")))?;
    Ok(Reference {
        kind,
        id: read_id(reader)?,
    })
}

/// A result that is in the store, and is kept from garbage collection until this is dropped.
pub(crate) struct ReceivedResult {
    packs: Vec<ObjectId>,
    _lock: File,
}

impl ReceivedResult {
    /// Notes that something else keeps the result from now on.
    pub fn settle(&self, txn: &mut WriteTxn<'_>) -> Result<()> {
        for pack in &self.packs {
            // Of the objects to be kept there are more notes, whose keys are longer.
            for key in txn.keys(Table::Drafts, &note_key(*pack))? {
                txn.delete(Table::Drafts, &key)?;
            }
        }
        Ok(())
    }
}

impl Remote {
    /// Sends what `roots` reach. One of the roots need not be in the repository: the `extra`
    /// record.
    pub(crate) fn send_result(
        &self,
        repository: &Repository,
        roots: &[Reference],
        extra: (ObjectId, &[u8]),
        listener: &dyn Listener,
    ) -> Result<Packed> {
        let snapshot = repository.snapshot()?;
        // With a number of their own, the packs of each result have names of their own: none is taken
        // for one that is there already and may be damaged, or about to be collected.
        let random = new_swap()?;
        let purpose = Purpose {
            folder: FOLDER,
            generation: u64::from_be_bytes(random.first_chunk().copied().unwrap_or_default()),
            rewritten: false,
        };
        let mut below: Vec<_> = roots.iter().copied().filter(|r| r.id != extra.0).collect();
        AnyRecord::decode(extra.1)?.references(&mut |reference| below.push(reference));
        let (packs, _) = send::send(self, repository.store(), purpose, listener, &mut |sender| {
            plan::reached(&snapshot, &self.address, &below, &mut |id, bytes| {
                sender.add(id, bytes)
            })?;
            sender.add(extra.0, extra.1)
        })?;
        Ok(Packed {
            roots: roots.to_vec(),
            packs,
        })
    }

    /// Takes in the objects of a result, verified. Nothing refers to them yet.
    pub(crate) fn receive_result(
        &self,
        store: &Store,
        result: &Packed,
        listener: &dyn Listener,
    ) -> Result<ReceivedResult> {
        let mut receiving = Receiving::begin(self, store, listener)?;
        for info in &result.packs {
            if !receiving.before.contains(&info.id) {
                let bytes = self.pack_in(FOLDER, info, store)?;
                receiving.take(*info, bytes, listener)?;
            }
        }
        receiving.write(listener)?;
        let snapshot = store.snapshot()?;
        for root in &result.roots {
            super::round::present(&snapshot, *root, &self.address)?;
        }
        Ok(ReceivedResult {
            packs: result.packs.iter().map(|pack| pack.id).collect(),
            _lock: receiving.into_lock(),
        })
    }
}

/// Returns whether an error says that a result is unsound, and not that the remote fails.
pub(crate) fn is_unsound(error: &RemoteError) -> bool {
    matches!(
        error,
        RemoteError::Damaged { .. } | RemoteError::Incomplete { .. }
    )
}
