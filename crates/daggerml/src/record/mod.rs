//! Records: the immutable objects of a repository.
//!
//! A record's bytes are one canonical CBOR array that starts with its kind and
//! format version; its id is the BLAKE3 hash of those bytes. One file per kind.

mod blob;
mod commit;
mod dag;
mod datum;
mod exec;
mod node;
mod references;
mod tombstone;
mod tree;

pub use blob::{BlobList, CHUNK, MOST_PARTS, Part};
pub(crate) use blob::{BlobLists, chunk};
pub use commit::{Commit, Time};
pub(crate) use dag::NodeIds;
pub use dag::{Dag, ErrorInfo, Outcome, TRANSIENT};
pub use datum::Datum;
pub use exec::{CallKey, Exec, ExecStatus};
pub use node::{Builtin, Node};
pub(crate) use references::references;
pub use tombstone::Tombstone;
pub use tree::{FAN_OUT, LEAF_MAX, Tree};

pub use crate::id::Kind;

use std::fmt;

use crate::cbor::{Reader, Writer};
use crate::fault::{Fault, FaultKind, ValueError};
use crate::id::{ObjectId, TypedId};
use crate::value::MAX_BYTES;

/// The format version that this engine writes, of every kind.
pub const VERSION: u64 = 1;

/// The format version of a datum whose value has a blob in it. Other data refer to nothing, and most
/// of what this engine does never looks into them.
pub(crate) const WITH_BLOBS: u64 = 2;

/// How a datum begins whose value has a blob in it: an array of three, its kind, its version.
const DATUM_WITH_BLOBS: [u8; 3] = [0x83, 0x01, 0x02];

/// Returns whether the record in `bytes` is a datum that refers to others.
pub(crate) fn has_blobs(bytes: &[u8]) -> bool {
    bytes.starts_with(&DATUM_WITH_BLOBS)
}

/// Returns whether the record in `bytes` is a datum whose value is bytes and nothing else, such as a
/// chunk of a blob: then it is canonical, and refers to nothing. It is told without a copy.
pub(crate) fn is_bytes(bytes: &[u8]) -> bool {
    bytes_in(bytes).is_some()
}

/// Returns how many bytes the value of such a datum has.
pub(crate) fn bytes_in(bytes: &[u8]) -> Option<u64> {
    let mut reader = Reader::new(bytes.strip_prefix(&[0x83, 0x01, 0x01])?);
    let found = reader
        .bytes()
        .ok()
        .filter(|found| found.len() < MAX_BYTES - 8)?;
    reader.finish().ok().map(|()| found.len() as u64)
}

/// A reference from one record to another: the id and the kind it must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    /// The kind of record that must be there.
    pub kind: Kind,
    /// Its id.
    pub id: ObjectId,
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.id)
    }
}

impl<I: TypedId> From<I> for Reference {
    fn from(id: I) -> Self {
        Self {
            kind: I::KIND,
            id: id.object(),
        }
    }
}

/// One kind of record.
pub trait Record: Sized {
    /// Its id type.
    type Id: TypedId;

    /// Writes the items after kind and version; there are [`Record::items`] of them.
    #[doc(hidden)]
    fn write(&self, writer: &mut RecordWriter) -> Result<(), ValueError>;

    /// Returns the number of items after kind and version.
    #[doc(hidden)]
    fn items(&self) -> usize;

