//! Statements about rebuilt artifacts: who built which bytes from which source, whose
//! keys count, and what the statements together say of a file.
//!
//! The format is specified in `docs/spec/rebuild.md`. A [`statement`] lies in a signed
//! [`envelope`]; [`trust`] says whose [`key`] counts; [`judge`] gives the verdict. Every
//! byte that is read here may come from an attacker.

pub mod canonical;
pub mod envelope;
pub mod judge;
pub mod key;
pub mod statement;
pub mod trust;
