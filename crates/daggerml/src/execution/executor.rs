//! The executor: runs the calls of one repository.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::backoff::Budget;
use super::flight::Flights;
use super::lease::Lease;
use super::owner::Owner;
use super::pool::Pool;
use super::registry::{AdapterName, AdapterRegistry};
use super::{CallOptions, Observer, Work, cache};
use crate::dag::OpenDag;
use crate::error::{Error, Result};
use crate::id::{DagId, NodeId};
use crate::repo::Repository;
use crate::store::Snapshot;

/// How an executor works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecutorOptions {
    /// How long a claim outlives the last sign of its owner, if that does not die.
    pub lease: Duration,
}

impl Default for ExecutorOptions {
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(30),
        }
    }
}

/// Runs the calls of one repository; cheap to clone.
///
/// It can be used by many threads at once. When the last clone is dropped, the
/// adapters that it kept warm end.
#[derive(Clone)]
pub struct Executor {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub repository: Repository,
    pub options: ExecutorOptions,
    pub budget: Budget,
    pub flights: Flights,
    pub lease: Lease,
    adapters: AdapterRegistry,
    pools: Mutex<BTreeMap<AdapterName, Arc<Pool>>>,
    owner: Mutex<Option<Arc<Owner>>>,
}

impl Executor {
    /// An executor for `repository` that knows `adapters`.
    pub fn new(
        repository: Repository,
        adapters: AdapterRegistry,
        options: ExecutorOptions,
    ) -> Self {
        Self {
            inner: Arc::new(Inner {
                repository,
                options,
                budget: Budget::new(),
                flights: Flights::default(),
                lease: Lease::new(),
                adapters,
                pools: Mutex::default(),
                owner: Mutex::default(),
            }),
        }
    }

    /// The repository.
    pub fn repository(&self) -> &Repository {
        &self.inner.repository
    }

    /// The adapters.
    pub fn adapters(&self) -> &AdapterRegistry {
        &self.inner.adapters
    }

    /// Calls the runnable in `nodes`' first with the others as arguments, and records
    /// the call in `dag`. A function that fails is a node too, without a value.
    pub fn call(
        &self,
        dag: &mut OpenDag,
        nodes: &[NodeId],
        options: &CallOptions,
        observer: &dyn Observer,
    ) -> Result<NodeId> {
        let call = dag.prepare_call(nodes)?;
        let cached = if options.cache {
            self.cached(&self.repository().snapshot()?, &call)?
        } else {
            None
        };
        let made = match cached {
            Some(made) => made,
            None => self.run(&dag.load_call(&call)?, options, observer)?,
        };
        dag.record_call(nodes, made)
    }

    /// The DAG of a call that is cached.
    pub fn cached(&self, snapshot: &Snapshot, call: &super::Call) -> Result<Option<DagId>> {
        let entry = cache::lookup(snapshot, call.key)?;
        Ok(entry.and_then(|entry| entry.answer).map(|(_, dag)| dag))
    }

    /// Runs a call, unless it is cached or run by somebody else; the DAG it made.
    pub fn run(
        &self,
        work: &Work,
        options: &CallOptions,
        observer: &dyn Observer,
    ) -> Result<DagId> {
        self.run_item(0, work, options, observer)
    }

    /// The processes of the adapter named `name`.
    pub(super) fn pool(&self, name: &str) -> Result<(AdapterName, Arc<Pool>)> {
        let (name, command) = self.inner.adapters.find(name)?;
        let mut pools = lock(&self.inner.pools);
        let pool = pools
            .entry(name.clone())
            .or_insert_with(|| Arc::new(Pool::new(command.clone())));
        Ok((name.clone(), Arc::clone(pool)))
    }

    /// This executor as the owner of claims; made when it is first needed.
    pub(super) fn owner(&self) -> Result<Arc<Owner>> {
        let mut owner = lock(&self.inner.owner);
        if let Some(owner) = &*owner {
            return Ok(Arc::clone(owner));
        }
        let made = Arc::new(Owner::new(self.repository().store().folder())?);
        *owner = Some(Arc::clone(&made));
        Ok(made)
    }

    /// Renews the claim of `key` from now on.
    pub(super) fn hold(&self, key: crate::record::CallKey) -> Result<()> {
        let inner = Arc::downgrade(&self.inner);
        let tidy = move || {
            if let Some(inner) = inner.upgrade() {
                lock(&inner.pools).values().for_each(|pool| pool.tidy());
            }
        };
        let owner = self.owner()?;
        let every = self.inner.options.lease / 3;
        let store = self.repository().store();
        self.inner
            .lease
            .hold(key, store, &owner.id, every, Box::new(tidy))
            .map_err(|source| Error::Io {
                action: "start a thread for",
                path: store.path().to_owned(),
                source,
            })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
