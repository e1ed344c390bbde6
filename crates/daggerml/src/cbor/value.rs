//! Values as canonical CBOR.

use num_bigint::{BigInt, Sign};

use crate::error::{Fault, FaultKind, ValueError};
use crate::value::{Int, MAX_BYTES, MAX_DEPTH, Map, Runnable, Set, Uri, Value};

use super::{Reader, Token, Writer, major, tag};

/// The type name of a runnable under [`tag::OBJECT`].
const RUNNABLE: &str = "daggerml.Runnable";

/// The canonical bytes of `value`.
///
/// Errors when the value is nested deeper than [`MAX_DEPTH`] or takes more than
/// [`MAX_BYTES`].
pub fn encode_value(value: &Value) -> Result<Vec<u8>, ValueError> {
    let mut writer = Writer::new();
    write_value(&mut writer, value)?;
    Ok(writer.into_bytes())
}

/// The value whose canonical bytes are exactly `bytes`.
pub fn decode_value(bytes: &[u8]) -> Result<Value, Fault> {
    let mut reader = Reader::new(bytes);
    let value = read_value(&mut reader)?;
    reader.finish()?;
    Ok(value)
}

/// Appends `value` to `writer`.
pub(crate) fn write_value(writer: &mut Writer, value: &Value) -> Result<(), ValueError> {
    let start = writer.len();
    write(writer, value, start, 1)
}

fn write(writer: &mut Writer, value: &Value, start: usize, depth: usize) -> Result<(), ValueError> {
    if depth > MAX_DEPTH {
        return Err(ValueError::TooDeep { limit: MAX_DEPTH });
    }
    match value {
        Value::Null => writer.null(),
        Value::Bool(value) => writer.bool(*value),
        Value::Int(number) => write_int(writer, number),
        Value::Float(number) => writer.float(number.get()),
        Value::String(text) => writer.text(text),
        Value::Bytes(bytes) => writer.bytes(bytes),
        Value::Uri(uri) => write_uri(writer, uri),
        Value::List(items) => write_items(writer, items, start, depth)?,
        Value::Set(set) => {
            writer.tag(tag::SET);
            write_items(writer, set.as_slice(), start, depth)?;
        }
        Value::Map(map) => write_map(writer, map, start, depth)?,
        Value::Runnable(runnable) => write_runnable(writer, runnable, start, depth)?,
    }
    if writer.len() - start > MAX_BYTES {
        return Err(ValueError::TooLarge { limit: MAX_BYTES });
    }
    Ok(())
}

fn write_items(
    writer: &mut Writer,
    items: &[Value],
    start: usize,
    depth: usize,
) -> Result<(), ValueError> {
    writer.array(items.len());
    items
        .iter()
        .try_for_each(|item| write(writer, item, start, depth + 1))
}

fn write_map(writer: &mut Writer, map: &Map, start: usize, depth: usize) -> Result<(), ValueError> {
    writer.map(map.len());
    map.as_slice().iter().try_for_each(|(key, value)| {
        write(writer, key, start, depth + 1)?;
        write(writer, value, start, depth + 1)
    })
}

fn write_uri(writer: &mut Writer, uri: &Uri) {
    writer.tag(tag::URI);
    writer.text(uri.as_str());
}

fn write_int(writer: &mut Writer, number: &Int) {
    if let Some(small) = number.to_i64() {
        writer.int(small);
        return;
    }
    let big = number.to_big();
    let (negative, magnitude) = match big.sign() {
        Sign::Minus => (true, (-big - 1u8).into_parts().1),
        _ => (false, big.into_parts().1),
    };
    if let Ok(argument) = u64::try_from(&magnitude) {
        let kind = if negative {
            major::NEGATIVE
        } else {
            major::UNSIGNED
        };
        writer.head(kind, argument);
    } else {
        writer.tag(if negative {
            tag::BIG_NEGATIVE
        } else {
            tag::BIG_POSITIVE
        });
        writer.bytes(&magnitude.to_bytes_be());
    }
}

fn write_runnable(
    writer: &mut Writer,
    runnable: &Runnable,
    start: usize,
    depth: usize,
) -> Result<(), ValueError> {
    if let Some((key, _)) = runnable
        .kwargs
        .as_slice()
        .iter()
        .find(|(key, _)| !matches!(key, Value::String(_)))
    {
        return Err(ValueError::KwargNotString {
            key_type: key.type_name(),
        });
    }
    if depth > MAX_DEPTH {
        return Err(ValueError::TooDeep { limit: MAX_DEPTH });
    }
    writer.tag(tag::OBJECT);
    writer.array(5);
    writer.text(RUNNABLE);
    write_uri(writer, &runnable.uri);
    writer.text(&runnable.adapter);
    write_map(writer, &runnable.kwargs, start, depth + 1)?;
    match &runnable.sub {
        None => writer.null(),
        Some(sub) => write_runnable(writer, sub, start, depth + 1)?,
    }
    Ok(())
}

