//! What can be wrong with an object itself: its bytes, id, name or value.

/// What is wrong with bytes that should be a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// The kind or the format version is not one we know.
    Header,
    /// Too few bytes, too many, or a count that the rest cannot hold.
    Bounds,
    /// An item of another type than the place calls for.
    Kind,
    /// An item that is not canonical or makes no sense.
    Payload,
    /// Text that is not UTF-8.
    Utf8,
}

impl FaultKind {
    /// Returns the stable name of the fault, as in the object model's specification.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Header => "invalid_header",
            Self::Bounds => "invalid_bounds",
            Self::Kind => "invalid_kind",
            Self::Payload => "invalid_payload",
            Self::Utf8 => "invalid_utf8",
        }
    }
}

/// Why bytes are not a record. It is in a box, since readers return it from every step.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {} (at byte {})", self.kind().as_str(), self.detail(), self.offset())]
pub struct Fault(Box<Found>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Found {
    kind: FaultKind,
    offset: usize,
    detail: String,
}

impl Fault {
    /// Makes a fault of a kind: where, in bytes from the start, and what exactly.
    pub fn new(kind: FaultKind, offset: usize, detail: impl Into<String>) -> Self {
        Self(Box::new(Found {
            kind,
            offset,
            detail: detail.into(),
        }))
    }

    /// Returns what kind of fault.
    pub fn kind(&self) -> FaultKind {
        self.0.kind
    }

    /// Returns where, in bytes from the start.
    pub fn offset(&self) -> usize {
        self.0.offset
    }

    /// Returns what exactly.
    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    /// Returns the same fault as one of another kind.
    #[must_use]
    pub(crate) fn of_kind(mut self, kind: FaultKind) -> Self {
        self.0.kind = kind;
        self
    }
}

/// Why text is not an id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// The wrong number of digits.
    #[error("{text:?} is not an id: an id has 64 hexadecimal digits")]
    Length {
        /// The text.
        text: String,
    },
    /// Not the id of a draft.
    #[error("{text:?} is not the id of a draft: one has 32 hexadecimal digits, of which 6 will do")]
    Draft {
        /// The text.
        text: String,
    },
    /// A character that is not a hexadecimal digit.
    #[error("{text:?} is not an id: it has a character that is not a hexadecimal digit")]
    Digit {
        /// The text.
        text: String,
    },
}

/// Why text is not a name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// No text.
    #[error("a name must not be empty")]
    Empty,
    /// Too much text.
    #[error("the name starting {start:?} has {length} bytes; at most 1024 are allowed")]
    TooLong {
        /// Its length in bytes.
        length: usize,
        /// Its first characters.
        start: String,
    },
    /// A control character.
    #[error("the name {name:?} has the control character {character:?}")]
    Control {
        /// The name.
        name: String,
        /// The character.
        character: char,
    },
    /// No name of a branch or tag.
    #[error("{name:?} cannot name a branch or tag: {why}")]
    Ref {
        /// The name.
        name: String,
        /// What is wrong with it.
        why: String,
    },
    /// Not in Unicode normal form C, where only that is accepted.
    #[error("the name {name:?} is not in Unicode normal form C")]
    NotNormalized {
        /// The name.
        name: String,
    },
}

/// Why something is not a value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    /// Nested too deep.
    #[error(
        "the value is nested deeper than {limit} levels; flatten it, or put its parts as nodes of their own"
    )]
    TooDeep {
        /// The most levels allowed.
        limit: usize,
    },
    /// Too many bytes.
    #[error("the value takes more than {} MiB; put it as a blob (`put_file`), or store it elsewhere and put its Uri", limit >> 20)]
    TooLarge {
        /// The most bytes allowed.
        limit: usize,
    },
    /// A key that is not a scalar.
    #[error(
        "a {key_type} cannot be the key of a map; keys are null, bool, int, float, string, bytes or uri"
    )]
    KeyNotScalar {
        /// The key's type.
        key_type: &'static str,
    },
    /// A key given twice.
    #[error("the key {key} comes twice in a map")]
    DuplicateKey {
        /// The key.
        key: String,
    },
    /// A runnable's kwarg whose name is not a string.
    #[error("the kwargs of a runnable have string keys, not {key_type}")]
    KwargNotString {
        /// The key's type.
        key_type: &'static str,
    },
    /// A blob in a value that is no node's.
    #[error("a blob cannot be in the stack of an error")]
    BlobElsewhere,
    /// Text that is not a URI.
    #[error("{uri:?} is not a URI: {detail}")]
    InvalidUri {
        /// The text.
        uri: String,
        /// What is wrong with it.
        detail: String,
    },
}
