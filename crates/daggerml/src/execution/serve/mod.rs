//! The other side: what an adapter needs to take a call and hand its result back.

pub(crate) mod guard;
pub(crate) mod requests;

use crate::dag::{Draft, Kept};
use crate::error::{Error, Result};
use crate::id::{DagId, NodeId};
use crate::record::ErrorInfo;
use crate::repo::Repository;
use crate::transfer::{Limits, create_without, data};
use crate::value::{Runnable, Value};

use crate::execution::{bounded, nested};

impl Repository {
    /// Begins the DAG of the call in a bundle, which holds the arguments; and the
    /// runnable. Nothing is written but the blobs that are in the bundle. It ends with
    /// [`Draft::end_as_bundle`].
    pub fn take_call(&self, name: &str, bundle: &[u8]) -> Result<(Draft, Runnable)> {
        let mut kept = None;
        let values = data(
            self.store(),
            &mut &*bundle,
            &Limits::default(),
            &mut |parts| {
                let kept = match &mut kept {
                    Some(kept) => kept,
                    none => none.insert(Kept::begin(self.store())?),
                };
                kept.write(self.store(), &[parts], &[]).map(drop)
            },
        );
        let mut values = values?.into_iter();
        let Some(Value::Runnable(runnable)) = values.next() else {
            return Err(Error::Invalid {
                message: "a call's bundle begins with a runnable".to_owned(),
            }
            .into());
        };
        let mut dag = self.begin_call(name, values.collect())?;
        dag.keep(kept);
        Ok((dag, *runnable))
    }
}

impl Draft {
    /// Ends the DAG of a call; its bundle and id.
    ///
    /// A `partial` bundle is for a caller that has this repository too: it leaves out what the
    /// store has, and the exec records of nested calls.
    pub fn end_as_bundle(
        &mut self,
        outcome: Result<NodeId, ErrorInfo>,
        partial: bool,
    ) -> Result<(Vec<u8>, DagId)> {
        let execs = if partial {
            Vec::new()
        } else {
            let nodes: Vec<_> = self.nodes().collect();
            nested::execs(&self.repository().snapshot()?, &self.objects()?, nodes)?
        };
        let mut bundle = Vec::new();
        let dag = self.end_packed(outcome, |objects, dag| {
            let mut roots = vec![dag.into()];
            roots.extend(execs);
            let elsewhere = |id| partial && !objects.is_staged(id);
            bundle = bounded::bundle("the result", |output| {
                create_without(objects, &roots, &elsewhere, output).map(drop)
            })?;
            Ok(())
        })?;
        Ok((bundle, dag))
    }
}
