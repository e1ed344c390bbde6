//! `[project.urls]`.

use url::Url;

use super::text::one_line;

/// What an index stores of a label.
const LONGEST_LABEL: usize = 32;

/// Checks a label and its address: `Project-URL` holds both, with a comma between.
///
/// # Errors
/// What an index refuses or a reader would divide elsewhere.
pub fn check(label: &str, address: &str) -> Result<(), String> {
    one_line(label).map_err(|problem| format!("the label {problem}"))?;
    if label.contains(',') {
        return Err(format!(
            "the label {label:?} has a comma, which ends it where it is read; write it without"
        ));
    }
    let length = label.chars().count();
    if length > LONGEST_LABEL {
        return Err(format!(
            "the label {label:?} has {length} characters; an index takes {LONGEST_LABEL}"
        ));
    }
    let strange = |c: char| c.is_whitespace() || c.is_control() || "<>\"\\^`{|}".contains(c);
    let web = Url::parse(address)
        .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let scheme = address.split_once("://").map(|(scheme, _)| scheme);
    if web && scheme.is_some() && !address.contains(strange) {
        Ok(())
    } else {
        Err(format!(
            "{address:?} is not a web address; write one such as \"https://example.org/page\""
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn labels_and_addresses() {
        assert_eq!(check("Bug Tracker", "https://example.org/a?b=c#d"), Ok(()));
        for (label, address) in [
            ("", "https://example.org"),
            ("a, b", "https://example.org"),
            ("a\nb", "https://example.org"),
            ("abcdefghijklmnopqrstuvwxyz-1234567", "https://example.org"),
            ("a", ""),
            ("a", "example.org"),
            ("a", "https:example.org"),
            ("a", "ftp://example.org"),
            ("a", "javascript:alert(1)"),
            ("a", "https://example.org/ b"),
            ("a", "https://example.org\nX: y"),
            ("a", "<https://example.org>"),
        ] {
            assert!(check(label, address).is_err(), "{label:?} {address:?}");
        }
    }
}
