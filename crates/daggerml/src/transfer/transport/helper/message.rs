//! The messages of helpers: a line of JSON and, when it says so, a body of bytes after it.

use std::io::{self, BufRead, Read, Write};

use serde_json::{Map, Value};

/// The version of the protocol.
pub(in crate::transfer::transport) const PROTOCOL: u64 = 1;

/// The longest line, in bytes.
pub(in crate::transfer::transport) const MAX_LINE: u64 = 1 << 20;

/// The longest body, in bytes.
pub(in crate::transfer::transport) const MAX_BODY: u64 = 1 << 30;

/// How much is read of a body at once.
const PART: u64 = 1 << 20;

/// The members of a message.
pub(in crate::transfer::transport) type Members = Map<String, Value>;

/// Reads the line of a message; `None` at the end. The error says what is wrong.
pub(in crate::transfer::transport) fn read(
    from: &mut dyn BufRead,
) -> Result<Option<Members>, String> {
    let mut line = Vec::new();
    from.take(MAX_LINE + 1)
        .read_until(b'\n', &mut line)
        .map_err(|error| error.to_string())?;
    if line.is_empty() {
        return Ok(None);
    }
    if line.len() as u64 > MAX_LINE {
        return Err(format!("a line has more than {MAX_LINE} bytes"));
    }
    if line.last() != Some(&b'\n') {
        return Err(format!(
            "it ended in the middle of a line: {}",
            excerpt(&line)
        ));
    }
    match serde_json::from_slice(&line) {
        Ok(Value::Object(members)) => Ok(Some(members)),
        _ => Err(format!("a line is not a JSON object: {}", excerpt(&line))),
    }
}

/// Returns the length of the body after a message.
pub(in crate::transfer::transport) fn body_length(members: &Members) -> Result<u64, String> {
    let Some(length) = members.get("body") else {
        return Ok(0);
    };
    let length = length.as_u64().filter(|length| *length <= MAX_BODY);
    length.ok_or_else(|| format!("the length of a body is not a number up to {MAX_BODY}"))
}

/// Reads a body. What is promised is not taken for what comes: memory grows with that.
pub(in crate::transfer::transport) fn read_body(
    from: &mut dyn BufRead,
    length: u64,
) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    while (body.len() as u64) < length {
        let part = PART.min(length - body.len() as u64);
        let read = from
            .take(part)
            .read_to_end(&mut body)
            .map_err(|error| error.to_string())?;
        if read as u64 != part {
            let have = body.len();
            return Err(format!(
                "it ended after {have} of the {length} bytes of a body"
            ));
        }
    }
    Ok(body)
}

/// Reads a body and forgets it.
pub(in crate::transfer::transport) fn skip_body(
    from: &mut dyn BufRead,
    length: u64,
) -> Result<(), String> {
    match io::copy(&mut from.take(length), &mut io::sink()) {
        Ok(read) if read == length => Ok(()),
        Ok(read) => Err(format!(
            "it ended after {read} of the {length} bytes of a body"
        )),
        Err(error) => Err(error.to_string()),
    }
}

/// Returns the line of a message with a body of that length.
pub(in crate::transfer::transport) fn line(mut members: Members, body: &[u8]) -> Vec<u8> {
    if !body.is_empty() {
        members.insert("body".to_owned(), body.len().into());
    }
    let mut line = Value::Object(members).to_string().into_bytes();
    line.push(b'\n');
    line
}

/// Writes a message.
pub(in crate::transfer::transport) fn write(
    to: &mut dyn Write,
    members: Members,
    body: &[u8],
) -> io::Result<()> {
    to.write_all(&line(members, body))?;
    to.write_all(body)?;
    to.flush()
}

/// Returns the beginning of a line, fit to be shown.
fn excerpt(line: &[u8]) -> String {
    let cut = line.get(..100).unwrap_or(line);
    format!("{:?}", String::from_utf8_lossy(cut))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_comes_back() {
        let mut bytes = Vec::new();
        let members = Map::from_iter([("id".to_owned(), Value::from(7))]);
        write(&mut bytes, members, b"a\nb\0").unwrap();
        write(&mut bytes, Map::new(), b"").unwrap();
        let from = &mut &bytes[..];
        let members = read(from).unwrap().unwrap();
        assert_eq!(members["id"], 7);
        let length = body_length(&members).unwrap();
        assert_eq!(read_body(from, length).unwrap(), b"a\nb\0");
        let members = read(from).unwrap().unwrap();
        assert_eq!(body_length(&members).unwrap(), 0);
        assert!(read(from).unwrap().is_none());
    }

    #[test]
    fn what_is_no_message_is_refused() {
        let long = b"x".repeat((1 << 20) + 2);
        for line in [&b"hello\n"[..], b"[]\n", b"\xff\n", b"{}", &long] {
            assert!(read(&mut &line[..]).is_err());
        }
        for body in ["-1", "1.5", "\"1\"", "1073741825", "null"] {
            let line = format!("{{\"body\":{body}}}\n");
            let members = read(&mut line.as_bytes()).unwrap().unwrap();
            assert!(body_length(&members).is_err(), "{body}");
        }
        assert!(
            read_body(&mut &b"abc"[..], 4)
                .unwrap_err()
                .contains("3 of the 4")
        );
        assert!(skip_body(&mut &b"abc"[..], 4).is_err());
    }
}
