//! History: commits and what is done with them.
//!
//! | file | holds |
//! |---|---|
//! | `log` | commits, newest first |
//! | `diff` | what differs between commits, and within a DAG |
//! | `value_diff` | what differs between values |
//! | `three_way` | two sides' changes to the names, put together |
//! | `merge` | joining another line of history |
//! | `merge_state` | a merge that waits for choices |
//! | `rebase`, `revert` | commits made anew, or undone |

mod diff;
mod log;
mod merge;
mod merge_state;
mod rebase;
mod revert;
mod three_way;
mod value_diff;

pub use diff::{DagChange, DagDiff, NodeChange};
pub use log::{History, HistoryEntry, HistoryOptions};
pub use merge::{FastForward, Merge, MergeOptions};
pub use merge_state::{Choice, MergeConflict, MergeState};
pub use rebase::{Rebase, RebaseOptions};
pub use revert::RevertOptions;
pub use three_way::{Conflict, Favor};
pub use value_diff::{PathStep, ValueChange, value_diff};
