//! DAGs: open ones that grow, and finished ones to read.
//!
//! | file | holds |
//! |---|---|
//! | `begin` | how they begin, and are resumed |
//! | `open` | [`OpenDag`]: nodes are put, named, imported |
//! | `stage` | its objects that are not in the store yet, and flushing them |
//! | `chunk` | what a flush appends to the log of an open DAG |
//! | `settle` | from the log into the table of objects |
//! | `finish` | its end: commit, failure, discard |
//! | `index` | what the store knows of it meanwhile |
//! | `builtin` | the operations that the engine does itself |
//! | `view` | [`DagView`]: finished DAGs, for reading |
//! | `repository` | what a repository does with DAGs |
//! | `encoded` | [`Encoded`]: values as they are stored |
//! | `trace` | where a node comes from |

mod begin;
mod builtin;
mod chunk;
mod encoded;
mod finish;
mod index;
mod open;
mod read;
mod recent;
mod repository;
mod settle;
mod stage;
mod trace;
mod view;

pub use builtin::apply;
pub use encoded::Encoded;
pub use finish::Committed;
pub use index::IndexInfo;
pub use open::OpenDag;
pub use trace::{Origin, Step};
pub use view::DagView;

pub(crate) use chunk::{Entry as LogEntry, entries as log_entries};
pub(crate) use index::{chunk_of, headers as index_headers};
pub(crate) use recent::Recent;
