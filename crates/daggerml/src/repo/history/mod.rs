//! History: commits and what is done with them.

mod commit;

pub(crate) use commit::commit_changes;