    /// Reads what [`Record::write`] wrote; `items` are announced.
    #[doc(hidden)]
    fn read(reader: &mut RecordReader<'_>, items: usize) -> Result<Self, Fault>;

    /// Calls `visit` for every record that this one refers to.
    fn references(&self, visit: &mut dyn FnMut(Reference));

    /// Returns the record's canonical bytes.
    fn encode(&self) -> Result<Vec<u8>, ValueError> {
        let mut writer = Writer::new();
        writer.array(2 + self.items());
        writer.uint(Self::Id::KIND.code());
        writer.uint(VERSION);
        self.write(&mut writer)?;
        let met_blob = writer.met_blob;
        let mut bytes = writer.into_bytes();
        if met_blob {
            match bytes.first_chunk_mut() {
                Some(start) if Self::Id::KIND == Kind::Datum => *start = DATUM_WITH_BLOBS,
                _ => return Err(ValueError::BlobElsewhere),
            }
        }
        Ok(bytes)
    }

    /// Returns the record whose canonical bytes are exactly `bytes`.
    fn decode(bytes: &[u8]) -> Result<Self, Fault> {
        let (mut reader, kind, items) = open(bytes)?;
        if kind != Self::Id::KIND {
            let detail = format!("a {} record expected, a {kind} found", Self::Id::KIND);
            return Err(reader.fault(FaultKind::Header, detail));
        }
        let record = Self::read(&mut reader, items)?;
        finish(&reader)?;
        Ok(record)
    }
}

/// The writer that [`Record::write`] gets.
pub type RecordWriter = Writer;
/// The reader that [`Record::read`] gets.
pub type RecordReader<'a> = Reader<'a>;

/// Reads a record's header: the kind and the number of items that follow.
fn open(bytes: &[u8]) -> Result<(Reader<'_>, Kind, usize), Fault> {
    let mut reader = Reader::new(bytes);
    let header = |fault: Fault| fault.of_kind(FaultKind::Header);
    let length = reader.array().map_err(header)?;
    let code = reader.uint().map_err(header)?;
    let Some(kind) = Kind::ALL.into_iter().find(|kind| kind.code() == code) else {
        return Err(reader.fault(FaultKind::Header, format!("unknown record kind {code}")));
    };
    let version = reader.uint().map_err(header)?;
    reader.tells_blob = kind == Kind::Datum && version == WITH_BLOBS;
    if version != VERSION && !reader.tells_blob {
        let detail = format!("{kind} format version {version}; this engine knows {VERSION}");
        return Err(reader.fault(FaultKind::Header, detail));
    }
    let Some(items) = length.checked_sub(2) else {
        return Err(reader.fault(FaultKind::Header, "no kind and version"));
    };
    Ok((reader, kind, items))
}

/// Checks that nothing is left, and that the record told whether it has blobs in it.
fn finish(reader: &Reader<'_>) -> Result<(), Fault> {
    reader.finish()?;
    if reader.met_blob == reader.tells_blob {
        return Ok(());
    }
    let detail = if reader.met_blob {
        "a blob in a record whose version has none"
    } else {
        "a version for blobs, and none is in it"
    };
    Err(reader.fault(FaultKind::Payload, detail))
}

/// Returns the kind of the record in `bytes`, from its header alone.
pub fn kind_of(bytes: &[u8]) -> Result<Kind, Fault> {
    open(bytes).map(|(_, kind, _)| kind)
}

/// A record of any kind.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "each variant is named for the record it holds")]
pub enum AnyRecord {
    Datum(Datum),
    Node(Node),
    Dag(Dag),
    Tree(Tree),
    Commit(Commit),
    Exec(Exec),
    Tombstone(Tombstone),
    Blob(BlobList),
}

impl AnyRecord {
    /// Returns the record whose canonical bytes are exactly `bytes`.
    pub fn decode(bytes: &[u8]) -> Result<Self, Fault> {
        Ok(match kind_of(bytes)? {
            Kind::Datum => Self::Datum(Datum::decode(bytes)?),
            Kind::Node => Self::Node(Node::decode(bytes)?),
            Kind::Dag => Self::Dag(Dag::decode(bytes)?),
            Kind::Tree => Self::Tree(Tree::decode(bytes)?),
            Kind::Commit => Self::Commit(Commit::decode(bytes)?),
            Kind::Exec => Self::Exec(Exec::decode(bytes)?),
            Kind::Tombstone => Self::Tombstone(Tombstone::decode(bytes)?),
            Kind::Blob => Self::Blob(BlobList::decode(bytes)?),
        })
    }

    /// Returns the record's canonical bytes.
    pub fn encode(&self) -> Result<Vec<u8>, ValueError> {
        match self {
            Self::Datum(record) => record.encode(),
            Self::Node(record) => record.encode(),
            Self::Dag(record) => record.encode(),
            Self::Tree(record) => record.encode(),
            Self::Commit(record) => record.encode(),
            Self::Exec(record) => record.encode(),
            Self::Tombstone(record) => record.encode(),
            Self::Blob(record) => record.encode(),
        }
    }

