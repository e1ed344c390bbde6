//! Rules on a wheel's zip structure.

use std::collections::HashMap;

use super::rules::{
    SIZE_BUDGET, ZIP_CASE, ZIP_COMMENT, ZIP_DATA, ZIP_DESCRIPTOR, ZIP_DUPLICATE, ZIP_END,
    ZIP_EXTRA, ZIP_FOLDER, ZIP_HEADER, ZIP_LIMIT, ZIP_METHOD, ZIP_MODE, ZIP_ORDER, ZIP_OVERLAP,
    ZIP_PATH, ZIP_SURPLUS, ZIP_SYMLINK, ZIP_TIME,
};
use super::{Findings, Subject};
use crate::artifact::zip::{DEFLATED, Entry, Oddity, STORED, Zip};
use crate::artifact::{Archive, Limits, MemberKind};
use crate::epoch::ZIP_EPOCH;

pub fn check(subject: &Subject<'_>, findings: &mut Findings) {
    let Archive::Zip(zip) = &subject.artifact.archive else {
        return;
    };
    size(subject, findings);
    structure(zip, findings);
    if let Some(reason) = &zip.refused {
        findings.add(
            ZIP_LIMIT,
            None,
            reason,
            "a sane size",
            "pack fewer or smaller files",
        );
    } else {
        ratio(subject, zip, findings);
        for member in &subject.members {
            if let Some(reason) = &member.error {
                let fix = "pack the wheel again; this one is damaged";
                findings.add(
                    ZIP_DATA,
                    Some(&member.path),
                    reason,
                    "data as declared",
                    fix,
                );
            }
        }
    }
    names(zip, findings);
    for entry in &zip.entries {
        hygiene(entry, findings);
    }
    order(zip, findings);
    time(subject, zip, findings);
}

/// An index takes what unpacks to much more than its size for a bomb.
fn ratio(subject: &Subject<'_>, zip: &Zip, findings: &mut Findings) {
    const MOST: u64 = 50;
    let total = zip
        .entries
        .iter()
        .fold(0u64, |sum, e| sum.saturating_add(e.size));
    let packed = subject.artifact.size.max(1);
    if total > Limits::RATIO_FREE && total > packed.saturating_mul(MOST) {
        findings.add(
            ZIP_LIMIT,
            None,
            format!("{total} bytes unpacked from {packed} packed"),
            format!("{MOST} times as many, above {} bytes", Limits::RATIO_FREE),
            "leave out data that is all alike, or make it at run time",
        );
    }
}

/// The size budget, which sdists share.
pub fn size(subject: &Subject<'_>, findings: &mut Findings) {
    if subject.artifact.size > subject.policy.max_size {
        findings.add(
            SIZE_BUDGET,
            None,
            format!("{} bytes", subject.artifact.size),
            format!("{} bytes", subject.policy.max_size),
            "leave out data, strip debug information, or raise max-size",
        );
    }
}

fn structure(zip: &Zip, findings: &mut Findings) {
    for oddity in &zip.oddities {
        match oddity {
            Oddity::Surplus { at, len } => findings.add(
                ZIP_SURPLUS,
                None,
                format!("{len} bytes at {at:#x} belong to no entry"),
                "no such bytes",
                "write the archive anew instead of editing it",
            ),
            Oddity::Overlap { member, other } => findings.add(
                ZIP_OVERLAP,
                None,
                format!("{member} begins inside {other}"),
                "entries one after another",
                "write the archive anew; overlapping entries are how zip bombs are made",
            ),
            Oddity::EndRecord { detail } => findings.add(
                ZIP_END,
                None,
                detail,
                "what is there",
                "write the archive anew instead of editing it",
            ),
        }
    }
    if !zip.comment.is_empty() {
        findings.add(
            ZIP_EXTRA,
            None,
            format!("an archive comment of {} bytes", zip.comment.len()),
            "none",
            "write no comment",
        );
    }
}

