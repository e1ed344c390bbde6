//! Values: what a datum holds.
//!
//! A [`Value`] is always well formed: sets and maps are sorted and free of
//! duplicates from the moment they are built, floats have one NaN and one zero,
//! URIs are canonical. So equal values have equal bytes.

mod blob;
mod build;
mod codec;
mod float;
mod int;
mod map;
mod runnable;
mod set;
mod uri;

pub use blob::Blob;
pub use build::{Builder, Scalar};
pub(crate) use build::{Stopped, ValueBuilder};
pub(crate) use codec::{build_value, peek_type, read_value, write_value};
pub use codec::{decode_value, encode_value};
pub use float::Float;
pub use int::Int;
pub use map::Map;
pub use runnable::Runnable;
pub use set::Set;
pub use uri::Uri;

/// The deepest nesting of a value. A scalar has depth 1.
pub const MAX_DEPTH: usize = 1024;

/// The largest value, in encoded bytes: 64 MiB.
pub const MAX_BYTES: usize = 64 << 20;

/// One whole value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Value {
    /// No value.
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number of any size.
    Int(Int),
    /// A 64-bit IEEE 754 number.
    Float(Float),
    /// Unicode text, kept byte for byte.
    String(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A canonical RFC 3986 URI.
    Uri(Uri),
    /// Values in order.
    List(Vec<Value>),
    /// Distinct values.
    Set(Set),
    /// Values by scalar key.
    Map(Map),
    /// Something that can be called.
    Runnable(Box<Runnable>),
    /// Bytes of any length, which are kept in parts of their own.
    Blob(Box<Blob>), // not in place, which would make every value larger
}

impl Value {
    /// Returns the value's type, by the name used in Python, on the command line and in
    /// the docs.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Float(_) => "float",
            Self::String(_) => "string",
            Self::Bytes(_) => "bytes",
            Self::Uri(_) => "uri",
            Self::List(_) => "list",
            Self::Set(_) => "set",
            Self::Map(_) => "map",
            Self::Runnable(_) => "runnable",
            Self::Blob(_) => "blob",
        }
    }

    /// Returns whether the value may be the key of a map.
    pub fn is_scalar(&self) -> bool {
        !matches!(
            self,
            Self::List(_) | Self::Set(_) | Self::Map(_) | Self::Runnable(_) | Self::Blob(_)
        )
    }
}

impl Value {
    /// Calls `visit` with each blob in the value.
    pub fn blobs(&self, visit: &mut dyn FnMut(Blob)) {
        // On a stack of its own: a value may be nested deep.
        let mut waiting = vec![self];
        while let Some(value) = waiting.pop() {
            match value {
                Self::Blob(blob) => visit(**blob),
                Self::List(items) => waiting.extend(items),
                Self::Set(set) => waiting.extend(set.as_slice()),
                Self::Map(map) => waiting.extend(map.as_slice().iter().map(|(_, value)| value)),
                Self::Runnable(runnable) => {
                    let mut next = Some(&**runnable);
                    while let Some(runnable) = next {
                        let kwargs = runnable.kwargs.as_slice().iter();
                        waiting.extend(kwargs.map(|(_, value)| value));
                        next = runnable.sub.as_deref();
                    }
                }
                _ => {}
            }
        }
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value.into())
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Float(value.into())
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::String(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::String(value)
    }
}

impl From<Vec<Value>> for Value {
    fn from(value: Vec<Value>) -> Self {
        Self::List(value)
    }
}
