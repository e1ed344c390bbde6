//! Values of daggerml 0.1 as ours.

use std::fmt::Write as _;

use super::convert::{Converter, Made};
use super::packed::Packed;
use crate::error::Result;
use crate::id::DatumId;
use crate::record::{Datum, ErrorInfo};
use crate::value::{MAX_BYTES, MAX_DEPTH, Map, Runnable, Uri, Value};

impl Converter<'_, '_, '_> {
    pub(super) fn value(&self, reference: &str) -> Result<(&Value, usize, usize), String> {
        match self.made.get(reference) {
            Some(Made::Value(value, size, depth)) => Ok((value, *size, *depth)),
            _ => Err(format!("{reference} is no value")),
        }
    }

    pub(super) fn list(&self, object: &Packed) -> Result<Made, String> {
        let mut bounds = Bounds::default();
        let mut items = Vec::new();
        for item in object.field("data")?.list()? {
            let found = self.value(item.reference()?)?;
            bounds.add(found.1, found.2)?;
            items.push(found.0.clone());
        }
        Ok(bounds.made(Value::List(items)))
    }

    fn entries(&self, object: &Packed) -> Result<(Map, Bounds), String> {
        let mut bounds = Bounds::default();
        let mut entries = Vec::new();
        for (key, item) in object.field("data")?.map()? {
            let found = self.value(item.reference()?)?;
            bounds.add(found.1 + key.len(), found.2)?;
            entries.push((Value::String(key.clone()), found.0.clone()));
        }
        let map = Map::new(entries).map_err(|error| error.to_string())?;
        Ok((map, bounds))
    }

    pub(super) fn dict(&self, object: &Packed) -> Result<Made, String> {
        let (map, bounds) = self.entries(object)?;
        Ok(bounds.made(Value::Map(map)))
    }

    pub(super) fn runnable(&self, object: &Packed) -> Result<Made, String> {
        let mut bounds = Bounds::default();
        let target = self.value(object.field("target")?.reference()?)?;
        let Value::Uri(uri) = target.0 else {
            return Err("its target is no URI".to_owned());
        };
        bounds.add(target.1, target.2)?;
        let kwargs = self.value(object.field("kwargs")?.reference()?)?;
        let Value::Map(map) = kwargs.0 else {
            return Err("its kwargs are no map".to_owned());
        };
        bounds.add(kwargs.1, kwargs.2)?;
        let sub = match object.field("sub")?.reference_or_none()? {
            None => None,
            Some(sub) => {
                let found = self.value(sub)?;
                bounds.add(found.1, found.2)?;
                match found.0 {
                    Value::Runnable(sub) => Some(sub.clone()),
                    _ => return Err("what it wraps is no runnable".to_owned()),
                }
            }
        };
        let runnable = Runnable {
            uri: uri.clone(),
            adapter: object.field("adapter")?.text()?.to_owned(),
            kwargs: map.clone(),
            sub,
        };
        Ok(bounds.made(Value::Runnable(Box::new(runnable))))
    }

    /// Returns a URI; text that is none gets a scheme of its own, and is reported.
    pub(super) fn uri(&mut self, text: &str) -> Result<Uri> {
        if let Ok(uri) = Uri::new(text) {
            return Ok(uri);
        }
        let mut escaped = String::from("daggerml-0.1:");
        for byte in text.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
                escaped.push(char::from(byte));
            } else {
                let _ = write!(escaped, "%{byte:02X}");
            }
        }
        self.uris.insert(text.to_owned(), escaped.clone());
        Ok(Uri::new(&escaped)?)
    }

    /// Stores the value that a node refers to as `value`.
    pub(super) fn datum_of(&mut self, name: &str, object: &Packed) -> Result<DatumId> {
        let source = self.source;
        let broken = |detail: String| source.broken(name, &detail);
        let reference = object.field("value").and_then(Packed::reference);
        let reference = reference.map_err(broken)?;
        let (value, ..) = self.value(reference).map_err(broken)?;
        let datum = Datum {
            value: value.clone(),
        };
        self.txn.save(&datum)
    }
}

/// The size and depth of a value that is made.
#[derive(Clone, Copy, Default)]
struct Bounds {
    size: usize,
    depth: usize,
}

impl Bounds {
    fn add(&mut self, size: usize, depth: usize) -> Result<(), String> {
        self.size = self.size.saturating_add(size).saturating_add(1);
        self.depth = self.depth.max(depth);
        if self.size > MAX_BYTES {
            return Err("the value is larger than 64 MiB".to_owned());
        }
        if self.depth >= MAX_DEPTH {
            return Err("the value is nested too deeply".to_owned());
        }
        Ok(())
    }

    fn made(self, value: Value) -> Made {
        Made::Value(value, self.size + 1, self.depth + 1)
    }
}

pub(super) fn scalar(object: &Packed) -> Result<Made, String> {
    let value = plain(object.field("data")?)?;
    let size = match &value {
        Value::String(text) => text.len(),
        _ => 1,
    };
    Ok(Made::Value(value, size, 1))
}

/// Returns a value that holds no refs.
fn plain(packed: &Packed) -> Result<Value, String> {
    Ok(match packed {
        Packed::Null => Value::Null,
        Packed::Bool(value) => Value::Bool(*value),
        Packed::Int(number) => Value::Int(num_bigint::BigInt::from(*number).into()),
        Packed::Float(number) => Value::from(*number),
        Packed::Text(text) => Value::String(text.clone()),
        Packed::List(items) => Value::List(items.iter().map(plain).collect::<Result<_, _>>()?),
        Packed::Map(entries) => {
            let entries = entries
                .iter()
                .map(|(key, item)| Ok((Value::String(key.clone()), plain(item)?)))
                .collect::<Result<_, String>>()?;
            Value::Map(Map::new(entries).map_err(|error| error.to_string())?)
        }
        Packed::Ref(name) => return Err(format!("{name} is where a plain value is wanted")),
    })
}

pub(super) fn error(object: &Packed) -> Result<ErrorInfo, String> {
    let text = |field| object.field(field)?.text().map(str::to_owned);
    let stack = object.field("stack")?.list()?;
    Ok(ErrorInfo {
        origin: text("origin")?,
        kind: text("type")?,
        message: text("message")?,
        stack: stack.iter().map(plain).collect::<Result<_, _>>()?,
    })
}
