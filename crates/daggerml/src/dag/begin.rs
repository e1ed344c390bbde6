//! How a draft begins: new, for a call, or resumed.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexSet;

use super::chunk::Chunk;
use super::draft::Draft;
use super::recent::Recent;
use super::saved::{self, DraftInfo, ReadDrafts, Session};
use super::settle::Unsettled;
use super::stage::{Stage, encode};
use crate::error::{Error, Result};
use crate::id::{DraftId, TypedId};
use crate::name::Name;
use crate::record::{Datum, Node, Time};
use crate::repo::Repository;
use crate::value::Value;

impl Draft {
    pub(crate) fn begin(repository: Repository, name: Name, message: &str) -> Result<Self> {
        let now = Time::now();
        let info = DraftInfo {
            id: saved::new_id()?,
            name,
            message: message.to_owned(),
            call: false,
            frozen: false,
            note: String::new(),
            nodes: 0,
            created: now,
            flushed: now,
        };
        Ok(Self::empty(repository, info, Session::random()?))
    }

    /// Begins the DAG of a call, which holds its arguments as its first node.
    pub(crate) fn begin_call(repository: Repository, name: Name, argv: Vec<Value>) -> Result<Self> {
        let mut dag = Self::begin(repository, name, "")?;
        dag.info.call = true;
        let datum = encode(&Datum { value: argv.into() })?;
        let node = Node::Argv {
            datum: TypedId::from_object(datum.0),
        };
        let node = dag.add(&node, Some(datum))?;
        let position = dag.position(node)?;
        dag.argv = Some(position);
        dag.stage.changes.argv = Some(position);
        Ok(dag)
    }

    /// Continues the draft `id`; older handles of it can no longer change it.
    pub(crate) fn resume(repository: &Repository, id: DraftId) -> Result<Self> {
        let session = Session::random()?;
        repository.store().write(|txn| {
            let mut header = txn.header(id)?.ok_or_else(|| Error::NotFound {
                what: "draft",
                name: id.to_string(),
                place: repository.root().display().to_string(),
            })?;
            header.session = session;
            saved::save(txn, &header)?;
            let mut dag = Self::empty(repository.clone(), header.info, session);
            for sequence in 0..header.chunks {
                let chunk = Chunk::decode(txn.chunk(id, sequence)?)
                    .map_err(|fault| Error::DraftInvalid { id, fault })?;
                dag.nodes.extend(chunk.nodes.iter().map(|(node, _)| *node));
                dag.names.extend(chunk.changes.names);
                dag.tags.extend(chunk.changes.tags);
                dag.argv = chunk.changes.argv.or(dag.argv);
                if sequence < header.settled {
                    dag.unsettled = Unsettled::new(sequence + 1, dag.nodes.len());
                } else {
                    let places: Vec<_> = chunk.nodes.iter().map(|(_, place)| *place).collect();
                    dag.unsettled.append(sequence, &places);
                }
            }
            dag.stage.chunks = Some(header.chunks);
            Ok(dag)
        })
    }

    fn empty(repository: Repository, info: DraftInfo, session: Session) -> Self {
        Self {
            repository,
            info,
            nodes: IndexSet::default(),
            names: BTreeMap::new(),
            tags: BTreeSet::new(),
            argv: None,
            unsettled: Unsettled::default(),
            stage: Stage::new(session),
            ended: None,
            source: None,
            recent: Recent::default(),
            kept: None,
        }
    }
}
