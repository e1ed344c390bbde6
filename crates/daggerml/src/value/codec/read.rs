//! Reading values.

use num_bigint::{BigInt, Sign};

use crate::cbor::{Reader, Token, tag};
use crate::fault::{Fault, FaultKind};
use crate::id::{BlobId, ObjectId, TypedId};
use crate::value::{
    Blob, Builder, MAX_BYTES, MAX_DEPTH, Scalar, Stopped, Uri, Value, ValueBuilder,
};

use super::{BLOB, BLOB_ITEMS, RUNNABLE};

type Told<E> = Result<(), Stopped<E>>;

/// A container under way.
struct Partial<'b> {
    holds: Holds<'b>,
    /// How many items there are: parts, or entries of a map.
    length: usize,
    /// How many are to come.
    left: usize,
    /// Where it began.
    start: usize,
    /// The encoding that the next key or element must come after.
    earlier: Option<&'b [u8]>,
}

/// What a container holds.
enum Holds<'b> {
    /// A list's items.
    Items,
    /// A set's elements.
    Elements,
    /// A map's entries.
    Entries {
        /// Whether a key comes next, or its value.
        key: bool,
        /// Whether keys must be text: in a runnable's kwargs.
        text: bool,
    },
    /// A runnable's kwargs and what it wraps.
    Runnable { uri: Uri, adapter: &'b str },
}

/// Reads the next value.
pub(crate) fn read_value(reader: &mut Reader<'_>) -> Result<Value, Fault> {
    let mut builder = ValueBuilder::default();
    build_value(reader, &mut builder).map_err(Stopped::into_source)?;
    Ok(builder.into_value())
}

/// Tells `builder` the next value.
pub(crate) fn build_value<'b, B: Builder<'b>>(
    reader: &mut Reader<'b>,
    builder: &mut B,
) -> Told<B::Error> {
    let first = reader.position();
    let mut stack: Vec<Partial<'b>> = Vec::new();
    loop {
        if stack.len() >= MAX_DEPTH {
            return Err(too_deep(reader).into());
        }
        if let Some(holder) = stack.last_mut() {
            holder.take_quickly(reader, builder)?;
        }
        // Where the item begins that is complete.
        let mut start = reader.position();
        let mut complete = begin(reader, builder, &mut stack)?;
        loop {
            match stack.last_mut() {
                None => return check_size(reader, first),
                Some(holder) if complete => holder.take(reader, start)?,
                Some(_) => complete = true,
            }
            // What holds it may be complete by that.
            match stack.pop_if(|holder| holder.left == 0) {
                Some(holder) => start = holder.end(builder)?,
                None => break,
            }
        }
    }
}

fn check_size<E>(reader: &Reader<'_>, first: usize) -> Told<E> {
    if reader.position() - first > MAX_BYTES {
        let detail = format!("value over {MAX_BYTES} bytes");
        return Err(reader.fault(FaultKind::Bounds, detail).into());
    }
    Ok(())
}

fn too_deep(reader: &Reader<'_>) -> Fault {
    reader.fault(FaultKind::Bounds, format!("nested over {MAX_DEPTH} deep"))
}

impl<'b> Partial<'b> {
    fn new(holds: Holds<'b>, length: usize, start: usize) -> Self {
        Self {
            holds,
            length,
            left: length,
            start,
            earlier: None,
        }
    }

    /// Counts a part that is complete and began at `start`.
    fn take(&mut self, reader: &Reader<'b>, start: usize) -> Result<(), Fault> {
        match &mut self.holds {
            Holds::Entries {
                key: key @ true, ..
            } => {
                *key = false;
                return self.check_order(reader, start);
            }
            Holds::Entries { key, .. } => *key = true,
            Holds::Elements => self.check_order(reader, start)?,
            Holds::Items | Holds::Runnable { .. } => {}
        }
        self.left -= 1;
        Ok(())
    }

