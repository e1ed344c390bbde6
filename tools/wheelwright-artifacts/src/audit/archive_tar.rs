//! Rules on an sdist's `tar.gz`.

use std::collections::HashSet;

use super::archive_zip::{path_problem, size};
use super::rules::{
    SDIST_DATA, SDIST_DUPLICATE, SDIST_FOLDER, SDIST_LINK, SDIST_METADATA, SDIST_MODE, SDIST_ORDER,
    SDIST_OWNER, SDIST_PATH, SDIST_PYPROJECT, SDIST_ROOT, SDIST_SURPLUS, SDIST_TIME,
};
use super::{Findings, Subject};
use crate::artifact::tar::Entry;
use crate::artifact::tar_gz::TarGz;
use crate::artifact::{Archive, MemberKind};

pub fn check(subject: &Subject<'_>, findings: &mut Findings) {
    let Archive::TarGz(tar) = &subject.artifact.archive else {
        return;
    };
    size(subject, findings);
    if let Some(damage) = &tar.damage {
        findings.add(
            SDIST_DATA,
            None,
            damage,
            "a whole archive",
            "pack the sdist again",
        );
    }
    if tar.trailing > 0 {
        findings.add(
            SDIST_SURPLUS,
            None,
            format!("{} bytes follow the gzip stream", tar.trailing),
            "none",
            "pack the sdist again",
        );
    }
    if tar.after_end > 0 {
        findings.add(
            SDIST_SURPLUS,
            None,
            format!(
                "{} bytes that are not zero follow the tar's end",
                tar.after_end
            ),
            "none",
            "pack the sdist again",
        );
    }
    root(subject, findings);
    members(tar, findings);
    hygiene(subject, tar, findings);
}

fn root(subject: &Subject<'_>, findings: &mut Findings) {
    let stem = subject
        .artifact
        .file_name
        .strip_suffix(".tar.gz")
        .unwrap_or_default();
    let top = |path: &str| path.split('/').next().unwrap_or(path).to_owned();
    let first = subject.members.first().map(|m| top(&m.path));
    let stray = subject.members.iter().find(|m| {
        Some(top(&m.path)) != first || (m.kind != MemberKind::Folder && !m.path.contains('/'))
    });
    if let Some(stray) = stray {
        findings.add(
            SDIST_ROOT,
            Some(&stray.path),
            "is outside that folder",
            format!("everything in {stem}/"),
            "pack the sdist with its build backend",
        );
    } else if let Some(first) = first
        && first != stem
    {
        findings.add(
            SDIST_FOLDER,
            None,
            format!("the folder is {first}"),
            stem,
            "pack the sdist with its build backend",
        );
    }
    if subject.info("PKG-INFO").is_none() {
        findings.add(
            SDIST_METADATA,
            None,
            "there is no PKG-INFO",
            format!("{stem}/PKG-INFO"),
            "pack the sdist with its build backend",
        );
    }
    if subject.info("pyproject.toml").is_none() {
        findings.add(
            SDIST_PYPROJECT,
            None,
            "there is no pyproject.toml",
            format!("{stem}/pyproject.toml"),
            "add one with a [build-system] table, so that installers need not guess",
        );
    }
}

fn members(tar: &TarGz, findings: &mut Findings) {
    let mut seen = HashSet::new();
    let files: HashSet<&str> = tar
        .entries
        .iter()
        .filter(|entry| entry.kind == MemberKind::File)
        .map(|entry| entry.path.as_str())
        .collect();
    for entry in &tar.entries {
        let path = entry.path.trim_end_matches('/');
        let lost = entry.hard
            && !entry
                .link
                .as_deref()
                .is_some_and(|link| seen.contains(link));
        let again = match entry.kind {
            MemberKind::Folder => files.contains(path),
            _ => !seen.insert(path),
        };
        if again {
            findings.add(
                SDIST_DUPLICATE,
                Some(path),
                "the path is there more than once",
                "once",
                "pack each file once",
            );
        }
        let mut above = path.match_indices('/').filter_map(|(at, _)| path.get(..at));
        if let Some(file) = above.find(|above| files.contains(above)) {
            findings.add(
                SDIST_PATH,
                Some(path),
                format!("is below {file}, which is a file"),
                "a path below folders",
                "rename it",
            );
        } else if let Some(problem) = path_problem(&entry.path) {
            findings.add(
                SDIST_PATH,
                Some(path),
                problem,
                "a relative path inside",
                "rename it",
            );
        } else if !entry.path_ok {
            findings.add(
                SDIST_PATH,
                Some(path),
                "the path is not UTF-8",
                "UTF-8",
                "rename it",
            );
        }
        match entry.kind {
            MemberKind::Special => findings.add(
                SDIST_LINK,
                Some(path),
                "a device, pipe or sparse file",
                "files and folders",
                "leave it out",
            ),
            MemberKind::Link if lost => findings.add(
                SDIST_LINK,
                Some(path),
                format!(
                    "is a hard link to {}, which does not stand before it",
                    entry.link.as_deref().unwrap_or("nothing")
                ),
                "a path of the sdist, from its top folder on",
                "pack the file itself: installers refuse such links",
            ),
            MemberKind::Link if escapes(entry) => findings.add(
                SDIST_LINK,
                Some(path),
                format!("points to {}", entry.link.as_deref().unwrap_or("nothing")),
                "a target inside the sdist",
                "pack the file itself: installers refuse such links",
            ),
            MemberKind::Link | MemberKind::File | MemberKind::Folder => {}
        }
    }
}

