//! Arguments that name a DAG, or a node of one, and what they name.

use clap::Args;
use daggerml::error::{Error, Result};
use daggerml::id::{DagId, NodeId, TreeId, TypedId};
use daggerml::record::Dag;
use daggerml::repo::refs::HEAD;
use daggerml::repo::tree;
use daggerml::store::{ReadObjects, Snapshot};
use daggerml::{ErrorKind, Repository, id, name::Name};

use crate::complete;

/// A DAG.
#[derive(Args, Debug)]
pub struct DagArgs {
    /// The DAG: its name, a revision (main~2:NAME), or 6 or more digits of its id
    #[arg(add = complete::dags())]
    dag: String,

    /// The revision in which names are looked up
    #[arg(long, value_name = "REVISION", default_value = "HEAD", add = complete::revisions())]
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
    /// Returns the DAG, and the name it was found by.
    pub fn find(&self, repository: &Repository) -> Result<(Option<Name>, DagId)> {
        // A name that no DAG can have may still be a revision.
        if let Ok(name) = Name::new(&self.dag)
            && let Some(tree) = self.tree(repository)?
            && let Some(id) = tree::lookup(&repository.snapshot()?, tree, &name)?
        {
            return Ok((Some(name), id));
        }
        if self.at == HEAD {
            return match repository.dag_at(&self.dag) {
                // No id and no revision either: then a name was meant.
                Err(error) if error.kind() == ErrorKind::NotFound && !self.dag.contains(':') => {
                    repository.find_dag(&self.dag).map(|id| (None, id))
                }
                found => found.map(|id| (None, id)),
            };
        }
        let text = format!("{}:{}", self.at, self.dag);
        Ok((None, repository.dag_at(&text)?))
    }

    /// Returns the tree in which names are looked up; `None` before the first commit.
    fn tree(&self, repository: &Repository) -> Result<Option<TreeId>> {
        if self.at == HEAD && repository.head()?.is_none() {
            return Ok(None);
        }
        repository.tree_at(&self.at).map(Some)
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
    /// Returns the node.
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
        }
        .into()),
        _ => Err(Error::NotFound {
            what: "node",
            name: text.to_owned(),
            place: format!("DAG {}", dag_id.object().short()),
        }
        .into()),
    }
}