    /// Tells parts that are quick to read, as long as they come; the last one is left.
    fn take_quickly<B: Builder<'b>>(
        &mut self,
        reader: &mut Reader<'b>,
        builder: &mut B,
    ) -> Told<B::Error> {
        match self.holds {
            // The elements of a list are mostly of one kind, so floats, which are the quickest to
            // read, have a loop of their own. The other loop leads to it when it meets a float.
            Holds::Items => loop {
                while self.left > 1
                    && let Some(number) = reader.quick_float()
                {
                    builder.float(number).map_err(Stopped::Builder)?;
                    self.left -= 1;
                }
                let mut told = Quick::Other;
                while self.left > 1 && told == Quick::Other {
                    told = tell_quickly(reader, builder).map_err(Stopped::Builder)?;
                    self.left -= usize::from(told != Quick::Nothing);
                }
                if told != Quick::Float {
                    break;
                }
            },
            Holds::Entries { key: true, text } => {
                // The keys that are in order, with a value each; a key may be all that was quick.
                while self.left > 1 {
                    let start = reader.position();
                    let Some(Token::Text(key)) = reader.quick() else {
                        reader.back_to(start);
                        break;
                    };
                    let bytes = reader.since(start);
                    if self.earlier.is_some_and(|earlier| earlier >= bytes) {
                        reader.back_to(start);
                        break;
                    }
                    self.earlier = Some(bytes);
                    let told = builder.key(Scalar::String(key));
                    told.map_err(Stopped::Builder)?;
                    let told = tell_quickly(reader, builder).map_err(Stopped::Builder)?;
                    if told == Quick::Nothing {
                        self.holds = Holds::Entries { key: false, text };
                        break;
                    }
                    self.left -= 1;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn check_order(&mut self, reader: &Reader<'b>, start: usize) -> Result<(), Fault> {
        let bytes = reader.since(start);
        match self.earlier.replace(bytes) {
            Some(earlier) if earlier >= bytes => {
                let detail = if earlier == bytes {
                    "key or element repeated"
                } else {
                    "key or element out of order"
                };
                Err(reader.fault(FaultKind::Payload, detail))
            }
            _ => Ok(()),
        }
    }

    /// Tells that all parts have been told; returns where the container began.
    fn end<B: Builder<'b>>(self, builder: &mut B) -> Result<usize, Stopped<B::Error>> {
        let told = match self.holds {
            Holds::Items => builder.list(self.length),
            Holds::Elements => builder.set(self.length),
            Holds::Entries { .. } => builder.map(self.length),
            Holds::Runnable { uri, adapter } => builder.runnable(uri, adapter),
        };
        told.map_err(Stopped::Builder)?;
        Ok(self.start)
    }
}

/// What [`tell_quickly`] told.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Quick {
    Nothing,
    Float,
    Other,
}

/// Tells the next item, if it is quick to read. Returns what it was.
fn tell_quickly<'b, B: Builder<'b>>(
    reader: &mut Reader<'b>,
    builder: &mut B,
) -> Result<Quick, B::Error> {
    match reader.quick() {
        Some(Token::Float(number)) => return builder.float(number).map(|()| Quick::Float),
        Some(Token::Unsigned(number)) => builder.int(number.cast_signed()), // of 32 bits at most
        Some(Token::Text(text)) => builder.scalar(Scalar::String(text)),
        Some(Token::Bool(value)) => builder.scalar(Scalar::Bool(value)),
        Some(Token::Null) => builder.scalar(Scalar::Null),
        _ => return Ok(Quick::Nothing),
    }?;
    Ok(Quick::Other)
}

/// Reads a scalar and tells it, or puts the head of a container on the stack;
/// returns whether it was a scalar.
fn begin<'b, B: Builder<'b>>(
    reader: &mut Reader<'b>,
    builder: &mut B,
    stack: &mut Vec<Partial<'b>>,
) -> Result<bool, Stopped<B::Error>> {
    let start = reader.position();
    let token = reader.token()?;
    let mut is_key = false;
    match stack.last().map(|holder| &holder.holds) {
        Some(Holds::Runnable { .. }) => check_sub(reader, &token)?,
        Some(Holds::Entries { key: true, text }) => {
            check_key(reader, &token, *text)?;
            is_key = true;
        }
        _ => {}
    }
    let scalar = match token {
        Token::Text(text) => Scalar::String(text),
        Token::Unsigned(number) => match i64::try_from(number) {
            Ok(small) => Scalar::Int(small),
            Err(_) => Scalar::Big(number.into()),
        },
        Token::Negative(number) => match i64::try_from(number) {
            Ok(small) => Scalar::Int(!small),
            Err(_) => Scalar::Big(-BigInt::from(number) - 1),
        },
        Token::Float(number) => Scalar::Float(number.into()),
        Token::Null => Scalar::Null,
        Token::Bool(value) => Scalar::Bool(value),
        Token::Bytes(bytes) => Scalar::Bytes(bytes),
        Token::Tag(tag::URI) => Scalar::Uri(read_uri(reader)?),
        Token::Tag(tag::BIG_POSITIVE) => Scalar::Big(read_big(reader)?),
        Token::Tag(tag::BIG_NEGATIVE) => Scalar::Big(-read_big(reader)? - 1),
        Token::Array(length) => {
            stack.push(Partial::new(Holds::Items, length, start));
            return Ok(false);
        }
        Token::Tag(tag::SET) => {
            let length = reader.array()?;
            stack.push(Partial::new(Holds::Elements, length, start));
            return Ok(false);
        }
        Token::Map(length) => {
            stack.push(Partial::new(entries(false), length, start));
            return Ok(false);
        }
        Token::Tag(tag::OBJECT) => {
            let items = reader.array()?;
            if items != BLOB_ITEMS {
                begin_runnable(reader, items, stack, start)?;
                return Ok(false);
            }
            if let Some(Holds::Runnable { .. }) = stack.last().map(|holder| &holder.holds) {
                return Err(no_runnable(reader).into());
            }
            Scalar::Blob(read_blob(reader)?.into())
        }
        Token::Tag(other) => {
            return Err(reader
                .fault(FaultKind::Kind, format!("unknown tag {other}"))
                .into());
        }
    };
    let told = if is_key {
        builder.key(scalar)
    } else {
        builder.scalar(scalar)
    };
    told.map_err(Stopped::Builder)?;
    Ok(true)
}

fn entries<'b>(text: bool) -> Holds<'b> {
    Holds::Entries { key: true, text }
}

fn check_sub(reader: &Reader<'_>, token: &Token<'_>) -> Result<(), Fault> {
    match token {
        Token::Null | Token::Tag(tag::OBJECT) => Ok(()),
        _ => Err(no_runnable(reader)),
    }
}

fn no_runnable(reader: &Reader<'_>) -> Fault {
    reader.fault(FaultKind::Kind, "a runnable's sub must be a runnable")
}

fn check_key(reader: &Reader<'_>, token: &Token<'_>, text: bool) -> Result<(), Fault> {
    let container = match token {
        Token::Text(_) => return Ok(()),
        _ if text => {
            return Err(reader.fault(FaultKind::Kind, "a runnable's kwargs have text keys"));
        }
        Token::Array(_) => "list",
        Token::Map(_) => "map",
        Token::Tag(tag::SET) => "set",
        Token::Tag(tag::OBJECT) => "runnable or blob",
        _ => return Ok(()),
    };
    Err(reader.fault(FaultKind::Kind, format!("a {container} cannot be a key")))
}

/// Reads a runnable up to the head of its kwargs.
fn begin_runnable<'b>(
    reader: &mut Reader<'b>,
    items: usize,
    stack: &mut Vec<Partial<'b>>,
    start: usize,
) -> Result<(), Fault> {
    if stack.len() + 1 >= MAX_DEPTH {
        return Err(too_deep(reader));
    }
    if items != 5 {
        let detail = format!("5 items expected, {items} found");
        return Err(reader.fault(FaultKind::Payload, detail));
    }
    let name = reader.text()?;
    if name != RUNNABLE {
        return Err(reader.fault(FaultKind::Kind, format!("unknown object {name:?}")));
    }
    let uri = match reader.token()? {
        Token::Tag(tag::URI) => read_uri(reader)?,
        _ => return Err(reader.fault(FaultKind::Kind, "a runnable's uri must be a URI")),
    };
    let adapter = reader.text()?;
    stack.push(Partial::new(Holds::Runnable { uri, adapter }, 2, start));
    let start = reader.position();
    let length = reader.map()?;
    stack.push(Partial::new(entries(true), length, start));
    Ok(())
}

