//! Distribution names and their two normal forms.

/// A valid distribution name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name {
    written: String,
    normal: String,
}

impl Name {
    /// Checks a name and computes its normal form.
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn parse(written: &str) -> Result<Self, String> {
        let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
        let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if !edge(written.chars().next())
            || !edge(written.chars().last())
            || !written.chars().all(inner)
        {
            return Err(format!(
                "{written:?} is not a distribution name: letters, digits, '-', '_' and '.', a letter or digit at both ends"
            ));
        }
        let mut normal = String::with_capacity(written.len());
        for c in written.chars() {
            if c.is_ascii_alphanumeric() {
                normal.push(c.to_ascii_lowercase());
            } else if !normal.ends_with('-') {
                normal.push('-');
            }
        }
        Ok(Self {
            written: written.to_owned(),
            normal,
        })
    }

    /// As the project writes it.
    pub fn written(&self) -> &str {
        &self.written
    }

    /// The form that names are compared in: `daggerml-cli`.
    pub fn normal(&self) -> &str {
        &self.normal
    }

    /// The form in file names: `daggerml_cli`.
    pub fn file(&self) -> String {
        self.normal.replace('-', "_")
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn normal_forms() {
        let name = Name::parse("Friendly-_.Bard.Two").unwrap();
        assert_eq!(name.normal(), "friendly-bard-two");
        assert_eq!(name.file(), "friendly_bard_two");
        for bad in ["", "-a", "a-", "a b", "é", "a/b"] {
            assert!(Name::parse(bad).is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn normalizing_twice_changes_nothing(written in "[A-Za-z0-9]([A-Za-z0-9._-]{0,12}[A-Za-z0-9])?") {
            let once = Name::parse(&written).unwrap();
            let twice = Name::parse(once.normal()).unwrap();
            prop_assert_eq!(once.normal(), twice.normal());
        }
    }
}
