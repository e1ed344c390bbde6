//! Unicode's normal form C, by the tables of the crate `unicode-normalization`.
//!
//! The crate's own `nfc()` decides at run time which form is meant, so it brings the
//! tables of the compatibility forms too, which nothing here uses. They would be 1 % of
//! a wheel. The functions below take from the crate what it knows of characters.

use unicode_normalization::IsNormalized;
use unicode_normalization::char::{canonical_combining_class, compose, decompose_canonical};

/// Is `text` in normal form C?
pub fn is_nfc(text: &str) -> bool {
    match unicode_normalization::is_nfc_quick(text.chars()) {
        IsNormalized::Yes => true,
        IsNormalized::No => false,
        IsNormalized::Maybe => nfc(text) == text,
    }
}

/// Returns `text` in normal form C.
pub fn nfc(text: &str) -> String {
    let mut decomposed: Vec<(u8, char)> = Vec::with_capacity(text.len());
    for whole in text.chars() {
        decompose_canonical(whole, |c| {
            decomposed.push((canonical_combining_class(c), c));
        });
    }
    for marks in decomposed.split_mut(|(class, _)| *class == 0) {
        crate::sorting::sort_by(marks, |(a, _), (b, _)| a.cmp(b));
    }
    let mut composed: Vec<(u8, char)> = Vec::with_capacity(decomposed.len());
    let mut starter = None;
    for (class, c) in decomposed {
        if let Some((place, first)) = starter {
            // A mark joins its starter unless another of the same class stands between.
            let blocked = composed.len() > place + 1
                && composed.last().is_some_and(|(before, _)| *before >= class);
            if !blocked && let Some(both) = compose(first, c) {
                starter = Some((place, both));
                composed[place] = (0, both);
                continue;
            }
        }
        if class == 0 {
            starter = Some((composed.len(), c));
        }
        composed.push((class, c));
    }
    composed.into_iter().map(|(_, c)| c).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use unicode_normalization::UnicodeNormalization;

    use super::*;

    fn agrees(text: &str) {
        let expected: String = text.nfc().collect();
        assert_eq!(nfc(text), expected, "{text:?}");
        assert_eq!(is_nfc(text), text == expected, "{text:?}");
    }

    #[test]
    fn every_character_is_as_the_crate_says() {
        for c in '\0'..=char::MAX {
            agrees(c.encode_utf8(&mut [0; 4]));
        }
    }

    #[test]
    fn every_decomposed_character_is_put_together_again() {
        for c in '\0'..=char::MAX {
            let apart: String = std::iter::once(c).nfd().collect();
            agrees(&apart);
            agrees(&format!("\u{301}{apart}\u{323}\u{301}{apart}"));
        }
    }

    proptest! {
        #[test]
        fn any_text_is_as_the_crate_says(text: String) {
            agrees(&text);
        }

        /// Letters that compose, marks of several classes, and parts of Hangul.
        #[test]
        fn marks_in_any_order_are_as_the_crate_says(
            text in "[ aeoAE\u{e9}\u{1e0b}\u{300}-\u{34e}\u{5b0}-\u{5bd}\u{1100}-\u{1103}\u{1161}-\u{1163}\u{11a7}-\u{11a9}\u{ac00}\u{ac01}\u{9be}\u{9c7}\u{9d7}\u{fb1d}\u{2adc}]{0,12}"
        ) {
            agrees(&text);
        }
    }
}
