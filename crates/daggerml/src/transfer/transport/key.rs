//! Names of blobs, and the marks of their versions.

use std::fmt;

use crate::error::{RemoteError, Result};

/// The most bytes that a key has.
const LONGEST_KEY: usize = 200;

/// The most bytes that a mark has.
const LONGEST_ETAG: usize = 1024;

/// The name of a blob: segments of lower-case letters, digits, `-` and `.`, with `/` between
/// them. No segment is empty or begins with `.`, so a key never leads out of its place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(String);

impl Key {
    /// Checks that `text` is a key.
    pub fn new(text: &str) -> Result<Self> {
        if text.len() > LONGEST_KEY || !text.split('/').all(is_segment) {
            let text = text.chars().take(LONGEST_KEY).collect();
            return Err(RemoteError::KeyInvalid { text }.into());
        }
        Ok(Self(text.to_owned()))
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Returns whether `text` may stand between two slashes of a key.
pub(super) fn is_segment(text: &str) -> bool {
    let fine = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.';
    !text.is_empty() && !text.starts_with('.') && text.bytes().all(fine)
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// The mark of one version of a blob, which only its transport understands: text of 1 to
/// 1,024 bytes without control characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Etag(String);

impl Etag {
    /// Checks that `text` can be a mark.
    pub fn new(text: &str) -> Result<Self> {
        if text.is_empty() || text.len() > LONGEST_ETAG || text.chars().any(char::is_control) {
            let length = text.len();
            return Err(RemoteError::EtagInvalid { length }.into());
        }
        Ok(Self(text.to_owned()))
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_never_lead_elsewhere() {
        for text in ["refs", "packs/ab/0f", "a.b-c/d", &"a/".repeat(99), "a"] {
            let text = text.trim_end_matches('/');
            assert_eq!(Key::new(text).unwrap().as_str(), text);
        }
        let long = "a".repeat(LONGEST_KEY + 1);
        for text in [
            "", "/", "a/", "/a", "a//b", ".", "..", "a/../b", ".a", "a/.b", "A", "ä", "a b",
            "a\\b", "a:b", "a\0", "a_b", &long,
        ] {
            assert!(Key::new(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn marks_are_short_and_plain() {
        assert_eq!(Etag::new("\"x\"").unwrap().as_str(), "\"x\"");
        for text in ["", "a\nb", &"a".repeat(LONGEST_ETAG + 1)] {
            assert!(Etag::new(text).is_err());
        }
    }
}
