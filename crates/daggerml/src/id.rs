//! Ids of objects: BLAKE3-256 over a record's canonical bytes, one newtype for each kind
//! of record. And ids of drafts, which are random.

use std::fmt;
use std::str::FromStr;

use crate::fault::IdError;

/// The number of bytes in an id.
pub const ID_LEN: usize = 32;

/// The fewest hexadecimal digits that may stand for an id on input.
pub const MIN_PREFIX: usize = 6;

/// The kind of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// One whole value.
    Datum,
    /// A node of a DAG.
    Node,
    /// A DAG.
    Dag,
    /// DAGs by name.
    Tree,
    /// A commit.
    Commit,
    /// The outcome of one attempt at a call.
    Exec,
    /// What is left of an excised object.
    Tombstone,
    /// The parts of a blob.
    Blob,
}

impl Kind {
    /// Every kind, in the order of their codes.
    pub const ALL: [Self; 8] = [
        Self::Datum,
        Self::Node,
        Self::Dag,
        Self::Tree,
        Self::Commit,
        Self::Exec,
        Self::Tombstone,
        Self::Blob,
    ];

    /// Returns the code that stands first in a record.
    pub fn code(self) -> u64 {
        match self {
            Self::Datum => 1,
            Self::Node => 2,
            Self::Dag => 3,
            Self::Tree => 4,
            Self::Commit => 5,
            Self::Exec => 6,
            Self::Tombstone => 7,
            Self::Blob => 8,
        }
    }

    /// Returns the kind's name in text.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Datum => "datum",
            Self::Node => "node",
            Self::Dag => "dag",
            Self::Tree => "tree",
            Self::Commit => "commit",
            Self::Exec => "exec",
            Self::Tombstone => "tombstone",
            Self::Blob => "blob",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The id of any stored object, whatever its kind: BLAKE3-256 of its bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId([u8; ID_LEN]);

impl ObjectId {
    /// Returns the id of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }

    /// Makes an id from its 32 bytes.
    pub const fn from_bytes(bytes: [u8; ID_LEN]) -> Self {
        Self(bytes)
    }

    /// Returns the id's 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; ID_LEN] {
        &self.0
    }

    /// Returns the first eight bytes as a number: ids are in the order of these numbers.
    pub(crate) fn first_bytes(self) -> u64 {
        u64::from_be_bytes(self.0.first_chunk().copied().unwrap_or_default())
    }

    /// Returns the first twelve hexadecimal digits: enough for people, unique in most
    /// repositories.
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

/// Returns the value of a lower- or upper-case hexadecimal digit.
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
    /// The id of a blob: bytes of any length, in parts.
    BlobId = Blob;
}

/// The id of a draft: 16 random bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DraftId([u8; 16]);

impl DraftId {
    /// Makes an id from its 16 bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Returns the id's 16 bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for DraftId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for DraftId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DraftId({self})")
    }
}

impl FromStr for DraftId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let wrong = || IdError::Draft {
            text: text.to_owned(),
        };
        let digits: Option<Vec<u8>> = text.bytes().map(hex_digit).collect();
        let digits = digits
            .filter(|digits| digits.len() == 32)
            .ok_or_else(wrong)?;
        let mut bytes = [0; 16];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = pair.iter().fold(0, |byte, digit| byte << 4 | digit);
        }
        Ok(Self(bytes))
    }
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

    #[test]
    fn the_text_of_a_draft_id_round_trips() {
        let id = DraftId::from_bytes(*b"\x00\x7f\xff draft id 16b");
        assert_eq!(id.to_string().parse::<DraftId>().unwrap(), id);
        for bad in ["", "abc", &"g".repeat(32), &"a".repeat(64)] {
            assert!(bad.parse::<DraftId>().is_err(), "{bad}");
        }
    }
}
