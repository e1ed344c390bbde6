//! The changelog: its sections, and the fragments that become a section.
//!
//! The changelog is in the form of Keep a Changelog. A fragment is a file
//! `NAME.KIND.md` with the text of one entry, where KIND is one of [`KINDS`];
//! at release the fragments become entries of the version's section, in the
//! order of their kinds, then of their names.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};

use crate::version::Version;

/// The headings of a section, in order; a fragment's kind is one in lower case.
pub const KINDS: [&str; 6] = [
    "Added",
    "Changed",
    "Deprecated",
    "Removed",
    "Fixed",
    "Security",
];

const HEADING: &str = "## ";
const SUBHEADING: &str = "### ";
const UNRELEASED: &str = "unreleased";

/// Fragments that cannot become a section.
#[derive(Debug, thiserror::Error)]
pub enum ChangelogError {
    /// A file cannot be read, written or removed.
    #[error("cannot use {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A fragment's name has no kind.
    #[error("{}: a fragment is called NAME.KIND.md, and KIND is one of {}", path.display(), kinds())]
    Name {
        /// The fragment.
        path: PathBuf,
    },
    /// A fragment says nothing.
    #[error("{} is empty", path.display())]
    Empty {
        /// The fragment.
        path: PathBuf,
    },
    /// A text is not a day.
    #[error("{text:?} is not a day; write it as YYYY-MM-DD")]
    Day {
        /// What was given.
        text: String,
    },
    /// The first section is another version's.
    #[error(
        "the changelog's first heading is {found:?}, not `## [{version}]`; run `wheelwright version set {version}`"
    )]
    Section {
        /// The first heading.
        found: String,
        /// The version that is released.
        version: Version,
    },
}

fn kinds() -> String {
    KINDS.map(str::to_ascii_lowercase).join(", ")
}

/// One fragment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fragment {
    /// Its file.
    pub path: PathBuf,
    /// One of [`KINDS`].
    pub kind: &'static str,
    /// The entry's text, without surrounding white space.
    pub text: String,
}

/// The fragments in a folder, sorted by name. Other files than `*.md`, and
/// `README.md`, are none.
///
/// # Errors
/// A file cannot be read, or its name has no kind.
pub fn fragments(folder: &Path) -> Result<Vec<Fragment>, ChangelogError> {
    let mut paths = Vec::new();
    let listed = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(file(folder))?,
    };
    for entry in listed {
        let path = entry.map_err(file(folder))?.path();
        let is_fragment = path.extension().is_some_and(|end| end == "md")
            && path.file_name().is_some_and(|name| name != "README.md");
        if is_fragment {
            paths.push(path);
        }
    }
    paths.sort();
    paths.into_iter().map(fragment).collect()
}

fn fragment(path: PathBuf) -> Result<Fragment, ChangelogError> {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let kind = stem.rsplit_once('.').and_then(|(name, kind)| {
        let known = KINDS.iter().find(|known| known.eq_ignore_ascii_case(kind));
        known.filter(|_| !name.is_empty())
    });
    let Some(kind) = kind else {
        return Err(ChangelogError::Name { path });
    };
    let text = std::fs::read_to_string(&path).map_err(file(&path))?;
    let text = text.trim();
    if text.is_empty() {
        return Err(ChangelogError::Empty { path });
    }
    Ok(Fragment {
        kind,
        text: text.trim_start_matches("- ").replace("\r\n", "\n"),
        path,
    })
}

fn file(path: &Path) -> impl FnOnce(io::Error) -> ChangelogError {
    let path = path.to_owned();
    move |source| ChangelogError::File { path, source }
}

/// The version in the first heading, as it is written.
pub fn first_heading(text: &str) -> Option<&str> {
    heading(text)?.strip_prefix("## [")?.split(']').next()
}

/// The first heading, whole.
fn heading(text: &str) -> Option<&str> {
    text.lines().find(|line| line.starts_with(HEADING))
}

/// The changelog with a first section for `version`: the unreleased one under
/// its new name, or a new one above the newest release.
pub fn begin(text: &str, version: Version) -> String {
    let wanted = format!("## [{version}] - {UNRELEASED}");
    match heading(text) {
        Some(_) if first_heading(text) == Some(&version.semver()) => text.to_owned(),
        Some(old) if old.ends_with(UNRELEASED) => text.replacen(old, &wanted, 1),
        Some(old) => text.replacen(old, &format!("{wanted}\n\n{old}"), 1),
        None => format!("{}\n\n{wanted}\n", text.trim_end()),
    }
}

