//! The executor: runs the calls of one repository.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::backoff::Budget;
use super::flight::Flights;
use super::shared::Shared;
use super::together::Together;
use crate::dag::Draft;
use crate::error::{Error, Result};
use crate::execution::adapter::pool::Pool;
use crate::execution::adapter::registry::{AdapterName, AdapterRegistry};
use crate::execution::cache;
use crate::execution::call::Work;
use crate::execution::claim::lease::Lease;
use crate::execution::claim::owner::Owner;
use crate::execution::live_log;
use crate::execution::options::{CallOptions, Event, Observer, Progress};
use crate::id::{DagId, NodeId};
use crate::record::CallKey;
use crate::repo::Repository;
use crate::store::WriteTxn;

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

/// A call that was looked up, and can be run without its DAG.
#[derive(Clone, Debug)]
pub struct Prepared {
    nodes: Vec<NodeId>,
    key: CallKey,
    pub(crate) step: NextStep,
}

/// What is left to do for a call that was looked up.
#[derive(Clone, Debug)]
pub(crate) enum NextStep {
    /// Nothing: this DAG answers it.
    Answer(DagId),
    /// To run it.
    Run(Arc<Work>),
}

impl Prepared {
    /// Returns the nodes of the runnable and of the arguments.
    pub fn nodes(&self) -> &[NodeId] {
        &self.nodes
    }

    /// Returns the event that says that the call, number `item` of those asked for
    /// together, is answered from the cache.
    pub(crate) fn answered(&self, item: usize) -> Event {
        Event {
            item,
            key: self.key,
            attempt: 0,
            progress: Progress::Cached,
        }
    }
}

/// Runs the calls of one repository; cheap to clone.
///
/// It can be used by many threads at once. When the last clone is dropped, the
/// adapters that it kept warm end.
#[derive(Clone)]
pub struct Executor {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub repository: Repository,
    pub options: ExecutorOptions,
    pub budget: Budget,
    pub flights: Flights,
    pub lease: Lease,
    /// The call that was looked up last.
    last: Mutex<Option<Arc<Work>>>,
    /// For what one of many calls writes.
    pub together: Together,
    adapters: AdapterRegistry,
    pools: Mutex<BTreeMap<AdapterName, Arc<Pool>>>,
    owner: Mutex<Option<Arc<Owner>>>,
    /// The remotes that results are shared with; opened before the first call is run.
    pub shared: Mutex<Option<Arc<Shared>>>,
}

impl Executor {
    /// Makes an executor for `repository` that knows `adapters`.
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
                last: Mutex::default(),
                together: Together::default(),
                adapters,
                pools: Mutex::default(),
                owner: Mutex::default(),
                shared: Mutex::default(),
            }),
        }
    }

    /// Returns the repository.
    pub fn repository(&self) -> &Repository {
        &self.inner.repository
    }

    /// Returns the adapters.
    pub fn adapters(&self) -> &AdapterRegistry {
        &self.inner.adapters
    }

    /// Calls the runnable in the first of `nodes` with the others as arguments, and records
    /// the call in `dag`. Returns the call's node, which has no value when the function
    /// failed.
    ///
    /// It is [`prepare`](Self::prepare), [`run`](Self::run) and [`Draft::record_call`],
    /// which whoever must not hold the DAG while the call runs can use one by one.
    pub fn call(
        &self,
        dag: &mut Draft,
        nodes: &[NodeId],
        options: &CallOptions,
        observer: &dyn Observer,
    ) -> Result<NodeId> {
        let prepared = self.prepare(dag, nodes, options)?;
        let made = self.run(&prepared, options, observer)?;
        dag.record_call(prepared.nodes(), made)
    }

    /// Looks up the call of the runnable in the first of `nodes` with the others as
    /// arguments. Nothing is run or written.
    pub fn prepare(
        &self,
        dag: &Draft,
        nodes: &[NodeId],
        options: &CallOptions,
    ) -> Result<Prepared> {
        let call = dag.prepare_call(nodes)?;
        let entry = if options.cache {
            cache::lookup(&self.repository().snapshot()?, call.key)?
        } else {
            None
        };
        let step = if let Some((_, dag)) = entry.and_then(|entry| entry.answer) {
            NextStep::Answer(dag)
        } else {
            // The calls of a map are of one runnable.
            let mut last = lock(&self.inner.last);
            let work = Arc::new(dag.load_call(&call, last.as_deref())?);
            *last = Some(Arc::clone(&work));
            NextStep::Run(work)
        };
        Ok(Prepared {
            nodes: call.nodes,
            key: call.key,
            step,
        })
    }

    /// Returns the DAG of a call: the one found when it was prepared, or the one that it
    /// makes when it is run here or by somebody else.
    pub fn run(
        &self,
        prepared: &Prepared,
        options: &CallOptions,
        observer: &dyn Observer,
    ) -> Result<DagId> {
        match &prepared.step {
            NextStep::Answer(dag) => {
                observer.event(&prepared.answered(0));
                Ok(*dag)
            }
            NextStep::Run(work) => self.run_item(0, work, options, observer),
        }
    }

    /// Returns the processes of the adapter named `name`.
    pub(crate) fn pool(&self, name: &str) -> Result<(AdapterName, Arc<Pool>)> {
        let (name, command) = self.inner.adapters.find(name)?;
        let mut pools = lock(&self.inner.pools);
        let pool = pools
            .entry(name.clone())
            .or_insert_with(|| Arc::new(Pool::new(command.clone())));
        Ok((name.clone(), Arc::clone(pool)))
    }

    /// Returns this executor as the owner of claims; made when it is first needed.
    pub(crate) fn owner(&self) -> Result<Arc<Owner>> {
        let mut owner = lock(&self.inner.owner);
        if let Some(owner) = &*owner {
            return Ok(Arc::clone(owner));
        }
        let store = self.repository().store();
        let made = Arc::new(Owner::new(store.folder())?);
        // What is left stays for the next executor.
        let _ = live_log::sweep(store);
        *owner = Some(Arc::clone(&made));
        Ok(made)
    }

    /// Writes into the store, in one transaction with other calls that write meanwhile.
    pub(crate) fn write<T: Send + 'static>(
        &self,
        change: impl FnMut(&mut WriteTxn<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.inner.together.write(self.repository().store(), change)
    }

    /// Renews the claim of `key` from now on.
    pub(crate) fn hold(&self, key: CallKey) -> Result<()> {
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
            .map_err(|source| {
                Error::Io {
                    action: "start a thread for",
                    path: store.path().to_owned(),
                    source,
                }
                .into()
            })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
