//! The DaggerML engine: content-addressed values, nodes, DAGs and commits in
//! one local store.
//!
//! # The way of a value
//!
//! 1. [`value::Value`] is what a caller has. It becomes a [`record::Datum`], and the
//!    BLAKE3 hash of the record's canonical bytes is its id ([`id::ObjectId`]).
//! 2. [`dag::Draft`] makes a [`record::Node`] that refers to the datum, and stages both
//!    records in memory.
//! 3. A flush makes what is staged durable. Many small records are appended to the log of
//!    the draft, one chunk for each flush: that is one entry of a table, whatever the
//!    number of records. Records that are few or large go into the table of objects at once.
//! 4. Settling moves the records of the log into the table of objects, in their order,
//!    where everybody can read them. It is done when a program asks for a flush, and
//!    before the DAG ends.
//! 5. A commit writes the [`record::Dag`], the changed pieces of the [`record::Tree`], the
//!    [`record::Commit`] and the branch, in one durable transaction of [`store::Store`].
//! 6. Reading goes the other way: name, commit, tree, DAG, node, datum. The bytes of each
//!    record are compared with its id before anything in them is used.
//!
//! The formats are specified in `docs/spec/object-model.md` and `docs/spec/store.md`.
//!
//! # The layers
//!
//! A module uses modules above it in this table, and never one below it; so there are no
//! circles. `tests/layers.rs` reads the table and checks the sources against it.
//!
//! | module | holds |
//! |---|---|
//! | [`sorting`] | sorting that is compiled once |
//! | `channel` | channels between threads |
//! | `threads` | threads that run by themselves |
//! | [`large`] | large buffers in memory |
//! | `fault` | what can be wrong with bytes, ids, names and values |
//! | [`id`] | ids and kinds of objects; ids of drafts |
//! | `id_set` | sets of ids |
//! | `normal_form` | Unicode text in normal form C |
//! | [`name`] | names of DAGs, nodes and branches |
//! | `suggest` | which name may have been meant |
//! | `well_known` | names that users see: `.dml`, `safe.directories` |
//! | `cbor` | canonical CBOR |
//! | [`value`] | what a datum holds, and its encoding |
//! | [`record`] | the immutable objects |
//! | [`error`] | everything that can go wrong |
//! | `process` | processes that are started, and what they write |
//! | [`config`] | settings of the user and of the repository |
//! | `folder` | the folder `.dml`, opened without following links |
//! | [`store`] | where objects and all other entries are kept |
//! | [`repo`] | a store as a repository: refs, trees, commits, revisions |
//! | [`dag`] | DAGs being made, and DAGs to read |
//! | [`history`] | log, diff, merge, rebase, revert |
//! | [`transfer`] | bundles and remotes: objects carried elsewhere |
//! | [`execution`] | running calls: cache, claims, adapters |
//! | [`maintenance`] | garbage collection, finding damage, excision, migration |
//!
//! This file stands above all of them and joins the two that cannot know each other: a value
//! that a filter left at a remote is fetched by `transfer` when `store` reads it.

#![cfg_attr(not(test), deny(clippy::disallowed_methods))]

mod cbor;
mod channel;
pub mod config;
pub mod dag;
pub mod error;
pub mod execution;
mod fault;
mod folder;
pub mod history;
pub mod id;
mod id_set;
pub mod large;
pub mod maintenance;
pub mod name;
mod normal_form;
mod process;
pub mod record;
pub mod repo;
pub mod sorting;
pub mod store;
mod suggest;
mod threads;
pub mod transfer;
pub mod value;
mod well_known;

pub use error::{Error, ErrorKind, Result};
pub use folder::Sharing;
pub use repo::Repository;
pub use value::{decode_value, encode_value};

/// Returns what fetches values that stay at remotes, for the repository in the folder `root`.
fn on_read(root: std::sync::Arc<std::path::Path>) -> std::sync::Arc<dyn store::absent::Bring> {
    std::sync::Arc::new(transfer::remote::OnRead::new(root))
}
