//! Canonical JSON (RFC 8785), for documents without fractions.

use serde_json::Value;

/// Returns `value` as canonical JSON: no white space, and the keys of each object in the
/// order of their UTF-16 code units. Equal documents give equal bytes.
pub fn to_bytes(value: &Value) -> Vec<u8> {
    let mut out = String::new();
    write(value, &mut out);
    out.into_bytes()
}

fn write(value: &Value, out: &mut String) {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
            out.push('{');
            for (number, (key, value)) in members.into_iter().enumerate() {
                if number > 0 {
                    out.push(',');
                }
                out.push_str(&Value::from(key.as_str()).to_string());
                out.push(':');
                write(value, out);
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (number, item) in items.iter().enumerate() {
                if number > 0 {
                    out.push(',');
                }
                write(item, out);
            }
            out.push(']');
        }
        other => out.push_str(&other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_sorted_and_nothing_is_between_them() {
        let value: Value = serde_json::from_str(
            "{ \"b\": [1, true, null], \"a\\n\": \"\\u0007\u{20ac}/\", \"\u{1f600}\": {}, \"\u{fb33}\": [] }",
        )
        .unwrap();
        let text = String::from_utf8(to_bytes(&value)).unwrap();
        // U+1F600 is D83D DE00 in UTF-16, and so before U+FB33.
        assert_eq!(
            text,
            "{\"a\\n\":\"\\u0007\u{20ac}/\",\"b\":[1,true,null],\"\u{1f600}\":{},\"\u{fb33}\":[]}"
        );
    }
}
