//! Writing values.

use std::slice::Iter;

use num_bigint::Sign;

use crate::cbor::{Writer, major, tag};
use crate::fault::ValueError;
use crate::id::ObjectId;
use crate::value::{Blob, Int, MAX_BYTES, MAX_DEPTH, Runnable, Uri, Value};

use super::{BLOB, BLOB_ITEMS, RUNNABLE};

/// What is left to write of a value that has begun.
enum Rest<'v> {
    /// The items of a list or set.
    Items(Iter<'v, Value>),
    /// The entries of a map.
    Entries(Iter<'v, (Value, Value)>),
    /// What a runnable wraps.
    Sub(Option<&'v Runnable>),
}

/// Containers under way, each with the depth of what it holds.
type Stack<'v> = Vec<(Rest<'v>, usize)>;

/// Appends `value` to `writer`.
pub(crate) fn write_value(writer: &mut Writer, value: &Value) -> Result<(), ValueError> {
    let start = writer.len();
    let mut stack = Stack::new();
    begin(writer, value, 1, &mut stack)?;
    while let Some((rest, depth)) = stack.last_mut() {
        let depth = *depth;
        match rest {
            Rest::Items(items) => match items.next() {
                Some(item) => begin(writer, item, depth, &mut stack)?,
                None => drop(stack.pop()),
            },
            Rest::Entries(entries) => match entries.next() {
                Some((key, value)) => {
                    // A key is a scalar: written at once.
                    begin(writer, key, depth, &mut stack)?;
                    begin(writer, value, depth, &mut stack)?;
                }
                None => drop(stack.pop()),
            },
            Rest::Sub(sub) => {
                let sub = *sub;
                stack.pop();
                match sub {
                    Some(sub) => begin_runnable(writer, sub, depth, &mut stack)?,
                    None => writer.null(),
                }
            }
        }
        if writer.len() - start > MAX_BYTES {
            return Err(ValueError::TooLarge { limit: MAX_BYTES });
        }
    }
    if writer.len() - start > MAX_BYTES {
        return Err(ValueError::TooLarge { limit: MAX_BYTES });
    }
    Ok(())
}

/// Writes a scalar, or the head of a container, which goes on the stack.
fn begin<'v>(
    writer: &mut Writer,
    value: &'v Value,
    depth: usize,
    stack: &mut Stack<'v>,
) -> Result<(), ValueError> {
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
        Value::List(items) => {
            writer.array(items.len());
            stack.push((Rest::Items(items.iter()), depth + 1));
        }
        Value::Set(set) => {
            writer.tag(tag::SET);
            writer.array(set.len());
            stack.push((Rest::Items(set.as_slice().iter()), depth + 1));
        }
        Value::Map(map) => {
            writer.map(map.len());
            stack.push((Rest::Entries(map.as_slice().iter()), depth + 1));
        }
        Value::Runnable(runnable) => begin_runnable(writer, runnable, depth, stack)?,
        Value::Blob(blob) => write_blob(writer, blob),
    }
    Ok(())
}

fn begin_runnable<'v>(
    writer: &mut Writer,
    runnable: &'v Runnable,
    depth: usize,
    stack: &mut Stack<'v>,
) -> Result<(), ValueError> {
    let kwargs = runnable.kwargs.as_slice();
    if let Some((key, _)) = kwargs
        .iter()
        .find(|(key, _)| !matches!(key, Value::String(_)))
    {
        return Err(ValueError::KwargNotString {
            key_type: key.type_name(),
        });
    }
    if depth >= MAX_DEPTH {
        return Err(ValueError::TooDeep { limit: MAX_DEPTH });
    }
    writer.tag(tag::OBJECT);
    writer.array(5);
    writer.text(RUNNABLE);
    write_uri(writer, &runnable.uri);
    writer.text(&runnable.adapter);
    writer.map(kwargs.len());
    stack.push((Rest::Sub(runnable.sub.as_deref()), depth + 1));
    stack.push((Rest::Entries(kwargs.iter()), depth + 2));
    Ok(())
}

fn write_blob(writer: &mut Writer, blob: &Blob) {
    writer.met_blob = true;
    writer.tag(tag::OBJECT);
    writer.array(BLOB_ITEMS);
    writer.text(BLOB);
    writer.uint(blob.size);
    writer.bytes(ObjectId::from(blob.id).as_bytes());
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
