//! An artifact that another build backend wrote, in the form of our own: the same files,
//! with our order, times, modes and compression.

use std::path::Path;

use wheelwright_artifacts::artifact::file_name::WheelName;
use wheelwright_artifacts::artifact::zip::Entry;
use wheelwright_artifacts::artifact::{Archive, Artifact as Read, Limits, MemberKind};

use super::zip::{self, Member};
use super::{Artifact, PackError, tar, wheel};
use crate::project::files::File;

/// Reads an artifact and writes it in our form.
///
/// # Errors
/// It cannot be read, is a wheel for one platform, or holds what cannot be packed.
pub fn artifact(path: &Path) -> Result<Artifact, PackError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let problem = |problem: String| PackError::Foreign {
        artifact: name.clone().into_owned(),
        problem,
    };
    let read = Read::open(path, Limits::default()).map_err(|error| problem(error.to_string()))?;
    let bytes = match &read.archive {
        Archive::Zip(_) => {
            let tags = WheelName::parse(&name).map_err(&problem)?;
            if !tags.is_pure() {
                return Err(problem(
                    "the backend compiled something for this machine; only extensions that \
                     maturin builds are built for other platforms"
                        .to_owned(),
                ));
            }
            let members = members(&read).map_err(&problem)?;
            wheel::check_paths(&members, &name)?;
            zip::write(&name, &members)?
        }
        Archive::TarGz(_) => {
            let files = files(&read).map_err(&problem)?;
            let root = name.trim_end_matches(".tar.gz");
            tar::write_gzipped(root, &files).map_err(|error| problem(error.to_string()))?
        }
    };
    Ok(Artifact {
        file_name: name.into_owned(),
        bytes,
    })
}

/// The members of a wheel: the `.dist-info` folder last, and a new RECORD last of all.
fn members(read: &Read) -> Result<Vec<Member>, String> {
    let Archive::Zip(zip) = &read.archive else {
        return Ok(Vec::new());
    };
    let mut members = Vec::new();
    for index in 0..read.archive.len() {
        let path = read.archive.path(index).to_owned();
        match read.archive.kind(index) {
            MemberKind::Folder => continue,
            MemberKind::File => {}
            _ => return Err(format!("{path} is neither a file nor a folder")),
        }
        let mode = zip.entries.get(index).and_then(Entry::mode);
        members.push(Member {
            path,
            bytes: read.archive.content(index)?.into_owned(),
            executable: mode.is_some_and(|mode| mode & 0o111 != 0),
        });
    }
    let info = |path: &str| {
        path.split_once('/')
            .is_some_and(|(top, _)| top.ends_with(".dist-info"))
    };
    let record = members
        .iter()
        .map(|member| member.path.clone())
        .find(|path| info(path) && path.ends_with(".dist-info/RECORD"))
        .ok_or("it has no RECORD")?;
    // A signature of the old RECORD says nothing of the new one.
    members.retain(|member| !member.path.starts_with(&record));
    members.sort_by_key(|member| (info(&member.path), member.path.clone()));
    let text = wheel::record(&members, &record);
    members.push(Member {
        path: record,
        bytes: text.into_bytes(),
        executable: false,
    });
    Ok(members)
}

/// The files of an sdist, by their paths below its one folder.
fn files(read: &Read) -> Result<Vec<File>, String> {
    let root = read.file_name.trim_end_matches(".tar.gz");
    let mut files = Vec::new();
    for index in 0..read.archive.len() {
        let path = read.archive.path(index);
        match read.archive.kind(index) {
            MemberKind::Folder => continue,
            MemberKind::File => {}
            _ => return Err(format!("{path} is neither a file nor a folder")),
        }
        let below = path
            .strip_prefix(root)
            .and_then(|rest| rest.strip_prefix('/'))
            .ok_or_else(|| format!("{path} is not below {root}"))?;
        files.push(File {
            path: below.to_owned(),
            bytes: read.archive.content(index)?.into_owned(),
        });
    }
    // hatchling packs the PKG-INFO of an unpacked sdist beside its own. The last one counts,
    // as it does when it is unpacked.
    files.reverse();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files.dedup_by(|later, first| later.path == first.path);
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_files_of_one_name_the_last_one_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("demo-1.0.tar.gz");
        let file = |path: &str, text: &str| File {
            path: path.to_owned(),
            bytes: text.into(),
        };
        let backend = [
            file("PKG-INFO", "old"),
            file("demo.py", "x"),
            file("PKG-INFO", "new"),
        ];
        std::fs::write(&path, tar::write_gzipped("demo-1.0", &backend).unwrap()).unwrap();
        let wanted = [file("PKG-INFO", "new"), file("demo.py", "x")];
        let wanted = tar::write_gzipped("demo-1.0", &wanted).unwrap();
        assert_eq!(artifact(&path).unwrap().bytes, wanted);
    }
}
