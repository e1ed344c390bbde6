//! The end of a draft: committed, failed, ended as a call, or discarded.

use super::draft::Draft;
use super::saved;
use super::stage::{Layered, To, encode};
use crate::error::{Error, Result};
use crate::id::{CommitId, DagId, NodeId, ObjectId, TypedId};
use crate::record::{Dag, ErrorInfo, Outcome, Record};
use crate::repo::commit::commit_changes;
use crate::sorting;
use crate::store::{WriteTxn, shrink};

/// A committed DAG and the commit that holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Committed {
    /// The DAG.
    pub dag: DagId,
    /// The commit.
    pub commit: CommitId,
}

impl Draft {
    /// Ends the DAG with `node` as its result and commits it. When that fails,
    /// for example because the disk is full, the DAG is still open and can be committed again.
    pub fn commit(&mut self, node: NodeId) -> Result<Committed> {
        let position = self.position(node)?;
        self.finish(Outcome::Result(position))
    }

    /// Ends the DAG with an error and commits it.
    pub fn fail(&mut self, error: ErrorInfo) -> Result<Committed> {
        self.finish(Outcome::Error(error))
    }

    fn finish(&mut self, outcome: Outcome) -> Result<Committed> {
        self.check_writable()?;
        if self.info.call {
            return Err(Error::Invalid {
                message: "the DAG of a call is not committed; it belongs to the call".to_owned(),
            }
            .into());
        }
        let (name, message) = (self.info.name.clone(), self.info.message.clone());
        let author = self.repository.author()?;
        let (dag, commit) = self.end(outcome, |txn, dag| {
            let changes = sorting::map([(name.clone(), Some(dag))]);
            commit_changes(txn, &changes, &author, &message)
        })?;
        self.ended = Some("committed");
        Ok(Committed { dag, commit })
    }

    /// Ends the DAG of a call. `root` writes, in the same transaction, whatever
    /// keeps the new DAG from being garbage.
    pub fn end_call<T>(
        &mut self,
        outcome: Outcome,
        root: impl FnMut(&mut WriteTxn<'_>, DagId) -> Result<T>,
    ) -> Result<(DagId, T)> {
        let ended = self.end(outcome, root)?;
        self.ended = Some("ended");
        Ok(ended)
    }

    /// Ends the DAG of a call without writing to the repository. `pack` gets the objects
    /// that the DAG consists of and its id, and hands them on; when it fails, the DAG is
    /// still open.
    pub(crate) fn end_packed(
        &mut self,
        outcome: Result<NodeId, ErrorInfo>,
        pack: impl FnOnce(&Layered<'_>, DagId) -> Result<()>,
    ) -> Result<DagId> {
        self.check_writable()?;
        if !self.info.call {
            return Err(Error::Invalid {
                message: "only the DAG of a call is packed".to_owned(),
            }
            .into());
        }
        let outcome = match outcome {
            Ok(node) => Outcome::Result(self.position(node)?),
            Err(error) => Outcome::Error(error),
        };
        let record = encode(&self.record(outcome))?;
        let dag = DagId::from_object(record.0);
        self.stage.object(record);
        pack(&self.objects()?, dag)?;
        self.stage.clear();
        self.ended = Some("ended");
        Ok(dag)
    }

    fn record(&self, outcome: Outcome) -> Dag {
        Dag {
            nodes: self.nodes.iter().copied().collect(),
            names: self.names.clone(),
            argv: self.argv,
            outcome,
            tags: self.tags.clone(),
        }
    }

    /// Stores the DAG and everything staged, runs `also`, and removes the index,
    /// all in one durable transaction. What is in the log is settled before.
    fn end<T>(
        &mut self,
        outcome: Outcome,
        mut also: impl FnMut(&mut WriteTxn<'_>, DagId) -> Result<T>,
    ) -> Result<(DagId, T)> {
        self.check_writable()?;
        if !self.unsettled.is_empty() {
            self.flush()?;
        }
        let bytes = self.record(outcome).encode()?;
        let id = ObjectId::of(&bytes);
        let dag = DagId::from_object(id);
        let out = self.repository.store().write(|txn| {
            self.check_session(txn)?;
            self.stage.write(txn, To::Objects)?;
            txn.put_object(id, &bytes)?;
            if self.stage.chunks.is_some() {
                saved::remove(txn, self.info.id)?;
            }
            if let Some(kept) = &self.kept {
                kept.forget(txn)?;
            }
            also(txn, dag)
        })?;
        shrink::after_end(self.repository.store(), self.stage.chunks.unwrap_or(0));
        self.stage.clear();
        self.kept = None;
        Ok((dag, out))
    }

    /// Throws the DAG away.
    pub fn discard(&mut self) -> Result<()> {
        self.check_open()?;
        if self.stage.chunks.is_some() || self.kept.is_some() {
            self.repository.store().write(|txn| {
                self.check_session(txn)?;
                self.kept.iter().try_for_each(|kept| kept.forget(txn))?;
                saved::remove(txn, self.info.id)
            })?;
        }
        self.stage.clear();
        self.kept = None;
        self.ended = Some("discarded");
        Ok(())
    }

    /// Refuses changes until [`Draft::unfreeze`], in this handle and in any that resumes
    /// the DAG, so that somebody can inspect it. `note` says why.
    pub fn freeze(&mut self, note: &str) -> Result<()> {
        self.check_writable()?;
        self.set_frozen(true, note)
    }

    /// Allows changes again.
    pub fn unfreeze(&mut self) -> Result<()> {
        self.check_open()?;
        self.set_frozen(false, "")
    }

    fn set_frozen(&mut self, frozen: bool, note: &str) -> Result<()> {
        let before = self.info.clone();
        self.info.frozen = frozen;
        note.clone_into(&mut self.info.note);
        let written = self.write_index(To::Log);
        if written.is_err() {
            self.info = before;
        }
        written
    }
}
