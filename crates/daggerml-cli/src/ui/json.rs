//! JSON: the lossless form of values, and the form of errors.
//!
//! The mapping is part of the interface: `docs/spec/cli.md`, "Values in JSON".

use std::io::{self, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use daggerml::value::{Blob, Map, Runnable, Value};
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer as Serialization};
use serde_json::Serializer;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter};

use super::text;
use crate::error::CommandError;

/// The largest whole number that every JSON reader keeps exactly: 2^53 - 1.
const SAFE_INT: i64 = (1 << 53) - 1;

/// A value in its lossless JSON form.
#[derive(Clone, Copy, Debug)]
pub struct JsonValue<'v>(pub &'v Value);

impl Serialize for JsonValue<'_> {
    fn serialize<S: Serialization>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Null => serializer.serialize_unit(),
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::Int(value) => match value.to_i64() {
                Some(small) if (-SAFE_INT..=SAFE_INT).contains(&small) => {
                    serializer.serialize_i64(small)
                }
                _ => tagged(serializer, "$int", &value.to_string()),
            },
            Value::Float(value) => match value.get() {
                number if number.is_finite() => serializer.serialize_f64(number),
                number if number.is_nan() => tagged(serializer, "$float", "NaN"),
                number if number > 0.0 => tagged(serializer, "$float", "Infinity"),
                _ => tagged(serializer, "$float", "-Infinity"),
            },
            Value::String(value) => serializer.serialize_str(value),
            Value::Bytes(value) => tagged(serializer, "$bytes", &STANDARD.encode(value)),
            Value::Uri(value) => tagged(serializer, "$uri", value.as_str()),
            Value::List(items) => Items(items).serialize(serializer),
            Value::Set(items) => tagged(serializer, "$set", &Items(items.as_slice())),
            Value::Map(map) => JsonMap(map).serialize(serializer),
            Value::Blob(blob) => tagged(serializer, "$blob", &JsonBlob::new(blob)),
            Value::Runnable(runnable) => {
                tagged(serializer, "$runnable", &JsonRunnable::new(runnable))
            }
        }
    }
}

fn tagged<S: Serialization, T: Serialize + ?Sized>(
    serializer: S,
    tag: &str,
    content: &T,
) -> Result<S::Ok, S::Error> {
    let mut object = serializer.serialize_map(Some(1))?;
    object.serialize_entry(tag, content)?;
    object.end()
}

struct Items<'v>(&'v [Value]);

impl Serialize for Items<'_> {
    fn serialize<S: Serialization>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut array = serializer.serialize_seq(Some(self.0.len()))?;
        for item in self.0 {
            array.serialize_element(&JsonValue(item))?;
        }
        array.end()
    }
}

/// A map: an object when that is the same thing, else `{"$map": [[key, value], …]}`.
struct JsonMap<'v>(&'v Map);

impl Serialize for JsonMap<'_> {
    fn serialize<S: Serialization>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let entries = self.0.as_slice();
        let names: Option<Vec<&str>> = entries.iter().map(|(key, _)| plain_key(key)).collect();
        let Some(names) = names else {
            return tagged(serializer, "$map", &Entries(entries));
        };
        let mut object = serializer.serialize_map(Some(entries.len()))?;
        for (name, (_, value)) in names.iter().zip(entries) {
            object.serialize_entry(name, &JsonValue(value))?;
        }
        object.end()
    }
}

/// Returns a key that can be an object's: a string that is not mistaken for a tag.
fn plain_key(key: &Value) -> Option<&str> {
    match key {
        Value::String(text) if !text.starts_with('$') => Some(text),
        _ => None,
    }
}

struct Entries<'v>(&'v [(Value, Value)]);

impl Serialize for Entries<'_> {
    fn serialize<S: Serialization>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut array = serializer.serialize_seq(Some(self.0.len()))?;
        for (key, value) in self.0 {
            array.serialize_element(&(JsonValue(key), JsonValue(value)))?;
        }
        array.end()
    }
}

#[derive(Serialize)]
struct JsonBlob {
    id: String,
    size: u64,
}

impl JsonBlob {
    fn new(blob: &Blob) -> Self {
        Self {
            id: blob.id.to_string(),
            size: blob.size,
        }
    }
}

#[derive(Serialize)]
struct JsonRunnable<'v> {
    uri: &'v str,
    adapter: &'v str,
    kwargs: JsonMap<'v>,
    sub: Option<Box<JsonRunnable<'v>>>,
}

