//! Adapters: the programs that run calls, as processes of this one.
//!
//! | file | holds |
//! |---|---|
//! | `registry` | which adapters there are, and what programs they are |
//! | `protocol` | requests and answers |
//! | `process` | one process: a request in, an answer out |
//! | `pool` | the processes of one adapter |
//! | `ask` | the adapter as one call sees it |

pub(crate) mod ask;
pub(crate) mod pool;
pub(crate) mod process;
pub mod protocol;
pub(crate) mod registry;
