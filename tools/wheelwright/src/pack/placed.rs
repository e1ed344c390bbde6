//! Where the crates of an sdist lie in it, if some lie outside of their workspace.

use super::crates::{LocalCrate, LocalCrates};

/// The folder of the workspace in the sdist: empty, unless crates lie beside or above it.
/// Then the sdist has the part of the repository that holds them all, as it is there.
pub(super) fn workspace(crates: &LocalCrates) -> Option<String> {
    let up = |one: &LocalCrate| one.folder.split('/').filter(|part| *part == "..").count();
    let up = crates.all.iter().map(up).max().unwrap_or_default();
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

#[cfg(test)]
mod tests {
    use super::*;

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
        let folder = |folders: &[&str]| workspace(&crates(folders));
        assert_eq!(folder(&["", "crates/a"]).as_deref(), Some(""));
        assert_eq!(folder(&["", "../core"]).as_deref(), Some("python"));
        let both = folder(&["", "../node", "../../core"]);
        assert_eq!(both.as_deref(), Some("bindings/python"));
        assert_eq!(folder(&["../../../../../core"]), None);
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