impl<'v> JsonRunnable<'v> {
    fn new(runnable: &'v Runnable) -> Self {
        Self {
            uri: runnable.uri.as_str(),
            adapter: &runnable.adapter,
            kwargs: JsonMap(&runnable.kwargs),
            sub: runnable.sub.as_deref().map(|sub| Box::new(Self::new(sub))),
        }
    }
}

/// Writes `document`, over several lines if `pretty`. What a terminal would obey is
/// written as escapes in strings, so that it is the same document and harmless.
pub fn write(
    out: &mut dyn Write, // not a type of its own for each reader: that would be compiled for each
    document: &impl Serialize,
    pretty: bool,
) -> serde_json::Result<()> {
    if pretty {
        let format = Harmless(PrettyFormatter::new());
        document.serialize(&mut Serializer::with_formatter(out, format))
    } else {
        let format = Harmless(CompactFormatter);
        document.serialize(&mut Serializer::with_formatter(out, format))
    }
}

/// The document `{NAME: [ITEM, …]}`, whose items are written as they are found. It is that
/// which [`write()`] makes of the whole.
pub struct JsonList {
    name: &'static str,
    pretty: bool,
    empty: bool,
}

impl JsonList {
    /// Makes a list. Nothing is written before the first item.
    pub fn new(name: &'static str, pretty: bool) -> Self {
        Self {
            name,
            pretty,
            empty: true,
        }
    }

    /// Writes an item. The first one is brought to the reader at once.
    pub fn item(&mut self, out: &mut dyn Write, item: &impl Serialize) -> io::Result<()> {
        let mut text = Vec::new();
        write(&mut text, item, self.pretty)?;
        let first = std::mem::take(&mut self.empty);
        if first {
            self.open(out)?;
        } else {
            out.write_all(b",")?;
        }
        if self.pretty {
            // Line ends are between tokens only: those in strings are escapes.
            for line in text.split(|byte| *byte == b'\n') {
                out.write_all(b"\n    ")?;
                out.write_all(line)?;
            }
        } else {
            out.write_all(&text)?;
        }
        if first { out.flush() } else { Ok(()) }
    }

    /// Writes the end.
    pub fn end(&self, out: &mut dyn Write) -> io::Result<()> {
        if self.empty {
            self.open(out)?;
        }
        let end = match (self.pretty, self.empty) {
            (false, _) => "]}\n",
            (true, true) => "]\n}\n",
            (true, false) => "\n  ]\n}\n",
        };
        out.write_all(end.as_bytes())
    }

    fn open(&self, out: &mut dyn Write) -> io::Result<()> {
        let name = self.name;
        if self.pretty {
            write!(out, "{{\n  \"{name}\": [")
        } else {
            write!(out, "{{\"{name}\":[")
        }
    }
}

/// A format in which unsafe characters are escapes.
struct Harmless<F>(F);

/// Hands a method to the format inside.
macro_rules! inside {
    ($($method:ident($($argument:ident: $kind:ty),*)),* $(,)?) => {
        $(fn $method<W: ?Sized + Write>(&mut self, to: &mut W $(, $argument: $kind)*) -> io::Result<()> {
            self.0.$method(to $(, $argument)*)
        })*
    };
}

impl<F: Formatter> Formatter for Harmless<F> {
    inside! {
        begin_array(), end_array(), begin_array_value(first: bool), end_array_value(),
        begin_object(), end_object(), begin_object_key(first: bool), end_object_key(),
        begin_object_value(), end_object_value(),
    }

    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        to: &mut W,
        text: &str,
    ) -> io::Result<()> {
        let mut rest = text;
        while let Some(at) = rest.find(text::is_unsafe) {
            let (before, from) = rest.split_at(at);
            to.write_all(before.as_bytes())?;
            let mut from = from.chars();
            let mut units = [0; 2];
            if let Some(c) = from.next() {
                for unit in c.encode_utf16(&mut units) {
                    write!(to, "\\u{unit:04x}")?;
                }
            }
            rest = from.as_str();
        }
        to.write_all(rest.as_bytes())
    }
}

/// `{"error": …}`, on standard error.
#[derive(Serialize)]
pub struct ErrorDocument<'e> {
    error: ErrorBody<'e>,
}

#[derive(Serialize)]
struct ErrorBody<'e> {
    kind: &'static str,
    message: &'e str,
    hints: &'e [String],
    exit_code: u8,
}