fn names(zip: &Zip, findings: &mut Findings) {
    let mut exact: HashMap<&str, usize> = HashMap::new();
    let mut folded: HashMap<String, &str> = HashMap::new();
    for entry in &zip.entries {
        let name = entry.name.as_str();
        let times = exact.entry(name).or_default();
        *times += 1;
        if *times == 2 {
            findings.add(
                ZIP_DUPLICATE,
                Some(name),
                "the name is there more than once",
                "once",
                "pack each file once: tools disagree on which copy counts",
            );
        }
        match folded.entry(name.to_lowercase()) {
            std::collections::hash_map::Entry::Occupied(other) if *other.get() != name => {
                findings.add(
                    ZIP_CASE,
                    Some(name),
                    format!("differs from {} only by case", other.get()),
                    "names that differ by more",
                    "rename one: on macOS and Windows they are one file",
                );
            }
            std::collections::hash_map::Entry::Occupied(_) => {}
            std::collections::hash_map::Entry::Vacant(slot) => {
                slot.insert(name);
            }
        }
        if let Some(problem) = path_problem(name) {
            findings.add(
                ZIP_PATH,
                Some(name),
                problem,
                "a relative path inside",
                "rename it",
            );
        } else if !entry.name_ok {
            findings.add(
                ZIP_PATH,
                Some(name),
                "the name is not marked UTF-8",
                "UTF-8 with the flag for it",
                "write names as UTF-8 and set flag 0x800",
            );
        }
    }
}

/// What is wrong with a member's path, if anything.
pub fn path_problem(path: &str) -> Option<&'static str> {
    let body = path.strip_suffix('/').unwrap_or(path);
    if body.is_empty() {
        Some("the path is empty")
    } else if path.starts_with('/') {
        Some("the path is absolute")
    } else if path.contains('\\') {
        Some("the path has a backslash, which Windows takes as a separator")
    } else if path.contains('\0') || path.chars().any(char::is_control) {
        Some("the path has control characters")
    } else if body.as_bytes().get(1) == Some(&b':') {
        Some("the path begins with a drive")
    } else if body.split('/').any(|part| part == "..") {
        Some("the path climbs out with `..`")
    } else if body.split('/').any(|part| part.is_empty() || part == ".") {
        Some("the path has empty parts or `.`")
    } else if body.split('/').any(|part| part.len() > 255) {
        Some("a part of the path has more than 255 bytes, which no usual file system takes")
    } else {
        None
    }
}

fn hygiene(entry: &Entry, findings: &mut Findings) {
    let name = Some(entry.name.as_str());
    let unreadable = entry.unreadable().or_else(|| {
        let known = matches!(entry.method, STORED | DEFLATED);
        (!known).then(|| format!("compression method {}", entry.method))
    });
    if let Some(found) = unreadable {
        let allowed = "stored or deflated";
        findings.add(
            ZIP_METHOD,
            name,
            found,
            allowed,
            "pack it with deflate, as every installer reads it",
        );
    }
    for difference in &entry.differences {
        findings.add(
            ZIP_HEADER,
            name,
            difference,
            "the same in both headers",
            "write the archive anew: tools that read the other header see another file",
        );
    }
    match entry.kind() {
        MemberKind::Folder => findings.add(
            ZIP_FOLDER,
            name,
            "an entry for a folder",
            "entries for files",
            "leave it out: folders follow from the files in them",
        ),
        MemberKind::File => {}
        MemberKind::Link | MemberKind::Special => {
            let found = format!("mode {:o}", entry.mode().unwrap_or(0));
            findings.add(
                ZIP_SYMLINK,
                name,
                found,
                "a regular file",
                "pack the file itself, not a link to it",
            );
        }
    }
    let mode = entry.mode().map(|mode| mode & 0o7777);
    if entry.kind() == MemberKind::File && !matches!(mode, Some(0o644 | 0o755)) {
        let found = mode.map_or_else(
            || "no Unix mode".to_owned(),
            |mode| format!("mode {mode:04o}"),
        );
        findings.add(
            ZIP_MODE,
            name,
            found,
            "0644 or 0755",
            "set the mode when packing; do not take it from the disk",
        );
    }
    if entry.comment > 0 {
        findings.add(
            ZIP_COMMENT,
            name,
            format!("a comment of {} bytes", entry.comment),
            "none",
            "write no comments: an index refuses them",
        );
    }
    if entry.has_descriptor() {
        findings.add(
            ZIP_DESCRIPTOR,
            name,
            "a data descriptor: size and CRC follow the data",
            "both in the header before it",
            "write to a file that can be sought in, not to a pipe: an index refuses this",
        );
    }
    if !entry.extra.is_empty() {
        findings.add(
            ZIP_EXTRA,
            name,
            format!("extra fields {:x?}", entry.extra),
            "none",
            "write sizes and CRC in the header and nothing more",
        );
    }
}

