//! Encrypted Python source, which the public index looks for in what is uploaded.

use std::sync::LazyLock;

use regex::bytes::Regex;

use super::rules::ENCRYPTED_SOURCE;
use super::{Findings, Subject};

/// The index does not look into longer files.
const MOST: usize = 5 << 20;

/// What encrypted source calls or holds: one such text of `PyArmor`, or both of `SourceDefender`.
const PATTERN: &str = concat!(
    r"__pyarmor__\(__name__, __file__,|__pyarmor_(?:enter|exit|assert|bcc)__",
    r"|---(?:BEGIN|END) PYE FILE---",
);

static TEXTS: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(PATTERN).ok());

/// The program that encrypted this source, if one did.
pub fn encrypted(path: &str, content: &[u8]) -> Option<&'static str> {
    let lower = path.to_ascii_lowercase();
    if content.len() > MOST || !(lower.ends_with(".py") || lower.ends_with(".pye")) {
        return None;
    }
    let (mut begins, mut ends) = (false, false);
    for found in TEXTS.as_ref()?.find_iter(content) {
        match found.as_bytes() {
            b"---BEGIN PYE FILE---" => begins = true,
            b"---END PYE FILE---" => ends = true,
            _ => return Some("PyArmor"),
        }
    }
    (begins && ends).then_some("SourceDefender")
}

pub fn check(subject: &Subject<'_>, findings: &mut Findings) {
    for member in &subject.members {
        if let Some(program) = member.encrypted {
            findings.add(
                ENCRYPTED_SOURCE,
                Some(&member.path),
                format!("holds what {program} writes into encrypted source"),
                "source that can be read",
                "pack the source itself",
            );
        }
    }
}
