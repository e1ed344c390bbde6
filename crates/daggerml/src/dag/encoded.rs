//! Values as they are stored.

use std::ops::{Deref, Range};
use std::sync::Arc;

use crate::cbor::{Reader, Token, tag};
use crate::error::{Error, Result};
use crate::fault::Fault;
use crate::id::DatumId;
use crate::large;
use crate::record::{Datum, Kind};
use crate::value::{Builder, Stopped, Value, build_value, encode_value, peek_type, read_value};

/// The stored bytes of a value, or of a part of one, checked against their id and not decoded
/// yet. A [`Builder`] makes what the caller wants from them directly, without a [`Value`] in
/// between.
#[derive(Clone)]
pub struct Encoded<'s> {
    id: DatumId,
    /// The record.
    bytes: Bytes<'s>,
    /// Where the part is; `None` for the whole value.
    part: Option<Range<usize>>,
}

/// The bytes of a record.
#[derive(Clone)]
enum Bytes<'s> {
    /// Where they are stored.
    Stored(&'s [u8]),
    /// A copy, which holds neither the store nor a DAG.
    Copied(Arc<Vec<u8>>),
}

impl Deref for Bytes<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Stored(bytes) => bytes,
            Self::Copied(bytes) => bytes,
        }
    }
}

impl Encoded<'static> {
    pub(super) fn copied(id: DatumId, bytes: &[u8]) -> Self {
        Self {
            id,
            bytes: Bytes::Copied(Arc::new(large::copy(bytes))),
            part: None,
        }
    }
}

impl<'s> Encoded<'s> {
    pub(super) fn stored(id: DatumId, bytes: &'s [u8]) -> Self {
        Self {
            id,
            bytes: Bytes::Stored(bytes),
            part: None,
        }
    }

    /// Tells `builder` the value.
    pub fn build<'v, B>(&'v self, builder: &mut B) -> Result<(), B::Error>
    where
        B: Builder<'v, Error: From<Box<Error>>>,
    {
        let built = match &self.part {
            None => Datum::build(&self.bytes, builder),
            Some(_) => self.reader().map_err(Stopped::from).and_then(|mut reader| {
                build_value(&mut reader, builder)?;
                Ok(reader.finish()?)
            }),
        };
        built.map_err(|stopped| match stopped {
            Stopped::Source(fault) => B::Error::from(self.invalid(fault)),
            Stopped::Builder(error) => error,
        })
    }

    /// Returns the value.
    pub fn value(&self) -> Result<Value> {
        self.read(read_value)
    }

    /// Returns the type of the value, as in [`Value::type_name`].
    pub fn type_name(&self) -> Result<&'static str> {
        self.read(peek_type)
    }

    /// Returns how many elements it has, if it is a collection.
    pub fn length(&self) -> Result<Option<usize>> {
        self.read(|reader| {
            Ok(match reader.token()? {
                Token::Array(length) | Token::Map(length) => Some(length),
                Token::Tag(tag::SET) => Some(reader.array()?),
                _ => None,
            })
        })
    }

    /// Returns the element of a list at an index, or of a map under a key, and decodes nothing
    /// else. `None` when there is no such element, and for an index that counts from the end.
    pub fn element(&self, key: &Value) -> Result<Option<Self>> {
        let wanted = match key {
            Value::Int(_) | Value::String(_) => key,
            _ => return Ok(None),
        };
        let bytes = encode_value(wanted)?;
        let found = self.read(|reader| match reader.token()? {
            Token::Array(length) => {
                let index = match wanted {
                    Value::Int(index) => index.to_i64().and_then(|at| usize::try_from(at).ok()),
                    _ => None,
                };
                match index.filter(|index| *index < length) {
                    None => Ok(None),
                    Some(index) => {
                        (0..index).try_for_each(|_| reader.skip())?;
                        part(reader).map(Some)
                    }
                }
            }
            Token::Map(length) => {
                for _ in 0..length {
                    let start = reader.position();
                    reader.skip()?;
                    let is_wanted = reader.since(start) == bytes.as_slice();
                    if is_wanted {
                        return part(reader).map(Some);
                    }
                    reader.skip()?;
                }
                Ok(None)
            }
            _ => Ok(None),
        })?;
        let before = self.part.as_ref().map_or(0, |part| part.start);
        Ok(found.map(|found| Self {
            part: Some(before + found.start..before + found.end),
            ..self.clone()
        }))
    }

    fn read<T>(&self, read: impl FnOnce(&mut Reader<'_>) -> Result<T, Fault>) -> Result<T> {
        let mut reader = self.reader().map_err(|fault| self.invalid(fault))?;
        read(&mut reader).map_err(|fault| self.invalid(fault))
    }

    fn reader(&self) -> Result<Reader<'_>, Fault> {
        match &self.part {
            None => Datum::open(&self.bytes),
            Some(part) => Ok(Reader::new(
                self.bytes.get(part.clone()).unwrap_or_default(),
            )),
        }
    }

    fn invalid(&self, fault: Fault) -> Box<Error> {
        Box::new(Error::ObjectInvalid {
            kind: Kind::Datum,
            id: self.id.into(),
            fault,
        })
    }
}

/// Returns where the next item is.
fn part(reader: &mut Reader<'_>) -> Result<Range<usize>, Fault> {
    let start = reader.position();
    reader.skip()?;
    Ok(start..reader.position())
}
