//! Errors as people read them.

use std::error::Error;

/// An error and everything that caused it, on one line.
pub(crate) fn with_causes(error: &dyn Error) -> String {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        message.push_str(": ");
        message.push_str(&error.to_string());
        cause = error.source();
    }
    message
}

/// The known word that a mistyped one most likely stands for; rather one that it begins.
pub(crate) fn nearest<'a>(unknown: &str, known: &[&'a str]) -> Option<&'a str> {
    let plain = unknown.to_lowercase().replace('_', "-");
    known
        .iter()
        .map(|known| (strsim::damerau_levenshtein(&plain, known), *known))
        .filter(|(distance, known)| *distance <= known.len().max(plain.len()) / 3)
        .min_by_key(|(distance, known)| (!known.starts_with(&plain), *distance, *known))
        .map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_mistyped_word_is_recognised() {
        let known = ["authors", "license-files", "version"];
        assert_eq!(nearest("author", &known), Some("authors"));
        assert_eq!(nearest("License_Files", &known), Some("license-files"));
        assert_eq!(nearest("verison", &known), Some("version"));
        assert_eq!(nearest("colour", &known), None);
        // As near to the first, but a beginning of the second.
        let platforms = ["linux-i686", "linux-x86_64"];
        assert_eq!(nearest("linux-x86", &platforms), Some("linux-x86_64"));
    }
}
