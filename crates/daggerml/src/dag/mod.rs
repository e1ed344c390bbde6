//! DAGs: open ones that grow, and finished ones to read.
//!
//! | file | holds |
//! |---|---|
//! | `open` | [`OpenDag`]: nodes are put, named, imported |
//! | `stage` | its objects that are not in the store yet, and flushing them |
//! | `finish` | its end: commit, failure, discard |
//! | `index` | what the store knows of it meanwhile |
//! | `builtin` | the operations that the engine does itself |
//! | `view` | [`DagView`]: finished DAGs, for reading |
//! | `encoded` | [`Encoded`]: values as they are stored |
//! | `trace` | where a node comes from |

mod builtin;
mod encoded;
mod finish;
mod index;
mod open;
mod read;
mod recent;
mod stage;
mod trace;
mod view;

pub use builtin::apply;
pub use encoded::Encoded;
pub use finish::Committed;
pub use index::{IndexId, IndexInfo, references as index_references};
pub use open::OpenDag;
pub use trace::{Origin, Step};
pub use view::DagView;

pub(crate) use index::{headers as index_headers, remove as remove_index};
