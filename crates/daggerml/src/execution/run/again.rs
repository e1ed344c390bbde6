//! Running a call again of which only the key is known.

use std::sync::Arc;

use super::executor::Executor;
use crate::error::{Error, Result};
use crate::execution::call::{Call, Work, load};
use crate::execution::called;
use crate::execution::options::{CallOptions, Observer};
use crate::id::{DagId, DatumId, TypedId};
use crate::record::CallKey;
use crate::store::{ReadObjects, Snapshot};

impl Executor {
    /// Runs the call `key` again, though it may be cached, and returns the DAG that it makes.
    ///
    /// What was called is noted under the key. Its arguments are looked for among the objects
    /// of the repository, and may have been collected: then it can only be made by the program
    /// that made it before.
    pub fn run_again(&self, key: CallKey, observer: &dyn Observer) -> Result<DagId> {
        let options = CallOptions {
            cache: false,
            ..CallOptions::default()
        };
        let work = Arc::new(self.work_of(key)?);
        self.run_item(0, &work, &options, observer)
    }

    fn work_of(&self, key: CallKey) -> Result<Work> {
        let snapshot = self.repository().snapshot()?;
        let unknown = |message: &str| Error::Invalid {
            message: format!("the call {key} cannot be run again by its key: {message}"),
        };
        let Some(called) = called::find(&snapshot, key)? else {
            let message = "what was called was not noted; run the program that makes it";
            return Err(unknown(message).into());
        };
        let mut args = Vec::with_capacity(called.args.len());
        for (at, print) in called.args.iter().enumerate() {
            let Some(id) = object_of(&snapshot, print)? else {
                let message = format!(
                    "its argument {} was collected; run the program that makes it",
                    at + 1
                );
                return Err(unknown(&message).into());
            };
            args.push(id);
        }
        if CallKey::new(called.runnable, &args) != key {
            return Err(unknown("what is noted of it is of another call").into());
        }
        let call = Call {
            nodes: Vec::new(),
            key,
            runnable: called.runnable,
            args,
        };
        load(&call, None, &mut |_, id| {
            Ok(snapshot.object(id.object(), DatumId::KIND)?.into())
        })
    }
}

/// Returns the object whose id begins with these bytes.
fn object_of(snapshot: &Snapshot, print: &[u8]) -> Result<Option<DatumId>> {
    let first = snapshot.objects(print)?.next().transpose()?;
    Ok(first.map(|(id, _)| DatumId::from_object(id)))
}
