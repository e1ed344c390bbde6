//! What a repository does with DAGs: it begins, loads, lists, resumes and discards them.

use super::index::{self, IndexInfo};
use super::open::OpenDag;
use super::view::DagView;
use crate::error::{Error, IdError, Result};
use crate::id::{DagId, IndexId, Kind, MIN_PREFIX, NodeId};
use crate::name::Name;
use crate::repo::Repository;
use crate::repo::revision::{Resolved, wrong_kind};
use crate::value::Value;

impl Repository {
    /// Begins a new DAG that will be committed under `name`.
    pub fn new_dag(&self, name: &str, message: &str) -> Result<OpenDag> {
        OpenDag::begin(self.clone(), Name::new(name)?, message)
    }

    /// The DAG of that name in the newest commit, for reading.
    pub fn load(&self, name: &str) -> Result<DagView> {
        let snapshot = self.snapshot()?;
        let id = self.find_in(&snapshot, name)?;
        DagView::read(self.clone(), &snapshot, id)
    }

    /// The DAG `id`, for reading.
    pub fn view(&self, id: DagId) -> Result<DagView> {
        DagView::new(self.clone(), id)
    }

    /// The node that `text` stands for: `REV:dag/node`, an id, or `dag/node` of
    /// what is checked out. A DAG stands for its result.
    pub fn node_at(&self, text: &str) -> Result<(Option<DagId>, NodeId)> {
        match self.resolve_here(text)? {
            Resolved::Node { dag, node } => Ok((dag, node)),
            Resolved::Dag(dag) => Ok((Some(dag), self.view(dag)?.result()?)),
            other => Err(wrong_kind(text, other, Kind::Node)),
        }
    }

    /// Begins the DAG of a call of something named `name` with the arguments
    /// `argv`. It ends with [`OpenDag::end_call`] and is no one's to commit.
    pub fn begin_call(&self, name: &str, argv: Vec<Value>) -> Result<OpenDag> {
        OpenDag::begin_call(self.clone(), Name::new(name)?, argv)
    }

    /// The open DAGs that were flushed at least once, oldest first.
    pub fn indexes(&self) -> Result<Vec<IndexInfo>> {
        let mut found = index::headers(&self.snapshot()?)?;
        found.sort_by_key(|info| (info.created, info.id));
        Ok(found)
    }

    /// The open DAG that `text` stands for: its id or the first digits of it.
    pub fn find_index(&self, text: &str) -> Result<IndexInfo> {
        let digits = text.to_ascii_lowercase();
        let found: Vec<_> = self
            .indexes()?
            .into_iter()
            .filter(|info| info.id.to_string().starts_with(&digits))
            .collect();
        let wrong = digits.len() > 32 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        if wrong || digits.len() < MIN_PREFIX {
            return Err(IdError::Index {
                text: text.to_owned(),
            }
            .into());
        }
        match found.as_slice() {
            [info] => Ok(info.clone()),
            [] => Err(Error::NotFound {
                what: "open DAG",
                name: text.to_owned(),
                place: self.root().display().to_string(),
            }),
            several => Err(Error::AmbiguousId {
                prefix: text.to_owned(),
                candidates: several.iter().map(|info| info.id.to_string()).collect(),
            }),
        }
    }

    /// Continues an open DAG after a crash, or takes it over from the handle
    /// that has it; that one can no longer change it.
    pub fn resume(&self, id: IndexId) -> Result<OpenDag> {
        OpenDag::resume(self, id)
    }

    /// Throws an open DAG away.
    pub fn discard(&self, id: IndexId) -> Result<()> {
        if self.store().write(|txn| index::remove(txn, id))? {
            return Ok(());
        }
        Err(Error::NotFound {
            what: "open DAG",
            name: id.to_string(),
            place: self.root().display().to_string(),
        })
    }
}
