//! The classifiers that an index knows: `data/classifiers.tsv`, which
//! `data/make_tables.py` derives from the official list.

use std::collections::HashMap;
use std::sync::LazyLock;

/// What an index does with a classifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It takes it.
    Known,
    /// It refuses it, and names others to use (none, where the text is empty).
    Deprecated(&'static str),
    /// It refuses it: there is no such classifier.
    Unknown,
}

/// How a classifier stands.
pub fn standing(classifier: &str) -> Standing {
    static TABLE: LazyLock<HashMap<&str, Option<&str>>> = LazyLock::new(|| {
        include_str!("../../../data/classifiers.tsv")
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .map(|line| match line.split_once('\t') {
                Some((classifier, instead)) => (classifier, Some(instead)),
                None => (line, None),
            })
            .collect()
    });
    match TABLE.get(classifier) {
        Some(None) => Standing::Known,
        Some(Some(instead)) => Standing::Deprecated(instead),
        None => Standing::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_deprecated_and_unknown() {
        assert_eq!(standing("Programming Language :: Rust"), Standing::Known);
        assert_eq!(
            standing("Natural Language :: Ukranian"),
            Standing::Deprecated("Natural Language :: Ukrainian")
        );
        for unknown in [
            "",
            "Topic :: Testing",
            "programming language :: rust",
            "Private :: Do Not Upload",
        ] {
            assert_eq!(standing(unknown), Standing::Unknown, "{unknown}");
        }
    }
}
