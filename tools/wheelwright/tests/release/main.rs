//! `wheelwright version` and `wheelwright release` on a small repository of their
//! own, as programs.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod check;
mod hostile_index;
mod proof;
mod repository;
mod secrets;
mod version;