    /// Returns the record's kind.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Datum(_) => Kind::Datum,
            Self::Node(_) => Kind::Node,
            Self::Dag(_) => Kind::Dag,
            Self::Tree(_) => Kind::Tree,
            Self::Commit(_) => Kind::Commit,
            Self::Exec(_) => Kind::Exec,
            Self::Tombstone(_) => Kind::Tombstone,
            Self::Blob(_) => Kind::Blob,
        }
    }

    /// Calls `visit` for every record that this one refers to.
    pub fn references(&self, visit: &mut dyn FnMut(Reference)) {
        match self {
            Self::Datum(record) => record.references(visit),
            Self::Node(record) => record.references(visit),
            Self::Dag(record) => record.references(visit),
            Self::Tree(record) => record.references(visit),
            Self::Commit(record) => record.references(visit),
            Self::Exec(record) => record.references(visit),
            Self::Tombstone(record) => record.references(visit),
            Self::Blob(record) => record.references(visit),
        }
    }
}

/// What a record is, without what is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Outline {
    /// Its kind; that of what it replaces when it is a tombstone.
    pub kind: Kind,
    /// What it replaces, when it is a tombstone.
    pub replaces: Option<ObjectId>,
}

impl Outline {
    /// Checks the record in `bytes` as [`AnyRecord::decode`] does, and calls `visit` for every
    /// record that it refers to. The nodes of a DAG are not copied.
    pub fn read(bytes: &[u8], visit: &mut dyn FnMut(Reference)) -> Result<Self, Fault> {
        let mut outline = Self {
            kind: kind_of(bytes)?,
            replaces: None,
        };
        if outline.kind == Kind::Dag {
            Dag::check(bytes)?
                .iter()
                .for_each(|node| visit(node.into()));
            return Ok(outline);
        }
        if is_bytes(bytes) {
            return Ok(outline);
        }
        let record = AnyRecord::decode(bytes)?;
        record.references(visit);
        if let AnyRecord::Tombstone(tombstone) = record {
            outline.kind = tombstone.kind;
            outline.replaces = Some(tombstone.object);
        }
        Ok(outline)
    }
}

/// Calls `visit` for every record that the one in `bytes` refers to, which was checked before.
pub(crate) fn references_of_checked(
    bytes: &[u8],
    visit: &mut dyn FnMut(Reference),
) -> Result<(), Fault> {
    if kind_of(bytes)? == Kind::Dag {
        let nodes = NodeIds::of_checked(bytes)?;
        nodes.iter().for_each(|node| visit(node.into()));
    } else if !is_bytes(bytes) {
        AnyRecord::decode(bytes)?.references(visit);
    }
    Ok(())
}

/// Helpers that the record files share.
impl Writer {
    pub(crate) fn id(&mut self, id: impl Into<ObjectId>) {
        self.bytes(id.into().as_bytes());
    }

    pub(crate) fn optional_id(&mut self, id: Option<impl Into<ObjectId>>) {
        match id {
            Some(id) => self.id(id),
            None => self.null(),
        }
    }
}

impl Reader<'_> {
    pub(crate) fn id<I: TypedId>(&mut self) -> Result<I, Fault> {
        if let Some(bytes) = self.id_bytes() {
            return Ok(I::from_object(ObjectId::from_bytes(*bytes)));
        }
        let bytes = self.bytes()?;
        match bytes.try_into() {
            Ok(bytes) => Ok(I::from_object(ObjectId::from_bytes(bytes))),
            Err(_) => Err(self.fault(
                FaultKind::Payload,
                format!("an id has 32 bytes, not {}", bytes.len()),
            )),
        }
    }

    pub(crate) fn optional_id<I: TypedId>(&mut self) -> Result<Option<I>, Fault> {
        if self.is_null() {
            Ok(None)
        } else {
            self.id().map(Some)
        }
    }

    /// Returns a list of ids, in the order written.
    pub(crate) fn ids<I: TypedId>(&mut self) -> Result<Vec<I>, Fault> {
        let length = self.array()?;
        (0..length).map(|_| self.id()).collect()
    }

    /// Checks that `found` items are `wanted`.
    pub(crate) fn expect_items(&self, found: usize, wanted: usize) -> Result<(), Fault> {
        if found == wanted {
            return Ok(());
        }
        Err(self.fault(
            FaultKind::Payload,
            format!("{wanted} items expected after the header, {found} found"),
        ))
    }
}
