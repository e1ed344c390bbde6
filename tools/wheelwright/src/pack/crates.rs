//! The crates that a native package's sdist holds: its extension and every
//! crate of the repository below it, as a workspace of their own.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use cargo_metadata::{DependencyKind, MetadataCommand, Package};
use toml::{Table, Value};

use super::resolve::resolve;
use super::{PackError, cargo_config, crate_readme, other_workspaces, placed};
use crate::project::cargo_toml::CargoToml;
use crate::project::files::{self, File};
use crate::project::{Project, ProjectError, source};
use crate::toolchain::rust;

/// Folders of a crate that its users have no need of.
const NOT_NEEDED: &[&str] = &[
    "tests/",
    "benches/",
    "examples/",
    "fuzz/",
    "proptest-regressions/",
];
/// Tables of a manifest that only name what is in those folders.
const ONLY_FOR_TESTS: &[&str] = &["dev-dependencies", "bench", "test", "example"];

/// What a repository has beside a crate that lives in its top folder, and what an sdist
/// gets anyway.
const NOT_OF_THE_CRATE: &[&str] = &["dist/", "wheelwright.toml", "PKG-INFO", "pyproject.toml"];
/// Tables of a top manifest that are about all crates.
const OF_THE_WORKSPACE: &[&str] = &["workspace", "profile", "patch", "replace"];

/// A crate of the repository.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LocalCrate {
    /// Its name.
    pub name: String,
    /// Its folder, relative to the workspace's, with `/`; empty if it is the same.
    pub folder: String,
}

impl LocalCrate {
    /// The path of one of its files, relative to the workspace.
    pub fn path(&self, file: &str) -> String {
        if self.folder.is_empty() {
            file.to_owned()
        } else {
            format!("{}/{file}", self.folder)
        }
    }
}

/// What is known of a crate in a folder.
struct Member {
    name: String,
    /// The folders of the crates of the repository that it is compiled with.
    needs: Vec<PathBuf>,
}

impl Member {
    /// As cargo describes it.
    fn of(package: &Package) -> Self {
        let dependencies = package.dependencies.iter();
        let needs = dependencies
            .filter(|one| one.kind != DependencyKind::Development)
            .filter_map(|one| Some(one.path.as_ref()?.as_std_path().to_owned()));
        Self {
            name: package.name.to_string(),
            needs: needs.collect(),
        }
    }

    /// As its manifest says.
    fn read(folder: &Path) -> Result<Self, ProjectError> {
        let manifest = CargoToml::read(&folder.join("Cargo.toml"))?;
        Ok(Self {
            name: manifest.text("name").unwrap_or_default().to_owned(),
            needs: manifest.beside(),
        })
    }
}

/// The crates of a repository that an extension is compiled from.
#[derive(Debug, Clone)]
pub struct LocalCrates {
    /// The workspace's folder.
    pub root: PathBuf,
    /// The extension's crate, relative to the workspace, with `/`.
    pub extension: LocalCrate,
    /// It and those below it, sorted.
    pub all: Vec<LocalCrate>,
}

/// What an sdist has of the workspace. Paths are those of the sdist.
#[derive(Debug)]
pub struct Workspace {
    /// The files, sorted.
    pub files: Vec<File>,
    /// The manifest of the extension's crate.
    pub manifest: String,
}

impl LocalCrates {
    /// Finds the crates of `project`'s extension. Starts cargo, but needs no
    /// network and resolves nothing.
    ///
    /// # Errors
    /// The manifest that `[tool.maturin]` names cannot be used.
    pub fn find(project: &Project) -> Result<Self, PackError> {
        let problem = |problem: String| PackError::Crates {
            project: project.name.to_string(),
            problem,
        };
        let Some(maturin) = &project.maturin else {
            return Err(problem("it has no native extension".to_owned()));
        };
        let manifest = project.folder.join(&maturin.manifest_path);
        let metadata = MetadataCommand::new()
            .cargo_path(rust::cargo())
            .manifest_path(&manifest)
            .no_deps()
            .exec()
            .map_err(|error| problem(error.to_string()))?;
        let root = metadata.workspace_root.as_std_path();
        let mut by_folder: BTreeMap<PathBuf, Member> = metadata
            .packages
            .iter()
            .filter_map(|package| {
                let folder = package.manifest_path.as_std_path().parent()?.to_owned();
                Some((folder, Member::of(package)))
            })
            .collect();
        let start = std::fs::canonicalize(&manifest)
            .ok()
            .and_then(|manifest| manifest.parent().map(Path::to_owned))
            .and_then(|folder| {
                by_folder
                    .keys()
                    .find(|known| std::fs::canonicalize(known).is_ok_and(|known| known == folder))
            })
            .cloned()
            .ok_or_else(|| problem(format!("{} is in no cargo workspace", manifest.display())))?;
        let mut queue = vec![start.clone()];
        let mut found = BTreeSet::new();
        while let Some(folder) = queue.pop() {
            let member = match by_folder.entry(folder.clone()) {
                Entry::Occupied(known) => known.into_mut(),
                // A crate of the repository that is not a member of the workspace. cargo would
                // want the whole of the workspace that it is in, which an sdist may not have.
                Entry::Vacant(place) => place.insert(Member::read(&folder)?),
            };
            let more = member.needs.iter().filter(|path| !found.contains(*path));
            queue.extend(more.cloned());
            found.insert(folder);
        }
        let local = |folder: &Path| -> Result<LocalCrate, PackError> {
            let relative = below(root, folder)
                .ok_or_else(|| problem(format!("{} is no path in UTF-8", folder.display())))?;
            Ok(LocalCrate {
                name: by_folder[folder].name.clone(),
                folder: relative,
            })
        };
        let mut all = found
            .iter()
            .map(|folder| local(folder))
            .collect::<Result<Vec<_>, _>>()?;
        all.sort();
        Ok(Self {
            root: root.to_owned(),
            extension: local(&start)?,
            all,
        })
    }

