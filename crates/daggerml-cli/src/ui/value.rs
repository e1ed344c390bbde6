//! Values as people read them: short on one line, or in full over many.
//!
//! The notation is close to Python's and JSON's. It is for reading only; what
//! programs read is [`super::JsonValue`].

use daggerml::id::ObjectId;
use daggerml::value::{Map, Runnable, Value};

use super::text;

/// The most elements of each collection that a value shown in full has.
pub const SHOWN: usize = 100;

/// The most characters of one string, and bytes of one bytes value, in a preview.
const PREVIEW_TEXT: usize = 48;
const PREVIEW_BYTES: usize = 16;

/// How much of a value to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extent {
    /// About so many characters, on one line.
    Preview(usize),
    /// Everything that fits so many elements of each collection.
    Pretty(usize),
}

/// Returns the value on one line of about `room` characters.
pub fn preview(value: &Value, room: usize) -> String {
    let mut writer = Writer::new(Extent::Preview(room));
    writer.value(value, 0);
    text::fit(&writer.text, room)
}

/// Returns the value over as many lines as it takes, at most `most` elements of each
/// collection.
pub fn pretty(value: &Value, most: usize) -> String {
    let mut writer = Writer::new(Extent::Pretty(most));
    writer.value(value, 0);
    writer.text
}

struct Writer {
    extent: Extent,
    text: String,
}

impl Writer {
    fn new(extent: Extent) -> Self {
        Self {
            extent,
            text: String::new(),
        }
    }

