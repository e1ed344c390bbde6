//! A release: the exact files of a version, checked, put on an index, and
//! compared with what the index then serves.
//!
//! A [`plan`] names the files by digest. [`check`] says what stops it. Whatever
//! an index lists is compared with the plan ([`status`]). An [`upload`] sends what is
//! missing by that comparison; it remembers nothing, so it can stop anywhere and go on
//! later. [`verify`] and [`install`] look at the result as a user gets it.

pub mod assets;
pub mod check;
pub mod install;
pub mod locks;
pub mod plan;
pub mod status;
pub mod upload;
pub mod verify;