fn read_blob(reader: &mut Reader<'_>) -> Result<Blob, Fault> {
    reader.met_blob = true;
    let name = reader.text()?;
    if name != BLOB {
        return Err(reader.fault(FaultKind::Kind, format!("unknown object {name:?}")));
    }
    let size = reader.uint()?;
    let id = reader.bytes()?.try_into().map(ObjectId::from_bytes);
    let id = id.map_err(|_| reader.fault(FaultKind::Payload, "the id of a blob has 32 bytes"))?;
    Ok(Blob {
        id: BlobId::from_object(id),
        size,
    })
}

fn read_uri(reader: &mut Reader<'_>) -> Result<Uri, Fault> {
    let text = reader.text()?.to_owned();
    Uri::from_canonical(text).map_err(|error| reader.fault(FaultKind::Payload, error.to_string()))
}

/// Returns the magnitude of an integer that 64 bits cannot hold.
fn read_big(reader: &mut Reader<'_>) -> Result<BigInt, Fault> {
    let bytes = reader.bytes()?;
    if bytes.len() <= 8 || bytes.first() == Some(&0) {
        return Err(reader.fault(FaultKind::Payload, "big integer is not the shortest"));
    }
    Ok(BigInt::from_bytes_be(Sign::Plus, bytes))
}
