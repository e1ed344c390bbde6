//! Wheels and sdists, whoever made them: what is in them, whether they are as an index
//! and its users need them, and where two of them differ.
//!
//! [`artifact`] and [`binary`] read facts and trust nothing: any bytes are taken, and
//! no input makes them panic or run out of memory. [`audit`] judges those facts by the
//! rules of `docs/spec/audit.md`. [`compare`] says whether two artifacts are the same,
//! and where they are not; [`checksums`] lists files by their [`digest`]. [`rebuild`]
//! reads what independent rebuilders say of files, and judges it. [`text`] knows which
//! characters nobody sees.

pub mod artifact;
pub mod audit;
pub mod binary;
pub mod checksums;
pub mod compare;
pub mod digest;
pub mod epoch;
pub mod parallel;
pub mod rebuild;
pub mod text;