fn order(zip: &Zip, findings: &mut Findings) {
    let key = |e: &Entry| {
        let info = e.name.contains(".dist-info/");
        (
            info,
            info && e.name.ends_with(".dist-info/RECORD"),
            e.name.clone(),
        )
    };
    let mut last: Option<&Entry> = None;
    for entry in &zip.entries {
        if let Some(last) = last
            && (key(last) > key(entry) || last.start > entry.start)
        {
            findings.add(
                ZIP_ORDER,
                Some(&entry.name),
                format!("follows {}", last.name),
                "sorted by name, .dist-info last, RECORD at the end",
                "sort members when packing; do not take the order of the disk",
            );
            return;
        }
        last = Some(entry);
    }
}

fn time(subject: &Subject<'_>, zip: &Zip, findings: &mut Findings) {
    let wanted = match subject.policy.source_date_epoch {
        Some(epoch) => dos_time(epoch),
        None => zip.entries.first().map_or(0, |e| e.time),
    };
    let odd: Vec<&Entry> = zip.entries.iter().filter(|e| e.time != wanted).collect();
    if let Some(first) = odd.first() {
        findings.add(
            ZIP_TIME,
            Some(&first.name),
            format!(
                "{} ({} of {} members differ)",
                show_time(first.time),
                odd.len(),
                zip.entries.len()
            ),
            show_time(wanted),
            "give every member the same time (SOURCE_DATE_EPOCH, or 1980-01-01)",
        );
    }
}

/// Seconds since 1970 as MS-DOS date and time, clamped to what it can hold.
fn dos_time(epoch: u64) -> u32 {
    // 1980-01-01 to 2107-12-31.
    let epoch = epoch.clamp(ZIP_EPOCH, 4_354_819_198);
    let (days, seconds) = (epoch / 86_400, epoch % 86_400);
    let (year, month, day) = civil(days);
    let date = (year - 1980) << 9 | month << 5 | day;
    let time = (seconds / 3600) << 11 | (seconds / 60 % 60) << 5 | (seconds % 60 / 2);
    u32::try_from(date << 16 | time).unwrap_or(0)
}

/// Days since 1970-01-01 as year, month and day.
fn civil(days: u64) -> (u64, u64, u64) {
    let mut year = 1970;
    let mut rest = days;
    let leap = |y: u64| y.is_multiple_of(4) && (!y.is_multiple_of(100) || y.is_multiple_of(400));
    while rest >= 365 + u64::from(leap(year)) {
        rest -= 365 + u64::from(leap(year));
        year += 1;
    }
    let february = 28 + u64::from(leap(year));
    let mut month = 1;
    for len in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if rest < len {
            break;
        }
        rest -= len;
        month += 1;
    }
    (year, month, rest + 1)
}

fn show_time(time: u32) -> String {
    let (date, clock) = (time >> 16, time & 0xffff);
    format!(
        "{:04}-{:02}-{:02} {:02}:{:02}:{:02}",
        1980 + (date >> 9),
        (date >> 5) & 15,
        date & 31,
        clock >> 11,
        (clock >> 5) & 63,
        (clock & 31) * 2
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_convert() {
        assert_eq!(show_time(dos_time(0)), "1980-01-01 00:00:00");
        assert_eq!(show_time(dos_time(1_709_210_096)), "2024-02-29 12:34:56");
    }

    #[test]
    fn paths() {
        for bad in [
            "", "/a", "a\\b", "c:/x", "../x", "a/../b", "a//b", "./a", "a\nb",
        ] {
            assert!(path_problem(bad).is_some(), "{bad:?}");
        }
        for good in ["a", "a/b.py", "a..b/c", "a/"] {
            assert!(path_problem(good).is_none(), "{good:?}");
        }
    }
}
