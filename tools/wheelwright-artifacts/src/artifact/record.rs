//! RECORD: a CSV of path, hash and size.

use base64::Engine as _;
use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};

use crate::text::is_line_end;

/// One row of RECORD.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Path from the root of the wheel.
    pub path: String,
    /// Algorithm and digest; `None` where the column is empty.
    pub hash: Option<Hash>,
    /// `None` where the column is empty.
    pub size: Option<String>,
}

/// A hash column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hash {
    /// The algorithm's name as written.
    pub algorithm: String,
    /// The digest as written.
    pub text: String,
    /// The digest's bytes, when it is base64 as RECORD wants it.
    pub digest: Option<Vec<u8>>,
}

/// Parses RECORD.
///
/// # Errors
/// A sentence that names the line which is not a row.
pub fn parse(bytes: &[u8]) -> Result<Vec<Row>, String> {
    plain_lines(bytes)?;
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(bytes);
    let mut rows = Vec::new();
    for row in reader.records() {
        let row = row.map_err(|e| e.to_string())?;
        let line = row.position().map_or(0, csv::Position::line);
        let [path, hash, size] = [0, 1, 2].map(|i| row.get(i).unwrap_or(""));
        if row.len() != 3 || path.is_empty() {
            return Err(format!(
                "line {line} has {} columns, not path, hash and size",
                row.len()
            ));
        }
        rows.push(Row {
            path: path.to_owned(),
            hash: hash
                .split_once('=')
                .map(|(algorithm, text)| Hash {
                    algorithm: algorithm.to_owned(),
                    text: text.to_owned(),
                    digest: URL_SAFE_NO_PAD.decode(text).ok(),
                })
                .or_else(|| {
                    (!hash.is_empty()).then(|| Hash {
                        algorithm: String::new(),
                        text: hash.to_owned(),
                        digest: None,
                    })
                }),
            size: (!size.is_empty()).then(|| size.to_owned()),
        });
    }
    Ok(rows)
}

/// Finds what the reader below passes over and Python does not: it keeps a byte order mark, ends lines
/// at more characters, and has rows without a column.
fn plain_lines(bytes: &[u8]) -> Result<(), String> {
    if bytes.starts_with("\u{feff}".as_bytes()) {
        return Err("it begins with a byte order mark".into());
    }
    let text = String::from_utf8_lossy(bytes);
    if let Some(end) = text
        .chars()
        .find(|c| is_line_end(*c) && !matches!(c, '\n' | '\r'))
    {
        return Err(format!(
            "it has the character U+{:04X}, where Python ends a line",
            u32::from(end)
        ));
    }
    let unix = text.replace("\r\n", "\n").replace('\r', "\n");
    match unix.lines().position(str::is_empty) {
        Some(at) => Err(format!("line {} is empty", at + 1)),
        None => Ok(()),
    }
}

/// A digest as RECORD writes it.
pub fn encode(digest: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(digest)
}

/// The digest of padded base64, which some tools write and RECORD forbids.
pub fn decode_padded(text: &str) -> Option<Vec<u8>> {
    URL_SAFE.decode(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_quoted_paths_and_empty_columns() {
        let rows = parse(b"\"a,b.py\",sha256=AQI,2\nx-1.dist-info/RECORD,,\n").unwrap();
        assert_eq!(rows[0].path, "a,b.py");
        assert_eq!(rows[0].hash.as_ref().unwrap().digest, Some(vec![1, 2]));
        assert_eq!(rows[1].hash, None);
        assert_eq!(rows[1].size, None);
        assert!(parse(b"only-a-path\n").unwrap_err().contains("line 1"));
        assert!(parse(b"a,,\r\nb,,\r\n").is_ok());
        for bad in [
            "\u{feff}a,,\n",
            "a,,\n\nb,,\n",
            "a,,\r\n\r\n",
            "a,,\n\u{b}\n",
            "a\u{2028}b,,\n",
        ] {
            assert!(parse(bad.as_bytes()).is_err(), "{bad:?}");
        }
    }
}