    /// The manifest of the extension's crate.
    pub fn manifest(&self) -> PathBuf {
        self.root.join(self.extension.path("Cargo.toml"))
    }

    /// Every file of these crates that can matter to a build, sorted by path
    /// (relative to the workspace).
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn files(&self, project: &Project) -> Result<Vec<File>, ProjectError> {
        let mut all = Vec::new();
        for member in &self.all {
            let mut found = files::of_crate(project, &self.root.join(&member.folder))?;
            found.retain(|file| {
                let starts = |folder: &str| file.path.starts_with(folder);
                let top = member.folder.is_empty();
                let beside = top && NOT_OF_THE_CRATE.iter().any(|name| starts(name));
                !beside && !NOT_NEEDED.iter().any(|folder| starts(folder))
            });
            all.extend(found.into_iter().map(|file| File {
                path: member.path(&file.path),
                ..file
            }));
        }
        // A crate in the top folder has the others below it.
        all.sort_by(|a, b| a.path.cmp(&b.path));
        all.dedup_by(|a, b| a.path == b.path);
        Ok(all)
    }

    /// The files of a workspace that holds these crates only: their sources,
    /// manifests without what tests need, a `Cargo.toml`, and the part of
    /// `Cargo.lock` that is about them. With `vendor`, also every crate that
    /// they need, and a cargo configuration that says so.
    ///
    /// # Errors
    /// `vendor` is asked for and a crate lies outside of the workspace's folder, a manifest
    /// cannot be read, or cargo cannot resolve the new workspace.
    pub fn workspace(&self, project: &Project, vendor: bool) -> Result<Workspace, PackError> {
        let others = other_workspaces::manifests(self)?;
        let place = self.place(project, &others, vendor)?;
        let profile = project.maturin.as_ref();
        let profile = profile.map_or("release", |maturin| &maturin.profile);
        let mut all = self.files(project)?;
        for file in &mut all {
            let is_manifest = self
                .all
                .iter()
                .any(|member| file.path == member.path("Cargo.toml"));
            if is_manifest {
                file.bytes = self.member_manifest(&file.path)?.into_bytes();
            }
        }
        all.retain(|file| !matches!(file.path.as_str(), "Cargo.toml" | "Cargo.lock"));
        all.push(File {
            path: "Cargo.toml".to_owned(),
            bytes: self.root_manifest(profile)?.into_bytes(),
        });
        let lock = self.root.join("Cargo.lock");
        let lock =
            std::fs::read(&lock).map_err(|source| ProjectError::Read { path: lock, source })?;
        all.push(File {
            path: "Cargo.lock".to_owned(),
            bytes: lock,
        });
        all.retain(|file| !others.iter().any(|other| other.path == file.path));
        all.extend(others);
        crate_readme::add(project, self, &mut all)?;
        for file in &mut all {
            file.path = placed::path(&place, &file.path);
        }
        all.retain(|file| !file.path.starts_with(".cargo/"));
        all.extend(cargo_config::file(&self.root));
        all.sort_by(|a, b| a.path.cmp(&b.path));
        all.dedup_by(|a, b| a.path == b.path);
        resolve(project, &place, &mut all, vendor)?;
        all.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Workspace {
            files: all,
            manifest: placed::path(&place, &self.extension.path("Cargo.toml")),
        })
    }

    /// The folder of the workspace in the sdist, where `others` lie beside or above it.
    fn place(&self, project: &Project, others: &[File], vendor: bool) -> Result<String, PackError> {
        let problem = |problem: String| PackError::Crates {
            project: project.name.to_string(),
            problem,
        };
        let outside = self.all.iter().find(|one| one.folder.starts_with(".."));
        if let Some(outside) = outside.filter(|_| vendor) {
            return Err(problem(format!(
                "crate {} lies in {}, outside of {}, and `--vendor` needs one folder; make both \
                 members of one workspace (its Cargo.toml in a folder above them)",
                outside.name,
                outside.folder,
                self.root.display()
            )));
        }
        let others = others.iter().map(|file| file.path.as_str());
        placed::workspace(self, others)
            .ok_or_else(|| problem(format!("{} is no path in UTF-8", self.root.display())))
    }

    pub(super) fn read_manifest(&self, relative: &str) -> Result<Table, ProjectError> {
        let path = self.root.join(relative);
        let text = std::fs::read_to_string(&path).map_err(|source| ProjectError::Read {
            path: path.clone(),
            source,
        })?;
        source::parse(&path, &text)
    }

    fn member_manifest(&self, relative: &str) -> Result<String, PackError> {
        let mut manifest = self.read_manifest(relative)?;
        forget_tests(&mut manifest);
        Ok(manifest.to_string())
    }

    /// The manifest in the workspace's folder, with the `profile` that is built with.
    fn root_manifest(&self, profile: &str) -> Result<String, PackError> {
        let mut manifest = self.read_manifest("Cargo.toml")?;
        if self.all.iter().any(|member| member.folder.is_empty()) {
            forget_tests(&mut manifest);
        } else {
            // A crate in that folder that the extension does not need.
            manifest.retain(|table, _| OF_THE_WORKSPACE.contains(&table));
        }
        if let Some(profiles) = manifest.get_mut("profile").and_then(Value::as_table_mut) {
            // The others may speak of crates that are not in this workspace.
            let needed = needed(profiles, profile);
            profiles.retain(|name, _| name == "release" || needed.iter().any(|one| one == name));
        }
        if let Some(workspace) = manifest.get_mut("workspace").and_then(Value::as_table_mut) {
            let members = self
                .all
                .iter()
                .filter(|member| !member.folder.is_empty() && !member.folder.starts_with(".."))
                .map(|member| Value::String(member.folder.clone()))
                .collect();
            workspace.insert("members".to_owned(), Value::Array(members));
            for key in ["default-members", "exclude", "metadata"] {
                workspace.remove(key);
            }
            if let Some(shared) = workspace
                .get_mut("dependencies")
                .and_then(Value::as_table_mut)
            {
                shared.retain(|_, dependency| {
                    match dependency.get("path").and_then(Value::as_str) {
                        Some(path) => self
                            .all
                            .iter()
                            .any(|member| member.folder == placed::plain(path)),
                        None => true,
                    }
                });
            }
        }
        Ok(manifest.to_string())
    }
}

