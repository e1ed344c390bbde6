//! DAGs: drafts, which still take nodes, and finished DAGs, which are read.
//!
//! | file | holds |
//! |---|---|
//! | `begin` | how drafts begin, and are resumed |
//! | `draft` | [`Draft`]: nodes are put, named, imported |
//! | `stage` | the objects of a draft that are not in the store yet, and flushing them |
//! | `saved` | what the store has of a draft, so that it survives a crash |
//! | `draft_view` | [`DraftNode`]: the nodes of drafts, for others to read |
//! | `chunk` | what a flush appends to the log of a draft |
//! | `settle` | from the log into the table of objects |
//! | `finish` | the end of a draft: commit, failure, discard |
//! | `put_blob`, `open_blob` | bytes of any length, written and read a chunk at a time |
//! | `kept` | what keeps the parts of a blob before a node refers to them |
//! | `builtin` | the operations that the engine does itself |
//! | `view` | [`DagView`]: finished DAGs |
//! | `repository` | what a repository does with DAGs |
//! | `encoded` | [`Encoded`]: values as they are stored |
//! | `trace` | where a node comes from |

mod begin;
mod builtin;
mod chunk;
mod draft;
mod draft_view;
mod encoded;
mod finish;
mod kept;
mod open_blob;
mod put_blob;
mod read;
mod recent;
mod repository;
mod saved;
mod settle;
mod stage;
mod trace;
mod view;

pub use builtin::apply;
pub use draft::Draft;
pub use draft_view::DraftNode;
pub use encoded::Encoded;
pub use finish::Committed;
pub use open_blob::BlobReader;
pub use put_blob::Progress;
pub use saved::DraftInfo;
pub use trace::{Origin, Step};
pub use view::DagView;

pub(crate) use chunk::{Entry as ChunkEntry, entries as chunk_entries};
pub(crate) use kept::{Kept, forget_left};
pub(crate) use recent::Recent;
pub(crate) use saved::{chunk_of, headers as draft_headers};
