//! What can be wrong with the arguments of a builtin operation.

use super::ErrorKind;
use crate::record::Builtin;

/// Why a builtin operation cannot be done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BuiltinError {
    /// The wrong number of arguments.
    #[error("{} takes {wanted}, not {found}", op.as_str())]
    Arity {
        /// The operation.
        op: Builtin,
        /// How many it takes, in words.
        wanted: &'static str,
        /// How many there were.
        found: usize,
    },
    /// An argument of a type that the operation cannot work on.
    #[error("{}: the {argument} must be {allowed}, not {found}", op.as_str())]
    Type {
        /// The operation.
        op: Builtin,
        /// Which argument.
        argument: &'static str,
        /// The types allowed, in words.
        allowed: &'static str,
        /// The type it has.
        found: &'static str,
    },
    /// An index outside the list.
    #[error("{}: the index {index} is out of range for a list of {length}", op.as_str())]
    Index {
        /// The operation.
        op: Builtin,
        /// The index.
        index: String,
        /// The number of elements.
        length: usize,
    },
    /// A key or item that is not there.
    #[error("{}: {key} is not in the {collection}", op.as_str())]
    Missing {
        /// The operation.
        op: Builtin,
        /// The key or item, as text.
        key: String,
        /// The collection's type.
        collection: &'static str,
    },
    /// A slice that takes no steps.
    #[error("slice: the step must not be 0")]
    ZeroStep,
}

impl BuiltinError {
    /// Returns the kind of error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Arity { .. } | Self::Type { .. } | Self::ZeroStep => ErrorKind::Invalid,
            Self::Index { .. } | Self::Missing { .. } => ErrorKind::NotFound,
        }
    }
}