impl<'e> ErrorDocument<'e> {
    /// Makes the document that says what `error` says.
    pub fn new(error: &'e CommandError) -> Self {
        Self {
            error: ErrorBody {
                kind: error.kind().as_str(),
                message: error.message().trim_end(),
                hints: error.hints(),
                exit_code: error.exit_code(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use daggerml::value::{Set, Uri};
    use serde_json::json;

    fn json(value: impl Into<Value>) -> String {
        serde_json::to_string(&JsonValue(&value.into())).unwrap()
    }

    fn map(entries: Vec<(Value, Value)>) -> Value {
        Value::Map(Map::new(entries).unwrap())
    }

    #[test]
    fn what_json_has_is_itself() {
        assert_eq!(json(true), "true");
        assert_eq!(json(SAFE_INT), "9007199254740991");
        assert_eq!(json(1.0), "1.0");
        assert_eq!(json(1e300), "1e+300");
        assert_eq!(json(vec![Value::Null, "a\"".into()]), r#"[null,"a\""]"#);
        assert_eq!(json(map(vec![("k".into(), 1.into())])), r#"{"k":1}"#);
    }

    #[test]
    fn a_terminal_is_not_given_orders() {
        let text = "a\u{7f}\u{9b}2J\u{202e}\u{2028}\u{e0061}\n\u{1b}";
        for pretty in [false, true] {
            let mut written = Vec::new();
            write(&mut written, &vec![text], pretty).unwrap();
            let written = String::from_utf8(written).unwrap();
            assert_eq!(
                written.trim_matches(['[', ']', '\n', ' ']),
                r#""a\u007f\u009b2J\u202e\u2028\udb40\udc61\n\u001b""#
            );
            assert_eq!(
                serde_json::from_str::<Vec<String>>(&written).unwrap(),
                [text]
            );
        }
    }

    #[test]
    fn a_list_is_the_document_of_the_whole() {
        let items = [
            json!({"a": [1, {}], "b": "x\ny"}),
            json!({}),
            json!([[], 2]),
        ];
        for pretty in [false, true] {
            for count in 0..=items.len() {
                let items = &items[..count];
                let mut whole = Vec::new();
                write(&mut whole, &json!({"items": items}), pretty).unwrap();
                whole.push(b'\n');
                let mut written = Vec::new();
                let mut list = JsonList::new("items", pretty);
                for item in items {
                    list.item(&mut written, item).unwrap();
                }
                list.end(&mut written).unwrap();
                assert_eq!(
                    String::from_utf8(written).unwrap(),
                    String::from_utf8(whole).unwrap()
                );
            }
        }
    }

    #[test]
    fn what_json_lacks_is_tagged() {
        let big: daggerml::value::Int = "123456789012345678901234567890".parse().unwrap();
        assert_eq!(
            json(Value::Int(big)),
            r#"{"$int":"123456789012345678901234567890"}"#
        );
        assert_eq!(json(SAFE_INT + 1), r#"{"$int":"9007199254740992"}"#);
        assert_eq!(json(f64::NAN), r#"{"$float":"NaN"}"#);
        assert_eq!(json(f64::NEG_INFINITY), r#"{"$float":"-Infinity"}"#);
        assert_eq!(json(Value::Bytes(vec![0, 255])), r#"{"$bytes":"AP8="}"#);
        let uri = Uri::new("s3://b/k").unwrap();
        assert_eq!(json(Value::Uri(uri.clone())), r#"{"$uri":"s3://b/k"}"#);
        let set = Set::new(vec![2.into(), 1.into()]).unwrap();
        assert_eq!(json(Value::Set(set)), r#"{"$set":[1,2]}"#);
        assert_eq!(
            json(map(vec![(1.into(), "x".into())])),
            r#"{"$map":[[1,"x"]]}"#
        );
        assert_eq!(
            json(map(vec![("$int".into(), "x".into())])),
            r#"{"$map":[["$int","x"]]}"#,
            "a key that looks like a tag is not one"
        );
        let runnable = Runnable {
            uri,
            adapter: "local".into(),
            kwargs: Map::default(),
            sub: None,
        };
        assert_eq!(
            json(Value::Runnable(Box::new(runnable))),
            r#"{"$runnable":{"uri":"s3://b/k","adapter":"local","kwargs":{},"sub":null}}"#
        );
    }
}