/// Whether a link leads out of the sdist's top folder.
fn escapes(entry: &Entry) -> bool {
    let Some(target) = entry.link.as_deref().filter(|t| !t.is_empty()) else {
        return true;
    };
    if target.starts_with('/') || target.contains('\\') || target.as_bytes().get(1) == Some(&b':') {
        return true;
    }
    // A symbolic link is relative to its folder, a hard link to the root. Both
    // must stay below the top folder, so at a depth of one at least.
    let mut depth = entry.path.trim_end_matches('/').matches('/').count();
    let inside_top = entry
        .path
        .split('/')
        .next()
        .is_some_and(|top| target.split('/').next() == Some(top));
    if inside_top {
        depth = 0;
    }
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." if depth <= 1 => return true,
            ".." => depth -= 1,
            _ => depth += 1,
        }
    }
    false
}

fn hygiene(subject: &Subject<'_>, tar: &TarGz, findings: &mut Findings) {
    for pair in tar.entries.windows(2) {
        if let [a, b] = pair
            && a.path.trim_end_matches('/') > b.path.trim_end_matches('/')
            // PKG-INFO first is what the build backends do.
            && !a.path.ends_with("/PKG-INFO")
            && !b.path.ends_with("/PKG-INFO")
        {
            findings.add(
                SDIST_ORDER,
                Some(&b.path),
                format!("follows {}", a.path),
                "sorted by path",
                "sort members when packing; do not take the order of the disk",
            );
            break;
        }
    }
    let wanted = subject
        .policy
        .source_date_epoch
        .or_else(|| tar.entries.first().map(|e| e.time))
        .unwrap_or(0);
    let odd: Vec<&Entry> = tar.entries.iter().filter(|e| e.time != wanted).collect();
    if let Some(first) = odd.first() {
        findings.add(
            SDIST_TIME,
            Some(&first.path),
            format!(
                "time {} ({} of {} members differ)",
                first.time,
                odd.len(),
                tar.entries.len()
            ),
            format!("{wanted} for all"),
            "give every member the same time (SOURCE_DATE_EPOCH)",
        );
    }
    if tar.gzip_time != 0 && u64::from(tar.gzip_time) != wanted {
        findings.add(
            SDIST_TIME,
            None,
            format!("the gzip header has time {}", tar.gzip_time),
            format!("0 or {wanted}"),
            "write no time in the gzip header",
        );
    }
    for entry in &tar.entries {
        let unnamed = |name: &str| name.is_empty() || name == "root";
        if entry.owner != (0, 0) || !unnamed(&entry.owner_name.0) || !unnamed(&entry.owner_name.1) {
            let ((uid, gid), (user, group)) = (entry.owner, &entry.owner_name);
            findings.add(
                SDIST_OWNER,
                Some(&entry.path),
                format!("owner {uid}:{gid} {user}:{group}"),
                "0:0 and no names",
                "set owners when packing; they tell about the machine that built it",
            );
            break;
        }
    }
    for entry in &tar.entries {
        let right = match entry.kind {
            MemberKind::File => matches!(entry.mode & 0o7777, 0o644 | 0o755),
            MemberKind::Folder => entry.mode & 0o7777 == 0o755,
            MemberKind::Link | MemberKind::Special => true,
        };
        if !right {
            findings.add(
                SDIST_MODE,
                Some(&entry.path),
                format!("mode {:04o}", entry.mode & 0o7777),
                "0644 or 0755",
                "set modes when packing; do not take them from the disk",
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::Limits;

    fn link(path: &str, target: &str) -> bool {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_size(0);
        let mut builder = tar::Builder::new(Vec::new());
        builder.append_link(&mut header, path, target).unwrap();
        let bytes = builder.into_inner().unwrap();
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut gzip, &bytes).unwrap();
        let tar = TarGz::read(&gzip.finish().unwrap(), Limits::default()).unwrap();
        escapes(&tar.entries[0])
    }

    #[test]
    fn links_that_leave() {
        assert!(link("p-1/a/b", "/etc/passwd"));
        assert!(link("p-1/a", "../x"));
        assert!(link("p-1/a/b", "../../x"));
        assert!(!link("p-1/a/b", "../x"));
        assert!(!link("p-1/a", "b"));
    }
}
