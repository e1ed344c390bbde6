//! Names of DAGs, nodes and branches: Unicode text in normal form C.

use std::borrow::Borrow;
use std::fmt;

use crate::fault::NameError;
use crate::normal_form::{is_nfc, nfc};

/// The longest name, in bytes of UTF-8.
pub const MAX_NAME: usize = 1024;

/// A name in Unicode normal form C, not empty, without control characters,
/// at most [`MAX_NAME`] bytes. Two spellings that look the same are one name.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(String);

impl Name {
    /// Normalises `text` and checks it.
    pub fn new(text: &str) -> Result<Self, NameError> {
        let name = Self(if is_nfc(text) {
            text.to_owned()
        } else {
            nfc(text)
        });
        name.check()?;
        Ok(name)
    }

    /// Takes `text` only when it is a name already, in normal form: for decoders.
    pub fn from_normalized(text: String) -> Result<Self, NameError> {
        if !is_nfc(&text) {
            return Err(NameError::NotNormalized { name: text });
        }
        let name = Self(text);
        name.check()?;
        Ok(name)
    }

    /// Returns the name's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn check(&self) -> Result<(), NameError> {
        if self.0.is_empty() {
            return Err(NameError::Empty);
        }
        if self.0.len() > MAX_NAME {
            return Err(NameError::TooLong {
                length: self.0.len(),
                start: self.0.chars().take(32).collect(),
            });
        }
        if let Some(character) = self.0.chars().find(|c| c.is_control()) {
            return Err(NameError::Control {
                name: self.0.clone(),
                character,
            });
        }
        Ok(())
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Name {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_name_for_both_spellings() {
        assert_eq!(Name::new("e\u{301}").unwrap(), Name::new("\u{e9}").unwrap());
        assert!(matches!(
            Name::from_normalized("e\u{301}".into()),
            Err(NameError::NotNormalized { .. })
        ));
    }

    #[test]
    fn bad_names_are_refused() {
        assert!(matches!(Name::new(""), Err(NameError::Empty)));
        assert!(matches!(Name::new("a\nb"), Err(NameError::Control { .. })));
        assert!(matches!(
            Name::new(&"x".repeat(MAX_NAME + 1)),
            Err(NameError::TooLong { .. })
        ));
    }
}
