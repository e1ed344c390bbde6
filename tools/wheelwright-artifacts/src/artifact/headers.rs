//! The `Name: value` format of METADATA, WHEEL and PKG-INFO.

/// A parsed header file: fields in order, then a body.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Headers {
    /// Field names as written, with their values.
    pub fields: Vec<(String, String)>,
    /// What follows the first empty line.
    pub body: String,
    /// Lines that are no field, with their numbers from 1.
    pub stray: Vec<(usize, String)>,
    /// Whether the file is UTF-8.
    pub utf8: bool,
}

impl Headers {
    /// Parses; whatever does not fit is kept in [`Headers::stray`].
    pub fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let mut headers = Self {
            utf8: std::str::from_utf8(bytes).is_ok(),
            ..Self::default()
        };
        let mut rest: &str = &text;
        let mut number = 0;
        while !rest.is_empty() {
            // As Python's tools have it, a carriage return alone ends a line, too.
            let (line, after) = rest.split_at(rest.find(['\r', '\n']).unwrap_or(rest.len()));
            rest = match after.strip_prefix("\r\n") {
                Some(after) => after,
                None => after.get(1..).unwrap_or_default(),
            };
            number += 1;
            if line.is_empty() {
                rest.clone_into(&mut headers.body);
                break;
            }
            if line.starts_with([' ', '\t']) {
                if let Some((_, value)) = headers.fields.last_mut() {
                    value.push('\n');
                    value.push_str(line);
                    continue;
                }
            } else if let Some((name, value)) = line.split_once(':')
                && !name.is_empty()
                && !name.contains([' ', '\t'])
            {
                // Space at the end stays: an index takes it for part of the value.
                let value = value.trim_start_matches([' ', '\t']);
                headers.fields.push((name.to_owned(), value.to_owned()));
                continue;
            }
            headers.stray.push((number, line.to_owned()));
        }
        headers
    }

    /// The first value of a field, its name compared without case.
    pub fn get<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        self.all(name).next()
    }

    /// Every value of a field.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.fields
            .iter()
            .filter(move |(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, v)| v.as_str())
    }

    /// The long description: the body, or the old `Description` field.
    pub fn description(&self) -> &str {
        if self.body.trim().is_empty() {
            self.get("Description").unwrap_or("")
        } else {
            &self.body
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_folded_lines_and_body() {
        let h = Headers::parse(
            b"Name: x\r\nLicense: a\n  b\nnonsense\nTag: 1\nTag: 2\n\nBody: no\n\nx",
        );
        assert_eq!(h.get("name"), Some("x"));
        assert_eq!(h.get("License"), Some("a\n  b"));
        assert_eq!(h.all("Tag").collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(h.body, "Body: no\n\nx");
        assert_eq!(h.stray, [(4, "nonsense".to_owned())]);
        let h = Headers::parse(b"Name: x\rTag: 1\r\rbody");
        assert_eq!((h.get("Tag"), h.body.as_str()), (Some("1"), "body"));
    }
}
