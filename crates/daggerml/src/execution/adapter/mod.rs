//! Adapters: the programs that run calls, as processes of this one.
//!
//! | file | holds |
//! |---|---|
//! | `registry` | which adapters there are, and what programs they are |
//! | `protocol` | requests and answers |
//! | `group` | a process with all that it starts |
//! | `adapter_log` | what a process writes to standard error |
//! | `spawner` | the thread that starts processes and sees them end |
//! | `process` | one process: a request in, an answer out |
//! | `pool` | the processes of one adapter |
//! | `ask` | the adapter as one call sees it |

pub(crate) mod adapter_log;
pub(crate) mod ask;
mod group;
pub(crate) mod pool;
pub(crate) mod process;
pub mod protocol;
pub(crate) mod registry;
mod spawner;
