//! Versions inside running text and inside requirements.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use crate::version::Version;

#[expect(clippy::expect_used, reason = "a constant, compiled by the tests")]
static VERSION: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"[0-9]+(\.[0-9]+)+(-(alpha|beta|rc)\.[0-9]+|(a|b|rc)[0-9]+)?")
        .expect("a regular expression")
});

/// The whole versions in a text: those that are not the middle of a longer one.
fn versions(text: &str) -> impl Iterator<Item = (Range<usize>, Version)> {
    VERSION.find_iter(text).filter_map(|found| {
        let part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let before = text[..found.start()].chars().next_back();
        // `v1.2.3` is a tag; `py3.9.1` or `x1.2.3` is something else.
        let before_that = text[..found.start()].chars().nth_back(1);
        let alone = match before {
            Some('v') => !before_that.is_some_and(part),
            other => !other.is_some_and(part),
        };
        let ends = !text[found.end()..].starts_with(part);
        let version = found.as_str().parse().ok()?;
        (alone && ends).then(|| (found.range(), version))
    })
}

/// Does the text name this version?
pub(super) fn names(text: &str, version: Version) -> bool {
    versions(text).any(|(_, found)| found == version)
}

/// Writes `new` wherever the text says `old`: in Cargo's form after a `v`, in
/// Python's elsewhere.
pub(super) fn replace(text: &str, old: Version, new: Version) -> String {
    let mut edited = String::with_capacity(text.len());
    let mut done = 0;
    for (range, found) in versions(text) {
        if found != old {
            continue;
        }
        edited.push_str(&text[done..range.start]);
        edited.push_str(&if text[..range.start].ends_with('v') {
            new.semver()
        } else {
            new.pep440()
        });
        done = range.end;
    }
    edited.push_str(&text[done..]);
    edited
}

/// A requirement with another range: its name, extras and marker stay.
pub(super) fn with_range(requirement: &str, range: &str) -> String {
    let (needs, marker) = match requirement.split_once(';') {
        Some((needs, marker)) => (needs, Some(marker)),
        None => (requirement, None),
    };
    let end = needs
        .find(['<', '>', '=', '!', '~', '('])
        .unwrap_or(needs.len());
    let mut text = format!("{}{range}", needs[..end].trim_end());
    if let Some(marker) = marker {
        text.push(';');
        text.push_str(marker);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_old_version_is_replaced() {
        let old = "0.2.0".parse().unwrap();
        let new = "0.3.0-rc.1".parse().unwrap();
        let text = "pip install daggerml==0.2.0; tag v0.2.0, a-0.2.0-cp39, 10.2.0, 0.2.0.1, \
                    0.2.0rc1, 0.2.01, py0.2.0 (0.2.0).";
        assert_eq!(
            replace(text, old, new),
            "pip install daggerml==0.3.0rc1; tag v0.3.0-rc.1, a-0.3.0rc1-cp39, 10.2.0, 0.2.0.1, \
             0.2.0rc1, 0.2.01, py0.2.0 (0.3.0rc1)."
        );
        assert!(names("v0.3.0-rc.1", new) && names("0.3.0rc1.", new));
        assert!(!names("0.3.0", new) && !names("py0.3.0rc1", new));
    }

    #[test]
    fn a_range_keeps_name_extras_and_marker() {
        for (written, wanted) in [
            ("engine>=1,<2", "engine>=9"),
            ("Engine [fast] >=1", "Engine [fast]>=9"),
            ("engine", "engine>=9"),
            (
                "engine (>=1); python_version < '3.12'",
                "engine>=9; python_version < '3.12'",
            ),
        ] {
            assert_eq!(with_range(written, ">=9"), wanted);
        }
    }
}
