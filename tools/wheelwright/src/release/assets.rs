//! What a release has besides its artifacts: checksums, bills of materials, the
//! plan, the notes.

use std::path::{Path, PathBuf};

use wheelwright_artifacts::artifact::{Artifact, Limits, ReadError};

use super::plan::{Plan, PlanError};

/// Assets that cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum AssetsError {
    /// The folder does not hold the planned files.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// An artifact cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A member of an artifact cannot be unpacked.
    #[error("{file}: {problem}")]
    Member {
        /// The artifact.
        file: String,
        /// Why not.
        problem: String,
    },
}

/// Writes `SHA256SUMS`, `plan.json`, `NOTES.md` and a bill of materials for
/// each wheel that carries one into `out`; gives their paths.
///
/// # Errors
/// The artifacts are not the planned ones, or a file cannot be written.
pub fn write(
    plan: &Plan,
    folder: &Path,
    notes: &str,
    out: &Path,
) -> Result<Vec<PathBuf>, AssetsError> {
    if let Some(changed) = plan.differences(folder).into_iter().next() {
        return Err(changed.into());
    }
    let mut assets = vec![
        ("SHA256SUMS".to_owned(), sums(plan).into_bytes()),
        ("plan.json".to_owned(), plan.text().into_bytes()),
        ("NOTES.md".to_owned(), format!("{notes}\n").into_bytes()),
    ];
    for (_, file) in plan
        .files()
        .filter(|(_, file)| crate::pack::is_wheel(&file.file))
    {
        let archive = Artifact::open(&folder.join(&file.file), Limits::default())?.archive;
        for index in 0..archive.len() {
            let Some((_, name)) = archive.path(index).split_once(".dist-info/sboms/") else {
                continue;
            };
            let content = archive
                .content(index)
                .map_err(|problem| AssetsError::Member {
                    file: file.file.clone(),
                    problem,
                })?;
            // The name is the archive's: it must not lead anywhere.
            let plain = |c: char| {
                if c.is_ascii_alphanumeric() || "._".contains(c) {
                    c
                } else {
                    '-'
                }
            };
            let name: String = name.chars().map(plain).collect();
            let name = format!("{}.{name}", file.file);
            assets.push((name, content.into_owned()));
        }
    }
    let io = |path: &Path| {
        let path = path.to_owned();
        move |source| PlanError::File { path, source }
    };
    std::fs::create_dir_all(out).map_err(io(out))?;
    let mut written = Vec::new();
    for (name, bytes) in assets {
        let path = out.join(name);
        std::fs::write(&path, bytes).map_err(io(&path))?;
        written.push(path);
    }
    Ok(written)
}

/// `SHA256SUMS` of the plan, sorted by name.
fn sums(plan: &Plan) -> String {
    let mut lines: Vec<String> = plan
        .files()
        .map(|(_, file)| format!("{}  {}\n", file.sha256, file.file))
        .collect();
    lines.sort_by(|a, b| a[64..].cmp(&b[64..]));
    lines.concat()
}
