//! Looks the parts of a revision up.

use super::parse::{Revision, Step};
use super::{Resolved, prefix};
use crate::error::{Error, Result};
use crate::id::{CommitId, DagId, TreeId};
use crate::name::Name;
use crate::record::{Commit, Dag, Kind, Node};
use crate::repo::branches::{HEADS, REMOTES, TAGS, UPSTREAM};
use crate::repo::refs::{HEAD, ReadRefs, Target, without_refs};
use crate::repo::{Repository, tree};
use crate::store::{ReadObjects, Snapshot};
use crate::suggest;

/// Returns what `revision`, written `text`, stands for.
pub(super) fn resolve(
    repository: &Repository,
    snapshot: &Snapshot,
    text: &str,
    revision: &Revision<'_>,
) -> Result<Resolved> {
    let place = repository.root().display().to_string();
    let mut at = base(snapshot, &place, revision.base)?;
    for step in &revision.steps {
        at = match *step {
            Step::Back(count) => back(snapshot, text, commit(text, at)?, count)?,
            Step::Parent(number) => parent(snapshot, text, commit(text, at)?, number)?,
            Step::Peel(kind) => peel(snapshot, text, at, kind)?,
        };
    }
    let Some(path) = revision.path else {
        return Ok(at);
    };
    match at {
        Resolved::Dag(dag) => node(snapshot, dag, path),
        other => match peel(snapshot, text, other, Kind::Tree)? {
            Resolved::Tree(root) => in_tree(snapshot, root, path)?.map_or_else(
                || Err(dag_not_found(snapshot, root, path, revision.base)),
                Ok,
            ),
            other => Err(super::wrong_kind(text, other, Kind::Tree)),
        },
    }
}

fn base(snapshot: &Snapshot, place: &str, text: &str) -> Result<Resolved> {
    if text == HEAD {
        return match snapshot.head()? {
            Some(commit) => Ok(Resolved::Commit(commit)),
            None => Err(Error::NotFound {
                what: "commit",
                name: HEAD.to_owned(),
                place: format!("{place}: nothing is committed yet"),
            }
            .into()),
        };
    }
    let text = without_refs(text);
    let tag = text.strip_prefix('@');
    let full_names = match tag {
        Some(tag) => vec![format!("{TAGS}{tag}")],
        None if [HEADS, TAGS, REMOTES]
            .iter()
            .any(|space| text.starts_with(space)) =>
        {
            vec![
                text.to_owned(),
                format!("{HEADS}{text}"),
                format!("{TAGS}{text}"),
            ]
        }
        None => [HEADS, TAGS, REMOTES]
            .iter()
            .map(|space| format!("{space}{text}"))
            .collect(),
    };
    let mut found = Vec::new();
    for full_name in full_names {
        // Names are in normal form C; what was typed may not be.
        let full_name = Name::new(&full_name).map_or(full_name, |name| name.to_string());
        if full_name.len() <= 500
            && let Some(Target::Commit(commit)) = snapshot.target(&full_name)?
        {
            found.push((full_name, commit));
        }
    }
    match found.as_slice() {
        [(_, commit)] => return Ok(Resolved::Commit(*commit)),
        [(first, commit), ..] if first == text => return Ok(Resolved::Commit(*commit)),
        [] => {}
        several => {
            return Err(Error::AmbiguousRevision {
                text: text.to_owned(),
                candidates: several.iter().map(|(name, _)| name.clone()).collect(),
            }
            .into());
        }
    }
    if tag.is_none()
        && let Some(found) = prefix::find(snapshot, text)?
    {
        return Ok(found);
    }
    Err(not_found(snapshot, place, text, tag)?)
}

fn not_found(
    snapshot: &Snapshot,
    place: &str,
    text: &str,
    tag: Option<&str>,
) -> Result<Box<Error>> {
    let names = snapshot.ref_names(if tag.is_some() { TAGS } else { "" })?;
    let short = names
        .iter()
        .filter(|name| !name.starts_with(UPSTREAM))
        .filter_map(|name| Some(name.split_once('/')?.1))
        .chain(tag.is_none().then_some(HEAD));
    let mut similar = suggest::nearest(tag.unwrap_or(text), short);
    if tag.is_some() {
        similar.iter_mut().for_each(|name| name.insert(0, '@'));
    } else if in_head(snapshot, text)?.is_some() {
        similar.insert(0, format!("HEAD:{text}"));
    }
    Ok(Error::NotFoundNear {
        what: if tag.is_some() { "tag" } else { "revision" },
        name: text.to_owned(),
        place: place.to_owned(),
        similar,
    }
    .into())
}

fn commit(text: &str, at: Resolved) -> Result<CommitId> {
    match at {
        Resolved::Commit(id) => Ok(id),
        other => Err(super::wrong_kind(text, other, Kind::Commit)),
    }
}

