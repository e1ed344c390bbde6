//! Python objects to values and back.

mod from_python;
mod to_python;

pub(crate) use from_python::{Encoder, Part};
pub(crate) use to_python::{decoded, to_python};
