//! The dependency file that cargo writes beside a library: which files its compilation
//! read. A crate may read files outside its folder (`include_str!`, `rerun-if-changed`).

use std::path::{Path, PathBuf};

use walkdir::WalkDir;
use wheelwright_artifacts::digest::Pieces;

/// The files that rustc and build scripts read for `library`, those in `root`,
/// relative to it; from the dependency file that cargo writes beside it.
pub(super) fn files(library: &Path, root: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(library.with_extension("d")).unwrap_or_default();
    // The target folder, whose files are results: library, profile, target.
    let made = library.ancestors().nth(3).filter(|made| *made != root);
    let mut found: Vec<String> = text
        .lines()
        .filter_map(|line| line.split_once(": ").map(|(_, files)| files))
        .flat_map(split)
        .filter_map(|file| {
            let path = root.join(file);
            if made.is_some_and(|made| path.starts_with(made)) {
                return None;
            }
            Some(path.strip_prefix(root).ok()?.to_str()?.to_owned())
        })
        .collect();
    found.sort();
    found.dedup();
    found
}

/// The words of a line of a makefile, in which a space of a name is `\ `.
fn split(files: &str) -> Vec<PathBuf> {
    let joined = files.replace("\\ ", "\0");
    let words = joined.split(' ').filter(|word| !word.is_empty());
    words
        .map(|word| PathBuf::from(word.replace('\0', " ")))
        .collect()
}

/// Adds the present content of `files` (paths relative to `root`) to `pieces`. For a
/// folder, adds every file in it.
pub(super) fn add(files: &str, root: &Path, pieces: &mut Pieces) {
    for file in files.lines() {
        pieces.add("read", file.as_bytes());
        for entry in WalkDir::new(root.join(file))
            .sort_by_file_name()
            .into_iter()
            .flatten()
        {
            if entry.file_type().is_file() {
                let name = entry.path().to_string_lossy().into_owned();
                let name = name.trim_start_matches(&*root.to_string_lossy());
                pieces.add(name, &std::fs::read(entry.path()).unwrap_or_default());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_read_off_a_dependency_file() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("a root");
        std::fs::create_dir_all(&root).unwrap();
        let release = folder.path().join("a root/target/x86_64/release");
        std::fs::create_dir_all(&release).unwrap();
        let library = release.join("libx.so");
        let escaped = root.to_str().unwrap().replace(' ', "\\ ");
        let text = format!(
            "/t/libx.so: {escaped}/src/lib.rs {escaped}/VERSION\\ FILE /elsewhere/y.rs {escaped}/src/lib.rs {escaped}/target/out/made.rs\n"
        );
        std::fs::write(library.with_extension("d"), text).unwrap();
        assert_eq!(files(&library, &root), ["VERSION FILE", "src/lib.rs"]);
    }

    #[test]
    fn a_changed_file_and_a_new_one_in_a_folder_are_seen() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        std::fs::create_dir_all(root.join("data")).unwrap();
        let digest = || {
            let mut pieces = Pieces::default();
            add("VERSION\ndata\n", root, &mut pieces);
            pieces.finish().hex()
        };
        let mut seen = vec![digest()];
        for (name, text) in [("VERSION", "1"), ("VERSION", "2"), ("data/new", "")] {
            std::fs::write(root.join(name), text).unwrap();
            seen.push(digest());
        }
        let distinct: std::collections::HashSet<_> = seen.iter().collect();
        assert_eq!(distinct.len(), seen.len());
        assert_eq!(digest(), seen[3]);
    }
}
