//! Where the crates of an sdist lie in it, if some lie outside of their workspace.

use super::crates::LocalCrates;

/// The folder of the workspace in the sdist: empty, unless crates or `others`, files of the
/// repository, lie beside or above it. Then the sdist has the part of the repository that
/// holds them all, as it is there.
pub(super) fn workspace<'a>(
    crates: &'a LocalCrates,
    others: impl Iterator<Item = &'a str>,
) -> Option<String> {
    let up = |path: &str| path.split('/').filter(|part| *part == "..").count();
    let paths = crates.all.iter().map(|one| one.folder.as_str());
    let up = paths.chain(others).map(up).max().unwrap_or_default();
    let names: Vec<&str> = crates
        .root
        .iter()
        .map(|part| part.to_str())
        .collect::<Option<_>>()?;
    // The first name is that of the root folder.
    let kept = names.len().checked_sub(up).filter(|kept| *kept > 0)?;
    Some(names[kept..].join("/"))
}

/// A path of the workspace as one of the sdist, where the workspace lies in `folder`.
pub(super) fn path(folder: &str, written: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in folder.split('/').chain(written.split('/')) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            name => parts.push(name),
        }
    }
    parts.join("/")
}

/// A relative path without what leads nowhere: `./crates/../core/` is `core`.
pub(super) fn plain(written: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in written.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            name => parts.push(name),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pack::crates::LocalCrate;

    #[test]
    fn a_plain_path_says_the_same() {
        for (written, wanted) in [
            ("./crates/core", "crates/core"),
            ("crates//core/", "crates/core"),
            ("./crates/../core", "core"),
            ("../core", "../core"),
            ("./../../core/.", "../../core"),
            (".", ""),
        ] {
            assert_eq!(plain(written), wanted);
        }
    }

    fn crates(folders: &[&str]) -> LocalCrates {
        let one = |folder: &&str| LocalCrate {
            name: "one".to_owned(),
            folder: (*folder).to_owned(),
        };
        LocalCrates {
            root: "/of/bindings/python".into(),
            extension: one(&""),
            all: folders.iter().map(one).collect(),
        }
    }

    #[test]
    fn the_workspace_moves_only_for_crates_outside_of_it() {
        let folder = |folders: &[&str]| workspace(&crates(folders), std::iter::empty());
        assert_eq!(folder(&["", "crates/a"]).as_deref(), Some(""));
        assert_eq!(folder(&["", "../core"]).as_deref(), Some("python"));
        let both = folder(&["", "../node", "../../core"]);
        assert_eq!(both.as_deref(), Some("bindings/python"));
        assert_eq!(folder(&["../../../../../core"]), None);
        let above = std::iter::once("../../Cargo.toml");
        let both = workspace(&crates(&["", "../core"]), above);
        assert_eq!(both.as_deref(), Some("bindings/python"));
    }

    #[test]
    fn paths_follow_the_workspace() {
        for (written, wanted) in [
            ("src/lib.rs", "bindings/python/src/lib.rs"),
            ("../../core/src/lib.rs", "core/src/lib.rs"),
            ("../../Cargo.toml", "Cargo.toml"),
        ] {
            assert_eq!(path("bindings/python", written), wanted);
        }
        assert_eq!(path("", "crates/a/Cargo.toml"), "crates/a/Cargo.toml");
    }
}