    fn put(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Returns whether a preview has no room left, so that the rest need not be looked at.
    fn is_full(&self) -> bool {
        matches!(self.extent, Extent::Preview(room) if self.text.len() > room * 4)
    }

    fn value(&mut self, value: &Value, depth: usize) {
        match value {
            Value::Null => self.put("null"),
            Value::Bool(value) => self.put(if *value { "true" } else { "false" }),
            Value::Int(value) => self.put(&value.to_string()),
            Value::Float(value) => self.put(&float(value.get())),
            Value::String(value) => self.string(value),
            Value::Bytes(value) => self.bytes(value),
            Value::Uri(uri) => {
                self.put("<");
                self.put(&text::line(uri.as_str()));
                self.put(">");
            }
            Value::List(items) => {
                self.items(["[", "]"], items.len(), depth, |writer, at| {
                    if let Some(item) = items.get(at) {
                        writer.value(item, depth + 1);
                    }
                });
            }
            Value::Set(set) if set.is_empty() => self.put("set()"),
            Value::Set(set) => self.items(["{", "}"], set.len(), depth, |writer, at| {
                if let Some(item) = set.as_slice().get(at) {
                    writer.value(item, depth + 1);
                }
            }),
            Value::Map(map) => self.map(map, depth),
            Value::Blob(blob) => self.put(&format!(
                "blob({}) {}…",
                blob.size,
                ObjectId::from(blob.id).short()
            )),
            Value::Runnable(runnable) => self.runnable(runnable, depth),
        }
    }

    fn string(&mut self, value: &str) {
        let most = match self.extent {
            Extent::Preview(_) => PREVIEW_TEXT,
            Extent::Pretty(_) => usize::MAX,
        };
        self.put("\"");
        for (at, c) in value.chars().enumerate() {
            if at == most {
                self.put("…");
                break;
            }
            match c {
                '"' => self.put("\\\""),
                '\\' => self.put("\\\\"),
                c if text::is_unsafe(c) => self.text.extend(c.escape_default()),
                c => self.text.push(c),
            }
        }
        self.put("\"");
    }

    /// Bytes in hexadecimal: the first few, and how many there are.
    fn bytes(&mut self, value: &[u8]) {
        use std::fmt::Write as _;
        let _ = write!(self.text, "bytes({})", value.len());
        if !value.is_empty() {
            self.put(" ");
        }
        for byte in value.iter().take(PREVIEW_BYTES) {
            let _ = write!(self.text, "{byte:02x}");
        }
        if value.len() > PREVIEW_BYTES {
            self.put("…");
        }
    }

    fn map(&mut self, map: &Map, depth: usize) {
        self.items(["{", "}"], map.len(), depth, |writer, at| {
            if let Some((key, value)) = map.as_slice().get(at) {
                writer.value(key, depth + 1);
                writer.put(": ");
                writer.value(value, depth + 1);
            }
        });
    }

    fn runnable(&mut self, runnable: &Runnable, depth: usize) {
        self.put("runnable(<");
        self.put(&text::line(runnable.uri.as_str()));
        self.put(">");
        if !runnable.adapter.is_empty() {
            self.put(", adapter=");
            self.string(&runnable.adapter);
        }
        if !runnable.kwargs.is_empty() {
            self.put(", kwargs=");
            self.map(&runnable.kwargs, depth);
        }
        if let Some(sub) = &runnable.sub {
            self.put(", sub=");
            self.runnable(sub, depth);
        }
        self.put(")");
    }

    /// A collection: on one line in a preview or when it is short, else one element a line.
    fn items(
        &mut self,
        [open, close]: [&str; 2],
        count: usize,
        depth: usize,
        mut item: impl FnMut(&mut Self, usize),
    ) {
        self.put(open);
        let start = self.text.len();
        for at in 0..count {
            if at > 0 {
                self.put(", ");
            }
            if self.is_full() || self.is_long(start) {
                break;
            }
            item(self, at);
        }
        if !self.is_long(start) {
            self.put(close);
            return;
        }
        let Extent::Pretty(most) = self.extent else {
            return;
        };
        self.text.truncate(start);
        let indent = "  ".repeat(depth + 1);
        for at in 0..count.min(most) {
            self.put("\n");
            self.put(&indent);
            item(self, at);
            self.put(",");
        }
        if count > most {
            self.put("\n");
            self.put(&indent);
            self.put(&format!("… {} more", count - most));
        }
        self.put("\n");
        self.put(&"  ".repeat(depth));
        self.put(close);
    }

    /// Returns whether what was written since `start` is too long for one line of a full view.
    fn is_long(&self, start: usize) -> bool {
        let Extent::Pretty(_) = self.extent else {
            return false;
        };
        self.text
            .get(start..)
            .is_some_and(|written| written.len() > 72 || written.contains('\n'))
    }
}

fn float(number: f64) -> String {
    if number.is_nan() {
        "nan".to_owned()
    } else if number.is_infinite() {
        if number > 0.0 { "inf" } else { "-inf" }.to_owned()
    } else {
        format!("{number:?}")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_text_in_a_value_is_safe(text in any::<String>(), room in 0usize..200) {
            let text = Value::from(text.as_str());
            let map = Map::new(vec![(text.clone(), vec![text.clone(); 3].into())]).unwrap();
            for value in [text, Value::Map(map)] {
                prop_assert!(!preview(&value, room).contains(text::is_unsafe));
                let shown = pretty(&value, 2).replace('\n', "");
                prop_assert!(!shown.contains(text::is_unsafe));
            }
        }
    }

    fn ints(count: i64) -> Value {
        Value::List((0..count).map(Value::from).collect())
    }

    #[test]
    fn previews_are_one_line_and_short() {
        assert_eq!(preview(&ints(3), 40), "[0, 1, 2]");
        let cut = preview(&ints(1_000_000), 20);
        assert_eq!(cut, "[0, 1, 2, 3, 4, 5, …");
        assert_eq!(preview(&"a\n\u{1b}\"".into(), 40), r#""a\n\u{1b}\"""#);
        assert_eq!(
            preview(&Value::Bytes(vec![0xab; 20]), 60),
            format!("bytes(20) {}…", "ab".repeat(16))
        );
        assert_eq!(preview(&1.0.into(), 9), "1.0");
    }

    #[test]
    fn full_views_break_long_collections() {
        assert_eq!(pretty(&ints(3), 100), "[0, 1, 2]");
        let long = pretty(&ints(50), 3);
        assert_eq!(long, "[\n  0,\n  1,\n  2,\n  … 47 more\n]");
        let nested = Value::List(vec![ints(50), 1.into()]);
        assert_eq!(
            pretty(&nested, 2),
            "[\n  [\n    0,\n    1,\n    … 48 more\n  ],\n  1,\n]"
        );
    }

    #[test]
    fn big_ints_are_exact() {
        let digits = "9".repeat(500);
        let int: daggerml::value::Int = digits.parse().unwrap();
        assert_eq!(pretty(&Value::Int(int), 10), digits);
    }
}
