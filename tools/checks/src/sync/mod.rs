//! `cargo checks sync`: the copies of facts that other programs need in files of
//! their own. `--write` writes them; without it, a copy that differs is an error.

mod copies;
mod regions;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::Path;

use similar::TextDiff;

use crate::context::Context;
use crate::error::{Error, Result};
use crate::facts;
use crate::log::Log;
use crate::steps::Done;

/// A file as the facts say it.
struct Changed {
    path: String,
    old: String,
    new: String,
}

/// Compares every copy with its fact; writes those that differ if asked to.
pub fn run(context: &Context, log: &mut Log) -> Result<Done> {
    let facts = facts::read(context)?;
    let mut wanted: BTreeMap<String, BTreeMap<&str, Vec<String>>> = BTreeMap::new();
    for copy in copies::all(&facts) {
        let regions = wanted.entry(copy.file).or_default();
        regions.insert(copy.region, copy.lines);
    }
    let mut findings = strays(context, &wanted)?;
    let mut changed = Vec::new();
    for (path, regions) in &wanted {
        let old = match context.read(path) {
            Ok(text) => text,
            Err(_) if !context.root.join(path).exists() => String::new(),
            Err(error) => return Err(error),
        };
        let whole = regions.contains_key(copies::WHOLE) && old.is_empty();
        let base = if whole { copies::EMPTY } else { old.as_str() };
        match regions::filled(base, regions) {
            Ok(new) if new == old => {}
            Ok(new) => changed.push(Changed {
                path: path.clone(),
                old,
                new,
            }),
            Err(problem) => findings.push(format!("{path}: {problem}")),
        }
    }
    log.findings(&findings)?; // then nothing is written, not even what could be
    for Changed { path, old, new } in &changed {
        let diff = TextDiff::from_lines(old.as_str(), new.as_str());
        let mut diff = diff.unified_diff();
        log.say(diff.context_radius(2).header(path, path).to_string());
    }
    let count: usize = wanted.values().map(BTreeMap::len).sum();
    let names: Vec<&str> = changed.iter().map(|file| file.path.as_str()).collect();
    let names = names.join(", ");
    if changed.is_empty() {
        let files = wanted.len();
        return Ok(Done::Passed(format!(
            "{count} copies in {files} files are as their facts"
        )));
    }
    if !context.write {
        return Err(Error::Stale { files: names });
    }
    for Changed { path, new, .. } in &changed {
        replace(&context.root.join(path), new)?;
    }
    Ok(Done::Passed(format!("wrote {names}")))
}

/// Finds regions in files for which there are no copies.
fn strays(
    context: &Context,
    wanted: &BTreeMap<String, BTreeMap<&str, Vec<String>>>,
) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    for file in context.files()? {
        let path = context.root.join(&file);
        if wanted.contains_key(&file) || !path.is_file() {
            continue;
        }
        let bytes = fs::read(&path).map_err(Error::io(&path))?;
        let Ok(text) = std::str::from_utf8(&bytes) else {
            continue;
        };
        if !text.contains("<sync:") && !text.contains("</sync>") {
            continue;
        }
        match regions::find(text) {
            Ok(regions) => findings.extend(regions.iter().map(|region| {
                let (line, name) = (region.line, &region.name);
                format!(
                    "{file}: line {line}: no fact is copied into a region `{name}` of this file"
                )
            })),
            Err(problem) => findings.push(format!("{file}: {problem}")),
        }
    }
    Ok(findings)
}

