//! Objects of daggerml 0.1 as ours.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::packed::Packed;
use super::source::Source;
use super::time;
use super::values::{error, scalar};
use crate::error::Result;
use crate::id::{CommitId, DagId, DatumId, NodeId, TreeId};
use crate::name::Name;
use crate::record::{Builtin, Commit, Dag, Datum, ErrorInfo, Node, Outcome, Time};
use crate::repo::tree;
use crate::store::{ReadObjects, WriteTxn};
use crate::value::Value;

/// What was made of an object.
#[derive(Clone)]
pub(super) enum Made {
    /// A value with about so many bytes, and so deep.
    Value(Value, usize, usize),
    Error(ErrorInfo),
    Node(NodeId, Option<DatumId>),
    Dag(DagId),
    Tree(TreeId),
    Commit(CommitId),
}

/// Makes objects of ours of those of a source.
pub(super) struct Converter<'s, 't, 'w> {
    pub(super) source: &'s Source,
    pub(super) txn: &'t mut WriteTxn<'w>,
    pub(super) made: HashMap<String, Made>,
    /// Commits whose parents are not in the source.
    pub cut: BTreeSet<String>,
    /// URIs of there that are none, and what they are here.
    pub uris: BTreeMap<String, String>,
    pub dags: BTreeSet<DagId>,
    pub commits: BTreeSet<CommitId>,
}

impl<'s, 't, 'w> Converter<'s, 't, 'w> {
    pub fn new(source: &'s Source, txn: &'t mut WriteTxn<'w>) -> Self {
        Self {
            source,
            txn,
            made: HashMap::new(),
            cut: BTreeSet::new(),
            uris: BTreeMap::new(),
            dags: BTreeSet::new(),
            commits: BTreeSet::new(),
        }
    }

    /// Returns the commit that is there `id`, with everything that it needs.
    pub fn commit(&mut self, id: &str) -> Result<CommitId> {
        let reference = format!("commit:{id}");
        match self.all(&reference)? {
            Made::Commit(commit) => Ok(commit),
            _ => Err(self.source.broken(&reference, "it is no commit")),
        }
    }

    /// Makes an object after those that it refers to, without recursion: a file may hold
    /// anything.
    fn all(&mut self, reference: &str) -> Result<Made> {
        let mut open: HashSet<String> = HashSet::new();
        let mut todo = vec![reference.to_owned()];
        while let Some(name) = todo.last().cloned() {
            if self.made.contains_key(&name) {
                todo.pop();
                continue;
            }
            let Some(object) = self.source.object(&name)? else {
                return Err(self.source.broken(&name, "it is missing"));
            };
            let mut needs = Vec::new();
            object.refs(&mut |need| needs.push(need));
            let mut missing = Vec::new();
            for need in needs {
                let is_parent = name.starts_with("commit:") && need.starts_with("commit:");
                if self.made.contains_key(need) {
                    continue;
                }
                if is_parent && self.source.object(need)?.is_none() {
                    self.cut.insert(name.clone()); // a shallow clone
                } else {
                    missing.push(need.to_owned());
                }
            }
            if missing.is_empty() {
                let made = self.make(&name, &object)?;
                self.made.insert(name.clone(), made);
                open.remove(&name);
                todo.pop();
            } else if open.insert(name.clone()) {
                todo.extend(missing);
            } else {
                return Err(self.source.broken(&name, "it needs itself"));
            }
        }
        let made = self.made.get(reference).cloned();
        made.ok_or_else(|| self.source.broken(reference, "it is missing"))
    }

    fn make(&mut self, name: &str, object: &Packed) -> Result<Made> {
        let source = self.source;
        let broken = |detail: String| source.broken(name, &detail);
        let table = name.split(':').next().unwrap_or_default();
        match table {
            "datum-scalar" => scalar(object).map_err(broken),
            "datum-list" => self.list(object).map_err(broken),
            "datum-dict" => self.dict(object).map_err(broken),
            "datum-uri" => {
                let text = object.field("uri").and_then(Packed::text);
                let uri = self.uri(text.map_err(broken)?)?;
                let length = uri.as_str().len();
                Ok(Made::Value(Value::Uri(uri), length, 1))
            }
            "datum-runnable" => self.runnable(object).map_err(broken),
            "error" => error(object).map(Made::Error).map_err(broken),
            "node-literal" | "node-argv" => {
                let datum = self.datum_of(name, object)?;
                let node = if table == "node-argv" {
                    Node::Argv { datum }
                } else {
                    Node::Literal { datum }
                };
                Ok(Made::Node(self.txn.save(&node)?, Some(datum)))
            }
            "node-import" => self.import(name, object),
            "node-fn" => self.call(name, object),
            "dag" => self.dag(name, object),
            "tree" => self.tree(name, object),
            "commit" => self.save_commit(name, object),
            _ => Err(broken(format!(
                "objects of the kind {table:?} are not known"
            ))),
        }
    }