/// Reads the next value.
pub(crate) fn read_value(reader: &mut Reader<'_>) -> Result<Value, Fault> {
    let start = reader.position();
    let value = read(reader, 1)?;
    if reader.position() - start > MAX_BYTES {
        return Err(reader.fault(FaultKind::Bounds, format!("value over {MAX_BYTES} bytes")));
    }
    Ok(value)
}

fn read(reader: &mut Reader<'_>, depth: usize) -> Result<Value, Fault> {
    if depth > MAX_DEPTH {
        return Err(reader.fault(FaultKind::Bounds, format!("nested over {MAX_DEPTH} deep")));
    }
    Ok(match reader.token()? {
        Token::Null => Value::Null,
        Token::Bool(value) => Value::Bool(value),
        Token::Unsigned(number) => Value::Int(BigInt::from(number).into()),
        Token::Negative(number) => Value::Int(Int::from(-BigInt::from(number) - 1)),
        Token::Float(number) => Value::Float(number.into()),
        Token::Text(text) => Value::String(text.to_owned()),
        Token::Bytes(bytes) => Value::Bytes(bytes.to_vec()),
        Token::Array(length) => Value::List(read_items(reader, length, depth)?),
        Token::Map(length) => Value::Map(read_map(reader, length, depth)?),
        Token::Tag(tag::URI) => Value::Uri(read_uri(reader)?),
        Token::Tag(tag::SET) => Value::Set(read_set(reader, depth)?),
        Token::Tag(tag::OBJECT) => Value::Runnable(Box::new(read_runnable(reader, depth)?)),
        Token::Tag(tag::BIG_POSITIVE) => Value::Int(read_big(reader)?.into()),
        Token::Tag(tag::BIG_NEGATIVE) => Value::Int(Int::from(-read_big(reader)? - 1)),
        Token::Tag(other) => {
            return Err(reader.fault(FaultKind::Kind, format!("unknown tag {other}")));
        }
    })
}

fn read_items(reader: &mut Reader<'_>, length: usize, depth: usize) -> Result<Vec<Value>, Fault> {
    (0..length).map(|_| read(reader, depth + 1)).collect()
}

/// Checks that `bytes` come after the key or element before them.
fn check_order<'a>(
    reader: &Reader<'a>,
    before: &mut Option<&'a [u8]>,
    bytes: &'a [u8],
) -> Result<(), Fault> {
    if let Some(earlier) = before.replace(bytes)
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

fn read_set(reader: &mut Reader<'_>, depth: usize) -> Result<Set, Fault> {
    let length = reader.array()?;
    let mut before = None;
    let mut items = Vec::with_capacity(length);
    for _ in 0..length {
        let start = reader.position();
        items.push(read(reader, depth + 1)?);
        check_order(reader, &mut before, reader.since(start))?;
    }
    Ok(Set::from_sorted(items))
}

fn read_map(reader: &mut Reader<'_>, length: usize, depth: usize) -> Result<Map, Fault> {
    let mut before = None;
    let mut entries = Vec::with_capacity(length);
    for _ in 0..length {
        let start = reader.position();
        let key = read(reader, depth + 1)?;
        check_order(reader, &mut before, reader.since(start))?;
        if !key.is_scalar() {
            let detail = format!("a {} cannot be a key", key.type_name());
            return Err(reader.fault(FaultKind::Kind, detail));
        }
        entries.push((key, read(reader, depth + 1)?));
    }
    Ok(Map::from_sorted(entries))
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

fn read_runnable(reader: &mut Reader<'_>, depth: usize) -> Result<Runnable, Fault> {
    if depth > MAX_DEPTH {
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
    let adapter = reader.text()?.to_owned();
    let length = reader.map()?;
    let kwargs = read_map(reader, length, depth + 1)?;
    if kwargs
        .as_slice()
        .iter()
        .any(|(key, _)| !matches!(key, Value::String(_)))
    {
        return Err(reader.fault(FaultKind::Kind, "a runnable's kwargs have text keys"));
    }
    let sub = if reader.is_null() {
        None
    } else {
        match reader.token()? {
            Token::Tag(tag::OBJECT) => Some(Box::new(read_runnable(reader, depth + 1)?)),
            _ => return Err(reader.fault(FaultKind::Kind, "a runnable's sub must be one")),
        }
    };
    Ok(Runnable {
        uri,
        adapter,
        kwargs,
        sub,
    })
}
