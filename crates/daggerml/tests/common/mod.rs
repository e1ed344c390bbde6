//! Values as the JSON of `docs/spec/vectors`, for the tests that read them.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use daggerml::value::{Blob, Int, Map, Runnable, Set, Uri, Value};
use serde_json::{Value as Json, json};

/// Bytes as hexadecimal text.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

/// Hexadecimal text as bytes.
pub fn unhex(text: &str) -> Vec<u8> {
    (0..text.len() / 2)
        .map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap())
        .collect()
}

/// `value` as a JSON object with one member, named for its type.
pub fn to_json(value: &Value) -> Json {
    let items = |items: &[Value]| items.iter().map(to_json).collect::<Vec<_>>();
    match value {
        Value::Null => json!({ "null": null }),
        Value::Bool(value) => json!({ "bool": value }),
        Value::Int(number) => json!({ "int": number.to_string() }),
        Value::Float(number) => json!({ "float": hex(&number.get().to_be_bytes()) }),
        Value::String(text) => json!({ "string": text }),
        Value::Bytes(bytes) => json!({ "bytes": hex(bytes) }),
        Value::Uri(uri) => json!({ "uri": uri.as_str() }),
        Value::List(list) => json!({ "list": items(list) }),
        Value::Set(set) => json!({ "set": items(set.as_slice()) }),
        Value::Map(map) => json!({ "map": entries(map) }),
        Value::Runnable(runnable) => json!({ "runnable": runnable_json(runnable) }),
        Value::Blob(blob) => {
            json!({ "blob": { "size": blob.size.to_string(), "id": blob.id.to_string() } })
        }
    }
}

fn entries(map: &Map) -> Json {
    map.as_slice()
        .iter()
        .map(|(key, value)| json!([to_json(key), to_json(value)]))
        .collect()
}

fn runnable_json(runnable: &Runnable) -> Json {
    json!({
        "uri": runnable.uri.as_str(),
        "adapter": runnable.adapter,
        "kwargs": entries(&runnable.kwargs),
        "sub": runnable.sub.as_deref().map(runnable_json),
    })
}

/// The value that [`to_json`] gave this for.
pub fn from_json(json: &Json) -> Value {
    let (kind, body) = json.as_object().unwrap().iter().next().unwrap();
    let text = || body.as_str().unwrap();
    let items = || {
        body.as_array()
            .unwrap()
            .iter()
            .map(from_json)
            .collect::<Vec<_>>()
    };
    match kind.as_str() {
        "null" => Value::Null,
        "bool" => Value::Bool(body.as_bool().unwrap()),
        "int" => Value::Int(text().parse::<Int>().unwrap()),
        "float" => f64::from_be_bytes(unhex(text()).try_into().unwrap()).into(),
        "string" => text().into(),
        "bytes" => Value::Bytes(unhex(text())),
        "uri" => Value::Uri(Uri::new(text()).unwrap()),
        "list" => items().into(),
        "set" => Value::Set(Set::new(items()).unwrap()),
        "map" => Value::Map(map_from(body)),
        "runnable" => Value::Runnable(Box::new(runnable_from(body))),
        "blob" => Value::from(Blob {
            size: body["size"].as_str().unwrap().parse().unwrap(),
            id: body["id"].as_str().unwrap().parse().unwrap(),
        }),
        other => panic!("unknown type {other}"),
    }
}

fn map_from(body: &Json) -> Map {
    let entries = body.as_array().unwrap().iter();
    Map::new(
        entries
            .map(|pair| (from_json(&pair[0]), from_json(&pair[1])))
            .collect(),
    )
    .unwrap()
}

fn runnable_from(body: &Json) -> Runnable {
    Runnable {
        uri: Uri::new(body["uri"].as_str().unwrap()).unwrap(),
        adapter: body["adapter"].as_str().unwrap().into(),
        kwargs: map_from(&body["kwargs"]),
        sub: (!body["sub"].is_null()).then(|| Box::new(runnable_from(&body["sub"]))),
    }
}
