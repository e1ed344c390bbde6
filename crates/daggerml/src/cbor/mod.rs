//! Deterministic CBOR (RFC 8949, section 4.2.1): one item, one sequence of bytes.
//!
//! The writer only writes canonical bytes; the reader refuses all others: heads
//! that are not the shortest, indefinite lengths, unsorted or repeated keys,
//! floats that a shorter form holds, bytes left over.

mod float;
mod reader;
mod writer;

pub use reader::Reader;
pub(crate) use reader::Token;
pub use writer::Writer;

/// Major types, in the top three bits of a head.
pub(crate) mod major {
    pub const UNSIGNED: u8 = 0;
    pub const NEGATIVE: u8 = 1;
    pub const BYTES: u8 = 2;
    pub const TEXT: u8 = 3;
    pub const ARRAY: u8 = 4;
    pub const MAP: u8 = 5;
    pub const TAG: u8 = 6;
    pub const SIMPLE: u8 = 7;
}

/// Tags, from the registry that RFC 8949 sets up.
pub(crate) mod tag {
    /// A positive integer beyond 64 bits, as big-endian bytes.
    pub const BIG_POSITIVE: u64 = 2;
    /// A negative integer beyond 64 bits: -1 minus the number in the bytes.
    pub const BIG_NEGATIVE: u64 = 3;
    /// A language-independent object: type name and constructor arguments.
    pub const OBJECT: u64 = 27;
    /// A URI.
    pub const URI: u64 = 32;
    /// A finite set.
    pub const SET: u64 = 258;
}
