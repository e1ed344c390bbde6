//! Which crates and C libraries are in a compiled extension.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use cargo_metadata::camino::Utf8PathBuf;
use cargo_metadata::{Message, MetadataCommand, Package, PackageId};
use serde::Deserialize;

use super::{SbomError, tree};
use crate::project::license;
use crate::toolchain::rust;

/// What is in an extension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Linked {
    /// The extension's own crate.
    pub root: String,
    /// Every crate, by name and version; the root too.
    pub crates: BTreeMap<String, Crate>,
    /// C code, by its name and the crate that brought it.
    pub natives: BTreeMap<(String, String), Native>,
}

/// A linked crate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crate {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its licence, where it says one.
    pub license: Option<License>,
    /// SHA-256 of the package, from Cargo.lock; `None` for crates of the workspace.
    pub checksum: Option<String>,
    /// Where its source is kept.
    pub repository: Option<String>,
    /// Keys of the crates it uses.
    pub uses: BTreeSet<String>,
}

/// What a crate says of its licence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum License {
    /// An SPDX expression.
    Expression(String),
    /// Other words, or the name of a file.
    Named(String),
}

impl License {
    fn of(package: &Package) -> Option<Self> {
        let Some(written) = &package.license else {
            let file = package.license_file.as_ref()?.file_name()?;
            return Some(Self::Named(format!("the file {file} of the crate")));
        };
        // How crates wrote `OR` before SPDX.
        let parts: Vec<&str> = written.split('/').map(str::trim).collect();
        Some(match license::expression(&parts.join(" OR ")) {
            Ok(expression) => Self::Expression(expression),
            Err(_) => Self::Named(written.trim().to_owned()),
        })
    }
}

/// C code that a crate brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Native {
    /// Its name.
    pub name: String,
    /// Its version, where the crate's copy of it says one.
    pub version: Option<String>,
    /// SPDX expression, where it is known.
    pub license: Option<String>,
    /// Its address as a package.
    pub purl: Option<String>,
    /// Key of the crate that brought it.
    pub brought_by: String,
    /// Static libraries it was linked as; empty when no build was looked at.
    pub libraries: BTreeSet<String>,
}

#[derive(Deserialize)]
struct Table {
    bundled: Vec<Bundled>,
}

/// A row of `data/bundled.toml`.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Bundled {
    #[serde(rename = "crate")]
    package: String,
    libraries: Vec<String>,
    name: String,
    purl: String,
    license: String,
    version_file: Option<String>,
    #[serde(default)]
    version_words: Vec<String>,
}

impl Bundled {
    /// The version that the copy in the crate's folder has.
    fn version(&self, folder: &Path) -> Option<String> {
        let text = std::fs::read(folder.join(self.version_file.as_ref()?)).ok()?;
        let text = String::from_utf8_lossy(&text);
        let values = self.version_words.iter().map(|word| value(&text, word));
        Some(values.collect::<Option<Vec<_>>>()?.join("."))
    }
}

/// What `word` is defined as: `#define WORD "1.2"` in C, `WORD=1` elsewhere.
fn value(text: &str, word: &str) -> Option<String> {
    text.lines().find_map(|line| {
        let line = line.trim();
        let rest = line.strip_prefix("#define").unwrap_or(line).trim_start();
        let rest = rest.strip_prefix(word)?;
        let rest = rest.strip_prefix([' ', '\t', '='])?;
        let value = rest.split_whitespace().next()?.trim_matches('"');
        (!value.is_empty()).then(|| value.to_owned())
    })
}

