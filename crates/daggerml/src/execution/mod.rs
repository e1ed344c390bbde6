//! Execution: calls are run by adapters, once for each key, and their results cached.
//!
//! Specified in `docs/spec/execution.md`. The way of a call: it is prepared in its
//! DAG ([`Call`]), looked up ([`cache`]), claimed ([`claim`]), given to an adapter
//! process as a bundle, and the bundle that comes back is integrated.
//!
//! | file | holds |
//! |---|---|
//! | `call`, `cache`, `claim` | what is called; what came of it; who runs it |
//! | `owner`, `lease` | how the owner of a claim shows that it lives |
//! | `registry` | which adapters there are |
//! | `protocol` | requests and answers |
//! | `process`, `group`, `log`, `spawner`, `pool` | adapter processes |
//! | `executor`, `acquire`, `attempt`, `run`, `ask` | running a call |
//! | `flight` | callers in one process share a run |
//! | `control`, `options`, `backoff` | when to stop, what to tell, how long to wait |
//! | `integrate`, `nested` | taking the result in, and those of calls within |
//! | `batch` | many calls at once |
//! | `serve`, `guard` | the other side: what adapters need |
//! | `report` | what is running, and what was run |
//! | `called`, `explain`, `differences`, `code_diff` | what was called, and why a call is run again |

mod acquire;
mod ask;
mod attempt;
mod backoff;
mod batch;
pub mod cache;
mod call;
mod called;
pub mod claim;
mod code_diff;
mod control;
mod differences;
mod executor;
mod explain;
mod flight;
mod group;
mod guard;
mod integrate;
mod lease;
mod log;
mod nested;
mod options;
mod owner;
mod pool;
mod process;
pub mod protocol;
mod registry;
mod report;
mod run;
mod serve;
mod spawner;

pub use call::{Call, Work, datum_id};
pub use called::name_of;
pub use differences::Difference;
pub use executor::{Executor, ExecutorOptions};
pub use explain::{Explanation, MOST_COMPARED, Nearest, Verdict};
pub use guard::guard_stdin;
pub use options::{CallOptions, CancelToken, Event, Observer, Progress};
pub use registry::{AdapterCommand, AdapterName, AdapterRegistry, LOCAL};
pub use report::{Attempt, CallState, Filter};