/// Replaces a file by another one at once: whoever reads it sees the old text or the new.
fn replace(path: &Path, text: &str) -> Result<()> {
    let folder = path.parent().unwrap_or(path);
    let mut file = tempfile::Builder::new()
        .prefix(".sync-")
        .tempfile_in(folder)
        .map_err(Error::io(folder))?;
    file.write_all(text.as_bytes()).map_err(Error::io(path))?;
    if let Ok(meta) = fs::metadata(path) {
        fs::set_permissions(file.path(), meta.permissions()).map_err(Error::io(path))?;
    } else {
        #[cfg(unix)] // a temporary file is its owner's alone; a source file is not
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::Permissions::from_mode(0o644);
            fs::set_permissions(file.path(), mode).map_err(Error::io(path))?;
        }
    }
    file.persist(path).map_err(|error| Error::Io {
        path: path.to_path_buf(),
        source: error.error,
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    /// A repository of one crate and one package, its copies not written yet.
    fn repository() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let put = |path: &str, text: &str| {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        put(
            "rust-toolchain.toml",
            "# <sync:rust>\n# </sync>\n# <sync:platforms>\n# </sync>\n",
        );
        put(
            "wheelwright.toml",
            "packages = ['python/one']\nplatforms = ['p']\n[facts]\nrust = '1.2.3'\npythons = ['3.9', '3.12']\nrunners.p = 'r'\n",
        );
        put(
            "tools/x/platforms.toml",
            "[[platform]]\nname = 'p'\nwheel-tag = 'win_amd64'\nrust-target = 'x86_64-pc-windows-gnullvm'\n\
             zig-target = 'z'\n",
        );
        put(".gitignore", "target/\n");
        put("Cargo.toml", "[workspace.package]\nrust-version = '1.2'\n");
        put("python/one/pyproject.toml", "[project]\nname = 'one'\n");
        put(
            ".github/workflows/release-python.yml",
            "uses: pypa/gh-action-pypi-publish@abc # v1\n",
        );
        let git = |arguments: &[&str]| {
            let mut git = Command::new("git");
            assert!(
                git.current_dir(folder.path())
                    .args(arguments)
                    .status()
                    .unwrap()
                    .success()
            );
        };
        git(&["init", "--quiet"]);
        // Every other file that has copies, with nothing but its empty regions.
        let facts = facts::read(&context(&folder, false)).unwrap();
        let mut files: BTreeMap<String, String> = BTreeMap::new();
        for copy in copies::all(&facts) {
            if !copy.file.starts_with("python/one/") && copy.file != "rust-toolchain.toml" {
                let text = files.entry(copy.file).or_default();
                text.extend(["# <sync:", copy.region, ">\n# </sync>\n"]);
            }
        }
        for (path, text) in files {
            let publisher = path.ends_with("release-python.yml");
            let more = if publisher {
                "# uses: pypa/gh-action-pypi-publish@abc # v1\n"
            } else {
                ""
            };
            put(&path, &format!("{more}{text}"));
        }
        folder
    }

    fn context(folder: &tempfile::TempDir, write: bool) -> Context {
        Context::at(folder.path(), write)
    }

    fn sync(folder: &tempfile::TempDir, write: bool) -> (Result<Done>, String) {
        let mut log = Log::create(&folder.path().join("target/log"), false).unwrap();
        let done = run(&context(folder, write), &mut log);
        (done, log.text())
    }

    #[test]
    fn copies_are_compared_and_written_and_stay_written() {
        let folder = repository();
        let read = |path: &str| fs::read_to_string(folder.path().join(path));
        let before = read("rust-toolchain.toml").unwrap();
        let (compared, log) = sync(&folder, false);
        let why = compared.err().unwrap().to_string();
        assert!(
            why.contains("rust-toolchain.toml") && why.contains("--write"),
            "{why}"
        );
        assert!(log.contains("+channel = \"1.2.3\""), "{log}");
        assert_eq!(
            read("rust-toolchain.toml").unwrap(),
            before,
            "only compared"
        );

        assert!(sync(&folder, true).0.is_ok());
        let text = read("rust-toolchain.toml").unwrap();
        assert!(
            text.contains("channel = \"1.2.3\"") && text.contains("gnullvm"),
            "{text}"
        );
        let made = read("python/one/BUILD.bazel").unwrap();
        assert!(made.contains("python_package(name = \"one\")"), "{made}");
        assert!(matches!(sync(&folder, false).0, Ok(Done::Passed(_))));
        let mut left = fs::read_dir(folder.path()).unwrap().flatten();
        let temporary =
            |file: fs::DirEntry| file.file_name().to_string_lossy().starts_with(".sync");
        assert!(!left.any(temporary));
    }

    #[test]
    fn one_mistake_and_nothing_is_written() {
        let folder = repository();
        let broken = "# <sync:platforms>\n";
        fs::write(folder.path().join("deny.toml"), broken).unwrap();
        let (done, log) = sync(&folder, true);
        assert!(done.is_err());
        assert!(
            log.contains("deny.toml: line 1: the region `platforms` has no"),
            "{log}"
        );
        let text = fs::read_to_string(folder.path().join("rust-toolchain.toml")).unwrap();
        assert!(!text.contains("channel"), "{text}");
    }

    #[test]
    fn a_region_that_nothing_fills_is_found() {
        let folder = repository();
        fs::write(
            folder.path().join("other.toml"),
            "\n# <sync:mine>\n# </sync>\n",
        )
        .unwrap();
        let (_, log) = sync(&folder, false);
        assert!(
            log.contains("other.toml: line 2: no fact is copied"),
            "{log}"
        );
    }
}
