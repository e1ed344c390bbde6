//! Reading values.

use num_bigint::{BigInt, Sign};

use crate::cbor::{Reader, Token, tag};
use crate::error::{Fault, FaultKind};
use crate::value::{Int, MAX_BYTES, MAX_DEPTH, Map, Runnable, Set, Uri, Value};

use super::RUNNABLE;

/// A container under way.
enum Partial<'b> {
    List {
        items: Vec<Value>,
        left: usize,
    },
    Set {
        items: Vec<Value>,
        left: usize,
        order: Order<'b>,
    },
    Map {
        entries: Vec<(Value, Value)>,
        left: usize,
        order: Order<'b>,
        /// The key whose value comes next.
        key: Option<Value>,
    },
    Runnable {
        uri: Uri,
        adapter: String,
        /// Comes first, then the sub.
        kwargs: Option<Map>,
        sub: Option<Box<Runnable>>,
    },
}

/// The encoding that the next key or element must come after.
#[derive(Default)]
struct Order<'b>(Option<&'b [u8]>);

impl<'b> Order<'b> {
    fn check(&mut self, reader: &Reader<'b>, start: usize) -> Result<(), Fault> {
        let bytes = reader.since(start);
        if let Some(earlier) = self.0.replace(bytes)
            && earlier >= bytes
        {
            let detail = if earlier == bytes {
                "repeated"
            } else {
                "out of order"
            };
            return Err(reader.fault(FaultKind::Payload, format!("key or element {detail}")));
        }
        Ok(())
    }
}

