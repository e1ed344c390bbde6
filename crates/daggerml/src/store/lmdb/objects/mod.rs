//! Objects: one behind the other in chunks, in the order in which they came, and found by
//! sorted runs.
//!
//! Ids are spread evenly. In a tree of pages that is ordered by id, each new object would change
//! a page of its own. So what one transaction adds is kept together: its objects fill chunks of
//! some pages, and one run says where each of them is, in order of their ids. Small runs are
//! merged into larger ones, each at least [`merge::RATIO`] times as large as the next, so there
//! are never many to search.
//!
//! An id is not stored where it can be computed: it is the hash of the object's bytes. The first
//! bytes of it in a run lead to the object, and the hash tells whether it is the wanted one.
//!
//! | file | holds |
//! |---|---|
//! | `frame` | one object in a chunk |
//! | `run` | one sorted run, and its entries |
//! | `merge` | several runs, read as one |
//! | `directory` | which runs and chunks a version has, and finding an object in them |
//! | `scan` | objects in the order of their ids |
//! | `adding` | what a transaction adds |

mod adding;
mod directory;
mod frame;
mod merge;
mod run;
mod scan;

use std::sync::{Arc, Mutex};

pub(super) use adding::Adding;
pub(crate) use directory::{Directory, KEY, Objects};
pub(crate) use frame::{ALONE, head, is_named};
pub(crate) use frame::{Frame, Match};
pub(crate) use run::{Entry, Place, Run};
pub(super) use scan::Scan;

/// A chunk that holds much garbage, and what of it is no garbage.
pub(crate) struct Sparse {
    /// The number of the chunk.
    pub chunk: u32,
    /// The entries of the objects in it that are to be kept.
    pub objects: Vec<Entry>,
}

/// The runs that were read last. The next version need not look for those that stay where they are.
pub(super) type KnownRuns = Arc<Mutex<Vec<Arc<Run>>>>;