    // Nodes

    fn node(&self, name: &str, object: &Packed) -> Result<(NodeId, Option<DatumId>)> {
        let source = self.source;
        let broken = |detail: String| source.broken(name, &detail);
        let reference = object.reference().map_err(broken)?;
        match self.made.get(reference) {
            Some(Made::Node(node, datum)) => Ok((*node, *datum)),
            _ => Err(broken(format!("{reference} is no node"))),
        }
    }

    fn dag_of(&self, name: &str, object: &Packed) -> Result<DagId> {
        let source = self.source;
        let broken = |detail: String| source.broken(name, &detail);
        let reference = object.field("dag").and_then(Packed::reference);
        let reference = reference.map_err(broken)?;
        match self.made.get(reference) {
            Some(Made::Dag(dag)) => Ok(*dag),
            _ => Err(broken(format!("{reference} is no DAG"))),
        }
    }

    fn import(&mut self, name: &str, object: &Packed) -> Result<Made> {
        let source = self.source;
        let broken = |detail: String| source.broken(name, &detail);
        let dag = self.dag_of(name, object)?;
        let (node, datum) = self.node(name, object.field("node").map_err(broken)?)?;
        let holds = self.txn.load::<_, Dag>(dag)?.nodes.contains(&node);
        let Some(datum) = datum.filter(|_| holds) else {
            return Err(broken(
                "it imports a node that is not there, or failed".to_owned(),
            ));
        };
        let node = self.txn.save(&Node::Import { dag, node, datum })?;
        Ok(Made::Node(node, Some(datum)))
    }

    fn call(&mut self, name: &str, object: &Packed) -> Result<Made> {
        let source = self.source;
        let broken = |detail: String| source.broken(name, &detail);
        let dag = self.dag_of(name, object)?;
        let argv = object
            .field("argv")
            .and_then(Packed::list)
            .map_err(broken)?;
        let mut args = Vec::new();
        for each in argv {
            args.push(self.node(name, each)?);
        }
        if args.is_empty() {
            return Err(broken("it calls nothing".to_owned()));
        }
        let result = self.txn.load::<_, Dag>(dag)?.result();
        let datum = match result {
            Some(node) => self.txn.load::<_, Node>(node)?.datum(),
            None => None,
        };
        let nodes: Vec<NodeId> = args.iter().map(|(node, _)| *node).collect();
        let node = match (self.builtin(&args)?, datum) {
            (Some(op), Some(datum)) => {
                let args = nodes.get(1..).unwrap_or_default().to_vec();
                self.txn.save(&Node::Builtin { op, args, datum })?
            }
            _ => self.txn.save(&Node::Call {
                args: nodes,
                dag,
                datum,
            })?,
        };
        Ok(Made::Node(node, datum))
    }

    /// Returns the operation of ours that a call is; `None` for all other calls.
    fn builtin(&self, args: &[(NodeId, Option<DatumId>)]) -> Result<Option<Builtin>> {
        let Some((_, Some(first))) = args.first() else {
            return Ok(None);
        };
        let Value::Runnable(runnable) = self.txn.load::<_, Datum>(*first)?.value else {
            return Ok(None);
        };
        if !runnable.adapter.is_empty() {
            return Ok(None);
        }
        let key = match args.get(2) {
            Some((_, Some(key))) => Some(self.txn.load::<_, Datum>(*key)?.value),
            _ => None,
        };
        Ok(match runnable.uri.as_str() {
            "daggerml:list" => Some(Builtin::List),
            "daggerml:dict" => Some(Builtin::Map),
            // A slice has its two ends in one list there.
            "daggerml:get" if !matches!(key, Some(Value::List(_))) => Some(Builtin::Get),
            "daggerml:contains" => Some(Builtin::Contains),
            "daggerml:assoc" => Some(Builtin::Assoc),
            "daggerml:conj" => Some(Builtin::Conj),
            _ => None,
        })
    }

    // DAGs and commits