/// Reads the next value.
pub(crate) fn read_value(reader: &mut Reader<'_>) -> Result<Value, Fault> {
    let first = reader.position();
    // Containers under way, each with the place where it began.
    let mut stack: Vec<(Partial<'_>, usize)> = Vec::new();
    loop {
        let start = reader.position();
        if stack.len() >= MAX_DEPTH {
            let detail = format!("nested over {MAX_DEPTH} deep");
            return Err(reader.fault(FaultKind::Bounds, detail));
        }
        let mut done = match begin(reader, &stack)? {
            Begun::Whole(value) => Some((value, start)),
            Begun::Partial(partial) => {
                stack.push((partial, start));
                None
            }
            Begun::Runnable(partial, kwargs) => {
                stack.push((partial, start));
                stack.push((kwargs, start));
                None
            }
        };
        // Hand what is complete to what holds it, as long as that completes it.
        loop {
            if let Some((value, start)) = done.take() {
                match stack.last_mut() {
                    Some((holder, _)) => give(reader, holder, value, start)?,
                    None if reader.position() - first > MAX_BYTES => {
                        let detail = format!("value over {MAX_BYTES} bytes");
                        return Err(reader.fault(FaultKind::Bounds, detail));
                    }
                    None => return Ok(value),
                }
            }
            match stack.pop() {
                Some((partial, start)) => match finish(reader, partial) {
                    Ok(value) => done = Some((value, start)),
                    Err(partial) => {
                        stack.push((partial, start));
                        break;
                    }
                },
                None => break,
            }
        }
    }
}

enum Begun<'b> {
    Whole(Value),
    Partial(Partial<'b>),
    /// A runnable and the map of its kwargs.
    Runnable(Partial<'b>, Partial<'b>),
}

/// Reads a scalar, or the head of a container.
fn begin<'b>(reader: &mut Reader<'b>, stack: &[(Partial<'_>, usize)]) -> Result<Begun<'b>, Fault> {
    let token = reader.token()?;
    if let Some((Partial::Runnable { .. }, _)) = stack.last()
        && token != Token::Tag(tag::OBJECT)
    {
        return Err(reader.fault(FaultKind::Kind, "a runnable's sub must be a runnable"));
    }
    Ok(Begun::Whole(match token {
        Token::Null => Value::Null,
        Token::Bool(value) => Value::Bool(value),
        Token::Unsigned(number) => Value::Int(match i64::try_from(number) {
            Ok(small) => small.into(),
            Err(_) => BigInt::from(number).into(),
        }),
        Token::Negative(number) => Value::Int(match i64::try_from(number) {
            Ok(small) => (!small).into(),
            Err(_) => Int::from(-BigInt::from(number) - 1),
        }),
        Token::Float(number) => Value::Float(number.into()),
        Token::Text(text) => Value::String(text.to_owned()),
        Token::Bytes(bytes) => Value::Bytes(bytes.to_vec()),
        Token::Tag(tag::URI) => Value::Uri(read_uri(reader)?),
        Token::Tag(tag::BIG_POSITIVE) => Value::Int(read_big(reader)?.into()),
        Token::Tag(tag::BIG_NEGATIVE) => Value::Int(Int::from(-read_big(reader)? - 1)),
        Token::Array(left) => {
            return Ok(Begun::Partial(Partial::List {
                items: Vec::with_capacity(left.min(PREALLOCATE)),
                left,
            }));
        }
        Token::Tag(tag::SET) => {
            let left = reader.array()?;
            return Ok(Begun::Partial(Partial::Set {
                items: Vec::with_capacity(left.min(PREALLOCATE)),
                left,
                order: Order::default(),
            }));
        }
        Token::Map(left) => return Ok(Begun::Partial(new_map(left))),
        Token::Tag(tag::OBJECT) => return read_runnable(reader, stack.len() + 1),
        Token::Tag(other) => {
            return Err(reader.fault(FaultKind::Kind, format!("unknown tag {other}")));
        }
    }))
}

/// The most items to make room for on the word of a head alone: a value takes
/// many times the memory of its smallest encoding.
const PREALLOCATE: usize = 1 << 16;

fn new_map<'b>(left: usize) -> Partial<'b> {
    Partial::Map {
        entries: Vec::with_capacity(left.min(PREALLOCATE)),
        left,
        order: Order::default(),
        key: None,
    }
}

/// Puts the complete `value`, which began at `start`, into its holder.
fn give<'b>(
    reader: &Reader<'b>,
    holder: &mut Partial<'b>,
    value: Value,
    start: usize,
) -> Result<(), Fault> {
    match holder {
        Partial::List { items, left } => {
            items.push(value);
            *left -= 1;
        }
        Partial::Set { items, left, order } => {
            order.check(reader, start)?;
            items.push(value);
            *left -= 1;
        }
        Partial::Map {
            entries,
            left,
            order,
            key,
        } => {
            if let Some(key) = key.take() {
                entries.push((key, value));
                *left -= 1;
                return Ok(());
            }
            order.check(reader, start)?;
            if !value.is_scalar() {
                let detail = format!("a {} cannot be a key", value.type_name());
                return Err(reader.fault(FaultKind::Kind, detail));
            }
            *key = Some(value);
        }
        Partial::Runnable { kwargs, sub, .. } => match value {
            Value::Map(map) if kwargs.is_none() => {
                if map
                    .as_slice()
                    .iter()
                    .any(|(key, _)| !matches!(key, Value::String(_)))
                {
                    return Err(reader.fault(FaultKind::Kind, "a runnable's kwargs have text keys"));
                }
                *kwargs = Some(map);
            }
            Value::Runnable(inner) => *sub = Some(inner),
            _ => return Err(reader.fault(FaultKind::Kind, "a runnable's sub must be a runnable")),
        },
    }
    Ok(())
}

/// The value of a container to which nothing is left to add; or the container.
fn finish<'b>(reader: &mut Reader<'b>, partial: Partial<'b>) -> Result<Value, Partial<'b>> {
    match partial {
        Partial::List { items, left: 0 } => Ok(Value::List(items)),
        Partial::Set { items, left: 0, .. } => Ok(Value::Set(Set::from_sorted(items))),
        Partial::Map {
            entries, left: 0, ..
        } => Ok(Value::Map(Map::from_sorted(entries))),
        Partial::Runnable {
            uri,
            adapter,
            kwargs: Some(kwargs),
            sub,
        } => {
            if sub.is_none() && !reader.is_null() {
                return Err(Partial::Runnable {
                    uri,
                    adapter,
                    kwargs: Some(kwargs),
                    sub,
                });
            }
            Ok(Value::Runnable(Box::new(Runnable {
                uri,
                adapter,
                kwargs,
                sub,
            })))
        }
        partial => Err(partial),
    }
}

/// Reads a runnable up to the head of its kwargs.
fn read_runnable<'b>(reader: &mut Reader<'b>, depth: usize) -> Result<Begun<'b>, Fault> {
    if depth >= MAX_DEPTH {
        return Err(reader.fault(FaultKind::Bounds, format!("nested over {MAX_DEPTH} deep")));
    }
    reader.array_of(5)?;
    let name = reader.text()?;
    if name != RUNNABLE {
        return Err(reader.fault(FaultKind::Kind, format!("unknown object {name:?}")));
    }
    let uri = match reader.token()? {
        Token::Tag(tag::URI) => read_uri(reader)?,
        _ => return Err(reader.fault(FaultKind::Kind, "a runnable's uri must be a URI")),
    };
    let runnable = Partial::Runnable {
        uri,
        adapter: reader.text()?.to_owned(),
        kwargs: None,
        sub: None,
    };
    Ok(Begun::Runnable(runnable, new_map(reader.map()?)))
}

fn read_uri(reader: &mut Reader<'_>) -> Result<Uri, Fault> {
    let text = reader.text()?.to_owned();
    Uri::from_canonical(text).map_err(|error| reader.fault(FaultKind::Payload, error.to_string()))
}

/// The magnitude of an integer that 64 bits cannot hold.
fn read_big(reader: &mut Reader<'_>) -> Result<BigInt, Fault> {
    let bytes = reader.bytes()?;
    if bytes.len() <= 8 || bytes.first() == Some(&0) {
        return Err(reader.fault(FaultKind::Payload, "big integer is not the shortest"));
    }
    Ok(BigInt::from_bytes_be(Sign::Plus, bytes))
}
