//! Object ids: BLAKE3-256 over a record's canonical bytes, one newtype per record kind.

use std::fmt;
use std::str::FromStr;

use crate::error::IdError;
use crate::record::Kind;

/// The number of bytes in an id.
pub const ID_LEN: usize = 32;

/// The fewest hexadecimal digits that may stand for an id on input.
pub const MIN_PREFIX: usize = 6;

/// The id of any stored object, whatever its kind: BLAKE3-256 of its bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId([u8; ID_LEN]);

impl ObjectId {
    /// The id of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }

    /// An id from its 32 bytes.
    pub const fn from_bytes(bytes: [u8; ID_LEN]) -> Self {
        Self(bytes)
    }

    /// The id's 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; ID_LEN] {
        &self.0
    }

    /// The first twelve hexadecimal digits: enough for people, unique in most repositories.
    pub fn short(&self) -> String {
        self.to_string().chars().take(12).collect()
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.0 {
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for ObjectId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let digits = text.as_bytes();
        if digits.len() != ID_LEN * 2 {
            return Err(IdError::Length {
                text: text.to_owned(),
            });
        }
        let mut bytes = [0; ID_LEN];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let (Some(high), Some(low)) = (hex_digit(pair[0]), hex_digit(pair[1])) else {
                return Err(IdError::Digit {
                    text: text.to_owned(),
                });
            };
            *byte = high << 4 | low;
        }
        Ok(Self(bytes))
    }
}

/// The value of a lower- or upper-case hexadecimal digit.
pub(crate) fn hex_digit(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

/// An id that says which kind of record it names.
pub trait TypedId: Copy + Eq + Ord + fmt::Display + fmt::Debug + Into<ObjectId> {
    /// The kind of record the id names.
    const KIND: Kind;

    /// Claims that `id` names a record of this kind; reading it checks the claim.
    fn from_object(id: ObjectId) -> Self;

    /// The same id without its kind.
    fn object(self) -> ObjectId {
        self.into()
    }
}

macro_rules! typed_ids {
    ($($(#[$doc:meta])* $name:ident = $kind:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(ObjectId);

        impl TypedId for $name {
            const KIND: Kind = Kind::$kind;

            fn from_object(id: ObjectId) -> Self {
                Self(id)
            }
        }

        impl From<$name> for ObjectId {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                text.parse().map(Self)
            }
        }
    )*};
}

typed_ids! {
    /// The id of a datum: one whole value.
    DatumId = Datum;
    /// The id of a node.
    NodeId = Node;
    /// The id of a DAG.
    DagId = Dag;
    /// The id of a tree: DAGs by name.
    TreeId = Tree;
    /// The id of a commit.
    CommitId = Commit;
    /// The id of an execution record.
    ExecId = Exec;
    /// The id of a tombstone record. It is stored under the id of what it replaces.
    TombstoneId = Tombstone;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_round_trips() {
        let id = ObjectId::of(b"x");
        assert_eq!(id.to_string().parse::<ObjectId>().unwrap(), id);
        assert_eq!(
            id.to_string().to_uppercase().parse::<ObjectId>().unwrap(),
            id
        );
    }

    #[test]
    fn bad_text_is_refused() {
        assert!(matches!(
            "abc".parse::<ObjectId>(),
            Err(IdError::Length { .. })
        ));
        let text = "g".repeat(64);
        assert!(matches!(text.parse::<DagId>(), Err(IdError::Digit { .. })));
    }
}