/// Finds what is linked into the package of `manifest` on `target`, with the options of
/// cargo that choose its `features`. `messages` is what cargo printed when it built it, where that is at hand.
///
/// # Errors
/// When cargo cannot describe the package, or the messages are of another build.
pub fn linked(
    manifest: &Path,
    target: &str,
    features: &[String],
    messages: Option<&[u8]>,
) -> Result<Linked, SbomError> {
    let mut options = vec![
        "--locked".to_owned(),
        "--filter-platform".to_owned(),
        target.to_owned(),
    ];
    options.extend(features.iter().cloned());
    let metadata = MetadataCommand::new()
        .cargo_path(rust::cargo())
        .manifest_path(manifest)
        .other_options(options)
        .exec()?;
    // Either may be a symbolic link, as everything is in Bazel's folders.
    let real = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let wanted = real(manifest);
    let root = metadata
        .packages
        .iter()
        .find(|p| real(p.manifest_path.as_std_path()) == wanted)
        .ok_or_else(|| SbomError::NoPackage {
            manifest: manifest.display().to_string(),
        })?;
    let build = messages.map(|messages| Build::read(messages, target));
    if let Some(build) = &build
        && !build.compiled.contains(&root.id)
    {
        return Err(SbomError::OtherBuild {
            package: root.name.to_string(),
        });
    }
    let checksums = checksums(metadata.workspace_root.as_std_path())?;
    let mut edges = tree::edges(&metadata, root, manifest, target, features)?;
    if let Some(build) = &build {
        edges.retain(|id, _| build.compiled.contains(*id));
        for uses in edges.values_mut() {
            uses.retain(|id| build.compiled.contains(*id));
        }
    }
    let mut crates = BTreeMap::new();
    for (id, uses) in &edges {
        let package = &metadata[*id];
        crates.insert(
            key(package),
            Crate {
                name: package.name.to_string(),
                version: package.version.to_string(),
                license: License::of(package),
                checksum: package
                    .source
                    .as_ref()
                    .and_then(|_| checksums.get(&key(package)))
                    .cloned(),
                repository: package.repository.clone(),
                uses: uses.iter().map(|id| key(&metadata[*id])).collect(),
            },
        );
    }
    let packages = edges.keys().map(|id| &metadata[*id]);
    Ok(Linked {
        root: key(root),
        natives: natives(packages, build.as_ref()),
        crates,
    })
}

/// `name@version`, as package URLs end.
fn key(package: &Package) -> String {
    format!("{}@{}", package.name, package.version)
}

/// What cargo's messages say of a build.
struct Build {
    compiled: BTreeSet<PackageId>,
    /// Static libraries by the package whose build script linked them.
    libraries: BTreeMap<PackageId, BTreeSet<String>>,
}

impl Build {
    /// Reads the messages of a build for `target`. What was compiled for the
    /// machine that builds, for build scripts and procedural macros, has other
    /// folders, unless the build was not told its target.
    fn read(messages: &[u8], target: &str) -> Self {
        let messages: Vec<Message> = Message::parse_stream(messages).flatten().collect();
        let has_target = |path: &Utf8PathBuf| path.components().any(|part| part.as_str() == target);
        let told = messages.iter().any(|message| match message {
            Message::CompilerArtifact(artifact) => artifact.filenames.iter().any(has_target),
            _ => false,
        });
        let mut build = Self {
            compiled: BTreeSet::new(),
            libraries: BTreeMap::new(),
        };
        for message in messages {
            match message {
                Message::CompilerArtifact(artifact)
                    if !told || artifact.filenames.iter().any(has_target) =>
                {
                    build.compiled.insert(artifact.package_id);
                }
                Message::BuildScriptExecuted(script) if !told || has_target(&script.out_dir) => {
                    for library in script.linked_libs {
                        if let Some(name) = static_library(library.as_str()) {
                            build
                                .libraries
                                .entry(script.package_id.clone())
                                .or_default()
                                .insert(name.to_owned());
                        }
                    }
                }
                _ => {}
            }
        }
        build
    }
}

/// The library of `static=NAME`, which can have modifiers (`static:+verbatim=NAME`)
/// and another name in the sources (`static=NAME:OTHER`).
fn static_library(flag: &str) -> Option<&str> {
    let (kind, name) = flag.split_once('=')?;
    let is_static = kind.split(':').next() == Some("static");
    name.split(':').next().filter(|_| is_static)
}

