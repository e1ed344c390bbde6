//! Carrying objects elsewhere: bundles, and remotes that several repositories share.
//!
//! | module | holds |
//! |---|---|
//! | [`bundle`] | objects packed into one file or message |
//! | `object` | reading the objects that are carried |
//! | [`transport`] | places of blobs, and how they are spoken to |
//! | [`remote`] | what repositories share: push, fetch, pull, clone |

pub mod bundle;
mod object;
pub mod remote;
pub mod transport;

pub(crate) use bundle::Verified;
pub use bundle::{
    Applied, BUNDLE, Created, Keep, Kept, Limits, apply, create, create_without, data,
};
