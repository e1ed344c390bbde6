//! Runnables: what a call calls.

use super::{Map, Uri};

/// Something that can be called: `uri` names it, `adapter` says who runs it,
/// `kwargs` configure it, and `sub` is the runnable it wraps, if any.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Runnable {
    /// What to run.
    pub uri: Uri,
    /// The adapter that runs it; empty for what the engine itself runs.
    pub adapter: String,
    /// Settings by name (keys are strings).
    pub kwargs: Map,
    /// The runnable that this one wraps.
    pub sub: Option<Box<Runnable>>,
}
