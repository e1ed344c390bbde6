//! URIs in the canonical form of RFC 3986, section 6.2.2.

use std::fmt;

use crate::fault::ValueError;

/// A URI with a scheme, in canonical form: scheme and host in lower case,
/// percent-escapes in upper case and only where needed, no dot segments.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uri(String);

impl Uri {
    /// Parses and canonicalises `text`.
    pub fn new(text: &str) -> Result<Self, ValueError> {
        let invalid = |detail: String| ValueError::InvalidUri {
            uri: text.to_owned(),
            detail,
        };
        let parsed = fluent_uri::Uri::parse(text).map_err(|error| invalid(format!("{error}")))?;
        Ok(Self(parsed.normalize().into_string()))
    }

    /// Takes `text` only when it is canonical already: for decoders.
    pub(crate) fn from_canonical(text: String) -> Result<Self, ValueError> {
        let uri = Self::new(&text)?;
        if uri.0 == text {
            Ok(uri)
        } else {
            Err(ValueError::InvalidUri {
                detail: format!("not in canonical form, which is {uri}"),
                uri: text,
            })
        }
    }

    /// Returns the URI's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the scheme, in lower case.
    pub fn scheme(&self) -> &str {
        self.0.split(':').next().unwrap_or_default()
    }
}

impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Uri({:?})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_form() {
        for (text, canonical) in [
            ("HTTP://Example.COM/a/./b/../c", "http://example.com/a/c"),
            ("s3://bucket/%7euser/%3a", "s3://bucket/~user/%3A"),
            ("python:a.b", "python:a.b"),
            ("x:", "x:"),
        ] {
            let uri = Uri::new(text).unwrap();
            assert_eq!(uri.as_str(), canonical);
            assert_eq!(Uri::new(canonical).unwrap(), uri, "idempotent");
        }
    }

    #[test]
    fn bad_uris_are_refused() {
        for text in ["", "no scheme", "relative/path", "a b:c", "x:%zz", "é:x"] {
            assert!(Uri::new(text).is_err(), "{text:?}");
        }
        assert!(Uri::from_canonical("HTTP://x/".into()).is_err());
    }
}
