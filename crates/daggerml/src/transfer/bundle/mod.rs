//! Bundles: objects packed to be carried elsewhere, whole and verified.
//!
//! The format is specified in `docs/spec/bundle.md`: a magic number, a header with
//! the roots, the objects with references before referrers, and a hash over all.
//! The same roots always give the same bytes.

mod apply;
mod create;
mod data;
mod input;
mod spool;
mod take;

pub use apply::{Applied, Limits, apply};
pub(crate) use apply::{Verified, first_root, verify};
pub use create::{Created, create, create_without};
pub use data::data;
pub use take::{Keep, Kept};

/// The first bytes of a bundle. They contain line ends, which show when a transfer treated
/// the bundle as text and changed them.
const MAGIC: [u8; 8] = *b"\x89DML\r\n\x1a\n";

/// The version of the format.
const VERSION: u64 = 1;

/// What errors of reading and writing a bundle name as their path.
pub const BUNDLE: &str = "the bundle";

/// Bytes of the hash at the end.
const TRAILER: usize = 32;