/// A profile and those that it inherits from.
fn needed(profiles: &Table, profile: &str) -> Vec<String> {
    let mut names = vec![profile.to_owned()];
    while let Some(next) = profiles
        .get(&names[names.len() - 1])
        .and_then(|table| table.get("inherits")?.as_str())
        .filter(|next| !names.iter().any(|known| known == next))
    {
        names.push(next.to_owned());
    }
    names
}

/// A folder as seen from `root`, with `/`; with `..` if it is not below it.
pub(super) fn below(root: &Path, folder: &Path) -> Option<String> {
    let common = root
        .iter()
        .zip(folder.iter())
        .take_while(|(ours, others)| ours == others)
        .count();
    let up = root.iter().skip(common).map(|_| Some(".."));
    let down = folder.iter().skip(common).map(|part| part.to_str());
    let parts: Option<Vec<&str>> = up.chain(down).collect();
    Some(parts?.join("/"))
}

/// Drops what only tests need: it is not in the sdist.
pub(super) fn forget_tests(manifest: &mut Table) {
    let targets = manifest.get_mut("target").and_then(Value::as_table_mut);
    for target in targets.into_iter().flat_map(|targets| targets.iter_mut()) {
        if let Some(target) = target.1.as_table_mut() {
            target.remove("dev-dependencies");
        }
    }
    for table in ONLY_FOR_TESTS {
        manifest.remove(*table);
    }
}

#[cfg(test)]
mod tests {
    use super::needed;

    #[test]
    fn a_profile_comes_with_what_it_inherits_from() {
        let profiles = "[small]\ninherits = 'dist'\n[dist]\ninherits = 'release'\n[dev]\n\
                        [a]\ninherits = 'b'\n[b]\ninherits = 'a'\n";
        let profiles = profiles.parse().unwrap();
        assert_eq!(needed(&profiles, "small"), ["small", "dist", "release"]);
        assert_eq!(needed(&profiles, "release"), ["release"]);
        assert_eq!(needed(&profiles, "a"), ["a", "b"]);
    }
}