fn natives<'a>(
    packages: impl Iterator<Item = &'a Package>,
    build: Option<&Build>,
) -> BTreeMap<(String, String), Native> {
    let table: Vec<Bundled> = toml::from_str::<Table>(include_str!("../../data/bundled.toml"))
        .map(|table| table.bundled)
        .unwrap_or_default();
    let mut natives: BTreeMap<(String, String), Native> = BTreeMap::new();
    for package in packages {
        let manifest = package.manifest_path.as_std_path();
        let folder = manifest.parent().unwrap_or(manifest);
        let row = table.iter().find(|row| row.package == *package.name);
        let libraries = build.and_then(|b| b.libraries.get(&package.id));
        let mut add = |name: String, row: Option<&Bundled>, libraries: BTreeSet<String>| {
            let place = (name.clone(), key(package));
            let native = natives.entry(place).or_insert_with(|| Native {
                name,
                version: row.and_then(|r| r.version(folder)),
                license: row.map(|r| r.license.clone()),
                purl: row.map(|r| r.purl.clone()),
                brought_by: key(package),
                libraries: BTreeSet::new(),
            });
            native.libraries.extend(libraries);
        };
        match (row, libraries, build) {
            // No build to look at: what the crate is known to bring.
            (Some(row), None, None) => add(row.name.clone(), Some(row), BTreeSet::new()),
            (row, Some(libraries), _) => {
                for library in libraries {
                    let known = row.filter(|r| r.libraries.iter().any(|l| library.starts_with(l)));
                    let name = known.map_or_else(|| library.clone(), |r| r.name.clone());
                    add(name, known, BTreeSet::from([library.clone()]));
                }
            }
            (_, None, _) => {}
        }
    }
    natives
}

/// Checksums of Cargo.lock, by `name@version`.
fn checksums(root: &Path) -> Result<BTreeMap<String, String>, SbomError> {
    #[derive(Deserialize)]
    struct Lock {
        package: Vec<Locked>,
    }
    #[derive(Deserialize)]
    struct Locked {
        name: String,
        version: String,
        checksum: Option<String>,
    }
    let path = root.join("Cargo.lock");
    let error = |reason: String| SbomError::Lock {
        path: path.display().to_string(),
        reason,
    };
    let text = std::fs::read_to_string(&path).map_err(|e| error(e.to_string()))?;
    let lock: Lock = toml::from_str(&text).map_err(|e| error(e.to_string()))?;
    Ok(lock
        .package
        .into_iter()
        .filter_map(|p| Some((format!("{}@{}", p.name, p.version), p.checksum?)))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_headers_and_from_settings() {
        let header = "/* VERSION 3 */\n#define VERSIONS 9\n# define OTHER 1\n#define\tVERSION\t\"1.2\" /* now */\n";
        assert_eq!(value(header, "VERSION").as_deref(), Some("1.2"));
        assert_eq!(value("MAJOR=3\nMINOR=5\n", "MINOR").as_deref(), Some("5"));
        assert_eq!(value(header, "MISSING"), None);
        assert_eq!(value("#define VERSION", "VERSION"), None);
    }

    #[test]
    fn static_libraries_are_told_from_others() {
        for (flag, wanted) in [
            ("static=lmdb", Some("lmdb")),
            ("static:+whole-archive,-bundle=lmdb", Some("lmdb")),
            ("static=lmdb:other", Some("lmdb")),
            ("dylib=c", None),
            ("c", None),
        ] {
            assert_eq!(static_library(flag), wanted, "{flag}");
        }
    }

    #[test]
    fn the_table_can_be_read() {
        let table: Table = toml::from_str(include_str!("../../data/bundled.toml")).unwrap();
        let known = table.bundled.iter().find(|row| row.name == "LMDB");
        assert!(known.is_some_and(|row| row.version_words.len() == 3));
    }
}