/// The section of a version, without its heading, and the day it names.
pub fn section(text: &str, version: Version) -> Option<(String, String)> {
    let start = format!("## [{version}]");
    let mut lines = text.lines().skip_while(|line| !line.starts_with(&start));
    let day = lines.next()?[start.len()..]
        .trim_start_matches(" - ")
        .to_owned();
    let body: Vec<&str> = lines
        .take_while(|line| !line.starts_with(HEADING))
        .collect();
    Some((body.join("\n").trim().to_owned(), day))
}

/// The changelog as a release has it: the fragments are entries of the section
/// of `version`, and its heading names the day.
///
/// # Errors
/// The first section is another version's, or `day` is not a day.
pub fn assemble(
    text: &str,
    version: Version,
    day: &str,
    fragments: &[Fragment],
) -> Result<String, ChangelogError> {
    if !is_day(day) {
        return Err(ChangelogError::Day {
            text: day.to_owned(),
        });
    }
    if first_heading(text) != Some(&version.semver()) {
        return Err(ChangelogError::Section {
            found: heading(text).unwrap_or("none").to_owned(),
            version,
        });
    }
    let (before, rest) = text
        .split_once(heading(text).unwrap_or_default())
        .unwrap_or((text, ""));
    let (body, after) = match rest.find("\n## ") {
        Some(end) => rest.split_at(end),
        None => (rest, ""),
    };
    let (lead, mut parts) = parts(body);
    for fragment in fragments {
        let (_, entries) = parts
            .entry(rank(fragment.kind))
            .or_insert_with(|| (fragment.kind.to_owned(), String::new()));
        if !entries.is_empty() {
            entries.push('\n');
        }
        entries.push_str(&entry(&fragment.text));
    }
    let mut out = format!("{before}## [{version}] - {day}\n");
    if !lead.is_empty() {
        let _ = writeln!(out, "\n{lead}");
    }
    for (kind, entries) in parts.values() {
        let _ = writeln!(out, "\n{SUBHEADING}{kind}\n\n{entries}");
    }
    out.push_str(after);
    Ok(out)
}

/// A section's parts by their rank: heading and entries.
type Parts = BTreeMap<(usize, String), (String, String)>;

/// The text of a section before its first subheading, and its parts by rank.
fn parts(body: &str) -> (String, Parts) {
    let mut pieces = body.split("\n### ");
    let lead = pieces.next().unwrap_or_default();
    // The rest of the heading's own line is the day.
    let lead = lead.split_once('\n').map_or("", |(_, lead)| lead).trim();
    let parts = pieces
        .map(|piece| {
            let (kind, entries) = piece.split_once('\n').unwrap_or((piece, ""));
            let kind = kind.trim();
            (rank(kind), (kind.to_owned(), entries.trim().to_owned()))
        })
        .collect();
    (lead.to_owned(), parts)
}

/// Where a part stands: in the order of [`KINDS`], unknown ones last by name.
fn rank(kind: &str) -> (usize, String) {
    let place = KINDS.iter().position(|known| *known == kind);
    place.map_or_else(
        || (KINDS.len(), kind.to_owned()),
        |place| (place, String::new()),
    )
}

/// A list entry; further lines are indented below it.
fn entry(text: &str) -> String {
    let mut lines = text.lines();
    let mut entry = format!("- {}", lines.next().unwrap_or_default());
    for line in lines {
        entry.push('\n');
        if !line.trim().is_empty() {
            entry.push_str("  ");
            entry.push_str(line.trim_start_matches("  ").trim_end());
        }
    }
    entry
}

/// Is it a day of the calendar, as `YYYY-MM-DD`?
pub fn is_day(text: &str) -> bool {
    let shape = text.len() == 10
        && text.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    let number = |range| {
        text.get(range)
            .and_then(|part: &str| part.parse::<u32>().ok())
    };
    let (Some(year), Some(month), Some(day)) = (number(0..4), number(5..7), number(8..10)) else {
        return false;
    };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    shape && (1..=days).contains(&day)
}

#[cfg(test)]
mod tests;
