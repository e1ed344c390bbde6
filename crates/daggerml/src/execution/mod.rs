//! Execution: calls are run by adapters, once for each key, and their results cached.
//!
//! Specified in `docs/spec/execution.md`. The way of a call: the executor looks it up in
//! the [`cache`]; if it is not there, it gets the call's [`claim`], gives the call to an
//! adapter process as a bundle, and takes in the bundle that comes back.
//!
//! A module uses modules above it in this table, and never one below it.
//!
//! | module | holds |
//! |---|---|
//! | `options` | how a call is to be run, and what is told of it meanwhile |
//! | `bounded` | bundles of bounded size |
//! | `call` | what is called with what |
//! | [`cache`] | what came of a call |
//! | `called` | what was called, by name |
//! | `nested` | the calls that a call made in turn |
//! | [`claim`] | who runs a call |
//! | `live_log` | the log of a run while it runs |
//! | [`adapter`] | the programs that run calls |
//! | `run` | the executor |
//! | `report` | what is running, what was run, and why a call is run again |
//! | `serve` | the other side: what adapters need |

pub mod adapter;
mod bounded;
pub mod cache;
mod call;
mod called;
pub mod claim;
mod live_log;
mod nested;
mod options;
mod report;
mod run;
mod serve;

pub use adapter::protocol;
pub use adapter::registry::{AdapterCommand, AdapterName, AdapterRegistry, LOCAL};
pub use call::datum_id;
pub use called::name_of;
pub use options::{CallOptions, CancelToken, Event, Observer, Progress};
pub use report::differences::Difference;
pub use report::explain::{Explanation, MOST_COMPARED, Nearest, Verdict};
pub use report::log_part::{LogPart, LogPosition};
pub use report::{Attempt, CallState, Filter};
pub use run::executor::{Executor, ExecutorOptions, Prepared};
pub use serve::guard::guard_stdin;
pub use serve::requests::{NextLine, Requests};