    fn dag(&mut self, name: &str, object: &Packed) -> Result<Made> {
        let source = self.source;
        let broken = |detail: String| source.broken(name, &detail);
        let fields = |field: &'static str| object.field(field).map_err(broken);
        let mut wanted = Vec::new();
        for each in fields("nodes")?.list().map_err(broken)? {
            wanted.push(self.node(name, each)?.0);
        }
        let nodes = self.ordered(&wanted)?;
        let places: HashMap<NodeId, u32> = nodes.iter().copied().zip(0..).collect();
        let place = |node: NodeId| {
            let place = places.get(&node).copied();
            place.ok_or_else(|| broken("it names a node that it does not hold".to_owned()))
        };
        let mut names = BTreeMap::new();
        for (key, node) in fields("names")?.map().map_err(broken)? {
            names.insert(Name::new(key)?, place(self.node(name, node)?.0)?);
        }
        let mut tags = BTreeSet::new();
        for tag in fields("tags")?.list().map_err(broken)? {
            tags.insert(Name::new(tag.text().map_err(broken)?)?);
        }
        let argv = match fields("argv")? {
            Packed::Null => None,
            argv => Some(place(self.node(name, argv)?.0)?),
        };
        let outcome = match (fields("result")?, fields("error")?) {
            (Packed::Null, Packed::Ref(error)) => match self.made.get(error) {
                Some(Made::Error(error)) => Outcome::Error(error.clone()),
                _ => return Err(broken(format!("{error} is no error"))),
            },
            (Packed::Null, _) => return Err(broken("it was not ended".to_owned())),
            (result, _) => Outcome::Result(place(self.node(name, result)?.0)?),
        };
        let dag = self.txn.save(&Dag {
            nodes,
            names,
            argv,
            outcome,
            tags,
        })?;
        self.dags.insert(dag);
        Ok(Made::Dag(dag))
    }

    /// Returns the nodes with those that they were made from, each after what it was made from.
    fn ordered(&self, wanted: &[NodeId]) -> Result<Vec<NodeId>> {
        let mut found = Vec::new();
        let mut done: HashSet<NodeId> = HashSet::new();
        for node in wanted {
            let mut todo = vec![*node];
            while let Some(node) = todo.last().copied() {
                if done.contains(&node) {
                    todo.pop();
                    continue;
                }
                let record = self.txn.load::<_, Node>(node)?;
                let before = record.args().iter().copied();
                let missing: Vec<_> = before.filter(|arg| !done.contains(arg)).collect();
                if missing.is_empty() {
                    done.insert(node);
                    found.push(node);
                } else {
                    todo.extend(missing);
                }
            }
        }
        Ok(found)
    }

    fn tree(&mut self, name: &str, object: &Packed) -> Result<Made> {
        let source = self.source;
        let broken = |detail: String| source.broken(name, &detail);
        let mut entries = BTreeMap::new();
        let dags = object.field("dags").and_then(Packed::map).map_err(broken)?;
        for (key, dag) in dags {
            let reference = dag.reference().map_err(broken)?;
            let Some(Made::Dag(dag)) = self.made.get(reference) else {
                return Err(broken(format!("{reference} is no DAG")));
            };
            entries.insert(Name::new(key)?, Some(*dag));
        }
        Ok(Made::Tree(tree::update(self.txn, None, &entries)?))
    }

    fn save_commit(&mut self, name: &str, object: &Packed) -> Result<Made> {
        let source = self.source;
        let broken = |detail: String| source.broken(name, &detail);
        let text = |field| {
            let found = object.field(field).and_then(Packed::text);
            found.map(str::to_owned).map_err(broken)
        };
        let tree = object.field("tree").and_then(Packed::reference);
        let Some(Made::Tree(tree)) = self.made.get(tree.map_err(broken)?) else {
            return Err(broken("its tree is none".to_owned()));
        };
        let mut parents = Vec::new();
        let before = object.field("parents").and_then(Packed::list);
        for parent in before.map_err(broken)? {
            match self.made.get(parent.reference().map_err(broken)?) {
                Some(Made::Commit(parent)) => parents.push(*parent),
                None => {} // beyond what a shallow clone has
                Some(_) => return Err(broken("its parent is no commit".to_owned())),
            }
        }
        let created = text("created")?;
        let mut time =
            time::parse(&created).ok_or_else(|| broken(format!("{created:?} is no time")))?;
        for parent in &parents {
            // As in all histories: later than what it follows.
            let before = self.txn.load::<_, Commit>(*parent)?.time;
            time = time.max(Time(before.0.saturating_add(1)));
        }
        let commit = self.txn.save(&Commit {
            tree: *tree,
            parents,
            author: text("author")?,
            message: text("message")?,
            time,
        })?;
        self.commits.insert(commit);
        Ok(Made::Commit(commit))
    }
}
