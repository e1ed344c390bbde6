//! Where a node comes from: the DAG that produced it, and every step before it.

use std::collections::HashSet;

use super::view::DagView;
use crate::error::Result;
use crate::id::{DagId, NodeId};
use crate::record::{Dag, Node};
use crate::store::{ReadObjects, Snapshot};

/// The DAG that produced a node.
#[derive(Clone)]
pub struct Origin {
    /// The DAG.
    pub dag: DagView,
    /// The node in it; `None` when the DAG ended in an error.
    pub node: Option<NodeId>,
}

/// One step of the making of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The DAG that the step is in.
    pub dag: DagId,
    /// The step's node.
    pub id: NodeId,
    /// The node record.
    pub node: Node,
    /// The steps that it builds on, in the order of its arguments.
    pub inputs: Vec<(DagId, NodeId)>,
}

impl DagView {
    /// Returns the DAG that produced `node`, when that was another one: the DAG of a
    /// call, or the DAG that the node was imported from.
    pub fn context(&self, node: NodeId) -> Result<Option<Origin>> {
        Ok(match self.node(node)? {
            Node::Call { dag, .. } => {
                let dag = self.repository().view(dag)?;
                let node = dag.dag().result();
                Some(Origin { dag, node })
            }
            Node::Import { dag, node, .. } => Some(Origin {
                dag: self.repository().view(dag)?,
                node: Some(node),
            }),
            Node::Literal { .. } | Node::Argv { .. } | Node::Builtin { .. } => None,
        })
    }

    /// Returns everything that produced `node`, through calls and imports, each step
    /// once and after the steps that it builds on; the last is `node` itself.
    pub fn trace(&self, node: NodeId) -> Result<Vec<Step>> {
        let snapshot = self.repository().snapshot()?;
        let mut steps = Vec::new();
        let mut seen = HashSet::new();
        let mut waiting = vec![Visit::Enter(self.id(), node)];
        while let Some(visit) = waiting.pop() {
            match visit {
                Visit::Enter(dag, id) => {
                    if !seen.insert((dag, id)) {
                        continue;
                    }
                    let node: Node = snapshot.load(id)?;
                    let inputs = inputs(&snapshot, dag, &node)?;
                    let before = inputs.clone();
                    waiting.push(Visit::Leave(Step {
                        dag,
                        id,
                        node,
                        inputs,
                    }));
                    waiting.extend(
                        before
                            .into_iter()
                            .rev()
                            .map(|(dag, id)| Visit::Enter(dag, id)),
                    );
                }
                Visit::Leave(step) => steps.push(step),
            }
        }
        Ok(steps)
    }
}

enum Visit {
    Enter(DagId, NodeId),
    Leave(Step),
}

fn inputs(snapshot: &Snapshot, dag: DagId, node: &Node) -> Result<Vec<(DagId, NodeId)>> {
    let mut inputs: Vec<_> = node.args().iter().map(|arg| (dag, *arg)).collect();
    match node {
        Node::Call { dag, .. } => {
            let result = snapshot.load::<_, Dag>(*dag)?.result();
            inputs.extend(result.map(|result| (*dag, result)));
        }
        Node::Import { dag, node, .. } => inputs.push((*dag, *node)),
        Node::Literal { .. } | Node::Argv { .. } | Node::Builtin { .. } => {}
    }
    Ok(inputs)
}
