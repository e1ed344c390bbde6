//! `Import-Name` and `Import-Namespace` (PEP 794).

use crate::artifact::headers::Headers;

/// Python's reserved words, which no module can be imported by.
const KEYWORDS: &[&str] = &[
    "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue",
    "def", "del", "elif", "else", "except", "finally", "for", "from", "global", "if", "import",
    "in", "is", "lambda", "nonlocal", "not", "or", "pass", "raise", "return", "try", "while",
    "with", "yield",
];

/// Whether `import` takes a name (one part of it, without dots).
pub fn is_identifier(name: &str) -> bool {
    !KEYWORDS.contains(&name)
        && name
            .chars()
            .next()
            .is_some_and(|c| c.is_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_alphanumeric() || c == '_')
}

/// Says why an index refuses a value of either field.
///
/// # Errors
/// A few words on what is wrong.
pub fn check(value: &str) -> Result<(), String> {
    let (name, option) = match value.split_once(';') {
        Some((name, option)) => (name.trim_end(), Some(option.trim_start())),
        None => (value.trim_end(), None),
    };
    if let Some(part) = name.split('.').find(|part| !is_identifier(part)) {
        return Err(format!("`{part}` cannot be imported"));
    }
    match option {
        None | Some("private") => Ok(()),
        Some(other) => Err(format!("`{other}` is not an option of it")),
    }
}

/// What is at odds between the names: one that is there twice, or one whose
/// parent is in neither field. An index lets both pass.
pub fn at_odds(metadata: &Headers) -> Vec<String> {
    let bare = |value: &str| -> String {
        let name = value.split(';').next().unwrap_or(value);
        name.trim().to_owned()
    };
    let mut names: Vec<String> = ["Import-Name", "Import-Namespace"]
        .iter()
        .flat_map(|field| metadata.all(field))
        .map(bare)
        .filter(|name| !name.is_empty())
        .collect();
    names.sort_unstable();
    let mut odd = Vec::new();
    for pair in names.windows(2) {
        if let [a, b] = pair
            && a == b
        {
            odd.push(format!("the import name {a} is stated twice"));
        }
    }
    for name in &names {
        if let Some((parent, _)) = name.rsplit_once('.')
            && names.binary_search(&parent.to_owned()).is_err()
        {
            odd.push(format!(
                "the import name {name} is stated, its parent {parent} is not"
            ));
        }
    }
    odd
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers() {
        assert!(is_identifier("_core") && is_identifier("größe"));
        for bad in ["a-b", "1a", "class", "", "a b"] {
            assert!(!is_identifier(bad), "{bad}");
        }
    }

    #[test]
    fn forms() {
        for good in ["demo", "demo.sub", "_demo; private", "demo ;private"] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for bad in [
            "demo; hidden",
            "a-b",
            "a..b",
            "demo.class",
            "demo;",
            "",
            "demo private",
        ] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn names_at_odds() {
        let of = |text: &str| at_odds(&Headers::parse(text.as_bytes()));
        assert!(of("Import-Namespace: a\nImport-Name: a.b; private\n").is_empty());
        assert_eq!(of("Import-Name: a\nImport-Namespace: a\n").len(), 1);
        assert_eq!(of("Import-Name: a.b\n").len(), 1);
    }
}