fn back(snapshot: &Snapshot, text: &str, from: CommitId, count: u32) -> Result<Resolved> {
    let mut at = from;
    for done in 0..count {
        at = *snapshot
            .load::<_, Commit>(at)?
            .parents
            .first()
            .ok_or_else(|| no_commit(text, &format!("the history before it has {done} commits")))?;
    }
    Ok(Resolved::Commit(at))
}

fn parent(snapshot: &Snapshot, text: &str, of: CommitId, number: u32) -> Result<Resolved> {
    if number == 0 {
        return Ok(Resolved::Commit(of));
    }
    let parents = snapshot.load::<_, Commit>(of)?.parents;
    usize::try_from(number - 1)
        .ok()
        .and_then(|at| parents.get(at))
        .map(|parent| Resolved::Commit(*parent))
        .ok_or_else(|| no_commit(text, &format!("the commit has {} parents", parents.len())))
}

fn no_commit(text: &str, why: &str) -> Box<Error> {
    Error::NotFound {
        what: "revision",
        name: text.to_owned(),
        place: format!("the history: {why}"),
    }
    .into()
}

/// Returns what `at` is or holds of `kind`: a commit's tree, a DAG's result, a node's datum.
pub(super) fn peel(snapshot: &Snapshot, text: &str, at: Resolved, kind: Kind) -> Result<Resolved> {
    if at.kind() == kind {
        return Ok(at);
    }
    match (at, kind) {
        (Resolved::Commit(id), Kind::Tree) => {
            Ok(Resolved::Tree(snapshot.load::<_, Commit>(id)?.tree))
        }
        (Resolved::Node { node, .. }, Kind::Datum) => {
            let datum = snapshot.load::<_, Node>(node)?.datum();
            datum
                .map(Resolved::Datum)
                .ok_or_else(|| super::wrong_kind(text, at, kind))
        }
        _ => Err(super::wrong_kind(text, at, kind)),
    }
}

/// Returns the DAG or node that `path` names in what is checked out.
pub(super) fn in_head(snapshot: &Snapshot, path: &str) -> Result<Option<Resolved>> {
    match snapshot.head()? {
        Some(head) => in_tree(snapshot, snapshot.load::<_, Commit>(head)?.tree, path),
        None => Ok(None),
    }
}

/// Returns the DAG named `path`; else the node named by what follows a slash in it, in
/// the DAG named by what comes before, of the longest such name.
fn in_tree(snapshot: &Snapshot, root: TreeId, path: &str) -> Result<Option<Resolved>> {
    let dag = |text: &str| match Name::new(text) {
        Ok(name) => tree::lookup(snapshot, root, &name),
        Err(_) => Ok(None),
    };
    if let Some(dag) = dag(path)? {
        return Ok(Some(Resolved::Dag(dag)));
    }
    for (at, _) in path.rmatch_indices('/') {
        let (name, rest) = path.split_at(at);
        if let Some(dag) = dag(name)? {
            let inner = rest.strip_prefix('/').unwrap_or(rest);
            return match node(snapshot, dag, inner) {
                // The whole path may have been meant as the name of a DAG.
                Err(mut error) => {
                    if let Error::NotFoundNear { similar, .. } = &mut *error {
                        similar.extend(similar_dags(snapshot, root, path));
                    }
                    Err(error)
                }
                Ok(found) => Ok(Some(found)),
            };
        }
    }
    Ok(None)
}

fn node(snapshot: &Snapshot, dag: DagId, text: &str) -> Result<Resolved> {
    let record: Dag = snapshot.load(dag)?;
    let name = Name::new(text)?;
    match record.named(name.as_str()) {
        Some(node) => Ok(Resolved::Node {
            dag: Some(dag),
            node,
        }),
        None => Err(Error::NotFoundNear {
            what: "node",
            name: name.to_string(),
            place: format!("DAG {dag}"),
            similar: suggest::nearest(text, record.names.keys()),
        }
        .into()),
    }
}

fn dag_not_found(snapshot: &Snapshot, root: TreeId, path: &str, place: &str) -> Box<Error> {
    Error::NotFoundNear {
        what: "dag",
        name: path.to_owned(),
        place: place.to_owned(),
        similar: similar_dags(snapshot, root, path),
    }
    .into()
}

/// Returns the names of DAGs in the tree `root` most like `name`.
pub(crate) fn similar_dags(objects: &impl ReadObjects, root: TreeId, name: &str) -> Vec<String> {
    // An error on the way must not replace the error that this suggestion is for.
    tree::list(objects, root)
        .map_or_else(|_| Vec::new(), |dags| suggest::nearest(name, dags.keys()))
}
