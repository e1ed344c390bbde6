//! Reading a bundle's items from a stream, hashed as they come.

use std::io::{ErrorKind, Read};

use crate::cbor::{Reader, major};
use crate::error::{Error, Fault, Result};
use crate::id::ObjectId;
use crate::record::{Kind, Reference};

use super::{BUNDLE, MAGIC, TRAILER, VERSION};

/// The most roots, and the most objects that a partial bundle may need.
const MOST_REFERENCES: u64 = 1 << 20;

/// What a bundle's header says.
pub(super) struct Header {
    pub roots: Vec<Reference>,
    pub needs: Vec<Reference>,
    pub objects: u64,
}

pub(super) struct Input<'i> {
    from: &'i mut dyn Read,
    hasher: blake3::Hasher,
    /// Bytes read.
    pub at: u64,
}

impl<'i> Input<'i> {
    pub fn new(input: &'i mut dyn Read) -> Self {
        Self {
            from: input,
            hasher: blake3::Hasher::new(),
            at: 0,
        }
    }

    /// Returns the error that the bundle is wrong here.
    pub fn wrong(&self, detail: impl Into<String>) -> Box<Error> {
        Error::BundleInvalid {
            offset: self.at,
            detail: detail.into(),
        }
        .into()
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<()> {
        match self.from.read_exact(bytes) {
            Ok(()) => {
                self.at += bytes.len() as u64;
                Ok(())
            }
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                Err(self.wrong("it is cut off"))
            }
            Err(source) => Err(Error::Io {
                action: "read",
                path: BUNDLE.into(),
                source,
            }
            .into()),
        }
    }

    /// Returns a CBOR head of this major type, which must be the shortest; its argument.
    fn head(&mut self, wanted: u8) -> Result<u64> {
        let mut bytes = [0; 9];
        let (first, rest) = bytes.split_at_mut(1);
        self.fill(first)?;
        let low = first.first().copied().unwrap_or_default() & 0x1f;
        let more = match low {
            24..=27 => 1 << (low - 24),
            _ => 0,
        };
        self.fill(rest.get_mut(..more).unwrap_or_default())?;
        let head = bytes.get(..=more).unwrap_or_default();
        self.hasher.update(head);
        let (kind, argument) = Reader::new(head)
            .head()
            .map_err(|fault| self.fault(&fault))?;
        if kind != wanted {
            return Err(self.wrong(format!(
                "an item of major type {wanted} expected, not {kind}"
            )));
        }
        Ok(argument)
    }

    fn fault(&self, fault: &Fault) -> Box<Error> {
        self.wrong(fault.to_string())
    }

    pub fn header(&mut self) -> Result<Header> {
        self.begin()?;
        Ok(Header {
            roots: self.references()?,
            needs: self.references()?,
            objects: self.head(major::UNSIGNED)?,
        })
    }

    /// Reads what comes before the roots.
    fn begin(&mut self) -> Result<()> {
        let mut magic = MAGIC;
        self.fill(&mut magic)?;
        self.hasher.update(&magic);
        if magic != MAGIC {
            return Err(self.wrong("it does not begin like one"));
        }
        self.array(4)?;
        let version = self.head(major::UNSIGNED)?;
        if version != VERSION {
            return Err(Error::BundleUnsupported {
                found: version,
                known: VERSION,
            }
            .into());
        }
        Ok(())
    }

    fn array(&mut self, length: u64) -> Result<()> {
        match self.head(major::ARRAY)? {
            found if found == length => Ok(()),
            found => Err(self.wrong(format!("{length} items expected, not {found}"))),
        }
    }

    fn references(&mut self) -> Result<Vec<Reference>> {
        let length = self.head(major::ARRAY)?;
        if length > MOST_REFERENCES {
            return Err(self.wrong(format!("it lists {length} objects in its header")));
        }
        (0..length).map(|_| self.reference()).collect()
    }

    fn reference(&mut self) -> Result<Reference> {
        self.array(2)?;
        let code = self.head(major::UNSIGNED)?;
        let kind = Kind::ALL.into_iter().find(|kind| kind.code() == code);
        let kind = kind.ok_or_else(|| self.wrong(format!("unknown record kind {code}")))?;
        let bytes = self.bytes(32)?;
        let id = bytes.as_slice().try_into();
        let id = id.map_err(|_| self.wrong("an id has 32 bytes"))?;
        Ok(Reference {
            kind,
            id: ObjectId::from_bytes(id),
        })
    }

    /// Returns the first root, of which the header must have one.
    pub fn first_root(&mut self) -> Result<Reference> {
        self.begin()?;
        self.head(major::ARRAY)?;
        self.reference()
    }

    /// Returns a byte string of at most `most` bytes.
    pub fn bytes(&mut self, most: u64) -> Result<Vec<u8>> {
        let length = self.head(major::BYTES)?;
        if length > most {
            return Err(self.wrong(format!("an object has {length} bytes; {most} are allowed")));
        }
        // Memory is taken as bytes come, not as they are announced.
        let mut bytes = Vec::new();
        let read = (&mut *self.from).take(length).read_to_end(&mut bytes);
        read.map_err(|source| Error::Io {
            action: "read",
            path: BUNDLE.into(),
            source,
        })?;
        self.at += bytes.len() as u64;
        if (bytes.len() as u64) < length {
            return Err(self.wrong("it is cut off"));
        }
        self.hasher.update(&bytes);
        Ok(bytes)
    }

    /// Checks the hash at the end, and that nothing comes after it.
    pub fn end(mut self) -> Result<()> {
        let hash = *self.hasher.finalize().as_bytes();
        let mut trailer = [0; TRAILER];
        self.fill(&mut trailer)?;
        if trailer != hash {
            return Err(self.wrong("the hash over it does not match"));
        }
        let mut more = [0; 1];
        match self.from.read(&mut more) {
            Ok(0) => Ok(()),
            Ok(_) => Err(self.wrong("there are bytes after its end")),
            Err(source) => Err(Error::Io {
                action: "read",
                path: BUNDLE.into(),
                source,
            }
            .into()),
        }
    }
}
