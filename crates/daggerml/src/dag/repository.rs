//! What a repository does with DAGs: it begins, loads, lists, resumes and discards them.

use super::draft::Draft;
use super::saved::{self, DraftInfo};
use super::view::DagView;
use crate::error::{Error, IdError, Result};
use crate::id::{DagId, DraftId, Kind, MIN_PREFIX, NodeId};
use crate::name::Name;
use crate::repo::Repository;
use crate::repo::revision::{Resolved, wrong_kind};
use crate::sorting::sort_by;
use crate::value::Value;

impl Repository {
    /// Begins a new DAG that will be committed under `name`.
    pub fn new_dag(&self, name: &str, message: &str) -> Result<Draft> {
        Draft::begin(self.clone(), Name::new(name)?, message)
    }

    /// Returns the DAG of that name in the newest commit, for reading.
    pub fn load(&self, name: &str) -> Result<DagView> {
        let snapshot = self.snapshot()?;
        let id = self.find_in(&snapshot, name)?;
        DagView::at(self.clone(), &snapshot, id)
    }

    /// Returns the DAG `id`, for reading.
    pub fn view(&self, id: DagId) -> Result<DagView> {
        DagView::new(self.clone(), id)
    }

    /// Returns the node that `text` stands for: `REV:dag/node`, an id, or `dag/node` of
    /// what is checked out. A DAG stands for its result.
    pub fn node_at(&self, text: &str) -> Result<(Option<DagId>, NodeId)> {
        match self.resolve_here(text)? {
            Resolved::Node { dag, node } => Ok((dag, node)),
            Resolved::Dag(dag) => Ok((Some(dag), self.view(dag)?.result()?)),
            other => Err(wrong_kind(text, other, Kind::Node)),
        }
    }

    /// Begins the DAG of a call of something named `name` with the arguments
    /// `argv`. It ends with [`Draft::end_call`] and cannot be committed.
    pub fn begin_call(&self, name: &str, argv: Vec<Value>) -> Result<Draft> {
        Draft::begin_call(self.clone(), Name::new(name)?, argv)
    }

    /// Returns the drafts that were flushed at least once, oldest first.
    pub fn drafts(&self) -> Result<Vec<DraftInfo>> {
        let mut found = saved::headers(&self.snapshot()?)?;
        sort_by(&mut found, |a, b| (a.created, a.id).cmp(&(b.created, b.id)));
        Ok(found)
    }

    /// Returns the draft that `text` stands for: its id or the first digits of it.
    pub fn find_draft(&self, text: &str) -> Result<DraftInfo> {
        let digits = text.to_ascii_lowercase();
        let found: Vec<_> = self
            .drafts()?
            .into_iter()
            .filter(|info| info.id.to_string().starts_with(&digits))
            .collect();
        let wrong = digits.len() > 32 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        if wrong || digits.len() < MIN_PREFIX {
            return Err(IdError::Draft {
                text: text.to_owned(),
            }
            .into());
        }
        match found.as_slice() {
            [info] => Ok(info.clone()),
            [] => Err(Error::NotFound {
                what: "draft",
                name: text.to_owned(),
                place: self.root().display().to_string(),
            }
            .into()),
            several => Err(Error::AmbiguousId {
                prefix: text.to_owned(),
                candidates: several.iter().map(|info| info.id.to_string()).collect(),
            }
            .into()),
        }
    }

    /// Continues a draft after a crash, or takes it over from the handle
    /// that has it, which can no longer change it.
    pub fn resume(&self, id: DraftId) -> Result<Draft> {
        Draft::resume(self, id)
    }

    /// Throws a draft away.
    pub fn discard(&self, id: DraftId) -> Result<()> {
        if self.store().write(|txn| saved::remove(txn, id))? {
            return Ok(());
        }
        Err(Error::NotFound {
            what: "draft",
            name: id.to_string(),
            place: self.root().display().to_string(),
        }
        .into())
    }
}
