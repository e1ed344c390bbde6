//! The DaggerML engine: content-addressed values, nodes, DAGs and commits in
//! one local store.
//!
//! The way of a value to disk: a [`value::Value`] becomes a [`record::Datum`],
//! its canonical bytes get an id ([`id::ObjectId`]), and the store keeps them
//! under it. The formats are specified in `docs/spec/object-model.md`.
//!
//! | module | holds |
//! |---|---|
//! | [`value`] | what a datum holds |
//! | [`record`] | the immutable objects |
//! | [`store`] | where they are kept |
//! | [`dag`] | DAGs being made, and DAGs to read |
//! | [`execution`] | running calls: cache, claims, adapters |
//! | [`repo`] | a store as a repository: refs, trees, commits, history |
//! | [`maintenance`] | garbage collection, finding damage, excision, bundles, migration |
//! | [`config`] | settings of the user and of the repository |

#![cfg_attr(not(test), deny(clippy::disallowed_methods))]

mod cbor;
pub mod config;
pub mod dag;
pub mod error;
pub mod execution;
mod folder;
pub mod id;
mod id_set;
pub mod maintenance;
pub mod name;
pub mod record;
pub mod repo;
pub mod store;
pub mod value;

pub use cbor::{decode_value, encode_value};
pub use error::{Error, ErrorKind, Result};
pub use folder::Sharing;
pub use repo::Repository;
