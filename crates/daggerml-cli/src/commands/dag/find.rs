//! Arguments that name a DAG, or a node of one, and what they name.

use clap::Args;
use daggerml::error::{Error, Result};
use daggerml::id::{DagId, NodeId, TypedId};
use daggerml::record::{Commit, Dag, Kind};
use daggerml::repo::refs::{HEAD, ReadRefs};
use daggerml::repo::tree;
use daggerml::store::{ReadObjects, Snapshot};
use daggerml::{Repository, id, name::Name};

use crate::revision;

/// A DAG.
#[derive(Args, Debug)]
pub struct DagArgs {
    /// The DAG: its name, or 6 or more digits of its id
    dag: String,

    /// The revision in which names are looked up
    #[arg(long, value_name = "REVISION", default_value = "HEAD")]
    at: String,
}

/// A node of a DAG.
#[derive(Args, Debug)]
pub struct NodeArgs {
    #[command(flatten)]
    dag: DagArgs,

    /// The node: its name, or 6 or more digits of its id [default: the result]
    node: Option<String>,
}

impl DagArgs {
    /// The DAG, and the name it was found by.
    pub fn find(&self, repository: &Repository) -> Result<(Option<Name>, DagId)> {
        if let Some(found) = self.by_name(repository)? {
            return Ok(found);
        }
        let not_found = || Error::NotFound {
            what: "dag",
            name: self.dag.clone(),
            place: self.at.clone(),
        };
        match revision::object(repository, &self.dag) {
            Ok((Kind::Dag, id)) => Ok((None, DagId::from_object(id))),
            Err(error @ Error::AmbiguousId { .. }) => Err(error),
            _ => Err(not_found()),
        }
    }

    fn by_name(&self, repository: &Repository) -> Result<Option<(Option<Name>, DagId)>> {
        let name = Name::new(&self.dag)?;
        let snapshot = repository.snapshot()?;
        let commit = if self.at == HEAD {
            snapshot.head()?
        } else {
            Some(revision::commit(repository, &self.at)?)
        };
        let Some(commit) = commit else {
            return Ok(None);
        };
        let commit: Commit = snapshot.load(commit)?;
        let found = tree::lookup(&snapshot, commit.tree, &name)?;
        Ok(found.map(|id| (Some(name), id)))
    }
}

/// A node that was found.
pub struct FoundNode {
    pub dag: DagId,
    pub id: NodeId,
    /// The names it has in the DAG.
    pub names: Vec<String>,
}

impl NodeArgs {
    /// The node.
    pub fn find(&self, repository: &Repository, snapshot: &Snapshot) -> Result<FoundNode> {
        let (_, dag_id) = self.dag.find(repository)?;
        let dag: Dag = snapshot.load(dag_id)?;
        let id = match &self.node {
            None => repository.view(dag_id)?.result()?,
            Some(text) => match dag.named(Name::new(text)?.as_str()) {
                Some(node) => node,
                None => by_digits(&dag, dag_id, text)?,
            },
        };
        let names = dag
            .names
            .iter()
            .filter(|&(_, &position)| dag.node_at(position) == Some(id))
            .map(|(name, _)| name.to_string())
            .collect();
        Ok(FoundNode {
            dag: dag_id,
            id,
            names,
        })
    }
}

fn by_digits(dag: &Dag, dag_id: DagId, text: &str) -> Result<NodeId> {
    let digits = text.to_ascii_lowercase();
    let matches = |node: &&NodeId| node.to_string().starts_with(&digits);
    let mut found = dag
        .nodes
        .iter()
        .filter(matches)
        .take(if digits.len() < id::MIN_PREFIX { 0 } else { 6 });
    match (found.next(), found.next()) {
        (Some(node), None) => Ok(*node),
        (Some(first), Some(second)) => Err(Error::AmbiguousId {
            prefix: text.to_owned(),
            candidates: [first, second]
                .into_iter()
                .chain(found)
                .map(|node| node.object().short())
                .collect(),
        }),
        _ => Err(Error::NotFound {
            what: "node",
            name: text.to_owned(),
            place: format!("DAG {}", dag_id.object().short()),
        }),
    }
}
